"""Build the tapes of this scenario: ``python scenarios/inventory_80_percent/build.py``.

Standard library only, the same bytes each time.
"""

from __future__ import annotations

import json
from pathlib import Path

MAX_POSITION = 8.57  # contracts, as in scenario.toml
MID = 100.0
START_MS = 1_771_538_400_000  # 2026-02-19T22:00:00Z
CYCLE_MS = 6450
SHARES = (
    0.0,
    0.3,
    0.5999,
    0.6001,
    0.7,
    0.7999,
    0.8001,
    0.99,
    1.00001,
)  # of the limit; a little past it, whatever the sum rounds to


def steps(side: str) -> list[dict[str, object]]:
    """Own fills at mid and a cycle after each, for every share of the limit."""
    built: list[dict[str, object]] = []
    position = 0.0
    for number, share in enumerate(SHARES):
        t_ms = START_MS + number * CYCLE_MS
        size = round(share * MAX_POSITION - position, 6)
        if size > 0.0:
            position += size
            built.append(
                {
                    "step": "fill",
                    "t_ms": t_ms,
                    "side": side,
                    "price": MID,
                    "size": size,
                    "id": f"to-{share:.2%}",
                    "mid": MID,
                }
            )
        built.append({"step": "cycle", "t_ms": t_ms, "mid": MID})
    return built


def main() -> None:
    """Write both tapes beside this file."""
    for name, side in (("long", "buy"), ("short", "sell")):
        lines = [json.dumps(step, separators=(",", ":")) + "\n" for step in steps(side)]
        (Path(__file__).parent / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
