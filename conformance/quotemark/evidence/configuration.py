"""The configuration that an engine is certified and gated for: production's, or the defaults."""

from __future__ import annotations

import msgspec

from quotemark.builtin import reference
from quotemark.errors import InputError
from quotemark.gate_sets import GateSet, active
from quotemark.messages import Json, Opened, Rejected
from quotemark.suite.market import GATES


def effective_config(config: Json) -> Json:
    """Every key of the quote cycle in canonical names and units, as the reference confirms it.

    Raises :class:`InputError` where a key or value is wrong.
    """
    opened = reference().open("configuration", "engine", config, seed=0)
    if not isinstance(opened, Opened):
        reason = opened.message if isinstance(opened, Rejected) else opened.reason
        raise InputError(f"configuration: {reason}")
    as_logged: Json = msgspec.json.decode(msgspec.json.encode(opened.config))
    return as_logged


def without_gates(config: Json) -> Json:
    """The configuration but for the gates, which are what is decided under it."""
    return {key: value for key, value in config.items() if key not in GATES.values()}


def phases_on(config: Json) -> GateSet:
    """Phases that are on and have what they need, as the configuration or its defaults say."""
    effective = effective_config(config)
    return active([phase for phase, name in GATES.items() if effective[name]])
