"""An engine in another process: JSON-RPC 2.0 over its stdin and stdout, one message a line.

Requests are pipelined: a long ``apply`` goes out in chunks while answers to earlier chunks come in.
Every line must be the answer that is due. Whatever else an engine does becomes an
:class:`EngineError` with a label of its own, and the engine is of no more use then: what it may
still answer would come out of turn.
"""

from __future__ import annotations

import shlex
import time
from collections import deque
from collections.abc import Iterator, Sequence
from typing import TypeVar

import msgspec
from msgspec import UNSET

from quotemark import __version__
from quotemark.errors import EngineError
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
from quotemark.process import EngineProcess

CHUNK_STEPS = 100
CHUNKS_IN_FLIGHT = 32
ANSWER_TIMEOUT_S = 10.0
START_TIMEOUT_S = 30.0
"""For the first answer, which waits for the engine to start."""

Result = TypeVar("Result")

_encoder = msgspec.json.Encoder()
_response_decoder = msgspec.json.Decoder(Response)
_apply_decoder = msgspec.json.Decoder(ApplyResult)
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class StdioEngine:
    """An engine run as ``command``, split as a shell splits words but never given to a shell.

    ``timeout_s`` is how long an answer may take.
    """

    def __init__(
        self, command: str | Sequence[str], *, timeout_s: float = ANSWER_TIMEOUT_S
    ) -> None:
        self._process = EngineProcess(
            _split(command) if isinstance(command, str) else list(command)
        )
        self._timeout_s = timeout_s
        self._has_started = False
        self._last_id = 0
        self._asked: dict[int, str] = {}
        self._lines: deque[bytes] = deque()

    def initialize(self) -> Identity:
        """Exchange versions; a protocol of another major version is a fault."""
        params = InitializeParams(protocol=PROTOCOL_VERSION, suite=__version__)
        identity = self._call("initialize", params, Identity)
        if identity.protocol.split(".")[0] != PROTOCOL_VERSION.split(".")[0]:
            raise self._process.fault(
                "protocol", f"speaks protocol {identity.protocol!r}, expected {PROTOCOL_VERSION}"
            )
        return identity

    def open(self, session: str, component: str, config: Json, seed: int) -> OpenAnswer:
        """Open a session and answer with its effective configuration."""
        params = OpenParams(session, component, config, seed)
        return self._call("open", params, OpenAnswer)  # type: ignore[arg-type]

    def apply(self, session: str, steps: Sequence[Json]) -> list[Answer]:
        """Apply steps in chunks, several in flight; one answer a step."""
        answers: list[Answer] = []
        sent: deque[int] = deque()
        for chunk in _chunks(steps):
            if len(sent) >= CHUNKS_IN_FLIGHT:
                answers += self._receive_answers(sent.popleft())
            self._send("apply", ApplyParams(session, chunk))
            sent.append(len(chunk))
        while sent:
            answers += self._receive_answers(sent.popleft())
        return answers

    def close(self, session: str) -> CloseAnswer:
        """End a session."""
        return self._call("close", CloseParams(session), CloseAnswer)  # type: ignore[arg-type]

    def shutdown(self) -> None:
        """Tell the engine to end, or kill it if it broke; either way nothing of it stays.

        Raises :class:`EngineError` with the label ``ignored_shutdown`` or ``left_children``.
        """
        if self._process.broken_by is not None:
            self._process.kill()
        else:
            self._send("shutdown", None)
            self._process.end()

    def abort(self) -> None:
        """Kill the process, whichever thread waits for it: to that one it has crashed."""
        self._process.abort()

    def _call(self, method: str, params: msgspec.Struct, kind: type[Result]) -> Result:
        self._send(method, params)
        raw = self._receive()
        try:
            return msgspec.json.decode(raw, type=kind)
        except _UNREADABLE as error:
            raise self._process.fault("protocol", f"answered {method} wrongly: {error}") from None

    def _receive_answers(self, steps: int) -> list[Answer]:
        raw = self._receive()
        try:
            answers = _apply_decoder.decode(raw).observations
        except _UNREADABLE as error:
            raise self._process.fault("protocol", f"answered apply wrongly: {error}") from None
        if len(answers) != steps:
            raise self._process.fault(
                "protocol", f"gave {len(answers)} observations for {steps} steps"
            )
        return answers

    def _send(self, method: str, params: msgspec.Struct | None) -> None:
        if self._process.broken_by is not None:
            raise self._process.broken_by
        self._last_id += 1
        self._asked[self._last_id] = method
        raw = msgspec.Raw(_encoder.encode(params) if params is not None else b"{}")
        request = Request(self._last_id, method, raw)  # type: ignore[arg-type]
        self._process.send(_encoder.encode(request) + b"\n")

    def _receive(self) -> msgspec.Raw:
        """Return the next answer; one that comes by a second deadline is late, and not missing."""
        timeout_s = self._timeout_s if self._has_started else max(self._timeout_s, START_TIMEOUT_S)
        if not self._hears_within(timeout_s):
            if not self._hears_within(timeout_s):
                raise self._silence(timeout_s)
            self._answer_in(self._lines[0])
            raise self._process.fault("late", f"answered later than after {timeout_s:g} s")
        self._has_started = True
        return self._answer_in(self._lines.popleft())

    def _hears_within(self, timeout_s: float) -> bool:
        deadline = time.monotonic() + timeout_s
        while not self._lines:
            left_s = deadline - time.monotonic()
            if left_s <= 0.0:
                return False
            if self._process.has_ended:
                raise self._ending()
            self._lines.extend(self._process.pump(left_s))
        return True

    def _answer_in(self, line: bytes) -> msgspec.Raw:
        """Return the answer that is due, which the line must hold."""
        fault = self._process.fault
        try:
            response = _response_decoder.decode(line)
        except _UNREADABLE:
            raise fault("stray_output", f"printed {line[:80]!r} on stdout") from None
        if response.error is not None:
            raise fault("protocol", f"answered an error: {response.error.message}")
        due = next(iter(self._asked))
        if response.id is None or not 1 <= response.id <= self._last_id:
            raise fault("wrong_id", f"answered id {response.id}, which was never asked")
        if response.id not in self._asked:
            raise fault("duplicate_answer", f"answered id {response.id} again")
        if response.id != due:
            raise fault("out_of_order", f"answered id {response.id}, expected {due}")
        method = self._asked.pop(due)
        if response.result is UNSET:
            raise fault("protocol", f"answered {method} with neither result nor error")
        return response.result

    def _ending(self) -> EngineError:
        how = self._process.how_it_ended()
        if self._process.is_inside_a_line:
            return self._process.fault("torn_line", f"{how} in the middle of a line")
        return self._process.fault("crash", f"{how} without answering {self._due_method()}")

    def _silence(self, timeout_s: float) -> EngineError:
        if self._process.is_inside_a_line:
            return self._process.fault("torn_line", "fell silent in the middle of a line")
        return self._process.fault(
            "hang",
            f"gave no answer to {self._due_method()} within {timeout_s:g} s,"
            f" nor in another {timeout_s:g} s",
        )

    def _due_method(self) -> str:
        return next(iter(self._asked.values()))


def _split(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError as error:
        raise EngineError("cannot_start", f"{command}: {error}") from None


def _chunks(steps: Sequence[Json]) -> Iterator[list[Json]]:
    for start in range(0, len(steps), CHUNK_STEPS):
        yield list(steps[start : start + CHUNK_STEPS])
