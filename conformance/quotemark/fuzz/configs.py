"""Random configurations of a component: a few keys each, around their defaults or at a bound.

Keys and defaults are those that the reference opens with, ranges those of the protocol page.
"""

from __future__ import annotations

import random
from collections.abc import Collection
from functools import cache
from typing import Any

from quotemark.builtin import BuiltinEngine
from quotemark.fuzz.draws import magnitude
from quotemark.messages import Json, Opened
from quotemark.suite.market import GATES
from quotemark.suite.protocol_page import Key, config_keys

NOT_DRAWN = (*GATES.values(), "price_decimals")
"""Keys that are chosen apart: the gates, and the decimals that would make a tick of 0."""

CHOICES: dict[str, tuple[float | None, ...]] = {
    "tick_size": (None, 1e-8, 1e-3, 0.5, 1e8),
    "base_half_spread_bps": (None, 0.0, 2.0, 7.0, 20.0),
}


@cache
def _defaults(component: str) -> Json:
    opened = BuiltinEngine().open("defaults", component, {}, seed=0)
    assert isinstance(opened, Opened)
    return opened.config


def keys(component: str, phases: Collection[int]) -> dict[str, Key]:
    """Keys that may be drawn, by name; of ``engine``, those that an engine of ``phases`` knows."""
    known = {name: config_keys()[name] for name in _defaults(component) if name not in NOT_DRAWN}
    if component != "engine":
        return known
    return {name: key for name, key in known.items() if key.phase in (None, *phases)}


def draw(rng: random.Random, component: str, phases: Collection[int], most: int = 6) -> Json:
    """Return values of up to ``most`` keys of a component; the rest keeps its default."""
    known = keys(component, phases)
    chosen = rng.sample(list(known), min(len(known), rng.randint(0, most)))
    config = {name: _value(rng, known[name], _defaults(component)[name]) for name in chosen}
    if {"hawkes_jump_per_s", "hawkes_decay_per_s"} & config.keys():
        config["hawkes_jump_per_s"] = 0.5 * config.get("hawkes_decay_per_s", 1.0)
    return config


def _value(rng: random.Random, key: Key, default: Any) -> Any:  # noqa: ANN401 - any that JSON has
    if key.name in CHOICES:
        return rng.choice(CHOICES[key.name])
    if key.options:
        return rng.choice([type(default)(option) for option in key.options])
    if key.is_list:
        return [magnitude(rng, 0.05, 5.0) for _ in range(rng.randint(1, 8))]
    low, high = key.bounds
    if low == 0.0 and rng.random() < 0.15:
        return type(default)(0)
    drawn = (default or 1.0) * magnitude(rng, 0.25, 4.0)
    return type(default)(min(max(drawn, low), high))
