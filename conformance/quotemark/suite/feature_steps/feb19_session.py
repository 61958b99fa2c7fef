"""Steps of the Feb 19 session."""

from __future__ import annotations

import pytest
from pytest_bdd import given, parsers, then, when

from quotemark import builtin
from quotemark.ablation import AblationRow, ablation_rows
from quotemark.adapters import running
from quotemark.port import Engine
from quotemark.replay import Replay
from quotemark.scenario import Scenario, load_scenario
from quotemark.suite import feb19
from quotemark.suite.bench import ViolationError
from quotemark.suite.desk import holds, needs_fields, needs_phases
from quotemark.suite.market import PHASES_1_TO_4


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
    needs_phases(engine, *((1,) if alone else (1, 2, 3, 4)))
    config = feb19.PHASE_1_ALONE if alone else PHASES_1_TO_4
    return feb19.run_session(engine, config, float(reach))


@when("the engine quotes the two calm minutes before the session", target_fixture="run")
def _engine_quotes_prelude(engine: Engine) -> Replay:
    needs_phases(engine, 1, 2, 3, 4)
    return feb19.run_prelude(engine, PHASES_1_TO_4)


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
    holds(feb19.demand_bids_pulled_back, run.frames, baseline.frames)


@then("its position never exceeds 0.5")
def _position_stays_small(run: Replay) -> None:
    assert feb19.largest_position(run) <= 0.5 + feb19.ROUNDING


@then("its PnL is not below 0")
def _pnl_is_not_negative(run: Replay) -> None:
    assert run.account.net >= 0.0


@then("no bid rests while its drift is below -3 bp/s")
def _no_bids_while_falling(engine: Engine, run: Replay) -> None:
    needs_fields(engine, "engine", "drift_bps_per_s")
    holds(feb19.demand_no_bids_while_falling, run.frames)


@then("asks rest in at least 95 % of the cycles")
def _asks_rest(run: Replay) -> None:
    holds(feb19.demand_asks, run)


@then("both sides are always quoted within 1 bp of the common half-spread")
def _prelude_is_quoted(session: Scenario, run: Replay) -> None:
    holds(feb19.demand_calm_prelude, run, session)


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
