"""Replayed events a second, beside hftbacktest on the same events; decoding apart from replaying.

The tape is made here, seeded: books of five levels a side around a mid that walks on a grid of
ticks, trades at the touch, and a quote cycle every hundred events. hftbacktest is given what
changed from book to book, as an exchange would send it, in its own format. Both must see the same
mid at every cycle, and the same trades, before either is timed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import hftbacktest
import msgspec
import numba
import numpy as np
from hftbacktest.types import event_dtype
from tests.benchmarks import rust
from tests.benchmarks.measure import Contender, Effort, Table, compare, timed

from quotemark.adapters import running
from quotemark.messages import Json
from quotemark.replay import replay
from quotemark.suite.market import ALL_PHASES
from quotemark.tape import read_tape

EVENTS = 100_000
EVENTS_A_CYCLE = 100
EVENT_MS = 10
LEVELS = 5
TICK = 0.01
MID_TICKS = 10_000
SHARE_OF_TRADES = 0.3
SEED = 20260219

Side = dict[int, float]
"""Sizes of a side of the book, by price in ticks."""

FloatArray = np.ndarray[Any, np.dtype[np.float64]]
Rows = np.ndarray[Any, np.dtype[np.void]]


# --- the events, in both forms ----------------------------------------------------------------


def made_tape(events: int) -> list[Json]:
    """Books and trades ``EVENT_MS`` apart, and a cycle after every hundred of them."""
    rng = random.Random(SEED)
    bids, asks, mid = _side(rng, MID_TICKS, -1), _side(rng, MID_TICKS, 1), MID_TICKS
    tape: list[Json] = [_book(0, bids, asks)]
    for number in range(1, events + 1):
        t_ms = number * EVENT_MS
        if rng.random() < SHARE_OF_TRADES:
            tape.append(_trade(t_ms, rng, bids, asks))
        else:
            moved = rng.choice((-1, 0, 0, 0, 0, 0, 0, 1))
            mid += moved
            bids, asks = _next(rng, bids, mid, -1), _next(rng, asks, mid, 1)
            tape.append(_book(t_ms, bids, asks))
        if number % EVENTS_A_CYCLE == 0:
            tape.append({"step": "cycle", "t_ms": t_ms})
    return tape


def _side(rng: random.Random, mid: int, sign: int) -> Side:
    return {mid + sign * level: _size(rng) for level in range(1, LEVELS + 1)}


def _next(rng: random.Random, side: Side, mid: int, sign: int) -> Side:
    """Keep the sizes of the levels that stay, but for one that changes."""
    changed = rng.randrange(LEVELS)
    prices = [mid + sign * level for level in range(1, LEVELS + 1)]
    return {
        price: _size(rng) if level == changed or price not in side else side[price]
        for level, price in enumerate(prices)
    }


def _size(rng: random.Random) -> float:
    return rng.randrange(10, 1000) / 100.0


def _book(t_ms: int, bids: Side, asks: Side) -> Json:
    levels = [[[price * TICK, size] for price, size in side.items()] for side in (bids, asks)]
    return {"step": "book", "t_ms": t_ms, "bids": levels[0], "asks": levels[1]}


def _trade(t_ms: int, rng: random.Random, bids: Side, asks: Side) -> Json:
    side = rng.choice(("buy", "sell"))
    touch = next(iter(asks if side == "buy" else bids))
    size = rng.randrange(10, 300) / 100.0
    return {"step": "trade", "t_ms": t_ms, "side": side, "price": touch * TICK, "size": size}


def as_rows(tape: list[Json]) -> Rows:
    """The same events for hftbacktest: a row a trade, and a row a level that a book changes."""
    rows: list[tuple[int, int, float, float]] = []
    known: dict[str, dict[float, float]] = {"bids": {}, "asks": {}}
    for step in tape:
        if step["step"] == "trade":
            side = hftbacktest.BUY_EVENT if step["side"] == "buy" else hftbacktest.SELL_EVENT
            rows.append((hftbacktest.TRADE_EVENT | side, step["t_ms"], step["price"], step["size"]))
        if step["step"] == "book":
            for name, side in (("bids", hftbacktest.BUY_EVENT), ("asks", hftbacktest.SELL_EVENT)):
                sizes = dict(step[name])
                for price, size in _changes(known[name], sizes):
                    rows.append((hftbacktest.DEPTH_EVENT | side, step["t_ms"], price, size))
                known[name] = sizes
    found = np.zeros(len(rows), event_dtype)
    for row, (kind, t_ms, price, size) in zip(found, rows, strict=True):
        row["ev"] = kind | hftbacktest.EXCH_EVENT | hftbacktest.LOCAL_EVENT
        row["exch_ts"] = row["local_ts"] = t_ms * 1_000_000
        row["px"], row["qty"] = price, size
    return found


def _changes(
    before: dict[float, float], after: dict[float, float]
) -> Iterator[tuple[float, float]]:
    """Prices whose size changed, with the new one; 0 for a level that is gone."""
    yield from ((price, 0.0) for price in before if price not in after)
    yield from ((price, size) for price, size in after.items() if before.get(price) != size)


# --- hftbacktest ------------------------------------------------------------------------------


def _market(backtest: Any, cycle_ns: int, mids: FloatArray) -> int:  # noqa: ANN401 - compiled
    """Read the mid at every cycle; returns how many trades came before the last."""
    trades = 0
    for number in range(len(mids)):
        backtest.elapse(cycle_ns)
        depth = backtest.depth(0)
        mids[number] = (depth.best_bid + depth.best_ask) / 2.0
        trades += len(backtest.last_trades(0))
        backtest.clear_last_trades(0)
    return trades


@cache
def compiled_market() -> Any:  # noqa: ANN401 - numba's own type
    """Let numba compile the strategy, at its first call."""
    return numba.njit(_market)


def hftbacktest_replay(rows: Rows, cycles: int) -> Callable[[], tuple[FloatArray, int]]:
    """Replay ``rows`` under a strategy that reads the mid at every cycle and never quotes."""
    strategy = compiled_market()

    def run() -> tuple[FloatArray, int]:
        asset = (
            hftbacktest.BacktestAsset()
            .data(rows)
            .linear_asset(1.0)
            .constant_order_latency(0, 0)
            .risk_adverse_queue_model()
            .no_partial_fill_exchange()
            .trading_value_fee_model(0.0, 0.0)
            .tick_size(TICK)
            .lot_size(TICK)
            .last_trades_capacity(EVENTS_A_CYCLE)
            .roi_lb(MID_TICKS * TICK * 0.5)
            .roi_ub(MID_TICKS * TICK * 1.5)
        )
        backtest = hftbacktest.ROIVectorMarketDepthBacktest([asset])
        mids = np.zeros(cycles)
        trades = strategy(backtest, EVENTS_A_CYCLE * EVENT_MS * 1_000_000, mids)
        backtest.close()
        return mids, int(trades)

    return run


def demand_same_events(tape: list[Json], rows: Rows) -> None:
    """Raise unless hftbacktest's mid at every cycle is that of our replay, and its trades too."""
    with running("trivial:silent") as engine:
        ours = [frame.mid for frame in replay(engine, tape, ALL_PHASES).frames]
    theirs, trades = hftbacktest_replay(rows, len(ours))()
    np.testing.assert_allclose(theirs, ours, rtol=1e-9)
    assert trades == sum(step["step"] == "trade" for step in tape), trades


# --- tables -----------------------------------------------------------------------------------


def tables(effort: Effort) -> list[Table]:
    """Measure decoding and replaying."""
    tape = made_tape(EVENTS // effort.divisor)
    rows = as_rows(tape)
    demand_same_events(tape, rows)
    return [_decoding_table(tape, rows, effort), _replay_table(tape, rows, effort)]


def _decoding_table(tape: list[Json], rows: Rows, effort: Effort) -> Table:
    events = _events(tape)
    with TemporaryDirectory() as folder:
        lines, archive = Path(folder) / "tape.jsonl", Path(folder) / "tape.npz"
        lines.write_bytes(b"\n".join(msgspec.json.encode(step) for step in tape) + b"\n")
        np.savez_compressed(archive, data=rows)
        return compare(
            "Decoding a tape",
            "an event",
            {
                "quotemark, JSON lines, each checked": lambda: Contender(
                    lambda: timed(lambda: read_tape(lines), events)
                ),
                "hftbacktest, compressed npz": lambda: Contender(
                    lambda: timed(lambda: np.load(archive)["data"], events),
                    f"{len(rows) / events:.2g} rows an event",
                ),
            },
            effort.rounds,
            [f"{events} books and trades. Ours repeats the whole book, theirs is what changed."],
        )


def _replay_table(tape: list[Json], rows: Rows, effort: Effort) -> Table:
    events = _events(tape)
    cycles = events // EVENTS_A_CYCLE

    def theirs() -> Contender:
        run = hftbacktest_replay(rows, cycles)
        return Contender(lambda: timed(run, events), "compiled; reads the mid each cycle")

    with ExitStack() as engines:

        def ours(name: Callable[[], str], remark: str) -> Contender:
            engine = engines.enter_context(running(name()))
            return Contender(
                lambda: timed(lambda: replay(engine, tape, ALL_PHASES), events), remark
            )

        return compare(
            "Replaying the same events",
            "an event",
            {
                "quotemark, trivial:silent": partial(
                    ours, lambda: "trivial:silent", "no engine: venue and account alone"
                ),
                "hftbacktest": theirs,
                "quotemark, reference": partial(
                    ours, lambda: "reference", "a quote cycle of all phases in Python"
                ),
                "quotemark, Rust engine, stdio:": partial(
                    ours, rust.engine, "the same in Rust; each event as JSON, there and back"
                ),
            },
            effort.rounds,
            [
                f"{events} books and trades, {cycles} cycles, from memory. hftbacktest simulates"
                " queues and latencies in compiled code; its strategy quotes nothing, as"
                " trivial:silent does not. Ours is closed-loop in Python: an engine is asked, its"
                " quotes rest and fill, the account is marked at each event."
            ],
        )


def _events(tape: list[Json]) -> int:
    return sum(step["step"] != "cycle" for step in tape)
