"""Steps of phase 7: the book and the sweeps in the canonical market."""

from __future__ import annotations

import pytest
from pytest_bdd import given, parsers, then, when

from quotemark.messages import Json
from quotemark.suite.desk import Desk, numbers, reads
from quotemark.suite.market_features import book, own_fill

PRIOR_VARIANCE = 50.0


@given(parsers.re(r"no weight for (?P<sources>.+)"))
def _no_weight(desk: Desk, sources: str) -> None:
    names = sources.replace(" and ", ", ").split(", ")
    desk.configure(**{f"alpha_{name}": 0.0 for name in names})


@when("the book shows")
def _book_shows(desk: Desk, datatable: list[list[str]]) -> None:
    sides: dict[str, list[tuple[float, float]]] = {"bid": [], "ask": []}
    for side, distance, contracts in datatable[1:]:
        sides[side].append((float(distance), float(contracts)))
    desk.happen(book(0, sides["bid"], sides["ask"], desk.mid))


@when(parsers.parse("the book rests {bid:g} bid and {ask:g} ask at {distance:g} bp"))
def _book_rests(desk: Desk, bid: float, ask: float, distance: float) -> None:
    desk.happen(book(0, [(distance, bid)], [(distance, ask)], desk.mid))


@when(parsers.parse("one aggressor {takes} {levels:d} levels of {size:g}"))
def _aggressor_takes(desk: Desk, takes: str, levels: int, size: float) -> None:
    side = "buy" if takes == "sells to" else "sell"
    desk.happen(*[own_fill(0, side, size, levels)] * levels)


@then(parsers.parse("the imbalances are {shallow}, {middle} and {deep}"))
def _imbalances_are(desk: Desk, shallow: str, middle: str, deep: str) -> None:
    found = desk.figure("book_imbalances")
    assert all(map(reads, found, (shallow, middle, deep))), found


@then(parsers.re(r"the book does not reach (?P<depths>[\d, and]+) bp"))
def _book_does_not_reach(desk: Desk, depths: str) -> None:
    assert desk.figure("insufficient_depth_bps") == numbers(depths)


@then(parsers.re(r"the composite is made of (?P<sources>.+)"))
def _composite_is_made_of(desk: Desk, sources: str) -> None:
    parts = [part["source"] for part in desk.figure("composite_parts")]
    assert parts == sources.replace(" and ", ", ").split(", ")


@then("the composite says the mean of its parts, weighted by their precision")
def _composite_is_the_mean(desk: Desk) -> None:
    parts = desk.figure("composite_parts")
    precision, weighted = _information(parts)
    (composite,) = desk.heard("composite")
    assert composite["z_bps_per_s"] == pytest.approx(weighted / precision)
    assert composite["variance"] == pytest.approx(1.0 / precision)


@then("the drift is what its parts would give one by one")
def _drift_of_the_parts(desk: Desk) -> None:
    others = [one for one in desk.figure("drift_observations") if one["source"] != "composite"]
    precision, weighted = _information([*others, *desk.figure("composite_parts")])
    precision += 1.0 / PRIOR_VARIANCE
    assert desk.figure("drift_bps_per_s") == pytest.approx(weighted / precision)
    assert desk.figure("drift_variance") == pytest.approx(1.0 / precision)


def _information(observations: list[Json]) -> tuple[float, float]:
    """Sum of 1/R and of z/R."""
    precision = sum(1.0 / one["variance"] for one in observations)
    weighted = sum(one["z_bps_per_s"] / one["variance"] for one in observations)
    return precision, weighted
