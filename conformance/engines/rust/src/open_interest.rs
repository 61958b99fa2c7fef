//! Phase 8: open interest that grows as the price falls is bearish. Off by default (D-35).

use crate::observation::{Observation, Reading, clip, shown};

settings! {
    /// What a change of open interest says of the drift.
    pub struct OpenInterestConfig {
        /// z at a relative change of 1, bp/s.
        pub alpha_open_interest: f64 = 0.0, 0.0..=1e9;
        /// Noise, bp/s, in `plan`.
        pub sigma_open_interest: f64 = 2.0, 1e-3..=1e6;
        /// Change of a full-scale signal.
        pub calibrated_open_interest_scale: f64 = 0.01, 1e-9..=1e9;
    }
}

figures! {
    /// The last change.
    pub struct OpenInterestSeen {
        /// Relative; none in the first cold cycle.
        pub change: Option<f64>,
        /// z.
        pub z_bps_per_s: Option<f64>,
        /// R.
        pub variance: Option<f64>,
    }
}

struct Change {
    relative: f64,
    direction: f64,
}

/// Open interest and mid of the last cold cycle, and how they have changed since the one before.
pub struct OpenInterest {
    config: OpenInterestConfig,
    reading: Reading,
    last: Option<(f64, f64)>,
    change: Option<Change>,
}

impl OpenInterest {
    /// Before the first cold cycle.
    pub fn new(reading: Reading, config: OpenInterestConfig) -> Self {
        Self { config, reading, last: None, change: None }
    }

    /// A cold cycle.
    pub fn measure(&mut self, mid: f64, contracts: f64) {
        self.change = self.last.map(|(last_mid, last_contracts)| Change {
            relative: (contracts - last_contracts) / last_contracts,
            direction: if mid == last_mid { 0.0 } else { (mid - last_mid).signum() },
        });
        self.last = Some((mid, contracts));
    }

    /// What the last change says of the drift.
    pub fn observation(&self) -> Option<Observation> {
        let Change { relative, direction } = self.change.as_ref()?;
        let config = &self.config;
        self.reading.observation(
            config.alpha_open_interest,
            || {
                let noise = config.sigma_open_interest * config.sigma_open_interest;
                (config.alpha_open_interest * relative * direction, noise)
            },
            || (clip(relative / config.calibrated_open_interest_scale) * direction, 1.0),
        )
    }

    /// Everything.
    pub fn seen(&self) -> OpenInterestSeen {
        let (z_bps_per_s, variance) = shown(self.observation());
        let change = self.change.as_ref().map(|change| change.relative);
        OpenInterestSeen { change, z_bps_per_s, variance }
    }
}
