"""Phase 3: directional flow against sums over every trade, and the decisions about it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.reference import textbook
from tests.reference.markets import configured, quoted
from tests.reference.test_drift import at_drift

from quotemark_reference.config import FlowConfig, make_config
from quotemark_reference.drift import KalmanDrift
from quotemark_reference.flow import (
    HORIZONS_S,
    TradeFlow,
    drift_observation,
    imbalance,
    kappa_multipliers,
)

Trade = tuple[int, str, float]
"""A time that passes in ms, the aggressor's side, the size."""

trades_st = st.lists(
    st.tuples(st.integers(0, 4000), st.sampled_from(["buy", "sell"]), st.floats(0.01, 100.0)),
    min_size=1,
    max_size=40,
)


def observed(imbalance: float, decayed_trades: float, config: FlowConfig) -> tuple[float, float]:
    observation = drift_observation(imbalance, decayed_trades, config)
    assert observation is not None
    return observation


def flow_config(**values: object) -> FlowConfig:
    return make_config(FlowConfig, values)


def recorded(trades: list[Trade], **values: object) -> tuple[TradeFlow, int]:
    """Flow after ``trades``, and the time of the last one."""
    flow, now_ms = TradeFlow(flow_config(**values)), 1_000_000
    for elapsed_ms, side, size in trades:
        now_ms += elapsed_ms
        flow.record_trade(now_ms, side, size)
    return flow, now_ms


def decayed_sum(trades: list[Trade], after_ms: int, horizon_s: float, *sides: str) -> float:
    """Sum over every trade of size x e^(-age/h), ages in seconds."""
    total, age_s = 0.0, after_ms / 1000.0
    for elapsed_ms, side, size in reversed(trades):
        total += size * math.exp(-age_s / horizon_s) if side in sides else 0.0
        age_s += elapsed_ms / 1000.0
    return total


SELLS: list[Trade] = [(50, "sell", 1.0)] * 20


# --- the plan's named tests -------------------------------------------------------------------


def test_flow_neutral_gives_unit_multipliers() -> None:
    balanced: list[Trade] = [(50, "buy", 3.0), (0, "sell", 3.0)] * 15
    flow, now_ms = recorded(balanced)
    assert flow.kappa_multipliers_at(now_ms) == (1.0, 1.0)
    assert kappa_multipliers(0.0, flow_config()) == (1.0, 1.0)
    assert quoted(configured()).kappas_per_bps == (0.1287, 0.1287)


def test_sell_pressure_lowers_kappa_bid() -> None:
    flow, now_ms = recorded(SELLS)
    # imbalance 1, sensitivity 0.5
    assert flow.kappa_multipliers_at(now_ms) == pytest.approx((0.5, 1.5))

    neutral, sold = quoted(configured()), quoted(configured(), imbalance=0.6)
    assert sold.kappas_per_bps == pytest.approx((0.1287 * 0.7, 0.1287 * 1.3))
    expected = [textbook.half_spread(0.15, 0.1287 * m, 2.0, 2.0, 1.5) for m in (0.7, 1.3)]
    assert sold.half_spreads_bps == pytest.approx(expected)
    assert sold.half_spreads_bps[0] > neutral.half_spreads_bps[0]  # bids wider
    assert sold.half_spreads_bps[1] < neutral.half_spreads_bps[1]  # asks tighter


@given(trades=trades_st, sensitivity=st.floats(0.0, 100.0), horizon_s=st.sampled_from(HORIZONS_S))
def test_multipliers_bounded(trades: list[Trade], sensitivity: float, horizon_s: float) -> None:
    flow, now_ms = recorded(
        trades, flow_sensitivity=sensitivity, flow_horizon_s=horizon_s, flow_min_trades=1
    )
    for multiplier in flow.kappa_multipliers_at(now_ms):
        assert 0.5 <= multiplier <= 2.0


def test_flow_drift_observation_sign() -> None:
    for calibration in ("plan", "calibrated"):
        for side, sign in (("sell", -1.0), ("buy", 1.0)):
            flow, now_ms = recorded([(50, side, 1.0)] * 20, calibration=calibration)
            observation = flow.drift_observation_at(now_ms)
            assert observation is not None
            assert math.copysign(1.0, observation[0]) == sign


# --- against a sum over every trade -----------------------------------------------------------


@given(trades=trades_st, after_ms=st.integers(0, 4000))
def test_decay_is_a_sum_over_all_trades(trades: list[Trade], after_ms: int) -> None:
    flow, now_ms = recorded(trades, flow_min_trades=1)
    for horizon_s in HORIZONS_S:
        bought = decayed_sum(trades, after_ms, horizon_s, "buy")
        sold = decayed_sum(trades, after_ms, horizon_s, "sell")
        expected = (sold - bought) / (sold + bought)
        assert flow.imbalance_at(now_ms + after_ms, horizon_s) == pytest.approx(expected, abs=1e-9)

    bought, sold = (decayed_sum(trades, after_ms, 5.0, side) for side in ("buy", "sell"))
    expected = (sold - bought) / (sold + bought)
    count = decayed_sum([(ms, side, 1.0) for ms, side, _ in trades], after_ms, 5.0, "buy", "sell")
    assert flow.decayed_trades_at(now_ms + after_ms) == pytest.approx(count)
    assert flow.kappa_multipliers_at(now_ms + after_ms) == pytest.approx(
        (1.0 - expected / 2.0, 1.0 + expected / 2.0)
    )
    # kappa_total is trades per second, at least 0.1
    assert flow.drift_observation_at(now_ms + after_ms) == pytest.approx(
        (-expected / 2.0, 4.0 / max(0.1, count / 5.0)), abs=1e-9
    )


@given(trades=trades_st)
def test_swapping_sides_negates_imbalance(trades: list[Trade]) -> None:
    flow, now_ms = recorded(trades)
    mirrored, _ = recorded(
        [(ms, "sell" if side == "buy" else "buy", size) for ms, side, size in trades]
    )
    for horizon_s in HORIZONS_S:
        assert flow.imbalance_at(now_ms, horizon_s) == -mirrored.imbalance_at(now_ms, horizon_s)


# --- decisions --------------------------------------------------------------------------------


def test_imbalance_is_sell_positive() -> None:
    assert imbalance(1.0, 3.0) == 0.5
    assert imbalance(3.0, 1.0) == -0.5
    assert imbalance(0.0, 0.0) == 0.0


def test_kappa_total_is_a_rate_of_trades() -> None:
    # 20 trades at once are 4 a second: R = 1; a floor of 0.1 a second: R = 40
    assert drift_observation(1.0, 20.0, flow_config()) == pytest.approx((-0.5, 1.0))
    assert drift_observation(1.0, 0.01, flow_config()) == pytest.approx((-0.5, 40.0))
    # with kappa 1500 per fraction R would be 0.003, and one reading would erase the filter
    erased, kept = at_drift(-8.0, p_min=0.0), at_drift(-8.0, p_min=0.0)
    erased.update(-0.5, 4.0 / 1500.0)
    kept.update(*observed(1.0, 1.0, flow_config()))
    assert erased.mean == pytest.approx(-0.5, abs=0.01)
    assert kept.mean == pytest.approx(-8.0 + 8.0 / 28.0 * 7.5)


@given(flow_imbalance=st.floats(-1.0, 1.0))
def test_sensitivity_zero_is_off(flow_imbalance: float) -> None:
    assert kappa_multipliers(flow_imbalance, flow_config(flow_sensitivity=0.0)) == (1.0, 1.0)


def test_sensitivity_zero_gives_no_observation() -> None:
    flow, now_ms = recorded(SELLS, flow_sensitivity=0.0)
    assert flow.kappa_multipliers_at(now_ms) == (1.0, 1.0)
    assert flow.drift_observation_at(now_ms) is None


def test_reach_of_the_multipliers() -> None:
    # at the default sensitivity only [0.5, 1.5] of the clamp can be reached
    assert kappa_multipliers(1.0, flow_config()) == (0.5, 1.5)
    assert kappa_multipliers(-1.0, flow_config()) == (1.5, 0.5)
    assert kappa_multipliers(1.0, flow_config(flow_sensitivity=3.0)) == (0.5, 2.0)


def test_nineteen_trades_say_nothing() -> None:
    flow, now_ms = recorded(SELLS[:19])
    assert flow.kappa_multipliers_at(now_ms) == (1.0, 1.0)
    assert flow.drift_observation_at(now_ms) is None
    flow.record_trade(now_ms, "sell", 1.0)
    assert flow.kappa_multipliers_at(now_ms) == pytest.approx((0.5, 1.5))
    assert flow.drift_observation_at(now_ms) is not None


def test_before_any_trade_there_is_no_flow() -> None:
    flow = TradeFlow(flow_config(flow_min_trades=0))
    assert flow.imbalance_at(7_000, 5.0) == 0.0
    assert flow.decayed_trades_at(7_000) == 0.0
    assert flow.kappa_multipliers_at(7_000) == (1.0, 1.0)
    assert flow.drift_observation_at(7_000) is None


def test_silence_ends_the_last_burst() -> None:
    flow, now_ms = recorded(SELLS)
    # decay cancels in the ratio: just before five horizons the burst still speaks in full
    assert flow.imbalance_at(now_ms + 24_999, 5.0) == pytest.approx(1.0)
    assert flow.drift_observation_at(now_ms + 24_999) is not None
    assert flow.imbalance_at(now_ms + 25_001, 5.0) == 0.0
    assert flow.kappa_multipliers_at(now_ms + 25_001) == (1.0, 1.0)
    assert flow.drift_observation_at(now_ms + 25_001) is None
    # each horizon has its own silence
    assert flow.imbalance_at(now_ms + 5_001, 1.0) == 0.0
    assert flow.imbalance_at(now_ms + 5_001, 30.0) == pytest.approx(1.0)
    # warmth is for ever: one trade after the silence speaks again
    flow.record_trade(now_ms + 60_000, "buy", 1.0)
    assert flow.imbalance_at(now_ms + 60_000, 5.0) == pytest.approx(-1.0, abs=1e-3)
    assert flow.drift_observation_at(now_ms + 60_000) is not None


def test_calibrated_reliability_falls_with_the_trade_count() -> None:
    config = flow_config(calibration="calibrated")
    # z = -10 imbalance, R = 260 (1 + 10/n)
    assert drift_observation(0.3, 10.0, config) == pytest.approx((-3.0, 520.0))
    assert drift_observation(-1.0, 1e9, config) == pytest.approx((10.0, 260.0))


@given(
    mean=st.floats(-10.0, -0.1),
    flow_imbalance=st.floats(0.0, 1.0),
    count=st.floats(0.1, 1e4),
    variance=st.floats(0.5, 8.0),
)
def test_calibrated_flow_keeps_a_bearish_drift(
    mean: float, flow_imbalance: float, count: float, variance: float
) -> None:
    def moved(by: float) -> float:
        filtered = KalmanDrift(configured(prior_variance=2.0 * variance))
        filtered.update(2.0 * mean, 2.0 * variance)  # now at mean and variance
        filtered.update(*observed(by, count, flow_config(calibration="calibrated")))
        return filtered.mean

    assert moved(flow_imbalance) <= 0.97 * mean
    assert moved(1.0) <= mean + 1e-12


def test_three_neutral_calibrated_readings_weaken_by_about_eight_percent() -> None:
    filtered = at_drift(-7.0, p_min=0.0)
    for _ in range(3):
        filtered.update(0.0, 260.0)
    assert filtered.mean / -7.0 == pytest.approx(1.0 - 0.0845, abs=1e-4)


def test_plan_calibration_erases_a_bearish_drift() -> None:
    # full sell pressure at 4 trades a second makes a drift of -7 bp/s ten times weaker
    filtered = at_drift(-7.0, p_min=0.0)
    observation = drift_observation(1.0, 20.0, flow_config(calibration="plan"))
    assert observation is not None
    filtered.update(*observation)
    assert filtered.mean == pytest.approx(-7.0 + 8.0 / 9.0 * 6.5)
    assert filtered.mean > -1.3
