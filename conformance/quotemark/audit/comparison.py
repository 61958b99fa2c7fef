"""One comparison: the reference with a phase and without it, on an incident or what is kept of it.

Four measures. Loss, inventory and liveness are those of :mod:`quotemark.outcomes`, each engine
quoting for itself. *Drift erased* is the share of a standing drift that is gone with the phase.
Own fills are observations of the drift too, and an engine that quotes otherwise is filled
otherwise. So for this measure both see the same steps, own fills included: those of the engine
without the phase.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias, get_args

from msgspec import Struct

from quotemark.builtin import reference
from quotemark.case import Case, trace
from quotemark.gate_sets import GateSet, active, named, switches
from quotemark.incidents import IncidentSteps, incident_steps, outcome_of, run_incident
from quotemark.messages import Json, Ok
from quotemark.outcomes import ROUNDING, Incident, Outcome
from quotemark.replay import Replay

Calibration = Literal["plan", "calibrated"]
Measure = Literal["loss", "inventory", "liveness", "drift_erased"]
CALIBRATIONS: tuple[Calibration, ...] = get_args(Calibration)
MEASURES: tuple[Measure, ...] = get_args(Measure)
OUTCOMES = MEASURES[:3]

Drifts: TypeAlias = Sequence[tuple[int, float]]
"""Time and drift of every cycle of a replay."""

STANDING_BPS_PER_S = 3.0
"""|drift| from which on it stands; below minus this, no bid may rest on Feb 19."""

MOSTLY_GONE = 0.5
"""Share of a standing drift from which on a phase is said to have made it worse."""


class Kept(Struct, frozen=True):
    """What is kept of an incident: lines of its tape and of its layer, the first being 1."""

    tape: list[int]
    layer: list[int]


class Comparison(Struct, frozen=True):
    """A phase beside those of ``beside``, and these without it; ``kept`` unset is all."""

    phase: int
    beside: GateSet
    calibration: Calibration
    incident: Incident
    kept: Kept | None = None

    @property
    def with_phase(self) -> GateSet:
        """Phases that are on with it."""
        return active({*self.beside, self.phase})

    def __str__(self) -> str:
        others = named(self.beside)
        return f"phase {self.phase} beside {others}, {self.calibration}, on {self.incident}"


class Effect(Struct, frozen=True):
    """What a measure is with the phase and without it.

    Loss in quote currency, inventory in contracts, liveness in ms, drift in bp/s at the cycle
    ``t_ms``, of all cycles in which it stands the one where the largest share of it is gone.
    """

    without: float
    with_phase: float
    t_ms: int | None = None

    def extent(self, measure: Measure) -> float:
        """How much worse it is: the difference; of a drift the share gone, above 1 if it turned."""
        if measure == "drift_erased":
            return 1.0 - self.with_phase / self.without
        return self.with_phase - self.without

    def is_worse(self, measure: Measure) -> bool:
        """Whether the phase makes it worse; of a standing drift, whether half or more is gone."""
        if measure == "drift_erased":
            return self.extent(measure) >= MOSTLY_GONE
        return self.extent(measure) > ROUNDING


def effect(
    comparison: Comparison, measure: Measure, steps: IncidentSteps | None = None
) -> Effect | None:
    """Measure it; ``None`` where no drift stands. ``steps``, if given, are what is kept."""
    steps = steps or kept_steps(comparison)
    without = run(comparison, comparison.beside, steps)
    if measure == "drift_erased":
        return erased(drifts_of(without), drifts_over(without, comparison.with_phase))
    with_phase = run(comparison, comparison.with_phase, steps)
    return Effect(
        figure(outcome_of(without), measure),
        figure(outcome_of(with_phase), measure),
    )


def kept_steps(comparison: Comparison) -> IncidentSteps:
    """Steps of the incident that are kept."""
    steps, kept = incident_steps(comparison.incident), comparison.kept
    if kept is None:
        return steps
    return IncidentSteps(
        [steps.tape[line - 1] for line in kept.tape],
        [steps.layer[line - 1] for line in kept.layer],
    )


def run(comparison: Comparison, on: GateSet, steps: IncidentSteps) -> Replay:
    """Let the reference quote over the steps with the phases of ``on``."""
    config = {"calibration": comparison.calibration}
    return run_incident(reference(), comparison.incident, on, config, steps)


def figure(outcome: Outcome, measure: Measure) -> float:
    """Figure of an outcome that a measure compares."""
    if measure == "loss":
        return outcome.loss
    return outcome.largest_position if measure == "inventory" else float(outcome.unquoted_ms)


# --- drift erased -----------------------------------------------------------------------------


def drifts_of(replayed: Replay) -> Drifts:
    """Time and drift of every cycle."""
    return [
        (frame.t_ms, frame.observation["drift_bps_per_s"])
        for frame in replayed.frames
        if frame.observation
    ]


def drifts_over(seen: Replay, on: GateSet) -> Drifts:
    """Time and drift of every cycle of an engine with ``on`` that is shown what another saw."""
    return [(step["t_ms"], cycle["drift_bps_per_s"]) for step, cycle in cycles_over(seen, on)]


def cycles_over(seen: Replay, on: GateSet) -> list[tuple[Json, Json]]:
    """Cycles, step and observation, of an engine with ``on`` that is shown what another saw."""
    case = Case("engine", {**seen.config, **switches(on)}, seen.steps)
    answers = trace(reference(), case, "audit", seed=0).answers
    return [
        (step, answer.observation)
        for step, answer in zip(seen.steps, answers, strict=True)
        if step["step"] == "cycle" and isinstance(answer, Ok)
    ]


def erased(without: Drifts, with_phase: Drifts) -> Effect | None:
    """Return the cycle at which the largest share of a standing drift is gone with the phase."""
    standing = [
        Effect(one, other, t_ms)
        for (t_ms, one), (_, other) in zip(without, with_phase, strict=True)
        if abs(one) >= STANDING_BPS_PER_S
    ]
    return max(standing, key=lambda found: found.extent("drift_erased"), default=None)
