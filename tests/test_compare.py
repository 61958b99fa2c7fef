"""Comparison of answers: whatever an engine gives is compared, and distances are counted."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from quotemark.builtin import reference
from quotemark.case import Case, Trace, trace
from quotemark.messages import Json, Ok, Opened, Rejected, Unsupported, component_fields
from quotemark.suite.compare import (
    AT_OPENING,
    first_departure,
    first_difference,
    is_close,
    relative_distance,
    ulp_distance,
)
from quotemark.suite.market import PHASES_1_TO_4, at_position, cycle, signal

ENGINE_FIELDS = component_fields("engine")
LADDER_CASE = Case("engine", PHASES_1_TO_4, [*at_position(0.1), signal(0, -0.5, 50.0), cycle(6450)])

# --- whatever comes is compared ---------------------------------------------------------------

others = st.recursive(
    st.one_of(st.none(), st.booleans(), st.text(max_size=3)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(st.sampled_from(["price", "size", "tick", "source"]), inner, max_size=2),
    ),
    max_leaves=4,
)
"""Anything but a figure."""
anything = st.one_of(others, st.floats(), st.integers(-(10**400), 10**400))


def ladder() -> Json:
    answer = trace(reference(), LADDER_CASE, "ladder", 0).answers[-1]
    assert isinstance(answer, Ok)
    return answer.observation


LADDER = ladder()


def paths(value: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items: list[tuple[Any, object]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list | tuple):
        items = list(enumerate(value))
    return [path, *(inner for key, one in items for inner in paths(one, (*path, key)))]


def with_at(value: Any, path: tuple[Any, ...], new: object) -> Any:  # noqa: ANN401 - any JSON
    if not path:
        return new
    changed = list(value) if isinstance(value, list | tuple) else dict(value)
    changed[path[0]] = with_at(value[path[0]], path[1:], new)
    return changed


def at(value: Any, path: tuple[Any, ...]) -> Any:  # noqa: ANN401 - any JSON
    for key in path:
        value = value[key]
    return value


@given(path=st.sampled_from(paths(LADDER)[1:]), new=others)
def test_what_is_no_figure_differs_wherever_it_stands(path: tuple[Any, ...], new: object) -> None:
    assume(at(LADDER, path) != new)
    changed = with_at(LADDER, path, new)
    assert first_difference(Ok(LADDER), Ok(changed), ENGINE_FIELDS) is not None


@given(path=st.sampled_from(paths(LADDER)[1:]), new=anything)
def test_any_two_observations_are_compared_either_way(path: tuple[Any, ...], new: object) -> None:
    changed = with_at(LADDER, path, new)
    first_difference(Ok(LADDER), Ok(changed), ENGINE_FIELDS)
    first_difference(Ok(changed), Ok(LADDER), ENGINE_FIELDS)  # an engine beside itself


@given(
    st.dictionaries(st.sampled_from(ENGINE_FIELDS), anything, max_size=4),
    st.dictionaries(st.sampled_from(ENGINE_FIELDS), anything, max_size=4),
)
def test_nothing_stops_the_comparison(one: Json, other: Json) -> None:
    first_difference(Ok(one), Ok(other), ENGINE_FIELDS)


@given(anything, anything)
def test_only_figures_are_close(one: object, other: object) -> None:
    if is_close(one, other):
        assert isinstance(one, int | float)
        assert isinstance(other, int | float)
        assert not isinstance(one, bool)
        assert not isinstance(other, bool)


def test_a_field_of_a_quote_that_is_not_declared_must_not_come() -> None:
    quotes = [{**quote, "colour": "red"} for quote in LADDER["asks"]]
    found = first_difference(Ok(LADDER), Ok({**LADDER, "asks": quotes}), ENGINE_FIELDS)
    assert found is not None
    assert found.field == "asks[0].colour"


def test_an_engine_beside_itself_may_give_anything_where_ties_are_looked_for() -> None:
    fewer = {**LADDER, "bids": LADDER["bids"][:1]}
    for pnls in ([], [0.0], [0.0, 0.0], [[None], ["0.0"]], {"bids": [0.0]}, 0.0):
        one, other = ({**seen, "expected_pnl_bps": pnls} for seen in (LADDER, fewer))
        found = first_difference(Ok(one), Ok(other), ENGINE_FIELDS)
        assert found is not None
        assert found.field == "number of bids"
    quote = {"price": 100.0, "depth_bps": 1.0, "tick": 1e-6}
    for mid in (1e308, None, "100"):
        one, other = ({"mid": mid, "bids": [{**quote, "price": at}]} for at in (100.0, 100.000001))
        found = first_difference(Ok(one), Ok(other), ENGINE_FIELDS)
        assert found is not None
        assert found.field == "bids[0].price"


def test_a_cause_is_told_before_its_consequences() -> None:
    changed = {name: None if name != "mid" else value for name, value in LADDER.items()}
    found = first_difference(Ok(LADDER), Ok(changed), ENGINE_FIELDS)
    assert found is not None
    assert found.field == "theta_per_s"
    push = with_at(LADDER, ("drift_observations", 0, "push_bps_per_s"), 1.0)
    found = first_difference(Ok(LADDER), Ok({**push, "drift_variance": 0.0}), ENGINE_FIELDS)
    assert found is not None
    assert found.field == "drift_observations[0].push_bps_per_s"
    changed = {**LADDER, "drift_bps_per_s": 0.0, "drift_variance": 0.0, "bids": []}
    found = first_difference(Ok(LADDER), Ok(changed), ENGINE_FIELDS)
    assert found is not None
    assert found.field == "drift_variance"


# --- a case as a whole ------------------------------------------------------------------------


def test_the_first_departure_is_found_step_by_step_and_before_them_at_the_opening() -> None:
    case = Case("drift", {"theta_per_s": 0.5, "p_min": 1.0}, [{"step": "predict", "t_ms": 0}] * 3)
    ok, other = Ok({"x": 1.0}), Ok({"x": 2.0})
    opened = Opened({"theta_per_s": 0.5, "p_min": 1.0, "sigma_trend": 2.0})
    expected = Trace(opened, [ok, ok, ok])

    def departure(got: Trace) -> tuple[int, str] | None:
        found = first_departure(case, expected, got, ["x"])
        return found and (found[0], str(found[1]))

    assert departure(expected) is None
    assert departure(Trace(opened, [ok, other, ok])) == (
        1,
        "x: expected 1.0, got 2.0 (relative distance 1)",
    )
    assert departure(Trace(opened, [ok])) == (
        1,
        "number of answers: expected 3, got 1 (relative distance 0.67)",
    )
    # of the configuration only what was given counts, and a whole number may stand for a figure
    fine = Opened({"theta_per_s": 0.5, "p_min": 1, "sigma_trend": 3.0})
    assert departure(Trace(fine, [ok, ok, ok])) is None
    wrong = Opened({"theta_per_s": 0.5, "p_min": 2.0, "sigma_trend": 2.0})
    assert departure(Trace(wrong, [ok, other, ok])) == (
        AT_OPENING,
        "effective config p_min: expected 1.0, got 2.0 (relative distance 1)",
    )
    for refused in (Rejected("out_of_range", "no"), Unsupported("no")):
        found = first_departure(case, expected, Trace(refused, []), ["x"])
        assert found is not None
        assert (found[0], found[1].field) == (AT_OPENING, "status")
    refused_too = Trace(Rejected("out_of_range", "no"), [])
    found = first_departure(case, refused_too, Trace(Rejected("duplicate", "no"), []), ["x"])
    assert found is not None
    assert (found[0], found[1].field) == (AT_OPENING, "code")
    in_other_words = Trace(Rejected("out_of_range", "never"), [])
    assert first_departure(case, refused_too, in_other_words, ["x"]) is None


# --- distances --------------------------------------------------------------------------------


@given(st.floats(-1e300, 1e300), st.integers(0, 40))
def test_ulp_count_the_doubles_in_between(figure: float, steps: int) -> None:
    other = figure
    for _ in range(steps):
        other = math.nextafter(other, math.inf)
    assert ulp_distance(figure, other) == ulp_distance(other, figure) == steps


def test_ulp_pass_through_zero_and_there_are_none_of_what_is_no_figure() -> None:
    assert ulp_distance(0.0, -0.0) == 0
    assert ulp_distance(-5e-324, 5e-324) == 2
    assert ulp_distance(1.0, 1.0 + 2.0**-52) == 1
    assert ulp_distance(5.0, 5) == 0
    for other in (math.nan, math.inf, None, True, "1.0", [1.0], 10**400):
        assert ulp_distance(1.0, other) is None
        assert ulp_distance(other, 1.0) is None


def test_relative_distance_is_of_the_expected_figure() -> None:
    assert relative_distance(2.0, 2.5) == 0.25
    assert relative_distance(-2.0, 2) == 2.0
    assert relative_distance(0.0, 1.0) is None
    assert relative_distance(1e-300, 1e300) is None  # beyond all doubles
    for other in (math.nan, math.inf, None, False, "1.0", 10**400):
        assert relative_distance(1.0, other) is None
