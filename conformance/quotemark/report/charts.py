"""Pictures: what a replay did, from its quotes to what moved its drift, and where engines depart.

Each panel is drawn once an engine, on the same axes, so that engines compare at a glance. Lines
differ in their dashes too, never in colour alone, and every picture is told in words beside it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from markupsafe import Markup

from quotemark.messages import Json
from quotemark.pushes import standing_pushes
from quotemark.replay import Frame, Replay
from quotemark.report.svg import (
    Band,
    Cells,
    Chart,
    Key,
    Line,
    Mark,
    Markers,
    Rule,
    XAxis,
    shared_limits,
)
from quotemark.results import DivergenceSeries
from quotemark.suite.compare import figure_of
from quotemark.venue import Fill

SOURCES = {
    "trend": "signals",
    "fill": "fills",
    "fill_size": "fills dashed",
    "sweep": "fills dotted",
    "bim": "book",
    "dbim": "book dashed",
    "bpg": "book dotted",
    "flow": "trades",
    "hawkes": "trades dashed",
    "basis": "markets",
    "lead": "markets dashed",
    "funding": "markets dashdot",
    "open_interest": "markets dotted",
}
"""Colour and dashes of what moves the drift."""

OTHER_SOURCE = "signals dashed"

PNL_CLASSES: tuple[tuple[float, float, str, str], ...] = (
    (-math.inf, -10.0, "loss-4", "below -10 bp"),
    (-10.0, -3.0, "loss-3", "-10 to -3"),
    (-3.0, -1.0, "loss-2", "-3 to -1"),
    (-1.0, 0.0, "loss-1", "-1 to 0"),
    (0.0, 1.0, "gain-1", "0 to 1"),
    (1.0, 3.0, "gain-2", "1 to 3"),
    (3.0, 10.0, "gain-3", "3 to 10"),
    (10.0, math.inf, "gain-4", "above 10 bp"),
)
"""Expected PnL from, until and including, its colour and its name: the same on every picture."""

MOST_CYCLES = 600
"""Cycles drawn of a longer replay: about as many as a picture has points to the side."""

MOST_LEVELS = 20
"""Levels drawn of a side."""

FEW_FILLS = 100
"""More of one side are drawn small, so that they do not bury the quotes."""

CLOCK_FROM_MS, CLOCK_TO_MS = 10**12, 10**14
"""Times between them (2001 and 5138) are ms since 1970; others count from the tape's zero."""

ZERO = Rule("ink hair", y=0.0)


@dataclass(frozen=True, slots=True)
class Picture:
    """One engine's picture; ``svg`` is ``None`` where the engine gives nothing to draw."""

    label: str
    summary: str
    svg: Markup | None
    legend: list[Key]


@dataclass(frozen=True, slots=True)
class Panel:
    """One kind of picture, of all engines on the same axes."""

    title: str
    pictures: list[Picture]


Draw: TypeAlias = Callable[[Replay], tuple[str, Chart | None]]
"""Says in words what is to be seen of a replay, and draws it if there is anything."""


def draw_panels(runs: Sequence[tuple[str, Replay]]) -> list[Panel]:
    """Draw all panels of replays of one tape."""
    quoting = [(label, run) for label, run in runs if run.frames]
    kinds: tuple[tuple[str, Draw], ...] = (
        ("Price, touch quotes and fills", _price),
        ("Position", _position),
        ("PnL and its parts", _pnl),
        ("Drift with its ±√P band", _drift),
        ("What moved the drift: what is left of each source's pushes", _pushes),
        ("Expected PnL of each level", _expected_pnl),
    )
    return [_panel(title, draw, quoting) for title, draw in kinds if quoting]


def is_clock(t_ms: int) -> bool:
    """Whether a time is one since 1970."""
    return CLOCK_FROM_MS <= t_ms < CLOCK_TO_MS


def drawn_every(run: Replay) -> int:
    """Return n where every nth cycle is drawn."""
    return math.ceil(len(run.frames) / MOST_CYCLES)


def _panel(title: str, draw: Draw, runs: Sequence[tuple[str, Replay]]) -> Panel:
    told = [(label, *_readable(draw, run)) for label, run in runs]
    times = [frame.t_ms for _, run in runs for frame in run.frames]
    x_axis: XAxis = "UTC" if is_clock(min(times)) and is_clock(max(times)) else "s"
    if all(_is_instant(run) for _, run in runs):
        x_axis = "cycle"
    return Panel(title, _pictures(told, x_axis))


def _readable(draw: Draw, run: Replay) -> tuple[str, Chart | None]:
    try:
        return draw(run)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        return f"what the engine gives cannot be read: {type(error).__name__}: {error}", None


def _pictures(told: Sequence[tuple[str, str, Chart | None]], x_axis: XAxis) -> list[Picture]:
    """Draw charts on the same axes, each beside its label and summary."""
    charts = [chart for _, _, chart in told if chart]
    limits = shared_limits(charts) if charts else None
    return [
        Picture(label, summary, chart.draw(limits, x_axis), chart.legend())
        if chart and limits
        else Picture(label, summary, None, [])
        for label, summary, chart in told
    ]


# --- a replay ---------------------------------------------------------------------------------


def _price(run: Replay) -> tuple[str, Chart]:
    frames = _drawn(run)
    times = _times(run)
    buys = [fill for fill in run.fills if fill.side == "buy"]
    sells = [fill for fill in run.fills if fill.side == "sell"]
    marks: list[Mark] = [
        Line(times, [_touch(one, "asks", min) for one in frames], "ask dashed", "ask", True),
        Line(times, [frame.mid for frame in frames], "ink thin", "mid"),
        Line(times, [_touch(one, "bids", max) for one in frames], "bid", "bid", True),
    ]
    if not _is_instant(run):
        marks.append(_fills(buys, up=True, style="bid", label="buy"))
        marks.append(_fills(sells, up=False, style="ask", label="sell"))
    summary = (
        f"bids rest in {_cycles_with(run, 'bids')} of {len(run.frames)} cycles,"
        f" asks in {_cycles_with(run, 'asks')}; buys: {len(buys)}, sells: {len(sells)}"
    )
    return summary, Chart(marks, "price")


def _fills(fills: Sequence[Fill], *, up: bool, style: str, label: str) -> Markers:
    size = 4.0 if len(fills) <= FEW_FILLS else 2.0
    times = [fill.t_ms / 1000.0 for fill in fills]
    return Markers(times, [fill.price for fill in fills], up, size, style, label)


def _position(run: Replay) -> tuple[str, Chart]:
    frames = _drawn(run)
    line = Line(_times(run), [frame.position for frame in frames], "ink", stepped=True)
    return f"ends at {signed(run.account.position)}", Chart([ZERO, line], "position")


def _pnl(run: Replay) -> tuple[str, Chart]:
    frames = _drawn(run)
    times = _times(run)
    marks: list[Mark] = [
        ZERO,
        Line(times, [frame.net for frame in frames], "ink wide", "net", True),
        Line(times, [frame.spread for frame in frames], "spread dashed", "spread", True),
        Line(times, [frame.inventory for frame in frames], "inventory dashdot", "inventory", True),
        Line(times, [-frame.fees for frame in frames], "fees dotted", "-fees", True),
    ]
    return f"ends at {signed(run.account.net)} net", Chart(marks, "quote currency")


def _drift(run: Replay) -> tuple[str, Chart | None]:
    frames = _drawn(run)
    drifts = [_number(frame.observation, "drift_bps_per_s") for frame in frames]
    known = [drift for drift in drifts if math.isfinite(drift)]
    if not known:
        return "the engine does not give its drift", None
    widths = [_root(_number(frame.observation, "drift_variance")) for frame in frames]
    lows = [drift - width for drift, width in zip(drifts, widths, strict=True)]
    highs = [drift + width for drift, width in zip(drifts, widths, strict=True)]
    times = _times(run)
    marks: list[Mark] = [ZERO, Line(times, drifts, "drift", "drift", stepped=True)]
    seen = f"between {signed(min(known))} and {signed(max(known))} bp/s"
    if any(math.isfinite(width) for width in widths):
        marks.insert(0, Band(times, lows, highs, "drift", "±√P"))
    else:
        seen += "; the engine does not give its variance"
    return seen, Chart(marks, "bp/s")


def _pushes(run: Replay) -> tuple[str, Chart | None]:
    standing = standing_pushes(run.frames)
    if not standing:
        return "the engine shows nothing that moved its drift", None
    times = _times(run)
    marks: list[Mark] = [ZERO]
    for source in sorted(standing, key=_order):
        left = standing[source][:: drawn_every(run)]
        marks.append(Line(times, left, SOURCES.get(source, OTHER_SOURCE), source, stepped=True))
    at_end = {source: values[-1] for source, values in standing.items()}
    by_size = sorted(at_end, key=lambda source: -abs(at_end[source]))
    summary = "at the end " + ", ".join(f"{source} {signed(at_end[source])}" for source in by_size)
    return summary, Chart(marks, "bp/s")


def _order(source: str) -> int:
    return list(SOURCES).index(source) if source in SOURCES else len(SOURCES)


def _expected_pnl(run: Replay) -> tuple[str, Chart | None]:
    """A row a level, asks above bids, the touch in the middle; a column a cycle."""
    bids, asks = ([_levels(frame, side) for frame in run.frames] for side in (0, 1))
    shares = [_positive_share(side) for side in (bids, asks)]
    if not any(shares):
        return "the engine gives no expected PnL of its levels: phase 4 is off, or not shown", None
    every = drawn_every(run)
    times = _times(run)
    ends = [*times[1:], times[-1] + (times[-1] - times[0]) / max(1, len(times) - 1)]
    boxes: defaultdict[str, list[tuple[float, float, int]]] = defaultdict(list)
    rows = {
        **{-1 - level: row for level, row in enumerate(_rows(bids[::every]))},
        **{1 + level: row for level, row in enumerate(_rows(asks[::every]))},
    }
    for number, row in rows.items():
        for style, start, end in _stretches(row, times, ends):
            boxes[style].append((start, end, number))
    marks = [Cells(boxes[style], style, name) for _, _, style, name in PNL_CLASSES if boxes[style]]
    ticks = [(float(number), f"{'ask' if number > 0 else 'bid'} {abs(number)}") for number in rows]
    named = zip(("bids", "asks"), shares, strict=True)
    summary = "it is positive on " + ", ".join(
        f"{share} of {side}" for side, share in named if share
    )
    return summary, Chart(marks, "level", ticks)


def _levels(frame: Frame, side: int) -> list[float | None]:
    """Expected PnL of a side's levels, from the touch on; ``None`` for what is no figure."""
    pair = frame.observation.get("expected_pnl_bps")
    if not isinstance(pair, list | tuple) or len(pair) != len(("bids", "asks")):
        return []
    own = pair[side]
    return [figure_of(value) for value in own] if isinstance(own, list | tuple) else []


def _positive_share(cycles: Sequence[Sequence[float | None]]) -> str:
    """How much of a side is positive, in percent; empty where there is no figure."""
    known = [value for levels in cycles for value in levels if value is not None]
    return f"{sum(value > 0.0 for value in known) / len(known):.0%}" if known else ""


def _rows(cycles: Sequence[Sequence[float | None]]) -> list[list[float | None]]:
    """From cycles with their levels to levels with their cycles; at most as many as are told."""
    deepest = min(MOST_LEVELS, max(map(len, cycles)))
    return [
        [levels[level] if level < len(levels) else None for levels in cycles]
        for level in range(deepest)
    ]


def _stretches(
    row: Sequence[float | None], starts: Sequence[float], ends: Sequence[float]
) -> Iterator[tuple[str, float, float]]:
    """Stretches of one class: its style, and from when to when."""
    styles = [_pnl_style(value) for value in row]
    borders = [0, *(at for at in range(1, len(row)) if styles[at] != styles[at - 1]), len(row)]
    for first, last in pairwise(borders):
        if styles[first]:
            yield styles[first], starts[first], ends[last - 1]


def _pnl_style(value: float | None) -> str:
    if value is None:
        return ""
    return next(style for low, high, style, _ in PNL_CLASSES if low < value <= high)


# --- a divergence -----------------------------------------------------------------------------


def draw_divergence(series: DivergenceSeries) -> Panel:
    """Draw how a field went around a divergence, and how far the two are apart."""
    steps = [float(step) for step in series.steps]
    expected = [math.nan if one is None else one for one in series.expected]
    got = [math.nan if one is None else one for one in series.got]
    unit = "" if series.unit == "1" else series.unit
    here = Rule("mark dotted", "first divergence", x=float(series.diverges_at))
    both: list[Mark] = [
        here,
        Line(steps, expected, "expected wide", "expected", stepped=True),
        Line(steps, got, "got dashed", "got", stepped=True),
    ]
    pictures = _pictures([("expected and got", _course(series), Chart(both, unit))], "step")
    apart = [other - one for one, other in zip(expected, got, strict=True)]
    known = [abs(one) for one in apart if math.isfinite(one)]
    if known:
        marks: list[Mark] = [here, ZERO, Line(steps, apart, "got", stepped=True)]
        summary = f"at most {max(known):.3g} apart"
        pictures += _pictures([("got - expected", summary, Chart(marks, unit))], "step")
    return Panel(f"{series.component}: {series.field}", pictures)


def _course(series: DivergenceSeries) -> str:
    at = series.steps.index(series.diverges_at)
    expected, got = (
        "no figure" if one is None else f"{one:.12g}"
        for one in (series.expected[at], series.got[at])
    )
    return f"at step {series.diverges_at} expected {expected}, got {got}"


# --- figures ----------------------------------------------------------------------------------


def signed(value: float) -> str:
    """Write a figure with its sign and three decimals; zero is never negative."""
    return f"{round(value, 3) + 0.0:+.3f}"


def _drawn(run: Replay) -> list[Frame]:
    return run.frames[:: drawn_every(run)]


def _cycles_with(run: Replay, side: str) -> int:
    return sum(bool(frame.observation.get(side)) for frame in run.frames)


def _touch(frame: Frame, side: str, best: Callable[[Iterator[float]], float]) -> float:
    quotes = frame.observation.get(side)
    return best(quote["price"] for quote in quotes) if quotes else math.nan


def _number(observation: Json, name: str) -> float:
    figure = figure_of(observation.get(name))
    return math.nan if figure is None else figure


def _root(variance: float) -> float:
    return math.sqrt(variance) if variance >= 0.0 else math.nan


def _is_instant(run: Replay) -> bool:
    """Whether all cycles come at one time, so that they can only be counted."""
    return run.frames[0].t_ms == run.frames[-1].t_ms


def _times(run: Replay) -> list[float]:
    """Places of the cycles that are drawn: seconds, or their count from 1."""
    if _is_instant(run):
        return [float(number) for number in range(1, 1 + len(run.frames))][:: drawn_every(run)]
    return [frame.t_ms / 1000.0 for frame in _drawn(run)]
