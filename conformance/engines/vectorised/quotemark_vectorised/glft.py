"""Half-spreads, and the depth at which each side's touch rests (D-42)."""

from __future__ import annotations

import numpy as np

from quotemark_vectorised.arrays import SIGN, Figures, FloatArray


def half_spreads_bps(
    gamma_per_bps: Figures,
    kappas_per_bps: FloatArray,
    sigma_bps_per_sqrt_s: Figures,
    tau_s: Figures,
    fee_bps: Figures,
) -> FloatArray:
    """Half-spreads [2, markets] in bp, fee included."""
    # h = (1/gamma) ln(1 + gamma/kappa) + gamma sigma^2 tau / 2 + fee
    fill_term = np.log1p(gamma_per_bps / kappas_per_bps) / gamma_per_bps
    risk_term = gamma_per_bps * sigma_bps_per_sqrt_s * sigma_bps_per_sqrt_s * tau_s / 2.0
    return fill_term + risk_term + fee_bps


def drift_shift_bps(drift_bps_per_s: FloatArray, tau_s: Figures) -> FloatArray:
    """Half the drift over the horizon, mu tau / 2, in bp."""
    return drift_bps_per_s * tau_s / 2.0


def touch_depths_bps(
    half_spreads: FloatArray,
    drift_shift: Figures,
    skew: Figures,
    widenings_bps: Figures,
    fee_bps: Figures,
) -> FloatArray:
    """Depths [2, markets] of the touch in bp of mid, never below the fee (D-42)."""
    # bid = max(fee, h - mu tau/2 + skew + widening), ask = max(fee, h + mu tau/2 - skew + widening)
    depths = half_spreads - SIGN * drift_shift + SIGN * skew + widenings_bps
    return np.maximum(fee_bps, depths)
