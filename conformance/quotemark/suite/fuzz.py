"""Differential fuzz as checks: every component, and the quote cycle, by volume and step by step."""

from __future__ import annotations

from quotemark.fuzz.components import MAKERS
from quotemark.fuzz.volume import agree_on_cases, share_of
from quotemark.suite.bench import Bench, Check
from quotemark.suite.market import GATES
from quotemark.suite.register import check

PARTS = 4
"""Parts of the quote cycle's volume, so that workers can share it."""
CASES_APART = 1_000_000
CONFIGURED_SHARE = 20
"""The quote cycle as it was configured gets a step more for so many of volume."""

STEPS_PER_EXAMPLE = {"engine": 8_000}
"""Steps of volume for each example of the search; fewer where more is to be found."""
USUAL_STEPS_PER_EXAMPLE = 40_000
STEPS_OF_AN_EXAMPLE = 15


def _volume(component: str, part: int, parts: int) -> Check:
    def agrees_on_seeded_volume(bench: Bench) -> None:
        steps = share_of(component, bench.fuzz_steps) // parts
        agree_on_cases(bench, component, steps, first=part * CASES_APART)

    number = f"_{part + 1}" if parts > 1 else ""
    agrees_on_seeded_volume.__name__ = f"{component}_agrees_on_seeded_volume{number}"
    agrees_on_seeded_volume.__doc__ = (
        f"Seeded cases of {component}, each of a configuration of its own, as a market makes them"
        " and as it doesn't: every declared field is the reference's."
    )
    return agrees_on_seeded_volume


def _search(component: str) -> Check:
    def agrees_step_by_step(bench: Bench) -> None:
        from quotemark.fuzz.stateful import search  # noqa: PLC0415 - Hypothesis loads slowly

        steps_per_example = STEPS_PER_EXAMPLE.get(component, USUAL_STEPS_PER_EXAMPLE)
        search(bench, component, 1 + bench.fuzz_steps // steps_per_example, STEPS_OF_AN_EXAMPLE)

    agrees_step_by_step.__name__ = f"{component}_agrees_step_by_step"
    agrees_step_by_step.__doc__ = (
        f"Hypothesis searches for a session of {component} in which a declared field is not the"
        " reference's, and shrinks it."
    )
    return agrees_step_by_step


@check("engine", "A-engine", seconds=1.0)
def engine_agrees_as_configured(bench: Bench) -> None:
    """Seeded cases of the quote cycle as it was configured, under gates of every kind."""
    gates = GATES.values()
    config = {key: value for key, value in bench.config.items() if key not in gates}
    steps = bench.fuzz_steps // CONFIGURED_SHARE
    agree_on_cases(bench, "engine", steps, PARTS * CASES_APART, config)


for _component in MAKERS:
    check(_component, f"A-{_component}", seconds=0.5)(_volume(_component, 0, 1))
    check(_component, f"A-{_component}")(_search(_component))
for _part in range(PARTS):
    check("engine", "A-engine", seconds=3.0)(_volume("engine", _part, PARTS))
check("engine", "A-engine")(_search("engine"))
