//! Phase 7: the shape of the order book, as up to three observations.

use crate::observation::{Observation, Reading, clip};
use crate::rejection::{Code, Rejection};
use crate::time::seconds;

/// Depths at which the imbalance is taken, bp.
const DEPTHS_BPS: [f64; 3] = [10.0, 25.0, 50.0];

/// What still counts as on a depth's border, bp.
const BORDER_BPS: f64 = 1e-9;

settings! {
    /// What the book's shape says of the drift.
    pub struct BookConfig {
        /// z at an imbalance of 1, bp/s.
        pub alpha_bim: f64 = 0.3, 0.0..=1e9;
        /// z at a slope of 1/s, bp.
        pub alpha_dbim: f64 = 0.2, 0.0..=1e9;
        /// z at a pressure gradient of -1, bp/s.
        pub alpha_bpg: f64 = 0.15, 0.0..=1e9;
        /// Noise at the reference depth, bp/s, in `plan`.
        pub sigma_bim: f64 = 1.5, 1e-3..=1e6;
        /// Reference depth, USD (D-27).
        pub depth_ref_usd: f64 = 1e5, 1.0..=1e9;
        /// Least depth in R, USD, in `plan`.
        pub depth_floor_usd: f64 = 100.0, 1.0..=1e9;
        /// Noise, bp/s, in `plan`.
        pub sigma_dbim: f64 = 2.0, 1e-3..=1e6;
        /// R of the gradient, (bp/s)^2, in `plan`.
        pub bpg_variance: f64 = 3.0, 1e-9..=1e9;
        /// Weight of the newest slope.
        pub dbim_smoothing: f64 = 0.3, 1e-6..=1.0;
    }
}

/// A level of the book.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BookLevel {
    /// Positive.
    pub price: f64,
    /// Contracts, positive.
    pub size: f64,
}

figures! {
    /// What one feature of the book or the fills says.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct Part {
        /// `bim`, `dbim`, `bpg` or `sweep`.
        pub source: &'static str,
        /// z.
        pub z_bps_per_s: f64,
        /// R.
        pub variance: f64,
    }
}

impl Part {
    /// What a feature says, if anything.
    pub fn of(source: &'static str, observation: Option<Observation>) -> Option<Self> {
        observation.map(|Observation { z_bps_per_s, variance }| Self {
            source,
            z_bps_per_s,
            variance,
        })
    }
}

figures! {
    /// The shape of the last book.
    pub struct BookSeen {
        /// BIM at 10, 25 and 50 bp.
        pub imbalances: [f64; 3],
        /// None before the first slope.
        pub delta_bim_per_s: Option<f64>,
        /// BIM(10) - BIM(50); none where 50 bp is not reached.
        pub pressure_gradient: Option<f64>,
        /// Within 10 bp.
        pub depth_usd: f64,
        /// Depths that the book does not reach.
        pub insufficient_depth_bps: &'static [f64],
        /// What each feature says.
        pub signals: Vec<Part>,
    }
}

/// Mid of a book with two sides, (best bid + best ask)/2.
///
/// `out_of_range` where a side is not best first, `crossed_book` where the best bid is above the
/// best ask. Without one of the sides there is no mid.
pub fn mid_of(bids: &[BookLevel], asks: &[BookLevel]) -> Result<Option<f64>, Rejection> {
    if !bids.is_sorted_by(|one, next| one.price > next.price) {
        return Err(Code::OutOfRange.because("bids are not best first, strictly falling"));
    }
    if !asks.is_sorted_by(|one, next| one.price < next.price) {
        return Err(Code::OutOfRange.because("asks are not best first, strictly rising"));
    }
    let (Some(bid), Some(ask)) = (bids.first(), asks.first()) else {
        return Ok(None);
    };
    if bid.price > ask.price {
        return Err(Code::CrossedBook.of(
            "best bid",
            bid.price,
            format_args!("at most {}", ask.price),
        ));
    }
    Ok(Some((bid.price + ask.price) / 2.0))
}

/// The last book's shape, and the slope of its imbalance from cycle to cycle.
pub struct Book {
    config: BookConfig,
    reading: Reading,
    imbalances: [f64; 3],
    depth_usd: f64,
    insufficient_bps: &'static [f64],
    sloped_from: Option<(i64, f64)>,
    slope_per_s: Option<f64>,
}

impl Book {
    /// Before the first book.
    pub fn new(reading: Reading, config: BookConfig) -> Self {
        Self {
            config,
            reading,
            imbalances: [0.0; 3],
            depth_usd: 0.0,
            insufficient_bps: &DEPTHS_BPS,
            sloped_from: None,
            slope_per_s: None,
        }
    }

    /// A book in place of the last; `mid` is its own, none where a side is empty.
    pub fn replace(&mut self, bids: &[BookLevel], asks: &[BookLevel], mid: Option<f64>) {
        let Some(mid) = mid else {
            self.imbalances = [0.0; 3];
            self.depth_usd = 0.0;
            self.insufficient_bps = &DEPTHS_BPS;
            return;
        };
        self.imbalances = DEPTHS_BPS.map(|depth| {
            let (bid, ask) =
                (contracts_within(bids, mid, depth), contracts_within(asks, mid, depth));
            if bid + ask > 0.0 { (bid - ask) / (bid + ask) } else { 0.0 }
        });
        self.depth_usd = mid
            * (contracts_within(bids, mid, DEPTHS_BPS[0])
                + contracts_within(asks, mid, DEPTHS_BPS[0]));
        let reach = reach_bps(bids, mid).min(reach_bps(asks, mid));
        let reached = DEPTHS_BPS.iter().take_while(|&&depth| reach >= depth - BORDER_BPS).count();
        self.insufficient_bps = &DEPTHS_BPS[reached..];
    }

    /// A cycle: the slope of BIM(10) moves, unless no level is near or no time has passed.
    pub fn cycle(&mut self, t_ms: i64) {
        if self.depth_usd == 0.0 {
            return;
        }
        let imbalance = self.imbalances[0];
        if let Some((last_ms, last)) = self.sloped_from {
            if t_ms == last_ms {
                return;
            }
            let slope = (imbalance - last) / seconds(last_ms, t_ms);
            self.slope_per_s = Some(match self.slope_per_s {
                Some(ewma) => ewma + self.config.dbim_smoothing * (slope - ewma),
                None => slope,
            });
        }
        self.sloped_from = Some((t_ms, imbalance));
    }

    /// What the last book says: `bim`, `dbim`, `bpg`, each if it has something to say.
    pub fn signals(&self) -> [Option<Part>; 3] {
        if self.depth_usd == 0.0 {
            return [None; 3];
        }
        [Part::of("bim", self.bim()), Part::of("dbim", self.dbim()), Part::of("bpg", self.bpg())]
    }

    /// BIM at 10, 25 and 50 bp.
    pub fn imbalances(&self) -> [f64; 3] {
        self.imbalances
    }

    /// Depths that the last book does not reach, bp.
    pub fn insufficient_depth_bps(&self) -> &'static [f64] {
        self.insufficient_bps
    }

    /// Everything.
    pub fn seen(&self) -> BookSeen {
        BookSeen {
            imbalances: self.imbalances,
            delta_bim_per_s: self.delta_bim_per_s(),
            pressure_gradient: self.pressure_gradient(),
            depth_usd: self.depth_usd,
            insufficient_depth_bps: self.insufficient_bps,
            signals: self.signals().into_iter().flatten().collect(),
        }
    }

    fn delta_bim_per_s(&self) -> Option<f64> {
        self.slope_per_s.map(clip)
    }

    fn pressure_gradient(&self) -> Option<f64> {
        let reached = self.insufficient_bps.is_empty();
        reached.then(|| self.imbalances[0] - self.imbalances[2])
    }

    fn bim(&self) -> Option<Observation> {
        let (config, imbalance) = (&self.config, self.imbalances[0]);
        self.reading.observation(
            config.alpha_bim,
            || {
                // R = sigma^2 x reference depth / max(depth, floor) (D-27)
                let depth = self.depth_usd.max(config.depth_floor_usd);
                let noise = config.sigma_bim * config.sigma_bim;
                (config.alpha_bim * imbalance, noise * config.depth_ref_usd / depth)
            },
            || (imbalance, (config.depth_ref_usd / self.depth_usd).max(1.0)),
        )
    }

    fn dbim(&self) -> Option<Observation> {
        let (config, slope) = (&self.config, self.delta_bim_per_s()?);
        self.reading.observation(
            config.alpha_dbim,
            || (config.alpha_dbim * slope, config.sigma_dbim * config.sigma_dbim),
            || (slope, 1.0),
        )
    }

    /// Support near the touch alone is fragile: bearish, whatever the position (D-28).
    fn bpg(&self) -> Option<Observation> {
        let (config, gradient) = (&self.config, self.pressure_gradient()?);
        self.reading.observation(
            config.alpha_bpg,
            || (-config.alpha_bpg * gradient, config.bpg_variance),
            || (-gradient / 2.0, 1.0),
        )
    }
}

/// Contracts of a side within a depth of mid, the border included.
fn contracts_within(side: &[BookLevel], mid: f64, depth_bps: f64) -> f64 {
    let border = mid * (depth_bps + BORDER_BPS) / 1e4;
    let near = side.iter().take_while(|level| (level.price - mid).abs() <= border);
    near.map(|level| level.size).sum()
}

/// How far from mid a side's last level is, bp.
fn reach_bps(side: &[BookLevel], mid: f64) -> f64 {
    side.last().map_or(0.0, |level| (level.price - mid).abs() / mid * 1e4)
}
