"""Phase 1: the Kalman drift filter, by itself and through the quotes."""

from __future__ import annotations

import math
import random

from quotemark.messages import Json
from quotemark.suite.bench import Bench
from quotemark.suite.market import (
    CYCLE_MS,
    cycle,
    observe,
    predict,
    signal,
    trend,
)
from quotemark.suite.register import check

NO_FLOOR: Json = {"p_min": 0.0}


def drift_fill(side: str, price: float, mid: float = 100.0, sigma: float = 2.0) -> Json:
    """drift: an own fill."""
    return {
        "step": "fill",
        "side": side,
        "price": price,
        "mid": mid,
        "sigma_bps_per_sqrt_s": sigma,
    }


def drift_trend(magnitude_bps: float, agreement: float, p_continuation: float) -> Json:
    """drift: a trend reading."""
    return {
        "step": "trend",
        "magnitude_bps": magnitude_bps,
        "agreement": agreement,
        "p_continuation": p_continuation,
    }


@check(
    "drift",
    "P1.test_kalman_predict_decays_toward_zero",
    "P1.test_no_signals_decays_via_ou",
    needs=("drift_bps_per_s",),
)
def decays_by_itself(bench: Bench) -> None:
    """Observe -8 bp/s, then only predict: the drift follows e^(-theta t) to 0."""
    times_ms = (0, 10_000, 35_000, 600_000)
    seen = bench.observe("drift", [observe(-8.0, 1.0), *map(predict, times_ms)])
    start = seen[1]["drift_bps_per_s"]
    bench.demand("the observation moves the drift", start < -7.0, start)
    for t_ms, observation in zip(times_ms, seen[1:], strict=True):
        decayed = start * math.exp(-0.02 * t_ms / 1000.0)
        bench.demand_close(f"drift after {t_ms} ms", decayed, observation["drift_bps_per_s"])


@check(
    "drift",
    "P1.test_kalman_update_moves_toward_observation",
    "D-02",
    needs=("drift_bps_per_s", "variance", "confidence"),
)
def moves_by_the_gain(bench: Bench) -> None:
    """From P_0 = 50, R = 5 has gain 50/55: half of it would be another filter."""
    seen = bench.observe("drift", [observe(-6.0, 5.0)])[0]
    bench.demand_close("drift", -6.0 * 50.0 / 55.0, seen["drift_bps_per_s"])
    bench.demand_close("variance", 250.0 / 55.0, seen["variance"])
    bench.demand_close("confidence", 1.0 - 250.0 / 55.0 / 50.0, seen["confidence"])


@check("drift", "D-01", "D-02", needs=("variance",))
def process_noise_is_exact(bench: Bench) -> None:
    """P relaxes to 25 as 25 + 25 e^(-2 theta t), in one step or in many."""
    many = [predict(0), *(predict(100 * step) for step in range(1, 201))]
    once = [predict(0), predict(20_000)]
    expected = 25.0 + 25.0 * math.exp(-0.8)
    for steps in (many, once):
        got = bench.observe("drift", steps)[-1]["variance"]
        bench.demand_close("P after 20 s", expected, got)


@check("drift", "D-03", needs=("drift_bps_per_s", "variance"))
def time_only_runs_forward(bench: Bench) -> None:
    """The first predict stamps; an equal time is no step; a time before is rejected."""
    first, again = bench.observe("drift", [predict(500_000), predict(500_000)])
    bench.demand_close("P after the first predict", 50.0, first["variance"])
    bench.demand_close("P after an equal time", 50.0, again["variance"])
    bench.demand_rejected(
        "drift",
        predict(999),
        "time_reversed",
        before=[observe(-4.0, 3.0), predict(1000)],
        after=predict(2000),
    )


@check("drift", "D-04", "D-02", needs=("variance", "confidence"))
def floor_acts_after_updates_only(bench: Bench) -> None:
    """Many observations stop at P_min = 2; predict then goes on from there, exactly."""
    steps = [predict(0), *[observe(1.0, 0.5)] * 40, predict(1000)]
    seen = bench.observe("drift", steps)
    bench.demand_close("P at the floor", 2.0, seen[-2]["variance"])
    bench.demand_close("confidence at the floor", 0.96, seen[-2]["confidence"])
    grown = 2.0 * math.exp(-0.04) + 25.0 * (1.0 - math.exp(-0.04))
    bench.demand_close("P a second later", grown, seen[-1]["variance"])
    low = bench.observe(
        "drift", [observe(1.0, 0.5), predict(0), predict(1000)], {"process_noise": 0.01}
    )
    shrunk = 2.0 * math.exp(-0.04) + 0.25 * (1.0 - math.exp(-0.04))
    bench.demand_close("P below the floor after predict", shrunk, low[-1]["variance"])


@check("drift", "D-04", "D-02", "D-06", needs=("variance",))
def a_prior_below_the_floor_stands(bench: Bench) -> None:
    """P_0 = 0.5: the floor of 2 comes with the first update; a trend without agreement is none."""
    steps = [predict(0), drift_trend(9.0, 0.0, 0.8), observe(1.0, 4.0)]
    seen = bench.observe("drift", steps, {"prior_variance": 0.5})
    for observation, expected in zip(seen, (0.5, 0.5, 2.0), strict=True):
        bench.demand_close("P", expected, observation["variance"])


@check("drift", "P1.test_drift_unclamped_exceeds_3bps", "E2E-01", needs=("drift_bps_per_s",))
def nothing_caps_the_drift(bench: Bench) -> None:
    """An observation of -1000 bp/s with R = 50 makes it -500."""
    seen = bench.observe("drift", [observe(-1000.0, 50.0)])[0]
    bench.demand_close("drift", -500.0, seen["drift_bps_per_s"])


@check("drift", "P1.test_kalman_fill_observation_bearish", "D-05", needs=("drift_bps_per_s",))
def fills_have_the_sign_of_their_side(bench: Bench) -> None:
    """A buy is bearish even where the mid has fallen through its price; z is distance/sigma."""
    for price in (99.9, 100.1):
        expected = -(10.0 / 2.0) * 50.0 / 59.0
        bought = bench.observe("drift", [drift_fill("buy", price)])[0]["drift_bps_per_s"]
        sold = bench.observe("drift", [drift_fill("sell", price)])[0]["drift_bps_per_s"]
        bench.demand_close(f"drift after a buy at {price}", expected, bought)
        bench.demand_close(f"drift after a sell at {price}", -expected, sold)
    weak = bench.observe("drift", [observe(-8.0, 2.0), drift_fill("buy", 99.9983)])
    bench.demand(
        "a buy 0.17 bp below mid weakens a strongly bearish drift",
        weak[1]["drift_bps_per_s"] > weak[0]["drift_bps_per_s"],
        weak,
    )


@check(
    "drift",
    "P1.test_kalman_trend_observation_high_agreement",
    "D-06",
    needs=("drift_bps_per_s", "variance"),
)
def trends_count_by_agreement(bench: Bench) -> None:
    """Full agreement has R = 4 and moves far; 0.3 has R = 44.4; none is no observation."""
    for agreement in (1.0, 0.3):
        variance = 4.0 / agreement**2
        expected = -10.0 * agreement * 0.8 * 50.0 / (50.0 + variance)
        got = bench.observe("drift", [drift_trend(10.0, agreement, 0.8)])[0]
        bench.demand_close(f"drift at agreement {agreement}", expected, got["drift_bps_per_s"])
    rising = bench.observe("drift", [drift_trend(-10.0, 1.0, 0.8)])[0]["drift_bps_per_s"]
    bench.demand("a rising market is bullish", rising > 0.0, rising)
    none = bench.observe("drift", [drift_trend(10.0, 0.0, 0.8)])[0]
    bench.demand_close("P without agreement", 50.0, none["variance"])
    bench.demand_close("drift without agreement", 0.0, none["drift_bps_per_s"])


@check("drift", "D-07", "D-06", "Q-02")
def bad_observations_change_nothing(bench: Bench) -> None:
    """Every bad observation is rejected with its code and leaves the state as it was."""
    before = [predict(0), observe(-3.0, 2.0)]
    bad = [
        (observe("nan", 1.0), "non_finite"),
        (observe("-inf", 1.0), "non_finite"),
        (observe(1.0, "nan"), "non_finite"),
        (observe(1.0, "inf"), "non_finite"),
        (observe(1.0, 0.0), "out_of_range"),
        (observe(1.0, -4.0), "out_of_range"),
        (observe(1e300, 1.0), "out_of_range"),
        (drift_trend(5.0, 1.5, 0.5), "out_of_range"),
        (drift_trend(5.0, 0.5, -0.1), "out_of_range"),
        (drift_fill("buy", -1.0), "out_of_range"),
        ({"step": "observe", "z_bps_per_s": 1.0}, "missing_field"),
        ({**observe(1.0, 1.0), "weight": 2.0}, "unknown_field"),
        ({"step": "forget"}, "unknown_step"),
        (observe("a lot", 1.0), "unparsable"),
    ]
    for step, code in bad:
        bench.demand_rejected("drift", step, code, before, observe(2.0, 3.0))


@check("drift", "U-2", needs=("uncertainty_bps_per_s", "variance"))
def uncertainty_is_the_root_of_p(bench: Bench) -> None:
    """sqrt(50) before anything is known."""
    seen = bench.observe("drift", [predict(0)])[0]
    bench.demand_close("uncertainty", math.sqrt(50.0), seen["uncertainty_bps_per_s"])


@check("drift", "A-drift")
def random_walks_agree(bench: Bench) -> None:
    """Thousands of seeded steps of every kind, over several configurations."""
    rng = random.Random(bench.seed)
    for config in ({}, NO_FLOOR, {"theta_per_s": 0.3, "process_noise": 4.0}):
        steps: list[Json] = []
        t_ms = 0
        for _ in range(500):
            t_ms += rng.choice((0, 1, 250, 6450, 60_000))
            steps.append(
                rng.choice(
                    (
                        predict(t_ms),
                        observe(rng.uniform(-20.0, 20.0), 10.0 ** rng.uniform(-2.0, 4.0)),
                        drift_fill(rng.choice(("buy", "sell")), rng.uniform(99.5, 100.5)),
                        drift_trend(rng.uniform(-60.0, 60.0), rng.random(), rng.random()),
                    )
                )
            )
        bench.agree("drift", steps, config)


@check("engine", "P1.test_drift_unclamped_exceeds_3bps", "E2E-01", "E2E-03")
def strong_trend_moves_quotes_beyond_the_old_cap(bench: Bench) -> None:
    """A bearish trend takes the bid more than 3 bp deeper than a calm market has it."""
    config = bench.gates(1, 2, 3)
    calm = bench.cycle([cycle(0)], config)
    falling = bench.cycle([trend(0, 20.0), cycle(0)], config)
    deeper_bps = (calm["bids"][0]["price"] - falling["bids"][0]["price"]) / 100.0 * 1e4
    asymmetry_bps = deeper_bps + (calm["asks"][0]["price"] - falling["asks"][0]["price"]) * 1e2
    # z = -16, K = 50/54: 14.8 bp/s over half of 2 s, each side rounded to a tick of 0.1 bp
    bench.demand("the bid is more than 3 bp deeper", deeper_bps > 14.0, deeper_bps)
    bench.demand("bid and ask move apart by more than 3 bp", asymmetry_bps > 17.0, asymmetry_bps)


@check("engine", "E2E-01", "E2E-02", needs=("drift_bps_per_s", "drift_variance"))
def uncertainty_falls_as_observations_accumulate(bench: Bench) -> None:
    """Ten trend readings, one a cycle: the drift is live and P falls towards a small value."""
    steps: list[Json] = []
    for number in range(10):
        steps += [trend(number * CYCLE_MS, 10.0, 0.5), cycle(number * CYCLE_MS)]
    cycles = bench.observe("engine", steps, bench.gates(1, 2, 3, 4))[1::2]
    variances = [observed["drift_variance"] for observed in cycles]
    bench.demand("P falls from its prior of 50", variances[0] < 50.0, variances[0])
    bench.demand("P ends lower than it began", variances[-1] < variances[0], variances)
    bench.demand("the drift is bearish", cycles[-1]["drift_bps_per_s"] < -2.0, cycles[-1])


@check("engine", "D-41", needs=("drift_bps_per_s", "drift_variance"))
def a_cycle_keeps_its_order(bench: Bench) -> None:
    """Trends act on arrival, signals after the cycle's predict, then the flow."""
    # one trend between two cycles: it is weighed by P before the predict, 50 here, not after
    first = bench.observe("engine", [cycle(0), trend(0, 10.0, 1.0, 1.0), cycle(10_000)])[-1]
    expected = -10.0 * 50.0 / 54.0 * math.exp(-0.2)
    bench.demand_close("drift 10 s after the trend", expected, first["drift_bps_per_s"])
    held = bench.observe("engine", [cycle(0), signal(0, -10.0, 4.0), cycle(10_000)])[-1]
    predicted = 50.0 * math.exp(-0.4) + 25.0 * (1.0 - math.exp(-0.4))
    expected = -10.0 * predicted / (predicted + 4.0)
    bench.demand_close("drift with a signal", expected, held["drift_bps_per_s"])
    # the second signal brings P to its floor, so that another order gives another drift
    steps = [signal(0, -9.0, 90.0), signal(0, 6.0, 1.0), signal(0, -3.0, 9.0), cycle(0)]
    ordered = bench.observe("engine", steps)[-1]
    mean, p = 0.0, 50.0
    for z_bps_per_s, variance in ((-9.0, 90.0), (6.0, 1.0), (-3.0, 9.0)):
        mean += p / (p + variance) * (z_bps_per_s - mean)
        p = max(2.0, p * variance / (p + variance))
    bench.demand_close("drift with signals in order", mean, ordered["drift_bps_per_s"])
