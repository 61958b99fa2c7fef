//! Phase 3: the trades of others, as an imbalance at four horizons.
//!
//! Imbalance is sell-positive (D-12): selling makes bids fill less, and is bearish.

use crate::observation::{Observation, Reading};
use crate::side::Side;
use crate::time::seconds;

/// Horizons of the decayed volumes, s.
pub const HORIZONS_S: [f64; 4] = [1.0, 5.0, 30.0, 300.0];

/// Horizon of the decayed count of trades, s.
const COUNT_HORIZON_S: f64 = 5.0;

settings! {
    /// What flow does to kappas and drift.
    pub struct FlowConfig {
        /// s; 0 switches flow off (D-14).
        pub flow_sensitivity: f64 = 0.5, 0.0..=1e9;
        /// Lower clamp of the multipliers.
        pub flow_multiplier_min: f64 = 0.5, 1e-9..=1.0;
        /// Upper clamp.
        pub flow_multiplier_max: f64 = 2.0, 1.0..=1e9;
        /// Horizon read by multipliers and z, s.
        pub flow_horizon_s: f64 = 5.0, &HORIZONS_S[..];
        /// Trades ever, before flow says anything.
        pub flow_min_trades: usize = 20, 0..=1_000_000_000;
        /// Silence after which an imbalance is 0, in horizons (D-47).
        pub flow_silence_horizons: f64 = 5.0, 1e-9..=1e9;
        /// z at an imbalance of -1, bp/s, in `plan`.
        pub flow_drift_scale: f64 = 0.5, 0.0..=1e9;
        /// Noise, bp/s, in `plan`.
        pub sigma_flow: f64 = 2.0, 1e-3..=1e6;
        /// Least rate of trades in R, 1/s, in `plan` (D-13).
        pub trade_rate_floor_per_s: f64 = 0.1, 1e-9..=1e9;
        /// Trades that halve the reliability, in `calibrated`.
        pub calibrated_flow_trades: f64 = 10.0, 0.0..=1e9;
    }
}

figures! {
    /// What flow says at a time.
    pub struct FlowSeen {
        /// At each horizon.
        pub imbalances: [f64; 4],
        /// [bid, ask].
        pub kappa_multipliers: [f64; 2],
        /// Decayed.
        pub trades_per_s: f64,
        /// z.
        pub z_bps_per_s: Option<f64>,
        /// R.
        pub variance: Option<f64>,
    }
}

/// Decayed volumes of both sides, and the decayed count of trades.
pub struct Flow {
    config: FlowConfig,
    reading: Reading,
    read_at: usize,
    buys: [f64; 4],
    sells: [f64; 4],
    count: f64,
    trades: usize,
    last_ms: Option<i64>,
}

impl Flow {
    /// Before the first trade.
    pub fn new(reading: Reading, config: FlowConfig) -> Self {
        let read_at = HORIZONS_S.iter().position(|&h| h == config.flow_horizon_s).unwrap_or(1);
        Self {
            config,
            reading,
            read_at,
            buys: [0.0; 4],
            sells: [0.0; 4],
            count: 0.0,
            trades: 0,
            last_ms: None,
        }
    }

    /// A trade of others; its side is the aggressor's.
    pub fn trade(&mut self, t_ms: i64, side: Side, size: f64) {
        let passed = self.last_ms.map_or(0.0, |last_ms| seconds(last_ms, t_ms));
        for (index, horizon) in HORIZONS_S.iter().enumerate() {
            let kept = (-passed / horizon).exp();
            self.buys[index] *= kept;
            self.sells[index] *= kept;
            match side {
                Side::Buy => self.buys[index] += size,
                Side::Sell => self.sells[index] += size,
            }
        }
        self.count = self.count * (-passed / COUNT_HORIZON_S).exp() + 1.0;
        self.trades += 1;
        self.last_ms = Some(t_ms);
    }

    /// Imbalance at the horizon that multipliers and z read.
    pub fn imbalance(&self, t_ms: i64) -> f64 {
        self.imbalance_at(self.read_at, t_ms)
    }

    /// Multipliers of kappa, [bid, ask]: selling makes bids fill less and asks more.
    pub fn kappa_multipliers(&self, t_ms: i64) -> [f64; 2] {
        let config = &self.config;
        if self.trades < config.flow_min_trades || config.flow_sensitivity == 0.0 {
            return [1.0, 1.0];
        }
        let tilt = config.flow_sensitivity * self.imbalance(t_ms);
        [1.0 - tilt, 1.0 + tilt].map(|multiplier| {
            multiplier.clamp(config.flow_multiplier_min, config.flow_multiplier_max)
        })
    }

    /// What flow says of the drift.
    pub fn observation(&self, t_ms: i64) -> Option<Observation> {
        if self.trades < self.config.flow_min_trades || self.silent_at(self.read_at, t_ms) {
            return None;
        }
        let config = &self.config;
        let imbalance = self.imbalance(t_ms);
        let count = self.count_at(t_ms);
        self.reading.observation(
            config.flow_sensitivity,
            || {
                // z = -scale x imbalance, R = sigma_flow^2 / max(n / 5 s, floor)
                let rate = (count / COUNT_HORIZON_S).max(config.trade_rate_floor_per_s);
                (-config.flow_drift_scale * imbalance, config.sigma_flow * config.sigma_flow / rate)
            },
            || (-imbalance, 1.0 + config.calibrated_flow_trades / count.max(1e-15)),
        )
    }

    /// Everything at a time.
    pub fn seen(&self, t_ms: i64) -> FlowSeen {
        let (z_bps_per_s, variance) = crate::observation::shown(self.observation(t_ms));
        FlowSeen {
            imbalances: [0, 1, 2, 3].map(|index| self.imbalance_at(index, t_ms)),
            kappa_multipliers: self.kappa_multipliers(t_ms),
            trades_per_s: self.count_at(t_ms) / COUNT_HORIZON_S,
            z_bps_per_s,
            variance,
        }
    }

    /// (sell - buy)/(sell + buy), as of the last trade: decay cancels in the ratio.
    fn imbalance_at(&self, index: usize, t_ms: i64) -> f64 {
        if self.silent_at(index, t_ms) {
            return 0.0;
        }
        let (sells, buys) = (self.sells[index], self.buys[index]);
        (sells - buys) / (sells + buys)
    }

    fn silent_at(&self, index: usize, t_ms: i64) -> bool {
        self.last_ms.is_none_or(|last_ms| {
            seconds(last_ms, t_ms) > self.config.flow_silence_horizons * HORIZONS_S[index]
        })
    }

    fn count_at(&self, t_ms: i64) -> f64 {
        let decayed = |last_ms| self.count * (-seconds(last_ms, t_ms) / COUNT_HORIZON_S).exp();
        self.last_ms.map_or(0.0, decayed)
    }
}
