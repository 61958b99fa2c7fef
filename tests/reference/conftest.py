"""Lets the tests here import their helper modules as ``tests.reference...``, as mypy sees them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
