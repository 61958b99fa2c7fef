"""Certify a recording: what it proves of an engine, and what no recording can.

A recording shows that a behaviour was kept where its situation came. So agreement with the
reference proves no more than what was declared, and denies all that it departs in; looks prove the
requirements whose situations came. Everything else says in words why it stays unproven.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from quotemark import __version__
from quotemark.divergence import line
from quotemark.failures import FailureFolder
from quotemark.messages import Identity, Json
from quotemark.recorded import closed_forms, paper_trading
from quotemark.recorded.companion import Companion, Departure, agreement_check
from quotemark.recorded.contents import Contents, counted
from quotemark.recorded.files import RecordingFile
from quotemark.recorded.looks import LOOKS, Look, Lookout, Tally
from quotemark.recorded.retold import Retold, retell
from quotemark.results import (
    Certification,
    CheckResult,
    CheckStatus,
    Requirement,
    Waiver,
    requirement_result,
)
from quotemark.suite.register import EVERY_COMPONENT, requirements, requirements_of
from quotemark.suite.runner import Progress, level_of
from quotemark.waivers import apply_waivers

LOOKED_FOR = (paper_trading, closed_forms)
"""Modules whose looks are registered once they are imported."""

LINES_BETWEEN_SIGNS = 10_000
MOST_NAMED = 3

CANNOT_SHOW = {
    "R-declared": ("declared_fields", "none of its components agrees to its end"),
    "A": ("walks", "it is no walk through every kind of step and configuration"),
    "G": ("rollback", "it does not show the engine with the gate the other way"),
    "M": ("relations", "a session of it cannot be told again in another way"),
    "R": ("robustness", "nobody can send its engine what would try it"),
    "S": ("incidents", "nobody can replay the incident on its engine"),
}
"""Kinds of requirement that no recording proves, by id or its first letter, and why."""

LATENCIES = ("latencies", "it does not say how long an answer took")
OTHERS = ("arranged_situations", "it takes a situation that is arranged on purpose")


class Found(NamedTuple):
    """The verdict on a recording, and the configuration that it was made with."""

    certification: Certification
    config: Json


def certify_recording(
    path: Path,
    *,
    phases: Sequence[int],
    seed: int,
    waivers: Sequence[Waiver] = (),
    failures: FailureFolder | None = None,
    progress: Progress = lambda done, total, what: None,
) -> Found:
    """Hold the recording at ``path`` against the reference; judge the requirements of ``phases``.

    ``failures`` is where files of what departs go; without it there are none, nor a diagnosis.
    Raises :class:`~quotemark.errors.InputError` where the file is no recording.
    """
    recording = RecordingFile(path)
    identity = recording.identity
    required = requirements_of(phases)
    looks = [one for one in LOOKS if not required.keys().isdisjoint(one.proves)]
    tallies = {one.name: Tally(one) for one in looks if _why_not(one, identity) is None}
    companion, contents = _read(recording, tallies.values(), progress)
    firsts = _first_departures(companion)
    retold = _retold(path, firsts.values(), failures)
    found = [
        _file_result(path, contents, recording.torn),
        *(_departed(component, companion, retold) for component in firsts),
        *(_agreeing(one, companion) for one in companion.compared if one not in firsts),
        *(_look_result(one, identity, tallies.get(one.name)) for one in looks),
    ]
    shown = {id_ for check in found for id_ in check.proves}
    beyond = [one for one in required.values() if one.id not in shown]
    results, waived = apply_waivers(
        [*found, *_beyond(beyond, identity)], waivers, datetime.now(UTC).date()
    )
    certification = Certification(
        identity=identity,
        level=level_of(identity),
        suite=__version__,
        seed=seed,
        phases=list(phases),
        profile="recorded",
        fuzz_steps=0,
        checks=results,
        requirements=[
            requirement_result(one, [check for check in results if one.id in check.proves])
            for one in required.values()
        ],
        waivers=waived,
        diagnoses=[
            f"{component} {one.diagnosis}" for component, one in retold.items() if one.diagnosis
        ],
        divergences=[one.series for one in retold.values() if one.series is not None],
    )
    return Found(certification, companion.config or {})


def _read(
    recording: RecordingFile, tallies: Iterable[Tally], progress: Progress
) -> tuple[Companion, Contents]:
    """Read a recording through, with the reference and the looks beside it."""
    companion, contents = Companion(recording.identity), Contents()
    lookout = Lookout(tallies)
    for number, (place, told) in enumerate(recording.lines(), start=1):
        departures = len(companion.departures)
        compared = companion.take(place, told)
        contents.take(told)
        if compared is not None:
            lookout.take(compared, departs=len(companion.departures) > departures)
        if number % LINES_BETWEEN_SIGNS == 0:
            progress(number, number, "lines read")
    return companion, contents


def _file_result(path: Path, contents: Contents, torn: str) -> CheckResult:
    """What the recording holds; it proves nothing."""
    message = f"{path}: {contents}"
    if torn:
        message += f"; line {torn.rpartition(':')[2]} is not whole, and was not judged"
    return CheckResult("recorded.is_read", (), EVERY_COMPONENT, "passed", message)


# --- agreement --------------------------------------------------------------------------------


def _first_departures(companion: Companion) -> dict[str, Departure]:
    """The first departure of each component that has one, in the order of the file."""
    firsts: dict[str, Departure] = {}
    for one in companion.departures:
        firsts.setdefault(one.divergence.component, one)
    return firsts


def _retold(
    path: Path, firsts: Iterable[Departure], failures: FailureFolder | None
) -> dict[str, Retold]:
    """What comes of reading the sessions again, by component; files of earlier runs go."""
    if failures is None:
        return {}
    failures.keep_only([])
    return {one.divergence.component: retell(path, one, failures) for one in firsts}


def _departed(component: str, companion: Companion, retold: Mapping[str, Retold]) -> CheckResult:
    """What is violated where a component departs: its first divergence, and where others are."""
    first, *others = (one for one in companion.departures if one.divergence.component == component)
    lines = first.lines()
    if others:
        places = ", ".join(one.place for one in others[:MOST_NAMED])
        more = len(others) - MOST_NAMED
        places += f" and {more} more" if more > 0 else ""
        lines.append(line("others", f"sessions depart at {places}"))
    if component in retold:
        lines += retold[component].lines
    undeclared = first.has_undeclared_field
    return CheckResult(
        first.check,
        (f"A-{component}", "R-declared") if undeclared else (f"A-{component}",),
        component,
        "failed",
        "\n".join(lines),
        "undeclared_field" if undeclared else "",
    )


def _agreeing(component: str, companion: Companion) -> CheckResult:
    """What is proven where a component agrees: it showed what was declared, and nothing else."""
    if not companion.seen[component]:
        message = f"shows no declared field in {counted(companion.compared[component], 'step')}"
        return _agreement(component, "unproven", message)
    message = f"agrees in every declared field: {counted(companion.compared[component], 'step')}"
    message += f" of {counted(companion.sessions[component], 'session')}"
    if unjudged := companion.unjudged[component]:
        message += f"; not judged are {counted(unjudged, 'step')} of sessions that are not open"
    return _agreement(component, "passed", message)


def _agreement(component: str, status: CheckStatus, message: str) -> CheckResult:
    return CheckResult(agreement_check(component), ("R-declared",), component, status, message)


# --- what looks found, and what is beyond them ------------------------------------------------


def _look_result(one: Look, identity: Identity, tally: Tally | None) -> CheckResult:
    status, message = _why_not(one, identity) or ("unproven", "")
    if tally is not None:
        status, message = tally.outcome()
    return CheckResult(one.name, one.proves, one.component, status, message)


def _why_not(one: Look, identity: Identity) -> tuple[CheckStatus, str] | None:
    """Why an engine gives a look nothing to see; ``None`` where it does."""
    if one.component not in identity.components:
        return "unsupported", f"component {one.component} is not offered"
    phase = requirements()[one.proves[0]].phase
    if one.component == "engine" and phase not in identity.phases:
        return "unsupported", f"phase {phase} is not in this engine"
    missing = [name for name in one.needs if name not in identity.fields.get(one.component, [])]
    return ("unproven", f"fields not declared: {', '.join(missing)}") if missing else None


def _beyond(required: Iterable[Requirement], identity: Identity) -> Iterator[CheckResult]:
    """Checks that stand for what a recording does not prove, one a reason."""
    reasons: dict[tuple[str, CheckStatus, str], list[str]] = {}
    for one in required:
        reasons.setdefault(_reason(one, identity), []).append(one.id)
    for (name, status, message), ids in reasons.items():
        yield CheckResult(f"recorded.{name}", tuple(ids), EVERY_COMPONENT, status, message)


def _reason(required: Requirement, identity: Identity) -> tuple[str, CheckStatus, str]:
    if required.phase and required.phase not in identity.phases:
        phase = required.phase
        return f"phase_{phase}_is_offered", "unsupported", f"phase {phase} is not in this engine"
    kind = required.id.partition("-")[0]
    if required.id.endswith("_latency"):
        name, why = LATENCIES
    else:
        name, why = CANNOT_SHOW.get(required.id) or CANNOT_SHOW.get(kind, OTHERS)
    return f"shows_{name}", "unproven", f"a recording cannot prove this: {why}"
