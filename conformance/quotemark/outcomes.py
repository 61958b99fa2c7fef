"""What incidents end in, by which a phase is judged: with its flag on, and without.

A phase may not make an incident end worse: no larger loss, no larger position, no more time in
which a quote that was needed did not rest.
"""

from __future__ import annotations

from msgspec import Struct

from quotemark.gate_sets import GateSet

ROUNDING = 1e-9
"""Differences below it are no worse an end; of quote currency, and of contracts."""


class Incident(Struct, frozen=True):
    """One replay: a tape of a scenario, a layer where it has some, and how far aggressors reach."""

    scenario: str
    tape: str
    layer: str = ""
    reach_bps: float = 0.0

    def __str__(self) -> str:
        layer = f", {self.layer} layer" if self.layer else ""
        reach = f", reach {self.reach_bps:g} bp" if self.reach_bps else ""
        return f"{self.scenario} {self.tape}{layer}{reach}"


class Outcome(Struct, frozen=True):
    """What an incident ended in.

    ``net`` is PnL net of fees in quote currency, ``largest_position`` the largest |position| in
    contracts. ``unquoted_ms`` is the time without a needed quote: nothing rested, or nothing that
    would have reduced a position which the rest of the incident moved against.
    """

    net: float
    largest_position: float
    unquoted_ms: int

    @property
    def loss(self) -> float:
        """What was lost, in quote currency; 0 if nothing was."""
        return max(0.0, -self.net)


class Ends(Struct, frozen=True):
    """How one incident ended with a phase and without it."""

    incident: Incident
    with_phase: Outcome
    without: Outcome

    def worse(self) -> list[str]:
        """What is worse with the phase: ``loss``, ``inventory``, ``liveness``."""
        one, other = self.with_phase, self.without
        found = {
            "loss": one.loss > other.loss + ROUNDING,
            "inventory": one.largest_position > other.largest_position + ROUNDING,
            "liveness": one.unquoted_ms > other.unquoted_ms,
        }
        return [name for name, is_worse in found.items() if is_worse]


class PhaseOutcomes(Struct, frozen=True):
    """How all incidents ended with a phase's flag on, and without.

    ``unknown`` says why, where they could not be run.
    """

    phase: int
    gates_with: GateSet
    gates_without: GateSet
    incidents: list[Ends]
    unknown: str = ""

    def worse(self) -> list[Ends]:
        """Incidents that end worse with the phase."""
        return [ends for ends in self.incidents if ends.worse()]
