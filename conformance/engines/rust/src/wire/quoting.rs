//! Component `engine`: market events in, cycles out.

use serde::{Serialize, Serializer};

use crate::config::EngineConfig;
use crate::cycle::Cycle;
use crate::engine::{Engine, Estimate, Fill, Signal};
use crate::ladder::Quote;
use crate::observation::Observation;
use crate::rejection::{Code, Refusal, Rejection};
use crate::wire::component::{Component, owned};
use crate::wire::market_step::{funding_rate, reference_price, trend};
use crate::wire::step::Step;

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
                step.has(&["t_ms", "bids", "asks"], &[])?;
                self.book(step.t_ms()?, &step.book_side("bids")?, &step.book_side("asks")?)?;
            }
            "trade" => {
                step.has(&["t_ms", "side", "price", "size"], &["id", "mid"])?;
                let (t_ms, side) = (step.t_ms()?, step.side()?);
                let (_price, size) = (step.positive("price")?, step.positive("size")?);
                let (_id, _mid) = (step.text_if_any("id")?, step.number_if_any("mid")?);
                self.trade(t_ms, side, size)?;
            }
            "fill" => {
                let optional = ["id", "mid", "levels_crossed"];
                step.has(&["t_ms", "side", "price", "size"], &optional)?;
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
                let (magnitude_bps, agreement, p_continuation) = trend(step, &["t_ms"])?;
                self.trend(step.t_ms()?, magnitude_bps, agreement, p_continuation)?;
            }
            "signal" => {
                step.has(&["t_ms", "source", "value"], &["variance"])?;
                self.signal(step.t_ms()?, &signal(step)?)?;
            }
            "estimate" => {
                let optional = [
                    "sigma_bps_per_sqrt_s",
                    "kappa_bid_per_bps",
                    "kappa_ask_per_bps",
                    "time_horizon_s",
                ];
                step.has(&["t_ms"], &optional)?;
                let estimate = Estimate {
                    sigma_bps_per_sqrt_s: step.positive_if_any("sigma_bps_per_sqrt_s")?,
                    kappa_bid_per_bps: step.positive_if_any("kappa_bid_per_bps")?,
                    kappa_ask_per_bps: step.positive_if_any("kappa_ask_per_bps")?,
                    time_horizon_s: step.positive_if_any("time_horizon_s")?,
                };
                self.estimate(step.t_ms()?, estimate)?;
            }
            "funding" => {
                let (rate, interval_s) = funding_rate(step)?;
                self.funding(step.t_ms()?, rate, interval_s)?;
            }
            "reference_price" => {
                let (source, price) = reference_price(step)?;
                self.reference_price(step.t_ms()?, source, price)?;
            }
            "open_interest" => {
                step.has(&["t_ms", "contracts"], &[])?;
                self.open_interest(step.t_ms()?, step.positive("contracts")?)?;
            }
            "cycle" => {
                step.has(&["t_ms"], &["mid"])?;
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
        step.number_if_any("variance")?;
        return Ok(Signal::Toxicity);
    }
    let z_bps_per_s = step.number("value")?;
    match step.positive_if_any("variance")? {
        Some(variance) => Ok(Signal::Drift(source, Observation { z_bps_per_s, variance })),
        None => Err(Code::MissingField.because("variance is absent")),
    }
}
