"""The incidents as outcomes: every one replayed with a phase's flag on, and without."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from typing import NamedTuple

from quotemark.errors import EngineError, InputError
from quotemark.gate_sets import GateSet, gates_around, named, switches
from quotemark.messages import Json
from quotemark.outcomes import Ends, Incident, Outcome, PhaseOutcomes
from quotemark.port import Engine
from quotemark.replay import Frame, Replay, replay
from quotemark.scenario import load_scenario, scenario_names
from quotemark.suite.feb19 import largest_position
from quotemark.suite.runner import Progress, StartEngine
from quotemark.suite.workers import run_side_by_side
from quotemark.supervised import SupervisedEngine


def incidents() -> Iterator[Incident]:
    """Every tape of every scenario, with each layer, for each reach of its aggressors."""
    for name in scenario_names():
        scenario = load_scenario(name)
        for tape in scenario.tapes:
            for layer in scenario.layers or [""]:
                for reach_bps in scenario.reach_bps if tape == "session" else (0.0,):
                    yield Incident(name, tape, layer, reach_bps)


class IncidentSteps(NamedTuple):
    """What an incident replays: its tape, and the readings of its layer."""

    tape: list[Json]
    layer: list[Json]


def incident_steps(incident: Incident) -> IncidentSteps:
    """Read the tape and the layer of an incident."""
    scenario = load_scenario(incident.scenario)
    layer = scenario.layer(incident.layer) if incident.layer else []
    return IncidentSteps(scenario.tape(incident.tape), layer)


def run_incident(
    engine: Engine,
    incident: Incident,
    on: GateSet,
    config: Json,
    steps: IncidentSteps | None = None,
) -> Replay:
    """Replay an incident with the gates of ``on``, and ``config`` over the scenario's.

    ``steps`` are those of the incident, or what is left of them; without, they are read.
    """
    scenario = load_scenario(incident.scenario)
    tape, layer = steps or incident_steps(incident)
    return replay(
        engine,
        tape,
        {**scenario.config, **config, **switches(on)},
        layer=layer,
        reach_bps=incident.reach_bps,
        fill_price=scenario.fill_price,
        tape_fills=scenario.tape_fills,
    )


def outcome_of(run: Replay) -> Outcome:
    """Sum up a replay."""
    last_mid = run.frames[-1].mid if run.frames else 0.0
    return Outcome(
        net=run.account.net,
        largest_position=largest_position(run),
        unquoted_ms=sum(
            after.t_ms - frame.t_ms
            for frame, after in pairwise(run.frames)
            if _lacks_a_quote(frame, last_mid)
        ),
    )


def _lacks_a_quote(frame: Frame, last_mid: float) -> bool:
    """Whether nothing rests, or nothing that would reduce a position which loses to the end."""
    bids, asks = frame.observation.get("bids"), frame.observation.get("asks")
    if not (bids or asks):
        return True
    loses = frame.position * (last_mid - frame.mid) < 0.0
    return loses and not (asks if frame.position > 0.0 else bids)


# --- a phase beside the engine without it -----------------------------------------------------


def measure_outcomes(
    start: StartEngine,
    phases: Collection[int],
    standing: Collection[int],
    config: Json,
    workers: int,
    progress: Progress = lambda done, total, what: None,
) -> list[PhaseOutcomes]:
    """Replay every incident with the flag of each of ``phases`` on and without, under ``config``.

    ``start`` makes the engine and must be picklable. The phases of ``standing`` are on beside it,
    unless they need it.
    """
    pairs = {phase: gates_around(phase, standing) for phase in phases}
    wanted = sorted({some for pair in pairs.values() for some in pair})
    ends: dict[GateSet, list[Outcome] | str] = {}

    def note(some: GateSet, found: list[Outcome] | str) -> None:
        ends[some] = found
        progress(len(ends), len(wanted), f"incidents with phases {named(some)}")

    run_side_by_side(partial(_opened, start, config), iter(wanted), workers, note)
    return [_phase_outcomes(phase, *pair, ends) for phase, pair in pairs.items()]


def _phase_outcomes(
    phase: int,
    with_phase: GateSet,
    without: GateSet,
    ends: Mapping[GateSet, list[Outcome] | str],
) -> PhaseOutcomes:
    one, other = ends[with_phase], ends[without]
    if isinstance(one, str) or isinstance(other, str):
        reason = one if isinstance(one, str) else str(other)
        return PhaseOutcomes(phase, with_phase, without, [], reason)
    ended = [Ends(*those) for those in zip(incidents(), one, other, strict=True)]
    return PhaseOutcomes(phase, with_phase, without, ended)


@contextmanager
def _opened(start: StartEngine, config: Json) -> Iterator[Callable[[GateSet], list[Outcome] | str]]:
    """Open an engine, and give what runs the incidents on it with a set of gates."""
    engine = SupervisedEngine(start)
    try:
        yield lambda on: _outcomes(engine, on, config)
    finally:
        engine.shutdown()


def _outcomes(engine: SupervisedEngine, on: GateSet, config: Json) -> list[Outcome] | str:
    """How the incidents end, or why they cannot be run."""
    try:
        return [outcome_of(run_incident(engine, one, on, config)) for one in incidents()]
    except InputError as refused:
        return f"phases {named(on)}: {refused}"
    except EngineError as fault:
        return f"phases {named(on)}: {engine.recover(fault)}"
