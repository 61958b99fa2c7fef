"""The register: requirements from ``requirements.toml``, and the checks that prove them."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import msgspec

from quotemark.results import Requirement
from quotemark.suite.bench import Check


@dataclass(frozen=True, slots=True)
class RegisteredCheck:
    """A check: what it proves, the component it drives and the fields its statement reads."""

    name: str
    proves: tuple[str, ...]
    component: str
    needs: tuple[str, ...]
    run: Check

    @property
    def story(self) -> str:
        """What the check does, in words."""
        return (self.run.__doc__ or "").strip()


_checks: list[RegisteredCheck] = []


def check(component: str, *proves: str, needs: tuple[str, ...] = ()) -> Callable[[Check], Check]:
    """Register a function as a check of ``component`` that proves the requirements ``proves``.

    ``needs`` names observation fields beyond the least that an engine gives; an engine that does
    not declare them leaves the check unproven.
    """

    def register(run: Check) -> Check:
        module = run.__module__.rpartition(".")[2]
        _checks.append(RegisteredCheck(f"{module}.{run.__name__}", proves, component, needs, run))
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
