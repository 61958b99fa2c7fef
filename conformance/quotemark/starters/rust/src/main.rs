//! Component drift, phase 1, over stdio: what is marked FILL IN is answered `unsupported`.
//!
//! `Drift` is the filter, and yours. The rest is the adapter: tables of what may come, `check`,
//! which holds steps and configurations against them, and `Sessions`, which answers requests.

use std::collections::HashMap;
use std::io::{self, Write};

use serde_json::{json, Map, Value};

const NAME: &str = "my-engine";
const FIELDS: [&str; 4] = ["drift_bps_per_s", "variance", "uncertainty_bps_per_s", "confidence"];

type Json = Map<String, Value>;

/// What a field takes: a number between two others, these included, a whole one, or a word.
#[derive(Clone, Copy)]
enum Takes {
    Number(f64, f64),
    Whole(f64, f64),
    Word(&'static [&'static str]),
}

const TIME: Takes = Takes::Whole(-1e15, 1e15);
const FINITE: Takes = Takes::Number(-1e15, 1e15);
const POSITIVE: Takes = Takes::Number(1e-15, 1e15);
const FRACTION: Takes = Takes::Number(0.0, 1.0);
const SIDE: Takes = Takes::Word(&["buy", "sell"]);

/// The fields of each step.
const STEPS: [(&str, &[(&str, Takes)]); 4] = [
    ("predict", &[("t_ms", TIME)]),
    ("observe", &[("z_bps_per_s", FINITE), ("variance", POSITIVE)]),
    (
        "fill",
        &[
            ("side", SIDE),
            ("price", POSITIVE),
            ("mid", POSITIVE),
            ("sigma_bps_per_sqrt_s", POSITIVE),
        ],
    ),
    ("trend", &[("magnitude_bps", FINITE), ("agreement", FRACTION), ("p_continuation", FRACTION)]),
];

/// Each key of the configuration, with its default and range.
const CONFIG: [(&str, f64, Takes); 6] = [
    ("theta_per_s", 0.02, Takes::Number(1e-9, 1e9)),
    ("process_noise", 1.0, Takes::Number(0.0, 1e9)),
    ("prior_variance", 50.0, Takes::Number(1e-9, 1e9)),
    ("p_min", 2.0, Takes::Number(0.0, 1e9)),
    ("fill_variance", 9.0, Takes::Number(1e-9, 1e9)),
    ("sigma_trend", 2.0, Takes::Number(1e-3, 1e6)),
];

/// An answer that is not `ok`. Return it before anything has changed.
struct Refusal(Value);

fn rejected(code: &str, message: String) -> Refusal {
    Refusal(json!({"status": "rejected", "code": code, "message": message}))
}

fn unsupported(step: &Json) -> Refusal {
    let reason = format!("{} is to be filled in", word(step, "step"));
    Refusal(json!({"status": "unsupported", "reason": reason}))
}

/// A number of a step or configuration that has been checked.
fn number(given: &Json, name: &str) -> f64 {
    given[name].as_f64().unwrap_or(f64::NAN)
}

/// A word of a step that has been checked.
fn word<'a>(given: &'a Json, name: &str) -> &'a str {
    given[name].as_str().unwrap_or_default()
}

/// The posterior of the drift: its mean in bp/s, its variance in (bp/s)^2.
struct Drift {
    config: Json,
    mean: f64,
    variance: f64,
    #[allow(dead_code)] // until predict is filled in
    t_ms: Option<f64>,
}

impl Drift {
    fn new(config: Json) -> Self {
        let variance = number(&config, "prior_variance");
        Self { config, mean: 0.0, variance, t_ms: None }
    }

    /// Propagate to the time of the step.
    fn predict(&mut self, step: &Json) -> Result<(), Refusal> {
        Err(unsupported(step)) // FILL IN 1
    }

    /// Take an observation of the drift.
    fn observe(&mut self, step: &Json) -> Result<(), Refusal> {
        Err(unsupported(step)) // FILL IN 2
    }

    /// Take an own fill.
    fn fill(&mut self, step: &Json) -> Result<(), Refusal> {
        Err(unsupported(step)) // FILL IN 3
    }

    /// Take a reading of the trend.
    fn trend(&mut self, step: &Json) -> Result<(), Refusal> {
        Err(unsupported(step)) // FILL IN 4
    }

    /// Show the state, in the fields that are declared.
    fn seen(&self) -> Value {
        let known = 1.0 - self.variance / number(&self.config, "prior_variance");
        let figures = [self.mean, self.variance, self.variance.sqrt(), known.clamp(0.0, 1.0)];
        FIELDS.into_iter().map(str::to_string).zip(figures.map(Value::from)).collect()
    }
}

/// Demand all the fields that are taken, no other, and of each a value that it takes.
fn check(given: &Json, takes: &[(&str, Takes)]) -> Result<(), Refusal> {
    if let Some(name) = given.keys().find(|name| takes.iter().all(|(taken, _)| taken != name)) {
        return Err(rejected("unknown_field", format!("{name} is not taken")));
    }
    for (name, taken) in takes {
        let Some(value) = given.get(*name) else {
            return Err(rejected("missing_field", format!("{name} is absent")));
        };
        let fault = match (taken, value.as_f64(), value.as_str()) {
            (Takes::Word(words), _, Some(word)) if words.contains(&word) => None,
            (Takes::Word(_), _, _) => Some("unparsable"),
            (_, _, Some("nan" | "inf" | "-inf")) => Some("non_finite"),
            (Takes::Whole(..), Some(number), _) if number.fract() != 0.0 => Some("unparsable"),
            (Takes::Number(least, most) | Takes::Whole(least, most), Some(number), _) => {
                (!(least..=most).contains(&&number)).then_some("out_of_range")
            }
            _ => Some("unparsable"),
        };
        if let Some(code) = fault {
            return Err(rejected(code, format!("{name} is {value}")));
        }
    }
    Ok(())
}

/// Demand a step that drift has, with the fields of its kind.
fn check_step(step: &Json) -> Result<(), Refusal> {
    let Some(given) = step.get("step") else {
        return Err(rejected("missing_field", "step is absent".to_string()));
    };
    let Some((kind, fields)) = STEPS.iter().find(|(kind, _)| given == kind) else {
        return Err(rejected("unknown_step", format!("step is {given}")));
    };
    let named = [("step", Takes::Word(std::slice::from_ref(kind)))];
    check(step, &[&named, *fields].concat())
}

fn not_open(session: &str) -> Refusal {
    rejected("not_open", format!("session {session}"))
}

/// Say what the engine is and what it offers.
fn identity() -> Value {
    json!({
        "protocol": "1.0", "name": NAME, "version": "0.1", "digest": "none", "phases": [1],
        "components": ["drift"], "fields": {"drift": FIELDS}, "clock": "injected",
    })
}

/// The sessions by name, each with a filter of its own.
#[derive(Default)]
struct Sessions(HashMap<String, Drift>);

impl Sessions {
    /// Answer a request; `None` where there is no such method.
    fn result(&mut self, method: &str, params: &Value) -> Option<Value> {
        let session = params["session"].as_str().unwrap_or_default();
        let result = match method {
            "initialize" => identity(),
            "open" => self.open(session, params).unwrap_or_else(|refusal| refusal.0),
            "apply" => {
                let steps = params["steps"].as_array().into_iter().flatten();
                let answers = steps.map(|step| self.apply(session, step));
                json!({"observations": answers.collect::<Vec<_>>()})
            }
            "close" => match self.0.remove(session) {
                Some(_) => json!({"status": "ok"}),
                None => not_open(session).0,
            },
            "shutdown" => Value::Null,
            _ => return None,
        };
        Some(result)
    }

    fn open(&mut self, session: &str, params: &Value) -> Result<Value, Refusal> {
        let component = &params["component"];
        if component != "drift" {
            return Err(rejected("unknown_component", format!("{component}, expected drift")));
        }
        if self.0.contains_key(session) {
            return Err(rejected("duplicate", format!("session {session} is open")));
        }
        let mut config = Json::new();
        config.extend(CONFIG.map(|(key, default, _)| (key.to_string(), default.into())));
        config.extend(params["config"].as_object().cloned().unwrap_or_default());
        check(&config, &CONFIG.map(|(key, _, taken)| (key, taken)))?;
        self.0.insert(session.to_string(), Drift::new(config.clone()));
        Ok(json!({"status": "ok", "config": config}))
    }

    /// Answer a step: checked, taken by the filter, and the state shown.
    fn apply(&mut self, session: &str, step: &Value) -> Value {
        let Some(drift) = self.0.get_mut(session) else {
            return not_open(session).0;
        };
        let Some(step) = step.as_object() else {
            return rejected("unparsable", format!("{step} is no step")).0;
        };
        let taken = check_step(step).and_then(|()| match word(step, "step") {
            "predict" => drift.predict(step),
            "observe" => drift.observe(step),
            "fill" => drift.fill(step),
            "trend" => drift.trend(step),
            _ => Err(unsupported(step)),
        });
        match taken {
            Ok(()) => json!({"status": "ok", "observation": drift.seen()}),
            Err(refusal) => refusal.0,
        }
    }
}

fn main() -> io::Result<()> {
    let mut sessions = Sessions::default();
    let mut stdout = io::stdout().lock();
    for line in io::stdin().lines() {
        let request: Value = serde_json::from_str(&line?)?;
        let method = request["method"].as_str().unwrap_or_default();
        let mut response = json!({"jsonrpc": "2.0", "id": request["id"]});
        match sessions.result(method, &request["params"]) {
            Some(result) => response["result"] = result,
            None => response["error"] = json!({"code": -32601, "message": "no such method"}),
        }
        writeln!(stdout, "{response}")?;
        stdout.flush()?;
        if method == "shutdown" {
            break;
        }
    }
    Ok(())
}
