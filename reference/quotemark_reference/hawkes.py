"""Phase 8: how trades of others excite more of their kind.

Buys and sells are two self-exciting (Hawkes) processes without cross-excitation:

lambda(t) = mu + sum over t_i <= t of alpha e^(-beta (t - t_i))

with mu, alpha, beta as ``hawkes_base_per_s``, ``hawkes_jump_per_s`` and ``hawkes_decay_per_s``; the
parameter ``alpha_hawkes`` is another alpha, the z of a net excess. The sum is kept by recursion,
one factor a trade. An excess of sells is bearish.

Known hazards: calibrated, one lone small trade is a full-scale reading until its silence ends; by
the plan's constants a tape that has fallen silent keeps saying z = 0 and pulls the drift to 0.
"""

from __future__ import annotations

import math

from quotemark_reference.config import HawkesConfig
from quotemark_reference.drift import BUY, SELL, Observation, bounded


def drift_observation(
    buy_excess_per_s: float, sell_excess_per_s: float, config: HawkesConfig
) -> Observation | None:
    """Excess intensities as a drift observation (plan 8 A, D-45)."""
    total_excess_per_s = buy_excess_per_s + sell_excess_per_s
    if config.calibration == "calibrated":
        if total_excess_per_s == 0.0:
            return None
        # z = S (buy - sell) / (buy + sell), R = R_0
        signal = (buy_excess_per_s - sell_excess_per_s) / total_excess_per_s
        return bounded(config.calibrated_drift_scale * signal, config.calibrated_variance)
    # z = -alpha (sell - buy), R = sigma_hawkes^2 / max(lambda_total, floor)
    z_bps_per_s = -config.alpha_hawkes * (sell_excess_per_s - buy_excess_per_s)
    intensity_per_s = 2.0 * config.hawkes_base_per_s + total_excess_per_s
    floored_per_s = max(intensity_per_s, config.hawkes_intensity_floor_per_s)
    return bounded(z_bps_per_s, config.sigma_hawkes**2 / floored_per_s)


class HawkesFlow:
    """Intensities of buys and sells, in trades per second."""

    __slots__ = ("_config", "_excess_per_s", "_time_ms", "events")

    def __init__(self, config: HawkesConfig) -> None:
        self._config = config
        self._excess_per_s = {BUY: 0.0, SELL: 0.0}
        self._time_ms = 0
        self.events = 0

    def record_trade(self, t_ms: int, side: str) -> None:
        """Add a trade; ``side`` is the aggressor's, ``t_ms`` not before the last trade's."""
        decay = self._decay_to(t_ms)
        # excess(t) = excess(t_i) e^(-beta (t - t_i)) + alpha
        self._excess_per_s[BUY] *= decay
        self._excess_per_s[SELL] *= decay
        self._excess_per_s[side] += self._config.hawkes_jump_per_s
        self._time_ms = t_ms
        self.events += 1

    def excesses_at(self, t_ms: int) -> tuple[float, float]:
        """Intensities above the base (buy, sell) at ``t_ms``, in 1/s."""
        decay = self._decay_to(t_ms)
        return self._excess_per_s[BUY] * decay, self._excess_per_s[SELL] * decay

    def intensities_at(self, t_ms: int) -> tuple[float, float]:
        """Intensities (buy, sell) at ``t_ms``, in 1/s."""
        buy, sell = self.excesses_at(t_ms)
        return self._config.hawkes_base_per_s + buy, self._config.hawkes_base_per_s + sell

    def drift_observation_at(self, t_ms: int) -> Observation | None:
        """The tape's excess as an observation; ``None`` when cold or at alpha 0.

        Calibrated, also after a silence: decay cancels in the ratio, which would keep the last
        burst for ever (Q-11, as D-47 for the flow).
        """
        config = self._config
        if self.events < config.hawkes_min_events or config.alpha_hawkes == 0.0:
            return None
        if config.calibration == "calibrated" and self._is_silent(t_ms):
            return None
        return drift_observation(*self.excesses_at(t_ms), config)

    def _decay_to(self, t_ms: int) -> float:
        if self.events == 0:
            return 1.0
        return math.exp(-self._config.hawkes_decay_per_s * (t_ms - self._time_ms) / 1000.0)

    def _is_silent(self, t_ms: int) -> bool:
        horizons = (t_ms - self._time_ms) / 1000.0 * self._config.hawkes_decay_per_s
        return horizons > self._config.hawkes_silence_horizons
