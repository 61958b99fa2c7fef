"""What ran on Feb 19, against a small second computation of it, in both variants (D-39)."""

from __future__ import annotations

import math
import pickle
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.reference import textbook
from tests.reference.markets import MID, Q_MAX

from quotemark_reference import legacy
from quotemark_reference.config import EngineConfig, make_config
from quotemark_reference.engine import Cycle, QuoteEngine
from quotemark_reference.errors import NonFiniteError, OutOfRangeError
from quotemark_reference.ladder import Quote

VARIANTS = ("documented", "deployed")
ALL_OFF = {
    "use_kalman_drift": False,
    "use_continuous_gamma": False,
    "use_directional_flow": False,
    "use_epnl_filter": False,
    "use_online_adaptation": False,
    "use_funding": False,
    "use_book_features": False,
    "use_tape_features": False,
}


def legacy_engine(variant: str, **values: object) -> QuoteEngine:
    return QuoteEngine(make_config(EngineConfig, {**ALL_OFF, "legacy_variant": variant, **values}))


def legacy_cycle(variant: str, u: float = 0.0, **values: object) -> Cycle:
    engine = legacy_engine(variant, **values)
    if u:
        engine.on_fill(0, "buy" if u > 0 else "sell", MID, abs(u) * Q_MAX)
    return engine.cycle(0, MID)


# --- the baseline, a second time --------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    depth: float
    price: float
    size: float


def baseline_mean(signals: Sequence[tuple[float, float]], quiet_cycles: int) -> float:
    """Posterior mean of a normal prior N(0, 100), then 0.9 a cycle without signals."""
    precision = 1.0 / 100.0 + sum(1.0 / variance for _, variance in signals)
    return sum(z / variance for z, variance in signals) / precision * 0.9**quiet_cycles


def baseline(
    variant: str, position: float, mean: float, toxicity: tuple[float, float]
) -> tuple[list[Row], list[Row]]:
    """Ladder of the six subsystems, level for level, at mid 100 in the canonical market."""
    used = abs(position) / 8.57
    gamma = 0.15 * (1.0 + 3.0 * min(1.0, used) ** 2)
    half_spread = textbook.half_spread(gamma, 0.1287, 2.0, 2.0, 1.5)
    shift = max(-3.0, min(3.0, mean * 2.0 / 2.0))
    skew = gamma * 4.0 * 2.0 * min(1.0, used) * math.copysign(1.0, position)
    widening = 10.0 if used >= 0.8 else 3.0 if used >= 0.6 else 0.0
    zone_size = 0.3 if used >= 0.8 else 0.5 if used >= 0.6 else 1.0
    if variant == "deployed":
        shift = skew = widening = 0.0

    sides: list[list[Row]] = []
    for way, toxic in zip((1.0, -1.0), toxicity, strict=True):
        rows: list[Row] = []
        accumulates = way * position > 0.0
        touch = half_spread - way * shift + way * skew + (widening if accumulates else 0.0)
        touch = max(1.5, touch)
        size = 0.695 * zone_size * (1.0 if toxic <= 0.5 else max(0.3, 1.5 - toxic))
        closed = accumulates and (used >= 0.8 or (variant == "documented" and used > 0.5))
        for level in range(0 if closed else 6):
            depth = touch + level
            price = 100.0 * (1.0 - way * depth / 1e4)
            per_unit = 1000.0 if price < 100.0 else 100.0
            price = (
                math.floor(price * per_unit + 1e-9)
                if way > 0
                else math.ceil(price * per_unit - 1e-9)
            ) / per_unit
            left = min(size, 8.57 - way * position - level * size)
            if left >= 0.01:
                rows.append(Row(depth, price, left))
        sides.append(rows)
    return sides[0], sides[1]


def rows_of(quotes: list[Quote]) -> list[tuple[float, ...]]:
    return [(quote.depth_bps, quote.price, quote.size) for quote in quotes]


signals_st = st.lists(st.tuples(st.floats(-30, 30), st.sampled_from([50, 100, 200])), max_size=3)


@given(
    variant=st.sampled_from(VARIANTS),
    percent=st.one_of(st.sampled_from([0, 50, 60, 80, 100]), st.integers(-120, 120)),
    signals=signals_st,
    quiet_cycles=st.integers(0, 3),
    toxicity=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_every_gate_off_is_the_legacy_baseline(
    variant: str,
    percent: int,
    signals: list[tuple[float, float]],
    quiet_cycles: int,
    toxicity: tuple[float, float],
) -> None:
    engine = legacy_engine(variant)
    for _ in range(25):
        engine.on_trade(0, "sell", MID, 1.0)  # flow is off: it must not matter
    for z, variance in signals:
        engine.on_signal(0, z, variance)
    engine.cycle(0, MID)
    position = percent * 8.57 / 100.0
    if position:
        engine.on_fill(1, "buy" if position > 0 else "sell", 99.0, abs(position), mid=MID)
    engine.on_toxicity(2, "bid", toxicity[0])
    engine.on_toxicity(2, "ask", toxicity[1])
    for quiet in range(quiet_cycles):
        engine.cycle(10 + quiet, MID)
    # one more quiet cycle is the one that quotes
    cycle = engine.cycle(20, MID)

    mean = baseline_mean(signals, quiet_cycles + 1)
    assert cycle.drift_bps_per_s == pytest.approx(mean, abs=1e-9)
    for found, expected in zip(
        (cycle.bids, cycle.asks), baseline(variant, position, mean, toxicity), strict=True
    ):
        expected_rows = [(row.depth, row.price, row.size) for row in expected]
        assert len(found) == len(expected_rows)
        for quote, row in zip(rows_of(found), expected_rows, strict=True):
            assert quote == pytest.approx(row, abs=1e-7)
        assert all(quote.expected_pnl_bps is None for quote in found)
    assert cycle.active_phases == cycle.inert_phases == []
    assert [event for event in cycle.events if not event.startswith("kill_guard")] == []
    assert cycle.expected_pnl_bps is None


# --- estimator --------------------------------------------------------------------------------


def test_estimator_by_hand() -> None:
    estimator = legacy.LegacyDrift()
    assert (estimator.mean, estimator.variance) == (0.0, 100.0)
    # momentum 100, trend 200: precision 0.01 + 0.01 + 0.005
    estimator.update_cycle([(-6.0, 100.0), (-8.0, 200.0)])
    assert estimator.mean == pytest.approx((-0.06 - 0.04) / 0.025)
    assert estimator.variance == pytest.approx(40.0)
    estimator.update_cycle([])
    assert estimator.mean == pytest.approx(-3.6)
    assert estimator.variance == pytest.approx(1.0 / (0.01 + 0.9 * 0.015))
    # rebuilt, not updated: nothing of the past is left
    estimator.update_cycle([(2.0, 50.0)])
    assert estimator.mean == pytest.approx(0.04 / 0.03)
    assert estimator.variance == pytest.approx(1.0 / 0.03)


def test_estimator_never_believes_its_signals() -> None:
    # the strongest trend alone: precision 0.005 against the prior's 0.01, a third of it
    estimator = legacy.LegacyDrift()
    for _ in range(100):
        estimator.update_cycle([(-9.0, 200.0)])
    assert estimator.mean == pytest.approx(-3.0)


def test_quiet_cycles_decay_by_count_not_by_time() -> None:
    engine = legacy_engine("documented")
    engine.on_signal(0, -9.0, 100.0)
    drifts = [engine.cycle(t_ms, MID).drift_bps_per_s for t_ms in (0, 1, 100_000, 100_001)]
    assert drifts == pytest.approx([-4.5 * 0.9**n for n in range(4)])


def test_estimator_rejects_bad_signals_whole() -> None:
    estimator = legacy.LegacyDrift()
    estimator.update_cycle([(-6.0, 100.0)])
    state = pickle.dumps(estimator)
    for bad, error in (((math.nan, 1.0), NonFiniteError), ((1.0, 0.0), OutOfRangeError)):
        with pytest.raises(error):
            estimator.update_cycle([(1.0, 1.0), bad])
    assert pickle.dumps(estimator) == state


def test_trend_reading_as_a_legacy_signal() -> None:
    assert legacy.trend_signal(12.0, 0.5, 0.5) == (-3.0, 200.0)
    engine = legacy_engine("documented")
    engine.on_trend(0, 12.0, 0.5, 0.5)
    # -3/200 over 0.01 + 0.005
    assert engine.cycle(0, MID).drift_bps_per_s == pytest.approx(-1.0)


def test_own_fills_do_not_reach_the_legacy_estimator() -> None:
    engine = legacy_engine("documented")
    engine.on_fill(0, "buy", 99.0, 1.0, mid=MID)
    assert engine.cycle(0, MID).drift_bps_per_s == 0.0


# --- clamp, zones, gate, toxicity -------------------------------------------------------------


@pytest.mark.parametrize(
    ("shift", "clamped"), [(-7.0, -3.0), (-3.0, -3.0), (-1.5, -1.5), (0.0, 0.0), (2.9, 2.9), (4, 3)]
)
def test_clamp(shift: float, clamped: float) -> None:
    assert legacy.clamped_shift_bps(shift) == clamped


@pytest.mark.parametrize(
    ("u", "zone"),
    [
        (0.0, "green"),
        (0.599, "green"),
        (0.6, "yellow"),
        (0.799, "yellow"),
        (0.8, "red"),
        (0.999, "red"),
        (1.0, "kill"),
        (1.5, "kill"),
    ],
)
def test_zones(u: float, zone: str) -> None:
    assert legacy.zone(u * 10.0, 10.0) == legacy.zone(-u * 10.0, 10.0) == zone


def test_zones_widen_and_shrink_the_documented_quotes() -> None:
    flat = legacy_cycle("documented")
    yellow = legacy_cycle("documented", 0.7)
    gamma = 0.15 * (1.0 + 3.0 * 0.49)
    spread = textbook.half_spread(gamma, 0.1287, 2.0, 2.0, 1.5)
    skew = gamma * 8.0 * 0.7
    assert yellow.touch_depths_bps == pytest.approx((spread + skew + 3.0, spread - skew))
    assert [quote.size for quote in flat.asks] == pytest.approx([0.695] * 6)
    assert [quote.size for quote in yellow.asks] == pytest.approx([0.3475] * 6)  # both sides
    red = legacy_cycle("documented", -0.85)
    assert red.asks == []
    assert [quote.size for quote in red.bids] == pytest.approx([0.2085] * 6)


def test_deployed_prices_ignore_what_was_computed() -> None:
    engine = legacy_engine("deployed")
    engine.on_fill(0, "buy", MID, 0.7 * Q_MAX)
    engine.on_signal(0, -20.0, 50.0)
    cycle = engine.cycle(0, MID)
    # computed and reported
    assert cycle.drift_bps_per_s == pytest.approx(-0.4 / 0.03)
    assert cycle.drift_shift_bps == -3.0
    assert cycle.skew_bps == pytest.approx(0.15 * 2.47 * 8.0 * 0.7)
    assert (cycle.zone, cycle.gate_closed_side) == ("yellow", "bid")
    # not acted on
    assert cycle.touch_depths_bps == cycle.half_spreads_bps
    # the sizes were, and accumulation ran on until Red
    assert [quote.size for quote in cycle.bids] == pytest.approx([0.3475] * 6)
    assert legacy_cycle("deployed", 0.79).bids != []
    assert legacy_cycle("deployed", 0.81).bids == []
    assert len(legacy_cycle("deployed", 0.81).asks) == 6


def test_gate_acts_above_half_and_not_at_it() -> None:
    assert legacy.gate_closed_side(5.0, 10.0) is None
    assert legacy.gate_closed_side(-5.0, 10.0) is None
    assert legacy.gate_closed_side(5.01, 10.0) == "bid"
    assert legacy.gate_closed_side(-5.01, 10.0) == "ask"

    for u, bids in ((0.5, 6), (0.501, 0), (-0.501, 6)):
        assert len(legacy_cycle("documented", u).bids) == bids
        assert len(legacy_cycle("documented", -u).asks) == bids
        assert len(legacy_cycle("deployed", u).bids) == 6  # only logged
    assert legacy_cycle("deployed", 0.501).gate_closed_side == "bid"


@pytest.mark.parametrize(
    ("toxicity", "multiplier"),
    [(0.0, 1.0), (0.5, 1.0), (0.53, 0.97), (0.67, 0.83), (0.9, 0.6), (1.0, 0.5)],
)
def test_toxicity_shrinks_sizes(toxicity: float, multiplier: float) -> None:
    assert legacy.toxicity_size_multiplier(toxicity) == pytest.approx(multiplier)
    for variant in VARIANTS:
        engine = legacy_engine(variant)
        engine.on_toxicity(0, "ask", toxicity)
        cycle = engine.cycle(0, MID)
        assert [quote.size for quote in cycle.asks] == pytest.approx([0.695 * multiplier] * 6)
        assert [quote.size for quote in cycle.bids] == [0.695] * 6
        assert len(engine.cycle(9000, MID).asks) == 6  # lasts until the next reading
        engine.on_toxicity(9001, "ask", 0.0)
        assert engine.cycle(9001, MID).asks[0].size == 0.695


def test_toxicity_multiplier_is_bounded() -> None:
    assert legacy.toxicity_size_multiplier(2.0) == 0.3


@pytest.mark.parametrize("variant", VARIANTS)
def test_kill_guard_was_there_already(variant: str) -> None:
    for u in (1.0, 1.3):
        long, short = legacy_cycle(variant, u), legacy_cycle(variant, -u)
        assert (long.bids, short.asks) == ([], [])
        assert len(long.asks) == len(short.bids) == 6
        assert long.events == ["kill_guard_bid"]
        assert short.events == ["kill_guard_ask"]
        assert long.zone == short.zone == "kill"
