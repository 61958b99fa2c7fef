"""Build the tapes of this scenario: ``python scenarios/p_collapse_reversal/build.py``.

Standard library only, the same bytes each time.
"""

from __future__ import annotations

import json
from pathlib import Path

Step = dict[str, object]

START_MS = 1_771_545_600_000  # 2026-02-20T00:00:00Z
CYCLE_MS = 6450
AGREEING, OPPOSING = 200, 50
BID, ASK = 99.99, 100.01  # a basis point from mid
HEAVY, LIGHT = 750.0, 250.0  # contracts: 100 000 USD in all, an imbalance of a half


def book(t_ms: int, bid_size: float, ask_size: float) -> Step:
    """Return a book of one level a side."""
    return {"step": "book", "t_ms": t_ms, "bids": [[BID, bid_size]], "asks": [[ASK, ask_size]]}


def tape(cycle_ms: int) -> list[Step]:
    """A bearish book for 200 cycles, then a bullish one for 50, ``cycle_ms`` apart."""
    steps: list[Step] = []
    for number in range(AGREEING + OPPOSING):
        t_ms = START_MS + number * cycle_ms
        if number == 0:
            steps.append(book(t_ms, LIGHT, HEAVY))
        if number == AGREEING:
            steps.append(book(t_ms, HEAVY, LIGHT))
        steps.append({"step": "cycle", "t_ms": t_ms})
    return steps


def main() -> None:
    """Write both tapes beside this file."""
    for name, cycle_ms in (("instant", 0), ("paced", CYCLE_MS)):
        lines = [json.dumps(step, separators=(",", ":")) + "\n" for step in tape(cycle_ms)]
        (Path(__file__).parent / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
