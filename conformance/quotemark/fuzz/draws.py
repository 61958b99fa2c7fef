"""Random draws of the figures of a market: times, prices, sizes, observations."""

from __future__ import annotations

import random
from collections.abc import Callable

from quotemark.messages import Json

HOUR_MS = 3_600_000
EPOCH_MS = 1_771_459_200_000  # Feb 19, 2026


class Clock:
    """Times of a session: bursts at one instant, a market's own pace, gaps of hours."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.t_ms = rng.choice((0, 1, EPOCH_MS))
        self._pace = rng.choice((_burst, _market, _market, _mixed))

    def tick(self) -> int:
        """Return the time of the next event, never before the last."""
        self.t_ms += self._pace(self._rng)
        return self.t_ms


def _burst(rng: random.Random) -> int:
    return 0 if rng.random() < 0.9 else rng.randint(1, 3)


def _market(rng: random.Random) -> int:
    return int(rng.expovariate(1 / 800.0))


def _mixed(rng: random.Random) -> int:
    pace: Callable[[random.Random], int] = rng.choice((_burst, _burst, _market, _market, _gap))
    return pace(rng)


def _gap(rng: random.Random) -> int:
    return rng.randint(1, 5) * rng.choice((60_000, HOUR_MS))


def magnitude(rng: random.Random, low: float, high: float) -> float:
    """Return a positive figure between the bounds, uniform in its logarithm."""
    return float(low * (high / low) ** rng.random())


def signed(rng: random.Random, low: float, high: float) -> float:
    """Return a figure of either sign and a magnitude between the bounds; now and then 0."""
    if rng.random() < 0.03:
        return 0.0
    return rng.choice((-1.0, 1.0)) * magnitude(rng, low, high)


def fraction(rng: random.Random) -> float:
    """Return a figure in [0, 1], often a bound."""
    return rng.choice((0.0, 1.0, rng.random(), rng.random(), rng.random()))


def trade_side(rng: random.Random, buys: float = 0.5) -> str:
    """Return ``buy`` with this probability, else ``sell``."""
    return "buy" if rng.random() < buys else "sell"


def book(rng: random.Random, t_ms: int, mid: float) -> Json:
    """Return a book around ``mid``: deep, thin, locked, crossed, one-sided or empty."""
    levels, reach_bps = rng.choice((1, 2, 5, 20)), magnitude(rng, 0.5, 200.0)
    size = magnitude(rng, 1e-3, 1e5) / mid
    first = rng.choice((0.0, 0.5, 1.0))

    def side(sign: float) -> list[list[float]]:
        offsets = [(level + first) / levels * reach_bps / 1e4 for level in range(levels)]
        return [
            [mid * (1.0 + sign * offset), size * (0.05 + rng.random())]
            for offset in dict.fromkeys(offsets)
        ]

    bids, asks = side(-1.0), side(1.0)
    shape = rng.random()
    if shape < 0.05:
        bids, asks = rng.choice(((bids, []), ([], asks), ([], [])))
    elif shape < 0.08:
        bids, asks = asks[::-1], bids[::-1]
    return {"step": "book", "t_ms": t_ms, "bids": bids, "asks": asks}
