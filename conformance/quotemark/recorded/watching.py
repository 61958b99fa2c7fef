"""Follow a recording while it is written, and stop at its first divergence.

The file is read from its beginning, and a line is judged once it is whole. A file that is not there
yet is waited for. One that was replaced, or cut short, is begun anew.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from io import BufferedReader
from math import inf
from pathlib import Path

import msgspec
from msgspec import Struct

from quotemark.errors import InputError
from quotemark.messages import Identity
from quotemark.recorded.companion import Companion, Departure
from quotemark.recorded.contents import Contents
from quotemark.recorded.files import GZIP_MAGIC
from quotemark.recorded.lines import LONGEST_LINE, parse_header, parse_line

POLL_S = 0.1
CHUNK = 2**20
"""Bytes read at a time."""

LINES_BETWEEN_SIGNS = 5_000


class Watched(Struct):
    """What was followed so far: whole lines, who was recorded, what came, the first divergence."""

    lines: int = 0
    identity: Identity | None = None
    contents: Contents = msgspec.field(default_factory=Contents)
    departure: Departure | None = None


class ReplacedError(Exception):
    """The file is no longer the one that was followed."""


class Watch:
    """Follows the recording at ``path``; ``watched`` is what it has seen.

    ``tell`` is given what happens to the file, in words; ``show`` what was seen, again and again.
    """

    def __init__(
        self, path: Path, tell: Callable[[str], None], show: Callable[[Watched], None]
    ) -> None:
        self.watched = Watched()
        self._path = path
        self._tell = tell
        self._show = show
        self._companion: Companion | None = None

    def run(self, idle_s: float = inf) -> None:
        """Follow until the first divergence, or until nothing has come for ``idle_s``.

        Raises :class:`InputError` where the file is no recording.
        """
        if not self._path.exists():
            self._tell(f"waiting for {self._path}")
        while True:
            try:
                return self._follow(idle_s)
            except ReplacedError:
                self._tell(f"{self._path} was replaced or cut short, and is begun anew")

    def _follow(self, idle_s: float) -> None:
        self.watched, self._companion = Watched(), None
        came = time.monotonic()
        for text in whole_lines(self._path):
            if text is not None:
                self._judge(text)
                came = time.monotonic()
            if self.watched.departure is not None:
                return
            if text is None or self.watched.lines % LINES_BETWEEN_SIGNS == 0:
                self._show(self.watched)
            if text is None:
                if time.monotonic() - came >= idle_s:
                    return
                time.sleep(POLL_S)

    def _judge(self, text: bytes) -> None:
        watched = self.watched
        watched.lines += 1
        place = f"{self._path}:{watched.lines}"
        if watched.identity is None or self._companion is None:
            watched.identity = parse_header(place, text)
            self._companion = Companion(watched.identity)
            return
        line = parse_line(place, text, watched.identity)
        self._companion.take(place, line)
        watched.contents.take(line)
        watched.departure = next(iter(self._companion.departures), None)


def whole_lines(path: Path) -> Iterator[bytes | None]:
    """Return the whole lines of a file as they come, and ``None`` where there is none for now.

    Raises :class:`ReplacedError`, and :class:`InputError` where the file cannot be read.
    """
    while not path.exists():
        yield None
    try:
        file = path.open("rb")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    with file:
        rest = b""
        while True:
            chunk = file.read(CHUNK)
            if not chunk:
                _demand_same(path, file)
                yield None
            *whole, rest = (rest + chunk).split(b"\n")
            if len(rest) > LONGEST_LINE or rest.startswith(GZIP_MAGIC):
                raise InputError(f"{path}: is followed in plain lines of JSON, of 16 MiB at most")
            yield from whole


def _demand_same(path: Path, file: BufferedReader) -> None:
    try:
        now = path.stat()
    except OSError:  # moved away, and nothing in its place yet
        return
    if not os.path.samestat(now, os.fstat(file.fileno())) or now.st_size < file.tell():
        raise ReplacedError
