"""Phase 8: open interest, the proof that a new source needs no change to the filter (D-35).

Interest that grows while the price falls is bearish: new shorts push. Off by default.
"""

from __future__ import annotations

from quotemark_reference.config import OpenInterestConfig
from quotemark_reference.drift import Observation, bounded


def drift_observation(
    change: float, price_return: float, config: OpenInterestConfig
) -> Observation | None:
    """Relative change of open interest, signed by the return, as a drift observation."""
    if config.alpha_open_interest == 0.0:
        return None
    direction = (price_return > 0.0) - (price_return < 0.0)
    if config.calibration == "calibrated":
        # z = S clip(change / 1 %) sign(return), R = R_0
        signal = min(1.0, max(-1.0, change / config.calibrated_open_interest_scale))
        z_bps_per_s = config.calibrated_drift_scale * signal * direction
        return bounded(z_bps_per_s, config.calibrated_variance)
    # z = alpha dOI sign(return), R = sigma_oi^2
    z_bps_per_s = config.alpha_open_interest * change * direction
    return bounded(z_bps_per_s, config.sigma_open_interest**2)


class OpenInterest:
    """Open interest in contracts, and its change from one cold cycle to the next."""

    __slots__ = ("_config", "_last", "change", "contracts", "price_return")

    def __init__(self, config: OpenInterestConfig) -> None:
        self._config = config
        self.contracts: float | None = None
        self._last: tuple[float, float] | None = None
        self.change: float | None = None
        self.price_return = 0.0

    def follow(self, mid: float) -> None:
        """Measure in a cold cycle; without open interest nothing changes."""
        if self.contracts is None:
            return
        if self._last is not None:
            last_contracts, last_mid = self._last
            # change of open interest and of mid since the last cold cycle, relative
            self.change = (self.contracts - last_contracts) / last_contracts
            self.price_return = (mid - last_mid) / last_mid
        self._last = self.contracts, mid

    def drift_observation(self) -> Observation | None:
        """What the last change says; ``None`` before the second measurement."""
        if self.change is None:
            return None
        return drift_observation(self.change, self.price_return, self._config)
