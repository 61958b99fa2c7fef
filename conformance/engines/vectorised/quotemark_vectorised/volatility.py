"""Phase 8: the volatility's term structure scales sigma, fat tails scale the AS ratio (D-33)."""

from __future__ import annotations

import numpy as np

from quotemark_reference.config import VolatilityConfig
from quotemark_vectorised.arrays import BoolArray, Figures, FloatArray
from quotemark_vectorised.returns import (
    LEAST_STD_BPS,
    deviations,
    log_return_bps,
    mean_product,
)
from quotemark_vectorised.windows import ROUNDING_MS, LastValues, TimedValues

LEAST_LONG_SIGMA = 1e-10  # bp/sqrt(s); below it the ratio is 1


def sigma_multiplier(vol_ratio: FloatArray, config: VolatilityConfig) -> FloatArray:
    """Factor of sigma: max(1, ratio)^nu."""
    factor: FloatArray = np.maximum(1.0, vol_ratio) ** config.vol_exponent
    return factor


def as_ratio_adjustment(excess_kurtosis: FloatArray, config: VolatilityConfig) -> FloatArray:
    """Factor of the AS ratio, from 1 to 3: fat tails cost more; 1 while unknown (D-33)."""
    # 1 + kappa_tail max(kurtosis, 0)
    adjustment = 1.0 + config.tail_weight * np.maximum(0.0, excess_kurtosis)
    capped = np.minimum(config.as_ratio_adjustment_max, adjustment)
    return np.where(np.isnan(excess_kurtosis), 1.0, capped)


class RealisedVolatility:
    """Mids of each market at its cycles, their realised sigma and their excess kurtosis.

    A return is kept with the time of the point that it starts from: it counts while that point
    lies within the horizon.
    """

    def __init__(self, config: VolatilityConfig, markets: int) -> None:
        self._config = config
        self._longest_ms = np.maximum(config.vol_short_s, config.vol_long_s) * 1000.0 + ROUNDING_MS
        self._last_ms: FloatArray = np.full(markets, np.nan)
        self._last_mid: FloatArray = np.full(markets, np.nan)
        self._squares = TimedValues(markets)
        self._returns = LastValues(markets, config.kurtosis_window)

    def follow(self, t_ms: FloatArray, mid: FloatArray, where: BoolArray) -> None:
        """Record this cycle's mids."""
        moved = where & ~np.isnan(self._last_mid)
        move_bps = log_return_bps(self._last_mid, mid)
        forgotten = t_ms - self._longest_ms
        self._squares.add(moved, self._last_ms, forgotten, move_bps * move_bps)
        self._returns.add(moved, move_bps)
        self._last_ms = np.where(where, t_ms, self._last_ms)
        self._last_mid = np.where(where, mid, self._last_mid)

    def realised_sigmas(self, horizon_s: Figures) -> FloatArray:
        """Realised sigma over the last ``horizon_s``, in bp/sqrt(s).

        NaN of fewer than two returns, or where they span no time.
        """
        starts_ms = self._squares.t_ms
        within = (self._last_ms - starts_ms) / 1000.0 <= horizon_s
        first_ms = np.where(within, starts_ms, np.inf).min(axis=0)
        span_s = (self._last_ms - first_ms) / 1000.0
        squares = np.where(within, self._squares.values[0], 0.0).sum(axis=0)
        known = (np.count_nonzero(within, axis=0) >= 2) & (span_s > 0.0)
        # sigma^2 = sum r^2 / (t_last - t_first)
        return np.where(known, np.sqrt(squares / span_s), np.nan)

    def vol_ratio(self) -> FloatArray:
        """Short-term over long-term realised sigma; 1 where either is unknown."""
        short = self.realised_sigmas(self._config.vol_short_s)
        long = self.realised_sigmas(self._config.vol_long_s)
        known = ~np.isnan(short) & (long >= LEAST_LONG_SIGMA)
        return np.where(known, short / long, 1.0)

    def excess_kurtosis(self) -> FloatArray:
        """Excess kurtosis of the returns (0 for a Gaussian); NaN before 20 of them."""
        counts = self._returns.counts
        moves = deviations(self._returns.values[0], counts, self._returns.in_use())
        squares = moves * moves
        variance = squares.sum(axis=0) / counts
        # E[(r - mean)^4] / Var^2 - 3
        kurtosis = mean_product(squares, squares, counts) / variance**2 - 3.0
        kurtosis = np.where(variance < LEAST_STD_BPS**2, 0.0, kurtosis)
        return np.where(counts >= self._config.kurtosis_min_returns, kurtosis, np.nan)
