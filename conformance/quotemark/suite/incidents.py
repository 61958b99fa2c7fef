"""The incidents as checks; what each demands stands in the module named after it."""

from __future__ import annotations

from quotemark.scenario import load_scenario
from quotemark.suite import feb19, inventory_80_percent
from quotemark.suite.bench import Bench
from quotemark.suite.register import check


@check("engine", "S-feb19", "E2E-01", "E2E-03", needs=("drift_bps_per_s",))
def feb19_with_phases_1_to_4(bench: Bench) -> None:
    """Feb 19 with phases 1 to 4, and the calm prelude, for every reach of the aggressors."""
    bench.require(1, 2, 3, 4)
    feb19.demand_phases_1_to_4(bench.engine)


@check("engine", "S-feb19-phase-1", "E2E-03")
def feb19_with_phase_1_alone(bench: Bench) -> None:
    """Feb 19 with phase 1 alone, beside the baseline, for every reach of the aggressors."""
    bench.demand_opened("engine", {**load_scenario("feb19").config, **feb19.PHASE_1_ALONE})
    feb19.demand_phase_1_alone(bench.engine)


@check("engine", "S-inventory_80_percent", "E2E-04", "E2E-05", "E2E-07")
def inventory_grows_to_the_limit(bench: Bench) -> None:
    """The inventory scenario's ladder of positions, long and short."""
    bench.require(1, 2, 3, 4)
    inventory_80_percent.demand_smooth_retreat(bench.engine)
