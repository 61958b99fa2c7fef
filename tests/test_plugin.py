"""The pytest plugin, in a team's repository: one test a check, judged and summed up at the end."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

import psutil
import pytest

from quotemark.suite.checks import all_checks
from quotemark.suite.register import requirements

pytestmark = pytest.mark.whole_suite

DEADLINE_S = 120
"""Far beyond what any session takes: a test that hangs is ended by it."""

ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    if "PYTEST" not in name and name != "PYTHONDONTWRITEBYTECODE"
}
"""Nothing of the session that these tests are; and what was compiled is kept, or each compiles."""

PYTHON = f"stdio:{shlex.quote(sys.executable)}"
MINIMAL = f"{PYTHON} -m quotemark.examples.minimal_engine"
WRONG = f"{PYTHON} -m quotemark.examples.wrong_engine"
CHECKS = ("--pyargs", "quotemark.suite.test_checks", "--phase", "1")

FOUR = "decays_by_itself or process_noise or uncertainty_falls or engine_of_the_run"
"""Checks of phase 1: the first proves two requirements, the second breaks D-01 and D-02 with the
wrong engine, the third needs the quote cycle, the last is the closing one, of R-ends."""

CONFTEST = '''
"""A team's own fixtures, which are called as some of the suite's."""

import pytest


@pytest.fixture
def engine():
    raise RuntimeError("not the engine under test")


@pytest.fixture
def run():
    raise RuntimeError("not the suite's")
'''

OWN_TEST = """
import sys


def test_own():
    assert {name for name in sys.modules if name.startswith(("quotemark", "msgspec"))} == {
        *("quotemark", "quotemark.errors", "quotemark.phases", "quotemark.pytest_plugin")
    }
"""

HANGING = """
import os
import signal

from quotemark.examples import minimal_engine


def hang(method, params, step):
    with open("hanging", "w") as file:
        print(os.getpid(), file=file, flush=True)
    while True:
        signal.pause()


minimal_engine.act = hang
minimal_engine.main()
"""


class Done(NamedTuple):
    """How a session ended."""

    code: int
    stdout: str

    @property
    def summary(self) -> list[str]:
        """What the suite says at the end."""
        _, _, rest = self.stdout.partition(" quotemark ====")
        return re.split("\n=*[ =]", rest.partition("\n")[2])[0].splitlines()

    @property
    def outcomes(self) -> str:
        """Pytest's last line, without the time."""
        return self.stdout.splitlines()[-1].strip("= ").rpartition(" in ")[0]


class Team(NamedTuple):
    """A repository of a team that has the suite installed."""

    folder: Path

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]

    def run(self, *arguments: str) -> Done:
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=DEADLINE_S,
            check=False,
        )
        assert "Traceback" not in done.stdout + done.stderr
        assert "INTERNALERROR" not in done.stdout + done.stderr
        return Done(done.returncode, done.stdout + done.stderr)

    def waive(self, *waivers: tuple[str, str]) -> None:
        """Write a file of waivers: checks, and the days on which they expire."""
        text = "".join(
            f'[[waiver]]\ncheck = "{check}"\nowner = "Ana"\nreason = "known"\nexpires = {day}\n'
            for check, day in waivers
        )
        (self.folder / "waivers.toml").write_text(text, "utf-8")


@pytest.fixture
def team(tmp_path: Path) -> Team:
    """It is strict, has fixtures and a module called as the suite's, and takes warnings badly."""
    (tmp_path / "conftest.py").write_text(CONFTEST, "utf-8")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_checks.py").write_text(OWN_TEST, "utf-8")
    strict = "--strict-markers --strict-config -W error --import-mode=importlib"
    (tmp_path / "pytest.ini").write_text(f"[pytest]\naddopts = {strict}\n", "utf-8")
    return Team(tmp_path)


def test_the_plugin_stays_out_of_sessions_that_do_not_run_the_suite(team: Team) -> None:
    done = team.run("tests")
    assert (done.code, done.outcomes, done.summary) == (0, "1 passed", [])


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "two workers"])
def test_each_check_is_a_test_and_requirements_are_summed_up(
    team: Team, workers: Sequence[str]
) -> None:
    done = team.run(*CHECKS, "--engine", WRONG, "-k", FOUR, "--junitxml", "j.xml", *workers)
    assert done.code == 1
    assert done.outcomes.startswith("1 failed, 2 passed, 1 skipped")
    assert done.summary == [
        "requirements of 4 checks: 3 proven, 2 violated, 0 waived, 0 unproven, 2 unsupported",
        f"weakest violated: L2 D-01: {requirements()['D-01'].statement}",
    ]
    _, _, told = done.stdout.partition("test_check[phase1.process_noise_is_exact] ____")
    assert "test_checks.py:" not in told.partition("=====")[0]
    assert "\nP after 20 s: value: expected 36.2332" in told
    assert "\n  proves         D-01, D-02; quotemark explain D-01\n" in told
    command = r"quotemark reproduce (\S+process_noise_is_exact.json) --engine"
    (saved,) = set(re.findall(command, told))  # pytest repeats it in its summary under CI
    assert (team.folder / saved).is_file()
    proven = {
        case.get("name"): [
            one.get("value") for one in case.iter("property") if one.get("name") == "requirement"
        ]
        for case in ET.parse(team.folder / "j.xml").iter("testcase")  # noqa: S314 - made here
    }
    assert proven == {
        f"test_check[{check.name}]": list(check.proves)
        for check in all_checks()
        if any(part in check.name for part in FOUR.split(" or "))
    }


def test_a_waived_check_is_an_expected_failure(team: Team) -> None:
    left_out = ("phase1.floor_acts_after_updates_only", "2020-01-01")
    team.waive(("phase1.process_noise_is_exact", "9999-12-31"), left_out)
    done = team.run(
        *CHECKS, "--engine", WRONG, "-k", FOUR, "--waivers", "waivers.toml", "-rxs", "-q"
    )
    assert done.code == 0
    assert ", 1 xfailed" in done.outcomes
    assert "waived until 9999-12-31, by Ana: known" in done.stdout
    assert "unsupported: component engine is not offered" in done.stdout
    assert done.summary == [
        "requirements of 4 checks: 3 proven, 0 violated, 2 waived, 0 unproven, 2 unsupported"
    ]


def test_a_stale_waiver_fails_the_session(team: Team) -> None:
    team.waive(
        ("phase1.process_noise_is_exact", "2020-01-01"),
        ("phase1.decays_by_itself", "9999-12-31"),
        ("phase1.no_such_check", "9999-12-31"),
    )
    done = team.run(*CHECKS, "--engine", WRONG, "-k", FOUR, "--waivers", "waivers.toml")
    assert done.code == 1
    assert re.search(r"\d failed", done.outcomes) is None
    assert done.summary[1:] == [
        "the waiver of phase1.process_noise_is_exact is stale: it expired on 2020-01-01",
        "the waiver of phase1.decays_by_itself is stale: the check passes",
        "the waiver of phase1.no_such_check is stale: no such check was run",
    ]


@pytest.mark.parametrize("what", ["check", "feature"])
def test_what_is_only_skipped_is_no_success(team: Team, what: str) -> None:
    chosen = {"check": "uncertainty_falls", "feature": "bullish_trend"}[what]
    module = f"quotemark.suite.test_{what}s"
    done = team.run("--pyargs", module, "--engine", MINIMAL, "-k", chosen)
    assert done.code == 1
    assert done.outcomes.startswith("1 skipped")
    assert done.summary[-1].startswith(f"no {what} passed: ")


@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["alone", "in a worker"])
def test_an_engine_that_cannot_be_started_ends_the_session(
    team: Team, workers: Sequence[str]
) -> None:
    done = team.run(*CHECKS, "--engine", "stdio:./absent", "-k", FOUR, *workers)
    assert done.code == 3
    assert "--engine: ./absent: No such file or directory" in done.stdout
    assert "passed" not in done.stdout
    assert "failed" not in done.stdout


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--phase", "9", "'9' is no phase from 1 to 8"),
        ("--quotemark-steps", "0", "--quotemark-steps is 0, expected more than 0"),
        ("--waivers", "none.toml", "none.toml: No such file or directory"),
    ],
)
def test_wrong_options_are_refused_before_anything_runs(
    team: Team, option: str, value: str, said: str
) -> None:
    done = team.run(option, value)
    assert (done.code, done.outcomes) == (pytest.ExitCode.USAGE_ERROR, "")
    assert said in done.stdout


def test_a_phase_has_its_checks_and_features_and_the_closing_checks_last(team: Team) -> None:
    done = team.run("--pyargs", "quotemark.suite", "--phase", "7", "--collect-only", "-q")
    assert done.code == 0
    collected = [line.partition("::") for line in done.stdout.splitlines() if "::" in line]
    assert {module for module, _, _ in collected} == {"test_checks.py", "test_features.py"}
    checks = [name[len("test_check[") : -1] for _, _, name in collected if "test_check[" in name]
    assert set(checks) == {
        check.name
        for check in all_checks()
        if any(requirements()[one].phase in (0, 7) for one in check.proves)
    }
    assert checks[-2:] == ["latency.hot_cycles_are_fast", "port.every_engine_of_the_run_has_ended"]
    assert collected[-1][2] == "test_check[port.every_engine_of_the_run_has_ended]"
    features = {name.partition("[")[0] for module, _, name in collected if "features" in module}
    assert "test_book_features_move_the_drift_before_fills_arrive" in features
    assert "test_through_the_engine_the_books_turn_brings_the_bids_back" in features
    assert "test_funding_carry_is_visible_in_the_expected_pnl" not in features


def test_an_interrupted_session_leaves_no_engine(team: Team) -> None:
    (team.folder / "hanging.py").write_text(HANGING, "utf-8")
    os.mkfifo(team.folder / "hanging")
    command = team.command(*CHECKS, "--engine", f"{PYTHON} hanging.py", "-k", "process_noise")
    heeds_it = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    (team.folder / "sitecustomize.py").write_text(heeds_it, "utf-8")  # whatever was inherited
    with subprocess.Popen(
        command,
        cwd=team.folder,
        env={**ENVIRONMENT, "PYTHONPATH": os.pathsep.join([str(team.folder), *sys.path])},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as session:
        engine = int((team.folder / "hanging").read_text())
        session.send_signal(signal.SIGINT)
        output, _ = session.communicate(timeout=DEADLINE_S)
    assert session.returncode == pytest.ExitCode.INTERRUPTED
    assert b"KeyboardInterrupt" in output
    assert not psutil.pid_exists(engine)
