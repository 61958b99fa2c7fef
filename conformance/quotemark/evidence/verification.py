"""Verify a certificate: it, its event log, its report, the suite and the engine belong together.

A certificate follows from its event log and report, so it is made anew from them and compared. What
was written after the run, or does not belong to it, is found; whoever changes certificate, log and
report together is found out by the signature alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from quotemark import __version__
from quotemark.adapters import identity_of
from quotemark.errors import InputError
from quotemark.evidence import digests
from quotemark.evidence.certificate import (
    EVENT_LOG,
    REPORT,
    Descriptor,
    Statement,
    make_certificate,
    read_statement,
)
from quotemark.evidence.events import read_log
from quotemark.evidence.signature import is_signed, read_public_key, signature_of
from quotemark.messages import Json
from quotemark.results import Certification, Provenance

FindingStatus = Literal["ok", "wrong", "unchecked"]


class Finding(Struct, frozen=True):
    """What was looked at, whether it is as the certificate says, and what there is to say of it."""

    what: str
    status: FindingStatus
    message: str


class Verification(Struct, frozen=True):
    """All that was found of a certificate, and the certification behind it where it can be read."""

    certificate: str
    findings: list[Finding]
    certification: Certification | None = None

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return all(finding.status != "wrong" for finding in self.findings)


def verify(path: Path, engine: str | None = None, key: Path | None = None) -> Verification:
    """Hold the certificate at ``path`` against what lies beside it, this suite and ``engine``.

    Without ``engine`` or ``key`` it is said that engine or signature were not checked. Raises
    :class:`InputError` where the file is no certificate, or the key is none.
    """
    statement = read_statement(path)
    findings = [_signature(path, key), *_files(path, statement)]
    certification = None
    if all(finding.status != "wrong" for finding in findings):
        try:
            certification = read_log(_beside(path, statement.configured(EVENT_LOG)))
            findings.append(_conclusion(path, statement))
        except InputError as error:
            findings.append(Finding("conclusions", "wrong", str(error)))
    if certification is not None and certification.provenance is not None:
        findings += _suite(certification.provenance)
        findings.append(_engine(certification, certification.provenance, engine))
    return Verification(str(path), findings, certification)


def _signature(path: Path, key: Path | None) -> Finding:
    signature = signature_of(path)
    if key is None:
        word = "not checked: give --key" if signature.exists() else "unsigned"
        return Finding("signature", "unchecked", word)
    public = read_public_key(key)
    if not signature.exists():
        return Finding("signature", "wrong", f"unsigned, expected {signature} by {key}")
    if not is_signed(path, public):
        return Finding("signature", "wrong", f"{signature} is not of {path} by {key}")
    return Finding("signature", "ok", f"by {key}")


def _files(path: Path, statement: Statement) -> Iterator[Finding]:
    """Event log and report are those that the certificate names."""
    for name in (EVENT_LOG, REPORT):
        try:
            named = statement.configured(name)
            file = _beside(path, named)
            yield _same(name, str(file), named.digest.get("sha256", ""), digests.file_digest(file))
        except InputError as error:
            yield Finding(name, "wrong", str(error))


def _beside(path: Path, named: Descriptor) -> Path:
    """The file of that name in the certificate's folder, and in no other."""
    if not named.uri or Path(named.uri).name != named.uri:
        raise InputError(f"uri of the {named.name} is {named.uri!r}, expected the name of a file")
    return path.with_name(named.uri)


def _conclusion(path: Path, statement: Statement) -> Finding:
    """The certificate is the one that its log and report give, to the byte."""
    log, report = (_beside(path, statement.configured(name)) for name in (EVENT_LOG, REPORT))
    made = make_certificate(log, report)
    written = path.read_bytes()
    if written == made.encode():
        return Finding("conclusions", "ok", "those of the event log")
    expected, got = msgspec.json.decode(made), msgspec.json.decode(written)
    place = _first_difference(expected, got) or "the way in which it is written"
    return Finding("conclusions", "wrong", f"{place} is not that of the event log")


def _first_difference(expected: Any, got: Any, place: str = "") -> str:  # noqa: ANN401 - any JSON
    """Where two JSON values differ; empty if nowhere."""
    if isinstance(expected, dict) and isinstance(got, dict):
        pairs = [(f".{key}", expected.get(key), got.get(key)) for key in {**expected, **got}]
    elif isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        numbered = enumerate(zip(expected, got, strict=True))
        pairs = [(f"[{number}]", *pair) for number, pair in numbered]
    else:
        return "" if expected == got else place.lstrip(".")
    found = (_first_difference(one, other, place + step) for step, one, other in pairs)
    return next((difference for difference in found if difference), "")


def _suite(provenance: Provenance) -> Iterator[Finding]:
    """Suite, vectors and tolerances are those that run here."""
    here = f"this suite, {__version__}"
    yield _same("suite", here, provenance.suite_digest, digests.suite_digest())
    yield _same("vectors", here, provenance.vectors_digest, digests.vectors_digest())
    yield _same("tolerances", here, provenance.tolerances_digest, digests.tolerances_digest())


def _engine(certification: Certification, provenance: Provenance, engine: str | None) -> Finding:
    if engine is None:
        return Finding("engine", "unchecked", "not checked: give --engine")
    identity = identity_of(engine)
    certified = certification.identity
    for name in ("name", "version", "digest"):
        expected, got = getattr(certified, name), getattr(identity, name)
        if expected != got:
            return Finding("engine", "wrong", f"{name} is {got!r}, {expected!r} was certified")
    found = digests.engine_files(engine)
    if sorted(found.values()) != sorted(provenance.files.values()):
        return Finding("engine", "wrong", _other_files(provenance.files, found))
    return Finding("engine", "ok", f"{identity.name} {identity.version}, {len(found)} files")


def _other_files(certified: Json, found: Json) -> str:
    for name, digest in certified.items():
        if name in found and found[name] != digest:
            return f"{name} has sha256 {found[name]}, {digest} was certified"
    return f"its files are {_names(found)}, {_names(certified)} were certified"


def _names(files: Sequence[str] | Json) -> str:
    return ", ".join(files) or "none"


def _same(what: str, where: str, expected: str, found: str) -> Finding:
    if expected == found:
        return Finding(what, "ok", where)
    return Finding(what, "wrong", f"{where} has sha256 {found}, {expected} was certified")
