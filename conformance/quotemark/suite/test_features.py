"""The features as tests: ``pytest --pyargs quotemark.suite.test_features --engine ENGINE``.

Steps speak to the engine over the port alone. A step that needs an inner figure which the engine
does not declare, or a legacy path it does not have, skips its scenario with that reason.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from pytest_bdd import given, parsers, scenarios, then, when

from quotemark import builtin
from quotemark.ablation import AblationRow, ablation_rows
from quotemark.adapters import running
from quotemark.messages import Json, Ok, Opened, Unsupported
from quotemark.port import Engine
from quotemark.replay import Frame, Replay
from quotemark.resources import resource_folder
from quotemark.scenario import Scenario, load_scenario
from quotemark.suite import feb19, inventory_80_percent
from quotemark.suite.bench import ViolationError
from quotemark.suite.market import (
    CYCLE_MS,
    MAX_POSITION,
    MID,
    at_position,
    cycle,
    gates,
    signal,
    trade,
    trend,
)

TICK_BPS = 0.1  # of a mid of 100 at a tick of 0.001
SIDES = {"bid": "bids", "ask": "asks", "bids": "bids", "asks": "asks"}

scenarios(str(resource_folder("features")))


class Desk:
    """One session with the engine: what happened so far and what it quoted."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._fields = engine.initialize().fields.get("engine", [])
        self._config: Json = {}
        self._steps: list[Json] = []
        self._t_ms = 0
        self.quotes: list[Json] = []

    def switch_on(self, phases: Sequence[int], variant: str = "documented") -> None:
        """Choose the gates of the session."""
        self._config = {**gates(*phases, variant=variant), "tick_size": 0.001}

    def happen(self, *steps: Json) -> None:
        """Let steps happen at the session's time."""
        self._steps += [{**step, "t_ms": self._t_ms} for step in steps]

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self._t_ms += round(seconds * 1000.0)

    def quote(self) -> None:
        """Let the engine quote."""
        self.happen(cycle(0))
        self.quotes = self._observations(self._steps)

    def calm(self) -> Json:
        """What a fresh session quotes, of the same configuration and time, without any event."""
        return self._observations([cycle(self._t_ms)])[0]

    def figure(self, name: str) -> Any:  # noqa: ANN401 - as the engine gives it
        """An inner figure of the last quotes."""
        if name not in self._fields:
            pytest.skip(f"the engine does not declare {name}")
        return self.quotes[-1][name]

    def figures(self, name: str) -> list[Any]:
        """An inner figure of all quotes."""
        self.figure(name)
        return [quotes[name] for quotes in self.quotes]

    def _observations(self, steps: Sequence[Json]) -> list[Json]:
        opened = self._engine.open("feature", "engine", self._config, 0)
        if isinstance(opened, Unsupported):
            pytest.skip(f"the engine does not support this: {opened.reason}")
        assert isinstance(opened, Opened), opened
        answers = self._engine.apply("feature", steps)
        self._engine.close("feature")
        observations = []
        for step, answer in zip(steps, answers, strict=True):
            assert isinstance(answer, Ok), (step, answer)
            if step["step"] == "cycle":
                observations.append(answer.observation)
        return observations


def depth_bps(quotes: Json, side: str) -> float:
    """Depth of the touch of a side in bp of mid."""
    levels = quotes[SIDES[side]]
    assert levels, f"no {SIDES[side]} rest"
    touch: float = levels[0]["price"]
    return abs(touch - MID) / MID * 1e4


# --- a desk in the canonical market -----------------------------------------------------------


@given("the canonical market", target_fixture="desk")
def _canonical_market(engine: Engine) -> Desk:
    return Desk(engine)


@given(parsers.re(r"phases (?P<phases>[\d, and]+) are on$"))
def _phases_are_on(desk: Desk, phases: str) -> None:
    desk.switch_on(_numbers(phases))


@given(parsers.re(r"phases (?P<phases>[\d, and]+) are on, with the deployed legacy behaviour"))
def _phases_are_on_deployed(desk: Desk, phases: str) -> None:
    desk.switch_on(_numbers(phases), variant="deployed")


def _numbers(text: str) -> list[int]:
    return [int(word) for word in text.replace("and", ",").replace(" ", "").split(",") if word]


@given(parsers.parse("the engine is {share:g} % {way}"))
def _engine_has_a_position(desk: Desk, share: float, way: str) -> None:
    desk.happen(*at_position(share / 100.0 if way == "long" else -share / 100.0))


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


@when(parsers.parse("nothing happens for {seconds:g} seconds"))
def _nothing_happens(desk: Desk, seconds: float) -> None:
    desk.wait(seconds)


@when("the engine quotes")
def _engine_quotes(desk: Desk) -> None:
    desk.quote()


@then(parsers.parse("the {side} rests more than {least:g} bp deeper than in a calm market"))
def _rests_deeper(desk: Desk, side: str, least: float) -> None:
    assert depth_bps(desk.quotes[-1], side) - depth_bps(desk.calm(), side) > least


@then(parsers.parse("the {side} rests {expected:g} bp deeper than in a calm market"))
def _rests_deeper_by(desk: Desk, side: str, expected: float) -> None:
    deeper = depth_bps(desk.quotes[-1], side) - depth_bps(desk.calm(), side)
    assert deeper == pytest.approx(expected, abs=TICK_BPS)


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


# --- Feb 19 -----------------------------------------------------------------------------------


@given("the reconstructed session of Feb 19", target_fixture="session")
def _feb19_session() -> Scenario:
    return load_scenario("feb19")


@when(
    parsers.parse("{name} replays it with aggressors reaching {reach:g} bp further"),
    target_fixture="run",
)
def _baseline_replays(name: str, reach: float) -> Replay:
    with running(name) as baseline:
        return feb19.run_session(baseline, {}, reach)


@when(
    parsers.re(
        r"the engine replays it with (?P<phases>phase 1 alone|phases 1 to 4)"
        r" and aggressors reaching (?P<reach>\d+) bp further"
    ),
    target_fixture="run",
)
def _engine_replays(engine: Engine, phases: str, reach: str) -> Replay:
    alone = phases == "phase 1 alone"
    config = feb19.PHASE_1_ALONE if alone else feb19.PHASES_1_TO_4
    return feb19.run_session(engine, config, float(reach))


@when("the engine quotes the two calm minutes before the session", target_fixture="run")
def _engine_quotes_prelude(engine: Engine) -> Replay:
    return feb19.run_prelude(engine, feb19.PHASES_1_TO_4)


@then("it takes the twelve recorded fills, each at its moment, side, size and price")
def _takes_recorded_fills(session: Scenario, run: Replay) -> None:
    trades = [step for step in session.session if step["step"] == "trade"]
    assert len(trades) == len(run.fills) == 12
    for recorded, fill in zip(trades, run.fills, strict=True):
        assert fill.t_ms == recorded["t_ms"]
        assert fill.side != recorded["side"]
        assert fill.size == pytest.approx(recorded["size"])
        assert fill.price == pytest.approx(recorded["price"], abs=0.001)


@then(parsers.parse("it ends with a position of {position:g} and a PnL of {net:g}"))
def _ends_with(run: Replay, position: float, net: float) -> None:
    assert run.account.position == pytest.approx(position, abs=1e-9)
    assert run.account.net == pytest.approx(net, abs=0.005)


@then("from the third cycle on its bids are gone or more than 3 bp deeper than the baseline's")
def _bids_pulled_back(run: Replay) -> None:
    baseline = feb19.run_session(builtin.legacy_deployed(), {}, 0.0)
    _holds(feb19.demand_bids_pulled_back, run.frames, baseline.frames)


@then("its position never exceeds 0.5")
def _position_stays_small(run: Replay) -> None:
    assert feb19.largest_position(run) <= 0.5 + feb19.ROUNDING


@then("its PnL is not below 0")
def _pnl_is_not_negative(run: Replay) -> None:
    assert run.account.net >= 0.0


@then("no bid rests while its drift is below -3 bp/s")
def _no_bids_while_falling(engine: Engine, run: Replay) -> None:
    if "drift_bps_per_s" not in engine.initialize().fields["engine"]:
        pytest.skip("the engine does not declare drift_bps_per_s")
    _holds(feb19.demand_no_bids_while_falling, run.frames)


@then("asks rest in at least 95 % of the cycles")
def _asks_rest(run: Replay) -> None:
    _holds(feb19.demand_asks, run)


@then("both sides are always quoted within 1 bp of the common half-spread")
def _prelude_is_quoted(session: Scenario, run: Replay) -> None:
    _holds(feb19.demand_calm_prelude, run, session)


@when(parsers.parse("the mutant {mutant} is held against the session"), target_fixture="refusal")
def _mutant_is_held_against(mutant: str) -> str:
    with running(f"mutant:{mutant}") as engine, pytest.raises(ViolationError) as refusal:
        feb19.demand_phases_1_to_4(engine)
    return str(refusal.value)


@then(parsers.parse("it is refused because {reason}"))
def _is_refused_because(refusal: str, reason: str) -> None:
    assert reason.replace("\\", "") in refusal


@pytest.fixture(scope="module")
def ablation() -> dict[str, AblationRow]:
    """The ablation table at a reach of 0."""
    return {row.engine: row for row in ablation_rows() if row.reach_bps == 0.0}


@then("the ablation table, for aggressors reaching no further than recorded, is")
def _ablation_is(ablation: dict[str, AblationRow], datatable: list[list[str]]) -> None:
    for label, fills, position, net in datatable[1:]:
        row = ablation[label]
        assert (row.fills, f"{row.position:+.2f}", f"{row.net:+.3f}") == (int(fills), position, net)


# --- inventory --------------------------------------------------------------------------------


@given("the inventory scenario, from flat to the position limit")
def _inventory_scenario() -> None:
    assert load_scenario("inventory_80_percent").session


@when(parsers.parse("the engine goes {way} through it with phases 1 to 4"), target_fixture="frames")
def _engine_goes_through(engine: Engine, way: str) -> dict[float, Frame]:
    tape = "session" if way == "long" else "short"
    return inventory_80_percent.run_positions(engine, tape, feb19.PHASES_1_TO_4)


@when("legacy:deployed goes long through it", target_fixture="frames")
def _baseline_goes_through() -> dict[float, Frame]:
    return inventory_80_percent.run_positions(builtin.legacy_deployed(), "session", {})


@then(parsers.parse("at {share:g} % both sides rest"))
def _both_sides_rest(frames: dict[float, Frame], share: float) -> None:
    for side in ("bids", "asks"):
        _holds(inventory_80_percent.demand_resting, frames, share / 100.0, side)


@then(parsers.parse("at {share:g} % no {accumulating} rest but {reducing} do"))
def _only_reducing_rests(
    frames: dict[float, Frame], share: float, accumulating: str, reducing: str
) -> None:
    _holds(inventory_80_percent.demand_empty, frames, round(share / 100.0, 4), accumulating)
    _holds(inventory_80_percent.demand_resting, frames, round(share / 100.0, 4), reducing)


@then(parsers.parse("nothing jumps between {below:g} % and {above:g} %"))
def _nothing_jumps(frames: dict[float, Frame], below: float, above: float) -> None:
    pair = (frames[round(share / 100.0, 4)] for share in (below, above))
    assert inventory_80_percent.jumps(*pair) == []


@then(parsers.parse("its {what} jump between {below:g} % and {above:g} %"))
def _something_jumps(frames: dict[float, Frame], what: str, below: float, above: float) -> None:
    pair = (frames[round(share / 100.0, 4)] for share in (below, above))
    assert what in inventory_80_percent.jumps(*pair)


def _holds(demand: Callable[..., None], *arguments: object) -> None:
    try:
        demand(*arguments)
    except ViolationError as violation:
        pytest.fail(str(violation), pytrace=False)
