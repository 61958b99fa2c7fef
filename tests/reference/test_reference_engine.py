"""Gates and their rollbacks, the dual run, estimates, and what a cycle reports."""

from __future__ import annotations

from itertools import product

import pytest
from tests.reference import textbook
from tests.reference.markets import MID, Q_MAX, configured, quoted

from quotemark_reference.config import EngineConfig, active_phases, gates, make_config
from quotemark_reference.engine import Cycle, QuoteEngine

FLAGS = (
    "use_kalman_drift",
    "use_continuous_gamma",
    "use_directional_flow",
    "use_epnl_filter",
    "use_online_adaptation",
    "use_funding",
    "use_book_features",
    "use_tape_features",
)
NEEDS = {4: {1, 2, 3}, 5: {1, 2, 3, 4}, 6: {1, 2, 3, 4}, 7: {1}, 8: {1}}


def gated(phases: str, **values: object) -> EngineConfig:
    flags = {flag: str(phase) in phases for phase, flag in enumerate(FLAGS, start=1)}
    return make_config(EngineConfig, {"p_min": 0.0, **flags, **values})


# --- gates ------------------------------------------------------------------------------------


@pytest.mark.parametrize("switched", list(product((False, True), repeat=4)))
def test_phase_4_is_inert_without_its_prerequisites(switched: tuple[bool, ...]) -> None:
    phases = "".join(str(phase) for phase, on in enumerate(switched, start=1) if on)
    config = gated(phases)
    active = phases if phases == "1234" else phases.replace("4", "")
    assert gates(config) == dict(enumerate((*switched, *[False] * 4), start=1))
    assert active_phases(config) == frozenset(int(phase) for phase in active)
    cycle = quoted(config)
    assert cycle.active_phases == [int(phase) for phase in active]
    assert cycle.inert_phases == ([4] if "4" in phases and active != phases else [])
    # inert is off: the same ladder as without the gate
    for u, drift in ((0.0, -8.0), (0.55, 0.0)):
        inert_or_on = quoted(config, u=u, drift=drift, imbalance=0.5)
        without = quoted(gated(phases.replace("4", "")), u=u, drift=drift, imbalance=0.5)
        same = (inert_or_on.bids, inert_or_on.asks) == (without.bids, without.asks)
        assert same == (phases != "1234")
        assert (inert_or_on.expected_pnl_bps is not None) == (phases == "1234")


def test_a_phase_is_active_only_on_all_that_it_needs() -> None:
    closed = 0
    for switched in product((False, True), repeat=8):
        on = {phase for phase, gate_on in enumerate(switched, start=1) if gate_on}
        # needs are written out in full, so that one look tells
        expected = {phase for phase in on if NEEDS.get(phase, set()) <= on}
        assert active_phases(gated("".join(map(str, on)))) == expected
        closed += expected == on
    assert closed == 36


def test_default_gates() -> None:
    config = EngineConfig()
    assert gates(config) == {
        **{1: True, 2: True, 3: True, 4: False},
        **{5: True, 6: True, 7: False, 8: False},
    }
    assert active_phases(config) == {1, 2, 3}
    assert quoted(config).inert_phases == [5, 6]
    assert active_phases(gated("1234")) == {1, 2, 3, 4}
    assert active_phases(make_config(EngineConfig, {"use_epnl_filter": True})) == {1, 2, 3, 4, 5, 6}


def test_rollback_of_phase_1() -> None:
    on, off = (quoted(gated(phases), drift=-8.0) for phases in ("123", "23"))
    assert on.drift_bps_per_s == pytest.approx(-8.0)
    assert on.drift_shift_bps == pytest.approx(-8.0)
    assert on.events == ["drift_beyond_old_cap"]
    # the legacy estimator hears the same signal; the clamp hides it
    assert off.drift_bps_per_s == pytest.approx(-8.0)
    assert off.drift_shift_bps == -3.0
    assert off.touch_depths_bps[0] == pytest.approx(off.half_spreads_bps[0] + 3.0)
    assert off.events == []
    deployed = quoted(gated("23", legacy_variant="deployed"), drift=-8.0)
    assert deployed.drift_shift_bps == -3.0
    assert deployed.touch_depths_bps == deployed.half_spreads_bps


def test_rollback_of_phase_2() -> None:
    on, off = (quoted(gated(phases), u=0.7) for phases in ("123", "13"))
    assert on.gamma_per_bps == pytest.approx(0.15 * (1.0 + 7.0 * 0.49))
    assert off.gamma_per_bps == pytest.approx(0.15 * (1.0 + 3.0 * 0.49))
    assert [quote.size for quote in on.asks] == [0.695] * 6
    assert [quote.size for quote in off.asks] == pytest.approx([0.3475] * 6)
    skew = 0.15 * 2.47 * 8.0 * 0.7
    assert off.touch_depths_bps == pytest.approx(
        (off.half_spreads_bps[0] + skew + 3.0, off.half_spreads_bps[1] - skew)
    )
    deployed = quoted(gated("13", legacy_variant="deployed"), u=0.7)
    assert deployed.touch_depths_bps == deployed.half_spreads_bps
    # Red clears the accumulating side in both variants
    for variant in ("documented", "deployed"):
        assert quoted(gated("13", legacy_variant=variant), u=-0.85).asks == []


def test_rollback_of_phase_3() -> None:
    on, off = (quoted(gated(phases), imbalance=1.0) for phases in ("123", "12"))
    assert on.kappas_per_bps == pytest.approx((0.06435, 0.19305))
    assert off.kappas_per_bps == (0.1287, 0.1287)
    assert on.flow_imbalance == off.flow_imbalance == pytest.approx(1.0)  # still reported
    # no flow observation either
    drifts = []
    for phases in ("123", "12"):
        engine = QuoteEngine(gated(phases))
        for _ in range(20):
            engine.on_trade(0, "sell", MID, 1.0)
        drifts.append(engine.cycle(0, MID).drift_bps_per_s)
    # z = -10, R = 260 x 1.5
    assert drifts == pytest.approx([-10.0 * 50.0 / 440.0, 0.0])


def test_rollback_of_phase_4() -> None:
    bids = {
        (phases, variant, u): len(quoted(gated(phases, legacy_variant=variant), u=u).bids)
        for phases in ("123", "1234")
        for variant in ("documented", "deployed")
        for u in (0.5, 0.52, 0.7)
    }
    # with the filter on the variant says nothing, and 50 % is no threshold
    for variant in ("documented", "deployed"):
        kept = [bids["1234", variant, u] for u in (0.5, 0.52, 0.7)]
        expected = [textbook.resting(textbook.ladder_side("bid", u=u)) for u in (0.5, 0.52, 0.7)]
        assert kept == expected
        assert 0 < kept[0] < 6
    assert [bids["123", "documented", u] for u in (0.5, 0.52, 0.7)] == [6, 0, 0]
    # deployed: the gate only logged. Room for 2.571 at 70 %: four levels
    assert [bids["123", "deployed", u] for u in (0.5, 0.52, 0.7)] == [6, 6, 4]

    for phases, size in (("123", 0.695 * 0.6), ("1234", 0.695)):
        engine = QuoteEngine(gated(phases))
        engine.on_toxicity(0, "bid", 0.9)
        assert engine.cycle(0, MID).bids[0].size == pytest.approx(size)


# --- dual run and events ----------------------------------------------------------------------


def verdict(u: float, drift: float = 0.0) -> tuple[bool, bool, str | None, list[str]]:
    cycle = quoted(configured(), u=u, drift=drift)
    return bool(cycle.bids), bool(cycle.asks), cycle.gate_closed_side, cycle.events


def test_dual_run_reports_disagreements() -> None:
    assert verdict(0.0) == (True, True, None, [])
    assert verdict(0.7) == (False, True, "bid", [])  # both close the bids
    # the gate waits for inventory; expected PnL pulls the bids of a flat book
    assert verdict(0.0, -2.5) == (False, True, None, ["dual_run_disagreement_bid"])
    assert verdict(0.0, 2.5) == (True, False, None, ["dual_run_disagreement_ask"])
    # the gate closes bids that a rising drift makes worth it
    assert verdict(0.55, 2.0) == (True, True, "bid", ["dual_run_disagreement_bid"])
    assert verdict(-0.55, -2.0) == (True, True, "ask", ["dual_run_disagreement_ask"])
    # so strong a rise that both verdicts are wrong
    assert verdict(0.55, 20.0) == (
        True,
        False,
        "bid",
        ["drift_beyond_old_cap", "dual_run_disagreement_bid", "dual_run_disagreement_ask"],
    )


def test_dual_run_is_silent_while_the_gate_acts() -> None:
    cycle = quoted(gated("123"), u=0.7, drift=-2.5)
    assert cycle.gate_closed_side == "bid"
    assert cycle.zone == "yellow"
    assert cycle.events == []


def test_drift_beyond_the_old_cap_is_an_event() -> None:
    for drift, reported in ((-3.01, True), (-2.99, False), (2.99, False), (3.01, True)):
        cycle = quoted(gated("123"), drift=drift)
        assert ("drift_beyond_old_cap" in cycle.events) == reported
    # it is half the drift over the horizon that counts: -2 bp/s over 4 s
    assert "drift_beyond_old_cap" in quoted(gated("123", time_horizon_s=4.0), drift=-2.0).events


def test_kill_guard_is_an_event_beside_the_others() -> None:
    cycle = quoted(configured(), u=1.0, drift=-8.0)
    assert cycle.events == ["drift_beyond_old_cap", "kill_guard_bid"]
    assert cycle.killed_side == "bid"
    assert cycle.zone == "kill"


def test_zone_stays_as_a_diagnostic() -> None:
    zones = [quoted(configured(), u=u).zone for u in (0.1, 0.65, -0.85, 1.1)]
    assert zones == ["green", "yellow", "red", "kill"]


# --- estimates --------------------------------------------------------------------------------


def touch(cycle: Cycle) -> tuple[float, float]:
    return cycle.touch_depths_bps


def test_estimates_last_until_the_next_and_absent_ones_stay() -> None:
    engine = QuoteEngine(configured())
    engine.on_estimate(0, sigma_bps_per_sqrt_s=3.0, kappa_bid_per_bps=0.2)
    expected = (
        textbook.half_spread(0.15, 0.2, 3.0, 2.0, 1.5),
        textbook.half_spread(0.15, 0.1287, 3.0, 2.0, 1.5),
    )
    for t_ms in (0, 6450):
        cycle = engine.cycle(t_ms, MID)
        assert touch(cycle) == pytest.approx(expected)
        assert cycle.sigma_bps_per_sqrt_s == 3.0
        assert cycle.kappas_per_bps == (0.2, 0.1287)
        assert cycle.as_cost_bps == pytest.approx(0.8 * 3.0 * 2.0**0.5)

    engine.on_estimate(7000, kappa_ask_per_bps=0.1, time_horizon_s=8.0)
    expected = (
        textbook.half_spread(0.15, 0.2, 3.0, 8.0, 1.5),
        textbook.half_spread(0.15, 0.1, 3.0, 8.0, 1.5),
    )
    cycle = engine.cycle(7000, MID)
    assert touch(cycle) == pytest.approx(expected)
    assert cycle.as_cost_bps == pytest.approx(0.8 * 3.0 * 8.0**0.5)
    engine.on_estimate(8000)  # nothing given, nothing changed
    assert touch(engine.cycle(8000, MID)) == touch(cycle)


def test_flow_multiplies_the_estimated_kappas_of_the_half_spread_only() -> None:
    engine = QuoteEngine(configured(calibrated_drift_scale=0.0))
    for _ in range(20):
        engine.on_trade(0, "sell", MID, 1.0)
    engine.on_estimate(0, kappa_bid_per_bps=0.2, kappa_ask_per_bps=0.1)
    cycle = engine.cycle(0, MID)
    assert cycle.kappas_per_bps == pytest.approx((0.1, 0.15))
    bid = textbook.half_spread(0.15, 0.1, 2.0, 2.0, 1.5)
    assert cycle.touch_depths_bps[0] == pytest.approx(bid)
    assert cycle.expected_pnl_bps is not None
    # lambda with 0.2, not 0.1
    cost = 1.6 * 2.0**0.5 + 1.5
    assert cycle.expected_pnl_bps[0][0] == pytest.approx(
        2.718281828459045 ** (-0.2 * bid) * (bid - cost)
    )


def test_estimated_sigma_scales_fills() -> None:
    engine = QuoteEngine(configured())
    engine.on_estimate(0, sigma_bps_per_sqrt_s=4.0)
    engine.on_fill(0, "sell", 100.02, 1.0, mid=MID)
    # 2 bp over sigma 4, gain 50/59
    assert engine.cycle(0, MID).drift_bps_per_s == pytest.approx(0.5 * 50.0 / 59.0)


# --- what a cycle reports ---------------------------------------------------------------------


def test_a_cycle_reports_the_figures_behind_its_quotes() -> None:
    cycle = quoted(configured(), u=0.3, drift=-0.3, imbalance=0.4)
    assert (cycle.t_ms, cycle.mid, cycle.position) == (0, MID, 0.3 * Q_MAX)
    assert cycle.drift_variance == pytest.approx(0.0, abs=1e-11)
    assert cycle.flow_imbalance == pytest.approx(0.4)
    assert cycle.expected_pnl_bps is not None
    for side, index, quotes in (("bid", 0, cycle.bids), ("ask", 1, cycle.asks)):
        assert [quote.level for quote in quotes] == list(range(6)), side
        for quote in quotes:
            assert quote.expected_pnl_bps == cycle.expected_pnl_bps[index][quote.level]
            assert quote.depth_bps == cycle.touch_depths_bps[index] + quote.level


def test_signals_wait_for_one_cycle_only() -> None:
    engine = QuoteEngine(configured(process_noise=0.0, theta_per_s=1e-9))
    engine.on_signal(0, -5.0, 50.0)
    drifts = [engine.cycle(t_ms, MID).drift_bps_per_s for t_ms in (0, 1000, 2000)]
    assert drifts == pytest.approx([-2.5] * 3)


def test_a_fill_without_any_mid_moves_the_position_only() -> None:
    engine = QuoteEngine(configured())
    engine.on_fill(0, "buy", 99.0, 1.5)
    cycle = engine.cycle(0, MID)
    assert (cycle.position, cycle.drift_bps_per_s, cycle.drift_variance) == (1.5, 0.0, 50.0)
