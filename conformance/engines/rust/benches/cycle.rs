//! What a filter step and a quote cycle of all phases take: `cargo bench`.

#[path = "../tests/counting/mod.rs"]
mod counting;
mod market;

use std::hint::black_box;
use std::time::Instant;

use counting::allocations;
use market::Market;
use quotemark_engine::drift::{FilterConfig, KalmanDrift, Process};
use quotemark_engine::observation::Observation;

const CYCLES: usize = 100_000;
const STEPS: i64 = 10_000_000;

fn main() {
    println!("filter, predict and update: {:.1} ns", filter_ns());
    let (mut each_ns, allocated) = cycles();
    each_ns.sort_unstable();
    let of = |share: usize| each_ns[each_ns.len() * share / 1000];
    println!(
        "quote cycle, all phases, six levels a side: median {} ns, 99 % {} ns, 99.9 % {} ns, \
         {allocated} allocations in {CYCLES} cycles",
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
        filter.predict(step * 6450);
        let z_bps_per_s = (step % 7) as f64 - 3.0;
        black_box(filter.update(Observation { z_bps_per_s, variance: 5.0 }));
    }
    started.elapsed().as_nanos() as f64 / STEPS as f64
}

/// Each cycle, ns, and the allocations of all; the events between are not counted.
fn cycles() -> (Vec<u64>, u64) {
    let mut market = Market::new();
    let mut allocated = 0;
    let cycle_ns = |_| {
        market.events();
        let started = Instant::now();
        let (_, count) = allocations(|| {
            black_box(market.cycle());
        });
        let passed = started.elapsed();
        allocated += count;
        passed.as_nanos() as u64
    };
    ((0..CYCLES).map(cycle_ns).collect(), allocated)
}
