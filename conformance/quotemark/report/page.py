"""The report: one HTML file, with the verdict first, then the evidence, then the replays.

It is self-contained: it loads nothing, so it can be mailed, archived, printed and read offline. The
page itself is ``templates/report.html.j2``; here its contents are put in order. Everything that
comes from an engine, a scenario or a tape is text, and escaped as such.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from jinja2 import Environment, PackageLoader, StrictUndefined

from quotemark import __version__
from quotemark.ablation import AblationRow
from quotemark.replay import Replay
from quotemark.report.charts import CLOCK_FROM_MS, Panel, draw_panels, drawn_every, signed
from quotemark.report.sections import ReplaySection
from quotemark.results import (
    REQUIREMENT_STATUSES,
    Certification,
    RequirementResult,
)
from quotemark.suite.feb19 import largest_position
from quotemark.venue import Fill

MARKS = {
    "proven": "✓",
    "passed": "✓",
    "violated": "✗",
    "failed": "✗",
    "waived": "~",
    "unproven": "?",
    "unsupported": "–",
}
"""What stands before a status in words, so that it is told by more than its colour."""

MOST_FILLS = 200
"""Fills listed of an engine; the page says how many there are."""


@dataclass(frozen=True)
class _Phase:
    title: str
    results: list[RequirementResult]


@dataclass(frozen=True)
class _Engine:
    """An engine's replay as the page shows it."""

    label: str
    run: Replay
    largest_position: float
    refused: int
    listed_fills: list[Fill]


@dataclass(frozen=True)
class _Ablation:
    """The ablation as a grid: one line an engine, one cell a reach."""

    reaches_bps: list[float]
    lines: list[tuple[str, list[AblationRow]]]


@dataclass(frozen=True)
class _Section:
    section: ReplaySection
    engines: list[_Engine]
    panels: list[Panel]
    drawn_every: int
    ablation: _Ablation | None


def render_report(certification: Certification | None, replays: Sequence[ReplaySection]) -> str:
    """Render the report; the same results give the same page."""
    environment = Environment(
        loader=PackageLoader("quotemark.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(signed=signed, time=_time)
    return environment.get_template("report.html.j2").render(
        certification=certification,
        phases=_phases(certification) if certification else [],
        violated=_violated(certification) if certification else [],
        replays=[_section(section, f"{number}") for number, section in enumerate(replays)],
        marks=MARKS,
        suite=__version__,
        clock_from_ms=CLOCK_FROM_MS,
    )


def _phases(certification: Certification) -> list[_Phase]:
    """Requirements by phase, the worst first in each."""
    numbers = sorted({result.requirement.phase for result in certification.requirements})
    return [
        _Phase(
            title=f"Phase {number}" if number else "All phases",
            results=sorted(
                (one for one in certification.requirements if one.requirement.phase == number),
                key=lambda result: REQUIREMENT_STATUSES.index(result.status),
            ),
        )
        for number in numbers
    ]


def _violated(certification: Certification) -> list[str]:
    """Ids of what is violated, the weakest first."""
    return [one.requirement.id for one in certification.ranked() if one.status == "violated"]


def _section(section: ReplaySection, salt: str) -> _Section:
    return _Section(
        section=section,
        engines=[_engine(label, run) for label, run in section.runs],
        panels=draw_panels(section.runs, salt),
        drawn_every=max((drawn_every(run) for _, run in section.runs), default=1),
        ablation=_ablation(section.ablation) if section.ablation else None,
    )


def _engine(label: str, run: Replay) -> _Engine:
    return _Engine(
        label=label,
        run=run,
        largest_position=largest_position(run),
        refused=sum(count for answer, count in run.answers.items() if answer != "ok"),
        listed_fills=run.fills[:MOST_FILLS],
    )


def _ablation(rows: Sequence[AblationRow]) -> _Ablation:
    reaches = sorted({row.reach_bps for row in rows})
    cells = {(row.engine, row.reach_bps): row for row in rows}
    engines = dict.fromkeys(row.engine for row in rows)
    return _Ablation(
        reaches, [(engine, [cells[engine, reach] for reach in reaches]) for engine in engines]
    )


def _time(t_ms: int) -> str:
    if t_ms < CLOCK_FROM_MS:
        return f"{t_ms / 1000.0:.3f} s"
    return datetime.fromtimestamp(t_ms / 1000.0, UTC).strftime("%H:%M:%S.") + f"{t_ms % 1000:03d}"
