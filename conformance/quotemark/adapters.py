"""The ways in: from the text that names an engine to the engine behind the port.

=============================  ===============================================================
``reference``                  the reference, in this process
``legacy:deployed``            the baseline of Feb 19 as the record shows it
``legacy:documented``          the baseline as the plan describes it
``python:module:factory``      a Python engine, in a worker process of its own
``stdio:COMMAND ARGS``         any program that speaks the protocol
``mutant:NAME``                the reference with one defect, in a worker process
=============================  ===============================================================
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from quotemark import builtin
from quotemark.errors import InputError
from quotemark.port import Engine
from quotemark.server import load_engine
from quotemark.stdio import StdioEngine

BUILTIN: dict[str, Callable[[], Engine]] = {
    "reference": builtin.reference,
    "legacy:deployed": builtin.legacy_deployed,
    "legacy:documented": builtin.legacy_documented,
}
WAYS_IN = (*BUILTIN, "python:MODULE:FACTORY", "stdio:COMMAND", "mutant:NAME")


@contextmanager
def running(name: str, *, in_process: bool = False) -> Iterator[Engine]:
    """Run the engine that ``name`` stands for, and end it.

    ``in_process`` keeps a ``python:`` engine in this process, for debugging. Raises
    :class:`InputError` for a name that means nothing.
    """
    engine = _make(name, in_process=in_process)
    try:
        yield engine
    finally:
        engine.shutdown()


def _make(name: str, *, in_process: bool) -> Engine:
    if name in BUILTIN:
        return BUILTIN[name]()
    kind, _, rest = name.partition(":")
    if kind == "stdio" and rest:
        return StdioEngine(rest)
    if kind == "python" and rest:
        return load_in_process(rest) if in_process else worker(rest)
    if kind == "mutant" and rest:
        return _mutant(rest)
    raise InputError(f"engine is {name!r}, expected one of {', '.join(WAYS_IN)}")


def _mutant(name: str) -> StdioEngine:
    from quotemark.mutants import MUTANTS  # noqa: PLC0415 - only who asks for one loads them

    if name not in MUTANTS:
        raise InputError(f"mutant is {name!r}, expected one of {', '.join(MUTANTS)}")
    return StdioEngine([sys.executable, "-m", "quotemark.mutants", name])


def worker(target: str) -> StdioEngine:
    """Run the Python engine ``module:factory`` in a process of its own."""
    return StdioEngine([sys.executable, "-m", "quotemark.server", target])


def load_in_process(target: str) -> Engine:
    """Make the Python engine ``module:factory`` in this process, of this folder as in a worker."""
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        return load_engine(target)
    except (ValueError, ImportError, AttributeError) as error:
        raise InputError(f"engine is 'python:{target}': {error}") from None
