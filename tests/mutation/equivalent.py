"""Mutants that no check can tell from the reference, each by a written proof: ``equivalent.toml``.

Equivalent is what gives the same answers, but for last digits and ties that the port leaves open.
A proof names the line it is about, its place, and the mutants of it by operator and mutated line,
so that it outlives edits elsewhere. A mutant that the library makes no more is stale.
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

import msgspec
from msgspec import Struct
from tests.mutation.trial import Mutant


class Change(Struct, frozen=True, forbid_unknown_fields=True):
    """What an operator makes of a line."""

    operator: str
    mutated: str


class Proof(Struct, frozen=True, forbid_unknown_fields=True):
    """Why mutants of the line ``original`` answer to every input as the reference does."""

    module: str
    inside: str
    original: str
    proof: str
    mutants: tuple[Change, ...]

    def is_about(self, mutant: Mutant) -> bool:
        """Whether ``mutant`` is one of them."""
        place = (mutant.module, mutant.inside, mutant.original)
        change = Change(mutant.operator, mutant.mutated)
        return place == (self.module, self.inside, self.original) and change in self.mutants


@cache
def proofs() -> tuple[Proof, ...]:
    """Every entry of the list."""
    text = (Path(__file__).parent / "equivalent.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text)["equivalent"], tuple[Proof, ...])


def is_equivalent(mutant: Mutant) -> bool:
    """Whether there is a proof that ``mutant`` is equivalent."""
    return any(proof.is_about(mutant) for proof in proofs())
