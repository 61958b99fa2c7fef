"""One mutant on trial: served in a process of its own, against the suite, until a check fails.

The mutated module lies in a copy of the package that wins over the installed one in the engine's
process alone; the harness keeps the unmutated reference. What cannot start, crashes or hangs is
refused too, and counted apart.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args

from msgspec import Struct

import quotemark_reference
from quotemark.builtin import BuiltinEngine, reference_digest
from quotemark.errors import EngineError, FaultLabel
from quotemark.results import CheckResult
from quotemark.stdio import StdioEngine
from quotemark.suite.bench import Bench
from quotemark.suite.checks import all_checks
from quotemark.suite.patience import SILENCES
from quotemark.suite.register import RegisteredCheck
from quotemark.suite.runner import DEFAULT_SEED, FUZZ_STEPS, run_check
from quotemark.supervised import SupervisedEngine

PACKAGE = Path(quotemark_reference.__file__).parent
# a mutant may raise 2 to the power of a time in ms, and its loops may have no end
SERVE = """
ulimit -v 2097152; ulimit -t 900
PYTHONPATH="$0:$PYTHONPATH" exec "$1" -m quotemark.server quotemark.builtin:reference
"""
ANSWER_TIMEOUT_S = 5.0  # far more than any answer takes, so that a hang costs seconds

FAULTS = ("crash", "timeout")
OWN_KIND = ("bounds", "fuzz", "incidents", "metamorphic", "port", "robustness", "rollback")
"""Modules of the suite that are kinds by themselves; the others hold agreements and statements."""


class Mutant(Struct, frozen=True):
    """The reference with one change: ``original`` became ``mutated``, in lines of ``module``.

    ``inside`` is the class or function around it, ``source`` all of the mutated module.
    """

    module: str
    inside: str
    operator: str
    line: int
    original: str
    mutated: str
    source: str

    @property
    def id(self) -> str:
        """Name that outlives edits elsewhere in the module."""
        place = f"{self.module}.{self.inside}" if self.inside else self.module
        return f"{place} {self.operator}: {self.original} -> {self.mutated}"


class Verdict(Struct, frozen=True):
    """What became of a mutant: the check that killed it, if any, and of what kind it is."""

    killed_by: str | None = None
    kind: str = ""
    message: str = ""


def suite() -> dict[str, RegisteredCheck]:
    """Checks that judge a mutant, by name: all but those that measure the machine's time."""
    return {check.name: check for check in all_checks() if not check.timed}


def try_mutant(mutant: Mutant, checks: Sequence[str]) -> Verdict:
    """Try the checks of these names in their order, up to the first that fails."""
    by_name = suite()
    try:
        with served(mutant.module, mutant.source) as bench:
            digest = bench.identity.digest
            assert digest != reference_digest(), "the installed package won over the mutant"
            for name in checks:
                result = run_check(bench, by_name[name])
                if result.status == "failed":
                    return Verdict(name, kind_of(result), result.message)
    except EngineError as fault:
        return Verdict("initialize", "crash", str(fault))
    return Verdict()


def time_suite() -> dict[RegisteredCheck, float]:
    """Seconds that each check takes with the reference as it is, which passes them all."""
    seconds = {}
    with served("drift", (PACKAGE / "drift.py").read_text("utf-8")) as bench:
        for check in suite().values():
            started = time.perf_counter()
            result = run_check(bench, check)
            seconds[check] = time.perf_counter() - started
            assert result.status == "passed", f"without a mutant, {check.name}: {result.message}"
    return seconds


def kind_of(result: CheckResult) -> str:
    """Kind of a check that failed, or of the fault by which the engine fell over."""
    if result.label in get_args(FaultLabel):
        return "timeout" if result.label in SILENCES else "crash"
    module, _, name = result.check.partition(".")
    if module in OWN_KIND:
        return module
    return "agreement" if name.endswith(("_agree", "_agrees")) else "statement"


@contextmanager
def served(module: str, source: str) -> Iterator[Bench]:
    """Serve the reference with ``source`` in the place of one of its modules, on a bench."""
    with TemporaryDirectory() as folder:
        copy = Path(folder) / PACKAGE.name
        shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
        (copy / f"{module}.py").write_text(source, "utf-8")
        command = ["sh", "-c", SERVE, folder, sys.executable]
        engine = SupervisedEngine(partial(StdioEngine, command, timeout_s=ANSWER_TIMEOUT_S))
        try:
            identity = engine.initialize()
            yield Bench(engine, identity, BuiltinEngine(), DEFAULT_SEED, FUZZ_STEPS["default"])
        finally:
            engine.shutdown()
