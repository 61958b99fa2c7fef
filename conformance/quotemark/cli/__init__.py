"""The command line: certify, gate, verify, audit, reproduce, fuzz, replay and others.

Exit codes: 0 conformant, 1 not, 2 a mistake in what was asked, 3 the engine could not be run,
4 not conformant for stale waivers alone, 130 interrupted. Results go to stdout, progress to stderr
and only on a terminal. A command's module is imported when the command is asked for.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import click

from quotemark import __version__
from quotemark.cli.options import ENGINE_FAILED, INTERRUPTED, USAGE
from quotemark.errors import EngineError, InputError

COMMANDS = {
    "certify": "certify",
    "verify": "evidence",
    "gate": "evidence",
    "reproduce": "certify",
    "fuzz": "certify",
    "replay": "replay",
    "watch": "watch",
    "init-adapter": "starters",
    "smoke": "describe",
    "explain": "describe",
    "mutants": "describe",
    "audit": "audit",
    "schema": "describe",
    "vectors": "vectors",
    "import": "imports",
}
"""Modules of this package, by the command that they hold."""


class Quotemark(click.Group):
    """Finds commands, and turns their expected failures into a message and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the commands, in the order of the help."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command of this name."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"{__name__}.{COMMANDS[cmd_name]}")
        name = cmd_name.replace("import", "import_").replace("-", "_")
        command: click.Command = getattr(module, name)
        return command

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's own signature
        """Run the command."""
        try:
            return super().invoke(ctx)
        except InputError as error:
            _fail(str(error), USAGE)
        except EngineError as error:
            _fail(f"the engine could not be run: {error.label}: {error}", ENGINE_FAILED)
        except KeyboardInterrupt:
            _fail("interrupted; no report was written", INTERRUPTED)


def _fail(message: str, exit_code: int) -> None:
    click.echo(f"quotemark: {message}", err=True)
    sys.exit(exit_code)


@click.group(cls=Quotemark)
@click.version_option(__version__, prog_name="quotemark")
def main() -> None:
    """Certify quote engines against the reference, and replay incidents with them.

    ENGINE is reference, legacy:deployed, legacy:documented, python:MODULE:FACTORY,
    stdio:COMMAND, mutant:NAME, trivial:NAME, or recorded:FILE where nothing is run.
    """
