"""Phase 8: volatility and tails."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import replace

from quotemark.mutants.base import Mutant
from quotemark_reference import returns, volatility
from quotemark_reference.config import VolatilityConfig
from quotemark_reference.drift import Observation
from quotemark_reference.engine import QuoteEngine
from quotemark_reference.sources import DriftSources, Sourced
from quotemark_reference.volatility import RealisedVolatility

# The reference's own functions, for the mutants that only bend them.
_deviations = returns.deviations
_sigma_multiplier = volatility.sigma_multiplier
_as_ratio_adjustment = volatility.as_ratio_adjustment
_volatility_init = RealisedVolatility.__init__
_realised_sigma = RealisedVolatility.realised_sigma
_vol_ratio = RealisedVolatility.vol_ratio
_excess_kurtosis = RealisedVolatility.excess_kurtosis
_follow_returns = DriftSources.follow_returns
_warm = DriftSources.warm
_on_estimate = QuoteEngine.on_estimate
_fill_observation = QuoteEngine._fill_observation
_adjusted_kappas = QuoteEngine._flow_adjusted_kappas
_as_cost = QuoteEngine._as_cost_bps


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


def _horizon_in_whole_ms(self: RealisedVolatility, horizon_s: float) -> float | None:
    return _realised_sigma(self, int(horizon_s * 1000.0) / 1000.0)


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


def deviations_magnified(values: Collection[float]) -> list[float]:
    """Take any spread for one: what comes of it does not change with the scale."""
    return [1e6 * deviation for deviation in _deviations(values)]


def _tails_uncapped(excess_kurtosis: float | None, config: VolatilityConfig) -> float:
    return _as_ratio_adjustment(excess_kurtosis, replace(config, as_ratio_adjustment_max=1e6))


def _thin_tails_narrow(excess_kurtosis: float | None, config: VolatilityConfig) -> float:
    if excess_kurtosis is not None and excess_kurtosis < 0.0:
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


def _kappa_scaled_too(self: QuoteEngine, t_ms: int) -> tuple[float, float]:
    bid, ask = _adjusted_kappas(self, t_ms)
    return bid / self._sources.sigma_multiplier, ask / self._sources.sigma_multiplier


def _as_of_the_desks_sigma(self: QuoteEngine) -> float:
    scale, self._sources.sigma_multiplier = self._sources.sigma_multiplier, 1.0
    try:
        return _as_cost(self)
    finally:
        self._sources.sigma_multiplier = scale


def _fill_at_the_desks_sigma(
    self: QuoteEngine, side: str, price: float, mid: float | None
) -> Observation | None:
    scaled, self._sources.sigma_multiplier = self._sources.sigma_multiplier, 1.0
    observation = _fill_observation(self, side, price, mid)
    self._sources.sigma_multiplier = scaled
    return observation


PHASE_8_VOLATILITY = (
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
        "vol-window-in-ms",
        "Q-14",
        "the horizon is cut to whole ms: 1.001 s are 1000, as doubles multiply",
        {"volatility.RealisedVolatility.realised_sigma": _horizon_in_whole_ms},
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
        {"volatility.deviations": deviations_magnified},
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
        "volatility-scales-kappa",
        "P8.test_vol_ratio_widens_sigma",
        "a volatility spike lowers kappa as well",
        {"engine.QuoteEngine._flow_adjusted_kappas": _kappa_scaled_too},
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
)
