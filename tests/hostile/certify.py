"""Certify a hostile engine, and print what checks found and how much memory that took.

``certify.py CHECKS WORKERS MODE PATIENCE_S [LOCK]``: the beginnings of the names of checks, with
commas between, in how many processes, and the arguments of the engine. It is a process of its own
so that its memory can be told.
"""

from __future__ import annotations

import resource
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
    peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = {"checks": certification.checks, "peak_bytes": peak_kb * 1024}
    sys.stdout.buffer.write(msgspec.json.encode(found))


if __name__ == "__main__":
    main()
