"""What the suite's tests share under pytest: the engine, and which of them run, in which order.

There is one engine a process: one a session, or one a worker where several share it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn, cast

import pytest

from quotemark.adapters import running
from quotemark.errors import EngineError, InputError
from quotemark.phases import ALL_PHASES, phases_in
from quotemark.pytest_plugin import ENGINE, ENGINE_FAILED, FEATURE
from quotemark.stdio import ANSWER_TIMEOUT_S
from quotemark.suite.register import RegisteredCheck
from quotemark.supervised import SupervisedEngine

FEATURES = Path(__file__).with_name("test_features.py")
CHECKS = Path(__file__).with_name("test_checks.py")


def pytest_configure(config: pytest.Config) -> None:
    """Name the tags of the features."""
    for phase in ALL_PHASES:
        config.addinivalue_line("markers", f"phase_{phase}: a feature that shows phase {phase}")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out features of other phases, and put the closing checks last."""
    tags = {f"phase_{phase}" for phase in phases_in(config.getoption("quotemark_phase"))}
    left_out = []
    for item in items:
        if item.path == FEATURES:
            item.user_properties.append((FEATURE, item.name))
            if tags.isdisjoint(mark.name for mark in item.iter_markers()):
                left_out.append(item)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
    items[:] = sorted(
        (item for item in items if item not in left_out),
        key=lambda item: (check := check_of(item)) is not None and check.closing,
    )


def check_of(item: pytest.Item) -> RegisteredCheck | None:
    """The check that a test is, if it is one."""
    if item.path != CHECKS or not isinstance(item, pytest.Function):
        return None
    return cast("RegisteredCheck", item.callspec.params["check"])


@pytest.fixture(scope="session")
def engine_under_test(request: pytest.FixtureRequest) -> Iterator[SupervisedEngine]:
    """Run the engine that ``--engine`` names."""
    name = request.config.getoption("quotemark_engine")
    timeout_s = request.config.getoption("quotemark_timeout") or ANSWER_TIMEOUT_S
    try:
        with running(name, timeout_s=timeout_s) as engine:
            engine.initialize()
            yield engine
    except (InputError, EngineError) as error:
        _give_up(request.session, f"--engine: {error}")


def _give_up(session: pytest.Session, message: str) -> NoReturn:
    """End the session, and that of the other workers if this is one."""
    session.shouldstop = message
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput[ENGINE] = message
    pytest.exit(message, returncode=ENGINE_FAILED)


@pytest.fixture
def engine(engine_under_test: SupervisedEngine) -> Iterator[SupervisedEngine]:
    """The engine for a scenario of a feature; the next one finds a fresh one if it breaks."""
    yield engine_under_test
    try:
        engine_under_test.demand_unbroken()
    except EngineError as fault:
        engine_under_test.recover(fault)
