//! Components: what one is, what is offered, and a session of one.

use std::io;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::book::Book;
use crate::cross_venue::CrossVenue;
use crate::drift::KalmanDrift;
use crate::engine::Engine;
use crate::fill_size::FillSize;
use crate::flow::Flow;
use crate::funding::Funding;
use crate::hawkes::Hawkes;
use crate::inventory::InventoryConfig;
use crate::open_interest::OpenInterest;
use crate::rejection::{Refusal, Rejection};
use crate::settings::Settings;
use crate::sweep::Sweep;
use crate::time::Clock;
use crate::volatility::Volatility;
use crate::wire::configuration;
use crate::wire::single::{Adapting, Glft, Levels};
use crate::wire::step::Step;

/// A component: what it is opened with, the steps it takes, and what it shows after each.
pub trait Component: Sized {
    /// The protocol's name.
    const NAME: &'static str;
    /// What it is opened with.
    type Config: Settings;
    /// What it shows after a step.
    type Seen<'a>: Serialize
    where
        Self: 'a;

    /// The observation fields that it gives.
    fn fields() -> Vec<String>;

    /// A component before its first step.
    fn open(config: Self::Config) -> Result<Self, Refusal>;

    /// Take a step. What is rejected leaves the component as it was.
    fn apply(&mut self, step: &Step<'_>) -> Result<Self::Seen<'_>, Rejection>;
}

/// An open session.
pub trait Session {
    /// Take a step and write its answer; one that is rejected changes nothing, and is not answered.
    fn apply(&mut self, step: &Value, out: &mut Vec<u8>) -> io::Result<Result<(), Rejection>>;
}

struct Open<C> {
    component: C,
    clock: Clock,
}

impl<C: Component> Session for Open<C> {
    fn apply(&mut self, step: &Value, out: &mut Vec<u8>) -> io::Result<Result<(), Rejection>> {
        let seen = Step::new(step, &self.clock).and_then(|step| self.component.apply(&step));
        match seen {
            Err(rejection) => Ok(Err(rejection)),
            Ok(seen) => {
                out.extend_from_slice(br#"{"status":"ok","observation":"#);
                serde_json::to_writer(&mut *out, &seen)?;
                out.push(b'}');
                if let Some(t_ms) = step.get("t_ms").and_then(Value::as_i64) {
                    self.clock.stamp(t_ms);
                }
                Ok(Ok(()))
            }
        }
    }
}

/// A session with the configuration in force.
type Opened = (Box<dyn Session>, Map<String, Value>);

/// A component that can be opened.
pub struct Offered {
    /// The protocol's name.
    pub name: &'static str,
    /// The observation fields that it gives.
    pub fields: fn() -> Vec<String>,
    /// Open a session.
    pub open: fn(&Map<String, Value>) -> Result<Opened, Refusal>,
}

impl Offered {
    const fn new<C: Component + 'static>() -> Self {
        Self { name: C::NAME, fields: C::fields, open: open::<C> }
    }
}

fn open<C: Component + 'static>(given: &Map<String, Value>) -> Result<Opened, Refusal> {
    let mut config: C::Config = configuration::read(given)?;
    let effective = configuration::effective(&mut config);
    let component = C::open(config)?;
    Ok((Box::new(Open { component, clock: Clock::default() }), effective))
}

/// Everything that is offered.
pub const CATALOGUE: [Offered; 15] = [
    Offered::new::<KalmanDrift>(),
    Offered::new::<InventoryConfig>(),
    Offered::new::<Flow>(),
    Offered::new::<Glft>(),
    Offered::new::<Levels>(),
    Offered::new::<Adapting>(),
    Offered::new::<Funding>(),
    Offered::new::<Book>(),
    Offered::new::<Sweep>(),
    Offered::new::<Hawkes>(),
    Offered::new::<FillSize>(),
    Offered::new::<CrossVenue>(),
    Offered::new::<Volatility>(),
    Offered::new::<OpenInterest>(),
    Offered::new::<Engine>(),
];

/// Names as a list of what is declared.
pub fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}
