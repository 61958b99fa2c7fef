//! The fourteen pieces by themselves: each reads its steps, and shows its figures.

use crate::adaptation::{Adaptation, AdaptationConfig, Adapted, Markout};
use crate::book::{Book, BookConfig, BookSeen, mid_of};
use crate::cross_venue::{CrossVenue, CrossVenueConfig, CrossVenueSeen};
use crate::drift::{FilterConfig, KalmanDrift, Posterior, Process};
use crate::engine::PriceSource;
use crate::expected_pnl::{ExpectedPnl, SideValue, Terms};
use crate::fill_size::{FillSize, FillSizeConfig, FillSizeSeen};
use crate::flow::{Flow, FlowConfig, FlowSeen};
use crate::funding::{Funding, FundingConfig, FundingSeen};
use crate::glft::{Depths, drift_shift_bps, half_spread_bps, touch_depths_bps};
use crate::hawkes::{Hawkes, HawkesConfig, HawkesSeen};
use crate::inventory::{Inventory, InventoryConfig};
use crate::observation::{Observation, Reading};
use crate::open_interest::{OpenInterest, OpenInterestConfig, OpenInterestSeen};
use crate::rejection::{Refusal, Rejection};
use crate::sweep::{Sweep, SweepConfig, SweepSeen};
use crate::volatility::{Volatility, VolatilityConfig, VolatilitySeen};
use crate::wire::component::{Component, owned};
use crate::wire::market_step::{
    BOOK, FUNDING, REFERENCE_PRICE, TREND, funding_rate, reference_price, trend,
};
use crate::wire::step::{
    Field, Kind, QUOTE_SIDE, SIDE, Step, T_MS, defaulted, figure, optional, required,
};

const OBSERVE: &[Field] = &[figure("z_bps_per_s"), figure("variance")];
const DRIFT_FILL: &[Field] =
    &[SIDE, figure("price"), figure("mid"), figure("sigma_bps_per_sqrt_s")];
const POSITION: &[Field] =
    &[figure("position"), figure("sigma_bps_per_sqrt_s"), figure("time_horizon_s")];
const SIZED_TRADE: &[Field] = &[T_MS, SIDE, figure("size")];
const DEPTHS: &[Field] = &[
    figure("gamma_per_bps"),
    required("kappas_per_bps", Kind::Pair),
    figure("sigma_bps_per_sqrt_s"),
    figure("time_horizon_s"),
    figure("fee_bps"),
    figure("drift_bps_per_s"),
    figure("skew_bps"),
];
const LEVEL: &[Field] = &[
    QUOTE_SIDE,
    figure("depth_bps"),
    figure("gamma_base_per_bps"),
    figure("inventory_beta"),
    figure("kappa_per_bps"),
    figure("sigma_bps_per_sqrt_s"),
    figure("time_horizon_s"),
    figure("drift_bps_per_s"),
    figure("position"),
    figure("max_position"),
    figure("as_cost_bps"),
    figure("fee_bps"),
    defaulted("carry_cost_bps", Kind::Number),
];
const MARKOUT: &[Field] = &[
    figure("predicted_drift_bps_per_s"),
    figure("predicted_variance"),
    figure("realised_drift_bps_per_s"),
    figure("sigma_bps_per_sqrt_s"),
    figure("window_s"),
];
const SWEPT_FILL: &[Field] = &[T_MS, SIDE, figure("size"), required("levels_crossed", Kind::Whole)];
const PRICES: &[Field] =
    &[figure("mid"), optional("spot", Kind::Number), optional("leader", Kind::Number)];

impl Component for KalmanDrift {
    const NAME: &'static str = "drift";
    type Config = (Process, FilterConfig);
    type Seen<'a> = Posterior;

    fn fields() -> Vec<String> {
        owned(Posterior::FIELDS)
    }

    fn open((process, config): Self::Config) -> Result<Self, Refusal> {
        Ok(KalmanDrift::new(process, config))
    }

    fn apply(&mut self, step: &Step<'_>) -> Result<Posterior, Rejection> {
        match step.kind {
            "predict" => {
                step.has(&[T_MS])?;
                self.predict(step.time()?);
            }
            "observe" => {
                step.has(OBSERVE)?;
                self.update(Observation {
                    z_bps_per_s: step.number("z_bps_per_s")?,
                    variance: step.positive("variance")?,
                });
            }
            "fill" => {
                step.has(DRIFT_FILL)?;
                let (side, price) = (step.side()?, step.positive("price")?);
                let (mid, sigma) = (step.positive("mid")?, step.positive("sigma_bps_per_sqrt_s")?);
                self.update(self.fill(side, price, mid, sigma)?);
            }
            "trend" => {
                let (magnitude_bps, agreement, p_continuation) = trend(step.has(&TREND)?)?;
                if let Some(said) = self.trend(magnitude_bps, agreement, p_continuation) {
                    self.update(said);
                }
            }
            _ => return step.unknown(),
        }
        Ok(self.posterior())
    }
}

impl Component for InventoryConfig {
    const NAME: &'static str = "inventory";
    type Config = InventoryConfig;
    type Seen<'a> = Inventory;

    fn fields() -> Vec<String> {
        owned(Inventory::FIELDS)
    }

    fn open(config: InventoryConfig) -> Result<Self, Refusal> {
        Ok(config)
    }

    fn apply(&mut self, step: &Step<'_>) -> Result<Inventory, Rejection> {
        let "position" = step.kind else { return step.unknown() };
        step.has(POSITION)?;
        Ok(self.at(
            step.number("position")?,
            step.positive("sigma_bps_per_sqrt_s")?,
            step.positive("time_horizon_s")?,
        ))
    }
}

impl Component for Flow {
    const NAME: &'static str = "flow";
    type Config = (Reading, FlowConfig);
    type Seen<'a> = FlowSeen;

    fn fields() -> Vec<String> {
        owned(FlowSeen::FIELDS)
    }

    fn open((reading, config): Self::Config) -> Result<Self, Refusal> {
        Ok(Flow::new(reading, config))
    }

    fn apply(&mut self, step: &Step<'_>) -> Result<FlowSeen, Rejection> {
        let t_ms = match step.kind {
            "trade" => {
                step.has(SIZED_TRADE)?;
                let (side, size, t_ms) = (step.side()?, step.positive("size")?, step.time()?);
                self.trade(t_ms, side, size);
                t_ms
            }
            "read" => step.has(&[T_MS])?.time()?,
            _ => return step.unknown(),
        };
        Ok(self.seen(t_ms))
    }
}

/// Component `glft`, which has no state.
pub struct Glft;

impl Component for Glft {
    const NAME: &'static str = "glft";
    type Config = ();
    type Seen<'a> = Depths;

    fn fields() -> Vec<String> {
        owned(Depths::FIELDS)
    }

    fn open((): ()) -> Result<Self, Refusal> {
        Ok(Glft)
    }

    fn apply(&mut self, step: &Step<'_>) -> Result<Depths, Rejection> {
        let "depths" = step.kind else { return step.unknown() };
        step.has(DEPTHS)?;
        let gamma = step.positive("gamma_per_bps")?;
        let kappas = step.positive_pair("kappas_per_bps")?;
        let sigma = step.positive("sigma_bps_per_sqrt_s")?;
        let tau = step.positive("time_horizon_s")?;
        let fee_bps = step.number("fee_bps")?;
        let shift_bps = drift_shift_bps(step.number("drift_bps_per_s")?, tau);
        let skew_bps = step.number("skew_bps")?;
        let half_spreads_bps =
            kappas.map(|kappa| half_spread_bps(gamma, kappa, sigma, tau, fee_bps));
        let touch_depths_bps = touch_depths_bps(half_spreads_bps, shift_bps, skew_bps, fee_bps);
        Ok(Depths { half_spreads_bps, touch_depths_bps })
    }
}

/// Component `expected_pnl`, which has no state.
pub struct Levels;

impl Component for Levels {
    const NAME: &'static str = "expected_pnl";
    type Config = ();
    type Seen<'a> = ExpectedPnl;

    fn fields() -> Vec<String> {
        owned(ExpectedPnl::FIELDS)
    }

    fn open((): ()) -> Result<Self, Refusal> {
        Ok(Levels)
    }

    fn apply(&mut self, step: &Step<'_>) -> Result<ExpectedPnl, Rejection> {
        let "level" = step.kind else { return step.unknown() };
        step.has(LEVEL)?;
        let (side, depth_bps) = (step.quote_side()?, step.depth("depth_bps")?);
        let terms = Terms {
            gamma_base_per_bps: step.positive("gamma_base_per_bps")?,
            inventory_beta: step.number("inventory_beta")?,
            kappa_per_bps: step.positive("kappa_per_bps")?,
            sigma_bps_per_sqrt_s: step.positive("sigma_bps_per_sqrt_s")?,
            time_horizon_s: step.positive("time_horizon_s")?,
            drift_bps_per_s: step.number("drift_bps_per_s")?,
            position: step.number("position")?,
            max_position: step.positive("max_position")?,
            as_cost_bps: step.number("as_cost_bps")?,
            fee_bps: step.number("fee_bps")?,
            carry_cost_bps: step.number_or("carry_cost_bps", 0.0)?,
        };
        Ok(SideValue::new(side, &terms).at(depth_bps))
    }
}

/// Component `adaptation`: the process, and what adapts it.
pub struct Adapting {
    process: Process,
    adaptation: Adaptation,
}

impl Component for Adapting {
    const NAME: &'static str = "adaptation";
    type Config = (Process, AdaptationConfig);
    type Seen<'a> = Adapted;

    fn fields() -> Vec<String> {
        owned(Adapted::FIELDS)
    }

    fn open((process, config): Self::Config) -> Result<Self, Refusal> {
        Ok(Adapting { process, adaptation: Adaptation::new(config) })
    }

    fn apply(&mut self, step: &Step<'_>) -> Result<Adapted, Rejection> {
        let "markout" = step.kind else { return step.unknown() };
        step.has(MARKOUT)?;
        let markout = Markout {
            predicted_drift_bps_per_s: step.number("predicted_drift_bps_per_s")?,
            predicted_variance: step.positive("predicted_variance")?,
            realised_drift_bps_per_s: step.number("realised_drift_bps_per_s")?,
            sigma_bps_per_sqrt_s: step.positive("sigma_bps_per_sqrt_s")?,
            window_s: step.positive("window_s")?,
        };
        self.adaptation.settle(&markout, &mut self.process);
        Ok(Adapted {
            theta_per_s: self.process.theta_per_s,
            process_noise: self.process.process_noise,
            error_ewma: self.adaptation.error_ewma(),
        })
    }
}

impl Component for Funding {
    const NAME: &'static str = "funding";
    type Config = (Reading, FundingConfig);
    type Seen<'a> = FundingSeen;

    fn fields() -> Vec<String> {
        owned(FundingSeen::FIELDS)
    }

    fn open((reading, config): Self::Config) -> Result<Self, Refusal> {
        Ok(Funding::new(reading, config))
    }

    fn apply(&mut self, step: &Step<'_>) -> Result<FundingSeen, Rejection> {
        match step.kind {
            "funding" => {
                let (rate, interval_s) = funding_rate(step.has(FUNDING)?)?;
                step.time()?;
                self.record(rate, interval_s);
            }
            "reference_price" => {
                let (source, price) = reference_price(step.has(REFERENCE_PRICE)?)?;
                step.time()?;
                if let PriceSource::Funding(reference) = source {
                    self.reference_price(reference, price);
                }
            }
            "read" => {
                step.has(&[T_MS])?.time()?;
            }
            _ => return step.unknown(),
        }
        Ok(self.seen())
    }
}

impl Component for Book {
    const NAME: &'static str = "book";
    type Config = (Reading, BookConfig);
    type Seen<'a> = BookSeen;

    fn fields() -> Vec<String> {
        owned(BookSeen::FIELDS)
    }

    fn open((reading, config): Self::Config) -> Result<Self, Refusal> {
        Ok(Book::new(reading, config))
    }

    fn apply(&mut self, step: &Step<'_>) -> Result<BookSeen, Rejection> {
        match step.kind {
            "book" => {
                step.has(BOOK)?;
                let (bids, asks) = (step.book_side("bids")?, step.book_side("asks")?);
                let mid = mid_of(&bids, &asks)?;
                step.time()?;
                self.replace(&bids, &asks, mid);
            }
            "read" => self.cycle(step.has(&[T_MS])?.time()?),
            _ => return step.unknown(),
        }
        Ok(self.seen())
    }
}

impl Component for Sweep {
    const NAME: &'static str = "sweep";
    type Config = (Reading, SweepConfig);
    type Seen<'a> = SweepSeen;

    fn fields() -> Vec<String> {
        owned(SweepSeen::FIELDS)
    }

    fn open((reading, config): Self::Config) -> Result<Self, Refusal> {
        Ok(Sweep::new(reading, config))
    }

    fn apply(&mut self, step: &Step<'_>) -> Result<SweepSeen, Rejection> {
        match step.kind {
            "fill" => {
                step.has(SWEPT_FILL)?;
                let (side, size) = (step.side()?, step.positive("size")?);
                let (levels_crossed, t_ms) = (step.levels_crossed()?, step.time()?);
                self.fill(t_ms, side, size, levels_crossed);
                Ok(self.seen(t_ms))
            }
            "read" => {
                let t_ms = step.has(&[T_MS])?.time()?;
                let seen = self.seen(t_ms);
                self.cycle(t_ms);
                Ok(seen)
            }
            _ => step.unknown(),
        }
    }
}

impl Component for Hawkes {
    const NAME: &'static str = "hawkes";
    type Config = (Reading, HawkesConfig);
    type Seen<'a> = HawkesSeen;

    fn fields() -> Vec<String> {
        owned(HawkesSeen::FIELDS)
    }

    fn open((reading, config): Self::Config) -> Result<Self, Refusal> {
        Ok(Hawkes::new(reading, config)?)
    }

    fn apply(&mut self, step: &Step<'_>) -> Result<HawkesSeen, Rejection> {
        let t_ms = match step.kind {
            "trade" => {
                step.has(&[T_MS, SIDE])?;
                let (side, t_ms) = (step.side()?, step.time()?);
                self.trade(t_ms, side);
                t_ms
            }
            "read" => step.has(&[T_MS])?.time()?,
            _ => return step.unknown(),
        };
        Ok(self.seen(t_ms))
    }
}

impl Component for FillSize {
    const NAME: &'static str = "fill_size";
    type Config = (Reading, FillSizeConfig);
    type Seen<'a> = FillSizeSeen;

    fn fields() -> Vec<String> {
        owned(FillSizeSeen::FIELDS)
    }

    fn open((reading, config): Self::Config) -> Result<Self, Refusal> {
        Ok(FillSize::new(reading, config))
    }

    fn apply(&mut self, step: &Step<'_>) -> Result<FillSizeSeen, Rejection> {
        let "fill" = step.kind else { return step.unknown() };
        step.has(&[SIDE, figure("size")])?;
        self.fill(step.side()?, step.positive("size")?);
        Ok(self.seen())
    }
}

impl Component for CrossVenue {
    const NAME: &'static str = "cross_venue";
    type Config = (Reading, CrossVenueConfig);
    type Seen<'a> = CrossVenueSeen;

    fn fields() -> Vec<String> {
        owned(CrossVenueSeen::FIELDS)
    }

    fn open((reading, config): Self::Config) -> Result<Self, Refusal> {
        Ok(CrossVenue::new(reading, config))
    }

    fn apply(&mut self, step: &Step<'_>) -> Result<CrossVenueSeen, Rejection> {
        let "read" = step.kind else { return step.unknown() };
        step.has(PRICES)?;
        let mid = step.positive("mid")?;
        let (spot, leader) = (step.positive_if_any("spot")?, step.positive_if_any("leader")?);
        if let Some(price) = spot {
            self.spot(price);
        }
        if let Some(price) = leader {
            self.leader(price);
        }
        self.cycle(mid);
        self.measure_basis(mid);
        Ok(self.seen())
    }
}

impl Component for Volatility {
    const NAME: &'static str = "volatility";
    type Config = VolatilityConfig;
    type Seen<'a> = VolatilitySeen;

    fn fields() -> Vec<String> {
        owned(VolatilitySeen::FIELDS)
    }

    fn open(config: VolatilityConfig) -> Result<Self, Refusal> {
        Ok(Volatility::new(config))
    }

    fn apply(&mut self, step: &Step<'_>) -> Result<VolatilitySeen, Rejection> {
        let "read" = step.kind else { return step.unknown() };
        step.has(&[T_MS, figure("mid")])?;
        let (mid, t_ms) = (step.positive("mid")?, step.time()?);
        self.cycle(t_ms, mid);
        Ok(self.seen())
    }
}

impl Component for OpenInterest {
    const NAME: &'static str = "open_interest";
    type Config = (Reading, OpenInterestConfig);
    type Seen<'a> = OpenInterestSeen;

    fn fields() -> Vec<String> {
        owned(OpenInterestSeen::FIELDS)
    }

    fn open((reading, config): Self::Config) -> Result<Self, Refusal> {
        Ok(OpenInterest::new(reading, config))
    }

    fn apply(&mut self, step: &Step<'_>) -> Result<OpenInterestSeen, Rejection> {
        let "read" = step.kind else { return step.unknown() };
        step.has(&[figure("mid"), figure("contracts")])?;
        self.measure(step.positive("mid")?, step.positive("contracts")?);
        Ok(self.seen())
    }
}
