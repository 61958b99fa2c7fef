"""The smallest engine that conforms: ``drift`` and ``expected_pnl`` over stdio, nothing imported.

To be read beside PROTOCOL.md, from its end: lines, methods, the check of a step, the formulas.
"""

import math
from typing import Any

FINITE, FROM_0, POSITIVE, FRACTION = (-1e15, 1e15), (0.0, 1e15), (1e-15, 1e15), (0.0, 1.0)


class RejectedError(Exception):
    """Bad input: a code of the closed list, and a message. No state has changed."""

    def answer(self) -> dict[str, str]:
        return {"status": "rejected", "code": self.args[0], "message": self.args[1]}


def check(name: str, value: Any, allowed: tuple[Any, ...]) -> None:
    if isinstance(allowed[0], str):
        if value not in allowed:
            raise RejectedError("unparsable", f"{name} is {value!r}, expected one of {allowed}")
    elif type(value) is not int and (type(value) is not float or name == "t_ms"):
        code = "non_finite" if value in ("nan", "inf", "-inf") else "unparsable"
        raise RejectedError(code, f"{name} is {value!r}, expected a number")
    elif not allowed[0] <= value <= allowed[1]:
        raise RejectedError("out_of_range", f"{name} is {value}, expected {allowed}")


def check_step(step: dict[str, Any], kinds: dict[str, Any]) -> None:
    if step.get("step") not in list(kinds):
        code = "unknown_step" if "step" in step else "missing_field"
        raise RejectedError(code, f"step is {step.get('step')!r}, expected one of {list(kinds)}")
    fields = kinds[step["step"]]
    for name in step:
        if name not in fields and name != "step":
            raise RejectedError("unknown_field", f"{name} is unknown")
    for name, allowed in fields.items():
        if name not in step:
            raise RejectedError("missing_field", f"{name} is absent")
        check(name, step[name], allowed)


def added_variance(theta: float, process_noise: float, dt_s: float) -> float:
    """Q(dt) = q / (2 theta) (1 - e^(-2 theta dt)): exact, not q dt (D-01)."""
    return process_noise / (2.0 * theta) * -math.expm1(-2.0 * theta * dt_s)


class Drift:
    """Phase 1: the posterior N(mean, variance) of the drift."""

    config = {  # default, least, greatest
        "theta_per_s": (0.02, 1e-9, 1e9),
        "process_noise": (1.0, 0.0, 1e9),
        "prior_variance": (50.0, 1e-9, 1e9),
        "p_min": (2.0, 0.0, 1e9),
        "fill_variance": (9.0, 1e-9, 1e9),
        "sigma_trend": (2.0, 1e-3, 1e6),
    }
    steps = {
        "predict": {"t_ms": FINITE},
        "observe": {"z_bps_per_s": FINITE, "variance": POSITIVE},
        "fill": {
            "side": ("buy", "sell"),
            **dict.fromkeys(("price", "mid", "sigma_bps_per_sqrt_s"), POSITIVE),
        },
        "trend": {"magnitude_bps": FINITE, "agreement": FRACTION, "p_continuation": FRACTION},
    }
    fields = ("drift_bps_per_s", "variance", "uncertainty_bps_per_s", "confidence")

    def __init__(self, config: dict[str, float]) -> None:
        self.c, self.t_ms = config, None
        self.mean, self.variance = 0.0, config["prior_variance"]

    def apply(self, step: dict[str, Any]) -> dict[str, Any]:
        check_step(step, self.steps)
        getattr(self, step["step"])(step)
        ...
