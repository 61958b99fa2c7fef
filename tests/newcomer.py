"""The first day of an engine team with the suite: refused, mended, accepted.

In an empty folder, with the suite installed from its wheel, a repository is made with an engine of
its own, tests of its own and a slip. Pytest runs the suite against it. What ends otherwise than it
should ends this program with a message.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from quotemark.examples import minimal_engine

FORMULA = "process_noise / (2.0 * theta) * -math.expm1(-2.0 * theta * dt_s)"
SLIP = "process_noise * dt_s"
OWN_TEST = """
import engine


def test_the_engine_has_both_components():
    assert list(engine.STEPS) == ["drift", "expected_pnl"]
"""
INI = "[pytest]\ntestpaths = tests\npythonpath = .\naddopts = --strict-markers -W error\n"
SUITE = (
    *("--pyargs", "quotemark.suite", "--engine", "stdio:python engine.py"),
    *("--phase", "1", "--quotemark-steps", "2000"),
)


def main() -> None:
    """Live the day."""
    engine = Path("engine.py")
    right = Path(minimal_engine.__file__).read_text("utf-8")
    wrong = right.replace(FORMULA, SLIP)
    demand(wrong != right, "the slip is in the engine")
    engine.write_text(wrong, "utf-8")
    Path("tests").mkdir()
    Path("tests", "test_engine.py").write_text(OWN_TEST, "utf-8")
    Path("pytest.ini").write_text(INI, "utf-8")

    run(code=0)  # the team's own tests, which the suite leaves alone
    told = run(*SUITE, code=1)
    demand("behaves like linear-q (D-01)" in told, "the slip is called by its name")
    demand("weakest violated: " in told, "what is violated is summed up")
    failed = count("failed", told)
    again = run(*SUITE, "--lf", code=1)
    demand(count("failed", again) == failed > 0, "what failed fails again")
    demand("passed" not in again.splitlines()[-1], "--lf runs nothing else")

    engine.write_text(right, "utf-8")
    run(*SUITE, "--lf", code=0)
    shared = run(*SUITE, "-n", "2", code=0)
    demand(count("passed", shared) == count("passed", told) + failed, "all that failed passes")
    demand(" 0 violated" in summary(shared), "nothing is violated")


def run(*arguments: str, code: int) -> str:
    """Run pytest, and show how it ends; it must be with ``code``."""
    print("$ pytest", *arguments, flush=True)
    command = [sys.executable, "-m", "pytest", "-q", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    last = done.stdout.splitlines()[-1]
    print(f"  {last}; exit code {done.returncode}", flush=True)
    demand(done.returncode == code, f"exit code {code}", done.stdout + done.stderr)
    return done.stdout


def count(outcome: str, told: str) -> int:
    """How many tests had it, by pytest's last line."""
    found = re.search(rf"(\d+) {outcome}", told.splitlines()[-1])
    return int(found[1]) if found else 0


def summary(told: str) -> str:
    """The line that counts requirements."""
    return next(line for line in told.splitlines() if line.startswith("requirements of "))


def demand(holds: bool, what: str, shown: str = "") -> None:
    """End with a message unless ``what`` holds."""
    if not holds:
        sys.exit(f"{shown}\nnewcomer: expected: {what}")


if __name__ == "__main__":
    main()
