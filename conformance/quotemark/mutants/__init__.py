"""Engines that are wrong on purpose: the reference with one defect each.

A mutant names the requirement it breaks; the suite must reject it for that one. It is the measure
of the suite: a rule without a mutant is a rule nobody has seen fail. A mutant patches functions of
the reference: for good in a process of its own (``mutant:NAME``), or for a case (``mutant_trace``).
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType, FrameType

from quotemark.builtin import BuiltinEngine
from quotemark.case import Case, trace
from quotemark.messages import Answer, Opened
from quotemark.mutants.base import Mutant
from quotemark.mutants.cycle import CYCLE
from quotemark.mutants.gates import GATES
from quotemark.mutants.incidents import INCIDENTS
from quotemark.mutants.metamorphic import METAMORPHIC
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
from quotemark.mutants.port import PORT
from quotemark.mutants.readers import FOUND_BY_READERS
from quotemark.mutants.robustness import ROBUSTNESS

ROOT = "quotemark_reference"
TRACE = "trace"
STEPS_AT_A_TIME = 20

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
    METAMORPHIC,
    ROBUSTNESS,
    PORT,
)
MUTANTS = {mutant.name: mutant for group in GROUPS for mutant in group}


@contextmanager
def patched(mutant: Mutant) -> Iterator[BuiltinEngine]:
    """Put the mutant's functions in the place of the reference's, as an engine, and back again.

    Meanwhile every engine of the reference in this process is that mutant.
    """
    replaced = []
    try:
        for target, replacement in mutant.patches.items():
            owner, name = _place(target)
            replaced.append((owner, name, vars(owner)[name]))
            setattr(owner, name, replacement)
        yield mutant.engine(f"mutant:{mutant.name}", fixed_config=mutant.fixed_config)
    finally:
        for owner, name, original in reversed(replaced):
            setattr(owner, name, original)


def _place(target: str) -> tuple[object, str]:
    """Module or class of the reference that holds ``target``, and its name there."""
    module_name, *path, name = target.split(".")
    owner: object = importlib.import_module(f"{ROOT}.{module_name}")
    for part in path:
        owner = getattr(owner, part)
    return owner, name


def mutant_trace(mutant: Mutant, case: Case) -> Iterator[Answer]:
    """Give the mutant's answers to ``case``, from this process.

    They end early where the mutant raises, and do not begin where it opens no session. The
    reference is patched only while answers are computed, some at a time.
    """
    try:
        with patched(mutant) as engine:
            opened = engine.open(TRACE, case.component, case.config, 0)
        if not isinstance(opened, Opened):
            return
        for start in range(0, len(case.steps), STEPS_AT_A_TIME):
            with patched(mutant):
                answers = engine.apply(TRACE, case.steps[start : start + STEPS_AT_A_TIME])
            yield from answers
    except Exception:  # noqa: BLE001 - whatever a defect leads to
        return


def within_reach(case: Case) -> list[Mutant]:
    """Mutants whose functions the reference calls on ``case``; any other answers as it does."""
    called: set[CodeType] = set()

    def note(frame: FrameType, event: str, argument: object) -> None:
        del event, argument
        called.add(frame.f_code)

    profiler = sys.getprofile()
    sys.setprofile(note)
    try:
        trace(BuiltinEngine(), case, TRACE, 0)
    finally:
        sys.setprofile(profiler)
    return [
        mutant
        for mutant in MUTANTS.values()
        if not mutant.patches or not called.isdisjoint(map(_code, mutant.patches))
    ]


def _code(target: str) -> CodeType:
    """Code of the function of the reference that a mutant replaces."""
    owner, name = _place(target)
    code: CodeType = vars(owner)[name].__code__
    return code
