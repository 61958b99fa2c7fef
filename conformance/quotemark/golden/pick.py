"""A hand-picked case: what it shows, in words, and what is asked."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from quotemark.messages import Json


class Pick(Struct, frozen=True):
    """What a case shows, its steps and its configuration."""

    about: str
    steps: Sequence[Json]
    config: Json = {}
