"""Gates and rollback."""

from __future__ import annotations

from typing import Any

import quotemark_reference.config as gating
from quotemark.mutants.base import Mutant
from quotemark_reference import inventory, legacy, volatility
from quotemark_reference.config import EngineConfig
from quotemark_reference.engine import QuoteEngine
from quotemark_reference.inventory import ASK, BID

# The reference's own functions, for the mutants that only bend them.
_active_phases = gating.active_phases
_update_drift = QuoteEngine._update_drift
_size_multiplier = QuoteEngine._size_multiplier
_on_toxicity = QuoteEngine.on_toxicity
_on_fill = QuoteEngine.on_fill


def _filter_without_prerequisites(config: EngineConfig) -> frozenset[int]:
    return frozenset(phase for phase, on in gating.gates(config).items() if on)


def _adaptation_always(config: EngineConfig) -> frozenset[int]:
    active = _active_phases(config)
    return active | {5} if 4 in active else active


def _adaptation_without_filter(config: EngineConfig) -> frozenset[int]:
    active = _active_phases(config)
    return active | {5} if config.use_online_adaptation and 1 in active else active


def _funding_always(config: EngineConfig) -> frozenset[int]:
    active = _active_phases(config)
    return active | {6} if 4 in active else active


def _funding_without_filter(config: EngineConfig) -> frozenset[int]:
    return _active_phases(config) | ({6} if config.use_funding else set())


def _funding_after_adaptation(config: EngineConfig) -> frozenset[int]:
    active = _active_phases(config)
    return active if 5 in active else active - {6}


def _books_always(config: EngineConfig) -> frozenset[int]:
    active = _active_phases(config)
    return active | {7} if 1 in active else active


def _books_after_filter(config: EngineConfig) -> frozenset[int]:
    active = _active_phases(config)
    return active if 4 in active else active - {7}


def _tape_always(config: EngineConfig) -> frozenset[int]:
    active = _active_phases(config)
    return active | {8} if 1 in active else active


def _tape_after_books(config: EngineConfig) -> frozenset[int]:
    active = _active_phases(config)
    return active if 7 in active else active - {8}


def _volatility_without_phase_1(self: QuoteEngine, t_ms: int, mid: float) -> None:
    """Scale sigma wherever the gate of phase 8 is on, inert or not."""
    _update_drift(self, t_ms, mid)
    if self._config.use_tape_features and 8 not in self._active:
        sources = self._sources
        sources.volatility.follow(t_ms, mid)
        vol_ratio = sources.volatility.vol_ratio()
        sources.sigma_multiplier = volatility.sigma_multiplier(vol_ratio, self._config)


def _books_without_phase_1(self: QuoteEngine, t_ms: int, mid: float) -> None:
    """Give what the book says to the legacy estimator, where phase 7 is inert."""
    if self._config.use_book_features and 1 not in self._active:
        self._sources.book.follow(t_ms)
        self._signals += self._sources.book.drift_observations()
    _update_drift(self, t_ms, mid)


def _carry_with_gate_off(self: QuoteEngine, side: str) -> float:
    return self._sources.funding.carry_bps(side)


def _funding_skew_with_gate_off(self: QuoteEngine) -> float:
    return self._sources.funding.skew_bps(self._position, self._config.max_position)


def _depth_reported_when_off(self: QuoteEngine) -> list[float] | None:
    return list(self._sources.book.shape().insufficient_depth_bps)


def _kill_zone_unsized(self: QuoteEngine, side: str) -> float:
    multiplier = _size_multiplier(self, side)
    in_kill = legacy.zone(self._position, self._config.max_position) == legacy.KILL
    return multiplier / legacy.ZONE_SIZE_MULTIPLIER[legacy.KILL] if in_kill else multiplier


def _toxicity_of_the_aggressor(self: QuoteEngine, t_ms: int, side: str, toxicity: float) -> None:
    _on_toxicity(self, t_ms, ASK if side == BID else BID, toxicity)


def _old_beta_in_proportion(self: QuoteEngine) -> float:
    """Take 3 of 7 parts of the configured beta for the old one."""
    config = self._config
    beta = config.inventory_beta if 2 in self._active else config.inventory_beta * 3.0 / 7.0
    return inventory.gamma_per_bps(
        config.gamma_base_per_bps, beta, self._position, config.max_position
    )


def _fills_in_the_old_estimator(self: QuoteEngine, *fill: Any, **named: Any) -> None:  # noqa: ANN401
    _on_fill(self, *fill, **named)
    observation = self._fill_observation(fill[1], fill[2], self._mid_of(named["mid"]))
    if 1 not in self._active and observation is not None:
        self._signals.append(("fill", observation))


GATES = (
    Mutant(
        "legacy-drift-unclamped",
        "G-1",
        "with phase 1 off nothing clamps the drift",
        {"legacy.clamped_shift_bps": lambda shift: shift},
    ),
    Mutant(
        "trend-lost-in-rollback",
        "Q-03",
        "with phase 1 off trend readings are lost",
        {"legacy.trend_signal": lambda magnitude, agreement, p: (0.0, 1e9)},
    ),
    Mutant(
        "zones-forgotten",
        "G-2",
        "with phase 2 off there are no zones",
        {"legacy.zone": lambda position, limit: legacy.GREEN},
    ),
    Mutant(
        "flow-gate-ignored",
        "G-3",
        "phase 3 cannot be switched off",
        fixed_config={"use_directional_flow": True},
    ),
    Mutant(
        "gate-forgotten",
        "G-4",
        "with phase 4 off there is no quote gate",
        {"legacy.gate_closed_side": lambda position, limit: None},
    ),
    Mutant(
        "filter-never-inert",
        "D-37",
        "the filter acts without its prerequisites",
        {"config.active_phases": _filter_without_prerequisites},
    ),
    Mutant(
        "deployed-prices-move",
        "D-39",
        "the deployed baseline's prices follow its drift",
        {"engine.QuoteEngine._drift_moves_quotes": lambda self: True},
    ),
    Mutant(
        "filter-on-by-default",
        "D-38",
        "the filter cannot be off",
        fixed_config={"use_epnl_filter": True},
    ),
    Mutant(
        "adaptation-gate-ignored",
        "G-5",
        "phase 5 cannot be switched off",
        {"config.active_phases": _adaptation_always},
    ),
    Mutant(
        "adaptation-never-inert",
        "G-5",
        "theta and noise are adapted without the filter",
        {"config.active_phases": _adaptation_without_filter},
    ),
    Mutant(
        "funding-gate-ignored",
        "G-6",
        "phase 6 cannot be switched off",
        {"config.active_phases": _funding_always},
    ),
    Mutant(
        "funding-never-inert",
        "G-6",
        "funding skews quotes without the filter",
        {"config.active_phases": _funding_without_filter},
    ),
    Mutant(
        "funding-needs-adaptation",
        "G-6",
        "phase 6 is inert without phase 5",
        {"config.active_phases": _funding_after_adaptation},
    ),
    Mutant(
        "carry-with-gate-off",
        "G-6",
        "phase 6 off stops the observation only: carry stays",
        {"engine.QuoteEngine._carry_bps": _carry_with_gate_off},
    ),
    Mutant(
        "funding-skew-with-gate-off",
        "G-6",
        "phase 6 off leaves the funding skew in the quotes",
        {"engine.QuoteEngine._funding_skew_bps": _funding_skew_with_gate_off},
    ),
    Mutant(
        "book-gate-ignored",
        "G-7",
        "phase 7 cannot be switched off",
        {"config.active_phases": _books_always},
    ),
    Mutant(
        "books-without-phase-1",
        "G-7",
        "the book moves the legacy estimator",
        {"engine.QuoteEngine._update_drift": _books_without_phase_1},
    ),
    Mutant(
        "books-need-the-filter",
        "G-7",
        "phase 7 is inert without phase 4",
        {"config.active_phases": _books_after_filter},
    ),
    Mutant(
        "depth-reported-when-off",
        "A-gates",
        "unreached depths are reported with phase 7 off",
        {"engine.QuoteEngine._insufficient_depth_bps": _depth_reported_when_off},
    ),
    Mutant(
        "tape-gate-ignored",
        "G-8",
        "phase 8 cannot be switched off",
        {"config.active_phases": _tape_always},
    ),
    Mutant(
        "tape-needs-the-book",
        "G-8",
        "phase 8 is inert without phase 7",
        {"config.active_phases": _tape_after_books},
    ),
    Mutant(
        "volatility-without-phase-1",
        "G-8",
        "volatility scales sigma beside the legacy estimator",
        {"engine.QuoteEngine._update_drift": _volatility_without_phase_1},
    ),
    Mutant(
        "kill-zone-unsized",
        "Q-05",
        "with phase 2 off the kill zone leaves sizes whole",
        {"engine.QuoteEngine._size_multiplier": _kill_zone_unsized},
    ),
    Mutant(
        "toxicity-of-the-aggressor",
        "Q-07",
        "toxicity_bid is that of aggressors who bid: it cuts asks",
        {"engine.QuoteEngine.on_toxicity": _toxicity_of_the_aggressor},
    ),
    Mutant(
        "old-beta-in-proportion",
        "G-2",
        "with phase 2 off beta is 3/7 of the configured one, which is 3 by default",
        {"engine.QuoteEngine._gamma": _old_beta_in_proportion},
    ),
    Mutant(
        "fills-in-the-old-estimator",
        "G-1",
        "with phase 1 off fills are held as signals",
        {"engine.QuoteEngine.on_fill": _fills_in_the_old_estimator},
    ),
)
