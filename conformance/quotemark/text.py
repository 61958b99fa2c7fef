"""Results as plain lines of text: the same on a terminal, in a pipe and in a log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING

import msgspec

from quotemark.ablation import AblationRow
from quotemark.fuzz.campaign import Round
from quotemark.gate_sets import named
from quotemark.mutants.adequacy import KINDS, Adequacy, MutantResult, TrivialScore, kind_of
from quotemark.pushes import insufficient_depths, source_summaries
from quotemark.replay import Replay
from quotemark.report.sections import ReplaySection
from quotemark.results import (
    COUNTED_STATUSES,
    Certification,
    CheckResult,
    RequirementResult,
    WaiverResult,
)
from quotemark.sensitivity import SensitivityRow
from quotemark.suite.register import EVERY_COMPONENT

if TYPE_CHECKING:
    from quotemark.evidence.gate import Decision
    from quotemark.evidence.verification import Verification
    from quotemark.evidence.written import Written
    from quotemark.explanation import Explanation


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
    """Every requirement with its status, the violated first, and the verdict last."""
    identity = certification.identity
    phases = ", ".join(map(str, certification.phases))
    lines = [
        f"{identity.name} {identity.version} ({identity.digest[:19]}...)",
        f"phases {phases}; level {certification.level}; seed {certification.seed};"
        f" suite {certification.suite}; profile {certification.profile},"
        f" {certification.fuzz_steps} fuzz steps",
    ]
    lines += [f"{one.check}: {one.message}" for one in certification.checks if not one.proves]
    beyond = _beyond_a_recording(certification)
    told = [one for one in certification.ranked() if not any(one.checks == [it] for it in beyond)]
    for _, results in groupby(told, key=lambda result: result.status):
        lines += ["", *(line for result in results for line in _requirement_lines(result))]
    for check in beyond:
        lines += ["", f"  {check.status:<11}  {check.message}: {', '.join(check.proves)}"]
    for waiver in certification.waivers:
        lines += ["", *_waiver_lines(waiver)]
    lines += ["", *failure_lines(certification), *latency_lines(certification)]
    lines += outcome_lines(certification)
    return [*lines, *certification.diagnoses, verdict_line(certification)]


def _beyond_a_recording(certification: Certification) -> list[CheckResult]:
    """Checks that stand for all that a recording cannot prove, one a reason."""
    if certification.profile != "recorded":
        return []
    at_large = (one for one in certification.checks if one.component == EVERY_COMPONENT)
    return [one for one in at_large if one.proves]


def failure_lines(certification: Certification) -> list[str]:
    """Failures in full, those alike once; empty where the messages above are all there is."""
    lines = []
    for check in certification.checks:
        if check.status in ("failed", "waived") and "\n" in check.message and not check.same_as:
            lines += [check.check, *(f"  {line}" for line in check.message.splitlines()), ""]
    return lines


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
    """Return the verdict, the counts behind it, and the first thing to look at."""
    counts = certification.counts()
    numbers = ", ".join(f"{counts[status]} {status}" for status in COUNTED_STATUSES)
    line = f"{certification.verdict}: {numbers}"
    weakest = certification.weakest_violated()
    if weakest is not None:
        line += f"; weakest violated: {weakest.level} {weakest.id}"
    stale = sum(bool(one.stale) for one in certification.waivers)
    return f"{line}; stale waivers: {stale}" if stale else line


def _waiver_lines(result: WaiverResult) -> Iterable[str]:
    waiver = result.waiver
    yield f"  waiver of {waiver.check} until {waiver.expires}, by {waiver.owner}: {waiver.reason}"
    if result.stale:
        yield f"    stale: {result.stale}"


def _requirement_lines(result: RequirementResult) -> Iterable[str]:
    requirement = result.requirement
    yield f"  {result.status:<11}  {requirement.level}  {requirement.id}  {requirement.statement}"
    for check in result.checks:
        if check.status in ("failed", "waived"):
            first, *_ = check.message.splitlines() or [""]
            yield f"               {check.check}: {first}"
    if result.status in ("proven", "unproven", "unsupported"):
        reasons = sorted({check.message for check in result.checks if check.message})
        yield from (f"               {reason}" for reason in reasons)


def round_lines(finished: Round) -> list[str]:
    """Return what a round of a fuzz campaign found."""
    words = f"{len(finished.failed)} checks depart" if finished.failed else "nothing departs"
    lines = [f"seed {finished.seed}: {finished.steps} steps in {finished.seconds:.0f} s, {words}"]
    for check in finished.failed:
        lines += ["", *f"{check.check}: {check.message}".split("\n")]
    return lines


def campaign_line(rounds: Sequence[Round]) -> str:
    """Return the sum of a fuzz campaign."""
    steps, seconds = sum(one.steps for one in rounds), sum(one.seconds for one in rounds)
    words = "DEPARTED" if rounds[-1].failed else "nothing departed"
    return f"{words}: {len(rounds)} rounds, {steps} steps, {steps / seconds:.0f} a second"


def written_lines(written: Written) -> list[str]:
    """Return where the files of a run are."""
    certificate = written.certificate or f"none: {written.why_none}"
    return [
        f"report: {written.report}",
        f"event log: {written.log}",
        f"certificate: {certificate}",
    ]


def outcome_lines(certification: Certification) -> list[str]:
    """Return how the incidents end with each phase, compared with without; empty if not run."""
    if not certification.outcomes:
        return []
    lines = ["Incidents with each phase's flag on, beside the engine without it"]
    for one in certification.outcomes:
        beside = f"  phase {one.phase} beside {named(one.gates_without)}: "
        worse = one.worse()
        if one.unknown:
            lines.append(f"{beside}cannot be run: {one.unknown}")
        elif worse:
            lines.append(f"{beside}{len(worse)} of {len(one.incidents)} end worse")
            lines += [f"    {ends.incident}: {', '.join(ends.worse())}" for ends in worse]
        else:
            lines.append(f"{beside}none of {len(one.incidents)} ends worse")
    return [*lines, ""]


def verification_lines(verification: Verification) -> list[str]:
    """Return what was found of a certificate, a finding a line, and the verdict last."""
    words = "VERIFIED" if verification.passed else "NOT VERIFIED"
    return [
        *(f"  {one.status:<9}  {one.what:<11}  {one.message}" for one in verification.findings),
        f"{words}: {verification.certificate}",
    ]


def decision_lines(decision: Decision) -> list[str]:
    """Return the evidence for a phase's flag, then the settings, or that it stays off."""
    lines = []
    for one in decision.evidence:
        lines.append(f"  {'ok' if one.given else 'MISSING':<7}  {one.what}: {one.message}")
        lines += [f"           make it: {one.command}"] if one.command else []
    if not decision.is_open:
        missing = ", ".join(one.what for one in decision.evidence if not one.given)
        return [*lines, f"REFUSED: phase {decision.phase} stays off; missing: {missing}"]
    return [
        *lines,
        f"OPEN: phase {decision.phase} may be switched on",
        "",
        *decision.remarks,
        *(f"{name} = {'true' if is_on else 'false'}" for name, is_on in decision.settings.items()),
        "",
        msgspec.json.encode(decision.settings).decode(),
    ]


def explanation_lines(explanation: Explanation) -> list[str]:
    """Print a requirement, then its checks and its mutants, one a line."""
    requirement = explanation.requirement
    return [
        f"{requirement.id}: {requirement.statement}",
        f"phase: {requirement.phase or 'all'}",
        f"level: {requirement.level}",
        f"source: {requirement.source}",
        *(
            f"check {check.check} on {check.component} ({check.level}): {check.story}"
            for check in explanation.checks
        ),
        *(f"mutant {name}: {story}" for name, story in explanation.mutants.items()),
    ]


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


def section_lines(section: ReplaySection) -> list[str]:
    """Return a section: engines side by side, what moved their drift, and the tables with it."""
    lines = [section.title, *([section.notice] if section.notice else []), ""]
    lines += replay_lines(section.runs)
    for label, run in section.runs:
        moved = source_lines(label, run)
        lines += ["", *moved] if moved else []
    if section.ablation:
        lines += ["", *ablation_lines(section.ablation)]
    if section.sensitivity:
        lines += ["", *sensitivity_lines(section.sensitivity)]
    return lines


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


def adequacy_lines(adequacy: Adequacy) -> list[str]:
    """Mutant by mutant who refuses it, then the idle checks, the counts, and the verdict last."""
    lines = ["Mutants, and the checks that refuse them", *_mutant_lines(adequacy.mutants)]
    if adequacy.idle:
        lines += ["", "Checks that refuse none", *(f"  {name}" for name in adequacy.idle)]
    lines += ["", "Mutants by phase", *table(_phase_rows(adequacy.mutants))]
    lines += ["", "Mutants by the kinds of check that they met", *table(_kind_rows(adequacy))]
    if adequacy.trivial:
        lines += ["", "Trivial engines: requirements proven and violated, by phase"]
        lines += table(_trivial_rows(adequacy.trivial))
    count, survivors = len(adequacy.mutants), adequacy.survivors
    surviving = f"; surviving: {', '.join(survivors)}" if survivors else ""
    return [*lines, "", f"{count - len(survivors)} of {count} mutants killed{surviving}"]


def _mutant_lines(results: Sequence[MutantResult]) -> list[str]:
    names = max(len(result.mutant) for result in results)
    broken = max(len(result.breaks) for result in results)
    return [
        f"  {result.mutant:<{names}}  {result.breaks:<{broken}}  phase {result.phase or 'all':<3}"
        f"  {'' if result.killed else 'SURVIVES '}{', '.join(result.refused_by)}".rstrip()
        for result in results
    ]


def _phase_rows(results: Sequence[MutantResult]) -> list[list[str]]:
    rows = [["phase", "mutants", "killed", "survived"]]
    for phase in sorted({result.phase for result in results}):
        killed = [result.killed for result in results if result.phase == phase]
        counts = len(killed), sum(killed), len(killed) - sum(killed)
        rows.append([str(phase or "all"), *map(str, counts)])
    return rows


def _kind_rows(adequacy: Adequacy) -> list[list[str]]:
    rows = [["kind", "met", "killed", "survived"]]
    for kind in KINDS:
        met = [one for one in adequacy.mutants if any(kind_of(name) == kind for name in one.met)]
        killed = sum(any(kind_of(name) == kind for name in one.refused_by) for one in met)
        if met:
            rows.append([kind, str(len(met)), str(killed), str(len(met) - killed)])
    return rows


def _trivial_rows(scores: Sequence[TrivialScore]) -> list[list[str]]:
    phases = sorted({score.phase for score in scores})
    cells = {(score.engine, score.phase): f"{score.proven}/{score.violated}" for score in scores}
    engines = dict.fromkeys(score.engine for score in scores)
    header = ["engine", *(str(phase or "all") for phase in phases)]
    return [header, *([engine, *(cells[engine, phase] for phase in phases)] for engine in engines)]


def _clock(t_ms: int) -> str:
    return datetime.fromtimestamp(t_ms / 1000.0, UTC).strftime("%H:%M:%S")
