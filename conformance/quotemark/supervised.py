"""An engine that may break: it is ended, the step at fault is found, and a fresh one takes over.

What the engine is asked is remembered as long as a session is open. Where it breaks, that session
alone is given to a fresh engine, one step at a time, to see at which step the fault shows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from quotemark.case import Case, described
from quotemark.earlier import WithEarlierBuild
from quotemark.errors import EngineError
from quotemark.messages import Answer, CloseAnswer, Closed, Identity, Json, OpenAnswer, Opened
from quotemark.port import Engine
from quotemark.stdio import StdioEngine

NARROWING_TIMEOUT_S = 60.0

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a session was asked, from its opening on."""

    session: str
    case: Case
    seed: int


class SupervisedEngine:
    """The engine that ``start`` makes, started anew whenever it has been ended or broke.

    Once it broke, every call raises the same :class:`EngineError` until :meth:`recover`; where it
    cannot be started again, for good.
    """

    def __init__(self, start: Callable[[], Engine]) -> None:
        self.end_faults: list[EngineError] = []
        self._start = start
        self._engine: Engine | None = start()
        self._sessions: dict[str, _Asked] = {}
        self._broken_by: EngineError | None = None
        self._last_asked: _Asked | None = None
        self._is_lost = False

    def initialize(self) -> Identity:
        """Say what the engine is and what it offers."""
        return self._ask(lambda engine: engine.initialize())

    def open(self, session: str, component: str, config: Json, seed: int) -> OpenAnswer:
        """Open a session and remember what it is asked."""
        asked = self._sessions.get(session) or _Asked(session, Case(component, config, []), seed)
        answer = self._ask(lambda engine: engine.open(session, component, config, seed), asked)
        if isinstance(answer, Opened):
            self._sessions[session] = asked
        return answer

    def apply(self, session: str, steps: Sequence[Json]) -> list[Answer]:
        """Apply steps in order; one answer a step."""
        asked = self._sessions.get(session)
        if asked is not None:
            asked.case.steps.extend(steps)
        return self._ask(lambda engine: engine.apply(session, steps), asked)

    def close(self, session: str) -> CloseAnswer:
        """End a session and forget what it was asked."""
        asked = self._sessions.get(session)
        answer = self._ask(lambda engine: engine.close(session), asked)
        if isinstance(answer, Closed):
            self._sessions.pop(session, None)
        return answer

    def shutdown(self) -> None:
        """End the engine; the next call starts a fresh one."""
        self.end()

    def abort(self) -> None:
        """Break off what another thread waits for: kill the engine's processes, if it has any."""
        if isinstance(self._engine, StdioEngine | WithEarlierBuild):
            self._engine.abort()

    def end(self) -> EngineError | None:
        """End the engine and return what is at fault with its end, added to ``end_faults`` too."""
        engine, self._engine = self._engine, None
        self._sessions.clear()
        if engine is not None:
            try:
                engine.shutdown()
            except EngineError as fault:
                self.end_faults.append(fault)
                return fault
        return None

    def demand_unbroken(self) -> None:
        """Raise the fault that broke the engine, if whoever met it kept it to himself."""
        if self._broken_by is not None:
            raise self._broken_by

    def recover(self, fault: EngineError) -> str:
        """Say what is at fault and at which step it shows; the next call finds a fresh engine.

        A fault that was found in an answer, and did not break the engine, is only put in words.
        """
        if fault is not self._broken_by:
            return f"{fault.label}: {fault}"
        if self._is_lost:
            return f"not run, as the engine cannot be started again: {fault.label}: {fault}"
        self._broken_by = None
        self.shutdown()
        found = str(fault) if self._last_asked is None else self._narrowed(fault, self._last_asked)
        return f"{fault.label}: {found}"

    def _ask(self, call: Callable[[Engine], Result], asked: _Asked | None = None) -> Result:
        self.demand_unbroken()
        try:
            engine = self._started()
        except EngineError as fault:
            self._broken_by, self._is_lost = fault, True
            raise
        try:
            return call(engine)
        except EngineError as fault:
            self._broken_by, self._last_asked = fault, asked
            raise

    def _started(self) -> Engine:
        if self._engine is None:
            self._engine = self._start()
            self._engine.initialize()
        return self._engine

    def _narrowed(self, fault: EngineError, asked: _Asked) -> str:
        """Describe ``fault`` and the first question of its session that a fresh engine breaks at.

        After each the engine is asked who it is, so that what comes after an answer is not taken
        for something that comes before the next.
        """
        try:
            engine = self._started()
        except EngineError as again:
            self.shutdown()
            return f"{fault}; it could not be started again: {again.label}: {again}"
        deadline = time.monotonic() + NARROWING_TIMEOUT_S
        place = ""
        try:
            for place, ask in _one_by_one(asked):
                if time.monotonic() > deadline:
                    return f"{fault}; a fresh engine was asked step by step until {place}"
                ask(engine)
                engine.initialize()
        except EngineError as again:
            self.shutdown()
            if again.label == fault.label:
                return f"{again}; a fresh engine, asked step by step, does so at {place}"
            return f"{fault}; a fresh engine, asked step by step, shows {again.label} at {place}"
        return f"{fault}; a fresh engine, asked the same step by step, does not"


def _one_by_one(asked: _Asked) -> Iterator[tuple[str, Callable[[Engine], object]]]:
    """Return what a session is asked, one step at a time, each with its place in words."""
    session, case = asked.session, asked.case
    of_session = f"{case.component} with {case.config}"
    yield (
        f"the opening of {of_session}",
        lambda engine: engine.open(session, case.component, case.config, asked.seed),
    )
    for number, step in enumerate(case.steps, start=1):
        yield (
            f"step {number} of {len(case.steps)}, {described(step)}, of {of_session}",
            lambda engine, step=step: engine.apply(session, [step]),  # type: ignore[misc]
        )
    yield f"the closing of {of_session}", lambda engine: engine.close(session)
