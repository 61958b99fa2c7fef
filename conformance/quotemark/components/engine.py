"""Component ``engine``: the whole quote cycle."""

from __future__ import annotations

import msgspec

from quotemark import messages
from quotemark.components.base import ConfiguredComponent
from quotemark.messages import Json, Step
from quotemark_reference.config import EngineConfig
from quotemark_reference.engine import Cycle, QuoteEngine
from quotemark_reference.errors import MissingFieldError

TOXICITY_SOURCES = {"toxicity_bid": "bid", "toxicity_ask": "ask"}


class EngineComponent(ConfiguredComponent[EngineConfig]):
    """Component ``engine``: the whole quote cycle."""

    def __init__(self, config: Json) -> None:
        super().__init__(EngineConfig, config)
        self._engine = QuoteEngine(self._config)

    def apply(self, step: Step) -> Json:
        """Take an event; a ``cycle`` answers with the ladder and its inner figures."""
        match step:
            case messages.CycleStep():
                return cycle_observation(self._engine.cycle(step.t_ms, step.mid))
            case messages.Book():
                self._engine.on_book(step.t_ms, step.bids, step.asks)
            case messages.Trade():
                self._engine.on_trade(step.t_ms, step.side, step.price, step.size)
            case messages.Fill():
                self._engine.on_fill(
                    step.t_ms,
                    step.side,
                    step.price,
                    step.size,
                    fill_id=step.id,
                    mid=step.mid,
                    levels_crossed=step.levels_crossed,
                )
            case messages.Trend():
                self._engine.on_trend(
                    step.t_ms, step.magnitude_bps, step.agreement, step.p_continuation
                )
            case messages.Signal():
                self._apply_signal(step)
            case messages.Estimate():
                self._engine.on_estimate(
                    step.t_ms,
                    sigma_bps_per_sqrt_s=step.sigma_bps_per_sqrt_s,
                    kappa_bid_per_bps=step.kappa_bid_per_bps,
                    kappa_ask_per_bps=step.kappa_ask_per_bps,
                    time_horizon_s=step.time_horizon_s,
                )
            case messages.Funding():
                self._engine.on_funding(step.t_ms, step.rate, step.interval_s)
            case messages.ReferencePrice():
                self._engine.on_reference_price(step.t_ms, step.source, step.price)
            case messages.OpenInterest():
                self._engine.on_open_interest(step.t_ms, step.contracts)
        return {}

    def _apply_signal(self, step: messages.Signal) -> None:
        if step.source in TOXICITY_SOURCES:
            self._engine.on_toxicity(step.t_ms, TOXICITY_SOURCES[step.source], step.value)
        elif step.variance is None:
            raise MissingFieldError(f"variance is absent from signal {step.source!r}")
        else:
            self._engine.on_signal(step.t_ms, step.value, step.variance, step.source)


def cycle_observation(cycle: Cycle) -> Json:
    """Turn a cycle of the reference into the port's observation, as it is when read from JSON."""
    observation: Json = msgspec.to_builtins(cycle)
    del observation["t_ms"]
    for name, value in observation.items():
        if isinstance(value, tuple):
            observation[name] = list(value)
    return observation
