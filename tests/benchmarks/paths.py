"""Many paths at once: the vectorised engine against the scalar reference, per path and cycle.

Each path is a market of its own. Before each cycle come a fresh 20 x 20 book, 100 trades, an own
fill, a funding reading and prices of every other market, as in the table of tiers; all phases are
on. Both engines take the same events of path 0, and must end on the same quotes.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tests.benchmarks.measure import Effort, Row, Table, spread
from tests.benchmarks.tiers import CYCLE_MS, LEVELS, TRADES

from quotemark.suite.market import ALL_PHASES
from quotemark_reference.config import EngineConfig, make_config
from quotemark_reference.engine import QuoteEngine
from quotemark_vectorised import BatchEngine

BATCHES = (1, 100, 1_000, 10_000)
CYCLES = 50
ROUNDS = 3
UNTIMED = 30
"""Cycles before the timed ones: by then every source speaks."""

FloatArray = NDArray[np.float64]


@dataclass
class Events:
    """What happens in each market before a cycle; arrays end with the market."""

    t_ms: FloatArray
    trade_ms: FloatArray
    trade_buys: NDArray[np.bool_]
    trade_sizes: FloatArray
    mid: FloatArray
    bids: tuple[FloatArray, FloatArray]
    asks: tuple[FloatArray, FloatArray]
    fill_buys: NDArray[np.bool_]
    rate: FloatArray
    spot: FloatArray
    leader: FloatArray
    contracts: FloatArray


def events_before(cycle: int, markets: int, seed: int) -> Events:
    """Draw the events before a cycle; the first markets' are alike in batches of any size."""
    rngs = [np.random.default_rng([seed, cycle, kind]) for kind in range(10)]
    trade_ms = cycle * CYCLE_MS + rngs[0].integers(0, 60, (markets, TRADES)).cumsum(axis=1).T * 1.0
    mid = 100.0 * (1.0 + rngs[1].normal(0.0, 2e-4, markets))
    offsets = ((np.arange(LEVELS) + 0.5) * 2.6e-4)[:, None]
    sizes = rngs[2].uniform(1.0, 9.0, (markets, 2, LEVELS)).transpose(1, 2, 0).copy()
    return Events(
        t_ms=trade_ms[-1],
        trade_ms=trade_ms.copy(),
        trade_buys=(rngs[3].random((markets, TRADES)) < 0.5).T.copy(),
        trade_sizes=rngs[4].uniform(0.1, 3.0, (markets, TRADES)).T.copy(),
        mid=mid,
        bids=(mid * (1.0 - offsets), sizes[0]),
        asks=(mid * (1.0 + offsets), sizes[1]),
        fill_buys=rngs[5].random(markets) < 0.5,
        rate=rngs[6].normal(1e-5, 1e-5, markets).round(8),
        spot=mid * (1.0 + rngs[7].normal(0.0, 1e-4, markets)),
        leader=mid * 1000.0 * (1.0 + rngs[8].normal(0.0, 1e-4, markets)),
        contracts=1e6 + rngs[9].random(markets),
    )


def scalar_cycle(engine: QuoteEngine, events: Events) -> tuple[float, list[float]]:
    """Play path 0 through the reference; returns the seconds it took, and its prices."""
    t_ms, mid = int(events.t_ms[0]), float(events.mid[0])
    trades = list(
        zip(
            events.trade_ms[:, 0].astype(int).tolist(),
            np.where(events.trade_buys[:, 0], "buy", "sell").tolist(),
            events.trade_sizes[:, 0].tolist(),
            strict=True,
        )
    )
    bids, asks = (
        list(zip(prices[:, 0].tolist(), sizes[:, 0].tolist(), strict=True))
        for prices, sizes in (events.bids, events.asks)
    )
    side, rate = "buy" if events.fill_buys[0] else "sell", f"{events.rate[0]:.8f}"
    spot, leader = float(events.spot[0]), float(events.leader[0])
    start = time.perf_counter()
    for trade_ms, aggressor, size in trades:
        engine.on_trade(trade_ms, aggressor, mid, size)
    engine.on_book(t_ms, bids, asks)
    engine.on_fill(t_ms, side, mid, 0.1, levels_crossed=2)
    engine.on_funding(t_ms, rate, 3600.0)
    engine.on_reference_price(t_ms, "spot", spot)
    engine.on_reference_price(t_ms, "leader", leader)
    engine.on_open_interest(t_ms, float(events.contracts[0]))
    cycle = engine.cycle(t_ms)
    seconds = time.perf_counter() - start
    return seconds, [quote.price for quote in (*cycle.bids, *cycle.asks)]


def batch_cycle(engine: BatchEngine, events: Events) -> tuple[float, list[float]]:
    """Play all paths at once; returns the seconds that took, and the prices of path 0."""
    start = time.perf_counter()
    engine.trades(events.trade_ms, events.trade_buys, events.mid, events.trade_sizes)
    engine.book(events.t_ms, events.bids, events.asks)
    engine.fill(events.t_ms, events.fill_buys, events.mid, 0.1, levels_crossed=2.0)
    engine.funding(events.t_ms, events.rate, 3600.0)
    engine.reference_price(events.t_ms, "spot", events.spot)
    engine.reference_price(events.t_ms, "leader", events.leader)
    engine.open_interest(events.t_ms, events.contracts)
    cycle = engine.cycle(events.t_ms)
    seconds = time.perf_counter() - start
    return seconds, cycle.prices[..., 0][cycle.sizes[..., 0] > 0.0].tolist()


def microseconds(markets: int) -> tuple[float, float]:
    """Time of a path and cycle, alone in the reference and in a batch of ``markets``.

    The two take turns, cycle by cycle; means over cycles of all tiers.
    """
    config = make_config(EngineConfig, dict(ALL_PHASES))
    reference, batch = QuoteEngine(config), BatchEngine([config] * markets)
    scalar_us, batch_us = [], []
    for cycle in range(CYCLES):
        events = events_before(cycle, markets, seed=0)
        scalar_s, expected = scalar_cycle(reference, events)
        batch_s, prices = batch_cycle(batch, events)
        assert prices == expected, (prices, expected)
        if cycle >= UNTIMED:
            scalar_us.append(scalar_s * 1e6)
            batch_us.append(batch_s * 1e6 / markets)
    return statistics.mean(scalar_us), statistics.mean(batch_us)


def tables(effort: Effort) -> list[Table]:
    """Measure batches of each size; the reference takes turns with each, cycle by cycle."""
    alone: list[float] = []
    rows: list[Row] = []
    for markets in BATCHES:
        if markets > BATCHES[-1] // effort.divisor:
            continue
        pairs = [microseconds(markets) for _ in range(min(effort.rounds, ROUNDS))]
        alone += [scalar_us * 1e-6 for scalar_us, _ in pairs]
        rows.append(
            Row(
                f"vectorised, a batch of {markets:,}",
                spread([batch_us * 1e-6 for _, batch_us in pairs]),
                spread([batch_us / scalar_us for scalar_us, batch_us in pairs]),
                f"{1.0 / spread([batch / scalar for scalar, batch in pairs]).median:.1f}"
                " times as fast",
            )
        )
    first = Row("reference, one path", spread(alone), spread([1.0]))
    notes = [
        f"All phases; the {TRADES} trades, the book of {LEVELS} x {LEVELS} levels and the readings"
        " before a cycle are timed too. Both engines must end each cycle on the same quotes. A"
        f" round is the mean of {CYCLES - UNTIMED} cycles, after {UNTIMED} untimed."
    ]
    return [Table("Many paths at once", "a path and cycle", [first, *rows], notes=notes)]
