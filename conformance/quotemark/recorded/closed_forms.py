"""Closed forms: figures of a recording held against the plan's formulas, without the reference.

They take the engine's own last figures, what it was sent and its configuration, and so name the
rule that is broken where agreement only names the field.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from quotemark.messages import Json
from quotemark.recorded.looks import SIDES, Moment, Sighting, look
from quotemark.suite.compare import TIE, is_close

# --- phase 1: the filter ----------------------------------------------------------------------


def grown(variance: float, dt_s: float, theta_per_s: float, process_noise: float) -> float:
    """P after dt without an observation: P e^(-2 theta dt) + q/(2 theta) (1 - e^(-2 theta dt))."""
    decay = -2.0 * theta_per_s * dt_s
    return variance * math.exp(decay) - process_noise / (2.0 * theta_per_s) * math.expm1(decay)


def predicted_variance(moment: Moment) -> float:
    """P that a cycle would have without observations, from the one before."""
    past, known = moment.past, moment.known
    if past.timed_ms is None:
        prior: float = past.config["prior_variance"]
        return prior
    dt_s = (moment.t_ms - past.timed_ms) / 1000.0
    before = past.before["drift_variance"]
    return grown(before, dt_s, known["theta_per_s"], known["process_noise"])


PREDICT = "predict after a time that passed"


@look("drift", "D-01", needs=("variance",), situations=(PREDICT,))
def a_predict_adds_the_exact_noise(moment: Moment) -> Iterator[Sighting]:
    """The variance grows by the exact integral."""
    if (dt_s := _passed_s(moment)) > 0.0 and moment.past.before:
        config, before = moment.past.config, moment.past.before["variance"]
        expected = grown(before, dt_s, config["theta_per_s"], config["process_noise"])
        yield Sighting(PREDICT, expected, moment.shown["variance"])


DECAY = "predict of a drift that is not 0, after a time that passed"


@look(
    "drift",
    "P1.test_kalman_predict_decays_toward_zero",
    "P1.test_no_signals_decays_via_ou",
    needs=("drift_bps_per_s",),
    situations=(DECAY,),
)
def a_predict_takes_the_drift_to_0(moment: Moment) -> Iterator[Sighting]:
    """It decays at the rate theta."""
    if (dt_s := _passed_s(moment)) > 0.0 and moment.past.before.get("drift_bps_per_s"):
        before = moment.past.before["drift_bps_per_s"]
        decayed = before * math.exp(-moment.past.config["theta_per_s"] * dt_s)
        yield Sighting(DECAY, decayed, moment.shown["drift_bps_per_s"])


OBSERVE = "observation"


@look(
    "drift",
    "P1.test_kalman_update_moves_toward_observation",
    needs=("drift_bps_per_s", "variance"),
    situations=(OBSERVE,),
)
def an_observation_moves_the_drift_by_its_gain(moment: Moment) -> Iterator[Sighting]:
    """The gain is P/(P + R)."""
    if moment.step["step"] == "observe" and moment.past.before:
        before, observed = moment.past.before, moment.step
        gain = before["variance"] / (before["variance"] + observed["variance"])
        push = gain * (observed["z_bps_per_s"] - before["drift_bps_per_s"])
        moved = before["drift_bps_per_s"] + push
        yield Sighting(OBSERVE, moved, moment.shown["drift_bps_per_s"])


ANY_STATE = "state of the drift"


@look("drift", "U-2", needs=("variance", "uncertainty_bps_per_s"), situations=(ANY_STATE,))
def uncertainty_is_the_root_of_the_variance(moment: Moment) -> Iterator[Sighting]:
    """It is sqrt(P)."""
    root = math.sqrt(moment.shown["variance"])
    yield Sighting(ANY_STATE, root, moment.shown["uncertainty_bps_per_s"])


UNOBSERVED = "cycle without an observation, after a time that passed"


@look(
    "engine",
    "D-01",
    needs=("drift_variance", "drift_observations", "theta_per_s", "process_noise"),
    situations=(UNOBSERVED,),
)
def a_cycle_adds_the_exact_noise(moment: Moment) -> Iterator[Sighting]:
    """The variance grows by the exact integral from cycle to cycle."""
    if not (moment.is_cycle(1) and moment.past.before and _passed_s(moment) > 0.0):
        return
    if not moment.shown["drift_observations"]:
        yield Sighting(UNOBSERVED, predicted_variance(moment), moment.shown["drift_variance"])


ABOVE_FLOOR = "cycle whose last observation leaves the variance above the floor"
FLOORED = "cycle whose last observation takes the variance to the floor"
ON_ARRIVAL = ("fill", "trend")
"""Sources of observations that come before a cycle's predict."""


@look(
    "engine",
    "D-04",
    needs=("drift_variance", "drift_observations"),
    situations=(ABOVE_FLOOR, FLOORED),
)
def the_variance_is_floored_after_updates(moment: Moment) -> Iterator[Sighting]:
    """With K = P/(P + R), what the update leaves is (1 - K) P = K R, or P_min."""
    if not (moment.is_cycle(1) and moment.shown["drift_observations"]):
        return
    last = moment.shown["drift_observations"][-1]
    if last["source"] not in ON_ARRIVAL:
        left, floor = last["gain"] * last["variance"], moment.past.config["p_min"]
        situation = FLOORED if left < floor else ABOVE_FLOOR
        yield Sighting(situation, max(floor, left), moment.shown["drift_variance"])


# --- phases 2 and 4: risk aversion and expected PnL -------------------------------------------


HOLDING = "cycle with a position"


@look(
    "engine",
    "D-08",
    needs=("gamma_per_bps", "skew_bps", "position", "sigma_bps_per_sqrt_s"),
    situations=(HOLDING,),
)
def gamma_grows_with_the_square_of_the_position(moment: Moment) -> Iterator[Sighting]:
    """gamma(q) = gamma_base (1 + beta u^2), and the skew follows: gamma(q) sigma^2 u tau."""
    if moment.is_cycle(2) and moment.shown["position"] != 0.0:
        skew_bps = _risk_bps(moment) * _clipped_share(moment)
        shown = [moment.shown["gamma_per_bps"], moment.shown["skew_bps"]]
        yield Sighting(HOLDING, [_gamma_per_bps(moment), skew_bps], shown)


HOLDING_IN_DRIFT = "side of a cycle with a position and a drift"
FLAT = "side of a flat cycle"


@look(
    "engine",
    *("D-09", "D-15", "D-16", "D-17", "D-18"),
    needs=(
        *("expected_pnl_bps", "carry_bps", "touch_depths_bps", "as_cost_bps", "position"),
        *("drift_bps_per_s", "sigma_bps_per_sqrt_s"),
    ),
    situations=(HOLDING_IN_DRIFT, FLAT),
)
def expected_pnl_is_its_formula(moment: Moment) -> Iterator[Sighting]:
    """Of every level of the full ladder, on either side."""
    if not moment.is_cycle(4):
        return
    is_flat = moment.shown["position"] == 0.0
    if not is_flat and moment.shown["drift_bps_per_s"] == 0.0:
        return
    for number, side in enumerate(SIDES):
        pnls = moment.shown["expected_pnl_bps"][number]
        expected = expected_pnls_bps(moment, side, len(pnls))
        yield Sighting(FLAT if is_flat else HOLDING_IN_DRIFT, expected, pnls)


def expected_pnls_bps(moment: Moment, side: str, levels: int) -> list[float]:
    """E[PnL] from the touch on: e^(-kappa d) (d - AS - fee - carry) +- mu tau/2 - inventory."""
    shown, past = moment.shown, moment.past
    number, sign = (0, 1.0) if side == "bids" else (1, -1.0)
    kappa, touch_bps = past.kappas[number], shown["touch_depths_bps"][number]
    costs = shown["as_cost_bps"] + past.config["fee_bps"] + shown["carry_bps"][number]
    drift = sign * shown["drift_bps_per_s"] * past.time_horizon_s / 2.0
    u = _clipped_share(moment)
    inventory = abs(u) * _risk_bps(moment) * (1.0 if sign * u > 0.0 else -0.5)
    spacing_bps = past.config["level_spacing_bps"]
    depths = [touch_bps + level * spacing_bps for level in range(levels)]
    return [math.exp(-kappa * depth) * (depth - costs) + drift - inventory for depth in depths]


DROPPED = "side with a level of negative expected PnL"


@look("engine", "D-20", needs=("expected_pnl_bps", *SIDES, "quote.level"), situations=(DROPPED,))
def levels_rest_while_they_are_expected_to_earn(moment: Moment) -> Iterator[Sighting]:
    """No level of an expected PnL of 0 or less rests."""
    if not moment.is_cycle(4):
        return
    for number, side in enumerate(SIDES):
        pnls = moment.shown["expected_pnl_bps"][number]
        if min(pnls) <= 0.0 and min(map(abs, pnls)) > TIE:
            resting = [quote["level"] for quote in moment.shown[side]]
            losing = [level for level in resting if pnls[level] <= 0.0]
            yield Sighting(DROPPED, [], losing)


# --- the ladder -------------------------------------------------------------------------------


def floored_touch_bps(state: Json, config: Json, side: str) -> float:
    """Depth of a side's touch: half-spread, drift, skews and the fee as floor (phases 1 and 2)."""
    number, sign = (0, 1.0) if side == "bids" else (1, -1.0)
    pull = -state["drift_shift_bps"] + state["skew_bps"] + state["funding_skew_bps"]
    floored: float = max(config["fee_bps"], state["half_spreads_bps"][number] + sign * pull)
    return floored


TOUCH = "touch of a side above the fee"
AT_FEE = "touch of a side that the fee holds"
SPACED = "two levels or more of a side"
PRICED = "side with levels that rest"
WHOLE = "side with room for all its levels"
CUT = "side whose levels are cut at the limit"


@look(
    "engine",
    "D-42",
    needs=(
        *("touch_depths_bps", "half_spreads_bps", "drift_shift_bps", "skew_bps"),
        *("funding_skew_bps", "position", "mid", "expected_pnl_bps"),
        *(*SIDES, "quote.price", "quote.size", "quote.level", "quote.depth_bps", "quote.tick"),
    ),
    situations=(TOUCH, AT_FEE, SPACED, PRICED, WHOLE, CUT),
)
def the_ladder_is_laid_out(moment: Moment) -> Iterator[Sighting]:
    """The fee floors the touch, levels follow a spacing apart, rounded away, cut touch first."""
    if not moment.is_cycle(1, 2, 4):
        return
    for number, side in enumerate(SIDES):
        touch = moment.shown["touch_depths_bps"][number]
        expected = floored_touch_bps(moment.shown, moment.past.config, side)
        floored = expected <= moment.past.config["fee_bps"]
        yield Sighting(AT_FEE if floored else TOUCH, expected, touch)
        yield from _levels(moment, side, touch)
        yield from _sizes(moment, number, side)


def _levels(moment: Moment, side: str, touch_bps: float) -> Iterator[Sighting]:
    """Depths of the levels that rest, and prices on the tick's outer side of them."""
    quotes = moment.shown[side]
    if len(quotes) > 1:
        spacing_bps = moment.past.config["level_spacing_bps"]
        depths = [touch_bps + quote["level"] * spacing_bps for quote in quotes]
        yield Sighting(SPACED, depths, [quote["depth_bps"] for quote in quotes])
    if quotes:
        mid, sign = moment.shown["mid"], -1.0 if side == "bids" else 1.0
        yield Sighting(PRICED, [], [one for one in quotes if not _is_rounded(one, mid, sign)])


def _is_rounded(quote: Json, mid: float, sign: float) -> bool:
    """Whether the price lies less than a tick outwards of the unrounded one."""
    ticks = mid * (1.0 + sign * quote["depth_bps"] / 1e4) / quote["tick"]
    outwards = sign * (quote["price"] / quote["tick"] - ticks)
    slack = max(TIE, 4.0 * math.ulp(ticks))
    return bool(-slack <= outwards <= 1.0 + slack)


def _sizes(moment: Moment, number: int, side: str) -> Iterator[Sighting]:
    """Sizes of the levels that are kept, touch first, while there is room below the limit."""
    config, pnls = moment.past.config, moment.shown["expected_pnl_bps"][number]
    if moment.known["killed_side"] == side.removesuffix("s") or min(map(abs, pnls)) < TIE:
        return
    sign = 1.0 if side == "bids" else -1.0
    room = config["max_position"] - sign * moment.shown["position"]
    kept = [size for size, pnl in zip(config["level_sizes"], pnls, strict=True) if pnl > 0.0]
    if not kept:
        return
    situation = CUT if sum(kept) > room else WHOLE
    wanted = []
    for size in kept:
        rests = min(size, room)
        if rests >= config["min_size"]:
            wanted.append(rests)
            room -= rests
    sizes = [quote["size"] for quote in moment.shown[side]]
    same = len(sizes) == len(wanted) and all(map(is_close, wanted, sizes))
    yield Sighting(situation, wanted, sizes if not same else wanted)


# --- what they have in common -----------------------------------------------------------------


def _passed_s(moment: Moment) -> float:
    """Time since the last predict or cycle; 0 where this is none, or the first."""
    timed_ms = moment.past.timed_ms
    if timed_ms is None or moment.step["step"] not in ("predict", "cycle"):
        return 0.0
    return (moment.t_ms - timed_ms) / 1000.0


def _clipped_share(moment: Moment) -> float:
    share: float = moment.shown["position"] / moment.past.config["max_position"]
    return min(1.0, max(-1.0, share))


def _gamma_per_bps(moment: Moment) -> float:
    config, u = moment.past.config, _clipped_share(moment)
    gamma: float = config["gamma_base_per_bps"] * (1.0 + config["inventory_beta"] * u * u)
    return gamma


def _risk_bps(moment: Moment) -> float:
    """Risk of a full position over the horizon: gamma(q) sigma^2 tau."""
    sigma: float = moment.shown["sigma_bps_per_sqrt_s"]
    return _gamma_per_bps(moment) * sigma**2 * moment.past.time_horizon_s
