"""What stands behind a requirement: the checks that prove it, and the mutants that break it."""

from __future__ import annotations

from msgspec import Struct

from quotemark.errors import InputError
from quotemark.mutants import MUTANTS
from quotemark.results import Level, Requirement
from quotemark.suite.checks import all_checks
from quotemark.suite.register import requirements


class ExplainedCheck(Struct, frozen=True):
    """A check: the component it drives, how much of an engine it must see, and what it does."""

    check: str
    component: str
    level: Level
    story: str


class Explanation(Struct, frozen=True):
    """A requirement with its checks, and the stories of its mutants by name."""

    requirement: Requirement
    checks: list[ExplainedCheck]
    mutants: dict[str, str]


def explain(requirement_id: str) -> Explanation:
    """Find all that stands behind a requirement; raises :class:`InputError` for no such id."""
    requirement = requirements().get(requirement_id)
    if requirement is None:
        known = ", ".join(requirements())
        raise InputError(f"requirement is {requirement_id!r}, expected one of {known}")
    return Explanation(
        requirement,
        [
            ExplainedCheck(check.name, check.component, check.level, check.story)
            for check in all_checks()
            if requirement_id in check.proves
        ],
        {one.name: one.story for one in MUTANTS.values() if one.breaks == requirement_id},
    )
