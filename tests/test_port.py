"""The transports, with real processes: what conforms, what breaks, and what stays behind."""

from __future__ import annotations

import ast
import io
import json
import os
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import psutil
import pytest
from msgspec import Raw

from quotemark import process, stdio
from quotemark.adapters import make_engine, running, worker
from quotemark.builtin import BuiltinEngine, reference
from quotemark.errors import EngineError
from quotemark.examples import minimal_engine
from quotemark.messages import Closed, Json, Ok, Opened, Rejected, RejectionCode, Unsupported
from quotemark.results import Certification
from quotemark.server import serve
from quotemark.stdio import StdioEngine
from quotemark.suite.market import ALL_PHASES, cycle, observe, predict, signal, trade
from quotemark.suite.runner import certify
from quotemark.supervised import SupervisedEngine

MINIMAL = f"stdio:{shlex.join([sys.executable, minimal_engine.__file__])}"
WRONG = f"stdio:{shlex.join([sys.executable, '-m', 'quotemark.examples.wrong_engine'])}"

SCRIPT = """
import json, os, sys, time

IDENTITY = {
    "protocol": "1.0", "name": "script", "version": "1", "digest": "none", "phases": [],
    "components": ["drift"], "fields": {"drift": ["variance"]}, "clock": "injected",
}

def read():
    return json.loads(sys.stdin.readline())

def write(request, **reply):
    print(json.dumps({"jsonrpc": "2.0", "id": request["id"], **reply}), flush=True)
"""
"""What every script begins with; each plays an engine as far as its test needs."""


class Script(Protocol):
    """Start an engine from the text of its program."""

    def __call__(self, program: str, timeout_s: float = ...) -> StdioEngine: ...


@pytest.fixture
def script(tmp_path: Path) -> Iterator[Script]:
    """Start an engine from the text of its program."""
    started: list[StdioEngine] = []

    def start(program: str, timeout_s: float = stdio.ANSWER_TIMEOUT_S) -> StdioEngine:
        path = tmp_path / "engine.py"
        path.write_text(SCRIPT + program, "utf-8")
        started.append(StdioEngine([sys.executable, str(path)], timeout_s=timeout_s))
        return started[-1]

    yield start
    for engine in started:
        with suppress(EngineError):
            engine.shutdown()


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], StdioEngine]:
    """Start the worker of ``make`` in a module of the given text."""

    def start(text: str) -> StdioEngine:
        (tmp_path / "own_engine.py").write_text(text, "utf-8")
        path = os.pathsep.join([str(tmp_path), *(str(Path(entry).resolve()) for entry in sys.path)])
        monkeypatch.setenv("PYTHONPATH", path)
        return worker("own_engine:make")

    return start


def statuses(certification: Certification) -> dict[str, str]:
    return {result.requirement.id: result.status for result in certification.requirements}


def pid_of(engine: StdioEngine) -> int:
    return engine._process._process.pid


def demand_gone(pid: int) -> None:
    """Demand that a process has ended; who inherited it may not have taken note yet."""
    with suppress(psutil.NoSuchProcess):
        assert psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


# --- certification through stdio --------------------------------------------------------------


def test_minimal_engine_is_certified_for_what_it_offers() -> None:
    certification = certify(partial(make_engine, MINIMAL), fuzz_steps=1000)
    assert certification.conformant
    assert certification.level == "components"
    found = statuses(certification)
    assert set(found.values()) == {"proven", "unsupported"}
    assert {found[id_] for id_ in ("D-01", "D-05", "D-07", "D-15", "D-18", "U-2")} == {"proven"}
    assert {found[id_] for id_ in ("D-08", "D-12", "D-41", "D-42", "G-1")} == {"unsupported"}


def test_wrong_engine_is_refused_by_name_of_its_slip() -> None:
    certification = certify(partial(make_engine, WRONG), fuzz_steps=1000)
    assert not certification.conformant
    found = statuses(certification)
    assert found["D-01"] == "violated"
    assert {found[id_] for id_ in ("D-03", "D-05", "D-06", "D-18", "D-20")} == {"proven"}


OWN_FILL: Json = {
    "step": "fill",
    "side": "buy",
    "price": 100.0,
    "mid": 100.0,
    "sigma_bps_per_sqrt_s": 2.0,
}


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ([observe("nan", 1.0)], "non_finite"),
        ([{**OWN_FILL, "side": "nan"}], "unparsable"),  # no number belongs there
        ([{**OWN_FILL, "mid": "nan"}], "non_finite"),
        ([{**OWN_FILL, "side": ["nan"]}], "unparsable"),
        ([observe(1e16, 1.0)], "out_of_range"),
        ([observe(1.0, 1e-16)], "out_of_range"),
        ([predict(5), predict(4)], "time_reversed"),
        ([{"step": "predict"}], "missing_field"),
        ([{}], "missing_field"),
        ([{**predict(0), "now": 1}], "unknown_field"),
        ([{"step": "level"}], "unknown_step"),
        ([{"step": ["predict"]}], "unknown_step"),
        ([{"step": "predict", "t_ms": 1.5}], "unparsable"),
        ([{"step": "predict", "t_ms": True}], "unparsable"),
        ([{"step": "predict", "t_ms": 10**400}], "out_of_range"),
        ([observe(None, 1.0)], "unparsable"),  # type: ignore[arg-type]
    ],
)
def test_minimal_engine_and_reference_reject_alike(steps: list[Json], code: str) -> None:
    with running(MINIMAL) as minimal, running("reference") as built_in:
        for engine in (minimal, built_in):
            engine.open("one", "drift", {}, 0)
            *before, last = engine.apply("one", steps)
            assert all(isinstance(answer, Ok) for answer in before)
            assert isinstance(last, Rejected)
            assert last.code == code


@pytest.mark.parametrize("name", [MINIMAL, "reference", "python:quotemark.builtin:reference"])
def test_sessions_are_kept_apart_by_every_transport(name: str) -> None:
    with running(name) as engine:
        assert isinstance(engine.open("one", "drift", {"p_min": 0}, 0), Opened)
        assert isinstance(engine.open("two", "drift", {}, 0), Opened)
        demand_rejected(engine.open("one", "drift", {}, 0), "duplicate")
        demand_rejected(engine.open("new", "weather", {}, 0), "unknown_component")
        demand_rejected(engine.open("new", "drift", {"speed": 1.0}, 0), "unknown_field")
        demand_rejected(engine.open("new", "drift", {"p_min": -1.0}, 0), "out_of_range")
        demand_rejected(engine.open("new", "drift", {"p_min": "low"}, 0), "unparsable")
        demand_rejected(engine.open("new", "drift", {"p_min": "inf"}, 0), "non_finite")
        assert engine.apply("one", [observe(1.0, 1.0)]) != engine.apply("two", [observe(2.0, 1.0)])
        assert engine.apply("one", []) == []
        for answer in engine.apply("new", [predict(0), predict(0)]):
            demand_rejected(answer, "not_open")
        assert engine.close("one") == Closed()
        demand_rejected(engine.close("one"), "not_open")
        assert isinstance(engine.open("one", "drift", {}, 0), Opened)


def demand_rejected(answer: object, code: RejectionCode) -> None:
    assert isinstance(answer, Rejected)
    assert answer.code == code


# --- the worker process of Python engines -----------------------------------------------------


def test_worker_answers_as_the_engine_in_process_does() -> None:
    steps: list[Json] = [
        {"step": "book", "t_ms": 0, "bids": [[99.9, 1.0]], "asks": [[100.1, 1.0]]},
        {"step": "fill", "t_ms": 0, "side": "buy", "price": 99.9, "size": 1.0, "levels_crossed": 2},
        *(trade(number, "sell") for number in range(25)),
        signal(30, -1.25, 3.5),
        signal(30, "nan", 3.5),  # type: ignore[arg-type]
        {"step": "funding", "t_ms": 30, "rate": "0.0001", "interval_s": 3600.0},
        {"step": "funding", "t_ms": 30, "rate": "nan", "interval_s": 3600.0},
        {"step": "reference_price", "t_ms": 30, "source": "spot", "price": 100.0},
        {"step": "open_interest", "t_ms": 30, "contracts": 1e6},
        cycle(40),
        {"step": "cycle", "t_ms": 50},
        cycle(49),
    ]
    answers = []
    for name in ("reference", "python:quotemark.builtin:reference"):
        with running(name) as engine:
            opened = engine.open("one", "engine", ALL_PHASES, 1)
            answers.append(json.loads(encoded([engine.initialize(), opened])))
            answers[-1] += json.loads(encoded(engine.apply("one", steps)))
    assert answers[0] == answers[1]
    assert len(answers[0]) == len(steps) + 2


def test_worker_hands_on_what_is_unsupported(module: Callable[[str], StdioEngine]) -> None:
    engine = module(
        """
from quotemark.builtin import BuiltinEngine
from quotemark.messages import Unsupported

class Young(BuiltinEngine):
    def open(self, session, component, config, seed):
        if config.get("use_tape_features"):
            return Unsupported("phase 8 is not in this engine")
        return super().open(session, component, config, seed)

    def apply(self, session, steps):
        known = [step for step in steps if step["step"] != "open_interest"]
        answers = iter(super().apply(session, known))
        return [next(answers) if step in known else Unsupported("no phase 8") for step in steps]

make = Young
"""
    )
    refused = engine.open("one", "engine", ALL_PHASES, 0)
    assert refused == Unsupported("phase 8 is not in this engine")
    assert isinstance(engine.open("one", "engine", {}, 0), Opened)
    steps = [cycle(0), {"step": "open_interest", "t_ms": 1, "contracts": 1e6}, cycle(2)]
    before, unsupported, after = engine.apply("one", steps)
    assert unsupported == Unsupported("no phase 8")
    assert isinstance(before, Ok)
    assert isinstance(after, Ok)
    engine.shutdown()


def encoded(value: object) -> bytes:
    return stdio._encoder.encode(value)


def test_what_a_python_engine_prints_leaves_the_protocol_alone(
    module: Callable[[str], StdioEngine],
) -> None:
    engine = module(
        """
import os
from quotemark.builtin import BuiltinEngine

class Chatty(BuiltinEngine):
    def apply(self, session, steps):
        print("thinking", flush=True)
        os.write(1, b"straight to stdout, as native code does\\n")
        return super().apply(session, steps)

print("imported")
make = Chatty
"""
    )
    engine.initialize()
    engine.open("one", "drift", {}, 0)
    assert len(engine.apply("one", [predict(0)] * 250)) == 250
    engine.shutdown()
    assert b"straight to stdout" in engine._process._said


def test_worker_keeps_numbers_that_are_not_finite(module: Callable[[str], StdioEngine]) -> None:
    engine = module(
        """
from quotemark.builtin import BuiltinEngine
from quotemark.messages import Ok

class Broken(BuiltinEngine):
    def apply(self, session, steps):
        return [Ok({"variance": float("nan"), "pair": (float("inf"), -float("inf"))})]

make = Broken
"""
    )
    assert engine.apply("one", [predict(0)]) == [Ok({"variance": "nan", "pair": ["inf", "-inf"]})]
    engine.shutdown()


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("own_engine", "no factory"),
        ("no_such_module:make", "No module named 'no_such_module'"),
        ("os:no_such_engine", "no attribute 'no_such_engine'"),
    ],
)
def test_worker_that_finds_no_engine_says_why(target: str, reason: str) -> None:
    engine = worker(target)
    with pytest.raises(EngineError, match=reason) as caught:
        engine.initialize()
    engine.shutdown()
    assert caught.value.label == "crash"


# --- the server's own faults ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "request_id", "code"),
    [
        (b"not json", None, -32700),
        (b"\xff\xfe", None, -32700),
        (b"", None, -32700),
        (b"[]", None, -32600),
        (b'{"jsonrpc": "2.0", "id": 4, "method": "reboot"}', 4, -32600),
        (b'{"jsonrpc": "2.0", "id": "four", "method": "close"}', None, -32600),
        (b'{"jsonrpc": "2.0", "id": 4, "method": "open"}', 4, -32602),
        (b'{"jsonrpc": "2.0", "id": 4, "method": "close", "params": {"session": 7}}', 4, -32602),
        (b'{"jsonrpc": "2.0", "id": 4, "method": "apply", "params": [1, 2]}', 4, -32602),
    ],
)
def test_server_answers_malformed_requests_and_goes_on(
    line: bytes, request_id: int | None, code: int
) -> None:
    good = b'{"jsonrpc":"2.0","id":9,"method":"close","params":{"session":"one"}}'
    faulty, fine = served(line, good)
    assert (faulty["id"], faulty["error"]["code"]) == (request_id, code)
    assert faulty["error"]["message"]
    assert fine["id"] == 9
    assert fine["result"]["code"] == "not_open"


def test_server_ends_at_shutdown_and_at_eof() -> None:
    shutdown = b'{"jsonrpc":"2.0","id":1,"method":"shutdown"}'
    assert served(shutdown, shutdown) == [{"jsonrpc": "2.0", "id": 1, "result": None}]
    assert served() == []


def served(*lines: bytes) -> list[Any]:
    responses = io.BytesIO()
    serve(reference(), io.BytesIO(b"".join(line + b"\n" for line in lines)), responses)
    return [json.loads(line) for line in responses.getvalue().splitlines()]


# --- pipelining -------------------------------------------------------------------------------


def test_large_applies_are_chunked_and_answered_in_order() -> None:
    steps = [observe(float(number % 7), 1.0 + number) for number in range(12_345)]
    with running(MINIMAL) as engine, running("reference") as built_in:
        for one in (engine, built_in):
            one.open("one", "drift", {}, 0)
        assert variances(engine.apply("one", steps)) == variances(built_in.apply("one", steps))


def variances(answers: list[Any]) -> list[float]:
    return [answer.observation["variance"] for answer in answers]


def test_chunks_go_out_before_the_first_is_answered(script: Script) -> None:
    engine = script(
        """
requests = [read() for _ in range(5)]
for request in requests:
    write(request, result={"observations": [
        {"status": "ok", "observation": {"t_ms": step["t_ms"]}}
        for step in request["params"]["steps"]
    ]})
"""
    )
    answers = engine.apply("one", [predict(number) for number in range(450)])
    assert answers == [Ok({"t_ms": number}) for number in range(450)]


def test_no_more_chunks_are_in_flight_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stdio, "CHUNK_STEPS", 1)
    monkeypatch.setattr(stdio, "CHUNKS_IN_FLIGHT", 4)
    sent = received = most = 0
    send, receive = StdioEngine._send, StdioEngine._receive

    def counting_send(engine: StdioEngine, method: str, *rest: Any) -> None:  # noqa: ANN401
        nonlocal sent, most
        sent += 1
        most = max(most, sent - received)
        send(engine, method, *rest)

    def counting_receive(engine: StdioEngine) -> Raw:
        nonlocal received
        received += 1
        return receive(engine)

    monkeypatch.setattr(StdioEngine, "_send", counting_send)
    monkeypatch.setattr(StdioEngine, "_receive", counting_receive)
    with running(MINIMAL) as engine:
        engine.open("one", "drift", {}, 0)
        assert len(engine.apply("one", [predict(0)] * 50)) == 50
    assert most == 4


# --- faults of an engine ----------------------------------------------------------------------


FAULTS = [
    ("sys.exit('out of memory')", "crash", "ended with code 1 .* ends: out of memory"),
    ("os.kill(os.getpid(), 11)", "crash", "ended by SIGSEGV without answering initialize"),
    ("read(); os.close(1); read()", "crash", "without answering initialize"),
    ("read(); print('{\"json', end='', flush=True); sys.exit(1)", "torn_line", "in the middle"),
    ("read(); print('hello', flush=True); read()", "stray_output", "printed b'hello' on stdout"),
    ("read(); print(flush=True); read()", "stray_output", "printed b''"),
    ("read(); print('[' * 100_000, flush=True); read()", "stray_output", "printed"),
    ('read(); os.write(1, b\'{"jsonrpc": "\\xff"}\\n\'); read()', "stray_output", "printed"),
    ("read(); os.write(1, b'x' * (17 << 20)); read()", "oversized_line", "of more than 16 MiB"),
    ("write({'id': 7}, result=IDENTITY); read()", "wrong_id", "id 7, which was never asked"),
    ("write({'id': None}, result=IDENTITY); read()", "wrong_id", "answered id None"),
    ("write(read()); read()", "protocol", "initialize with neither result nor error"),
    ("write(read(), result={'name': 'x'}); read()", "protocol", "answered initialize wrongly"),
    (
        "write(read(), error={'code': -32603, 'message': 'on strike'}); read()",
        "protocol",
        "on strike",
    ),
    (
        "IDENTITY['protocol'] = '2.0'; write(read(), result=IDENTITY); read()",
        "protocol",
        r"speaks protocol '2\.0', expected 1\.0",
    ),
]


@pytest.mark.parametrize(("program", "label", "message"), FAULTS)
def test_faults_have_labels(script: Script, program: str, label: str, message: str) -> None:
    engine = script(program)
    with pytest.raises(EngineError, match=message) as caught:
        engine.initialize()
    assert caught.value.label == label


def test_an_answer_given_twice_shows_at_the_next(script: Script) -> None:
    engine = script("first = read(); [write(first, result=IDENTITY) for _ in '12']; read(); read()")
    engine.initialize()
    with pytest.raises(EngineError, match="answered id 1 again") as caught:
        engine.initialize()
    assert caught.value.label == "duplicate_answer"


def test_answers_in_another_order_than_the_questions_are_a_fault(script: Script) -> None:
    engine = script("first = read(); write(read(), result={}); write(first, result={}); read()")
    with pytest.raises(EngineError, match="answered id 2, expected 1") as caught:
        engine.apply("one", [predict(0)] * (stdio.CHUNK_STEPS + 1))
    assert caught.value.label == "out_of_order"


def test_minor_versions_get_along(script: Script) -> None:
    engine = script("IDENTITY['protocol'] = '1.7'; write(read(), result=IDENTITY); read()")
    assert engine.initialize().protocol == "1.7"


@pytest.mark.parametrize(
    ("result", "message"),
    [
        ('{"observations": []}', "gave 0 observations for 2 steps"),
        ('{"observations": [{"status": "ok"}]}', "gave 1 observations for 2 steps"),
        ('{"observations": [{"status": "fine"}] * 2}', "answered apply wrongly"),
        ('{"observations": [{"status": "rejected", "code": "ugly", "message": ""}] * 2}', "ugly"),
        ("[]", "answered apply wrongly"),
    ],
)
def test_wrong_answers_to_apply_are_faults(script: Script, result: str, message: str) -> None:
    engine = script(f"write(read(), result={result}); read()")
    with pytest.raises(EngineError, match=message) as caught:
        engine.apply("one", [predict(0), predict(1)])
    assert caught.value.label == "protocol"


def test_text_that_is_no_utf_8_is_a_fault(script: Script) -> None:
    engine = script(
        """
read()
os.write(1, b'{"jsonrpc":"2.0","id":1,"result":{"status":"ok","config":{"a":"\\xff"}}}\\n')
read()
"""
    )
    with pytest.raises(EngineError) as caught:
        engine.open("one", "drift", {}, 0)
    assert caught.value.label in ("stray_output", "protocol")


ANSWER_ALL = "\nwhile True:\n    request = read()\n    write(request, result=IDENTITY)\n"


def test_starting_may_take_longer_than_answering(script: Script) -> None:
    engine = script("time.sleep(0.3)" + ANSWER_ALL, timeout_s=0.05)
    assert engine.initialize().name == engine.initialize().name == "script"


def test_silence_is_a_hang(script: Script) -> None:
    engine = script("write(read(), result=IDENTITY); read(); read()", timeout_s=0.05)
    engine.initialize()
    with pytest.raises(EngineError, match=r"no answer .* within 0\.05 s, nor in another") as caught:
        engine.initialize()
    assert caught.value.label == "hang"


def test_an_answer_after_its_time_is_late(script: Script) -> None:
    engine = script(
        "write(read(), result=IDENTITY); late = read(); time.sleep(1.5); write(late, result={})",
        timeout_s=1.0,
    )
    engine.initialize()
    with pytest.raises(EngineError, match="answered later than after 1 s") as caught:
        engine.close("one")
    assert caught.value.label == "late"


def test_silence_in_the_middle_of_a_line_is_a_torn_line(script: Script) -> None:
    engine = script(
        "write(read(), result=IDENTITY); print('{', end='', flush=True); read(); read()",
        timeout_s=0.05,
    )
    engine.initialize()
    with pytest.raises(EngineError, match="fell silent in the middle of a line") as caught:
        engine.initialize()
    assert caught.value.label == "torn_line"


def test_an_engine_that_stops_reading_is_a_hang(script: Script) -> None:
    engine = script("write(read(), result=IDENTITY); time.sleep(1000)", timeout_s=0.05)
    engine.initialize()
    with pytest.raises(EngineError) as caught:
        engine.apply("one", [{"step": "x" * 100_000}] * 100)
    assert caught.value.label == "hang"
    engine.shutdown()
    demand_gone(pid_of(engine))


def test_a_crash_is_seen_although_a_child_holds_the_pipes_open(script: Script) -> None:
    engine = script(
        """
import subprocess
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
sys.exit(3)
"""
    )
    with pytest.raises(EngineError, match="ended with code 3") as caught:
        engine.initialize()
    assert caught.value.label == "crash"


def test_an_engine_that_broke_stays_broken(script: Script) -> None:
    engine = script("print('hello', flush=True)" + ANSWER_ALL)
    for _ in range(3):
        with pytest.raises(EngineError) as caught:
            engine.initialize()
        assert caught.value.label == "stray_output"


@pytest.mark.parametrize(
    "command", ["", "no-such-program-anywhere", "'unbalanced", str(Path(__file__).parent)]
)
def test_what_cannot_be_run_cannot_start(command: str) -> None:
    with pytest.raises(EngineError) as caught:
        StdioEngine(command)
    assert caught.value.label == "cannot_start"


def test_a_flood_on_stderr_blocks_nothing(script: Script) -> None:
    engine = script(
        """
for _ in range(3):
    request = read()
    for number in range(40_000):
        print("a line of a log that nobody asked for, number", number, file=sys.stderr)
    write(request, result=IDENTITY)
sys.exit("the last line")
"""
    )
    for _ in range(3):
        assert engine.initialize().name == "script"
    with pytest.raises(EngineError, match="the last line"):
        engine.initialize()


# --- an engine that is started anew -----------------------------------------------------------

SESSIONS = """
applied = 0
while True:
    request = read()
    result = {"status": "ok", "config": {}}
    if request["method"] == "initialize":
        result = IDENTITY
    if request["method"] == "apply":
        steps = request["params"]["steps"]
        applied += len(steps)
        result = {"observations": [{"status": "ok"} for step in steps]}
        break_at(applied, [step["t_ms"] for step in steps])
    if request["method"] == "shutdown":
        sys.exit()
    write(request, result=result)
"""
"""An engine that answers everything, but calls ``break_at`` at every ``apply``."""


@pytest.fixture
def supervised(tmp_path: Path) -> Iterator[Callable[[str], SupervisedEngine]]:
    """Start an engine that breaks as ``break_at`` says, and whenever it did, start it anew."""
    started: list[SupervisedEngine] = []

    def start(break_at: str) -> SupervisedEngine:
        path = tmp_path / "engine.py"
        path.write_text(f"{SCRIPT}\ndef break_at(applied, times):\n    {break_at}\n{SESSIONS}")
        started.append(SupervisedEngine(lambda: StdioEngine([sys.executable, str(path)])))
        return started[-1]

    yield start
    for engine in started:
        engine.shutdown()


STEPS = [predict(number) for number in range(5)]


def break_it(engine: SupervisedEngine) -> EngineError:
    engine.open("one", "drift", {"p_min": 0.0}, 0)
    engine.apply("one", STEPS[:2])
    with pytest.raises(EngineError) as caught:
        engine.apply("one", STEPS[2:])
    return caught.value


def test_an_engine_that_broke_is_told_the_step_and_started_anew(
    supervised: Callable[[str], SupervisedEngine],
) -> None:
    engine = supervised("if 3 in times: sys.exit('at three')")
    fault = break_it(engine)
    for ask in (engine.initialize, engine.demand_unbroken, lambda: engine.close("one")):
        with pytest.raises(EngineError) as again:
            ask()
        assert again.value is fault
    message = engine.recover(fault)
    assert message.startswith("crash: ")
    assert "its stderr ends: at three; a fresh engine, asked step by step, does so" in message
    assert message.endswith("at step 4 of 5, predict (t_ms 3), of drift with {'p_min': 0.0}")
    engine.demand_unbroken()
    assert engine.initialize().name == "script"
    assert engine.open("one", "drift", {}, 0) == Opened({})
    assert engine.apply("one", STEPS[:3]) == [Ok({})] * 3
    assert engine.end() is None
    assert engine.end_faults == []


def test_a_fault_that_a_session_alone_does_not_show_is_told_so(
    supervised: Callable[[str], SupervisedEngine],
) -> None:
    engine = supervised("if applied > 6: sys.exit('six is enough')")
    for session in ("zero", "other"):
        engine.open(session, "drift", {}, 0)
        engine.apply(session, [predict(0)])
    message = engine.recover(break_it(engine))
    assert message.endswith("six is enough; a fresh engine, asked the same step by step, does not")


def test_a_fault_that_looks_different_step_by_step_is_told_so(
    supervised: Callable[[str], SupervisedEngine],
) -> None:
    engine = supervised("if 3 in times: print('hm', flush=True) if len(times) > 1 else sys.exit(1)")
    fault = break_it(engine)
    assert fault.label == "stray_output"
    message = engine.recover(fault)
    assert message.startswith("stray_output: ")
    assert "a fresh engine, asked step by step, shows crash at step 4 of 5" in message


def test_a_fault_that_another_found_leaves_the_engine_as_it_is(
    supervised: Callable[[str], SupervisedEngine],
) -> None:
    engine = supervised("pass")
    engine.open("one", "drift", {}, 0)
    engine.apply("one", STEPS)
    assert engine.recover(EngineError("protocol", "no ladder")) == "protocol: no ladder"
    assert engine.apply("one", STEPS) == [Ok({})] * 5


def test_an_engine_that_cannot_be_started_again_is_lost(
    supervised: Callable[[str], SupervisedEngine], tmp_path: Path
) -> None:
    engine = supervised("if 3 in times: sys.exit('at three')")
    fault = break_it(engine)
    (tmp_path / "engine.py").write_text("import sys; sys.exit('licence expired')", "utf-8")
    message = engine.recover(fault)
    assert "at three; it could not be started again: crash: " in message
    for _ in range(2):
        with pytest.raises(EngineError, match="licence expired") as caught:
            engine.initialize()
        message = engine.recover(caught.value)
        assert message.startswith("not run, as the engine cannot be started again: crash: ")


def test_a_session_that_was_closed_is_forgotten(
    supervised: Callable[[str], SupervisedEngine],
) -> None:
    engine = supervised("if 3 in times: sys.exit('at three')")
    engine.open("one", "drift", {}, 0)
    engine.apply("one", [predict(7)] * 9)
    engine.close("one")
    assert "at step 4 of 5, " in engine.recover(break_it(engine))


# --- what stays behind ------------------------------------------------------------------------


def test_nothing_stays_of_an_engine_that_was_shut_down() -> None:
    engine = StdioEngine(MINIMAL.removeprefix("stdio:"))
    engine.initialize()
    assert engine._process._process.poll() is None
    engine.shutdown()
    demand_gone(pid_of(engine))
    assert engine._process._process.returncode == 0
    with pytest.raises(EngineError) as caught:
        engine.initialize()
    assert caught.value.label == "crash"
    engine.shutdown()


IDLE_CHILD = """
import signal, subprocess
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen(
    [sys.executable, "-c", "import time; time.sleep(1000)"], stdout=2, start_new_session=True
)
print(child.pid, file=sys.stderr, flush=True)
write(read(), result=IDENTITY)
"""
"""An engine with a child in a session of its own, whose pid is the last that it says."""


def child_of(engine: StdioEngine) -> int:
    return int(engine._process._said)


def test_nothing_stays_of_an_engine_that_ignores_shutdown(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "SHUTDOWN_TIMEOUT_S", 0.05)
    engine = script(IDLE_CHILD + "time.sleep(1000)")
    engine.initialize()
    with pytest.raises(EngineError, match=r"did not end within 0\.05 s of shutdown") as caught:
        engine.shutdown()
    assert caught.value.label == "ignored_shutdown"
    demand_gone(pid_of(engine))
    demand_gone(child_of(engine))


def test_nothing_stays_of_what_an_engine_leaves_behind(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "CHILDREN_TIMEOUT_S", 0.05)
    engine = script(IDLE_CHILD + "read()")
    engine.initialize()
    with pytest.raises(EngineError, match=r"ended and left behind: .*python") as caught:
        engine.shutdown()
    assert caught.value.label == "left_children"
    demand_gone(pid_of(engine))
    demand_gone(child_of(engine))


def test_nothing_stays_of_an_engine_that_broke(script: Script) -> None:
    engine = script(IDLE_CHILD + "read(); print('hello', flush=True); time.sleep(1000)")
    engine.initialize()
    with pytest.raises(EngineError, match="hello"):
        engine.initialize()
    engine.shutdown()
    demand_gone(pid_of(engine))
    demand_gone(child_of(engine))


def test_children_that_end_with_the_engine_are_none_left_behind(script: Script) -> None:
    engine = script(
        """
import subprocess
subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"])
write(read(), result=IDENTITY)
read()
"""
    )
    engine.initialize()
    engine.shutdown()


def test_builtin_engines_forget_their_sessions_at_shutdown() -> None:
    engine = BuiltinEngine()
    engine.open("one", "drift", {}, 0)
    engine.shutdown()
    demand_rejected(engine.close("one"), "not_open")


def test_the_minimal_engine_stays_minimal() -> None:
    """Under 120 lines of code, blank lines and docstrings aside, and the standard library only."""
    source = Path(minimal_engine.__file__).read_text("utf-8")
    tree = ast.parse(source)
    documented = {
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.FunctionDef) and ast.get_docstring(node)
        for line in range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1)
    }
    code = [
        line
        for number, line in enumerate(source.splitlines(), start=1)
        if line.strip() and number not in documented
    ]
    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    } | {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert len(code) < 120
    assert imported <= set(sys.stdlib_module_names)
