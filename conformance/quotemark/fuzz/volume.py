"""Seeded volume: the reference's answers demanded on hundreds of thousands of steps.

The engine answers the next case while the reference answers this one and the two are compared, so
that an engine in a process of its own costs hardly more than the slower of both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor, wait
from itertools import chain

from quotemark.case import Case, Trace
from quotemark.fuzz.cases import cases
from quotemark.fuzz.components import MAKERS
from quotemark.messages import Json
from quotemark.suite.bench import Bench, RollbackUnsupportedError

TURN_S = 0.1
ENGINE_SHARE = 0.5
"""Part of all steps that the quote cycle gets; the other components share the rest alike."""


def share_of(component: str, steps: int) -> int:
    """Return how many of ``steps`` a component gets."""
    if component == "engine":
        return int(steps * ENGINE_SHARE)
    return int(steps * (1.0 - ENGINE_SHARE) / len(MAKERS))


def _cases_of(
    bench: Bench, component: str, steps: int, first: int, config: Json | None
) -> Iterator[Case]:
    """Return cases until they add up to ``steps``; the last is cut there."""
    endless = cases(component, bench.seed, bench.phases, first, config)
    while steps > 0:
        case = next(endless)
        yield Case(case.component, case.config, case.steps[:steps])
        steps -= len(case.steps)


def agree_on_cases(
    bench: Bench, component: str, steps: int, first: int = 0, config: Json | None = None
) -> None:
    """Demand the reference's answers to so many steps of seeded cases, from the ``first`` on.

    Each has a configuration of its own, unless ``config`` is given.

    Raises :class:`~quotemark.suite.bench.DivergenceError` at the first that differs, and
    :class:`~quotemark.suite.bench.RollbackUnsupportedError` where the engine has no legacy path and
    so could open no case.
    """
    asked = _cases_of(bench, component, steps, first, config)
    with ThreadPoolExecutor(1) as ahead:  # at whose end the engine is free again
        try:
            answered = _answered_ahead(bench, asked, ahead)
            judged = [_agrees(bench, case, got) for case, got in answered]
        except (KeyboardInterrupt, SystemExit):
            bench.engine.abort()  # or its answer would be waited for
            raise
    if not any(judged):
        raise RollbackUnsupportedError("no case could be opened")


def _answered_ahead(
    bench: Bench, asked: Iterable[Case], ahead: Executor
) -> Iterator[tuple[Case, Trace]]:
    """Return each case with the engine's trace, made while the one before is judged."""
    coming = ((case, ahead.submit(bench.trace, case)) for case in asked)
    waiting = next(coming)
    for following in chain(coming, [waiting]):
        case, answered = waiting
        while not answered.done():  # an interrupt that came just before is heeded a turn later
            wait([answered], TURN_S)
        yield case, answered.result()
        waiting = following


def _agrees(bench: Bench, case: Case, got: Trace) -> bool:
    """Whether the case could be opened; if it could, its answers agree."""
    try:
        bench.demand_agreement(case, got)
    except RollbackUnsupportedError:
        return False
    return True
