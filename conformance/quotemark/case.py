"""A case: a component, its configuration and steps; its trace is what an engine answers."""

from __future__ import annotations

from msgspec import Struct

from quotemark.messages import Answer, Json, OpenAnswer, Opened
from quotemark.port import Engine


class Case(Struct, frozen=True):
    """One session, from its opening to its last step."""

    component: str
    config: Json
    steps: list[Json]


class Trace(Struct, frozen=True):
    """What an engine answers to a case; no answers where the session did not open."""

    opened: OpenAnswer
    answers: list[Answer]


def trace(engine: Engine, case: Case, session: str, seed: int) -> Trace:
    """Run ``case`` in a session of its own."""
    opened = engine.open(session, case.component, case.config, seed)
    if not isinstance(opened, Opened):
        return Trace(opened, [])
    answers = engine.apply(session, case.steps)
    engine.close(session)
    return Trace(opened, answers)


def described(step: Json) -> str:
    """Kind of a step and its values, cut where they are many."""
    values = ", ".join(f"{name} {value}" for name, value in step.items() if name != "step")
    text = f"{step.get('step')} ({values})"
    return text if len(text) <= 200 else text[:200] + "..."
