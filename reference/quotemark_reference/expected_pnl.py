"""Phase 4: the expected PnL of one level of the ladder. A level rests while it is positive.

E[PnL](d) = lambda(d) (d - AS - fee - carry) + drift contribution - inventory penalty

Only the spread term is weighted by the fill intensity lambda. It peaks at d = AS + fee + carry +
1/kappa, so the levels farthest from that peak are dropped first: the touch of a tight ladder, the
deep end of a wide one.
"""

from __future__ import annotations

import math

from quotemark_reference import inventory
from quotemark_reference.inventory import BID

REDUCING_BONUS = 0.5  # share of the inventory penalty granted to the reducing side (D-18)


def fill_intensity(depth_bps: float, kappa_per_bps: float) -> float:
    """Fill intensity relative to depth 0, in (0, 1] (D-15)."""
    # lambda(d) = e^(-kappa d)
    return math.exp(-kappa_per_bps * depth_bps)


def adverse_selection_bps(
    as_ratio: float, sigma_bps_per_sqrt_s: float, time_horizon_s: float
) -> float:
    """Adverse selection in bp a fill costs over the horizon (D-19)."""
    # AS = as_ratio sigma sqrt(tau)
    return as_ratio * sigma_bps_per_sqrt_s * math.sqrt(time_horizon_s)


def drift_contribution_bps(side: str, drift_bps_per_s: float, time_horizon_s: float) -> float:
    """Half the drift over the horizon, for bids and against asks, whatever the position (D-17)."""
    # bid: +mu tau / 2, ask: -mu tau / 2
    half_move_bps = drift_bps_per_s * time_horizon_s / 2.0
    return half_move_bps if side == BID else -half_move_bps


def inventory_penalty_bps(
    side: str,
    gamma_q_per_bps: float,
    sigma_bps_per_sqrt_s: float,
    time_horizon_s: float,
    position: float,
    max_position: float,
) -> float:
    """Cost of adding to the position in bp; minus half of it on the reducing side (D-18)."""
    accumulating = inventory.accumulating_side(position)
    if accumulating is None:
        return 0.0
    u = abs(inventory.utilisation(position, max_position))
    # gamma(q) |u| sigma^2 tau
    penalty = gamma_q_per_bps * u * sigma_bps_per_sqrt_s * sigma_bps_per_sqrt_s * time_horizon_s
    return penalty if side == accumulating else -REDUCING_BONUS * penalty


def position_terms_bps(
    side: str,
    *,
    gamma_base_per_bps: float,
    inventory_beta: float,
    sigma_bps_per_sqrt_s: float,
    time_horizon_s: float,
    drift_bps_per_s: float,
    position: float,
    max_position: float,
) -> float:
    """Drift contribution less inventory penalty in bp: the same for every level of ``side``.

    ``gamma_base_per_bps`` is that of a flat book; beta is applied here, once (D-09).
    """
    gamma_q = inventory.gamma_per_bps(gamma_base_per_bps, inventory_beta, position, max_position)
    penalty = inventory_penalty_bps(
        side, gamma_q, sigma_bps_per_sqrt_s, time_horizon_s, position, max_position
    )
    return drift_contribution_bps(side, drift_bps_per_s, time_horizon_s) - penalty


def level_pnl_bps(
    depth_bps: float, kappa_per_bps: float, cost_bps: float, position_terms: float
) -> float:
    """Expected PnL in bp of a level at ``depth_bps`` (unrounded) of mid.

    ``cost_bps`` is AS + fee + carry; ``kappa_per_bps`` the side's own, without the flow
    multipliers (D-46).
    """
    # E[PnL] = lambda(d) (d - AS - fee - carry) + drift contribution - inventory penalty
    return fill_intensity(depth_bps, kappa_per_bps) * (depth_bps - cost_bps) + position_terms


def keeps_level(expected_pnl: float) -> bool:
    """Whether a level rests: only on a strictly positive expected PnL (D-20)."""
    return expected_pnl > 0.0
