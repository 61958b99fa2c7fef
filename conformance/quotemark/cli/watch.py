"""``quotemark watch``: a recording that is being written, beside the reference."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import click

from quotemark.cli.options import (
    INTERRUPTED,
    NOT_CONFORMANT,
    json_option,
    print_json,
    print_lines,
)
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
    if as_json:
        print_json({"departed": watched.departure is not None, "watched": watched})
    elif watched.departure is not None:
        print_lines([*watched.departure.lines(), f"DEPARTED: {_agreed(watched)}"])
    else:
        print_lines([f"nothing departs: {_agreed(watched)}"])
    if watched.departure is not None:
        exit_code = NOT_CONFORMANT
    sys.exit(exit_code)


def _agreed(watched: Watched) -> str:
    if watched.identity is None:
        return "no header yet"
    return f"{watched.identity.name} {watched.identity.version}, {watched.contents}"
