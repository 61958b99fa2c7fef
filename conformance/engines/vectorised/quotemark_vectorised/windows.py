"""What each market remembers: its last values by number, or those not older than a time.

Values lie in slots [slot, market]; sums over them ask for no order. A window starts small and
doubles when a market needs more.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quotemark_vectorised.arrays import BoolArray, FloatArray

FIRST_SLOTS = 8
ROUNDING_MS = 1.0
"""What is kept beyond a window, whose border in ms may have been rounded."""


class LastValues:
    """The last ``length`` rows of ``series`` values of each market.

    ``values`` is [series, slot, market]; slots not in use hold 0.
    """

    def __init__(self, markets: int, length: int, series: int = 1) -> None:
        self._length = length
        self._taken = np.zeros(markets, np.int64)
        self.values: FloatArray = np.zeros((series, min(length, FIRST_SLOTS), markets))

    @property
    def counts(self) -> FloatArray:
        """Values that each market holds."""
        return np.minimum(self._taken, self._length).astype(np.float64)

    def in_use(self) -> BoolArray:
        """Slots [slot, market] that hold a value."""
        slots = np.arange(self.values.shape[1])[:, None]
        used: BoolArray = slots < self._taken
        return used

    def add(self, where: BoolArray, *values: FloatArray) -> None:
        """Add a value of each series for the markets of ``where``; the oldest makes room."""
        markets = np.flatnonzero(where)
        slots = self._taken[markets] % self._length
        while slots.max(initial=0) >= self.values.shape[1]:
            self.values = _doubled(self.values, self._length, 0.0)
        for series, added in zip(self.values, values, strict=True):
            series[slots, markets] = added[markets]
        self._taken[markets] += 1


class TimedValues:
    """Values of each market with a time in ms, as long as they are not forgotten.

    ``t_ms`` is [slot, market], -inf where a slot holds nothing; ``values`` [series, slot, market].
    """

    def __init__(self, markets: int, series: int = 1) -> None:
        self._next = np.zeros(markets, np.int64)
        self.t_ms: FloatArray = np.full((FIRST_SLOTS, markets), -np.inf)
        self.values: FloatArray = np.zeros((series, FIRST_SLOTS, markets))

    def add(
        self, where: BoolArray, t_ms: FloatArray, forgotten_before: FloatArray, *values: FloatArray
    ) -> None:
        """Add values for the markets of ``where``, over any from before ``forgotten_before``."""
        markets = np.flatnonzero(where)
        slots = self._next[markets]
        if (self.t_ms[slots, markets] >= forgotten_before[markets]).any():
            slots = self._grow(markets)
        self.t_ms[slots, markets] = t_ms[markets]
        for series, added in zip(self.values, values, strict=True):
            series[slots, markets] = added[markets]
        self._next[markets] = (slots + 1) % len(self.t_ms)

    def _grow(self, markets: NDArray[np.intp]) -> NDArray[np.int64]:
        """Double the slots; every market goes on in the new ones."""
        slots = len(self.t_ms)
        self.t_ms = _doubled(self.t_ms, 2 * slots, -np.inf)
        self.values = _doubled(self.values, 2 * slots, 0.0)
        self._next[:] = slots
        return self._next[markets]


def _doubled(slots: FloatArray, at_most: int, fill: float) -> FloatArray:
    """Return twice as many slots, the second axis from behind, but ``at_most`` so many."""
    *series, count, markets = slots.shape
    added = np.full((*series, min(count, at_most - count), markets), fill)
    return np.concatenate([slots, added], axis=-2)
