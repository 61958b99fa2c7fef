"""Commands that tell what there is: an engine, a requirement, the mutants, the messages."""

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
    progress,
    workers_option,
)
from quotemark.explanation import explain as explained
from quotemark.mutants.adequacy import measure_adequacy
from quotemark.recorded.contents import look_into
from quotemark.recorded.files import recording_of
from quotemark.schema import schemas, write_schemas
from quotemark.smoke import smoke_test
from quotemark.text import adequacy_lines, explanation_lines


@click.command()
@click.argument("engine")
@in_process_option
@json_option
def smoke(engine: str, in_process: bool, as_json: bool) -> None:
    """Say hello to ENGINE: who it is, and whether each component opens and answers.

    Of recorded:FILE, who was recorded, and what the recording holds.
    """
    path = recording_of(engine)
    if path is not None:
        _look_into(path, as_json=as_json)
        return
    with running(engine, in_process=in_process) as under_test:
        result = smoke_test(under_test)
    if as_json:
        print_json(result)
    else:
        identity = result.identity
        print_lines(
            [
                f"{identity.name} {identity.version}, protocol {identity.protocol},"
                f" clock {identity.clock}, phases {', '.join(map(str, identity.phases))}",
                *(f"  {component}: {found}" for component, found in result.components.items()),
            ]
        )
    if not result.passed:
        sys.exit(NOT_CONFORMANT)


def _look_into(path: Path, *, as_json: bool) -> None:
    looked = look_into(path)
    if as_json:
        print_json(looked)
        return
    identity = looked.identity
    lines = [
        f"{identity.name} {identity.version}, clock {identity.clock}, recorded in {path}",
        *(f"  {name}: {', '.join(fields)}" for name, fields in identity.fields.items()),
        f"  {looked.contents}",
    ]
    print_lines([*lines, *([f"  {looked.torn} is not whole"] if looked.torn else [])])


@click.command()
@click.argument("requirement_id", metavar="ID")
@json_option
def explain(requirement_id: str, as_json: bool) -> None:
    """Print a requirement, the checks that prove it, and the mutants that break it."""
    explanation = explained(requirement_id)
    if as_json:
        print_json(explanation)
    else:
        print_lines(explanation_lines(explanation))


@click.command()
@click.argument("names", nargs=-1, metavar="[MUTANT]...")
@click.option("--all", "everything", is_flag=True, help="Let every mutant meet every check.")
@workers_option
@json_option
def mutants(names: tuple[str, ...], everything: bool, workers: int, as_json: bool) -> None:
    """Show which checks refuse which mutants of the reference, and which refuse none.

    Each mutant, or each MUTANT named, meets the checks of the requirement that it breaks. Exits
    with 1 if one survives them. Trivial engines are scored beside them.
    """
    with progress() as show:
        adequacy = measure_adequacy(names, everything=everything, workers=workers, progress=show)
    if as_json:
        print_json(adequacy)
    else:
        print_lines(adequacy_lines(adequacy))
    if adequacy.survivors:
        sys.exit(NOT_CONFORMANT)


@click.command()
@click.option("--output", type=click.Path(path_type=Path, file_okay=False), help="Folder to fill.")
def schema(output: Path | None) -> None:
    """Print the JSON Schemas of all messages, or write them into a folder."""
    if output is None:
        print_json(schemas())
    else:
        write_schemas(output)
        click.echo(f"schemas: {output}")
