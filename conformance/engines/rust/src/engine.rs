//! The quote cycle: market events in, a ladder out.
//!
//! Events move position, filter and sources as they come; [`Engine::cycle`] is where they are read and
//! quoted from. Each checks first and acts after: what is rejected leaves the engine as it was, and
//! any of them is rejected as `time_reversed` where it is earlier than one before it.

use std::borrow::Cow;
use std::collections::{HashSet, VecDeque};

use crate::adaptation::{Adaptation, Markout};
use crate::book::{Book, BookLevel, Part, mid_of};
use crate::config::{EngineConfig, Market};
use crate::cross_venue::CrossVenue;
use crate::cycle::{Cycle, Heard, Zone, gate_closed_side};
use crate::drift::KalmanDrift;
use crate::expected_pnl::{SideValue, Terms};
use crate::fill_size::FillSize;
use crate::flow::Flow;
use crate::funding::{Funding, Reference};
use crate::glft::{drift_shift_bps, half_spread_bps, touch_depths_bps};
use crate::hawkes::Hawkes;
use crate::inventory::utilisation;
use crate::ladder::Rung;
use crate::observation::Observation;
use crate::open_interest::OpenInterest;
use crate::rejection::{Code, LARGEST, Refusal, Rejection};
use crate::side::{QuoteSide, Side};
use crate::sweep::Sweep;
use crate::time::{Clock, seconds};
use crate::volatility::Volatility;

/// The drift shift beyond which the old clamp would have acted, bp.
const OLD_CAP_BPS: f64 = 3.0;

/// An own fill.
#[derive(Clone, Debug)]
pub struct Fill {
    /// Own side.
    pub side: Side,
    /// Positive.
    pub price: f64,
    /// Contracts, positive.
    pub size: f64,
    /// One that came before is a duplicate.
    pub id: Option<String>,
    /// If absent, the last book's.
    pub mid: Option<f64>,
    /// Own levels that its aggressor took, at least 1.
    pub levels_crossed: f64,
}

/// Estimates of the market; what is absent stays as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Estimate {
    /// sigma, bp/sqrt(s).
    pub sigma_bps_per_sqrt_s: Option<f64>,
    /// 1/bp.
    pub kappa_bid_per_bps: Option<f64>,
    /// 1/bp.
    pub kappa_ask_per_bps: Option<f64>,
    /// tau, s.
    pub time_horizon_s: Option<f64>,
}

/// A signal as it comes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Signal<'a> {
    /// An observation of the drift, and whose it is.
    Drift(&'a str, Observation),
    /// A side's toxicity: it was for what ran before phase 4, and moves nothing.
    Toxicity,
}

/// Whose price a reference price is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PriceSource {
    /// Of funding.
    Funding(Reference),
    /// The spot market.
    Spot,
    /// The asset that leads.
    Leader,
}

impl PriceSource {
    /// The source of a name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "mark" => Some(PriceSource::Funding(Reference::Mark)),
            "index" => Some(PriceSource::Funding(Reference::Index)),
            "spot" => Some(PriceSource::Spot),
            "leader" => Some(PriceSource::Leader),
            _ => None,
        }
    }
}

/// A fill whose markout is still to come.
struct Unsettled {
    t_ms: i64,
    mid: f64,
    drift_bps_per_s: f64,
    variance: f64,
}

/// The engine's state between events.
pub struct Engine {
    config: EngineConfig,
    clock: Clock,
    market: Market,
    position: f64,
    book_mid: Option<f64>,
    fill_ids: HashSet<String>,
    cycles: usize,

    filter: KalmanDrift,
    heard: Vec<Heard>,
    held_signals: Vec<(Cow<'static, str>, Observation)>,
    unsettled: VecDeque<Unsettled>,

    flow: Flow,
    adaptation: Adaptation,
    funding: Funding,
    book: Book,
    sweep: Sweep,
    hawkes: Hawkes,
    fill_size: FillSize,
    cross_venue: CrossVenue,
    volatility: Volatility,
    open_interest: OpenInterest,
    contracts_open: Option<f64>,
    sigma_multiplier: f64,

    shown: Cycle,
}

impl Engine {
    /// An engine before its first event.
    ///
    /// Rejects settings that do not fit together; what would need the old behaviour is unsupported.
    pub fn new(config: EngineConfig) -> Result<Self, Refusal> {
        let reading = || config.reading.clone();
        let hawkes = Hawkes::new(reading(), config.hawkes.clone())?;
        if let Some(reason) = config.gates.missing() {
            return Err(Refusal::Unsupported(reason));
        }
        Ok(Self {
            clock: Clock::default(),
            market: config.market,
            position: 0.0,
            book_mid: None,
            fill_ids: HashSet::new(),
            cycles: 0,
            filter: KalmanDrift::new(config.process, config.filter.clone()),
            heard: Vec::new(),
            held_signals: Vec::new(),
            unsettled: VecDeque::new(),
            flow: Flow::new(reading(), config.flow.clone()),
            adaptation: Adaptation::new(config.adaptation.clone()),
            funding: Funding::new(reading(), config.funding.clone()),
            book: Book::new(reading(), config.book.clone()),
            sweep: Sweep::new(reading(), config.sweep.clone()),
            hawkes,
            fill_size: FillSize::new(reading(), config.fill_size.clone()),
            cross_venue: CrossVenue::new(reading(), config.cross_venue.clone()),
            volatility: Volatility::new(config.volatility.clone()),
            open_interest: OpenInterest::new(reading(), config.open_interest.clone()),
            contracts_open: None,
            sigma_multiplier: 1.0,
            shown: Cycle::unquoted(config.gates.active_phases()),
            config,
        })
    }

    // --- events ---------------------------------------------------------------------------------

    /// A book in place of the last. With an empty side the mid stays as it was.
    ///
    /// `out_of_range` where a side is not best first, `crossed_book`.
    pub fn book(
        &mut self,
        t_ms: i64,
        bids: &[BookLevel],
        asks: &[BookLevel],
    ) -> Result<(), Rejection> {
        let mid = mid_of(bids, asks)?;
        self.clock.advance(t_ms)?;
        self.book_mid = mid.or(self.book_mid);
        self.book.replace(bids, asks, mid);
        Ok(())
    }

    /// A trade of others; its side is the aggressor's.
    pub fn trade(&mut self, t_ms: i64, side: Side, size: f64) -> Result<(), Rejection> {
        self.clock.advance(t_ms)?;
        self.flow.trade(t_ms, side, size);
        self.hawkes.trade(t_ms, side);
        Ok(())
    }

    /// An own fill: it moves the position, and where a mid is known the filter.
    ///
    /// `duplicate` of an `id` that came before; `out_of_range` where the position, or what the fill
    /// says of the drift, is beyond every scale.
    pub fn fill(&mut self, t_ms: i64, fill: Fill) -> Result<(), Rejection> {
        let Fill { side, price, size, id, mid, levels_crossed } = fill;
        if let Some(id) = id.as_ref().filter(|id| self.fill_ids.contains(*id)) {
            return Err(Code::Duplicate.because(format!("a fill had the id {id} before")));
        }
        let position = self.position + side.sign() * size;
        if position.abs() > LARGEST {
            return Err(Code::OutOfRange.of("position", position, "-1e15 to 1e15"));
        }
        let mid = mid.or(self.book_mid);
        let sigma = self.sigma();
        let said = mid.map(|mid| self.filter.fill(side, price, mid, sigma)).transpose()?;
        self.clock.advance(t_ms)?;

        self.position = position;
        self.fill_ids.extend(id);
        self.sweep.fill(t_ms, side, size, levels_crossed);
        self.fill_size.fill(side, size);
        if let (Some(mid), Some(said)) = (mid, said) {
            if self.config.gates.use_online_adaptation {
                let (drift_bps_per_s, variance) = (self.filter.mean(), self.filter.variance());
                self.unsettled.push_back(Unsettled { t_ms, mid, drift_bps_per_s, variance });
            }
            self.hear(Cow::Borrowed("fill"), said);
        }
        Ok(())
    }

    /// A trend reading, its magnitude positive for a falling market.
    pub fn trend(
        &mut self,
        t_ms: i64,
        magnitude_bps: f64,
        agreement: f64,
        p_continuation: f64,
    ) -> Result<(), Rejection> {
        self.clock.advance(t_ms)?;
        let said = self.filter.trend(magnitude_bps, agreement, p_continuation);
        self.hear_if_any("trend", said);
        Ok(())
    }

    /// A signal: one of the drift is held for the next cycle.
    pub fn signal(&mut self, t_ms: i64, signal: &Signal<'_>) -> Result<(), Rejection> {
        self.clock.advance(t_ms)?;
        if let Signal::Drift(source, said) = signal {
            self.held_signals.push((Cow::Owned(format!("signal:{source}")), *said));
        }
        Ok(())
    }

    /// Estimates, in force until the next.
    pub fn estimate(&mut self, t_ms: i64, estimate: Estimate) -> Result<(), Rejection> {
        self.clock.advance(t_ms)?;
        let last = self.market;
        self.market = Market {
            sigma_bps_per_sqrt_s: estimate
                .sigma_bps_per_sqrt_s
                .unwrap_or(last.sigma_bps_per_sqrt_s),
            kappa_bid_per_bps: estimate.kappa_bid_per_bps.unwrap_or(last.kappa_bid_per_bps),
            kappa_ask_per_bps: estimate.kappa_ask_per_bps.unwrap_or(last.kappa_ask_per_bps),
            time_horizon_s: estimate.time_horizon_s.unwrap_or(last.time_horizon_s),
        };
        Ok(())
    }

    /// A funding rate, as a fraction of notional per interval.
    pub fn funding(&mut self, t_ms: i64, rate: f64, interval_s: f64) -> Result<(), Rejection> {
        self.clock.advance(t_ms)?;
        self.funding.record(rate, interval_s);
        Ok(())
    }

    /// A price of another market, or of funding; it lasts until the next.
    pub fn reference_price(
        &mut self,
        t_ms: i64,
        source: PriceSource,
        price: f64,
    ) -> Result<(), Rejection> {
        self.clock.advance(t_ms)?;
        match source {
            PriceSource::Funding(reference) => self.funding.reference_price(reference, price),
            PriceSource::Spot => self.cross_venue.spot(price),
            PriceSource::Leader => self.cross_venue.leader(price),
        }
        Ok(())
    }

    /// Open interest; it lasts until the next.
    pub fn open_interest(&mut self, t_ms: i64, contracts: f64) -> Result<(), Rejection> {
        self.clock.advance(t_ms)?;
        self.contracts_open = Some(contracts);
        Ok(())
    }

    // --- the cycle ------------------------------------------------------------------------------

    /// Quote, at a mid or else at the last book's.
    ///
    /// `missing_field` where there is none.
    pub fn cycle(&mut self, t_ms: i64, mid: Option<f64>) -> Result<&Cycle, Rejection> {
        let Some(mid) = mid.or(self.book_mid) else {
            return Err(
                Code::MissingField.because("mid is absent, and no book with two sides has come")
            );
        };
        self.clock.advance(t_ms)?;
        self.settle_markouts(t_ms, mid);
        self.observe_drift(t_ms, mid);
        self.show_sources();
        self.quote(t_ms, mid);
        self.show_events();
        self.cycles += 1;
        Ok(&self.shown)
    }

    /// Fills that are old enough adapt the process, oldest first (D-21).
    fn settle_markouts(&mut self, t_ms: i64, mid: f64) {
        let window_s = self.adaptation.markout_window_s();
        let sigma_bps_per_sqrt_s = self.sigma();
        let due = self.unsettled.partition_point(|fill| seconds(fill.t_ms, t_ms) >= window_s);
        for fill in self.unsettled.drain(..due) {
            let window_s = seconds(fill.t_ms, t_ms);
            let markout = Markout {
                predicted_drift_bps_per_s: fill.drift_bps_per_s,
                predicted_variance: fill.variance,
                realised_drift_bps_per_s: (mid - fill.mid) / fill.mid * 1e4 / window_s,
                sigma_bps_per_sqrt_s,
                window_s,
            };
            self.adaptation.settle(&markout, &mut self.filter.process);
        }
    }

    /// Predict, then take what every source says now, tier by tier (D-41).
    fn observe_drift(&mut self, t_ms: i64, mid: f64) {
        self.filter.predict(t_ms);
        let mut held = std::mem::take(&mut self.held_signals);
        for (source, said) in held.drain(..) {
            self.hear(source, said);
        }
        self.held_signals = held; // empty, with the room that it has
        self.hear_if_any("flow", self.flow.observation(t_ms));
        if self.config.gates.use_book_features {
            self.observe_book(t_ms);
        }
        if self.config.gates.use_tape_features {
            self.cross_venue.cycle(mid);
            self.volatility.cycle(t_ms, mid);
            if self.cycles % self.config.tiers.warm_every_cycles == 0 {
                self.observe_warm(t_ms, mid);
            }
        }
        if self.cycles % self.config.tiers.cold_every_cycles == 0 {
            self.observe_cold(mid);
        }
    }

    /// Book and sweeps make one observation, weighted by precision (D-30).
    fn observe_book(&mut self, t_ms: i64) {
        self.book.cycle(t_ms);
        let [bim, dbim, bpg] = self.book.signals();
        let sweep = Part::of("sweep", self.sweep.observation(t_ms));
        self.sweep.cycle(t_ms);

        let parts = &mut self.shown.composite_parts;
        parts.clear();
        parts.extend([bim, dbim, bpg, sweep].into_iter().flatten());
        if parts.is_empty() {
            return;
        }
        // R = 1/sum(1/R_i), z = R sum(z_i/R_i)
        let precision: f64 = parts.iter().map(|part| 1.0 / part.variance).sum();
        let weighted: f64 = parts.iter().map(|part| part.z_bps_per_s / part.variance).sum();
        self.hear_if_any(
            "composite",
            Observation::of_signal(weighted / precision, 1.0 / precision),
        );
    }

    fn observe_warm(&mut self, t_ms: i64, mid: f64) {
        self.hear_if_any("hawkes", self.hawkes.observation(t_ms));
        self.hear_if_any("fill_size", self.fill_size.observation());
        self.cross_venue.measure_basis(mid);
        self.hear_if_any("basis", self.cross_venue.basis_observation());
        self.shown.vol_ratio = self.volatility.ratio();
        self.sigma_multiplier = self.volatility.sigma_multiplier(self.shown.vol_ratio);
    }

    fn observe_cold(&mut self, mid: f64) {
        let gates = &self.config.gates;
        let (tape, funding) = (gates.use_tape_features, gates.use_funding);
        if tape {
            self.hear_if_any("lead", self.cross_venue.lead_observation());
        }
        if funding {
            self.hear_if_any("funding", self.funding.observation());
        }
        if tape {
            if let Some(contracts) = self.contracts_open {
                self.open_interest.measure(mid, contracts);
                self.hear_if_any("open_interest", self.open_interest.observation());
            }
            self.shown.as_ratio_adjustment = self.volatility.as_ratio_adjustment();
        }
    }

    /// What the cycle shows of drift and sources.
    fn show_sources(&mut self) {
        let gates = &self.config.gates;
        let shown = &mut self.shown;
        shown.drift_bps_per_s = self.filter.mean();
        shown.drift_variance = self.filter.variance();
        shown.theta_per_s = self.filter.process.theta_per_s;
        shown.process_noise = self.filter.process.process_noise;
        std::mem::swap(&mut shown.drift_observations, &mut self.heard);
        self.heard.clear();
        if gates.use_funding {
            shown.funding_zscore = self.funding.zscore();
            shown.premium_bps = self.funding.premium_bps();
        }
        if gates.use_book_features {
            shown.book_imbalances = Some(self.book.imbalances());
            shown.insufficient_depth_bps = Some(self.book.insufficient_depth_bps());
        }
    }

    /// From drift, position and market to the ladder.
    fn quote(&mut self, t_ms: i64, mid: f64) {
        let sigma = self.sigma();
        let Market { kappa_bid_per_bps, kappa_ask_per_bps, time_horizon_s: tau, .. } = self.market;
        let own_kappas = [kappa_bid_per_bps, kappa_ask_per_bps];
        let (cost, limits) = (&self.config.cost, &self.config.inventory);
        let position = self.position;
        let shown = &mut self.shown;
        shown.mid = mid;
        shown.position = position;
        shown.sigma_bps_per_sqrt_s = sigma;

        // Gamma and kappas.
        let inventory = limits.at(position, sigma, tau);
        shown.gamma_per_bps = inventory.gamma_per_bps;
        shown.skew_bps = inventory.skew_bps;
        shown.killed_side = inventory.killed_side;
        shown.flow_imbalance = self.flow.imbalance(t_ms);
        let [bid, ask] = self.flow.kappa_multipliers(t_ms);
        shown.kappas_per_bps = [own_kappas[0] * bid, own_kappas[1] * ask];

        // Touch.
        shown.drift_shift_bps = drift_shift_bps(shown.drift_bps_per_s, tau);
        if self.config.gates.use_funding {
            let used = utilisation(position, limits.max_position).abs();
            shown.funding_skew_bps = used * self.funding.carry_of_longs_bps();
            shown.carry_bps = self.funding.carry_bps();
        }
        shown.half_spreads_bps = match cost.base_half_spread_bps {
            Some(half_spread) => [half_spread; 2],
            None => shown
                .kappas_per_bps
                .map(|kappa| half_spread_bps(shown.gamma_per_bps, kappa, sigma, tau, cost.fee_bps)),
        };
        shown.touch_depths_bps = touch_depths_bps(
            shown.half_spreads_bps,
            shown.drift_shift_bps,
            shown.skew_bps + shown.funding_skew_bps,
            cost.fee_bps,
        );

        // Levels: filter, kill guard, sizes, prices. The filter takes the sides' own kappas (D-46).
        shown.as_cost_bps = cost.as_ratio * shown.as_ratio_adjustment * sigma * tau.sqrt();
        for side in QuoteSide::BOTH {
            let terms = Terms {
                gamma_base_per_bps: limits.gamma_base_per_bps,
                inventory_beta: limits.inventory_beta,
                kappa_per_bps: own_kappas[side as usize],
                sigma_bps_per_sqrt_s: sigma,
                time_horizon_s: tau,
                drift_bps_per_s: shown.drift_bps_per_s,
                position,
                max_position: limits.max_position,
                as_cost_bps: shown.as_cost_bps,
                fee_bps: cost.fee_bps,
                carry_cost_bps: shown.carry_bps[side as usize],
            };
            let killed = shown.killed_side == Some(side);
            let from = Rung {
                side,
                mid,
                touch_depth_bps: shown.touch_depths_bps[side as usize],
                room: if killed { 0.0 } else { limits.max_position - side.sign() * position },
            };
            let quotes = match side {
                QuoteSide::Bid => &mut shown.bids,
                QuoteSide::Ask => &mut shown.asks,
            };
            let earned = &mut shown.expected_pnl_bps[side as usize];
            self.config.ladder.lay(&from, &SideValue::new(side, &terms), earned, quotes);
        }
    }

    /// What an operator wants to be told (D-44).
    fn show_events(&mut self) {
        let max_position = self.config.inventory.max_position;
        let shown = &mut self.shown;
        shown.zone = Zone::of(self.position, max_position);
        shown.gate_closed_side = gate_closed_side(self.position, max_position);

        let closed = |side| shown.gate_closed_side == Some(side);
        let killed = |side| shown.killed_side == Some(side);
        let events = [
            (shown.drift_shift_bps.abs() > OLD_CAP_BPS, "drift_beyond_old_cap"),
            (killed(QuoteSide::Bid), "kill_guard_bid"),
            (killed(QuoteSide::Ask), "kill_guard_ask"),
            (closed(QuoteSide::Bid) != shown.bids.is_empty(), "dual_run_disagreement_bid"),
            (closed(QuoteSide::Ask) != shown.asks.is_empty(), "dual_run_disagreement_ask"),
        ];
        shown.events.clear();
        shown.events.extend(events.into_iter().filter(|(holds, _)| *holds).map(|(_, name)| name));
    }

    // --- parts ----------------------------------------------------------------------------------

    /// Sigma in force: as estimated, times the multiplier of the last warm cycle.
    fn sigma(&self) -> f64 {
        self.market.sigma_bps_per_sqrt_s * self.sigma_multiplier
    }

    fn hear_if_any(&mut self, source: &'static str, said: Option<Observation>) {
        if let Some(said) = said {
            self.hear(Cow::Borrowed(source), said);
        }
    }

    fn hear(&mut self, source: Cow<'static, str>, said: Observation) {
        let update = self.filter.update(said);
        self.heard.push(Heard {
            source,
            z_bps_per_s: said.z_bps_per_s,
            variance: said.variance,
            gain: update.gain,
            push_bps_per_s: update.push_bps_per_s,
        });
    }
}
