"""Benchmarks, each as a ratio against a peer in the same run: ``nox -s bench``.

Absolute times depend on the machine; a ratio between two loops that take turns depends on it far
less. Every figure is the median of several rounds, with the least and the greatest beside it.
"""

from __future__ import annotations

import math
import platform
import random
import statistics
import sys
import time
from collections.abc import Callable
from itertools import count

import filterpy.kalman
import numba
import numpy as np
from tests.benchmarks.tiers import print_tiers

from quotemark.adapters import running
from quotemark.examples import minimal_engine
from quotemark.messages import Json, Opened
from quotemark.port import Engine
from quotemark_reference.config import DriftConfig, EngineConfig, make_config
from quotemark_reference.drift import KalmanDrift
from quotemark_reference.engine import QuoteEngine

ROUNDS = 9
STEP_MS = 6450
THETA_PER_S = 0.02
VARIANCE = 5.0
P_MIN = 2.0
EXAMPLE_ENGINE = f"stdio:{sys.executable} {minimal_engine.__file__}"
WORKER_ENGINE = "python:quotemark.builtin:reference"

Timed = Callable[[], float]
"""Does its work once and returns the seconds one unit of it took."""


def timed(work: Callable[[], None], units: int) -> float:
    """Seconds a unit of ``work`` takes."""
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) / units


def reference_filter(observations: list[float]) -> Timed:
    """The reference's predict and update."""
    drift = KalmanDrift(make_config(DriftConfig, {}))
    clock = count(0, STEP_MS)

    def work() -> None:
        for z_bps_per_s in observations:
            drift.predict(next(clock))
            drift.update(z_bps_per_s, VARIANCE)

    return lambda: timed(work, len(observations))


def filterpy_filter(observations: list[float]) -> Timed:
    """Run the same filter in filterpy, as its users write it."""
    decay = math.exp(-THETA_PER_S * STEP_MS / 1000.0)
    peer = filterpy.kalman.KalmanFilter(dim_x=1, dim_z=1)
    peer.F = np.array([[decay]])
    peer.H = np.array([[1.0]])
    peer.P = np.array([[50.0]])
    peer.Q = np.array([[25.0 * (1.0 - decay * decay)]])
    peer.R = np.array([[VARIANCE]])

    def work() -> None:
        for z_bps_per_s in observations:
            peer.predict()
            peer.update(z_bps_per_s)

    return lambda: timed(work, len(observations))


def _loop(observations: np.ndarray, mean: float, variance: float) -> tuple[float, float]:
    for z_bps_per_s in observations:
        decay = math.exp(-0.02 * 6.45)
        mean *= decay
        variance = variance * decay * decay + 25.0 * -math.expm1(-2.0 * 0.02 * 6.45)
        gain = variance / (variance + 5.0)
        mean += gain * (z_bps_per_s - mean)
        variance = max(2.0, (1.0 - gain) * variance)
    return mean, variance


def compiled_filter(observations: list[float]) -> Timed:
    """Run the same loop compiled by numba."""
    array = np.array(observations)
    compiled_loop = numba.njit(_loop)
    compiled_loop(array, 0.0, 50.0)  # compiles
    return lambda: timed(lambda: compiled_loop(array, 0.0, 50.0), len(observations))


def engine_cycles(cycles: int) -> Timed:
    """One cycle of phases 1 to 4 with a fresh 20 x 20 book and five trades before it."""
    engine = QuoteEngine(make_config(EngineConfig, {"use_epnl_filter": True}))
    bids = [(100.0 - 0.01 * level, 5.0) for level in range(1, 21)]
    asks = [(100.0 + 0.01 * level, 5.0) for level in range(1, 21)]
    clock = count(0, STEP_MS)

    def once() -> float:
        seconds = []
        for _ in range(cycles):
            t_ms = next(clock)
            for side in ("buy", "sell", "sell", "buy", "buy"):
                engine.on_trade(t_ms, side, 100.0, 1.0)
            start = time.perf_counter()
            engine.on_book(t_ms, bids, asks)
            engine.cycle(t_ms)
            seconds.append(time.perf_counter() - start)
        return statistics.median(seconds)

    return once


def port_steps(engine: Engine, session: str, steps: list[Json], chunk: int) -> Timed:
    """Steps of component drift over the port, ``chunk`` steps an ``apply``."""
    opened = engine.open(session, "drift", {}, 0)
    assert isinstance(opened, Opened), opened

    def work() -> None:
        for start in range(0, len(steps), chunk):
            engine.apply(session, steps[start : start + chunk])

    return lambda: timed(work, len(steps))


def compare(title: str, contenders: dict[str, Timed]) -> None:
    """Let the contenders take turns, and print each beside the first."""
    rounds = {name: [] for name in contenders}  # type: dict[str, list[float]]
    for _ in range(ROUNDS):
        for name, run in contenders.items():
            rounds[name].append(run())
    print(title)
    base = next(iter(rounds.values()))
    for name, seconds in rounds.items():
        ratios = [one / other for one, other in zip(seconds, base, strict=True)]
        median = statistics.median(seconds)
        print(
            f"  {name:<46} {median * 1e6:9.3f} us {1.0 / median:12,.0f} /s"
            f"   x{statistics.median(ratios):.3g} ({min(ratios):.3g} to {max(ratios):.3g})"
        )


def main() -> None:
    """Print every table."""
    rng = random.Random(20260219)
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}")
    observations = [rng.gauss(-3.0, 4.0) for _ in range(5000)]
    compare(
        "Kalman predict and update, one step",
        {
            "reference": reference_filter(observations),
            "filterpy": filterpy_filter(observations),
            "the same loop compiled by numba": compiled_filter(observations),
        },
    )
    compare(
        "Quote cycle of phases 1 to 4, 20 x 20 book (median of a round)",
        {
            "reference": engine_cycles(500),
            "predict and update alone": reference_filter(observations),
        },
    )
    print_tiers()
    steps: list[Json] = [
        {"step": "observe", "z_bps_per_s": z_bps_per_s, "variance": VARIANCE}
        for z_bps_per_s in observations * 4
    ]
    with running(EXAMPLE_ENGINE) as example, running(WORKER_ENGINE) as worker:
        compare(
            "Drift steps over the port, one step",
            {
                "stdio example, pipelined in applies of 100": port_steps(
                    example, "pipelined", steps, len(steps)
                ),
                "stdio example, one at a time": port_steps(example, "single", steps[:2000], 1),
                "python: worker, pipelined": port_steps(worker, "pipelined", steps, len(steps)),
            },
        )


if __name__ == "__main__":
    main()
