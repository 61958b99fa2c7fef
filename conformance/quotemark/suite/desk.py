"""A desk: one session with the engine, told step by step; and what step definitions share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from quotemark.messages import Json, Ok, Opened, Unsupported
from quotemark.port import Engine
from quotemark.suite.bench import ViolationError
from quotemark.suite.market import MID, cycle, gates

TICK_BPS = 0.1  # of a mid of 100 at a tick of 0.001
SIDES = {"bid": "bids", "ask": "asks", "bids": "bids", "asks": "asks"}


class Desk:
    """One session with the engine: what happened so far and what it quoted."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._fields = engine.initialize().fields.get("engine", [])
        self._config: Json = {"tick_size": 0.001}
        self._steps: list[Json] = []
        self.t_ms = 0
        self.mid = MID
        self.quotes: list[Json] = []

    def switch_on(self, phases: Sequence[int], variant: str = "documented") -> None:
        """Choose the gates of the session."""
        needs_phases(self._engine, *phases)
        self._config |= gates(*phases, variant=variant)

    def configure(self, **changes: object) -> None:
        """Change the configuration of the session."""
        self._config |= changes

    def happen(self, *steps: Json) -> None:
        """Let steps happen at the session's time."""
        self._steps += [{**step, "t_ms": self.t_ms} for step in steps]

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.t_ms += round(seconds * 1000.0)

    def move(self, bps: float) -> None:
        """Move the mid, by a simple return."""
        self.mid *= 1.0 + bps / 1e4

    def quote(self) -> None:
        """Let the engine quote, and see what it quoted so far."""
        self.happen(cycle(0, self.mid))
        self.see()

    def see(self) -> None:
        """Run the session as it was told so far."""
        self.quotes = self._observations(self._steps)

    def calm(self) -> Json:
        """What a fresh session quotes, of the same configuration and time, without any event."""
        return self._observations([cycle(self.t_ms, self.mid)])[0]

    def without(self, kind: str) -> Json:
        """What the same session quotes last without any step of ``kind``."""
        return self._observations([step for step in self._steps if step["step"] != kind])[-1]

    def changed(self, **changes: object) -> list[Json]:
        """What the same session quotes under a changed configuration."""
        kept, self._config = self._config, {**self._config, **changes}
        quotes = self._observations(self._steps)
        self._config = kept
        return quotes

    def figure(self, name: str) -> Any:  # noqa: ANN401 - as the engine gives it
        """An inner figure of the last quotes."""
        return self.figures(name)[-1]

    def figures(self, name: str) -> list[Any]:
        """An inner figure of all quotes."""
        if name not in self._fields:
            pytest.skip(f"the engine does not declare {name}")
        return [quotes[name] for quotes in self.quotes]

    def heard(self, source: str) -> list[Json]:
        """Observations of a source in the last cycle: of the filter's, or of its composite's."""
        found = [*self.figure("drift_observations"), *self.figure("composite_parts")]
        return [said for said in found if said["source"] == source]

    def _observations(self, steps: Sequence[Json]) -> list[Json]:
        opened = self._engine.open("feature", "engine", self._config, 0)
        if isinstance(opened, Unsupported):
            pytest.skip(f"the engine does not support this: {opened.reason}")
        assert isinstance(opened, Opened), opened
        answers = self._engine.apply("feature", steps)
        self._engine.close("feature")
        observations = []
        for step, answer in zip(steps, answers, strict=True):
            assert isinstance(answer, Ok), (step, answer)
            if step["step"] == "cycle":
                observations.append(answer.observation)
        return observations


def component_observations(
    engine: Engine, component: str, steps: Sequence[Json], config: Json | None = None
) -> list[Json]:
    """Observations of a component's session of its own, in which every step is taken."""
    needs_component(engine, component)
    opened = engine.open("component", component, config or {}, 0)
    assert isinstance(opened, Opened), opened
    answers = engine.apply("component", steps)
    engine.close("component")
    observations = []
    for step, answer in zip(steps, answers, strict=True):
        assert isinstance(answer, Ok), (step, answer)
        observations.append(answer.observation)
    return observations


def needs_component(engine: Engine, component: str) -> None:
    """Skip the scenario where the engine does not offer the component it rests on."""
    if component not in engine.initialize().components:
        pytest.skip(f"component {component} is not offered")


def needs_fields(engine: Engine, component: str, *names: str) -> None:
    """Skip the scenario where the engine does not declare the fields it rests on."""
    declared = engine.initialize().fields.get(component, [])
    missing = [name for name in names if name not in declared]
    if missing:
        pytest.skip(f"the engine does not declare {', '.join(missing)}")


def needs_phases(engine: Engine, *phases: int) -> None:
    """Skip the scenario where the quote cycle does not have the phases it switches on."""
    needs_component(engine, "engine")
    missing = sorted(set(phases) - set(engine.initialize().phases))
    if missing:
        pytest.skip(f"phase {missing[0]} is not in this engine")


def reads(value: float, text: str) -> bool:
    """Whether a figure reads as ``text``: to its last decimal, or to 1e-6 where it has none."""
    decimals = len(text.partition(".")[2])
    allowed = 0.5 * 10.0**-decimals if decimals else 1e-6
    return abs(value - float(text)) <= allowed * (1.0 + 1e-6)


def depth_bps(quotes: Json, side: str, mid: float = MID) -> float:
    """Depth of the touch of a side in bp of mid."""
    levels = quotes[SIDES[side]]
    assert levels, f"no {SIDES[side]} rest"
    touch: float = levels[0]["price"]
    return abs(touch - mid) / mid * 1e4


def numbers(text: str) -> list[int]:
    """Whole numbers of an enumeration such as ``1, 2 and 3``."""
    return [int(word) for word in text.replace("and", ",").replace(" ", "").split(",") if word]


def holds(demand: Callable[..., None], *arguments: object) -> None:
    """Let a demand of the suite speak for a step."""
    try:
        demand(*arguments)
    except ViolationError as violation:
        pytest.fail(str(violation), pytrace=False)
