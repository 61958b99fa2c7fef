"""Market states for the tests of the reference: engines brought to a position, drift and flow."""

from __future__ import annotations

from quotemark_reference.config import EngineConfig, make_config
from quotemark_reference.engine import Cycle, QuoteEngine

MID = 100.0
Q_MAX = 8.57
CYCLE_MS = 6450
SURE = 1e-12
"""Variance of a signal that, with the floor off, fixes the drift at its value."""


def configured(**values: object) -> EngineConfig:
    """Canonical configuration, expected PnL filter on and floor of P off, but for ``values``."""
    return make_config(EngineConfig, {"use_epnl_filter": True, "p_min": 0.0, **values})


def standing_engine(
    config: EngineConfig, *, u: float = 0.0, drift: float = 0.0, imbalance: float = 0.0
) -> QuoteEngine:
    """An engine at t = 0 about to quote: position u q_max, drift in bp/s, sell-positive flow."""
    engine = QuoteEngine(config)
    if u:
        side = "buy" if u > 0 else "sell"
        engine.on_fill(0, side, MID, abs(u) * config.max_position)  # no mid known: no observation
    if imbalance:
        for side, share in (("buy", 1.0 - imbalance), ("sell", 1.0 + imbalance)):
            for _ in range(20 if share else 0):
                engine.on_trade(0, side, MID, share)
    engine.on_signal(0, drift, SURE)
    return engine


def quoted(
    config: EngineConfig, *, u: float = 0.0, drift: float = 0.0, imbalance: float = 0.0
) -> Cycle:
    """The first cycle of :func:`standing_engine`."""
    return standing_engine(config, u=u, drift=drift, imbalance=imbalance).cycle(0, MID)
