"""Phase 5: theta and process noise of each market's filter, adapted by own-fill markouts (D-21)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quotemark_reference.config import AdaptationConfig
from quotemark_vectorised.arrays import BPS_PER_UNIT, BoolArray, Figures, FloatArray, clip

THETA_SHORT, THETA_BEYOND = 1.01, 0.99
NOISE_UP, NOISE_DOWN = 1.05, 0.95


def realised_drift_bps_per_s(
    mid_at_fill: FloatArray, mid: FloatArray, window_s: FloatArray
) -> FloatArray:
    """Move of the mid since the fill in bp, over the time that passed, in bp/s."""
    return (mid - mid_at_fill) / mid_at_fill * BPS_PER_UNIT / window_s


class ParameterAdaptation:
    """``theta_per_s`` in 1/s, ``process_noise`` in (bp/s)^2/s, and the EWMA of the errors."""

    def __init__(self, config: AdaptationConfig, markets: int) -> None:
        self._config = config
        self.theta_per_s: FloatArray = np.full(markets, config.theta_per_s)
        self.process_noise: FloatArray = np.full(markets, config.process_noise)
        self.error_ewma: FloatArray = np.full(markets, config.error_threshold)

    def update(
        self,
        predicted_bps_per_s: FloatArray,
        predicted_variance: FloatArray,
        realised_bps_per_s: FloatArray,
        sigma_bps_per_sqrt_s: Figures,
        window_s: FloatArray,
        where: BoolArray,
    ) -> None:
        """Adapt the markets of ``where`` to a markout over ``window_s`` each."""
        config = self._config
        error = realised_bps_per_s - predicted_bps_per_s
        # undershoot: theta x 1.01, beyond: theta x 0.99, at neither: as it is
        signed = where & (error != 0.0) & (predicted_bps_per_s != 0.0)
        short = (error < 0.0) == (predicted_bps_per_s > 0.0)
        stepped = self.theta_per_s * np.where(short, THETA_SHORT, THETA_BEYOND)
        bounded = clip(stepped, config.theta_min_per_s, config.theta_max_per_s)
        self.theta_per_s = np.where(signed, bounded, self.theta_per_s)
        # |error| / sqrt(P + sigma^2 / window)
        expected = predicted_variance + sigma_bps_per_sqrt_s * sigma_bps_per_sqrt_s / window_s
        normalised = np.abs(error) / np.sqrt(expected)
        ewma = self.error_ewma + config.error_weight * (normalised - self.error_ewma)
        self.error_ewma = np.where(where, ewma, self.error_ewma)
        # EWMA above its median 0.6745: noise x 1.05, else x 0.95
        step = np.where(self.error_ewma > config.error_threshold, NOISE_UP, NOISE_DOWN)
        noise = clip(self.process_noise * step, config.process_noise_min, config.process_noise_max)
        self.process_noise = np.where(where, noise, self.process_noise)


@dataclass(slots=True)
class PendingMarkouts:
    """One call's fills that wait for their window: time and mid, mu and P just before them."""

    t_ms: FloatArray
    mid: FloatArray
    drift_bps_per_s: FloatArray
    variance: FloatArray
    waiting: BoolArray

    def take_due(self, t_ms: Figures, window_s: Figures, where: BoolArray) -> BoolArray:
        """Markets of ``where`` whose window has passed; their fills wait no longer."""
        due: BoolArray = self.waiting & where & ((t_ms - self.t_ms) / 1000.0 >= window_s)
        self.waiting = self.waiting & ~due
        return due
