"""The form of the vectors: a folder with a file of cases a subject, and a manifest of them.

``vectors/README.md`` describes it for those who read the files in another language.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from quotemark.case import Case, Trace
from quotemark.errors import InputError
from quotemark.messages import Answer, Json, OpenAnswer

FORMAT = 1
MANIFEST = "manifest.json"
PAGE = "README.md"
SUFFIX = ".jsonl"
SHIPPED = Path(__file__).parents[1] / "vectors"
"""The vectors of this version of the suite, inside the package."""


class Vector(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A case and its expected answers: one line of a file.

    ``phases`` are those that an engine must have to be held against it; a component's cases name
    none. ``about`` says what a hand-picked case shows.
    """

    id: str
    about: str = ""
    component: str
    phases: list[int] = []
    config: Json
    opened: OpenAnswer
    steps: list[Json]
    answers: list[Answer]

    @property
    def case(self) -> Case:
        """What is asked."""
        return Case(self.component, self.config, self.steps)

    @property
    def trace(self) -> Trace:
        """What is expected."""
        return Trace(self.opened, self.answers)


class FileEntry(Struct, frozen=True):
    """What a file must be: its digest, and how many cases and steps it holds."""

    sha256: str
    cases: int
    steps: int


class Manifest(Struct, frozen=True):
    """The files of a folder of vectors, by name; ``suite`` is the version that they belong to."""

    format: int
    suite: str
    seed: int
    files: dict[str, FileEntry]


def encoded(vectors: Sequence[Vector]) -> bytes:
    """Return the content of a file of these vectors."""
    return msgspec.json.Encoder().encode_lines(vectors)


def entry(content: bytes, vectors: Sequence[Vector]) -> FileEntry:
    """Return what the manifest says of a file of these vectors."""
    return FileEntry(digest(content), len(vectors), sum(len(one.steps) for one in vectors))


def digest(content: bytes) -> str:
    """Return the SHA-256 of ``content`` in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of ``folder``; raises :class:`InputError` where there is none to read."""
    path = folder / MANIFEST
    try:
        manifest = msgspec.json.decode(_content(path), type=Manifest)
    except msgspec.DecodeError as error:
        raise InputError(f"{path}: no manifest of vectors: {error}") from None
    if manifest.format != FORMAT:
        raise InputError(f"{path}: format is {manifest.format}, expected {FORMAT}")
    return manifest


def read_vectors(path: Path) -> list[Vector]:
    """Read a file of vectors; raises :class:`InputError` naming the line that is none."""
    decoder = msgspec.json.Decoder(Vector)
    vectors = []
    for number, line in enumerate(_content(path).splitlines(), start=1):
        try:
            vectors.append(decoder.decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InputError(f"{path}:{number}: no vector: {error}") from None
    return vectors


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None


def write_folder(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Put a folder of these files in the place of ``folder``, whole or not at all.

    Raises :class:`InputError` where it cannot be written.
    """
    unfinished = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    try:
        unfinished.mkdir(parents=True)
        for name, content in contents.items():
            (unfinished / name).write_bytes(content)
        _swap(unfinished, folder)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written: {error.strerror}") from None
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _swap(finished: Path, folder: Path) -> None:
    """Exchange two folders; the first need not be kept, the second need not exist."""
    if not folder.exists():
        finished.rename(folder)
        return
    aside = finished.with_suffix(".old")
    folder.rename(aside)
    try:
        finished.rename(folder)
    except OSError:
        aside.rename(folder)
        raise
    aside.rename(finished)


def demand_replaceable(folder: Path) -> None:
    """Raise :class:`InputError` where ``folder`` holds something else than vectors."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file, expected a folder")
    if folder.exists() and any(folder.iterdir()) and not (folder / MANIFEST).exists():
        raise InputError(f"{folder} holds something else than vectors, expected a folder of them")


def file_names(folder: Path) -> list[str]:
    """Names of the files of vectors that lie in ``folder``."""
    return sorted(path.name for path in folder.glob(f"*{SUFFIX}"))


def damages(folder: Path, manifest: Manifest) -> Iterator[tuple[str, str]]:
    """Files that are not what the manifest says, each with what is wrong."""
    present = file_names(folder)
    for name in sorted({*present, *manifest.files}):
        if name not in present:
            yield name, "is missing"
        elif name not in manifest.files:
            yield name, "is not in the manifest"
        else:
            content, listed = _content(folder / name), manifest.files[name]
            if digest(content) != listed.sha256:
                yield name, "has another digest than the manifest says"
            elif entry(content, read_vectors(folder / name)) != listed:
                yield name, "has other counts than the manifest says"
