"""One Hypothesis profile everywhere: no deadline, the same examples each run."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("quotemark", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("quotemark")
