"""The event log of a run, as lines of JSON: what ran, what every check and requirement came to.

Everything that is said of an engine later is made from it. The same engine, suite, options and
seed give the same bytes; only the last line, the machine's and the day's own, differs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import TypeAlias

import msgspec
from msgspec import Struct

from quotemark import __version__
from quotemark.errors import InputError
from quotemark.messages import Identity
from quotemark.outcomes import PhaseOutcomes
from quotemark.results import (
    Certification,
    CheckResult,
    CheckStatus,
    Circumstances,
    DivergenceSeries,
    Level,
    Profile,
    Provenance,
    RequirementStatus,
    TierLatency,
    WaiverResult,
    requirement_result,
)
from quotemark.results import Waiver as GivenWaiver
from quotemark.suite.register import requirements


class Run(Struct, frozen=True, tag_field="event", tag="run"):
    """What was run against which engine; ``level`` is what the engine lets be seen."""

    engine: Identity
    level: str
    suite: str
    seed: int
    phases: list[int]
    profile: Profile
    fuzz_steps: int
    provenance: Provenance | None


class Check(Struct, frozen=True, tag_field="event", tag="check"):
    """What a check found."""

    check: str
    proves: tuple[str, ...]
    component: str
    status: CheckStatus
    label: str
    message: str
    same_as: str


class Requirement(Struct, frozen=True, tag_field="event", tag="requirement"):
    """What a requirement came to."""

    id: str
    phase: int
    level: Level
    status: RequirementStatus


class Waiver(Struct, frozen=True, tag_field="event", tag="waiver"):
    """A waiver that was given; ``stale`` says why it no longer holds, if so."""

    check: str
    owner: str
    reason: str
    expires: date
    stale: str


class Diagnosis(Struct, frozen=True, tag_field="event", tag="diagnosis"):
    """What the failures of a component look like."""

    text: str


class Diverged(Struct, frozen=True, tag_field="event", tag="divergence"):
    """How a field went around the first divergence that a check found."""

    of: DivergenceSeries


class Outcomes(Struct, frozen=True, tag_field="event", tag="outcomes"):
    """How the incidents end with a phase and without it."""

    of: PhaseOutcomes


class Verdict(Struct, frozen=True, tag_field="event", tag="verdict"):
    """The verdict, requirements by status, and the weakest of the violated."""

    verdict: str
    conformant: bool
    counts: dict[RequirementStatus, int]
    weakest_violated: str | None


class Measured(Struct, frozen=True, tag_field="event", tag="measured"):
    """Cycle times, where they were measured, and when and where that was."""

    tiers: list[TierLatency]
    circumstances: Circumstances | None


Event: TypeAlias = (
    Run | Check | Requirement | Waiver | Diagnosis | Diverged | Outcomes | Verdict | Measured
)


def events(certification: Certification) -> Iterator[Event]:
    """Return a run's events in their order."""
    yield Run(
        certification.identity,
        certification.level,
        certification.suite,
        certification.seed,
        certification.phases,
        certification.profile,
        certification.fuzz_steps,
        certification.provenance,
    )
    for one in certification.checks:
        yield Check(
            one.check,
            one.proves,
            one.component,
            one.status,
            one.label,
            one.message,
            one.same_as,
        )
    for result in certification.requirements:
        required = result.requirement
        yield Requirement(required.id, required.phase, required.level, result.status)
    for waived in certification.waivers:
        waiver = waived.waiver
        yield Waiver(waiver.check, waiver.owner, waiver.reason, waiver.expires, waived.stale)
    yield from map(Diagnosis, certification.diagnoses)
    yield from map(Diverged, certification.divergences)
    yield from map(Outcomes, certification.outcomes)
    weakest = certification.weakest_violated()
    yield Verdict(
        certification.verdict,
        certification.conformant,
        certification.counts(),
        weakest.id if weakest else None,
    )
    yield Measured(certification.latencies, certification.circumstances)


def event_log(certification: Certification) -> str:
    """Return the log: an event a line."""
    return "".join(f"{msgspec.json.encode(event).decode()}\n" for event in events(certification))


# --- read back --------------------------------------------------------------------------------


def read_log(path: Path) -> Certification:
    """Read back the certification that a log tells of.

    Raises :class:`InputError` where the file is no log of this version of the suite, and where what
    it says of requirements or in its verdict does not follow from its checks.
    """
    try:
        text = path.read_bytes().decode()
        decoder = msgspec.json.Decoder(Event)
        told = [decoder.decode(line) for line in text.split("\n")[:-1]]
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: is no event log: {error}") from None
    certification = _certification(path, told)
    if event_log(certification) != text:
        raise InputError(f"{path}: what it concludes does not follow from its checks")
    return certification


def _certification(path: Path, told: Sequence[Event]) -> Certification:
    if not told or not isinstance(told[0], Run) or not isinstance(told[-1], Measured):
        raise InputError(f"{path}: is no event log: the first or the last line is missing")
    run, measured = told[0], told[-1]
    if run.suite != __version__:
        raise InputError(f"{path}: suite is {run.suite}, expected {__version__}, which runs here")
    checks = [_check_result(one) for one in told if isinstance(one, Check)]
    wanted = [one.id for one in told if isinstance(one, Requirement)]
    unknown = sorted(set(wanted) - requirements().keys())
    if unknown:
        raise InputError(f"{path}: requirement is {unknown[0]!r}, which this suite has not")
    return Certification(
        identity=run.engine,
        level=run.level,
        suite=run.suite,
        seed=run.seed,
        phases=run.phases,
        profile=run.profile,
        fuzz_steps=run.fuzz_steps,
        checks=checks,
        requirements=[
            requirement_result(requirements()[id_], [one for one in checks if id_ in one.proves])
            for id_ in wanted
        ],
        waivers=[_waiver_result(one) for one in told if isinstance(one, Waiver)],
        diagnoses=[one.text for one in told if isinstance(one, Diagnosis)],
        divergences=[one.of for one in told if isinstance(one, Diverged)],
        provenance=run.provenance,
        outcomes=[one.of for one in told if isinstance(one, Outcomes)],
        latencies=measured.tiers,
        circumstances=measured.circumstances,
    )


def _check_result(told: Check) -> CheckResult:
    return CheckResult(
        told.check,
        told.proves,
        told.component,
        told.status,
        told.message,
        told.label,
        same_as=told.same_as,
    )


def _waiver_result(told: Waiver) -> WaiverResult:
    return WaiverResult(GivenWaiver(told.check, told.owner, told.reason, told.expires), told.stale)
