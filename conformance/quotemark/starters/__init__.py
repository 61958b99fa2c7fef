"""Adapters to begin with, a small project a language, as ``quotemark init-adapter`` writes them.

Each is a folder here that builds as it stands; only the engine's name is put in.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from msgspec import Struct

from quotemark.errors import InputError
from quotemark.files import write_whole

NAME = "my-engine"
"""The engine's name in the folders here."""


class Language(Struct, frozen=True):
    """How an adapter in a language is built, if it needs to be, and named as an engine."""

    build: str
    engine: str


LANGUAGES = {
    "python": Language("", "python:engine:Engine"),
    "rust": Language("cargo build --release", "stdio:target/release/engine"),
    "cpp": Language("make", "stdio:./engine"),
}


def engine_name(folder: Path) -> str:
    """Name an engine after its folder: in small letters, figures and hyphens.

    Raises :class:`InputError` where the folder's name has none of these.
    """
    words = re.findall("[a-z0-9]+", folder.resolve().name.lower())
    if not words:
        raise InputError(f"{folder}: no name for an engine, expected one by --name")
    return "-".join(words)


def write_starter(language: str, folder: Path, name: str) -> list[str]:
    """Write the adapter of a language for an engine ``name``, whole or not at all.

    Returns the names of its files. Raises :class:`InputError` for a name that is not of small
    letters, figures and hyphens, and where ``folder`` holds anything or cannot be written to.
    """
    if not re.fullmatch("[a-z0-9-]+", name):
        raise InputError(f"name is {name!r}, expected small letters, figures and hyphens")
    existed = folder.is_dir()
    if folder.exists() and not (existed and not any(folder.iterdir())):
        raise InputError(f"{folder}: is there already, expected no such file or an empty folder")
    source = Path(__file__).parent / language
    texts = {
        path.relative_to(source).as_posix(): path.read_text("utf-8").replace(NAME, name)
        for path in sorted(source.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    try:
        for path, text in texts.items():
            write_whole(folder / path, text)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        if existed:
            folder.mkdir(exist_ok=True)
        raise
    return list(texts)
