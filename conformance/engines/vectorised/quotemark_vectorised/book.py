"""Phase 7: what the shape of each market's order book says of its drift.

A side of the books is a pair of arrays [level, market], prices and sizes, best first. Markets may
have fewer levels than others: a level whose price is NaN is none.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from quotemark_reference.config import BookConfig
from quotemark_reference.errors import CrossedBookError, OutOfRangeError
from quotemark_vectorised.arrays import (
    BPS_PER_UNIT,
    BoolArray,
    Figures,
    FloatArray,
    check_positive,
    clip,
)
from quotemark_vectorised.drift import Observations, bounded

DEPTHS_BPS = (10.0, 25.0, 50.0)
BORDER_BPS = 1e-9  # a level so near beyond d counts as at d

BookSide: TypeAlias = tuple[FloatArray, FloatArray]
"""Prices and sizes [level, market] of one side."""


def check_books(bids: BookSide, asks: BookSide, where: BoolArray) -> None:
    """Raise unless levels are positive and best first, and no book is crossed (Q-08)."""
    for name, (prices, sizes), falls in (("bids", bids, True), ("asks", asks, False)):
        present = where & ~np.isnan(prices)
        if prices.size:
            check_positive(f"price in {name}", prices, present)
            check_positive(f"size in {name}", sizes, present)
        disorder = prices[1:] >= prices[:-1] if falls else prices[1:] <= prices[:-1]
        if (where & disorder).any():
            raise OutOfRangeError(f"{name} has levels out of order, expected best first")
    crossed = where & (best(bids) > best(asks))
    if crossed.any():
        raise CrossedBookError(f"best bid of market {crossed.argmax()} is above its best ask")


def best(side: BookSide) -> FloatArray:
    """Best prices of a side; NaN where it is empty."""
    prices, _ = side
    return prices[0] if len(prices) else np.full(prices.shape[-1], np.nan)


def mids(bids: BookSide, asks: BookSide) -> FloatArray:
    """Mids of the books; NaN where a side is empty."""
    return (best(bids) + best(asks)) / 2.0


def imbalances(bid_sizes: FloatArray, ask_sizes: FloatArray) -> FloatArray:
    """BIM in [-1, 1], bullish positive; 0 where nothing rests (D-26)."""
    total = bid_sizes + ask_sizes
    # BIM = (bids - asks) / (bids + asks)
    return np.where(total > 0.0, (bid_sizes - ask_sizes) / total, 0.0)


def sizes_within(side: BookSide, mid: FloatArray) -> FloatArray:
    """Contracts [depth, market] of a side within 10, 25 and 50 bp of mid, border included."""
    prices, sizes = side
    distances = np.abs(prices - mid)
    reaches = [mid * (depth_bps + BORDER_BPS) / BPS_PER_UNIT for depth_bps in DEPTHS_BPS]
    return np.array([np.where(distances <= reach, sizes, 0.0).sum(axis=0) for reach in reaches])


def bim_observations(
    bim: FloatArray, depth_usd: FloatArray, said: BoolArray, config: BookConfig
) -> Observations:
    """BIM(10) as drift observations, noisier the thinner the book (D-27)."""
    said = said & (np.asarray(config.alpha_bim) > 0.0)
    if config.calibration == "calibrated":
        # z = S BIM, R = R_0 max(1, depth_ref / depth)
        thinness = np.maximum(1.0, config.depth_ref_usd / depth_usd)
        variance = config.calibrated_variance * thinness
        return bounded(config.calibrated_drift_scale * bim, variance, said)
    # z = alpha BIM, R = sigma_bim^2 depth_ref / max(depth, depth_floor)
    thinness = config.depth_ref_usd / np.maximum(depth_usd, config.depth_floor_usd)
    return bounded(config.alpha_bim * bim, config.sigma_bim**2 * thinness, said)


def dbim_observations(
    delta_bim_per_s: FloatArray, said: BoolArray, config: BookConfig
) -> Observations:
    """Delta-BIM, clipped to [-1, 1], as drift observations: fading bids are bearish."""
    said = said & (np.asarray(config.alpha_dbim) > 0.0)
    if config.calibration == "calibrated":
        # z = S delta-BIM, R = R_0
        z_bps_per_s = config.calibrated_drift_scale * delta_bim_per_s
        return bounded(z_bps_per_s, config.calibrated_variance, said)
    # z = alpha delta-BIM, R = sigma_dbim^2
    return bounded(config.alpha_dbim * delta_bim_per_s, config.sigma_dbim**2, said)


def bpg_observations(
    pressure_gradient: FloatArray, said: BoolArray, config: BookConfig
) -> Observations:
    """Pressure gradient as drift observations: fragile bid support is bearish (D-28)."""
    said = said & (np.asarray(config.alpha_bpg) > 0.0)
    if config.calibration == "calibrated":
        # BPG is in [-2, 2]: z = -S BPG / 2, R = R_0
        z_bps_per_s = -config.calibrated_drift_scale * pressure_gradient / 2.0
        return bounded(z_bps_per_s, config.calibrated_variance, said)
    # z = -alpha BPG, whatever the position
    return bounded(-config.alpha_bpg * pressure_gradient, config.bpg_variance, said)


class BookFeatures:
    """Features of each market's last book; delta-BIM follows BIM(10) from cycle to cycle.

    ``imbalances`` and ``insufficient`` are [depth, market], for 10, 25 and 50 bp.
    """

    def __init__(self, config: BookConfig, markets: int) -> None:
        self._config = config
        self.imbalances: FloatArray = np.zeros((len(DEPTHS_BPS), markets))
        self.insufficient: BoolArray = np.ones((len(DEPTHS_BPS), markets), np.bool_)
        self.depth_usd: FloatArray = np.zeros(markets)
        self._last_bim: FloatArray = np.zeros(markets)
        self._last_ms: FloatArray = np.full(markets, np.nan)
        self._slope_per_s: FloatArray = np.full(markets, np.nan)

    def record_books(self, bids: BookSide, asks: BookSide, where: BoolArray) -> None:
        """Measure a book of each market of ``where``; one with an empty side has no shape."""
        mid = mids(bids, asks)
        two_sided = ~np.isnan(mid)
        bid_sizes, ask_sizes = sizes_within(bids, mid), sizes_within(asks, mid)
        bim = np.where(two_sided, imbalances(bid_sizes, ask_sizes), 0.0)
        depth_usd = np.where(two_sided, (bid_sizes[0] + ask_sizes[0]) * mid, 0.0)
        # the last level of the side that reaches less far; levels that are none do not count
        last_bid = np.fmin.reduce(bids[0], axis=0, initial=np.inf)
        last_ask = np.fmax.reduce(asks[0], axis=0, initial=-np.inf)
        reached_bps = np.minimum(mid - last_bid, last_ask - mid) / mid * BPS_PER_UNIT
        least_bps = np.array(DEPTHS_BPS)[:, None] - BORDER_BPS
        insufficient = ~two_sided | (reached_bps < least_bps)
        self.imbalances = np.where(where, bim, self.imbalances)
        self.depth_usd = np.where(where, depth_usd, self.depth_usd)
        self.insufficient = np.where(where, insufficient, self.insufficient)

    def follow(self, t_ms: Figures, where: BoolArray) -> None:
        """Move delta-BIM to ``t_ms``, once a cycle; without size within 10 bp nothing moves."""
        bim = self.imbalances[0]
        present = where & (self.depth_usd != 0.0)
        moved = present & (t_ms > self._last_ms)
        # derivative of BIM(10) per second, smoothed from the first one on
        slope_per_s = (bim - self._last_bim) / ((t_ms - self._last_ms) / 1000.0)
        smoothed = np.where(np.isnan(self._slope_per_s), slope_per_s, self._slope_per_s)
        smoothed = smoothed + self._config.dbim_smoothing * (slope_per_s - smoothed)
        self._slope_per_s = np.where(moved, smoothed, self._slope_per_s)
        stored = moved | (present & np.isnan(self._last_ms))
        self._last_bim = np.where(stored, bim, self._last_bim)
        self._last_ms = np.where(stored, t_ms, self._last_ms)

    def delta_bim_per_s(self) -> FloatArray:
        """Delta-BIM, clipped to [-1, 1]; NaN before the first derivative (D-26)."""
        return clip(self._slope_per_s, -1.0, 1.0)

    def pressure_gradient(self) -> FloatArray:
        """BPG = BIM(10) - BIM(50); NaN where the book does not reach 50 bp (D-45)."""
        return np.where(self.insufficient[2], np.nan, self.imbalances[0] - self.imbalances[2])

    def drift_observations(self, where: BoolArray) -> list[tuple[str, Observations]]:
        """What the books say, by source; a market's book without size near mid says nothing."""
        config, present = self._config, where & (self.depth_usd != 0.0)
        slope, gradient = self.delta_bim_per_s(), self.pressure_gradient()
        return [
            ("bim", bim_observations(self.imbalances[0], self.depth_usd, present, config)),
            ("dbim", dbim_observations(slope, present & ~np.isnan(slope), config)),
            ("bpg", bpg_observations(gradient, present & ~np.isnan(gradient), config)),
        ]
