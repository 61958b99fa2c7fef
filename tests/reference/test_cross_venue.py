"""Phase 8: the spot market's basis, and a leader that moves first.

The regression behind the lead is held against numpy's least squares and scipy's correlation; what
cannot be regressed gives no observation and no failure.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import linregress
from tests.reference.sessions import (
    CYCLE_MS,
    MID,
    Q_MAX,
    Observation,
    Session,
    by_source,
    drift_after,
    engine,
)

Prices = list[tuple[float, float]]
"""Own mid and the leader's price, a cycle each."""


def prices_of(own_bps: list[float], leader_bps: list[float]) -> Prices:
    """Prices whose log returns are those given, from 100 and 50 000."""
    own, leader = (
        start * np.exp(np.cumsum([0.0, *returns]) / 1e4)
        for start, returns in ((100.0, own_bps), (50_000.0, leader_bps))
    )
    return list(zip(own.tolist(), leader.tolist(), strict=True))


def read_prices(prices: Prices, **config: object) -> dict[str, Any]:
    """What the last of the cycles says."""
    venues = Session("cross_venue", **config)
    return [venues.step("read", mid=mid, leader=leader) for mid, leader in prices][-1]


def basis_of(*mids_and_spots: tuple[float, float], **config: object) -> dict[str, Any]:
    venues = Session("cross_venue", **config)
    return [venues.step("read", mid=mid, spot=spot) for mid, spot in mids_and_spots][-1]


def part(reading: dict[str, Any], name: str) -> Observation | None:
    """The observation of ``basis`` or ``lead``; both its fields are null or neither."""
    z, variance = reading[f"{name}_z_bps_per_s"], reading[f"{name}_variance"]
    assert (z is None) == (variance is None)
    return None if z is None else (z, variance)


# --- the plan's named tests -------------------------------------------------------------------


def basis_in_the_engine(side: str | None) -> Observation:
    """Spot rises 8 bp against a constant mid, between two warm cycles."""
    quoting = engine(use_tape_features=True, calibration="plan")
    if side is not None:
        quoting.step("fill", t_ms=0, side=side, price=MID, size=0.5 * Q_MAX)
    quoting.step("reference_price", t_ms=0, source="spot", price=99.9)
    quoting.step("cycle", t_ms=0, mid=MID)
    quoting.step("reference_price", t_ms=1, source="spot", price=99.98)
    quoting.step("cycle", t_ms=1, mid=MID)
    return by_source(quoting.step("cycle", t_ms=2, mid=MID))["basis"]


@pytest.mark.parametrize("side", ["buy", "sell", None])
def test_basis_compression_bearish_when_long(side: str | None) -> None:
    """And when short or flat alike: the basis does not look at the position."""
    change = (MID / 99.98 - MID / 99.9) * 1e4
    assert change == pytest.approx(-8.0, abs=0.02)
    z, variance = basis_in_the_engine(side)
    assert (z, variance) == pytest.approx((0.2 * change, 4.0))
    assert drift_after(0.0, 8.0, (z, variance)) < 0.0
    reading = basis_of((MID, 99.9), (MID, 99.98))
    assert part(reading, "basis") == pytest.approx((z, variance))


def followed(last_leader_bps: float, last_own_bps: float, swing_bps: float = 4.0) -> Prices:
    """Thirty cycles of a mid that moves half as far as its leader, then one more."""
    leader = [swing_bps * math.sin(2.0 * n) for n in range(30)]
    own = [0.5 * each for each in leader]
    return prices_of([*own, last_own_bps], [*leader, last_leader_bps])


def test_lead_signal_btc_drop() -> None:
    """The leader falls 6 bp and the own mid has not followed yet."""
    reading = read_prices(followed(-6.0, 0.0))
    assert reading["lead_beta"] > 0.3
    assert reading["lead_bps"] == pytest.approx(reading["lead_beta"] * -6.0)
    z, variance = observed_lead(reading)
    assert z == pytest.approx(0.3 * reading["lead_bps"])
    assert variance == pytest.approx(2.25 / reading["lead_confidence"])
    assert z < 0.0
    assert drift_after(0.0, 8.0, (z, variance)) < 0.0
    # once it has followed there is no lead left
    done = read_prices(followed(-6.0, -3.0))
    assert done["lead_confidence"] == pytest.approx(1.0)
    assert observed_lead(done) == pytest.approx((0.0, 2.25), abs=1e-6)


def observed_lead(reading: dict[str, Any]) -> Observation:
    found = part(reading, "lead")
    assert found is not None
    return found


# --- basis ------------------------------------------------------------------------------------


@given(
    cycles=st.lists(
        st.tuples(st.floats(90.0, 110.0), st.floats(90.0, 110.0)), min_size=2, max_size=10
    )
)
def test_basis_and_its_change(cycles: list[tuple[float, float]]) -> None:
    basis: NDArray[np.float64] = np.array([(mid - spot) / spot * 1e4 for mid, spot in cycles])
    reading = basis_of(*cycles)
    change = float(np.diff(basis)[-1])
    assert reading["basis_bps"] == pytest.approx(basis[-1], abs=1e-8)
    assert reading["basis_change_bps"] == pytest.approx(change, abs=1e-8)
    assert part(reading, "basis") == pytest.approx((0.2 * change, 4.0), abs=1e-8)
    calibrated = part(basis_of(*cycles, calibration="calibrated"), "basis")
    expected = float(np.clip(change, -10.0, 10.0))  # 10 bp/s for 10 bp
    assert calibrated == pytest.approx((expected, 260.0), abs=1e-8)


def test_the_first_basis_has_no_change() -> None:
    venues = Session("cross_venue")
    empty = venues.step("read", mid=MID)
    assert empty["basis_bps"] is None
    first = venues.step("read", mid=MID, spot=99.9)
    assert first["basis_bps"] == pytest.approx(10.01, abs=0.001)
    for reading in (empty, first):
        assert reading["basis_change_bps"] is None
        assert part(reading, "basis") is None
    # a spot that is not heard of again keeps its last price; the mid moves the basis
    kept = venues.step("read", mid=100.1)
    assert kept["basis_change_bps"] == pytest.approx(0.1 / 99.9 * 1e4)


@pytest.mark.parametrize("calibration", ["plan", "calibrated"])
def test_alpha_zero_leaves_sources_out(calibration: str) -> None:
    basis = basis_of((MID, 99.9), (MID, 99.98), alpha_basis=0.0, calibration=calibration)
    assert part(basis, "basis") is None
    lead = read_prices(followed(-6.0, 0.0), alpha_lead=0.0, calibration=calibration)
    assert part(lead, "lead") is None


# --- lead -------------------------------------------------------------------------------------


@st.composite
def return_pairs(draw: st.DrawFn) -> tuple[list[float], list[float]]:
    """Own and leader's returns in bp, somewhat correlated."""
    count = draw(st.integers(20, 40))
    rng = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    leader, noise = rng.standard_normal((2, count)) * draw(st.floats(0.1, 50.0))
    mix = draw(st.floats(-1.0, 1.0))
    own = mix * leader + (1.0 - abs(mix)) * noise + draw(st.floats(-5.0, 5.0))
    return own.tolist(), leader.tolist()


@given(pair=return_pairs())
def test_regression_is_least_squares_with_an_intercept(
    pair: tuple[list[float], list[float]],
) -> None:
    own, leader = (np.array(returns) for returns in pair)
    design = np.column_stack([leader, np.ones_like(leader)])
    (beta, _), *_ = np.linalg.lstsq(design, own, rcond=None)
    confidence = float(linregress(leader, own).rvalue) ** 2
    reading = read_prices(prices_of(*pair))
    assert reading["lead_beta"] == pytest.approx(beta, rel=1e-5, abs=1e-7)
    assert reading["lead_confidence"] == pytest.approx(confidence, rel=1e-5, abs=1e-9)
    lead = beta * leader[-1] - own[-1]
    assert reading["lead_bps"] == pytest.approx(lead, rel=1e-5, abs=1e-6)
    assume(abs(confidence - 0.3) > 1e-4)
    if confidence < 0.3:
        assert part(reading, "lead") is None
    else:
        expected = (0.3 * lead, 2.25 / confidence)
        assert observed_lead(reading) == pytest.approx(expected, rel=1e-4, abs=1e-6)


@given(pair=return_pairs())
def test_negated_returns_negate_the_lead(pair: tuple[list[float], list[float]]) -> None:
    one = read_prices(prices_of(*pair))
    own, leader = ([-each for each in returns] for returns in pair)
    other = read_prices(prices_of(own, leader))
    assume(abs(one["lead_confidence"] - 0.3) > 1e-6)
    for name in ("lead_beta", "lead_confidence"):
        assert other[name] == pytest.approx(one[name], rel=1e-5, abs=1e-7)
    assert other["lead_bps"] == pytest.approx(-one["lead_bps"], rel=1e-5, abs=1e-6)
    assert (part(other, "lead") is None) == (part(one, "lead") is None)


def test_the_intercept_takes_a_common_trend_out() -> None:
    """Own returns of 3 bp a cycle whatever the leader does: no slope, no lead to speak of."""
    rng = np.random.default_rng(8)
    leader = rng.standard_normal(60) + 2.0
    own = 3.0 + 0.01 * rng.standard_normal(60)
    reading = read_prices(prices_of(own.tolist(), leader.tolist()))
    assert abs(reading["lead_beta"]) < 0.01  # through the origin it would be about 1.2
    assert part(reading, "lead") is None


def test_nineteen_returns_say_nothing() -> None:
    prices = followed(-6.0, 0.0)
    for count, known in ((19, False), (20, True)):
        reading = read_prices(prices[: count + 1])  # one more price than returns
        assert (reading["lead_beta"] is not None) == known
        assert (part(reading, "lead") is not None) == known


def test_a_hundred_returns_are_remembered() -> None:
    """What came before the last hundred does not matter: an opposite past is forgotten."""
    rng = np.random.default_rng(5)
    past, recent = rng.standard_normal(100), rng.standard_normal(100)
    longer = prices_of([*(-past), *(0.5 * recent)], [*past, *recent])
    reading = read_prices(longer)
    assert reading["lead_beta"] == pytest.approx(0.5)
    assert reading["lead_confidence"] == pytest.approx(1.0)
    assert read_prices(longer[:-1])["lead_beta"] < 0.5 - 1e-3


def test_calibrated_lead() -> None:
    for last, clipped in ((-6.0, False), (-60.0, True)):
        reading = read_prices(followed(last, 0.0, 40.0), calibration="calibrated")
        assert (abs(reading["lead_bps"]) > 10.0) == clipped
        z, variance = observed_lead(reading)
        assert z == pytest.approx(max(-10.0, reading["lead_bps"]))
        assert variance == pytest.approx(260.0 / reading["lead_confidence"])
        assert variance >= 260.0


@pytest.mark.parametrize(
    ("own", "leader"),
    [
        ([0.0] * 30, [0.0] * 30),
        ([1.0, -1.0] * 15, [0.0] * 30),  # the leader is never heard to move
        ([0.0] * 30, [1.0, -1.0] * 15),
        ([2.0] * 30, [3.0] * 30),  # constant returns have no variance either
        ([1e-11, -1e-11] * 15, [1.0, -1.0] * 15),
    ],
)
def test_what_cannot_be_regressed_is_no_observation(own: list[float], leader: list[float]) -> None:
    reading = read_prices(prices_of(own, leader))
    assert reading["lead_beta"] is None
    assert reading["lead_confidence"] is None
    assert part(reading, "lead") is None


def test_returns_are_recorded_while_both_prices_are_known() -> None:
    """A leader heard of late is regressed from its second cycle on."""
    prices = followed(-6.0, 0.0)
    venues = Session("cross_venue")
    for mid, _ in prices[:5]:
        early = venues.step("read", mid=mid)
    assert early["lead_beta"] is None
    readings = [venues.step("read", mid=mid, leader=leader) for mid, leader in prices[5:]]
    known = [reading["lead_beta"] is not None for reading in readings]
    assert known.index(True) == 20
    assert readings[-1]["lead_beta"] == pytest.approx(read_prices(prices[5:])["lead_beta"])


def test_an_absent_leader_has_not_moved() -> None:
    prices = followed(-6.0, 0.0)
    told, untold = Session("cross_venue"), Session("cross_venue")
    for mid, leader in prices:
        for venues in (told, untold):
            venues.step("read", mid=mid, leader=leader)
    last = prices[-1][1]
    one, other = told.step("read", mid=MID, leader=last), untold.step("read", mid=MID)
    assert one == other
    assert part(one, "lead") is not None


@pytest.mark.parametrize("value", [0.0, -1.0])
@pytest.mark.parametrize("name", ["mid", "spot", "leader"])
def test_bad_prices_are_rejected(name: str, value: float) -> None:
    good = {"mid": MID, "spot": 99.9, "leader": 50_000.0}
    spoiled, clean = Session("cross_venue"), Session("cross_venue")
    for venues in (spoiled, clean):
        venues.step("read", **good)
    assert spoiled.rejection("read", **{**good, name: value}) == "out_of_range"
    moved = {"mid": 100.1, "spot": 99.8, "leader": 50_100.0}
    assert spoiled.step("read", **moved) == clean.step("read", **moved)


# --- in the engine ----------------------------------------------------------------------------


def test_the_lead_is_observable_when_the_leader_moves_first() -> None:
    prices = followed(-6.0, 0.0)  # 32 cycles, 0 to 31
    prices = prices[1:]  # so that the leader's fall comes at a cold cycle, 30
    quoting = engine(use_tape_features=True, calibration="plan")
    cycles = []
    for n, (mid, leader) in enumerate(prices):
        quoting.step("reference_price", t_ms=n * CYCLE_MS, source="leader", price=leader)
        cycles.append(quoting.step("cycle", t_ms=n * CYCLE_MS, mid=mid))
    assert by_source(cycles[30])["lead"] == pytest.approx(observed_lead(read_prices(prices)))
    assert cycles[30]["drift_bps_per_s"] < cycles[29]["drift_bps_per_s"]
    # twenty returns by cycle 20; cold cycles only
    observing = [n for n, cycle in enumerate(cycles) if "lead" in by_source(cycle)]
    assert observing == [20, 25, 30]
