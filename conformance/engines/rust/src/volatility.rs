//! Phase 8: the term structure of volatility scales sigma, fat tails scale the AS ratio (D-33).

use std::collections::VecDeque;

use crate::time::seconds;
use crate::window::Window;

/// Below this long-term sigma, bp/sqrt(s), there is no ratio.
const STILL: f64 = 1e-10;

/// Below this standard deviation, bp, returns have no tails.
const FLAT_BPS: f64 = 1e-9;

settings! {
    /// Horizons, and how far they reach into the quotes.
    pub struct VolatilityConfig {
        /// Short horizon, s.
        pub vol_short_s: f64 = 30.0, 1e-9..=86_400.0;
        /// Long horizon, s.
        pub vol_long_s: f64 = 300.0, 1e-9..=86_400.0;
        /// Sigma grows with ratio^this.
        pub vol_exponent: f64 = 0.5, 0.0..=1.0;
        /// Adjustment per excess kurtosis.
        pub tail_weight: f64 = 0.3, 0.0..=1e9;
        /// Greatest adjustment.
        pub as_ratio_adjustment_max: f64 = 3.0, 1.0..=1e9;
        /// Returns in the kurtosis.
        pub kurtosis_window: usize = 100, 2..=10_000;
        /// Returns before there is one.
        pub kurtosis_min_returns: usize = 20, 2..=1_000_000_000;
    }
}

figures! {
    /// How volatility stands.
    pub struct VolatilitySeen {
        /// Short over long.
        pub vol_ratio: f64,
        /// Of sigma.
        pub sigma_multiplier: f64,
        /// None before there are enough returns.
        pub excess_kurtosis: Option<f64>,
        /// Of the AS ratio.
        pub as_ratio_adjustment: f64,
    }
}

struct Point {
    t_ms: i64,
    /// Of the return that led to it, bp^2; 0 for the first.
    squared_return: f64,
}

/// The mids of the cycles within the longer horizon, and the last returns.
pub struct Volatility {
    config: VolatilityConfig,
    last_mid: Option<f64>,
    points: VecDeque<Point>,
    returns: Window<f64>,
}

impl Volatility {
    /// Before the first cycle.
    pub fn new(config: VolatilityConfig) -> Self {
        let returns = Window::new(config.kurtosis_window);
        Self { config, last_mid: None, points: VecDeque::new(), returns }
    }

    /// A cycle's mid.
    pub fn cycle(&mut self, t_ms: i64, mid: f64) {
        let mut squared_return = 0.0;
        if let Some(last_mid) = self.last_mid {
            let moved = (mid / last_mid).ln() * 1e4;
            self.returns.push(moved);
            squared_return = moved * moved;
        }
        self.last_mid = Some(mid);
        self.points.push_back(Point { t_ms, squared_return });
        let longest = self.config.vol_short_s.max(self.config.vol_long_s);
        while self.points.front().is_some_and(|point| seconds(point.t_ms, t_ms) > longest) {
            self.points.pop_front();
        }
    }

    /// Realised sigma over the short horizon over that over the long one; 1 where there is none.
    pub fn ratio(&self) -> f64 {
        let short = self.realised_sigma(self.config.vol_short_s);
        let long = self.realised_sigma(self.config.vol_long_s);
        match (short, long) {
            (Some(short), Some(long)) if long >= STILL => short / long,
            _ => 1.0,
        }
    }

    /// What a ratio multiplies sigma by: max(1, ratio)^exponent.
    pub fn sigma_multiplier(&self, ratio: f64) -> f64 {
        ratio.max(1.0).powf(self.config.vol_exponent)
    }

    /// m4/m2^2 - 3 of the last returns; none of too few, 0 of flat ones.
    pub fn excess_kurtosis(&self) -> Option<f64> {
        if self.returns.len() < self.config.kurtosis_min_returns {
            return None;
        }
        let mean = self.returns.mean(|one| *one);
        let second = self.returns.mean(|one| (one - mean).powi(2));
        if second.sqrt() < FLAT_BPS {
            return Some(0.0);
        }
        let fourth = self.returns.mean(|one| (one - mean).powi(4));
        Some(fourth / (second * second) - 3.0)
    }

    /// 1 + weight x max(0, kurtosis), at most the greatest; 1 before there is a kurtosis.
    pub fn as_ratio_adjustment(&self) -> f64 {
        let tails = self.excess_kurtosis().unwrap_or(0.0).max(0.0);
        (1.0 + self.config.tail_weight * tails).min(self.config.as_ratio_adjustment_max)
    }

    /// Everything.
    pub fn seen(&self) -> VolatilitySeen {
        let vol_ratio = self.ratio();
        VolatilitySeen {
            vol_ratio,
            sigma_multiplier: self.sigma_multiplier(vol_ratio),
            excess_kurtosis: self.excess_kurtosis(),
            as_ratio_adjustment: self.as_ratio_adjustment(),
        }
    }

    /// Root of the squared returns between the points of a horizon over the time they span,
    /// bp/sqrt(s); none of fewer than two returns, or of no time.
    fn realised_sigma(&self, horizon_s: f64) -> Option<f64> {
        let now_ms = self.points.back()?.t_ms;
        let inside = || {
            let newest_first = self.points.iter().rev();
            newest_first.take_while(move |point| seconds(point.t_ms, now_ms) <= horizon_s)
        };
        let returns = inside().count() - 1;
        let span_s = seconds(inside().last()?.t_ms, now_ms);
        if returns < 2 || span_s == 0.0 {
            return None;
        }
        let squares: f64 = inside().take(returns).map(|point| point.squared_return).sum();
        Some((squares / span_s).sqrt())
    }
}
