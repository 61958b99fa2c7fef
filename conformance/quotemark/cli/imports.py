"""``quotemark import``: tapes out of recordings."""

from __future__ import annotations

from pathlib import Path

import click

from quotemark.cli.options import READ_FILE, json_option, print_json, print_lines
from quotemark.hyperliquid import import_capture, write_tape


@click.group(name="import")
def import_() -> None:
    """Make tapes out of recordings."""


@import_.command()
@click.argument("capture", type=READ_FILE)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Tape.")
@click.option("--coin", help="Coin to take, where the capture has several.")
@click.option("--cycle-ms", default=1000, show_default=True, help="Time between quote cycles.")
@json_option
def hyperliquid(
    capture: Path, output: Path, coin: str | None, cycle_ms: int, as_json: bool
) -> None:
    """Import a Hyperliquid websocket capture: JSON lines, with receive times or not, gzip too."""
    result = import_capture(capture, coin, cycle_ms)
    write_tape(result.steps, output)
    report = result.report
    if as_json:
        print_json({"report": report, "tape": str(output)})
        return
    print_lines(
        [
            f"{report.coin}: {report.span_ms / 1000.0:g} s by {report.clock} time",
            "messages read: " + _counts(report.messages),
            "steps written: " + _counts(report.steps),
            *(
                f"skipped {skipped.count} {reason}, first in line {skipped.first_line}:"
                f" {skipped.detail}"
                for reason, skipped in report.skipped.items()
            ),
            f"reordered: {report.reordered}",
            f"tape: {output}",
        ]
    )


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())
