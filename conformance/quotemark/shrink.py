"""Make a failing case small: fewer steps, less configuration, simpler values, the same failure.

Whatever may go without the failure going too is left out: what comes after it; all steps of a kind;
runs of steps, halving in length down to single ones; keys of the configuration, fields of steps,
items of lists; late times and long numbers. The search is deterministic and bounded. Where it ends
by itself, the case fails no more without any one of its steps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import msgspec

from quotemark.case import Case
from quotemark.messages import Json

DEFAULT_TRIALS = 200
DEFAULT_STEPS = 30_000
ROUNDINGS = (1, 2, 3)
"""Significant digits that a figure is cut to, the fewest first."""

Fails = Callable[[Case], int | None]
"""Step at which a case still fails in the same way, -1 for its opening; ``None`` if it does not."""

Path = tuple[str | int, ...]
"""Way to a value of a case: from ``config`` or ``steps`` through keys and places in lists."""


def shrink(
    case: Case, fails: Fails, *, trials: int = DEFAULT_TRIALS, steps: int = DEFAULT_STEPS
) -> Case:
    """Return the smallest case found that fails as ``case`` does; ``case`` if that does not fail.

    At most ``trials`` cases are tried, and none once they had ``steps`` steps together. A failure
    must not rest on what comes after it.
    """
    search = _Search(case, fails, trials, steps)
    if not search.keeps({"config": case.config, "steps": case.steps}):
        return case
    before: Json = {}
    while before != search.smallest:
        before = search.smallest
        search.drop_kinds_of_steps()
        search.drop_runs(("steps",))
        search.drop_parts()
        search.simplify_times()
        search.simplify_figures()
    return Case(case.component, search.smallest["config"], search.smallest["steps"])


class _Search:
    """The smallest failing case so far, and what may still be spent on a smaller one."""

    def __init__(self, case: Case, fails: Fails, trials: int, steps: int) -> None:
        self.smallest: Json = {}
        self._component = case.component
        self._fails = fails
        self._trials = trials
        self._steps = steps
        self._tried: set[bytes] = set()

    def keeps(self, candidate: Json) -> bool:
        """Whether the candidate fails too; it is then the smallest, cut after its failure."""
        if self._trials <= 0 or self._steps <= 0:
            return False
        key = msgspec.json.encode(candidate)
        if key in self._tried:
            return False
        self._tried.add(key)
        self._trials -= 1
        self._steps -= len(candidate["steps"])
        index = self._fails(Case(self._component, candidate["config"], candidate["steps"]))
        if index is None:
            return False
        self.smallest = {**candidate, "steps": candidate["steps"][: index + 1]}
        self._tried.add(msgspec.json.encode(self.smallest))
        return True

    def drop_kinds_of_steps(self) -> None:
        """Leave out all steps of a kind before the last step, the most frequent kind first."""
        for kind, _ in Counter(map(_kind, self.smallest["steps"])).most_common():
            *before, last = self.smallest["steps"]
            others = [step for step in before if _kind(step) != kind]
            self.keeps({**self.smallest, "steps": [*others, last]})

    def drop_runs(self, path: Path) -> None:
        """Leave out runs of the list at ``path``, the longest first; its last item stays."""
        length = len(_at(self.smallest, path)) // 2
        while length:
            start = 0
            while start < (last := len(items := _at(self.smallest, path)) - 1):
                rest = items[min(start + length, last) :]
                if not self.keeps(_with(self.smallest, path, items[:start] + rest)):
                    start += length
            length //= 2

    def drop_parts(self) -> None:
        """Leave out keys of the configuration, fields of steps, and items of lists in both."""
        for path, value in self._inner():
            *outer, key = path
            if isinstance(key, str) and key != "step":
                holder = {**_at(self.smallest, outer)}
                del holder[key]
                if self.keeps(_with(self.smallest, outer, holder)):
                    continue
            if isinstance(value, list):
                self.drop_runs(path)

    def simplify_times(self) -> None:
        """Let time begin at 0, and run in whole seconds if it can."""
        times = [step["t_ms"] for step in self.smallest["steps"] if "t_ms" in step]
        if not all(isinstance(t_ms, int) for t_ms in times):
            return
        first = min(times, default=0)
        for unit_ms in (1000, 100, 1):
            steps = [
                {**step, "t_ms": (step["t_ms"] - first) // unit_ms * unit_ms}
                if "t_ms" in step
                else step
                for step in self.smallest["steps"]
            ]
            if self.keeps({**self.smallest, "steps": steps}):
                return

    def simplify_figures(self) -> None:
        """Cut figures to few digits: all together, then one by one."""
        for digits in ROUNDINGS:
            if self.keeps(_all_rounded(self.smallest, digits)):
                break
        for path, value in self._inner():
            for simpler in _simpler(value):
                if self.keeps(_with(self.smallest, path, simpler)):
                    break

    def _inner(self) -> Iterator[tuple[Path, Any]]:
        """Every value in configuration and steps that is still there when its turn comes."""
        for path in list(_paths(self.smallest)):
            try:
                value = _at(self.smallest, path)
            except LookupError:
                continue
            if len(path) > 1:
                yield path, value


def _kind(step: Json) -> str:
    return str(step.get("step"))


# --- values inside a case ---------------------------------------------------------------------


def _paths(value: object, path: Path = ()) -> Iterator[Path]:
    yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _paths(inner, (*path, key))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _paths(inner, (*path, place))


def _at(value: Any, path: Iterable[str | int]) -> Any:  # noqa: ANN401 - any JSON
    for key in path:
        value = value[key]
    return value


def _with(value: Any, path: Sequence[str | int], new: object) -> Any:  # noqa: ANN401 - any JSON
    """Copy of ``value`` that holds ``new`` at ``path``."""
    if not path:
        return new
    changed = value.copy()
    changed[path[0]] = _with(value[path[0]], path[1:], new)
    return changed


def _all_rounded(value: Any, digits: int) -> Any:  # noqa: ANN401 - any JSON
    """Copy of ``value`` with its fractions, and text that is a number, cut."""
    if isinstance(value, dict):
        return {key: _all_rounded(inner, digits) for key, inner in value.items()}
    if isinstance(value, list):
        return [_all_rounded(inner, digits) for inner in value]
    return value if isinstance(value, int) else _rounded(value, digits)


def _simpler(value: object) -> list[object]:
    """Figures of fewer digits than ``value`` to try in its place, the simplest first."""
    plain: list[object] = []
    if isinstance(value, float):
        plain = [0.0, 1.0]
    elif isinstance(value, int) and not isinstance(value, bool):
        plain = [0, 1]
    rounded = [_rounded(value, digits) for digits in ROUNDINGS]
    return [one for one in plain + rounded if _length(one) < _length(value)]


def _length(value: object) -> int:
    """Count of digits without the zeros at both ends."""
    return len(str(value).strip("0."))


def _rounded(value: object, digits: int) -> object:
    """Cut a figure, or text that is one, to ``digits`` significant digits; the rest as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return value
    try:
        text = f"{float(value):.{digits}g}"
        return text if isinstance(value, str) else type(value)(float(text))
    except (ValueError, OverflowError):
        return value
