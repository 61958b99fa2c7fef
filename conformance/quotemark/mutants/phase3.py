"""Phase 3: directional flow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from quotemark.mutants.base import Mutant
from quotemark_reference import drift, flow
from quotemark_reference.config import FlowConfig
from quotemark_reference.engine import QuoteEngine
from quotemark_reference.flow import TradeFlow

# The reference's own functions, for the mutants that only bend them.
_expected_pnls = QuoteEngine._expected_pnls_bps
_imbalance = flow.imbalance
_multipliers = flow.kappa_multipliers
_flow_observation = flow.drift_observation
_record_trade = TradeFlow.record_trade


def _negated(observation: drift.Observation | None) -> drift.Observation | None:
    return None if observation is None else (-observation[0], observation[1])


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


def _record_at_flow_horizon(self: TradeFlow, t_ms: int, side: str, size: float) -> None:
    count = _count_at_flow_horizon(self, t_ms)
    _record_trade(self, t_ms, side, size)
    self._decayed_trades = count + 1.0


def _count_at_flow_horizon(self: TradeFlow, t_ms: int) -> float:
    dt_s = (t_ms - self._time_ms) / 1000.0 if self._trades_ever else 0.0
    return self._decayed_trades * flow.decay_factor(dt_s, self._config.flow_horizon_s)


def _one_multiplier(flow_imbalance: float, config: FlowConfig) -> tuple[float, float]:
    smaller = min(_multipliers(flow_imbalance, config))
    return smaller, smaller


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
    Mutant(
        "count-at-the-flow-horizon",
        "A-flow",
        "the count of trades decays at the configured horizon, not at 5 s",
        {
            "flow.TradeFlow.record_trade": _record_at_flow_horizon,
            "flow.TradeFlow.decayed_trades_at": _count_at_flow_horizon,
        },
    ),
    Mutant(
        "one-multiplier",
        "E2E-06",
        "lopsided flow widens both sides alike",
        {"flow.kappa_multipliers": _one_multiplier},
    ),
)
