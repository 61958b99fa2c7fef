"""Files written whole or not at all, whatever interrupts."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from quotemark.errors import InputError


def write_whole(path: Path, text: str) -> None:
    """Write ``text`` as a file; its folder is made where it is missing.

    Raises :class:`InputError` where the place cannot be written to.
    """
    unfinished = path.parent / f".{path.name}.{os.getpid()}.tmp"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(text, "utf-8", "backslashreplace", newline="\n")
        unfinished.replace(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from error
    finally:
        with suppress(OSError):  # none is left of a finished file, or of one never begun
            unfinished.unlink()
