"""Phase 8: tape, own fill sizes and open interest."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import replace
from typing import Any

from quotemark.mutants.base import Mutant
from quotemark_reference import fill_size, hawkes, open_interest
from quotemark_reference.config import (
    FillSizeConfig,
    HawkesConfig,
    OpenInterestConfig,
)
from quotemark_reference.drift import BUY, SELL, Observation
from quotemark_reference.engine import Cycle, QuoteEngine
from quotemark_reference.fill_size import FillSizes
from quotemark_reference.hawkes import HawkesFlow
from quotemark_reference.inventory import ASK, BID
from quotemark_reference.open_interest import OpenInterest

# The reference's own functions, for the mutants that only bend them.
_hawkes_observation = hawkes.drift_observation
_hawkes_init = HawkesFlow.__init__
_record_trade = HawkesFlow.record_trade
_decay_to = HawkesFlow._decay_to
_fill_size_observation = fill_size.drift_observation
_sizes_init = FillSizes.__init__
_record_size = FillSizes.record_fill
_interest_observation = open_interest.drift_observation
_interest_init = OpenInterest.__init__
_follow_interest = OpenInterest.follow
_interest_config_init = OpenInterestConfig.__init__
_on_trade = QuoteEngine.on_trade
_cycle = QuoteEngine.cycle


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
