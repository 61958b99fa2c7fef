"""Arrays over markets: their types, and the checks of what comes in.

The last axis is always the market. Where a figure has two sides the first axis is the side, bid
before ask; SIGN is +1 for bids and -1 for asks, which turns what is added to the one and taken
from the other into a product. What a market does not have is NaN.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from quotemark_reference import errors

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]
Figures: TypeAlias = FloatArray | float
"""One figure a market, or one for all of them."""

BPS_PER_UNIT = 1e4
SIDES = ("bid", "ask")
BID, ASK = 0, 1
SIGN: FloatArray = np.array([[1.0], [-1.0]])

quietly = np.errstate(divide="ignore", invalid="ignore", over="ignore")
"""For what is computed of markets that it does not concern, and is then masked."""


def clip(figures: Figures, low: Figures, high: Figures) -> FloatArray:
    """Bring figures to the range from ``low`` to ``high``."""
    clipped: FloatArray = np.minimum(high, np.maximum(low, figures))
    return clipped


def total_product(one: FloatArray, other: FloatArray) -> FloatArray:
    """Sum over rows of the products of two arrays [row, market], each market by itself."""
    total: FloatArray = np.einsum("rm,rm->m", one, other)
    return total


def check_finite(name: str, figures: Figures, where: BoolArray) -> None:
    """Raise for the first place of ``where`` whose figure is not finite or beyond 1e15."""
    if not _greatest(np.abs(figures)) <= errors.LARGEST:  # which is so of NaN as well
        good = np.abs(figures) <= errors.LARGEST
        for described, figure in _first_bad(name, figures, good, where):
            errors.check_finite(described, figure)


def check_positive(name: str, figures: Figures, where: BoolArray) -> None:
    """Raise for the first place of ``where`` whose figure is not from 1e-15 to 1e15."""
    if not (_least(figures) >= errors.LEAST and _greatest(figures) <= errors.LARGEST):
        good = (np.asarray(figures) >= errors.LEAST) & (np.asarray(figures) <= errors.LARGEST)
        for described, figure in _first_bad(name, figures, good, where):
            errors.check_positive(described, figure)


def check_fraction(name: str, figures: Figures, where: BoolArray) -> None:
    """Raise for the first place of ``where`` whose figure is not from 0 to 1."""
    good = (np.asarray(figures) >= 0.0) & (np.asarray(figures) <= 1.0)
    for described, figure in _first_bad(name, figures, good, where):
        errors.check_fraction(described, figure)


def _least(figures: Figures) -> float:
    least: float = np.minimum.reduce(figures, axis=None)
    return least


def _greatest(figures: Figures) -> float:
    greatest: float = np.maximum.reduce(figures, axis=None)
    return greatest


def _first_bad(
    name: str, figures: Figures, good: BoolArray, where: BoolArray
) -> list[tuple[str, float]]:
    """Name and figure of the first place of ``where`` that is not good, if there is one."""
    bad = where & ~good
    return [
        (f"{name} of market {place[-1]}", float(np.broadcast_to(figures, bad.shape)[tuple(place)]))
        for place in np.argwhere(bad)[:1]
    ]
