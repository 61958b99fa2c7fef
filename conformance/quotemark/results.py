"""What a certification finds: check by check, then requirement by requirement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

CheckStatus = Literal["passed", "failed", "unproven", "unsupported"]
RequirementStatus = Literal["proven", "violated", "unproven", "unsupported"]


class Requirement(Struct, frozen=True):
    """One statement an engine must meet; ``phase`` 0 holds for every phase."""

    id: str
    phase: int
    statement: str
    source: str


class CheckResult(Struct, frozen=True):
    """What one check found.

    ``unproven`` means that the engine does not declare a field the check rests on, ``unsupported``
    that it does not offer the component. ``message`` says what was expected and what came.
    """

    check: str
    proves: tuple[str, ...]
    component: str
    status: CheckStatus
    message: str = ""


class RequirementResult(Struct, frozen=True):
    """A requirement with the checks that bear on it."""

    requirement: Requirement
    status: RequirementStatus
    checks: list[CheckResult]


class TierLatency(Struct, frozen=True):
    """How long cycles of a tier took over the port, beside the plan's budget; no verdict."""

    tier: str
    budget_ms: float
    median_us: float
    p99_us: float


class Certification(Struct, frozen=True):
    """The verdict on one engine. ``latencies`` are the machine's as much as the engine's."""

    engine: str
    version: str
    digest: str
    level: str
    suite: str
    seed: int
    phases: list[int]
    requirements: list[RequirementResult]
    latencies: list[TierLatency] = []

    @property
    def conformant(self) -> bool:
        """Whether nothing is violated and something is proven."""
        counts = self.counts()
        return counts["violated"] == 0 and counts["proven"] > 0

    def counts(self) -> dict[RequirementStatus, int]:
        """Requirements by status."""
        counts: dict[RequirementStatus, int] = dict.fromkeys(
            ("proven", "violated", "unproven", "unsupported"), 0
        )
        for result in self.requirements:
            counts[result.status] += 1
        return counts


def requirement_result(
    requirement: Requirement, checks: Sequence[CheckResult]
) -> RequirementResult:
    """Judge a requirement by its checks.

    One failed check violates it. Otherwise one passed check proves it; the rest could not be run,
    because the engine offers less, and are listed with the reason.
    """
    statuses = {check.status for check in checks}
    status: RequirementStatus = "unsupported"
    if "failed" in statuses:
        status = "violated"
    elif "passed" in statuses:
        status = "proven"
    elif "unproven" in statuses:
        status = "unproven"
    return RequirementResult(requirement, status, list(checks))
