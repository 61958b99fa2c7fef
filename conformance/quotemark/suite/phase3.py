"""Phase 3: directional flow, its kappa multipliers and its drift observation."""

from __future__ import annotations

import math
import random

from quotemark.messages import Json
from quotemark.suite.bench import Bench
from quotemark.suite.market import cycle, trades
from quotemark.suite.register import check


def flow_trade(t_ms: int, side: str, size: float = 1.0) -> Json:
    """flow: a trade."""
    return {"step": "trade", "t_ms": t_ms, "side": side, "size": size}


def read(t_ms: int) -> Json:
    """flow: read at ``t_ms``."""
    return {"step": "read", "t_ms": t_ms}


def burst(side: str, count: int, t_ms: int = 0) -> list[Json]:
    """flow: trades at one instant."""
    return [flow_trade(t_ms, side)] * count


@check(
    "flow", "P3.test_flow_neutral_gives_unit_multipliers", needs=("kappa_multipliers", "imbalances")
)
def balanced_flow_changes_nothing(bench: Bench) -> None:
    """Twenty buys and twenty sells of one size at one instant."""
    steps = [*burst("buy", 20), *burst("sell", 20), read(1000)]
    seen = bench.observe("flow", steps)[-1]
    bench.demand("multipliers are exactly 1", seen["kappa_multipliers"] == [1.0, 1.0], seen)
    bench.demand("imbalances are 0", set(seen["imbalances"]) == {0.0}, seen)


@check(
    "flow",
    "P3.test_sell_pressure_lowers_kappa_bid",
    "D-12",
    needs=("kappa_multipliers", "imbalances"),
)
def sell_pressure_lowers_the_bids_kappa(bench: Bench) -> None:
    """Thirty sells against ten buys at one instant: imbalance +0.5, multipliers 0.75 and 1.25."""
    for heavy, light, bid, ask in (("sell", "buy", 0.75, 1.25), ("buy", "sell", 1.25, 0.75)):
        seen = bench.observe("flow", [*burst(heavy, 30), *burst(light, 10), read(500)])[-1]
        bench.demand_close(f"bid multiplier, {heavy} heavy", bid, seen["kappa_multipliers"][0])
        bench.demand_close(f"ask multiplier, {heavy} heavy", ask, seen["kappa_multipliers"][1])
        sign = 1.0 if heavy == "sell" else -1.0
        bench.demand_close("imbalance at 5 s", 0.5 * sign, seen["imbalances"][1])


@check("engine", "P3.test_sell_pressure_lowers_kappa_bid")
def sell_pressure_widens_the_bid(bench: Bench) -> None:
    """The bid rests deeper under one-sided selling: kappa 0.06435 instead of 0.1287."""
    config = {**bench.gates(1, 2, 3), "calibrated_drift_scale": 0.0}
    calm = bench.cycle([cycle(3000)], config)
    selling = bench.cycle([*trades("sell"), cycle(3000)], config)
    deeper_bps = (calm["bids"][0]["price"] - selling["bids"][0]["price"]) * 1e2
    # (ln(1 + 0.15/0.06435) - ln(1 + 0.15/0.1287)) / 0.15
    expected = (math.log1p(0.15 / 0.06435) - math.log1p(0.15 / 0.1287)) / 0.15
    bench.demand("the bid is deeper by 2.87 bp", abs(deeper_bps - expected) <= 0.1, deeper_bps)


@check("engine", "E2E-06", needs=("kappas_per_bps",))
def kappas_differ_under_one_sided_flow(bench: Bench) -> None:
    """One-sided selling: 0.5 and 1.5 times the side's kappa."""
    bid, ask = bench.cycle([*trades("sell"), cycle(3000)], bench.gates(1, 2, 3, 4))[
        "kappas_per_bps"
    ]
    bench.demand_close("kappa of the bid", 0.1287 * 0.5, bid)
    bench.demand_close("kappa of the ask", 0.1287 * 1.5, ask)


@check("flow", "P3.test_multipliers_bounded", "D-14", needs=("kappa_multipliers",))
def multipliers_stay_bounded(bench: Bench) -> None:
    """Seeded flow of every lopsidedness, at the default sensitivity and at one that clamps."""
    rng = random.Random(bench.seed)
    steps = []
    t_ms = 0
    for _ in range(400):
        t_ms += rng.choice((0, 10, 700, 9000))
        lopsided = math.sin(t_ms / 40_000.0)
        side = "sell" if rng.random() < 0.5 + 0.5 * lopsided else "buy"
        steps.append(flow_trade(t_ms, side, 10.0 ** rng.uniform(-3.0, 3.0)))
    for sensitivity, low, high in ((0.5, 0.5, 1.5), (30.0, 0.5, 2.0)):
        seen = bench.observe("flow", steps, {"flow_sensitivity": sensitivity})
        values = [value for observed in seen for value in observed["kappa_multipliers"]]
        inside = low <= min(values) and max(values) <= high
        bench.demand(f"multipliers within [{low}, {high}]", inside, (min(values), max(values)))
    clamped = bench.observe("flow", [*burst("sell", 30), read(0)], {"flow_sensitivity": 30.0})[-1]
    bench.demand("the clamp is 0.5 and 2", clamped["kappa_multipliers"] == [0.5, 2.0], clamped)


@check("flow", "A-flow")
def random_tapes_agree(bench: Bench) -> None:
    """Seeded trades and reads, with bursts at one instant and gaps of minutes."""
    rng = random.Random(bench.seed)
    for config in ({}, {"calibration": "calibrated", "flow_horizon_s": 30.0}):
        steps = []
        t_ms = 0
        for _ in range(400):
            t_ms += rng.choice((0, 0, 40, 900, 6450, 200_000))
            size = 10.0 ** rng.uniform(-3.0, 3.0)
            traded = flow_trade(t_ms, rng.choice(("buy", "sell")), size)
            steps.append(rng.choice((traded, read(t_ms))))
        bench.agree("flow", steps, config)


@check(
    "flow", "P3.test_flow_drift_observation_sign", "D-12", "D-13", needs=("z_bps_per_s", "variance")
)
def sell_pressure_is_bearish(bench: Bench) -> None:
    """Z = -0.5 imbalance and R = 4 / max(trades per second, 0.1), trades decayed at 5 s."""
    seen = bench.observe("flow", [*burst("sell", 40), read(2500), read(24_000)])
    trades_per_s = 40.0 * math.exp(-0.5) / 5.0
    bench.demand_close("z under selling", -0.5, seen[-2]["z_bps_per_s"])
    bench.demand_close("R at 2.5 s", 4.0 / trades_per_s, seen[-2]["variance"])
    bench.demand_close("R at the floor of 0.1 trades/s", 40.0, seen[-1]["variance"])


@check("flow", "D-14", needs=("kappa_multipliers", "z_bps_per_s"))
def sensitivity_0_switches_flow_off(bench: Bench) -> None:
    """Exactly (1, 1), and no observation."""
    steps = [*burst("sell", 40), read(100)]
    seen = bench.observe("flow", steps, {"flow_sensitivity": 0.0})[-1]
    bench.demand("multipliers are exactly 1", seen["kappa_multipliers"] == [1.0, 1.0], seen)
    bench.demand("there is no observation", seen["z_bps_per_s"] is None, seen)


@check("flow", "D-47", needs=("imbalances", "z_bps_per_s", "kappa_multipliers"))
def silence_ends_the_last_burst(bench: Bench) -> None:
    """Up to five horizons the burst stands; past them its imbalance is 0, horizon by horizon."""
    steps = [*burst("sell", 40), *map(read, (5000, 5001, 25_000, 25_001))]
    at_5, past_5, at_25, past_25 = bench.observe("flow", steps)[-4:]
    bench.demand("imbalance at 1 s stands at 5 s", at_5["imbalances"][0] == 1.0, at_5)
    bench.demand("imbalance at 1 s ends past 5 s", past_5["imbalances"][0] == 0.0, past_5)
    bench.demand("imbalance at 5 s stands at 25 s", at_25["imbalances"][1] == 1.0, at_25)
    bench.demand("imbalance at 5 s ends past 25 s", past_25["imbalances"][1] == 0.0, past_25)
    bench.demand("no observation past 25 s", past_25["z_bps_per_s"] is None, past_25)
    bench.demand("multipliers back at 1", past_25["kappa_multipliers"] == [1.0, 1.0], past_25)
    bench.demand("imbalance at 30 s stands", past_25["imbalances"][2] == 1.0, past_25)


@check("flow", "D-13", "D-12", needs=("kappa_multipliers", "z_bps_per_s", "imbalances"))
def flow_needs_twenty_trades(bench: Bench) -> None:
    """Nineteen trades say nothing, the twentieth speaks; volumes decay by e^(-dt/h)."""
    nineteen, twenty = bench.observe("flow", burst("sell", 20))[-2:]
    bench.demand("19 trades: no multipliers", nineteen["kappa_multipliers"] == [1.0, 1.0], nineteen)
    bench.demand("19 trades: no observation", nineteen["z_bps_per_s"] is None, nineteen)
    bench.demand_close("20 trades: bid multiplier", 0.5, twenty["kappa_multipliers"][0])
    steps = [*burst("sell", 20), *burst("buy", 10, 3000), read(3000)]
    seen = bench.observe("flow", steps)[-1]["imbalances"]
    for horizon_s, got in zip((1.0, 5.0, 30.0, 300.0), seen, strict=True):
        sells = 20.0 * math.exp(-3.0 / horizon_s)
        bench.demand_close(f"imbalance at {horizon_s} s", (sells - 10.0) / (sells + 10.0), got)


@check("flow", "D-47", "D-03")
def flow_time_only_runs_forward(bench: Bench) -> None:
    """A step back in time is rejected and changes nothing."""
    bench.demand_rejected(
        "flow", flow_trade(10, "buy"), "time_reversed", burst("sell", 25, 500), read(600)
    )


@check("flow", "D-45", needs=("z_bps_per_s", "variance"))
def calibrated_flow_is_a_weak_sensor(bench: Bench) -> None:
    """Z = -10 imbalance, R = 260 (1 + 10/n), n the count decayed at 5 s."""
    steps = [*burst("sell", 40), read(5000)]
    seen = bench.observe("flow", steps, {"calibration": "calibrated"})[-1]
    bench.demand_close("z", -10.0, seen["z_bps_per_s"])
    bench.demand_close("R", 260.0 * (1.0 + 10.0 * math.e / 40.0), seen["variance"])


@check("engine", "D-45", "P3.test_flow_drift_observation_sign", needs=("drift_bps_per_s",))
def flow_is_calibrated_in_the_engine(bench: Bench) -> None:
    """Thirty sells at one instant: one observation z = -10, R = 260 (1 + 10/30), at the cycle."""
    config = {"prior_variance": 8.0}
    seen = bench.cycle([*trades("sell", every_ms=0), cycle(0)], config)
    variance = 260.0 * (1.0 + 10.0 / 30.0)
    bench.demand_close("drift", -10.0 * 8.0 / (8.0 + variance), seen["drift_bps_per_s"])
    plan = bench.cycle([*trades("sell", every_ms=0), cycle(0)], {**config, "calibration": "plan"})
    bench.demand_close("drift, plan", -0.5 * 8.0 / (8.0 + 4.0 / 6.0), plan["drift_bps_per_s"])
