"""Components of phases 5 to 8: adaptation, and every source of drift observations."""

from __future__ import annotations

from quotemark import messages
from quotemark.components.base import Clock, ConfiguredComponent, drift_observation_fields
from quotemark.messages import Json, Step
from quotemark_reference import funding, volatility
from quotemark_reference.adaptation import ParameterAdaptation
from quotemark_reference.book import BookFeatures, check_book
from quotemark_reference.config import (
    AdaptationConfig,
    BookConfig,
    CrossVenueConfig,
    FillSizeConfig,
    FundingConfig,
    HawkesConfig,
    OpenInterestConfig,
    SweepConfig,
    VolatilityConfig,
)
from quotemark_reference.cross_venue import Basis, LeadLag
from quotemark_reference.errors import check_finite, check_positive
from quotemark_reference.fill_size import FillSizes
from quotemark_reference.hawkes import HawkesFlow
from quotemark_reference.inventory import ASK, BID
from quotemark_reference.open_interest import OpenInterest
from quotemark_reference.sweep import SweepDetector
from quotemark_reference.volatility import RealisedVolatility


class AdaptationComponent(ConfiguredComponent[AdaptationConfig]):
    """Component ``adaptation``: theta and process noise, markout by markout."""

    def __init__(self, config: Json) -> None:
        super().__init__(AdaptationConfig, config)
        self._adaptation = ParameterAdaptation(self._config)

    def apply(self, step: Step) -> Json:
        """Adapt to a markout and answer with the parameters."""
        assert isinstance(step, messages.AdaptationMarkout)
        check_finite("predicted_drift_bps_per_s", step.predicted_drift_bps_per_s)
        check_positive("predicted_variance", step.predicted_variance)
        check_finite("realised_drift_bps_per_s", step.realised_drift_bps_per_s)
        check_positive("sigma_bps_per_sqrt_s", step.sigma_bps_per_sqrt_s)
        check_positive("window_s", step.window_s)
        self._adaptation.update(
            step.predicted_drift_bps_per_s,
            step.predicted_variance,
            step.realised_drift_bps_per_s,
            step.sigma_bps_per_sqrt_s,
            step.window_s,
        )
        return {
            "theta_per_s": self._adaptation.theta_per_s,
            "process_noise": self._adaptation.process_noise,
            "error_ewma": self._adaptation.error_ewma,
        }


class FundingComponent(ConfiguredComponent[FundingConfig]):
    """Component ``funding``: the estimator, its carry and its drift observation."""

    def __init__(self, config: Json) -> None:
        super().__init__(FundingConfig, config)
        self._funding = funding.FundingEstimator(self._config)
        self._clock = Clock()

    def apply(self, step: Step) -> Json:
        """Take a reading or a price, or only read; answer with funding as it stands."""
        match step:
            case messages.Funding():
                rate = funding.parse_rate(step.rate)
                check_positive("interval_s", step.interval_s)
                self._clock.advance(step.t_ms)
                self._funding.record_rate(rate, step.interval_s)
            case messages.ReferencePrice():
                check_positive("price", step.price)
                self._clock.advance(step.t_ms)
                if step.source == "mark":
                    self._funding.mark = step.price
                elif step.source == "index":
                    self._funding.index = step.price
            case messages.Read():
                self._clock.advance(step.t_ms)
        return self._observation()

    def _observation(self) -> Json:
        estimator = self._funding
        known = estimator.readings > 0
        return {
            "readings": estimator.readings,
            "rate_per_s": estimator.rate_per_s if known else None,
            "ewma_rate": estimator.ewma_rate if known else None,
            "mean_rate": estimator.mean_rate() if known else None,
            "rate_std": estimator.rate_std() if known else None,
            "zscore": estimator.zscore(),
            "premium_bps": estimator.premium(),
            "carry_bps": [estimator.carry_bps(BID), estimator.carry_bps(ASK)],
            **drift_observation_fields(estimator.drift_observation()),
        }


class BookComponent(ConfiguredComponent[BookConfig]):
    """Component ``book``: imbalance, its slope, and pressure gradient."""

    def __init__(self, config: Json) -> None:
        super().__init__(BookConfig, config)
        self._book = BookFeatures(self._config)
        self._clock = Clock()

    def apply(self, step: Step) -> Json:
        """Take a book, or read it as a cycle does; answer with its features."""
        assert isinstance(step, messages.Book | messages.Read)
        if isinstance(step, messages.Book):
            check_book(step.bids, step.asks)
            self._clock.advance(step.t_ms)
            self._book.record_book(step.bids, step.asks)
        else:
            self._clock.advance(step.t_ms)
            self._book.follow(step.t_ms)
        shape = self._book.shape()
        return {
            "imbalances": list(shape.imbalances),
            "delta_bim_per_s": self._book.delta_bim_per_s(),
            "pressure_gradient": shape.pressure_gradient(),
            "depth_usd": shape.depth_usd,
            "insufficient_depth_bps": list(shape.insufficient_depth_bps),
            "signals": [
                {"source": source, "z_bps_per_s": z_bps_per_s, "variance": variance}
                for source, (z_bps_per_s, variance) in self._book.drift_observations()
            ],
        }


class SweepComponent(ConfiguredComponent[SweepConfig]):
    """Component ``sweep``: scores of the own fills that crossed several levels."""

    def __init__(self, config: Json) -> None:
        super().__init__(SweepConfig, config)
        self._sweeps = SweepDetector(self._config)
        self._clock = Clock()

    def apply(self, step: Step) -> Json:
        """Take a fill, or read as a cycle does; answer with the scores."""
        assert isinstance(step, messages.SweepFill | messages.Read)
        if isinstance(step, messages.SweepFill):
            check_positive("size", step.size)
            check_positive("levels_crossed", step.levels_crossed)
            self._clock.advance(step.t_ms)
            self._sweeps.record_fill(step.t_ms, step.side, step.size, step.levels_crossed)
        else:
            self._clock.advance(step.t_ms)
        observation = {
            "scores": list(self._sweeps.scores_at(step.t_ms)),
            **drift_observation_fields(self._sweeps.drift_observation_at(step.t_ms)),
        }
        if isinstance(step, messages.Read):
            self._sweeps.end_cycle(step.t_ms)
        return observation


class HawkesComponent(ConfiguredComponent[HawkesConfig]):
    """Component ``hawkes``: intensities of buys and sells."""

    def __init__(self, config: Json) -> None:
        super().__init__(HawkesConfig, config)
        self._hawkes = HawkesFlow(self._config)
        self._clock = Clock()

    def apply(self, step: Step) -> Json:
        """Take a trade, or only read; answer with the intensities."""
        assert isinstance(step, messages.HawkesTrade | messages.Read)
        self._clock.advance(step.t_ms)
        if isinstance(step, messages.HawkesTrade):
            self._hawkes.record_trade(step.t_ms, step.side)
        return {
            "intensities_per_s": list(self._hawkes.intensities_at(step.t_ms)),
            "events": self._hawkes.events,
            **drift_observation_fields(self._hawkes.drift_observation_at(step.t_ms)),
        }


class FillSizeComponent(ConfiguredComponent[FillSizeConfig]):
    """Component ``fill_size``: own fill sizes against their baseline."""

    def __init__(self, config: Json) -> None:
        super().__init__(FillSizeConfig, config)
        self._sizes = FillSizes(self._config)

    def apply(self, step: Step) -> Json:
        """Take a fill and answer with the sizes against their baseline."""
        assert isinstance(step, messages.SizedFill)
        check_positive("size", step.size)
        self._sizes.record_fill(step.side, step.size)
        return {
            "baseline_mean": self._sizes.baseline_mean,
            "baseline_std": self._sizes.baseline_std(),
            "zscores": [self._sizes.zscore(BID), self._sizes.zscore(ASK)],
            **drift_observation_fields(self._sizes.drift_observation()),
        }


class CrossVenueComponent(ConfiguredComponent[CrossVenueConfig]):
    """Component ``cross_venue``: basis and lead; each step is a cycle of all tiers."""

    def __init__(self, config: Json) -> None:
        super().__init__(CrossVenueConfig, config)
        self._basis = Basis(self._config)
        self._lead_lag = LeadLag(self._config)

    def apply(self, step: Step) -> Json:
        """Take the prices of a cycle and answer with basis and lead."""
        assert isinstance(step, messages.CrossVenueRead)
        prices = {"mid": step.mid, "spot": step.spot, "leader": step.leader}
        for name, price in prices.items():
            if price is not None:
                check_positive(name, price)
        if step.spot is not None:
            self._basis.spot = step.spot
        if step.leader is not None:
            self._lead_lag.leader = step.leader
        self._basis.follow(step.mid)
        self._lead_lag.follow(step.mid)
        basis_z, basis_variance = self._basis.drift_observation() or (None, None)
        lead_z, lead_variance = self._lead_lag.drift_observation() or (None, None)
        lead = self._lead_lag.lead()
        return {
            "basis_bps": self._basis.basis_bps,
            "basis_change_bps": self._basis.change_bps,
            "basis_z_bps_per_s": basis_z,
            "basis_variance": basis_variance,
            "lead_bps": lead.lead_bps if lead else None,
            "lead_beta": lead.beta if lead else None,
            "lead_confidence": lead.confidence if lead else None,
            "lead_z_bps_per_s": lead_z,
            "lead_variance": lead_variance,
        }


class VolatilityComponent(ConfiguredComponent[VolatilityConfig]):
    """Component ``volatility``: term structure and tails; each step is a cycle of all tiers."""

    def __init__(self, config: Json) -> None:
        super().__init__(VolatilityConfig, config)
        self._volatility = RealisedVolatility(self._config)
        self._clock = Clock()

    def apply(self, step: Step) -> Json:
        """Take the mid of a cycle and answer with what it scales."""
        assert isinstance(step, messages.VolatilityRead)
        check_positive("mid", step.mid)
        self._clock.advance(step.t_ms)
        self._volatility.follow(step.t_ms, step.mid)
        vol_ratio = self._volatility.vol_ratio()
        kurtosis = self._volatility.excess_kurtosis()
        return {
            "vol_ratio": vol_ratio,
            "sigma_multiplier": volatility.sigma_multiplier(vol_ratio, self._config),
            "excess_kurtosis": kurtosis,
            "as_ratio_adjustment": volatility.as_ratio_adjustment(kurtosis, self._config),
        }


class OpenInterestComponent(ConfiguredComponent[OpenInterestConfig]):
    """Component ``open_interest``; each step is a cold cycle."""

    def __init__(self, config: Json) -> None:
        super().__init__(OpenInterestConfig, config)
        self._open_interest = OpenInterest(self._config)

    def apply(self, step: Step) -> Json:
        """Take mid and open interest of a cold cycle and answer with their changes."""
        assert isinstance(step, messages.OpenInterestRead)
        check_positive("mid", step.mid)
        check_positive("contracts", step.contracts)
        self._open_interest.contracts = step.contracts
        self._open_interest.follow(step.mid)
        return {
            "change": self._open_interest.change,
            **drift_observation_fields(self._open_interest.drift_observation()),
        }
