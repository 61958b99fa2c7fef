"""Phase 8: the volatility's term structure scales sigma, fat tails scale the AS ratio.

Both are read from the mid at the cycles: realised sigma over 30 s against 300 s, and the excess
kurtosis of the returns per cycle.
"""

from __future__ import annotations

import math
from collections import deque

from quotemark_reference.config import VolatilityConfig
from quotemark_reference.returns import LEAST_STD_BPS, deviations, log_return_bps, mean_product

LEAST_LONG_SIGMA = 1e-10  # bp/sqrt(s); below it the ratio is 1 (plan 8 C)


def sigma_multiplier(vol_ratio: float, config: VolatilityConfig) -> float:
    """Factor of sigma: max(1, ratio)^nu, so a ratio of 4 doubles it (plan 8 C)."""
    return float(max(1.0, vol_ratio) ** config.vol_exponent)


def as_ratio_adjustment(excess_kurtosis: float | None, config: VolatilityConfig) -> float:
    """Factor of the AS ratio, from 1 to 3: fat tails cost more; 1 while unknown (D-33)."""
    if excess_kurtosis is None:
        return 1.0
    # 1 + kappa_tail max(kurtosis, 0)
    adjustment = 1.0 + config.tail_weight * max(0.0, excess_kurtosis)
    return min(config.as_ratio_adjustment_max, adjustment)


class RealisedVolatility:
    """Mids at the cycles, their realised sigma at two horizons and their excess kurtosis."""

    __slots__ = ("_config", "_points", "_returns_bps")

    def __init__(self, config: VolatilityConfig) -> None:
        self._config = config
        # (t_ms, mid, log return in bp from the point before)
        self._points: deque[tuple[int, float, float]] = deque()
        self._returns_bps: deque[float] = deque(maxlen=config.kurtosis_window)

    def follow(self, t_ms: int, mid: float) -> None:
        """Record this cycle's mid."""
        move_bps = 0.0
        if self._points:
            move_bps = log_return_bps(self._points[-1][1], mid)
            self._returns_bps.append(move_bps)
        self._points.append((t_ms, mid, move_bps))
        longest_s = max(self._config.vol_short_s, self._config.vol_long_s)
        while (t_ms - self._points[0][0]) / 1000.0 > longest_s:
            self._points.popleft()

    def realised_sigma(self, horizon_s: float) -> float | None:
        """Realised sigma over the last ``horizon_s``, in bp/sqrt(s).

        The sum of squared log returns over the time they span; ``None`` of fewer than two, or
        where they span no time.
        """
        last_ms = self._points[-1][0]
        points = [point for point in self._points if (last_ms - point[0]) / 1000.0 <= horizon_s]
        span_s = (last_ms - points[0][0]) / 1000.0
        # the first point's return led up to it, from outside
        moves = [move_bps for _, _, move_bps in points[1:]]
        if len(moves) < 2 or span_s == 0.0:
            return None
        # sigma^2 = sum r^2 / (t_last - t_first)
        return math.sqrt(sum(move * move for move in moves) / span_s)

    def vol_ratio(self) -> float:
        """Short-term over long-term realised sigma; 1 where either is unknown (plan 8 C)."""
        short = self.realised_sigma(self._config.vol_short_s)
        long = self.realised_sigma(self._config.vol_long_s)
        if short is None or long is None or long < LEAST_LONG_SIGMA:
            return 1.0
        return short / long

    def excess_kurtosis(self) -> float | None:
        """Excess kurtosis of the returns (0 for a Gaussian); ``None`` before 20 of them."""
        if len(self._returns_bps) < self._config.kurtosis_min_returns:
            return None
        squares = [move * move for move in deviations(self._returns_bps)]
        variance = sum(squares) / len(squares)
        if variance < LEAST_STD_BPS**2:
            return 0.0
        # E[(r - mean)^4] / Var^2 - 3
        return mean_product(squares, squares) / variance**2 - 3.0
