//! Phase 2: risk aversion that grows with the position, without steps (D-08).

use crate::side::QuoteSide;

settings! {
    /// Risk aversion and the limit of the position.
    pub struct InventoryConfig {
        /// gamma when flat, 1/bp.
        pub gamma_base_per_bps: f64 = 0.15, 1e-9..=1e9;
        /// beta.
        pub inventory_beta: f64 = 7.0, 0.0..=1e9;
        /// q_max, contracts.
        pub max_position: f64 = 8.57, 1e-9..=1e9;
    }
}

figures! {
    /// Risk aversion at a position.
    pub struct Inventory {
        /// gamma(q), 1/bp.
        pub gamma_per_bps: f64,
        /// How much deeper bids rest, and nearer asks, for the position.
        pub skew_bps: f64,
        /// The accumulating side from the limit on (D-10).
        pub killed_side: Option<QuoteSide>,
    }
}

/// u = q/q_max, clipped to -1 to 1.
pub fn utilisation(position: f64, max_position: f64) -> f64 {
    (position / max_position).clamp(-1.0, 1.0)
}

/// gamma(q) = gamma_base (1 + beta u^2), 1/bp.
pub fn gamma(gamma_base_per_bps: f64, beta: f64, utilisation: f64) -> f64 {
    gamma_base_per_bps * (1.0 + beta * utilisation * utilisation)
}

impl InventoryConfig {
    /// Risk aversion at a position.
    pub fn at(&self, position: f64, sigma: f64, time_horizon_s: f64) -> Inventory {
        let u = utilisation(position, self.max_position);
        let gamma_per_bps = gamma(self.gamma_base_per_bps, self.inventory_beta, u);
        let full = position.abs() >= self.max_position;
        Inventory {
            gamma_per_bps,
            // gamma(q) sigma^2 u tau
            skew_bps: gamma_per_bps * sigma * sigma * u * time_horizon_s,
            killed_side: QuoteSide::accumulating(position).filter(|_| full),
        }
    }
}
