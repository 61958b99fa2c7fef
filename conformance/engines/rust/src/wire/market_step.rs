//! What several components read alike from a step.

use crate::engine::PriceSource;
use crate::funding::{Reference, parse_rate};
use crate::rejection::Rejection;
use crate::wire::step::Step;

/// Magnitude, agreement and continuation of a trend reading.
pub fn trend(step: &Step<'_>, besides: &[&str]) -> Result<(f64, f64, f64), Rejection> {
    step.has(&[&["magnitude_bps", "agreement", "p_continuation"], besides].concat(), &[])?;
    Ok((
        step.number("magnitude_bps")?,
        step.fraction("agreement")?,
        step.fraction("p_continuation")?,
    ))
}

/// Rate and interval of a funding step.
pub fn funding_rate(step: &Step<'_>) -> Result<(f64, f64), Rejection> {
    step.has(&["t_ms", "rate", "interval_s"], &[])?;
    Ok((parse_rate(step.text("rate")?)?, step.positive("interval_s")?))
}

/// Source and price of a reference price.
pub fn reference_price(step: &Step<'_>) -> Result<(PriceSource, f64), Rejection> {
    step.has(&["t_ms", "source", "price"], &[])?;
    let sources = [
        ("mark", PriceSource::Funding(Reference::Mark)),
        ("index", PriceSource::Funding(Reference::Index)),
        ("spot", PriceSource::Spot),
        ("leader", PriceSource::Leader),
    ];
    Ok((step.one_of("source", &sources)?, step.positive("price")?))
}
