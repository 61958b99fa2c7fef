//! Phase 8: the basis to the spot market, and the lead of another asset.

use crate::observation::{Observation, Reading, clip};
use crate::window::Window;

/// Below this standard deviation, bp, returns are flat.
const FLAT_BPS: f64 = 1e-9;

settings! {
    /// What basis and lead say of the drift.
    pub struct CrossVenueConfig {
        /// z per bp of basis change, 1/s.
        pub alpha_basis: f64 = 0.2, 0.0..=1e9;
        /// Noise, bp/s, in `plan`.
        pub sigma_basis: f64 = 2.0, 1e-3..=1e6;
        /// Change of a full-scale signal, bp.
        pub calibrated_basis_scale_bps: f64 = 10.0, 1e-9..=1e9;
        /// z per bp of lead, 1/s.
        pub alpha_lead: f64 = 0.3, 0.0..=1e9;
        /// Noise at a confidence of 1, bp/s, in `plan`.
        pub sigma_lead: f64 = 1.5, 1e-3..=1e6;
        /// Returns in the regression.
        pub lead_window: usize = 100, 2..=10_000;
        /// Returns before there is one.
        pub lead_min_returns: usize = 20, 2..=1_000_000_000;
        /// Below it, no observation (D-34).
        pub lead_min_confidence: f64 = 0.3, 1e-9..=1.0;
        /// Lead of a full-scale signal, bp.
        pub calibrated_lead_scale_bps: f64 = 10.0, 1e-9..=1e9;
    }
}

figures! {
    /// Basis and lead.
    pub struct CrossVenueSeen {
        /// (mid - spot)/spot.
        pub basis_bps: Option<f64>,
        /// Since the last measurement.
        pub basis_change_bps: Option<f64>,
        /// z of the basis.
        pub basis_z_bps_per_s: Option<f64>,
        /// R of the basis.
        pub basis_variance: Option<f64>,
        /// What the leader has moved and this market has not.
        pub lead_bps: Option<f64>,
        /// Of own returns on the leader's.
        pub lead_beta: Option<f64>,
        /// R^2 of the regression.
        pub lead_confidence: Option<f64>,
        /// z of the lead.
        pub lead_z_bps_per_s: Option<f64>,
        /// R of the lead.
        pub lead_variance: Option<f64>,
    }
}

/// What a regression of own returns on the leader's says.
#[derive(Clone, Copy, Debug)]
pub struct Lead {
    /// What the leader has moved and this market has not, bp.
    pub lead_bps: f64,
    /// Slope.
    pub beta: f64,
    /// R^2.
    pub confidence: f64,
}

struct Returns {
    own: f64,
    leader: f64,
}

/// The last prices of the other markets, and paired returns from cycle to cycle.
pub struct CrossVenue {
    config: CrossVenueConfig,
    reading: Reading,
    spot: Option<f64>,
    leader: Option<f64>,
    last_cycle: Option<(f64, Option<f64>)>,
    returns: Window<Returns>,
    basis_bps: Option<f64>,
    basis_change_bps: Option<f64>,
}

impl CrossVenue {
    /// Before the first price.
    pub fn new(reading: Reading, config: CrossVenueConfig) -> Self {
        Self {
            returns: Window::new(config.lead_window),
            config,
            reading,
            spot: None,
            leader: None,
            last_cycle: None,
            basis_bps: None,
            basis_change_bps: None,
        }
    }

    /// A price of the spot market, which lasts until the next.
    pub fn spot(&mut self, price: f64) {
        self.spot = Some(price);
    }

    /// A price of the leader, which lasts until the next.
    pub fn leader(&mut self, price: f64) {
        self.leader = Some(price);
    }

    /// A cycle: a pair of returns where the leader was known then and now.
    pub fn cycle(&mut self, mid: f64) {
        if let (Some((last_mid, Some(last_leader))), Some(leader)) = (self.last_cycle, self.leader)
        {
            self.returns.push(Returns {
                own: (mid / last_mid).ln() * 1e4,
                leader: (leader / last_leader).ln() * 1e4,
            });
        }
        self.last_cycle = Some((mid, self.leader));
    }

    /// Measure the basis, and its change since it was last measured.
    pub fn measure_basis(&mut self, mid: f64) {
        let basis_bps = self.spot.map(|spot| (mid - spot) / spot * 1e4);
        self.basis_change_bps = basis_bps.zip(self.basis_bps).map(|(now, last)| now - last);
        self.basis_bps = basis_bps;
    }

    /// What the last change of the basis says of the drift, whatever the position.
    pub fn basis_observation(&self) -> Option<Observation> {
        let (config, change) = (&self.config, self.basis_change_bps?);
        self.reading.observation(
            config.alpha_basis,
            || (config.alpha_basis * change, config.sigma_basis * config.sigma_basis),
            || (clip(change / config.calibrated_basis_scale_bps), 1.0),
        )
    }

    /// own = a + beta x leader by least squares; none of too few returns, or of flat ones.
    pub fn lead(&self) -> Option<Lead> {
        if self.returns.len() < self.config.lead_min_returns {
            return None;
        }
        let own_mean = self.returns.mean(|one| one.own);
        let leader_mean = self.returns.mean(|one| one.leader);
        let own_variance = self.returns.mean(|one| (one.own - own_mean).powi(2));
        let leader_variance = self.returns.mean(|one| (one.leader - leader_mean).powi(2));
        if own_variance.sqrt() < FLAT_BPS || leader_variance.sqrt() < FLAT_BPS {
            return None;
        }
        let covariance = self.returns.mean(|one| (one.own - own_mean) * (one.leader - leader_mean));
        let beta = covariance / leader_variance;
        let last = self.returns.last()?;
        Some(Lead {
            lead_bps: beta * last.leader - last.own,
            beta,
            confidence: (beta * covariance / own_variance).min(1.0),
        })
    }

    /// What the lead says of the drift; nothing at too little confidence.
    pub fn lead_observation(&self) -> Option<Observation> {
        self.observation_of(self.lead()?)
    }

    /// Everything.
    pub fn seen(&self) -> CrossVenueSeen {
        let basis = self.basis_observation();
        let lead = self.lead();
        let led = lead.and_then(|lead| self.observation_of(lead));
        CrossVenueSeen {
            basis_bps: self.basis_bps,
            basis_change_bps: self.basis_change_bps,
            basis_z_bps_per_s: basis.map(|one| one.z_bps_per_s),
            basis_variance: basis.map(|one| one.variance),
            lead_bps: lead.map(|lead| lead.lead_bps),
            lead_beta: lead.map(|lead| lead.beta),
            lead_confidence: lead.map(|lead| lead.confidence),
            lead_z_bps_per_s: led.map(|one| one.z_bps_per_s),
            lead_variance: led.map(|one| one.variance),
        }
    }

    fn observation_of(&self, lead: Lead) -> Option<Observation> {
        let config = &self.config;
        if lead.confidence < config.lead_min_confidence {
            return None;
        }
        self.reading.observation(
            config.alpha_lead,
            || {
                let noise = config.sigma_lead * config.sigma_lead;
                (config.alpha_lead * lead.lead_bps, noise / lead.confidence)
            },
            || (clip(lead.lead_bps / config.calibrated_lead_scale_bps), 1.0 / lead.confidence),
        )
    }
}
