"""The Markdown summary: what it says, and that an engine can neither break nor mark it up."""

from __future__ import annotations

import re
import string
from datetime import date

import pytest
from msgspec.structs import replace
from tests.evidence import made

from quotemark import __version__
from quotemark.evidence.summary import escaped, markdown_summary
from quotemark.outcomes import Ends, Outcome, PhaseOutcomes
from quotemark.results import Certification, TierLatency, Waiver, WaiverResult

FAILED = "phase1.process_noise_is_exact"
HOSTILE = (
    "| <script>alert(1)</script> [x](http://e.e) ![i](//e.e) **b** _i_ `c` ~~s~~ &amp; a@b.co"
    " www.e.e \\| #1\n\n# h\n- l\n\n```\x1b[31m\u202e"
)


@pytest.fixture(scope="module")
def certified() -> Certification:
    return made.certification()


def rows_of(markdown: str) -> list[list[str]]:
    """Cells of all tables, their headers too."""
    return [
        line.strip("| ").split(" | ") for line in markdown.splitlines() if line.startswith("| ")
    ]


def test_the_verdict_comes_first_and_then_the_counts(certified: Certification) -> None:
    shown = markdown_summary(certified, "out/the report.html")
    proven = len(certified.requirements)
    assert shown == (
        "## quotemark: CONFORMANT\n\n"
        f"Engine **reference** {__version__}, phases 1-8, level L2, suite {__version__}, seed 1,"
        " 200000 fuzz steps\n\n"
        "| proven | violated | waived | unproven | unsupported |\n"
        "| --- | --- | --- | --- | --- |\n"
        f"| {proven} | 0 | 0 | 0 | 0 |\n\n"
        "[The report](out/the%20report.html)\n"
    )


def test_what_is_violated_is_listed_with_why(certified: Certification) -> None:
    failing = made.with_check(certified, FAILED, "failed", "expected 1, got 2\n  reproduce x")
    shown = markdown_summary(replace(failing, diagnoses=["drift behaves like linear-q"]))
    assert shown.index("### Violated") < shown.index("### Diagnosis")
    rows = rows_of(shown)
    violated = next(row for row in rows if row[0] == "D-01")
    assert violated[1:3] == ["L2", "1"]
    assert violated[3].startswith(
        "The variance added over a step is the exact integral q/(2 theta)"
    )
    assert violated[4] == f"`{FAILED}`: expected 1, got 2"
    assert "reproduce" not in shown
    assert "- drift behaves like linear-q\n" in shown


def test_an_unproven_requirement_says_what_is_missing(certified: Certification) -> None:
    check = next(one for one in certified.checks if "G-4" in one.proves)
    missing = [
        replace(one, status="unproven", message="fields not declared: bids")
        if set(one.proves) & set(check.proves)
        else one
        for one in certified.checks
    ]
    shown = markdown_summary(made.judged(replace(certified, checks=missing)))
    assert shown.index("### Unproven") < shown.index("| G-4 |")
    row = next(row for row in rows_of(shown) if row[0] == "G-4")
    assert row[4].endswith("`: fields not declared: bids")


def test_waivers_latencies_and_worse_outcomes_are_shown(certified: Certification) -> None:
    waiver = Waiver(FAILED, "Ana", "next release", date(2026, 3, 1))
    first = certified.outcomes[0].incidents[0]
    worse = Ends(first.incident, Outcome(-1.5, 7.25, 4500), Outcome(-1.0, 7.25, 0))
    outcomes = [
        PhaseOutcomes(3, (1, 2, 3), (1, 2), [worse, *certified.outcomes[0].incidents[1:]]),
        PhaseOutcomes(8, (1, 8), (1,), [], unknown="it has no phase 8"),
    ]
    shown = markdown_summary(
        replace(
            certified,
            waivers=[WaiverResult(waiver, "it expired on 2026-03-01")],
            outcomes=outcomes,
            latencies=[TierLatency("hot", 1.0, 250.0, 300.4)],
        )
    )
    assert shown.startswith("## quotemark: NOT CONFORMANT\n")
    rows = rows_of(shown)
    stale = ["Ana", "2026-03-01", "next release", "stale: it expired on 2026-03-01"]
    assert [escaped(FAILED), *stale] in rows
    incident = escaped(str(first.incident))
    ends = ["loss, liveness", "-1.500, 7.25, 4.5 s", "-1.000, 7.25, 0 s"]
    assert ["3", incident, *ends] in rows
    assert ["8", "not run", "it has no phase 8", "", ""] in [[*row, "", ""][:5] for row in rows]
    assert ["hot", "1", "0.250", "0.300"] in rows


def test_nothing_that_an_engine_says_is_markup(certified: Certification) -> None:
    identity = replace(certified.identity, name=HOSTILE, version=HOSTILE)
    hostile = made.with_check(replace(certified, identity=identity), FAILED, "failed", HOSTILE)
    plain = made.with_check(certified, FAILED, "failed", "it")
    shown, harmless = (markdown_summary(one) for one in (hostile, plain))
    assert [line[:2] for line in shown.splitlines()] == [line[:2] for line in harmless.splitlines()]
    assert [len(row) for row in rows_of(shown)] == [len(row) for row in rows_of(harmless)]
    said = escaped(HOSTILE)
    assert said in shown
    read = set(string.punctuation) - set("&#;") - set(",;+=%'()/-")
    assert "&#64;b" not in said
    assert said.count("&#65533;") == 2  # for what does not print; new lines are spaces
    assert not set(re.sub(r"&#\d+;(<!-- -->)?", "", said)) & (read | set("&#<>\n\x1b\u202e"))
    assert escaped("a: 1.5. b") == "a: 1.5. b"
