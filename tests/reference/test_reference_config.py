"""Configuration: what is taken, in which unit, and what is refused by name."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import FrozenInstanceError, fields
from functools import partial
from typing import Any

import pytest

from quotemark_reference.config import (
    AdaptationConfig,
    BookConfig,
    CrossVenueConfig,
    DriftConfig,
    EngineConfig,
    FillSizeConfig,
    FlowConfig,
    FundingConfig,
    HawkesConfig,
    InventoryConfig,
    MarketConfig,
    OpenInterestConfig,
    SweepConfig,
    VolatilityConfig,
    make_config,
    per_bps,
)
from quotemark_reference.errors import RejectedError

# the canonical market and the table of values of the decisions, typed in a second time
DEFAULTS: dict[str, object] = {
    "theta_per_s": 0.02,
    "process_noise": 1.0,
    "prior_variance": 50.0,
    "p_min": 2.0,
    "fill_variance": 9.0,
    "sigma_trend": 2.0,
    "gamma_base_per_bps": 0.15,
    "inventory_beta": 7.0,
    "max_position": 8.57,
    "flow_sensitivity": 0.5,
    "flow_multiplier_min": 0.5,
    "flow_multiplier_max": 2.0,
    "flow_horizon_s": 5.0,
    "flow_min_trades": 20,
    "flow_silence_horizons": 5.0,
    "flow_drift_scale": 0.5,
    "sigma_flow": 2.0,
    "trade_rate_floor_per_s": 0.1,
    "calibrated_drift_scale": 10.0,
    "calibrated_variance": 260.0,
    "calibrated_flow_trades": 10.0,
    "calibration": "calibrated",
    "sigma_bps_per_sqrt_s": 2.0,
    "kappa_bid_per_bps": 0.1287,
    "kappa_ask_per_bps": 0.1287,
    "time_horizon_s": 2.0,
    "fee_bps": 1.5,
    "as_ratio": 0.8,
    "level_sizes": (0.695,) * 6,
    "level_spacing_bps": 1.0,
    "min_size": 0.01,
    "tick_size": None,
    "base_half_spread_bps": None,
    "use_kalman_drift": True,
    "use_continuous_gamma": True,
    "use_directional_flow": True,
    "use_epnl_filter": False,
    "legacy_variant": "documented",
    # phase 5
    "use_online_adaptation": True,
    "markout_window_s": 5.0,
    "error_weight": 0.1,
    "error_threshold": 0.6745,
    "theta_min_per_s": 0.01,
    "theta_max_per_s": 1.0,
    "process_noise_min": 0.1,
    "process_noise_max": 10.0,
    # phase 6
    "use_funding": True,
    "holding_time_s": 600.0,
    "funding_ewma_weight": 0.1,
    "funding_history": 24,
    "funding_min_readings": 3,
    "funding_std_floor": 1e-6,
    "funding_zscore_limit": 5.0,
    "funding_scale_factor": 0.05,
    "sigma_funding": 2.0,
    "funding_zscore_floor": 0.1,
    # phase 7
    "use_book_features": False,
    "alpha_bim": 0.3,
    "alpha_dbim": 0.2,
    "alpha_bpg": 0.15,
    "sigma_bim": 1.5,
    "depth_ref_usd": 100_000.0,
    "depth_floor_usd": 100.0,
    "sigma_dbim": 2.0,
    "bpg_variance": 3.0,
    "dbim_smoothing": 0.3,
    "alpha_sweep": 1.0,
    "sweep_window_s": 3.0,
    "sweep_reference_size": 10.0,
    "sweep_min_levels": 2,
    "sigma_sweep": 2.0,
    "sweep_score_floor": 0.1,
    # phase 8
    "use_tape_features": False,
    "alpha_hawkes": 1.0,
    "hawkes_base_per_s": 0.1,
    "hawkes_jump_per_s": 0.3,
    "hawkes_decay_per_s": 1.0,
    "hawkes_min_events": 20,
    "sigma_hawkes": 1.5,
    "hawkes_intensity_floor_per_s": 0.1,
    "alpha_fill_size": 0.1,
    "fill_size_window": 10,
    "fill_size_weight": 0.05,
    "fill_size_min_fills": 20,
    "sigma_fill_size": 2.0,
    "alpha_basis": 0.2,
    "sigma_basis": 2.0,
    "calibrated_basis_scale_bps": 10.0,
    "alpha_lead": 0.3,
    "sigma_lead": 1.5,
    "lead_window": 100,
    "lead_min_returns": 20,
    "lead_min_confidence": 0.3,
    "calibrated_lead_scale_bps": 10.0,
    "vol_short_s": 30.0,
    "vol_long_s": 300.0,
    "vol_exponent": 0.5,
    "tail_weight": 0.3,
    "as_ratio_adjustment_max": 3.0,
    "kurtosis_window": 100,
    "kurtosis_min_returns": 20,
    "alpha_open_interest": 0.0,
    "sigma_open_interest": 2.0,
    "calibrated_open_interest_scale": 0.01,
    # tiers
    "warm_every_cycles": 2,
    "cold_every_cycles": 5,
}
OWN_DEFAULTS: dict[str, object] = {"price_decimals": 6, "hawkes_silence_horizons": 5.0}
"""Of this project's register, where the decisions leave a value open (Q-01, Q-11)."""

SENSORS = (
    FlowConfig,
    FundingConfig,
    BookConfig,
    SweepConfig,
    HawkesConfig,
    FillSizeConfig,
    CrossVenueConfig,
    OpenInterestConfig,
)

Maker = Callable[[Mapping[str, object]], object]


def code_of(values: dict[str, object], make: Maker | None = None) -> str:
    make = make or partial(make_config, EngineConfig)
    with pytest.raises(RejectedError) as caught:
        make(values)
    assert any(key in str(caught.value) for key in values) or "kappa" in str(caught.value)
    return caught.value.code


def test_defaults_are_the_registers() -> None:
    config = make_config(EngineConfig, {})
    for name, value in {**DEFAULTS, **OWN_DEFAULTS}.items():
        assert getattr(config, name) == value, name
        assert type(getattr(config, name)) is type(value), name
    assert {spec.name for spec in fields(config)} == {*DEFAULTS, *OWN_DEFAULTS}
    assert config == EngineConfig()


COMPONENTS = (DriftConfig, InventoryConfig, *SENSORS, AdaptationConfig, VolatilityConfig)


@pytest.mark.parametrize("kind", COMPONENTS)
def test_components_have_the_engines_defaults(kind: type[Any]) -> None:
    for spec in fields(kind):
        if spec.name != "calibration":
            assert getattr(kind(), spec.name) == {**DEFAULTS, **OWN_DEFAULTS}[spec.name], spec.name


def test_components_default_to_the_plans_calibration() -> None:
    assert [kind().calibration for kind in SENSORS] == ["plan"] * len(SENSORS)
    assert EngineConfig().calibration == "calibrated"


def test_every_parameter_has_unit_source_and_meaning() -> None:
    for spec in fields(EngineConfig):
        assert {"unit", "source", "meaning"} <= set(spec.metadata), spec.name


def test_given_values_replace_defaults() -> None:
    config = make_config(
        EngineConfig,
        {
            "theta_per_s": 1,  # a whole number is a number
            "flow_min_trades": 5,
            "price_decimals": 4.0,
            "level_sizes": [1, 0.5],
            "tick_size": 0.5,
            "base_half_spread_bps": None,
            "use_epnl_filter": True,
            "calibration": "plan",
            "legacy_variant": "deployed",
        },
    )
    assert config.theta_per_s == 1.0
    assert isinstance(config.theta_per_s, float)
    assert (config.flow_min_trades, config.price_decimals) == (5, 4)
    assert isinstance(config.price_decimals, int)
    assert config.level_sizes == (1.0, 0.5)
    assert config.tick_size == 0.5
    assert config.base_half_spread_bps is None
    assert config.use_epnl_filter
    assert (config.calibration, config.legacy_variant) == ("plan", "deployed")


def test_configurations_are_fixed() -> None:
    config: Any = EngineConfig()
    with pytest.raises(FrozenInstanceError):
        config.use_epnl_filter = True


def test_kappa_per_fraction_is_divided_by_ten_thousand() -> None:
    assert per_bps(1287.0) == pytest.approx(0.1287)
    config = make_config(
        EngineConfig, {"kappa_bid_per_fraction": 1287, "kappa_ask_per_fraction": 1500.0}
    )
    assert (config.kappa_bid_per_bps, config.kappa_ask_per_bps) == pytest.approx((0.1287, 0.15))
    market = make_config(MarketConfig, {"kappa_ask_per_fraction": 1500.0})
    assert market.kappa_ask_per_bps == pytest.approx(0.15)


def test_kappa_in_both_units_is_refused() -> None:
    for keys in (
        ("kappa_bid_per_fraction", "kappa_bid_per_bps"),
        ("kappa_bid_per_bps", "kappa_bid_per_fraction"),
    ):
        values: dict[str, object] = {key: 1287.0 if "fraction" in key else 0.1287 for key in keys}
        assert code_of(values) == "out_of_range"


@pytest.mark.parametrize(
    ("make", "values"),
    [
        (partial(make_config, EngineConfig), {"theta": 0.02}),
        (partial(make_config, DriftConfig), {"gamma_base_per_bps": 0.15}),
        (partial(make_config, DriftConfig), {"kappa_bid_per_fraction": 1287.0}),
        (partial(make_config, InventoryConfig), {"use_epnl_filter": True}),
        (partial(make_config, BookConfig), {"alpha_sweep": 1.0}),
        (partial(make_config, VolatilityConfig), {"calibration": "plan"}),
        (partial(make_config, AdaptationConfig), {"prior_variance": 50.0}),
        (partial(make_config, EngineConfig), {"kappa_per_fraction": 1287.0}),
    ],
)
def test_unknown_keys(make: Maker, values: dict[str, object]) -> None:
    assert code_of(values, make) == "unknown_field"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("theta_per_s", "0.02"),
        ("theta_per_s", None),
        ("theta_per_s", True),
        ("theta_per_s", [0.02]),
        ("kappa_bid_per_fraction", "1287"),
        ("kappa_ask_per_fraction", False),
        ("tick_size", "small"),
        ("use_epnl_filter", 1),
        ("use_epnl_filter", "true"),
        ("level_sizes", 0.695),
        ("level_sizes", []),
        ("level_sizes", "0.695"),
        ("level_sizes", [0.695, "0.695"]),
        ("level_sizes", [True]),
        ("flow_horizon_s", "fast"),
        ("flow_horizon_s", True),
        ("flow_horizon_s", None),
    ],
)
def test_values_of_the_wrong_kind(key: str, value: object) -> None:
    assert code_of({key: value}) == "unparsable"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("theta_per_s", 0.0),
        ("theta_per_s", -0.02),
        ("theta_per_s", 1e10),
        ("process_noise", -1e-9),
        ("max_position", 0),
        ("flow_min_trades", 2.5),
        ("flow_min_trades", -1),
        ("flow_horizon_s", 0.5),
        ("flow_horizon_s", 7.0),
        ("flow_horizon_s", 301.0),
        ("price_decimals", 11),
        ("kappa_bid_per_fraction", 0.0),
        ("kappa_bid_per_fraction", 1e16),
        ("tick_size", 0.0),
        ("base_half_spread_bps", -1.0),
        ("level_sizes", [0.695, 0.0]),
        ("theta_min_per_s", 0.11),
        ("theta_max_per_s", 0.09),
        ("process_noise_min", 1.1),
        ("process_noise_max", 0.9),
        ("error_weight", 0.0),
        ("error_weight", 1.1),
        ("funding_history", 1.5),
        ("lead_window", 1),
        ("kurtosis_window", 1),
        ("warm_every_cycles", 0),
        ("cold_every_cycles", 2.5),
        ("hawkes_jump_per_s", 1.0),
        ("hawkes_decay_per_s", 0.3),
        ("calibration", "plain"),
        ("legacy_variant", None),
    ],
)
def test_values_out_of_range(key: str, value: object) -> None:
    assert code_of({key: value}) == "out_of_range"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(
    "key", ["theta_per_s", "kappa_ask_per_fraction", "tick_size", "p_min", "flow_horizon_s"]
)
def test_values_that_are_not_finite(key: str, value: float) -> None:
    assert code_of({key: value}) == "non_finite"
    assert code_of({"level_sizes": [0.695, value]}) == "non_finite"
