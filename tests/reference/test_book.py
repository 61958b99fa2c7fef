"""Phase 7: what the shape of the book says, and the composite that carries it to the filter.

Imbalances are counted a second time with numpy over every level, the rate of change with pandas.
The composite's claim, that one observation does what its parts would do in turn, is tested by
leading the component ``drift`` through them and comparing it with the engine.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.reference.sessions import (
    MID,
    Q_MAX,
    Observation,
    Session,
    by_source,
    drift_after,
    engine,
    part_of,
    posterior,
)

Levels = list[tuple[float, float]]
"""Levels of one side: distance from the mid in bp, contracts."""

Book = dict[str, Any]
DEPTHS = (10.0, 25.0, 50.0)


def book(bids: Levels, asks: Levels, mid: float = MID) -> Book:
    """The values of a book step; both touches must be equally far for ``mid`` to be its mid."""
    return {
        "bids": [(mid * (1.0 - distance / 1e4), size) for distance, size in bids],
        "asks": [(mid * (1.0 + distance / 1e4), size) for distance, size in asks],
    }


def sized(bid: float, ask: float) -> Book:
    """One level a side, 1 bp off the mid."""
    return book([(1.0, bid)], [(1.0, ask)])


def read_book(shown: Book, **config: object) -> dict[str, Any]:
    """What a first read of one book says."""
    seen = Session("book", **config)
    seen.step("book", t_ms=0, **shown)
    return seen.step("read", t_ms=0)


def signals(reading: dict[str, Any]) -> dict[str, Observation]:
    return {each["source"]: (each["z_bps_per_s"], each["variance"]) for each in reading["signals"]}


def counted(shown: Book, depth_bps: float) -> tuple[float, float]:
    """Contracts (bid, ask) within ``depth_bps`` of the book's mid."""
    bids, asks = (np.array(shown[side]).reshape(-1, 2) for side in ("bids", "asks"))
    mid = (bids[0, 0] + asks[0, 0]) / 2.0
    within = []
    for side in (bids, asks):
        distances: NDArray[np.float64] = np.abs(side[:, 0] / mid - 1.0) * 1e4
        within.append(float(side[distances < depth_bps + 1e-7, 1].sum()))
    return within[0], within[1]


@st.composite
def sides(draw: st.DrawFn, touch: int, sizes: st.SearchStrategy[float]) -> Levels:
    """A touch and deeper levels, in tenths of a bp."""
    gaps = draw(st.lists(st.integers(1, 200), max_size=12))
    tenths = np.cumsum([touch, *gaps])
    return [(float(tenth) / 10.0, draw(sizes)) for tenth in tenths]


@st.composite
def books(draw: st.DrawFn, sizes: st.SearchStrategy[float] | None = None) -> Book:
    """A book of two sides, as wide and as deep as chance will have it."""
    mid = draw(st.floats(0.01, 1e5))
    touch = draw(st.integers(1, 150))
    contracts = sizes if sizes is not None else st.floats(0.001, 1e4)
    return book(draw(sides(touch, contracts)), draw(sides(touch, contracts)), mid)


FRAGILE = book(
    [(1.0, 30.0), (5.0, 30.0), (20.0, 2.0), (60.0, 1.0)],
    [(1.0, 10.0), (5.0, 10.0), (20.0, 40.0), (60.0, 1.0)],
)
"""Support near the touch only: BIM is 60 - 20 over 80 within 10 bp, 62 - 60 over 122 beyond."""


# --- the plan's named tests -------------------------------------------------------------------


def test_bim_multi_depth_correct() -> None:
    shown = book(
        [(1.0, 8.0), (12.0, 1.0), (40.0, 3.0), (70.0, 99.0)],
        [(1.0, 2.0), (12.0, 9.0), (40.0, 37.0), (70.0, 99.0)],
    )
    reading = read_book(shown)
    # (8 - 2)/10, (9 - 11)/20, (12 - 48)/60
    assert reading["imbalances"] == pytest.approx([0.6, -0.1, -0.6])
    assert reading["insufficient_depth_bps"] == []
    assert reading["pressure_gradient"] == pytest.approx(1.2)
    assert reading["depth_usd"] == pytest.approx(10.0 * MID)


def test_dbim_negative_precedes_drop() -> None:
    seen = Session("book")
    readings = []
    # bids thin out at an unmoved price: BIM 0.5, 0, -0.5, -0.8
    for t_ms, bid, ask in ((0, 3.0, 1.0), (5000, 2.0, 2.0), (10_000, 1.0, 3.0), (15_000, 1.0, 9.0)):
        seen.step("book", t_ms=t_ms, **sized(bid, ask))
        readings.append(seen.step("read", t_ms=t_ms))
    assert readings[0]["delta_bim_per_s"] is None
    assert "dbim" not in signals(readings[0])
    # -0.1 a second twice, then -0.06 smoothed in by 0.3
    rates = [reading["delta_bim_per_s"] for reading in readings[1:]]
    assert rates == pytest.approx([-0.1, -0.1, -0.088])
    for rate, reading in zip(rates, readings[1:], strict=True):
        assert signals(reading)["dbim"] == pytest.approx((0.2 * rate, 4.0))
    assert signals(readings[1])["bim"][0] == 0.0  # the imbalance itself says nothing yet


def test_bpg_fragile_support() -> None:
    reading = read_book(FRAGILE)
    gradient = 40.0 / 80.0 - 2.0 / 122.0
    assert reading["pressure_gradient"] == pytest.approx(gradient)
    assert signals(reading)["bpg"] == pytest.approx((-0.15 * gradient, 3.0))
    # for a long, as the plan asks, and for whom else: the position is not looked at
    parts = []
    for side in (None, "buy", "sell"):
        quoting = engine(use_book_features=True, calibration="plan")
        if side:
            quoting.step("fill", t_ms=0, side=side, price=MID, size=0.5 * Q_MAX)
        quoting.step("book", t_ms=0, **FRAGILE)
        parts.append(part_of(quoting.step("cycle", t_ms=0)))
    assert parts[0]["bpg"] == pytest.approx((-0.15 * gradient, 3.0))
    assert parts[0]["bpg"][0] < 0.0
    assert parts[1] == parts[2] == parts[0]


# --- imbalances -------------------------------------------------------------------------------


@given(shown=books())
def test_imbalances_are_numpys(shown: Book) -> None:
    reading = read_book(shown)
    for imbalance, depth_bps in zip(reading["imbalances"], DEPTHS, strict=True):
        bid, ask = counted(shown, depth_bps)
        expected = (bid - ask) / (bid + ask) if bid + ask > 0.0 else 0.0
        assert imbalance == pytest.approx(expected, abs=1e-9)
        assert -1.0 <= imbalance <= 1.0
    bid, ask = counted(shown, 10.0)
    mid = (shown["bids"][0][0] + shown["asks"][0][0]) / 2.0
    assert reading["depth_usd"] == pytest.approx((bid + ask) * mid)


@given(shown=books(st.floats(1e-12, 1e12)))
def test_imbalances_are_bounded_for_any_sizes(shown: Book) -> None:
    reading = read_book(shown)
    assert all(-1.0 <= imbalance <= 1.0 for imbalance in reading["imbalances"])


@pytest.mark.parametrize("mid", [0.37, 25.0, 100.0, 43_219.5])
def test_the_border_belongs_to_the_depth(mid: float) -> None:
    for index, depth_bps in enumerate(DEPTHS):
        on_it, beyond = (
            book(
                [(1.0, 1.0), (depth_bps + off, 3.0), (99.0, 1.0)],
                [(1.0, 1.0), (99.0, 1.0)],
                mid,
            )
            for off in (0.0, 1e-4)
        )
        assert read_book(on_it)["imbalances"][index] == pytest.approx(3.0 / 5.0)
        assert read_book(beyond)["imbalances"][index] == 0.0


def test_the_imbalance_is_in_contracts() -> None:
    # 100 contracts at 90 against 100 at 110 would be unequal money
    shown = {"bids": [(90.0, 100.0)], "asks": [(110.0, 100.0)]}
    assert read_book(shown)["imbalances"] == [0.0, 0.0, 0.0]
    near = {"bids": [(99.95, 100.0)], "asks": [(100.05, 100.0)]}
    assert signals(read_book(near))["bim"][0] == 0.0


@given(shown=books())
def test_a_depth_that_is_not_reached_says_so(shown: Book) -> None:
    mid = (shown["bids"][0][0] + shown["asks"][0][0]) / 2.0
    reach = min(abs(shown[side][-1][0] / mid - 1.0) * 1e4 for side in ("bids", "asks"))
    reading = read_book(shown)
    missing = [depth_bps for depth_bps in DEPTHS if reach < depth_bps - 1e-7]
    assert reading["insufficient_depth_bps"] == missing
    assert (reading["pressure_gradient"] is None) == (50.0 in missing)
    if 50.0 in missing:
        assert "bpg" not in signals(reading)


def test_twenty_levels_of_a_liquid_market_reach_little() -> None:
    """2.5 bp: the three imbalances are one number, and there is no gradient for want of data."""
    levels = [(0.125 * (n + 1), 5.0 + n) for n in range(20)]
    reading = read_book(book(levels, [(d, 1.0) for d, _ in levels]))
    assert reading["insufficient_depth_bps"] == [10.0, 25.0, 50.0]
    assert len(set(reading["imbalances"])) == 1
    assert reading["pressure_gradient"] is None
    assert set(signals(reading)) == {"bim"}


@pytest.mark.parametrize(
    "shown",
    [
        None,
        {"bids": [], "asks": []},
        {"bids": [(99.9, 5.0)], "asks": []},
        {"bids": [], "asks": [(100.1, 5.0)]},
    ],
)
def test_without_two_sides_there_is_nothing_to_say(shown: Book | None) -> None:
    seen = Session("book")
    if shown is not None:
        seen.step("book", t_ms=0, **shown)
    reading = seen.step("read", t_ms=0)
    assert reading["imbalances"] == [0.0, 0.0, 0.0]
    assert reading["depth_usd"] == 0.0
    assert reading["insufficient_depth_bps"] == [10.0, 25.0, 50.0]
    assert reading["pressure_gradient"] is None
    assert reading["delta_bim_per_s"] is None
    assert reading["signals"] == []


def test_a_side_that_empties_silences_the_book_at_once() -> None:
    seen = Session("book")
    seen.step("book", t_ms=0, **FRAGILE)
    assert set(signals(seen.step("read", t_ms=0))) == {"bim", "bpg"}
    seen.step("book", t_ms=1000, bids=[], asks=FRAGILE["asks"])
    assert seen.step("read", t_ms=1000)["signals"] == []


def test_crossed_books_are_rejected_and_locked_ones_read() -> None:
    seen = Session("book")
    crossed = seen.rejection("book", t_ms=0, bids=[(100.1, 1.0)], asks=[(100.0, 1.0)])
    assert crossed == "crossed_book"
    assert seen.step("read", t_ms=0)["signals"] == []
    locked = read_book({"bids": [(100.0, 3.0)], "asks": [(100.0, 1.0)]})
    assert locked["imbalances"] == [0.5, 0.5, 0.5]


@pytest.mark.parametrize(
    ("bids", "code"),
    [
        ([(99.8, 1.0), (99.9, 1.0)], "out_of_range"),  # not best first
        ([(99.9, 1.0), (99.9, 1.0)], "out_of_range"),
        ([(99.9, 0.0)], "out_of_range"),
        ([(-99.9, 1.0)], "out_of_range"),
        ([[99.9, "nan"]], "non_finite"),
    ],
)
def test_bad_books_leave_the_last_one(bids: list[object], code: str) -> None:
    spoiled, clean = Session("book"), Session("book")
    for seen in (spoiled, clean):
        seen.step("book", t_ms=0, **FRAGILE)
    assert spoiled.rejection("book", t_ms=0, bids=bids, asks=[(100.1, 1.0)]) == code
    assert spoiled.step("read", t_ms=0) == clean.step("read", t_ms=0)


# --- rate of change ---------------------------------------------------------------------------


@given(
    sizes=st.lists(
        st.tuples(st.integers(1, 20_000), st.floats(0.01, 100.0), st.floats(0.01, 100.0)),
        min_size=2,
        max_size=30,
    )
)
def test_rate_of_change_is_pandas_average_of_the_derivatives(
    sizes: list[tuple[int, float, float]],
) -> None:
    seen = Session("book")
    t_ms, readings = 0, []
    for elapsed_ms, bid, ask in sizes:
        t_ms += elapsed_ms
        seen.step("book", t_ms=t_ms, **sized(bid, ask))
        readings.append(seen.step("read", t_ms=t_ms)["delta_bim_per_s"])

    table = pd.DataFrame(sizes, columns=["elapsed_ms", "bid", "ask"])
    imbalance = (table.bid - table.ask) / (table.bid + table.ask)
    derivative = (imbalance.diff() / (table.elapsed_ms / 1000.0)).iloc[1:]
    smoothed = derivative.ewm(alpha=0.3, adjust=False).mean()
    assert readings[0] is None
    # clipped after the smoothing, so that a jump is not forgotten sooner than it came
    assert readings[1:] == pytest.approx(list(smoothed.clip(-1.0, 1.0)), rel=1e-6, abs=1e-9)


def rates_after(*shown: tuple[int, Book]) -> list[float | None]:
    seen = Session("book")
    found: list[float | None] = []
    for t_ms, values in shown:
        seen.step("book", t_ms=t_ms, **values)
        found.append(seen.step("read", t_ms=t_ms)["delta_bim_per_s"])
    return found


def test_the_derivative_moves_only_when_read_and_time_has_passed() -> None:
    seen = Session("book")
    seen.step("book", t_ms=0, **sized(1.0, 1.0))
    seen.step("read", t_ms=0)
    # books between reads are not looked at
    seen.step("book", t_ms=1000, **sized(1.0, 9.0))
    seen.step("book", t_ms=4000, **sized(3.0, 1.0))
    assert seen.step("read", t_ms=5000)["delta_bim_per_s"] == pytest.approx(0.1)
    # no time passes: neither the average nor the stored imbalance moves
    seen.step("book", t_ms=5000, **sized(1.0, 9.0))
    assert seen.step("read", t_ms=5000)["delta_bim_per_s"] == pytest.approx(0.1)
    seen.step("book", t_ms=10_000, **sized(3.0, 1.0))
    later = seen.step("read", t_ms=10_000)["delta_bim_per_s"]
    assert later == pytest.approx(0.07)  # derivative 0 since the stored 0.5


def test_reads_without_an_imbalance_are_bridged() -> None:
    """The derivative spans them: from 0 to 0.5 in 10 s, not in the 5 s since the empty book."""
    bridged = rates_after(
        (0, sized(1.0, 1.0)),
        (5000, {"bids": [], "asks": [(100.01, 1.0)]}),
        (10_000, sized(3.0, 1.0)),
    )
    assert bridged[2] == pytest.approx(0.05)
    # a book that has nothing within 10 bp has no imbalance there either
    far = rates_after(
        (0, sized(1.0, 1.0)),
        (5000, book([(11.0, 9.0), (60.0, 1.0)], [(11.0, 1.0), (60.0, 1.0)])),
        (10_000, sized(3.0, 1.0)),
    )
    assert far[2] == pytest.approx(0.05)


def test_a_book_with_nothing_near_gives_no_signal() -> None:
    reading = read_book(book([(11.0, 9.0), (60.0, 1.0)], [(11.0, 1.0), (60.0, 1.0)]))
    assert reading["imbalances"] == pytest.approx([0.0, 0.8, 0.8])
    assert reading["depth_usd"] == 0.0
    assert reading["signals"] == []


# --- observations -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("contracts", "variance", "calibrated"),
    [
        (10.0, 225.0, 26_000.0),  # $1 000
        (1000.0, 2.25, 260.0),  # the reference depth
        (10_000.0, 0.225, 260.0),  # deeper is surer in the plan, never surer than 260 calibrated
        (0.5, 2250.0, 520_000.0),  # $50: the plan's depth is at least $100
    ],
)
def test_reliability_of_the_imbalance(contracts: float, variance: float, calibrated: float) -> None:
    shown = sized(0.75 * contracts, 0.25 * contracts)
    assert signals(read_book(shown))["bim"] == pytest.approx((0.15, variance))
    found = signals(read_book(shown, calibration="calibrated"))["bim"]
    assert found == pytest.approx((5.0, calibrated))


def test_calibrated_signals() -> None:
    seen = Session("book", calibration="calibrated")
    seen.step("book", t_ms=0, **sized(1.0, 1.0))
    seen.step("read", t_ms=0)
    seen.step("book", t_ms=10_000, **FRAGILE)
    found = signals(seen.step("read", t_ms=10_000))
    gradient = 0.5 - 2.0 / 122.0
    assert found["bim"] == pytest.approx((5.0, 260.0 * 1e5 / 8000.0))
    assert found["dbim"] == pytest.approx((10.0 * 0.05, 260.0))
    assert found["bpg"] == pytest.approx((-10.0 * gradient / 2.0, 260.0))


@pytest.mark.parametrize("calibration", ["plan", "calibrated"])
@pytest.mark.parametrize("source", ["bim", "dbim", "bpg"])
def test_alpha_zero_leaves_a_source_out(calibration: str, source: str) -> None:
    seen = Session("book", calibration=calibration, **{f"alpha_{source}": 0.0})
    for t_ms in (0, 5000):
        seen.step("book", t_ms=t_ms, **FRAGILE)
        found = signals(seen.step("read", t_ms=t_ms))
    assert set(found) == {"bim", "dbim", "bpg"} - {source}


# --- mirror -----------------------------------------------------------------------------------


def mirrored(shown: Book, mid: float) -> Book:
    """Bids for asks, as far from the mid."""
    return {
        name: [(2.0 * mid - price, size) for price, size in shown[other]]
        for name, other in (("bids", "asks"), ("asks", "bids"))
    }


@given(
    shapes=st.lists(
        st.tuples(
            st.lists(st.integers(1, 40), min_size=1, max_size=6),
            st.lists(st.integers(1, 40), min_size=1, max_size=6),
            st.integers(1, 20_000),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_a_mirrored_book_says_the_opposite(
    shapes: list[tuple[list[int], list[int], int]],
) -> None:
    """Prices in 2048ths about 64, so that the mirror is exact and the figures must be equal."""
    one, other = Session("book"), Session("book")
    t_ms = 0
    for bids, asks, elapsed_ms in shapes:
        t_ms += elapsed_ms
        shown: Book = {
            "bids": [(64.0 - (n + 1) / 32.0, float(size)) for n, size in enumerate(bids)],
            "asks": [(64.0 + (n + 1) / 32.0, float(size)) for n, size in enumerate(asks)],
        }
        one.step("book", t_ms=t_ms, **shown)
        other.step("book", t_ms=t_ms, **mirrored(shown, 64.0))
        reading, opposite = (each.step("read", t_ms=t_ms) for each in (one, other))
        assert opposite["imbalances"] == [-imbalance for imbalance in reading["imbalances"]]
        for name in ("delta_bim_per_s", "pressure_gradient"):
            found = reading[name]
            assert opposite[name] == (None if found is None else -found)
        for name in ("depth_usd", "insufficient_depth_bps"):
            assert opposite[name] == reading[name]
        negated = {source: (-z, r) for source, (z, r) in signals(reading).items()}
        assert signals(opposite) == negated


# --- the composite ----------------------------------------------------------------------------

Round = tuple[int, Book | None, bool, str, int]
"""A time that passes in ms, a book or none, then a fill or none: its side, the levels it swept."""

rounds_st = st.lists(
    st.tuples(
        st.integers(1, 9000),
        st.one_of(st.none(), books()),
        st.booleans(),
        st.sampled_from(["buy", "sell"]),
        st.integers(1, 4),
    ),
    min_size=1,
    max_size=6,
)
alphas_st = st.fixed_dictionaries(
    {
        "alpha_bim": st.sampled_from([0.0, 0.3]),
        "alpha_dbim": st.sampled_from([0.0, 0.2]),
        "alpha_bpg": st.sampled_from([0.0, 0.15]),
        "alpha_sweep": st.sampled_from([0.0, 1.0]),
    }
)


def live(quoting: Session, rounds: list[Round]) -> list[tuple[int, dict[str, Any]]]:
    """Times and cycles of a session."""
    t_ms, cycles = 0, []
    for elapsed_ms, shown, fills, side, levels in rounds:
        t_ms += elapsed_ms
        if shown is not None:
            quoting.step("book", t_ms=t_ms, **shown)
        if fills:
            values = {"side": side, "price": MID, "size": 3.0, "levels_crossed": levels}
            quoting.step("fill", t_ms=t_ms, mid=MID * 0.9999, **values)
        cycles.append((t_ms, quoting.step("cycle", t_ms=t_ms, mid=MID)))
    return cycles


def observe_all(drift: Session, observations: list[dict[str, Any]]) -> None:
    for each in observations:
        drift.step("observe", z_bps_per_s=each["z_bps_per_s"], variance=each["variance"])


@settings(max_examples=50)
@given(rounds=rounds_st, alphas=alphas_st, calibration=st.sampled_from(["plan", "calibrated"]))
def test_composite_is_its_parts_one_after_the_other(
    rounds: list[Round], alphas: dict[str, float], calibration: str
) -> None:
    quoting = engine(
        use_book_features=True, use_online_adaptation=False, calibration=calibration, **alphas
    )
    drift = Session("drift", p_min=0.0)
    for t_ms, cycle in live(quoting, rounds):
        observations = cycle["drift_observations"]
        observe_all(drift, [each for each in observations if each["source"] == "fill"])
        posterior_now = drift.step("predict", t_ms=t_ms)
        for each in cycle["composite_parts"]:
            posterior_now = drift.step(
                "observe", z_bps_per_s=each["z_bps_per_s"], variance=each["variance"]
            )
        assert {each["source"] for each in observations} <= {"fill", "composite"}
        assert cycle["drift_bps_per_s"] == pytest.approx(
            posterior_now["drift_bps_per_s"], rel=1e-9, abs=1e-9
        )
        assert cycle["drift_variance"] == pytest.approx(posterior_now["variance"], rel=1e-9)
        off = {
            source for source in ("bim", "dbim", "bpg", "sweep") if not alphas[f"alpha_{source}"]
        }
        assert not off & set(part_of(cycle))


@settings(max_examples=50)
@given(rounds=rounds_st)
def test_composite_is_the_precision_weighted_mean_of_its_parts(rounds: list[Round]) -> None:
    for _, cycle in live(engine(use_book_features=True), rounds):
        parts = list(part_of(cycle).values())
        if not parts:
            assert "composite" not in by_source(cycle)
            continue
        precisions = np.array([1.0 / r for _, r in parts])
        z, variance = by_source(cycle)["composite"]
        assert variance == pytest.approx(1.0 / precisions.sum())
        assert z == pytest.approx(float(np.average([z for z, _ in parts], weights=precisions)))


def test_composite_does_not_widen_on_disagreement() -> None:
    """The plan says it would: agreeing and quarrelling parts have the same variance."""
    cycles = []
    for shape in (FRAGILE, mirrored(FRAGILE, MID)):
        # the same swept bids beside an imbalance that agrees, and one that does not
        quoting = engine(use_book_features=True, alpha_bpg=0.0)
        quoting.step("book", t_ms=0, **shape)
        values = {"side": "sell", "price": MID, "size": 5.0, "levels_crossed": 2}
        quoting.step("fill", t_ms=0, mid=MID, **values)
        cycles.append(quoting.step("cycle", t_ms=0, mid=MID))
    agreeing, quarrelling = (part_of(cycle) for cycle in cycles)
    assert agreeing["bim"][0] * agreeing["sweep"][0] > 0.0
    assert quarrelling["bim"][0] * quarrelling["sweep"][0] < 0.0
    variances = [by_source(cycle)["composite"][1] for cycle in cycles]
    assert variances[0] == pytest.approx(variances[1])


def test_composite_is_one_update_under_the_floor() -> None:
    """With the floor on the order and number of updates matter; the composite floors once."""
    quoting = engine(use_book_features=True, calibration="plan", p_min=2.0)
    quoting.step("book", t_ms=0, **book(*([(1.0, 500.0), (60.0, 1.0)],) * 2))
    cycle = quoting.step("cycle", t_ms=0)
    (observation,) = cycle["drift_observations"]
    assert observation["source"] == "composite"
    mean, variance = posterior(0.0, 50.0, *part_of(cycle).values())
    assert variance < 2.0
    assert cycle["drift_bps_per_s"] == pytest.approx(mean)
    assert cycle["drift_variance"] == 2.0


def test_a_book_without_signals_leaves_the_filter_bit_for_bit() -> None:
    """Missing signals are left out; a stand-in of (0, 100) would take a third of the drift."""
    fed, plain = engine(use_book_features=True), engine()
    for quoting in (fed, plain):
        quoting.step("signal", t_ms=0, source="known", value=-8.0, variance=4.0)
    fed.step("book", t_ms=0, bids=[], asks=[(100.1, 1.0)])
    one, other = (quoting.step("cycle", t_ms=0, mid=MID) for quoting in (fed, plain))
    for name in ("drift_bps_per_s", "drift_variance"):
        assert one[name] == other[name]
    assert one["composite_parts"] == []
    assert drift_after(-8.0, 50.0, (0.0, 100.0)) == pytest.approx(-8.0 * 2.0 / 3.0)


# --- in the engine ----------------------------------------------------------------------------


def test_the_book_moves_the_drift_before_any_fill() -> None:
    quoting = engine(use_book_features=True)
    drifts = []
    for n in range(6):
        quoting.step("book", t_ms=n * 1000, **sized(100.0 - 16.0 * n, 100.0 + 400.0 * n))
        cycle = quoting.step("cycle", t_ms=n * 1000)
        drifts.append(cycle["drift_bps_per_s"])
        assert cycle["position"] == 0.0
    assert drifts[0] == 0.0
    assert (np.diff(drifts) < 0.0).all()
    assert drifts[-1] < -1.0


def test_the_engine_reports_the_book_and_only_with_its_gate() -> None:
    for gate in (True, False):
        quoting = engine(use_book_features=gate)
        quoting.step("book", t_ms=0, **sized(3.0, 1.0))
        cycle = quoting.step("cycle", t_ms=0)
        shown = [cycle[name] for name in ("book_imbalances", "insufficient_depth_bps")]
        if gate:
            assert [list(each) for each in shown] == [[0.5, 0.5, 0.5], [10.0, 25.0, 50.0]]
        else:
            assert shown == [None, None]
        assert bool(cycle["drift_observations"]) == gate
