"""The ablation table of Feb 19: engines of one width, with more and less of the framework.

Recomputed from the tape each time. Rows that no set of gates expresses take a part out of the
reference, in a worker process of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec import Struct

from quotemark.adapters import running
from quotemark.messages import Json
from quotemark.scenario import load_scenario
from quotemark.suite import feb19
from quotemark.suite.market import PHASES_1_TO_4, gates

GAMMA_ALONE = gates(2, variant="deployed")

ENGINES: tuple[tuple[str, str, Json], ...] = (
    ("unprotected (= legacy:deployed)", "legacy:deployed", {}),
    ("unprotected at 7.25 bp", "legacy:deployed", {"base_half_spread_bps": 7.25}),
    ("unprotected at 10 bp", "legacy:deployed", {"base_half_spread_bps": 10.0}),
    ("legacy:documented", "legacy:documented", {}),
    ("gamma(q) alone", "reference", GAMMA_ALONE),
    (
        "E[PnL] filter alone (no drift, no skew, beta 0)",
        "mutant:filter-alone",
        {**PHASES_1_TO_4, "inventory_beta": 0.0},
    ),
    ("gamma and filter, no drift", "mutant:drift-always-zero", PHASES_1_TO_4),
    ("phase 1 alone", "reference", feb19.PHASE_1_ALONE),
    ("phases 1-4", "reference", PHASES_1_TO_4),
)


class AblationRow(Struct, frozen=True):
    """One engine at one reach: prints that filled it, its final position, its PnL net of fees."""

    engine: str
    reach_bps: float
    fills: int
    position: float
    net: float


def ablation_rows(progress: Callable[[str], None] = lambda row: None) -> Iterator[AblationRow]:
    """Replay every engine at every reach."""
    for label, name, config in ENGINES:
        progress(label)
        with running(name) as engine:
            for reach_bps in load_scenario("feb19").reach_bps:
                run = feb19.run_session(engine, config, reach_bps)
                yield AblationRow(
                    engine=label,
                    reach_bps=reach_bps,
                    fills=len({fill.trade_id for fill in run.fills}),
                    position=run.account.position,
                    net=run.account.net,
                )
