"""What a recording holds: sessions, steps, cycles and the time that they span."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from quotemark.messages import Identity, Rejected
from quotemark.recorded.files import RecordingFile
from quotemark.recorded.lines import Line, OpenLine, StepLine
from quotemark.steps import LARGEST_T_MS


class Contents(Struct):
    """Counts of a recording; ``first_ms`` and ``last_ms`` are the least and the largest time.

    A time that no step may have is left out.
    """

    sessions: int = 0
    steps: int = 0
    cycles: int = 0
    rejected: int = 0
    first_ms: int | None = None
    last_ms: int | None = None

    def take(self, line: Line) -> None:
        """Count a line."""
        if isinstance(line, OpenLine):
            self.sessions += 1
        elif isinstance(line, StepLine):
            self.steps += 1
            self.cycles += line.step.get("step") == "cycle"
            self.rejected += isinstance(line.answer, Rejected)
            t_ms = line.step.get("t_ms")
            if isinstance(t_ms, int) and abs(t_ms) <= LARGEST_T_MS:
                self.first_ms = t_ms if self.first_ms is None else min(self.first_ms, t_ms)
                self.last_ms = t_ms if self.last_ms is None else max(self.last_ms, t_ms)

    def __str__(self) -> str:
        words = f"{counted(self.sessions, 'session')}, {counted(self.steps, 'step')}"
        words += f", {counted(self.cycles, 'cycle')} among them, {self.rejected} rejected"
        if self.first_ms is None or self.last_ms is None:
            return words
        span_s = (self.last_ms - self.first_ms) / 1000.0
        return f"{words}, {span_s:g} s from {_clock(self.first_ms)}"


class Looked(Struct, frozen=True):
    """Who was recorded, and what the recording holds; ``torn`` names a line that is not whole."""

    identity: Identity
    contents: Contents
    torn: str


def look_into(path: Path) -> Looked:
    """Read a recording through, without a reference beside it.

    Raises :class:`~quotemark.errors.InputError` where the file is none.
    """
    recording, contents = RecordingFile(path), Contents()
    for _, line in recording.lines():
        contents.take(line)
    return Looked(recording.identity, contents, recording.torn)


def counted(number: int, what: str) -> str:
    """Return the number of something in words."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _clock(t_ms: int) -> str:
    """Return a time as date and clock where it is one of our days, as it is otherwise."""
    try:
        when = datetime.fromtimestamp(t_ms / 1000.0, UTC)
    except (OverflowError, OSError, ValueError):
        return f"t_ms {t_ms}"
    return when.isoformat(timespec="milliseconds") if when.year > 2000 else f"t_ms {t_ms}"
