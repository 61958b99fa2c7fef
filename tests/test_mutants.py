"""The suite refuses every engine that is wrong on purpose, by the requirement that it breaks."""

from __future__ import annotations

from collections import Counter
from typing import get_args

import pytest

from quotemark.adapters import running
from quotemark.builtin import BuiltinEngine
from quotemark.case import Case, trace
from quotemark.errors import FaultLabel, InputError
from quotemark.messages import Ok, Rejected
from quotemark.mutants import GROUPS, MUTANTS
from quotemark.mutants.adequacy import bench_of, quickest_first, scores_of
from quotemark.mutants.trivial import TRIVIAL
from quotemark.results import CheckResult
from quotemark.suite.bench import Bench
from quotemark.suite.checks import all_checks
from quotemark.suite.market import cycle, observe, predict
from quotemark.suite.register import requirements
from quotemark.suite.runner import run_check

pytestmark = pytest.mark.whole_suite

ALL = [mutant for group in GROUPS for mutant in group]
"""Every mutant of every group, also one whose name another has taken."""


def first_refusal(bench: Bench, requirement_id: str) -> CheckResult | None:
    """First check bearing on a requirement that fails; ``None`` where the engine survives all."""
    bearing = [check for check in all_checks() if requirement_id in check.proves]
    results = (run_check(bench, check) for check in quickest_first(bearing))
    return next((result for result in results if result.status == "failed"), None)


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_is_refused_by_the_requirement_it_breaks(name: str) -> None:
    breaks = MUTANTS[name].breaks
    with bench_of(f"mutant:{name}") as bench:
        assert bench.identity.name == f"mutant:{name}"
        refusal = first_refusal(bench, breaks)
    assert refusal, f"{name} ({MUTANTS[name].story}) survives {breaks}"
    # by what it answers, not by falling over, unless that is its defect
    assert breaks == "R-ends" or refusal.label not in get_args(FaultLabel)
    assert "cannot be read" not in refusal.message


def test_names_are_unique_and_every_mutant_breaks_a_known_requirement() -> None:
    assert [name for name, count in Counter(one.name for one in ALL).items() if count > 1] == []
    assert list(MUTANTS.values()) == list(ALL)
    assert {one.breaks for one in ALL} <= requirements().keys()


def test_every_requirement_has_a_mutant_that_breaks_it() -> None:
    broken = {mutant.breaks for mutant in ALL}
    assert [requirement for requirement in requirements() if requirement not in broken] == []


def test_every_mutant_says_what_is_wrong_and_changes_something() -> None:
    for mutant in ALL:
        assert mutant.story
        changed = (mutant.patches, mutant.fixed_config, mutant.engine is not BuiltinEngine)
        assert sum(map(bool, changed)) == 1, mutant.name


def test_an_unknown_mutant_is_refused_with_those_there_are() -> None:
    with pytest.raises(InputError) as refused, running("mutant:nosuch"):
        pass
    assert str(refused.value).startswith("mutant is 'nosuch', expected one of linear-q, ")
    assert all(name in str(refused.value) for name in MUTANTS)


# --- trivial engines --------------------------------------------------------------------------


@pytest.mark.parametrize("name", TRIVIAL)
def test_a_trivial_engine_fails_every_phase(name: str) -> None:
    scores = {score.phase: score for score in scores_of(name)}
    for phase in range(1, 9):
        proven, violated = scores[phase].proven, scores[phase].violated
        assert violated > 0
        assert proven <= 0.1 * (proven + violated), phase
    # of all phases: it knows the defaults, says the same twice, declares what it says, and ends
    assert scores[0].proven <= (3 if name in ("rejects_everything", "supports_nothing") else 4)


@pytest.mark.parametrize("name", TRIVIAL)
def test_a_trivial_engine_declares_all_that_the_reference_does(name: str) -> None:
    with running(f"trivial:{name}") as engine:
        identity = engine.initialize()
    assert identity.name == f"trivial:{name}"
    expected = BuiltinEngine().initialize()
    assert (identity.phases, identity.components) == (expected.phases, expected.components)
    assert identity.fields == expected.fields


def test_trivial_engines_answer_every_component_without_a_thought() -> None:
    steps = {"engine": [cycle(0), cycle(1, mid=250.0)], "drift": [observe(-5.0, 1.0), predict(9)]}
    seen = {}
    for name in TRIVIAL:
        with running(f"trivial:{name}") as engine:
            seen[name] = [
                answer
                for component, some in steps.items()
                for answer in trace(engine, Case(component, {}, some), "trivial", 0).answers
            ]
    quoting, again, *figures = seen["constant"]
    assert isinstance(quoting, Ok)
    assert quoting.observation["bids"]
    assert again == quoting
    assert figures[0] == figures[1]
    for answer in (*seen["silent"][:2], *seen["echo"][:2]):
        assert isinstance(answer, Ok)
        assert (answer.observation["bids"], answer.observation["asks"]) == ([], [])
    mids = [answer.observation["mid"] for answer in seen["echo"][:2] if isinstance(answer, Ok)]
    assert mids == [100.0, 250.0]
    assert all(isinstance(answer, Rejected) for answer in seen["rejects_everything"])


def test_an_unknown_trivial_engine_is_refused_with_those_there_are() -> None:
    with pytest.raises(InputError) as refused, running("trivial:nosuch"):
        pass
    assert str(refused.value) == (
        "trivial engine is 'nosuch', expected one of silent, constant, echo, rejects_everything,"
        " supports_nothing"
    )
