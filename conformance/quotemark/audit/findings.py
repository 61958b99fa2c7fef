"""What the audit finds: of each phase, calibration and measure, how often, how bad, how small."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from quotemark.audit.comparison import Calibration, Comparison, Effect, Measure, effect
from quotemark.errors import InputError
from quotemark.gate_sets import GateSet


class Shown(Struct, frozen=True):
    """A comparison, and the effect of the phase in it."""

    comparison: Comparison
    effect: Effect


class Finding(Struct, frozen=True):
    """What a phase does to one measure, in one calibration.

    ``compared`` counts comparisons, of ``drift_erased`` those in which a drift stands; ``worse``
    those that end worse with the phase; ``beside`` and ``incidents`` say in which sets of other
    phases, and on which incidents, they do.
    ``worst`` is the largest effect, also where too little of a drift is gone to count as worse.
    ``smallest`` has the fewest phases, then the least reach, and as few steps as it could be cut
    to; it is there where something is worse.
    """

    phase: int
    calibration: Calibration
    measure: Measure
    compared: int
    worse: int
    beside: list[GateSet]
    incidents: list[str]
    worst: Shown | None
    smallest: Shown | None

    @property
    def id(self) -> str:
        """What names it on the command line."""
        return f"{self.calibration}-{self.phase}-{self.measure}"


class Audit(Struct, frozen=True):
    """All findings, and digests of what they rest on: the reference and the scenarios.

    ``closed_gate_sets`` and ``incidents`` say what was tried.
    """

    reference_digest: str
    scenarios_digest: str
    closed_gate_sets: int
    incidents: int
    findings: list[Finding]

    def finding(self, id_: str) -> Finding:
        """Return the finding of this id; raises :class:`InputError` where there is none."""
        for one in self.findings:
            if one.id == id_:
                return one
        known = ", ".join(one.id for one in self.findings if one.worst)
        raise InputError(f"case is {id_!r}, expected one of {known}")

    def worse(self) -> list[Finding]:
        """Findings of something that is made worse."""
        return [one for one in self.findings if one.worse]


def run_again(finding: Finding) -> Finding:
    """Measure the worst and the smallest case of a finding anew; its counts stay."""
    return replace(
        finding,
        worst=_run_again(finding.worst, finding.measure),
        smallest=_run_again(finding.smallest, finding.measure),
    )


def _run_again(shown: Shown | None, measure: Measure) -> Shown | None:
    if shown is None:
        return None
    found = effect(shown.comparison, measure)
    assert found is not None
    return Shown(shown.comparison, found)
