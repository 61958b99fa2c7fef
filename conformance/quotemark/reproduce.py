"""Run a failure that was saved once more: it has failed still, or it is fixed.

A case is held against what the reference answers today; where that has changed since, it is said. A
check that is no comparison of a case, or in which the engine broke, is run as it was.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from quotemark.builtin import BuiltinEngine
from quotemark.case import Case, Trace
from quotemark.divergence import Divergence, divergence_lines, first_divergence
from quotemark.errors import EngineError, InputError
from quotemark.failures import SavedFailure
from quotemark.messages import Identity, component_fields
from quotemark.port import Engine
from quotemark.suite.bench import Bench, ViolationError
from quotemark.suite.checks import all_checks
from quotemark.suite.compare import AT_OPENING, first_departure
from quotemark.suite.runner import run_check
from quotemark.supervised import SupervisedEngine


class Reproduction(Struct, frozen=True):
    """What came of a failure that was run again.

    ``stale`` says that the reference expects something else than when it was saved.
    """

    fixed: bool
    message: list[str]
    stale: str = ""
    divergence: Divergence | None = None

    @property
    def verdict(self) -> str:
        """The answer in one word."""
        return "FIXED" if self.fixed else "FAILED"

    @property
    def lines(self) -> list[str]:
        """All that is to be said before the verdict."""
        return [*self.message, *([f"stale: {self.stale}"] if self.stale else [])]


def reproduce(failure: SavedFailure, start: Callable[[], Engine]) -> Reproduction:
    """Run a failure again on the engine that ``start`` makes, and end that.

    Raises :class:`InputError` where this suite does not have its check, and :class:`EngineError`
    where the engine cannot be run at all; one that breaks after that has failed.
    """
    engine = SupervisedEngine(start)
    try:
        bench = Bench(
            engine, engine.initialize(), BuiltinEngine(), failure.seed, failure.fuzz_steps
        )
        if failure.case is None:
            return _run_check_again(failure.check, bench)
        return _run_case_again(failure, failure.case, bench)
    finally:
        engine.shutdown()


def _run_check_again(name: str, bench: Bench) -> Reproduction:
    checks = {check.name: check for check in all_checks()}
    if name not in checks:
        raise InputError(f"check is {name!r}, which this suite does not have")
    result = run_check(bench, checks[name])
    if result.status == "passed":
        return Reproduction(True, [])
    return Reproduction(False, [f"{name}: {result.status}: {result.message}"])


def _run_case_again(failure: SavedFailure, case: Case, bench: Bench) -> Reproduction:
    expected = bench.expected(case)
    stale = _what_changed(failure, case, expected)
    hidden = _what_is_hidden(failure, case, bench.identity)
    if hidden:
        return Reproduction(False, [hidden], stale)
    try:
        got = bench.trace(case)
    except EngineError as fault:
        return Reproduction(False, [bench.engine.recover(fault)], stale)
    except ViolationError as violation:
        return Reproduction(False, [str(violation)], stale)
    declared = bench.identity.fields.get(case.component, [])
    divergence = first_divergence(case, expected, got, declared)
    if divergence is None:
        return Reproduction(True, [], stale)
    return Reproduction(False, divergence_lines(divergence, case), stale, divergence)


def _what_changed(failure: SavedFailure, case: Case, expected: Trace) -> str:
    """Say where the reference answers otherwise than when the failure was saved."""
    if failure.expected is None:
        return ""
    fields = component_fields(case.component)
    departure = first_departure(case, failure.expected, expected, fields)
    if departure is None:
        return ""
    index, difference = departure
    place = "the opening" if index == AT_OPENING else f"step {index + 1}"
    return (
        f"at {place} suite {failure.suite} expected {difference.field}"
        f" {difference.expected!r}, and this one {difference.got!r}"
    )


def _what_is_hidden(failure: SavedFailure, case: Case, identity: Identity) -> str:
    """Say that the field that departed is no longer declared: that mends nothing."""
    if failure.divergence is None:
        return ""
    field = failure.divergence.field
    names = {field, field.partition(".")[0]}.intersection(component_fields(case.component))
    if not names or names.intersection(identity.fields.get(case.component, [])):
        return ""
    return f"the engine does not declare {field} of {case.component}, in which it departed"
