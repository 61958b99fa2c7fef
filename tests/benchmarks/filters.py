"""A step of the drift filter, predict and update, beside the libraries that have such a filter.

Before a contender is timed its posterior is held against the closed form, which knows no steps: the
drift at all times of observation is one Gaussian, conditioned on all observations at once.

Reference, vectorised engine, numba, C and Rust take the time of each step and compute the decay
anew, as the port asks; the libraries are given the transition of one step length, as their users
write it, and compute no exponential. The floor of the variance, which the libraries lack, is never
reached.
"""

from __future__ import annotations

import ctypes
import math
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import filterpy.kalman
import numba
import numpy as np
import pykalman
import simdkalman
from statsmodels.tsa.statespace.kalman_filter import KalmanFilter as StateSpaceFilter
from tests.benchmarks import rust
from tests.benchmarks.measure import AbsentError, Contender, Effort, Table, compare, timed

from quotemark.adapters import running
from quotemark.case import Case, trace
from quotemark.messages import Json, Ok
from quotemark_reference.config import DriftConfig, make_config
from quotemark_reference.drift import KalmanDrift
from quotemark_vectorised.drift import KalmanDrift as BatchDrift
from quotemark_vectorised.drift import Observations

STEP_MS = 6450
THETA_PER_S = 0.02
PROCESS_NOISE = 1.0
PRIOR_VARIANCE = 50.0
P_MIN = 2.0
VARIANCE = 5.0
DECAY = math.exp(-THETA_PER_S * STEP_MS / 1000.0)
STATIONARY = PROCESS_NOISE / (2.0 * THETA_PER_S)
ADDED = STATIONARY * -math.expm1(-2.0 * THETA_PER_S * STEP_MS / 1000.0)

AGREEMENT = 1e-9
CHECKED_LENGTHS = (1, 2, 300)
INTERPRETED_STEPS = 2000
COMPILED_STEPS = 200_000
MANY = 1000
MANY_STEPS = 500
SOURCE = Path(__file__).with_name("kalman.c")

Posterior = tuple[float, float]
"""Mean and variance of the drift after the last observation."""

Filter = Callable[[], Posterior]
"""Filters all observations that it was made for, from the prior on."""

FloatArray = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Series:
    """Observations of one variance, a step apart, the first a step after the prior."""

    array: FloatArray

    @property
    def values(self) -> list[float]:
        """Observations, in bp/s."""
        return [float(value) for value in self.array]

    @property
    def times_ms(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Times of the observations."""
        return np.arange(1, len(self.array) + 1, dtype=np.int64) * STEP_MS


MakeFilter = Callable[[Series], Filter]


def observed(length: int) -> Series:
    """Return observations of a seeded falling market."""
    return Series(np.random.default_rng(20260219).normal(-3.0, 4.0, length))


def closed_form(series: Series) -> Posterior:
    """Posterior of the last drift, by conditioning one Gaussian on all observations at once."""
    number = np.arange(1, len(series.array) + 1)
    # V_i = P_0 e^(-2 theta t_i) + q / (2 theta) (1 - e^(-2 theta t_i)), of a process so far alone
    own = STATIONARY + (PRIOR_VARIANCE - STATIONARY) * DECAY ** (2 * number)
    # cov(mu_i, mu_j) = e^(-theta |t_i - t_j|) V_min(i, j)
    between = DECAY ** np.abs(number[:, None] - number) * own[np.minimum.outer(number, number) - 1]
    told = between + VARIANCE * np.eye(len(number))
    weights = np.linalg.solve(told, between[-1])
    return float(weights @ series.array), float(own[-1] - weights @ between[-1])


def departure(make: MakeFilter) -> float:
    """Largest relative departure of a filter from the closed form; raises where it is another."""
    departures = []
    for length in CHECKED_LENGTHS:
        series = observed(length)
        pairs = zip(make(series)(), closed_form(series), strict=True)
        departures += [abs(got - expected) / abs(expected) for got, expected in pairs]
    if not max(departures) <= AGREEMENT:
        raise AssertionError(f"{make} departs from the closed form by {max(departures):.2g}")
    return max(departures)


# --- contenders -------------------------------------------------------------------------------


def reference(series: Series) -> Filter:
    """The reference's predict and update."""
    config = make_config(DriftConfig, {})
    steps = list(zip(series.times_ms.tolist(), series.values, strict=True))

    def run() -> Posterior:
        drift = KalmanDrift(config)
        drift.predict(0)
        for t_ms, z_bps_per_s in steps:
            drift.predict(t_ms)
            drift.update(z_bps_per_s, VARIANCE)
        return drift.mean, drift.variance

    return run


def by_filterpy(series: Series) -> Filter:
    """Step filterpy's filter."""
    values = series.values

    def run() -> Posterior:
        peer = filterpy.kalman.KalmanFilter(dim_x=1, dim_z=1)
        peer.F = np.array([[DECAY]])
        peer.H = np.array([[1.0]])
        peer.P = np.array([[PRIOR_VARIANCE]])
        peer.Q = np.array([[ADDED]])
        peer.R = np.array([[VARIANCE]])
        for z_bps_per_s in values:
            peer.predict()
            peer.update(z_bps_per_s)
        return float(peer.x[0, 0]), float(peer.P[0, 0])

    return run


def by_pykalman(series: Series) -> Filter:
    """Step pykalman's filter, which is its way to filter online."""
    peer = pykalman.KalmanFilter(
        transition_matrices=[[DECAY]],
        observation_matrices=[[1.0]],
        transition_covariance=[[ADDED]],
        observation_covariance=[[VARIANCE]],
        transition_offsets=[0.0],
        observation_offsets=[0.0],
    )
    values = list(series.array[:, None])

    def run() -> Posterior:
        mean, variance = np.zeros(1), np.array([[PRIOR_VARIANCE]])
        for z_bps_per_s in values:
            mean, variance = peer.filter_update(mean, variance, z_bps_per_s)
        return float(mean[0]), float(variance[0, 0])

    return run


def by_statsmodels(series: Series) -> Filter:
    """Filter the whole series in one call; a gain that has converged is computed all the same."""
    peer = StateSpaceFilter(k_endog=1, k_states=1, tolerance=0.0)
    peer["design", 0, 0] = 1.0
    peer["selection", 0, 0] = 1.0
    peer["transition", 0, 0] = DECAY
    peer["state_cov", 0, 0] = ADDED
    peer["obs_cov", 0, 0] = VARIANCE
    peer.bind(series.array[:, None])
    # its prior is that of the first observation, so one predict further on
    peer.initialize_known(np.zeros(1), np.array([[PRIOR_VARIANCE * DECAY * DECAY + ADDED]]))

    def run() -> Posterior:
        found = peer.filter()
        return float(found.filtered_state[0, -1]), float(found.filtered_state_cov[0, 0, -1])

    return run


def by_simdkalman(series: Series, count: int = 1) -> Filter:
    """Step simdkalman's filter, ``count`` series at a time."""
    peer = simdkalman.KalmanFilter(
        state_transition=np.array([[DECAY]]),
        process_noise=np.array([[ADDED]]),
        observation_model=np.array([[1.0]]),
        observation_noise=np.array([[VARIANCE]]),
    )
    values = [np.full((count, 1, 1), value) for value in series.array]

    def run() -> Posterior:
        mean, variance = np.zeros((count, 1, 1)), np.full((count, 1, 1), PRIOR_VARIANCE)
        for z_bps_per_s in values:
            mean, variance = peer.predict_next(mean, variance)
            mean, variance, _ = peer.update(mean, variance, z_bps_per_s)
        return float(mean[-1, 0, 0]), float(variance[-1, 0, 0])

    return run


def by_vectorised(series: Series, count: int) -> Filter:
    """Step the vectorised engine's filter, ``count`` markets at a time."""
    config = make_config(DriftConfig, {})
    everywhere = np.full(count, True)
    variance = np.full(count, VARIANCE)
    steps = [
        (t_ms, Observations(np.full(count, z_bps_per_s), variance, everywhere))
        for t_ms, z_bps_per_s in zip(series.times_ms.tolist(), series.values, strict=True)
    ]

    def run() -> Posterior:
        drift = BatchDrift(config, count)
        drift.predict(0.0, everywhere)
        for t_ms, observations in steps:
            drift.predict(t_ms, everywhere)
            drift.update(observations)
        return float(drift.mean[-1]), float(drift.variance[-1])

    return run


def _loop(
    z_bps_per_s: FloatArray,
    t_ms: np.ndarray[Any, np.dtype[np.int64]],
    theta_per_s: float,
    process_noise: float,
    observed_variance: float,
    p_min: float,
    prior_variance: float,
) -> Posterior:
    mean, variance, last_ms = 0.0, prior_variance, 0
    for step in range(len(z_bps_per_s)):
        dt_s = (t_ms[step] - last_ms) / 1000.0
        last_ms = t_ms[step]
        decay = math.exp(-theta_per_s * dt_s)
        mean *= decay
        added = process_noise / (2.0 * theta_per_s) * -math.expm1(-2.0 * theta_per_s * dt_s)
        variance = variance * decay * decay + added
        gain = variance / (variance + observed_variance)
        mean += gain * (z_bps_per_s[step] - mean)
        variance = max(p_min, (1.0 - gain) * variance)
    return mean, variance


@cache
def compiled_loop() -> Any:  # noqa: ANN401 - numba's own type
    """Let numba compile the loop, at its first call."""
    return numba.njit(_loop)


def by_numba(series: Series) -> Filter:
    """Run a loop of plain Python, compiled."""
    loop = compiled_loop()
    steps = series.array, series.times_ms

    def run() -> Posterior:
        found: Posterior = loop(*steps, THETA_PER_S, PROCESS_NOISE, VARIANCE, P_MIN, PRIOR_VARIANCE)
        return found

    return run


@cache
def compiled_c() -> Any:  # noqa: ANN401 - a function of a shared object has no type
    """Compile ``kalman.c`` and load it."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise AbsentError("no C compiler, cc, is installed")
    with TemporaryDirectory() as folder:
        target = Path(folder) / "kalman.so"
        command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(target), str(SOURCE), "-lm"]
        subprocess.run(command, check=True)
        return ctypes.CDLL(str(target)).filter


def by_c(series: Series) -> Filter:
    """Run the same loop in C."""
    loop = compiled_c()
    z_bps_per_s = series.array.ctypes.data_as(ctypes.POINTER(ctypes.c_double))
    times = series.times_ms
    t_ms = times.ctypes.data_as(ctypes.POINTER(ctypes.c_int64))
    settings = [ctypes.c_double(one) for one in (THETA_PER_S, PROCESS_NOISE, VARIANCE, P_MIN)]
    length = ctypes.c_size_t(len(series.array))

    def run() -> Posterior:
        posterior = (ctypes.c_double * 2)(0.0, PRIOR_VARIANCE)
        loop(z_bps_per_s, t_ms, length, *settings, posterior)
        return posterior[0], posterior[1]

    return run


def by_rust_engine(series: Series) -> Filter:
    """Ask the Rust engine over stdio; for its posterior, not for its time."""
    steps: list[Json] = [{"step": "predict", "t_ms": 0}]
    for t_ms, z_bps_per_s in zip(series.times_ms.tolist(), series.values, strict=True):
        steps.append({"step": "predict", "t_ms": t_ms})
        steps.append({"step": "observe", "z_bps_per_s": z_bps_per_s, "variance": VARIANCE})

    def run() -> Posterior:
        with running(rust.engine()) as engine:
            last = trace(engine, Case("drift", {}, steps), "posterior", 0).answers[-1]
        assert isinstance(last, Ok), last
        return last.observation["drift_bps_per_s"], last.observation["variance"]

    return run


# --- table ------------------------------------------------------------------------------------


def _contender(make: MakeFilter, length: int, at_once: int = 1) -> Contender:
    agreement = _agreement(make)
    run = make(observed(length))
    return Contender(lambda: timed(run, length * at_once), agreement)


def _rust_contender() -> Contender:
    agreement = _agreement(by_rust_engine)
    return Contender(lambda: rust.bench_seconds(rust.FILTER), f"{agreement}; its `cargo bench`")


def _agreement(make: MakeFilter) -> str:
    return f"closed form to {departure(make):.1g}"


def tables(effort: Effort) -> list[Table]:
    """Measure all filters."""
    few, many = INTERPRETED_STEPS // effort.divisor, COMPILED_STEPS // effort.divisor
    some = MANY_STEPS // effort.divisor
    table = compare(
        "Drift filter, predict and update",
        "a step",
        {
            "reference": partial(_contender, reference, few),
            "filterpy": partial(_contender, by_filterpy, few),
            "pykalman, online": partial(_contender, by_pykalman, few),
            "statsmodels, whole series a call": partial(_contender, by_statsmodels, many),
            "simdkalman, one series": partial(_contender, by_simdkalman, few),
            f"simdkalman, {MANY} series at once": partial(
                _contender, partial(by_simdkalman, count=MANY), some, MANY
            ),
            f"vectorised engine, {MANY} markets at once": partial(
                _contender, partial(by_vectorised, count=MANY), some, MANY
            ),
            "the same loop compiled by numba": partial(_contender, by_numba, many),
            "the same loop in C, -O2": partial(_contender, by_c, many),
            "Rust engine": _rust_contender,
        },
        effort.rounds,
        [
            "Each filter's posterior was held against the closed form before, to a relative"
            f" {AGREEMENT:g}. The libraries are given the decay of a step, the others compute it"
            " anew each time."
        ],
    )
    return [table]
