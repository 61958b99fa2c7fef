"""Phase 7: what the shape of the book says, and how it changes."""

from __future__ import annotations

import random

from quotemark.messages import Json
from quotemark.suite.bench import Bench
from quotemark.suite.market import MAX_POSITION, cycle, gates
from quotemark.suite.market_features import (
    CALIBRATED,
    FLOW_OFF,
    PLAN,
    Levels,
    book,
    cycles,
    demand_each_rejected,
    own_fill,
    quoting,
    read,
    reading_of,
    shallow_book,
)
from quotemark.suite.register import check

# BIM: 2/4 within 10 bp, -1/9 within 25, -8/18 within 50; 4 contracts within 10 bp
BIDS: Levels = ((5.0, 3.0), (20.0, 1.0), (50.0, 1.0))
ASKS: Levels = ((5.0, 1.0), (20.0, 4.0), (50.0, 8.0))
IMBALANCES = (0.5, -1.0 / 9.0, -4.0 / 9.0)
GRADIENT = 0.5 + 4.0 / 9.0
UNREACHED = [10.0, 25.0, 50.0]
FEATURED = {**gates(1, 2, 3, 4, 7), **FLOW_OFF}


def said(observed: Json) -> dict[str, tuple[float, float]]:
    """What a book says: (z, R) by source."""
    return {
        reading["source"]: (reading["z_bps_per_s"], reading["variance"])
        for reading in observed["signals"]
    }


def demand_said(
    bench: Bench, observed: Json, expected: dict[str, tuple[float, float]], what: str
) -> None:
    """Demand that a book says this and nothing else."""
    got = said(observed)
    bench.demand(f"{what}: sources are {list(expected)}", list(got) == list(expected), got)
    for source, (z_bps_per_s, variance) in expected.items():
        bench.demand_close(f"z of {source}, {what}", z_bps_per_s, got[source][0])
        bench.demand_close(f"R of {source}, {what}", variance, got[source][1])


# --- the book's shape -------------------------------------------------------------------------


@check(
    "book",
    "P7.test_bim_multi_depth_correct",
    "D-26",
    needs=("imbalances", "depth_usd", "insufficient_depth_bps", "pressure_gradient"),
)
def imbalance_differs_by_depth(bench: Bench) -> None:
    """Bids 3, 1, 1 and asks 1, 4, 8 at 5, 20 and 50 bp: 1/2, -1/9, -4/9; $400 within 10 bp."""
    seen = bench.observe("book", [book(0, BIDS, ASKS), read(0)])[-1]
    for depth, expected, got in zip((10, 25, 50), IMBALANCES, seen["imbalances"], strict=True):
        bench.demand_close(f"BIM({depth})", expected, got)
    bench.demand_close("pressure gradient", GRADIENT, seen["pressure_gradient"])
    bench.demand_close("depth in USD", 400.0, seen["depth_usd"])
    bench.demand("every depth is reached", seen["insufficient_depth_bps"] == [], seen)


@check("engine", "Q-10", "P7.test_bim_multi_depth_correct", "D-26", needs=("book_imbalances",))
def the_engine_measures_from_the_books_own_mid(bench: Bench) -> None:
    """A cycle that carries another mid does not move the book's distances."""
    seen = bench.cycle([book(0, BIDS, ASKS), cycle(0, 100.4)], FEATURED)["book_imbalances"]
    for depth, expected, got in zip((10, 25, 50), IMBALANCES, seen, strict=True):
        bench.demand_close(f"BIM({depth})", expected, got)


def _priced_book(shallow_bid: float) -> Json:
    """Return a book around 10 000, where 10, 25 and 50 bp are whole prices."""
    return {
        "step": "book",
        "t_ms": 0,
        "bids": [[9999.0, 1.0], [shallow_bid, 2.0], [9975.0, 3.0], [9950.0, 4.0]],
        "asks": [[10_001.0, 1.0], [10_010.0, 1.0], [10_025.0, 1.0], [10_050.0, 1.0]],
    }


@check("book", "Q-10", "D-26", needs=("imbalances", "insufficient_depth_bps"))
def the_border_belongs_to_the_depth(bench: Bench) -> None:
    """Levels at 10, 25 and 50 bp exactly, or 4e-10 bp beyond, count; 1e-6 beyond does not."""
    for shallow_bid, bim in ((9990.0, 1.0 / 5.0), (9990.0 - 4e-10, 1.0 / 5.0)):
        seen = bench.observe("book", [_priced_book(shallow_bid), read(0)])[-1]
        expected = (bim, 3.0 / 9.0, 6.0 / 14.0)
        for depth, value, got in zip((10, 25, 50), expected, seen["imbalances"], strict=True):
            bench.demand_close(f"BIM({depth}) with a level at {shallow_bid!r}", value, got)
        bench.demand("50 bp is reached at 50 bp", seen["insufficient_depth_bps"] == [], seen)
    outside = bench.observe("book", [_priced_book(9990.0 - 1e-6), read(0)])[-1]["imbalances"]
    bench.demand_close("BIM(10) with a level outside", -1.0 / 3.0, outside[0])
    for mid in (29.14, 0.3, 7.3, 1234.5, 105_055.0):
        bordered = book(0, ((1.0, 1.0), (10.0, 2.0)), ((1.0, 1.0), (10.0, 1.0)), mid)
        got = bench.observe("book", [bordered, read(0)])[-1]["imbalances"][0]
        bench.demand_close(f"BIM(10) at the border of a mid of {mid}", 0.2, got)


@check(
    "book",
    "D-26",
    needs=("imbalances", "depth_usd", "insufficient_depth_bps", "signals", "pressure_gradient"),
)
def without_two_sides_a_book_says_nothing(bench: Bench) -> None:
    """No book, one side or none: imbalances and depth 0, no signal, no depth reached."""
    one_sided = [book(0, BIDS, ()), book(0, (), ASKS), book(0, (), ())]
    for steps in ([], *([step] for step in one_sided), [book(0, BIDS, ASKS), one_sided[0]]):
        seen = bench.observe("book", [*steps, read(0)])[-1]
        bench.demand("imbalances are 0", seen["imbalances"] == [0.0, 0.0, 0.0], seen)
        bench.demand("depth is 0", seen["depth_usd"] == 0.0, seen)
        bench.demand("no depth is reached", seen["insufficient_depth_bps"] == UNREACHED, seen)
        bench.demand("there is no gradient", seen["pressure_gradient"] is None, seen)
        bench.demand("it says nothing", seen["signals"] == [], seen)
    far = bench.observe("book", [book(0, ((20.0, 3.0),), ((20.0, 1.0),)), read(0)])[-1]
    bench.demand_close("BIM(10) with nothing within", 0.0, far["imbalances"][0])
    bench.demand_close("BIM(25)", 0.5, far["imbalances"][1])
    bench.demand("nothing within 10 bp says nothing", far["signals"] == [], far)


@check(
    "book",
    "D-26",
    "D-29",
    "D-45",
    needs=("imbalances", "insufficient_depth_bps", "pressure_gradient", "signals"),
)
def unreached_depths_are_marked(bench: Bench) -> None:
    """Twenty levels to 2.5 bp: three equal imbalances, all marked, and no gradient of 0."""
    near = [(0.125 * number, 3.0) for number in range(1, 21)]
    light = [(0.125 * number, 1.0) for number in range(1, 21)]
    seen = bench.observe("book", [book(0, near, light), read(0)])[-1]
    for got in seen["imbalances"]:
        bench.demand_close("imbalance", 0.5, got)
    bench.demand("all three are marked", seen["insufficient_depth_bps"] == UNREACHED, seen)
    bench.demand("the gradient is missing, not 0", seen["pressure_gradient"] is None, seen)
    # 80 contracts of $100: R = 2.25 x 100 000/8000
    demand_said(bench, seen, {"bim": (0.15, 28.125)}, "shallow book")
    for bids, asks, marked in (
        (((1.0, 1.0), (60.0, 1.0)), ((1.0, 1.0), (30.0, 1.0)), [50.0]),
        (((1.0, 1.0), (20.0, 1.0)), ((1.0, 1.0), (60.0, 1.0)), [25.0, 50.0]),
        (((1.0, 1.0), (50.0, 1.0)), ((1.0, 1.0), (49.9, 1.0)), [50.0]),
    ):
        got = bench.observe("book", [book(0, bids, asks), read(0)])[-1]["insufficient_depth_bps"]
        bench.demand(f"the nearer side decides: {marked}", got == marked, got)


@check("engine", "D-26", needs=("insufficient_depth_bps", "book_imbalances"))
def the_engine_reports_unreached_depths(bench: Bench) -> None:
    """A level a side at 1 bp reaches none of 10, 25 and 50; without phase 7 nothing is said."""
    steps = [shallow_book(0, 3.0, 1.0), cycle(0)]
    seen = bench.cycle(steps, FEATURED)
    bench.demand("all are marked", seen["insufficient_depth_bps"] == UNREACHED, seen)
    off = bench.cycle(steps, gates(1, 2, 3, 4))
    bench.demand("phase 7 off, no imbalance", off["book_imbalances"] is None, off)
    bench.demand("phase 7 off, no mark", off["insufficient_depth_bps"] is None, off)


# --- its change -------------------------------------------------------------------------------


@check(
    "book",
    "P7.test_dbim_negative_precedes_drop",
    "D-26",
    needs=("delta_bim_per_s", "signals"),
)
def fading_bids_are_bearish(bench: Bench) -> None:
    """BIM(10) from 1/2 to 0 in 2 s is -0.25/s: z = 0.2 x -0.25, R = 4; then smoothed by 0.3.

    The first cycle has no change to tell.
    """
    steps = [
        *(shallow_book(0, 30.0, 10.0), read(0)),
        *(shallow_book(2000, 10.0, 10.0), read(2000)),
        *(shallow_book(3000, 10.0, 30.0), read(3000)),
    ]
    first, _, second, _, third = bench.observe("book", steps)[1:]
    bench.demand("no change at first", first["delta_bim_per_s"] is None, first)
    bench.demand("it is left out", "dbim" not in said(first), first)
    for observed, rate_per_s in ((second, -0.25), (third, -0.25 + 0.3 * (-0.5 + 0.25))):
        bench.demand_close("delta-BIM", rate_per_s, observed["delta_bim_per_s"])
        z_bps_per_s, variance = said(observed)["dbim"]
        bench.demand_close("z of delta-BIM", 0.2 * rate_per_s, z_bps_per_s)
        bench.demand_close("R of delta-BIM", 4.0, variance)


@check("book", "D-26", needs=("delta_bim_per_s",))
def delta_bim_is_clipped_after_smoothing(bench: Bench) -> None:
    """A slope of -10/s reads -1, and a second of standstill leaves -10 x 0.7, still -1.

    Clipped before, it would read -0.7; eight standstills later it is -10 x 0.7^8.
    """
    steps = [shallow_book(0, 30.0, 10.0), read(0), shallow_book(100, 10.0, 30.0), read(100)]
    steps += [read(100 + 1000 * number) for number in range(1, 9)]
    slopes = [observed["delta_bim_per_s"] for observed in bench.observe("book", steps)[3:]]
    for number, got in enumerate(slopes):
        expected = max(-1.0, -10.0 * 0.7**number)
        bench.demand_close(f"delta-BIM after {number} s", expected, got)


@check("book", "Q-10", "D-26", needs=("delta_bim_per_s", "signals"))
def delta_bim_moves_with_cycles_only(bench: Bench) -> None:
    """Books between cycles, a cycle at the same instant and one without BIM leave it as it was.

    From 1/2 at 0 s to 0 at 4 s is -0.125/s, whatever came between.
    """
    steps = [
        *(shallow_book(0, 30.0, 10.0), read(0)),
        *(shallow_book(0, 10.0, 90.0), read(0)),
        *(book(1000, BIDS, ()), read(1000)),
        *(book(1500, ((20.0, 1.0),), ((20.0, 1.0),)), read(1500)),
        *(shallow_book(2000, 90.0, 10.0), shallow_book(4000, 10.0, 10.0)),
        read(4000),
    ]
    *between, last = bench.observe("book", steps)
    for observed in between:
        bench.demand("nothing has moved yet", observed["delta_bim_per_s"] is None, observed)
    bench.demand_close("delta-BIM", -0.125, last["delta_bim_per_s"])
    bench.demand("a one-sided cycle says nothing", between[5]["signals"] == [], between[5])


# --- what it says -----------------------------------------------------------------------------


@check("book", "P7.test_bpg_fragile_support", "D-28", needs=("signals",))
def fragile_support_is_bearish(bench: Bench) -> None:
    """BPG 17/18: z = -0.15 BPG, R = 3; with the sides exchanged, bullish."""
    for bids, asks, sign in ((BIDS, ASKS, 1.0), (ASKS, BIDS, -1.0)):
        seen = bench.observe("book", [book(0, bids, asks), read(0)])[-1]
        # 4 contracts of $100 within 10 bp: R of BIM is 2.25 x 100 000/400
        expected = {"bim": (0.15 * sign, 562.5), "bpg": (-0.15 * GRADIENT * sign, 3.0)}
        demand_said(bench, seen, expected, "fragile support")


@check(
    "engine",
    "P7.test_bpg_fragile_support",
    "D-28",
    needs=("composite_parts", "drift_bps_per_s", "drift_variance"),
)
def pressure_does_not_look_at_the_position(bench: Bench) -> None:
    """Long, flat and short see the same fragile support, and the same bearish drift."""
    config = {**FEATURED, **PLAN, "alpha_bim": 0.0, "alpha_dbim": 0.0}
    z_bps_per_s = -0.15 * GRADIENT
    for share in (0.5, 0.0, -0.5):
        held = [own_fill(0, "buy" if share > 0.0 else "sell", abs(share) * MAX_POSITION)]
        steps = [*(held if share else []), book(0, BIDS, ASKS), cycle(0)]
        seen = bench.cycle(steps, config)
        parts = [part["source"] for part in seen["composite_parts"]]
        bench.demand(f"only BPG speaks at {share:.0%}", parts == ["bpg"], parts)
        drift = z_bps_per_s * 50.0 / 53.0
        bench.demand_close(f"drift at {share:.0%}", drift, seen["drift_bps_per_s"])
        bench.demand_close(f"P at {share:.0%}", 150.0 / 53.0, seen["drift_variance"])


@check("book", "D-27", "U-1", needs=("signals", "depth_usd"))
def thin_books_are_noisy(bench: Bench) -> None:
    """R = 2.25 x 100 000/depth: 2.25 at $100k, 0.225 at $1M, 2250 at $100 and below."""
    for contracts, variance in ((1000.0, 2.25), (10_000.0, 0.225), (1.0, 2250.0), (0.01, 2250.0)):
        steps = [shallow_book(0, 0.75 * contracts, 0.25 * contracts), read(0)]
        seen = bench.observe("book", steps)[-1]
        bench.demand_close("depth in USD", contracts * 100.0, seen["depth_usd"])
        demand_said(bench, seen, {"bim": (0.15, variance)}, f"{contracts} contracts")
    config = {"depth_ref_usd": 4000.0, "depth_floor_usd": 1000.0}
    seen = bench.observe("book", [shallow_book(0, 3.0, 1.0), read(0)], config)[-1]
    demand_said(bench, seen, {"bim": (0.15, 9.0)}, "$400 against $4000, floored at $1000")


@check("book", "D-45", "D-27", "D-28", needs=("signals",))
def calibrated_books_are_weak_sensors(bench: Bench) -> None:
    """BIM: z = 10 BIM, R = 260 max(1, 100 000/depth); delta-BIM and -BPG/2 times 10, R = 260."""
    for contracts, variance in ((4000.0, 260.0), (1000.0, 260.0), (10.0, 26_000.0), (0.1, 2.6e6)):
        steps = [shallow_book(0, 0.25 * contracts, 0.75 * contracts), read(0)]
        seen = bench.observe("book", steps, CALIBRATED)[-1]
        demand_said(bench, seen, {"bim": (-5.0, variance)}, f"{contracts} contracts")
    steps = [book(0, BIDS, ASKS), read(0), book(4000, ASKS, BIDS), read(4000)]
    seen = bench.observe("book", steps, CALIBRATED)[-1]
    expected = {
        "bim": (-5.0, 260.0 * 250.0),
        "dbim": (-2.5, 260.0),
        "bpg": (5.0 * GRADIENT, 260.0),
    }
    demand_said(bench, seen, expected, "the book turned over in 4 s")


@check("book", "D-29", needs=("signals", "imbalances"))
def alpha_0_leaves_a_book_source_out(bench: Bench) -> None:
    """In either calibration, and only that source."""
    steps = [book(0, BIDS, ASKS), read(0), book(4000, ASKS, BIDS), read(4000)]
    for calibration in ("plan", "calibrated"):
        for source in ("bim", "dbim", "bpg"):
            config = {f"alpha_{source}": 0.0, "calibration": calibration}
            seen = bench.observe("book", steps, config)[-1]
            kept = [name for name in ("bim", "dbim", "bpg") if name != source]
            bench.demand(f"{calibration}, without {source}", list(said(seen)) == kept, seen)
            bench.demand_close("BIM(10) stands", -0.5, seen["imbalances"][0])


@check("engine", "E2E-09", "D-45")
def books_move_quotes_before_any_fill(bench: Bench) -> None:
    """Asks of 3000 against 1000: z = -5 at R = 260 and P 50 is -0.81 bp/s; bids 0.81 bp deeper."""
    config = {**gates(1, 2, 3, 4, 7), "tick_size": 1e-6}
    balanced, heavy = (
        bench.cycle([shallow_book(0, 1000.0, asks), cycle(0)], config) for asks in (1000.0, 3000.0)
    )
    for side in ("bids", "asks"):
        bench.demand(f"{side} rest", bool(balanced[side] and heavy[side]), (balanced, heavy))
        lower_bps = (balanced[side][0]["price"] - heavy[side][0]["price"]) * 1e2
        bench.demand(f"{side} move down", abs(lower_bps - 5.0 * 50.0 / 310.0) < 1e-3, lower_bps)


@check("engine", "E2E-09", "D-36", needs=("drift_bps_per_s", "drift_observations"))
def books_move_the_drift_every_cycle(bench: Bench) -> None:
    """Six cycles without a fill: the composite enters each, and the drift falls with each."""
    steps = [shallow_book(0, 1000.0, 3000.0), *cycles(6)]
    drifts = [0.0]
    for observed in quoting(bench.observe("engine", steps, FEATURED)):
        pushed = reading_of(bench, observed, "composite")["push_bps_per_s"]
        drifts.append(observed["drift_bps_per_s"])
        bench.demand("the drift falls", drifts[-1] < drifts[-2], drifts)
        bench.demand_close("by the composite's push", drifts[-1] - drifts[-2], pushed)


# --- agreement and bad input ------------------------------------------------------------------


def _random_levels(rng: random.Random) -> Levels:
    """Levels at whole and at border distances, now and then none."""
    grid = (0.5, 1.0, 4.0, 10.0, 10.5, 18.0, 25.0, 33.0, 50.0, 62.0)
    distances = sorted(rng.sample(grid, rng.randrange(1, len(grid))))
    levels = [(distance, 10.0 ** rng.uniform(-2.0, 4.0)) for distance in distances]
    return rng.choice((levels, levels, levels, levels, []))


@check("book", "A-book")
def random_books_agree(bench: Bench) -> None:
    """Seeded books of every reach, read at every gap, over several configurations."""
    rng = random.Random(bench.seed)
    for config in (
        {},
        CALIBRATED,
        {"alpha_bim": 0.0, "dbim_smoothing": 0.9, "bpg_variance": 0.5, "sigma_dbim": 0.3},
        {**CALIBRATED, "alpha_bpg": 0.0, "depth_ref_usd": 3e6, "calibrated_drift_scale": 4.0},
    ):
        steps = []
        t_ms = 0
        for _ in range(300):
            t_ms += rng.choice((0, 1, 500, 6450, 60_000))
            mid = rng.choice((29.14, 100.0, 105_055.0))
            snapshot = book(t_ms, _random_levels(rng), _random_levels(rng), mid)
            steps.append(rng.choice((snapshot, read(t_ms))))
        bench.agree("book", steps, config)


@check("book", "D-03", "D-07", "Q-02", "Q-08")
def bad_books_change_nothing(bench: Bench) -> None:
    """Each is rejected with its code; the next cycle says what it would have said."""
    before = [shallow_book(0, 3.0, 1.0), read(0), book(1000, BIDS, ASKS)]
    good = shallow_book(1000, 1.0, 1.0)
    bad: list[tuple[Json, str]] = [
        ({**good, "bids": [[100.2, 1.0]]}, "crossed_book"),
        ({**good, "bids": [[0.0, 1.0]]}, "out_of_range"),
        ({**good, "asks": [[100.01, -1.0]]}, "out_of_range"),
        ({**good, "asks": [[100.02, 1.0], [100.01, 1.0]]}, "out_of_range"),
        ({**good, "asks": [[1e16, 1.0]]}, "out_of_range"),
        ({**good, "bids": [[99.0, "nan"]]}, "non_finite"),
        ({**good, "t_ms": 999}, "time_reversed"),
        (read(999), "time_reversed"),
        ({"step": "book", "t_ms": 1000, "bids": []}, "missing_field"),
        ({**read(1000), "mid": 100.0}, "unknown_field"),
    ]
    demand_each_rejected(bench, "book", bad, before, read(3000))
