"""Serve a Python engine over stdio: JSON-RPC 2.0, one message a line.

``python -m quotemark.server package.module:factory`` is the worker process of ``python:`` engines;
a program of one's own may call ``serve`` instead. Whatever the engine prints goes to stderr,
because stdout is the protocol's alone.
"""

from __future__ import annotations

import importlib
import math
import os
import sys
from typing import Any, BinaryIO

import msgspec

from quotemark.messages import (
    Answer,
    ApplyParams,
    ApplyResult,
    CloseParams,
    InitializeParams,
    Ok,
    OpenParams,
    Request,
    Response,
    RpcError,
)
from quotemark.port import Engine

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
INVALID_PARAMS = -32602

_encoder = msgspec.json.Encoder()
_request_decoder = msgspec.json.Decoder(Request)


def serve(engine: Engine, requests: BinaryIO, responses: BinaryIO) -> None:
    """Answer each line of ``requests`` by one line of ``responses`` until ``shutdown`` or EOF."""
    for line in requests:
        response, last = _respond(engine, line)
        responses.write(_encoder.encode(response) + b"\n")
        responses.flush()
        if last:
            break


def _respond(engine: Engine, line: bytes) -> tuple[Response, bool]:
    try:
        request = _request_decoder.decode(line.decode())
    except msgspec.ValidationError as error:
        return _failure(_id_of(line), INVALID_REQUEST, str(error)), False
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return _failure(None, PARSE_ERROR, str(error)), False
    try:
        result = _dispatch(engine, request)
    except msgspec.MsgspecError as error:
        return _failure(request.id, INVALID_PARAMS, str(error)), False
    encoded = msgspec.Raw(_encoded(result))
    return Response(id=request.id, jsonrpc="2.0", result=encoded), request.method == "shutdown"


def _encoded(result: Any) -> bytes:  # noqa: ANN401 - one type a method
    encoded = _encoder.encode(result)
    # numbers that are not finite become null; only where there is a null are they looked for
    if b"null" in encoded:
        return _encoder.encode(tag_non_finite(msgspec.to_builtins(result)))
    return encoded


def _dispatch(engine: Engine, request: Request) -> Any:  # noqa: ANN401 - one type a method
    match request.method:
        case "initialize":
            msgspec.json.decode(request.params, type=InitializeParams)
            return engine.initialize()
        case "open":
            opening = msgspec.json.decode(request.params, type=OpenParams)
            return engine.open(opening.session, opening.component, opening.config, opening.seed)
        case "apply":
            applying = msgspec.json.decode(request.params, type=ApplyParams)
            return ApplyResult(engine.apply(applying.session, applying.steps))
        case "close":
            closing = msgspec.json.decode(request.params, type=CloseParams)
            return engine.close(closing.session)
        case "shutdown":
            return engine.shutdown()


def tag_non_finite(value: Any) -> Any:  # noqa: ANN401 - any value that JSON has
    """Replace NaN and infinities, which JSON would lose, by ``"nan"``, ``"inf"``, ``"-inf"``."""
    match value:
        case float():
            return value if math.isfinite(value) else str(value)
        case dict():
            return {name: tag_non_finite(item) for name, item in value.items()}
        case list() | tuple():
            return [tag_non_finite(item) for item in value]
    return value


def as_sent(answer: Answer) -> Answer:
    """Write numbers that are not finite as they travel, so that two of them can agree."""
    return Ok(tag_non_finite(answer.observation)) if isinstance(answer, Ok) else answer


def _id_of(line: bytes) -> int | None:
    request = msgspec.json.decode(line)
    found = request.get("id") if isinstance(request, dict) else None
    return found if isinstance(found, int) else None


def _failure(request_id: int | None, code: int, message: str) -> Response:
    return Response(id=request_id, jsonrpc="2.0", error=RpcError(code, message))


def load_engine(target: str) -> Engine:
    """Make an engine from ``package.module:factory``.

    Raises :class:`ValueError`, :class:`ImportError` or :class:`AttributeError` for a target that
    names none.
    """
    module, separator, factory = target.partition(":")
    if not (module and separator and factory):
        raise ValueError(f"{target!r} is no factory, expected package.module:factory")
    engine: Engine = getattr(importlib.import_module(module), factory)()
    return engine


def main() -> None:
    """Serve the engine named by the first argument, keeping stdout for the protocol."""
    responses = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    sys.path.insert(0, "")
    try:
        engine = load_engine(sys.argv[1])
    except (ValueError, ImportError, AttributeError) as error:
        sys.exit(f"python:{sys.argv[1]}: {error}")
    serve(engine, sys.stdin.buffer, responses)


if __name__ == "__main__":
    main()
