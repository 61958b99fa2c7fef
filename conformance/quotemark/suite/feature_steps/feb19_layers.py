"""Steps of the Feb 19 session with everything on, beside a synthetic layer."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from pytest_bdd import given, parsers, then, when

from quotemark.port import Engine
from quotemark.pushes import pushes, standing_pushes
from quotemark.replay import Replay
from quotemark.scenario import Scenario
from quotemark.sensitivity import SensitivityRow, sensitivity_rows
from quotemark.suite import feb19_all_phases
from quotemark.suite.desk import holds, needs_fields, needs_phases
from quotemark.suite.market import GATES

PUSH_FIELDS = ("drift_observations", "composite_parts", "theta_per_s")


@dataclass(frozen=True)
class Market:
    """A form of the layer, and the depth of its books in USD within 10 bp of mid."""

    layer: str
    depth_usd: float


@given(parsers.parse("the {layer} layer over it, {depth:g} USD deep"), target_fixture="market")
def _layer_over_it(layer: str, depth: float) -> Market:
    return Market(layer, depth)


@when(
    parsers.parse(
        "the engine replays both with all phases and aggressors reaching {reach:g} bp further"
    ),
    target_fixture="run",
)
def _engine_replays_both(engine: Engine, market: Market, reach: float) -> Replay:
    needs_phases(engine, *GATES)
    return feb19_all_phases.run_session(
        engine, feb19_all_phases.ALL_PHASES_CALIBRATED, market.layer, market.depth_usd, reach
    )


@when(
    "the engine quotes the two calm minutes before the session with all phases",
    target_fixture="run",
)
def _engine_quotes_calm_layer(engine: Engine, market: Market) -> Replay:
    needs_phases(engine, *GATES)
    return feb19_all_phases.run_prelude(
        engine, feb19_all_phases.ALL_PHASES_CALIBRATED, market.depth_usd
    )


@then("its bids go at most a cycle later than with phases 1 to 4")
def _bids_go_as_early(engine: Engine, market: Market, run: Replay) -> None:
    fewer = feb19_all_phases.run_session(
        engine,
        feb19_all_phases.PHASES_1_TO_4_CALIBRATED,
        market.layer,
        market.depth_usd,
    )
    holds(feb19_all_phases.demand_bids_pulled_as_early, run.frames, fewer.frames)


@then(parsers.parse("{source} has moved its drift before the first recorded buy"))
def _source_has_spoken(engine: Engine, session: Scenario, run: Replay, source: str) -> None:
    needs_fields(engine, "engine", *PUSH_FIELDS)
    first_buy_ms = next(
        step["t_ms"]
        for step in session.session
        if step["step"] == "trade" and step["side"] == "sell"  # the aggressor's side
    )
    assert any(
        pushing == source and push != 0.0
        for frame in run.frames
        if frame.t_ms < first_buy_ms
        for pushing, push in pushes(frame.observation)
    )


@then("in every cycle the trend has moved its drift more than all other sources together")
def _trend_has_moved_most(engine: Engine, run: Replay) -> None:
    needs_fields(engine, "engine", *PUSH_FIELDS)
    standing = standing_pushes(run.frames)
    assert "trend" in standing, "no trend reading has moved its drift"
    trend = standing.pop("trend")
    for frame, by_trend, *by_others in zip(run.frames, trend, *standing.values(), strict=True):
        assert abs(by_trend) > abs(sum(by_others)), frame.t_ms


@pytest.fixture(scope="module")
def sensitivity() -> dict[tuple[str, str, str, str], SensitivityRow]:
    """The sensitivity table, by calibration, layer, phases and depth in USD."""
    return {
        (row.calibration, row.layer, row.phases, f"{row.depth_usd or 0:.0f}"): row
        for row in sensitivity_rows()
    }


@then("the sensitivity table, for aggressors reaching no further than recorded, holds")
def _sensitivity_holds(
    sensitivity: dict[tuple[str, str, str, str], SensitivityRow], datatable: list[list[str]]
) -> None:
    for calibration, layer, phases, depth, drift, with_bids, fills, position, net in datatable[1:]:
        row = sensitivity[calibration, layer, phases, depth or "0"]
        assert f"{row.lowest_drift_bps_per_s:+.2f}" == drift
        assert (row.cycles_with_bids, row.fills) == (int(with_bids), int(fills))
        assert (f"{row.position:+.2f}", f"{row.net:+.3f}") == (position, net)
