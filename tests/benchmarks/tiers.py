"""Cycle times of the reference by tier, each as a ratio against phases 1 to 4 in the same run.

Before each cycle come a fresh 20 x 20 book, 100 trades, an own fill, a funding reading and prices
of every other market. ``hot sources`` times the hot tier alone, without the rest of the cycle.
"""

from __future__ import annotations

import random
import statistics
import time

from quotemark.suite.market import ALL_PHASES, PHASES_1_TO_4
from quotemark.suite.tiers import BUDGETS_MS, percentile, tier_of
from quotemark_reference.book import BookFeatures
from quotemark_reference.config import EngineConfig, make_config
from quotemark_reference.drift import KalmanDrift, composite
from quotemark_reference.engine import QuoteEngine
from quotemark_reference.sweep import SweepDetector

CYCLES = 1500
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


def cycle_times_us(config: dict[str, object]) -> dict[str, list[float]]:
    """Times of the cycles alone, by tier."""
    engine = QuoteEngine(make_config(EngineConfig, config))
    rng = random.Random(0)
    taken: dict[str, list[float]] = {tier: [] for tier in BUDGETS_MS}
    for number in range(CYCLES):
        t_ms = before_cycle(engine, number, rng)
        start = time.perf_counter()
        engine.cycle(t_ms)
        taken[tier_of(number)].append((time.perf_counter() - start) * 1e6)
    return taken


def hot_source_times_us() -> list[float]:
    """Times of the hot tier alone: book, delta-BIM, sweeps, composite and update."""
    config = make_config(EngineConfig, {})
    book, sweeps, kalman = BookFeatures(config), SweepDetector(config), KalmanDrift(config)
    rng = random.Random(0)
    taken = []
    for number in range(CYCLES):
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
        taken.append((time.perf_counter() - start) * 1e6)
    return taken


def print_tiers() -> None:
    """Print median and 99th percentile of each tier beside the plan's budget."""
    baseline = [taken for tier in cycle_times_us(dict(PHASES_1_TO_4)).values() for taken in tier]
    base_us = statistics.median(baseline)
    rows = {"cycle of phases 1 to 4": baseline, "hot sources": hot_source_times_us()}
    for tier, taken in cycle_times_us(dict(ALL_PHASES)).items():
        rows[f"{tier} cycle, all phases"] = taken
    budgets = {f"{tier} cycle, all phases": ms for tier, ms in BUDGETS_MS.items()} | {
        "hot sources": BUDGETS_MS["hot"]
    }
    print("Quote cycle by tier, 20 x 20 book and 100 trades before it: median, 99 %, budget, ratio")
    for name, taken in rows.items():
        median_us = statistics.median(taken)
        budget = f"{budgets[name]:6g} ms" if name in budgets else " " * 9
        print(
            f"  {name:<30} {median_us:9.1f} us {percentile(taken, 0.99):9.1f} us {budget}"
            f"   x{median_us / base_us:.2f}"
        )


if __name__ == "__main__":
    print_tiers()
