"""Outcomes, counted by hand, and what the phases make of the reference."""

from __future__ import annotations

from functools import partial

import pytest
from tests.test_suite import Strict

from quotemark.builtin import reference
from quotemark.gate_sets import named
from quotemark.incidents import incidents, measure_outcomes, outcome_of
from quotemark.messages import Json
from quotemark.outcomes import PhaseOutcomes
from quotemark.pnl import PnlAccount
from quotemark.replay import Frame, Replay
from quotemark.scenario import scenario_names
from quotemark.venue import Fill

BOTH, BIDS, ASKS, NONE = ("bids", "asks"), ("bids",), ("asks",), ()
PHASES = (1, 2, 3, 4, 5, 6, 7, 8)


def frame(t_ms: int, mid: float, position: float, sides: tuple[str, ...]) -> Frame:
    quotes: Json = {side: [{"price": mid, "size": 1.0}] if side in sides else [] for side in BOTH}
    return Frame(t_ms, mid, quotes, position, 0.0, 0.0, 0.0)


def unquoted_ms(*frames: Frame) -> int:
    return outcome_of(Replay("made up", {}, frames=list(frames))).unquoted_ms


def test_silence_counts_until_the_next_cycle() -> None:
    silent, last = (frame(t_ms, 100.0, 0.0, NONE) for t_ms in (0, 900))
    quoting = frame(700, 100.0, 0.0, BIDS)
    assert unquoted_ms(silent, quoting, last) == 700


@pytest.mark.parametrize(
    ("position", "last_mid", "sides", "lacks"),
    [
        (2.0, 99.0, ASKS, False),
        (2.0, 99.0, BIDS, True),  # long into a fall, and nothing to sell with
        (2.0, 101.0, BIDS, False),  # the market carries it
        (2.0, 100.0, BIDS, False),
        (-2.0, 101.0, BIDS, False),
        (-2.0, 101.0, ASKS, True),
        (-2.0, 99.0, ASKS, False),
        (0.0, 99.0, BIDS, False),  # flat, one side is liveness enough
        (0.0, 99.0, NONE, True),
    ],
)
def test_what_reduces_a_losing_position_is_needed(
    position: float, last_mid: float, sides: tuple[str, ...], lacks: bool
) -> None:
    frames = [frame(0, 100.0, position, sides), frame(500, last_mid, position, BOTH)]
    assert unquoted_ms(*frames) == (500 if lacks else 0)


def test_the_largest_position_is_met_on_the_way() -> None:
    sides = ("buy", "buy", "sell", "sell", "sell")
    fills = [Fill(n, side, 100.0, 2.0, 100.0, str(n), "made up") for n, side in enumerate(sides)]
    account = PnlAccount(0.0, spread=0.5, inventory=-2.0, fees=0.25)
    ended = outcome_of(Replay("made up", {}, fills=fills, account=account))
    assert (ended.largest_position, ended.net, ended.loss) == (4.0, -1.75, 1.75)


def test_every_scenario_with_every_tape_is_an_incident() -> None:
    found = list(incidents())
    assert {one.scenario for one in found} == set(scenario_names())
    assert len(found) == len({str(one) for one in found})
    reaches = [one.reach_bps for one in found if (one.scenario, one.tape) == ("feb19", "session")]
    assert reaches == [0.0, 1.0, 3.0]


# --- the reference: a change that makes an incident end worse is found here first ---------------


def worse(found: list[PhaseOutcomes]) -> dict[int, list[str]]:
    assert all(one.incidents and not one.unknown for one in found)
    return {one.phase: [str(ends.incident) for ends in one.worse()] for one in found}


@pytest.mark.whole_suite
def test_with_the_filter_on_no_phase_makes_an_incident_end_worse() -> None:
    found = measure_outcomes(reference, PHASES, (1, 2, 3, 4), {}, workers=1)
    assert worse(found) == {phase: [] for phase in PHASES}


@pytest.mark.whole_suite
def test_without_the_filter_book_and_tape_cost_a_fill_where_aggressors_reach_far() -> None:
    found = measure_outcomes(reference, PHASES, (1, 2, 3), {}, workers=1)
    layers = ("neutral", "bearish")
    refused = [f"feb19_all_phases session, {layer} layer, reach 3 bp" for layer in layers]
    assert worse(found) == {phase: refused if phase in (7, 8) else [] for phase in PHASES}


@pytest.mark.whole_suite
def test_an_engine_that_cannot_go_back_has_no_outcomes_and_says_why() -> None:
    (found,) = measure_outcomes(partial(Strict, "strict"), [4], (1, 2, 3), {}, workers=1)
    assert found.incidents == []
    assert found.unknown.startswith(f"phases {named((1, 2, 3))}: ")
    assert "there is no way back" in found.unknown
