//! What the quote cycle is opened with: the settings of all components, and its own.

use crate::adaptation::AdaptationConfig;
use crate::book::BookConfig;
use crate::cross_venue::CrossVenueConfig;
use crate::drift::{FilterConfig, Process};
use crate::fill_size::FillSizeConfig;
use crate::flow::FlowConfig;
use crate::funding::FundingConfig;
use crate::hawkes::HawkesConfig;
use crate::inventory::InventoryConfig;
use crate::ladder::LadderConfig;
use crate::observation::{Calibration, Reading};
use crate::open_interest::OpenInterestConfig;
use crate::settings::{Choice, Settings, Visit};
use crate::sweep::SweepConfig;
use crate::volatility::VolatilityConfig;

settings! {
    /// The market as estimated elsewhere; an estimate replaces what is configured (D-43).
    #[derive(Copy)]
    pub struct Market {
        /// sigma, bp/sqrt(s).
        pub sigma_bps_per_sqrt_s: f64 = 2.0, 1e-9..=1e9;
        /// kappa of the bid, 1/bp.
        pub kappa_bid_per_bps: f64 = 0.1287, 1e-9..=1e9;
        /// kappa of the ask, 1/bp.
        pub kappa_ask_per_bps: f64 = 0.1287, 1e-9..=1e9;
        /// tau, s.
        pub time_horizon_s: f64 = 2.0, 1e-9..=1e9;
    }
}

settings! {
    /// What a quote costs.
    pub struct CostConfig {
        /// Maker fee, bp.
        pub fee_bps: f64 = 1.5, 0.0..=1e9;
        /// Of adverse selection (D-19).
        pub as_ratio: f64 = 0.8, 0.0..=1e9;
        /// If set, stands for both half-spreads, fee included.
        pub base_half_spread_bps: Option<f64> = None, 0.0..=1e9;
    }
}

settings! {
    /// How often the slower sources are read (D-36).
    pub struct Tiers {
        /// Cycles of the warm tier.
        pub warm_every_cycles: usize = 2, 1..=1_000_000_000;
        /// Cycles of the cold tier.
        pub cold_every_cycles: usize = 5, 1..=1_000_000_000;
    }
}

/// What a phase that is off would fall back to. This engine has no way back, and only tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LegacyVariant {
    /// As the plan describes it.
    Documented,
    /// As the record shows it.
    Deployed,
}

impl Choice for LegacyVariant {
    fn name(&self) -> &'static str {
        match self {
            LegacyVariant::Documented => "documented",
            LegacyVariant::Deployed => "deployed",
        }
    }

    fn choose(&mut self, name: &str) -> bool {
        *self = match name {
            "documented" => LegacyVariant::Documented,
            "deployed" => LegacyVariant::Deployed,
            _ => return false,
        };
        true
    }
}

settings! {
    /// One gate a phase (D-38).
    pub struct Gates {
        /// Phase 1.
        pub use_kalman_drift: bool = true, ..;
        /// Phase 2.
        pub use_continuous_gamma: bool = true, ..;
        /// Phase 3.
        pub use_directional_flow: bool = true, ..;
        /// Phase 4; needs 1, 2 and 3.
        pub use_epnl_filter: bool = false, ..;
        /// Phase 5; needs 4.
        pub use_online_adaptation: bool = true, ..;
        /// Phase 6; needs 4.
        pub use_funding: bool = true, ..;
        /// Phase 7; needs 1.
        pub use_book_features: bool = false, ..;
        /// Phase 8; needs 1.
        pub use_tape_features: bool = false, ..;
        /// What a gate that is off falls back to.
        pub legacy_variant: LegacyVariant = LegacyVariant::Documented, ..;
    }
}

impl Gates {
    /// Why this engine cannot run with these gates: it contains no past. With one of the first four
    /// off, the old estimator, zones or quote gate would have to act; without flow the filter is
    /// inert, so that the quote gate acts again.
    pub fn missing(&self) -> Option<String> {
        let first_four = [
            ("use_kalman_drift", self.use_kalman_drift),
            ("use_continuous_gamma", self.use_continuous_gamma),
            ("use_directional_flow", self.use_directional_flow),
            ("use_epnl_filter", self.use_epnl_filter),
        ];
        let (name, _) = first_four.into_iter().find(|(_, on)| !on)?;
        Some(format!("{name} is off, and this engine has no way back to what ran before phase 4"))
    }

    /// The phases that are active, given the first four.
    pub fn active_phases(&self) -> Vec<u8> {
        let later = [
            (5, self.use_online_adaptation),
            (6, self.use_funding),
            (7, self.use_book_features),
            (8, self.use_tape_features),
        ];
        let on = later.into_iter().filter(|(_, on)| *on).map(|(phase, _)| phase);
        (1..=4).chain(on).collect()
    }
}

/// Everything that the quote cycle is opened with.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Of all market signals; calibrated by default (D-45).
    pub reading: Reading,
    /// Phase 1.
    pub process: Process,
    /// Phase 1.
    pub filter: FilterConfig,
    /// Phase 2.
    pub inventory: InventoryConfig,
    /// Phase 3.
    pub flow: FlowConfig,
    /// Phase 5.
    pub adaptation: AdaptationConfig,
    /// Phase 6.
    pub funding: FundingConfig,
    /// Phase 7.
    pub book: BookConfig,
    /// Phase 7.
    pub sweep: SweepConfig,
    /// Phase 8.
    pub hawkes: HawkesConfig,
    /// Phase 8.
    pub fill_size: FillSizeConfig,
    /// Phase 8.
    pub cross_venue: CrossVenueConfig,
    /// Phase 8.
    pub volatility: VolatilityConfig,
    /// Phase 8.
    pub open_interest: OpenInterestConfig,
    /// Until an estimate.
    pub market: Market,
    /// Of every quote.
    pub cost: CostConfig,
    /// Sizes and places of the levels.
    pub ladder: LadderConfig,
    /// Warm and cold.
    pub tiers: Tiers,
    /// Which phases act.
    pub gates: Gates,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            reading: Reading { calibration: Calibration::Calibrated, ..Reading::default() },
            process: Process::default(),
            filter: FilterConfig::default(),
            inventory: InventoryConfig::default(),
            flow: FlowConfig::default(),
            adaptation: AdaptationConfig::default(),
            funding: FundingConfig::default(),
            book: BookConfig::default(),
            sweep: SweepConfig::default(),
            hawkes: HawkesConfig::default(),
            fill_size: FillSizeConfig::default(),
            cross_venue: CrossVenueConfig::default(),
            volatility: VolatilityConfig::default(),
            open_interest: OpenInterestConfig::default(),
            market: Market::default(),
            cost: CostConfig::default(),
            ladder: LadderConfig::default(),
            tiers: Tiers::default(),
            gates: Gates::default(),
        }
    }
}

impl Settings for EngineConfig {
    fn each(&mut self, visit: Visit<'_>) {
        self.reading.each(visit);
        self.process.each(visit);
        self.filter.each(visit);
        self.inventory.each(visit);
        self.flow.each(visit);
        self.adaptation.each(visit);
        self.funding.each(visit);
        self.book.each(visit);
        self.sweep.each(visit);
        self.hawkes.each(visit);
        self.fill_size.each(visit);
        self.cross_venue.each(visit);
        self.volatility.each(visit);
        self.open_interest.each(visit);
        self.market.each(visit);
        self.cost.each(visit);
        self.ladder.each(visit);
        self.tiers.each(visit);
        self.gates.each(visit);
    }
}
