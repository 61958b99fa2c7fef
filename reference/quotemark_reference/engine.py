"""The quote cycle: market events in, a ladder with its inner figures out.

Events (``on_...``) change the state when they arrive; :meth:`QuoteEngine.cycle` reads it and
quotes. The order inside a cycle is D-41's. A gate that is off falls back to ``legacy`` (D-37), in
the ``documented`` variant or in the ``deployed`` one, whose prices ignored most of what it
computed (D-39).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from quotemark_reference import (
    adaptation,
    drift,
    expected_pnl,
    funding,
    glft,
    inventory,
    ladder,
    legacy,
)
from quotemark_reference import config as gating
from quotemark_reference.adaptation import ParameterAdaptation, PendingMarkout, PendingMarkouts
from quotemark_reference.book import BookSide, check_book
from quotemark_reference.config import EngineConfig
from quotemark_reference.drift import BUY, KalmanDrift, Observation
from quotemark_reference.errors import (
    DuplicateError,
    MissingFieldError,
    TimeReversedError,
    check_finite,
    check_fraction,
    check_positive,
)
from quotemark_reference.flow import TradeFlow
from quotemark_reference.inventory import ASK, BID
from quotemark_reference.ladder import Quote
from quotemark_reference.legacy import LegacyDrift
from quotemark_reference.sources import DriftSources, Sourced


@dataclass(slots=True)
class DriftUpdate:
    """An observation that reached the filter: z, R, gain K = P/(P+R), and push K (z - mu)."""

    source: str
    z_bps_per_s: float
    variance: float
    gain: float
    push_bps_per_s: float


@dataclass(slots=True)
class CompositePart:
    """One source of the hot composite, as it entered it."""

    source: str
    z_bps_per_s: float
    variance: float


@dataclass(slots=True)
class Cycle:
    """What one quote cycle gives: the resting ladder, the figures behind it, reported events.

    Pairs are (bid, ask). ``expected_pnl_bps`` holds one figure per level of the full ladder, kept
    or not. ``drift_observations`` are those that reached the filter since the last cycle, in
    order. What a phase reports is ``None`` while it is not active.
    """

    t_ms: int
    mid: float
    position: float
    bids: list[Quote]
    asks: list[Quote]
    drift_bps_per_s: float
    drift_variance: float
    drift_observations: list[DriftUpdate]
    composite_parts: list[CompositePart]
    theta_per_s: float
    process_noise: float
    gamma_per_bps: float
    sigma_bps_per_sqrt_s: float
    flow_imbalance: float
    kappas_per_bps: tuple[float, float]
    half_spreads_bps: tuple[float, float]
    drift_shift_bps: float
    skew_bps: float
    funding_skew_bps: float
    carry_bps: tuple[float, float]
    as_cost_bps: float
    touch_depths_bps: tuple[float, float]
    expected_pnl_bps: tuple[list[float], list[float]] | None
    zone: str
    killed_side: str | None
    gate_closed_side: str | None
    active_phases: list[int]
    inert_phases: list[int]
    events: list[str]
    vol_ratio: float
    as_ratio_adjustment: float
    funding_zscore: float | None
    premium_bps: float | None
    book_imbalances: tuple[float, float, float] | None
    insufficient_depth_bps: list[float] | None


@dataclass(slots=True)
class _Touch:
    """Where the touch of each side rests, and why; pairs are (bid, ask)."""

    gamma_per_bps: float
    kappas_per_bps: tuple[float, float]
    half_spreads_bps: tuple[float, float]
    drift_shift_bps: float
    skew_bps: float
    funding_skew_bps: float
    depths_bps: tuple[float, float]


@dataclass(slots=True)
class _Side:
    """Quotes of a side that rest, expected PnL of every level of it, and its carry."""

    quotes: list[Quote]
    pnls_bps: list[float]
    carry_bps: float


class QuoteEngine:
    """State of one session. Every method rejects bad input by an error and changes nothing."""

    def __init__(self, config: EngineConfig) -> None:
        self._config = config
        self._active = gating.active_phases(config)
        self._inert = {phase for phase, on in gating.gates(config).items() if on} - self._active
        self._deployed = config.legacy_variant == "deployed"
        self._time_ms: int | None = None
        self._book_mid: float | None = None
        self._position = 0.0
        self._fill_ids: set[str] = set()
        self._signals: list[Sourced] = []
        self._toxicity = {BID: 0.0, ASK: 0.0}
        self._sigma = config.sigma_bps_per_sqrt_s
        self._kappas = (config.kappa_bid_per_bps, config.kappa_ask_per_bps)
        self._time_horizon_s = config.time_horizon_s
        self._cycles = 0
        self._kalman = KalmanDrift(config)
        self._legacy_drift = LegacyDrift()
        self._flow = TradeFlow(config)
        self._adaptation = ParameterAdaptation(config)
        self._markouts = PendingMarkouts(config)
        self._sources = DriftSources(config, self._active)
        self._drift_updates: list[DriftUpdate] = []
        self._composite_parts: list[CompositePart] = []

    # --- events -------------------------------------------------------------------------------

    def on_book(self, t_ms: int, bids: BookSide, asks: BookSide) -> None:
        """Take a book snapshot; crossed is rejected, locked accepted, one side keeps the mid."""
        check_book(bids, asks)
        self._advance(t_ms)
        self._sources.book.record_book(bids, asks)
        if bids and asks:
            self._book_mid = (bids[0][0] + asks[0][0]) / 2.0

    def on_trade(self, t_ms: int, side: str, price: float, size: float) -> None:
        """Take another's trade; ``side`` is the aggressor's."""
        check_positive("price", price)
        check_positive("size", size)
        self._advance(t_ms)
        self._flow.record_trade(t_ms, side, size)
        self._sources.record_trade(t_ms, side)

    def on_fill(
        self,
        t_ms: int,
        side: str,
        price: float,
        size: float,
        fill_id: str | None = None,
        mid: float | None = None,
        levels_crossed: int = 1,
    ) -> None:
        """Take an own fill: it moves the position and, where a mid is known, the drift (D-05).

        ``levels_crossed`` counts the own levels that its aggressor took (Q-09).
        """
        check_positive("price", price)
        check_positive("size", size)
        check_positive("levels_crossed", levels_crossed)
        mid_at_fill = self._mid_of(mid)
        if fill_id is not None and fill_id in self._fill_ids:
            raise DuplicateError(f"id is {fill_id!r}, which an earlier fill had")
        position = self._position + (size if side == BUY else -size)
        check_finite("position", position)
        observation = self._fill_observation(side, price, mid_at_fill)
        self._advance(t_ms)
        if fill_id is not None:
            self._fill_ids.add(fill_id)
        self._position = position
        self._sources.record_fill(t_ms, side, size, levels_crossed)
        if mid_at_fill is not None:
            self._keep_markout(t_ms, mid_at_fill)
        if observation is not None and 1 in self._active:
            self._observe("fill", observation)

    def on_trend(
        self, t_ms: int, magnitude_bps: float, agreement: float, p_continuation: float
    ) -> None:
        """Take a trend reading; positive magnitudes are a falling market (D-06)."""
        check_finite("magnitude_bps", magnitude_bps)
        check_fraction("agreement", agreement)
        check_fraction("p_continuation", p_continuation)
        self._advance(t_ms)
        if 1 in self._active:
            observation = drift.trend_observation(
                magnitude_bps, agreement, p_continuation, self._config.sigma_trend
            )
            if observation is not None:
                self._observe("trend", observation)
            return
        trend_signal = legacy.trend_signal(magnitude_bps, agreement, p_continuation)
        if trend_signal is not None:
            self._signals.append(("trend", trend_signal))

    def on_signal(
        self, t_ms: int, z_bps_per_s: float, variance: float, source: str = "signal"
    ) -> None:
        """Take a drift signal, held for the next cycle."""
        drift.check_observation(z_bps_per_s, variance)
        self._advance(t_ms)
        self._signals.append((source, (z_bps_per_s, variance)))

    def on_toxicity(self, t_ms: int, side: str, toxicity: float) -> None:
        """Take the toxicity of ``side`` (bid or ask), in [0, 1], lasting until the next."""
        check_fraction("toxicity", toxicity)
        self._advance(t_ms)
        self._toxicity[side] = toxicity

    def on_estimate(
        self,
        t_ms: int,
        *,
        sigma_bps_per_sqrt_s: float | None = None,
        kappa_bid_per_bps: float | None = None,
        kappa_ask_per_bps: float | None = None,
        time_horizon_s: float | None = None,
    ) -> None:
        """Take the desk's estimates, lasting until the next; what is absent stays (D-43)."""
        sigma = self._sigma if sigma_bps_per_sqrt_s is None else sigma_bps_per_sqrt_s
        kappa_bid = self._kappas[0] if kappa_bid_per_bps is None else kappa_bid_per_bps
        kappa_ask = self._kappas[1] if kappa_ask_per_bps is None else kappa_ask_per_bps
        time_horizon = self._time_horizon_s if time_horizon_s is None else time_horizon_s
        check_positive("sigma_bps_per_sqrt_s", sigma)
        check_positive("kappa_bid_per_bps", kappa_bid)
        check_positive("kappa_ask_per_bps", kappa_ask)
        check_positive("time_horizon_s", time_horizon)
        self._advance(t_ms)
        self._sigma = sigma
        self._kappas = (kappa_bid, kappa_ask)
        self._time_horizon_s = time_horizon

    def on_funding(self, t_ms: int, rate: str, interval_s: float) -> None:
        """Take a reading of the public funding rate, as its feed gives it (D-25)."""
        rate_per_interval = funding.parse_rate(rate)
        check_positive("interval_s", interval_s)
        self._advance(t_ms)
        self._sources.funding.record_rate(rate_per_interval, interval_s)

    def on_reference_price(self, t_ms: int, source: str, price: float) -> None:
        """Take a price of another market: mark, index, spot or leader; it stays until the next."""
        check_positive("price", price)
        self._advance(t_ms)
        self._sources.record_reference_price(source, price)

    def on_open_interest(self, t_ms: int, contracts: float) -> None:
        """Take the open interest of the market, lasting until the next (D-35)."""
        check_positive("contracts", contracts)
        self._advance(t_ms)
        self._sources.open_interest.contracts = contracts

    # --- the cycle ----------------------------------------------------------------------------

    def cycle(self, t_ms: int, mid: float | None = None) -> Cycle:
        """Quote at ``t_ms`` around ``mid``, or around the last book's (Q-04)."""
        quoted_mid = self._mid_of(mid)
        if quoted_mid is None:
            raise MissingFieldError("mid is absent and no book has given one")
        self._advance(t_ms)
        self._update_drift(t_ms, quoted_mid)
        touch = self._touch(t_ms)
        bids = self._side(BID, quoted_mid, touch.depths_bps[0])
        asks = self._side(ASK, quoted_mid, touch.depths_bps[1])
        self._cycles += 1
        return self._report(t_ms, quoted_mid, touch, bids, asks)

    def _touch(self, t_ms: int) -> _Touch:
        """Where the touch of each side rests: half-spread, drift, skews and zones."""
        gamma = self._gamma()
        kappas = self._flow_adjusted_kappas(t_ms)
        half_spreads = self._half_spreads_bps(gamma, kappas)
        shift = self._drift_shift_bps()
        skew = inventory.skew_bps(
            gamma,
            self._sigma_in_force(),
            self._time_horizon_s,
            self._position,
            self._config.max_position,
        )
        funding_skew = self._funding_skew_bps()
        depths = glft.touch_depths_bps(
            half_spreads,
            shift if self._drift_moves_quotes() else 0.0,
            (skew if self._skew_moves_quotes() else 0.0) + funding_skew,
            self._zone_widenings_bps(),
            self._config.fee_bps,
        )
        return _Touch(gamma, kappas, half_spreads, shift, skew, funding_skew, depths)

    def _side(self, side: str, mid: float, touch_depth_bps: float) -> _Side:
        """Which levels of a side rest, and at what size."""
        depths = self._level_depths_bps(touch_depth_bps)
        carry = self._carry_bps(side)
        pnls = self._expected_pnls_bps(side, depths, self._as_cost_bps() + carry)
        return _Side(self._quotes(side, mid, depths, pnls), pnls, carry)

    def _report(self, t_ms: int, mid: float, touch: _Touch, bids: _Side, asks: _Side) -> Cycle:
        """Put quotes, the figures behind them and the events of the cycle together."""
        max_position, drift_now, sources = self._config.max_position, self._drift(), self._sources
        return Cycle(
            t_ms=t_ms,
            mid=mid,
            position=self._position,
            bids=bids.quotes,
            asks=asks.quotes,
            drift_bps_per_s=drift_now.mean,
            drift_variance=drift_now.variance,
            drift_observations=self._take_drift_updates(),
            composite_parts=self._composite_parts,
            theta_per_s=self._kalman.theta_per_s,
            process_noise=self._kalman.process_noise,
            gamma_per_bps=touch.gamma_per_bps,
            sigma_bps_per_sqrt_s=self._sigma_in_force(),
            flow_imbalance=self._flow.imbalance_at(t_ms, self._config.flow_horizon_s),
            kappas_per_bps=touch.kappas_per_bps,
            half_spreads_bps=touch.half_spreads_bps,
            drift_shift_bps=touch.drift_shift_bps,
            skew_bps=touch.skew_bps,
            funding_skew_bps=touch.funding_skew_bps,
            carry_bps=(bids.carry_bps, asks.carry_bps),
            as_cost_bps=self._as_cost_bps(),
            touch_depths_bps=touch.depths_bps,
            expected_pnl_bps=(bids.pnls_bps, asks.pnls_bps) if 4 in self._active else None,
            zone=legacy.zone(self._position, max_position),
            killed_side=inventory.killed_side(self._position, max_position),
            gate_closed_side=legacy.gate_closed_side(self._position, max_position),
            active_phases=sorted(self._active),
            inert_phases=sorted(self._inert),
            events=self._events(touch.drift_shift_bps, bids.quotes, asks.quotes),
            vol_ratio=sources.vol_ratio,
            as_ratio_adjustment=sources.as_ratio_adjustment,
            funding_zscore=sources.funding.zscore() if 6 in self._active else None,
            premium_bps=sources.funding.premium() if 6 in self._active else None,
            book_imbalances=sources.book.shape().imbalances if 7 in self._active else None,
            insufficient_depth_bps=self._insufficient_depth_bps(),
        )

    # --- phase 1: drift -----------------------------------------------------------------------

    def _update_drift(self, t_ms: int, mid: float) -> None:
        """Settle markouts, predict to now, then take every source in its order (D-41)."""
        if 1 not in self._active:
            self._legacy_drift.update_cycle([observation for _, observation in self._signals])
            self._signals.clear()
            return
        self._settle_markouts(t_ms, mid)
        self._kalman.predict(t_ms)
        self._observe_signals()
        self._observe_flow(t_ms)
        self._observe_hot_composite(t_ms)
        self._sources.follow_returns(t_ms, mid)
        if self._cycles % self._config.warm_every_cycles == 0:
            self._observe_all(self._sources.warm(t_ms, mid))
        if self._cycles % self._config.cold_every_cycles == 0:
            self._observe_all(self._sources.cold(mid))

    def _observe(self, source: str, observation: Observation) -> None:
        """Condition the filter on one observation, and keep the trace of it."""
        z_bps_per_s, variance = observation
        before = self._kalman.mean
        gain = self._kalman.update(z_bps_per_s, variance)
        push = gain * (z_bps_per_s - before)
        self._drift_updates.append(DriftUpdate(source, z_bps_per_s, variance, gain, push))

    def _observe_all(self, said: Sequence[Sourced]) -> None:
        for source, observation in said:
            self._observe(source, observation)

    def _observe_signals(self) -> None:
        for source, observation in self._signals:
            self._observe(f"signal:{source}", observation)
        self._signals.clear()

    def _take_drift_updates(self) -> list[DriftUpdate]:
        """Observations that reached the filter since the last cycle."""
        taken, self._drift_updates = self._drift_updates, []
        return taken

    def _drift(self) -> KalmanDrift | LegacyDrift:
        return self._kalman if 1 in self._active else self._legacy_drift

    def _fill_observation(self, side: str, price: float, mid: float | None) -> Observation | None:
        if mid is None:
            return None
        observation = drift.fill_observation(
            side, price, mid, self._sigma_in_force(), self._config.fill_variance
        )
        drift.check_observation(*observation)
        return observation

    def _drift_shift_bps(self) -> float:
        shift = glft.drift_shift_bps(self._drift().mean, self._time_horizon_s)
        return shift if 1 in self._active else legacy.clamped_shift_bps(shift)

    def _drift_moves_quotes(self) -> bool:
        return 1 in self._active or not self._deployed

    # --- phase 2: risk aversion ---------------------------------------------------------------

    def _gamma(self) -> float:
        config = self._config
        beta = config.inventory_beta if 2 in self._active else legacy.INVENTORY_BETA
        return inventory.gamma_per_bps(
            config.gamma_base_per_bps, beta, self._position, config.max_position
        )

    def _skew_moves_quotes(self) -> bool:
        return 2 in self._active or not self._deployed

    def _zone_widenings_bps(self) -> tuple[float, float]:
        """Old zones' widening of the accumulating side (bid, ask)."""
        if 2 in self._active or self._deployed:
            return 0.0, 0.0
        zone = legacy.zone(self._position, self._config.max_position)
        widening = legacy.ZONE_WIDENING_BPS[zone]
        accumulating = inventory.accumulating_side(self._position)
        return (
            widening if accumulating == BID else 0.0,
            widening if accumulating == ASK else 0.0,
        )

    # --- phase 3: flow ------------------------------------------------------------------------

    def _observe_flow(self, t_ms: int) -> None:
        observation = self._flow.drift_observation_at(t_ms) if 3 in self._active else None
        if observation is not None:
            self._observe("flow", observation)

    def _flow_adjusted_kappas(self, t_ms: int) -> tuple[float, float]:
        """Kappas of the half-spread (bid, ask); lambda keeps the unadjusted ones (D-46)."""
        if 3 not in self._active:
            return self._kappas
        bid_multiplier, ask_multiplier = self._flow.kappa_multipliers_at(t_ms)
        return self._kappas[0] * bid_multiplier, self._kappas[1] * ask_multiplier

    # --- phases 1-3 together: depths ----------------------------------------------------------

    def _half_spreads_bps(self, gamma: float, kappas: tuple[float, float]) -> tuple[float, float]:
        config = self._config
        if config.base_half_spread_bps is not None:
            return config.base_half_spread_bps, config.base_half_spread_bps
        bid, ask = (
            glft.half_spread_bps(
                gamma, kappa, self._sigma_in_force(), self._time_horizon_s, config.fee_bps
            )
            for kappa in kappas
        )
        return bid, ask

    def _level_depths_bps(self, touch_depth_bps: float) -> list[float]:
        config = self._config
        return ladder.level_depths_bps(
            touch_depth_bps, config.level_spacing_bps, len(config.level_sizes)
        )

    # --- phase 4: which levels rest -----------------------------------------------------------

    def _expected_pnls_bps(self, side: str, depths: Sequence[float], cost: float) -> list[float]:
        """Expected PnL of each level; ``cost`` is AS + carry in bp, to which the fee comes."""
        config = self._config
        position_terms = expected_pnl.position_terms_bps(
            side,
            gamma_base_per_bps=config.gamma_base_per_bps,
            inventory_beta=config.inventory_beta,
            sigma_bps_per_sqrt_s=self._sigma_in_force(),
            time_horizon_s=self._time_horizon_s,
            drift_bps_per_s=self._drift().mean,
            position=self._position,
            max_position=config.max_position,
        )
        kappa = self._kappas[0] if side == BID else self._kappas[1]
        cost_bps = cost + config.fee_bps
        return [
            expected_pnl.level_pnl_bps(depth_bps, kappa, cost_bps, position_terms)
            for depth_bps in depths
        ]

    def _is_cleared(self, side: str) -> bool:
        """Whether the kill guard, or what a gate that is off falls back to, empties ``side``."""
        position, max_position = self._position, self._config.max_position
        if inventory.killed_side(position, max_position) == side:
            return True
        zone_clears = legacy.zone(position, max_position) in legacy.CLEARING_ZONES
        if 2 not in self._active and zone_clears and inventory.accumulating_side(position) == side:
            return True
        if 4 not in self._active and not self._deployed:
            return legacy.gate_closed_side(position, max_position) == side
        return False

    # --- phase 5: adaptation ------------------------------------------------------------------

    def _keep_markout(self, t_ms: int, mid: float) -> None:
        """Keep a fill until its markout, with mu and P from just before its own update (D-21)."""
        if 5 in self._active:
            kalman = self._kalman
            self._markouts.add(PendingMarkout(t_ms, mid, kalman.mean, kalman.variance))

    def _settle_markouts(self, t_ms: int, mid: float) -> None:
        """Adapt theta and process noise to the fills whose markout window has passed."""
        for fill in self._markouts.take_due(t_ms):
            window_s = (t_ms - fill.t_ms) / 1000.0
            self._adaptation.update(
                fill.drift_bps_per_s,
                fill.variance,
                adaptation.realised_drift_bps_per_s(fill.mid, mid, window_s),
                self._sigma_in_force(),
                window_s,
            )
            self._kalman.theta_per_s = self._adaptation.theta_per_s
            self._kalman.process_noise = self._adaptation.process_noise

    # --- phase 6: funding ---------------------------------------------------------------------

    def _carry_bps(self, side: str) -> float:
        return self._sources.funding.carry_bps(side) if 6 in self._active else 0.0

    def _funding_skew_bps(self) -> float:
        if 6 not in self._active:
            return 0.0
        return self._sources.funding.skew_bps(self._position, self._config.max_position)

    # --- phase 7: book ------------------------------------------------------------------------

    def _observe_hot_composite(self, t_ms: int) -> None:
        """Condition on book and sweeps as one precision-weighted observation (D-30)."""
        said = self._sources.hot(t_ms)
        self._composite_parts = [
            CompositePart(source, *observation) for source, observation in said
        ]
        composite = drift.composite([observation for _, observation in said])
        if composite is not None:
            self._observe("composite", composite)

    def _insufficient_depth_bps(self) -> list[float] | None:
        if 7 not in self._active:
            return None
        return list(self._sources.book.shape().insufficient_depth_bps)

    # --- phase 8: volatility and tails --------------------------------------------------------

    def _sigma_in_force(self) -> float:
        """The desk's sigma, scaled by the volatility's term structure (D-43)."""
        return self._sigma * self._sources.sigma_multiplier

    def _as_cost_bps(self) -> float:
        """Adverse selection at the AS ratio, adjusted to the tails (D-19)."""
        as_ratio = self._config.as_ratio * self._sources.as_ratio_adjustment
        return expected_pnl.adverse_selection_bps(
            as_ratio, self._sigma_in_force(), self._time_horizon_s
        )

    # --- sizes and prices ---------------------------------------------------------------------

    def _size_multiplier(self, side: str) -> float:
        multiplier = 1.0
        if 2 not in self._active:
            zone = legacy.zone(self._position, self._config.max_position)
            multiplier *= legacy.ZONE_SIZE_MULTIPLIER[zone]
        if 4 not in self._active:
            multiplier *= legacy.toxicity_size_multiplier(self._toxicity[side])
        return multiplier

    def _quotes(
        self, side: str, mid: float, depths: Sequence[float], expected: Sequence[float]
    ) -> list[Quote]:
        """The levels of one side that rest: multipliers, then filter, then the cut at q_max."""
        config = self._config
        if self._is_cleared(side):
            return []
        multiplier = self._size_multiplier(side)
        sizes = [size * multiplier for size in config.level_sizes]
        if 4 in self._active:
            sizes = [
                size if expected_pnl.keeps_level(pnl) else 0.0
                for size, pnl in zip(sizes, expected, strict=True)
            ]
        room = config.max_position + (-self._position if side == BID else self._position)
        quotes = []
        for level, size in enumerate(ladder.cut_sizes(sizes, room, config.min_size)):
            if size == 0.0:
                continue
            price, tick = ladder.quote_price(
                mid, depths[level], side, config.tick_size, config.price_decimals
            )
            if price > 0.0:
                pnl = expected[level] if 4 in self._active else None
                quotes.append(Quote(level, depths[level], price, tick, size, pnl))
        return quotes

    # --- what is reported beside the quotes ---------------------------------------------------

    def _events(self, shift_bps: float, bids: list[Quote], asks: list[Quote]) -> list[str]:
        """Reported events of the cycle, in a fixed order (D-44)."""
        position, max_position = self._position, self._config.max_position
        events = []
        if 1 in self._active and abs(shift_bps) > legacy.SHIFT_CLAMP_BPS:
            events.append("drift_beyond_old_cap")
        killed = inventory.killed_side(position, max_position)
        if killed is not None:
            events.append(f"kill_guard_{killed}")
        if 4 in self._active:
            closed = legacy.gate_closed_side(position, max_position)
            for side, quotes in ((BID, bids), (ASK, asks)):
                if (side != closed) != bool(quotes):
                    events.append(f"dual_run_disagreement_{side}")
        return events

    # --- what every event checks --------------------------------------------------------------

    def _mid_of(self, mid: float | None) -> float | None:
        """The mid a step carries, else the last book's (Q-04)."""
        if mid is None:
            return self._book_mid
        check_positive("mid", mid)
        return mid

    def _advance(self, t_ms: int) -> None:
        if self._time_ms is not None and t_ms < self._time_ms:
            raise TimeReversedError(f"t_ms is {t_ms}, expected at least {self._time_ms}")
        self._time_ms = t_ms
