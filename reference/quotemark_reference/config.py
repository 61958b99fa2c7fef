"""Every parameter of phases 1 to 4: unit, default, allowed range and source, and the phase gates.

Each component has its own configuration; the quote cycle's, :class:`EngineConfig`, is all of them
together. Values are checked when a configuration is made, so that the formulas need not check.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from typing import Any, TypeVar

from quotemark_reference.errors import (
    OutOfRangeError,
    UnknownFieldError,
    UnparsableError,
    check_finite,
)

TINY = 1e-9  # the least value of a parameter that must be positive
HUGE = 1e9  # the greatest value of any parameter: keeps every product of a few of them finite

BPS_PER_UNIT = 1e4


def parameter(
    default: float | None,
    unit: str,
    source: str,
    *,
    low: float = TINY,
    high: float = HUGE,
    meaning: str,
) -> Any:
    """Declare a numeric parameter; ``None`` as a default makes it optional."""
    metadata = {"unit": unit, "source": source, "low": low, "high": high, "meaning": meaning}
    return field(default=default, metadata=metadata)


def choice(
    default: str | float,
    source: str,
    *,
    options: tuple[str | float, ...],
    unit: str = "name",
    meaning: str,
) -> Any:
    """Declare a parameter that is one of a few values."""
    metadata = {"unit": unit, "source": source, "options": options, "meaning": meaning}
    return field(default=default, metadata=metadata)


def gate(default: bool, phase: int, *, needs: tuple[int, ...], rollback: str, meaning: str) -> Any:
    """Declare a phase gate with its prerequisites and what switching it off restores (D-37)."""
    metadata = {
        "unit": "on/off",
        "source": "plan, Feature Gates; D-37, D-38",
        "phase": phase,
        "needs": needs,
        "rollback": rollback,
        "meaning": meaning,
    }
    return field(default=default, metadata=metadata)


def per_bps(kappa_per_fraction: float) -> float:
    """Kappa in 1/bp from kappa per unit fraction of price, as production engines hold it (U-1)."""
    return kappa_per_fraction / BPS_PER_UNIT


@dataclass(frozen=True, kw_only=True)
class DriftConfig:
    """Parameters of the Kalman drift filter (phase 1)."""

    theta_per_s: float = parameter(
        0.02, "1/s", "plan 1 A", meaning="mean reversion of the drift, half-life ln(2)/theta"
    )
    process_noise: float = parameter(
        1.0, "(bp/s)^2/s", "plan 1 A", low=0.0, meaning="sigma_mu^2, diffusion of the drift"
    )
    prior_variance: float = parameter(
        50.0, "(bp/s)^2", "plan 1 A; D-02", meaning="P_0, a parameter of its own"
    )
    p_min: float = parameter(
        2.0, "(bp/s)^2", "plan 7; D-04", low=0.0, meaning="floor of P after each update"
    )
    fill_variance: float = parameter(
        9.0, "(bp/s)^2", "D-05", meaning="R of an own fill's observation"
    )
    sigma_trend: float = parameter(
        2.0,
        "bp/s",
        "plan 1 A; D-06",
        low=1e-3,
        high=1e6,
        meaning="noise of a trend reading at full agreement",
    )


@dataclass(frozen=True, kw_only=True)
class InventoryConfig:
    """Parameters of the continuous risk aversion (phase 2)."""

    gamma_base_per_bps: float = parameter(
        0.15, "1/bp", "plan 2; D-09, D-16", meaning="risk aversion when flat"
    )
    inventory_beta: float = parameter(
        7.0, "1", "plan 2 B; D-08", low=0.0, meaning="growth of gamma with (q/q_max)^2"
    )
    max_position: float = parameter(
        8.57, "contracts", "D-08", meaning="q_max, the configured position limit"
    )


@dataclass(frozen=True, kw_only=True)
class FlowConfig:
    """Parameters of the directional flow (phase 3)."""

    flow_sensitivity: float = parameter(
        0.5, "1", "plan 3 A; D-14", low=0.0, meaning="effect of imbalance on kappa; 0 is off"
    )
    flow_multiplier_min: float = parameter(
        0.5, "1", "plan 3 A; D-14", high=1.0, meaning="lower clamp of the kappa multipliers"
    )
    flow_multiplier_max: float = parameter(
        2.0, "1", "plan 3 A; D-14", low=1.0, meaning="upper clamp of the kappa multipliers"
    )
    flow_horizon_s: float = choice(
        5.0,
        "plan 3 B",
        unit="s",
        options=(1.0, 5.0, 30.0, 300.0),
        meaning="horizon at which the imbalance is read",
    )
    flow_min_trades: int = parameter(
        20, "trades", "decisions, flow", low=0.0, meaning="trades before flow says anything"
    )
    flow_silence_horizons: float = parameter(
        5.0, "horizons", "D-47", meaning="silence after which the imbalance is 0"
    )
    flow_drift_scale: float = parameter(
        0.5, "bp/s", "plan 3 A", low=0.0, meaning="z at an imbalance of 1, calibration plan"
    )
    sigma_flow: float = parameter(
        2.0,
        "bp/s",
        "plan 3 A",
        low=1e-3,
        high=1e6,
        meaning="noise of the flow observation, calibration plan",
    )
    trade_rate_floor_per_s: float = parameter(
        0.1, "1/s", "plan 3 A; D-13", meaning="least kappa_total in R, calibration plan"
    )
    calibrated_drift_scale: float = parameter(
        10.0, "bp/s", "D-45", low=0.0, meaning="z of a full-scale signal, calibration calibrated"
    )
    calibrated_variance: float = parameter(
        260.0, "(bp/s)^2", "D-45", meaning="R of a fully reliable signal, calibration calibrated"
    )
    calibrated_flow_trades: float = parameter(
        10.0, "trades", "D-45", low=0.0, meaning="decayed count at which R is twice its least"
    )
    calibration: str = choice(
        "plan",
        "D-45",
        options=("plan", "calibrated"),
        meaning="how market signals become drift observations; in the engine: calibrated",
    )


@dataclass(frozen=True, kw_only=True)
class MarketConfig:
    """What the desk estimates or is charged; an estimate step replaces the first four (D-43)."""

    sigma_bps_per_sqrt_s: float = parameter(
        2.0, "bp/sqrt(s)", "decisions, canonical market", meaning="volatility of the mid"
    )
    kappa_bid_per_bps: float = parameter(
        0.1287, "1/bp", "decisions, canonical market", meaning="decay of fill intensity, bids"
    )
    kappa_ask_per_bps: float = parameter(
        0.1287, "1/bp", "decisions, canonical market", meaning="decay of fill intensity, asks"
    )
    time_horizon_s: float = parameter(
        2.0, "s", "decisions, canonical market", meaning="tau of drift, inventory and AS terms"
    )
    fee_bps: float = parameter(
        1.5, "bp", "decisions, canonical market", low=0.0, meaning="maker fee"
    )


@dataclass(frozen=True, kw_only=True)
class ExpectedPnlConfig:
    """Parameters of the expected PnL filter (phase 4)."""

    as_ratio: float = parameter(
        0.8, "1", "decisions, canonical market; D-19", low=0.0, meaning="AS per sigma sqrt(tau)"
    )


@dataclass(frozen=True, kw_only=True)
class LadderConfig:
    """Levels, sizes and ticks (D-42)."""

    level_sizes: tuple[float, ...] = field(
        default=(0.695,) * 6,
        metadata={
            "unit": "contracts",
            "source": "decisions, ladder",
            "low": TINY,
            "high": HUGE,
            "meaning": "size of each level, touch first; one level per entry",
        },
    )
    level_spacing_bps: float = parameter(
        1.0, "bp", "decisions, canonical market", low=0.0, meaning="distance between levels"
    )
    min_size: float = parameter(
        0.01, "contracts", "decisions, ladder", meaning="a smaller level is dropped"
    )
    tick_size: float | None = parameter(
        None, "price", "D-42", low=1e-10, meaning="fixed tick; unset: by price"
    )
    price_decimals: int = parameter(
        6, "digits", "Q-01", low=0.0, high=10.0, meaning="most decimals of a tick by price"
    )
    base_half_spread_bps: float | None = parameter(
        None,
        "bp",
        "decisions, base_half_spread_bps",
        low=0.0,
        meaning="if set, stands for the half-spread, fee included, before drift and skew",
    )


@dataclass(frozen=True, kw_only=True)
class EngineConfig(
    DriftConfig, InventoryConfig, FlowConfig, MarketConfig, ExpectedPnlConfig, LadderConfig
):
    """All parameters of the quote cycle, and the gates. Gates are fixed for a session (D-37)."""

    use_kalman_drift: bool = gate(
        True,
        1,
        needs=(),
        rollback="legacy drift estimator and the +-3 bp clamp",
        meaning="drift from the Kalman filter, unclamped",
    )
    use_continuous_gamma: bool = gate(
        True,
        2,
        needs=(),
        rollback="beta 3 and the position zones",
        meaning="gamma(q) with inventory_beta, no zones",
    )
    use_directional_flow: bool = gate(
        True,
        3,
        needs=(),
        rollback="kappa multipliers of 1, no flow observation",
        meaning="order flow moves kappa and the drift",
    )
    use_epnl_filter: bool = gate(
        False,
        4,
        needs=(1, 2, 3),
        rollback="quote gate and toxicity size multiplier",
        meaning="a level rests only while its expected PnL is positive",
    )
    calibration: str = choice(
        "calibrated",
        "D-45",
        options=("plan", "calibrated"),
        meaning="how market signals become drift observations",
    )
    legacy_variant: str = choice(
        "documented",
        "D-39",
        options=("documented", "deployed"),
        meaning="what a gate that is off falls back to: the plan's table, or what the record shows",
    )


AnyConfig = TypeVar(
    "AnyConfig",
    DriftConfig,
    InventoryConfig,
    FlowConfig,
    MarketConfig,
    ExpectedPnlConfig,
    LadderConfig,
    EngineConfig,
)


def make_config(kind: type[AnyConfig], values: Mapping[str, object]) -> AnyConfig:
    """Make a checked configuration from given values over the defaults.

    ``kappa_bid_per_fraction`` and ``kappa_ask_per_fraction`` are taken too and divided by 10^4
    (U-1), so the result is in canonical names and units.

    Raises :class:`UnknownFieldError`, :class:`UnparsableError`, :class:`OutOfRangeError` or
    :class:`NonFiniteError`, naming the key.
    """
    known = {spec.name: spec for spec in fields(kind)}
    checked: dict[str, Any] = {}
    for key, value in values.items():
        name, canonical = _canonical(key, value)
        if name not in known:
            raise UnknownFieldError(f"config key {key!r} is unknown; known are {sorted(known)}")
        if name in checked:
            raise OutOfRangeError(f"config gives {name!r} twice, in two units")
        checked[name] = _checked(known[name], canonical)
    return kind(**checked)


def _canonical(key: str, value: object) -> tuple[str, object]:
    if key in ("kappa_bid_per_fraction", "kappa_ask_per_fraction"):
        return key.replace("per_fraction", "per_bps"), per_bps(_number(key, value))
    return key, value


def _checked(spec: Field[Any], value: object) -> Any:
    if "options" in spec.metadata:
        return _option(spec, value)
    if "needs" in spec.metadata:
        return _switch(spec.name, value)
    if isinstance(spec.default, tuple):
        return _sizes(spec, value)
    if value is None and spec.default is None:
        return None
    number = _in_range(spec, _number(spec.name, value))
    return _whole(spec.name, number) if isinstance(spec.default, int) else number


def _option(spec: Field[Any], value: object) -> object:
    options: tuple[object, ...] = spec.metadata["options"]
    if isinstance(value, bool) or value not in options:
        raise OutOfRangeError(f"{spec.name} is {value!r}, expected one of {options}")
    return options[options.index(value)]


def _switch(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise UnparsableError(f"{name} is {value!r}, expected true or false")
    return value


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnparsableError(f"{name} is {value!r}, expected a number")
    check_finite(name, value)
    return float(value)


def _whole(name: str, value: float) -> int:
    if value != int(value):
        raise OutOfRangeError(f"{name} is {value}, expected a whole number")
    return int(value)


def _in_range(spec: Field[Any], value: float) -> float:
    low, high = spec.metadata["low"], spec.metadata["high"]
    if not low <= value <= high:
        raise OutOfRangeError(f"{spec.name} is {value}, expected {low} to {high}")
    return value


def _sizes(spec: Field[Any], value: object) -> tuple[float, ...]:
    if not isinstance(value, list | tuple) or not value:
        raise UnparsableError(f"{spec.name} is {value!r}, expected a list of at least one number")
    return tuple(_in_range(spec, _number(spec.name, size)) for size in value)


def gates(config: EngineConfig) -> dict[int, bool]:
    """Which phases' gates are switched on, by phase."""
    return {
        spec.metadata["phase"]: getattr(config, spec.name)
        for spec in fields(config)
        if "phase" in spec.metadata
    }


def active_phases(config: EngineConfig) -> frozenset[int]:
    """Phases whose gate is on and whose prerequisites are active too; the others are inert."""
    active: set[int] = set()
    for spec in fields(config):
        switched_on = "phase" in spec.metadata and getattr(config, spec.name)
        if switched_on and active.issuperset(spec.metadata["needs"]):
            active.add(spec.metadata["phase"])
    return frozenset(active)
