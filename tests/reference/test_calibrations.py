"""Two calibrations of the market's sources, and why the engine's default is ``calibrated``.

``calibrated`` makes every source a weak sensor: at most 10 bp/s, with a variance of at least 260.
So, while |mu| < 10 and P <= 8, one reading cannot take more than 3 % of a drift of its own
direction, and a full-scale reading adds to it. The plan's placeholder constants are a convex mix of
tiny readings at high gain: there a fully bearish book erases a bearish drift. Both with numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.reference.sessions import (
    MID,
    Observation,
    Session,
    by_source,
    drift_after,
    drift_at,
    engine,
    observed,
    part_of,
    posterior,
    silent,
)

Reading = Callable[[int, float, str], Iterator[Observation]]
"""From a seed, a strength in [-1, 1] (1 fully bullish) and a calibration to observations."""

FULL_SCALE_BPS_PER_S = 10.0


def flow_reading(seed: int, strength: float, calibration: str) -> Iterator[Observation]:
    rng = np.random.default_rng(seed)
    flow = Session("flow", calibration=calibration)
    for _ in range(20 + seed % 40):
        for side, share in (("buy", 1.0 + strength), ("sell", 1.0 - strength)):
            if share > 1e-9:
                flow.step("trade", t_ms=0, side=side, size=share * float(rng.uniform(0.5, 1.5)))
    yield observed(flow.step("read", t_ms=int(rng.integers(0, 5000))))


def funding_reading(seed: int, strength: float, calibration: str) -> Iterator[Observation]:
    rng = np.random.default_rng(seed)
    funding = Session("funding", calibration=calibration, funding_history=100)
    count = int(rng.integers(2, 40))
    rates = [*(1e-6 * rng.standard_normal(count)), -1e-2 * strength]
    for rate in rates:
        funding.step("funding", t_ms=0, rate=f"{rate:.12f}", interval_s=3600.0)
    yield observed(funding.step("read", t_ms=0))


def book_reading(seed: int, strength: float, calibration: str) -> Iterator[Observation]:
    """Two reads, the second book off the first by ``strength``: bim, dbim and bpg."""
    rng = np.random.default_rng(seed)
    depth = float(10.0 ** rng.uniform(-1.0, 5.0))
    seen = Session("book", calibration=calibration)
    for t_ms, lean in ((0, -strength), (1000, strength)):
        bid, ask = (depth * max(1e-6, 1.0 + sign * lean) for sign in (1.0, -1.0))
        bids, asks = (
            [(MID * (1.0 + way * 1e-4), size), (MID * (1.0 + way * 6e-3), size**2 / depth)]
            for way, size in ((-1.0, bid), (1.0, ask))
        )
        seen.step("book", t_ms=t_ms, bids=bids, asks=asks)
        reading = seen.step("read", t_ms=t_ms)
    for each in reading["signals"]:
        yield each["z_bps_per_s"], each["variance"]


def sweep_reading(seed: int, strength: float, calibration: str) -> Iterator[Observation]:
    rng = np.random.default_rng(seed)
    sweep = Session("sweep", calibration=calibration)
    for side, share in (("sell", 1.0 + strength), ("buy", 1.0 - strength)):
        size = share * float(rng.uniform(0.1, 30.0))
        if size > 1e-9:
            sweep.step("fill", t_ms=0, side=side, size=size, levels_crossed=2)
    yield observed(sweep.step("read", t_ms=0))


def hawkes_reading(seed: int, strength: float, calibration: str) -> Iterator[Observation]:
    rng = np.random.default_rng(seed)
    hawkes = Session("hawkes", calibration=calibration)
    t_ms = 0
    for _ in range(40):
        t_ms += int(rng.integers(0, 500))
        side = "buy" if rng.uniform(-1.0, 1.0) < strength else "sell"
        hawkes.step("trade", t_ms=t_ms, side=side)
    yield observed(hawkes.step("read", t_ms=t_ms + int(rng.integers(0, 5000))))


def fill_size_reading(seed: int, strength: float, calibration: str) -> Iterator[Observation]:
    rng = np.random.default_rng(seed)
    tracker = Session("fill_size", calibration=calibration)
    for size in rng.uniform(0.5, 1.5, 30):
        tracker.step("fill", side="buy", size=float(size))
    for side, share in (("buy", 1.0 - strength), ("sell", 1.0 + strength)):
        reading = tracker.step("fill", side=side, size=1.0 + 20.0 * share)
    if not silent(reading):
        yield observed(reading)


def cross_venue_reading(seed: int, strength: float, calibration: str) -> Iterator[Observation]:
    """Basis and lead: a mid that follows its leader, but for a last return of its own."""
    rng = np.random.default_rng(seed)
    venues = Session("cross_venue", calibration=calibration)
    mid, leader, spot = MID, 50_000.0, MID
    for moved in rng.standard_normal(30):
        mid, leader = mid * math.exp(moved / 1e4), leader * math.exp(moved / 1e4)
        venues.step("read", mid=mid, leader=leader, spot=spot)
    leader *= math.exp(20.0 * strength / 1e4)
    spot *= math.exp(-20.0 * strength / 1e4)
    reading = venues.step("read", mid=mid, leader=leader, spot=spot)
    for name in ("basis", "lead"):
        if reading[f"{name}_z_bps_per_s"] is not None:
            yield reading[f"{name}_z_bps_per_s"], reading[f"{name}_variance"]


def open_interest_reading(_seed: int, strength: float, calibration: str) -> Iterator[Observation]:
    interest = Session("open_interest", calibration=calibration, alpha_open_interest=1.0)
    interest.step("read", mid=MID, contracts=1000.0)
    mid = MID + math.copysign(0.1, strength) if strength else MID
    yield observed(interest.step("read", mid=mid, contracts=1000.0 * (1.0 + 0.02 * abs(strength))))


READINGS: dict[str, Reading] = {
    "flow": flow_reading,
    "funding": funding_reading,
    "book": book_reading,
    "sweep": sweep_reading,
    "hawkes": hawkes_reading,
    "fill_size": fill_size_reading,
    "cross_venue": cross_venue_reading,
    "open_interest": open_interest_reading,
}

seeds_st = st.integers(0, 1 << 16)
strengths_st = st.one_of(st.sampled_from([-1.0, 0.0, 1.0]), st.floats(-1.0, 1.0))
drifts_st = st.floats(0.01, 9.99)
variances_st = st.floats(2.0, 8.0)
every_source = pytest.mark.parametrize("source", READINGS)


def calibrated(source: str, seed: int, strength: float) -> list[Observation]:
    return list(READINGS[source](seed, strength, "calibrated"))


# --- calibrated: weak sensors -----------------------------------------------------------------


@every_source
@given(seed=seeds_st, strength=strengths_st)
def test_every_calibrated_reading_is_weak(source: str, seed: int, strength: float) -> None:
    for z, variance in calibrated(source, seed, strength):
        assert abs(z) <= FULL_SCALE_BPS_PER_S
        assert variance >= 260.0 * (1.0 - 1e-12)


@every_source
@given(seed=seeds_st, strength=strengths_st, drift=drifts_st, variance=variances_st)
def test_a_reading_hardly_weakens_a_drift_of_its_own_direction(
    source: str, seed: int, strength: float, drift: float, variance: float
) -> None:
    for z, noise in calibrated(source, seed, strength):
        # a bearish or neutral reading meets a bearish filter, a bullish one a bullish filter
        mean = math.copysign(drift, z) if z else -drift
        after = drift_after(mean, variance, (z, noise))
        assert after / mean >= 0.97


@every_source
@given(seed=seeds_st, sign=st.sampled_from([-1.0, 1.0]), drift=drifts_st, variance=variances_st)
def test_a_full_scale_reading_strengthens_a_drift_of_its_own_direction(
    source: str, seed: int, sign: float, drift: float, variance: float
) -> None:
    for z, noise in calibrated(source, seed, sign):
        if abs(z) < FULL_SCALE_BPS_PER_S * (1.0 - 1e-9):
            continue
        mean = math.copysign(drift, z)
        after = drift_after(mean, variance, (z, noise))
        assert after / mean > 1.0
        # and by exactly the Kalman gain's share of what is missing to 10
        assert after == pytest.approx(posterior(mean, variance, (z, noise))[0])


@pytest.mark.parametrize("source", [name for name in READINGS if name != "fill_size"])
def test_full_scale_is_reached(source: str) -> None:
    """So that the property above is about something; fill sizes reach 4.36 of 5 deviations."""
    for sign in (-1.0, 1.0):
        reached = [sign * z for seed in range(30) for z, _ in calibrated(source, seed, sign)]
        assert max(reached) == pytest.approx(FULL_SCALE_BPS_PER_S, rel=1e-3)


def test_the_largest_loss_is_three_percent() -> None:
    # a neutral reading at P = 8: 8/268
    assert drift_after(-7.0, 8.0, (0.0, 260.0)) == pytest.approx(-7.0 * (1.0 - 8.0 / 268.0))
    assert 0.029 < 8.0 / 268.0 < 0.03
    # at the prior's P = 50 it would be 16 %: the claim is about P <= 8, where fills keep it
    assert 1.0 + drift_after(-7.0, 50.0, (0.0, 260.0)) / 7.0 == pytest.approx(0.161, abs=1e-3)


# --- several readings in one cycle ------------------------------------------------------------


def book_of(bid: float, ask: float) -> dict[str, Any]:
    """Contracts on both sides at 1 bp, equal ones at 60 bp."""
    return {
        "bids": [(MID * (1.0 - 1e-4), bid), (MID * (1.0 - 6e-3), 1e-9)],
        "asks": [(MID * (1.0 + 1e-4), ask), (MID * (1.0 + 6e-3), 1e-9)],
    }


def test_three_neutral_hot_readings_add_up() -> None:
    """A composite of three with R = 260 has R = 86.7: 8/94.7 = 8.45 % of the drift."""
    quoting = engine(use_book_features=True)
    for t_ms in (0, 1000):
        quoting.step("book", t_ms=t_ms, **book_of(1000.0, 1000.0))
        cycle = quoting.step("cycle", t_ms=t_ms)
    parts = part_of(cycle)
    assert set(parts) == {"bim", "dbim", "bpg"}
    for part in parts.values():
        assert part == pytest.approx((0.0, 260.0), abs=1e-6)
    left = drift_after(-7.0, 8.0, by_source(cycle)["composite"])
    assert 1.0 - left / -7.0 == pytest.approx(8.0 / (8.0 + 260.0 / 3.0))
    assert 1.0 - left / -7.0 == pytest.approx(0.085, abs=5e-4)


# --- plan: what it does to a bearish drift -----------------------------------------------------


def bearish_imbalance(contracts: float, calibration: str) -> Observation:
    """A book that is all asks, but for what makes it two-sided."""
    seen = Session("book", calibration=calibration)
    seen.step("book", t_ms=0, **book_of(1e-9, contracts))
    (found,) = [
        (each["z_bps_per_s"], each["variance"])
        for each in seen.step("read", t_ms=0)["signals"]
        if each["source"] == "bim"
    ]
    return found


@pytest.mark.parametrize(
    ("depth_usd", "after_plan", "after_calibrated"),
    [(1e5, -1.7707, -7.0896), (1e6, -0.4833, -7.0896)],
)
def test_plan_lets_a_fully_bearish_book_erase_a_bearish_drift(
    depth_usd: float, after_plan: float, after_calibrated: float
) -> None:
    """At z = -0.3 with R = 2.25 or 0.225, and P = 8, a drift of -7 ends near what the book says."""
    plan = bearish_imbalance(depth_usd / MID, "plan")
    assert plan == pytest.approx((-0.3, 2.25e5 / depth_usd))
    assert drift_after(-7.0, 8.0, plan) == pytest.approx(after_plan, abs=1e-3)
    # calibrated the same book makes it more bearish
    weak = bearish_imbalance(depth_usd / MID, "calibrated")
    assert weak == pytest.approx((-10.0, 260.0))
    assert drift_after(-7.0, 8.0, weak) == pytest.approx(after_calibrated, abs=1e-3)


@every_source
def test_plan_fails_the_property_in_every_source(source: str) -> None:
    """Some fully bearish reading of each source takes more than 3 % of a drift of -8."""
    lost = [
        1.0 - drift_after(-8.0, 8.0, observation) / -8.0
        for seed in range(10)
        for observation in READINGS[source](seed, -1.0, "plan")
        if observation[0] <= 0.0
    ]
    assert max(lost) > 0.1


def test_the_engine_takes_calibrated_and_its_components_plan() -> None:
    assert engine().config["calibration"] == "calibrated"
    sources = ("flow", "funding", "book", "sweep", "hawkes", "fill_size", "cross_venue")
    for component in (*sources, "open_interest"):
        assert Session(component).config["calibration"] == "plan"


@given(drift=drifts_st, variance=variances_st)
def test_a_drift_is_where_it_was_put(drift: float, variance: float) -> None:
    """What the properties above stand on: the filter is at the mean and variance they name."""
    found = drift_at(drift, variance).step("predict", t_ms=0)
    assert found["drift_bps_per_s"] == pytest.approx(drift)
    assert found["variance"] == pytest.approx(variance)
