"""The vectorised engine behind the port: a batch of one market a session.

So the suite, which knows one market at a time, certifies the code that runs ten thousand.
"""

from __future__ import annotations

from pathlib import Path

from quotemark import messages
from quotemark.builtin import ComponentEngine
from quotemark.components.base import ConfiguredComponent
from quotemark.components.engine import TOXICITY_SOURCES
from quotemark.messages import Json, Step
from quotemark_reference.config import EngineConfig
from quotemark_reference.errors import DuplicateError, MissingFieldError
from quotemark_reference.funding import parse_rate
from quotemark_vectorised.components import PIECES, bought, one, side_array
from quotemark_vectorised.engine import BatchEngine
from quotemark_vectorised.observation import cycle_observation


class EngineComponent(ConfiguredComponent[EngineConfig]):
    """Component ``engine``: the whole quote cycle."""

    def __init__(self, config: Json) -> None:
        super().__init__(EngineConfig, config)
        self._engine = BatchEngine([self._config])
        self._fill_ids: set[str] = set()

    def apply(self, step: Step) -> Json:
        """Take an event; a ``cycle`` answers with the ladder and its inner figures."""
        engine = self._engine
        match step:
            case messages.CycleStep():
                return cycle_observation(engine.cycle(float(step.t_ms), step.mid))
            case messages.Book():
                engine.book(float(step.t_ms), side_array(step.bids), side_array(step.asks))
            case messages.Trade():
                self._trade(step)
            case messages.Fill():
                self._fill(step)
            case messages.Trend():
                engine.trend(
                    float(step.t_ms), step.magnitude_bps, step.agreement, step.p_continuation
                )
            case messages.Signal():
                self._signal(step)
            case messages.Estimate():
                engine.estimate(
                    float(step.t_ms),
                    sigma_bps_per_sqrt_s=step.sigma_bps_per_sqrt_s,
                    kappa_bid_per_bps=step.kappa_bid_per_bps,
                    kappa_ask_per_bps=step.kappa_ask_per_bps,
                    time_horizon_s=step.time_horizon_s,
                )
            case messages.Funding():
                engine.funding(float(step.t_ms), parse_rate(step.rate), step.interval_s)
            case messages.ReferencePrice():
                engine.reference_price(float(step.t_ms), step.source, step.price)
            case messages.OpenInterest():
                engine.open_interest(float(step.t_ms), step.contracts)
        return {}

    def _trade(self, step: messages.Trade) -> None:
        """Take a trade, as a tape of one."""
        t_ms, price, size = one(step.t_ms), one(step.price), one(step.size)
        self._engine.trades(t_ms[None], bought(step.side)[None], price[None], size[None])

    def _fill(self, step: messages.Fill) -> None:
        """Take a fill once; what tells fills apart is the feed's, and none of the engine's."""
        if step.id in self._fill_ids:
            raise DuplicateError(f"id is {step.id!r}, which an earlier fill had")
        self._engine.fill(
            float(step.t_ms),
            bought(step.side),
            step.price,
            step.size,
            step.mid,
            step.levels_crossed,
        )
        if step.id is not None:
            self._fill_ids.add(step.id)

    def _signal(self, step: messages.Signal) -> None:
        if step.source in TOXICITY_SOURCES:
            self._engine.toxicity(float(step.t_ms), TOXICITY_SOURCES[step.source], step.value)
        elif step.variance is None:
            raise MissingFieldError(f"variance is absent from signal {step.source!r}")
        else:
            self._engine.signal(float(step.t_ms), step.value, step.variance, step.source)


def batch_of_one() -> ComponentEngine:
    """Make the vectorised engine as an engine of the port, one market a session."""
    components = {**PIECES, "engine": EngineComponent}
    return ComponentEngine("vectorised", components, Path(__file__).parent)
