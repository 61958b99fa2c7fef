"""Phase 7: book features, sweeps and their composite."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from quotemark.mutants.base import Mutant
from quotemark_reference import book, drift, sweep
from quotemark_reference.book import DEPTHS_BPS, BookFeatures, BookShape, BookSide
from quotemark_reference.config import BookConfig, DriftConfig, SweepConfig
from quotemark_reference.drift import KalmanDrift, Observation
from quotemark_reference.engine import CompositePart, QuoteEngine
from quotemark_reference.sources import DriftSources, Sourced
from quotemark_reference.sweep import SweepDetector

# The reference's own functions, for the mutants that only bend them.
_imbalance = book.imbalance
_sizes_within = book.sizes_within
_measure = book.measure
_bim_observation = book.bim_observation
_dbim_observation = book.dbim_observation
_bpg_observation = book.bpg_observation
_gradient = BookShape.pressure_gradient
_record_book = BookFeatures.record_book
_follow = BookFeatures.follow
_book_init = BookFeatures.__init__
_said_of_book = BookFeatures.drift_observations
_sweep_observation = sweep.drift_observation
_sweep_init = SweepDetector.__init__
_window_s = SweepDetector._window_s
_record_sweep = SweepDetector.record_fill
_sweep_said = SweepDetector.drift_observation_at
_composite = drift.composite
_kalman_init = KalmanDrift.__init__
_hot = DriftSources.hot
_observe_hot = QuoteEngine._observe_hot_composite


# --- the book's shape -------------------------------------------------------------------------


def _border_outside(side: BookSide, mid: float) -> list[float]:
    farther = 1.0 + 1e-9  # of the distance: 1e-8 bp at 10 bp
    return _sizes_within([(mid + (price - mid) * farther, size) for price, size in side], mid)


def _size_between(side: BookSide, mid: float) -> list[float]:
    shallow, middle, deep = _sizes_within(side, mid)
    return [shallow, middle - shallow, deep - middle]


def _size_at_all_depths(side: BookSide, mid: float) -> list[float]:
    return [sum(size for _, size in side)] * len(_sizes_within(side, mid))


def _size_from_touch(side: BookSide, mid: float) -> list[float]:
    del mid
    return _sizes_within(side, side[0][0])


def _size_in_levels(side: BookSide, mid: float) -> list[float]:
    return _sizes_within([(price, 1.0) for price, _ in side], mid)


def _depth_in_contracts(bids: BookSide, asks: BookSide) -> BookShape:
    shape = _measure(bids, asks)
    if not bids or not asks:
        return shape
    return replace(shape, depth_usd=shape.depth_usd * 2.0 / (bids[0][0] + asks[0][0]))


def _depth_of_the_bids(bids: BookSide, asks: BookSide) -> BookShape:
    shape = _measure(bids, asks)
    return replace(shape, depth_usd=shape.depth_usd * (1.0 + shape.imbalances[0]) / 2.0)


def _nothing_marked(bids: BookSide, asks: BookSide) -> BookShape:
    return replace(_measure(bids, asks), insufficient_depth_bps=())


def _marked_by_the_farther_side(bids: BookSide, asks: BookSide) -> BookShape:
    shape = _measure(bids, asks)
    if not bids or not asks:
        return shape
    mid = (bids[0][0] + asks[0][0]) / 2.0
    reached_bps = max(mid - bids[-1][0], asks[-1][0] - mid) / mid * 1e4
    unreached = tuple(depth for depth in DEPTHS_BPS if reached_bps < depth - 1e-9)
    return replace(shape, insufficient_depth_bps=unreached)


def _gradient_of_short_books(self: BookShape) -> float | None:
    return self.imbalances[0] - self.imbalances[2]


def _keeps_two_sided_book(self: BookFeatures, bids: BookSide, asks: BookSide) -> None:
    if bids and asks:
        _record_book(self, bids, asks)


# --- its change -------------------------------------------------------------------------------


def _slope_per_cycle(self: BookFeatures, t_ms: int) -> None:
    """Follow as if cycles were a second apart."""
    last_ms = self._last_ms
    if last_ms is not None and t_ms > last_ms:
        self._last_ms = t_ms - 1000
    _follow(self, t_ms)
    if self._last_ms == t_ms - 1000:
        self._last_ms = last_ms


def _reset_without_bim(self: BookFeatures, t_ms: int) -> None:
    if self.shape().depth_usd == 0.0:
        self._last_bim = 0.0
    _follow(self, t_ms)


def _smoothed_from_0(self: BookFeatures, t_ms: int) -> None:
    if self._last_ms is not None and self._slope_per_s is None:
        self._slope_per_s = 0.0
    _follow(self, t_ms)


def _clipped_before_smoothing(self: BookFeatures, t_ms: int) -> None:
    before = self._slope_per_s
    if self._last_ms is None or t_ms <= self._last_ms or self.shape().depth_usd == 0.0:
        _follow(self, t_ms)
        return
    dt_s = (t_ms - self._last_ms) / 1000.0
    slope = min(1.0, max(-1.0, (self.shape().imbalances[0] - self._last_bim) / dt_s))
    _follow(self, t_ms)
    start = slope if before is None else before
    self._slope_per_s = start + self._config.dbim_smoothing * (slope - start)


def _rate_from_the_start(self: BookFeatures) -> float | None:
    return min(1.0, max(-1.0, self._slope_per_s or 0.0))


def _unsmoothed(self: BookFeatures, config: BookConfig) -> None:
    _book_init(self, replace(config, dbim_smoothing=1.0))


def _smoothing_of_the_default(self: BookFeatures, config: BookConfig) -> None:
    _book_init(self, replace(config, dbim_smoothing=0.3))


# --- what the book says -----------------------------------------------------------------------


def _noise_without_reference(
    bim: float, depth_usd: float, config: BookConfig
) -> Observation | None:
    return _bim_observation(bim, depth_usd, replace(config, depth_ref_usd=1.0))


def _noise_of_depth_without_floor(
    bim: float, depth_usd: float, config: BookConfig
) -> Observation | None:
    return _bim_observation(bim, depth_usd, replace(config, depth_floor_usd=1e-9))


def _alike_sure_in_thin_books(
    bim: float, depth_usd: float, config: BookConfig
) -> Observation | None:
    calibrated = config.calibration == "calibrated"
    return _bim_observation(bim, config.depth_ref_usd if calibrated else depth_usd, config)


def _surer_in_deep_books(bim: float, depth_usd: float, config: BookConfig) -> Observation | None:
    observation = _bim_observation(bim, depth_usd, config)
    if observation is None or config.calibration == "plan":
        return observation
    return observation[0], observation[1] * min(1.0, config.depth_ref_usd / depth_usd)


def _gradient_not_halved(pressure_gradient: float, config: BookConfig) -> Observation | None:
    calibrated = config.calibration == "calibrated"
    return _bpg_observation((2.0 if calibrated else 1.0) * pressure_gradient, config)


def _silent_sources_say_0(self: BookFeatures) -> list[tuple[str, Observation]]:
    """Observe 0 for a source whose alpha is 0."""
    said = _said_of_book(self)
    if said and self._config.alpha_bpg == 0.0:
        said.append(("bpg", (0.0, self._config.calibrated_variance)))
    return said


def _gradient_by_position(self: QuoteEngine, t_ms: int) -> None:
    """Turn the gradient by the sign of the position, as the plan's line does."""
    sign = (self._position > 0.0) - (self._position < 0.0)
    said = [
        (source, (sign * z_bps_per_s if source == "bpg" else z_bps_per_s, variance))
        for source, (z_bps_per_s, variance) in self._sources.hot(t_ms)
    ]
    _observe_composite_of(self, said)


def _observe_composite_of(self: QuoteEngine, said: Sequence[Sourced]) -> None:
    self._composite_parts = [CompositePart(source, *observation) for source, observation in said]
    composite = drift.composite([observation for _, observation in said])
    if composite is not None:
        self._observe("composite", composite)


def _only_after_a_fill(self: QuoteEngine, t_ms: int) -> None:
    if any(update.source == "fill" for update in self._drift_updates):
        _observe_hot(self, t_ms)
    else:
        self._composite_parts = []


# --- sweeps -----------------------------------------------------------------------------------


def _three_seconds(self: SweepDetector, t_ms: int) -> float:
    del t_ms
    return self._config.sweep_window_s


def _since_last_cycle(self: SweepDetector, t_ms: int) -> float:
    return (t_ms - (self._last_cycle_ms or 0)) / 1000.0


def _window_in_whole_ms(self: SweepDetector, t_ms: int) -> float:
    return int(_window_s(self, t_ms) * 1000.0) / 1000.0


def _single_levels_too(self: SweepDetector, config: SweepConfig) -> None:
    _sweep_init(self, replace(config, sweep_min_levels=1))


def _from_three_levels(self: SweepDetector, config: SweepConfig) -> None:
    _sweep_init(self, replace(config, sweep_min_levels=config.sweep_min_levels + 1))


def _in_single_contracts(self: SweepDetector, config: SweepConfig) -> None:
    _sweep_init(self, replace(config, sweep_reference_size=1.0))


def _alpha_of_the_default(
    bid_score: float, ask_score: float, config: SweepConfig
) -> Observation | None:
    alpha = 1.0 if config.alpha_sweep else 0.0
    return _sweep_observation(bid_score, ask_score, replace(config, alpha_sweep=alpha))


def _score_of_sizes(
    self: SweepDetector, t_ms: int, side: str, size: float, levels_crossed: int
) -> None:
    _record_sweep(self, t_ms, side, size / levels_crossed, levels_crossed)


def _score_of_levels_beyond(
    self: SweepDetector, t_ms: int, side: str, size: float, levels_crossed: int
) -> None:
    share = (levels_crossed - 1) / levels_crossed
    _record_sweep(self, t_ms, side, size * share, levels_crossed)


def _levels_by_fills(
    self: SweepDetector, t_ms: int, side: str, size: float, levels_crossed: int
) -> None:
    """Count the fills at this instant, whatever they say they crossed."""
    del levels_crossed
    swept = "bid" if side == "buy" else "ask"
    fills = sum(one[:2] == (t_ms, swept) for one in self._sweeps)
    _record_sweep(self, t_ms, side, size, fills + 1)


def _aggressors_side(
    self: SweepDetector, t_ms: int, side: str, size: float, levels_crossed: int
) -> None:
    _record_sweep(self, t_ms, "sell" if side == "buy" else "buy", size, levels_crossed)


def _no_sweep_is_0(self: SweepDetector, t_ms: int) -> Observation | None:
    """Say (0, 100) without a sweep, as the plan's line does."""
    return _sweep_said(self, t_ms) or (0.0, 100.0)


def _sweep_noise_without_floor(
    bid_score: float, ask_score: float, config: SweepConfig
) -> Observation | None:
    return _sweep_observation(bid_score, ask_score, replace(config, sweep_score_floor=1e-9))


def _sweep_noise_of_the_net(
    bid_score: float, ask_score: float, config: SweepConfig
) -> Observation | None:
    observation = _sweep_observation(bid_score, ask_score, config)
    if observation is None or config.calibration == "calibrated":
        return observation
    net = max(abs(ask_score - bid_score), config.sweep_score_floor)
    return observation[0], config.sigma_sweep**2 / net


def _calibrated_unclipped(
    bid_score: float, ask_score: float, config: SweepConfig
) -> Observation | None:
    observation = _sweep_observation(bid_score, ask_score, config)
    if observation is None or config.calibration == "plan":
        return observation
    return config.calibrated_drift_scale * (ask_score - bid_score), observation[1]


# --- composite --------------------------------------------------------------------------------


def _plain_mean(observations: Sequence[Observation]) -> Observation | None:
    if not observations:
        return None
    z_bps_per_s = sum(z for z, _ in observations) / len(observations)
    return z_bps_per_s, sum(variance for _, variance in observations) / len(observations)


def _weighted_by_variance(observations: Sequence[Observation]) -> Observation | None:
    composite = _composite(observations)
    if composite is None:
        return None
    total = sum(variance for _, variance in observations)
    return sum(z * variance for z, variance in observations) / total, composite[1]


def _wider_on_disagreement(observations: Sequence[Observation]) -> Observation | None:
    composite = _composite(observations)
    if composite is None:
        return None
    spread = max(z for z, _ in observations) - min(z for z, _ in observations)
    return composite[0], composite[1] * (1.0 + spread)


def _as_many_as_one(observations: Sequence[Observation]) -> Observation | None:
    composite = _composite(observations)
    return None if composite is None else (composite[0], composite[1] * len(observations))


def _four_updates(self: QuoteEngine, t_ms: int) -> None:
    said = self._sources.hot(t_ms)
    self._composite_parts = [CompositePart(source, *observation) for source, observation in said]
    self._observe_all(said)


def _missing_parts_are_0(self: QuoteEngine, t_ms: int) -> None:
    """Fill the composite up with (0, 100) for what says nothing."""
    if 7 not in self._active:
        return
    said = dict(self._sources.hot(t_ms))
    four = ("bim", "dbim", "bpg", "sweep")
    _observe_composite_of(self, [(source, said.get(source, (0.0, 100.0))) for source in four])


def _stale_parts(self: QuoteEngine, t_ms: int) -> None:
    before = self._composite_parts
    _observe_hot(self, t_ms)
    self._composite_parts = self._composite_parts or before


def _floor_of_a_hundredth(self: KalmanDrift, config: DriftConfig) -> None:
    _kalman_init(self, replace(config, p_min=config.p_min / 100.0))


PHASE_7 = (
    Mutant(
        "bim-of-the-whole-book",
        "P7.test_bim_multi_depth_correct",
        "one imbalance of the whole book stands for all three depths",
        {"book.sizes_within": _size_at_all_depths},
    ),
    Mutant(
        "bim-between-depths",
        "P7.test_bim_multi_depth_correct",
        "BIM(50) leaves out what rests within 25 bp",
        {"book.sizes_within": _size_between},
    ),
    Mutant(
        "bim-of-levels",
        "D-26",
        "BIM counts levels, not contracts",
        {"book.sizes_within": _size_in_levels},
    ),
    Mutant(
        "bim-from-the-touch",
        "D-26",
        "distances are from each side's own touch, not from mid",
        {"book.sizes_within": _size_from_touch},
    ),
    Mutant(
        "border-outside",
        "D-26",
        "a level at the border does not belong to its depth",
        {"book.sizes_within": _border_outside},
    ),
    Mutant(
        "bim-ask-positive",
        "D-26",
        "BIM is positive where asks are heavier",
        {"book.imbalance": lambda bid_size, ask_size: _imbalance(ask_size, bid_size)},
    ),
    Mutant(
        "one-sided-book-forgotten",
        "D-26",
        "a book with an empty side leaves the last shape standing",
        {"book.BookFeatures.record_book": _keeps_two_sided_book},
    ),
    Mutant(
        "depth-in-contracts",
        "D-27",
        "depth is in contracts, not USD",
        {"book.measure": _depth_in_contracts},
    ),
    Mutant(
        "depth-of-the-bids",
        "D-27",
        "the depth behind R is that of the bids",
        {"book.measure": _depth_of_the_bids},
    ),
    Mutant(
        "bim-without-reference-depth",
        "D-27",
        "R is 1.5^2/depth: a book erases the filter (the plan's line)",
        {"book.bim_observation": _noise_without_reference},
    ),
    Mutant(
        "bim-without-depth-floor",
        "D-27",
        "R of a nearly empty book grows without end",
        {"book.bim_observation": _noise_of_depth_without_floor},
    ),
    Mutant(
        "short-books-unmarked",
        "D-45",
        "a book that does not reach 50 bp is not said to be short",
        {"book.measure": _nothing_marked},
    ),
    Mutant(
        "marked-by-the-farther-side",
        "D-26",
        "a depth is reached where either side reaches it",
        {"book.measure": _marked_by_the_farther_side},
    ),
    Mutant(
        "gradient-of-short-books",
        "D-45",
        "a book that does not reach 50 bp has a gradient of 0",
        {"book.BookShape.pressure_gradient": _gradient_of_short_books},
    ),
    Mutant(
        "dbim-bullish-on-fading-bids",
        "P7.test_dbim_negative_precedes_drop",
        "fading bids are bullish",
        {
            "book.dbim_observation": lambda rate_per_s, config: _dbim_observation(
                -rate_per_s, config
            )
        },
    ),
    Mutant(
        "dbim-per-cycle",
        "P7.test_dbim_negative_precedes_drop",
        "delta-BIM is a change per cycle, not per second",
        {"book.BookFeatures.follow": _slope_per_cycle},
    ),
    Mutant(
        "dbim-unsmoothed",
        "D-26",
        "delta-BIM is the last slope alone",
        {"book.BookFeatures.__init__": _unsmoothed},
    ),
    Mutant(
        "dbim-smoothed-from-0",
        "D-26",
        "delta-BIM's smoothing starts at 0, not at the first slope",
        {"book.BookFeatures.follow": _smoothed_from_0},
    ),
    Mutant(
        "dbim-smoothing-fixed",
        "A-book",
        "the smoothing is 0.3 whatever is configured",
        {"book.BookFeatures.__init__": _smoothing_of_the_default},
    ),
    Mutant(
        "dbim-unclipped",
        "D-26",
        "delta-BIM is not clipped",
        {"book.BookFeatures.delta_bim_per_s": lambda self: self._slope_per_s},
    ),
    Mutant(
        "dbim-clipped-before-smoothing",
        "D-26",
        "each slope is clipped, not what they smooth to",
        {"book.BookFeatures.follow": _clipped_before_smoothing},
    ),
    Mutant(
        "dbim-0-at-first",
        "D-26",
        "before the first slope delta-BIM says 0",
        {"book.BookFeatures.delta_bim_per_s": _rate_from_the_start},
    ),
    Mutant(
        "dbim-of-an-empty-side",
        "Q-10",
        "a side that empties counts as a balanced book in the slope",
        {"book.BookFeatures.follow": _reset_without_bim},
    ),
    Mutant(
        "fragile-support-bullish",
        "P7.test_bpg_fragile_support",
        "support near the touch is bullish",
        {"book.bpg_observation": lambda gradient, config: _bpg_observation(-gradient, config)},
    ),
    Mutant(
        "gradient-by-position",
        "D-28",
        "a short sees fragile bid support as bullish (the plan's line)",
        {"engine.QuoteEngine._observe_hot_composite": _gradient_by_position},
    ),
    Mutant(
        "thin-books-alike-sure",
        "D-45",
        "calibrated, a thin book is as sure as a deep one",
        {"book.bim_observation": _alike_sure_in_thin_books},
    ),
    Mutant(
        "deep-books-surer",
        "D-45",
        "calibrated, a deep book is surer than a weak sensor",
        {"book.bim_observation": _surer_in_deep_books},
    ),
    Mutant(
        "gradient-not-halved",
        "D-45",
        "calibrated, the gradient is taken to be in [-1, 1]",
        {"book.bpg_observation": _gradient_not_halved},
    ),
    Mutant(
        "alpha-0-observes-0",
        "D-29",
        "a source whose alpha is 0 still observes a drift of 0",
        {"book.BookFeatures.drift_observations": _silent_sources_say_0},
    ),
    Mutant(
        "books-after-fills-only",
        "E2E-09",
        "the book is read only in a cycle that follows a fill",
        {"engine.QuoteEngine._observe_hot_composite": _only_after_a_fill},
    ),
    Mutant(
        "sweep-side-swapped",
        "P7.test_sweep_drift_observation_sign",
        "an own buy sweeps the asks",
        {"sweep.SweepDetector.record_fill": _aggressors_side},
    ),
    Mutant(
        "single-levels-sweep",
        "P7.test_sweep_detection_multi_level",
        "a fill of one level is a sweep",
        {"sweep.SweepDetector.__init__": _single_levels_too},
    ),
    Mutant(
        "sweep-from-three-levels",
        "D-32",
        "two levels crossed are not yet a sweep",
        {"sweep.SweepDetector.__init__": _from_three_levels},
    ),
    Mutant(
        "sweep-window-3s",
        "D-32",
        "the window is 3 s even where cycles are further apart",
        {"sweep.SweepDetector._window_s": _three_seconds},
    ),
    Mutant(
        "sweep-window-of-the-cycle",
        "D-32",
        "the window is the time since the last cycle, even under 3 s",
        {"sweep.SweepDetector._window_s": _since_last_cycle},
    ),
    Mutant(
        "sweep-window-in-ms",
        "D-32",
        "the window is cut to whole ms: 1.001 s are 1000, as doubles multiply",
        {"sweep.SweepDetector._window_s": _window_in_whole_ms},
    ),
    Mutant(
        "sweep-in-contracts",
        "D-32",
        "a score is in contracts, without a reference size",
        {"sweep.SweepDetector.__init__": _in_single_contracts},
    ),
    Mutant(
        "sweep-of-sizes",
        "P7.test_sweep_detection_multi_level",
        "a score does not grow with the levels crossed",
        {"sweep.SweepDetector.record_fill": _score_of_sizes},
    ),
    Mutant(
        "sweep-of-levels-beyond",
        "D-32",
        "a score counts the levels beyond the first",
        {"sweep.SweepDetector.record_fill": _score_of_levels_beyond},
    ),
    Mutant(
        "sweep-levels-by-fills",
        "Q-09",
        "the levels of a sweep are counted from its fills, not taken as they say",
        {"sweep.SweepDetector.record_fill": _levels_by_fills},
    ),
    Mutant(
        "no-sweep-is-0",
        "D-29",
        "without a sweep the observation is (0, 100) (the plan's line)",
        {"sweep.SweepDetector.drift_observation_at": _no_sweep_is_0},
    ),
    Mutant(
        "sweep-without-floor-in-r",
        "D-32",
        "R of a small sweep grows without end",
        {"sweep.drift_observation": _sweep_noise_without_floor},
    ),
    Mutant(
        "sweep-noise-of-the-net",
        "D-32",
        "R rests on the difference of the scores, not on their sum",
        {"sweep.drift_observation": _sweep_noise_of_the_net},
    ),
    Mutant(
        "sweep-unclipped",
        "D-45",
        "calibrated, a large sweep exceeds 10 bp/s",
        {"sweep.drift_observation": _calibrated_unclipped},
    ),
    Mutant(
        "sweep-alpha-fixed",
        "A-sweep",
        "the sweep's alpha is 1 whatever is configured",
        {"sweep.drift_observation": _alpha_of_the_default},
    ),
    Mutant(
        "composite-plain-mean",
        "D-30",
        "z and R of the composite are plain means",
        {"drift.composite": _plain_mean},
    ),
    Mutant(
        "composite-by-variance",
        "D-30",
        "the noisiest source weighs most",
        {"drift.composite": _weighted_by_variance},
    ),
    Mutant(
        "composite-wider-on-disagreement",
        "D-30",
        "sources that disagree make the composite noisier (the plan's claim)",
        {"drift.composite": _wider_on_disagreement},
    ),
    Mutant(
        "composite-as-one",
        "D-30",
        "four sources are no surer than one, so that P falls by a quarter",
        {"drift.composite": _as_many_as_one},
    ),
    Mutant(
        "four-updates",
        "D-30",
        "each hot source updates the filter by itself",
        {"engine.QuoteEngine._observe_hot_composite": _four_updates},
    ),
    Mutant(
        "missing-parts-are-0",
        "D-29",
        "what says nothing enters the composite as (0, 100) (the plan's line)",
        {"engine.QuoteEngine._observe_hot_composite": _missing_parts_are_0},
    ),
    Mutant(
        "stale-composite-parts",
        "D-32",
        "a cycle without hot sources shows the last one's parts",
        {"engine.QuoteEngine._observe_hot_composite": _stale_parts},
    ),
    Mutant(
        "floor-of-a-hundredth",
        "D-31",
        "P_min is 0.02: a long run of readings locks the filter in",
        {"drift.KalmanDrift.__init__": _floor_of_a_hundredth},
    ),
)
