"""Relations between sessions of one engine: what must be alike, and what must not grow.

No reference is asked. An engine is held against itself, so a relation that breaks names by itself
what is wrong. A session is told again with bull and bear exchanged, later, in other units, in
another order; or with more inventory, or a lower drift. Of the quote cycle whatever is declared is
compared, the quotes at least; components are compared figure by figure. An engine whose figures
never move is like itself in every way, so what is told must move them.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice, pairwise
from typing import Any

from quotemark.fuzz.components import MAKERS
from quotemark.messages import LEVEL_0_FIELDS, STEPS, Answer, Json, Ok, Rejected
from quotemark.suite.bench import Bench, Check, ViolationError
from quotemark.suite.compare import first_difference, is_close
from quotemark.suite.images import (
    CONTRACTS,
    DOLLARS,
    PRICES,
    later,
    mirrored,
    mirrored_market,
    mirrored_steps,
    quoted_mids,
    rescaled,
)
from quotemark.suite.market import (
    CYCLE_MS,
    GATES,
    MAX_POSITION,
    MID,
    at_position,
    cycle,
    observe,
    predict,
    signal,
    trade,
    trend,
)
from quotemark.suite.market_features import quoting, read, reference_price
from quotemark.suite.protocol_page import config_keys
from quotemark.suite.register import check
from quotemark.suite.whole_market import known_steps, whole_market

CYCLES = 32
"""Enough for a lead, which needs twenty returns, in two cold cycles."""
WALKS = 2
WALK_STEPS = 40
TICK: Json = {"tick_size": 2.0**-20}
"""Fine enough to see a millionth of a bp or so, and a power of two."""

SENSORS = ("flow", "funding", "book", "sweep", "hawkes", "fill_size", "cross_venue")
CONFIGS: dict[str, tuple[Json, ...]] = {
    **dict.fromkeys(SENSORS, ({}, {"calibration": "calibrated"})),
    "open_interest": (
        {"alpha_open_interest": 1.0},
        {"alpha_open_interest": 1.0, "calibration": "calibrated"},
    ),
}
"""Configurations of the components that say more in one other than their default."""

Session = tuple[Sequence[Json], Json]
"""Steps and configuration."""


def component_sessions(seed: int, component: str) -> list[Session]:
    """Return seeded walks of a component, under each of its configurations."""
    walks = (MAKERS[component](random.Random(f"{seed}/{component}/{n}")) for n in range(WALKS))
    steps = [list(islice(walk, WALK_STEPS)) for walk in walks]
    return [(walk, config) for walk in steps for config in CONFIGS.get(component, ({},))]


def market(bench: Bench) -> list[Json]:
    """Return a seeded market from the time 0 on, with estimates of the desk beside it."""
    steps = [cycle(0), *whole_market(bench.seed, CYCLES)]
    rng = random.Random(bench.seed)
    names = ("kappa_bid_per_bps", "kappa_ask_per_bps", "time_horizon_s")
    for place in range(len(steps) - 1, 0, -50):
        values = {name: rng.uniform(0.05, 0.4) for name in rng.sample(names, 2)}
        steps.insert(place, {"step": "estimate", "t_ms": steps[place]["t_ms"], **values})
    return known_steps(steps, bench.phases)


def market_sessions(bench: Bench) -> list[Session]:
    """Return that market with all phases of the engine, in both calibrations."""
    every: Json = {**bench.gates(*GATES), **TICK}
    if 8 in bench.phases:
        every["alpha_open_interest"] = 50.0
    steps = market(bench)
    return [(steps, config) for config in (every, {**every, "calibration": "plan"})]


def legacy_sessions(bench: Bench) -> list[Session]:
    """Return the same market with every gate off, in both variants, and with the filter off."""
    steps = market(bench)
    off = (bench.gates(), bench.gates(variant="deployed"), bench.gates(1, 2, 3))
    return [(steps, {**gates, **TICK}) for gates in off]


def demand_movement(bench: Bench, observations: Iterable[Json]) -> None:
    """Demand that what is observed is not the same throughout."""
    seen = [observed for observed in observations if observed]
    moved = any(observed != seen[0] for observed in seen)
    bench.demand("figures move with what is told", moved, seen[0] if seen else "none")


def observed_in(answers: Iterable[Answer]) -> list[Json]:
    """Return the observations of the steps that were accepted."""
    return [answer.observation for answer in answers if isinstance(answer, Ok)]


@dataclass(frozen=True, slots=True)
class Image:
    """A session told again: how, and what an observation becomes by it."""

    how: str
    session: Session
    of: Callable[[Json], Json]


def demand_images(bench: Bench, component: str, told: Session, images: Iterable[Image]) -> None:
    """Demand that a session told again is answered by the images of its answers."""
    fields = bench.identity.fields[component]
    answers = bench.answer(component, *told)
    demand_movement(bench, observed_in(answers))
    for image in images:
        pairs = zip(answers, bench.answer(component, *image.session), strict=True)
        for number, (answer, got) in enumerate(pairs):
            expected = Ok(image.of(answer.observation)) if isinstance(answer, Ok) else answer
            difference = first_difference(expected, got, fields)
            if difference is not None:
                place = f"step {number + 1}, {told[0][number]}"
                raise ViolationError(f"told again {image.how}: {difference}; at {place}")


# --- mirror -----------------------------------------------------------------------------------

MIRRORED_PRICES = ("drift", "book", "cross_venue", "volatility")
"""Components whose steps have prices that the mirror moves."""

ROUNDING_BPS = 1e-9
"""What mirrored prices may add: each is rounded to 1e-16 of itself, 1e-12 bp, and a lead is what a
regression of dozens of them leaves."""


@check("engine", "M-mirror")
def the_mirror_image_of_a_market_is_quoted_alike(bench: Bench) -> None:
    """Bull and bear exchanged, log-returns negated: depths and sizes change sides."""
    for session in market_sessions(bench):
        _demand_mirrored_market(bench, session)


@check("engine", "M-mirror")
def the_legacy_path_is_mirrored_too(bench: Bench) -> None:
    """The same with every gate off, in both variants, and with the filter alone off."""
    for session in legacy_sessions(bench):
        _demand_mirrored_market(bench, session)


def _demand_mirrored_market(bench: Bench, session: Session) -> None:
    steps, config = session
    image = mirrored_market(steps)
    quoted = quoting(bench.observe("engine", steps, config))
    demand_movement(bench, quoted)
    mirror = quoting(bench.observe("engine", image, config))
    mids = zip(quoted_mids(steps), quoted_mids(image), strict=True)
    for number, (one, other, (mid, its_mid)) in enumerate(zip(quoted, mirror, mids, strict=True)):
        for side, its_side in (("bids", "asks"), ("asks", "bids")):
            quotes, images = _depths(one[side], mid), _depths(other[its_side], its_mid)
            # both sides round away from the mid, so that depths differ by a tick at most
            ticks_bps = config["tick_size"] / min(mid, its_mid) * 1e4
            alike = len(quotes) == len(images) and all(
                abs(depth_bps - its_depth_bps) <= ticks_bps + ROUNDING_BPS and is_close(size, its)
                for (depth_bps, size), (its_depth_bps, its) in zip(quotes, images, strict=True)
            )
            what = f"{side} of cycle {number} are the {its_side} of its mirror image"
            bench.demand(what, alike, f"(depth in bp, size) {quotes} and {images}; {config}")


def _depths(quotes: list[Any], mid: float) -> list[tuple[float, float]]:
    return [(abs(quote["price"] - mid) / mid * 1e4, quote["size"]) for quote in quotes]


def _is_mirrored(component: str) -> Check:
    rounding = ROUNDING_BPS if component in MIRRORED_PRICES else 0.0

    def is_mirrored(bench: Bench) -> None:
        for steps, config in component_sessions(bench.seed, component):
            answers = bench.answer(component, steps, config)
            demand_movement(bench, observed_in(answers))
            images = bench.answer(component, mirrored_steps(component, steps), config)
            for step, answer, got in zip(steps, answers, images, strict=True):
                expected = mirrored(_told(answer))
                alike = _are_alike(expected, _told(got), rounding)
                bench.demand(f"{step} in the mirror is {expected}", alike, got)

    is_mirrored.__name__ = f"{component}_is_mirrored"
    is_mirrored.__doc__ = f"Bull and bear exchanged in seeded steps of {component}."
    return is_mirrored


def _told(answer: Answer) -> Json:
    """Return what an answer says, without the words of a rejection."""
    if isinstance(answer, Ok):
        return answer.observation
    return {"rejected": answer.code if isinstance(answer, Rejected) else answer.reason}


def _are_alike(expected: Any, got: Any, rounding: float) -> bool:  # noqa: ANN401 - any JSON value
    if isinstance(expected, dict) and isinstance(got, dict):
        return expected.keys() == got.keys() and all(
            _are_alike(value, got[name], rounding) for name, value in expected.items()
        )
    if isinstance(expected, list | tuple) and isinstance(got, list | tuple):
        pairs = zip(expected, got, strict=False)
        return len(expected) == len(got) and all(_are_alike(*pair, rounding) for pair in pairs)
    if isinstance(expected, float) and isinstance(got, int | float):
        return is_close(expected, got) or abs(expected - got) <= rounding
    return bool(expected == got)


# --- time shift -------------------------------------------------------------------------------

SHIFTS_MS = (1_000_003_457, 1_800_000_007_919)
"""Eleven days, and the years since 1970; nothing round, with which a clock would be in step. Whole
milliseconds subtract without loss, so nothing but the usual tolerance is allowed; seconds as a
double would be 2e-7 s coarse by then."""


@check("engine", "M-time_shift")
def a_market_later_is_quoted_alike(bench: Bench) -> None:
    """Every step later by one and the same time: nothing else changes."""
    calibrated, _ = market_sessions(bench)
    _demand_the_same_later(bench, "engine", calibrated)


def _demand_the_same_later(bench: Bench, component: str, session: Session) -> None:
    steps, config = session
    images = [Image(f"{ms} ms later", (later(steps, ms), config), _as_it_was) for ms in SHIFTS_MS]
    demand_images(bench, component, session, images)


def _as_it_was(observation: Json) -> Json:
    return observation


def _is_the_same_later(component: str) -> Check:
    def is_the_same_later(bench: Bench) -> None:
        for session in component_sessions(bench.seed, component):
            _demand_the_same_later(bench, component, session)

    is_the_same_later.__name__ = f"{component}_is_the_same_later"
    is_the_same_later.__doc__ = f"Seeded steps of {component}, later: every figure is the same."
    return is_the_same_later


# --- unit scaling -----------------------------------------------------------------------------

UNITS = ((2.0**10, 2.0**-6), (2.0**-8, 2.0**10))
"""Factors of price and contracts. Every configured value stays within its range by them."""


def _in_units(bench: Bench, config: Json) -> Json:
    """Return those values of a configuration that have a unit of price, size or money."""
    keys = config_keys()
    return {
        name: value
        for name, value in config.items()
        if name in PRICES | CONTRACTS | DOLLARS and keys[name].phase in {None, *bench.phases}
    }


def _demand_rescaled(bench: Bench, component: str, session: Session) -> None:
    steps, given = session
    config = {**_in_units(bench, bench.effective_config(component, given)), **given}
    images = []
    for price, contracts in UNITS:
        rescale = partial(rescaled, price=price, contracts=contracts)
        how = f"with prices x{price:g} and sizes x{contracts:g}"
        images.append(Image(how, (list(map(rescale, steps)), rescale(config)), rescale))
    demand_images(bench, component, session, images)


@check("engine", "M-unit_scaling")
def a_market_in_other_units_is_quoted_alike(bench: Bench) -> None:
    """Prices with their tick, sizes with their limits, in other units: so are the quotes."""
    for session in market_sessions(bench):
        _demand_rescaled(bench, "engine", session)


@check("engine", "M-unit_scaling")
def the_legacy_path_in_other_units_is_quoted_alike(bench: Bench) -> None:
    """The same with every gate off."""
    documented, *_ = legacy_sessions(bench)
    _demand_rescaled(bench, "engine", documented)


def _is_the_same_in_other_units(component: str) -> Check:
    def is_the_same_in_other_units(bench: Bench) -> None:
        for session in component_sessions(bench.seed, component):
            _demand_rescaled(bench, component, session)

    is_the_same_in_other_units.__name__ = f"{component}_is_the_same_in_other_units"
    is_the_same_in_other_units.__doc__ = (
        f"Prices and sizes of seeded steps of {component} in other units: so are its figures."
    )
    return is_the_same_in_other_units


UNITLESS = ("glft", "hawkes", "adaptation", "funding")
"""Components without prices and sizes that count."""

for _component in MAKERS:
    check(_component, "M-mirror")(_is_mirrored(_component))
    if any("t_ms" in kind.__struct_fields__ for kind in STEPS[_component]):
        check(_component, "M-time_shift")(_is_the_same_later(_component))
    if _component not in UNITLESS:
        check(_component, "M-unit_scaling")(_is_the_same_in_other_units(_component))


# --- order ------------------------------------------------------------------------------------

FLOOR_OFF: Json = {"p_min": 0.0}
"""With the floor on, order matters: it acts after every single update (D-41)."""

REORDERED = (("trend",), ("signal",), ("trade",), ("reference_price",))
"""Kinds of events whose order at one instant is all the same, within each and among them."""


@check("engine", "M-order")
def events_of_an_instant_in_another_order_are_quoted_alike(bench: Bench) -> None:
    """Agreeing trends and signals, trades and prices of one instant, floor off, in any order."""
    rng = random.Random(bench.seed)
    instants = _instants(rng, 30)
    config = {**bench.gates(*GATES), **FLOOR_OFF, "tick_size": 2.0**-14}
    in_order = known_steps((step for instant in instants for step in instant), bench.phases)
    quoted = quoting(bench.observe("engine", in_order, config))
    demand_movement(bench, quoted)
    every = tuple(kind for kinds in REORDERED for kind in kinds)
    for kinds in (*REORDERED, every):
        shuffled = [step for instant in instants for step in _shuffled(rng, instant, kinds)]
        again = quoting(bench.observe("engine", known_steps(shuffled, bench.phases), config))
        for number, (one, other) in enumerate(zip(quoted, again, strict=True)):
            difference = first_difference(_quotes(one), _quotes(other), LEVEL_0_FIELDS)
            what = f"cycle {number} quotes alike with another order of {', '.join(kinds)}"
            bench.demand(what, difference is None, difference)


def _instants(rng: random.Random, count: int) -> list[list[Json]]:
    """Return what comes at each instant of a falling market, and a cycle at its end."""
    instants = []
    for number in range(count):
        t_ms = number * CYCLE_MS
        events: list[Json] = []
        for _ in range(6):
            events += [
                trend(t_ms, rng.uniform(0.5, 9.0), rng.uniform(0.2, 1.0), rng.random()),
                signal(t_ms, -rng.uniform(0.5, 9.0), rng.uniform(0.5, 90.0)),
                trade(t_ms, rng.choice(("buy", "sell", "sell")), rng.uniform(0.1, 9.0)),
            ]
        for source in ("mark", "index", "spot", "leader"):
            events.append(reference_price(t_ms, source, rng.uniform(99.9, 100.1)))
        instants.append([*events, cycle(t_ms, rng.uniform(99.9, 100.1))])
    return instants


def _shuffled(rng: random.Random, steps: Sequence[Json], kinds: Sequence[str]) -> list[Json]:
    """Return the steps with those of ``kinds`` in other places among themselves."""
    moved = [step for step in steps if step["step"] in kinds]
    rng.shuffle(moved)
    places = iter(moved)
    return [next(places) if step["step"] in kinds else step for step in steps]


def _quotes(observed: Json) -> Ok:
    """Return the quotes of a cycle alone: the trace of its observations is in their order."""
    return Ok(
        {
            side: [{"price": quote["price"], "size": quote["size"]} for quote in observed[side]]
            for side in ("bids", "asks")
        }
    )


@check("drift", "M-order", needs=("drift_bps_per_s", "variance"))
def the_posterior_knows_no_order(bench: Bench) -> None:
    """Agreeing observations, fills and trends of one instant, floor off: one posterior."""
    rng = random.Random(bench.seed)
    fill: Json = {"step": "fill", "side": "buy", "mid": MID, "sigma_bps_per_sqrt_s": 2.0}
    steps: list[Json] = []
    for _ in range(20):
        steps += [
            observe(-rng.uniform(0.5, 9.0), rng.uniform(0.5, 90.0)),
            {**fill, "price": rng.uniform(99.5, 100.0)},
            {
                "step": "trend",
                "magnitude_bps": rng.uniform(0.5, 9.0),
                "agreement": rng.uniform(0.2, 1.0),
                "p_continuation": rng.random(),
            },
        ]
    for _ in range(5):
        shuffled = _shuffled(rng, steps, ("observe", "fill", "trend"))
        in_order, again = (
            bench.observe("drift", [predict(0), *one, predict(CYCLE_MS)], FLOOR_OFF)
            for one in (steps, shuffled)
        )
        demand_movement(bench, in_order)
        expected, got = in_order[-1], again[-1]
        bench.demand("one posterior in any order", _are_alike(expected, got, 0.0), (expected, got))


def _has_no_order(component: str) -> Check:
    kinds = ("fill", "trade")

    def has_no_order(bench: Bench) -> None:
        rng = random.Random(bench.seed)
        for steps, config in component_sessions(bench.seed, component):
            instant = [{**step, "t_ms": 0} for step in steps if step["step"] in kinds]
            in_order, again = (
                bench.observe(component, [*one, read(CYCLE_MS)], config)
                for one in (instant, _shuffled(rng, instant, kinds))
            )
            demand_movement(bench, in_order)
            expected, got = in_order[-1], again[-1]
            bench.demand("the same in any order", _are_alike(expected, got, 0.0), (expected, got))

    has_no_order.__name__ = f"{component}_has_no_order_at_an_instant"
    has_no_order.__doc__ = f"Trades or fills of one instant, in another order, in {component}."
    return has_no_order


for _component in ("flow", "hawkes", "sweep"):
    check(_component, "M-order")(_has_no_order(_component))


# --- monotony ---------------------------------------------------------------------------------

SHARES = [number / 10.0 for number in range(-12, 13)]
"""Positions from beyond the limit, short, to beyond it, long."""


@check("engine", "M-monotony")
def more_inventory_leans_quotes_towards_less(bench: Bench) -> None:
    """The longer, the deeper bids or none, the closer asks; fewer bids, no fewer asks.

    At a fixed half-spread, where it is a law; a half-spread of gamma(q) may fall as gamma rises.
    """
    config = {**bench.gates(1, 2, 3), "base_half_spread_bps": 20.0, **TICK}
    _demand_leaning(bench, [bench.cycle([*at_position(u), cycle(0)], config) for u in SHARES])


@check("engine", "M-monotony")
def a_falling_drift_leans_quotes_down(bench: Bench) -> None:
    """The lower the drift, the deeper bids or none, the closer asks, flat and at 30 %."""
    config = {**bench.gates(1, 2, 3, 4), **TICK}
    for share in (0.0, 0.3, -0.3):
        falling = [
            bench.cycle([*at_position(share), signal(0, z, 1.0), cycle(0)], config)
            for z in range(12, -13, -1)
        ]
        _demand_leaning(bench, falling)


def _demand_leaning(bench: Bench, leaning: Sequence[Json]) -> None:
    """Demand that both sides never come up, bids never grow and asks never shrink."""
    demand_movement(bench, leaning)
    for before, after in pairwise(leaning):
        for side, gone in (("bids", -math.inf), ("asks", math.inf)):
            one, other = (
                seen[side][0]["price"] if seen[side] else gone for seen in (before, after)
            )
            bench.demand(f"{side} do not come up", other <= one, (one, other))
        bids, asks = (
            [sum(quote["size"] for quote in seen[side]) for seen in (before, after)]
            for side in ("bids", "asks")
        )
        bench.demand("bids do not grow", _is_falling(bids), bids)
        bench.demand("asks do not shrink", _is_falling(asks[::-1]), asks)


def _is_falling(figures: Sequence[float]) -> bool:
    """Whether no figure is above the one before it, but for rounding."""
    return all(after <= before or is_close(before, after) for before, after in pairwise(figures))


@check("inventory", "M-monotony", needs=("gamma_per_bps", "skew_bps"))
def gamma_and_skew_do_not_fall(bench: Bench) -> None:
    """Gamma with the size of the position, skew with the position, past the limit too."""
    step: Json = {"step": "position", "sigma_bps_per_sqrt_s": 2.0, "time_horizon_s": 2.0}
    steps = [{**step, "position": share * MAX_POSITION} for share in SHARES]
    for beta in (0.0, 7.0, 300.0):
        seen = bench.observe("inventory", steps, {"inventory_beta": beta})
        gammas = [observed["gamma_per_bps"] for observed in seen]
        skews = [observed["skew_bps"] for observed in seen]
        demand_movement(bench, seen)
        flat = len(SHARES) // 2
        bench.demand("gamma falls towards flat", _is_falling(gammas[: flat + 1]), gammas)
        bench.demand("gamma rises from flat", _is_falling(gammas[: flat - 1 : -1]), gammas)
        bench.demand("skew rises with the position", _is_falling(skews[::-1]), skews)


@check("expected_pnl", "M-monotony", needs=("expected_pnl_bps",))
def expected_pnl_at_a_depth_follows_position_and_drift(bench: Bench) -> None:
    """At a fixed depth, a bid earns no more the longer, and no less the higher the drift.

    An ask the other way round.
    """
    for level in islice(MAKERS["expected_pnl"](random.Random(bench.seed)), 30):
        positions = [{**level, "position": share * level["max_position"]} for share in SHARES]
        drifts = [{**level, "drift_bps_per_s": 4.0 * share} for share in SHARES]
        told = [bench.observe("expected_pnl", steps) for steps in (positions, drifts)]
        for seen in told:
            demand_movement(bench, seen)
        longer, rising = ([observed["expected_pnl_bps"] for observed in seen] for seen in told)
        if level["side"] == "ask":
            longer, rising = longer[::-1], rising[::-1]
        bench.demand(f"accumulating earns no more, {level}", _is_falling(longer), longer)
        bench.demand(f"the drift's side earns no less, {level}", _is_falling(rising[::-1]), rising)


@check("glft", "M-monotony", needs=("touch_depths_bps",))
def touch_depths_follow_drift_and_skew(bench: Bench) -> None:
    """A higher drift draws bids in and pushes asks out; a higher skew does the reverse."""
    for depths in islice(MAKERS["glft"](random.Random(bench.seed)), 30):
        for name in ("drift_bps_per_s", "skew_bps"):
            steps = [{**depths, name: 20.0 * share} for share in SHARES]
            seen = bench.observe("glft", steps)
            demand_movement(bench, seen)
            bids, asks = zip(*(observed["touch_depths_bps"] for observed in seen), strict=True)
            rising, falling = (asks, bids) if name == "drift_bps_per_s" else (bids, asks)
            bench.demand(f"one side's depth falls with {name}", _is_falling(falling), falling)
            bench.demand(f"the other's rises with {name}", _is_falling(rising[::-1]), rising)
