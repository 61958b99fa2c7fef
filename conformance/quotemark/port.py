"""The port: what an engine offers the harness, whatever it is written in.

Three calls serve every component, from a single filter to the whole quote cycle. The transports in
``adapters`` bring an engine in another process or another language behind the same interface.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from quotemark.messages import Answer, CloseAnswer, Identity, Json, OpenAnswer


class Engine(Protocol):
    """An engine under the harness. Sessions are independent of one another."""

    def initialize(self) -> Identity:
        """Say what the engine is and what it offers."""

    def open(self, session: str, component: str, config: Json, seed: int) -> OpenAnswer:
        """Open a session and answer with its effective configuration."""

    def apply(self, session: str, steps: Sequence[Json]) -> list[Answer]:
        """Apply steps in order; one answer a step."""

    def close(self, session: str) -> CloseAnswer:
        """End a session."""

    def shutdown(self) -> None:
        """End the engine. Nothing follows."""
