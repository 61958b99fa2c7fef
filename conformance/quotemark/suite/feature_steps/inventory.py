"""Steps of the inventory scenario, from flat to the position limit."""

from __future__ import annotations

from pytest_bdd import given, parsers, then, when

from quotemark import builtin
from quotemark.port import Engine
from quotemark.replay import Frame
from quotemark.scenario import load_scenario
from quotemark.suite import inventory_80_percent
from quotemark.suite.desk import holds, needs_phases
from quotemark.suite.market import PHASES_1_TO_4


@given("the inventory scenario, from flat to the position limit")
def _inventory_scenario() -> None:
    assert load_scenario("inventory_80_percent").session


@when(parsers.parse("the engine goes {way} through it with phases 1 to 4"), target_fixture="frames")
def _engine_goes_through(engine: Engine, way: str) -> dict[float, Frame]:
    needs_phases(engine, 1, 2, 3, 4)
    tape = "session" if way == "long" else "short"
    return inventory_80_percent.run_positions(engine, tape, PHASES_1_TO_4)


@when("legacy:deployed goes long through it", target_fixture="frames")
def _baseline_goes_through() -> dict[float, Frame]:
    return inventory_80_percent.run_positions(builtin.legacy_deployed(), "session", {})


@then(parsers.parse("at {share:g} % both sides rest"))
def _both_sides_rest(frames: dict[float, Frame], share: float) -> None:
    for side in ("bids", "asks"):
        holds(inventory_80_percent.demand_resting, frames, share / 100.0, side)


@then(parsers.parse("at {share:g} % no {accumulating} rest but {reducing} do"))
def _only_reducing_rests(
    frames: dict[float, Frame], share: float, accumulating: str, reducing: str
) -> None:
    holds(inventory_80_percent.demand_empty, frames, round(share / 100.0, 4), accumulating)
    holds(inventory_80_percent.demand_resting, frames, round(share / 100.0, 4), reducing)


@then(parsers.parse("nothing jumps between {below:g} % and {above:g} %"))
def _nothing_jumps(frames: dict[float, Frame], below: float, above: float) -> None:
    pair = (frames[round(share / 100.0, 4)] for share in (below, above))
    assert inventory_80_percent.jumps(*pair) == []


@then(parsers.parse("its {what} jump between {below:g} % and {above:g} %"))
def _something_jumps(frames: dict[float, Frame], what: str, below: float, above: float) -> None:
    pair = (frames[round(share / 100.0, 4)] for share in (below, above))
    assert what in inventory_80_percent.jumps(*pair)
