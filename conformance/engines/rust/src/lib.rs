//! A quote engine: market events in, a ladder of quotes out, all eight phases.
//!
//! Every module is one idea, and [`engine`] is where they meet: its `cycle` reads as the list of
//! what happens in a quote cycle. Nothing here reads a clock or a file, so the same events give the
//! same quotes to the last bit. [`wire`] speaks the protocol around it.
//!
//! Units are the protocol's: prices in quote currency, sizes and positions in contracts (long is
//! positive), depths, fees and expected PnL in basis points (bp) of mid, drift in bp/s, its variance
//! in (bp/s)^2, sigma in bp/sqrt(s), gamma and kappa in 1/bp, time in whole milliseconds.

#![forbid(unsafe_code)]

#[macro_use]
mod macros;

// What all phases share.
pub mod observation;
pub mod rejection;
pub mod settings;
pub mod side;
pub mod time;
mod window;

// Phases 1 to 6.
pub mod adaptation;
pub mod drift;
pub mod expected_pnl;
pub mod flow;
pub mod funding;
pub mod glft;
pub mod inventory;

// Phase 7.
pub mod book;
pub mod sweep;

// Phase 8.
pub mod cross_venue;
pub mod fill_size;
pub mod hawkes;
pub mod open_interest;
pub mod volatility;

// The quote cycle.
pub mod config;
pub mod cycle;
pub mod engine;
pub mod ladder;
pub mod tick;

pub mod wire;
