"""What growing inventory demands of an engine, from flat to the limit, long and short."""

from __future__ import annotations

from quotemark.messages import Json
from quotemark.port import Engine
from quotemark.replay import Frame, Replay, replay
from quotemark.scenario import load_scenario
from quotemark.suite.bench import ViolationError
from quotemark.suite.market import PHASES_1_TO_4

BOUNDARIES = ((0.5999, 0.6001), (0.7999, 0.8001))
TICK = 0.001


def run_positions(engine: Engine, tape: str, gate_config: Json) -> dict[float, Frame]:
    """Replay a tape; frames by share of the limit, rounded to 0.01 %."""
    scenario = load_scenario("inventory_80_percent")
    run: Replay = replay(
        engine,
        scenario.tape(tape),
        {**scenario.config, **gate_config},
        tape_fills=scenario.tape_fills,
    )
    limit = scenario.config["max_position"]
    return {round(abs(frame.position) / limit, 4): frame for frame in run.frames}


def demand_smooth_retreat(engine: Engine) -> None:
    """Demand everything that is claimed of phases 1 to 4, long and short."""
    for tape, accumulating, reducing in (("session", "bids", "asks"), ("short", "asks", "bids")):
        frames = run_positions(engine, tape, PHASES_1_TO_4)
        for share in (0.0, 0.3):
            demand_resting(frames, share, "bids")
            demand_resting(frames, share, "asks")
        for share in (0.7, 0.7999, 0.8001, 0.99, 1.0):
            demand_empty(frames, share, accumulating)
        for share in frames:
            demand_resting(frames, share, reducing)
        for below, above in BOUNDARIES:
            demand_no_jump(frames[below], frames[above], below)


def demand_resting(frames: dict[float, Frame], share: float, side: str) -> None:
    """Levels rest on ``side`` at ``share`` of the limit."""
    if not frames[share].observation[side]:
        raise ViolationError(f"no {side} rest at {share:.0%} of the limit")


def demand_empty(frames: dict[float, Frame], share: float, side: str) -> None:
    """No level rests on ``side`` at ``share`` of the limit."""
    quotes = frames[share].observation[side]
    if quotes:
        raise ViolationError(
            f"{len(quotes)} {side} rest at {share:.0%} of the limit, expected none"
        )


def demand_no_jump(below: Frame, above: Frame, share: float) -> None:
    """Across a boundary no level comes or goes, moves by more than a tick, or is resized."""
    found = jumps(below, above)
    if found:
        raise ViolationError(f"{', '.join(found)} jump across {share:.0%} of the limit")


def jumps(below: Frame, above: Frame) -> list[str]:
    """Everything that jumps between two frames, such as ``sizes of asks``."""
    found = []
    for side in ("bids", "asks"):
        before, after = below.observation[side], above.observation[side]
        if len(before) != len(after):
            found.append(f"levels of {side}")
        pairs = list(zip(before, after, strict=False))
        if any(abs(one["price"] - other["price"]) > 1.5 * TICK for one, other in pairs):
            found.append(f"prices of {side}")
        if any(abs(one["size"] - other["size"]) > 0.01 * one["size"] for one, other in pairs):
            found.append(f"sizes of {side}")
    return found
