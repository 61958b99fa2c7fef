"""Work side by side: every task once, whatever the processes, and none of them left behind."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

import psutil
import pytest

from quotemark.errors import EngineError, InputError
from quotemark.suite.workers import run_side_by_side

TASKS = range(9)
Found = tuple[int, int]
"""A process, and the square that it found."""


@contextmanager
def squares(folder: Path) -> Iterator[Callable[[int], Found]]:
    """Square numbers, and leave a file of the process's name at the end."""
    yield lambda number: (os.getpid(), number * number)
    (folder / str(os.getpid())).touch()


@contextmanager
def broken(error: Exception) -> Iterator[Callable[[int], Found]]:
    """Cannot be set up."""
    raise error
    yield


@contextmanager
def mortal() -> Iterator[Callable[[int], Found]]:
    """Dies of the number 3."""

    def square(number: int) -> Found:
        if number == 3:
            os._exit(1)
        return os.getpid(), number * number

    yield square


def work(
    setup: Callable[[], AbstractContextManager[Callable[[int], Found]]],
    workers: int,
    last: tuple[int, ...] = (),
) -> list[tuple[int, Found]]:
    """Tasks with what was found, in the order in which they were done."""
    done: list[tuple[int, Found]] = []
    run_side_by_side(setup, iter(TASKS), workers, lambda *pair: done.append(pair), last)
    return done


@pytest.mark.parametrize("workers", [1, 3])
def test_every_task_is_done_once_and_every_process_ends_in_good_order(
    tmp_path: Path, workers: int
) -> None:
    done = work(partial(squares, tmp_path), workers)
    assert sorted((task, square) for task, (_, square) in done) == [(n, n * n) for n in TASKS]
    ended = {int(path.name) for path in tmp_path.iterdir()}
    assert len(ended) == workers
    assert {process for _, (process, _) in done} <= ended - {os.getpid()}
    assert not any(map(psutil.pid_exists, ended))


def test_what_comes_last_is_done_by_every_process_after_all_else(tmp_path: Path) -> None:
    done = work(partial(squares, tmp_path), 2, last=(100, 200))
    ended = {int(path.name) for path in tmp_path.iterdir()}
    assert sorted(task for task, _ in done[: len(TASKS)]) == list(TASKS)
    assert [task for task, _ in done[len(TASKS) :]] == [100, 100, 200, 200]
    assert {process for task, (process, _) in done if task == 200} == ended


@pytest.mark.parametrize(
    "error", [EngineError("hang", "gave no answer"), InputError("engine is 'x', expected another")]
)
def test_what_cannot_be_set_up_is_told_as_it_is(error: Exception) -> None:
    with pytest.raises(type(error)) as told:
        work(partial(broken, error), 2)
    assert str(told.value) == str(error)
    assert getattr(told.value, "label", None) == getattr(error, "label", None)


def test_a_process_that_dies_ends_the_work_and_is_told_with_its_task() -> None:
    with pytest.raises(EngineError, match="the process at work on 3 has ended"):
        work(mortal, 2)
    helpers = [" ".join(child.cmdline()) for child in psutil.Process().children()]
    assert all("resource_tracker" in helper for helper in helpers)


def test_an_error_in_between_ends_every_process(tmp_path: Path) -> None:
    seen: list[int] = []

    def refuse(_: int, found: Found) -> None:
        seen.append(found[0])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_side_by_side(partial(squares, tmp_path), iter(TASKS), 2, refuse)
    assert len(seen) == 1
    assert not psutil.pid_exists(seen[0])
