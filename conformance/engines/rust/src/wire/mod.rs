//! The protocol around the engine: sessions of its components, and JSON-RPC lines in and out.

mod component;
mod configuration;
mod market_step;
mod quoting;
mod server;
mod sessions;
mod single;
mod step;

pub use component::Answers;
pub use server::Server;
pub use sessions::Sessions;
