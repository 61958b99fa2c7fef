"""The project holds together: README, CI, what ships, and which way imports point."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from quotemark.adapters import BUILTIN
from quotemark.cli import COMMANDS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


# --- README and CI ----------------------------------------------------------------------------


def shell_blocks(markdown: str) -> list[str]:
    return re.findall(r"^```sh\n(.*?)^```$", markdown, re.MULTILINE | re.DOTALL)


def test_ci_runs_the_readmes_test_command_on_a_clean_clone() -> None:
    commands = [line for block in shell_blocks(README) for line in block.splitlines()]
    (test_command,) = [line for line in commands if line.endswith("/nox")]
    assert test_command.startswith("python3 -m venv .venv && ")
    assert test_command in (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    workflows = [path.read_text("utf-8") for path in (ROOT / ".github" / "workflows").iterdir()]
    assert any("bash .ci/run" in workflow for workflow in workflows)


@pytest.mark.parametrize("page", sorted(path.name for path in ROOT.glob("*.md")))
def test_links_of_a_page_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
    assert [link for link in links if not (ROOT / link.partition("#")[0]).exists()] == []


def test_places_that_the_readme_names_exist() -> None:
    places = re.findall(r"^\| `([^`]+/[^`]+)` \|", README, re.MULTILINE)
    assert len(places) >= 5
    assert [place for place in places if not list(ROOT.glob(place))] == []


def test_readme_names_every_way_to_an_engine_and_every_command() -> None:
    ways = [*BUILTIN, "python:", "stdio:", "mutant:", "trivial:", "recorded:"]
    assert [way for way in ways if f"`{way}" not in README] == []
    commands = COMMANDS.keys() - {"schema"}  # for implementers: on the protocol page
    assert [name for name in commands if f"quotemark {name}" not in README] == []


# --- what ships -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as it is installed."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def tracked(*folders: str) -> Iterator[Path]:
    """Files of the project, but for what Python leaves behind."""
    for folder in folders:
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path


def test_the_wheel_holds_the_packages_the_features_and_the_scenarios(unpacked: Path) -> None:
    shipped = {str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file()}
    assert shipped >= {
        "quotemark/py.typed",
        "quotemark_reference/py.typed",
        "quotemark/suite/requirements.toml",
        "quotemark/PROTOCOL.md",
        "quotemark/RECORDINGS.md",
        "quotemark/report/templates/report.html.j2",
        "quotemark/features/feb19_replay.feature",
        "quotemark/scenarios/feb19/tape.jsonl",
    }
    for source, target in (
        ("reference/quotemark_reference", "quotemark_reference"),
        ("conformance/quotemark", "quotemark"),
        ("conformance/engines/vectorised/quotemark_vectorised", "quotemark_vectorised"),
        ("features", "quotemark/features"),
        ("scenarios", "quotemark/scenarios"),
    ):
        for path in tracked(source):
            copy = unpacked / target / path.relative_to(ROOT / source)
            assert copy.read_bytes() == path.read_bytes()
    packages = {name.partition("/")[0] for name in shipped}
    assert {name for name in packages if not name.endswith(".dist-info")} == {
        *("quotemark", "quotemark_reference", "quotemark_vectorised")
    }


def test_an_installed_wheel_finds_its_own_scenarios_and_features(unpacked: Path) -> None:
    program = """if True:
        from quotemark.resources import resource_folder
        from quotemark.scenario import load_scenario, scenario_names
        for name in scenario_names():
            load_scenario(name).session
        print(resource_folder("scenarios"))
        print(resource_folder("features"))
        """
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=unpacked.parent,
        env={**os.environ, "PYTHONPATH": str(unpacked)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines() == [
        str(unpacked / "quotemark" / name) for name in ("scenarios", "features")
    ]


def test_the_wheel_brings_the_command_and_the_pytest_plugin(unpacked: Path) -> None:
    (entry_points,) = unpacked.glob("*.dist-info/entry_points.txt")
    text = entry_points.read_text("utf-8")
    assert "[console_scripts]\nquotemark = quotemark.cli:main" in text
    assert "[pytest11]\nquotemark = quotemark.pytest_plugin" in text


# --- which way imports point ------------------------------------------------------------------


def imported_modules(path: Path) -> set[str]:
    """Modules that a module imports, or imports from, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            module = node.module or ""
            found |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    return found


def imported(path: Path) -> set[str]:
    """Top-level packages that a module imports, wherever in it."""
    return {module.partition(".")[0] for module in imported_modules(path)}


def test_the_reference_imports_the_standard_library_and_itself_alone() -> None:
    modules = [path for path in tracked("reference") if path.suffix == ".py"]
    assert len(modules) >= 10
    allowed = {*sys.stdlib_module_names, "quotemark_reference"}
    assert {
        path.name: imported(path) - allowed for path in modules if imported(path) - allowed
    } == {}


def test_the_harness_reaches_the_reference_through_the_port_alone() -> None:
    harness = ROOT / "conformance" / "quotemark"
    reaching: dict[str, set[str]] = {"quotemark_reference": set(), "quotemark.components": set()}
    for path in tracked("conformance/quotemark"):
        if path.suffix == ".py":
            part = path.relative_to(harness).parts[0].removesuffix(".py")
            for package, parts in reaching.items():
                if any(f"{name}.".startswith(f"{package}.") for name in imported_modules(path)):
                    parts.add(part)
    assert reaching["quotemark_reference"] == {"builtin", "components", "mutants"}
    # what translates steps into calls of the reference is no way around the port either
    assert reaching["quotemark.components"] <= {"builtin", "components", "mutants"}


def test_scenarios_are_built_by_the_standard_library_alone() -> None:
    builders = list((ROOT / "scenarios").glob("*/build.py"))
    assert builders
    for path in builders:
        assert imported(path) <= sys.stdlib_module_names
