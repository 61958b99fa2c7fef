"""Turns what a Hyperliquid websocket sent into a tape that an engine can be driven with.

A capture holds one message a line, plain or gzipped: `{"channel": ..., "data": ...}`, with or
without the receive time in nanoseconds in front. The import goes through five stages, which
`import_capture` shows in order: read the messages, keep one coin, drop what the tape must not
hold twice or at all, put the rest in time order, and let the engine quote at a steady pace.

Real captures are imperfect, so nothing in them is fatal except the want of a book. What cannot
be used is skipped, and the report counts it by reason, with the line where it was first met.

Three rules decide what an engine gets to see, and when:

Time. A capture whose first message has a receive time is put on the tape by receive times: what
an engine listening there would have seen. Otherwise the exchange's own times serve. An asset
context has no time of its own: without receive times it takes the latest exchange time so far.

Backlog. On subscription the exchange sends trades that are already over. A trade that happened
before the coin's earliest book is one of those, since that book already shows what it did to the
market. Both times are the exchange's own, so the rule needs no allowance for transit or clocks.
Trades missed between two connections are not backlog: they go on the tape at their own time.

Duplicates. A new connection repeats what an older one sent. Equal books of one time are one book,
trades of one `tid` one trade, fills of one `tid` one fill: it is the `id` an engine knows them by.
"""

import gzip
import math
import os
import re
import zlib
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from io import BufferedReader
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar

import msgspec

from quotemark.errors import InputError

Step: TypeAlias = dict[str, Any]
"""One line of a tape: `step` names its kind, `t_ms` its time in ms since 1970."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """What one reason kept off the tape: how often, and the line and detail of the first time."""

    count: int
    first_line: int
    detail: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import read, wrote and left out.

    `messages` counts lines by channel. `steps` (by kind) and `skipped` (by reason) count books,
    single trades, single fills and single values of an asset context, and a line or message that
    gave none of these once. `reordered` counts steps that were recorded after a later one.
    """

    coin: str
    clock: Literal["receive", "exchange"]
    messages: dict[str, int]
    steps: dict[str, int]
    skipped: dict[str, Skipped]
    reordered: int
    first_t_ms: int
    last_t_ms: int

    @property
    def span_ms(self) -> int:
        """Time from the first step to the last, in ms."""
        return self.last_t_ms - self.first_t_ms


@dataclass(frozen=True, slots=True)
class ImportResult:
    """A tape in time order, and the account of how it came about."""

    steps: list[Step]
    report: ImportReport


def import_capture(path: Path, coin: str | None = None, cycle_ms: int = 1000) -> ImportResult:
    """Make a tape of one coin out of a capture, with a quote cycle every `cycle_ms`.

    `coin` may be left out if the capture has books of one coin only. Cycles begin with the first
    book that has both sides and end with the capture; each follows all events up to its time.
    Raises `InputError` for a file that cannot be read or has no such book, for a coin that is not
    in it or has to be named, and for a `cycle_ms` below 1 or too short for the capture's span.
    """
    if cycle_ms < 1:
        raise InputError(f"cycle_ms is {cycle_ms}; expected a number of milliseconds, 1 or more")
    reader = _Reader(path)
    events = _of_one_coin(reader, coin)
    events = _without_duplicates(events, reader.skipped)
    events = _without_backlog(events, reader.skipped)
    ordered = sorted(events, key=lambda event: event.t_ms)
    _check_number_of_cycles(path, ordered, cycle_ms)
    steps = list(_with_cycles(ordered, cycle_ms))
    report = ImportReport(
        coin=ordered[0].coin,
        clock="receive" if reader.has_receive_times else "exchange",
        messages=dict(reader.messages),
        steps=dict(Counter(step["step"] for step in steps)),
        skipped=reader.skipped.by_reason,
        reordered=_late_arrivals(events),
        first_t_ms=steps[0]["t_ms"],
        last_t_ms=steps[-1]["t_ms"],
    )
    return ImportResult(steps, report)


def write_tape(steps: Iterable[Step], path: Path) -> None:
    """Write a tape as JSON lines, whole or not at all.

    Raises `InputError` if the place cannot be written to.
    """
    encode = msgspec.json.Encoder().encode
    unfinished = path.parent / f".{path.name}.{os.getpid()}.tmp"
    try:
        with unfinished.open("wb") as tape:
            tape.writelines(encode(step) + b"\n" for step in steps)
        unfinished.replace(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from error
    finally:
        with suppress(OSError):  # none is left of a finished tape, or of one never begun
            unfinished.unlink()


# --- the shapes of the feed; prices, sizes and rates are strings there -------------------------


class _Message(msgspec.Struct):
    channel: str
    data: msgspec.Raw = msgspec.Raw()


class _Level(msgspec.Struct):
    px: str
    sz: str


class _Book(msgspec.Struct):
    coin: str
    time: int
    levels: tuple[list[_Level], list[_Level]]


class _Trade(msgspec.Struct):
    coin: str
    side: str
    px: str
    sz: str
    time: int
    tid: int


class _Fill(msgspec.Struct):
    coin: str
    side: str
    px: str
    sz: str
    time: int
    tid: int | None = None  # captures of 2023 have none


class _Fills(msgspec.Struct, rename="camel"):
    fills: list[msgspec.Raw]
    is_snapshot: bool = False


class _Context(msgspec.Struct, rename="camel"):
    funding: str | None = None
    mark_px: str | None = None
    oracle_px: str | None = None
    open_interest: str | None = None


class _AssetContext(msgspec.Struct):
    coin: str
    ctx: _Context


_message_decoder = msgspec.json.Decoder(_Message)
_book_decoder = msgspec.json.Decoder(_Book)
_list_decoder = msgspec.json.Decoder(list[msgspec.Raw])
_trade_decoder = msgspec.json.Decoder(_Trade)
_fills_decoder = msgspec.json.Decoder(_Fills)
_fill_decoder = msgspec.json.Decoder(_Fill)
_asset_context_decoder = msgspec.json.Decoder(_AssetContext)


# --- one thing a message says ------------------------------------------------------------------


class _UnusableError(Exception):
    """Something in the capture that cannot go on the tape: a reason to count, and a detail."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class _Said:
    """A step still without its time on the tape.

    `happened_ms` is the exchange's time, 0 if it gave none; two of equal `identity` are one.
    """

    kind: str
    coin: str
    values: dict[str, Any]
    happened_ms: int = 0
    identity: Hashable = None


_Claim: TypeAlias = Callable[[], _Said]
"""Something a message says, not yet checked: it turns out usable or raises `_UnusableError`."""

_T = TypeVar("_T")


def _decoded(decoder: msgspec.json.Decoder[_T], data: bytes | msgspec.Raw, otherwise: str) -> _T:
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _UnusableError(otherwise, str(error)) from error


def _claims(message: _Message) -> list[_Claim]:
    match message.channel:
        case "l2Book":
            return [partial(_book, message.data)]
        case "trades":
            trades = _decoded(_list_decoder, message.data, "malformed trades message")
            return [partial(_trade, trade) for trade in trades]
        case "userFills":
            fills = _decoded(_fills_decoder, message.data, "malformed userFills message")
            return [partial(_past_fill if fills.is_snapshot else _fill, f) for f in fills.fills]
        case "activeAssetCtx":
            return _context_claims(message.data)
        case other:
            raise _UnusableError(f"channel {other[:40]}", "is not imported")


def _book(data: msgspec.Raw) -> _Said:
    book = _decoded(_book_decoder, data, "malformed book")
    time = _since_1970(book.time, "book time")
    bids, asks = (tuple(_level(level.px, level.sz) for level in side) for side in book.levels)
    in_order = all(better[0] > worse[0] for better, worse in pairwise(bids)) and all(
        better[0] < worse[0] for better, worse in pairwise(asks)
    )
    if not in_order:
        raise _UnusableError("book levels are not best first", f"of {book.coin}")
    if bids and asks and bids[0][0] > asks[0][0]:
        raise _UnusableError("crossed book", f"bid {bids[0][0]} above ask {asks[0][0]}")
    values = {"bids": bids, "asks": asks}
    return _Said("book", book.coin, values, time, identity=("book", time, bids, asks))


@lru_cache(maxsize=2**16)  # most levels stay from one snapshot to the next: share them
def _level(price: str, size: str) -> tuple[float, float]:
    return _positive(price, "price"), _positive(size, "size")


def _trade(data: msgspec.Raw) -> _Said:
    trade = _decoded(_trade_decoder, data, "malformed trade")
    time = _since_1970(trade.time, "trade time")
    values = {"id": str(trade.tid), **_deal(trade)}
    return _Said("trade", trade.coin, values, time, identity=("trade", trade.tid))


def _fill(data: msgspec.Raw) -> _Said:
    fill = _decoded(_fill_decoder, data, "malformed fill")
    time = _since_1970(fill.time, "fill time")
    if fill.tid is None:  # then nothing tells a repeated fill from an equal second one
        return _Said("fill", fill.coin, _deal(fill), time)
    values = {"id": str(fill.tid), **_deal(fill)}
    return _Said("fill", fill.coin, values, time, identity=("fill", fill.tid))


def _past_fill(_data: msgspec.Raw) -> _Said:
    raise _UnusableError("past fill", "of a userFills message with isSnapshot true")


def _deal(deal: _Trade | _Fill) -> dict[str, Any]:
    sides = {"B": "buy", "A": "sell"}
    if deal.side not in sides:
        raise _UnusableError("side is neither B nor A", f"is {deal.side!r}")
    return {
        "side": sides[deal.side],
        "price": _positive(deal.px, "price"),
        "size": _positive(deal.sz, "size"),
    }


def _context_claims(data: msgspec.Raw) -> list[_Claim]:
    asset = _decoded(_asset_context_decoder, data, "malformed asset context")
    claims: list[_Claim] = []
    if asset.ctx.funding is not None:
        claims.append(partial(_funding, asset.coin, asset.ctx.funding))
    if asset.ctx.mark_px is not None:
        claims.append(partial(_reference_price, asset.coin, "mark", asset.ctx.mark_px))
    if asset.ctx.oracle_px is not None:
        claims.append(partial(_reference_price, asset.coin, "index", asset.ctx.oracle_px))
    if asset.ctx.open_interest is not None:
        claims.append(partial(_open_interest, asset.coin, asset.ctx.open_interest))
    return claims


def _funding(coin: str, rate: str) -> _Said:
    _decimal(rate, "funding rate")
    # Hyperliquid pays funding, and states its rate, by the hour.
    return _Said("funding", coin, {"rate": rate, "interval_s": 3600})


def _reference_price(coin: str, source: str, price: str) -> _Said:
    return _Said("reference_price", coin, {"source": source, "price": _positive(price, "price")})


def _open_interest(coin: str, contracts: str) -> _Said:
    return _Said("open_interest", coin, {"contracts": _positive(contracts, "open interest")})


_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")


def _decimal(text: str, what: str) -> float:
    if not _DECIMAL.fullmatch(text) or not math.isfinite(number := float(text)):
        raise _UnusableError(f"{what} is not a finite decimal number", f"is {text!r}")
    return number


def _positive(text: str, what: str) -> float:
    number = _decimal(text, what)
    if number <= 0:
        raise _UnusableError(f"{what} is not above zero", f"is {text!r}")
    return number


def _since_1970(ms: int, what: str) -> int:
    # 2001 to 2286: a time in other units, or torn in the middle, falls outside.
    if not 10**12 <= ms < 10**13:
        raise _UnusableError(f"{what} is not in this century", f"is {ms} ms since 1970")
    return ms


# --- reading a capture -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Event:
    """Something that was said, at its time on the tape and with its line in the capture."""

    said: _Said
    t_ms: int
    line: int

    @property
    def coin(self) -> str:
        return self.said.coin

    @property
    def has_both_sides(self) -> bool:
        values = self.said.values
        return self.said.kind == "book" and bool(values["bids"] and values["asks"])

    def step(self) -> Step:
        return {"step": self.said.kind, "t_ms": self.t_ms, **self.said.values}


@dataclass(slots=True)
class _Skips:
    by_reason: dict[str, Skipped] = field(default_factory=dict)

    def add(self, line: int, reason: str, detail: str) -> None:
        known = self.by_reason.get(reason)
        if known is None:
            self.by_reason[reason] = Skipped(1, line, detail[:120])
        else:
            self.by_reason[reason] = replace(known, count=known.count + 1)


class _Reader:
    """Reads a capture once, line by line, and keeps count on the way."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.messages: Counter[str] = Counter()
        self.skipped = _Skips()
        self.has_receive_times: bool | None = None  # the first message decides
        self._latest_happened_ms = 0

    def events(self) -> Iterator[_Event]:
        for number, line in self._lines():
            try:
                received_ms, message = self._parsed(line)
                claims = _claims(message)
            except _UnusableError as why:
                self.skipped.add(number, why.reason, why.detail)
                continue
            if not claims:
                self.skipped.add(number, "empty message", f"of channel {message.channel}")
            for claim in claims:
                try:
                    said = claim()
                    event = _Event(said, self._time_on_tape(said, received_ms), number)
                except _UnusableError as why:
                    self.skipped.add(number, why.reason, why.detail)
                else:
                    yield event

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        number = 0
        try:
            with self.path.open("rb") as file:
                for number, line in enumerate(_unpacked(file), start=1):
                    if text := line.strip():
                        yield number, text
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            self.skipped.add(number + 1, "gzip data damaged or cut off", str(error))
        except OSError as error:
            raise InputError(f"{self.path}: cannot be read: {error.strerror}") from error

    def _parsed(self, line: bytes) -> tuple[int | None, _Message]:
        received_ms, text = _receive_time_and_text(line)
        message = _decoded(_message_decoder, text, "not a JSON message")
        self.messages[message.channel] += 1
        if self.has_receive_times is None:
            self.has_receive_times = received_ms is not None
        if self.has_receive_times and received_ms is None:
            raise _UnusableError("no receive time", "though the capture's first message has one")
        return received_ms, message

    def _time_on_tape(self, said: _Said, received_ms: int | None) -> int:
        self._latest_happened_ms = max(said.happened_ms, self._latest_happened_ms)
        if self.has_receive_times and received_ms is not None:
            return received_ms
        time = said.happened_ms or self._latest_happened_ms
        if not time:
            raise _UnusableError("no time yet", f"for {said.kind}, which has none of its own")
        return time


def _unpacked(file: BufferedReader) -> Iterable[bytes]:
    is_gzip = file.peek(2).startswith(b"\x1f\x8b")
    return gzip.GzipFile(fileobj=file) if is_gzip else file


_RECEIVED = re.compile(rb"([0-9]{1,20})\s+")


def _receive_time_and_text(line: bytes) -> tuple[int | None, bytes]:
    received = _RECEIVED.match(line)
    if received is None:
        return None, line
    return _since_1970(int(received[1]) // 1_000_000, "receive time"), line[received.end() :]


# --- from what was read to the tape ------------------------------------------------------------


def _of_one_coin(reader: _Reader, coin: str | None) -> list[_Event]:
    quoted: set[str] = set()
    kept: list[_Event] = []
    for event in reader.events():
        if event.has_both_sides:
            quoted.add(event.coin)
        if coin in (None, event.coin):
            kept.append(event)
        else:
            reader.skipped.add(event.line, "another coin", event.coin)
    chosen = _chosen_coin(reader, quoted, coin)
    for event in kept:
        if event.coin != chosen:
            reader.skipped.add(event.line, "another coin", event.coin)
    return [event for event in kept if event.coin == chosen]


def _chosen_coin(reader: _Reader, quoted: set[str], coin: str | None) -> str:
    names = ", ".join(sorted(quoted))
    if not quoted:
        raise InputError(f"{reader.path}: {_no_book(reader)}")
    if coin is None and len(quoted) > 1:
        raise InputError(f"{reader.path}: has books of several coins; name one of {names}")
    if coin is not None and coin not in quoted:
        raise InputError(f"{reader.path}: has no book of coin {coin!r}; expected one of {names}")
    return coin or names


def _no_book(reader: _Reader) -> str:
    expected = "no book with both sides; expected Hyperliquid l2Book messages, one a line"
    if not reader.skipped.by_reason:
        return expected
    reason, first = next(iter(reader.skipped.by_reason.items()))
    return f"{expected} (line {first.first_line}: {reason}: {first.detail})"


def _without_duplicates(events: list[_Event], skipped: _Skips) -> list[_Event]:
    seen: set[Hashable] = set()
    kept: list[_Event] = []
    for event in events:
        identity = event.said.identity
        if identity in seen:
            skipped.add(event.line, f"duplicate {event.said.kind}", f"at t_ms {event.t_ms}")
            continue
        if identity is not None:
            seen.add(identity)
        kept.append(event)
    return kept


def _without_backlog(events: list[_Event], skipped: _Skips) -> list[_Event]:
    earliest_book = min(event.said.happened_ms for event in events if event.said.kind == "book")
    kept: list[_Event] = []
    for event in events:
        ahead_ms = earliest_book - event.said.happened_ms
        if event.said.kind == "trade" and ahead_ms > 0:
            skipped.add(event.line, "backlog", f"{ahead_ms} ms before the earliest book")
        else:
            kept.append(event)
    return kept


def _late_arrivals(events: list[_Event]) -> int:
    late, latest = 0, 0
    for event in events:
        late += event.t_ms < latest
        latest = max(latest, event.t_ms)
    return late


_MOST_CYCLES = 10_000_000


def _check_number_of_cycles(path: Path, ordered: list[_Event], cycle_ms: int) -> None:
    first, last = ordered[0], ordered[-1]
    cycles = (last.t_ms - first.t_ms) // cycle_ms
    if cycles > _MOST_CYCLES:  # more than memory holds; one wrong time is enough to ask for them
        raise InputError(
            f"{path}: {cycles} cycles of {cycle_ms} ms from t_ms {first.t_ms} (line {first.line}) "
            f"to {last.t_ms} (line {last.line}); expected at most {_MOST_CYCLES}: "
            f"put the wrong time right, choose a longer cycle_ms, or cut the capture"
        )


def _with_cycles(ordered: list[_Event], cycle_ms: int) -> Iterator[Step]:
    due: int | None = None
    for event in ordered:
        while due is not None and due < event.t_ms:
            yield {"step": "cycle", "t_ms": due}
            due += cycle_ms
        yield event.step()
        if due is None and event.has_both_sides:
            due = event.t_ms
    # What falls due exactly at the end still sees everything; nothing falls due after it.
    if due == ordered[-1].t_ms:
        yield {"step": "cycle", "t_ms": due}
