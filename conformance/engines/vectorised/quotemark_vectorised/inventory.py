"""Phase 2: risk aversion that grows smoothly with each market's inventory, and its skew."""

from __future__ import annotations

import numpy as np

from quotemark_vectorised.arrays import SIGN, BoolArray, Figures, FloatArray, clip


def utilisation(position: FloatArray, max_position: Figures) -> FloatArray:
    """Signed share u of the position limit in use, clipped to [-1, 1] (D-08)."""
    return clip(position / max_position, -1.0, 1.0)


def gamma_per_bps(
    gamma_base_per_bps: Figures, inventory_beta: Figures, u: FloatArray
) -> FloatArray:
    """Risk aversion in 1/bp at the utilisation u (D-08, D-09)."""
    # gamma(q) = gamma_base (1 + beta u^2)
    return gamma_base_per_bps * (1.0 + inventory_beta * u * u)


def skew_bps(
    gamma_q_per_bps: FloatArray, sigma_bps_per_sqrt_s: Figures, tau_s: Figures, u: FloatArray
) -> FloatArray:
    """Inventory skew in bp: deepens bids and draws in asks when long."""
    # skew = gamma(q) sigma^2 u tau
    return gamma_q_per_bps * sigma_bps_per_sqrt_s * sigma_bps_per_sqrt_s * u * tau_s


def accumulating(position: FloatArray) -> BoolArray:
    """Sides [2, markets] whose fills would enlarge the position; none when flat."""
    enlarges: BoolArray = SIGN * position > 0.0
    return enlarges


def killed(position: FloatArray, max_position: Figures) -> BoolArray:
    """Sides [2, markets] that the kill guard clears, from |q| = q_max on (D-10)."""
    return accumulating(position) & (np.abs(position) / max_position >= 1.0)
