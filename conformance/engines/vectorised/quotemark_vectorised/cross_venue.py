"""Phase 8: each market's basis to its spot market, and the lead of another asset (D-34)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quotemark_reference.config import CrossVenueConfig
from quotemark_vectorised.arrays import BPS_PER_UNIT, BoolArray, FloatArray, clip
from quotemark_vectorised.drift import Observations, bounded
from quotemark_vectorised.returns import (
    LEAST_STD_BPS,
    deviations,
    log_return_bps,
    mean_product,
)
from quotemark_vectorised.windows import LastValues


def basis_observations(
    change_bps: FloatArray, said: BoolArray, config: CrossVenueConfig
) -> Observations:
    """Changes of the basis as drift observations: compression is bearish."""
    said = said & (np.asarray(config.alpha_basis) > 0.0)
    if config.calibration == "calibrated":
        # z = S clip(change / 10 bp), R = R_0
        signal = clip(change_bps / config.calibrated_basis_scale_bps, -1.0, 1.0)
        return bounded(config.calibrated_drift_scale * signal, config.calibrated_variance, said)
    # z = alpha change, R = sigma_basis^2
    return bounded(config.alpha_basis * change_bps, config.sigma_basis**2, said)


@dataclass(frozen=True, slots=True)
class Leads:
    """Leads in bp, the regressions' beta, and their R^2 as confidence; NaN without a regression."""

    lead_bps: FloatArray
    beta: FloatArray
    confidence: FloatArray


def lead_observations(leads: Leads, where: BoolArray, config: CrossVenueConfig) -> Observations:
    """Leads as drift observations; none below a confidence of 0.3 (D-34)."""
    said = where & (leads.confidence >= config.lead_min_confidence)
    said = said & (np.asarray(config.alpha_lead) > 0.0)
    if config.calibration == "calibrated":
        # z = S clip(lead / 10 bp), R = R_0 / confidence
        signal = clip(leads.lead_bps / config.calibrated_lead_scale_bps, -1.0, 1.0)
        variance = config.calibrated_variance / leads.confidence
        return bounded(config.calibrated_drift_scale * signal, variance, said)
    # z = alpha lead, R = sigma_lead^2 / confidence
    variance = config.sigma_lead**2 / leads.confidence
    return bounded(config.alpha_lead * leads.lead_bps, variance, said)


class Basis:
    """Basis to the spot market, and its change between warm cycles; NaN is what is not known."""

    def __init__(self, config: CrossVenueConfig, markets: int) -> None:
        self._config = config
        self.spot: FloatArray = np.full(markets, np.nan)
        self.basis_bps: FloatArray = np.full(markets, np.nan)
        self.change_bps: FloatArray = np.full(markets, np.nan)

    def follow(self, mid: FloatArray, where: BoolArray) -> None:
        """Measure the basis in a warm cycle; without a spot price nothing changes."""
        measured = where & ~np.isnan(self.spot)
        # basis = (perp - spot) / spot
        basis_bps = (mid - self.spot) / self.spot * BPS_PER_UNIT
        self.change_bps = np.where(measured, basis_bps - self.basis_bps, self.change_bps)
        self.basis_bps = np.where(measured, basis_bps, self.basis_bps)

    def drift_observations(self, where: BoolArray) -> Observations:
        """What the last changes say; nothing before the second measurement."""
        known = where & ~np.isnan(self.change_bps)
        return basis_observations(self.change_bps, known, self._config)


class LeadLag:
    """Regression of own returns per cycle on a leader's, over a rolling window."""

    def __init__(self, config: CrossVenueConfig, markets: int) -> None:
        self._config = config
        self.leader: FloatArray = np.full(markets, np.nan)
        self._last_mid: FloatArray = np.full(markets, np.nan)
        self._last_leader: FloatArray = np.full(markets, np.nan)
        self._returns = LastValues(markets, config.lead_window, series=2)
        self._last_own: FloatArray = np.zeros(markets)
        self._last_lead: FloatArray = np.zeros(markets)

    def follow(self, mid: FloatArray, where: BoolArray) -> None:
        """Record this cycle's returns; without a leader's price there are none."""
        known = where & ~np.isnan(self.leader)
        moved = known & ~np.isnan(self._last_mid)
        own = log_return_bps(self._last_mid, mid)
        leader = log_return_bps(self._last_leader, self.leader)
        self._returns.add(moved, own, leader)
        self._last_own = np.where(moved, own, self._last_own)
        self._last_lead = np.where(moved, leader, self._last_lead)
        self._last_mid = np.where(known, mid, self._last_mid)
        self._last_leader = np.where(known, self.leader, self._last_leader)

    def leads(self) -> Leads:
        """What the leaders' last returns leave to follow, by least squares with an intercept.

        None before 20 returns, nor where returns do not vary.
        """
        counts, in_use = self._returns.counts, self._returns.in_use()
        own, leader = (deviations(series, counts, in_use) for series in self._returns.values)
        own_variance = mean_product(own, own, counts)
        leader_variance = mean_product(leader, leader, counts)
        covariance = mean_product(leader, own, counts)
        known = (counts >= self._config.lead_min_returns) & (
            np.minimum(own_variance, leader_variance) >= LEAST_STD_BPS**2
        )
        # beta = cov / var(leader), R^2 = cov^2 / (var(leader) var(own))
        beta = np.where(known, covariance / leader_variance, np.nan)
        confidence = np.minimum(1.0, beta * covariance / own_variance)
        # lead = beta leader's last return - own last return
        return Leads(beta * self._last_lead - self._last_own, beta, confidence)

    def drift_observations(self, where: BoolArray) -> Observations:
        """What the leads say of the drift; nothing without a regression worth its name."""
        return lead_observations(self.leads(), where, self._config)
