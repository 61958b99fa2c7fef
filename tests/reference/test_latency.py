"""The plan's latency budgets: what each tier computes, with a 20 x 20 book and 100 trades a cycle.

The median of many cycles is taken, so that a busy machine does not decide; the budgets are wide.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from functools import cache, partial

from quotemark.suite.tiers import BUDGETS_MS, CYCLES, tier_of
from quotemark_reference.config import EngineConfig, make_config
from quotemark_reference.drift import KalmanDrift, composite
from quotemark_reference.sources import DriftSources

CYCLE_MS = 6450
MARKETS = 150


def a_market_happens(sources: DriftSources, t_ms: int, rng: random.Random) -> float:
    """Books, trades, fills and prices before a cycle; returns the mid."""
    mid = 100.0 * (1.0 + rng.gauss(0.0, 2e-4))
    offsets = [(level + 0.5) * 2.6e-4 for level in range(20)]
    sources.book.record_book(
        [(mid * (1.0 - offset), rng.uniform(1.0, 9.0)) for offset in offsets],
        [(mid * (1.0 + offset), rng.uniform(1.0, 9.0)) for offset in offsets],
    )
    for _ in range(100):
        sources.record_trade(t_ms, rng.choice(("buy", "sell")))
    sources.record_fill(t_ms, rng.choice(("buy", "sell")), rng.uniform(0.1, 2.0), 2)
    sources.funding.record_rate(rng.gauss(1e-5, 1e-5), 3600.0)
    for source, factor in (("spot", 0.999), ("leader", 500.0)):
        sources.record_reference_price(source, mid * factor * (1.0 + rng.gauss(0.0, 1e-5)))
    sources.open_interest.contracts = 1e6 + rng.random()
    return mid


def timed_ms(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1e3


@cache
def medians_ms() -> dict[str, float]:
    """Median time of each tier, the filter's update with the composite in the hot one."""
    config = make_config(EngineConfig, {"alpha_open_interest": 1.0})
    sources, kalman = DriftSources(config, frozenset(range(1, 9))), KalmanDrift(config)
    rng = random.Random(0)
    taken: dict[str, list[float]] = {tier: [] for tier in BUDGETS_MS}

    def hot(t_ms: int) -> None:
        observation = composite([said for _, said in sources.hot(t_ms)])
        assert observation is not None
        kalman.update(*observation)

    for number in range(MARKETS):
        t_ms = number * CYCLE_MS
        mid = a_market_happens(sources, t_ms, rng)
        taken["hot"].append(timed_ms(partial(hot, t_ms)))
        sources.follow_returns(t_ms, mid)
        taken["warm"].append(timed_ms(partial(sources.warm, t_ms, mid)))
        taken["cold"].append(timed_ms(partial(sources.cold, mid)))
    return {tier: statistics.median(ms) for tier, ms in taken.items()}


def test_hot_tier_latency() -> None:
    assert medians_ms()["hot"] < 1.0


def test_warm_tier_latency() -> None:
    assert medians_ms()["warm"] < 10.0


def test_cold_tier_latency() -> None:
    assert medians_ms()["cold"] < 100.0


def test_tiers_are_the_plans() -> None:
    assert BUDGETS_MS == {"hot": 1.0, "warm": 10.0, "cold": 100.0}
    tiers = [tier_of(cycle) for cycle in range(11)]
    assert tiers == [
        *("cold", "hot", "warm", "hot", "warm"),
        *("cold", "warm", "hot", "warm", "hot", "cold"),
    ]
    assert {tier_of(cycle) for cycle in range(CYCLES)} == set(BUDGETS_MS)
