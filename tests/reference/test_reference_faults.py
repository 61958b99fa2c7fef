"""Faults found in the reference. Each test says what should hold; drop its mark once it does."""

from __future__ import annotations

import pickle

import pytest
from tests.reference.markets import MID

from quotemark_reference.config import DriftConfig, EngineConfig, FlowConfig, make_config
from quotemark_reference.engine import QuoteEngine
from quotemark_reference.errors import RejectedError
from quotemark_reference.flow import kappa_multipliers


def sold_engine(**values: object) -> QuoteEngine:
    engine = QuoteEngine(make_config(EngineConfig, values))
    for _ in range(20):
        engine.on_trade(0, "sell", MID, 1.0)
    return engine


@pytest.mark.xfail(reason="R of a long-silent flow exceeds 1e15: the cycle raises", strict=True)
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


@pytest.mark.xfail(reason="decayed count underflows to 0", strict=True, raises=ZeroDivisionError)
def test_a_very_quiet_tape_does_not_divide_by_zero() -> None:
    sold_engine(flow_silence_horizons=1000).cycle(4_000_000, MID)


@pytest.mark.xfail(reason="only 1, 5, 30 and 300 s exist", strict=True, raises=KeyError)
def test_a_horizon_that_does_not_exist_is_refused() -> None:
    try:
        config = make_config(EngineConfig, {"flow_horizon_s": 7})
    except RejectedError:
        return
    engine = QuoteEngine(config)
    engine.on_trade(0, "sell", MID, 1.0)
    engine.cycle(0, MID)


@pytest.mark.xfail(reason="time moves before the observation is checked", strict=True)
def test_a_rejected_trend_changes_nothing() -> None:
    engine = QuoteEngine(make_config(EngineConfig, {"sigma_trend": 1e-9}))
    engine.cycle(0, MID)
    state = pickle.dumps(engine)
    with pytest.raises(RejectedError):  # R would be 1e-18, below the least that is taken
        engine.on_trend(1000, 10.0, 1.0, 1.0)
    assert pickle.dumps(engine) == state


@pytest.mark.xfail(reason="a sigma_flow in its range gives an R out of range", strict=True)
@pytest.mark.parametrize("sigma_flow", [1e-9, 1e9])
def test_every_configured_sigma_flow_can_be_quoted_with(sigma_flow: float) -> None:
    engine = sold_engine(sigma_flow=sigma_flow, calibration="plan")
    assert engine.cycle(0, MID).bids


@pytest.mark.xfail(reason="isfinite of a large int", strict=True, raises=OverflowError)
def test_a_huge_whole_number_is_refused_by_name() -> None:
    with pytest.raises(RejectedError):
        make_config(DriftConfig, {"theta_per_s": 10**400})


@pytest.mark.xfail(reason="the clamp acts at sensitivity 0 too", strict=True)
def test_sensitivity_zero_is_exactly_off_whatever_the_clamp() -> None:
    config = make_config(FlowConfig, {"flow_sensitivity": 0, "flow_multiplier_min": 1.5})
    assert kappa_multipliers(0.5, config) == (1.0, 1.0)


@pytest.mark.xfail(reason="the two ends of the clamp are not compared", strict=True)
def test_a_clamp_upside_down_is_refused() -> None:
    with pytest.raises(RejectedError):
        make_config(FlowConfig, {"flow_multiplier_min": 3.0, "flow_multiplier_max": 0.5})
