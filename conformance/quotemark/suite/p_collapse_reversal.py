"""What a long agreement demands of an engine when it ends in its opposite (D-31).

Observations shrink P, and a filter that is sure does not turn. The floor of P keeps it open where
observations are strong and time stands still; between real cycles the process noise does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from quotemark.messages import Json
from quotemark.port import Engine
from quotemark.replay import Frame, replay
from quotemark.scenario import load_scenario
from quotemark.suite.bench import ViolationError
from quotemark.suite.compare import is_close
from quotemark.suite.market import CYCLE_MS, gates, observe

WITH_BOOK = gates(1, 2, 3, 4, 7)
AGREEING, OPPOSING = 200, 50
TURNS_WITHIN = 3
FLOOR = 2.0
PACES = {"session": 0.0, "paced": CYCLE_MS / 1000.0}  # seconds between the cycles of each tape
CALIBRATIONS = {"plan": 4.0, "calibrated": 260.0}  # R of the book; its z is 5 bp/s in both


def observations() -> list[Json]:
    """drift: 200 observations of -5 bp/s with R = 4, then 50 of +5."""
    return [observe(-5.0, 4.0)] * AGREEING + [observe(5.0, 4.0)] * OPPOSING


def run_book(engine: Engine, tape: str, changes: Json) -> list[Frame]:
    """Replay a tape with phases 1 to 4 and 7, and further changes."""
    scenario = load_scenario("p_collapse_reversal")
    config = {**scenario.config, **WITH_BOOK, **changes}
    return replay(engine, scenario.tape(tape), config).frames


def drifts(frames: Sequence[Frame]) -> list[float]:
    """Drift of every cycle in bp/s."""
    return [frame.observation["drift_bps_per_s"] for frame in frames]


def expected_drifts(floor: float, variance: float, seconds: float) -> list[float]:
    """What 200 observations of -5 bp/s and 50 of +5 make of N(0, 50), ``seconds`` apart."""
    mean, p = 0.0, 50.0
    decay = math.exp(-0.02 * seconds)
    found = []
    for number in range(AGREEING + OPPOSING):
        if number > 0:
            mean *= decay
            p = decay * decay * p + 25.0 * (1.0 - decay * decay)
        gain = p / (p + variance)
        mean += gain * ((-5.0 if number < AGREEING else 5.0) - mean)
        p = max(floor, (1.0 - gain) * p)
        found.append(mean)
    return found


def turned_after(drifts: Sequence[float]) -> int | None:
    """Opposing observations until the sign turns; ``None`` if none of them turns it."""
    for number, drift in enumerate(drifts[AGREEING:], start=1):
        if drift > 0.0:
            return number
    return None


def demand_reversal(drifts: Sequence[float], floor: float) -> None:
    """With the floor the sign turns within three opposing observations, without it not in 50."""
    turned = turned_after(drifts)
    if floor >= FLOOR and (turned is None or turned > TURNS_WITHIN):
        raise ViolationError(f"with the floor the sign turns after {turned}, expected within 3")
    if floor == 0.0 and turned is not None:
        raise ViolationError(f"without a floor the sign turns after {turned}, expected not in 50")


def demand_quotes_turn(frames: Sequence[Frame], floor: float) -> None:
    """No bid rests under the bearish book; with the floor they are back within three cycles."""
    agreeing, opposing = frames[:AGREEING], frames[AGREEING:]
    if any(frame.observation["bids"] for frame in agreeing):
        raise ViolationError("bids rest under a book that has leant against them")
    if not all(frame.observation["asks"] for frame in agreeing):
        raise ViolationError("asks are gone under a book that leans towards them")
    back = [number for number, frame in enumerate(opposing, start=1) if frame.observation["bids"]]
    if floor >= FLOOR and (not back or back[0] > TURNS_WITHIN):
        raise ViolationError(f"bids are back after {back[:1]}, expected within 3")
    if floor == 0.0 and back:
        raise ViolationError(f"without a floor bids are back after {back[0]}, expected not in 50")


def demand_expected_drifts(drifts: Sequence[float], expected: Sequence[float]) -> None:
    """The drift of every cycle is the one worked out."""
    for number, (one, got) in enumerate(zip(expected, drifts, strict=True)):
        if not is_close(one, got):
            raise ViolationError(f"drift of cycle {number} is {got}, expected {one}")


def demand_in_the_quotes(engine: Engine) -> None:
    """Demand what shows in the quotes alone."""
    for floor in (FLOOR, 0.0):
        demand_quotes_turn(run_book(engine, "session", {"p_min": floor}), floor)


def demand_to_the_figure(engine: Engine) -> None:
    """Demand the drift of every cycle: with and without the floor, at an instant and paced."""
    for tape, seconds in PACES.items():
        for calibration, variance in CALIBRATIONS.items():
            for floor in (FLOOR, 0.0):
                changes = {"p_min": floor, "calibration": calibration}
                found = drifts(run_book(engine, tape, changes))
                demand_expected_drifts(found, expected_drifts(floor, variance, seconds))
                if tape == "session" and calibration == "plan":
                    demand_reversal(found, floor)
