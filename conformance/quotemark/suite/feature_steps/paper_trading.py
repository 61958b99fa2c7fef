"""Steps of the ten minutes of paper trading, and of the plan's closing checks."""

from __future__ import annotations

import math

from pytest_bdd import given, parsers, then, when

from quotemark.port import Engine
from quotemark.replay import Replay, replay
from quotemark.scenario import load_scenario
from quotemark.suite.desk import Desk, needs_fields, needs_phases, reads
from quotemark.suite.market import ALL_PHASES, PHASES_1_TO_4, gates, signal

TURN, UNTIL = 31, 36  # cycles between which the book has turned and nobody sells yet


@given("ten minutes of paper trading")
def _paper_trading() -> None:
    assert load_scenario("paper_trading_checks").session


@when("the engine trades them with all eight phases", target_fixture="run")
def _trades_with_all_phases(engine: Engine) -> Replay:
    needs_phases(engine, *range(1, 9))
    scenario = load_scenario("paper_trading_checks")
    return replay(engine, scenario.session, {**scenario.config, **ALL_PHASES})


@when(
    "the engine trades them with phases 1, 2, 3 and 4, and with phase 7 besides",
    target_fixture="runs",
)
def _trades_with_and_without_book(engine: Engine) -> tuple[Replay, Replay]:
    needs_phases(engine, 1, 2, 3, 4, 7)
    needs_fields(engine, "engine", "drift_bps_per_s")
    scenario = load_scenario("paper_trading_checks")
    without, besides = (
        replay(engine, scenario.session, {**scenario.config, **phases})
        for phases in (PHASES_1_TO_4, gates(1, 2, 3, 4, 7))
    )
    return without, besides


@then("no fill comes in the five cycles from the book's turn on")
def _no_fill_comes(runs: tuple[Replay, Replay]) -> None:
    for run in runs:
        start_ms, end_ms = run.frames[TURN].t_ms, run.frames[UNTIL].t_ms
        assert not any(start_ms <= fill.t_ms < end_ms for fill in run.fills)


@then("with book features the drift is lower in each of them, and below 0 at their end")
def _drift_is_lower(runs: tuple[Replay, Replay]) -> None:
    without, besides = (
        [frame.observation["drift_bps_per_s"] for frame in run.frames[TURN:UNTIL]] for run in runs
    )
    assert all(one < other for one, other in zip(besides, without, strict=True))
    assert besides[-1] < 0.0 < without[-1]


@then("no step is refused and every figure is finite")
def _nothing_is_refused(run: Replay) -> None:
    assert set(run.answers) == {"ok"}, run.first_rejection
    assert all(_is_finite(frame.observation) for frame in run.frames)


@then("every source is heard")
def _every_source_is_heard(engine: Engine, run: Replay, datatable: list[list[str]]) -> None:
    needs_fields(engine, "engine", "drift_observations")
    heard = {
        said["source"] for frame in run.frames for said in frame.observation["drift_observations"]
    }
    assert heard == {source for (source,) in datatable[1:]}


@then("both sides are quoted at the start and at the end")
def _both_sides_at_both_ends(run: Replay) -> None:
    for frame in (run.frames[0], run.frames[-1]):
        assert frame.observation["bids"]
        assert frame.observation["asks"]


def _is_finite(value: object) -> bool:
    if isinstance(value, dict):
        return all(map(_is_finite, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_is_finite, value))
    return math.isfinite(value) if isinstance(value, float) else value not in ("nan", "inf", "-inf")


# --- in the canonical market ------------------------------------------------------------------


@when(
    parsers.parse(
        "a signal of {value:g} bp/s with a variance of {variance:g} comes before each of"
        " {count:d} cycles"
    )
)
def _signal_before_each_cycle(desk: Desk, value: float, variance: float, count: int) -> None:
    for _ in range(count):
        desk.happen(signal(0, value, variance))
        desk.quote()


@then(parsers.re(r"the drift's uncertainty is (?P<uncertainties>.+) bp/s"))
def _uncertainty_is(desk: Desk, uncertainties: str) -> None:
    found = [math.sqrt(variance) for variance in desk.figures("drift_variance")]
    expected = uncertainties.replace(" and ", ", ").split(", ")
    assert len(found) == len(expected)
    assert all(map(reads, found, expected)), found


@then(parsers.parse("no {side} are expected to earn"))
def _none_is_expected_to_earn(desk: Desk, side: str) -> None:
    pnls = desk.figure("expected_pnl_bps")[0 if side == "bids" else 1]
    assert all(pnl < 0.0 for pnl in pnls)


@then(parsers.parse("the kappas are {bid} and {ask} per bp"))
def _kappas_are(desk: Desk, bid: str, ask: str) -> None:
    assert all(map(reads, desk.figure("kappas_per_bps"), (bid, ask)))
