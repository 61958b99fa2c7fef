"""A quote cycle of all phases: the reference, and the Rust engine by its own ``cargo bench``.

Both see the market of that benchmark, built here a second time: before each cycle a book of 20 x 20
levels, a trade, an own fill and a reading of every other source. Only the cycle is timed.
"""

from __future__ import annotations

import statistics
import time
from itertools import count

from tests.benchmarks import rust
from tests.benchmarks.measure import Contender, Effort, Table, compare

from quotemark.suite.market import ALL_PHASES, CYCLE_MS
from quotemark_reference.config import EngineConfig, make_config
from quotemark_reference.engine import QuoteEngine

CYCLES = 500
LEVELS = 20


def market(engine: QuoteEngine, cycle: int) -> None:
    """Let every source speak at the time of ``cycle``."""
    t_ms = cycle * CYCLE_MS
    side = "buy" if cycle % 2 == 0 else "sell"
    wave = cycle * 7919 % 101 / 101.0 - 0.5
    mid = 100.0 + 0.2 * wave
    bids, asks = (
        [
            (mid * (1.0 + sign * (0.5 + 3.0 * level) / 1e4), 2.0 + wave + level)
            for level in range(LEVELS)
        ]
        for sign in (-1.0, 1.0)
    )
    engine.on_book(t_ms, bids, asks)
    engine.on_trade(t_ms, side, mid, 1.0 + wave)
    engine.on_fill(t_ms, side, mid, 0.7 + wave, levels_crossed=2)
    engine.on_trend(t_ms, 4.0 * wave, 0.8, 0.6)
    engine.on_signal(t_ms, 3.0 * wave, 50.0, "momentum")
    engine.on_reference_price(t_ms, "spot", mid - 0.01 * wave)
    engine.on_reference_price(t_ms, "leader", 50.0 - 0.3 * wave)
    engine.on_open_interest(t_ms, 1e4 + wave)
    engine.on_funding(t_ms, f"{1e-5 * wave:.12f}", 3600.0)


def _reference(cycles: int) -> Contender:
    engine = QuoteEngine(make_config(EngineConfig, dict(ALL_PHASES)))
    numbers = count()

    def run() -> float:
        seconds = []
        for number, _ in zip(numbers, range(cycles), strict=False):
            market(engine, number)
            start = time.perf_counter()
            engine.cycle(number * CYCLE_MS)
            seconds.append(time.perf_counter() - start)
        return statistics.median(seconds)

    return Contender(run)


def tables(effort: Effort) -> list[Table]:
    """Measure the cycle."""
    return [
        compare(
            "Quote cycle of all phases",
            "a cycle",
            {
                "reference": lambda: _reference(CYCLES // effort.divisor),
                "Rust engine": lambda: Contender(
                    lambda: rust.bench_seconds(rust.CYCLE), "its `cargo bench`"
                ),
            },
            effort.rounds,
            [
                "A round is the median of its cycles. Before each: a book of 20 x 20 levels, a"
                " trade, a fill and a reading of every other source, which are not timed."
            ],
        )
    ]
