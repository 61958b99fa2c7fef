"""Phase 1: the Kalman drift filter against other methods, and the decisions about it."""

from __future__ import annotations

import math
import pickle
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.integrate import solve_ivp
from scipy.linalg import expm
from scipy.stats import norm
from tests.reference.markets import CYCLE_MS, MID, configured, quoted

from quotemark_reference.config import DriftConfig, EngineConfig, make_config
from quotemark_reference.drift import (
    KalmanDrift,
    Observation,
    fill_observation,
    ou_variance,
    trend_observation,
)
from quotemark_reference.engine import QuoteEngine
from quotemark_reference.errors import NonFiniteError, OutOfRangeError, TimeReversedError

Step = tuple[int, list[Observation]]
"""A time that passes in ms, then observations."""


def filter_of(**values: object) -> KalmanDrift:
    return KalmanDrift(make_config(DriftConfig, values))


def update_all(filtered: KalmanDrift, observations: Sequence[Observation]) -> None:
    for z, variance in observations:
        filtered.update(z, variance)


def at_drift(drift: float, **values: object) -> KalmanDrift:
    """A filter whose mean stands at ``drift`` and whose variance is 8."""
    filtered = filter_of(prior_variance=16.0, **values)
    filtered.update(2.0 * drift, 16.0)
    return filtered


def integrated(mean: float, variance: float, dt_s: float) -> tuple[float, float]:
    """Mean and variance of the OU process by integrating their differential equations."""
    solution = solve_ivp(
        lambda _, y: [-0.02 * y[0], -0.04 * y[1] + 1.0],
        (0.0, dt_s),
        [mean, variance],
        rtol=1e-11,
        atol=1e-11,
    )
    return float(solution.y[0, -1]), float(solution.y[1, -1])


# --- the plan's named tests -------------------------------------------------------------------


def test_kalman_predict_decays_toward_zero() -> None:
    filtered = filter_of()
    filtered.predict(0)
    filtered.update(-8.0, 5.0)
    start = (filtered.mean, filtered.variance)
    for seconds in (1, 6, 20, 60, 300):
        later = pickle.loads(pickle.dumps(filtered))  # noqa: S301 - our own object
        later.predict(seconds * 1000)
        assert (later.mean, later.variance) == pytest.approx(integrated(*start, seconds), rel=1e-8)

    half_life_ms = 34_657  # ln 2 / 0.02
    filtered.predict(half_life_ms)
    assert filtered.mean == pytest.approx(start[0] / 2.0, rel=1e-4)
    filtered.predict(1_000_000)
    assert filtered.mean == pytest.approx(0.0, abs=1e-7)
    assert filtered.variance == pytest.approx(25.0)  # the stationary variance


def test_kalman_update_moves_toward_observation() -> None:
    # P = 50, R = 5: K = 50/55, and the shift is K z for any z
    for z in (-8.0, -4.0, 0.5, 12.0):
        filtered = filter_of()
        filtered.update(z, 5.0)
        assert filtered.mean == pytest.approx(z * 10.0 / 11.0)
        assert filtered.variance == pytest.approx(50.0 / 11.0)
    # the noisier of two observations moves less
    shifts = []
    for variance in (1.0, 50.0, 450.0):
        filtered = filter_of()
        filtered.update(-10.0, variance)
        shifts.append(filtered.mean)
    assert shifts == pytest.approx([-10.0 * 50.0 / 51.0, -5.0, -1.0])


def test_kalman_fill_observation_bearish() -> None:
    filtered = filter_of()
    filtered.update_fill("buy", 99.98, 100.0, 2.0)
    # 2 bp below mid over sigma 2 is z = -1, R = 9
    assert filtered.mean == pytest.approx(-50.0 / 59.0)
    assert filtered.mean < 0.0


def test_kalman_trend_observation_high_agreement() -> None:
    shifts, variances = [], []
    for agreement in (1.0, 0.5, 0.25):
        observation = trend_observation(10.0, agreement, 0.9, 2.0)
        assert observation is not None
        variances.append(observation[1])
        filtered = filter_of()
        filtered.update_trend(10.0, agreement, 0.9)
        shifts.append(filtered.mean)
    assert variances == pytest.approx([4.0, 16.0, 64.0])
    assert shifts == pytest.approx([-9.0 * 50.0 / 54.0, -4.5 * 50.0 / 66.0, -2.25 * 50.0 / 114.0])
    assert shifts[0] < shifts[1] < shifts[2] < 0.0


def test_drift_unclamped_exceeds_3bps() -> None:
    flat = quoted(configured())
    fallen = quoted(configured(), drift=-7.0)
    # mu tau / 2 = -7 bp on either side
    assert fallen.touch_depths_bps[0] - flat.touch_depths_bps[0] == pytest.approx(7.0)
    assert fallen.touch_depths_bps[1] == 1.5  # 7.25 - 7 would be 0.25: the fee is the floor
    asymmetry = fallen.touch_depths_bps[0] - fallen.touch_depths_bps[1]
    assert asymmetry == pytest.approx(7.25101 + 7.0 - 1.5, abs=1e-5)
    assert "drift_beyond_old_cap" in fallen.events

    clamped = quoted(configured(use_kalman_drift=False), drift=-7.0)
    assert clamped.drift_shift_bps == -3.0


def test_no_signals_decays_via_ou() -> None:
    engine = QuoteEngine(configured())
    engine.on_signal(0, -8.0, 1e-12)
    drifts = [engine.cycle(n * CYCLE_MS, MID).drift_bps_per_s for n in range(200)]
    seconds = np.arange(200) * CYCLE_MS / 1000.0
    assert drifts == pytest.approx(list(-8.0 * 2.0 ** (-seconds / 34.657359)), rel=1e-6)
    assert abs(drifts[-1]) < 1e-9  # not stuck


# --- against other methods --------------------------------------------------------------------


@given(
    first_ms=st.integers(0, 600_000),
    second_ms=st.integers(0, 600_000),
    z=st.floats(-50, 50),
    theta=st.floats(0.01, 1.0),
    noise=st.floats(0.0, 10.0),
)
def test_predict_twice_is_predict_once(
    first_ms: int, second_ms: int, z: float, theta: float, noise: float
) -> None:
    once, twice = (filter_of(theta_per_s=theta, process_noise=noise) for _ in range(2))
    for filtered in (once, twice):
        filtered.predict(0)
        filtered.update(z, 5.0)
    once.predict(first_ms + second_ms)
    twice.predict(first_ms)
    twice.predict(first_ms + second_ms)
    assert twice.mean == pytest.approx(once.mean, rel=1e-11, abs=1e-300)
    assert twice.variance == pytest.approx(once.variance, rel=1e-11)


def matrix_filter(steps: Sequence[Step], theta: float, noise: float, prior: float) -> list[float]:
    """The textbook filter in matrices: Van Loan's discretisation, a step's readings as a vector."""
    x = np.zeros((1, 1))
    p = np.full((1, 1), prior)
    for elapsed_ms, observations in steps:
        block = expm(np.array([[theta, noise], [0.0, -theta]]) * elapsed_ms / 1000.0)
        f = block[1:, 1:].T
        q = f @ block[:1, 1:]
        x, p = f @ x, f @ p @ f.T + q
        if not observations:
            continue
        h = np.ones((len(observations), 1))
        z = np.array([[value] for value, _ in observations])
        r = np.diag([variance for _, variance in observations])
        k = p @ h.T @ np.linalg.inv(h @ p @ h.T + r)
        kept = np.eye(1) - k @ h
        x, p = x + k @ (z - h @ x), kept @ p @ kept.T + k @ r @ k.T
    return [float(x[0, 0]), float(p[0, 0])]


observations_st = st.lists(st.tuples(st.floats(-30, 30), st.floats(0.5, 400)), max_size=4)


@given(
    steps=st.lists(st.tuples(st.integers(0, 30_000), observations_st), max_size=6),
    theta=st.floats(0.01, 1.0),
    noise=st.floats(0.1, 10.0),
    prior=st.floats(0.5, 100.0),
)
def test_posterior_is_the_matrix_kalman_filters(
    steps: list[Step], theta: float, noise: float, prior: float
) -> None:
    filtered = filter_of(theta_per_s=theta, process_noise=noise, prior_variance=prior, p_min=0.0)
    filtered.predict(0)
    now_ms = 0
    for elapsed_ms, observations in steps:
        now_ms += elapsed_ms
        filtered.predict(now_ms)
        update_all(filtered, observations)
    expected = matrix_filter(steps, theta, noise, prior)
    assert [filtered.mean, filtered.variance] == pytest.approx(expected, rel=1e-8, abs=1e-9)


def grid_posterior(steps: Sequence[Step]) -> list[float]:
    """Bayes' rule on a grid: densities multiplied and convolved, nothing assumed Gaussian."""
    grid: NDArray[np.float64] = np.linspace(-45.0, 45.0, 1501)
    density = norm.pdf(grid, 0.0, math.sqrt(50.0))
    for elapsed_ms, observations in steps:
        if elapsed_ms:
            dt_s = elapsed_ms / 1000.0
            spread = math.sqrt(integrated(0.0, 0.0, dt_s)[1])
            moves = norm.pdf(grid[:, None], grid[None, :] * 0.98019867331**dt_s, spread)
            density = moves @ density
        for z, variance in observations:
            density = density * norm.pdf(z, grid, math.sqrt(variance))
        density /= density.sum()
    mean = float((grid * density).sum())
    return [mean, float(((grid - mean) ** 2 * density).sum())]


@pytest.mark.parametrize(
    "steps",
    [
        [(0, [(-8.0, 5.0)])],
        [(0, [(-8.0, 5.0), (3.0, 30.0)]), (6450, [(-4.0, 9.0)]), (6450, [])],
        [(20_000, [(-9.0, 4.0)]), (1000, [(9.0, 4.0), (0.0, 260.0)])],
    ],
)
def test_posterior_is_brute_force_bayes(steps: list[Step]) -> None:
    filtered = filter_of(p_min=0.0)
    filtered.predict(0)
    now_ms = 0
    for elapsed_ms, observations in steps:
        now_ms += elapsed_ms
        filtered.predict(now_ms)
        update_all(filtered, observations)
    assert [filtered.mean, filtered.variance] == pytest.approx(grid_posterior(steps), abs=1e-6)


@given(
    readings=st.lists(
        st.tuples(st.floats(-30, 30), st.floats(0.5, 400)), min_size=2, max_size=6
    ).flatmap(lambda found: st.tuples(st.just(found), st.permutations(found)))
)
def test_order_of_observations_is_free_with_the_floor_off(
    readings: tuple[list[Observation], list[Observation]],
) -> None:
    posteriors = []
    for order in readings:
        filtered = filter_of(p_min=0.0)
        update_all(filtered, order)
        posteriors.append([filtered.mean, filtered.variance])
    assert posteriors[0] == pytest.approx(posteriors[1], rel=1e-9, abs=1e-9)


def test_order_matters_with_the_floor_on() -> None:
    means = []
    for order in ([(-8.0, 1.0), (4.0, 4.0)], [(4.0, 4.0), (-8.0, 1.0)]):
        filtered = filter_of()
        update_all(filtered, order)
        means.append(filtered.mean)
    assert abs(means[0] - means[1]) > 0.5


# --- decisions --------------------------------------------------------------------------------


def test_process_noise_is_the_exact_integral() -> None:
    assert ou_variance(0.02, 1.0, 6.0) == pytest.approx(integrated(0.0, 0.0, 6.0)[1], rel=1e-8)
    assert ou_variance(0.02, 1.0, 6.0) == pytest.approx(5.33, abs=0.005)  # q dt would be 6


def test_prior_is_twice_the_stationary_variance() -> None:
    filtered = filter_of()
    filtered.predict(0)
    assert filtered.variance == 50.0
    assert filtered.drift_confidence() == 0.0
    filtered.predict(20_000)
    assert filtered.variance == pytest.approx(36.2, abs=0.05)
    observed = filter_of()
    observed.update(0.0, 5.0)
    assert observed.variance == pytest.approx(4.55, abs=0.005)
    assert observed.drift_uncertainty() == pytest.approx(math.sqrt(50.0 / 11.0))


def test_confidence_at_the_floor_and_beyond_the_prior() -> None:
    filtered = filter_of()
    for _ in range(50):
        filtered.update(1.0, 4.0)
    assert filtered.variance == 2.0
    assert filtered.drift_confidence() == pytest.approx(0.96)
    unsure = filter_of(prior_variance=10.0)  # the stationary 25 lies above it
    unsure.predict(0)
    unsure.predict(100_000)
    assert unsure.variance > 10.0
    assert unsure.drift_confidence() == 0.0


def test_rate_is_a_fraction_of_price() -> None:
    filtered = filter_of()
    filtered.update(-11.0, 5.0)
    assert filtered.drift_rate_per_s() == pytest.approx(-0.001)


def test_first_predict_only_stamps_the_time() -> None:
    filtered = filter_of()
    filtered.update(-11.0, 5.0)
    before = (filtered.mean, filtered.variance)
    filtered.predict(1_737_918_843_000)
    assert (filtered.mean, filtered.variance) == before
    filtered.predict(1_737_918_843_000)  # an equal time is dt = 0
    assert (filtered.mean, filtered.variance) == before


def test_a_step_back_in_time_is_rejected() -> None:
    filtered = filter_of()
    filtered.predict(1000)
    filtered.update(-11.0, 5.0)
    state = pickle.dumps(filtered)
    with pytest.raises(TimeReversedError):
        filtered.predict(999)
    assert pickle.dumps(filtered) == state


def test_floor_acts_after_updates_and_not_in_predict() -> None:
    filtered = filter_of(process_noise=0.0)
    filtered.predict(0)
    filtered.update(5.0, 0.1)
    assert filtered.variance == 2.0
    filtered.predict(10_000)
    assert filtered.variance == pytest.approx(2.0 * math.exp(-0.4))  # below the floor: left exact
    filtered.update(0.0, 1e6)
    assert filtered.variance == 2.0  # the floor may raise P


def test_reversal_after_200_agreeing_observations() -> None:
    def needed(p_min: float) -> int | None:
        filtered = filter_of(p_min=p_min)
        update_all(filtered, [(-5.0, 4.0)] * 200)
        for count in range(1, 51):
            filtered.update(5.0, 4.0)
            if filtered.mean > 0.0:
                return count
        return None

    # floor 2, R 4: each observation closes a third of the distance, -5, -1.67, 0.56
    assert needed(2.0) == 2
    assert needed(0.0) is None


@pytest.mark.parametrize("price", [99.9, 99.99, 100.01, 100.1])
def test_fill_sign_comes_from_the_side(price: float) -> None:
    distance_bps = abs(price - 100.0) * 100.0
    bought, variance = fill_observation("buy", price, 100.0, 2.0, 9.0)
    sold, _ = fill_observation("sell", price, 100.0, 2.0, 9.0)
    assert bought == pytest.approx(-distance_bps / 2.0)
    assert sold == -bought
    assert variance == 9.0
    # the literal -(mid - fill)/sigma is bullish once mid has moved through a bought price
    literal = -(100.0 - price) / 100.0 * 1e4 / 2.0
    assert (literal == pytest.approx(bought)) == (price < 100.0)


def test_hazard_a_fill_weakens_a_strongly_bearish_drift() -> None:
    z, _ = fill_observation("buy", 100.0 * (1.0 - 0.17e-4), 100.0, 2.0, 9.0)
    assert z == pytest.approx(-0.085)  # "about -0.09"
    filtered = at_drift(-8.0)
    assert filtered.mean == pytest.approx(-8.0)
    filtered.update_fill("buy", 100.0 * (1.0 - 0.17e-4), 100.0, 2.0)
    assert filtered.mean == pytest.approx(-8.0 + 8.0 / 17.0 * (8.0 - 0.085))
    assert filtered.mean > -8.0  # bought into a falling market, and now less bearish


def test_trend_is_bearish_for_positive_magnitudes() -> None:
    assert trend_observation(12.0, 0.5, 0.5, 2.0) == (-3.0, 16.0)
    assert trend_observation(-12.0, 0.5, 0.5, 2.0) == (3.0, 16.0)


def test_trend_without_agreement_is_no_observation() -> None:
    filtered = at_drift(-8.0)
    state = pickle.dumps(filtered)
    filtered.update_trend(12.0, 0.0, 0.9)
    filtered.update_trend(12.0, 1e-8, 0.9)  # R would be 4e16
    assert pickle.dumps(filtered) == state


@pytest.mark.parametrize(
    ("z", "variance", "error"),
    [
        (math.nan, 1.0, NonFiniteError),
        (math.inf, 1.0, NonFiniteError),
        (1.0, math.nan, NonFiniteError),
        (1.0, math.inf, NonFiniteError),
        (1.0, 0.0, OutOfRangeError),
        (1.0, -4.0, OutOfRangeError),
        (1e16, 1.0, OutOfRangeError),
        (1.0, 1e16, OutOfRangeError),
    ],
)
def test_bad_observations_leave_the_state(
    z: float, variance: float, error: type[Exception]
) -> None:
    filtered = at_drift(-8.0)
    state = pickle.dumps(filtered)
    with pytest.raises(error):
        filtered.update(z, variance)
    assert pickle.dumps(filtered) == state


@pytest.mark.parametrize(
    ("price", "mid", "sigma"),
    [(0.0, 100.0, 2.0), (100.0, -1.0, 2.0), (100.0, 100.0, 0.0), (math.nan, 100.0, 2.0)],
)
def test_bad_fills_leave_the_state(price: float, mid: float, sigma: float) -> None:
    filtered = at_drift(-8.0)
    state = pickle.dumps(filtered)
    with pytest.raises((OutOfRangeError, NonFiniteError)):
        filtered.update_fill("buy", price, mid, sigma)
    assert pickle.dumps(filtered) == state


@pytest.mark.parametrize(
    ("magnitude", "agreement", "p_continuation"),
    [(math.inf, 0.5, 0.5), (1.0, 1.01, 0.5), (1.0, -0.01, 0.5), (1.0, 0.5, math.nan)],
)
def test_bad_trends_leave_the_state(
    magnitude: float, agreement: float, p_continuation: float
) -> None:
    filtered = at_drift(-8.0)
    state = pickle.dumps(filtered)
    with pytest.raises((OutOfRangeError, NonFiniteError)):
        filtered.update_trend(magnitude, agreement, p_continuation)
    assert pickle.dumps(filtered) == state


def test_engine_takes_fills_at_once_and_signals_in_order_at_the_cycle() -> None:
    """D-41 by hand, floor on: fill and trend without predict, then predict, signals, flow."""
    engine = QuoteEngine(make_config(EngineConfig, {"use_epnl_filter": True}))
    engine.cycle(0, MID)
    engine.on_signal(1000, -8.0, 1.0)
    engine.on_fill(2000, "buy", 99.98, 1.0, mid=100.0)
    engine.on_signal(2500, 4.0, 4.0)
    engine.on_trend(3000, 10.0, 1.0, 0.5)
    for _ in range(20):
        engine.on_trade(5000, "sell", MID, 1.0)
    quote = engine.cycle(5000, MID)

    mean, variance = 0.0, 50.0

    def observe(z: float, r: float) -> None:
        nonlocal mean, variance
        mean, variance = (mean * r + z * variance) / (variance + r), variance * r / (variance + r)
        variance = max(2.0, variance)

    observe(-1.0, 9.0)
    observe(-5.0, 4.0)
    mean, variance = integrated(mean, variance, 5.0)
    observe(-8.0, 1.0)
    observe(4.0, 4.0)
    observe(-10.0, 260.0 * (1.0 + 10.0 / 20.0))
    assert quote.drift_bps_per_s == pytest.approx(mean, rel=1e-8)
    assert quote.drift_variance == pytest.approx(variance, rel=1e-8)
