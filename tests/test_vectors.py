"""Golden vectors: what ships, that it moves under a new version alone, and what verifying finds."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

import quotemark
from quotemark.adapters import running
from quotemark.builtin import BuiltinEngine
from quotemark.errors import EngineError, InputError
from quotemark.fuzz import configs
from quotemark.golden import building
from quotemark.golden.folder import (
    SHIPPED,
    FileEntry,
    Manifest,
    Vector,
    read_manifest,
    read_vectors,
)
from quotemark.golden.verifying import verify
from quotemark.messages import (
    OBSERVATIONS,
    STEPS,
    Answer,
    Identity,
    Json,
    Ok,
    OpenAnswer,
    Rejected,
    Unsupported,
    component_fields,
)
from quotemark.suite.bench import Bench
from quotemark.suite.checks import all_checks
from quotemark.suite.market import GATES, switched_on
from quotemark.suite.runner import run_check
from quotemark.suite.whole_market import known_steps

ROOT = Path(__file__).parents[1]
MANIFEST = read_manifest(SHIPPED)
VECTORS = {name: read_vectors(SHIPPED / name) for name in MANIFEST.files}
DEADLINE_S = 120


def quotemark_command(
    *arguments: str, cwd: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    program = "from quotemark.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# --- what ships -------------------------------------------------------------------------------


def test_the_files_are_what_the_manifest_says_of_them() -> None:
    assert {path.name for path in SHIPPED.glob("*.jsonl")} == MANIFEST.files.keys()
    assert MANIFEST.files.keys() == {f"{name}.jsonl" for name in (*STEPS, "rollback")}
    for name, listed in MANIFEST.files.items():
        content = (SHIPPED / name).read_bytes()
        lines = [json.loads(line) for line in content.decode("utf-8").split("\n")[:-1]]
        steps = sum(len(line["steps"]) for line in lines)
        assert listed == FileEntry(hashlib.sha256(content).hexdigest(), len(lines), steps)


def test_the_changelog_names_the_vectors_of_each_version_once() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    sections = dict(re.findall(r"^## (\S+) - \S+\n(.*?)(?=^## |\Z)", changelog, re.M | re.S))
    headings = re.findall(r"^## (\S+)", changelog, re.MULTILINE)
    assert len(sections) == len(headings)  # each version once
    digest = hashlib.sha256((SHIPPED / "manifest.json").read_bytes()).hexdigest()
    assert MANIFEST.suite == quotemark.__version__
    assert headings[0] == MANIFEST.suite
    assert f"Vectors: sha256:{digest}\n" in sections[MANIFEST.suite]
    named = re.findall(r"^Vectors: (\S+)$", changelog, re.MULTILINE)
    assert len(named) == len(set(named))


def test_a_case_has_the_keys_of_the_page_in_its_order() -> None:
    page = (SHIPPED / "README.md").read_text("utf-8")
    keys = re.findall(r"^\| `(\w+)` \|", page.partition("## A case")[2], re.MULTILINE)
    for name, vectors in VECTORS.items():
        lines = (SHIPPED / name).read_text("utf-8").splitlines()
        for number, (line, vector) in enumerate(zip(lines, vectors, strict=True), start=1):
            found = list(json.loads(line))
            assert found == [key for key in keys if key in found]
            assert set(keys) - set(found) <= {"about", "phases"}
            assert vector.id == f"{name.removesuffix('.jsonl')}-{number:03}"


def observations(component: str) -> Iterator[Json]:
    for vectors in VECTORS.values():
        for vector in vectors:
            if vector.component == component:
                for answer in vector.answers:
                    if isinstance(answer, Ok):
                        yield answer.observation


@pytest.mark.parametrize("component", OBSERVATIONS)
def test_every_field_takes_several_values(component: str) -> None:
    values: dict[str, set[str]] = defaultdict(set)
    for observation in observations(component):
        for name, value in observation.items():
            values[name].add(repr(value))
            for quote in value if name in ("bids", "asks") else ():
                for part, figure in quote.items():
                    values[f"quote.{part}"].add(repr(figure))
    assert values.keys() == set(component_fields(component))
    assert [name for name, found in values.items() if len(found) < 2] == []


def test_everything_that_a_cycle_can_name_is_named() -> None:
    seen = [one for one in observations("engine") if one]
    sources = {part["source"] for one in seen for part in one["drift_observations"]}
    assert {source.partition(":")[0] for source in sources} == {
        *("fill", "trend", "signal", "flow", "composite", "hawkes", "fill_size", "basis"),
        *("lead", "funding", "open_interest"),
    }
    parts = {part["source"] for one in seen for part in one["composite_parts"]}
    assert parts == {"bim", "dbim", "bpg", "sweep"}
    assert {event for one in seen for event in one["events"]} == {
        "drift_beyond_old_cap",
        *(
            f"{event}_{side}"
            for event in ("kill_guard", "dual_run_disagreement")
            for side in ("bid", "ask")
        ),
    }
    assert {one["zone"] for one in seen} == {"green", "yellow", "red", "kill"}
    assert {tuple(one["active_phases"]) for one in seen} >= {(), tuple(GATES)}


@pytest.mark.parametrize("component", STEPS)
def test_every_rejection_that_a_component_knows_occurs(component: str) -> None:
    vectors = VECTORS[f"{component}.jsonl"]
    codes = {one.code for vector in vectors for one in vector.answers if isinstance(one, Rejected)}
    expected = {
        *("non_finite", "unparsable", "out_of_range"),
        *("unknown_step", "unknown_field", "missing_field"),
    }
    timed = any("t_ms" in kind.__struct_fields__ for kind in STEPS[component])
    expected |= {"time_reversed"} if timed else set()
    expected |= {"crossed_book"} if component in ("book", "engine") else set()
    expected |= {"duplicate"} if component == "engine" else set()
    assert codes == expected
    refused = {one.opened.code for one in vectors if isinstance(one.opened, Rejected)}
    configured = component not in ("glft", "expected_pnl")
    assert refused == {
        "unknown_field",
        *(("non_finite", "unparsable", "out_of_range") if configured else ()),
    }


def test_no_case_stands_on_a_tie() -> None:
    for observation in filter(None, observations("engine")):
        pnls = observation["expected_pnl_bps"] or [[], []]
        assert all(abs(pnl) > 1e-6 for side in pnls for pnl in side)
        for side, sign in (("bids", -1.0), ("asks", 1.0)):
            for quote in observation[side]:
                unrounded = observation["mid"] * (1.0 + sign * quote["depth_bps"] / 1e4)
                ticks = unrounded / quote["tick"]
                assert abs(ticks - round(ticks)) > 1e-6


def test_an_engine_without_a_phase_knows_all_that_its_cases_hold() -> None:
    for vector in VECTORS["engine.jsonl"] + VECTORS["rollback.jsonl"]:
        assert set(switched_on(vector.config)) <= set(vector.phases)
        if vector.steps:
            steps = [step for step in vector.steps if "step" in step]
            assert known_steps(steps, vector.phases) == steps
            known = {*configs.keys("engine", vector.phases), *GATES.values(), "legacy_variant"}
            known |= {"kappa_bid_per_fraction", "kappa_ask_per_fraction"}
            assert vector.config.keys() <= known
    needed = [set(vector.phases) for vector in VECTORS["engine.jsonl"] if vector.steps]
    for phases in ({1, 2, 3}, {1, 2, 3, 4}, {1, 7}, {1, 8}, set(GATES)):
        assert phases in needed


# --- building ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def built() -> dict[str, list[Vector]]:
    return building.build()


def test_the_reference_still_gives_what_shipped(built: dict[str, list[Vector]]) -> None:
    assert building.first_move(SHIPPED, built) is None


def test_the_same_bytes_come_out_each_time(built: dict[str, list[Vector]], tmp_path: Path) -> None:
    here = tmp_path / "here"
    manifest = building.write(built, here)
    done = quotemark_command(
        *("vectors", "build", "--json"), cwd=tmp_path, PYTHONHASHSEED="7", TZ="Asia/Tokyo"
    )
    assert (done.returncode, done.stderr) == (0, "")
    there = tmp_path / "quotemark-vectors"
    assert contents(there) == contents(here)
    assert json.loads(done.stdout) == {
        "folder": str(there),
        "manifest": json.loads(msgspec.json.encode(manifest)),
    }
    assert (there / "README.md").read_bytes() == (SHIPPED / "README.md").read_bytes()
    assert (manifest.suite, manifest.seed) == (quotemark.__version__, 20260219)
    building.write({"drift.jsonl": built["drift.jsonl"]}, there)  # in the place of the others
    assert contents(there).keys() == {"drift.jsonl", "manifest.json", "README.md"}
    assert {path.name for path in tmp_path.iterdir()} == {"here", "quotemark-vectors"}


def test_no_folder_of_something_else_is_overwritten(
    built: dict[str, list[Vector]], tmp_path: Path
) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text("kept")
    with pytest.raises(InputError, match="holds something else than vectors"):
        building.write(built, tmp_path)
    with pytest.raises(InputError, match="is a file, expected a folder"):
        building.write(built, mine)
    with pytest.raises(InputError, match="cannot be written: "):
        building.write(built, Path("/proc/quotemark-vectors"))
    assert contents(tmp_path) == {"mine.txt": b"kept"}


def moved(vectors: Sequence[Vector], **changes: object) -> str | None:
    """Where vectors depart from those of drift that ship, the first of them changed."""
    first = replace(vectors[1], **changes)
    return building.first_move(
        SHIPPED, {**VECTORS, "drift.jsonl": [vectors[0], first, *vectors[2:]]}
    )


def test_a_move_is_named() -> None:
    vectors = VECTORS["drift.jsonl"]
    answers = list(vectors[1].answers)
    assert isinstance(answers[2], Ok)
    variance = answers[2].observation["variance"]

    def with_variance(value: float) -> list[Answer]:
        altered = Ok({**answers[2].observation, "variance": value})  # type: ignore[union-attr]
        return [*answers[:2], altered, *answers[3:]]

    assert moved(vectors) is None
    assert moved(vectors, about="In other words") is None
    assert moved(vectors, answers=with_variance(variance * (1.0 + 1e-12))) is None
    found = moved(vectors, answers=with_variance(variance * (1.0 + 1e-8)))
    assert found is not None
    assert found.startswith(
        f"drift.jsonl, drift-002, step 3: variance: expected {variance!r}, got "
    )
    steps = [{**vectors[1].steps[0], "t_ms": 1}, *vectors[1].steps[1:]]
    assert moved(vectors, steps=steps) == "drift.jsonl, drift-002 is another case"
    opened = replace(vectors[1].opened, config={"theta_per_s": 0.03})
    assert str(moved(vectors, opened=opened)).startswith(
        "drift.jsonl, drift-002, opening: effective config theta_per_s: expected 0.02, got 0.03"
    )
    fewer = {**VECTORS, "drift.jsonl": vectors[:-1]}
    assert building.first_move(SHIPPED, fewer) == (
        f"drift.jsonl, cases were {len(vectors)}, are {len(vectors) - 1}"
    )
    without = {name: of_file for name, of_file in VECTORS.items() if name != "glft.jsonl"}
    assert str(building.first_move(SHIPPED, without)).startswith("files were adaptation.jsonl, ")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of both packages, whose reference may be changed."""
    for source, target in (
        (ROOT / "conformance" / "quotemark", "quotemark"),
        (ROOT / "reference" / "quotemark_reference", "quotemark_reference"),
        (ROOT / "scenarios", "quotemark/scenarios"),
    ):
        shutil.copytree(source, tmp_path / target, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def alter(path: Path, before: str, after: str) -> None:
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after), "utf-8")


@pytest.mark.whole_suite
def test_vectors_that_shipped_move_under_a_new_version_alone(checkout: Path) -> None:
    def rebuild() -> tuple[int, str]:
        done = quotemark_command(
            *("vectors", "build", "--in-place"), cwd=checkout, PYTHONPATH=str(checkout)
        )
        return done.returncode, done.stdout + done.stderr

    shipped, version = checkout / "quotemark" / "vectors", quotemark.__version__
    before = contents(shipped)
    glft = checkout / "quotemark_reference" / "glft.py"
    alter(glft, "math.log1p(", "(1.0 + 1e-15) * math.log1p(")  # as another maths library might
    code, said = rebuild()
    assert (code, contents(shipped)) == (0, before)
    assert said.startswith(f"vectors of suite {version}: ")

    alter(checkout / "quotemark_reference" / "config.py", '0.02, "1/s"', '0.021, "1/s"')
    code, said = rebuild()
    assert (code, contents(shipped)) == (2, before)
    assert said == (
        "quotemark: adaptation.jsonl, adaptation-001, opening: effective config theta_per_s:"
        f" expected 0.02, got 0.021 (relative distance 0.05); the vectors of suite {version}"
        " stay as they are: raise the version of the suite, and declare the change in the"
        " changelog\n"
    )

    alter(checkout / "quotemark" / "__init__.py", version, "77.0.0")
    code, said = rebuild()
    assert (code, said.partition(":")[0]) == (0, "vectors of suite 77.0.0")
    after = contents(shipped)
    assert after["drift.jsonl"] != before["drift.jsonl"]
    assert after["inventory.jsonl"] == before["inventory.jsonl"]
    assert after["README.md"] == before["README.md"]
    assert read_manifest(shipped).suite == "77.0.0"


# --- verifying --------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the vectors, which may be spoilt."""
    copy = tmp_path / "vectors"
    shutil.copytree(SHIPPED, copy)
    return copy


def rewrite(folder: Path, name: str, content: bytes) -> None:
    """Change a file, and what the manifest says of its bytes."""
    (folder / name).write_bytes(content)
    listed = replace(MANIFEST.files[name], sha256=hashlib.sha256(content).hexdigest())
    put_manifest(folder, replace(MANIFEST, files={**MANIFEST.files, name: listed}))


def put_manifest(folder: Path, manifest: Manifest) -> None:
    (folder / "manifest.json").write_bytes(msgspec.json.encode(manifest))


def mismatch(folder: Path) -> str:
    found = verify(BuiltinEngine(), folder)
    assert not found.passed
    return str(found.mismatch)


def test_the_reference_is_held_against_every_case() -> None:
    found = verify(BuiltinEngine(), SHIPPED)
    entries = MANIFEST.files.values()
    assert (found.mismatch, found.skipped) == (None, 0)
    assert found.cases == sum(entry.cases for entry in entries) > 300
    assert found.steps == sum(entry.steps for entry in entries) > 4000
    assert found.passed
    assert str(found) == (
        f"reference agrees with the vectors of suite {quotemark.__version__}:"
        f" {found.cases} cases, {found.steps} steps; 0 cases skipped"
    )


def test_a_spoilt_folder_is_found_before_any_engine_is_blamed(folder: Path) -> None:
    glft = (folder / "glft.jsonl").read_bytes()
    (folder / "glft.jsonl").write_bytes(glft + b"\n")
    assert mismatch(folder) == "glft.jsonl: has another digest than the manifest says"
    (folder / "glft.jsonl").unlink()
    assert mismatch(folder) == "glft.jsonl: is missing"
    rewrite(folder, "glft.jsonl", b"".join(glft.splitlines(keepends=True)[:-1]))
    assert mismatch(folder) == "glft.jsonl: has other counts than the manifest says"
    rewrite(folder, "glft.jsonl", glft)
    assert verify(BuiltinEngine(), folder).passed
    (folder / "extra.jsonl").write_bytes(glft)
    assert mismatch(folder) == "extra.jsonl: is not in the manifest"


def test_what_are_no_vectors_is_said_with_its_place(folder: Path) -> None:
    rewrite(folder, "glft.jsonl", b'{"id":"glft-001"}\n')
    with pytest.raises(InputError, match=r"glft\.jsonl:1: no vector: .*component"):
        verify(BuiltinEngine(), folder)
    put_manifest(folder, replace(MANIFEST, format=2))
    with pytest.raises(InputError, match=r"manifest\.json: format is 2, expected 1"):
        verify(BuiltinEngine(), folder)
    (folder / "manifest.json").write_text("{")
    with pytest.raises(InputError, match=r"manifest\.json: no manifest of vectors: "):
        verify(BuiltinEngine(), folder)
    (folder / "manifest.json").unlink()
    with pytest.raises(InputError, match=r"manifest\.json: No such file"):
        verify(BuiltinEngine(), folder)


def test_the_first_divergence_is_named_and_ends_in_1(folder: Path) -> None:
    text = (folder / "inventory.jsonl").read_text("utf-8")
    rewrite(
        folder,
        "inventory.jsonl",
        text.replace('"gamma_per_bps":0.15', '"gamma_per_bps":0.16', 1).encode(),
    )
    done = quotemark_command("vectors", "verify", str(folder), cwd=folder)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith(
        "inventory.jsonl, inventory-001: inventory departs from the reference at step 1 of 8,"
        " position (position 0.0, sigma_bps_per_sqrt_s 2.0, time_horizon_s 2.0):"
        " gamma_per_bps: expected 0.16, got 0.15"
    )


def test_any_engine_can_be_verified(tmp_path: Path) -> None:
    minimal = f"stdio:{sys.executable} -m quotemark.examples.minimal_engine"
    done = quotemark_command("vectors", "verify", "--engine", minimal, "--json", cwd=tmp_path)
    found = json.loads(done.stdout)
    assert (done.returncode, found["passed"]) == (0, True)
    held = [MANIFEST.files[f"{name}.jsonl"] for name in ("drift", "expected_pnl")]
    total = sum(entry.cases for entry in MANIFEST.files.values())
    assert found["verification"] == {
        "engine": "minimal",
        "suite": quotemark.__version__,
        "cases": sum(entry.cases for entry in held),
        "steps": sum(entry.steps for entry in held),
        "skipped": total - sum(entry.cases for entry in held),
        "mismatch": None,
    }
    assert found["folder"] == str(SHIPPED)


@pytest.mark.parametrize(
    ("mutant", "file", "field"),
    [
        ("linear-q", "drift.jsonl", "variance"),
        ("gate-forgotten", "engine.jsonl", "gate_closed_side"),
    ],
)
def test_a_mutant_is_found_by_the_vectors(mutant: str, file: str, field: str) -> None:
    with running(f"mutant:{mutant}") as engine:
        found = verify(engine, SHIPPED)
    assert found.mismatch is not None
    assert found.mismatch.file == file
    assert f": {field}: expected " in found.mismatch.message


LATER_STEPS = ("funding", "reference_price", "open_interest")


class Early(BuiltinEngine):
    """Has phases 1 to 4 only, and refuses whatever belongs to others."""

    def initialize(self) -> Identity:
        identity = replace(super().initialize(), phases=[1, 2, 3, 4])
        return replace(identity, name="early", components=["engine"])

    def open(self, session: str, component: str, config: Json, seed: int) -> OpenAnswer:
        if any(phase > 4 for phase in switched_on(config)):
            return Unsupported("a later phase is on")
        return super().open(session, component, config, seed)

    def apply(self, session: str, steps: Sequence[Json]) -> list[Answer]:
        answers = super().apply(session, steps)
        return [
            Unsupported("a later step") if step.get("step") in LATER_STEPS else answer
            for step, answer in zip(steps, answers, strict=True)
        ]


class NoWayBack(BuiltinEngine):
    """Has no legacy path."""

    def open(self, session: str, component: str, config: Json, seed: int) -> OpenAnswer:
        if any(name.startswith("use_") and on is False for name, on in config.items()):
            return Unsupported("there is no way back")
        return super().open(session, component, config, seed)


class Mortal(BuiltinEngine):
    """Dies of a hundred steps at a time."""

    def apply(self, session: str, steps: Sequence[Json]) -> list[Answer]:
        if len(steps) >= 100:
            raise EngineError("crash", "out of memory")
        return super().apply(session, steps)


def test_an_engine_that_breaks_is_said_with_the_case_that_broke_it() -> None:
    found = verify(Mortal(), SHIPPED)
    assert str(found) == "drift.jsonl, drift-003: crash: out of memory"
    assert (found.passed, found.cases) == (False, 2)


def test_cases_of_phases_that_an_engine_lacks_are_skipped() -> None:
    found = verify(Early(), SHIPPED)
    assert found.passed, found.mismatch
    sessions = VECTORS["engine.jsonl"] + VECTORS["rollback.jsonl"]
    assert found.cases == sum(set(one.phases) <= {1, 2, 3, 4} for one in sessions) > 30


def test_an_engine_without_a_way_back_is_held_against_the_rest() -> None:
    found = verify(NoWayBack(), SHIPPED)
    assert found.passed, found.mismatch
    gated = [
        one
        for one in VECTORS["engine.jsonl"] + VECTORS["rollback.jsonl"]
        if any(value is False for value in one.config.values())
    ]
    assert found.skipped == len(gated) > 60


def test_an_engine_that_offers_nothing_does_not_pass() -> None:
    found = verify(BuiltinEngine("nothing", components=()), SHIPPED)
    total = sum(entry.cases for entry in MANIFEST.files.values())
    assert not found.passed
    assert str(found) == (
        f"nothing offers nothing of the vectors of suite {quotemark.__version__}:"
        f" 0 cases, 0 steps; {total} cases skipped"
    )


# --- as checks --------------------------------------------------------------------------------

CHECKS = {check.name: check for check in all_checks()}


def outcome(engine: BuiltinEngine, check: str) -> tuple[str, str]:
    bench = Bench(engine, engine.initialize(), BuiltinEngine(), 1)
    result = run_check(bench, CHECKS[check])
    return result.status, result.message


def test_every_file_is_a_check_that_the_reference_passes() -> None:
    names = {f"vectors.{name.removesuffix('.jsonl')}_keeps_its_vectors" for name in VECTORS}
    assert names == {name for name in CHECKS if name.startswith("vectors.")}
    for name in names:
        component = name.removeprefix("vectors.").removesuffix("_keeps_its_vectors")
        proves = "A-gates" if component == "rollback" else f"A-{component}"
        assert CHECKS[name].proves == (proves,)
        assert outcome(BuiltinEngine(), name) == ("passed", "")


def test_without_a_way_back_the_sets_of_gates_stay_unproven() -> None:
    status, message = outcome(NoWayBack(), "vectors.rollback_keeps_its_vectors")
    assert (status, "there is no way back" in message) == ("unproven", True)
    assert outcome(NoWayBack(), "vectors.engine_keeps_its_vectors") == ("passed", "")
