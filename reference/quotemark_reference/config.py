"""Every parameter of the eight phases: unit, default, range and source, and the phase gates.

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
class ProcessConfig:
    """The drift's Ornstein-Uhlenbeck process, where adaptation starts (phases 1 and 5)."""

    theta_per_s: float = parameter(
        0.02, "1/s", "plan 1 A", meaning="mean reversion of the drift, half-life ln(2)/theta"
    )
    process_noise: float = parameter(
        1.0, "(bp/s)^2/s", "plan 1 A", low=0.0, meaning="sigma_mu^2, diffusion of the drift"
    )


@dataclass(frozen=True, kw_only=True)
class SensorConfig:
    """How a market signal becomes a drift observation (D-45), alike for every source.

    Calibration ``plan`` takes the plan's constants, ``calibrated`` a signal in [-1, 1] times S,
    ``calibrated_drift_scale``, with R_0, ``calibrated_variance``, or more where less reliable.
    """

    calibration: str = choice(
        "plan",
        "D-45",
        options=("plan", "calibrated"),
        meaning="how market signals become drift observations; in the engine: calibrated",
    )
    calibrated_drift_scale: float = parameter(
        10.0, "bp/s", "D-45", low=0.0, meaning="z of a full-scale signal, calibration calibrated"
    )
    calibrated_variance: float = parameter(
        260.0, "(bp/s)^2", "D-45", meaning="R of a fully reliable signal, calibration calibrated"
    )


@dataclass(frozen=True, kw_only=True)
class DriftConfig(ProcessConfig):
    """Parameters of the Kalman drift filter (phase 1)."""

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
class FlowConfig(SensorConfig):
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
    calibrated_flow_trades: float = parameter(
        10.0, "trades", "D-45", low=0.0, meaning="decayed count at which R is twice its least"
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
class AdaptationConfig(ProcessConfig):
    """Parameters of the online adaptation of theta and process noise (phase 5)."""

    markout_window_s: float = parameter(
        5.0, "s", "decisions, markout", meaning="time after a fill until its realised drift is read"
    )
    error_weight: float = parameter(
        0.1, "1", "D-22", low=1e-6, high=1.0, meaning="EWMA weight of the newest prediction error"
    )
    error_threshold: float = parameter(
        0.6745, "1", "D-21", meaning="median of |N(0, 1)|: above it the noise grows"
    )
    theta_min_per_s: float = parameter(
        0.01, "1/s", "plan 5 A", high=0.1, meaning="lower bound of an adapted theta"
    )
    theta_max_per_s: float = parameter(
        1.0, "1/s", "plan 5 A", low=0.1, meaning="upper bound of an adapted theta"
    )
    process_noise_min: float = parameter(
        0.1, "(bp/s)^2/s", "plan 5 A", high=1.0, meaning="lower bound of an adapted process noise"
    )
    process_noise_max: float = parameter(
        10.0, "(bp/s)^2/s", "plan 5 A", low=1.0, meaning="upper bound of an adapted process noise"
    )


@dataclass(frozen=True, kw_only=True)
class FundingConfig(SensorConfig):
    """Parameters of the funding estimator, its carry and its drift observation (phase 6)."""

    holding_time_s: float = parameter(
        600.0, "s", "decisions, canonical market", meaning="tau_holding, time carry is charged for"
    )
    funding_ewma_weight: float = parameter(
        0.1, "1", "decisions, funding", low=1e-6, high=1.0, meaning="weight of the newest rate"
    )
    funding_history: int = parameter(
        24, "readings", "decisions, funding", low=1.0, high=1e4, meaning="readings behind the std"
    )
    funding_min_readings: int = parameter(
        3, "readings", "D-24", low=1.0, meaning="readings before funding says anything of drift"
    )
    funding_std_floor: float = parameter(
        1e-6, "1/interval", "D-24", meaning="least standard deviation of the rate"
    )
    funding_zscore_limit: float = parameter(
        5.0, "1", "D-24", high=1e6, meaning="|zscore| is clipped to it"
    )
    funding_scale_factor: float = parameter(
        0.05, "bp/s", "plan 6 D; D-24", low=0.0, meaning="z at a zscore of 1; 0: no observation"
    )
    sigma_funding: float = parameter(
        2.0, "bp/s", "plan 6 C", low=1e-3, high=1e6, meaning="noise at a zscore of 1"
    )
    funding_zscore_floor: float = parameter(
        0.1, "1", "plan 6 C", meaning="least |zscore| in R, calibration plan"
    )


@dataclass(frozen=True, kw_only=True)
class BookConfig(SensorConfig):
    """Parameters of the book features (phase 7)."""

    alpha_bim: float = parameter(
        0.3, "bp/s", "plan 7 D", low=0.0, meaning="z at an imbalance of 1; 0 leaves BIM out"
    )
    alpha_dbim: float = parameter(
        0.2, "bp", "plan 7 D", low=0.0, meaning="z at a delta-BIM of 1/s; 0 leaves it out"
    )
    alpha_bpg: float = parameter(
        0.15, "bp/s", "plan 7 D", low=0.0, meaning="z at a pressure gradient of -1; 0 leaves it out"
    )
    sigma_bim: float = parameter(
        1.5, "bp/s", "plan 7 D", low=1e-3, high=1e6, meaning="noise of BIM at the reference depth"
    )
    depth_ref_usd: float = parameter(
        1e5, "USD", "D-27", low=1.0, meaning="depth at which R of BIM is sigma_bim^2"
    )
    depth_floor_usd: float = parameter(
        100.0, "USD", "plan 7 D; D-27", low=1.0, meaning="least depth in R of BIM"
    )
    sigma_dbim: float = parameter(
        2.0, "bp/s", "plan 7 D", low=1e-3, high=1e6, meaning="noise of delta-BIM"
    )
    bpg_variance: float = parameter(
        3.0, "(bp/s)^2", "plan 7 D", meaning="R of the pressure gradient, calibration plan"
    )
    dbim_smoothing: float = parameter(
        0.3, "1", "decisions, delta-BIM", low=1e-6, high=1.0, meaning="weight of the newest slope"
    )


@dataclass(frozen=True, kw_only=True)
class SweepConfig(SensorConfig):
    """Parameters of the sweep detector (phase 7)."""

    alpha_sweep: float = parameter(
        1.0, "bp/s", "plan 7 C", low=0.0, meaning="z at a score difference of 1; 0 leaves it out"
    )
    sweep_window_s: float = parameter(
        3.0, "s", "plan 7 C; D-32", high=3600.0, meaning="least window"
    )
    sweep_reference_size: float = parameter(
        10.0, "contracts", "D-32", low=1e-6, meaning="size times levels that scores 1"
    )
    sweep_min_levels: int = parameter(
        2, "levels", "D-32", low=1.0, meaning="levels an aggressor must cross to sweep"
    )
    sigma_sweep: float = parameter(
        2.0, "bp/s", "D-32", low=1e-3, high=1e6, meaning="noise at a total score of 1"
    )
    sweep_score_floor: float = parameter(0.1, "1", "D-32", meaning="least total score in R")


@dataclass(frozen=True, kw_only=True)
class HawkesConfig(SensorConfig):
    """Parameters of the Hawkes intensities of buys and sells (phase 8)."""

    alpha_hawkes: float = parameter(
        1.0, "bp", "plan 8 A", low=0.0, meaning="z at a net excess of 1/s; 0 leaves it out"
    )
    hawkes_base_per_s: float = parameter(
        0.1, "1/s", "decisions, Hawkes", meaning="mu, intensity without excitation"
    )
    hawkes_jump_per_s: float = parameter(
        0.3, "1/s", "decisions, Hawkes", low=0.0, meaning="alpha, jump of the intensity at a trade"
    )
    hawkes_decay_per_s: float = parameter(
        1.0, "1/s", "decisions, Hawkes", meaning="beta, decay of the excitation; above alpha"
    )
    hawkes_min_events: int = parameter(
        20, "trades", "decisions, Hawkes", low=0.0, meaning="trades before it says anything"
    )
    sigma_hawkes: float = parameter(
        1.5, "bp/s", "plan 8 A", low=1e-3, high=1e6, meaning="noise at a total intensity of 1/s"
    )
    hawkes_intensity_floor_per_s: float = parameter(
        0.1, "1/s", "plan 8 A", meaning="least total intensity in R"
    )
    hawkes_silence_horizons: float = parameter(
        5.0, "1/beta", "Q-11", high=500.0, meaning="silence that ends the calibrated observation"
    )

    def __post_init__(self) -> None:
        """Refuse an intensity that would grow without end."""
        if self.hawkes_jump_per_s >= self.hawkes_decay_per_s:
            raise OutOfRangeError(
                f"hawkes_jump_per_s is {self.hawkes_jump_per_s}, expected less than"
                f" hawkes_decay_per_s, {self.hawkes_decay_per_s}: else intensity has no mean"
            )


@dataclass(frozen=True, kw_only=True)
class FillSizeConfig(SensorConfig):
    """Parameters of the distribution of own fill sizes (phase 8)."""

    alpha_fill_size: float = parameter(
        0.1, "bp/s", "decisions, fill size", low=0.0, meaning="z at a zscore of 1; 0 leaves it out"
    )
    fill_size_window: int = parameter(
        10, "fills", "decisions, fill size", low=1.0, high=1e4, meaning="recent fills of a side"
    )
    fill_size_weight: float = parameter(
        0.05, "1", "decisions, fill size", low=1e-6, high=1.0, meaning="EWMA weight of the baseline"
    )
    fill_size_min_fills: int = parameter(
        20, "fills", "decisions, fill size", low=1.0, meaning="fills before it says anything"
    )
    sigma_fill_size: float = parameter(
        2.0, "bp/s", "decisions, fill size", low=1e-3, high=1e6, meaning="noise of the observation"
    )


@dataclass(frozen=True, kw_only=True)
class CrossVenueConfig(SensorConfig):
    """Parameters of the spot-perp basis and of the cross-asset lead (phase 8)."""

    alpha_basis: float = parameter(
        0.2, "1/s", "plan 8 D", low=0.0, meaning="z per bp of basis change; 0 leaves it out"
    )
    sigma_basis: float = parameter(
        2.0, "bp/s", "plan 8 D", low=1e-3, high=1e6, meaning="noise of the basis change"
    )
    calibrated_basis_scale_bps: float = parameter(
        10.0, "bp", "D-45", meaning="basis change of a full-scale signal"
    )
    alpha_lead: float = parameter(
        0.3, "1/s", "plan 8 D", low=0.0, meaning="z per bp of lead; 0 leaves it out"
    )
    sigma_lead: float = parameter(
        1.5, "bp/s", "plan 8 D", low=1e-3, high=1e6, meaning="noise of the lead at full confidence"
    )
    lead_window: int = parameter(
        100, "cycles", "decisions, lead", low=2.0, high=1e4, meaning="returns in the regression"
    )
    lead_min_returns: int = parameter(
        20, "cycles", "decisions, lead", low=2.0, meaning="returns before it says anything"
    )
    lead_min_confidence: float = parameter(
        0.3, "1", "plan 8 D; D-34", high=1.0, meaning="least R^2 of the regression"
    )
    calibrated_lead_scale_bps: float = parameter(
        10.0, "bp", "D-45", meaning="lead of a full-scale signal"
    )


@dataclass(frozen=True, kw_only=True)
class VolatilityConfig:
    """Parameters of the volatility term structure and of the tails (phase 8)."""

    vol_short_s: float = parameter(
        30.0, "s", "plan 8 C", high=86400.0, meaning="short horizon of realised sigma"
    )
    vol_long_s: float = parameter(
        300.0, "s", "plan 8 C", high=86400.0, meaning="long horizon of realised sigma"
    )
    vol_exponent: float = parameter(
        0.5, "1", "plan 8 C", low=0.0, high=1.0, meaning="nu: sigma grows with ratio^nu"
    )
    tail_weight: float = parameter(
        0.3, "1", "plan 8 E", low=0.0, meaning="kappa_tail: AS adjustment per excess kurtosis"
    )
    as_ratio_adjustment_max: float = parameter(
        3.0, "1", "D-33", low=1.0, meaning="cap of the AS adjustment"
    )
    kurtosis_window: int = parameter(
        100, "cycles", "decisions, kurtosis", low=2.0, high=1e4, meaning="returns in the kurtosis"
    )
    kurtosis_min_returns: int = parameter(
        20, "cycles", "decisions, kurtosis", low=2.0, meaning="returns before it says anything"
    )


@dataclass(frozen=True, kw_only=True)
class OpenInterestConfig(SensorConfig):
    """Parameters of open interest: the source that plugs in without touching the filter (D-35)."""

    alpha_open_interest: float = parameter(
        0.0, "bp/s", "D-35", low=0.0, meaning="z at a relative change of 1; 0 leaves it out"
    )
    sigma_open_interest: float = parameter(
        2.0, "bp/s", "decisions, open interest", low=1e-3, high=1e6, meaning="noise of the change"
    )
    calibrated_open_interest_scale: float = parameter(
        0.01, "1", "D-45", meaning="relative change of a full-scale signal"
    )


@dataclass(frozen=True, kw_only=True)
class EngineConfig(
    DriftConfig,
    InventoryConfig,
    FlowConfig,
    MarketConfig,
    ExpectedPnlConfig,
    LadderConfig,
    AdaptationConfig,
    FundingConfig,
    BookConfig,
    SweepConfig,
    HawkesConfig,
    FillSizeConfig,
    CrossVenueConfig,
    VolatilityConfig,
    OpenInterestConfig,
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
    use_online_adaptation: bool = gate(
        True,
        5,
        needs=(4,),
        rollback="theta and process noise as configured",
        meaning="own-fill markouts adapt theta and process noise",
    )
    use_funding: bool = gate(
        True,
        6,
        needs=(4,),
        rollback="no carry, no funding skew, no funding observation",
        meaning="funding is charged in the expected PnL, skews quotes and moves the drift",
    )
    use_book_features: bool = gate(
        False,
        7,
        needs=(1,),
        rollback="book and sweeps do not move the drift",
        meaning="book imbalance, its change, pressure gradient and sweeps move the drift",
    )
    use_tape_features: bool = gate(
        False,
        8,
        needs=(1,),
        rollback="no tape or cross-venue observation, sigma and AS ratio as they are",
        meaning="Hawkes, fill sizes, basis, lead and open interest move the drift; "
        "volatility scales sigma, tails the AS ratio",
    )
    warm_every_cycles: int = parameter(
        2, "cycles", "D-36", low=1.0, meaning="the warm tier runs in every such cycle, from cycle 0"
    )
    cold_every_cycles: int = parameter(
        5, "cycles", "D-36", low=1.0, meaning="the cold tier runs in every such cycle, from cycle 0"
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
    AdaptationConfig,
    FundingConfig,
    BookConfig,
    SweepConfig,
    HawkesConfig,
    FillSizeConfig,
    CrossVenueConfig,
    VolatilityConfig,
    OpenInterestConfig,
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
    option = _number(spec.name, value) if isinstance(spec.default, float) else value
    if option not in options:
        raise OutOfRangeError(f"{spec.name} is {value!r}, expected one of {options}")
    return option


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
