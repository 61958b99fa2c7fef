//! The suite's golden vectors, through the protocol: a test a file.

mod asking;

use asking::ask;
use quotemark_engine::wire::Server;
use serde_json::{Value, json};

/// Figures agree within this relative distance, or within the absolute one.
const RELATIVE: f64 = 1e-9;
const ABSOLUTE: f64 = 1e-12;

/// Gates that this engine cannot switch off.
const FIRST_FOUR: [&str; 4] =
    ["use_kalman_drift", "use_continuous_gamma", "use_directional_flow", "use_epnl_filter"];

fn agrees(expected: &Value, got: &Value) -> bool {
    match (expected, got) {
        (Value::Number(one), Value::Number(other)) if one.is_f64() => {
            let (a, b) = (one.as_f64().unwrap(), other.as_f64().unwrap());
            (a - b).abs() <= ABSOLUTE.max(RELATIVE * a.abs().max(b.abs()))
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(a, b)| agrees(a, b))
        }
        (Value::Object(one), Value::Object(other)) => {
            let each = |(name, a)| other.get(name).is_some_and(|b| agrees(a, b));
            one.len() == other.len() && one.iter().all(each)
        }
        _ => expected == got,
    }
}

/// The same, but for the free text of a rejection.
fn answers_agree(expected: &Value, got: &Value) -> bool {
    if expected["status"] == "rejected" {
        return got["status"] == "rejected" && got["code"] == expected["code"];
    }
    agrees(expected, got)
}

/// Whether the case is of the quote cycle with one of the first four gates off.
fn needs_the_past(case: &Value) -> bool {
    FIRST_FOUR.iter().any(|gate| case["opened"]["config"][gate] == false)
}

/// Hold the engine against a file.
fn keep(file: &str) {
    let path = format!("{}/../../quotemark/vectors/{file}.jsonl", env!("CARGO_MANIFEST_DIR"));
    let mut kept = 0;
    for line in std::fs::read_to_string(path).unwrap().lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let (id, mut server) = (&case["id"], Server::default());
        let opening = json!({
            "session": "s", "component": case["component"], "config": case["config"], "seed": 1,
        });
        let opened = ask(&mut server, "open", opening);
        if needs_the_past(&case) {
            assert_eq!(opened["status"], "unsupported", "{id}");
            continue;
        }
        assert!(answers_agree(&case["opened"], &opened), "{id}: {opened}");
        let seen = ask(&mut server, "apply", json!({"session": "s", "steps": case["steps"]}));
        if opened["status"] == "ok" {
            let (expected, got) = (&case["answers"], &seen["observations"]);
            let (expected, got) = (expected.as_array().unwrap(), got.as_array().unwrap());
            assert_eq!(expected.len(), got.len(), "{id}");
            for (index, (expected, got)) in expected.iter().zip(got).enumerate() {
                let step = index + 1;
                assert!(answers_agree(expected, got), "{id}, step {step}:\n{expected}\n{got}");
            }
            kept += 1;
        }
    }
    assert!(kept > 0, "no case of {file} was opened");
}

macro_rules! files {
    ($($file:ident)*) => { $(#[test] fn $file() { keep(stringify!($file)); })* };
}

files! {
    drift inventory flow glft expected_pnl adaptation funding book sweep hawkes fill_size cross_venue
    volatility open_interest engine rollback
}
