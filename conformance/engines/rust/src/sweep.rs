//! Phase 7: own fills whose aggressor took several levels at once (D-32).

use std::collections::VecDeque;

use crate::observation::{Observation, Reading, clip, shown};
use crate::side::{QuoteSide, Side};
use crate::time::seconds;

settings! {
    /// What counts as a sweep, and what it says of the drift.
    pub struct SweepConfig {
        /// z at a score difference of 1, bp/s.
        pub alpha_sweep: f64 = 1.0, 0.0..=1e9;
        /// Least window, s.
        pub sweep_window_s: f64 = 3.0, 1e-9..=3600.0;
        /// Size x levels that scores 1, contracts.
        pub sweep_reference_size: f64 = 10.0, 1e-6..=1e9;
        /// Levels of a sweep.
        pub sweep_min_levels: usize = 2, 1..=1_000_000_000;
        /// Noise, bp/s, in `plan`.
        pub sigma_sweep: f64 = 2.0, 1e-3..=1e6;
        /// Least total score in R, in `plan`.
        pub sweep_score_floor: f64 = 0.1, 1e-9..=1e9;
    }
}

figures! {
    /// What sweeps say at a time.
    pub struct SweepSeen {
        /// [bid, ask].
        pub scores: [f64; 2],
        /// z.
        pub z_bps_per_s: Option<f64>,
        /// R.
        pub variance: Option<f64>,
    }
}

struct Swept {
    t_ms: i64,
    side: QuoteSide,
    score: f64,
}

/// The sweeps that a window can still hold.
pub struct Sweep {
    config: SweepConfig,
    reading: Reading,
    sweeps: VecDeque<Swept>,
    cycle_ms: Option<i64>,
}

impl Sweep {
    /// Before the first fill.
    pub fn new(reading: Reading, config: SweepConfig) -> Self {
        Self { config, reading, sweeps: VecDeque::new(), cycle_ms: None }
    }

    /// An own fill; each fill of an aggressor carries how many own levels it took.
    pub fn fill(&mut self, t_ms: i64, side: Side, size: f64, levels_crossed: f64) {
        if levels_crossed >= self.config.sweep_min_levels as f64 {
            let score = size * levels_crossed / self.config.sweep_reference_size;
            self.sweeps.push_back(Swept { t_ms, side: side.quote(), score });
        }
    }

    /// A cycle has read: later windows reach back to it, and what none can hold is forgotten.
    pub fn cycle(&mut self, t_ms: i64) {
        self.cycle_ms = Some(t_ms);
        while self.sweeps.front().is_some_and(|one| one.t_ms < t_ms && !self.holds(one.t_ms, t_ms))
        {
            self.sweeps.pop_front();
        }
    }

    /// Scores of the window that ends at a time, [bid, ask].
    pub fn scores(&self, t_ms: i64) -> [f64; 2] {
        let mut scores = [0.0; 2];
        for one in self.sweeps.iter().filter(|one| self.holds(one.t_ms, t_ms)) {
            scores[one.side as usize] += one.score;
        }
        scores
    }

    /// What sweeps say of the drift: swept bids are bearish.
    pub fn observation(&self, t_ms: i64) -> Option<Observation> {
        let [bid, ask] = self.scores(t_ms);
        if bid == 0.0 && ask == 0.0 {
            return None;
        }
        let config = &self.config;
        self.reading.observation(
            config.alpha_sweep,
            || {
                // z = alpha (ask - bid score), R = sigma^2 / max(total, floor)
                let noise = config.sigma_sweep * config.sigma_sweep;
                (
                    config.alpha_sweep * (ask - bid),
                    noise / (bid + ask).max(config.sweep_score_floor),
                )
            },
            || (clip(ask - bid), 1.0),
        )
    }

    /// Everything at a time.
    pub fn seen(&self, t_ms: i64) -> SweepSeen {
        let (z_bps_per_s, variance) = shown(self.observation(t_ms));
        SweepSeen { scores: self.scores(t_ms), z_bps_per_s, variance }
    }

    /// Whether the window that ends at `t_ms` reaches back to a fill, so that none falls between
    /// two cycles: max(least window, time since the last cycle).
    fn holds(&self, fill_ms: i64, t_ms: i64) -> bool {
        seconds(fill_ms, t_ms) <= self.config.sweep_window_s
            || self.cycle_ms.is_some_and(|cycle_ms| fill_ms >= cycle_ms)
    }
}
