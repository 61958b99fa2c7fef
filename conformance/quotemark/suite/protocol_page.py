"""What a configuration key may hold, as the tables of the protocol page say.

The page is the contract. A range that a check tries is thus the one that implementers have read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import quotemark
from quotemark.suite.market import GATES

PHASES_OF_SECTIONS = {
    **{"drift": 1, "flow": 3, "adaptation": 5, "funding": 6, "book": 7, "sweep": 7},
    **{"hawkes": 8, "fill_size": 8, "cross_venue": 8, "volatility": 8, "open_interest": 8},
}
PHASES_OF_KEYS = {
    **{"inventory_beta": 2, "as_ratio": 4},
    **{name: phase for phase, name in GATES.items()},
}

HEADER = "| key | unit | default | range | meaning |\n"


@dataclass(frozen=True, slots=True)
class Key:
    """A row of a table of configuration keys; ``default`` and ``allowed`` are the page's text.

    ``section`` is the component in whose section it stands, or "Drift observations".
    """

    section: str
    name: str
    unit: str
    default: str
    allowed: str

    @property
    def phase(self) -> int | None:
        """The one phase that reads the key; ``None`` where several or none do."""
        return PHASES_OF_KEYS.get(self.name) or PHASES_OF_SECTIONS.get(self.section)

    @property
    def options(self) -> list[str]:
        """The values of a key that takes one of a few, as text; empty for any other key."""
        named = re.findall(r"`(\w+)`", self.allowed)
        return named or re.findall(r"[\d.]+", self.allowed.partition("one of ")[2])

    @property
    def bounds(self) -> tuple[float, float]:
        """Least and greatest value of a key that takes a number, or a list of numbers."""
        ((low, high),) = re.findall(r"([\d.e-]+) to ([\d.e-]+)", self.allowed)
        return float(low), float(high)

    @property
    def another_value(self) -> object:
        """An allowed value that is not the default, of a key that has both."""
        if self.options:
            option = next(one for one in self.options if one != self.default.strip("`"))
            return option if self.unit == "name" else float(option)
        low, high = self.bounds
        default = float(self.default)
        value = min(high, 3.0 * default if default else 1.0)
        if value == default:
            value = low
        return int(value) if self.is_whole else value

    @property
    def is_gate(self) -> bool:
        """Whether the key is on or off."""
        return self.unit == "on/off"

    @property
    def is_list(self) -> bool:
        """Whether the key takes a list of numbers."""
        return self.allowed.startswith("each ")

    @property
    def is_whole(self) -> bool:
        """Whether the key takes a whole number."""
        return self.allowed.endswith(", whole")


@cache
def config_keys() -> dict[str, Key]:
    """Every configuration key by its name, which means the same in all components that have it."""
    page = Path(quotemark.__file__).with_name("PROTOCOL.md").read_text("utf-8")
    found = [key for section in page.split("\n## ")[1:] for key in _keys_in(section)]
    return {key.name: key for key in found}


def _keys_in(section: str) -> Iterator[Key]:
    title, _, text = section.partition("\n")
    _, _, table = text.partition(HEADER)
    for row in table.partition("\n\n")[0].splitlines()[1:]:
        name, unit, default, allowed, *_ = (cell.strip() for cell in row.strip("|").split("|"))
        yield Key(title.removeprefix("Component "), name.strip("`"), unit, default, allowed)
