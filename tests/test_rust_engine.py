"""The Rust engine: its own tests, and its certification as a program and as a Python module.

Skipped without cargo, and where its crates cannot be had; once they are there, whatever fails does.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import zipfile
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from quotemark.adapters import load_in_process, make_engine
from quotemark.messages import OBSERVATIONS, Answer, Ok, Opened, Rejected
from quotemark.port import Engine
from quotemark.results import Certification
from quotemark.suite.runner import certify

pytestmark = pytest.mark.whole_suite

ENGINES = Path(__file__).parents[1] / "conformance" / "engines"
PROGRAM, MODULE = ENGINES / "rust", ENGINES / "rust-python"
IN_PYTHON = "python:quotemark_engine_rust:create"
BUILT_ONCE = {"CARGO_INCREMENTAL": "0", "CARGO_PROFILE_DEV_DEBUG": "0"}

NEEDS_THE_PAST = {
    *("G-1", "G-2", "G-3", "G-4", "A-gates"),
    *("D-39", "Q-03", "Q-05", "Q-06", "Q-07", "S-feb19-phase-1"),
}
"""Requirements that rest on what ran before phase 4, which the engine does not contain."""


# --- building it ------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where cargo builds: one folder for all workers, which cargo locks, so that it builds once."""
    folder = tmp_path_factory.getbasetemp()
    return (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "cargo"


def run(crate: Path, built: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=crate,
        env={**os.environ, **BUILT_ONCE, "CARGO_TARGET_DIR": str(built)},
        capture_output=True,
        text=True,
        check=False,
    )


def demand(crate: Path, built: Path, *command: str) -> None:
    done = run(crate, built, *command)
    assert done.returncode == 0, done.stdout + done.stderr


def demand_crates(crate: Path, built: Path) -> None:
    """Skip where cargo or the crates are not at hand; a lock file that does not fit fails."""
    if shutil.which("cargo") is None:
        pytest.skip("no cargo")
    fetched = run(crate, built, "cargo", "fetch", "--locked")
    assert "--locked was passed" not in fetched.stderr, fetched.stderr
    if fetched.returncode != 0:
        reason = fetched.stderr.partition("error: ")[2].partition("\n")[0]
        pytest.skip(f"no crates: {reason}")


@pytest.fixture(scope="module")
def program(built: Path) -> str:
    """The engine as a program, by its name."""
    demand_crates(PROGRAM, built)
    demand(PROGRAM, built, "cargo", "build", "--release", "--locked")
    return f"stdio:{shlex.quote(str(built / 'release' / 'quotemark-engine'))}"


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the engine as a Python module, built so that numbers that overflow panic."""
    demand_crates(MODULE, built)
    folder = tmp_path_factory.mktemp("module")
    maturin = [sys.executable, "-m", "maturin", "build", "--locked"]
    demand(MODULE, built, *maturin, "--interpreter", sys.executable, "--out", str(folder))
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


@pytest.fixture
def in_python(installed: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The engine as a Python module, by its name, for this process and for workers."""
    monkeypatch.syspath_prepend(str(installed))
    monkeypatch.setenv("PYTHONPATH", str(installed))
    return IN_PYTHON


# --- its own tests ----------------------------------------------------------------------------


def test_its_own_tests_pass(built: Path) -> None:
    demand_crates(PROGRAM, built)
    demand(PROGRAM, built, "cargo", "test", "--locked")


@pytest.mark.parametrize(
    ("crate", "command"),
    [
        # of the module it would compile Python's bindings once more
        (PROGRAM, ("clippy", "--locked", "--all-targets", "--", "--deny", "warnings")),
        (PROGRAM, ("fmt", "--check")),
        (MODULE, ("fmt", "--check")),
    ],
    ids=["clippy", "format", "format of the module"],
)
def test_it_is_clean(crate: Path, command: tuple[str, ...], built: Path) -> None:
    demand_crates(crate, built)
    if run(crate, built, "cargo", command[0], "--version").returncode != 0:
        pytest.skip(f"no cargo {command[0]}")
    demand(crate, built, "cargo", *command)


# --- certified --------------------------------------------------------------------------------


def unproven(found: Certification) -> set[str]:
    """Requirements that are not proven, but for those that a quick run leaves out."""
    left_out = {
        requirement
        for check in found.checks
        if check.message == "left out of a quick run"
        for requirement in check.proves
    }
    not_proven = {one.requirement.id for one in found.requirements if one.status == "unproven"}
    return not_proven - (left_out - NEEDS_THE_PAST)


def demand_conformity(found: Certification) -> None:
    """Demand that nothing is violated, at the highest level and of all phases."""
    assert [one.requirement.id for one in found.requirements if one.status == "violated"] == []
    assert found.conformant
    assert found.level == "L2"
    assert found.identity.phases == found.phases == [1, 2, 3, 4, 5, 6, 7, 8]
    assert found.identity.digest.startswith("sha256:")
    assert found.counts()["unsupported"] == 0


def test_the_program_conforms_and_an_earlier_build_proves_its_way_back(program: str) -> None:
    found = certify(partial(make_engine, f"{program} else reference"), workers=2)
    demand_conformity(found)
    assert found.verdict == "CONFORMANT"
    assert {one.status for one in found.requirements} == {"proven"}


def test_the_python_module_conforms(in_python: str) -> None:
    start = partial(make_engine, in_python, in_process=True)
    found = certify(start, profile="quick", fuzz_steps=1000)
    demand_conformity(found)
    assert found.verdict == "CONFORMANT (quick run)"
    assert unproven(found) == NEEDS_THE_PAST


def test_the_python_module_keeps_the_vectors_in_a_worker_process(in_python: str) -> None:
    found = certify(
        partial(make_engine, in_python), chosen=lambda check: check.name.startswith("vectors.")
    )
    assert len(found.checks) == len(OBSERVATIONS) + 1
    assert [check.check for check in found.checks if check.status != "passed"] == [
        "vectors.rollback_keeps_its_vectors"  # of the past
    ]


# --- what Python gives and gets ---------------------------------------------------------------


@pytest.fixture
def engine(in_python: str) -> Engine:
    """The engine in this process, with a session ``s`` of the drift."""
    engine = load_in_process(in_python.removeprefix("python:"))
    assert isinstance(engine.open("s", "drift", {}, 1), Opened)
    return engine


def code(answers: list[Answer]) -> str:
    (answer,) = answers
    return answer.code if isinstance(answer, Rejected) else "ok"


@pytest.mark.parametrize(
    ("t_ms", "expected"),
    [
        (10**15, "ok"),
        (10**30, "out_of_range"),
        (-(10**30), "out_of_range"),
        (float("nan"), "non_finite"),
        (float("-inf"), "non_finite"),
        (True, "unparsable"),
        (None, "unparsable"),
        ({"t_ms": [1]}, "unparsable"),
        ((1, "nan"), "non_finite"),
    ],
)
def test_any_value_is_judged_as_the_protocol_would(
    t_ms: Any,  # noqa: ANN401 - whatever comes
    expected: str,
    engine: Engine,
) -> None:
    assert code(engine.apply("s", [{"step": "predict", "t_ms": t_ms}])) == expected


def test_what_is_no_json_is_an_error_and_leaves_no_answer_behind(engine: Engine) -> None:
    good = {"step": "predict", "t_ms": 0}
    with pytest.raises(TypeError, match=r"<object object.*> is no value that JSON has"):
        engine.apply("s", [good, {"step": "predict", "t_ms": object()}])
    assert engine.apply("s", [good]) == [
        Ok(
            {
                "drift_bps_per_s": 0.0,
                "variance": 50.0,
                "uncertainty_bps_per_s": 50.0**0.5,
                "confidence": 0.0,
            }
        )
    ]
