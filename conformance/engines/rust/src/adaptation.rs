//! Phase 5: theta and process noise, adapted by what own fills were followed by (D-21).

use crate::drift::Process;

settings! {
    /// How markouts move the process, and how far.
    pub struct AdaptationConfig {
        /// From a fill to its markout, s.
        pub markout_window_s: f64 = 5.0, 1e-9..=1e9;
        /// Of the newest error in the EWMA.
        pub error_weight: f64 = 0.1, 1e-6..=1.0;
        /// Above it the noise grows: the median of |N(0, 1)|.
        pub error_threshold: f64 = 0.6745, 1e-9..=1e9;
        /// Least theta, 1/s.
        pub theta_min_per_s: f64 = 0.01, 1e-9..=0.1;
        /// Greatest theta, 1/s.
        pub theta_max_per_s: f64 = 1.0, 0.1..=1e9;
        /// Least noise, (bp/s)^2/s.
        pub process_noise_min: f64 = 0.1, 1e-9..=1.0;
        /// Greatest noise, (bp/s)^2/s.
        pub process_noise_max: f64 = 10.0, 1.0..=1e9;
    }
}

/// What became of a fill.
#[derive(Clone, Copy, Debug)]
pub struct Markout {
    /// mu just before the fill's own update, bp/s.
    pub predicted_drift_bps_per_s: f64,
    /// P at that moment, (bp/s)^2.
    pub predicted_variance: f64,
    /// Move of the mid since, over the time that passed, bp/s.
    pub realised_drift_bps_per_s: f64,
    /// sigma, bp/sqrt(s).
    pub sigma_bps_per_sqrt_s: f64,
    /// The time that passed, s.
    pub window_s: f64,
}

figures! {
    /// The process as adapted.
    pub struct Adapted {
        /// theta.
        pub theta_per_s: f64,
        /// q, (bp/s)^2/s.
        pub process_noise: f64,
        /// Of the standardised errors' sizes.
        pub error_ewma: f64,
    }
}

/// The EWMA of errors, and the rules that read it.
pub struct Adaptation {
    config: AdaptationConfig,
    error_ewma: f64,
}

impl Adaptation {
    /// Before the first markout: the EWMA stands at the threshold.
    pub fn new(config: AdaptationConfig) -> Self {
        let error_ewma = config.error_threshold;
        Self { config, error_ewma }
    }

    /// From a fill to its markout, s.
    pub fn markout_window_s(&self) -> f64 {
        self.config.markout_window_s
    }

    /// Of the standardised errors' sizes.
    pub fn error_ewma(&self) -> f64 {
        self.error_ewma
    }

    /// Adapt a process by a markout: theta by the error's sign, noise by its size.
    pub fn settle(&mut self, markout: &Markout, process: &mut Process) {
        let config = &self.config;
        let predicted = markout.predicted_drift_bps_per_s;
        let error = markout.realised_drift_bps_per_s - predicted;

        // Short of the prediction: revert faster; beyond it: slower.
        if error != 0.0 && predicted != 0.0 {
            let factor = if (error > 0.0) == (predicted > 0.0) { 0.99 } else { 1.01 };
            process.theta_per_s = (process.theta_per_s * factor)
                .clamp(config.theta_min_per_s, config.theta_max_per_s);
        }

        // error = |e| / sqrt(P + sigma^2 / window)
        let sigma = markout.sigma_bps_per_sqrt_s;
        let spread = (markout.predicted_variance + sigma * sigma / markout.window_s).sqrt();
        self.error_ewma += config.error_weight * (error.abs() / spread - self.error_ewma);
        let factor = if self.error_ewma > config.error_threshold { 1.05 } else { 0.95 };
        process.process_noise = (process.process_noise * factor)
            .clamp(config.process_noise_min, config.process_noise_max);
    }
}
