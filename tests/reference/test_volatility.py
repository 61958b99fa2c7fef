"""Phase 8: volatility of now against that of the last minutes, and the tails of the returns.

Realised volatility is summed a second time over all points, kurtosis held against scipy. A limit
of the term structure is shown too: over 30 s in 300 s, at even cycles, the ratio cannot pass
sqrt(10), so the plan's fourfold spike takes a longer memory or uneven cycles.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import kurtosis
from tests.reference.sessions import MID, Session

Path = list[tuple[int, float]]
"""Times in ms and mids."""


def path_of(returns_bps: list[float], cycle_ms: int = 1000) -> Path:
    mids = MID * np.exp(np.cumsum([0.0, *returns_bps]) / 1e4)
    return [(n * cycle_ms, float(mid)) for n, mid in enumerate(mids)]


def read_path(path: Path, **config: object) -> dict[str, Any]:
    """What the last of the cycles says."""
    volatility = Session("volatility", **config)
    return [volatility.step("read", t_ms=t_ms, mid=mid) for t_ms, mid in path][-1]


def realised(path: Path, horizon_s: float) -> float | None:
    """In bp per sqrt(s), over the points of the horizon; None with fewer than two returns."""
    now_ms = path[-1][0]
    points = [(t_ms / 1000.0, mid) for t_ms, mid in path if t_ms >= now_ms - horizon_s * 1000.0]
    times, mids = (np.array(column) for column in zip(*points, strict=True))
    if len(times) < 3 or times[-1] == times[0]:
        return None
    squares: NDArray[np.float64] = np.square(np.log(mids[1:] / mids[:-1]) * 1e4)
    return math.sqrt(squares.sum() / (times[-1] - times[0]))


def ratio(path: Path, short_s: float = 30.0, long_s: float = 300.0) -> float:
    short, long = realised(path, short_s), realised(path, long_s)
    if short is None or long is None or long < 1e-10:
        return 1.0
    return short / long


@st.composite
def paths(draw: st.DrawFn) -> Path:
    """Mids at uneven times, some of them equal."""
    steps = draw(st.lists(st.tuples(st.integers(0, 20_000), st.integers(-400, 400)), max_size=60))
    t_ms, mid, found = 0, MID, [(0, MID)]
    for elapsed_ms, tenths in steps:
        t_ms, mid = t_ms + elapsed_ms, mid * math.exp(tenths / 1e5)
        found.append((t_ms, mid))
    return found


def alternating(sizes_bps: list[float]) -> list[float]:
    """Returns of those sizes, up and down in turn."""
    return [size if n % 2 else -size for n, size in enumerate(sizes_bps)]


# --- the plan's named tests -------------------------------------------------------------------


def test_vol_ratio_widens_sigma() -> None:
    """Four times the volatility of the long horizon, twice the sigma."""
    # over 600 s: 570 a^2 + 30 s^2 = 600 s^2/16
    calm = math.sqrt(7.5 / 570.0)
    path = path_of(alternating([calm] * 570 + [1.0] * 30))
    reading = read_path(path, vol_long_s=600.0)
    assert reading["vol_ratio"] == pytest.approx(4.0)
    assert reading["sigma_multiplier"] == pytest.approx(2.0)

    # within the plan's 300 s: three cycles in 9 s after a gap, so that the short horizon spans 9 s
    returns = alternating([2.0] * 13 + [0.0, 13.5, 13.5])
    times = [20_000 * n for n in range(14)] + [291_000, 295_500, 300_000]
    uneven = list(zip(times, (mid for _, mid in path_of(returns)), strict=True))
    squares = 13 * 2.0**2 + 2 * 13.5**2
    expected = math.sqrt((2 * 13.5**2 / 9.0) / (squares / 300.0))
    assert expected > 4.0
    assert read_path(uneven)["vol_ratio"] == pytest.approx(expected)
    assert read_path(uneven)["sigma_multiplier"] == pytest.approx(math.sqrt(expected))


def test_kurtosis_scales_as_ratio() -> None:
    rng = np.random.default_rng(7)
    returns = rng.standard_t(5, 100)
    excess = float(kurtosis(returns))
    assert 0.5 < excess < 6.0
    reading = read_path(path_of(returns.tolist()))
    assert reading["excess_kurtosis"] == pytest.approx(excess, rel=1e-6)
    assert reading["as_ratio_adjustment"] == pytest.approx(1.0 + 0.3 * excess, rel=1e-6)
    assert reading["as_ratio_adjustment"] > 1.0


# --- term structure ---------------------------------------------------------------------------


@given(path=paths(), exponent=st.floats(0.0, 1.0))
def test_ratio_is_that_of_sums_over_all_points(path: Path, exponent: float) -> None:
    reading = read_path(path, vol_exponent=exponent)
    expected = ratio(path)
    assert reading["vol_ratio"] == pytest.approx(expected, rel=1e-6)
    assert reading["sigma_multiplier"] == pytest.approx(max(1.0, expected) ** exponent, rel=1e-6)
    assert reading["sigma_multiplier"] >= 1.0  # sigma is never narrowed


@settings(max_examples=15)
@given(sizes=st.lists(st.floats(0.01, 100.0), min_size=301, max_size=330))
def test_even_cycles_cannot_quadruple_the_ratio(sizes: list[float]) -> None:
    """The short sum is part of the long one, so the ratio is at most sqrt(300/30)."""
    reading = read_path(path_of(alternating(sizes)))
    assert reading["vol_ratio"] <= math.sqrt(10.0) * (1.0 + 1e-9)


def test_the_largest_ratio_of_even_cycles_is_reached() -> None:
    reading = read_path(path_of([0.0] * 270 + alternating([5.0] * 30)))
    assert reading["vol_ratio"] == pytest.approx(math.sqrt(10.0))
    assert reading["sigma_multiplier"] == pytest.approx(10.0**0.25)  # 1.78, not 2


@given(path=paths())
def test_mirrored_and_rescaled_mids_are_as_volatile(path: Path) -> None:
    reading = read_path(path)
    for changed in (
        [(t_ms, MID * MID / mid) for t_ms, mid in path],  # log returns negated
        [(t_ms, 731.0 * mid) for t_ms, mid in path],
    ):
        other = read_path(changed)
        for name in ("vol_ratio", "sigma_multiplier", "as_ratio_adjustment"):
            assert other[name] == pytest.approx(reading[name], rel=1e-6)


@pytest.mark.parametrize(
    "path",
    [
        [(0, 100.0)],
        [(0, 100.0), (1000, 101.0)],  # one return
        [(0, 100.0), (0, 101.0), (0, 99.0)],  # no span
        [(0, 100.0), (1000, 103.0), (2000, 100.0), (90_000, 100.0)],  # one point in 30 s
        [(n * 1000, 100.0) for n in range(60)],  # a mid that does not move
    ],
)
def test_ratio_without_enough_to_compare_is_one(path: Path) -> None:
    reading = read_path(path)
    assert reading["vol_ratio"] == 1.0
    assert reading["sigma_multiplier"] == 1.0


def test_the_border_belongs_to_the_horizon() -> None:
    """A point 30 s old is the start of the short horizon; 1 ms older it is not."""
    for start_ms, counted in ((70_000, True), (69_999, False)):
        path = [(0, 100.0), (start_ms, 101.0), (90_000, 100.0), (100_000, 100.01)]
        reading = read_path(path)
        assert reading["vol_ratio"] == pytest.approx(ratio(path))
        assert (reading["vol_ratio"] != 1.0) == counted


# --- tails ------------------------------------------------------------------------------------


@given(seed=st.integers(0, 1 << 32), count=st.integers(20, 150), freedom=st.integers(1, 30))
def test_kurtosis_is_scipys_of_the_last_hundred(seed: int, count: int, freedom: int) -> None:
    returns = np.clip(np.random.default_rng(seed).standard_t(freedom, count), -500.0, 500.0)
    expected = float(kurtosis(returns[-100:]))
    reading = read_path(path_of(returns.tolist()))
    assert reading["excess_kurtosis"] == pytest.approx(expected, rel=1e-4, abs=1e-6)
    adjustment = min(3.0, 1.0 + 0.3 * max(0.0, expected))
    assert reading["as_ratio_adjustment"] == pytest.approx(adjustment, rel=1e-4)


@given(returns=st.lists(st.floats(-300.0, 300.0), max_size=120))
def test_adjustment_is_between_one_and_three(returns: list[float]) -> None:
    assert 1.0 <= read_path(path_of(returns))["as_ratio_adjustment"] <= 3.0


def test_adjustment_is_capped_at_three() -> None:
    # one jump among a hundred returns: an excess of 95 would make it 29.5
    returns = [*alternating([0.01] * 99), 50.0]
    reading = read_path(path_of(returns))
    assert reading["excess_kurtosis"] == pytest.approx(float(kurtosis(returns)), rel=1e-3)
    assert reading["excess_kurtosis"] > 90.0
    assert reading["as_ratio_adjustment"] == 3.0


def test_thin_tails_do_not_cheapen_adverse_selection() -> None:
    # returns of one size up and down have an excess of -2
    reading = read_path(path_of(alternating([3.0] * 40)))
    assert reading["excess_kurtosis"] == pytest.approx(-2.0)
    assert reading["as_ratio_adjustment"] == 1.0


def test_nineteen_returns_have_no_kurtosis() -> None:
    returns = [*alternating([0.1] * 15), 9.0, 0.1, -0.1, 0.1]
    cold = read_path(path_of(returns))
    assert cold["excess_kurtosis"] is None
    assert cold["as_ratio_adjustment"] == 1.0
    warm = read_path(path_of([*returns, -0.1]))
    assert warm["excess_kurtosis"] == pytest.approx(float(kurtosis([*returns, -0.1])), rel=1e-6)
    assert warm["as_ratio_adjustment"] == 3.0


def test_a_still_mid_has_no_tails() -> None:
    reading = read_path(path_of([0.0] * 40))
    assert reading["excess_kurtosis"] == 0.0
    assert reading["as_ratio_adjustment"] == 1.0
    # nor has the noise of rounding
    jittered = [(n * 1000, MID * (1.0 + (n % 7 == 0) * 2.3e-16)) for n in range(40)]
    assert read_path(jittered)["excess_kurtosis"] == 0.0


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"mid": 0.0}, "out_of_range"),
        ({"mid": "nan"}, "non_finite"),
        ({"t_ms": -1}, "time_reversed"),
    ],
)
def test_bad_reads_are_rejected(values: dict[str, object], code: str) -> None:
    spoiled, clean = Session("volatility"), Session("volatility")
    for volatility in (spoiled, clean):
        for t_ms, mid in path_of(alternating([5.0] * 30)):
            volatility.step("read", t_ms=t_ms - 30_000, mid=mid)
    assert spoiled.rejection("read", **{"t_ms": 0, "mid": MID, **values}) == code
    last = {"t_ms": 1000, "mid": 101.0}
    assert spoiled.step("read", **last) == clean.step("read", **last)
