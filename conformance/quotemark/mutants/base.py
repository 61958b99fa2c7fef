"""What a mutant is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from quotemark.builtin import BuiltinEngine
from quotemark.messages import Json


@dataclass(frozen=True, slots=True)
class Mutant:
    """One defect: the requirement it breaks, what it does, and the functions it replaces.

    ``patches`` maps ``module.function`` or ``module.Class.method`` of the reference to what stands
    in its place. ``engine`` is the class of engine whose own defect it is, where the formulas are
    right.
    """

    name: str
    breaks: str
    story: str
    patches: dict[str, Callable[..., Any]] = field(default_factory=dict)
    fixed_config: Json = field(default_factory=dict)
    engine: type[BuiltinEngine] = BuiltinEngine
