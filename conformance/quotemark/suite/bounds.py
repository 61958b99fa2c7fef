"""The bounds of every range: what lies at one is taken, and what lies just beyond is not.

Each figure of a step and each key of a configuration is set to a bound of its own and to its
neighbour beyond, one at a time. The reference says what comes of it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from itertools import islice

from quotemark.fuzz.components import MAKERS
from quotemark.messages import Json, Opened
from quotemark.suite.bad_input import FINITE, FRACTIONS, NOT_NEGATIVE
from quotemark.suite.bench import Bench, Check
from quotemark.suite.market import GATES
from quotemark.suite.protocol_page import Key, config_keys
from quotemark.suite.register import check
from quotemark.suite.whole_market import known_steps, whole_market

COMPONENTS = (*MAKERS, "engine")
LEAST, LARGEST = 1e-15, 1e15
WALK_STEPS = 60
MARKET_CYCLES = 24
ALLOWING: dict[str, Json] = {"hawkes_decay_per_s": {"hawkes_jump_per_s": 0.0}}
"""What must be set beside a key, so that all of its range is allowed."""


def _example_steps(bench: Bench, component: str) -> dict[str, Json]:
    """Return a good step of each kind that the engine knows, no side empty, by kind."""
    if component == "engine":
        steps = known_steps(whole_market(bench.seed, MARKET_CYCLES), bench.phases)
    else:
        steps = list(islice(MAKERS[component](random.Random(bench.seed)), WALK_STEPS))
    return {step["step"]: step for step in steps if [] not in step.values()}


def _steps_at_bounds(step: Json) -> Iterator[Json]:
    """Return ``step`` with one of its figures at a bound, or just beyond it."""
    for name, value in step.items():
        if isinstance(value, float):
            for figure in _around(*_range_of(name)):
                yield {**step, name: figure}
        elif name in ("bids", "asks"):
            for figure in _around(LEAST, LARGEST):
                yield {**step, name: [[value[0][0], figure]]}
            # a far price, so that the book is not crossed
            for figure in _around_one(*((LEAST, -1.0) if name == "bids" else (LARGEST, 1.0))):
                yield {**step, name: [[figure, 1.0]]}
        elif isinstance(value, list):
            for place, _ in enumerate(value):
                for figure in _around(*_range_of(name)):
                    yield {**step, name: [*value[:place], figure, *value[place + 1 :]]}


def _range_of(name: str) -> tuple[float, float]:
    if name in FINITE:
        return -LARGEST, LARGEST
    if name in FRACTIONS:
        return 0.0, 1.0
    return (0.0 if name in NOT_NEGATIVE else LEAST), LARGEST


def _around(low: float, high: float) -> Iterator[float]:
    """Return both bounds, and their neighbours beyond."""
    yield from _around_one(low, -1.0)
    yield from _around_one(high, 1.0)


def _around_one(bound: float, outwards: float) -> Iterator[float]:
    yield bound
    yield math.nextafter(bound, outwards * math.inf) if bound else outwards * LEAST


def _settings_at_bounds(key: Key) -> Iterator[object]:
    low, high = key.bounds
    if key.is_whole:
        yield from (int(low), int(low) - 1, int(high), int(high) + 1)
    else:
        yield from ([figure] if key.is_list else figure for figure in _around(low, high))


def _ranges_of_steps(component: str) -> Check:
    def steps_end_their_ranges(bench: Bench) -> None:
        for step in _example_steps(bench, component).values():
            for bound in _steps_at_bounds(step):
                bench.agree(component, [bound])

    steps_end_their_ranges.__name__ = f"{component}_steps_end_their_ranges"
    steps_end_their_ranges.__doc__ = (
        f"Each figure of each step of {component}, the first of its session, at a bound or beyond."
    )
    return steps_end_their_ranges


def _ranges_of_keys(component: str) -> Check:
    def keys_end_their_ranges(bench: Bench) -> None:
        base = bench.gates(*GATES) if component == "engine" else {}
        opened = bench.open_answer(component, base)
        bench.demand(f"{component} opens", isinstance(opened, Opened), opened)
        assert isinstance(opened, Opened)
        for name, key in config_keys().items():
            later = component == "engine" and key.phase not in (None, *bench.phases)
            if name in opened.config and not (key.is_gate or key.options or later):
                beside = {**base, **ALLOWING.get(name, {})}
                for setting in _settings_at_bounds(key):
                    bench.agree(component, [], {**beside, name: setting})

    keys_end_their_ranges.__name__ = f"{component}_keys_end_their_ranges"
    keys_end_their_ranges.__doc__ = f"Each key of {component} at a bound or beyond."
    return keys_end_their_ranges


for _component in COMPONENTS:
    if _component != "hawkes":  # whose steps have no figure
        check(_component, "Q-02")(_ranges_of_steps(_component))
    check(_component, "R-rejections")(_ranges_of_keys(_component))
