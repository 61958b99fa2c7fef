"""The quoting formulas written a second time, from the page and not from the reference.

The half-spread's logarithm is integrated numerically. Every reading that the register rejects is a
parameter here, so that a test can show what it would have done.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from scipy.integrate import quad


@dataclass(frozen=True, kw_only=True)
class Market:
    """The canonical market of the decisions."""

    kappa: float = 0.1287
    gamma: float = 0.15
    beta: float = 7.0
    sigma: float = 2.0
    tau: float = 2.0
    fee: float = 1.5
    as_ratio: float = 0.8
    levels: int = 6
    spacing: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How the plan is read; the defaults are the chosen readings."""

    intensity: Literal["relative", "per_fraction", "per_bps"] = "relative"
    gamma_unit: Literal["per_bps", "per_fraction"] = "per_bps"
    flow_moves_intensity: bool = False
    drift_by: Literal["side", "position"] = "side"


CHOSEN = Reading()
CANONICAL = Market()


@dataclass(frozen=True)
class Level:
    depth: float
    pnl: float


def half_spread(gamma: float, kappa: float, sigma: float, tau: float, fee: float) -> float:
    """(1/gamma) ln(1 + gamma/kappa) as the integral of 1/(1 + gamma x) from 0 to 1/kappa."""
    fill_term, _ = quad(lambda x: 1.0 / (1.0 + gamma * x), 0.0, 1.0 / kappa, epsabs=1e-11)
    return float(fill_term) + gamma * sigma**2 * tau / 2.0 + fee


def intensity(reading: Reading, kappa: float, depth: float) -> float:
    if reading.intensity == "per_fraction":
        # kappa and depth both as fractions: their product is the same number, the factor is not
        return kappa * 1e4 * math.exp(-kappa * 1e4 * (depth / 1e4))
    if reading.intensity == "per_bps":
        return kappa * math.exp(-kappa * depth)
    return math.exp(-kappa * depth)


def ladder_side(
    side: Literal["bid", "ask"],
    *,
    u: float = 0.0,
    drift: float = 0.0,
    imbalance: float = 0.0,
    market: Market = CANONICAL,
    reading: Reading = CHOSEN,
    judged_sigma: float | None = None,
) -> list[Level]:
    """Depth and expected PnL of the full ladder; ``judged_sigma`` only in the expected PnL."""
    base = market.gamma if reading.gamma_unit == "per_bps" else market.gamma / 1e4
    used = max(-1.0, min(1.0, u))
    gamma = base * (1.0 + market.beta * used**2)
    way = 1.0 if side == "bid" else -1.0
    flow_kappa = market.kappa * max(0.5, min(2.0, 1.0 - 0.5 * way * imbalance))
    touch = half_spread(gamma, flow_kappa, market.sigma, market.tau, market.fee)
    touch -= way * drift * market.tau / 2.0
    touch += way * gamma * market.sigma**2 * used * market.tau
    touch = max(touch, market.fee)

    sigma = market.sigma if judged_sigma is None else judged_sigma
    cost = market.as_ratio * sigma * math.sqrt(market.tau) + market.fee
    penalty = gamma * abs(used) * sigma**2 * market.tau
    accumulates = way * used > 0.0
    if used == 0.0:
        penalty = 0.0
    elif not accumulates:
        penalty = -0.5 * penalty
    drift_sign = way
    if reading.drift_by == "position":
        drift_sign = 0.0 if used == 0.0 else (-1.0 if accumulates else 1.0)
    kappa = flow_kappa if reading.flow_moves_intensity else market.kappa
    return [
        Level(
            depth,
            intensity(reading, kappa, depth) * (depth - cost)
            + drift_sign * drift * market.tau / 2.0
            - penalty,
        )
        for depth in (touch + i * market.spacing for i in range(market.levels))
    ]


def resting(levels: list[Level]) -> int:
    """How many of the levels have a positive expected PnL."""
    return sum(level.pnl > 0.0 for level in levels)


def with_market(**changes: float) -> Market:
    return replace(CANONICAL, **changes)  # type: ignore[arg-type]
