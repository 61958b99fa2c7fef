"""How long a certification takes, from the command to its report, and how long that takes to open.

The command is run as a user runs it, in a process of its own, with two workers.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from msgspec.structs import replace
from playwright.sync_api import Browser, sync_playwright
from tests.benchmarks import rust
from tests.benchmarks.measure import (
    QUICK,
    AbsentError,
    Contender,
    Effort,
    Row,
    Table,
    compare,
    timed,
)
from tests.benchmarks.page import duration

ROUNDS = 3
QUICK_OPTIONS = ("--quick", "--steps", "500")
QUOTEMARK = str(Path(sys.executable).with_name("quotemark"))
RUST = "Rust engine"
EMPTY_PAGE = "<!doctype html><title>empty</title><p>empty"


class _Check(msgspec.Struct):
    status: str


class _Certification(msgspec.Struct):
    checks: list[_Check]
    fuzz_steps: int


class _Printed(msgspec.Struct):
    """What is read here of what ``certify --json`` prints."""

    certification: _Certification


def tables(effort: Effort) -> list[Table]:
    """Measure whole runs, then the report of one."""
    with TemporaryDirectory() as folder:
        report = Path(folder) / "reference.html"
        return [_runs_table(effort, report), _report_table(effort, report)]


def _runs_table(effort: Effort, report: Path) -> Table:
    options = QUICK_OPTIONS if effort == QUICK else ()
    found: dict[str, _Certification] = {}

    def certifying(name: str, engine: Callable[[], str], report: Path) -> Contender:
        command = [QUOTEMARK, "certify", engine(), *options, "--report", str(report), "--json"]

        def work() -> None:
            found[name] = _certified(command)

        return Contender(lambda: timed(work, 1))

    table = compare(
        f"Certification, `{' '.join(['quotemark certify ENGINE', *options])}`",
        "a run",
        {
            "reference": lambda: certifying("reference", lambda: "reference", report),
            RUST: lambda: certifying(RUST, rust.engine, report.with_name("rust.html")),
        },
        min(effort.rounds, ROUNDS),
    )
    return replace(table, notes=[_a_check(row, found[row.name]) for row in table.rows])


def _a_check(row: Row, found: _Certification) -> str:
    ran = sum(check.status in ("passed", "failed") for check in found.checks)
    return (
        f"{row.name}: {ran} checks and {found.fuzz_steps:,} fuzz steps in the median run, so"
        f" {duration(row.seconds.median / ran)} a check."
    )


def _certified(command: list[str]) -> _Certification:
    """Run ``certify``; an engine that is not conformant is timed as well."""
    done = subprocess.run(command, check=False, capture_output=True)
    if not done.stdout:
        raise AssertionError(f"{command} printed nothing: {done.stderr.decode()}")
    return msgspec.json.decode(done.stdout, type=_Printed).certification


def _report_table(effort: Effort, report: Path) -> Table:
    empty = report.with_name("empty.html")
    empty.write_text(EMPTY_PAGE, "utf-8")
    with ExitStack() as browsers:
        browser = cache(partial(_browser, browsers))

        def opening(page: Path) -> Contender:
            size = f"{page.stat().st_size / 1e3:,.0f} kB"
            return Contender(partial(timed, partial(_open, browser(), page), 1), size)

        return compare(
            "Opening a report in headless chromium",
            "a page",
            {
                "an empty page": partial(opening, empty),
                "the reference's report": partial(opening, report),
            },
            effort.rounds,
            ["Until all is loaded and laid out, in a window of its own each time."],
        )


def _browser(browsers: ExitStack) -> Browser:
    chromium = shutil.which("chromium")
    if chromium is None:
        raise AbsentError("chromium is not installed")
    playwright = browsers.enter_context(sync_playwright())
    browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
    browsers.callback(browser.close)
    return browser


def _open(browser: Browser, page: Path) -> None:
    context = browser.new_context()
    shown = context.new_page()
    shown.goto(page.as_uri())
    assert shown.evaluate("document.documentElement.scrollHeight") > 0
    context.close()
