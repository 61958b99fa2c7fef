//! Phase 1: the drift of the mid, an Ornstein-Uhlenbeck process seen by a scalar Kalman filter.

use crate::observation::Observation;
use crate::rejection::{Code, LARGEST, Rejection};
use crate::side::Side;
use crate::time::seconds;

settings! {
    /// The process that the drift is taken for; adaptation changes it.
    #[derive(Copy)]
    pub struct Process {
        /// theta, mean reversion, 1/s.
        pub theta_per_s: f64 = 0.02, 1e-9..=1e9;
        /// q, (bp/s)^2/s.
        pub process_noise: f64 = 1.0, 0.0..=1e9;
    }
}

settings! {
    /// What the filter makes of observations.
    pub struct FilterConfig {
        /// P_0, (bp/s)^2: a parameter of its own, not the stationary variance (D-02).
        pub prior_variance: f64 = 50.0, 1e-9..=1e9;
        /// Floor of P after each update, (bp/s)^2 (D-04).
        pub p_min: f64 = 2.0, 0.0..=1e9;
        /// R of an own fill, (bp/s)^2 (D-05).
        pub fill_variance: f64 = 9.0, 1e-9..=1e9;
        /// Noise of a trend reading of full agreement, bp/s (D-06).
        pub sigma_trend: f64 = 2.0, 1e-3..=1e6;
    }
}

figures! {
    /// What the filter knows.
    pub struct Posterior {
        /// mu.
        pub drift_bps_per_s: f64,
        /// P, (bp/s)^2.
        pub variance: f64,
        /// sqrt(P).
        pub uncertainty_bps_per_s: f64,
        /// 1 - P/P_0, in 0 to 1.
        pub confidence: f64,
    }
}

/// What an update did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Update {
    /// K.
    pub gain: f64,
    /// K (z - mu).
    pub push_bps_per_s: f64,
}

/// The filter, with the posterior N(mu, P).
pub struct KalmanDrift {
    /// The process in force.
    pub process: Process,
    config: FilterConfig,
    mean: f64,
    variance: f64,
    predicted_ms: Option<i64>,
}

impl KalmanDrift {
    /// A filter that has seen nothing: mu = 0, P = P_0.
    pub fn new(process: Process, config: FilterConfig) -> Self {
        let variance = config.prior_variance;
        Self { process, config, mean: 0.0, variance, predicted_ms: None }
    }

    /// mu, bp/s.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// P, (bp/s)^2.
    pub fn variance(&self) -> f64 {
        self.variance
    }

    /// Mean, variance and what follows from them.
    pub fn posterior(&self) -> Posterior {
        Posterior {
            drift_bps_per_s: self.mean,
            variance: self.variance,
            uncertainty_bps_per_s: self.variance.sqrt(),
            confidence: (1.0 - self.variance / self.config.prior_variance).clamp(0.0, 1.0),
        }
    }

    /// Propagate to a time. The first only stamps it (D-03).
    pub fn predict(&mut self, t_ms: i64) {
        if let Some(last_ms) = self.predicted_ms {
            let Process { theta_per_s: theta, process_noise: q } = self.process;
            let dt = seconds(last_ms, t_ms);
            // mu = mu e^(-theta dt)
            self.mean *= (-theta * dt).exp();
            // P = P e^(-2 theta dt) + q/(2 theta) (1 - e^(-2 theta dt)); no floor (D-01, D-04)
            let grown = q / (2.0 * theta) * -(-2.0 * theta * dt).exp_m1();
            self.variance = self.variance * (-2.0 * theta * dt).exp() + grown;
        }
        self.predicted_ms = Some(t_ms);
    }

    /// Condition on an observation.
    pub fn update(&mut self, observation: Observation) -> Update {
        // K = P/(P + R)
        let gain = self.variance / (self.variance + observation.variance);
        // mu = mu + K (z - mu)
        let push_bps_per_s = gain * (observation.z_bps_per_s - self.mean);
        self.mean += push_bps_per_s;
        // P = max(p_min, (1 - K) P)
        self.variance = self.config.p_min.max((1.0 - gain) * self.variance);
        Update { gain, push_bps_per_s }
    }

    /// What an own fill says: against its side, wherever the mid has gone since (D-05).
    ///
    /// `out_of_range` where z is beyond every scale.
    pub fn fill(
        &self,
        side: Side,
        price: f64,
        mid: f64,
        sigma: f64,
    ) -> Result<Observation, Rejection> {
        // |z| = |mid - price| / mid x 10^4 / sigma
        let size = (mid - price).abs() / mid * 1e4 / sigma;
        if size > LARGEST {
            return Err(Code::OutOfRange.of("z of the fill", size, "at most 1e15"));
        }
        Ok(Observation { z_bps_per_s: -side.sign() * size, variance: self.config.fill_variance })
    }

    /// What a trend reading says, its magnitude positive for a falling market; nothing without
    /// agreement, or with next to none (D-06, Q-02).
    pub fn trend(
        &self,
        magnitude_bps: f64,
        agreement: f64,
        p_continuation: f64,
    ) -> Option<Observation> {
        // R = (sigma_trend / agreement)^2
        let noise = self.config.sigma_trend / agreement;
        let variance = noise * noise;
        (variance <= LARGEST).then(|| Observation {
            z_bps_per_s: -magnitude_bps * agreement * p_continuation,
            variance,
        })
    }
}
