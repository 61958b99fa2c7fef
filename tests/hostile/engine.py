"""The minimal engine, but that it misbehaves: ``engine.py MODE PATIENCE_S [LOCK]``.

Most modes are well but for one moment, the last step of the one session that predicts up to 20 s.
The others do what they do in every session. ``starts_once`` crashes at the moment, and starts only
where it can make the folder ``LOCK``.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from quotemark.examples import minimal_engine

Json = dict[str, Any]

MOMENT = {"step": "predict", "t_ms": 20_000}
BEFORE = {"step": "predict", "t_ms": 12_300}
"""A step of the same session, in the request before."""

MODE, PATIENCE_S = sys.argv[1], float(sys.argv[2])
IDENTITY: Json = {
    "protocol": "1.0",
    "name": MODE,
    "version": "1.0",
    "digest": "none",
    "phases": [1, 4],
    "components": list(minimal_engine.STEPS),
    "fields": minimal_engine.GIVEN,
    "clock": "injected",
}
MILLION = b"x" * 1_000_000
FOR_LONG = "import time; time.sleep(1000)"


def say(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def respond(request: Json, **response: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": request["id"], **response}).encode() + b"\n"


# --- what is said at the moment, in the place of the right line -----------------------------------


def crash(_request: Json, _right: bytes) -> None:
    sys.exit("out of memory")


def hang(_request: Json, _right: bytes) -> None:
    time.sleep(1000)


def late(_request: Json, right: bytes) -> None:
    time.sleep(1.4 * PATIENCE_S)
    say(right)


def not_at_all(_request: Json, _right: bytes) -> None:
    pass


def stray_output(_request: Json, right: bytes) -> None:
    say(b"warming up\n" + right)


def endless_output(_request: Json, _right: bytes) -> None:
    while True:
        say(MILLION + b"\n")


def flooded_stderr(_request: Json, right: bytes) -> None:
    for _ in range(100):
        sys.stderr.buffer.write(MILLION)
    say(right)


def torn_line(_request: Json, right: bytes) -> None:
    say(right[:20])
    os._exit(0)


def unfinished_line(_request: Json, right: bytes) -> None:
    say(right[:20])
    time.sleep(1000)


def oversized_line(_request: Json, _right: bytes) -> None:
    for _ in range(100):
        say(MILLION)
    say(b"\n")


def wrong_id(request: Json, _right: bytes) -> None:
    say(respond({"id": request["id"] + 1000}, result={}))


def twice(_request: Json, right: bytes) -> None:
    say(right + right)


def error(request: Json, _right: bytes) -> None:
    say(respond(request, error={"code": -32603, "message": "on strike"}))


def child(_request: Json, right: bytes) -> None:
    leave_a_child()
    say(right)


def stay(_request: Json, right: bytes) -> None:
    say(right)
    for text in sys.stdin:
        say(answer(text))
    time.sleep(1000)


MOMENTS: dict[str, Callable[[Json, bytes], None]] = {
    "crash": crash,
    "starts_once": crash,
    "hang": hang,
    "late": late,
    "not_at_all": not_at_all,
    "stray_output": stray_output,
    "endless_output": endless_output,
    "flooded_stderr": flooded_stderr,
    "torn_line": torn_line,
    "unfinished_line": unfinished_line,
    "oversized_line": oversized_line,
    "wrong_id": wrong_id,
    "twice": twice,
    "error": error,
    "child": child,
    "stay": stay,
}


@cache
def leave_a_child() -> None:
    """Start a process that leaves the engine's group and pipes; once is enough."""
    null = subprocess.DEVNULL
    subprocess.Popen(
        [sys.executable, "-c", FOR_LONG],
        stdin=null,
        stdout=null,
        stderr=null,
        start_new_session=True,
    )


# --- what is done in every session ----------------------------------------------------------------


def altered(observation: Json) -> Json:
    if MODE == "undeclared_field":
        return {**observation, "debug": True}
    if MODE == "random":
        noise = 1.0 + random.choice((0.0, 1e-13))
        return {**observation, "variance": observation["variance"] * noise}
    return observation


def result(method: str, params: Json) -> object:
    if method == "initialize":
        return IDENTITY
    if method in ("open", "close"):
        return minimal_engine.answer(method, params, {})
    if method == "shutdown":
        return None
    is_drift = "drift" in minimal_engine.SESSIONS.get(params["session"], ())
    answers = []
    for step in params["steps"]:
        if MODE == "child_of_a_fill" and step.get("step") == "fill":
            leave_a_child()
        if MODE == "hang_of_a_trend" and step.get("step") == "trend":
            time.sleep(1000)
        answers.append(minimal_engine.answer(method, params, step))
    return {
        "observations": [
            {**one, "observation": altered(one["observation"])}
            if is_drift and "observation" in one
            else one
            for one in answers
        ]
    }


def answer(text: str) -> bytes:
    request = json.loads(text)
    return respond(request, result=result(request["method"], request.get("params", {})))


def main() -> None:
    if MODE == "starts_once":
        Path(sys.argv[3]).mkdir()
    held = b""
    for text in sys.stdin:
        request, right = json.loads(text), answer(text)
        steps = request["params"].get("steps", ())
        if MODE == "out_of_order" and BEFORE in steps:
            held = right
        elif MODE in MOMENTS and MOMENT in steps:
            MOMENTS[MODE](request, right)
        else:
            say(right + held)
            held = b""


if __name__ == "__main__":
    main()
