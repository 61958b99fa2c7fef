"""One market of a batch, as the port's observations show it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from quotemark.messages import Json
from quotemark_vectorised.arrays import SIDES, BoolArray, FloatArray
from quotemark_vectorised.book import DEPTHS_BPS
from quotemark_vectorised.drift import Observations
from quotemark_vectorised.engine import Cycle, DriftUpdate
from quotemark_vectorised.legacy import ZONES
from quotemark_vectorised.sources import Sourced


def figure(array: FloatArray, market: int = 0) -> float:
    """A market's figure."""
    return float(array[market])


def known(array: FloatArray | None, market: int = 0) -> float | None:
    """A market's figure, or ``None`` where it has none."""
    return None if array is None or np.isnan(array[market]) else float(array[market])


def column(array: FloatArray, market: int = 0) -> list[float]:
    """A market's figures: of both sides, of each depth or level."""
    figures: list[float] = array[:, market].tolist()
    return figures


def side_of(sides: BoolArray, market: int = 0) -> str | None:
    """The one side that holds; ``None`` of neither."""
    return next(iter(_sides(sides, market)), None)


def _sides(sides: BoolArray, market: int) -> list[str]:
    return [name for name, holds in zip(SIDES, sides[:, market], strict=True) if holds]


def insufficient_depths_bps(insufficient: BoolArray, market: int = 0) -> list[float]:
    """Depths that a side of the market's book does not reach."""
    short = insufficient[:, market]
    return [depth for depth, is_short in zip(DEPTHS_BPS, short, strict=True) if is_short]


def observation_fields(observations: Observations, market: int = 0) -> Json:
    """Fields of a drift observation; both are null where there is none."""
    z_bps_per_s, variance, said = observations
    if not said[market]:
        return {"z_bps_per_s": None, "variance": None}
    return {"z_bps_per_s": figure(z_bps_per_s, market), "variance": figure(variance, market)}


def sourced_fields(sourced: Sequence[Sourced], market: int = 0) -> list[Json]:
    """Observations that the market has, with their sources."""
    return [
        {"source": source, **observation_fields(observations, market)}
        for source, observations in sourced
        if observations.said[market]
    ]


def cycle_observation(cycle: Cycle, market: int = 0) -> Json:
    """What a cycle gave a market: its ladder and the figures behind it."""
    pnls, imbalances, short = (
        cycle.expected_pnl_bps,
        cycle.book_imbalances,
        cycle.insufficient_depth,
    )
    return {
        "mid": figure(cycle.mid, market),
        "position": figure(cycle.position, market),
        "bids": _quotes(cycle, 0, market),
        "asks": _quotes(cycle, 1, market),
        "drift_bps_per_s": figure(cycle.drift_bps_per_s, market),
        "drift_variance": figure(cycle.drift_variance, market),
        "drift_observations": [
            _update(update, market) for update in cycle.drift_observations if update.said[market]
        ],
        "composite_parts": sourced_fields(cycle.composite_parts, market),
        "theta_per_s": figure(cycle.theta_per_s, market),
        "process_noise": figure(cycle.process_noise, market),
        "gamma_per_bps": figure(cycle.gamma_per_bps, market),
        "sigma_bps_per_sqrt_s": figure(cycle.sigma_bps_per_sqrt_s, market),
        "flow_imbalance": figure(cycle.flow_imbalance, market),
        "kappas_per_bps": column(cycle.kappas_per_bps, market),
        "half_spreads_bps": column(cycle.half_spreads_bps, market),
        "drift_shift_bps": figure(cycle.drift_shift_bps, market),
        "skew_bps": figure(cycle.skew_bps, market),
        "funding_skew_bps": figure(cycle.funding_skew_bps, market),
        "carry_bps": column(cycle.carry_bps, market),
        "as_cost_bps": figure(cycle.as_cost_bps, market),
        "touch_depths_bps": column(cycle.touch_depths_bps, market),
        "expected_pnl_bps": None if pnls is None else [column(side, market) for side in pnls],
        "zone": ZONES[cycle.zone[market]],
        "killed_side": side_of(cycle.killed, market),
        "gate_closed_side": side_of(cycle.gate_closed, market),
        "active_phases": sorted(cycle.active_phases),
        "inert_phases": sorted(cycle.inert_phases),
        "events": _events(cycle, market),
        "vol_ratio": figure(cycle.vol_ratio, market),
        "as_ratio_adjustment": figure(cycle.as_ratio_adjustment, market),
        "funding_zscore": known(cycle.funding_zscore, market),
        "premium_bps": known(cycle.premium_bps, market),
        "book_imbalances": None if imbalances is None else column(imbalances, market),
        "insufficient_depth_bps": None if short is None else insufficient_depths_bps(short, market),
    }


def _quotes(cycle: Cycle, side: int, market: int) -> list[Json]:
    """Levels that rest, touch first."""
    pnls = cycle.expected_pnl_bps
    return [
        {
            "level": level,
            "depth_bps": float(cycle.depths_bps[side, level, market]),
            "price": float(cycle.prices[side, level, market]),
            "tick": float(cycle.ticks[side, level, market]),
            "size": size,
            "expected_pnl_bps": None if pnls is None else float(pnls[side, level, market]),
        }
        for level, size in enumerate(column(cycle.sizes[side], market))
        if size > 0.0
    ]


def _update(update: DriftUpdate, market: int) -> Json:
    return {
        "source": update.source,
        "z_bps_per_s": figure(update.z_bps_per_s, market),
        "variance": figure(update.variance, market),
        "gain": figure(update.gain, market),
        "push_bps_per_s": figure(update.push_bps_per_s, market),
    }


def _events(cycle: Cycle, market: int) -> list[str]:
    """Reported events of the cycle, in a fixed order (D-44)."""
    return [
        *(["drift_beyond_old_cap"] if cycle.drift_beyond_old_cap[market] else []),
        *(f"kill_guard_{side}" for side in _sides(cycle.killed, market)),
        *(f"dual_run_disagreement_{side}" for side in _sides(cycle.dual_run_disagreement, market)),
    ]
