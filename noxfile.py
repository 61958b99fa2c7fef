"""Sessions of the project: ``nox`` runs lint, tests and bdd; the others are named with ``-s``.

``bdd`` and ``certify`` install the built wheel, as an engine team would, and take an engine:
``nox -s certify -- stdio:./my-engine --phase 1``, ``nox -s bdd -- --engine stdio:./my-engine``.
"""

import nox

nox.options.sessions = ["lint", "tests", "bdd"]
nox.options.error_on_missing_interpreters = True


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and types."""
    session.install("-e", ".[lint,tests]")
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")
    session.run("mypy")


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests, and hold branch coverage to its limits; the mutants run without it."""
    session.install("-e", ".[tests]")
    session.run("coverage", "erase")
    parallel = ["pytest", "-n", "2", "--dist", "worksteal"]
    mutants = "tests/test_mutants.py"  # a process each, which coverage would slow threefold
    session.run("coverage", "run", "-m", *parallel, "tests", f"--ignore={mutants}")
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report", "--include=reference/*", "--fail-under=100")
    session.run("coverage", "report", "--include=conformance/*", "--fail-under=90")
    session.run(*parallel, mutants)


@nox.session
def bdd(session: nox.Session) -> None:
    """Run the features against an engine; without arguments against the reference."""
    session.install(".")
    with session.chdir(session.create_tmp()):
        session.run("pytest", "--pyargs", "quotemark.suite.test_features", *session.posargs)


@nox.session
def certify(session: nox.Session) -> None:
    """Certify an engine; without arguments the reference."""
    session.install(".")
    session.run("quotemark", "certify", *(session.posargs or ["reference"]))


@nox.session
def bench(session: nox.Session) -> None:
    """Print benchmarks, each as a ratio against a peer in the same run."""
    session.install("-e", ".[bench]")
    session.run("python", "-m", "tests.benchmarks.run", *session.posargs)
