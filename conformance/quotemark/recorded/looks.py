"""What is looked for in a recording: situations, and what an engine must show in them.

A look is a function that is given a moment, the step just answered, and yields a sighting wherever
a situation of its requirement is met. In a market that nobody arranged a situation may not come,
and a statement of the canonical market may be denied by right: a strong drift empties a side at
30 % of the limit. So a sighting that fails is held against the reference in the same moment. Where
it holds there, the engine is wrong; where it does not, the market is to blame, and nothing is
proven.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from quotemark.messages import Json, Ok
from quotemark.recorded.companion import Compared
from quotemark.recorded.history import History
from quotemark.results import CheckStatus
from quotemark.suite.compare import is_close


class Sighting(NamedTuple):
    """A situation that was met, what must be seen in it, and what was."""

    situation: str
    expected: object
    got: object

    @property
    def holds(self) -> bool:
        """Whether the two agree: figures within the tolerance, everything else exactly."""
        return _agree(self.expected, self.got)


def _agree(expected: object, got: object) -> bool:
    if isinstance(expected, list) and isinstance(got, list):
        return len(expected) == len(got) and all(map(_agree, expected, got))
    return is_close(expected, got) if isinstance(expected, float) else expected == got


class Moment(NamedTuple):
    """A step that was accepted: what the engine showed, what the reference knows, and the past."""

    step: Json
    shown: Json
    known: Json
    past: History

    @property
    def t_ms(self) -> int:
        """Time of the step."""
        t_ms: int = self.step["t_ms"]
        return t_ms

    def is_cycle(self, *phases: int) -> bool:
        """Whether this is a quote cycle in which all of ``phases`` act."""
        return self.step["step"] == "cycle" and {*phases}.issubset(self.known["active_phases"])

    @property
    def share(self) -> float:
        """Position over its limit, positive when long; not clipped."""
        share: float = self.known["position"] / self.past.config["max_position"]
        return share


SIDES = ("bids", "asks")

See = Callable[[Moment], Iterator[Sighting]]


@dataclass(frozen=True)
class Look:
    """A look: what it proves, the component and fields it reads, and the situations it waits for.

    It proves its requirements once every situation was met, and what it asks for was seen each
    time.
    """

    name: str
    proves: tuple[str, ...]
    component: str
    needs: tuple[str, ...]
    situations: tuple[str, ...]
    see: See


LOOKS: list[Look] = []


def look(
    component: str, *proves: str, needs: tuple[str, ...], situations: tuple[str, ...]
) -> Callable[[See], See]:
    """Register a function as a look."""

    def register(see: See) -> See:
        LOOKS.append(Look(f"recorded.{see.__name__}", proves, component, needs, situations, see))
        return see

    return register


@dataclass
class Tally:
    """What a look saw in a recording: how often each situation was met, and was not seen.

    ``wrong`` is the first sighting in which the reference shows what the engine does not;
    ``denied`` says where a figure was first not seen for another reason, and which.
    """

    look: Look
    met: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    wrong: str = ""
    denied: str = ""

    def take(self, place: str, moment: Moment) -> None:
        """Look at a moment."""
        for sighting in self.look.see(moment):
            self.met[sighting.situation] += 1
            if not sighting.holds:
                self.missed[sighting.situation] += 1
                self._blame(place, moment, sighting)

    def _blame(self, place: str, moment: Moment, missed: Sighting) -> None:
        there = list(self.look.see(moment._replace(shown=moment.known)))
        if not all(sighting.holds for sighting in there):
            self.denied = self.denied or f"{place}, nor is it by the reference"
        elif any(_agree(sighting.got, missed.got) for sighting in there):
            self.denied = self.denied or f"{place}, where another figure departs"
        else:
            expected, got = missed.expected, missed.got
            found = f"{place}: {missed.situation}: expected {expected}, got {got}"
            self.wrong = self.wrong or found

    def outcome(self) -> tuple[CheckStatus, str]:
        """Status of the look as a check, and what there is to say."""
        if self.wrong:
            return "failed", self.wrong
        if any(self.missed.values()):
            return "unproven", f"{self._counts()}; first not seen at {self.denied}"
        waiting = [one for one in self.look.situations if not self.met[one]]
        if waiting:
            return "unproven", f"never came in this recording: {'; '.join(waiting)}"
        return "passed", self._counts()

    def _counts(self) -> str:
        return "; ".join(
            f"{situation}: seen in {self.met[situation] - self.missed[situation]}"
            f" of {self.met[situation]}"
            for situation in self.look.situations
        )


class Lookout:
    """Keeps the tallies of looks over a whole recording."""

    def __init__(self, tallies: Iterable[Tally]) -> None:
        self._by_component: dict[str, list[Tally]] = {}
        for tally in tallies:
            self._by_component.setdefault(tally.look.component, []).append(tally)

    def take(self, compared: Compared, *, departs: bool) -> None:
        """Look at a step, unless it was rejected; one that departs may hold anything."""
        tallies = self._by_component.get(compared.session.component)
        expected, got = compared.expected, compared.got
        if not tallies or not isinstance(expected, Ok):
            return
        past = compared.session.past
        shown = got.observation if isinstance(got, Ok) else {}
        if shown:
            moment = Moment(compared.step, shown, expected.observation, past)
            for tally in tallies:
                with suppress(*_UNREADABLE if departs else ()):
                    tally.take(compared.place, moment)
        past.note(compared.step, shown, expected.observation)


_UNREADABLE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What reading an observation of any shape may raise."""
