"""Recordings in files, plain or gzipped, read line by line however long they are.

A file whose end is torn, because its engine crashed or is still writing, is read up to there.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path

from quotemark.errors import InputError
from quotemark.messages import Identity
from quotemark.recorded.lines import LONGEST_LINE, Line, parse_header, parse_line

PREFIX = "recorded:"
GZIP_MAGIC = b"\x1f\x8b"


def recording_of(engine: str) -> Path | None:
    """Path of the recording that the text naming an engine leads to; ``None`` if to none."""
    rest = engine.removeprefix(PREFIX)
    return Path(rest) if rest and rest != engine else None


class RecordingFile:
    """A recording that is read once, from its header to its end.

    ``identity`` is the header's. ``torn`` names the line that is not whole, once it was met. Raises
    :class:`InputError` where the file cannot be read, or has no header.
    """

    def __init__(self, path: Path) -> None:
        self.torn = ""
        self._path = path
        self._texts = self._whole_lines()
        place, text = next(self._texts, ("", b""))
        if not text:
            raise InputError(f"{path}: holds no whole line, expected a header in its first")
        self.identity: Identity = parse_header(place, text)

    def lines(self) -> Iterator[tuple[str, Line]]:
        """Return the lines after the header, each with its place: file and number."""
        for place, text in self._texts:
            yield place, parse_line(place, text, self.identity)

    def _whole_lines(self) -> Iterator[tuple[str, bytes]]:
        number = 0
        try:
            with _opened(self._path) as file:
                for number, text in enumerate(iter(lambda: file.readline(LONGEST_LINE), b""), 1):
                    place = f"{self._path}:{number}"
                    if text.endswith(b"\n"):
                        yield place, text
                    elif len(text) == LONGEST_LINE:
                        raise InputError(f"{place}: longer than {LONGEST_LINE} bytes")
                    else:
                        self.torn = place
        except EOFError:  # of a gzipped file that is not whole
            self.torn = f"{self._path}:{number + 1}"
        except (zlib.error, gzip.BadGzipFile) as error:
            raise InputError(f"{self._path}:{number + 1}: gzip data damaged: {error}") from None
        except OSError as error:
            raise InputError(f"{self._path}: {error.strerror}") from None


def _opened(path: Path) -> BufferedReader | gzip.GzipFile:
    with path.open("rb") as file:
        is_gzip = file.peek(2).startswith(GZIP_MAGIC)
    return gzip.open(path) if is_gzip else path.open("rb")
