"""The plan's latency budgets. Only a gross breach fails: noise is no property of an engine."""

from __future__ import annotations

from quotemark.suite.bench import Bench
from quotemark.suite.register import check

GROSS_BREACH = 10.0  # of the budget, by the median


def _demand_budget(bench: Bench, tier: str, phase: int) -> None:
    bench.require(phase)
    found = next(latency for latency in bench.latencies() if latency.tier == tier)
    limit_us = GROSS_BREACH * found.budget_ms * 1e3
    bench.demand(
        f"the median {tier} cycle takes at most {limit_us / 1e3:g} ms, ten times its budget",
        found.median_us <= limit_us,
        f"{found.median_us / 1e3:.3g} ms",
    )


@check("engine", "P7.test_hot_tier_latency", timed=True)
def hot_cycles_are_fast(bench: Bench) -> None:
    """Cycles of the hot tier alone, 20 x 20 book and 100 trades before each; budget 1 ms."""
    _demand_budget(bench, "hot", 7)


@check("engine", "P8.test_warm_tier_latency", timed=True)
def warm_cycles_are_fast(bench: Bench) -> None:
    """Cycles of hot and warm tier; budget 10 ms."""
    _demand_budget(bench, "warm", 8)


@check("engine", "P8.test_cold_tier_latency", timed=True)
def cold_cycles_are_fast(bench: Bench) -> None:
    """Cycles of the cold tier, every other one with the warm one too; budget 100 ms."""
    _demand_budget(bench, "cold", 8)
