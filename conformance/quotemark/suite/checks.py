"""Every check of the suite: importing a module of checks registers them, phase by phase."""

from __future__ import annotations

from collections.abc import Collection

from quotemark.suite import (  # noqa: F401 - imported for what they register
    bounds,
    cycle,
    every_source,
    fuzz,
    incidents,
    latency,
    metamorphic,
    phase1,
    phase2,
    phase3,
    phase4,
    phase5,
    phase6,
    phase7,
    phase7_composite,
    phase8,
    phase8_venues,
    phase8_volatility,
    port,
    robustness,
    rollback,
    vectors,
)
from quotemark.suite.register import RegisteredCheck, registered_checks, requirements_of


def all_checks() -> tuple[RegisteredCheck, ...]:
    """Every check of the suite."""
    return registered_checks()


def checks_of(phases: Collection[int]) -> list[RegisteredCheck]:
    """Checks that bear on the requirements of ``phases``, in the order of the suite."""
    wanted = requirements_of(phases).keys()
    return [check for check in all_checks() if not wanted.isdisjoint(check.proves)]
