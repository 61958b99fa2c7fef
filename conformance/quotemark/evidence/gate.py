"""The gate: whether a phase's flag may be switched on, by certificates alone.

A flag is switched on with real money behind it, so everything must be there: certificates that
verify, of one engine, of the configuration that production has, recent, in full and at the level
asked for; every requirement of the phase, of what it needs and of all phases proven, by all of its
checks, and none waived; the way back proven; and no incident that ends worse with the flag on. What
is missing is said, with the command that makes it.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from quotemark.adapters import builds
from quotemark.evidence.configuration import effective_config, phases_on, without_gates
from quotemark.evidence.verification import Verification, verify
from quotemark.gate_sets import NEEDS, active, gates_around, named, switches
from quotemark.messages import Json
from quotemark.outcomes import Ends
from quotemark.results import Certification, CheckResult, Level, Requirement, RequirementResult
from quotemark.suite.checks import all_checks
from quotemark.suite.register import requirements
from quotemark.suite.runner import FUZZ_STEPS, NO_LEGACY_PATH

LEVELS: tuple[str, ...] = ("components", "L0", "L1", "L2")
"""From the least that an engine lets be seen to the most."""

MOST_NAMED = 5
"""Requirements or incidents named in one line; the rest is counted."""


class Evidence(Struct, frozen=True):
    """A piece of evidence: whether it is there, what there is to say, and what would make it."""

    what: str
    given: bool
    message: str
    command: str = ""


class Decision(Struct, frozen=True):
    """Whether a phase may be switched on, on what evidence, and the settings that do it."""

    phase: int
    evidence: list[Evidence]
    settings: dict[str, bool]
    remarks: list[str]

    @property
    def is_open(self) -> bool:
        """Whether nothing is missing."""
        return all(one.given for one in self.evidence)

    @property
    def only_stale(self) -> bool:
        """Whether stale waivers are all that is wrong."""
        missing = [one.what for one in self.evidence if not one.given]
        return bool(missing) and set(missing) == {STALE}


STALE = "waivers hold"


class Asked(Struct, frozen=True):
    """What is asked of the gate.

    ``config`` is production's configuration as it stands, ``max_age`` how old a certificate may be,
    ``level`` the least that the engine must let be seen. ``engine`` and ``key`` are held against
    the certificates where they are given.
    """

    phase: int
    config: Json
    config_file: str
    max_age: timedelta
    level: Level
    engine: str | None = None
    key: Path | None = None

    @property
    def needed(self) -> list[int]:
        """The phase and those that it needs."""
        return sorted({self.phase, *NEEDS.get(self.phase, ())})

    @property
    def command(self) -> str:
        """Command that makes a certificate."""
        config = f" --config {shlex.quote(self.config_file)}" if self.config_file else ""
        engine = shlex.quote(self.engine) if self.engine else "ENGINE"
        return f"quotemark certify {engine} --phase {','.join(map(str, self.needed))}{config}"

    @property
    def command_with_earlier_build(self) -> str:
        """Command that makes a certificate with what the engine's earlier build proves."""
        engine = self.engine or "ENGINE"
        both = engine if builds(engine)[1] else f"{engine} else EARLIER_BUILD"
        return replace(self, engine=both).command


def decide(asked: Asked, certificates: Sequence[Path], now: datetime) -> Decision:
    """Judge the certificates.

    Raises :class:`~quotemark.errors.InputError` where a file is no certificate, or the
    configuration is none.
    """
    verified = [verify(path, asked.engine, asked.key) for path in certificates]
    believed = [one.certification for one in verified if one.passed and one.certification]
    standing = phases_on(asked.config)
    switched_on = active({*standing, asked.phase})
    evidence = [*_certificates(asked, verified), _prerequisites(asked, switched_on)]
    if believed:
        evidence += [
            _one_engine(asked, believed),
            _configuration(asked, believed),
            _age(asked, believed, now),
            _in_full(asked, believed),
            _level(asked, believed),
            _stale_waivers(asked, believed),
            *_proof(asked, believed),
            _outcomes(asked, believed, standing),
        ]
    return Decision(
        asked.phase,
        evidence,
        {name: bool(value) for name, value in switches(switched_on).items()},
        _remarks(asked, switched_on),
    )


# --- the certificates -------------------------------------------------------------------------


def _certificates(asked: Asked, verified: Sequence[Verification]) -> Iterator[Evidence]:
    if not verified:
        yield Evidence("certificate", False, "none is given", asked.command)
    for one in verified:
        wrong = [
            f"{found.what}: {found.message}" for found in one.findings if found.status == "wrong"
        ]
        message = "; ".join(wrong) or "verified"
        command = "" if one.passed else asked.command
        yield Evidence("certificate", one.passed, f"{one.certificate}: {message}", command)


def _prerequisites(asked: Asked, switched_on: Collection[int]) -> Evidence:
    """What the phase needs is on in production; otherwise its flag would change nothing."""
    missing = tuple(phase for phase in asked.needed if phase not in {*switched_on, asked.phase})
    what = "prerequisites on"
    if missing:
        return Evidence(
            what,
            False,
            f"phase {asked.phase} would be inert, with {named(missing)} off in"
            f" {asked.config_file or 'the default configuration'}",
            f"quotemark gate --phase {missing[0]} ...",
        )
    needed = tuple(phase for phase in asked.needed if phase != asked.phase)
    return Evidence(what, True, f"phases {named(needed)}" if needed else "none is needed")


def _one_engine(asked: Asked, believed: Sequence[Certification]) -> Evidence:
    engines = {_engine(one) for one in believed}
    if len(engines) > 1:
        message = f"the certificates are of {len(engines)} engines: {'; '.join(sorted(engines))}"
        return Evidence("one engine", False, message, asked.command)
    checked = "running now" if asked.engine else "not held against a running one: give --engine"
    return Evidence("one engine", True, f"{engines.pop()}; {checked}")


def _engine(certification: Certification) -> str:
    identity = certification.identity
    files = certification.provenance.files if certification.provenance else {}
    digests = ", ".join(sorted(digest[:12] for digest in files.values()))
    return f"{identity.name} {identity.version} {identity.digest}" + (digests and f" ({digests})")


def _configuration(asked: Asked, believed: Sequence[Certification]) -> Evidence:
    """The certificates are of production's configuration, gates aside."""
    wanted = without_gates(effective_config(asked.config))
    where = asked.config_file or "the default configuration"
    for one in believed:
        certified = without_gates(one.provenance.config) if one.provenance else {}
        for key in {**wanted, **certified}:
            if wanted.get(key) != certified.get(key):
                message = f"{key} is {certified.get(key)!r} in the certificate,"
                message += f" {wanted.get(key)!r} in {where}"
                return Evidence("configuration", False, message, asked.command)
    return Evidence("configuration", True, where)


def _age(asked: Asked, believed: Sequence[Certification], now: datetime) -> Evidence:
    ages = [now - _finished(one) for one in believed]
    oldest, days = max(ages), asked.max_age / timedelta(days=1)
    if min(ages) < timedelta(0):
        return Evidence("age", False, "a certificate is of the future", asked.command)
    message = f"{oldest / timedelta(days=1):.1f} days, at most {days:g}"
    if oldest > asked.max_age:
        return Evidence("age", False, message, asked.command)
    return Evidence("age", True, message)


def _finished(certification: Certification) -> datetime:
    circumstances = certification.circumstances
    if circumstances is None:
        return datetime.min.replace(tzinfo=UTC)
    return datetime.fromisoformat(circumstances.finished)


def _in_full(asked: Asked, believed: Sequence[Certification]) -> Evidence:
    for one in believed:
        if one.profile == "recorded":
            message = "a recording shows what came up in it, and not what the engine does elsewhere"
            return Evidence("run in full", False, message, asked.command)
        if one.profile != "default" or one.fuzz_steps < FUZZ_STEPS["default"]:
            message = f"profile {one.profile}, {one.fuzz_steps} fuzz steps, expected default and"
            message += f" at least {FUZZ_STEPS['default']}"
            return Evidence("run in full", False, message, asked.command)
    return Evidence("run in full", True, f"{min(one.fuzz_steps for one in believed)} fuzz steps")


def _level(asked: Asked, believed: Sequence[Certification]) -> Evidence:
    least = min((one.level for one in believed), key=LEVELS.index)
    if LEVELS.index(least) < LEVELS.index(asked.level):
        message = f"{least}, expected {asked.level}: the engine lets too little be seen"
        command = f"quotemark gate --phase {asked.phase} --level {least} ... asks for less"
        return Evidence("level", False, message, command if least in LEVELS[1:] else "")
    return Evidence("level", True, f"{least}, at least {asked.level}")


def _stale_waivers(asked: Asked, believed: Sequence[Certification]) -> Evidence:
    stale = [one for certification in believed for one in certification.waivers if one.stale]
    if stale:
        message = "; ".join(f"{one.waiver.check}: {one.stale}" for one in stale)
        return Evidence(STALE, False, message, f"{asked.command} --waivers FILE, mended")
    return Evidence(STALE, True, "none is stale")


# --- requirements -----------------------------------------------------------------------------


def _proof(asked: Asked, believed: Sequence[Certification]) -> Iterator[Evidence]:
    """Every requirement of the phase, of what it needs and of all phases is proven in full."""
    for phase in (0, *asked.needed):
        wanted = [
            one
            for one in requirements().values()
            if one.phase == phase and one.level <= asked.level
        ]
        lacking = {one.id: why for one in wanted if (why := _lacking(one, asked, believed))}
        what = f"requirements of phase {phase}" if phase else "requirements of all phases"
        if lacking:
            shown = [f"{id_} {why}" for id_, why in list(lacking.items())[:MOST_NAMED]]
            more = len(lacking) - len(shown)
            message = "; ".join(shown) + (f"; and {more} more" if more else "")
            lacks_past = any(NO_LEGACY_PATH in why for why in lacking.values())
            command = asked.command_with_earlier_build if lacks_past else asked.command
            yield Evidence(what, False, message, command)
        else:
            yield Evidence(what, True, f"{len(wanted)} proven")
    rollback = requirements()[f"G-{asked.phase}"]
    why = _lacking(rollback, asked, believed)
    yield Evidence(
        "rollback",
        not why,
        f"{rollback.id} {why or 'proven'}: {rollback.statement}",
        asked.command_with_earlier_build if why else "",
    )


def _lacking(requirement: Requirement, asked: Asked, believed: Sequence[Certification]) -> str:
    """Why the certificates do not prove a requirement; empty if one does and none denies it."""
    found = [
        result
        for certification in believed
        for result in certification.requirements
        if result.requirement.id == requirement.id
    ]
    if not found:
        return "was not run"
    reasons = [_unproven(result, asked.level) for result in found]
    denied = [result.status for result in found if result.status in ("violated", "waived")]
    return denied[0] if denied else min(reasons, key=len)


def _unproven(result: RequirementResult, level: Level) -> str:
    """The first check that may be asked at ``level`` and did not pass; empty if all did."""
    found = {check.check: check for check in result.checks}
    for check in all_checks():
        if result.requirement.id in check.proves and check.level <= level:
            if check.name not in found:
                return f"not run in full ({check.name})"
            if found[check.name].status != "passed":
                return f"{found[check.name].status} ({_short(found[check.name])})"
    return ""


def _short(check: CheckResult) -> str:
    first, *_ = check.message.splitlines() or [""]
    return f"{check.check}: {first}"


# --- outcomes ---------------------------------------------------------------------------------


def _outcomes(
    asked: Asked, believed: Sequence[Certification], standing: Collection[int]
) -> Evidence:
    """No incident ends worse with the flag on than with the flags before it."""
    around = gates_around(asked.phase, standing)
    what = "outcomes"
    found = [
        one
        for certification in believed
        for one in certification.outcomes
        if one.phase == asked.phase
    ]
    if not found:
        return Evidence(what, False, "no incident was replayed with the phase", asked.command)
    for one in found:
        if one.unknown:
            message = f"the incidents cannot be run: {one.unknown}"
            return Evidence(what, False, message, asked.command_with_earlier_build)
        if (one.gates_with, one.gates_without) != around:
            message = f"measured beside phases {named(one.gates_without)}, production would have"
            return Evidence(what, False, f"{message} {named(around[1])}", asked.command)
        if one.worse():
            return Evidence(what, False, _worse(one.worse()))
    count = len(found[0].incidents)
    beside = f"phases {named(around[0])} beside {named(around[1])}"
    return Evidence(what, True, f"none of {count} incidents ends worse, {beside}")


def _worse(worse: Sequence[Ends]) -> str:
    shown = "; ".join(_ends(one) for one in worse[:MOST_NAMED])
    more = len(worse) - MOST_NAMED
    return f"worse: {shown}" + (f"; and {more} more" if more > 0 else "")


def _ends(ends: Ends) -> str:
    one, other = ends.with_phase, ends.without
    figures = {
        "loss": (one.loss, other.loss),
        "inventory": (one.largest_position, other.largest_position),
        "liveness": (one.unquoted_ms / 1e3, other.unquoted_ms / 1e3),
    }
    told = ", ".join(
        "{} {:.3f}, without {:.3f}".format(name, *figures[name]) for name in ends.worse()
    )
    return f"{ends.incident}: {told}"


def _remarks(asked: Asked, switched_on: Collection[int]) -> list[str]:
    """Flags that the settings switch off: on so far, but inert, and not gated themselves."""
    effective = effective_config(asked.config)
    return [
        f"{name} is written as false: it is on in the configuration or by default, but inert, and"
        " has no gate of its own behind it"
        for name, is_on in switches(tuple(switched_on)).items()
        if not is_on and effective[name]
    ]
