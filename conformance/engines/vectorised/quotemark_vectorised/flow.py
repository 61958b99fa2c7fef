"""Phase 3: directional flow from the trades of others, market by market.

Volumes decay at each horizon that is asked for. The quote cycle reads one of the four, and so keeps
one, since exponentials are what a trade costs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from quotemark_reference.config import FlowConfig
from quotemark_reference.errors import LEAST
from quotemark_vectorised.arrays import SIGN, BoolArray, Figures, FloatArray, clip, total_product
from quotemark_vectorised.drift import Observations, bounded
from quotemark_vectorised.tape import Tape

HORIZONS_S = (1.0, 5.0, 30.0, 300.0)
TRADE_COUNT_HORIZON_S = 5.0


def kappa_multipliers(imbalance: FloatArray, config: FlowConfig) -> FloatArray:
    """Multipliers [2, markets] of kappa; exactly 1 at sensitivity 0 (D-14)."""
    # bid = clip(1 - s imbalance), ask = clip(1 + s imbalance)
    push = config.flow_sensitivity * imbalance
    return clip(1.0 - SIGN * push, config.flow_multiplier_min, config.flow_multiplier_max)


def drift_observations(
    imbalance: FloatArray, decayed_trades: FloatArray, said: BoolArray, config: FlowConfig
) -> Observations:
    """Flow as drift observations: sell pressure is bearish (D-12, D-13, D-45)."""
    if config.calibration == "calibrated":
        # z = -S imbalance, R = R_0 (1 + 10/n)
        z_bps_per_s = -config.calibrated_drift_scale * imbalance
        shortage = config.calibrated_flow_trades / np.maximum(decayed_trades, LEAST)
        return bounded(z_bps_per_s, config.calibrated_variance * (1.0 + shortage), said)
    # z = -0.5 imbalance, R = sigma_flow^2 / max(kappa_total, 0.1), kappa_total in trades/s
    trades_per_s = decayed_trades / TRADE_COUNT_HORIZON_S
    variance = config.sigma_flow**2 / np.maximum(trades_per_s, config.trade_rate_floor_per_s)
    return bounded(-config.flow_drift_scale * imbalance, variance, said)


class TradeFlow:
    """Decayed buy and sell volume of each market's tape, and what it says of the drift."""

    def __init__(
        self, config: FlowConfig, markets: int, horizons_s: Sequence[float] = HORIZONS_S
    ) -> None:
        self._config = config
        # the count decays at a horizon of its own, whether or not volume is asked for there
        self._horizons_s = list(dict.fromkeys([TRADE_COUNT_HORIZON_S, *horizons_s]))
        self._time_ms: FloatArray = np.full(markets, -np.inf)
        self._trades_ever = np.zeros(markets, np.int64)
        self._decayed_trades: FloatArray = np.zeros(markets)
        self._buy_volumes: FloatArray = np.zeros((len(self._horizons_s), markets))
        self._sell_volumes: FloatArray = np.zeros((len(self._horizons_s), markets))

    def record_trades(self, tape: Tape) -> None:
        """Add a block of trades to each market; one without a trade keeps what it had."""
        traded = tape.counts > 0
        dt_s = np.where(traded, (tape.last_ms - self._time_ms) / 1000.0, 0.0)
        bought = tape.sizes * tape.buys
        sold = tape.sizes - bought
        for row, horizon_s in enumerate(self._horizons_s):
            decay = np.exp(dt_s / -horizon_s)
            weights = np.exp(tape.ages_s / -horizon_s)
            self._buy_volumes[row] *= decay
            self._buy_volumes[row] += total_product(bought, weights)
            self._sell_volumes[row] *= decay
            self._sell_volumes[row] += total_product(sold, weights)
            if horizon_s == TRADE_COUNT_HORIZON_S:
                self._decayed_trades = self._decayed_trades * decay + weights.sum(axis=0)
        self._trades_ever = self._trades_ever + tape.counts
        self._time_ms = np.where(traded, tape.last_ms, self._time_ms)

    def imbalances_at(self, t_ms: Figures, horizon_s: float) -> FloatArray:
        """Sell-positive imbalance at a horizon; 0 after a silence (D-12, D-47)."""
        row = self._horizons_s.index(horizon_s)
        buy, sell = self._buy_volumes[row], self._sell_volumes[row]
        total = buy + sell
        # imbalance = (sell - buy) / (sell + buy)
        heard = (total > 0.0) & ~self._are_silent(t_ms, horizon_s)
        return np.where(heard, (sell - buy) / total, 0.0)

    def decayed_trades_at(self, t_ms: Figures) -> FloatArray:
        """Count of trades decayed at 5 s (D-13)."""
        decay = np.exp(-(t_ms - self._time_ms) / 1000.0 / TRADE_COUNT_HORIZON_S)
        decayed: FloatArray = self._decayed_trades * decay
        return decayed

    def kappa_multipliers(self, imbalance: FloatArray) -> FloatArray:
        """Multipliers [2, markets] of kappa; 1 before 20 trades."""
        return np.where(self._are_warm(), kappa_multipliers(imbalance, self._config), 1.0)

    def drift_observations_at(self, t_ms: Figures, where: BoolArray) -> Observations:
        """Drift observations; none when cold, silent or at sensitivity 0."""
        config = self._config
        heard = ~self._are_silent(t_ms, config.flow_horizon_s)
        said = where & self._are_warm() & heard & (np.asarray(config.flow_sensitivity) > 0.0)
        imbalance = self.imbalances_at(t_ms, config.flow_horizon_s)
        return drift_observations(imbalance, self.decayed_trades_at(t_ms), said, config)

    def _are_warm(self) -> BoolArray:
        warm: BoolArray = self._trades_ever >= self._config.flow_min_trades
        return warm

    def _are_silent(self, t_ms: Figures, horizon_s: float) -> BoolArray:
        silence_s = (t_ms - self._time_ms) / 1000.0
        # a market without a trade has been silent for ever
        silent: BoolArray = silence_s > self._config.flow_silence_horizons * horizon_s
        return silent
