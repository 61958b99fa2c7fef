"""Steps of the P collapse and its reversal."""

from __future__ import annotations

from typing import NamedTuple

from pytest_bdd import parsers, then, when

from quotemark.port import Engine
from quotemark.suite import p_collapse_reversal
from quotemark.suite.desk import (
    component_observations,
    holds,
    needs_fields,
    needs_phases,
    reads,
)
from quotemark.suite.p_collapse_reversal import AGREEING, CALIBRATIONS, FLOOR, PACES


class Passages(NamedTuple):
    """A tape gone through with and without the floor, and the drifts of each."""

    tape: str
    calibration: str
    drifts: dict[float, list[float]]


@when(
    parsers.parse(
        "the filter has heard 200 observations of -5 bp/s and then 50 of 5, with a floor of"
        " {floor:g}"
    ),
    target_fixture="drifts",
)
def _filter_has_heard(engine: Engine, floor: float) -> list[float]:
    steps = p_collapse_reversal.observations()
    seen = component_observations(engine, "drift", steps, {"p_min": floor})
    return [observed["drift_bps_per_s"] for observed in seen]


@when(
    parsers.parse(
        "the book turns after 200 cycles at one instant, with phases 1, 2, 3, 4 and 7 and a floor"
        " of {floor:g}"
    ),
    target_fixture="drifts",
)
def _book_turns(engine: Engine, floor: float) -> list[float]:
    return _drifts(engine, "session", floor, "plan")


@when(
    parsers.re(
        r"the book turns after 200 cycles (?P<pace>at one instant|6.45 seconds apart),"
        r" by the (?P<calibration>\w+) calibration"
    ),
    target_fixture="passages",
)
def _book_turns_by(engine: Engine, pace: str, calibration: str) -> Passages:
    tape = "session" if pace == "at one instant" else "paced"
    both = {floor: _drifts(engine, tape, floor, calibration) for floor in (FLOOR, 0.0)}
    return Passages(tape, calibration, both)


def _drifts(engine: Engine, tape: str, floor: float, calibration: str) -> list[float]:
    needs_phases(engine, 1, 2, 3, 4, 7)
    needs_fields(engine, "engine", "drift_bps_per_s")
    changes = {"p_min": floor, "calibration": calibration}
    return p_collapse_reversal.drifts(p_collapse_reversal.run_book(engine, tape, changes))


@then(parsers.re(r"the sign turns after (?P<count>\d+) opposing observations$"))
def _sign_turns(drifts: list[float], count: str) -> None:
    assert p_collapse_reversal.turned_after(drifts) == int(count)


@then(parsers.re("the sign does not turn$"))
def _sign_does_not_turn(drifts: list[float]) -> None:
    assert p_collapse_reversal.turned_after(drifts) is None


@then(parsers.parse("the drift goes from {last} over {first} to {second} bp/s"))
def _drift_goes(drifts: list[float], last: str, first: str, second: str) -> None:
    assert all(map(reads, drifts[AGREEING - 1 :], (last, first, second)))


@then(parsers.parse("the drift ends at {last} bp/s"))
def _drift_ends_at(drifts: list[float], last: str) -> None:
    assert reads(drifts[-1], last)


@then("no bids rest before the turn, and they are back within 3 cycles of it")
def _bids_are_back(engine: Engine) -> None:
    frames = p_collapse_reversal.run_book(engine, "session", {"p_min": FLOOR})
    holds(p_collapse_reversal.demand_quotes_turn, frames, FLOOR)


@then("no bids rest before the turn, and none for 50 cycles after it")
def _bids_stay_away(engine: Engine) -> None:
    frames = p_collapse_reversal.run_book(engine, "session", {"p_min": 0.0})
    holds(p_collapse_reversal.demand_quotes_turn, frames, 0.0)


@then(
    parsers.re(
        r"the sign turns after (?P<count>\d+) opposing observations, with a floor of 2 as with none"
    )
)
def _sign_turns_alike(passages: Passages, count: str) -> None:
    assert passages.drifts[FLOOR] == passages.drifts[0.0]
    assert p_collapse_reversal.turned_after(passages.drifts[FLOOR]) == int(count)


@then("the sign does not turn, with a floor of 2 as with none")
def _sign_never_turns(passages: Passages) -> None:
    for drifts in passages.drifts.values():
        assert p_collapse_reversal.turned_after(drifts) is None


@then("each drift is what 200 observations and their opposite make of it")
def _drifts_are_as_expected(passages: Passages) -> None:
    variance, seconds = CALIBRATIONS[passages.calibration], PACES[passages.tape]
    for floor, drifts in passages.drifts.items():
        expected = p_collapse_reversal.expected_drifts(floor, variance, seconds)
        holds(p_collapse_reversal.demand_expected_drifts, drifts, expected)
