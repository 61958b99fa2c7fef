"""Phase 8: tape, fill sizes, other markets, volatility and open interest."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from quotemark.mutants.base import Mutant
from quotemark_reference import cross_venue, fill_size, hawkes, open_interest, returns, volatility
from quotemark_reference.config import (
    CrossVenueConfig,
    FillSizeConfig,
    HawkesConfig,
    OpenInterestConfig,
    VolatilityConfig,
)
from quotemark_reference.cross_venue import Basis, Lead, LeadLag
from quotemark_reference.drift import BUY, SELL, Observation
from quotemark_reference.engine import Cycle, QuoteEngine
from quotemark_reference.fill_size import FillSizes
from quotemark_reference.hawkes import HawkesFlow
from quotemark_reference.inventory import ASK, BID
from quotemark_reference.open_interest import OpenInterest
from quotemark_reference.sources import DriftSources, Sourced
from quotemark_reference.volatility import RealisedVolatility

# The reference's own functions, for the mutants that only bend them.
_hawkes_observation = hawkes.drift_observation
_hawkes_init = HawkesFlow.__init__
_record_trade = HawkesFlow.record_trade
_decay_to = HawkesFlow._decay_to
_fill_size_observation = fill_size.drift_observation
_sizes_init = FillSizes.__init__
_record_size = FillSizes.record_fill
_basis_bps = cross_venue.basis_bps
_basis_observation = cross_venue.basis_observation
_follow_basis = Basis.follow
_lead_observation = cross_venue.lead_observation
_lead_init = LeadLag.__init__
_lead = LeadLag.lead
_follow_lead = LeadLag.follow
_deviations = returns.deviations
_sigma_multiplier = volatility.sigma_multiplier
_as_ratio_adjustment = volatility.as_ratio_adjustment
_volatility_init = RealisedVolatility.__init__
_realised_sigma = RealisedVolatility.realised_sigma
_vol_ratio = RealisedVolatility.vol_ratio
_excess_kurtosis = RealisedVolatility.excess_kurtosis
_interest_observation = open_interest.drift_observation
_interest_init = OpenInterest.__init__
_follow_interest = OpenInterest.follow
_interest_config_init = OpenInterestConfig.__init__
_follow_returns = DriftSources.follow_returns
_warm = DriftSources.warm
_on_trade = QuoteEngine.on_trade
_on_estimate = QuoteEngine.on_estimate
_cycle = QuoteEngine.cycle
_observe_all = QuoteEngine._observe_all
_fill_observation = QuoteEngine._fill_observation
_as_cost = QuoteEngine._as_cost_bps


# --- Hawkes intensities -----------------------------------------------------------------------


def _excited_by_size(self: QuoteEngine, t_ms: int, side: str, price: float, size: float) -> None:
    _on_trade(self, t_ms, side, price, size)
    tape = self._sources.hawkes
    tape._excess_per_s[side] += (size - 1.0) * self._config.hawkes_jump_per_s


def _cross_excitation(self: HawkesFlow, t_ms: int, side: str) -> None:
    _record_trade(self, t_ms, side)
    self._excess_per_s[SELL if side == BUY else BUY] += self._config.hawkes_jump_per_s / 3.0


def _decay_in_milliseconds(self: HawkesFlow, t_ms: int) -> float:
    return _decay_to(self, self._time_ms + 1000 * (t_ms - self._time_ms))


def _standing_excess(self: HawkesFlow, t_ms: int) -> tuple[float, float]:
    del t_ms
    return self._excess_per_s[BUY], self._excess_per_s[SELL]


def _excess_with_base(
    buy_excess_per_s: float, sell_excess_per_s: float, config: HawkesConfig
) -> Observation | None:
    observation = _hawkes_observation(buy_excess_per_s, sell_excess_per_s, config)
    if observation is None or config.calibration == "plan":
        return observation
    excess = buy_excess_per_s + sell_excess_per_s
    return observation[0] * excess / (excess + 2.0 * config.hawkes_base_per_s), observation[1]


def _noise_of_the_excess(
    buy_excess_per_s: float, sell_excess_per_s: float, config: HawkesConfig
) -> Observation | None:
    without_base = replace(config, hawkes_base_per_s=1e-12)
    return _hawkes_observation(buy_excess_per_s, sell_excess_per_s, without_base)


def _hawkes_noise_without_floor(
    buy_excess_per_s: float, sell_excess_per_s: float, config: HawkesConfig
) -> Observation | None:
    unfloored = replace(config, hawkes_intensity_floor_per_s=1e-9)
    return _hawkes_observation(buy_excess_per_s, sell_excess_per_s, unfloored)


def _one_by_one(self: HawkesFlow, config: HawkesConfig) -> None:
    _hawkes_init(self, replace(config, hawkes_min_events=0))


def _warm_past_twenty(self: HawkesFlow, config: HawkesConfig) -> None:
    _hawkes_init(self, replace(config, hawkes_min_events=config.hawkes_min_events + 1))


def _silence_of_the_default(self: HawkesFlow, config: HawkesConfig) -> None:
    _hawkes_init(self, replace(config, hawkes_silence_horizons=5.0))


# --- own fill sizes ---------------------------------------------------------------------------


def _small_fills_too(
    bid_zscore: float, ask_zscore: float, config: FillSizeConfig
) -> Observation | None:
    """Let a side below the baseline count for the other one."""
    if bid_zscore == ask_zscore:
        return None
    difference = ask_zscore - bid_zscore
    return _fill_size_observation(max(0.0, -difference), max(0.0, difference), config)


def _zscore_of_1_is_full_scale(
    bid_zscore: float, ask_zscore: float, config: FillSizeConfig
) -> Observation | None:
    if config.calibration == "calibrated":
        return _fill_size_observation(5.0 * bid_zscore, 5.0 * ask_zscore, config)
    return _fill_size_observation(bid_zscore, ask_zscore, config)


def _large_fills_unclipped(
    bid_zscore: float, ask_zscore: float, config: FillSizeConfig
) -> Observation | None:
    observation = _fill_size_observation(bid_zscore, ask_zscore, config)
    if observation is None or config.calibration == "plan":
        return observation
    difference = max(0.0, ask_zscore) - max(0.0, bid_zscore)
    return config.calibrated_drift_scale * difference / 5.0, observation[1]


def _fill_sizes_swapped(self: FillSizes, side: str, size: float) -> None:
    _record_size(self, SELL if side == BUY else BUY, size)


def _variance_of_the_past(self: FillSizes, side: str, size: float) -> None:
    """Update as (1 - w) variance + w (size - mean)^2."""
    variance, weight = self._variance, self._config.fill_size_weight
    departure = size - self.baseline_mean if self.fills else 0.0
    _record_size(self, side, size)
    self._variance = (1.0 - weight) * variance + weight * departure * departure


def _baseline_from_0(self: FillSizes, side: str, size: float) -> None:
    first = self.fills == 0
    _record_size(self, side, size)
    if first:
        weight = self._config.fill_size_weight
        self.baseline_mean = weight * size
        self._variance = (1.0 - weight) * weight * size * size


def _baseline_by_side(self: FillSizes, side: str, size: float) -> None:
    """Keep a mean and a variance of each side beside the recent fills."""
    _record_size(self, side, size)
    weight = self._config.fill_size_weight
    own = BID if side == BUY else ASK
    mean, variance = self._recent.get(f"{own} baseline", (size, 0.0))
    departure = size - mean
    variance = (1.0 - weight) * (variance + weight * departure * departure)
    self._recent[f"{own} baseline"] = deque((mean + weight * departure, variance))


def _zscore_by_side(self: FillSizes, side: str) -> float:
    recent = self._recent[side]
    mean, variance = self._recent.get(f"{side} baseline", (0.0, 0.0))
    if not recent or math.sqrt(variance) <= 1e-9 * mean:
        return 0.0
    return (sum(recent) / len(recent) - mean) / math.sqrt(variance)


def _all_fills_recent(self: FillSizes, config: FillSizeConfig) -> None:
    _sizes_init(self, replace(config, fill_size_window=1_000_000))


def _last_fill_recent(self: FillSizes, config: FillSizeConfig) -> None:
    _sizes_init(self, replace(config, fill_size_window=1))


def _window_of_the_default(self: FillSizes, config: FillSizeConfig) -> None:
    _sizes_init(self, replace(config, fill_size_window=10))


def _alike_only_if_equal(self: FillSizes, side: str) -> float:
    recent, std = self._recent[side], self.baseline_std()
    if not recent or std == 0.0:
        return 0.0
    return (sum(recent) / len(recent) - self.baseline_mean) / std


def _sizes_warm_at_once(self: FillSizes, config: FillSizeConfig) -> None:
    _sizes_init(self, replace(config, fill_size_min_fills=1))


# --- basis and lead ---------------------------------------------------------------------------


def _level_of_the_basis(self: Basis, perp_mid: float) -> None:
    _follow_basis(self, perp_mid)
    if self.change_bps is not None:
        self.change_bps = self.basis_bps


def _first_change_is_level(self: Basis, perp_mid: float) -> None:
    if self.basis_bps is None:
        self.basis_bps = 0.0
    _follow_basis(self, perp_mid)
    if self.spot is None:
        self.basis_bps = None


def _basis_of_last_cycle(self: QuoteEngine, t_ms: int, mid: float | None = None) -> Cycle:
    cycle = _cycle(self, t_ms, mid)
    change_bps = self._sources.basis.change_bps
    self._sources.basis.follow(cycle.mid)
    self._sources.basis.change_bps = change_bps
    return cycle


def _basis_unclipped(change_bps: float, config: CrossVenueConfig) -> Observation | None:
    observation = _basis_observation(change_bps, config)
    if observation is None or config.calibration == "plan":
        return observation
    scale = config.calibrated_drift_scale / config.calibrated_basis_scale_bps
    return scale * change_bps, observation[1]


def _venues_by_position(self: QuoteEngine, said: list[Sourced]) -> None:
    """Turn what other markets say by the sign of the position."""
    sign = (self._position > 0.0) - (self._position < 0.0)
    turned = [
        (source, (sign * z if source in ("basis", "lead") else z, variance))
        for source, (z, variance) in said
    ]
    _observe_all(self, turned)


def _lead_when_holding(self: QuoteEngine, said: list[Sourced]) -> None:
    _observe_all(self, [one for one in said if one[0] != "lead" or self._position != 0.0])


def _regression(leader: list[float], own: list[float]) -> Lead | None:
    """Regress own on the leader through the origin."""
    square, own_square = (sum(x * x for x in values) for values in (leader, own))
    if min(square, own_square) == 0.0:
        return None
    product = sum(x * y for x, y in zip(leader, own, strict=True))
    beta = product / square
    return Lead(beta * leader[-1] - own[-1], beta, beta * product / own_square)


def _without_intercept(self: LeadLag) -> Lead | None:
    if _lead(self) is None:
        return None
    return _regression(list(self._leader_returns), list(self._own_returns))


def _regressed_on_the_past(self: LeadLag) -> Lead | None:
    """Regress each return on the leader's before it."""
    if _lead(self) is None:
        return None
    leader, own = list(self._leader_returns), list(self._own_returns)
    past = _regression(leader[:-1], own[1:])
    return None if past is None else replace(past, lead_bps=past.beta * leader[-1])


def _leader_on_own(self: LeadLag) -> Lead | None:
    swapped = LeadLag(self._config)
    swapped._own_returns, swapped._leader_returns = self._leader_returns, self._own_returns
    return _lead(swapped)


def _correlation(self: LeadLag) -> Lead | None:
    lead = _lead(self)
    return None if lead is None else replace(lead, confidence=math.sqrt(lead.confidence))


def _own_return_forgotten(self: LeadLag) -> Lead | None:
    lead = _lead(self)
    return None if lead is None else replace(lead, lead_bps=lead.lead_bps + self._own_returns[-1])


def _beta_of_1(self: LeadLag) -> Lead | None:
    lead = _lead(self)
    if lead is None:
        return None
    return replace(lead, lead_bps=self._leader_returns[-1] - self._own_returns[-1])


def _returns_of_moves_only(self: LeadLag, mid: float) -> None:
    if self._prices is None or self._prices[1] != self.leader:
        _follow_lead(self, mid)


def _deviations_magnified(values: Collection[float]) -> list[float]:
    """Take any spread for one: what comes of it does not change with the scale."""
    return [1e6 * deviation for deviation in _deviations(values)]


def _any_confidence(lead: Lead, config: CrossVenueConfig) -> Observation | None:
    return _lead_observation(lead, replace(config, lead_min_confidence=0.01))


def _alike_confident(lead: Lead, config: CrossVenueConfig) -> Observation | None:
    observation = _lead_observation(lead, config)
    return None if observation is None else (observation[0], observation[1] * lead.confidence)


def _lead_unclipped(lead: Lead, config: CrossVenueConfig) -> Observation | None:
    observation = _lead_observation(lead, config)
    if observation is None or config.calibration == "plan":
        return observation
    scale = config.calibrated_drift_scale / config.calibrated_lead_scale_bps
    return scale * lead.lead_bps, observation[1]


def _lead_never_forgets(self: LeadLag, config: CrossVenueConfig) -> None:
    _lead_init(self, replace(config, lead_window=1_000_000))


def _lead_at_nineteen(self: LeadLag, config: CrossVenueConfig) -> None:
    _lead_init(self, replace(config, lead_min_returns=config.lead_min_returns - 1))


# --- volatility and tails ---------------------------------------------------------------------


def _ratio_inverted(self: RealisedVolatility) -> float:
    return 1.0 / max(_vol_ratio(self), 1e-9)


def _sigma_per_cycle(self: RealisedVolatility, horizon_s: float) -> float | None:
    """Root mean square of the returns per cycle, whatever time they span."""
    sigma = _realised_sigma(self, horizon_s)
    if sigma is None:
        return None
    last_ms = self._points[-1][0]
    times = [t_ms for t_ms, _, _ in self._points if last_ms - t_ms <= horizon_s * 1000.0]
    return sigma * math.sqrt((last_ms - times[0]) / 1000.0 / (len(times) - 1))


def _border_forgotten(self: RealisedVolatility, horizon_s: float) -> float | None:
    return _realised_sigma(self, horizon_s - 1e-6)


def _calm_narrows(vol_ratio: float, config: VolatilityConfig) -> float:
    return float(vol_ratio**config.vol_exponent)


def _sigma_by_ratio(vol_ratio: float, config: VolatilityConfig) -> float:
    return _sigma_multiplier(vol_ratio, replace(config, vol_exponent=2.0 * config.vol_exponent))


def _horizon_of_the_default(self: RealisedVolatility, config: VolatilityConfig) -> None:
    _volatility_init(self, replace(config, vol_long_s=300.0))


def _not_excess(self: RealisedVolatility) -> float | None:
    kurtosis = _excess_kurtosis(self)
    return None if kurtosis is None else kurtosis + 3.0


def _kurtosis_of_the_sample(self: RealisedVolatility) -> float | None:
    kurtosis, n = _excess_kurtosis(self), len(self._returns_bps)
    if kurtosis is None or n <= 3:
        return kurtosis
    return ((n + 1) * kurtosis + 6.0) * (n - 1) / ((n - 2) * (n - 3))


def _kurtosis_at_once(self: RealisedVolatility, config: VolatilityConfig) -> None:
    _volatility_init(self, replace(config, kurtosis_min_returns=2))


def _kurtosis_never_forgets(self: RealisedVolatility, config: VolatilityConfig) -> None:
    _volatility_init(self, replace(config, kurtosis_window=1_000_000))


def _tails_uncapped(excess_kurtosis: float, config: VolatilityConfig) -> float:
    return _as_ratio_adjustment(excess_kurtosis, replace(config, as_ratio_adjustment_max=1e6))


def _thin_tails_narrow(excess_kurtosis: float, config: VolatilityConfig) -> float:
    if excess_kurtosis < 0.0:
        return max(0.0, 1.0 + config.tail_weight * excess_kurtosis)
    return _as_ratio_adjustment(excess_kurtosis, config)


def _sigma_between_warm_cycles(self: DriftSources, t_ms: int, mid: float) -> None:
    self.sigma_multiplier = 1.0
    _follow_returns(self, t_ms, mid)


def _as_between_cold_cycles(self: DriftSources, t_ms: int, mid: float) -> None:
    self.as_ratio_adjustment = 1.0
    _follow_returns(self, t_ms, mid)


def _sigma_of_last_cycle(self: DriftSources, t_ms: int, mid: float) -> None:
    self.sigma_multiplier = volatility.sigma_multiplier(self.vol_ratio, self._config)
    _follow_returns(self, t_ms, mid)


def _scaled_from_next_cycle(self: DriftSources, t_ms: int, mid: float) -> list[Sourced]:
    multiplier = self.sigma_multiplier
    said = _warm(self, t_ms, mid)
    self.sigma_multiplier = multiplier
    return said


def _sigma_compounds(self: DriftSources, t_ms: int, mid: float) -> list[Sourced]:
    multiplier = self.sigma_multiplier
    said = _warm(self, t_ms, mid)
    self.sigma_multiplier = min(1e6, self.sigma_multiplier * multiplier)
    return said


def _estimate_resets_scale(self: QuoteEngine, t_ms: int, **estimates: float | None) -> None:
    _on_estimate(self, t_ms, **estimates)
    self._sources.sigma_multiplier = 1.0


def _as_of_the_desks_sigma(self: QuoteEngine, sigma: float) -> float:
    return _as_cost(self, sigma / self._sources.sigma_multiplier)


def _fill_at_the_desks_sigma(
    self: QuoteEngine, side: str, price: float, mid: float | None
) -> Observation | None:
    scaled, self._sources.sigma_multiplier = self._sources.sigma_multiplier, 1.0
    observation = _fill_observation(self, side, price, mid)
    self._sources.sigma_multiplier = scaled
    return observation


# --- open interest ----------------------------------------------------------------------------


def _any_return(
    change: float, price_return: float, config: OpenInterestConfig
) -> Observation | None:
    return _interest_observation(change, abs(price_return), config)


def _standing_is_rising(
    change: float, price_return: float, config: OpenInterestConfig
) -> Observation | None:
    return _interest_observation(change, price_return or 1.0, config)


def _interest_unclipped(
    change: float, price_return: float, config: OpenInterestConfig
) -> Observation | None:
    observation = _interest_observation(change, price_return, config)
    if observation is None or config.calibration == "plan":
        return observation
    direction = (price_return > 0.0) - (price_return < 0.0)
    signal = change / config.calibrated_open_interest_scale * direction
    return config.calibrated_drift_scale * signal, observation[1]


def _scale_of_the_default(self: OpenInterest, config: OpenInterestConfig) -> None:
    _interest_init(self, replace(config, calibrated_open_interest_scale=0.01))


def _change_in_contracts(self: OpenInterest, mid: float) -> None:
    before = self._last
    _follow_interest(self, mid)
    if before is not None and self.change is not None:
        self.change *= before[0]


def _interest_of_last_cycle(self: QuoteEngine, t_ms: int, mid: float | None = None) -> Cycle:
    cycle = _cycle(self, t_ms, mid)
    change = self._sources.open_interest.change
    self._sources.open_interest.follow(cycle.mid)
    self._sources.open_interest.change = change
    return cycle


def _return_of_last_cycle(self: QuoteEngine, t_ms: int, mid: float | None = None) -> Cycle:
    cycle = _cycle(self, t_ms, mid)
    interest = self._sources.open_interest
    if interest._last is not None:
        interest._last = interest._last[0], cycle.mid
    return cycle


def _interest_on(self: OpenInterestConfig, **values: Any) -> None:  # noqa: ANN401
    _interest_config_init(self, **{"alpha_open_interest": 1.0, **values})


PHASE_8 = (
    Mutant(
        "hawkes-bullish-on-sells",
        "P8.test_hawkes_excess_sell_bearish",
        "a burst of sells is bullish",
        {
            "hawkes.drift_observation": lambda buy, sell, config: _hawkes_observation(
                sell, buy, config
            )
        },
    ),
    Mutant(
        "hawkes-marked-by-size",
        "P8.test_hawkes_excess_sell_bearish",
        "a trade excites by its size",
        {"engine.QuoteEngine.on_trade": _excited_by_size},
    ),
    Mutant(
        "hawkes-cross-excitation",
        "P8.test_hawkes_excess_sell_bearish",
        "a trade excites the other side too",
        {"hawkes.HawkesFlow.record_trade": _cross_excitation},
    ),
    Mutant(
        "hawkes-decay-in-milliseconds",
        "P8.test_hawkes_excess_sell_bearish",
        "the excitation's decay is per millisecond",
        {"hawkes.HawkesFlow._decay_to": _decay_in_milliseconds},
    ),
    Mutant(
        "hawkes-excess-stands",
        "P8.test_hawkes_excess_sell_bearish",
        "intensities decay at the next trade only",
        {"hawkes.HawkesFlow.excesses_at": _standing_excess},
    ),
    Mutant(
        "hawkes-base-in-the-signal",
        "D-45",
        "calibrated, the base intensity is not subtracted",
        {"hawkes.drift_observation": _excess_with_base},
    ),
    Mutant(
        "hawkes-noise-of-the-excess",
        "P8.test_hawkes_excess_sell_bearish",
        "R rests on the excess, not on the whole intensity",
        {"hawkes.drift_observation": _noise_of_the_excess},
    ),
    Mutant(
        "hawkes-without-floor-in-r",
        "P8.test_hawkes_excess_sell_bearish",
        "R of a quiet tape grows without end",
        {"hawkes.drift_observation": _hawkes_noise_without_floor},
    ),
    Mutant(
        "hawkes-warm-at-once",
        "P8.test_hawkes_excess_sell_bearish",
        "the first trade already speaks",
        {"hawkes.HawkesFlow.__init__": _one_by_one},
    ),
    Mutant(
        "hawkes-warm-at-21",
        "P8.test_hawkes_excess_sell_bearish",
        "Hawkes speaks after twenty trades, not at the twentieth",
        {"hawkes.HawkesFlow.__init__": _warm_past_twenty},
    ),
    Mutant(
        "hawkes-burst-for-ever",
        "Q-11",
        "calibrated, silence keeps the last burst",
        {"hawkes.HawkesFlow._is_silent": lambda self, t_ms: False},
    ),
    Mutant(
        "hawkes-lone-trades-speak",
        "E2E-10",
        "the excitation hardly decays: lone trades are a cluster",
        {
            "hawkes.HawkesFlow._is_silent": lambda self, t_ms: False,
            "hawkes.HawkesFlow._decay_to": lambda self, t_ms: 1.0,
        },
    ),
    Mutant(
        "hawkes-not-fed",
        "E2E-10",
        "trades do not reach the Hawkes intensities",
        {"sources.DriftSources.record_trade": lambda self, t_ms, side: None},
    ),
    Mutant(
        "hawkes-silence-fixed",
        "A-hawkes",
        "silence begins after 5/decay whatever is configured",
        {"hawkes.HawkesFlow.__init__": _silence_of_the_default},
    ),
    Mutant(
        "fill-sizes-swapped",
        "P8.test_fill_size_shift_large_bids_bearish",
        "an own buy's size counts for the asks",
        {"fill_size.FillSizes.record_fill": _fill_sizes_swapped},
    ),
    Mutant(
        "small-fills-too",
        "P8.test_fill_size_shift_large_bids_bearish",
        "fills smaller than the baseline speak for the other side",
        {"fill_size.drift_observation": _small_fills_too},
    ),
    Mutant(
        "size-baseline-by-side",
        "P8.test_fill_size_shift_large_bids_bearish",
        "each side has a baseline of its own",
        {
            "fill_size.FillSizes.record_fill": _baseline_by_side,
            "fill_size.FillSizes.zscore": _zscore_by_side,
        },
    ),
    Mutant(
        "size-baseline-from-0",
        "P8.test_fill_size_shift_large_bids_bearish",
        "the baseline starts at 0, not at the first size",
        {"fill_size.FillSizes.record_fill": _baseline_from_0},
    ),
    Mutant(
        "size-variance-of-the-past",
        "P8.test_fill_size_shift_large_bids_bearish",
        "the variance takes w (size - mean)^2 without the factor 1 - w",
        {"fill_size.FillSizes.record_fill": _variance_of_the_past},
    ),
    Mutant(
        "all-fills-recent",
        "P8.test_fill_size_shift_large_bids_bearish",
        "every fill of a side counts as recent",
        {"fill_size.FillSizes.__init__": _all_fills_recent},
    ),
    Mutant(
        "last-fill-recent",
        "P8.test_fill_size_shift_large_bids_bearish",
        "only the last fill of a side counts",
        {"fill_size.FillSizes.__init__": _last_fill_recent},
    ),
    Mutant(
        "fill-sizes-warm-at-once",
        "P8.test_fill_size_shift_large_bids_bearish",
        "the first fills already speak",
        {"fill_size.FillSizes.__init__": _sizes_warm_at_once},
    ),
    Mutant(
        "fill-size-not-normalised",
        "D-45",
        "calibrated, a z-score of 1 is full scale",
        {"fill_size.drift_observation": _zscore_of_1_is_full_scale},
    ),
    Mutant(
        "fill-size-unclipped",
        "D-45",
        "calibrated, very large fills exceed 10 bp/s",
        {"fill_size.drift_observation": _large_fills_unclipped},
    ),
    Mutant(
        "sizes-alike-only-if-equal",
        "Q-12",
        "sizes that differ by their last digit have z-scores",
        {"fill_size.FillSizes.zscore": _alike_only_if_equal},
    ),
    Mutant(
        "fill-size-window-fixed",
        "A-fill_size",
        "ten fills are recent whatever is configured",
        {"fill_size.FillSizes.__init__": _window_of_the_default},
    ),
    Mutant(
        "basis-inverted",
        "P8.test_basis_compression_bearish_when_long",
        "the basis is that of spot over perp",
        {"cross_venue.basis_bps": lambda perp_mid, spot_mid: _basis_bps(spot_mid, perp_mid)},
    ),
    Mutant(
        "basis-level",
        "P8.test_basis_compression_bearish_when_long",
        "the level of the basis speaks, not its change",
        {"cross_venue.Basis.follow": _level_of_the_basis},
    ),
    Mutant(
        "basis-first-change",
        "P8.test_basis_compression_bearish_when_long",
        "the first basis is a change from 0",
        {"cross_venue.Basis.follow": _first_change_is_level},
    ),
    Mutant(
        "basis-per-cycle",
        "P8.test_basis_compression_bearish_when_long",
        "the basis changes from one cycle, not from one warm cycle, to the next",
        {"engine.QuoteEngine.cycle": _basis_of_last_cycle},
    ),
    Mutant(
        "venues-by-position",
        "D-34",
        "basis and lead are turned by the position: a short sees a falling basis as bullish",
        {"engine.QuoteEngine._observe_all": _venues_by_position},
    ),
    Mutant(
        "basis-unclipped",
        "D-45",
        "calibrated, a jump of the basis exceeds 10 bp/s",
        {"cross_venue.basis_observation": _basis_unclipped},
    ),
    Mutant(
        "lead-when-holding",
        "E2E-11",
        "a flat book does not look at the leader",
        {"engine.QuoteEngine._observe_all": _lead_when_holding},
    ),
    Mutant(
        "lead-without-intercept",
        "D-34",
        "the regression goes through the origin",
        {"cross_venue.LeadLag.lead": _without_intercept},
    ),
    Mutant(
        "lead-of-the-past",
        "D-34",
        "each return is regressed on the leader's before it",
        {"cross_venue.LeadLag.lead": _regressed_on_the_past},
    ),
    Mutant(
        "leader-on-own",
        "D-34",
        "the leader is regressed on the own market",
        {"cross_venue.LeadLag.lead": _leader_on_own},
    ),
    Mutant(
        "confidence-is-the-correlation",
        "D-34",
        "the confidence is R, not R^2",
        {"cross_venue.LeadLag.lead": _correlation},
    ),
    Mutant(
        "lead-already-followed",
        "P8.test_lead_signal_btc_drop",
        "the own last return is not taken off: what was followed counts again",
        {"cross_venue.LeadLag.lead": _own_return_forgotten},
    ),
    Mutant(
        "lead-beta-of-1",
        "P8.test_lead_signal_btc_drop",
        "the own market is taken to follow one to one",
        {"cross_venue.LeadLag.lead": _beta_of_1},
    ),
    Mutant(
        "lead-at-any-confidence",
        "D-34",
        "a lead speaks below a confidence of 0.3",
        {"cross_venue.lead_observation": _any_confidence},
    ),
    Mutant(
        "lead-alike-confident",
        "D-34",
        "R does not grow as confidence falls",
        {"cross_venue.lead_observation": _alike_confident},
    ),
    Mutant(
        "lead-unclipped",
        "D-45",
        "calibrated, a large lead exceeds 10 bp/s",
        {"cross_venue.lead_observation": _lead_unclipped},
    ),
    Mutant(
        "lead-never-forgets",
        "D-34",
        "the regression is over the whole session",
        {"cross_venue.LeadLag.__init__": _lead_never_forgets},
    ),
    Mutant(
        "lead-at-19",
        "D-34",
        "nineteen returns already have a lead",
        {"cross_venue.LeadLag.__init__": _lead_at_nineteen},
    ),
    Mutant(
        "lead-of-rounding",
        "Q-13",
        "returns that differ by 1e-9 bp have a regression",
        {"cross_venue.deviations": _deviations_magnified},
    ),
    Mutant(
        "lead-of-moves-only",
        "A-cross_venue",
        "a cycle in which the leader stands has no returns",
        {"cross_venue.LeadLag.follow": _returns_of_moves_only},
    ),
    Mutant(
        "vol-ratio-of-variances",
        "P8.test_vol_ratio_widens_sigma",
        "the ratio is that of variances: a fourfold spike counts as sixteenfold",
        {"volatility.RealisedVolatility.vol_ratio": lambda self: _vol_ratio(self) ** 2},
    ),
    Mutant(
        "vol-ratio-inverted",
        "P8.test_vol_ratio_widens_sigma",
        "the ratio is long over short",
        {"volatility.RealisedVolatility.vol_ratio": _ratio_inverted},
    ),
    Mutant(
        "sigma-per-cycle",
        "P8.test_vol_ratio_widens_sigma",
        "realised sigma is per cycle, however far apart cycles are",
        {"volatility.RealisedVolatility.realised_sigma": _sigma_per_cycle},
    ),
    Mutant(
        "vol-window-border-outside",
        "Q-14",
        "a point at the window's border does not belong to it",
        {"volatility.RealisedVolatility.realised_sigma": _border_forgotten},
    ),
    Mutant(
        "calm-narrows-sigma",
        "P8.test_vol_ratio_widens_sigma",
        "a ratio below 1 narrows sigma",
        {"volatility.sigma_multiplier": _calm_narrows},
    ),
    Mutant(
        "sigma-by-ratio",
        "P8.test_vol_ratio_widens_sigma",
        "sigma grows with the ratio, not with its root",
        {"volatility.sigma_multiplier": _sigma_by_ratio},
    ),
    Mutant(
        "vol-horizon-fixed",
        "A-volatility",
        "the long horizon is 300 s whatever is configured",
        {"volatility.RealisedVolatility.__init__": _horizon_of_the_default},
    ),
    Mutant(
        "kurtosis-not-excess",
        "P8.test_kurtosis_scales_as_ratio",
        "a Gaussian's kurtosis is 3",
        {"volatility.RealisedVolatility.excess_kurtosis": _not_excess},
    ),
    Mutant(
        "kurtosis-of-the-sample",
        "P8.test_kurtosis_scales_as_ratio",
        "kurtosis is corrected for the size of the sample",
        {"volatility.RealisedVolatility.excess_kurtosis": _kurtosis_of_the_sample},
    ),
    Mutant(
        "kurtosis-of-rounding",
        "Q-13",
        "returns that differ by 1e-9 bp have tails",
        {"volatility.deviations": _deviations_magnified},
    ),
    Mutant(
        "kurtosis-at-once",
        "P8.test_kurtosis_scales_as_ratio",
        "a few returns already have tails",
        {"volatility.RealisedVolatility.__init__": _kurtosis_at_once},
    ),
    Mutant(
        "kurtosis-never-forgets",
        "P8.test_kurtosis_scales_as_ratio",
        "tails are those of the whole session",
        {"volatility.RealisedVolatility.__init__": _kurtosis_never_forgets},
    ),
    Mutant(
        "tails-uncapped",
        "D-33",
        "the AS adjustment is not capped at 3",
        {"volatility.as_ratio_adjustment": _tails_uncapped},
    ),
    Mutant(
        "thin-tails-narrow",
        "P8.test_kurtosis_scales_as_ratio",
        "thin tails make adverse selection cheaper",
        {"volatility.as_ratio_adjustment": _thin_tails_narrow},
    ),
    Mutant(
        "sigma-scaled-in-warm-cycles",
        "D-33",
        "sigma falls back to the desk's between warm cycles",
        {"sources.DriftSources.follow_returns": _sigma_between_warm_cycles},
    ),
    Mutant(
        "as-adjusted-in-cold-cycles",
        "D-33",
        "the AS ratio falls back to its own between cold cycles",
        {"sources.DriftSources.follow_returns": _as_between_cold_cycles},
    ),
    Mutant(
        "sigma-scaled-a-cycle-late",
        "D-33",
        "the cycle that measures volatility still quotes at the old scale",
        {
            "sources.DriftSources.follow_returns": _sigma_of_last_cycle,
            "sources.DriftSources.warm": _scaled_from_next_cycle,
        },
    ),
    Mutant(
        "sigma-compounds",
        "D-33",
        "each warm cycle scales the sigma that the last one scaled",
        {"sources.DriftSources.warm": _sigma_compounds},
    ),
    Mutant(
        "estimate-resets-scale",
        "D-43",
        "an estimate of sigma takes the volatility's scale off",
        {"engine.QuoteEngine.on_estimate": _estimate_resets_scale},
    ),
    Mutant(
        "as-at-the-desks-sigma",
        "D-43",
        "adverse selection knows the desk's sigma only",
        {"engine.QuoteEngine._as_cost_bps": _as_of_the_desks_sigma},
    ),
    Mutant(
        "fills-at-the-desks-sigma",
        "D-43",
        "own fills are put over the desk's sigma only",
        {"engine.QuoteEngine._fill_observation": _fill_at_the_desks_sigma},
    ),
    Mutant(
        "open-interest-on",
        "D-35",
        "open interest is on by default",
        {"config.OpenInterestConfig.__init__": _interest_on},
    ),
    Mutant(
        "open-interest-at-any-return",
        "D-35",
        "growing open interest is bullish, falling prices or not",
        {"open_interest.drift_observation": _any_return},
    ),
    Mutant(
        "open-interest-at-no-return",
        "D-35",
        "growing open interest is bullish while the price stands",
        {"open_interest.drift_observation": _standing_is_rising},
    ),
    Mutant(
        "open-interest-in-contracts",
        "D-35",
        "the change is in contracts, not relative",
        {"open_interest.OpenInterest.follow": _change_in_contracts},
    ),
    Mutant(
        "open-interest-per-cycle",
        "D-35",
        "open interest changes from one cycle, not from one cold cycle, to the next",
        {"engine.QuoteEngine.cycle": _interest_of_last_cycle},
    ),
    Mutant(
        "open-interest-return-per-cycle",
        "Q-15",
        "the mid's last move, not its return since the last cold cycle, signs the change",
        {"engine.QuoteEngine.cycle": _return_of_last_cycle},
    ),
    Mutant(
        "open-interest-unclipped",
        "D-45",
        "calibrated, a jump of open interest exceeds 10 bp/s",
        {"open_interest.drift_observation": _interest_unclipped},
    ),
    Mutant(
        "open-interest-scale-fixed",
        "A-open_interest",
        "full scale is 1 % whatever is configured",
        {"open_interest.OpenInterest.__init__": _scale_of_the_default},
    ),
)
