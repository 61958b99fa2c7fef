"""Scenarios: a folder with ``scenario.toml``, the tapes it names, and a note on every figure."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import msgspec

from quotemark.errors import InputError
from quotemark.messages import Json
from quotemark.resources import resource_folder
from quotemark.tape import read_tape
from quotemark.venue import FillPrice


class _ScenarioFile(msgspec.Struct, forbid_unknown_fields=True):
    title: str
    notice: str
    config: Json
    tapes: dict[str, str] = {}
    reach_bps: tuple[float, ...] = (0.0,)
    fill_price: FillPrice = "quote"
    baseline: str = "legacy:deployed"
    own_fills: Literal["venue", "tape"] = "venue"


@dataclass(frozen=True)
class Scenario:
    """One incident: its configuration, its tapes by name, and how aggressors are taken to act.

    ``notice`` is shown wherever its results are, such as that a tape is a reconstruction.
    ``baseline`` names the engine shown beside the one under test, if any. ``tape_fills`` says that
    the own fills on the tape are given to the engine, instead of made by the venue.
    """

    name: str
    folder: Path
    title: str
    notice: str
    config: Json
    tapes: dict[str, str]
    reach_bps: tuple[float, ...]
    fill_price: FillPrice
    baseline: str
    tape_fills: bool

    @cached_property
    def session(self) -> list[Json]:
        """Steps of the tape named ``session``."""
        return self.tape("session")

    def tape(self, name: str) -> list[Json]:
        """Steps of the tape ``name``."""
        return read_tape(self.folder / self.tapes[name])


def tape_scenario(path: Path) -> Scenario:
    """Make a scenario of a recorded tape: the default configuration, fills at the quotes."""
    return Scenario(
        name=path.name.partition(".")[0],
        folder=path.parent,
        title=f"Replay of {path.name}",
        notice="",
        config={},
        tapes={"session": path.name},
        reach_bps=(0.0,),
        fill_price="quote",
        baseline="",
        tape_fills=False,
    )


def scenario_names() -> list[str]:
    """Names of the scenarios that ship."""
    folders = resource_folder("scenarios").iterdir()
    return sorted(folder.name for folder in folders if (folder / "scenario.toml").is_file())


def load_scenario(name: str) -> Scenario:
    """Load a scenario that ships.

    Raises :class:`InputError` naming the file and the key that is wrong.
    """
    if name not in scenario_names():
        raise InputError(f"scenario is {name!r}, expected one of {', '.join(scenario_names())}")
    folder = resource_folder("scenarios") / name
    path = folder / "scenario.toml"
    try:
        file = msgspec.convert(tomllib.loads(path.read_text("utf-8")), _ScenarioFile)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise InputError(f"{path}: {error}") from None
    if "session" not in file.tapes:
        raise InputError(f"{path}: tapes lack 'session', the tape that is replayed")
    return Scenario(
        name=name,
        folder=folder,
        title=file.title,
        notice=file.notice,
        config=file.config,
        tapes=file.tapes,
        reach_bps=file.reach_bps,
        fill_price=file.fill_price,
        baseline=file.baseline,
        tape_fills=file.own_fills == "tape",
    )
