"""The vectors that ship with this version of the suite, as checks: one a file."""

from __future__ import annotations

from quotemark.golden.folder import SHIPPED, read_vectors
from quotemark.golden.verifying import agrees, demand, is_for
from quotemark.messages import STEPS
from quotemark.suite.bench import Bench, Check, RollbackUnsupportedError
from quotemark.suite.register import check


def _vectors(component: str) -> Check:
    def keeps_its_vectors(bench: Bench) -> None:
        vectors = read_vectors(SHIPPED / f"{component}.jsonl")
        judged = [vector for vector in vectors if agrees(bench, vector)]
        if not any(vector.steps for vector in judged):
            raise RollbackUnsupportedError("no case could be opened")

    keeps_its_vectors.__name__ = f"{component}_keeps_its_vectors"
    keeps_its_vectors.__doc__ = (
        f"Cases of {component} as shipped with this version of the suite, hand-picked, bad and"
        f" seeded ones: every declared field as in vectors/{component}.jsonl."
    )
    return keeps_its_vectors


for _component in STEPS:
    check(_component, f"A-{_component}")(_vectors(_component))


@check("engine", "A-gates")
def rollback_keeps_its_vectors(bench: Bench) -> None:
    """Every closed set of gates, and inert ones: every declared field as in vectors/rollback.jsonl.

    An engine with fewer phases runs the sets that it can.
    """
    for vector in read_vectors(SHIPPED / "rollback.jsonl"):
        if is_for(bench, vector):
            demand(bench, vector)
