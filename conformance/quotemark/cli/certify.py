"""Commands that judge an engine: certify, reproduce, fuzz."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import click

from quotemark.adapters import make_engine, running
from quotemark.cli.options import (
    NOT_CONFORMANT,
    READ_FILE,
    REPORT_FOLDER,
    STALE_WAIVER,
    file_name,
    in_process_option,
    json_option,
    phase_option,
    print_json,
    print_lines,
    progress,
    timeout_option,
    workers_option,
)
from quotemark.errors import EngineError, InputError
from quotemark.evidence.events import event_log
from quotemark.failures import FailureFolder, load_failure
from quotemark.files import write_whole
from quotemark.fuzz.campaign import campaign
from quotemark.report.page import render_report
from quotemark.report.sections import feb19_section
from quotemark.reproduce import reproduce as run_again
from quotemark.suite.runner import certify as run_suite
from quotemark.text import campaign_line, certification_lines, round_lines, section_lines
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
@click.option("--report", type=click.Path(path_type=Path), help="HTML report to write.")
@click.option("--log", type=click.Path(path_type=Path), help="Event log to write, as JSON lines.")
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
    report: Path | None,
    log: Path | None,
    in_process: bool,
    as_json: bool,
) -> None:
    """Certify ENGINE, requirement by requirement, and write a report and an event log.

    The report shows the Feb 19 session too, with baseline and engine side by side. The event log
    stands beside it.
    """
    waivers = load_waivers(waiver_file) if waiver_file else []
    folder = report.parent if report else REPORT_FOLDER
    with progress() as show:
        certification = run_suite(
            partial(make_engine, engine, in_process=in_process, timeout_s=timeout_s),
            phases=phases,
            seed=seed,
            profile="quick" if quick else "default",
            fuzz_steps=steps,
            workers=1 if in_process else workers,
            waivers=waivers,
            failures=FailureFolder(folder / "failures", engine),
            progress=show,
        )
    identity = certification.identity
    sections, lines = [], []
    try:
        if "engine" in identity.components:
            under_test = running(engine, in_process=in_process, timeout_s=timeout_s)
            sections.append(feb19_section(under_test, identity.name, phases, quick=quick))
    except (InputError, EngineError) as error:  # the certification stands without it
        lines = [f"Feb 19 is not shown: {error}", ""]
    report_path = report or REPORT_FOLDER / f"certify-{file_name(identity.name)}.html"
    log_path = log or report_path.with_suffix(".jsonl")
    if log_path == report_path:
        raise InputError(f"{log_path}: report and event log are one file, expected two")
    write_whole(report_path, render_report(certification, sections))
    write_whole(log_path, event_log(certification))
    if as_json:
        print_json(
            {
                "verdict": certification.verdict,
                "conformant": certification.conformant,
                "certification": certification,
                "report": str(report_path),
                "log": str(log_path),
            }
        )
    else:
        for section in sections:
            lines += [*section_lines(section), ""]
        lines += certification_lines(certification)
        print_lines([*lines, f"report: {report_path}", f"event log: {log_path}"])
    if not certification.sound:
        sys.exit(NOT_CONFORMANT)
    if not certification.conformant:
        sys.exit(STALE_WAIVER)


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
