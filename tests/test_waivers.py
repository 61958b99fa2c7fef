"""Waivers: what they excuse, when they are stale, and how a run with them ends."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace

import quotemark
from quotemark.adapters import make_engine
from quotemark.errors import InputError
from quotemark.results import Certification, CheckResult, CheckStatus, Waiver, WaiverResult
from quotemark.suite.runner import certify
from quotemark.text import certification_lines, verdict_line
from quotemark.waivers import apply_waivers, load_waivers

QUOTEMARK = str(Path(sys.executable).with_name("quotemark"))
WRONG = f"stdio:{sys.executable} {Path(quotemark.__file__).parent / 'examples/wrong_engine.py'}"
TODAY = date(2026, 2, 19)
LATER = date(9999, 12, 31)

FILE = """
[[waiver]]
check = "phase2.gamma_rises_strictly"
owner = "Ana"
reason = "mended in the next release"
expires = 2026-12-31
"""


# --- the file ---------------------------------------------------------------------------------


def write(folder: Path, text: str) -> Path:
    path = folder / "waivers.toml"
    path.write_text(text, "utf-8")
    return path


def test_a_file_is_read_as_it_stands(tmp_path: Path) -> None:
    other = FILE.replace("phase2.gamma_rises_strictly", "phase1.other").replace("Ana", "Ben")
    assert load_waivers(write(tmp_path, FILE + other)) == [
        Waiver(check, owner, "mended in the next release", date(2026, 12, 31))
        for check, owner in (("phase2.gamma_rises_strictly", "Ana"), ("phase1.other", "Ben"))
    ]
    assert load_waivers(write(tmp_path, "")) == []


MISTAKES = {
    "no TOML": ("[[waiver", "Expected ']]'"),
    "another table": (FILE.replace("waiver", "waivers"), "unknown field `waivers`"),
    "no list": ("waiver = 1", r"Expected `array`, got `int` - at `\$.waiver`"),
    "no check": (FILE.replace("check", "name"), "unknown field `name`"),
    "no owner": (FILE.replace('owner = "Ana"\n', ""), "missing required field `owner`"),
    "empty owner": (FILE.replace("Ana", ""), r"`str` of length >= 1 - at `\$.waiver\[0\].owner`"),
    "empty reason": (FILE.replace("mended in the next release", ""), r"\.reason`"),
    "reason that is a number": (
        FILE.replace('"mended in the next release"', "7"),
        r"Expected `str`, got `int` - at `\$.waiver\[0\].reason`",
    ),
    "day that is text": (FILE.replace("2026-12-31", '"soon"'), r"\.expires`"),
    "day with a time": (FILE.replace("2026-12-31", "2026-12-31T10:00:00Z"), r"\.expires`"),
    "day that is none": (FILE.replace("2026-12-31", "2026-02-30"), "waivers.toml: "),
    "the same check twice": (FILE + FILE, "2 waivers of phase2.gamma_rises_strictly, expected one"),
}


@pytest.mark.parametrize(("text", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_in_the_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as refused:
        load_waivers(write(tmp_path, text))
    assert str(refused.value).startswith(str(tmp_path / "waivers.toml"))


def test_a_file_that_is_no_text_or_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "waivers.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match=r"waivers\.toml: .*utf-8"):
        load_waivers(tmp_path / "waivers.toml")
    with pytest.raises(InputError, match=r"none\.toml: No such file"):
        load_waivers(tmp_path / "none.toml")


# --- what they do to results ------------------------------------------------------------------


def result(check: str, status: CheckStatus) -> CheckResult:
    return CheckResult(check, ("D-08",), "inventory", status, "as it is")


def waiver(check: str, expires: date = LATER) -> Waiver:
    return Waiver(check, "Ana", "known", expires)


def test_a_waiver_excuses_the_failed_check_that_it_names_and_no_other() -> None:
    results = [result("a", "failed"), result("b", "failed"), result("c", "passed")]
    judged, used = apply_waivers(results, [waiver("b")], TODAY)
    assert judged == [results[0], replace(results[1], status="waived"), results[2]]
    assert used == [WaiverResult(waiver("b"))]
    assert apply_waivers(results, [], TODAY) == (results, [])


@pytest.mark.parametrize("days", [-400, -1, 0, 1, 400])
def test_a_waiver_holds_to_the_end_of_its_day(days: int) -> None:
    expires = TODAY + timedelta(days=days)
    [judged], [used] = apply_waivers([result("a", "failed")], [waiver("a", expires)], TODAY)
    assert judged.status == "waived"
    assert used.stale == (f"it expired on {expires}" if days < 0 else "")


@pytest.mark.parametrize(
    ("status", "why"),
    [
        ("passed", "the check passes"),
        ("unproven", "the check is unproven, there is nothing to waive"),
        ("unsupported", "the check is unsupported, there is nothing to waive"),
    ],
)
def test_a_waiver_of_a_check_that_does_not_fail_is_stale(status: CheckStatus, why: str) -> None:
    [judged], [used] = apply_waivers([result("a", status)], [waiver("a")], TODAY)
    assert judged.status == status
    assert used.stale == why


def test_a_waiver_of_no_check_that_ran_is_stale() -> None:
    _, [used] = apply_waivers([result("a", "failed")], [waiver("A")], TODAY)
    assert used.stale == "no such check was run"


# --- what they do to a verdict ----------------------------------------------------------------


def certified(*waivers: Waiver) -> Certification:
    """Certify the example that is wrong on purpose: its drift fails some checks."""
    return certify(partial(make_engine, WRONG), phases=[1], fuzz_steps=100, waivers=waivers)


@pytest.fixture(scope="module")
def found() -> dict[CheckStatus, list[str]]:
    """Checks by what they find of it."""
    checks: dict[CheckStatus, list[str]] = {}
    for one in certified().checks:
        checks.setdefault(one.status, []).append(one.check)
    return checks


@pytest.fixture
def failing(found: dict[CheckStatus, list[str]]) -> list[str]:
    return found["failed"]


def test_a_requirement_whose_failures_are_all_waived_is_waived(failing: list[str]) -> None:
    certification = certified(*map(waiver, failing))
    waived = {one.requirement.id for one in certification.requirements if one.status == "waived"}
    assert waived >= {"D-01", "A-drift"}
    assert certification.counts()["violated"] == 0
    assert certification.conformant
    assert verdict_line(certification).startswith(f"CONFORMANT WITH {len(waived)} WAIVED: ")
    lines = certification_lines(certification)
    for check in failing:
        assert f"  waiver of {check} until 9999-12-31, by Ana: known" in lines


def test_a_failure_that_is_not_waived_still_violates(failing: list[str]) -> None:
    first, *others = failing
    assert others
    certification = certified(*map(waiver, others))
    assert not certification.sound
    assert verdict_line(certification).startswith("NOT CONFORMANT: ")
    violated = [one for one in certification.requirements if one.status == "violated"]
    assert all(first in [check.check for check in one.checks] for one in violated)


def test_a_stale_waiver_alone_spoils_the_verdict(found: dict[CheckStatus, list[str]]) -> None:
    certification = certified(*map(waiver, [*found["failed"], found["passed"][0]]))
    assert certification.sound
    assert not certification.conformant
    assert verdict_line(certification).startswith("NOT CONFORMANT: ")
    assert verdict_line(certification).endswith("; stale waivers: 1")
    assert "    stale: the check passes" in certification_lines(certification)


# --- how a run ends ---------------------------------------------------------------------------


def run(folder: Path, *waivers: str) -> subprocess.CompletedProcess[str]:
    """Certify the same example with waivers of checks, each written ``check until``."""
    text = "".join(
        f'[[waiver]]\ncheck = "{check}"\nowner = "Ana"\nreason = "known"\nexpires = {until}\n'
        for check, until in map(str.split, waivers)
    )
    options = ("--phase", "1", "--steps", "100", "--workers", "1", "--report", "run.html")
    return subprocess.run(
        [QUOTEMARK, "certify", WRONG, *options, "--waivers", str(write(folder, text))],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.whole_suite
def test_the_exit_code_tells_what_is_to_be_done(tmp_path: Path, failing: list[str]) -> None:
    valid = [f"{check} 9999-12-31" for check in failing]
    done = run(tmp_path, *valid)
    assert (done.returncode, done.stderr) == (0, "")
    assert "CONFORMANT WITH" in done.stdout
    done = run(tmp_path, f"{failing[0]} 2026-01-31", *valid[1:])
    assert (done.returncode, done.stderr) == (4, "")
    assert "    stale: it expired on 2026-01-31" in done.stdout.splitlines()
    done = run(tmp_path, *valid[1:], "phase1.no_such_check 9999-12-31")
    assert (done.returncode, done.stderr) == (1, "")
    lines = (tmp_path / "run.jsonl").read_text("utf-8").splitlines()
    events = [event for event in map(json.loads, lines) if event["event"] == "waiver"]
    assert {event["check"]: event["stale"] for event in events} == {
        **dict.fromkeys(failing[1:], ""),
        "phase1.no_such_check": "no such check was run",
    }


def test_a_file_that_cannot_be_read_ends_the_run_before_it_begins(tmp_path: Path) -> None:
    done = run(tmp_path, "a never")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("quotemark: ")
    assert "waivers.toml: " in done.stderr
    assert not (tmp_path / "run.jsonl").exists()
