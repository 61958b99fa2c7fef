"""Phase 8: own fills that are larger than they used to be.

The baseline is held against pandas' exponentially weighted mean and variance, and its laws are
tested: the unit of size does not matter, and only sizes above the baseline speak.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.reference.sessions import (
    MID,
    Session,
    by_source,
    drift_after,
    engine,
    observed,
    silent,
)

Fill = tuple[str, float]
"""Own side, size."""

sides_st = st.sampled_from(["buy", "sell"])
fills_st = st.lists(st.tuples(sides_st, st.floats(0.01, 100.0)), min_size=1, max_size=60)


def recorded(fills: list[Fill], **config: object) -> dict[str, Any]:
    """What the last of ``fills`` leaves."""
    tracker = Session("fill_size", **config)
    return [tracker.step("fill", side=side, size=size) for side, size in fills][-1]


def baseline(fills: list[Fill], weight: float = 0.05) -> tuple[float, float]:
    """Mean and deviation as pandas weights them."""
    weighted = pd.Series([size for _, size in fills]).ewm(alpha=weight, adjust=False)
    return float(weighted.mean().iloc[-1]), math.sqrt(weighted.var(bias=True).iloc[-1])


def zscore(fills: list[Fill], side: str) -> float:
    """Mean of the side's last ten over the baseline, in its deviations."""
    sizes = [size for own, size in fills if own == side][-10:]
    mean, deviation = baseline(fills)
    return (float(np.mean(sizes)) - mean) / deviation if sizes else 0.0


USUAL: list[Fill] = [("buy", 1.0), ("sell", 2.0)] * 20


# --- the plan's named test --------------------------------------------------------------------


def test_fill_size_shift_large_bids_bearish() -> None:
    fills = USUAL + [("buy", 8.0)] * 6
    bid = zscore(fills, "buy")
    assert bid > 0.5
    assert zscore(fills, "sell") < 0.0
    z, variance = observed(recorded(fills))
    assert (z, variance) == pytest.approx((-0.1 * bid, 4.0))
    assert drift_after(0.0, 8.0, (z, variance)) < 0.0
    calibrated = observed(recorded(fills, calibration="calibrated"))
    assert calibrated == pytest.approx((-10.0 * bid / 5.0, 260.0))
    # large asks are bullish
    mirrored = [("sell" if side == "buy" else "buy", size) for side, size in fills]
    assert observed(recorded(mirrored)) == (-z, variance)


# --- the baseline -----------------------------------------------------------------------------


@given(fills=fills_st)
def test_baseline_is_pandas(fills: list[Fill]) -> None:
    reading = recorded(fills)
    mean, deviation = baseline(fills)
    assert reading["baseline_mean"] == pytest.approx(mean, rel=1e-9)
    assert reading["baseline_std"] == pytest.approx(deviation, rel=1e-6, abs=1e-6)


@given(fills=fills_st)
def test_zscores_and_observation(fills: list[Fill]) -> None:
    assume(baseline(fills)[1] > 1e-3)
    reading = recorded(fills)
    expected = [zscore(fills, side) for side in ("buy", "sell")]
    assert reading["zscores"] == pytest.approx(expected, rel=1e-6, abs=1e-6)
    bid, ask = (max(0.0, found) for found in expected)
    assume(max(abs(found) for found in expected) > 1e-3)
    if len(fills) < 20 or (bid, ask) == (0.0, 0.0):
        assert silent(reading)
    else:
        assert observed(reading) == pytest.approx((-0.1 * (bid - ask), 4.0), abs=1e-6)


@given(fills=fills_st, exponent=st.integers(-20, 20))
def test_the_unit_of_size_does_not_matter(fills: list[Fill], exponent: int) -> None:
    unit = 2.0**exponent  # exact
    one, other = recorded(fills), recorded([(side, size * unit) for side, size in fills])
    assert other["baseline_mean"] == one["baseline_mean"] * unit
    assert other["baseline_std"] == pytest.approx(one["baseline_std"] * unit, rel=1e-12)
    assert other["zscores"] == pytest.approx(one["zscores"], rel=1e-12)
    assert silent(one) == silent(other)


@given(fills=fills_st)
def test_swapped_sides_negate_the_observation(fills: list[Fill]) -> None:
    swapped = [("sell" if side == "buy" else "buy", size) for side, size in fills]
    for calibration in ("plan", "calibrated"):
        one, other = (
            recorded(each, calibration=calibration, fill_size_min_fills=1)
            for each in (fills, swapped)
        )
        assert other["zscores"] == one["zscores"][::-1]
        assert silent(one) == silent(other)
        if not silent(one):
            assert observed(other) == (-one["z_bps_per_s"], one["variance"])


# --- when it speaks ---------------------------------------------------------------------------


@given(size=st.floats(1e-6, 1e6), sides=st.lists(sides_st, min_size=20, max_size=60))
def test_constant_sizes_never_observe(size: float, sides: list[str]) -> None:
    tracker = Session("fill_size")
    for side in sides:
        reading = tracker.step("fill", side=side, size=size)
        assert silent(reading)
        assert reading["zscores"] == [0.0, 0.0]
    assert reading["baseline_mean"] == pytest.approx(size)


def test_sizes_that_differ_by_rounding_are_constant() -> None:
    fills: list[Fill] = [("buy", 0.1 + 0.2), ("sell", 0.3)] * 20
    assert fills[0][1] != fills[1][1]
    assert recorded(fills)["zscores"] == [0.0, 0.0]
    assert silent(recorded(fills))


def test_small_fills_say_nothing() -> None:
    """Only above the baseline: sizes that fall on both sides are no signal of the other side."""
    fills: list[Fill] = [("buy", 5.0), ("sell", 5.0)] * 10
    for _ in range(10):
        fills += [("buy", 0.1), ("sell", 0.1)]
    reading = recorded(fills)
    assert max(reading["zscores"]) < 0.0
    assert silent(reading)
    # one side below and one above: the one below counts as 0
    shifted = USUAL + [("buy", 0.1), ("sell", 9.0)] * 4
    bid, ask = (zscore(shifted, side) for side in ("buy", "sell"))
    assert bid < -0.3
    assert observed(recorded(shifted))[0] == pytest.approx(0.1 * ask)


def test_nineteen_fills_say_nothing() -> None:
    fills: list[Fill] = [("sell", 1.0)] * 9 + [("buy", 3.0)] * 10
    assert recorded(fills)["zscores"][0] > 0.5
    assert silent(recorded(fills))
    # both sides count towards the twenty
    assert not silent(recorded([("sell", 1.0), *fills]))


def test_ten_fills_a_side_are_recent() -> None:
    # the eleventh last is forgotten: 500 before ten of 1 leaves a z-score below 0
    fills: list[Fill] = [("sell", 1.0)] * 20 + [("buy", 500.0)] + [("buy", 1.0)] * 9
    assert recorded(fills)["zscores"][0] > 0.0
    assert recorded([*fills, ("buy", 1.0)])["zscores"][0] < 0.0
    # fills of the other side do not push it out
    assert recorded([*fills, *[("sell", 1.0)] * 15])["zscores"][0] > 0.0


def test_calibrated_signal_is_clipped() -> None:
    # 20 x w(1-w) variance: one giant among constants stands 1/sqrt(w(1-w)) - ... deviations out
    fills: list[Fill] = [("sell", 1.0)] * 200 + [("buy", 1e6)]
    bid = zscore(fills, "buy")
    assert bid == pytest.approx(math.sqrt(0.95 / 0.05))  # 4.36: below the clip of 5
    found = observed(recorded(fills, calibration="calibrated"))
    assert found == pytest.approx((-10.0 * bid / 5.0, 260.0))
    narrow = {"calibration": "calibrated", "fill_size_weight": 0.01}
    assert math.sqrt(0.99 / 0.01) > 5.0
    assert observed(recorded(fills, **narrow)) == pytest.approx((-10.0, 260.0))


@pytest.mark.parametrize("calibration", ["plan", "calibrated"])
def test_alpha_zero_leaves_it_out(calibration: str) -> None:
    fills = USUAL + [("buy", 8.0)] * 3
    assert silent(recorded(fills, alpha_fill_size=0.0, calibration=calibration))


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"size": 0.0}, "out_of_range"),
        ({"size": -1.0}, "out_of_range"),
        ({"size": "nan"}, "non_finite"),
        ({"side": "ask"}, "unparsable"),
    ],
)
def test_bad_fills_are_rejected(values: dict[str, object], code: str) -> None:
    spoiled, clean = Session("fill_size"), Session("fill_size")
    good = {"side": "buy", "size": 2.0}
    assert spoiled.rejection("fill", **{**good, **values}) == code
    assert spoiled.step("fill", **good) == clean.step("fill", **good)


# --- in the engine ----------------------------------------------------------------------------


def test_the_engine_watches_its_own_fills() -> None:
    fills = USUAL + [("buy", 8.0)] * 3
    quoting = engine(use_tape_features=True, calibration="plan")
    for side, size in fills:
        quoting.step("fill", t_ms=0, side=side, price=MID, size=size / 100.0)
    cycle = quoting.step("cycle", t_ms=0, mid=MID)
    assert by_source(cycle) == {"fill_size": pytest.approx(observed(recorded(fills)))}
