"""Steps of phase 8: the tape, other markets, volatility and tails in the canonical market."""

from __future__ import annotations

import math

from pytest_bdd import given, parsers, then, when

from quotemark.suite.desk import Desk, numbers, reads
from quotemark.suite.market import cycle, trade
from quotemark.suite.market_features import book, funding, open_interest, reference_price

LEADER = 60_000.0
SWING_S = 10.0


@given(parsers.parse("a weight of {weight:g} for {source}"))
def _weight_of(desk: Desk, weight: float, source: str) -> None:
    desk.configure(**{f"alpha_{source}": weight})


@when(parsers.parse("the spot price is {price:g}"))
def _spot_price_is(desk: Desk, price: float) -> None:
    desk.happen(reference_price(0, "spot", price))


@when(
    parsers.re(
        r"the leader swings by (?P<bps>\d+) bp and the market"
        r" (?P<way>by half of it|in a rhythm of its own) in each of (?P<count>\d+) cycles"
    ),
    target_fixture="leader_bps",
)
def _leader_swings(desk: Desk, bps: str, way: str, count: str) -> float:
    _lead_cycle(desk, 0.0, 0.0)
    leader = own = 0.0
    for number in range(int(count)):
        leader = float(bps) if number % 2 == 0 else 0.0
        own = leader / 2.0 if way == "by half of it" else float(bps) * (number % 4 < 2)
        _lead_cycle(desk, leader, own)
    return leader


@when(parsers.parse("the leader falls by {bps:g} bp and the market stands still"))
def _leader_falls(desk: Desk, leader_bps: float, bps: float) -> None:
    desk.happen(reference_price(0, "leader", LEADER * math.exp((leader_bps - bps) / 1e4)))
    desk.quote()


def _lead_cycle(desk: Desk, leader_bps: float, own_bps: float) -> None:
    """Let a cycle see leader and mid so far from where they started, in log returns."""
    desk.happen(reference_price(0, "leader", LEADER * math.exp(leader_bps / 1e4)))
    desk.mid = 100.0 * math.exp(own_bps / 1e4)
    desk.happen(cycle(0, desk.mid))
    desk.wait(1.0)


@when(
    parsers.parse(
        "the mid swings by {one:g} bp in each of {first:d} cycles and by {other:g} bp in each of"
        " {then:d}"
    )
)
def _mid_swings(desk: Desk, one: float, first: int, other: float, then: int) -> None:
    desk.happen(cycle(0, desk.mid))
    for number, bps in enumerate([one] * first + [other] * then):
        desk.wait(SWING_S)
        desk.mid *= math.exp((bps if number % 2 == 0 else -bps) / 1e4)
        desk.happen(cycle(0, desk.mid))
    desk.see()


@when(parsers.parse("the open interest goes from {before:g} to {after:g} while the mid falls"))
def _open_interest_goes(desk: Desk, before: float, after: float) -> None:
    desk.happen(open_interest(0, before), *[cycle(0)] * 5, open_interest(0, after))
    desk.move(-5.0)
    desk.quote()


@when(parsers.parse("book, tape and funding speak in each of {count:d} cycles"))
def _everything_speaks(desk: Desk, count: int) -> None:
    desk.happen(*[funding(0, "0.0001")] * 3)
    for number in range(count):
        desk.happen(book(0, [(1.0, 250.0)], [(1.0, 750.0)]), *[trade(0, "sell")] * 20)
        desk.happen(funding(0, f"0.000{number + 1}"), cycle(0))
        desk.wait(1.0)
    desk.see()


@then(parsers.parse("volatility is {times} times its long run"))
def _volatility_is(desk: Desk, times: str) -> None:
    assert reads(desk.figure("vol_ratio"), times)


@then(parsers.parse("sigma is {sigma} bp/sqrt(s)"))
def _sigma_is(desk: Desk, sigma: str) -> None:
    assert reads(desk.figure("sigma_bps_per_sqrt_s"), sigma)


@then(parsers.parse("adverse selection is taken {times} times"))
def _adverse_selection_is_taken(desk: Desk, times: str) -> None:
    usual = 0.8 * desk.figure("sigma_bps_per_sqrt_s") * math.sqrt(2.0)
    assert reads(desk.figure("as_cost_bps") / usual, times)


@then(parsers.re(r"(?P<source>\w+) is heard in cycles (?P<cycles>[\d, and]+)$"))
def _is_heard_in(desk: Desk, source: str, cycles: str) -> None:
    heard = [
        number
        for number, observations in enumerate(desk.figures("drift_observations"))
        if any(one["source"] == source for one in observations)
    ]
    assert heard == numbers(cycles)


@then(parsers.re(r"in cycle (?P<cycle>\d+) the filter hears (?P<sources>.+), in this order"))
def _hears_in_order(desk: Desk, cycle: str, sources: str) -> None:
    heard = [one["source"] for one in desk.figures("drift_observations")[int(cycle)]]
    assert heard == sources.replace(" and ", ", ").split(", ")
