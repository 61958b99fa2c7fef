"""What the port asks of any engine: to repeat itself, to keep to what it declared, and to end.

The same seeded sessions serve all of it, a few of each component that the engine offers.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence

import msgspec

from quotemark.case import Case, Trace, described, trace
from quotemark.errors import EngineError
from quotemark.fuzz.cases import numbered_case
from quotemark.messages import OBSERVATIONS, Json, Ok
from quotemark.suite.bench import Bench, ViolationError
from quotemark.suite.market import GATES
from quotemark.suite.register import EVERY_COMPONENT, check

CASES_OF_A_COMPONENT = 3
MOST_STEPS = 60
SESSION = "port"

_encode = msgspec.json.Encoder().encode


class UndeclaredFieldError(ViolationError):
    """An observation has a field that the engine did not declare."""

    label = "undeclared_field"


class NondeterministicError(ViolationError):
    """The engine answers the same differently."""

    label = "nondeterministic"


@check(EVERY_COMPONENT, "R-declared")
def only_declared_fields_come(bench: Bench) -> None:
    """No observation of seeded sessions, and no quote in it, has a field beyond the declared."""
    for case in _sessions(bench):
        declared = set(bench.identity.fields.get(case.component, []))
        answers = _traced(bench, case).answers
        accepted = any(isinstance(answer, Ok) for answer in answers)
        bench.demand(f"a step of {case.component} is accepted", accepted, answers[:1])
        for index, answer in enumerate(answers):
            seen = _fields(answer.observation) if isinstance(answer, Ok) else ()
            undeclared = [name for name in seen if name not in declared]
            if undeclared:
                raise UndeclaredFieldError(
                    f"{_place(case, index)}: {undeclared[0]} is not among the declared fields"
                )


@check(EVERY_COMPONENT, "R-deterministic")
def the_same_again_is_answered_alike(bench: Bench) -> None:
    """Seeded sessions are answered alike to the last byte twice, and once more after a restart."""
    cases = list(_sessions(bench))
    first = [_traced(bench, case) for case in cases]
    _demand_alike(cases, first, [_traced(bench, case) for case in cases], "asked again")
    bench.engine.shutdown()
    again = bench.engine.initialize()
    if again != bench.identity:
        raise NondeterministicError(f"started anew, it is {again}, and was {bench.identity}")
    _demand_alike(cases, first, [_traced(bench, case) for case in cases], "asked after a restart")


@check(EVERY_COMPONENT, "R-ends")
def it_ends_when_told_to(bench: Bench) -> None:
    """After seeded sessions the engine ends at shutdown, in time and with all that it started."""
    cases = list(_sessions(bench))
    steps = sum(len(case.steps) for case in cases)
    fault = _fault_of_ending(bench, cases)
    if fault is None:
        return
    if _fault_of_ending(bench, []) is not None:
        raise EngineError(fault.label, f"{fault}; it does so without having been asked a step")
    needed = bisect_left(
        range(steps),
        True,
        lo=1,
        key=lambda count: _fault_of_ending(bench, _first_steps(cases, count)) is not None,
    )
    last = _first_steps(cases, needed)[-1]
    raise EngineError(fault.label, f"{fault}; it does so after {_place(last, len(last.steps) - 1)}")


@check(EVERY_COMPONENT, "R-ends", closing=True)
def every_engine_of_the_run_has_ended(bench: Bench) -> None:
    """The engines that the checks were put to ended likewise, at restarts and at the last."""
    bench.engine.shutdown()
    if bench.engine.end_faults:
        raise min(bench.engine.end_faults, key=str)


def _sessions(bench: Bench) -> Iterator[Case]:
    """Return sessions of each component that is offered; of the quote cycle, with all its gates."""
    for component in OBSERVATIONS:
        if component in bench.identity.components:
            for number in range(CASES_OF_A_COMPONENT):
                case = numbered_case(component, bench.seed, number, bench.phases)
                config = bench.gates(*GATES) if component == "engine" else case.config
                yield Case(component, config, case.steps[:MOST_STEPS])


def _traced(bench: Bench, case: Case) -> Trace:
    return trace(bench.engine, case, SESSION, bench.seed)


def _fields(observation: Json) -> Iterator[str]:
    """Return the names of an observation's fields, those of quotes as they are declared."""
    yield from observation
    for side in ("bids", "asks"):
        quotes = observation.get(side)
        for quote in quotes if isinstance(quotes, list) else ():
            yield from (f"quote.{name}" for name in (quote if isinstance(quote, dict) else ()))


def _demand_alike(
    cases: Sequence[Case], first: Sequence[Trace], second: Sequence[Trace], when: str
) -> None:
    for case, one, other in zip(cases, first, second, strict=True):
        if _encode(one.opened) != _encode(other.opened):
            raise NondeterministicError(
                f"the opening of {case.component} with {case.config}:"
                f" {when}, it answers {other.opened}, and before {one.opened}"
            )
        for index, (answer, later) in enumerate(zip(one.answers, other.answers, strict=True)):
            if _encode(answer) != _encode(later):
                raise NondeterministicError(
                    f"{_place(case, index)}: {when}, it answers {later}, and before {answer}"
                )


def _fault_of_ending(bench: Bench, cases: Sequence[Case]) -> EngineError | None:
    """Put ``cases`` to a fresh engine, and return what is at fault with its end."""
    bench.engine.shutdown()
    bench.engine.initialize()
    for case in cases:
        _traced(bench, case)
    return bench.engine.end()


def _first_steps(cases: Sequence[Case], count: int) -> list[Case]:
    """Return cases up to a step, counted through all of them."""
    first = []
    for case in cases:
        steps = case.steps[:count]
        first.append(Case(case.component, case.config, steps))
        count -= len(steps)
        if count == 0:
            break
    return first


def _place(case: Case, index: int) -> str:
    return (
        f"step {index + 1} of {len(case.steps)}, {described(case.steps[index])},"
        f" of {case.component} with {case.config}"
    )
