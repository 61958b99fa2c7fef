"""A run in full: the suite, the incidents with each phase and without, and what both rest on."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from quotemark.adapters import make_engine
from quotemark.errors import InputError
from quotemark.evidence import digests
from quotemark.evidence.configuration import effective_config, phases_on
from quotemark.failures import FailureFolder
from quotemark.incidents import measure_outcomes
from quotemark.messages import Json
from quotemark.recorded.certifying import certify_recording
from quotemark.recorded.files import recording_of
from quotemark.results import Certification, Circumstances, Profile, Provenance, Waiver
from quotemark.suite.runner import Progress
from quotemark.suite.runner import certify as run_suite

PACKAGES = ("hypothesis", "msgspec", "pytest", "pytest-bdd")


class Options(Struct, frozen=True):
    """How an engine is certified; see :func:`quotemark.suite.runner.certify`."""

    engine: str
    phases: tuple[int, ...]
    seed: int
    profile: Profile
    fuzz_steps: int | None
    config: Json
    waivers: Sequence[Waiver]
    workers: int
    timeout_s: float
    in_process: bool


def run_certification(
    options: Options, failures: FailureFolder, progress: Progress
) -> Certification:
    """Certify an engine, and say how its incidents end; not in a quick run.

    Raises :class:`~quotemark.errors.InputError` where the configuration is none, and
    :class:`~quotemark.errors.EngineError` where the engine cannot be run at all.
    """
    path = recording_of(options.engine)
    if path is not None:
        return _of_recording(options, path, failures, progress)
    provenance = _provenance(options)
    started = _now()
    start = partial(
        make_engine,
        options.engine,
        in_process=options.in_process,
        timeout_s=options.timeout_s,
    )
    found = run_suite(
        start,
        phases=options.phases,
        seed=options.seed,
        profile=options.profile,
        fuzz_steps=options.fuzz_steps,
        config=options.config,
        workers=1 if options.in_process else options.workers,
        waivers=options.waivers,
        failures=failures,
        progress=progress,
    )
    outcomes = []
    if options.profile == "default" and "engine" in found.identity.components:
        had = set(found.identity.phases).intersection(options.phases)
        outcomes = measure_outcomes(
            start,
            sorted(had),
            phases_on(options.config),
            options.config,
            options.workers,
            progress,
        )
    return replace(
        found,
        provenance=provenance,
        outcomes=outcomes,
        circumstances=Circumstances(started, _now(), _environment()),
    )


def _of_recording(
    options: Options, path: Path, failures: FailureFolder, progress: Progress
) -> Certification:
    """Certify what was recorded: nothing is run, in the configuration that it was recorded with."""
    if options.config or options.profile != "default" or options.fuzz_steps is not None:
        raise InputError(
            f"engine is {options.engine!r}: nothing of a recording is run or configured, expected"
            " it without --config, --quick and --steps"
        )
    started = _now()
    found = certify_recording(
        path,
        phases=options.phases,
        seed=options.seed,
        waivers=options.waivers,
        failures=failures,
        progress=progress,
    )
    return replace(
        found.certification,
        provenance=_provenance(replace(options, config=found.config)),
        circumstances=Circumstances(started, _now(), _environment()),
    )


def _provenance(options: Options) -> Provenance:
    return Provenance(
        engine=options.engine,
        files=digests.engine_files(options.engine),
        config=effective_config(options.config),
        config_digest=digests.config_digest(options.config),
        suite_digest=digests.suite_digest(),
        vectors_digest=digests.vectors_digest(),
        tolerances_digest=digests.tolerances_digest(),
        waivers_digest=digests.waivers_digest(options.waivers),
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _environment() -> dict[str, str]:
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": platform.platform(),
        "processors": str(os.cpu_count() or 1),
        **{name: version(name) for name in PACKAGES},
    }
