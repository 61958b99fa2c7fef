"""Phase 4: expected PnL, ladder and estimates."""

from __future__ import annotations

import math
from collections.abc import Sequence

from quotemark.mutants.base import Mutant
from quotemark_reference import expected_pnl, glft, inventory, ladder
from quotemark_reference.engine import QuoteEngine
from quotemark_reference.ladder import Quote

# The reference's own functions, for the mutants that only bend them.
_quotes = QuoteEngine._quotes
_on_estimate = QuoteEngine.on_estimate
_position_terms = expected_pnl.position_terms_bps
_penalty = expected_pnl.inventory_penalty_bps
_drift_contribution = expected_pnl.drift_contribution_bps
_cut_sizes = ladder.cut_sizes
_quote_price = ladder.quote_price
_half_spread = glft.half_spread_bps


def _drift_by_position(
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
    terms = _position_terms(
        side,
        gamma_base_per_bps=gamma_base_per_bps,
        inventory_beta=inventory_beta,
        sigma_bps_per_sqrt_s=sigma_bps_per_sqrt_s,
        time_horizon_s=time_horizon_s,
        drift_bps_per_s=0.0,
        position=position,
        max_position=max_position,
    )
    sign = -1.0 if side == inventory.accumulating_side(position) else 1.0
    return terms + sign * drift_bps_per_s * time_horizon_s / 2.0


def _beta_twice(side: str, **figures: float) -> float:
    doubled = inventory.gamma_per_bps(
        figures["gamma_base_per_bps"],
        figures["inventory_beta"],
        figures["position"],
        figures["max_position"],
    )
    return _position_terms(side, **{**figures, "gamma_base_per_bps": doubled})


def _no_bonus(side: str, *figures: float) -> float:
    return max(0.0, _penalty(side, *figures))


def _kept_touch(
    self: QuoteEngine, side: str, mid: float, depths: Sequence[float], expected: Sequence[float]
) -> list[Quote]:
    quotes = _quotes(self, side, mid, depths, expected)
    return quotes or _quotes(self, side, mid, depths, [1.0, *expected[1:]])


def _floored_levels(touch_depth_bps: float, spacing_bps: float, levels: int) -> list[float]:
    return [max(touch_depth_bps, 3.0) + level * spacing_bps for level in range(levels)]


def _round_to_nearest(price: float, tick: float, side: str) -> float:
    del side
    return round(price / tick) * tick


def _tick_of_five_figures(price: float, decimals: int) -> float:
    del decimals
    return 10.0 ** (math.floor(math.log10(price)) - 4)


def _cut_deepest_first(sizes: Sequence[float], room: float, min_size: float) -> list[float]:
    return _cut_sizes(sizes[::-1], room, min_size)[::-1]


def _estimate_without_sigma(self: QuoteEngine, t_ms: int, **estimates: float | None) -> None:
    _on_estimate(self, t_ms, **{**estimates, "sigma_bps_per_sqrt_s": None})


def _penalty_of_longs(side: str, *figures: float) -> float:
    position = figures[-2]
    return _penalty(side, *figures) if position > 0.0 else 0.0


def _penalty_at_full_u(side: str, *figures: float) -> float:
    position, max_position = figures[-2:]
    u = abs(inventory.utilisation(position, max_position))
    return _penalty(side, *figures) / u if u else 0.0


def _never_below_a_tick(
    mid: float, depth_bps: float, side: str, tick_size: float | None, decimals: int
) -> tuple[float, float]:
    price, tick = _quote_price(mid, depth_bps, side, tick_size, decimals)
    least = tick_size or 10.0**-decimals
    return (price, tick) if price > 0.0 else (least, least)


PHASE_4 = (
    Mutant(
        "lambda-per-bp",
        "D-15",
        "lambda = kappa e^(-kappa d)",
        {"expected_pnl.fill_intensity": lambda depth, kappa: kappa * math.exp(-kappa * depth)},
    ),
    Mutant(
        "lambda-per-fraction",
        "D-15",
        "lambda = kappa e^(-kappa d) with kappa per unit fraction in front: an inert filter",
        {
            "expected_pnl.fill_intensity": lambda depth, kappa: (
                kappa * 1e4 * math.exp(-kappa * depth)
            )
        },
    ),
    Mutant(
        "penalty-per-fraction",
        "D-16",
        "the inventory term is taken per unit fraction",
        {"expected_pnl.inventory_penalty_bps": lambda *args: _penalty(*args) / 1e4},
    ),
    Mutant(
        "drift-by-position",
        "D-17",
        "the drift helps the reducing side and burdens the accumulating one",
        {"expected_pnl.position_terms_bps": _drift_by_position},
    ),
    Mutant(
        "beta-twice",
        "D-09",
        "gamma(q) is passed to E[PnL]",
        {"expected_pnl.position_terms_bps": _beta_twice},
    ),
    Mutant(
        "no-bonus",
        "D-18",
        "the reducing side has no bonus",
        {"expected_pnl.inventory_penalty_bps": _no_bonus},
    ),
    Mutant(
        "penalty-on-both-sides",
        "P4.test_epnl_positive_reducing_high_inventory",
        "the reducing side pays as well",
        {"expected_pnl.inventory_penalty_bps": lambda *args: abs(_penalty(*args))},
    ),
    Mutant(
        "no-penalty",
        "P4.test_epnl_negative_accumulating_high_inventory",
        "inventory costs nothing",
        {"expected_pnl.inventory_penalty_bps": lambda *args: 0.0},
    ),
    Mutant(
        "costs-forgotten",
        "P4.test_epnl_all_negative_cascade",
        "no cost is taken off the depth",
        {
            "expected_pnl.level_pnl_bps": lambda depth, kappa, cost, terms: (
                math.exp(-kappa * depth) * depth + terms
            )
        },
    ),
    Mutant(
        "touch-loses",
        "P4.test_epnl_positive_at_touch_zero_inventory",
        "the fee is taken twice and a half",
        {
            "expected_pnl.level_pnl_bps": lambda depth, kappa, cost, terms: (
                math.exp(-kappa * depth) * (depth - 2.5 * cost) + terms
            )
        },
    ),
    Mutant(
        "drift-ignored-by-filter",
        "P4.test_epnl_drift_skews_correctly",
        "the drift does not enter E[PnL]",
        {"expected_pnl.drift_contribution_bps": lambda side, drift, horizon: 0.0},
    ),
    Mutant(
        "as-linear-in-time",
        "D-19",
        "AS = as_ratio sigma tau",
        {
            "expected_pnl.adverse_selection_bps": lambda ratio, sigma, horizon: (
                ratio * sigma * horizon
            )
        },
    ),
    Mutant(
        "keeps-small-losses",
        "D-20",
        "a level is kept down to -2 bp",
        {"expected_pnl.keeps_level": lambda pnl: pnl > -2.0},
    ),
    Mutant(
        "touch-refilled",
        "D-20",
        "a side that the filter emptied gets its touch back",
        {"engine.QuoteEngine._quotes": _kept_touch},
    ),
    Mutant(
        "floor-on-levels",
        "D-42",
        "depths have a floor of their own",
        {"ladder.level_depths_bps": _floored_levels},
    ),
    Mutant(
        "rounds-to-nearest",
        "D-42",
        "prices go to the nearest tick",
        {"ladder.round_to_tick": _round_to_nearest},
    ),
    Mutant(
        "cuts-deepest-first",
        "D-42",
        "the limit cuts the touch last",
        {"ladder.cut_sizes": _cut_deepest_first},
    ),
    Mutant(
        "passes-the-limit",
        "D-42",
        "sizes are not cut",
        {"ladder.cut_sizes": lambda sizes, room, min_size: list(sizes)},
    ),
    Mutant(
        "five-figures-only",
        "Q-01",
        "a tick of 10 at a price of 105055",
        {"ladder.tick_by_price": _tick_of_five_figures},
    ),
    Mutant(
        "sigma-estimate-ignored",
        "D-43",
        "the desk's sigma is ignored",
        {"engine.QuoteEngine.on_estimate": _estimate_without_sigma},
    ),
    Mutant(
        "no-events",
        "D-44",
        "nothing is reported",
        {"engine.QuoteEngine._events": lambda self, shift, bids, asks: []},
    ),
    Mutant(
        "kappa-per-fraction",
        "U-1",
        "kappa is taken to be per unit fraction",
        {
            "glft.half_spread_bps": lambda gamma, kappa, *rest: _half_spread(
                gamma, kappa / 1e4, *rest
            )
        },
    ),
    Mutant(
        "kappa-per-percent",
        "U-1",
        "a kappa given per unit fraction is divided by 100",
        {"config.per_bps": lambda kappa_per_fraction: kappa_per_fraction / 100.0},
    ),
    Mutant(
        "drift-capped-in-the-filter",
        "A-expected_pnl",
        "the drift adds at most 10 bp to E[PnL], and takes at most 10 bp off",
        {
            "expected_pnl.drift_contribution_bps": lambda *args: max(
                -10.0, min(10.0, _drift_contribution(*args))
            )
        },
    ),
    Mutant(
        "penalty-of-longs",
        "E2E-04",
        "a short position burdens no side",
        {"expected_pnl.inventory_penalty_bps": _penalty_of_longs},
    ),
    Mutant(
        "penalty-at-full-u",
        "E2E-05",
        "the inventory term lacks its |u|: the least position counts like a full one",
        {"expected_pnl.inventory_penalty_bps": _penalty_at_full_u},
    ),
    Mutant(
        "never-below-a-tick",
        "Q-06",
        "a level whose price would be 0 or less rests at one tick",
        {"ladder.quote_price": _never_below_a_tick},
    ),
)
