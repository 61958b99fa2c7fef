"""Steps of phase 6: funding in the canonical market."""

from __future__ import annotations

import math

import pytest
from pytest_bdd import given, parsers, then, when

from quotemark.suite.desk import SIDES, TICK_BPS, Desk, depth_bps, reads
from quotemark.suite.market_features import funding, reference_price

KAPPA_PER_BPS = 0.1287


@given(parsers.parse("a funding scale factor of {scale:g}"))
def _funding_scale(desk: Desk, scale: float) -> None:
    desk.configure(funding_scale_factor=scale)


@when(parsers.parse("funding of {rate} per {hours:g} hours is read"))
def _funding_is_read(desk: Desk, rate: str, hours: float) -> None:
    desk.happen(funding(0, rate, hours * 3600.0))


@when(parsers.parse("funding of {rate} per {hours:g} hours is read {count:d} times"))
def _funding_is_read_often(desk: Desk, rate: str, hours: float, count: int) -> None:
    desk.happen(*[funding(0, rate, hours * 3600.0)] * count)


@when(parsers.parse("the mark price is {mark:g} and the index price {index:g}"))
def _mark_and_index(desk: Desk, mark: float, index: float) -> None:
    desk.happen(reference_price(0, "mark", mark), reference_price(0, "index", index))


@then(parsers.parse("carry costs a bid {bid} bp and an ask {ask} bp"))
def _carry_costs(desk: Desk, bid: str, ask: str) -> None:
    carry = desk.figure("carry_bps")
    assert reads(carry[0], bid), carry
    assert reads(carry[1], ask), carry


@then(parsers.parse("every {side} is worth {way} by its fill intensity times {cost:g} bp"))
def _worth_by_carry(desk: Desk, side: str, way: str, cost: float) -> None:
    index = 0 if side == "bid" else 1
    touch = desk.figure("touch_depths_bps")[index]
    before = desk.without("funding")["expected_pnl_bps"][index]
    after = desk.figure("expected_pnl_bps")[index]
    for level, (free, charged) in enumerate(zip(before, after, strict=True)):
        intensity = math.exp(-KAPPA_PER_BPS * (touch + level))
        moved = intensity * (-cost if way == "less" else cost)
        assert charged - free == pytest.approx(moved, rel=1e-4)


@then(parsers.parse("the {side} rests {distance:g} bp {lean} than without funding"))
def _leans_by(desk: Desk, side: str, distance: float, lean: str) -> None:
    moved = depth_bps(desk.quotes[-1], side) - depth_bps(desk.without("funding"), side)
    assert moved == pytest.approx(distance if lean == "deeper" else -distance, abs=TICK_BPS)


@then("it quotes as without funding")
def _quotes_as_without_funding(desk: Desk) -> None:
    without = desk.without("funding")
    for side in set(SIDES.values()):
        assert desk.quotes[-1][side] == without[side]


@then(parsers.parse("the premium is {premium} bp"))
def _premium_is(desk: Desk, premium: str) -> None:
    assert reads(desk.figure("premium_bps"), premium)
