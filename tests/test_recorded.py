"""Recordings: what is found in them, what they prove, and how they end as evidence."""

from __future__ import annotations

import gzip
import json
import math
import random
import re
import shutil
import subprocess
import sys
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

import quotemark
from quotemark.adapters import make_engine
from quotemark.builtin import reference
from quotemark.case import Case, trace
from quotemark.errors import InputError
from quotemark.evidence.events import event_log, read_log
from quotemark.failures import FailureFolder, load_failure
from quotemark.fuzz.cases import numbered_case
from quotemark.messages import LEVEL_0_FIELDS, OBSERVATIONS, Json
from quotemark.mutants import MUTANTS, patched
from quotemark.port import Engine
from quotemark.recorded.certifying import certify_recording
from quotemark.recorded.companion import Companion, Departure
from quotemark.recorded.contents import look_into
from quotemark.recorded.files import RecordingFile
from quotemark.recorded.looks import LOOKS
from quotemark.recorded.writing import recording
from quotemark.reproduce import reproduce
from quotemark.results import Certification, CheckResult
from quotemark.schema import schemas
from quotemark.suite.market import (
    MID,
    at_position,
    cycle,
    gates,
    observe,
    predict,
    signal,
    trades,
    trend,
)

QUOTEMARK = str(Path(sys.executable).with_name("quotemark"))
PHASES = (1, 2, 3, 4, 5, 6, 7, 8)


def recorded(path: Path, *cases: Case, engine: Engine | None = None) -> Path:
    """Record an engine, the reference unless another is given, a session a case."""
    with recording(engine or reference(), path) as written:
        for number, case in enumerate(cases):
            trace(written, case, f"session-{number}", seed=0)
    return path


def lines_of(path: Path) -> list[Json]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def write_lines(path: Path, lines: Sequence[Json]) -> Path:
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), "utf-8")
    return path


def departures(path: Path) -> list[Departure]:
    file = RecordingFile(path)
    companion = Companion(file.identity)
    for place, line in file.lines():
        companion.take(place, line)
    return companion.departures


def only_departure(path: Path) -> tuple[int, str]:
    """Line and field of the one divergence that a recording has."""
    (found,) = departures(path)
    return int(found.place.rpartition(":")[2]), found.divergence.difference.field


# --- agreement --------------------------------------------------------------------------------

LONGEST = 80
"""Steps of a fuzz case that are recorded; the quote cycle's are up to a thousand."""


@cache
def fuzzed(component: str, number: int) -> list[Json]:
    """Lines that the reference gives to a fuzz case."""
    case = numbered_case(component, 20260219, number)
    engine = reference()
    asked = Case(case.component, case.config, case.steps[:LONGEST])
    answered = trace(engine, asked, "fuzz", 0)
    header = {"recording": "1.0", "engine": plain(engine.initialize())}
    opened = {
        "open": {"component": component, "config": asked.config},
        "answer": plain(answered.opened),
    }
    steps = zip(asked.steps, answered.answers, strict=True)
    return [header, opened, *({"step": step, "answer": plain(answer)} for step, answer in steps)]


def plain(value: Any) -> Any:  # noqa: ANN401 - any message
    return json.loads(msgspec.json.encode(value))


class Figure(NamedTuple):
    """A figure in a recording: its line, its field, and where it stands."""

    line: int
    path: str
    holder: Any
    key: Any


def figures(lines: Sequence[Json]) -> Iterator[Figure]:
    """Numbers of observations that a change of 1e-6 takes beyond the absolute tolerance."""

    def within(line: int, path: str, value: Any) -> Iterator[Figure]:  # noqa: ANN401
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, one in items:
            place = f"{path}.{key}" if isinstance(value, dict) else f"{path}[{key}]"
            if isinstance(one, dict | list):
                yield from within(line, place, one)
            elif isinstance(one, float) and abs(one) > 1e-5:
                yield Figure(line, place.lstrip("."), value, key)

    for number, line in enumerate(lines, start=1):
        yield from within(number, "", line.get("answer", {}).get("observation", {}))


@pytest.mark.parametrize("component", OBSERVATIONS)
def test_a_recording_of_the_reference_does_not_depart(component: str, tmp_path: Path) -> None:
    for number in range(3):
        lines = fuzzed(component, number)
        assert departures(write_lines(tmp_path / "same.jsonl", lines)) == []


@settings(max_examples=60)
@given(
    component=st.sampled_from(sorted(OBSERVATIONS)),
    number=st.integers(0, 2),
    choice=st.randoms(use_true_random=False),
    factor=st.sampled_from((1.0 + 1e-6, 1.0 - 1e-6)),
)
def test_any_figure_changed_by_a_millionth_is_found_where_it_stands(
    component: str,
    number: int,
    choice: random.Random,
    factor: float,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    lines = json.loads(json.dumps(fuzzed(component, number)))
    there = list(figures(lines))
    if not there:  # all of its steps are refused
        return
    changed = choice.choice(there)
    changed.holder[changed.key] *= factor
    path = tmp_path_factory.getbasetemp() / "changed.jsonl"
    assert only_departure(write_lines(path, lines)) == (changed.line, changed.path)


DRIFT = Case(
    "drift",
    {"theta_per_s": 0.05},
    [predict(0), observe(-6.0, 5.0), predict(700), observe(4.0, 8.0), predict(2_000), predict(1)],
)


def drift_lines(tmp_path: Path) -> list[Json]:
    """Header, opening, six steps in lines 3 to 8, of which the last is refused, and the closing."""
    return lines_of(recorded(tmp_path / "drift.jsonl", DRIFT))


def test_a_line_that_is_missing_is_found_at_the_next_state(tmp_path: Path) -> None:
    lines = drift_lines(tmp_path)
    del lines[3]
    assert only_departure(write_lines(tmp_path / "r.jsonl", lines)) == (4, "drift_bps_per_s")


def test_lines_that_are_swapped_are_found_at_the_first_of_them(tmp_path: Path) -> None:
    lines = drift_lines(tmp_path)
    lines[4], lines[5] = lines[5], lines[4]
    assert only_departure(write_lines(tmp_path / "r.jsonl", lines)) == (5, "drift_bps_per_s")


def test_another_code_of_a_rejection_is_found(tmp_path: Path) -> None:
    lines = drift_lines(tmp_path)
    assert lines[7]["answer"]["code"] == "time_reversed"
    lines[7]["answer"]["code"] = "out_of_range"
    assert only_departure(write_lines(tmp_path / "r.jsonl", lines)) == (8, "code")


def test_a_rejection_that_should_have_come_is_found(tmp_path: Path) -> None:
    lines = drift_lines(tmp_path)
    lines[7]["answer"] = lines[6]["answer"]
    assert only_departure(write_lines(tmp_path / "r.jsonl", lines)) == (8, "status")


def test_another_effective_configuration_is_found_at_the_opening(tmp_path: Path) -> None:
    lines = drift_lines(tmp_path)
    lines[1]["answer"]["config"]["p_min"] = 3.0
    found = only_departure(write_lines(tmp_path / "r.jsonl", lines))
    assert found == (2, "effective config p_min")


def test_a_session_that_should_not_have_opened_is_found(tmp_path: Path) -> None:
    lines = drift_lines(tmp_path)
    lines[1]["open"]["config"] = {"theta_per_s": -1.0}
    assert only_departure(write_lines(tmp_path / "r.jsonl", lines)) == (2, "status")


def test_a_level_that_is_dropped_is_found(tmp_path: Path) -> None:
    lines = lines_of(recorded(tmp_path / "r.jsonl", Case("engine", gates(1, 2, 3, 4), [cycle(0)])))
    del lines[2]["answer"]["observation"]["asks"][5]
    found = only_departure(write_lines(tmp_path / "r.jsonl", lines))
    assert found == (3, "number of asks")


def test_a_field_that_was_not_declared_is_a_fault_of_its_own(tmp_path: Path) -> None:
    lines = drift_lines(tmp_path)
    lines[3]["answer"]["observation"]["comment"] = 1.0
    found = certified(write_lines(tmp_path / "r.jsonl", lines))
    agreement = check_of(found, "recorded.drift_agrees")
    assert agreement.label == "undeclared_field"
    assert {"A-drift", "R-declared"} == {one.requirement.id for one in violated(found)}


def test_what_comes_after_a_divergence_is_not_looked_at(tmp_path: Path) -> None:
    lines = drift_lines(tmp_path)
    for line in lines[3:6]:
        line["answer"]["observation"]["variance"] *= 2.0
    assert only_departure(write_lines(tmp_path / "r.jsonl", lines)) == (4, "variance")


def test_sessions_are_told_apart_however_they_interleave(tmp_path: Path) -> None:
    one, other = (
        lines_of(recorded(tmp_path / "r.jsonl", Case("drift", {}, steps)))[1:]
        for steps in ([predict(0), predict(900)], [predict(5), observe(1.0, 9.0)])
    )
    for line in other:
        line["session"] = "other"
    mixed = [line for pair in zip(one, other, strict=True) for line in pair]
    header = drift_lines(tmp_path)[0]
    path = write_lines(tmp_path / "mixed.jsonl", [header, *mixed])
    assert departures(path) == []
    mixed[5]["answer"]["observation"]["variance"] *= 2.0
    write_lines(path, [header, *mixed])
    (found,) = departures(path)
    assert (found.place, found.session) == (f"{path}:7", "other")


def test_a_name_may_be_opened_again_once_it_was_closed(tmp_path: Path) -> None:
    lines = drift_lines(tmp_path)
    path = write_lines(tmp_path / "r.jsonl", [*lines, *lines[1:]])
    assert departures(path) == []
    del lines[-1]
    assert only_departure(write_lines(path, [*lines, *lines[1:]])) == (9, "status")


def test_an_engine_without_a_phase_is_held_to_what_it_has(tmp_path: Path) -> None:
    """Its gate is off, by its own default; what only the phase reads it need not take."""
    steps = [cycle(0), {"step": "open_interest", "t_ms": 1, "contracts": 5.0}, cycle(6450)]
    lines = lines_of(recorded(tmp_path / "r.jsonl", Case("engine", gates(1, 2, 3, 4), steps)))
    lines[0]["engine"]["phases"] = [1, 2, 3, 4]
    lines[1]["open"]["config"] = {"use_epnl_filter": True}
    lines[3]["answer"] = {"status": "unsupported", "reason": "no phase 8"}
    assert departures(write_lines(tmp_path / "r.jsonl", lines)) == []
    lines[0]["engine"]["phases"] = [1, 2, 3, 4, 8]
    lines[1]["open"]["config"] = gates(1, 2, 3, 4)
    assert only_departure(write_lines(tmp_path / "r.jsonl", lines)) == (4, "status")


# --- a session that departs, read again --------------------------------------------------------

SLOWED = Case("drift", {}, [predict(1_000 * second) for second in range(41)])
"""After the first, forty steps in which `linear-q` adds too much noise."""
BOOKS = Case(
    "engine",
    gates(1, 2, 3, 4),
    [
        *(cycle(0), {"step": "open_interest", "t_ms": 1, "contracts": 5.0}, trend(1, 6.0)),
        *(cycle(6_450 * number) for number in range(1, 20)),
    ],
)


def mutant_recorded(path: Path, name: str, *cases: Case) -> Path:
    with patched(MUTANTS[name]) as engine:
        return recorded(path, *cases, engine=engine)


def folder_of(path: Path) -> FailureFolder:
    return FailureFolder(path.parent / "failures", f"recorded:{path}")


def again(folder: FailureFolder, check: str, start: Callable[[], Engine] = reference) -> str:
    """Verdict on the engine that is made, in the file that was saved of a check."""
    return reproduce(load_failure(folder.file_of(check)), start).verdict


def test_a_departure_is_diagnosed_and_saved_to_be_run_on_any_engine(tmp_path: Path) -> None:
    path = mutant_recorded(tmp_path / "r.jsonl", "linear-q", SLOWED, DRIFT)
    folder = folder_of(path)
    found = certified(path, folder)
    told = "behaves like linear-q (D-01): Q(dt) = q dt, on 40 of 40 steps"
    assert found.diagnoses == [f"drift {told}"]
    check = check_of(found, "recorded.drift_agrees")
    file = folder.file_of(check.check)
    assert check.message.splitlines()[-2:] == [
        f"  {told}",
        f"  reproduce      quotemark reproduce {file} --engine ENGINE",
    ]
    (series,) = found.divergences
    assert (series.field, series.diverges_at) == ("variance", 2)
    assert (series.steps[-1], series.check) == (41, check.check)
    saved = load_failure(file)
    assert saved.case is not None
    assert (saved.engine, saved.case.steps) == (f"recorded:{path}", SLOWED.steps[:2])
    assert again(folder, check.check) == "FIXED"
    start = partial(make_engine, "mutant:linear-q")
    assert again(folder, check.check, start) == "FAILED"
    log = tmp_path / "log.jsonl"
    log.write_text(event_log(found), "utf-8")
    assert read_log(log) == found
    certified(recorded(path, SLOWED), folder)
    assert not folder.path.exists()


def test_the_session_that_departs_is_picked_out_of_a_packed_file(tmp_path: Path) -> None:
    """Another has the same name before, another runs beside it, and it is opened anew after."""
    right, wrong = (
        lines_of(mutant_recorded(tmp_path / "r.jsonl", "linear-q", Case("drift", {}, steps)))
        for steps in (SLOWED.steps[:1], SLOWED.steps)
    )
    beside = [{**line, "session": "beside"} for line in lines_of(recorded(tmp_path / "r", SLOWED))]
    mixed = [line for pair in zip(wrong[1:-1], beside[1:-1], strict=True) for line in pair]
    path = write_lines(tmp_path / "r.jsonl", [*right, *mixed, *wrong[-1:], *right[1:]])
    packed = tmp_path / "r.jsonl.gz"
    packed.write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    folder = folder_of(packed)
    (told,) = certified(packed, folder).diagnoses
    assert told.endswith("on 40 of 40 steps")
    assert again(folder, "recorded.drift_agrees") == "FIXED"


def test_steps_that_an_engine_need_not_take_are_left_out_of_the_case(tmp_path: Path) -> None:
    """Its gates are off in the case, as they are in the engine."""
    path = mutant_recorded(tmp_path / "r.jsonl", "linear-q", BOOKS)
    lines = lines_of(path)
    lines[0]["engine"]["phases"] = [1, 2, 3, 4]
    lines[1]["open"]["config"] = {"use_epnl_filter": True}
    lines[1]["answer"]["config"] = {"use_epnl_filter": True}
    lines[3]["answer"] = {"status": "unsupported", "reason": "no phase 8"}
    folder = folder_of(path)
    (told,) = certified(write_lines(path, lines), folder).diagnoses
    assert told == "engine behaves like linear-q (D-01): Q(dt) = q dt, on 19 of 19 steps"
    case = load_failure(folder.file_of("recorded.engine_agrees")).case
    assert case is not None
    assert [step["step"] for step in case.steps] == ["cycle", "trend", "cycle"]
    off = {name for name, on in gates(1, 2, 3, 4).items() if on is False}
    assert case.config == {"use_epnl_filter": True, **dict.fromkeys(off, False)}


def test_what_nobody_knows_is_saved_and_not_diagnosed(tmp_path: Path) -> None:
    lines = drift_lines(tmp_path)
    lines[4]["answer"]["observation"]["variance"] *= 1.0 + 1e-6
    path = write_lines(tmp_path / "r.jsonl", lines)
    found = certified(path, folder_of(path))
    assert found.diagnoses == []
    assert again(folder_of(path), "recorded.drift_agrees") == "FIXED"


def test_a_session_that_opens_or_closes_otherwise_is_not_saved(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    for number, answer, why in (
        (1, {"status": "ok", "config": {"p_min": 3.0}}, "it departs before its first step"),
        (8, {"status": "rejected", "code": "not_open", "message": ""}, "it departs where it is"),
    ):
        lines = drift_lines(tmp_path)
        lines[number]["answer"] = answer
        check = check_of(
            certified(write_lines(path, lines), folder_of(path)), "recorded.drift_agrees"
        )
        assert check.message.splitlines()[-1].startswith(f"  not saved      {why}"), check.message
    assert not folder_of(path).path.exists()


@pytest.mark.parametrize(
    ("steps", "last"),
    [
        (5_001, "  reproduce "),
        (20_001, "  not saved      it takes 20001 steps to depart, at most 20000 are"),
    ],
)
def test_a_long_session_is_not_diagnosed_and_a_longer_one_not_saved(
    steps: int, last: str, tmp_path: Path
) -> None:
    case = Case("drift", {}, [predict(second) for second in range(steps)])
    lines = lines_of(recorded(tmp_path / "r.jsonl", case))
    lines[-2]["answer"]["observation"]["variance"] *= 1.0 + 1e-6
    path = write_lines(tmp_path / "r.jsonl", lines)
    said = check_of(certified(path, folder_of(path)), "recorded.drift_agrees").message
    assert said.splitlines()[-1].startswith(last)
    assert ("not diagnosed  it takes 5001 steps to depart, at most 5000 are" in said) == (
        steps == 5_001
    )
    assert folder_of(path).file_of("recorded.drift_agrees").exists() == (steps == 5_001)


# --- files ------------------------------------------------------------------------------------


def test_a_torn_end_is_told_and_not_judged(tmp_path: Path) -> None:
    path = recorded(tmp_path / "r.jsonl", DRIFT)
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:5]) + lines[5][:-2])
    found = check_of(certified(path), "recorded.is_read")
    assert "3 steps" in found.message
    assert "line 6 is not whole, and was not judged" in found.message


def test_gzip_is_read_and_its_torn_end_is_told(tmp_path: Path) -> None:
    path = recorded(tmp_path / "r.jsonl", Case("drift", {}, [predict(t) for t in range(3_000)]))
    packed = tmp_path / "r.jsonl.gz"
    packed.write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    assert "3000 steps" in check_of(certified(packed), "recorded.is_read").message
    packed.write_bytes(packed.read_bytes()[:-2_000])
    assert "is not whole" in check_of(certified(packed), "recorded.is_read").message
    packed.write_bytes(packed.read_bytes()[:200] + b"\0" * 200)
    with pytest.raises(InputError, match=r"r\.jsonl\.gz:\d+: gzip data damaged"):
        certified(packed)


def test_other_line_ends_and_a_byte_order_mark_are_read_alike(tmp_path: Path) -> None:
    path = recorded(tmp_path / "r.jsonl", DRIFT)
    path.write_bytes(BOM_UTF8 + path.read_bytes().replace(b"\n", b"\r\n"))
    assert check_of(certified(path), "recorded.drift_agrees").status == "passed"


def test_a_number_that_is_not_finite_is_recorded_as_such(tmp_path: Path) -> None:
    """As null it would be the figure that nobody knows yet, which the reference shows."""
    case = Case("engine", gates(*PHASES), [cycle(0)])
    path = mutant_recorded(tmp_path / "r.jsonl", "unknown-premium-not-finite", case)
    (found,) = departures(path)
    assert found.divergence.difference.got == "nan"


def test_a_time_that_no_step_may_have_is_not_counted(tmp_path: Path) -> None:
    steps = [predict(5), predict(10**400), predict(-(10**400)), predict(1_005)]
    told = str(look_into(recorded(tmp_path / "r.jsonl", Case("drift", {}, steps))).contents)
    assert told == "1 session, 4 steps, 0 cycles among them, 2 rejected, 1 s from t_ms 5"


HEADER = {
    "recording": "1.0",
    "engine": {
        "protocol": "1.0",
        "name": "desk",
        "version": "7",
        "digest": "none",
        "phases": [1],
        "components": ["drift"],
        "fields": {"drift": ["variance"]},
        "clock": "wall",
    },
}
OPENED = {"open": {"component": "drift"}, "answer": {"status": "ok", "config": {}}}
STEP = {"step": predict(0), "answer": {"status": "ok", "observation": {"variance": 50.0}}}


def engine_of(**changed: object) -> Json:
    return {**HEADER, "engine": {**HEADER["engine"], **changed}}  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "holds no whole line, expected a header"),
        ([OPENED], r":1: is no header, expected a first line with recording and engine"),
        ([{**HEADER, "recording": "2.0"}], r":1: recording is '2.0', expected version 1"),
        ([engine_of(protocol="3.1")], r":1: engine.protocol is '3.1', expected version 1"),
        ([engine_of(components=["drfit"])], r"engine.components: 'drfit' is no component"),
        ([engine_of(clock="none")], r":1: .*'none' - at `\$.engine.clock`"),
        ([HEADER, STEP], r":2: session '' has no opening before this line"),
        ([HEADER, {"close": {}, "answer": {"status": "ok"}}], r":2: session '' has no opening"),
        ([HEADER, HEADER], r":2: a second header"),
        ([HEADER, {"session": "a"}], r":2: its keys are session, expected just one of recording"),
        ([HEADER, {**OPENED, **STEP}], r":2: its keys are open, answer, step"),
        ([HEADER, {**STEP, "at": 5}], r":2: .*unknown field `at`"),
        ([HEADER, {"step": predict(0)}], r":2: .*missing required field `answer`"),
        ([HEADER, {**STEP, "answer": {"status": "fine"}}], r":2: .*'fine' - at `\$.answer.status`"),
        ([HEADER, OPENED, {**STEP, "step": 5}], r":3: Expected `object`.* - at `\$.step`"),
        (
            [HEADER, {**OPENED, "open": {"component": "flow"}}],
            r":2: open.component is 'flow', expected one of the header's: drift",
        ),
        (
            [HEADER, {**OPENED, "open": {"component": "drfit"}}],
            r":2: open.component: 'drfit' is no component, known are drift",
        ),
    ],
)
def test_what_is_no_recording_is_told_with_its_line(
    lines: Sequence[Json], message: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message):
        certified(write_lines(tmp_path / "r.jsonl", lines))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"recording": \n', r":1: not JSON"),
        (b"[]\n", r":1: \[\] is no JSON object"),
        (b"\xff\xfe\n", r":1: not JSON"),
        (b"\r\n", r":1: is empty, expected a JSON object"),
        (b'{"variance": NaN}\n', r":1: not JSON.*NaN and Infinity are no JSON numbers"),
    ],
)
def test_what_is_no_json_is_told_with_its_line(
    content: bytes, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "r.jsonl"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        certified(path)


def test_a_place_that_is_no_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Is a directory"):
        certified(tmp_path)
    with pytest.raises(InputError, match="No such file"):
        certified(tmp_path / "none.jsonl")


# --- what a recording proves ------------------------------------------------------------------


def certified(path: Path, failures: FailureFolder | None = None) -> Certification:
    return certify_recording(path, phases=PHASES, seed=0, failures=failures).certification


def check_of(found: Certification, name: str) -> CheckResult:
    (check,) = (one for one in found.checks if one.check == name)
    return check


def violated(found: Certification) -> list[Any]:
    return [one for one in found.requirements if one.status == "violated"]


def book(t_ms: int, bid_size: float, ask_size: float) -> Json:
    """A book of two levels a side, the outer ones thin."""
    return {
        "step": "book",
        "t_ms": t_ms,
        "bids": [[99.99, bid_size], [99.95, bid_size]],
        "asks": [[100.01, ask_size], [100.05, ask_size]],
    }


def leading_market() -> list[Json]:
    """A leader that swings and a market that follows by half; at last the leader alone falls."""
    steps: list[Json] = []
    leader = 50_000.0
    for number in range(41):
        last = number == 40
        move_bps = -20.0 if last else (10.0 if number % 2 else -10.0)
        leader *= 1.0 + move_bps / 1e4
        mid = MID if last or number % 2 else MID * (1.0 - 5e-4)
        t_ms = number * 6450
        price = {"step": "reference_price", "t_ms": t_ms, "source": "leader", "price": leader}
        steps += [price, cycle(t_ms, MID if last else mid)]
    # the market stood at MID in the cycle before the last
    return steps


CALM: list[Json] = [cycle(0), cycle(6450), cycle(12900)]
FUNDED: Json = {"step": "funding", "t_ms": 0, "rate": "0.001", "interval_s": 3600.0}
AT_HALF: list[Json] = [{**at_position(0.3)[0], "price": MID * 0.9995}, cycle(0)]
A_BID: Json = {
    "level": 0,
    "depth_bps": 7.25,
    "price": 99.92,
    "tick": 0.01,
    "size": 0.695,
    "expected_pnl_bps": 0.1,
}


def put(**fields: object) -> Callable[[Json], None]:
    """Change that gives fields of an observation other values."""
    return lambda seen: seen.update(fields)


def scaled(name: str, factor: float) -> Callable[[Json], None]:
    return lambda seen: seen.update({name: seen[name] * factor})


def without_source(source: str) -> Callable[[Json], None]:
    def leave_out(seen: Json) -> None:
        kept = [one for one in seen["drift_observations"] if one["source"] != source]
        seen["drift_observations"] = kept

    return leave_out


def best_bid_at(price: float) -> Callable[[Json], None]:
    return lambda seen: seen["bids"][0].update(price=price)


def touch_worth(more_bps: float) -> Callable[[Json], None]:
    def change(seen: Json) -> None:
        seen["expected_pnl_bps"][0][0] += more_bps

    return change


class Shown(NamedTuple):
    """A session that shows what a look waits for, and a change of its last state that breaks it."""

    look: str
    component: str
    config: Json
    steps: list[Json]
    change: Callable[[Json], None]


SHOWN = [
    Shown(
        "drift_shows_in_trends",
        "engine",
        gates(1, 2, 3, 4),
        [trend(0, 4.0, 0.5), cycle(0), trend(0, 60.0), cycle(0)],
        put(drift_shift_bps=-3.0),
    ),
    Shown(
        "observations_lower_the_uncertainty",
        "engine",
        gates(1, 2, 3, 4),
        [signal(0, -1.0, 100.0), cycle(0)],
        put(drift_variance=50.0),
    ),
    Shown(
        "bids_pull_back_in_a_bearish_trend",
        "engine",
        gates(1, 2, 3),
        [trend(0, 20.0), cycle(0)],
        best_bid_at(99.90),
    ),
    Shown(
        "the_accumulating_side_is_empty_from_70_percent",
        "engine",
        gates(1, 2, 3, 4),
        [*at_position(0.7), cycle(0), *at_position(-1.4), cycle(0)],
        put(asks=[A_BID]),
    ),
    Shown(
        "both_sides_are_quoted_at_30_percent",
        "engine",
        gates(1, 2, 3, 4),
        [*at_position(-0.3), cycle(0)],
        put(asks=[]),
    ),
    Shown(
        "kappas_differ_in_one_sided_flow",
        "engine",
        gates(1, 2, 3),
        [*trades("sell"), cycle(3000)],
        put(kappas_per_bps=[0.1287, 0.1287]),
    ),
    Shown(
        "the_kill_guard_acts",
        "engine",
        gates(1, 2, 3, 4),
        [*at_position(1.05), cycle(0)],
        put(bids=[A_BID]),
    ),
    Shown(
        "carry_shows_in_expected_pnl",
        "engine",
        gates(1, 2, 3, 4, 6),
        [FUNDED, cycle(0)],
        touch_worth(math.exp(-0.1287 * 7.25) * 1.6667),
    ),
    Shown(
        "the_book_moves_the_drift_before_fills",
        "engine",
        gates(1, 2, 3, 4, 7),
        [book(0, 1.0, 9.0), cycle(0)],
        without_source("composite"),
    ),
    Shown(
        "hawkes_speaks_in_clusters_of_trades",
        "engine",
        gates(1, 2, 3, 4, 8),
        [
            # cycles 0, 2, 4 and 6 are warm: too few trades, a cluster, a silence, a cluster
            *(*trades("sell", 4), cycle(500)),
            *(*trades("sell", 20, start_ms=600), cycle(2_600), cycle(2_700)),
            *(cycle(92_000), cycle(92_000), cycle(93_000)),
            *(*trades("sell", 20, start_ms=93_000), cycle(95_000)),
        ],
        without_source("hawkes"),
    ),
    Shown(
        "a_leader_that_moves_first_is_seen",
        "engine",
        gates(1, 2, 3, 4, 8),
        leading_market(),
        without_source("lead"),
    ),
    Shown(
        "a_predict_adds_the_exact_noise",
        "drift",
        {},
        [predict(0), predict(6450)],
        # 50 e^(-0.04 6.45) + 6.45: the noise taken as q dt
        put(variance=50.0 * math.exp(-0.258) + 6.45),
    ),
    Shown(
        "a_predict_takes_the_drift_to_0",
        "drift",
        {},
        [observe(-6.0, 5.0), predict(0), predict(6450)],
        put(drift_bps_per_s=-60.0 / 11.0),
    ),
    Shown(
        "an_observation_moves_the_drift_by_its_gain",
        "drift",
        {},
        [predict(0), observe(-6.0, 5.0)],
        put(drift_bps_per_s=-6.0),
    ),
    Shown(
        "uncertainty_is_the_root_of_the_variance",
        "drift",
        {},
        [predict(0)],
        put(uncertainty_bps_per_s=50.0),
    ),
    Shown(
        "a_cycle_adds_the_exact_noise",
        "engine",
        gates(1, 2, 3, 4),
        [cycle(0), cycle(6450)],
        put(drift_variance=50.0 * math.exp(-0.258) + 6.45),
    ),
    Shown(
        "the_variance_is_floored_after_updates",
        "engine",
        gates(1, 2, 3, 4),
        [signal(0, -1.0, 100.0), cycle(0), signal(0, -1.0, 1.0), cycle(0)],
        put(drift_variance=100.0 / 103.0),
    ),
    Shown(
        "gamma_grows_with_the_square_of_the_position",
        "engine",
        gates(1, 2, 3, 4),
        [*at_position(0.5), cycle(0)],
        put(gamma_per_bps=0.15 * (1.0 + 7.0 * 0.5)),
    ),
    Shown(
        "expected_pnl_is_its_formula",
        "engine",
        gates(1, 2, 3, 4),
        [cycle(0), *AT_HALF],
        touch_worth(0.5),
    ),
    Shown(
        "levels_rest_while_they_are_expected_to_earn",
        "engine",
        gates(1, 2, 3, 4),
        [*at_position(0.7), cycle(0)],
        put(bids=[A_BID]),
    ),
    Shown(
        "the_ladder_is_laid_out",
        "engine",
        {**gates(1, 2, 3, 4), "level_sizes": [2.0, 2.0, 2.0], "inventory_beta": 0.0},
        [
            *(signal(0, -6.0, 5.0), cycle(0)),
            *(signal(90_000, 9.0, 1.0), *at_position(0.6, 90_000), cycle(90_000)),
        ],
        best_bid_at(99.99),
    ),
]


def session_of(shown: Shown) -> Case:
    return Case(shown.component, shown.config, shown.steps)


@pytest.mark.parametrize("shown", SHOWN, ids=lambda shown: shown.look)
def test_a_look_proves_what_it_saw_and_refuses_what_departs(shown: Shown, tmp_path: Path) -> None:
    path = recorded(tmp_path / "r.jsonl", session_of(shown))
    found = check_of(certified(path), f"recorded.{shown.look}")
    assert (found.status, found.proves != ()) == ("passed", True), found.message
    lines = lines_of(path)
    shown.change(lines[-2]["answer"]["observation"])
    broken = certified(write_lines(path, lines))
    refused = check_of(broken, f"recorded.{shown.look}")
    assert refused.status == "failed", refused.message
    assert refused.message.startswith(f"{path}:{len(lines) - 1}: ")
    assert {*refused.proves} <= {one.requirement.id for one in violated(broken)}


def test_every_look_is_tried() -> None:
    assert {one.name for one in LOOKS} == {f"recorded.{shown.look}" for shown in SHOWN}


NEAR_MISSES: list[tuple[str, int, list[Json]]] = [
    ("drift_shows_in_trends", 0, [trend(0, 60.0, 0.0), cycle(0)]),
    ("drift_shows_in_trends", 1, [trend(0, 3.0), cycle(0), signal(0, -40.0, 1.0), cycle(0)]),
    ("observations_lower_the_uncertainty", 0, [cycle(0), cycle(6450)]),
    ("bids_pull_back_in_a_bearish_trend", 0, [trend(0, 3.0), cycle(0)]),
    ("bids_pull_back_in_a_bearish_trend", 0, [trend(0, -20.0), cycle(0)]),
    ("the_accumulating_side_is_empty_from_70_percent", 0, [*at_position(0.69), cycle(0)]),
    (
        "the_accumulating_side_is_empty_from_70_percent",
        0,
        [*at_position(0.7), signal(0, 5.0, 10.0), cycle(0)],
    ),
    ("both_sides_are_quoted_at_30_percent", 0, [*at_position(0.24), cycle(0)]),
    ("both_sides_are_quoted_at_30_percent", 0, [*at_position(-0.36), cycle(0)]),
    ("kappas_differ_in_one_sided_flow", 0, [*trades("sell", 19), cycle(1_900)]),
    (
        "kappas_differ_in_one_sided_flow",
        0,
        [*trades("sell", 15), *trades("buy", 6, 1_500), cycle(2_100)],
    ),
    ("the_kill_guard_acts", 0, [*at_position(0.999), cycle(0)]),
    ("carry_shows_in_expected_pnl", 0, [{**FUNDED, "rate": "0.0005"}, cycle(0)]),
    (
        "the_book_moves_the_drift_before_fills",
        0,
        [book(0, 1.0, 9.0), *at_position(0.1), cycle(0), book(0, 5.0, 5.0), cycle(0)],
    ),
    (
        "hawkes_speaks_in_clusters_of_trades",
        0,
        [*trades("sell", 20, every_ms=1_200), cycle(24_000)],
    ),
    ("levels_rest_while_they_are_expected_to_earn", 0, [cycle(0)]),
    ("gamma_grows_with_the_square_of_the_position", 0, [cycle(0)]),
]


@pytest.mark.parametrize(("look", "number", "steps"), NEAR_MISSES)
def test_what_is_near_a_situation_is_not_in_it(
    look: str, number: int, steps: list[Json], tmp_path: Path
) -> None:
    path = recorded(tmp_path / "r.jsonl", Case("engine", gates(*PHASES), steps))
    check = check_of(certified(path), f"recorded.{look}")
    (registered,) = (one for one in LOOKS if one.name == check.check)
    waiting = check.message.removeprefix("never came in this recording: ").split("; ")
    assert (check.status, registered.situations[number] in waiting) == ("unproven", True), (
        check.message
    )


def test_a_situation_lasts_until_the_next_cycle(tmp_path: Path) -> None:
    """A reading, a fill and a leader's move are of one cycle alone."""
    steps = [trend(0, 60.0), *at_position(0.1), book(0, 1.0, 9.0), cycle(0), cycle(0)]
    path = recorded(tmp_path / "r.jsonl", Case("engine", gates(*PHASES), steps))
    found = certified(path)
    check = check_of(found, "recorded.drift_shows_in_trends")
    assert check.message.startswith("cycle with a trend reading before it: seen in 1 of 1;")
    check = check_of(found, "recorded.the_book_moves_the_drift_before_fills")
    assert check.message.endswith("in which the book says something: seen in 1 of 1")


NAMED = (
    "linear-q",
    "no-floor",
    "half-gain",
    "uncertainty-is-p",
    "beta-twice",
    "drift-by-position",
    "skew-reversed",
)


@pytest.mark.parametrize(
    "name", [*NAMED, *(one.name for one in MUTANTS.values() if one.breaks.startswith("E2E"))]
)
def test_mutants_are_refused_by_what_they_break(name: str, tmp_path: Path) -> None:
    with patched(MUTANTS[name]) as engine:
        path = recorded(tmp_path / "r.jsonl", *map(session_of, SHOWN), engine=engine)
    broken = {one.requirement.id for one in violated(certified(path))}
    assert MUTANTS[name].breaks in broken, broken


def test_a_market_that_denies_a_statement_proves_and_violates_nothing(tmp_path: Path) -> None:
    """At 30 % both sides are quoted, until a drift of 40 bp/s makes the bids lose."""
    steps = [*at_position(0.3), cycle(0), signal(0, 40.0, 0.1), cycle(0)]
    path = recorded(tmp_path / "r.jsonl", Case("engine", gates(1, 2, 3, 4), steps))
    found = certified(path)
    check = check_of(found, "recorded.both_sides_are_quoted_at_30_percent")
    assert check.status == "unproven"
    assert (
        f"seen in 1 of 2; first not seen at {path}:6, nor is it by the reference" in check.message
    )
    assert violated(found) == []


def test_a_rule_is_not_blamed_for_a_figure_that_it_rests_on(tmp_path: Path) -> None:
    """Another drift alone leaves expected PnL right, though it no longer follows from it."""
    steps = [cycle(0), *AT_HALF]
    lines = lines_of(recorded(tmp_path / "r.jsonl", Case("engine", gates(1, 2, 3, 4), steps)))
    lines[-2]["answer"]["observation"]["drift_bps_per_s"] *= 1.0 + 1e-6
    found = certified(write_lines(tmp_path / "r.jsonl", lines))
    check = check_of(found, "recorded.expected_pnl_is_its_formula")
    assert (check.status, "where another figure departs" in check.message) == ("unproven", True)
    assert [one.requirement.id for one in violated(found)] == ["A-engine"]


def test_what_is_not_declared_or_offered_is_said(tmp_path: Path) -> None:
    lines = lines_of(recorded(tmp_path / "r.jsonl", Case("engine", gates(1, 2, 3, 4), CALM)))
    lines[0]["engine"].update(
        phases=[1, 2, 3, 4], components=["engine"], fields={"engine": list(LEVEL_0_FIELDS)}
    )
    for line in lines[2:5]:
        quotes = line["answer"]["observation"]
        line["answer"]["observation"] = {
            side: [{"price": one["price"], "size": one["size"]} for one in quotes[side]]
            for side in ("bids", "asks")
        }
    found = certified(write_lines(tmp_path / "r.jsonl", lines))
    assert (found.level, found.sound) == ("L0", True)
    said = {one.check: (one.status, one.message) for one in found.checks}
    status, message = said["recorded.kappas_differ_in_one_sided_flow"]
    assert (status, message) == ("unproven", "fields not declared: kappas_per_bps")
    status, message = said["recorded.a_predict_adds_the_exact_noise"]
    assert (status, message) == ("unsupported", "component drift is not offered")
    status, message = said["recorded.hawkes_speaks_in_clusters_of_trades"]
    assert (status, message) == ("unsupported", "phase 8 is not in this engine")
    status, message = said["recorded.the_kill_guard_acts"]
    assert message == "never came in this recording: cycle at the limit or beyond"


@pytest.mark.parametrize(
    ("fields", "steps"),
    [
        ([], [predict(0), predict(700)]),
        (["drift"], [predict(0), predict(700)]),
        (["variance"], []),
        (["variance"], [{"step": "predict"}, {"step": "predict", "t_ms": "now"}]),
    ],
)
def test_a_recording_that_shows_nothing_proves_nothing(
    fields: list[str], steps: list[Json], tmp_path: Path
) -> None:
    lines = lines_of(recorded(tmp_path / "r.jsonl", Case("drift", {}, steps)))
    lines[0]["engine"].update(components=["drift"], fields={"drift": fields})
    for line in lines[2:-1]:
        if line["answer"]["status"] == "ok":
            line["answer"]["observation"] = {}
    found = certified(write_lines(tmp_path / "r.jsonl", lines))
    assert (found.counts()["proven"], violated(found), found.sound) == (0, [], False)


def test_a_market_without_a_cycle_proves_nothing(tmp_path: Path) -> None:
    case = Case("engine", gates(*PHASES), [book(0, 1.0, 9.0), *trades("sell", 20), trend(5, 6.0)])
    found = certified(recorded(tmp_path / "r.jsonl", case))
    check = check_of(found, "recorded.engine_agrees")
    assert (check.status, check.message) == ("unproven", "shows no declared field in 22 steps")
    assert found.counts()["proven"] == 0


def test_every_requirement_is_accounted_for(tmp_path: Path) -> None:
    found = certified(recorded(tmp_path / "r.jsonl", Case("engine", gates(1, 2, 3, 4), CALM)))
    proven = {one.requirement.id for one in found.requirements if one.status == "proven"}
    assert proven == {"R-declared", "D-01"}
    reasons = {
        one.requirement.id: [check.message for check in one.checks]
        for one in found.requirements
        if one.requirement.id in ("G-1", "M-mirror", "A-drift", "R-finite", "S-feb19", "D-10")
    }
    assert len(reasons) == 6
    assert all(
        len(some) == 1 and some[0].startswith("a recording cannot prove this: ")
        for some in reasons.values()
    )
    assert found.verdict == "CONFORMANT (recording)"


# --- the page ---------------------------------------------------------------------------------

PAGE = (Path(quotemark.__file__).parent / "RECORDINGS.md").read_text("utf-8")


def example(language: str) -> str:
    (block,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(block)


def demand_as_on_the_page(path: Path) -> None:
    """Three positions agree, and all else is said to be unproven or not offered."""
    found = certified(path)
    check = check_of(found, "recorded.inventory_agrees")
    assert check.message == "agrees in every declared field: 3 steps of 1 session"
    lines = lines_of(path)
    lines[3]["answer"]["observation"]["gamma_per_bps"] *= 1.0 + 1e-6
    assert only_departure(write_lines(path, lines)) == (4, "gamma_per_bps")


def test_the_example_of_the_format_agrees(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text(example("json"), "utf-8")
    check = check_of(certified(path), "recorded.drift_agrees")
    assert (check.status, check.message.endswith("3 steps of 1 session")) == ("passed", True)


def test_the_python_example_logs_what_agrees(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", example("python")], cwd=tmp_path, check=True)
    demand_as_on_the_page(tmp_path / "session.jsonl")


@pytest.mark.skipif(shutil.which("rustc") is None, reason="rustc is not at hand")
def test_the_rust_example_logs_what_agrees(tmp_path: Path) -> None:
    (tmp_path / "session.rs").write_text(example("rust"), "utf-8")
    command = ["rustc", "--edition", "2021", "-D", "warnings", "session.rs"]
    subprocess.run(command, cwd=tmp_path, check=True)
    subprocess.run([str(tmp_path / "session")], cwd=tmp_path, check=True)
    demand_as_on_the_page(tmp_path / "session.jsonl")


@pytest.mark.parametrize(
    ("kind", "key"),
    [("header", "recording"), ("open", "open"), ("step", "step"), ("close", "close")],
)
def test_the_schemas_hold_for_recorded_lines_and_no_others(
    kind: str, key: str, tmp_path: Path
) -> None:
    schema = Draft202012Validator(schemas()[f"recording.{kind}"])
    lines = drift_lines(tmp_path)
    valid = [key in line for line in lines]
    assert any(valid)
    assert [schema.is_valid(line) for line in lines] == valid


# --- the commands -----------------------------------------------------------------------------


def run(*arguments: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [QUOTEMARK, *map(str, arguments)], cwd=folder, capture_output=True, text=True, check=False
    )


def test_a_certificate_of_a_recording_verifies_and_opens_no_gate(tmp_path: Path) -> None:
    path = recorded(tmp_path / "r.jsonl", Case("engine", gates(1, 2, 3, 4), CALM))
    engine = "recorded:r.jsonl"
    done = run("certify", engine, "--json", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["certification"]["profile"] == "recorded"
    certificate = told["certificate"]
    statement = json.loads((tmp_path / certificate).read_text("utf-8"))
    assert statement["predicate"]["result"] == "WARNED"
    digests = {one["name"]: one["digest"]["sha256"] for one in statement["subject"]}
    assert digests["r.jsonl"] == sha256(path.read_bytes()).hexdigest()
    done = run("verify", certificate, "--engine", engine, folder=tmp_path)
    assert (done.returncode, "VERIFIED" in done.stdout) == (0, True), done.stdout
    done = run("gate", "--phase", "1", "--certificate", certificate, folder=tmp_path)
    assert done.returncode == 1
    assert "run in full: a recording shows what came up in it" in done.stdout
    path.write_bytes(path.read_bytes().replace(b"100.0", b"100.5", 1))
    done = run("verify", certificate, "--engine", engine, folder=tmp_path)
    assert (done.returncode, "r.jsonl has sha256" in done.stdout) == (1, True), done.stdout


def test_a_replay_is_recorded_with_its_fills_and_a_changed_figure_is_told(tmp_path: Path) -> None:
    done = run(
        *("replay", "paper_trading_checks", "--engine", "reference", "--record", "r.jsonl"),
        folder=tmp_path,
    )
    assert "recording: r.jsonl" in done.stdout, done.stderr
    path = tmp_path / "r.jsonl"
    lines = lines_of(path)
    assert sum("step" in line and line["step"]["step"] == "fill" for line in lines) > 20
    assert departures(path) == []
    changed = next(
        number
        for number, one in enumerate(lines)
        if one.get("answer", {}).get("observation", {}).get("drift_bps_per_s")
    )
    lines[changed]["answer"]["observation"]["drift_bps_per_s"] *= 1.0 + 1e-6
    write_lines(path, lines)
    done = run("certify", "recorded:r.jsonl", folder=tmp_path)
    assert done.returncode == 1
    assert f"r.jsonl:{changed + 1}: engine departs from the reference" in done.stdout
    assert "field          drift_bps_per_s" in done.stdout
    assert "NOT CONFORMANT (recording)" in done.stdout
    report = (tmp_path / "quotemark-report" / "certify-reference-recorded.html").read_text("utf-8")
    assert "<h3>engine: drift_bps_per_s</h3>" in report


def test_smoke_says_what_a_recording_holds(tmp_path: Path) -> None:
    recorded(tmp_path / "r.jsonl", DRIFT)
    done = run("smoke", "recorded:r.jsonl", folder=tmp_path)
    assert done.returncode == 0
    assert "1 session, 6 steps, 0 cycles among them, 1 rejected, 2 s from t_ms 0" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("replay", "feb19", "--engine", "recorded:r.jsonl"), "which nobody can drive"),
        (("fuzz", "recorded:r.jsonl"), "which nobody can drive"),
        (("certify", "recorded:r.jsonl", "--quick"), "nothing of a recording is run"),
        (("certify", "recorded:none.jsonl"), "none.jsonl: No such file or directory"),
        (
            ("replay", "feb19", *("--engine", "reference") * 2, "--record", "x.jsonl"),
            "--record takes one engine",
        ),
    ],
)
def test_what_no_recording_can_do_is_said(
    arguments: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    recorded(tmp_path / "r.jsonl", DRIFT)
    done = run(*arguments, folder=tmp_path)
    assert (done.returncode, message in done.stderr) == (2, True), done.stderr
    assert "Traceback" not in done.stderr
