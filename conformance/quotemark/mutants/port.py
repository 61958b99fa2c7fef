"""Engines whose figures are right, and who are no good at the port all the same."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Sequence

from quotemark.builtin import BuiltinEngine
from quotemark.messages import Answer, Json, Ok
from quotemark.mutants.base import Mutant

NOISE = 1e-15
"""Relative: a millionth of what a comparison with the reference sees."""

SLEEP = "import time; time.sleep(600)"
"""Program of a process that stays for a while if nobody ends it."""


class _Altered(BuiltinEngine):
    """The reference with every observation altered."""

    def alter(self, observation: Json) -> Json:
        raise NotImplementedError

    def apply(self, session: str, steps: Sequence[Json]) -> list[Answer]:
        answers = super().apply(session, steps)
        return [Ok(self.alter(one.observation)) if isinstance(one, Ok) else one for one in answers]


class _Noisy(_Altered):
    def alter(self, observation: Json) -> Json:
        factor = 1.0 + NOISE * random.randint(0, 1)
        return {
            name: value * factor if isinstance(value, float) else value
            for name, value in observation.items()
        }


class _Talkative(_Altered):
    def alter(self, observation: Json) -> Json:
        return {**observation, "debug": True} if observation else {}


class _TalkativeInQuotes(_Altered):
    def alter(self, observation: Json) -> Json:
        sides: Json = {
            side: [{**quote, "debug": True} for quote in observation[side]]
            for side in ("bids", "asks")
            if side in observation
        }
        return {**observation, **sides}


class _Parent(BuiltinEngine):
    def shutdown(self) -> None:
        subprocess.Popen([sys.executable, "-c", SLEEP], stdout=2, start_new_session=True)  # noqa: S603
        super().shutdown()


PORT = (
    Mutant(
        "noisy-last-digit",
        "R-deterministic",
        "the last digit of figures is random",
        engine=_Noisy,
    ),
    Mutant(
        "undeclared-field",
        "R-declared",
        "observations have a field that nobody declared",
        engine=_Talkative,
    ),
    Mutant(
        "undeclared-field-of-quotes",
        "R-declared",
        "quotes have a field that nobody declared",
        engine=_TalkativeInQuotes,
    ),
    Mutant(
        "child-left-behind",
        "R-ends",
        "a process stays that the engine has started",
        engine=_Parent,
    ),
)
