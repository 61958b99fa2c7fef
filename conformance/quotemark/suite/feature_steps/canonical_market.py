"""Steps of a desk in the canonical market: what happens there, and what it quotes (phases 1-4)."""

from __future__ import annotations

import pytest
from pytest_bdd import given, parsers, then, when

from quotemark.messages import Json
from quotemark.port import Engine
from quotemark.suite.desk import (
    SIDES,
    TICK_BPS,
    Desk,
    depth_bps,
    numbers,
    reads,
)
from quotemark.suite.market import (
    CYCLE_MS,
    MAX_POSITION,
    MID,
    at_position,
    signal,
    trade,
    trend,
)


@given("the canonical market", target_fixture="desk")
def _canonical_market(engine: Engine) -> Desk:
    return Desk(engine)


@given(parsers.re(r"phases (?P<phases>[\d, and]+) are on$"))
def _phases_are_on(desk: Desk, phases: str) -> None:
    desk.switch_on(numbers(phases))


@given(parsers.re(r"phases (?P<phases>[\d, and]+) are on, with the deployed legacy behaviour"))
def _phases_are_on_deployed(desk: Desk, phases: str) -> None:
    desk.switch_on(numbers(phases), variant="deployed")


@given(parsers.parse("the engine is {share:g} % {way}"))
def _engine_has_a_position(desk: Desk, share: float, way: str) -> None:
    desk.happen(*at_position(share / 100.0 if way == "long" else -share / 100.0))


@given(parsers.parse("the drift stands at {mean:g} bp/s with a variance of {variance:g}"))
def _drift_stands(desk: Desk, mean: float, variance: float) -> None:
    # a prior of twice the variance meets a signal of as much noise and twice the mean
    desk.configure(prior_variance=2.0 * variance)
    desk.happen(signal(0, 2.0 * mean, 2.0 * variance))


@given("no floor of the variance")
def _no_floor(desk: Desk) -> None:
    desk.configure(p_min=0.0)


@given(parsers.parse("the {calibration} calibration"))
def _calibration(desk: Desk, calibration: str) -> None:
    desk.configure(calibration=calibration)


@when(parsers.parse("a trend of {magnitude:g} bp {way} is read with full agreement"))
def _trend_of_full_agreement(desk: Desk, magnitude: float, way: str) -> None:
    desk.happen(_reading(magnitude, way, 1.0))


@when(parsers.parse("a trend of {magnitude:g} bp {way} is read with an agreement of {agreement:g}"))
def _trend_of_agreement(desk: Desk, magnitude: float, way: str, agreement: float) -> None:
    desk.happen(_reading(magnitude, way, agreement))


@when(
    parsers.parse(
        "a trend of {magnitude:g} bp {way} is read with full agreement in each of {count:d} cycles"
    )
)
def _trend_in_each_cycle(desk: Desk, magnitude: float, way: str, count: int) -> None:
    for _ in range(count):
        desk.happen(_reading(magnitude, way, 1.0))
        desk.quote()
        desk.wait(CYCLE_MS / 1000.0)


def _reading(magnitude: float, way: str, agreement: float) -> Json:
    return trend(0, magnitude if way == "down" else -magnitude, agreement, 0.8)


@when(parsers.parse("a signal of {value:g} bp/s with a variance of {variance:g} comes"))
def _signal_comes(desk: Desk, value: float, variance: float) -> None:
    desk.happen(signal(0, value, variance))


@when(parsers.parse("the toxicity of the {side} is {toxicity:g}"))
def _toxicity_is_read(desk: Desk, side: str, toxicity: float) -> None:
    desk.happen({"step": "signal", "source": f"toxicity_{side}", "value": toxicity})


@when(parsers.parse("{count:d} {side} trades arrive at once"))
def _trades_arrive_at_once(desk: Desk, count: int, side: str) -> None:
    desk.happen(*[trade(0, side)] * count)


@when(parsers.parse("{count:d} {side} trades arrive within {seconds:g} seconds"))
def _trades_arrive(desk: Desk, count: int, side: str, seconds: float) -> None:
    for _ in range(count):
        desk.happen(trade(0, side))
        desk.wait(seconds / count)


@when(parsers.parse("the engine buys {size:g} at {distance:g} bp below mid"))
def _engine_buys(desk: Desk, size: float, distance: float) -> None:
    price = MID * (1.0 - distance / 1e4)
    bought = {"step": "fill", "side": "buy", "price": price, "size": size}
    desk.happen({**bought, "id": f"buy-{size}", "mid": MID})


@when(parsers.parse("the engine {trades} {size:g} at mid"))
def _engine_trades_at_mid(desk: Desk, trades: str, size: float) -> None:
    desk.happen(fill_at_mid(desk, "buy" if trades == "buys" else "sell", size))


@when(parsers.parse("the engine buys and sells {size:g} at mid, {count:d} times each"))
def _engine_trades_both_ways(desk: Desk, size: float, count: int) -> None:
    for _ in range(count):
        desk.happen(fill_at_mid(desk, "buy", size), fill_at_mid(desk, "sell", size))


def fill_at_mid(desk: Desk, side: str, size: float) -> Json:
    """Own fill at mid: it moves the position, and is a drift observation of 0."""
    return {"step": "fill", "side": side, "price": desk.mid, "size": size, "mid": desk.mid}


@when(parsers.parse("the mid moves by {bps:g} bp over {seconds:g} seconds"))
def _mid_moves(desk: Desk, bps: float, seconds: float) -> None:
    desk.wait(seconds)
    desk.move(bps)


@when(parsers.parse("nothing happens for {seconds:g} seconds"))
def _nothing_happens(desk: Desk, seconds: float) -> None:
    desk.wait(seconds)


@when("the engine quotes")
def _engine_quotes(desk: Desk) -> None:
    desk.quote()


@when(parsers.parse("the engine quotes {count:d} times"))
def _engine_quotes_often(desk: Desk, count: int) -> None:
    for _ in range(count):
        desk.quote()


@then(parsers.parse("the {side} rests more than {least:g} bp deeper than in a calm market"))
def _rests_deeper(desk: Desk, side: str, least: float) -> None:
    assert depth_bps(desk.quotes[-1], side) - depth_bps(desk.calm(), side) > least


@then(parsers.parse("the {side} rests {expected:g} bp deeper than in a calm market"))
def _rests_deeper_by(desk: Desk, side: str, expected: float) -> None:
    deeper = depth_bps(desk.quotes[-1], side) - depth_bps(desk.calm(), side)
    assert deeper == pytest.approx(expected, abs=TICK_BPS)


@then(parsers.parse("the {side} rests deeper than in a calm market"))
def _rests_any_deeper(desk: Desk, side: str) -> None:
    now, calm = depth_bps(desk.quotes[-1], side, desk.mid), depth_bps(desk.calm(), side, desk.mid)
    assert now > calm


@then(parsers.parse("the {side} rests closer than in a calm market"))
def _rests_closer(desk: Desk, side: str) -> None:
    assert depth_bps(desk.quotes[-1], side) < depth_bps(desk.calm(), side)


@then("it quotes as in a calm market")
def _quotes_as_calm(desk: Desk) -> None:
    for side in ("bids", "asks"):
        levels, calm = desk.quotes[-1][side], desk.calm()[side]
        assert len(levels) == len(calm)
        for level, calm_level in zip(levels, calm, strict=True):
            assert level["price"] == pytest.approx(calm_level["price"], abs=1.1e-3)
            assert level["size"] == pytest.approx(calm_level["size"])


@then("the drift is half of what it was")
def _drift_has_halved(desk: Desk) -> None:
    before, after = desk.figures("drift_bps_per_s")[-2:]
    assert after == pytest.approx(before / 2.0, rel=1e-4)


@then(parsers.parse("the drift is below {limit:g} bp/s"))
def _drift_is_below(desk: Desk, limit: float) -> None:
    assert desk.figure("drift_bps_per_s") < limit


@then(parsers.parse("the drift is above {limit:g} bp/s"))
def _drift_is_above(desk: Desk, limit: float) -> None:
    assert desk.figure("drift_bps_per_s") > limit


@then(parsers.parse("the drift has risen but is still below {limit:g} bp/s"))
def _drift_has_risen(desk: Desk, limit: float) -> None:
    before, after = desk.figures("drift_bps_per_s")[-2:]
    assert before < after < limit


@then(parsers.re(r"the drift is (?P<expected>[-\d.]+) bp/s"))
def _drift_is(desk: Desk, expected: str) -> None:
    assert reads(desk.figure("drift_bps_per_s"), expected)


@then(parsers.parse("{source} says {z} bp/s with a variance of {variance}"))
def _source_says(desk: Desk, source: str, z: str, variance: str) -> None:
    heard = desk.heard(source)
    assert len(heard) == 1, f"{source} is heard {len(heard)} times"
    assert reads(heard[0]["z_bps_per_s"], z), heard
    assert reads(heard[0]["variance"], variance), heard


@then(parsers.parse("{source} says nothing"))
def _source_says_nothing(desk: Desk, source: str) -> None:
    assert desk.heard(source) == []


@then("the filter hears nothing")
def _filter_hears_nothing(desk: Desk) -> None:
    assert desk.figure("drift_observations") == []
    assert desk.figure("composite_parts") == []


@then("the drift is less uncertain than in a calm market")
def _drift_is_less_uncertain(desk: Desk) -> None:
    assert desk.figure("drift_variance") < desk.calm()["drift_variance"]


@then(parsers.parse("gamma is {times:g} times its base"))
def _gamma_is(desk: Desk, times: float) -> None:
    assert desk.figure("gamma_per_bps") == pytest.approx(0.15 * times)


@then("the kappas of bid and ask differ")
def _kappas_differ(desk: Desk) -> None:
    bid, ask = desk.figure("kappas_per_bps")
    assert bid < ask


@then("both sides are quoted")
def _both_sides_are_quoted(desk: Desk) -> None:
    assert desk.quotes[-1]["bids"]
    assert desk.quotes[-1]["asks"]


@then("every resting level is expected to earn")
def _levels_earn(desk: Desk) -> None:
    desk.figure("expected_pnl_bps")
    for side in ("bids", "asks"):
        assert all(level["expected_pnl_bps"] > 0.0 for level in desk.quotes[-1][side])


@then(parsers.parse("no {side} rest"))
def _side_is_empty(desk: Desk, side: str) -> None:
    assert desk.quotes[-1][side] == []


@then(parsers.re(r"(?P<side>bids|asks) rest$"))
def _side_rests(desk: Desk, side: str) -> None:
    assert desk.quotes[-1][side]


@then(parsers.parse("the bids are {state}"))
def _bids_are(desk: Desk, state: str) -> None:
    assert bool(desk.quotes[-1]["bids"]) == (state == "resting")


@then(parsers.parse("each {side} has a size of {size:g}"))
def _each_level_has_size(desk: Desk, side: str, size: float) -> None:
    levels = desk.quotes[-1][SIDES[side]]
    assert [level["size"] for level in levels] == pytest.approx([size] * 6)


@then("filling all bids would leave it within its limit")
def _bids_fit_the_limit(desk: Desk) -> None:
    bids = desk.quotes[-1]["bids"]
    assert bids
    assert 0.45 * MAX_POSITION + sum(level["size"] for level in bids) <= MAX_POSITION + 1e-9


@then(parsers.parse('it reports "{event}"'))
def _reports(desk: Desk, event: str) -> None:
    assert event in desk.figure("events")


@then(parsers.parse("it reports phase {phase:d} as inert"))
def _reports_inert(desk: Desk, phase: int) -> None:
    assert phase in desk.figure("inert_phases")
