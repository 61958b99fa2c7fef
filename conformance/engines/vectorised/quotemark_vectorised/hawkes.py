"""Phase 8: how trades of others excite more of their kind, market by market.

lambda(t) = mu + sum over t_i <= t of alpha e^(-beta (t - t_i)), the sum kept by recursion.
"""

from __future__ import annotations

import numpy as np

from quotemark_reference.config import HawkesConfig
from quotemark_vectorised.arrays import BoolArray, Figures, FloatArray, total_product
from quotemark_vectorised.drift import Observations, bounded
from quotemark_vectorised.tape import Tape

BUY, SELL = 0, 1


def drift_observations(
    excesses_per_s: FloatArray, said: BoolArray, config: HawkesConfig
) -> Observations:
    """Excess intensities [2, markets] of buys and sells as drift observations (D-45)."""
    total = excesses_per_s[BUY] + excesses_per_s[SELL]
    net = excesses_per_s[BUY] - excesses_per_s[SELL]
    if config.calibration == "calibrated":
        # z = S (buy - sell) / (buy + sell), R = R_0
        z_bps_per_s = config.calibrated_drift_scale * (net / total)
        return bounded(z_bps_per_s, config.calibrated_variance, said & (total != 0.0))
    # z = -alpha (sell - buy), R = sigma_hawkes^2 / max(lambda_total, floor)
    intensity_per_s = 2.0 * config.hawkes_base_per_s + total
    floored_per_s = np.maximum(intensity_per_s, config.hawkes_intensity_floor_per_s)
    return bounded(config.alpha_hawkes * net, config.sigma_hawkes**2 / floored_per_s, said)


class HawkesFlow:
    """Intensities of buys and sells of each market, in trades per second."""

    def __init__(self, config: HawkesConfig, markets: int) -> None:
        self._config = config
        self._buy_excess: FloatArray = np.zeros(markets)
        self._sell_excess: FloatArray = np.zeros(markets)
        self._time_ms: FloatArray = np.full(markets, -np.inf)
        self.events = np.zeros(markets, np.int64)

    def record_trades(self, tape: Tape) -> None:
        """Add a block of trades to each market; one without a trade keeps what it had."""
        jump, rate = self._config.hawkes_jump_per_s, self._config.hawkes_decay_per_s
        traded = tape.counts > 0
        # excess(t) = excess(t_i) e^(-beta (t - t_i)) + sum of alpha e^(-beta age)
        decay = np.exp(-rate * np.where(traded, (tape.last_ms - self._time_ms) / 1000.0, 0.0))
        weights = np.exp(-rate * tape.ages_s)
        bought = total_product(weights, tape.buys)
        sold = total_product(weights, 1.0 - tape.buys)
        self._buy_excess = self._buy_excess * decay + jump * bought
        self._sell_excess = self._sell_excess * decay + jump * sold
        self._time_ms = np.where(traded, tape.last_ms, self._time_ms)
        self.events = self.events + tape.counts

    def excesses_at(self, t_ms: Figures) -> FloatArray:
        """Intensities [2, markets] above the base, buys and sells, in 1/s."""
        decay = np.exp(-self._config.hawkes_decay_per_s * (t_ms - self._time_ms) / 1000.0)
        return np.array([self._buy_excess * decay, self._sell_excess * decay])

    def intensities_at(self, t_ms: Figures) -> FloatArray:
        """Intensities [2, markets] of buys and sells, in 1/s."""
        return self._config.hawkes_base_per_s + self.excesses_at(t_ms)

    def drift_observations_at(self, t_ms: Figures, where: BoolArray) -> Observations:
        """The tapes' excess; nothing when cold, at alpha 0 or, calibrated, in silence (Q-11)."""
        config = self._config
        said = where & (self.events >= config.hawkes_min_events)
        said = said & (np.asarray(config.alpha_hawkes) > 0.0)
        if config.calibration == "calibrated":
            horizons = (t_ms - self._time_ms) / 1000.0 * config.hawkes_decay_per_s
            said = said & (horizons <= config.hawkes_silence_horizons)
        return drift_observations(self.excesses_at(t_ms), said, config)
