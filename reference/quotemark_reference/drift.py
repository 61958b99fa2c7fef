"""Phase 1: the drift of the mid, estimated by a scalar Kalman filter.

The drift mu follows an Ornstein-Uhlenbeck process, d mu = -theta mu dt + sigma_mu dW, and is
observed as z = mu + noise with variance R. The posterior is N(mu_hat, P). No clamp: P bounds how
far one observation can move the estimate. Whatever its source, an observation is a pair (z, R), so
that a new source needs no change here (D-35).

Known hazard: an own fill is a weak observation of a small z, so buying while a strong bearish drift
stands makes the filter less bearish (D-05).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from quotemark_reference.config import BPS_PER_UNIT, DriftConfig
from quotemark_reference.errors import (
    LARGEST,
    LEAST,
    TimeReversedError,
    check_finite,
    check_fraction,
    check_positive,
)

Observation = tuple[float, float]
"""A drift observation: z in bp/s, and its variance R in (bp/s)^2."""

BUY = "buy"
SELL = "sell"


def ou_decay(theta_per_s: float, dt_s: float) -> float:
    """Factor e^(-theta dt) by which the mean drift decays over ``dt_s``."""
    return math.exp(-theta_per_s * dt_s)


def ou_variance(theta_per_s: float, process_noise: float, dt_s: float) -> float:
    """Variance Q(dt) that the process adds over ``dt_s``, in (bp/s)^2; exact, not q dt (D-01)."""
    # Q(dt) = q / (2 theta) (1 - e^(-2 theta dt))
    return process_noise / (2.0 * theta_per_s) * -math.expm1(-2.0 * theta_per_s * dt_s)


def fill_observation(
    side: str, price: float, mid: float, sigma_bps_per_sqrt_s: float, fill_variance: float
) -> Observation:
    """Observation from an own fill: own buys are bearish, own sells bullish (D-05).

    The sign comes from the side alone; the size is the distance from mid in bp over sigma.
    """
    distance_bps = abs(mid - price) / mid * BPS_PER_UNIT
    # z = -+ |mid - fill| / sigma, R = 9
    strength = distance_bps / sigma_bps_per_sqrt_s
    return (-strength if side == BUY else strength), fill_variance


def trend_observation(
    magnitude_bps: float, agreement: float, p_continuation: float, sigma_trend: float
) -> Observation | None:
    """Observation from a trend reading, or ``None`` where its agreement carries none (D-06).

    ``magnitude_bps`` is positive for a falling market. ``agreement`` and ``p_continuation`` are
    in [0, 1]. An agreement so small that R exceeds 1e15 carries no information either (Q-02).
    """
    if agreement == 0.0:
        return None
    # z = -magnitude agreement p_continuation, R = (sigma_trend / agreement)^2
    noise = sigma_trend / agreement
    variance = noise * noise
    if variance > LARGEST:
        return None
    return -magnitude_bps * agreement * p_continuation, variance


def check_observation(z_bps_per_s: float, variance: float) -> None:
    """Raise unless z is finite and R finite and positive (D-07)."""
    check_finite("z_bps_per_s", z_bps_per_s)
    check_positive("variance", variance)


def bounded(z_bps_per_s: float, variance: float) -> Observation | None:
    """Return the observation, or ``None`` where z or R exceeds 1e15; R at least 1e-15 (Q-02)."""
    if abs(z_bps_per_s) > LARGEST or variance > LARGEST:
        return None
    return z_bps_per_s, max(variance, LEAST)


def composite(observations: Sequence[Observation]) -> Observation | None:
    """Precision-weighted composite of simultaneous observations; ``None`` of none (D-29, D-30).

    With the floor off it gives exactly the posterior of the observations one by one.
    """
    if not observations:
        return None
    # z = sum(z_i / R_i) / sum(1 / R_i), R = 1 / sum(1 / R_i)
    precision = sum(1.0 / variance for _, variance in observations)
    weighted = sum(z_bps_per_s / variance for z_bps_per_s, variance in observations)
    return bounded(weighted / precision, 1.0 / precision)


class KalmanDrift:
    """Posterior N(mu_hat, P) of the drift; ``mean`` in bp/s, ``variance`` in (bp/s)^2.

    ``theta_per_s`` and ``process_noise`` start as configured; adaptation moves them (phase 5).
    """

    __slots__ = ("_config", "_time_ms", "mean", "process_noise", "theta_per_s", "variance")

    def __init__(self, config: DriftConfig) -> None:
        self._config = config
        self._time_ms: int | None = None
        self.mean = 0.0
        self.variance = config.prior_variance
        self.theta_per_s = config.theta_per_s
        self.process_noise = config.process_noise

    def predict(self, t_ms: int) -> None:
        """Propagate the posterior to ``t_ms``; the first call only stamps the time (D-03).

        Raises :class:`TimeReversedError` for a time before the last one.
        """
        if self._time_ms is not None:
            if t_ms < self._time_ms:
                raise TimeReversedError(f"t_ms is {t_ms}, expected at least {self._time_ms}")
            self._propagate((t_ms - self._time_ms) / 1000.0)
        self._time_ms = t_ms

    def _propagate(self, dt_s: float) -> None:
        decay = ou_decay(self.theta_per_s, dt_s)
        # mu^- = mu e^(-theta dt)
        self.mean *= decay
        # P^- = P e^(-2 theta dt) + Q(dt)
        added = ou_variance(self.theta_per_s, self.process_noise, dt_s)
        self.variance = self.variance * decay * decay + added

    def update(self, z_bps_per_s: float, variance: float) -> float:
        """Condition on one observation z with variance R, and return the gain K.

        Raises :class:`NonFiniteError` or :class:`OutOfRangeError` and leaves the state as it was
        (D-07).
        """
        check_observation(z_bps_per_s, variance)
        # K = P^- / (P^- + R)
        gain = self.variance / (self.variance + variance)
        # mu = mu^- + K (z - mu^-)
        self.mean += gain * (z_bps_per_s - self.mean)
        # P = max(P_min, (1 - K) P^-)   (D-04)
        self.variance = max(self._config.p_min, (1.0 - gain) * self.variance)
        return gain

    def update_fill(self, side: str, price: float, mid: float, sigma_bps_per_sqrt_s: float) -> None:
        """Condition on an own fill, without a predict of its own (D-05, D-41)."""
        check_positive("price", price)
        check_positive("mid", mid)
        check_positive("sigma_bps_per_sqrt_s", sigma_bps_per_sqrt_s)
        self.update(
            *fill_observation(side, price, mid, sigma_bps_per_sqrt_s, self._config.fill_variance)
        )

    def update_trend(self, magnitude_bps: float, agreement: float, p_continuation: float) -> None:
        """Condition on a trend reading, without a predict of its own (D-06, D-41)."""
        check_finite("magnitude_bps", magnitude_bps)
        check_fraction("agreement", agreement)
        check_fraction("p_continuation", p_continuation)
        observation = trend_observation(
            magnitude_bps, agreement, p_continuation, self._config.sigma_trend
        )
        if observation is not None:
            self.update(*observation)

    def drift_rate_per_s(self) -> float:
        """Posterior mean as a fraction of price per second (the plan's ``drift_rate_per_sec``)."""
        return self.mean / BPS_PER_UNIT

    def drift_uncertainty(self) -> float:
        """sqrt(P) in bp/s: the plan's ``drift_uncertainty_bps``, despite its name (U-2)."""
        return math.sqrt(self.variance)

    def drift_confidence(self) -> float:
        """1 - P/P_0, in [0, 1] (D-02)."""
        return min(1.0, max(0.0, 1.0 - self.variance / self._config.prior_variance))
