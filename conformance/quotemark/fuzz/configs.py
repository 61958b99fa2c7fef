"""Random configurations of a component: a few keys each, around their defaults or at a bound."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Collection
from typing import Any

from quotemark.fuzz.draws import magnitude
from quotemark.messages import Json
from quotemark.suite.market import GATES
from quotemark_reference import config as reference_config

KINDS: dict[str, type[Any]] = {
    "drift": reference_config.DriftConfig,
    "inventory": reference_config.InventoryConfig,
    "flow": reference_config.FlowConfig,
    "adaptation": reference_config.AdaptationConfig,
    "funding": reference_config.FundingConfig,
    "book": reference_config.BookConfig,
    "sweep": reference_config.SweepConfig,
    "hawkes": reference_config.HawkesConfig,
    "fill_size": reference_config.FillSizeConfig,
    "cross_venue": reference_config.CrossVenueConfig,
    "volatility": reference_config.VolatilityConfig,
    "open_interest": reference_config.OpenInterestConfig,
    "engine": reference_config.EngineConfig,
}
"""Configuration of each component that has one."""

PHASES = {
    "adaptation": 5,
    "funding": 6,
    "book": 7,
    "sweep": 7,
    "hawkes": 8,
    "fill_size": 8,
    "cross_venue": 8,
    "volatility": 8,
    "open_interest": 8,
}
"""Phase before which an engine need not know the configuration of a component."""

TICKS = (None, 1e-8, 1e-3, 0.5, 1e8)
NOT_DRAWN = (*GATES.values(), "price_decimals")
"""Keys that are chosen apart: the gates, and the decimals that would make a tick of 0."""


def keys(component: str, phases: Collection[int]) -> list[str]:
    """Keys that may be drawn for an engine that has ``phases``."""
    if component not in KINDS:
        return []
    later = {
        spec.name
        for name, phase in PHASES.items()
        if phase not in phases
        for spec in dataclasses.fields(KINDS[name])
    }
    own = {spec.name for name in ("drift", "flow") for spec in dataclasses.fields(KINDS[name])}
    return [
        spec.name
        for spec in dataclasses.fields(KINDS[component])
        if spec.name not in NOT_DRAWN and (component != "engine" or spec.name not in later - own)
    ]


def draw(rng: random.Random, component: str, phases: Collection[int], most: int = 6) -> Json:
    """Return values of up to ``most`` keys of a component; the rest keeps its default."""
    names = keys(component, phases)
    chosen = rng.sample(names, min(len(names), rng.randint(0, most)))
    specs = {spec.name: spec for spec in dataclasses.fields(KINDS[component])} if chosen else {}
    config = {name: _value(rng, specs[name]) for name in chosen}
    if {"hawkes_jump_per_s", "hawkes_decay_per_s"} & config.keys():
        config["hawkes_jump_per_s"] = 0.5 * config.get("hawkes_decay_per_s", 1.0)
    return config


def _value(rng: random.Random, spec: dataclasses.Field[Any]) -> Any:  # noqa: ANN401 - any JSON
    default: Any = spec.default
    options = spec.metadata.get("options")
    if spec.name == "tick_size":
        return rng.choice(TICKS)
    if spec.name == "base_half_spread_bps":
        return rng.choice((None, 0.0, magnitude(rng, 0.5, 30.0)))
    if spec.name == "level_sizes":
        return [magnitude(rng, 0.05, 5.0) for _ in range(rng.randint(1, 8))]
    if options is not None:
        return rng.choice(options)
    low, high = spec.metadata["low"], spec.metadata["high"]
    if low == 0.0 and rng.random() < 0.15:
        return type(default)(0)
    drawn = (default or 1.0) * magnitude(rng, 0.25, 4.0)
    return type(default)(min(max(drawn, low), high))
