"""Engines made of components in this process, and the reference as one: just another engine."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import cast

import quotemark_reference
from quotemark import __version__, messages
from quotemark.components import COMPONENTS
from quotemark.components.base import Component
from quotemark.messages import (
    Answer,
    CloseAnswer,
    Closed,
    Identity,
    Json,
    Ok,
    OpenAnswer,
    Opened,
    Rejected,
    RejectionCode,
    component_fields,
)
from quotemark.steps import StepError, parse_step, untagged
from quotemark_reference.config import EngineConfig
from quotemark_reference.errors import RejectedError

PHASES = (1, 2, 3, 4, 5, 6, 7, 8)
REFERENCE_FOLDER = Path(quotemark_reference.__file__).parent


class ComponentEngine:
    """Sessions of components in this process, whatever they compute with.

    ``source`` is the folder of the engine's Python source, which is its identity.
    """

    def __init__(
        self,
        name: str,
        components: Mapping[str, type[Component]],
        source: Path,
        fixed_config: Json | None = None,
    ) -> None:
        self._name = name
        self._components = components
        self._source = source
        self._fixed_config = fixed_config or {}
        self._sessions: dict[str, tuple[str, Component]] = {}

    def initialize(self) -> Identity:
        """Say what the engine is and what it offers."""
        return Identity(
            protocol=messages.PROTOCOL_VERSION,
            name=self._name,
            version=__version__,
            digest=source_digest(self._source),
            phases=list(PHASES),
            components=list(self._components),
            fields={name: list(component_fields(name)) for name in self._components},
            clock="injected",
        )

    def open(self, session: str, component: str, config: Json, seed: int) -> OpenAnswer:
        """Open a session; ``seed`` is taken for the contract's sake, nothing here is random."""
        del seed
        if component not in self._components:
            known = ", ".join(self._components)
            return Rejected("unknown_component", f"component is {component!r}, known are {known}")
        if session in self._sessions:
            return Rejected("duplicate", f"session {session!r} is open already")
        try:
            given = {key: untagged(value) for key, value in config.items()}
            opened = self._components[component]({**given, **self._fixed_config})
        except RejectedError as error:
            return _rejection(error)
        self._sessions[session] = (component, opened)
        return Opened(opened.effective_config())

    def apply(self, session: str, steps: Sequence[Json]) -> list[Answer]:
        """Apply steps in order; one answer a step."""
        if session not in self._sessions:
            return [Rejected("not_open", f"session {session!r} is not open") for _ in steps]
        component, opened = self._sessions[session]
        return [_answer(component, opened, step) for step in steps]

    def close(self, session: str) -> CloseAnswer:
        """End a session."""
        if self._sessions.pop(session, None) is None:
            return Rejected("not_open", f"session {session!r} is not open")
        return Closed()

    def shutdown(self) -> None:
        """End all sessions."""
        self._sessions.clear()


class BuiltinEngine(ComponentEngine):
    """The reference, or a variant of it that fixes some configuration and offers fewer pieces."""

    def __init__(
        self,
        name: str = "reference",
        *,
        components: Sequence[str] = tuple(COMPONENTS),
        fixed_config: Json | None = None,
    ) -> None:
        offered = {component: COMPONENTS[component] for component in components}
        super().__init__(name, offered, REFERENCE_FOLDER, fixed_config)


def _answer(name: str, component: Component, raw: Json) -> Answer:
    try:
        return Ok(component.apply(parse_step(name, raw)))
    except RejectedError as error:
        return _rejection(error)
    except StepError as error:
        return error.rejection


def _rejection(error: RejectedError) -> Rejected:
    return Rejected(cast("RejectionCode", error.code), str(error))


def source_digest(folder: Path) -> str:
    """Digest of the Python source in ``folder``."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.py")):
        digest.update(path.read_bytes())
    return f"sha256:{digest.hexdigest()}"


def reference_digest() -> str:
    """Digest of the reference's source."""
    return source_digest(REFERENCE_FOLDER)


LEGACY_GATES = {spec.name: False for spec in fields(EngineConfig) if "phase" in spec.metadata}


def reference() -> BuiltinEngine:
    """Make the reference as an engine."""
    return BuiltinEngine()


def legacy_deployed() -> BuiltinEngine:
    """Make the baseline of Feb 19 as the record shows it (D-39)."""
    return _legacy("deployed")


def legacy_documented() -> BuiltinEngine:
    """Make the baseline as the plan's table describes it (D-39)."""
    return _legacy("documented")


def _legacy(variant: str) -> BuiltinEngine:
    return BuiltinEngine(
        f"legacy:{variant}",
        components=("engine",),
        fixed_config={**LEGACY_GATES, "legacy_variant": variant},
    )
