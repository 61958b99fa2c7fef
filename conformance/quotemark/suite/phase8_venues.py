"""Phase 8: other markets: the basis to spot, and another asset's lead."""

from __future__ import annotations

import math
import random

from quotemark.messages import Json
from quotemark.suite.bench import Bench
from quotemark.suite.market import MAX_POSITION, MID, cycle
from quotemark.suite.market_features import (
    CALIBRATED,
    PLAN,
    TAPED,
    demand_each_rejected,
    demand_reading,
    own_fill,
    reference_price,
    sources,
    spot_at,
)
from quotemark.suite.register import check

NEEDS_BASIS = ("basis_bps", "basis_change_bps", "basis_z_bps_per_s", "basis_variance")
NEEDS_LEAD = ("lead_bps", "lead_beta", "lead_confidence", "lead_z_bps_per_s", "lead_variance")


def venues(mid: float, spot: float | None = None, leader: float | None = None) -> Json:
    """cross_venue: a cycle; a price that is absent stays as it was."""
    step: Json = {"step": "read", "mid": mid}
    step |= {} if spot is None else {"spot": spot}
    return step | ({} if leader is None else {"leader": leader})


# --- basis ------------------------------------------------------------------------------------


@check("cross_venue", "P8.test_basis_compression_bearish_when_long", "D-34", needs=NEEDS_BASIS)
def a_compressing_basis_is_bearish(bench: Bench) -> None:
    """From 20 bp to 12: z = 0.2 x -8, R = 4; then the perp alone moves on a standing spot."""
    steps = [venues(MID), venues(MID, spot_at(20.0)), venues(MID, spot_at(12.0)), venues(99.9)]
    unknown, first, second, third = bench.observe("cross_venue", steps)
    bench.demand("no spot, no basis", unknown["basis_bps"] is None, unknown)
    bench.demand_close("basis", 20.0, first["basis_bps"])
    bench.demand("a first basis has no change", first["basis_z_bps_per_s"] is None, first)
    fallen = (99.9 / spot_at(12.0) - 1.0) * 1e4
    for observed, basis, change in ((second, 12.0, -8.0), (third, fallen, fallen - 12.0)):
        bench.demand_close("basis", basis, observed["basis_bps"])
        bench.demand_close("its change", change, observed["basis_change_bps"])
        bench.demand_close("z", 0.2 * change, observed["basis_z_bps_per_s"])
        bench.demand_close("R", 4.0, observed["basis_variance"])


@check("cross_venue", "D-45", "D-29", needs=("basis_z_bps_per_s", "basis_variance"))
def calibrated_basis_is_a_weak_sensor(bench: Bench) -> None:
    """Z = the change in bp, clipped at 10; R = 260; none at an alpha of 0."""
    for change, z_bps_per_s in ((-8.0, -8.0), (-45.0, -10.0), (45.0, 10.0)):
        steps = [venues(MID, spot_at(20.0)), venues(MID, spot_at(20.0 + change))]
        seen = bench.observe("cross_venue", steps, CALIBRATED)[-1]
        bench.demand_close(f"z at {change} bp", z_bps_per_s, seen["basis_z_bps_per_s"])
        bench.demand_close(f"R at {change} bp", 260.0, seen["basis_variance"])
        for calibration in ("plan", "calibrated"):
            config = {"calibration": calibration, "alpha_basis": 0.0}
            off = bench.observe("cross_venue", steps, config)[-1]["basis_z_bps_per_s"]
            bench.demand(f"alpha 0, {calibration}: no observation", off is None, off)


@check(
    "engine",
    "P8.test_basis_compression_bearish_when_long",
    "D-34",
    needs=("drift_observations", "drift_bps_per_s"),
)
def a_compressing_basis_is_bearish_at_any_position(bench: Bench) -> None:
    """20 bp at the first warm cycle, 12 at the second: -8 bp, z = -1.6 of R = 4; calibrated -8.

    Long, flat and short see the same; the cycle between has no part in it.
    """
    for share in (0.0, 0.4, -0.4):
        held = [own_fill(0, "buy" if share > 0.0 else "sell", abs(share) * MAX_POSITION)]
        steps = [
            *(held if share else []),
            *(reference_price(0, "spot", spot_at(20.0)), cycle(0)),
            *(reference_price(0, "spot", spot_at(3.0)), cycle(0)),
            *(reference_price(0, "spot", spot_at(12.0)), cycle(0)),
        ]
        for config, z_bps_per_s, variance in ((PLAN, -1.6, 4.0), ({}, -8.0, 260.0)):
            seen = bench.cycle(steps, {**TAPED, **config})
            demand_reading(bench, seen, "basis", z_bps_per_s, variance)
            drift = z_bps_per_s * 50.0 / (50.0 + variance)
            bench.demand_close(f"drift at {share:.0%}", drift, seen["drift_bps_per_s"])


# --- lead -------------------------------------------------------------------------------------


def led_cycles(
    count: int, follows: float, own_way: float, flip: float = 1.0
) -> list[tuple[float, float]]:
    """Returns (leader, own) in bp: 10 x and 10 (follows x + own_way w).

    x alternates, w turns every second cycle, so over whole fours their means and their product are
    0: beta is ``follows``, R^2 is follows^2/(follows^2 + own_way^2), and the lead of the last of
    them -10 own_way w.
    """
    pairs = []
    for number in range(count):
        x = 1.0 if number % 2 == 0 else -1.0
        w = flip if number % 4 < 2 else -flip
        pairs.append((10.0 * x, 10.0 * (follows * x + own_way * w)))
    return pairs


def led_reads(returns: list[tuple[float, float]]) -> list[Json]:
    """cross_venue: cycles with these log returns (leader, own) in bp between them."""
    leader, mid = 9000.0, MID
    steps = [venues(mid, leader=leader)]
    for leader_bps, own_bps in returns:
        leader *= math.exp(leader_bps / 1e4)
        mid *= math.exp(own_bps / 1e4)
        steps.append(venues(mid, leader=leader))
    return steps


@check("cross_venue", "D-34", "P8.test_lead_signal_btc_drop", needs=NEEDS_LEAD)
def the_lead_is_what_is_left_to_follow(bench: Bench) -> None:
    """Beta 0.6 and R^2 0.36: the own return went 8 bp its own way, so the lead is -+8 bp.

    z = 0.3 lead, R = 2.25/0.36; calibrated z = lead, R = 260/0.36.
    """
    for flip, lead_bps in ((-1.0, -8.0), (1.0, 8.0)):
        steps = led_reads(led_cycles(40, 0.6, 0.8, flip))
        for config, z_bps_per_s, r_at_1 in (
            ({}, 0.3 * lead_bps, 2.25),
            (CALIBRATED, lead_bps, 260),
        ):
            seen = bench.observe("cross_venue", steps, config)[-1]
            bench.demand_close("beta", 0.6, seen["lead_beta"])
            bench.demand_close("confidence", 0.36, seen["lead_confidence"])
            bench.demand_close("lead", lead_bps, seen["lead_bps"])
            bench.demand_close("z", z_bps_per_s, seen["lead_z_bps_per_s"])
            bench.demand_close("R", r_at_1 / 0.36, seen["lead_variance"])


def least_squares(returns: list[tuple[float, float]]) -> tuple[float, float]:
    """Beta and R^2 of own = a + beta leader."""
    count = len(returns)
    leader_mean = sum(leader for leader, _ in returns) / count
    own_mean = sum(own for _, own in returns) / count
    leader_square = sum((leader - leader_mean) ** 2 for leader, _ in returns)
    own_square = sum((own - own_mean) ** 2 for _, own in returns)
    product = sum((leader - leader_mean) * (own - own_mean) for leader, own in returns)
    return product / leader_square, product * product / (leader_square * own_square)


DROPPED = [*led_cycles(24, 0.5, 0.0), (-40.0, 0.0)]
"""The own market follows by half, until the leader drops by 40 bp alone: the mean is not 0."""


@check("cross_venue", "P8.test_lead_signal_btc_drop", "D-34", "D-45", needs=NEEDS_LEAD)
def a_leader_that_drops_alone_is_bearish(bench: Bench) -> None:
    """Least squares with an intercept over all 25 returns: lead = -40 beta, clipped calibrated."""
    beta, confidence = least_squares(DROPPED)
    for config, z_bps_per_s, r_at_1 in (({}, -12.0 * beta, 2.25), (CALIBRATED, -10.0, 260.0)):
        seen = bench.observe("cross_venue", led_reads(DROPPED), config)[-1]
        bench.demand_close("beta", beta, seen["lead_beta"])
        bench.demand_close("confidence", confidence, seen["lead_confidence"])
        bench.demand_close("lead", -40.0 * beta, seen["lead_bps"])
        bench.demand_close("z", z_bps_per_s, seen["lead_z_bps_per_s"])
        bench.demand_close("R", r_at_1 / confidence, seen["lead_variance"])


@check("cross_venue", "D-34", needs=("lead_confidence", "lead_z_bps_per_s", "lead_variance"))
def a_lead_needs_confidence(bench: Bench) -> None:
    """R^2 of 0.31 speaks, of 0.29 and of 0 does not, in either calibration; nor does alpha 0."""
    for calibration in ("plan", "calibrated"):
        config: Json = {"calibration": calibration}
        for confidence in (0.31, 0.29, 0.0):
            returns = led_cycles(40, math.sqrt(confidence), math.sqrt(1.0 - confidence))
            seen = bench.observe("cross_venue", led_reads(returns), config)[-1]
            close = abs(seen["lead_confidence"] - confidence) < 1e-9
            bench.demand(f"confidence is {confidence}", close, seen["lead_confidence"])
            speaks = seen["lead_z_bps_per_s"] is not None
            bench.demand(f"confidence {confidence} speaks", speaks == (confidence > 0.3), seen)
        off = {**config, "alpha_lead": 0.0}
        silent = bench.observe("cross_venue", led_reads(DROPPED), off)[-1]
        bench.demand("alpha 0 says nothing", silent["lead_z_bps_per_s"] is None, silent)


@check("cross_venue", "D-34", needs=NEEDS_LEAD)
def a_lead_needs_twenty_returns(bench: Bench) -> None:
    """The twentieth speaks; cycles before the first leader price have none."""
    *_, nineteenth, twentieth = bench.observe(
        "cross_venue", [venues(95.0), venues(96.0), *led_reads(led_cycles(20, 0.6, 0.8))]
    )
    bench.demand("19 returns have no lead", nineteenth["lead_bps"] is None, nineteenth)
    bench.demand("nor an observation", nineteenth["lead_z_bps_per_s"] is None, nineteenth)
    bench.demand_close("confidence of 20", 0.36, twentieth["lead_confidence"])


@check("cross_venue", "D-34", needs=NEEDS_LEAD)
def the_regression_forgets(bench: Bench) -> None:
    """A hundred returns count: sixty of the opposite beta before them leave no trace."""
    returns = [*led_cycles(60, -2.0, 0.1), *led_cycles(100, 0.6, 0.8)]
    seen = bench.observe("cross_venue", led_reads(returns))[-1]
    bench.demand_close("beta", 0.6, seen["lead_beta"])
    bench.demand_close("confidence", 0.36, seen["lead_confidence"])


@check("cross_venue", "D-34", "Q-13", needs=NEEDS_LEAD)
def returns_that_do_not_vary_have_no_regression(bench: Bench) -> None:
    """A leader that stands still, an own market that does, both; or both climb steadily.

    Returns of 5 and 3 bp that differ by 5e-10 bp are alike: less than 1e-9 is rounding.
    """
    for returns in (
        [(0.0, 5.0), (0.0, -5.0)] * 15,
        [(5.0, 0.0), (-5.0, 0.0)] * 15,
        [(0.0, 0.0)] * 30,
        [(5.0, 3.0), (5.0 + 5e-10, 3.0 + 5e-10)] * 15,
    ):
        seen = bench.observe("cross_venue", led_reads(returns))[-1]
        for name in NEEDS_LEAD:
            bench.demand(f"{name} is null", seen[name] is None, seen)


@check("cross_venue", "D-34", needs=("lead_z_bps_per_s", "lead_variance"))
def the_mirror_image_leads_the_other_way(bench: Bench) -> None:
    """Log returns negated: the same confidence, the opposite lead."""
    returns = [*led_cycles(24, 0.5, 0.1), (-40.0, 3.0)]
    opposite = [(-leader, -own) for leader, own in returns]
    for config in ({}, CALIBRATED):
        one, other = (
            bench.observe("cross_venue", led_reads(pairs), config)[-1]
            for pairs in (returns, opposite)
        )
        bench.demand_close("z", -one["lead_z_bps_per_s"], other["lead_z_bps_per_s"])
        bench.demand_close("R", one["lead_variance"], other["lead_variance"])


def led_session(returns: list[tuple[float, float]]) -> list[Json]:
    """Engine cycles at one instant with these log returns (leader, own) in bp between them."""
    leader, mid = 9000.0, MID
    steps = [reference_price(0, "leader", leader), cycle(0)]
    for leader_bps, own_bps in returns:
        leader *= math.exp(leader_bps / 1e4)
        mid *= math.exp(own_bps / 1e4)
        steps += [reference_price(0, "leader", leader), cycle(0, mid)]
    return steps


@check("engine", "E2E-11", "P8.test_lead_signal_btc_drop", "D-34", needs=("drift_observations",))
def the_lead_is_seen_at_any_position(bench: Bench) -> None:
    """26 cycles, at the last the leader drops alone: z = -10, R = 260/R^2; long, flat and short."""
    _, confidence = least_squares(DROPPED)
    for share in (0.0, 0.4, -0.4):
        held = [own_fill(0, "buy" if share > 0.0 else "sell", abs(share) * MAX_POSITION)]
        steps = [*(held if share else []), *led_session(DROPPED)]
        seen = bench.cycle(steps, TAPED)
        bench.demand(f"the lead alone at {share:.0%}", sources(seen) == ["lead"], sources(seen))
        demand_reading(bench, seen, "lead", -10.0, 260.0 / confidence)


@check("engine", "E2E-11", "P8.test_lead_signal_btc_drop")
def the_lead_moves_quotes(bench: Bench) -> None:
    """Against a leader that stands, the bid is deeper by 10 P/(P + R) bp, R = 260/R^2.

    P is 50 x 260/310 after the lead of 0 at the first cold cycle that has twenty returns.
    """
    bench.require(8)
    config = {**TAPED, "tick_size": 1e-6}
    still = bench.cycle(led_session([*DROPPED[:-1], (0.0, 0.0)]), config)
    dropped = bench.cycle(led_session(DROPPED), config)
    _, confidence = least_squares(DROPPED)
    p = 50.0 * 260.0 / 310.0
    expected = 10.0 * p / (p + 260.0 / confidence)
    deeper_bps = (still["bids"][0]["price"] - dropped["bids"][0]["price"]) / MID * 1e4
    bench.demand(
        f"the bid is {expected:.3f} bp deeper", abs(deeper_bps - expected) < 1e-3, deeper_bps
    )


# --- agreement and bad input ------------------------------------------------------------------


@check("cross_venue", "A-cross_venue")
def random_venues_agree(bench: Bench) -> None:
    """Seeded prices of three markets that move together and apart, some of them absent."""
    rng = random.Random(bench.seed)
    for config in (
        {},
        CALIBRATED,
        {"lead_window": 30, "lead_min_returns": 5, "lead_min_confidence": 0.05, "alpha_basis": 2.0},
        {**CALIBRATED, "calibrated_lead_scale_bps": 2.0, "calibrated_basis_scale_bps": 40.0},
    ):
        mid, leader = MID, 9000.0
        steps = [venues(mid), venues(mid, leader=leader), venues(mid, spot=99.95)]
        for _ in range(250):
            common = rng.gauss(0.0, 5e-4)
            leader *= 1.0 + common
            mid *= 1.0 + 0.7 * common + rng.gauss(0.0, 3e-4)
            spot = mid * (1.0 + rng.choice((-9.0, -4.0, 2.0, 5.0)) / 1e4)
            steps.append(
                venues(mid, rng.choice((spot, None)), rng.choice((leader, leader, leader, None)))
            )
        bench.agree("cross_venue", steps, config)


@check("cross_venue", "D-07", "Q-02")
def bad_prices_change_nothing(bench: Bench) -> None:
    """Any one price that is not positive or not finite rejects the cycle whole."""
    good = venues(100.1, 100.0, 9000.0)
    bad: list[tuple[Json, str]] = [
        ({**good, "mid": 0.0}, "out_of_range"),
        ({**good, "spot": -5.0}, "out_of_range"),
        ({**good, "leader": 0.0}, "out_of_range"),
        ({**good, "leader": "inf"}, "non_finite"),
        ({**good, "spot": "nan"}, "non_finite"),
        ({**good, "mid": 1e16}, "out_of_range"),
        ({"step": "read", "spot": 100.0}, "missing_field"),
        ({**good, "mark": 100.0}, "unknown_field"),
    ]
    before = [venues(100.0, 99.9, 9000.0), *led_reads(led_cycles(24, 0.6, 0.8))]
    demand_each_rejected(bench, "cross_venue", bad, before, venues(100.3, 100.0, 9010.0))
