"""Phase 7: sweeps, own fills whose aggressor crossed several levels at once.

A swept bid side is bearish, a swept ask side bullish. The window is never shorter than the time
since the last cycle, so that no sweep falls between two cycles (D-32).
"""

from __future__ import annotations

from collections import deque

from quotemark_reference.config import SweepConfig
from quotemark_reference.drift import BUY, Observation, bounded
from quotemark_reference.inventory import ASK, BID


def drift_observation(
    bid_score: float, ask_score: float, config: SweepConfig
) -> Observation | None:
    """Sweep scores as a drift observation; ``None`` where nothing was swept (D-29, D-32)."""
    total = bid_score + ask_score
    if total == 0.0 or config.alpha_sweep == 0.0:
        return None
    difference = ask_score - bid_score
    if config.calibration == "calibrated":
        # z = S clip(ask - bid score), R = R_0
        signal = min(1.0, max(-1.0, difference))
        return bounded(config.calibrated_drift_scale * signal, config.calibrated_variance)
    # z = alpha (ask - bid score), R = sigma_sweep^2 / max(total, floor)
    variance = config.sigma_sweep**2 / max(total, config.sweep_score_floor)
    return bounded(config.alpha_sweep * difference, variance)


class SweepDetector:
    """Scores of the recent sweeps by side: sum of size times levels over a reference size."""

    __slots__ = ("_config", "_last_cycle_ms", "_sweeps")

    def __init__(self, config: SweepConfig) -> None:
        self._config = config
        self._sweeps: deque[tuple[int, str, float]] = deque()
        self._last_cycle_ms: int | None = None

    def record_fill(self, t_ms: int, side: str, size: float, levels_crossed: int) -> None:
        """Take an own fill; ``levels_crossed`` counts the own levels its aggressor took."""
        if levels_crossed >= self._config.sweep_min_levels:
            score = size * levels_crossed / self._config.sweep_reference_size
            self._sweeps.append((t_ms, BID if side == BUY else ASK, score))

    def scores_at(self, t_ms: int) -> tuple[float, float]:
        """Scores (bid, ask) of the window that ends at ``t_ms``."""
        window_s = self._window_s(t_ms)
        bid_score = ask_score = 0.0
        for swept_ms, side, score in self._sweeps:
            if (t_ms - swept_ms) / 1000.0 > window_s:
                continue
            if side == BID:
                bid_score += score
            else:
                ask_score += score
        return bid_score, ask_score

    def drift_observation_at(self, t_ms: int) -> Observation | None:
        """Observation of the window that ends at ``t_ms``; ``None`` without a sweep in it."""
        return drift_observation(*self.scores_at(t_ms), self._config)

    def end_cycle(self, t_ms: int) -> None:
        """Mark a cycle; sweeps that no later window can reach are forgotten."""
        self._last_cycle_ms = t_ms
        window_s = self._config.sweep_window_s
        while self._sweeps and (t_ms - self._sweeps[0][0]) / 1000.0 > window_s:
            self._sweeps.popleft()

    def _window_s(self, t_ms: int) -> float:
        # max(3 s, time since the last cycle)
        if self._last_cycle_ms is None:
            return self._config.sweep_window_s
        return max(self._config.sweep_window_s, (t_ms - self._last_cycle_ms) / 1000.0)
