"""PnL of a replay, split into what the spread earned, what the inventory made, and fees.

net = spread + inventory - fees, and equals cash + position x mark - fees (a test holds it to that).
"""

from __future__ import annotations

from dataclasses import dataclass

from quotemark.venue import Fill


@dataclass(slots=True)
class PnlAccount:
    """Running account in quote currency; ``mark`` is the last mid seen."""

    fee_bps: float
    position: float = 0.0
    mark: float | None = None
    spread: float = 0.0
    inventory: float = 0.0
    fees: float = 0.0

    @property
    def net(self) -> float:
        """PnL net of fees, marked at the last mid."""
        return self.spread + self.inventory - self.fees

    def mark_to(self, mid: float) -> None:
        """Move the mark; the position makes the difference."""
        if self.mark is not None:
            self.inventory += self.position * (mid - self.mark)
        self.mark = mid

    def book(self, fill: Fill) -> None:
        """Book a fill at its mid: the distance is spread earned, the fee is on its notional."""
        self.mark_to(fill.mid)
        signed_size = fill.size if fill.side == "buy" else -fill.size
        self.spread += signed_size * (fill.mid - fill.price)
        self.fees += fill.size * fill.price * self.fee_bps / 1e4
        self.position += signed_size
