"""Endless, reproducible cases of a component: the same seed and number give the same case."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterator
from itertools import count, islice

from quotemark.case import Case
from quotemark.fuzz import configs, market
from quotemark.fuzz.components import MAKERS
from quotemark.messages import Json

ALL_PHASES = (1, 2, 3, 4, 5, 6, 7, 8)
LENGTHS = (1, 5, 20, 60, 60, 200)
ENGINE_LENGTHS = (20, 100, 300, 300, 1000)
BAD_SHARE = 0.02


def cases(
    component: str,
    seed: int,
    phases: Collection[int] = ALL_PHASES,
    first: int = 0,
    config: Json | None = None,
) -> Iterator[Case]:
    """Return cases of ``component`` for an engine that has ``phases``, without end.

    Each has a configuration of its own, unless ``config`` is given.
    """
    return (numbered_case(component, seed, number, phases, config) for number in count(first))


def numbered_case(
    component: str,
    seed: int,
    number: int,
    phases: Collection[int] = ALL_PHASES,
    config: Json | None = None,
) -> Case:
    """Return the case of this number."""
    rng = random.Random(f"{seed}/{component}/{number}")
    config = configs.draw(rng, component, phases) if config is None else config
    if component == "engine":
        config = {**market.gate_set(rng, phases), **config}
        steps = market.session(rng, config, phases)
    else:
        steps = MAKERS[component](rng)
    length = rng.choice(ENGINE_LENGTHS if component == "engine" else LENGTHS)
    return Case(component, config, list(_spoilt(rng, islice(steps, length))))


def _spoilt(rng: random.Random, steps: Iterator[Json]) -> Iterator[Json]:
    """Return the steps with a bad one before some of them, in most cases."""
    share = rng.choice((0.0, BAD_SHARE, BAD_SHARE))
    for step in steps:
        if rng.random() < share:
            spoil: Callable[[random.Random, Json], Json] = rng.choice(SPOILS)
            yield spoil(rng, step)
        yield step


def _without_a_field(rng: random.Random, step: Json) -> Json:
    left_out = rng.choice(list(step))
    return {name: value for name, value in step.items() if name != left_out}


def _with_a_field(rng: random.Random, step: Json) -> Json:
    del rng
    return {**step, "comment": 1.0}


def _not_finite(rng: random.Random, step: Json) -> Json:
    return _with_a_figure(rng, step, rng.choice(("nan", "inf", "-inf")))


def _not_a_figure(rng: random.Random, step: Json) -> Json:
    return _with_a_figure(rng, step, rng.choice((True, "1.0x")))


def _with_a_figure(rng: random.Random, step: Json, bad: object) -> Json:
    figures = [name for name, value in step.items() if isinstance(value, float)]
    return {**step, rng.choice(figures): bad} if figures else {**step, "step": "no_such_step"}


def _earlier(rng: random.Random, step: Json) -> Json:
    earlier = rng.choice((1, 1000))
    return {**step, "t_ms": step["t_ms"] - earlier} if "t_ms" in step else step


SPOILS = (_without_a_field, _with_a_field, _not_finite, _not_a_figure, _earlier)
