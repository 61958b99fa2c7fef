"""The pieces as the port's components, one market a session.

Each session turns the port's steps into calls of one piece, one figure an array. Shapes of steps
and configurations are checked by what checks them for the reference.
"""

from __future__ import annotations

import numpy as np

from quotemark import messages
from quotemark.components.base import Clock, Component, ConfiguredComponent, FormulaComponent
from quotemark.messages import Json, Step
from quotemark_reference.config import (
    AdaptationConfig,
    BookConfig,
    CrossVenueConfig,
    DriftConfig,
    FillSizeConfig,
    FlowConfig,
    FundingConfig,
    HawkesConfig,
    InventoryConfig,
    OpenInterestConfig,
    SweepConfig,
    VolatilityConfig,
)
from quotemark_reference.errors import OutOfRangeError
from quotemark_reference.funding import parse_rate
from quotemark_vectorised import drift, expected_pnl, flow, glft, inventory, volatility
from quotemark_vectorised.adaptation import ParameterAdaptation
from quotemark_vectorised.arrays import (
    SIDES,
    BoolArray,
    FloatArray,
    check_finite,
    check_fraction,
    check_positive,
    quietly,
)
from quotemark_vectorised.book import BookFeatures, BookSide, check_books
from quotemark_vectorised.cross_venue import Basis, LeadLag, lead_observations
from quotemark_vectorised.drift import KalmanDrift
from quotemark_vectorised.fill_size import FillSizes
from quotemark_vectorised.flow import TradeFlow
from quotemark_vectorised.funding import FundingEstimator
from quotemark_vectorised.hawkes import HawkesFlow
from quotemark_vectorised.observation import (
    column,
    figure,
    insufficient_depths_bps,
    known,
    observation_fields,
    side_of,
    sourced_fields,
)
from quotemark_vectorised.open_interest import OpenInterest
from quotemark_vectorised.sweep import SweepDetector
from quotemark_vectorised.tape import Tape, make_tape
from quotemark_vectorised.volatility import RealisedVolatility

HERE: BoolArray = np.array([True])
"""The one market of a session."""


def one(figure: float) -> FloatArray:
    """Array of the one market's figure."""
    return np.array([figure], np.float64)


def bought(side: str) -> BoolArray:
    """Whether the side of a trade is a buy."""
    return np.array([side == "buy"])


def tape_of_one(t_ms: int, side: str, size: float) -> Tape:
    """A tape of one trade."""
    return make_tape(one(t_ms)[None], bought(side)[None], one(size)[None])


def side_array(levels: list[messages.Pair]) -> BookSide:
    """Prices and sizes [level, market] of a side."""
    prices, sizes = np.array(levels, np.float64).reshape(-1, 2).T
    return prices[:, None], sizes[:, None]


# --- phases 1 to 4 ----------------------------------------------------------------------------


class DriftComponent(ConfiguredComponent[DriftConfig]):
    """Component ``drift``."""

    def __init__(self, config: Json) -> None:
        super().__init__(DriftConfig, config)
        self._filter = KalmanDrift(self._config, 1)
        self._clock = Clock()

    @quietly
    def apply(self, step: Step) -> Json:
        """Apply a step and answer with the posterior."""
        config = self._config
        match step:
            case messages.Predict():
                self._clock.advance(step.t_ms)
                self._filter.predict(float(step.t_ms), HERE)
            case messages.Observe():
                check_finite("z_bps_per_s", step.z_bps_per_s, HERE)
                check_positive("variance", step.variance, HERE)
                self._filter.update(drift.bounded(step.z_bps_per_s, step.variance, HERE))
            case messages.DriftFill():
                for name in ("price", "mid", "sigma_bps_per_sqrt_s"):
                    check_positive(name, getattr(step, name), HERE)
                z_bps_per_s = drift.fill_z_bps_per_s(
                    bought(step.side), step.price, one(step.mid), step.sigma_bps_per_sqrt_s
                )
                check_finite("z_bps_per_s", z_bps_per_s, HERE)
                self._filter.update(drift.bounded(z_bps_per_s, config.fill_variance, HERE))
            case messages.DriftTrend():
                check_finite("magnitude_bps", step.magnitude_bps, HERE)
                check_fraction("agreement", step.agreement, HERE)
                check_fraction("p_continuation", step.p_continuation, HERE)
                self._filter.update(
                    drift.trend_observations(
                        step.magnitude_bps,
                        step.agreement,
                        step.p_continuation,
                        config.sigma_trend,
                        HERE,
                    )
                )
        return {
            "drift_bps_per_s": figure(self._filter.mean),
            "variance": figure(self._filter.variance),
            "uncertainty_bps_per_s": figure(self._filter.uncertainty_bps_per_s()),
            "confidence": figure(self._filter.confidence()),
        }


class InventoryComponent(ConfiguredComponent[InventoryConfig]):
    """Component ``inventory``."""

    def __init__(self, config: Json) -> None:
        super().__init__(InventoryConfig, config)

    def apply(self, step: Step) -> Json:
        """Evaluate the formulas at the step's position."""
        assert isinstance(step, messages.Position)
        check_finite("position", step.position, HERE)
        check_positive("sigma_bps_per_sqrt_s", step.sigma_bps_per_sqrt_s, HERE)
        check_positive("time_horizon_s", step.time_horizon_s, HERE)
        config, position = self._config, one(step.position)
        u = inventory.utilisation(position, config.max_position)
        gamma = inventory.gamma_per_bps(config.gamma_base_per_bps, config.inventory_beta, u)
        skew = inventory.skew_bps(gamma, step.sigma_bps_per_sqrt_s, step.time_horizon_s, u)
        return {
            "gamma_per_bps": figure(gamma),
            "skew_bps": figure(skew),
            "killed_side": side_of(inventory.killed(position, config.max_position)),
        }


class FlowComponent(ConfiguredComponent[FlowConfig]):
    """Component ``flow``."""

    def __init__(self, config: Json) -> None:
        super().__init__(FlowConfig, config)
        self._flow = TradeFlow(self._config, 1)
        self._clock = Clock()

    @quietly
    def apply(self, step: Step) -> Json:
        """Take a trade, or only read; either way answer with the flow at the step's time."""
        assert isinstance(step, messages.FlowTrade | messages.Read)
        t_ms = float(step.t_ms)
        if isinstance(step, messages.FlowTrade):
            check_positive("size", step.size, HERE)
            self._clock.advance(step.t_ms)
            self._flow.record_trades(tape_of_one(step.t_ms, step.side, step.size))
        else:
            self._clock.advance(step.t_ms)
        imbalances = {h: self._flow.imbalances_at(t_ms, h) for h in flow.HORIZONS_S}
        read = imbalances[self._config.flow_horizon_s]
        trades = figure(self._flow.decayed_trades_at(t_ms))
        return {
            "imbalances": [figure(imbalance) for imbalance in imbalances.values()],
            "kappa_multipliers": column(self._flow.kappa_multipliers(read)),
            "trades_per_s": trades / flow.TRADE_COUNT_HORIZON_S,
            **observation_fields(self._flow.drift_observations_at(t_ms, HERE)),
        }


class GlftComponent(FormulaComponent):
    """Component ``glft``."""

    def apply(self, step: Step) -> Json:
        """Evaluate the formulas at the step's values."""
        assert isinstance(step, messages.Depths)
        check_positive("gamma_per_bps", step.gamma_per_bps, HERE)
        for kappa_per_bps in step.kappas_per_bps:
            check_positive("kappas_per_bps", kappa_per_bps, HERE)
        check_positive("sigma_bps_per_sqrt_s", step.sigma_bps_per_sqrt_s, HERE)
        check_positive("time_horizon_s", step.time_horizon_s, HERE)
        for name in ("fee_bps", "drift_bps_per_s", "skew_bps"):
            check_finite(name, getattr(step, name), HERE)
        half_spreads = glft.half_spreads_bps(
            step.gamma_per_bps,
            np.array(step.kappas_per_bps)[:, None],
            step.sigma_bps_per_sqrt_s,
            step.time_horizon_s,
            step.fee_bps,
        )
        shift = glft.drift_shift_bps(one(step.drift_bps_per_s), step.time_horizon_s)
        depths = glft.touch_depths_bps(half_spreads, shift, step.skew_bps, 0.0, step.fee_bps)
        return {"half_spreads_bps": column(half_spreads), "touch_depths_bps": column(depths)}


class ExpectedPnlComponent(FormulaComponent):
    """Component ``expected_pnl``."""

    def apply(self, step: Step) -> Json:
        """Evaluate the formula at the step's level, on both sides, and answer with its own."""
        assert isinstance(step, messages.Level)
        _check_level(step)
        sigma, tau_s, row = step.sigma_bps_per_sqrt_s, step.time_horizon_s, SIDES.index(step.side)
        position, depth = one(step.position), one(step.depth_bps)
        u = inventory.utilisation(position, step.max_position)
        gamma = inventory.gamma_per_bps(step.gamma_base_per_bps, step.inventory_beta, u)
        accumulates = inventory.accumulating(position)
        penalty = expected_pnl.inventory_penalties_bps(gamma, u, sigma, tau_s, accumulates)[row]
        contribution = expected_pnl.drift_contributions_bps(one(step.drift_bps_per_s), tau_s)[row]
        intensity = expected_pnl.fill_intensities(depth, one(step.kappa_per_bps))
        cost_bps = step.as_cost_bps + step.fee_bps + step.carry_cost_bps
        pnl = expected_pnl.level_pnls_bps(depth, intensity, cost_bps, contribution - penalty)
        return {
            "expected_pnl_bps": figure(pnl),
            "keep": bool(expected_pnl.keeps(pnl)[0]),
            "fill_intensity": figure(intensity),
            "drift_contribution_bps": figure(contribution),
            "inventory_penalty_bps": figure(penalty),
        }


def _check_level(step: messages.Level) -> None:
    for name in (
        "gamma_base_per_bps",
        "kappa_per_bps",
        "sigma_bps_per_sqrt_s",
        "time_horizon_s",
        "max_position",
    ):
        check_positive(name, getattr(step, name), HERE)
    for name in (
        "inventory_beta",
        "drift_bps_per_s",
        "position",
        "as_cost_bps",
        "fee_bps",
        "carry_cost_bps",
        "depth_bps",
    ):
        check_finite(name, getattr(step, name), HERE)
    if step.depth_bps < 0.0:
        raise OutOfRangeError(f"depth_bps is {step.depth_bps}, expected 0 or more")


# --- phases 5 to 8 ----------------------------------------------------------------------------


class AdaptationComponent(ConfiguredComponent[AdaptationConfig]):
    """Component ``adaptation``."""

    def __init__(self, config: Json) -> None:
        super().__init__(AdaptationConfig, config)
        self._adaptation = ParameterAdaptation(self._config, 1)

    def apply(self, step: Step) -> Json:
        """Adapt to a markout and answer with the parameters."""
        assert isinstance(step, messages.AdaptationMarkout)
        for name in ("predicted_drift_bps_per_s", "realised_drift_bps_per_s"):
            check_finite(name, getattr(step, name), HERE)
        for name in ("predicted_variance", "sigma_bps_per_sqrt_s", "window_s"):
            check_positive(name, getattr(step, name), HERE)
        self._adaptation.update(
            one(step.predicted_drift_bps_per_s),
            one(step.predicted_variance),
            one(step.realised_drift_bps_per_s),
            step.sigma_bps_per_sqrt_s,
            one(step.window_s),
            HERE,
        )
        return {
            "theta_per_s": figure(self._adaptation.theta_per_s),
            "process_noise": figure(self._adaptation.process_noise),
            "error_ewma": figure(self._adaptation.error_ewma),
        }


class FundingComponent(ConfiguredComponent[FundingConfig]):
    """Component ``funding``."""

    def __init__(self, config: Json) -> None:
        super().__init__(FundingConfig, config)
        self._funding = FundingEstimator(self._config, 1)
        self._clock = Clock()

    @quietly
    def apply(self, step: Step) -> Json:
        """Take a reading or a price, or only read; answer with funding as it stands."""
        match step:
            case messages.Funding():
                rate = parse_rate(step.rate)
                check_positive("interval_s", step.interval_s, HERE)
                self._clock.advance(step.t_ms)
                self._funding.record_rates(one(rate), step.interval_s, HERE)
            case messages.ReferencePrice():
                check_positive("price", step.price, HERE)
                self._clock.advance(step.t_ms)
                if step.source == "mark":
                    self._funding.mark = one(step.price)
                elif step.source == "index":
                    self._funding.index = one(step.price)
            case messages.Read():
                self._clock.advance(step.t_ms)
        return self._observation()

    def _observation(self) -> Json:
        estimator = self._funding
        readings = int(estimator.readings[0])
        return {
            "readings": readings,
            "rate_per_s": figure(estimator.rate_per_s) if readings else None,
            "ewma_rate": figure(estimator.ewma_rate) if readings else None,
            "mean_rate": known(estimator.mean_rate()),
            "rate_std": known(estimator.rate_std()),
            "zscore": known(estimator.zscore),
            "premium_bps": known(estimator.premium_bps()),
            "carry_bps": column(estimator.carries_bps()),
            **observation_fields(estimator.drift_observations(HERE)),
        }


class BookComponent(ConfiguredComponent[BookConfig]):
    """Component ``book``."""

    def __init__(self, config: Json) -> None:
        super().__init__(BookConfig, config)
        self._book = BookFeatures(self._config, 1)
        self._clock = Clock()

    @quietly
    def apply(self, step: Step) -> Json:
        """Take a book, or read it as a cycle does; answer with its features."""
        assert isinstance(step, messages.Book | messages.Read)
        if isinstance(step, messages.Book):
            bids, asks = side_array(step.bids), side_array(step.asks)
            check_books(bids, asks, HERE)
            self._clock.advance(step.t_ms)
            self._book.record_books(bids, asks, HERE)
        else:
            self._clock.advance(step.t_ms)
            self._book.follow(float(step.t_ms), HERE)
        return {
            "imbalances": column(self._book.imbalances),
            "delta_bim_per_s": known(self._book.delta_bim_per_s()),
            "pressure_gradient": known(self._book.pressure_gradient()),
            "depth_usd": figure(self._book.depth_usd),
            "insufficient_depth_bps": insufficient_depths_bps(self._book.insufficient),
            "signals": sourced_fields(self._book.drift_observations(HERE)),
        }


class SweepComponent(ConfiguredComponent[SweepConfig]):
    """Component ``sweep``."""

    def __init__(self, config: Json) -> None:
        super().__init__(SweepConfig, config)
        self._sweeps = SweepDetector(self._config, 1)
        self._clock = Clock()

    @quietly
    def apply(self, step: Step) -> Json:
        """Take a fill, or read as a cycle does; answer with the scores."""
        assert isinstance(step, messages.SweepFill | messages.Read)
        t_ms = one(step.t_ms)
        if isinstance(step, messages.SweepFill):
            check_positive("size", step.size, HERE)
            check_positive("levels_crossed", step.levels_crossed, HERE)
            self._clock.advance(step.t_ms)
            self._sweeps.record_fills(
                t_ms, bought(step.side), one(step.size), step.levels_crossed, HERE
            )
        else:
            self._clock.advance(step.t_ms)
        observation = {
            "scores": column(self._sweeps.scores_at(t_ms)),
            **observation_fields(self._sweeps.drift_observations_at(t_ms, HERE)),
        }
        if isinstance(step, messages.Read):
            self._sweeps.end_cycle(t_ms, HERE)
        return observation


class HawkesComponent(ConfiguredComponent[HawkesConfig]):
    """Component ``hawkes``."""

    def __init__(self, config: Json) -> None:
        super().__init__(HawkesConfig, config)
        self._hawkes = HawkesFlow(self._config, 1)
        self._clock = Clock()

    @quietly
    def apply(self, step: Step) -> Json:
        """Take a trade, or only read; answer with the intensities."""
        assert isinstance(step, messages.HawkesTrade | messages.Read)
        self._clock.advance(step.t_ms)
        t_ms = float(step.t_ms)
        if isinstance(step, messages.HawkesTrade):
            # sizes do not matter
            self._hawkes.record_trades(tape_of_one(step.t_ms, step.side, 1.0))
        return {
            "intensities_per_s": column(self._hawkes.intensities_at(t_ms)),
            "events": int(self._hawkes.events[0]),
            **observation_fields(self._hawkes.drift_observations_at(t_ms, HERE)),
        }


class FillSizeComponent(ConfiguredComponent[FillSizeConfig]):
    """Component ``fill_size``."""

    def __init__(self, config: Json) -> None:
        super().__init__(FillSizeConfig, config)
        self._sizes = FillSizes(self._config, 1)

    @quietly
    def apply(self, step: Step) -> Json:
        """Take a fill and answer with the sizes against their baseline."""
        assert isinstance(step, messages.SizedFill)
        check_positive("size", step.size, HERE)
        self._sizes.record_fills(bought(step.side), one(step.size), HERE)
        return {
            "baseline_mean": figure(self._sizes.baseline_mean),
            "baseline_std": figure(self._sizes.baseline_std()),
            "zscores": column(self._sizes.zscores()),
            **observation_fields(self._sizes.drift_observations(HERE)),
        }


class CrossVenueComponent(ConfiguredComponent[CrossVenueConfig]):
    """Component ``cross_venue``; each step is a cycle of all tiers."""

    def __init__(self, config: Json) -> None:
        super().__init__(CrossVenueConfig, config)
        self._basis = Basis(self._config, 1)
        self._lead_lag = LeadLag(self._config, 1)

    @quietly
    def apply(self, step: Step) -> Json:
        """Take the prices of a cycle and answer with basis and lead."""
        assert isinstance(step, messages.CrossVenueRead)
        for name in ("mid", "spot", "leader"):
            if getattr(step, name) is not None:
                check_positive(name, getattr(step, name), HERE)
        if step.spot is not None:
            self._basis.spot = one(step.spot)
        if step.leader is not None:
            self._lead_lag.leader = one(step.leader)
        self._basis.follow(one(step.mid), HERE)
        self._lead_lag.follow(one(step.mid), HERE)
        leads = self._lead_lag.leads()
        basis = observation_fields(self._basis.drift_observations(HERE))
        lead = observation_fields(lead_observations(leads, HERE, self._config))
        return {
            "basis_bps": known(self._basis.basis_bps),
            "basis_change_bps": known(self._basis.change_bps),
            **{f"basis_{name}": value for name, value in basis.items()},
            "lead_bps": known(leads.lead_bps),
            "lead_beta": known(leads.beta),
            "lead_confidence": known(leads.confidence),
            **{f"lead_{name}": value for name, value in lead.items()},
        }


class VolatilityComponent(ConfiguredComponent[VolatilityConfig]):
    """Component ``volatility``; each step is a cycle of all tiers."""

    def __init__(self, config: Json) -> None:
        super().__init__(VolatilityConfig, config)
        self._volatility = RealisedVolatility(self._config, 1)
        self._clock = Clock()

    @quietly
    def apply(self, step: Step) -> Json:
        """Take the mid of a cycle and answer with what it scales."""
        assert isinstance(step, messages.VolatilityRead)
        check_positive("mid", step.mid, HERE)
        self._clock.advance(step.t_ms)
        self._volatility.follow(one(step.t_ms), one(step.mid), HERE)
        vol_ratio = self._volatility.vol_ratio()
        kurtosis = self._volatility.excess_kurtosis()
        return {
            "vol_ratio": figure(vol_ratio),
            "sigma_multiplier": figure(volatility.sigma_multiplier(vol_ratio, self._config)),
            "excess_kurtosis": known(kurtosis),
            "as_ratio_adjustment": figure(volatility.as_ratio_adjustment(kurtosis, self._config)),
        }


class OpenInterestComponent(ConfiguredComponent[OpenInterestConfig]):
    """Component ``open_interest``; each step is a cold cycle."""

    def __init__(self, config: Json) -> None:
        super().__init__(OpenInterestConfig, config)
        self._open_interest = OpenInterest(self._config, 1)

    @quietly
    def apply(self, step: Step) -> Json:
        """Take mid and open interest of a cold cycle and answer with their changes."""
        assert isinstance(step, messages.OpenInterestRead)
        check_positive("mid", step.mid, HERE)
        check_positive("contracts", step.contracts, HERE)
        self._open_interest.contracts = one(step.contracts)
        self._open_interest.follow(one(step.mid), HERE)
        return {
            "change": known(self._open_interest.change),
            **observation_fields(self._open_interest.drift_observations(HERE)),
        }


PIECES: dict[str, type[Component]] = {
    "drift": DriftComponent,
    "inventory": InventoryComponent,
    "flow": FlowComponent,
    "glft": GlftComponent,
    "expected_pnl": ExpectedPnlComponent,
    "adaptation": AdaptationComponent,
    "funding": FundingComponent,
    "book": BookComponent,
    "sweep": SweepComponent,
    "hawkes": HawkesComponent,
    "fill_size": FillSizeComponent,
    "cross_venue": CrossVenueComponent,
    "volatility": VolatilityComponent,
    "open_interest": OpenInterestComponent,
}
