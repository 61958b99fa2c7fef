"""Phase 7: aggressors that take several own levels at once.

A bid fill that crossed two levels or more sweeps bids. Scores are summed a second time over every
fill of the window, which reaches back 3 s or to the last cycle, whichever is longer.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.reference.sessions import (
    CYCLE_MS,
    MID,
    Session,
    drift_after,
    engine,
    observed,
    part_of,
    silent,
)

Fill = tuple[int, str, float, int]
"""A time that passes in ms, own side, size, levels crossed."""

fills_st = st.tuples(
    st.integers(0, 3000),
    st.sampled_from(["buy", "sell"]),
    st.floats(0.01, 50.0),
    st.integers(1, 6),
)


def record(sweep: Session, t_ms: int, side: str, size: float, levels: int) -> None:
    sweep.step("fill", t_ms=t_ms, side=side, size=size, levels_crossed=levels)


def swept(*fills: Fill, **config: object) -> dict[str, Any]:
    """What a read at the time of the last of ``fills`` says."""
    sweep, t_ms = Session("sweep", **config), 0
    sweep.step("read", t_ms=0)
    for elapsed_ms, side, size, levels in fills:
        t_ms += elapsed_ms
        record(sweep, t_ms, side, size, levels)
    return sweep.step("read", t_ms=t_ms)


# --- the plan's named tests -------------------------------------------------------------------


def test_sweep_detection_multi_level() -> None:
    # three fills of 4, 5 and 6 contracts through 3, 2 and 4 levels, within 3 s
    reading = swept((0, "buy", 4.0, 3), (1500, "buy", 5.0, 2), (1500, "buy", 6.0, 4))
    assert reading["scores"] == pytest.approx([(12.0 + 10.0 + 24.0) / 10.0, 0.0])
    # as many contracts at one level each are no sweep
    single = swept((0, "buy", 4.0, 1), (1500, "buy", 5.0, 1), (1500, "buy", 6.0, 1))
    assert single["scores"] == [0.0, 0.0]
    assert silent(single)


def test_sweep_drift_observation_sign() -> None:
    for calibration in ("plan", "calibrated"):
        z_bid, r_bid = observed(swept((0, "buy", 2.0, 2), calibration=calibration))
        z_ask, r_ask = observed(swept((0, "sell", 2.0, 2), calibration=calibration))
        assert z_bid < 0.0 < z_ask
        assert (z_ask, r_ask) == (-z_bid, r_bid)
        assert drift_after(0.0, 8.0, (z_bid, r_bid)) < 0.0


# --- scores -----------------------------------------------------------------------------------


@given(
    rounds=st.lists(
        st.tuples(st.lists(fills_st, max_size=6), st.integers(0, 9000)), min_size=1, max_size=6
    )
)
def test_scores_are_sums_over_the_window(rounds: list[tuple[list[Fill], int]]) -> None:
    sweep = Session("sweep")
    sweep.step("read", t_ms=0)
    t_ms, last_read_ms = 0, 0
    taken: list[tuple[int, str, float, int]] = []
    for fills, waited_ms in rounds:
        for elapsed_ms, side, size, levels in fills:
            t_ms += elapsed_ms
            record(sweep, t_ms, side, size, levels)
            taken.append((t_ms, side, size, levels))
        t_ms += waited_ms
        reading = sweep.step("read", t_ms=t_ms)
        reach_ms = max(3000, t_ms - last_read_ms)
        scores = [
            sum(
                size * levels / 10.0
                for at_ms, own, size, levels in taken
                if own == side and levels >= 2 and t_ms - at_ms <= reach_ms
            )
            for side in ("buy", "sell")
        ]
        last_read_ms = t_ms
        assert reading["scores"] == pytest.approx(scores)
        if sum(scores) == 0.0:
            assert silent(reading)
        else:
            expected = (scores[1] - scores[0], 4.0 / max(sum(scores), 0.1))
            assert observed(reading) == pytest.approx(expected, abs=1e-9)


@given(fills=st.lists(fills_st, min_size=1, max_size=8))
def test_mirrored_fills_say_the_opposite(fills: list[Fill]) -> None:
    opposite = {"buy": "sell", "sell": "buy"}
    reading = swept(*fills)
    mirrored = swept(*((ms, opposite[side], size, levels) for ms, side, size, levels in fills))
    assert mirrored["scores"] == reading["scores"][::-1]
    assert mirrored["variance"] == reading["variance"]
    if not silent(reading):
        assert mirrored["z_bps_per_s"] == -reading["z_bps_per_s"]


def test_the_windows_border_belongs_to_it() -> None:
    for after_ms, counted in ((3000, True), (3001, False)):
        sweep = Session("sweep")
        record(sweep, 0, "buy", 5.0, 2)
        sweep.step("read", t_ms=0)
        sweep.step("read", t_ms=after_ms - 1000)  # so that 3 s is the longer window
        for _ in range(2):  # a read does not use it up
            reading = sweep.step("read", t_ms=after_ms)
            assert (reading["scores"] == [1.0, 0.0]) == counted


@pytest.mark.parametrize("window_ms", [1001, 1003, 2007, 4035])
def test_the_border_is_not_lost_to_rounding(window_ms: int) -> None:
    sweep = Session("sweep", sweep_window_s=window_ms / 1000)
    record(sweep, 0, "buy", 5.0, 2)
    assert sweep.step("read", t_ms=window_ms)["scores"] == [1.0, 0.0]
    assert sweep.step("read", t_ms=2 * window_ms + 1)["scores"] == [0.0, 0.0]


def test_no_sweep_falls_between_two_cycles() -> None:
    sweep = Session("sweep")
    sweep.step("read", t_ms=0)
    record(sweep, 1, "buy", 5.0, 2)
    assert observed(sweep.step("read", t_ms=CYCLE_MS)) == pytest.approx((-1.0, 4.0))
    assert silent(sweep.step("read", t_ms=2 * CYCLE_MS))


def test_small_sweeps_are_hardly_believed() -> None:
    # R = 4/max(total, 0.1)
    assert observed(swept((0, "buy", 0.1, 2))) == pytest.approx((-0.02, 40.0))
    assert observed(swept((0, "buy", 1.0, 2))) == pytest.approx((-0.2, 20.0))
    # sweeps of both sides cancel in z and add in precision
    both = swept((0, "buy", 10.0, 2), (0, "sell", 10.0, 2))
    assert observed(both) == pytest.approx((0.0, 1.0))


def test_calibrated_sweeps_are_clipped() -> None:
    for size, z in ((1.0, -2.0), (5.0, -10.0), (500.0, -10.0)):
        found = observed(swept((0, "buy", size, 2), calibration="calibrated"))
        assert found == pytest.approx((z, 260.0))


@pytest.mark.parametrize("calibration", ["plan", "calibrated"])
def test_alpha_zero_leaves_sweeps_out(calibration: str) -> None:
    assert silent(swept((0, "buy", 9.0, 3), alpha_sweep=0.0, calibration=calibration))


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"size": 0.0}, "out_of_range"),
        ({"size": "inf"}, "non_finite"),
        ({"levels_crossed": 0}, "out_of_range"),
        ({"levels_crossed": -2}, "out_of_range"),
        ({"levels_crossed": 2.5}, "unparsable"),
        ({"side": "bid"}, "unparsable"),
        ({"t_ms": -1}, "time_reversed"),
    ],
)
def test_bad_fills_are_rejected(values: dict[str, object], code: str) -> None:
    sweep = Session("sweep")
    sweep.step("read", t_ms=0)
    given_values = {"t_ms": 0, "side": "buy", "size": 9.0, "levels_crossed": 3, **values}
    assert sweep.rejection("fill", **given_values) == code
    assert silent(sweep.step("read", t_ms=0))


# --- in the engine ----------------------------------------------------------------------------


def engine_sweep(levels_crossed: int | None, **config: object) -> dict[str, Any]:
    quoting = engine(**{"use_book_features": True, "calibration": "plan", **config})
    quoting.step("cycle", t_ms=0, mid=MID)
    values: dict[str, object] = {"side": "buy", "price": MID, "size": 0.5}
    if levels_crossed is not None:
        values["levels_crossed"] = levels_crossed
    for t_ms in (10, 10, 10):  # the levels one aggressor took
        quoting.step("fill", t_ms=t_ms, **values)
    return quoting.step("cycle", t_ms=CYCLE_MS, mid=MID)


def test_own_fills_of_the_engine_sweep() -> None:
    cycle = engine_sweep(3)
    # 3 x 0.5 x 3 / 10, seen 6.44 s later because no cycle came before
    assert part_of(cycle) == {"sweep": pytest.approx((-0.45, 4.0 / 0.45))}
    assert cycle["drift_bps_per_s"] < 0.0
    for crossed in (None, 1):
        assert engine_sweep(crossed)["composite_parts"] == []
    assert engine_sweep(3, use_book_features=False)["composite_parts"] == []


def test_levels_crossed_is_whole_and_at_least_one() -> None:
    quoting = engine()
    values = {"t_ms": 0, "side": "buy", "price": MID, "size": 0.5}
    assert quoting.rejection("fill", **values, levels_crossed=0) == "out_of_range"
    assert quoting.rejection("fill", **values, levels_crossed=1.5) == "unparsable"
    assert quoting.step("cycle", t_ms=0, mid=MID)["position"] == 0.0
