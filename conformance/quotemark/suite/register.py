"""The register: requirements from ``requirements.toml``, and the checks that prove them."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import msgspec

from quotemark.messages import LEVEL_0_FIELDS
from quotemark.results import Level, Requirement
from quotemark.suite.bench import Check

EVERY_COMPONENT = "every component"
"""In the place of a component: all those that the engine offers."""


@dataclass(frozen=True, slots=True)
class RegisteredCheck:
    """A check: what it proves, the component it drives and the fields its statement reads.

    ``seconds`` is about how long it takes with the reference, where that is long: the longest are
    begun first. ``quick`` tells whether quick runs have it, ``timed`` that it measures time, and so
    runs alone, ``closing`` that every engine of the run takes it, as the last.
    """

    name: str
    proves: tuple[str, ...]
    component: str
    needs: tuple[str, ...]
    run: Check
    seconds: float = 0.0
    quick: bool = True
    timed: bool = False
    closing: bool = False

    @property
    def story(self) -> str:
        """What the check does, in words, on one line."""
        return " ".join((self.run.__doc__ or "").split())

    @property
    def level(self) -> Level:
        """How much of an engine must be seen for the check: see ``Requirement.level``."""
        if self.component not in ("engine", EVERY_COMPONENT):
            return "L2"
        return "L0" if set(self.needs) <= set(LEVEL_0_FIELDS) else "L1"


_checks: list[RegisteredCheck] = []


def check(
    component: str,
    *proves: str,
    needs: tuple[str, ...] = (),
    seconds: float = 0.0,
    quick: bool = True,
    timed: bool = False,
    closing: bool = False,
) -> Callable[[Check], Check]:
    """Register a function as a check of ``component`` that proves the requirements ``proves``.

    ``needs`` names observation fields beyond the least that an engine gives; an engine that does
    not declare them leaves the check unproven. The rest says when it runs: see
    :class:`RegisteredCheck`.
    """

    def register(run: Check) -> Check:
        name = f"{run.__module__.rpartition('.')[2]}.{run.__name__}"
        _checks.append(
            RegisteredCheck(name, proves, component, needs, run, seconds, quick, timed, closing)
        )
        return run

    return register


def registered_checks() -> tuple[RegisteredCheck, ...]:
    """Checks registered so far; :mod:`quotemark.suite.checks` has all of them."""
    return tuple(_checks)


@cache
def requirements() -> dict[str, Requirement]:
    """Every requirement by id, in the order of the register."""
    text = (Path(__file__).parent / "requirements.toml").read_text("utf-8")
    entries = msgspec.convert(tomllib.loads(text)["requirement"], list[Requirement])
    return {entry.id: entry for entry in entries}


def requirements_of(phases: Collection[int]) -> dict[str, Requirement]:
    """Requirements of ``phases``, with those that hold for every phase."""
    return {id_: one for id_, one in requirements().items() if one.phase in (0, *phases)}
