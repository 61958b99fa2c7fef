"""The checks as tests, one each: ``pytest --pyargs quotemark.suite --engine ENGINE --phase N``.

A check that is unproven or unsupported is skipped with the reason, one that is waived is an
expected failure. One that fails is told by its own message: the harness's traceback would say
nothing of the engine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from quotemark.builtin import BuiltinEngine
from quotemark.divergence import line
from quotemark.failures import FailureFolder, FailureStage, diagnoses_of
from quotemark.phases import phases_in
from quotemark.pytest_plugin import CHECK, REQUIREMENT, STATUS, waivers_given
from quotemark.results import CheckResult, Waiver
from quotemark.suite.bench import Bench
from quotemark.suite.checks import checks_of
from quotemark.suite.conftest import check_of
from quotemark.suite.register import RegisteredCheck
from quotemark.suite.runner import DEFAULT_SEED, FUZZ_STEPS, run_check
from quotemark.supervised import SupervisedEngine

FAILURES = Path("quotemark-report", "failures")


class Run:
    """Runs checks on one engine, and explains those that fail."""

    def __init__(self, bench: Bench, folder: FailureFolder, waivers: Sequence[Waiver]) -> None:
        self.results: dict[str, CheckResult] = {}
        self._bench = bench
        self._waivers = {waiver.check: waiver for waiver in waivers}
        self._diagnoses: dict[str, str] = {}
        self._stage = FailureStage(bench, folder, self._diagnoses)

    def result(self, check: RegisteredCheck) -> CheckResult:
        """Run a check; the message of a failure leads to the file that it is saved in."""
        result = run_check(self._bench, check, self.results.values())
        self.results[check.name] = result
        if result.status != "failed":
            return result
        if result.component not in self._diagnoses:
            self._diagnoses.update(diagnoses_of([result], self._bench))
        return self._stage.explain(result)

    def judge(self, result: CheckResult) -> None:
        """Let pytest's test end as the check did."""
        waiver = self._waivers.get(result.check)
        if result.status == "failed" and waiver is not None:
            pytest.xfail(f"waived until {waiver.expires}, by {waiver.owner}: {waiver.reason}")
        if result.status == "failed":
            proves = f"{', '.join(result.proves)}; quotemark explain {result.proves[0]}"
            pytest.fail(f"{result.message}\n{line('proves', proves)}", pytrace=False)
        if result.status != "passed":
            pytest.skip(f"{result.status}: {result.message}")


@pytest.fixture(scope="session")
def run(request: pytest.FixtureRequest, engine_under_test: SupervisedEngine) -> Iterator[Run]:
    """The engine on a bench; that of every worker takes the closing checks at the end."""
    config = request.config
    seed = config.getoption("quotemark_seed")
    bench = Bench(
        engine_under_test,
        engine_under_test.initialize(),
        BuiltinEngine(),
        DEFAULT_SEED if seed is None else seed,
        config.getoption("quotemark_steps") or FUZZ_STEPS["default"],
    )
    folder = FailureFolder(FAILURES, config.getoption("quotemark_engine"))
    run = Run(bench, folder, waivers_given(config))
    yield run
    if hasattr(config, "workerinput") and not request.session.shouldstop:
        for check in filter(None, map(check_of, request.session.items)):
            if check.closing and check.name not in run.results:
                run.judge(run.result(check))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test of each check of the phases; those that measure time come after the others."""
    checks = checks_of(phases_in(metafunc.config.getoption("quotemark_phase")))
    checks.sort(key=lambda check: check.timed)
    metafunc.parametrize("check", checks, ids=[check.name for check in checks])


def test_check(check: RegisteredCheck, run: Run, request: pytest.FixtureRequest) -> None:
    """One check of the suite, with the requirements that it proves among its properties."""
    result = run.result(check)
    properties = request.node.user_properties
    properties += [(CHECK, check.name), (STATUS, result.status)]
    properties += [(REQUIREMENT, requirement) for requirement in check.proves]
    run.judge(result)
