"""Levels, ticks and sizes of every market: arrays [2, levels, markets] (D-42)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quotemark_vectorised.arrays import BPS_PER_UNIT, SIGN, Figures, FloatArray

MOST_DECIMALS = 10
TICK_TIE = 1e-9  # share of a tick within which a price counts as on the tick

SIDE_SIGN: FloatArray = SIGN[:, :, None]
TICKS_PER_UNIT: FloatArray = np.array([10.0**decimals for decimals in range(MOST_DECIMALS + 1)])
DECIMAL_TICKS: FloatArray = 1.0 / TICKS_PER_UNIT
FIGURE_STARTS: FloatArray = np.array([10.0**figures for figures in range(-5, 5)])
"""Prices from which on 5 significant figures have a decimal less: 10 below the first, 0 at last."""


def level_depths_bps(touch_depths: FloatArray, spacing_bps: Figures, levels: int) -> FloatArray:
    """Depth [2, levels, markets] of each level in bp; the fee floor acted on the touch only."""
    return touch_depths[:, None, :] + np.arange(levels)[:, None] * spacing_bps


def decimals_by_price(prices: FloatArray, most: int) -> NDArray[np.intp]:
    """Decimals of a tick of 5 significant figures, at most ``most`` (D-42, Q-01)."""
    return np.minimum(most, MOST_DECIMALS - np.searchsorted(FIGURE_STARTS, prices, side="right"))


def quote_prices(
    mid: FloatArray, depths_bps: FloatArray, tick_size: float | None, most_decimals: int
) -> tuple[FloatArray, FloatArray]:
    """Prices of levels and the ticks they were rounded to; 0 where a price is 0 or less."""
    # price = mid (1 -+ depth)
    prices = mid * (1.0 - SIDE_SIGN * depths_bps / BPS_PER_UNIT)
    ticks, per_unit = _grid(prices, tick_size, most_decimals)
    above_zero = prices > 0.0
    rounded = np.where(above_zero, _rounded(prices, ticks, per_unit), 0.0)
    return rounded, np.where(above_zero, ticks, 0.0)


def _grid(
    prices: FloatArray, tick_size: float | None, most_decimals: int
) -> tuple[FloatArray, Figures]:
    """Tick at each price, and the whole number of ticks in 1, or 0 where there is none."""
    if tick_size is None:
        decimals = decimals_by_price(prices, most_decimals)
        return DECIMAL_TICKS[decimals], TICKS_PER_UNIT[decimals]
    count = float(round(1.0 / tick_size)) if tick_size < 1.0 else 0.0
    divides_one = abs(count * tick_size - 1.0) < TICK_TIE
    return np.full_like(prices, tick_size), count if divides_one else 0.0


def _rounded(prices: FloatArray, ticks: FloatArray, per_unit: Figures) -> FloatArray:
    """Bids down, asks up; a price within 1e-9 tick of a tick stays on it."""
    counts = prices / ticks
    nearest = np.rint(counts)
    outward = SIDE_SIGN * np.floor(SIDE_SIGN * counts)
    whole: FloatArray = np.where(np.abs(counts - nearest) > TICK_TIE, outward, nearest)
    # dividing by the whole number of ticks in 1 gives 29.142, multiplying 29.142000000000003
    return whole / per_unit if np.all(per_unit) else whole * ticks


def cut_sizes(sizes: FloatArray, room: FloatArray, min_size: Figures) -> FloatArray:
    """Sizes cut, touch first, so that each side [2, markets] stays within its ``room``.

    A level left with less than ``min_size`` gets 0.
    """
    cut = np.empty_like(sizes)
    for level in range(sizes.shape[1]):
        allowed = np.minimum(sizes[:, level], room)
        allowed = np.where(allowed < min_size, 0.0, allowed)
        cut[:, level] = allowed
        room = room - allowed
    return cut
