"""Build the tapes of this scenario: ``python scenarios/funding_extremes/build.py``.

Standard library only, the same bytes each time.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

Step = dict[str, object]

MID = 100.0
MAX_POSITION = 8.57  # contracts, as in scenario.toml
START_MS = 1_771_545_600_000  # 2026-02-20T00:00:00Z
CYCLE_MS = 6450
HALF_AN_HOUR_MS = 1_800_000
CYCLES = 5  # a block's first cycle is one of the cold tier, which reads the funding
HISTORY = 96  # readings, as in scenario.toml
EWMA_WEIGHT = 0.1
CALM = (0.0003, -0.0001)  # rates of the calm days, in turn
CALM_READINGS = 60
ZSCORES = (0.0, 1.0, -1.0, 2.0, -2.0, 3.0, -3.0, 4.0, -4.0, 5.0, -5.0, 6.0)
SHARES = {"flat": 0.0, "long": 0.3, "short": -0.3}
INTERVALS_S = {"hourly": 3600, "eight_hourly": 28_800}
UNPARSABLE = ("", "n/a", "0,0003", "nan", "1.5")
# takes the drift from N(0, 25) to N(-8, 8): K = 25 / (25 + 200/17) = 0.68
FALL = 200.0 / 17.0


def rate_of(zscore: float, rates: list[float]) -> float:
    """The next rate, to twelve decimals, whose z-score after ``rates`` is ``zscore``.

    With d its distance from the EWMA e before it, and a_i those of the n - 1 last rates, the EWMA
    after it is e + 0.1 d, so that z^2 (sum (a_i - 0.1 d)^2 + 0.81 d^2) / n = 0.81 d^2.
    """
    ewma = rates[0]
    for rate in rates:
        ewma += EWMA_WEIGHT * (rate - ewma)
    apart = [rate - ewma for rate in rates[-(HISTORY - 1) :]]
    n = len(apart) + 1
    kept = 1.0 - EWMA_WEIGHT
    share = zscore * zscore / n
    a = kept**2 - share * (EWMA_WEIGHT**2 * (n - 1) + kept**2)
    b = 2.0 * share * EWMA_WEIGHT * sum(apart)
    c = -share * sum(distance * distance for distance in apart)
    root = math.sqrt(b * b - 4.0 * a * c)
    distance = (-b + math.copysign(root, zscore)) / (2.0 * a)
    return round(ewma + distance, 12)


def reading(t_ms: int, rate: str, interval_s: int) -> Step:
    """Return a funding reading."""
    return {"step": "funding", "t_ms": t_ms, "rate": rate, "interval_s": interval_s}


def cycles(t_ms: int, count: int) -> list[Step]:
    """Return cycles at the canonical pace."""
    return [{"step": "cycle", "t_ms": t_ms + n * CYCLE_MS, "mid": MID} for n in range(count)]


def ladder(share: float, interval_s: int) -> list[Step]:
    """Warm-up, calm days, then one reading a z-score: met by a neutral filter, then a falling one.

    A reading an interval; blocks of cycles are half an hour apart at least, so that the drift is
    back at N(0, 25) when the next begins.
    """
    steps: list[Step] = []
    if share != 0.0:
        side = "buy" if share > 0.0 else "sell"
        size = abs(share) * MAX_POSITION
        fill = {"step": "fill", "t_ms": START_MS, "side": side, "price": MID, "size": size}
        steps.append({**fill, "id": f"to-{share:.0%}", "mid": MID})
    rates: list[float] = []
    for number in range(CALM_READINGS + len(ZSCORES)):
        t_ms = START_MS + number * interval_s * 1000
        calm = number < CALM_READINGS
        rate = CALM[number % 2] if calm else rate_of(ZSCORES[number - CALM_READINGS], rates)
        rates.append(rate)
        steps.append(reading(t_ms, f"{rate:.12f}".rstrip("0"), interval_s))
        if number < 3 or not calm:
            steps += cycles(t_ms, CYCLES)
        if not calm:
            later_ms = t_ms + HALF_AN_HOUR_MS
            fall = {"step": "signal", "t_ms": later_ms, "source": "momentum", "value": -FALL}
            steps += [{**fall, "variance": FALL}, *cycles(later_ms, CYCLES)]
    return steps


def ten_readings(t_ms: int) -> list[Step]:
    """Nine readings of 0 and one of 0.001, whose z-score is 0.9 / 0.3 = 3."""
    return [reading(t_ms, rate, 3600) for rate in (["0"] * 9 + ["0.001"])]


def stopped() -> list[Step]:
    """Return a feed that stops at a z-score of 3, and the hour of quoting after it."""
    return [*ten_readings(START_MS), *cycles(START_MS, 3_600_000 // CYCLE_MS + 1)]


def unparsable() -> list[Step]:
    """Return the same readings, then one broken one before each block of cycles."""
    steps = ten_readings(START_MS)
    for number, rate in enumerate(UNPARSABLE):
        t_ms = START_MS + number * HALF_AN_HOUR_MS
        steps += [reading(t_ms, rate, 3600), *cycles(t_ms, CYCLES)]
    return steps


def main() -> None:
    """Write all tapes beside this file."""
    tapes = {
        f"{interval}_{way}": ladder(share, interval_s)
        for interval, interval_s in INTERVALS_S.items()
        for way, share in SHARES.items()
    }
    for name, steps in {**tapes, "stopped": stopped(), "unparsable": unparsable()}.items():
        lines = [json.dumps(step, separators=(",", ":")) + "\n" for step in steps]
        (Path(__file__).parent / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
