"""The table of mutants and checks, on a suite of seven checks and a register of four mutants."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from quotemark.mutants import MUTANTS
from quotemark.mutants.adequacy import KINDS, kind_of, quickest_first
from quotemark.suite.checks import all_checks

pytestmark = pytest.mark.whole_suite

QUOTEMARK = str(Path(sys.executable).with_name("quotemark"))

SMALL = '''
"""Cuts suite and register down in every process that Python starts, and adds a mutant."""

import sys

from quotemark.mutants import MUTANTS
from quotemark.mutants.base import Mutant

CHECKS = (
    "phase1.decays_by_itself",
    "phase1.process_noise_is_exact",
    "phase1.floor_acts_after_updates_only",
    "phase1.fills_have_the_sign_of_their_side",
    "phase1.strong_trend_moves_quotes_beyond_the_old_cap",
    "phase2.gamma_rises_strictly",
    "incidents.the_filter_turns",
)
LINEAR, UNDECAYING = MUTANTS["linear-q"], MUTANTS["no-mean-reversion"]

if "quotemark.mutants" not in sys.orig_argv:  # an engine, which has no use for the suite
    from quotemark.suite import checks, register

    known = {check.name: check for check in register._checks}
    register._checks[:] = [known[name] for name in CHECKS]
MUTANTS.clear()
for mutant in (
    Mutant("misfiled", "D-05", "Q(dt) = q dt", LINEAR.patches),
    LINEAR,
    UNDECAYING,
    Mutant("harmless", "D-01", "changes nothing"),
):
    MUTANTS[mutant.name] = mutant
'''
"""As ``sitecustomize``, so that the command, its workers and its engines all agree on it."""

DECAY = "phase1.decays_by_itself"
NOISE = "phase1.process_noise_is_exact"
FLOOR = "phase1.floor_acts_after_updates_only"
FILLS = "phase1.fills_have_the_sign_of_their_side"
TREND = "phase1.strong_trend_moves_quotes_beyond_the_old_cap"
GAMMA = "phase2.gamma_rises_strictly"
TURN = "incidents.the_filter_turns"
ALL = [DECAY, NOISE, FLOOR, FILLS, TREND, GAMMA, TURN]


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Folder that makes a small suite of the installed one."""
    (tmp_path / "sitecustomize.py").write_text(SMALL, "utf-8")
    return tmp_path


def run(small: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(small), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [QUOTEMARK, "mutants", "--workers", "1", *arguments],
        cwd=small,
        env={**os.environ, "PYTHONPATH": path},
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )


def run_json(small: Path, *arguments: str) -> tuple[int, Any]:
    done = run(small, *arguments, "--json")
    return done.returncode, json.loads(done.stdout)


def test_each_mutant_meets_its_own_checks_then_the_idle_ones_look_for_more(small: Path) -> None:
    code, found = run_json(small)
    assert code == 1  # two survive
    misfiled, linear, undecaying, harmless = found["mutants"]
    # refused, but not for the requirement that it is said to break
    assert misfiled == {
        "mutant": "misfiled",
        "breaks": "D-05",
        "phase": 1,
        "killed": False,
        "met": [FLOOR, FILLS, TREND, TURN],
        "refused_by": [FLOOR],
    }
    # the floor's check is idle no more; the trend's is of the phase, the turn's of the component
    assert linear["met"] == [NOISE, FILLS, TREND, TURN]
    assert undecaying["met"] == [DECAY, FILLS, TREND, TURN]
    assert harmless["met"] == [NOISE, FILLS, TREND, TURN]
    assert [one["refused_by"] for one in (linear, undecaying, harmless)] == [[NOISE], [DECAY], []]
    assert [one["killed"] for one in (linear, undecaying, harmless)] == [True, True, False]
    assert found["idle"] == [FILLS, TREND, GAMMA, TURN]
    scored = {(one["engine"], one["phase"]): one for one in found["trivial"]}
    assert (scored["silent", 2]["proven"], scored["silent", 2]["violated"]) == (0, 2)


def test_all_lets_a_mutant_meet_every_check(small: Path) -> None:
    code, found = run_json(small, "--all", "linear-q")
    assert code == 0
    (linear,) = found["mutants"]
    assert linear["met"] == ALL
    assert linear["refused_by"] == [NOISE, FLOOR]
    assert (found["idle"], found["trivial"]) == ([], [])


def test_named_mutants_are_shown_alone_and_survivors_by_name(small: Path) -> None:
    done = run(small, "harmless", "linear-q")
    assert (done.returncode, done.stderr) == (1, "")
    lines = done.stdout.splitlines()
    assert lines[1].split() == ["linear-q", "D-01", "phase", "1", NOISE]
    assert lines[2].split() == ["harmless", "D-01", "phase", "1", "SURVIVES"]
    assert "  1            2       1         1" in lines
    assert "  statement    2       1         1" in lines
    assert lines[-1] == "1 of 2 mutants killed; surviving: harmless"


def test_a_name_that_is_no_mutants_is_a_mistake(small: Path) -> None:
    done = run(small, "linear-q", "nosuch")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "quotemark: mutant is 'nosuch', expected one of misfiled, linear-q,"
        " no-mean-reversion, harmless\n"
    )


def test_every_check_has_a_kind_and_what_is_quick_comes_first() -> None:
    names = [check.name for check in quickest_first(all_checks())]
    assert sorted(names) == sorted(check.name for check in all_checks())
    kinds = [kind_of(name) for name in names]
    assert kinds == sorted(kinds, key=KINDS.index)
    assert kind_of("phase1.process_noise_is_exact") == "statement"
    assert kind_of("phase1.random_walks_agree") == "agreement"
    assert kind_of("rollback.every_gate_set_agrees") == "rollback"
    assert kind_of("incidents.the_filter_turns") == "scenario"
    assert kind_of("fuzz.drift_agrees_on_seeded_volume") == "fuzz"
    assert len(MUTANTS) > 80
