"""Replays of a scenario side by side, as a section of the report and of the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from quotemark.ablation import AblationRow, ablation_rows
from quotemark.adapters import running
from quotemark.errors import EngineError, InputError
from quotemark.port import Engine
from quotemark.replay import Replay
from quotemark.replay import replay as run_replay
from quotemark.results import CheckResult
from quotemark.scenario import Scenario, load_scenario, scenario_names
from quotemark.sensitivity import CALIBRATIONS, SensitivityRow, sensitivity_rows
from quotemark.suite.market import gates
from quotemark.supervised import SupervisedEngine

FIRST = "feb19"
"""The scenario that is shown first, and alone in a quick run."""


@dataclass(frozen=True)
class ReplaySection:
    """Replays of one scenario or tape, baseline first, and what is to be shown with them.

    ``trouble`` says why the engine is not among them, where it could not be replayed.
    """

    title: str
    notice: str
    name: str
    runs: list[tuple[str, Replay]]
    ablation: list[AblationRow] | None = None
    checks: list[CheckResult] | None = None
    sensitivity: list[SensitivityRow] | None = None
    trouble: str = ""


class Variant(NamedTuple):
    """One of the ways in which an engine is replayed on a scenario."""

    label: str
    calibration: str = ""
    layer: str = ""


def variants(scenario: Scenario, name: str) -> Iterator[Variant]:
    """One, or one a calibration and layer, of the engine ``name``."""
    if not scenario.layers:
        yield Variant(name)
    for calibration in CALIBRATIONS:
        for layer in scenario.layers:
            yield Variant(f"{name}, {calibration}, {layer}", calibration, layer)


def run_variant(
    scenario: Scenario,
    engine: Engine,
    variant: Variant,
    phases: Sequence[int],
    reach_bps: float = 0.0,
) -> tuple[str, Replay]:
    """Replay the scenario's session with the phases that the engine has; its label beside it."""
    calibration = {"calibration": variant.calibration} if variant.calibration else {}
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


def scenario_section(scenario: Scenario, runs: list[tuple[str, Replay]]) -> ReplaySection:
    """Put the replays of a scenario together, with the tables that belong to it."""
    return ReplaySection(
        title=scenario.title,
        notice=scenario.notice,
        name=scenario.name,
        runs=runs,
        ablation=list(ablation_rows()) if scenario.name == FIRST else None,
        sensitivity=list(sensitivity_rows()) if scenario.layers else None,
    )


# --- beside a certification -------------------------------------------------------------------


def certified_sections(
    engine: SupervisedEngine, label: str, phases: Sequence[int], *, quick: bool
) -> list[ReplaySection]:
    """Every scenario with baseline and engine; in a quick run Feb 19 alone, without its ablation.

    Of a scenario with layers each is shown in the default calibration only. A scenario that the
    engine refuses, or breaks on, says so and leaves the others as they are.
    """
    others = [name for name in scenario_names() if name != FIRST and not quick]
    return [
        _certified_section(engine, load_scenario(name), label, phases, quick=quick)
        for name in (FIRST, *others)
    ]


def _certified_section(
    engine: SupervisedEngine, scenario: Scenario, label: str, phases: Sequence[int], *, quick: bool
) -> ReplaySection:
    runs, trouble = [], ""
    if scenario.baseline:
        with running(scenario.baseline) as baseline:
            runs.append(run_variant(scenario, baseline, Variant(scenario.baseline), phases))
    try:
        for variant in variants(scenario, label):
            if variant.calibration in ("", CALIBRATIONS[0]):
                runs.append(run_variant(scenario, engine, variant, phases))
    except InputError as refused:
        trouble = str(refused)
    except EngineError as fault:
        trouble = engine.recover(fault)
    return ReplaySection(
        title=scenario.title,
        notice=scenario.notice,
        name=scenario.name,
        runs=runs,
        ablation=list(ablation_rows()) if scenario.name == FIRST and not quick else None,
        trouble=trouble,
    )
