"""Phase 4: the expected PnL of every level of every market's ladder.

E[PnL](d) = lambda(d) (d - AS - fee - carry) + drift contribution - inventory penalty
"""

from __future__ import annotations

import numpy as np

from quotemark_vectorised.arrays import SIGN, BoolArray, Figures, FloatArray

REDUCING_BONUS = 0.5  # share of the inventory penalty granted to the reducing side (D-18)


def fill_intensities(depths_bps: FloatArray, kappas_per_bps: FloatArray) -> FloatArray:
    """Fill intensity relative to depth 0 (D-15)."""
    # lambda(d) = e^(-kappa d)
    intensities: FloatArray = np.exp(-kappas_per_bps * depths_bps)
    return intensities


def adverse_selection_bps(
    as_ratio: Figures, sigma_bps_per_sqrt_s: Figures, tau_s: Figures
) -> FloatArray:
    """Adverse selection in bp a fill costs over the horizon (D-19)."""
    # AS = as_ratio sigma sqrt(tau)
    return as_ratio * sigma_bps_per_sqrt_s * np.sqrt(tau_s)


def drift_contributions_bps(drift_bps_per_s: Figures, tau_s: Figures) -> FloatArray:
    """Half the drift over the horizon, for bids and against asks (D-17), [2, markets]."""
    # bid: +mu tau / 2, ask: -mu tau / 2
    return SIGN * (drift_bps_per_s * tau_s / 2.0)


def inventory_penalties_bps(
    gamma_q_per_bps: FloatArray,
    u: FloatArray,
    sigma_bps_per_sqrt_s: Figures,
    tau_s: Figures,
    accumulates: BoolArray,
) -> FloatArray:
    """Cost of adding to the position in bp; minus half of it on the reducing side (D-18).

    [2, markets]; nothing when flat, since u is then 0.
    """
    # gamma(q) |u| sigma^2 tau
    penalty = gamma_q_per_bps * np.abs(u) * sigma_bps_per_sqrt_s * sigma_bps_per_sqrt_s * tau_s
    return np.where(accumulates, penalty, -REDUCING_BONUS * penalty)


def level_pnls_bps(
    depths_bps: FloatArray,
    intensities: FloatArray,
    costs_bps: Figures,
    position_terms_bps: Figures,
) -> FloatArray:
    """Expected PnL in bp of levels at these depths of mid.

    ``costs_bps`` is AS + fee + carry, ``position_terms_bps`` drift contribution less penalty.
    """
    # E[PnL] = lambda(d) (d - AS - fee - carry) + drift contribution - inventory penalty
    return intensities * (depths_bps - costs_bps) + position_terms_bps


def keeps(pnls_bps: FloatArray) -> BoolArray:
    """Whether a level rests: only on a strictly positive expected PnL (D-20)."""
    kept: BoolArray = pnls_bps > 0.0
    return kept
