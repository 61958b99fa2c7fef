"""Phase 8: other markets: the spot-perp basis and the lead of another asset.

A basis that falls is bearish for the perp. A leader that has moved while the own market has not
points where it will go, as far as a rolling regression says that it follows. Neither looks at the
own position (D-34).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from quotemark_reference.config import BPS_PER_UNIT, CrossVenueConfig
from quotemark_reference.drift import Observation, bounded
from quotemark_reference.returns import LEAST_STD_BPS, deviations, log_return_bps, mean_product


def basis_bps(perp_mid: float, spot_mid: float) -> float:
    """Basis (perp - spot) / spot in bp."""
    return (perp_mid - spot_mid) / spot_mid * BPS_PER_UNIT


def basis_observation(change_bps: float, config: CrossVenueConfig) -> Observation | None:
    """Change of the basis as a drift observation: compression is bearish."""
    if config.alpha_basis == 0.0:
        return None
    if config.calibration == "calibrated":
        # z = S clip(change / 10 bp), R = R_0
        signal = min(1.0, max(-1.0, change_bps / config.calibrated_basis_scale_bps))
        return bounded(config.calibrated_drift_scale * signal, config.calibrated_variance)
    # z = alpha change, R = sigma_basis^2
    return bounded(config.alpha_basis * change_bps, config.sigma_basis**2)


@dataclass(frozen=True, slots=True)
class Lead:
    """Lead in bp, the regression's beta (a pure number), and its R^2 as the confidence."""

    lead_bps: float
    beta: float
    confidence: float


def lead_observation(lead: Lead, config: CrossVenueConfig) -> Observation | None:
    """Lead as a drift observation; ``None`` below a confidence of 0.3 (D-34)."""
    if lead.confidence < config.lead_min_confidence or config.alpha_lead == 0.0:
        return None
    if config.calibration == "calibrated":
        # z = S clip(lead / 10 bp), R = R_0 / confidence
        signal = min(1.0, max(-1.0, lead.lead_bps / config.calibrated_lead_scale_bps))
        variance = config.calibrated_variance / lead.confidence
        return bounded(config.calibrated_drift_scale * signal, variance)
    # z = alpha lead, R = sigma_lead^2 / confidence
    return bounded(config.alpha_lead * lead.lead_bps, config.sigma_lead**2 / lead.confidence)


class Basis:
    """Basis to the spot market, and its change from one warm cycle to the next."""

    __slots__ = ("_config", "basis_bps", "change_bps", "spot")

    def __init__(self, config: CrossVenueConfig) -> None:
        self._config = config
        self.spot: float | None = None
        self.basis_bps: float | None = None
        self.change_bps: float | None = None

    def follow(self, perp_mid: float) -> None:
        """Measure the basis in a warm cycle; without a spot price nothing changes."""
        if self.spot is None:
            return
        last_bps, self.basis_bps = self.basis_bps, basis_bps(perp_mid, self.spot)
        if last_bps is not None:
            self.change_bps = self.basis_bps - last_bps

    def drift_observation(self) -> Observation | None:
        """What the last change says; ``None`` before the second measurement."""
        if self.change_bps is None:
            return None
        return basis_observation(self.change_bps, self._config)


class LeadLag:
    """Regression of own returns per cycle on a leader's, over a rolling window."""

    __slots__ = ("_config", "_leader_returns", "_own_returns", "_prices", "leader")

    def __init__(self, config: CrossVenueConfig) -> None:
        self._config = config
        self.leader: float | None = None
        self._prices: tuple[float, float] | None = None
        self._own_returns: deque[float] = deque(maxlen=config.lead_window)
        self._leader_returns: deque[float] = deque(maxlen=config.lead_window)

    def follow(self, mid: float) -> None:
        """Record this cycle's returns; without a leader's price there are none."""
        if self.leader is None:
            return
        if self._prices is not None:
            last_mid, last_leader = self._prices
            self._own_returns.append(log_return_bps(last_mid, mid))
            self._leader_returns.append(log_return_bps(last_leader, self.leader))
        self._prices = mid, self.leader

    def lead(self) -> Lead | None:
        """What the leader's last return leaves to follow; ``None`` before 20 returns.

        Least squares with an intercept, own = a + beta leader. Returns that do not vary carry
        no regression.
        """
        own, leader = self._own_returns, self._leader_returns
        if len(own) < self._config.lead_min_returns:
            return None
        own_moves, leader_moves = deviations(own), deviations(leader)
        own_variance = mean_product(own_moves, own_moves)
        leader_variance = mean_product(leader_moves, leader_moves)
        if min(own_variance, leader_variance) < LEAST_STD_BPS**2:
            return None
        covariance = mean_product(leader_moves, own_moves)
        # beta = cov / var(leader), R^2 = cov^2 / (var(leader) var(own))
        beta = covariance / leader_variance
        confidence = min(1.0, beta * covariance / own_variance)
        # lead = beta leader's last return - own last return
        return Lead(beta * leader[-1] - own[-1], beta, confidence)

    def drift_observation(self) -> Observation | None:
        """What the lead says of the drift; ``None`` without a regression worth its name."""
        lead = self.lead()
        return None if lead is None else lead_observation(lead, self._config)
