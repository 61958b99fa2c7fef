"""The audit of the plan: its measures by hand, how a case is cut, and what ships."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace

from quotemark.audit.comparison import (
    Comparison,
    Effect,
    Kept,
    Measure,
    cycles_over,
    drifts_of,
    effect,
    erased,
    kept_steps,
    run,
)
from quotemark.audit.cut import cut
from quotemark.audit.findings import Finding, Shown, run_again
from quotemark.audit.page import render_page, table_rows
from quotemark.audit.shipped import SHIPPED, scenarios_digest, shipped_audit, written
from quotemark.audit.trials import audit_plan
from quotemark.builtin import reference, reference_digest
from quotemark.cli import main
from quotemark.incidents import incidents, outcome_of, run_incident
from quotemark.messages import Json
from quotemark.outcomes import Incident

ROOT = Path(__file__).parents[1]
AUDIT = shipped_audit()
NEUTRAL_REACH_3 = Incident("feb19_all_phases", "session", "neutral", 3.0)
FUNDING = Incident("funding_extremes", "eight_hourly_flat")


def smallest(id_: str) -> Shown:
    found = run_again(AUDIT.finding(id_)).smallest
    assert found is not None
    return found


def worst(id_: str) -> Shown:
    found = run_again(AUDIT.finding(id_)).worst
    assert found is not None
    return found


def posterior(*observed: tuple[float, float]) -> float:
    """Mean of what was observed, the prior included: figures and variances, by precision."""
    return sum(z / r for z, r in observed) / sum(1.0 / r for _, r in observed)


def after_trend(trend: Json) -> tuple[float, float]:
    """Return drift and P after a trend reading at P_0 = 50: R is 4 at full agreement."""
    z = -trend["magnitude_bps"] * trend["p_continuation"]
    return posterior((0.0, 50.0), (z, 4.0)), 50.0 * 4.0 / 54.0


# --- drift erased, by hand --------------------------------------------------------------------


def test_one_neutral_book_takes_three_quarters_of_the_drift() -> None:
    found = smallest("plan-7-drift_erased")
    (trend, _), (book,) = kept_steps(found.comparison)
    mid = (book["bids"][0][0] + book["asks"][0][0]) / 2.0
    sizes = {
        (side, within): sum(
            size for price, size in book[side] if abs(price - mid) / mid * 1e4 <= within
        )
        for side in ("bids", "asks")
        for within in (10.0, 50.0)
    }
    near, far = (
        (sizes["bids", within] - sizes["asks", within])
        / (sizes["bids", within] + sizes["asks", within])
        for within in (10.0, 50.0)
    )
    depth_usd = (sizes["bids", 10.0] + sizes["asks", 10.0]) * mid
    without, p = after_trend(trend)
    bim = (0.3 * near, 1.5**2 * 1e5 / depth_usd)
    with_book = posterior((without, p), bim, (-0.15 * (near - far), 3.0))
    assert found.effect.without == pytest.approx(without)
    assert found.effect.with_phase == pytest.approx(with_book)
    assert found.effect.extent("drift_erased") == pytest.approx(0.742, abs=5e-4)


def test_twenty_prints_take_four_fifths_of_the_drift() -> None:
    found = smallest("plan-3-drift_erased")
    steps = kept_steps(found.comparison)
    now_s = steps.tape[-1]["t_ms"] / 1000.0
    weights = [math.exp((trade["t_ms"] / 1000.0 - now_s) / 5.0) for trade in steps.layer]
    signed = sum(
        weight * trade["size"] * (1.0 if trade["side"] == "sell" else -1.0)
        for weight, trade in zip(weights, steps.layer, strict=True)
    )
    volume = sum(weight * trade["size"] for weight, trade in zip(weights, steps.layer, strict=True))
    dt_s = (steps.tape[-1]["t_ms"] - steps.tape[0]["t_ms"]) / 1000.0
    drift, p = after_trend(steps.tape[1])
    decay = math.exp(-0.02 * dt_s)
    without, p = drift * decay, p * decay**2 + 25.0 * (1.0 - decay**2)
    flow = (-0.5 * signed / volume, 4.0 / max(sum(weights) / 5.0, 0.1))
    assert len(steps.layer) == 20
    assert found.effect.without == pytest.approx(without)
    assert found.effect.with_phase == pytest.approx(posterior((without, p), flow))


def test_extreme_funding_leaves_half_a_bp_of_eight() -> None:
    """At P = 8 and a z-score of -5: z = 0.25, R = 4/5."""
    found = worst("plan-6-drift_erased")
    assert found.effect.without == pytest.approx(-8.0)
    assert found.effect.with_phase == pytest.approx(posterior((-8.0, 8.0), (0.25, 0.8)))
    assert found.effect.extent("drift_erased") == pytest.approx(15.0 / 16.0)
    assert posterior((-8.0, 8.0), (-0.25, 0.8)) == pytest.approx(-0.95, abs=0.005)


def test_both_see_the_same_fills_where_drift_is_compared() -> None:
    """Each quoting for itself, other fills would be taken for the phase's doing."""
    comparison = Comparison(7, (1, 2, 3), "calibrated", NEUTRAL_REACH_3)
    steps = kept_steps(comparison)
    without, with_phase = (
        run(comparison, on, steps) for on in (comparison.beside, comparison.with_phase)
    )
    assert without.fills != with_phase.fills
    apart = erased(drifts_of(without), drifts_of(with_phase))
    together = effect(comparison, "drift_erased")
    assert apart is not None
    assert together is not None
    assert apart.extent("drift_erased") > 0.3
    assert together.extent("drift_erased") == pytest.approx(0.123, abs=5e-4)


@pytest.mark.parametrize(
    ("without", "with_phase", "extent"),
    [([-2.9], [0.0], None), ([-3.0, 4.0], [-1.5, 3.0], 0.5), ([3.0], [-3.0], 2.0)],
)
def test_a_drift_stands_from_3_bp_per_s_on_and_the_worst_cycle_counts(
    without: list[float], with_phase: list[float], extent: float | None
) -> None:
    found = erased(list(enumerate(without)), list(enumerate(with_phase)))
    assert (found and found.extent("drift_erased")) == extent


def test_what_counts_as_worse() -> None:
    assert Effect(-4.0, -2.0).is_worse("drift_erased")
    assert not Effect(-4.0, -2.1).is_worse("drift_erased")
    outcomes: list[Measure] = ["loss", "inventory", "liveness"]
    for measure in outcomes:
        assert Effect(1.0, 1.1).is_worse(measure)
        assert not Effect(1.0, 1.0 + 1e-10).is_worse(measure)
        assert not Effect(1.1, 1.0).is_worse(measure)


# --- the smallest case ------------------------------------------------------------------------


def test_nothing_can_be_left_out_of_the_smallest_case() -> None:
    """At least half of the loss on the whole incident is kept, and every step is needed for it."""
    found = smallest("plan-7-loss")
    kept = found.comparison.kept
    assert kept is not None
    whole = effect(replace(found.comparison, kept=None), "loss")
    assert whole is not None
    half = whole.extent("loss") / 2.0
    assert found.effect.extent("loss") >= half
    fewer = [Kept([*set(kept.tape) - {line}], kept.layer) for line in kept.tape]
    fewer += [Kept(kept.tape, [*set(kept.layer) - {line}]) for line in kept.layer]
    assert len(fewer) == 8
    for one in fewer:
        left = effect(
            replace(found.comparison, kept=Kept(sorted(one.tape), sorted(one.layer))), "loss"
        )
        assert left is not None
        assert left.extent("loss") < half


def test_a_signal_and_two_cycles_are_what_is_left_of_an_estimator_that_does_not_fade() -> None:
    comparison = Comparison(1, (), "plan", FUNDING)
    found = cut(comparison, "drift_erased")
    kept = [step["step"] for step in kept_steps(found.comparison).tape]
    assert kept == ["signal", "cycle", "cycle"]
    # -200/17 in a conjugate prior of precision 0.01, then a quiet cycle: x 0.9
    held = (-200.0 / 17.0) / (200.0 / 17.0) / (0.01 + 17.0 / 200.0) * 0.9
    assert found.effect.without == pytest.approx(held)
    assert abs(found.effect.with_phase) < 1e-9


@pytest.mark.whole_suite
def test_a_case_is_cut_until_less_than_half_would_be_left() -> None:
    whole = Comparison(7, (1,), "plan", Incident("feb19_all_phases", "session", "neutral"))
    found = cut(whole, "inventory")
    assert found == AUDIT.finding("plan-7-inventory").smallest
    assert found.effect.extent("inventory") >= 2.5 / 2.0  # of 0.46 -> 2.96


# --- trying the plan --------------------------------------------------------------------------


@pytest.mark.whole_suite
def test_the_plan_on_one_incident() -> None:
    """Phase 1 can be added to 4 sets of gates, 6 to 8, 7 to 16. What ships was made by two."""
    found = audit_plan([FUNDING], workers=1)
    assert (found.closed_gate_sets, found.incidents) == (36, 1)
    worse = {one.id: (one.worse, one.compared, len(one.beside)) for one in found.worse()}
    assert worse == {
        "plan-1-drift_erased": (4, 4, 4),
        "calibrated-1-drift_erased": (4, 4, 4),
        "plan-6-drift_erased": (8, 8, 8),
    }
    legacy, shipped = (one.finding("plan-1-drift_erased") for one in (found, AUDIT))
    assert (legacy.worst, legacy.smallest) == (shipped.worst, shipped.smallest)
    funding = found.finding("plan-6-drift_erased")
    assert funding.worst is not None
    assert funding.worst.effect.extent("drift_erased") == pytest.approx(15.0 / 16.0)
    assert funding.smallest is not None
    assert funding.smallest.comparison.beside == (1, 2, 3, 4)
    assert funding.incidents == [str(FUNDING)]
    calm = found.finding("plan-7-loss")
    assert (calm.compared, calm.worst, calm.smallest) == (16, None, None)


# --- what ships -------------------------------------------------------------------------------


def test_what_ships_was_made_with_this_reference_and_these_scenarios() -> None:
    """Where not: ``quotemark audit --save``, as CONTRIBUTING.md says."""
    assert AUDIT.reference_digest == reference_digest()
    assert AUDIT.scenarios_digest == scenarios_digest()
    assert (AUDIT.closed_gate_sets, AUDIT.incidents) == (36, len(list(incidents())))
    assert written(AUDIT) == SHIPPED.read_text("utf-8")


@pytest.mark.whole_suite
@pytest.mark.parametrize(
    "finding", [one for one in AUDIT.findings if one.worst], ids=lambda f: f.id
)
def test_every_case_that_ships_shows_what_it_says(finding: Finding) -> None:
    assert run_again(finding) == finding


def test_the_page_is_made_of_what_ships() -> None:
    assert (ROOT / "AUDIT.md").read_text("utf-8") == render_page(AUDIT)


def test_every_figure_of_the_table_has_a_case_to_run() -> None:
    page = (ROOT / "AUDIT.md").read_text("utf-8")
    assert [
        one.id for one in AUDIT.worse() if f"`quotemark audit --case {one.id}`" not in page
    ] == []
    assert [one.id for one in AUDIT.worse() if one.worst is None or one.smallest is None] == []
    assert len(table_rows(AUDIT)) == 1 + 8 * 2


# --- what the page says beside its figures ----------------------------------------------------


def test_the_three_worst_come_first() -> None:
    losses = {
        phase: found.worst.effect.extent("loss")
        for phase in range(1, 9)
        if (found := AUDIT.finding(f"plan-{phase}-loss")).worst
    }
    assert sorted(losses, key=lambda phase: -losses[phase]) == [7, 3, 8, 6, 5]
    assert len(AUDIT.finding("plan-7-loss").beside) == 16


def test_what_stays_calibrated_is_feb19_at_3_bp_without_the_filter() -> None:
    losing = [AUDIT.finding(f"calibrated-{phase}-loss") for phase in range(1, 9)]
    assert [one.phase for one in losing if one.worse] == [3, 7, 8]
    assert all(4 not in beside for one in losing for beside in one.beside)
    assert all(
        incident.startswith("feb19") and incident.endswith("reach 3 bp")
        for one in losing
        for incident in one.incidents
    )
    reached_bps = (29.0883 - 29.059 * (1.0 - 3e-4)) / 29.0883 * 1e4
    assert reached_bps == pytest.approx(13.07, abs=0.005)


def test_gamma_draws_small_positions_quotes_in_at_2_s() -> None:
    def bid_depth(beta: float, share: float, horizon_s: float) -> float:
        gamma = 0.15 * (1.0 + beta * share**2)
        return (
            math.log(1.0 + gamma / 0.1287) / gamma
            + gamma * 4.0 * horizon_s / 2.0
            + gamma * 4.0 * share * horizon_s
        )

    deeper = {
        (share, horizon_s): bid_depth(7.0, share, horizon_s) - bid_depth(3.0, share, horizon_s)
        for share in (0.12, 0.3, 0.6, 0.8)
        for horizon_s in (2.0, 5.0)
    }
    assert deeper[0.12, 2.0] == pytest.approx(-0.04, abs=0.005)
    assert deeper[0.3, 2.0] == pytest.approx(-0.07, abs=0.005)
    assert deeper[0.6, 2.0] == pytest.approx(1.04, abs=0.005)
    assert all(deeper[share, 5.0] > 0.0 for share in (0.12, 0.3, 0.6, 0.8))


@pytest.mark.parametrize(
    ("id_", "noise"), [("plan-5-loss", 1.16), ("calibrated-5-drift_erased", 0.1)]
)
def test_where_adaptation_had_brought_the_noise(id_: str, noise: float) -> None:
    comparison = worst(id_).comparison
    seen = run(comparison, comparison.beside, kept_steps(comparison))
    at_ms = worst(id_).effect.t_ms or seen.frames[-1].t_ms
    found = {step["t_ms"]: cycle for step, cycle in cycles_over(seen, comparison.with_phase)}
    assert found[at_ms]["process_noise"] == pytest.approx(noise, abs=0.005)


def test_liveness_is_worse_where_costs_silence_the_filter() -> None:
    calm = Incident("feb19", "prelude")
    unquoted = [
        outcome_of(run_incident(reference(), calm, on, {"as_ratio": 3.0})).unquoted_ms
        for on in ((1, 2, 3), (1, 2, 3, 4))
    ]
    assert unquoted == [0, 109_650]


# --- the command ------------------------------------------------------------------------------


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["audit", *arguments])


def test_a_case_is_run_again_and_retraced() -> None:
    done = invoke("--case", "plan-7-drift_erased")
    assert done.exit_code == 0
    assert "  worst     phase 7 beside 1, plan, on feb19_all_phases session, neutral" in done.output
    assert "drift erased: -44.57 -> -11.49 bp/s\n            3 of 2603 steps:" in done.output
    assert "composite z -0.007 R 1.286 K 0.7423" in done.output
    filled = invoke("--case", "plan-7-loss").output
    assert "an aggressor sells 0.49 at 28.999\n               without  no fill\n" in filled
    found = json.loads(invoke("--case", "plan-7-loss", "--json").output)
    assert found["smallest"]["effect"]["with_phase"] == pytest.approx(0.179, abs=5e-4)


def test_a_case_of_nothing_says_so() -> None:
    done = invoke("--case", "plan-1-loss")
    assert (done.exit_code, done.output) == (
        0,
        "plan-1-loss: no incident shows it, in 100 comparisons\n",
    )


def test_an_unknown_case_and_one_with_files_are_refused(tmp_path: Path) -> None:
    unknown = invoke("--case", "plan-9-loss")
    assert unknown.exit_code == 2
    assert "case is 'plan-9-loss', expected one of plan-1-drift_erased, " in unknown.output
    page = tmp_path / "page.md"
    both = invoke("--case", "plan-7-loss", "--markdown", str(page))
    assert both.exit_code == 2
    assert "--case writes no file" in both.output
    assert not page.exists()


def test_what_ships_is_shown_and_written_without_a_run(tmp_path: Path) -> None:
    page, saved, report = (tmp_path / name for name in ("page.md", "audit.json", "report.html"))
    done = invoke(
        *("--shipped", "--markdown", str(page), "--save", str(saved), "--report", str(report))
    )
    assert done.exit_code == 0
    (row,) = [line for line in done.output.splitlines() if line.startswith("  7 book  ")][:1]
    assert " ".join(row.split()) == (
        "7 book plan 92 of 400: +0.793 106 of 400: +6.12 0 of 400 98 of 242: 95.9 %"
    )
    assert page.read_bytes() == (ROOT / "AUDIT.md").read_bytes()
    assert saved.read_bytes() == SHIPPED.read_bytes()
    assert "plan-7-loss" in report.read_text("utf-8")
    assert json.loads(invoke("--shipped", "--json").output) == json.loads(saved.read_text("utf-8"))
