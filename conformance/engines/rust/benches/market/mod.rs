//! A market in which every source speaks, and the engine in it with all phases on.

use quotemark_engine::book::BookLevel;
use quotemark_engine::config::{EngineConfig, Gates};
use quotemark_engine::cycle::Cycle;
use quotemark_engine::engine::{Engine, Fill, PriceSource, Signal};
use quotemark_engine::observation::Observation;
use quotemark_engine::rejection::Rejection;
use quotemark_engine::side::Side;

const CYCLE_MS: i64 = 6450;

/// The engine, and how far the market has come.
pub struct Market {
    engine: Engine,
    cycles: i64,
}

impl Market {
    /// Before the first event.
    pub fn new() -> Self {
        let gates = Gates {
            use_epnl_filter: true,
            use_book_features: true,
            use_tape_features: true,
            ..Gates::default()
        };
        let config = EngineConfig { gates, ..EngineConfig::default() };
        let engine = Engine::new(config).expect("the first four gates are on");
        Self { engine, cycles: 0 }
    }

    /// What happens before the next cycle.
    pub fn events(&mut self) {
        self.cycles += 1;
        self.happen().expect("the market is sound");
    }

    /// Quote.
    pub fn cycle(&mut self) -> &Cycle {
        self.engine.cycle(self.cycles * CYCLE_MS, None).expect("a book has come")
    }

    fn happen(&mut self) -> Result<(), Rejection> {
        let (engine, t_ms) = (&mut self.engine, self.cycles * CYCLE_MS);
        let side = if self.cycles % 2 == 0 { Side::Buy } else { Side::Sell };
        let wave = ((self.cycles * 7919) % 101) as f64 / 101.0 - 0.5;
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
}
