"""Steps of phase 5: how theta and process noise follow the markouts of own fills."""

from __future__ import annotations

from pytest_bdd import parsers, then, when

from quotemark.builtin import BuiltinEngine
from quotemark.messages import Json
from quotemark.port import Engine
from quotemark.suite import phase5
from quotemark.suite.bench import Bench
from quotemark.suite.desk import (
    Desk,
    component_observations,
    holds,
    needs_fields,
    reads,
)

# predicted and realised drift in bp/s
ERRORS = {"fall far short of": (-4.0, 90.0), "go just beyond": (-4.0, -4.001)}


@then(parsers.parse("theta is {expected} per second"))
def _theta_is(desk: Desk, expected: str) -> None:
    assert reads(desk.figure("theta_per_s") * 1e4, str(float(expected) * 1e4))


@then(parsers.parse("the process noise is {expected}"))
def _process_noise_is(desk: Desk, expected: str) -> None:
    assert reads(desk.figure("process_noise"), expected)


@when(parsers.parse("{count:d} drifts in a row {err} the prediction"), target_fixture="adapted")
def _drifts_in_a_row(engine: Engine, count: int, err: str) -> Json:
    needs_fields(engine, "adaptation", "theta_per_s", "process_noise")
    predicted, realised = ERRORS[err]
    markout: Json = {
        "step": "markout",
        "predicted_drift_bps_per_s": predicted,
        "predicted_variance": 25.0,
        "realised_drift_bps_per_s": realised,
        "sigma_bps_per_sqrt_s": 2.0,
        "window_s": 5.0,
    }
    return component_observations(engine, "adaptation", [markout] * count)[-1]


@then(parsers.parse("adaptation ends at a theta of {theta} and a process noise of {noise}"))
def _adaptation_ends_at(adapted: Json, theta: str, noise: str) -> None:
    assert reads(adapted["theta_per_s"], theta)
    assert reads(adapted["process_noise"], noise)


@then("process noise started four times too high or too low converges within 60 fills")
def _far_starts_converge(engine: Engine) -> None:
    needs_fields(engine, "adaptation", "process_noise")
    bench = Bench(engine, engine.initialize(), BuiltinEngine(), 0)
    holds(phase5.far_starts_converge_within_60_fills, bench)
