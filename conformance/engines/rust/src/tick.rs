//! Ticks: how fine a price is, and how a quote is rounded to it, away from the mid.

use crate::side::QuoteSide;

/// Ticks by their number of decimals.
const TICKS: [f64; 11] = [1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10];

/// Below these prices five significant figures take one, two, and so on decimals.
const DECIMALS_BELOW: [f64; 10] = [1e4, 1e3, 1e2, 1e1, 1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5];

/// Of a tick: a price as close to one stays on it (D-42).
const TIE: f64 = 1e-9;

/// The tick of five significant figures of a price, with at most so many decimals, at most 10, and
/// never above 1.
pub fn by_price(price: f64, most_decimals: usize) -> f64 {
    let decimals = DECIMALS_BELOW.iter().take_while(|&&bound| price < bound).count();
    TICKS[decimals.min(most_decimals)]
}

/// A price on the tick: bids round down, asks up.
pub fn round(price: f64, tick: f64, side: QuoteSide) -> f64 {
    let ticks = price / tick;
    let nearest = ticks.round();
    let whole = match side {
        _ if (ticks - nearest).abs() <= TIE => nearest,
        QuoteSide::Bid => ticks.floor(),
        QuoteSide::Ask => ticks.ceil(),
    };
    whole * tick
}
