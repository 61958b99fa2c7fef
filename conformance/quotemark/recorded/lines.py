"""The lines of a recording: its header, then what sessions were asked and what was answered.

A line is a JSON object, told apart by one key: ``recording``, ``open``, ``step`` or ``close``.
Steps, configurations and answers are those of the protocol.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Iterable
from contextlib import suppress
from typing import TypeAlias

import msgspec
from msgspec import Struct

from quotemark.errors import InputError
from quotemark.messages import (
    OBSERVATIONS,
    PROTOCOL_VERSION,
    Answer,
    CloseAnswer,
    Identity,
    Json,
    OpenAnswer,
    Opened,
)

RECORDING_VERSION = "1.0"
LONGEST_LINE = 16 * 2**20
"""In bytes; an answer of the protocol is no longer either."""


class HeaderLine(Struct, forbid_unknown_fields=True):
    """The first line: the version of the format, and who was recorded."""

    recording: str
    engine: Identity


class Opening(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What a session was opened with; ``config`` holds what departs from the defaults."""

    component: str
    config: Json = {}
    seed: int = 0


class OpenLine(Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """The opening of a session."""

    session: str = ""
    open: Opening
    answer: OpenAnswer


class StepLine(Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """A step of a session."""

    session: str = ""
    step: Json
    answer: Answer


class Closing(Struct, forbid_unknown_fields=True):
    """Nothing: closing takes no more than the session."""


class CloseLine(Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """The closing of a session."""

    session: str = ""
    close: Closing
    answer: CloseAnswer


Line: TypeAlias = OpenLine | StepLine | CloseLine

KINDS: dict[str, type[HeaderLine | Line]] = {
    "recording": HeaderLine,
    "open": OpenLine,
    "step": StepLine,
    "close": CloseLine,
}
"""Kinds of line, by the key that tells them apart."""

_encoder = msgspec.json.Encoder()
_step_decoder = msgspec.json.Decoder(StepLine)


def encoded(line: HeaderLine | Line) -> bytes:
    """Return the line as it is written."""
    return _encoder.encode(line) + b"\n"


def parse_header(place: str, text: bytes) -> Identity:
    """Read the first line: who was recorded.

    Raises :class:`InputError`, which names ``place``, where it is no header of this version.
    """
    header = _parsed(place, text.removeprefix(BOM_UTF8))
    if not isinstance(header, HeaderLine):
        raise InputError(f"{place}: is no header, expected a first line with recording and engine")
    for name, found, known in (
        ("recording", header.recording, RECORDING_VERSION),
        ("engine.protocol", header.engine.protocol, PROTOCOL_VERSION),
    ):
        major = known.partition(".")[0]
        if found.partition(".")[0] != major:
            raise InputError(f"{place}: {name} is {found!r}, expected version {major}")
    _demand_known(f"{place}: engine.components", header.engine.components)
    _demand_known(f"{place}: engine.fields", header.engine.fields)
    return header.engine


def parse_line(place: str, text: bytes, identity: Identity) -> Line:
    """Read a line after the header of ``identity``.

    Raises :class:`InputError`, which names ``place``, where it is none, or opens what the engine
    does not offer.
    """
    # most lines are steps, and are read as such in half the time; all others, or wrong, are below
    with suppress(msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _step_decoder.decode(text)
    line = _parsed(place, text)
    if isinstance(line, HeaderLine):
        raise InputError(
            f"{place}: a second header, expected one: an engine that starts anew, and knows nothing"
            " of its sessions, writes a recording of its own"
        )
    if isinstance(line, OpenLine) and isinstance(line.answer, Opened):
        component = line.open.component
        _demand_known(f"{place}: open.component", [component])
        if component not in identity.components:
            raise InputError(
                f"{place}: open.component is {component!r}, expected one of the header's:"
                f" {', '.join(identity.components)}"
            )
    return line


def _parsed(place: str, text: bytes) -> HeaderLine | Line:
    if text.isspace():
        raise InputError(f"{place}: is empty, expected a JSON object")
    try:
        raw = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        hint = "; NaN and Infinity are no JSON numbers" if _names_non_finite(text) else ""
        raise InputError(f"{place}: not JSON: {error}{hint}") from None
    if not isinstance(raw, dict):
        shown = text[:40].decode(errors="replace").rstrip()
        raise InputError(f"{place}: {shown} is no JSON object")
    kinds = [kind for key, kind in KINDS.items() if key in raw]
    if len(kinds) != 1:
        keys = ", ".join(raw) or "none"
        raise InputError(f"{place}: its keys are {keys}, expected just one of {', '.join(KINDS)}")
    try:
        line: HeaderLine | Line = msgspec.convert(raw, kinds[0])
    except msgspec.ValidationError as error:
        raise InputError(f"{place}: {error}") from None
    return line


def _demand_known(what: str, components: Iterable[str]) -> None:
    for name in components:
        if name not in OBSERVATIONS:
            known = ", ".join(OBSERVATIONS)
            raise InputError(f"{what}: {name!r} is no component, known are {known}")


def _names_non_finite(text: bytes) -> bool:
    return b"NaN" in text or b"Infinity" in text
