"""The cycle with every source: tiers, order, trace and defaults."""

from __future__ import annotations

import math
import time
from typing import Any

from quotemark.mutants.base import Mutant
from quotemark_reference.config import EngineConfig
from quotemark_reference.drift import Observation
from quotemark_reference.engine import Cycle, DriftUpdate, QuoteEngine
from quotemark_reference.funding import FundingEstimator
from quotemark_reference.sources import DriftSources, Sourced

# The reference's own functions, for the mutants that only bend them.
_config_init = EngineConfig.__init__
_update_drift = QuoteEngine._update_drift
_observe = QuoteEngine._observe
_observe_signals = QuoteEngine._observe_signals
_observe_flow = QuoteEngine._observe_flow
_observe_hot = QuoteEngine._observe_hot_composite
_take_updates = QuoteEngine._take_drift_updates
_on_fill = QuoteEngine.on_fill
_cycle = QuoteEngine.cycle
_premium = FundingEstimator.premium
_hot = DriftSources.hot
_warm = DriftSources.warm
_cold = DriftSources.cold


# --- tiers ------------------------------------------------------------------------------------


def _tiers_counted_from_1(self: QuoteEngine, t_ms: int, mid: float) -> None:
    self._cycles += 1
    try:
        _update_drift(self, t_ms, mid)
    finally:
        self._cycles -= 1


def _rejected_cycles_count(self: QuoteEngine, t_ms: int, mid: float | None = None) -> Cycle:
    before = self._cycles
    try:
        return _cycle(self, t_ms, mid)
    finally:
        self._cycles = before + 1


# --- order ------------------------------------------------------------------------------------


def _flow_last(self: QuoteEngine, t_ms: int) -> None:
    _observe_hot(self, t_ms)
    _observe_flow(self, t_ms)


def _flow_then_signals(self: QuoteEngine, t_ms: int) -> None:
    _observe_flow(self, t_ms)
    _observe_signals(self)


def _cold_before_warm(self: QuoteEngine, t_ms: int, mid: float) -> None:
    self._settle_markouts(t_ms, mid)
    self._kalman.predict(t_ms)
    self._observe_signals()
    self._observe_flow(t_ms)
    self._observe_hot_composite(t_ms)
    self._sources.follow_returns(t_ms, mid)
    if self._cycles % self._config.cold_every_cycles == 0:
        self._observe_all(self._sources.cold(mid))
    if self._cycles % self._config.warm_every_cycles == 0:
        self._observe_all(self._sources.warm(t_ms, mid))


def _warm_reversed(self: DriftSources, t_ms: int, mid: float) -> list[Sourced]:
    return _warm(self, t_ms, mid)[::-1]


def _cold_reversed(self: DriftSources, mid: float) -> list[Sourced]:
    return _cold(self, mid)[::-1]


# --- trace ------------------------------------------------------------------------------------


def _bent(self: QuoteEngine, source: str, observation: Observation) -> DriftUpdate:
    """Observe, and return the newest line of the trace to bend it."""
    _observe(self, source, observation)
    return self._drift_updates[-1]


def _gain_of_the_old(self: QuoteEngine, source: str, observation: Observation) -> None:
    update = _bent(self, source, observation)
    update.gain = 1.0 - update.gain


def _push_of_z(self: QuoteEngine, source: str, observation: Observation) -> None:
    update = _bent(self, source, observation)
    update.push_bps_per_s = update.gain * update.z_bps_per_s


def _push_from_after(self: QuoteEngine, source: str, observation: Observation) -> None:
    update = _bent(self, source, observation)
    update.push_bps_per_s = update.gain * (update.z_bps_per_s - self._kalman.mean)


def _noise_as_deviation(self: QuoteEngine, source: str, observation: Observation) -> None:
    update = _bent(self, source, observation)
    update.variance = math.sqrt(update.variance)


def _signals_unnamed(self: QuoteEngine, source: str, observation: Observation) -> None:
    update = _bent(self, source, observation)
    update.source = update.source.partition(":")[0]


def _fills_untraced(self: QuoteEngine, *fill: Any, **named: Any) -> None:  # noqa: ANN401
    _on_fill(self, *fill, **named)
    self._drift_updates = [one for one in self._drift_updates if one.source != "fill"]


def _trace_reversed(self: QuoteEngine) -> list[DriftUpdate]:
    return _take_updates(self)[::-1]


def _trace_never_taken(self: QuoteEngine) -> list[DriftUpdate]:
    taken = _take_updates(self)
    self._drift_updates = list(taken)
    return taken


def _arrivals_forgotten(self: QuoteEngine, t_ms: int, mid: float) -> None:
    self._drift_updates.clear()
    _update_drift(self, t_ms, mid)


def _premium_not_finite(self: FundingEstimator) -> float | None:
    premium = _premium(self)
    return math.nan if premium is None else premium


# --- defaults ---------------------------------------------------------------------------------


def _plan_by_default(self: EngineConfig, **values: Any) -> None:  # noqa: ANN401
    _config_init(self, **{"calibration": "plan", **values})


def _books_on_by_default(self: EngineConfig, **values: Any) -> None:  # noqa: ANN401
    _config_init(self, **{"use_book_features": True, **values})


def _adaptation_off_by_default(self: EngineConfig, **values: Any) -> None:  # noqa: ANN401
    _config_init(self, **{"use_online_adaptation": False, **values})


# --- tiers that take longer than ten times their budget ---------------------------------------


def _hot_tier_waits(self: DriftSources, t_ms: int) -> list[Sourced]:
    time.sleep(0.015)  # fifteen times the tier's budget
    return _hot(self, t_ms)


def _warm_tier_waits(self: DriftSources, t_ms: int, mid: float) -> list[Sourced]:
    time.sleep(0.11)
    return _warm(self, t_ms, mid)


def _cold_tier_waits(self: DriftSources, mid: float) -> list[Sourced]:
    time.sleep(1.05)
    return _cold(self, mid)


CYCLE = (
    Mutant(
        "hot-tier-slow",
        "P7.test_hot_tier_latency",
        "the hot tier takes 15 ms",
        {"sources.DriftSources.hot": _hot_tier_waits},
    ),
    Mutant(
        "warm-tier-slow",
        "P8.test_warm_tier_latency",
        "the warm tier takes 110 ms",
        {"sources.DriftSources.warm": _warm_tier_waits},
    ),
    Mutant(
        "cold-tier-slow",
        "P8.test_cold_tier_latency",
        "the cold tier takes 1.05 s",
        {"sources.DriftSources.cold": _cold_tier_waits},
    ),
    Mutant(
        "tiers-counted-from-1",
        "D-36",
        "the first cycle is number 1: it runs the hot tier alone",
        {"engine.QuoteEngine._update_drift": _tiers_counted_from_1},
    ),
    Mutant(
        "warm-every-third",
        "D-36",
        "the warm tier runs in every third cycle",
        fixed_config={"warm_every_cycles": 3},
    ),
    Mutant(
        "cold-every-sixth",
        "D-36",
        "the cold tier runs in every sixth cycle",
        fixed_config={"cold_every_cycles": 6},
    ),
    Mutant(
        "rejected-cycles-count",
        "D-36",
        "a rejected cycle moves the tiers on",
        {"engine.QuoteEngine.cycle": _rejected_cycles_count},
    ),
    Mutant(
        "flow-after-composite",
        "D-41",
        "the flow enters after the hot composite",
        {
            "engine.QuoteEngine._observe_flow": lambda self, t_ms: None,
            "engine.QuoteEngine._observe_hot_composite": _flow_last,
        },
    ),
    Mutant(
        "flow-before-signals",
        "D-41",
        "the flow enters before the held signals",
        {
            "engine.QuoteEngine._observe_signals": lambda self: None,
            "engine.QuoteEngine._observe_flow": _flow_then_signals,
        },
    ),
    Mutant(
        "cold-before-warm",
        "D-41",
        "the cold tier enters before the warm one",
        {"engine.QuoteEngine._update_drift": _cold_before_warm},
    ),
    Mutant(
        "basis-before-hawkes",
        "D-41",
        "the warm tier's sources enter backwards",
        {"sources.DriftSources.warm": _warm_reversed},
    ),
    Mutant(
        "funding-before-lead",
        "D-41",
        "the cold tier's sources enter backwards",
        {"sources.DriftSources.cold": _cold_reversed},
    ),
    Mutant(
        "trace-gain-of-the-old",
        "D-41",
        "the traced gain is the weight of the old drift",
        {"engine.QuoteEngine._observe": _gain_of_the_old},
    ),
    Mutant(
        "trace-push-of-z",
        "D-41",
        "the traced push is the gain times z, whatever the drift was",
        {"engine.QuoteEngine._observe": _push_of_z},
    ),
    Mutant(
        "trace-push-from-after",
        "D-41",
        "the traced push is against the drift after the update",
        {"engine.QuoteEngine._observe": _push_from_after},
    ),
    Mutant(
        "trace-noise-as-deviation",
        "D-41",
        "the trace shows the noise's deviation as its variance",
        {"engine.QuoteEngine._observe": _noise_as_deviation},
    ),
    Mutant(
        "trace-signals-unnamed",
        "D-41",
        "a held signal is traced without its source",
        {"engine.QuoteEngine._observe": _signals_unnamed},
    ),
    Mutant(
        "trace-without-fills",
        "D-41",
        "own fills move the drift and are not traced",
        {"engine.QuoteEngine.on_fill": _fills_untraced},
    ),
    Mutant(
        "trace-reversed",
        "D-41",
        "the trace shows the newest observation first",
        {"engine.QuoteEngine._take_drift_updates": _trace_reversed},
    ),
    Mutant(
        "trace-never-taken",
        "D-41",
        "a cycle's trace is that of the whole session",
        {"engine.QuoteEngine._take_drift_updates": _trace_never_taken},
    ),
    Mutant(
        "trace-of-the-cycle-alone",
        "D-41",
        "what arrived between cycles is not in the trace",
        {"engine.QuoteEngine._update_drift": _arrivals_forgotten},
    ),
    Mutant(
        "unknown-premium-not-finite",
        "Q-02",
        "a premium that is not known yet is not a number",
        {"funding.FundingEstimator.premium": _premium_not_finite},
    ),
    Mutant(
        "plan-by-default",
        "D-45",
        "the engine's default calibration is the plan's",
        {"config.EngineConfig.__init__": _plan_by_default},
    ),
    Mutant(
        "books-on-by-default",
        "D-38",
        "book features are on before they are calibrated",
        {"config.EngineConfig.__init__": _books_on_by_default},
    ),
    Mutant(
        "adaptation-off-by-default",
        "D-38",
        "the adaptation's gate is off by default",
        {"config.EngineConfig.__init__": _adaptation_off_by_default},
    ),
)
