//! Half-spreads, and the depth at which each side's touch rests.

figures! {
    /// Depths of the touch, [bid, ask].
    pub struct Depths {
        /// h of each side, fee included.
        pub half_spreads_bps: [f64; 2],
        /// Where the touch rests.
        pub touch_depths_bps: [f64; 2],
    }
}

/// h = ln(1 + gamma/kappa)/gamma + gamma sigma^2 tau/2 + fee, bp.
pub fn half_spread_bps(
    gamma: f64,
    kappa: f64,
    sigma: f64,
    time_horizon_s: f64,
    fee_bps: f64,
) -> f64 {
    (gamma / kappa).ln_1p() / gamma + gamma * sigma * sigma * time_horizon_s / 2.0 + fee_bps
}

/// How far the drift moves both touches, bp: mu tau/2.
pub fn drift_shift_bps(drift_bps_per_s: f64, time_horizon_s: f64) -> f64 {
    drift_bps_per_s * time_horizon_s / 2.0
}

/// [max(fee, h_bid - shift + skew), max(fee, h_ask + shift - skew)] (D-42), bp.
pub fn touch_depths_bps(
    half_spreads: [f64; 2],
    shift_bps: f64,
    skew_bps: f64,
    fee_bps: f64,
) -> [f64; 2] {
    [
        fee_bps.max(half_spreads[0] - shift_bps + skew_bps),
        fee_bps.max(half_spreads[1] + shift_bps - skew_bps),
    ]
}
