"""Faults once found in the reference, each with the test that would have caught it."""

from __future__ import annotations

import pytest
from tests.reference.markets import MID

from quotemark_reference.config import DriftConfig, EngineConfig, FlowConfig, make_config
from quotemark_reference.engine import QuoteEngine
from quotemark_reference.errors import OutOfRangeError, RejectedError


def sold_engine(**values: object) -> QuoteEngine:
    engine = QuoteEngine(make_config(EngineConfig, values))
    for _ in range(20):
        engine.on_trade(0, "sell", MID, 1.0)
    return engine


@pytest.mark.parametrize(
    ("values", "silence_s"),
    [
        ({"flow_horizon_s": 30}, 149),
        ({"flow_horizon_s": 300}, 600),
        ({"flow_silence_horizons": 40}, 190),
    ],
)
def test_a_quiet_tape_does_not_stop_the_cycle(values: dict[str, object], silence_s: int) -> None:
    engine = sold_engine(**values)
    engine.on_signal(0, -3.0, 9.0)
    assert engine.cycle(silence_s * 1000, MID).bids


def test_a_very_quiet_tape_does_not_divide_by_zero() -> None:
    sold_engine(flow_silence_horizons=1000).cycle(4_000_000, MID)


@pytest.mark.parametrize("name", ["sigma_trend", "sigma_flow"])
@pytest.mark.parametrize("noise", [1e-9, 1e9])
def test_noise_that_no_observation_could_carry_is_refused(name: str, noise: float) -> None:
    with pytest.raises(OutOfRangeError):
        make_config(EngineConfig, {name: noise})


@pytest.mark.parametrize("sigma_flow", [1e-3, 1e6])
def test_every_configured_sigma_flow_can_be_quoted_with(sigma_flow: float) -> None:
    engine = sold_engine(sigma_flow=sigma_flow, calibration="plan")
    assert engine.cycle(0, MID).bids


def test_a_huge_whole_number_is_refused_by_name() -> None:
    with pytest.raises(RejectedError):
        make_config(DriftConfig, {"theta_per_s": 10**400})


@pytest.mark.parametrize("name", ["flow_multiplier_min", "flow_multiplier_max"])
def test_a_clamp_always_includes_1(name: str) -> None:
    beyond = 1.5 if name == "flow_multiplier_min" else 0.5
    with pytest.raises(OutOfRangeError):
        make_config(FlowConfig, {name: beyond})
