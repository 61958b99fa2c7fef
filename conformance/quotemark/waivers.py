"""Waivers: failed checks that somebody answers for, until a day.

    [[waiver]]
    check = "phase5.theta_follows_the_sign"
    owner = "Ana, execution"
    reason = "The adaptation of the next release mends it."
    expires = 2026-12-31

A waived check neither violates a requirement nor proves it. A waiver is a debt: once its day is
past, or the check passes, or does not run at all, it is stale, and fails the run until it is taken
out or renewed. The run then fails for the waiver, not for the engine: also an expired one marks its
check as waived.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from quotemark.errors import InputError
from quotemark.results import CheckResult, Waiver, WaiverResult


class _File(Struct, forbid_unknown_fields=True):
    waiver: list[Waiver] = []


def load_waivers(path: Path) -> list[Waiver]:
    """Read a file of waivers; raises :class:`InputError` where it is none."""
    try:
        waivers = msgspec.convert(tomllib.loads(path.read_text("utf-8")), _File).waiver
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise InputError(f"{path}: {error}") from None
    checks = [waiver.check for waiver in waivers]
    for check in checks:
        if checks.count(check) > 1:
            raise InputError(f"{path}: {checks.count(check)} waivers of {check}, expected one")
    return waivers


def apply_waivers(
    results: Sequence[CheckResult], waivers: Sequence[Waiver], today: date
) -> tuple[list[CheckResult], list[WaiverResult]]:
    """Waive the failed checks that have a waiver, and find the waivers that are stale."""
    waived = {waiver.check for waiver in waivers}
    found = {result.check: result for result in results}
    return (
        [
            replace(result, status="waived")
            if result.status == "failed" and result.check in waived
            else result
            for result in results
        ],
        [
            WaiverResult(waiver, _why_stale(waiver, found.get(waiver.check), today))
            for waiver in waivers
        ],
    )


def _why_stale(waiver: Waiver, result: CheckResult | None, today: date) -> str:
    if result is None:
        return "no such check was run"
    if result.status == "passed":
        return "the check passes"
    if result.status != "failed":
        return f"the check is {result.status}, there is nothing to waive"
    return f"it expired on {waiver.expires}" if waiver.expires < today else ""
