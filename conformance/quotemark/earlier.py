"""An engine without the past, beside its earlier build, which has it.

``ENGINE else EARLIER`` asks ``EARLIER`` for the sessions alone that need a way back, and that
``ENGINE`` does not support. So a team that has left its old code behind proves its rollback with
the build that it would go back to.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from quotemark.errors import InputError
from quotemark.messages import Answer, CloseAnswer, Identity, Json, OpenAnswer, Unsupported
from quotemark.port import Engine
from quotemark.stdio import StdioEngine
from quotemark.suite.market import needs_legacy


class WithEarlierBuild:
    """An engine, and its earlier build for what needs the past."""

    def __init__(self, engine: Engine, earlier: Engine) -> None:
        self._engine = engine
        self._earlier = earlier
        self._at_earlier: set[str] = set()

    def initialize(self) -> Identity:
        """Say what the engine is; its version names the earlier build too.

        Raises :class:`InputError` where the builds show different fields of the quote cycle.
        """
        now, before = self._engine.initialize(), self._earlier.initialize()
        _demand_same_fields(now, before)
        version = f"{now.version} else {before.name} {before.version} {before.digest}"
        return replace(now, version=version)

    def open(self, session: str, component: str, config: Json, seed: int) -> OpenAnswer:
        """Open a session; one that needs the past where the engine has it not, earlier."""
        answer = self._engine.open(session, component, config, seed)
        if isinstance(answer, Unsupported) and component == "engine" and needs_legacy(config):
            self._at_earlier.add(session)
            return self._earlier.open(session, component, config, seed)
        return answer

    def apply(self, session: str, steps: Sequence[Json]) -> list[Answer]:
        """Apply steps in order; one answer a step."""
        return self._of(session).apply(session, steps)

    def close(self, session: str) -> CloseAnswer:
        """End a session."""
        engine = self._of(session)
        self._at_earlier.discard(session)
        return engine.close(session)

    def shutdown(self) -> None:
        """End both builds."""
        try:
            self._engine.shutdown()
        finally:
            self._earlier.shutdown()

    def abort(self) -> None:
        """Kill the processes of both, whichever thread waits for them."""
        for one in (self._engine, self._earlier):
            if isinstance(one, StdioEngine):
                one.abort()

    def _of(self, session: str) -> Engine:
        return self._earlier if session in self._at_earlier else self._engine


def _demand_same_fields(now: Identity, before: Identity) -> None:
    shown, were_shown = set(now.fields.get("engine", [])), set(before.fields.get("engine", []))
    if shown != were_shown:
        differing = ", ".join(sorted(shown ^ were_shown))
        raise InputError(
            f"{before.name} {before.version}: fields of component engine are not those of"
            f" {now.name} {now.version}, expected the same; only one of them has {differing}"
        )
