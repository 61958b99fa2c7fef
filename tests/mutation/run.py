"""How many generated mutants of the reference the suite refuses: ``nox -s mutants``.

Each mutant meets the suite alone, no unit test, and the first check that fails ends its trial. The
checks of its own component come first, and among them the one with most kills a second so far:
which check gets the credit may vary from run to run, whether one does not.

Exits with 1 where less than 95 % of those that are not equivalent are killed, where more than 10 %
are equivalent, or where an entry of the list of equivalents is killed or stale.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
import msgspec
from tests.mutation.equivalent import is_equivalent, proofs
from tests.mutation.generated import all_places, draw, stale
from tests.mutation.order import Order
from tests.mutation.tables import Outcome, killed_share, problems, tables
from tests.mutation.trial import Mutant, Verdict, time_suite, try_mutant

from quotemark.suite.workers import run_side_by_side

Trial = tuple[Mutant, list[str]]
"""A mutant, and the names of the checks in their order."""


@click.command()
@click.option("--sample", default=400, show_default=True, help="How many mutants to draw.")
@click.option("--seed", default=20260219, show_default=True, help="Seed of the draw.")
@click.option("--all", "everything", is_flag=True, help="Try every mutant there is.")
@click.option("--jobs", default=2, show_default=True, help="How many to try at a time.")
@click.option("--json", "path", type=click.Path(path_type=Path), help="Write all outcomes there.")
def main(sample: int, seed: int, everything: bool, jobs: int, path: Path | None) -> None:
    """Try mutants of the reference, and print what became of them."""
    started = time.monotonic()
    candidates = all_places()
    mutants = draw(candidates, len(candidates) if everything else sample, seed)
    click.echo(f"{len(mutants)} mutants of {len(candidates)} places, seed {seed}")
    outcomes = try_all(mutants, jobs)
    wrong = problems(outcomes)
    wrong += [f"stale: {change.mutated}" for proof in proofs() for change in stale(proof)]
    minutes = (time.monotonic() - started) / 60.0
    click.echo("\n".join(["", tables(outcomes), "", *wrong, f"{minutes:.1f} min"]))
    if path is not None:
        path.write_bytes(_json(outcomes, seed, minutes))
    sys.exit(1 if wrong else 0)


def try_all(mutants: Sequence[Mutant], jobs: int) -> list[Outcome]:
    """Try all mutants, ``jobs`` at a time; outcomes are in the order in which they came."""
    order = Order(time_suite())
    progress = Progress(len(mutants))
    outcomes: list[Outcome] = []

    def done(trial: Trial, verdict: Verdict) -> None:
        mutant, _ = trial
        order.learn(verdict.killed_by)
        outcomes.append(Outcome(mutant, verdict, is_equivalent(mutant)))
        progress.show(outcomes[-1].status)

    trials = ((mutant, order.of(mutant.module)) for mutant in mutants)
    run_side_by_side(_trier, trials, jobs, done)
    return outcomes


@contextmanager
def _trier() -> Iterator[Callable[[Trial], Verdict]]:
    yield lambda trial: try_mutant(*trial)


class Progress:
    """How far it is: on a terminal after each mutant, elsewhere a line for each tenth."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._started = time.monotonic()
        self._counts = Counter(killed=0, survived=0, equivalent=0)

    def show(self, status: str) -> None:
        """Count one more mutant of ``status``."""
        self._counts[status] += 1
        done = self._counts.total()
        left_min = (time.monotonic() - self._started) / 60.0 * (self._total - done) / done
        said = ", ".join(f"{count} {status}" for status, count in self._counts.items())
        line = f"{done}/{self._total}: {said}; {left_min:.0f} min left"
        if sys.stderr.isatty():
            click.echo(f"\r\033[K{line}", nl=done == self._total, err=True)
        elif done * 10 // self._total > (done - 1) * 10 // self._total:
            click.echo(line, err=True)


def _json(outcomes: Sequence[Outcome], seed: int, minutes: float) -> bytes:
    """Every outcome, without the sources."""
    listed = [
        {
            "mutant": outcome.mutant.id,
            "line": outcome.mutant.line,
            "status": outcome.status,
            **msgspec.structs.asdict(outcome.verdict),
        }
        for outcome in outcomes
    ]
    share = killed_share(outcomes)
    result = {"seed": seed, "minutes": minutes, "killed_share": share, "outcomes": listed}
    return msgspec.json.format(msgspec.json.encode(result))


if __name__ == "__main__":
    main()
