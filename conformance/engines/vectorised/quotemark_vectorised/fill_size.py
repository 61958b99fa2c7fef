"""Phase 8: own fills that are larger than usual, market by market."""

from __future__ import annotations

import numpy as np

from quotemark_reference.config import FillSizeConfig
from quotemark_vectorised.arrays import BoolArray, FloatArray, clip
from quotemark_vectorised.drift import Observations, bounded
from quotemark_vectorised.windows import LastValues

LEAST_SPREAD = 1e-6  # of the mean: sizes that differ by less are alike
FULL_SCALE_ZSCORE = 5.0  # D-45


def drift_observations(
    zscores: FloatArray, said: BoolArray, config: FillSizeConfig
) -> Observations:
    """Fills larger than the baseline as drift observations; none where none are."""
    bid_excess, ask_excess = np.maximum(0.0, zscores)
    said = said & (bid_excess + ask_excess > 0.0) & (np.asarray(config.alpha_fill_size) > 0.0)
    if config.calibration == "calibrated":
        # z = S clip((zscore_ask - zscore_bid) / 5), R = R_0
        signal = clip((ask_excess - bid_excess) / FULL_SCALE_ZSCORE, -1.0, 1.0)
        return bounded(config.calibrated_drift_scale * signal, config.calibrated_variance, said)
    # z = -alpha (zscore_bid - zscore_ask), R = sigma^2
    z_bps_per_s = -config.alpha_fill_size * (bid_excess - ask_excess)
    return bounded(z_bps_per_s, config.sigma_fill_size**2, said)


class FillSizes:
    """Baseline of each market's fill sizes in contracts, and each side's recent fills."""

    def __init__(self, config: FillSizeConfig, markets: int) -> None:
        self._config = config
        self.fills = np.zeros(markets, np.int64)
        self.baseline_mean: FloatArray = np.zeros(markets)
        self._variance: FloatArray = np.zeros(markets)
        self._recent = [LastValues(markets, config.fill_size_window) for _ in ("bid", "ask")]

    def record_fills(self, buys: BoolArray, size: FloatArray, where: BoolArray) -> None:
        """Add an own fill of each market of ``where``; own buys are fills of the bid."""
        bids, asks = self._recent
        bids.add(where & buys, size)
        asks.add(where & ~buys, size)
        mean = np.where(self.fills == 0, size, self.baseline_mean)
        # mean += w (size - mean), variance = (1 - w) (variance + w (size - mean)^2)
        weight = self._config.fill_size_weight
        departure = size - mean
        variance = (1.0 - weight) * (self._variance + weight * departure * departure)
        self.baseline_mean = np.where(where, mean + weight * departure, self.baseline_mean)
        self._variance = np.where(where, variance, self._variance)
        self.fills = self.fills + where

    def baseline_std(self) -> FloatArray:
        """Standard deviation of the baseline, in contracts."""
        deviation: FloatArray = np.sqrt(self._variance)
        return deviation

    def zscores(self) -> FloatArray:
        """Means [2, markets] of the sides' recent fills against the baseline; 0 without any."""
        std = self.baseline_std()
        spread = std > LEAST_SPREAD * self.baseline_mean
        counts = np.array([recent.counts for recent in self._recent])
        sums = np.array([recent.values[0].sum(axis=0) for recent in self._recent])
        zscores = (sums / counts - self.baseline_mean) / std
        return np.where(spread & (counts > 0), zscores, 0.0)

    def drift_observations(self, where: BoolArray) -> Observations:
        """What the sizes say of the drift; nothing before 20 fills."""
        warm = where & (self.fills >= self._config.fill_size_min_fills)
        return drift_observations(self.zscores(), warm, self._config)
