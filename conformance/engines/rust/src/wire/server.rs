//! The server: sessions by name, and one line of answer for one line of request.

use std::collections::HashMap;
use std::io::{self, Write};

use serde_json::{Map, Value, json};

use crate::rejection::{Code, Refusal, Rejection};
use crate::wire::component::{CATALOGUE, Session};

const PROTOCOL: &str = "1.0";
const PHASES: [u8; 8] = [1, 2, 3, 4, 5, 6, 7, 8];

/// A JSON-RPC error: the message, not a step, was at fault.
struct Fault {
    code: i32,
    message: String,
}

/// The open sessions.
#[derive(Default)]
pub struct Server {
    sessions: HashMap<String, Box<dyn Session>>,
}

impl Server {
    /// Answer a line; false after `shutdown`, when nothing more is to be read.
    pub fn answer(&mut self, line: &[u8], out: &mut Vec<u8>) -> io::Result<bool> {
        let request: Value = match serde_json::from_slice(line) {
            Ok(request) => request,
            Err(error) => {
                let message = format!("the line is not JSON: {error}");
                refuse(out, &Value::Null, Fault { code: -32700, message })?;
                return Ok(true);
            }
        };
        let id = request.get("id").unwrap_or(&Value::Null);
        let Some(method) = request.get("method").and_then(Value::as_str) else {
            refuse(
                out,
                id,
                Fault { code: -32600, message: "the request has no method".to_owned() },
            )?;
            return Ok(true);
        };
        let params = request.get("params").unwrap_or(&Value::Null);
        let result = match method {
            "initialize" => Ok(identity()),
            "open" => self.open(params),
            "apply" => return self.apply(id, params, out).map(|()| true),
            "close" => self.close(params),
            "shutdown" => Ok(Value::Null),
            _ => Err(Fault { code: -32601, message: format!("there is no method {method}") }),
        };
        match result {
            Ok(result) => {
                writeln!(out, "{}", json!({"jsonrpc": "2.0", "id": id, "result": result}))?
            }
            Err(fault) => refuse(out, id, fault)?,
        }
        Ok(method != "shutdown")
    }

    fn open(&mut self, params: &Value) -> Result<Value, Fault> {
        let (name, component) = (text(params, "session")?, text(params, "component")?);
        let config = match params.get("config") {
            None => &Map::new(),
            Some(config) => config.as_object().ok_or_else(|| wrong("config"))?,
        };
        let Some(offered) = CATALOGUE.iter().find(|offered| offered.name == component) else {
            let expected = "a component that is offered";
            return Ok(rejected(&Code::UnknownComponent.of("component", component, expected)));
        };
        if self.sessions.contains_key(name) {
            return Ok(rejected(&Code::Duplicate.because(format!("session {name} is open"))));
        }
        Ok(match (offered.open)(config) {
            Ok((session, effective)) => {
                self.sessions.insert(name.to_owned(), session);
                json!({"status": "ok", "config": effective})
            }
            Err(Refusal::Rejected(rejection)) => rejected(&rejection),
            Err(Refusal::Unsupported(reason)) => json!({"status": "unsupported", "reason": reason}),
        })
    }

    /// The answers are written as the steps are taken: no copy of what they show is made.
    fn apply(&mut self, id: &Value, params: &Value, out: &mut Vec<u8>) -> io::Result<()> {
        let steps = params.get("steps").and_then(Value::as_array).ok_or_else(|| wrong("steps"));
        let (name, steps) = match (text(params, "session"), steps) {
            (Ok(name), Ok(steps)) => (name, steps),
            (Err(fault), _) | (_, Err(fault)) => return refuse(out, id, fault),
        };
        let mut session = self.sessions.get_mut(name);
        write!(out, r#"{{"jsonrpc":"2.0","id":{id},"result":{{"observations":["#)?;
        for (index, step) in steps.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            let answered = match session.as_mut() {
                Some(session) => session.apply(step, out)?,
                None => Err(not_open(name)),
            };
            if let Err(rejection) = answered {
                write!(out, "{}", rejected(&rejection))?;
            }
        }
        out.extend_from_slice(b"]}}\n");
        Ok(())
    }

    fn close(&mut self, params: &Value) -> Result<Value, Fault> {
        let name = text(params, "session")?;
        Ok(match self.sessions.remove(name) {
            Some(_) => json!({"status": "ok"}),
            None => rejected(&not_open(name)),
        })
    }
}

fn identity() -> Value {
    let names: Vec<&str> = CATALOGUE.iter().map(|offered| offered.name).collect();
    let fields: Map<String, Value> = CATALOGUE
        .iter()
        .map(|offered| (offered.name.to_owned(), Value::from((offered.fields)())))
        .collect();
    json!({
        "protocol": PROTOCOL,
        "name": env!("CARGO_PKG_NAME"),
        "version": env!("CARGO_PKG_VERSION"),
        "digest": "none",
        "phases": PHASES,
        "components": names,
        "fields": fields,
        "clock": "injected",
    })
}

fn rejected(rejection: &Rejection) -> Value {
    json!({"status": "rejected", "code": rejection.code.name(), "message": rejection.message})
}

fn not_open(name: &str) -> Rejection {
    Code::NotOpen.because(format!("session {name} is not open"))
}

fn text<'a>(params: &'a Value, name: &str) -> Result<&'a str, Fault> {
    params.get(name).and_then(Value::as_str).ok_or_else(|| wrong(name))
}

fn wrong(name: &str) -> Fault {
    Fault { code: -32602, message: format!("params have no {name}, or one of another kind") }
}

fn refuse(out: &mut Vec<u8>, id: &Value, fault: Fault) -> io::Result<()> {
    let error = json!({"code": fault.code, "message": fault.message});
    writeln!(out, "{}", json!({"jsonrpc": "2.0", "id": id, "error": error}))
}
