"""The quote cycle's tiers: who observes when, that it adds up, and that gates hold.

A tape that keeps every source speaking shows the tiers at cycles 0 to 10. On random tapes the
reported observations, pushed one after the other, must give the reported drift. What a gate
switches off must leave every figure bit for bit as it is without it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.reference.sessions import (
    ALL_PHASES,
    CYCLE_MS,
    MID,
    Q_MAX,
    Session,
    by_source,
    engine,
)

Json = dict[str, Any]
Event = tuple[int, str, Json]
"""A time that passes in ms, the kind of step, its values."""

HOT = {"flow", "composite"}
WARM = {"hawkes", "fill_size", "basis"}
COLD = {"lead", "funding", "open_interest"}


# --- a tape on which every source speaks ------------------------------------------------------


def speaking_engine(**config: object) -> Session:
    """All phases on, every source warm before the first cycle, or as soon as it can be."""
    quoting = engine(**{**ALL_PHASES, "alpha_open_interest": 1.0, "lead_min_returns": 3, **config})
    for n in range(30):
        # asks grow, so that own fill sizes say something
        side, size = ("buy", 0.01) if n < 15 else ("sell", 0.01 * n)
        quoting.step("fill", t_ms=0, side=side, price=MID, size=size)
        quoting.step("trade", t_ms=0, side="sell", price=MID, size=1.0)
        quoting.step("funding", t_ms=0, rate=f"{n % 7}e-5", interval_s=3600.0)
    return quoting


def speaking_cycle(quoting: Session, n: int, spacing_ms: int = 1000) -> Json:
    """Cycle ``n``: a moving leader that the mid follows half as far, and all other feeds."""
    t_ms = n * spacing_ms
    moved = math.exp(4e-4 * math.sin(2.0 * n))
    mid = MID * math.sqrt(moved)
    quoting.step("reference_price", t_ms=t_ms, source="leader", price=50_000.0 * moved)
    quoting.step("reference_price", t_ms=t_ms, source="spot", price=MID * (1.0 + 1e-5 * n))
    quoting.step("open_interest", t_ms=t_ms, contracts=1000.0 + n)
    quoting.step("trade", t_ms=t_ms, side="sell", price=mid, size=1.0)
    bids = [(mid * (1.0 - 1e-4), 3.0 + n), (mid * (1.0 - 6e-3), 1.0)]
    asks = [(mid * (1.0 + 1e-4), 2.0), (mid * (1.0 + 6e-3), 1.0)]
    quoting.step("book", t_ms=t_ms, bids=bids, asks=asks)
    return quoting.step("cycle", t_ms=t_ms, mid=mid)


def test_tiers_of_the_first_eleven_cycles() -> None:
    quoting = speaking_engine()
    for n in range(11):
        expected = set(HOT)
        if n % 2 == 0:
            # the basis needs a warm cycle before to have changed since
            expected |= WARM if n else WARM - {"basis"}
        if n % 5 == 0:
            # neither open interest nor a return is known before the second cold cycle
            expected |= COLD if n else {"funding"}
        assert set(by_source(speaking_cycle(quoting, n))) == expected


def test_order_within_a_cycle() -> None:
    quoting = speaking_engine()
    for n in range(10):
        speaking_cycle(quoting, n)
    t_ms = 9500
    quoting.step("signal", t_ms=t_ms, source="momentum", value=-1.0, variance=50.0)
    quoting.step("signal", t_ms=t_ms, source="belief", value=2.0, variance=50.0)
    quoting.step("trend", t_ms=t_ms, magnitude_bps=5.0, agreement=0.5, p_continuation=0.5)
    quoting.step("fill", t_ms=t_ms, side="buy", price=99.9, size=0.1, mid=MID)
    cycle = speaking_cycle(quoting, 10)
    assert [each["source"] for each in cycle["drift_observations"]] == [
        "trend",
        "fill",
        "signal:momentum",
        "signal:belief",
        "flow",
        "composite",
        "hawkes",
        "fill_size",
        "basis",
        "lead",
        "funding",
        "open_interest",
    ]
    assert [each["source"] for each in cycle["composite_parts"]] == ["bim", "dbim", "bpg"]


def test_other_tiers_than_the_defaults() -> None:
    quoting = speaking_engine(warm_every_cycles=3, cold_every_cycles=4)
    cycles = [by_source(speaking_cycle(quoting, n)) for n in range(13)]
    assert [n for n, each in enumerate(cycles) if "hawkes" in each] == [0, 3, 6, 9, 12]
    assert [n for n, each in enumerate(cycles) if "funding" in each] == [0, 4, 8, 12]


def test_a_rejected_cycle_does_not_count() -> None:
    quoting = speaking_engine()
    speaking_cycle(quoting, 0)
    assert quoting.rejection("cycle", t_ms=500, mid=-1.0) == "out_of_range"
    assert quoting.rejection("cycle", t_ms=-1, mid=MID) == "time_reversed"
    assert "hawkes" not in by_source(speaking_cycle(quoting, 1))
    assert "hawkes" in by_source(speaking_cycle(quoting, 2))


def test_each_gate_silences_its_own_sources() -> None:
    sources = {
        "use_tape_features": {"hawkes", "fill_size", "basis", "lead", "open_interest"},
        "use_book_features": {"composite"},
        "use_funding": {"funding"},
        "use_directional_flow": {"flow", "funding"},  # phase 4, and with it 6, needs phase 3
    }
    for gate, silenced in sources.items():
        quoting = speaking_engine(**{gate: False})
        found: set[str] = set()
        for n in range(11):
            found |= set(by_source(speaking_cycle(quoting, n)))
        assert found == (HOT | WARM | COLD) - silenced
    legacy = speaking_engine(use_kalman_drift=False)
    for n in range(11):
        cycle = speaking_cycle(legacy, n)
        assert cycle["drift_observations"] == cycle["composite_parts"] == []


# --- what is kept between tiers ---------------------------------------------------------------


def jumpy_mids(count: int) -> list[float]:
    """Calm, then three jumps, one at an even and one at an odd cycle, one of them cold."""
    moved_bps = np.random.default_rng(3).standard_normal(60)
    moved_bps[[41, 46, 50]] = [12.0, -6.0, 3.0]
    mids: list[float] = (MID * np.exp(np.cumsum(moved_bps / 1e4))).tolist()
    return mids[:count]


def touch_pnl(cycle: Json, side: int) -> float:
    """Expected PnL of a side's touch, by the component, at the figures a cycle reports."""
    found = Session("expected_pnl").step(
        "level",
        side=("bid", "ask")[side],
        depth_bps=cycle["touch_depths_bps"][side],
        gamma_base_per_bps=0.15,
        inventory_beta=7.0,
        kappa_per_bps=0.1287,
        sigma_bps_per_sqrt_s=cycle["sigma_bps_per_sqrt_s"],
        time_horizon_s=2.0,
        drift_bps_per_s=cycle["drift_bps_per_s"],
        position=cycle["position"],
        max_position=Q_MAX,
        as_cost_bps=cycle["as_cost_bps"],
        fee_bps=1.5,
    )
    return float(found["expected_pnl_bps"])


def check_in_force(cycle: Json, sigma: float, adjustment: float) -> None:
    """Sigma and the AS ratio's adjustment act wherever the formulas have them; u is 0.2."""
    gamma = 0.15 * (1.0 + 7.0 * 0.04)
    risk = gamma * sigma**2 * 2.0
    spread = math.log1p(gamma / 0.1287) / gamma + risk / 2.0 + 1.5
    assert cycle["sigma_bps_per_sqrt_s"] == pytest.approx(sigma)
    assert cycle["as_cost_bps"] == pytest.approx(0.8 * adjustment * sigma * math.sqrt(2.0))
    assert cycle["half_spreads_bps"] == pytest.approx([spread, spread])
    assert cycle["skew_bps"] == pytest.approx(0.2 * risk)
    for side in (0, 1):
        assert cycle["expected_pnl_bps"][side][0] == pytest.approx(touch_pnl(cycle, side))


def test_sigma_and_as_ratio_keep_their_last_value() -> None:
    """Sigma moves at warm cycles, the AS ratio at cold ones; both stay in force in between."""
    quoting, volatility = engine(use_tape_features=True), Session("volatility")
    quoting.step("fill", t_ms=0, side="buy", price=MID, size=0.2 * Q_MAX)
    multiplier = vol_ratio = adjustment = 1.0
    seen = []
    for n, mid in enumerate(jumpy_mids(60)):
        reading = volatility.step("read", t_ms=n * CYCLE_MS, mid=mid)
        if n % 2 == 0:
            multiplier, vol_ratio = reading["sigma_multiplier"], reading["vol_ratio"]
        if n % 5 == 0:
            adjustment = reading["as_ratio_adjustment"]
        cycle = quoting.step("cycle", t_ms=n * CYCLE_MS, mid=mid)
        assert cycle["vol_ratio"] == pytest.approx(vol_ratio)
        assert cycle["as_ratio_adjustment"] == pytest.approx(adjustment)
        check_in_force(cycle, 2.0 * multiplier, adjustment)
        seen.append((multiplier, adjustment))
    assert len({multiplier for multiplier, _ in seen}) > 3
    assert len({adjustment for _, adjustment in seen}) > 2
    assert max(multiplier for multiplier, _ in seen) > 1.3


def test_markouts_settle_with_the_sigma_in_force() -> None:
    """A fill after each cycle is settled in the next, before that one renews sigma.

    P is small, so that sigma decides whether a move of 4.5 bp a cycle is a large error.
    """
    start = {"theta_per_s": 1.0, "process_noise": 0.2}
    quoting = engine(use_tape_features=True, prior_variance=0.1, **start)
    adaptation = Session("adaptation", **start)
    mids = jumpy_mids(60)
    mids += [mids[-1] * math.exp(n % 2 * 4.5e-4) for n in range(40)]
    last, last_mid, sigmas = None, MID, set()
    for n, mid in enumerate(mids):
        cycle = quoting.step("cycle", t_ms=n * CYCLE_MS, mid=mid)
        if last is not None:
            window_s = CYCLE_MS / 1000.0
            learnt = adaptation.step(
                "markout",
                predicted_drift_bps_per_s=last["drift_bps_per_s"],
                predicted_variance=last["drift_variance"],
                realised_drift_bps_per_s=(mid / last_mid - 1.0) * 1e4 / window_s,
                sigma_bps_per_sqrt_s=last["sigma_bps_per_sqrt_s"],
                window_s=window_s,
            )
            assert cycle["theta_per_s"] == pytest.approx(learnt["theta_per_s"])
            assert cycle["process_noise"] == pytest.approx(learnt["process_noise"])
            sigmas.add(last["sigma_bps_per_sqrt_s"])
        side = "buy" if n % 2 else "sell"
        quoting.step("fill", t_ms=n * CYCLE_MS, side=side, price=99.99, size=0.1, mid=mid)
        last, last_mid = cycle, mid
    assert len(sigmas) > 3


def test_scaled_sigma_outlasts_an_estimate() -> None:
    """The estimate is the desk's; the multiplier stays on top of a new one."""
    quoting = engine(use_tape_features=True)
    mids = jumpy_mids(43)
    cycles = [quoting.step("cycle", t_ms=n * CYCLE_MS, mid=mid) for n, mid in enumerate(mids)]
    sigma = cycles[42]["sigma_bps_per_sqrt_s"]
    assert sigma > 2.5
    quoting.step("estimate", t_ms=43 * CYCLE_MS, sigma_bps_per_sqrt_s=6.0)
    odd = quoting.step("cycle", t_ms=43 * CYCLE_MS, mid=mids[-1])
    assert odd["sigma_bps_per_sqrt_s"] == pytest.approx(3.0 * sigma)
    # and a fill is weighed by it
    quoting.step("fill", t_ms=43 * CYCLE_MS, side="buy", price=99.0, size=0.1, mid=MID)
    cycle = quoting.step("cycle", t_ms=44 * CYCLE_MS, mid=mids[-1])
    assert by_source(cycle)["fill"][0] == pytest.approx(-100.0 / (3.0 * sigma))


# --- random tapes -----------------------------------------------------------------------------

sides_st = st.sampled_from(["buy", "sell"])
mids_st = st.floats(99.0, 101.0)
sizes_st = st.floats(0.01, 3.0)


def values(**strategies: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries(strategies)


@st.composite
def shown_books(draw: st.DrawFn) -> Json:
    mid = draw(mids_st)
    empty = draw(st.sampled_from([None, None, None, "bids", "asks"]))
    reach = draw(st.sampled_from([5e-4, 6e-3]))
    book = {
        "bids": [(mid * (1.0 - 1e-4), draw(sizes_st)), (mid * (1.0 - reach), draw(sizes_st))],
        "asks": [(mid * (1.0 + 1e-4), draw(sizes_st)), (mid * (1.0 + reach), draw(sizes_st))],
    }
    return {name: [] if name == empty else levels for name, levels in book.items()}


STEPS: dict[str, st.SearchStrategy[Json]] = {
    "book": shown_books(),
    "trade": values(side=sides_st, price=mids_st, size=sizes_st),
    "fill": values(
        side=sides_st, price=mids_st, size=sizes_st, mid=mids_st, levels_crossed=st.integers(1, 4)
    ),
    "trend": values(
        magnitude_bps=st.floats(-30.0, 30.0),
        agreement=st.floats(0.0, 1.0),
        p_continuation=st.floats(0.0, 1.0),
    ),
    "signal": values(
        source=st.sampled_from(["momentum", "belief"]),
        value=st.floats(-10.0, 10.0),
        variance=st.floats(1.0, 300.0),
    ),
    "funding": values(
        rate=st.floats(-0.01, 0.01).map(lambda rate: f"{rate:.9f}"), interval_s=st.just(3600.0)
    ),
    "reference_price": values(
        source=st.sampled_from(["mark", "index", "spot", "leader"]), price=mids_st
    ),
    "open_interest": values(contracts=st.floats(1e3, 1e4)),
    "cycle": values(mid=mids_st),
}


@st.composite
def tapes(draw: st.DrawFn) -> list[Event]:
    """Rounds of events, each ending in a cycle."""
    events: list[Event] = []
    kinds = st.lists(st.sampled_from(sorted(set(STEPS) - {"cycle"})), max_size=6)
    for _ in range(draw(st.integers(1, 8))):
        for kind in [*draw(kinds), "cycle"]:
            events.append((draw(st.integers(0, 4000)), kind, draw(STEPS[kind])))
    return events


WARM_SOON: Json = {
    **ALL_PHASES,
    "alpha_open_interest": 1.0,
    "flow_min_trades": 1,
    "hawkes_min_events": 1,
    "fill_size_min_fills": 2,
    "lead_min_returns": 2,
    "lead_min_confidence": 1e-9,
    "funding_min_readings": 1,
    "kurtosis_min_returns": 2,
    "markout_window_s": 2.0,
}
"""Sources that speak on short tapes."""


def play(quoting: Session, tape: list[Event]) -> list[tuple[int, Json]]:
    """Times and observations of the cycles of a tape."""
    t_ms, cycles = 0, []
    for elapsed_ms, kind, step in tape:
        t_ms += elapsed_ms
        observation = quoting.step(kind, t_ms=t_ms, **step)
        if kind == "cycle":
            cycles.append((t_ms, observation))
    return cycles


class Sum:
    """Drift and variance by adding up what is reported."""

    def __init__(self) -> None:
        self.mean, self.variance = 0.0, 50.0
        self.t_ms: int | None = None

    def predict(self, t_ms: int, theta: float, noise: float) -> None:
        if self.t_ms is not None:
            decay = math.exp(-theta * (t_ms - self.t_ms) / 1000.0)
            stationary = noise / (2.0 * theta)
            self.mean *= decay
            self.variance = stationary + (self.variance - stationary) * decay**2
        self.t_ms = t_ms

    def push(self, observation: Json, p_min: float) -> None:
        gain = self.variance / (self.variance + observation["variance"])
        assert observation["gain"] == pytest.approx(gain, rel=1e-8)
        missing = observation["z_bps_per_s"] - self.mean
        assert observation["push_bps_per_s"] == pytest.approx(gain * missing, rel=1e-6, abs=1e-9)
        self.mean += observation["push_bps_per_s"]
        self.variance = max(p_min, (1.0 - observation["gain"]) * self.variance)


@given(
    tape=tapes(),
    p_min=st.sampled_from([0.0, 2.0]),
    calibration=st.sampled_from(["plan", "calibrated"]),
)
def test_observations_add_up_to_the_drift(
    tape: list[Event], p_min: float, calibration: str
) -> None:
    """Fills and trends push when they come; then the prediction; then the cycle's observations."""
    quoting = engine(**{**WARM_SOON, "p_min": p_min, "calibration": calibration})
    total = Sum()
    for t_ms, cycle in play(quoting, tape):
        at_once = [
            each for each in cycle["drift_observations"] if each["source"] in ("fill", "trend")
        ]
        for each in at_once:
            total.push(each, p_min)
        total.predict(t_ms, cycle["theta_per_s"], cycle["process_noise"])
        for each in cycle["drift_observations"][len(at_once) :]:
            total.push(each, p_min)
        assert cycle["drift_bps_per_s"] == pytest.approx(total.mean, rel=1e-8, abs=1e-9)
        assert cycle["drift_variance"] == pytest.approx(total.variance, rel=1e-8)


def heard(cycles: list[tuple[int, Json]]) -> list[tuple[Any, ...]]:
    """What the filter heard and made of it."""
    names = ("drift_observations", "composite_parts", "drift_bps_per_s", "drift_variance")
    return [tuple(cycle[name] for name in names) for _, cycle in cycles]


@settings(max_examples=50)
@given(
    tape=tapes(),
    u=st.sampled_from([-1.2, -0.6, -0.1, 0.1, 0.6, 1.2]),
    max_position=st.sampled_from([Q_MAX, 0.857, 85.7]),
)
def test_no_observation_depends_on_the_position(
    tape: list[Event], u: float, max_position: float
) -> None:
    """One session flat, one with a position taken without a mid, which says nothing itself."""
    config: Json = {**WARM_SOON, "alpha_fill_size": 0.0}  # which would remember that fill's size
    flat, held = engine(**config), engine(**{**config, "max_position": max_position})
    side = "buy" if u > 0.0 else "sell"
    held.step("fill", t_ms=0, side=side, price=MID, size=abs(u) * max_position)
    assert heard(play(held, tape)) == heard(play(flat, tape))


WILD_8: Json = {
    "alpha_hawkes": 7.0,
    "hawkes_base_per_s": 0.5,
    "hawkes_min_events": 0,
    "alpha_fill_size": 3.0,
    "fill_size_min_fills": 1,
    "alpha_basis": 9.0,
    "alpha_lead": 9.0,
    "lead_min_returns": 2,
    "lead_min_confidence": 1e-9,
    "vol_short_s": 1.0,
    "vol_exponent": 1.0,
    "tail_weight": 5.0,
    "kurtosis_min_returns": 2,
    "alpha_open_interest": 4.0,
    "warm_every_cycles": 1,
}


def is_of_phase_8(event: Event) -> bool:
    _, kind, step = event
    return kind == "open_interest" or (
        kind == "reference_price" and step["source"] in ("spot", "leader")
    )


def without_phase_8(tape: list[Event]) -> list[Event]:
    """The tape without what only phase 8 hears; the time passes all the same."""
    kept: list[Event] = []
    waited_ms = 0
    for event in tape:
        elapsed_ms, kind, step = event
        if is_of_phase_8(event):
            waited_ms += elapsed_ms
            continue
        kept.append((waited_ms + elapsed_ms, kind, step))
        waited_ms = 0
    return kept


@settings(max_examples=50)
@given(tape=tapes())
def test_gate_8_off_ignores_all_its_state_bit_for_bit(tape: list[Event]) -> None:
    config: Json = {**WARM_SOON, "use_tape_features": False}
    plain = play(engine(**config), without_phase_8(tape))
    assert play(engine(**{**config, **WILD_8}), tape) == plain


@settings(max_examples=50)
@given(tape=tapes())
def test_gate_7_off_ignores_all_its_state_bit_for_bit(tape: list[Event]) -> None:
    config: Json = {**WARM_SOON, "use_book_features": False}
    narrow: list[Event] = []
    for elapsed_ms, kind, step in tape:
        if kind == "fill":
            narrow.append((elapsed_ms, kind, {**step, "levels_crossed": 1}))
        elif kind == "book":
            shown = {name: [(price, 1.0) for price, _ in step[name]] for name in step}
            narrow.append((elapsed_ms, kind, shown))
        else:
            narrow.append((elapsed_ms, kind, step))
    wild = {"alpha_bim": 9.0, "alpha_sweep": 9.0, "dbim_smoothing": 0.9, "depth_ref_usd": 1.0}
    assert play(engine(**{**config, **wild}), tape) == play(engine(**config), narrow)


@settings(max_examples=50)
@given(tape=tapes())
def test_gate_6_off_ignores_funding_bit_for_bit(tape: list[Event]) -> None:
    config: Json = {**WARM_SOON, "use_funding": False}
    other = [
        (elapsed_ms, kind, {**step, "rate": "0.5"} if kind == "funding" else step)
        for elapsed_ms, kind, step in tape
    ]
    wild = {"holding_time_s": 1e5, "funding_scale_factor": 9.0}
    assert play(engine(**{**config, **wild}), other) == play(engine(**config), tape)


@settings(max_examples=50)
@given(tape=tapes())
def test_gate_5_off_freezes_the_parameters(tape: list[Event]) -> None:
    config: Json = {**WARM_SOON, "use_online_adaptation": False}
    cycles = play(engine(**config), tape)
    for _, cycle in cycles:
        assert (cycle["theta_per_s"], cycle["process_noise"]) == (0.02, 1.0)
    assert play(engine(**{**config, "markout_window_s": 0.5, "error_weight": 0.9}), tape) == cycles


@settings(max_examples=50)
@given(tape=tapes())
def test_alphas_of_zero_are_the_gates_of_phases_7_and_8(tape: list[Event]) -> None:
    """The plan's rollback: features that do not feed the drift leave it bit for bit."""
    alphas = ("bim", "dbim", "bpg", "sweep", "hawkes", "fill_size", "basis", "lead")
    zero: Json = {f"alpha_{name}": 0.0 for name in alphas} | {"alpha_open_interest": 0.0}
    # fills' z is weighed by a sigma that phase 8 scales: not with an exponent of 0
    silenced = play(engine(**{**WARM_SOON, **zero, "vol_exponent": 0.0}), tape)
    off = {"use_book_features": False, "use_tape_features": False}
    assert heard(silenced) == heard(play(engine(**{**WARM_SOON, **off}), tape))


def finite(found: object) -> bool:
    """Whether every number in an observation is finite."""
    if isinstance(found, dict):
        return all(finite(each) for each in found.values())
    if isinstance(found, list | tuple):
        return all(finite(each) for each in found)
    return not isinstance(found, float) or math.isfinite(found)


@settings(max_examples=60)
@given(tape=tapes(), calibration=st.sampled_from(["plan", "calibrated"]))
def test_every_figure_of_a_full_session_is_finite(tape: list[Event], calibration: str) -> None:
    """All eight phases on, no step refused."""
    cycles = play(engine(**{**WARM_SOON, "calibration": calibration}), tape)
    for _, cycle in cycles:
        assert cycle["active_phases"] == [1, 2, 3, 4, 5, 6, 7, 8]
        assert finite(cycle)


EXTREMES = st.sampled_from([1e-15, 1e-9, 1e-3, 1.0, 100.0, 1e9, 1e15])


@st.composite
def extreme_books(draw: st.DrawFn) -> Json:
    mid = draw(st.sampled_from([1e-9, 1.0, 1e9]))
    return {
        "bids": [(mid * 0.9999, draw(EXTREMES)), (mid * 0.9, draw(EXTREMES))],
        "asks": [(mid * 1.0001, draw(EXTREMES)), (mid * 1.1, draw(EXTREMES))],
    }


EXTREME_STEPS: dict[str, st.SearchStrategy[Json]] = {
    "book": extreme_books(),
    "trade": values(side=sides_st, price=EXTREMES, size=EXTREMES),
    "fill": values(
        side=sides_st, price=EXTREMES, size=EXTREMES, levels_crossed=st.sampled_from([1, 10**15])
    ),
    "funding": values(rate=st.sampled_from(["1", "-1", "0", "1e-300"]), interval_s=EXTREMES),
    "reference_price": values(source=st.sampled_from(["spot", "leader"]), price=EXTREMES),
    "open_interest": values(contracts=EXTREMES),
    "cycle": values(mid=EXTREMES),
}


@settings(max_examples=60)
@given(
    tape=st.lists(
        st.sampled_from(sorted(EXTREME_STEPS)).flatmap(
            lambda kind: st.tuples(
                st.sampled_from([0, 1, 6450, 10**6]), st.just(kind), EXTREME_STEPS[kind]
            )
        ),
        max_size=20,
    ),
    calibration=st.sampled_from(["plan", "calibrated"]),
)
def test_no_source_makes_a_cycle_fail(tape: list[Event], calibration: str) -> None:
    """Figures of any size that a step may hold; fills that would break the drift are refused."""
    quoting = engine(**{**WARM_SOON, "calibration": calibration})
    t_ms = 0
    for elapsed_ms, kind, step in tape:
        t_ms += elapsed_ms
        observation = quoting.attempt(kind, t_ms=t_ms, **step)
        assert finite(observation)
        assert observation is not None or kind == "fill"
    assert finite(quoting.step("cycle", t_ms=t_ms, mid=MID))


# --- gates ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("off", "active", "inert"),
    [
        ([], [1, 2, 3, 4, 5, 6, 7, 8], []),
        (["use_kalman_drift"], [2, 3], [4, 5, 6, 7, 8]),
        (["use_continuous_gamma"], [1, 3, 7, 8], [4, 5, 6]),
        (["use_directional_flow"], [1, 2, 7, 8], [4, 5, 6]),
        (["use_epnl_filter"], [1, 2, 3, 7, 8], [5, 6]),
        (["use_online_adaptation", "use_book_features"], [1, 2, 3, 4, 6, 8], []),
        (["use_funding", "use_tape_features"], [1, 2, 3, 4, 5, 7], []),
    ],
)
def test_phases_that_miss_a_prerequisite_are_inert(
    off: list[str], active: list[int], inert: list[int]
) -> None:
    quoting = Session("engine", **{**ALL_PHASES, **dict.fromkeys(off, False)})
    cycle = quoting.step("cycle", t_ms=0, mid=MID)
    assert cycle["active_phases"] == active
    assert cycle["inert_phases"] == inert


def test_adaptation_and_funding_are_on_but_inert_by_default() -> None:
    cycle = Session("engine").step("cycle", t_ms=0, mid=MID)
    assert cycle["active_phases"] == [1, 2, 3]
    assert cycle["inert_phases"] == [5, 6]
