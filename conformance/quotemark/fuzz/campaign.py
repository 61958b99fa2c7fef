"""A fuzz campaign: round after round of the fuzz checks, each of a seed of its own.

It ends when the time is up, or with the first round in which something departs; what departed is
made small and saved as in a certification. A round is repeated by its seed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from msgspec import Struct

from quotemark.failures import FailureFolder
from quotemark.results import CheckResult
from quotemark.suite.runner import Progress, StartEngine, certify

MODULE = "fuzz."
"""How the names of the fuzz checks begin."""


class Round(Struct, frozen=True):
    """One round: its seed, the steps of volume that were asked for, and what departed."""

    seed: int
    steps: int
    seconds: float
    failed: list[CheckResult]
    diagnoses: list[str]


def campaign(
    start: StartEngine,
    *,
    seconds: float,
    steps: int,
    phases: tuple[int, ...],
    seed: int,
    workers: int,
    failures: FailureFolder,
    progress: Progress,
) -> Iterator[Round]:
    """Yield rounds of ``steps`` steps until ``seconds`` have passed or something departs.

    Raises :class:`~quotemark.errors.EngineError` where the engine cannot be run at all.
    """
    end = time.monotonic() + seconds
    while True:
        began = time.monotonic()
        found = certify(
            start,
            phases=phases,
            seed=seed,
            fuzz_steps=steps,
            workers=workers,
            failures=failures,
            chosen=lambda check: check.name.startswith(MODULE),
            progress=progress,
        )
        failed = [check for check in found.checks if check.status == "failed"]
        yield Round(seed, steps, time.monotonic() - began, failed, found.diagnoses)
        if failed or time.monotonic() >= end:
            return
        seed += 1
