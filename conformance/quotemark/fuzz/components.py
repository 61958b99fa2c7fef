"""Steps of every component but the quote cycle, as a market makes them and as it doesn't."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from quotemark.fuzz.draws import Clock, book, fraction, magnitude, signed, trade_side
from quotemark.messages import Json
from quotemark.suite.market import MAX_POSITION

Maker = Callable[[random.Random], Iterator[Json]]


def drift(rng: random.Random) -> Iterator[Json]:
    """Predicts, observations, fills and trends, in any order."""
    clock, price = Clock(rng), magnitude(rng, 1e-5, 1e5)
    while True:
        match rng.choice(("predict", "observe", "observe", "fill", "trend")):
            case "predict":
                yield {"step": "predict", "t_ms": clock.tick()}
            case "observe":
                yield {
                    "step": "observe",
                    "z_bps_per_s": signed(rng, 1e-4, 1e3),
                    "variance": magnitude(rng, 1e-3, 1e5),
                }
            case "fill":
                yield {
                    "step": "fill",
                    "side": trade_side(rng),
                    "price": price * (1.0 + rng.gauss(0.0, 1e-3)),
                    "mid": price,
                    "sigma_bps_per_sqrt_s": magnitude(rng, 0.1, 50.0),
                }
            case _:
                yield {
                    "step": "trend",
                    "magnitude_bps": signed(rng, 1e-3, 1e3),
                    "agreement": fraction(rng),
                    "p_continuation": fraction(rng),
                }


def inventory(rng: random.Random) -> Iterator[Json]:
    """Positions far below, at and past the limit."""
    while True:
        share = rng.choice((0.0, 1.0, -1.0, rng.uniform(-1.5, 1.5), signed(rng, 1e-9, 1e3)))
        yield {
            "step": "position",
            "position": MAX_POSITION * share,
            "sigma_bps_per_sqrt_s": magnitude(rng, 1e-2, 1e3),
            "time_horizon_s": magnitude(rng, 1e-2, 1e4),
        }


def flow(rng: random.Random) -> Iterator[Json]:
    """Trades, lopsided or not, and readings, with silences."""
    clock, size, buys = Clock(rng), magnitude(rng, 1e-6, 1e6), rng.random()
    while True:
        if rng.random() < 0.02:
            buys = fraction(rng)
        if rng.random() < 0.2:
            yield {"step": "read", "t_ms": clock.tick()}
        else:
            yield {
                "step": "trade",
                "t_ms": clock.tick(),
                "side": trade_side(rng, buys),
                "size": size * magnitude(rng, 1e-2, 1e2),
            }


def glft(rng: random.Random) -> Iterator[Json]:
    """Half-spreads over all magnitudes of gamma and kappa."""
    while True:
        yield {
            "step": "depths",
            "gamma_per_bps": magnitude(rng, 1e-4, 1e2),
            "kappas_per_bps": [magnitude(rng, 1e-4, 1e2), magnitude(rng, 1e-4, 1e2)],
            "sigma_bps_per_sqrt_s": magnitude(rng, 1e-2, 1e2),
            "time_horizon_s": magnitude(rng, 1e-2, 1e3),
            "fee_bps": rng.choice((0.0, 1.5, -0.5, magnitude(rng, 1e-2, 1e2))),
            "drift_bps_per_s": signed(rng, 1e-3, 1e2),
            "skew_bps": signed(rng, 1e-3, 1e2),
        }


def expected_pnl(rng: random.Random) -> Iterator[Json]:
    """Levels of either side, from the touch to where no fill is to be expected."""
    while True:
        limit = magnitude(rng, 1e-3, 1e5)
        share = rng.choice((0.0, 1.0, -1.0, rng.uniform(-1.5, 1.5)))
        step = {
            "step": "level",
            "side": rng.choice(("bid", "ask")),
            "depth_bps": rng.choice((0.0, magnitude(rng, 1e-2, 1e3))),
            "gamma_base_per_bps": magnitude(rng, 1e-3, 1e1),
            "inventory_beta": rng.choice((0.0, 3.0, 7.0, rng.uniform(0.0, 20.0))),
            "kappa_per_bps": magnitude(rng, 1e-3, 1e1),
            "sigma_bps_per_sqrt_s": magnitude(rng, 1e-1, 1e2),
            "time_horizon_s": magnitude(rng, 1e-1, 1e2),
            "drift_bps_per_s": signed(rng, 1e-3, 1e2),
            "position": limit * share,
            "max_position": limit,
            "as_cost_bps": magnitude(rng, 1e-2, 1e2),
            "fee_bps": rng.choice((0.0, 1.5, magnitude(rng, 1e-2, 1e1))),
        }
        yield step if rng.random() < 0.5 else {**step, "carry_cost_bps": signed(rng, 1e-3, 1e2)}


def adaptation(rng: random.Random) -> Iterator[Json]:
    """Markouts that fall short, overshoot, contradict, and agree."""
    while True:
        predicted = signed(rng, 1e-3, 1e2)
        yield {
            "step": "markout",
            "predicted_drift_bps_per_s": predicted,
            "predicted_variance": magnitude(rng, 1e-3, 1e3),
            "realised_drift_bps_per_s": rng.choice(
                (predicted, predicted * rng.uniform(-2.0, 3.0), signed(rng, 1e-3, 1e2))
            ),
            "sigma_bps_per_sqrt_s": magnitude(rng, 1e-1, 1e2),
            "window_s": magnitude(rng, 1e-3, 1e4),
        }


def funding_rate(rng: random.Random) -> str:
    """Return a rate as a feed writes it, ordinary or extreme."""
    rate = rng.choice((rng.gauss(1e-5, 2e-5), rng.gauss(0.0, 3e-3), 0.0, 1.25e-5))
    return rng.choice((f"{rate:.10f}", f"{rate:.4e}", repr(round(rate, 12))))


def funding(rng: random.Random) -> Iterator[Json]:
    """Readings of the rate, steady and jumping, and prices of mark and index."""
    clock, price = Clock(rng), magnitude(rng, 1e-5, 1e5)
    interval_s = rng.choice((1.0, 3600.0, 28_800.0))
    while True:
        match rng.choice(("funding", "funding", "price", "read")):
            case "funding":
                yield {
                    "step": "funding",
                    "t_ms": clock.tick(),
                    "rate": funding_rate(rng),
                    "interval_s": interval_s,
                }
            case "price":
                yield {
                    "step": "reference_price",
                    "t_ms": clock.tick(),
                    "source": rng.choice(("mark", "index", "spot", "leader")),
                    "price": price * (1.0 + rng.gauss(0.0, 1e-3)),
                }
            case _:
                yield {"step": "read", "t_ms": clock.tick()}


def books(rng: random.Random) -> Iterator[Json]:
    """Books around a wandering mid, and the readings of cycles."""
    clock, mid = Clock(rng), magnitude(rng, 1e-5, 1e5)
    while True:
        mid *= 1.0 + rng.gauss(0.0, 3e-4)
        if rng.random() < 0.6:
            yield book(rng, clock.tick(), mid)
        else:
            yield {"step": "read", "t_ms": clock.tick()}


def sweep(rng: random.Random) -> Iterator[Json]:
    """Own fills over one level or several, and the readings of cycles."""
    clock, size = Clock(rng), magnitude(rng, 1e-4, 1e4)
    while True:
        if rng.random() < 0.3:
            yield {"step": "read", "t_ms": clock.tick()}
        else:
            yield {
                "step": "fill",
                "t_ms": clock.tick(),
                "side": trade_side(rng),
                "size": size * magnitude(rng, 0.1, 10.0),
                "levels_crossed": rng.choice((1, 1, 2, 3, 20)),
            }


def hawkes(rng: random.Random) -> Iterator[Json]:
    """Trades in clusters of one side, and readings."""
    clock, buys = Clock(rng), rng.random()
    while True:
        if rng.random() < 0.05:
            buys = fraction(rng)
        if rng.random() < 0.2:
            yield {"step": "read", "t_ms": clock.tick()}
        else:
            yield {"step": "trade", "t_ms": clock.tick(), "side": trade_side(rng, buys)}


def fill_size(rng: random.Random) -> Iterator[Json]:
    """Own fills, of one size for a while and of many magnitudes."""
    size = magnitude(rng, 1e-4, 1e4)
    while True:
        if rng.random() < 0.05:
            size = magnitude(rng, 1e-4, 1e4)
        spread = rng.choice((1.0, 1.0, magnitude(rng, 0.2, 5.0)))
        yield {"step": "fill", "side": trade_side(rng), "size": size * spread}


def cross_venue(rng: random.Random) -> Iterator[Json]:
    """A mid that follows a leader or not, and a spot that comes and goes."""
    mid, leader = magnitude(rng, 1e-4, 1e5), magnitude(rng, 1e-2, 1e5)
    follows = rng.choice((0.0, 0.5, 1.5))
    while True:
        move = rng.choice((0.0, rng.gauss(0.0, 5e-4), rng.gauss(0.0, 5e-4)))
        leader *= 1.0 + move
        mid *= 1.0 + follows * move + rng.gauss(0.0, 1e-4)
        step: Json = {"step": "read", "mid": mid}
        if rng.random() < 0.7:
            step["spot"] = mid * (1.0 + rng.gauss(0.0, 1e-3))
        if rng.random() < 0.8:
            step["leader"] = leader
        yield step


def volatility(rng: random.Random) -> Iterator[Json]:
    """A mid calm, restless and jumping by turns."""
    clock, mid, sigma = Clock(rng), magnitude(rng, 1e-4, 1e5), 1e-4
    while True:
        if rng.random() < 0.05:
            sigma = magnitude(rng, 1e-5, 1e-2)
        mid *= 1.0 + rng.gauss(0.0, sigma)
        yield {"step": "read", "t_ms": clock.tick(), "mid": mid}


def open_interest(rng: random.Random) -> Iterator[Json]:
    """Open interest that grows and shrinks beside a moving mid."""
    mid, contracts = magnitude(rng, 1e-4, 1e5), magnitude(rng, 1e-2, 1e9)
    while True:
        mid *= 1.0 + rng.choice((0.0, rng.gauss(0.0, 1e-3)))
        contracts *= 1.0 + rng.choice((0.0, rng.gauss(0.0, 1e-2)))
        yield {"step": "read", "mid": mid, "contracts": contracts}


MAKERS: dict[str, Maker] = {
    "drift": drift,
    "inventory": inventory,
    "flow": flow,
    "glft": glft,
    "expected_pnl": expected_pnl,
    "adaptation": adaptation,
    "funding": funding,
    "book": books,
    "sweep": sweep,
    "hawkes": hawkes,
    "fill_size": fill_size,
    "cross_venue": cross_venue,
    "volatility": volatility,
    "open_interest": open_interest,
}
