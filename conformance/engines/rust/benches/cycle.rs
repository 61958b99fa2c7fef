//! What a filter step and a quote cycle of all phases take: `cargo bench`.

use std::hint::black_box;
use std::time::Instant;

use quotemark_engine::book::BookLevel;
use quotemark_engine::config::{EngineConfig, Gates};
use quotemark_engine::drift::{FilterConfig, KalmanDrift, Process};
use quotemark_engine::engine::{Engine, Fill, PriceSource, Signal};
use quotemark_engine::observation::Observation;
use quotemark_engine::side::Side;

const CYCLES: i64 = 100_000;
const STEPS: i64 = 10_000_000;
const CYCLE_MS: i64 = 6450;

fn main() {
    println!("filter, predict and update: {:.1} ns", filter_ns());
    let mut each_ns = cycles_ns();
    each_ns.sort_unstable();
    let of = |share: usize| each_ns[each_ns.len() * share / 1000];
    println!(
        "quote cycle, all phases, six levels a side: median {} ns, 99 % {} ns, 99.9 % {} ns",
        of(500),
        of(990),
        of(999)
    );
}

/// Mean of a predict and an update, ns.
fn filter_ns() -> f64 {
    let mut filter = KalmanDrift::new(Process::default(), FilterConfig::default());
    let started = Instant::now();
    for step in 0..STEPS {
        filter.predict(step * CYCLE_MS);
        let z_bps_per_s = (step % 7) as f64 - 3.0;
        black_box(filter.update(Observation { z_bps_per_s, variance: 5.0 }));
    }
    started.elapsed().as_nanos() as f64 / STEPS as f64
}

/// Each cycle of a market in which every source speaks, ns; the events between are not counted.
fn cycles_ns() -> Vec<u64> {
    let gates = Gates {
        use_epnl_filter: true,
        use_book_features: true,
        use_tape_features: true,
        ..Gates::default()
    };
    let config = EngineConfig { gates, ..EngineConfig::default() };
    let mut engine = Engine::new(config).expect("the first four gates are on");
    let cycle_ns = |cycle| {
        let t_ms = cycle * CYCLE_MS;
        market(&mut engine, cycle, t_ms).expect("the market is sound");
        let started = Instant::now();
        let quoted = engine.cycle(t_ms, None).expect("a book has come");
        let passed = started.elapsed();
        black_box(quoted);
        passed.as_nanos() as u64
    };
    (0..CYCLES).map(cycle_ns).collect()
}

fn market(
    engine: &mut Engine,
    cycle: i64,
    t_ms: i64,
) -> Result<(), quotemark_engine::rejection::Rejection> {
    let side = if cycle % 2 == 0 { Side::Buy } else { Side::Sell };
    let wave = ((cycle * 7919) % 101) as f64 / 101.0 - 0.5;
    let mid = 100.0 + 0.2 * wave;
    let level = |sign: f64, index: i32| BookLevel {
        price: mid * (1.0 + sign * (0.5 + 3.0 * f64::from(index)) / 1e4),
        size: 2.0 + wave + f64::from(index),
    };
    let bids: Vec<BookLevel> = (0..20).map(|index| level(-1.0, index)).collect();
    let asks: Vec<BookLevel> = (0..20).map(|index| level(1.0, index)).collect();
    engine.book(t_ms, &bids, &asks)?;
    engine.trade(t_ms, side, 1.0 + wave)?;
    engine.fill(
        t_ms,
        Fill { side, price: mid, size: 0.7 + wave, id: None, mid: None, levels_crossed: 2.0 },
    )?;
    engine.trend(t_ms, 4.0 * wave, 0.8, 0.6)?;
    let said = Observation { z_bps_per_s: 3.0 * wave, variance: 50.0 };
    engine.signal(t_ms, &Signal::Drift("momentum", said))?;
    engine.reference_price(t_ms, PriceSource::Spot, mid - 0.01 * wave)?;
    engine.reference_price(t_ms, PriceSource::Leader, 50.0 - 0.3 * wave)?;
    engine.open_interest(t_ms, 1e4 + wave)?;
    engine.funding(t_ms, 1e-5 * wave, 3600.0)
}
