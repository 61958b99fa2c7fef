"""Which cases the vectors hold, file by file: hand-picked ones, bad input, then seeded ones.

Figures are rounded to ten digits, so that they read well and come out alike wherever the files are
built.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from quotemark.case import Case
from quotemark.fuzz.cases import numbered_case
from quotemark.golden.pick import Pick
from quotemark.golden.pieces import PIECES
from quotemark.golden.refusals import refusals
from quotemark.golden.sessions import SESSIONS, TWO_LEVELS, rollbacks
from quotemark.messages import Json
from quotemark.suite.market import GATES, switched_on
from quotemark.suite.whole_market import PHASES_OF_STEPS

SEED = 20260219
SEEDED = 4
SEEDED_STEPS = 16
SEEDED_SESSIONS = ((tuple(GATES), 5), ((1, 2, 3, 4), 3), ((1, 2, 3), 2))
"""Phases of seeded sessions of the quote cycle, and how many of each."""
SESSION_STEPS = 25


class Chosen(NamedTuple):
    """A case, what it shows, and the phases that an engine must have for it."""

    about: str
    case: Case
    phases: Sequence[int] = ()


def chosen_cases() -> dict[str, list[Chosen]]:
    """Return the cases of every file by its name."""
    return {
        **{component: list(_component_cases(component)) for component in PIECES},
        "engine": list(_engine_cases()),
        "rollback": [_session(pick) for pick in rollbacks()],
    }


def _component_cases(component: str) -> Iterator[Chosen]:
    for pick in (*PIECES[component], *refusals(component)):
        yield Chosen(pick.about, _case(component, pick.config, pick.steps))
    for number in range(SEEDED):
        drawn = numbered_case(component, SEED, number)
        yield Chosen("", _case(component, drawn.config, drawn.steps[:SEEDED_STEPS]))


def _engine_cases() -> Iterator[Chosen]:
    yield from map(_session, (*SESSIONS, *refusals("engine")))
    for phases, sessions in SEEDED_SESSIONS:
        for number in range(sessions):
            drawn = numbered_case("engine", SEED, number, phases)
            config = {**TWO_LEVELS, **drawn.config}
            case = _case("engine", config, drawn.steps[:SESSION_STEPS])
            yield Chosen("", case, phases)


def _session(pick: Pick) -> Chosen:
    case = _case("engine", pick.config, pick.steps)
    return Chosen(pick.about, case, _phases(case))


def _phases(case: Case) -> list[int]:
    """Phases whose gates are on, and those that know a step that none of these knows.

    All of them where gates are left to their defaults, which differ where a phase is lacking.
    """
    if case.steps and case.config.keys().isdisjoint(GATES.values()):
        return list(GATES)
    phases = set(switched_on(case.config))
    for step in case.steps:
        takers = PHASES_OF_STEPS.get(step.get("step", ""), set())
        if phases.isdisjoint(takers):
            phases |= takers
    return sorted(phases)


def _case(component: str, config: Json, steps: Sequence[Json]) -> Case:
    return Case(component, _rounded(config), _rounded(list(steps)))


def _rounded(value: Any) -> Any:  # noqa: ANN401 - any JSON
    match value:
        case float():
            return float(f"{value:.10g}")
        case dict():
            return {name: _rounded(part) for name, part in value.items()}
        case list() | tuple():
            return [_rounded(part) for part in value]
    return value
