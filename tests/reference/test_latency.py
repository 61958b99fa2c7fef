"""The plan's latency budgets: whole cycles of the reference against what a tier alone may take.

The median over many cycles is taken, so that a busy machine does not decide; the budgets are wide.
"""

from __future__ import annotations

from functools import cache

from quotemark.builtin import reference
from quotemark.suite.market import ALL_PHASES
from quotemark.suite.tiers import BUDGETS_MS, CYCLES, measure, tier_of


@cache
def median_us(tier: str) -> float:
    return {latency.tier: latency.median_us for latency in measure(reference(), ALL_PHASES)}[tier]


def test_hot_tier_latency() -> None:
    assert median_us("hot") < 1_000.0


def test_warm_tier_latency() -> None:
    assert median_us("warm") < 10_000.0


def test_cold_tier_latency() -> None:
    assert median_us("cold") < 100_000.0


def test_tiers_are_the_plans() -> None:
    assert BUDGETS_MS == {"hot": 1.0, "warm": 10.0, "cold": 100.0}
    tiers = [tier_of(cycle) for cycle in range(11)]
    assert tiers == [
        *("cold", "hot", "warm", "hot", "warm"),
        *("cold", "warm", "hot", "warm", "hot", "cold"),
    ]
    assert {tier_of(cycle) for cycle in range(CYCLES)} == set(BUDGETS_MS)
