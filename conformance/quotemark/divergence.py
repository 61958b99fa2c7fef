"""The first divergence: where an engine departs from the reference on a case, told at a glance.

It names step and field, both values and their distance, the last state on which the two agreed, and
the formula and requirements behind the field. What comes after the first divergence follows from it
and is not looked at.
"""

from __future__ import annotations

import json
from collections.abc import Collection

from msgspec import Struct

from quotemark.case import Case, Trace, described
from quotemark.messages import Json, Ok
from quotemark.results import Requirement
from quotemark.suite.compare import AT_OPENING, Difference, first_departure
from quotemark.suite.fields import field_of, rule_behind
from quotemark.suite.register import requirements

LABEL_WIDTH = 14
LONGEST_VALUE = 80
LONGEST_LINE = 140


class Agreement(Struct, frozen=True):
    """A step that engine and reference answered alike, and what they observed."""

    index: int
    step: Json
    observation: Json


class Divergence(Struct, frozen=True):
    """Where an engine first departs from the reference on a case, and what is behind it.

    ``index`` counts steps from 0, and is ``AT_OPENING`` where the session did not open alike;
    ``steps`` is their count. ``ulp`` and ``relative`` are given where both values are figures.
    ``agreed`` is the last state before, ``None`` where none was seen.
    """

    component: str
    config: Json
    index: int
    steps: int
    step: Json
    difference: Difference
    ulp: int | None
    relative: float | None
    agreed: Agreement | None
    formula: str
    unit: str
    requirements: list[Requirement]

    @property
    def field(self) -> str:
        """Name of the field, without places in lists."""
        return field_of(self.difference.field)

    @property
    def kind(self) -> tuple[str, str, str]:
        """What two divergences have in common that show the same failure: field, and what for what.

        Figures are alike, whatever they are; of a rejection the code counts.
        """
        return self.field, _shape(self.difference.expected), _shape(self.difference.got)


def first_divergence(
    case: Case, expected: Trace, got: Trace, fields: Collection[str]
) -> Divergence | None:
    """Where ``got`` first departs from ``expected`` in ``fields``; ``None`` if it does not."""
    departure = first_departure(case, expected, got, fields)
    if departure is None:
        return None
    index, difference = departure
    step = case.steps[index] if 0 <= index < len(case.steps) else {}
    rule = rule_behind(case.component, str(step.get("step", "")), difference)
    return Divergence(
        component=case.component,
        config=case.config,
        index=index,
        steps=len(case.steps),
        step=step,
        difference=difference,
        ulp=difference.ulp,
        relative=difference.relative,
        agreed=_last_agreement(case, expected, index),
        formula=rule.formula,
        unit=rule.unit,
        requirements=[requirements()[one] for one in rule.requirements],
    )


def _last_agreement(case: Case, expected: Trace, index: int) -> Agreement | None:
    """The last step before ``index`` that shows a state."""
    for before in range(index - 1, -1, -1):
        answer = expected.answers[before]
        if isinstance(answer, Ok) and answer.observation:
            return Agreement(before, case.steps[before], answer.observation)
    return None


def _shape(value: object) -> str:
    if isinstance(value, str):
        return value.partition(":")[0]
    if isinstance(value, bool) or value is None:
        return str(value)
    return "figure" if isinstance(value, int | float) else type(value).__name__


# --- as text ----------------------------------------------------------------------------------


def divergence_lines(divergence: Divergence, case: Case) -> list[str]:
    """Say it on a terminal: what departs where on ``case``, both values, what is behind them."""
    lines = [
        f"{divergence.component} departs from the reference at {_place(divergence)}",
        line("field", divergence.difference.field),
        *_value_lines(divergence),
        *_rule_lines(divergence),
        line("last agreeing", _last_state(divergence)),
    ]
    if divergence.config:
        lines.append(line("opened with", shortened(figures(divergence.config), LONGEST_LINE)))
    if divergence.index > 0:
        steps = "; ".join(map(described, case.steps[: divergence.index]))
        lines.append(line("after", shortened(steps, LONGEST_LINE)))
    return lines


def _place(divergence: Divergence) -> str:
    if divergence.index == AT_OPENING:
        return "the opening of its session"
    return f"step {divergence.index + 1} of {divergence.steps}: {described(divergence.step)}"


def _value_lines(divergence: Divergence) -> list[str]:
    difference = divergence.difference
    distances = []
    if divergence.relative is not None:
        distances.append(f"relative {divergence.relative:.2g}")
    if divergence.ulp is not None:
        distances.append(f"{_count(divergence.ulp)} ULP")
    distance = f"  ({', '.join(distances)})" if distances else ""
    return [
        line("expected", shown(difference.expected)),
        line("got", shown(difference.got) + distance),
    ]


def _rule_lines(divergence: Divergence) -> list[str]:
    lines = []
    if divergence.formula:
        unit = f"  [{divergence.unit}]" if divergence.unit else ""
        lines.append(line("formula", divergence.formula + unit))
    return lines + [
        line("requirement", shortened(f"{one.id}: {one.statement}", LONGEST_LINE))
        for one in divergence.requirements
    ]


def _last_state(divergence: Divergence) -> str:
    """The figures of the last agreement, the field in question first."""
    agreed = divergence.agreed
    if agreed is None:
        return "none: this is the first state that is seen"
    top = divergence.field.partition(".")[0]
    state = {
        name: value
        for name, value in agreed.observation.items()
        if name == top or not isinstance(value, list)
    }
    first = {top: state[top]} if top in state else {}
    text = f"step {agreed.index + 1}, {agreed.step.get('step')}: {figures({**first, **state})}"
    return shortened(text, LONGEST_LINE)


def line(label: str, text: str) -> str:
    """One of the lines below the first."""
    return f"  {label:<{LABEL_WIDTH}} {text}"


def figures(values: Json) -> str:
    """Names with their values."""
    return ", ".join(f"{name} {shown(value)}" for name, value in values.items())


def shown(value: object) -> str:
    """Return a value as it travels, text without its quotes, cut where it is long."""
    text = value if isinstance(value, str) else json.dumps(value)
    return shortened(text, LONGEST_VALUE)


def shortened(text: str, longest: int) -> str:
    """Text on one line of at most ``longest`` letters."""
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 3]}..."


def _count(ulp: int) -> str:
    return str(ulp) if ulp < 1_000_000 else f"{ulp:.2g}"
