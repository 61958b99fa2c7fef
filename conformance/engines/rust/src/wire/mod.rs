//! The protocol around the engine: JSON-RPC lines in, JSON-RPC lines out.

mod component;
mod configuration;
mod market_step;
mod quoting;
mod server;
mod single;
mod step;

pub use server::Server;
