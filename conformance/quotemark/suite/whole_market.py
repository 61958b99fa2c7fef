"""A seeded market in which every source of the eight phases speaks, for walks of the cycle."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable

from quotemark.messages import Json
from quotemark.suite.market import CYCLE_MS, MID, cycle, signal, toxicity, trade, trend

BOOK_REACHES_BPS = (4.0, 30.0, 80.0)
"""How far books reach, so that each depth of BIM is short of data now and then."""


PHASES_OF_STEPS = {"funding": {6}, "reference_price": {6, 8}, "open_interest": {8}}
"""Phases that take a step; an engine with none of them need not know it."""


def known_steps(steps: Iterable[Json], phases: Collection[int]) -> list[Json]:
    """Return those steps that an engine of ``phases`` knows."""
    unknown = {name for name, takers in PHASES_OF_STEPS.items() if takers.isdisjoint(phases)}
    return [step for step in steps if step["step"] not in unknown]


def whole_market(seed: int, cycles: int) -> list[Json]:
    """Return books, tape, fills, trends, signals, estimates, funding, other markets and cycles.

    The mid follows the book, and cycles carry none. Trades pause now and then, books thin out,
    funding jumps; the position wanders over its limit and back.
    """
    rng = random.Random(seed)
    steps: list[Json] = []
    mid, leader, interest, position, t_ms = MID, 5e4, 1e6, 0.0, 0
    for number in range(cycles):
        shock = rng.gauss(0.0, 2e-4)
        mid *= 1.0 + shock + rng.gauss(0.0, 1e-4)
        leader *= 1.0 + 1.5 * shock + rng.gauss(0.0, 5e-5)
        interest *= 1.0 + rng.gauss(0.0, 3e-3)
        before_ms = t_ms
        t_ms += rng.choice((CYCLE_MS, CYCLE_MS, 800, 20_000))
        steps += _tape(rng, before_ms, t_ms)
        steps += [
            _book(rng, t_ms, mid),
            {"step": "reference_price", "t_ms": t_ms, "source": "leader", "price": leader},
            {"step": "open_interest", "t_ms": t_ms, "contracts": interest},
        ]
        if rng.random() < 0.7:
            source = rng.choice(("spot", "mark", "index"))
            price = mid * (1.0 + rng.gauss(0.0, 4e-4))
            steps.append(
                {"step": "reference_price", "t_ms": t_ms, "source": source, "price": price}
            )
        if rng.random() < 0.6:
            rate = rng.choice((rng.gauss(1e-5, 2e-5), rng.gauss(0.0, 1e-3)))
            steps.append(
                {"step": "funding", "t_ms": t_ms, "rate": f"{rate:.10f}", "interval_s": 3600.0}
            )
        for fill in range(rng.choice((0, 0, 1, 1, 3))):
            side = "buy" if rng.random() < 0.5 - 0.4 * position / 8.57 else "sell"
            size = rng.choice((0.3, rng.uniform(0.05, 3.0)))
            position += size if side == "buy" else -size
            steps.append(_fill(rng, t_ms, side, size, mid, f"fill-{number}-{fill}"))
        steps += _desk(rng, t_ms)
        steps.append({"step": "cycle", "t_ms": t_ms} if rng.random() < 0.9 else cycle(t_ms, mid))
    return steps


def _tape(rng: random.Random, after_ms: int, until_ms: int) -> list[Json]:
    count = rng.choice((0, 4, 15, 60))
    lopsided = rng.random()
    times = sorted(rng.randint(after_ms, until_ms) for _ in range(count))
    return [
        trade(t_ms, "buy" if rng.random() < lopsided else "sell", rng.uniform(0.1, 5.0))
        for t_ms in times
    ]


def _book(rng: random.Random, t_ms: int, mid: float) -> Json:
    levels = rng.choice((2, 8, 20))
    reach_bps = rng.choice(BOOK_REACHES_BPS)
    size = 10.0 ** rng.uniform(-1.0, 3.0)
    offsets = [(level + 1) * reach_bps / levels / 1e4 for level in range(levels)]
    return {
        "step": "book",
        "t_ms": t_ms,
        "bids": [[mid * (1.0 - offset), size * rng.random() + 1e-3] for offset in offsets],
        "asks": [[mid * (1.0 + offset), size * rng.random() + 1e-3] for offset in offsets],
    }


def _fill(rng: random.Random, t_ms: int, side: str, size: float, mid: float, fill_id: str) -> Json:
    return {
        "step": "fill",
        "t_ms": t_ms,
        "side": side,
        "price": mid * (1.0 + rng.gauss(0.0, 3e-4)),
        "size": size,
        "id": fill_id,
        "levels_crossed": rng.choice((1, 1, 2, 4)),
    }


def _desk(rng: random.Random, t_ms: int) -> list[Json]:
    """What the desk itself says: trend readings, signals, toxicity and estimates."""
    said: list[Json] = []
    if rng.random() < 0.4:
        said.append(trend(t_ms, rng.gauss(0.0, 6.0), rng.random(), rng.random()))
    if rng.random() < 0.3:
        said.append(signal(t_ms, rng.gauss(0.0, 2.0), rng.uniform(1.0, 200.0)))
    if rng.random() < 0.2:
        said.append(toxicity(t_ms, rng.choice(("bid", "ask")), rng.random()))
    if rng.random() < 0.1:
        sigma = rng.uniform(0.5, 4.0)
        said.append({"step": "estimate", "t_ms": t_ms, "sigma_bps_per_sqrt_s": sigma})
    return said
