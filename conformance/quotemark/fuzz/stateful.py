"""Search step by step: Hypothesis state machines on the port, which shrink what they find.

Volume finds what is common; this finds what takes an unlucky value, and says it in few steps. Every
step is answered by engine and reference in turn, and the quote cycle's own fills follow from the
quotes that the engine rests, as on a venue.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, get_args, get_origin

import msgspec
from hypothesis import HealthCheck, Phase, Verbosity, reject, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import FlakyFailure, Unsatisfiable
from hypothesis.internal.conjecture import providers
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from quotemark.case import Case
from quotemark.fuzz import configs
from quotemark.fuzz.market import PHASES_OF_EVENTS, gate_set
from quotemark.messages import STEPS, Json, Ok, Opened, Step
from quotemark.suite.bench import Bench, DivergenceError, ViolationError
from quotemark.suite.compare import first_difference

FIGURES: dict[str, tuple[float, float]] = {
    "agreement": (0.0, 1.0),
    "p_continuation": (0.0, 1.0),
    "z_bps_per_s": (-1e3, 1e3),
    "value": (-1e2, 1e2),
    "magnitude_bps": (-1e3, 1e3),
    "drift_bps_per_s": (-1e2, 1e2),
    "predicted_drift_bps_per_s": (-1e2, 1e2),
    "realised_drift_bps_per_s": (-1e2, 1e2),
    "skew_bps": (-1e2, 1e2),
    "carry_cost_bps": (-1e2, 1e2),
    "position": (-20.0, 20.0),
    "depth_bps": (0.0, 1e2),
    "fee_bps": (0.0, 1e1),
    "inventory_beta": (0.0, 20.0),
    "price": (90.0, 110.0),
    "mid": (90.0, 110.0),
    "spot": (90.0, 110.0),
    "leader": (90.0, 110.0),
    "variance": (1e-3, 1e5),
    "predicted_variance": (1e-3, 1e3),
    "interval_s": (1.0, 1e5),
    "window_s": (1e-3, 1e4),
    "kappa_bid_per_bps": (1e-2, 1.0),
    "kappa_ask_per_bps": (1e-2, 1.0),
    "time_horizon_s": (1e-1, 1e2),
    "contracts": (1.0, 1e9),
}
"""Bounds of a step's figures, where they are not those of any positive one."""
POSITIVE = (1e-2, 1e2)
CONFIGS = 20  # to choose from, beside the default

PRICES_BELOW = st.lists(st.tuples(st.floats(90.0, 100.0), st.floats(*POSITIVE)), max_size=4)
PRICES_ABOVE = st.lists(st.tuples(st.floats(100.0, 110.0), st.floats(*POSITIVE)), max_size=4)

NAMED: dict[str, st.SearchStrategy[Any]] = {
    "t_ms": st.one_of(st.integers(0, 10_000), st.sampled_from((0, 3_600_000))),
    "rate": st.floats(-0.05, 0.05).map(repr),
    "source": st.sampled_from(("desk", "toxicity_bid", "toxicity_ask")),
    "id": st.integers(0, 5).map(str),
    "levels_crossed": st.integers(1, 6),
    "kappas_per_bps": st.lists(st.floats(1e-3, 1e1), min_size=2, max_size=2),
    "bids": PRICES_BELOW.map(lambda side: sorted(map(list, side), reverse=True)),
    "asks": PRICES_ABOVE.map(lambda side: sorted(map(list, side))),
    **{name: st.floats(*bounds) for name, bounds in FIGURES.items()},
}
"""Strategies of fields by name; of a time, what passes until then."""


def search(
    bench: Bench, component: str, examples: int, steps: int, *, shrink: bool = False
) -> None:
    """Demand the reference's answers in so many sessions of so many steps.

    Raises :class:`~quotemark.suite.bench.DivergenceError` for a session that departs: with
    ``shrink``, which may take minutes, for the least figures that Hypothesis finds.
    """
    sessions = seed(bench.seed)(_sessions(bench, component))
    limits = settings(
        max_examples=examples,
        stateful_step_count=steps,
        phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
    )
    try:
        _run(bench, sessions, limits)
    except FlakyFailure as flaky:
        departed = flaky.exceptions[0]
        raise ViolationError(f"{component} departs once and not again: {departed}") from None
    except Unsatisfiable:
        raise ViolationError(f"{component} opens with no configuration that is drawn") from None


def _run(bench: Bench, sessions: type[RuleBasedStateMachine], limits: settings) -> None:
    try:
        with _drawn_from_the_seed_alone():
            run_state_machine_as_test(sessions, settings=limits)
    except Exception:
        bench.engine.demand_unbroken()  # its fault, before what Hypothesis makes of it
        raise


@contextmanager
def _drawn_from_the_seed_alone() -> Iterator[None]:
    """Keep Hypothesis from drawing constants of whatever modules happen to be loaded.

    It would also keep them in a folder of its own, wherever it runs. A version of it without this
    inner property has nothing to be kept from.
    """
    provider: Any = getattr(providers, "HypothesisProvider", None)
    of_loaded_modules = getattr(provider, "_local_constants", None)
    if of_loaded_modules is None:
        yield
        return
    provider._local_constants = providers.GLOBAL_CONSTANTS
    try:
        yield
    finally:
        provider._local_constants = of_loaded_modules


def _sessions(bench: Bench, component: str) -> type[RuleBasedStateMachine]:
    """Return a machine with a rule for each kind of step of ``component``."""
    known = [kind for kind in STEPS[component] if _is_known(kind, bench.phases)]
    rules = {f"apply_{_tag(kind)}": _step_rule(kind) for kind in known}
    own = {"fill_a_quote": _fill_a_quote} if component == "engine" else {}

    class Sessions(_BesideTheReference):
        @initialize(config=st.sampled_from(_configs(bench, component)))
        def open(self, config: Json) -> None:
            self.begin(bench, component, config)

    return type("Sessions", (Sessions,), {**rules, **own})


class _BesideTheReference(RuleBasedStateMachine):
    """A session of the engine and one of the reference, which take every step together."""

    def begin(self, bench: Bench, component: str, config: Json) -> None:
        self.bench = bench
        self.case = Case(component, config, [])
        self.t_ms = 0
        self.quotes: list[tuple[str, Json]] = []
        opened = [
            engine.open("stateful", component, config, bench.seed)
            for engine in (bench.engine, bench.reference)
        ]
        self.is_open = isinstance(opened[0], Opened)
        if not self.is_open or not isinstance(opened[1], Opened):
            reject()

    def take(self, step: Json) -> None:
        """Apply a step to both and demand the same answer."""
        if "t_ms" in step:
            self.t_ms += step["t_ms"]
            step = {**step, "t_ms": self.t_ms}
        self.case.steps.append(step)
        got, expected = (
            engine.apply("stateful", [step])[0]
            for engine in (self.bench.engine, self.bench.reference)
        )
        fields = self.bench.identity.fields[self.case.component]
        difference = first_difference(expected, got, fields)
        if difference is not None:
            raise DivergenceError(self.case, len(self.case.steps) - 1, difference)
        if step["step"] == "cycle" and isinstance(got, Ok):
            self.quotes = list(_quotes(got.observation))

    def teardown(self) -> None:
        """Close both sessions."""
        if getattr(self, "is_open", False):
            self.bench.engine.close("stateful")
        self.bench.reference.close("stateful")


def _quotes(observation: Json) -> Iterator[tuple[str, Json]]:
    for side, quotes in (("buy", observation["bids"]), ("sell", observation["asks"])):
        yield from ((side, quote) for quote in quotes)


def _step_rule(kind: type[Step]) -> Any:  # noqa: ANN401 - a rule as Hypothesis makes it
    def apply(self: _BesideTheReference, step: Json) -> None:
        self.take(step)

    return rule(step=_steps(kind))(apply)


@precondition(lambda self: bool(self.quotes))
@rule(number=st.integers(0, 15), after_ms=NAMED["t_ms"], share=st.sampled_from((0.5, 1.0)))
def _fill_a_quote(self: _BesideTheReference, number: int, after_ms: int, share: float) -> None:
    """Fill one of the quotes that rest, whole or in part."""
    side, quote = self.quotes[number % len(self.quotes)]
    filled = {"price": quote["price"], "size": quote["size"] * share}
    self.take({"step": "fill", "t_ms": after_ms, "side": side, **filled})


def _configs(bench: Bench, component: str) -> list[Json]:
    """Return the default configuration first, then some drawn ones."""
    rng = random.Random(f"{bench.seed}/{component}/configs")
    drawn = [configs.draw(rng, component, bench.phases) for _ in range(CONFIGS)]
    if component != "engine":
        return [{}, *drawn]
    all_on = bench.gates(*bench.phases)
    return [all_on, *({**gate_set(rng, bench.phases), **config} for config in drawn)]


def _is_known(kind: type[Step], phases: frozenset[int]) -> bool:
    return bool(PHASES_OF_EVENTS.get(_tag(kind), {1}) & {1, *phases})


def _tag(kind: type[Step]) -> str:
    return str(kind.__struct_config__.tag)


def _steps(kind: type[Step]) -> st.SearchStrategy[Json]:
    """Return a strategy for steps of this kind, optional fields there or not."""
    fields = msgspec.structs.fields(kind)
    return st.fixed_dictionaries(
        {
            "step": st.just(_tag(kind)),
            **{field.name: _values(field) for field in fields if field.required},
        },
        optional={field.name: _values(field) for field in fields if not field.required},
    )


def _values(field: msgspec.structs.FieldInfo) -> st.SearchStrategy[Any]:
    if get_origin(field.type) is Literal:
        return st.sampled_from(get_args(field.type))
    return NAMED.get(field.name, st.floats(*POSITIVE))
