"""Commands that judge an engine: certify, reproduce, fuzz."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path

import click

from quotemark.adapters import make_engine, running
from quotemark.audit.shipped import shipped_audit
from quotemark.cli.options import (
    NOT_CONFORMANT,
    READ_FILE,
    REPORT_FOLDER,
    STALE_WAIVER,
    WRITTEN_FILE,
    file_name,
    in_process_option,
    json_option,
    phase_option,
    print_json,
    print_lines,
    progress,
    read_config,
    timeout_option,
    workers_option,
)
from quotemark.errors import EngineError
from quotemark.evidence.badge import badge_svg
from quotemark.evidence.junit import junit_xml
from quotemark.evidence.run import Options, run_certification
from quotemark.evidence.signature import read_private_key
from quotemark.evidence.summary import markdown_summary
from quotemark.evidence.written import files_beside, write_evidence
from quotemark.failures import FailureFolder, load_failure
from quotemark.files import write_whole
from quotemark.fuzz.campaign import campaign
from quotemark.recorded.files import recording_of
from quotemark.report.page import render_report
from quotemark.report.sections import certified_sections
from quotemark.reproduce import reproduce as run_again
from quotemark.results import Certification
from quotemark.text import (
    campaign_line,
    certification_lines,
    round_lines,
    section_lines,
    written_lines,
)
from quotemark.waivers import load_waivers


@click.command()
@click.argument("engine")
@phase_option
@click.option("--seed", type=int, default=20260219, show_default=True, help="Of the seeded walks.")
@click.option("--quick", is_flag=True, help="Fewer fuzz steps, without the longest checks.")
@click.option("--steps", type=click.IntRange(min=1), help="Fuzz steps; 200000, or 20000 if quick.")
@workers_option
@timeout_option
@click.option(
    "--waivers",
    "waiver_file",
    type=READ_FILE,
    help="TOML file of failed checks to excuse.",
)
@click.option("--config", "config_file", type=READ_FILE, help="Production's configuration, TOML.")
@click.option("--report", type=WRITTEN_FILE, help="HTML report; log and certificate go beside it.")
@click.option("--sign", "key_file", type=READ_FILE, help="Private ed25519 key, PEM, to sign with.")
@click.option("--junit", type=WRITTEN_FILE, help="JUnit XML to write, a test case a check.")
@click.option("--summary", type=WRITTEN_FILE, help="Markdown summary to write, for a CI job.")
@click.option("--badge", type=WRITTEN_FILE, help="SVG badge to write.")
@in_process_option
@json_option
def certify(
    engine: str,
    phases: tuple[int, ...],
    seed: int,
    quick: bool,
    steps: int | None,
    workers: int,
    timeout_s: float,
    waiver_file: Path | None,
    config_file: Path | None,
    report: Path | None,
    key_file: Path | None,
    junit: Path | None,
    summary: Path | None,
    badge: Path | None,
    in_process: bool,
    as_json: bool,
) -> None:
    """Certify ENGINE, requirement by requirement: report, event log and certificate.

    The report shows every scenario too, with baseline and engine side by side. Beside it stand
    the event log and the certificate, an in-toto statement.
    """
    options = Options(
        engine=engine,
        phases=phases,
        seed=seed,
        profile="quick" if quick else "default",
        fuzz_steps=steps,
        config=read_config(config_file) if config_file else {},
        waivers=load_waivers(waiver_file) if waiver_file else [],
        workers=workers,
        timeout_s=timeout_s,
        in_process=in_process,
    )
    key = read_private_key(key_file) if key_file else None
    if report:
        files_beside(report)
    folder = report.parent if report else REPORT_FOLDER
    with progress() as show:
        certification = run_certification(options, FailureFolder(folder / "failures", engine), show)
    identity = certification.identity
    named = f"{identity.name}-recorded" if recording_of(engine) else identity.name
    sections, lines = [], []
    try:
        if "engine" in identity.components and not recording_of(engine):
            with running(engine, in_process=in_process, timeout_s=timeout_s) as under_test:
                sections = certified_sections(under_test, identity.name, phases, quick=quick)
    except EngineError as fault:  # the certification stands without them
        lines = [f"no scenario is shown: {fault}", ""]
    written = write_evidence(
        certification,
        render_report(certification, sections, shipped_audit()),
        report or REPORT_FOLDER / f"certify-{file_name(named)}.html",
        key,
    )
    _write_summaries(certification, written.report, junit, summary, badge)
    if as_json:
        print_json(
            {
                "verdict": certification.verdict,
                "conformant": certification.conformant,
                "certification": certification,
                "report": str(written.report),
                "log": str(written.log),
                "certificate": str(written.certificate) if written.certificate else None,
            }
        )
    else:
        for section in sections:
            if section.trouble:
                lines += [f"{section.name} is not shown: {section.trouble}", ""]
            elif section is sections[0]:
                lines += [*section_lines(section), ""]
        lines += [*certification_lines(certification), *written_lines(written)]
        print_lines(lines)
    if not certification.sound:
        sys.exit(NOT_CONFORMANT)
    if not certification.conformant:
        sys.exit(STALE_WAIVER)


def _write_summaries(
    certification: Certification,
    report: Path,
    junit: Path | None,
    summary: Path | None,
    badge: Path | None,
) -> None:
    """Write those that were asked for; the summary leads to the report."""
    if junit is not None:
        write_whole(junit, junit_xml(certification))
    if summary is not None:
        way = os.path.relpath(report, summary.parent)
        write_whole(summary, markdown_summary(certification, way))
    if badge is not None:
        write_whole(badge, badge_svg(certification))


@click.command()
@click.argument("file", type=READ_FILE)
@click.option("--engine", required=True, help="Engine to run it on.")
@timeout_option
@in_process_option
@json_option
def reproduce(file: Path, engine: str, timeout_s: float, in_process: bool, as_json: bool) -> None:
    """Run again what certify saved in FILE: FAILED (exit code 1) or FIXED (0).

    Judged by what the suite expects now; where that has changed since, it is said.
    """
    start = partial(make_engine, engine, in_process=in_process, timeout_s=timeout_s)
    found = run_again(load_failure(file), start)
    if as_json:
        print_json({"verdict": found.verdict, "reproduction": found})
    else:
        print_lines([*found.lines, found.verdict])
    if not found.fixed:
        sys.exit(NOT_CONFORMANT)


@click.command()
@click.argument("engine")
@click.option("--minutes", type=click.FloatRange(min=0.0), default=5.0, show_default=True)
@click.option("--steps", type=click.IntRange(min=1), default=200_000, help="Steps of a round.")
@phase_option
@click.option("--seed", type=int, default=20260219, show_default=True, help="Of the first round.")
@workers_option
@timeout_option
@json_option
def fuzz(
    engine: str,
    minutes: float,
    steps: int,
    phases: tuple[int, ...],
    seed: int,
    workers: int,
    timeout_s: float,
    as_json: bool,
) -> None:
    """Fuzz ENGINE beside the reference, round after round, until it departs or time is up.

    Each round has the next seed; a round that has begun is finished.
    """
    rounds = []
    with progress() as show:
        for finished in campaign(
            partial(make_engine, engine, timeout_s=timeout_s),
            seconds=minutes * 60.0,
            steps=steps,
            phases=phases,
            seed=seed,
            workers=workers,
            failures=FailureFolder(REPORT_FOLDER / "fuzz-failures", engine),
            progress=show,
        ):
            rounds.append(finished)
            if not as_json:
                print_lines(round_lines(finished))
    if as_json:
        print_json({"conformant": not rounds[-1].failed, "rounds": rounds})
    else:
        print_lines([campaign_line(rounds)])
    if rounds[-1].failed:
        sys.exit(NOT_CONFORMANT)
