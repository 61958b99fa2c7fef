//! What a quote cycle shows: its quotes, and every figure behind them.

use std::borrow::Cow;

use serde::{Serialize, Serializer};

use crate::book::Part;
use crate::ladder::Quote;
use crate::side::QuoteSide;

/// How much of the limit is used: a diagnostic, which moves nothing (D-44).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// Less than 60 %.
    Green,
    /// From 60 %.
    Yellow,
    /// From 80 %.
    Red,
    /// From 100 %.
    Kill,
}

impl Zone {
    /// The zone of a position, by |q|/q_max.
    pub fn of(position: f64, max_position: f64) -> Self {
        match position.abs() / max_position {
            used if used >= 1.0 => Zone::Kill,
            used if used >= 0.8 => Zone::Red,
            used if used >= 0.6 => Zone::Yellow,
            _ => Zone::Green,
        }
    }
}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Zone::Green => "green",
            Zone::Yellow => "yellow",
            Zone::Red => "red",
            Zone::Kill => "kill",
        })
    }
}

/// What the old quote gate would have said: the accumulating side above half the limit.
pub fn gate_closed_side(position: f64, max_position: f64) -> Option<QuoteSide> {
    QuoteSide::accumulating(position).filter(|_| position.abs() / max_position > 0.5)
}

figures! {
    /// An observation that reached the filter, and what it did.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Heard {
        /// Whose: `fill`, `trend`, `flow` and so on, or `signal:` and a name.
        pub source: Cow<'static, str>,
        /// z.
        pub z_bps_per_s: f64,
        /// R.
        pub variance: f64,
        /// K.
        pub gain: f64,
        /// K (z - mu).
        pub push_bps_per_s: f64,
    }
}

figures! {
    /// A quote cycle. Pairs are [bid, ask].
    pub struct Cycle {
        /// Resting levels, touch first.
        pub bids: Vec<Quote>,
        /// Resting levels, touch first.
        pub asks: Vec<Quote>,
        /// Of this cycle.
        pub mid: f64,
        /// q, contracts.
        pub position: f64,
        /// mu.
        pub drift_bps_per_s: f64,
        /// P, (bp/s)^2.
        pub drift_variance: f64,
        /// All that reached the filter since the last cycle.
        pub drift_observations: Vec<Heard>,
        /// What this cycle's composite was made of.
        pub composite_parts: Vec<Part>,
        /// theta, 1/s.
        pub theta_per_s: f64,
        /// q, (bp/s)^2/s.
        pub process_noise: f64,
        /// gamma(q), 1/bp.
        pub gamma_per_bps: f64,
        /// In force.
        pub sigma_bps_per_sqrt_s: f64,
        /// At the horizon that flow reads.
        pub flow_imbalance: f64,
        /// With flow's multipliers, 1/bp.
        pub kappas_per_bps: [f64; 2],
        /// h.
        pub half_spreads_bps: [f64; 2],
        /// mu tau/2.
        pub drift_shift_bps: f64,
        /// Without the funding skew.
        pub skew_bps: f64,
        /// 0 unless phase 6 is active.
        pub funding_skew_bps: f64,
        /// 0 unless phase 6 is active.
        pub carry_bps: [f64; 2],
        /// Adverse selection.
        pub as_cost_bps: f64,
        /// Where the touches rest.
        pub touch_depths_bps: [f64; 2],
        /// Of every level of the full ladder, kept or not.
        pub expected_pnl_bps: [Vec<f64>; 2],
        /// How much of the limit is used.
        pub zone: Zone,
        /// Of the kill guard.
        pub killed_side: Option<QuoteSide>,
        /// What the old quote gate says.
        pub gate_closed_side: Option<QuoteSide>,
        /// Rising.
        pub active_phases: Vec<u8>,
        /// None: what could be inert this engine does not open with.
        pub inert_phases: Vec<u8>,
        /// What an operator wants to be told.
        pub events: Vec<&'static str>,
        /// Of the last warm cycle.
        pub vol_ratio: f64,
        /// Of the last cold cycle.
        pub as_ratio_adjustment: f64,
        /// Of the last reading.
        pub funding_zscore: Option<f64>,
        /// Of the last mark and index.
        pub premium_bps: Option<f64>,
        /// Of the last book.
        pub book_imbalances: Option<[f64; 3]>,
        /// Depths that the last book does not reach.
        pub insufficient_depth_bps: Option<&'static [f64]>,
    }
}

impl Cycle {
    /// Before the first cycle: nothing quoted, and what a cycle may leave as it is at rest.
    pub(crate) fn unquoted(active_phases: Vec<u8>) -> Self {
        Self {
            bids: Vec::new(),
            asks: Vec::new(),
            mid: 0.0,
            position: 0.0,
            drift_bps_per_s: 0.0,
            drift_variance: 0.0,
            drift_observations: Vec::new(),
            composite_parts: Vec::new(),
            theta_per_s: 0.0,
            process_noise: 0.0,
            gamma_per_bps: 0.0,
            sigma_bps_per_sqrt_s: 0.0,
            flow_imbalance: 0.0,
            kappas_per_bps: [0.0; 2],
            half_spreads_bps: [0.0; 2],
            drift_shift_bps: 0.0,
            skew_bps: 0.0,
            funding_skew_bps: 0.0,
            carry_bps: [0.0; 2],
            as_cost_bps: 0.0,
            touch_depths_bps: [0.0; 2],
            expected_pnl_bps: [Vec::new(), Vec::new()],
            zone: Zone::Green,
            killed_side: None,
            gate_closed_side: None,
            active_phases,
            inert_phases: Vec::new(),
            events: Vec::new(),
            vol_ratio: 1.0,
            as_ratio_adjustment: 1.0,
            funding_zscore: None,
            premium_bps: None,
            book_imbalances: None,
            insufficient_depth_bps: None,
        }
    }
}
