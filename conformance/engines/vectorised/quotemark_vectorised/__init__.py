"""The quote engine over arrays: many independent markets a step, for campaigns.

:class:`BatchEngine` is the whole quote cycle; each module beside it is a piece over arrays whose
last axis is the market, named as the reference's that specifies it. :func:`batch_of_one` brings
them behind the port, one market a session, so that the suite certifies them.
"""

try:
    import numpy as np  # noqa: F401 - asked for here, where its absence can be said plainly
except ImportError as error:
    raise ImportError("numpy is not installed; install quotemark[vectorised]") from error

from quotemark_vectorised.adapter import batch_of_one
from quotemark_vectorised.engine import BatchEngine, Cycle

__all__ = ["BatchEngine", "Cycle", "batch_of_one"]
