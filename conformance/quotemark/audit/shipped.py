"""The audit that ships, with digests of what it rests on, so that it is known when it is outdated.

``quotemark audit --save`` writes it anew.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from quotemark.audit.findings import Audit
from quotemark.evidence.digests import file_digest, value_digest
from quotemark.resources import resource_folder

SHIPPED = Path(__file__).parent / "audit.json"


def shipped_audit() -> Audit:
    """Read the audit that ships."""
    return msgspec.json.decode(SHIPPED.read_bytes(), type=Audit)


def written(audit: Audit) -> str:
    """Return the audit as the text of its file."""
    return msgspec.json.format(msgspec.json.encode(audit)).decode() + "\n"


def scenarios_digest() -> str:
    """Digest of the settings and tapes of all scenarios, SHA-256 in hexadecimal."""
    folder = resource_folder("scenarios")
    return value_digest(
        {
            path.relative_to(folder).as_posix(): file_digest(path)
            for path in sorted(folder.glob("*/*"))
            if path.suffix in (".toml", ".jsonl")
        }
    )
