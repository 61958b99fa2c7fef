"""Phase 8: open interest that grows while the price falls is bearish. Off by default (D-35)."""

from __future__ import annotations

import numpy as np

from quotemark_reference.config import OpenInterestConfig
from quotemark_vectorised.arrays import BoolArray, FloatArray, clip
from quotemark_vectorised.drift import Observations, bounded


def drift_observations(
    change: FloatArray, direction: FloatArray, said: BoolArray, config: OpenInterestConfig
) -> Observations:
    """Relative changes of open interest, signed by the return, as drift observations."""
    said = said & (np.asarray(config.alpha_open_interest) > 0.0)
    if config.calibration == "calibrated":
        # z = S clip(change / 1 %) sign(return), R = R_0
        signal = clip(change / config.calibrated_open_interest_scale, -1.0, 1.0)
        z_bps_per_s = config.calibrated_drift_scale * signal * direction
        return bounded(z_bps_per_s, config.calibrated_variance, said)
    # z = alpha dOI sign(return), R = sigma_oi^2
    z_bps_per_s = config.alpha_open_interest * change * direction
    return bounded(z_bps_per_s, config.sigma_open_interest**2, said)


class OpenInterest:
    """Open interest in contracts, and its change between cold cycles; NaN is not known."""

    def __init__(self, config: OpenInterestConfig, markets: int) -> None:
        self._config = config
        self.contracts: FloatArray = np.full(markets, np.nan)
        self._last_contracts: FloatArray = np.full(markets, np.nan)
        self._last_mid: FloatArray = np.full(markets, np.nan)
        self.change: FloatArray = np.full(markets, np.nan)
        self._direction: FloatArray = np.zeros(markets)

    def follow(self, mid: FloatArray, where: BoolArray) -> None:
        """Measure in a cold cycle; without open interest nothing changes."""
        measured = where & ~np.isnan(self.contracts)
        change = (self.contracts - self._last_contracts) / self._last_contracts
        self.change = np.where(measured, change, self.change)
        self._direction = np.where(measured, np.sign(mid - self._last_mid), self._direction)
        self._last_contracts = np.where(measured, self.contracts, self._last_contracts)
        self._last_mid = np.where(measured, mid, self._last_mid)

    def drift_observations(self, where: BoolArray) -> Observations:
        """What the last changes say; nothing before the second measurement."""
        known = where & ~np.isnan(self.change)
        return drift_observations(self.change, self._direction, known, self._config)
