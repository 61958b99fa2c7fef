"""The event log of a run, as lines of JSON: what ran, what every check and requirement came to.

Everything that is said of an engine later is made from it. The same engine, suite, options and
seed give the same bytes; only the latencies, a machine's own, differ, and they are the last line.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TypeAlias

import msgspec
from msgspec import Struct

from quotemark.messages import Identity
from quotemark.results import (
    Certification,
    CheckStatus,
    Level,
    Profile,
    RequirementStatus,
    TierLatency,
)


class Run(Struct, frozen=True, tag_field="event", tag="run"):
    """What was run against which engine; ``level`` is what the engine lets be seen."""

    engine: Identity
    level: str
    suite: str
    seed: int
    phases: list[int]
    profile: Profile
    fuzz_steps: int


class Check(Struct, frozen=True, tag_field="event", tag="check"):
    """What a check found."""

    check: str
    proves: tuple[str, ...]
    component: str
    status: CheckStatus
    label: str
    message: str


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


class Verdict(Struct, frozen=True, tag_field="event", tag="verdict"):
    """The verdict, requirements by status, and the weakest of the violated."""

    verdict: str
    conformant: bool
    counts: dict[RequirementStatus, int]
    weakest_violated: str | None


class Latency(Struct, frozen=True, tag_field="event", tag="latency"):
    """Cycle times, where they were measured."""

    tiers: list[TierLatency]


Event: TypeAlias = Run | Check | Requirement | Waiver | Diagnosis | Verdict | Latency


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
    )
    for one in certification.checks:
        yield Check(one.check, one.proves, one.component, one.status, one.label, one.message)
    for result in certification.requirements:
        required = result.requirement
        yield Requirement(required.id, required.phase, required.level, result.status)
    for waived in certification.waivers:
        waiver = waived.waiver
        yield Waiver(waiver.check, waiver.owner, waiver.reason, waiver.expires, waived.stale)
    yield from map(Diagnosis, certification.diagnoses)
    weakest = certification.weakest_violated()
    yield Verdict(
        certification.verdict,
        certification.conformant,
        certification.counts(),
        weakest.id if weakest else None,
    )
    yield Latency(certification.latencies)


def event_log(certification: Certification) -> str:
    """Return the log: an event a line."""
    return "".join(f"{msgspec.json.encode(event).decode()}\n" for event in events(certification))
