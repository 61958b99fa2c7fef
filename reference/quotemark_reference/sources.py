"""Phases 6 to 8 in the quote cycle: what each source says of the drift, tier by tier (D-36).

The hot tier runs in every cycle, warm and cold ones in some; funding is cold. No source looks at
the own position, and none knows the filter: each gives pairs (z, R), or nothing.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from quotemark_reference import volatility
from quotemark_reference.book import BookFeatures
from quotemark_reference.config import EngineConfig
from quotemark_reference.cross_venue import Basis, LeadLag
from quotemark_reference.drift import Observation
from quotemark_reference.fill_size import FillSizes
from quotemark_reference.funding import FundingEstimator
from quotemark_reference.hawkes import HawkesFlow
from quotemark_reference.open_interest import OpenInterest
from quotemark_reference.sweep import SweepDetector
from quotemark_reference.volatility import RealisedVolatility

Sourced = tuple[str, Observation]
"""An observation with the name of its source."""


class DriftSources:
    """Every source, of which the active phases' speak, and what volatility and tails last scaled.

    ``sigma_multiplier`` and ``as_ratio_adjustment`` keep their value between the cycles that
    renew them (D-33).
    """

    def __init__(self, config: EngineConfig, active: AbstractSet[int]) -> None:
        self._config = config
        self._active = active
        self.funding = FundingEstimator(config)
        self.book = BookFeatures(config)
        self.sweeps = SweepDetector(config)
        self.hawkes = HawkesFlow(config)
        self.fill_sizes = FillSizes(config)
        self.basis = Basis(config)
        self.lead_lag = LeadLag(config)
        self.volatility = RealisedVolatility(config)
        self.open_interest = OpenInterest(config)
        self.vol_ratio = 1.0
        self.sigma_multiplier = 1.0
        self.as_ratio_adjustment = 1.0

    def record_trade(self, t_ms: int, side: str) -> None:
        """Take another's trade; ``side`` is the aggressor's."""
        if 8 in self._active:
            self.hawkes.record_trade(t_ms, side)

    def record_fill(self, t_ms: int, side: str, size: float, levels_crossed: int) -> None:
        """Take an own fill; ``side`` is the own side."""
        if 7 in self._active:
            self.sweeps.record_fill(t_ms, side, size, levels_crossed)
        if 8 in self._active:
            self.fill_sizes.record_fill(side, size)

    def record_reference_price(self, source: str, price: float) -> None:
        """Take a price of another market: mark, index, spot or leader."""
        if source == "mark":
            self.funding.mark = price
        elif source == "index":
            self.funding.index = price
        elif source == "spot":
            self.basis.spot = price
        else:
            self.lead_lag.leader = price

    def hot(self, t_ms: int) -> list[Sourced]:
        """Book and sweeps, the parts of the composite (phase 7)."""
        if 7 not in self._active:
            return []
        self.book.follow(t_ms)
        said = self.book.drift_observations()
        said += _said("sweep", self.sweeps.drift_observation_at(t_ms))
        self.sweeps.end_cycle(t_ms)
        return said

    def follow_returns(self, t_ms: int, mid: float) -> None:
        """Record this cycle's returns, in every cycle (phase 8)."""
        if 8 in self._active:
            self.lead_lag.follow(mid)
            self.volatility.follow(t_ms, mid)

    def warm(self, t_ms: int, mid: float) -> list[Sourced]:
        """Hawkes, fill sizes and basis, and the scaling of sigma (phase 8)."""
        if 8 not in self._active:
            return []
        self.basis.follow(mid)
        self.vol_ratio = self.volatility.vol_ratio()
        self.sigma_multiplier = volatility.sigma_multiplier(self.vol_ratio, self._config)
        return [
            *_said("hawkes", self.hawkes.drift_observation_at(t_ms)),
            *_said("fill_size", self.fill_sizes.drift_observation()),
            *_said("basis", self.basis.drift_observation()),
        ]

    def cold(self, mid: float) -> list[Sourced]:
        """Lead, funding and open interest, and the adjustment of the AS ratio (phases 6, 8)."""
        said = []
        if 8 in self._active:
            said += _said("lead", self.lead_lag.drift_observation())
        if 6 in self._active:
            said += _said("funding", self.funding.drift_observation())
        if 8 in self._active:
            self.open_interest.follow(mid)
            said += _said("open_interest", self.open_interest.drift_observation())
            self.as_ratio_adjustment = volatility.as_ratio_adjustment(
                self.volatility.excess_kurtosis(), self._config
            )
        return said


def _said(source: str, observation: Observation | None) -> list[Sourced]:
    return [] if observation is None else [(source, observation)]
