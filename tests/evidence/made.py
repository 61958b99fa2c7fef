"""Evidence made without a run: a certification in which everything is proven, and its files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from msgspec.structs import replace

from quotemark import __version__
from quotemark.builtin import reference
from quotemark.evidence import digests
from quotemark.evidence.configuration import effective_config, phases_on
from quotemark.evidence.written import Written, write_evidence
from quotemark.gate_sets import gates_around
from quotemark.incidents import incidents
from quotemark.messages import Json
from quotemark.outcomes import Ends, Outcome, PhaseOutcomes
from quotemark.results import (
    Certification,
    CheckResult,
    CheckStatus,
    Circumstances,
    Provenance,
    requirement_result,
)
from quotemark.suite.checks import all_checks
from quotemark.suite.register import requirements

FINISHED = "2026-03-02T10:00:00+00:00"
ALL_PHASES = (1, 2, 3, 4, 5, 6, 7, 8)
CALM = Outcome(net=1.0, largest_position=2.0, unquoted_ms=0)


def certification(
    engine: str = "reference", phases: Iterable[int] = ALL_PHASES, config: Json | None = None
) -> Certification:
    """Every check of ``phases`` has passed; no incident ends worse."""
    given = config or {}
    certified = tuple(phases)
    ids = [one.id for one in requirements().values() if one.phase in (0, *certified)]
    checks = [
        CheckResult(check.name, check.proves, check.component, "passed")
        for check in all_checks()
        if not set(ids).isdisjoint(check.proves)
    ]
    return judged(
        Certification(
            identity=reference().initialize(),
            level="L2",
            suite=__version__,
            seed=1,
            phases=list(certified),
            profile="default",
            fuzz_steps=200_000,
            checks=checks,
            requirements=[requirement_result(requirements()[one], []) for one in ids],
            provenance=Provenance(
                engine=engine,
                files=digests.engine_files(engine),
                config=effective_config(given),
                config_digest=digests.config_digest(given),
                suite_digest=digests.suite_digest(),
                vectors_digest=digests.vectors_digest(),
                tolerances_digest=digests.tolerances_digest(),
                waivers_digest=digests.waivers_digest([]),
            ),
            outcomes=[
                PhaseOutcomes(
                    phase,
                    *gates_around(phase, phases_on(given)),
                    [Ends(incident, CALM, CALM) for incident in incidents()],
                )
                for phase in certified
            ],
            circumstances=Circumstances(FINISHED, FINISHED, {"python": "3.11"}),
        )
    )


def with_check(made: Certification, name: str, status: CheckStatus, message: str) -> Certification:
    """The same, but one check came to ``status``."""
    checks = [
        replace(one, status=status, message=message) if one.check == name else one
        for one in made.checks
    ]
    assert checks != made.checks
    return judged(replace(made, checks=checks))


def judged(made: Certification) -> Certification:
    """Requirements as their checks make them."""
    return replace(
        made,
        requirements=[
            requirement_result(
                one.requirement,
                [check for check in made.checks if one.requirement.id in check.proves],
            )
            for one in made.requirements
        ],
    )


def written(made: Certification, folder: Path, name: str = "run") -> Written:
    """Its files, with a report that is not one."""
    return write_evidence(made, f"<p>{made.verdict}</p>\n", folder / f"{name}.html", None)


def certificate(made: Certification, folder: Path, name: str = "run") -> Path:
    """Its certificate, with the other files beside it."""
    path = written(made, folder, name).certificate
    assert path is not None
    return path
