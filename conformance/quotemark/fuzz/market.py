"""Sessions of the quote cycle: gates, a configuration, and every event that a market sends.

Each session draws its own habits: the scale of its prices and sizes, how often each event comes,
how trades and fills lean, and whether the position wanders around flat, at the limit or past it. It
is never brought exactly to a border of the old zones, where a rounded share decides.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterator

from quotemark.fuzz.components import funding_rate
from quotemark.fuzz.draws import Clock, book, fraction, magnitude, signed, trade_side
from quotemark.messages import Json
from quotemark.suite.market import GATES, MAX_POSITION

PHASES_OF_EVENTS = {"funding": {6}, "reference_price": {6, 8}, "open_interest": {8}}
"""Phases that take an event; an engine with none of them need not know it."""

LEAST_TICKS = 1e-7
"""Of a mid: nearer to 0, an ask would lie between 0 and the first tick within a tie of D-42."""


def session(rng: random.Random, config: Json, phases: Collection[int]) -> Iterator[Json]:
    """Return the events of one session, without end, for an engine that has ``phases``."""
    return Session(rng, config).events(phases)


def gate_set(rng: random.Random, phases: Collection[int]) -> Json:
    """Return gates for an engine that has ``phases``: all on, mostly on, or any set at all."""
    likely = rng.choice((1.0, 0.8, 0.5))
    on: Json = {name: phase in phases and rng.random() < likely for phase, name in GATES.items()}
    return {**on, "legacy_variant": rng.choice(("documented", "deployed"))}


class Session:
    """A market and a desk, with habits of their own."""

    def __init__(self, rng: random.Random, config: Json) -> None:
        self._rng = rng
        self._clock = Clock(rng)
        self._mid = max(magnitude(rng, 1e-3, 1e5), LEAST_TICKS * (config.get("tick_size") or 0.0))
        self._leader = magnitude(rng, 1e-2, 1e5)
        self._contracts = magnitude(rng, 1.0, 1e9)
        self._limit: float = config.get("max_position", MAX_POSITION)
        self._size = self._limit * magnitude(rng, 1e-3, 0.5)
        self._sigma = magnitude(rng, 1e-5, 3e-3)
        self._buys = rng.choice((0.5, 0.5, rng.random()))
        self._target = self._limit * rng.choice((0.0, 0.47, 0.77, 1.0, 1.3, -0.67, -1.0))
        self._position = 0.0
        self._fills = 0

    def events(self, phases: Collection[int]) -> Iterator[Json]:
        """Return events, every so often a cycle; how often each comes is the session's habit."""
        rng = self._rng
        makers: dict[str, Callable[[], Json]] = {
            "book": lambda: book(rng, self._clock.tick(), self._mid),
            "trade": self._trade,
            "fill": self._fill,
            "trend": self._trend,
            "signal": self._signal,
            "toxicity": self._toxicity,
            "estimate": self._estimate,
            "funding": self._funding,
            "reference_price": self._reference_price,
            "open_interest": self._open_interest,
        }
        known = [name for name in makers if PHASES_OF_EVENTS.get(name, {1}) & {1, *phases}]
        weights = [rng.choice((0.0, 0.3, 1.0, 3.0)) for _ in known]
        per_cycle = rng.choice((1.0, 4.0, 12.0))
        mid_share = 0.3 if weights[known.index("book")] else 0.97
        yield self._cycle(with_mid=True)
        while True:
            self._move()
            for _ in range(int(rng.expovariate(1.0 / per_cycle)) if any(weights) else 0):
                yield makers[rng.choices(known, weights)[0]]()
            yield self._cycle(with_mid=rng.random() < mid_share)

    def _move(self) -> None:
        rng = self._rng
        shock = rng.gauss(0.0, self._sigma)
        self._mid *= 1.0 + shock
        self._leader *= 1.0 + 1.5 * shock + rng.gauss(0.0, self._sigma / 4.0)
        self._contracts *= 1.0 + rng.gauss(0.0, 3e-3)
        if rng.random() < 0.05:
            self._buys = fraction(rng)

    def _cycle(self, *, with_mid: bool) -> Json:
        step: Json = {"step": "cycle", "t_ms": self._clock.tick()}
        return {**step, "mid": self._mid} if with_mid else step

    def _trade(self) -> Json:
        rng = self._rng
        return {
            "step": "trade",
            "t_ms": self._clock.tick(),
            "side": trade_side(rng, self._buys),
            "price": self._mid * (1.0 + rng.gauss(0.0, 2e-4)),
            "size": self._size * magnitude(rng, 0.05, 20.0),
        }

    def _fill(self) -> Json:
        """Return a fill that leads towards the session's target, now and then exactly to it."""
        rng = self._rng
        missing = self._target - self._position
        side = "buy" if rng.random() < (0.85 if missing > 0.0 else 0.15) else "sell"
        towards = (side == "buy") == (missing > 0.0) and missing != 0.0
        exactly = towards and rng.random() < 0.2
        size = abs(missing) if exactly else self._size * magnitude(rng, 0.1, 3.0)
        self._position += size if side == "buy" else -size
        self._fills += 1
        step: Json = {
            "step": "fill",
            "t_ms": self._clock.tick(),
            "side": side,
            "price": self._mid * (1.0 + rng.gauss(0.0, 5e-4)),
            "size": size,
        }
        if rng.random() < 0.5:
            step["id"] = f"fill-{self._fills}"
        if rng.random() < 0.5:
            step["mid"] = self._mid
        if rng.random() < 0.3:
            step["levels_crossed"] = rng.choice((1, 2, 3, 6))
        return step

    def _trend(self) -> Json:
        rng = self._rng
        return {
            "step": "trend",
            "t_ms": self._clock.tick(),
            "magnitude_bps": signed(rng, 0.1, 1e2),
            "agreement": fraction(rng),
            "p_continuation": fraction(rng),
        }

    def _signal(self) -> Json:
        rng = self._rng
        return {
            "step": "signal",
            "t_ms": self._clock.tick(),
            "source": rng.choice(("desk", "model", "trend")),
            "value": signed(rng, 1e-2, 50.0),
            "variance": magnitude(rng, 1e-2, 1e4),
        }

    def _toxicity(self) -> Json:
        rng = self._rng
        source = rng.choice(("toxicity_bid", "toxicity_ask"))
        return {
            "step": "signal",
            "t_ms": self._clock.tick(),
            "source": source,
            "value": fraction(rng),
        }

    def _estimate(self) -> Json:
        rng = self._rng
        values = {
            "sigma_bps_per_sqrt_s": magnitude(rng, 0.2, 30.0),
            "kappa_bid_per_bps": magnitude(rng, 1e-2, 1.0),
            "kappa_ask_per_bps": magnitude(rng, 1e-2, 1.0),
            "time_horizon_s": magnitude(rng, 0.2, 60.0),
        }
        given = {name: value for name, value in values.items() if rng.random() < 0.5}
        return {"step": "estimate", "t_ms": self._clock.tick(), **given}

    def _funding(self) -> Json:
        return {
            "step": "funding",
            "t_ms": self._clock.tick(),
            "rate": funding_rate(self._rng),
            "interval_s": self._rng.choice((3600.0, 3600.0, 28_800.0)),
        }

    def _reference_price(self) -> Json:
        rng = self._rng
        source = rng.choice(("leader", "leader", "spot", "mark", "index"))
        near = self._mid * (1.0 + rng.gauss(0.0, 5e-4))
        price = self._leader if source == "leader" else near
        return {
            "step": "reference_price",
            "t_ms": self._clock.tick(),
            "source": source,
            "price": price,
        }

    def _open_interest(self) -> Json:
        return {
            "step": "open_interest",
            "t_ms": self._clock.tick(),
            "contracts": self._contracts,
        }
