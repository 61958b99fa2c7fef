"""Tapes of others' trades: a block of them for each market, arrays [trade, market].

What decays by time needs no trade one by one: a block adds the sum of its trades, each decayed from
its own time to the block's last. Tapes may differ in length; a trade whose time is NaN is none, and
such come last.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quotemark_reference.errors import TimeReversedError
from quotemark_vectorised.arrays import BoolArray, Figures, FloatArray, check_positive


@dataclass(frozen=True, slots=True)
class Tape:
    """A block of trades of each market, in order of time.

    ``buys`` is 1 where the aggressor bought and 0 where it sold. ``ages_s`` is the time from each
    trade to the last of its market, inf where there is no trade; ``last_ms`` is that last time,
    -inf without a trade.
    """

    buys: FloatArray
    sizes: FloatArray
    ages_s: FloatArray
    last_ms: FloatArray
    counts: NDArray[np.int64]


def check_trades(t_ms: FloatArray, prices: Figures, sizes: Figures) -> None:
    """Raise unless prices and sizes are positive, and each market's times in order, NaN last."""
    present = ~np.isnan(t_ms)
    check_positive("price", prices, present)
    check_positive("size", sizes, present)
    disorder = present[1:] & ~(t_ms[1:] >= t_ms[:-1])
    if disorder.any():
        market = np.argwhere(disorder)[0, -1]
        raise TimeReversedError(f"t_ms of market {market} is earlier than the trade before")


def make_tape(t_ms: FloatArray, buys: BoolArray, sizes: FloatArray) -> Tape:
    """Put checked trades together."""
    present = ~np.isnan(t_ms)
    counts = np.count_nonzero(present, axis=0)
    last = t_ms[np.maximum(counts - 1, 0), np.arange(len(counts))]
    last_ms = np.where(counts > 0, last, -np.inf)
    ages_s = np.where(present, (last_ms - t_ms) / 1000.0, np.inf)
    sizes = np.where(present, sizes, 0.0)
    return Tape(buys.astype(np.float64), sizes, ages_s, last_ms, counts)
