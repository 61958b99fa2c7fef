"""``quotemark watch``: a recording is followed while it is written, as a real process does it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from quotemark.builtin import reference
from quotemark.case import Case, trace
from quotemark.errors import InputError
from quotemark.mutants import MUTANTS, patched
from quotemark.recorded.watching import Watch, Watched
from quotemark.recorded.writing import recording
from quotemark.suite.market import observe, predict

QUOTEMARK = str(Path(sys.executable).with_name("quotemark"))
DEADLINE_S = 60
"""Far beyond what any of them takes."""

STEPS = [predict(0), observe(-6.0, 5.0), predict(700)]


@pytest.fixture
def lines(tmp_path: Path) -> list[bytes]:
    """Header, opening, three steps and the closing of a session of the reference."""
    path = tmp_path / "made.jsonl"
    with recording(reference(), path) as engine:
        trace(engine, Case("drift", {}, STEPS), "desk", seed=0)
    return path.read_bytes().splitlines(keepends=True)


def departing(line: bytes) -> bytes:
    """The line with another variance, in as many bytes."""
    told = json.loads(line)
    told["answer"]["observation"]["variance"] *= 1.0 + 1e-6
    return f"{json.dumps(told)}\n".encode()


@contextmanager
def watching(file: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    command = [QUOTEMARK, "watch", str(file), *options]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=file.parent
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_divergence_is_told_once_its_line_is_whole(lines: list[bytes], tmp_path: Path) -> None:
    path = tmp_path / "live.jsonl"
    with watching(path) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == f"quotemark: waiting for {path}\n"
        with path.open("wb", buffering=0) as file:
            for line in [*lines[:4], departing(lines[4])]:
                half = len(line) // 2
                file.write(line[:half])
                assert process.poll() is None
                file.write(line[half:])
            told, _ = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 1
    assert told.startswith(f"{path}:5: drift departs from the reference at step 3 of 3: predict")
    assert "field          variance" in told
    assert "last agreeing  step 2, observe" in told
    *_, command, verdict = told.splitlines()
    assert verdict.startswith("DEPARTED: reference ")
    (saved,) = tmp_path.glob("quotemark-report/failures/*/recorded.drift_agrees.json")
    assert command == (
        f"  reproduce      quotemark reproduce {saved.relative_to(tmp_path)} --engine ENGINE"
    )


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_divergence_is_diagnosed_by_what_follows_up_to_a_line_that_is_none(
    form: str, tmp_path: Path
) -> None:
    path = tmp_path / "live.jsonl"
    steps = [predict(1_000 * second) for second in range(41)]
    with patched(MUTANTS["linear-q"]) as mutant, recording(mutant, path) as engine:
        trace(engine, Case("drift", {}, steps), "desk", seed=0)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:31], b"NaN\n", *lines[31:]]))
    with watching(path, *(["--json"] if form == "json" else [])) as process:
        told, trouble = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, trouble) == (1, "")
    diagnosis = "behaves like linear-q (D-01): Q(dt) = q dt, on 28 of 28 steps"
    if form == "json":
        assert json.loads(told)["diagnosis"] == diagnosis
    else:
        assert f"  {diagnosis}" in told.splitlines()


def test_it_ends_when_nothing_comes_and_leaves_a_torn_line(
    lines: list[bytes], tmp_path: Path
) -> None:
    path = tmp_path / "live.jsonl"
    path.write_bytes(b"".join(lines[:4]) + departing(lines[4])[:-1])
    with watching(path, "--until-idle", "0", "--json") as process:
        told, trouble = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, trouble) == (0, "")
    found = json.loads(told)
    assert found["departed"] is False
    assert (found["watched"]["lines"], found["watched"]["contents"]["steps"]) == (4, 2)


def test_an_interrupt_ends_it_with_what_was_seen(tmp_path: Path) -> None:
    with watching(tmp_path / "none.jsonl") as process:
        assert process.stderr is not None
        process.stderr.readline()
        process.send_signal(signal.SIGINT)
        told, _ = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, told) == (130, "nothing departs: no header yet\n")


@pytest.mark.parametrize("how", ["replaced", "cut short"])
def test_a_file_that_is_begun_anew_is_followed_from_its_beginning(
    how: str, lines: list[bytes], tmp_path: Path
) -> None:
    """The change is made when the watch has read all that is there."""
    path = tmp_path / "live.jsonl"
    told: list[str] = []
    path.write_bytes(b"".join(lines))

    def begin_anew(watched: Watched) -> None:
        if watched.lines == len(lines):
            anew = [*lines[:2], departing(lines[2])]
            if how == "replaced":
                (tmp_path / "other").write_bytes(b"".join([*anew, *lines[3:]]))
                (tmp_path / "other").replace(path)
            else:
                path.write_bytes(b"".join(anew))

    watch = Watch(path, told.append, begin_anew)
    watch.run()
    assert told == [f"{path} was replaced or cut short, and is begun anew"]
    assert watch.watched.departure is not None
    assert watch.watched.departure.place == f"{path}:3"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"session": "a"}\n', r"live.jsonl:1: its keys are session"),
        (b"\x1f\x8b\x08\x00", "is followed in plain lines of JSON"),
    ],
)
def test_what_is_no_recording_is_told(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "live.jsonl"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        Watch(path, print, lambda watched: None).run(idle_s=0.0)
