"""Engines that are wrong on purpose: the reference with one defect each.

A mutant names the requirement it breaks; the suite must reject it for that one. It is the measure
of the suite: a rule without a mutant is a rule nobody has seen fail. ``mutant:NAME`` runs one in a
process of its own, because it patches the reference's functions.
"""

from __future__ import annotations

import importlib
import math
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import quotemark_reference.config as gating
from quotemark.builtin import LEGACY_GATES, BuiltinEngine
from quotemark.messages import Json
from quotemark.server import serve
from quotemark_reference import drift, expected_pnl, flow, glft, inventory, ladder, legacy
from quotemark_reference.config import DriftConfig, EngineConfig, FlowConfig
from quotemark_reference.drift import BUY, KalmanDrift
from quotemark_reference.engine import Cycle, QuoteEngine
from quotemark_reference.flow import TradeFlow
from quotemark_reference.ladder import Quote

ROOT = "quotemark_reference"


@dataclass(frozen=True, slots=True)
class Mutant:
    """One defect: the requirement it breaks, what it does, and the functions it replaces.

    ``patches`` maps ``module.function`` or ``module.Class.method`` of the reference to what stands
    in its place.
    """

    name: str
    breaks: str
    story: str
    patches: dict[str, Callable[..., Any]] = field(default_factory=dict)
    fixed_config: Json = field(default_factory=dict)


# The reference's own functions, kept for the mutants that only bend them.
_kalman_init = KalmanDrift.__init__
_kalman_predict = KalmanDrift.predict
_kalman_propagate = KalmanDrift._propagate
_kalman_update = KalmanDrift.update
_fill_observation = drift.fill_observation
_trend_observation = drift.trend_observation
_update_drift = QuoteEngine._update_drift
_expected_pnls = QuoteEngine._expected_pnls_bps
_quotes = QuoteEngine._quotes
_on_estimate = QuoteEngine.on_estimate
_on_fill = QuoteEngine.on_fill
_cycle = QuoteEngine.cycle
_zone = legacy.zone
_gamma = inventory.gamma_per_bps
_skew = inventory.skew_bps
_imbalance = flow.imbalance
_multipliers = flow.kappa_multipliers
_flow_observation = flow.drift_observation
_position_terms = expected_pnl.position_terms_bps
_penalty = expected_pnl.inventory_penalty_bps
_cut_sizes = ladder.cut_sizes
_accumulating_side = inventory.accumulating_side
_killed_side = inventory.killed_side
_half_spread = glft.half_spread_bps
_touch_depths = glft.touch_depths_bps


# --- phase 1 ----------------------------------------------------------------------------------


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


def _update_without_floor(self: KalmanDrift, z_bps_per_s: float, variance: float) -> None:
    drift.check_observation(z_bps_per_s, variance)
    gain = self.variance / (self.variance + variance)
    self.mean += gain * (z_bps_per_s - self.mean)
    self.variance *= 1.0 - gain


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


def _signals_before_predict(self: QuoteEngine, t_ms: int) -> None:
    self._kalman.update_signals(self._signals)
    self._signals.clear()
    _update_drift(self, t_ms)


def _stay_at_zero(self: KalmanDrift, z_bps_per_s: float, variance: float) -> None:
    _kalman_update(self, z_bps_per_s, variance)
    self.mean = 0.0


def _clamped_shift(drift_bps_per_s: float, time_horizon_s: float) -> float:
    return legacy.clamped_shift_bps(drift_bps_per_s * time_horizon_s / 2.0)


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
        {"drift.KalmanDrift.update": _stay_at_zero},
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
)


# --- phase 2 ----------------------------------------------------------------------------------


def _gamma_linear(
    gamma_base_per_bps: float, inventory_beta: float, position: float, max_position: float
) -> float:
    u = abs(inventory.utilisation(position, max_position))
    return gamma_base_per_bps * (1.0 + inventory_beta * u)


def _gamma_jumping(
    gamma_base_per_bps: float, inventory_beta: float, position: float, max_position: float
) -> float:
    widened = 1.5 if abs(position) >= 0.6 * max_position else 1.0
    return widened * _gamma(gamma_base_per_bps, inventory_beta, position, max_position)


def _half_spread_without_risk(
    gamma_per_bps: float,
    kappa_per_bps: float,
    sigma_bps_per_sqrt_s: float,
    time_horizon_s: float,
    fee_bps: float,
) -> float:
    del sigma_bps_per_sqrt_s, time_horizon_s
    return math.log1p(gamma_per_bps / kappa_per_bps) / gamma_per_bps + fee_bps


def _touch_without_skew(
    half_spreads_bps: tuple[float, float],
    drift_shift: float,
    skew: float,
    widenings_bps: tuple[float, float],
    fee_bps: float,
) -> tuple[float, float]:
    del skew
    return _touch_depths(half_spreads_bps, drift_shift, 0.0, widenings_bps, fee_bps)


PHASE_2 = (
    Mutant("gamma-linear", "D-08", "1 + beta |u|", {"inventory.gamma_per_bps": _gamma_linear}),
    Mutant(
        "gamma-constant",
        "P2.test_continuous_gamma_monotonic",
        "gamma does not grow",
        {"inventory.gamma_per_bps": lambda base, beta, position, limit: base},
    ),
    Mutant(
        "gamma-unclipped",
        "D-08",
        "u is not clipped at the limit",
        {"inventory.utilisation": lambda position, limit: position / limit},
    ),
    Mutant(
        "gamma-jumps-at-60",
        "P2.test_no_discontinuity_at_old_boundaries",
        "the Yellow zone lives on in gamma",
        {"inventory.gamma_per_bps": _gamma_jumping},
    ),
    Mutant(
        "no-risk-term",
        "A-glft",
        "the half-spread lacks gamma sigma^2 tau / 2",
        {"glft.half_spread_bps": _half_spread_without_risk},
    ),
    Mutant(
        "skew-leaves-the-bid",
        "P2.test_continuous_gamma_exceeds_zone_widening",
        "the skew does not deepen the accumulating side",
        {"glft.touch_depths_bps": _touch_without_skew},
    ),
    Mutant(
        "skew-reversed",
        "D-08",
        "a long position draws bids in",
        {"inventory.skew_bps": lambda *args: -_skew(*args)},
    ),
    Mutant(
        "kill-guard-past-the-limit",
        "D-10",
        "the kill guard acts beyond the limit, not at it",
        {
            "inventory.killed_side": lambda position, limit: (
                inventory.accumulating_side(position) if abs(position) > 1.05 * limit else None
            )
        },
    ),
    Mutant(
        "kill-guard-wrong-side",
        "P2.test_kill_guard_independent",
        "the kill guard clears the reducing side",
        {
            "inventory.killed_side": lambda position, limit: (
                inventory.accumulating_side(-position) if abs(position) >= limit else None
            )
        },
    ),
)


# --- phase 3 ----------------------------------------------------------------------------------


def _multipliers_unclamped(flow_imbalance: float, config: FlowConfig) -> tuple[float, float]:
    push = config.flow_sensitivity * flow_imbalance
    return 1.0 - push, 1.0 + push


def _multipliers_swapped(flow_imbalance: float, config: FlowConfig) -> tuple[float, float]:
    bid, ask = _multipliers(flow_imbalance, config)
    return ask, bid


def _flow_rate_per_fraction(
    flow_imbalance: float, decayed_trades: float, config: FlowConfig
) -> drift.Observation | None:
    return _flow_observation(flow_imbalance, decayed_trades * 1500.0, config)


def _flow_never_calibrated(
    flow_imbalance: float, decayed_trades: float, config: FlowConfig
) -> drift.Observation | None:
    return _flow_observation(flow_imbalance, decayed_trades, replace(config, calibration="plan"))


def _observation_at_sensitivity_0(self: TradeFlow, t_ms: int) -> drift.Observation | None:
    if not self._is_warm() or self._is_silent(t_ms, self._config.flow_horizon_s):
        return None
    flow_imbalance = self.imbalance_at(t_ms, self._config.flow_horizon_s)
    return flow.drift_observation(flow_imbalance, self.decayed_trades_at(t_ms), self._config)


def _flow_in_lambda(
    self: QuoteEngine, side: str, depths: Sequence[float], as_cost: float
) -> list[float]:
    own = self._kappas
    self._kappas = self._flow_adjusted_kappas(self._time_ms or 0)
    try:
        return _expected_pnls(self, side, depths, as_cost)
    finally:
        self._kappas = own


PHASE_3 = (
    Mutant(
        "imbalance-buy-positive",
        "D-12",
        "imbalance is (buy - sell)/(buy + sell)",
        {"flow.imbalance": lambda buy, sell: _imbalance(sell, buy)},
    ),
    Mutant(
        "multipliers-swapped",
        "P3.test_sell_pressure_lowers_kappa_bid",
        "sell pressure raises the bid's kappa",
        {"flow.kappa_multipliers": _multipliers_swapped},
    ),
    Mutant(
        "multipliers-unclamped",
        "P3.test_multipliers_bounded",
        "no clamp",
        {"flow.kappa_multipliers": _multipliers_unclamped},
    ),
    Mutant(
        "multipliers-off-centre",
        "P3.test_flow_neutral_gives_unit_multipliers",
        "balanced flow widens both sides",
        {"flow.kappa_multipliers": lambda imbalance, config: (0.99, 0.99)},
    ),
    Mutant(
        "flow-bullish-on-sells",
        "P3.test_flow_drift_observation_sign",
        "sell pressure is a bullish observation",
        {"flow.drift_observation": lambda *args: _negated(_flow_observation(*args))},
    ),
    Mutant(
        "flow-rate-per-fraction",
        "D-13",
        "R rests on kappa per unit fraction",
        {"flow.drift_observation": _flow_rate_per_fraction},
    ),
    Mutant(
        "observes-at-sensitivity-0",
        "D-14",
        "sensitivity 0 still gives an observation",
        {"flow.TradeFlow.drift_observation_at": _observation_at_sensitivity_0},
    ),
    Mutant(
        "flow-in-lambda",
        "D-46",
        "the flow multipliers act in lambda too",
        {"engine.QuoteEngine._expected_pnls_bps": _flow_in_lambda},
    ),
    Mutant(
        "burst-for-ever",
        "D-47",
        "silence keeps the last burst's imbalance",
        {"flow.TradeFlow._is_silent": lambda self, t_ms, horizon_s: not self._trades_ever},
    ),
    Mutant(
        "flow-never-calibrated",
        "D-45",
        "the engine's flow observation is the plan's",
        {"flow.drift_observation": _flow_never_calibrated},
    ),
    Mutant(
        "flow-warm-at-once",
        "D-13",
        "flow speaks from the first trade",
        {"flow.TradeFlow._is_warm": lambda self: True},
    ),
)


# --- phase 4 ----------------------------------------------------------------------------------


def _drift_by_position(
    side: str,
    *,
    gamma_base_per_bps: float,
    inventory_beta: float,
    sigma_bps_per_sqrt_s: float,
    time_horizon_s: float,
    drift_bps_per_s: float,
    position: float,
    max_position: float,
) -> float:
    terms = _position_terms(
        side,
        gamma_base_per_bps=gamma_base_per_bps,
        inventory_beta=inventory_beta,
        sigma_bps_per_sqrt_s=sigma_bps_per_sqrt_s,
        time_horizon_s=time_horizon_s,
        drift_bps_per_s=0.0,
        position=position,
        max_position=max_position,
    )
    sign = -1.0 if side == inventory.accumulating_side(position) else 1.0
    return terms + sign * drift_bps_per_s * time_horizon_s / 2.0


def _beta_twice(side: str, **figures: float) -> float:
    doubled = inventory.gamma_per_bps(
        figures["gamma_base_per_bps"],
        figures["inventory_beta"],
        figures["position"],
        figures["max_position"],
    )
    return _position_terms(side, **{**figures, "gamma_base_per_bps": doubled})


def _no_bonus(side: str, *figures: float) -> float:
    return max(0.0, _penalty(side, *figures))


def _kept_touch(
    self: QuoteEngine, side: str, mid: float, depths: Sequence[float], expected: Sequence[float]
) -> list[Quote]:
    quotes = _quotes(self, side, mid, depths, expected)
    return quotes or _quotes(self, side, mid, depths, [1.0, *expected[1:]])


def _floored_levels(touch_depth_bps: float, spacing_bps: float, levels: int) -> list[float]:
    return [max(touch_depth_bps, 3.0) + level * spacing_bps for level in range(levels)]


def _round_to_nearest(price: float, tick: float, side: str) -> float:
    del side
    return round(price / tick) * tick


def _tick_of_five_figures(price: float, decimals: int) -> float:
    del decimals
    return 10.0 ** (math.floor(math.log10(price)) - 4)


def _cut_deepest_first(sizes: Sequence[float], room: float, min_size: float) -> list[float]:
    return _cut_sizes(sizes[::-1], room, min_size)[::-1]


def _estimate_without_sigma(self: QuoteEngine, t_ms: int, **estimates: float | None) -> None:
    _on_estimate(self, t_ms, **{**estimates, "sigma_bps_per_sqrt_s": None})


PHASE_4 = (
    Mutant(
        "lambda-per-bp",
        "D-15",
        "lambda = kappa e^(-kappa d)",
        {"expected_pnl.fill_intensity": lambda depth, kappa: kappa * math.exp(-kappa * depth)},
    ),
    Mutant(
        "lambda-per-fraction",
        "D-15",
        "lambda = kappa e^(-kappa d) with kappa per unit fraction in front: an inert filter",
        {
            "expected_pnl.fill_intensity": lambda depth, kappa: (
                kappa * 1e4 * math.exp(-kappa * depth)
            )
        },
    ),
    Mutant(
        "penalty-per-fraction",
        "D-16",
        "the inventory term is taken per unit fraction",
        {"expected_pnl.inventory_penalty_bps": lambda *args: _penalty(*args) / 1e4},
    ),
    Mutant(
        "drift-by-position",
        "D-17",
        "the drift helps the reducing side and burdens the accumulating one",
        {"expected_pnl.position_terms_bps": _drift_by_position},
    ),
    Mutant(
        "beta-twice",
        "D-09",
        "gamma(q) is passed to E[PnL]",
        {"expected_pnl.position_terms_bps": _beta_twice},
    ),
    Mutant(
        "no-bonus",
        "D-18",
        "the reducing side has no bonus",
        {"expected_pnl.inventory_penalty_bps": _no_bonus},
    ),
    Mutant(
        "penalty-on-both-sides",
        "P4.test_epnl_positive_reducing_high_inventory",
        "the reducing side pays as well",
        {"expected_pnl.inventory_penalty_bps": lambda *args: abs(_penalty(*args))},
    ),
    Mutant(
        "no-penalty",
        "P4.test_epnl_negative_accumulating_high_inventory",
        "inventory costs nothing",
        {"expected_pnl.inventory_penalty_bps": lambda *args: 0.0},
    ),
    Mutant(
        "costs-forgotten",
        "P4.test_epnl_all_negative_cascade",
        "no cost is taken off the depth",
        {
            "expected_pnl.level_pnl_bps": lambda depth, kappa, cost, terms: (
                math.exp(-kappa * depth) * depth + terms
            )
        },
    ),
    Mutant(
        "touch-loses",
        "P4.test_epnl_positive_at_touch_zero_inventory",
        "the fee is taken twice and a half",
        {
            "expected_pnl.level_pnl_bps": lambda depth, kappa, cost, terms: (
                math.exp(-kappa * depth) * (depth - 2.5 * cost) + terms
            )
        },
    ),
    Mutant(
        "drift-ignored-by-filter",
        "P4.test_epnl_drift_skews_correctly",
        "the drift does not enter E[PnL]",
        {"expected_pnl.drift_contribution_bps": lambda side, drift, horizon: 0.0},
    ),
    Mutant(
        "as-linear-in-time",
        "D-19",
        "AS = as_ratio sigma tau",
        {
            "expected_pnl.adverse_selection_bps": lambda ratio, sigma, horizon: (
                ratio * sigma * horizon
            )
        },
    ),
    Mutant(
        "keeps-small-losses",
        "D-20",
        "a level is kept down to -2 bp",
        {"expected_pnl.keeps_level": lambda pnl: pnl > -2.0},
    ),
    Mutant(
        "touch-refilled",
        "D-20",
        "a side that the filter emptied gets its touch back",
        {"engine.QuoteEngine._quotes": _kept_touch},
    ),
    Mutant(
        "floor-on-levels",
        "D-42",
        "depths have a floor of their own",
        {"ladder.level_depths_bps": _floored_levels},
    ),
    Mutant(
        "rounds-to-nearest",
        "D-42",
        "prices go to the nearest tick",
        {"ladder.round_to_tick": _round_to_nearest},
    ),
    Mutant(
        "cuts-deepest-first",
        "D-42",
        "the limit cuts the touch last",
        {"ladder.cut_sizes": _cut_deepest_first},
    ),
    Mutant(
        "passes-the-limit",
        "D-42",
        "sizes are not cut",
        {"ladder.cut_sizes": lambda sizes, room, min_size: list(sizes)},
    ),
    Mutant(
        "five-figures-only",
        "Q-01",
        "a tick of 10 at a price of 105055",
        {"ladder.tick_by_price": _tick_of_five_figures},
    ),
    Mutant(
        "sigma-estimate-ignored",
        "D-43",
        "the desk's sigma is ignored",
        {"engine.QuoteEngine.on_estimate": _estimate_without_sigma},
    ),
    Mutant(
        "no-events",
        "D-44",
        "nothing is reported",
        {"engine.QuoteEngine._events": lambda self, shift, bids, asks: []},
    ),
    Mutant(
        "kappa-per-fraction",
        "U-1",
        "kappa is taken to be per unit fraction",
        {
            "glft.half_spread_bps": lambda gamma, kappa, *rest: _half_spread(
                gamma, kappa / 1e4, *rest
            )
        },
    ),
)


# --- gates and incidents ----------------------------------------------------------------------


def _prior_floored(self: KalmanDrift, config: DriftConfig) -> None:
    _kalman_init(self, config)
    self.variance = max(config.p_min, config.prior_variance)


def _capped_at_50(self: KalmanDrift, z_bps_per_s: float, variance: float) -> None:
    _kalman_update(self, z_bps_per_s, variance)
    self.mean = min(50.0, max(-50.0, self.mean))


def _signals_by_variance(self: QuoteEngine, t_ms: int) -> None:
    self._signals.sort(key=lambda observation: observation[1])
    _update_drift(self, t_ms)


def _estimate_resets(self: QuoteEngine, t_ms: int, **estimates: float | None) -> None:
    defaults = {name: getattr(self._config, name) for name in estimates}
    given = {name: value for name, value in estimates.items() if value is not None}
    _on_estimate(self, t_ms, **(defaults | given))


def _lambda_of_config(
    self: QuoteEngine, side: str, depths: Sequence[float], as_cost: float
) -> list[float]:
    own = self._kappas
    self._kappas = (self._config.kappa_bid_per_bps, self._config.kappa_ask_per_bps)
    try:
        return _expected_pnls(self, side, depths, as_cost)
    finally:
        self._kappas = own


def _fill_mid_stays(self: QuoteEngine, *fill: Any) -> None:  # noqa: ANN401
    _on_fill(self, *fill)
    self._book_mid = fill[5] or self._book_mid


def _rejected_fill_burns_its_id(self: QuoteEngine, *fill: Any) -> None:  # noqa: ANN401
    try:
        _on_fill(self, *fill)
    finally:
        self._fill_ids.add(fill[4])


def _rejected_cycle_spends_signals(self: QuoteEngine, t_ms: int, mid: float | None = None) -> Cycle:
    if mid is None and self._book_mid is None:
        self._signals.clear()
    return _cycle(self, t_ms, mid)


def _red_above_80(position: float, max_position: float) -> str:
    return _zone(position * (1.0 - 1e-12), max_position)


def _dropped_takes_room(sizes: Sequence[float], room: float, min_size: float) -> list[float]:
    cut = []
    for size in sizes:
        allowed = min(size, max(0.0, room))
        room -= allowed
        cut.append(allowed if allowed >= min_size else 0.0)
    return cut


def _dust_is_flat(position: float) -> str | None:
    return None if abs(position) < 1e-3 else _accumulating_side(position)


def _kill_guard_early(position: float, max_position: float) -> str | None:
    return _killed_side(position * (1.0 + 1e-6), max_position)


FOUND_BY_READERS = (
    Mutant(
        "prior-floored",
        "D-04",
        "P_0 is floored before any update",
        {"drift.KalmanDrift.__init__": _prior_floored},
    ),
    Mutant(
        "drift-capped-at-50",
        "P1.test_drift_unclamped_exceeds_3bps",
        "the drift is clamped to +-50 bp/s",
        {"drift.KalmanDrift.update": _capped_at_50},
    ),
    Mutant(
        "signals-by-variance",
        "D-41",
        "a cycle's signals are sorted by variance",
        {"engine.QuoteEngine._update_drift": _signals_by_variance},
    ),
    Mutant(
        "estimate-resets",
        "D-43",
        "what an estimate leaves out falls back to the config",
        {"engine.QuoteEngine.on_estimate": _estimate_resets},
    ),
    Mutant(
        "lambda-of-config",
        "D-43",
        "lambda keeps the config's kappa",
        {"engine.QuoteEngine._expected_pnls_bps": _lambda_of_config},
    ),
    Mutant(
        "fill-mid-stays",
        "Q-04",
        "a fill's mid becomes the last mid",
        {"engine.QuoteEngine.on_fill": _fill_mid_stays},
    ),
    Mutant(
        "rejected-fill-burns-its-id",
        "Q-08",
        "a rejected fill's id counts as seen",
        {"engine.QuoteEngine.on_fill": _rejected_fill_burns_its_id},
    ),
    Mutant(
        "rejected-cycle-spends-signals",
        "Q-04",
        "a cycle rejected for want of a mid drops the held signals",
        {"engine.QuoteEngine.cycle": _rejected_cycle_spends_signals},
    ),
    Mutant(
        "red-above-80", "G-2", "Red begins above 80 %, not at it", {"legacy.zone": _red_above_80}
    ),
    Mutant(
        "least-size-dropped",
        "A-engine",
        "a level of exactly min_size is dropped",
        {
            "ladder.cut_sizes": lambda sizes, room, min_size: _cut_sizes(
                sizes, room, min_size * (1.0 + 1e-9)
            )
        },
    ),
    Mutant(
        "dropped-takes-room",
        "A-engine",
        "a level dropped for its size still uses up the limit",
        {"ladder.cut_sizes": _dropped_takes_room},
    ),
    Mutant(
        "dust-is-flat",
        "D-18",
        "a position below 0.001 has no accumulating side",
        {"inventory.accumulating_side": _dust_is_flat},
    ),
    Mutant(
        "kill-guard-early",
        "D-10",
        "the kill guard acts a millionth before the limit",
        {"inventory.killed_side": _kill_guard_early},
    ),
    Mutant(
        "reducing-room-capped",
        "A-engine",
        "the reducing side may only go back to flat and q_max beyond",
        {
            "ladder.cut_sizes": lambda sizes, room, min_size: _cut_sizes(
                sizes, min(room, 8.57), min_size
            )
        },
    ),
)


def _filter_without_prerequisites(config: EngineConfig) -> frozenset[int]:
    return frozenset(phase for phase, on in gating.gates(config).items() if on)


GATES = (
    Mutant(
        "legacy-drift-unclamped",
        "G-1",
        "with phase 1 off nothing clamps the drift",
        {"legacy.clamped_shift_bps": lambda shift: shift},
    ),
    Mutant(
        "trend-lost-in-rollback",
        "Q-03",
        "with phase 1 off trend readings are lost",
        {"legacy.trend_signal": lambda magnitude, agreement, p: (0.0, 1e9)},
    ),
    Mutant(
        "zones-forgotten",
        "G-2",
        "with phase 2 off there are no zones",
        {"legacy.zone": lambda position, limit: legacy.GREEN},
    ),
    Mutant(
        "flow-gate-ignored",
        "G-3",
        "phase 3 cannot be switched off",
        fixed_config={"use_directional_flow": True},
    ),
    Mutant(
        "gate-forgotten",
        "G-4",
        "with phase 4 off there is no quote gate",
        {"legacy.gate_closed_side": lambda position, limit: None},
    ),
    Mutant(
        "filter-never-inert",
        "D-37",
        "the filter acts without its prerequisites",
        {"config.active_phases": _filter_without_prerequisites},
    ),
    Mutant(
        "deployed-prices-move",
        "D-39",
        "the deployed baseline's prices follow its drift",
        {"engine.QuoteEngine._drift_moves_quotes": lambda self: True},
    ),
    Mutant(
        "filter-on-by-default",
        "D-38",
        "the filter cannot be off",
        fixed_config={"use_epnl_filter": True},
    ),
)

INCIDENTS = (
    Mutant(
        "silent",
        "S-feb19",
        "never quotes",
        {"ladder.cut_sizes": lambda sizes, room, min_size: [0.0] * len(sizes)},
    ),
    Mutant(
        "wide-10bp",
        "S-feb19",
        "quotes 10 bp wide, unprotected",
        fixed_config={
            **LEGACY_GATES,
            "legacy_variant": "deployed",
            "base_half_spread_bps": 10.0,
        },
    ),
    Mutant(
        "filter-alone",
        "S-feb19",
        "the drift stays at 0 and nothing skews the quotes",
        {"drift.KalmanDrift.update": _stay_at_zero, "inventory.skew_bps": lambda *args: 0.0},
    ),
)

MUTANTS = {
    mutant.name: mutant
    for mutant in (
        *PHASE_1,
        *PHASE_2,
        *PHASE_3,
        *PHASE_4,
        *FOUND_BY_READERS,
        *GATES,
        *INCIDENTS,
    )
}


def _negated(observation: drift.Observation | None) -> drift.Observation | None:
    return None if observation is None else (-observation[0], observation[1])


def make_mutant(name: str) -> BuiltinEngine:
    """Patch the reference in this process and return it as an engine."""
    mutant = MUTANTS[name]
    for target, replacement in mutant.patches.items():
        module_name, *path, attribute = target.split(".")
        owner = importlib.import_module(f"{ROOT}.{module_name}")
        for part in path:
            owner = getattr(owner, part)
        setattr(owner, attribute, replacement)
    return BuiltinEngine(f"mutant:{name}", fixed_config=mutant.fixed_config)


def main() -> None:
    """Serve the mutant named by the first argument over stdio."""
    serve(make_mutant(sys.argv[1]), sys.stdin.buffer, os.fdopen(os.dup(1), "wb"))


if __name__ == "__main__":
    main()
