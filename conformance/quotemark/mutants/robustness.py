"""Defects that bad or extreme input shows: wrong codes, traces of what was rejected, overflow."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import Field
from typing import Any

from quotemark.builtin import BuiltinEngine
from quotemark.messages import Answer, Json, OpenAnswer, Opened
from quotemark.mutants.base import Mutant
from quotemark_reference import book, config, funding, glft
from quotemark_reference.book import BookSide
from quotemark_reference.drift import BUY, KalmanDrift
from quotemark_reference.engine import QuoteEngine
from quotemark_reference.errors import OutOfRangeError, RejectedError
from quotemark_reference.flow import TradeFlow
from quotemark_reference.volatility import RealisedVolatility

# The reference's own functions, for the mutants that only bend them.
_on_fill = QuoteEngine.on_fill
_on_book = QuoteEngine.on_book
_on_trade = QuoteEngine.on_trade
_on_estimate = QuoteEngine.on_estimate
_on_reference_price = QuoteEngine.on_reference_price
_predict = KalmanDrift.predict
_check_book = book.check_book
_in_range = config._in_range
_number = config._number
_parse_rate = funding.parse_rate
_half_spread = glft.half_spread_bps
_realised_sigma = RealisedVolatility.realised_sigma


# --- traces of what was rejected --------------------------------------------------------------


def _rejected_fill_counts(
    self: QuoteEngine,
    t_ms: int,
    side: str,
    price: float,
    size: float,
    **named: Any,  # noqa: ANN401
) -> None:
    """Move the position before looking at the fill's price."""
    try:
        _on_fill(self, t_ms, side, price, size, **named)
    except OutOfRangeError:
        if 0.0 < size < 100.0:
            self._position += size if side == BUY else -size
        raise


def _rejected_trade_moves_the_time(
    self: QuoteEngine, t_ms: int, side: str, price: float, size: float
) -> None:
    self._advance(t_ms)
    _on_trade(self, t_ms, side, price, size)


def _rejected_book_stays(self: QuoteEngine, t_ms: int, bids: BookSide, asks: BookSide) -> None:
    """Keep a crossed book's mid."""
    try:
        _on_book(self, t_ms, bids, asks)
    except RejectedError:
        if bids and asks and bids[0][0] > asks[0][0] > 0.0:
            self._book_mid = (bids[0][0] + asks[0][0]) / 2.0
        raise


def _estimate_taken_in_part(self: QuoteEngine, t_ms: int, **estimates: float | None) -> None:
    """Take each estimate as it is checked."""
    for name, value in estimates.items():
        _on_estimate(self, t_ms, **{name: value})


def _early_predict_restarts(self: KalmanDrift, t_ms: int) -> None:
    """Refuse a time before the last one, and go on from it."""
    try:
        _predict(self, t_ms)
    except RejectedError:
        self._time_ms = t_ms
        raise


def _price_before_time(self: QuoteEngine, t_ms: int, source: str, price: float) -> None:
    """Keep a price whose time is found to be too early."""
    if price > 0.0:
        self._sources.record_reference_price(source, price)
    _on_reference_price(self, t_ms, source, price)


# --- what is not rejected, or by another code -------------------------------------------------


def _late_trades_counted(
    self: QuoteEngine, t_ms: int, side: str, price: float, size: float
) -> None:
    """Take a trade that comes too late for one of now."""
    _on_trade(self, max(t_ms, self._time_ms or t_ms), side, price, size)


def _crossed_as_out_of_range(bids: BookSide, asks: BookSide) -> None:
    try:
        _check_book(bids, asks)
    except RejectedError as error:
        raise OutOfRangeError(str(error)) from None


def _touch_checked_alone(bids: BookSide, asks: BookSide) -> None:
    _check_book(bids[:1], asks[:1])


def _settings_clipped(spec: Field[Any], value: float) -> float:
    with suppress(OutOfRangeError):
        return _in_range(spec, value)
    return min(float(spec.metadata["high"]), max(float(spec.metadata["low"]), value))


def _texts_read_as_numbers(key: str, value: object) -> float:
    return _number(key, 1.0 if value is True else value)


def _rates_clipped(text: str) -> float:
    try:
        return _parse_rate(text)
    except OutOfRangeError:
        return min(1.0, max(-1.0, float(text)))


# --- what is not finite, or beyond the limit --------------------------------------------------


def _single(value: float) -> float:
    """Round to single precision, in which 1e39 is infinite."""
    try:
        (single,) = struct.unpack("f", struct.pack("f", value))
    except OverflowError:
        return math.inf
    return float(single)


def _risk_term_in_single_precision(
    gamma: float, kappa: float, sigma: float, time_horizon_s: float, fee_bps: float
) -> float:
    exact = _half_spread(gamma, kappa, sigma, time_horizon_s, fee_bps)
    return exact + _single(gamma * sigma * sigma * time_horizon_s) * 0.0


def _nothing_over_nothing(self: RealisedVolatility) -> float:
    """Divide by a long sigma of 0."""
    short, long = (
        _realised_sigma(self, h) for h in (self._config.vol_short_s, self._config.vol_long_s)
    )
    if short is None or long is None:
        return 1.0
    return short / long if long > 0.0 else math.nan


def _book_of_nothing(bid_size: float, ask_size: float) -> float:
    total = bid_size + ask_size
    return (bid_size - ask_size) / total if total > 0.0 else math.nan


def _decayed_beyond_count(self: TradeFlow, t_ms: int) -> float:
    """Say how long it was since the last trade, as a count that no silence ends."""
    dt_s = (t_ms - self._time_ms) / 1000.0 if self._trades_ever else 0.0
    with suppress(OverflowError):
        return self._decayed_trades / math.exp(dt_s / 5.0)
    return math.nan


def _room_for_each(sizes: Sequence[float], room: float, min_size: float) -> list[float]:
    """Cut each level by itself, as if the others did not rest."""
    cut = [min(size, room) for size in sizes]
    return [size if size >= min_size else 0.0 for size in cut]


def _rounded_to_nearest(price: float, tick: float, side: str) -> float:
    del side
    return round(price / tick) * tick


# --- what the port lets through ---------------------------------------------------------------


class _Reopening(BuiltinEngine):
    def open(self, session: str, component: str, config: Json, seed: int) -> OpenAnswer:
        self.close(session)
        return super().open(session, component, config, seed)


class _OpenAtOnce(BuiltinEngine):
    """Open a session of any name on its first step."""

    def apply(self, session: str, steps: Sequence[Json]) -> list[Answer]:
        self.open(session, "drift", {}, 0)
        return super().apply(session, steps)


class _OneForAll(BuiltinEngine):
    """Give every session of a component the state of the one that is open already."""

    def open(self, session: str, component: str, config: Json, seed: int) -> OpenAnswer:
        before = dict(self._sessions)
        answer = super().open(session, component, config, seed)
        if isinstance(answer, Opened):
            states = (state for state in before.values() if state[0] == component)
            self._sessions[session] = next(states, self._sessions[session])
        return answer


class _Altering(BuiltinEngine):
    """The reference behind a reader that alters steps before they are checked."""

    def read(self, step: Json) -> Json:
        raise NotImplementedError

    def apply(self, session: str, steps: Sequence[Json]) -> list[Answer]:
        return super().apply(session, [self.read(step) for step in steps])


class _NotANumberIsZero(_Altering):
    def read(self, step: Json) -> Json:
        return {name: 0.0 if value == "nan" else value for name, value in step.items()}


class _UnknownIgnored(_Altering):
    def read(self, step: Json) -> Json:
        return {name: value for name, value in step.items() if name != "venue"}


ROBUSTNESS = (
    Mutant(
        "reopening",
        "R-rejections",
        "open of a session that is open begins it anew",
        engine=_Reopening,
    ),
    Mutant(
        "open-at-once",
        "R-rejections",
        "steps of a session that is not open open one",
        engine=_OpenAtOnce,
    ),
    Mutant(
        "one-state-for-all",
        "R-rejections",
        "sessions of a component, configured alike, share their state",
        engine=_OneForAll,
    ),
    Mutant(
        "nan-is-0",
        "R-rejections",
        "a number that is none is read as 0",
        engine=_NotANumberIsZero,
    ),
    Mutant(
        "unknown-fields-ignored",
        "R-rejections",
        "a field that a step does not have is passed over",
        engine=_UnknownIgnored,
    ),
    Mutant(
        "rejected-fill-counts",
        "R-rejections",
        "a fill rejected for its price has moved the position",
        {"engine.QuoteEngine.on_fill": _rejected_fill_counts},
    ),
    Mutant(
        "rejected-trade-moves-the-time",
        "R-rejections",
        "a rejected trade has moved the time: an earlier event is then too late",
        {"engine.QuoteEngine.on_trade": _rejected_trade_moves_the_time},
    ),
    Mutant(
        "crossed-book-gives-the-mid",
        "R-rejections",
        "a crossed book is rejected, and its mid kept",
        {"engine.QuoteEngine.on_book": _rejected_book_stays},
    ),
    Mutant(
        "estimate-taken-in-part",
        "R-rejections",
        "of a rejected estimate, what came before the bad value holds",
        {"engine.QuoteEngine.on_estimate": _estimate_taken_in_part},
    ),
    Mutant(
        "early-predict-restarts",
        "R-rejections",
        "a predict rejected for its time sets the time back",
        {"drift.KalmanDrift.predict": _early_predict_restarts},
    ),
    Mutant(
        "price-before-time",
        "R-rejections",
        "a price of another market is kept before its time is checked",
        {"engine.QuoteEngine.on_reference_price": _price_before_time},
    ),
    Mutant(
        "late-trades-counted",
        "R-rejections",
        "a trade that comes too late is taken for one of now",
        {"engine.QuoteEngine.on_trade": _late_trades_counted},
    ),
    Mutant(
        "crossed-as-out-of-range",
        "R-rejections",
        "a crossed book is rejected as out_of_range",
        {"engine.check_book": _crossed_as_out_of_range},
    ),
    Mutant(
        "touch-checked-alone",
        "R-rejections",
        "of a book only the best levels are checked",
        {"engine.check_book": _touch_checked_alone},
    ),
    Mutant(
        "settings-clipped",
        "R-rejections",
        "a configured value out of its range is brought to it",
        {"config._in_range": _settings_clipped},
    ),
    Mutant(
        "true-is-1",
        "R-rejections",
        "true is read as 1 in a configuration",
        {"config._number": _texts_read_as_numbers},
    ),
    Mutant(
        "rates-clipped",
        "R-rejections",
        "a funding rate beyond 1 is taken for 1",
        {"funding.parse_rate": _rates_clipped},
    ),
    Mutant(
        "risk-term-in-single-precision",
        "R-finite",
        "the half-spread's risk term overflows in single precision",
        {"glft.half_spread_bps": _risk_term_in_single_precision},
    ),
    Mutant(
        "still-market-over-nothing",
        "R-finite",
        "the volatility ratio of a market that stands still is 0/0",
        {"volatility.RealisedVolatility.vol_ratio": _nothing_over_nothing},
    ),
    Mutant(
        "book-of-nothing",
        "R-finite",
        "the imbalance of levels that are not there is 0/0",
        {"book.imbalance": _book_of_nothing},
    ),
    Mutant(
        "silence-overflows",
        "R-finite",
        "the count of trades is not a number after days without any",
        {"flow.TradeFlow.decayed_trades_at": _decayed_beyond_count},
    ),
    Mutant(
        "room-for-each-level",
        "R-finite",
        "each level is cut to the limit as if the others did not rest",
        {"ladder.cut_sizes": _room_for_each},
    ),
    Mutant(
        "rounded-across-the-mid",
        "R-finite",
        "prices are rounded to the nearest tick, which may lie across the mid",
        {"ladder.round_to_tick": _rounded_to_nearest},
    ),
)
