"""Tapes: good ones are read as they were written, bad ones are refused with file and line."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from quotemark.errors import InputError
from quotemark.messages import STEPS
from quotemark.tape import read_tape

Step = dict[str, Any]

CYCLE: Step = {"step": "cycle", "t_ms": 1000, "mid": 100.0}
TRADE: Step = {"step": "trade", "t_ms": 2000, "side": "sell", "price": 99.9, "size": 0.5}
GOOD = (CYCLE, TRADE)


def written(folder: Path, *lines: bytes | str | Step) -> Path:
    """Write a tape of lines, each given as its bytes, its text or its step."""
    path = folder / "tape.jsonl"
    path.write_bytes(b"".join(_bytes(line) + b"\n" for line in lines))
    return path


def _bytes(line: bytes | str | Step) -> bytes:
    if isinstance(line, bytes):
        return line
    return (line if isinstance(line, str) else json.dumps(line)).encode()


# --- good tapes -------------------------------------------------------------------------------

numbers = st.floats(1e-6, 1e6)
sides = st.sampled_from(["buy", "sell"])
bodies = st.one_of(
    st.fixed_dictionaries({"step": st.just("cycle")}, optional={"mid": numbers}),
    st.fixed_dictionaries(
        {"step": st.just("trade"), "side": sides, "price": numbers, "size": numbers},
        optional={"mid": numbers},
    ),
    st.fixed_dictionaries(
        {
            "step": st.just("book"),
            "bids": st.lists(st.lists(numbers, min_size=2, max_size=2), max_size=3),
            "asks": st.lists(st.lists(numbers, min_size=2, max_size=2), max_size=3),
        }
    ),
    st.fixed_dictionaries(
        {
            "step": st.just("trend"),
            "magnitude_bps": st.floats(-1e3, 1e3),
            "agreement": st.floats(0.0, 1.0),
            "p_continuation": st.floats(0.0, 1.0),
        }
    ),
    st.fixed_dictionaries({"step": st.just("estimate")}, optional={"time_horizon_s": numbers}),
)
good_tapes = st.lists(st.tuples(st.integers(0, 10**6), bodies), min_size=1, max_size=8).map(
    lambda pairs: [
        {**body, "t_ms": t_ms}
        for t_ms, body in zip(sorted(t for t, _ in pairs), (b for _, b in pairs), strict=True)
    ]
)


@given(good_tapes)
def test_a_good_tape_is_read_as_it_was_written(steps: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        assert read_tape(written(Path(folder), *steps)) == steps


def test_every_kind_of_step_may_stand_on_a_tape(tmp_path: Path) -> None:
    steps: list[Step] = [
        {"step": "book", "t_ms": 0, "bids": [[99.9, 1.0]], "asks": []},
        {**TRADE, "t_ms": 0, "id": "a", "mid": None},
        {**TRADE, "step": "fill", "t_ms": 0, "id": "a"},  # ids are by kind
        {"step": "trend", "t_ms": 0, "magnitude_bps": 1, "agreement": 1, "p_continuation": 0},
        {"step": "signal", "t_ms": 0, "source": "toxicity_bid", "value": 0.5},
        {"step": "estimate", "t_ms": 0},
        {"step": "funding", "t_ms": 0, "rate": "0.0000125", "interval_s": 3600},
        {"step": "reference_price", "t_ms": 0, "source": "mark", "price": 100},
        {"step": "open_interest", "t_ms": 0, "contracts": 1e6},
        {"step": "cycle", "t_ms": 0},
    ]
    assert read_tape(written(tmp_path, *steps)) == steps
    assert len(steps) == len(STEPS["engine"])


def test_the_last_line_may_lack_its_end_and_lines_may_end_as_windows_writes_them(
    tmp_path: Path,
) -> None:
    path = tmp_path / "tape.jsonl"
    path.write_bytes("\r\n".join(map(json.dumps, GOOD)).encode())
    assert read_tape(path) == list(GOOD)


# --- bad tapes --------------------------------------------------------------------------------

BAD_THIRD_LINES: dict[str, tuple[bytes | str | Step, str]] = {
    "unsorted": ({**CYCLE, "t_ms": 1999}, "t_ms is 1999, expected at least 2000"),
    "unknown event": ({"step": "halt", "t_ms": 3000}, "unknown_step: step is 'halt'"),
    "step of another component": ({"step": "predict", "t_ms": 3000}, "unknown_step"),
    "no kind": ({"t_ms": 3000}, "missing_field: step is absent"),
    "kind of a wrong kind": ({"step": ["cycle"], "t_ms": 3000}, "unknown_step"),
    "missing field": (
        {"step": "trade", "t_ms": 3000, "side": "buy", "size": 1.0},
        "missing_field: price is absent from trade",
    ),
    "missing time": ({"step": "cycle", "mid": 1.0}, "missing_field: t_ms is absent from cycle"),
    "unknown field": ({**TRADE, "t_ms": 3000, "venue": "x"}, "unknown_field: venue is no field"),
    "NaN": ('{"step":"cycle","t_ms":3000,"mid":NaN}', "NaN and Infinity are no JSON numbers"),
    "-Infinity": ('{"step":"cycle","t_ms":3000,"mid":-Infinity}', "are no JSON numbers"),
    "nan as text": ({**CYCLE, "t_ms": 3000, "mid": "nan"}, "non_finite: mid is 'nan'"),
    "inf in a book": (
        {"step": "book", "t_ms": 3000, "bids": [["inf", 1.0]], "asks": []},
        "non_finite: bids is [['inf', 1.0]]",
    ),
    "number beyond all": ('{"step":"cycle","t_ms":3000,"mid":1e999}', "not JSON"),
    "text for a number": ({**CYCLE, "t_ms": 3000, "mid": "1.0"}, "unparsable: mid is '1.0'"),
    "true for a number": ({**CYCLE, "t_ms": 3000, "mid": True}, "unparsable: mid is True"),
    "unknown side": ({**TRADE, "t_ms": 3000, "side": "hold"}, "unparsable: side is 'hold'"),
    "fraction of a millisecond": ({**CYCLE, "t_ms": 3000.5}, "unparsable: t_ms is 3000.5"),
    "time in nanoseconds": ({**CYCLE, "t_ms": 1771538801000000000}, "out_of_range: t_ms"),
    "trade at nothing": ({**TRADE, "t_ms": 3000, "price": 0.0}, "out_of_range: price is 0.0"),
    "trade of less than nothing": (
        {**TRADE, "t_ms": 3000, "size": -1},
        "out_of_range: size is -1, expected above 0",
    ),
    "mid below 0": ({**CYCLE, "t_ms": 3000, "mid": -2.5}, "out_of_range: mid is -2.5"),
    "not JSON": ("cycle at 3000", "not JSON"),
    "torn": ('{"step":"cycle","t_ms":30', "not JSON"),
    "empty line": ("", "not JSON"),
    "two on one line": (json.dumps(CYCLE) * 2, "not JSON"),
    "no object": ("[1, 2]", "[1, 2] is no JSON object"),
    "null": ("null", "null is no JSON object"),
    "binary": (b"\x1f\x8b\x08\x00\xff\xfe\x00", "not JSON"),
    "invalid UTF-8": (b'{"step":"cycle","t_ms":3000,"\xff":1}', "not JSON"),
    "invalid UTF-8 in a value": (
        b'{"step":"signal","t_ms":3000,"source":"\xc3\x28","value":1}',
        "not JSON",
    ),
    "nested without end": ("[" * 100_000, "not JSON"),
}


@pytest.mark.parametrize(("line", "message"), BAD_THIRD_LINES.values(), ids=BAD_THIRD_LINES)
def test_a_bad_line_is_refused_with_file_and_line(
    tmp_path: Path, line: bytes | str | Step, message: str
) -> None:
    path = written(tmp_path, *GOOD, line, {**CYCLE, "t_ms": 9000})
    with pytest.raises(InputError) as refused:
        read_tape(path)
    assert str(refused.value).startswith(f"{path}:3: ")
    assert message in str(refused.value)


@pytest.mark.parametrize("kind", ["trade", "fill"])
def test_a_repeated_id_is_refused_with_both_lines(tmp_path: Path, kind: str) -> None:
    step = {**TRADE, "step": kind, "id": "a"}
    path = written(tmp_path, step, CYCLE | {"t_ms": 2000}, {**step, "t_ms": 3000})
    with pytest.raises(InputError, match=rf":3: {kind} id 'a' is a duplicate of line 1$"):
        read_tape(path)


def test_an_empty_tape_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path)
    with pytest.raises(InputError) as refused:
        read_tape(path)
    assert str(refused.value) == f"{path}: the tape is empty, expected one step a line"


def test_what_cannot_be_opened_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "none.jsonl"
    with pytest.raises(InputError) as refused:
        read_tape(missing)
    assert str(refused.value) == f"{missing}: No such file or directory"
    with pytest.raises(InputError) as folder:
        read_tape(tmp_path)
    assert str(folder.value) == f"{tmp_path}: Is a directory"


scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5))
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3), max_leaves=5)
names = st.sampled_from(["step", "t_ms", "side", "price", "size", "id", "mid", "bids", "x"])
kinds = st.sampled_from(["trade", "fill", "book", "cycle", "signal", "funding"])
near_steps = st.builds(
    lambda fields, kind: json.dumps({"step": kind, "t_ms": 1, **fields}).encode(),
    st.dictionaries(names, values, max_size=6),
    kinds,
)


@given(st.lists(st.one_of(st.binary(max_size=30), near_steps), max_size=4))
@example([b'{"step":"cycle","t_ms":1,"mid":1e308}'])
def test_whatever_a_file_holds_it_is_read_or_refused_by_name(lines: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = written(Path(folder), *lines)
        steps, refusal = attempt(path)
        if steps:
            assert refusal == ""
            assert len(steps) == len(path.read_bytes().splitlines())
            assert all(isinstance(step["t_ms"], int) for step in steps)
        else:
            assert refusal.startswith(f"{path}:")


def attempt(path: Path) -> tuple[list[Step], str]:
    try:
        return read_tape(path), ""
    except InputError as error:
        return [], str(error)
