"""Hand-picked cases of every component but the quote cycle: what the plan's examples come to.

They stand first in their file, and are short enough to be worked out with pencil and paper.
"""

from __future__ import annotations

from quotemark.golden.pick import Pick
from quotemark.messages import Json
from quotemark.suite.market import MID, observe, predict
from quotemark.suite.market_features import (
    CALIBRATED,
    book,
    funding,
    funding_after_zeros,
    read,
    reference_price,
    shallow_book,
    spot_at,
)
from quotemark.suite.phase1 import NO_FLOOR, drift_fill, drift_trend
from quotemark.suite.phase2 import position
from quotemark.suite.phase3 import burst, flow_trade
from quotemark.suite.phase4 import TOUCH_BPS, level
from quotemark.suite.phase5 import markout
from quotemark.suite.phase7 import ASKS, BIDS
from quotemark.suite.phase7_composite import sweep_fill
from quotemark.suite.phase8 import ALIKE, event, interest, sized
from quotemark.suite.phase8_venues import led_reads, venues
from quotemark.suite.phase8_volatility import three_point, vol_reads

SHARES = (0.0, 0.3, 0.7, 0.8)
"""The four inventories of the plan's matrix, as shares of the limit."""
ALPHA: Json = {"alpha_open_interest": 0.3}

DRIFT = (
    Pick(
        "Without observations: mu stays 0, P falls from P_0 = 50 towards 25; 36.2 after 20 s",
        [predict(t_ms) for t_ms in (0, 1000, 6450, 20_000, 20_000, 3_600_000)],
    ),
    Pick(
        "One observation of -6 with R = 5 from P_0: P = 4.55; then a cycle's time passes",
        [predict(0), observe(-6.0, 5.0), predict(6450), observe(-6.0, 5.0), predict(12_900)],
    ),
    Pick(
        "200 agreeing observations, then opposing ones: with the floor the sign turns at the 2nd",
        [observe(-5.0, 4.0)] * 200 + [observe(5.0, 4.0)] * 4,
    ),
    Pick(
        "Without the floor, 60 agreeing observations outweigh five opposing ones",
        [observe(-5.0, 4.0)] * 60 + [observe(5.0, 4.0)] * 5,
        NO_FLOOR,
    ),
    Pick(
        "Own fills: the sign is the side's, wherever the mid is; then one at the mid itself",
        [
            drift_fill("buy", 99.95),
            drift_fill("buy", 100.05),
            drift_fill("sell", 100.05),
            drift_fill("sell", 99.95, sigma=0.5),
            drift_fill("buy", 100.0),
        ],
    ),
    Pick(
        "Trends: a falling market is a positive magnitude; no agreement is no observation",
        [
            drift_trend(4.0, 1.0, 0.8),
            drift_trend(-4.0, 0.5, 0.8),
            drift_trend(8.0, 0.0, 0.8),
            drift_trend(8.0, 1e-8, 0.8),
            drift_trend(8.0, 1.0, 0.0),
        ],
    ),
    Pick(
        "Little noise: a predict may take P below the floor, which acts after updates alone",
        [predict(0), observe(3.0, 5.0), predict(60_000), observe(-3.0, 5.0)],
        {"process_noise": 0.01},
    ),
    Pick(
        "Fast mean reversion and much noise, from a prior below the floor",
        [predict(0), predict(500), observe(3.0, 0.5), predict(900), observe(-3.0, 1e4)],
        {"theta_per_s": 0.5, "process_noise": 4.0, "prior_variance": 1.0, "p_min": 1.5},
    ),
)

INVENTORY = (
    Pick(
        "Flat, 30 %, 70 % and 80 % of the limit, long and short: gamma(80 %) = 5.48 gamma_base",
        [position(sign * share) for sign in (1.0, -1.0) for share in SHARES],
    ),
    Pick(
        "The kill guard acts at the limit and past it, not below",
        [position(share) for share in (0.9999999, 1.0, 1.7, -0.9999, -1.0, -1.7)],
    ),
    Pick(
        "Longer horizons skew more; gamma does not change",
        [position(0.8, time_horizon_s) for time_horizon_s in (0.5, 2.0, 15.0, 60.0)],
    ),
    Pick(
        "Another beta, base and limit",
        [position(share) for share in (0.1, 0.5, -0.6)],
        {"gamma_base_per_bps": 0.4, "inventory_beta": 3.0, "max_position": 5.0},
    ),
)


def _depths(**changes: object) -> Json:
    """Half-spreads of the canonical market, but for ``changes``."""
    return {
        "step": "depths",
        "gamma_per_bps": 0.15,
        "kappas_per_bps": [0.1287, 0.1287],
        "sigma_bps_per_sqrt_s": 2.0,
        "time_horizon_s": 2.0,
        "fee_bps": 1.5,
        "drift_bps_per_s": 0.0,
        "skew_bps": 0.0,
        **changes,
    }


GLFT = (
    Pick("The canonical market: 7.25 bp on both sides", [_depths()]),
    Pick(
        "Drift: bearish makes bids deeper and asks nearer, down to the fee",
        [_depths(drift_bps_per_s=drift) for drift in (-3.44, -0.3, 0.3, 9.0)],
    ),
    Pick(
        "Skew of a long position makes bids deeper and asks nearer, down to the fee",
        [_depths(gamma_per_bps=0.822, skew_bps=skew) for skew in (5.2608, -5.2608, 20.0)],
    ),
    Pick(
        "Kappas of sides that differ; a small gamma needs log1p",
        [
            _depths(kappas_per_bps=[0.09, 0.17]),
            _depths(gamma_per_bps=1e-4),
            _depths(gamma_per_bps=1e-7, kappas_per_bps=[50.0, 0.001]),
        ],
    ),
    Pick(
        "80 % long with beta 7 and with beta 3, at 2, 15 and 60 s",
        [
            _depths(gamma_per_bps=gamma, time_horizon_s=time_horizon_s)
            for gamma in (0.822, 0.438)
            for time_horizon_s in (2.0, 15.0, 60.0)
        ],
    ),
    Pick("A maker rebate, and no fee", [_depths(fee_bps=-0.5), _depths(fee_bps=0.0)]),
)

EXPECTED_PNL = (
    Pick(
        "Touches at 7.25 bp: both sides flat and at 30 %, no bid at 70 % and 80 %",
        [level(side, TOUCH_BPS, share) for share in SHARES for side in ("bid", "ask")],
    ),
    Pick(
        "Short mirrors long",
        [level(side, TOUCH_BPS, -share) for share in SHARES[1:] for side in ("bid", "ask")],
    ),
    Pick(
        "Drift: no bid at -3.44 bp/s, both sides at -0.3, no ask at 3.44",
        [
            level(side, TOUCH_BPS, drift_bps_per_s=drift)
            for drift in (-3.44, -0.3, 3.44)
            for side in ("bid", "ask")
        ],
    ),
    Pick(
        "A ladder from the mid outwards: the spread term peaks where depth is cost + 1/kappa",
        [level("bid", depth_bps) for depth_bps in (0.0, 3.0, 7.25, 11.5, 20.0, 100.0)],
    ),
    Pick(
        "Carry: paid, received, and as if it were absent",
        [level("bid", TOUCH_BPS, carry_cost_bps=carry) for carry in (0.5, -0.25, 0.0)],
    ),
    Pick(
        "Past the limit, and beta 0: u is clipped in gamma and penalty alike",
        [
            level("bid", TOUCH_BPS, 1.7),
            level("ask", TOUCH_BPS, 1.7),
            level("ask", TOUCH_BPS, 0.8, inventory_beta=0.0),
        ],
    ),
    Pick(
        "A cascade: at 5 sigma every level of the resting ladder loses",
        [
            level("bid", TOUCH_BPS + number, sigma_bps_per_sqrt_s=10.0, as_cost_bps=11.3137085)
            for number in range(6)
        ],
    ),
)

FLOW = (
    Pick(
        "One-sided selling: from the 20th trade on kappa_bid falls and z is bearish",
        [flow_trade(100 * number, "sell") for number in range(24)] + [read(2400), read(12_400)],
    ),
    Pick(
        "Buying, then as much selling: the short horizons see the last, the long ones both",
        [*burst("buy", 20), *burst("sell", 20, 4000), read(4000), read(9000)],
    ),
    Pick(
        "Silence: at 5 horizons the imbalance still stands, a millisecond later it is 0",
        [*burst("sell", 20), read(25_000), read(25_001), read(1_500_000), read(1_500_001)],
    ),
    Pick(
        "Sensitivity 0: multipliers of exactly 1, no observation",
        [*burst("sell", 21), read(500)],
        {"flow_sensitivity": 0.0},
    ),
    Pick(
        "Read at 30 s, with multipliers that reach both clamps",
        [*burst("buy", 20), *burst("sell", 24, 30_000), read(31_000)],
        {"flow_horizon_s": 30.0, "flow_sensitivity": 2.0},
    ),
    Pick(
        "Calibrated: the fewer trades, the less reliable",
        [*burst("buy", 20), flow_trade(0, "sell", 5.0), read(1000), read(20_000)],
        CALIBRATED,
    ),
)

ADAPTATION = (
    Pick(
        "Short of the prediction: theta x1.01; beyond it: x0.99; the other way: x1.01",
        [markout(-4.0, -1.0), markout(-4.0, -9.0), markout(-4.0, 2.0), markout(4.0, 1.0)],
    ),
    Pick(
        "A prediction or an error of exactly 0 leaves theta alone",
        [markout(0.0, 3.0), markout(-4.0, -4.0)],
    ),
    Pick(
        "Large errors raise the noise until its bound",
        [markout(-4.0, 60.0)] * 50,
        {"process_noise": 1.0, "theta_per_s": 0.7},
    ),
    Pick(
        "Small errors lower it, once the EWMA has come down",
        [markout(-4.0, -4.1)] * 50,
        {"process_noise": 1.0, "theta_per_s": 0.015},
    ),
    Pick(
        "A long window is less noisy: the same error weighs more",
        [markout(2.0, 5.0, variance=2.0, window_s=window_s) for window_s in (0.5, 5.0, 500.0)],
        {"error_weight": 1.0},
    ),
)

FUNDING = (
    Pick(
        "Carry from the first reading on, a zscore from the third: the payer's side is charged",
        [read(0), funding(0, "0.0000125"), funding(1, "-0.00002"), funding(2, "0.00008"), read(3)],
    ),
    Pick(
        "Nine readings of 0 and one above: a zscore of exactly 3",
        funding_after_zeros("0.001"),
    ),
    Pick("The same, calibrated", funding_after_zeros("-0.001"), CALIBRATED),
    Pick(
        "Rates that hardly move: the floor of the deviation",
        [funding(0, rate) for rate in ("0.0000100", "0.0000101", "0.0000100", "0.0000104")],
    ),
    Pick(
        "Mark and index: a premium that reaches no other figure",
        [
            funding(0, "1e-5", 28_800.0),
            reference_price(0, "mark", 100.2),
            reference_price(0, "spot", 99.0),
            reference_price(0, "index", 100.0),
            reference_price(5, "mark", 99.9),
        ],
    ),
    Pick(
        "Rates as feeds write them",
        [
            funding(0, rate)
            for rate in ("+1E-5", ".5e-4", "-0.00", "007e-7", "1e-400", "0.1", "-1", "1")
        ],
        {"funding_history": 3},
    ),
    Pick(
        "What is no rate is rejected, never read as 0",
        [
            funding(0, "0.0001"),
            *(
                funding(0, rate)
                for rate in ("", " 1e-5", "5.", "1_0", "0x1", "NaN", "n/a", "1e-5 ")
            ),
            *(funding(0, rate) for rate in ("nan", "inf", "-inf", "1e400", "1.0001", "-2")),
            read(0),
        ],
    ),
    Pick(
        "Scale 0 stops the observation, not the carry; a short history forgets",
        [*funding_after_zeros("0.0004", zeros=3), *[funding(1, "0.0004")] * 3],
        {"funding_scale_factor": 0.0, "funding_history": 3, "funding_min_readings": 2},
    ),
)

BOOK = (
    Pick(
        "BIM 1/2, -1/9 and -4/9 at 10, 25 and 50 bp: support that is fragile",
        [book(0, BIDS, ASKS), read(0), read(1000)],
    ),
    Pick("The same, calibrated", [book(0, BIDS, ASKS), read(0), read(1000)], CALIBRATED),
    Pick(
        "Fading bids: the slope of BIM(10), smoothed by half; an equal time moves nothing",
        [
            *(shallow_book(0, 3.0, 1.0), read(0)),
            *(shallow_book(1000, 1.0, 1.0), read(1000), read(1000)),
            *(shallow_book(2000, 1.0, 1.5), read(2000)),
            *(shallow_book(2100, 1.0, 99.0), read(2100), read(9000)),
        ],
        {"dbim_smoothing": 0.5},
    ),
    Pick(
        "No book, an empty side, an empty book, a locked one",
        [
            read(0),
            book(0, BIDS, ASKS),
            read(0),
            book(1000, BIDS, []),
            read(1000),
            book(2000, [], []),
            read(2000),
            book(3000, [(0.0, 2.0)], [(0.0, 1.0)]),
            read(3000),
        ],
    ),
    Pick(
        "Borders are included; one short of 50 bp has no gradient",
        [
            book(0, [(10.0, 1.0), (25.0, 2.0), (50.0, 3.0)], [(10.0, 3.0), (50.0, 1.0)]),
            book(0, [(10.0, 1.0), (49.999, 3.0)], [(10.0, 3.0), (50.0, 1.0)]),
            book(0, [(30.0, 1.0), (60.0, 3.0)], [(30.0, 3.0), (60.0, 1.0)]),
        ],
    ),
    Pick(
        "Thin books are noisy, down to the floor of the depth; alpha 0 leaves a source out",
        [book(0, [(1.0, size), (60.0, size)], [(1.0, 0.1), (60.0, 0.1)]) for size in (0.2, 900.0)],
        {"alpha_bpg": 0.0},
    ),
)

SWEEP = (
    Pick(
        "An own buy over two levels is bearish, one over a single level is none",
        [
            read(0),
            sweep_fill(100, "buy", 5.0, 1),
            sweep_fill(100, "buy", 5.0, 2),
            sweep_fill(200, "sell", 1.0, 4),
            read(3100),
            read(3101),
        ],
    ),
    Pick(
        "The window is 3 s, or the time since the last read where that is longer",
        [
            read(0),
            sweep_fill(0, "sell", 3.0, 3),
            sweep_fill(6000, "sell", 1.0, 2),
            read(6450),
            read(9000),
            read(9001),
        ],
    ),
    Pick(
        "Calibrated: the signal is clipped",
        [sweep_fill(0, "buy", 2.0, 2), sweep_fill(0, "buy", 9.0, 5), sweep_fill(1, "sell", 9.0, 9)],
        CALIBRATED,
    ),
    Pick(
        "Alpha 0: scores, but no observation", [sweep_fill(0, "buy", 5.0, 2)], {"alpha_sweep": 0.0}
    ),
)

HAWKES = (
    Pick(
        "Twenty sells, and how their excess decays: 6/e after a second",
        [*[event(0, "sell")] * 19, event(0, "sell"), read(0), read(1000), read(60_000)],
    ),
    Pick(
        "Buys against sells, half a second apart",
        [event(500 * number, "buy" if number % 3 else "sell") for number in range(24)],
        {"hawkes_min_events": 5},
    ),
    Pick(
        "Calibrated: one buy outweighs twenty sells of 4 s ago, until silence ends it",
        [*[event(0, "sell")] * 20, event(4000, "buy"), read(9000), read(9001)],
        CALIBRATED,
    ),
    Pick(
        "Silence after three horizons of two seconds",
        [event(0, "buy"), event(0, "sell"), event(0, "sell"), read(6000), read(6001)],
        {
            **CALIBRATED,
            "hawkes_min_events": 3,
            "hawkes_decay_per_s": 0.5,
            "hawkes_silence_horizons": 3.0,
        },
    ),
    Pick(
        "Slow decay, no base to speak of: the floor of the intensity in R",
        [event(0, "buy"), read(10), read(40_000)],
        {
            "hawkes_min_events": 1,
            "hawkes_base_per_s": 0.001,
            "hawkes_jump_per_s": 0.05,
            "hawkes_decay_per_s": 0.1,
        },
    ),
)

FILL_SIZE = (
    Pick("Sizes all alike have no zscore", ALIKE),
    Pick("Buys of three times the size are bearish", [*ALIKE, *[sized("buy", 3.0)] * 12]),
    Pick(
        "Both sides large, calibrated; sells larger",
        [*ALIKE, *[sized("buy", 2.0), sized("sell", 4.0)] * 4],
        CALIBRATED,
    ),
    Pick(
        "One far beyond a slow baseline, calibrated: clipped",
        [*ALIKE, sized("buy", 90.0)],
        {**CALIBRATED, "fill_size_weight": 1e-4},
    ),
    Pick(
        "A window of 3 and a quick baseline",
        [sized("buy", size) for size in (1.0, 2.0, 4.0, 8.0, 1.0, 1.0, 1.0)] + [sized("sell", 9.0)],
        {"fill_size_window": 3, "fill_size_weight": 0.3, "fill_size_min_fills": 2},
    ),
)

_FOLLOWED = [(4.0, 2.5), (-6.0, -3.5), (2.0, 0.5), (8.0, 4.5), (-5.0, -2.0)] * 4
"""Returns of leader and mid in bp: half of it, and half a bp of its own."""

CROSS_VENUE = (
    Pick(
        "A basis that falls from 20 bp to 12 is bearish; then the own mid alone moves",
        [venues(MID), venues(MID, spot_at(20.0)), venues(MID, spot_at(12.0)), venues(99.9)],
    ),
    Pick(
        "The same, calibrated; then a change beyond the scale",
        [venues(MID, spot_at(basis_bps)) for basis_bps in (20.0, 12.0, 60.0)],
        CALIBRATED,
    ),
    Pick(
        "A mid that follows by half, and not at last: a lead from the 20th return on",
        led_reads([*_FOLLOWED, (6.0, 1.0), (10.0, 0.0), (0.0, 0.7), (-4.0, 0.5)]),
    ),
    Pick(
        "Calibrated: a lead beyond the scale is clipped",
        led_reads([*_FOLLOWED, (10.0, -20.0)]),
        {**CALIBRATED, "lead_min_returns": 20, "lead_min_confidence": 0.01},
    ),
    Pick(
        "A confidence that falls below 0.3: no observation; a window of eight returns",
        led_reads([*_FOLLOWED, (5.0, -20.0), (-3.0, 14.0), (4.0, 2.0)]),
        {"lead_min_returns": 4, "lead_window": 8},
    ),
    Pick(
        "The leader stands still: no regression",
        [venues(MID + number, leader=5000.0) for number in range(6)],
        {"lead_min_returns": 2},
    ),
)

VOLATILITY = (
    Pick(
        "A minute of calm, then moves of ten times the size: the ratio grows, sigma with its root",
        vol_reads([(6000 * number, 1.0 if number % 2 else -1.0) for number in range(12)])
        + [
            {
                "step": "read",
                "t_ms": 72_000 + 3000 * number,
                "mid": MID * (1.001 if number % 2 else 1.0),
            }
            for number in range(6)
        ],
    ),
    Pick(
        "A few large moves: tails from the 20th return on, a little fatter with each calm one",
        vol_reads([(1000 * number, move) for number, move in enumerate(three_point(24, 6))]),
    ),
    Pick(
        "Points that no longer count, and a price that does not move",
        [{"step": "read", "t_ms": t_ms, "mid": MID} for t_ms in (0, 0, 30_000, 400_000, 400_001)],
    ),
    Pick(
        "A cap that is reached, an exponent of 1, other horizons; moves that are forgotten",
        vol_reads([(1000 * number, move) for number, move in enumerate(three_point(40, 2))]),
        {
            "as_ratio_adjustment_max": 1.5,
            "vol_exponent": 1.0,
            "vol_short_s": 5.0,
            "vol_long_s": 20.0,
            "kurtosis_window": 30,
        },
    ),
)

OPEN_INTEREST = (
    Pick(
        "Off by default: the change is measured and says nothing",
        [interest(MID, 1000.0), interest(99.0, 1020.0)],
    ),
    Pick(
        "Interest that grows as the price falls is bearish; a price that stands says 0",
        [
            interest(MID, 1000.0),
            interest(99.0, 1020.0),
            interest(99.0, 1100.0),
            interest(101.0, 990.0),
        ],
        ALPHA,
    ),
    Pick(
        "Calibrated: clipped at 2 %",
        [
            interest(MID, 1000.0),
            interest(99.0, 1005.0),
            interest(98.0, 1100.0),
            interest(99.0, 1099.0),
        ],
        {**ALPHA, **CALIBRATED, "calibrated_open_interest_scale": 0.02},
    ),
)

PIECES: dict[str, tuple[Pick, ...]] = {
    "drift": DRIFT,
    "inventory": INVENTORY,
    "glft": GLFT,
    "flow": FLOW,
    "expected_pnl": EXPECTED_PNL,
    "adaptation": ADAPTATION,
    "funding": FUNDING,
    "book": BOOK,
    "sweep": SWEEP,
    "hawkes": HAWKES,
    "fill_size": FILL_SIZE,
    "cross_venue": CROSS_VENUE,
    "volatility": VOLATILITY,
    "open_interest": OPEN_INTEREST,
}
