"""Phase 4: the expected PnL of a level, and which levels rest."""

from __future__ import annotations

import math
import random

from quotemark.messages import Json
from quotemark.suite.bench import Bench
from quotemark.suite.market import (
    MAX_POSITION,
    PHASES_1_TO_4,
    at_position,
    cycle,
    signal,
    trades,
)
from quotemark.suite.register import check

AS_BPS = 0.8 * 2.0 * math.sqrt(2.0)
FEE_BPS = 1.5
TOUCH_BPS = math.log1p(0.15 / 0.1287) / 0.15 + 0.15 * 4.0 * 2.0 / 2.0 + FEE_BPS


def level(side: str, depth_bps: float, share: float = 0.0, **changes: float) -> Json:
    """expected_pnl: a level in the canonical market at ``share`` of the limit."""
    return {
        "step": "level",
        "side": side,
        "depth_bps": depth_bps,
        "gamma_base_per_bps": 0.15,
        "inventory_beta": 7.0,
        "kappa_per_bps": 0.1287,
        "sigma_bps_per_sqrt_s": 2.0,
        "time_horizon_s": 2.0,
        "drift_bps_per_s": 0.0,
        "position": share * MAX_POSITION,
        "max_position": MAX_POSITION,
        "as_cost_bps": AS_BPS,
        "fee_bps": FEE_BPS,
        **changes,
    }


def pnl(bench: Bench, step: Json) -> float:
    """Expected PnL of one level in bp."""
    value: float = bench.observe("expected_pnl", [step])[0]["expected_pnl_bps"]
    return value


def spread_term(depth_bps: float, cost_bps: float = AS_BPS + FEE_BPS) -> float:
    """e^(-kappa d) (d - cost), written out."""
    return math.exp(-0.1287 * depth_bps) * (depth_bps - cost_bps)


NEEDS_PNL = ("expected_pnl_bps",)


@check(
    "expected_pnl", "P4.test_epnl_positive_at_touch_zero_inventory", "D-15", "U-1", needs=NEEDS_PNL
)
def touch_is_positive_when_flat(bench: Bench) -> None:
    """A flat touch at the half-spread of 7.25 bp earns 1.37 bp, on either side."""
    for side in ("bid", "ask"):
        got = pnl(bench, level(side, TOUCH_BPS))
        bench.demand_close(f"E[PnL] of the {side}", spread_term(TOUCH_BPS), got)
        bench.demand(f"E[PnL] of the {side} is positive", got > 0.0, got)


@check("expected_pnl", "D-15", needs=("expected_pnl_bps", "fill_intensity"))
def intensity_is_relative_to_depth_0(bench: Bench) -> None:
    """lambda(0) = 1 and the spread term peaks at cost + 1/kappa: 11.5 bp here."""
    at_mid = bench.observe("expected_pnl", [level("bid", 0.0)])[0]["fill_intensity"]
    bench.demand_close("lambda at depth 0", 1.0, at_mid)
    peak = AS_BPS + FEE_BPS + 1.0 / 0.1287
    before, best, after = (pnl(bench, level("bid", peak + shift)) for shift in (-0.5, 0.0, 0.5))
    bench.demand("E[PnL] peaks at cost + 1/kappa", before < best > after, (before, best, after))


@check(
    "expected_pnl",
    "P4.test_epnl_negative_accumulating_high_inventory",
    "P4.test_epnl_positive_reducing_high_inventory",
    "D-09",
    "D-16",
    "D-18",
    needs=NEEDS_PNL,
)
def inventory_burdens_one_side(bench: Bench) -> None:
    """80 % long: the bid pays 0.822 x 0.8 x 4 x 2 = 5.2608 bp, the ask is given half of it."""
    penalty = 0.15 * (1.0 + 7.0 * 0.64) * 0.8 * 4.0 * 2.0
    for share, burdened, relieved in ((0.8, "bid", "ask"), (-0.8, "ask", "bid")):
        accumulating = pnl(bench, level(burdened, TOUCH_BPS, share))
        reducing = pnl(bench, level(relieved, TOUCH_BPS, share))
        bench.demand_close("accumulating side", spread_term(TOUCH_BPS) - penalty, accumulating)
        bench.demand_close("reducing side", spread_term(TOUCH_BPS) + penalty / 2.0, reducing)
        bench.demand("accumulating is negative", accumulating < 0.0, accumulating)
        bench.demand("reducing is positive", reducing > 0.0, reducing)
    dust = 0.15 * (1.0 + 7.0 * 1e-10) * 1e-5 * 4.0 * 2.0
    got = pnl(bench, level("bid", TOUCH_BPS, 1e-5))
    bench.demand_close("the least position counts", spread_term(TOUCH_BPS) - dust, got)
    beyond = pnl(bench, level("bid", TOUCH_BPS, 1.5))
    at_limit = pnl(bench, level("bid", TOUCH_BPS, 1.0))
    bench.demand_close("u is clipped at the limit", at_limit, beyond)


@check("expected_pnl", "P4.test_epnl_all_negative_cascade", "D-19", needs=NEEDS_PNL)
def cascade_empties_the_resting_ladder(bench: Bench) -> None:
    """The ladder rests at sigma 2; judged at sigma 10, AS is 11.3 bp and every level loses."""
    as_bps = 0.8 * 10.0 * math.sqrt(2.0)
    for number in range(6):
        for side in ("bid", "ask"):
            step = level(side, TOUCH_BPS + number, sigma_bps_per_sqrt_s=10.0, as_cost_bps=as_bps)
            got = pnl(bench, step)
            bench.demand(f"level {number} of the {side} loses at 5 sigma", got < 0.0, got)


@check("engine", "D-19", needs=("as_cost_bps",))
def adverse_selection_follows_sigma(bench: Bench) -> None:
    """AS = 0.8 sigma sqrt(2): 2.263 bp at sigma 2, 11.31 at 10."""
    estimate: Json = {"step": "estimate", "t_ms": 0, "sigma_bps_per_sqrt_s": 10.0}
    calm = bench.cycle([cycle(0)], PHASES_1_TO_4)["as_cost_bps"]
    wild = bench.cycle([estimate, cycle(0)], PHASES_1_TO_4)["as_cost_bps"]
    bench.demand_close("AS at sigma 2", AS_BPS, calm)
    bench.demand_close("AS at sigma 10", 5.0 * AS_BPS, wild)


@check("expected_pnl", "P4.test_epnl_drift_skews_correctly", "D-17", needs=NEEDS_PNL)
def drift_counts_by_side(bench: Bench) -> None:
    """Mu tau / 2 on the bid and against the ask, flat, long or short."""
    for share in (0.0, 0.5, -0.5):
        for drift in (-3.44, 2.0):
            bid, ask = (
                pnl(bench, level(side, TOUCH_BPS, share, drift_bps_per_s=drift))
                - pnl(bench, level(side, TOUCH_BPS, share))
                for side in ("bid", "ask")
            )
            bench.demand("the bid gains mu tau / 2", abs(bid - drift) < 1e-9, bid)
            bench.demand("the ask loses mu tau / 2", abs(ask + drift) < 1e-9, ask)


@check("expected_pnl", "A-expected_pnl")
def random_levels_agree(bench: Bench) -> None:
    """A thousand seeded levels, carry included."""
    rng = random.Random(bench.seed)
    steps = [
        level(
            rng.choice(("bid", "ask")),
            rng.uniform(0.0, 60.0),
            rng.choice((0.0, rng.uniform(-1.4, 1.4))),
            gamma_base_per_bps=10.0 ** rng.uniform(-3.0, 0.0),
            inventory_beta=rng.uniform(0.0, 12.0),
            kappa_per_bps=10.0 ** rng.uniform(-2.0, 0.5),
            sigma_bps_per_sqrt_s=10.0 ** rng.uniform(-1.0, 1.5),
            time_horizon_s=rng.uniform(0.5, 60.0),
            drift_bps_per_s=rng.uniform(-12.0, 12.0),
            as_cost_bps=rng.uniform(0.0, 12.0),
            carry_cost_bps=rng.uniform(-3.0, 3.0),
        )
        for _ in range(1000)
    ]
    bench.agree("expected_pnl", steps)


@check("expected_pnl", "D-20", needs=("expected_pnl_bps", "keep"))
def only_profitable_levels_are_kept(bench: Bench) -> None:
    """Keep is E[PnL] > 0."""
    steps = [level("bid", depth / 2.0, 0.45) for depth in range(80)]
    for observed in bench.observe("expected_pnl", steps):
        expected = observed["expected_pnl_bps"] > 0.0
        bench.demand("keep is E[PnL] > 0", observed["keep"] == expected, observed)


@check("expected_pnl", "Q-02", "D-20")
def bad_levels_are_rejected(bench: Bench) -> None:
    """Numbers that are not finite, not positive or of another kind."""
    bad: list[tuple[Json, str]] = [
        ({**level("bid", 7.0), "drift_bps_per_s": "nan"}, "non_finite"),
        (level("bid", 7.0, sigma_bps_per_sqrt_s=0.0), "out_of_range"),
        (level("bid", 7.0, max_position=-1.0), "out_of_range"),
        ({**level("bid", 7.0), "side": "buy"}, "unparsable"),
    ]
    for step, code in bad:
        bench.demand_rejected("expected_pnl", step, code, [], level("ask", 7.0))


@check("engine", "E2E-04", "D-16", "D-20", "P4.test_epnl_negative_accumulating_high_inventory")
def full_inventory_stops_accumulating(bench: Bench) -> None:
    """No bid from 70 % long on, no ask from 70 % short on; the other side stays alive."""
    for share in (0.7, 0.8, 0.9, 0.99):
        for drift in (0.0, -2.0):
            long, short = (
                bench.cycle(
                    [*at_position(sign * share), signal(0, sign * drift, 1.0), cycle(0)],
                    PHASES_1_TO_4,
                )
                for sign in (1.0, -1.0)
            )
            bench.demand(f"no bid rests at {share:.0%} long", long["bids"] == [], long)
            bench.demand(f"no ask rests at {share:.0%} short", short["asks"] == [], short)
            bench.demand("the reducing side rests", bool(long["asks"] and short["bids"]), long)


@check("engine", "E2E-05", "D-15", "D-16")
def modest_inventory_quotes_both_sides(bench: Bench) -> None:
    """Flat, at 30 % and at a drift of -0.3 bp/s, both sides rest."""
    for share in (0.0, 0.3, -0.3):
        seen = bench.cycle([*at_position(share), cycle(0)], PHASES_1_TO_4)
        bench.demand(f"both sides rest at {share:.0%}", bool(seen["bids"] and seen["asks"]), seen)
    # K = 50/50.5
    drifting = bench.cycle([signal(0, -0.303, 0.5), cycle(0)], PHASES_1_TO_4)
    bench.demand("both sides rest at -0.3", bool(drifting["bids"] and drifting["asks"]), drifting)


@check("engine", "D-17", "D-20", "E2E-03", "P4.test_epnl_drift_skews_correctly")
def strong_drift_stops_one_side(bench: Bench) -> None:
    """At -3.44 bp/s no bid rests; at +3.44 no ask."""
    for sign, side in ((-1.0, "bids"), (1.0, "asks")):
        # K = 50/50.5 brings 3.4744 to 3.44
        seen = bench.cycle([signal(0, sign * 3.4744, 0.5), cycle(0)], PHASES_1_TO_4)
        other = "asks" if side == "bids" else "bids"
        bench.demand(f"no {side} rest", seen[side] == [], seen)
        bench.demand(f"{other} rest", bool(seen[other]), seen)


@check("engine", "D-46")
def flow_does_not_raise_lambda(bench: Bench) -> None:
    """Under one-sided selling no bid rests at 75 % long, nor at -3.44 bp/s when flat.

    With flow's multiplier in lambda, both would rest.
    """
    config = {**PHASES_1_TO_4, "calibrated_drift_scale": 0.0}
    full = bench.cycle([*at_position(0.75), *trades("sell"), cycle(3000)], config)
    bench.demand("no bid rests at 75 % under selling", full["bids"] == [], full)
    falling = bench.cycle([*trades("sell"), signal(3000, -3.4744, 0.5), cycle(3000)], PHASES_1_TO_4)
    bench.demand("no bid rests at -3.44 under selling", falling["bids"] == [], falling)


@check("engine", "D-46", needs=("kappas_per_bps", "expected_pnl_bps", "touch_depths_bps"))
def lambda_keeps_the_sides_kappa(bench: Bench) -> None:
    """E[PnL] of the ask's touch is that of kappa 0.1287 at whatever depth flow has put it."""
    config = {**PHASES_1_TO_4, "calibrated_drift_scale": 0.0}
    seen = bench.cycle([*trades("sell"), cycle(3000)], config)
    ask_depth = seen["touch_depths_bps"][1]
    drift = seen["drift_bps_per_s"]
    bench.demand_close(
        "E[PnL] of the ask", spread_term(ask_depth) - drift, seen["expected_pnl_bps"][1][0]
    )
