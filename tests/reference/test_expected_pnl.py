"""Phase 4: expected PnL of a level, level by level and as a law."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from tests.reference import textbook
from tests.reference.markets import configured, quoted

from quotemark_reference import expected_pnl

COST = 0.8 * 2.0 * math.sqrt(2.0) + 1.5
"""AS + fee of the canonical market: 3.76 bp."""


def epnl(side: str, point: Mapping[str, float]) -> float:
    """Expected PnL of one level, all of the reference's functions put together."""
    terms = expected_pnl.position_terms_bps(
        side,
        gamma_base_per_bps=point["gamma"],
        inventory_beta=point["beta"],
        sigma_bps_per_sqrt_s=point["sigma"],
        time_horizon_s=point["tau"],
        drift_bps_per_s=point["drift"],
        position=point["position"],
        max_position=point["max_position"],
    )
    adverse = expected_pnl.adverse_selection_bps(point["as_ratio"], point["sigma"], point["tau"])
    cost = adverse + point["fee"] + point["carry"]
    return expected_pnl.level_pnl_bps(point["depth"], point["kappa"], cost, terms)


CANONICAL_POINT = {
    "depth": 7.25,
    "kappa": 0.1287,
    "gamma": 0.15,
    "beta": 7.0,
    "sigma": 2.0,
    "tau": 2.0,
    "drift": 0.0,
    "position": 0.0,
    "max_position": 8.57,
    "as_ratio": 0.8,
    "fee": 1.5,
    "carry": 0.0,
}


def canonical(side: str, **changes: float) -> float:
    return epnl(side, {**CANONICAL_POINT, **changes})


# --- the plan's named tests -------------------------------------------------------------------


def test_epnl_positive_at_touch_zero_inventory() -> None:
    cycle = quoted(configured())
    assert cycle.expected_pnl_bps is not None
    for side, pnls, depth in zip(
        ("bid", "ask"), cycle.expected_pnl_bps, cycle.touch_depths_bps, strict=True
    ):
        assert pnls[0] > 0.0
        assert pnls[0] == pytest.approx(math.exp(-0.1287 * depth) * (depth - COST))
        assert canonical(side, depth=depth) == pytest.approx(1.3719, abs=1e-4)
    assert len(cycle.bids) == len(cycle.asks) == 6


def test_epnl_negative_accumulating_high_inventory() -> None:
    cycle = quoted(configured(), u=0.8)
    assert cycle.expected_pnl_bps is not None
    # gamma(0.8) = 0.822; penalty 0.822 x 0.8 x 4 x 2 = 5.26 bp, more than any spread term
    expected = [level.pnl for level in textbook.ladder_side("bid", u=0.8)]
    assert cycle.expected_pnl_bps[0] == pytest.approx(expected)
    assert max(expected) < 0.0
    assert cycle.bids == []
    spread_term = math.exp(-0.1287 * 7.25) * (7.25 - COST)
    assert canonical("bid", position=0.8 * 8.57) == pytest.approx(spread_term - 5.2608)


def test_epnl_positive_reducing_high_inventory() -> None:
    cycle = quoted(configured(), u=0.8)
    assert cycle.expected_pnl_bps is not None
    expected = [level.pnl for level in textbook.ladder_side("ask", u=0.8)]
    assert cycle.expected_pnl_bps[1] == pytest.approx(expected)
    assert min(expected) > 0.0
    assert len(cycle.asks) == 6
    # the touch would lose without the bonus of half the penalty, 2.63 bp
    assert expected[0] == pytest.approx(1.2295, abs=1e-4)
    assert expected[0] - 5.2608 / 2.0 < 0.0


def test_epnl_all_negative_cascade() -> None:
    """D-19: the resting ladder's depths, quoted at sigma 2, judged at 5 sigma."""
    resting = quoted(configured())
    assert len(resting.bids) == len(resting.asks) == 6
    for side, quotes in (("bid", resting.bids), ("ask", resting.asks)):
        for quote in quotes:
            judged = canonical(side, depth=quote.depth_bps, sigma=10.0)
            # AS is 11.31 bp, and 12.81 with the fee; the deepest level rests at 12.25
            expected = math.exp(-0.1287 * quote.depth_bps) * (
                quote.depth_bps - 8.0 * math.sqrt(2.0) - 1.5
            )
            assert judged == pytest.approx(expected)
            assert judged < 0.0
    assert resting.bids[-1].depth_bps == pytest.approx(12.251, abs=1e-3)


def test_epnl_drift_skews_correctly() -> None:
    for depth in (3.0, 7.25, 20.0):
        bid, ask = (canonical(side, depth=depth, drift=-0.4) for side in ("bid", "ask"))
        assert bid < ask
        assert ask - bid == pytest.approx(0.8)  # mu tau, half of it on each side
    cycle = quoted(configured(), drift=-0.4)
    assert cycle.expected_pnl_bps is not None
    for bid, ask in zip(*cycle.expected_pnl_bps, strict=True):
        assert bid < ask


# --- laws -------------------------------------------------------------------------------------


@given(kappa=st.floats(0.02, 2.0), cost=st.floats(0.0, 30.0))
def test_spread_term_peaks_one_depth_scale_above_cost(kappa: float, cost: float) -> None:
    found = minimize_scalar(
        lambda depth: -expected_pnl.level_pnl_bps(depth, kappa, cost, 0.0),
        bounds=(cost, cost + 5.0 / kappa),
        method="bounded",
        options={"xatol": 1e-7 / kappa},
    )
    # flat at its top: the argmax is found to about the square root of the precision
    assert (found.x - cost) * kappa == pytest.approx(1.0, abs=1e-3)


def test_canonical_peak() -> None:
    found = minimize_scalar(lambda d: -canonical("bid", depth=d), bounds=(1, 40), method="bounded")
    assert found.x == pytest.approx(11.53, abs=0.01)
    # 1.76 bp: no bid at any depth pays for a drift of -3.44 bp/s, 3.44 bp
    assert -found.fun == pytest.approx(1.7608, abs=1e-3)


def test_levels_farthest_from_the_peak_go_first() -> None:
    """Drift and inventory terms are not weighted by lambda: a known property of the formula."""

    def kept(first: float, spacing: float, drift: float) -> list[int]:
        depths = [first + level * spacing for level in range(6)]
        pnls = [canonical("bid", depth=depth, drift=drift) for depth in depths]
        return [level for level, pnl in enumerate(pnls) if expected_pnl.keeps_level(pnl)]

    # a tight ladder, 5 to 10 bp, loses its touch first
    assert kept(5.0, 1.0, -0.1) == [0, 1, 2, 3, 4, 5]
    assert kept(5.0, 1.0, -1.0) == [1, 2, 3, 4, 5]
    assert kept(5.0, 1.0, -1.6) == [4, 5]
    # a wide one, 10 to 60 bp, its deep end
    assert kept(10.0, 10.0, -0.1) == [0, 1, 2, 3]
    assert kept(10.0, 10.0, -1.0) == [0, 1]
    assert kept(10.0, 10.0, -1.6) == [0]


DOMAIN = {
    "depth": (0.0, 40.0),
    "kappa": (0.05, 0.5),
    "gamma": (0.01, 1.0),
    "beta": (0.0, 10.0),
    "sigma": (0.5, 10.0),
    "tau": (0.5, 20.0),
    "drift": (-20.0, 20.0),
    "position": (-3.0, 3.0),
    "max_position": (1.0, 20.0),
    "as_ratio": (0.0, 2.0),
    "fee": (0.0, 5.0),
    "carry": (-5.0, 5.0),
}
# largest |d - cost| there is 100 bp or so; largest gamma(q) sigma^2 tau is 11 x 100 x 20 = 22000
STEEPEST = {
    "depth": 0.5 * 140.0 + 1.0,
    "kappa": 140.0 / (math.e * 0.05),
    "gamma": 22000.0,
    "beta": 2000.0,
    "sigma": 2.0 * math.sqrt(20.0) + 2.0 * 11.0 * 10.0 * 20.0,
    "tau": 10.0 / math.sqrt(0.5) + 10.0 + 1100.0,
    "drift": 10.0,
    "position": 2000.0 * 31.0,
    "max_position": 2000.0 * 31.0,
    "as_ratio": 10.0 * math.sqrt(20.0),
    "fee": 1.0,
    "carry": 1.0,
}
points_st = st.fixed_dictionaries({name: st.floats(*span) for name, span in DOMAIN.items()})
sides_st = st.sampled_from(["bid", "ask"])


@given(side=sides_st, point=points_st)
def test_epnl_is_continuous_in_every_input(side: str, point: dict[str, float]) -> None:
    """No difference quotient exceeds the greatest slope the formula has in the domain."""
    step = 1e-4
    here = epnl(side, point)
    for name, steepest in STEEPEST.items():
        there = epnl(side, {**point, name: point[name] + step})
        assert abs(there - here) <= 1.01 * steepest * step + 1e-8, name


@given(side=sides_st, point=points_st, sign=st.sampled_from([-1.0, 1.0]))
def test_epnl_is_continuous_where_its_cases_change(
    side: str, point: dict[str, float], sign: float
) -> None:
    # at q = 0 the accumulating side changes, at |q| = q_max the clip begins
    for place in (0.0, sign * point["max_position"]):
        at, below, above = (
            epnl(side, {**point, "position": place + offset}) for offset in (0.0, -1e-9, 1e-9)
        )
        assert below == pytest.approx(at, abs=1e-3)
        assert above == pytest.approx(at, abs=1e-3)


@given(point=points_st, more=st.floats(0.01, 10.0))
def test_epnl_is_monotone_in_drift_at_fixed_depth(point: dict[str, float], more: float) -> None:
    rising = {**point, "drift": point["drift"] + more}
    assert epnl("bid", rising) > epnl("bid", point)
    assert epnl("ask", rising) < epnl("ask", point)


@given(point=points_st, more=st.floats(0.0, 3.0))
def test_epnl_is_monotone_in_inventory_at_fixed_depth(point: dict[str, float], more: float) -> None:
    longer = {**point, "position": point["position"] + more}
    assert epnl("bid", longer) <= epnl("bid", point) + 1e-9
    assert epnl("ask", longer) >= epnl("ask", point) - 1e-9


@given(point=points_st)
def test_epnl_is_mirror_symmetric(point: dict[str, float]) -> None:
    mirrored = {**point, "drift": -point["drift"], "position": -point["position"]}
    assert epnl("bid", point) == epnl("ask", mirrored)


# --- decisions --------------------------------------------------------------------------------


def test_intensity_is_relative_to_depth_zero() -> None:
    assert expected_pnl.fill_intensity(0.0, 0.1287) == 1.0
    assert expected_pnl.fill_intensity(7.77, 0.1287) == pytest.approx(1.0 / math.e, rel=1e-4)


def test_drift_contribution_is_by_side_not_by_position() -> None:
    """D-17: a long book in a falling market; the rejected reading rewards its bids."""
    assert expected_pnl.drift_contribution_bps("bid", -3.0, 2.0) == -3.0
    assert expected_pnl.drift_contribution_bps("ask", -3.0, 2.0) == 3.0
    by_position = textbook.Reading(drift_by="position")
    chosen, rejected = (
        textbook.ladder_side("bid", u=0.5, drift=-3.0, reading=reading)
        for reading in (textbook.CHOSEN, by_position)
    )
    assert textbook.resting(chosen) == 0
    assert textbook.resting(rejected) == 6
    cycle = quoted(configured(), u=0.5, drift=-3.0)
    assert cycle.expected_pnl_bps is not None
    assert cycle.expected_pnl_bps[0] == pytest.approx([level.pnl for level in chosen])


def test_inventory_term_and_its_bonus() -> None:
    def penalty(side: str, position: float) -> float:
        return expected_pnl.inventory_penalty_bps(side, 0.4125, 2.0, 2.0, position, 8.57)

    # 0.4125 x 0.5 x 4 x 2 = 1.65
    assert penalty("bid", 4.285) == penalty("ask", -4.285) == pytest.approx(1.65)
    assert penalty("ask", 4.285) == penalty("bid", -4.285) == pytest.approx(-0.825)
    assert penalty("bid", 0.0) == penalty("ask", 0.0) == 0.0
    assert penalty("bid", 100.0) == pytest.approx(3.3)  # |u| is clipped


def test_beta_is_applied_once() -> None:
    # at the limit gamma is 8 x 0.15; beta applied twice would be 64 x 0.15
    flat, full = canonical("bid"), canonical("bid", position=8.57)
    assert flat - full == pytest.approx(8.0 * 0.15 * 4.0 * 2.0)


def test_adverse_selection_grows_with_the_root_of_time() -> None:
    assert expected_pnl.adverse_selection_bps(0.8, 2.0, 2.0) == pytest.approx(2.2627, abs=1e-4)
    assert expected_pnl.adverse_selection_bps(0.8, 2.0, 8.0) == pytest.approx(4.5255, abs=1e-4)
    assert expected_pnl.adverse_selection_bps(0.8, 4.0, 2.0) == pytest.approx(4.5255, abs=1e-4)


def test_a_level_rests_only_on_a_positive_expectation() -> None:
    assert expected_pnl.keeps_level(1e-300)
    assert not expected_pnl.keeps_level(0.0)
    assert not expected_pnl.keeps_level(-0.0)
    assert not expected_pnl.keeps_level(-1e-300)
