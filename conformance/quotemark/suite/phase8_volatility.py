"""Phase 8: the volatility's term structure scales sigma, fat tails scale the AS ratio."""

from __future__ import annotations

import math
import random

from quotemark.messages import Json
from quotemark.suite.bench import Bench
from quotemark.suite.market import MID, cycle, gates
from quotemark.suite.market_features import (
    FLOW_OFF,
    TAPED,
    demand_each_rejected,
    demand_reading,
    own_fill,
)
from quotemark.suite.register import check


def vol_read(t_ms: int, mid: float) -> Json:
    """volatility: a cycle."""
    return {"step": "read", "t_ms": t_ms, "mid": mid}


def vol_reads(points: list[tuple[int, float]]) -> list[Json]:
    """volatility: cycles at these times in ms, after these log returns in bp."""
    mid = MID
    steps = []
    for t_ms, return_bps in points:
        mid *= math.exp(return_bps / 1e4)
        steps.append(vol_read(t_ms, mid))
    return steps


SPIKE = [(0, 0.0), (290_000, math.sqrt(1.75) * 8.0), (295_000, 8.0), (300_000, -8.0)]
"""Points (ms, bp): 2 x 64 bp^2 in the last 10 s, 3.75 x 64 in 300 s; 12.8/0.8 = 16 = 4^2."""


@check(
    "volatility",
    "Q-14",
    "P8.test_vol_ratio_widens_sigma",
    "U-1",
    needs=("vol_ratio", "sigma_multiplier"),
)
def a_fourfold_spike_doubles_sigma(bench: Bench) -> None:
    """12.8 bp^2/s in the short window, 0.8 in the long, its border included: ratio 4, sigma x2."""
    for exponent, multiplier in ((0.5, 2.0), (1.0, 4.0), (0.0, 1.0)):
        seen = bench.observe("volatility", vol_reads(SPIKE), {"vol_exponent": exponent})[-1]
        bench.demand_close("vol ratio", 4.0, seen["vol_ratio"])
        bench.demand_close(f"multiplier at {exponent}", multiplier, seen["sigma_multiplier"])


@check("volatility", "Q-14", needs=("vol_ratio",))
def a_horizon_of_uneven_milliseconds_has_its_border(bench: Bench) -> None:
    """1 bp at 1 s and 3 bp at 1.001 s after the first: 10 bp^2 in 1.001 s over 14 in 2 s.

    1.001 x 1000 is less than 1001 in doubles.
    """
    points = [(0, 0.0), (999, 2.0), (1999, 1.0), (2000, 3.0)]
    seen = bench.observe("volatility", vol_reads(points), {"vol_short_s": 1.001})[-1]
    bench.demand_close("vol ratio", math.sqrt(10.0 / 1.001 / (14.0 / 2.0)), seen["vol_ratio"])


@check("volatility", "P8.test_vol_ratio_widens_sigma", needs=("vol_ratio", "sigma_multiplier"))
def calm_never_narrows_sigma(bench: Bench) -> None:
    """10 bp early and 1 bp late: the ratio is below 1, sigma stays.

    Two returns of 1 bp in the last 10 s, 0.2 bp^2/s; 102 bp^2 in 300 s.
    """
    points = [(0, 0.0), (290_000, 10.0), (295_000, 1.0), (300_000, 1.0)]
    seen = bench.observe("volatility", vol_reads(points))[-1]
    bench.demand_close("vol ratio", math.sqrt(0.2 / (102.0 / 300.0)), seen["vol_ratio"])
    bench.demand_close("multiplier", 1.0, seen["sigma_multiplier"])


@check(
    "volatility", "Q-14", "P8.test_vol_ratio_widens_sigma", needs=("vol_ratio", "sigma_multiplier")
)
def without_two_returns_the_ratio_is_1(bench: Bench) -> None:
    """A first cycle, one return, no time between, no move, a short window of one return."""
    for points in (
        [(0, 0.0)],
        [(0, 0.0), (5000, 30.0)],
        [(0, 0.0), (0, 30.0), (0, -30.0), (0, 9.0)],
        [(0, 0.0), (5000, 0.0), (10_000, 0.0)],
        [(0, 0.0), (100_000, 5.0), (290_000, 5.0), (300_000, 90.0)],
    ):
        seen = bench.observe("volatility", vol_reads(points))[-1]
        bench.demand_close("vol ratio", 1.0, seen["vol_ratio"])
        bench.demand_close("multiplier", 1.0, seen["sigma_multiplier"])


def three_point(returns: int, moves: int, size_bps: float = 6.0) -> list[float]:
    """``moves`` returns of +-size, as many up as down, the others 0.

    Their share p makes the population's excess kurtosis 1/p - 3.
    """
    ups = [size_bps, -size_bps] * (moves // 2)
    return [*ups, *[0.0] * (returns - moves)]


@check(
    "volatility",
    "P8.test_kurtosis_scales_as_ratio",
    "D-33",
    "Q-13",
    needs=("excess_kurtosis", "as_ratio_adjustment"),
)
def fat_tails_scale_the_as_ratio(bench: Bench) -> None:
    """1 + 0.3 max(0, 1/p - 3), at most 3; a share of a fifth has 2, of a tenth 7.

    The size of the moves makes no difference.
    """
    for returns, moves, size_bps, kurtosis, adjustment in (
        (20, 4, 6.0, 2.0, 1.6),
        (20, 4, 0.1, 2.0, 1.6),
        (40, 4, 6.0, 7.0, 3.0),
        (60, 4, 6.0, 12.0, 3.0),
        (20, 20, 6.0, -2.0, 1.0),
        (30, 0, 6.0, 0.0, 1.0),
    ):
        points = [(0, 0.0), *((0, move) for move in three_point(returns, moves, size_bps))]
        seen = bench.observe("volatility", vol_reads(points))[-1]
        bench.demand_close(f"kurtosis of {moves} in {returns}", kurtosis, seen["excess_kurtosis"])
        bench.demand_close("AS adjustment", adjustment, seen["as_ratio_adjustment"])
    # so faint that prices around 100 leave seven digits of the moves
    faint = vol_reads([(0, 0.0), *((0, move) for move in three_point(20, 4, 1e-5))])
    kurtosis = bench.observe("volatility", faint)[-1]["excess_kurtosis"]
    bench.demand("kurtosis of moves of 1e-5 bp is 2", abs(kurtosis - 2.0) < 1e-4, kurtosis)


@check("volatility", "Q-13", needs=("excess_kurtosis", "as_ratio_adjustment"))
def a_steady_climb_has_no_tails(bench: Bench) -> None:
    """Thirty returns of 5 bp, alike but for 5e-10 bp: less than 1e-9 is rounding."""
    points = [(0, 5.0 + 5e-10 * (number % 2)) for number in range(31)]
    seen = bench.observe("volatility", vol_reads(points))[-1]
    bench.demand_close("kurtosis", 0.0, seen["excess_kurtosis"])
    bench.demand_close("AS adjustment", 1.0, seen["as_ratio_adjustment"])


@check(
    "volatility",
    "P8.test_kurtosis_scales_as_ratio",
    needs=("excess_kurtosis", "as_ratio_adjustment"),
)
def kurtosis_needs_twenty_returns_and_forgets(bench: Bench) -> None:
    """None at 19; of the last hundred, 90 bp moves before them have no part."""
    moves = three_point(20, 4)
    points = [(0, 0.0), *((1000 * number, move) for number, move in enumerate(moves))]
    nineteen, twenty = bench.observe("volatility", vol_reads(points))[-2:]
    bench.demand("19 returns have no kurtosis", nineteen["excess_kurtosis"] is None, nineteen)
    bench.demand_close("nor an adjustment", 1.0, nineteen["as_ratio_adjustment"])
    bench.demand_close("kurtosis of 20", 2.0, twenty["excess_kurtosis"])
    later = [*points, *((20_000, move) for move in (90.0, -90.0, *three_point(100, 10)))]
    seen = bench.observe("volatility", vol_reads(later), {"as_ratio_adjustment_max": 9.0})[-1]
    bench.demand_close("kurtosis of the last hundred", 7.0, seen["excess_kurtosis"])
    bench.demand_close("adjustment, cap at 9", 3.1, seen["as_ratio_adjustment"])


@check("volatility", "A-volatility")
def random_volatilities_agree(bench: Bench) -> None:
    """Seeded returns with fat tails, at even and at wild distances in time."""
    rng = random.Random(bench.seed)
    for config in (
        {},
        {"vol_exponent": 0.9, "tail_weight": 0.05, "kurtosis_window": 25},
        {"vol_short_s": 5.0, "vol_long_s": 60.0, "kurtosis_min_returns": 50},
    ):
        points = []
        t_ms = 0
        for _ in range(300):
            t_ms += rng.choice((0, 500, 6450, 6450, 30_000, 400_000))
            points.append((t_ms, rng.choice((0.0, rng.gauss(0.0, 3.0), rng.gauss(0.0, 30.0)))))
        bench.agree("volatility", vol_reads(points), config)


@check("volatility", "D-03", "D-07", "Q-02")
def bad_mids_change_nothing(bench: Bench) -> None:
    """Time that runs back, mids that are not positive or not finite."""
    bad: list[tuple[Json, str]] = [
        (vol_read(299_999, 100.0), "time_reversed"),
        (vol_read(300_000, 0.0), "out_of_range"),
        (vol_read(300_000, 1e16), "out_of_range"),
        ({**vol_read(300_000, 1.0), "mid": "inf"}, "non_finite"),
        ({"step": "read", "t_ms": 300_000}, "missing_field"),
    ]
    demand_each_rejected(bench, "volatility", bad, vol_reads(SPIKE), vol_read(301_000, 100.2))


# --- through the engine -----------------------------------------------------------------------


def vol_cycles(points: list[tuple[int, float]]) -> list[Json]:
    """Engine cycles at these times in ms, after these log returns in bp."""
    return [{**step, "step": "cycle"} for step in vol_reads(points)]


# two cycles at 0, so that the fifth, a warm one, ends the spike; then 600 s of rest
SPIKE_AND_REST = [(0, 0.0), *SPIKE, (900_000, 0.0), (900_000, 0.0)]


@check("engine", "D-33", "P8.test_vol_ratio_widens_sigma", "D-36")
def sigma_keeps_its_scale_between_warm_cycles(bench: Bench) -> None:
    """The warm fifth cycle doubles sigma: 0.15 (16 - 4) 2/2 = 1.8 bp; the sixth keeps it.

    The seventh, warm again and after 600 s of rest, gives it back.
    """
    bench.require(8)
    config = {**TAPED, "tick_size": 1e-6}
    seen = bench.observe("engine", vol_cycles(SPIKE_AND_REST), config)
    depths = []
    for observed, step in zip(seen, vol_cycles(SPIKE_AND_REST), strict=True):
        depths.append((1.0 - observed["bids"][0]["price"] / step["mid"]) * 1e4)
    for number, wider_bps in enumerate((0.0, 0.0, 0.0, 0.0, 1.8, 1.8, 0.0)):
        got = depths[number] - depths[0]
        bench.demand(f"cycle {number} is {wider_bps} bp wider", abs(got - wider_bps) < 1e-3, got)


@check(
    "engine",
    "D-33",
    "D-43",
    "P8.test_vol_ratio_widens_sigma",
    needs=("sigma_bps_per_sqrt_s", "as_cost_bps", "vol_ratio", "drift_observations"),
)
def scaled_sigma_is_in_force_everywhere(bench: Bench) -> None:
    """An estimate of 3 becomes 6: in AS, 0.8 x 6 x sqrt(2), and in a fill 12 bp away, z = -2."""
    estimate: Json = {"step": "estimate", "t_ms": 0, "sigma_bps_per_sqrt_s": 3.0}
    spike = vol_cycles(SPIKE_AND_REST[:5])
    mid = spike[-1]["mid"]
    fill = {**own_fill(300_000, "buy", 0.1), "price": mid * (1.0 - 12e-4), "mid": mid}
    steps = [estimate, *spike, fill, {**cycle(300_000), "mid": mid}]
    *_, doubled, _, kept = bench.observe("engine", steps, TAPED)
    for observed in (doubled, kept):
        bench.demand_close("sigma", 6.0, observed["sigma_bps_per_sqrt_s"])
        bench.demand_close("vol ratio", 4.0, observed["vol_ratio"])
        bench.demand_close("AS", 0.8 * 6.0 * math.sqrt(2.0), observed["as_cost_bps"])
    demand_reading(bench, kept, "fill", -2.0, 9.0)


@check("engine", "D-33", "D-43", needs=("sigma_bps_per_sqrt_s",))
def an_estimate_takes_the_scale_in_force(bench: Bench) -> None:
    """A sigma of 5 that the desk gives after the spike's warm cycle is 10 in the next."""
    estimate: Json = {"step": "estimate", "t_ms": 300_000, "sigma_bps_per_sqrt_s": 5.0}
    steps = [*vol_cycles(SPIKE_AND_REST[:5]), estimate, cycle(300_000)]
    seen = bench.cycle(steps, TAPED)
    bench.demand_close("sigma", 10.0, seen["sigma_bps_per_sqrt_s"])


@check("engine", "Q-16", "D-33", needs=("process_noise",))
def a_markout_takes_the_scaled_sigma(bench: Bench) -> None:
    """Mu 0 and P 25; 50 bp in 5 s are 10 bp/s, against sqrt(25 + 40^2/5) = 18.6: a small error.

    At the desk's sigma of 20, without its scale of 2, it would be 10/sqrt(25 + 80) = 0.98: large.
    The fill comes after the warm cycle that measures the spike, the markout before the next.
    """
    bench.require(5)
    estimate: Json = {"step": "estimate", "t_ms": 0, "sigma_bps_per_sqrt_s": 20.0}
    spike = vol_cycles(SPIKE_AND_REST[:5])
    mid = spike[-1]["mid"]
    fill = {**own_fill(300_000, "buy", 0.1), "price": mid, "mid": mid}
    steps = [estimate, *spike, fill, cycle(305_000, mid * (1.0 + 50e-4))]
    seen = bench.cycle(steps, {**gates(1, 2, 3, 4, 5, 8), **FLOW_OFF})
    bench.demand_close("process noise", 0.95, seen["process_noise"])


@check(
    "engine",
    "D-33",
    "D-36",
    "D-19",
    "P8.test_kurtosis_scales_as_ratio",
    needs=("as_ratio_adjustment", "as_cost_bps"),
)
def the_as_adjustment_is_cold(bench: Bench) -> None:
    """Twenty returns, four of them moves: 1.6 at cycle 20, kept until 25, where it is 1.975.

    Five returns of 0 more make the share 4/25: 1 + 0.3 (6.25 - 3). All at one instant.
    """
    moves = three_point(25, 4)
    steps = vol_cycles([(0, 0.0), *((0, move) for move in moves)])
    for number, observed in enumerate(bench.observe("engine", steps, TAPED)):
        adjustment = 1.0 if number < 20 else 1.6 if number < 25 else 1.975
        what = f"at cycle {number}"
        bench.demand_close(f"adjustment {what}", adjustment, observed["as_ratio_adjustment"])
        as_cost = 0.8 * adjustment * 2.0 * math.sqrt(2.0)
        bench.demand_close(f"AS {what}", as_cost, observed["as_cost_bps"])


@check("engine", "P8.test_kurtosis_scales_as_ratio", "D-19")
def fat_tails_empty_the_ladder(bench: Bench) -> None:
    """At cycle 20 a share of 0.1 makes AS three times 2.26 bp: touches at 7.25 bp lose, and go.

    Without the adjustment they would rest, as they do at cycle 19. Depth 8.29 is the first to earn.
    """
    bench.require(8)
    config = {**TAPED, "tick_size": 1e-6}
    seen = bench.observe(
        "engine", vol_cycles([(0, 0.0), *((0, move) for move in three_point(20, 2))]), config
    )
    bench.demand("six bids rest before", len(seen[19]["bids"]) == 6, seen[19])
    # 3 x 0.8 x 2 x sqrt(2) + 1.5 = 8.288; levels at 7.251 and 8.251 lose, that at 9.251 earns
    bench.demand("four rest after", len(seen[20]["bids"]) == len(seen[20]["asks"]) == 4, seen[20])
