"""The tutorial, lived through in each language: its commands are run, its code is written.

What a command prints must be what the page shows, where ``...`` stands for anything: for lines on a
line of its own, within one otherwise.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

import quotemark

pytestmark = pytest.mark.whole_suite

PAGE = Path(quotemark.__file__).with_name("TUTORIAL.md")
SOURCES = {"python": "engine.py", "rust": "src/main.rs", "cpp": "engine.cpp"}
WARNINGS_ARE_ERRORS = {
    "CXXFLAGS": "-O0 -Wall -Wextra -Werror",
    "RUSTFLAGS": "-D warnings",
    "CARGO_PROFILE_RELEASE_OPT_LEVEL": "0",  # the build is what takes long
}
DEADLINE_S = 300


class Block(NamedTuple):
    """What stands between two fences, and in which language."""

    language: str
    text: str


def blocks() -> list[Block]:
    fences = r"^```(\w+)\n(.*?)^```$"
    found = re.findall(fences, PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return [Block(*one) for one in found]


def settings(language: str) -> dict[str, str]:
    """Return the variables that the page's table has for a language."""
    rows = [
        [cell.strip().strip("`") for cell in line.strip("|").split("|")]
        for line in PAGE.read_text("utf-8").splitlines()
        if line.startswith("|")
    ]
    (row,) = [row for row in rows if row[1] == language]
    return dict(zip(rows[0][1:4], row[1:4], strict=True))


def missing_tool(language: str, folder: Path) -> str | None:
    """Name what the language needs and this machine has not."""
    if language == "rust":
        if not shutil.which("cargo"):
            return "no cargo"
        shutil.copytree(PAGE.parent / "starters" / "rust", folder / "fetched")
        fetched = subprocess.run(
            ["cargo", "fetch", "--locked"],
            cwd=folder / "fetched",
            capture_output=True,
            text=True,
            check=False,
        )
        return None if fetched.returncode == 0 else "no cargo registry"
    if language == "cpp":
        for tool in ("make", "g++"):
            if not shutil.which(tool):
                return f"no {tool}"
        header = subprocess.run(
            ["g++", "-E", "-x", "c++", "-"],
            input="#include <nlohmann/json.hpp>\n",
            capture_output=True,
            text=True,
            check=False,
        )
        return None if header.returncode == 0 else "no nlohmann/json"
    return None


def agrees(shown: list[str], printed: list[str]) -> bool:
    if not shown:
        return not printed
    first, *rest = shown
    if first == "...":
        return any(agrees(rest, printed[start:]) for start in range(len(printed) + 1))
    line = ".*".join(map(re.escape, first.split("...")))
    return bool(printed) and bool(re.fullmatch(line, printed[0])) and agrees(rest, printed[1:])


def commands(text: str) -> list[tuple[str, list[str]]]:
    """Commands of a block, each with the lines that it is shown to print."""
    parts = re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]
    return [(part.splitlines()[0], part.splitlines()[1:]) for part in parts]


def put_in_place(code: str, source: Path) -> None:
    """Write code instead of the function that begins with the same line, up to an empty line."""
    text = source.read_text("utf-8")
    first = code.splitlines()[0] + "\n"
    assert text.count(first) == 1, f"{source.name} has not one function {first!r}"
    before, _, after = text.partition(first)
    _, _, rest = after.partition("\n\n")
    source.write_text(f"{before}{code}\n{rest}", "utf-8")


@pytest.mark.parametrize("language", SOURCES)
def test_the_tutorial_leads_to_a_passed_phase_1(language: str, tmp_path: Path) -> None:
    missing = missing_tool(language, tmp_path)
    if missing:
        pytest.skip(f"the tutorial in {language}: {missing}")
    folder = tmp_path / "empty"
    folder.mkdir()
    scripts = str(Path(sys.executable).parent)
    env = {
        **{name: value for name, value in os.environ.items() if name != "CARGO_TARGET_DIR"},
        **WARNINGS_ARE_ERRORS,
        **settings(language),
        "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
    }
    for block in blocks():
        if block.language == language:
            put_in_place(block.text, folder / SOURCES[language])
        elif block.language == "console":
            for command, shown in commands(block.text):
                done = subprocess.run(
                    ["sh", "-c", f"{command}\npwd"],
                    cwd=folder,
                    env=env,
                    timeout=DEADLINE_S,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    check=False,
                )
                *printed, last = done.stdout.splitlines()
                folder = Path(last)
                assert agrees(shown, printed), f"$ {command}\n" + "\n".join(printed)


def test_the_tutorial_has_the_same_code_in_each_language() -> None:
    written = Counter(block.language for block in blocks())
    assert written.keys() == {*SOURCES, "console"}
    assert {written[language] for language in SOURCES} == {5}
    for language, source in SOURCES.items():
        text = (PAGE.parent / "starters" / language / source).read_text("utf-8")
        assert re.findall(r"FILL IN (\d)", text) == ["1", "2", "3", "4"]


def test_links_of_the_tutorial_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", PAGE.read_text("utf-8"))
    assert links
    assert [link for link in links if not (PAGE.parent / link).exists()] == []
