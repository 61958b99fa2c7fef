"""Build the tape of this scenario: ``python scenarios/paper_trading_checks/build.py``.

Standard library only, the same bytes each time.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

Step = dict[str, object]

START_MS = 1_771_545_600_000  # 2026-02-20T00:00:00Z
CYCLE_MS = 6450
CYCLES = 94
TURN, FALL, RECOVERY = 31, 36, 62  # cycles at which book and leader turn, the market falls, it ends
SEED = 8
FOLLOWS = 0.8  # of the leader's return, in the same cycle
FUNDING = ("0.0001", "0.0002", "0.0001", "0.0012")
BOOK_BPS = (1.0, 5.0, 20.0, 60.0)
BALANCED = ((300.0, 600.0, 900.0, 1200.0), (300.0, 600.0, 900.0, 1200.0))
BEARISH = ((100.0, 200.0, 300.0, 400.0), (600.0, 1200.0, 900.0, 1200.0))


class Market:
    """Prices of the market, its spot, its leader, and the steps so far."""

    def __init__(self) -> None:
        self._random = random.Random(SEED)
        self.mid, self.leader, self.spot = 100.0, 60_000.0, 100.0
        self.open_interest = 50_000.0
        self.steps: list[Step] = []
        self._trades = 0

    def move(self, number: int) -> None:
        """Move all prices by one cycle; at the turn the leader falls first."""
        lead_bps = self._random.uniform(-3.0, 3.0)
        own_bps = FOLLOWS * lead_bps + self._random.uniform(-0.5, 0.5)
        if TURN <= number < FALL:
            lead_bps, own_bps = -4.0, self._random.uniform(-0.5, 0.5)
        elif FALL <= number < RECOVERY:
            lead_bps, own_bps = lead_bps - 2.0, own_bps - 2.0
        self.leader = round(self.leader * (1.0 + lead_bps / 1e4), 2)
        self.mid = round(self.mid * (1.0 + own_bps / 1e4), 5)
        self.spot = round(self.spot * (1.0 + FOLLOWS * lead_bps / 1e4), 5)
        self.open_interest = round(self.open_interest * self._random.uniform(0.998, 1.004), 1)

    def add(self, t_ms: int, step: str, **values: object) -> None:
        """Add a step."""
        self.steps.append({"step": step, "t_ms": t_ms, **values})

    def show_book(self, t_ms: int, sizes: tuple[tuple[float, ...], tuple[float, ...]]) -> None:
        """Add a book of four levels a side, to 60 bp from mid."""
        sides = [
            [
                [round(self.mid * (1.0 + sign * distance / 1e4), 6), size]
                for distance, size in zip(BOOK_BPS, side, strict=True)
            ]
            for sign, side in zip((-1.0, 1.0), sizes, strict=True)
        ]
        self.add(t_ms, "book", bids=sides[0], asks=sides[1])

    def trade(self, t_ms: int, side: str, size: float, reach_bps: float) -> None:
        """Add a trade of an aggressor that goes ``reach_bps`` through the mid."""
        sign = 1.0 if side == "buy" else -1.0
        price = round(self.mid * (1.0 + sign * reach_bps / 1e4), 4)
        self._trades += 1
        self.add(t_ms, "trade", side=side, price=price, size=size, id=f"t-{self._trades}")

    def trade_calmly(self, t_ms: int) -> None:
        """Add a small trade of either side a second, and one that reaches the quotes."""
        for second in range(1, 6):
            side = self._random.choice(("buy", "sell"))
            self.trade(t_ms + 1000 * second, side, round(self._random.uniform(0.1, 1.0), 3), 1.0)
        side = "buy" if self._trades // 6 % 2 else "sell"
        self.trade(t_ms + 6000, side, round(self._random.uniform(0.2, 1.6), 3), 9.0)

    def sell_in_a_cluster(self, t_ms: int) -> None:
        """Add ten sells within a second, the last of them through several levels."""
        for number in range(10):
            self.trade(t_ms + 100 * number, "sell", 0.5, 1.0)
        self.trade(t_ms + 1000, "sell", 3.0, 14.0)


def tape() -> list[Step]:
    """Return the session, cycle by cycle."""
    market = Market()
    for number in range(CYCLES):
        t_ms = START_MS + number * CYCLE_MS
        market.move(number)
        turned = TURN <= number < RECOVERY
        market.show_book(t_ms, BEARISH if turned else BALANCED)
        for source, price in (
            ("spot", market.spot),
            ("leader", market.leader),
            ("mark", market.mid),
            ("index", market.spot),
        ):
            market.add(t_ms, "reference_price", source=source, price=price)
        market.add(t_ms, "open_interest", contracts=market.open_interest)
        if number < len(FUNDING):
            market.add(t_ms, "funding", rate=FUNDING[number], interval_s=3600)
        if number % 10 == 0:
            market.add(t_ms, "estimate", sigma_bps_per_sqrt_s=2.0 if number < FALL else 2.5)
            market.add(t_ms, "signal", source="momentum", value=0.5, variance=150.0)
        if FALL <= number < RECOVERY:
            market.add(t_ms, "trend", magnitude_bps=4.0, agreement=0.6, p_continuation=0.7)
        market.add(t_ms, "cycle")
        if number < TURN - 1 or number >= RECOVERY:
            market.trade_calmly(t_ms)
        elif number >= FALL:
            market.sell_in_a_cluster(t_ms)
    return market.steps


def main() -> None:
    """Write the tape beside this file."""
    lines = [json.dumps(step, separators=(",", ":")) + "\n" for step in tape()]
    (Path(__file__).parent / "session.jsonl").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
