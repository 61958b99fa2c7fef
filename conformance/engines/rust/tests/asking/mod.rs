//! Requests to a server, as a harness makes them.

use quotemark_engine::wire::Server;
use serde_json::{Value, json};

/// The result of a request.
pub fn ask(server: &mut Server, method: &str, params: Value) -> Value {
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let mut answer = Vec::new();
    server.answer(request.to_string().as_bytes(), &mut answer).unwrap();
    serde_json::from_slice::<Value>(&answer).unwrap()["result"].take()
}
