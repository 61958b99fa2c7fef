"""Engines without a thought: each must fail in every phase, however much it declares.

They open sessions as the reference does and declare all that it declares, so that nothing but
their answers can refuse them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from quotemark.builtin import BuiltinEngine
from quotemark.case import Case, trace
from quotemark.messages import Answer, Json, Ok, Rejected, Unsupported
from quotemark.smoke import FIRST_STEPS
from quotemark.suite.market import ALL_PHASES

Respond = Callable[[str, Json], Answer]
"""From a component and a step to the answer, whatever came before."""


class TrivialEngine(BuiltinEngine):
    """An engine without state: the same step always gets the same answer."""

    def __init__(self, name: str, respond: Respond) -> None:
        super().__init__(f"trivial:{name}")
        self._respond = respond

    def apply(self, session: str, steps: Sequence[Json]) -> list[Answer]:
        """Answer without a thought."""
        if session not in self._sessions:
            return super().apply(session, steps)
        component, _ = self._sessions[session]
        return [self._respond(component, step) for step in steps]


def constant() -> TrivialEngine:
    """Make an engine that always gives the same quotes, and the figures of a calm flat market."""
    return TrivialEngine("constant", lambda component, step: Ok(_calm(component, step)))


def silent() -> TrivialEngine:
    """Make an engine that never quotes: every figure is 0, every list of quotes empty."""
    return TrivialEngine("silent", lambda component, step: Ok(_nothing(component, step)))


def echo() -> TrivialEngine:
    """Make an engine that gives back its input where a field has its name, and else nothing."""

    def respond(component: str, step: Json) -> Answer:
        nothing = _nothing(component, step)
        return Ok({name: step.get(name, value) for name, value in nothing.items()})

    return TrivialEngine("echo", respond)


def rejects_everything() -> TrivialEngine:
    """Make an engine that rejects every step."""
    rejected = Rejected("out_of_range", "rejected like everything")
    return TrivialEngine("rejects_everything", lambda component, step: rejected)


def supports_nothing() -> TrivialEngine:
    """Make an engine that declares all and supports no step of it."""
    unsupported = Unsupported("still to be built")
    return TrivialEngine("supports_nothing", lambda component, step: unsupported)


TRIVIAL: dict[str, Callable[[], TrivialEngine]] = {
    "silent": silent,
    "constant": constant,
    "echo": echo,
    "rejects_everything": rejects_everything,
    "supports_nothing": supports_nothing,
}


def _calm(component: str, step: Json) -> Json:
    """What the reference observes first; events of the quote cycle are not observed."""
    is_event = component == "engine" and step.get("step") != "cycle"
    return {} if is_event else _first_observation(component)


@cache
def _first_observation(component: str) -> Json:
    config = ALL_PHASES if component == "engine" else {}
    case = Case(component, config, [FIRST_STEPS[component]])
    (answer,) = trace(BuiltinEngine(), case, "first", 0).answers
    assert isinstance(answer, Ok)
    return answer.observation


def _nothing(component: str, step: Json) -> Json:
    calm = _calm(component, step)
    return {name: [] if name in ("bids", "asks") else _zero(calm[name]) for name in calm}


def _zero(value: Any) -> Any:  # noqa: ANN401 - any value that an observation has
    """The same shape with 0 in it."""
    match value:
        case list() | tuple():
            return [_zero(item) for item in value]
        case bool() | int() | float():
            return type(value)(0)
    return value
