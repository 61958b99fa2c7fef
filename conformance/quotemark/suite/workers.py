"""Work done side by side, in processes that take one task after another.

A process ends when its pipe does: it has no more tasks then, or whoever gave them is gone. So none
is left behind, however the run ends.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any, TypeVar, cast

from quotemark.errors import EngineError, InputError

Task = TypeVar("Task")
Result = TypeVar("Result")
Setup = Callable[[], AbstractContextManager[Callable[[Task], Result]]]
"""Opens, in the process, what does the tasks; it must be picklable, as tasks and results are."""


def run_side_by_side(
    setup: Setup[Task, Result],
    tasks: Iterator[Task],
    workers: int,
    done: Callable[[Task, Result], object],
    last: Sequence[Task] = (),
) -> None:
    """Do ``tasks`` in ``workers`` processes; each gets the next one when it is done with the last.

    At the end every process does all that are ``last``. Raises what ``setup`` raises for an engine
    that cannot be run, or an input that is wrong.
    """
    with _processes(setup, workers) as idle:
        busy: dict[Connection, Task] = {}
        while True:
            while idle and (task := next(tasks, None)) is not None:
                connection = idle.pop()
                connection.send(task)
                busy[connection] = task
            if not busy:
                break
            for ready in wait(list(busy)):
                connection = cast("Connection", ready)
                result = _receive(connection, busy[connection])
                done(busy.pop(connection), result)
                idle.append(connection)
        for task in last:
            for connection in idle:
                connection.send(task)
            for connection in idle:
                done(task, _receive(connection, task))


def _receive(connection: Connection, task: object) -> Any:  # noqa: ANN401 - whatever was sent
    try:
        result = connection.recv()
    except (EOFError, ConnectionError):
        raise EngineError("crash", f"the process at work on {task} has ended") from None
    if isinstance(result, EngineError | InputError):
        raise result
    return result


@contextmanager
def _processes(setup: Setup[Task, Result], count: int) -> Iterator[list[Connection]]:
    """Start processes, and give the pipes to them; at the end wait until they have ended."""
    processes: list[SpawnProcess] = []
    connections: list[Connection] = []
    try:
        with _interrupts_held_back():
            for _ in range(count):
                ours, theirs = get_context("spawn").Pipe()
                process = get_context("spawn").Process(
                    target=_work, args=(theirs, setup), daemon=True
                )
                process.start()
                theirs.close()
                processes.append(process)
                connections.append(ours)
        yield list(connections)
    except BaseException:
        for process in processes:
            process.terminate()
        raise
    finally:
        for connection in connections:
            connection.close()
        for process in processes:
            process.join()


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Let Ctrl-C wait until the processes have started: they would die of it with a traceback."""
    resource_tracker.ensure_running()  # whose own start would let it through
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _work(connection: Connection, setup: Setup[Task, Result]) -> None:
    signal.signal(signal.SIGINT, lambda number, frame: None)  # whoever started this acts on it
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit())
    try:
        with setup() as do, suppress(EOFError, ConnectionError):
            while True:
                connection.send(do(connection.recv()))
    except (EngineError, InputError) as error:
        with suppress(ConnectionError):
            connection.send(error)
