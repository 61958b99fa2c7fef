"""The fuzz draws what markets make and what they don't, always the same, and finds what departs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import islice, pairwise
from pathlib import Path

import pytest

from quotemark.adapters import running
from quotemark.builtin import BuiltinEngine
from quotemark.case import Case, trace
from quotemark.fuzz.cases import ALL_PHASES, cases, numbered_case
from quotemark.fuzz.components import MAKERS
from quotemark.fuzz.stateful import search
from quotemark.fuzz.volume import agree_on_cases, share_of
from quotemark.messages import STEPS, Answer, Ok, Opened, Rejected
from quotemark.port import Engine
from quotemark.suite.bench import Bench, DivergenceError, ViolationError
from quotemark.suite.market import GATES

pytestmark = pytest.mark.whole_suite

SEED = 7
COMPONENTS = (*MAKERS, "engine")
QUOTEMARK = str(Path(sys.executable).with_name("quotemark"))
DEADLINE_S = 120


def bench(engine: Engine, seed: int = SEED) -> Bench:
    return Bench(engine, engine.initialize(), BuiltinEngine(), seed)


@pytest.fixture(scope="module")
def sessions() -> list[tuple[Case, list[Answer]]]:
    """A hundred and fifty sessions of the quote cycle, as the reference answers them."""
    reference = BuiltinEngine()
    drawn = islice(cases("engine", SEED), 150)
    return [(case, trace(reference, case, "one", SEED).answers) for case in drawn]


def cycles(sessions: list[tuple[Case, list[Answer]]]) -> Iterator[tuple[Case, Ok]]:
    for case, answers in sessions:
        for step, answer in zip(case.steps, answers, strict=True):
            if step.get("step") == "cycle" and isinstance(answer, Ok):
                yield case, answer


@pytest.mark.parametrize("component", COMPONENTS)
def test_the_same_seed_and_number_give_the_same_case_and_others_give_others(component: str) -> None:
    first = list(islice(cases(component, SEED), 5))
    assert first == [numbered_case(component, SEED, number) for number in range(5)]
    assert first[3:] == list(islice(cases(component, SEED, first=3), 2))
    assert first != list(islice(cases(component, SEED + 1), 5))
    assert len({str(case) for case in first}) == 5


@pytest.mark.parametrize("component", COMPONENTS)
def test_every_kind_of_step_is_drawn_and_most_are_accepted(component: str) -> None:
    reference = BuiltinEngine()
    kinds: Counter[str] = Counter()
    answers: list[Answer] = []
    for case in islice(cases(component, SEED), 60):
        got = trace(reference, case, "one", SEED)
        assert isinstance(got.opened, Opened), got.opened
        answers += got.answers
        kinds.update(
            step["step"]
            for step, answer in zip(case.steps, got.answers, strict=True)
            if isinstance(answer, Ok)
        )
    assert set(kinds) == {str(kind.__struct_config__.tag) for kind in STEPS[component]}
    accepted = sum(isinstance(answer, Ok) for answer in answers)
    assert 0.9 < accepted / len(answers) < 1.0


def test_times_stand_still_run_as_in_a_market_and_jump_by_hours(
    sessions: list[tuple[Case, list[Answer]]],
) -> None:
    passed = [
        later["t_ms"] - earlier["t_ms"]
        for case, _ in sessions
        for earlier, later in pairwise(step for step in case.steps if "t_ms" in step)
    ]
    share = {
        "backwards": sum(one < 0 for one in passed) / len(passed),
        "none": sum(one == 0 for one in passed) / len(passed),
        "seconds": sum(100 < one < 10_000 for one in passed) / len(passed),
    }
    assert 0.0 < share["backwards"] < 0.02
    assert share["none"] > 0.1
    assert share["seconds"] > 0.2
    assert any(one > 3_600_000 for one in passed)


def test_books_are_deep_thin_one_sided_empty_and_crossed(
    sessions: list[tuple[Case, list[Answer]]],
) -> None:
    books = [
        (step, answer)
        for case, answers in sessions
        for step, answer in zip(case.steps, answers, strict=True)
        if step.get("step") == "book" and {"bids", "asks"} <= step.keys()
    ]
    shapes = {
        (min(len(book["bids"]), 3), min(len(book["asks"]), 3))
        for book, _ in books
        if isinstance(book["bids"], list) and isinstance(book["asks"], list)
    }
    assert {(0, 0), (0, 3), (3, 0), (1, 1), (3, 3)} <= shapes
    codes = Counter(answer.code for _, answer in books if isinstance(answer, Rejected))
    assert codes["crossed_book"] > 0


def test_positions_wander_below_at_and_past_the_limit(
    sessions: list[tuple[Case, list[Answer]]],
) -> None:
    shares = [
        abs(answer.observation["position"]) / case.config.get("max_position", 8.57)
        for case, answer in cycles(sessions)
    ]
    assert any(share == 0.0 for share in shares)
    assert any(0.5 < share < 1.0 for share in shares)
    assert any(share == 1.0 for share in shares)
    assert any(share > 1.0 for share in shares)


def test_configurations_reach_tiny_and_huge_ticks_both_calibrations_and_any_gates(
    sessions: list[tuple[Case, list[Answer]]],
) -> None:
    drawn = [numbered_case("engine", SEED, number).config for number in range(600)]
    assert {1e-8, 1e8} <= {config.get("tick_size") for config in drawn}
    assert {"plan", "calibrated"} <= {config.get("calibration") for config in drawn}
    for gate in GATES.values():
        assert {config[gate] for config in drawn} == {True, False}
    assert len({tuple(config[gate] for gate in GATES.values()) for config in drawn}) > 100
    sources = {
        reading["source"]
        for _, answer in cycles(sessions)
        for reading in answer.observation["drift_observations"]
    }
    assert {"fill", "trend", "flow", "composite", "hawkes", "fill_size", "basis"} <= sources
    assert {"lead", "funding", "open_interest", "signal:desk"} <= sources


def test_an_engine_of_fewer_phases_is_asked_nothing_of_later_ones() -> None:
    for number in range(80):
        case = numbered_case("engine", SEED, number, phases=(1, 2))
        assert not {"funding", "open_interest"} & {step.get("step") for step in case.steps}
        assert not any(case.config[GATES[phase]] for phase in ALL_PHASES[2:])
        assert not {"alpha_bim", "holding_time_s", "markout_window_s"} & case.config.keys()


@pytest.mark.parametrize("component", ["drift", "book", "engine"])
def test_the_reference_agrees_with_itself_on_volume_and_step_by_step(component: str) -> None:
    agree_on_cases(bench(BuiltinEngine()), component, 500)
    search(bench(BuiltinEngine()), component, 3, 10)


@pytest.mark.parametrize("component", ["drift", "engine"])
def test_a_linear_q_departs_on_volume_and_step_by_step(component: str) -> None:
    with running("mutant:linear-q") as engine:
        with pytest.raises(DivergenceError) as departed:
            agree_on_cases(bench(engine), component, 2000)
        with pytest.raises(DivergenceError) as found:
            search(bench(engine), component, 50, 15)
    for error in (departed.value, found.value):
        assert error.failing is not None
        assert "variance" in error.failing.field


def test_hypothesis_shrinks_what_it_finds_to_the_least_figures() -> None:
    faster_decay = BuiltinEngine(components=("drift",), fixed_config={"theta_per_s": 0.03})
    with pytest.raises(DivergenceError) as found:
        search(bench(faster_decay), "drift", 20, 8, shrink=True)
    assert found.value.failing is not None
    case = found.value.failing.case
    # no configuration is needed, and a millisecond shows a decay
    assert case.config == {}
    assert case.steps[-1] == {"step": "predict", "t_ms": 1}
    assert len(case.steps) <= 8


def test_the_search_refuses_an_engine_that_never_opens() -> None:
    closed = BuiltinEngine("closed", fixed_config={"nosuch": 1.0})
    with pytest.raises(ViolationError, match="drift opens with no configuration that is drawn"):
        search(bench(closed), "drift", 5, 5)


def test_steps_are_shared_out_half_to_the_cycle() -> None:
    shares = {component: share_of(component, 200_000) for component in COMPONENTS}
    assert shares["engine"] == 100_000
    assert 199_900 <= sum(shares.values()) <= 200_000


def test_as_many_steps_are_asked_as_wanted() -> None:
    class Counting(BuiltinEngine):
        steps = 0

        def apply(self, session, steps):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
            self.steps += len(steps)
            return super().apply(session, steps)

    engine = Counting()
    agree_on_cases(bench(engine), "drift", 777)
    assert engine.steps == 777


def fuzzed(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``quotemark fuzz`` as a real process in ``folder``."""
    command = [QUOTEMARK, "fuzz", *arguments, "--workers", "1"]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=DEADLINE_S, check=False
    )


def test_a_campaign_ends_with_time_where_nothing_departs(tmp_path: Path) -> None:
    done = fuzzed(tmp_path, "reference", "--minutes", "0", "--steps", "300", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found["conformant"]
    assert [(one["seed"], one["steps"], one["failed"]) for one in found["rounds"]] == [
        (20260219, 300, [])
    ]
    assert list(tmp_path.iterdir()) == []


def test_a_campaign_ends_with_what_departs_and_the_command_that_shows_it_again(
    tmp_path: Path,
) -> None:
    arguments = ("--minutes", "1000", "--steps", "2000", "--phase", "1", "--seed", "3")
    done = fuzzed(tmp_path, "mutant:linear-q", *arguments)
    assert (done.returncode, done.stderr) == (1, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("seed 3: 2000 steps in ")
    assert lines[-1].startswith("DEPARTED: 1 rounds, 2000 steps, ")
    assert "  behaves like linear-q (D-01)" in done.stdout
    command = next(line.split() for line in lines if line.startswith("  reproduce"))[1:]
    again = subprocess.run(
        [QUOTEMARK, *command[1:]],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert (again.returncode, again.stderr) == (1, "")
    assert again.stdout.splitlines()[-1] == "FAILED"
