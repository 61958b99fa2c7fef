"""The ways in: from the text that names an engine to the engine behind the port.

=============================  ===============================================================
``reference``                  the reference, in this process
``legacy:deployed``            the baseline of Feb 19 as the record shows it
``legacy:documented``          the baseline as the plan describes it
``python:module:factory``      a Python engine, in a worker process of its own
``stdio:COMMAND ARGS``         any program that speaks the protocol
``mutant:NAME``                the reference with one defect, in a worker process
``trivial:NAME``               an engine without a thought, in this process
``recorded:FILE``              what was recorded of an engine that nobody can drive
``ENGINE else EARLIER``        an engine, and its earlier build where the past is needed
=============================  ===============================================================
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from quotemark import builtin
from quotemark.earlier import WithEarlierBuild
from quotemark.errors import EngineError, InputError
from quotemark.messages import Identity
from quotemark.port import Engine
from quotemark.recorded.files import RecordingFile, recording_of
from quotemark.server import load_engine
from quotemark.stdio import ANSWER_TIMEOUT_S, StdioEngine
from quotemark.supervised import SupervisedEngine

BUILTIN: dict[str, Callable[[], Engine]] = {
    "reference": builtin.reference,
    "legacy:deployed": builtin.legacy_deployed,
    "legacy:documented": builtin.legacy_documented,
}
WAYS_IN = (*BUILTIN, "python:MODULE:FACTORY", "stdio:COMMAND", "mutant:NAME", "trivial:NAME")
"""To engines that can be driven; a recording cannot."""
_ELSE = re.compile(r"(.+) else ((?:reference$|legacy:|python:|stdio:|mutant:|trivial:).*)")


@contextmanager
def running(
    name: str, *, in_process: bool = False, timeout_s: float = ANSWER_TIMEOUT_S
) -> Iterator[SupervisedEngine]:
    """Run the engine that ``name`` stands for, as :func:`make_engine` does, and end it."""
    engine = SupervisedEngine(
        partial(make_engine, name, in_process=in_process, timeout_s=timeout_s)
    )
    try:
        yield engine
    finally:
        engine.shutdown()


def make_engine(
    name: str, *, in_process: bool = False, timeout_s: float = ANSWER_TIMEOUT_S
) -> Engine:
    """Start the engine that ``name`` stands for.

    ``in_process`` keeps a ``python:`` engine in this process, for debugging; ``timeout_s`` is how
    long an answer of an engine in another process may take. Raises :class:`InputError` for a name
    that means nothing, :class:`EngineError` where the engine cannot be started.
    """
    engine, earlier = builds(name)
    if earlier is not None:
        start = partial(make_engine, in_process=in_process, timeout_s=timeout_s)
        return _with_earlier_build(start(engine), partial(start, earlier))
    if name in BUILTIN:
        return BUILTIN[name]()
    kind, _, rest = name.partition(":")
    if kind == "stdio" and rest:
        return StdioEngine(rest, timeout_s=timeout_s)
    if kind == "python" and rest:
        return load_in_process(rest) if in_process else worker(rest, timeout_s)
    if kind == "mutant" and rest:
        return _mutant(rest, timeout_s)
    if kind == "trivial" and rest:
        return _trivial(rest)
    if recording_of(name) is not None:
        raise InputError(
            f"engine is {name!r}, which nobody can drive, expected one that runs; a recording is"
            " for certify, smoke, verify and watch"
        )
    raise InputError(f"engine is {name!r}, expected one of {', '.join(WAYS_IN)}")


def _with_earlier_build(engine: Engine, start_earlier: Callable[[], Engine]) -> Engine:
    try:
        return WithEarlierBuild(engine, start_earlier())
    except (InputError, EngineError):
        engine.shutdown()
        raise


def builds(name: str) -> tuple[str, str | None]:
    """Names of an engine and of its earlier build, where ``name`` has one."""
    both = _ELSE.fullmatch(name)
    return (both[1], both[2]) if both else (name, None)


def identity_of(name: str) -> Identity:
    """Who the engine is that ``name`` stands for; of a recording, who was recorded."""
    recording = recording_of(name)
    if recording is not None:
        return RecordingFile(recording).identity
    with running(name) as engine:
        return engine.initialize()


def _mutant(name: str, timeout_s: float) -> StdioEngine:
    from quotemark.mutants import MUTANTS  # noqa: PLC0415 - only who asks for one loads them

    if name not in MUTANTS:
        raise InputError(f"mutant is {name!r}, expected one of {', '.join(MUTANTS)}")
    return StdioEngine([sys.executable, "-m", "quotemark.mutants", name], timeout_s=timeout_s)


def _trivial(name: str) -> Engine:
    from quotemark.mutants.trivial import TRIVIAL  # noqa: PLC0415 - only who asks for one

    if name not in TRIVIAL:
        raise InputError(f"trivial engine is {name!r}, expected one of {', '.join(TRIVIAL)}")
    return TRIVIAL[name]()


def worker(target: str, timeout_s: float = ANSWER_TIMEOUT_S) -> StdioEngine:
    """Run the Python engine ``module:factory`` in a process of its own."""
    return StdioEngine([sys.executable, "-m", "quotemark.server", target], timeout_s=timeout_s)


def load_in_process(target: str) -> Engine:
    """Make the Python engine ``module:factory`` in this process, of this folder as in a worker."""
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        return load_engine(target)
    except (ValueError, ImportError, AttributeError) as error:
        raise InputError(f"engine is 'python:{target}': {error}") from None
