"""Cycle times of the reference by tier, beside a cycle of phases 1 to 4.

Before each cycle come a fresh 20 x 20 book, 100 trades, an own fill, a funding reading and prices
of every other market. ``hot sources`` times the hot tier alone, without the rest of the cycle.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from functools import partial

from tests.benchmarks.measure import Contender, Effort, Table, compare
from tests.benchmarks.page import duration

from quotemark.suite.market import ALL_PHASES, PHASES_1_TO_4
from quotemark.suite.tiers import BUDGETS_MS, percentile, tier_of
from quotemark_reference.book import BookFeatures
from quotemark_reference.config import EngineConfig, make_config
from quotemark_reference.drift import KalmanDrift, composite
from quotemark_reference.engine import QuoteEngine
from quotemark_reference.sweep import SweepDetector

CYCLES = 400
TRADES = 100
LEVELS = 20
CYCLE_MS = 6450

BookSide = list[tuple[float, float]]


def book_around(rng: random.Random, mid: float) -> tuple[BookSide, BookSide]:
    """Bids and asks of twenty levels, 2.6 bp apart, reaching past 50 bp."""
    offsets = [(level + 0.5) * 2.6e-4 for level in range(LEVELS)]
    bids = [(mid * (1.0 - offset), rng.uniform(1.0, 9.0)) for offset in offsets]
    asks = [(mid * (1.0 + offset), rng.uniform(1.0, 9.0)) for offset in offsets]
    return bids, asks


def before_cycle(engine: QuoteEngine, number: int, rng: random.Random) -> int:
    """Let a market happen before cycle ``number``; returns the cycle's time in ms."""
    t_ms = number * CYCLE_MS
    mid = 100.0 * (1.0 + rng.gauss(0.0, 2e-4))
    for _ in range(TRADES):
        t_ms += rng.randrange(60)
        engine.on_trade(t_ms, rng.choice(("buy", "sell")), mid, rng.uniform(0.1, 3.0))
    engine.on_book(t_ms, *book_around(rng, mid))
    engine.on_fill(t_ms, rng.choice(("buy", "sell")), mid, 0.1, levels_crossed=2)
    engine.on_funding(t_ms, f"{rng.gauss(1e-5, 1e-5):.8f}", 3600.0)
    engine.on_reference_price(t_ms, "spot", mid * (1.0 + rng.gauss(0.0, 1e-4)))
    engine.on_reference_price(t_ms, "leader", mid * 1000.0)
    engine.on_open_interest(t_ms, 1e6 + rng.random())
    return t_ms


def cycle_times(config: dict[str, object], cycles: int) -> dict[str, list[float]]:
    """Seconds that the cycles alone took, by tier."""
    engine = QuoteEngine(make_config(EngineConfig, config))
    rng = random.Random(0)
    taken: dict[str, list[float]] = {tier: [] for tier in BUDGETS_MS}
    for number in range(cycles):
        t_ms = before_cycle(engine, number, rng)
        start = time.perf_counter()
        engine.cycle(t_ms)
        taken[tier_of(number)].append(time.perf_counter() - start)
    return taken


def hot_source_times(cycles: int) -> list[float]:
    """Seconds that the hot tier alone took: book, delta-BIM, sweeps, composite and update."""
    config = make_config(EngineConfig, {})
    book, sweeps, kalman = BookFeatures(config), SweepDetector(config), KalmanDrift(config)
    rng = random.Random(0)
    taken = []
    for number in range(cycles):
        t_ms = number * CYCLE_MS
        book.record_book(*book_around(rng, 100.0))
        sweeps.record_fill(t_ms, "buy", 3.0, 3)
        start = time.perf_counter()
        book.follow(t_ms)
        said = [observation for _, observation in book.drift_observations()]
        swept = sweeps.drift_observation_at(t_ms)
        observation = composite([*said, swept] if swept else said)
        if observation is not None:
            kalman.update(*observation)
        sweeps.end_cycle(t_ms)
        taken.append(time.perf_counter() - start)
    return taken


def tables(effort: Effort) -> list[Table]:
    """Measure each tier beside phases 1 to 4; the plan's budgets are for the 99th percentile."""
    cycles = CYCLES // effort.divisor

    def phases_1_to_4() -> list[float]:
        return [one for tier in cycle_times(dict(PHASES_1_TO_4), cycles).values() for one in tier]

    contenders = {
        "phases 1 to 4": partial(_contender, phases_1_to_4),
        "hot sources": partial(_contender, lambda: hot_source_times(cycles), BUDGETS_MS["hot"]),
    }
    for tier, budget_ms in BUDGETS_MS.items():
        contenders[f"{tier} cycle, all phases"] = partial(
            _contender, partial(_cycles_of, tier, cycles), budget_ms
        )
    return [
        compare(
            "The reference's quote cycle by tier",
            "a cycle",
            contenders,
            effort.rounds,
            [
                f"A round is the median of its cycles. Before each: {TRADES} trades and a book of"
                f" {LEVELS} x {LEVELS} levels, which are not timed."
            ],
        )
    ]


def _cycles_of(tier: str, cycles: int) -> list[float]:
    return cycle_times(dict(ALL_PHASES), cycles)[tier]


def _contender(measured: Callable[[], list[float]], budget_ms: float | None = None) -> Contender:
    remark = f"99 %: {duration(percentile(measured(), 0.99))}"
    if budget_ms is not None:
        remark += f", budget {budget_ms:g} ms"
    return Contender(lambda: statistics.median(measured()), remark)
