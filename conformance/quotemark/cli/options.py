"""What commands share: options, exit codes, and how they print."""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
import msgspec

from quotemark.errors import InputError
from quotemark.messages import Json
from quotemark.phases import phases_in

NOT_CONFORMANT = 1
USAGE = 2
ENGINE_FAILED = 3
STALE_WAIVER = 4
INTERRUPTED = 130

REPORT_FOLDER = Path("quotemark-report")

READ_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
WRITTEN_FILE = click.Path(path_type=Path, dir_okay=False)


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for a machine.")
in_process_option = click.option(
    "--in-process", is_flag=True, help="Run a python: engine in this process, for debugging."
)
workers_option = click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=min(2, os.cpu_count() or 1),
    show_default=True,
    help="Processes that share the work, each with an engine of its own.",
)
timeout_option = click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=0.0, min_open=True),
    default=10.0,
    show_default=True,
    help="Seconds that an answer may take.",
)
phase_option = click.option(
    "--phase",
    "phases",
    metavar="N|N-M|N,M",
    default="1-8",
    show_default=True,
    callback=lambda context, parameter, value: phases_in(value),
    help="Phases: a number, a range, or a list of these.",
)


def read_config(path: Path) -> Json:
    """Read a TOML file of configuration; raises :class:`InputError` where it is none."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {error}") from None


@contextmanager
def progress() -> Iterator[Callable[[int, int, str], None]]:
    """Show what is done of how much, and what is being done, on a terminal."""
    terminal = sys.stderr.isatty()

    def show(done: int, total: int, what: str) -> None:
        if terminal:
            click.echo(f"\r\033[K{done}/{total} {what}", nl=False, err=True)

    try:
        yield show
    finally:
        if terminal:
            click.echo("\r\033[K", nl=False, err=True)


def file_name(name: str) -> str:
    """Name of a file for what is called ``name``."""
    return "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name)


def print_lines(lines: Sequence[str]) -> None:
    """Print lines of text."""
    click.echo("\n".join(lines))


def print_json(value: object) -> None:
    """Print JSON for a machine."""
    click.echo(msgspec.json.format(msgspec.json.encode(value)).decode())
