"""The reference beside a recording: it is asked what the engine was, and answers are compared.

Nothing is kept of a recording but the state of its open sessions, and of each the last few steps,
to tell a divergence by. What comes after the first divergence of a session follows from
it, and is not looked at.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import NamedTuple

from msgspec import Struct

from quotemark.builtin import BuiltinEngine
from quotemark.case import Case
from quotemark.divergence import Agreement, Divergence, divergence_lines
from quotemark.errors import InputError
from quotemark.messages import (
    Answer,
    CloseAnswer,
    Closed,
    Identity,
    Json,
    Ok,
    OpenAnswer,
    Opened,
    Rejected,
    Unsupported,
)
from quotemark.recorded.history import History
from quotemark.recorded.lines import CloseLine, Line, OpenLine, StepLine
from quotemark.suite.compare import (
    AT_OPENING,
    NOT_DECLARED,
    Difference,
    first_difference,
    opening_difference,
    status_of,
)
from quotemark.suite.fields import rule_behind
from quotemark.suite.market import GATES
from quotemark.suite.register import requirements
from quotemark.suite.whole_market import PHASES_OF_STEPS

NOTHING = Ok({})
"""What most steps of the quote cycle are answered, and which takes no comparison."""

STEPS_TOLD = 3
"""Steps before a divergence that are told with it."""


class Departure(Struct, frozen=True):
    """The first divergence of a session: the place of its line, and the steps just before it.

    ``opened`` is the place of the session's opening.
    """

    place: str
    opened: str
    session: str
    divergence: Divergence
    before: list[Json]

    @property
    def check(self) -> str:
        """Name of the check that it fails."""
        return agreement_check(self.divergence.component)

    @property
    def has_undeclared_field(self) -> bool:
        """Whether a field came that the engine had not declared."""
        return bool(self.divergence.difference.expected == NOT_DECLARED)

    def lines(self) -> list[str]:
        """Say it on a terminal, and how to look at the line."""
        divergence = self.divergence
        case = Case(divergence.component, divergence.config, self.before)
        first, *rest = divergence_lines(divergence, case)
        named = f" of session {self.session!r}" if self.session else ""
        return [f"{self.place}: {first}{named}", *rest]


@dataclass(slots=True)
class OpenSession:
    """A session that engine and reference have open alike, with the configuration ``given``.

    ``opened`` is the place of its opening.
    """

    opened: str
    component: str
    given: Json
    fields: frozenset[str]
    past: History
    steps: int = 0
    before: deque[Json] = field(default_factory=lambda: deque(maxlen=STEPS_TOLD))
    agreed: Agreement | None = None


class Compared(NamedTuple):
    """A step of an open session, and what reference and engine answered."""

    place: str
    name: str
    session: OpenSession
    step: Json
    expected: Answer
    got: Answer


class Companion:
    """Holds line after line of a recording against the reference.

    ``compared`` counts the steps compared, by component, and ``seen`` those that showed a state and
    agree; ``sessions`` the sessions opened; ``unjudged`` the steps of sessions that had departed
    before, or that the engine did not open.
    ``config`` is what the first session of component ``engine`` was opened with.
    """

    def __init__(self, identity: Identity) -> None:
        self.departures: list[Departure] = []
        self.sessions: Counter[str] = Counter()
        self.compared: Counter[str] = Counter()
        self.seen: Counter[str] = Counter()
        self.unjudged: Counter[str] = Counter()
        self.config: Json | None = None
        self._identity = identity
        self._reference = BuiltinEngine(components=identity.components)
        self._open: dict[str, OpenSession] = {}
        self._left: dict[str, str] = {}

    def take(self, place: str, line: Line) -> Compared | None:
        """Hold a line against the reference; give the step compared, if it was one.

        A divergence is added to ``departures``. Raises :class:`InputError` for a session whose
        opening is not in the recording.
        """
        match line:
            case OpenLine():
                self._take_opening(place, line)
            case StepLine():
                return self._take_step(place, line)
            case CloseLine():
                self._take_closing(place, line)
        return None

    def _take_opening(self, place: str, line: OpenLine) -> None:
        name, given = line.session, line.open.config
        component, got = line.open.component, line.answer
        if isinstance(got, Unsupported):
            self._left[name] = component
            return
        config = asked_config(self._identity, component, given)
        expected = self._reference.open(name, component, config, line.open.seed)
        effective = expected.config if isinstance(expected, Opened) else {}
        fields = frozenset(self._identity.fields.get(component, []))
        session = OpenSession(place, component, given, fields, History.of(component, effective))
        difference = opening_difference(_reported(given, got), expected, got)
        if difference is not None:
            self._depart(place, name, session, AT_OPENING, {}, difference)
        elif isinstance(expected, Opened):
            self.sessions[component] += 1
            self._open[name] = session
            if component == "engine" and self.config is None:
                self.config = config
        elif name not in self._open:
            self._left[name] = component

    def _take_step(self, place: str, line: StepLine) -> Compared | None:
        name, step, got = line.session, line.step, line.answer
        session = self._open.get(name)
        if session is None:
            self.unjudged[self._component_left(place, name)] += 1
            return None
        (expected,) = self._reference.apply(name, [step])
        difference = self._difference(session, step, expected, got)
        index, session.steps = session.steps, session.steps + 1
        self.compared[session.component] += 1
        if difference is not None:
            self._depart(place, name, session, index, step, difference)
        elif isinstance(expected, Ok) and expected.observation:
            session.agreed = Agreement(index, step, expected.observation)
            self.seen[session.component] += isinstance(got, Ok) and bool(got.observation)
        session.before.append(step)
        return Compared(place, name, session, step, expected, got)

    def _take_closing(self, place: str, line: CloseLine) -> None:
        name = line.session
        session = self._open.pop(name, None)
        if session is None:
            self._component_left(place, name)
            return
        expected = self._reference.close(name)
        if not isinstance(line.answer, Closed):
            difference = Difference("status", _ended(expected), _ended(line.answer))
            step = {"step": "close"}
            self._depart(place, name, session, session.steps, step, difference)
        self._left[name] = session.component

    def _component_left(self, place: str, name: str) -> str:
        """Component of a session that is not open, or no longer looked at."""
        if name not in self._left:
            raise InputError(
                f"{place}: session {name!r} has no opening before this line: a session whose"
                " beginning is not recorded has a state that nobody knows"
            )
        return self._left[name]

    def _difference(
        self, session: OpenSession, step: Json, expected: Answer, got: Answer
    ) -> Difference | None:
        if expected == got == NOTHING:
            return None
        if isinstance(got, Unsupported) and may_lack(self._identity, session.component, step):
            return None
        return first_difference(expected, got, session.fields)

    def _depart(
        self,
        place: str,
        name: str,
        session: OpenSession,
        index: int,
        step: Json,
        difference: Difference,
    ) -> None:
        rule = rule_behind(session.component, str(step.get("step", "")), difference)
        divergence = Divergence(
            component=session.component,
            config=session.given,
            index=index,
            steps=index + 1,
            step=step,
            difference=difference,
            ulp=difference.ulp,
            relative=difference.relative,
            agreed=session.agreed,
            formula=rule.formula,
            unit=rule.unit,
            requirements=[requirements()[one] for one in rule.requirements],
        )
        before = list(session.before)
        self.departures.append(Departure(place, session.opened, name, divergence, before))
        self._open.pop(name, None)
        self._reference.close(name)
        self._left[name] = session.component


def agreement_check(component: str) -> str:
    """Name of the check that holds where no session of a component departs."""
    return f"recorded.{component}_agrees"


def asked_config(identity: Identity, component: str, given: Json) -> Json:
    """Return what the reference is opened with: what was given, and no phase the engine lacks."""
    lacking = GATES.keys() - set(identity.phases) if component == "engine" else ()
    return {**{GATES[phase]: False for phase in sorted(lacking)}, **given}


def may_lack(identity: Identity, component: str, step: Json) -> bool:
    """Whether the step feeds only phases that the engine has not."""
    takers = PHASES_OF_STEPS.get(str(step.get("step")))
    lacks = takers is not None and takers.isdisjoint(identity.phases)
    return component == "engine" and lacks


def _reported(given: Json, got: OpenAnswer) -> Json:
    """Configuration that is compared: what was given, and what the engine says of the rest."""
    return {**given, **(got.config if isinstance(got, Opened) else {})}


def _ended(answer: CloseAnswer) -> str:
    return status_of(answer) if isinstance(answer, Rejected) else "ok"
