"""The incidents as checks; what each demands stands in the module named after it."""

from __future__ import annotations

from quotemark.messages import Json
from quotemark.scenario import load_scenario
from quotemark.suite import (
    feb19,
    feb19_all_phases,
    funding_extremes,
    inventory_80_percent,
    p_collapse_reversal,
)
from quotemark.suite.bench import Bench
from quotemark.suite.market import GATES, PHASES_1_TO_4
from quotemark.suite.register import check


@check("engine", "S-feb19", "E2E-01", "E2E-03", needs=("drift_bps_per_s",))
def feb19_with_phases_1_to_4(bench: Bench) -> None:
    """Feb 19 with phases 1 to 4, and the calm prelude, for every reach of the aggressors."""
    bench.require(1, 2, 3, 4)
    bench.demand_opened("engine", {**load_scenario("feb19").config, **PHASES_1_TO_4})
    feb19.demand_phases_1_to_4(bench.engine)


@check("engine", "S-feb19-phase-1", "E2E-03")
def feb19_with_phase_1_alone(bench: Bench) -> None:
    """Feb 19 with phase 1 alone, beside the baseline, for every reach of the aggressors."""
    bench.demand_opened("engine", {**load_scenario("feb19").config, **feb19.PHASE_1_ALONE})
    feb19.demand_phase_1_alone(bench.engine)


@check("engine", "S-feb19_all_phases", seconds=2.5, quick=False)
def feb19_with_all_phases(bench: Bench) -> None:
    """Feb 19 with all phases and a synthetic layer, in each of its forms and at four depths."""
    bench.require(*GATES)
    scenario = load_scenario(feb19_all_phases.SCENARIO)
    bench.demand_opened("engine", {**scenario.config, **feb19_all_phases.ALL_PHASES_CALIBRATED})
    feb19_all_phases.demand_everything_on(bench.engine)


@check("engine", "S-inventory_80_percent", "E2E-04", "E2E-05", "E2E-07")
def inventory_grows_to_the_limit(bench: Bench) -> None:
    """The inventory scenario's ladder of positions, long and short."""
    bench.require(1, 2, 3, 4)
    bench.demand_opened("engine", {**load_scenario("inventory_80_percent").config, **PHASES_1_TO_4})
    inventory_80_percent.demand_smooth_retreat(bench.engine)


@check("engine", "S-funding_extremes", "D-25")
def funding_goes_to_its_extremes(bench: Bench) -> None:
    """Funding from -0.3 % to 1.2 % an interval, long, short and flat, as the quotes show it."""
    _open(bench, "funding_extremes", funding_extremes.FUNDED)
    funding_extremes.demand_in_the_quotes(bench.engine)


@check(
    "engine",
    "S-funding_extremes",
    "D-23",
    "D-24",
    "D-45",
    needs=(
        "carry_bps",
        "drift_bps_per_s",
        "expected_pnl_bps",
        "funding_skew_bps",
        "funding_zscore",
        "half_spreads_bps",
        "touch_depths_bps",
    ),
    seconds=1.5,
    quick=False,
)
def funding_extremes_to_the_figure(bench: Bench) -> None:
    """Carry, z-scores from -5 to 5, drift, lean and expected PnL, and a feed that stops."""
    _open(bench, "funding_extremes", funding_extremes.FUNDED)
    funding_extremes.demand_to_the_figure(bench.engine)


@check("drift", "S-p_collapse_reversal", "D-31")
def the_filter_turns(bench: Bench) -> None:
    """200 observations of -5 bp/s at one instant, then +5, with and without the floor."""
    for floor in (p_collapse_reversal.FLOOR, 0.0):
        seen = bench.observe("drift", p_collapse_reversal.observations(), {"p_min": floor})
        drifts = [observed["drift_bps_per_s"] for observed in seen]
        p_collapse_reversal.demand_reversal(drifts, floor)


@check("engine", "S-p_collapse_reversal", "D-31")
def the_book_turns(bench: Bench) -> None:
    """A book that leans one way for 200 cycles and then the other: bids go, and come back."""
    _open(bench, "p_collapse_reversal", p_collapse_reversal.WITH_BOOK)
    p_collapse_reversal.demand_in_the_quotes(bench.engine)


@check("engine", "S-p_collapse_reversal", "D-31", needs=("drift_bps_per_s",))
def the_book_turns_to_the_figure(bench: Bench) -> None:
    """The drift of every cycle: with and without the floor, at an instant and at the real pace."""
    _open(bench, "p_collapse_reversal", p_collapse_reversal.WITH_BOOK)
    p_collapse_reversal.demand_to_the_figure(bench.engine)


def _open(bench: Bench, scenario: str, phases: Json) -> None:
    """Open a session as the scenario will, so that what the engine lacks is said as such."""
    bench.demand_opened("engine", {**load_scenario(scenario).config, **phases})
