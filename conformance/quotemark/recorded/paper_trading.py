"""The plan's paper trading checks (E2E-01 to E2E-11), each with the situation that it waits for.

A situation is told by the reference, which agrees with the engine so far, and so also where the
engine shows its quotes alone. What must be seen is read from what the engine shows.
"""

from __future__ import annotations

from collections.abc import Iterator

from quotemark.messages import Json
from quotemark.recorded.closed_forms import expected_pnls_bps, floored_touch_bps, predicted_variance
from quotemark.recorded.looks import SIDES, Moment, Sighting, look
from quotemark.suite.compare import is_close

OLD_CAP_BPS = 3.0
"""What the drift could move quotes by, before phase 1."""

AROUND_30_PERCENT = (0.25, 0.35)
FROM_70_PERCENT = 0.7

ONE_SIDED = 0.5
"""Imbalance from which flow counts as one-sided."""

HIGH_CARRY_BPS = 1.0
"""Cost of a fill from which funding counts as high."""

CLUSTER_MS = 10_000
"""A cluster: ten trades within this time."""

LEADS_BY = 2.0
"""A leader moves first where its return since the last cycle is so many times the own one."""

IN_TREND = "cycle with a trend reading before it"
BEYOND_CAP = "cycle with a trend reading before it, and a shift by the drift beyond 3 bp"


@look(
    "engine",
    "E2E-01",
    needs=("drift_bps_per_s", "drift_shift_bps"),
    situations=(IN_TREND, BEYOND_CAP),
)
def drift_shows_in_trends(moment: Moment) -> Iterator[Sighting]:
    """The drift is not 0, and its shift is mu tau / 2 also beyond the old cap."""
    if moment.is_cycle(1) and moment.past.trend_bps != 0.0:
        drift = moment.shown["drift_bps_per_s"]
        yield Sighting(IN_TREND, True, drift != 0.0)
        shift = drift * moment.past.time_horizon_s / 2.0
        if abs(shift) > OLD_CAP_BPS:
            yield Sighting(BEYOND_CAP, shift, moment.shown["drift_shift_bps"])


OBSERVED = "cycle with observations, and a variance above its floor without them"


@look("engine", "E2E-02", needs=("drift_variance",), situations=(OBSERVED,))
def observations_lower_the_uncertainty(moment: Moment) -> Iterator[Sighting]:
    """It is below what it would have grown to without them."""
    if moment.is_cycle(1) and moment.known["drift_observations"]:
        without = predicted_variance(moment)
        if without > moment.past.config["p_min"] * (1.0 + 1e-6):
            yield Sighting(OBSERVED, True, moment.shown["drift_variance"] < without)


BEARISH = "cycle with a bearish trend reading before it, a shift beyond -3 bp, and bids that rest"


@look("engine", "E2E-03", needs=("bids", "quote.price"), situations=(BEARISH,))
def bids_pull_back_in_a_bearish_trend(moment: Moment) -> Iterator[Sighting]:
    """The best bid rests more than 3 bp deeper than the touch would without the drift."""
    if not (moment.is_cycle(1, 2) and moment.past.trend_bps > 0.0 and moment.shown["bids"]):
        return
    if moment.known["drift_shift_bps"] < -OLD_CAP_BPS:
        calm = {**moment.known, "drift_shift_bps": 0.0}
        mid = moment.known["mid"]
        depth = (mid - moment.shown["bids"][0]["price"]) / mid * 1e4
        calm_depth = floored_touch_bps(calm, moment.past.config, "bids")
        yield Sighting(BEARISH, True, depth - calm_depth > OLD_CAP_BPS)


FULL = "cycle at 70 % of the limit or more, with a drift that does not point the position's way"


@look("engine", "E2E-04", needs=SIDES, situations=(FULL,))
def the_accumulating_side_is_empty_from_70_percent(moment: Moment) -> Iterator[Sighting]:
    """No level of it rests."""
    if not (moment.is_cycle(4) and abs(moment.share) >= FROM_70_PERCENT):
        return
    if moment.known["drift_bps_per_s"] * moment.share <= 0.0:
        yield Sighting(FULL, [], moment.shown[_accumulating(moment)])


PARTLY = "cycle at 25 to 35 % of the limit"


@look("engine", "E2E-05", needs=SIDES, situations=(PARTLY,))
def both_sides_are_quoted_at_30_percent(moment: Moment) -> Iterator[Sighting]:
    """A level of either side rests."""
    low, high = AROUND_30_PERCENT
    if moment.is_cycle(4) and low <= abs(moment.share) <= high:
        resting = [side for side in SIDES if moment.shown[side]]
        yield Sighting(PARTLY, list(SIDES), resting)


LOPSIDED = "cycle with an imbalance of flow beyond 0.5, once it speaks"


@look("engine", "E2E-06", needs=("kappas_per_bps",), situations=(LOPSIDED,))
def kappas_differ_in_one_sided_flow(moment: Moment) -> Iterator[Sighting]:
    """Of the kappas in force, that of the side which is hit is taken down against the other."""
    config = moment.past.config
    speaks = moment.past.trades >= config["flow_min_trades"] and config["flow_sensitivity"] > 0.0
    if moment.is_cycle(3) and speaks and abs(moment.known["flow_imbalance"]) > ONE_SIDED:
        pairs = zip(moment.shown["kappas_per_bps"], moment.past.kappas, strict=True)
        bid, ask = (shown / in_force for shown, in_force in pairs)
        hit_side_is_lower = bid < ask if moment.known["flow_imbalance"] > 0.0 else ask < bid
        yield Sighting(LOPSIDED, True, hit_side_is_lower and not is_close(bid, ask))


AT_LIMIT = "cycle at the limit or beyond"


@look("engine", "E2E-07", "P2.test_kill_guard_independent", needs=SIDES, situations=(AT_LIMIT,))
def the_kill_guard_acts(moment: Moment) -> Iterator[Sighting]:
    """The accumulating side is empty, and where the engine says which is killed, it is that."""
    if moment.is_cycle() and abs(moment.share) >= 1.0:
        side = _accumulating(moment)
        yield Sighting(AT_LIMIT, [], moment.shown[side])
        if "killed_side" in moment.shown:
            yield Sighting(AT_LIMIT, side.removesuffix("s"), moment.shown["killed_side"])


FUNDED = "cycle in which a fill costs a side 1 bp of funding or more"


@look(
    "engine",
    "E2E-08",
    needs=(
        *("expected_pnl_bps", "carry_bps", "touch_depths_bps", "as_cost_bps", "position"),
        *("drift_bps_per_s", "sigma_bps_per_sqrt_s"),
    ),
    situations=(FUNDED,),
)
def carry_shows_in_expected_pnl(moment: Moment) -> Iterator[Sighting]:
    """The carry is the reference's, and the touch of either side is worth its formula with it."""
    if moment.is_cycle(4, 6) and max(moment.known["carry_bps"]) >= HIGH_CARRY_BPS:
        yield Sighting(FUNDED, moment.known["carry_bps"], moment.shown["carry_bps"])
        for number, side in enumerate(SIDES):
            touch = moment.shown["expected_pnl_bps"][number][:1]
            yield Sighting(FUNDED, expected_pnls_bps(moment, side, 1), touch)


BEFORE_FILLS = "cycle with nothing filled since the last, in which the book says something"


@look("engine", "E2E-09", needs=("drift_observations",), situations=(BEFORE_FILLS,))
def the_book_moves_the_drift_before_fills(moment: Moment) -> Iterator[Sighting]:
    """The composite of book and sweeps pushes the drift."""
    said = moment.is_cycle(7) and not moment.past.has_filled and moment.known["composite_parts"]
    if said and any(part["z_bps_per_s"] for part in moment.known["composite_parts"]):
        pushes = _pushes(moment, "composite")
        yield Sighting(BEFORE_FILLS, True, any(pushes))


CLUSTER = "warm cycle in a cluster of trades, ten within 10 s, from the twentieth on"
TOO_FEW = "warm cycle after fewer trades"
SILENCE = "warm cycle after a silence, calibrated"


@look(
    "engine",
    "E2E-10",
    needs=("drift_observations",),
    situations=(CLUSTER, TOO_FEW, SILENCE),
)
def hawkes_speaks_in_clusters_of_trades(moment: Moment) -> Iterator[Sighting]:
    """Its observation enters the filter there, and nowhere else of these."""
    past, config = moment.past, moment.past.config
    if not (moment.is_cycle(8) and past.trades and config["alpha_hawkes"] > 0.0):
        return
    if past.cycles % config["warm_every_cycles"] != 0:
        return
    spoke = bool(_pushes(moment, "hawkes"))
    silent_s = (moment.t_ms - past.trade_times_ms[-1]) / 1000.0
    if past.trades < config["hawkes_min_events"]:
        yield Sighting(TOO_FEW, False, spoke)
    elif silent_s > _memory_s(config):
        if config["calibration"] == "calibrated":
            yield Sighting(SILENCE, False, spoke)
    elif moment.t_ms - past.trade_times_ms[0] <= CLUSTER_MS:
        yield Sighting(CLUSTER, True, spoke)


LEADS = "cold cycle in which lead speaks, and the leader moved at least twice as far as the mid"


@look(
    "engine",
    "E2E-11",
    needs=(
        *("drift_observations", "touch_depths_bps", "half_spreads_bps", "skew_bps"),
        *("funding_skew_bps", "drift_bps_per_s"),
    ),
    situations=(LEADS,),
)
def a_leader_that_moves_first_is_seen(moment: Moment) -> Iterator[Sighting]:
    """The lead pushes the drift, and the touch of the bids rests where that drift puts it."""
    if not (moment.is_cycle(1, 2, 8) and _leader_moved_first(moment)):
        return
    if any(one["source"] == "lead" for one in moment.known["drift_observations"]):
        pushes = _pushes(moment, "lead")
        yield Sighting(LEADS, True, any(pushes))
        shift = moment.shown["drift_bps_per_s"] * moment.past.time_horizon_s / 2.0
        state = {**moment.shown, "drift_shift_bps": shift}
        touch = floored_touch_bps(state, moment.past.config, "bids")
        yield Sighting(LEADS, touch, moment.shown["touch_depths_bps"][0])


# --- what they have in common -----------------------------------------------------------------


def _accumulating(moment: Moment) -> str:
    return "bids" if moment.share > 0.0 else "asks"


def _pushes(moment: Moment, source: str) -> list[float]:
    """Pushes that the drift was shown to get from a source."""
    observations = moment.shown["drift_observations"]
    return [one["push_bps_per_s"] for one in observations if one["source"] == source]


def _memory_s(config: Json) -> float:
    """Silence after which calibrated Hawkes says nothing (Q-11)."""
    memory: float = config["hawkes_silence_horizons"] / config["hawkes_decay_per_s"]
    return memory


def _leader_moved_first(moment: Moment) -> bool:
    past = moment.past
    mid_before = past.mid
    if past.leader is None or past.leader_before is None or mid_before is None:
        return False
    led = abs(past.leader / past.leader_before - 1.0)
    moved = abs(moment.known["mid"] / mid_before - 1.0)
    return led > 0.0 and led >= LEADS_BY * moved
