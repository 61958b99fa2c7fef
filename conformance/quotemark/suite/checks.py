"""Every check of the suite: importing a module of checks registers them, phase by phase."""

from __future__ import annotations

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
from quotemark.suite.register import RegisteredCheck, registered_checks


def all_checks() -> tuple[RegisteredCheck, ...]:
    """Every check of the suite."""
    return registered_checks()
