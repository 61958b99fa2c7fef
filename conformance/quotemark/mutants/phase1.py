"""Phase 1: the drift filter."""

from __future__ import annotations

import math

from quotemark.mutants.base import Mutant
from quotemark_reference import drift, legacy
from quotemark_reference.config import DriftConfig
from quotemark_reference.drift import BUY, KalmanDrift
from quotemark_reference.engine import QuoteEngine

# The reference's own functions, for the mutants that only bend them.
_kalman_init = KalmanDrift.__init__
_kalman_predict = KalmanDrift.predict
_kalman_propagate = KalmanDrift._propagate
_kalman_update = KalmanDrift.update
_fill_observation = drift.fill_observation
_trend_observation = drift.trend_observation
_update_drift = QuoteEngine._update_drift


def _linear_q(theta_per_s: float, process_noise: float, dt_s: float) -> float:
    del theta_per_s
    return process_noise * dt_s


def _start_stationary(self: KalmanDrift, config: DriftConfig) -> None:
    _kalman_init(self, config)
    self.variance = config.process_noise / (2.0 * config.theta_per_s)


def _predict_any_time(self: KalmanDrift, t_ms: int) -> None:
    if self._time_ms is not None:
        self._propagate(abs(t_ms - self._time_ms) / 1000.0)
    self._time_ms = t_ms


def _predict_from_epoch(self: KalmanDrift, t_ms: int) -> None:
    if self._time_ms is None:
        self._propagate(t_ms / 1000.0)
    _kalman_predict(self, t_ms)


def _update_without_floor(self: KalmanDrift, z_bps_per_s: float, variance: float) -> float:
    drift.check_observation(z_bps_per_s, variance)
    gain = self.variance / (self.variance + variance)
    self.mean += gain * (z_bps_per_s - self.mean)
    self.variance *= 1.0 - gain
    return gain


def _floor_after_predict(self: KalmanDrift, dt_s: float) -> None:
    _kalman_propagate(self, dt_s)
    self.variance = max(self._config.p_min, self.variance)


def _fill_sign_from_mid(
    side: str, price: float, mid: float, sigma_bps_per_sqrt_s: float, fill_variance: float
) -> drift.Observation:
    del side
    return -(mid - price) / mid * 1e4 / sigma_bps_per_sqrt_s, fill_variance


def _fill_in_price_units(
    side: str, price: float, mid: float, sigma_bps_per_sqrt_s: float, fill_variance: float
) -> drift.Observation:
    strength = abs(mid - price) / sigma_bps_per_sqrt_s
    return (-strength if side == BUY else strength), fill_variance


def _fill_sign_swapped(
    side: str, price: float, mid: float, sigma_bps_per_sqrt_s: float, fill_variance: float
) -> drift.Observation:
    z_bps_per_s, variance = _fill_observation(side, price, mid, sigma_bps_per_sqrt_s, fill_variance)
    return -z_bps_per_s, variance


def _trend_rising_positive(
    magnitude_bps: float, agreement: float, p_continuation: float, sigma_trend: float
) -> drift.Observation | None:
    return _trend_observation(-magnitude_bps, agreement, p_continuation, sigma_trend)


def _trend_noise_linear(
    magnitude_bps: float, agreement: float, p_continuation: float, sigma_trend: float
) -> drift.Observation | None:
    if agreement == 0.0:
        return None
    return -magnitude_bps * agreement * p_continuation, sigma_trend**2 / agreement


def _signals_before_predict(self: QuoteEngine, t_ms: int, mid: float) -> None:
    self._observe_signals()
    _update_drift(self, t_ms, mid)


def stay_at_zero(self: KalmanDrift, z_bps_per_s: float, variance: float) -> float:
    """Update the variance only."""
    gain = _kalman_update(self, z_bps_per_s, variance)
    self.mean = 0.0
    return gain


def _clamped_shift(drift_bps_per_s: float, time_horizon_s: float) -> float:
    return legacy.clamped_shift_bps(drift_bps_per_s * time_horizon_s / 2.0)


def _floor_of_0_unset(self: KalmanDrift, z_bps_per_s: float, variance: float) -> float:
    gain = _kalman_update(self, z_bps_per_s, variance)
    self.variance = max(self._config.p_min or 2.0, self.variance)
    return gain


def _weak_trends_dropped(
    magnitude_bps: float, agreement: float, p_continuation: float, sigma_trend: float
) -> drift.Observation | None:
    if agreement < 0.6:
        return None
    return _trend_observation(magnitude_bps, agreement, p_continuation, sigma_trend)


def _prior_rebuilt(self: KalmanDrift, dt_s: float) -> None:
    _kalman_propagate(self, dt_s)
    self.variance = self._config.prior_variance


PHASE_1 = (
    Mutant("linear-q", "D-01", "Q(dt) = q dt", {"drift.ou_variance": _linear_q}),
    Mutant(
        "no-mean-reversion",
        "P1.test_no_signals_decays_via_ou",
        "the drift never decays",
        {"drift.ou_decay": lambda theta_per_s, dt_s: 1.0},
    ),
    Mutant(
        "decay-in-milliseconds",
        "P1.test_kalman_predict_decays_toward_zero",
        "dt is taken in milliseconds",
        {"drift.ou_decay": lambda theta_per_s, dt_s: math.exp(-theta_per_s * dt_s * 1e3)},
    ),
    Mutant(
        "half-gain",
        "P1.test_kalman_update_moves_toward_observation",
        "the gain is P/(2P + R)",
        {
            "drift.KalmanDrift.update": lambda self, z, variance: _kalman_update(
                self, z, variance + self.variance
            )
        },
    ),
    Mutant(
        "stationary-prior",
        "D-02",
        "P_0 is the stationary variance",
        {"drift.KalmanDrift.__init__": _start_stationary},
    ),
    Mutant(
        "time-reversal-accepted",
        "D-03",
        "a step back in time is taken as one forward",
        {"drift.KalmanDrift.predict": _predict_any_time},
    ),
    Mutant(
        "first-predict-propagates",
        "D-03",
        "the first predict propagates from time 0",
        {"drift.KalmanDrift.predict": _predict_from_epoch},
    ),
    Mutant("no-floor", "D-04", "no P_min", {"drift.KalmanDrift.update": _update_without_floor}),
    Mutant(
        "floor-after-predict",
        "D-04",
        "P_min acts after predict too",
        {"drift.KalmanDrift._propagate": _floor_after_predict},
    ),
    Mutant(
        "fill-sign-from-mid",
        "D-05",
        "a fill's sign comes from where the mid is",
        {"drift.fill_observation": _fill_sign_from_mid},
    ),
    Mutant(
        "fill-in-price-units",
        "D-05",
        "a fill's distance is in price, not bp",
        {"drift.fill_observation": _fill_in_price_units},
    ),
    Mutant(
        "fill-sign-swapped",
        "P1.test_kalman_fill_observation_bearish",
        "an own buy is bullish",
        {"drift.fill_observation": _fill_sign_swapped},
    ),
    Mutant(
        "trend-sign-swapped",
        "D-06",
        "a positive magnitude is a rising market",
        {"drift.trend_observation": _trend_rising_positive},
    ),
    Mutant(
        "trend-noise-linear",
        "P1.test_kalman_trend_observation_high_agreement",
        "R = sigma_trend^2 / agreement",
        {"drift.trend_observation": _trend_noise_linear},
    ),
    Mutant(
        "bad-observations-accepted",
        "D-07",
        "R is not checked",
        {"drift.check_observation": lambda z_bps_per_s, variance: None},
    ),
    Mutant(
        "uncertainty-is-p",
        "U-2",
        "the uncertainty is P, not its root",
        {"drift.KalmanDrift.drift_uncertainty": lambda self: self.variance},
    ),
    Mutant(
        "signals-before-predict",
        "D-41",
        "a cycle's signals act before its predict",
        {"engine.QuoteEngine._update_drift": _signals_before_predict},
    ),
    Mutant(
        "drift-always-zero",
        "P1.test_kalman_update_moves_toward_observation",
        "the drift stays at 0",
        {"drift.KalmanDrift.update": stay_at_zero},
    ),
    Mutant(
        "drift-still-clamped",
        "P1.test_drift_unclamped_exceeds_3bps",
        "the drift moves quotes by 3 bp at most",
        {"glft.drift_shift_bps": _clamped_shift},
    ),
    Mutant(
        "confidence-of-the-prose",
        "D-02",
        "confidence is 1 - P/25",
        {"drift.KalmanDrift.drift_confidence": lambda self: max(0.0, 1.0 - self.variance / 25.0)},
    ),
    Mutant(
        "floor-of-0-is-unset",
        "A-drift",
        "a P_min of 0 counts as not given: the default acts",
        {"drift.KalmanDrift.update": _floor_of_0_unset},
    ),
    Mutant(
        "weak-trends-dropped",
        "E2E-01",
        "a trend reading of an agreement below 0.6 is none",
        {"drift.trend_observation": _weak_trends_dropped},
    ),
    Mutant(
        "prior-rebuilt-each-cycle",
        "E2E-02",
        "each predict starts from P_0 again, as the old estimator did",
        {"drift.KalmanDrift._propagate": _prior_rebuilt},
    ),
    Mutant(
        "drift-only-with-a-position",
        "E2E-03",
        "the drift moves quotes only while there is a position to protect",
        {"engine.QuoteEngine._drift_moves_quotes": lambda self: self._position != 0.0},
    ),
)
