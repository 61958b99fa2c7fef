"""A session that departs, read again: what its slip looks like, and a file to run it on any engine.

Nothing is kept of a recording while it is read, so the session is read anew, from its opening to
some steps after its divergence. That is a case as those of the suite are. It is not made smaller,
because its own engine cannot be asked again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import dropwhile, islice
from pathlib import Path
from typing import NamedTuple

from quotemark import __version__
from quotemark.builtin import BuiltinEngine
from quotemark.case import Case, Trace, trace
from quotemark.divergence import Divergence, first_divergence, line
from quotemark.errors import InputError
from quotemark.failures import SCHEMA, FailureFolder, SavedFailure, write_failure
from quotemark.messages import Identity, Opened, Unsupported
from quotemark.recorded.companion import Departure, asked_config, may_lack
from quotemark.recorded.files import RecordingFile
from quotemark.recorded.lines import CloseLine, Line, OpenLine, StepLine
from quotemark.results import DivergenceSeries
from quotemark.series import STEPS_AFTER, divergence_series
from quotemark.suite.compare import AT_OPENING

LONGEST_SAVED = 20_000
"""Steps up to its divergence with which a session is still saved."""

LONGEST_DIAGNOSED = 5_000
"""Steps with which it is still diagnosed, which tells most of them to hundreds of mutants."""

DIAGNOSED_AFTER = 1_000
"""Steps after the divergence that a diagnosis rests on too."""


class Retold(NamedTuple):
    """What a session behaves like, empty where nobody knows, and what there is to say in all.

    ``series`` is how the field went in which it departs, where that is a figure.
    """

    diagnosis: str
    lines: list[str]
    series: DivergenceSeries | None = None


class _Session(NamedTuple):
    """A session of ``engine``: the case, what was expected of it, and what came."""

    engine: Identity
    seed: int
    case: Case
    expected: Trace
    got: Trace

    @property
    def fields(self) -> list[str]:
        """Fields that the engine declares of its component."""
        return self.engine.fields.get(self.case.component, [])

    def cut(self, steps: int) -> _Session:
        """Its first steps."""
        case, expected, got = self.case, self.expected, self.got
        return self._replace(
            case=Case(case.component, case.config, case.steps[:steps]),
            expected=Trace(expected.opened, expected.answers[:steps]),
            got=Trace(got.opened, got.answers[:steps]),
        )


def retell(path: Path, departure: Departure, folder: FailureFolder) -> Retold:
    """Read the session of a departure in the recording at ``path`` again; diagnose and save it.

    Raises :class:`InputError` where the recording is another by now, or the file of the failure
    cannot be written.
    """
    steps = departure.divergence.index + 1
    if departure.divergence.index == AT_OPENING:
        return _unsaved("it departs before its first step")
    if steps > LONGEST_SAVED:
        return _unsaved(f"it takes {steps} steps to depart, at most {LONGEST_SAVED} are")
    session = _read_again(path, departure)
    divergence = first_divergence(session.case, session.expected, session.got, session.fields)
    if divergence is None:
        return _unsaved("it departs where it is closed, in none of its steps")
    _save(session.cut(divergence.index + 1), divergence, departure.check, folder)
    command = line("reproduce", folder.command(departure.check))
    around = session.cut(divergence.index + 1 + STEPS_AFTER)
    series = divergence_series(departure.check, divergence, around.expected, around.got)
    if steps > LONGEST_DIAGNOSED:
        why = f"it takes {steps} steps to depart, at most {LONGEST_DIAGNOSED} are"
        return Retold("", [line("not diagnosed", why), command], series)
    diagnosis = _diagnosis(session)
    return Retold(diagnosis, [*([f"  {diagnosis}"] if diagnosis else []), command], series)


def _unsaved(why: str) -> Retold:
    return Retold("", [line("not saved", why)])


def _read_again(path: Path, departure: Departure) -> _Session:
    recording = RecordingFile(path)
    lines = dropwhile(lambda told: told[0] != departure.opened, recording.lines())
    _, opening = next(lines, ("", None))
    if not isinstance(opening, OpenLine):
        raise InputError(f"{departure.opened}: is no longer the opening of a session")
    engine, component = recording.identity, opening.open.component
    most = departure.divergence.index + 1 + DIAGNOSED_AFTER
    told = [
        one
        for one in islice(_steps(departure.session, lines), most)
        if not (isinstance(one.answer, Unsupported) and may_lack(engine, component, one.step))
    ]
    config = asked_config(engine, component, opening.open.config)
    case = Case(component, config, [one.step for one in told])
    expected = trace(BuiltinEngine(), case, "retold", opening.open.seed)
    # it opened alike, or it would have departed there
    got = Trace(expected.opened, [one.answer for one in told])
    return _Session(engine, opening.open.seed, case, expected, got)


def _steps(session: str, lines: Iterator[tuple[str, Line]]) -> Iterator[StepLine]:
    """Steps of a session until it is closed, opened once more, or a line is none.

    A watch stops at the divergence, and nobody has read what comes after it before.
    """
    with suppress(InputError):
        for _, one in lines:
            if one.session != session:
                continue
            if isinstance(one, StepLine):
                yield one
            elif isinstance(one, CloseLine) or isinstance(one.answer, Opened):
                return


def _save(session: _Session, divergence: Divergence, check: str, folder: FailureFolder) -> None:
    failure = SavedFailure(
        schema=SCHEMA,
        suite=__version__,
        engine=folder.engine,
        seed=session.seed,
        fuzz_steps=0,
        check=check,
        case=session.case,
        expected=session.expected,
        divergence=divergence,
    )
    write_failure(folder.file_of(check), failure)


def _diagnosis(session: _Session) -> str:
    from quotemark.diagnosis import diagnose  # noqa: PLC0415 - only a failure needs the mutants

    answered = [(session.case, session.got.answers)]
    diagnosis = diagnose(answered, {session.case.component: session.fields})
    return str(diagnosis) if diagnosis else ""
