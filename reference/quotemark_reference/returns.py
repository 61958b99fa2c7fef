"""Log returns per cycle, and the moments that regression and kurtosis make of them."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from operator import mul

from quotemark_reference.config import BPS_PER_UNIT

LEAST_STD_BPS = 1e-9  # returns that spread less are alike but for rounding


def log_return_bps(previous: float, price: float) -> float:
    """Log return in bp from ``previous`` to ``price``."""
    return math.log(price / previous) * BPS_PER_UNIT


def deviations(values: Collection[float]) -> list[float]:
    """Each value less the mean of all."""
    mean = sum(values) / len(values)
    return [value - mean for value in values]


def mean_product(one: Sequence[float], other: Sequence[float]) -> float:
    """Mean of the products of two series; of deviations, the population's (co)variance."""
    total: float = sum(map(mul, one, other))
    return total / len(one)
