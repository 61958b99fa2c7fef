"""Defects that independent readers of the protocol found to survive, until a check refused them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from quotemark.mutants.base import Mutant
from quotemark_reference import inventory, ladder, legacy
from quotemark_reference.config import DriftConfig
from quotemark_reference.drift import KalmanDrift
from quotemark_reference.engine import Cycle, QuoteEngine

# The reference's own functions, for the mutants that only bend them.
_kalman_init = KalmanDrift.__init__
_kalman_update = KalmanDrift.update
_update_drift = QuoteEngine._update_drift
_expected_pnls = QuoteEngine._expected_pnls_bps
_on_estimate = QuoteEngine.on_estimate
_on_fill = QuoteEngine.on_fill
_cycle = QuoteEngine.cycle
_zone = legacy.zone
_cut_sizes = ladder.cut_sizes
_accumulating_side = inventory.accumulating_side
_killed_side = inventory.killed_side


def _prior_floored(self: KalmanDrift, config: DriftConfig) -> None:
    _kalman_init(self, config)
    self.variance = max(config.p_min, config.prior_variance)


def _capped_at_50(self: KalmanDrift, z_bps_per_s: float, variance: float) -> float:
    gain = _kalman_update(self, z_bps_per_s, variance)
    self.mean = min(50.0, max(-50.0, self.mean))
    return gain


def _signals_by_variance(self: QuoteEngine, t_ms: int, mid: float) -> None:
    self._signals.sort(key=lambda sourced: sourced[1][1])
    _update_drift(self, t_ms, mid)


def _estimate_resets(self: QuoteEngine, t_ms: int, **estimates: float | None) -> None:
    defaults = {name: getattr(self._config, name) for name in estimates}
    given = {name: value for name, value in estimates.items() if value is not None}
    _on_estimate(self, t_ms, **(defaults | given))


def _lambda_of_config(
    self: QuoteEngine, side: str, depths: Sequence[float], as_cost: float
) -> list[float]:
    own = self._kappas
    self._kappas = (self._config.kappa_bid_per_bps, self._config.kappa_ask_per_bps)
    try:
        return _expected_pnls(self, side, depths, as_cost)
    finally:
        self._kappas = own


def _fill_mid_stays(self: QuoteEngine, *fill: Any, **named: Any) -> None:  # noqa: ANN401
    _on_fill(self, *fill, **named)
    self._book_mid = named["mid"] or self._book_mid


def _rejected_fill_burns_its_id(self: QuoteEngine, *fill: Any, **named: Any) -> None:  # noqa: ANN401
    try:
        _on_fill(self, *fill, **named)
    finally:
        self._fill_ids.add(named["fill_id"])


def _rejected_cycle_spends_signals(self: QuoteEngine, t_ms: int, mid: float | None = None) -> Cycle:
    if mid is None and self._book_mid is None:
        self._signals.clear()
    return _cycle(self, t_ms, mid)


def _red_above_80(position: float, max_position: float) -> str:
    return _zone(position * (1.0 - 1e-12), max_position)


def _dropped_takes_room(sizes: Sequence[float], room: float, min_size: float) -> list[float]:
    cut = []
    for size in sizes:
        allowed = min(size, max(0.0, room))
        room -= allowed
        cut.append(allowed if allowed >= min_size else 0.0)
    return cut


def _dust_is_flat(position: float) -> str | None:
    return None if abs(position) < 1e-3 else _accumulating_side(position)


def _kill_guard_early(position: float, max_position: float) -> str | None:
    return _killed_side(position * (1.0 + 1e-6), max_position)


FOUND_BY_READERS = (
    Mutant(
        "prior-floored",
        "D-04",
        "P_0 is floored before any update",
        {"drift.KalmanDrift.__init__": _prior_floored},
    ),
    Mutant(
        "drift-capped-at-50",
        "P1.test_drift_unclamped_exceeds_3bps",
        "the drift is clamped to +-50 bp/s",
        {"drift.KalmanDrift.update": _capped_at_50},
    ),
    Mutant(
        "signals-by-variance",
        "D-41",
        "a cycle's signals are sorted by variance",
        {"engine.QuoteEngine._update_drift": _signals_by_variance},
    ),
    Mutant(
        "estimate-resets",
        "D-43",
        "what an estimate leaves out falls back to the config",
        {"engine.QuoteEngine.on_estimate": _estimate_resets},
    ),
    Mutant(
        "lambda-of-config",
        "D-43",
        "lambda keeps the config's kappa",
        {"engine.QuoteEngine._expected_pnls_bps": _lambda_of_config},
    ),
    Mutant(
        "fill-mid-stays",
        "Q-04",
        "a fill's mid becomes the last mid",
        {"engine.QuoteEngine.on_fill": _fill_mid_stays},
    ),
    Mutant(
        "rejected-fill-burns-its-id",
        "Q-08",
        "a rejected fill's id counts as seen",
        {"engine.QuoteEngine.on_fill": _rejected_fill_burns_its_id},
    ),
    Mutant(
        "rejected-cycle-spends-signals",
        "Q-04",
        "a cycle rejected for want of a mid drops the held signals",
        {"engine.QuoteEngine.cycle": _rejected_cycle_spends_signals},
    ),
    Mutant(
        "red-above-80", "G-2", "Red begins above 80 %, not at it", {"legacy.zone": _red_above_80}
    ),
    Mutant(
        "least-size-dropped",
        "A-engine",
        "a level of exactly min_size is dropped",
        {
            "ladder.cut_sizes": lambda sizes, room, min_size: _cut_sizes(
                sizes, room, min_size * (1.0 + 1e-9)
            )
        },
    ),
    Mutant(
        "dropped-takes-room",
        "A-engine",
        "a level dropped for its size still uses up the limit",
        {"ladder.cut_sizes": _dropped_takes_room},
    ),
    Mutant(
        "dust-is-flat",
        "D-18",
        "a position below 0.001 has no accumulating side",
        {"inventory.accumulating_side": _dust_is_flat},
    ),
    Mutant(
        "kill-guard-early",
        "D-10",
        "the kill guard acts a millionth before the limit",
        {"inventory.killed_side": _kill_guard_early},
    ),
    Mutant(
        "reducing-room-capped",
        "A-engine",
        "the reducing side may only go back to flat and q_max beyond",
        {
            "ladder.cut_sizes": lambda sizes, room, min_size: _cut_sizes(
                sizes, min(room, 8.57), min_size
            )
        },
    ),
)
