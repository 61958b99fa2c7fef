"""How long a quote cycle takes, by tier, against the plan's budgets.

Measured over the port, so the transport counts. Reported as percentiles; only a gross breach enters
the verdict, because a machine's noise is no property of the engine.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence

from quotemark.errors import InputError
from quotemark.messages import Json, Ok, Opened
from quotemark.port import Engine
from quotemark.results import TierLatency
from quotemark.suite.market import CYCLE_MS, MID

BUDGETS_MS = {"hot": 1.0, "warm": 10.0, "cold": 100.0}
CYCLES = 200
LEAST_CYCLES = 12  # at least three of each tier
LONGEST_S = 4.0  # spent in cycles: an engine far beyond its budgets is measured by fewer of them
TRADES = 100
BOOK_LEVELS = 20
LEVEL_STEP_BPS = 2.6  # twenty levels reach 50 bp
SESSION = "latency"


def tier_of(cycle: int) -> str:
    """Slowest tier that runs in a cycle, counted from 0 (D-36)."""
    if cycle % 5 == 0:
        return "cold"
    return "warm" if cycle % 2 == 0 else "hot"


def market_before_cycle(number: int, rng: random.Random) -> list[Json]:
    """A book of 20 x 20 levels, 100 trades, an own fill and every other source."""
    t_ms = number * CYCLE_MS
    mid = MID * (1.0 + rng.gauss(0.0, 1e-4))
    offsets = [(level + 0.5) * LEVEL_STEP_BPS / 1e4 for level in range(BOOK_LEVELS)]
    trades = [
        {
            "step": "trade",
            "t_ms": t_ms + index,
            "side": rng.choice(("buy", "sell")),
            "price": mid,
            "size": rng.uniform(0.1, 3.0),
        }
        for index in range(TRADES)
    ]
    after_ms = t_ms + TRADES
    return [
        *trades,
        {
            "step": "book",
            "t_ms": after_ms,
            "bids": [[mid * (1.0 - offset), rng.uniform(1.0, 9.0)] for offset in offsets],
            "asks": [[mid * (1.0 + offset), rng.uniform(1.0, 9.0)] for offset in offsets],
        },
        {
            "step": "fill",
            "t_ms": after_ms,
            "side": rng.choice(("buy", "sell")),
            "price": mid,
            "size": 0.1,
            "id": f"latency-{number}",
            "levels_crossed": 2,
        },
        {"step": "funding", "t_ms": after_ms, "rate": f"{rng.gauss(1e-5, 1e-5):.8f}"}
        | {"interval_s": 3600.0},
        *(
            {"step": "reference_price", "t_ms": after_ms, "source": source, "price": mid * factor}
            for source, factor in (("spot", 0.999), ("leader", 1000.0 + rng.random()))
        ),
        {"step": "open_interest", "t_ms": after_ms, "contracts": 1e6 + rng.random()},
    ]


def measure(engine: Engine, config: Json) -> list[TierLatency]:
    """Time cycles over the port, by tier; raises :class:`InputError` where they are refused.

    Two hundred, or as many as fit into four seconds.
    """
    opened = engine.open(SESSION, "engine", config, 0)
    if not isinstance(opened, Opened):
        raise InputError(f"open engine with {config}: expected ok, got {opened}")
    rng = random.Random(0)
    taken_us: dict[str, list[float]] = {tier: [] for tier in BUDGETS_MS}
    for number in range(CYCLES):
        if number >= LEAST_CYCLES and sum(map(sum, taken_us.values())) > LONGEST_S * 1e6:
            break
        engine.apply(SESSION, market_before_cycle(number, rng))
        cycle = {"step": "cycle", "t_ms": (number + 1) * CYCLE_MS - 1}
        start = time.perf_counter()
        (answer,) = engine.apply(SESSION, [cycle])
        taken_us[tier_of(number)].append((time.perf_counter() - start) * 1e6)
        if not isinstance(answer, Ok):
            raise InputError(f"{cycle}: expected ok, got {answer}")
    engine.close(SESSION)
    return [
        TierLatency(
            tier=tier,
            budget_ms=budget_ms,
            median_us=percentile(taken_us[tier], 0.5),
            p99_us=percentile(taken_us[tier], 0.99),
        )
        for tier, budget_ms in BUDGETS_MS.items()
    ]


def percentile(values: Sequence[float], share: float) -> float:
    """Smallest of ``values`` that at least ``share`` of them do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
