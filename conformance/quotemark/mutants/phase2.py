"""Phase 2: risk aversion, skew and kill guard."""

from __future__ import annotations

import math

from quotemark.mutants.base import Mutant
from quotemark_reference import glft, inventory

# The reference's own functions, for the mutants that only bend them.
_gamma = inventory.gamma_per_bps
_skew = inventory.skew_bps
_touch_depths = glft.touch_depths_bps


def _gamma_linear(
    gamma_base_per_bps: float, inventory_beta: float, position: float, max_position: float
) -> float:
    u = abs(inventory.utilisation(position, max_position))
    return gamma_base_per_bps * (1.0 + inventory_beta * u)


def _gamma_jumping(
    gamma_base_per_bps: float, inventory_beta: float, position: float, max_position: float
) -> float:
    widened = 1.5 if abs(position) >= 0.6 * max_position else 1.0
    return widened * _gamma(gamma_base_per_bps, inventory_beta, position, max_position)


def _half_spread_without_risk(
    gamma_per_bps: float,
    kappa_per_bps: float,
    sigma_bps_per_sqrt_s: float,
    time_horizon_s: float,
    fee_bps: float,
) -> float:
    del sigma_bps_per_sqrt_s, time_horizon_s
    return math.log1p(gamma_per_bps / kappa_per_bps) / gamma_per_bps + fee_bps


def _touch_without_skew(
    half_spreads_bps: tuple[float, float],
    drift_shift: float,
    skew: float,
    widenings_bps: tuple[float, float],
    fee_bps: float,
) -> tuple[float, float]:
    del skew
    return _touch_depths(half_spreads_bps, drift_shift, 0.0, widenings_bps, fee_bps)


def _gamma_by_the_percent(
    gamma_base_per_bps: float, inventory_beta: float, position: float, max_position: float
) -> float:
    share = round(position / max_position, 2)
    return _gamma(gamma_base_per_bps, inventory_beta, share, 1.0)


def _risk_term_whole(
    gamma_per_bps: float,
    kappa_per_bps: float,
    sigma_bps_per_sqrt_s: float,
    time_horizon_s: float,
    fee_bps: float,
) -> float:
    fill_term = math.log1p(gamma_per_bps / kappa_per_bps) / gamma_per_bps
    return fill_term + gamma_per_bps * sigma_bps_per_sqrt_s**2 * time_horizon_s + fee_bps


PHASE_2 = (
    Mutant("gamma-linear", "D-08", "1 + beta |u|", {"inventory.gamma_per_bps": _gamma_linear}),
    Mutant(
        "gamma-constant",
        "P2.test_continuous_gamma_monotonic",
        "gamma does not grow",
        {"inventory.gamma_per_bps": lambda base, beta, position, limit: base},
    ),
    Mutant(
        "gamma-unclipped",
        "D-08",
        "u is not clipped at the limit",
        {"inventory.utilisation": lambda position, limit: position / limit},
    ),
    Mutant(
        "gamma-jumps-at-60",
        "P2.test_no_discontinuity_at_old_boundaries",
        "the Yellow zone lives on in gamma",
        {"inventory.gamma_per_bps": _gamma_jumping},
    ),
    Mutant(
        "no-risk-term",
        "A-glft",
        "the half-spread lacks gamma sigma^2 tau / 2",
        {"glft.half_spread_bps": _half_spread_without_risk},
    ),
    Mutant(
        "skew-leaves-the-bid",
        "P2.test_continuous_gamma_exceeds_zone_widening",
        "the skew does not deepen the accumulating side",
        {"glft.touch_depths_bps": _touch_without_skew},
    ),
    Mutant(
        "skew-reversed",
        "D-08",
        "a long position draws bids in",
        {"inventory.skew_bps": lambda *args: -_skew(*args)},
    ),
    Mutant(
        "kill-guard-past-the-limit",
        "D-10",
        "the kill guard acts beyond the limit, not at it",
        {
            "inventory.killed_side": lambda position, limit: (
                inventory.accumulating_side(position) if abs(position) > 1.05 * limit else None
            )
        },
    ),
    Mutant(
        "kill-guard-wrong-side",
        "P2.test_kill_guard_independent",
        "the kill guard clears the reducing side",
        {
            "inventory.killed_side": lambda position, limit: (
                inventory.accumulating_side(-position) if abs(position) >= limit else None
            )
        },
    ),
    Mutant(
        "gamma-by-the-percent",
        "A-inventory",
        "gamma comes from a table by whole percents of the limit",
        {"inventory.gamma_per_bps": _gamma_by_the_percent},
    ),
    Mutant(
        "risk-term-whole",
        "D-11",
        "the half-spread holds gamma sigma^2 tau, not half of it",
        {"glft.half_spread_bps": _risk_term_whole},
    ),
    Mutant(
        "gamma-replaces-the-kill-guard",
        "E2E-07",
        "the kill guard is gone, because gamma is continuous now",
        {"inventory.killed_side": lambda position, limit: None},
    ),
)
