"""What ran on Feb 19: the six decoupled subsystems that the phases replace.

They stay for two reasons: a phase whose gate is off falls back to them (D-37), and together they
are the baseline of every incident. Each has thresholds of its own, and jumps at them. The
constants are a record, not parameters.
"""

from __future__ import annotations

from collections.abc import Sequence

from quotemark_reference.drift import Observation, check_observation
from quotemark_reference.inventory import ASK, BID

PRIOR_PRECISION = 0.01  # (s/bp)^2
QUIET_DECAY = 0.9  # a cycle, of mean and excess precision, when no signal came
TREND_VARIANCE = 200.0  # (bp/s)^2, base variance of the 300 s trend signal
SHIFT_CLAMP_BPS = 3.0
INVENTORY_BETA = 3.0

GREEN, YELLOW, RED, KILL = "green", "yellow", "red", "kill"
ZONE_STARTS = ((1.0, KILL), (0.8, RED), (0.6, YELLOW))  # of |q|/q_max
ZONE_WIDENING_BPS = {GREEN: 0.0, YELLOW: 3.0, RED: 10.0, KILL: 10.0}
ZONE_SIZE_MULTIPLIER = {GREEN: 1.0, YELLOW: 0.5, RED: 0.3, KILL: 0.3}
CLEARING_ZONES = (RED, KILL)

TOXICITY_THRESHOLD = 0.5
GATE_THRESHOLD = 0.5  # of |q|/q_max; the gate acts above it, not at it


class LegacyDrift:
    """Conjugate-normal drift estimate, rebuilt from each cycle's signals; ``mean`` in bp/s."""

    __slots__ = ("_excess_precision", "mean")

    def __init__(self) -> None:
        self.mean = 0.0
        self._excess_precision = 0.0

    @property
    def variance(self) -> float:
        """Posterior variance in (bp/s)^2."""
        return 1.0 / (PRIOR_PRECISION + self._excess_precision)

    def update_cycle(self, signals: Sequence[Observation]) -> None:
        """Rebuild from this cycle's signals (z, variance); without any, decay by 0.9."""
        if not signals:
            self.mean *= QUIET_DECAY
            self._excess_precision *= QUIET_DECAY
            return
        for z_bps_per_s, variance in signals:
            check_observation(z_bps_per_s, variance)
        # mean = sum(z/v) / (0.01 + sum(1/v))
        self._excess_precision = sum(1.0 / variance for _, variance in signals)
        weighted = sum(z_bps_per_s / variance for z_bps_per_s, variance in signals)
        self.mean = weighted / (PRIOR_PRECISION + self._excess_precision)


def trend_signal(
    magnitude_bps: float, agreement: float, p_continuation: float
) -> Observation | None:
    """A trend reading as the 300 s trend signal; without agreement there is none (Q-03)."""
    if agreement == 0.0:
        return None
    return -magnitude_bps * agreement * p_continuation, TREND_VARIANCE


def clamped_shift_bps(drift_shift_bps: float) -> float:
    """The drift shift mu tau/2, clamped to +-3 bp: what hid the Feb 19 selloff."""
    return min(SHIFT_CLAMP_BPS, max(-SHIFT_CLAMP_BPS, drift_shift_bps))


def zone(position: float, max_position: float) -> str:
    """Position zone: green, yellow from 60 % of the limit, red from 80 %, kill from 100 %."""
    utilisation = abs(position) / max_position
    for start, name in ZONE_STARTS:
        if utilisation >= start:
            return name
    return GREEN


def gate_closed_side(position: float, max_position: float) -> str | None:
    """The side that the quote gate closes: accumulating, above half of the limit."""
    if position / max_position > GATE_THRESHOLD:
        return BID
    if position / max_position < -GATE_THRESHOLD:
        return ASK
    return None


def toxicity_size_multiplier(toxicity: float) -> float:
    """Size multiplier of a side: 1 up to a toxicity of 0.5, then clip(1.5 - toxicity, 0.3, 1)."""
    if toxicity <= TOXICITY_THRESHOLD:
        return 1.0
    return min(1.0, max(0.3, 1.5 - toxicity))
