//! Observations of the drift, and the two calibrations that market signals are read with.

use crate::rejection::LARGEST;
use crate::settings::Choice;

/// What something says of the drift: a value with its variance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Observation {
    /// z, bp/s.
    pub z_bps_per_s: f64,
    /// R, (bp/s)^2.
    pub variance: f64,
}

impl Observation {
    /// What a market signal says: nothing where z or R is beyond every scale, and never with less
    /// than the least variance, so that no source can make a cycle fail.
    pub fn of_signal(z_bps_per_s: f64, variance: f64) -> Option<Self> {
        let scaled = z_bps_per_s.abs() <= LARGEST && variance <= LARGEST;
        scaled.then(|| Self { z_bps_per_s, variance: variance.max(1.0 / LARGEST) })
    }
}

/// z and R of what may have nothing to say, as two fields that are null together.
pub fn shown(observation: Option<Observation>) -> (Option<f64>, Option<f64>) {
    (observation.map(|one| one.z_bps_per_s), observation.map(|one| one.variance))
}

/// A signal brought to -1 to 1.
pub fn clip(signal: f64) -> f64 {
    signal.clamp(-1.0, 1.0)
}

/// Which constants turn a signal into an observation (D-45).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calibration {
    /// Each source's own scale and noise.
    Plan,
    /// Every source a weak sensor of the same scale.
    Calibrated,
}

impl Choice for Calibration {
    fn name(&self) -> &'static str {
        match self {
            Calibration::Plan => "plan",
            Calibration::Calibrated => "calibrated",
        }
    }

    fn choose(&mut self, name: &str) -> bool {
        *self = match name {
            "plan" => Calibration::Plan,
            "calibrated" => Calibration::Calibrated,
            _ => return false,
        };
        true
    }
}

settings! {
    /// How market signals become observations; shared by all sources.
    pub struct Reading {
        /// Which constants.
        pub calibration: Calibration = Calibration::Plan, ..;
        /// z of a full-scale signal, bp/s.
        pub calibrated_drift_scale: f64 = 10.0, 0.0..=1e9;
        /// R of a fully reliable signal, (bp/s)^2.
        pub calibrated_variance: f64 = 260.0, 1e-9..=1e9;
    }
}

impl Reading {
    /// Whether sources are read as weak sensors of one scale.
    pub fn calibrated(&self) -> bool {
        self.calibration == Calibration::Calibrated
    }

    /// What a source says under the calibration in force; nothing at a scale of 0 (D-29).
    ///
    /// `plan` gives z and R, `calibrated` a signal in -1 to 1, bullish positive, and how unreliable
    /// it is, 1 at best.
    pub fn observation(
        &self,
        scale: f64,
        plan: impl FnOnce() -> (f64, f64),
        calibrated: impl FnOnce() -> (f64, f64),
    ) -> Option<Observation> {
        if scale == 0.0 {
            return None;
        }
        let (z, variance) = match self.calibration {
            Calibration::Plan => plan(),
            Calibration::Calibrated => {
                let (signal, unreliability) = calibrated();
                (self.calibrated_drift_scale * signal, self.calibrated_variance * unreliability)
            }
        };
        Observation::of_signal(z, variance)
    }
}
