"""Hostile engines: each breaks in its own way, is told which and where, and holds up nobody.

Engine and harness are real processes, of which nothing may be left, no temporary file either.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgspec
import psutil
import pytest
from msgspec import Struct

from quotemark.fuzz.cases import numbered_case
from quotemark.results import CheckResult
from quotemark.suite.patience import reason_not_to_run
from quotemark.suite.runner import DEFAULT_SEED

pytestmark = pytest.mark.whole_suite

CERTIFY = Path(__file__).parent / "hostile" / "certify.py"
RUN = "HOSTILE_RUN"
"""Environment variable by which the processes of a test are known."""
PATIENCE_S = 0.6
DEADLINE_S = 120.0
MOST_BYTES = 96 << 20
"""What a run may take: the harness itself, and a line of the greatest length a few times."""


class Run(Struct):
    """What a run found, by check, and the most memory that the harness took."""

    checks: list[CheckResult]
    peak_bytes: int

    def failed(self) -> dict[str, CheckResult]:
        return {one.check: one for one in self.checks if one.status == "failed"}

    def passed(self) -> set[str]:
        return {one.check for one in self.checks if one.status == "passed"}


Hostile = Callable[..., Run]


@pytest.fixture
def hostile(tmp_path: Path) -> Hostile:
    """Certify an engine of ``MODE`` by some checks, and see that nothing stays."""

    def run(mode: str, checks: str = "phase1,phase4.touch", workers: int = 1) -> Run:
        temporary, token = tmp_path / "temporary", uuid.uuid4().hex
        temporary.mkdir(exist_ok=True)
        done = subprocess.run(
            [
                *(sys.executable, CERTIFY, checks, str(workers)),
                *(mode, str(PATIENCE_S), tmp_path / "lock"),
            ],
            env={**os.environ, "TMPDIR": str(temporary), RUN: token},
            capture_output=True,
            timeout=DEADLINE_S,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, b"")
        assert [name for name in map(name_of_run, psutil.process_iter()) if name == token] == []
        assert list(temporary.iterdir()) == []
        return msgspec.json.decode(done.stdout, type=Run)

    return run


def name_of_run(process: psutil.Process) -> str | None:
    try:
        return process.environ().get(RUN)
    except psutil.Error:
        return None


# --- faults at one moment ---------------------------------------------------------------------

CHECK = "phase1.process_noise_is_exact"
"""The check that meets the moment."""
OTHER_CHECKS = {"phase1.random_walks_agree", "phase4.touch_is_positive_when_flat"}
THERE = "a fresh engine, asked step by step, does so at step 201 of 201, predict (t_ms 20000), of"

FAULTS = {
    "crash": ("crash", "ended with code 1 without answering apply; its stderr ends: out of memory"),
    "hang": ("hang", "gave no answer to apply within 0.6 s, nor in another 0.6 s"),
    "not_at_all": ("hang", "gave no answer to apply within 0.6 s"),
    "late": ("late", "answered later than after 0.6 s"),
    "stray_output": ("stray_output", "printed b'warming up' on stdout"),
    "endless_output": ("stray_output", "printed b'xxxxxx"),
    "torn_line": ("torn_line", "ended with code 0 in the middle of a line"),
    "unfinished_line": ("torn_line", "fell silent in the middle of a line"),
    "oversized_line": ("oversized_line", "printed a line of more than 16 MiB"),
    "wrong_id": ("wrong_id", ", which was never asked"),
    "twice": ("duplicate_answer", " again;"),
    "error": ("protocol", "answered an error: on strike"),
}


@pytest.mark.parametrize("mode", FAULTS)
def test_a_fault_has_its_label_on_the_one_check_that_meets_it(hostile: Hostile, mode: str) -> None:
    label, message = FAULTS[mode]
    run = hostile(mode)
    assert list(run.failed()) == [CHECK]
    found = run.failed()[CHECK]
    assert found.label == label
    assert found.message.startswith(f"{label}: ")
    assert message in found.message
    assert THERE in found.message
    assert run.passed() > OTHER_CHECKS
    assert run.peak_bytes < MOST_BYTES


def test_answers_in_the_wrong_order_are_told_from_the_one_that_is_held_back(
    hostile: Hostile,
) -> None:
    """Asked step by step, the engine that answers the request after next first has none."""
    found = hostile("out_of_order").failed()[CHECK]
    assert found.label == "out_of_order"
    assert "shows hang at step 124 of 201, predict (t_ms 12300), of drift" in found.message


def test_a_flood_on_stderr_is_no_fault_and_takes_no_memory(hostile: Hostile) -> None:
    run = hostile("flooded_stderr")
    assert run.failed() == {}
    assert run.passed() > {CHECK, *OTHER_CHECKS}
    assert run.peak_bytes < MOST_BYTES


# --- faults of the end ------------------------------------------------------------------------

AT_THE_END = "port.every_engine_of_the_run_has_ended"


@pytest.mark.parametrize(
    ("mode", "label", "message"),
    [
        ("child", "left_children", "ended and left behind: python"),
        ("stay", "ignored_shutdown", "did not end within 3 s of shutdown"),
    ],
)
def test_the_end_of_every_workers_engine_is_judged(
    hostile: Hostile, mode: str, label: str, message: str
) -> None:
    run = hostile(mode, f"{CHECK},phase4.touch,{AT_THE_END}", workers=2)
    assert list(run.failed()) == [AT_THE_END]
    found = run.failed()[AT_THE_END]
    assert found.label == label
    assert message in found.message


def test_a_child_left_behind_is_traced_to_a_step(hostile: Hostile) -> None:
    sessions = [numbered_case("drift", DEFAULT_SEED, number, [1, 4]).steps for number in range(3)]
    steps, number = next(
        (steps, number)
        for steps in sessions
        for number, step in enumerate(steps, start=1)
        if step.get("step") == "fill"
    )
    run = hostile("child_of_a_fill", "port.it_ends,phase4.touch")
    assert list(run.failed()) == ["port.it_ends_when_told_to"]
    found = run.failed()["port.it_ends_when_told_to"]
    assert found.label == "left_children"
    assert f"it does so after step {number} of {number}, fill (" in found.message
    assert f", price {steps[number - 1]['price']}, " in found.message


# --- faults in every session ------------------------------------------------------------------


def test_a_field_that_was_not_declared_has_its_label(hostile: Hostile) -> None:
    failed = hostile("undeclared_field", "phase1.random,phase4.touch,port.").failed()
    assert list(failed) == ["phase1.random_walks_agree", "port.only_declared_fields_come"]
    assert {one.label for one in failed.values()} == {"undeclared_field"}
    assert (
        "debug is not among the declared fields" in failed["port.only_declared_fields_come"].message
    )


def test_an_engine_that_differs_from_run_to_run_is_told_at_which_step(hostile: Hostile) -> None:
    """By less than any comparison with the reference sees."""
    failed = hostile("random", "phase1.random,phase4.touch,port.").failed()
    assert list(failed) == ["port.the_same_again_is_answered_alike"]
    found = failed["port.the_same_again_is_answered_alike"]
    assert found.label == "nondeterministic"
    assert re.match(r"step \d+ of \d+, \w+ \(.*\), of drift with .*: asked again", found.message)


# --- no engine holds up the run ---------------------------------------------------------------


def test_a_component_that_hangs_is_given_up_after_three_checks(hostile: Hostile) -> None:
    run = hostile("hang_of_a_trend", "fuzz.drift,metamorphic.drift,phase1.,phase4.", workers=2)
    labels = Counter(one.label for one in run.failed().values())
    assert labels == {"hang": 3, "": len(run.failed()) - 3}
    unrun = [one for one in run.failed().values() if not one.label]
    assert len(unrun) > 3
    assert {one.component for one in unrun} == {"drift"}
    assert {one.message for one in unrun} == {
        "not run: 3 checks of drift had to wait in vain before"
    }
    assert "phase4.touch_is_positive_when_flat" in run.passed()


def result(component: str, label: str) -> CheckResult:
    return CheckResult("one", ("D-01",), component, "failed" if label else "passed", label=label)


def test_patience_ends_with_three_silences_of_a_component_or_ten_of_all() -> None:
    patient: list[tuple[str, str]] = [
        *[("drift", "crash")] * 20,
        *[("drift", "")] * 20,
        ("drift", "late"),
        ("drift", "torn_line"),
        *[("flow", "hang")] * 5,  # two of them were being run when the third was done
        *[(f"component {number}", "hang") for number in range(4)],
    ]
    earlier = [result(*one) for one in patient]
    assert reason_not_to_run("drift", earlier) == ""
    assert "3 checks of flow" in reason_not_to_run("flow", earlier)
    assert "3 checks of drift" in reason_not_to_run("drift", [*earlier, result("drift", "hang")])
    assert "10 checks" in reason_not_to_run("glft", [*earlier, result("glft", "hang")])


def test_an_engine_that_cannot_be_started_again_ends_the_run(hostile: Hostile) -> None:
    run = hostile("starts_once")
    order = [one.check for one in run.checks if one.status in ("passed", "failed")]
    after = order.index(CHECK) + 1
    assert list(run.failed()) == [CHECK, *order[after:]]
    found = run.failed()[CHECK]
    assert found.label == "crash"
    assert "stderr ends: out of memory; it could not be started again: crash: " in found.message
    for check in order[after:]:
        assert run.failed()[check].message.startswith("not run, as the engine cannot be started")


# --- as a user sees it ------------------------------------------------------------------------


def test_the_command_tells_the_label_and_the_step(tmp_path: Path) -> None:
    engine = shlex.join([sys.executable, str(CERTIFY.with_name("engine.py")), "crash", "1.0"])
    done = subprocess.run(
        [
            *(Path(sys.executable).with_name("quotemark"), "certify", f"stdio:{engine}"),
            *("--phase", "1", "--quick", "--steps", "100", "--workers", "1"),
        ],
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "")
    found = [line for line in done.stdout.splitlines() if line.strip().startswith(f"{CHECK}: ")]
    assert found
    assert all(f"{CHECK}: crash: " in line and THERE in line for line in found)
    assert [path.name for path in tmp_path.iterdir()] == ["quotemark-report"]
