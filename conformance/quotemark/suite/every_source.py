"""Every source in one engine: tiers, order, weight, mirror symmetry, and the whole together."""

from __future__ import annotations

import math
import random
from typing import Any

from quotemark.messages import Json, Rejected
from quotemark.suite.bench import Bench
from quotemark.suite.market import ALL_PHASES, MID, cycle, gates, signal, trade, trades
from quotemark.suite.market_features import (
    FLOW_OFF,
    TAPED,
    alternating_fills,
    book,
    cycles,
    demand_reading,
    demand_weak_sensor,
    funding,
    funding_after_zeros,
    open_interest,
    own_fill,
    quoting,
    reference_price,
    shallow_book,
    sources,
    spot_at,
)
from quotemark.suite.register import check
from quotemark.suite.whole_market import whole_market

# --- tiers and order --------------------------------------------------------------------------


def every_source_session(count: int) -> list[Json]:
    """Cycles at one instant in which every source has something to say once it is warm."""
    large = [own_fill(0, "buy", 0.15)] * 10
    steps = [*alternating_fills(0.05), *large, *funding_after_zeros("0.001")]
    steps += [*trades("sell", every_ms=0), shallow_book(0, 1000.0, 3000.0)]
    leader, mid = 9000.0, MID
    for number in range(count):
        move_bps = 10.0 if number % 2 else -10.0
        leader, mid = leader * math.exp(move_bps / 1e4), mid * math.exp(0.5 * move_bps / 1e4)
        steps += [
            reference_price(0, "leader", leader),
            reference_price(0, "spot", spot_at(float(number % 7), mid)),
            open_interest(0, 1000.0 + number),
            signal(0, -1.0, 400.0),
            cycle(0, mid),
        ]
    return steps


WARM = ["hawkes", "fill_size", "basis"]
COLD = ["lead", "funding", "open_interest"]


@check("engine", "D-41", "D-36", needs=("drift_observations", "composite_parts"))
def every_source_has_its_tier_and_its_place(bench: Bench) -> None:
    """Signal, flow and composite in every cycle, warm ones in each second, cold in each fifth.

    Cycles 20 to 30 are seen, where all are warm; a cycle of both tiers takes warm ones first.
    """
    config = {**gates(1, 2, 3, 4, 6, 7, 8), "alpha_open_interest": 1.0}
    seen = quoting(bench.observe("engine", every_source_session(31), config))
    for number in range(20, 31):
        expected = ["signal:momentum", "flow", "composite"]
        expected += WARM if number % 2 == 0 else []
        expected += COLD if number % 5 == 0 else []
        got = sources(seen[number])
        bench.demand(f"cycle {number} takes {expected}", got == expected, got)


@check("engine", "D-36", needs=("drift_observations",))
def cycle_0_runs_every_tier(bench: Bench) -> None:
    """Hawkes and funding, known before the first cycle, are taken by it; not by the second."""
    steps = [*trades("sell", every_ms=0), *funding_after_zeros("0.001"), *cycles(2)]
    config = {**gates(1, 2, 3, 4, 6, 8), **FLOW_OFF}
    first, second = quoting(bench.observe("engine", steps, config))
    bench.demand("cycle 0 takes both", sources(first) == ["hawkes", "funding"], sources(first))
    bench.demand("cycle 1 takes neither", sources(second) == [], sources(second))
    every = {**config, "warm_every_cycles": 3, "cold_every_cycles": 4}
    seen = quoting(bench.observe("engine", [*steps, *cycles(3)], every))
    taken = [sources(observed) for observed in seen]
    expected = [["hawkes", "funding"], [], [], ["hawkes"], ["funding"]]
    bench.demand("other tiers, other cycles", taken == expected, taken)


@check("engine", "D-36", "D-03")
def a_rejected_cycle_does_not_count(bench: Bench) -> None:
    """Cycle 0, one that comes too late, then cycle 1: not a warm one, so the cluster waits."""
    bench.require(8)
    start = [cycle(100), *trades("sell", start_ms=100, every_ms=0)]
    config = {**TAPED, "tick_size": 1e-6}
    plain = bench.observe("engine", [*start, cycle(100), cycle(100)], config)
    answers = bench.answer("engine", [*start, cycle(99), cycle(100), cycle(100)], config)
    refused = isinstance(answers[-3], Rejected)
    bench.demand("a cycle that comes too late is rejected", refused, answers[-3])
    counted = [getattr(answer, "observation", None) for answer in answers[-2:]]
    bench.demand("the cycles after them quote as without", counted == plain[-2:], counted)
    waits = plain[-2]["bids"] != plain[-1]["bids"]
    bench.demand("the cluster enters at cycle 2, not 1", waits, plain[-1])


ARRIVALS = ("fill", "trend")


@check(
    "engine",
    "D-41",
    "D-04",
    needs=(
        "drift_observations",
        "drift_bps_per_s",
        "drift_variance",
        "theta_per_s",
        "process_noise",
    ),
)
def pushes_add_up_to_the_drift(bench: Bench) -> None:
    """A seeded market with every phase on, replayed from its own observations alone.

    Fills and trends act before the cycle's predict, the rest after it; each gain is P/(P + R),
    each push gain (z - mu), P never below 2 after one.
    """
    steps = whole_market(bench.seed, 60)
    mean, p, last_ms = 0.0, 50.0, None
    for step, observed in zip(steps, bench.observe("engine", steps, ALL_PHASES), strict=True):
        if "bids" not in observed:
            continue
        taken: list[Json] = observed["drift_observations"]
        arrived = [reading for reading in taken if reading["source"] in ARRIVALS]
        bench.demand("arrivals come first", taken[: len(arrived)] == arrived, sources(observed))
        mean, p = _replayed(bench, arrived, mean, p)
        dt_s = 0.0 if last_ms is None else (step["t_ms"] - last_ms) / 1000.0
        theta, noise = observed["theta_per_s"], observed["process_noise"]
        decay = math.exp(-theta * dt_s)
        mean, p = mean * decay, p * decay**2 + noise / (2.0 * theta) * (1.0 - decay**2)
        mean, p = _replayed(bench, taken[len(arrived) :], mean, p)
        bench.demand_close("drift", mean, observed["drift_bps_per_s"])
        bench.demand_close("P", p, observed["drift_variance"])
        last_ms = step["t_ms"]


def _replayed(bench: Bench, taken: list[Json], mean: float, p: float) -> tuple[float, float]:
    """Posterior after ``taken``, each of whose gains and pushes must be the filter's."""
    for reading in taken:
        gain = p / (p + reading["variance"])
        push = gain * (reading["z_bps_per_s"] - mean)
        bench.demand_close(f"gain of {reading['source']}", gain, reading["gain"])
        bench.demand_close(f"push of {reading['source']}", push, reading["push_bps_per_s"])
        mean, p = mean + push, max(2.0, (1.0 - gain) * p)
    return mean, p


@check("engine", "D-41", needs=("drift_observations",))
def observations_are_named_by_their_source(bench: Bench) -> None:
    """A trend and a priced fill in the order of their arrival, then held signals, by name."""
    fill = {**own_fill(0, "buy", 0.1), "mid": MID}
    trend: Json = {
        "step": "trend",
        "t_ms": 0,
        "magnitude_bps": 3.0,
        "agreement": 1.0,
        "p_continuation": 0.5,
    }
    held = [signal(0, -2.0, 9.0, "belief"), signal(0, 1.0, 9.0)]
    seen = bench.cycle([held[0], trend, fill, held[1], cycle(0)], gates(1, 2, 3, 4))
    expected = ["trend", "fill", "signal:belief", "signal:momentum"]
    bench.demand(f"sources are {expected}", sources(seen) == expected, sources(seen))
    demand_reading(bench, seen, "trend", -1.5, 4.0)


# --- weight -----------------------------------------------------------------------------------


NOT_SENSORS = ("fill", "trend", "signal:momentum", "composite")


@check("engine", "D-45", needs=("drift_observations", "composite_parts"))
def every_calibrated_source_is_a_weak_sensor(bench: Bench) -> None:
    """On a seeded market no source says more than 10 bp/s, nor less noisily than R = 260."""
    config = {**ALL_PHASES, "alpha_open_interest": 1.0}
    said: set[str] = set()
    for observed in quoting(bench.observe("engine", whole_market(bench.seed, 80), config)):
        single = [
            reading
            for reading in observed["drift_observations"]
            if reading["source"] not in NOT_SENSORS
        ]
        for reading in (*single, *observed["composite_parts"]):
            said.add(reading["source"])
            weak = abs(reading["z_bps_per_s"]) <= 10.0 and reading["variance"] >= 260.0
            bench.demand(f"{reading['source']} is a weak sensor", weak, reading)
    bench.demand("most sources spoke", len(said) >= 8, sorted(said))


@check(
    "engine",
    "D-45",
    "P8.test_fill_size_shift_large_bids_bearish",
    needs=("drift_bps_per_s", "drift_observations"),
)
def warm_and_cold_sources_are_weak_sensors(bench: Bench) -> None:
    """Mu -8 at P 8 meets one reading of each, full-scale bearish and neutral, at cycle 2 to 5."""
    sells, buys = trades("sell", 20, every_ms=0), trades("buy", 20, every_ms=0)
    for burst, z_bps_per_s in ((sells, -10.0), ([*sells, *buys], 0.0)):
        demand_weak_sensor(bench, TAPED, "hawkes", [cycle(0), *burst, cycle(0)], z_bps_per_s)
    sharp = {**TAPED, "fill_size_window": 1, "fill_size_weight": 0.01}
    large = [cycle(0), *alternating_fills(0.1), own_fill(0, "buy", 0.3), cycle(0)]
    demand_weak_sensor(bench, sharp, "fill_size", large, -10.0)
    for basis_bps, z_bps_per_s in ((-10.0, -10.0), (0.0, 0.0)):
        spots = [reference_price(0, "spot", spot_at(basis)) for basis in (0.0, basis_bps)]
        steps = [cycle(0), spots[0], *cycles(2), spots[1], cycle(0)]
        demand_weak_sensor(bench, TAPED, "basis", steps, z_bps_per_s)
    funded = {**gates(1, 2, 3, 4, 6), **FLOW_OFF, "funding_history": 100}
    for rates, z_bps_per_s in (
        (funding_after_zeros("0.001", 99), -10.0),
        ([funding(0, "0.0001")] * 3, 0.0),
    ):
        steps = [*cycles(4), *rates, cycle(0)]
        demand_weak_sensor(bench, funded, "funding", steps, z_bps_per_s)


@check("engine", "D-45", "D-35", needs=("drift_bps_per_s", "drift_observations"))
def open_interest_is_a_weak_sensor(bench: Bench) -> None:
    """Mu -8 at P 8 meets +1 % while the mid falls, and while it stands, at cycle 10."""
    config = {**TAPED, "alpha_open_interest": 1.0}
    grown = [*cycles(4), open_interest(0, 1000.0), *cycles(5), open_interest(0, 1010.0)]
    for mid, z_bps_per_s in ((99.9, -10.0), (MID, 0.0)):
        steps = [*grown, cycle(0, mid)]
        demand_weak_sensor(bench, config, "open_interest", steps, z_bps_per_s)


# --- mirror symmetry --------------------------------------------------------------------------


@check("engine", "D-28", "D-23", "D-32", "D-34", "D-45")
def the_mirror_image_of_every_source_is_quoted_alike(bench: Bench) -> None:
    """Bull and bear exchanged at a constant mid, funding negated: depths and sizes change sides."""
    bench.require(6, 7, 8)
    steps = _mirrorable_market(bench.seed, 50)
    image = [_mirror_image(step) for step in steps]
    for calibration in ("plan", "calibrated"):
        config = {**ALL_PHASES, "tick_size": 1e-7, "calibration": calibration}
        pairs = zip(
            quoting(bench.observe("engine", steps, config)),
            quoting(bench.observe("engine", image, config)),
            strict=True,
        )
        for one, other in pairs:
            _demand_mirrored(bench, one["bids"], other["asks"])
            _demand_mirrored(bench, one["asks"], other["bids"])


def _demand_mirrored(bench: Bench, quotes: list[Any], images: list[Any]) -> None:
    bench.demand("as many levels rest in the mirror", len(quotes) == len(images), (quotes, images))
    for quote, image in zip(quotes, images, strict=True):
        distance = abs(quote["price"] - MID) - abs(image["price"] - MID)
        bench.demand("depths are mirrored", abs(distance) < 2.5e-7, (quote, image))
        bench.demand_close("sizes are mirrored", quote["size"], image["size"])


def _mirrorable_market(seed: int, count: int) -> list[Json]:
    """Return a seeded market at a constant mid: books, sweeps, clusters, basis, funding."""
    rng = random.Random(seed)
    steps: list[Json] = []
    t_ms = 0
    for number in range(count):
        t_ms += rng.choice((0, 500, 6450))
        bids, asks = ([(1.0, rng.uniform(1.0, 900.0)), (50.0, 90.0)] for _ in range(2))
        steps += [book(t_ms, bids, asks), reference_price(t_ms, "spot", rng.uniform(99.9, 100.1))]
        steps += [trade(t_ms, rng.choice(("buy", "sell"))) for _ in range(rng.choice((0, 3, 25)))]
        side = "buy" if number % 2 else "sell"
        filled = own_fill(t_ms, side, rng.uniform(0.1, 0.9), rng.randrange(1, 4))
        steps.append({**filled, "price": rng.uniform(99.9, 100.1)})
        if number % 5 == 0:
            steps.append(funding(t_ms, repr(rng.gauss(0.0, 3e-4))))
        steps.append(cycle(t_ms))
    return steps


def _mirror_image(step: Json) -> Json:
    """Return a step of that market with bull and bear exchanged."""
    match step["step"]:
        case "book":
            bids, asks = (
                [[2.0 * MID - price, size] for price, size in step[side]]
                for side in ("asks", "bids")
            )
            return {**step, "bids": bids, "asks": asks}
        case "trade" | "fill":
            side = "sell" if step["side"] == "buy" else "buy"
            return {**step, "side": side, "price": 2.0 * MID - step["price"]}
        case "reference_price":  # the spot whose basis is the opposite: mid/spot - 1 negated
            return {**step, "price": MID / (2.0 - MID / step["price"])}
        case "funding":
            return {**step, "rate": repr(-float(step["rate"]))}
    return step


# --- the whole --------------------------------------------------------------------------------


@check("engine", "Q-02", "D-41")
def every_phase_runs_together(bench: Bench) -> None:
    """A seeded session with all eight gates on: no step is refused, every figure is finite."""
    for calibration in ("plan", "calibrated"):
        config = {**ALL_PHASES, "calibration": calibration, "alpha_open_interest": 1.0}
        for observed in bench.observe("engine", whole_market(bench.seed, 80), config):
            finite = all(map(math.isfinite, _figures(observed)))
            bench.demand("every figure is finite", finite, observed)
        quoted = bench.cycle([cycle(0)], config)
        bench.demand("both sides rest at once", bool(quoted["bids"] and quoted["asks"]), quoted)


def _figures(value: Any) -> list[float]:  # noqa: ANN401 - any value that JSON has
    """Every number in an answer, and NaN for a text that stands for one that is not finite."""
    if isinstance(value, dict):
        return [figure for item in value.values() for figure in _figures(item)]
    if isinstance(value, list | tuple):
        return [figure for item in value for figure in _figures(item)]
    if value in ("nan", "inf", "-inf"):
        return [math.nan]
    return [value] if isinstance(value, int | float) else []
