"""``quotemark replay``: a scenario or a tape, with engines side by side."""

from __future__ import annotations

import dataclasses
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import click

from quotemark.adapters import running
from quotemark.cli.options import (
    READ_FILE,
    REPORT_FOLDER,
    WRITTEN_FILE,
    file_name,
    in_process_option,
    json_option,
    phase_option,
    print_json,
    print_lines,
    read_config,
)
from quotemark.errors import InputError
from quotemark.files import write_whole
from quotemark.messages import Json
from quotemark.port import Engine
from quotemark.pushes import insufficient_depths, source_summaries
from quotemark.recorded.writing import recording
from quotemark.replay import Replay
from quotemark.report.page import render_report
from quotemark.report.sections import run_variant, scenario_section, variants
from quotemark.scenario import Scenario, load_scenario, scenario_names, tape_scenario
from quotemark.text import section_lines


@click.command()
@click.argument("what", metavar="SCENARIO|TAPE")
@click.option("--engine", "engines", multiple=True, required=True, help="One or two engines.")
@phase_option
@click.option("--reach", "reach_bps", type=float, default=0.0, help="Of aggressors, in bp further.")
@click.option(
    "--config",
    "config_file",
    type=READ_FILE,
    help="TOML file with configuration of the engine, over the scenario's.",
)
@click.option("--report", type=click.Path(path_type=Path), help="HTML report to write.")
@click.option(
    "--record",
    "record_file",
    type=WRITTEN_FILE,
    help="Recording to write of the one engine that is named.",
)
@in_process_option
@json_option
def replay(
    what: str,
    engines: tuple[str, ...],
    phases: tuple[int, ...],
    reach_bps: float,
    config_file: Path | None,
    report: Path | None,
    record_file: Path | None,
    in_process: bool,
    as_json: bool,
) -> None:
    """Replay a scenario by name, or a tape by path, and compare engines on it.

    Resting quotes fill when a recorded aggressor reaches them. With one engine, a scenario's
    baseline is shown beside it. A scenario with synthetic layers is replayed with each of them, in
    each calibration.
    """
    if record_file and len(engines) != 1:
        raise InputError(f"--record takes one engine, expected one --engine, not {len(engines)}")
    scenario = _scenario_of(what, config_file)
    names = list(engines)
    if len(names) == 1 and scenario.baseline and scenario.baseline not in names:
        names.insert(0, scenario.baseline)
    runs = []
    for name in names:
        file = record_file if name in engines else None
        with running(name, in_process=in_process) as started, _recorded(started, file) as engine:
            runs += [
                run_variant(scenario, engine, variant, phases, reach_bps)
                for variant in variants(scenario, name)
            ]
    section = scenario_section(scenario, runs)
    path = report or REPORT_FOLDER / f"replay-{file_name(scenario.name)}.html"
    write_whole(path, render_report(None, [section]))
    if as_json:
        print_json(
            {
                "scenario": scenario.name,
                "notice": scenario.notice,
                "engines": [_replay_summary(label, run) for label, run in runs],
                "ablation": section.ablation,
                "sensitivity": section.sensitivity,
                "report": str(path),
                **({"recording": str(record_file)} if record_file else {}),
            }
        )
        return
    files = [f"report: {path}", *([f"recording: {record_file}"] if record_file else [])]
    print_lines([*section_lines(section), "", *files])


def _recorded(engine: Engine, file: Path | None) -> AbstractContextManager[Engine]:
    """The engine, recorded in a file if there is one."""
    return nullcontext(engine) if file is None else recording(engine, file)


def _scenario_of(what: str, config_file: Path | None) -> Scenario:
    """The scenario of that name, or one made of the tape at that path."""
    if what in scenario_names():
        scenario = load_scenario(what)
    elif Path(what).exists():
        scenario = tape_scenario(Path(what))
    else:
        raise InputError(
            f"{what!r} is neither a scenario ({', '.join(scenario_names())}) nor a tape"
        )
    changes = read_config(config_file) if config_file else {}
    return dataclasses.replace(scenario, config={**scenario.config, **changes})


def _replay_summary(label: str, run: Replay) -> Json:
    account = run.account
    return {
        "engine": label,
        "cycles": len(run.frames),
        "fills": run.fills,
        "position": account.position,
        "net": account.net,
        "spread": account.spread,
        "inventory": account.inventory,
        "fees": account.fees,
        "answers": dict(run.answers),
        "own_fills_left_out": run.own_fills_left_out,
        "sources": source_summaries(run.frames),
        "insufficient_depths": {
            f"{depth_bps:g} bp": count
            for depth_bps, count in sorted(insufficient_depths(run.frames).items())
        },
    }
