"""What Feb 19 with everything on demands of an engine, at every form and depth of the layer.

The record holds no book, no other market, no funding and no trades of others; a synthetic layer
brings them. With calibrated sources none of it may undo the protection of phases 1 to 4. With the
plan's constants it does: :mod:`quotemark.sensitivity` shows how, and nothing is demanded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise

from quotemark.messages import Json
from quotemark.port import Engine
from quotemark.replay import Frame, Replay, replay
from quotemark.scenario import load_scenario
from quotemark.suite import feb19
from quotemark.suite.bench import ViolationError
from quotemark.suite.market import ALL_PHASES, PHASES_1_TO_4

SCENARIO = "feb19_all_phases"
DEPTHS_USD = (20_000.0, 100_000.0, 500_000.0, 1_000_000.0)
CALM_LAYER = "neutral"

PHASES_1_TO_4_CALIBRATED = {**PHASES_1_TO_4, "calibration": "calibrated"}
ALL_PHASES_CALIBRATED = {**ALL_PHASES, "calibration": "calibrated"}


def run_session(
    engine: Engine, config: Json, layer: str, depth_usd: float, reach_bps: float = 0.0
) -> Replay:
    """Replay the session with a layer, its books at ``depth_usd`` within 10 bp of mid."""
    scenario = load_scenario(SCENARIO)
    return replay(
        engine,
        scenario.session,
        {**scenario.config, **config},
        layer=scenario.layer(layer, depth_usd),
        reach_bps=reach_bps,
        fill_price=scenario.fill_price,
    )


def run_prelude(engine: Engine, config: Json, depth_usd: float) -> Replay:
    """Replay the two calm minutes before the session, in a calm market of that depth."""
    scenario = load_scenario(SCENARIO)
    return replay(
        engine,
        scenario.tape("prelude"),
        {**scenario.config, **config},
        layer=scenario.layer(CALM_LAYER, depth_usd),
    )


def demand_everything_on(engine: Engine) -> None:
    """Demand everything that is claimed of all phases with calibrated sources."""
    scenario = load_scenario(SCENARIO)
    for layer in scenario.layers:
        for reach_bps in scenario.reach_bps:
            fewer = run_session(
                engine, PHASES_1_TO_4_CALIBRATED, layer, scenario.layer_depth_usd, reach_bps
            )
            for depth_usd in DEPTHS_USD:
                with _of(f"{layer} layer at {depth_usd:,.0f} USD"):
                    run = run_session(engine, ALL_PHASES_CALIBRATED, layer, depth_usd, reach_bps)
                    demand_every_step_taken(run)
                    feb19.demand_asks(run)
                    feb19.demand_small_loss_and_position(run, reach_bps)
                    demand_bids_pulled_as_early(run.frames, fewer.frames)
    for depth_usd in DEPTHS_USD:
        with _of(f"calm market of {depth_usd:,.0f} USD"):
            prelude = run_prelude(engine, ALL_PHASES_CALIBRATED, depth_usd)
            feb19.demand_calm_prelude(prelude, scenario)


def demand_every_step_taken(run: Replay) -> None:
    """No step is refused: everything is on, and everything is read."""
    if set(run.answers) != {"ok"}:
        raise ViolationError(f"steps are answered {dict(run.answers)}, expected all ok")


def demand_bids_pulled_as_early(frames: Sequence[Frame], fewer: Sequence[Frame]) -> None:
    """Bids go at most a cycle later than those of phases 1 to 4 (``fewer``)."""
    for (before, same), frame in zip(pairwise(fewer), frames[1:], strict=True):
        bids = frame.observation["bids"]
        if bids and not before.observation["bids"] and not same.observation["bids"]:
            raise ViolationError(
                f"{len(bids)} bids rest at {frame.t_ms}, a cycle after phases 1 to 4 pulled theirs"
            )


@contextmanager
def _of(what: str) -> Iterator[None]:
    """Say of which replay a violation is."""
    try:
        yield
    except ViolationError as violation:
        raise ViolationError(f"{what}: {violation}") from None
