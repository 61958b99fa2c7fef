"""How much the suite refuses: every mutant against the checks that should, and more.

A mutant is killed when a check of the requirement that it breaks fails on it; one that is not
survives, and is a hole in the suite. A check that refuses no mutant is idle: nobody has seen it
fail. Trivial engines are scored beside them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from typing import Literal, NamedTuple, get_args

from msgspec import Struct

from quotemark.adapters import make_engine
from quotemark.builtin import BuiltinEngine
from quotemark.errors import InputError
from quotemark.mutants import MUTANTS
from quotemark.mutants.base import Mutant
from quotemark.mutants.trivial import TRIVIAL
from quotemark.results import requirement_result
from quotemark.suite.bench import Bench
from quotemark.suite.checks import all_checks
from quotemark.suite.register import RegisteredCheck, requirements
from quotemark.suite.runner import DEFAULT_SEED, Progress, run_check
from quotemark.suite.workers import run_side_by_side
from quotemark.supervised import SupervisedEngine

Kind = Literal[
    "statement",
    "metamorphic",
    "rollback",
    "robustness",
    "latency",
    "vectors",
    "agreement",
    "scenario",
    "fuzz",
]
"""Kinds of check, those first that take least to refuse an engine."""
KINDS: tuple[Kind, ...] = get_args(Kind)
KIND_OF_MODULE: dict[str, Kind] = {
    "metamorphic": "metamorphic",
    "rollback": "rollback",
    "robustness": "robustness",
    "port": "robustness",
    "bounds": "robustness",
    "latency": "latency",
    "vectors": "vectors",
    "incidents": "scenario",
    "fuzz": "fuzz",
}


class MutantResult(Struct, frozen=True):
    """A mutant, the checks that it met, and those that refused it.

    It is ``killed`` if one of these bears on the requirement that it breaks.
    """

    mutant: str
    breaks: str
    phase: int
    killed: bool
    met: list[str]
    refused_by: list[str]


class TrivialScore(Struct, frozen=True):
    """How many requirements of a phase a trivial engine meets, and how many it violates."""

    engine: str
    phase: int
    proven: int
    violated: int


class Adequacy(Struct, frozen=True):
    """What became of the mutants; ``idle`` are checks that refused none."""

    mutants: list[MutantResult]
    idle: list[str]
    trivial: list[TrivialScore]

    @property
    def survivors(self) -> list[str]:
        """Names of the mutants that survive."""
        return [result.mutant for result in self.mutants if not result.killed]


def kind_of(check: str) -> Kind:
    """Kind of the check of that name."""
    registered = _checks()[check]
    statement_or_agreement: Kind = (
        "agreement" if all(one.startswith("A-") for one in registered.proves) else "statement"
    )
    return KIND_OF_MODULE.get(check.partition(".")[0], statement_or_agreement)


def quickest_first(checks: Iterable[RegisteredCheck]) -> list[RegisteredCheck]:
    """Checks in the order in which they soonest refuse an engine."""
    return sorted(checks, key=lambda check: KINDS.index(kind_of(check.name)))


# --- mutants ----------------------------------------------------------------------------------


class Trial(NamedTuple):
    """A mutant, and the names of checks that it is to meet."""

    mutant: str
    checks: list[str]


def measure_adequacy(
    names: Collection[str] = (),
    *,
    everything: bool = False,
    workers: int = 1,
    progress: Progress = lambda done, total, mutant: None,
) -> Adequacy:
    """Let every mutant meet the checks of the requirement that it breaks, in a process of its own.

    Checks that so refused none then meet mutants of their own phase or component until one is
    refused. ``everything`` lets every mutant meet every check. ``names`` restricts all of this to
    some mutants, and leaves idle checks and trivial engines out. Raises :class:`InputError` for a
    name that is no mutant's.
    """
    mutants = _named(names)
    matrix = _Matrix(workers)
    matrix.run(_first_trials(mutants, everything), len(mutants), progress)
    if names:
        return Adequacy(matrix.results(mutants), [], [])
    if not everything:
        matrix.run(matrix.trials_of_idle_checks(mutants), len(mutants), progress)
    return Adequacy(matrix.results(mutants), matrix.idle(), trivial_scores())


def _named(names: Collection[str]) -> list[Mutant]:
    unknown = next((name for name in names if name not in MUTANTS), None)
    if unknown is not None:
        raise InputError(f"mutant is {unknown!r}, expected one of {', '.join(MUTANTS)}")
    return [mutant for name, mutant in MUTANTS.items() if name in names or not names]


@cache
def _checks() -> dict[str, RegisteredCheck]:
    return {check.name: check for check in all_checks()}


def _first_trials(mutants: Sequence[Mutant], everything: bool) -> Iterator[Trial]:
    for mutant in mutants:
        wanted = [one for one in all_checks() if everything or mutant.breaks in one.proves]
        yield Trial(mutant.name, [check.name for check in wanted])


class _Matrix:
    """Which mutant met which checks, and which of them refused it."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._met: dict[str, set[str]] = defaultdict(set)
        self._refused_by: dict[str, set[str]] = defaultdict(set)

    def run(self, trials: Iterator[Trial], total: int, progress: Progress) -> None:
        """Run trials, some at a time, and note what they find."""

        def in_turn() -> Iterator[Trial]:
            for done, trial in enumerate(trials):
                progress(done, total, trial.mutant)
                yield trial

        def note(trial: Trial, refused_by: list[str]) -> None:
            self._met[trial.mutant].update(trial.checks)
            self._refused_by[trial.mutant].update(refused_by)

        run_side_by_side(_trying, in_turn(), self._workers, note)

    def idle(self) -> list[str]:
        """Checks that have refused no mutant so far."""
        busy = set().union(*self._refused_by.values())
        return [name for name in _checks() if name not in busy]

    def trials_of_idle_checks(self, mutants: Sequence[Mutant]) -> Iterator[Trial]:
        """Trials of what is idle when they begin, by mutants of its own phase or component."""
        for mutant in mutants:
            fresh = _related(mutant) - self._met[mutant.name]
            wanted = [name for name in self.idle() if name in fresh]
            if wanted:
                yield Trial(mutant.name, wanted)

    def results(self, mutants: Sequence[Mutant]) -> list[MutantResult]:
        """What was noted, by mutant; checks in the order of the suite."""
        return [
            MutantResult(
                mutant=mutant.name,
                breaks=mutant.breaks,
                phase=requirements()[mutant.breaks].phase,
                killed=any(
                    mutant.breaks in _checks()[name].proves
                    for name in self._refused_by[mutant.name]
                ),
                met=[name for name in _checks() if name in self._met[mutant.name]],
                refused_by=[name for name in _checks() if name in self._refused_by[mutant.name]],
            )
            for mutant in mutants
        ]


def _related(mutant: Mutant) -> set[str]:
    """Checks of the phase whose requirement the mutant breaks, and of its component."""
    phase = requirements()[mutant.breaks].phase
    components = {one.component for one in all_checks() if mutant.breaks in one.proves}
    return {
        check.name
        for check in all_checks()
        if check.component in components - {"engine"}
        or any(requirements()[one].phase == phase for one in check.proves)
    }


@contextmanager
def _trying() -> Iterator[Callable[[Trial], list[str]]]:
    yield refusals


def refusals(trial: Trial) -> list[str]:
    """Run a mutant in a process of its own, and name the checks of the trial that refuse it."""
    with bench_of(f"mutant:{trial.mutant}") as bench:
        results = [run_check(bench, _checks()[name]) for name in trial.checks]
    return [result.check for result in results if result.status == "failed"]


@contextmanager
def bench_of(engine: str) -> Iterator[Bench]:
    """Start the engine of that name for as long as checks run on it."""
    supervised = SupervisedEngine(partial(make_engine, engine))
    try:
        yield Bench(supervised, supervised.initialize(), BuiltinEngine(), DEFAULT_SEED)
    finally:
        supervised.shutdown()


# --- trivial engines --------------------------------------------------------------------------


def trivial_scores() -> list[TrivialScore]:
    """Requirements that each trivial engine meets and violates, phase by phase."""
    return [score for name in TRIVIAL for score in scores_of(name)]


def scores_of(name: str) -> list[TrivialScore]:
    """Requirements that the trivial engine of that name meets and violates, phase by phase."""
    results = []
    violated: set[str] = set()
    with bench_of(f"trivial:{name}") as bench:
        for check in quickest_first(all_checks()):
            if violated.issuperset(check.proves):
                continue  # whatever it finds, they stay violated
            result = run_check(bench, check)
            results.append(result)
            if result.status == "failed":
                violated.update(check.proves)
    counts: Counter[tuple[int, str]] = Counter()
    for requirement in requirements().values():
        of_it = [result for result in results if requirement.id in result.proves]
        counts[requirement.phase, requirement_result(requirement, of_it).status] += 1
    phases = sorted({phase for phase, _ in counts})
    return [
        TrivialScore(name, phase, counts[phase, "proven"], counts[phase, "violated"])
        for phase in phases
    ]
