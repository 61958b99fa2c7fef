"""Tables as text, as Markdown and as JSON, with the machine that they were measured on above."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct
from tests.benchmarks.measure import Row, Spread, Table

UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"))


class Results(Struct, frozen=True):
    """All tables of a run, when it was, how much was measured, and on what."""

    taken: str
    effort: str
    machine: dict[str, str]
    tables: list[Table]


def as_text(table: Table) -> str:
    """Table for a terminal."""
    return "\n".join([*_text_lines(table), ""])


def as_markdown(results: Results) -> str:
    """Page of all tables."""
    return "\n".join(
        [
            "# Benchmarks",
            "",
            "Written by `nox -s bench -- --markdown tests/benchmarks/RESULTS.md` on"
            f" {results.taken} ({results.effort}).",
            "Contenders of a table take turns in one run; each figure is the median of the rounds,"
            " with the least and the greatest. The ratio is to the first row, round by round: below"
            " 1 is faster. All have worked once before; numeric libraries have one thread; Python's"
            " garbage collector is on, as by default.",
            "",
            "| | |",
            "|---|---|",
            *(f"| {name} | {value} |" for name, value in results.machine.items()),
            *(line for table in results.tables for line in _markdown_lines(table)),
            "",
        ]
    )


def _text_lines(table: Table) -> Iterator[str]:
    yield f"{table.title}: seconds {table.unit}, a second, ratio to the first"
    for row in table.rows:
        remark = f"   {row.remark}" if row.remark else ""
        yield (
            f"  {row.name:<50} {duration(row.seconds.median):>10} {_rate(row):>13}"
            f"   x{in_range(row.ratio)}{remark}"
        )
    for name, reason in table.absent.items():
        yield f"  {name:<50} left out: {reason}"
    for note in table.notes:
        yield f"  {note}"


def _markdown_lines(table: Table) -> Iterator[str]:
    yield from ("", f"## {table.title}", "")
    if table.rows:
        remarked = any(row.remark for row in table.rows)
        yield f"| | {table.unit} | a second | ratio |{' |' if remarked else ''}"
        yield f"|---|---|---|---|{'---|' if remarked else ''}"
        for row in table.rows:
            yield (
                f"| {row.name} | {durations(row.seconds)} | {_rate(row)} | {in_range(row.ratio)} |"
                f"{f' {row.remark} |' if remarked else ''}"
            )
    for name, reason in table.absent.items():
        yield from ("", f"Left out: {name}: {reason}.")
    for note in table.notes:
        yield from ("", note)


def duration(seconds: float) -> str:
    """Seconds in the largest unit in which they are one or more."""
    for size, unit in UNITS:
        if seconds >= size or unit == UNITS[-1][1]:
            return f"{seconds / size:.3g} {unit}"
    raise AssertionError(seconds)


def durations(figure: Spread) -> str:
    """Median of seconds, and in brackets the least and the greatest."""
    return f"{duration(figure.median)} ({duration(figure.least)} to {duration(figure.greatest)})"


def in_range(figure: Spread) -> str:
    """Median, and in brackets the least and the greatest."""
    median, least, greatest = (
        f"{one:,.0f}" if one >= 100.0 else f"{one:.3g}"
        for one in (figure.median, figure.least, figure.greatest)
    )
    return f"{median} ({least} to {greatest})"


def _rate(row: Row) -> str:
    return f"{1.0 / row.seconds.median:,.0f}" if row.seconds.median < 1.0 else "-"
