"""Phase 8: the distribution of own fill sizes. Informed traders trade other sizes.

Fills of both sides make the baseline; a side whose recent fills are larger than it is being taken
by someone who knows more: large bid fills are bearish.
"""

from __future__ import annotations

import math
from collections import deque

from quotemark_reference.config import FillSizeConfig
from quotemark_reference.drift import BUY, Observation, bounded
from quotemark_reference.inventory import ASK, BID

LEAST_SPREAD = 1e-6  # of the mean: sizes that differ by less are alike
FULL_SCALE_ZSCORE = 5.0  # D-45


def drift_observation(
    bid_zscore: float, ask_zscore: float, config: FillSizeConfig
) -> Observation | None:
    """Fills larger than the baseline as a drift observation; ``None`` where none are."""
    bid_excess, ask_excess = max(0.0, bid_zscore), max(0.0, ask_zscore)
    if bid_excess == ask_excess == 0.0 or config.alpha_fill_size == 0.0:
        return None
    if config.calibration == "calibrated":
        # z = S clip((zscore_ask - zscore_bid) / 5), R = R_0
        signal = min(1.0, max(-1.0, (ask_excess - bid_excess) / FULL_SCALE_ZSCORE))
        return bounded(config.calibrated_drift_scale * signal, config.calibrated_variance)
    # z = -alpha (zscore_bid - zscore_ask), R = sigma^2
    z_bps_per_s = -config.alpha_fill_size * (bid_excess - ask_excess)
    return bounded(z_bps_per_s, config.sigma_fill_size**2)


class FillSizes:
    """Baseline of own fill sizes in contracts, and each side's recent fills against it."""

    __slots__ = ("_config", "_recent", "_variance", "baseline_mean", "fills")

    def __init__(self, config: FillSizeConfig) -> None:
        self._config = config
        self.fills = 0
        self.baseline_mean = 0.0
        self._variance = 0.0
        self._recent: dict[str, deque[float]] = {
            side: deque(maxlen=config.fill_size_window) for side in (BID, ASK)
        }

    def record_fill(self, side: str, size: float) -> None:
        """Add an own fill of own ``side``, buy or sell."""
        self._recent[BID if side == BUY else ASK].append(size)
        if self.fills == 0:
            self.baseline_mean = size
        # mean += w (size - mean), variance = (1 - w) (variance + w (size - mean)^2)
        weight = self._config.fill_size_weight
        departure = size - self.baseline_mean
        self.baseline_mean += weight * departure
        self._variance = (1.0 - weight) * (self._variance + weight * departure * departure)
        self.fills += 1

    def baseline_std(self) -> float:
        """Standard deviation of the baseline, in contracts."""
        return math.sqrt(self._variance)

    def zscore(self, side: str) -> float:
        """Mean of the side's recent fills (bid or ask) against the baseline; 0 without any."""
        recent, std = self._recent[side], self.baseline_std()
        if not recent or std <= LEAST_SPREAD * self.baseline_mean:
            return 0.0
        return (sum(recent) / len(recent) - self.baseline_mean) / std

    def drift_observation(self) -> Observation | None:
        """What the sizes say of the drift; ``None`` before 20 fills."""
        if self.fills < self._config.fill_size_min_fills:
            return None
        return drift_observation(self.zscore(BID), self.zscore(ASK), self._config)
