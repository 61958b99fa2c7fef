"""An engine without the past beside its earlier build: what each is asked, and what that proves."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path

import psutil
import pytest

from quotemark.adapters import make_engine
from quotemark.errors import EngineError, InputError
from quotemark.evidence.digests import engine_files
from quotemark.messages import Json, Ok, Opened, Rejected, Unsupported
from quotemark.process import MARK
from quotemark.suite.market import ALL_PHASES, PHASES_1_TO_4, cycle, gates
from quotemark.suite.register import RegisteredCheck
from quotemark.suite.runner import certify

QUOTEMARK = str(Path(sys.executable).with_name("quotemark"))
MODERN = """
from quotemark.builtin import BuiltinEngine
from quotemark.messages import Unsupported

class Modern(BuiltinEngine):
    lacks = "the past"

    def open(self, session, component, config, seed):
        opened = super().open(session, component, config, seed)
        off = [key for key, value in getattr(opened, "config", {}).items() if value is False]
        if component != "engine" or (not off and self.lacks == "the past"):
            return opened
        self.close(session)
        return Unsupported(f"{self.lacks} is not in this engine")

class Lazy(Modern):
    lacks = "everything"

class Quiet(Modern):
    def initialize(self):
        identity = super().initialize()
        identity.fields["engine"].remove("zone")
        return identity

def create():
    return Modern("modern")
"""


@pytest.fixture
def modern(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An engine of its own in the current folder, which knows no gate that is off."""
    (tmp_path / "modern.py").write_text(MODERN, "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "modern", raising=False)
    return "python:modern:create"


def rollback(check: RegisteredCheck) -> bool:
    return check.name in (
        "rollback.phase_1_off_clamps_the_drift",
        "rollback.phase_3_off_ignores_flow",
        "cycle.defaults_are_the_plans",
    )


def statuses(engine: str) -> set[str]:
    found = certify(partial(make_engine, engine), chosen=rollback)
    assert len(found.checks) == 3
    return {check.status for check in found.checks}


@pytest.mark.whole_suite
def test_the_earlier_build_proves_the_way_back(modern: str) -> None:
    assert statuses(modern) == {"unproven"}
    assert statuses(f"{modern} else reference") == {"passed"}


@pytest.mark.whole_suite
def test_an_earlier_build_with_a_defect_is_found(modern: str) -> None:
    assert "failed" in statuses(f"{modern} else mutant:legacy-drift-unclamped")


@pytest.mark.parametrize("config", [{}, gates(1, 2, 3), gates(), {"use_epnl_filter": False}])
def test_sessions_that_need_the_past_are_the_earlier_builds(modern: str, config: Json) -> None:
    both = make_engine(f"{modern} else reference", in_process=True)
    assert isinstance(
        make_engine(modern, in_process=True).open("s", "engine", config, 0), Unsupported
    )
    assert isinstance(both.open("s", "engine", config, 0), Opened)
    (answer,) = both.apply("s", [{**cycle(0), "mid": 100.0}])
    assert isinstance(answer, Ok)
    assert isinstance(both.open("s", "engine", config, 0), Rejected)
    assert not isinstance(both.close("s"), Rejected)
    (gone,) = both.apply("s", [cycle(0)])
    assert isinstance(gone, Rejected)
    assert gone.code == "not_open"


def test_what_the_engine_itself_lacks_is_not_made_good(modern: str) -> None:
    lazy = make_engine("python:modern:Lazy else reference", in_process=True)
    assert isinstance(lazy.open("s", "engine", ALL_PHASES, 0), Unsupported)
    assert isinstance(lazy.open("s", "engine", gates(1, 2, 3), 0), Opened)
    del modern


def test_only_a_gate_that_is_off_needs_the_past(modern: str) -> None:
    lazy = make_engine("python:modern:Lazy else reference", in_process=True)
    assert isinstance(lazy.open("s", "engine", {"use_epnl_filter": True}, 0), Unsupported)
    assert isinstance(lazy.open("s", "engine", PHASES_1_TO_4, 0), Opened)
    del modern


def test_both_builds_stand_in_what_is_certified(modern: str) -> None:
    Path("earlier.py").write_text(MODERN + "\n# earlier\n", "utf-8")
    both = f"{modern} else python:earlier:create"
    identity = make_engine(both, in_process=True).initialize()
    assert identity.name == "modern"
    assert " else modern " in identity.version
    assert sorted(engine_files(both)) == ["earlier.py", "modern.py"]


def test_builds_that_show_other_fields_are_refused_in_words(modern: str) -> None:
    del modern
    done = subprocess.run(
        [QUOTEMARK, "certify", "python:modern:Quiet else reference", "--quick"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "expected the same; only one of them has zone" in done.stderr


def test_an_earlier_build_that_cannot_start_leaves_nothing_running(
    modern: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = "test-of-earlier-builds"
    monkeypatch.setenv("QUOTEMARK_TEST", mine)
    with pytest.raises(EngineError, match="no-such-program"):
        make_engine(f"{modern} else stdio:./no-such-program")
    assert not [one for one in psutil.process_iter() if _is_engine_of(one, mine)]


def _is_engine_of(process: psutil.Process, mine: str) -> bool:
    try:
        environment = process.environ()
    except (psutil.Error, OSError):
        return False
    return environment.get("QUOTEMARK_TEST") == mine and MARK in environment


def test_a_name_that_means_nothing_is_still_refused() -> None:
    with pytest.raises(InputError, match="engine is 'mine'"):
        make_engine("mine else reference")
