"""Steps of the funding extremes."""

from __future__ import annotations

from typing import NamedTuple

from pytest_bdd import given, parsers, then, when

from quotemark.port import Engine
from quotemark.replay import Frame, Replay
from quotemark.scenario import load_scenario
from quotemark.suite import funding_extremes
from quotemark.suite.desk import holds, needs_fields, needs_phases, reads
from quotemark.suite.funding_extremes import COLD_EVERY, FALLING, SHARES, tape_name

WARM_UP = 3  # blocks, before those of the z-scores
NEEDS = ("carry_bps", "drift_bps_per_s", "funding_zscore", "funding_skew_bps")


class Passage(NamedTuple):
    """A tape gone through by a calibration, and what was quoted."""

    tape: str
    way: str
    calibration: str
    frames: list[Frame]


@given("the funding extremes")
def _funding_extremes(engine: Engine) -> None:
    assert load_scenario("funding_extremes").session
    needs_phases(engine, 1, 2, 3, 4, 6)
    needs_fields(engine, "engine", *NEEDS)


@when(
    parsers.re(
        r"the engine goes through them"
        r" (?:with phases 1, 2, 3, 4 and 6|by the (?P<calibration>\w+) calibration),"
        r" (?P<interval>hourly|eight-hourly) and (?P<way>flat|long|short)"
    ),
    target_fixture="passage",
)
def _engine_goes_through(
    engine: Engine, calibration: str | None, interval: str, way: str
) -> Passage:
    tape = tape_name(interval.replace("-", "_"), way)
    changes = {"calibration": calibration or "calibrated"}
    run = funding_extremes.run_tape(engine, tape, changes)
    return Passage(tape, way, changes["calibration"], run.frames)


@then("the paying side is charged the rate of 600 seconds and the other given half of it")
def _carry_is_charged(passage: Passage) -> None:
    holds(funding_extremes.demand_carry, passage.frames, passage.tape)


@then("both sides lean by the share of the limit times that charge")
def _both_sides_lean(engine: Engine, passage: Passage) -> None:
    needs_fields(engine, "engine", "half_spreads_bps", "touch_depths_bps")
    holds(funding_extremes.demand_lean, passage.frames, passage.tape, SHARES[passage.way])


@then("every level is worth its spread times its fill intensity less carry, drift and inventory")
def _every_level_is_worth(engine: Engine, passage: Passage) -> None:
    needs_fields(engine, "engine", "expected_pnl_bps", "touch_depths_bps")
    holds(funding_extremes.demand_expected_pnl, passage.frames, SHARES[passage.way])


@then(parsers.re(r"the z-scores after the warm-up are (?P<zscores>.+)"))
def _zscores_are(passage: Passage, zscores: str) -> None:
    holds(funding_extremes.demand_zscores, passage.frames, passage.tape)
    neutral = passage.frames[WARM_UP * COLD_EVERY :: 2 * COLD_EVERY]
    expected = zscores.replace(" and ", ", ").split(", ")
    found = [frame.observation["funding_zscore"] for frame in neutral]
    assert len(found) == len(expected)
    assert all(abs(one - float(text)) < 1e-6 for one, text in zip(found, expected, strict=True))


@then("there is no z-score and no drift after the first two readings")
def _warm_up_is_silent(passage: Passage) -> None:
    for frame in passage.frames[: 2 * COLD_EVERY]:
        assert frame.observation["funding_zscore"] is None
        assert frame.observation["drift_bps_per_s"] == 0.0


@then("there are both after the third")
def _third_reading_speaks(passage: Passage) -> None:
    third = passage.frames[2 * COLD_EVERY].observation
    assert third["funding_zscore"] > 0.0
    assert third["drift_bps_per_s"] < 0.0


@then("no bids rest where a bid is charged more than 20 bp, but asks do")
def _nobody_pays(passage: Passage) -> None:
    assert any(frame.observation["carry_bps"][0] > 20.0 for frame in passage.frames)
    holds(funding_extremes.demand_paying_side_empty, passage.frames, passage.tape)


@then("each reading has moved the drift by its gain")
def _each_reading_moves(passage: Passage) -> None:
    holds(funding_extremes.demand_drift, passage.frames, passage.tape, passage.calibration)


@then("of a fall of 8 bp/s the readings have left")
def _readings_have_left(passage: Passage, datatable: list[list[str]]) -> None:
    met = zip(funding_extremes.blocks(passage.tape), passage.frames[::COLD_EVERY], strict=True)
    left = {
        round(frame.observation["funding_zscore"]): frame.observation["drift_bps_per_s"]
        for block, frame in met
        if (block.mean, block.variance) == FALLING
    }
    for zscore, drift in datatable[1:]:
        assert reads(left[int(zscore)], drift), left
    if passage.calibration == "calibrated":
        holds(funding_extremes.demand_no_hazard, passage.frames, passage.tape)


@when(
    parsers.parse("the feed has stopped for an hour, by the {calibration} calibration"),
    target_fixture="stopped",
)
def _feed_has_stopped(engine: Engine, calibration: str) -> list[Frame]:
    holds(funding_extremes.demand_stopped_feed_repeats, engine, calibration)
    return funding_extremes.run_tape(engine, "stopped", {"calibration": calibration}).frames


@then(parsers.parse("a bid has been charged {bid} bp and an ask {ask} bp in every cycle"))
def _charged_in_every_cycle(stopped: list[Frame], bid: str, ask: str) -> None:
    for frame in stopped:
        assert all(map(reads, frame.observation["carry_bps"], (bid, ask)))


@then(parsers.parse("one reading has been heard {count:d} times"))
def _heard_often(engine: Engine, stopped: list[Frame], count: int) -> None:
    needs_fields(engine, "engine", "drift_observations")
    heard = [
        said
        for frame in stopped
        for said in frame.observation["drift_observations"]
        if said["source"] == "funding"
    ]
    assert len(heard) == count
    assert len({(said["z_bps_per_s"], said["variance"]) for said in heard}) == 1


@then(parsers.parse("it still holds the drift at {drift} bp/s"))
def _still_holds_the_drift(stopped: list[Frame], drift: str) -> None:
    last_cold = stopped[(len(stopped) - 1) // COLD_EVERY * COLD_EVERY]
    assert reads(last_cold.observation["drift_bps_per_s"], drift)


@when("a feed sends rates that cannot be read", target_fixture="broken")
def _feed_sends_broken_rates(datatable: list[list[str]]) -> list[list[str]]:
    sent = [
        step["rate"]
        for step in load_scenario("funding_extremes").tape("unparsable")[10:]
        if step["step"] == "funding"
    ]
    assert sent == [rate for rate, _ in datatable[1:]]
    return datatable[1:]


@then("each is answered so and counted", target_fixture="stopped")
def _each_is_counted(engine: Engine, broken: list[list[str]]) -> list[Frame]:
    run: Replay = funding_extremes.run_tape(engine, "unparsable")
    for _, answer in broken:
        assert run.answers[answer] == [one for _, one in broken].count(answer)
    return run.frames


@then("the quotes are as if none of them had come")
def _quotes_as_if_none_came(engine: Engine) -> None:
    holds(funding_extremes.demand_broken_rates_are_rejected, engine)
