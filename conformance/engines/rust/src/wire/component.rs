//! Components: what one is, what is offered, and a session of one.

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
pub trait Component: Sized + Send + Sync + 'static {
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

/// Where answers to steps go, in the form of a transport.
pub trait Answers {
    /// What can be wrong with writing one.
    type Error;

    /// The step acted, and shows this.
    fn ok(&mut self, seen: &impl Serialize) -> Result<(), Self::Error>;

    /// The input is bad.
    fn rejected(&mut self, rejection: &Rejection) -> Result<(), Self::Error>;
}

/// An open session.
pub trait Session<A: Answers>: Send + Sync {
    /// Take a step and answer it; one that is rejected changes nothing.
    fn apply(&mut self, step: &Value, answers: &mut A) -> Result<(), A::Error>;
}

struct Open<C> {
    component: C,
    clock: Clock,
}

impl<C: Component, A: Answers> Session<A> for Open<C> {
    fn apply(&mut self, step: &Value, answers: &mut A) -> Result<(), A::Error> {
        match Step::new(step, &self.clock).and_then(|step| self.component.apply(&step)) {
            Err(rejection) => answers.rejected(&rejection),
            Ok(seen) => {
                answers.ok(&seen)?;
                if let Some(t_ms) = step.get("t_ms").and_then(Value::as_i64) {
                    self.clock.stamp(t_ms);
                }
                Ok(())
            }
        }
    }
}

/// A session of whichever component.
pub type AnySession<A> = Box<dyn Session<A>>;

/// A session that was opened.
pub struct Opened<A> {
    /// Before its first step.
    pub session: AnySession<A>,
    /// The configuration in force.
    pub config: Map<String, Value>,
}

type Opening<A> = fn(&Map<String, Value>) -> Result<Opened<A>, Refusal>;

/// A component that can be opened.
pub struct Offered<A> {
    /// The protocol's name.
    pub name: &'static str,
    /// The observation fields that it gives.
    pub fields: fn() -> Vec<String>,
    /// Open a session.
    pub open: Opening<A>,
}

impl<A: Answers> Offered<A> {
    const fn new<C: Component>() -> Self {
        Self { name: C::NAME, fields: C::fields, open: open::<C, A> }
    }
}

fn open<C: Component, A: Answers>(given: &Map<String, Value>) -> Result<Opened<A>, Refusal> {
    let mut settings: C::Config = configuration::read(given)?;
    let config = configuration::effective(&mut settings);
    let component = C::open(settings)?;
    Ok(Opened { session: Box::new(Open { component, clock: Clock::default() }), config })
}

/// Everything that is offered.
pub const fn catalogue<A: Answers>() -> [Offered<A>; 15] {
    [
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
    ]
}

/// Names as a list of what is declared.
pub fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}
