"""A Markdown summary, for the page of a CI job: the verdict, then what stands against it.

What an engine says is shown as text: no letter of it can be taken for Markdown or HTML.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from urllib.parse import quote

from quotemark.divergence import LONGEST_LINE, shortened
from quotemark.outcomes import Outcome
from quotemark.phases import named_phases
from quotemark.results import (
    COUNTED_STATUSES,
    Certification,
    CheckStatus,
    RequirementResult,
    RequirementStatus,
)

LISTED: dict[RequirementStatus, CheckStatus] = {
    "violated": "failed",
    "waived": "waived",
    "unproven": "unproven",
}
"""Requirements that are listed, with the status of the check that tells why."""

_READ = re.compile(r"[^\w\s,;+=%'()/.:-]|_|:(?=\S)|\.(?=\S)(?!(?<=\d\.)\d)")
"""What Markdown or HTML reads; point and colon only inside a word, where they may make a link."""


def escaped(text: str) -> str:
    """Text on one line, with an entity for each letter that Markdown or HTML could read.

    What does not print is replaced. An address is made a link after entities are read, and so is
    broken by a comment.
    """
    line = " ".join(text.split())
    shown = "".join(letter if letter.isprintable() else "\ufffd" for letter in line)
    entities = _READ.sub(lambda found: f"&#{ord(found[0])};", shown)
    return entities.replace("&#64;", "&#64;<!-- -->")


def markdown_summary(certification: Certification, report: str | None = None) -> str:
    """Return the summary; ``report`` is the way from it to the report."""
    blocks = [
        f"## quotemark: {certification.verdict}",
        _about(certification),
        "\n".join(_counts(certification)),
        *_requirement_blocks(certification),
        *_waiver_block(certification),
        *_diagnosis_block(certification),
        *_outcome_block(certification),
        *_latency_block(certification),
    ]
    if report is not None:
        blocks.append(f"[The report]({quote(report)})")
    return "\n\n".join(blocks) + "\n"


def _about(certification: Certification) -> str:
    identity = certification.identity
    return (
        f"Engine **{escaped(identity.name)}** {escaped(identity.version)},"
        f" phases {named_phases(certification.phases)}, level {certification.level},"
        f" suite {certification.suite}, seed {certification.seed},"
        f" {certification.fuzz_steps} fuzz steps"
    )


def _counts(certification: Certification) -> list[str]:
    counts = certification.counts()
    return _table(COUNTED_STATUSES, [[str(counts[status]) for status in COUNTED_STATUSES]])


def _requirement_blocks(certification: Certification) -> Iterator[str]:
    """What is not proven though the engine offers it: the worst first."""
    for status in LISTED:
        rows = [_row(one) for one in certification.ranked() if one.status == status]
        if rows:
            header = ["requirement", "level", "phase", "statement", "found"]
            yield f"### {status.capitalize()}"
            yield "\n".join(_table(header, rows))


def _row(result: RequirementResult) -> list[str]:
    required = result.requirement
    telling = next(one for one in result.checks if one.status == LISTED[result.status])
    first, *_ = telling.message.splitlines() or [""]
    return [
        escaped(required.id),
        required.level,
        str(required.phase or "all"),
        escaped(required.statement),
        f"`{telling.check}`: {escaped(shortened(first, LONGEST_LINE))}",
    ]


def _waiver_block(certification: Certification) -> Iterator[str]:
    if certification.waivers:
        yield "### Waivers"
        rows = [
            [
                escaped(one.waiver.check),
                escaped(one.waiver.owner),
                str(one.waiver.expires),
                escaped(one.waiver.reason),
                escaped(one.stale and f"stale: {one.stale}"),
            ]
            for one in certification.waivers
        ]
        yield "\n".join(_table(["check", "owner", "until", "reason", ""], rows))


def _diagnosis_block(certification: Certification) -> Iterator[str]:
    if certification.diagnoses:
        yield "### Diagnosis"
        yield "\n".join(f"- {escaped(one)}" for one in certification.diagnoses)


def _outcome_block(certification: Certification) -> Iterator[str]:
    """Incidents that end worse with a phase's flag on; no part of the verdict."""
    rows = []
    for one in certification.outcomes:
        if one.unknown:
            rows.append([str(one.phase), "not run", escaped(one.unknown), "", ""])
        for ends in one.worse():
            with_phase, without = ends.with_phase, ends.without
            rows.append(
                [
                    str(one.phase),
                    escaped(str(ends.incident)),
                    ", ".join(ends.worse()),
                    _outcome(with_phase),
                    _outcome(without),
                ]
            )
    if rows:
        yield "### Incidents that end worse with a phase"
        yield "PnL net, largest position, time without a needed quote; no part of the verdict."
        yield "\n".join(_table(["phase", "incident", "worse", "with it", "without"], rows))


def _outcome(end: Outcome) -> str:
    return f"{end.net:+.3f}, {end.largest_position:.2f}, {end.unquoted_ms / 1e3:g} s"


def _latency_block(certification: Certification) -> Iterator[str]:
    if certification.latencies:
        yield "### A cycle of all phases over the port, on this machine"
        rows = [
            [
                one.tier,
                f"{one.budget_ms:g}",
                f"{one.median_us / 1e3:.3f}",
                f"{one.p99_us / 1e3:.3f}",
            ]
            for one in certification.latencies
        ]
        yield "\n".join(_table(["tier", "budget ms", "median ms", "99 % ms"], rows))


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (header, ["---"] * len(header), *rows)]
