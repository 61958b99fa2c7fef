//! What several components read alike from a step.

use crate::engine::PriceSource;
use crate::funding::parse_rate;
use crate::rejection::Rejection;
use crate::wire::step::{Field, Kind, Step, T_MS, figure, required};

/// A trend reading, but for its time.
pub const TREND: [Field; 3] =
    [figure("magnitude_bps"), figure("agreement"), figure("p_continuation")];

/// A book.
pub const BOOK: &[Field] = &[T_MS, required("bids", Kind::Pairs), required("asks", Kind::Pairs)];

/// A funding rate.
pub const FUNDING: &[Field] = &[T_MS, required("rate", Kind::Text), figure("interval_s")];

/// A reference price.
pub const REFERENCE_PRICE: &[Field] = &[
    T_MS,
    required("source", Kind::Name(|name| PriceSource::named(name).is_some())),
    figure("price"),
];

/// Magnitude, agreement and continuation of a trend reading.
pub fn trend(step: &Step<'_>) -> Result<(f64, f64, f64), Rejection> {
    Ok((
        step.number("magnitude_bps")?,
        step.fraction("agreement")?,
        step.fraction("p_continuation")?,
    ))
}

/// Rate and interval of a funding step.
pub fn funding_rate(step: &Step<'_>) -> Result<(f64, f64), Rejection> {
    Ok((parse_rate(step.text("rate")?)?, step.positive("interval_s")?))
}

/// Source and price of a reference price.
pub fn reference_price(step: &Step<'_>) -> Result<(PriceSource, f64), Rejection> {
    Ok((step.named("source", PriceSource::named)?, step.positive("price")?))
}
