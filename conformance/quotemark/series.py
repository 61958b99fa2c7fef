"""How a field went around a first divergence: what the reference answered, and what came.

A case made small shows where an engine departs, and no more. The case as it was found shows what
came before: whether the two went apart at once or crept, and whether they come back.
"""

from __future__ import annotations

import re
from typing import Any

from quotemark.case import Trace
from quotemark.divergence import Divergence
from quotemark.messages import Answer, Ok
from quotemark.results import DivergenceSeries
from quotemark.suite.compare import figure_of

MOST_BEFORE = 150
"""Figures kept of those before the divergence, the last."""

STEPS_AFTER = 50
"""Steps looked at after the divergence."""

COUNT = "number of "
"""Before the name of a list, where its length is meant."""

_PART = re.compile(r"\[(\d{1,6})\]|([^.\[\]]+)", re.ASCII)


def divergence_series(
    check: str, divergence: Divergence, expected: Trace, got: Trace
) -> DivergenceSeries | None:
    """Return the field in which ``divergence`` departs, step by step around it.

    The traces are of the case as ``check`` found it, whole up to the divergence at least. ``None``
    where the two do not depart in a figure, as in an answer's status.
    """
    path = divergence.difference.field
    points = [
        (step, figure_at(one, path), figure_at(other, path))
        for step, (one, other) in enumerate(
            zip(expected.answers, got.answers, strict=False), start=1
        )
    ]
    seen = [point for point in points if point[1:] != (None, None)]
    at = divergence.index + 1
    before = [point for point in seen if point[0] < at][-MOST_BEFORE:]
    after = [point for point in seen if point[0] >= at]
    if not after or after[0][0] != at:
        return None
    steps, ours, theirs = zip(*before, *after, strict=True)
    return DivergenceSeries(
        check=check,
        component=divergence.component,
        field=path,
        unit="count" if path.startswith(COUNT) else divergence.unit,
        steps=list(steps),
        expected=list(ours),
        got=list(theirs),
        diverges_at=at,
    )


def figure_at(answer: Answer, path: str) -> float | None:
    """Figure in an observation at ``path``, such as ``bids[0].price`` or ``number of bids``."""
    value: Any = answer.observation if isinstance(answer, Ok) else None
    for place, name in _PART.findall(path.removeprefix(COUNT)):
        if name and isinstance(value, dict):
            value = value.get(name)
        elif place and isinstance(value, list | tuple) and int(place) < len(value):
            value = value[int(place)]
        else:
            return None
    if path.startswith(COUNT):
        return float(len(value)) if isinstance(value, list | tuple) else None
    return figure_of(value)
