"""Seeded input of every magnitude that the protocol page allows, in steps and configurations."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import Any, Literal, get_args, get_origin

from quotemark import messages
from quotemark.messages import Json, Step
from quotemark.suite.bad_input import FINITE, FRACTIONS, NOT_NEGATIVE, fields_of
from quotemark.suite.protocol_page import Key

GAPS_MS = (0, 0, 1, 1000, 3_600_000, 1_000_000_000)
EPOCH_MS = 1_771_459_200_000


class Extremes:
    """Draws figures of any magnitude, and steps and configurations made of them."""

    def __init__(self, seed: str) -> None:
        self._rng = random.Random(seed)

    def config(self, keys: Iterable[Key]) -> Json:
        """Return some keys at a bound of theirs, or between."""
        config = {key.name: self._setting(key) for key in keys if self._rng.random() < 0.3}
        if {"hawkes_jump_per_s", "hawkes_decay_per_s"} & config.keys():
            config["hawkes_jump_per_s"] = config.get("hawkes_decay_per_s", 1.0) / 2.0
        return config

    def _setting(self, key: Key) -> Any:  # noqa: ANN401 - any value that JSON has
        rng = self._rng
        if key.options:
            option = rng.choice(key.options)
            return option if key.unit == "name" else float(option)
        low, high = key.bounds
        value = rng.choice((low, high, max(low, 1e-9) ** 0.5 * high**0.5))
        if key.is_list:
            return [rng.choice((low, high, 1.0)) for _ in range(rng.randint(1, 6))]
        return int(value) if key.is_whole else value

    def steps(self, kinds: Sequence[type[Step]], count: int) -> list[Json]:
        """Return steps of these kinds, of any magnitude, in bursts and after long gaps."""
        rng = self._rng
        t_ms = rng.choice((0, EPOCH_MS))
        steps = []
        for _ in range(count):
            t_ms += rng.choice(GAPS_MS)
            steps.append(self._step(rng.choice(kinds), t_ms))
        return steps

    def _step(self, kind: type[Step], t_ms: int) -> Json:
        step: Json = {"step": kind.__struct_config__.tag}
        for field in fields_of(kind):
            if not field.nullable or self._rng.random() < 0.5:
                step[field.name] = self._value(field.name, field.type)
        if "t_ms" in step:
            step["t_ms"] = t_ms
        if kind is messages.Book:
            step |= self._sides()
        if kind is messages.Signal:
            step["variance"] = self.number("variance")
        return step

    def _value(self, name: str, hint: Any) -> Any:  # noqa: ANN401 - a type, and a value of it
        if name == "rate":
            return self._rng.choice(("0", "1", "-1", "1e-320", "-1e-15", "0.0001"))
        if hint == messages.Pair:
            return [self.number(name), self.number(name)]
        if get_origin(hint) is Literal:
            return self._rng.choice(get_args(hint))
        if hint is int:
            return self._rng.choice((1, 2, 10**15))
        return f"any-{self._rng.random()}" if hint is str else self.number(name)

    def number(self, name: str) -> float:
        """Return a figure that a field of this name may have."""
        rng = self._rng
        magnitude = float(rng.choice((10.0 ** rng.uniform(-14.9, 14.9), 1e-15, 1e15, 1.0, 100.0)))
        if name in FRACTIONS:
            return rng.choice((0.0, 1.0, 1e-15, rng.random()))
        if name in FINITE:
            return rng.choice((0.0, magnitude, -magnitude))
        return rng.choice((0.0, magnitude)) if name in NOT_NEGATIVE else magnitude

    def _sides(self) -> Json:
        """Return the sides of a book anywhere, one or both of them empty now and then."""
        rng = self._rng
        mid, spacing = 10.0 ** rng.uniform(-14.0, 14.0), 10.0 ** rng.uniform(-12.0, -2.0)
        bids, asks = (
            [[mid * (1.0 + side * level * spacing), self.number("size")] for level in range(1, 4)]
            for side in (-1.0, 1.0)
        )
        return {"bids": bids, "asks": asks} | rng.choice(({}, {}, {"bids": []}, {"asks": []}))
