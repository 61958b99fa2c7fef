"""Measuring: contenders take turns, and each is held beside the first, round by round.

Absolute times depend on the machine; a ratio between two that take turns depends on it far less.
Every figure is the median of the rounds, with the least and the greatest beside it. Each contender
works once before the first round, so that nothing is compiled or loaded while time is taken.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

Timed = Callable[[], float]
"""Does its work once and returns the seconds that one unit of it took."""


class AbsentError(Exception):
    """A contender is not at hand on this machine; the message says what is missing."""


class Contender(Struct, frozen=True):
    """What is timed, and what is to be said of it beside its figures."""

    run: Timed
    remark: str = ""


Prepare = Callable[[], Contender]
"""Makes a contender ready; raises :class:`AbsentError` where it cannot be had."""


class Effort(Struct, frozen=True):
    """How much is measured: how often all take turns, and how little of the work is done."""

    rounds: int
    divisor: int


FULL = Effort(rounds=9, divisor=1)
QUICK = Effort(rounds=2, divisor=20)


class Spread(Struct, frozen=True):
    """A figure over the rounds."""

    median: float
    least: float
    greatest: float


class Row(Struct, frozen=True):
    """A contender: seconds a unit, and the same as a multiple of the first contender's."""

    name: str
    seconds: Spread
    ratio: Spread
    remark: str = ""


class Table(Struct, frozen=True):
    """Contenders beside one another. ``unit`` is what the seconds are of, as in "a step"."""

    title: str
    unit: str
    rows: list[Row]
    absent: dict[str, str] = {}
    notes: list[str] = []


def timed(work: Callable[[], object], units: int) -> float:
    """Seconds a unit of ``work`` takes."""
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) / units


def spread(values: Sequence[float]) -> Spread:
    """Median, least and greatest of ``values``."""
    return Spread(statistics.median(values), min(values), max(values))


def compare(
    title: str,
    unit: str,
    contenders: Mapping[str, Prepare],
    rounds: int,
    notes: Sequence[str] = (),
) -> Table:
    """Let the contenders that are at hand take turns; the first of them is what all are held to."""
    ready, absent = _ready(contenders)
    for contender in ready.values():
        contender.run()
    taken: dict[str, list[float]] = {name: [] for name in ready}
    for _ in range(rounds):
        for name, contender in ready.items():
            taken[name].append(contender.run())
    base = next(iter(taken.values()), [])
    rows = [
        Row(
            name,
            spread(seconds),
            spread([one / other for one, other in zip(seconds, base, strict=True)]),
            ready[name].remark,
        )
        for name, seconds in taken.items()
    ]
    return Table(title, unit, rows, absent, list(notes))


def _ready(contenders: Mapping[str, Prepare]) -> tuple[dict[str, Contender], dict[str, str]]:
    ready: dict[str, Contender] = {}
    absent: dict[str, str] = {}
    for name, prepare in contenders.items():
        try:
            ready[name] = prepare()
        except AbsentError as error:
            absent[name] = str(error)
    return ready, absent
