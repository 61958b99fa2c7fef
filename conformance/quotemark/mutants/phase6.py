"""Phase 6: funding, its carry, its skew and its drift observation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from quotemark.mutants.base import Mutant
from quotemark_reference import funding, inventory
from quotemark_reference.config import FundingConfig
from quotemark_reference.drift import Observation, bounded
from quotemark_reference.engine import QuoteEngine
from quotemark_reference.errors import UnparsableError
from quotemark_reference.funding import FundingEstimator
from quotemark_reference.sources import DriftSources, Sourced

# The reference's own functions, for the mutants that only bend them.
_carry_bps = funding.carry_bps
_skew_bps = funding.skew_bps
_drift_observation = funding.drift_observation
_parse_rate = funding.parse_rate
_funding_init = FundingEstimator.__init__
_record_rate = FundingEstimator.record_rate
_zscore = FundingEstimator.zscore
_premium = FundingEstimator.premium
_engine_carry_bps = QuoteEngine._carry_bps
_expected_pnls = QuoteEngine._expected_pnls_bps
_follow_returns = DriftSources.follow_returns
_hot = DriftSources.hot


def _hourly_rate(self: FundingEstimator, rate_per_interval: float, interval_s: float) -> None:
    del interval_s
    _record_rate(self, rate_per_interval, 3600.0)


def _rate_of_the_interval(
    self: FundingEstimator, rate_per_interval: float, interval_s: float
) -> None:
    _record_rate(self, rate_per_interval, interval_s)
    self.rate_per_s = rate_per_interval


def _carry_signed_for_both(side: str, rate_per_s: float, holding_time_s: float) -> float:
    del side
    return rate_per_s * holding_time_s * 1e4


def _carry_swapped(side: str, rate_per_s: float, holding_time_s: float) -> float:
    return _carry_bps(side, -rate_per_s, holding_time_s)


def _carry_in_fractions(side: str, rate_per_s: float, holding_time_s: float) -> float:
    return _carry_bps(side, rate_per_s, holding_time_s) / 1e4


def _receiver_takes_all(side: str, rate_per_s: float, holding_time_s: float) -> float:
    carry = _carry_bps(side, rate_per_s, holding_time_s)
    return carry if carry > 0.0 else 2.0 * carry


def _carry_of_the_ewma(self: FundingEstimator, side: str) -> float:
    interval_s = self._rates[-1] / self.rate_per_s if self.rate_per_s else 3600.0
    return _carry_bps(side, self.ewma_rate / interval_s, self._config.holding_time_s)


def _carry_when_holding(self: QuoteEngine, side: str) -> float:
    return 0.0 if self._position == 0.0 else _engine_carry_bps(self, side)


def _pnl_without_carry(
    self: QuoteEngine, side: str, depths: Sequence[float], cost: float
) -> list[float]:
    return _expected_pnls(self, side, depths, cost - self._carry_bps(side))


def _carry_outside_lambda(
    self: QuoteEngine, side: str, depths: Sequence[float], cost: float
) -> list[float]:
    carry = self._carry_bps(side)
    return [pnl - carry for pnl in _expected_pnls(self, side, depths, cost - carry)]


def _carry_stops_at_scale_0(self: QuoteEngine, side: str) -> float:
    return _engine_carry_bps(self, side) if self._config.funding_scale_factor else 0.0


def _skew_by_signed_position(
    rate_per_s: float, holding_time_s: float, position: float, max_position: float
) -> float:
    u = inventory.utilisation(position, max_position)
    return u * rate_per_s * holding_time_s * 1e4


def _skew_past_the_limit(
    rate_per_s: float, holding_time_s: float, position: float, max_position: float
) -> float:
    return abs(position / max_position) * rate_per_s * holding_time_s * 1e4


def _skew_per_contract(
    rate_per_s: float, holding_time_s: float, position: float, max_position: float
) -> float:
    del max_position
    return _skew_bps(rate_per_s, holding_time_s, position, 1.0)


def _warm_at_once(self: FundingEstimator, config: FundingConfig) -> None:
    _funding_init(self, replace(config, funding_min_readings=1))


def _warm_past_three(self: FundingEstimator, config: FundingConfig) -> None:
    _funding_init(self, replace(config, funding_min_readings=config.funding_min_readings + 1))


def _no_floor(self: FundingEstimator, config: FundingConfig) -> None:
    _funding_init(self, replace(config, funding_std_floor=1e-15))


def _unclipped(self: FundingEstimator, config: FundingConfig) -> None:
    _funding_init(self, replace(config, funding_zscore_limit=1e6))


def _never_forgets(self: FundingEstimator, config: FundingConfig) -> None:
    _funding_init(self, replace(config, funding_history=1_000_000))


def _history_of_the_default(self: FundingEstimator, config: FundingConfig) -> None:
    _funding_init(self, replace(config, funding_history=24))


def _ewma_from_0(self: FundingEstimator, rate_per_interval: float, interval_s: float) -> None:
    _record_rate(self, rate_per_interval, interval_s)
    if self.readings == 1:
        self.ewma_rate = self._config.funding_ewma_weight * rate_per_interval


def _ewma_before_the_reading(
    self: FundingEstimator, rate_per_interval: float, interval_s: float
) -> None:
    """Leave the current reading out of the EWMA until the next."""
    previous = self._rates[-1] if self._rates else rate_per_interval
    _record_rate(self, previous, interval_s)
    self._rates[-1] = rate_per_interval
    self.rate_per_s = rate_per_interval / interval_s


def _std_about_the_mean(self: FundingEstimator) -> float:
    if not self._rates:
        return 0.0
    mean = sum(self._rates) / len(self._rates)
    return math.sqrt(sum((rate - mean) ** 2 for rate in self._rates) / len(self._rates))


def _sample_std(self: FundingEstimator) -> float:
    squares = sum((rate - self.ewma_rate) ** 2 for rate in self._rates)
    return math.sqrt(squares / max(1, len(self._rates) - 1))


def _unparsable_as_0(text: str) -> float:
    try:
        return _parse_rate(text)
    except UnparsableError:
        return 0.0


def _lenient_parse(text: str) -> float:
    """Read whatever the language's own parser reads."""
    try:
        return _parse_rate(repr(float(text)))
    except ValueError:
        return _parse_rate(text)


def _bullish(zscore: float, config: FundingConfig) -> Observation | None:
    return _drift_observation(-zscore, config)


def _alike_noisy(zscore: float, config: FundingConfig) -> Observation | None:
    observation = _drift_observation(zscore, config)
    if observation is None or config.calibration == "calibrated":
        return observation
    return observation[0], config.sigma_funding**2


def _noise_without_floor(zscore: float, config: FundingConfig) -> Observation | None:
    return _drift_observation(zscore, replace(config, funding_zscore_floor=1e-9))


def _zscore_not_normalised(zscore: float, config: FundingConfig) -> Observation | None:
    if config.calibration == "calibrated" and config.funding_scale_factor:
        return bounded(-config.calibrated_drift_scale * zscore, config.calibrated_variance)
    return _drift_observation(zscore, config)


def _surer_when_extreme(zscore: float, config: FundingConfig) -> Observation | None:
    """Let the plan's R, falling with the z-score, into the calibrated observation."""
    observation = _drift_observation(zscore, config)
    if observation is None or config.calibration == "plan":
        return observation
    return observation[0], observation[1] / max(1.0, abs(zscore))


def _observed_at_scale_0(zscore: float, config: FundingConfig) -> Observation | None:
    return _drift_observation(zscore, config) or bounded(0.0, config.calibrated_variance)


def _zscore_of_the_premium(self: FundingEstimator) -> float | None:
    zscore, premium = _zscore(self), _premium(self)
    return zscore if zscore is None or premium is None else zscore + premium / 10.0


def _hot_with_funding(self: DriftSources, t_ms: int) -> list[Sourced]:
    """Bring funding into the hot composite where it is active: every cycle."""
    said = _hot(self, t_ms)
    observation = self.funding.drift_observation() if 6 in self._active else None
    return said if observation is None else [*said, ("funding", observation)]


PHASE_6 = (
    Mutant(
        "funding-bullish",
        "P6.test_funding_observation_extreme_bearish",
        "a rate far above its mean is bullish",
        {"funding.drift_observation": _bullish},
    ),
    Mutant(
        "funding-alike-noisy",
        "P6.test_funding_observation_extreme_bearish",
        "an extreme rate is as noisy as any",
        {"funding.drift_observation": _alike_noisy},
    ),
    Mutant(
        "premium-in-the-drift",
        "P6.test_funding_observation_extreme_bearish",
        "the premium of mark over index adds to the z-score",
        {"funding.FundingEstimator.zscore": _zscore_of_the_premium},
    ),
    Mutant(
        "funding-without-floor-in-r",
        "D-24",
        "R grows without end as the z-score goes to 0",
        {"funding.drift_observation": _noise_without_floor},
    ),
    Mutant(
        "funding-warm-at-once",
        "P6.test_funding_warmup_blocks_signal",
        "the first reading already speaks",
        {"funding.FundingEstimator.__init__": _warm_at_once},
    ),
    Mutant(
        "funding-warm-at-four",
        "P6.test_funding_warmup_blocks_signal",
        "funding speaks after three readings, not at the third",
        {"funding.FundingEstimator.__init__": _warm_past_three},
    ),
    Mutant(
        "rate-of-the-interval",
        "D-23",
        "the rate is charged a second, not an interval (the plan's line)",
        {"funding.FundingEstimator.record_rate": _rate_of_the_interval},
    ),
    Mutant(
        "rate-always-hourly",
        "D-23",
        "every feed is taken to pay by the hour",
        {"funding.FundingEstimator.record_rate": _hourly_rate},
    ),
    Mutant(
        "carry-for-both-sides",
        "P6.test_carry_cost_negative_when_receiving",
        "the receiving side is charged as well",
        {"funding.carry_bps": lambda *args: abs(_carry_bps(*args))},
    ),
    Mutant(
        "carry-signed-for-both",
        "P6.test_carry_cost_negative_when_receiving",
        "one signed carry stands for both sides",
        {"funding.carry_bps": _carry_signed_for_both},
    ),
    Mutant(
        "carry-swapped",
        "P6.test_carry_cost_positive_when_paying",
        "asks pay while the rate is positive",
        {"funding.carry_bps": _carry_swapped},
    ),
    Mutant(
        "receiver-takes-all",
        "D-23",
        "the receiving side is given the whole carry",
        {"funding.carry_bps": _receiver_takes_all},
    ),
    Mutant(
        "carry-in-fractions",
        "U-1",
        "carry is a fraction of notional, not bp",
        {"funding.carry_bps": _carry_in_fractions},
    ),
    Mutant(
        "carry-of-the-ewma",
        "D-23",
        "carry follows the smoothed rate, not the last one",
        {"funding.FundingEstimator.carry_bps": _carry_of_the_ewma},
    ),
    Mutant(
        "carry-when-holding",
        "E2E-08",
        "a flat book pays no carry for the fill it is about to take",
        {"engine.QuoteEngine._carry_bps": _carry_when_holding},
    ),
    Mutant(
        "carry-reported-only",
        "E2E-08",
        "carry is reported and not charged in E[PnL]",
        {"engine.QuoteEngine._expected_pnls_bps": _pnl_without_carry},
    ),
    Mutant(
        "carry-outside-lambda",
        "P6.test_epnl_with_carry_narrows_profitability",
        "carry is charged whether or not the level fills",
        {"engine.QuoteEngine._expected_pnls_bps": _carry_outside_lambda},
    ),
    Mutant(
        "scale-0-stops-carry",
        "D-24",
        "a scale of 0 stops the carry with the observation",
        {"engine.QuoteEngine._carry_bps": _carry_stops_at_scale_0},
    ),
    Mutant(
        "funding-observed-at-scale-0",
        "D-24",
        "a scale of 0 observes a drift of 0",
        {"funding.drift_observation": _observed_at_scale_0},
    ),
    Mutant(
        "funding-skew-by-signed-position",
        "D-23",
        "a short's skew has the sign of its position once too often",
        {"funding.skew_bps": _skew_by_signed_position},
    ),
    Mutant(
        "funding-skew-reversed",
        "D-23",
        "a payer's quotes lean towards holding",
        {"funding.skew_bps": lambda *args: -_skew_bps(*args)},
    ),
    Mutant(
        "funding-skew-past-the-limit",
        "D-23",
        "the skew grows on beyond the limit",
        {"funding.skew_bps": _skew_past_the_limit},
    ),
    Mutant(
        "funding-skew-at-any-size",
        "D-23",
        "a full contract already has the whole skew",
        {"funding.skew_bps": _skew_per_contract},
    ),
    Mutant(
        "funding-std-unfloored",
        "D-24",
        "a rate that hardly moves has huge z-scores",
        {"funding.FundingEstimator.__init__": _no_floor},
    ),
    Mutant(
        "funding-zscore-unclipped",
        "D-24",
        "the z-score is not clipped at 5",
        {"funding.FundingEstimator.__init__": _unclipped},
    ),
    Mutant(
        "funding-never-forgets",
        "D-24",
        "the deviation is over every reading, not the last 24",
        {"funding.FundingEstimator.__init__": _never_forgets},
    ),
    Mutant(
        "funding-history-fixed",
        "A-funding",
        "the history is 24 readings whatever is configured",
        {"funding.FundingEstimator.__init__": _history_of_the_default},
    ),
    Mutant(
        "funding-ewma-from-0",
        "D-24",
        "the EWMA starts at 0, not at the first rate",
        {"funding.FundingEstimator.record_rate": _ewma_from_0},
    ),
    Mutant(
        "funding-ewma-of-the-past",
        "D-24",
        "the EWMA leaves out the current reading",
        {"funding.FundingEstimator.record_rate": _ewma_before_the_reading},
    ),
    Mutant(
        "funding-std-about-the-mean",
        "D-24",
        "the deviation is about the plain mean of the readings",
        {"funding.FundingEstimator.rate_std": _std_about_the_mean},
    ),
    Mutant(
        "funding-sample-std",
        "D-24",
        "the deviation divides by one less than the readings",
        {"funding.FundingEstimator.rate_std": _sample_std},
    ),
    Mutant(
        "unparsable-rate-is-0",
        "D-25",
        "a rate that does not parse is 0 (the plan's line)",
        {"funding.parse_rate": _unparsable_as_0},
    ),
    Mutant(
        "rate-parsed-leniently",
        "Q-17",
        "a rate may have blanks and underscores",
        {"funding.parse_rate": _lenient_parse},
    ),
    Mutant(
        "premium-over-mark",
        "A-funding",
        "the premium is index over mark",
        {"funding.premium_bps": lambda mark, index: (index - mark) / mark * 1e4},
    ),
    Mutant(
        "funding-zscore-not-normalised",
        "D-45",
        "calibrated, a z-score of 1 is full scale",
        {"funding.drift_observation": _zscore_not_normalised},
    ),
    Mutant(
        "calibrated-funding-surer-when-extreme",
        "D-45",
        "calibrated, R falls with the z-score as in the plan",
        {"funding.drift_observation": _surer_when_extreme},
    ),
    Mutant(
        "funding-in-every-cycle",
        "D-36",
        "funding is taken with the book, in every cycle",
        {"sources.DriftSources.hot": _hot_with_funding},
    ),
)
