"""Bad input in every form: each field of a step and each key of a configuration, spoilt in turn.

The types of the messages say what a field is; the tables of the protocol page say what it may hold,
and which code answers what it may not. Each bad step has one fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec

from quotemark import messages
from quotemark.messages import Json, RejectionCode, Step
from quotemark.suite.protocol_page import Key

Codes = tuple[RejectionCode, ...]
"""Codes that may answer a fault: one of them, where the page leaves nothing open."""
Fault = tuple[Any, Codes]
"""A value that is wrong, and the codes that may answer it."""
Spoil = Callable[[Json], Json]
"""Makes a bad step of a good one."""

GAP_MS = 1000
"""How far apart good steps are, so that a step can be made to come before the last one."""
KNOWN_ID = "known"
"""Id of a fill that an engine has had before any bad step."""


def _faults(code: RejectionCode, *values: object) -> list[Fault]:
    return [(value, (code,)) for value in values]


NON_FINITE = _faults("non_finite", "nan", "inf", "-inf")
NO_NUMBERS = _faults("unparsable", "many", True, {})
NO_NAMES = _faults("unparsable", "neither", 5.0, True, {})
NO_TEXTS = _faults("unparsable", 5.0, True, {})
BEYOND = _faults("out_of_range", 2e15, 1e300)
NOT_POSITIVE = _faults("out_of_range", 0.0, -1.0, 1e-16)
RATES = [
    *_faults("unparsable", "n/a", "", "5.", " 1e-4", "1_0", "NaN", 1e-4, True),
    *_faults("non_finite", "nan", "inf", "-inf", "1e999"),
    *_faults("out_of_range", "1.5", "-1.0001"),
]

EITHER: Codes = ("unparsable", "out_of_range")

FINITE = frozenset(
    {
        *("z_bps_per_s", "magnitude_bps", "value", "position", "fee_bps", "drift_bps_per_s"),
        *("skew_bps", "inventory_beta", "as_cost_bps", "carry_cost_bps"),
        *("predicted_drift_bps_per_s", "realised_drift_bps_per_s"),
    }
)
FRACTIONS = frozenset({"agreement", "p_continuation"})
NOT_NEGATIVE = frozenset({"depth_bps"})
"""Numbers of steps that need not be positive; every other must be, from 1e-15 to 1e15."""


# --- steps ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StepField:
    """A field of a step, and what it is where it is not null."""

    name: str
    type: Any
    nullable: bool
    required: bool


@cache
def fields_of(kind: type[Step]) -> tuple[StepField, ...]:
    """Return the fields of a kind of step."""
    found = []
    for field in msgspec.structs.fields(kind):
        options = get_args(field.type)
        nullable = type(None) in options
        own = options[0] if nullable or get_origin(field.type) is Annotated else field.type
        found.append(StepField(field.name, own, nullable, field.required))
    return tuple(found)


def spoils(kind: type[Step]) -> Iterator[tuple[Spoil, Codes]]:
    """Every way to spoil a step of this kind, with the codes that may answer it."""
    yield partial(_without, "step"), ("missing_field",)
    yield _setting("step", "halt"), ("unknown_step",)
    yield _setting("venue", 1.0), ("unknown_field",)
    for field in fields_of(kind):
        if field.required:
            yield partial(_without, field.name), ("missing_field",)
        if not field.nullable:
            yield _setting(field.name, None), ("unparsable",)
        yield from _spoils_of(kind, field.name, field.type)
    yield from _spoils_of_the_whole(kind)


def _spoils_of_the_whole(kind: type[Step]) -> Iterator[tuple[Spoil, Codes]]:
    """Ways to spoil a step whose fields are right one by one."""
    if "t_ms" in kind.__struct_fields__:
        yield _too_early, ("time_reversed",)
    if kind is messages.Fill:
        yield _setting("id", KNOWN_ID), ("duplicate",)
    if kind is messages.Book:
        yield _crossed, ("crossed_book",)
    if kind is messages.Signal:
        yield partial(_without, "variance"), ("missing_field",)
        for value in (-0.1, 1.1):
            yield partial(_toxic, value), ("out_of_range",)


def _spoils_of(kind: type[Step], name: str, hint: Any) -> Iterator[tuple[Spoil, Codes]]:  # noqa: ANN401 - a type
    """Ways to spoil one field by its value."""
    if hint == messages.Pair:
        yield from _spoilt_pairs(name)
    elif get_origin(hint) is list:
        yield from _spoilt_levels(name)
    else:
        for value, codes in _bad_values(kind, name, hint):
            yield _setting(name, value), codes


def _bad_values(kind: type[Step], name: str, hint: Any) -> list[Fault]:  # noqa: ANN401 - a type
    if name == "rate":
        return RATES
    if hint is int:
        return _bad_wholes(name)
    if hint is str:
        return NO_TEXTS
    if get_origin(hint) is Literal:
        return NO_NAMES
    if kind is messages.Trade and name == "mid":  # taken and not used
        return [*NON_FINITE, *NO_NUMBERS]
    return bad_numbers(name)


def bad_numbers(name: str) -> list[Fault]:
    """What a field of this name must not be given, where it takes a number."""
    within: list[Fault] = NOT_POSITIVE
    if name in FINITE:
        within = _faults("out_of_range", -2e15)
    elif name in FRACTIONS:
        within = _faults("out_of_range", -0.1, 1.1)
    elif name in NOT_NEGATIVE:
        within = _faults("out_of_range", -1e-9)
    return [*NON_FINITE, *NO_NUMBERS, *BEYOND, *within]


def _bad_wholes(name: str) -> list[Fault]:
    too_small = () if name == "t_ms" else (0, -1)
    beyond = _faults("out_of_range", 2 * 10**15, *too_small)
    return [*NON_FINITE, *NO_NUMBERS, *_faults("unparsable", 0.5), *beyond]


def _setting(name: str, value: object) -> Spoil:
    return lambda good: {**good, name: value}


def _without(name: str, good: Json) -> Json:
    return {key: value for key, value in good.items() if key != name}


def _too_early(good: Json) -> Json:
    return {**good, "t_ms": good["t_ms"] - GAP_MS - 1}


def _toxic(value: float, good: Json) -> Json:
    return {**_without("variance", good), "source": "toxicity_bid", "value": value}


def _crossed(good: Json) -> Json:
    best_ask, _ = good["asks"][0]
    return {**good, "bids": [[best_ask * 1.001, 1.0]]}


def _spoilt_pairs(name: str) -> Iterator[tuple[Spoil, Codes]]:
    for whole, codes in _faults("unparsable", "many", 5.0, [1.0], [1.0, 1.0, 1.0], {}):
        yield _setting(name, whole), codes
    for place in (0, 1):
        for value, codes in bad_numbers(name):
            yield partial(_with_one, name, place, value), codes


def _with_one(name: str, place: int, value: object, good: Json) -> Json:
    pair = list(good[name])
    pair[place] = value
    return {**good, name: pair}


def _spoilt_levels(side: str) -> Iterator[tuple[Spoil, Codes]]:
    for whole, codes in _faults("unparsable", "many", 5.0, {}):
        yield _setting(side, whole), codes
    for level, codes in _faults("unparsable", 5.0, "many", None, [1.0], [1.0, 1.0, 1.0]):
        yield partial(_with_best, side, level), codes
    for price, codes in (*NON_FINITE, *NO_NUMBERS):
        yield partial(_with_best, side, [price, 1.0]), codes
    for size, codes in bad_numbers("size"):
        yield partial(_with_best_size, side, size), codes
    # a single level, far from the other side: its price is out of range, and nothing else is wrong
    for price in (0.0, -1.0, 1e-16) if side == "bids" else (2e15, 1e300):
        yield _setting(side, [[price, 1.0]]), ("out_of_range",)
    for factor in (1.0, 1.0 + 1e-9 if side == "bids" else 1.0 - 1e-9):
        yield partial(_not_best_first, side, factor), ("out_of_range",)


def _with_best(side: str, level: object, good: Json) -> Json:
    return {**good, side: [level, *good[side][1:]]}


def _with_best_size(side: str, size: object, good: Json) -> Json:
    return _with_best(side, [good[side][0][0], size], good)


def _not_best_first(side: str, factor: float, good: Json) -> Json:
    price, size = good[side][0]
    return {**good, side: [[price, size], [price * factor, size]]}


# --- configurations ---------------------------------------------------------------------------


def bad_settings(key: Key) -> list[Fault]:
    """What a key must not be set to.

    Where a key takes one of a few names, the page leaves open whether a value of another kind is
    ``unparsable`` or no option; so it does by which code an empty list is refused.
    """
    if key.is_gate:
        return _faults("unparsable", "on", 1, None)
    null = _faults("unparsable", None)
    if key.options:
        if key.unit != "name":
            return [*_faults("out_of_range", 7.0), *NON_FINITE, *NO_NUMBERS, *null]
        others: list[Fault] = [(True, EITHER), (None, EITHER), ([], EITHER)]
        return [*_faults("out_of_range", "neither"), *others]
    numbers = [*NON_FINITE, *NO_NUMBERS, *_beyond(key)]
    if key.is_list:
        items = [([value], codes) for value, codes in (*numbers, *null)]
        return [([], EITHER), *_faults("unparsable", 5.0, None), *items]
    return numbers if key.default == "null" else [*numbers, *null]


def _beyond(key: Key) -> list[Fault]:
    low, high = key.bounds
    values = [low / 2.0 if low > 0.0 else -1.0, high * 2.0, 1e300]
    return _faults("out_of_range", *values, *([low + 0.5] if key.is_whole else []))
