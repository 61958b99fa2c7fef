"""How long an engine is waited for: one that never answers must not hold up the run for hours.

Checks are judged in the order in which they are begun. So it changes nothing that several run at
once, and a later one may have been run already.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from quotemark.results import CheckResult

SILENCES = ("hang", "late", "torn_line")
"""Labels of faults that are only found by waiting."""
MOST_OF_A_COMPONENT = 3
MOST_OF_ALL = 10


def reason_not_to_run(component: str, earlier: Iterable[CheckResult]) -> str:
    """Why a check of ``component`` is not run after the checks begun before it, if so."""
    silences = Counter(result.component for result in earlier if result.label in SILENCES)
    if silences[component] >= MOST_OF_A_COMPONENT:
        return f"not run: {MOST_OF_A_COMPONENT} checks of {component} had to wait in vain before"
    # those beyond the most of a component were begun before its last was done
    if sum(min(count, MOST_OF_A_COMPONENT) for count in silences.values()) >= MOST_OF_ALL:
        return f"not run: {MOST_OF_ALL} checks had to wait in vain before"
    return ""
