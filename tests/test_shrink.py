"""Shrinking: the result still fails, is never longer, and has nothing in it that could go."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from quotemark.case import Case
from quotemark.messages import Json
from quotemark.shrink import shrink

NO_BOUND = 1_000_000

Fails = Callable[[Case], int | None]


def after(needed: set[int], keys: set[str] = frozenset()) -> Fails:  # type: ignore[assignment]
    """Fail once all ``needed`` marks have come, if the configuration has ``keys``."""

    def fails(case: Case) -> int | None:
        seen: set[int] = set()
        for index, step in enumerate(case.steps):
            seen.add(step.get("mark", -1))
            if needed <= seen and keys <= case.config.keys():
                return index
        return None

    return fails


class Counted:
    """A failure that counts how often it was asked, and how long the cases were."""

    def __init__(self, fails: Fails) -> None:
        self.fails = fails
        self.asked: list[int] = []

    def __call__(self, case: Case) -> int | None:
        self.asked.append(len(case.steps))
        return self.fails(case)


marks = st.lists(st.integers(0, 9), max_size=40)
configs = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 9))


def case_of(numbers: list[int], config: Json) -> Case:
    steps = [{"step": "odd" if one % 2 else "even", "mark": one} for one in numbers]
    return Case("drift", config, steps)


@settings(max_examples=50)
@given(marks, configs, st.sets(st.integers(0, 9), min_size=1, max_size=4), st.data())
def test_without_bounds_nothing_stays_that_could_go(
    numbers: list[int], config: Json, needed: set[int], data: st.DataObject
) -> None:
    keys = data.draw(st.sets(st.sampled_from(sorted(config)))) if config else set()
    fails = after(needed, keys)
    case = case_of(numbers, config)
    assume(fails(case) is not None)
    small = shrink(case, fails, trials=NO_BOUND, steps=NO_BOUND)
    assert fails(small) == len(small.steps) - 1
    assert {step["mark"] for step in small.steps} == needed
    assert len(small.steps) == len(needed)
    assert small.config.keys() == keys


@given(marks, st.sets(st.integers(0, 9), min_size=1), st.integers(1, 30), st.integers(1, 200))
def test_with_bounds_it_still_fails_and_is_no_longer_and_stops(
    numbers: list[int], needed: set[int], trials: int, steps: int
) -> None:
    fails = Counted(after(needed))
    case = case_of(numbers, {"a": 1})
    small = shrink(case, fails, trials=trials, steps=steps)
    assert len(fails.asked) <= trials
    assert sum(fails.asked[:-1]) < steps
    assert len(small.steps) <= len(case.steps)
    if fails(case) is None:
        assert small is case
    else:
        assert fails(small) == len(small.steps) - 1


@given(marks, st.sets(st.integers(0, 9), min_size=1))
def test_the_same_case_shrinks_alike_and_no_further(numbers: list[int], needed: set[int]) -> None:
    fails = after(needed)
    case = case_of(numbers, {})
    small = shrink(case, fails, trials=NO_BOUND, steps=NO_BOUND)
    assert shrink(case, fails, trials=NO_BOUND, steps=NO_BOUND) == small
    assert shrink(small, fails, trials=NO_BOUND, steps=NO_BOUND) == small


def test_what_is_given_is_left_as_it_was() -> None:
    case = Case(
        "drift", {"a": 1.25}, [{"step": "s", "t_ms": 7, "levels": [[1.5, 2.5], [3.5, 4.5]]}]
    )
    before = repr(case)
    shrink(case, lambda one: len(one.steps) - 1)
    assert repr(case) == before


def test_a_failure_at_the_opening_needs_no_steps() -> None:
    case = Case("drift", {"a": 1, "b": 2.5}, [{"step": "s"}, {"step": "s"}])
    small = shrink(case, lambda one: -1 if "b" in one.config else None)
    assert small == Case("drift", {"b": 0.0}, [])


def test_a_failure_that_needs_many_steps_of_a_kind_takes_few_trials() -> None:
    kinds = ("trade", "book", "fill", "signal", "estimate", "cycle", "funding")
    steps: list[Json] = [{"step": kinds[number % 7]} for number in range(700)]

    def warm(case: Case) -> int | None:
        trades = 0
        for index, step in enumerate(case.steps):
            trades += step["step"] == "trade"
            if trades >= 20 and step["step"] == "cycle":
                return index
        return None

    fails = Counted(warm)
    small = shrink(Case("engine", {}, steps), fails)
    assert [step["step"] for step in small.steps] == ["trade"] * 20 + ["cycle"]
    assert len(fails.asked) < 100


def failing_with(holds: Callable[[Json], bool]) -> Fails:
    """Fail at the first step that ``holds``."""

    def fails(case: Case) -> int | None:
        found = [index for index, step in enumerate(case.steps) if holds(step)]
        return found[0] if found else None

    return fails


def test_figures_lose_digits_while_the_failure_stays() -> None:
    step = {"step": "s", "z": 3.14159, "size": 0.6951, "rate": "0.00012345", "levels": 17}

    def holds(one: Json) -> bool:
        return one.get("z", 0.0) > 3.05 and float(one.get("rate", "0")) > 1e-4

    small = shrink(Case("engine", {}, [step]), failing_with(holds), trials=NO_BOUND)
    assert small.steps == [{"step": "s", "z": 3.1, "rate": "0.00012"}]
    simple = shrink(
        Case("engine", {}, [step]), failing_with(lambda one: "z" in one and "levels" in one)
    )
    assert simple.steps == [{"step": "s", "z": 0.0, "levels": 0}]


def test_what_simpler_figures_make_needless_goes_too() -> None:
    steps: list[Json] = [{"step": "s", "z": 0.6}, {"step": "s", "z": 2.6}]

    def fails(case: Case) -> int | None:
        total = sum(step.get("z", 0.0) for step in case.steps)
        return len(case.steps) - 1 if total > 2.9 else None

    assert shrink(Case("drift", {}, steps), fails).steps == [{"step": "s", "z": 3.0}]


def test_times_begin_at_0_and_stay_in_order() -> None:
    steps: list[Json] = [{"step": "s", "t_ms": t_ms} for t_ms in (1771459201931, 1771459208381)]

    def fails(case: Case) -> int | None:
        times = [step.get("t_ms") for step in case.steps]
        return 1 if len(times) == 2 and None not in times and times[1] - times[0] > 6200 else None  # type: ignore[operator]

    small = shrink(Case("drift", {}, steps), fails)
    assert [step["t_ms"] for step in small.steps] == [0, 6400]
