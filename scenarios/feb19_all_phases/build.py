"""Build the synthetic layers over the Feb 19 reconstruction: ``neutral.jsonl``, ``bearish.jsonl``.

Run ``python scenarios/feb19_all_phases/build.py`` to rewrite both; the bytes are the same on every
run. Nothing here is recorded: README.md says what each figure is and why it was chosen.

Units: times in UTC milliseconds since the epoch, prices and mids in USD, sizes in HYPE, rates as
fractions per interval, shares as fractions, distances, moves and bases in bp.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

Step = dict[str, object]
FromTo = tuple[float, float]
"""A figure at its start and at its end."""

FOLDER = Path(__file__).resolve().parent
RECONSTRUCTION = FOLDER.parent / "feb19"
SEED = 20260219

TICK = 0.001
NEAR_TICKS = (0, 3, 8, 15, 25)  # of a side's levels from its best: these are within 10 bp of mid
FAR_TICKS = (45, 60, 70, 100, 130, 160)  # and these beyond, to 55 bp
DEPTH_USD = 100_000.0  # both sides within 10 bp; a replay scales it
FAR_PER_NEAR = 1.5  # contracts beyond 10 bp for each within
TURN_MS = 120_000  # in which the book goes from its start to its end

PRINTS_PER_CYCLE = 6
PRINT_SIZES = (0.2, 2.0)

BTC_USD = 66_000.0
BTC_AHEAD = 3000 / 6450  # of a cycle
BTC_SHARE = 2 / 3  # of HYPE's move in bp

CYCLES_PER_MINUTE = 9  # funding and open interest are read every so many cycles, 58 s
FUNDING_INTERVAL_S = 3600.0
CONTRACTS = 20_000_000.0


@dataclass(frozen=True)
class Form:
    """What a layer says. Noise is uniform, up to the figure on either side."""

    near_bid_share: FromTo  # of contracts within 10 bp, while the book turns
    far_bid_share: FromTo  # of those beyond
    share_noise: float
    sell_share: float  # of prints
    btc_share: float  # of HYPE's coming move in bp
    btc_noise_bps: float
    basis_bps: FromTo  # as the mid goes from the session's first to its last
    basis_noise_bps: float
    rate: FromTo  # of funding, as the session goes on
    contracts_growth: float  # of open interest, from a reading to the next
    contracts_noise: float


NEUTRAL = Form(
    near_bid_share=(0.5, 0.5),
    far_bid_share=(0.5, 0.5),
    share_noise=0.05,
    sell_share=0.5,
    btc_share=0.0,
    btc_noise_bps=1.0,
    basis_bps=(2.0, 2.0),
    basis_noise_bps=0.2,
    rate=(0.0000125, 0.0000125),
    contracts_growth=0.0,
    contracts_noise=0.0005,
)
BEARISH = Form(
    near_bid_share=(0.5, 0.15),
    far_bid_share=(0.5, 0.05),
    share_noise=0.02,
    sell_share=0.8,
    btc_share=BTC_SHARE,
    btc_noise_bps=0.2,
    basis_bps=(6.0, -6.0),
    basis_noise_bps=0.2,
    rate=(0.0000125, 0.0001),
    contracts_growth=0.002,
    contracts_noise=0.0,
)


@dataclass(frozen=True)
class Cycle:
    """A quote cycle of the reconstruction: its time and mid, and the mid of the next one."""

    t_ms: int
    mid: float
    next_mid: float


def cycles(tape: str) -> list[Cycle]:
    """Return the quote cycles of a tape of the reconstruction."""
    lines = (RECONSTRUCTION / tape).read_text("utf-8").splitlines()
    steps = [step for step in map(json.loads, lines) if step["step"] == "cycle"]
    return [
        Cycle(step["t_ms"], step["mid"], following["mid"])
        for step, following in pairwise([*steps, steps[-1]])
    ]


def between(figure: FromTo, share: float) -> float:
    """Return the figure at ``share`` of its way, held before the start and after the end."""
    start, end = figure
    return start + (end - start) * min(max(share, 0.0), 1.0)


class Layer:
    """Makes the readings of one form, cycle by cycle."""

    def __init__(self, form: Form, session: Sequence[Cycle]) -> None:
        self.form = form
        self.first, self.last = session[0], session[-1]
        self.random = random.Random(SEED)
        self.contracts = CONTRACTS

    def steps(self, quoted: Sequence[Cycle]) -> Iterator[Step]:
        """Yield the readings at each cycle, and the prints between it and the next."""
        for number, cycle in enumerate(quoted):
            yield from self.reference_prices(cycle)
            yield self.book(cycle)
            if number % CYCLES_PER_MINUTE == 0:
                yield self.funding(cycle.t_ms)
                yield self.open_interest(cycle.t_ms)
            if number + 1 < len(quoted):
                yield from self.prints(cycle, quoted[number + 1].t_ms)

    def reference_prices(self, cycle: Cycle) -> Iterator[Step]:
        """Yield BTC, spot, index and mark; the index is the spot price, the mark the own mid."""
        form = self.form
        ahead_mid = cycle.mid + (cycle.next_mid - cycle.mid) * BTC_AHEAD
        btc_bps = form.btc_share * (ahead_mid / self.first.mid - 1.0) * 1e4
        btc_bps += self.noise(form.btc_noise_bps)
        fallen = (self.first.mid - cycle.mid) / (self.first.mid - self.last.mid)
        basis_bps = between(form.basis_bps, fallen) + self.noise(form.basis_noise_bps)
        spot = round(cycle.mid / (1.0 + basis_bps / 1e4), 4)
        prices = {
            "leader": round(BTC_USD * (1.0 + btc_bps / 1e4), 1),
            "spot": spot,
            "index": spot,
            "mark": cycle.mid,
        }
        for source, price in prices.items():
            yield {
                "step": "reference_price",
                "t_ms": cycle.t_ms,
                "source": source,
                "price": price,
            }

    def book(self, cycle: Cycle) -> Step:
        """Return the book: levels around the mid, sizes by the bids' shares near and far."""
        form = self.form
        turned = (cycle.t_ms - self.first.t_ms) / TURN_MS
        near_share = between(form.near_bid_share, turned) + self.noise(form.share_noise)
        far_share = between(form.far_bid_share, turned) + self.noise(form.share_noise)
        best_bid, best_ask = touch(cycle.mid)
        contracts = DEPTH_USD / ((best_bid + best_ask) / 2.0 * TICK)
        return {
            "step": "book",
            "t_ms": cycle.t_ms,
            "bids": levels(best_bid, -1, contracts * near_share, contracts * far_share),
            "asks": levels(best_ask, 1, contracts * (1 - near_share), contracts * (1 - far_share)),
        }

    def funding(self, t_ms: int) -> Step:
        """Return a reading of the funding rate."""
        gone = (t_ms - self.first.t_ms) / (self.last.t_ms - self.first.t_ms)
        return {
            "step": "funding",
            "t_ms": t_ms,
            "rate": f"{between(self.form.rate, gone):.8f}",
            "interval_s": FUNDING_INTERVAL_S,
        }

    def open_interest(self, t_ms: int) -> Step:
        """Return a reading of open interest."""
        contracts = self.contracts * (1.0 + self.noise(self.form.contracts_noise))
        self.contracts *= 1.0 + self.form.contracts_growth
        return {"step": "open_interest", "t_ms": t_ms, "contracts": float(round(contracts))}

    def prints(self, cycle: Cycle, until_ms: int) -> Iterator[Step]:
        """Yield others' trades at the cycle's best quotes, evenly spaced before ``until_ms``."""
        best_bid, best_ask = touch(cycle.mid)
        for number in range(1, PRINTS_PER_CYCLE + 1):
            sells = self.random.random() < self.form.sell_share
            yield {
                "step": "trade",
                "t_ms": cycle.t_ms + (until_ms - cycle.t_ms) * number // (PRINTS_PER_CYCLE + 1),
                "side": "sell" if sells else "buy",
                "price": price_of(best_bid if sells else best_ask),
                "size": round(between(PRINT_SIZES, self.random.random()), 2),
            }

    def noise(self, largest: float) -> float:
        """Return uniform noise of up to ``largest`` on either side."""
        return largest * (2.0 * self.random.random() - 1.0)


def touch(mid: float) -> tuple[int, int]:
    """Return best bid and ask in ticks: one tick apart, around the mid within half a tick."""
    best_bid = round(mid / TICK - 0.5)
    return best_bid, best_bid + 1


def levels(best: int, away: int, near: float, far: float) -> list[tuple[float, float]]:
    """Return a side's levels: ``near`` contracts within 10 bp, ``far`` times 1.5 beyond, evenly."""
    near_size = round(near / len(NEAR_TICKS), 2)
    far_size = round(FAR_PER_NEAR * far / len(FAR_TICKS), 2)
    sizes = dict.fromkeys(NEAR_TICKS, near_size) | dict.fromkeys(FAR_TICKS, far_size)
    return [(price_of(best + away * ticks), size) for ticks, size in sizes.items()]


def price_of(ticks: int) -> float:
    """Return a price in USD."""
    return round(ticks * TICK, 3)


def write_layer(path: Path, steps: Iterator[Step]) -> None:
    """Write steps as JSON lines, one step a line."""
    lines = (json.dumps(step, separators=(",", ":")) + "\n" for step in steps)
    path.write_text("".join(lines), encoding="utf-8", newline="\n")


def main() -> None:
    """Rewrite both layers beside this file; the neutral one begins with the calm prelude."""
    session = cycles("tape.jsonl")
    calm = [*cycles("prelude.jsonl"), *session]
    write_layer(FOLDER / "neutral.jsonl", Layer(NEUTRAL, session).steps(calm))
    write_layer(FOLDER / "bearish.jsonl", Layer(BEARISH, session).steps(session))


if __name__ == "__main__":
    main()
