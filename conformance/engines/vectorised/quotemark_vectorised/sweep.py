"""Phase 7: own fills whose aggressor crossed several levels at once (D-32)."""

from __future__ import annotations

import numpy as np

from quotemark_reference.config import SweepConfig
from quotemark_vectorised.arrays import ASK, BID, BoolArray, Figures, FloatArray, clip
from quotemark_vectorised.drift import Observations, bounded
from quotemark_vectorised.windows import ROUNDING_MS, TimedValues


def drift_observations(scores: FloatArray, where: BoolArray, config: SweepConfig) -> Observations:
    """Sweep scores as drift observations; none where nothing was swept (D-29, D-32)."""
    total, difference = scores[BID] + scores[ASK], scores[ASK] - scores[BID]
    said = where & (total != 0.0) & (np.asarray(config.alpha_sweep) > 0.0)
    if config.calibration == "calibrated":
        # z = S clip(ask - bid score), R = R_0
        signal = clip(difference, -1.0, 1.0)
        return bounded(config.calibrated_drift_scale * signal, config.calibrated_variance, said)
    # z = alpha (ask - bid score), R = sigma_sweep^2 / max(total, floor)
    variance = config.sigma_sweep**2 / np.maximum(total, config.sweep_score_floor)
    return bounded(config.alpha_sweep * difference, variance, said)


class SweepDetector:
    """Scores of each market's recent sweeps: sum of size times levels over a reference size."""

    def __init__(self, config: SweepConfig, markets: int) -> None:
        self._config = config
        self._sweeps = TimedValues(markets, series=2)
        self._last_cycle_ms: FloatArray = np.full(markets, np.inf)

    def record_fills(
        self,
        t_ms: FloatArray,
        buys: BoolArray,
        size: Figures,
        levels_crossed: Figures,
        where: BoolArray,
    ) -> None:
        """Take an own fill of each market of ``where``; own buys are fills of the bid."""
        score = size * levels_crossed / np.asarray(self._config.sweep_reference_size)
        swept = where & (np.asarray(levels_crossed) >= self._config.sweep_min_levels)
        if swept.any():
            # no later window can reach behind the last cycle and behind the least window
            window_ms = np.asarray(self._config.sweep_window_s) * 1000.0 + ROUNDING_MS
            forgotten = np.minimum(self._last_cycle_ms, t_ms - window_ms)
            bid_score, ask_score = np.where(buys, score, 0.0), np.where(buys, 0.0, score)
            self._sweeps.add(swept, t_ms, forgotten, bid_score, ask_score)

    def scores_at(self, t_ms: Figures) -> FloatArray:
        """Scores [2, markets] of the windows that end at ``t_ms``."""
        # max(3 s, time since the last cycle)
        window_s = np.maximum(self._config.sweep_window_s, (t_ms - self._last_cycle_ms) / 1000.0)
        within = (t_ms - self._sweeps.t_ms) / 1000.0 <= window_s
        scores: FloatArray = np.where(within, self._sweeps.values, 0.0).sum(axis=1)
        return scores

    def end_cycle(self, t_ms: Figures, where: BoolArray) -> None:
        """Mark a cycle of the markets of ``where``."""
        self._last_cycle_ms = np.where(where, t_ms, self._last_cycle_ms)

    def drift_observations_at(self, t_ms: Figures, where: BoolArray) -> Observations:
        """Observations of the windows that end at ``t_ms``; none without a sweep in them."""
        return drift_observations(self.scores_at(t_ms), where, self._config)
