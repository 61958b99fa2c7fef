"""``quotemark init-adapter``: a project to begin with."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from quotemark.cli.options import json_option, print_json, print_lines
from quotemark.starters import LANGUAGES, engine_name, write_starter


@click.command("init-adapter")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--language", type=click.Choice(list(LANGUAGES)), required=True, help="Written in.")
@click.option("--name", help="Of the engine; else that of DIR.")
@json_option
def init_adapter(folder: Path, language: str, name: str | None, as_json: bool) -> None:
    """Write a small adapter into DIR: it builds and answers, and its filter is yours to fill in.

    DIR is made, or empty. The tutorial leads from there to a passed phase 1.
    """
    name = engine_name(folder) if name is None else name
    files = write_starter(language, folder, name)
    way = LANGUAGES[language]
    if as_json:
        print_json(
            {
                "name": name,
                "folder": str(folder),
                "files": files,
                "build": way.build or None,
                "engine": way.engine,
            }
        )
        return
    print_lines(
        [
            f"{name}, in {folder}: {', '.join(files)}",
            "",
            f"  cd {shlex.quote(str(folder))}",
            *([f"  {way.build}"] if way.build else []),
            f"  quotemark smoke {way.engine}",
            f"  quotemark certify {way.engine} --phase 1 --quick",
        ]
    )
