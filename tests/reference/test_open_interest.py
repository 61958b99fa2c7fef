"""Phase 8: open interest, the proof that a new source needs no change to the filter.

New contracts carry the direction in which the mid moved while they came. Off by default.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
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

ON = {"alpha_open_interest": 1.0}


def read_twice(
    mids: tuple[float, float], contracts: tuple[float, float], **config: object
) -> dict[str, Any]:
    interest = Session("open_interest", **{**ON, **config})
    first = interest.step("read", mid=mids[0], contracts=contracts[0])
    assert silent(first)
    assert first["change"] is None
    return interest.step("read", mid=mids[1], contracts=contracts[1])


@given(
    mids=st.tuples(st.floats(1.0, 1e5), st.floats(1.0, 1e5)),
    contracts=st.tuples(st.floats(1.0, 1e9), st.floats(1.0, 1e9)),
    alpha=st.floats(0.01, 100.0),
)
def test_change_takes_the_sign_of_the_return(
    mids: tuple[float, float], contracts: tuple[float, float], alpha: float
) -> None:
    change = contracts[1] / contracts[0] - 1.0
    direction = (mids[1] > mids[0]) - (mids[1] < mids[0])
    reading = read_twice(mids, contracts, alpha_open_interest=alpha)
    assert reading["change"] == pytest.approx(change, rel=1e-9, abs=1e-12)
    expected = (alpha * change * direction, 4.0)
    assert observed(reading) == pytest.approx(expected, rel=1e-9, abs=1e-9)
    calibrated = observed(read_twice(mids, contracts, calibration="calibrated"))
    full_scale = max(-1.0, min(1.0, change / 0.01))
    assert calibrated == pytest.approx((10.0 * full_scale * direction, 260.0), abs=1e-6)


def test_growth_into_a_fall_is_bearish() -> None:
    z, variance = observed(read_twice((100.0, 99.0), (1000.0, 1004.0), calibration="calibrated"))
    assert (z, variance) == pytest.approx((-4.0, 260.0))
    assert drift_after(0.0, 8.0, (z, variance)) < 0.0
    # contracts closed while the mid falls are longs leaving: bullish by the formula
    assert observed(read_twice((100.0, 99.0), (1000.0, 996.0)))[0] > 0.0


def test_an_unmoved_mid_gives_no_direction() -> None:
    assert observed(read_twice((100.0, 100.0), (1000.0, 1500.0))) == (0.0, 4.0)


def test_it_is_off_by_default() -> None:
    for calibration in ("plan", "calibrated"):
        reading = read_twice(
            (100.0, 99.0), (1000.0, 1004.0), alpha_open_interest=0.0, calibration=calibration
        )
        assert silent(reading)
        assert reading["change"] == pytest.approx(0.004)
    assert Session("open_interest").config["alpha_open_interest"] == 0.0
    assert engine().config["alpha_open_interest"] == 0.0


def test_changes_chain() -> None:
    interest = Session("open_interest", **ON)
    readings = [
        interest.step("read", mid=mid, contracts=contracts)
        for mid, contracts in ((100.0, 1000.0), (101.0, 1100.0), (100.0, 1210.0), (99.0, 1089.0))
    ]
    assert [observed(reading)[0] for reading in readings[1:]] == pytest.approx([0.1, -0.1, 0.1])


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"contracts": 0.0}, "out_of_range"),
        ({"contracts": -1.0}, "out_of_range"),
        ({"contracts": "inf"}, "non_finite"),
        ({"mid": 0.0}, "out_of_range"),
    ],
)
def test_bad_reads_are_rejected(values: dict[str, object], code: str) -> None:
    spoiled, clean = Session("open_interest", **ON), Session("open_interest", **ON)
    for interest in (spoiled, clean):
        interest.step("read", mid=MID, contracts=1000.0)
    assert spoiled.rejection("read", **{"mid": 99.0, "contracts": 1010.0, **values}) == code
    last = {"mid": 99.0, "contracts": 1010.0}
    assert spoiled.step("read", **last) == clean.step("read", **last)


def test_the_engine_reads_it_between_cold_cycles() -> None:
    quoting = engine(use_tape_features=True, calibration="plan", **ON)
    cycles = []
    for n in range(11):
        contracts = 1000.0 + 10.0 * n
        quoting.step("open_interest", t_ms=n, contracts=contracts)
        cycles.append(quoting.step("cycle", t_ms=n, mid=MID - 0.001 * n))
    found = {n: by_source(cycle).get("open_interest") for n, cycle in enumerate(cycles)}
    assert {n for n, each in found.items() if each is not None} == {5, 10}
    assert found[5] == pytest.approx((-0.05, 4.0))
    assert found[10] == pytest.approx((-50.0 / 1050.0, 4.0))
