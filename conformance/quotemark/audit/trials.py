"""Try the plan: all closed gate sets on all incidents in both calibrations, phase against phase."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, partial
from itertools import product
from typing import NamedTuple, TypeAlias, TypeVar

from quotemark.audit.comparison import (
    CALIBRATIONS,
    MEASURES,
    OUTCOMES,
    STANDING_BPS_PER_S,
    Calibration,
    Comparison,
    Drifts,
    Effect,
    Measure,
    drifts_of,
    effect,
    erased,
    figure,
)
from quotemark.audit.cut import cut
from quotemark.audit.findings import Audit, Finding, Shown
from quotemark.audit.shipped import scenarios_digest
from quotemark.builtin import reference, reference_digest
from quotemark.gate_sets import GateSet, active, closed_gate_sets
from quotemark.incidents import IncidentSteps, incident_steps, outcome_of, run_incident
from quotemark.outcomes import ROUNDING, Incident, Outcome
from quotemark.suite.market import GATES
from quotemark.suite.runner import Progress
from quotemark.suite.workers import run_side_by_side
from quotemark.venue import Fill

Task = TypeVar("Task")
Result = TypeVar("Result")

Trial: TypeAlias = tuple[Calibration, GateSet]
"""A calibration and the phases that are on."""

Cell: TypeAlias = tuple[int, Calibration, Measure]
"""A cell of the table."""


class _Ended(NamedTuple):
    """How a replay ended, what its drift was, and what filled."""

    outcome: Outcome
    drifts: Drifts
    fills: list[Fill]


Ended: TypeAlias = Mapping[Trial, Mapping[Incident, _Ended]]


def audit_plan(
    tried: Sequence[Incident],
    workers: int,
    progress: Progress = lambda done, total, what: None,
) -> Audit:
    """Audit the plan on the incidents ``tried``; how many ``workers`` share it changes nothing."""
    trials = [(calibration, on) for calibration in CALIBRATIONS for on in closed_gate_sets()]
    ended = _all_done(partial(_replayed, tried), trials, workers, progress, "sets of gates")
    apart = [one for one in comparisons(tried) if _fills_apart(one, ended)]
    drifts = _all_done(_drift_erased, apart, workers, progress, "drifts on the same steps")
    shown: defaultdict[Cell, list[Shown]] = defaultdict(list)
    for one in comparisons(tried):
        for measure, found in _effects(one, ended, drifts):
            shown[one.phase, one.calibration, measure].append(Shown(one, found))
    simplest = {
        cell: (_simplest(worse, cell[2]), cell[2])
        for cell, compared in shown.items()
        if (worse := _worse(compared, cell[2]))
    }
    cuts = _all_done(_cut, list(simplest.values()), workers, progress, "smallest cases")
    return Audit(
        reference_digest=reference_digest(),
        scenarios_digest=scenarios_digest(),
        closed_gate_sets=len(closed_gate_sets()),
        incidents=len(tried),
        findings=[
            _finding(cell, shown[cell], cuts[simplest[cell]] if cell in simplest else None)
            for cell in product(GATES, CALIBRATIONS, MEASURES)
        ],
    )


def comparisons(tried: Sequence[Incident]) -> Iterator[Comparison]:
    """Every phase beside every closed set that it can be added to, on each incident."""
    for calibration in CALIBRATIONS:
        for phase in GATES:
            for beside in closed_gate_sets():
                if phase not in beside and phase in active({*beside, phase}):
                    for incident in tried:
                        yield Comparison(phase, beside, calibration, incident)


# --- work for the processes -------------------------------------------------------------------


def _all_done(
    do: Callable[[Task], Result],
    tasks: Sequence[Task],
    workers: int,
    progress: Progress,
    what: str,
) -> dict[Task, Result]:
    """Do all tasks side by side, and give what each came to."""
    found: dict[Task, Result] = {}

    def note(task: Task, result: Result) -> None:
        found[task] = result
        progress(len(found), len(tasks), what)

    run_side_by_side(partial(_ready, do), iter(tasks), workers, note)
    return found


@contextmanager
def _ready(do: Callable[[Task], Result]) -> Iterator[Callable[[Task], Result]]:
    yield do


@cache
def _steps(incident: Incident) -> IncidentSteps:
    return incident_steps(incident)


def _replayed(tried: Sequence[Incident], trial: Trial) -> dict[Incident, _Ended]:
    """Replay the incidents with these gates."""
    calibration, on = trial
    config = {"calibration": calibration}
    runs = {
        incident: run_incident(reference(), incident, on, config, _steps(incident))
        for incident in tried
    }
    return {
        incident: _Ended(outcome_of(run), drifts_of(run), run.fills)
        for incident, run in runs.items()
    }


def _drift_erased(comparison: Comparison) -> Effect | None:
    return effect(comparison, "drift_erased", _steps(comparison.incident))


def _cut(task: tuple[Comparison, Measure]) -> Shown:
    return cut(*task)


# --- what they found --------------------------------------------------------------------------


def _pair(one: Comparison, ended: Ended) -> tuple[_Ended, _Ended]:
    """How the incident ended without the phase and with it."""
    return (
        ended[one.calibration, one.beside][one.incident],
        ended[one.calibration, one.with_phase][one.incident],
    )


def _fills_apart(one: Comparison, ended: Ended) -> bool:
    """Whether a drift stands and the fills differ; where they do not, both saw the same steps."""
    without, with_phase = _pair(one, ended)
    stands = any(abs(drift) >= STANDING_BPS_PER_S for _, drift in without.drifts)
    return stands and without.fills != with_phase.fills


def _effects(
    one: Comparison, ended: Ended, drifts: Mapping[Comparison, Effect | None]
) -> Iterator[tuple[Measure, Effect]]:
    """Every measure of a comparison, drift erased where a drift stands."""
    without, with_phase = _pair(one, ended)
    for measure in OUTCOMES:
        yield (
            measure,
            Effect(figure(without.outcome, measure), figure(with_phase.outcome, measure)),
        )
    found = drifts[one] if one in drifts else erased(without.drifts, with_phase.drifts)
    if found is not None:
        yield "drift_erased", found


def _worse(compared: Sequence[Shown], measure: Measure) -> list[Shown]:
    return [one for one in compared if one.effect.is_worse(measure)]


def _simplest(worse: Sequence[Shown], measure: Measure) -> Comparison:
    """Of the fewest phases, then the least reach, the one in which it is worst."""
    return min(
        worse,
        key=lambda one: (
            len(one.comparison.beside),
            one.comparison.incident.reach_bps,
            -one.effect.extent(measure),
        ),
    ).comparison


def _finding(cell: Cell, compared: Sequence[Shown], smallest: Shown | None) -> Finding:
    phase, calibration, measure = cell
    worse = _worse(compared, measure)
    worst = max(compared, key=lambda one: one.effect.extent(measure), default=None)
    if worst is not None and worst.effect.extent(measure) <= ROUNDING:
        worst = None
    return Finding(
        phase=phase,
        calibration=calibration,
        measure=measure,
        compared=len(compared),
        worse=len(worse),
        beside=list(dict.fromkeys(one.comparison.beside for one in worse)),
        incidents=list(dict.fromkeys(str(one.comparison.incident) for one in worse)),
        worst=worst,
        smallest=smallest,
    )
