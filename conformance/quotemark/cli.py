"""The command line: certify, reproduce, fuzz, replay, smoke, explain, mutants, vectors and others.

Exit codes: 0 conformant, 1 not, 2 a mistake in what was asked, 3 the engine could not be run,
4 not conformant for stale waivers alone, 130 interrupted. Results go to stdout, progress to stderr
and only on a terminal.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
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
STALE_WAIVER = 4
INTERRUPTED = 130

REPORT_FOLDER = Path("quotemark-report")
ALL_PHASES = (1, 2, 3, 4, 5, 6, 7, 8)

Command = TypeVar("Command", bound=Callable[..., Any])


class Quotemark(click.Group):
    """Turns the expected failures of every command into a message and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's own signature
        """Run the command."""
        from quotemark.errors import EngineError, InputError  # noqa: PLC0415 - --version stays quick

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
    stdio:COMMAND, mutant:NAME or trivial:NAME.
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
workers_option = click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=min(2, os.cpu_count() or 1),
    show_default=True,
    help="Processes that share the checks, each with an engine of its own.",
)
timeout_option = click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=0.0, min_open=True),
    default=10.0,
    show_default=True,
    help="Seconds that an answer may take.",
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
@click.option("--quick", is_flag=True, help="Fewer fuzz steps, without the longest checks.")
@click.option("--steps", type=click.IntRange(min=1), help="Fuzz steps; 200000, or 20000 if quick.")
@workers_option
@timeout_option
@click.option(
    "--waivers",
    "waiver_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
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
    from quotemark.adapters import make_engine, running  # noqa: PLC0415
    from quotemark.errors import EngineError, InputError  # noqa: PLC0415
    from quotemark.events import event_log  # noqa: PLC0415
    from quotemark.failures import FailureFolder  # noqa: PLC0415
    from quotemark.files import write_whole  # noqa: PLC0415
    from quotemark.report import render_report  # noqa: PLC0415
    from quotemark.suite.runner import certify as run_suite  # noqa: PLC0415
    from quotemark.text import certification_lines  # noqa: PLC0415
    from quotemark.waivers import load_waivers  # noqa: PLC0415

    waivers = load_waivers(waiver_file) if waiver_file else []
    folder = report.parent if report else REPORT_FOLDER
    with _progress() as show:
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
            sections.append(_feb19(under_test, identity.name, phases, quick=quick))
    except (InputError, EngineError) as error:  # the certification stands without it
        lines = [f"Feb 19 is not shown: {error}", ""]
    report_path = report or REPORT_FOLDER / f"certify-{_file_name(identity.name)}.html"
    log_path = log or report_path.with_suffix(".jsonl")
    if log_path == report_path:
        raise InputError(f"{log_path}: report and event log are one file, expected two")
    write_whole(report_path, render_report(certification, sections))
    write_whole(log_path, event_log(certification))
    if as_json:
        _print_json(
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
            lines += [*_section_lines(section), ""]
        lines += certification_lines(certification)
        _print_lines([*lines, f"report: {report_path}", f"event log: {log_path}"])
    if not certification.sound:
        sys.exit(NOT_CONFORMANT)
    if not certification.conformant:
        sys.exit(STALE_WAIVER)


@main.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--engine", required=True, help="Engine to run it on.")
@timeout_option
@in_process_option
@json_option
def reproduce(file: Path, engine: str, timeout_s: float, in_process: bool, as_json: bool) -> None:
    """Run again what certify saved in FILE: FAILED (exit code 1) or FIXED (0).

    Judged by what the suite expects now; where that has changed since, it is said.
    """
    from quotemark.adapters import make_engine  # noqa: PLC0415
    from quotemark.failures import load_failure  # noqa: PLC0415
    from quotemark.reproduce import reproduce as run_again  # noqa: PLC0415

    start = partial(make_engine, engine, in_process=in_process, timeout_s=timeout_s)
    found = run_again(load_failure(file), start)
    if as_json:
        _print_json({"verdict": found.verdict, "reproduction": found})
    else:
        _print_lines([*found.lines, found.verdict])
    if not found.fixed:
        sys.exit(NOT_CONFORMANT)


@main.command()
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
    from quotemark.adapters import make_engine  # noqa: PLC0415
    from quotemark.failures import FailureFolder  # noqa: PLC0415
    from quotemark.fuzz.campaign import campaign  # noqa: PLC0415
    from quotemark.text import campaign_line, round_lines  # noqa: PLC0415

    rounds = []
    with _progress() as show:
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
                _print_lines(round_lines(finished))
    if as_json:
        _print_json({"conformant": not rounds[-1].failed, "rounds": rounds})
    else:
        _print_lines([campaign_line(rounds)])
    if rounds[-1].failed:
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
    from quotemark.adapters import running  # noqa: PLC0415
    from quotemark.files import write_whole  # noqa: PLC0415
    from quotemark.report import render_report  # noqa: PLC0415

    scenario = _scenario_of(what, config_file)
    names = list(engines)
    if len(names) == 1 and scenario.baseline and scenario.baseline not in names:
        names.insert(0, scenario.baseline)
    runs = [
        _run_scenario(scenario, running(name, in_process=in_process), variant, phases, reach_bps)
        for name in names
        for variant in _variants(scenario, name)
    ]
    section = _scenario_section(scenario, runs)
    path = report or REPORT_FOLDER / f"replay-{_file_name(scenario.name)}.html"
    write_whole(path, render_report(None, [section]))
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
@json_option
def explain(requirement_id: str, as_json: bool) -> None:
    """Print a requirement, the checks that prove it, and the mutants that break it."""
    from quotemark.explanation import explain as explained  # noqa: PLC0415
    from quotemark.text import explanation_lines  # noqa: PLC0415

    explanation = explained(requirement_id)
    if as_json:
        _print_json(explanation)
    else:
        _print_lines(explanation_lines(explanation))


@main.command()
@click.argument("names", nargs=-1, metavar="[MUTANT]...")
@click.option("--all", "everything", is_flag=True, help="Let every mutant meet every check.")
@workers_option
@json_option
def mutants(names: tuple[str, ...], everything: bool, workers: int, as_json: bool) -> None:
    """Show which checks refuse which mutants of the reference, and which refuse none.

    Each mutant, or each MUTANT named, meets the checks of the requirement that it breaks. Exits
    with 1 if one survives them. Trivial engines are scored beside them.
    """
    from quotemark.mutants.adequacy import measure_adequacy  # noqa: PLC0415
    from quotemark.text import adequacy_lines  # noqa: PLC0415

    with _progress() as show:
        adequacy = measure_adequacy(names, everything=everything, workers=workers, progress=show)
    if as_json:
        _print_json(adequacy)
    else:
        _print_lines(adequacy_lines(adequacy))
    if adequacy.survivors:
        sys.exit(NOT_CONFORMANT)


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


@main.group()
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
    from quotemark.golden import building  # noqa: PLC0415
    from quotemark.golden.folder import SHIPPED  # noqa: PLC0415

    built = building.build()
    folder = SHIPPED if in_place else output.resolve()
    manifest = building.rewrite_shipped(built) if in_place else building.write(built, folder)
    if as_json:
        _print_json({"folder": str(folder), "manifest": manifest})
        return
    entries = manifest.files.values()
    cases, steps = sum(one.cases for one in entries), sum(one.steps for one in entries)
    _print_lines([f"vectors of suite {manifest.suite}: {cases} cases, {steps} steps, in {folder}"])


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
    from quotemark.adapters import running  # noqa: PLC0415
    from quotemark.golden.folder import SHIPPED  # noqa: PLC0415
    from quotemark.golden.verifying import verify as hold_against  # noqa: PLC0415

    place = folder or SHIPPED
    with running(engine, in_process=in_process, timeout_s=timeout_s) as under_test:
        found = hold_against(under_test, place)
    if as_json:
        _print_json({"passed": found.passed, "folder": str(place), "verification": found})
    else:
        _print_lines([str(found)])
    if not found.passed:
        sys.exit(NOT_CONFORMANT)


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
    running_engine: AbstractContextManager[Engine],
    variant: _Variant,
    phases: Sequence[int],
    reach_bps: float = 0.0,
) -> tuple[str, Replay]:
    from quotemark.replay import replay as run_replay  # noqa: PLC0415
    from quotemark.suite.market import gates  # noqa: PLC0415

    calibration = {"calibration": variant.calibration} if variant.calibration else {}
    with running_engine as engine:
        had = set(engine.initialize().phases).intersection(phases)
        return variant.label, run_replay(
            engine,
            scenario.session,
            {**gates(*had), **calibration, **scenario.config},
            layer=scenario.layer(variant.layer) if variant.layer else (),
            reach_bps=reach_bps,
            fill_price=scenario.fill_price,
            tape_fills=scenario.tape_fills,
        )


def _feb19(
    under_test: AbstractContextManager[Engine], label: str, phases: Sequence[int], *, quick: bool
) -> ReplaySection:
    """Feb 19 with baseline and engine; the ablation, which takes its time, not in a quick run."""
    from quotemark.adapters import running  # noqa: PLC0415
    from quotemark.scenario import load_scenario  # noqa: PLC0415

    scenario = load_scenario("feb19")
    baseline = scenario.baseline
    runs = [
        _run_scenario(scenario, running(baseline), _Variant(baseline), phases),
        _run_scenario(scenario, under_test, _Variant(label), phases),
    ]
    return _scenario_section(scenario, runs, with_ablation=not quick)


def _scenario_section(
    scenario: Scenario, runs: list[tuple[str, Replay]], *, with_ablation: bool = True
) -> ReplaySection:
    from quotemark.ablation import ablation_rows  # noqa: PLC0415
    from quotemark.report import ReplaySection  # noqa: PLC0415
    from quotemark.sensitivity import sensitivity_rows  # noqa: PLC0415

    return ReplaySection(
        title=scenario.title,
        notice=scenario.notice,
        name=scenario.name,
        runs=runs,
        ablation=list(ablation_rows()) if with_ablation and scenario.name == "feb19" else None,
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

    try:
        yield show
    finally:
        if terminal:
            click.echo("\r\033[K", nl=False, err=True)


def _file_name(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name)


def _print_lines(lines: Sequence[str]) -> None:
    click.echo("\n".join(lines))


def _print_json(value: object) -> None:
    import msgspec  # noqa: PLC0415

    click.echo(msgspec.json.format(msgspec.json.encode(value)).decode())
