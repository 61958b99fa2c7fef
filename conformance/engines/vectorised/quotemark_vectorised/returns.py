"""Log returns per cycle, and the moments that regression and kurtosis make of them."""

from __future__ import annotations

import numpy as np

from quotemark_vectorised.arrays import BPS_PER_UNIT, BoolArray, FloatArray, total_product

LEAST_STD_BPS = 1e-9  # returns that spread less are alike but for rounding


def log_return_bps(previous: FloatArray, price: FloatArray) -> FloatArray:
    """Log return in bp from ``previous`` to ``price``."""
    return np.log(price / previous) * BPS_PER_UNIT


def deviations(values: FloatArray, counts: FloatArray, in_use: BoolArray) -> FloatArray:
    """Each value [slot, market] less the mean of its market's; 0 in slots not in use."""
    return np.where(in_use, values - values.sum(axis=0) / counts, 0.0)


def mean_product(one: FloatArray, other: FloatArray, counts: FloatArray) -> FloatArray:
    """Mean of the products of two series; of deviations, the population's (co)variance."""
    return total_product(one, other) / counts
