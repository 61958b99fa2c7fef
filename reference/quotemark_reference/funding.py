"""Phase 6: the public funding rate: its carry, and what an extreme rate says of the drift.

A reading is a fraction of notional per interval; longs pay shorts while it is positive. Carry is
charged per second of the holding time (D-23). The z-score compares the last rate with the EWMA of
the rates (D-24); of 24 readings, itself among them, none can be further than sqrt(24) = 4.9 off.
Mark and index give the premium, which is reported and nothing more.

Known hazard: with calibration ``plan`` an extreme reading is a small z with a small R, so that it
pulls any standing drift towards 0, also one of its own direction.
"""

from __future__ import annotations

import math
import re
from collections import deque

from quotemark_reference import inventory
from quotemark_reference.config import BPS_PER_UNIT, FundingConfig
from quotemark_reference.drift import Observation, bounded
from quotemark_reference.errors import (
    NonFiniteError,
    OutOfRangeError,
    UnparsableError,
)
from quotemark_reference.inventory import BID

RECEIVING_SHARE = 0.5  # of the carry, granted to the receiving side (plan 6 B)
LARGEST_RATE = 1.0  # of notional per interval

_DECIMAL = re.compile(r"[+-]?(\d+(\.\d+)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_NON_FINITE = ("nan", "inf", "-inf")


def parse_rate(text: str) -> float:
    """Read a funding rate as its feed gives it.

    Raises :class:`UnparsableError` for text that is no decimal number (D-25),
    :class:`NonFiniteError`, or :class:`OutOfRangeError` beyond -1 to 1.
    """
    if text in _NON_FINITE:
        raise NonFiniteError(f"rate is {text!r}, expected a finite number")
    if _DECIMAL.fullmatch(text) is None:
        raise UnparsableError(f"rate is {text!r}, expected a decimal number")
    rate = float(text)
    if math.isinf(rate):
        raise NonFiniteError(f"rate is {text!r}, expected a finite number")
    if abs(rate) > LARGEST_RATE:
        raise OutOfRangeError(f"rate is {text!r}, expected -1 to 1")
    return rate


def carry_bps(side: str, rate_per_s: float, holding_time_s: float) -> float:
    """Carry cost in bp of a fill of ``side``: positive where it pays, minus half where not (D-23).

    Bids pay while the rate is positive, asks while it is negative.
    """
    # |rate per second| tau_holding 10^4
    carry = abs(rate_per_s) * holding_time_s * BPS_PER_UNIT
    pays = rate_per_s > 0.0 if side == BID else rate_per_s < 0.0
    return carry if pays else -RECEIVING_SHARE * carry


def skew_bps(
    rate_per_s: float, holding_time_s: float, position: float, max_position: float
) -> float:
    """Funding skew in bp: deepens bids and draws in asks where positive, as inventory skew does.

    A payer's quotes lean towards reducing, a receiver's towards holding: bids of a long and asks
    of a short go deeper by u rate tau_holding 10^4, which is this for a long and minus this for a
    short (D-23).
    """
    u = inventory.utilisation(position, max_position)
    # |u| rate per second tau_holding 10^4, added to bids and taken from asks
    return abs(u) * rate_per_s * holding_time_s * BPS_PER_UNIT


def premium_bps(mark: float, index: float) -> float:
    """Premium of mark over index in bp."""
    return (mark - index) / index * BPS_PER_UNIT


def drift_observation(zscore: float, config: FundingConfig) -> Observation | None:
    """Extreme funding as a drift observation: positive is bearish; ``None`` at scale 0 (D-24)."""
    if config.funding_scale_factor == 0.0:
        return None
    if config.calibration == "calibrated":
        # z = -S zscore / 5, R = R_0
        signal = -zscore / config.funding_zscore_limit
        return bounded(config.calibrated_drift_scale * signal, config.calibrated_variance)
    # z = -zscore scale, R = sigma_funding^2 / max(|zscore|, 0.1)
    strength = max(abs(zscore), config.funding_zscore_floor)
    return bounded(-zscore * config.funding_scale_factor, config.sigma_funding**2 / strength)


class FundingEstimator:
    """EWMA, standard deviation and z-score of the funding rates, and the mark/index premium.

    ``rate_per_s`` is that of the last reading; ``ewma_rate`` and the standard deviation are
    fractions per interval, as the feed gives them.
    """

    __slots__ = ("_config", "_rates", "ewma_rate", "index", "mark", "rate_per_s", "readings")

    def __init__(self, config: FundingConfig) -> None:
        self._config = config
        self._rates: deque[float] = deque(maxlen=config.funding_history)
        self.readings = 0
        self.rate_per_s = 0.0
        self.ewma_rate = 0.0
        self.mark: float | None = None
        self.index: float | None = None

    def record_rate(self, rate_per_interval: float, interval_s: float) -> None:
        """Take a reading of the feed, a fraction of notional per interval."""
        self._rates.append(rate_per_interval)
        self.readings += 1
        if self.readings == 1:
            self.ewma_rate = rate_per_interval
        self.ewma_rate += self._config.funding_ewma_weight * (rate_per_interval - self.ewma_rate)
        self.rate_per_s = rate_per_interval / interval_s

    def mean_rate(self) -> float:
        """Plain mean of the last readings, at least one, per interval; reported and no more."""
        return sum(self._rates) / len(self._rates)

    def rate_std(self) -> float:
        """Standard deviation about the EWMA over the last readings, at least one, per interval."""
        squares = sum((rate - self.ewma_rate) ** 2 for rate in self._rates)
        return math.sqrt(squares / len(self._rates))

    def zscore(self) -> float | None:
        """Last rate against the EWMA, clipped to 5; ``None`` before three readings (D-24)."""
        if self.readings < self._config.funding_min_readings:
            return None
        std = max(self.rate_std(), self._config.funding_std_floor)
        limit = self._config.funding_zscore_limit
        return min(limit, max(-limit, (self._rates[-1] - self.ewma_rate) / std))

    def premium(self) -> float | None:
        """Premium of mark over index in bp; ``None`` before both are known."""
        if self.mark is None or self.index is None:
            return None
        return premium_bps(self.mark, self.index)

    def carry_bps(self, side: str) -> float:
        """Carry cost in bp of a fill of ``side`` at the last rate."""
        return carry_bps(side, self.rate_per_s, self._config.holding_time_s)

    def skew_bps(self, position: float, max_position: float) -> float:
        """Funding skew in bp at the last rate; positive deepens bids."""
        return skew_bps(self.rate_per_s, self._config.holding_time_s, position, max_position)

    def drift_observation(self) -> Observation | None:
        """Observation from the last reading; ``None`` before three of them or at scale 0."""
        zscore = self.zscore()
        return None if zscore is None else drift_observation(zscore, self._config)
