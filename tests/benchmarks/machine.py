"""The machine that a benchmark ran on: its processor, its Python, and the peers' versions."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import quotemark

PEERS = (
    "numpy",
    "numba",
    "filterpy",
    "pykalman",
    "statsmodels",
    "simdkalman",
    "hftbacktest",
    "bowtie-json-schema",
    "jsonschema",
    "playwright",
)
TOOLS = (("cc", "--version"), ("cargo", "--version"), ("chromium", "--version"))
CPU_INFO = Path("/proc/cpuinfo")


def machine() -> dict[str, str]:
    """What may bear on a figure, by name; what is not there is said to be absent."""
    return {
        "processor": processor(),
        "cores": str(os.cpu_count() or 1),
        "load before the run": ", ".join(f"{load:.2f}" for load in os.getloadavg()),
        "system": platform.platform(),
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "quotemark": quotemark.__version__,
        **{name: _version_of(name) for name in PEERS},
        **{command[0]: _said_by(command) for command in TOOLS},
    }


def processor() -> str:
    """Model of the processor as the system names it."""
    told = CPU_INFO.read_text("utf-8") if CPU_INFO.is_file() else ""
    model = re.search(r"^model name\s*: (.+)$", told, re.MULTILINE)
    return model[1] if model else platform.processor() or platform.machine()


def _version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


def _said_by(command: Sequence[str]) -> str:
    if shutil.which(command[0]) is None:
        return "absent"
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout.splitlines()[0]
