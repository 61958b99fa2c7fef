"""Commands that read evidence: verify a certificate, gate a phase."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from quotemark.cli.options import (
    NOT_CONFORMANT,
    READ_FILE,
    STALE_WAIVER,
    json_option,
    print_json,
    print_lines,
    read_config,
)
from quotemark.evidence.gate import Asked, decide
from quotemark.evidence.verification import verify as verify_certificate
from quotemark.phases import ALL_PHASES
from quotemark.results import Level
from quotemark.text import decision_lines, verification_lines

key_option = click.option("--key", type=READ_FILE, help="Public ed25519 key, as PEM.")


@click.command()
@click.argument("certificate", type=READ_FILE)
@click.option("--engine", help="Engine to hold it against.")
@key_option
@json_option
def verify(certificate: Path, engine: str | None, key: Path | None, as_json: bool) -> None:
    """Check CERTIFICATE against its event log and report, this suite and the engine.

    Exits with 1 if anything is not what was certified.
    """
    found = verify_certificate(certificate, engine, key)
    if as_json:
        print_json(
            {"passed": found.passed, "certificate": str(certificate), "findings": found.findings}
        )
    else:
        print_lines(verification_lines(found))
    if not found.passed:
        sys.exit(NOT_CONFORMANT)


@click.command()
@click.option(
    "--phase",
    type=click.IntRange(min(ALL_PHASES), max(ALL_PHASES)),
    required=True,
    help="Phase whose flag is to be switched on.",
)
@click.option(
    "--certificate",
    "certificates",
    type=READ_FILE,
    multiple=True,
    help="Certificate; several may prove together.",
)
@click.option("--config", "config_file", type=READ_FILE, help="Production's configuration, TOML.")
@click.option(
    "--max-age",
    "max_age_days",
    type=click.FloatRange(min=0.0, min_open=True),
    default=30.0,
    show_default=True,
    help="Days that a certificate holds.",
)
@click.option(
    "--level",
    type=click.Choice(["L0", "L1", "L2"]),
    default="L2",
    show_default=True,
    help="How much of itself the engine must show.",
)
@click.option("--engine", help="Engine to hold the certificates against.")
@key_option
@json_option
def gate(
    phase: int,
    certificates: tuple[Path, ...],
    config_file: Path | None,
    max_age_days: float,
    level: Level,
    engine: str | None,
    key: Path | None,
    as_json: bool,
) -> None:
    """Decide whether the flag of a phase may be switched on, by certificates alone.

    Prints the settings that switch it on, or each piece of evidence that is missing and the command
    that makes it. Exits with 1 if it may not, with 4 if only for stale waivers.
    """
    asked = Asked(
        phase=phase,
        config=read_config(config_file) if config_file else {},
        config_file=str(config_file or ""),
        max_age=timedelta(days=max_age_days),
        level=level,
        engine=engine,
        key=key,
    )
    decision = decide(asked, certificates, datetime.now(UTC))
    if as_json:
        print_json({"open": decision.is_open, "decision": decision})
    else:
        print_lines(decision_lines(decision))
    if not decision.is_open:
        sys.exit(STALE_WAIVER if decision.only_stale else NOT_CONFORMANT)
