"""Phase 3: directional order flow, from the trades of others.

Buy and sell volume decay exponentially by time at four horizons. Their imbalance is *sell
positive* (D-12): sell pressure lowers kappa of the bid, which widens it, and is a bearish drift
observation.
"""

from __future__ import annotations

import math

from quotemark_reference.config import FlowConfig
from quotemark_reference.drift import BUY, Observation, bounded
from quotemark_reference.errors import LEAST

HORIZONS_S = (1.0, 5.0, 30.0, 300.0)
TRADE_COUNT_HORIZON_S = 5.0


def decay_factor(dt_s: float, horizon_s: float) -> float:
    """Weight e^(-dt/h) left after ``dt_s`` at horizon ``horizon_s``."""
    return math.exp(-dt_s / horizon_s)


def imbalance(buy_volume: float, sell_volume: float) -> float:
    """Sell-positive imbalance in [-1, 1]; 0 where nothing traded (D-12)."""
    total = buy_volume + sell_volume
    # imbalance = (sell - buy) / (sell + buy)
    return (sell_volume - buy_volume) / total if total > 0.0 else 0.0


def kappa_multipliers(flow_imbalance: float, config: FlowConfig) -> tuple[float, float]:
    """Multipliers of kappa (bid, ask); exactly (1, 1) at sensitivity 0 (D-14)."""
    low, high = config.flow_multiplier_min, config.flow_multiplier_max
    push = config.flow_sensitivity * flow_imbalance
    # bid = clip(1 - s imbalance), ask = clip(1 + s imbalance)
    return min(high, max(low, 1.0 - push)), min(high, max(low, 1.0 + push))


def drift_observation(
    flow_imbalance: float, decayed_trades: float, config: FlowConfig
) -> Observation | None:
    """Flow as a drift observation: sell pressure is bearish (D-12, D-13, D-45).

    ``None`` where so little is left of the tape that R exceeds 1e15 (Q-02).
    """
    if config.calibration == "calibrated":
        # z = -S imbalance, R = R_0 (1 + 10/n)
        z_bps_per_s = -config.calibrated_drift_scale * flow_imbalance
        shortage = config.calibrated_flow_trades / max(decayed_trades, LEAST)
        variance = config.calibrated_variance * (1.0 + shortage)
    else:
        # z = -0.5 imbalance, R = sigma_flow^2 / max(kappa_total, 0.1), kappa_total in trades/s
        z_bps_per_s = -config.flow_drift_scale * flow_imbalance
        trades_per_s = decayed_trades / TRADE_COUNT_HORIZON_S
        variance = config.sigma_flow**2 / max(trades_per_s, config.trade_rate_floor_per_s)
    return bounded(z_bps_per_s, variance)


class TradeFlow:
    """Exponentially decayed buy and sell volume of the tape, and what it says of the drift."""

    __slots__ = (
        "_buy_volume",
        "_config",
        "_decayed_trades",
        "_sell_volume",
        "_time_ms",
        "_trades_ever",
    )

    def __init__(self, config: FlowConfig) -> None:
        self._config = config
        self._time_ms = 0
        self._trades_ever = 0
        self._decayed_trades = 0.0
        self._buy_volume = dict.fromkeys(HORIZONS_S, 0.0)
        self._sell_volume = dict.fromkeys(HORIZONS_S, 0.0)

    def record_trade(self, t_ms: int, side: str, size: float) -> None:
        """Add a trade; ``side`` is the aggressor's, ``t_ms`` not before the last trade's."""
        dt_s = (t_ms - self._time_ms) / 1000.0 if self._trades_ever else 0.0
        added_to = self._buy_volume if side == BUY else self._sell_volume
        for horizon_s in HORIZONS_S:
            decay = decay_factor(dt_s, horizon_s)
            self._buy_volume[horizon_s] *= decay
            self._sell_volume[horizon_s] *= decay
            added_to[horizon_s] += size
        self._decayed_trades *= decay_factor(dt_s, TRADE_COUNT_HORIZON_S)
        self._decayed_trades += 1.0
        self._trades_ever += 1
        self._time_ms = t_ms

    def imbalance_at(self, t_ms: int, horizon_s: float) -> float:
        """Imbalance at ``horizon_s``, one of 1, 5, 30, 300 s; 0 after a silence (D-47)."""
        if self._is_silent(t_ms, horizon_s):
            return 0.0
        # both volumes have decayed alike since the last trade, so their ratio stands
        return imbalance(self._buy_volume[horizon_s], self._sell_volume[horizon_s])

    def decayed_trades_at(self, t_ms: int) -> float:
        """Count of trades decayed at 5 s; over 5 s it is the plan's kappa_total (D-13)."""
        dt_s = (t_ms - self._time_ms) / 1000.0 if self._trades_ever else 0.0
        return self._decayed_trades * decay_factor(dt_s, TRADE_COUNT_HORIZON_S)

    def kappa_multipliers_at(self, t_ms: int) -> tuple[float, float]:
        """Multipliers of kappa (bid, ask); (1, 1) before 20 trades."""
        if not self._is_warm():
            return 1.0, 1.0
        flow_imbalance = self.imbalance_at(t_ms, self._config.flow_horizon_s)
        return kappa_multipliers(flow_imbalance, self._config)

    def drift_observation_at(self, t_ms: int) -> Observation | None:
        """The flow's drift observation; ``None`` when cold, silent or at sensitivity 0."""
        if not self._is_warm() or self._config.flow_sensitivity == 0.0:
            return None
        if self._is_silent(t_ms, self._config.flow_horizon_s):
            return None
        flow_imbalance = self.imbalance_at(t_ms, self._config.flow_horizon_s)
        return drift_observation(flow_imbalance, self.decayed_trades_at(t_ms), self._config)

    def _is_warm(self) -> bool:
        return self._trades_ever >= self._config.flow_min_trades

    def _is_silent(self, t_ms: int, horizon_s: float) -> bool:
        silence_s = (t_ms - self._time_ms) / 1000.0
        return not self._trades_ever or silence_s > self._config.flow_silence_horizons * horizon_s
