"""pytest plugin: the suite as tests, ``pytest --pyargs quotemark.suite --engine ENGINE``.

Here are the options, and what is said at the end: requirements proven and violated, and that a
session in which nothing was proven is no success. The tests themselves are in ``quotemark.suite``:
one a check in ``test_checks``, one a scenario of the features in ``test_features``. Where they do
not run, the plugin does nothing; it imports the rest of the package when it needs it.

What a check found travels in the properties of its report, so that it reaches the process that
sums up, also where others run the tests; and ``--junitxml`` shows it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from quotemark.errors import InputError
from quotemark.phases import phases_in

if TYPE_CHECKING:
    from quotemark.results import CheckResult, RequirementResult, Waiver

ENGINE_FAILED = 3
"""Exit code where the engine could not be run, as of ``quotemark certify``."""

CHECK, STATUS, REQUIREMENT, FEATURE, ENGINE = (
    *("quotemark.check", "quotemark.status", "requirement", "quotemark.feature"),
    "quotemark.engine",
)
"""Names of properties: of reports, and the last one of a worker that could not run its engine."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the suite."""
    group = parser.getgroup("quotemark")
    group.addoption(
        "--engine",
        dest="quotemark_engine",
        default="reference",
        metavar="ENGINE",
        help="engine under test: reference, legacy:..., python:module:factory or stdio:COMMAND",
    )
    group.addoption(
        "--phase",
        dest="quotemark_phase",
        default="1-8",
        metavar="N|N-M|N,M",
        help="phases whose checks and features run, with what holds for every phase",
    )
    group.addoption(
        "--waivers",
        dest="quotemark_waivers",
        metavar="FILE",
        help="TOML file of failed checks to excuse",
    )
    for name, kind, help_ in (
        ("seed", int, "of the seeded walks; 20260219"),
        ("steps", int, "fuzz steps; 200000"),
        ("timeout", float, "seconds that an answer may take; 10"),
    ):
        group.addoption(f"--quotemark-{name}", type=kind, metavar=name.upper(), help=help_)


def pytest_configure(config: pytest.Config) -> None:
    """Refuse wrong options before anything runs, and listen to what the tests report."""
    try:
        phases_in(config.getoption("quotemark_phase"))
        waivers_given(config)
    except InputError as error:
        raise pytest.UsageError(f"quotemark: {error}") from None
    for name in ("steps", "timeout"):
        value = config.getoption(f"quotemark_{name}")
        if value is not None and not value > 0:
            raise pytest.UsageError(f"--quotemark-{name} is {value}, expected more than 0")
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Summary(config), "quotemark-summary")


def waivers_given(config: pytest.Config) -> list[Waiver]:
    """Waivers of ``--waivers``; raises :class:`InputError` where its file is none of them."""
    path = config.getoption("quotemark_waivers")
    if path is None:
        return []
    from quotemark.waivers import load_waivers  # noqa: PLC0415 - pytest's start stays light

    return load_waivers(Path(path))


class _Summary:
    """Gathers what the tests of the suite found; says it at the end, and judges the session."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._checks: list[CheckResult] = []
        self._features: list[bool] = []
        self._engine_fault = ""
        self._problems: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what a check or a feature came to."""
        if not report.user_properties or report.when != "call":
            return
        properties = dict(report.user_properties)
        if FEATURE in properties:
            self._features.append(report.passed)
        elif CHECK in properties:
            self._checks.append(_check_result(report, properties))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:  # noqa: ANN401 - a type of pytest-xdist
        """Note that a worker could not run the engine."""
        self._engine_fault = getattr(node, "workeroutput", {}).get(ENGINE, self._engine_fault)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail a session that proved nothing, or has a stale waiver, though no test failed."""
        if self._engine_fault:
            session.exitstatus = ENGINE_FAILED
            return
        self._problems = [*self._nothing_passed(), *self._stale_waivers()]
        if self._problems and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what is proven, what is violated, and why a session fails in which no test did."""
        lines = [*self._requirement_lines(), *self._problems]
        if lines:
            terminalreporter.section("quotemark")
            for line in lines:
                terminalreporter.line(line)

    def _nothing_passed(self) -> Iterator[str]:
        if self._checks and not any(check.status == "passed" for check in self._checks):
            yield "no check passed: nothing is proven, and what is skipped is no success"
        elif self._features and not self._checks and not any(self._features):
            yield "no feature passed: nothing is shown, and what is skipped is no success"

    def _stale_waivers(self) -> Iterator[str]:
        """Waivers that no longer hold; those of checks that were left out are not judged."""
        waivers = waivers_given(self._config) if self._checks else []
        if not waivers:
            return
        from quotemark.suite.checks import checks_of  # noqa: PLC0415
        from quotemark.waivers import apply_waivers  # noqa: PLC0415

        phases = phases_in(self._config.getoption("quotemark_phase"))
        left_out = {check.name for check in checks_of(phases)}
        left_out -= {check.check for check in self._checks}
        judged = [waiver for waiver in waivers if waiver.check not in left_out]
        self._checks, found = apply_waivers(self._checks, judged, datetime.now(UTC).date())
        for one in found:
            if one.stale:
                yield f"the waiver of {one.waiver.check} is stale: {one.stale}"

    def _requirement_lines(self) -> Iterator[str]:
        if not self._checks:
            return
        from quotemark.results import COUNTED_STATUSES, ranked  # noqa: PLC0415

        results = ranked(self._requirements())
        counts = Counter(result.status for result in results)
        numbers = ", ".join(f"{counts[status]} {status}" for status in COUNTED_STATUSES)
        yield f"requirements of {len(self._checks)} checks: {numbers}"
        weakest = next((one.requirement for one in results if one.status == "violated"), None)
        if weakest is not None:
            yield f"weakest violated: {weakest.level} {weakest.id}: {weakest.statement}"

    def _requirements(self) -> Iterator[RequirementResult]:
        """Requirements of the phases that some check bears on."""
        from quotemark.results import requirement_result  # noqa: PLC0415
        from quotemark.suite.register import requirements_of  # noqa: PLC0415

        phases = phases_in(self._config.getoption("quotemark_phase"))
        for requirement in requirements_of(phases).values():
            bearing = [check for check in self._checks if requirement.id in check.proves]
            if bearing:
                yield requirement_result(requirement, bearing)


def _check_result(report: pytest.TestReport, properties: dict[str, Any]) -> CheckResult:
    from quotemark.results import CheckResult  # noqa: PLC0415

    proves = tuple(str(value) for name, value in report.user_properties if name == REQUIREMENT)
    return CheckResult(properties[CHECK], proves, "", properties[STATUS])
