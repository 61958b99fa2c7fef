"""``quotemark audit``: what the plan's phases do to the incidents."""

from __future__ import annotations

from pathlib import Path

import click

from quotemark.audit.findings import run_again
from quotemark.audit.page import case_lines, render_page, table_rows
from quotemark.audit.shipped import shipped_audit, written
from quotemark.audit.trials import audit_plan
from quotemark.cli.options import (
    WRITTEN_FILE,
    json_option,
    print_json,
    print_lines,
    progress,
    workers_option,
)
from quotemark.errors import InputError
from quotemark.files import write_whole
from quotemark.incidents import incidents
from quotemark.report.page import render_report
from quotemark.text import table


@click.command()
@click.option("--case", "case_id", metavar="ID", help="Retrace a case of the audit that ships.")
@click.option("--shipped", is_flag=True, help="Show the audit that ships, made before.")
@click.option("--markdown", type=WRITTEN_FILE, help="Page to write.")
@click.option("--report", type=WRITTEN_FILE, help="HTML report to write.")
@click.option("--save", type=WRITTEN_FILE, help="JSON file of all findings to write.")
@workers_option
@json_option
def audit(
    case_id: str | None,
    shipped: bool,
    markdown: Path | None,
    report: Path | None,
    save: Path | None,
    workers: int,
    as_json: bool,
) -> None:
    """Try the plan on the reference: every closed set of gates, incident and calibration.

    Each phase is held against the same gates without it. A cell says in how many comparisons it
    ends worse, and by how much at most. With --case, ID is such as plan-7-loss: its worst and its
    smallest case are run again.
    """
    if case_id is not None:
        if markdown or report or save:
            raise InputError("--case writes no file, expected it without --markdown and others")
        _retrace(case_id, as_json=as_json)
        return
    with progress() as show:
        found = shipped_audit() if shipped else audit_plan(list(incidents()), workers, show)
    if markdown:
        write_whole(markdown, render_page(found))
    if report:
        write_whole(report, render_report(None, [], audit=found))
    if save:
        write_whole(save, written(found))
    if as_json:
        print_json(found)
    else:
        print_lines(table(table_rows(found)))


def _retrace(case_id: str, *, as_json: bool) -> None:
    finding = run_again(shipped_audit().finding(case_id))
    if as_json:
        print_json(finding)
    else:
        print_lines(list(case_lines(finding)))
