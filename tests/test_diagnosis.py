"""A failing engine is told which slip it behaves like, and is told nothing that is not so."""

from __future__ import annotations

import math
import sys
import time

import pytest

from quotemark.adapters import running
from quotemark.builtin import BuiltinEngine
from quotemark.case import Case, trace
from quotemark.diagnosis import Diagnosis, diagnose
from quotemark.messages import OBSERVATIONS, Answer, Ok, component_fields
from quotemark.mutants import MUTANTS, mutant_trace, patched, within_reach
from quotemark.mutants.base import Mutant
from quotemark.port import Engine
from quotemark.smoke import FIRST_STEPS
from quotemark.suite.market import ALL_PHASES, PHASES_1_TO_4, at_position, cycle, observe, predict
from quotemark.suite.whole_market import whole_market

REFERENCE = "quotemark_reference."
FIELDS = {component: component_fields(component) for component in OBSERVATIONS}

SECONDS = Case("drift", {}, [predict(1000 * second) for second in range(41)])
"""Forty steps of a second each, after one that only stamps the time."""
OBSERVED = Case("drift", {}, [step for t in range(20) for step in (predict(t), observe(-t, 4.0))])
MARKET = Case("engine", ALL_PHASES, whole_market(seed=4, cycles=8))
FIRST_CYCLE = Case("engine", ALL_PHASES, [cycle(0)])
LONG = Case(
    "engine", PHASES_1_TO_4, [*at_position(0.5), *(cycle(1000 * second) for second in range(10))]
)
LEVELS = Case(
    "expected_pnl",
    {},
    [
        {**FIRST_STEPS["expected_pnl"], "side": side, "position": float(position)}
        for side in ("bid", "ask")
        for position in range(-6, 7)
    ],
)


def answers(engine: Engine, case: Case) -> list[Answer]:
    return trace(engine, case, "diagnosed", 0).answers


def reference_answers(case: Case) -> list[Answer]:
    return answers(BuiltinEngine(), case)


def diagnosis_of(engine: Engine, *cases: Case) -> Diagnosis | None:
    return diagnose([(case, answers(engine, case)) for case in cases], FIELDS)


def answers_of_mutant(name: str, case: Case) -> list[Answer]:
    return list(mutant_trace(MUTANTS[name], case))


def altered(answer: Answer, name: str, value: float) -> Answer:
    assert isinstance(answer, Ok)
    return Ok({**answer.observation, name: value})


def without(answer: Answer, name: str) -> Answer:
    assert isinstance(answer, Ok)
    return Ok({key: value for key, value in answer.observation.items() if key != name})


def functions_of_the_reference() -> dict[tuple[int, str], int]:
    """What stands in every module and class of the reference, by identity."""
    modules = [module for name, module in sys.modules.items() if name.startswith(REFERENCE)]
    kinds = {kind for module in modules for kind in vars(module).values() if isinstance(kind, type)}
    return {
        (id(owner), name): id(value)
        for owner in (*modules, *kinds)
        for name, value in vars(owner).items()
    }


# --- what is said -----------------------------------------------------------------------------


def test_an_engine_with_a_known_slip_is_told_so() -> None:
    with running("mutant:linear-q") as engine:
        diagnosis = diagnosis_of(engine, SECONDS)
    assert str(diagnosis) == "behaves like linear-q (D-01): Q(dt) = q dt, on 40 of 40 steps"


@pytest.mark.parametrize(
    ("name", "cases"),
    [
        ("linear-q", [MARKET, SECONDS]),
        ("penalty-of-longs", [LEVELS]),
        ("cold-every-sixth", [MARKET]),
        ("trace-reversed", [MARKET]),
        ("unknown-premium-not-finite", [FIRST_CYCLE]),
    ],
)
def test_a_mutant_in_its_own_process_is_told_apart_or_with_its_equals(
    name: str, cases: list[Case]
) -> None:
    with running(f"mutant:{name}") as engine:
        diagnosis = diagnosis_of(engine, *cases)
    assert diagnosis is not None
    assert name in (diagnosis.mutant, *diagnosis.alike)
    assert diagnosis.explained == diagnosis.steps > 0


def test_numbers_that_are_not_finite_agree_however_the_engine_is_run() -> None:
    name = "unknown-premium-not-finite"
    got = answers_of_mutant(name, FIRST_CYCLE)
    assert isinstance(got[0], Ok)
    assert math.isnan(got[0].observation["premium_bps"])
    diagnosis = diagnose([(FIRST_CYCLE, got)], FIELDS)
    assert diagnosis is not None
    assert diagnosis.mutant == name


def test_mutants_that_these_steps_do_not_tell_apart_are_named_too() -> None:
    with running("mutant:no-floor") as engine:
        diagnosis = diagnosis_of(engine, OBSERVED)
    assert diagnosis is not None
    assert (diagnosis.mutant, diagnosis.alike) == ("no-floor", ["floor-of-a-hundredth"])
    assert str(diagnosis).endswith(" steps; as do floor-of-a-hundredth")


@pytest.mark.parametrize(("others", "found"), [(3, True), (4, False)])
def test_nine_tenths_of_the_steps_that_count_are_not_enough(others: int, found: bool) -> None:
    expected, linear = reference_answers(SECONDS), answers_of_mutant("linear-q", SECONDS)
    # the mutant departs alone, and the engine departs as no mutant does
    for other in (expected, [altered(answer, "variance", -1.0) for answer in expected]):
        got = [*other[: others + 1], *linear[others + 1 :]]
        got[0] = expected[0]
        diagnosis = diagnose([(SECONDS, got)], FIELDS)
        assert (diagnosis is not None) == found
        if diagnosis is not None:
            assert (diagnosis.explained, diagnosis.steps) == (40 - others, 40)


def test_fields_that_the_engine_does_not_declare_do_not_count() -> None:
    got = [altered(answer, "confidence", 2.0) for answer in answers_of_mutant("linear-q", SECONDS)]
    assert diagnose([(SECONDS, got)], FIELDS) is None
    declared = [name for name in FIELDS["drift"] if name != "confidence"]
    kept = [without(answer, "confidence") for answer in got]
    diagnosis = diagnose([(SECONDS, kept)], {"drift": declared})
    assert diagnosis is not None
    assert diagnosis.mutant == "linear-q"


# --- what is not said -------------------------------------------------------------------------


def test_nothing_is_said_of_an_engine_that_conforms() -> None:
    assert diagnosis_of(BuiltinEngine(), SECONDS, LEVELS, MARKET) is None
    assert diagnose([], FIELDS) is None


def test_nothing_is_said_of_two_slips_at_once() -> None:
    linear, by_mid = MUTANTS["linear-q"], MUTANTS["half-gain"]
    with patched(linear), patched(by_mid) as engine:
        got = answers(engine, OBSERVED)
    assert diagnose([(OBSERVED, got)], FIELDS) is None
    for mutant in (linear, by_mid):  # each of them is known when it is alone
        alone = answers_of_mutant(mutant.name, OBSERVED)
        diagnosis = diagnose([(OBSERVED, alone)], FIELDS)
        assert diagnosis is not None
        assert diagnosis.mutant == mutant.name


def test_mutants_that_are_only_slow_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    expected = reference_answers(FIRST_CYCLE)
    wrong = [*expected[:-1], altered(expected[-1], "mid", 1.0)]
    assert diagnose([(FIRST_CYCLE, wrong)], FIELDS) is None
    assert slept == []
    assert answers_of_mutant("cold-tier-slow", FIRST_CYCLE) == expected
    assert slept != []


# --- mutants in this process ------------------------------------------------------------------


def test_a_patched_reference_is_restored_exactly() -> None:
    before = functions_of_the_reference()
    for mutant in MUTANTS.values():
        with patched(mutant):
            changed = functions_of_the_reference().items() - before.items()
        assert len(changed) == len(mutant.patches), mutant.name
    assert functions_of_the_reference() == before


def test_a_mutant_that_raises_ends_its_trace_and_leaves_the_reference_as_it_was() -> None:
    expected = reference_answers(SECONDS)
    for target in ("drift.KalmanDrift._propagate", "drift.KalmanDrift.__init__"):
        raising = Mutant("raising", "D-01", "raises", {target: lambda *figures: 1 / 0})
        assert list(mutant_trace(raising, SECONDS)) == []
        assert reference_answers(SECONDS) == expected


def test_a_trace_that_is_left_early_leaves_the_reference_as_it_was() -> None:
    begun = mutant_trace(MUTANTS["linear-q"], SECONDS)
    assert next(begun) == reference_answers(SECONDS)[0]
    assert reference_answers(SECONDS)[1] != next(begun)


@pytest.mark.parametrize("case", [SECONDS, LEVELS, LONG], ids=lambda case: case.component)
def test_mutants_out_of_reach_answer_as_the_reference(case: Case) -> None:
    expected = reference_answers(case)
    near = {mutant.name for mutant in within_reach(case)}
    assert near
    for mutant in MUTANTS.values():
        if mutant.name not in near:
            assert list(mutant_trace(mutant, case)) == expected, mutant.name
