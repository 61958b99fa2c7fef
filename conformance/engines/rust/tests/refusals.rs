//! Steps and configurations with a fault, through the protocol: which code each gets.

mod asking;

use asking::ask;
use quotemark_engine::wire::Server;
use serde_json::{Value, json};

/// The code of a refusal, else the status.
fn code(answer: &Value) -> &str {
    answer["code"].as_str().or(answer["status"].as_str()).unwrap_or("none")
}

/// Codes of steps in a session of their own, all gates on.
fn codes(component: &str, steps: &[Value]) -> Vec<String> {
    let config = match component {
        "engine" => json!({"use_epnl_filter": true}),
        _ => json!({}),
    };
    let mut server = Server::default();
    let opening = json!({"session": "s", "component": component, "config": config, "seed": 1});
    assert_eq!(code(&ask(&mut server, "open", opening)), "ok");
    let seen = ask(&mut server, "apply", json!({"session": "s", "steps": steps}));
    seen["observations"].as_array().unwrap().iter().map(|one| code(one).to_owned()).collect()
}

#[test]
fn of_two_faults_the_kind_comes_before_any_range() {
    let steps = [
        json!({"step": "observe", "z_bps_per_s": 1e16, "variance": "nan"}),
        json!({"step": "observe", "z_bps_per_s": 1e16, "variance": null}),
        json!({"step": "observe", "z_bps_per_s": "inf", "variance": "one"}),
        json!({"step": "observe", "z_bps_per_s": 1e16, "variance": 1.0, "more": 1}),
        json!({"step": "observe", "z_bps_per_s": "nan", "more": 1}),
        json!({"step": "observe", "z_bps_per_s": "nan"}),
    ];
    let expected = [
        "non_finite",
        "unparsable",
        "non_finite",
        "unknown_field",
        "unknown_field",
        "missing_field",
    ];
    assert_eq!(codes("drift", &steps), expected);
}

#[test]
fn of_two_ranges_the_times_comes_first_and_its_order_last() {
    let late = |t_ms: i64, rate: &str| json!({"step": "funding", "t_ms": t_ms, "rate": rate, "interval_s": 1.0});
    let far = 10_i64.pow(16);
    let steps = [late(5, "0.1"), late(far, "abc"), late(far, "2"), late(4, "abc"), late(4, "0.1")];
    let expected = ["ok", "out_of_range", "out_of_range", "unparsable", "time_reversed"];
    assert_eq!(codes("funding", &steps), expected);
}

#[test]
fn a_text_that_is_not_finite_is_one_in_the_place_of_a_number_alone() {
    let depths = |kappas: Value| {
        json!({
            "step": "depths", "gamma_per_bps": 0.15, "kappas_per_bps": kappas,
            "sigma_bps_per_sqrt_s": 2.0, "time_horizon_s": 2.0, "fee_bps": 1.5,
            "drift_bps_per_s": 0.0, "skew_bps": 0.0,
        })
    };
    let steps = [
        depths(json!([0.1, "nan"])),
        depths(json!("nan")),
        depths(json!([0.1, 0.1, 0.1])),
        depths(json!([0.1, null])),
        depths(json!([0.1, -0.1])),
    ];
    let expected = ["non_finite", "unparsable", "unparsable", "unparsable", "out_of_range"];
    assert_eq!(codes("glft", &steps), expected);
    let rated = json!({"step": "funding", "t_ms": 0, "rate": ["nan"], "interval_s": 1.0});
    assert_eq!(codes("funding", &[rated]), ["unparsable"]);
}

#[test]
fn what_is_not_used_has_a_kind_and_no_range() {
    let toxicity = |value: Value, variance: Value| {
        json!({
            "step": "signal", "t_ms": 0, "source": "toxicity_ask", "value": value,
            "variance": variance,
        })
    };
    let trade = |mid: Value| json!({"step": "trade", "t_ms": 0, "side": "buy", "price": 1.0, "size": 1.0, "mid": mid});
    let steps = [
        toxicity(json!(0.5), json!(-1e16)),
        toxicity(json!(0.5), json!(null)),
        toxicity(json!(0.5), json!("nan")),
        toxicity(json!(1.5), json!(1.0)),
        trade(json!(-1e16)),
        trade(json!("one")),
    ];
    let expected = ["ok", "ok", "non_finite", "out_of_range", "ok", "unparsable"];
    assert_eq!(codes("engine", &steps), expected);
}

#[test]
fn a_signal_without_a_variance_lacks_a_field_before_its_value_is_judged() {
    let steps = [
        json!({"step": "signal", "t_ms": 0, "source": "s", "value": 1e16}),
        json!({"step": "signal", "t_ms": 0, "source": "s", "value": 1e16, "variance": null}),
        json!({"step": "signal", "t_ms": 0, "source": "s", "value": 1e16, "variance": 1.0}),
        json!({"step": "signal", "t_ms": 0, "source": "s", "value": "nan"}),
    ];
    let expected = ["missing_field", "missing_field", "out_of_range", "non_finite"];
    assert_eq!(codes("engine", &steps), expected);
}

#[test]
fn an_id_is_taken_by_an_accepted_fill_alone() {
    let fill = |t_ms: i64, mid: f64| {
        json!({
            "step": "fill", "t_ms": t_ms, "side": "buy", "price": 100.0, "size": 1.0, "id": "f",
            "mid": mid,
        })
    };
    let early = json!({"step": "estimate", "t_ms": 5});
    let steps = [early, fill(5, -1.0), fill(4, 100.0), fill(5, 100.0), fill(4, 100.0)];
    let expected = ["ok", "out_of_range", "time_reversed", "ok", "duplicate"];
    assert_eq!(codes("engine", &steps), expected);
}

#[test]
fn a_setting_may_lie_on_its_bounds_and_not_beyond() {
    let cases = [
        ("drift", json!({"theta_per_s": 1e-9}), "ok"),
        ("drift", json!({"theta_per_s": 9.9e-10}), "out_of_range"),
        ("drift", json!({"p_min": -0.0}), "ok"),
        ("flow", json!({"flow_min_trades": 3.0}), "ok"),
        ("flow", json!({"flow_min_trades": 3.5}), "out_of_range"),
        ("flow", json!({"flow_horizon_s": 5}), "ok"),
        ("flow", json!({"flow_horizon_s": 6}), "out_of_range"),
        ("flow", json!({"flow_horizon_s": true}), "unparsable"),
        ("hawkes", json!({"hawkes_jump_per_s": 1.0}), "out_of_range"),
        ("engine", json!({"level_sizes": []}), "unparsable"),
        ("engine", json!({"calibration": 5}), "out_of_range"),
        (
            "engine",
            json!({"kappa_bid_per_fraction": 1.0, "kappa_bid_per_bps": 1.0}),
            "out_of_range",
        ),
        ("glft", json!({"gamma_per_bps": 0.1}), "unknown_field"),
        ("engine", json!({}), "unsupported"),
    ];
    for (component, config, expected) in cases {
        let opening = json!({"session": "s", "component": component, "config": config, "seed": 1});
        let opened = ask(&mut Server::default(), "open", opening);
        assert_eq!(code(&opened), expected, "{component} with {config}");
    }
}
