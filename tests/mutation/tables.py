"""What came of the mutants, by phase and by kind of check, and what is wrong with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from tests.mutation.trial import FAULTS, Mutant, Verdict

LEAST_KILLED = 0.95  # of those that are not equivalent
MOST_EQUIVALENT = 0.10  # of all
MODULES = {
    "1": ("drift",),
    "2": ("glft", "inventory"),
    "3": ("flow",),
    "4": ("expected_pnl",),
    "5": ("adaptation",),
    "6": ("funding",),
    "7": ("book", "sweep"),
    "8": ("cross_venue", "fill_size", "hawkes", "open_interest", "returns", "volatility"),
    "all": ("config", "engine", "errors", "ladder", "legacy", "sources"),
}
"""Modules of the reference by phase; the last serve them all."""


class Outcome(Struct, frozen=True):
    """A mutant and what became of it; ``proven`` where a proof says that it is equivalent."""

    mutant: Mutant
    verdict: Verdict
    proven: bool

    @property
    def status(self) -> str:
        """``killed``, ``equivalent`` where it is proven and stands, or ``survived``."""
        if self.verdict.killed_by is not None:
            return "killed"
        return "equivalent" if self.proven else "survived"


def killed_share(outcomes: Iterable[Outcome]) -> float:
    """Share of the mutants that are not equivalent which were killed."""
    counts = Counter(outcome.status for outcome in outcomes)
    return counts["killed"] / max(1, counts["killed"] + counts["survived"])


def problems(outcomes: Sequence[Outcome]) -> list[str]:
    """What keeps the suite from having shown its power; empty where nothing does."""
    share = killed_share(outcomes)
    equivalent = [outcome for outcome in outcomes if outcome.status == "equivalent"]
    wrong = [
        f"{outcome.mutant.id} is listed as equivalent, and killed by {outcome.verdict.killed_by}"
        for outcome in outcomes
        if outcome.status == "killed" and outcome.proven
    ]
    if share < LEAST_KILLED:
        wrong.append(f"{share:.1%} are killed, expected at least {LEAST_KILLED:.0%}")
    if len(equivalent) > MOST_EQUIVALENT * len(outcomes):
        wrong.append(
            f"{len(equivalent)} of {len(outcomes)} are equivalent,"
            f" expected at most {MOST_EQUIVALENT:.0%}"
        )
    return wrong


def tables(outcomes: Sequence[Outcome]) -> str:
    """Outcomes by phase and module and by kind of check, then the survivors line by line."""
    by_phase = {
        phase: [outcome for outcome in outcomes if outcome.mutant.module in modules]
        for phase, modules in MODULES.items()
    }
    by_module = {
        module: [outcome for outcome in outcomes if outcome.mutant.module == module]
        for modules in MODULES.values()
        for module in modules
    }
    answering = [outcome for outcome in outcomes if outcome.verdict.kind not in FAULTS]
    sections = (
        _counts("phase", by_phase),
        _counts("module", by_module),
        _counts("", {"all": outcomes, "those that answer": answering}),
        _kinds(outcomes),
        _survivors(outcomes),
    )
    return "\n\n".join(section for section in sections if section)


def _counts(title: str, groups: Mapping[str, Sequence[Outcome]]) -> str:
    lines = [f"{title:<18} mutants  killed  survived  equivalent  killed of the others"]
    for name, outcomes in groups.items():
        counts = Counter(outcome.status for outcome in outcomes)
        lines.append(
            f"{name:<18} {len(outcomes):7} {counts['killed']:7} {counts['survived']:9}"
            f" {counts['equivalent']:11} {killed_share(outcomes):21.1%}"
        )
    return "\n".join(lines)


def _kinds(outcomes: Iterable[Outcome]) -> str:
    kinds = Counter(outcome.verdict.kind for outcome in outcomes if outcome.status == "killed")
    lines = [f"{kind:<18} {count:7}" for kind, count in kinds.most_common()]
    return "\n".join(["killed by           mutants", *lines])


def _survivors(outcomes: Iterable[Outcome]) -> str:
    return "\n\n".join(
        f"survived: {mutant.module}.py:{mutant.line} {mutant.inside} {mutant.operator}\n"
        f"  - {mutant.original}\n  + {mutant.mutated}"
        for mutant in (outcome.mutant for outcome in outcomes if outcome.status == "survived")
    )
