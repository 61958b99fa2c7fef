//! The sessions by name, and what the engine says of itself, whatever the transport.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use crate::rejection::{Code, Refusal, Rejection};
use crate::wire::component::{Answers, AnySession, catalogue};

const PROTOCOL: &str = "1.0";
const PHASES: [u8; 8] = [1, 2, 3, 4, 5, 6, 7, 8];

/// The open sessions.
pub struct Sessions<A> {
    open: HashMap<String, AnySession<A>>,
}

impl<A> Default for Sessions<A> {
    fn default() -> Self {
        Self { open: HashMap::new() }
    }
}

impl<A: Answers> Sessions<A> {
    /// What the engine is and what it offers: the protocol's answer to `initialize`.
    pub fn identity() -> Value {
        let offered = catalogue::<A>();
        let names: Vec<&str> = offered.iter().map(|one| one.name).collect();
        let fields: Map<String, Value> =
            offered.iter().map(|one| (one.name.to_owned(), Value::from((one.fields)()))).collect();
        json!({
            "protocol": PROTOCOL,
            "name": env!("CARGO_PKG_NAME"),
            "version": env!("CARGO_PKG_VERSION"),
            "digest": env!("SOURCE_DIGEST"),
            "phases": PHASES,
            "components": names,
            "fields": fields,
            "clock": "injected",
        })
    }

    /// Open a session of a component, and give the configuration in force.
    pub fn open(
        &mut self,
        name: &str,
        component: &str,
        config: &Map<String, Value>,
    ) -> Result<Map<String, Value>, Refusal> {
        let offered = catalogue().into_iter().find(|offered| offered.name == component);
        let offered = offered.ok_or_else(|| {
            Code::UnknownComponent.of("component", component, "one that is offered")
        })?;
        if self.open.contains_key(name) {
            return Err(Code::Duplicate.because(format!("session {name} is open")).into());
        }
        let opened = (offered.open)(config)?;
        self.open.insert(name.to_owned(), opened.session);
        Ok(opened.config)
    }

    /// Answer steps in order; in a session that is not open, each is rejected.
    pub fn apply<'a>(
        &mut self,
        name: &str,
        steps: impl IntoIterator<Item = &'a Value>,
        answers: &mut A,
    ) -> Result<(), A::Error> {
        let mut session = self.open.get_mut(name);
        steps.into_iter().try_for_each(|step| match session.as_mut() {
            Some(session) => session.apply(step, answers),
            None => answers.rejected(&not_open(name)),
        })
    }

    /// End a session.
    pub fn close(&mut self, name: &str) -> Result<(), Rejection> {
        self.open.remove(name).map(drop).ok_or_else(|| not_open(name))
    }
}

fn not_open(name: &str) -> Rejection {
    Code::NotOpen.because(format!("session {name} is not open"))
}
