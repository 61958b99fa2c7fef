"""The audit in words: its table, its cases, and the page for readers of the repository."""

from __future__ import annotations

from collections.abc import Iterator

from jinja2 import Environment, PackageLoader, StrictUndefined

from quotemark.audit.comparison import (
    CALIBRATIONS,
    MEASURES,
    Effect,
    Measure,
)
from quotemark.audit.findings import Audit, Finding, Shown
from quotemark.audit.walk import walk
from quotemark.gate_sets import named
from quotemark.incidents import incident_steps
from quotemark.suite.market import GATES

PHASE_NAMES = {
    1: "Kalman drift",
    2: "continuous gamma",
    3: "directional flow",
    4: "expected PnL filter",
    5: "adaptation",
    6: "funding",
    7: "book",
    8: "tape, other markets",
}
HEADINGS: dict[Measure, str] = {
    "loss": "loss, USD",
    "inventory": "inventory, contracts",
    "liveness": "liveness, s",
    "drift_erased": "drift erased",
}


def table_rows(audit: Audit) -> list[list[str]]:
    """Return headings, then a row a phase and calibration: how often it is worse, and how much."""
    rows = [["phase", "calibration", *HEADINGS.values()]]
    for phase in GATES:
        for calibration in CALIBRATIONS:
            cells = [
                _cell(audit.finding(f"{calibration}-{phase}-{measure}")) for measure in MEASURES
            ]
            rows.append([f"{phase} {PHASE_NAMES[phase]}", calibration, *cells])
    return rows


def _cell(finding: Finding) -> str:
    if finding.worst is None:
        return f"0 of {finding.compared}"
    return f"{finding.worse} of {finding.compared}: {extent(finding.worst.effect, finding.measure)}"


def extent(found: Effect, measure: Measure) -> str:
    """How much worse an effect makes a measure, in its unit."""
    much = found.extent(measure)
    if measure == "drift_erased":
        return f"{much:.1%}".replace("%", " %")
    if measure == "liveness":
        return f"+{much / 1000.0:.1f}"
    return f"+{much:.3f}" if measure == "loss" else f"+{much:.2f}"


def sides(found: Effect, measure: Measure) -> str:
    """What a measure is without the phase and with it."""
    if measure == "drift_erased":
        left = round(found.with_phase, 2) + 0.0  # no -0.00
        return f"{found.without:.2f} -> {left:.2f} bp/s"
    if measure == "loss":
        return f"{found.without:.3f} -> {found.with_phase:.3f} USD"
    if measure == "liveness":
        return f"{found.without / 1000.0:.1f} -> {found.with_phase / 1000.0:.1f} s"
    return f"{found.without:.2f} -> {found.with_phase:.2f} contracts"


def kept_of_all(shown: Shown) -> str:
    """How many steps of an incident a case has kept, of how many."""
    whole, kept = incident_steps(shown.comparison.incident), shown.comparison.kept
    assert kept is not None
    return f"{len(kept.tape) + len(kept.layer)} of {len(whole.tape) + len(whole.layer)} steps"


def case_lines(finding: Finding) -> Iterator[str]:
    """Show the worst and the smallest case of a finding, and retrace the smallest."""
    if finding.worst is None:
        yield f"{finding.id}: no incident shows it, in {finding.compared} comparisons"
        return
    yield f"{finding.id}: worse in {finding.worse} of {finding.compared} comparisons"
    yield from _shown_lines("worst", finding.worst, finding.measure)
    if finding.smallest is not None:
        yield ""
        yield from _shown_lines("smallest", finding.smallest, finding.measure)
        yield f"            {kept_of_all(finding.smallest)}:"
        yield ""
        yield from walk(finding.smallest, finding.measure)


def _shown_lines(what: str, shown: Shown, measure: Measure) -> Iterator[str]:
    yield f"  {what:<8}  {shown.comparison}"
    yield f"            {HEADINGS[measure].partition(',')[0]}: {sides(shown.effect, measure)}"


def render_page(audit: Audit) -> str:
    """Render the page for readers of the repository; the same audit gives the same page."""
    environment = Environment(
        loader=PackageLoader("quotemark.audit"),
        autoescape=False,  # noqa: S701 - Markdown of our own figures
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(markdown=_markdown, sides=sides, extent=extent, named=named)
    return environment.get_template("audit.md.j2").render(
        audit=audit,
        rows=table_rows(audit),
        case_rows=_case_rows(audit),
        finding=audit.finding,
        with_filter=lambda id_: sum(4 in beside for beside in audit.finding(id_).beside),
        retraced=lambda id_: "\n".join(
            walk(_smallest(audit.finding(id_)), audit.finding(id_).measure)
        ),
    )


def _smallest(finding: Finding) -> Shown:
    assert finding.smallest is not None
    return finding.smallest


def _case_rows(audit: Audit) -> list[list[str]]:
    rows = [["worst", "what", "smallest", "what", "steps", "run it"]]
    for one in audit.worse():
        assert one.worst is not None
        smallest = _smallest(one)
        rows.append(
            [
                _place(one.worst),
                sides(one.worst.effect, one.measure),
                _place(smallest),
                sides(smallest.effect, one.measure),
                kept_of_all(smallest).removesuffix(" steps"),
                f"`quotemark audit --case {one.id}`",
            ]
        )
    return rows


def _place(shown: Shown) -> str:
    return f"beside {named(shown.comparison.beside)}: {shown.comparison.incident}"


def _markdown(rows: list[list[str]]) -> str:
    head, *body = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([head, "|" + "---|" * len(rows[0]), *body])
