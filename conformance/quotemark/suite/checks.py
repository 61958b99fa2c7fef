"""Every check of the suite: importing a module of checks registers them, phase by phase."""

from __future__ import annotations

from quotemark.suite import (  # noqa: F401 - imported for what they register
    cycle,
    incidents,
    phase1,
    phase2,
    phase3,
    phase4,
    rollback,
)
from quotemark.suite.register import RegisteredCheck, registered_checks


def all_checks() -> tuple[RegisteredCheck, ...]:
    """Every check of the suite."""
    return registered_checks()
