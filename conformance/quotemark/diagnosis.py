"""Diagnosis by nearest mutant: what a failing engine's slip looks like.

The engine's answers are held against those of every mutant to the same cases. A mutant is counted
on the steps at which the engine or the mutant departs from the reference, and explains those at
which the engine departs and answers as the mutant does. The one that explains most is named if
that is more than nine tenths; otherwise nothing is said.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain, repeat
from typing import NamedTuple

from msgspec import Struct

from quotemark.builtin import BuiltinEngine
from quotemark.case import Case, trace
from quotemark.messages import Answer
from quotemark.mutants import MUTANTS, mutant_trace, within_reach
from quotemark.mutants.base import Mutant
from quotemark.server import as_sent
from quotemark.suite.compare import first_difference

LEAST_SHARE = 0.9


class Diagnosis(Struct, frozen=True):
    """The mutant that a failing engine behaves like, on how many of the steps that count.

    ``alike`` names mutants that explain as much: these steps do not tell them apart.
    """

    mutant: str
    breaks: str
    story: str
    explained: int
    steps: int
    alike: list[str] = []

    def __str__(self) -> str:
        others = f"; as do {', '.join(self.alike)}" if self.alike else ""
        return (
            f"behaves like {self.mutant} ({self.breaks}): {self.story},"
            f" on {self.explained} of {self.steps} steps{others}"
        )


class _Failure(NamedTuple):
    """A case, what reference and engine answer, and at which steps these differ."""

    case: Case
    expected: list[Answer]
    got: list[Answer]
    departs: list[bool]
    fields: Collection[str]


class _Tally(NamedTuple):
    """How many steps a mutant explains, of those that count."""

    explained: int
    steps: int

    @property
    def share(self) -> float:
        return self.explained / self.steps


def diagnose(
    failures: Sequence[tuple[Case, list[Answer]]], fields: Mapping[str, Collection[str]]
) -> Diagnosis | None:
    """Name the mutant that explains the ``failures``; ``None`` where none does.

    A failure is a case with the engine's own answers to it; ``fields`` are those it declares, by
    component. Patches the reference in this process for as long as it takes.
    """
    known = [_failure(case, got, fields) for case, got in failures]
    telling = sorted((one for one in known if any(one.departs)), key=lambda one: len(one.got))
    if not telling:
        return None
    # most mutants are out after the shortest case
    shortest = telling[:1]
    suspects = [one for one in _quick_mutants(shortest[0].case) if _tally(one, shortest)]
    tallies = {mutant.name: _tally(mutant, telling) for mutant in suspects}
    found = {name: tally for name, tally in tallies.items() if tally}
    if not found:
        return None
    best = max(found.values(), key=lambda tally: tally.share)
    first, *alike = [name for name, tally in found.items() if tally.share == best.share]
    mutant = MUTANTS[first]
    return Diagnosis(first, mutant.breaks, mutant.story, best.explained, best.steps, alike)


def _quick_mutants(case: Case) -> list[Mutant]:
    """Mutants that ``case`` reaches, but for those that are only slow."""
    return [mutant for mutant in within_reach(case) if not mutant.breaks.endswith("_latency")]


def _failure(
    case: Case, answers: Sequence[Answer], fields: Mapping[str, Collection[str]]
) -> _Failure:
    declared = fields[case.component]
    expected = trace(BuiltinEngine(), case, "diagnosis", 0).answers
    got = [as_sent(answer) for answer in answers]
    departs = [
        first_difference(one, other, declared) is not None
        for one, other in zip(expected, got, strict=False)
    ]
    return _Failure(case, expected, got, departs, declared)


def _tally(mutant: Mutant, failures: Sequence[_Failure]) -> _Tally | None:
    """Count what the mutant explains; ``None`` as soon as it cannot be enough."""
    explained = steps = sum(sum(failure.departs) for failure in failures)
    for departed in chain.from_iterable(_unexplained(mutant, one) for one in failures):
        if departed:
            explained -= 1
        else:
            steps += 1
        if explained <= LEAST_SHARE * steps:
            return None
    return _Tally(explained, steps)


def _unexplained(mutant: Mutant, failure: _Failure) -> Iterator[bool]:
    """Each step that speaks against the mutant: whether the engine departs there.

    Where it does, the mutant answers otherwise; where it does not, the mutant departs alone.
    """
    answers = chain(mutant_trace(mutant, failure.case), repeat(None))
    for answer, expected, got, departs in zip(
        answers, failure.expected, failure.got, failure.departs, strict=False
    ):
        if answer == expected:
            agrees = not departs
        else:
            agrees = answer is not None and _agree(as_sent(answer), got, failure.fields)
        if not agrees:
            yield departs


def _agree(one: Answer, other: Answer, fields: Collection[str]) -> bool:
    return first_difference(one, other, fields) is None
