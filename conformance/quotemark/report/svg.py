"""Charts as SVG elements: lines, bands, markers and cells on two axes.

An element brings shapes and text alone. Colours, dashes and fonts are the page's, by class, so that
a picture follows the page into the dark and onto paper. The same chart gives the same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Literal, NamedTuple, Protocol, TypeAlias

from markupsafe import Markup

WIDTH, HEIGHT = 440.0, 240.0
LEFT, RIGHT, TOP, BOTTOM = 58.0, 8.0, 20.0, 24.0

MARGIN = 0.05
"""Share of its height that a chart leaves free above and below what it shows."""

LARGEST = 1e300
"""Figures beyond are left out: the distance of two of them is no double."""

SMALLEST = 1e-200
"""Figures that are less apart stand at one place."""

XAxis: TypeAlias = Literal["UTC", "s", "cycle", "step"]
"""What lies along the chart: seconds since 1970, seconds, or the count of cycles or steps."""

Ticks: TypeAlias = Sequence[tuple[float, str]]

_CLOCK_STEPS_S = (
    *(1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800),
    *(3600, 7200, 10_800, 21_600, 43_200, 86_400),
)
_DAY_S = 86_400.0


class Limits(NamedTuple):
    """What a chart shows of both axes."""

    x_low: float
    x_high: float
    y_low: float
    y_high: float

    def x(self, value: float) -> str:
        """Place of a value from the left."""
        share = (value - self.x_low) / (self.x_high - self.x_low)
        return _short(LEFT + share * (WIDTH - LEFT - RIGHT))

    def y(self, value: float) -> str:
        """Place of a value from the top."""
        share = (value - self.y_low) / (self.y_high - self.y_low)
        return _short(HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP))


class Mark(Protocol):
    """One of the things that a chart shows; ``label`` names it in the legend."""

    @property
    def label(self) -> str:
        """Its name, empty where the legend has none."""

    def spans(self) -> tuple[Iterator[float], Iterator[float]]:
        """Values along both axes that must be seen."""

    def shapes(self, limits: Limits) -> str:
        """Elements that show it."""

    def key(self) -> str:
        """Elements that stand for it in a legend, in a box of 24 by 10."""


def drawable(value: float) -> bool:
    """Whether a figure has a place in a chart."""
    return abs(value) < LARGEST


@dataclass(frozen=True, slots=True)
class Line:
    """Figures joined by a line, broken where there is none; ``stepped`` ones hold until the next.

    ``style`` are classes of the page: a colour, and how it is dashed.
    """

    xs: Sequence[float]
    ys: Sequence[float]
    style: str
    label: str = ""
    stepped: bool = False

    def spans(self) -> tuple[Iterator[float], Iterator[float]]:
        """All of it."""
        return iter(self.xs), filter(drawable, self.ys)

    def shapes(self, limits: Limits) -> str:
        """Draw one path."""
        return f'<path class="line {self.style}" d="{"".join(self._path(limits))}"/>'

    def _path(self, limits: Limits) -> Iterator[str]:
        height = ""  # of the pen, while it is down
        for value_x, value_y in zip(self.xs, self.ys, strict=True):
            x = limits.x(value_x)
            if not drawable(value_y):
                if height and self.stepped:
                    yield f"H{x}"
                height = ""
                continue
            y = limits.y(value_y)
            if not height:
                yield f"M{x} {y}"
            elif not self.stepped:
                yield f"L{x} {y}"
            elif y != height:
                yield f"H{x}V{y}"
            height = y
        if height and self.stepped:
            yield f"H{limits.x(self.xs[-1])}"

    def key(self) -> str:
        """A piece of the line."""
        return f'<path class="line {self.style}" d="M0 5H24"/>'


@dataclass(frozen=True, slots=True)
class Band:
    """What lies between two stepped lines; nothing where either has no figure."""

    xs: Sequence[float]
    lows: Sequence[float]
    highs: Sequence[float]
    style: str
    label: str = ""

    def spans(self) -> tuple[Iterator[float], Iterator[float]]:
        """All of it."""
        return iter(self.xs), filter(drawable, (*self.lows, *self.highs))

    def shapes(self, limits: Limits) -> str:
        """Draw a box from each figure to the next, those alike as one."""
        return f'<path class="band {self.style}" d="{"".join(self._path(limits))}"/>'

    def _path(self, limits: Limits) -> Iterator[str]:
        start = ""
        for index, (x, after) in enumerate(pairwise(self.xs)):
            low, high = self.lows[index], self.highs[index]
            if not (drawable(low) and drawable(high)):
                continue
            same = (low, high) == (self.lows[index + 1], self.highs[index + 1])
            start = start or limits.x(x)
            if not same or index + 2 == len(self.xs):
                yield f"M{start} {limits.y(low)}H{limits.x(after)}V{limits.y(high)}H{start}z"
                start = ""

    def key(self) -> str:
        """A piece of the band."""
        return f'<path class="band {self.style}" d="M0 1H24V9H0z"/>'


@dataclass(frozen=True, slots=True)
class Markers:
    """Triangles at single places, with their tips ``up`` or down."""

    xs: Sequence[float]
    ys: Sequence[float]
    up: bool
    size: float
    style: str
    label: str = ""

    def spans(self) -> tuple[Iterator[float], Iterator[float]]:
        """All of them."""
        return iter(self.xs), filter(drawable, self.ys)

    def shapes(self, limits: Limits) -> str:
        """Draw them as one path."""
        places = [
            (float(limits.x(x)), float(limits.y(y)))
            for x, y in zip(self.xs, self.ys, strict=True)
            if drawable(y)
        ]
        path = "".join(self._triangle(x, y, self.size) for x, y in places)
        return f'<path class="marker {self.style}" d="{path}"/>' if path else ""

    def _triangle(self, x: float, y: float, size: float) -> str:
        tip, foot = (-size, 2.0 * size) if self.up else (size, -2.0 * size)
        return (
            f"M{_short(x)} {_short(y + tip)}l{_short(size)} {_short(foot)}h{_short(-2.0 * size)}z"
        )

    def key(self) -> str:
        """One of them."""
        return f'<path class="marker {self.style}" d="{self._triangle(12.0, 5.0, 4.0)}"/>'


@dataclass(frozen=True, slots=True)
class Rule:
    """A straight line across the chart: level at ``y``, or upright at ``x``."""

    style: str
    label: str = ""
    x: float | None = None
    y: float | None = None

    def spans(self) -> tuple[Iterator[float], Iterator[float]]:
        """Where it stands."""
        return iter([] if self.x is None else [self.x]), iter([] if self.y is None else [self.y])

    def shapes(self, limits: Limits) -> str:
        """Draw it from border to border."""
        if self.x is not None:
            path = f"M{limits.x(self.x)} {_short(TOP)}V{_short(HEIGHT - BOTTOM)}"
        else:
            path = f"M{_short(LEFT)} {limits.y(self.y or 0.0)}H{_short(WIDTH - RIGHT)}"
        return f'<path class="line {self.style}" d="{path}"/>'

    def key(self) -> str:
        """A piece of it."""
        return f'<path class="line {self.style}" d="M0 5H24"/>'


@dataclass(frozen=True, slots=True)
class Cells:
    """Boxes of one colour on rows of height 1 around whole numbers: (from x, to x, row)."""

    boxes: Sequence[tuple[float, float, int]]
    style: str
    label: str = ""

    def spans(self) -> tuple[Iterator[float], Iterator[float]]:
        """All of them."""
        xs = (x for start, end, _ in self.boxes for x in (start, end))
        return xs, (row + half for _, _, row in self.boxes for half in (-0.5, 0.5))

    def shapes(self, limits: Limits) -> str:
        """Draw them as one path."""
        path = "".join(
            f"M{limits.x(start)} {limits.y(row + 0.5)}H{limits.x(end)}V{limits.y(row - 0.5)}"
            f"H{limits.x(start)}z"
            for start, end, row in self.boxes
        )
        return f'<path class="cell {self.style}" d="{path}"/>' if path else ""

    def key(self) -> str:
        """One of them."""
        return f'<path class="cell {self.style}" d="M0 0H24V10H0z"/>'


@dataclass(frozen=True, slots=True)
class Key:
    """A line of the legend: a small picture, and what it stands for."""

    picture: Markup
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Marks on two axes; ``unit`` is of the upright one, and ``ticks`` are its own if given."""

    marks: Sequence[Mark]
    unit: str
    ticks: Ticks = ()

    def legend(self) -> list[Key]:
        """What each mark with a label stands for."""
        return [
            Key(_element("key", 24.0, 10.0, mark.key()), mark.label)
            for mark in self.marks
            if mark.label
        ]

    def draw(self, limits: Limits, x_axis: XAxis) -> Markup:
        """Draw it between ``limits``, which must hold it."""
        levels, title = (self.ticks, self.unit) if self.ticks else _levels(limits, self.unit)
        times = _times(limits) if x_axis == "UTC" else _figures(limits.x_low, limits.x_high, 6)
        body = [
            '<path class="grid" d="',
            *(f"M{_short(LEFT)} {limits.y(y)}H{_short(WIDTH - RIGHT)}" for y, _ in levels),
            *(f"M{limits.x(x)} {_short(TOP)}V{_short(HEIGHT - BOTTOM)}" for x, _ in times),
            '"/>',
            *(mark.shapes(limits) for mark in self.marks),
            f'<path class="axis" d="M{_short(LEFT)} {_short(TOP)}V{_short(HEIGHT - BOTTOM)}',
            f'H{_short(WIDTH - RIGHT)}"/>',
            _text(_short(LEFT), _short(TOP - 7.0), "start", title),
            _text(_short(WIDTH - RIGHT), _short(TOP - 7.0), "end", x_axis),
            *(
                _text(_short(LEFT - 5.0), _short(float(limits.y(y)) + 4.0), "end", label)
                for y, label in levels
            ),
            *(_time_text(limits.x(x), label) for x, label in times),
        ]
        return _element("chart", WIDTH, HEIGHT, "".join(body))


def shared_limits(charts: Sequence[Chart]) -> Limits:
    """Return the limits that hold what any of the charts shows."""
    xs: list[float] = []
    ys: list[float] = []
    for mark in (mark for chart in charts for mark in chart.marks):
        mark_xs, mark_ys = mark.spans()
        xs += mark_xs
        ys += mark_ys
    x_low, x_high = _widened(min(xs), max(xs), 0.0)
    y_low, y_high = min(ys, default=0.0), max(ys, default=0.0)  # all may be beyond drawing
    return Limits(x_low, x_high, *_widened(y_low, y_high, MARGIN))


def _widened(low: float, high: float, margin: float) -> tuple[float, float]:
    """The two with a margin, apart in any case."""
    size = max(abs(low), abs(high))
    if high - low > SMALLEST:
        pad = (high - low) * margin
    else:
        pad = size * 1e-3 if size > SMALLEST else 1.0
    return low - pad, high + pad


# --- what stands at the axes ------------------------------------------------------------------


def _levels(limits: Limits, unit: str) -> tuple[Ticks, str]:
    """Ticks of the upright axis and its title.

    Figures that differ in a late digit only are told as distances from one of them.
    """
    low, high = limits.y_low, limits.y_high
    step = _round_step((high - low) / 5.0)
    if max(abs(low), abs(high)) < 1e5 * step:
        return _figures(low, high, 5), unit
    base = math.ceil(low / step) * step
    ticks = [(base + number * step, f"{number * step:+.3g}") for number in range(5)]
    inside = [(value, label) for value, label in ticks if low <= value <= high]
    return inside, f"{unit}, from {base:.15g}"


def _figures(low: float, high: float, most: int) -> Ticks:
    """At most some ``most`` round figures between the two."""
    step = _round_step((high - low) / most)
    decimals = max(0, -math.floor(math.log10(step)))
    plain = step >= 1e-4 and max(abs(low), abs(high)) < 1e6
    return [
        (number * step, f"{number * step:.{decimals}f}" if plain else f"{number * step:.3g}")
        for number in range(math.ceil(low / step), math.floor(high / step) + 1)
    ]


def _round_step(least: float) -> float:
    """The first of 1, 2 and 5 times a power of ten that is not below ``least``."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1.0, 2.0, 5.0, 10.0, 20.0) if factor * power >= least)


def _times(limits: Limits) -> Ticks:
    """Round times of day between the two, and days where it is many."""
    least = (limits.x_high - limits.x_low) / 5.0
    days = math.ceil(least / _DAY_S) * _DAY_S
    step = next((float(one) for one in _CLOCK_STEPS_S if one >= least), days)
    first = math.ceil(limits.x_low / step)
    last = math.floor(limits.x_high / step)
    written = "%H:%M:%S" if step < 60.0 else "%H:%M" if step < _DAY_S else "%m-%d"
    return [
        (number * step, datetime.fromtimestamp(number * step, UTC).strftime(written))
        for number in range(first, last + 1)
    ]


# --- elements ---------------------------------------------------------------------------------


def _element(name: str, width: float, height: float, body: str) -> Markup:
    return Markup(  # noqa: S704 - all text in it was escaped where it was put in
        f'<svg class="{name}" viewBox="0 0 {width:g} {height:g}" aria-hidden="true">{body}</svg>'
    )


def _text(x: str, y: str, anchor: str, text: str) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}">{Markup.escape(text)}</text>'


def _time_text(x: str, label: str) -> str:
    """Label below the chart, within it where it would stick out at its end."""
    anchor = "end" if float(x) > WIDTH - RIGHT - 24.0 else "middle"
    return _text(x, _short(HEIGHT - 7.0), anchor, label)


def _short(place: float) -> str:
    """A tenth of a unit is as fine as can be seen."""
    return f"{place:.1f}".removesuffix(".0")
