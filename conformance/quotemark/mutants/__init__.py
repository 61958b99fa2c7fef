"""Engines that are wrong on purpose: the reference with one defect each.

A mutant names the requirement it breaks; the suite must reject it for that one. It is the measure
of the suite: a rule without a mutant is a rule nobody has seen fail. ``mutant:NAME`` runs one in a
process of its own, because it patches the reference's functions.
"""

from __future__ import annotations

import importlib

from quotemark.builtin import BuiltinEngine
from quotemark.mutants.base import Mutant
from quotemark.mutants.cycle import CYCLE
from quotemark.mutants.gates import GATES
from quotemark.mutants.incidents import INCIDENTS
from quotemark.mutants.phase1 import PHASE_1
from quotemark.mutants.phase2 import PHASE_2
from quotemark.mutants.phase3 import PHASE_3
from quotemark.mutants.phase4 import PHASE_4
from quotemark.mutants.phase5 import PHASE_5
from quotemark.mutants.phase6 import PHASE_6
from quotemark.mutants.phase7 import PHASE_7
from quotemark.mutants.phase8 import PHASE_8
from quotemark.mutants.phase8_venues import PHASE_8_VENUES
from quotemark.mutants.phase8_volatility import PHASE_8_VOLATILITY
from quotemark.mutants.readers import FOUND_BY_READERS

ROOT = "quotemark_reference"

GROUPS: tuple[tuple[Mutant, ...], ...] = (
    PHASE_1,
    PHASE_2,
    PHASE_3,
    PHASE_4,
    PHASE_5,
    PHASE_6,
    PHASE_7,
    PHASE_8,
    PHASE_8_VENUES,
    PHASE_8_VOLATILITY,
    CYCLE,
    FOUND_BY_READERS,
    GATES,
    INCIDENTS,
)
MUTANTS = {mutant.name: mutant for group in GROUPS for mutant in group}


def make_mutant(name: str) -> BuiltinEngine:
    """Patch the reference in this process and return it as an engine."""
    mutant = MUTANTS[name]
    for target, replacement in mutant.patches.items():
        module_name, *path, attribute = target.split(".")
        owner = importlib.import_module(f"{ROOT}.{module_name}")
        for part in path:
            owner = getattr(owner, part)
        setattr(owner, attribute, replacement)
    return BuiltinEngine(f"mutant:{name}", fixed_config=mutant.fixed_config)
