"""Steps of phases 5 to 8 as the checks write them, and ways to read what reached the filter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from quotemark.messages import Json, Rejected
from quotemark.suite.bench import Bench
from quotemark.suite.market import ALL_PHASES, MID, cycle, gates, signal

Levels = Sequence[tuple[float, float]]
"""Levels as (distance from mid in bp, contracts), nearest first."""

FLOW_OFF: Json = {"flow_sensitivity": 0.0}
"""Flow stays silent, so that other sources are seen alone."""

CALIBRATED: Json = {"calibration": "calibrated"}

TAPED: Json = {**gates(1, 2, 3, 4, 8), **FLOW_OFF}
"""Phase 8 on top of the first four, with flow silent."""

NEEDS_Z = ("z_bps_per_s", "variance")
"""Fields of a single-source component's observation of the drift."""

PLAN: Json = {"calibration": "plan", **FLOW_OFF}
"""The calibration whose constants stand in the plan, in the engine."""


def read(t_ms: int) -> Json:
    """Read a component at ``t_ms``."""
    return {"step": "read", "t_ms": t_ms}


def book(t_ms: int, bids: Levels, asks: Levels, mid: float = MID) -> Json:
    """Return a book by distances from ``mid``; its own mid is ``mid`` if both sides start alike."""
    return {
        "step": "book",
        "t_ms": t_ms,
        "bids": [[mid * (1.0 - distance / 1e4), size] for distance, size in bids],
        "asks": [[mid * (1.0 + distance / 1e4), size] for distance, size in asks],
    }


def shallow_book(t_ms: int, bid_size: float, ask_size: float) -> Json:
    """Return a book of one level a side, 1 bp from mid: it has BIM(10) and nothing else."""
    return book(t_ms, [(1.0, bid_size)], [(1.0, ask_size)])


def funding(t_ms: int, rate: str, interval_s: float = 3600.0) -> Json:
    """Return a funding reading; the rate is text, as a feed gives it."""
    return {"step": "funding", "t_ms": t_ms, "rate": rate, "interval_s": interval_s}


def funding_after_zeros(rate: str, zeros: int = 9, t_ms: int = 0) -> list[Json]:
    """Return funding readings of 0, then ``rate``.

    n readings, the last r, the others 0: the EWMA of weight 0.1 is 0.1 r, the mean square about it
    (0.01 (n - 1) + 0.81) r^2 / n, so with n = 10 the zscore is 0.9/0.3 = 3 exactly.
    """
    return [*[funding(t_ms, "0")] * zeros, funding(t_ms, rate)]


def reference_price(t_ms: int, source: str, price: float) -> Json:
    """Return a price of another market."""
    return {"step": "reference_price", "t_ms": t_ms, "source": source, "price": price}


def open_interest(t_ms: int, contracts: float) -> Json:
    """Return an open interest reading."""
    return {"step": "open_interest", "t_ms": t_ms, "contracts": contracts}


def own_fill(t_ms: int, side: str, size: float, levels_crossed: int = 1) -> Json:
    """Return an own fill that, without a book before it, knows no mid: it is no observation."""
    return {
        "step": "fill",
        "t_ms": t_ms,
        "side": side,
        "price": MID,
        "size": size,
        "levels_crossed": levels_crossed,
    }


def alternating_fills(size: float) -> list[Json]:
    """Return twenty own fills of one size, by turns of the sides, which know no mid."""
    return [own_fill(0, "buy", size), own_fill(0, "sell", size)] * 10


def spot_at(basis_bps: float, mid: float = MID) -> float:
    """Spot price at which the basis of ``mid`` is this."""
    return mid / (1.0 + basis_bps / 1e4)


def cycles(count: int, t_ms: int = 0, mid: float = MID) -> list[Json]:
    """Return cycles at one instant, between which nothing decays."""
    return [cycle(t_ms, mid)] * count


def at_drift(mean: float, variance: float) -> tuple[list[Json], Json]:
    """Steps and configuration that bring the filter to N(mean, variance), one cycle later.

    A prior of twice the variance meets a signal of as much noise and twice the mean.
    """
    observed = signal(0, 2.0 * mean, 2.0 * variance)
    return [observed, cycle(0)], {"prior_variance": 2.0 * variance}


def quoting(observations: Iterable[Json]) -> list[Json]:
    """Observations of the cycles among ``observations``."""
    return [observed for observed in observations if "bids" in observed]


def sources(observed: Json) -> list[str]:
    """Sources that reached the filter up to a cycle, in order."""
    return [reading["source"] for reading in observed["drift_observations"]]


def reading_of(bench: Bench, observed: Json, source: str) -> Json:
    """The one observation of ``source`` that reached the filter up to a cycle."""
    found: list[Json] = [
        reading for reading in observed["drift_observations"] if reading["source"] == source
    ]
    bench.demand(f"{source} reaches the filter once", len(found) == 1, sources(observed))
    return found[0]


def demand_reading(
    bench: Bench, observed: Json, source: str, z_bps_per_s: float, variance: float
) -> None:
    """Demand that ``source`` reached the filter once, with this z and R."""
    reading = reading_of(bench, observed, source)
    bench.demand_close(f"z of {source}", z_bps_per_s, reading["z_bps_per_s"])
    bench.demand_close(f"R of {source}", variance, reading["variance"])


def demand_observation(
    bench: Bench, what: str, observed: Json, z_bps_per_s: float, variance: float
) -> None:
    """Demand this z and R of a single-source component."""
    bench.demand(f"an observation, {what}", observed["z_bps_per_s"] is not None, observed)
    bench.demand_close(f"z, {what}", z_bps_per_s, observed["z_bps_per_s"])
    bench.demand_close(f"R, {what}", variance, observed["variance"])


def demand_none(bench: Bench, what: str, observed: Json) -> None:
    """Demand that a single-source component gives no observation."""
    bench.demand(f"no observation, {what}", observed["z_bps_per_s"] is None, observed)
    bench.demand(f"no variance, {what}", observed["variance"] is None, observed)


def demand_gate(bench: Bench, phase: int, active: Sequence[int], inert: Sequence[int]) -> None:
    """Demand that ``phase`` is active where gates ``active`` are on, and inert where ``inert``."""
    for phases, is_active in ((active, True), (inert, False)):
        seen = bench.cycle([cycle(0)], gates(*phases))
        said = (phase in seen["active_phases"], phase in seen["inert_phases"])
        what = "active" if is_active else "inert"
        bench.demand(
            f"phase {phase} is {what} of {phases}", said == (is_active, not is_active), seen
        )


def demand_each_rejected(
    bench: Bench,
    component: str,
    bad: Sequence[tuple[Json, str]],
    before: Sequence[Json],
    after: Json,
) -> None:
    """Demand that a component rejects each bad step with its code, and answers ``after`` alike."""
    for step, code in bad:
        bench.demand_rejected(component, step, code, before, after)


def demand_refused(
    bench: Bench, bad: Sequence[tuple[Json, str]], before: Sequence[Json], after: Json
) -> None:
    """Demand that the engine rejects each bad event, with all phases on and with new ones off.

    ``after``, a cycle, must quote bit for bit as if it had never come.
    """
    for config in (ALL_PHASES, gates(1, 2, 3, 4)):
        clean = bench.cycle([*before, after], config)
        for step, code in bad:
            *_, refused, last = bench.answer("engine", [*before, step, after], config)
            rejected = isinstance(refused, Rejected) and refused.code == code
            bench.demand(f"{step} is rejected as {code}", rejected, refused)
            untouched = getattr(last, "observation", None) == clean
            bench.demand(f"a rejected {step} changes nothing", untouched, last)


QUOTED = (
    "bids",
    "asks",
    "drift_bps_per_s",
    "drift_variance",
    "gamma_per_bps",
    "sigma_bps_per_sqrt_s",
    "skew_bps",
    "as_cost_bps",
    "touch_depths_bps",
    "expected_pnl_bps",
    "theta_per_s",
    "process_noise",
    "carry_bps",
    "funding_skew_bps",
    "drift_observations",
)
"""Fields that quote, as against those that only report what was read."""


def demand_same_quotes(
    bench: Bench, statement: str, one: Sequence[Json], other: Sequence[Json]
) -> None:
    """Demand two runs' cycles alike, bit for bit, in every figure that quotes."""
    pairs = zip(quoting(one), quoting(other), strict=True)
    for number, (observed, image) in enumerate(pairs):
        for name in QUOTED:
            same = observed.get(name) == image.get(name)
            found = (observed.get(name), image.get(name))
            bench.demand(f"{statement}: {name} of cycle {number}", same, found)


def demand_weak_sensor(
    bench: Bench,
    config: Json,
    source: str,
    steps: Sequence[Json],
    z_bps_per_s: float,
) -> None:
    """Demand that one reading meets mu -8 at P 8 as z with R = 260.

    A full-scale bearish one (z = -10) then makes the filter more bearish, a neutral one at most
    8/268 = 3 % less. ``steps`` end with the cycle that takes the reading, at the filter's instant.
    """
    before, filter_config = at_drift(-8.0, 8.0)
    seen = bench.cycle([*before, *steps], {**config, **filter_config})
    demand_reading(bench, seen, source, z_bps_per_s, 260.0)
    expected = -8.0 + 8.0 / 268.0 * (z_bps_per_s + 8.0)
    bench.demand_close(f"drift after {source} of {z_bps_per_s}", expected, seen["drift_bps_per_s"])
