"""Images of a session: the same market told in another way, whose answers follow from its own.

Three ways: with bull and bear exchanged, later, and in other units. Answers have images too, so
that an engine's session can be held against its image, without knowing a single expected figure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from quotemark.messages import Json
from quotemark.suite.market import MID

MARKOUT_WINDOW_MS = 5000

# --- later ------------------------------------------------------------------------------------


def later(steps: Iterable[Json], shift_ms: int) -> list[Json]:
    """Return the same steps, all of them ``shift_ms`` later."""
    return [{**step, "t_ms": step["t_ms"] + shift_ms} if "t_ms" in step else step for step in steps]


# --- other units ------------------------------------------------------------------------------

PRICES = frozenset({"price", "mid", "spot", "leader", "tick", "tick_size"})
CONTRACTS = frozenset(
    {
        *("size", "contracts", "position", "max_position", "level_sizes", "min_size"),
        *("sweep_reference_size", "baseline_mean", "baseline_std"),
    }
)
DOLLARS = frozenset({"depth_usd", "depth_ref_usd", "depth_floor_usd"})
"""Names of steps, keys and figures that are in these units; all others are in neither."""


def rescaled(told: Json, price: float, contracts: float) -> Json:
    """Return a step, a configuration or an observation, in other units.

    What was one unit of price is ``price`` now, and one contract is ``contracts``; dollars are
    contracts times price. Powers of two are exact in floating point, so that the engine's
    arithmetic is the same but for the exponents.
    """
    factors = {
        **dict.fromkeys(PRICES, price),
        **dict.fromkeys(CONTRACTS, contracts),
        **dict.fromkeys(DOLLARS, price * contracts),
    }

    def image(name: str, value: Any) -> Any:  # noqa: ANN401 - any value that JSON has
        if name in ("bids", "asks"):
            return [level(one) for one in value]
        if isinstance(value, list | tuple):
            return [image(name, one) for one in value]
        if name in factors and value is not None:
            return value * factors[name]
        return value

    def level(one: Any) -> Any:  # noqa: ANN401 - a pair of a book, or a quote
        if isinstance(one, dict):
            return {name: image(name, value) for name, value in one.items()}
        return [one[0] * price, one[1] * contracts]

    return {name: image(name, value) for name, value in told.items()}


# --- the mirror -------------------------------------------------------------------------------

OPPOSITE = {
    **{"buy": "sell", "sell": "buy", "bid": "ask", "ask": "bid"},
    **{"toxicity_bid": "toxicity_ask", "toxicity_ask": "toxicity_bid"},
    **{"kappa_bid_per_bps": "kappa_ask_per_bps", "kappa_ask_per_bps": "kappa_bid_per_bps"},
}
NAMED = frozenset({"side", "source", "killed_side"})
NEGATED = frozenset(
    {
        *("z_bps_per_s", "magnitude_bps", "value", "position", "drift_bps_per_s", "skew_bps"),
        *("predicted_drift_bps_per_s", "realised_drift_bps_per_s"),
        *("imbalances", "delta_bim_per_s", "pressure_gradient"),
        *("rate_per_s", "ewma_rate", "mean_rate", "zscore"),
        *("basis_bps", "basis_change_bps", "basis_z_bps_per_s", "lead_bps", "lead_z_bps_per_s"),
    }
)
SWAPPED = frozenset(
    {
        *("kappas_per_bps", "kappa_multipliers", "half_spreads_bps", "touch_depths_bps"),
        *("carry_bps", "scores", "intensities_per_s", "zscores"),
    }
)
"""What becomes of the values of these names in the mirror; all others stay."""


def mirrored(told: Json) -> Json:
    """Return a step or an observation with bull and bear exchanged, but for its prices."""
    image = {OPPOSITE.get(name, name): _mirrored(name, value) for name, value in told.items()}
    if told.get("source") in OPPOSITE:
        image["value"] = told["value"]  # a toxicity changes its side, not its sign
    return image


def _mirrored(name: str, value: Any) -> Any:  # noqa: ANN401 - any value that JSON has
    if value is None:
        return None
    if name in NAMED:
        return OPPOSITE.get(value, value)
    if name in NEGATED:
        return [-one for one in value] if isinstance(value, list) else -value
    if name in SWAPPED:
        return value[::-1]
    if name == "signals":
        return [mirrored(one) for one in value]
    return _opposite_rate(value) if name == "rate" else value


def _opposite_rate(text: str) -> str:
    return text[1:] if text.startswith("-") else f"-{text}"


def mirrored_price(mid: float) -> float:
    """Return the price whose log-return from 100 is the opposite."""
    return MID * MID / mid


def mirrored_steps(component: str, steps: Iterable[Json]) -> list[Json]:
    """Return a component's steps with bull and bear exchanged, their prices included."""
    if component == "cross_venue":
        return list(_mirrored_venues(steps))
    priced = PRICED.get(component, mirrored)
    return [priced(step) for step in steps]


def _mirrored_fill(step: Json) -> Json:
    """Return a step of ``drift``; a fill is as far from its mid, on the other side."""
    image = mirrored(step)
    return {**image, "price": 2.0 * step["mid"] - step["price"]} if "price" in step else image


def _mirrored_book(step: Json) -> Json:
    """Return a step of ``book``; levels are as far from their mid, on the other side."""
    if "bids" not in step:
        return step
    bids, asks = step["bids"], step["asks"]
    twice_mid = sum(levels[0][0] for levels in (bids, asks) if levels)
    twice_mid *= 1.0 if bids and asks else 2.0
    reflected = ([[twice_mid - price, size] for price, size in side] for side in (asks, bids))
    return {**step, **dict(zip(("bids", "asks"), reflected, strict=True))}


def _mirrored_mid(step: Json) -> Json:
    return {**step, "mid": mirrored_price(step["mid"])}


PRICED: dict[str, Callable[[Json], Json]] = {
    "drift": _mirrored_fill,
    "book": _mirrored_book,
    "volatility": _mirrored_mid,
    "open_interest": _mirrored_mid,
}


def _mirrored_venues(steps: Iterable[Json]) -> Iterator[Json]:
    """Return reads of ``cross_venue`` with returns and bases negated."""
    spot: float | None = None
    for step in steps:
        image = _mirrored_mid(step)
        if "leader" in step:
            image["leader"] = mirrored_price(step["leader"])
        spot = step.get("spot", spot)
        if spot is not None:
            image["spot"] = _opposite_base(step["mid"], spot)
        yield image


def _opposite_base(mid: float, base: float) -> float:
    """Return the price from which the mirrored mid is as far, relatively, the other way."""
    return mirrored_price(mid) / (2.0 - mid / base)


# --- the mirror of a whole market -------------------------------------------------------------


def quoted_mids(steps: Iterable[Json]) -> list[float]:
    """Return the mid that each cycle quotes around: its own, else the last book's (Q-04)."""
    mids = []
    book_mid = math.nan
    for step in steps:
        if step["step"] == "book" and step["bids"] and step["asks"]:
            book_mid = (step["bids"][0][0] + step["asks"][0][0]) / 2.0
        elif step["step"] == "cycle":
            mids.append(step.get("mid", book_mid))
    return mids


def mirrored_market(steps: Sequence[Json]) -> list[Json]:
    """Return the events of a market with bull and bear exchanged, for component ``engine``.

    Log-returns of mid and leader are negated. Books, fills and the spot lie as far from the mid on
    its other side, and books hold as many dollars. What is measured from a base, basis and markout,
    depends on the mid it is measured at: so the spot comes anew with every cycle, and a fill
    carries the mid that its markout will be measured from.
    """
    mirror = _MarketMirror(steps)
    return [image for step in steps for image in mirror.images(step)]


class _MarketMirror:
    """Mirrors the events of a market one by one."""

    def __init__(self, steps: Sequence[Json]) -> None:
        times_ms = [step["t_ms"] for step in steps if step["step"] == "cycle"]
        self._cycles = list(zip(times_ms, quoted_mids(steps), strict=True))  # those to come
        self._book_mid: float | None = None
        self._spot: float | None = None

    def images(self, step: Json) -> list[Json]:
        """Return what the next event is in the mirror."""
        match step:
            case {"step": "book"}:
                return [self._book(step)]
            case {"step": "fill"}:
                return [self._fill(step)]
            case {"step": "cycle"}:
                return self._cycle(step)
            case {"step": "reference_price", "source": "spot"}:
                self._spot = step["price"]
                return []
            case {"step": "trade" | "reference_price"}:
                return [{**mirrored(step), "price": mirrored_price(step["price"])}]
        return [mirrored(step)]

    def _book(self, step: Json) -> Json:
        bids, asks = step["bids"], step["asks"]
        if not bids or not asks:
            return _mirrored_book(step)
        self._book_mid = (bids[0][0] + asks[0][0]) / 2.0
        moved = mirrored_price(self._book_mid) / self._book_mid
        return rescaled(_mirrored_book(step), moved, 1.0 / moved)

    def _fill(self, step: Json) -> Json:
        image = mirrored(step)
        mid = step.get("mid", self._book_mid)
        if mid is None:
            return image
        settled_ms = step["t_ms"] + MARKOUT_WINDOW_MS
        settling = next((later for t_ms, later in self._cycles if t_ms >= settled_ms), mid)
        image["mid"] = _opposite_base(settling, mid)
        image["price"] = image["mid"] * (2.0 - step["price"] / mid)
        return image

    def _cycle(self, step: Json) -> list[Json]:
        t_ms, mid = self._cycles.pop(0)
        image = {**step, "mid": mirrored_price(mid)} if "mid" in step else step
        if self._spot is None:
            return [image]
        price = _opposite_base(mid, self._spot)
        spot = {"step": "reference_price", "t_ms": t_ms, "source": "spot", "price": price}
        return [spot, image]
