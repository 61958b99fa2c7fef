"""Build the vectors with the reference, and guard those that ship.

What has shipped under a version of the suite stays: an engine team may have it in its own tests. A
vector that moves needs another version, and the changelog says which vectors belong to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from quotemark import __version__
from quotemark.builtin import BuiltinEngine
from quotemark.case import Case, trace
from quotemark.errors import InputError
from quotemark.golden.cases import SEED, Chosen, chosen_cases
from quotemark.golden.folder import (
    FORMAT,
    MANIFEST,
    PAGE,
    SHIPPED,
    SUFFIX,
    Manifest,
    Vector,
    demand_replaceable,
    encoded,
    entry,
    file_names,
    read_manifest,
    read_vectors,
    write_folder,
)
from quotemark.messages import Answer, OpenAnswer, Opened, Rejected, component_fields
from quotemark.suite.compare import AT_OPENING, first_departure

AnyAnswer = TypeVar("AnyAnswer", Answer, OpenAnswer)


def build() -> dict[str, list[Vector]]:
    """Return the vectors of every file by its name, with the answers of the reference."""
    return {
        f"{name}{SUFFIX}": [
            _vector(f"{name}-{number:03}", chosen) for number, chosen in enumerate(cases, start=1)
        ]
        for name, cases in chosen_cases().items()
    }


def _vector(vector_id: str, chosen: Chosen) -> Vector:
    expected = trace(BuiltinEngine(), chosen.case, vector_id, SEED)
    return Vector(
        id=vector_id,
        about=chosen.about,
        component=chosen.case.component,
        phases=list(chosen.phases),
        config=chosen.case.config,
        opened=_wordless(expected.opened),
        steps=chosen.case.steps,
        answers=[_wordless(answer) for answer in expected.answers],
    )


def _wordless(answer: AnyAnswer) -> AnyAnswer:
    """Leave the words of a rejection out: they are free."""
    if isinstance(answer, Rejected):
        return msgspec.structs.replace(answer, message="")
    return answer


def write(vectors: dict[str, list[Vector]], folder: Path) -> Manifest:
    """Write vectors, manifest and their page into ``folder``, whole or not at all.

    Raises :class:`InputError` where the folder holds something else, or cannot be written.
    """
    demand_replaceable(folder)
    return _put(vectors, folder)


def _put(vectors: dict[str, list[Vector]], folder: Path) -> Manifest:
    contents = {name: encoded(of_file) for name, of_file in vectors.items()}
    entries = {name: entry(contents[name], of_file) for name, of_file in vectors.items()}
    manifest = Manifest(FORMAT, __version__, SEED, entries)
    contents[MANIFEST] = msgspec.json.format(msgspec.json.encode(manifest)) + b"\n"
    contents[PAGE] = (SHIPPED / PAGE).read_bytes()
    write_folder(folder, contents)
    return manifest


def rewrite_shipped(vectors: dict[str, list[Vector]]) -> Manifest:
    """Write vectors in the place of those that ship; if none has moved, they keep their bytes.

    Raises :class:`InputError` where one has moved under the version that they shipped with.
    """
    if not (SHIPPED / MANIFEST).exists():
        return _put(vectors, SHIPPED)
    shipped = read_manifest(SHIPPED)
    if shipped.suite != __version__:
        return _put(vectors, SHIPPED)
    moved = first_move(SHIPPED, vectors)
    if moved is not None:
        raise InputError(
            f"{moved}; the vectors of suite {shipped.suite} stay as they are: raise the version of"
            " the suite, and declare the change in the changelog"
        )
    return shipped


def first_move(folder: Path, vectors: dict[str, list[Vector]]) -> str | None:
    """Say where ``vectors`` first depart from those in ``folder``; ``None`` where they do not.

    Cases must be the same; answers may differ within the suite's tolerance.
    """
    names = file_names(folder)
    if names != sorted(vectors):
        return f"files were {', '.join(names)}, are {', '.join(sorted(vectors))}"
    moves = ((name, _first_move(read_vectors(folder / name), vectors[name])) for name in names)
    return next((f"{name}, {moved}" for name, moved in moves if moved is not None), None)


def _first_move(before: Sequence[Vector], now: Sequence[Vector]) -> str | None:
    for one, other in zip(before, now, strict=False):
        if (one.id, one.phases, one.case) != (other.id, other.phases, other.case):
            return f"{one.id} is another case"
        moved = _moved_answer(one, other)
        if moved is not None:
            return f"{one.id}, {moved}"
    return None if len(before) == len(now) else f"cases were {len(before)}, are {len(now)}"


def _moved_answer(before: Vector, now: Vector) -> str | None:
    # the defaults are held too, not only what was given
    held = before.opened.config if isinstance(before.opened, Opened) else {}
    case = Case(before.component, held, before.steps)
    departure = first_departure(case, before.trace, now.trace, component_fields(now.component))
    if departure is None:
        return None
    index, difference = departure
    return f"{'opening' if index == AT_OPENING else f'step {index + 1}'}: {difference}"
