"""pytest plugin: ``--engine`` names the engine that the features run against."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from quotemark.port import Engine


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--engine``."""
    parser.getgroup("quotemark").addoption(
        "--engine",
        default="reference",
        metavar="ENGINE",
        help="engine under test: reference, legacy:..., python:module:factory or stdio:COMMAND",
    )


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Run the engine that ``--engine`` names."""
    from quotemark.adapters import running  # noqa: PLC0415 - keeps pytest's start light
    from quotemark.errors import EngineError, InputError  # noqa: PLC0415

    try:
        with running(request.config.getoption("--engine")) as engine_under_test:
            yield engine_under_test
    except (InputError, EngineError) as error:
        pytest.exit(f"--engine: {error}", returncode=3)
