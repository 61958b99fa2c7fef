"""From a raw step to its type, or to the rejection that bad input must get."""

from __future__ import annotations

from typing import Any

import msgspec

from quotemark.messages import STEPS, Json, Rejected, RejectionCode, Step

NON_FINITE = ("nan", "inf", "-inf")
LARGEST_T_MS = 10**15  # as for every field

_KINDS = {
    component: {kind.__struct_config__.tag: kind for kind in kinds}
    for component, kinds in STEPS.items()
}


class StepError(Exception):
    """A step that is no step of its component; ``rejection`` is its answer."""

    def __init__(self, code: RejectionCode, message: str) -> None:
        super().__init__(message)
        self.rejection = Rejected(code, message)


def parse_step(component: str, raw: Json) -> Step:
    """Check the shape of ``raw`` against the steps of ``component``.

    Raises :class:`StepError` with ``unknown_step``, ``unknown_field``, ``missing_field``,
    ``non_finite``, ``unparsable`` or, for the time, ``out_of_range``.
    """
    try:
        # not the union of all kinds: hashing it would cost more than the conversion itself
        step: Step = msgspec.convert(raw, _KINDS[component][raw["step"]])
    except (KeyError, TypeError, msgspec.ValidationError) as error:
        raise _step_error(component, raw, str(error)) from None
    t_ms = getattr(step, "t_ms", 0)
    if abs(t_ms) > LARGEST_T_MS:
        raise StepError("out_of_range", f"t_ms is beyond {LARGEST_T_MS:.0e}, expected less")
    return step


def untagged(value: Any) -> Any:  # noqa: ANN401 - any value that JSON has
    """Turn the texts that stand for numbers that are not finite into these numbers."""
    if isinstance(value, list):
        return [untagged(item) for item in value]
    return float(value) if value in NON_FINITE else value


def _step_error(component: str, raw: Json, reason: str) -> StepError:
    if "step" not in raw:
        return StepError("missing_field", "step is absent, expected the kind of step")
    kinds = _KINDS[component]
    if raw["step"] not in list(kinds):
        known = ", ".join(str(tag) for tag in kinds)
        return StepError("unknown_step", f"step is {raw['step']!r}, {component} knows {known}")
    kind = kinds[raw["step"]]
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    for name in raw:
        if name not in fields and name != "step":
            return StepError("unknown_field", f"{name} is no field of {raw['step']}")
    for name, field in fields.items():
        if name not in raw and field.required:
            return StepError("missing_field", f"{name} is absent from {raw['step']}")
    for name, field in fields.items():
        if name in raw and not _is_a(field.type, raw[name]):
            numeric = any(_is_a(field.type, some) for some in (1, [1, 1], []))
            code: RejectionCode = (
                "non_finite" if numeric and _holds_non_finite(raw[name]) else "unparsable"
            )
            return StepError(code, f"{name} is {raw[name]!r}: {reason}")
    return StepError("unparsable", f"{raw['step']}: {reason}")


def _is_a(kind: Any, value: object) -> bool:  # noqa: ANN401 - msgspec takes any annotation
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True


def _holds_non_finite(value: object) -> bool:
    if isinstance(value, list):
        return any(_holds_non_finite(item) for item in value)
    return value in NON_FINITE
