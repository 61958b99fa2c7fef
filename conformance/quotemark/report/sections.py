"""Replays of a scenario side by side, as a section of the report and of the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import NamedTuple

from quotemark.ablation import AblationRow, ablation_rows
from quotemark.adapters import running
from quotemark.port import Engine
from quotemark.replay import Replay
from quotemark.replay import replay as run_replay
from quotemark.results import CheckResult
from quotemark.scenario import Scenario, load_scenario
from quotemark.sensitivity import CALIBRATIONS, SensitivityRow, sensitivity_rows
from quotemark.suite.market import gates


@dataclass(frozen=True)
class ReplaySection:
    """Replays of one scenario or tape, baseline first, and what is to be shown with them."""

    title: str
    notice: str
    name: str
    runs: list[tuple[str, Replay]]
    ablation: list[AblationRow] | None = None
    checks: list[CheckResult] | None = None
    sensitivity: list[SensitivityRow] | None = None


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
    running_engine: AbstractContextManager[Engine],
    variant: Variant,
    phases: Sequence[int],
    reach_bps: float = 0.0,
) -> tuple[str, Replay]:
    """Replay the scenario's session with the phases that the engine has; its label beside it."""
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


def scenario_section(
    scenario: Scenario, runs: list[tuple[str, Replay]], *, with_ablation: bool = True
) -> ReplaySection:
    """Put the replays of a scenario together, with the tables that belong to it."""
    return ReplaySection(
        title=scenario.title,
        notice=scenario.notice,
        name=scenario.name,
        runs=runs,
        ablation=list(ablation_rows()) if with_ablation and scenario.name == "feb19" else None,
        sensitivity=list(sensitivity_rows()) if scenario.layers else None,
    )


def feb19_section(
    under_test: AbstractContextManager[Engine], label: str, phases: Sequence[int], *, quick: bool
) -> ReplaySection:
    """Feb 19 with baseline and engine; the ablation, which takes its time, not in a quick run."""
    scenario = load_scenario("feb19")
    baseline = scenario.baseline
    runs = [
        run_variant(scenario, running(baseline), Variant(baseline), phases),
        run_variant(scenario, under_test, Variant(label), phases),
    ]
    return scenario_section(scenario, runs, with_ablation=not quick)
