"""Phase 6: funding, its carry in the expected PnL, its skew, and its drift observation."""

from __future__ import annotations

import math
import random

from quotemark.messages import Json
from quotemark.suite.bench import Bench
from quotemark.suite.market import MAX_POSITION, MID, cycle, gates
from quotemark.suite.market_features import (
    CALIBRATED,
    FLOW_OFF,
    NEEDS_Z,
    PLAN,
    at_drift,
    cycles,
    demand_each_rejected,
    demand_gate,
    demand_none,
    demand_observation,
    demand_reading,
    demand_refused,
    demand_same_quotes,
    funding,
    funding_after_zeros,
    own_fill,
    quoting,
    read,
    reference_price,
    sources,
)
from quotemark.suite.phase4 import AS_BPS, FEE_BPS, NEEDS_PNL, TOUCH_BPS, level, pnl, spread_term
from quotemark.suite.register import check

FUNDED = gates(1, 2, 3, 4, 6)
HOLDING_S = 600.0


def carry(rate: float, interval_s: float = 3600.0) -> float:
    """Carry in bp of the paying side: the rate per second over 600 s."""
    return abs(rate) / interval_s * HOLDING_S * 1e4


@check(
    "funding",
    "P6.test_funding_observation_extreme_bearish",
    "D-24",
    needs=("zscore", *NEEDS_Z),
)
def extreme_funding_is_bearish(bench: Bench) -> None:
    """Nine zeros and a rate: zscore 3, z = -0.15, R = 4/3; mirrored for a negative rate."""
    for rate, sign in (("0.001", 1.0), ("-0.001", -1.0)):
        seen = bench.observe("funding", funding_after_zeros(rate))[-1]
        bench.demand_close(f"zscore at {rate}", 3.0 * sign, seen["zscore"])
        demand_observation(bench, f"rate {rate}", seen, -0.15 * sign, 4.0 / 3.0)


@check("engine", "P6.test_funding_observation_extreme_bearish", "D-41", needs=("drift_bps_per_s",))
def extreme_funding_moves_the_drift(bench: Bench) -> None:
    """Zscore 3 at P 50: the plan's z = -0.15, R = 4/3; calibrated z = -6, R = 260."""
    steps = [*funding_after_zeros("0.001"), cycle(0)]
    for config, z_bps_per_s, variance in ((PLAN, -0.15, 4.0 / 3.0), ({}, -6.0, 260.0)):
        seen = bench.cycle(steps, {**FUNDED, **config})["drift_bps_per_s"]
        bench.demand_close("drift", z_bps_per_s * 50.0 / (50.0 + variance), seen)


@check("engine", "D-24", "D-45", needs=("drift_bps_per_s",))
def the_plans_reading_weakens_a_drift_of_its_own_direction(bench: Bench) -> None:
    """Mu -8 and P 25 meet zscore 3: -0.5475 by the plan's R = 4/3, whose gain is 0.949.

    Calibrated, z = -6 and R = 260 leave it at -7.82.
    """
    before, config = at_drift(-8.0, 25.0)
    steps = [before[0], *funding_after_zeros("0.001"), cycle(0)]
    for calibration, z_bps_per_s, variance in ((PLAN, -0.15, 4.0 / 3.0), ({}, -6.0, 260.0)):
        seen = bench.cycle(steps, {**FUNDED, **config, **calibration})["drift_bps_per_s"]
        gain = 25.0 / (25.0 + variance)
        bench.demand_close("drift", -8.0 + gain * (z_bps_per_s + 8.0), seen)


@check(
    "funding",
    "P6.test_carry_cost_positive_when_paying",
    "P6.test_carry_cost_negative_when_receiving",
    "D-23",
    "U-1",
    needs=("carry_bps", "rate_per_s"),
)
def the_paying_side_is_charged(bench: Bench) -> None:
    """0.0001 is 0.1667 bp over 600 s of an hour's interval, 0.0208 of eight hours'.

    Bids pay it while the rate is positive, asks while it is negative; the other side is given
    half. It is charged from the first reading on.
    """
    for interval_s in (3600.0, 28_800.0):
        for rate, bid, ask in (("0.0001", 1.0, -0.5), ("-0.0001", -0.5, 1.0), ("0", 0.0, 0.0)):
            seen = bench.observe("funding", [funding(0, rate, interval_s)])[0]
            cost = 1e-4 / interval_s * 6e6
            bench.demand_close(f"carry of bids at {rate}", bid * cost, seen["carry_bps"][0])
            bench.demand_close(f"carry of asks at {rate}", ask * cost, seen["carry_bps"][1])
            bench.demand_close("rate per second", float(rate) / interval_s, seen["rate_per_s"])


@check("funding", "D-23", needs=("carry_bps", "rate_per_s", "readings"))
def carry_follows_the_last_reading(bench: Bench) -> None:
    """Before any reading nothing; then the last rate over the last interval, not their EWMA."""
    steps = [read(0), funding(0, "0.0004"), funding(1, "-0.0002", 28_800.0), read(9_000_000)]
    before, first, second, later = bench.observe("funding", steps)
    bench.demand("no reading, no carry", before["carry_bps"] == [0.0, 0.0], before)
    bench.demand("no reading, no rate", before["rate_per_s"] is None, before)
    bench.demand_close("carry of bids, first", carry(4e-4), first["carry_bps"][0])
    for observed in (second, later):
        cost = carry(2e-4, 28_800.0)
        bench.demand_close("carry of bids, second", -cost / 2.0, observed["carry_bps"][0])
        bench.demand_close("carry of asks, second", cost, observed["carry_bps"][1])
    bench.demand("two readings are two", later["readings"] == 2, later)


@check(
    "funding",
    "P6.test_funding_warmup_blocks_signal",
    "D-24",
    needs=("zscore", "readings", *NEEDS_Z),
)
def two_readings_say_nothing_of_the_drift(bench: Bench) -> None:
    """Readings, not distinct values, are counted: the third speaks, though it is like the first."""
    steps = [read(0), funding(0, "0"), funding(1, "0.001"), read(2), funding(3, "0")]
    *early, third = bench.observe("funding", steps)
    for observed in early:
        demand_none(bench, "before the third reading", observed)
        bench.demand("there is no zscore either", observed["zscore"] is None, observed)
    # EWMA of 0, r, 0 is 0.09 r; the mean square about it (0.0081 x 2 + 0.8281)/3 r^2
    zscore = -0.09 / math.sqrt((2.0 * 0.0081 + 0.8281) / 3.0)
    bench.demand_close("zscore at the third", zscore, third["zscore"])
    demand_observation(bench, "third reading", third, -0.05 * zscore, 4.0 / abs(zscore))


@check("engine", "P6.test_funding_warmup_blocks_signal", "D-24")
def two_readings_leave_the_quotes_drift_alone(bench: Bench) -> None:
    """Flat after 0 and 0.001: quotes as after 0.001 alone; a third reading of 0.001 moves them."""
    config = {**FUNDED, **PLAN, "funding_scale_factor": 5.0, "tick_size": 1e-6}
    one, two, three = (
        bench.cycle([*funding_after_zeros("0.001", zeros), cycle(0)], config) for zeros in range(3)
    )
    same = one["bids"] == two["bids"] and one["asks"] == two["asks"]
    bench.demand("two readings leave the drift alone", same, (one, two))
    bench.demand("three do not", three["asks"] != two["asks"], three)


@check("funding", "D-24", needs=("zscore", *NEEDS_Z))
def the_deviation_has_a_floor(bench: Bench) -> None:
    """0, 0 and 1e-7: 9e-8 above the EWMA over a floor of 1e-6 is a zscore of 0.09, R = 4/0.1."""
    seen = bench.observe("funding", funding_after_zeros("1e-7", 2))[-1]
    bench.demand_close("zscore", 0.09, seen["zscore"])
    demand_observation(bench, "at the floor", seen, -0.0045, 40.0)
    still = bench.observe("funding", [funding(0, "0.0003")] * 3)[-1]
    bench.demand_close("zscore of a constant rate", 0.0, still["zscore"])
    demand_observation(bench, "of a constant rate", still, 0.0, 40.0)


@check("funding", "D-24", needs=("zscore", *NEEDS_Z))
def the_zscore_is_clipped(bench: Bench) -> None:
    """99 zeros and a rate, all 100 in the history: 0.9/sqrt(0.018) = 6.7 is taken as 5."""
    config = {"funding_history": 100}
    for rate, sign in (("0.001", 1.0), ("-0.001", -1.0)):
        seen = bench.observe("funding", funding_after_zeros(rate, 99), config)[-1]
        bench.demand_close(f"zscore at {rate}", 5.0 * sign, seen["zscore"])
        demand_observation(bench, f"rate {rate}", seen, -0.25 * sign, 0.8)


@check("funding", "D-24", needs=("zscore", "ewma_rate", "rate_std", "mean_rate"))
def deviations_are_about_the_ewma(bench: Bench) -> None:
    """Forty seeded rates: EWMA of weight 0.1 from the first, the root mean square of the last 24.

    The current rate is in both; the interval is in neither.
    """
    rng = random.Random(bench.seed)
    rates = [rng.gauss(5e-5, 2e-4) for _ in range(40)]
    steps = [funding(0, repr(rate), rng.choice((3600.0, 28_800.0))) for rate in rates]
    ewma = rates[0]
    for number, observed in enumerate(bench.observe("funding", steps)):
        ewma += 0.1 * (rates[number] - ewma)
        last = rates[max(0, number - 23) : number + 1]
        std = math.sqrt(sum((rate - ewma) ** 2 for rate in last) / len(last))
        bench.demand_close(f"EWMA after {number + 1}", ewma, observed["ewma_rate"])
        bench.demand_close(f"deviation after {number + 1}", std, observed["rate_std"])
        bench.demand_close(f"mean after {number + 1}", sum(last) / len(last), observed["mean_rate"])
        if number >= 2:
            bench.demand_close("zscore", (rates[number] - ewma) / std, observed["zscore"])


@check("funding", "D-24", needs=("zscore", "carry_bps", *NEEDS_Z))
def scale_0_stops_the_observation_only(bench: Bench) -> None:
    """No observation in either calibration; zscore and carry stand."""
    for calibration in ("plan", "calibrated"):
        config = {"funding_scale_factor": 0.0, "calibration": calibration}
        seen = bench.observe("funding", funding_after_zeros("0.001"), config)[-1]
        demand_none(bench, f"scale 0, {calibration}", seen)
        bench.demand_close("zscore", 3.0, seen["zscore"])
        bench.demand_close("carry of bids", carry(1e-3), seen["carry_bps"][0])


@check("engine", "D-24", "D-23", needs=("carry_bps", "drift_bps_per_s", "drift_variance"))
def scale_0_leaves_the_filter_alone(bench: Bench) -> None:
    """Scale 0: the filter stands at its prior, bids are charged 1.667 bp all the same."""
    config = {**FUNDED, "funding_scale_factor": 0.0}
    seen = bench.cycle([*funding_after_zeros("0.001"), cycle(0)], config)
    bench.demand_close("drift", 0.0, seen["drift_bps_per_s"])
    bench.demand_close("P", 50.0, seen["drift_variance"])
    bench.demand_close("carry of bids", carry(1e-3), seen["carry_bps"][0])


@check("funding", "D-45", needs=NEEDS_Z)
def calibrated_funding_is_a_weak_sensor(bench: Bench) -> None:
    """Zscore 3 of 5: z = -6, R = 260, as for a zscore of 0."""
    seen = bench.observe("funding", funding_after_zeros("0.001"), CALIBRATED)[-1]
    demand_observation(bench, "zscore 3", seen, -6.0, 260.0)
    neutral = bench.observe("funding", [funding(0, "0.001")] * 3, CALIBRATED)[-1]
    demand_observation(bench, "zscore 0", neutral, 0.0, 260.0)


@check("expected_pnl", "P6.test_epnl_with_carry_narrows_profitability", "D-23", needs=NEEDS_PNL)
def carry_is_a_cost_per_fill(bench: Bench) -> None:
    """A carry of 0.5 bp takes lambda x 0.5 from a level, a bonus of 0.25 gives lambda x 0.25."""
    for side in ("bid", "ask"):
        free = pnl(bench, level(side, TOUCH_BPS))
        for cost in (0.5, -0.25):
            got = pnl(bench, level(side, TOUCH_BPS, carry_cost_bps=cost))
            expected = spread_term(TOUCH_BPS, AS_BPS + FEE_BPS + cost)
            bench.demand_close(f"E[PnL] of the {side} at a carry of {cost}", expected, got)
            bench.demand(f"a carry of {cost} counts", (got < free) == (cost > 0.0), (got, free))


@check(
    "engine",
    "E2E-08",
    "P6.test_carry_cost_positive_when_paying",
    "P6.test_carry_cost_negative_when_receiving",
    "P6.test_epnl_with_carry_narrows_profitability",
    "D-23",
    needs=("carry_bps", "expected_pnl_bps", "touch_depths_bps"),
)
def carry_is_visible_in_expected_pnl(bench: Bench) -> None:
    """At 0.1 % an hour and flat, every bid loses lambda x 1.667 bp, every ask gains half of it."""
    free = bench.cycle([cycle(0)], FUNDED)
    charged = bench.cycle([funding(0, "0.001"), cycle(0)], FUNDED)
    cost = carry(1e-3)
    for index, per_fill in ((0, cost), (1, -cost / 2.0)):
        bench.demand_close("carry", per_fill, charged["carry_bps"][index])
        touch = charged["touch_depths_bps"][index]
        bench.demand_close("depth, as without funding", free["touch_depths_bps"][index], touch)
        pairs = zip(
            free["expected_pnl_bps"][index], charged["expected_pnl_bps"][index], strict=True
        )
        for number, (before, after) in enumerate(pairs):
            expected = before - math.exp(-0.1287 * (touch + number)) * per_fill
            bench.demand_close(f"E[PnL] of level {number}", expected, after)


@check("engine", "E2E-08", "P6.test_carry_cost_positive_when_paying")
def a_heavy_carry_empties_the_paying_side(bench: Bench) -> None:
    """1 % an hour costs 16.7 bp a fill: flat, bids are gone and asks stay; mirrored at -1 %."""
    for rate, paying, receiving in (("0.01", "bids", "asks"), ("-0.01", "asks", "bids")):
        seen = bench.cycle([funding(0, rate), cycle(0)], FUNDED)
        bench.demand(f"no {paying} rest at {rate}", seen[paying] == [], seen)
        bench.demand(f"{receiving} rest at {rate}", len(seen[receiving]) == 6, seen)


@check("engine", "D-23")
def funding_skews_by_position_and_rate(bench: Bench) -> None:
    """At 40 % of the limit and 0.0018 an hour both sides move by 0.4 x 3 = 1.2 bp.

    A payer's quotes lean towards reducing: a long's bids go deeper under a positive rate, a
    short's asks under a negative one. A receiver's lean the other way. Hardly any
    aversion: bids and asks rest at any of them.
    """
    config = {
        **FUNDED,
        "as_ratio": 0.0,
        "gamma_base_per_bps": 1e-3,
        "base_half_spread_bps": 8.0,
        "tick_size": 1e-6,
    }
    for share in (0.4, -0.4):
        held = [own_fill(0, "buy" if share > 0.0 else "sell", abs(share) * MAX_POSITION)]
        calm = bench.cycle([*held, funding(0, "0"), cycle(0)], config)
        for rate, deeper_bps in (("0.0018", 1.2), ("-0.0018", -1.2)):
            seen = bench.cycle([*held, funding(0, rate), cycle(0)], config)
            for side in ("bids", "asks"):
                bench.demand("both sides rest", bool(calm[side] and seen[side]), (calm, seen))
                moved_bps = (calm[side][0]["price"] - seen[side][0]["price"]) / MID * 1e4
                close = abs(moved_bps - deeper_bps) < 1e-3
                bench.demand(f"{side} at {share:.0%} and {rate} by {deeper_bps}", close, moved_bps)


@check("engine", "D-23", needs=("funding_skew_bps", "skew_bps", "touch_depths_bps"))
def funding_skew_follows_the_clipped_position(bench: Bench) -> None:
    """|u| x rate per second x 600 s x 1e4, u clipped at the limit; nothing when flat.

    It stands beside the inventory skew, which does not know of it.
    """
    for share, rate in ((0.3, 6e-4), (-0.3, 6e-4), (0.3, -6e-4), (-0.3, -6e-4), (1.4, 6e-4)):
        held = own_fill(0, "buy" if share > 0.0 else "sell", abs(share) * MAX_POSITION)
        seen = bench.cycle([held, funding(0, repr(rate)), cycle(0)], FUNDED)
        utilisation = min(1.0, abs(share))
        expected = utilisation * rate / 3600.0 * 6e6
        bench.demand_close(f"funding skew at {share:.0%}", expected, seen["funding_skew_bps"])
        u = math.copysign(utilisation, share)
        skew = 0.15 * (1.0 + 7.0 * u * u) * 4.0 * u * 2.0
        bench.demand_close(f"inventory skew at {share:.0%}", skew, seen["skew_bps"])
    flat = bench.cycle([funding(0, "0.001"), cycle(0)], FUNDED)
    bench.demand_close("funding skew, flat", 0.0, flat["funding_skew_bps"])


UNPARSABLE = (
    "",
    "abc",
    " 0.001",
    "0.001 ",
    "0,001",
    "1_0",
    "0x1p-9",
    "--1",
    "1e",
    "٠.١",
    "0.1%",
    "5.",
)


@check("funding", "Q-17", "D-25")
def a_rate_that_does_not_parse_is_rejected(bench: Bench) -> None:
    """Text that is no number is unparsable, one that is none to a float non_finite; never 0."""
    before = funding_after_zeros("0.0002", 4)
    for text in UNPARSABLE:
        bench.demand_rejected("funding", funding(0, text), "unparsable", before, read(0))
    for text in ("nan", "inf", "-inf", "1e999", "-1e999"):
        bench.demand_rejected("funding", funding(0, text), "non_finite", before, read(0))
    for text in ("1.001", "-2", "1e15"):
        bench.demand_rejected("funding", funding(0, text), "out_of_range", before, read(0))
    as_number: Json = {**funding(0, "0"), "rate": 0.0001}
    bench.demand_rejected("funding", as_number, "unparsable", before, read(0))


@check("funding", "Q-17", "D-25", needs=("rate_per_s",))
def rates_are_decimal_numbers(bench: Bench) -> None:
    """A sign, a bare fraction and an exponent are read; the least and greatest rates count."""
    for text, rate in (
        ("+0.0001", 1e-4),
        (".0001", 1e-4),
        ("-1.5E-4", -1.5e-4),
        ("1e-4", 1e-4),
        ("1", 1.0),
        ("-1.0", -1.0),
        ("-0", 0.0),
    ):
        seen = bench.observe("funding", [funding(0, text, 100.0)])[0]
        bench.demand_close(f"rate of {text!r}", rate / 100.0, seen["rate_per_s"])


@check("engine", "D-25", "D-03", "Q-02")
def bad_funding_changes_nothing(bench: Bench) -> None:
    """Each bad event is rejected with its code, and the next cycle quotes as if it never came."""
    bench.require(6)
    rates = funding_after_zeros("0.0002", 4, 100)
    before = [*rates, reference_price(100, "mark", 101.0), reference_price(100, "index", 100.0)]
    bad: list[tuple[Json, str]] = [
        (funding(100, "n/a"), "unparsable"),
        (funding(100, "nan"), "non_finite"),
        (funding(100, "1.5"), "out_of_range"),
        (funding(100, "0.001", 0.0), "out_of_range"),
        (funding(99, "0.001"), "time_reversed"),
        (reference_price(100, "index", 0.0), "out_of_range"),
        (reference_price(99, "index", 100.0), "time_reversed"),
        (reference_price(100, "moon", 100.0), "unparsable"),
        ({"step": "funding", "t_ms": 100, "rate": "0.001"}, "missing_field"),
    ]
    demand_refused(bench, bad, before, cycle(100))


@check("funding", "D-03", "D-07", "Q-02")
def bad_readings_change_nothing(bench: Bench) -> None:
    """Time that runs back, intervals and prices that are not positive or not finite."""
    before = [*funding_after_zeros("0.0002", 4, 50), reference_price(60, "index", 100.0)]
    bad: list[tuple[Json, str]] = [
        (funding(59, "0.001"), "time_reversed"),
        (reference_price(59, "mark", 101.0), "time_reversed"),
        (read(59), "time_reversed"),
        (funding(60, "0.001", 0.0), "out_of_range"),
        ({**funding(60, "0.001"), "interval_s": "inf"}, "non_finite"),
        (reference_price(60, "mark", -1.0), "out_of_range"),
        (reference_price(60, "mark", 1e16), "out_of_range"),
        ({**reference_price(60, "mark", 1.0), "price": "nan"}, "non_finite"),
        (reference_price(60, "moon", 100.0), "unparsable"),
        ({"step": "reference_price", "t_ms": 60, "price": 100.0}, "missing_field"),
        ({**read(60), "rate": "0"}, "unknown_field"),
    ]
    after = reference_price(60, "mark", 100.5)
    demand_each_rejected(bench, "funding", bad, before, after)


@check("funding", "P6.test_funding_observation_extreme_bearish", needs=("premium_bps", *NEEDS_Z))
def the_premium_is_reported_only(bench: Bench) -> None:
    """Mark 100.2 over index 100 is 20 bp, known once both are; spot and leader are not it."""
    prices = [
        reference_price(0, "spot", 50.0),
        reference_price(0, "leader", 9000.0),
        reference_price(0, "mark", 100.2),
        reference_price(0, "index", 100.0),
    ]
    rates = funding_after_zeros("0.001")
    seen = bench.observe("funding", [*rates, *prices, read(0)])
    alone = bench.observe("funding", rates)[-1]
    bench.demand("no premium without an index", seen[-3]["premium_bps"] is None, seen[-3])
    bench.demand_close("premium", 20.0, seen[-1]["premium_bps"])
    for name in ("z_bps_per_s", "variance"):
        bench.demand_close(f"{name} as without a premium", alone[name], seen[-1][name])


@check("engine", "D-36", needs=("funding_zscore", "premium_bps", "drift_observations"))
def the_last_reading_is_reported_at_once(bench: Bench) -> None:
    """Zscore 3 and 20 bp of premium, read after cycle 0, stand in cycle 1, which takes neither.

    Null before there is one, and while the phase is off.
    """
    prices = [reference_price(0, "mark", 100.2), reference_price(0, "index", 100.0)]
    steps = [cycle(0), *prices, *funding_after_zeros("0.001"), cycle(0)]
    first, second = quoting(bench.observe("engine", steps, {**FUNDED, **FLOW_OFF}))
    off = bench.cycle(steps, gates(1, 2, 3, 4))
    for observed in (first, off):
        unknown = observed["funding_zscore"] is None and observed["premium_bps"] is None
        bench.demand("no reading, no report", unknown, observed)
    bench.demand_close("zscore", 3.0, second["funding_zscore"])
    bench.demand_close("premium", 20.0, second["premium_bps"])
    bench.demand("cycle 1 takes nothing", sources(second) == [], sources(second))


@check("engine", "D-36", needs=("drift_observations",))
def funding_is_cold(bench: Bench) -> None:
    """Of eleven cycles the first, sixth and eleventh take it, whatever was read between."""
    steps = [*funding_after_zeros("0.001"), *cycles(11)]
    seen = quoting(bench.observe("engine", steps, {**FUNDED, **FLOW_OFF}))
    for number, observed in enumerate(seen):
        expected = ["funding"] if number % 5 == 0 else []
        got = sources(observed)
        bench.demand(f"cycle {number} takes {expected}", got == expected, got)
    demand_reading(bench, seen[5], "funding", -6.0, 260.0)


@check("funding", "A-funding")
def random_readings_agree(bench: Bench) -> None:
    """Seeded rates of both intervals, prices and reads, over several configurations."""
    rng = random.Random(bench.seed)
    for config in (
        {},
        {"calibration": "calibrated"},
        {"funding_history": 5, "funding_min_readings": 7, "funding_zscore_limit": 1.5},
        {"holding_time_s": 90.0, "funding_ewma_weight": 0.6, "funding_std_floor": 1e-4},
        {"calibration": "calibrated", "calibrated_drift_scale": 3.0, "calibrated_variance": 9.0},
    ):
        steps = []
        t_ms = 0
        for _ in range(250):
            t_ms += rng.choice((0, 1, 60_000, 3_600_000))
            rate = rng.choice((0.0, rng.gauss(0.0, 3e-4), 10.0 ** rng.uniform(-9.0, -1.0)))
            price = rng.uniform(90.0, 110.0)
            steps.append(
                rng.choice(
                    (
                        funding(t_ms, repr(rate), rng.choice((3600.0, 28_800.0))),
                        funding(t_ms, f"{rate:.8f}"),
                        funding(t_ms, rng.choice(UNPARSABLE)),
                        reference_price(t_ms, rng.choice(("mark", "index", "spot")), price),
                        read(t_ms),
                    )
                )
            )
        bench.agree("funding", steps, config)


WILD: Json = {
    "holding_time_s": 90_000.0,
    "funding_scale_factor": 50.0,
    "funding_min_readings": 1,
    "funding_std_floor": 1e-9,
    "sigma_funding": 0.01,
}


def _held_session(*inputs: Json) -> list[Json]:
    """Ten cycles at 30 % of the limit, with ``inputs`` before the first."""
    return [own_fill(0, "buy", 0.3 * MAX_POSITION), *inputs, *cycles(10)]


EXTREME = (
    *funding_after_zeros("0.01"),
    reference_price(0, "mark", 120.0),
    reference_price(0, "index", 80.0),
)


@check("engine", "G-6", "D-37")
def phase_6_off_ignores_funding(bench: Bench) -> None:
    """With its gate off, extreme rates and wild parameters change nothing bit for bit."""
    bench.require(6)
    off = gates(1, 2, 3, 4)
    without = bench.observe("engine", _held_session(), off)
    ignored = bench.observe("engine", _held_session(*EXTREME), {**off, **WILD})
    demand_same_quotes(bench, "phase 6 off ignores funding", without, ignored)
    on = quoting(bench.observe("engine", _held_session(*EXTREME), FUNDED))
    moved = on[0]["bids"] != quoting(without)[0]["bids"]
    bench.demand("phase 6 on moves the quotes of this session", moved, on[0])


@check("engine", "G-6", "D-37")
def phase_6_without_phase_4_is_inert(bench: Bench) -> None:
    """Its gate makes no difference while the expected PnL filter is off."""
    bench.require(6)
    without = bench.observe("engine", _held_session(*EXTREME), gates(1, 2, 3))
    inert = bench.observe("engine", _held_session(*EXTREME), {**gates(1, 2, 3, 6), **WILD})
    demand_same_quotes(bench, "gate 6 without 4 changes nothing", without, inert)


@check("engine", "G-6", "D-37", needs=("active_phases", "inert_phases"))
def inert_funding_says_so(bench: Bench) -> None:
    """Phase 6 needs phase 4, and not phase 5."""
    demand_gate(bench, 6, (1, 2, 3, 4, 6), (1, 2, 3, 6))
    demand_gate(bench, 6, (1, 2, 3, 4, 5, 6, 7, 8), (2, 3, 4, 6))
