"""An engine in another process: JSON-RPC 2.0 over its stdin and stdout, one message a line.

Requests are pipelined: a long ``apply`` goes out in chunks while answers to earlier chunks come in,
so neither side waits for the other. stderr is drained all the time and its end kept for messages.
A process that dies, falls silent, stops reading or answers garbage becomes an :class:`EngineError`
with a label.
"""

from __future__ import annotations

import contextlib
import os
import queue
import selectors
import shlex
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from typing import IO, TypeVar

import msgspec
from msgspec import UNSET

from quotemark import __version__
from quotemark.messages import (
    PROTOCOL_VERSION,
    Answer,
    ApplyParams,
    ApplyResult,
    CloseAnswer,
    CloseParams,
    Identity,
    InitializeParams,
    Json,
    OpenAnswer,
    OpenParams,
    Request,
    Response,
)

CHUNK_STEPS = 100
CHUNKS_IN_FLIGHT = 32
ANSWER_TIMEOUT_S = 30.0
SHUTDOWN_TIMEOUT_S = 3.0
STDERR_TIMEOUT_S = 1.0
LONGEST_LINE_BYTES = 64 * 1024 * 1024
STDERR_LINES_KEPT = 20

Result = TypeVar("Result")

_encoder = msgspec.json.Encoder()
_response_decoder = msgspec.json.Decoder(Response)
_apply_decoder = msgspec.json.Decoder(ApplyResult)
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class EngineError(Exception):
    """The engine, not one of its answers, is at fault.

    ``label`` is one of ``cannot_start``, ``crash``, ``timeout``, ``garbage``, ``protocol``.
    """

    def __init__(self, label: str, message: str) -> None:
        super().__init__(message)
        self.label = label


class StdioEngine:
    """An engine run as ``command``, split as a shell splits words but never given to a shell."""

    def __init__(self, command: str | Sequence[str]) -> None:
        argv = _split(command) if isinstance(command, str) else list(command)
        self._name = shlex.join(argv)
        self._process = _start(argv)
        self._next_id = 0
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._stderr: deque[str] = deque(maxlen=STDERR_LINES_KEPT)
        self._reader = threading.Thread(target=self._read_lines, daemon=True)
        self._drain = threading.Thread(target=self._drain_stderr, daemon=True)
        self._reader.start()
        self._drain.start()

    def initialize(self) -> Identity:
        """Exchange versions; a protocol of another major version is a fault."""
        params = InitializeParams(protocol=PROTOCOL_VERSION, suite=__version__)
        identity = self._call("initialize", params, Identity)
        if identity.protocol.split(".")[0] != PROTOCOL_VERSION.split(".")[0]:
            raise EngineError(
                "protocol",
                f"{self._name} speaks protocol {identity.protocol!r}, expected {PROTOCOL_VERSION}",
            )
        return identity

    def open(self, session: str, component: str, config: Json, seed: int) -> OpenAnswer:
        """Open a session and answer with its effective configuration."""
        params = OpenParams(session, component, config, seed)
        return self._call("open", params, OpenAnswer)  # type: ignore[arg-type]

    def apply(self, session: str, steps: Sequence[Json]) -> list[Answer]:
        """Apply steps in chunks, several in flight; one answer a step."""
        answers: list[Answer] = []
        sent: deque[tuple[int, int]] = deque()
        for chunk in _chunks(steps):
            if len(sent) >= CHUNKS_IN_FLIGHT:
                answers += self._receive_answers(*sent.popleft())
            sent.append((self._send("apply", ApplyParams(session, chunk)), len(chunk)))
        while sent:
            answers += self._receive_answers(*sent.popleft())
        return answers

    def close(self, session: str) -> CloseAnswer:
        """End a session."""
        return self._call("close", CloseParams(session), CloseAnswer)  # type: ignore[arg-type]

    def shutdown(self) -> None:
        """Ask the engine to end, and end it if it does not; nothing of it stays."""
        with contextlib.suppress(EngineError):
            self._send("shutdown", None, SHUTDOWN_TIMEOUT_S)
        with contextlib.suppress(OSError):
            _stream(self._process.stdin).close()
        try:
            self._process.wait(SHUTDOWN_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            pass
        finally:
            self._kill()

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._reader.join()
        self._drain.join()
        _stream(self._process.stdout).close()
        _stream(self._process.stderr).close()

    def _call(self, method: str, params: msgspec.Struct, kind: type[Result]) -> Result:
        raw = self._receive(self._send(method, params))
        try:
            return msgspec.json.decode(raw, type=kind)
        except _UNREADABLE as error:
            raise self._fault("protocol", f"answered {method} wrongly: {error}") from None

    def _receive_answers(self, request_id: int, steps: int) -> list[Answer]:
        raw = self._receive(request_id)
        try:
            answers = _apply_decoder.decode(raw).observations
        except _UNREADABLE as error:
            raise self._fault("protocol", f"answered apply wrongly: {error}") from None
        if len(answers) != steps:
            raise self._fault("protocol", f"gave {len(answers)} observations for {steps} steps")
        return answers

    def _send(
        self, method: str, params: msgspec.Struct | None, timeout_s: float | None = None
    ) -> int:
        self._next_id += 1
        raw = msgspec.Raw(_encoder.encode(params) if params is not None else b"{}")
        request = Request(self._next_id, method, raw)  # type: ignore[arg-type]
        line = _encoder.encode(request) + b"\n"
        try:
            self._write(line, ANSWER_TIMEOUT_S if timeout_s is None else timeout_s)
        except (OSError, ValueError):
            raise self._crash("closed its stdin") from None
        return self._next_id

    def _write(self, line: bytes, timeout_s: float) -> None:
        """Write to a pipe that may be full for a while, but not for ever."""
        left = memoryview(line)
        stdin = _stream(self._process.stdin).fileno()
        while left:
            try:
                left = left[os.write(stdin, left) :]
            except BlockingIOError:
                if not _has_room(stdin, timeout_s):
                    raise self._give_up(f"read nothing for {timeout_s:g} s") from None

    def _receive(self, request_id: int) -> msgspec.Raw:
        try:
            line = self._lines.get(timeout=ANSWER_TIMEOUT_S)
        except queue.Empty:
            raise self._give_up(f"gave no answer within {ANSWER_TIMEOUT_S:g} s") from None
        if not line.endswith(b"\n"):
            self._lines.put(b"")
            raise self._crash(f"ended without answering request {request_id}")
        try:
            response = _response_decoder.decode(line)
        except _UNREADABLE:
            raise self._fault("garbage", f"printed {line[:80]!r} on stdout") from None
        if response.error is not None:
            raise self._fault("protocol", f"answered an error: {response.error.message}")
        if response.id != request_id or response.result is UNSET:
            raise self._fault("protocol", f"answered id {response.id}, expected {request_id}")
        return response.result

    def _give_up(self, message: str) -> EngineError:
        """End the engine: what it may still answer would come out of turn."""
        self._process.kill()
        return self._fault("timeout", message)

    def _crash(self, message: str) -> EngineError:
        """Wait for the last words on stderr: they say why."""
        self._drain.join(STDERR_TIMEOUT_S)
        return self._fault("crash", message)

    def _fault(self, label: str, message: str) -> EngineError:
        said = "; its stderr ends: " + " | ".join(self._stderr) if self._stderr else ""
        return EngineError(label, f"{self._name} {message}{said}")

    def _read_lines(self) -> None:
        stdout = _stream(self._process.stdout)
        while line := stdout.readline(LONGEST_LINE_BYTES):
            self._lines.put(line)
        self._lines.put(b"")

    def _drain_stderr(self) -> None:
        for line in iter(lambda: _stream(self._process.stderr).readline(4096), b""):
            self._stderr.append(line.decode(errors="replace").rstrip())


def _start(argv: Sequence[str]) -> subprocess.Popen[bytes]:
    if not argv:
        raise EngineError("cannot_start", "the engine's command is empty")
    try:
        process = subprocess.Popen(  # noqa: S603 - running the user's engine is the purpose
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise EngineError("cannot_start", f"{argv[0]}: {error.strerror}") from None
    os.set_blocking(_stream(process.stdin).fileno(), False)
    return process


def _split(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError as error:
        raise EngineError("cannot_start", f"{command}: {error}") from None


def _has_room(pipe: int, timeout_s: float) -> bool:
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_WRITE)
        return bool(selector.select(timeout_s))


def _stream(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None
    return stream


def _chunks(steps: Sequence[Json]) -> Iterator[list[Json]]:
    for start in range(0, len(steps), CHUNK_STEPS):
        yield list(steps[start : start + CHUNK_STEPS])
