//! Phase 4: what one level of the ladder is expected to earn. It is kept if that is more than 0.

use crate::inventory::{gamma, utilisation};
use crate::side::QuoteSide;

/// What a level is judged by, but for its depth.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// Of a flat book, 1/bp; beta is applied here, once (D-09).
    pub gamma_base_per_bps: f64,
    /// beta.
    pub inventory_beta: f64,
    /// The side's own, without flow's multiplier (D-46), 1/bp.
    pub kappa_per_bps: f64,
    /// sigma, bp/sqrt(s).
    pub sigma_bps_per_sqrt_s: f64,
    /// tau, s.
    pub time_horizon_s: f64,
    /// mu, bp/s.
    pub drift_bps_per_s: f64,
    /// q, contracts.
    pub position: f64,
    /// q_max, contracts.
    pub max_position: f64,
    /// Adverse selection, bp.
    pub as_cost_bps: f64,
    /// Maker fee, bp.
    pub fee_bps: f64,
    /// Funding carry of the side, bp.
    pub carry_cost_bps: f64,
}

figures! {
    /// What a level is expected to earn, and why.
    pub struct ExpectedPnl {
        /// All in all.
        pub expected_pnl_bps: f64,
        /// Whether the level rests (D-20).
        pub keep: bool,
        /// lambda, in 0 to 1.
        pub fill_intensity: f64,
        /// The drift's part.
        pub drift_contribution_bps: f64,
        /// What the position costs, negative on the side that reduces it.
        pub inventory_penalty_bps: f64,
    }
}

/// The parts of a side's levels that do not depend on the depth.
pub struct SideValue {
    kappa_per_bps: f64,
    cost_bps: f64,
    drift_contribution_bps: f64,
    inventory_penalty_bps: f64,
}

impl SideValue {
    /// What all levels of a side share.
    pub fn new(side: QuoteSide, terms: &Terms) -> Self {
        Self {
            kappa_per_bps: terms.kappa_per_bps,
            cost_bps: terms.as_cost_bps + terms.fee_bps + terms.carry_cost_bps,
            // bid + mu tau/2, ask - mu tau/2, whatever the position (D-17)
            drift_contribution_bps: side.sign() * terms.drift_bps_per_s * terms.time_horizon_s
                / 2.0,
            inventory_penalty_bps: inventory_penalty_bps(side, terms),
        }
    }

    /// A level at a depth in bp, before any rounding to ticks.
    pub fn at(&self, depth_bps: f64) -> ExpectedPnl {
        // lambda(d) = e^(-kappa d) (D-15)
        let fill_intensity = (-self.kappa_per_bps * depth_bps).exp();
        // E = lambda (d - as_cost - fee - carry) + drift contribution - inventory penalty
        let expected_pnl_bps = fill_intensity * (depth_bps - self.cost_bps)
            + self.drift_contribution_bps
            - self.inventory_penalty_bps;
        ExpectedPnl {
            expected_pnl_bps,
            keep: expected_pnl_bps > 0.0,
            fill_intensity,
            drift_contribution_bps: self.drift_contribution_bps,
            inventory_penalty_bps: self.inventory_penalty_bps,
        }
    }
}

/// gamma(q) |u| sigma^2 tau where the side accumulates, minus half of it where it reduces (D-18).
fn inventory_penalty_bps(side: QuoteSide, terms: &Terms) -> f64 {
    let u = utilisation(terms.position, terms.max_position);
    let sigma = terms.sigma_bps_per_sqrt_s;
    let full = gamma(terms.gamma_base_per_bps, terms.inventory_beta, u)
        * u.abs()
        * sigma
        * sigma
        * terms.time_horizon_s;
    match QuoteSide::accumulating(terms.position) {
        Some(accumulating) if accumulating == side => full,
        Some(_) => -0.5 * full,
        None => 0.0,
    }
}
