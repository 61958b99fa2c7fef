"""Pictures of a replay: price with quotes and fills, position, PnL, drift and what moved it.

Each panel is drawn once an engine, on the same axes, so that engines compare at a glance. A picture
is an SVG for a page that brings its own colours: every colour is a CSS variable of the page, with a
fallback for light backgrounds. Lines differ in their dashes too, never in colour alone.

The same replay gives the same bytes.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from quotemark.messages import Json
from quotemark.pushes import standing_pushes
from quotemark.replay import Frame, Replay
from quotemark.venue import Fill

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {
    "ink": "#222222",
    "grid": "#d9d9d9",
    "bid": "#0072b2",
    "ask": "#c44e00",
    "spread": "#007a5a",
    "inventory": "#a8447f",
    "fees": "#9a6400",
    "drift": "#0072b3",
    "signals": "#c44e01",
    "fills": "#9a6401",
    "book": "#0072b4",
    "trades": "#007a5b",
    "markets": "#a84480",
}
"""Colours by what they stand for, each used once so that it can be told apart in the SVG.

On the page each is the CSS variable ``--chart-NAME``. The hues are Okabe and Ito's, which the
colour-blind tell apart, darkened for contrast on white.
"""

SOURCES = {
    "trend": ("signals", "-"),
    "fill": ("fills", "-"),
    "fill_size": ("fills", "--"),
    "sweep": ("fills", ":"),
    "bim": ("book", "-"),
    "dbim": ("book", "--"),
    "bpg": ("book", ":"),
    "flow": ("trades", "-"),
    "hawkes": ("trades", "--"),
    "basis": ("markets", "-"),
    "lead": ("markets", "--"),
    "funding": ("markets", "-."),
    "open_interest": ("markets", ":"),
}
"""Colour and dashes of what moves the drift."""

OTHER_SOURCE = ("signals", "--")

CLOCK_FROM_MS = 10**12
"""Times from here on (2001) are taken as ms since 1970; those before count from the tape's zero."""

MOST_CYCLES = 600
"""Cycles drawn of a longer replay: about as many as a picture has points to the side."""

FEW_FILLS = 100
"""More of one side are drawn small, so that they do not bury the quotes."""

MS_PER_DAY = 86_400_000.0


@dataclass(frozen=True, slots=True)
class Picture:
    """One engine's picture; ``svg`` is ``None`` where the engine gives nothing to draw."""

    label: str
    summary: str
    svg: str | None


@dataclass(frozen=True, slots=True)
class Panel:
    """One kind of picture, of all engines on the same axes."""

    title: str
    pictures: list[Picture]


Draw: TypeAlias = "Callable[[Axes, Replay], str]"
"""Draws a replay and says in words what is to be seen."""


def draw_panels(runs: Sequence[tuple[str, Replay]], salt: str) -> list[Panel]:
    """Draw all panels of replays of one tape.

    ``salt`` keeps the ids within the pictures apart from those of others on a page.
    """
    quoting = [(label, run) for label, run in runs if run.frames]
    kinds: tuple[tuple[str, str, Draw], ...] = (
        ("Price, touch quotes and fills", "price", _draw_price),
        ("Position", "position", _draw_position),
        ("PnL and its parts", "quote currency", _draw_pnl),
        ("Drift with its ±√P band", "bp/s", _draw_drift),
        ("What moved the drift: what is left of each source's pushes", "bp/s", _draw_pushes),
    )
    with _style():
        return [
            _panel(title, unit, draw, quoting, f"{salt}/{title}")
            for title, unit, draw in kinds
            if quoting
        ]


def drawn_every(run: Replay) -> int:
    """Return n where every nth cycle is drawn."""
    return math.ceil(len(run.frames) / MOST_CYCLES)


# --- what is drawn ----------------------------------------------------------------------------


def _draw_price(axes: Axes, run: Replay) -> str:
    frames = _drawn(run)
    times = _times(frames)
    bids = [_touch(frame, "bids", max) for frame in frames]
    asks = [_touch(frame, "asks", min) for frame in frames]
    axes.plot(times, asks, color=COLOURS["ask"], ls="--", drawstyle="steps-post", label="ask")
    axes.plot(times, [frame.mid for frame in frames], color=COLOURS["ink"], lw=0.8, label="mid")
    axes.plot(times, bids, color=COLOURS["bid"], drawstyle="steps-post", label="bid")
    buys = [fill for fill in run.fills if fill.side == "buy"]
    sells = [fill for fill in run.fills if fill.side == "sell"]
    _draw_fills(axes, buys, marker="^", color=COLOURS["bid"], label="buy")
    _draw_fills(axes, sells, marker="v", color=COLOURS["ask"], label="sell")
    return (
        f"bids rest in {_cycles_with(run, 'bids')} of {len(run.frames)} cycles,"
        f" asks in {_cycles_with(run, 'asks')}; buys: {len(buys)}, sells: {len(sells)}"
    )


def _draw_fills(axes: Axes, fills: Sequence[Fill], *, marker: str, color: str, label: str) -> None:
    few = len(fills) <= FEW_FILLS
    axes.plot(
        _times(fills),
        [fill.price for fill in fills],
        ls="",
        marker=marker,
        ms=7.0 if few else 3.0,
        color=color,
        markeredgecolor=COLOURS["ink"],
        markeredgewidth=1.0 if few else 0.0,
        zorder=3,
        label=label,
    )


def _draw_position(axes: Axes, run: Replay) -> str:
    frames = _drawn(run)
    positions = [frame.position for frame in frames]
    axes.axhline(0.0, color=COLOURS["ink"], lw=0.6)
    axes.plot(_times(frames), positions, color=COLOURS["ink"], drawstyle="steps-post")
    return f"ends at {signed(run.account.position)}"


def _draw_pnl(axes: Axes, run: Replay) -> str:
    frames = _drawn(run)
    times = _times(frames)
    axes.axhline(0.0, color=COLOURS["ink"], lw=0.6)
    axes.plot(times, [frame.net for frame in frames], color=COLOURS["ink"], lw=2.6, label="net")
    parts = (
        ("spread", COLOURS["spread"], "--", [frame.spread for frame in frames]),
        ("inventory", COLOURS["inventory"], "-.", [frame.inventory for frame in frames]),
        ("-fees", COLOURS["fees"], ":", [-frame.fees for frame in frames]),
    )
    for label, color, dashes, values in parts:
        axes.plot(times, values, color=color, ls=dashes, lw=1.6, label=label)
    return f"ends at {signed(run.account.net)} net"


def _draw_drift(axes: Axes, run: Replay) -> str:
    frames = _drawn(run)
    drifts = [_number(frame.observation, "drift_bps_per_s") for frame in frames]
    known = [drift for drift in drifts if math.isfinite(drift)]
    if not known:
        return "the engine does not give its drift"
    widths = [_root(_number(frame.observation, "drift_variance")) for frame in frames]
    axes.axhline(0.0, color=COLOURS["ink"], lw=0.6)
    axes.fill_between(
        _times(frames),
        [drift - width for drift, width in zip(drifts, widths, strict=True)],
        [drift + width for drift, width in zip(drifts, widths, strict=True)],
        color=COLOURS["drift"],
        alpha=0.25,
        lw=0,
        step="post",
        label="±√P",
    )
    axes.plot(_times(frames), drifts, color=COLOURS["drift"], drawstyle="steps-post", label="drift")
    seen = f"between {signed(min(known))} and {signed(max(known))} bp/s"
    has_band = any(math.isfinite(width) for width in widths)
    return seen if has_band else f"{seen}; the engine does not give its variance"


def _draw_pushes(axes: Axes, run: Replay) -> str:
    standing = standing_pushes(run.frames)
    if not standing:
        return "the engine shows nothing that moved its drift"
    times = _times(_drawn(run))
    axes.axhline(0.0, color=COLOURS["ink"], lw=0.6)
    for source in sorted(standing, key=_order):
        colour, dashes = SOURCES.get(source, OTHER_SOURCE)
        axes.plot(
            times,
            standing[source][:: drawn_every(run)],
            color=COLOURS[colour],
            ls=dashes,
            drawstyle="steps-post",
            label=source,
        )
    left = {source: values[-1] for source, values in standing.items()}
    by_size = sorted(left, key=lambda source: -abs(left[source]))
    return "at the end " + ", ".join(f"{source} {signed(left[source])}" for source in by_size)


def _order(source: str) -> int:
    return list(SOURCES).index(source) if source in SOURCES else len(SOURCES)


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
    value = observation.get(name)
    return float(value) if isinstance(value, int | float) else math.nan


def _root(variance: float) -> float:
    return math.sqrt(variance) if variance >= 0.0 else math.nan


def _times(events: Sequence[Frame | Fill]) -> list[float]:
    """Days since 1970 as matplotlib's dates are, or seconds."""
    unit = MS_PER_DAY if events and events[0].t_ms >= CLOCK_FROM_MS else 1000.0
    return [event.t_ms / unit for event in events]


# --- how it is drawn --------------------------------------------------------------------------


@contextmanager
def _style() -> Iterator[None]:
    """Draw in the page's style, whatever matplotlib's configuration says."""
    import matplotlib as mpl  # noqa: PLC0415 - slow to import

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(
            {
                "axes.edgecolor": COLOURS["ink"],
                "axes.formatter.useoffset": False,
                "axes.grid": True,
                "axes.labelcolor": COLOURS["ink"],
                "axes.spines.right": False,
                "axes.spines.top": False,
                "date.converter": "concise",
                "font.sans-serif": ["DejaVu Sans"],
                "grid.color": COLOURS["grid"],
                "grid.linewidth": 0.6,
                "legend.frameon": False,
                "lines.linewidth": 1.3,
                "svg.fonttype": "none",
                "text.color": COLOURS["ink"],
                "xtick.color": COLOURS["ink"],
                "ytick.color": COLOURS["ink"],
            }
        )
        yield


def _panel(
    title: str, unit: str, draw: Draw, runs: Sequence[tuple[str, Replay]], salt: str
) -> Panel:
    from matplotlib.figure import Figure  # noqa: PLC0415 - slow to import

    figures: list[Figure] = []
    summaries: list[str] = []
    for _, run in runs:
        figure = Figure(figsize=(4.8, 2.9), layout="constrained")
        axes = figure.subplots()
        axes.set_ylabel(unit)
        summaries.append(draw(axes, run))
        _label_times(axes, run.frames[0].t_ms)
        figures.append(figure)
    drawn = [figure for figure in figures if figure.axes[0].has_data()]
    _share_limits([figure.axes[0] for figure in drawn])
    pictures = [
        Picture(label, summary, _svg(figure, f"{salt}/{number}") if figure in drawn else None)
        for number, ((label, _), summary, figure) in enumerate(
            zip(runs, summaries, figures, strict=True)
        )
    ]
    return Panel(title, pictures)


def _label_times(axes: Axes, first_ms: int) -> None:
    if first_ms < CLOCK_FROM_MS:
        axes.set_xlabel("s")
    else:
        axes.xaxis_date("UTC")
        axes.set_xlabel("UTC")


def _share_limits(all_axes: Sequence[Axes]) -> None:
    """Give all axes the limits that hold what any of them shows."""
    x_limits = [axes.get_xlim() for axes in all_axes]
    y_limits = [axes.get_ylim() for axes in all_axes]
    for axes in all_axes:
        axes.set_xlim(min(low for low, _ in x_limits), max(high for _, high in x_limits))
        axes.set_ylim(min(low for low, _ in y_limits), max(high for _, high in y_limits))


def _svg(figure: Figure, salt: str) -> str:
    """Write the picture as an SVG element, coloured by the page."""
    import matplotlib as mpl  # noqa: PLC0415 - slow to import

    labels = figure.axes[0].get_legend_handles_labels()[1]
    if labels:
        columns = 5 if len(labels) <= 5 else 4
        figure.legend(loc="outside upper left", ncols=columns, handlelength=2.2, columnspacing=1.2)
    written = io.StringIO()
    no_metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with mpl.rc_context({"svg.hashsalt": salt}):
        figure.savefig(written, format="svg", transparent=True, metadata=no_metadata)
    document = written.getvalue()
    svg = document[document.index("<svg") :]
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)  # names that every picture repeats
    for name, colour in COLOURS.items():
        svg = svg.replace(colour, f"var(--chart-{name}, {colour})")
    return svg
