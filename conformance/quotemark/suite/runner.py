"""Run the suite against an engine and judge it, requirement by requirement."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from functools import partial

from quotemark import __version__
from quotemark.builtin import BuiltinEngine
from quotemark.errors import EngineError, InputError
from quotemark.failures import FailureFolder, save_failures
from quotemark.messages import LEVEL_0_FIELDS, OBSERVATIONS, Identity, Json, component_fields
from quotemark.port import Engine
from quotemark.results import (
    Certification,
    CheckResult,
    CheckStatus,
    DivergenceSeries,
    FailingCase,
    Profile,
    Waiver,
    requirement_result,
)
from quotemark.suite.bench import (
    Bench,
    PhaseUnsupportedError,
    RollbackUnsupportedError,
    ViolationError,
)
from quotemark.suite.checks import all_checks, checks_of
from quotemark.suite.patience import reason_not_to_run
from quotemark.suite.register import EVERY_COMPONENT, RegisteredCheck, requirements_of
from quotemark.suite.workers import run_side_by_side
from quotemark.supervised import SupervisedEngine
from quotemark.waivers import apply_waivers

DEFAULT_SEED = 20260219
FUZZ_STEPS: dict[Profile, int] = {"default": 200_000, "quick": 20_000}

NO_LEGACY_PATH = "no legacy path in this engine"
"""How the message of a check begins that a way back would have proven."""

StartEngine = Callable[[], Engine]
OpenBench = Callable[[], AbstractContextManager[Bench]]
Progress = Callable[[int, int, str], None]


def certify(
    start: StartEngine,
    *,
    phases: Sequence[int] = (1, 2, 3, 4, 5, 6, 7, 8),
    seed: int = DEFAULT_SEED,
    profile: Profile = "default",
    fuzz_steps: int | None = None,
    config: Json | None = None,
    workers: int = 1,
    waivers: Sequence[Waiver] = (),
    failures: FailureFolder | None = None,
    chosen: Callable[[RegisteredCheck], bool] = lambda check: True,
    progress: Progress = lambda done, total, check: None,
) -> Certification:
    """Run every check that bears on ``phases`` and judge their requirements.

    ``start`` makes the engine, here and in every worker; with more than one worker it must be
    picklable. How many there are changes no result. ``config`` is what the engine is to be run
    with, and is fuzzed in, too. ``failures`` is where files of what failed go; without it there are
    none, and messages stay short. Raises :class:`EngineError` where the engine
    cannot be run at all; one that breaks during a check fails that check.
    """
    checks = [check for check in checks_of(phases) if chosen(check)]
    included = [check for check in checks if check.quick or profile != "quick"]
    steps = FUZZ_STEPS[profile] if fuzz_steps is None else fuzz_steps
    open_bench = partial(_opened_bench, start, seed, steps, config)
    diagnoses: list[str] = []
    divergences: list[DivergenceSeries] = []
    with open_bench() as bench:
        found = _run_checks(bench, open_bench, included, workers, progress)
        results = [
            found.get(check.name) or _result(check, "unproven", "left out of a quick run")
            for check in checks
        ]
        if failures is not None:
            results, diagnoses, divergences = save_failures(results, bench, failures)
    results, waived = apply_waivers(results, waivers, datetime.now(UTC).date())
    return Certification(
        identity=bench.identity,
        level=level_of(bench.identity),
        suite=__version__,
        seed=seed,
        phases=list(phases),
        profile=profile,
        fuzz_steps=steps,
        checks=results,
        requirements=[
            requirement_result(
                requirement, [result for result in results if requirement.id in result.proves]
            )
            for requirement in requirements_of(phases).values()
        ],
        waivers=waived,
        diagnoses=diagnoses,
        divergences=divergences,
        latencies=bench.measured_latencies(),
    )


@contextmanager
def _opened_bench(
    start: StartEngine, seed: int, fuzz_steps: int, config: Json | None
) -> Iterator[Bench]:
    """Start the engine, and end it."""
    engine = SupervisedEngine(start)
    try:
        yield Bench(engine, engine.initialize(), BuiltinEngine(), seed, fuzz_steps, config)
    finally:
        engine.shutdown()


def _run_checks(
    bench: Bench,
    open_bench: OpenBench,
    checks: Sequence[RegisteredCheck],
    workers: int,
    progress: Progress,
) -> dict[str, CheckResult]:
    """Results by check: the longest are begun first, those that measure time run last and alone.

    A closing check is taken by the engine of every worker, and fails if it does with one of them.
    """
    results: dict[str, CheckResult] = {}

    def note(name: str, result: CheckResult) -> None:
        known = results.get(name, result)
        results[name] = min(known, result, key=lambda one: (one.status != "failed", one.message))

    def in_turn(some: Sequence[RegisteredCheck]) -> Iterator[RegisteredCheck]:
        for check in some:
            progress(len(results), len(checks), check.name)
            unrun = _unrun(check, bench.identity, results.values())
            if unrun is None:
                yield check
            else:
                results[check.name] = unrun

    timed = [check for check in checks if check.timed]
    closing = [check for check in checks if check.closing]
    usual = [check for check in checks if not (check.timed or check.closing)]
    begun = [*sorted(usual, key=lambda check: -check.seconds), *timed, *closing]
    if workers > 1:
        names = (check.name for check in in_turn(begun[: len(usual)]))
        last = [check.name for check in closing]
        run_side_by_side(partial(_opened_runner, open_bench), names, workers, note, last)
    for check in in_turn(begun[len(usual) if workers > 1 else 0 :]):
        note(check.name, run_check(bench, check))
    progress(len(checks), len(checks), "")
    return _in_order(begun, bench.identity, results)


def _in_order(
    begun: Sequence[RegisteredCheck], identity: Identity, results: Mapping[str, CheckResult]
) -> dict[str, CheckResult]:
    """Results as if each check had been begun after the one before it was done."""
    judged: dict[str, CheckResult] = {}
    for check in begun:
        judged[check.name] = _unrun(check, identity, judged.values()) or results[check.name]
    return judged


@contextmanager
def _opened_runner(open_bench: OpenBench) -> Iterator[Callable[[str], CheckResult]]:
    """Open a bench in a worker, and give what runs checks on it by name."""
    checks = {check.name: check for check in all_checks()}
    with open_bench() as bench:
        yield lambda name: run_check(bench, checks[name])


def run_check(
    bench: Bench, registered: RegisteredCheck, earlier: Iterable[CheckResult] = ()
) -> CheckResult:
    """Run one check, unless the engine does not offer what it rests on, or is not worth a wait."""
    bench.begin(registered.name)
    unrun = _unrun(registered, bench.identity, earlier)
    return _result(registered, *_outcome(bench, registered)) if unrun is None else unrun


def _unrun(
    registered: RegisteredCheck, identity: Identity, earlier: Iterable[CheckResult] = ()
) -> CheckResult | None:
    """Result of a check that cannot be run, or is not after ``earlier``; ``None`` if it is run."""
    component = registered.component
    offered = [*identity.components, EVERY_COMPONENT] if identity.components else []
    if component not in offered:
        return _result(registered, "unsupported", f"component {component} is not offered")
    declared = identity.fields.get(component, [])
    missing = [name for name in registered.needs if name not in declared]
    if missing:
        return _result(registered, "unproven", f"fields not declared: {', '.join(missing)}")
    reason = reason_not_to_run(component, earlier)
    return _result(registered, "failed", reason) if reason else None


def _outcome(
    bench: Bench, registered: RegisteredCheck
) -> tuple[CheckStatus, str, str, FailingCase | None]:
    """Status of a check, its message, the label of a fault, and the case that failed."""
    status: CheckStatus = "failed"
    label, failing = "", None
    try:
        registered.run(bench)
        bench.engine.demand_unbroken()
        status, message = "passed", ""
    except InputError as violation:
        message = str(violation)
    except ViolationError as violation:
        message, label, failing = str(violation), violation.label, violation.failing
    except EngineError as fault:
        message, label = bench.engine.recover(fault), fault.label
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        message = f"an answer cannot be read: {type(error).__name__}: {error}"
    except RollbackUnsupportedError as unsupported:
        status, message = "unproven", f"{NO_LEGACY_PATH}: {unsupported}"
    except PhaseUnsupportedError as unsupported:
        status, message = "unsupported", str(unsupported)
    return status, message, label, failing


def _result(
    registered: RegisteredCheck,
    status: CheckStatus,
    message: str,
    label: str = "",
    failing: FailingCase | None = None,
) -> CheckResult:
    return CheckResult(
        registered.name, registered.proves, registered.component, status, message, label, failing
    )


def level_of(identity: Identity) -> str:
    """Level of what the engine lets be seen.

    L0: the quotes. L1: the quote cycle's inner figures too. L2: every component too. ``components``
    where the quote cycle itself is not offered.
    """
    offered = {
        component: set(identity.fields.get(component, [])) for component in identity.components
    }
    if not offered.get("engine", set()).issuperset(LEVEL_0_FIELDS):
        return "components"
    complete = {
        component: offered.get(component, set()).issuperset(component_fields(component))
        for component in OBSERVATIONS
    }
    if all(complete.values()):
        return "L2"
    return "L1" if complete["engine"] else "L0"
