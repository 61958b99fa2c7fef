"""Phase 1: the Kalman filter of the drift, one a market.

mu and P of all markets are predicted and updated at once; a market without an observation gets a
gain of 0, and so keeps both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from quotemark_reference.config import DriftConfig
from quotemark_reference.errors import LARGEST, LEAST
from quotemark_vectorised.arrays import BPS_PER_UNIT, BoolArray, Figures, FloatArray, clip


class Observations(NamedTuple):
    """What a source says of each market's drift: z in bp/s, R in (bp/s)^2, and whether it speaks.

    Where it does not, z is 0 and R is 1.
    """

    z_bps_per_s: FloatArray
    variance: FloatArray
    said: BoolArray


def bounded(z_bps_per_s: Figures, variance: Figures, said: BoolArray) -> Observations:
    """Silence what exceeds 1e15, or is no number; R is at least 1e-15 (Q-02)."""
    said = said & (np.abs(z_bps_per_s) <= LARGEST) & (np.asarray(variance) <= LARGEST)
    return Observations(
        np.where(said, z_bps_per_s, 0.0), np.where(said, np.maximum(variance, LEAST), 1.0), said
    )


def fill_z_bps_per_s(
    buys: BoolArray, price: Figures, mid: FloatArray, sigma_bps_per_sqrt_s: Figures
) -> FloatArray:
    """Drift that own fills show in bp/s: buys bearish, sells bullish (D-05)."""
    # z = -+ |mid - fill| / sigma
    strength = np.abs(mid - price) / mid * BPS_PER_UNIT / sigma_bps_per_sqrt_s
    return np.where(buys, -strength, strength)


def trend_observations(
    magnitude_bps: Figures,
    agreement: Figures,
    p_continuation: Figures,
    sigma_trend: Figures,
    where: BoolArray,
) -> Observations:
    """Trend readings, positive for a falling market (D-06); none at an agreement of 0."""
    # z = -magnitude agreement p_continuation, R = (sigma_trend / agreement)^2
    z_bps_per_s = -np.asarray(magnitude_bps) * agreement * p_continuation
    return bounded(z_bps_per_s, np.square(np.divide(sigma_trend, agreement)), where)


def composite(parts: Sequence[Observations]) -> Observations:
    """Precision-weighted composite of simultaneous observations, at least one (D-29, D-30)."""
    # z = sum(z_i / R_i) / sum(1 / R_i), R = 1 / sum(1 / R_i)
    precision = sum(np.where(part.said, 1.0 / part.variance, 0.0) for part in parts)
    weighted = sum(part.z_bps_per_s / part.variance for part in parts)
    said: BoolArray = np.any([part.said for part in parts], axis=0)
    return bounded(weighted / precision, 1.0 / precision, said)


class KalmanDrift:
    """Posteriors N(mu, P): ``mean`` in bp/s, ``variance`` in (bp/s)^2, both [markets].

    ``theta_per_s`` and ``process_noise`` start as configured; adaptation moves them (phase 5).
    """

    def __init__(self, config: DriftConfig, markets: int) -> None:
        self._config = config
        self._time_ms: FloatArray = np.full(markets, -np.inf)
        self.mean: FloatArray = np.zeros(markets)
        self.variance: FloatArray = np.full(markets, config.prior_variance)
        self.theta_per_s: FloatArray = np.full(markets, config.theta_per_s)
        self.process_noise: FloatArray = np.full(markets, config.process_noise)

    def predict(self, t_ms: Figures, where: BoolArray) -> None:
        """Propagate the markets of ``where`` to ``t_ms``; the first time is only stamped (D-03)."""
        moves = where & (self._time_ms > -np.inf)
        dt_s = np.where(moves, (t_ms - self._time_ms) / 1000.0, 0.0)
        theta = self.theta_per_s
        # mu = mu e^(-theta dt), P = P e^(-2 theta dt) + q / (2 theta) (1 - e^(-2 theta dt))
        decay = np.exp(-theta * dt_s)
        self.mean = self.mean * decay
        added = self.process_noise / (2.0 * theta) * -np.expm1(-2.0 * theta * dt_s)
        self.variance = self.variance * decay * decay + added
        self._time_ms = np.where(where, t_ms, self._time_ms)

    def update(self, observations: Observations) -> tuple[FloatArray, FloatArray]:
        """Condition on the observations; returns gain K and push K (z - mu) of each market."""
        z_bps_per_s, noise, said = observations
        # K = P / (P + R), mu = mu + K (z - mu), P = max(P_min, (1 - K) P)
        gain = np.where(said, self.variance / (self.variance + noise), 0.0)
        push = gain * (z_bps_per_s - self.mean)
        self.mean = self.mean + push
        floored = np.maximum(self._config.p_min, (1.0 - gain) * self.variance)
        self.variance = np.where(said, floored, self.variance)
        return gain, push

    def uncertainty_bps_per_s(self) -> FloatArray:
        """sqrt(P) in bp/s (U-2)."""
        deviation: FloatArray = np.sqrt(self.variance)
        return deviation

    def confidence(self) -> FloatArray:
        """1 - P/P_0, in [0, 1] (D-02)."""
        return clip(1.0 - self.variance / self._config.prior_variance, 0.0, 1.0)
