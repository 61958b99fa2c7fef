"""Results as plain lines of text: the same on a terminal, in a pipe and in a log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from quotemark.ablation import AblationRow
from quotemark.pushes import insufficient_depths, source_summaries
from quotemark.replay import Replay
from quotemark.results import Certification, RequirementResult
from quotemark.sensitivity import SensitivityRow

STATUS_ORDER = ("violated", "unproven", "unsupported", "proven")


def table(rows: Sequence[Sequence[str]], *, indent: str = "  ") -> list[str]:
    """Align columns; the first is left-aligned, figures in the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        indent
        + "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def certification_lines(certification: Certification) -> list[str]:
    """Every requirement by phase with its status, what failed, and the verdict last."""
    phases = ", ".join(map(str, certification.phases))
    lines = [
        f"{certification.engine} {certification.version} ({certification.digest[:19]}...)",
        f"phases {phases}; level {certification.level}; seed {certification.seed};"
        f" suite {certification.suite}",
    ]
    for phase in sorted({result.requirement.phase for result in certification.requirements}):
        lines += ["", f"Phase {phase}" if phase else "All phases"]
        results = [one for one in certification.requirements if one.requirement.phase == phase]
        for result in results:
            lines += _requirement_lines(result)
    return [*lines, "", *latency_lines(certification), verdict_line(certification)]


def latency_lines(certification: Certification) -> list[str]:
    """Cycle times by tier against the plan's budgets; empty where none were measured."""
    if not certification.latencies:
        return []
    rows = [
        ["tier", "budget ms", "median ms", "99 % ms"],
        *(
            [
                latency.tier,
                f"{latency.budget_ms:g}",
                f"{latency.median_us / 1e3:.3f}",
                f"{latency.p99_us / 1e3:.3f}",
            ]
            for latency in certification.latencies
        ),
    ]
    return ["A cycle of all phases over the port, on this machine", *table(rows), ""]


def verdict_line(certification: Certification) -> str:
    """Return the verdict and the counts behind it."""
    counts = certification.counts()
    numbers = ", ".join(
        f"{counts[status]} {status}" for status in ("proven", "violated", "unproven", "unsupported")
    )
    return f"{'CONFORMANT' if certification.conformant else 'NOT CONFORMANT'}: {numbers}"


def _requirement_lines(result: RequirementResult) -> Iterable[str]:
    requirement = result.requirement
    yield f"  {result.status:<11}  {requirement.id}  {requirement.statement}"
    for check in result.checks:
        if check.status == "failed":
            yield f"               {check.check}: {check.message}"
    if result.status in ("unproven", "unsupported"):
        reasons = sorted({check.message for check in result.checks if check.message})
        yield from (f"               {reason}" for reason in reasons)


def replay_lines(runs: Sequence[tuple[str, Replay]]) -> list[str]:
    """Engines side by side: cycles, fills, position and PnL with its split."""
    rows = [
        ["engine", "cycles", "fills", "position", "PnL net", "spread", "inventory", "fees"],
        *(
            [
                label,
                str(len(run.frames)),
                str(len(run.fills)),
                f"{run.account.position:+.3f}",
                f"{run.account.net:+.3f}",
                f"{run.account.spread:+.3f}",
                f"{run.account.inventory:+.3f}",
                f"{-run.account.fees:+.3f}",
            ]
            for label, run in runs
        ),
    ]
    return [*table(rows), *(line for label, run in runs for line in _remarks(label, run))]


def _remarks(label: str, run: Replay) -> Iterable[str]:
    if run.own_fills_left_out:
        yield (
            f"  {label}: {run.own_fills_left_out} own fills on the tape left out;"
            " they belong to whoever recorded it"
        )
    for answer, count in sorted(run.answers.items()):
        if answer != "ok":
            yield f"  {label}: {count} steps {answer}"
    if run.first_rejection is not None:
        yield f"  {label}: first rejected: {run.first_rejection}"


def source_lines(label: str, run: Replay) -> list[str]:
    """What moved an engine's drift, source by source; empty where it does not show it."""
    summaries = source_summaries(run.frames)
    if not summaries:
        return []
    rows = [
        ["source", "observations", "mean push bp/s", "mean |push| bp/s"],
        *(
            [
                summary.source,
                str(summary.observations),
                f"{summary.mean_push:+.4f}",
                f"{summary.mean_absolute_push:.4f}",
            ]
            for summary in summaries
        ),
    ]
    short = [
        f"  the book does not reach {depth_bps:g} bp in {count} of {len(run.frames)} cycles"
        for depth_bps, count in sorted(insufficient_depths(run.frames).items())
    ]
    return [f"What moved the drift of {label}", *table(rows), *short]


def ablation_lines(rows: Sequence[AblationRow]) -> list[str]:
    """One line an engine, a group of columns a reach: fills, position, PnL net."""
    reaches = sorted({row.reach_bps for row in rows})
    engines = list(dict.fromkeys(row.engine for row in rows))
    cells = {(row.engine, row.reach_bps): row for row in rows}
    header = ["engine", *(f"reach {reach:g} bp" for reach in reaches)]
    body = [
        [engine, *(_ablation_cell(cells[engine, reach]) for reach in reaches)] for engine in engines
    ]
    return [
        "Ablation: fills, position and PnL net, aggressors reaching further than recorded",
        *table([header, *body]),
    ]


def _ablation_cell(row: AblationRow) -> str:
    return f"{row.fills:>2} {row.position:+.2f} {row.net:+.3f}"


def sensitivity_lines(rows: Sequence[SensitivityRow]) -> list[str]:
    """One line a replay: how low the drift went, when bids went, and what it ended with."""
    header = [
        *("sources, layer", "phases", "depth USD", "lowest drift", "bids first gone", "with bids"),
        *("fills", "position", "largest", "PnL net"),
    ]
    body = [
        [
            f"{row.calibration}, {row.layer}",
            row.phases,
            "-" if row.depth_usd is None else f"{row.depth_usd:,.0f}",
            f"{row.lowest_drift_bps_per_s:+.2f}",
            "never" if row.bids_first_gone_ms is None else _clock(row.bids_first_gone_ms),
            f"{row.cycles_with_bids}/{row.cycles}",
            str(row.fills),
            f"{row.position:+.2f}",
            f"{row.largest_position:.2f}",
            f"{row.net:+.3f}",
        ]
        for row in rows
    ]
    return [
        "Sensitivity: the reference with everything on; nothing is claimed of the plan's constants",
        *table([header, *body]),
    ]


def _clock(t_ms: int) -> str:
    return datetime.fromtimestamp(t_ms / 1000.0, UTC).strftime("%H:%M:%S")
