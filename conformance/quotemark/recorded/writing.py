"""Record an engine that can be driven: what it is asked, and what it answers, line by line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BufferedWriter
from pathlib import Path

from quotemark.errors import InputError
from quotemark.messages import Answer, CloseAnswer, Identity, Json, OpenAnswer
from quotemark.port import Engine
from quotemark.recorded.lines import (
    RECORDING_VERSION,
    CloseLine,
    Closing,
    HeaderLine,
    Opening,
    OpenLine,
    StepLine,
    encoded,
)
from quotemark.server import as_sent


@contextmanager
def recording(engine: Engine, path: Path) -> Iterator[RecordedEngine]:
    """Record ``engine`` in a file; raises :class:`InputError` where it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("wb")
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None
    with file:
        yield RecordedEngine(engine, file)


class RecordedEngine:
    """An engine whose every exchange is written down, once it was answered."""

    def __init__(self, engine: Engine, file: BufferedWriter) -> None:
        self._engine = engine
        self._file = file
        self._identity = engine.initialize()
        self._file.write(encoded(HeaderLine(RECORDING_VERSION, self._identity)))

    def initialize(self) -> Identity:
        """Say what the engine is and what it offers."""
        return self._identity

    def open(self, session: str, component: str, config: Json, seed: int) -> OpenAnswer:
        """Open a session."""
        answer = self._engine.open(session, component, config, seed)
        opening = Opening(component, config, seed)
        self._file.write(encoded(OpenLine(session=session, open=opening, answer=answer)))
        return answer

    def apply(self, session: str, steps: Sequence[Json]) -> list[Answer]:
        """Apply steps in order; one answer a step."""
        answers = self._engine.apply(session, steps)
        for step, answer in zip(steps, answers, strict=False):
            line = StepLine(session=session, step=step, answer=as_sent(answer))
            self._file.write(encoded(line))
        self._file.flush()
        return answers

    def close(self, session: str) -> CloseAnswer:
        """End a session."""
        answer = self._engine.close(session)
        self._file.write(encoded(CloseLine(session=session, close=Closing(), answer=answer)))
        return answer

    def shutdown(self) -> None:
        """End the engine. Nothing follows."""
        self._engine.shutdown()
