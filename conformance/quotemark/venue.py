"""The venue of a replay: which resting quotes a recorded aggressor would have taken.

A resting quote fills when an aggressor's price reaches it: best price first, no more than the
aggressor's size, each level only once until it is quoted again. Quotes are taken to stand first in
the queue at their price, and to be replaced at once at a cycle: the replay is a counterfactual on
recorded aggressors, and errs on the side of filling.

How far an aggressor would have gone beyond its recorded price is unknown; ``reach_bps`` says how
far it is taken to.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from quotemark.messages import Json

PRICE_TOLERANCE = 1e-9  # relative; a quote exactly at the aggressor's price fills

FillPrice = Literal["quote", "print"]
"""What a fill is priced at: the quote, or the recorded print where the quote is better than that.

``print`` belongs to records whose prints are the engine's own fills, so that their price is a
fact."""


@dataclass(frozen=True, slots=True)
class Fill:
    """An own fill and its cause: the aggressor that made it and the quotes it took.

    ``levels_crossed`` counts the own quotes that the aggressor took, in this fill and in others.
    """

    t_ms: int
    side: str
    price: float
    size: float
    mid: float
    trade_id: str
    cause: str
    levels_crossed: int = 1


@dataclass(slots=True)
class RestingQuote:
    """A quote and what is left of it."""

    price: float
    size: float


@dataclass(slots=True)
class Venue:
    """The engine's resting quotes, best first on each side."""

    reach_bps: float = 0.0
    fill_price: FillPrice = "quote"
    _resting: dict[str, list[RestingQuote]] = field(default_factory=dict)

    def rest(self, bids: Iterable[Json], asks: Iterable[Json]) -> None:
        """Replace all resting quotes."""
        self._resting = {
            "buy": sorted(_resting(bids), key=lambda quote: -quote.price),
            "sell": sorted(_resting(asks), key=lambda quote: quote.price),
        }

    def match(self, trade: Json, trade_id: str, mid: float) -> list[Fill]:
        """Fills that an aggressor causes; quotes it takes at one price make one fill."""
        own_side = "sell" if trade["side"] == "buy" else "buy"
        reached = trade["price"] * (1.0 + _sign(trade["side"]) * self.reach_bps / 1e4)
        left = trade["size"]
        sizes: dict[float, float] = {}
        levels_crossed = 0
        for quote in self._resting.get(own_side, []):
            if left <= 0.0 or not _reaches(trade["side"], reached, quote.price):
                break
            taken = min(left, quote.size)
            quote.size -= taken
            left -= taken
            levels_crossed += 1
            price = self._price(trade, quote)
            sizes[price] = sizes.get(price, 0.0) + taken
        self._resting[own_side] = [
            quote for quote in self._resting.get(own_side, []) if quote.size > 0.0
        ]
        return [
            Fill(
                t_ms=trade["t_ms"],
                side=own_side,
                price=price,
                size=size,
                mid=mid,
                trade_id=trade_id,
                cause=self._cause(trade, trade_id),
                levels_crossed=levels_crossed,
            )
            for price, size in sizes.items()
        ]

    def _price(self, trade: Json, quote: RestingQuote) -> float:
        if self.fill_price == "print" and _reaches(trade["side"], trade["price"], quote.price):
            price: float = trade["price"]
            return price
        return quote.price

    def _cause(self, trade: Json, trade_id: str) -> str:
        reach = f", taken to reach {self.reach_bps:g} bp further" if self.reach_bps else ""
        return (
            f"{trade['side']} aggressor {trade_id}: {trade['size']:g} at {trade['price']:g}{reach}"
        )


def _resting(quotes: Iterable[Json]) -> list[RestingQuote]:
    return [RestingQuote(quote["price"], quote["size"]) for quote in quotes if quote["size"] > 0.0]


def _sign(aggressor_side: str) -> float:
    return 1.0 if aggressor_side == "buy" else -1.0


def _reaches(aggressor_side: str, price: float, quote_price: float) -> bool:
    """Whether an aggressor at ``price`` takes a quote at ``quote_price``."""
    return _sign(aggressor_side) * (price - quote_price) >= -PRICE_TOLERANCE * quote_price
