//! Phase 8: how trades of others excite more of their kind.

use crate::observation::{Observation, Reading, shown};
use crate::rejection::{Code, Rejection};
use crate::side::Side;
use crate::time::seconds;

settings! {
    /// The intensities, and what they say of the drift.
    pub struct HawkesConfig {
        /// z at a net excess of 1/s, bp.
        pub alpha_hawkes: f64 = 1.0, 0.0..=1e9;
        /// Intensity without excitation, 1/s.
        pub hawkes_base_per_s: f64 = 0.1, 1e-9..=1e9;
        /// Of the intensity at a trade, 1/s.
        pub hawkes_jump_per_s: f64 = 0.3, 0.0..=1e9;
        /// Of the excitation, 1/s; above the jump.
        pub hawkes_decay_per_s: f64 = 1.0, 1e-9..=1e9;
        /// Trades of both sides, before they say anything.
        pub hawkes_min_events: usize = 20, 0..=1_000_000_000;
        /// Noise, bp/s, in `plan`.
        pub sigma_hawkes: f64 = 1.5, 1e-3..=1e6;
        /// Least total intensity in R, 1/s, in `plan`.
        pub hawkes_intensity_floor_per_s: f64 = 0.1, 1e-9..=1e9;
        /// Silence after which nothing is said in `calibrated`, in 1/decay.
        pub hawkes_silence_horizons: f64 = 5.0, 1e-9..=500.0;
    }
}

figures! {
    /// What trades excite at a time.
    pub struct HawkesSeen {
        /// [buy, sell].
        pub intensities_per_s: [f64; 2],
        /// Trades so far.
        pub events: usize,
        /// z.
        pub z_bps_per_s: Option<f64>,
        /// R.
        pub variance: Option<f64>,
    }
}

/// The excess of each side's intensity, as of the last trade.
pub struct Hawkes {
    config: HawkesConfig,
    reading: Reading,
    excess: [f64; 2],
    events: usize,
    last_ms: Option<i64>,
}

impl Hawkes {
    /// Before the first trade; `out_of_range` unless the excitation dies out.
    pub fn new(reading: Reading, config: HawkesConfig) -> Result<Self, Rejection> {
        if config.hawkes_jump_per_s >= config.hawkes_decay_per_s {
            let below = format_args!("below hawkes_decay_per_s, {}", config.hawkes_decay_per_s);
            return Err(Code::OutOfRange.of("hawkes_jump_per_s", config.hawkes_jump_per_s, below));
        }
        Ok(Self { config, reading, excess: [0.0; 2], events: 0, last_ms: None })
    }

    /// A trade of others; its side is the aggressor's.
    pub fn trade(&mut self, t_ms: i64, side: Side) {
        self.excess = self.excess_at(t_ms);
        self.excess[side as usize] += self.config.hawkes_jump_per_s;
        self.events += 1;
        self.last_ms = Some(t_ms);
    }

    /// What a cluster of one side says of the drift.
    pub fn observation(&self, t_ms: i64) -> Option<Observation> {
        if self.events < self.config.hawkes_min_events {
            return None;
        }
        let config = &self.config;
        let [buy, sell] = self.excess_at(t_ms);
        if self.reading.calibrated() && (buy + sell == 0.0 || self.silent_at(t_ms)) {
            return None;
        }
        self.reading.observation(
            config.alpha_hawkes,
            || {
                // z = -alpha (sell - buy excess), R = sigma^2 / max(both intensities, floor)
                let intensity = 2.0 * config.hawkes_base_per_s + buy + sell;
                let noise = config.sigma_hawkes * config.sigma_hawkes;
                let floored = intensity.max(config.hawkes_intensity_floor_per_s);
                (-config.alpha_hawkes * (sell - buy), noise / floored)
            },
            || ((buy - sell) / (buy + sell), 1.0),
        )
    }

    /// Everything at a time.
    pub fn seen(&self, t_ms: i64) -> HawkesSeen {
        let (z_bps_per_s, variance) = shown(self.observation(t_ms));
        HawkesSeen {
            intensities_per_s: self
                .excess_at(t_ms)
                .map(|excess| self.config.hawkes_base_per_s + excess),
            events: self.events,
            z_bps_per_s,
            variance,
        }
    }

    /// Sum over a side's trades of jump x e^(-decay (t - t_i)), [buy, sell].
    fn excess_at(&self, t_ms: i64) -> [f64; 2] {
        let passed = self.last_ms.map_or(0.0, |last_ms| seconds(last_ms, t_ms));
        let kept = (-self.config.hawkes_decay_per_s * passed).exp();
        self.excess.map(|excess| excess * kept)
    }

    fn silent_at(&self, t_ms: i64) -> bool {
        let horizon_s = self.config.hawkes_silence_horizons / self.config.hawkes_decay_per_s;
        self.last_ms.is_none_or(|last_ms| seconds(last_ms, t_ms) > horizon_s)
    }
}
