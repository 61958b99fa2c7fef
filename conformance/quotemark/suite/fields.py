"""What stands behind each field of an observation: formula, unit and requirements.

They are listed in ``fields.toml``, so that a divergence can say what should have been computed.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path

import msgspec
from msgspec import Struct

from quotemark.suite.compare import Difference

_PLACE_IN_LIST = re.compile(r"\[\d+\]")


class Rule(Struct, frozen=True):
    """A formula with its unit, and the ids of the requirements that state it."""

    formula: str
    unit: str
    requirements: tuple[str, ...]


class FieldEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """Rule of a field; ``step`` where it holds after that kind of step only."""

    component: str
    name: str
    formula: str
    unit: str
    requirements: tuple[str, ...]
    step: str = ""


class RejectionEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """When a step or a configuration is rejected with ``code``."""

    code: str
    rule: str
    requirements: tuple[str, ...]


class Register(Struct, frozen=True, forbid_unknown_fields=True):
    """All of ``fields.toml``."""

    field: list[FieldEntry]
    rejection: list[RejectionEntry]


@cache
def register() -> Register:
    """Every entry, in the order of the file."""
    text = (Path(__file__).parent / "fields.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), Register)


def field_of(path: str) -> str:
    """Name of the field at ``path``: without places in lists, a level's as ``quote.<field>``."""
    name = _PLACE_IN_LIST.sub("", path.removeprefix("number of "))
    top, _, part = name.partition(".")
    return f"quote.{part}" if part and top in ("bids", "asks") else name


def rule_behind(component: str, step: str, difference: Difference) -> Rule:
    """Rule that the ``component`` broke in a ``step`` whose answers differ so.

    Where none is listed, as for a field that nobody knows, it is agreement with the reference.
    """
    rules = _rules()
    name = field_of(difference.field)
    codes = (_code(difference.expected), _code(difference.got))
    places = (
        (component, name, step),
        (component, name, ""),
        (component, name.partition(".")[0], ""),  # a part without a formula of its own
        *(("", code, "") for code in codes if name in ("status", "code")),
    )
    agreement = Rule("", "", (f"A-{component}",))
    return next((rules[place] for place in places if place in rules), agreement)


def _code(value: object) -> str:
    return str(value).removeprefix("rejected (").partition(":")[0]


@cache
def _rules() -> dict[tuple[str, str, str], Rule]:
    rules = {
        (entry.component, entry.name, entry.step): Rule(
            entry.formula, entry.unit, entry.requirements
        )
        for entry in register().field
    }
    for rejection in register().rejection:
        rules["", rejection.code, ""] = Rule(rejection.rule, "", rejection.requirements)
    return rules
