"""What a certification finds: check by check, then requirement by requirement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Annotated, Literal, get_args

from msgspec import Meta, Struct

from quotemark.case import Case
from quotemark.messages import Identity, Json
from quotemark.outcomes import PhaseOutcomes

Level = Literal["L0", "L1", "L2"]
Profile = Literal["default", "quick", "recorded"]
VERDICT_OF_PROFILE: dict[Profile, str] = {"quick": " (quick run)", "recorded": " (recording)"}
"""What the verdict adds of a run that was not in full."""
CheckStatus = Literal["passed", "failed", "waived", "unproven", "unsupported"]
RequirementStatus = Literal["violated", "waived", "unproven", "unsupported", "proven"]
REQUIREMENT_STATUSES: tuple[RequirementStatus, ...] = get_args(RequirementStatus)
"""In the order of reports: what needs attention first."""
COUNTED_STATUSES: tuple[RequirementStatus, ...] = ("proven", *REQUIREMENT_STATUSES[:-1])
"""In the order of sums."""


class Requirement(Struct, frozen=True):
    """One statement an engine must meet; ``phase`` 0 holds for every phase.

    ``level`` is the least that an engine must let be seen for one of its checks to prove it: L0
    the quotes, L1 the quote cycle's inner figures too, L2 a component.
    """

    id: str
    phase: int
    level: Level
    statement: str
    source: str


class FailingCase(Struct, frozen=True):
    """A case on which the engine departs from the reference: first at a step, in a field.

    ``field`` is the field's name in ``suite/fields.toml``, without places in lists.
    """

    case: Case
    index: int
    field: str


class CheckResult(Struct, frozen=True):
    """What one check found.

    ``unproven`` means that the engine does not declare a field the check rests on, ``unsupported``
    that it does not offer the component, ``waived`` that it failed and a waiver excuses it.
    ``message`` says what was expected and what came, ``label`` the kind of fault where the engine,
    not a figure, is at fault. ``failing`` is the case on which it departs from the reference, until
    ``failures`` has saved it as a file; ``same_as`` the check that failed in the same way before,
    whose file this one shares.
    """

    check: str
    proves: tuple[str, ...]
    component: str
    status: CheckStatus
    message: str = ""
    label: str = ""
    failing: FailingCase | None = None
    same_as: str = ""


class RequirementResult(Struct, frozen=True):
    """A requirement with the checks that bear on it."""

    requirement: Requirement
    status: RequirementStatus
    checks: list[CheckResult]


_Said = Annotated[str, Meta(min_length=1)]


class Waiver(Struct, frozen=True, forbid_unknown_fields=True):
    """An owner's word that a check may fail, until the end of a day (UTC)."""

    check: _Said
    owner: _Said
    reason: _Said
    expires: date


class WaiverResult(Struct, frozen=True):
    """A waiver, and why it is stale if it is: a stale one fails the run."""

    waiver: Waiver
    stale: str = ""


class TierLatency(Struct, frozen=True):
    """How long cycles of a tier took over the port, beside the plan's budget; no verdict."""

    tier: str
    budget_ms: float
    median_us: float
    p99_us: float


class DivergenceSeries(Struct, frozen=True):
    """How a field went around the first divergence that a check found, for a picture of it.

    ``expected`` are the reference's figures and ``got`` the engine's, at ``steps`` counted from 1;
    ``None`` where an answer has no figure there. ``diverges_at`` is the step of the divergence.
    """

    check: str
    component: str
    field: str
    unit: str
    steps: list[int]
    expected: list[float | None]
    got: list[float | None]
    diverges_at: int


class Provenance(Struct, frozen=True):
    """What was certified, and with what.

    ``engine`` is the text that named the engine, ``files`` the digests of what it led to, and
    ``config`` the effective configuration that was asked for, gates included. The other digests are
    those of :mod:`quotemark.evidence.digests`. All are SHA-256 in hexadecimal.
    """

    engine: str
    files: dict[str, str]
    config: Json
    config_digest: str
    suite_digest: str
    vectors_digest: str
    tolerances_digest: str
    waivers_digest: str


class Circumstances(Struct, frozen=True):
    """When and where a run was made: times in UTC and ISO 8601, the machine, what was installed."""

    started: str
    finished: str
    environment: dict[str, str]


class Certification(Struct, frozen=True):
    """The verdict on one engine, and what it rests on.

    ``checks`` stand in the order of the suite. ``diagnoses`` say what the failures look like, a
    component each, ``divergences`` how their fields went. ``outcomes`` are how incidents end with
    each phase and without it: no part of the verdict, which is about what was built, but of the
    gate, which asks whether it should run. ``latencies`` and ``circumstances`` are the machine's
    and the day's, and no part of it either.
    """

    identity: Identity
    level: str
    suite: str
    seed: int
    phases: list[int]
    profile: Profile
    fuzz_steps: int
    checks: list[CheckResult]
    requirements: list[RequirementResult]
    waivers: list[WaiverResult] = []
    diagnoses: list[str] = []
    divergences: list[DivergenceSeries] = []
    provenance: Provenance | None = None
    outcomes: list[PhaseOutcomes] = []
    latencies: list[TierLatency] = []
    circumstances: Circumstances | None = None

    @property
    def sound(self) -> bool:
        """Whether nothing is violated and something is proven."""
        counts = self.counts()
        return counts["violated"] == 0 and counts["proven"] > 0

    @property
    def conformant(self) -> bool:
        """Whether the engine is sound, and every waiver that was needed for it still holds."""
        return self.sound and not any(one.stale for one in self.waivers)

    @property
    def verdict(self) -> str:
        """The verdict in words; a waiver, a quick run and a recording are part of it."""
        waived = self.counts()["waived"]
        words = "CONFORMANT" if self.conformant else "NOT CONFORMANT"
        if self.conformant and waived:
            words += f" WITH {waived} WAIVED"
        return words + VERDICT_OF_PROFILE.get(self.profile, "")

    def counts(self) -> dict[RequirementStatus, int]:
        """Requirements by status."""
        counts = dict.fromkeys(REQUIREMENT_STATUSES, 0)
        for result in self.requirements:
            counts[result.status] += 1
        return counts

    def ranked(self) -> list[RequirementResult]:
        """Requirements as reports list them."""
        return ranked(self.requirements)

    def weakest_violated(self) -> Requirement | None:
        """Violated requirement that the least of an engine shows, of the earliest phase."""
        first = self.ranked()[0]
        return first.requirement if first.status == "violated" else None


def ranked(requirements: Iterable[RequirementResult]) -> list[RequirementResult]:
    """Requirements by status, the weakest level first, then by phase."""
    return sorted(
        requirements,
        key=lambda result: (
            REQUIREMENT_STATUSES.index(result.status),
            result.requirement.level,
            result.requirement.phase,
        ),
    )


def requirement_result(
    requirement: Requirement, checks: Sequence[CheckResult]
) -> RequirementResult:
    """Judge a requirement by its checks.

    One failed check violates it, unless it is waived. Otherwise one passed check proves it; the
    rest could not be run, because the engine offers less, and are listed with the reason.
    """
    found = {check.status for check in checks}
    status: RequirementStatus = next(
        (status for one, status in _JUDGED.items() if one in found), "unsupported"
    )
    return RequirementResult(requirement, status, list(checks))


_JUDGED: dict[CheckStatus, RequirementStatus] = {
    "failed": "violated",
    "waived": "waived",
    "passed": "proven",
    "unproven": "unproven",
    "unsupported": "unsupported",
}
"""What checks make of a requirement: the first of these that one of them has."""
