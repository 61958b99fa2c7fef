"""Rejected input: the named error, and an engine that is bit for bit what it was (D-07)."""

from __future__ import annotations

import copy
import math
import pickle
from typing import Any

import pytest

from quotemark_reference.config import EngineConfig, make_config
from quotemark_reference.engine import QuoteEngine
from quotemark_reference.errors import RejectedError

NOW_MS = 5000

GOOD: dict[str, dict[str, Any]] = {
    "on_book": {"bids": [(99.0, 1.0), (98.0, 1.0)], "asks": [(101.0, 1.0), (102.0, 1.0)]},
    "on_trade": {"side": "buy", "price": 100.0, "size": 1.0},
    "on_fill": {"side": "buy", "price": 99.9, "size": 1.0, "fill_id": "new", "mid": 100.0},
    "on_trend": {"magnitude_bps": 10.0, "agreement": 0.5, "p_continuation": 0.5},
    "on_signal": {"z_bps_per_s": -3.0, "variance": 9.0},
    "on_toxicity": {"side": "bid", "toxicity": 0.7},
    "on_estimate": {
        "sigma_bps_per_sqrt_s": 3.0,
        "kappa_bid_per_bps": 0.2,
        "kappa_ask_per_bps": 0.1,
        "time_horizon_s": 4.0,
    },
    "cycle": {"mid": 100.0},
}
POSITIVE = [
    ("on_trade", "price"),
    ("on_trade", "size"),
    ("on_fill", "price"),
    ("on_fill", "size"),
    ("on_fill", "mid"),
    ("on_signal", "variance"),
    ("on_estimate", "sigma_bps_per_sqrt_s"),
    ("on_estimate", "kappa_bid_per_bps"),
    ("on_estimate", "kappa_ask_per_bps"),
    ("on_estimate", "time_horizon_s"),
    ("cycle", "mid"),
]
FINITE = [("on_trend", "magnitude_bps"), ("on_signal", "z_bps_per_s")]
FRACTIONS = [("on_trend", "agreement"), ("on_trend", "p_continuation"), ("on_toxicity", "toxicity")]

NOT_FINITE = (math.nan, math.inf, -math.inf)
CASES: list[tuple[str, dict[str, Any], str]] = [
    *((m, {f: v}, "non_finite") for m, f in POSITIVE + FINITE + FRACTIONS for v in NOT_FINITE),
    *((m, {f: v}, "out_of_range") for m, f in POSITIVE for v in (0.0, -1.0, 1e-16, 1.1e15)),
    *((m, {f: v}, "out_of_range") for m, f in FINITE for v in (1.1e15, -1.1e15)),
    *((m, {f: v}, "out_of_range") for m, f in FRACTIONS for v in (-0.01, 1.01, 1e16)),
    *((m, {"t_ms": NOW_MS - 1}, "time_reversed") for m in GOOD),
    ("on_fill", {"fill_id": "seen"}, "duplicate"),
    ("on_fill", {"fill_id": "seen", "mid": -1.0}, "out_of_range"),  # ranges come first
    ("on_fill", {"price": 1e15, "mid": 1e-15}, "out_of_range"),  # z of 5e33 bp/s
    ("on_book", {"bids": [(101.5, 1.0)]}, "crossed_book"),
    ("on_book", {"bids": [(99.0, 1.0), (99.0, 1.0)]}, "out_of_range"),
    ("on_book", {"bids": [(98.0, 1.0), (99.0, 1.0)]}, "out_of_range"),
    ("on_book", {"asks": [(101.0, 1.0), (101.0, 1.0)]}, "out_of_range"),
    ("on_book", {"asks": [(102.0, 1.0), (101.0, 1.0)]}, "out_of_range"),
    ("on_book", {"asks": [(101.0, 0.0)]}, "out_of_range"),
    ("on_book", {"asks": [(math.nan, 1.0)]}, "non_finite"),
    ("on_book", {"bids": [(99.0, math.inf)]}, "non_finite"),
]


def lived_in_engine(*, kalman: bool) -> QuoteEngine:
    """An engine that has seen everything, with signals still waiting for their cycle."""
    config = make_config(EngineConfig, {"use_epnl_filter": True, "use_kalman_drift": kalman})
    engine = QuoteEngine(config)
    engine.on_book(0, [(99.5, 1.0)], [(100.0, 1.0)])
    for n in range(25):
        engine.on_trade(10 * n, "sell" if n % 3 else "buy", 100.0, 1.0 + n)
    engine.on_fill(300, "buy", 99.9, 3.0, fill_id="seen")
    engine.on_toxicity(400, "ask", 0.9)
    engine.on_estimate(500, sigma_bps_per_sqrt_s=2.5)
    engine.on_trend(600, 5.0, 0.8, 0.8)
    engine.cycle(1000)
    engine.on_signal(NOW_MS, -2.0, 20.0)
    return engine


def call(engine: QuoteEngine, method: str, changes: dict[str, Any]) -> None:
    """Call later than all before, so that a time which moves too early shows."""
    getattr(engine, method)(**{"t_ms": NOW_MS + 1000, **GOOD[method], **changes})


@pytest.mark.parametrize("kalman", [True, False])
@pytest.mark.parametrize(("method", "changes", "code"), CASES)
def test_rejected_input_changes_nothing(
    method: str, changes: dict[str, Any], code: str, kalman: bool
) -> None:
    engine = lived_in_engine(kalman=kalman)
    untouched = copy.deepcopy(engine)
    state = pickle.dumps(engine)
    with pytest.raises(RejectedError) as caught:
        call(engine, method, changes)
    assert caught.value.code == code
    assert pickle.dumps(engine) == state
    # and nothing that follows can tell
    for one in (engine, untouched):
        for good in GOOD:
            call(one, good, {})
    assert engine.cycle(9000) == untouched.cycle(9000)


@pytest.mark.parametrize("method", GOOD)
def test_good_input_of_the_table_is_taken(method: str) -> None:
    engine = lived_in_engine(kalman=True)
    state = pickle.dumps(engine)
    call(engine, method, {})
    assert pickle.dumps(engine) != state


def test_cycle_without_a_mid_is_rejected() -> None:
    engine = QuoteEngine(EngineConfig())
    engine.on_book(0, [(99.0, 1.0)], [])  # one side gives no mid
    state = pickle.dumps(engine)
    with pytest.raises(RejectedError) as caught:
        engine.cycle(1000)
    assert caught.value.code == "missing_field"
    assert pickle.dumps(engine) == state
    engine.on_book(1000, [(99.0, 1.0)], [(100.0, 1.0)])
    assert engine.cycle(1000).mid == 99.5


def test_a_rejected_duplicate_does_not_move_the_position() -> None:
    engine = QuoteEngine(EngineConfig())
    engine.on_fill(0, "buy", 100.0, 2.0, fill_id="a")
    with pytest.raises(RejectedError):
        engine.on_fill(1, "buy", 100.0, 2.0, fill_id="a")
    engine.on_fill(1, "sell", 100.0, 0.5, fill_id="b")
    engine.on_fill(1, "sell", 100.0, 0.5)  # without an id nothing can be a duplicate
    engine.on_fill(1, "sell", 100.0, 0.5)
    assert engine.cycle(1, 100.0).position == 0.5


def test_a_fill_rejected_for_its_time_may_come_again() -> None:
    engine = QuoteEngine(EngineConfig())
    engine.cycle(1000, 100.0)
    with pytest.raises(RejectedError):
        engine.on_fill(999, "buy", 100.0, 2.0, fill_id="a")
    engine.on_fill(1000, "buy", 100.0, 2.0, fill_id="a")
    assert engine.cycle(1000, 100.0).position == 2.0


def test_locked_books_and_one_sided_books() -> None:
    engine = QuoteEngine(EngineConfig())
    engine.on_book(0, [(100.0, 1.0)], [(100.0, 1.0)])
    assert engine.cycle(0).mid == 100.0
    engine.on_book(1, [], [(90.0, 1.0)])
    engine.on_book(2, [(110.0, 1.0)], [])
    engine.on_book(3, [], [])
    assert engine.cycle(3).mid == 100.0
    assert engine.cycle(3, 50.0).mid == 50.0  # a step's own mid, for that step alone
    assert engine.cycle(3).mid == 100.0
