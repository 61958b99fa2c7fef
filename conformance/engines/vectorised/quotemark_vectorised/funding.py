"""Phase 6: each market's funding rate: its carry, its skew, and what it says of the drift."""

from __future__ import annotations

import numpy as np

from quotemark_reference.config import FundingConfig
from quotemark_reference.errors import OutOfRangeError
from quotemark_vectorised.arrays import (
    BPS_PER_UNIT,
    SIGN,
    BoolArray,
    Figures,
    FloatArray,
    check_finite,
    clip,
    total_product,
)
from quotemark_vectorised.drift import Observations, bounded
from quotemark_vectorised.windows import LastValues

RECEIVING_SHARE = 0.5  # of the carry, granted to the receiving side (D-23)
LARGEST_RATE = 1.0  # of notional per interval


def check_rate(rate: Figures, where: BoolArray) -> None:
    """Raise for a market of ``where`` whose rate is not a number from -1 to 1."""
    check_finite("rate", rate, where)
    beyond = where & (np.abs(rate) > LARGEST_RATE)
    if beyond.any():
        raise OutOfRangeError(f"rate of market {beyond.argmax()} is beyond -1 to 1")


def drift_observations(zscore: FloatArray, said: BoolArray, config: FundingConfig) -> Observations:
    """Extreme funding as drift observations: positive is bearish; none at scale 0 (D-24)."""
    said = said & (np.asarray(config.funding_scale_factor) > 0.0)
    if config.calibration == "calibrated":
        # z = -S zscore / 5, R = R_0
        signal = -zscore / config.funding_zscore_limit
        return bounded(config.calibrated_drift_scale * signal, config.calibrated_variance, said)
    # z = -zscore scale, R = sigma_funding^2 / max(|zscore|, 0.1)
    strength = np.maximum(np.abs(zscore), config.funding_zscore_floor)
    z_bps_per_s = -zscore * config.funding_scale_factor
    return bounded(z_bps_per_s, config.sigma_funding**2 / strength, said)


class FundingEstimator:
    """EWMA, standard deviation and z-score of each market's rates, and its mark/index premium.

    ``rate_per_s`` is that of the last reading, 0 before one; ``zscore`` is NaN before three.
    """

    def __init__(self, config: FundingConfig, markets: int) -> None:
        self._config = config
        self._rates = LastValues(markets, config.funding_history)
        self.readings = np.zeros(markets, np.int64)
        self.rate_per_s: FloatArray = np.zeros(markets)
        self.ewma_rate: FloatArray = np.zeros(markets)
        self.zscore: FloatArray = np.full(markets, np.nan)
        self.mark: FloatArray = np.full(markets, np.nan)
        self.index: FloatArray = np.full(markets, np.nan)

    def record_rates(self, rate: FloatArray, interval_s: Figures, where: BoolArray) -> None:
        """Take a reading of each market of ``where``, a fraction of notional per interval."""
        config = self._config
        self._rates.add(where, rate)
        self.readings = self.readings + where
        ewma = np.where(self.readings == 1, rate, self.ewma_rate)
        ewma = ewma + config.funding_ewma_weight * (rate - ewma)
        self.ewma_rate = np.where(where, ewma, self.ewma_rate)
        self.rate_per_s = np.where(where, rate / interval_s, self.rate_per_s)
        # last rate less EWMA, over a deviation of at least 1e-6, clipped to 5 (D-24)
        std = np.maximum(self.rate_std(), config.funding_std_floor)
        limit = np.asarray(config.funding_zscore_limit)
        zscore = clip((rate - self.ewma_rate) / std, -limit, limit)
        known = where & (self.readings >= config.funding_min_readings)
        self.zscore = np.where(known, zscore, self.zscore)

    def mean_rate(self) -> FloatArray:
        """Plain mean of the last readings, at least one; reported and no more."""
        mean: FloatArray = self._rates.values[0].sum(axis=0) / self._rates.counts
        return mean

    def rate_std(self) -> FloatArray:
        """Standard deviation about the EWMA over the last readings, at least one."""
        departures = np.where(self._rates.in_use(), self._rates.values[0] - self.ewma_rate, 0.0)
        squares = total_product(departures, departures)
        deviation: FloatArray = np.sqrt(squares / self._rates.counts)
        return deviation

    def premium_bps(self) -> FloatArray:
        """Premium of mark over index in bp; NaN before both are known."""
        return (self.mark - self.index) / self.index * BPS_PER_UNIT

    def carries_bps(self) -> FloatArray:
        """Carry cost [2, markets] in bp: positive where a side pays, minus half where not (D-23).

        Bids pay while the rate is positive, asks while it is negative.
        """
        # |rate per second| tau_holding 10^4
        carry = np.abs(self.rate_per_s) * self._config.holding_time_s * BPS_PER_UNIT
        pays = SIGN * self.rate_per_s > 0.0
        return np.where(pays, carry, -RECEIVING_SHARE * carry)

    def skew_bps(self, u: FloatArray) -> FloatArray:
        """Funding skew in bp at the utilisation u; positive deepens bids (D-23)."""
        # |u| rate per second tau_holding 10^4, added to bids and taken from asks
        return np.abs(u) * self.rate_per_s * self._config.holding_time_s * BPS_PER_UNIT

    def drift_observations(self, where: BoolArray) -> Observations:
        """What the last readings say; nothing before three of them or at scale 0."""
        return drift_observations(self.zscore, where & ~np.isnan(self.zscore), self._config)
