"""The suite refuses every engine that is wrong on purpose, by the requirement that it breaks."""

from __future__ import annotations

from collections import Counter

import pytest

from quotemark.adapters import running
from quotemark.builtin import BuiltinEngine
from quotemark.errors import InputError
from quotemark.mutants import GROUPS, MUTANTS
from quotemark.port import Engine
from quotemark.results import CheckResult
from quotemark.suite.bench import Bench
from quotemark.suite.checks import all_checks
from quotemark.suite.register import requirements
from quotemark.suite.runner import DEFAULT_SEED, run_check

pytestmark = pytest.mark.whole_suite

ALL = [mutant for group in GROUPS for mutant in group]
"""Every mutant of every group, also one whose name another has taken."""


def first_refusal(engine: Engine, requirement_id: str) -> CheckResult | None:
    """First check bearing on a requirement that fails; ``None`` where the engine survives all."""
    bench = Bench(engine, engine.initialize(), BuiltinEngine(), DEFAULT_SEED)
    results = (run_check(bench, one) for one in all_checks() if requirement_id in one.proves)
    return next((result for result in results if result.status == "failed"), None)


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_is_refused_by_the_requirement_it_breaks(name: str) -> None:
    breaks = MUTANTS[name].breaks
    with running(f"mutant:{name}") as engine:
        assert engine.initialize().name == f"mutant:{name}"
        refusal = first_refusal(engine, breaks)
    assert refusal, f"{name} ({MUTANTS[name].story}) survives {breaks}"
    # by what it answers, not by falling over
    assert not refusal.message.startswith(("crash", "timeout", "garbage", "protocol"))
    assert "cannot be read" not in refusal.message


def test_names_are_unique_and_every_mutant_breaks_a_known_requirement() -> None:
    assert [name for name, count in Counter(one.name for one in ALL).items() if count > 1] == []
    assert list(MUTANTS.values()) == list(ALL)
    assert {one.breaks for one in ALL} <= requirements().keys()


def test_every_mutant_says_what_is_wrong_and_changes_something() -> None:
    for mutant in ALL:
        assert mutant.story
        assert bool(mutant.patches) != bool(mutant.fixed_config), mutant.name


def test_an_unknown_mutant_is_refused_with_those_there_are() -> None:
    with pytest.raises(InputError) as refused, running("mutant:nosuch"):
        pass
    assert str(refused.value).startswith("mutant is 'nosuch', expected one of linear-q, ")
    assert all(name in str(refused.value) for name in MUTANTS)
