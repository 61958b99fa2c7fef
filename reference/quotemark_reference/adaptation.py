"""Phase 5: theta and process noise of the drift filter, adapted by own-fill markouts.

A markout compares the drift realised over a few seconds after a fill with the drift predicted
just before it. Theta follows the sign of the error, process noise its size (D-21). P_0, and with it
what confidence means, stays. Once theta and noise are far from their start the predicted P may lie
below the floor; the floor then raises it.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from quotemark_reference.config import BPS_PER_UNIT, AdaptationConfig

THETA_STEPS = {1: 1.01, -1: 0.99}  # on undershoot, beyond the prediction (plan 5 A)
NOISE_UP, NOISE_DOWN = 1.05, 0.95  # on errors larger, smaller than expected (plan 5 A)


def undershoot_sign(predicted_bps_per_s: float, realised_bps_per_s: float) -> int:
    """1 where the realised drift falls short of the predicted one, -1 beyond it, 0 at neither.

    Short and beyond are taken in the predicted direction; without one the sign is 0.
    """
    error = realised_bps_per_s - predicted_bps_per_s
    if predicted_bps_per_s == 0.0 or error == 0.0:
        return 0
    return 1 if (error < 0.0) == (predicted_bps_per_s > 0.0) else -1


def normalised_error(
    predicted_bps_per_s: float,
    predicted_variance: float,
    realised_bps_per_s: float,
    sigma_bps_per_sqrt_s: float,
    window_s: float,
) -> float:
    """Absolute prediction error over its expected standard deviation, a pure number (D-21)."""
    # |error| / sqrt(P + sigma^2 / window)
    expected = predicted_variance + sigma_bps_per_sqrt_s * sigma_bps_per_sqrt_s / window_s
    return abs(realised_bps_per_s - predicted_bps_per_s) / math.sqrt(expected)


def realised_drift_bps_per_s(mid_at_fill: float, mid: float, window_s: float) -> float:
    """Move of the mid since the fill in bp, over the time that passed, in bp/s (D-21)."""
    return (mid - mid_at_fill) / mid_at_fill * BPS_PER_UNIT / window_s


class ParameterAdaptation:
    """``theta_per_s`` in 1/s, ``process_noise`` in (bp/s)^2/s, and the EWMA of the errors."""

    __slots__ = ("_config", "error_ewma", "process_noise", "theta_per_s")

    def __init__(self, config: AdaptationConfig) -> None:
        self._config = config
        self.theta_per_s = config.theta_per_s
        self.process_noise = config.process_noise
        self.error_ewma = config.error_threshold

    def update(
        self,
        predicted_bps_per_s: float,
        predicted_variance: float,
        realised_bps_per_s: float,
        sigma_bps_per_sqrt_s: float,
        window_s: float,
    ) -> None:
        """Adapt to one markout over ``window_s``; predicted mu and P are from before its fill."""
        config = self._config
        # undershoot: theta x 1.01, beyond: theta x 0.99
        sign = undershoot_sign(predicted_bps_per_s, realised_bps_per_s)
        if sign != 0:
            theta = self.theta_per_s * THETA_STEPS[sign]
            self.theta_per_s = min(config.theta_max_per_s, max(config.theta_min_per_s, theta))
        # EWMA of the normalised error above its median 0.6745: noise x 1.05, else x 0.95
        error = normalised_error(
            predicted_bps_per_s,
            predicted_variance,
            realised_bps_per_s,
            sigma_bps_per_sqrt_s,
            window_s,
        )
        self.error_ewma += config.error_weight * (error - self.error_ewma)
        step = NOISE_UP if self.error_ewma > config.error_threshold else NOISE_DOWN
        noise = self.process_noise * step
        self.process_noise = min(config.process_noise_max, max(config.process_noise_min, noise))


@dataclass(frozen=True, slots=True)
class PendingMarkout:
    """A fill whose markout window has not passed: its time and mid, mu and P just before it."""

    t_ms: int
    mid: float
    drift_bps_per_s: float
    variance: float


class PendingMarkouts:
    """Own fills waiting for their markout window to pass, oldest first."""

    __slots__ = ("_pending", "_window_s")

    def __init__(self, config: AdaptationConfig) -> None:
        self._window_s = config.markout_window_s
        self._pending: deque[PendingMarkout] = deque()

    def add(self, markout: PendingMarkout) -> None:
        """Keep a fill until its window has passed."""
        self._pending.append(markout)

    def take_due(self, t_ms: int) -> list[PendingMarkout]:
        """Remove and return the fills whose window has passed at ``t_ms``, oldest first."""
        due = []
        while self._pending and (t_ms - self._pending[0].t_ms) / 1000.0 >= self._window_s:
            due.append(self._pending.popleft())
        return due
