"""Digests of what a certification rests on: the engine's files, the suite, its vectors and others.

All are SHA-256, in hexadecimal.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Iterator, Sequence
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

import msgspec

from quotemark.adapters import BUILTIN, builds
from quotemark.builtin import REFERENCE_FOLDER
from quotemark.errors import InputError
from quotemark.evidence.configuration import effective_config, without_gates
from quotemark.golden.folder import MANIFEST, SHIPPED
from quotemark.messages import Json
from quotemark.recorded.files import recording_of
from quotemark.resources import resource_folder
from quotemark.results import Waiver

PACKAGE = Path(__file__).parents[1]
TOLERANCES = ("suite/compare.py", "suite/fields.toml")


def file_digest(path: Path) -> str:
    """Digest of a file; raises :class:`InputError` where it cannot be read."""
    try:
        return sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None


def value_digest(value: object) -> str:
    """Digest of a value, written as JSON with its keys in order."""
    return sha256(msgspec.json.encode(value, order="sorted")).hexdigest()


def suite_digest() -> str:
    """Digest of all that ships: harness, reference, features and scenarios."""
    folders = {
        "quotemark": PACKAGE,
        "quotemark_reference": REFERENCE_FOLDER,
        "features": resource_folder("features"),
        "scenarios": resource_folder("scenarios"),
    }
    return value_digest(
        {
            f"{name}/{path.relative_to(folder).as_posix()}": file_digest(path)
            for name, folder in folders.items()
            for path in _files(folder)
            if not (name == "quotemark" and path.relative_to(folder).parts[0] in folders)
        }
    )


def _files(folder: Path) -> list[Path]:
    return sorted(
        path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    )


def vectors_digest() -> str:
    """Digest of the manifest of the golden vectors, which has those of all of them."""
    return file_digest(SHIPPED / MANIFEST)


def tolerances_digest() -> str:
    """Digest of what decides how far a figure may be from the reference's."""
    return value_digest({name: file_digest(PACKAGE / name) for name in TOLERANCES})


def waivers_digest(waivers: Sequence[Waiver]) -> str:
    """Digest of the waivers that were given."""
    return value_digest(list(waivers))


def config_digest(config: Json) -> str:
    """Digest of the effective configuration, but for the gates."""
    return value_digest(without_gates(effective_config(config)))


# --- the engine -------------------------------------------------------------------------------


def engine_files(engine: str) -> dict[str, str]:
    """Digests of the files that the text naming an engine leads to, by name.

    For ``stdio:`` those that the command names; where it names none, the program itself, wherever
    it is found, so that a bare ``python3`` before a script is left out. For ``python:`` the
    module's, or all of its package. For ``recorded:`` the recording itself. Empty for a built-in
    engine, which the suite's digest holds, and where the text leads to none: whoever starts the
    engine says what is wrong with it. Those of an earlier build are among them.
    """
    engine, earlier = builds(engine)
    files = _files_of(engine) | (_files_of(earlier) if earlier else {})
    return dict(sorted(files.items()))


def _files_of(engine: str) -> dict[str, str]:
    kind, _, rest = engine.partition(":")
    if engine in BUILTIN or kind in ("mutant", "trivial"):
        return {}
    if (recording := recording_of(engine)) is not None:
        return {rest: file_digest(recording)}
    paths = list(_command_files(rest) if kind == "stdio" else _module_files(rest))
    return {name: file_digest(path) for name, path in paths}


def _command_files(command: str) -> Iterator[tuple[str, Path]]:
    try:
        words = shlex.split(command)
    except ValueError:
        return
    named = [word for word in words if os.path.isfile(word)]  # noqa: PTH113 - Path may raise
    if not named and words and (program := shutil.which(words[0])):
        yield words[0], Path(program)
    yield from ((word, Path(word)) for word in named)


def _module_files(target: str) -> Iterator[tuple[str, Path]]:
    package = target.partition(":")[0].partition(".")[0]
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        spec = find_spec(package)
    except ValueError:
        return
    if spec is None or not spec.has_location or spec.origin is None:
        return
    origin = Path(spec.origin)
    if not spec.submodule_search_locations:
        yield origin.name, origin
        return
    for path in _files(origin.parent):
        yield f"{package}/{path.relative_to(origin.parent).as_posix()}", path
