"""The mirror: long for short, bid for ask, buy for sell, log-returns and drifts negated.

Mids and offsets are powers of two, so that mirroring them is exact and the figures must be equal,
not merely close. Prices alone differ, by the rounding to a tick.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quotemark_reference.config import EngineConfig, make_config
from quotemark_reference.engine import Cycle, QuoteEngine
from quotemark_reference.ladder import Quote

Event = tuple[str, dict[str, Any]]

OPPOSITE = {"buy": "sell", "sell": "buy", "bid": "ask", "ask": "bid"}
CENTRE = 64.0


def mirrored_mid(mid: float) -> float:
    """Log-return from the centre negated."""
    return CENTRE * CENTRE / mid


def mirrored_price(price: float, mid: float) -> float:
    """As far from the mirrored mid, in bp, on its other side."""
    return mirrored_mid(mid) * (2.0 - price / mid)


def mirrored(event: Event) -> Event:
    kind, given_values = event
    values = dict(given_values)
    if "side" in values:
        values["side"] = OPPOSITE[values["side"]]
    if "price" in values:
        values["price"] = mirrored_price(values["price"], given_values["mid"])
    if "mid" in values:
        values["mid"] = mirrored_mid(values["mid"])
    for name in ("z_bps_per_s", "magnitude_bps"):
        if name in values:
            values[name] = -values[name]
    if kind == "estimate":
        bid, ask = values["kappa_bid_per_bps"], values["kappa_ask_per_bps"]
        values |= {"kappa_bid_per_bps": ask, "kappa_ask_per_bps": bid}
    if kind == "book":
        mid = given_values["mid"]
        bids, asks = (
            [(mirrored_price(price, mid), size) for price, size in given_values[name]]
            for name in ("asks", "bids")
        )
        values |= {"bids": bids, "asks": asks}
    return kind, values


def apply(engine: QuoteEngine, t_ms: int, event: Event) -> Cycle | None:
    kind, values = event
    if kind == "cycle":
        return engine.cycle(t_ms, **values)
    passed = dict(values)
    if kind in ("book", "trade"):
        passed.pop("mid")  # there for the mirror only
    if kind == "fill" and passed.pop("from_book"):
        passed.pop("mid")
    getattr(engine, f"on_{kind}")(t_ms, **passed)
    return None


mids = st.sampled_from([32.0, 64.0, 128.0])
sizes = st.integers(1, 32).map(lambda n: n / 16.0)
sides = st.sampled_from(["buy", "sell"])


@st.composite
def prices(draw: st.DrawFn, sign: int = 0) -> tuple[float, float]:
    """A mid, and a price a dyadic distance from it."""
    mid = draw(mids)
    offset = draw(st.integers(0, 256)) / 4096.0 * (sign or draw(st.sampled_from([-1, 1])))
    return mid, mid * (1.0 + offset)


@st.composite
def fills(draw: st.DrawFn) -> Event:
    mid, price = draw(prices())
    values = {"side": draw(sides), "size": draw(sizes), "price": price, "mid": mid}
    return "fill", {**values, "from_book": False}


@st.composite
def trades(draw: st.DrawFn) -> Event:
    mid, price = draw(prices())
    return "trade", {"side": draw(sides), "size": draw(sizes), "price": price, "mid": mid}


@st.composite
def books(draw: st.DrawFn) -> Event:
    mid = draw(mids)
    bid, ask = (draw(st.integers(1, 64)) / 4096.0 for _ in range(2))
    bids = [(mid * (1.0 - bid), 1.0), (mid * 0.75, 2.0)]
    asks = [(mid * (1.0 + ask), 1.0)]
    kept = draw(st.sampled_from(["both", "bids", "asks"]))
    # the mid halfway between unequal offsets is not the mirror's centre: only equal ones here
    asks = [(mid * (1.0 + bid), 1.0)] if kept == "both" else asks
    return "book", {
        "bids": bids if kept != "asks" else [],
        "asks": asks if kept != "bids" else [],
        "mid": mid,
    }


def figures(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high)


events_st = st.one_of(
    fills(),
    trades(),
    books(),
    st.fixed_dictionaries(
        {
            "magnitude_bps": figures(-40, 40),
            "agreement": figures(0, 1),
            "p_continuation": figures(0, 1),
        }
    ).map(lambda values: ("trend", values)),
    st.fixed_dictionaries({"z_bps_per_s": figures(-20, 20), "variance": figures(0.5, 300)}).map(
        lambda values: ("signal", values)
    ),
    st.fixed_dictionaries({"side": st.sampled_from(["bid", "ask"]), "toxicity": figures(0, 1)}).map(
        lambda values: ("toxicity", values)
    ),
    st.fixed_dictionaries(
        {
            "sigma_bps_per_sqrt_s": figures(0.5, 10),
            "kappa_bid_per_bps": figures(0.05, 0.5),
            "kappa_ask_per_bps": figures(0.05, 0.5),
            "time_horizon_s": figures(0.5, 20),
        }
    ).map(lambda values: ("estimate", values)),
    mids.map(lambda mid: ("cycle", {"mid": mid})),
)
tapes_st = st.lists(st.tuples(st.integers(0, 7000), events_st), max_size=12)


def quote_figures(quotes: list[Quote]) -> list[object]:
    return [(q.level, q.depth_bps, q.size, q.expected_pnl_bps) for q in quotes]


def check_prices(cycle: Cycle) -> None:
    for sign, quotes in ((-1.0, cycle.bids), (1.0, cycle.asks)):
        for quote in quotes:
            exact = cycle.mid * (1.0 + sign * quote.depth_bps / 1e4)
            # away from mid, by less than a tick
            assert -1e-8 <= sign * (quote.price - exact) / quote.tick < 1.0 + 1e-8


def check_mirror(one: Cycle, other: Cycle) -> None:
    assert other.position == -one.position
    assert other.drift_bps_per_s == -one.drift_bps_per_s
    assert other.drift_shift_bps == -one.drift_shift_bps
    assert other.skew_bps == -one.skew_bps
    assert other.flow_imbalance == -one.flow_imbalance
    for name in ("drift_variance", "gamma_per_bps", "sigma_bps_per_sqrt_s", "as_cost_bps", "zone"):
        assert getattr(other, name) == getattr(one, name)
    for name in ("kappas_per_bps", "half_spreads_bps", "touch_depths_bps"):
        assert getattr(other, name) == getattr(one, name)[::-1]
    if one.expected_pnl_bps is not None:
        assert other.expected_pnl_bps == one.expected_pnl_bps[::-1]
    else:
        assert other.expected_pnl_bps is None
    for name in ("killed_side", "gate_closed_side"):
        side = getattr(one, name)
        assert getattr(other, name) == (side and OPPOSITE[side])
    assert set(other.events) == {
        event[:-3] + OPPOSITE.get(event[-3:], event[-3:]) for event in one.events
    }
    assert quote_figures(other.asks) == quote_figures(one.bids)
    assert quote_figures(other.bids) == quote_figures(one.asks)
    check_prices(one)
    check_prices(other)


@given(
    variant=st.sampled_from(["documented", "deployed"]),
    phases=st.sampled_from(["1234", "123", "124", "13", "23", "12", "2", ""]),
    tape=tapes_st,
)
def test_engine_is_mirror_symmetric(
    variant: str, phases: str, tape: list[tuple[int, Event]]
) -> None:
    config = make_config(
        EngineConfig,
        {
            "use_kalman_drift": "1" in phases,
            "use_continuous_gamma": "2" in phases,
            "use_directional_flow": "3" in phases,
            "use_epnl_filter": "4" in phases,
            "legacy_variant": variant,
            "flow_min_trades": 2,
        },
    )
    one, other = QuoteEngine(config), QuoteEngine(config)
    now_ms = 0
    for elapsed_ms, event in [*tape, (1000, ("cycle", {"mid": 64.0}))]:
        now_ms += elapsed_ms
        answers = apply(one, now_ms, event), apply(other, now_ms, mirrored(event))
        if answers[0] is not None and answers[1] is not None:
            check_mirror(answers[0], answers[1])


def test_fill_at_the_books_mid_is_mirrored() -> None:
    engines = QuoteEngine(EngineConfig()), QuoteEngine(EngineConfig())
    tape: list[Event] = [
        ("book", {"bids": [(63.5, 1.0)], "asks": [(64.5, 1.0)], "mid": 64.0}),
        ("fill", {"side": "buy", "size": 1.0, "price": 63.75, "mid": 64.0, "from_book": True}),
    ]
    for event in tape:
        apply(engines[0], 0, event)
        apply(engines[1], 0, mirrored(event))
    one, other = (engine.cycle(0) for engine in engines)
    assert one.drift_bps_per_s == pytest.approx(-(0.25 / 64.0 * 1e4 / 2.0) * 50.0 / 59.0)
    check_mirror(one, other)
