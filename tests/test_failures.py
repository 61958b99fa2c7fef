"""What is made of failures: files, messages that lead to them, and the answer FAILED or FIXED."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from quotemark.builtin import BuiltinEngine, reference
from quotemark.case import Case
from quotemark.errors import EngineError, InputError
from quotemark.failures import (
    MOST_SHRUNK,
    FailureFolder,
    SavedFailure,
    load_failure,
    save_failures,
    write_failure,
)
from quotemark.messages import Answer, Identity, Json, Ok, OpenAnswer, Rejected
from quotemark.port import Engine
from quotemark.reproduce import Reproduction, reproduce
from quotemark.results import CheckResult
from quotemark.suite.bench import Bench, DivergenceError
from quotemark.suite.checks import all_checks
from quotemark.suite.market import observe, predict
from quotemark.suite.runner import run_check
from quotemark.supervised import SupervisedEngine

SEED, FUZZ_STEPS = 20260219, 2000
CHECKS = {check.name: check for check in all_checks()}
STATEMENT = CHECKS["phase1.floor_acts_after_updates_only"]
QUOTEMARK = str(Path(sys.executable).with_name("quotemark"))
DEADLINE_S = 120


class Slipping(BuiltinEngine):
    """The drift filter of the reference, with every observation altered."""

    def __init__(self, slip: Callable[[Json], Json], fields: Sequence[str] = ()) -> None:
        super().__init__("slipping", components=("drift",))
        self._slip = slip
        self._fields = fields

    def initialize(self) -> Identity:
        identity = super().initialize()
        return replace(identity, fields={"drift": list(self._fields)}) if self._fields else identity

    def apply(self, session: str, steps: Sequence[Json]) -> list[Answer]:
        return [
            Ok(self._slip(answer.observation)) if isinstance(answer, Ok) else answer
            for answer in super().apply(session, steps)
        ]


def wide_when_sure(observation: Json) -> Json:
    """A slip that shows once P is below 4."""
    variance = observation["variance"]
    return {**observation, "variance": variance * (1.0 if variance > 4.0 else 1.0 + 1e-6)}


def bench_of(start: Callable[[], Engine]) -> Bench:
    engine = SupervisedEngine(start)
    return Bench(engine, engine.initialize(), BuiltinEngine(), SEED, FUZZ_STEPS)


def slipping() -> Bench:
    return bench_of(lambda: Slipping(wide_when_sure))


WALK = Case("drift", {"theta_per_s": 0.05}, [predict(0), *[observe(1.25, 5.0)] * 60])


def found(bench: Bench, check: str = "phase1.made_up", case: Case = WALK) -> CheckResult:
    """The failure that a check makes of ``case``."""
    try:
        bench.demand_agreement(case, bench.trace(case))
    except DivergenceError as error:
        return CheckResult(check, ("A-drift",), "drift", "failed", str(error), "", error.failing)
    raise AssertionError("nothing departs")


def folder(tmp_path: Path) -> FailureFolder:
    return FailureFolder(tmp_path / "failures", "python:my.engine:Make")


# --- after a run ------------------------------------------------------------------------------


def test_a_case_that_departs_is_saved_small_and_the_message_leads_to_it(tmp_path: Path) -> None:
    bench, kept = slipping(), folder(tmp_path)
    passed = CheckResult("phase1.other", ("D-01",), "drift", "passed")
    (same, saved), diagnoses, _ = save_failures([passed, found(bench)], bench, kept)
    assert same is passed
    assert (saved.failing, saved.same_as, diagnoses) == (None, "", [])
    file = kept.file_of("phase1.made_up")
    failure = load_failure(file)
    # P falls from 50 below 4 with the second observation of R = 5
    assert failure.case is not None
    assert len(failure.case.steps) == 2
    assert {step["step"] for step in failure.case.steps} == {"observe"}
    assert failure.case.config == {}
    assert (failure.engine, failure.seed, failure.check) == (kept.engine, SEED, "phase1.made_up")
    assert failure.divergence is not None
    assert failure.divergence.field == "variance"
    assert failure.expected is not None
    lines = saved.message.split("\n")
    assert lines[0].startswith("drift departs from the reference at step 2 of 2: observe (")
    assert lines[1].split() == ["field", "variance"]
    command = lines[-1].removeprefix("  reproduce      ")
    assert shlex.split(command) == [
        *("quotemark", "reproduce", str(file)),
        *("--engine", "python:my.engine:Make"),
    ]


def test_failures_in_one_field_share_the_file_of_the_first(tmp_path: Path) -> None:
    bench, kept = slipping(), folder(tmp_path)
    other = Case("drift", {}, [observe(9.0, 1.0)] * 3)
    results = [found(bench, "a"), found(bench, "b", other), found(bench, "c", other)]
    first, *rest = save_failures(results, bench, kept)[0]
    assert list(kept.path.iterdir()) == [kept.file_of("a")]
    command = first.message.rpartition("\n")[2]
    for result in rest:
        assert result.same_as == "a"
        assert result.message.split("\n")[1:] == ["  as in          a", command]


def test_only_so_many_are_made_small(tmp_path: Path) -> None:
    bench, kept = slipping(), folder(tmp_path)
    one = found(bench)
    assert one.failing is not None
    results = [
        replace(one, check=f"check {number}", failing=replace(one.failing, field=f"{number}"))
        for number in range(MOST_SHRUNK + 2)
    ]
    save_failures(results, bench, kept)
    lengths = []
    for result in results:
        case = load_failure(kept.file_of(result.check)).case
        assert case is not None
        lengths.append(len(case.steps))
    assert lengths[:MOST_SHRUNK] == [2] * MOST_SHRUNK
    assert lengths[MOST_SHRUNK:] == [one.failing.index + 1] * 2


def test_a_statement_is_saved_by_its_name(tmp_path: Path) -> None:
    bench, kept = slipping(), folder(tmp_path)
    result = run_check(bench, STATEMENT)
    assert result.status == "failed"
    assert result.failing is None
    (saved,), *_ = save_failures([result], bench, kept)
    assert saved.message == f"{result.message}\n  reproduce      {kept.command(STATEMENT.name)}"
    failure = load_failure(kept.file_of(STATEMENT.name))
    assert (failure.check, failure.case, failure.fuzz_steps) == (STATEMENT.name, None, FUZZ_STEPS)


def test_a_check_that_the_engine_broke_in_is_saved_by_its_name_too(tmp_path: Path) -> None:
    bench, kept = bench_of(lambda: Fragile(wide_when_sure)), folder(tmp_path)
    result = run_check(bench, CHECKS["phase1.moves_by_the_gain"])
    assert (result.status, result.label, result.failing) == ("failed", "crash", None)
    save_failures([result], bench, kept)
    failed = reproduce(load_failure(kept.file_of(result.check)), lambda: Fragile(wide_when_sure))
    assert failed.verdict == "FAILED"
    assert failed.lines == [f"{result.check}: failed: {result.message}"]


def test_what_departs_only_once_is_saved_and_said_to(tmp_path: Path) -> None:
    bench = slipping()
    result = found(bench)
    (saved,), *_ = save_failures([result], bench_of(reference), folder(tmp_path))
    assert saved.message.split("\n")[:2] == [
        result.message,
        "  it did not depart when it was run again",
    ]
    assert load_failure(folder(tmp_path).file_of(result.check)).divergence is None


class Demanding(Slipping):
    """Opens no session without a configuration."""

    def open(self, session: str, component: str, config: Json, seed: int) -> OpenAnswer:
        if not config:
            return Rejected("missing_field", "nothing is configured")
        return super().open(session, component, config, seed)


def test_what_fails_in_another_way_is_not_the_same_made_small(tmp_path: Path) -> None:
    bench = bench_of(lambda: Demanding(wide_when_sure))
    save_failures([found(bench)], bench, folder(tmp_path))
    failure = load_failure(folder(tmp_path).file_of("phase1.made_up"))
    assert failure.case is not None
    assert failure.case.config.keys() == {"theta_per_s"}
    assert failure.divergence is not None
    assert failure.divergence.field == "variance"


class Fragile(Slipping):
    """Breaks in every session of fewer than ten steps."""

    def apply(self, session: str, steps: Sequence[Json]) -> list[Answer]:
        if len(steps) < 10:
            raise EngineError("crash", "a short session")
        return super().apply(session, steps)


def test_an_engine_that_breaks_while_its_case_is_made_small_leaves_it_as_it_is_by_then(
    tmp_path: Path,
) -> None:
    late = Case("drift", {"theta_per_s": 0.05}, [*[predict(0)] * 40, *[observe(1.0, 5.0)] * 3])
    bench = bench_of(lambda: Fragile(wide_when_sure))
    (saved,), *_ = save_failures([found(bench, case=late)], bench, folder(tmp_path))
    assert "field          variance" in saved.message
    case = load_failure(folder(tmp_path).file_of("phase1.made_up")).case
    assert case is not None
    assert len(case.steps) == 42
    assert bench.trace(WALK).answers  # a fresh one is ready


def test_files_of_earlier_runs_go_and_those_of_other_engines_stay(tmp_path: Path) -> None:
    bench, kept = slipping(), folder(tmp_path)
    other = FailureFolder(kept.root, "stdio:./other")
    for place in (kept, other):
        save_failures([found(bench, "earlier")], bench, place)
    save_failures([found(bench, "later")], bench, kept)
    assert sorted(path.name for path in kept.root.rglob("*.json")) == ["earlier.json", "later.json"]
    assert not kept.file_of("earlier").exists()
    save_failures([], bench, kept)
    assert not kept.path.exists()
    assert other.file_of("earlier").exists()


@pytest.mark.parametrize(
    ("engine", "name"),
    [
        ("reference", "reference"),
        ("mutant:linear-q", "mutant-linear-q"),
        ("python:my.engine:Make", "python-my.engine-Make-"),
        ("stdio:../a b/c --d 'e f'", "stdio-..-a-b-c---d--e-f--"),
        (f"stdio:{'x' * 300}", "stdio-xxx"),
    ],
)
def test_every_engine_has_a_folder_of_its_own(tmp_path: Path, engine: str, name: str) -> None:
    path = FailureFolder(tmp_path, engine).path
    assert path.parent == tmp_path
    assert path.name.startswith(name)
    assert len(path.name) < 100
    assert path != FailureFolder(tmp_path, engine + " ").path
    assert shlex.split(FailureFolder(tmp_path, engine).command("c"))[-1] == engine


# --- reading the file -------------------------------------------------------------------------


def saved_walk(tmp_path: Path, bench: Bench | None = None) -> SavedFailure:
    bench = bench or slipping()
    save_failures([found(bench)], bench, folder(tmp_path))
    return load_failure(folder(tmp_path).file_of("phase1.made_up"))


def test_what_is_no_file_of_a_failure_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "failure.json"
    with pytest.raises(InputError, match="No such file"):
        load_failure(path)
    for text in ("", "{", "[]", "{}", '{"schema": 1}', "\udc80", "[" * 100_000):
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        with pytest.raises(InputError, match="is not the file of a failure"):
            load_failure(path)
    failure = saved_walk(tmp_path)
    write_failure(path, replace(failure, schema=2))
    with pytest.raises(InputError, match="schema is 2, expected 1"):
        load_failure(path)
    write_failure(path, replace(failure, case=Case("moon", {}, [])))
    with pytest.raises(InputError, match="component is 'moon', known are drift, "):
        load_failure(path)
    write_failure(path, failure)
    assert load_failure(path) == failure


# --- running it again -------------------------------------------------------------------------


def test_what_departs_still_has_failed_and_what_agrees_is_fixed(tmp_path: Path) -> None:
    failure = saved_walk(tmp_path)
    failed = reproduce(failure, lambda: Slipping(wide_when_sure))
    assert (failed.verdict, failed.stale) == ("FAILED", "")
    assert failed.divergence == failure.divergence
    assert failed.lines[0].startswith("drift departs from the reference at step 2 of 2")
    fixed = reproduce(failure, reference)
    assert (fixed.verdict, fixed.lines, fixed.divergence) == ("FIXED", [], None)


def test_another_departure_has_failed_too(tmp_path: Path) -> None:
    failed = reproduce(
        saved_walk(tmp_path), lambda: Slipping(lambda seen: {**seen, "confidence": 2.0})
    )
    assert failed.verdict == "FAILED"
    assert failed.divergence is not None
    assert failed.divergence.field == "confidence"


def test_a_field_that_is_hidden_is_not_fixed(tmp_path: Path) -> None:
    def only_confidence() -> Engine:
        return Slipping(lambda seen: {"confidence": seen["confidence"]}, ["confidence"])

    failed = reproduce(saved_walk(tmp_path), only_confidence)
    assert failed.verdict == "FAILED"
    assert failed.lines == ["the engine does not declare variance of drift, in which it departed"]


def test_an_engine_without_the_component_has_failed(tmp_path: Path) -> None:
    failure = replace(saved_walk(tmp_path), divergence=None)
    failed = reproduce(failure, lambda: BuiltinEngine(components=("glft",)))
    assert failed.verdict == "FAILED"
    assert "  got            rejected (unknown_component: " in "\n".join(failed.lines)


def test_the_reference_of_today_judges_and_what_has_changed_is_said(tmp_path: Path) -> None:
    failure = saved_walk(tmp_path)
    assert failure.expected is not None
    first, second = failure.expected.answers
    assert isinstance(second, Ok)
    was = replace(failure.expected, answers=[first, Ok({**second.observation, "variance": 1.0})])
    old = replace(failure, suite="0.0.9", expected=was)
    fixed = reproduce(old, reference)
    assert fixed.verdict == "FIXED"
    (line,) = fixed.lines
    assert line.startswith("stale: at step 2 suite 0.0.9 expected variance 1.0, and this one ")


def test_an_engine_that_breaks_has_failed_and_one_that_cannot_run_is_no_answer(
    tmp_path: Path,
) -> None:
    failure = saved_walk(tmp_path)
    failed = reproduce(failure, lambda: Fragile(wide_when_sure))
    assert failed.verdict == "FAILED"
    assert failed.lines[0].startswith("crash: a short session")

    def cannot_start() -> Engine:
        raise EngineError("cannot_start", "no such program")

    with pytest.raises(EngineError, match="no such program"):
        reproduce(failure, cannot_start)


def test_a_statement_is_run_again_as_it_was(tmp_path: Path) -> None:
    check = STATEMENT.name
    failure = replace(saved_walk(tmp_path), check=check, case=None, expected=None, divergence=None)
    failed = reproduce(failure, lambda: Slipping(wide_when_sure))
    assert failed.verdict == "FAILED"
    assert failed.lines[0].startswith(f"{check}: failed: P at the floor: ")
    assert reproduce(failure, reference).verdict == "FIXED"
    # what is not offered, or not declared, proves nothing
    absent = reproduce(failure, lambda: BuiltinEngine(components=("glft",)))
    assert (absent.verdict, absent.lines) == (
        "FAILED",
        [f"{check}: unsupported: component drift is not offered"],
    )
    with pytest.raises(InputError, match=r"check is 'phase1\.gone', which this suite"):
        reproduce(replace(failure, check="phase1.gone"), reference)


# --- on the command line ----------------------------------------------------------------------

ENGINE = '''
"""An engine of one component, with a slip that no case shows."""

from quotemark.builtin import BuiltinEngine
from quotemark.messages import Rejected


class Explosive(BuiltinEngine):
    """Opens an excitation that explodes."""

    def __init__(self):
        super().__init__("explosive", components=("hawkes",))

    def open(self, session, component, config, seed):
        answer = super().open(session, component, config, seed)
        if isinstance(answer, Rejected) and config.get("hawkes_decay_per_s") == 0.3:
            return super().open(session, component, {}, seed)
        return answer
'''


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    (tmp_path / "explosive.py").write_text(ENGINE, "utf-8")
    return tmp_path


def run(desk: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [QUOTEMARK, *words],
        cwd=desk,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )


def commands(output: str) -> list[list[str]]:
    """The commands that the messages end with."""
    lines = [line.strip() for line in output.splitlines()]
    return [
        shlex.split(line.removeprefix("reproduce"))
        for line in lines
        if line.startswith("reproduce ")
    ]


def certify(desk: Path, engine: str, *words: str) -> subprocess.CompletedProcess[str]:
    """A short certification, which the engine fails."""
    quick = ("--quick", "--steps", "300", "--workers", "1")
    certified = run(desk, "certify", engine, *quick, *words)
    assert certified.returncode == 1, certified.stderr
    return certified


@pytest.mark.whole_suite
def test_a_statement_that_alone_fails_can_be_run_again(desk: Path) -> None:
    ((quotemark, *words),) = commands(certify(desk, "python:explosive:Explosive").stdout)
    assert quotemark == "quotemark"
    failed = run(desk, *words)
    assert failed.returncode == 1, failed.stderr
    first, *_, last = failed.stdout.splitlines()
    check = "phase8.explosive_excitation_does_not_open"
    assert first.startswith(f"{check}: failed: hawkes rejects a jump of the decay; found ")
    assert last == "FAILED"
    fixed = run(desk, *words[:-1], "reference")
    assert (fixed.returncode, fixed.stdout) == (0, "FIXED\n")


def test_what_cannot_be_answered_is_no_answer(desk: Path) -> None:
    write_failure(desk / "failure.json", saved_walk(desk))
    cannot_run = run(desk, "reproduce", "failure.json", "--engine", "stdio:./no-such-engine")
    assert (cannot_run.returncode, cannot_run.stdout) == (3, "")
    (desk / "empty.json").write_text("{}", "utf-8")
    unreadable = run(desk, "reproduce", "empty.json", "--engine", "reference")
    assert (unreadable.returncode, unreadable.stdout) == (2, "")
    assert "empty.json: is not the file of a failure: " in unreadable.stderr


def test_a_machine_reads_the_answer(desk: Path) -> None:
    write_failure(desk / "failure.json", saved_walk(desk))
    answered = run(desk, "reproduce", "failure.json", "--engine", "reference", "--json")
    answer: dict[str, Any] = json.loads(answered.stdout)
    assert (answered.returncode, answer["verdict"]) == (0, "FIXED")
    assert msgspec.convert(answer["reproduction"], Reproduction).fixed


@pytest.mark.whole_suite
def test_a_subtle_mutant_is_told_in_full_and_reproduced_by_the_command_printed(desk: Path) -> None:
    certified = certify(desk, "mutant:linear-q", "--phase", "1").stdout
    told = next(block for block in certified.split("\n\n") if "\n  drift departs from" in block)
    check, first, *lines = told.splitlines()
    assert first.startswith("  drift departs from the reference at step 2 of 2: predict (t_ms ")
    labels = [line.split()[0] for line in lines]
    assert labels[:5] == ["field", "expected", "got", "formula", "requirement"]
    assert labels[-4:] == ["last", "after", "behaves", "reproduce"]
    assert lines[0].split() == ["field", "variance"]
    assert " ULP)" in lines[2]
    assert "D-01: The variance added over a step is the exact integral" in lines[4]
    assert lines[-2].startswith("    behaves like linear-q (D-01): Q(dt) = q dt, on ")
    assert "\ndrift behaves like linear-q (D-01)" in certified
    file = f"quotemark-report/failures/mutant-linear-q/{check}.json"
    ((quotemark, *words),) = commands(told)
    assert quotemark == "quotemark"
    assert words == ["reproduce", file, "--engine", "mutant:linear-q"]
    assert (desk / file).is_file()
    failed = run(desk, *words)
    assert (failed.returncode, failed.stdout.splitlines()[-1]) == (1, "FAILED")
    assert failed.stdout.splitlines()[0] == first.strip()
    fixed = run(desk, *words[:-1], "reference")
    assert (fixed.returncode, fixed.stdout) == (0, "FIXED\n")
    log = (desk / "quotemark-report/certify-mutant-linear-q.jsonl").read_text("utf-8")
    assert check in log
    assert '{"step":' not in log
