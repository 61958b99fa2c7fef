"""PnL of a replay: the split adds up to cash, position and fees."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quotemark.pnl import PnlAccount
from quotemark.venue import Fill

prices = st.floats(1.0, 1000.0)
bookings = st.tuples(st.sampled_from(["buy", "sell"]), prices, st.floats(1e-3, 100.0), prices)
events = st.lists(st.one_of(prices, bookings), max_size=30)


def fill(side: str, price: float, size: float, mid: float) -> Fill:
    return Fill(0, side, price, size, mid, "t1", "cause")


@given(events=events, fee_bps=st.floats(-2.0, 10.0))
def test_net_is_cash_plus_position_at_the_mark_less_fees(events: list[Any], fee_bps: float) -> None:
    account = PnlAccount(fee_bps)
    cash = position = fees = gross = 0.0
    mark = 0.0
    for event in events:
        if isinstance(event, float):
            account.mark_to(event)
            mark = event
            continue
        side, price, size, mid = event
        account.book(fill(side, price, size, mid))
        signed = size if side == "buy" else -size
        cash -= signed * price
        position += signed
        fees += size * price * fee_bps / 1e4
        gross += size * 1000.0
        mark = mid
    assert account.position == pytest.approx(position, abs=1e-9)
    assert account.fees == pytest.approx(fees, abs=1e-9)
    assert account.net == pytest.approx(cash + position * mark - fees, abs=1e-9 + 1e-12 * gross)


def test_the_split_by_hand() -> None:
    account = PnlAccount(fee_bps=1.5)
    account.mark_to(110.0)
    account.mark_to(100.0)  # nothing held: the move is nobody's
    account.book(fill("buy", 99.0, 2.0, 100.0))  # 1 below mid, twice
    account.mark_to(97.0)  # long 2: -6
    account.book(fill("sell", 98.0, 3.0, 97.5))  # long 2: +1; then 0.5 above mid, three times
    account.mark_to(96.5)  # short 1: +1
    assert account.position == -1.0
    assert account.spread == pytest.approx(2.0 + 1.5)
    assert account.inventory == pytest.approx(-6.0 + 1.0 + 1.0)
    assert account.fees == pytest.approx((198.0 + 294.0) * 1.5e-4)
    assert account.net == pytest.approx(3.5 - 4.0 - 0.0738)


def test_an_account_without_fills_has_made_nothing() -> None:
    account = PnlAccount(1.5)
    assert account.net == 0.0
    account.mark_to(100.0)
    account.mark_to(50.0)
    assert account.net == 0.0
