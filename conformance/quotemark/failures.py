"""What is made of the failures of a run: files to reproduce them, and messages that lead to them.

Once every check has been run, each failed one gets a file and a message that ends with the command
that runs it again. Of the cases that depart in one field of a component, the first is made small;
the others are the same failure and lead to its file. What an engine does wrong as a whole is told
by a diagnosis, component by component.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from quotemark import __version__
from quotemark.case import Case, Trace
from quotemark.divergence import (
    LONGEST_LINE,
    Divergence,
    divergence_lines,
    first_divergence,
    line,
    shortened,
)
from quotemark.errors import EngineError, InputError
from quotemark.files import write_whole
from quotemark.messages import OBSERVATIONS
from quotemark.recorded.files import recording_of
from quotemark.results import CheckResult, DivergenceSeries, FailingCase
from quotemark.series import STEPS_AFTER, divergence_series
from quotemark.shrink import shrink
from quotemark.suite.bench import Bench, ViolationError

SCHEMA = 1

MOST_SHRUNK = 12
"""Failures made small; further ones are saved as they are."""

DIAGNOSED_STEPS = 1500
"""Steps of a component that a diagnosis rests on, and at least one failing case."""


# --- the file of a failure --------------------------------------------------------------------


class SavedFailure(Struct, frozen=True):
    """What the file of a failure holds: how it was found, and the case if it is one.

    ``expected`` is what the reference answered to the case. ``divergence`` is absent where the
    engine did not depart again when the case was run anew.
    """

    schema: int
    suite: str
    engine: str
    seed: int
    fuzz_steps: int
    check: str
    case: Case | None = None
    expected: Trace | None = None
    divergence: Divergence | None = None


def write_failure(path: Path, failure: SavedFailure) -> None:
    """Write the file, whole or not at all; raises :class:`InputError` where it cannot be."""
    write_whole(path, msgspec.json.format(msgspec.json.encode(failure)).decode() + "\n")


def load_failure(path: Path) -> SavedFailure:
    """Read the file; raises :class:`InputError` where it is not one."""
    try:
        failure = msgspec.json.decode(path.read_bytes(), type=SavedFailure)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{path}: is not the file of a failure: {error}") from None
    if failure.schema != SCHEMA:
        raise InputError(f"{path}: schema is {failure.schema}, expected {SCHEMA}")
    if failure.case is not None and failure.case.component not in OBSERVATIONS:
        known = ", ".join(OBSERVATIONS)
        raise InputError(f"{path}: component is {failure.case.component!r}, known are {known}")
    return failure


class FailureFolder(Struct, frozen=True):
    """Where the failures of ``engine`` are kept: a folder of its own below ``root``."""

    root: Path
    engine: str

    @property
    def path(self) -> Path:
        """The engine's folder; names that a path cannot hold are told apart by a digest."""
        kind, _, rest = self.engine.partition(":")
        name = f"{kind}-{rest}" if rest else kind
        plain = re.sub(r"[^A-Za-z0-9_.-]", "-", name)[:80]
        if plain != name:
            plain += "-" + sha256(self.engine.encode()).hexdigest()[:8]
        return self.root / plain

    def file_of(self, check: str) -> Path:
        """File of the failure that ``check`` found."""
        return self.path / f"{check}.json"

    def command(self, check: str) -> str:
        """Command that runs it again; a recording cannot, but any engine in its place."""
        file = shlex.quote(str(self.file_of(check)))
        engine = "ENGINE" if recording_of(self.engine) else shlex.quote(self.engine)
        return f"quotemark reproduce {file} --engine {engine}"

    def keep_only(self, checks: Sequence[str]) -> None:
        """Remove the files of earlier runs that are not of these checks."""
        kept = {self.file_of(check) for check in checks}
        for file in self.path.glob("*.json"):
            if file not in kept:
                file.unlink()
        with suppress(OSError):  # nothing failed: there is no folder, or an empty one
            self.path.rmdir()


# --- after the checks -------------------------------------------------------------------------


class Explained(NamedTuple):
    """Results with their final messages, and what was found of those that failed.

    A diagnosis is of a component, a series of a field.
    """

    results: list[CheckResult]
    diagnoses: list[str]
    divergences: list[DivergenceSeries]


def save_failures(results: Sequence[CheckResult], bench: Bench, folder: FailureFolder) -> Explained:
    """Save what failed, and explain it.

    ``results`` stand in the order of the suite; the engine of ``bench`` runs their cases anew.
    Raises :class:`InputError` where a file cannot be written.
    """
    failed = [result for result in results if result.status == "failed"]
    diagnoses = diagnoses_of(failed, bench)
    stage = FailureStage(bench, folder, diagnoses)
    explained = {result.check: stage.explain(result) for result in failed}
    folder.keep_only(stage.written)
    return Explained(
        [explained.get(result.check, result) for result in results],
        [f"{component} {diagnosis}" for component, diagnosis in diagnoses.items()],
        stage.divergences,
    )


class FailureStage:
    """Explains failures one after another; those alike share a file."""

    def __init__(self, bench: Bench, folder: FailureFolder, diagnoses: dict[str, str]) -> None:
        self.written: list[str] = []
        self.divergences: list[DivergenceSeries] = []
        self._bench = bench
        self._folder = folder
        self._diagnoses = diagnoses
        self._first: dict[tuple[str, str], str] = {}

    def explain(self, result: CheckResult) -> CheckResult:
        """Save the failure, or find the file of the same one; the message leads to it."""
        first = self._first_like(result)
        if first != result.check:
            lines = [shortened(result.message, LONGEST_LINE), line("as in", first)]
            return self._led_to(first, replace(result, same_as=first), lines)
        if result.failing is None:
            self._write(result.check)
            lines = [result.message]
        else:
            lines = self._explain_case(result, result.failing)
        diagnosis = self._diagnoses.get(result.component)
        return self._led_to(first, result, [*lines, *([f"  {diagnosis}"] if diagnosis else [])])

    def _first_like(self, result: CheckResult) -> str:
        """The first check whose case departs in the same field, or this one."""
        if result.failing is None:
            return result.check
        place = result.failing.case.component, result.failing.field
        return self._first.setdefault(place, result.check)

    def _led_to(self, first: str, result: CheckResult, lines: Sequence[str]) -> CheckResult:
        command = line("reproduce", self._folder.command(first))
        return replace(result, message="\n".join([*lines, command]), failing=None)

    def _explain_case(self, result: CheckResult, failing: FailingCase) -> list[str]:
        """Save the case, small if it can be made so, and say where it departs."""
        case = _cut(failing.case, failing.index + 1)
        again = _Again(self._bench, case)
        if again.divergence is None:
            self._write(result.check, case)
            return [result.message, "  it did not depart when it was run again"]
        self._note_series(result.check, failing, again.divergence)
        if len(self._first) <= MOST_SHRUNK:
            case = shrink(case, again.fails)
        divergence = again.divergence_of(case) or again.divergence
        self._write(result.check, case, divergence)
        return divergence_lines(divergence, case)

    def _note_series(self, check: str, failing: FailingCase, divergence: Divergence) -> None:
        """Keep how the field went, while the case is long enough to show it."""
        case = _cut(failing.case, failing.index + 1 + STEPS_AFTER)
        got = _trace(self._bench, case)
        if got is None:
            return
        series = divergence_series(check, divergence, self._bench.expected(case), got)
        if series is not None:
            self.divergences.append(series)

    def _write(
        self, check: str, case: Case | None = None, divergence: Divergence | None = None
    ) -> None:
        bench = self._bench
        failure = SavedFailure(
            schema=SCHEMA,
            suite=__version__,
            engine=self._folder.engine,
            seed=bench.seed,
            fuzz_steps=bench.fuzz_steps,
            check=check,
            case=case,
            expected=None if case is None else bench.expected(case),
            divergence=divergence,
        )
        write_failure(self._folder.file_of(check), failure)
        self.written.append(check)


class _Again:
    """Runs cases again, to see whether they depart as the first one does.

    An engine that breaks meanwhile is asked no more: what is small by then stays.
    """

    def __init__(self, bench: Bench, case: Case) -> None:
        self._bench = bench
        self._has_broken = False
        self.divergence = self.divergence_of(case)

    def fails(self, case: Case) -> int | None:
        """Step at which ``case`` departs in the same field, the same for the same."""
        found = self.divergence_of(case)
        if found is None or self.divergence is None or found.kind != self.divergence.kind:
            return None
        return found.index

    def divergence_of(self, case: Case) -> Divergence | None:
        """Where the engine departs on ``case``, if it does and does not break."""
        if self._has_broken:
            return None
        got = _trace(self._bench, case)
        if got is None:
            self._has_broken = True
            return None
        declared = self._bench.identity.fields.get(case.component, [])
        return first_divergence(case, self._bench.expected(case), got, declared)


def _trace(bench: Bench, case: Case) -> Trace | None:
    """What the engine answers to ``case``; ``None`` where it breaks, and a fresh one is ready."""
    try:
        return bench.trace(case)
    except ViolationError:
        return None
    except EngineError as fault:
        bench.engine.recover(fault)
        return None


def _cut(case: Case, steps: int) -> Case:
    return Case(case.component, case.config, case.steps[:steps])


# --- diagnosis --------------------------------------------------------------------------------


def diagnoses_of(failed: Sequence[CheckResult], bench: Bench) -> dict[str, str]:
    """What the engine's answers are like, by component, where it can be told."""
    cases: dict[str, list[FailingCase]] = {}
    for result in failed:
        if result.failing is not None:
            cases.setdefault(result.failing.case.component, []).append(result.failing)
    found = {component: _diagnosis(component, some, bench) for component, some in cases.items()}
    return {component: text for component, text in found.items() if text}


def _diagnosis(component: str, failing: Sequence[FailingCase], bench: Bench) -> str:
    from quotemark.diagnosis import diagnose  # noqa: PLC0415 - only a failure needs the mutants

    declared = {component: bench.identity.fields.get(component, [])}
    answered = [(case, _trace(bench, case)) for case in _telling_cases(failing)]
    diagnosis = diagnose([(case, got.answers) for case, got in answered if got], declared)
    return str(diagnosis) if diagnosis else ""


def _telling_cases(failing: Sequence[FailingCase]) -> Iterator[Case]:
    """The first cases, none cut before it departs."""
    left = DIAGNOSED_STEPS
    for one in failing:
        if left <= 0:
            break
        steps = max(one.index + 1, min(left, len(one.case.steps)))
        left -= steps
        yield _cut(one.case, steps)
