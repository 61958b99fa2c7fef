"""What a route to an engine costs: a drift step over the port, and a case that is compared.

A compared case is what the suite does: open a session, apply its steps, close it, ask the reference
the same, and hold every field of every answer against it. Beside it stands Bowtie, the harness of
the JSON Schema implementations, whose direct engine runs in Bowtie's own process.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from importlib.util import find_spec
from tempfile import TemporaryFile

from msgspec import Struct
from tests.benchmarks import rust
from tests.benchmarks.measure import AbsentError, Contender, Effort, Prepare, Table, compare, timed

from quotemark.adapters import running
from quotemark.builtin import reference
from quotemark.examples import minimal_engine
from quotemark.messages import Closed, Json, Ok, Opened
from quotemark.suite.bench import Bench
from quotemark.suite.market import observe, predict
from quotemark.supervised import SupervisedEngine

STEPS = 20_000
SINGLE_STEPS = 2_000
CASES = 400
STEPS_OF_A_CASE = 5
BOWTIE_CASES = 1_000
IN_AN_APPLY = 100
STEP_MS = 6450
SEED = 20260219
RUST_MODULE = "quotemark_engine_rust"


class Route(Struct, frozen=True):
    """The engine at the end of a route, by its name."""

    engine: Callable[[], str]
    in_process: bool = False


def _rust_in_process() -> str:
    if find_spec(RUST_MODULE) is None:
        raise AbsentError(f"the Python module {RUST_MODULE} is not installed")
    return f"python:{RUST_MODULE}:create"


ROUTES = {
    "reference, in process": Route(lambda: "reference"),
    "reference, python: worker": Route(lambda: "python:quotemark.builtin:reference"),
    "minimal example, stdio:": Route(lambda: f"stdio:{sys.executable} {minimal_engine.__file__}"),
    "Rust engine, stdio:": Route(rust.engine),
    "Rust engine, python: in process": Route(_rust_in_process, in_process=True),
}


def tables(effort: Effort) -> list[Table]:
    """Measure all routes."""
    return [_steps_table(effort), _cases_table(effort)]


# --- steps ------------------------------------------------------------------------------------


def _steps_table(effort: Effort) -> Table:
    many, few = STEPS // effort.divisor, SINGLE_STEPS // effort.divisor
    with ExitStack() as engines:
        contenders: dict[str, Prepare] = {}
        for name, route in ROUTES.items():
            pipelined = partial(_stepping, engines, route, drift_steps(many), IN_AN_APPLY)
            contenders[f"{name}, pipelined"] = pipelined
            single = partial(_stepping, engines, route, drift_steps(few), 1)
            contenders[f"{name}, one at a time"] = single
        return compare(
            "Drift steps over each route",
            "a step",
            contenders,
            effort.rounds,
            [
                "Half of the steps predict, half observe; all answers are decoded. Pipelined:"
                f" {IN_AN_APPLY} steps an apply, over stdio up to 32 applies in flight. Each round"
                " has a session of its own."
            ],
        )


def drift_steps(count: int) -> list[Json]:
    """Predicts and observations in turn."""
    rng = random.Random(SEED)
    return [
        predict(number * STEP_MS) if number % 2 == 0 else observe(rng.gauss(-3.0, 4.0), 5.0)
        for number in range(count)
    ]


def _stepping(engines: ExitStack, route: Route, steps: list[Json], at_once: int) -> Contender:
    engine = _engine_of(engines, route)
    # over stdio one long apply is what fills the pipe; in process there is no pipe
    over_stdio = not (route.in_process or route.engine() == "reference")
    chunk = len(steps) if over_stdio and at_once > 1 else at_once
    applies = [steps[start : start + chunk] for start in range(0, len(steps), chunk)]

    def work() -> None:
        assert isinstance(engine.open("steps", "drift", {}, SEED), Opened)
        for some in applies:
            answers = engine.apply("steps", some)
            assert isinstance(answers[-1], Ok), answers[-1]
        assert isinstance(engine.close("steps"), Closed)

    return Contender(lambda: timed(work, len(steps)))


def _engine_of(engines: ExitStack, route: Route) -> SupervisedEngine:
    engine = engines.enter_context(running(route.engine(), in_process=route.in_process))
    engine.initialize()
    return engine


# --- compared cases ---------------------------------------------------------------------------


def _cases_table(effort: Effort) -> Table:
    cases = CASES // effort.divisor
    with ExitStack() as engines:
        contenders: dict[str, Prepare] = {
            name: partial(_comparing, engines, route, cases) for name, route in ROUTES.items()
        }
        contenders["Bowtie, direct:python-jsonschema"] = partial(
            _bowtie, BOWTIE_CASES // effort.divisor
        )
        return compare(
            f"Compared cases of {STEPS_OF_A_CASE} over each route, beside Bowtie",
            "a step or test",
            contenders,
            effort.rounds,
            [
                "Ours: open, apply, close, the reference's answers, and every field compared; an"
                f" apply has {STEPS_OF_A_CASE} steps, nothing is pipelined. Bowtie's: a schema with"
                f" {STEPS_OF_A_CASE} tests, from the first result of its run to the last,"
                " so without its start. A drift step and a validation are not the same work: this"
                " is what each harness asks for one."
            ],
        )


def _comparing(engines: ExitStack, route: Route, cases: int) -> Contender:
    engine = _engine_of(engines, route)
    bench = Bench(engine, engine.initialize(), reference(), SEED)
    steps = drift_steps(STEPS_OF_A_CASE)

    def work() -> None:
        for _ in range(cases):
            bench.agree("drift", steps)

    return Contender(lambda: timed(work, cases * STEPS_OF_A_CASE))


def _bowtie(cases: int) -> Contender:
    """Time a run of Bowtie from its first result to its last, so without its start."""

    def run() -> float:
        first, last = _bowtie_results(cases)
        return (last - first) / ((cases - 1) * STEPS_OF_A_CASE)

    return Contender(run)


def _bowtie_results(cases: int) -> tuple[float, float]:
    """Run Bowtie and return when its first and its last result came."""
    command = ["bowtie", "run", "-i", "direct:python-jsonschema", "-D", "2020-12", "--fail-fast"]
    with TemporaryFile("w+", encoding="utf-8") as asked:
        asked.write("\n".join(_bowtie_cases(cases)))
        asked.seek(0)
        with subprocess.Popen(
            [sys.executable, "-u", "-m", *command],
            stdin=asked,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as bowtie:
            assert bowtie.stdout is not None
            came = [time.perf_counter() for line in bowtie.stdout if '"results"' in line]
    assert (bowtie.returncode, len(came)) == (0, cases), "Bowtie saw other verdicts than expected"
    return came[0], came[-1]


def _bowtie_cases(count: int) -> Iterator[str]:
    """Return schemas of a least number, each with numbers below and above it."""
    for least in range(count):
        instances = range(least - 2, least - 2 + STEPS_OF_A_CASE)
        tests = [
            {"description": str(number), "instance": number, "valid": number >= least}
            for number in instances
        ]
        schema = {"type": "integer", "minimum": least}
        yield json.dumps({"description": str(least), "schema": schema, "tests": tests})
