"""The vectorised engine: the suite on a batch of one, and what one market cannot show of many."""

from __future__ import annotations

import os
import random
import runpy
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from tests.batches import play

from quotemark.builtin import BuiltinEngine
from quotemark.case import Case, trace
from quotemark.messages import STEPS, Json, Ok, component_fields
from quotemark.suite.compare import first_difference
from quotemark.suite.market import ALL_PHASES, GATES, gates
from quotemark.suite.register import RegisteredCheck
from quotemark.suite.runner import certify
from quotemark.suite.whole_market import whole_market
from quotemark_reference.config import EngineConfig, make_config
from quotemark_reference.errors import RejectedError
from quotemark_vectorised import BatchEngine, batch_of_one

ROOT = Path(__file__).parents[1]
MARKETS = 256
CYCLES = 11
EVERYWHERE = component_fields("engine")
EAGER: Json = {
    "flow_min_trades": 3,
    "hawkes_min_events": 3,
    "fill_size_min_fills": 2,
    "fill_size_window": 2,
    "lead_min_returns": 3,
    "lead_window": 4,
    "lead_min_confidence": 0.01,
    "kurtosis_min_returns": 3,
    "kurtosis_window": 9,
    "funding_history": 3,
    "alpha_open_interest": 0.1,
    "markout_window_s": 2.0,
}
"""Every source speaks after a few cycles, and every window is shorter than a session."""


def is_an_agreement(check: RegisteredCheck) -> bool:
    """Whether a check holds an engine against the reference, and is quick to do so."""
    agrees = any(requirement.startswith("A-") for requirement in check.proves)
    quick = check.component != "engine" or check.name.startswith("vectors.")
    return agrees and quick


@pytest.mark.whole_suite
def test_a_batch_of_one_agrees_with_the_reference_in_every_component_and_set_of_gates() -> None:
    certification = certify(batch_of_one, profile="quick", fuzz_steps=200, chosen=is_an_agreement)
    failed = [check for check in certification.checks if check.status != "passed"]
    assert not failed
    assert certification.level == "L2"
    assert certification.identity.phases == list(GATES)
    assert {check.component for check in certification.checks} == set(STEPS)


# --- many markets -----------------------------------------------------------------------------


def market(number: int) -> list[Json]:
    return whole_market(number, CYCLES)


def swept(number: int) -> Json:
    """Parameters of a market of its own: most that are plain numbers, a bit off their default."""
    rng = random.Random(number)
    return {
        spec.name: spec.default * rng.uniform(0.9, 1.1)
        for spec in fields(EngineConfig)
        if isinstance(spec.default, float)
        and "options" not in spec.metadata
        and spec.metadata["low"] <= 0.9 * spec.default < 1.1 * spec.default <= spec.metadata["high"]
    }


def reference_cycles(config: Json, steps: list[Json]) -> list[Json]:
    answers = trace(BuiltinEngine(), Case("engine", config, steps), "one", 0).answers
    assert all(isinstance(answer, Ok) for answer in answers)
    return [
        answer.observation for answer in answers if isinstance(answer, Ok) and answer.observation
    ]


@pytest.mark.parametrize(
    ("markets", "config"),
    [
        pytest.param(MARKETS, ALL_PHASES, id="all phases"),
        pytest.param(24, {**ALL_PHASES, "calibration": "plan"}, id="the plan's constants"),
        pytest.param(
            32, {**gates(1, 2, 3), "tick_size": 0.03}, id="the default gates, a fixed tick"
        ),
        pytest.param(24, gates(), id="the legacy path as documented"),
        pytest.param(24, gates(variant="deployed"), id="the legacy path as deployed"),
    ],
)
def test_each_market_of_a_batch_is_quoted_as_a_session_of_the_reference(
    markets: int, config: Json
) -> None:
    configs = [{**EAGER, **config, **swept(number)} for number in range(markets)]
    engine = BatchEngine([make_config(EngineConfig, one) for one in configs])
    steps = [market(number) for number in range(markets)]
    for number, cycles in enumerate(play(engine, steps)):
        expected = reference_cycles(configs[number], steps[number])
        assert len(cycles) == len(expected) == CYCLES
        for index, (one, other) in enumerate(zip(expected, cycles, strict=True)):
            difference = first_difference(Ok(one), Ok(other), EVERYWHERE)
            assert difference is None, f"market {number}, cycle {index}: {difference}"


def test_those_sessions_hear_every_source() -> None:
    heard = {
        observation["source"]
        for number in range(20)
        for cycle in reference_cycles({**EAGER, **ALL_PHASES}, market(number))
        for observation in (*cycle["drift_observations"], *cycle["composite_parts"])
    }
    hot, warm = {"bim", "dbim", "bpg", "sweep"}, {"hawkes", "fill_size", "basis"}
    cold, desk = {"lead", "funding", "open_interest"}, {"fill", "trend", "signal:momentum", "flow"}
    assert heard == hot | warm | cold | desk | {"composite"}


def alike(one: object, other: object) -> bool:
    """Whether two observations are the same but for the last digits of their figures."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= 1e-12 * max(1.0, abs(one))
    return one == other


def test_a_market_is_quoted_alike_alone_and_among_others() -> None:
    checked = make_config(EngineConfig, {**EAGER, **ALL_PHASES})
    (alone,) = play(BatchEngine([checked]), [market(1000)])
    others = [market(number) for number in range(63)]
    together = [*others[:37], market(1000), *others[37:]]
    among = play(BatchEngine([checked] * 64), together)
    assert len(alone) == CYCLES
    assert alike(alone, among[37])
    # nor does it matter what a call holds for markets that it does not concern
    assert among == play(BatchEngine([checked] * 64), together, elsewhere=5e4)
    assert not alike(alone, play(BatchEngine([checked]), others[:1])[0])


def test_tapes_whole_and_trade_by_trade_are_quoted_alike() -> None:
    config = make_config(EngineConfig, {**EAGER, **ALL_PHASES})
    (whole,) = play(BatchEngine([config]), [market(3)])
    (parted,) = play(BatchEngine([config]), [market(3)], longest_tape=1)
    assert alike(whole, parted)


# --- what is rejected -------------------------------------------------------------------------

ONE_BAD = np.array([1.0, -1.0, 1.0])
ONE_FAR = np.array([100.0, 1e-14, 100.0])  # so far that the z of a fill has no end
NO_SECOND = np.array([True, False, True])
BUYS = np.array([True, False, True])

Attempt = Callable[[BatchEngine], object]


@pytest.mark.parametrize(
    ("attempt", "code"),
    [
        (lambda engine: engine.cycle(np.array([9e3, 1e3, 9e3]), 100.0), "time_reversed"),
        (lambda engine: engine.fill(9e3, BUYS, ONE_BAD * 100.0, 1.0), "out_of_range"),
        (lambda engine: engine.fill(9e3, BUYS, 100.0, np.array([1.0, np.nan, 1.0])), "non_finite"),
        (lambda engine: engine.fill(9e3, BUYS, 100.0, 1.0, ONE_BAD * 100.0), "out_of_range"),
        (lambda engine: engine.fill(9e3, BUYS, 100.0, 1.0, ONE_FAR), "out_of_range"),
        (lambda engine: engine.signal(9e3, 1.0, ONE_BAD), "out_of_range"),
        (lambda engine: engine.trend(9e3, 1.0, ONE_BAD, 0.5), "out_of_range"),
        (lambda engine: engine.funding(9e3, np.array([0.0, 1.5, 0.0]), 3600.0), "out_of_range"),
        (lambda engine: engine.estimate(9e3, kappa_bid_per_bps=ONE_BAD), "out_of_range"),
        (
            lambda engine: engine.trades(
                np.array([[9e3] * 3, [9e3, 8e3, 9e3]]), BUYS, np.ones((2, 3)), np.ones((2, 3))
            ),
            "time_reversed",
        ),
        (
            lambda engine: engine.book(
                9e3,
                (np.array([[99.0, 101.0, 99.0]]), np.ones((1, 3))),
                (np.full((1, 3), 100.0), np.ones((1, 3))),
            ),
            "crossed_book",
        ),
    ],
)
def test_a_call_that_is_bad_for_one_market_names_it_and_changes_none(
    attempt: Attempt, code: str
) -> None:
    config = make_config(EngineConfig, dict(ALL_PHASES))
    engine, untouched = BatchEngine([config] * 3), BatchEngine([config] * 3)
    for one in (engine, untouched):
        one.cycle(2e3, 100.0)
    with pytest.raises(RejectedError, match="market 1") as raised:
        attempt(engine)
    assert raised.value.code == code
    after, expected = engine.cycle(3e3, 100.0), untouched.cycle(3e3, 100.0)
    for name in ("prices", "sizes", "position", "drift_bps_per_s", "drift_variance"):
        np.testing.assert_array_equal(getattr(after, name), getattr(expected, name))


def test_what_is_bad_outside_the_mask_is_not_rejected() -> None:
    engine = BatchEngine([make_config(EngineConfig, {})] * 3)
    engine.fill(0.0, BUYS, ONE_BAD * 100.0, ONE_BAD, 100.0, where=NO_SECOND)
    assert engine.cycle(0.0, 100.0).position.tolist() == [1.0, 0.0, 1.0]


def test_arrays_that_are_filled_anew_after_a_call_change_nothing() -> None:
    config = make_config(EngineConfig, dict(ALL_PHASES))
    engine, other = BatchEngine([config] * 3), BatchEngine([config] * 3)
    t_ms, size, mid = np.zeros(3), np.full(3, 0.1), np.full(3, 100.0)
    engine.fill(t_ms, BUYS, 99.0, size, mid, 2.0)
    other.fill(0.0, BUYS, 99.0, 0.1, 100.0, 2.0)
    for array in (t_ms, size, mid):
        array[:] = 7.0
    engine.trades(np.empty((0, 3)), np.empty((0, 3), np.bool_), size, size)  # nor does no trade
    after, expected = engine.cycle(6e3, 100.0), other.cycle(6e3, 100.0)
    assert (after.process_noise != config.process_noise).all()  # the fill's markout was settled
    for name in ("process_noise", "drift_bps_per_s", "prices", "sizes"):
        np.testing.assert_array_equal(getattr(after, name), getattr(expected, name))


def test_a_cycle_without_a_mid_names_the_market() -> None:
    engine = BatchEngine([make_config(EngineConfig, {})] * 3)
    with pytest.raises(RejectedError, match="mid of market 2 is absent"):
        engine.cycle(0.0, np.array([100.0, 100.0, np.nan]))


@pytest.mark.parametrize("name", ["use_funding", "lead_window", "level_sizes", "tick_size"])
def test_markets_that_differ_in_what_all_must_share_are_refused(name: str) -> None:
    other = {"use_funding": False, "lead_window": 50, "level_sizes": [1.0], "tick_size": 0.1}[name]
    configs = [make_config(EngineConfig, given) for given in ({}, {name: other})]
    with pytest.raises(RejectedError, match=f"{name} differs between markets"):
        BatchEngine(configs)


def test_the_readme_shows_what_runs(tmp_path: Path) -> None:
    text = (ROOT / "conformance/engines/vectorised/README.md").read_text("utf-8")
    example = tmp_path / "example.py"
    example.write_text(text.partition("```python\n")[2].partition("```")[0], "utf-8")
    told = runpy.run_path(str(example))
    touch_bids = told["cycle"].prices[0, 0]
    # the faster the bearish drift of the fill has decayed, the nearer to mid the bid
    assert (np.diff(touch_bids) >= 0.0).all()
    assert touch_bids[0] < touch_bids[-1] < 100.0


def test_without_numpy_it_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "numpy.py").write_text("raise ImportError('No module named numpy')\n", "utf-8")
    done = subprocess.run(
        [
            *(sys.executable, "-c", "from quotemark.cli import main; main()"),
            *("certify", "python:quotemark_vectorised:batch_of_one"),
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 3
    assert "install quotemark[vectorised]" in done.stderr
    assert "Traceback" not in done.stderr
