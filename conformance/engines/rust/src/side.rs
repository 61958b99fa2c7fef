//! Sides: of a fill or a trade, and of the ladder.

use serde::{Serialize, Serializer};

/// Buy or sell: of an own fill the own side, of a trade the aggressor's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Bought.
    Buy,
    /// Sold.
    Sell,
}

impl Side {
    /// The side of a name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "buy" => Some(Side::Buy),
            "sell" => Some(Side::Sell),
            _ => None,
        }
    }

    /// +1 for a buy, -1 for a sell: which way an own fill moves the position.
    pub fn sign(self) -> f64 {
        match self {
            Side::Buy => 1.0,
            Side::Sell => -1.0,
        }
    }

    /// The side of the ladder whose quote an own fill of this side was.
    pub fn quote(self) -> QuoteSide {
        match self {
            Side::Buy => QuoteSide::Bid,
            Side::Sell => QuoteSide::Ask,
        }
    }
}

/// A side of the ladder. Pairs of figures are `[bid, ask]`, so it is an index too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuoteSide {
    /// Where the engine buys.
    Bid = 0,
    /// Where it sells.
    Ask = 1,
}

impl QuoteSide {
    /// Both, in the order of every pair.
    pub const BOTH: [QuoteSide; 2] = [QuoteSide::Bid, QuoteSide::Ask];

    /// The side of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::BOTH.into_iter().find(|side| side.name() == name)
    }

    /// The protocol's name.
    pub fn name(self) -> &'static str {
        match self {
            QuoteSide::Bid => "bid",
            QuoteSide::Ask => "ask",
        }
    }

    /// +1 for the bid, -1 for the ask: the sign of a position that its fills build up.
    pub fn sign(self) -> f64 {
        match self {
            QuoteSide::Bid => 1.0,
            QuoteSide::Ask => -1.0,
        }
    }

    /// The side that adds to a position; none when flat.
    pub fn accumulating(position: f64) -> Option<QuoteSide> {
        if position > 0.0 {
            Some(QuoteSide::Bid)
        } else if position < 0.0 {
            Some(QuoteSide::Ask)
        } else {
            None
        }
    }
}

impl Serialize for QuoteSide {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
