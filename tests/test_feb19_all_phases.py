"""Feb 19 with everything on: the synthetic layers, what they cannot do, and what is claimed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from quotemark.adapters import running
from quotemark.builtin import BuiltinEngine, legacy_deployed, reference
from quotemark.cli import main
from quotemark.pushes import pushes, standing_pushes
from quotemark.replay import Frame, Replay, replay
from quotemark.report.charts import draw_panels
from quotemark.resources import resource_folder
from quotemark.scenario import Scenario, load_scenario
from quotemark.sensitivity import SensitivityRow, sensitivity_rows
from quotemark.suite import feb19, feb19_all_phases
from quotemark.suite.bench import ViolationError
from quotemark.suite.feb19_all_phases import (
    DEPTHS_USD,
    PHASES_1_TO_4_CALIBRATED,
)
from quotemark.suite.market import ALL_PHASES, PHASES_1_TO_4, cycle, trade
from quotemark.suite.market_features import book
from quotemark.text import sensitivity_lines

pytestmark = pytest.mark.whole_suite

Step = dict[str, Any]

FOLDER = resource_folder("scenarios")
FORMS = ("neutral", "bearish")
TICK = 0.001


@cache
def scenario() -> Scenario:
    return load_scenario("feb19_all_phases")


@cache
def layer(form: str) -> list[Step]:
    return scenario().layer(form)


def of_kind(steps: list[Step], kind: str) -> list[Step]:
    return [step for step in steps if step["step"] == kind]


def mids() -> dict[int, float]:
    cycles = [*scenario().tape("prelude"), *scenario().session]
    return {step["t_ms"]: step["mid"] for step in of_kind(cycles, "cycle")}


def prices(form: str, source: str) -> dict[int, float]:
    """Prices of one source at the session's cycles."""
    found = {
        step["t_ms"]: step["price"]
        for step in of_kind(layer(form), "reference_price")
        if step["source"] == source
    }
    return {step["t_ms"]: found[step["t_ms"]] for step in of_kind(scenario().session, "cycle")}


def log_returns(values: dict[int, float]) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.diff(np.log(list(values.values())))


# --- the layers -------------------------------------------------------------------------------


def test_everything_but_the_layers_is_the_reconstruction() -> None:
    base = load_scenario("feb19")
    assert scenario().session == base.session
    assert scenario().tape("prelude") == base.tape("prelude")
    for name in ("config", "reach_bps", "fill_price", "tape_fills", "tapes"):
        assert getattr(scenario(), name) == getattr(base, name)
    assert set(scenario().layers) == set(FORMS)
    assert base.layers == {}


def test_build_makes_the_same_layers_again_and_leaves_the_reconstruction(tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere"
    shutil.copytree(FOLDER, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for path in (copy / "feb19_all_phases").glob("*.jsonl"):
        path.unlink()
    build = copy / "feb19_all_phases" / "build.py"
    subprocess.run([sys.executable, "-I", build], check=True, cwd=tmp_path)
    for name in ("feb19", "feb19_all_phases"):
        committed = {path.name: path.read_bytes() for path in (FOLDER / name).glob("*.jsonl")}
        assert {path.name: path.read_bytes() for path in (copy / name).glob("*.jsonl")} == committed
    assert {path.name for path in scenario().layers.values()} == committed.keys()


@pytest.mark.parametrize("form", FORMS)
def test_a_layer_holds_readings_and_nothing_that_the_record_has(form: str) -> None:
    kinds = Counter(step["step"] for step in layer(form))
    assert set(kinds) == {"reference_price", "book", "funding", "open_interest", "trade"}
    assert all("id" not in step and "mid" not in step for step in layer(form))
    quoted = set(mids()) if form == "neutral" else set(mids()) - prelude_times()
    assert {step["t_ms"] for step in of_kind(layer(form), "book")} == quoted
    assert min(step["t_ms"] for step in layer(form)) >= min(quoted)
    assert max(step["t_ms"] for step in layer(form)) <= max(quoted)


def prelude_times() -> set[int]:
    return {step["t_ms"] for step in scenario().tape("prelude")}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("depth_usd", DEPTHS_USD)
def test_depth_within_10_bp_of_mid_is_what_was_asked_for(form: str, depth_usd: float) -> None:
    for step in of_kind(scenario().layer(form, depth_usd), "book"):
        bids, asks = np.array(step["bids"]), np.array(step["asks"])
        mid = (bids[0, 0] + asks[0, 0]) / 2.0
        near = [side[abs(side[:, 0] / mid - 1.0) <= 10e-4] for side in (bids, asks)]
        assert sum(side[:, 1].sum() for side in near) * mid == pytest.approx(depth_usd, rel=1e-3)
        assert bids[-1, 0] < mid * (1.0 - 50e-4) < mid * (1.0 + 50e-4) < asks[-1, 0]
        assert abs(mid - mids()[step["t_ms"]]) <= TICK / 2.0 + 1e-9


def test_without_a_depth_the_books_are_as_written() -> None:
    assert scenario().layer("bearish", scenario().layer_depth_usd) == layer("bearish")


def imbalances(form: str) -> list[float]:
    """Imbalance of all that rests, in each book of the session from two minutes in."""
    start_ms = scenario().session[0]["t_ms"] + 120_000
    found = []
    for step in of_kind(layer(form), "book"):
        if step["t_ms"] >= start_ms:
            bids, asks = (sum(size for _, size in step[side]) for side in ("bids", "asks"))
            found.append((bids - asks) / (bids + asks))
    return found


def test_the_neutral_form_leans_nowhere() -> None:
    assert abs(np.mean(imbalances("neutral"))) < 0.02
    assert max(map(abs, imbalances("neutral"))) <= 0.11
    sides = Counter(step["side"] for step in of_kind(layer("neutral"), "trade"))
    assert sides["sell"] / sides.total() == pytest.approx(0.5, abs=0.03)
    assert {step["rate"] for step in of_kind(layer("neutral"), "funding")} == {"0.00001250"}
    session = {step["t_ms"]: step["mid"] for step in of_kind(scenario().session, "cycle")}
    btc = log_returns(prices("neutral", "leader"))
    for lag in (0, 1):
        own = log_returns(session)[lag:]
        assert abs(np.corrcoef(btc[: len(own)], own)[0, 1]) < 0.2
    assert max(map(abs, basis_bps("neutral") - 2.0)) <= 0.22


def test_the_bearish_form_leans_down_everywhere() -> None:
    assert max(imbalances("bearish")) < -0.7
    sides = Counter(step["side"] for step in of_kind(layer("bearish"), "trade"))
    assert sides["sell"] / sides.total() == pytest.approx(0.8, abs=0.03)
    rates = [float(step["rate"]) for step in of_kind(layer("bearish"), "funding")]
    assert rates == sorted(set(rates))
    assert rates[0] == 0.0000125
    contracts = [step["contracts"] for step in of_kind(layer("bearish"), "open_interest")]
    assert contracts == sorted(set(contracts))
    assert (basis_bps("bearish")[0], basis_bps("bearish")[-1]) == pytest.approx((6, -6), abs=0.25)


def test_btc_falls_ahead_of_hype_in_the_bearish_form() -> None:
    """BTC has 2/3 of HYPE's move 3 s, a part of a cycle, before it: by hand from the tape."""
    session = list({s["t_ms"]: s["mid"] for s in of_kind(scenario().session, "cycle")}.values())
    coming = np.append(session[1:], session[-1])
    path = np.array(session) + (coming - np.array(session)) * 3000 / 6450
    expected = 66_000.0 * (1.0 + (path / session[0] - 1.0) * 2 / 3)
    btc = np.array(list(prices("bearish", "leader").values()))
    assert max(abs(btc / expected - 1.0)) * 1e4 <= 0.21


def basis_bps(form: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    spot = np.array(list(prices(form, "spot").values()))
    own = np.array(list(prices(form, "mark").values()))
    return np.asarray((own - spot) / spot * 1e4)


# --- what a layer cannot do -------------------------------------------------------------------


def test_a_layer_is_shown_in_time_order_ahead_of_the_tape_and_within_it() -> None:
    readings = [book(t_ms, [(1.0, 1.0)], [(1.0, 1.0)]) for t_ms in (0, 1000, 1500, 2000, 3000)]
    tape = [cycle(1000), trade(1500, "sell"), cycle(2000)]
    run = replay(reference(), tape, ALL_PHASES, layer=readings)
    seen = [(step["step"], step["t_ms"]) for step in run.steps]
    assert seen == [
        *[("book", 1000), ("cycle", 1000), ("book", 1500), ("trade", 1500)],
        *[("book", 2000), ("cycle", 2000)],
    ]


def test_a_layers_prints_fill_nothing_and_its_books_mark_nothing() -> None:
    tape = [cycle(0), trade(500, "sell", 0.5, price=99.0), cycle(1000)]
    swept = [trade(100, side, 100.0, price=price) for side, price in (("sell", 90.0), ("buy", 110))]
    crash = [book(t_ms, [(1.0, 1.0)], [(1.0, 1.0)], mid=50.0) for t_ms in (200, 1000)]
    plain = replay(reference(), tape, PHASES_1_TO_4)
    layered = replay(reference(), tape, PHASES_1_TO_4, layer=[*swept, *crash])
    assert len(plain.fills) == 1
    assert layered.fills == plain.fills
    assert [(frame.mid, frame.net) for frame in layered.frames] == [
        (frame.mid, frame.net) for frame in plain.frames
    ]


@pytest.mark.parametrize("form", FORMS)
def test_prints_trade_at_the_touch_of_the_last_book(form: str) -> None:
    best: dict[str, float] = {}
    for step in layer(form):
        if step["step"] == "book":
            best = {"sell": step["bids"][0][0], "buy": step["asks"][0][0]}
        if step["step"] == "trade":
            assert step["price"] == best[step["side"]]


@pytest.mark.parametrize("form", FORMS)
def test_the_baseline_fills_with_a_layer_as_without(form: str) -> None:
    plain = feb19.run_session(legacy_deployed(), {}, 3.0)
    layered = feb19_all_phases.run_session(legacy_deployed(), {}, form, DEPTHS_USD[0], 3.0)
    assert layered.fills == plain.fills
    assert [frame.net for frame in layered.frames] == [frame.net for frame in plain.frames]


# --- what is claimed --------------------------------------------------------------------------


@cache
def run_of(calibration: str, form: str, depth_usd: float, reach_bps: float = 0.0) -> Replay:
    config = {**ALL_PHASES, "calibration": calibration}
    return feb19_all_phases.run_session(reference(), config, form, depth_usd, reach_bps)


@cache
def run_of_phases_1_to_4(form: str, reach_bps: float) -> Replay:
    depth_usd = scenario().layer_depth_usd
    return feb19_all_phases.run_session(
        reference(), PHASES_1_TO_4_CALIBRATED, form, depth_usd, reach_bps
    )


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("depth_usd", DEPTHS_USD)
@pytest.mark.parametrize("reach_bps", [0.0, 1.0, 3.0])
def test_calibrated_sources_leave_the_protection_standing(
    form: str, depth_usd: float, reach_bps: float
) -> None:
    run = run_of("calibrated", form, depth_usd, reach_bps)
    assert set(run.answers) == {"ok"}
    assert all(frame.observation["active_phases"] == list(range(1, 9)) for frame in run.frames)
    positions = np.cumsum([f.size if f.side == "buy" else -f.size for f in run.fills])
    assert np.max(np.abs(positions)) <= 0.5
    assert run.account.net >= 0.0
    assert np.mean([bool(frame.observation["asks"]) for frame in run.frames]) >= 0.95
    fewer = run_of_phases_1_to_4(form, reach_bps)
    gone, gone_before = (
        next(i for i, frame in enumerate(one.frames) if not frame.observation["bids"])
        for one in (run, fewer)
    )
    assert gone <= gone_before + 1


def test_the_claims_hold_for_the_reference() -> None:
    feb19_all_phases.demand_everything_on(reference())


def test_the_plans_constants_are_refused() -> None:
    engine = BuiltinEngine("plan's constants", fixed_config={"calibration": "plan"})
    with pytest.raises(
        ViolationError,
        match=r"^neutral layer at 20,000 USD: \|position\| reaches 1.41 at reach 0 bp",
    ):
        feb19_all_phases.demand_everything_on(engine)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("mutant:silent", "^neutral layer at 20,000 USD: asks rest in 0.0% of cycles"),
        ("legacy:deployed", r"^neutral layer at 20,000 USD: \|position\| reaches 6.94"),
    ],
)
def test_engines_that_only_look_protected_are_refused(name: str, reason: str) -> None:
    with running(name) as engine, pytest.raises(ViolationError, match=reason):
        feb19_all_phases.demand_everything_on(engine)


def test_an_engine_that_refuses_a_reading_is_refused() -> None:
    run = Replay("deaf", {}, answers=Counter({"ok": 9, "unsupported": 1}))
    with pytest.raises(ViolationError, match="'unsupported': 1}, expected all ok"):
        feb19_all_phases.demand_every_step_taken(run)


@pytest.mark.parametrize(
    ("bids", "bids_of_fewer", "refused"),
    [
        ("100", "100", False),
        ("110", "100", False),
        ("111", "100", True),
        ("111", "101", False),
        ("111", "111", False),
        ("001", "000", True),
    ],
)
def test_bids_may_go_a_cycle_later_and_no_more(
    bids: str, bids_of_fewer: str, refused: bool
) -> None:
    ours, fewer = (
        [
            Frame(n * 6450, 100.0, {"bids": [{}] * int(one)}, 0.0, 0.0, 0.0, 0.0)
            for n, one in enumerate(row)
        ]
        for row in (bids, bids_of_fewer)
    )
    if refused:
        with pytest.raises(ViolationError, match="1 bids rest at"):
            feb19_all_phases.demand_bids_pulled_as_early(ours, fewer)
    else:
        feb19_all_phases.demand_bids_pulled_as_early(ours, fewer)


# --- the table --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def rows() -> list[SensitivityRow]:
    return list(sensitivity_rows())


def test_the_table_has_every_calibration_form_and_depth_beside_phases_1_to_4(
    rows: list[SensitivityRow],
) -> None:
    assert [(row.calibration, row.layer, row.phases, row.depth_usd) for row in rows] == [
        (calibration, form, phases, depth_usd)
        for calibration in ("calibrated", "plan")
        for form in FORMS
        for phases, depth_usd in [("1-4", None), *(("1-8", depth) for depth in DEPTHS_USD)]
    ]
    assert rows == list(sensitivity_rows())


def test_the_note_of_the_scenario_shows_the_table_that_is_computed(
    rows: list[SensitivityRow],
) -> None:
    shown = "\n".join(sensitivity_lines(rows)[1:])
    note = (scenario().folder / "README.md").read_text("utf-8")
    assert f"```\n{shown}\n```" in note


def test_rows_say_what_their_replay_gave(rows: list[SensitivityRow]) -> None:
    for row in rows:
        if row.phases == "1-4":
            continue
        assert row.depth_usd is not None
        run = run_of(row.calibration, row.layer, row.depth_usd)
        with_bids = [bool(frame.observation["bids"]) for frame in run.frames]
        assert (row.cycles, row.cycles_with_bids) == (181, sum(with_bids))
        first_gone = run.frames[with_bids.index(False)].t_ms if not all(with_bids) else None
        assert row.bids_first_gone_ms == first_gone
        assert (row.position, row.net) == (run.account.position, run.account.net)


# --- what moved the drift ---------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("calibration", ["calibrated", "plan"])
def test_what_is_left_of_all_pushes_is_the_drift(calibration: str, form: str) -> None:
    run = run_of(calibration, form, DEPTHS_USD[1])
    standing = standing_pushes(run.frames)
    assert {"trend", "fill", "flow", "hawkes", "bim", "dbim", "bpg", "basis", "lead"} <= set(
        standing
    )
    drifts = [frame.observation["drift_bps_per_s"] for frame in run.frames]
    assert np.sum(list(standing.values()), axis=0) == pytest.approx(drifts, abs=1e-9)


@pytest.mark.parametrize("calibration", ["calibrated", "plan"])
def test_the_note_says_which_source_moved_the_drift_when(calibration: str) -> None:
    run = run_of(calibration, "bearish", 100_000.0)
    config = {**PHASES_1_TO_4, "calibration": calibration}
    fewer = feb19_all_phases.run_session(reference(), config, "bearish", 100_000.0)
    standing = standing_pushes(run.frames)

    def left(*sources: str) -> list[float]:
        rows = [standing[source] for source in sources if source in standing]
        return [float(value) for value in np.sum(rows, axis=0)]

    lines = {
        f"drift, phases 1 to 4, {calibration}": drifts_of(fewer),
        f"drift, all phases, {calibration}": drifts_of(run),
        "of it: trend": left("trend"),
        "book": left("bim", "dbim", "bpg", "sweep"),
        "flow and Hawkes": left("flow", "hawkes"),
        "basis, lead, funding": left("basis", "lead", "funding"),
    }
    note = (scenario().folder / "README.md").read_text("utf-8")
    for label, values in lines.items():
        figures = (f"{values[cycle_number]:+.1f}" for cycle_number in (0, 60, 80, 99, 110, 180))
        cells = ("0.0" if float(figure) == 0.0 else figure for figure in figures)
        assert " | ".join([f"| {label}", *cells]) + " |" in note


def drifts_of(run: Replay) -> list[float]:
    return [frame.observation["drift_bps_per_s"] for frame in run.frames]


def test_a_composite_pushes_by_the_precision_of_its_parts() -> None:
    """By hand: mu -4, P 10, parts (-8, 30) and (2, 15): R = 10, K = 1/2, shares 1/3 and 2/3."""
    observation = {
        "drift_observations": [
            {
                "source": "composite",
                "z_bps_per_s": -4 / 3,
                "variance": 10.0,
                "gain": 0.5,
                "push_bps_per_s": 0.5 * (-4 / 3 + 4),
            },
            {
                "source": "flow",
                "z_bps_per_s": 0.0,
                "variance": 1.0,
                "gain": 0.1,
                "push_bps_per_s": 2,
            },
        ],
        "composite_parts": [
            {"source": "bim", "z_bps_per_s": -8.0, "variance": 30.0},
            {"source": "dbim", "z_bps_per_s": 2.0, "variance": 15.0},
        ],
    }
    assert dict(pushes(observation)) == pytest.approx({"bim": -2 / 3, "dbim": 2.0, "flow": 2.0})


def test_an_engine_that_shows_only_quotes_has_no_picture_of_pushes() -> None:
    frames = [Frame(0, 100.0, {"bids": [], "asks": []}, 0.0, 0.0, 0.0, 0.0)]
    assert standing_pushes(frames) == {}
    assert standing_pushes([]) == {}
    *_, panel, _ = draw_panels([("quotes only", Replay("quotes only", {}, frames=frames))])
    (picture,) = panel.pictures
    assert (picture.svg, picture.summary) == (None, "the engine shows nothing that moved its drift")


def test_replay_shows_each_calibration_and_form_with_the_table_and_the_picture(
    tmp_path: Path, rows: list[SensitivityRow]
) -> None:
    page = tmp_path / "report.html"
    asked = ["replay", "feb19_all_phases", "--engine", "reference", "--report", str(page)]
    done = CliRunner().invoke(main, asked)
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert [line.split()[:6] for line in lines if line.startswith("  reference, ")] == [
        ["reference,", calibration, form, "181", fills, position]
        for calibration, fills, position in (
            ("calibrated,", "1", "-0.460"),
            ("plan,", "4", "+1.410"),
        )
        for form in FORMS
    ]
    assert set(sensitivity_lines(rows)) <= set(lines)
    html = page.read_text("utf-8")
    assert "What moved the drift" in html
    assert "<h3>Sensitivity</h3>" in html
