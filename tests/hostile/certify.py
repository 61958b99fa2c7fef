"""Certify a hostile engine, and print what checks found and how much memory that took.

``certify.py CHECKS WORKERS MODE PATIENCE_S [LOCK]``: the beginnings of the names of checks, with
commas between, in how many processes, and the arguments of the engine. It is a process of its own
so that its memory can be told.
"""

from __future__ import annotations

import shlex
import sys
from functools import partial
from pathlib import Path

import msgspec

from quotemark.adapters import make_engine
from quotemark.suite.runner import certify

ENGINE = Path(__file__).parent / "engine.py"


def main() -> None:
    checks, workers, *arguments = sys.argv[1:]
    engine = "stdio:" + shlex.join([sys.executable, str(ENGINE), *arguments])
    certification = certify(
        partial(make_engine, engine, timeout_s=float(arguments[1])),
        phases=[1, 4],
        workers=int(workers),
        chosen=lambda check: check.name.startswith(tuple(checks.split(","))),
    )
    found = {"checks": certification.checks, "peak_bytes": peak_bytes()}
    sys.stdout.buffer.write(msgspec.json.encode(found))


def peak_bytes() -> int:
    """Peak memory of this program alone; ``getrusage`` would count who started it, too."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    peak = next(line for line in lines if line.startswith("VmHWM:"))
    return int(peak.split()[1]) * 1024


if __name__ == "__main__":
    main()
