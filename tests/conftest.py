"""What all tests share.

Helper modules are imported as ``tests...``, as mypy sees them. One Hypothesis profile everywhere:
no deadline, the same examples each run.
"""

from __future__ import annotations

import sys
from pathlib import Path

from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parents[1]))

settings.register_profile("quotemark", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("quotemark")
