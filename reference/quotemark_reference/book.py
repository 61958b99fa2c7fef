"""Phase 7: what the shape of the order book says of the drift.

BIM(d) is the imbalance of resting size within d bp of mid, delta-BIM its slope in time, and the
pressure gradient BPG = BIM(10) - BIM(50): support near the touch alone is fragile. None looks at
the own position (D-28).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from quotemark_reference.config import BPS_PER_UNIT, BookConfig
from quotemark_reference.drift import Observation, bounded
from quotemark_reference.errors import CrossedBookError, OutOfRangeError, check_positive

DEPTHS_BPS = (10.0, 25.0, 50.0)
DEEP_BPS = DEPTHS_BPS[-1]
BORDER_BPS = 1e-9  # a level so near beyond d counts as at d, however its distance is computed

BookSide = Sequence[tuple[float, float]]
"""Levels (price, size), best first."""


@dataclass(frozen=True, slots=True)
class BookShape:
    """Imbalance of a book at 10, 25 and 50 bp of mid, what rests within 10, and what it reaches.

    ``imbalances`` are in [-1, 1], bullish positive; ``depth_usd`` is the contracts of both sides
    within 10 bp, times mid; ``insufficient_depth_bps`` are the depths that a side does not reach.
    """

    imbalances: tuple[float, float, float] = (0.0, 0.0, 0.0)
    depth_usd: float = 0.0
    insufficient_depth_bps: tuple[float, ...] = DEPTHS_BPS

    def pressure_gradient(self) -> float | None:
        """BPG = BIM(10) - BIM(50); ``None`` where the book does not reach 50 bp (D-45)."""
        if DEEP_BPS in self.insufficient_depth_bps:
            return None
        return self.imbalances[0] - self.imbalances[2]


def check_book(bids: BookSide, asks: BookSide) -> None:
    """Raise unless levels are positive and best first, and the book is not crossed (Q-08)."""
    _check_side("bids", bids, descending=True)
    _check_side("asks", asks, descending=False)
    if bids and asks and bids[0][0] > asks[0][0]:
        raise CrossedBookError(f"best bid {bids[0][0]} is above best ask {asks[0][0]}")


def _check_side(name: str, levels: BookSide, *, descending: bool) -> None:
    previous: float | None = None
    for price, size in levels:
        check_positive(f"price in {name}", price)
        check_positive(f"size in {name}", size)
        if previous is not None and (price >= previous if descending else price <= previous):
            raise OutOfRangeError(f"{name} has {price} after {previous}, expected best first")
        previous = price


def imbalance(bid_size: float, ask_size: float) -> float:
    """BIM in [-1, 1], bullish positive; 0 where nothing rests (D-26)."""
    total = bid_size + ask_size
    # BIM = (bids - asks) / (bids + asks)
    return (bid_size - ask_size) / total if total > 0.0 else 0.0


def sizes_within(side: BookSide, mid: float) -> list[float]:
    """Contracts of a side within 10, 25 and 50 bp of mid, the border included."""
    sizes = []
    total = 0.0
    level = 0
    for depth_bps in DEPTHS_BPS:
        reach = mid * (depth_bps + BORDER_BPS) / BPS_PER_UNIT
        while level < len(side) and abs(side[level][0] - mid) <= reach:
            total += side[level][1]
            level += 1
        sizes.append(total)
    return sizes


def measure(bids: BookSide, asks: BookSide) -> BookShape:
    """Shape of a book, best levels first and not crossed; distances are from its own mid.

    A book with an empty side has no shape: imbalances of 0, no depth reached (D-26).
    """
    if not bids or not asks:
        return BookShape()
    mid = (bids[0][0] + asks[0][0]) / 2.0
    bid_sizes, ask_sizes = sizes_within(bids, mid), sizes_within(asks, mid)
    shallow, middle, deep = map(imbalance, bid_sizes, ask_sizes)
    reached_bps = min(mid - bids[-1][0], asks[-1][0] - mid) / mid * BPS_PER_UNIT
    return BookShape(
        imbalances=(shallow, middle, deep),
        depth_usd=(bid_sizes[0] + ask_sizes[0]) * mid,
        insufficient_depth_bps=tuple(d for d in DEPTHS_BPS if reached_bps < d - BORDER_BPS),
    )


def bim_observation(bim: float, depth_usd: float, config: BookConfig) -> Observation | None:
    """BIM(10) as a drift observation, noisier the thinner the book (D-27)."""
    if config.calibration == "calibrated":
        # z = S BIM, R = R_0 max(1, depth_ref / depth)
        thinness = max(1.0, config.depth_ref_usd / depth_usd)
        variance = config.calibrated_variance * thinness
        return bounded(config.calibrated_drift_scale * bim, variance)
    # z = alpha BIM, R = sigma_bim^2 depth_ref / max(depth, depth_floor)
    thinness = config.depth_ref_usd / max(depth_usd, config.depth_floor_usd)
    return bounded(config.alpha_bim * bim, config.sigma_bim**2 * thinness)


def dbim_observation(delta_bim_per_s: float, config: BookConfig) -> Observation | None:
    """Delta-BIM, clipped to [-1, 1], as a drift observation: fading bids are bearish."""
    if config.calibration == "calibrated":
        # z = S delta-BIM, R = R_0
        z_bps_per_s = config.calibrated_drift_scale * delta_bim_per_s
        return bounded(z_bps_per_s, config.calibrated_variance)
    # z = alpha delta-BIM, R = sigma_dbim^2
    return bounded(config.alpha_dbim * delta_bim_per_s, config.sigma_dbim**2)


def bpg_observation(pressure_gradient: float, config: BookConfig) -> Observation | None:
    """Pressure gradient as a drift observation: fragile bid support is bearish (D-28)."""
    if config.calibration == "calibrated":
        # BPG is in [-2, 2]: z = -S BPG / 2, R = R_0
        z_bps_per_s = -config.calibrated_drift_scale * pressure_gradient / 2.0
        return bounded(z_bps_per_s, config.calibrated_variance)
    # z = -alpha BPG, whatever the position
    return bounded(-config.alpha_bpg * pressure_gradient, config.bpg_variance)


class BookFeatures:
    """Features of the last book; delta-BIM follows BIM(10) from one cycle to the next."""

    __slots__ = ("_asks", "_bids", "_config", "_last_bim", "_last_ms", "_shape", "_slope_per_s")

    def __init__(self, config: BookConfig) -> None:
        self._config = config
        self._bids: BookSide = ()
        self._asks: BookSide = ()
        self._shape: BookShape | None = None
        self._last_bim = 0.0
        self._last_ms: int | None = None
        self._slope_per_s: float | None = None

    def record_book(self, bids: BookSide, asks: BookSide) -> None:
        """Take a book snapshot; it is measured when it is read."""
        self._bids, self._asks = bids, asks
        self._shape = None

    def shape(self) -> BookShape:
        """Shape of the last book."""
        if self._shape is None:
            self._shape = measure(self._bids, self._asks)
        return self._shape

    def follow(self, t_ms: int) -> None:
        """Move delta-BIM to ``t_ms``, once a cycle; without size within 10 bp nothing moves."""
        shape = self.shape()
        if shape.depth_usd == 0.0:
            return
        bim = shape.imbalances[0]
        if self._last_ms is None:
            self._last_bim, self._last_ms = bim, t_ms
        elif t_ms > self._last_ms:
            # derivative of BIM(10) per second, smoothed from the first one on
            slope_per_s = (bim - self._last_bim) / ((t_ms - self._last_ms) / 1000.0)
            smoothed = slope_per_s if self._slope_per_s is None else self._slope_per_s
            self._slope_per_s = smoothed + self._config.dbim_smoothing * (slope_per_s - smoothed)
            self._last_bim, self._last_ms = bim, t_ms

    def delta_bim_per_s(self) -> float | None:
        """Delta-BIM, clipped to [-1, 1]; ``None`` before the first derivative (D-26)."""
        return None if self._slope_per_s is None else min(1.0, max(-1.0, self._slope_per_s))

    def drift_observations(self) -> list[tuple[str, Observation]]:
        """What the book says, by source; a source that says nothing is left out (D-29)."""
        shape, config = self.shape(), self._config
        if shape.depth_usd == 0.0:
            return []
        rate_per_s, gradient = self.delta_bim_per_s(), shape.pressure_gradient()
        said = []
        if config.alpha_bim > 0.0:
            said.append(("bim", bim_observation(shape.imbalances[0], shape.depth_usd, config)))
        if config.alpha_dbim > 0.0 and rate_per_s is not None:
            said.append(("dbim", dbim_observation(rate_per_s, config)))
        if config.alpha_bpg > 0.0 and gradient is not None:
            said.append(("bpg", bpg_observation(gradient, config)))
        return [(source, observation) for source, observation in said if observation is not None]
