"""The report: one HTML file, with the verdict first, then the evidence, then the replays.

It is self-contained: it loads nothing, so it can be mailed, archived, printed and read offline. The
page itself is ``templates/report.html.j2``, which includes a template for each of its parts; here
the contents are put in order. Everything that comes from an engine, a scenario or a tape is text,
and escaped as such.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from jinja2 import Environment, PackageLoader, StrictUndefined

from quotemark import __version__
from quotemark.ablation import AblationRow
from quotemark.audit.findings import Audit
from quotemark.audit.page import kept_of_all, sides, table_rows
from quotemark.gate_sets import named
from quotemark.mutants import MUTANTS
from quotemark.outcomes import Ends
from quotemark.replay import Replay
from quotemark.report.charts import (
    Panel,
    draw_divergence,
    draw_panels,
    drawn_every,
    is_clock,
    signed,
)
from quotemark.report.sections import ReplaySection
from quotemark.results import (
    REQUIREMENT_STATUSES,
    Certification,
    CheckResult,
    RequirementResult,
)
from quotemark.suite.feb19 import largest_position
from quotemark.suite.register import requirements
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
    mutants: int


@dataclass(frozen=True)
class _Divergence:
    """A failed check with the picture of the field in which it departs."""

    check: CheckResult
    panel: Panel


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


def render_report(
    certification: Certification | None,
    replays: Sequence[ReplaySection],
    audit: Audit | None = None,
) -> str:
    """Render the report; the same results give the same page."""
    environment = Environment(
        loader=PackageLoader("quotemark.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(signed=signed, time=_time, named=named, worse=_worse, sides=sides)
    environment.tests.update(clock=is_clock)
    divergences = _divergences(certification) if certification else []
    return environment.get_template("report.html.j2").render(
        certification=certification,
        phases=_phases(certification) if certification else [],
        violated=_violated(certification) if certification else [],
        divergences=divergences,
        divergence_ids={
            one.check.check: f"divergence-{number}" for number, one in enumerate(divergences, 1)
        },
        mutants=_mutants(),
        replays=[_section(section) for section in replays],
        audit=audit,
        audit_rows=table_rows(audit) if audit else [],
        kept_of_all=kept_of_all,
        marks=MARKS,
        suite=__version__,
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
            mutants=sum(requirements()[one.breaks].phase == number for one in MUTANTS.values()),
        )
        for number in numbers
    ]


def _mutants() -> dict[str, list[str]]:
    """Names of the mutants that break a requirement, by its id."""
    by_requirement: dict[str, list[str]] = {}
    for mutant in MUTANTS.values():
        by_requirement.setdefault(mutant.breaks, []).append(mutant.name)
    return by_requirement


def _divergences(certification: Certification) -> list[_Divergence]:
    checks = {check.check: check for check in certification.checks}
    return [
        _Divergence(checks[series.check], draw_divergence(series))
        for series in certification.divergences
        if series.check in checks
    ]


def _worse(ends: Ends) -> str:
    """What is worse with a phase than without it, in words."""
    one, other = ends.with_phase, ends.without
    words = {
        "loss": f"loses {one.loss:.3f}, without it {other.loss:.3f}",
        "inventory": f"position up to {one.largest_position:.3f},"
        f" without it {other.largest_position:.3f}",
        "liveness": f"{one.unquoted_ms / 1e3:g} s without a needed quote,"
        f" without it {other.unquoted_ms / 1e3:g} s",
    }
    return "; ".join(words[measure] for measure in ends.worse())


def _violated(certification: Certification) -> list[str]:
    """Ids of what is violated, the weakest first."""
    return [one.requirement.id for one in certification.ranked() if one.status == "violated"]


def _section(section: ReplaySection) -> _Section:
    return _Section(
        section=section,
        engines=[_engine(label, run) for label, run in section.runs],
        panels=draw_panels(section.runs),
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
    if not is_clock(t_ms):
        return f"{t_ms / 1000.0:.3f} s"
    return datetime.fromtimestamp(t_ms / 1000.0, UTC).strftime("%H:%M:%S.") + f"{t_ms % 1000:03d}"
