"""The Rust engine: its binary, and what its own ``cargo bench`` says."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from functools import cache
from pathlib import Path

from tests.benchmarks.measure import AbsentError

FOLDER = Path(__file__).parents[2] / "conformance" / "engines" / "rust"
FILTER = re.compile(r"^filter, predict and update: ([\d.]+) ns", re.MULTILINE)
CYCLE = re.compile(r"^quote cycle, all phases, [^:]*: median ([\d.]+) ns", re.MULTILINE)


@cache
def engine() -> str:
    """Build the engine and return its name, ``stdio:`` and its binary."""
    _cargo("build", "--release")
    target = FOLDER / os.environ.get("CARGO_TARGET_DIR", "target")
    return f"stdio:{shlex.quote(str(target / 'release' / 'quotemark-engine'))}"


def bench_seconds(figure: re.Pattern[str]) -> float:
    """Run the engine's benchmark and return one of its figures, in seconds."""
    printed = _cargo("bench", "--bench", "cycle")
    found = figure.search(printed)
    if found is None:
        raise AssertionError(f"cargo bench printed nothing like {figure.pattern}: {printed}")
    return float(found[1]) * 1e-9


def _cargo(*arguments: str) -> str:
    """Run cargo on the engine and return its stdout."""
    _demand_crates()
    done = subprocess.run(
        ["cargo", *arguments, "--locked", "--quiet"],
        cwd=FOLDER,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout


@cache
def _demand_crates() -> None:
    if shutil.which("cargo") is None:
        raise AbsentError("cargo is not installed")
    if subprocess.run(
        ["cargo", "fetch", "--locked", "--quiet"], cwd=FOLDER, check=False
    ).returncode:
        raise AbsentError("the engine's crates are not at hand")
