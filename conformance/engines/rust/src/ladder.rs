//! The ladder: which levels of a side rest, with which size, at which price (D-42).

use crate::expected_pnl::SideValue;
use crate::side::QuoteSide;
use crate::tick;

settings! {
    /// Sizes and places of the levels.
    pub struct LadderConfig {
        /// One a level, touch first, contracts.
        pub level_sizes: Vec<f64> = vec![0.695; 6], 1e-9..=1e9;
        /// Between levels, bp.
        pub level_spacing_bps: f64 = 1.0, 0.0..=1e9;
        /// A smaller level is dropped, contracts.
        pub min_size: f64 = 0.01, 1e-9..=1e9;
        /// Price; null: by price.
        pub tick_size: Option<f64> = None, 1e-10..=1e9;
        /// Most decimals of a tick by price.
        pub price_decimals: usize = 6, 0..=10;
    }
}

figures! {
    /// A resting quote.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct Quote {
        /// Rounded to the tick.
        pub price: f64,
        /// Contracts.
        pub size: f64,
        /// 0 for the touch.
        pub level: usize,
        /// Before rounding.
        pub depth_bps: f64,
        /// That the price was rounded to.
        pub tick: f64,
        /// What it is expected to earn.
        pub expected_pnl_bps: f64,
    }
}

/// Where a side's ladder begins, and how much of it may rest.
pub struct Rung {
    /// Which side.
    pub side: QuoteSide,
    /// Of the market.
    pub mid: f64,
    /// Of the touch.
    pub touch_depth_bps: f64,
    /// Contracts that the side may fill in all: none where the kill guard holds it empty.
    pub room: f64,
}

impl LadderConfig {
    /// Lay a side: what every level is expected to earn, and the quotes that rest.
    ///
    /// Nothing takes the place of a level that does not rest, and the others keep their number.
    pub fn lay(
        &self,
        from: &Rung,
        value: &SideValue,
        earned: &mut Vec<f64>,
        quotes: &mut Vec<Quote>,
    ) {
        earned.clear();
        quotes.clear();
        let mut room = from.room;
        for (level, &configured) in self.level_sizes.iter().enumerate() {
            let depth_bps = from.touch_depth_bps + level as f64 * self.level_spacing_bps;
            let worth = value.at(depth_bps);
            earned.push(worth.expected_pnl_bps);
            let size = configured.min(room);
            if !worth.keep || size < self.min_size {
                continue;
            }
            room -= size;
            // mid (1 -+ depth)
            let exact = from.mid * (1.0 - from.side.sign() * depth_bps / 1e4);
            let tick = self.tick_size.unwrap_or_else(|| tick::by_price(exact, self.price_decimals));
            let price = tick::round(exact, tick, from.side);
            if exact > 0.0 && price > 0.0 {
                let expected_pnl_bps = worth.expected_pnl_bps;
                quotes.push(Quote { price, size, level, depth_bps, tick, expected_pnl_bps });
            }
        }
    }
}
