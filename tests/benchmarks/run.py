"""Measure everything and print it: ``nox -s bench``, with ``-- --quick`` for a look.

``--markdown FILE`` and ``--json FILE`` write the same; ``--only NAME`` measures some tables.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from tests.benchmarks import certification, cycles, events, filters, paths, routes, tiers
from tests.benchmarks.machine import machine
from tests.benchmarks.measure import FULL, QUICK, Effort, Table
from tests.benchmarks.page import Results, as_markdown, as_text

BENCHMARKS: dict[str, Callable[[Effort], list[Table]]] = {
    "filters": filters.tables,
    "routes": routes.tables,
    "events": events.tables,
    "cycles": cycles.tables,
    "paths": paths.tables,
    "tiers": tiers.tables,
    "certification": certification.tables,
}


def main() -> None:
    """Measure what was asked for, print each table as it is done, and write the files."""
    parser = argparse.ArgumentParser("nox -s bench --", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds of little work")
    parser.add_argument("--only", choices=BENCHMARKS, nargs="+", default=list(BENCHMARKS))
    parser.add_argument("--markdown", type=Path, metavar="FILE")
    parser.add_argument("--json", type=Path, metavar="FILE")
    asked = parser.parse_args()
    about = machine()
    for name, value in about.items():
        print(f"{name:<20} {value}")
    print()
    measured = []
    for name in asked.only:
        for table in BENCHMARKS[name](QUICK if asked.quick else FULL):
            print(as_text(table), flush=True)
            measured.append(table)
    results = Results(
        taken=datetime.now(UTC).strftime("%Y-%m-%d"),
        effort="a quick look" if asked.quick else "in full",
        machine=about,
        tables=measured,
    )
    if asked.markdown:
        asked.markdown.write_text(as_markdown(results), "utf-8")
    if asked.json:
        asked.json.write_bytes(msgspec.json.format(msgspec.json.encode(results)) + b"\n")


if __name__ == "__main__":
    main()
