"""The command line: certify, replay, smoke, explain, schema and import.

Exit codes: 0 conformant, 1 not, 2 a mistake in what was asked, 3 the engine could not be run,
130 interrupted. Results go to stdout, progress to stderr and only on a terminal.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from quotemark import __version__

if TYPE_CHECKING:
    from quotemark.messages import Json
    from quotemark.port import Engine
    from quotemark.replay import Replay
    from quotemark.report import ReplaySection
    from quotemark.scenario import Scenario

NOT_CONFORMANT = 1
USAGE = 2
ENGINE_FAILED = 3
INTERRUPTED = 130

REPORT_FOLDER = Path("quotemark-report")
ALL_PHASES = (1, 2, 3, 4, 5, 6, 7, 8)

Command = TypeVar("Command", bound=Callable[..., Any])


class Quotemark(click.Group):
    """Turns the expected failures of every command into a message and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's own signature
        """Run the command."""
        from quotemark.errors import InputError  # noqa: PLC0415 - --version stays quick
        from quotemark.stdio import EngineError  # noqa: PLC0415

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
    stdio:COMMAND or mutant:NAME.
    """


def _phases(text: str) -> tuple[int, ...]:
    first, _, last = text.partition("-")
    try:
        phases = tuple(range(int(first), int(last or first) + 1))
    except ValueError:
        phases = ()
    if not phases or not set(phases) <= set(ALL_PHASES):
        raise click.BadParameter(f"{text!r} is no phase from 1 to 8, nor a range such as 1-4")
    return phases


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for a machine.")
in_process_option = click.option(
    "--in-process", is_flag=True, help="Run a python: engine in this process, for debugging."
)
phase_option = click.option(
    "--phase",
    "phases",
    metavar="N|N-M",
    default="1-8",
    show_default=True,
    callback=lambda context, parameter, value: _phases(value),
    help="Phase or range of phases.",
)


@main.command()
@click.argument("engine")
@phase_option
@click.option("--seed", type=int, default=20260219, show_default=True, help="Of the seeded walks.")
@click.option("--report", type=click.Path(path_type=Path), help="HTML report to write.")
@in_process_option
@json_option
def certify(
    engine: str,
    phases: tuple[int, ...],
    seed: int,
    report: Path | None,
    in_process: bool,
    as_json: bool,
) -> None:
    """Certify ENGINE, requirement by requirement, and write a report.

    The report shows the Feb 19 session too, with baseline and engine side by side.
    """
    from quotemark.adapters import running  # noqa: PLC0415
    from quotemark.errors import InputError  # noqa: PLC0415
    from quotemark.report import render_report, write_report  # noqa: PLC0415
    from quotemark.scenario import load_scenario  # noqa: PLC0415
    from quotemark.stdio import EngineError  # noqa: PLC0415
    from quotemark.suite.runner import certify as run_suite  # noqa: PLC0415
    from quotemark.text import certification_lines  # noqa: PLC0415

    with running(engine, in_process=in_process) as under_test, _progress() as show:
        certification = run_suite(under_test, phases=phases, seed=seed, progress=show)
        sections, lines = [], []
        try:
            if "engine" in under_test.initialize().components:
                scenario = load_scenario("feb19")
                baseline, engine_name = scenario.baseline, certification.engine
                runs = [_run_scenario(scenario, baseline, _Variant(baseline), phases)]
                runs.append(_run_with(scenario, under_test, _Variant(engine_name), phases))
                sections.append(_scenario_section(scenario, runs))
        except (InputError, EngineError) as error:  # the certification stands without it
            lines = [f"Feb 19 is not shown: {error}", ""]
    path = report or REPORT_FOLDER / f"certify-{_file_name(certification.engine)}.html"
    write_report(path, render_report(certification, sections))
    if as_json:
        _print_json(
            {
                "conformant": certification.conformant,
                "certification": certification,
                "report": str(path),
            }
        )
    else:
        for section in sections:
            lines += [*_section_lines(section), ""]
        _print_lines([*lines, *certification_lines(certification), f"report: {path}"])
    if not certification.conformant:
        sys.exit(NOT_CONFORMANT)


@main.command()
@click.argument("what", metavar="SCENARIO|TAPE")
@click.option("--engine", "engines", multiple=True, required=True, help="One or two engines.")
@phase_option
@click.option("--reach", "reach_bps", type=float, default=0.0, help="Of aggressors, in bp further.")
@click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="TOML file with configuration of the engine, over the scenario's.",
)
@click.option("--report", type=click.Path(path_type=Path), help="HTML report to write.")
@in_process_option
@json_option
def replay(
    what: str,
    engines: tuple[str, ...],
    phases: tuple[int, ...],
    reach_bps: float,
    config_file: Path | None,
    report: Path | None,
    in_process: bool,
    as_json: bool,
) -> None:
    """Replay a scenario by name, or a tape by path, and compare engines on it.

    Resting quotes fill when a recorded aggressor reaches them. With one engine, a scenario's
    baseline is shown beside it. A scenario with synthetic layers is replayed with each of them, in
    each calibration.
    """
    from quotemark.report import render_report, write_report  # noqa: PLC0415

    scenario = _scenario_of(what, config_file)
    names = list(engines)
    if len(names) == 1 and scenario.baseline and scenario.baseline not in names:
        names.insert(0, scenario.baseline)
    runs = [
        _run_scenario(scenario, name, variant, phases, reach_bps, in_process)
        for name in names
        for variant in _variants(scenario, name)
    ]
    section = _scenario_section(scenario, runs)
    path = report or REPORT_FOLDER / f"replay-{_file_name(scenario.name)}.html"
    write_report(path, render_report(None, [section]))
    if as_json:
        _print_json(
            {
                "scenario": scenario.name,
                "notice": scenario.notice,
                "engines": [_replay_summary(label, run) for label, run in runs],
                "ablation": section.ablation,
                "sensitivity": section.sensitivity,
                "report": str(path),
            }
        )
        return
    _print_lines([*_section_lines(section), "", f"report: {path}"])


@main.command()
@click.argument("engine")
@in_process_option
@json_option
def smoke(engine: str, in_process: bool, as_json: bool) -> None:
    """Say hello to ENGINE: who it is, and whether each component opens and answers."""
    from quotemark.adapters import running  # noqa: PLC0415
    from quotemark.smoke import smoke_test  # noqa: PLC0415

    with running(engine, in_process=in_process) as under_test:
        result = smoke_test(under_test)
    if as_json:
        _print_json(result)
    else:
        identity = result.identity
        _print_lines(
            [
                f"{identity.name} {identity.version}, protocol {identity.protocol},"
                f" clock {identity.clock}, phases {', '.join(map(str, identity.phases))}",
                *(f"  {component}: {found}" for component, found in result.components.items()),
            ]
        )
    if not result.passed:
        sys.exit(NOT_CONFORMANT)


@main.command()
@click.argument("requirement_id", metavar="ID")
def explain(requirement_id: str) -> None:
    """Print a requirement: its statement, source, and the checks that prove it."""
    from quotemark.errors import InputError  # noqa: PLC0415
    from quotemark.suite.checks import all_checks  # noqa: PLC0415
    from quotemark.suite.register import requirements  # noqa: PLC0415

    found = requirements().get(requirement_id)
    if found is None:
        known = ", ".join(requirements())
        raise InputError(f"requirement is {requirement_id!r}, expected one of {known}")
    lines = [
        f"{found.id}: {found.statement}",
        f"phase: {found.phase or 'all'}",
        f"source: {found.source}",
    ]
    for check in all_checks():
        if found.id in check.proves:
            lines.append(f"check {check.name} on {check.component}: {check.story}")
    _print_lines(lines)


@main.command()
@click.option("--output", type=click.Path(path_type=Path, file_okay=False), help="Folder to fill.")
def schema(output: Path | None) -> None:
    """Print the JSON Schemas of all messages, or write them into a folder."""
    from quotemark.schema import schemas, write_schemas  # noqa: PLC0415

    if output is None:
        _print_json(schemas())
    else:
        write_schemas(output)
        click.echo(f"schemas: {output}")


@main.group(name="import")
def import_() -> None:
    """Make tapes out of recordings."""


@import_.command()
@click.argument("capture", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Tape.")
@click.option("--coin", help="Coin to take, where the capture has several.")
@click.option("--cycle-ms", default=1000, show_default=True, help="Time between quote cycles.")
@json_option
def hyperliquid(
    capture: Path, output: Path, coin: str | None, cycle_ms: int, as_json: bool
) -> None:
    """Import a Hyperliquid websocket capture: JSON lines, with receive times or not, gzip too."""
    from quotemark.hyperliquid import import_capture, write_tape  # noqa: PLC0415

    result = import_capture(capture, coin, cycle_ms)
    write_tape(result.steps, output)
    report = result.report
    if as_json:
        _print_json({"report": report, "tape": str(output)})
        return
    _print_lines(
        [
            f"{report.coin}: {report.span_ms / 1000.0:g} s by {report.clock} time",
            "messages read: " + _counts(report.messages),
            "steps written: " + _counts(report.steps),
            *(
                f"skipped {skipped.count} {reason}, first in line {skipped.first_line}:"
                f" {skipped.detail}"
                for reason, skipped in report.skipped.items()
            ),
            f"reordered: {report.reordered}",
            f"tape: {output}",
        ]
    )


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())


# --- what the commands share ------------------------------------------------------------------


def _scenario_of(what: str, config_file: Path | None) -> Scenario:
    """The scenario of that name, or one made of the tape at that path."""
    import dataclasses  # noqa: PLC0415

    from quotemark.errors import InputError  # noqa: PLC0415
    from quotemark.scenario import load_scenario, scenario_names, tape_scenario  # noqa: PLC0415

    if what in scenario_names():
        scenario = load_scenario(what)
    elif Path(what).exists():
        scenario = tape_scenario(Path(what))
    else:
        raise InputError(
            f"{what!r} is neither a scenario ({', '.join(scenario_names())}) nor a tape"
        )
    changes = _read_config(config_file) if config_file else {}
    return dataclasses.replace(scenario, config={**scenario.config, **changes})


def _read_config(path: Path) -> Json:
    import tomllib  # noqa: PLC0415

    from quotemark.errors import InputError  # noqa: PLC0415

    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {error}") from None


class _Variant(NamedTuple):
    """One of the ways in which an engine is replayed on a scenario."""

    label: str
    calibration: str = ""
    layer: str = ""


def _variants(scenario: Scenario, name: str) -> list[_Variant]:
    """One, or one a calibration and layer, of the engine ``name``."""
    from quotemark.sensitivity import CALIBRATIONS  # noqa: PLC0415

    return [
        _Variant(f"{name}, {calibration}, {layer}", calibration, layer)
        for calibration in CALIBRATIONS
        for layer in scenario.layers
    ] or [_Variant(name)]


def _run_scenario(
    scenario: Scenario,
    name: str,
    variant: _Variant,
    phases: Sequence[int],
    reach_bps: float = 0.0,
    in_process: bool = False,
) -> tuple[str, Replay]:
    from quotemark.adapters import running  # noqa: PLC0415

    with running(name, in_process=in_process) as engine:
        return _run_with(scenario, engine, variant, phases, reach_bps)


def _run_with(
    scenario: Scenario,
    engine: Engine,
    variant: _Variant,
    phases: Sequence[int],
    reach_bps: float = 0.0,
) -> tuple[str, Replay]:
    from quotemark.replay import replay as run_replay  # noqa: PLC0415
    from quotemark.suite.market import gates  # noqa: PLC0415

    had = set(engine.initialize().phases).intersection(phases)
    calibration = {"calibration": variant.calibration} if variant.calibration else {}
    return variant.label, run_replay(
        engine,
        scenario.session,
        {**gates(*had), **calibration, **scenario.config},
        layer=scenario.layer(variant.layer) if variant.layer else (),
        reach_bps=reach_bps,
        fill_price=scenario.fill_price,
        tape_fills=scenario.tape_fills,
    )


def _scenario_section(scenario: Scenario, runs: list[tuple[str, Replay]]) -> ReplaySection:
    from quotemark.ablation import ablation_rows  # noqa: PLC0415
    from quotemark.report import ReplaySection  # noqa: PLC0415
    from quotemark.sensitivity import sensitivity_rows  # noqa: PLC0415

    return ReplaySection(
        title=scenario.title,
        notice=scenario.notice,
        name=scenario.name,
        runs=runs,
        ablation=list(ablation_rows()) if scenario.name == "feb19" else None,
        sensitivity=list(sensitivity_rows()) if scenario.layers else None,
    )


def _section_lines(section: ReplaySection) -> list[str]:
    from quotemark.text import (  # noqa: PLC0415
        ablation_lines,
        replay_lines,
        sensitivity_lines,
        source_lines,
    )

    lines = [section.title, *([section.notice] if section.notice else []), ""]
    lines += replay_lines(section.runs)
    for label, run in section.runs:
        moved = source_lines(label, run)
        lines += ["", *moved] if moved else []
    if section.ablation:
        lines += ["", *ablation_lines(section.ablation)]
    if section.sensitivity:
        lines += ["", *sensitivity_lines(section.sensitivity)]
    return lines


def _replay_summary(label: str, run: Replay) -> Json:
    from quotemark.pushes import insufficient_depths, source_summaries  # noqa: PLC0415

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


@contextmanager
def _progress() -> Iterator[Callable[[int, int, str], None]]:
    """Show which check runs, on a terminal."""
    terminal = sys.stderr.isatty()

    def show(done: int, total: int, check: str) -> None:
        if terminal:
            click.echo(f"\r\033[K{done}/{total} {check}", nl=False, err=True)

    yield show
    if terminal:
        click.echo("\r\033[K", nl=False, err=True)


def _file_name(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name)


def _print_lines(lines: Sequence[str]) -> None:
    click.echo("\n".join(lines))


def _print_json(value: object) -> None:
    import msgspec  # noqa: PLC0415

    click.echo(msgspec.json.format(msgspec.json.encode(value)).decode())
