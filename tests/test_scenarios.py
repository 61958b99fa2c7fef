"""The scenarios that ship: rebuilt byte by byte, held against the record, and their claims."""

from __future__ import annotations

import math
import os
import re
import shutil
import subprocess
import sys
import tomllib
from bisect import bisect_right
from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

import quotemark
from quotemark.ablation import AblationRow, ablation_rows
from quotemark.adapters import running
from quotemark.builtin import legacy_deployed, reference
from quotemark.errors import InputError
from quotemark.port import Engine
from quotemark.replay import replay
from quotemark.resources import resource_folder
from quotemark.scenario import Scenario, load_scenario, scenario_names, tape_scenario
from quotemark.suite import feb19, inventory_80_percent
from quotemark.suite.bench import ViolationError
from quotemark.suite.market import PHASES_1_TO_4
from quotemark.text import ablation_lines

TICK = 0.001
REACHES = (0.0, 1.0, 3.0)
FOLDER = resource_folder("scenarios")


# --- every scenario ---------------------------------------------------------------------------


def test_the_scenarios_that_ship_are_found() -> None:
    assert scenario_names() == [
        *("feb19", "feb19_all_phases", "funding_extremes", "inventory_80_percent"),
        *("p_collapse_reversal", "paper_trading_checks"),
    ]


@pytest.mark.parametrize("name", scenario_names())
def test_a_scenario_loads_and_says_what_it_rests_on(name: str) -> None:
    scenario = load_scenario(name)
    assert scenario.title
    assert scenario.notice.startswith(("Reconstruction", "Synthetic"))
    assert scenario.session == scenario.tape("session")
    for tape in scenario.tapes:
        assert any(step["step"] == "cycle" for step in scenario.tape(tape))
    assert (scenario.folder / "README.md").is_file()


@pytest.mark.parametrize("name", scenario_names())
def test_both_engines_of_a_scenario_take_its_configuration_and_every_step(name: str) -> None:
    scenario = load_scenario(name)
    for engine_name in filter(None, ("reference", scenario.baseline)):
        with running(engine_name) as engine:
            run = replay(engine, scenario.session, scenario.config, tape_fills=scenario.tape_fills)
        assert set(run.answers) == {"ok"}
        assert run.config["max_position"] == scenario.config["max_position"] == 8.57


@pytest.mark.parametrize("name", scenario_names())
def test_build_makes_the_same_bytes_again(name: str, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere" / name
    shutil.copytree(FOLDER, copy.parent, ignore=shutil.ignore_patterns("__pycache__"))
    for tape in copy.glob("*.jsonl"):
        tape.unlink()
    subprocess.run([sys.executable, "-I", copy / "build.py"], check=True, cwd=tmp_path)
    committed = {path.name: path.read_bytes() for path in (FOLDER / name).glob("*.jsonl")}
    assert {path.name: path.read_bytes() for path in copy.glob("*.jsonl")} == committed
    file = tomllib.loads((copy / "scenario.toml").read_text("utf-8"))
    assert {*file.get("tapes", {}).values(), *file.get("layers", {}).values()} == set(committed)


def test_a_tape_by_itself_is_a_scenario_with_nothing_assumed() -> None:
    scenario = tape_scenario(FOLDER / "feb19" / "tape.jsonl")
    assert (scenario.name, scenario.config, scenario.baseline) == ("tape", {}, "")
    assert (scenario.fill_price, scenario.tape_fills) == ("quote", False)
    assert scenario.session == load_scenario("feb19").session


def test_an_unknown_scenario_is_refused_with_those_there_are() -> None:
    with pytest.raises(InputError, match="scenario is 'feb18', expected one of feb19, feb19_all"):
        load_scenario("feb18")


BREAKAGES: dict[str, tuple[Callable[[str], str], str]] = {
    "not TOML": (lambda text: text + "\n[", "scenario.toml: "),
    "unknown key": (lambda text: 'venue = "x"\n' + text, "scenario.toml: .*unknown field `venue`"),
    "missing key": (
        lambda text: text.replace("title", "# title", 1),
        "scenario.toml: .*required field `title`",
    ),
    "wrong kind": (
        lambda text: text.replace("[0, 1, 3]", '"all"'),
        r"scenario.toml: .*`\$.reach_bps`",
    ),
    "unknown value": (
        lambda text: text.replace('"print"', '"best"'),
        "scenario.toml: .*'best'.*fill_price",
    ),
    "no session": (
        lambda text: text.replace("session = ", "sessions = "),
        "scenario.toml: .*session",
    ),
    "no such tape": (
        lambda text: text.replace('"tape.jsonl"', '"tapes.jsonl"'),
        "tapes.jsonl: No such file or directory",
    ),
    "not UTF-8": (lambda text: "# caf\udce9\n" + text, "scenario.toml: "),
}


@pytest.mark.parametrize(("breakage", "message"), BREAKAGES.values(), ids=BREAKAGES)
def test_a_broken_scenario_is_refused_by_the_name_of_its_file(
    tmp_path: Path, breakage: Callable[[str], str], message: str
) -> None:
    """In a copy of the package, as it is when installed: scenarios are inside it."""
    copy = tmp_path / "quotemark"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(quotemark.__file__).parent, copy, ignore=ignored, dirs_exist_ok=True)
    shutil.copytree(FOLDER, copy / "scenarios", ignore=ignored, dirs_exist_ok=True)
    path = copy / "scenarios" / "feb19" / "scenario.toml"
    broken = breakage(path.read_text("utf-8"))
    path.write_bytes(broken.encode(errors="surrogateescape"))
    program = """if True:
        from quotemark.errors import InputError
        from quotemark.scenario import load_scenario
        try:
            load_scenario("feb19").session
        except InputError as error:
            print(error)
        """
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith(str(path.parent))
    assert re.search(message, done.stdout), done.stdout


# --- Feb 19: the record -----------------------------------------------------------------------


class Recorded(NamedTuple):
    """A fill of the public record."""

    id: str
    t_ms: int
    side: str
    size: float
    price: float
    mid: float
    mid_5s: float


@cache
def record() -> tuple[Recorded, ...]:
    table = pd.read_csv(FOLDER / "feb19" / "fills.csv", parse_dates=["time_utc"])
    return tuple(
        Recorded(
            id=str(row["id"]),
            t_ms=round(row["time_utc"].timestamp() * 1000.0),
            side=str(row["own_side"]),
            size=float(row["size_hype"]),
            price=float(row["price_usd_inferred"]),
            mid=float(row["mid_usd"]),
            mid_5s=float(row["mid_5s_usd"]),
        )
        for _, row in table.iterrows()
    )


def utc_ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000.0)


@cache
def session() -> Scenario:
    return load_scenario("feb19")


def test_the_record_adds_up() -> None:
    bought = sum(fill.size for fill in record() if fill.side == "buy")
    sold = sum(fill.size for fill in record() if fill.side == "sell")
    assert len(record()) == 12
    assert bought == pytest.approx(7.40)
    assert sold == pytest.approx(0.46)


@pytest.mark.parametrize("reach_bps", REACHES)
def test_the_deployed_baseline_fills_as_the_record_has_it(reach_bps: float) -> None:
    run = feb19.run_session(legacy_deployed(), {}, reach_bps)
    assert len(run.frames) == 181
    assert [(fill.trade_id, fill.t_ms, fill.side) for fill in run.fills] == [
        (fill.id, fill.t_ms, fill.side) for fill in record()
    ]
    for got, recorded in zip(run.fills, record(), strict=True):
        assert got.size == pytest.approx(recorded.size)
        assert got.mid == recorded.mid
        assert abs(got.price - recorded.price) <= TICK + 1e-9
    assert run.account.position == pytest.approx(6.94)
    assert run.account.net == pytest.approx(-0.84, abs=0.005)


def test_the_loss_by_hand_from_the_record() -> None:
    """Cash, position at the end mid and 1.5 bp of fees: the end mid is the one of -0.84."""
    signed = [fill.size if fill.side == "buy" else -fill.size for fill in record()]
    cash = -sum(size * fill.price for size, fill in zip(signed, record(), strict=True))
    fees = sum(fill.size * fill.price for fill in record()) * 1.5e-4
    end_mid = session().session[-1]["mid"]
    assert end_mid == 28.898
    assert cash + sum(signed) * end_mid - fees == pytest.approx(-0.84, abs=0.0005)


def test_the_tape_has_the_recorded_cycles_and_trades() -> None:
    steps = session().session
    cycles = [step for step in steps if step["step"] == "cycle"]
    times = [step["t_ms"] for step in cycles]
    assert len(cycles) == 181
    assert times[0] == utc_ms("2026-02-19T22:06:41Z")
    assert set(np.diff(times)) == {6450}
    trades = [step for step in steps if step["step"] == "trade"]
    opposite = {"buy": "sell", "sell": "buy"}
    assert [
        (step["id"], step["t_ms"], opposite[step["side"]], step["size"], step["price"], step["mid"])
        for step in trades
    ] == [fill[:-1] for fill in record()]
    assert all(step["magnitude_bps"] > 0.0 for step in steps if step["step"] == "trend")


def test_six_mids_are_fitted_and_all_others_stand_on_the_line() -> None:
    cycles = {s["t_ms"]: s["mid"] for s in session().session if s["step"] == "cycle"}
    known = {fill.t_ms: fill.mid for fill in record()}
    known |= {fill.t_ms + 5000: fill.mid_5s for fill in record()}
    first, stop = utc_ms("2026-02-19T22:06:41Z"), utc_ms("2026-02-19T22:26:00Z")
    points = sorted({**known, first: 29.155, stop: 28.898}.items())
    line = np.interp(list(cycles), [t_ms for t_ms, _ in points], [mid for _, mid in points])
    half_a_step = 0.5e-4 + 1e-9  # mids stand on a grid of 0.0001
    fitted = {
        t_ms: float((mid / on_line - 1.0) * 1e4)
        for (t_ms, mid), on_line in zip(cycles.items(), line, strict=True)
        if abs(mid - on_line) > half_a_step
    }
    assert len(fitted) == 6
    for t_ms, moved_bps in fitted.items():
        dt_s = min(abs(t_ms - at) for at in known) / 1000.0
        assert abs(moved_bps) <= 1.5 * 2.0 * math.sqrt(dt_s)
        assert abs(moved_bps) <= 2.8
    # each is the last cycle before a fill that the line's touch would not have reached
    times = sorted(cycles)
    by_line = dict(zip(cycles, line, strict=True))
    missed = set()
    for fill in record():
        before = times[bisect_right(times, fill.t_ms) - 1]
        away = -1.0 if fill.side == "buy" else 1.0
        touch = float(np.round(by_line[before], 4)) * (1.0 + away * 2.85e-4)
        if (touch - fill.price) * away > 0.0:
            missed.add(before)
    assert set(fitted) == missed


# --- Feb 19: the claims -----------------------------------------------------------------------


@pytest.mark.parametrize("reach_bps", REACHES)
def test_phases_1_to_4_stay_alive_small_and_out_of_the_fall(reach_bps: float) -> None:
    run = feb19.run_session(reference(), PHASES_1_TO_4, reach_bps)
    falling = [f for f in run.frames if f.observation["drift_bps_per_s"] < -3.0]
    assert len(falling) > 50
    assert not any(frame.observation["bids"] for frame in falling)
    positions = np.cumsum([f.size if f.side == "buy" else -f.size for f in run.fills])
    assert np.max(np.abs(positions)) <= 0.5
    assert run.account.net >= 0.0
    assert np.mean([bool(frame.observation["asks"]) for frame in run.frames]) >= 0.95


@pytest.mark.parametrize("reach_bps", REACHES)
def test_phase_1_alone_pulls_its_bids_back_from_the_third_cycle_on(reach_bps: float) -> None:
    run = feb19.run_session(reference(), feb19.PHASE_1_ALONE, reach_bps)
    baseline = feb19.run_session(legacy_deployed(), {}, reach_bps)
    for frame, other in zip(run.frames[2:], baseline.frames[2:], strict=True):
        bids = frame.observation["bids"]
        if bids and other.observation["bids"]:
            assert other.observation["bids"][0]["price"] - bids[0]["price"] > 3e-4 * frame.mid
    assert abs(run.account.position) <= 0.5
    assert run.account.net >= 0.0
    assert any(frame.observation["bids"] for frame in run.frames)


def test_a_calm_prelude_is_quoted_on_both_sides_at_the_common_width() -> None:
    run = feb19.run_prelude(reference(), PHASES_1_TO_4)
    assert len(run.frames) == 18
    for frame in run.frames:
        for side in ("bids", "asks"):
            depth_bps = abs(frame.observation[side][0]["price"] / frame.mid - 1.0) * 1e4
            assert depth_bps == pytest.approx(2.85, abs=1.0)


def test_the_claims_hold_for_the_reference() -> None:
    feb19.demand_phases_1_to_4(reference())
    feb19.demand_phase_1_alone(reference())


def calm_prelude(engine: Engine) -> None:
    feb19.demand_calm_prelude(feb19.run_prelude(engine, PHASES_1_TO_4), session())


REFUSED: dict[str, tuple[str, Callable[[Engine], None], str]] = {
    "silence": ("mutant:silent", feb19.demand_phases_1_to_4, r"^asks rest in 0.0% of cycles"),
    "silence with phase 1 alone": (
        "mutant:silent",
        feb19.demand_phase_1_alone,
        r"^asks rest in 0.0% of cycles",
    ),
    "silence in calm": ("mutant:silent", calm_prelude, "^no bids rest in the calm prelude"),
    "width in calm": (
        "mutant:wide-10bp",
        calm_prelude,
        r"^bids rest 10\.\d\d bp deep in the calm prelude, expected within 1 bp of 2.85 bp$",
    ),
    "width": ("mutant:wide-10bp", feb19.demand_phases_1_to_4, "bids rest at .* at a drift of -"),
    "width, phase 1": (
        "mutant:wide-10bp",
        feb19.demand_phase_1_alone,
        r"^\|position\| reaches 1.87 at reach 0 bp, expected at most 0.5$",
    ),
    "no drift": (
        "mutant:drift-always-zero",
        feb19.demand_phases_1_to_4,
        r"^\|position\| reaches 4.50 at reach 0 bp",
    ),
    "no drift, phase 1": (
        "mutant:drift-always-zero",
        feb19.demand_phase_1_alone,
        "^the bid at 1771538813900 is 0.00 bp deeper than the baseline's",
    ),
    "the baseline": ("legacy:deployed", feb19.demand_phases_1_to_4, "bids rest at .* at a drift"),
    "the old zones": (
        "legacy:documented",
        inventory_80_percent.demand_smooth_retreat,
        "rest at 70% of the limit|jump across 60% of the limit",
    ),
}


@pytest.mark.parametrize(("name", "demand", "reason"), REFUSED.values(), ids=REFUSED)
def test_engines_that_only_look_protected_are_refused_for_their_reason(
    name: str, demand: Callable[[Engine], None], reason: str
) -> None:
    with running(name) as engine, pytest.raises(ViolationError, match=reason):
        demand(engine)


def test_inventory_is_retreated_from_smoothly() -> None:
    inventory_80_percent.demand_smooth_retreat(reference())


# --- Feb 19: the ablation table ---------------------------------------------------------------

FACTS = {  # fills, position and PnL net at reach 0, as known beforehand
    "unprotected (= legacy:deployed)": (12, 6.94, -0.840),
    "unprotected at 7.25 bp": (3, 1.87, -0.28),
    "unprotected at 10 bp": (3, 1.87, -0.28),
    "gamma(q) alone": (8, 4.50, -0.549),
    "E[PnL] filter alone (no drift, no skew, beta 0)": (10, 5.18, -0.693),
    "gamma and filter, no drift": (8, 4.50, -0.549),
    "phase 1 alone": (1, -0.46, 0.110),
    "phases 1-4": (1, -0.46, 0.110),
}


@pytest.fixture(scope="module")
def ablation() -> dict[tuple[str, float], AblationRow]:
    return {(row.engine, row.reach_bps): row for row in ablation_rows()}


@pytest.mark.whole_suite
def test_the_ablation_table_is_the_one_known_beforehand(
    ablation: dict[tuple[str, float], AblationRow],
) -> None:
    for engine, (fills, position, net) in FACTS.items():
        row = ablation[engine, 0.0]
        assert row.fills == fills, engine
        assert row.position == pytest.approx(position, abs=0.005), engine
        assert row.net == pytest.approx(net, abs=0.001), engine


def test_the_readme_shows_the_table_that_is_computed(
    ablation: dict[tuple[str, float], AblationRow],
) -> None:
    shown = "\n".join(ablation_lines(list(ablation.values()))[1:])
    readme = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
    assert f"```\n{shown}\n```" in readme


def test_what_is_claimed_holds_at_every_reach(
    ablation: dict[tuple[str, float], AblationRow],
) -> None:
    assert {reach for _, reach in ablation} == set(REACHES) == set(session().reach_bps)
    for reach in REACHES:
        for engine in ("phase 1 alone", "phases 1-4"):
            row = ablation[engine, reach]
            assert abs(row.position) <= 0.5
            assert row.net >= 0.0
        for engine in FACTS.keys() - {"phase 1 alone", "phases 1-4"}:
            assert ablation[engine, reach].net < 0.0
    # the facts name this one as what the reach decides
    assert ablation["gamma(q) alone", 1.0].fills == 10


def test_phase_1_alone_is_one_gate_on_the_deployed_baseline() -> None:
    run = feb19.run_session(reference(), feb19.PHASE_1_ALONE, 0.0)
    assert run.frames[0].observation["active_phases"] == [1]
    assert run.config["legacy_variant"] == "deployed"
    assert list(run.config["level_sizes"]) == [1.6, 0.514, 0.514, 0.514, 0.514, 0.514]
