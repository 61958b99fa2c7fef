"""Phases of the plan, as they are asked for: ``4``, ``1-4`` or ``1-4,7``."""

from __future__ import annotations

from collections.abc import Sequence

from quotemark.errors import InputError

ALL_PHASES = (1, 2, 3, 4, 5, 6, 7, 8)


def phases_in(text: str) -> tuple[int, ...]:
    """Phases that a list of numbers and ranges names, in order.

    Raises :class:`InputError` where it names anything else.
    """
    phases: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        try:
            some = range(int(first), int(last or first) + 1)
        except ValueError:
            some = range(0)
        if not some or not set(some) <= set(ALL_PHASES):
            raise InputError(
                f"{part!r} is no phase from 1 to 8, nor a range such as 1-4 or a list such as 1,7"
            )
        phases.update(some)
    return tuple(sorted(phases))


def named_phases(phases: Sequence[int]) -> str:
    """Return phases, in order, as they are asked for."""
    runs: list[list[int]] = []
    for phase in phases:
        if runs and runs[-1][-1] == phase - 1:
            runs[-1].append(phase)
        else:
            runs.append([phase])
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs)
