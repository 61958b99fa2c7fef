"""What the Feb 19 session demands of an engine, at every reach of the aggressors.

Live, not merely absent: asks must rest, and a calm prelude must be quoted on both sides within 1 bp
of the common half-spread. A silent engine and a wide one fail for that.
"""

from __future__ import annotations

from collections.abc import Sequence

from quotemark import builtin
from quotemark.messages import Json
from quotemark.port import Engine
from quotemark.replay import Frame, Replay, replay
from quotemark.scenario import Scenario, load_scenario
from quotemark.suite.bench import ViolationError
from quotemark.suite.market import PHASES_1_TO_4, gates

DRIFT_LIMIT_BPS_PER_S = -3.0
POSITION_LIMIT = 0.5
PULLED_BACK_BPS = 3.0
THIRD_CYCLE = 2
LEAST_SHARE_WITH_ASKS = 0.95
PRELUDE_TOLERANCE_BPS = 1.0
ROUNDING = 1e-9

PHASE_1_ALONE = gates(1, variant="deployed")


def run_session(
    engine: Engine, gate_config: Json, reach_bps: float, changes: Json | None = None
) -> Replay:
    """Replay the session with the scenario's configuration, the gates and further changes."""
    scenario = load_scenario("feb19")
    return replay(
        engine,
        scenario.session,
        {**scenario.config, **gate_config, **(changes or {})},
        reach_bps=reach_bps,
        fill_price=scenario.fill_price,
    )


def run_prelude(engine: Engine, gate_config: Json) -> Replay:
    """Replay the two calm minutes before the session, with a fresh engine."""
    scenario = load_scenario("feb19")
    return replay(engine, scenario.tape("prelude"), {**scenario.config, **gate_config})


def demand_phases_1_to_4(engine: Engine) -> None:
    """Demand everything that is claimed of phases 1 to 4 on the session."""
    scenario = load_scenario("feb19")
    for reach_bps in scenario.reach_bps:
        run = run_session(engine, PHASES_1_TO_4, reach_bps)
        demand_asks(run)
        demand_no_bids_while_falling(run.frames)
        demand_small_loss_and_position(run, reach_bps)
    demand_calm_prelude(run_prelude(engine, PHASES_1_TO_4), scenario)


def demand_phase_1_alone(engine: Engine) -> None:
    """Demand everything that is claimed of phase 1 alone, beside the deployed baseline."""
    scenario = load_scenario("feb19")
    for reach_bps in scenario.reach_bps:
        run = run_session(engine, PHASE_1_ALONE, reach_bps)
        baseline = run_session(builtin.legacy_deployed(), {}, reach_bps)
        demand_asks(run)
        demand_bids_pulled_back(run.frames, baseline.frames)
        demand_small_loss_and_position(run, reach_bps)


def demand_asks(run: Replay) -> None:
    """Asks rest in at least 95 % of the cycles."""
    with_asks = sum(bool(frame.observation.get("asks")) for frame in run.frames)
    share = with_asks / len(run.frames)
    if share < LEAST_SHARE_WITH_ASKS:
        raise ViolationError(f"asks rest in {share:.1%} of cycles, expected at least 95 %")


def demand_no_bids_while_falling(frames: Sequence[Frame]) -> None:
    """No bid rests while the engine's own drift is below -3 bp/s."""
    for frame in frames:
        drift = frame.observation["drift_bps_per_s"]
        if drift < DRIFT_LIMIT_BPS_PER_S and frame.observation["bids"]:
            count = len(frame.observation["bids"])
            raise ViolationError(
                f"{count} bids rest at {frame.t_ms} at a drift of {drift:.2f} bp/s"
            )


def demand_small_loss_and_position(run: Replay, reach_bps: float) -> None:
    """|position| never above 0.5, and PnL not below 0."""
    largest = largest_position(run)
    if largest > POSITION_LIMIT + ROUNDING:
        raise ViolationError(
            f"|position| reaches {largest:.2f} at reach {reach_bps:g} bp, expected at most 0.5"
        )
    if run.account.net < 0.0:
        raise ViolationError(
            f"PnL is {run.account.net:+.3f} at reach {reach_bps:g} bp, expected >= 0"
        )


def demand_bids_pulled_back(frames: Sequence[Frame], baseline: Sequence[Frame]) -> None:
    """From the third cycle on, bids are gone or more than 3 bp deeper than the baseline's."""
    for frame, other in zip(frames[THIRD_CYCLE:], baseline[THIRD_CYCLE:], strict=True):
        bids, baseline_bids = frame.observation["bids"], other.observation["bids"]
        if not bids or not baseline_bids:
            continue
        deeper_bps = (baseline_bids[0]["price"] - bids[0]["price"]) / frame.mid * 1e4
        if deeper_bps <= PULLED_BACK_BPS:
            raise ViolationError(
                f"the bid at {frame.t_ms} is {deeper_bps:.2f} bp deeper than the baseline's,"
                " expected more than 3"
            )


def demand_calm_prelude(prelude: Replay, scenario: Scenario) -> None:
    """Both sides are quoted within 1 bp of the common half-spread, in every calm cycle."""
    half_spread_bps = scenario.config["base_half_spread_bps"]
    for frame in prelude.frames:
        for side in ("bids", "asks"):
            quotes = frame.observation.get(side)
            if not quotes:
                raise ViolationError(f"no {side} rest in the calm prelude at {frame.t_ms}")
            depth_bps = abs(quotes[0]["price"] - frame.mid) / frame.mid * 1e4
            if abs(depth_bps - half_spread_bps) > PRELUDE_TOLERANCE_BPS:
                raise ViolationError(
                    f"{side} rest {depth_bps:.2f} bp deep in the calm prelude, expected within"
                    f" 1 bp of {half_spread_bps} bp"
                )


def largest_position(run: Replay) -> float:
    """Largest |position| that any fill led to."""
    position = 0.0
    largest = 0.0
    for fill in run.fills:
        position += fill.size if fill.side == "buy" else -fill.size
        largest = max(largest, abs(position))
    return largest
