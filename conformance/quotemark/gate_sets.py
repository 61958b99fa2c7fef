"""Sets of phase gates: what needs what, which sets are closed, and which lie around a phase."""

from __future__ import annotations

from collections.abc import Collection
from itertools import chain, combinations
from typing import TypeAlias

from quotemark.messages import Json
from quotemark.suite.market import GATES

GateSet: TypeAlias = tuple[int, ...]
"""Phases whose gates are on, in order."""

NEEDS: dict[int, frozenset[int]] = {
    4: frozenset({1, 2, 3}),
    5: frozenset({1, 2, 3, 4}),
    6: frozenset({1, 2, 3, 4}),
    7: frozenset({1}),
    8: frozenset({1}),
}
"""Phases that a phase needs, and those that these need (plan, Phase Dependencies)."""


def gates_around(phase: int, standing: Collection[int]) -> tuple[GateSet, GateSet]:
    """Gate sets with ``phase`` and without, where the phases of ``standing`` are on.

    What it needs is on in both, what needs it in neither.
    """
    needing = {one for one, needed in NEEDS.items() if phase in needed}
    around = {*active(standing), *NEEDS.get(phase, ())} - needing - {phase}
    return active({*around, phase}), active(around)


def active(on: Collection[int]) -> GateSet:
    """Phases of ``on`` that have what they need; the others are inert (D-37)."""
    return tuple(phase for phase in sorted(on) if NEEDS.get(phase, frozenset()) <= set(on))


def closed_gate_sets() -> list[GateSet]:
    """All sets of gates in which every phase has what it needs."""
    every = chain.from_iterable(combinations(GATES, count) for count in range(len(GATES) + 1))
    return [some for some in every if active(some) == some]


def switches(on: GateSet) -> Json:
    """Return the configuration that switches these phases on and all others off."""
    return {name: phase in on for phase, name in GATES.items()}


def named(some: GateSet) -> str:
    """Return the phases in words."""
    return ", ".join(map(str, some)) or "none"
