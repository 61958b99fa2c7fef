"""Scenarios: a folder with ``scenario.toml``, the tapes it names, and a note on every figure.

A scenario may extend another by synthetic layers: readings that its record does not hold, each in a
file of its own, so that what is made up never stands among what is recorded.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

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


class _ExtensionFile(msgspec.Struct, forbid_unknown_fields=True):
    """A scenario that extends another: tapes, configuration and rules are the other's."""

    title: str
    notice: str
    extends: str
    layer_depth_usd: Annotated[float, msgspec.Meta(gt=0.0)]
    layers: dict[str, str]


@dataclass(frozen=True)
class Scenario:
    """One incident: its configuration, its tapes by name, and how aggressors are taken to act.

    ``notice`` is shown wherever its results are, such as that a tape is a reconstruction.
    ``baseline`` names the engine shown beside the one under test, if any. ``tape_fills`` says that
    the own fills on the tape are given to the engine, instead of made by the venue. Books of the
    layers are written at ``layer_depth_usd``: what rests within 10 bp of mid, both sides together.
    """

    name: str
    folder: Path
    title: str
    notice: str
    config: Json
    tapes: dict[str, Path]
    reach_bps: tuple[float, ...]
    fill_price: FillPrice
    baseline: str
    tape_fills: bool
    layers: dict[str, Path] = field(default_factory=dict)
    layer_depth_usd: float = 1.0

    @cached_property
    def session(self) -> list[Json]:
        """Steps of the tape named ``session``."""
        return self.tape("session")

    def tape(self, name: str) -> list[Json]:
        """Steps of the tape ``name``."""
        return read_tape(self.tapes[name])

    def layer(self, name: str, depth_usd: float | None = None) -> list[Json]:
        """Readings of the layer ``name``, its books scaled to ``depth_usd`` if that is given."""
        readings = read_tape(self.layers[name])
        return readings if depth_usd is None else scaled(readings, depth_usd / self.layer_depth_usd)


def scaled(readings: Sequence[Json], factor: float) -> list[Json]:
    """Return the readings with the sizes of all books times ``factor``."""
    return [
        {
            **reading,
            "bids": [[price, size * factor] for price, size in reading["bids"]],
            "asks": [[price, size * factor] for price, size in reading["asks"]],
        }
        if reading["step"] == "book"
        else reading
        for reading in readings
    ]


def tape_scenario(path: Path) -> Scenario:
    """Make a scenario of a recorded tape: the default configuration, fills at the quotes."""
    return Scenario(
        name=path.name.partition(".")[0],
        folder=path.parent,
        title=f"Replay of {path.name}",
        notice="",
        config={},
        tapes={"session": path},
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
        settings = tomllib.loads(path.read_text("utf-8"))
        if "extends" in settings:
            return _extension(name, folder, msgspec.convert(settings, _ExtensionFile))
        file = msgspec.convert(settings, _ScenarioFile)
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
        tapes={tape: folder / file_name for tape, file_name in file.tapes.items()},
        reach_bps=file.reach_bps,
        fill_price=file.fill_price,
        baseline=file.baseline,
        tape_fills=file.own_fills == "tape",
    )


def _extension(name: str, folder: Path, file: _ExtensionFile) -> Scenario:
    return replace(
        load_scenario(file.extends),
        name=name,
        folder=folder,
        title=file.title,
        notice=file.notice,
        baseline="",  # what ran on that day read none of what the layers hold
        layers={layer: folder / file_name for layer, file_name in file.layers.items()},
        layer_depth_usd=file.layer_depth_usd,
    )
