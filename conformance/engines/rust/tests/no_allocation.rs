//! The filter allocates nothing, and in a market that goes on neither does the quote cycle.

mod counting;
#[path = "../benches/market/mod.rs"]
mod market;

use counting::allocations;
use market::Market;
use quotemark_engine::drift::{FilterConfig, KalmanDrift, Process};
use quotemark_engine::observation::Observation;
use quotemark_engine::side::Side;

#[test]
fn an_allocation_is_counted() {
    let (grown, count) = allocations(|| {
        let mut grown = vec![1.0];
        grown.reserve_exact(1000);
        grown
    });
    assert_eq!((grown.len(), count), (1, 2));
}

#[test]
fn the_filter_allocates_nothing() {
    let mut filter = KalmanDrift::new(Process::default(), FilterConfig::default());
    let (gains, count) = allocations(|| {
        let mut gains = 0.0;
        for step in 0..1000 {
            filter.predict(step * 100);
            gains += filter.update(Observation { z_bps_per_s: -6.0, variance: 5.0 }).gain;
            let filled = filter.fill(Side::Buy, 99.99, 100.0, 2.0);
            gains += filled.map_or(0.0, |said| filter.update(said).gain);
            let trended = filter.trend(4.0, 0.8, 0.6);
            gains += trended.map_or(0.0, |said| filter.update(said).gain);
            gains += filter.posterior().confidence;
        }
        gains
    });
    assert!(gains > 1000.0, "{gains}");
    assert_eq!(count, 0);
}

#[test]
fn a_cycle_of_all_phases_allocates_nothing_once_its_windows_are_full() {
    let mut market = Market::new();
    let mut counts = (0..400).map(|_| {
        market.events();
        allocations(|| market.cycle().bids.len()).1
    });
    assert!(counts.by_ref().take(200).sum::<u64>() > 0);
    assert_eq!(counts.sum::<u64>(), 0);
}
