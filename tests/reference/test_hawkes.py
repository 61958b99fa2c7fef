"""Phase 8: trades that excite trades, and what a burst on one side says of the drift.

The recursion is held against the sum over every event, the process itself against a simulation by
Ogata's thinning: its mean intensity against mu/(1 - alpha/beta), and, by the time-rescaling
theorem, the compensator between events against the unit exponential.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import kstest
from tests.reference.sessions import (
    MID,
    Session,
    by_source,
    drift_after,
    engine,
    observed,
    open_rejection,
    silent,
)

Event = tuple[int, str]
"""A time that passes in ms, the aggressor's side."""

BASE, JUMP, DECAY = 0.1, 0.3, 1.0

events_st = st.lists(
    st.tuples(st.integers(0, 3000), st.sampled_from(["buy", "sell"])), min_size=1, max_size=60
)


def recorded(events: list[Event], **config: object) -> tuple[Session, int]:
    """A session after ``events``, and the time of the last."""
    hawkes, t_ms = Session("hawkes", **config), 0
    for elapsed_ms, side in events:
        t_ms += elapsed_ms
        hawkes.step("trade", t_ms=t_ms, side=side)
    return hawkes, t_ms


def read_after(events: list[Event], after_ms: int = 0, **config: object) -> dict[str, Any]:
    hawkes, t_ms = recorded(events, **config)
    return hawkes.step("read", t_ms=t_ms + after_ms)


def summed(
    events: list[Event], after_ms: int, base: float = BASE, jump: float = JUMP, decay: float = DECAY
) -> list[float]:
    """Intensities (buy, sell): the base and a term for every event, as numpy sums them."""
    times = np.cumsum([elapsed_ms for elapsed_ms, _ in events]) / 1000.0
    ages = times[-1] + after_ms / 1000.0 - times
    sides = np.array([side for _, side in events])
    return [
        base + float((jump * np.exp(-decay * ages))[sides == side].sum())
        for side in ("buy", "sell")
    ]


BURST: list[Event] = [(100, "buy")] * 5 + [(100, "sell")] * 20


# --- the plan's named test --------------------------------------------------------------------


def test_hawkes_excess_sell_bearish() -> None:
    buy, sell = summed(BURST, 0)
    assert sell > 10.0 * buy
    z, variance = observed(read_after(BURST))
    assert (z, variance) == pytest.approx((buy - sell, 2.25 / (buy + sell)))
    assert z < -2.0
    assert drift_after(0.0, 8.0, (z, variance)) < 0.0
    calibrated = observed(read_after(BURST, calibration="calibrated"))
    signal = (buy - sell) / (buy + sell - 0.2)
    assert calibrated == pytest.approx((10.0 * signal, 260.0))
    bullish = [(ms, "sell" if side == "buy" else "buy") for ms, side in BURST]
    assert observed(read_after(bullish)) == (-z, variance)


# --- the recursion ----------------------------------------------------------------------------


@given(
    events=events_st,
    after_ms=st.integers(0, 10_000),
    base=st.floats(0.01, 2.0),
    decay=st.floats(0.05, 5.0),
    branching=st.floats(0.05, 0.95),
)
def test_recursion_is_the_sum_over_all_events(
    events: list[Event], after_ms: int, base: float, decay: float, branching: float
) -> None:
    jump = decay * branching
    config = {"hawkes_base_per_s": base, "hawkes_jump_per_s": jump, "hawkes_decay_per_s": decay}
    reading = read_after(events, after_ms, **config)
    expected = summed(events, after_ms, base, jump, decay)
    assert reading["intensities_per_s"] == pytest.approx(expected, rel=1e-9)
    assert reading["events"] == len(events)


@given(events=events_st, after_ms=st.integers(0, 10_000))
def test_swapped_sides_negate_the_observation(events: list[Event], after_ms: int) -> None:
    swapped = [(ms, "sell" if side == "buy" else "buy") for ms, side in events]
    for calibration in ("plan", "calibrated"):
        one, other = (
            read_after(each, after_ms, calibration=calibration, hawkes_min_events=1)
            for each in (events, swapped)
        )
        assert other["intensities_per_s"] == one["intensities_per_s"][::-1]
        assert silent(other) == silent(one)
        if not silent(one):
            assert observed(other) == (-one["z_bps_per_s"], one["variance"])


def test_an_event_excites_its_own_side_only_and_from_its_own_instant() -> None:
    hawkes = Session("hawkes")
    assert hawkes.step("read", t_ms=0)["intensities_per_s"] == [0.1, 0.1]
    hawkes.step("trade", t_ms=500, side="sell")
    assert hawkes.step("read", t_ms=500)["intensities_per_s"] == pytest.approx([0.1, 0.4])


def test_reads_do_not_disturb_the_recursion() -> None:
    hawkes, undisturbed = Session("hawkes"), recorded(BURST)
    t_ms = 0
    for elapsed_ms, side in BURST:
        for _ in range(3):
            hawkes.step("read", t_ms=t_ms + elapsed_ms // 2)
        t_ms += elapsed_ms
        hawkes.step("trade", t_ms=t_ms, side=side)
    one, other = hawkes.step("read", t_ms=t_ms), undisturbed[0].step("read", t_ms=t_ms)
    assert one["intensities_per_s"] == pytest.approx(other["intensities_per_s"], rel=1e-12)


# --- the process ------------------------------------------------------------------------------


def ogata(seed: int, horizon_s: float) -> NDArray[np.float64]:
    """Event times of one side, by thinning: the intensity only falls until the next event."""
    rng = np.random.default_rng(seed)
    now, excess, times = 0.0, 0.0, []
    while now < horizon_s:
        bound = BASE + excess
        waited = rng.exponential(1.0 / bound)
        now += waited
        excess *= np.exp(-DECAY * waited)
        if rng.uniform() * bound <= BASE + excess:
            times.append(now)
            excess += JUMP
    return np.array(times[:-1])


HORIZON_S = 20_000.0


@pytest.fixture(scope="module")
def simulated() -> NDArray[np.int64]:
    """Event times in ms of a process in its stationary state."""
    return np.floor(ogata(20_260_219, HORIZON_S) * 1000.0).astype(np.int64)


def test_mean_intensity_is_the_stationary_one(simulated: NDArray[np.int64]) -> None:
    """Mean of mu/(1 - alpha/beta) = 1/7 a second, within three deviations of the mean.

    Counts over T have variance T lambda/(1 - n)^2, and the mean intensity is mu + n N/T.
    """
    hawkes = Session("hawkes")
    seen, following = [], iter([*simulated.tolist(), 1 << 40])
    event_ms = next(following)
    for read_ms in range(0, int(HORIZON_S) * 1000, 1000):
        while event_ms <= read_ms:
            hawkes.step("trade", t_ms=event_ms, side="sell")
            event_ms = next(following)
        seen.append(hawkes.step("read", t_ms=read_ms)["intensities_per_s"][1])
    stationary, branching = BASE / 0.7, JUMP / DECAY
    deviation = branching * np.sqrt(stationary / HORIZON_S) / (1.0 - branching)
    assert deviation < 0.01 * stationary
    assert np.mean(seen) == pytest.approx(stationary, abs=3.0 * deviation)
    # and what it should be for the events that did come; reads once a second sample the decay
    assert np.mean(seen) == pytest.approx(BASE + branching * len(simulated) / HORIZON_S, rel=0.01)


def test_compensator_between_events_is_unit_exponential(simulated: NDArray[np.int64]) -> None:
    """Time rescaling: the integrated intensity from one event to the next is Exp(1)."""
    hawkes = Session("hawkes")
    gaps, last_ms, after_event = [], 0, BASE
    for event_ms in simulated.tolist():
        hawkes.step("trade", t_ms=event_ms, side="buy")
        passed = (event_ms - last_ms) / 1000.0
        gaps.append(BASE * passed + (after_event - BASE) / DECAY * -np.expm1(-DECAY * passed))
        last_ms = event_ms
        after_event = hawkes.step("read", t_ms=event_ms)["intensities_per_s"][0]
    assert len(gaps) > 2000
    assert kstest(gaps, "expon").pvalue > 0.05
    # a process that does not excite itself would not pass
    assert kstest(np.diff(simulated) / 1000.0 * len(gaps) / HORIZON_S, "expon").pvalue < 1e-6


@pytest.mark.parametrize(("jump", "decay"), [(1.0, 1.0), (2.0, 1.0), (0.3, 0.3), (0.3, 0.2)])
def test_a_process_that_would_explode_is_rejected(jump: float, decay: float) -> None:
    config = {"hawkes_jump_per_s": jump, "hawkes_decay_per_s": decay}
    assert open_rejection("hawkes", **config) == "out_of_range"
    assert open_rejection("engine", **config) == "out_of_range"


# --- when it speaks ---------------------------------------------------------------------------


@pytest.mark.parametrize("calibration", ["plan", "calibrated"])
def test_nineteen_events_say_nothing(calibration: str) -> None:
    hawkes, t_ms = recorded(BURST[:19], calibration=calibration)
    assert silent(hawkes.step("read", t_ms=t_ms))
    hawkes.step("trade", t_ms=t_ms, side="sell")
    assert not silent(hawkes.step("read", t_ms=t_ms))


@pytest.mark.parametrize("calibration", ["plan", "calibrated"])
def test_alpha_zero_leaves_it_out(calibration: str) -> None:
    assert silent(read_after(BURST, alpha_hawkes=0.0, calibration=calibration))


def test_alpha_scales_the_plans_observation() -> None:
    z, variance = observed(read_after(BURST))
    assert observed(read_after(BURST, alpha_hawkes=0.25)) == pytest.approx((0.25 * z, variance))


def test_calibrated_ratio_does_not_fade_and_silence_ends_it() -> None:
    """Both excesses decay alike, so their ratio stands until five decay times have passed."""
    first = observed(read_after(BURST, 0, calibration="calibrated"))
    last = observed(read_after(BURST, 5000, calibration="calibrated"))
    assert last == pytest.approx(first)
    assert silent(read_after(BURST, 5001, calibration="calibrated"))
    slow = {"hawkes_decay_per_s": 0.5, "calibration": "calibrated"}
    assert not silent(read_after(BURST, 10_000, **slow))
    assert silent(read_after(BURST, 10_001, **slow))


def test_the_plans_observation_fades_into_a_weak_neutral_one() -> None:
    # base intensities of 0.1 a side are left: R = 2.25/0.2
    assert observed(read_after(BURST, 60_000)) == pytest.approx((0.0, 11.25), abs=1e-12)


def test_trades_that_excite_nothing_have_no_direction() -> None:
    poisson: dict[str, Any] = {"hawkes_jump_per_s": 0.0}
    assert observed(read_after(BURST, **poisson)) == (0.0, 2.25 / 0.2)
    assert silent(read_after(BURST, calibration="calibrated", **poisson))  # 0/0


def test_least_intensity() -> None:
    quiet = {"hawkes_base_per_s": 0.001, "hawkes_jump_per_s": 0.001}
    assert observed(read_after(BURST, 60_000, **quiet))[1] == pytest.approx(22.5)


@pytest.mark.parametrize(
    ("values", "code"), [({"t_ms": -1}, "time_reversed"), ({"side": "ask"}, "unparsable")]
)
def test_bad_trades_are_rejected(values: dict[str, object], code: str) -> None:
    hawkes = Session("hawkes")
    hawkes.step("read", t_ms=0)
    assert hawkes.rejection("trade", **{"t_ms": 0, "side": "buy", **values}) == code
    assert hawkes.step("read", t_ms=0)["events"] == 0


# --- in the engine ----------------------------------------------------------------------------


def test_the_engine_observes_bursts_of_the_tape() -> None:
    quoting = engine(use_tape_features=True, calibration="plan")
    t_ms = 0
    for elapsed_ms, side in BURST:
        t_ms += elapsed_ms
        quoting.step("trade", t_ms=t_ms, side=side, price=MID, size=0.1)
    cycle = quoting.step("cycle", t_ms=t_ms, mid=MID)
    assert by_source(cycle)["hawkes"] == pytest.approx(observed(read_after(BURST)))
