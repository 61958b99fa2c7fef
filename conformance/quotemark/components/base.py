"""What the component sessions share: their shape, and the time of a session."""

from __future__ import annotations

from dataclasses import asdict
from typing import Generic, Protocol

from quotemark.messages import Json, Step
from quotemark_reference.config import AnyConfig, make_config
from quotemark_reference.drift import Observation
from quotemark_reference.errors import TimeReversedError, UnknownFieldError


class Component(Protocol):
    """One open session of a component."""

    def __init__(self, config: Json) -> None: ...

    def effective_config(self) -> Json:
        """Configuration in canonical names and units."""

    def apply(self, step: Step) -> Json:
        """Apply a step and answer with its observation."""


class ConfiguredComponent(Generic[AnyConfig]):
    """A component that one of the reference's configurations configures."""

    def __init__(self, kind: type[AnyConfig], config: Json) -> None:
        self._config: AnyConfig = make_config(kind, config)

    def effective_config(self) -> Json:
        """Configuration in canonical names and units."""
        return asdict(self._config)


class FormulaComponent:
    """A component without configuration: each step is one evaluation."""

    def __init__(self, config: Json) -> None:
        if config:
            raise UnknownFieldError(f"config key {next(iter(config))!r} is unknown; none is known")

    def effective_config(self) -> Json:
        """Return the empty configuration."""
        return {}


class Clock:
    """Time of a session, which never runs backwards (D-03)."""

    def __init__(self) -> None:
        self._time_ms: int | None = None

    def advance(self, t_ms: int) -> None:
        """Move to ``t_ms``; raises :class:`TimeReversedError` for an earlier time."""
        if self._time_ms is not None and t_ms < self._time_ms:
            raise TimeReversedError(f"t_ms is {t_ms}, expected at least {self._time_ms}")
        self._time_ms = t_ms


def drift_observation_fields(observation: Observation | None) -> Json:
    """Fields of a drift observation; both are null where there is none."""
    z_bps_per_s, variance = observation or (None, None)
    return {"z_bps_per_s": z_bps_per_s, "variance": variance}
