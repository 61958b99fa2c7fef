"""Levels, ticks and sizes: from the touch's depth to the quotes of one side (D-42)."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from quotemark_reference.config import BPS_PER_UNIT
from quotemark_reference.inventory import BID

SIGNIFICANT_FIGURES = 5
DECIMAL_TICKS = tuple(1.0 / 10.0**decimals for decimals in range(11))  # 1, 0.1, 0.01, ...
POWERS_OF_TEN = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2, 1e3, 1e4)
TICK_TIE = 1e-9  # share of a tick within which a price counts as on the tick


@dataclass(slots=True)
class Quote:
    """One resting level: depth in bp of mid, price, size in contracts, expected PnL in bp."""

    level: int
    depth_bps: float
    price: float
    tick: float
    size: float
    expected_pnl_bps: float | None


def level_depths_bps(touch_depth_bps: float, spacing_bps: float, levels: int) -> list[float]:
    """Depth of each level in bp, touch first; the fee floor acted on the touch only."""
    return [touch_depth_bps + level * spacing_bps for level in range(levels)]


def tick_by_price(price: float, decimals: int) -> float:
    """Tick at ``price``: 5 significant figures, at most ``decimals`` decimals (D-42, Q-01)."""
    # by comparison: log10 of the double below 100 is 2
    figures_before_point = bisect_right(POWERS_OF_TEN, price) - POWERS_OF_TEN.index(1.0)
    # whole prices are always allowed, so there are never fewer than 0 decimals
    return DECIMAL_TICKS[min(decimals, max(0, SIGNIFICANT_FIGURES - figures_before_point))]


def round_to_tick(price: float, tick: float, side: str) -> float:
    """Price on the tick grid: bids down, asks up; one within 1e-9 tick of a tick stays on it."""
    ticks = price / tick
    nearest = round(ticks)
    if abs(ticks - nearest) > TICK_TIE:
        nearest = math.floor(ticks) if side == BID else math.ceil(ticks)
    # dividing by the whole number of ticks in 1 gives 29.142, multiplying 29.142000000000003
    ticks_per_unit = round(1.0 / tick) if tick < 1.0 else 0
    if ticks_per_unit and abs(ticks_per_unit * tick - 1.0) < TICK_TIE:
        return nearest / ticks_per_unit
    return nearest * tick


def quote_price(
    mid: float, depth_bps: float, side: str, tick_size: float | None, decimals: int
) -> tuple[float, float]:
    """Price of a level and the tick it was rounded to; a price of 0 or less cannot rest."""
    # price = mid (1 -+ depth)
    sign = -1.0 if side == BID else 1.0
    price = mid * (1.0 + sign * depth_bps / BPS_PER_UNIT)
    if price <= 0.0:
        return 0.0, 0.0
    tick = tick_size if tick_size is not None else tick_by_price(price, decimals)
    return round_to_tick(price, tick, side), tick


def cut_sizes(sizes: Sequence[float], room: float, min_size: float) -> list[float]:
    """Sizes cut, touch first, so that all of them together stay within ``room`` contracts.

    A level left with less than ``min_size`` gets 0.
    """
    cut: list[float] = []
    for size in sizes:
        allowed = min(size, room)
        if allowed < min_size:
            allowed = 0.0
        cut.append(allowed)
        room -= allowed
    return cut
