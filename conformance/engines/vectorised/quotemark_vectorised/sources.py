"""Phases 6 to 8 in the quote cycle: what each source says of the drift, tier by tier (D-36)."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

import numpy as np

from quotemark_reference.config import EngineConfig
from quotemark_vectorised import volatility
from quotemark_vectorised.arrays import BoolArray, Figures, FloatArray
from quotemark_vectorised.book import BookFeatures, BookSide
from quotemark_vectorised.cross_venue import Basis, LeadLag
from quotemark_vectorised.drift import Observations
from quotemark_vectorised.fill_size import FillSizes
from quotemark_vectorised.funding import FundingEstimator
from quotemark_vectorised.hawkes import HawkesFlow
from quotemark_vectorised.open_interest import OpenInterest
from quotemark_vectorised.sweep import SweepDetector
from quotemark_vectorised.tape import Tape
from quotemark_vectorised.volatility import RealisedVolatility

Sourced = tuple[str, Observations]
"""Observations with the name of their source."""


class DriftSources:
    """Every source, of which the active phases' listen and speak, and what scales sigma and AS.

    ``sigma_multiplier`` and ``as_ratio_adjustment`` keep their value between the cycles that
    renew them (D-33).
    """

    def __init__(self, config: EngineConfig, active: AbstractSet[int], markets: int) -> None:
        self._config = config
        self._active = active
        self.funding = FundingEstimator(config, markets)
        self.book = BookFeatures(config, markets)
        self.sweeps = SweepDetector(config, markets)
        self.hawkes = HawkesFlow(config, markets)
        self.fill_sizes = FillSizes(config, markets)
        self.basis = Basis(config, markets)
        self.lead_lag = LeadLag(config, markets)
        self.volatility = RealisedVolatility(config, markets)
        self.open_interest = OpenInterest(config, markets)
        self.vol_ratio: FloatArray = np.ones(markets)
        self.sigma_multiplier: FloatArray = np.ones(markets)
        self.as_ratio_adjustment: FloatArray = np.ones(markets)

    def record_books(self, bids: BookSide, asks: BookSide, where: BoolArray) -> None:
        """Take a book of each market of ``where``."""
        if 7 in self._active:
            self.book.record_books(bids, asks, where)

    def record_trades(self, tape: Tape) -> None:
        """Take trades of others."""
        if 8 in self._active:
            self.hawkes.record_trades(tape)

    def record_fills(
        self,
        t_ms: FloatArray,
        buys: BoolArray,
        size: FloatArray,
        levels_crossed: Figures,
        where: BoolArray,
    ) -> None:
        """Take an own fill in each market of ``where``."""
        if 7 in self._active:
            self.sweeps.record_fills(t_ms, buys, size, levels_crossed, where)
        if 8 in self._active:
            self.fill_sizes.record_fills(buys, size, where)

    def record_funding(self, rate: FloatArray, interval_s: Figures, where: BoolArray) -> None:
        """Take a funding rate of each market of ``where``."""
        if 6 in self._active:
            self.funding.record_rates(rate, interval_s, where)

    def record_reference_prices(self, source: str, price: Figures, where: BoolArray) -> None:
        """Take a price of another market: mark, index, spot or leader."""
        holder = {
            "mark": self.funding,
            "index": self.funding,
            "spot": self.basis,
            "leader": self.lead_lag,
        }[source]
        setattr(holder, source, np.where(where, price, getattr(holder, source)))

    def record_open_interest(self, contracts: Figures, where: BoolArray) -> None:
        """Take the open interest of each market of ``where``."""
        self.open_interest.contracts = np.where(where, contracts, self.open_interest.contracts)

    def hot(self, t_ms: Figures, where: BoolArray) -> list[Sourced]:
        """Book and sweeps, the parts of the composite (phase 7)."""
        if 7 not in self._active:
            return []
        self.book.follow(t_ms, where)
        said = self.book.drift_observations(where)
        said.append(("sweep", self.sweeps.drift_observations_at(t_ms, where)))
        self.sweeps.end_cycle(t_ms, where)
        return said

    def follow_returns(self, t_ms: FloatArray, mid: FloatArray, where: BoolArray) -> None:
        """Record this cycle's returns, in every cycle (phase 8)."""
        if 8 in self._active:
            self.lead_lag.follow(mid, where)
            self.volatility.follow(t_ms, mid, where)

    def warm(self, t_ms: Figures, mid: FloatArray, where: BoolArray) -> list[Sourced]:
        """Hawkes, fill sizes and basis, and the scaling of sigma (phase 8)."""
        if 8 not in self._active:
            return []
        self.basis.follow(mid, where)
        self.vol_ratio = np.where(where, self.volatility.vol_ratio(), self.vol_ratio)
        self.sigma_multiplier = volatility.sigma_multiplier(self.vol_ratio, self._config)
        return [
            ("hawkes", self.hawkes.drift_observations_at(t_ms, where)),
            ("fill_size", self.fill_sizes.drift_observations(where)),
            ("basis", self.basis.drift_observations(where)),
        ]

    def cold(self, mid: FloatArray, where: BoolArray) -> list[Sourced]:
        """Lead, funding and open interest, and the adjustment of the AS ratio (phases 6, 8)."""
        said = []
        if 8 in self._active:
            said.append(("lead", self.lead_lag.drift_observations(where)))
        if 6 in self._active:
            said.append(("funding", self.funding.drift_observations(where)))
        if 8 in self._active:
            self.open_interest.follow(mid, where)
            said.append(("open_interest", self.open_interest.drift_observations(where)))
            adjustment = volatility.as_ratio_adjustment(
                self.volatility.excess_kurtosis(), self._config
            )
            self.as_ratio_adjustment = np.where(where, adjustment, self.as_ratio_adjustment)
        return said
