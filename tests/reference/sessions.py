"""Sessions of the reference behind the port, as a harness would open them."""

from __future__ import annotations

from typing import Any

from quotemark.builtin import BuiltinEngine
from quotemark.messages import Json, Ok, Opened, Rejected

CYCLE_MS = 6450
MID = 100.0
Q_MAX = 8.57

ALL_PHASES = {"use_epnl_filter": True, "use_book_features": True, "use_tape_features": True}
"""Gates that default to off; the others default to on."""

Observation = tuple[float, float]
"""z in bp/s and its variance R in (bp/s)^2."""


class Session:
    """An open session of one component; every step must be taken."""

    def __init__(self, component: str, **config: object) -> None:
        self._engine = BuiltinEngine()
        opened = self._engine.open("s", component, config, 0)
        assert isinstance(opened, Opened), opened
        self.config = opened.config

    def step(self, kind: str, **values: object) -> Json:
        """Apply a step and answer with its observation."""
        (answer,) = self._engine.apply("s", [{"step": kind, **values}])
        assert isinstance(answer, Ok), answer
        return answer.observation

    def attempt(self, kind: str, **values: object) -> Json | None:
        """Apply a step and answer with its observation, or with None where it is rejected."""
        (answer,) = self._engine.apply("s", [{"step": kind, **values}])
        return answer.observation if isinstance(answer, Ok) else None

    def rejection(self, kind: str, **values: object) -> str:
        """Apply a step that must be rejected and answer with the code."""
        (answer,) = self._engine.apply("s", [{"step": kind, **values}])
        assert isinstance(answer, Rejected), answer
        return answer.code


def open_rejection(component: str, **config: object) -> str:
    """Code with which a configuration is rejected."""
    answer = BuiltinEngine().open("s", component, config, 0)
    assert isinstance(answer, Rejected), answer
    return answer.code


def observed(reading: Json) -> Observation:
    """The drift observation that a component's reading holds."""
    z, variance = reading["z_bps_per_s"], reading["variance"]
    assert z is not None
    assert variance is not None
    return z, variance


def silent(reading: Json) -> bool:
    """Whether a component's reading holds no drift observation, which is said by both fields."""
    z, variance = reading["z_bps_per_s"], reading["variance"]
    assert (z is None) == (variance is None)
    return z is None


def posterior(mean: float, variance: float, *observations: Observation) -> Observation:
    """Mean and variance after Gaussian observations, by adding precisions."""
    precision = 1.0 / variance + sum(1.0 / r for _, r in observations)
    weighted = mean / variance + sum(z / r for z, r in observations)
    return weighted / precision, 1.0 / precision


def drift_at(mean: float, variance: float, **config: object) -> Session:
    """A drift filter brought to a mean and a variance by one observation; the floor is off."""
    drift = Session("drift", **{"prior_variance": 2.0 * variance, "p_min": 0.0, **config})
    drift.step("observe", z_bps_per_s=2.0 * mean, variance=2.0 * variance)
    return drift


def drift_after(mean: float, variance: float, *observations: Observation) -> float:
    """Drift after the component ``drift`` at a mean and variance takes observations."""
    drift = drift_at(mean, variance)
    answers = [
        drift.step("observe", z_bps_per_s=z, variance=r)["drift_bps_per_s"] for z, r in observations
    ]
    return float(answers[-1])


def engine(**config: object) -> Session:
    """An engine with the expected PnL filter on and the floor of P off, but for ``config``."""
    return Session("engine", **{"use_epnl_filter": True, "p_min": 0.0, **config})


def by_source(cycle: Json) -> dict[str, Observation]:
    """Drift observations of a cycle, by their source; no source may come twice."""
    observations: list[dict[str, Any]] = cycle["drift_observations"]
    sources = {one["source"]: (one["z_bps_per_s"], one["variance"]) for one in observations}
    assert len(sources) == len(observations)
    return sources


def part_of(cycle: Json) -> dict[str, Observation]:
    """Parts of a cycle's composite, by their source."""
    parts: list[dict[str, Any]] = cycle["composite_parts"]
    return {one["source"]: (one["z_bps_per_s"], one["variance"]) for one in parts}
