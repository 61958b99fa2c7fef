"""The bench a check works on: it drives the engine over the port, and the reference beside it.

Three kinds of check use it. Statements hold the engine's figures against numbers derived by
themselves, and so name what is wrong. Agreements hold every declared field against the reference's
on seeded walks, and so find what no statement thought of. Relations hold the engine against itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from quotemark.case import Case, Trace, described, trace
from quotemark.messages import (
    Answer,
    Identity,
    Json,
    Ok,
    OpenAnswer,
    Opened,
    Rejected,
    Unsupported,
)
from quotemark.port import Engine
from quotemark.results import FailingCase, TierLatency
from quotemark.suite.compare import (
    AT_OPENING,
    NOT_DECLARED,
    Difference,
    first_departure,
    first_difference,
    is_close,
    opening_difference,
)
from quotemark.suite.fields import field_of
from quotemark.suite.market import GATES, gates, needs_legacy, switched_on
from quotemark.suite.tiers import measure
from quotemark.supervised import SupervisedEngine

DEFAULT_PHASES = (1, 2, 3)


DepartureLabel = Literal["", "undeclared_field", "nondeterministic"]


class ViolationError(Exception):
    """The engine departs from what is demanded; the message says from what, and how.

    ``label`` is set where the departure is one of a kind, ``failing`` where it is one on a case.
    """

    label: DepartureLabel = ""
    failing: FailingCase | None = None


class DivergenceError(ViolationError):
    """The engine departs from the reference on ``case``, first at ``steps[index]``."""

    def __init__(self, case: Case, index: int, difference: Difference) -> None:
        place = "the opening"
        if index != AT_OPENING:
            place = f"step {index + 1} of {len(case.steps)}, {described(case.steps[index])}"
        super().__init__(
            f"{case.component} departs from the reference at {place}: {difference};"
            f" opened with {case.config}"
        )
        self.failing = FailingCase(case, index, field_of(difference.field))
        if difference.expected == NOT_DECLARED:
            self.label = "undeclared_field"


class RollbackUnsupportedError(Exception):
    """The engine has no legacy path: its rollback is to be proven another way."""


class PhaseUnsupportedError(Exception):
    """The engine does not have a phase that the check switches on."""


class Bench:
    """An engine under check, the reference beside it, and ways to ask both."""

    def __init__(
        self,
        engine: Engine,
        identity: Identity,
        reference: Engine,
        seed: int,
        fuzz_steps: int = 20_000,
        config: Json | None = None,
    ) -> None:
        self.engine = (
            engine if isinstance(engine, SupervisedEngine) else SupervisedEngine(lambda: engine)
        )
        self.identity = identity
        self.seed = seed
        self.fuzz_steps = fuzz_steps
        self.config = config or {}
        self.phases = frozenset(identity.phases)
        self.reference = reference
        self.begin("check")
        self._latencies: list[TierLatency] = []

    def begin(self, check: str) -> None:
        """Name sessions after ``check`` from here on, whatever ran before it on this engine."""
        self._check, self._sessions = check, 0

    def gates(self, *phases: int, variant: str = "documented") -> Json:
        """Configuration with those of ``phases`` on that the engine has, and all others off."""
        return gates(*self.phases.intersection(phases), variant=variant)

    def require(self, *phases: int) -> None:
        """Leave the check unsupported unless the engine has ``phases``."""
        missing = sorted(set(phases) - self.phases)
        if missing:
            raise PhaseUnsupportedError(f"phase {missing[0]} is not in this engine")

    def latencies(self) -> list[TierLatency]:
        """How long cycles of all the engine's phases take, by tier; measured once."""
        if not self._latencies:
            self._latencies = measure(self.engine, self.gates(*GATES))
        return self._latencies

    def measured_latencies(self) -> list[TierLatency]:
        """What :meth:`latencies` measured, if a check asked for it."""
        return self._latencies

    def observe(
        self, component: str, steps: Sequence[Json], config: Json | None = None
    ) -> list[Json]:
        """Observations of ``steps`` in a fresh session; every step must be accepted."""
        observations = []
        for step, answer in zip(steps, self.answer(component, steps, config), strict=True):
            if not isinstance(answer, Ok):
                raise ViolationError(f"{described(step)}: expected ok, got {answer}")
            observations.append(answer.observation)
        return observations

    def cycle(self, steps: Sequence[Json], config: Json | None = None) -> Json:
        """Observation of the last step, a ``cycle``, of component ``engine``."""
        return self.observe("engine", steps, config)[-1]

    def answer(
        self, component: str, steps: Sequence[Json], config: Json | None = None
    ) -> list[Answer]:
        """Answers to ``steps`` in a fresh session."""
        case = self._case(component, steps, config)
        got = self.trace(case)
        self._demand_opened(case, got.opened)
        return got.answers

    def agree(self, component: str, steps: Sequence[Json], config: Json | None = None) -> None:
        """Demand the reference's answers to ``steps``, in every declared field."""
        case = self._case(component, steps, config)
        self.demand_agreement(case, self.trace(case))

    def demand_agreement(self, case: Case, got: Trace) -> None:
        """Demand that ``got`` is what the reference answers to ``case``, in every declared field.

        Raises :class:`DivergenceError` at the first step that differs.
        """
        self.demand_trace(case, self.expected(case), got)

    def demand_trace(self, case: Case, expected: Trace, got: Trace) -> None:
        """Demand that ``got`` is what is expected of ``case``, in every declared field.

        Raises :class:`DivergenceError` at the first step that differs.
        """
        self._demand_way_back(case, got.opened)
        fields = frozenset(self.identity.fields.get(case.component, []))
        departure = first_departure(case, expected, got, fields)
        if departure is not None:
            raise DivergenceError(case, *departure)

    def trace(self, case: Case) -> Trace:
        """Run ``case`` on the engine, whether it opens or not; one answer a step if it does."""
        got = trace(self.engine, case, self._session(), self.seed)
        if isinstance(got.opened, Opened) and len(got.answers) != len(case.steps):
            raise ViolationError(f"gave {len(got.answers)} answers for {len(case.steps)} steps")
        return got

    def expected(self, case: Case) -> Trace:
        """Run ``case`` on the reference."""
        return trace(self.reference, case, "expected", self.seed)

    def open_answer(self, component: str, config: Json) -> OpenAnswer:
        """Answer to opening a session, which is closed again."""
        session = self._session()
        answer = self.engine.open(session, component, config, self.seed)
        if isinstance(answer, Opened):
            self.engine.close(session)
        return answer

    def _session(self) -> str:
        self._sessions += 1
        return f"{self._check}-{self._sessions}"

    def demand_opened(self, component: str, config: Json) -> None:
        """Demand that a session opens with ``config``, before a replay opens its own."""
        self.effective_config(component, config)

    def effective_config(self, component: str, config: Json) -> Json:
        """All keys of a component with their values, as the engine confirms them."""
        case = self._case(component, [], config)
        opened = self.trace(case).opened
        self._demand_opened(case, opened)
        return opened.config if isinstance(opened, Opened) else {}

    def _with_gates(self, component: str, config: Json | None) -> Json:
        """Configuration with the gates written out, so that no check rests on an engine's own."""
        if component != "engine":
            return config or {}
        return {**self.gates(*DEFAULT_PHASES), **(config or {})}

    def _case(self, component: str, steps: Sequence[Json], config: Json | None) -> Case:
        case = Case(component, self._with_gates(component, config), list(steps))
        if component == "engine":
            self.require(*switched_on(case.config))
        return case

    def _demand_opened(self, case: Case, got: OpenAnswer) -> None:
        """Demand that a session opened, with the configuration that was given."""
        self._demand_way_back(case, got)
        difference = opening_difference(case.config, Opened(case.config), got)
        if difference is not None:
            raise ViolationError(f"open {case.component} with {case.config}: {difference}")

    def _demand_way_back(self, case: Case, got: OpenAnswer) -> None:
        """Leave the check unproven where the engine has no legacy path, and needs one."""
        if isinstance(got, Unsupported) and needs_legacy(case.config):
            raise RollbackUnsupportedError(got.reason)

    def demand(self, statement: str, holds: bool, found: object = "") -> None:
        """Demand that ``statement`` holds; ``found`` is shown if it does not."""
        if not holds:
            raise ViolationError(f"{statement}; found {found}")

    def demand_close(self, what: str, expected: float, got: object) -> None:
        """Demand that a figure is the one derived independently; what is no figure is not."""
        if not is_close(expected, got):
            raise ViolationError(f"{what}: {Difference('value', expected, got)}")

    def demand_rejected(
        self, component: str, bad: Json, code: str, before: Sequence[Json], after: Json
    ) -> None:
        """Demand that ``bad`` is rejected with ``code`` and that the state is as if it never came.

        ``after`` shows the state: it must answer alike with and without ``bad`` before it.
        """
        answers = self.answer(component, [*before, bad, after])
        clean = self.answer(component, [*before, after])
        refused = answers[len(before)]
        if not isinstance(refused, Rejected) or refused.code != code:
            raise ViolationError(f"{described(bad)}: expected rejected {code}, got {refused}")
        difference = first_difference(clean[-1], answers[-1], self.identity.fields[component])
        if difference is not None:
            raise ViolationError(f"a rejected {described(bad)} changed the state: {difference}")


Check = Callable[[Bench], None]
