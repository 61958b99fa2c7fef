"""The sensitivity table of Feb 19 with everything on: by calibration, form of the layer and depth.

Recomputed from tape and layers each time, with the reference. Nothing is claimed of the rows with
the plan's constants; they are shown as they come out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec import Struct

from quotemark.builtin import reference
from quotemark.messages import Json
from quotemark.replay import Replay
from quotemark.scenario import load_scenario
from quotemark.suite import feb19_all_phases
from quotemark.suite.feb19 import largest_position
from quotemark.suite.market import ALL_PHASES, PHASES_1_TO_4

CALIBRATIONS = ("calibrated", "plan")
PHASES: tuple[tuple[str, Json], ...] = (("1-4", PHASES_1_TO_4), ("1-8", ALL_PHASES))


class SensitivityRow(Struct, frozen=True):
    """One replay of the reference: when its bids went, and what it ended with.

    ``depth_usd`` is ``None`` where no phase that is on reads the book; ``bids_first_gone_ms``, the
    first cycle without bids, is where each has some. ``fills`` counts prints that filled.
    """

    calibration: str
    layer: str
    phases: str
    depth_usd: float | None
    lowest_drift_bps_per_s: float
    bids_first_gone_ms: int | None
    cycles: int
    cycles_with_bids: int
    fills: int
    position: float
    largest_position: float
    net: float


def sensitivity_rows(
    reach_bps: float = 0.0, progress: Callable[[str], None] = lambda row: None
) -> Iterator[SensitivityRow]:
    """Replay every row, for aggressors reaching ``reach_bps`` further than recorded."""
    scenario = load_scenario(feb19_all_phases.SCENARIO)
    for calibration in CALIBRATIONS:
        for layer in scenario.layers:
            progress(f"{calibration}, {layer}")
            for phases, gates in PHASES:
                config = {**gates, "calibration": calibration}
                depths = feb19_all_phases.DEPTHS_USD if phases == "1-8" else (None,)
                for depth_usd in depths:
                    run = feb19_all_phases.run_session(
                        reference(),
                        config,
                        layer,
                        depth_usd or scenario.layer_depth_usd,
                        reach_bps,
                    )
                    yield _row(run, calibration, layer, phases, depth_usd)


def _row(
    run: Replay, calibration: str, layer: str, phases: str, depth_usd: float | None
) -> SensitivityRow:
    without_bids = [frame.t_ms for frame in run.frames if not frame.observation["bids"]]
    return SensitivityRow(
        calibration=calibration,
        layer=layer,
        phases=phases,
        depth_usd=depth_usd,
        lowest_drift_bps_per_s=min(frame.observation["drift_bps_per_s"] for frame in run.frames),
        bids_first_gone_ms=without_bids[0] if without_bids else None,
        cycles=len(run.frames),
        cycles_with_bids=len(run.frames) - len(without_bids),
        fills=len({fill.trade_id for fill in run.fills}),
        position=run.account.position,
        largest_position=largest_position(run),
        net=run.account.net,
    )
