"""Defects that a relation between two sessions shows: mirror, time, units, order, monotony."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import Any

from quotemark.mutants.base import Mutant
from quotemark_reference import book, funding, glft, inventory, ladder
from quotemark_reference.book import BookFeatures, BookSide
from quotemark_reference.config import BPS_PER_UNIT
from quotemark_reference.drift import BUY, SELL, KalmanDrift
from quotemark_reference.engine import QuoteEngine
from quotemark_reference.fill_size import FillSizes
from quotemark_reference.flow import TradeFlow
from quotemark_reference.hawkes import HawkesFlow
from quotemark_reference.inventory import ASK, BID
from quotemark_reference.sources import Sourced

# The reference's own functions, for the mutants that only bend them.
_round_to_tick = ladder.round_to_tick
_quote_price = ladder.quote_price
_cut_sizes = ladder.cut_sizes
_gamma = inventory.gamma_per_bps
_skew = inventory.skew_bps
_carry = funding.carry_bps
_sizes_within = book.sizes_within
_follow = BookFeatures.follow
_predict = KalmanDrift.predict
_propagate = KalmanDrift._propagate
_kalman_update = KalmanDrift.update
_record_trade = TradeFlow.record_trade
_record_event = HawkesFlow.record_trade
_update_drift = QuoteEngine._update_drift
_on_estimate = QuoteEngine.on_estimate
_observe_signals = QuoteEngine._observe_signals
_size_multiplier = QuoteEngine._size_multiplier
_drift_shift = glft.drift_shift_bps


def _single(value: float) -> float:
    """Round to single precision."""
    (single,) = struct.unpack("f", struct.pack("f", value))
    return float(single)


# --- mirror -----------------------------------------------------------------------------------


def _gamma_of_longs(base: float, beta: float, position: float, limit: float) -> float:
    return _gamma(base, beta, max(0.0, position), limit)


def _asks_never_receive(side: str, rate_per_s: float, holding_time_s: float) -> float:
    carry = _carry(side, rate_per_s, holding_time_s)
    return max(0.0, carry) if side == ASK else carry


def _warm_by_sells(self: TradeFlow, t_ms: int, side: str, size: float) -> None:
    ever = self._trades_ever
    _record_trade(self, t_ms, side, size)
    if side == BUY and ever:
        self._trades_ever = ever


def _asks_from_the_touch(side: BookSide, mid: float) -> list[float]:
    """Measure the asks from their best, the bids from mid."""
    return _sizes_within(side, side[0][0] if side[0][0] > mid else mid)


def _estimates_of_bids(self: QuoteEngine, t_ms: int, **estimates: Any) -> None:  # noqa: ANN401
    estimates["kappa_ask_per_bps"] = estimates["kappa_bid_per_bps"]
    _on_estimate(self, t_ms, **estimates)


def _basis_over_perp(perp_mid: float, spot_mid: float) -> float:
    return (perp_mid - spot_mid) / perp_mid * BPS_PER_UNIT


def _simple_return(previous: float, price: float) -> float:
    return (price - previous) / previous * BPS_PER_UNIT


# --- time -------------------------------------------------------------------------------------


def _tiers_by_clock(self: QuoteEngine, t_ms: int, mid: float) -> None:
    """Let the time of day, not the count of cycles, tell the tier."""
    cycles, self._cycles = self._cycles, t_ms // 1000
    try:
        _update_drift(self, t_ms, mid)
    finally:
        self._cycles = cycles


def _zero_is_no_time(self: KalmanDrift, t_ms: int) -> None:
    _predict(self, t_ms)
    self._time_ms = t_ms or None


def _seconds_in_single_precision(self: KalmanDrift, t_ms: int) -> None:
    if self._time_ms is not None and t_ms > self._time_ms:
        _propagate(self, _single(t_ms / 1000.0) - _single(self._time_ms / 1000.0))
    self._time_ms = t_ms


def _seconds_since_1970(self: HawkesFlow, t_ms: int) -> float:
    if self.events == 0:
        return 1.0
    dt_s = t_ms / 1000.0 - self._time_ms / 1000.0
    return math.exp(-self._config.hawkes_decay_per_s * dt_s)


def _first_slope_from_0(self: BookFeatures, t_ms: int) -> None:
    if self._last_ms is None and t_ms > 0 and self.shape().depth_usd > 0.0:
        self._last_ms = 0
    _follow(self, t_ms)


# --- units ------------------------------------------------------------------------------------


def _tick_of_a_cent(
    mid: float, depth_bps: float, side: str, tick_size: float | None, decimals: int
) -> tuple[float, float]:
    del tick_size
    return _quote_price(mid, depth_bps, side, 0.01, decimals)


def _near_a_tick_in_price(price: float, tick: float, side: str) -> float:
    """Take a price within 1e-8 of a tick, in quote currency, for one on it."""
    nearest = round(price / tick) * tick
    return nearest if abs(price - nearest) < 1e-8 else _round_to_tick(price, tick, side)


def _points_for_bps(mid_at_fill: float, mid: float, window_s: float) -> float:
    """Take a hundredth for a bp, as it is at a price of 100."""
    return (mid - mid_at_fill) * 100.0 / window_s


def _alike_within_a_twentieth(self: FillSizes, side: str) -> float:
    recent, std = self._recent[side], self.baseline_std()
    if not recent or std <= 0.05:
        return 0.0
    return (sum(recent) / len(recent) - self.baseline_mean) / std


def _whole_lots(sizes: Sequence[float], room: float, min_size: float) -> list[float]:
    return _cut_sizes([round(size, 2) for size in sizes], room, min_size)


# --- order ------------------------------------------------------------------------------------


def _outliers_refused(self: KalmanDrift, z_bps_per_s: float, variance: float) -> float:
    """Leave out what lies more than two deviations from what was expected."""
    expected = math.sqrt(self.variance + variance)
    if variance > 0.0 and abs(z_bps_per_s - self.mean) > 2.0 * expected:
        return 0.0
    return _kalman_update(self, z_bps_per_s, variance)


def _last_signal_of_a_source(self: QuoteEngine) -> None:
    latest: dict[str, Sourced] = {sourced[0]: sourced for sourced in self._signals}
    self._signals[:] = latest.values()
    _observe_signals(self)


def _forgets_by_trade(self: TradeFlow, t_ms: int, side: str, size: float) -> None:
    """Let each trade take a twentieth of the volumes before it."""
    for volumes in (self._buy_volume, self._sell_volume):
        for horizon_s in volumes:
            volumes[horizon_s] *= 0.95
    _record_trade(self, t_ms, side, size)


def _other_side_calms(self: HawkesFlow, t_ms: int, side: str) -> None:
    _record_event(self, t_ms, side)
    self._excess_per_s[SELL if side == BUY else BUY] *= 0.9


# --- monotony ---------------------------------------------------------------------------------


def _falls_past_the_limit(position: float, max_position: float) -> float:
    """Count what is beyond the limit back from it."""
    u = position / max_position
    return u if abs(u) <= 1.0 else math.copysign(2.0, u) - u


def _skew_relaxes(gamma: float, sigma: float, tau: float, position: float, limit: float) -> float:
    skew = _skew(gamma, sigma, tau, position, limit)
    return skew * 0.5 if abs(position) > 0.9 * limit else skew


def _strong_drift_distrusted(drift_bps_per_s: float, time_horizon_s: float) -> float:
    """Take a drift beyond 8 bp/s for an error."""
    return _drift_shift(drift_bps_per_s if abs(drift_bps_per_s) < 8.0 else 0.0, time_horizon_s)


def _doubles_down(self: QuoteEngine, side: str) -> float:
    multiplier = _size_multiplier(self, side)
    accumulates = inventory.accumulating_side(self._position) == side
    u = abs(inventory.utilisation(self._position, self._config.max_position))
    return multiplier * (1.0 + u) if accumulates else multiplier


def _contribution_of_any_sign(side: str, drift_bps_per_s: float, time_horizon_s: float) -> float:
    half_move_bps = min(4.0, abs(drift_bps_per_s)) * time_horizon_s / 2.0
    return half_move_bps if side == BID else -half_move_bps


METAMORPHIC = (
    Mutant(
        "asks-rounded-down",
        "M-mirror",
        "asks are rounded down to the tick, as bids are",
        {"ladder.round_to_tick": lambda price, tick, side: _round_to_tick(price, tick, BID)},
    ),
    Mutant(
        "gamma-of-longs",
        "M-mirror",
        "gamma grows with a long position only",
        {"inventory.gamma_per_bps": _gamma_of_longs},
    ),
    Mutant(
        "asks-never-receive",
        "M-mirror",
        "asks are granted no funding",
        {"funding.carry_bps": _asks_never_receive},
    ),
    Mutant(
        "warm-by-sells",
        "M-mirror",
        "sells alone are counted until flow is warm",
        {"flow.TradeFlow.record_trade": _warm_by_sells},
    ),
    Mutant(
        "asks-from-the-touch",
        "M-mirror",
        "asks of a book are measured from the best ask, bids from mid",
        {"book.sizes_within": _asks_from_the_touch},
    ),
    Mutant(
        "kappa-of-the-bid",
        "M-mirror",
        "an estimate of the bid's kappa is taken for both sides",
        {"engine.QuoteEngine.on_estimate": _estimates_of_bids},
    ),
    Mutant(
        "basis-over-perp",
        "M-mirror",
        "the basis is over the perp's mid, not over the spot",
        {"cross_venue.basis_bps": _basis_over_perp},
    ),
    Mutant(
        "simple-returns",
        "M-mirror",
        "returns of mid and leader are simple, not logarithmic",
        {"cross_venue.log_return_bps": _simple_return, "volatility.log_return_bps": _simple_return},
    ),
    Mutant(
        "tiers-by-clock",
        "M-time_shift",
        "the seconds of the clock, not the cycles, tell the tier",
        {"engine.QuoteEngine._update_drift": _tiers_by_clock},
    ),
    Mutant(
        "zero-is-no-time",
        "M-time_shift",
        "a time of 0 counts as none",
        {"drift.KalmanDrift.predict": _zero_is_no_time},
    ),
    Mutant(
        "seconds-in-single-precision",
        "M-time_shift",
        "the filter's time is in seconds of single precision",
        {"drift.KalmanDrift.predict": _seconds_in_single_precision},
    ),
    Mutant(
        "seconds-since-1970",
        "M-time_shift",
        "Hawkes subtracts seconds, not milliseconds, and loses digits far from 0",
        {"hawkes.HawkesFlow._decay_to": _seconds_since_1970},
    ),
    Mutant(
        "first-slope-from-0",
        "M-time_shift",
        "the first slope of BIM is taken from 0 at the time 0",
        {"book.BookFeatures.follow": _first_slope_from_0},
    ),
    Mutant(
        "tick-of-a-cent",
        "M-unit_scaling",
        "the tick is 0.01, whatever is configured",
        {"ladder.quote_price": _tick_of_a_cent},
    ),
    Mutant(
        "near-a-tick-in-price",
        "M-unit_scaling",
        "a price within 1e-8 of a tick, in quote currency, counts as on it",
        {"ladder.round_to_tick": _near_a_tick_in_price},
    ),
    Mutant(
        "points-for-bps",
        "M-unit_scaling",
        "markouts take a hundredth of a unit for a bp, as it is at a price of 100",
        {"adaptation.realised_drift_bps_per_s": _points_for_bps},
    ),
    Mutant(
        "alike-within-a-twentieth",
        "M-unit_scaling",
        "fill sizes that differ by less than 0.05 contracts are alike",
        {"fill_size.FillSizes.zscore": _alike_within_a_twentieth},
    ),
    Mutant(
        "whole-lots",
        "M-unit_scaling",
        "sizes are rounded to 0.01 contracts",
        {"ladder.cut_sizes": _whole_lots},
    ),
    Mutant(
        "outliers-refused",
        "M-order",
        "an observation two deviations off is left out",
        {"drift.KalmanDrift.update": _outliers_refused},
    ),
    Mutant(
        "last-signal-of-a-source",
        "M-order",
        "of a source's signals between two cycles the last one counts",
        {"engine.QuoteEngine._observe_signals": _last_signal_of_a_source},
    ),
    Mutant(
        "flow-forgets-by-trade",
        "M-order",
        "each trade takes a twentieth of the volumes before it",
        {"flow.TradeFlow.record_trade": _forgets_by_trade},
    ),
    Mutant(
        "other-side-calms",
        "M-order",
        "a trade takes a tenth of the other side's excitation",
        {"hawkes.HawkesFlow.record_trade": _other_side_calms},
    ),
    Mutant(
        "utilisation-falls-past-the-limit",
        "M-monotony",
        "what is beyond the limit counts back from it",
        {"inventory.utilisation": _falls_past_the_limit},
    ),
    Mutant(
        "skew-relaxes-at-the-limit",
        "M-monotony",
        "from 90 % of the limit on the skew is half of what it was",
        {"inventory.skew_bps": _skew_relaxes},
    ),
    Mutant(
        "strong-drift-distrusted",
        "M-monotony",
        "a drift beyond 8 bp/s is taken for an error and moves nothing",
        {"glft.drift_shift_bps": _strong_drift_distrusted},
    ),
    Mutant(
        "doubles-down",
        "M-monotony",
        "the accumulating side's sizes grow with the position",
        {"engine.QuoteEngine._size_multiplier": _doubles_down},
    ),
    Mutant(
        "drift-contribution-of-any-sign",
        "M-monotony",
        "a drift of either sign speaks for bids and against asks",
        {"expected_pnl.drift_contribution_bps": _contribution_of_any_sign},
    ),
)
