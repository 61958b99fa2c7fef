"""Steps as the checks write them: short names for the events of a market around a mid of 100."""

from __future__ import annotations

from collections.abc import Iterable

from quotemark.messages import Json

MID = 100.0
MAX_POSITION = 8.57
CYCLE_MS = 6450
GATES = {
    1: "use_kalman_drift",
    2: "use_continuous_gamma",
    3: "use_directional_flow",
    4: "use_epnl_filter",
    5: "use_online_adaptation",
    6: "use_funding",
    7: "use_book_features",
    8: "use_tape_features",
}


def gates(*phases: int, variant: str = "documented") -> Json:
    """Configuration with the gates of ``phases`` on and the others off."""
    on: Json = {name: phase in phases for phase, name in GATES.items()}
    return {**on, "legacy_variant": variant}


PHASES_1_TO_4 = gates(1, 2, 3, 4)
ALL_PHASES = gates(*GATES)


def switched_on(config: Json) -> list[int]:
    """Phases whose gates ``config`` switches on."""
    return [phase for phase, name in GATES.items() if config.get(name) is True]


def needs_legacy(config: Json) -> bool:
    """Whether a gate is off; that of phase 4 is, unless it is switched on (D-38)."""
    return config.get(GATES[4]) is not True or any(
        config.get(key) is False for key in GATES.values()
    )


def predict(t_ms: int) -> Json:
    """drift: propagate to ``t_ms``."""
    return {"step": "predict", "t_ms": t_ms}


def observe(z_bps_per_s: float | str, variance: float | str) -> Json:
    """drift: an observation; text stands for numbers that are not finite."""
    return {"step": "observe", "z_bps_per_s": z_bps_per_s, "variance": variance}


def cycle(t_ms: int, mid: float = MID) -> Json:
    """Quote at ``t_ms`` around ``mid``."""
    return {"step": "cycle", "t_ms": t_ms, "mid": mid}


def trend(t_ms: int, magnitude_bps: float, agreement: float = 1.0, p: float = 0.8) -> Json:
    """Return a trend reading; positive magnitudes are a falling market."""
    return {
        "step": "trend",
        "t_ms": t_ms,
        "magnitude_bps": magnitude_bps,
        "agreement": agreement,
        "p_continuation": p,
    }


def signal(t_ms: int, value: float, variance: float, source: str = "momentum") -> Json:
    """Return a drift signal."""
    return {
        "step": "signal",
        "t_ms": t_ms,
        "source": source,
        "value": value,
        "variance": variance,
    }


def toxicity(t_ms: int, side: str, value: float) -> Json:
    """Return a toxicity reading of one side."""
    return {"step": "signal", "t_ms": t_ms, "source": f"toxicity_{side}", "value": value}


def trade(t_ms: int, side: str, size: float = 1.0, price: float = MID) -> Json:
    """Return another's trade; ``side`` is the aggressor's."""
    return {"step": "trade", "t_ms": t_ms, "side": side, "price": price, "size": size}


def trades(side: str, count: int = 30, start_ms: int = 0, every_ms: int = 100) -> list[Json]:
    """Return a run of one-sided trades."""
    return [trade(start_ms + index * every_ms, side) for index in range(count)]


def at_position(share: float, t_ms: int = 0) -> list[Json]:
    """Own fill at mid that brings a flat engine to ``share`` of its limit, without any drift."""
    if share == 0.0:
        return []
    return [
        {
            "step": "fill",
            "t_ms": t_ms,
            "side": "buy" if share > 0.0 else "sell",
            "price": MID,
            "size": abs(share) * MAX_POSITION,
            "id": f"position-{share}",
            "mid": MID,
        }
    ]


def mirrored(steps: Iterable[Json]) -> list[Json]:
    """Return the same steps with bull and bear, and bid and ask, exchanged at a constant mid."""
    return [_mirrored(step) for step in steps]


def _mirrored(step: Json) -> Json:
    other = {"buy": "sell", "sell": "buy", "bid": "ask", "ask": "bid"}
    flipped = {**step}
    if "side" in step:
        flipped["side"] = other[step["side"]]
    for name in ("magnitude_bps", "z_bps_per_s", "value", "position", "drift_bps_per_s"):
        if name in step:
            flipped[name] = -step[name]
    if "price" in step:
        flipped["price"] = 2.0 * MID - step["price"]
    return flipped
