"""The certificate: an in-toto Statement v1 with a test-result predicate, made from an event log.

Its subject is the engine: its files, and the digest that it declares. Its configuration names all
that the result rests on, by digest: suite, vectors, tolerances, waivers, the effective config, the
event log and the report, which stand beside it. Tests are requirements: proven ones passed, waived
ones warned, violated ones failed; those that are unproven or unsupported are in the report.

The same log and report give the same bytes.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from quotemark.errors import InputError
from quotemark.evidence.digests import file_digest
from quotemark.evidence.events import read_log
from quotemark.messages import Json
from quotemark.results import Certification, Provenance, RequirementStatus

SUFFIX = ".intoto.json"
EVENT_LOG = "event log"
REPORT = "report"

Result = Literal["PASSED", "WARNED", "FAILED"]


class Descriptor(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A resource: what it is called, where it is, and its digest."""

    name: str
    digest: dict[str, str]
    uri: str = ""
    annotations: Json = {}


class TestResult(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The predicate: what came out, of which tests, with what."""

    result: Result
    configuration: list[Descriptor]
    url: str
    passed_tests: list[str]
    warned_tests: list[str]
    failed_tests: list[str]


class Statement(Struct, frozen=True, forbid_unknown_fields=True):
    """What is stated of the subject."""

    type_: Literal["https://in-toto.io/Statement/v1"] = msgspec.field(name="_type")
    subject: list[Descriptor]
    predicate_type: Literal["https://in-toto.io/attestation/test-result/v0.1"] = msgspec.field(
        name="predicateType"
    )
    predicate: TestResult

    def configured(self, name: str) -> Descriptor:
        """What the result rests on, by name; raises :class:`InputError` where it is not named."""
        for one in self.predicate.configuration:
            if one.name == name:
                return one
        raise InputError(f"certificate: configuration lacks {name!r}")


def make_certificate(log: Path, report: Path) -> str:
    """Make the certificate of what ``log`` tells; ``report`` stands beside it.

    Raises :class:`InputError` where a file cannot be read, or the engine cannot be told from
    others: no file of it is known, and it declares no digest.
    """
    certification = read_log(log)
    provenance = certification.provenance
    if provenance is None:
        raise InputError(f"{log}: does not say what was certified, so it cannot be certified")
    statement = Statement(
        type_="https://in-toto.io/Statement/v1",
        predicate_type="https://in-toto.io/attestation/test-result/v0.1",
        subject=_subject(certification, provenance),
        predicate=TestResult(
            result=_result(certification),
            configuration=[
                *_rests_on(certification, provenance),
                Descriptor(EVENT_LOG, {"sha256": file_digest(log)}, log.name, _run(certification)),
                Descriptor(REPORT, {"sha256": file_digest(report)}, report.name),
            ],
            url=report.name,
            passed_tests=_with_status(certification, "proven"),
            warned_tests=_with_status(certification, "waived"),
            failed_tests=_with_status(certification, "violated"),
        ),
    )
    return msgspec.json.format(msgspec.json.encode(statement)).decode() + "\n"


def read_statement(path: Path) -> Statement:
    """Read a certificate; raises :class:`InputError` where the file is none."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Statement)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{path}: is no certificate: {error}") from None


def _subject(certification: Certification, provenance: Provenance) -> list[Descriptor]:
    """The engine: the digest that it declares, and its files."""
    identity = certification.identity
    declared = re.fullmatch("sha256:([0-9a-f]{64})", identity.digest)
    subject = [Descriptor(name, {"sha256": one}) for name, one in provenance.files.items()]
    if declared:
        subject.insert(0, Descriptor(identity.name, {"sha256": declared[1]}))
    if not subject:
        raise InputError(
            f"engine {identity.name}: digest is {identity.digest!r}, expected sha256: and 64"
            " hexadecimal digits, as no file of the engine is known that a certificate could name"
        )
    return subject


def _rests_on(certification: Certification, provenance: Provenance) -> list[Descriptor]:
    return [
        Descriptor(
            "suite",
            {"sha256": provenance.suite_digest},
            annotations={"version": certification.suite},
        ),
        Descriptor("vectors", {"sha256": provenance.vectors_digest}),
        Descriptor("tolerances", {"sha256": provenance.tolerances_digest}),
        Descriptor("waivers", {"sha256": provenance.waivers_digest}),
        Descriptor("config", {"sha256": provenance.config_digest}),
    ]


def _run(certification: Certification) -> Json:
    """What was run, and what it came to."""
    identity = certification.identity
    circumstances = certification.circumstances
    return {
        "engine": identity.name,
        "version": identity.version,
        "level": certification.level,
        "phases": certification.phases,
        "profile": certification.profile,
        "seed": certification.seed,
        "fuzzSteps": certification.fuzz_steps,
        "verdict": certification.verdict,
        "finished": circumstances.finished if circumstances else "",
    }


def _result(certification: Certification) -> Result:
    """A run that is not in full, or needed a waiver, is a warning to who reads no further."""
    if not certification.conformant:
        return "FAILED"
    in_full = certification.profile == "default" and not certification.counts()["waived"]
    return "PASSED" if in_full else "WARNED"


def _with_status(certification: Certification, status: RequirementStatus) -> list[str]:
    return [one.requirement.id for one in certification.requirements if one.status == status]
