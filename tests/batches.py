"""Markets of the port's steps, played side by side in one batch of the vectorised engine.

At every turn each market takes its next event, or its next trades up to another event: so calls
concern some of the markets, and times, books and tapes differ.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from quotemark.messages import Json
from quotemark_vectorised import BatchEngine, Cycle
from quotemark_vectorised.observation import cycle_observation

Kind = tuple[str, str | None]
"""A kind of step, and its source where it has one: what one call of the engine takes."""

FloatArray = NDArray[np.float64]


def play(
    engine: BatchEngine,
    markets: Sequence[Sequence[Json]],
    *,
    longest_tape: int = 1000,
    elsewhere: float = np.nan,
) -> list[list[Json]]:
    """Play the steps of every market to their end; returns the cycles of each, as the port's.

    Trades that follow one another come in tapes of at most ``longest_tape``. ``elsewhere`` stands
    in arrays where a call does not concern a market.
    """
    waiting = [deque(_events(steps, longest_tape)) for steps in markets]
    cycles: list[list[Json]] = [[] for _ in markets]
    while any(waiting):
        turn: defaultdict[Kind, dict[int, list[Json]]] = defaultdict(dict)
        for market, events in enumerate(waiting):
            if events:
                kind, steps = events.popleft()
                turn[kind][market] = steps
        for kind, steps_by_market in turn.items():
            call = Call(len(markets), steps_by_market, elsewhere)
            for market, cycle in take(engine, kind, call):
                cycles[market].append(cycle)
    return cycles


def _events(steps: Sequence[Json], longest_tape: int) -> Iterator[tuple[Kind, list[Json]]]:
    for kind, run in groupby(steps, lambda step: (step["step"], step.get("source"))):
        together = longest_tape if kind[0] == "trade" else 1
        same = list(run)
        for first in range(0, len(same), together):
            yield kind, same[first : first + together]


class Call:
    """Steps of one kind, of some markets, as the arrays of a call."""

    def __init__(self, markets: int, steps: Mapping[int, list[Json]], elsewhere: float) -> None:
        self._markets, self._steps, self._elsewhere = markets, steps, elsewhere
        self.where = np.zeros(markets, np.bool_)
        self.where[list(steps)] = True

    def column(self, name: str, default: float = np.nan) -> FloatArray:
        """Figure of each market's step."""
        return np.where(self.where, self.rows(name, default)[0], self._elsewhere)

    def rows(self, name: str, default: float = np.nan) -> FloatArray:
        """Figures of each market's steps, [step, market]; NaN where there is no step."""
        figures = {
            market: [step.get(name, default) for step in steps]
            for market, steps in self._steps.items()
        }
        return self._padded(figures)

    def buys(self) -> NDArray[np.bool_]:
        """Whether each step is a buy, [step, market]."""
        bought = {
            market: [float(step["side"] == "buy") for step in steps]
            for market, steps in self._steps.items()
        }
        buys: NDArray[np.bool_] = self._padded(bought) == 1.0
        return buys

    def levels(self, side: str) -> tuple[FloatArray, FloatArray]:
        """Prices and sizes of a side of each market's book, [level, market]."""
        books = {market: steps[0][side] for market, steps in self._steps.items()}
        prices, sizes = (
            self._padded(
                {market: [level[part] for level in book] for market, book in books.items()}
            )
            for part in (0, 1)
        )
        prices[:, ~self.where] = sizes[:, ~self.where] = self._elsewhere
        return prices, sizes

    def _padded(self, figures: Mapping[int, Sequence[float]]) -> FloatArray:
        array = np.full((max(map(len, figures.values())), self._markets), np.nan)
        for market, column in figures.items():
            array[: len(column), market] = column
        return array

    def observations(self, cycle: Cycle) -> Iterator[tuple[int, Json]]:
        """What a cycle gave each of the markets."""
        return ((market, cycle_observation(cycle, market)) for market in self._steps)


def take(engine: BatchEngine, kind: Kind, call: Call) -> Iterator[tuple[int, Json]]:
    """Make the call of the engine that takes steps of a kind; cycles by market, if it is one."""
    t_ms, where, (step, source) = call.column("t_ms"), call.where, kind
    match step:
        case "cycle":
            return call.observations(engine.cycle(t_ms, call.column("mid"), where))
        case "book":
            engine.book(t_ms, call.levels("bids"), call.levels("asks"), where)
        case "trade":
            engine.trades(call.rows("t_ms"), call.buys(), call.rows("price"), call.rows("size"))
        case "fill":
            engine.fill(
                t_ms,
                call.buys()[0],
                call.column("price"),
                call.column("size"),
                call.column("mid"),
                call.column("levels_crossed", 1.0),
                where,
            )
        case "trend":
            engine.trend(
                t_ms,
                call.column("magnitude_bps"),
                call.column("agreement"),
                call.column("p_continuation"),
                where,
            )
        case "signal" if source in ("toxicity_bid", "toxicity_ask"):
            engine.toxicity(t_ms, source.removeprefix("toxicity_"), call.column("value"), where)
        case "signal":
            assert source is not None
            engine.signal(t_ms, call.column("value"), call.column("variance"), source, where)
        case "estimate":
            sigma = call.column("sigma_bps_per_sqrt_s")
            engine.estimate(t_ms, sigma_bps_per_sqrt_s=sigma, where=where)
        case "funding":
            engine.funding(t_ms, call.column("rate"), call.column("interval_s"), where)
        case "reference_price":
            assert source is not None
            engine.reference_price(t_ms, source, call.column("price"), where)
        case "open_interest":
            engine.open_interest(t_ms, call.column("contracts"), where)
    return iter(())
