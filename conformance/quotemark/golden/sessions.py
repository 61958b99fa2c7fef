"""Hand-picked sessions of the quote cycle: phases by themselves and together, and what they need.

``SESSIONS`` are markets, mostly with the filter on; ``rollbacks`` walks the sets of gates.
"""

from __future__ import annotations

from quotemark.golden.pick import Pick
from quotemark.messages import Json
from quotemark.scenario import load_scenario
from quotemark.suite.market import (
    ALL_PHASES,
    MAX_POSITION,
    PHASES_1_TO_4,
    at_position,
    cycle,
    gates,
    signal,
    toxicity,
    trade,
    trades,
    trend,
)
from quotemark.suite.market_features import (
    book,
    funding,
    open_interest,
    own_fill,
    reference_price,
    spot_at,
)
from quotemark.suite.phase5 import priced_fill
from quotemark.suite.rollback import closed_gate_sets
from quotemark.suite.whole_market import known_steps, whole_market

TWO_LEVELS: Json = {"level_sizes": [0.5, 1.0]}
"""A short ladder keeps files short."""

OFF_THE_TICK: Json = {"fee_bps": 1.503}
"""A touch at this fee lies between two ticks, where there is no doubt how it is rounded."""

DEEP = (1.0, 3.0), (20.0, 5.0), (60.0, 9.0)


def _fill(t_ms: int, side: str, price: float, size: float, fill_id: str, **more: object) -> Json:
    step = {"step": "fill", "t_ms": t_ms, "side": side, "price": price, "size": size}
    return {**step, "id": fill_id, **more}


def _estimate(t_ms: int, **figures: float) -> Json:
    return {"step": "estimate", "t_ms": t_ms, **figures}


FOLLOWED_BPS = (
    *((0.0, 0.0), (2.0, 1.5), (-3.0, -1.0), (1.0, 0.2), (-2.0, -1.5), (4.0, 1.0)),
    *((-1.0, -0.5), (2.0, 2.0), (20.0, 16.0), (-1.0, 0.5), (3.0, 1.0)),
)
"""How far leader and mid stand from 5000 and 100, in bp."""


def _led(number: int, leader_bps: float, mid_bps: float) -> list[Json]:
    """Return the leader's price, and a cycle, this far from 5000 and 100."""
    t_ms = 6450 * number
    leader = reference_price(t_ms, "leader", 5000.0 * (1.0 + leader_bps / 1e4))
    return [leader, cycle(t_ms, 100.0 * (1.0 + mid_bps / 1e4))]


EARLY = (
    Pick(
        "The canonical ladder: phases 1 to 3 as by default, flat, no drift: touch at 7.25 bp",
        [cycle(0), cycle(6450)],
        gates(1, 2, 3),
    ),
    Pick(
        "The same with the filter on: what each level is expected to earn",
        [cycle(0)],
        PHASES_1_TO_4,
    ),
    Pick(
        "Long 30 %, 70 %, 80 % and all of the limit, by fills at mid, filter on",
        [step for share in (0.3, 0.4, 0.1, 0.2) for step in (*at_position(share), cycle(0))],
        PHASES_1_TO_4,
    ),
    Pick(
        "Short 40 %: the old gate lets asks quote, the filter does not, which is said; then 90 %",
        [*at_position(-0.4), cycle(0), *at_position(-0.5, 1), cycle(1)],
        {**PHASES_1_TO_4, **OFF_THE_TICK, "time_horizon_s": 4.0},
    ),
    Pick(
        "A signal of -6 bp/s: no bid; then it decays, and bids come back",
        [signal(0, -6.0, 5.0), *(cycle(t_ms) for t_ms in (0, 30_000, 60_000, 120_000, 240_000))],
        PHASES_1_TO_4,
    ),
    Pick(
        "A bearish trend moves quotes beyond the old cap of 3 bp, and says so",
        [cycle(0), trend(6450, 8.0, 1.0, 0.9), trend(6450, -1.0, 0.0, 0.9), cycle(6450)],
        gates(1, 2, 3),
    ),
    Pick(
        "One-sided selling: the bid's kappa falls, lambda keeps the side's own",
        [*trades("sell"), cycle(3000), cycle(20_000)],
        PHASES_1_TO_4,
    ),
    Pick(
        "Estimates: a sigma of 10 widens the ladder; then kappas of the sides, then the horizon",
        [
            _estimate(0, sigma_bps_per_sqrt_s=10.0),
            cycle(0),
            _estimate(1, sigma_bps_per_sqrt_s=1.5, kappa_bid_per_bps=0.2, kappa_ask_per_bps=0.09),
            cycle(1),
            _estimate(2, time_horizon_s=6.0),
            cycle(2),
        ],
        PHASES_1_TO_4,
    ),
    Pick(
        "Own fills move position and filter, one without a mid the position alone; two are refused",
        [
            _fill(0, "buy", 99.95, 1.0, "f-1"),
            _fill(0, "buy", 99.95, 1.0, "f-2", mid=100.0),
            book(1000, DEEP, DEEP),
            _fill(1000, "sell", 100.05, 0.5, "f-3"),
            _fill(1000, "sell", 100.05, 0.5, "f-1"),
            _fill(1000, "sell", -1.0, 0.5, "f-4"),
            _fill(1000, "sell", 100.05, 0.5, "f-4"),
            {"step": "cycle", "t_ms": 1000},
        ],
        PHASES_1_TO_4,
    ),
    Pick(
        "Mids: none yet, the book's, a step's own, and the last where a side is empty",
        [
            {"step": "cycle", "t_ms": 0},
            book(0, DEEP, DEEP),
            {"step": "cycle", "t_ms": 0},
            cycle(1, 101.0),
            book(2, DEEP, []),
            {"step": "cycle", "t_ms": 2},
        ],
        {**gates(1, 2, 3), **TWO_LEVELS},
    ),
    Pick(
        "The old estimator: rebuilt of the signals of a cycle, a tenth less in each without any",
        [
            signal(0, -6.0, 100.0),
            signal(0, -9.0, 50.0),
            cycle(0),
            cycle(1),
            trend(2, 10.0, 1.0, 0.9),
            cycle(2),
            cycle(3),
        ],
        {**gates(2, 3), **TWO_LEVELS},
    ),
    Pick(
        "Sizes are cut at the limit, touch first; what is below min_size is dropped, takes no room",
        [{**at_position(1.0)[0], "size": 5.57}, cycle(0)],
        {
            **gates(1, 2, 3, variant="deployed"),
            "level_sizes": [0.8, 0.5, 0.7, 9.0, 9.0],
            "min_size": 0.7,
        },
    ),
    Pick(
        "A drift that would take the ask below the fee: the floor acts on the touch only",
        [signal(0, -50.0, 1.0), cycle(0)],
        {**gates(1, 2, 3), **OFF_THE_TICK, "base_half_spread_bps": 3.0, "tick_size": 0.0001},
    ),
    Pick(
        "Ticks by price: five significant figures, six decimals at most, never above 1",
        [cycle(0, mid) for mid in (29.14, 1234.5, 105_055.0, 0.5, 0.01, 0.0001)],
        {**PHASES_1_TO_4, **TWO_LEVELS},
    ),
    Pick(
        "Levels 4000 bp apart: bids that would cost nothing do not rest",
        [cycle(0)],
        {**gates(1, 2, 3), "level_spacing_bps": 4000.0},
    ),
    Pick(
        "Kappas per unit fraction are answered per bp",
        [cycle(0)],
        {**gates(1, 2, 3), "kappa_bid_per_fraction": 1500.0, "kappa_ask_per_fraction": 900.0},
    ),
    *(
        Pick(
            f"From flat to the limit and over each old zone, {tape}",
            load_scenario("inventory_80_percent").tape(tape),
            {
                **PHASES_1_TO_4,
                **load_scenario("inventory_80_percent").config,
                **OFF_THE_TICK,
                **TWO_LEVELS,
            },
        )
        for tape in ("session", "short")
    ),
)

LATER = (
    Pick(
        "Phase 5: markouts of own fills settle at the first cycle 5 s later, two at the last",
        [
            signal(0, -4.0, 5.0),
            cycle(0),
            priced_fill(1000),
            priced_fill(2000, "buy"),
            priced_fill(3000),
            *(cycle(t_ms, mid) for t_ms, mid in ((5999, 99.9), (6000, 99.9), (12_450, 99.7))),
        ],
        {**gates(1, 2, 3, 4, 5), **TWO_LEVELS},
    ),
    Pick(
        "Phase 6: carry from the first rate, a zscore from the third, skew of a long position",
        [
            *at_position(0.4),
            *(funding(number, rate) for number, rate in enumerate(("1e-5", "3e-5", "0.0009"))),
            reference_price(3, "mark", 100.1),
            reference_price(3, "index", 100.0),
            *(cycle(3 + 6450 * number) for number in range(6)),
        ],
        {**gates(1, 2, 3, 4, 6), **TWO_LEVELS},
    ),
    Pick(
        "Phase 6: past the limit the skew grows no more; scale 0 stops no carry",
        [*at_position(1.2), *[funding(0, "0.0009")] * 3, cycle(0)],
        {**gates(1, 2, 3, 4, 6), **TWO_LEVELS, "funding_scale_factor": 0.0},
    ),
    Pick(
        "Phase 7: a bearish book and a swept bid, as one observation",
        [
            book(0, [(1.0, 1.0), (20.0, 5.0)], [(1.0, 9.0), (20.0, 5.0)]),
            cycle(0),
            book(1000, [(1.0, 1.0), (60.0, 5.0)], [(1.0, 4.0), (60.0, 5.0)]),
            {**own_fill(1000, "buy", 2.0, 3), "mid": 100.0},
            {"step": "cycle", "t_ms": 2000},
            {"step": "cycle", "t_ms": 8000},
        ],
        {**gates(1, 7), **TWO_LEVELS},
    ),
    Pick(
        "Phase 8: a cluster of sells, a falling basis, growing interest; a refused cycle is none",
        [
            *trades("sell", 24, every_ms=0),
            {"step": "cycle", "t_ms": 0},
            *(
                step
                for number, mid in enumerate((100.0, 99.99, 99.98, 99.97, 99.96, 99.965))
                for step in (
                    reference_price(1000 * number, "spot", spot_at(20.0 - 2.0 * number)),
                    open_interest(1000 * number, 1000.0 + 10.0 * number),
                    cycle(1000 * number, mid),
                )
            ),
        ],
        {**gates(1, 8), **TWO_LEVELS, "alpha_open_interest": 0.3},
    ),
    Pick(
        "Phases 6 and 8: large fills, funding, a leader followed by half, a jump; sigma is scaled",
        [
            *(own_fill(0, side, 0.05) for side in ("buy", "sell", "buy", "sell")),
            *(own_fill(0, "sell", 0.4), own_fill(0, "buy", 0.4)),
            *(funding(0, rate) for rate in ("1e-5", "3e-5", "0.0009")),
            *(step for number, moves in enumerate(FOLLOWED_BPS) for step in _led(number, *moves)),
            _estimate(65_000, sigma_bps_per_sqrt_s=1.7),
            _fill(65_000, "buy", 99.99, 0.05, "f-1", mid=100.0),
            *_led(11, -2.0, -1.0),
            *_led(12, 3.0, 1.0),
        ],
        {
            **gates(1, 2, 3, 4, 5, 6, 8),
            "level_sizes": [0.5],
            "fill_size_min_fills": 5,
            "lead_min_returns": 3,
            "kurtosis_min_returns": 4,
        },
    ),
    Pick(
        "Phase 8 without phase 1 is inert: a jump scales nothing",
        [
            *(cycle(t_ms, mid) for t_ms, mid in ((0, 100.0), (9000, 100.01), (9500, 99.0))),
            *(cycle(t_ms, mid) for t_ms, mid in ((9900, 100.0), (9990, 99.5))),
        ],
        {**gates(2, 8), "level_sizes": [0.5], "vol_short_s": 1.0},
    ),
    Pick(
        "Gates that nobody sets: phases 1 to 3 are on, 5 and 6 inert, a book moves no drift",
        [book(0, DEEP, [(1.0, 9.0), (60.0, 9.0)]), {"step": "cycle", "t_ms": 0}],
    ),
    *(
        Pick(
            f"A market in which every source speaks, all phases on, {calibration}",
            whole_market(20260219 + number, 5),
            {**ALL_PHASES, "calibration": calibration, **TWO_LEVELS},
        )
        for number, calibration in enumerate(("plan", "calibrated"))
    ),
)

SESSIONS = (*EARLY, *LATER)


def rollbacks() -> list[Pick]:
    """Return a session of every closed set of gates, of old ones in both variants, of inert ones.

    Those of the deployed variant hold only what an engine without later phases knows.
    """
    steps, closed = _everything(), closed_gate_sets()
    inert = ((1, 3, 4), (7, 8), (1, 2, 3, 5, 6, 7, 8))
    return [
        *(_rollback(phases, steps) for phases in closed),
        *(
            _rollback(phases, known_steps(steps, phases), "deployed")
            for phases in closed
            if set(phases) <= {1, 2, 3, 4}
        ),
        *(_rollback(phases, steps) for phases in inert),
    ]


def _rollback(phases: tuple[int, ...], steps: list[Json], variant: str = "documented") -> Pick:
    on = f"gates of phases {', '.join(map(str, phases))} on" if phases else "no gate on"
    early: Json = {}
    for phase, key in WARM_EARLY.items():
        if phase in phases:
            early[key] = 5
    config = {**gates(*phases, variant=variant), "level_sizes": [0.5], **early}
    return Pick(on + f", {variant}", steps, config)


WARM_EARLY = {3: "flow_min_trades", 8: "hawkes_min_events"}
"""Keys by which a source of a phase is warm after a few trades."""


def _everything() -> list[Json]:
    """Return cycles at 62 % and 87 % of the limit, with every source speaking."""
    return [
        toxicity(0, "bid", 0.8),
        funding(0, "0.0001"),
        funding(1, "-0.0002"),
        funding(2, "0.0009"),
        *trades("sell", 4, 2, 5),
        trade(100, "buy", 2.0),
        reference_price(100, "spot", spot_at(20.0)),
        open_interest(100, 1000.0),
        book(100, [(1.0, 1.0), (60.0, 5.0)], [(1.0, 4.0), (60.0, 5.0)]),
        trend(100, 9.0, 0.9, 0.9),
        _fill(100, "buy", 99.97, 0.62 * MAX_POSITION, "f-1", levels_crossed=2),
        cycle(100),
        signal(3000, -4.0, 50.0),
        signal(3000, -9.0, 100.0),
        reference_price(3000, "spot", spot_at(12.0)),
        _fill(3000, "buy", 99.95, 0.25 * MAX_POSITION, "f-2"),
        cycle(3000, 99.9),
    ]
