"""Which checks a mutant meets first: those that are likely to kill it soon."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from quotemark.components import COMPONENTS
from quotemark.suite.register import RegisteredCheck

SHARED = {"returns": "cross_venue"}  # a module that serves a component of another name


def component_of(module: str) -> str:
    """Component of the port that shows most of a module of the reference."""
    return SHARED.get(module, module if module in COMPONENTS else "engine")


class Order:
    """Checks by what they cost, in ``seconds`` each, and by what they have killed so far."""

    def __init__(self, seconds: Mapping[RegisteredCheck, float]) -> None:
        self._seconds = seconds
        self._kills: Counter[str] = Counter()

    def learn(self, killed_by: str | None) -> None:
        """Count what a check has killed; ``None`` is a survivor."""
        if killed_by is not None:
            self._kills[killed_by] += 1

    def of(self, module: str) -> list[str]:
        """Names of all checks: the module's component first, then most kills a second."""
        component = component_of(module)

        def rank(check: RegisteredCheck) -> tuple[bool, float]:
            kills_per_s = (1 + self._kills[check.name]) / self._seconds[check]
            return check.component != component, -kills_per_s

        return [check.name for check in sorted(self._seconds, key=rank)]
