"""The command line, as real processes: what it prints, what it writes, and how it ends."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import psutil
import pytest

import quotemark
from quotemark.mutants import MUTANTS
from quotemark.results import Certification
from quotemark.scenario import scenario_names
from quotemark.suite.checks import all_checks
from quotemark.suite.register import requirements
from quotemark.tape import read_tape

pytestmark = pytest.mark.whole_suite

QUOTEMARK = str(Path(sys.executable).with_name("quotemark"))
DEADLINE_S = 120
"""Far beyond what any command takes: a test that hangs is ended by it."""

QUICK = ("--quick", "--steps", "500")
"""Options of a certification that need not find much."""

ENGINES = '''
"""Engines for the tests of the command line."""

import os
import signal
import sys

from quotemark.builtin import BuiltinEngine
from quotemark.messages import Ok, Unsupported

FORMULAS = ("drift", "glft", "inventory")


def formulas():
    """Conforms, but offers no quote cycle."""
    return BuiltinEngine("formulas", components=FORMULAS)


class Altered(BuiltinEngine):
    """Every observation that has the field has another value there."""

    def __init__(self, name, field, value, **options):
        super().__init__(name, **options)
        self.field, self.value = field, value

    def apply(self, session, steps):
        return [self.altered(answer) for answer in super().apply(session, steps)]

    def altered(self, answer):
        if not isinstance(answer, Ok) or self.field not in answer.observation:
            return answer
        return Ok({**answer.observation, self.field: self.value})


def stuck():
    """Its drift never moves."""
    return Altered("stuck", "drift_bps_per_s", 0.0, components=FORMULAS)


def babbling():
    """Its bids are no ladder."""
    return Altered("babbling", "bids", "none")


def pushed():
    """What moved its drift is nothing to be read."""
    return Altered("pushed", "drift_observations", [{"source": "flow"}])


class Mortal(BuiltinEngine):
    """Dies of its hundredth step."""

    steps_left = 100

    def apply(self, session, steps):
        self.steps_left -= len(steps)
        if self.steps_left < 0:
            print("out of memory", file=sys.stderr, flush=True)
            os._exit(7)
        return super().apply(session, steps)


def mortal():
    return Mortal("mortal", components=("drift",))


class NoWayBack(BuiltinEngine):
    """Has no legacy path."""

    def open(self, session, component, config, seed):
        if any(name.startswith("use_") and on is False for name, on in config.items()):
            return Unsupported("there is no way back")
        return super().open(session, component, config, seed)


def no_way_back():
    return NoWayBack("no-way-back")


class WithoutFunding(BuiltinEngine):
    """Has no phase 6, and so no use for funding rates."""

    def initialize(self):
        identity = super().initialize()
        identity.phases = [phase for phase in identity.phases if phase != 6]
        return identity

    def apply(self, session, steps):
        return [self.answer(session, step) for step in steps]

    def answer(self, session, step):
        if step.get("step") == "funding":
            return Unsupported("phase 6 is not in this engine")
        return super().apply(session, [step])[0]


def without_funding():
    return WithoutFunding("without-funding")


class Hanging(BuiltinEngine):
    """Says in the pipe ``hanging`` which process hangs, and which started it, and hangs."""

    def apply(self, session, steps):
        with open("hanging", "w") as file:
            print(os.getpid(), os.getppid(), file=file, flush=True)
        while True:
            signal.pause()


def hanging():
    return Hanging("hanging")
'''

TAPE = [
    {"step": "cycle", "t_ms": 0, "mid": 100.0},
    {"step": "trade", "t_ms": 10, "side": "sell", "price": 99.0, "size": 0.5},
    {"step": "fill", "t_ms": 20, "side": "buy", "price": 99.0, "size": 9.0, "id": "theirs"},
    {"step": "funding", "t_ms": 30, "rate": "0.0001", "interval_s": 3600.0},
    {"step": "cycle", "t_ms": 40, "mid": 100.0},
]


class Done(NamedTuple):
    """How a command ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:  # noqa: ANN401 - any value that JSON has
        return json.loads(self.stdout)


class Desk(NamedTuple):
    """A folder to work in, with engines and a tape."""

    folder: Path

    def run(self, *arguments: str) -> Done:
        """Run ``quotemark`` in a pipe, as a script would."""
        done = subprocess.run(
            [QUOTEMARK, *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=DEADLINE_S,
            check=False,
        )
        for stream in (done.stdout, done.stderr):
            assert "\x1b" not in stream
            assert "\r" not in stream
            assert "Traceback" not in stream
        return Done(done.returncode, done.stdout, done.stderr)

    def reports(self) -> list[str]:
        """Every file in the folder of reports; failures have a folder of their own there."""
        return files_in(self.folder / "quotemark-report")


def files_in(folder: Path) -> list[str]:
    """Names of the files in a folder that may not exist."""
    return sorted(path.name for path in folder.glob("*") if path.is_file())


def evidence_of(engine: str) -> list[str]:
    """Files that a certification leaves."""
    return [f"certify-{engine}.{kind}" for kind in ("html", "intoto.json", "jsonl")]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    (tmp_path / "engines.py").write_text(ENGINES, "utf-8")
    lines = "".join(json.dumps(step) + "\n" for step in TAPE)
    (tmp_path / "tape.jsonl").write_text(lines, "utf-8")
    return Desk(tmp_path)


# --- certify ----------------------------------------------------------------------------------


def test_certify_reference_is_conformant_and_writes_a_report_of_it(desk: Desk) -> None:
    done = desk.run("certify", "reference", "--steps", "2000")
    assert (done.code, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("Feb 19, 2026")
    assert lines[1].startswith("Reconstruction")
    assert lines[-4:] == [
        f"CONFORMANT: {len(requirements())} proven,"
        " 0 violated, 0 waived, 0 unproven, 0 unsupported",
        "report: quotemark-report/certify-reference.html",
        "event log: quotemark-report/certify-reference.jsonl",
        "certificate: quotemark-report/certify-reference.intoto.json",
    ]
    rows = [line.split() for line in lines]
    deployed = ["legacy:deployed", "181", "12", "+6.940", "-0.840", "+0.028", "-0.834", "-0.034"]
    assert deployed in rows
    assert ["reference", "181", "1", "-0.460", "+0.110", "+0.000", "+0.112", "-0.002"] in rows
    assert ["phases", "1-4", *("1", "-0.46", "+0.110") * 3] in rows
    for requirement_id in requirements():
        proven = f"  proven       {requirements()[requirement_id].level}  {requirement_id}  "
        assert sum(line.startswith(proven) for line in lines) == 1
    assert desk.reports() == evidence_of("reference")
    report = (desk.folder / "quotemark-report" / "certify-reference.html").read_text("utf-8")
    assert report.startswith("<!")
    assert report.rstrip().endswith("</html>")


def test_an_engine_that_departs_is_not_conformant_and_told_why(desk: Desk) -> None:
    options = ("--phase", "1", *QUICK, "--report", "a/b/c.html")
    summaries = ("--junit", "ci/j.xml", "--summary", "ci/s.md", "--badge", "ci/b.svg")
    done = desk.run("certify", "python:engines:stuck", *options, *summaries)
    assert (done.code, done.stderr) == (1, "")
    assert f"stuck {quotemark.__version__} (" in done.stdout
    assert "violated     L2  P1.test_kalman_update_moves_toward_observation" in done.stdout
    assert "drift: value: expected -5.45" in done.stdout
    *_, verdict, report, log, certificate = done.stdout.splitlines()
    assert verdict.startswith("NOT CONFORMANT (quick run): ")
    assert (report, log) == ("report: a/b/c.html", "event log: a/b/c.jsonl")
    assert certificate == "certificate: a/b/c.intoto.json"
    assert desk.reports() == []
    assert files_in(desk.folder / "a" / "b") == ["c.html", "c.intoto.json", "c.jsonl"]
    assert files_in(desk.folder / "ci") == ["b.svg", "j.xml", "s.md"]
    starts = {
        "b.svg": ("<?xml", "conformant, phase 1, suite"),
        "j.xml": ("<?xml", "phase1.moves_by_the_gain"),
        "s.md": ("## quotemark: NOT CONFORMANT (quick run)", "[The report](../a/b/c.html)"),
    }
    for name, (start, text) in starts.items():
        written = (desk.folder / "ci" / name).read_text("utf-8")
        assert written.startswith(start)
        assert text in written


def test_an_engine_of_some_components_can_conform(desk: Desk) -> None:
    done = desk.run("certify", "python:engines:formulas", "--phase", "1-2", *QUICK, "--json")
    assert (done.code, done.stderr) == (0, "")
    files = {"report", "log", "certificate"}
    assert done.json.keys() == {"verdict", "conformant", "certification", *files}
    assert (done.json["verdict"], done.json["conformant"]) == (
        "CONFORMANT (quick run)",
        True,
    )
    certification = msgspec.convert(done.json["certification"], Certification)
    assert (certification.identity.name, certification.level) == ("formulas", "components")
    assert certification.phases == [1, 2]
    assert certification.conformant
    assert certification.counts()["unsupported"] > 0
    assert all((desk.folder / done.json[name]).is_file() for name in files)


def test_the_same_run_gives_the_same_bytes_in_a_worker_and_in_process(desk: Desk) -> None:
    runs = []
    for options in ((), ("--workers", "1"), ("--in-process",)):
        done = desk.run("certify", "python:engines:formulas", "--phase", "2", *QUICK, *options)
        log = (desk.folder / "quotemark-report/certify-formulas.jsonl").read_bytes()
        runs.append((done, log.splitlines()[:-1]))  # the last is the machine's and the day's
    assert runs[0] == runs[1] == runs[2]
    assert desk.reports() == evidence_of("formulas")


def test_an_engine_whose_pushes_are_none_is_told_so(desk: Desk) -> None:
    engine, trouble = "python:engines:pushed", "protocol: pushed answered cycle at 17715388"
    replayed = desk.run("replay", "feb19", "--engine", engine)
    assert replayed.code == 3
    assert trouble in replayed.stderr
    assert "Traceback" not in replayed.stderr
    certified = desk.run("certify", engine, "--phase", "1", *QUICK)
    assert (certified.code, certified.stderr) == (1, "")
    assert trouble in certified.stdout


def test_another_seed_is_another_walk(desk: Desk) -> None:
    shown = [
        desk.run("certify", "python:engines:stuck", "--phase", "1", *QUICK, "--seed", seed).stdout
        for seed in ("1", "2")
    ]
    assert "seed 1;" in shown[0]
    walks = [[line for line in text.splitlines() if "random_walks" in line] for text in shown]
    assert walks[0]
    assert walks[0] != walks[1]


def test_an_engine_that_dies_is_judged_by_what_it_did(desk: Desk) -> None:
    done = desk.run("certify", "python:engines:mortal", "--phase", "1", *QUICK)
    assert (done.code, done.stderr) == (1, "")
    assert "crash: " in done.stdout
    assert "its stderr ends: out of memory" in done.stdout
    assert done.stdout.splitlines()[-4].startswith("NOT CONFORMANT (quick run): ")
    assert desk.reports() == evidence_of("mortal")


def test_an_engine_whose_ladder_is_none_is_told_so(desk: Desk) -> None:
    done = desk.run("certify", "python:engines:babbling", "--phase", "4", *QUICK)
    assert (done.code, done.stderr) == (1, "")
    trouble = "protocol: babbling answered cycle at 1771538801000 wrongly"
    assert f"feb19 is not shown: {trouble}" in done.stdout
    assert desk.reports() == evidence_of("babbling")


def test_an_engine_without_a_way_back_is_certified(desk: Desk) -> None:
    done = desk.run("certify", "python:engines:no_way_back", "--phase", "1", *QUICK)
    assert (done.code, done.stderr) == (0, "")
    assert "feb19 is not shown: no-way-back does not open component 'engine'" in done.stdout
    assert "unproven     L0  G-1  " in done.stdout
    assert "no legacy path in this engine: there is no way back" in done.stdout


# --- replay -----------------------------------------------------------------------------------


def test_replay_of_a_scenario_shows_baseline_and_engine(desk: Desk) -> None:
    done = desk.run("replay", "inventory_80_percent", "--engine", "reference", "--json")
    assert (done.code, done.stderr) == (0, "")
    shown = done.json
    assert shown.keys() == {*("scenario", "notice", "engines", "ablation", "sensitivity", "report")}
    assert shown["notice"].startswith("Synthetic")
    assert (shown["ablation"], shown["sensitivity"]) == (None, None)
    assert [one["engine"] for one in shown["engines"]] == ["legacy:documented", "reference"]
    for one in shown["engines"]:
        assert one.keys() == {
            *("engine", "cycles", "fills", "position", "net", "spread", "inventory", "fees"),
            *("answers", "own_fills_left_out", "sources", "insufficient_depths"),
        }
        assert (one["cycles"], one["own_fills_left_out"]) == (9, 0)
        assert one["position"] == pytest.approx(8.57, abs=1e-3)
        assert one["net"] == pytest.approx(one["spread"] + one["inventory"] - one["fees"])
    assert desk.reports() == ["replay-inventory_80_percent.html"]


def test_replay_of_a_tape_counts_what_the_engine_left_out(desk: Desk) -> None:
    engines = ("--engine", "reference", "--engine", "python:engines:without_funding")
    done = desk.run("replay", "tape.jsonl", *engines)
    assert (done.code, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "Replay of tape.jsonl"
    for name in ("reference", "python:engines:without_funding"):
        row = next(line.split() for line in lines if line.startswith(f"  {name}  "))
        assert row[:4] == [name, "2", "1", "+0.500"]
        left_out = "1 own fills on the tape left out; they belong to whoever recorded it"
        assert f"  {name}: {left_out}" in lines
    unsupported = [line for line in lines if "unsupported" in line]
    assert unsupported == ["  python:engines:without_funding: 1 steps unsupported"]
    assert lines[-1] == "report: quotemark-report/replay-tape.html"


def test_two_engines_are_compared_alone_with_the_configuration_and_reach_given(desk: Desk) -> None:
    (desk.folder / "wide.toml").write_text("base_half_spread_bps = 150.0\n", "utf-8")
    engines = ("--engine", "legacy:documented", "--engine", "reference")
    changes = ("--config", "wide.toml", "--reach", "60", "--phase", "1-3")
    shown = desk.run("replay", "tape.jsonl", *engines, *changes, "--json").json
    assert shown["ablation"] is None
    assert [one["engine"] for one in shown["engines"]] == ["legacy:documented", "reference"]
    for one in shown["engines"]:  # the trade at 99 goes 60 bp further, to the bid 150 bp deep
        (fill,) = one["fills"]
        assert (fill["price"], fill["size"]) == (98.5, 0.5)
        assert fill["cause"] == "sell aggressor #1: 0.5 at 99, taken to reach 60 bp further"


# --- the other commands -----------------------------------------------------------------------


def test_version() -> None:
    done = Desk(Path.cwd()).run("--version")
    assert done == (0, f"quotemark, version {quotemark.__version__}\n", "")


def test_the_command_line_starts_without_what_is_heavy() -> None:
    program = "import sys, quotemark.cli; print(*sorted(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "click" in loaded
    heavy = {"numpy", "scipy", "pandas", "matplotlib", "jinja2", "pytest", "quotemark_reference"}
    assert heavy.intersection(loaded) == set()


def test_explain_says_what_a_requirement_is_and_what_proves_it(desk: Desk) -> None:
    done = desk.run("explain", "D-01")
    assert (done.code, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == f"D-01: {requirements()['D-01'].statement}"
    assert lines[1:4] == ["phase: 1", "level: L2", "source: decisions, phase 1"]
    assert lines[4].startswith("check phase1.process_noise_is_exact on drift (L2): P relaxes to 25")
    assert any(line.startswith("mutant linear-q: ") for line in lines)
    assert "phase: all" in desk.run("explain", "U-1").stdout


def test_explain_tells_a_machine_the_same(desk: Desk) -> None:
    shown = desk.run("explain", "D-18", "--json").json
    assert shown["requirement"] == msgspec.to_builtins(requirements()["D-18"])
    proving = [check for check in all_checks() if "D-18" in check.proves]
    assert [check["check"] for check in shown["checks"]] == [check.name for check in proving]
    assert [check["component"] for check in shown["checks"]] == [one.component for one in proving]
    assert {check["component"] for check in shown["checks"]} == {"engine", "expected_pnl"}
    breaking = {one.name: one.story for one in MUTANTS.values() if one.breaks == "D-18"}
    assert shown["mutants"] == breaking
    assert breaking


def test_smoke_greets_every_component(desk: Desk) -> None:
    done = desk.run("smoke", "reference")
    assert (done.code, done.stderr) == (0, "")
    first, *components = done.stdout.splitlines()
    version, phases = quotemark.__version__, "1, 2, 3, 4, 5, 6, 7, 8"
    assert first == f"reference {version}, protocol 1.0, clock injected, phases {phases}"
    named = (
        *("drift", "inventory", "flow", "glft", "expected_pnl", "adaptation", "funding", "book"),
        *("sweep", "hawkes", "fill_size", "cross_venue", "volatility", "open_interest", "engine"),
    )
    assert components == [f"  {name}: ok" for name in named]
    done = desk.run("smoke", "python:engines:no_way_back", "--json")
    assert done.json["identity"]["name"] == "no-way-back"
    assert done.json["components"] == dict.fromkeys(named, "ok")


def test_schema_prints_or_writes_json(desk: Desk) -> None:
    printed = desk.run("schema")
    assert (printed.code, printed.stderr) == (0, "")
    assert printed.json
    written = desk.run("schema", "--output", "schemas")
    assert written.stdout == "schemas: schemas\n"
    files = list((desk.folder / "schemas").rglob("*.json"))
    assert files
    for path in files:
        json.loads(path.read_text("utf-8"))


def test_import_makes_a_tape(desk: Desk) -> None:
    books = [
        {
            "channel": "l2Book",
            "data": {
                "coin": "HYPE",
                "time": 1771538801000 + 500 * number,
                "levels": [
                    [{"px": "29.154", "sz": "10.0", "n": 1}],
                    [{"px": "29.156", "sz": "10.0", "n": 1}],
                ],
            },
        }
        for number in range(8)
    ]
    (desk.folder / "capture.jsonl").write_text("\n".join(map(json.dumps, books)), "utf-8")
    done = desk.run("import", "hyperliquid", "capture.jsonl", "-o", "made.jsonl")
    assert (done.code, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("HYPE: 3.5 s by ")
    assert "messages read: 8 l2Book" in lines
    assert lines[-1] == "tape: made.jsonl"
    again = desk.run("import", "hyperliquid", "capture.jsonl", "-o", "again.jsonl", "--json")
    assert again.json.keys() == {"report", "tape"}
    made, remade = (desk.folder / name for name in ("made.jsonl", "again.jsonl"))
    assert made.read_bytes() == remade.read_bytes()
    steps = [step["step"] for step in read_tape(made)]
    assert steps.count("book") == 8
    assert steps.count("cycle") > 0


# --- mistakes ---------------------------------------------------------------------------------

MISTAKES: dict[str, tuple[tuple[str, ...], int, str]] = {
    "no command": ((), 2, "Usage: quotemark"),
    "unknown command": (("certfy",), 2, "No such command 'certfy'"),
    "unknown engine": (("certify", "referense"), 2, "engine is 'referense', expected one of"),
    "engine without a name": (("certify", "python:"), 2, "engine is 'python:', expected one of"),
    "unknown mutant": (("certify", "mutant:x"), 2, "mutant is 'x', expected one of linear-q,"),
    "phase 9": (("certify", "reference", "--phase", "9"), 2, "'9' is no phase from 1 to 8"),
    "phase 4-9": (("certify", "reference", "--phase", "4-9"), 2, "'4-9' is no phase"),
    "phase 0-2": (("certify", "reference", "--phase", "0-2"), 2, "'0-2' is no phase"),
    "phase 3-2": (("certify", "reference", "--phase", "3-2"), 2, "'3-2' is no phase"),
    "phase of letters": (("certify", "reference", "--phase", "one"), 2, "'one' is no phase"),
    "in process, no module": (
        ("certify", "python:nosuch:engine", "--in-process"),
        2,
        "engine is 'python:nosuch:engine': No module named 'nosuch'",
    ),
    "unknown requirement": (("explain", "D-99"), 2, "requirement is 'D-99', expected one of P1."),
    "unknown scenario": (
        ("replay", "feb18", "--engine", "reference"),
        2,
        f"'feb18' is neither a scenario ({', '.join(scenario_names())}) nor a tape",
    ),
    "no engine": (("replay", "feb19"), 2, "Missing option '--engine'"),
    "missing tape": (
        ("replay", "tapes/none.jsonl", "--engine", "reference"),
        2,
        "'tapes/none.jsonl' is neither a scenario",
    ),
    "bad tape": (
        ("replay", "engines.py", "--engine", "reference"),
        2,
        "quotemark: engines.py:1: not JSON",
    ),
    "folder for a tape": (
        ("replay", "folder", "--engine", "reference"),
        2,
        "quotemark: folder: Is a directory",
    ),
    "missing configuration": (
        ("replay", "feb19", "--engine", "reference", "--config", "none.toml"),
        2,
        "'none.toml' does not exist",
    ),
    "bad configuration": (
        ("replay", "feb19", "--engine", "reference", "--config", "tape.jsonl"),
        2,
        "quotemark: tape.jsonl: ",
    ),
    "unknown parameter": (
        ("replay", "feb19", "--engine", "reference", "--config", "typo.toml"),
        2,
        "does not open component 'engine': config key 'thetta_per_s' is unknown",
    ),
    "engine without quotes": (
        ("replay", "tape.jsonl", "--engine", "python:engines:formulas"),
        2,
        "formulas does not open component 'engine'",
    ),
    "report under a file": (
        ("certify", "python:engines:formulas", *QUICK, "--report", "tape.jsonl/a.html"),
        2,
        "quotemark: tape.jsonl/a.html: ",
    ),
    "report and log in one file": (
        ("certify", "python:engines:formulas", *QUICK, "--report", "one.jsonl"),
        2,
        "quotemark: report is one.jsonl, expected another name than its event log's",
    ),
    "no waivers": (
        ("certify", "reference", "--waivers", "none.toml"),
        2,
        "'none.toml' does not exist",
    ),
    "no steps": (("certify", "reference", "--steps", "0"), 2, "0 is not in the range x>=1"),
    "no workers": (("certify", "reference", "--workers", "0"), 2, "0 is not in the range x>=1"),
    "no time": (("certify", "reference", "--timeout", "0"), 2, "0 is not in the range x>0"),
    "no capture": (("import", "hyperliquid", "none", "-o", "x"), 2, "'none' does not exist"),
    "bad capture": (
        ("import", "hyperliquid", "engines.py", "-o", "x.jsonl"),
        2,
        "quotemark: engines.py",
    ),
    "no such program": (
        ("certify", "stdio:./nosuch --flag"),
        3,
        "the engine could not be run: cannot_start: ./nosuch: No such file or directory",
    ),
    "a program that ends": (("smoke", "stdio:true"), 3, "could not be run: crash: true "),
    "a program that talks": (
        ("certify", "stdio:sh -c 'read line; echo hello'"),
        3,
        r"could not be run: stray_output: sh -c 'read line; echo hello' printed b'hello' on stdout",
    ),
    "no such module": (
        ("certify", "python:nosuch:engine"),
        3,
        "its stderr ends: python:nosuch:engine: No module named 'nosuch'",
    ),
    "no such factory": (
        ("smoke", "python:engines:nosuch"),
        3,
        "its stderr ends: python:engines:nosuch: module 'engines' has no attribute 'nosuch'",
    ),
    "no ladder": (
        ("replay", "tape.jsonl", "--engine", "python:engines:babbling"),
        3,
        "could not be run: protocol: babbling answered cycle at 0 wrongly: Expected `array`",
    ),
}


@pytest.mark.parametrize(("arguments", "code", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_named_on_stderr_and_nothing_is_written(
    desk: Desk, arguments: tuple[str, ...], code: int, message: str
) -> None:
    (desk.folder / "typo.toml").write_text("thetta_per_s = 0.02\n", "utf-8")
    (desk.folder / "folder").mkdir()
    before = sorted(path.name for path in desk.folder.iterdir())
    done = desk.run(*arguments)
    assert (done.code, done.stdout) == (code, "")
    assert message in done.stderr
    after = {path.name for path in desk.folder.iterdir()} - {"__pycache__"}
    assert sorted(after) == before


# --- on a terminal, and interrupted -----------------------------------------------------------


def test_progress_goes_to_a_terminal_and_not_to_the_results(desk: Desk) -> None:
    arguments = ("certify", "python:engines:formulas", "--phase", "2", *QUICK)
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [QUOTEMARK, *arguments], cwd=desk.folder, stdout=subprocess.PIPE, stderr=theirs, text=True
    ) as process:
        os.close(theirs)
        stdout, _ = process.communicate(timeout=DEADLINE_S)
    shown = read_all(ours)
    assert process.returncode == 0
    assert stdout.startswith("formulas ")
    assert stdout.replace("\n", "").isprintable()
    assert "phase2.gamma_rises_strictly" in shown
    assert shown.endswith("\r\x1b[K")


def read_all(terminal: int) -> str:
    """All that was written to a terminal whose other end is closed."""
    shown = b""
    try:
        while read := os.read(terminal, 4096):
            shown += read
    except OSError:  # how Linux says that the other end is closed
        pass
    finally:
        os.close(terminal)
    return shown.decode()


@pytest.mark.parametrize(
    ("workers", "whole_group"),
    [(1, False), (3, False), (3, True)],
    ids=["without workers", "to it alone", "as a terminal does"],
)
def test_an_interrupt_ends_all_and_writes_nothing(
    desk: Desk, workers: int, whole_group: bool
) -> None:
    """Every engine hangs in its first ``apply``; a named pipe tells which, and when."""
    os.mkfifo(desk.folder / "hanging")
    pipe = os.open(desk.folder / "hanging", os.O_RDWR)  # which never comes to its end
    program = """if True:
        import signal
        signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever was inherited
        from quotemark.cli import main
        main()
        """
    arguments = ("certify", "python:engines:hanging", "--workers", str(workers))
    with subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        cwd=desk.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        said = b""
        while said.count(b"\n") < workers:
            readable, _, _ = select.select([pipe], [], [], DEADLINE_S)
            assert readable
            said += os.read(pipe, 1000)
        os.close(pipe)
        started = set(map(int, said.split())) - {process.pid}
        assert len(started) == (workers * 2 if workers > 1 else 1)
        assert all(map(runs, started))
        if whole_group:
            os.killpg(process.pid, signal.SIGINT)
        else:
            process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, stdout) == (130, "")
    assert stderr == "quotemark: interrupted; no report was written\n"
    assert desk.reports() == []
    assert not any(map(runs, started))


def runs(pid: int) -> bool:
    """Whether there is such a process, other than one that waits to be buried."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_workers_end_when_what_started_them_is_killed(desk: Desk) -> None:
    """The engine hangs: its worker gives up on it, finds nobody to tell, and ends with it."""
    os.mkfifo(desk.folder / "hanging")
    pipe = os.open(desk.folder / "hanging", os.O_RDWR)
    options = ("--workers", "2", "--timeout", "0.5")
    with subprocess.Popen(
        [QUOTEMARK, "certify", "python:engines:hanging", *options],
        cwd=desk.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stderr is not None
        readable, _, _ = select.select([pipe], [], [], DEADLINE_S)
        assert readable
        engine, worker = map(int, os.read(pipe, 1000).split()[:2])
        process.kill()
        process.wait()
        # the workers hold it open: its end is theirs
        assert process.stderr.read() == b""
    os.close(pipe)
    assert not runs(engine)
    assert not runs(worker)
