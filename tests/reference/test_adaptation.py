"""Phase 5: what a markout teaches the filter about its own parameters.

A fill's prediction is held against the drift that came. theta follows the sign of the error, the
process noise its size. The multipliers are checked in closed form, the error's average against
pandas, and the convergence with a filter written here in numpy, for 200 seeds at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import norm
from tests.reference.sessions import MID, Session, by_source, engine

Markout = tuple[float, float, float, float, float]
"""Predicted drift and its variance, realised drift, sigma, window in s."""

Floats = NDArray[np.float64]

THRESHOLD = 0.6745
UNDERSHOOT: Markout = (-8.0, 2.0, -3.0, 2.0, 5.0)
OVERSHOOT: Markout = (-8.0, 2.0, -9.0, 2.0, 5.0)

drifts_st = st.floats(-30.0, 30.0)
markouts_st = st.tuples(
    drifts_st, st.floats(0.01, 50.0), drifts_st, st.floats(0.1, 20.0), st.floats(5.0, 20.0)
)


def settle(adaptation: Session, markout: Markout) -> dict[str, float]:
    predicted, variance, realised, sigma, window_s = markout
    return adaptation.step(
        "markout",
        predicted_drift_bps_per_s=predicted,
        predicted_variance=variance,
        realised_drift_bps_per_s=realised,
        sigma_bps_per_sqrt_s=sigma,
        window_s=window_s,
    )


def settled(markouts: list[Markout], **config: object) -> dict[str, float]:
    """Parameters after ``markouts``."""
    adaptation = Session("adaptation", **config)
    return [settle(adaptation, markout) for markout in markouts][-1]


def error_in_sigmas(markout: Markout) -> float:
    predicted, variance, realised, sigma, window_s = markout
    return abs(realised - predicted) / math.hypot(math.sqrt(variance), sigma / math.sqrt(window_s))


# --- the plan's named tests -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("predicted", "realised", "factor"),
    [
        (-8.0, -3.0, 1.01),  # fell, but less than predicted
        (-8.0, 0.0, 1.01),
        (-8.0, 5.0, 1.01),  # turned
        (-8.0, -8.5, 0.99),  # fell further
        (8.0, 3.0, 1.01),
        (8.0, -5.0, 1.01),
        (8.0, 8.5, 0.99),
    ],
)
def test_theta_adapts_on_undershoot(predicted: float, realised: float, factor: float) -> None:
    after = settled([(predicted, 2.0, realised, 2.0, 5.0)])
    assert after["theta_per_s"] == pytest.approx(0.02 * factor, rel=1e-14)


@given(
    markouts=st.lists(markouts_st, min_size=1, max_size=60),
    theta=st.floats(0.01, 1.0),
    noise=st.floats(0.1, 10.0),
)
def test_parameters_bounded(markouts: list[Markout], theta: float, noise: float) -> None:
    adaptation = Session("adaptation", theta_per_s=theta, process_noise=noise)
    for markout in markouts:
        after = settle(adaptation, markout)
        assert 0.01 <= after["theta_per_s"] <= 1.0
        assert 0.1 <= after["process_noise"] <= 10.0


def test_every_bound_is_reached_and_held() -> None:
    # ln 50 / ln 1.01 = 393 undershoots from 0.02 to 1; ln 10 / ln 1.05 = 47.2 large errors
    for markout, theta in ((UNDERSHOOT, 1.0), (OVERSHOOT, 0.01)):
        assert settled([markout] * 400)["theta_per_s"] == theta
    assert settled([UNDERSHOOT] * 47)["process_noise"] == pytest.approx(1.05**47)
    assert settled([UNDERSHOOT] * 48)["process_noise"] == 10.0
    # an overshoot of half a deviation: ln 10 / ln 0.95 = 44.9
    assert settled([OVERSHOOT] * 44)["process_noise"] == pytest.approx(0.95**44)
    assert settled([OVERSHOOT] * 45)["process_noise"] == 0.1


@dataclass
class NumpyFilter:
    """Kalman filters of all seeds at once, in precisions; floor 2; each seed its parameters."""

    mean: Floats
    variance: Floats
    theta: Floats = field(init=False)
    noise: Floats = field(init=False)

    def adapt(self, parameters: list[dict[str, float]]) -> None:
        self.theta = np.array([each["theta_per_s"] for each in parameters])
        self.noise = np.array([each["process_noise"] for each in parameters])

    def predict_one_second(self) -> None:
        decay = np.exp(-self.theta)
        self.mean = self.mean * decay
        stationary = self.noise / (2.0 * self.theta)
        self.variance = stationary + (self.variance - stationary) * decay**2

    def observe(self, z: Floats, r: float) -> None:
        precision = 1.0 / self.variance + 1.0 / r
        self.mean = (self.mean / self.variance + z / r) / precision
        self.variance = np.maximum(2.0, 1.0 / precision)


@dataclass(frozen=True)
class ColdStart:
    """Sixty seconds of 200 seeds: what a fill a second observes, and the drift that came."""

    observed: Floats
    realised: Floats


FILLS, SEEDS, WINDOW_S, SIGMA = 60, 200, 5, 2.0


@cache
def cold_start() -> ColdStart:
    """An OU drift (theta 0.02, q 1) seen with R = 2; the markout adds sigma^2/window."""
    draws = np.array(
        [np.random.default_rng(seed).standard_normal((3, FILLS)) for seed in range(SEEDS)]
    )
    decay, spread = math.exp(-0.02), math.sqrt(25.0 * -math.expm1(-0.04))
    drift = np.empty((SEEDS, FILLS))
    drift[:, 0] = 5.0 * draws[:, 0, 0]
    for second in range(1, FILLS):
        drift[:, second] = decay * drift[:, second - 1] + spread * draws[:, 0, second]
    return ColdStart(
        drift + math.sqrt(2.0) * draws[:, 1],
        drift + SIGMA / math.sqrt(WINDOW_S) * draws[:, 2],
    )


@cache
def noise_after_a_minute(start: float, *, stored: str = "before") -> Floats:
    """Process noise of every seed after 60 fills, started at ``start``.

    ``stored`` says whether a markout's prediction is the filter's ``before`` or ``after`` the
    fill's own update.
    """
    tape = cold_start()
    sessions = [Session("adaptation", process_noise=start) for _ in range(SEEDS)]
    filters = NumpyFilter(np.zeros(SEEDS), np.full(SEEDS, 50.0))
    filters.adapt([{"theta_per_s": 0.02, "process_noise": start}] * SEEDS)
    predictions: list[tuple[Floats, Floats]] = []
    for second in range(FILLS + WINDOW_S):
        if second >= WINDOW_S:
            mean, variance = predictions[second - WINDOW_S]
            came = tape.realised[:, second - WINDOW_S]
            settled_now = zip(sessions, mean, variance, came, strict=True)
            filters.adapt(
                [
                    settle(session, (float(mu), float(p), float(real), SIGMA, WINDOW_S))
                    for session, mu, p, real in settled_now
                ]
            )
        if second >= FILLS:
            continue
        if second:
            filters.predict_one_second()
        before = (filters.mean, filters.variance)
        filters.observe(tape.observed[:, second], 2.0)
        predictions.append(before if stored == "before" else (filters.mean, filters.variance))
    return filters.noise


def test_cold_start_convergence() -> None:
    high, low = (float(np.median(noise_after_a_minute(start))) for start in (4.0, 0.25))
    print(f"process noise after 60 s: {high:.3f} from 4, {low:.3f} from 0.25")
    # sixteen times apart at the start
    assert high / low < 2.5
    assert low / high < 2.5
    for median in (high, low):
        assert 0.5 < median < 1.5


def test_a_prediction_that_has_seen_its_fill_does_not_converge() -> None:
    high, low = (
        float(np.median(noise_after_a_minute(start, stored="after"))) for start in (4.0, 0.25)
    )
    assert high / low > 10.0


# --- the multipliers and the error ------------------------------------------------------------


@given(markouts=st.lists(markouts_st, min_size=1, max_size=40))
def test_multipliers_are_exact(markouts: list[Markout]) -> None:
    """Far from the bounds the parameters are 1.01^n 0.99^m and 1.05^n 0.95^m."""
    errors = [error_in_sigmas(markout) for markout in markouts]
    averages = pd.Series([THRESHOLD, *errors]).ewm(alpha=0.1, adjust=False).mean().to_numpy()[1:]
    assume(np.abs(averages - THRESHOLD).min() > 1e-9)
    large = int((averages > THRESHOLD).sum())

    predicted, realised = (np.array([markout[i] for markout in markouts]) for i in (0, 2))
    beyond = np.sign(predicted) * np.sign(realised - predicted)
    short, past = int((beyond < 0).sum()), int((beyond > 0).sum())

    after = settled(markouts, theta_per_s=0.1)
    assert after["theta_per_s"] == pytest.approx(0.1 * 1.01**short * 0.99**past, rel=1e-12)
    small = len(markouts) - large
    assert after["process_noise"] == pytest.approx(1.05**large * 0.95**small, rel=1e-12)
    assert after["error_ewma"] == pytest.approx(averages[-1], rel=1e-9)


def test_error_average_starts_at_the_threshold() -> None:
    # a perfect prediction: 0.9 x 0.6745
    assert settled([(3.0, 2.0, 3.0, 2.0, 5.0)])["error_ewma"] == pytest.approx(0.60705)
    # 5 bp/s off where sqrt(2 + 4/5) was to be expected
    expected = 0.60705 + 0.1 * 5.0 / math.sqrt(2.8)
    assert settled([UNDERSHOOT])["error_ewma"] == pytest.approx(expected)


def test_threshold_is_the_median_error_of_a_right_filter() -> None:
    defaults = Session("adaptation").config
    assert defaults["error_threshold"] == pytest.approx(norm.ppf(0.75), abs=1e-4)


@pytest.mark.parametrize(("predicted", "realised"), [(0.0, 7.0), (0.0, -7.0), (4.0, 4.0)])
def test_no_prediction_or_no_error_leaves_theta(predicted: float, realised: float) -> None:
    adaptation = Session("adaptation")
    for _ in range(3):
        after = settle(adaptation, (predicted, 2.0, realised, 2.0, 5.0))
        assert after["theta_per_s"] == 0.02
    # the noise learns from these markouts as from any other
    grows = predicted != realised
    assert after["process_noise"] == pytest.approx((1.05 if grows else 0.95) ** 3)


@given(markouts=st.lists(markouts_st, min_size=1, max_size=20))
def test_a_mirrored_market_teaches_the_same(markouts: list[Markout]) -> None:
    mirrored = [(-mu, p, -real, sigma, window) for mu, p, real, sigma, window in markouts]
    assert settled(mirrored) == settled(markouts)


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("predicted_drift_bps_per_s", "nan", "non_finite"),
        ("predicted_variance", 0.0, "out_of_range"),
        ("realised_drift_bps_per_s", "-inf", "non_finite"),
        ("sigma_bps_per_sqrt_s", -1.0, "out_of_range"),
        ("window_s", 0.0, "out_of_range"),
    ],
)
def test_a_bad_markout_teaches_nothing(name: str, value: object, code: str) -> None:
    good = {
        "predicted_drift_bps_per_s": -8.0,
        "predicted_variance": 2.0,
        "realised_drift_bps_per_s": -3.0,
        "sigma_bps_per_sqrt_s": 2.0,
        "window_s": 5.0,
    }
    spoiled, clean = Session("adaptation"), Session("adaptation")
    assert spoiled.rejection("markout", **{**good, name: value}) == code
    assert spoiled.step("markout", **good) == clean.step("markout", **good)


# --- where it leads the filter ----------------------------------------------------------------


def test_adaptation_can_bring_the_predicted_variance_below_the_floor() -> None:
    """The floor may then raise P: seen with theta 0.2 and noise 0.5, where P settles at 1.25."""
    # small undershoots raise theta and lower the noise: ln 10 / ln 1.01 = 231.4
    after = settled([(-8.0, 2.0, -7.9, 2.0, 5.0)] * 232)
    assert after["theta_per_s"] > 0.2
    assert after["process_noise"] < 0.5

    drift = Session("drift", theta_per_s=0.2, process_noise=0.5)
    drift.step("predict", t_ms=0)
    predicted = drift.step("predict", t_ms=60_000)["variance"]
    assert predicted == pytest.approx(1.25, rel=1e-6)
    assert drift.step("observe", z_bps_per_s=0.0, variance=4.0)["variance"] == 2.0


# --- in the engine ----------------------------------------------------------------------------

SURE = 1e-12


def falling_engine(**config: object) -> Session:
    """An engine that has quoted at t = 0 and is sure of a drift of -8 bp/s."""
    quoting = engine(**config)
    quoting.step("signal", t_ms=0, source="known", value=-8.0, variance=SURE)
    quoting.step("cycle", t_ms=0, mid=MID)
    return quoting


def fill_at_mid(quoting: Session, t_ms: int, **values: object) -> None:
    quoting.step("fill", t_ms=t_ms, side="buy", price=MID, size=0.1, **values)


def test_a_fill_settles_at_the_first_cycle_after_its_window() -> None:
    quoting = falling_engine()
    fill_at_mid(quoting, 1000, mid=MID)
    early = quoting.step("cycle", t_ms=5999, mid=MID)
    assert (early["theta_per_s"], early["process_noise"]) == (0.02, 1.0)
    # 41 bp in 5.45 s is -7.5 bp/s, short of -8; in 5 s it would be -8.2, beyond it
    settled_at = quoting.step("cycle", t_ms=6450, mid=MID * (1.0 - 41e-4))
    assert settled_at["theta_per_s"] == pytest.approx(0.0202)
    # half a bp/s off, sqrt(4/5.45) to be expected: 0.58, so the noise falls
    assert settled_at["process_noise"] == pytest.approx(0.95)
    # and it is settled once
    later = quoting.step("cycle", t_ms=20_000, mid=MID)
    assert (later["theta_per_s"], later["process_noise"]) == pytest.approx((0.0202, 0.95))


def test_the_filter_predicts_with_what_it_has_learnt() -> None:
    quoting = falling_engine()
    fill_at_mid(quoting, 0, mid=MID)
    cycle = quoting.step("cycle", t_ms=5000, mid=MID)  # realised 0: theta x1.01, noise x1.05
    theta = 0.0202
    assert cycle["drift_bps_per_s"] == pytest.approx(-8.0 * math.exp(-theta * 5.0))
    expected = 1.05 / (2.0 * theta) * -math.expm1(-2.0 * theta * 5.0)
    assert cycle["drift_variance"] == pytest.approx(expected)


def test_a_fill_is_judged_by_the_drift_before_its_own_update() -> None:
    """The fill says -10 bp/s with certainty; what was predicted before it was 0."""
    quoting = engine(fill_variance=1e-9)
    quoting.step("cycle", t_ms=0, mid=MID)
    quoting.step("fill", t_ms=0, side="buy", price=99.8, size=0.1, mid=MID)
    cycle = quoting.step("cycle", t_ms=5000, mid=MID)
    assert by_source(cycle)["fill"] == pytest.approx((-10.0, 1e-9))
    assert cycle["theta_per_s"] == 0.02  # no prediction, so neither short nor beyond
    # realised 0 as predicted
    assert cycle["process_noise"] == pytest.approx(0.95)


def test_a_fill_without_a_mid_has_no_markout() -> None:
    quoting = engine()
    quoting.step("signal", t_ms=0, source="known", value=-8.0, variance=SURE)
    fill_at_mid(quoting, 0)
    quoting.step("cycle", t_ms=0, mid=MID)
    cycle = quoting.step("cycle", t_ms=6450, mid=MID)
    assert (cycle["theta_per_s"], cycle["process_noise"]) == (0.02, 1.0)


@pytest.mark.parametrize("gate", ["use_online_adaptation", "use_epnl_filter", "use_kalman_drift"])
def test_parameters_are_frozen_without_the_gate_or_what_it_needs(gate: str) -> None:
    quoting = falling_engine(**{gate: False})
    fill_at_mid(quoting, 0, mid=MID)
    cycle = quoting.step("cycle", t_ms=6450, mid=MID)
    assert (cycle["theta_per_s"], cycle["process_noise"]) == (0.02, 1.0)
    assert 5 not in cycle["active_phases"]


def minute_of_the_engine(seed: int, start: float) -> tuple[float, float]:
    """Parameters after the cold start's minute, lived by a whole engine.

    A fill's side and price make its observation what the tape says; its mid, with the cycles' at
    100, makes the realised drift what the tape says.
    """
    tape = cold_start()
    quoting = engine(p_min=2.0, process_noise=start, fill_variance=2.0)
    for second in range(FILLS + WINDOW_S):
        cycle = quoting.step("cycle", t_ms=1000 * second, mid=MID)
        if second < FILLS:
            z = float(tape.observed[seed, second])
            mid = MID / (1.0 + float(tape.realised[seed, second]) * WINDOW_S / 1e4)
            side, price = ("buy" if z < 0.0 else "sell"), mid * (1.0 + z * SIGMA / 1e4)
            values = {"side": side, "price": price, "mid": mid, "size": 1e-6}
            quoting.step("fill", t_ms=1000 * second, **values)
    return cycle["theta_per_s"], cycle["process_noise"]


@pytest.mark.parametrize("start", [4.0, 0.25])
def test_the_engine_lives_the_same_minute(start: float) -> None:
    """Seed by seed, so the convergence above is the engine's too."""
    expected = noise_after_a_minute(start)
    for seed in range(0, SEEDS, 20):
        theta, noise = minute_of_the_engine(seed, start)
        assert noise == pytest.approx(expected[seed], rel=1e-9)
        assert 0.01 <= theta <= 1.0
