//! The engine as a library, and its server where a line is no step.

use quotemark_engine::book::{BookConfig, BookLevel};
use quotemark_engine::config::{EngineConfig, Gates};
use quotemark_engine::engine::{Engine, Fill};
use quotemark_engine::funding::parse_rate;
use quotemark_engine::observation::{Calibration, Reading};
use quotemark_engine::rejection::{Code, Refusal};
use quotemark_engine::side::{QuoteSide, Side};
use quotemark_engine::sweep::SweepConfig;
use quotemark_engine::tick;
use quotemark_engine::wire::Server;

fn all_phases() -> EngineConfig {
    let gates = Gates {
        use_epnl_filter: true,
        use_book_features: true,
        use_tape_features: true,
        ..Gates::default()
    };
    EngineConfig { gates, ..EngineConfig::default() }
}

fn bought(id: &str) -> Fill {
    Fill {
        side: Side::Buy,
        price: 99.99,
        size: 2.0,
        id: Some(id.to_owned()),
        mid: Some(100.0),
        levels_crossed: 1.0,
    }
}

#[test]
fn a_flat_engine_quotes_both_sides_alike() {
    let mut engine = Engine::new(all_phases()).unwrap();
    let cycle = engine.cycle(0, Some(100.0)).unwrap();
    assert_eq!(cycle.bids.len(), cycle.asks.len());
    // 6.667 ln(1 + 0.15/0.1287) + 0.15 x 4 + 1.5 = 7.251 bp: 99.92749 and 100.07251, rounded away
    assert!((cycle.bids[0].price - 99.927).abs() < 1e-9, "{:?}", cycle.bids[0]);
    assert!((cycle.asks[0].price - 100.08).abs() < 1e-9, "{:?}", cycle.asks[0]);
}

#[test]
fn what_is_rejected_changes_nothing() {
    let mut engine = Engine::new(all_phases()).unwrap();
    let mut clean = Engine::new(all_phases()).unwrap();
    for one in [&mut engine, &mut clean] {
        one.fill(1000, bought("a")).unwrap();
    }
    let far = Fill { size: 1e15, ..bought("far") };
    let steep = Fill { price: 1e15, mid: Some(1e-15), ..bought("steep") };
    assert_eq!(engine.fill(9000, bought("a")).unwrap_err().code, Code::Duplicate);
    assert_eq!(engine.fill(9000, far).unwrap_err().code, Code::OutOfRange);
    assert_eq!(engine.fill(9000, steep).unwrap_err().code, Code::OutOfRange);
    assert_eq!(engine.cycle(9000, None).err().unwrap().code, Code::MissingField);
    assert_eq!(engine.trade(999, Side::Buy, 1.0).unwrap_err().code, Code::TimeReversed);

    let seen = serde_json::to_string(engine.cycle(2000, Some(100.0)).unwrap()).unwrap();
    let expected = serde_json::to_string(clean.cycle(2000, Some(100.0)).unwrap()).unwrap();
    assert_eq!(seen, expected);
}

#[test]
fn a_composite_is_no_surer_than_any_source_may_be() {
    let config = EngineConfig {
        reading: Reading { calibration: Calibration::Plan, ..Reading::default() },
        book: BookConfig { sigma_bim: 1e-3, depth_ref_usd: 1.0, ..BookConfig::default() },
        sweep: SweepConfig { sigma_sweep: 1e-3, alpha_sweep: 1e-15, ..SweepConfig::default() },
        ..all_phases()
    };
    let mut engine = Engine::new(config).unwrap();
    let levels = |price| [BookLevel { price, size: 1e12 }];
    engine.book(0, &levels(1e15), &levels(1e15)).unwrap();
    let swept = Fill { size: 1e14, levels_crossed: 1e15, price: 1e15, mid: None, ..bought("a") };
    engine.fill(0, swept).unwrap();
    let cycle = engine.cycle(0, None).unwrap();
    let parts: Vec<f64> = cycle.composite_parts.iter().map(|part| part.variance).collect();
    assert_eq!(parts, [1e-15, 1e-15]);
    let composite = cycle.drift_observations.iter().find(|one| one.source == "composite");
    assert_eq!(composite.map(|one| one.variance), Some(1e-15));
}

#[test]
fn there_is_no_way_back() {
    let off = [
        Gates { use_kalman_drift: false, ..all_phases().gates },
        Gates { use_continuous_gamma: false, ..all_phases().gates },
        Gates { use_directional_flow: false, ..all_phases().gates },
        Gates::default(),
    ];
    for gates in off {
        let refusal = Engine::new(EngineConfig { gates, ..all_phases() }).err();
        assert!(matches!(refusal, Some(Refusal::Unsupported(_))), "{refusal:?}");
    }
}

#[test]
fn a_rate_is_a_plain_decimal_number() {
    for (text, rate) in [("0.0000125", 0.0000125), ("-1e-5", -1e-5), (".5", 0.5), ("+1", 1.0)] {
        assert_eq!(parse_rate(text), Ok(rate));
    }
    for text in ["", "5.", ".", "1_0", "NaN", " 1", "1e", "0x1", "+-1", "1.e1", "infinity", "½"] {
        assert_eq!(parse_rate(text).unwrap_err().code, Code::Unparsable, "{text}");
    }
    for text in ["nan", "inf", "-inf", "1e999"] {
        assert_eq!(parse_rate(text).unwrap_err().code, Code::NonFinite, "{text}");
    }
    assert_eq!(parse_rate("-1.0001").unwrap_err().code, Code::OutOfRange);
    assert_eq!(parse_rate("1e-999"), Ok(0.0));
}

#[test]
fn a_tick_has_five_significant_figures() {
    let ticks = [(123_456.0, 1.0), (10_000.0, 1.0), (9_999.9, 0.1), (1.0, 1e-4), (0.99, 1e-5)];
    for (price, tick) in ticks {
        assert_eq!(tick::by_price(price, 6), tick, "{price}");
    }
    assert_eq!(tick::by_price(1e-9, 6), 1e-6);
    assert_eq!(tick::by_price(1e-9, 10), 1e-10);
    assert_eq!(tick::round(99.92749, 0.01, QuoteSide::Bid), 99.92);
    assert_eq!(tick::round(100.07251, 0.01, QuoteSide::Ask), 100.08);
    // within 1e-9 of a tick from a tick: stays
    assert_eq!(tick::round(100.0 - 1e-12, 0.01, QuoteSide::Bid), 100.0);
}

#[test]
fn a_line_that_is_no_request_is_answered_and_survived() {
    let deep = "[".repeat(100_000);
    let lines = [
        ("{", -32700),
        ("[]", -32600),
        (deep.as_str(), -32700),
        (r#"{"id":1,"method":"dance"}"#, -32601),
        (r#"{"id":1,"method":"apply","params":{"session":"s"}}"#, -32602),
        (
            r#"{"id":1,"method":"open","params":{"session":"s","component":"flow","config":5}}"#,
            -32602,
        ),
    ];
    let mut server = Server::default();
    for (line, code) in lines {
        let mut answer = Vec::new();
        assert!(server.answer(line.as_bytes(), &mut answer).unwrap());
        let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!(answer["error"]["code"], code, "{answer}");
    }
    let mut answer = Vec::new();
    let more = server.answer(br#"{"id":7,"method":"shutdown","params":{}}"#, &mut answer).unwrap();
    assert!(!more && answer.starts_with(br#"{"id":7,"#), "{answer:?}");
}
