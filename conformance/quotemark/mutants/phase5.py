"""Phase 5: adaptation of theta and process noise by markouts."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from quotemark.mutants.base import Mutant
from quotemark_reference import adaptation
from quotemark_reference.adaptation import ParameterAdaptation, PendingMarkout, PendingMarkouts
from quotemark_reference.config import AdaptationConfig
from quotemark_reference.engine import QuoteEngine

# The reference's own functions, for the mutants that only bend them.
_adaptation_init = ParameterAdaptation.__init__
_adaptation_update = ParameterAdaptation.update
_undershoot_sign = adaptation.undershoot_sign
_normalised_error = adaptation.normalised_error
_realised_drift = adaptation.realised_drift_bps_per_s
_on_fill = QuoteEngine.on_fill
_settle_markouts = QuoteEngine._settle_markouts
_update_drift = QuoteEngine._update_drift


def _theta_by_size(
    self: ParameterAdaptation,
    predicted_bps_per_s: float,
    predicted_variance: float,
    realised_bps_per_s: float,
    sigma_bps_per_sqrt_s: float,
    window_s: float,
) -> None:
    """Adapt theta by the size of the error and the noise by its sign."""
    figures = (predicted_variance, realised_bps_per_s, sigma_bps_per_sqrt_s, window_s)
    theta, noise = self.theta_per_s, self.process_noise
    _adaptation_update(self, predicted_bps_per_s, *figures)
    grown = 1.01 if self.error_ewma > self._config.error_threshold else 0.99
    sign = _undershoot_sign(predicted_bps_per_s, realised_bps_per_s)
    self.theta_per_s = min(1.0, max(0.01, theta * grown))
    self.process_noise = min(10.0, max(0.1, noise * (1.0, 1.05, 0.95)[sign]))


def _short_of_the_figure(predicted_bps_per_s: float, realised_bps_per_s: float) -> int:
    error = realised_bps_per_s - predicted_bps_per_s
    return 0 if error == 0.0 else 1 if error < 0.0 else -1


def _short_at_no_prediction(predicted_bps_per_s: float, realised_bps_per_s: float) -> int:
    if predicted_bps_per_s == 0.0 and realised_bps_per_s != 0.0:
        return -1
    return _undershoot_sign(predicted_bps_per_s, realised_bps_per_s)


def _unbounded(self: ParameterAdaptation, config: AdaptationConfig) -> None:
    bounds = {"theta_min_per_s": 1e-9, "theta_max_per_s": 1e9}
    noise_bounds = {"process_noise_min": 1e-9, "process_noise_max": 1e9}
    _adaptation_init(self, replace(config, **bounds, **noise_bounds))


def _noise_capped_at_1(self: ParameterAdaptation, config: AdaptationConfig) -> None:
    _adaptation_init(self, replace(config, process_noise_max=1.0))


def _threshold_of_the_deviation(self: ParameterAdaptation, config: AdaptationConfig) -> None:
    _adaptation_init(self, replace(config, error_threshold=1.0))


def _ewma_from_0(self: ParameterAdaptation, config: AdaptationConfig) -> None:
    _adaptation_init(self, config)
    self.error_ewma = 0.0


def _weight_of_the_default(self: ParameterAdaptation, config: AdaptationConfig) -> None:
    _adaptation_init(self, replace(config, error_weight=0.1))


def _noise_by_last_error(self: ParameterAdaptation, *markout: float) -> None:
    self.error_ewma = _normalised_error(*markout)
    _adaptation_update(self, *markout)


def _noise_never_falls(self: ParameterAdaptation, *markout: float) -> None:
    noise = self.process_noise
    _adaptation_update(self, *markout)
    self.process_noise = max(noise, self.process_noise)


def _error_without_market_noise(
    predicted: float, variance: float, realised: float, sigma: float, window_s: float
) -> float:
    del sigma, window_s
    return abs(realised - predicted) / math.sqrt(variance)


def _error_of_a_second(
    predicted: float, variance: float, realised: float, sigma: float, window_s: float
) -> float:
    del window_s
    return _normalised_error(predicted, variance, realised, sigma, 1.0)


def _markout_after_update(self: QuoteEngine, *fill: Any, **named: Any) -> None:  # noqa: ANN401
    pending = self._markouts._pending
    waiting = len(pending)
    _on_fill(self, *fill, **named)
    if len(pending) > waiting:
        kalman = self._kalman
        pending[-1] = replace(pending[-1], drift_bps_per_s=kalman.mean, variance=kalman.variance)


def _markout_from_fill_price(
    self: QuoteEngine,
    t_ms: int,
    side: str,
    price: float,
    *fill: Any,  # noqa: ANN401
    **named: Any,  # noqa: ANN401
) -> None:
    pending = self._markouts._pending
    waiting = len(pending)
    _on_fill(self, t_ms, side, price, *fill, **named)
    if len(pending) > waiting:
        pending[-1] = replace(pending[-1], mid=price)


def _due_at_next_cycle(self: PendingMarkouts, t_ms: int) -> list[PendingMarkout]:
    due = []
    while self._pending and t_ms > self._pending[0].t_ms:
        due.append(self._pending.popleft())
    return due


def _due_past_the_window(self: PendingMarkouts, t_ms: int) -> list[PendingMarkout]:
    due = []
    while self._pending and (t_ms - self._pending[0].t_ms) / 1000.0 > self._window_s:
        due.append(self._pending.popleft())
    return due


def _due_one_a_cycle(self: PendingMarkouts, t_ms: int) -> list[PendingMarkout]:
    if self._pending and (t_ms - self._pending[0].t_ms) / 1000.0 >= self._window_s:
        return [self._pending.popleft()]
    return []


def _only_newest_waits(self: PendingMarkouts, markout: PendingMarkout) -> None:
    self._pending.clear()
    self._pending.append(markout)


def _adapted_in_vain(self: QuoteEngine, t_ms: int, mid: float) -> None:
    _settle_markouts(self, t_ms, mid)
    self._kalman.theta_per_s = self._config.theta_per_s
    self._kalman.process_noise = self._config.process_noise


def _adapts_after_predict(self: QuoteEngine, t_ms: int, mid: float) -> None:
    self._kalman.predict(t_ms)
    _update_drift(self, t_ms, mid)


def _settled_at_the_desks_sigma(self: QuoteEngine, t_ms: int, mid: float) -> None:
    scaled, self._sources.sigma_multiplier = self._sources.sigma_multiplier, 1.0
    _settle_markouts(self, t_ms, mid)
    self._sources.sigma_multiplier = scaled


PHASE_5 = (
    Mutant(
        "theta-by-size",
        "D-21",
        "theta follows the size of the error, the noise its sign",
        {"adaptation.ParameterAdaptation.update": _theta_by_size},
    ),
    Mutant(
        "short-of-the-figure",
        "D-21",
        "undershoot is a realised drift below the predicted one, whatever its direction",
        {"adaptation.undershoot_sign": _short_of_the_figure},
    ),
    Mutant(
        "theta-falls-on-undershoot",
        "P5.test_theta_adapts_on_undershoot",
        "theta is reversed: x0.99 short of the prediction",
        {"adaptation.undershoot_sign": lambda *drifts: -_undershoot_sign(*drifts)},
    ),
    Mutant(
        "theta-moves-without-a-prediction",
        "D-21",
        "a move where none was predicted goes beyond the prediction",
        {"adaptation.undershoot_sign": _short_at_no_prediction},
    ),
    Mutant(
        "parameters-unbounded",
        "P5.test_parameters_bounded",
        "theta and noise are not clamped",
        {"adaptation.ParameterAdaptation.__init__": _unbounded},
    ),
    Mutant(
        "noise-never-above-1",
        "P5.test_parameters_bounded",
        "theta's upper bound serves for the noise too",
        {"adaptation.ParameterAdaptation.__init__": _noise_capped_at_1},
    ),
    Mutant(
        "threshold-of-the-deviation",
        "D-22",
        "the error is held against 1, not against the median of a Gaussian's",
        {"adaptation.ParameterAdaptation.__init__": _threshold_of_the_deviation},
    ),
    Mutant(
        "noise-never-falls",
        "P5.test_cold_start_convergence",
        "small errors leave the noise as it is",
        {"adaptation.ParameterAdaptation.update": _noise_never_falls},
    ),
    Mutant(
        "error-ewma-from-0",
        "D-21",
        "the EWMA of the errors starts at 0",
        {"adaptation.ParameterAdaptation.__init__": _ewma_from_0},
    ),
    Mutant(
        "error-weight-fixed",
        "A-adaptation",
        "the EWMA's weight is 0.1 whatever is configured",
        {"adaptation.ParameterAdaptation.__init__": _weight_of_the_default},
    ),
    Mutant(
        "noise-by-last-error",
        "D-21",
        "the noise follows the last error, without an EWMA",
        {"adaptation.ParameterAdaptation.update": _noise_by_last_error},
    ),
    Mutant(
        "error-in-bps-per-s",
        "D-21",
        "the error is not put against what was to be expected",
        {
            "adaptation.normalised_error": lambda predicted, variance, realised, *rest: abs(
                realised - predicted
            )
        },
    ),
    Mutant(
        "error-without-market-noise",
        "D-21",
        "the expected error is sqrt(P): the market's own noise is left out",
        {"adaptation.normalised_error": _error_without_market_noise},
    ),
    Mutant(
        "market-noise-of-a-second",
        "D-21",
        "the market's noise is sigma^2, however long the markout",
        {"adaptation.normalised_error": _error_of_a_second},
    ),
    Mutant(
        "realised-drift-in-bps",
        "D-21",
        "the realised drift is the move in bp, not a rate",
        {"adaptation.realised_drift_bps_per_s": lambda at, mid, s: _realised_drift(at, mid, 1.0)},
    ),
    Mutant(
        "realised-drift-over-5s",
        "D-21",
        "the move is put over the 5 s window, not over the time that passed",
        {"adaptation.realised_drift_bps_per_s": lambda at, mid, s: _realised_drift(at, mid, 5.0)},
    ),
    Mutant(
        "markout-after-update",
        "D-21",
        "mu and P are taken after the fill's own update",
        {"engine.QuoteEngine.on_fill": _markout_after_update},
    ),
    Mutant(
        "markout-from-fill-price",
        "D-21",
        "the markout runs from the fill's price, not from the mid",
        {"engine.QuoteEngine.on_fill": _markout_from_fill_price},
    ),
    Mutant(
        "markout-at-next-cycle",
        "D-21",
        "a markout settles at the next cycle, before its window has passed",
        {"adaptation.PendingMarkouts.take_due": _due_at_next_cycle},
    ),
    Mutant(
        "markout-past-the-window",
        "D-21",
        "a markout waits until after its window, not for it",
        {"adaptation.PendingMarkouts.take_due": _due_past_the_window},
    ),
    Mutant(
        "one-markout-a-cycle",
        "D-21",
        "a cycle settles one due markout and leaves the others",
        {"adaptation.PendingMarkouts.take_due": _due_one_a_cycle},
    ),
    Mutant(
        "newest-markout-only",
        "D-21",
        "a fill displaces the one that was waiting",
        {"adaptation.PendingMarkouts.add": _only_newest_waits},
    ),
    Mutant(
        "markout-at-the-desks-sigma",
        "Q-16",
        "a markout settles with the desk's sigma, not the scaled one",
        {"engine.QuoteEngine._settle_markouts": _settled_at_the_desks_sigma},
    ),
    Mutant(
        "adapted-in-vain",
        "P5.test_theta_adapts_on_undershoot",
        "theta and noise are adapted and the filter keeps the old ones",
        {"engine.QuoteEngine._settle_markouts": _adapted_in_vain},
    ),
    Mutant(
        "adapts-after-predict",
        "D-41",
        "a cycle's markouts settle after its predict",
        {"engine.QuoteEngine._update_drift": _adapts_after_predict},
    ),
)
