"""The quote cycle of many markets: events in, ladders with their inner figures out.

Markets are independent of one another. Each step takes arrays [markets], or one figure for all, and
``where``, the markets that get one at all: a trade in some of them is one call. Times may differ.
A call that is bad for one of its markets is rejected, and changes none.

Every number is computed for all markets, with masks in place of branches; what only markets outside
``where`` would need (a mid, say) is then NaN, and is written nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from quotemark_reference import config as gating
from quotemark_reference.config import EngineConfig
from quotemark_reference.errors import MissingFieldError, TimeReversedError
from quotemark_vectorised import (
    adaptation,
    book,
    drift,
    expected_pnl,
    funding,
    glft,
    inventory,
    ladder,
    legacy,
)
from quotemark_vectorised.adaptation import ParameterAdaptation, PendingMarkouts
from quotemark_vectorised.arrays import (
    SIDES,
    SIGN,
    BoolArray,
    Figures,
    FloatArray,
    check_finite,
    check_fraction,
    check_positive,
    quietly,
)
from quotemark_vectorised.book import BookSide
from quotemark_vectorised.drift import KalmanDrift, Observations
from quotemark_vectorised.flow import TradeFlow
from quotemark_vectorised.legacy import LegacyDrift
from quotemark_vectorised.parameters import together
from quotemark_vectorised.sources import DriftSources, Sourced
from quotemark_vectorised.tape import check_trades, make_tape

FIGURES_AT_ONCE = 1 << 18  # of a tape: what comes of them stays near the processor


class DriftUpdate(NamedTuple):
    """Observations that reached the filters of the markets where ``said``, with gain and push."""

    source: str
    z_bps_per_s: FloatArray
    variance: FloatArray
    gain: FloatArray
    push_bps_per_s: FloatArray
    said: BoolArray


@dataclass(slots=True)
class Cycle:
    """What one quote cycle gives, as arrays of [markets]; of sides, [2, markets], bids first.

    The ladders (prices, ticks, sizes, depths, expected PnL) are [2, levels, markets]: every level,
    with a size of 0 where it does not rest. ``zone`` is a place in ``legacy.ZONES``. What a phase
    reports is ``None`` while it is not active, and NaN where a market does not have it. Figures of
    markets that had no cycle mean nothing.
    """

    mid: FloatArray
    position: FloatArray
    prices: FloatArray
    ticks: FloatArray
    sizes: FloatArray
    depths_bps: FloatArray
    expected_pnl_bps: FloatArray | None
    drift_bps_per_s: FloatArray
    drift_variance: FloatArray
    drift_observations: list[DriftUpdate]
    composite_parts: list[Sourced]
    theta_per_s: FloatArray
    process_noise: FloatArray
    gamma_per_bps: FloatArray
    sigma_bps_per_sqrt_s: FloatArray
    flow_imbalance: FloatArray
    kappas_per_bps: FloatArray
    half_spreads_bps: FloatArray
    drift_shift_bps: FloatArray
    skew_bps: FloatArray
    funding_skew_bps: FloatArray
    carry_bps: FloatArray
    as_cost_bps: FloatArray
    touch_depths_bps: FloatArray
    active_phases: frozenset[int]
    inert_phases: frozenset[int]
    zone: NDArray[np.intp]
    killed: BoolArray
    gate_closed: BoolArray
    drift_beyond_old_cap: BoolArray
    dual_run_disagreement: BoolArray
    vol_ratio: FloatArray
    as_ratio_adjustment: FloatArray
    funding_zscore: FloatArray | None
    premium_bps: FloatArray | None
    book_imbalances: FloatArray | None
    insufficient_depth: BoolArray | None


@dataclass(slots=True)
class _Touch:
    """Where the touch of each side rests, and why."""

    gamma_per_bps: FloatArray
    flow_imbalance: FloatArray
    kappas_per_bps: FloatArray
    half_spreads_bps: FloatArray
    drift_shift_bps: FloatArray
    skew_bps: FloatArray
    funding_skew_bps: FloatArray
    depths_bps: FloatArray


@dataclass(slots=True)
class _Levels:
    """Every level of both sides, and what a fill of the side is charged."""

    depths_bps: FloatArray
    expected_pnl_bps: FloatArray
    prices: FloatArray
    ticks: FloatArray
    sizes: FloatArray
    carry_bps: FloatArray


class BatchEngine:
    """State of a batch of markets, one configuration each (see :mod:`parameters`).

    Methods raise the reference's errors for bad input, and then change nothing.
    """

    def __init__(self, configs: Sequence[EngineConfig]) -> None:
        config, markets = together(configs), len(configs)
        self._config = config
        self._active = gating.active_phases(configs[0])
        switched_on = {phase for phase, on in gating.gates(configs[0]).items() if on}
        self._inert = frozenset(switched_on) - self._active
        self._deployed = config.legacy_variant == "deployed"
        self._everywhere: BoolArray = np.ones(markets, np.bool_)
        self._level_sizes = np.array(config.level_sizes)[:, None]
        self._time_ms: FloatArray = np.full(markets, -np.inf)
        self._book_mid: FloatArray = np.full(markets, np.nan)
        self._position: FloatArray = np.zeros(markets)
        self._signals: list[Sourced] = []
        self._toxicities: FloatArray = np.zeros((len(SIDES), markets))
        self._sigma: FloatArray = np.full(markets, config.sigma_bps_per_sqrt_s)
        kappas = config.kappa_bid_per_bps, config.kappa_ask_per_bps
        self._kappas: FloatArray = np.array([np.full(markets, kappa) for kappa in kappas])
        self._tau_s: FloatArray = np.full(markets, config.time_horizon_s)
        self._cycles = np.zeros(markets, np.int64)
        self._kalman = KalmanDrift(config, markets)
        self._legacy_drift = LegacyDrift(markets)
        self._flow = TradeFlow(config, markets, [config.flow_horizon_s])
        self._adaptation = ParameterAdaptation(config, markets)
        self._markouts: list[PendingMarkouts] = []
        self._sources = DriftSources(config, self._active, markets)
        self._drift_updates: list[DriftUpdate] = []

    # --- events -------------------------------------------------------------------------------

    @quietly
    def book(
        self, t_ms: Figures, bids: BookSide, asks: BookSide, where: BoolArray | None = None
    ) -> None:
        """Take book snapshots; crossed is rejected, locked accepted, one side keeps the mid."""
        where = self._where(where)
        book.check_books(bids, asks, where)
        self._advance(t_ms, where)
        self._sources.record_books(bids, asks, where)
        mid = book.mids(bids, asks)
        self._book_mid = np.where(where & ~np.isnan(mid), mid, self._book_mid)

    @quietly
    def trades(
        self, t_ms: FloatArray, buys: BoolArray, prices: FloatArray, sizes: FloatArray
    ) -> None:
        """Take trades of others, arrays [trade, market] in order of time; NaN times are none.

        ``buys`` says that the aggressor bought. A tape may come whole or in pieces.
        """
        if not len(t_ms):
            return
        check_trades(t_ms, prices, sizes)
        self._check_time(t_ms[0], self._everywhere)
        trades_at_once = max(1, FIGURES_AT_ONCE // len(self._everywhere))
        for first in range(0, len(t_ms), trades_at_once):
            block = slice(first, first + trades_at_once)
            tape = make_tape(t_ms[block], buys[block], sizes[block])
            self._time_ms = np.maximum(self._time_ms, tape.last_ms)
            self._flow.record_trades(tape)
            self._sources.record_trades(tape)

    @quietly
    def fill(
        self,
        t_ms: Figures,
        buys: BoolArray,
        price: Figures,
        size: Figures,
        mid: Figures | None = None,
        levels_crossed: Figures = 1.0,
        where: BoolArray | None = None,
    ) -> None:
        """Take an own fill in each market: it moves position and, where a mid is known, drift.

        ``mid`` is NaN where the fill carries none; ``levels_crossed`` counts the own levels that
        its aggressor took (Q-09).
        """
        where = self._where(where)
        check_positive("price", price, where)
        check_positive("size", size, where)
        check_positive("levels_crossed", levels_crossed, where)
        position = np.where(where, self._position + np.where(buys, size, -size), self._position)
        check_finite("position", position, where)
        mid_at_fill = self._mid_of(mid, where)
        observations = self._fill_observations(buys, price, mid_at_fill, where)
        self._advance(t_ms, where)
        self._position = position
        # what remembers fills picks them market by market
        times, sizes = self._spread(t_ms), self._spread(size)
        self._sources.record_fills(times, buys, sizes, levels_crossed, where)
        if 5 in self._active:
            kalman = self._kalman
            self._markouts.append(
                PendingMarkouts(times, mid_at_fill, kalman.mean, kalman.variance, observations.said)
            )
        if 1 in self._active:
            self._observe("fill", observations)

    @quietly
    def trend(
        self,
        t_ms: Figures,
        magnitude_bps: Figures,
        agreement: Figures,
        p_continuation: Figures,
        where: BoolArray | None = None,
    ) -> None:
        """Take a trend reading; positive magnitudes are a falling market (D-06)."""
        where = self._where(where)
        check_finite("magnitude_bps", magnitude_bps, where)
        check_fraction("agreement", agreement, where)
        check_fraction("p_continuation", p_continuation, where)
        self._advance(t_ms, where)
        reading = magnitude_bps, agreement, p_continuation
        if 1 in self._active:
            observations = drift.trend_observations(*reading, self._config.sigma_trend, where)
            self._observe("trend", observations)
        else:
            self._signals.append(("trend", legacy.trend_signals(*reading, where)))

    def signal(
        self,
        t_ms: Figures,
        z_bps_per_s: Figures,
        variance: Figures,
        source: str = "signal",
        where: BoolArray | None = None,
    ) -> None:
        """Take a drift signal, held for each market's next cycle."""
        where = self._where(where)
        check_finite("z_bps_per_s", z_bps_per_s, where)
        check_positive("variance", variance, where)
        self._advance(t_ms, where)
        self._signals.append((source, drift.bounded(z_bps_per_s, variance, where)))

    def toxicity(
        self, t_ms: Figures, side: str, toxicity: Figures, where: BoolArray | None = None
    ) -> None:
        """Take the toxicity of ``side`` (bid or ask), in [0, 1], lasting until the next."""
        where = self._where(where)
        check_fraction("toxicity", toxicity, where)
        self._advance(t_ms, where)
        row = SIDES.index(side)
        self._toxicities[row] = np.where(where, toxicity, self._toxicities[row])

    def estimate(
        self,
        t_ms: Figures,
        *,
        sigma_bps_per_sqrt_s: Figures | None = None,
        kappa_bid_per_bps: Figures | None = None,
        kappa_ask_per_bps: Figures | None = None,
        time_horizon_s: Figures | None = None,
        where: BoolArray | None = None,
    ) -> None:
        """Take the desk's estimates, lasting until the next; what is absent stays (D-43)."""
        where = self._where(where)
        bid, ask = self._kappas
        sigma = _replaced("sigma_bps_per_sqrt_s", self._sigma, sigma_bps_per_sqrt_s, where)
        bid = _replaced("kappa_bid_per_bps", bid, kappa_bid_per_bps, where)
        ask = _replaced("kappa_ask_per_bps", ask, kappa_ask_per_bps, where)
        tau_s = _replaced("time_horizon_s", self._tau_s, time_horizon_s, where)
        self._advance(t_ms, where)
        self._sigma, self._kappas, self._tau_s = sigma, np.array([bid, ask]), tau_s

    @quietly
    def funding(
        self,
        t_ms: Figures,
        rate: Figures,
        interval_s: Figures,
        where: BoolArray | None = None,
    ) -> None:
        """Take a funding rate, a fraction of notional per interval."""
        where = self._where(where)
        funding.check_rate(rate, where)
        check_positive("interval_s", interval_s, where)
        self._advance(t_ms, where)
        self._sources.record_funding(self._spread(rate), interval_s, where)

    def reference_price(
        self, t_ms: Figures, source: str, price: Figures, where: BoolArray | None = None
    ) -> None:
        """Take a price of another market: mark, index, spot or leader; it stays until the next."""
        where = self._where(where)
        check_positive("price", price, where)
        self._advance(t_ms, where)
        self._sources.record_reference_prices(source, price, where)

    def open_interest(
        self, t_ms: Figures, contracts: Figures, where: BoolArray | None = None
    ) -> None:
        """Take the open interest, lasting until the next (D-35)."""
        where = self._where(where)
        check_positive("contracts", contracts, where)
        self._advance(t_ms, where)
        self._sources.record_open_interest(contracts, where)

    # --- the cycle ----------------------------------------------------------------------------

    @quietly
    def cycle(
        self, t_ms: Figures, mid: Figures | None = None, where: BoolArray | None = None
    ) -> Cycle:
        """Quote at ``t_ms`` around ``mid``, or where it is NaN around the last book's (Q-04)."""
        where = self._where(where)
        quoted_mid = self._mid_of(mid, where)
        wanting = where & np.isnan(quoted_mid)
        if wanting.any():
            raise MissingFieldError(
                f"mid of market {wanting.argmax()} is absent and no book has given one"
            )
        self._advance(t_ms, where)
        composite_parts = self._update_drift(self._spread(t_ms), quoted_mid, where)
        touch = self._touch(t_ms)
        levels = self._levels(quoted_mid, touch.depths_bps)
        self._cycles = self._cycles + where
        return self._report(quoted_mid, touch, levels, composite_parts, where)

    def _touch(self, t_ms: Figures) -> _Touch:
        """Where the touch of each side rests: half-spread, drift, skews and zones."""
        config, sigma = self._config, self._sigma_in_force()
        u = inventory.utilisation(self._position, config.max_position)
        beta = config.inventory_beta if 2 in self._active else legacy.INVENTORY_BETA
        gamma = inventory.gamma_per_bps(config.gamma_base_per_bps, beta, u)
        imbalance = self._flow.imbalances_at(t_ms, config.flow_horizon_s)
        kappas = self._flow_adjusted_kappas(imbalance)
        half_spreads = self._half_spreads_bps(gamma, kappas)
        shift = self._drift_shift_bps()
        skew = inventory.skew_bps(gamma, sigma, self._tau_s, u)
        funding_skew = self._funding_skew_bps(u)
        depths = glft.touch_depths_bps(
            half_spreads,
            shift if self._drift_moves_quotes() else 0.0,
            (skew if self._skew_moves_quotes() else 0.0) + funding_skew,
            self._zone_widenings_bps(),
            config.fee_bps,
        )
        return _Touch(gamma, imbalance, kappas, half_spreads, shift, skew, funding_skew, depths)

    def _levels(self, mid: FloatArray, touch_depths_bps: FloatArray) -> _Levels:
        """Depth, expected PnL, price and size of every level."""
        config = self._config
        depths = ladder.level_depths_bps(
            touch_depths_bps, config.level_spacing_bps, len(config.level_sizes)
        )
        carry = self._carries_bps()
        pnls = self._expected_pnls_bps(depths, self._as_cost_bps() + carry)
        prices, ticks = ladder.quote_prices(mid, depths, config.tick_size, config.price_decimals)
        sizes = np.where(prices > 0.0, self._sizes(pnls), 0.0)
        return _Levels(depths, pnls, prices, ticks, sizes, carry)

    def _report(
        self,
        mid: FloatArray,
        touch: _Touch,
        levels: _Levels,
        composite_parts: list[Sourced],
        where: BoolArray,
    ) -> Cycle:
        """Put quotes, the figures behind them and the events of the cycle together."""
        active, sources, max_position = self._active, self._sources, self._config.max_position
        gate_closed = legacy.gate_closed(self._position, max_position)
        rests = (levels.sizes > 0.0).any(axis=1)
        beyond_old_cap = np.abs(touch.drift_shift_bps) > legacy.SHIFT_CLAMP_BPS
        return Cycle(
            mid=mid,
            position=self._position,
            prices=levels.prices,
            ticks=levels.ticks,
            sizes=levels.sizes,
            depths_bps=levels.depths_bps,
            expected_pnl_bps=levels.expected_pnl_bps if 4 in active else None,
            drift_bps_per_s=self._drift().mean,
            drift_variance=self._drift().variance,
            drift_observations=self._take_drift_updates(where),
            composite_parts=composite_parts,
            theta_per_s=self._kalman.theta_per_s,
            process_noise=self._kalman.process_noise,
            gamma_per_bps=touch.gamma_per_bps,
            sigma_bps_per_sqrt_s=self._sigma_in_force(),
            flow_imbalance=touch.flow_imbalance,
            kappas_per_bps=touch.kappas_per_bps,
            half_spreads_bps=touch.half_spreads_bps,
            drift_shift_bps=touch.drift_shift_bps,
            skew_bps=touch.skew_bps,
            funding_skew_bps=touch.funding_skew_bps,
            carry_bps=levels.carry_bps,
            as_cost_bps=self._as_cost_bps(),
            touch_depths_bps=touch.depths_bps,
            active_phases=active,
            inert_phases=self._inert,
            zone=legacy.zones(self._position, max_position),
            killed=inventory.killed(self._position, max_position),
            gate_closed=gate_closed,
            drift_beyond_old_cap=beyond_old_cap & (1 in active),
            # exactly one of: the old gate lets the side quote, quotes of it rest (D-44)
            dual_run_disagreement=(gate_closed == rests) & (4 in active),
            vol_ratio=sources.vol_ratio,
            as_ratio_adjustment=sources.as_ratio_adjustment,
            funding_zscore=sources.funding.zscore if 6 in active else None,
            premium_bps=sources.funding.premium_bps() if 6 in active else None,
            book_imbalances=sources.book.imbalances if 7 in active else None,
            insufficient_depth=sources.book.insufficient if 7 in active else None,
        )

    # --- phase 1: drift -----------------------------------------------------------------------

    def _update_drift(self, t_ms: FloatArray, mid: FloatArray, where: BoolArray) -> list[Sourced]:
        """Settle markouts, predict to now, then take every source in its order (D-41).

        Returns the parts of the composite.
        """
        signals = self._take_signals(where)
        if 1 not in self._active:
            self._legacy_drift.update_cycle([signal for _, signal in signals], where)
            return []
        self._settle_markouts(t_ms, mid, where)
        self._kalman.predict(t_ms, where)
        for source, signal in signals:
            self._observe(f"signal:{source}", signal)
        self._observe_flow(t_ms, where)
        composite_parts = self._observe_hot_composite(t_ms, where)
        self._sources.follow_returns(t_ms, mid, where)
        warm = where & (self._cycles % self._config.warm_every_cycles == 0)
        if warm.any():
            self._observe_all(self._sources.warm(t_ms, mid, warm))
        cold = where & (self._cycles % self._config.cold_every_cycles == 0)
        if cold.any():
            self._observe_all(self._sources.cold(mid, cold))
        return composite_parts

    def _observe(self, source: str, observations: Observations) -> None:
        """Condition the filters on a source's observations, and keep the trace of them."""
        if observations.said.any():
            gain, push = self._kalman.update(observations)
            z_bps_per_s, variance, said = observations
            self._drift_updates.append(DriftUpdate(source, z_bps_per_s, variance, gain, push, said))

    def _observe_all(self, said: Sequence[Sourced]) -> None:
        for source, observations in said:
            self._observe(source, observations)

    def _take_signals(self, where: BoolArray) -> list[Sourced]:
        """Signals held for the markets of ``where``; those of the others stay."""
        held, self._signals = self._signals, []
        for source, signal in held:
            if (signal.said & ~where).any():
                self._signals.append((source, signal._replace(said=signal.said & ~where)))
        return [(source, signal._replace(said=signal.said & where)) for source, signal in held]

    def _take_drift_updates(self, where: BoolArray) -> list[DriftUpdate]:
        """Observations that reached the filters of ``where`` since their last cycle."""
        kept, self._drift_updates = self._drift_updates, []
        for update in kept:
            if (update.said & ~where).any():
                self._drift_updates.append(update._replace(said=update.said & ~where))
        return [update._replace(said=update.said & where) for update in kept]

    def _drift(self) -> KalmanDrift | LegacyDrift:
        return self._kalman if 1 in self._active else self._legacy_drift

    def _fill_observations(
        self, buys: BoolArray, price: Figures, mid: FloatArray, where: BoolArray
    ) -> Observations:
        """Own fills where a mid is known, as observations."""
        known = where & ~np.isnan(mid)
        z_bps_per_s = drift.fill_z_bps_per_s(buys, price, mid, self._sigma_in_force())
        check_finite("z_bps_per_s", z_bps_per_s, known)
        return drift.bounded(z_bps_per_s, self._config.fill_variance, known)

    def _drift_shift_bps(self) -> FloatArray:
        shift = glft.drift_shift_bps(self._drift().mean, self._tau_s)
        return shift if 1 in self._active else legacy.clamped_shift_bps(shift)

    def _drift_moves_quotes(self) -> bool:
        return 1 in self._active or not self._deployed

    # --- phase 2: risk aversion ---------------------------------------------------------------

    def _skew_moves_quotes(self) -> bool:
        return 2 in self._active or not self._deployed

    def _zone_widenings_bps(self) -> Figures:
        """Old zones' widening [2, markets] of the accumulating side."""
        if 2 in self._active or self._deployed:
            return 0.0
        zone = legacy.zones(self._position, self._config.max_position)
        return legacy.ZONE_WIDENING_BPS[zone] * inventory.accumulating(self._position)

    # --- phase 3: flow ------------------------------------------------------------------------

    def _observe_flow(self, t_ms: FloatArray, where: BoolArray) -> None:
        if 3 in self._active:
            self._observe("flow", self._flow.drift_observations_at(t_ms, where))

    def _flow_adjusted_kappas(self, imbalance: FloatArray) -> FloatArray:
        """Kappas [2, markets] of the half-spread; lambda keeps the unadjusted ones (D-46)."""
        if 3 not in self._active:
            return self._kappas
        return self._kappas * self._flow.kappa_multipliers(imbalance)

    # --- phases 1-3 together: depths ----------------------------------------------------------

    def _half_spreads_bps(self, gamma: FloatArray, kappas: FloatArray) -> FloatArray:
        config = self._config
        if config.base_half_spread_bps is not None:
            return np.full_like(kappas, config.base_half_spread_bps)
        return glft.half_spreads_bps(
            gamma, kappas, self._sigma_in_force(), self._tau_s, config.fee_bps
        )

    # --- phase 4: which levels rest -----------------------------------------------------------

    def _expected_pnls_bps(self, depths: FloatArray, costs_bps: FloatArray) -> FloatArray:
        """Expected PnL of each level; ``costs_bps`` is AS + carry, to which the fee comes."""
        config, sigma = self._config, self._sigma_in_force()
        u = inventory.utilisation(self._position, config.max_position)
        gamma = inventory.gamma_per_bps(config.gamma_base_per_bps, config.inventory_beta, u)
        accumulates = inventory.accumulating(self._position)
        position_terms = expected_pnl.drift_contributions_bps(
            self._drift().mean, self._tau_s
        ) - expected_pnl.inventory_penalties_bps(gamma, u, sigma, self._tau_s, accumulates)
        intensities = expected_pnl.fill_intensities(depths, self._kappas[:, None])
        return expected_pnl.level_pnls_bps(
            depths,
            intensities,
            (costs_bps + config.fee_bps)[:, None],
            position_terms[:, None],
        )

    def _cleared(self) -> BoolArray:
        """Sides that the kill guard, or what a gate that is off falls back to, empties."""
        position, max_position = self._position, self._config.max_position
        cleared = inventory.killed(position, max_position)
        if 2 not in self._active:
            clears = legacy.zones(position, max_position) >= legacy.CLEARING_FROM
            cleared = cleared | (clears & inventory.accumulating(position))
        if 4 not in self._active and not self._deployed:
            cleared = cleared | legacy.gate_closed(position, max_position)
        return cleared

    # --- phase 5: adaptation ------------------------------------------------------------------

    def _settle_markouts(self, t_ms: FloatArray, mid: FloatArray, where: BoolArray) -> None:
        """Adapt theta and process noise to the fills whose markout window has passed.

        Calls are in the order of their fills, and so each market's oldest comes first.
        """
        if not self._markouts:
            return
        adapting = self._adaptation
        for fills in self._markouts:
            due = fills.take_due(t_ms, self._config.markout_window_s, where)
            if due.any():
                window_s = (t_ms - fills.t_ms) / 1000.0
                realised = adaptation.realised_drift_bps_per_s(fills.mid, mid, window_s)
                adapting.update(
                    fills.drift_bps_per_s,
                    fills.variance,
                    realised,
                    self._sigma_in_force(),
                    window_s,
                    due,
                )
        self._markouts = [fills for fills in self._markouts if fills.waiting.any()]
        self._kalman.theta_per_s = adapting.theta_per_s
        self._kalman.process_noise = adapting.process_noise

    # --- phase 6: funding ---------------------------------------------------------------------

    def _carries_bps(self) -> FloatArray:
        if 6 in self._active:
            return self._sources.funding.carries_bps()
        return np.zeros_like(self._kappas)

    def _funding_skew_bps(self, u: FloatArray) -> FloatArray:
        return self._sources.funding.skew_bps(u) if 6 in self._active else np.zeros_like(u)

    # --- phase 7: book ------------------------------------------------------------------------

    def _observe_hot_composite(self, t_ms: FloatArray, where: BoolArray) -> list[Sourced]:
        """Condition on book and sweeps as one precision-weighted observation (D-30)."""
        said = self._sources.hot(t_ms, where)
        if said:
            self._observe("composite", drift.composite([part for _, part in said]))
        return said

    # --- phase 8: volatility and tails --------------------------------------------------------

    def _sigma_in_force(self) -> FloatArray:
        """The desk's sigma, scaled by the volatility's term structure (D-43)."""
        return self._sigma * self._sources.sigma_multiplier

    def _as_cost_bps(self) -> FloatArray:
        """Adverse selection at the AS ratio, adjusted to the tails (D-19)."""
        as_ratio = self._config.as_ratio * self._sources.as_ratio_adjustment
        return expected_pnl.adverse_selection_bps(as_ratio, self._sigma_in_force(), self._tau_s)

    # --- sizes --------------------------------------------------------------------------------

    def _sizes(self, pnls: FloatArray) -> FloatArray:
        """Sizes [2, levels, markets] that rest: multipliers, then filter, then cut at q_max."""
        config, multiplier = self._config, np.ones_like(self._kappas)
        if 2 not in self._active:
            zone = legacy.zones(self._position, config.max_position)
            multiplier = multiplier * legacy.ZONE_SIZE_MULTIPLIER[zone]
        if 4 not in self._active:
            multiplier = multiplier * legacy.toxicity_size_multipliers(self._toxicities)
        sizes = self._level_sizes * multiplier[:, None]
        if 4 in self._active:
            sizes = np.where(expected_pnl.keeps(pnls), sizes, 0.0)
        room = config.max_position - SIGN * self._position
        cut = ladder.cut_sizes(sizes, room, config.min_size)
        return np.where(self._cleared()[:, None], 0.0, cut)

    # --- what every event checks --------------------------------------------------------------

    def _where(self, where: BoolArray | None) -> BoolArray:
        return self._everywhere if where is None else where

    def _spread(self, figures: Figures) -> FloatArray:
        """One figure a market; a copy, since the caller may fill its array anew."""
        return np.array(np.broadcast_to(figures, self._everywhere.shape), np.float64)

    def _mid_of(self, mid: Figures | None, where: BoolArray) -> FloatArray:
        """The mid a step carries, else the last book's; NaN where there is neither (Q-04)."""
        if mid is None:
            return self._book_mid
        carried = ~np.isnan(mid)
        check_positive("mid", mid, where & carried)
        return np.where(carried, mid, self._book_mid)

    def _advance(self, t_ms: Figures, where: BoolArray) -> None:
        self._check_time(t_ms, where)
        self._time_ms = np.where(where, t_ms, self._time_ms)

    def _check_time(self, t_ms: Figures, where: BoolArray) -> None:
        reversed_time = where & (t_ms < self._time_ms)
        if reversed_time.any():
            raise TimeReversedError(
                f"t_ms of market {reversed_time.argmax()} is earlier than its last step"
            )


def _replaced(
    name: str, figures: FloatArray, estimates: Figures | None, where: BoolArray
) -> FloatArray:
    """Figures with those that are estimated anew replaced, once they are checked."""
    if estimates is None:
        return figures
    check_positive(name, estimates, where)
    return np.where(where, estimates, figures)
