"""The process of an engine: lines go in, lines come out, and at the end nothing of it stays.

One loop writes, reads and drains stderr, so that neither side waits for the other. What is kept is
bounded, whatever the engine prints: what is still to be written, one unfinished line, the end of
stderr.

Every process of the engine carries a mark in its environment, by which those that left its group
are found at the end.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import shlex
import signal
import subprocess
import time
import uuid
from collections.abc import Sequence
from typing import IO

import psutil

from quotemark.errors import EngineError, FaultLabel

MARK = "QUOTEMARK_ENGINE"
"""Environment variable whose value is one engine's own."""

SHUTDOWN_TIMEOUT_S = 3.0
CHILDREN_TIMEOUT_S = 1.0
LAST_WORDS_TIMEOUT_S = 1.0
KILL_TIMEOUT_S = 5.0
GLANCE_S = 0.05
"""How often a silent engine is looked after: it may have ended, and a child hold its pipes."""

LONGEST_LINE_BYTES = 16 * 1024 * 1024
PIECE_BYTES = 64 * 1024
STDERR_BYTES_KEPT = 8 * 1024
STDERR_LINES_SHOWN = 20


class EngineProcess:
    """An engine run as ``argv``, never through a shell.

    Raises :class:`EngineError` with the label ``cannot_start``.
    """

    def __init__(self, argv: Sequence[str]) -> None:
        self.has_ended = False
        self.broken_by: EngineError | None = None
        self._name = shlex.join(argv)
        self._mark = uuid.uuid4().hex
        self._process = _start(argv, {**os.environ, MARK: self._mark})
        self._stdin = _pipe(self._process.stdin)
        self._stdout = _pipe(self._process.stdout)
        self._stderr = _pipe(self._process.stderr)
        self._outgoing = bytearray()
        self._is_stdin_watched = False
        self._partial = bytearray()
        self._said = b""
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._stdout, selectors.EVENT_READ)
        self._selector.register(self._stderr, selectors.EVENT_READ)

    @property
    def is_inside_a_line(self) -> bool:
        """Whether the last line on stdout has not ended yet."""
        return bool(self._partial)

    def send(self, line: bytes) -> None:
        """Write a line; what the pipe does not take now goes out with :meth:`pump`."""
        self._outgoing += line
        self._write()

    def pump(self, timeout_s: float) -> list[bytes]:
        """Write and read what can be, and return the lines that came.

        Waits for ``timeout_s`` or a glance, whichever is shorter. Sets ``has_ended`` once nothing
        will come any more. Raises :class:`EngineError` with the label ``oversized_line``.
        """
        over = self._process.poll() is not None
        lines = self._turn(timeout_s)
        if over and lines is None:
            self.has_ended = True
        return lines or []

    def fault(self, label: FaultLabel, message: str) -> EngineError:
        """Make an error of the engine's name, ``message``, and its last words on stderr.

        The first is kept in ``broken_by``.
        """
        lines = self._said.decode(errors="replace").splitlines()[-STDERR_LINES_SHOWN:]
        said = "; its stderr ends: " + " | ".join(line.rstrip() for line in lines) if lines else ""
        error = EngineError(label, f"{self._name} {message}{said}")
        self.broken_by = self.broken_by or error
        return error

    def how_it_ended(self) -> str:
        """Wait for the last words of a process that fell silent, and say how it ended."""
        deadline = time.monotonic() + LAST_WORDS_TIMEOUT_S
        self._drain_until(deadline)
        code = self._code_by(deadline)
        if code is None:
            return "closed its stdout"
        return f"ended with code {code}" if code >= 0 else f"ended by {_signal_name(-code)}"

    def end(self) -> None:
        """Wait for the end of an engine that was told to, and leave nothing of it.

        Raises :class:`EngineError` with the label ``ignored_shutdown`` where it had to be killed,
        ``left_children`` where processes that it had started had to be.
        """
        deadline = time.monotonic() + SHUTDOWN_TIMEOUT_S
        self._close(self._stdin)
        self._drain_until(deadline)
        has_ended = self._code_by(deadline) is not None
        left = self._children_left() if has_ended else set()
        self.kill()
        if not has_ended:
            raise self.fault(
                "ignored_shutdown", f"did not end within {SHUTDOWN_TIMEOUT_S:g} s of shutdown"
            )
        if left:
            raise self.fault("left_children", f"ended and left behind: {', '.join(sorted(left))}")

    def abort(self) -> None:
        """Kill the process and its group, and nothing more: another thread may be at the pipes."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def kill(self) -> None:
        """Kill every process of the engine, and close its pipes."""
        if self._stdout.closed:
            return
        self.abort()
        deadline = time.monotonic() + KILL_TIMEOUT_S
        self._code_by(deadline)
        while (marked := self._marked()) and time.monotonic() < deadline:
            for process in marked:
                with contextlib.suppress(psutil.Error):
                    process.kill()
            time.sleep(GLANCE_S)
        for pipe in (self._stdin, self._stdout, self._stderr):
            self._close(pipe)
        self._selector.close()
        self.broken_by = self.broken_by or self.fault("crash", "has been ended")

    def _children_left(self) -> set[str]:
        """Return the names of processes that do not soon follow the engine into its end."""
        deadline = time.monotonic() + CHILDREN_TIMEOUT_S
        while (marked := self._marked()) and time.monotonic() < deadline:
            time.sleep(GLANCE_S)
        return {_name(process) for process in marked}

    def _marked(self) -> list[psutil.Process]:
        """Return the engine's processes but the first, wherever they have gone."""
        return [
            process
            for process in psutil.process_iter()
            if process.pid != self._process.pid and _mark_of(process) == self._mark
        ]

    def _code_by(self, deadline: float) -> int | None:
        """Return the exit code, ``None`` where the process has not ended by ``deadline``."""
        try:
            return self._process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            return None

    def _drain_until(self, deadline: float) -> None:
        """Let the process say all that it has to say, so that it can end."""
        while self._selector.get_map() and time.monotonic() < deadline:
            over = self._process.poll() is not None
            with contextlib.suppress(EngineError):  # what it says now is not read
                if self._turn(deadline - time.monotonic()) is None and over:
                    break

    def _turn(self, timeout_s: float) -> list[bytes] | None:
        """Return the lines that came; ``None`` where no pipe was ready."""
        ready = self._selector.select(min(max(timeout_s, 0.0), GLANCE_S))
        lines: list[bytes] = []
        for key, _ in ready:
            if key.fileobj is self._stdin:
                self._write()
            elif key.fileobj is self._stderr:
                self._hear()
            else:
                lines += self._read()
        return lines if ready else None

    def _write(self) -> None:
        try:
            del self._outgoing[: os.write(self._stdin.fileno(), self._outgoing)]
        except BlockingIOError:
            pass
        except (OSError, ValueError):  # it reads no more; whether that is its end, stdout tells
            self._outgoing.clear()
        if self._outgoing and not self._is_stdin_watched:
            self._selector.register(self._stdin, selectors.EVENT_WRITE)
        elif self._is_stdin_watched and not self._outgoing:
            self._unregister(self._stdin)
        self._is_stdin_watched = bool(self._outgoing)

    def _read(self) -> list[bytes]:
        data = os.read(self._stdout.fileno(), PIECE_BYTES)
        if not data:
            self.has_ended = True
            self._unregister(self._stdout)
        *ends, rest = data.split(b"\n")
        lines = []
        for end in ends:
            lines.append(bytes(self._partial) + end)
            self._partial.clear()
        self._partial += rest
        if len(self._partial) > LONGEST_LINE_BYTES:
            self._partial.clear()
            raise self.fault(
                "oversized_line", f"printed a line of more than {LONGEST_LINE_BYTES >> 20} MiB"
            )
        return lines

    def _hear(self) -> None:
        data = os.read(self._stderr.fileno(), PIECE_BYTES)
        if not data:
            self._unregister(self._stderr)
        self._said = (self._said + data)[-STDERR_BYTES_KEPT:]

    def _close(self, pipe: IO[bytes]) -> None:
        self._unregister(pipe)
        with contextlib.suppress(OSError):
            pipe.close()

    def _unregister(self, pipe: IO[bytes]) -> None:
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(pipe)


def _start(argv: Sequence[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    if not argv:
        raise EngineError("cannot_start", "the engine's command is empty")
    try:
        process = subprocess.Popen(  # noqa: S603 - running the user's engine is the purpose
            argv,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            env=environment,
        )
    except OSError as error:
        raise EngineError("cannot_start", f"{argv[0]}: {error.strerror}") from None
    os.set_blocking(_pipe(process.stdin).fileno(), False)
    return process


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None
    return stream


def _mark_of(process: psutil.Process) -> str | None:
    try:
        return process.environ().get(MARK)
    except (psutil.Error, OSError):
        return None


def _name(process: psutil.Process) -> str:
    try:
        return process.name()
    except psutil.Error:
        return "a process"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
