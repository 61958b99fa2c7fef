"""Phase 2: continuous risk aversion, the inventory skew and the kill guard."""

from __future__ import annotations

import math
import random
from itertools import pairwise

from quotemark.messages import Json
from quotemark.suite.bench import Bench, ViolationError
from quotemark.suite.market import MAX_POSITION, PHASES_1_TO_4, at_position, cycle
from quotemark.suite.register import check

SIGMA = 2.0


def position(share: float, time_horizon_s: float = 2.0) -> Json:
    """inventory: a position as a share of the limit."""
    return {
        "step": "position",
        "position": share * MAX_POSITION,
        "sigma_bps_per_sqrt_s": SIGMA,
        "time_horizon_s": time_horizon_s,
    }


@check("inventory", "P2.test_continuous_gamma_monotonic", "D-08", "U-1", needs=("gamma_per_bps",))
def gamma_rises_strictly(bench: Bench) -> None:
    """gamma(q) on a grid: strictly rising, 5.48 gamma_base at 80 %, 8 from the limit on."""
    shares = [number / 50.0 for number in range(51)]
    seen = bench.observe("inventory", [position(share) for share in shares])
    gammas = [observation["gamma_per_bps"] for observation in seen]
    rises = all(low < high for low, high in pairwise(gammas))
    bench.demand("gamma rises strictly", rises, gammas)
    for share, expected in ((0.0, 0.15), (0.8, 0.15 * 5.48), (1.0, 1.2), (1.7, 1.2), (-0.8, 0.822)):
        got = bench.observe("inventory", [position(share)])[0]["gamma_per_bps"]
        bench.demand_close(f"gamma at {share:.0%}", expected, got)


@check("inventory", "A-inventory")
def random_positions_agree(bench: Bench) -> None:
    """Seeded positions within the limit and past it, for several configurations."""
    rng = random.Random(bench.seed)
    for config in ({}, {"inventory_beta": 0.5, "gamma_base_per_bps": 2.0, "max_position": 8.57}):
        steps = [position(rng.uniform(-1.5, 1.5), rng.uniform(0.5, 60.0)) for _ in range(300)]
        bench.agree("inventory", steps, config)


@check("glft", "A-glft")
def random_depths_agree(bench: Bench) -> None:
    """Seeded depths, with drifts and skews that reach the fee floor."""
    rng = random.Random(bench.seed)
    steps: list[Json] = [
        {
            "step": "depths",
            "gamma_per_bps": 10.0 ** rng.uniform(-4.0, 1.0),
            "kappas_per_bps": [10.0 ** rng.uniform(-3.0, 1.0), 10.0 ** rng.uniform(-3.0, 1.0)],
            "sigma_bps_per_sqrt_s": 10.0 ** rng.uniform(-1.0, 1.5),
            "time_horizon_s": rng.uniform(0.5, 60.0),
            "fee_bps": rng.uniform(0.0, 5.0),
            "drift_bps_per_s": rng.uniform(-15.0, 15.0),
            "skew_bps": rng.uniform(-20.0, 20.0),
        }
        for _ in range(500)
    ]
    bench.agree("glft", steps)


@check("glft", "U-1", "D-42", needs=("half_spreads_bps", "touch_depths_bps"))
def half_spread_is_in_bp(bench: Bench) -> None:
    """The canonical half-spread is 7.25 bp; drift and skew move the touch, down to the fee."""
    step = {**_long_80_percent(0.15, 2.0), "skew_bps": 0.0}
    half_spread = math.log1p(0.15 / 0.1287) / 0.15 + 0.15 * 4.0 * 2.0 / 2.0 + 1.5
    # drift and skew in bp/s and bp, and the depths (bid, ask) they lead to
    for drift, skew, bid, ask in (
        (0.0, 0.0, half_spread, half_spread),
        (-3.0, 0.0, half_spread + 3.0, half_spread - 3.0),
        (0.0, 2.0, half_spread + 2.0, half_spread - 2.0),
        (-9.0, 1.0, half_spread + 10.0, 1.5),
    ):
        seen = bench.observe("glft", [{**step, "drift_bps_per_s": drift, "skew_bps": skew}])[0]
        bench.demand_close("half-spread", half_spread, seen["half_spreads_bps"][0])
        bench.demand_close("depth of the bid", bid, seen["touch_depths_bps"][0])
        bench.demand_close("depth of the ask", ask, seen["touch_depths_bps"][1])


@check("inventory", "D-08", "U-1", needs=("skew_bps",))
def skew_points_the_positions_way(bench: Bench) -> None:
    """Skew is gamma(q) sigma^2 u tau: 0.822 x 4 x 0.8 x 2 = 5.2608 bp at 80 % long."""
    for share, expected in ((0.0, 0.0), (0.8, 5.2608), (-0.8, -5.2608), (1.5, 9.6)):
        got = bench.observe("inventory", [position(share)])[0]["skew_bps"]
        bench.demand_close(f"skew at {share:.0%}", expected, got)


@check(
    "inventory",
    "P2.test_no_discontinuity_at_old_boundaries",
    needs=("gamma_per_bps", "skew_bps"),
)
def nothing_jumps_by_itself(bench: Bench) -> None:
    """Across 60 % and 80 %, a billionth of the limit moves gamma and skew by a billionth or so."""
    for boundary in (0.6, 0.8, -0.6, -0.8):
        shares = (boundary - 1e-9, boundary + 1e-9)
        below, above = bench.observe("inventory", [position(share) for share in shares])
        for name in ("gamma_per_bps", "skew_bps"):
            bench.demand(f"{name} moves at {boundary:.0%}", above[name] != below[name], above)
            jump = abs(above[name] - below[name])
            bench.demand(f"{name} does not jump at {boundary:.0%}", jump < 1e-6, jump)


@check("engine", "P2.test_no_discontinuity_at_old_boundaries")
def quotes_do_not_jump(bench: Bench) -> None:
    """Across 60 % and 80 %, the reducing side moves by a tick at most and keeps its sizes."""
    for boundary in (0.6, 0.8):
        below, above = (
            bench.cycle([*at_position(boundary + shift), cycle(1000)], PHASES_1_TO_4)
            for shift in (-1e-6, 1e-6)
        )
        bench.demand("asks rest", bool(below["asks"]), below)
        bench.demand("as many asks rest", len(below["asks"]) == len(above["asks"]), above)
        for before, after in zip(below["asks"], above["asks"], strict=True):
            moved = abs(before["price"] - after["price"])
            bench.demand(f"an ask moves by a tick at most at {boundary:.0%}", moved < 1.5e-3, moved)
            resized = abs(before["size"] - after["size"])
            bench.demand(f"an ask keeps its size at {boundary:.0%}", resized < 1e-4, resized)


@check(
    "glft",
    "P2.test_continuous_gamma_exceeds_zone_widening",
    "D-11",
    needs=("half_spreads_bps", "touch_depths_bps"),
)
def gamma_exceeds_the_old_red_zone(bench: Bench) -> None:
    """80 % long: the bid's depth with beta 7 against 2 x old half-spread + 10 bp + old skew."""
    for time_horizon_s, exceeds in ((15.0, True), (60.0, True), (2.0, False)):
        new_gamma, old_gamma = (0.15 * (1.0 + beta * 0.64) for beta in (7.0, 3.0))
        new, old = (
            bench.observe("glft", [_long_80_percent(gamma, time_horizon_s)])[0]
            for gamma in (new_gamma, old_gamma)
        )
        red_bps = 2.0 * old["half_spreads_bps"][0] + 10.0 + _skew_bps(old_gamma, time_horizon_s)
        new_bps = new["touch_depths_bps"][0]
        more = "more" if exceeds else "less"
        bench.demand(
            f"at a horizon of {time_horizon_s:g} s the bid rests {more} deep than Red put it",
            (new_bps > red_bps) == exceeds,
            f"{new_bps:.2f} against {red_bps:.2f} bp",
        )


def _skew_bps(gamma: float, time_horizon_s: float) -> float:
    return gamma * SIGMA**2 * 0.8 * time_horizon_s


def _long_80_percent(gamma: float, time_horizon_s: float) -> Json:
    return {
        "step": "depths",
        "gamma_per_bps": gamma,
        "kappas_per_bps": [0.1287, 0.1287],
        "sigma_bps_per_sqrt_s": SIGMA,
        "time_horizon_s": time_horizon_s,
        "fee_bps": 1.5,
        "drift_bps_per_s": 0.0,
        "skew_bps": _skew_bps(gamma, time_horizon_s),
    }


@check("engine", "P2.test_continuous_gamma_exceeds_zone_widening", "D-11")
def protection_at_short_horizons_is_the_filters(bench: Bench) -> None:
    """At 2 s, where the depth alone would not protect, no bid rests at 80 % long."""
    bids = bench.cycle([*at_position(0.8), cycle(1000)], PHASES_1_TO_4)["bids"]
    bench.demand("no bid rests", bids == [], bids)


@check("inventory", "P2.test_kill_guard_independent", "D-10", "E2E-07", needs=("killed_side",))
def kill_guard_by_itself(bench: Bench) -> None:
    """The accumulating side, from the limit on; flat and below clear nothing."""
    sides = {
        1.0: "bid",
        1.3: "bid",
        -1.0: "ask",
        -2.0: "ask",
        0.0: None,
        0.9999999: None,
        -0.9999999: None,
    }
    for share, side in sides.items():
        for config in ({}, {"inventory_beta": 0.0}):
            seen = bench.observe("inventory", [position(share)], config)[0]["killed_side"]
            bench.demand(f"killed side at {share:.0%} is {side}", seen == side, seen)


@check("engine", "P2.test_kill_guard_independent", "D-10", "E2E-07")
def kill_guard_empties_the_accumulating_side(bench: Bench) -> None:
    """At the limit and past it, with and without the filter, even at a drift in its favour."""
    for config in (bench.gates(1, 2, 3, 4), bench.gates(1, 2, 3)):
        for share in (1.0, 1.2):
            long = bench.cycle([*at_position(share), cycle(1000)], config)
            short = bench.cycle([*at_position(-share), cycle(1000)], config)
            bench.demand(f"no bid rests at {share:.0%} long", long["bids"] == [], long)
            bench.demand(f"no ask rests at {share:.0%} short", short["asks"] == [], short)
            bench.demand("asks rest when long", bool(long["asks"]), long)
            bench.demand("bids rest when short", bool(short["bids"]), short)


@check("engine", "D-10", "D-44", needs=("events",))
def kill_guard_is_reported(bench: Bench) -> None:
    """The event names the side cleared; a flat or half-full engine reports none."""
    for share, event in (
        (1.0, "kill_guard_bid"),
        (-1.0, "kill_guard_ask"),
        (0.5, None),
        (0.0, None),
    ):
        config = bench.gates(1, 2, 3, 4)
        events = bench.cycle([*at_position(share), cycle(1000)], config)["events"]
        killed = [name for name in events if name.startswith("kill_guard")]
        if killed != ([event] if event else []):
            raise ViolationError(f"events at {share:.0%}: expected {event}, got {events}")
