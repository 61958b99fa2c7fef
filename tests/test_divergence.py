"""The first divergence: what is found of it, and how it is told."""

from __future__ import annotations

import math

from quotemark.builtin import reference
from quotemark.case import Case, Trace, trace
from quotemark.divergence import Divergence, divergence_lines, first_divergence
from quotemark.messages import Json, Ok, Opened, Rejected, component_fields
from quotemark.mutants import MUTANTS, patched
from quotemark.suite.market import at_position, cycle, observe, predict, signal, trade

DRIFT_FIELDS = component_fields("drift")
WALK = Case("drift", {"p_min": 0.5}, [predict(0), observe(-6.0, 5.0), predict(6450)])


def expected_of(case: Case) -> Trace:
    return trace(reference(), case, "expected", 0)


def mutant_of(name: str, case: Case) -> Trace:
    with patched(MUTANTS[name]) as engine:
        return trace(engine, case, "mutant", 0)


def divergence(case: Case, got: Trace) -> Divergence:
    found = first_divergence(case, expected_of(case), got, component_fields(case.component))
    assert found is not None
    return found


def with_answer(case: Case, index: int, **changed: object) -> Trace:
    """The reference's trace with some fields of one observation changed."""
    right = expected_of(case)
    answers = list(right.answers)
    answer = answers[index]
    assert isinstance(answer, Ok)
    answers[index] = Ok({**answer.observation, **changed})
    return Trace(right.opened, answers)


def test_it_says_where_what_how_far_and_what_is_behind_it() -> None:
    found = divergence(WALK, mutant_of("linear-q", WALK))
    decay = math.exp(-2 * 0.02 * 6.45)
    before = 50.0 * 5.0 / 55.0
    right, wrong = before * decay + 25.0 * (1.0 - decay), before * decay + 6.45
    assert (found.component, found.config) == ("drift", {"p_min": 0.5})
    assert (found.index, found.steps, found.step) == (2, 3, predict(6450))
    assert found.field == "variance"
    assert math.isclose(found.difference.expected, right)
    assert math.isclose(found.difference.got, wrong)
    assert found.relative is not None
    assert math.isclose(found.relative, wrong / right - 1.0, rel_tol=1e-6)
    assert found.ulp is not None
    # between 8 and 16, as both figures are, doubles lie 2^-49 apart
    assert found.ulp == round((found.difference.got - found.difference.expected) * 2.0**49)
    assert found.agreed is not None
    assert (found.agreed.index, found.agreed.step) == (1, observe(-6.0, 5.0))
    assert math.isclose(found.agreed.observation["variance"], before)
    assert "q / (2 theta) (1 - e^(-2 theta dt))" in found.formula
    assert found.unit == "(bp/s)^2"
    assert found.requirements[0].id == "D-01"


def test_it_is_told_line_by_line() -> None:
    found = divergence(WALK, with_answer(WALK, 2, variance=6.45))
    expected = found.difference.expected
    distance = abs(6.45 - expected) / expected
    lines = divergence_lines(found, WALK)
    assert lines.pop(7).startswith("  last agreeing  step 2, observe: variance 4.54545454545454")
    assert lines == [
        "drift departs from the reference at step 3 of 3: predict (t_ms 6450)",
        "  field          variance",
        f"  expected       {expected!r}",
        f"  got            6.45  (relative {distance:.2g}, {found.ulp:.2g} ULP)",
        "  formula        P = P e^(-2 theta dt) + q / (2 theta) (1 - e^(-2 theta dt)); no floor"
        "  [(bp/s)^2]",
        "  requirement    D-01: The variance added over a step is the exact integral"
        " q/(2 theta) (1 - e^(-2 theta dt)), so that two steps equal one.",
        "  requirement    D-04: P is floored at P_min after each update; predict is left exact.",
        "  opened with    p_min 0.5",
        "  after          predict (t_ms 0); observe (z_bps_per_s -6.0, variance 5.0)",
    ]


def test_every_line_is_one_and_of_a_length_to_be_read() -> None:
    case = Case("engine", {}, [*(trade(0, "sell") for _ in range(40)), cycle(0), cycle(1000)])
    quotes: Json = {"asks": [{"price": "a\nb" * 400}]}
    opened = expected_of(case).opened
    refused = divergence(case, Trace(opened, [Rejected("duplicate", "it\ncame before")]))
    assert "  got            rejected (duplicate: it came before)" in divergence_lines(
        refused, case
    )
    for changed in (quotes, {"bids": [[1.0] * 500]}, {"events": ["x" * 1000]}):
        for line in divergence_lines(divergence(case, with_answer(case, 41, **changed)), case):
            assert "\n" not in line
            assert len(line) < 200


def test_before_the_first_state_there_is_none() -> None:
    case = Case("drift", {}, [predict(0)])
    found = divergence(case, with_answer(case, 0, confidence=0.5))
    assert found.agreed is None
    assert "  last agreeing  none: this is the first state that is seen" in divergence_lines(
        found, case
    )
    # of the reference's 0 there is no relative distance, and what is no figure has none at all
    assert (found.relative, found.ulp) == (None, 0x3FE0_0000_0000_0000)
    found = divergence(case, with_answer(case, 0, confidence=None))
    assert (found.relative, found.ulp) == (None, None)
    assert "  got            null" in divergence_lines(found, case)


def test_the_last_agreement_is_the_last_step_that_shows_a_state() -> None:
    steps = [cycle(0), signal(500, -4.0, 100.0), *at_position(0.3, 500), cycle(1000)]
    case = Case("engine", {}, steps)
    found = divergence(case, with_answer(case, 3, skew_bps=0.25))
    assert found.agreed is not None
    assert (found.agreed.index, found.agreed.step) == (0, cycle(0))
    line = next(one for one in divergence_lines(found, case) if "last agreeing" in one)
    assert line.startswith("  last agreeing  step 1, cycle: skew_bps 0.0, mid 100.0, position 0.0,")


def test_a_session_that_does_not_open_alike_departs_before_its_steps() -> None:
    found = divergence(WALK, Trace(Rejected("out_of_range", "p_min is 0.5"), []))
    assert (found.index, found.field, found.agreed) == (-1, "status", None)
    assert divergence_lines(found, WALK) == [
        "drift departs from the reference at the opening of its session",
        "  field          status",
        "  expected       ok",
        "  got            rejected (out_of_range: p_min is 0.5)",
        "  formula        a number is beyond its range",
        "  requirement    Q-02: A field beyond 1e15 in magnitude, or a positive one below 1e-15, is"
        " out of range, so that finite input gives finite output. An obse...",
        "  last agreeing  none: this is the first state that is seen",
        "  opened with    p_min 0.5",
    ]


def test_answers_that_are_wanting_depart_where_they_end() -> None:
    right = expected_of(WALK)
    found = divergence(WALK, Trace(right.opened, right.answers[:2]))
    assert (found.index, found.difference.field) == (2, "number of answers")
    found = divergence(WALK, Trace(right.opened, [*right.answers, right.answers[2]]))
    assert (found.index, found.step) == (3, {})


def test_agreement_is_no_divergence() -> None:
    assert first_divergence(WALK, expected_of(WALK), expected_of(WALK), DRIFT_FIELDS) is None
    unseen = [name for name in DRIFT_FIELDS if name != "variance"]
    got = with_answer(WALK, 2, variance=6.45)
    assert first_divergence(WALK, expected_of(WALK), got, ["confidence"]) is not None
    right = expected_of(WALK).answers
    hidden = [
        Ok({name: one.observation[name] for name in unseen}) for one in right if isinstance(one, Ok)
    ]
    opened = Opened({"p_min": 0.5})
    assert first_divergence(WALK, expected_of(WALK), Trace(opened, [*hidden]), unseen) is None


def test_failures_are_alike_in_field_and_kind_whatever_the_figures() -> None:
    one = divergence(WALK, with_answer(WALK, 2, variance=6.45))
    other = divergence(WALK, with_answer(WALK, 0, variance=7))
    assert one.kind == other.kind
    for changed in ({"variance": None}, {"variance": "6.45"}, {"confidence": 0.5}):
        assert divergence(WALK, with_answer(WALK, 2, **changed)).kind != one.kind
    opened = expected_of(WALK).opened

    def rejected(code: str, message: str) -> Divergence:
        return divergence(WALK, Trace(opened, [Rejected(code, message)]))  # type: ignore[arg-type]

    assert rejected("duplicate", "a").kind == rejected("duplicate", "b").kind
    assert rejected("duplicate", "a").kind != rejected("out_of_range", "a").kind
