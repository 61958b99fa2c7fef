"""The venue: who fills, at what price, how much, and that a random aggressor gets no more."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import groupby
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quotemark.venue import Fill, FillPrice, Venue

MID = 100.0
FILL_PRICES: tuple[FillPrice, ...] = ("quote", "print")
Quotes = Sequence[tuple[float, float]]


def venue_with(
    bids: Quotes = (),
    asks: Quotes = (),
    reach_bps: float = 0.0,
    fill_price: FillPrice = "quote",
) -> Venue:
    venue = Venue(reach_bps, fill_price)
    rest(venue, bids, asks)
    return venue


def rest(venue: Venue, bids: Quotes, asks: Quotes) -> None:
    venue.rest(*([{"price": p, "size": s} for p, s in side] for side in (bids, asks)))


def hit(venue: Venue, side: str, price: float, size: float, trade_id: str = "t1") -> list[Fill]:
    step = {"step": "trade", "t_ms": 7, "side": side, "price": price, "size": size}
    return venue.match(step, trade_id, MID)


def taken(fills: list[Fill]) -> list[tuple[float, float]]:
    return [(fill.price, fill.size) for fill in fills]


# --- against an independent count -------------------------------------------------------------


class Lot(NamedTuple):
    """One unit of size resting at a price: the brute force has no other notion of a quote."""

    price: int
    side: str


prices = st.integers(90, 110)
sizes = st.integers(0, 6)
ladders = st.lists(st.tuples(prices, sizes), max_size=6)
aggressors = st.tuples(st.sampled_from(["buy", "sell"]), prices, sizes)
happenings = st.lists(st.one_of(aggressors, st.tuples(ladders, ladders)), max_size=12)


def lots(bids: Quotes, asks: Quotes) -> list[Lot]:
    """Single lots, best first on each side."""
    one = [Lot(int(price), "buy") for price, size in bids for _ in range(int(size))]
    other = [Lot(int(price), "sell") for price, size in asks for _ in range(int(size))]
    return sorted(one, key=lambda lot: -lot.price) + sorted(other, key=lambda lot: lot.price)


def is_reached(lot: Lot, side: str, price: Fraction) -> bool:
    return lot.side != side and (lot.price <= price if side == "buy" else lot.price >= price)


def brute_force(
    resting: list[Lot], side: str, price: int, size: int, reach_bps: int, fill_price: FillPrice
) -> list[tuple[float, float]]:
    """Take lots one by one out of ``resting``; prices are exact fractions."""
    sign = 1 if side == "buy" else -1
    reached = price * (1 + sign * Fraction(reach_bps, 10_000))
    won = [lot for lot in resting if is_reached(lot, side, reached)][:size]
    for lot in won:
        resting.remove(lot)

    def paid(lot: Lot) -> int:
        at_print = fill_price == "print" and is_reached(lot, side, Fraction(price))
        return price if at_print else lot.price

    return [(p, float(len(list(same)))) for p, same in groupby(map(paid, won))]


@given(
    happenings=happenings,
    reach_bps=st.sampled_from([0, 1, 3, 250]),
    fill_price=st.sampled_from(FILL_PRICES),
)
def test_venue_takes_what_a_count_of_single_lots_takes(
    happenings: list[Any], reach_bps: int, fill_price: FillPrice
) -> None:
    venue = Venue(float(reach_bps), fill_price)
    resting: list[Lot] = []
    for happening in happenings:
        if len(happening) == 2:
            bids, asks = happening
            rest(venue, bids, asks)
            resting = lots(bids, asks)
            continue
        side, price, size = happening
        expected = brute_force(resting, side, price, size, reach_bps, fill_price)
        fills = hit(venue, side, price, size)
        assert taken(fills) == expected
        assert {fill.side for fill in fills} <= {"sell" if side == "buy" else "buy"}


positive = st.floats(1e-3, 1e3)
real_ladders = st.lists(st.tuples(st.floats(90.0, 110.0), positive), max_size=6)


@given(
    asks=real_ladders,
    bids=real_ladders,
    side=st.sampled_from(["buy", "sell"]),
    price=st.floats(90.0, 110.0),
    size=positive,
    reach_bps=st.floats(0.0, 50.0),
)
def test_size_is_conserved_and_no_quote_out_of_reach_fills(
    asks: Quotes, bids: Quotes, side: str, price: float, size: float, reach_bps: float
) -> None:
    fills = hit(venue_with(bids, asks, reach_bps=reach_bps), side, price, size)
    reached = price * (1.0 + (reach_bps if side == "buy" else -reach_bps) / 1e4)
    available = sum(s for p, s in (asks if side == "buy" else bids) if beyond(side, reached, p))
    filled = sum(fill.size for fill in fills)
    assert filled == pytest.approx(min(size, available))
    for fill in fills:
        assert beyond(side, reached, fill.price)
        resting = sum(s for p, s in (asks if side == "buy" else bids) if p == fill.price)
        assert 0.0 < fill.size <= resting * (1.0 + 1e-12)


def beyond(side: str, reached: float, quote: float) -> bool:
    """Whether a price gets to a quote, but for a hair."""
    return (reached - quote if side == "buy" else quote - reached) >= -1e-9 * quote


@given(asks=real_ladders, bids=real_ladders, price=st.floats(90.0, 110.0), size=positive)
def test_splitting_an_aggressor_fills_as_much_as_the_whole(
    asks: Quotes, bids: Quotes, price: float, size: float
) -> None:
    whole = hit(venue_with(bids, asks), "sell", price, size)
    halves = venue_with(bids, asks)
    split = hit(halves, "sell", price, size / 2.0) + hit(halves, "sell", price, size / 2.0)
    assert totals(split) == pytest.approx(totals(whole), abs=1e-9)


def totals(fills: list[Fill]) -> dict[float, float]:
    by_price: dict[float, float] = {}
    for fill in fills:
        by_price[fill.price] = by_price.get(fill.price, 0.0) + fill.size
    return {price: size for price, size in by_price.items() if size > 1e-9}


# --- examples ---------------------------------------------------------------------------------


def test_best_price_first_whatever_the_order_of_the_ladder() -> None:
    bids = [(99.8, 1.0), (100.0, 1.0), (99.9, 1.0)]
    assert taken(hit(venue_with(bids), "sell", 99.0, 1.5)) == [(100.0, 1.0), (99.9, 0.5)]
    asks = [(100.3, 1.0), (100.1, 1.0), (100.2, 1.0)]
    assert taken(hit(venue_with((), asks), "buy", 101.0, 1.5)) == [(100.1, 1.0), (100.2, 0.5)]


@pytest.mark.parametrize(("side", "short"), [("sell", 29.101), ("buy", 29.099)])
def test_a_quote_at_the_price_fills_and_one_a_tick_away_does_not(side: str, short: float) -> None:
    quotes = [(29.1, 1.0)]
    assert taken(hit(venue_with(quotes, quotes), side, 29.1, 0.4)) == [(29.1, 0.4)]
    assert hit(venue_with(quotes, quotes), side, short, 0.4) == []


@pytest.mark.parametrize(("side", "price"), [("sell", 100.01), ("buy", 99.99)])
def test_reach_takes_an_aggressor_further_at_the_quotes_price(side: str, price: float) -> None:
    quotes = [(100.0, 1.0)]  # 1 bp beyond the print
    for reach_bps, fills in ((0.0, 0), (0.99, 0), (1.01, 1), (3.0, 1)):
        for fill_price in FILL_PRICES:
            venue = venue_with(quotes, quotes, reach_bps=reach_bps, fill_price=fill_price)
            got = hit(venue, side, price, 1.0)
            assert taken(got) == [(100.0, 1.0)] * fills


def test_print_prices_better_quotes_at_the_print_and_merges_them() -> None:
    bids = [(100.0, 1.0), (99.9, 1.0), (99.8, 1.0)]
    at_quotes = hit(venue_with(bids, reach_bps=11.0), "sell", 99.9, 3.0)
    assert taken(at_quotes) == [(100.0, 1.0), (99.9, 1.0), (99.8, 1.0)]
    at_print = hit(venue_with(bids, reach_bps=11.0, fill_price="print"), "sell", 99.9, 3.0)
    assert taken(at_print) == [(99.9, 2.0), (99.8, 1.0)]


def test_quotes_at_one_price_make_one_fill() -> None:
    bids = [(100.0, 0.5), (99.9, 0.5), (100.0, 0.25)]
    assert taken(hit(venue_with(bids), "sell", 99.9, 1.0)) == [(100.0, 0.75), (99.9, 0.25)]


def test_what_is_taken_is_gone_until_it_is_quoted_again() -> None:
    venue = venue_with([(100.0, 1.0)])
    assert taken(hit(venue, "sell", 100.0, 0.75)) == [(100.0, 0.75)]
    assert taken(hit(venue, "sell", 100.0, 0.75)) == [(100.0, 0.25)]
    assert hit(venue, "sell", 100.0, 0.75) == []
    rest(venue, [(100.0, 1.0)], ())
    assert taken(hit(venue, "sell", 100.0, 0.75)) == [(100.0, 0.75)]


def test_every_fill_says_how_many_own_levels_its_aggressor_took() -> None:
    bids = [(100.0, 0.5), (99.9, 0.5), (99.8, 0.5)]
    crossed = [fill.levels_crossed for fill in hit(venue_with(bids), "sell", 99.0, 1.2)]
    assert crossed == [3, 3, 3]
    (within,) = hit(venue_with(bids), "sell", 99.0, 0.5)
    assert within.levels_crossed == 1
    (merged,) = hit(venue_with(bids, fill_price="print"), "sell", 99.8, 1.2)
    assert (merged.price, merged.levels_crossed) == (99.8, 3)
    asks = [(100.1, 0.5), (100.2, 0.5)]
    assert [fill.levels_crossed for fill in hit(venue_with((), asks), "buy", 101.0, 9.0)] == [2, 2]


def test_quotes_are_replaced_not_added_to() -> None:
    venue = venue_with([(100.0, 1.0)], [(100.2, 1.0)])
    rest(venue, [(99.0, 1.0)], ())
    assert taken(hit(venue, "sell", 98.0, 5.0)) == [(99.0, 1.0)]
    assert hit(venue, "buy", 101.0, 5.0) == []


def test_a_venue_without_quotes_fills_nothing() -> None:
    assert hit(Venue(), "sell", 100.0, 1.0) == []


def test_a_fill_says_when_what_and_why() -> None:
    (fill,) = hit(venue_with([(100.0, 1.0)]), "sell", 99.5, 0.25, "feb19-03")
    assert fill == Fill(
        t_ms=7,
        side="buy",
        price=100.0,
        size=0.25,
        mid=MID,
        trade_id="feb19-03",
        cause="sell aggressor feb19-03: 0.25 at 99.5",
    )
    (further,) = hit(venue_with([(99.48, 1.0)], reach_bps=3.0), "sell", 99.5, 0.25, "x")
    assert further.cause == "sell aggressor x: 0.25 at 99.5, taken to reach 3 bp further"
