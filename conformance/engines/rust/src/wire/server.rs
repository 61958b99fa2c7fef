//! The server: one line of answer for one line of request, JSON-RPC 2.0.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::rejection::{Refusal, Rejection};
use crate::wire::component::Answers;
use crate::wire::sessions::Sessions;

/// A JSON-RPC error: the message, not a step, was at fault.
struct Fault {
    code: i32,
    message: String,
}

/// Answers as the items of a JSON list, written as the steps are taken: nothing shown is copied.
#[derive(Default)]
struct Items {
    text: Vec<u8>,
}

impl Items {
    fn separate(&mut self) {
        if !self.text.is_empty() {
            self.text.push(b',');
        }
    }
}

impl Answers for Items {
    type Error = serde_json::Error;

    fn ok(&mut self, seen: &impl Serialize) -> serde_json::Result<()> {
        self.separate();
        self.text.extend_from_slice(br#"{"status":"ok","observation":"#);
        serde_json::to_writer(&mut self.text, seen)?;
        self.text.push(b'}');
        Ok(())
    }

    fn rejected(&mut self, rejection: &Rejection) -> serde_json::Result<()> {
        self.separate();
        serde_json::to_writer(&mut self.text, &rejected(rejection))
    }
}

/// The open sessions, and room for the answers to a request.
#[derive(Default)]
pub struct Server {
    sessions: Sessions<Items>,
    items: Items,
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
            let message = "the request has no method".to_owned();
            refuse(out, id, Fault { code: -32600, message })?;
            return Ok(true);
        };
        let params = request.get("params").unwrap_or(&Value::Null);
        let result = match method {
            "initialize" => Ok(Sessions::<Items>::identity()),
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
        Ok(match self.sessions.open(name, component, config) {
            Ok(effective) => json!({"status": "ok", "config": effective}),
            Err(Refusal::Rejected(rejection)) => rejected(&rejection),
            Err(Refusal::Unsupported(reason)) => json!({"status": "unsupported", "reason": reason}),
        })
    }

    fn apply(&mut self, id: &Value, params: &Value, out: &mut Vec<u8>) -> io::Result<()> {
        let steps = params.get("steps").and_then(Value::as_array).ok_or_else(|| wrong("steps"));
        let (name, steps) = match (text(params, "session"), steps) {
            (Ok(name), Ok(steps)) => (name, steps),
            (Err(fault), _) | (_, Err(fault)) => return refuse(out, id, fault),
        };
        self.items.text.clear();
        self.sessions.apply(name, steps, &mut self.items)?;
        write!(out, r#"{{"jsonrpc":"2.0","id":{id},"result":{{"observations":["#)?;
        out.extend_from_slice(&self.items.text);
        out.extend_from_slice(b"]}}\n");
        Ok(())
    }

    fn close(&mut self, params: &Value) -> Result<Value, Fault> {
        Ok(match self.sessions.close(text(params, "session")?) {
            Ok(()) => json!({"status": "ok"}),
            Err(rejection) => rejected(&rejection),
        })
    }
}

fn rejected(rejection: &Rejection) -> Value {
    json!({"status": "rejected", "code": rejection.code.name(), "message": rejection.message})
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
