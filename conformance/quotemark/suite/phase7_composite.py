"""Phase 7: sweeps, the composite with the book, how fast the filter turns, and the gate."""

from __future__ import annotations

import math
import random

from quotemark.messages import Json
from quotemark.suite.bench import Bench
from quotemark.suite.market import cycle, gates, observe, predict, signal
from quotemark.suite.market_features import (
    CALIBRATED,
    NEEDS_Z,
    PLAN,
    book,
    cycles,
    demand_each_rejected,
    demand_gate,
    demand_none,
    demand_observation,
    demand_reading,
    demand_refused,
    demand_same_quotes,
    demand_weak_sensor,
    own_fill,
    quoting,
    read,
    shallow_book,
    sources,
)
from quotemark.suite.phase7 import BIDS, FEATURED
from quotemark.suite.register import check

NEEDS_DRIFT = ("drift_bps_per_s", "drift_variance")


# --- sweeps -----------------------------------------------------------------------------------


def sweep_fill(t_ms: int, side: str, size: float, levels_crossed: int) -> Json:
    """sweep: an own fill."""
    return {
        "step": "fill",
        "t_ms": t_ms,
        "side": side,
        "size": size,
        "levels_crossed": levels_crossed,
    }


@check("sweep", "P7.test_sweep_detection_multi_level", "D-32", "Q-09", needs=("scores",))
def sweeps_score_size_times_levels(bench: Bench) -> None:
    """Three bid fills of 4 across 2, 3 and 5 levels: (8 + 12 + 20)/10 = 4; single levels are 0."""
    swept = [sweep_fill(1000 * number, "buy", 4.0, 2 + number) for number in (0, 1)]
    steps = [*swept, sweep_fill(2000, "buy", 4.0, 5), sweep_fill(2000, "sell", 9.0, 1), read(2500)]
    seen = bench.observe("sweep", steps)[-1]
    bench.demand_close("score of bids", 4.0, seen["scores"][0])
    bench.demand_close("score of asks", 0.0, seen["scores"][1])
    config = {"sweep_reference_size": 4.0, "sweep_min_levels": 3}
    other = bench.observe("sweep", steps, config)[-1]
    bench.demand_close("score against 4 contracts, from 3 levels", 8.0, other["scores"][0])


@check("sweep", "P7.test_sweep_drift_observation_sign", "D-32", needs=("scores", *NEEDS_Z))
def swept_bids_are_bearish(bench: Bench) -> None:
    """Z = ask score - bid score, R = 4/max(total, 0.1); own buys sweep bids, own sells asks."""
    for bought, sold, z_bps_per_s, variance in (
        (10.0, 0.0, -2.0, 2.0),
        (0.0, 10.0, 2.0, 2.0),
        (10.0, 2.5, -1.5, 1.6),
        (5.0, 5.0, 0.0, 2.0),
        (0.2, 0.0, -0.04, 40.0),
    ):
        fills = [
            sweep_fill(0, side, size, 2) for side, size in (("buy", bought), ("sell", sold)) if size
        ]
        seen = bench.observe("sweep", [*fills, read(0)])[-1]
        demand_observation(bench, f"{bought} bought, {sold} sold", seen, z_bps_per_s, variance)


@check("sweep", "D-29", needs=("scores", *NEEDS_Z))
def without_a_sweep_there_is_no_observation(bench: Bench) -> None:
    """Nothing filled, single levels only, a sweep that is over, an alpha of 0."""
    quiet = [sweep_fill(0, "buy", 50.0, 1), sweep_fill(0, "sell", 2.0, 2), read(3000), read(3001)]
    for index, steps in ((0, [read(0)]), (1, [*quiet[:1], read(0)]), (3, quiet)):
        demand_none(bench, "no sweep in the window", bench.observe("sweep", steps)[index])
    for calibration in ("plan", "calibrated"):
        config = {"alpha_sweep": 0.0, "calibration": calibration}
        off = bench.observe("sweep", quiet, config)[2]
        demand_none(bench, f"alpha 0, {calibration}", off)
        bench.demand_close("the score stands at 3 s", 0.4, off["scores"][1])


@check("sweep", "D-32", needs=("scores",))
def no_sweep_falls_between_cycles(bench: Bench) -> None:
    """The window is 3 s, or the time since the last cycle where that is longer, borders included.

    A fill at 1 s counts at the cycle of 6.45 s, whose last was at 0; not at one 1 ms later.
    """
    swept = sweep_fill(1000, "buy", 5.0, 2)
    _, _, at_cycle, after = bench.observe("sweep", [read(0), swept, read(6450), read(6451)])
    bench.demand_close("score at the next cycle", 1.0, at_cycle["scores"][0])
    bench.demand_close("score a millisecond later", 0.0, after["scores"][0])
    at_once = bench.observe("sweep", [read(1000), swept, read(60_000), read(120_000)])
    bench.demand_close("a fill at the instant of a cycle", 1.0, at_once[2]["scores"][0])
    bench.demand_close("and at the cycle after next", 0.0, at_once[3]["scores"][0])
    often = [read(0), swept, *(read(t_ms) for t_ms in (1001, 3999, 4000, 4001))]
    scores = [observed["scores"][0] for observed in bench.observe("sweep", often)[-3:]]
    bench.demand("3 s are included, and not more", scores == [1.0, 1.0, 0.0], scores)
    # 1.001 x 1000 is less than 1001 in doubles
    uneven = bench.observe("sweep", [swept, read(2001), read(2002)], {"sweep_window_s": 1.001})
    scores = [observed["scores"][0] for observed in uneven[1:]]
    bench.demand("1.001 s are included, and not more", scores == [1.0, 0.0], scores)


@check("engine", "D-32", "P7.test_sweep_detection_multi_level", needs=("composite_parts",))
def the_engine_sees_every_sweep(bench: Bench) -> None:
    """A bid fill of 2 across 3 levels, 5.45 s before the cycle: z = -6, R = 260, once."""
    steps = [cycle(0), own_fill(1000, "buy", 2.0, 3), cycle(6450), cycle(6451)]
    seen, after = bench.observe("engine", steps, FEATURED)[-2:]
    parts = [(part["source"], part["z_bps_per_s"]) for part in seen["composite_parts"]]
    bench.demand("the cycle takes the sweep", [source for source, _ in parts] == ["sweep"], parts)
    bench.demand_close("z of the sweep", -6.0, parts[0][1])
    bench.demand("the next does not", after["composite_parts"] == [], after)


@check("engine", "D-32", "P7.test_sweep_drift_observation_sign")
def a_swept_bid_side_deepens_the_bid(bench: Bench) -> None:
    """Score 1 at P 50: z = -10 over 310 is -1.61 bp/s, as many bp deeper; mirrored for asks."""
    bench.require(7)
    config = {**FEATURED, "tick_size": 1e-6}
    for side, sign in (("buy", 1.0), ("sell", -1.0)):
        calm, swept = (
            bench.cycle([own_fill(0, side, 0.01, levels), cycle(0)], wide)
            for levels, wide in ((1, config), (2, {**config, "sweep_reference_size": 0.02}))
        )
        deeper_bps = (calm["bids"][0]["price"] - swept["bids"][0]["price"]) * 1e2
        close = abs(deeper_bps - sign * 10.0 * 50.0 / 310.0) < 1e-3
        bench.demand("quotes follow the sweep", close, deeper_bps)


@check("sweep", "D-45", needs=NEEDS_Z)
def calibrated_sweeps_are_weak_sensors(bench: Bench) -> None:
    """Z = 10 clip(ask - bid score), R = 260 whatever the total."""
    for side, size, z_bps_per_s in (("buy", 1.0, -2.0), ("buy", 90.0, -10.0), ("sell", 90.0, 10.0)):
        steps = [sweep_fill(0, side, size, 2), read(0)]
        seen = bench.observe("sweep", steps, CALIBRATED)[-1]
        demand_observation(bench, f"{side} of {size}", seen, z_bps_per_s, 260.0)


@check("sweep", "A-sweep")
def random_sweeps_agree(bench: Bench) -> None:
    """Seeded own fills of one to six levels, cycles close together and far apart."""
    rng = random.Random(bench.seed)
    for config in (
        {},
        CALIBRATED,
        {"sweep_window_s": 0.4, "sweep_min_levels": 1, "alpha_sweep": 0.3, "sigma_sweep": 5.0},
        {**CALIBRATED, "sweep_reference_size": 80.0, "calibrated_variance": 90.0},
    ):
        steps = [sweep_fill(0, "buy", 3.0, 3)]
        t_ms = 0
        for _ in range(300):
            t_ms += rng.choice((0, 1, 400, 2600, 3000, 6450, 60_000))
            size = 10.0 ** rng.uniform(-2.0, 2.0)
            filled = sweep_fill(t_ms, rng.choice(("buy", "sell")), size, rng.randrange(1, 7))
            steps.append(rng.choice((filled, filled, read(t_ms))))
        bench.agree("sweep", steps, config)


@check("sweep", "D-03", "D-07", "Q-02")
def bad_sweeps_change_nothing(bench: Bench) -> None:
    """Sizes and levels out of range, time that runs back."""
    before = [read(0), sweep_fill(1000, "buy", 4.0, 2), sweep_fill(2000, "sell", 1.0, 3)]
    bad: list[tuple[Json, str]] = [
        (sweep_fill(2000, "buy", 0.0, 3), "out_of_range"),
        (sweep_fill(2000, "buy", 1e16, 3), "out_of_range"),
        ({**sweep_fill(2000, "buy", 1.0, 3), "size": "inf"}, "non_finite"),
        (sweep_fill(2000, "buy", 1.0, 0), "out_of_range"),
        ({**sweep_fill(2000, "buy", 1.0, 2), "levels_crossed": 2.5}, "unparsable"),
        (sweep_fill(2000, "bid", 1.0, 3), "unparsable"),
        (sweep_fill(1999, "buy", 1.0, 3), "time_reversed"),
        (read(1999), "time_reversed"),
        ({"step": "fill", "t_ms": 2000, "side": "buy", "size": 1.0}, "missing_field"),
    ]
    demand_each_rejected(bench, "sweep", bad, before, read(6450))


@check("engine", "D-32", "Q-02", "Q-09")
def bad_sweeping_fills_change_nothing(bench: Bench) -> None:
    """A fill that crossed no level, or half a one, is rejected, sweeps nothing, is no position."""
    bench.require(7)
    good = own_fill(200, "buy", 0.5)
    bad: list[tuple[Json, str]] = [
        ({**good, "levels_crossed": 0}, "out_of_range"),
        ({**good, "levels_crossed": -2}, "out_of_range"),
        ({**good, "levels_crossed": 2.5}, "unparsable"),
        ({**good, "levels_crossed": None}, "unparsable"),
    ]
    demand_refused(bench, bad, [cycle(0), own_fill(100, "buy", 0.5, 2)], cycle(300))


# --- composite --------------------------------------------------------------------------------


# 40 contracts within 10 bp on each side of a book of 100: BIM(10) +-1/2, BIM(50) -0.2 and -0.6
HEAVY_BIDS = (((5.0, 30.0), (50.0, 10.0)), ((5.0, 10.0), (50.0, 50.0)))
HEAVY_ASKS = (((5.0, 10.0), (50.0, 10.0)), ((5.0, 30.0), (50.0, 50.0)))


TURNED = [
    *(book(0, *HEAVY_BIDS), cycle(0)),
    *(own_fill(1500, "buy", 5.0, 2), book(2000, *HEAVY_ASKS), cycle(2000)),
]
"""BIM turns over in 2 s, a sweep scores 1 between; all four sources speak at the second cycle."""


PARTS = {
    "plan": {
        "bim": (-0.15, 56.25),
        "dbim": (-0.1, 4.0),
        "bpg": (-0.015, 3.0),
        "sweep": (-1.0, 4.0),
    },
    "calibrated": {
        "bim": (-5.0, 6500.0),
        "dbim": (-5.0, 260.0),
        "bpg": (-0.5, 260.0),
        "sweep": (-10.0, 260.0),
    },
}
"""(z, R): BIM -1/2 at $4000, delta-BIM -1/2, BPG 1/10, a sweep of 1 against the bids."""


@check(
    "engine",
    "D-30",
    "D-29",
    "P7.test_dbim_negative_precedes_drop",
    needs=("composite_parts", "drift_observations"),
)
def the_composite_is_weighted_by_precision(bench: Bench) -> None:
    """Four sources become one observation: z = sum(z/R)/sum(1/R), R = 1/sum(1/R)."""
    for calibration, expected in PARTS.items():
        config = {**FEATURED, "calibration": calibration}
        seen = bench.cycle(TURNED, config)
        got = {
            part["source"]: (part["z_bps_per_s"], part["variance"])
            for part in seen["composite_parts"]
        }
        bench.demand("the parts are these four", list(got) == list(expected), got)
        for source, (z_bps_per_s, variance) in expected.items():
            bench.demand_close(f"z of {source}", z_bps_per_s, got[source][0])
            bench.demand_close(f"R of {source}", variance, got[source][1])
        precision = sum(1.0 / variance for _, variance in expected.values())
        weighted = sum(z_bps_per_s / variance for z_bps_per_s, variance in expected.values())
        demand_reading(bench, seen, "composite", weighted / precision, 1.0 / precision)
        entered = sources(seen)
        bench.demand("one update, not four", entered == ["fill", "composite"], entered)


@check("engine", "D-30", needs=NEEDS_DRIFT)
def the_composite_is_four_updates_in_a_row(bench: Bench) -> None:
    """Without the floor the posterior is that of the four readings one after another.

    So the composite does not slow the collapse of P, nor widen it where sources disagree. Between
    the cycles lie the sweeping fill's own update and a predict of 2 s.
    """
    for calibration, parts in PARTS.items():
        config = {**FEATURED, "calibration": calibration, "p_min": 0.0}
        observed = bench.observe("engine", TURNED, config)
        mean, p = observed[1]["drift_bps_per_s"], observed[1]["drift_variance"]
        mean, p = mean * 9.0 / (p + 9.0), p * 9.0 / (p + 9.0)  # the fill at mid: z = 0, R = 9
        mean *= math.exp(-0.04)
        p = p * math.exp(-0.08) + 25.0 * -math.expm1(-0.08)
        for z_bps_per_s, variance in parts.values():
            gain = p / (p + variance)
            mean, p = mean + gain * (z_bps_per_s - mean), (1.0 - gain) * p
        bench.demand_close(f"drift, {calibration}", mean, observed[-1]["drift_bps_per_s"])
        bench.demand_close(f"P, {calibration}", p, observed[-1]["drift_variance"])


@check("engine", "D-29", needs=NEEDS_DRIFT)
def a_missing_signal_is_left_out(bench: Bench) -> None:
    """BIM alone, 4 contracts: R = 562.5 as it is; with (0, 100) beside it, R would be below 100.

    And no book at all leaves the filter at its prior.
    """
    seen = bench.cycle([shallow_book(0, 3.0, 1.0), cycle(0)], {**FEATURED, **PLAN})
    gain = 50.0 / 612.5
    bench.demand_close("drift", gain * 0.15, seen["drift_bps_per_s"])
    bench.demand_close("P", (1.0 - gain) * 50.0, seen["drift_variance"])
    for steps in ([cycle(0)], [book(0, BIDS, ()), cycle(0)], [book(0, (), ()), cycle(0)]):
        alone = bench.cycle(steps, {**FEATURED, **PLAN})
        bench.demand_close("drift without a book", 0.0, alone["drift_bps_per_s"])
        bench.demand_close("P without a book", 50.0, alone["drift_variance"])


@check("engine", "D-45", needs=("drift_bps_per_s", "drift_observations"))
def hot_sources_are_weak_sensors(bench: Bench) -> None:
    """Mu -8 at P 8 meets a BIM of -0.999, of 0 and of 0.5 in $200k, and sweeps of -1 and of 0."""
    for bids, z_bps_per_s in ((1.0, -9.99), (1000.0, 0.0), (1500.0, 5.0)):
        steps = [shallow_book(0, bids, 2000.0 - bids), cycle(0)]
        demand_weak_sensor(bench, FEATURED, "composite", steps, z_bps_per_s)
    sold = own_fill(0, "sell", 5.0, 2)
    for fills, z_bps_per_s in (([], -10.0), ([sold], 0.0)):
        steps = [own_fill(0, "buy", 5.0, 2), *fills, cycle(0)]
        demand_weak_sensor(bench, FEATURED, "composite", steps, z_bps_per_s)


# --- collapse of P ----------------------------------------------------------------------------


def _turn(drifts: list[float]) -> int:
    """Number of the first drift that is bullish, counted from 1; past the end if none is."""
    return next((number for number, drift in enumerate(drifts, 1) if drift > 0.0), len(drifts) + 1)


@check("drift", "D-31", "D-04", needs=("drift_bps_per_s",))
def the_floor_lets_the_filter_turn(bench: Bench) -> None:
    """200 observations of -5 with R = 4 at one instant, then of +5: it turns at the second.

    At P_min = 2 the gain is 1/3: -5, -1.67, 0.56. Without a floor 200 weigh more than 50.
    """
    steps = [predict(0), *[observe(-5.0, 4.0)] * 200, *[observe(5.0, 4.0)] * 50]
    for p_min, turns in ((2.0, 2), (0.0, 51)):
        seen = bench.observe("drift", steps, {"p_min": p_min})[201:]
        turned = _turn([observed["drift_bps_per_s"] for observed in seen])
        bench.demand(f"with p_min {p_min} it turns at {turns}", turned == turns, turned)


@check("engine", "D-31", "D-04", needs=("drift_bps_per_s",))
def a_turning_book_turns_the_drift(bench: Bench) -> None:
    """200 cycles of bearish books at one instant, then bullish ones: it turns at the second.

    500 against 62.5 contracts are a BIM of 7/9 and $56 250: with alpha 9, z = -+7, R = 4.
    """
    config = {**FEATURED, **PLAN, "alpha_bim": 9.0, "alpha_dbim": 0.0}
    steps = [shallow_book(0, 62.5, 500.0), *cycles(200), shallow_book(0, 500.0, 62.5), *cycles(50)]
    for p_min, turns in ((2.0, 2), (0.0, 51)):
        seen = quoting(bench.observe("engine", steps, {**config, "p_min": p_min}))[200:]
        turned = _turn([observed["drift_bps_per_s"] for observed in seen])
        bench.demand(f"with p_min {p_min} it turns at {turns}", turned == turns, turned)


# --- gate -------------------------------------------------------------------------------------


def _book_session(contracts: float, levels_crossed: int) -> list[Json]:
    """Eight cycles of books that turn over, own fills and signals; ``contracts`` rest."""
    steps: list[Json] = []
    for number in range(8):
        t_ms = 3000 * number
        heavy, light = (1.0, contracts) if number % 3 else (contracts, 1.0)
        steps += [
            book(t_ms, ((2.0, heavy), (55.0, 1.0)), ((2.0, light), (55.0, contracts))),
            own_fill(t_ms, "buy" if number % 2 else "sell", 0.5, levels_crossed),
            signal(t_ms, 2.0 - number, 40.0),
            cycle(t_ms + 500),
        ]
    return steps


ALPHAS_0 = {f"alpha_{source}": 0.0 for source in ("bim", "dbim", "bpg", "sweep")}


@check("engine", "D-29", "G-7")
def alphas_of_0_are_phase_7_off(bench: Bench) -> None:
    """All four at 0: quotes and filter bit for bit those of an engine without the phase."""
    bench.require(7)
    steps = _book_session(400.0, 4)
    without = bench.observe("engine", steps, gates(1, 2, 3, 4))
    for calibration in ("plan", "calibrated"):
        config = {**gates(1, 2, 3, 4, 7), **ALPHAS_0, "calibration": calibration}
        silent = bench.observe("engine", steps, config)
        demand_same_quotes(bench, f"alphas of 0, {calibration}", without, silent)


WILD: Json = {
    "alpha_bim": 40.0,
    "alpha_dbim": 40.0,
    "alpha_bpg": 40.0,
    "alpha_sweep": 40.0,
    "sweep_reference_size": 0.01,
    "sweep_window_s": 900.0,
    "depth_ref_usd": 1.0,
    "bpg_variance": 0.01,
    "dbim_smoothing": 1.0,
}


@check("engine", "G-7", "D-37")
def phase_7_off_ignores_book_and_sweeps(bench: Bench) -> None:
    """With its gate off, lopsided books, sweeps and wild parameters change nothing bit for bit."""
    bench.require(7)
    off = gates(1, 2, 3, 4)
    without = bench.observe("engine", _book_session(1.0, 1), off)
    ignored = bench.observe("engine", _book_session(9e4, 6), {**off, **WILD})
    demand_same_quotes(bench, "phase 7 off ignores its inputs", without, ignored)
    on = quoting(bench.observe("engine", _book_session(9e4, 6), gates(1, 2, 3, 4, 7)))
    moved = on[0]["bids"] != quoting(without)[0]["bids"]
    bench.demand("phase 7 on moves the quotes of this session", moved, on[0])


@check("engine", "G-7", "D-37")
def phase_7_without_phase_1_is_inert(bench: Bench) -> None:
    """Its gate makes no difference while the legacy estimator runs."""
    bench.require(7)
    steps = _book_session(9e4, 6)
    without = bench.observe("engine", steps, gates(2, 3))
    inert = bench.observe("engine", steps, {**gates(2, 3, 7), **WILD})
    demand_same_quotes(bench, "gate 7 without 1 changes nothing", without, inert)


@check("engine", "G-7", "D-37", needs=("active_phases", "inert_phases"))
def inert_book_features_say_so(bench: Bench) -> None:
    """Phase 7 needs phase 1 alone."""
    demand_gate(bench, 7, (1, 7), (2, 3, 7))
    demand_gate(bench, 7, (1, 2, 3, 4, 5, 6, 7, 8), (2, 3, 4, 5, 6, 7, 8))
