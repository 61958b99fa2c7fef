"""Bad input: every field of every kind of step spoilt in each way, and bad configurations.

What is rejected changes nothing, which the good steps in between show.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count

from quotemark.golden.pick import Pick
from quotemark.messages import Json
from quotemark.smoke import FIRST_STEPS
from quotemark.suite.market import (
    MID,
    PHASES_1_TO_4,
    cycle,
    observe,
    signal,
    toxicity,
    trade,
    trend,
)
from quotemark.suite.market_features import (
    book,
    funding,
    open_interest,
    own_fill,
    read,
    reference_price,
)
from quotemark.suite.phase1 import drift_fill, drift_trend
from quotemark.suite.phase3 import flow_trade
from quotemark.suite.phase7_composite import sweep_fill
from quotemark.suite.phase8 import event

T_MS = 1000
LEVELS = ((1.0, 2.0), (60.0, 3.0))

GOOD_STEPS: dict[str, Sequence[Json]] = {
    **{component: [{**step}] for component, step in FIRST_STEPS.items()},
    "drift": [
        {"step": "predict", "t_ms": T_MS},
        observe(-2.0, 5.0),
        drift_fill("buy", 99.9),
        drift_trend(2.0, 0.9, 0.8),
    ],
    "flow": [flow_trade(T_MS, "sell"), read(T_MS)],
    "funding": [
        funding(T_MS, "0.0001"),
        reference_price(T_MS, "mark", MID),
        reference_price(T_MS, "index", 99.9),
        read(T_MS),
    ],
    "book": [book(T_MS, LEVELS, LEVELS), read(T_MS)],
    "sweep": [sweep_fill(T_MS, "buy", 2.0, 2), read(T_MS)],
    "hawkes": [event(T_MS, "sell"), read(T_MS)],
    "volatility": [{"step": "read", "t_ms": T_MS, "mid": MID}],
    "engine": [
        book(T_MS, LEVELS, LEVELS),
        trade(T_MS, "sell"),
        own_fill(T_MS, "buy", 0.1, 2),
        trend(T_MS, 2.0, 0.9, 0.8),
        signal(T_MS, -1.0, 20.0),
        toxicity(T_MS, "bid", 0.6),
        {"step": "estimate", "t_ms": T_MS, "sigma_bps_per_sqrt_s": 1.9, "time_horizon_s": 2.1},
        funding(T_MS, "0.0001"),
        reference_price(T_MS, "mark", MID),
        open_interest(T_MS, 1e6),
        cycle(T_MS),
    ],
}
"""A good step of each kind."""

BAD_KEYS = {
    "drift": "theta_per_s",
    "inventory": "max_position",
    "flow": "sigma_flow",
    "adaptation": "error_weight",
    "funding": "holding_time_s",
    "book": "depth_ref_usd",
    "sweep": "sweep_window_s",
    "hawkes": "hawkes_base_per_s",
    "fill_size": "fill_size_weight",
    "cross_venue": "lead_min_confidence",
    "volatility": "vol_short_s",
    "open_interest": "sigma_open_interest",
    "engine": "sigma_bps_per_sqrt_s",
}
"""A key of each component's configuration whose values must be positive."""

FIGURES = ("inf", "1.0", None, -1.0, 2e15)
WHOLE_NUMBERS = ("nan", "1", None, True, 1.5, 2 * 10**15)
TEXTS = ("neither", 1.0, None)
PAIRS = (None, ["nan", 0.1], [0.1], [0.1, 0.2, 0.3], [0.1, 0.0], [2e15, 0.1])
SIDES: tuple[object, ...] = (
    None,
    [],
    [1.0],
    [[100.0]],
    [["nan", 1.0]],
    [[100.0, 0.0]],
    [[100.0, 1.0], [100.0, 1.0]],
    [[99.0, 1.0]],
    [[101.0, 1.0]],
)


def refusals(component: str) -> list[Pick]:
    """Return cases of bad steps and bad configurations of ``component``."""
    config = {**PHASES_1_TO_4, "level_sizes": [0.5]} if component == "engine" else {}
    return [
        Pick("Steps that are spoilt in one way each", list(_spoilt_session(component)), config),
        *(Pick("A configuration that is refused", [], bad) for bad in _bad_configs(component)),
    ]


def _spoilt_session(component: str) -> Iterator[Json]:
    """Every good step, then all that can be wrong with each, and what the state is after that."""
    good = GOOD_STEPS[component]
    yield from good
    fills = count()
    for step in good:
        for bad in _spoilt(step):
            own = component == "engine" and bad.get("step") == "fill"
            yield {**bad, "id": f"fill-{next(fills)}"} if own else bad
        yield good[-1]
    yield {"step": "no_such_step"}
    yield good[-1]


def _spoilt(step: Json) -> Iterator[Json]:
    for name in step:
        yield {other: value for other, value in step.items() if other != name}
    yield {**step, "comment": 1.0}
    if "t_ms" in step:
        yield {**step, "t_ms": T_MS - 1}
    for name, value in step.items():
        # a toxicity of another source would be at fault for want of a variance too
        if name != "step" and not (name == "source" and _is_toxicity(step)):
            yield from ({**step, name: bad} for bad in _bad_values(value))


def _is_toxicity(step: Json) -> bool:
    return step["step"] == "signal" and "variance" not in step


def _bad_values(value: object) -> Sequence[object]:
    match value:
        case int():
            return WHOLE_NUMBERS
        case float():
            return FIGURES
        case str():
            return TEXTS
        case [float(), *_]:
            return PAIRS
    return SIDES


def _bad_configs(component: str) -> Iterator[Json]:
    yield {"no_such_key": 1.0}
    if component in BAD_KEYS:
        yield from ({BAD_KEYS[component]: bad} for bad in ("nan", "0.1", True, None, -1.0, 2e9))
    if component == "hawkes":
        yield {"hawkes_jump_per_s": 2.0, "hawkes_decay_per_s": 2.0}
    if component == "flow":
        yield {"flow_horizon_s": 7.0}
        yield {"flow_min_trades": 1.5}
        yield {"calibration": "none"}
    if component == "engine":
        yield {"kappa_bid_per_bps": 0.1, "kappa_bid_per_fraction": 1000.0}
        yield {"use_kalman_drift": "yes"}
        yield {"level_sizes": [1.0, 0.0]}
