"""Bad input and extreme input: what is rejected, by which code, and that nothing else changes.

A session with bad steps among good ones is held against one of the good ones alone: every good step
must be answered bit for bit alike. And whatever the magnitude of what comes in, nothing but finite
numbers comes out, and quotes stay on their side of the mid and within the limit.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator, Sequence
from itertools import cycle, islice
from typing import Any

from quotemark import messages
from quotemark.fuzz.components import MAKERS
from quotemark.messages import STEPS, Answer, Json, Ok, Rejected, Step
from quotemark.suite.bad_input import GAP_MS, KNOWN_ID, Codes, bad_settings, spoils
from quotemark.suite.bench import Bench, Check, ViolationError
from quotemark.suite.compare import first_difference
from quotemark.suite.extremes import Extremes
from quotemark.suite.images import quoted_mids, rescaled
from quotemark.suite.market import GATES, MID, signal
from quotemark.suite.market_features import own_fill, read
from quotemark.suite.protocol_page import Key, config_keys
from quotemark.suite.register import check
from quotemark.suite.whole_market import known_steps, whole_market

COMPONENTS = (*MAKERS, "engine")

# --- bad steps --------------------------------------------------------------------------------

WARM_STEPS = 60
WARM_CYCLES = 24
GOOD_STEPS = 400
GOOD_CYCLES = 120
AHEAD_MS = 10 * GAP_MS
"""How far ahead of its time a bad step comes, unless its time is what is bad about it."""


def demand_rejections(
    bench: Bench, component: str, warm: Sequence[Json], good: Sequence[Json], config: Json
) -> None:
    """Demand a rejection of every bad step, and good steps answered as if there were none.

    After the steps ``warm``, each bad form of each kind of step in ``good`` comes once, just before
    the good one that it was made of.
    """
    marked = [*((step, ()) for step in warm), *_spoilt(component, warm, good)]
    answers = bench.answer(component, [step for step, _ in marked], config)
    clean = bench.answer(component, [step for step, codes in marked if not codes], config)
    undisturbed = iter(clean)
    bad: Json = {}
    for (step, codes), answer in zip(marked, answers, strict=True):
        if codes:
            bad = step
            _demand_refused(f"{component}: {bad}", answer, codes)
        elif answer != (expected := next(undisturbed)):
            difference = first_difference(expected, answer, bench.identity.fields[component])
            what = difference or "a figure in its last digit"
            raise ViolationError(f"a rejected {bad} changed the state: {step} then differs, {what}")


def _demand_refused(what: str, answer: object, codes: Codes) -> None:
    if not isinstance(answer, Rejected) or answer.code not in codes:
        raise ViolationError(f"{what}: expected rejected {' or '.join(codes)}, got {answer}")


def _spoilt(
    component: str, warm: Sequence[Json], good: Sequence[Json]
) -> Iterator[tuple[Json, Codes]]:
    """Return bad steps with the codes that may answer them, and good ones without codes.

    Between a bad step and the good one that it was made of, which might hide its traces, comes one
    that shows them.
    """
    t_ms = max((step.get("t_ms", 0) for step in warm), default=0)
    for kind in STEPS[component]:
        own = [step for step in good if step["step"] == kind.__struct_config__.tag]
        for number, (step, (spoil, codes)) in enumerate(
            zip(cycle(own), spoils(kind), strict=False)
        ):
            t_ms += GAP_MS
            right = {**step, **({"t_ms": t_ms} if "t_ms" in step else {})}
            right |= {"id": f"good-{number}"} if kind is messages.Fill else {}
            wrong = spoil(right)
            if wrong.get("t_ms") == t_ms:
                wrong["t_ms"] += AHEAD_MS
            if component == "engine":
                yield signal(t_ms, 1.0 + number % 7, 90.0), ()
            yield wrong, codes
            yield from ((probe, ()) for probe in _probes(component, t_ms))
            yield right, ()


def _probes(component: str, t_ms: int) -> list[Json]:
    """Return a step that looks at a component's state and brings nothing new, if there is one."""
    if component == "engine":
        return [{"step": "cycle", "t_ms": t_ms}]
    if component == "cross_venue":
        return [{"step": "read", "mid": MID}]
    return [read(t_ms)] if messages.Read in STEPS[component] else []


def _is_whole(step: Json) -> bool:
    """Whether a step has all that is spoilt: a book both of its sides, a signal its variance."""
    if step["step"] == "book":
        return bool(step["bids"] and step["asks"]) and step["bids"][0][0] < step["asks"][0][0]
    return step["step"] != "signal" or "variance" in step


def _rejects_bad_steps(component: str) -> Check:
    def rejects_bad_steps(bench: Bench) -> None:
        walk = MAKERS[component](random.Random(f"{bench.seed}/{component}"))
        warm = list(islice(walk, WARM_STEPS))
        good = [step for step in islice(walk, GOOD_STEPS) if _is_whole(step)]
        demand_rejections(bench, component, warm, good, {})

    rejects_bad_steps.__name__ = f"{component}_rejects_bad_steps"
    rejects_bad_steps.__doc__ = (
        f"Each field of each step of {component} absent, not finite, of another kind and out of"
        " range, and each step whole but wrong: one code each, and nothing changes."
    )
    return rejects_bad_steps


def _demand_engine_rejections(bench: Bench, good: Iterable[Json], config: Json) -> None:
    known = {**own_fill(0, "buy", 0.1), "id": KNOWN_ID}
    warm = [known, *known_steps(whole_market(bench.seed, WARM_CYCLES), bench.phases)]
    whole = [step for step in known_steps(good, bench.phases) if _is_whole(step)]
    demand_rejections(bench, "engine", warm, whole, {**config, "tick_size": 1e-6})


@check("engine", "R-rejections")
def engine_rejects_bad_steps(bench: Bench) -> None:
    """Each bad form of each event among a market's, with all phases: nothing changes."""
    good = whole_market(bench.seed + 1, GOOD_CYCLES)
    _demand_engine_rejections(bench, good, bench.gates(*GATES))


@check("engine", "R-rejections")
def the_legacy_path_rejects_bad_steps(bench: Bench) -> None:
    """The same with every gate off, where what the desk says acts in another way."""
    market = whole_market(bench.seed + 1, GOOD_CYCLES)
    said = [step for step in market if step["step"] in ("fill", "trend", "signal", "cycle")]
    _demand_engine_rejections(bench, said, bench.gates())


# --- bad configurations -----------------------------------------------------------------------


def _base(bench: Bench, component: str) -> Json:
    return bench.gates(*GATES) if component == "engine" else {}


def _keys(bench: Bench, component: str) -> list[Key]:
    """Return the keys that the engine says a component has, as the page has them."""
    config = bench.effective_config(component, _base(bench, component))
    return [
        key
        for name, key in config_keys().items()
        if name in config and key.phase in {None, *bench.phases}
    ]


def _rejects_bad_configurations(component: str) -> Check:
    def rejects_bad_configurations(bench: Bench) -> None:
        base = _base(bench, component)
        bad: list[tuple[str, object, Codes]] = [("no_such_key", 1.0, ("unknown_field",))]
        for key in _keys(bench, component):
            bad += [(key.name, value, codes) for value, codes in bad_settings(key)]
        for name, value, codes in bad:
            answer = bench.open_answer(component, {**base, name: value})
            _demand_refused(f"open {component} with {name} {value!r}", answer, codes)

    rejects_bad_configurations.__name__ = f"{component}_rejects_bad_configurations"
    rejects_bad_configurations.__doc__ = (
        f"Each key of {component} not finite, of another kind and out of range, and an unknown one."
    )
    return rejects_bad_configurations


# --- sessions that are not open, or open already ----------------------------------------------


def _keeps_its_sessions(component: str) -> Check:
    def keeps_its_sessions(bench: Bench) -> None:
        engine, config, steps = bench.engine, _base(bench, component), _walk(bench, component)
        session, beside = f"kept-{component}", f"beside-{component}"
        half = len(steps) // 2
        expected = bench.answer(component, steps, config)
        _demand_not_open(bench, session, steps[:2], "before it is open")
        unknown = {**config, "no_such_key": 1.0}
        _demand_not_opened(bench, session, component, unknown, ("unknown_field",))
        _demand_not_opened(bench, session, "no_such_component", {}, ("unknown_component",))
        _demand_not_open(bench, session, steps[:2], "after open was rejected")
        for name in (session, beside):
            engine.open(name, component, config, bench.seed)
        got = engine.apply(session, steps[:half])
        _demand_not_opened(bench, session, component, config, ("duplicate",))
        engine.apply(beside, steps[half:])
        got += engine.apply(session, steps[half:])
        for name in (session, beside):
            engine.close(name)
        bench.demand("a session goes on beside others, and a second open", got == expected, got)
        _demand_not_open(bench, session, steps[:2], "after it was closed")

    keeps_its_sessions.__name__ = f"{component}_keeps_its_sessions"
    keeps_its_sessions.__doc__ = (
        f"Sessions of {component} not open, opened twice, of no component; one beside another."
    )
    return keeps_its_sessions


def _demand_not_open(bench: Bench, session: str, steps: Sequence[Json], when: str) -> None:
    for answer in (*bench.engine.apply(session, steps), bench.engine.close(session)):
        _demand_refused(f"session {session}, {when}", answer, ("not_open",))


def _demand_not_opened(
    bench: Bench, session: str, component: str, config: Json, codes: Codes
) -> None:
    answer = bench.engine.open(session, component, config, bench.seed)
    _demand_refused(f"open {component} with {config}", answer, codes)


def _walk(bench: Bench, component: str) -> list[Json]:
    if component == "engine":
        return known_steps(whole_market(bench.seed, 6), bench.phases)
    return list(islice(MAKERS[component](random.Random(bench.seed)), 20))


for _component in COMPONENTS:
    if _component != "engine":
        check(_component, "R-rejections")(_rejects_bad_steps(_component))
    check(_component, "R-rejections")(_rejects_bad_configurations(_component))
    check(_component, "R-rejections")(_keeps_its_sessions(_component))


# --- extreme magnitudes -----------------------------------------------------------------------

SESSIONS = 8
EXTREME_STEPS = 40
MARKET_STEPS = 100


def demand_finite(bench: Bench, step: Json, answer: Answer) -> None:
    """Demand that a step of finite figures is answered by finite figures.

    Only a fill may be out of range by what is made of its figures, its z or the position, and only
    a cycle without a mid wants for something.
    """
    if isinstance(answer, Rejected):
        refusal = {"fill": "out_of_range", "cycle": "missing_field"}.get(step["step"])
        bench.demand(f"{step} is in range", answer.code == refusal, answer)
        return
    finite = isinstance(answer, Ok) and all(map(math.isfinite, _figures(answer.observation)))
    bench.demand(f"{step} is answered by finite figures", finite, answer)


def _figures(value: Any) -> list[float]:  # noqa: ANN401 - any value that JSON has
    """Return every number in an answer, and NaN for a text that stands for one that is not."""
    if isinstance(value, dict):
        return [figure for item in value.values() for figure in _figures(item)]
    if isinstance(value, list | tuple):
        return [figure for item in value for figure in _figures(item)]
    if value in ("nan", "inf", "-inf"):
        return [math.nan]
    return [value] if isinstance(value, int | float) else []


def _stays_finite(component: str) -> Check:
    def stays_finite(bench: Bench) -> None:
        extremes = Extremes(f"{bench.seed}/{component}")
        keys = _keys(bench, component)
        for number in range(SESSIONS):
            config = extremes.config(keys) if number else {}
            steps = extremes.steps(STEPS[component], EXTREME_STEPS)
            for step, answer in zip(steps, bench.answer(component, steps, config), strict=True):
                demand_finite(bench, step, answer)

    stays_finite.__name__ = f"{component}_stays_finite"
    stays_finite.__doc__ = (
        f"Figures of every magnitude in {component}'s steps and keys: only finite ones come out."
    )
    return stays_finite


for _component in MAKERS:
    check(_component, "R-finite")(_stays_finite(_component))


# --- extreme markets --------------------------------------------------------------------------

UNITS = ((1e-10, 1e-12, None), (1e-10, 1e8, 1e-8), (1e6, 1e-12, 1e8), (1e6, 1e8, None))
"""Factors of prices around 100 and of sizes around 1, and ticks; limits and level sizes stay."""


@check("engine", "R-finite")
def extreme_markets_are_quoted_in_finite_figures(bench: Bench) -> None:
    """Events and keys of every magnitude, all phases: finite, uncrossed, within the limit."""
    _demand_extremes(bench, bench.gates(*GATES))


@check("engine", "R-finite")
def the_legacy_path_quotes_extreme_markets_too(bench: Bench) -> None:
    """The same with every gate off."""
    _demand_extremes(bench, bench.gates())


def _demand_extremes(bench: Bench, gates: Json) -> None:
    extremes = Extremes(f"{bench.seed}/engine")
    keys = [key for key in _keys(bench, "engine") if key.name not in gates]
    kinds = [kind for kind in STEPS["engine"] if known_steps([_example(kind)], bench.phases)]
    for _ in range(SESSIONS):
        steps = extremes.steps([*kinds, *[messages.CycleStep] * 5], MARKET_STEPS)
        _demand_quotes(bench, steps, {**gates, **extremes.config(keys)})
    market = known_steps(whole_market(bench.seed, SESSIONS), bench.phases)
    for price, contracts, tick in UNITS:
        steps = [rescaled(step, price, contracts) for step in market]
        _demand_quotes(bench, steps, {**gates, "tick_size": tick})


def _example(kind: type[Step]) -> Json:
    return {"step": kind.__struct_config__.tag}


def _demand_quotes(bench: Bench, steps: Sequence[Json], config: Json) -> None:
    """Demand finite answers, and quotes on their side of the mid, in order, within the limit."""
    effective = bench.effective_config("engine", config)
    mids = iter(quoted_mids(steps))
    position = 0.0
    for step, answer in zip(steps, bench.answer("engine", steps, config), strict=True):
        demand_finite(bench, step, answer)
        if step["step"] == "cycle":
            mid = next(mids)
            bench.demand(f"{step} quotes", isinstance(answer, Ok) or math.isnan(mid), answer)
            if isinstance(answer, Ok):
                _demand_ladder(bench, answer.observation, mid, position, effective)
        elif step["step"] == "fill" and isinstance(answer, Ok):
            position += step["size"] if step["side"] == "buy" else -step["size"]


def _demand_ladder(bench: Bench, seen: Json, mid: float, position: float, config: Json) -> None:
    limit, least = config["max_position"], config["min_size"] * (1.0 - 1e-9)
    # a price within 1e-9 of a tick from a tick may stay on it; by price, a tick is 1 at most
    slack = 1e-9 * (mid + (config["tick_size"] or 1.0))
    for side, away, room in (("bids", -1.0, limit - position), ("asks", 1.0, limit + position)):
        distances = [away * (quote["price"] - mid) for quote in seen[side]]
        sizes = [quote["size"] for quote in seen[side]]
        in_order = distances == sorted(distances)
        bench.demand(f"{side} rest on their side of {mid}", min([0.0, *distances]) >= -slack, seen)
        bench.demand(f"{side} come touch first", in_order, seen)
        bench.demand("prices are positive", all(quote["price"] > 0.0 for quote in seen[side]), seen)
        bench.demand(f"sizes are at least {least}", min([least, *sizes]) >= least, seen)
        within = sum(sizes) <= max(0.0, room) + 1e-9 * (limit + abs(position))
        bench.demand(f"{side} at {position} stay within {limit}", within, seen)
