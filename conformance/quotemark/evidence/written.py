"""The files of a run: report, event log and certificate, side by side under one name."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from quotemark.errors import InputError
from quotemark.evidence import certificate as certificates
from quotemark.evidence.events import event_log
from quotemark.files import write_whole
from quotemark.results import Certification

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


class Written(Struct, frozen=True):
    """Where the files are; ``certificate`` is ``None`` where ``why_none`` says why."""

    report: Path
    log: Path
    certificate: Path | None
    why_none: str = ""


def files_beside(report: Path) -> tuple[Path, Path]:
    """Event log and certificate of a report.

    Raises :class:`InputError` where the report is called as the event log would be.
    """
    log, certificate = report.with_suffix(".jsonl"), report.with_suffix(certificates.SUFFIX)
    if report == log:
        raise InputError(f"report is {report}, expected another name than its event log's")
    return log, certificate


def write_evidence(
    certification: Certification, page: str, report: Path, key: Ed25519PrivateKey | None
) -> Written:
    """Write the report, and beside it event log and certificate, signed if there is a key.

    The certificate comes last, and what was certified before under this name goes first, so that
    none ever stands beside what it does not state. Raises :class:`InputError` where a file cannot
    be written.
    """
    log, certificate = files_beside(report)
    signature = certificate.with_name(f"{certificate.name}.sig")
    for stale in (signature, certificate):
        with suppress(OSError):
            stale.unlink()
    write_whole(report, page)
    write_whole(log, event_log(certification))
    try:
        text = certificates.make_certificate(log, report)
    except InputError as error:
        return Written(report, log, None, str(error))
    write_whole(certificate, text)
    if key is not None:
        from quotemark.evidence.signature import sign  # noqa: PLC0415 - only who signs needs it

        write_whole(signature, sign(text, key))
    return Written(report, log, certificate)
