"""Phase 8: the tape, own fill sizes and open interest, and the gate."""

from __future__ import annotations

import math
import random

from quotemark.messages import Json, Rejected
from quotemark.suite.bench import Bench
from quotemark.suite.market import MID, cycle, gates, trade, trades
from quotemark.suite.market_features import (
    CALIBRATED,
    NEEDS_Z,
    TAPED,
    cycles,
    demand_each_rejected,
    demand_gate,
    demand_none,
    demand_observation,
    demand_reading,
    demand_refused,
    demand_same_quotes,
    open_interest,
    own_fill,
    quoting,
    read,
    reference_price,
    sources,
)
from quotemark.suite.register import check

# --- Hawkes intensities -----------------------------------------------------------------------


def event(t_ms: int, side: str) -> Json:
    """hawkes: a trade."""
    return {"step": "trade", "t_ms": t_ms, "side": side}


@check("hawkes", "P8.test_hawkes_excess_sell_bearish", needs=("intensities_per_s", *NEEDS_Z))
def a_burst_of_sells_is_bearish(bench: Bench) -> None:
    """Twenty sells a second ago: excess 6/e, z = -6/e, R = 2.25/(0.2 + 6/e); buys mirror it."""
    excess = 6.0 / math.e
    for side, sign in (("sell", -1.0), ("buy", 1.0)):
        seen = bench.observe("hawkes", [*[event(0, side)] * 20, read(1000)])[-1]
        demand_observation(bench, f"{side}s", seen, sign * excess, 2.25 / (0.2 + excess))
        index = 0 if side == "buy" else 1
        bench.demand_close("excited", 0.1 + excess, seen["intensities_per_s"][index])
        bench.demand_close("not excited", 0.1, seen["intensities_per_s"][1 - index])


@check("hawkes", "P8.test_hawkes_excess_sell_bearish", needs=("intensities_per_s", "events"))
def each_trade_excites_and_decays(bench: Bench) -> None:
    """Base 0.1 and 0.3 e^(-(t - t_i)) a trade, a trade's own jump included at once."""
    times_s = (0.0, 0.5, 1.25, 1.25, 7.0)
    steps = [event(round(1000.0 * time_s), "sell") for time_s in times_s]
    seen = bench.observe("hawkes", [*steps, read(8000)])
    for number, now_s in enumerate((*times_s, 8.0)):
        past = times_s[: number + 1]
        expected = 0.1 + sum(0.3 * math.exp(time_s - now_s) for time_s in past)
        bench.demand_close(f"sells at {now_s} s", expected, seen[number]["intensities_per_s"][1])
        bench.demand_close(f"buys at {now_s} s", 0.1, seen[number]["intensities_per_s"][0])
    bench.demand("five trades are five", seen[-1]["events"] == 5, seen[-1])


@check("hawkes", "P8.test_hawkes_excess_sell_bearish", "D-29", needs=NEEDS_Z)
def nineteen_trades_say_nothing(bench: Bench) -> None:
    """The twentieth speaks, in either calibration; with an alpha of 0 none does."""
    for calibration in ("plan", "calibrated"):
        config: Json = {"calibration": calibration}
        *early, twentieth = bench.observe("hawkes", [event(0, "sell")] * 20, config)
        for observed in early:
            demand_none(bench, "before the twentieth", observed)
        speaks = twentieth["z_bps_per_s"] is not None and twentieth["z_bps_per_s"] < 0.0
        bench.demand("the twentieth speaks", speaks, twentieth)
        off = bench.observe("hawkes", [event(0, "sell")] * 30, {**config, "alpha_hawkes": 0.0})
        demand_none(bench, f"alpha 0, {calibration}", off[-1])


@check("hawkes", "P8.test_hawkes_excess_sell_bearish", needs=NEEDS_Z)
def intensity_has_a_floor_in_r(bench: Bench) -> None:
    """A base of 0.01 and no excess left: R = 2.25/0.1; alpha 3 triples z."""
    config = {"hawkes_base_per_s": 0.01, "alpha_hawkes": 3.0}
    burst = [event(0, "sell")] * 20
    fresh, quiet = bench.observe("hawkes", [*burst, read(1000), read(100_000)], config)[-2:]
    excess = 6.0 / math.e
    demand_observation(bench, "a second later", fresh, -3.0 * excess, 2.25 / (0.02 + excess))
    demand_observation(bench, "100 s later", quiet, 0.0, 22.5)


@check("hawkes", "D-45", "Q-11", needs=NEEDS_Z)
def calibrated_hawkes_is_a_weak_sensor(bench: Bench) -> None:
    """Z = 10 (buy - sell)/(buy + sell) of the excesses, R = 260, until 5/decay s of silence.

    Decay cancels in the ratio, which would otherwise keep the last burst for ever.
    """
    burst = [*[event(0, "sell")] * 15, *[event(0, "buy")] * 5]
    steps = [*burst, read(2000), read(5000), read(5001)]
    later, at_border, silent = bench.observe("hawkes", steps, CALIBRATED)[-3:]
    demand_observation(bench, "2 s later", later, -5.0, 260.0)
    demand_observation(bench, "5 s later", at_border, -5.0, 260.0)
    demand_none(bench, "past 5 s", silent)
    config = {**CALIBRATED, "hawkes_decay_per_s": 2.0}
    at_border, silent = bench.observe("hawkes", [*burst, read(2500), read(2501)], config)[-2:]
    demand_observation(bench, "2.5 s later at decay 2", at_border, -5.0, 260.0)
    demand_none(bench, "past 2.5 s at decay 2", silent)


@check("hawkes", "Q-02")
def explosive_excitation_does_not_open(bench: Bench) -> None:
    """A jump of at least the decay has no mean intensity: 0.3 of 0.3 is out of range."""
    for component, on in (("hawkes", {}), ("engine", bench.gates(*bench.phases))):
        if component in bench.identity.components:
            answer = bench.open_answer(component, {**on, "hawkes_decay_per_s": 0.3})
            right = isinstance(answer, Rejected) and answer.code == "out_of_range"
            bench.demand(f"{component} rejects a jump of the decay", right, answer)
    bench.observe("hawkes", [read(0)], {"hawkes_decay_per_s": 0.31})


@check("engine", "E2E-10", "P8.test_hawkes_excess_sell_bearish")
def a_cluster_of_sells_moves_quotes(bench: Bench) -> None:
    """Thirty sells at once, flow silent: z = -10, R = 260 at P 50 is 1.61 bp; mirrored for buys."""
    bench.require(8)
    config = {**TAPED, "tick_size": 1e-6}
    calm = bench.cycle([cycle(0)], config)
    for side, sign in (("sell", 1.0), ("buy", -1.0)):
        seen = bench.cycle([*trades(side, every_ms=0), cycle(0)], config)
        for quotes in ("bids", "asks"):
            lower_bps = (calm[quotes][0]["price"] - seen[quotes][0]["price"]) * 1e2
            close = abs(lower_bps - sign * 500.0 / 310.0) < 1e-3
            bench.demand(f"{quotes} follow a cluster of {side}s", close, lower_bps)


@check("engine", "P8.test_hawkes_excess_sell_bearish", needs=("drift_observations",))
def a_trade_excites_whatever_its_size(bench: Bench) -> None:
    """Twenty sells of 1 and as many buys of 9 excite alike: z = 0."""
    buys = [trade(0, "buy", 9.0)] * 20
    seen = bench.cycle([*trades("sell", 20, every_ms=0), *buys, cycle(0)], TAPED)
    demand_reading(bench, seen, "hawkes", 0.0, 260.0)


@check("engine", "E2E-10", needs=("drift_observations",))
def hawkes_speaks_in_clusters_only(bench: Bench) -> None:
    """Thirty lone sells, one a minute, say nothing 30 s after the last; three in a second do."""
    lone = [trade(60_000 * number, "sell") for number in range(30)]
    calm_ms, cluster_ms = 60_000 * 29 + 30_000, 60_000 * 30
    cluster = [trade(cluster_ms + 300 * number, "sell") for number in range(3)]
    steps = [*lone, cycle(calm_ms), cycle(calm_ms), *cluster, cycle(cluster_ms + 1000)]
    seen = quoting(bench.observe("engine", steps, TAPED))
    bench.demand("lone trades say nothing", sources(seen[0]) == [], sources(seen[0]))
    demand_reading(bench, seen[2], "hawkes", -10.0, 260.0)


# --- own fill sizes ---------------------------------------------------------------------------


def sized(side: str, size: float) -> Json:
    """fill_size: an own fill."""
    return {"step": "fill", "side": side, "size": size}


ALIKE = [sized("buy", 1.0), sized("sell", 1.0)] * 10
"""Twenty fills of 1, by turns. After k more of 3 the baseline weighs 1 by a = 0.95^k, 3 by 1 - a.

Its mean is 3 - 2a and its deviation 2 sqrt(a (1 - a)), so a side of threes has a z-score of
sqrt(a/(1 - a)), and a side of ones minus its inverse.
"""


@check(
    "fill_size",
    "P8.test_fill_size_shift_large_bids_bearish",
    needs=("baseline_mean", "baseline_std", "zscores", *NEEDS_Z),
)
def large_bid_fills_are_bearish(bench: Bench) -> None:
    """Twenty fills of 1, then 12 buys of 3, of which the last ten count; mirrored for sells.

    The baseline has a weight a = 0.95^12 on 1 and the rest on 3.
    """
    a = 0.95**12
    zscore = math.sqrt(a / (1.0 - a))
    for side, index, sign in (("buy", 0, -1.0), ("sell", 1, 1.0)):
        seen = bench.observe("fill_size", [*ALIKE, *[sized(side, 3.0)] * 12])[-1]
        bench.demand_close("baseline mean", 3.0 - 2.0 * a, seen["baseline_mean"])
        bench.demand_close("baseline deviation", 2.0 * math.sqrt(a - a * a), seen["baseline_std"])
        bench.demand_close("zscore of the large side", zscore, seen["zscores"][index])
        bench.demand_close("zscore of the other", -1.0 / zscore, seen["zscores"][1 - index])
        demand_observation(bench, f"large {side}s", seen, sign * 0.1 * zscore, 4.0)


@check("fill_size", "P8.test_fill_size_shift_large_bids_bearish", needs=("zscores",))
def the_last_ten_fills_of_a_side_count(bench: Bench) -> None:
    """After ten buys of 1, k of 3 are k of the last ten: their mean is 1 + k/5."""
    for count in (1, 4, 9):
        a = 0.95**count
        seen = bench.observe("fill_size", [*ALIKE, *[sized("buy", 3.0)] * count])[-1]
        zscore = (1.0 + count / 5.0 - (3.0 - 2.0 * a)) / (2.0 * math.sqrt(a - a * a))
        bench.demand_close(f"zscore after {count} large buys", zscore, seen["zscores"][0])


@check(
    "fill_size", "P8.test_fill_size_shift_large_bids_bearish", "Q-12", needs=("zscores", *NEEDS_Z)
)
def only_large_fills_say_something(bench: Bench) -> None:
    """Both sides below the baseline say nothing; nor do sizes that are all alike.

    After 20 of 3 and 20 of 1 by turns each side's last ten are ones, and the baseline is above.
    """
    small = [sized(fill["side"], 3.0) for fill in ALIKE] + ALIKE
    seen = bench.observe("fill_size", small)[-1]
    bench.demand("both sides are below", max(seen["zscores"]) < 0.0, seen)
    demand_none(bench, "both sides below the baseline", seen)
    # less than a millionth of the mean apart is alike too
    for buys, sells in ((1.0, 1.0), (1.0, 1.0 + 1e-12), (1e4, 1e4 + 1e-3)):
        fills = [sized("buy", buys), sized("sell", sells)] * 10
        alike = bench.observe("fill_size", fills * 2)[-1]
        bench.demand("alike sizes have no zscore", alike["zscores"] == [0.0, 0.0], alike)
        demand_none(bench, "all sizes alike", alike)


@check("fill_size", "P8.test_fill_size_shift_large_bids_bearish", "D-29", needs=NEEDS_Z)
def nineteen_fills_say_nothing(bench: Bench) -> None:
    """Both sides' fills are counted; the twentieth speaks, but not at an alpha of 0."""
    steps = [*ALIKE[:18], sized("buy", 5.0), sized("sell", 1.0)]
    for calibration in ("plan", "calibrated"):
        config: Json = {"calibration": calibration}
        *early, twentieth = bench.observe("fill_size", steps, config)
        for observed in early:
            demand_none(bench, "before the twentieth", observed)
        speaks = twentieth["z_bps_per_s"] is not None and twentieth["z_bps_per_s"] < 0.0
        bench.demand("the twentieth speaks", speaks, twentieth)
        off = bench.observe("fill_size", steps, {**config, "alpha_fill_size": 0.0})[-1]
        demand_none(bench, f"alpha 0, {calibration}", off)


@check("fill_size", "D-45", needs=NEEDS_Z)
def calibrated_fill_sizes_are_weak_sensors(bench: Bench) -> None:
    """Z = -10 zscore/5 for bids, clipped at -10; R = 260.

    A window of 1 and a weight of 0.01 make one large fill a z-score of sqrt(0.99/0.01) = 9.95.
    """
    a = 0.95**12
    seen = bench.observe("fill_size", [*ALIKE, *[sized("buy", 3.0)] * 12], CALIBRATED)[-1]
    demand_observation(bench, "large bids", seen, -2.0 * math.sqrt(a / (1.0 - a)), 260.0)
    config = {**CALIBRATED, "fill_size_window": 1, "fill_size_weight": 0.01}
    for side, z_bps_per_s in (("buy", -10.0), ("sell", 10.0)):
        full = bench.observe("fill_size", [*ALIKE, sized(side, 3.0)], config)[-1]
        demand_observation(bench, f"a very large {side}", full, z_bps_per_s, 260.0)


# --- open interest ----------------------------------------------------------------------------


def interest(mid: float, contracts: float) -> Json:
    """open_interest: a cold cycle."""
    return {"step": "read", "mid": mid, "contracts": contracts}


@check("open_interest", "D-35", needs=("change", *NEEDS_Z))
def open_interest_is_off_by_default(bench: Bench) -> None:
    """A change is measured, and says nothing in either calibration."""
    for config in ({}, CALIBRATED):
        steps = [interest(100.0, 1000.0), interest(99.0, 1005.0)]
        first, second = bench.observe("open_interest", steps, config)
        bench.demand("a first reading has no change", first["change"] is None, first)
        bench.demand_close("change", 0.005, second["change"])
        demand_none(bench, "alpha 0", second)


@check("open_interest", "Q-15", "D-35", "D-45", needs=("change", *NEEDS_Z))
def open_interest_is_signed_by_the_return(bench: Bench) -> None:
    """Plan, alpha 2: z = 2 x change x sign(return), R = 4; calibrated z = 10 change/1 %, R = 260.

    Growing while the price falls is bearish, while it rises bullish, while it stands 0.
    """
    for mid, contracts, change, calibrated in (
        (99.0, 1005.0, -0.005, -5.0),
        (101.0, 1005.0, 0.005, 5.0),
        (99.0, 995.0, 0.005, 5.0),
        (99.0, 1300.0, -0.3, -10.0),
        (100.0, 1005.0, 0.0, 0.0),
    ):
        steps = [interest(100.0, 1000.0), interest(mid, contracts)]
        what = f"{contracts} at {mid}"
        plan = bench.observe("open_interest", steps, {"alpha_open_interest": 2.0})[-1]
        demand_observation(bench, f"plan, {what}", plan, 2.0 * change, 4.0)
        config = {**CALIBRATED, "alpha_open_interest": 2.0}
        weak = bench.observe("open_interest", steps, config)[-1]
        demand_observation(bench, f"calibrated, {what}", weak, calibrated, 260.0)


@check("engine", "Q-15", "D-35", "D-36", needs=("drift_observations", "drift_bps_per_s"))
def open_interest_plugs_in(bench: Bench) -> None:
    """+0.5 % from one cold cycle to the next while the mid falls: z = -5, R = 260; off, nothing.

    From the last cycle the mid has risen: it is the whole of the five cycles that counts.
    """
    steps = [open_interest(0, 1000.0), *cycles(3), open_interest(0, 1005.0), *cycles(1)]
    steps += [cycle(0, 99.8), cycle(0, 99.9)]
    for alpha, expected in ((0.0, []), (1.0, ["open_interest"])):
        seen = bench.cycle(steps, {**TAPED, "alpha_open_interest": alpha})
        bench.demand(f"sources at alpha {alpha}", sources(seen) == expected, sources(seen))
        drift = -5.0 * 50.0 / 310.0 if expected else 0.0
        bench.demand_close(f"drift at alpha {alpha}", drift, seen["drift_bps_per_s"])


# --- agreement and bad input ------------------------------------------------------------------


def _random_side(rng: random.Random) -> str:
    return rng.choice(("buy", "sell"))


@check("hawkes", "A-hawkes")
def random_tapes_agree(bench: Bench) -> None:
    """Seeded trades and reads, with bursts at one instant and gaps of minutes."""
    rng = random.Random(bench.seed)
    for config in (
        {},
        CALIBRATED,
        {"hawkes_base_per_s": 0.01, "hawkes_jump_per_s": 0.02, "alpha_hawkes": 4.0},
        {**CALIBRATED, "hawkes_min_events": 0, "hawkes_silence_horizons": 2.0},
    ):
        steps = []
        t_ms = 0
        for _ in range(400):
            t_ms += rng.choice((0, 0, 40, 900, 4000, 200_000))
            steps.append(rng.choice((event(t_ms, _random_side(rng)), read(t_ms))))
        bench.agree("hawkes", steps, config)


@check("fill_size", "A-fill_size")
def random_fill_sizes_agree(bench: Bench) -> None:
    """Seeded sizes, alike at first, then of every order of magnitude."""
    rng = random.Random(bench.seed)
    for config in (
        {},
        CALIBRATED,
        {"fill_size_window": 3, "fill_size_weight": 0.4, "fill_size_min_fills": 2},
        {**CALIBRATED, "calibrated_drift_scale": 2.0, "alpha_fill_size": 7.0},
    ):
        steps = [sized(_random_side(rng), 0.7) for _ in range(25)]
        for _ in range(300):
            size = rng.choice((0.7, rng.uniform(0.1, 2.0), 10.0 ** rng.uniform(-3.0, 3.0)))
            steps.append(sized(_random_side(rng), size))
        bench.agree("fill_size", steps, config)


@check("open_interest", "A-open_interest")
def random_interests_agree(bench: Bench) -> None:
    """Seeded contracts and mids, some of which stand."""
    rng = random.Random(bench.seed)
    for config in (
        {},
        {"alpha_open_interest": 3.0, "sigma_open_interest": 0.5},
        {**CALIBRATED, "alpha_open_interest": 1.0},
        {**CALIBRATED, "alpha_open_interest": 1.0, "calibrated_open_interest_scale": 0.3},
    ):
        steps = []
        for _ in range(200):
            mid = rng.choice((100.0, 100.1, 99.7))
            steps.append(interest(mid, rng.choice((1000.0, rng.uniform(500.0, 2000.0)))))
        bench.agree("open_interest", steps, config)


@check("hawkes", "D-03", "D-07", "Q-02")
def bad_trades_change_nothing(bench: Bench) -> None:
    """Time that runs back, a side that is none."""
    bad: list[tuple[Json, str]] = [
        (event(99, "buy"), "time_reversed"),
        (read(99), "time_reversed"),
        (event(100, "hold"), "unparsable"),
        ({"step": "trade", "t_ms": 100}, "missing_field"),
        ({**event(100, "buy"), "size": 1.0}, "unknown_field"),
    ]
    demand_each_rejected(bench, "hawkes", bad, [event(100, "sell")] * 25, event(200, "buy"))


@check("fill_size", "D-07", "Q-02")
def bad_fill_sizes_change_nothing(bench: Bench) -> None:
    """Sizes that are not positive, not finite or too large."""
    bad: list[tuple[Json, str]] = [
        (sized("buy", 0.0), "out_of_range"),
        (sized("buy", -1.0), "out_of_range"),
        (sized("buy", 1e16), "out_of_range"),
        ({**sized("buy", 1.0), "size": "nan"}, "non_finite"),
        (sized("bid", 1.0), "unparsable"),
        ({"step": "fill", "size": 1.0}, "missing_field"),
    ]
    demand_each_rejected(bench, "fill_size", bad, [*ALIKE, sized("buy", 3.0)], sized("sell", 2.0))


@check("open_interest", "D-07", "Q-02")
def bad_interest_changes_nothing(bench: Bench) -> None:
    """Contracts and mids that are not positive or not finite."""
    bad: list[tuple[Json, str]] = [
        (interest(0.0, 1000.0), "out_of_range"),
        (interest(100.0, 0.0), "out_of_range"),
        (interest(100.0, -3.0), "out_of_range"),
        ({**interest(100.0, 1.0), "contracts": "nan"}, "non_finite"),
        ({"step": "read", "mid": 100.0}, "missing_field"),
    ]
    demand_each_rejected(bench, "open_interest", bad, [interest(100.0, 1e3)], interest(99.0, 2e3))


@check("engine", "D-03", "D-07", "Q-02")
def bad_features_change_nothing(bench: Bench) -> None:
    """Open interest and prices of other markets: each bad one leaves the next cycle as it was."""
    bench.require(8)
    before = [open_interest(100, 1000.0), reference_price(100, "spot", 99.9), cycle(100)]
    bad: list[tuple[Json, str]] = [
        (open_interest(100, 0.0), "out_of_range"),
        ({**open_interest(100, 1.0), "contracts": "inf"}, "non_finite"),
        (open_interest(99, 1000.0), "time_reversed"),
        (reference_price(100, "leader", -1.0), "out_of_range"),
        (reference_price(100, "spot", 1e16), "out_of_range"),
        ({**reference_price(100, "spot", 1.0), "price": "nan"}, "non_finite"),
        (reference_price(100, "", 1.0), "unparsable"),
    ]
    demand_refused(bench, bad, before, cycle(200))


# --- gate -------------------------------------------------------------------------------------


WILD: Json = {
    "alpha_hawkes": 40.0,
    "alpha_fill_size": 40.0,
    "alpha_basis": 40.0,
    "alpha_lead": 40.0,
    "alpha_open_interest": 40.0,
    "lead_min_confidence": 0.001,
    "hawkes_jump_per_s": 0.9,
    "vol_exponent": 1.0,
    "tail_weight": 9.0,
    "as_ratio_adjustment_max": 90.0,
    "warm_every_cycles": 1,
    "cold_every_cycles": 1,
}


def _tape_session(*, with_venues: bool) -> list[Json]:
    """30 cycles of clusters, fills and a jumpy mid; prices of other markets only if wanted."""
    steps: list[Json] = []
    mid = MID
    for number in range(30):
        t_ms = 4000 * number
        mid *= 1.0 + (2e-3 if number % 7 == 0 else 1e-4) * (1.0 if number % 2 else -1.0)
        steps += trades("sell" if number % 3 else "buy", 12, t_ms, 20)
        steps.append(own_fill(t_ms + 500, "buy" if number % 2 else "sell", 0.1 + 0.05 * number))
        if with_venues:
            steps += [
                reference_price(t_ms + 500, "spot", mid * (1.0 + 1e-3 * (number % 4))),
                reference_price(t_ms + 500, "leader", mid * 90.0),
                open_interest(t_ms + 500, 1000.0 + 300.0 * (number % 5)),
            ]
        steps.append(cycle(t_ms + 1000, mid))
    return steps


@check("engine", "G-8", "D-37")
def phase_8_off_ignores_tape_and_venues(bench: Bench) -> None:
    """With its gate off, other markets and wild parameters change nothing bit for bit."""
    bench.require(8)
    off = gates(1, 2, 3, 4)
    without = bench.observe("engine", _tape_session(with_venues=False), off)
    ignored = bench.observe("engine", _tape_session(with_venues=True), {**off, **WILD})
    demand_same_quotes(bench, "phase 8 off ignores its inputs", without, ignored)
    on = quoting(bench.observe("engine", _tape_session(with_venues=True), gates(1, 2, 3, 4, 8)))
    moved = on[-1]["bids"] != quoting(without)[-1]["bids"]
    bench.demand("phase 8 on moves the quotes of this session", moved, on[-1])


OFF_8: Json = {
    "alpha_hawkes": 0.0,
    "alpha_fill_size": 0.0,
    "alpha_basis": 0.0,
    "alpha_lead": 0.0,
    "vol_exponent": 0.0,
    "tail_weight": 0.0,
}


@check("engine", "G-8", "D-29")
def alphas_of_0_are_phase_8_off(bench: Bench) -> None:
    """Alphas, vol exponent and tail weight at 0: bit for bit an engine without the phase."""
    bench.require(8)
    steps = _tape_session(with_venues=True)
    for calibration in ("plan", "calibrated"):
        config: Json = {"calibration": calibration}
        without = bench.observe("engine", steps, {**gates(1, 2, 3, 4), **config})
        silent = bench.observe("engine", steps, {**gates(1, 2, 3, 4, 8), **OFF_8, **config})
        demand_same_quotes(bench, f"alphas of 0, {calibration}", without, silent)


@check("engine", "G-8", "D-37")
def phase_8_without_phase_1_is_inert(bench: Bench) -> None:
    """Its gate makes no difference while the legacy estimator runs."""
    bench.require(8)
    steps = _tape_session(with_venues=True)
    without = bench.observe("engine", steps, gates(2, 3))
    inert = bench.observe("engine", steps, {**gates(2, 3, 8), **WILD})
    demand_same_quotes(bench, "gate 8 without 1 changes nothing", without, inert)


@check("engine", "G-8", "D-37", needs=("active_phases", "inert_phases"))
def inert_tape_features_say_so(bench: Bench) -> None:
    """Phase 8 needs phase 1 alone."""
    demand_gate(bench, 8, (1, 8), (2, 3, 8))
    demand_gate(bench, 8, (1, 2, 3, 4, 5, 6, 7, 8), (2, 3, 4, 5, 6, 7, 8))
