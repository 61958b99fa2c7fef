"""Sessions of the project: ``nox`` runs lint, tests, bdd and newcomer; the others come with ``-s``.

``bdd``, ``newcomer``, ``certify`` and ``gate`` install the built wheel, as an engine team would.
All but ``newcomer`` take an engine: ``nox -s certify -- stdio:./my-engine --phase 1``,
``nox -s gate -- --phase 4 --engine stdio:./my-engine``, ``nox -s bdd -- --engine ...``.
"""

import argparse
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import nox

nox.options.sessions = ["lint", "tests", "bdd", "newcomer"]
nox.options.error_on_missing_interpreters = True
nox.options.default_venv_backend = "uv|virtualenv"

CERTIFIED_FOR = {"4": "1-4", "5": "1-5", "6": "1-4,6", "7": "1,7", "8": "1,8"}
"""Phases that the gate of a phase asks for, where it needs others."""


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and types."""
    session.install("-e", ".[browser,lint,tests]")
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")
    session.run("mypy")


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests, and hold branch coverage to its limits.

    Each package is measured by its own tests alone. What runs the suite or the command line as a
    whole runs unmeasured: tracing both packages in it would take three times as long.
    """
    session.install("-e", ".[browser,tests]")
    parallel = ["pytest", "-n", "2", "--dist", "worksteal"]
    for package, folder, least, places in (
        ("quotemark_reference", "reference", 100, ["tests/reference"]),
        (
            "quotemark",
            "conformance",
            90,
            ["tests", "--ignore=tests/reference", "-m", "not whole_suite"],
        ),
    ):
        session.run("coverage", "erase")
        session.run("coverage", "run", f"--source={package}", "-m", *parallel, *places)
        session.run("coverage", "combine", "--quiet")
        session.run("coverage", "report", f"--include={folder}/*", f"--fail-under={least}")
    session.run(*parallel, "tests", "-m", "whole_suite")


@nox.session
def bdd(session: nox.Session) -> None:
    """Run the features against an engine; without arguments against the reference."""
    session.install(".")
    with session.chdir(session.create_tmp()):
        session.run("pytest", "--pyargs", "quotemark.suite.test_features", *session.posargs)


@nox.session
def newcomer(session: nox.Session) -> None:
    """Run the suite under pytest as an engine team does, in a repository of its own."""
    session.install(".", "pytest-xdist")
    story = Path("tests", "newcomer.py").resolve()
    with TemporaryDirectory() as repository, session.chdir(repository):
        session.run("python", "-P", story, env={"PYTHONDONTWRITEBYTECODE": ""})


@nox.session
def certify(session: nox.Session) -> None:
    """Certify an engine; without arguments the reference."""
    session.install(".")
    session.run("quotemark", "certify", *(session.posargs or ["reference"]))


@nox.session
def gate(session: nox.Session) -> None:
    """Certify an engine for a phase and what it needs, and ask the gate; fails if it refuses.

    Takes ``--phase N --engine ENGINE``, ``--config`` and whatever else ``quotemark gate`` takes.
    """
    parser = argparse.ArgumentParser("nox -s gate --")
    parser.add_argument("--phase", required=True)
    parser.add_argument("--engine", default="reference")
    parser.add_argument("--config")
    asked, rest = parser.parse_known_args(session.posargs)
    config = ["--config", asked.config] if asked.config else []
    session.install(".")
    phases = CERTIFIED_FOR.get(asked.phase, asked.phase)
    session.run(
        *("quotemark", "certify", asked.engine, "--phase", phases),
        *("--report", "quotemark-report/gate.html", *config),
        success_codes=[0, 1, 4],  # what it found, the gate judges
    )
    session.run(
        *("quotemark", "gate", "--phase", asked.phase, "--engine", asked.engine),
        *("--certificate", "quotemark-report/gate.intoto.json", *config, *rest),
    )


@nox.session
def bench(session: nox.Session) -> None:
    """Print benchmarks, each beside a peer in the same run; ``--quick`` for a look.

    What is committed is ``nox -s bench -- --markdown tests/benchmarks/RESULTS.md``.
    """
    session.install("-e", ".[bench,browser]")
    if shutil.which("cargo"):  # where it cannot be built, its rows are left out by name
        module = "./conformance/engines/rust-python"
        session.install("--no-deps", module, success_codes=[0, 1, 2])
    session.run("python", "-m", "tests.benchmarks.run", *session.posargs)


@nox.session
def mutants(session: nox.Session) -> None:
    """Let the suite refuse a sample of generated mutants of the reference; up to an hour."""
    session.install("-e", ".[mutation,tests]")
    session.run("pytest", "tests/mutation/check_generated.py")
    session.run("python", "-m", "tests.mutation.run", *session.posargs)
