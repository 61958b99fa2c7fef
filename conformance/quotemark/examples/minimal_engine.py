"""The smallest conforming engine: ``drift`` and ``expected_pnl`` over stdio, as in PROTOCOL.md."""

import json
import math
import sys
from typing import Any

Json = dict[str, Any]


def fields(text: str) -> dict[str, str]:
    """Fields by name, each with the words it may be; a number has none."""
    return dict(field.partition("=")[::2] for field in text.split())


STEPS = {  # of each component, with the fields of each
    "drift": {
        "predict": fields("t_ms"),
        "observe": fields("z_bps_per_s variance"),
        "fill": fields("side=buy|sell price mid sigma_bps_per_sqrt_s"),
        "trend": fields("magnitude_bps agreement p_continuation"),
    },
    "expected_pnl": {
        "level": fields("""side=bid|ask depth_bps gamma_base_per_bps inventory_beta kappa_per_bps
        max_position sigma_bps_per_sqrt_s time_horizon_s drift_bps_per_s position as_cost_bps
        fee_bps carry_cost_bps""")
    },
}
PNL, POSTERIOR = ("expected_pnl_bps", "keep"), ("drift_bps_per_s", "variance", "confidence")
GIVEN = {"drift": (*POSTERIOR, "uncertainty_bps_per_s"), "expected_pnl": PNL}
CONFIG = {"theta_per_s": 0.02, "process_noise": 1.0, "prior_variance": 50.0, "p_min": 2.0}
DEFAULTS: Json = {"drift": CONFIG | {"fill_variance": 9.0, "sigma_trend": 2.0}, "expected_pnl": {}}
SIGNED = fields("""t_ms z_bps_per_s magnitude_bps inventory_beta drift_bps_per_s position
as_cost_bps fee_bps carry_cost_bps""")
RANGES = dict.fromkeys(SIGNED, (-1e15, 1e15)) | {"depth_bps": (0.0, 1e15)}
RANGES |= dict.fromkeys((*CONFIG, "fill_variance"), (1e-9, 1e9))
RANGES |= {"process_noise": (0.0, 1e9), "p_min": (0.0, 1e9)}
RANGES |= {"agreement": (0.0, 1.0), "p_continuation": (0.0, 1.0), "sigma_trend": (1e-3, 1e6)}
SESSIONS: dict[str, tuple[str, Json]] = {}


def check(words: dict[str, str], values: Json) -> None:
    """Raise ValueError(code, message) unless ``values`` are just those named, all in range."""
    for name in words.keys() ^ values.keys():
        raise ValueError("unknown_field" if name in values else "missing_field", name)
    for name, value in values.items():
        low, high = RANGES.get(name, (1e-15, 1e15))
        if words[name] and value in words[name].split("|"):
            continue
        if words[name] or type(value) not in ((int,) if name == "t_ms" else (int, float)):
            not_finite = not words[name] and value in ("nan", "inf", "-inf")
            raise ValueError("non_finite" if not_finite else "unparsable", f"{name} is {value!r}")
        if not low <= value <= high:
            raise ValueError("out_of_range", f"{name} is {value}, expected {low} to {high}")


def added_variance(theta: float, process_noise: float, dt_s: float) -> float:
    """Q(dt) = q / (2 theta) (1 - e^(-2 theta dt)): exact, not q dt."""
    return process_noise / (2.0 * theta) * -math.expm1(-2.0 * theta * dt_s)


def drift(state: Json, kind: str, step: Json) -> tuple[Any, ...]:
    """Take a step of the Kalman filter; ``state`` is its configuration, mean, variance and time."""
    z, r = step.get("z_bps_per_s", 0.0), step.get("variance")
    if kind == "predict":
        theta, last_ms = state["theta_per_s"], state.get("t_ms", step["t_ms"])
        if step["t_ms"] < last_ms:
            raise ValueError("time_reversed", f"t_ms is {step['t_ms']}, expected {last_ms} or more")
        dt_s, state["t_ms"] = (step["t_ms"] - last_ms) / 1000.0, step["t_ms"]
        state["mean"] *= math.exp(-theta * dt_s)
        state["variance"] *= math.exp(-2.0 * theta * dt_s)
        state["variance"] += added_variance(theta, state["process_noise"], dt_s)
    elif kind == "fill":  # an own buy is bearish, an own sell bullish
        z = abs(step["mid"] - step["price"]) / step["mid"] * 1e4 / step["sigma_bps_per_sqrt_s"]
        z, r = -z if step["side"] == "buy" else z, state["fill_variance"]
    elif kind == "trend" and step["agreement"]:  # positive magnitudes are a falling market
        z = -step["magnitude_bps"] * step["agreement"] * step["p_continuation"]
        r = state["sigma_trend"] ** 2 / step["agreement"] / step["agreement"]
    if r is not None and (kind != "trend" or r <= 1e15):
        check(STEPS["drift"]["observe"], {"z_bps_per_s": z, "variance": r})
        gain = state["variance"] / (state["variance"] + r)
        state["mean"] += gain * (z - state["mean"])
        state["variance"] = max(state["p_min"], (1.0 - gain) * state["variance"])
    confidence = min(1.0, max(0.0, 1.0 - state["variance"] / state["prior_variance"]))
    return state["mean"], state["variance"], confidence, math.sqrt(state["variance"])


def expected_pnl(step: Json) -> tuple[Any, ...]:
    """E[PnL] = lambda (d - AS - fee - carry) + drift contribution - inventory penalty."""
    sigma, tau, bid = step["sigma_bps_per_sqrt_s"], step["time_horizon_s"], step["side"] == "bid"
    u = min(1.0, max(-1.0, step["position"] / step["max_position"]))
    gamma = step["gamma_base_per_bps"] * (1.0 + step["inventory_beta"] * u * u)
    penalty = gamma * abs(u) * sigma * sigma * tau * (1.0 if bid == (u > 0.0) else -0.5)
    drift_term = step["drift_bps_per_s"] * tau / 2.0 * (1.0 if bid else -1.0)
    margin = step["depth_bps"] - step["as_cost_bps"] - step["fee_bps"] - step["carry_cost_bps"]
    pnl = math.exp(-step["kappa_per_bps"] * step["depth_bps"]) * margin + drift_term - penalty
    return pnl, pnl > 0.0


def act(method: str, params: Json, step: Json) -> Json:
    """Open a session, apply a step or close; what is rejected has changed nothing."""
    session = params["session"]
    if (session in SESSIONS) == (method == "open"):
        raise ValueError("duplicate" if method == "open" else "not_open", f"session {session!r}")
    if method == "close":
        del SESSIONS[session]
        return {}
    if method == "open":
        component = params["component"]
        if component not in STEPS:
            raise ValueError("unknown_component", component)
        config = DEFAULTS[component] | params["config"]
        check(dict.fromkeys(DEFAULTS[component], ""), config)
        state = config | {"mean": 0.0, "variance": config.get("prior_variance")}
        SESSIONS[session] = component, state
        return {"config": config}
    (component, state), kind = SESSIONS[session], step.pop("step", None)
    if kind not in list(STEPS[component]):
        raise ValueError("missing_field" if kind is None else "unknown_step", f"step is {kind!r}")
    step = {"carry_cost_bps": 0.0, **step} if kind == "level" else step
    check(STEPS[component][kind], step)
    figures = expected_pnl(step) if kind == "level" else drift(state, kind, step)
    return {"observation": dict(zip(GIVEN[component], figures, strict=True))}


def answer(method: str, params: Json, step: Json) -> Json:
    """Answer with the status; an error of ``act`` is a rejection."""
    try:
        return {"status": "ok", **act(method, params, step)}
    except ValueError as error:
        return {"status": "rejected", "code": error.args[0], "message": error.args[1]}


def main() -> None:
    """Answer each line by one line, flushed at once, until stdin ends."""
    identity: Json = {"protocol": "1.0", "name": "minimal", "version": "1.0", "digest": "none"}
    identity |= {"phases": [1, 4], "components": list(STEPS), "fields": GIVEN, "clock": "injected"}
    for line in sys.stdin:
        request = json.loads(line)
        method, params = request["method"], request.get("params", {})
        result: Json | None = identity if method == "initialize" else None
        if method == "apply":
            result = {"observations": [answer(method, params, step) for step in params["steps"]]}
        elif method in ("open", "close"):
            result = answer(method, params, {})
        print(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}), flush=True)


if __name__ == "__main__":
    main()
