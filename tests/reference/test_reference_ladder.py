"""D-42: depths, ticks, rounding and sizes of a ladder."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.reference.markets import MID, configured, quoted

from quotemark_reference import ladder
from quotemark_reference.config import EngineConfig, make_config
from quotemark_reference.engine import QuoteEngine

sides_st = st.sampled_from(["bid", "ask"])


def decimal_tick(price: float, decimals: int = 6) -> Decimal:
    """Five significant figures from the price's decimal expansion; whole numbers always stand."""
    exact = Decimal(price)
    return Decimal(1).scaleb(max(-decimals, min(0, exact.adjusted() - 4)))


# --- depths -----------------------------------------------------------------------------------


def test_levels_lie_a_spacing_apart_and_the_floor_acts_on_the_touch_only() -> None:
    assert ladder.level_depths_bps(1.5, 2.0, 4) == [1.5, 3.5, 5.5, 7.5]
    # a touch of 7.25 - 20 is floored to the fee; its levels follow from there
    cycle = quoted(configured(use_epnl_filter=False), drift=20.0)
    assert [quote.depth_bps for quote in cycle.bids] == [1.5, 2.5, 3.5, 4.5, 5.5, 6.5]


def test_a_given_half_spread_replaces_the_formula() -> None:
    config = configured(base_half_spread_bps=2.5)
    cycle = quoted(config, u=0.3, drift=0.2, imbalance=1.0)
    assert cycle.half_spreads_bps == (2.5, 2.5)
    # before drift and skew: gamma(0.3) = 0.2445, skew 0.2445 x 4 x 0.3 x 2
    assert cycle.touch_depths_bps == pytest.approx((2.5 - 0.2 + 0.5868, 2.5 + 0.2 - 0.5868))
    # kappa acts in lambda still
    other = quoted(configured(base_half_spread_bps=2.5, kappa_bid_per_bps=0.2))
    assert other.expected_pnl_bps is not None
    cost = 1.6 * math.sqrt(2.0) + 1.5
    assert other.expected_pnl_bps[0][0] == pytest.approx(math.exp(-0.5) * (2.5 - cost))
    assert other.expected_pnl_bps[1][0] == pytest.approx(math.exp(-0.1287 * 2.5) * (2.5 - cost))


def test_expected_pnl_is_taken_at_the_unrounded_depth() -> None:
    cycle = quoted(configured(tick_size=1.0))
    assert [quote.price for quote in cycle.bids] == [99.0] * 6  # 100 bp away, all of them
    assert cycle.bids[0].depth_bps == pytest.approx(7.251, abs=1e-3)
    assert cycle.expected_pnl_bps is not None
    assert [quote.expected_pnl_bps for quote in cycle.bids] == cycle.expected_pnl_bps[0]


# --- ticks ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("price", "tick"),
    [
        (0.00001, 1e-6),
        (0.012345, 1e-6),
        (0.099999, 1e-6),
        (0.1, 1e-5),
        (0.99999, 1e-5),
        (1.0, 1e-4),
        (9.9999, 1e-4),
        (10.0, 1e-3),
        (29.14, 1e-3),
        (99.999, 1e-3),
        (100.0, 1e-2),
        (999.99, 1e-2),
        (1000.0, 1e-1),
        (9999.9, 1e-1),
        (10_000.0, 1.0),
        (99_999.0, 1.0),
        (100_000.0, 1.0),  # 6 figures, but whole numbers are always allowed
        (123_456_789.0, 1.0),
    ],
)
def test_tick_by_price(price: float, tick: float) -> None:
    assert ladder.tick_by_price(price, 6) == tick


@pytest.mark.parametrize("exponent", range(-4, 8))
def test_tick_around_powers_of_ten(exponent: int) -> None:
    power = 10.0**exponent
    for price in (power * (1 - 1e-6), power, power * (1 + 1e-6)):
        assert ladder.tick_by_price(price, 6) == float(decimal_tick(price))


def test_a_price_just_below_a_power_of_ten_has_one_figure_less() -> None:
    for exponent in range(-9, 9):
        border = float(f"1e{exponent}")
        for price in (math.nextafter(border, 0.0), border):
            assert ladder.tick_by_price(price, 10) == float(decimal_tick(price, 10))


def test_decimals_bound_the_tick() -> None:
    assert ladder.tick_by_price(29.14, 6) == 0.001
    assert ladder.tick_by_price(29.14, 2) == 0.01
    assert ladder.tick_by_price(29.14, 0) == 1.0
    assert quoted(configured(price_decimals=1)).bids[0].tick == 0.1


def check_rounded(price: float, tick: float, side: str, rounded: float) -> None:
    """On the tick, not nearer to mid than the price, and less than a tick away from it."""
    ticks = Fraction(rounded) / Fraction(tick)
    assert abs(ticks - round(ticks)) < Fraction(1, 10**6)
    away = (Fraction(price) - Fraction(rounded)) / Fraction(tick)
    away = away if side == "bid" else -away
    assert -Fraction(1, 10**8) <= away < 1


@given(price=st.floats(1e-4, 1e7), side=sides_st)
def test_rounding_by_price(price: float, side: str) -> None:
    tick = ladder.tick_by_price(price, 6)
    assert tick == float(decimal_tick(price))
    rounded = ladder.round_to_tick(price, tick, side)
    check_rounded(price, tick, side, rounded)
    # the price is the very float its decimals are read as: 29.142, not 29.142000000000003
    decimals = max(0, -decimal_tick(price).adjusted())
    assert rounded == float(f"{rounded:.{decimals}f}")
    # rounding again changes nothing
    assert ladder.round_to_tick(rounded, tick, side) == rounded


@given(
    ticks=st.integers(1, 10**6),
    tick=st.sampled_from([1e-4, 0.01, 0.25, 0.5, 1.0, 2.5]),
    side=sides_st,
)
def test_a_price_on_the_tick_stays(ticks: int, tick: float, side: str) -> None:
    price = float(Fraction(str(tick)) * ticks)
    assert ladder.round_to_tick(price, tick, side) == price


@given(price=st.floats(1.0, 1e5), tick=st.sampled_from([0.01, 0.03, 0.3, 0.5, 7.0]), side=sides_st)
def test_rounding_to_a_fixed_tick(price: float, tick: float, side: str) -> None:
    check_rounded(price, tick, side, ladder.round_to_tick(price, tick, side))


def test_bids_round_down_and_asks_up() -> None:
    assert ladder.round_to_tick(29.1427, 0.001, "bid") == 29.142
    assert ladder.round_to_tick(29.1421, 0.001, "ask") == 29.143
    assert ladder.quote_price(29.142, 10.0, "bid", None, 6) == (29.112, 0.001)  # 29.112858
    assert ladder.quote_price(29.142, 10.0, "ask", None, 6) == (29.172, 0.001)  # 29.171142
    assert ladder.quote_price(100_000.0, 0.05, "ask", None, 6) == (100_001.0, 1.0)  # 100000.5
    assert ladder.quote_price(100.0, 5.0, "bid", 0.25, 6) == (99.75, 0.25)


def test_each_level_takes_the_tick_of_its_own_price() -> None:
    cycle = quoted(configured(use_epnl_filter=False))
    # mid 100: bids of 99.9... have three decimals, asks of 100.0... two
    assert {quote.tick for quote in cycle.bids} == {0.001}
    assert {quote.tick for quote in cycle.asks} == {0.01}
    assert [quote.price for quote in cycle.bids[:2]] == [99.927, 99.917]
    assert [quote.price for quote in cycle.asks[:2]] == [100.08, 100.09]


def test_a_price_of_zero_or_less_cannot_rest() -> None:
    assert ladder.quote_price(100.0, 10_000.0, "bid", None, 6) == (0.0, 0.0)
    assert ladder.quote_price(100.0, 20_000.0, "bid", 0.01, 6) == (0.0, 0.0)
    deep = configured(use_epnl_filter=False, base_half_spread_bps=9_998.5)
    cycle = quoted(deep)
    assert [quote.level for quote in cycle.bids] == [0, 1]  # then 1.5, 0.5, -0.5 bp from zero
    assert len(cycle.asks) == 6
    # a bid that rounds down to zero
    coarse = configured(use_epnl_filter=False, tick_size=200.0)
    assert quoted(coarse).bids == []


# --- sizes ------------------------------------------------------------------------------------


@given(
    sizes=st.lists(st.floats(0.0, 5.0), min_size=1, max_size=8),
    room=st.floats(-5.0, 20.0),
    min_size=st.floats(1e-3, 1.0),
)
def test_cut_sizes_fit_the_room_touch_first(
    sizes: list[float], room: float, min_size: float
) -> None:
    cut = ladder.cut_sizes(sizes, room, min_size)
    assert len(cut) == len(sizes)
    assert sum(cut) <= max(room, 0.0) + 1e-9
    assert all(
        after == 0.0 or min_size <= after <= before
        for before, after in zip(sizes, cut, strict=True)
    )
    left = room
    for before, after in zip(sizes, cut, strict=True):
        # a level is cut or dropped only for want of room or of size
        assert after == before or left < before or before < min_size
        left -= after


def test_cut_by_hand() -> None:
    assert ladder.cut_sizes([0.695] * 4, 1.5, 0.01) == pytest.approx([0.695, 0.695, 0.11, 0.0])
    assert ladder.cut_sizes([0.695] * 4, 1.395, 0.01) == pytest.approx([0.695, 0.695, 0.0, 0.0])
    assert ladder.cut_sizes([0.695] * 2, 0.0, 0.01) == [0.0, 0.0]
    assert ladder.cut_sizes([0.695] * 2, -3.0, 0.01) == [0.0, 0.0]
    # a level dropped for its size takes no room
    assert ladder.cut_sizes([0.005, 0.02], 0.02, 0.01) == [0.0, 0.02]


@pytest.mark.parametrize("u", [-1.3, -0.99, -0.6, 0.0, 0.6, 0.9, 0.99, 1.3])
def test_a_side_filled_whole_stays_within_the_limit(u: float) -> None:
    config = configured(use_epnl_filter=False, use_continuous_gamma=True, legacy_variant="deployed")
    cycle = quoted(config, u=u)
    for sign, quotes in ((1.0, cycle.bids), (-1.0, cycle.asks)):
        filled = u * 8.57 + sign * sum(quote.size for quote in quotes)
        if quotes:
            assert sign * filled <= 8.57 + 1e-9
            assert all(quote.size >= 0.01 for quote in quotes)
    if abs(u) == 0.9:  # room for 0.857: a whole level and 0.162
        accumulating = cycle.bids if u > 0 else cycle.asks
        assert [quote.size for quote in accumulating] == pytest.approx([0.695, 0.162])


def test_the_filter_comes_before_the_cut() -> None:
    # room for 0.9: the touch is filtered out, so the next levels get the room
    config = make_config(
        EngineConfig,
        {
            "use_epnl_filter": True,
            "p_min": 0.0,
            "gamma_base_per_bps": 0.001,
            "base_half_spread_bps": 3.0,
        },
    )
    engine = QuoteEngine(config)
    engine.on_fill(0, "buy", MID, 8.57 - 0.9)
    cycle = engine.cycle(0, MID)
    assert cycle.expected_pnl_bps is not None
    assert [pnl > 0.0 for pnl in cycle.expected_pnl_bps[0]] == [False, True, True, True, True, True]
    assert [(quote.level, quote.size) for quote in cycle.bids] == [
        (1, 0.695),
        (2, pytest.approx(0.205)),
    ]


def test_level_sizes_make_the_levels() -> None:
    cycle = quoted(configured(level_sizes=[0.5, 0.25], level_spacing_bps=3.0))
    found = [(quote.level, quote.size) for quote in cycle.asks]
    assert found == [(0, 0.5), (1, 0.25)]
    assert cycle.asks[1].depth_bps - cycle.asks[0].depth_bps == pytest.approx(3.0)
