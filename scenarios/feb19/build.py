"""Build the Feb 19 reconstruction: ``tape.jsonl`` and ``prelude.jsonl`` from ``fills.csv``.

Run ``python scenarios/feb19/build.py`` to rewrite both; the bytes are the same on every run.
README.md says which values are recorded and which are made here.

Units: times in UTC milliseconds since the epoch, prices and mids in USD, sizes in HYPE,
moves and depths in bp.
"""

from __future__ import annotations

import csv
import json
import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

Step = dict[str, str | int | float]


class Fill(NamedTuple):
    """One recorded own fill; ``price`` is inferred, the rest recorded."""

    id: str
    t_ms: int
    own_side: str
    size: float
    price: float
    mid: float
    mid_5s: float


class Trend(NamedTuple):
    """A trend reading: long-horizon move in bp (negative falls), agreement and p in [0, 1]."""

    t_ms: int
    long_bp: float
    agreement: float
    p_continuation: float


class FittedMid(NamedTuple):
    """A cycle's mid moved off the line: mids in USD, signed move and allowance in bp."""

    t_ms: int
    line_mid: float
    fitted_mid: float
    moved_bp: float
    allowed_bp: float


def utc_ms(time_utc: str) -> int:
    """Return the milliseconds since the epoch of an ISO time in UTC, ending in ``Z``."""
    since_epoch = datetime.fromisoformat(time_utc) - datetime.fromtimestamp(0, UTC)
    return since_epoch // timedelta(milliseconds=1)


FOLDER = Path(__file__).resolve().parent

# Recorded: first quotes, number of cycles and their average distance. Chosen: equal distances.
FIRST_CYCLE_MS = utc_ms("2026-02-19T22:06:41Z")
CYCLES = 181
CYCLE_MS = 6450
# Recorded: the stop. The line ends there; the last cycle, 2 s later, holds its value.
STOP_MS = utc_ms("2026-02-19T22:26:00Z")
# Chosen: the record has no mid before the first fill.
START_MID = 29.155
# Inferred: the mark at which the recorded fills, at 1.5 bp of fees, lose the logged 0.84 USD.
END_MID = 28.898
# Recorded: the analytics give each fill's mid again this much later.
LATER_MS = 5000
# Inferred: half of the recorded total spread of about 5.7 bp, taken as the touch's depth.
HALF_SPREAD = 2.85e-4
# Chosen: mids are multiples of 1/10000 USD (0.03 bp), a tenth of a tick.
MID_GRID_PER_USD = 10_000
# Chosen: a fitted mid stays within this many standard deviations of the line ...
ALLOWED_SIGMAS = 1.5
# ... of a path with this volatility in bp/sqrt(s), which is not recorded.
SIGMA_BPS = 2.0
# Chosen: two minutes of flat market before the first cycle.
PRELUDE_MS = 120_000
# Recorded: the long-horizon moves, the agreement at 22:06:41 and 22:15, p_continuation of 0.74
# and 0.83, and that it crossed 0.50 just before the fill of 22:13:18. Inferred: what a reading
# leaves open is held from the one before. Chosen: readings logged to the minute start with it,
# and 22:13:14 puts the crossing into the last cycle before that fill.
TRENDS = (
    Trend(utc_ms("2026-02-19T22:06:41Z"), -9.96, 1.0, 0.74),
    Trend(utc_ms("2026-02-19T22:08:07Z"), -10.0, 1.0, 0.74),
    Trend(utc_ms("2026-02-19T22:13:14Z"), -10.0, 1.0, 0.50),
    Trend(utc_ms("2026-02-19T22:15:00Z"), -15.5, 1.0, 0.83),
    Trend(utc_ms("2026-02-19T22:17:00Z"), -47.1, 1.0, 0.83),
    Trend(utc_ms("2026-02-19T22:18:00Z"), -58.0, 1.0, 0.83),
)


def recorded_fills() -> list[Fill]:
    """Return the twelve fills of ``fills.csv`` in time order."""
    with (FOLDER / "fills.csv").open(newline="", encoding="utf-8") as file:
        return [
            Fill(
                id=row["id"],
                t_ms=utc_ms(row["time_utc"]),
                own_side=row["own_side"],
                size=float(row["size_hype"]),
                price=float(row["price_usd_inferred"]),
                mid=float(row["mid_usd"]),
                mid_5s=float(row["mid_5s_usd"]),
            )
            for row in csv.DictReader(file)
        ]


def cycle_times() -> list[int]:
    """Return the times of the quote cycles in ms."""
    return [FIRST_CYCLE_MS + i * CYCLE_MS for i in range(CYCLES)]


def recorded_mids(fills: Iterable[Fill]) -> dict[int, float]:
    """Return the recorded mids in USD by time in ms: at each fill and five seconds later."""
    points: dict[int, float] = {}
    for fill in fills:
        points[fill.t_ms] = fill.mid
        points[fill.t_ms + LATER_MS] = fill.mid_5s
    return points


def line_mids(recorded: dict[int, float]) -> dict[int, float]:
    """Return each cycle's mid in USD on the line through start, recorded mids and end."""
    points = recorded | {FIRST_CYCLE_MS: START_MID, STOP_MS: END_MID}
    times = sorted(points)

    def at(t_ms: int) -> float:
        right = min(max(bisect_left(times, t_ms), 1), len(times) - 1)
        t0, t1 = times[right - 1], times[right]
        share = min((t_ms - t0) / (t1 - t0), 1.0)
        mid = points[t0] + (points[t1] - points[t0]) * share
        return round(mid * MID_GRID_PER_USD) / MID_GRID_PER_USD

    return {t_ms: at(t_ms) for t_ms in cycle_times()}


def reaching_mid(mid: float, fill: Fill) -> float:
    """Return the mid in USD nearest to ``mid`` whose touch reaches the fill's price.

    Fill prices are whole ticks, so rounding the touch to the tick does not change whether it
    reaches them.
    """
    if fill.own_side == "buy":
        lowest = fill.price / (1 - HALF_SPREAD)
        return max(mid, math.ceil(lowest * MID_GRID_PER_USD) / MID_GRID_PER_USD)
    highest = fill.price / (1 + HALF_SPREAD)
    return min(mid, math.floor(highest * MID_GRID_PER_USD) / MID_GRID_PER_USD)


def cycle_mids() -> dict[int, float]:
    """Return each cycle's mid in USD: the line, moved where a fill could not be reached."""
    fills = recorded_fills()
    mids = line_mids(recorded_mids(fills))
    times = cycle_times()
    for fill in fills:
        last_cycle = times[bisect_right(times, fill.t_ms) - 1]
        mids[last_cycle] = reaching_mid(mids[last_cycle], fill)
    return mids


def fitted_mids() -> list[FittedMid]:
    """Return the mids moved off the line, each with its move and its allowance in bp."""
    recorded = recorded_mids(recorded_fills())
    line = line_mids(recorded)
    return [
        FittedMid(t_ms, line[t_ms], mid, (mid / line[t_ms] - 1) * 1e4, allowed_bp(t_ms, recorded))
        for t_ms, mid in cycle_mids().items()
        if mid != line[t_ms]
    ]


def allowed_bp(t_ms: int, recorded: Iterable[int]) -> float:
    """Return 1.5 sigma sqrt(dt) in bp, dt the time in s to the nearest recorded mid."""
    dt_s = min(abs(t_ms - at) for at in recorded) / 1000
    return ALLOWED_SIGMAS * SIGMA_BPS * math.sqrt(dt_s)


def trend_step(t_ms: int) -> Step:
    """Return the trend reading in force at ``t_ms``; its magnitude is positive when falling."""
    trend = TRENDS[bisect_right(TRENDS, t_ms, key=lambda reading: reading.t_ms) - 1]
    return {
        "step": "trend",
        "t_ms": t_ms,
        "magnitude_bps": -trend.long_bp,
        "agreement": trend.agreement,
        "p_continuation": trend.p_continuation,
    }


def cycle_step(t_ms: int, mid: float) -> Step:
    """Return a quote cycle at ``mid`` in USD."""
    return {"step": "cycle", "t_ms": t_ms, "mid": mid}


def trade_step(fill: Fill) -> Step:
    """Return the trade behind a fill; its side is the aggressor's, opposite to the own side."""
    return {
        "step": "trade",
        "t_ms": fill.t_ms,
        "id": fill.id,
        "side": "sell" if fill.own_side == "buy" else "buy",
        "price": fill.price,
        "size": fill.size,
        "mid": fill.mid,
    }


def session_steps() -> list[Step]:
    """Return the session in time order: trend and cycle at every cycle, and twelve trades."""
    timed = [(t, [trend_step(t), cycle_step(t, mid)]) for t, mid in cycle_mids().items()]
    timed += [(fill.t_ms, [trade_step(fill)]) for fill in recorded_fills()]
    timed.sort(key=lambda item: item[0])
    return [step for _, steps in timed for step in steps]


def prelude_steps() -> list[Step]:
    """Return the two minutes before the first cycle: the start mid, no trend, no trades."""
    back = range(PRELUDE_MS // CYCLE_MS, 0, -1)
    return [cycle_step(FIRST_CYCLE_MS - i * CYCLE_MS, START_MID) for i in back]


def write_tape(path: Path, steps: Iterable[Step]) -> None:
    """Write steps as JSON lines, one step a line."""
    lines = (json.dumps(step, separators=(",", ":")) + "\n" for step in steps)
    path.write_text("".join(lines), encoding="utf-8", newline="\n")


def main() -> None:
    """Rewrite both tapes beside this file."""
    write_tape(FOLDER / "tape.jsonl", session_steps())
    write_tape(FOLDER / "prelude.jsonl", prelude_steps())


if __name__ == "__main__":
    main()
