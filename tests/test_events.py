"""The event log: what a run leaves behind, and that it leaves the same bytes again."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from os import environ
from pathlib import Path

import msgspec
import pytest

from quotemark.builtin import BuiltinEngine
from quotemark.evidence.events import (
    Check,
    Diagnosis,
    Event,
    Measured,
    Requirement,
    Run,
    Verdict,
    Waiver,
    event_log,
)
from quotemark.messages import Answer, Json, Ok
from quotemark.results import TierLatency
from quotemark.results import Waiver as GivenWaiver
from quotemark.suite.runner import certify

QUOTEMARK = str(Path(sys.executable).with_name("quotemark"))
DEADLINE_S = 120
LATENCIES = [TierLatency("hot", 1.0, 250.0, 300.0)]


class Leaning(BuiltinEngine):
    """The reference's risk aversion, and a skew that is always 1 bp."""

    def apply(self, session: str, steps: Sequence[Json]) -> list[Answer]:
        return [
            Ok({**answer.observation, "skew_bps": 1.0}) if isinstance(answer, Ok) else answer
            for answer in super().apply(session, steps)
        ]


def test_a_log_holds_the_run_and_every_result_in_order_with_the_latencies_last() -> None:
    waiver = GivenWaiver("phase2.gamma_rises_strictly", "Ana", "known", date(2026, 3, 1))
    certification = msgspec.structs.replace(
        certify(
            lambda: Leaning("leaning", components=("inventory",)),
            phases=[2],
            seed=7,
            profile="quick",
            fuzz_steps=100,
            waivers=[waiver],
        ),
        diagnoses=["inventory behaves like some mutant"],
        latencies=LATENCIES,
    )
    log = event_log(certification)
    assert log.endswith("\n")
    decoder = msgspec.json.Decoder(Event)
    events = [decoder.decode(line) for line in log.splitlines()]
    assert events == [
        Run(certification.identity, "components", certification.suite, 7, [2], "quick", 100, None),
        *(
            Check(one.check, one.proves, one.component, one.status, one.label, one.message, "")
            for one in certification.checks
        ),
        *(
            Requirement(
                one.requirement.id, one.requirement.phase, one.requirement.level, one.status
            )
            for one in certification.requirements
        ),
        Waiver(waiver.check, "Ana", "known", waiver.expires, "the check passes"),
        Diagnosis("inventory behaves like some mutant"),
        Verdict("NOT CONFORMANT (quick run)", False, certification.counts(), "U-1"),
        Measured(LATENCIES, None),
    ]
    failed = [one for one in events if isinstance(one, Check) and one.status == "failed"]
    assert failed
    assert all(one.message for one in failed)


# --- the same again ---------------------------------------------------------------------------

ENGINES = '''
"""Some components of the reference, and the same with one defect."""

from quotemark.builtin import BuiltinEngine
from quotemark.mutants import MUTANTS, patched

COMPONENTS = ("drift", "glft", "inventory")
DEFECT = patched(MUTANTS["linear-q"])


def right():
    return BuiltinEngine("right", components=COMPONENTS)


def wrong():
    DEFECT.__enter__()  # for as long as this process lives
    return BuiltinEngine("wrong", components=COMPONENTS)
'''

RUNS = [
    (1, "UTC", "C"),
    (2, "America/New_York", "C.UTF-8"),
    (3, "Asia/Kolkata", "de_DE.UTF-8"),
    (1, "Pacific/Kiritimati", "tr_TR.UTF-8"),
    (1, "Australia/Lord_Howe", "POSIX"),
    (2, "Europe/Berlin", "ja_JP.UTF-8"),
    (1, "Pacific/Pago_Pago", "en_US.ISO-8859-1"),
    (1, "Asia/Kathmandu", "fr_FR.UTF-8"),
    (3, "America/St_Johns", "ar_EG.UTF-8"),
    (1, "Africa/Cairo", "C"),
]
"""Workers, time zone and locale; the hash seed is another each time."""


SEARCH = """
import sys

from quotemark.builtin import BuiltinEngine
from quotemark.fuzz.stateful import search
from quotemark.suite.bench import Bench

if sys.argv[1:]:
    import noise


class Telling(BuiltinEngine):
    def apply(self, session, steps):
        print(steps)
        return super().apply(session, steps)


engine = Telling()
search(Bench(engine, engine.initialize(), BuiltinEngine(), 7), "flow", 30, 15)
"""


def test_a_search_depends_on_its_seed_and_not_on_what_else_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "search.py").write_text(SEARCH, "utf-8")
    noise = ", ".join(f"{0.0101 + number / 7.0}" for number in range(600))
    (tmp_path / "noise.py").write_text(f"NOISE = [{noise}]", "utf-8")
    told = [
        subprocess.run(
            [sys.executable, "search.py", *arguments],
            cwd=tmp_path,
            env={**environ, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            check=True,
        ).stdout
        for arguments in ([], ["with noise"])
    ]
    assert told[0].count(b"\n") > 100
    assert told[0] == told[1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["noise.py", "search.py"]


@pytest.mark.whole_suite
@pytest.mark.parametrize(
    ("engine", "code", "runs"), [("right", 0, RUNS[:5]), ("wrong", 1, RUNS[5:])]
)
def test_runs_of_a_seed_leave_the_same_bytes_wherever_they_run(
    tmp_path: Path, engine: str, code: int, runs: list[tuple[int, str, str]]
) -> None:
    def log_of(number: int) -> str:
        workers, zone, locale = runs[number]
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "engines.py").write_text(ENGINES, "utf-8")
        options = ("--quick", "--phase", "1", "--steps", "1000", "--workers", str(workers))
        done = subprocess.run(
            [QUOTEMARK, "certify", f"python:engines:{engine}", *options, "--report", "run.html"],
            cwd=folder,
            env={
                **environ,
                "PYTHONHASHSEED": str(number),
                "TZ": zone,
                "LANG": locale,
                "LC_ALL": locale,
            },
            capture_output=True,
            timeout=DEADLINE_S,
            check=False,
        )
        assert (done.returncode, done.stderr) == (code, b"")
        *lines, measured = (folder / "run.jsonl").read_bytes().decode().splitlines()
        assert measured.startswith('{"event":"measured",')
        assert lines[-1].startswith('{"event":"verdict",')
        return "\n".join(lines)

    with ThreadPoolExecutor(2) as pool:
        logs = list(pool.map(log_of, range(len(runs))))
    assert set(logs) == {logs[0]}
    assert ('"status":"failed"' in logs[0]) == (engine == "wrong")
