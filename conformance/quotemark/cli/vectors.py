"""``quotemark vectors``: build the golden vectors, hold an engine against them."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from quotemark.adapters import running
from quotemark.cli.options import (
    NOT_CONFORMANT,
    in_process_option,
    json_option,
    print_json,
    print_lines,
    timeout_option,
)
from quotemark.golden import building
from quotemark.golden.folder import SHIPPED
from quotemark.golden.verifying import verify as hold_against


@click.group()
def vectors() -> None:
    """Golden vectors: cases with the reference's answers, as files to be read without Python."""


@vectors.command()
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=Path("quotemark-vectors"),
    show_default=True,
    help="Folder to fill.",
)
@click.option("--in-place", is_flag=True, help="Rewrite those that ship with the package instead.")
@json_option
def build(output: Path, in_place: bool, as_json: bool) -> None:
    """Build the vectors from the reference, the same bytes each time.

    Those that ship are rewritten with a new version of the suite only, if one has moved.
    """
    built = building.build()
    folder = SHIPPED if in_place else output.resolve()
    manifest = building.rewrite_shipped(built) if in_place else building.write(built, folder)
    if as_json:
        print_json({"folder": str(folder), "manifest": manifest})
        return
    entries = manifest.files.values()
    cases, steps = sum(one.cases for one in entries), sum(one.steps for one in entries)
    print_lines([f"vectors of suite {manifest.suite}: {cases} cases, {steps} steps, in {folder}"])


@vectors.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), required=False)
@click.option("--engine", default="reference", show_default=True, help="Engine to hold to them.")
@timeout_option
@in_process_option
@json_option
def verify(
    folder: Path | None, engine: str, timeout_s: float, in_process: bool, as_json: bool
) -> None:
    """Check the files of FOLDER against their manifest, and hold an engine against every case.

    Without FOLDER they are those that ship with the package.
    """
    place = folder or SHIPPED
    with running(engine, in_process=in_process, timeout_s=timeout_s) as under_test:
        found = hold_against(under_test, place)
    if as_json:
        print_json({"passed": found.passed, "folder": str(place), "verification": found})
    else:
        print_lines([str(found)])
    if not found.passed:
        sys.exit(NOT_CONFORMANT)
