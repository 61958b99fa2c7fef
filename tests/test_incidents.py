"""Funding extremes, P collapse and paper trading: what tapes hold, what is claimed, who fails."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from itertools import pairwise

import pytest

from quotemark.adapters import running
from quotemark.builtin import BuiltinEngine, reference
from quotemark.messages import Json
from quotemark.port import Engine
from quotemark.replay import replay
from quotemark.resources import resource_folder
from quotemark.scenario import load_scenario
from quotemark.suite import funding_extremes, p_collapse_reversal
from quotemark.suite.bench import ViolationError
from quotemark.suite.market import ALL_PHASES

FOLDER = resource_folder("scenarios")


def steps_of(scenario: str, file: str) -> list[Json]:
    lines = (FOLDER / scenario / file).read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def readme(scenario: str) -> str:
    return " ".join((FOLDER / scenario / "README.md").read_text("utf-8").split())


# --- what the tapes hold, as their READMEs say ------------------------------------------------


@pytest.mark.parametrize("scenario", ["funding_extremes", "p_collapse_reversal"])
def test_every_tape_is_named_in_the_scenario_and_in_its_readme(scenario: str) -> None:
    files = set((FOLDER / scenario).glob("*.jsonl"))
    assert files == set(load_scenario(scenario).tapes.values())
    assert all(file.stem in readme(scenario) for file in files)


@pytest.mark.parametrize("interval", funding_extremes.INTERVALS)
@pytest.mark.parametrize("way", funding_extremes.SHARES)
def test_a_ladder_has_the_rates_and_blocks_that_its_readme_names(interval: str, way: str) -> None:
    steps = steps_of("funding_extremes", f"{interval}_{way}.jsonl")
    readings = [step for step in steps if step["step"] == "funding"]
    rates = [step["rate"] for step in readings]
    assert rates[:60] == ["0.0003", "-0.0001"] * 30
    table = re.findall(
        r"\| (-?\d)(?:, clipped)? \| (-?0\.\d+) \| ([\d.]+) bp \| ([\d.]+) bp \|",
        readme("funding_extremes"),
    )
    assert [rate for _, rate, _, _ in table] == rates[60:]
    for number, (zscore, rate, hourly, eight_hourly) in enumerate(table):
        found = funding_extremes.zscore([float(one) for one in rates[: 61 + number]])
        assert found == pytest.approx(float(zscore), abs=1e-6)
        assert abs(float(rate)) / 6.0 * 1e4 == pytest.approx(float(hourly), abs=5e-4)
        assert abs(float(rate)) / 48.0 * 1e4 == pytest.approx(float(eight_hourly), abs=5e-4)
    interval_s = {"hourly": 3600, "eight_hourly": 28_800}[interval]
    assert {step["interval_s"] for step in readings} == {interval_s}
    assert {b["t_ms"] - a["t_ms"] for a, b in pairwise(readings)} == {interval_s * 1000}
    assert sum(step["step"] == "cycle" for step in steps) == 5 * (3 + 2 * 12)
    (signal,) = {(step["value"], step["variance"]) for step in steps if step["step"] == "signal"}
    assert signal == pytest.approx((-200.0 / 17.0, 200.0 / 17.0))
    position = sum(
        step["size"] * (1.0 if step["side"] == "buy" else -1.0)
        for step in steps
        if step["step"] == "fill"
    )
    assert position == pytest.approx(funding_extremes.SHARES[way] * 8.57)


def test_at_the_default_history_no_reading_reaches_five() -> None:
    """A reading stands in its own deviation; 23 equal ones and a far one have 4.32."""
    last = 0.9 / math.sqrt((0.81 + 23 * 0.01) / 24.0)
    assert last == pytest.approx(4.32, abs=0.005)
    assert math.sqrt(24.0) == pytest.approx(4.90, abs=0.005)
    assert load_scenario("funding_extremes").config["funding_history"] == 96


def test_the_feed_that_stops_has_112_cold_cycles() -> None:
    steps = steps_of("funding_extremes", "stopped.jsonl")
    cycles = [step["t_ms"] for step in steps if step["step"] == "cycle"]
    assert len(cycles) == 559
    assert len(cycles[::5]) == 112
    assert steps[10]["step"] == "cycle"
    assert [step["rate"] for step in steps[:10]] == ["0"] * 9 + ["0.001"]
    assert funding_extremes.zscore([0.0] * 9 + [0.001]) == pytest.approx(3.0)


@pytest.mark.parametrize(("file", "apart_ms"), [("instant.jsonl", 0), ("paced.jsonl", 6450)])
def test_the_book_turns_once_after_200_cycles(file: str, apart_ms: int) -> None:
    steps = steps_of("p_collapse_reversal", file)
    kinds = [step["step"] for step in steps]
    assert kinds == ["book", *["cycle"] * 200, "book", *["cycle"] * 50]
    times = [step["t_ms"] for step in steps if step["step"] == "cycle"]
    assert {after - before for before, after in pairwise(times)} == {apart_ms}
    books = [step for step in steps if step["step"] == "book"]
    assert [(book["bids"][0][1], book["asks"][0][1]) for book in books] == [(250, 750), (750, 250)]


def test_paper_trading_has_every_event_an_engine_can_be_sent() -> None:
    steps = steps_of("paper_trading_checks", "session.jsonl")
    assert {step["step"] for step in steps} == {
        "book",
        "trade",
        "trend",
        "signal",
        "estimate",
        "funding",
        "reference_price",
        "open_interest",
        "cycle",
    }
    quiet = [step for step in steps if step["step"] == "trade"]
    cycles = [step["t_ms"] for step in steps if step["step"] == "cycle"]
    assert len(cycles) == 94
    assert not [trade for trade in quiet if cycles[31] <= trade["t_ms"] < cycles[36]]


# --- what is claimed --------------------------------------------------------------------------


@pytest.mark.whole_suite
def test_the_claims_hold_for_the_reference() -> None:
    funding_extremes.demand_in_the_quotes(reference())
    funding_extremes.demand_to_the_figure(reference())
    p_collapse_reversal.demand_in_the_quotes(reference())
    p_collapse_reversal.demand_to_the_figure(reference())


def test_a_collapsed_filter_by_hand() -> None:
    """After n agreeing and m opposing observations the drift is 5 (m - n)/(n + m + R/P0)."""
    drifts = p_collapse_reversal.expected_drifts(0.0, 4.0, 0.0)
    for opposing in (1, 10, 50):
        by_hand = 5.0 * (opposing - 200) / (200 + opposing + 4.0 / 50.0)
        assert drifts[199 + opposing] == pytest.approx(by_hand)
    assert drifts[-1] == pytest.approx(-3.0, abs=0.005)
    floored = p_collapse_reversal.expected_drifts(2.0, 4.0, 0.0)
    assert floored[199:202] == pytest.approx([-5.0, -5.0 / 3.0, 5.0 / 9.0])


def test_between_real_cycles_the_floor_is_idle() -> None:
    """P settles where 0.773 P + 5.69 and one update give it back: 2.63 at R 4, 18.7 at R 260."""
    for variance, settled in ((4.0, 2.63), (260.0, 18.7)):
        decay = math.exp(-0.04 * 6.45)
        p = 50.0
        for _ in range(200):
            predicted = decay * p + 25.0 * (1.0 - decay)
            p = predicted * variance / (predicted + variance)
        assert p == pytest.approx(settled, rel=3e-3)
        one, other = (
            p_collapse_reversal.expected_drifts(floor, variance, 6.45) for floor in (2.0, 0.0)
        )
        assert one == other


def test_a_repeated_reading_holds_the_drift() -> None:
    """The fixed point, by quoting it 112 times."""
    for calibration, held in (("plan", -0.145), ("calibrated", -0.983)):
        z_bps_per_s, noise = funding_extremes.observation(3.0, calibration)
        mean, p, decay = 0.0, 25.0, math.exp(-0.02 * 32.25)
        for _ in range(112):
            mean, p = mean * decay, decay * decay * p + 25.0 * (1.0 - decay * decay)
            gain = p / (p + noise)
            mean, p = mean + gain * (z_bps_per_s - mean), max(2.0, (1.0 - gain) * p)
        assert mean == pytest.approx(held, abs=5e-4)
        assert funding_extremes.held_drift(3.0, calibration) == pytest.approx(mean)


def fixed(**config: object) -> Callable[[], Engine]:
    """Make the reference with a piece of configuration that it does not let go of."""
    return lambda: BuiltinEngine("stubborn", fixed_config=config)


STUBBORN: dict[str, tuple[Callable[[], Engine], Callable[[Engine], None], str]] = {
    "carry over a minute": (
        fixed(holding_time_s=60.0),
        funding_extremes.demand_in_the_quotes,
        r"^bids rest at \d+ at a rate of 3.4\d+e-06/s$",
    ),
    "the z-score clipped at 4": (
        fixed(funding_zscore_limit=4.0),
        funding_extremes.demand_to_the_figure,
        r"^zscore is 4.0 at",
    ),
    "the default history": (
        fixed(funding_history=24),
        funding_extremes.demand_to_the_figure,
        "^zscore is",
    ),
    "the plan's constants, called calibrated": (
        fixed(calibration="plan"),
        funding_extremes.demand_to_the_figure,
        "^drift is",
    ),
    "silence": (
        fixed(level_sizes=[1e-6]),
        funding_extremes.demand_in_the_quotes,
        "^no asks rest at .*, which is paid for holding",
    ),
    "no floor": (
        fixed(p_min=0.0),
        p_collapse_reversal.demand_in_the_quotes,
        r"^bids are back after \[\], expected within 3",
    ),
    "a floor that cannot be switched off": (
        fixed(p_min=2.0),
        p_collapse_reversal.demand_in_the_quotes,
        "^without a floor bids are back after 1, expected not in 50",
    ),
    "a book that is not read": (
        fixed(alpha_bim=0.0),
        p_collapse_reversal.demand_in_the_quotes,
        "^bids rest under a book",
    ),
    "silence under the book": (
        fixed(level_sizes=[1e-6]),
        p_collapse_reversal.demand_in_the_quotes,
        "^asks are gone under a book",
    ),
}


@pytest.mark.parametrize(("make", "demand", "reason"), STUBBORN.values(), ids=STUBBORN)
def test_an_engine_that_breaks_an_incident_is_refused_for_its_reason(
    make: Callable[[], Engine], demand: Callable[[Engine], None], reason: str
) -> None:
    with pytest.raises(ViolationError, match=reason):
        demand(make())


MUTANTS: dict[str, tuple[Callable[[Engine], None], str]] = {
    "unparsable-rate-is-0": (
        funding_extremes.demand_in_the_quotes,
        r"^broken rates are answered .*, expected .*'rejected unparsable': 3",
    ),
    "carry-swapped": (funding_extremes.demand_in_the_quotes, "^bids rest at .* at a rate of"),
    "carry-reported-only": (funding_extremes.demand_in_the_quotes, "^bids rest at .* at a rate of"),
    "rate-always-hourly": (funding_extremes.demand_to_the_figure, "^carry of the bid is"),
    "receiver-takes-all": (funding_extremes.demand_to_the_figure, "^carry of the ask is -"),
    "carry-outside-lambda": (funding_extremes.demand_to_the_figure, r"^E\[PnL\] of level 0 is"),
    "funding-skew-reversed": (funding_extremes.demand_to_the_figure, "^funding skew is|^touch"),
    "funding-warm-at-once": (funding_extremes.demand_to_the_figure, "^zscore is .* expected None"),
    "funding-bullish": (funding_extremes.demand_to_the_figure, "^drift is"),
    "funding-zscore-unclipped": (funding_extremes.demand_to_the_figure, "^zscore is 6.0"),
    "no-floor": (p_collapse_reversal.demand_to_the_figure, "^drift of cycle"),
    "bim-ask-positive": (p_collapse_reversal.demand_in_the_quotes, "^bids rest under a book"),
}


@pytest.mark.whole_suite
@pytest.mark.parametrize(("name", "refusal"), MUTANTS.items(), ids=MUTANTS)
def test_a_mutant_is_refused_by_the_incident_it_breaks(
    name: str, refusal: tuple[Callable[[Engine], None], str]
) -> None:
    demand, reason = refusal
    with running(f"mutant:{name}") as engine, pytest.raises(ViolationError, match=reason):
        demand(engine)


def test_paper_trading_is_taken_whole_with_all_phases() -> None:
    scenario = load_scenario("paper_trading_checks")
    run = replay(reference(), scenario.session, {**scenario.config, **ALL_PHASES})
    assert set(run.answers) == {"ok"}
    assert run.frames[0].observation["active_phases"] == list(range(1, 9))
    parts = {
        part["source"] for frame in run.frames for part in frame.observation["composite_parts"]
    }
    assert parts == {"bim", "dbim", "bpg", "sweep"}
