"""Hold an engine against vectors: the files as the manifest says, then case by case."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from quotemark.builtin import BuiltinEngine
from quotemark.errors import EngineError
from quotemark.golden.folder import Manifest, Vector, damages, read_manifest, read_vectors
from quotemark.port import Engine
from quotemark.suite.bench import Bench, RollbackUnsupportedError, ViolationError


class Mismatch(Struct, frozen=True):
    """What is wrong first: with a file, or with the engine's answers to a case of it."""

    file: str
    case: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}, {self.case}" if self.case else self.file
        return f"{place}: {self.message}"


class Verification(Struct, frozen=True):
    """What came of holding an engine against a folder of vectors, up to the first mismatch.

    ``skipped`` counts cases that take what the engine does not have.
    """

    engine: str
    suite: str
    cases: int = 0
    steps: int = 0
    skipped: int = 0
    mismatch: Mismatch | None = None

    @property
    def passed(self) -> bool:
        """Whether nothing differs, and something was held against the vectors."""
        return self.mismatch is None and self.cases > 0

    def __str__(self) -> str:
        if self.mismatch is not None:
            return str(self.mismatch)
        verdict = "agrees with" if self.passed else "offers nothing of"
        return (
            f"{self.engine} {verdict} the vectors of suite {self.suite}:"
            f" {self.cases} cases, {self.steps} steps; {self.skipped} cases skipped"
        )


def verify(engine: Engine, folder: Path) -> Verification:
    """Hold ``engine`` against the vectors of ``folder``, in every field that it declares.

    Raises :class:`InputError` where the folder holds no vectors that can be read, and
    :class:`EngineError` where the engine cannot be run at all.
    """
    manifest, identity = read_manifest(folder), engine.initialize()
    for name, damage in damages(folder, manifest):
        return Verification(identity.name, manifest.suite, mismatch=Mismatch(name, "", damage))
    bench = Bench(engine, identity, BuiltinEngine(), manifest.seed)
    cases = steps = skipped = 0
    mismatch = None
    for name, vector in _all_vectors(folder, manifest):
        try:
            judged = agrees(bench, vector)
        except ViolationError as violation:
            mismatch = Mismatch(name, vector.id, str(violation))
            break
        except EngineError as fault:
            mismatch = Mismatch(name, vector.id, f"{fault.label}: {fault}")
            break
        if judged:
            cases, steps = cases + 1, steps + len(vector.steps)
        else:
            skipped += 1
    return Verification(identity.name, manifest.suite, cases, steps, skipped, mismatch)


def _all_vectors(folder: Path, manifest: Manifest) -> Iterator[tuple[str, Vector]]:
    for name in manifest.files:
        yield from ((name, vector) for vector in read_vectors(folder / name))


def agrees(bench: Bench, vector: Vector) -> bool:
    """Whether the engine can run the case; if it can, it answers as the vector says.

    Raises :class:`ViolationError` where it answers otherwise.
    """
    if not is_for(bench, vector):
        return False
    try:
        demand(bench, vector)
    except RollbackUnsupportedError:
        return False
    return True


def is_for(bench: Bench, vector: Vector) -> bool:
    """Whether the engine has the component and the phases that the case takes."""
    offered = vector.component in bench.identity.components
    return offered and bench.phases.issuperset(vector.phases)


def demand(bench: Bench, vector: Vector) -> None:
    """Demand that the engine answers as the vector says.

    Raises :class:`ViolationError` where it does not, and :class:`RollbackUnsupportedError` where it
    has no legacy path and the case needs one.
    """
    bench.demand_trace(vector.case, vector.trace, bench.trace(vector.case))
