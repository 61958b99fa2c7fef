//! Phase 6: the public funding rate, its carry, and what an extreme rate says of the drift.

use crate::observation::{Observation, Reading, shown};
use crate::rejection::{Code, Rejection};
use crate::window::Window;

settings! {
    /// How rates are charged and read.
    pub struct FundingConfig {
        /// H, for which carry is charged, s.
        pub holding_time_s: f64 = 600.0, 1e-9..=1e9;
        /// Of the newest rate.
        pub funding_ewma_weight: f64 = 0.1, 1e-6..=1.0;
        /// Readings behind the standard deviation.
        pub funding_history: usize = 24, 1..=10_000;
        /// Readings before there is a zscore (D-24).
        pub funding_min_readings: usize = 3, 1..=1_000_000_000;
        /// Least standard deviation, 1/interval.
        pub funding_std_floor: f64 = 1e-6, 1e-9..=1e9;
        /// The zscore is clipped to this, up and down.
        pub funding_zscore_limit: f64 = 5.0, 1e-9..=1e6;
        /// z at a zscore of 1, bp/s; 0 stops the observation, not the carry.
        pub funding_scale_factor: f64 = 0.05, 0.0..=1e9;
        /// Noise, bp/s, in `plan`.
        pub sigma_funding: f64 = 2.0, 1e-3..=1e6;
        /// Least |zscore| in R, in `plan`.
        pub funding_zscore_floor: f64 = 0.1, 1e-9..=1e9;
    }
}

figures! {
    /// What the readings so far say.
    pub struct FundingSeen {
        /// Accepted so far.
        pub readings: usize,
        /// Of the last reading, 1/s.
        pub rate_per_s: Option<f64>,
        /// 1/interval.
        pub ewma_rate: Option<f64>,
        /// Plain mean of the history, 1/interval.
        pub mean_rate: Option<f64>,
        /// About the EWMA, not floored, 1/interval.
        pub rate_std: Option<f64>,
        /// Clipped.
        pub zscore: Option<f64>,
        /// (mark - index)/index.
        pub premium_bps: Option<f64>,
        /// [bid, ask].
        pub carry_bps: [f64; 2],
        /// z.
        pub z_bps_per_s: Option<f64>,
        /// R.
        pub variance: Option<f64>,
    }
}

/// A reference price of funding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference {
    /// Mark price.
    Mark,
    /// Index price.
    Index,
}

/// The rates as they came, and their EWMA.
pub struct Funding {
    config: FundingConfig,
    reading: Reading,
    rates: Window<f64>,
    readings: usize,
    rate_per_s: f64,
    ewma: f64,
    mark: Option<f64>,
    index: Option<f64>,
}

impl Funding {
    /// Before the first reading.
    pub fn new(reading: Reading, config: FundingConfig) -> Self {
        Self {
            rates: Window::new(config.funding_history),
            config,
            reading,
            readings: 0,
            rate_per_s: 0.0,
            ewma: 0.0,
            mark: None,
            index: None,
        }
    }

    /// A reading: a fraction of notional per interval.
    pub fn record(&mut self, rate: f64, interval_s: f64) {
        self.ewma = match self.readings {
            0 => rate,
            _ => self.ewma + self.config.funding_ewma_weight * (rate - self.ewma),
        };
        self.rates.push(rate);
        self.readings += 1;
        self.rate_per_s = rate / interval_s;
    }

    /// A reference price, which lasts until the next.
    pub fn reference_price(&mut self, reference: Reference, price: f64) {
        match reference {
            Reference::Mark => self.mark = Some(price),
            Reference::Index => self.index = Some(price),
        }
    }

    /// What longs pay over the holding time at the last rate, bp; 0 before the first.
    pub fn carry_of_longs_bps(&self) -> f64 {
        self.rate_per_s * self.config.holding_time_s * 1e4
    }

    /// Carry of each side, [bid, ask], bp: c where it pays, -c/2 where it receives (D-23).
    pub fn carry_bps(&self) -> [f64; 2] {
        let longs = self.carry_of_longs_bps();
        [longs, -longs].map(|carry| if carry > 0.0 { carry } else { carry / 2.0 })
    }

    /// (mark - index)/index, bp; none before both.
    pub fn premium_bps(&self) -> Option<f64> {
        let (mark, index) = (self.mark?, self.index?);
        Some((mark - index) / index * 1e4)
    }

    /// How far the last rate is from the EWMA, in standard deviations, clipped.
    pub fn zscore(&self) -> Option<f64> {
        if self.readings < self.config.funding_min_readings {
            return None;
        }
        let limit = self.config.funding_zscore_limit;
        let last = *self.rates.last()?;
        let zscore = (last - self.ewma) / self.rate_std().max(self.config.funding_std_floor);
        Some(zscore.clamp(-limit, limit))
    }

    /// What an extreme rate says of the drift: a high one is bearish.
    pub fn observation(&self) -> Option<Observation> {
        let zscore = self.zscore()?;
        let config = &self.config;
        self.reading.observation(
            config.funding_scale_factor,
            || {
                // z = -zscore x scale, R = sigma^2 / max(|zscore|, floor)
                let extreme = zscore.abs().max(config.funding_zscore_floor);
                let noise = config.sigma_funding * config.sigma_funding;
                (-zscore * config.funding_scale_factor, noise / extreme)
            },
            || (-zscore / config.funding_zscore_limit, 1.0),
        )
    }

    /// Everything.
    pub fn seen(&self) -> FundingSeen {
        let some = |figure: f64| (self.readings > 0).then_some(figure);
        let (z_bps_per_s, variance) = shown(self.observation());
        FundingSeen {
            readings: self.readings,
            rate_per_s: some(self.rate_per_s),
            ewma_rate: some(self.ewma),
            mean_rate: some(self.rates.mean(|rate| *rate)),
            rate_std: some(self.rate_std()),
            zscore: self.zscore(),
            premium_bps: self.premium_bps(),
            carry_bps: self.carry_bps(),
            z_bps_per_s,
            variance,
        }
    }

    /// sqrt(mean of (rate - EWMA)^2), about the EWMA that has taken the newest.
    fn rate_std(&self) -> f64 {
        self.rates.mean(|rate| (rate - self.ewma) * (rate - self.ewma)).sqrt()
    }
}

/// The rate that a feed's text says (D-25): a plain decimal number from -1 to 1.
///
/// `non_finite` for `nan`, `inf` and `-inf`, and for what overflows; `unparsable` for any other text;
/// `out_of_range` beyond -1 to 1.
pub fn parse_rate(text: &str) -> Result<f64, Rejection> {
    const EXPECTED: &str = "a decimal number from -1 to 1";
    if matches!(text, "nan" | "inf" | "-inf") {
        return Err(Code::NonFinite.of("rate", text, EXPECTED));
    }
    let rate = Some(text).filter(|text| is_decimal(text)).and_then(|text| text.parse::<f64>().ok());
    match rate {
        None => Err(Code::Unparsable.of("rate", format_args!("{text:?}"), EXPECTED)),
        Some(rate) if rate.is_infinite() => Err(Code::NonFinite.of("rate", text, EXPECTED)),
        Some(rate) if rate.abs() > 1.0 => Err(Code::OutOfRange.of("rate", text, EXPECTED)),
        Some(rate) => Ok(rate),
    }
}

/// `[+-]?(D(\.D)?|\.D)([eE][+-]?D)?`, D one or more of 0 to 9.
fn is_decimal(text: &str) -> bool {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let mantissa_fits = match unsigned(mantissa).split_once('.') {
        Some((whole, fraction)) => (whole.is_empty() || is_digits(whole)) && is_digits(fraction),
        None => is_digits(unsigned(mantissa)),
    };
    mantissa_fits && exponent.is_none_or(|exponent| is_digits(unsigned(exponent)))
}

fn unsigned(text: &str) -> &str {
    text.strip_prefix(['+', '-']).unwrap_or(text)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
