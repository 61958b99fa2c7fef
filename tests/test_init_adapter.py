"""``quotemark init-adapter``: what it writes, what it refuses, and that nothing is half done."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from quotemark.starters import LANGUAGES

QUOTEMARK = str(Path(sys.executable).with_name("quotemark"))


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [QUOTEMARK, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_project_is_written_under_the_name_of_its_folder(language: str, tmp_path: Path) -> None:
    done = run(tmp_path, "init-adapter", "--language", language, "teams/Blue_Desk", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    project = tmp_path / "teams" / "Blue_Desk"
    assert told["name"] == "blue-desk"
    assert told["files"] == files(project)
    texts = [(project / name).read_text("utf-8") for name in told["files"]]
    assert sum('"blue-desk"' in text for text in texts) == 1
    assert not any("my-engine" in text for text in texts)
    readme = (project / "README.md").read_text("utf-8")
    assert f"quotemark smoke   {told['engine']}\n" in readme
    assert told["build"] is None or f"{told['build']}\n" in readme


def test_what_it_says_comes_next_works_in_an_empty_folder(tmp_path: Path) -> None:
    done = run(tmp_path, "init-adapter", "--language", "python", ".", "--name", "desk-7")
    assert (done.returncode, done.stderr) == (0, "")
    first, _, *commands = done.stdout.splitlines()
    assert first == "desk-7, in .: .gitignore, README.md, engine.py"
    assert commands == [
        "  cd .",
        "  quotemark smoke python:engine:Engine",
        "  quotemark certify python:engine:Engine --phase 1 --quick",
    ]
    smoked = run(tmp_path, *commands[1].split()[1:])
    assert (smoked.returncode, smoked.stdout) == (
        0,
        "desk-7 0.1, protocol 1.0, clock injected, phases 1\n"
        "  drift: unsupported: predict is to be filled in\n",
    )


REFUSED = {
    "another language": (("--language", "go", "new"), "'go' is not one of 'python', 'rust', 'cpp'"),
    "no language": (("new",), "Missing option '--language'"),
    "a folder with something in it": (
        ("--language", "rust", "full"),
        "quotemark: full: is there already, expected no such file or an empty folder\n",
    ),
    "a file": (
        ("--language", "rust", "full/kept"),
        "quotemark: full/kept: is there already, expected no such file or an empty folder\n",
    ),
    "below a file": (
        ("--language", "rust", "full/kept/new"),
        "quotemark: full/kept/new/.gitignore: cannot be written: Not a directory\n",
    ),
    "a name that is none": (
        ("--language", "rust", "new", "--name", "Blue Desk"),
        "quotemark: name is 'Blue Desk', expected small letters, figures and hyphens\n",
    ),
    "a folder without letters": (
        ("--language", "rust", "__"),
        "quotemark: __: no name for an engine, expected one by --name\n",
    ),
}


@pytest.mark.parametrize(("arguments", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_a_mistake_is_named_and_nothing_written(
    arguments: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "kept").write_text("kept", "utf-8")
    done = run(tmp_path, "init-adapter", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert files(tmp_path) == ["full/kept"]
    assert (tmp_path / "full" / "kept").read_text("utf-8") == "kept"


@pytest.mark.whole_suite  # coverage could not write either
@pytest.mark.parametrize("existed", [True, False])
def test_a_disk_that_is_full_halfway_leaves_nothing(existed: bool, tmp_path: Path) -> None:
    if existed:
        (tmp_path / "new").mkdir()
    before = sorted(tmp_path.rglob("*"))
    done = subprocess.run(
        [QUOTEMARK, "init-adapter", "--language", "python", "new"],
        cwd=tmp_path,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "quotemark: new/engine.py: cannot be written: File too large\n"
    assert sorted(tmp_path.rglob("*")) == before


def test_an_engine_that_rejects_all_does_not_pass_the_smoke_test(tmp_path: Path) -> None:
    done = run(tmp_path, "smoke", "trivial:rejects_everything")
    assert done.returncode == 1
    assert "  drift: Rejected(" in done.stdout
