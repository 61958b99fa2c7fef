"""Run the suite against an engine and judge it, requirement by requirement."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from quotemark import __version__
from quotemark.builtin import BuiltinEngine
from quotemark.errors import InputError
from quotemark.messages import LEVEL_0_FIELDS, OBSERVATIONS, Identity, component_fields
from quotemark.port import Engine
from quotemark.results import Certification, CheckResult, CheckStatus, requirement_result
from quotemark.stdio import EngineError
from quotemark.suite.bench import (
    Bench,
    PhaseUnsupportedError,
    RollbackUnsupportedError,
    ViolationError,
)
from quotemark.suite.checks import all_checks
from quotemark.suite.register import RegisteredCheck, requirements

DEFAULT_SEED = 20260219
Progress = Callable[[int, int, str], None]


def certify(
    engine: Engine,
    *,
    phases: Sequence[int] = (1, 2, 3, 4, 5, 6, 7, 8),
    seed: int = DEFAULT_SEED,
    progress: Progress = lambda done, total, check: None,
) -> Certification:
    """Run every check that bears on ``phases`` and judge their requirements.

    Raises :class:`EngineError` where the engine cannot be run at all; one that breaks during a
    check fails that check.
    """
    identity = engine.initialize()
    wanted = {
        requirement.id: requirement
        for requirement in requirements().values()
        if requirement.phase in (0, *phases)
    }
    checks = [check for check in all_checks() if not wanted.keys().isdisjoint(check.proves)]
    bench = Bench(engine, identity, BuiltinEngine(), seed)
    results = []
    for done, registered in enumerate(checks):
        progress(done, len(checks), registered.name)
        results.append(run_check(bench, registered))
    progress(len(checks), len(checks), "")
    return Certification(
        engine=identity.name,
        version=identity.version,
        digest=identity.digest,
        level=level_of(identity),
        suite=__version__,
        seed=seed,
        phases=list(phases),
        requirements=[
            requirement_result(
                requirement, [result for result in results if requirement.id in result.proves]
            )
            for requirement in wanted.values()
        ],
        latencies=bench.measured_latencies(),
    )


def run_check(bench: Bench, registered: RegisteredCheck) -> CheckResult:
    """Run one check, unless the engine does not offer what it rests on."""
    identity = bench.identity
    if registered.component not in identity.components:
        return _result(
            registered, "unsupported", f"component {registered.component} is not offered"
        )
    declared = identity.fields.get(registered.component, [])
    missing = [name for name in registered.needs if name not in declared]
    if missing:
        return _result(registered, "unproven", f"fields not declared: {', '.join(missing)}")
    return _result(registered, *_outcome(bench, registered))


def _outcome(bench: Bench, registered: RegisteredCheck) -> tuple[CheckStatus, str]:
    status: CheckStatus = "failed"
    try:
        registered.run(bench)
        status, message = "passed", ""
    except (ViolationError, InputError) as violation:
        message = str(violation)
    except EngineError as fault:
        message = f"{fault.label}: {fault}"
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        message = f"an answer cannot be read: {type(error).__name__}: {error}"
    except RollbackUnsupportedError as unsupported:
        status, message = "unproven", f"no legacy path in this engine: {unsupported}"
    except PhaseUnsupportedError as unsupported:
        status, message = "unsupported", str(unsupported)
    return status, message


def _result(registered: RegisteredCheck, status: CheckStatus, message: str) -> CheckResult:
    return CheckResult(registered.name, registered.proves, registered.component, status, message)


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
