"""Tapes: market events in a file, one step of component ``engine`` a line, in time order.

A tape is checked whole before anything is replayed. What is wrong with it is said with file and
line.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from quotemark.errors import InputError
from quotemark.messages import Json
from quotemark.steps import StepError, parse_step


def read_tape(path: Path) -> list[Json]:
    """Read and check a tape.

    Raises :class:`InputError` naming file and line for a line that is not JSON, an unknown event,
    a missing or unknown field, a number that is not finite, a price, size or mid that is not above
    0, time running back, or an id that came before.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    steps = list(_checked_steps(path, lines))
    if not steps:
        raise InputError(f"{path}: the tape is empty, expected one step a line")
    return steps


def _checked_steps(path: Path, lines: list[bytes]) -> Iterator[Json]:
    last_t_ms: int | None = None
    lines_of_ids: dict[tuple[str, str], int] = {}
    for number, line in enumerate(lines, start=1):
        place = f"{path}:{number}"
        step = _parsed(place, line)
        t_ms = step["t_ms"]
        if last_t_ms is not None and t_ms < last_t_ms:
            raise InputError(f"{place}: t_ms is {t_ms}, expected at least {last_t_ms}")
        last_t_ms = t_ms
        if step.get("id") is not None:
            key = (step["step"], step["id"])
            first = lines_of_ids.setdefault(key, number)
            if first != number:
                raise InputError(f"{place}: {key[0]} id {key[1]!r} is a duplicate of line {first}")
        yield step


def _parsed(place: str, line: bytes) -> Json:
    try:
        step = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        hint = "; NaN and Infinity are no JSON numbers" if _names_non_finite(line) else ""
        raise InputError(f"{place}: not JSON: {error}{hint}") from None
    if not isinstance(step, dict):
        raise InputError(f"{place}: {line[:40].decode(errors='replace')} is no JSON object")
    try:
        parse_step("engine", step)
    except StepError as error:
        raise InputError(f"{place}: {error.rejection.code}: {error}") from None
    for name in ("price", "size", "mid"):
        if step.get(name) is not None and not step[name] > 0.0:
            raise InputError(f"{place}: out_of_range: {name} is {step[name]}, expected above 0")
    return step


def _names_non_finite(line: bytes) -> bool:
    return b"NaN" in line or b"Infinity" in line
