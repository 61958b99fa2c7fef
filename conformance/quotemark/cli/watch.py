"""``quotemark watch``: a recording that is being written, beside the reference."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import click

from quotemark.cli.options import (
    INTERRUPTED,
    NOT_CONFORMANT,
    REPORT_FOLDER,
    json_option,
    print_json,
    print_lines,
)
from quotemark.failures import FailureFolder
from quotemark.recorded.companion import Departure
from quotemark.recorded.files import PREFIX
from quotemark.recorded.retold import retell
from quotemark.recorded.watching import Watch, Watched


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--until-idle",
    "idle_s",
    type=click.FloatRange(min=0.0),
    default=math.inf,
    help="Seconds without a new line after which to end; never without this.",
)
@json_option
def watch(file: Path, idle_s: float, as_json: bool) -> None:
    """Follow the recording FILE while it is written, until it departs from the reference.

    A file that is not there yet is waited for. Exits with 1 at the first divergence, with 0 if
    nothing has come for a while, and with 130 when it is interrupted.
    """
    terminal = sys.stderr.isatty()

    def show(watched: Watched) -> None:
        if terminal:
            click.echo(f"\r\033[K{_agreed(watched)}", nl=False, err=True)

    def tell(words: str) -> None:
        click.echo(f"quotemark: {words}", err=True)

    follower = Watch(file, tell, show)
    exit_code = 0
    try:
        follower.run(idle_s)
    except KeyboardInterrupt:
        exit_code = INTERRUPTED
    finally:
        if terminal:
            click.echo("\r\033[K", nl=False, err=True)
    watched = follower.watched
    if watched.departure is not None:
        _tell_departure(file, watched, watched.departure, as_json)
        exit_code = NOT_CONFORMANT
    elif as_json:
        print_json({"departed": False, "watched": watched})
    else:
        print_lines([f"nothing departs: {_agreed(watched)}"])
    sys.exit(exit_code)


def _tell_departure(file: Path, watched: Watched, departure: Departure, as_json: bool) -> None:
    """Say where it departs at once, and what that looks like once it is found."""
    if not as_json:
        print_lines(departure.lines())
    folder = FailureFolder(REPORT_FOLDER / "failures", f"{PREFIX}{file}")
    retold = retell(file, departure, folder)
    if as_json:
        print_json({"departed": True, "watched": watched, "diagnosis": retold.diagnosis})
    else:
        print_lines([*retold.lines, f"DEPARTED: {_agreed(watched)}"])


def _agreed(watched: Watched) -> str:
    if watched.identity is None:
        return "no header yet"
    return f"{watched.identity.name} {watched.identity.version}, {watched.contents}"
