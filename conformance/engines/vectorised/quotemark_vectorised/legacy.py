"""What ran on Feb 19, over markets: where a gate that is off falls back to (D-37, D-39)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from quotemark_vectorised.arrays import SIGN, BoolArray, Figures, FloatArray, clip
from quotemark_vectorised.drift import Observations, bounded

PRIOR_PRECISION = 0.01  # (s/bp)^2
QUIET_DECAY = 0.9  # a cycle, of mean and excess precision, when no signal came
TREND_VARIANCE = 200.0  # (bp/s)^2
SHIFT_CLAMP_BPS = 3.0
INVENTORY_BETA = 3.0

ZONES = ("green", "yellow", "red", "kill")
ZONE_STARTS = (0.6, 0.8, 1.0)  # of |q|/q_max: yellow, red, kill
ZONE_WIDENING_BPS: FloatArray = np.array([0.0, 3.0, 10.0, 10.0])
ZONE_SIZE_MULTIPLIER: FloatArray = np.array([1.0, 0.5, 0.3, 0.3])
CLEARING_FROM = ZONES.index("red")

TOXICITY_THRESHOLD = 0.5
GATE_THRESHOLD = 0.5  # of |q|/q_max; the gate acts above it, not at it


class LegacyDrift:
    """Conjugate-normal drift estimates, rebuilt from each cycle's signals; ``mean`` in bp/s."""

    def __init__(self, markets: int) -> None:
        self.mean: FloatArray = np.zeros(markets)
        self._excess_precision: FloatArray = np.zeros(markets)

    @property
    def variance(self) -> FloatArray:
        """Posterior variances in (bp/s)^2."""
        return 1.0 / (PRIOR_PRECISION + self._excess_precision)

    def update_cycle(self, signals: Sequence[Observations], where: BoolArray) -> None:
        """Rebuild the markets of ``where`` from this cycle's signals; without any, decay."""
        heard = np.zeros_like(where)
        precision, weighted = np.zeros(len(where)), np.zeros(len(where))
        for signal in signals:
            heard = heard | signal.said
            precision = precision + np.where(signal.said, 1.0 / signal.variance, 0.0)
            weighted = weighted + signal.z_bps_per_s / signal.variance
        # mean = sum(z/v) / (0.01 + sum(1/v))
        mean = np.where(heard, weighted / (PRIOR_PRECISION + precision), self.mean * QUIET_DECAY)
        excess = np.where(heard, precision, self._excess_precision * QUIET_DECAY)
        self.mean = np.where(where, mean, self.mean)
        self._excess_precision = np.where(where, excess, self._excess_precision)


def trend_signals(
    magnitude_bps: Figures, agreement: Figures, p_continuation: Figures, where: BoolArray
) -> Observations:
    """Trend readings as the 300 s trend signal; without agreement there is none (Q-03)."""
    z_bps_per_s = -np.asarray(magnitude_bps) * agreement * p_continuation
    return bounded(z_bps_per_s, TREND_VARIANCE, where & (np.asarray(agreement) > 0.0))


def clamped_shift_bps(drift_shift_bps: Figures) -> FloatArray:
    """The drift shift mu tau/2, clamped to +-3 bp."""
    return clip(drift_shift_bps, -SHIFT_CLAMP_BPS, SHIFT_CLAMP_BPS)


def zones(position: FloatArray, max_position: Figures) -> NDArray[np.intp]:
    """Position zones, as places in ZONES."""
    return np.searchsorted(ZONE_STARTS, np.abs(position) / max_position, side="right")


def gate_closed(position: FloatArray, max_position: Figures) -> BoolArray:
    """Sides [2, markets] that the quote gate closes: accumulating, above half of the limit."""
    closed: BoolArray = SIGN * position / max_position > GATE_THRESHOLD
    return closed


def toxicity_size_multipliers(toxicities: FloatArray) -> FloatArray:
    """Size multipliers: 1 up to a toxicity of 0.5, then clip(1.5 - toxicity, 0.3, 1)."""
    return np.where(toxicities <= TOXICITY_THRESHOLD, 1.0, clip(1.5 - toxicities, 0.3, 1.0))
