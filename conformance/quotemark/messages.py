"""Every message of the port, as types: steps, observations, requests and answers.

The JSON Schemas that ship for implementers are generated from these types (``quotemark schema``),
and the harness decodes with them, so the three cannot drift apart. Units stand in the names; see
the reference for the meaning of each figure.

A number that is not finite travels as one of the strings ``"nan"``, ``"inf"``, ``"-inf"``.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

Json: TypeAlias = dict[str, Any]

PROTOCOL_VERSION = "1.0"

TradeSide = Literal["buy", "sell"]
QuoteSide = Literal["bid", "ask"]
PriceSource = Literal["mark", "index", "spot", "leader"]
TimeMs = Annotated[int, Meta(description="milliseconds, never falling within a session")]
Pair = tuple[float, float]

RejectionCode = Literal[
    "non_finite",
    "out_of_range",
    "time_reversed",
    "unknown_component",
    "unknown_step",
    "missing_field",
    "unknown_field",
    "not_open",
    "duplicate",
    "crossed_book",
    "unparsable",
]


# --- steps ------------------------------------------------------------------------------------


class Step(Struct, forbid_unknown_fields=True, tag_field="step"):
    """Base of all steps: ``step`` names the kind."""


class Predict(Step, tag="predict"):
    """drift: propagate the posterior to ``t_ms``."""

    t_ms: TimeMs


class Observe(Step, tag="observe"):
    """drift: condition on an observation z with variance R."""

    z_bps_per_s: float
    variance: float


class DriftFill(Step, tag="fill"):
    """drift: condition on an own fill."""

    side: TradeSide
    price: float
    mid: float
    sigma_bps_per_sqrt_s: float


class DriftTrend(Step, tag="trend"):
    """drift: condition on a trend reading; positive magnitudes are a falling market."""

    magnitude_bps: float
    agreement: float
    p_continuation: float


class Position(Step, tag="position"):
    """inventory: risk aversion at a position."""

    position: float
    sigma_bps_per_sqrt_s: float
    time_horizon_s: float


class FlowTrade(Step, tag="trade"):
    """flow: a trade of others; ``side`` is the aggressor's."""

    t_ms: TimeMs
    side: TradeSide
    size: float


class Depths(Step, tag="depths"):
    """glft: half-spreads and the depths of the touch. Pairs are (bid, ask)."""

    gamma_per_bps: float
    kappas_per_bps: Pair
    sigma_bps_per_sqrt_s: float
    time_horizon_s: float
    fee_bps: float
    drift_bps_per_s: float
    skew_bps: float


class Level(Step, tag="level"):
    """expected_pnl: the expected PnL of one level."""

    side: QuoteSide
    depth_bps: float
    gamma_base_per_bps: float
    inventory_beta: float
    kappa_per_bps: float
    sigma_bps_per_sqrt_s: float
    time_horizon_s: float
    drift_bps_per_s: float
    position: float
    max_position: float
    as_cost_bps: float
    fee_bps: float
    carry_cost_bps: float = 0.0


class AdaptationMarkout(Step, tag="markout"):
    """adaptation: the drift realised after a fill, beside mu and P from just before it."""

    predicted_drift_bps_per_s: float
    predicted_variance: float
    realised_drift_bps_per_s: float
    sigma_bps_per_sqrt_s: float
    window_s: float


class Read(Step, tag="read"):
    """What a component says at ``t_ms``; for book and sweep, a cycle."""

    t_ms: TimeMs


class SweepFill(Step, tag="fill"):
    """sweep: an own fill, whose aggressor took ``levels_crossed`` own levels."""

    t_ms: TimeMs
    side: TradeSide
    size: float
    levels_crossed: int


class HawkesTrade(Step, tag="trade"):
    """hawkes: a trade of others; ``side`` is the aggressor's."""

    t_ms: TimeMs
    side: TradeSide


class SizedFill(Step, tag="fill"):
    """fill_size: an own fill."""

    side: TradeSide
    size: float


class CrossVenueRead(Step, tag="read", omit_defaults=True):
    """cross_venue: a cycle of all tiers; a price that is absent stays as it was."""

    mid: float
    spot: float | None = None
    leader: float | None = None


class VolatilityRead(Step, tag="read"):
    """volatility: a cycle of all tiers."""

    t_ms: TimeMs
    mid: float


class OpenInterestRead(Step, tag="read"):
    """open_interest: a cold cycle."""

    mid: float
    contracts: float


class Book(Step, tag="book"):
    """engine, book: a book snapshot; levels are [price, size], best first."""

    t_ms: TimeMs
    bids: list[Pair]
    asks: list[Pair]


class Trade(Step, tag="trade", omit_defaults=True):
    """engine: a trade of others; ``side`` is the aggressor's."""

    t_ms: TimeMs
    side: TradeSide
    price: float
    size: float
    id: str | None = None
    mid: float | None = None


class Fill(Step, tag="fill", omit_defaults=True):
    """engine: an own fill; ``side`` is the own side. An ``id`` seen before is a duplicate.

    ``levels_crossed`` counts the own levels that its aggressor took, of which this is one.
    """

    t_ms: TimeMs
    side: TradeSide
    price: float
    size: float
    id: str | None = None
    mid: float | None = None
    levels_crossed: int = 1


class Trend(Step, tag="trend"):
    """engine: a trend reading; positive magnitudes are a falling market."""

    t_ms: TimeMs
    magnitude_bps: float
    agreement: float
    p_continuation: float


class Signal(Step, tag="signal", omit_defaults=True):
    """engine: a drift signal, ``value`` in bp/s with its ``variance``, held for the next cycle.

    With the sources ``toxicity_bid`` and ``toxicity_ask``, ``value`` is that side's toxicity in
    [0, 1], lasting until the next, and there is no variance.
    """

    t_ms: TimeMs
    source: str
    value: float
    variance: float | None = None


class Estimate(Step, tag="estimate", omit_defaults=True):
    """engine: the desk's estimates, lasting until the next; what is absent stays."""

    t_ms: TimeMs
    sigma_bps_per_sqrt_s: float | None = None
    kappa_bid_per_bps: float | None = None
    kappa_ask_per_bps: float | None = None
    time_horizon_s: float | None = None


class Funding(Step, tag="funding"):
    """engine, funding: a reading of the public funding rate, as the feed gives it (phase 6)."""

    t_ms: TimeMs
    rate: str
    interval_s: float


class ReferencePrice(Step, tag="reference_price"):
    """engine, funding: a price of another market, lasting until the next (phases 6 and 8)."""

    t_ms: TimeMs
    source: PriceSource
    price: float


class OpenInterest(Step, tag="open_interest"):
    """engine: open interest in contracts, lasting until the next (phase 8)."""

    t_ms: TimeMs
    contracts: float


class CycleStep(Step, tag="cycle", omit_defaults=True):
    """engine: quote. The only step whose observation is a ladder."""

    t_ms: TimeMs
    mid: float | None = None


STEPS: dict[str, tuple[type[Step], ...]] = {
    "drift": (Predict, Observe, DriftFill, DriftTrend),
    "inventory": (Position,),
    "flow": (FlowTrade, Read),
    "glft": (Depths,),
    "expected_pnl": (Level,),
    "adaptation": (AdaptationMarkout,),
    "funding": (Funding, ReferencePrice, Read),
    "book": (Book, Read),
    "sweep": (SweepFill, Read),
    "hawkes": (HawkesTrade, Read),
    "fill_size": (SizedFill,),
    "cross_venue": (CrossVenueRead,),
    "volatility": (VolatilityRead,),
    "open_interest": (OpenInterestRead,),
    "engine": (
        Book,
        Trade,
        Fill,
        Trend,
        Signal,
        Estimate,
        Funding,
        ReferencePrice,
        OpenInterest,
        CycleStep,
    ),
}
"""The steps each component takes."""


# --- observations -----------------------------------------------------------------------------


class DriftObservation(Struct):
    """The posterior after a step."""

    drift_bps_per_s: float
    variance: float
    uncertainty_bps_per_s: float
    confidence: float


class InventoryObservation(Struct):
    """Risk aversion, skew and kill guard at a position."""

    gamma_per_bps: float
    skew_bps: float
    killed_side: QuoteSide | None


class FlowObservation(Struct):
    """Flow at a time; z and variance are null where flow gives no drift observation."""

    imbalances: tuple[float, float, float, float]
    kappa_multipliers: Pair
    trades_per_s: float
    z_bps_per_s: float | None
    variance: float | None


class GlftObservation(Struct):
    """Half-spreads and touch depths, pairs of (bid, ask)."""

    half_spreads_bps: Pair
    touch_depths_bps: Pair


class ExpectedPnlObservation(Struct):
    """Expected PnL of a level, whether it is kept, and its parts."""

    expected_pnl_bps: float
    keep: bool
    fill_intensity: float
    drift_contribution_bps: float
    inventory_penalty_bps: float


class AdaptationObservation(Struct):
    """Theta and process noise after a markout."""

    theta_per_s: float
    process_noise: float
    error_ewma: float


class FundingObservation(Struct):
    """Funding as it stands; carry is a pair (bid, ask). Null is what is not known yet."""

    readings: int
    rate_per_s: float | None
    ewma_rate: float | None
    mean_rate: float | None
    rate_std: float | None
    zscore: float | None
    premium_bps: float | None
    carry_bps: Pair
    z_bps_per_s: float | None
    variance: float | None


class SourcedObservation(Struct):
    """A drift observation and its source."""

    source: str
    z_bps_per_s: float
    variance: float


class BookObservation(Struct):
    """Shape of the last book at 10, 25 and 50 bp, and what it says."""

    imbalances: tuple[float, float, float]
    delta_bim_per_s: float | None
    pressure_gradient: float | None
    depth_usd: float
    insufficient_depth_bps: list[float]
    signals: list[SourcedObservation]


class SweepObservation(Struct):
    """Scores (bid, ask) of the window, and what they say."""

    scores: Pair
    z_bps_per_s: float | None
    variance: float | None


class HawkesObservation(Struct):
    """Intensities (buy, sell) at a time, and what they say."""

    intensities_per_s: Pair
    events: int
    z_bps_per_s: float | None
    variance: float | None


class FillSizeObservation(Struct):
    """Baseline of own fill sizes, z-scores (bid, ask), and what they say."""

    baseline_mean: float
    baseline_std: float
    zscores: Pair
    z_bps_per_s: float | None
    variance: float | None


class CrossVenueObservation(Struct):
    """Basis and lead, and what each says."""

    basis_bps: float | None
    basis_change_bps: float | None
    basis_z_bps_per_s: float | None
    basis_variance: float | None
    lead_bps: float | None
    lead_beta: float | None
    lead_confidence: float | None
    lead_z_bps_per_s: float | None
    lead_variance: float | None


class VolatilityObservation(Struct):
    """Term structure and tails, and what they scale."""

    vol_ratio: float
    sigma_multiplier: float
    excess_kurtosis: float | None
    as_ratio_adjustment: float


class OpenInterestObservation(Struct):
    """Relative change of open interest, and what it says."""

    change: float | None
    z_bps_per_s: float | None
    variance: float | None


class DriftUpdateObservation(Struct):
    """An observation that reached the filter, its gain, and the push it gave the drift."""

    source: str
    z_bps_per_s: float
    variance: float
    gain: float
    push_bps_per_s: float


class QuoteObservation(Struct):
    """One resting level. ``price`` and ``size`` are level L0; the rest is L1."""

    price: float
    size: float
    level: int | UnsetType = UNSET
    depth_bps: float | UnsetType = UNSET
    tick: float | UnsetType = UNSET
    expected_pnl_bps: float | UnsetType | None = UNSET


class CycleObservation(Struct):
    """What a quote cycle gives. ``bids`` and ``asks`` are level L0; the rest is L1."""

    bids: list[QuoteObservation]
    asks: list[QuoteObservation]
    mid: float | UnsetType = UNSET
    position: float | UnsetType = UNSET
    drift_bps_per_s: float | UnsetType = UNSET
    drift_variance: float | UnsetType = UNSET
    drift_observations: list[DriftUpdateObservation] | UnsetType = UNSET
    composite_parts: list[SourcedObservation] | UnsetType = UNSET
    theta_per_s: float | UnsetType = UNSET
    process_noise: float | UnsetType = UNSET
    gamma_per_bps: float | UnsetType = UNSET
    sigma_bps_per_sqrt_s: float | UnsetType = UNSET
    flow_imbalance: float | UnsetType = UNSET
    kappas_per_bps: Pair | UnsetType = UNSET
    half_spreads_bps: Pair | UnsetType = UNSET
    drift_shift_bps: float | UnsetType = UNSET
    skew_bps: float | UnsetType = UNSET
    funding_skew_bps: float | UnsetType = UNSET
    carry_bps: Pair | UnsetType = UNSET
    as_cost_bps: float | UnsetType = UNSET
    touch_depths_bps: Pair | UnsetType = UNSET
    expected_pnl_bps: tuple[list[float], list[float]] | UnsetType | None = UNSET
    zone: Literal["green", "yellow", "red", "kill"] | UnsetType = UNSET
    killed_side: QuoteSide | UnsetType | None = UNSET
    gate_closed_side: QuoteSide | UnsetType | None = UNSET
    active_phases: list[int] | UnsetType = UNSET
    inert_phases: list[int] | UnsetType = UNSET
    events: list[str] | UnsetType = UNSET
    vol_ratio: float | UnsetType = UNSET
    as_ratio_adjustment: float | UnsetType = UNSET
    funding_zscore: float | UnsetType | None = UNSET
    premium_bps: float | UnsetType | None = UNSET
    book_imbalances: tuple[float, float, float] | UnsetType | None = UNSET
    insufficient_depth_bps: list[float] | UnsetType | None = UNSET


OBSERVATIONS: dict[str, type[Struct]] = {
    "drift": DriftObservation,
    "inventory": InventoryObservation,
    "flow": FlowObservation,
    "glft": GlftObservation,
    "expected_pnl": ExpectedPnlObservation,
    "adaptation": AdaptationObservation,
    "funding": FundingObservation,
    "book": BookObservation,
    "sweep": SweepObservation,
    "hawkes": HawkesObservation,
    "fill_size": FillSizeObservation,
    "cross_venue": CrossVenueObservation,
    "volatility": VolatilityObservation,
    "open_interest": OpenInterestObservation,
    "engine": CycleObservation,
}
"""The observation of each component; an engine's steps other than ``cycle`` give ``{}``."""

QUOTE_FIELDS = tuple(f"quote.{name}" for name in QuoteObservation.__struct_fields__)
LEVEL_0_FIELDS = ("bids", "asks", "quote.price", "quote.size")


def component_fields(component: str) -> tuple[str, ...]:
    """Names of all observation fields of a component; a quote's are named ``quote.<field>``."""
    own = OBSERVATIONS[component].__struct_fields__
    return own + QUOTE_FIELDS if component == "engine" else own


# --- answers to a step, and to open and close -------------------------------------------------


class Ok(Struct, tag_field="status", tag="ok"):
    """The step acted."""

    observation: Json = {}


class Opened(Struct, tag_field="status", tag="ok"):
    """The session is open, with this effective configuration in canonical names and units."""

    config: Json


class Closed(Struct, tag_field="status", tag="ok"):
    """The session is closed."""


class Rejected(Struct, tag_field="status", tag="rejected"):
    """The input is bad; the state is unchanged."""

    code: RejectionCode
    message: str


class Unsupported(Struct, tag_field="status", tag="unsupported"):
    """The engine cannot do this. Never a pass."""

    reason: str


Answer: TypeAlias = Ok | Rejected | Unsupported
OpenAnswer: TypeAlias = Opened | Rejected | Unsupported
CloseAnswer: TypeAlias = Closed | Rejected


# --- requests ---------------------------------------------------------------------------------


class InitializeParams(Struct, forbid_unknown_fields=True):
    """The harness introduces itself."""

    protocol: Annotated[str, Meta(description="highest protocol version the harness speaks")]
    suite: str


class Identity(Struct):
    """The engine introduces itself: what it is, what it offers, what it will let be seen."""

    protocol: str
    name: str
    version: str
    digest: Annotated[str, Meta(description="of the engine's build, such as sha256:...")]
    phases: list[int]
    components: list[str]
    fields: Annotated[
        dict[str, list[str]], Meta(description="observation fields given, by component")
    ]
    clock: Literal["injected", "wall"]


class OpenParams(Struct, forbid_unknown_fields=True):
    """Open a session of a component. The session id is the caller's."""

    session: str
    component: str
    config: Json
    seed: int


class ApplyParams(Struct, forbid_unknown_fields=True):
    """Apply steps in order."""

    session: str
    steps: list[Json]


class ApplyResult(Struct):
    """One answer a step."""

    observations: list[Answer]


class CloseParams(Struct, forbid_unknown_fields=True):
    """End a session."""

    session: str


class Request(Struct):
    """A JSON-RPC 2.0 request, one a line."""

    id: int
    method: Literal["initialize", "open", "apply", "close", "shutdown"]
    params: msgspec.Raw = msgspec.Raw(b"{}")
    jsonrpc: Literal["2.0"] = "2.0"


class RpcError(Struct):
    """A JSON-RPC 2.0 error object: a fault of the protocol, never of a step."""

    code: int
    message: str


class Response(Struct, omit_defaults=True):
    """A JSON-RPC 2.0 response, one a line, in the order of the requests."""

    id: int | None
    jsonrpc: Literal["2.0"]
    result: msgspec.Raw | UnsetType = UNSET
    error: RpcError | None = None
