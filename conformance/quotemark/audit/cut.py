"""The smallest case: what is left of an incident when no step can go without the effect going.

Steps of a kind go together if they can, then runs of steps, halving in length down to single ones.
What is left still shows at least half of what the whole incident shows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from quotemark.audit.comparison import Comparison, Effect, Kept, Measure, effect
from quotemark.audit.findings import Shown
from quotemark.incidents import IncidentSteps, incident_steps
from quotemark.messages import Json

SHARE_KEPT = 0.5
"""Of the effect on the whole incident, or of the drift that stands."""


class _Line(NamedTuple):
    """A step of an incident: where it is written, and what it says."""

    of_layer: bool
    number: int
    step: Json

    @property
    def kind(self) -> tuple[bool, str, str]:
        return self.of_layer, self.step["step"], self.step.get("source", "")


def cut(comparison: Comparison, measure: Measure) -> Shown:
    """Cut the incident of ``comparison``, which shows an effect, as short as it can be."""
    whole = incident_steps(comparison.incident)
    extent = _extent(effect(comparison, measure, whole), measure)
    wanted = SHARE_KEPT if measure == "drift_erased" else SHARE_KEPT * extent

    def still_shows(lines: Sequence[_Line]) -> bool:
        steps = _steps(lines)
        return bool(steps.tape) and _extent(effect(comparison, measure, steps), measure) >= wanted

    lines = shortest(_lines(whole), still_shows)
    found = effect(comparison, measure, _steps(lines))
    assert found is not None
    kept = Kept(
        [line.number for line in lines if not line.of_layer],
        [line.number for line in lines if line.of_layer],
    )
    return Shown(replace(comparison, kept=kept), found)


def _extent(found: Effect | None, measure: Measure) -> float:
    return 0.0 if found is None else found.extent(measure)


def _lines(steps: IncidentSteps) -> list[_Line]:
    """All steps in the order in which an engine sees them."""
    lines = [
        _Line(of_layer, number, step)
        for of_layer, part in ((True, steps.layer), (False, steps.tape))
        for number, step in enumerate(part, start=1)
    ]
    return sorted(lines, key=lambda line: line.step["t_ms"])


def _steps(lines: Sequence[_Line]) -> IncidentSteps:
    return IncidentSteps(
        [line.step for line in lines if not line.of_layer],
        [line.step for line in lines if line.of_layer],
    )


def shortest(lines: list[_Line], still_shows: Callable[[Sequence[_Line]], bool]) -> list[_Line]:
    """Leave out lines for as long as the rest still shows the effect."""
    for kind in sorted({line.kind for line in lines}):
        rest = [line for line in lines if line.kind != kind]
        if still_shows(rest):
            lines = rest
    before = len(lines) + 1
    while len(lines) < before:
        before = len(lines)
        lines = _without_runs(lines, still_shows)
    return lines


def _without_runs(
    lines: list[_Line], still_shows: Callable[[Sequence[_Line]], bool]
) -> list[_Line]:
    length = len(lines) // 2
    while length:
        start = 0
        while start < len(lines):
            rest = lines[:start] + lines[start + length :]
            if still_shows(rest):
                lines = rest
            else:
                start += length
        length //= 2
    return lines
