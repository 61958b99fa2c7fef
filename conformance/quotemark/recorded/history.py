"""What a recorded session has seen so far: what the looks need to know of the past."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from quotemark.messages import Json

CLUSTER_TRADES = 10
"""Trades whose times are kept, the last: so many at once are a cluster."""


@dataclass(slots=True)
class History:
    """What a session has seen so far: of accepted steps, up to the one before the moment.

    ``before`` is the last state that the engine showed, ``timed_ms`` when its filter was last
    predicted. The rest is of component ``engine``: what the desk estimated, and the counts and
    times of what arrived. Since the last cycle there was an own fill where ``has_filled``, and
    ``trend_bps`` is what trend readings say, positive for a falling market; ``mid`` and
    ``leader_before`` are those of the last cycle.
    """

    component: str
    config: Json
    before: Json = field(default_factory=dict)
    timed_ms: int | None = None
    kappas: tuple[float, float] = (0.0, 0.0)
    time_horizon_s: float = 0.0
    cycles: int = 0
    has_filled: bool = False
    trades: int = 0
    trade_times_ms: deque[int] = field(default_factory=lambda: deque(maxlen=CLUSTER_TRADES))
    trend_bps: float = 0.0
    mid: float | None = None
    leader: float | None = None
    leader_before: float | None = None

    @classmethod
    def of(cls, component: str, config: Json) -> History:
        """History of a session with this effective configuration, empty if it did not open."""
        past = cls(component, config)
        if component == "engine" and config:
            past.kappas = config["kappa_bid_per_bps"], config["kappa_ask_per_bps"]
            past.time_horizon_s = config["time_horizon_s"]
        return past

    def note(self, step: Json, shown: Json, known: Json) -> None:
        """Take an accepted step, what the engine showed after it, and what the reference did."""
        if self.component == "engine":
            self._note_event(step, known)
        if step["step"] in ("predict", "cycle"):
            self.timed_ms = step["t_ms"]
        if shown:
            self.before = shown

    def _note_event(self, step: Json, known: Json) -> None:
        match step["step"]:
            case "trade":
                self.trades += 1
                self.trade_times_ms.append(step["t_ms"])
            case "fill":
                self.has_filled = True
            case "trend":
                said = step["agreement"] * step["p_continuation"]
                self.trend_bps += step["magnitude_bps"] * said
            case "estimate":
                bid, ask = (
                    step.get(f"kappa_{side}_per_bps") or kappa
                    for side, kappa in zip(("bid", "ask"), self.kappas, strict=True)
                )
                self.kappas = bid, ask
                self.time_horizon_s = step.get("time_horizon_s") or self.time_horizon_s
            case "reference_price" if step["source"] == "leader":
                self.leader = step["price"]
            case "cycle":
                self.cycles += 1
                self.mid = known["mid"]
                self.has_filled, self.trend_bps = False, 0.0
                self.leader_before = self.leader
