"""Phase 2: risk aversion that grows smoothly with inventory, its skew, and the kill guard.

gamma(q) = gamma_base (1 + beta u^2) with u = q/q_max clipped to [-1, 1] (D-08). One smooth curve
stands where the old position zones jumped.
"""

from __future__ import annotations

BID = "bid"
ASK = "ask"


def utilisation(position: float, max_position: float) -> float:
    """Signed share u of the position limit in use, clipped to [-1, 1] (D-08)."""
    return min(1.0, max(-1.0, position / max_position))


def gamma_per_bps(
    gamma_base_per_bps: float, inventory_beta: float, position: float, max_position: float
) -> float:
    """Risk aversion gamma(q) in 1/bp (D-08, D-09)."""
    u = utilisation(position, max_position)
    # gamma(q) = gamma_base (1 + beta u^2)
    return gamma_base_per_bps * (1.0 + inventory_beta * u * u)


def skew_bps(
    gamma_q_per_bps: float,
    sigma_bps_per_sqrt_s: float,
    time_horizon_s: float,
    position: float,
    max_position: float,
) -> float:
    """Inventory skew in bp: deepens bids and draws in asks when long, mirrored when short."""
    u = utilisation(position, max_position)
    # skew = gamma(q) sigma^2 u tau
    return gamma_q_per_bps * sigma_bps_per_sqrt_s * sigma_bps_per_sqrt_s * u * time_horizon_s


def accumulating_side(position: float) -> str | None:
    """The side whose fills would enlarge the position; ``None`` when flat."""
    if position > 0.0:
        return BID
    if position < 0.0:
        return ASK
    return None


def killed_side(position: float, max_position: float) -> str | None:
    """The side that the kill guard clears: accumulating, from |q| = q_max on (D-10)."""
    if abs(position) / max_position >= 1.0:
        return accumulating_side(position)
    return None
