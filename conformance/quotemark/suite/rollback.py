"""Rollback: what a gate that is off falls back to, and gates that are inert."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from quotemark.messages import Json
from quotemark.suite.bench import Bench, Check
from quotemark.suite.market import (
    CYCLE_MS,
    GATES,
    PHASES_1_TO_4,
    at_position,
    cycle,
    gates,
    signal,
    switched_on,
    toxicity,
    trade,
    trades,
    trend,
)
from quotemark.suite.market_features import quoting
from quotemark.suite.protocol_page import config_keys
from quotemark.suite.register import check
from quotemark.suite.whole_market import known_steps, whole_market

FIXED_SPREAD: Json = {"base_half_spread_bps": 5.0, "tick_size": 1e-6}


def depth_bps(quotes: list[Json]) -> float:
    """Depth of the touch in bp of a mid of 100."""
    touch: float = quotes[0]["price"]
    return abs(touch - 100.0) * 1e2


@check("engine", "G-1", "D-39", "D-37")
def phase_1_off_clamps_the_drift(bench: Bench) -> None:
    """A drift of -16 bp/s moves the documented baseline's bid by 3 bp and no further."""
    config = {**bench.gates(2, 3), **FIXED_SPREAD}
    falling = bench.cycle([signal(0, -24.0, 50.0), cycle(0)], config)
    # -24/50 / (0.01 + 1/50) = -16; half of it over 2 s is -16 bp, clamped to -3
    bench.demand("the bid is 3 bp deeper", abs(depth_bps(falling["bids"]) - 8.0) < 1e-3, falling)
    deployed = bench.cycle(
        [signal(0, -24.0, 50.0), cycle(0)],
        {**bench.gates(2, 3, variant="deployed"), **FIXED_SPREAD},
    )
    bench.demand("deployed, the bid stays", abs(depth_bps(deployed["bids"]) - 5.0) < 1e-3, deployed)


@check("engine", "G-1", "Q-03", needs=("drift_bps_per_s", "drift_variance"))
def phase_1_off_is_the_conjugate_estimator(bench: Bench) -> None:
    """Mean = sum(z/v)/(0.01 + sum(1/v)), rebuilt each cycle; without signals x0.9."""
    steps = [signal(0, -6.0, 100.0), signal(0, -9.0, 50.0), cycle(0), cycle(1), cycle(2)]
    first, second, third = bench.observe("engine", steps, bench.gates(2, 3))[-3:]
    mean = (-6.0 / 100.0 - 9.0 / 50.0) / (0.01 + 1.0 / 100.0 + 1.0 / 50.0)
    bench.demand_close("drift", mean, first["drift_bps_per_s"])
    bench.demand_close("drift, a quiet cycle later", mean * 0.9, second["drift_bps_per_s"])
    bench.demand_close("drift, two later", mean * 0.81, third["drift_bps_per_s"])
    bench.demand_close("variance", 1.0 / (0.01 + 0.81 * 0.03), third["drift_variance"])
    reading = bench.cycle([trend(0, 10.0, 1.0, 0.9), cycle(0)], bench.gates(2, 3))
    bench.demand_close("drift from a trend", -9.0 / 3.0, reading["drift_bps_per_s"])


@check("engine", "G-2", "D-39", "Q-05", "D-37")
def phase_2_off_brings_the_zones_back(bench: Bench) -> None:
    """Yellow widens the accumulating side by 3 bp and halves sizes; Red empties it."""
    config = {**bench.gates(1, 3, variant="deployed"), **FIXED_SPREAD}
    sizes = {0.59: 0.695, 0.61: 0.3475, 0.79: 0.3475, 0.81: 0.2085, 1.0: 0.2085}
    for share, size in sizes.items():
        seen = bench.cycle([*at_position(share), cycle(0)], config)
        bench.demand_close(f"ask size at {share:.0%}", size, seen["asks"][0]["size"])
        rests = share < 0.8
        bench.demand(f"bids rest at {share:.0%}: {rests}", bool(seen["bids"]) == rests, seen)
    # exactly at the borders: 6 and 8 of 10
    round_limit = {**config, "max_position": 10.0}
    for held, size in ((6.0, 0.3475), (8.0, 0.2085)):
        seen = bench.cycle([{**at_position(1.0)[0], "size": held}, cycle(0)], round_limit)
        bench.demand_close(f"ask size at {held:g} of 10", size, seen["asks"][0]["size"])
        bench.demand(f"bids at {held:g} of 10", bool(seen["bids"]) == (held < 8.0), seen)
    documented = {**bench.gates(1, 3), **FIXED_SPREAD}
    below, above = (
        bench.cycle([*at_position(-share), cycle(0)], documented) for share in (0.5999, 0.6001)
    )
    # at 60 % short the gate has closed the asks; the bids show that only asks were widened
    jump = depth_bps(below["bids"]) - depth_bps(above["bids"])
    bench.demand("the reducing side is not widened", abs(jump) < 0.01, jump)


@check("engine", "G-2", needs=("touch_depths_bps", "gamma_per_bps"))
def phase_2_off_has_beta_3(bench: Bench) -> None:
    """Gamma at 80 % is 0.15 (1 + 3 x 0.64), and Red adds 10 bp to the accumulating side."""
    seen = bench.cycle([*at_position(0.8001), cycle(0)], {**bench.gates(1, 3), **FIXED_SPREAD})
    gamma = 0.15 * (1.0 + 3.0 * 0.8001**2)
    bench.demand_close("gamma", gamma, seen["gamma_per_bps"])
    skew = gamma * 4.0 * 0.8001 * 2.0
    bench.demand_close("depth of the bid", 5.0 + skew + 10.0, seen["touch_depths_bps"][0])


@check("engine", "G-3", "D-37", needs=("kappas_per_bps", "drift_bps_per_s"))
def phase_3_off_ignores_flow(bench: Bench) -> None:
    """Thirty sells change neither kappas nor drift."""
    seen = bench.cycle([*trades("sell"), cycle(3000)], bench.gates(1, 2))
    bench.demand_close("kappa of the bid", 0.1287, seen["kappas_per_bps"][0])
    bench.demand_close("drift", 0.0, seen["drift_bps_per_s"])


@check("engine", "G-3", "G-4", "D-37")
def inert_filter_changes_nothing(bench: Bench) -> None:
    """With a prerequisite off, the filter's gate makes no difference to any quote."""
    steps = _session()
    for phases in ((1, 2), (1, 3), (2, 3), (1,), ()):
        inert = bench.observe("engine", steps, gates(*phases, 4))
        without = bench.observe("engine", steps, gates(*phases))
        for one, other in zip(inert, without, strict=True):
            same = one.get("bids") == other.get("bids") and one.get("asks") == other.get("asks")
            bench.demand(f"gates {phases} and 4 quote as {phases}", same, one)


@check("engine", "D-37", needs=("active_phases", "inert_phases"))
def inert_gates_say_so(bench: Bench) -> None:
    """The filter needs phases 1, 2 and 3."""
    for phases, active, inert in (((1, 2, 3, 4), [1, 2, 3, 4], []), ((1, 3, 4), [1, 3], [4])):
        seen = bench.cycle([cycle(0)], gates(*phases))
        bench.demand(f"active of {phases}", seen["active_phases"] == active, seen)
        bench.demand(f"inert of {phases}", seen["inert_phases"] == inert, seen)


@check("engine", "G-4", "D-39", "D-37")
def phase_4_off_brings_the_gate_back(bench: Bench) -> None:
    """Reduce-only above half the limit, not at it; the deployed gate only logged."""
    for share, rests in ((0.49, True), (0.5001, False), (0.7, False)):
        seen = bench.cycle([*at_position(share), cycle(0)], bench.gates(1, 2, 3))
        bench.demand(f"bids rest at {share:.0%}: {rests}", bool(seen["bids"]) == rests, seen)
        bench.demand("asks rest", bool(seen["asks"]), seen)
    logged = bench.cycle([*at_position(0.7), cycle(0)], bench.gates(1, 2, 3, variant="deployed"))
    bench.demand("deployed, bids still rest at 70 %", bool(logged["bids"]), logged)


@check("engine", "G-4", "Q-07")
def phase_4_off_brings_toxicity_sizes_back(bench: Bench) -> None:
    """Up to 0.5 nothing; 0.7 takes sizes to 0.8, 1.0 to 0.5, by side; the filter ignores it."""
    for value, multiplier in ((0.5, 1.0), (0.7, 0.8), (1.0, 0.5)):
        seen = bench.cycle([toxicity(0, "bid", value), cycle(0)], bench.gates(1, 2, 3))
        bench.demand_close(f"bid at {value}", 0.695 * multiplier, seen["bids"][0]["size"])
        bench.demand_close("ask", 0.695, seen["asks"][0]["size"])
    filtered = bench.cycle([toxicity(0, "bid", 0.9), cycle(0)], PHASES_1_TO_4)
    bench.demand_close("bid with the filter on", 0.695, filtered["bids"][0]["size"])


@check("engine", "A-gates", seconds=0.6)
def every_gate_set_agrees(bench: Bench) -> None:
    """All sixteen sets of gates, in both variants, over a session that crosses every threshold."""
    steps = _session()
    for number in range(16):
        phases = [phase for phase in (1, 2, 3, 4) if number >> (phase - 1) & 1]
        for variant in ("documented", "deployed"):
            bench.agree("engine", steps, bench.gates(*phases, variant=variant))


@check("engine", "A-gates", "D-37", seconds=1.2, quick=False)
def every_closed_gate_set_agrees(bench: Bench) -> None:
    """The 36 sets of gates that hold all they need, and inert ones, over a market of all sources.

    An engine with fewer phases runs the sets that it can, over the events that it knows.
    """
    steps = known_steps(whole_market(bench.seed, 24), bench.phases)
    on_top = ((7,), (8,), (7, 8), (1, 4, 5), (1, 2, 3, 5, 6, 7))
    for phases in (*closed_gate_sets(), *on_top):
        if bench.phases.issuperset(phases):
            bench.agree("engine", steps, bench.gates(*phases))


NEEDS = {4: {1, 2, 3}, 5: {1, 2, 3, 4}, 6: {1, 2, 3, 4}, 7: {1}, 8: {1}}
"""What each phase needs, what that needs included (D-37)."""


def closed_gate_sets() -> list[tuple[int, ...]]:
    """Every set of phases that holds all that its members need."""
    sets = [
        tuple(phase for phase in range(1, 9) if number >> (phase - 1) & 1) for number in range(256)
    ]
    return [phases for phases in sets if all(NEEDS.get(one, set()) <= {*phases} for one in phases)]


def _leaves_no_trace(phase: int) -> Check:
    def leaves_no_trace(bench: Bench) -> None:
        bench.require(phase)
        others = [one for one in GATES if one != phase]
        before = [one for one in GATES if one < phase]
        steps = known_steps(whole_market(bench.seed, 20), bench.phases)
        _demand_no_trace_of_inactive_phases(bench, steps, bench.gates(*before))
        off = _demand_no_trace_of_inactive_phases(bench, steps, bench.gates(*others))
        on = quoting(bench.observe("engine", steps, bench.gates(*GATES)))
        moved = any(_sides(one) != _sides(other) for one, other in zip(on, off, strict=True))
        bench.demand(f"phase {phase} on moves the quotes of this market", moved, "the same quotes")

    leaves_no_trace.__name__ = f"phase_{phase}_off_leaves_no_trace_of_it"
    leaves_no_trace.__doc__ = (
        f"Without phase {phase}, beside all others and beside those before it alone, its parameters"
        " moved and what only it reads left out change no quote; with it, quotes are others."
    )
    return leaves_no_trace


for _phase in GATES:
    check("engine", f"G-{_phase}", "D-37")(_leaves_no_trace(_phase))


@check("engine", "D-37", "D-39")
def every_phase_off_leaves_the_baseline_alone(bench: Bench) -> None:
    """With every gate off, in both variants, no phase's parameter acts, nor what only it reads."""
    steps = known_steps(whole_market(bench.seed, 20), bench.phases)
    for variant in ("documented", "deployed"):
        _demand_no_trace_of_inactive_phases(bench, steps, bench.gates(variant=variant))


def _demand_no_trace_of_inactive_phases(
    bench: Bench, steps: Sequence[Json], config: Json
) -> list[Json]:
    """Demand that what only inactive phases read changes no quote; give the cycles seen."""
    on = {*switched_on(config)}
    active = {phase for phase in on if NEEDS.get(phase, set()) <= on}
    moved = {
        name: key.another_value
        for name, key in config_keys().items()
        if key.phase in bench.phases - active and not key.is_gate
    }
    seen = quoting(bench.observe("engine", steps, config))
    unread = quoting(bench.observe("engine", _read_by(active, steps), {**config, **moved}))
    for number, (one, other) in enumerate(zip(seen, unread, strict=True)):
        what = f"with phases {sorted(active)} alone, cycle {number} knows nothing of the others"
        bench.demand(what, _sides(one) == _sides(other), (_sides(one), _sides(other)))
    return seen


def _sides(observed: Json) -> list[list[tuple[float, float]]]:
    """Return price and size of the quotes of each side."""
    return [
        [(quote["price"], quote["size"]) for quote in observed[side]] for side in ("bids", "asks")
    ]


def _read_by(active: Collection[int], steps: Iterable[Json]) -> list[Json]:
    """Return the steps with nothing in them but what the active phases, or the old path, read."""
    readers = {"trade": {3, 8}, "funding": {6}, "open_interest": {8}, "reference_price": {8}}
    read = []
    for step in steps:
        match step:
            case {"step": name} if name in readers and readers[name].isdisjoint(active):
                continue
            case {"source": "toxicity_bid" | "toxicity_ask"} if 4 in active:
                continue
            case {"step": "fill"}:
                # the position is everyone's; where it filled is the drift's
                changed = {} if 7 in active else {"levels_crossed": 1}
                changed |= {} if 1 in active else {"price": step["price"] * 1.01}
                read.append({**step, **changed})
            case {"step": "book", "bids": bids, "asks": asks} if 7 not in active:
                touch = {"bids": [[bids[0][0], 1.0]], "asks": [[asks[0][0], 1.0]]}
                read.append({**step, **touch})
            case _:
                read.append(step)
    return read


def _session() -> list[Json]:
    """Accumulate from flat past the limit and back, through trends, signals, flow and toxicity."""
    steps: list[Json] = [toxicity(0, "bid", 0.6), toxicity(0, "ask", 0.2)]
    for number in range(24):
        t_ms = number * CYCLE_MS
        side = "buy" if number < 12 else "sell"
        steps += [
            trend(t_ms, 4.0 - number, 0.8, 0.6),
            *(trade(t_ms, "sell" if number % 3 else "buy", 0.5 + number) for _ in range(3)),
            {
                "step": "fill",
                "t_ms": t_ms,
                "side": side,
                "price": 99.99,
                "size": 0.777,
                "id": f"session-{number}",
                "mid": 100.0,
            },
        ]
        if number % 4:
            steps.append(signal(t_ms, 3.0 - number / 2.0, 120.0))
        steps.append(cycle(t_ms + 1000))
    return steps
