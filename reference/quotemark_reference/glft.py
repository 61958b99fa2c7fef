"""The Guéant-Lehalle-Fernandez-Tapia half-spread, and the depth at which a side's touch rests."""

from __future__ import annotations

import math


def half_spread_bps(
    gamma_per_bps: float,
    kappa_per_bps: float,
    sigma_bps_per_sqrt_s: float,
    time_horizon_s: float,
    fee_bps: float,
) -> float:
    """Half-spread in bp, fee included (decisions, phase 2)."""
    # (1/gamma) ln(1 + gamma/kappa) + gamma sigma^2 tau / 2 + fee
    fill_term = math.log1p(gamma_per_bps / kappa_per_bps) / gamma_per_bps
    risk_term = gamma_per_bps * sigma_bps_per_sqrt_s * sigma_bps_per_sqrt_s * time_horizon_s / 2.0
    return fill_term + risk_term + fee_bps


def drift_shift_bps(drift_bps_per_s: float, time_horizon_s: float) -> float:
    """Half the drift over the horizon, mu tau / 2, in bp: off the bid's depth, onto the ask's."""
    return drift_bps_per_s * time_horizon_s / 2.0


def touch_depths_bps(
    half_spreads_bps: tuple[float, float],
    drift_shift: float,
    skew: float,
    widenings_bps: tuple[float, float],
    fee_bps: float,
) -> tuple[float, float]:
    """Depths of the touch (bid, ask) in bp below and above mid, never below the fee (D-42).

    ``drift_shift`` and ``skew`` in bp; pairs are (bid, ask). A rising drift draws the bid in and
    pushes the ask out; a long position's positive skew does the reverse.
    """
    # bid = max(fee, h - mu tau/2 + skew + widening), ask = max(fee, h + mu tau/2 - skew + widening)
    bid = half_spreads_bps[0] - drift_shift + skew + widenings_bps[0]
    ask = half_spreads_bps[1] + drift_shift - skew + widenings_bps[1]
    return max(fee_bps, bid), max(fee_bps, ask)
