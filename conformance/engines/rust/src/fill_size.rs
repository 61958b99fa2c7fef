//! Phase 8: own fills that are larger than usual.

use crate::observation::{Observation, Reading, clip, shown};
use crate::side::Side;
use crate::window::Window;

settings! {
    /// The baseline of sizes, and what departs from it.
    pub struct FillSizeConfig {
        /// z at a zscore of 1, bp/s.
        pub alpha_fill_size: f64 = 0.1, 0.0..=1e9;
        /// Recent fills of a side.
        pub fill_size_window: usize = 10, 1..=10_000;
        /// w, of the newest size in the baseline.
        pub fill_size_weight: f64 = 0.05, 1e-6..=1.0;
        /// Fills of both sides, before they say anything.
        pub fill_size_min_fills: usize = 20, 1..=1_000_000_000;
        /// Noise, bp/s, in `plan`.
        pub sigma_fill_size: f64 = 2.0, 1e-3..=1e6;
    }
}

figures! {
    /// Recent sizes against the baseline.
    pub struct FillSizeSeen {
        /// Contracts.
        pub baseline_mean: f64,
        /// Contracts.
        pub baseline_std: f64,
        /// [bid, ask].
        pub zscores: [f64; 2],
        /// z.
        pub z_bps_per_s: Option<f64>,
        /// R.
        pub variance: Option<f64>,
    }
}

/// A baseline of both sides' sizes, and the recent ones of each.
pub struct FillSize {
    config: FillSizeConfig,
    reading: Reading,
    recent: [Window<f64>; 2],
    fills: usize,
    mean: f64,
    variance: f64,
}

impl FillSize {
    /// Before the first fill.
    pub fn new(reading: Reading, config: FillSizeConfig) -> Self {
        let recent = [Window::new(config.fill_size_window), Window::new(config.fill_size_window)];
        Self { config, reading, recent, fills: 0, mean: 0.0, variance: 0.0 }
    }

    /// An own fill.
    pub fn fill(&mut self, side: Side, size: f64) {
        if self.fills == 0 {
            self.mean = size;
        } else {
            // mean = mean + w delta, variance = (1 - w)(variance + w delta^2)
            let weight = self.config.fill_size_weight;
            let delta = size - self.mean;
            self.mean += weight * delta;
            self.variance = (1.0 - weight) * (self.variance + weight * delta * delta);
        }
        self.fills += 1;
        self.recent[side.quote() as usize].push(size);
    }

    /// What unusually large fills say of the drift: large bid fills are bearish.
    pub fn observation(&self) -> Option<Observation> {
        if self.fills < self.config.fill_size_min_fills {
            return None;
        }
        let [bid, ask] = self.zscores().map(|zscore| zscore.max(0.0));
        if bid == 0.0 && ask == 0.0 {
            return None;
        }
        let config = &self.config;
        self.reading.observation(
            config.alpha_fill_size,
            || {
                (
                    -config.alpha_fill_size * (bid - ask),
                    config.sigma_fill_size * config.sigma_fill_size,
                )
            },
            || (clip((ask - bid) / 5.0), 1.0),
        )
    }

    /// Everything.
    pub fn seen(&self) -> FillSizeSeen {
        let (z_bps_per_s, variance) = shown(self.observation());
        FillSizeSeen {
            baseline_mean: self.mean,
            baseline_std: self.variance.sqrt(),
            zscores: self.zscores(),
            z_bps_per_s,
            variance,
        }
    }

    /// (mean of the side's recent sizes - baseline mean)/baseline deviation; 0 where there is next
    /// to no deviation.
    fn zscores(&self) -> [f64; 2] {
        let std = self.variance.sqrt();
        [0, 1].map(|side: usize| {
            let recent = &self.recent[side];
            if recent.len() == 0 || std <= 1e-6 * self.mean {
                return 0.0;
            }
            (recent.mean(|size| *size) - self.mean) / std
        })
    }
}
