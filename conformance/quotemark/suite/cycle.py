"""The quote cycle as a whole: ladder, estimates, events, defaults, mirror symmetry, bad input."""

from __future__ import annotations

import math
import random
from typing import Any

from quotemark.messages import Json, Ok, Opened, Rejected, Unsupported
from quotemark.suite.bench import Bench, RollbackUnsupportedError
from quotemark.suite.compare import is_close
from quotemark.suite.market import (
    CYCLE_MS,
    GATES,
    MAX_POSITION,
    MID,
    PHASES_1_TO_4,
    at_position,
    cycle,
    gates,
    mirrored,
    signal,
    trade,
    trend,
)
from quotemark.suite.register import check
from quotemark.suite.whole_market import whole_market


def book(t_ms: int, bids: list[list[float]], asks: list[list[float]]) -> Json:
    """Return a book snapshot."""
    return {"step": "book", "t_ms": t_ms, "bids": bids, "asks": asks}


@check("engine", "D-42")
def ladder_is_laid_out(bench: Bench) -> None:
    """Half-spread 5 bp, a level a bp, tick 0.001: bids rounded down, asks up, six a side."""
    config = {**PHASES_1_TO_4, "base_half_spread_bps": 5.004, "tick_size": 0.001}
    seen = bench.cycle([cycle(0)], config)
    # 100 (1 - 5.004e-4) = 99.94996 -> 99.949; each level is 0.01 further
    bids = [quote["price"] for quote in seen["bids"]]
    asks = [quote["price"] for quote in seen["asks"]]
    for number in range(6):
        bench.demand_close(f"bid {number}", 99.949 - 0.01 * number, bids[number])
        bench.demand_close(f"ask {number}", 100.051 + 0.01 * number, asks[number])
    bench.demand("six levels rest on each side", len(bids) == len(asks) == 6, seen)


@check("engine", "D-42")
def fee_floors_the_touch_only(bench: Bench) -> None:
    """A drift that would take the ask below the fee leaves it at 1.5 bp; levels follow it."""
    config = {**gates(1, 2, 3), "base_half_spread_bps": 3.0, "tick_size": 0.0001}
    seen = bench.cycle([signal(0, -50.0, 1.0), cycle(0)], config)
    for number in range(6):
        depth_bps = (seen["asks"][number]["price"] - MID) / MID * 1e4
        # a tick is 0.01 bp, and the unrounded price stands on one: its neighbour conforms too
        near = abs(depth_bps - 1.5 - number) < 0.0101
        bench.demand(f"ask {number} rests {1.5 + number} bp deep", near, depth_bps)


@check("engine", "D-42")
def sizes_are_cut_at_the_limit(bench: Bench) -> None:
    """Long 5.57 of 8.57 with sizes of 0.8, 1.6, 2.4: 0.8, 1.6 and 0.6 may rest, touch first."""
    config = {
        **gates(1, 2, 3, variant="deployed"),
        "level_sizes": [0.8, 1.6, 2.4, 1.0],
        "min_size": 0.05,
    }
    held = [{**at_position(1.0)[0], "size": 5.57}]
    seen = bench.cycle([*held, cycle(0)], config)
    sizes = [quote["size"] for quote in seen["bids"]]
    bench.demand("three bids rest", len(sizes) == 3, sizes)
    for got, expected in zip(sizes, (0.8, 1.6, 0.6), strict=True):
        bench.demand_close("bid size", expected, got)
    asks = [quote["size"] for quote in seen["asks"]]
    bench.demand("asks are whole", asks == [0.8, 1.6, 2.4, 1.0], asks)
    scarce = bench.cycle([*held, cycle(0)], {**config, "min_size": 0.7})
    bench.demand("a level below min_size is dropped", len(scarce["bids"]) == 2, scarce["bids"])


@check("engine", "Q-01", "D-42")
def tick_follows_the_price(bench: Bench) -> None:
    """Five significant figures, six decimals, whole prices always."""
    for mid, tick in ((29.14, 1e-3), (1234.5, 0.1), (105_055.0, 1.0), (0.5, 1e-5), (0.01, 1e-6)):
        seen = bench.cycle([cycle(0, mid)], PHASES_1_TO_4)
        for side, away in (("bids", -1.0), ("asks", 1.0)):
            bench.demand(f"{side} rest at {mid}", bool(seen[side]), seen)
            for number, quote in enumerate(seen[side]):
                unrounded = mid * (1.0 + away * (7.25101 + number) / 1e4)
                ticks = quote["price"] / tick
                whole = abs(ticks - round(ticks)) < 1e-6
                near = abs(quote["price"] - unrounded) < tick + 1e-6 * mid
                bench.demand(f"{side} at {mid} stand on ticks of {tick}", whole and near, quote)


@check("engine", "Q-06")
def unpayable_levels_do_not_rest(bench: Bench) -> None:
    """Levels 4000 bp apart: the fourth bid and those below would cost less than nothing."""
    seen = bench.cycle([cycle(0)], {**gates(1, 2, 3), "level_spacing_bps": 4000.0})
    prices = [quote["price"] for quote in seen["bids"]]
    bench.demand("three bids rest", len(prices) == 3, prices)
    bench.demand("every bid costs something", min(prices) > 0.0, prices)


@check("engine", "D-43", "U-1")
def estimates_replace_the_defaults(bench: Bench) -> None:
    """Each estimate lasts until the next; what it leaves out stays."""
    steps: list[Json] = [
        cycle(0),
        {"step": "estimate", "t_ms": 1, "sigma_bps_per_sqrt_s": 4.0},
        cycle(1),
        {"step": "estimate", "t_ms": 2, "kappa_bid_per_bps": 0.3, "kappa_ask_per_bps": 0.06},
        cycle(2),
        {"step": "estimate", "t_ms": 3, "time_horizon_s": 5.0, "sigma_bps_per_sqrt_s": 1.0},
        cycle(3),
    ]
    quotes = bench.observe("engine", steps, {**gates(1, 2, 3), "tick_size": 1e-6})[::2]
    # 0.15 sigma^2 tau / 2: from 0.6 at sigma 2 to 2.4 at 4
    wider = (quotes[0]["bids"][0]["price"] - quotes[1]["bids"][0]["price"]) * 1e2
    bench.demand("four times sigma^2 widens by 1.8 bp", abs(wider - 1.8) < 1e-3, wider)
    closer = quotes[2]["bids"][0]["price"] - quotes[1]["bids"][0]["price"]
    farther = quotes[2]["asks"][0]["price"] - quotes[1]["asks"][0]["price"]
    bench.demand("kappas act by side", closer > 0.0 and farther > 0.0, quotes[2])


@check("engine", "D-43", "Q-02", "Q-04", "Q-07", "Q-08", "D-03", "D-07")
def bad_events_change_nothing(bench: Bench) -> None:
    """Each bad event is rejected with its code, and the next cycle quotes as if it never came."""
    fill = {"step": "fill", "t_ms": 50, "side": "buy", "price": MID, "size": 1.0, "id": "a"}
    before = [
        book(0, [[99.9, 1.0]], [[100.1, 1.0]]),
        fill,
        trend(60, 4.0),
        cycle(100),
        signal(150, -6.0, 20.0),
    ]
    bad: list[tuple[Json, str]] = [
        ({**fill, "t_ms": 200}, "duplicate"),
        (cycle(99), "time_reversed"),
        (trade(99, "buy"), "time_reversed"),
        (book(200, [[100.2, 1.0]], [[100.1, 1.0]]), "crossed_book"),
        (book(200, [[-1.0, 1.0]], [[100.1, 1.0]]), "out_of_range"),
        ({**trade(200, "buy"), "size": 0.0}, "out_of_range"),
        ({**trade(200, "buy"), "price": "nan"}, "non_finite"),
        ({**fill, "id": "b", "t_ms": 200, "price": "inf"}, "non_finite"),
        (trend(200, 5.0, 1.2), "out_of_range"),
        (trend(200, 5.0, 1.0, -0.1), "out_of_range"),
        (signal(200, 5.0, 0.0), "out_of_range"),
        ({"step": "signal", "t_ms": 200, "source": "momentum", "value": 1.0}, "missing_field"),
        (
            {"step": "signal", "t_ms": 200, "source": "toxicity_bid", "value": 1.5},
            "out_of_range",
        ),
        ({"step": "estimate", "t_ms": 200, "sigma_bps_per_sqrt_s": 0.0}, "out_of_range"),
        ({"step": "estimate", "t_ms": 200, "kappa_bid_per_bps": -0.1}, "out_of_range"),
        (cycle(200, 0.0), "out_of_range"),
        ({"step": "trade", "t_ms": 200, "side": "buy", "size": 1.0}, "missing_field"),
        ({**trade(200, "buy"), "venue": "x"}, "unknown_field"),
        ({"step": "halt", "t_ms": 200}, "unknown_step"),
        ({**trade(200, "buy"), "side": "hold"}, "unparsable"),
    ]
    for step, code in bad:
        bench.demand_rejected("engine", step, code, before, cycle(300))
    held = [signal(0, -6.0, 20.0)]
    bench.demand_rejected("engine", {"step": "cycle", "t_ms": 0}, "missing_field", held, cycle(1))


@check("engine", "Q-08")
def a_rejected_fill_keeps_its_id(bench: Bench) -> None:
    """A fill rejected for its time may come again, rightly; the position then follows it."""
    late = {"step": "fill", "t_ms": 50, "side": "buy", "price": MID, "size": 6.0, "id": "a"}
    right = {**late, "t_ms": 200, "mid": MID}
    steps = [cycle(100), late, right, cycle(300)]
    answers = bench.answer("engine", steps, bench.gates(1, 2, 3, 4))
    bench.demand("a late fill is rejected", isinstance(answers[1], Rejected), answers[1])
    bench.demand("the same id is accepted later", isinstance(answers[2], Ok), answers[2])


@check("engine", "D-43")
def what_an_estimate_leaves_out_stays(bench: Bench) -> None:
    """Sigma 5, then only a horizon of 5 s: both hold at the next cycle."""
    steps: list[Json] = [
        {"step": "estimate", "t_ms": 0, "sigma_bps_per_sqrt_s": 5.0},
        {"step": "estimate", "t_ms": 0, "time_horizon_s": 5.0},
        cycle(0),
    ]
    seen = bench.cycle(steps, {**bench.gates(1, 2, 3), "tick_size": 1e-6})
    half_spread = math.log1p(0.15 / 0.1287) / 0.15 + 0.15 * 25.0 * 5.0 / 2.0 + 1.5
    depth_bps = (MID - seen["bids"][0]["price"]) / MID * 1e4
    bench.demand("the bid rests at both", abs(depth_bps - half_spread) < 1e-3, depth_bps)


@check("engine", "D-43", "D-19", "D-46", needs=("expected_pnl_bps", "touch_depths_bps"))
def estimates_reach_expected_pnl(bench: Bench) -> None:
    """Kappas of 0.3 and 0.06, sigma 3 and a horizon of 4 s, in lambda and in AS."""
    estimate: Json = {
        "step": "estimate",
        "t_ms": 0,
        "kappa_bid_per_bps": 0.3,
        "kappa_ask_per_bps": 0.06,
        "sigma_bps_per_sqrt_s": 3.0,
        "time_horizon_s": 4.0,
    }
    seen = bench.cycle([estimate, cycle(0)], PHASES_1_TO_4)
    cost_bps = 0.8 * 3.0 * 2.0 + 1.5
    for index, kappa in enumerate((0.3, 0.06)):
        depth_bps = seen["touch_depths_bps"][index]
        expected = math.exp(-kappa * depth_bps) * (depth_bps - cost_bps)
        bench.demand_close("E[PnL] of the touch", expected, seen["expected_pnl_bps"][index][0])


@check("engine", "Q-04", "Q-08")
def books_give_the_mid(bench: Bench) -> None:
    """A locked book counts, an empty side keeps the mid, a carried mid is for its step only."""
    config = {**bench.gates(1, 2, 3, 4), "tick_size": 1e-6}
    unpriced: Json = {"step": "cycle", "t_ms": 10}
    steps = [
        book(0, [[99.9, 1.0]], [[100.3, 1.0]]),
        unpriced,
        book(10, [[100.5, 1.0]], [[100.5, 2.0]]),
        unpriced,
        book(10, [], [[90.0, 1.0]]),
        unpriced,
        cycle(10, 200.0),
        unpriced,
        {**at_position(0.01, 10)[0], "price": 105.0, "mid": 105.0},
        unpriced,
    ]
    seen = bench.observe("engine", steps, config)
    for index, mid in ((1, 100.1), (3, 100.5), (5, 100.5), (6, 200.0), (7, 100.5), (9, 100.5)):
        bid, ask = seen[index]["bids"][0]["price"], seen[index]["asks"][0]["price"]
        bench.demand(f"quotes stand around {mid}", abs((bid + ask) / 2.0 - mid) < 1e-3, (bid, ask))


@check("engine", "D-44", needs=("events", "zone", "gate_closed_side"))
def old_gate_is_reported_beside_the_filter(bench: Bench) -> None:
    """Where filter and gate disagree, and only there, an event names the side."""
    # short horizon: at 55 % long the old gate closes bids, the filter still quotes them
    config = {**PHASES_1_TO_4, "time_horizon_s": 0.5, "as_ratio": 0.3}
    seen = bench.cycle([*at_position(0.55), cycle(0)], config)
    bench.demand("the gate's verdict is reported", seen["gate_closed_side"] == "bid", seen)
    bench.demand("the filter quotes bids all the same", bool(seen["bids"]), seen)
    bench.demand("they disagree", seen["events"] == ["dual_run_disagreement_bid"], seen["events"])
    falling = bench.cycle([signal(0, -8.0, 0.5), cycle(0)], PHASES_1_TO_4)
    expected = ["drift_beyond_old_cap", "dual_run_disagreement_bid"]
    bench.demand("a flat disagreement, and the cap", falling["events"] == expected, falling)
    # P_0 = R makes the drift half of z, 3 bp/s, and the shift over 2 s exactly 3 bp
    rising = bench.cycle([signal(0, 6.0, 50.0), cycle(0)], PHASES_1_TO_4)["events"]
    bench.demand("3 bp is not beyond 3 bp", "drift_beyond_old_cap" not in rising, rising)
    # almost at the limit, with hardly any aversion: the filter keeps bids, but none has room
    careless = {**PHASES_1_TO_4, "gamma_base_per_bps": 1e-6}
    full = bench.cycle([*at_position(0.9999), cycle(0)], careless)
    bench.demand("gate and quotes agree where no bid has room", full["events"] == [], full)
    calm = bench.cycle([cycle(0)], PHASES_1_TO_4)
    bench.demand("a calm market has no events", calm["events"] == [], calm)
    for share, zone in ((0.5, "green"), (0.7, "yellow"), (0.9, "red"), (1.1, "kill")):
        got = bench.cycle([*at_position(-share), cycle(0)], PHASES_1_TO_4)["zone"]
        bench.demand(f"zone at {share:.0%} is {zone}", got == zone, got)


@check("engine", "D-38", "D-45", "U-1")
def defaults_are_the_plans(bench: Bench) -> None:
    """The effective configuration of a session opened with nothing."""
    answer = bench.open_answer("engine", {})
    if isinstance(answer, Unsupported):  # phase 4 is off by default
        raise RollbackUnsupportedError(answer.reason)
    bench.demand("a session opens with the defaults", isinstance(answer, Opened), answer)
    assert isinstance(answer, Opened)
    on_by_default = bench.phases & {1, 2, 3, 5, 6}  # a phase that an engine lacks is off
    expected: Json = {
        **{name: phase in on_by_default for phase, name in GATES.items()},
        "calibration": "calibrated",
        "theta_per_s": 0.02,
        "process_noise": 1.0,
        "prior_variance": 50.0,
        "p_min": 2.0,
        "gamma_base_per_bps": 0.15,
        "inventory_beta": 7.0,
        "max_position": MAX_POSITION,
        "flow_sensitivity": 0.5,
        "kappa_bid_per_bps": 0.1287,
        "as_ratio": 0.8,
        "fee_bps": 1.5,
        "time_horizon_s": 2.0,
    }
    for key, value in expected.items():
        got = answer.config.get(key)
        same = (
            is_close(value, got) if isinstance(value, float) and got is not None else got == value
        )
        bench.demand(f"default {key} is {value}", same, got)


@check("engine", "U-1")
def kappa_is_taken_per_fraction_of_price_too(bench: Bench) -> None:
    """1500 and 900 per unit fraction are 0.15 and 0.09 /bp; a side has one unit."""
    given = {"kappa_bid_per_fraction": 1500.0, "kappa_ask_per_fraction": 900.0}
    on = bench.gates(*bench.phases)
    answer = bench.open_answer("engine", {**on, **given})
    bench.demand("it opens", isinstance(answer, Opened), answer)
    assert isinstance(answer, Opened)
    bench.demand_close("kappa of the bid", 0.15, answer.config["kappa_bid_per_bps"])
    bench.demand_close("kappa of the ask", 0.09, answer.config["kappa_ask_per_bps"])
    twice = bench.open_answer("engine", {**on, **given, "kappa_bid_per_bps": 0.15})
    refused = isinstance(twice, Rejected) and twice.code == "out_of_range"
    bench.demand("one side in both units is rejected", refused, twice)


@check("engine", "D-38", "Q-02")
def bad_configuration_is_rejected(bench: Bench) -> None:
    """An unknown key, a value of the wrong kind, one out of range."""
    bad: list[tuple[Json, str]] = [
        ({"theta": 0.02}, "unknown_field"),
        ({"theta_per_s": "fast"}, "unparsable"),
        ({"theta_per_s": -0.02}, "out_of_range"),
        ({"max_position": 0.0}, "out_of_range"),
        ({"calibration": "none"}, "out_of_range"),
    ]
    for config, code in bad:
        answer = bench.open_answer("engine", {**bench.gates(*bench.phases), **config})
        right = isinstance(answer, Rejected) and answer.code == code
        bench.demand(f"{config} is rejected as {code}", right, answer)


@check("engine", "D-17", "D-18", "D-12", "U-1")
def mirror_image_is_quoted_alike(bench: Bench) -> None:
    """Bull and bear, bid and ask exchanged at a constant mid: depths and sizes change sides."""
    steps = _random_market(bench.seed, 60)
    config = {**bench.gates(1, 2, 3, 4), "tick_size": 1e-7}
    for one, other in zip(
        bench.observe("engine", steps, config),
        bench.observe("engine", mirrored(steps), config),
        strict=True,
    ):
        if "bids" in one:
            _demand_mirrored(bench, one["bids"], other["asks"])
            _demand_mirrored(bench, one["asks"], other["bids"])


def _demand_mirrored(bench: Bench, quotes: list[Any], images: list[Any]) -> None:
    bench.demand("as many levels rest in the mirror", len(quotes) == len(images), images)
    for quote, image in zip(quotes, images, strict=True):
        distance = abs(quote["price"] - MID) - abs(image["price"] - MID)
        bench.demand("depths are mirrored", abs(distance) < 2.5e-7, (quote, image))
        bench.demand_close("sizes are mirrored", quote["size"], image["size"])


@check("engine", "A-engine", seconds=0.6)
def random_markets_agree(bench: Bench) -> None:
    """Seeded markets of every event, as a market makes them and as it does not."""
    every_phase = bench.gates(1, 2, 3, 4)
    for number, config in enumerate(
        (
            every_phase,
            bench.gates(1, 2, 3),
            {**every_phase, "calibration": "plan", "time_horizon_s": 8.0},
            {**every_phase, "base_half_spread_bps": 2.85, "as_ratio": 0.3, "tick_size": 0.001},
            {**every_phase, "level_sizes": [4.0, 6.0, 0.01, 2.0], "min_size": 0.01},
            {
                **bench.gates(1, 2, 3, variant="deployed"),
                "prior_variance": 0.5,
                "level_sizes": [0.3, 4.0, 6.0, 2.0],
                "min_size": 0.5,
            },
        )
    ):
        bench.agree("engine", _random_market(bench.seed + number, 60), config)
        bench.agree("engine", _wild_market(bench.seed + number, 50), config)


@check("engine", "A-engine", seconds=0.9)
def markets_of_every_source_agree(bench: Bench) -> None:
    """Seeded markets in which every source speaks, all phases on, in both calibrations."""
    bench.require(*GATES)
    sources: Json = {**bench.gates(*GATES), "alpha_open_interest": 50.0}
    for number, config in enumerate(
        (
            sources,
            {**sources, "calibration": "plan", "p_min": 0.0},
            {**sources, "markout_window_s": 20.0, "warm_every_cycles": 3, "cold_every_cycles": 4},
            {**sources, "lead_window": 30, "kurtosis_window": 25, "fill_size_window": 3},
        )
    ):
        bench.agree("engine", whole_market(bench.seed + number, 120), config)


def _wild_market(seed: int, cycles: int) -> list[Json]:
    """Bursts, long gaps, moving and one-sided books, partial estimates, many signals, bad steps."""
    rng = random.Random(seed)
    steps: list[Json] = [signal(0, -4.0, 30.0), {"step": "cycle", "t_ms": 0}]
    mid, position, t_ms = MID, 0.0, 0
    for number in range(cycles):
        t_ms += rng.choice((0, 1, 500, CYCLE_MS, 60_000, 3_600_000))
        mid *= 1.0 + rng.gauss(0.0, 3e-4)
        bid, ask = [[mid - 0.01, 1.0]], [[mid + 0.01, 1.0]]
        steps.append(book(t_ms, rng.choice((bid, bid, [])), ask))
        steps += [trade(t_ms, "buy", rng.random() + 0.1)] * rng.choice((0, 0, 3, 25, 150))
        steps += [trade(t_ms, "sell", rng.random() + 0.1)] * rng.choice((0, 0, 3, 25))
        for _ in range(rng.choice((0, 1, 3, 12))):
            z_bps_per_s = rng.choice((rng.gauss(0.0, 4.0), rng.uniform(-1e3, 1e3)))
            steps.append(signal(t_ms, z_bps_per_s, 10.0 ** rng.uniform(-2.0, 4.0)))
        steps.append(
            trend(t_ms, rng.gauss(0.0, 30.0), rng.choice((0.0, rng.random())), rng.random())
        )
        estimates = {
            "sigma_bps_per_sqrt_s": rng.uniform(0.3, 6.0),
            "kappa_bid_per_bps": rng.uniform(0.02, 0.6),
            "kappa_ask_per_bps": rng.uniform(0.02, 0.6),
            "time_horizon_s": rng.uniform(0.3, 6.0),
        }
        kept = {name: value for name, value in estimates.items() if rng.random() < 0.25}
        steps.append({"step": "estimate", "t_ms": t_ms, **kept})
        side = "buy" if rng.random() < 0.5 - 0.4 * position / MAX_POSITION else "sell"
        size = rng.choice((0.0005, 0.005, rng.uniform(0.1, 4.0)))
        position += size if side == "buy" else -size
        fill: Json = {
            "step": "fill",
            "t_ms": t_ms,
            "side": side,
            "price": mid * 1.0003,
            "size": size,
        }
        fill |= {"id": f"fill-{number}", "mid": mid * 1.001} if rng.random() < 0.5 else {}
        late = {**fill, "t_ms": t_ms - 1, "id": f"late-{number}"}
        steps += [late, fill, {**late, "t_ms": t_ms, "size": 1e-3}]
        steps.append({**late, "t_ms": t_ms, "id": "late-0"})  # a duplicate from the first on
        for source in ("toxicity_bid", "toxicity_ask"):
            steps.append({"step": "signal", "t_ms": t_ms, "source": source, "value": rng.random()})
        unpriced: Json = {"step": "cycle", "t_ms": t_ms}
        steps += [{**fill, "size": 1.0}, rng.choice((unpriced, cycle(t_ms, mid * 1.002)))]
    return steps


def _random_market(seed: int, cycles: int) -> list[Json]:
    """Trades, fills, trends, signals and estimates between cycles, at a constant mid."""
    rng = random.Random(seed)
    steps: list[Json] = []
    position = 0.0
    t_ms = 0
    for number in range(cycles):
        for _ in range(rng.randrange(12)):
            t_ms += rng.randrange(CYCLE_MS // 6)
            steps.append(trade(t_ms, rng.choice(("buy", "sell")), rng.uniform(0.1, 5.0)))
        if rng.random() < 0.4:
            side = "buy" if rng.random() < 0.5 - 0.4 * position / MAX_POSITION else "sell"
            size = rng.uniform(0.05, 2.0)
            position += size if side == "buy" else -size
            price = rng.uniform(99.9, 100.1)
            fill = {"step": "fill", "t_ms": t_ms, "side": side, "price": price, "size": size}
            steps.append({**fill, "id": f"fill-{number}", "mid": MID})
        if rng.random() < 0.5:
            steps.append(trend(t_ms, rng.gauss(0.0, 6.0), rng.random(), rng.random()))
        if rng.random() < 0.3:
            steps.append(signal(t_ms, rng.gauss(0.0, 2.0), rng.uniform(1.0, 200.0)))
        if rng.random() < 0.1:
            sigma = rng.uniform(0.5, 4.0)
            steps.append({"step": "estimate", "t_ms": t_ms, "sigma_bps_per_sqrt_s": sigma})
        t_ms += rng.choice((0, 500, CYCLE_MS))
        steps.append(cycle(t_ms))
    return steps
