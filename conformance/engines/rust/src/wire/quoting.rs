//! Component `engine`: market events in, cycles out.

use serde::{Serialize, Serializer};

use crate::config::EngineConfig;
use crate::cycle::Cycle;
use crate::engine::{Engine, Estimate, Fill, Signal};
use crate::ladder::Quote;
use crate::observation::Observation;
use crate::rejection::{Code, Refusal, Rejection};
use crate::wire::component::{Component, owned};
use crate::wire::market_step::{
    BOOK, FUNDING, REFERENCE_PRICE, TREND, funding_rate, reference_price, trend,
};
use crate::wire::step::{Field, Kind, SIDE, Step, T_MS, defaulted, figure, optional, required};

const PRICE: Field = figure("price");
const SIZE: Field = figure("size");
const ID: Field = optional("id", Kind::Text);
const MID: Field = optional("mid", Kind::Number);

const TRADE: &[Field] = &[T_MS, SIDE, PRICE, SIZE, ID, MID];
const FILL: &[Field] =
    &[T_MS, SIDE, PRICE, SIZE, ID, MID, defaulted("levels_crossed", Kind::Whole)];
const TIMED_TREND: &[Field] = &{
    let [magnitude, agreement, continuation] = TREND;
    [T_MS, magnitude, agreement, continuation]
};
const SIGNAL: &[Field] =
    &[T_MS, required("source", Kind::Text), figure("value"), optional("variance", Kind::Number)];
const ESTIMATE: &[Field] = &[
    T_MS,
    optional("sigma_bps_per_sqrt_s", Kind::Number),
    optional("kappa_bid_per_bps", Kind::Number),
    optional("kappa_ask_per_bps", Kind::Number),
    optional("time_horizon_s", Kind::Number),
];
const OPEN_INTEREST: &[Field] = &[T_MS, figure("contracts")];
const CYCLE: &[Field] = &[T_MS, MID];

/// What a step shows: a cycle all its figures, any other nothing.
pub enum Shown<'a> {
    /// An event was taken.
    Nothing,
    /// A cycle was quoted.
    Cycle(&'a Cycle),
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Shown::Nothing => serializer.collect_map::<&str, (), _>([]),
            Shown::Cycle(cycle) => cycle.serialize(serializer),
        }
    }
}

impl Component for Engine {
    const NAME: &'static str = "engine";
    type Config = EngineConfig;
    type Seen<'a> = Shown<'a>;

    fn fields() -> Vec<String> {
        let of_quote = Quote::FIELDS.iter().map(|name| format!("quote.{name}"));
        owned(Cycle::FIELDS).into_iter().chain(of_quote).collect()
    }

    fn open(config: EngineConfig) -> Result<Self, Refusal> {
        Engine::new(config)
    }

    fn apply(&mut self, step: &Step<'_>) -> Result<Shown<'_>, Rejection> {
        match step.kind {
            "book" => {
                step.has(BOOK)?;
                self.book(step.t_ms()?, &step.book_side("bids")?, &step.book_side("asks")?)?;
            }
            "trade" => {
                step.has(TRADE)?;
                let (_price, size) = (step.positive("price")?, step.positive("size")?);
                self.trade(step.t_ms()?, step.side()?, size)?;
            }
            "fill" => {
                step.has(FILL)?;
                let fill = Fill {
                    side: step.side()?,
                    price: step.positive("price")?,
                    size: step.positive("size")?,
                    id: step.text_if_any("id")?.map(str::to_owned),
                    mid: step.positive_if_any("mid")?,
                    levels_crossed: step.levels_crossed()?,
                };
                self.fill(step.t_ms()?, fill)?;
            }
            "trend" => {
                step.has(TIMED_TREND)?;
                let (magnitude_bps, agreement, p_continuation) = trend(step)?;
                self.trend(step.t_ms()?, magnitude_bps, agreement, p_continuation)?;
            }
            "signal" => {
                step.has(SIGNAL)?;
                self.signal(step.t_ms()?, &signal(step)?)?;
            }
            "estimate" => {
                step.has(ESTIMATE)?;
                let estimate = Estimate {
                    sigma_bps_per_sqrt_s: step.positive_if_any("sigma_bps_per_sqrt_s")?,
                    kappa_bid_per_bps: step.positive_if_any("kappa_bid_per_bps")?,
                    kappa_ask_per_bps: step.positive_if_any("kappa_ask_per_bps")?,
                    time_horizon_s: step.positive_if_any("time_horizon_s")?,
                };
                self.estimate(step.t_ms()?, estimate)?;
            }
            "funding" => {
                let (rate, interval_s) = funding_rate(step.has(FUNDING)?)?;
                self.funding(step.t_ms()?, rate, interval_s)?;
            }
            "reference_price" => {
                let (source, price) = reference_price(step.has(REFERENCE_PRICE)?)?;
                self.reference_price(step.t_ms()?, source, price)?;
            }
            "open_interest" => {
                step.has(OPEN_INTEREST)?;
                self.open_interest(step.t_ms()?, step.positive("contracts")?)?;
            }
            "cycle" => {
                step.has(CYCLE)?;
                let mid = step.positive_if_any("mid")?;
                return self.cycle(step.t_ms()?, mid).map(Shown::Cycle);
            }
            _ => return step.unknown(),
        }
        Ok(Shown::Nothing)
    }
}

/// A signal of the drift, or a side's toxicity, which takes no variance.
fn signal<'a>(step: &Step<'a>) -> Result<Signal<'a>, Rejection> {
    let source = step.text("source")?;
    if matches!(source, "toxicity_bid" | "toxicity_ask") {
        step.fraction("value")?;
        return Ok(Signal::Toxicity);
    }
    if !step.gives("variance") {
        return Err(Code::MissingField.because("variance is absent"));
    }
    let (z_bps_per_s, variance) = (step.number("value")?, step.positive("variance")?);
    Ok(Signal::Drift(source, Observation { z_bps_per_s, variance }))
}
