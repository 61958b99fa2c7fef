"""The smoke test: the shortest conversation that shows an adapter to be wired up."""

from __future__ import annotations

from msgspec import Struct

from quotemark.messages import Answer, Identity, Json, Ok, OpenAnswer, Opened, Unsupported
from quotemark.port import Engine

FIRST_STEPS: dict[str, Json] = {
    "drift": {"step": "predict", "t_ms": 0},
    "inventory": {
        "step": "position",
        "position": 0.0,
        "sigma_bps_per_sqrt_s": 2.0,
        "time_horizon_s": 2.0,
    },
    "flow": {"step": "read", "t_ms": 0},
    "glft": {
        "step": "depths",
        "gamma_per_bps": 0.15,
        "kappas_per_bps": [0.1287, 0.1287],
        "sigma_bps_per_sqrt_s": 2.0,
        "time_horizon_s": 2.0,
        "fee_bps": 1.5,
        "drift_bps_per_s": 0.0,
        "skew_bps": 0.0,
    },
    "expected_pnl": {
        "step": "level",
        "side": "bid",
        "depth_bps": 7.25,
        "gamma_base_per_bps": 0.15,
        "inventory_beta": 7.0,
        "kappa_per_bps": 0.1287,
        "sigma_bps_per_sqrt_s": 2.0,
        "time_horizon_s": 2.0,
        "drift_bps_per_s": 0.0,
        "position": 0.0,
        "max_position": 8.57,
        "as_cost_bps": 2.26,
        "fee_bps": 1.5,
    },
    "adaptation": {
        "step": "markout",
        "predicted_drift_bps_per_s": -2.0,
        "predicted_variance": 8.0,
        "realised_drift_bps_per_s": -1.0,
        "sigma_bps_per_sqrt_s": 2.0,
        "window_s": 5.0,
    },
    "funding": {"step": "funding", "t_ms": 0, "rate": "0.0000125", "interval_s": 3600.0},
    "book": {"step": "book", "t_ms": 0, "bids": [[99.99, 1.0]], "asks": [[100.01, 1.0]]},
    "sweep": {"step": "read", "t_ms": 0},
    "hawkes": {"step": "read", "t_ms": 0},
    "fill_size": {"step": "fill", "side": "buy", "size": 0.695},
    "cross_venue": {"step": "read", "mid": 100.0, "spot": 100.0, "leader": 50_000.0},
    "volatility": {"step": "read", "t_ms": 0, "mid": 100.0},
    "open_interest": {"step": "read", "mid": 100.0, "contracts": 1e6},
    "engine": {"step": "cycle", "t_ms": 0, "mid": 100.0},
}

UNSUPPORTED = "unsupported: "


class SmokeResult(Struct, frozen=True):
    """Who the engine is, and what each component answered.

    That is ``ok``, ``unsupported:`` with the engine's reason, or what went wrong.
    """

    identity: Identity
    components: dict[str, str]

    @property
    def passed(self) -> bool:
        """Whether every component answered, be it that it is unsupported."""
        answers = self.components.values()
        return bool(answers) and all(
            answer == "ok" or answer.startswith(UNSUPPORTED) for answer in answers
        )


def smoke_test(engine: Engine) -> SmokeResult:
    """Open each component that the engine offers, apply one step, close."""
    identity = engine.initialize()
    return SmokeResult(
        identity, {component: _smoke(engine, component) for component in identity.components}
    )


def _smoke(engine: Engine, component: str) -> str:
    if component not in FIRST_STEPS:
        return f"unknown component, expected one of {', '.join(FIRST_STEPS)}"
    opened = engine.open("smoke", component, {}, 0)
    if not isinstance(opened, Opened):
        return _told(opened, "open: ")
    answer = engine.apply("smoke", [FIRST_STEPS[component]])[0]
    engine.close("smoke")
    return _told(answer, "")


def _told(answer: OpenAnswer | Answer, asked: str) -> str:
    match answer:
        case Ok():
            return "ok"
        case Unsupported():
            return f"{UNSUPPORTED}{answer.reason}"
    return f"{asked}{answer}"
