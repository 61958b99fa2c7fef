"""Phase 6: what a position costs to hold, and what an extreme rate says of the drift.

A history of equal rates and one spike has a z-score in closed form: with a weight of 0.1 it is
0.9 / sqrt((0.81 + 0.01 (n - 1)) / n) after n readings whatever the spike, and exactly 3 for n = 10.
Longer histories are held against pandas. The known hazard has its numbers: an extreme reading
pulls a drift of its own direction towards 0 in the calibration ``plan``.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.reference.sessions import (
    CYCLE_MS,
    MID,
    Q_MAX,
    Observation,
    Session,
    by_source,
    drift_after,
    engine,
    observed,
    posterior,
    silent,
)

from quotemark.messages import Json

HOUR_S = 3600.0
SPIKE = [1e-5] * 9 + [1.1e-4]
"""Ten readings, the last of z-score 3."""

rates_st = st.floats(-0.01, 0.01).map(lambda rate: round(rate, 9))


def read_rates(rates: list[float], **config: object) -> Json:
    """What funding says after hourly readings of ``rates``."""
    funding = Session("funding", **config)
    for hour, rate in enumerate(rates):
        t_ms = hour * 3_600_000
        funding.step("funding", t_ms=t_ms, rate=repr(rate), interval_s=HOUR_S)
    return funding.step("read", t_ms=len(rates) * 3_600_000)


def carry_of(rate: float, interval_s: float = HOUR_S, **config: object) -> list[float]:
    funding = Session("funding", **config)
    funding.step("funding", t_ms=0, rate=repr(rate), interval_s=interval_s)
    carry: list[float] = funding.step("read", t_ms=0)["carry_bps"]
    return carry


# --- the plan's named tests -------------------------------------------------------------------


def test_funding_observation_extreme_bearish() -> None:
    reading = read_rates(SPIKE)
    assert reading["zscore"] == pytest.approx(3.0)
    z, variance = observed(reading)
    assert (z, variance) == pytest.approx((-0.15, 4.0 / 3.0))
    assert drift_after(0.0, 25.0, (z, variance)) < 0.0
    # and the mirror: an extreme negative rate is bullish
    mirrored = read_rates([-rate for rate in SPIKE])
    assert observed(mirrored) == (-z, variance)


def test_carry_cost_positive_when_paying() -> None:
    # an hourly rate of 0.01 % held 600 s: a sixth of 1 bp
    bid, ask = carry_of(1e-4)
    assert bid == pytest.approx(1.0 / 6.0)  # a long pays
    assert carry_of(-1e-4)[1] == pytest.approx(1.0 / 6.0)  # a short pays
    assert ask < 0.0 < bid


def test_carry_cost_negative_when_receiving() -> None:
    # half of what the other side pays
    assert carry_of(1e-4)[1] == pytest.approx(-1.0 / 12.0)
    assert carry_of(-1e-4)[0] == pytest.approx(-1.0 / 12.0)


def test_funding_warmup_blocks_signal() -> None:
    for count in (1, 2):
        reading = read_rates([1e-5, 5e-3][:count])
        assert silent(reading)
        assert reading["zscore"] is None
        assert reading["readings"] == count
        assert list(reading["carry_bps"]) != [
            0.0,
            0.0,
        ]  # what is paid is known from the first reading
    assert not silent(read_rates([1e-5, 5e-3, 5e-3]))

    quoting = engine()
    for count in range(4):
        cycle = quoting.step("cycle", t_ms=count, mid=MID)
        assert "funding" not in by_source(cycle)
        if count < 2:
            quoting.step("funding", t_ms=count, rate="0.001", interval_s=HOUR_S)
    quoting.step("funding", t_ms=10, rate="0.002", interval_s=HOUR_S)
    cycles = [quoting.step("cycle", t_ms=10, mid=MID) for _ in range(2)]  # 4 and 5: 5 is cold
    assert ["funding" in by_source(cycle) for cycle in cycles] == [False, True]


def test_epnl_with_carry_narrows_profitability() -> None:
    carry_bid, carry_ask = carry_of(2e-3)
    level = {
        "depth_bps": 12.0,
        "gamma_base_per_bps": 0.15,
        "inventory_beta": 7.0,
        "kappa_per_bps": 0.1287,
        "sigma_bps_per_sqrt_s": 2.0,
        "time_horizon_s": 2.0,
        "drift_bps_per_s": -0.3,
        "position": 0.2 * Q_MAX,
        "max_position": Q_MAX,
        "as_cost_bps": 2.26,
        "fee_bps": 1.5,
    }
    for side, carry in (("bid", carry_bid), ("ask", carry_ask)):
        expected_pnl = Session("expected_pnl")
        free = expected_pnl.step("level", side=side, **level)["expected_pnl_bps"]
        paid = expected_pnl.step("level", side=side, carry_cost_bps=carry, **level)
        lost = math.exp(-0.1287 * 12.0) * carry
        assert paid["expected_pnl_bps"] == pytest.approx(free - lost)
        assert (paid["expected_pnl_bps"] < free) == (side == "bid")  # the payer's

    # the engine's levels, kept or not, of a flat book
    on, off = (quoted_with_rate("0.002", use_funding=gate) for gate in (True, False))
    assert on["touch_depths_bps"] == off["touch_depths_bps"]
    for index, carry in enumerate((carry_bid, carry_ask)):
        depths = [on["touch_depths_bps"][index] + level for level in range(6)]
        lost_bps = [math.exp(-0.1287 * depth) * carry for depth in depths]
        gained = np.subtract(on["expected_pnl_bps"][index], off["expected_pnl_bps"][index])
        assert gained == pytest.approx(np.negative(lost_bps))
    assert on["carry_bps"] == pytest.approx([carry_bid, carry_ask])
    assert list(off["carry_bps"]) == [0.0, 0.0]


def quoted_with_rate(rate: str, *, u: float = 0.0, **config: object) -> Json:
    """A cycle at utilisation u (its fills say nothing of the drift) after one funding reading."""
    quoting = engine(**config)
    if u:
        side = "buy" if u > 0.0 else "sell"
        quoting.step("fill", t_ms=0, side=side, price=MID, size=abs(u) * Q_MAX)
    quoting.step("funding", t_ms=0, rate=rate, interval_s=HOUR_S)
    return quoting.step("cycle", t_ms=0, mid=MID)


# --- the estimator against pandas -------------------------------------------------------------


@given(rates=st.lists(rates_st, min_size=3, max_size=60))
def test_mean_and_deviation_are_those_of_pandas(rates: list[float]) -> None:
    reading = read_rates(rates)
    series = pd.Series(rates)
    mean = series.ewm(alpha=0.1, adjust=False).mean().iloc[-1]
    # about the weighted mean, over the last 24 readings, the last included
    deviation = math.sqrt(np.square(series.iloc[-24:] - mean).mean())
    assert reading["ewma_rate"] == pytest.approx(mean, rel=1e-9, abs=1e-15)
    assert reading["rate_std"] == pytest.approx(deviation, rel=1e-6, abs=1e-12)
    assert reading["mean_rate"] == pytest.approx(np.mean(rates[-24:]), rel=1e-9, abs=1e-15)
    assert reading["readings"] == len(rates)
    assert abs(reading["zscore"]) <= math.sqrt(min(24, len(rates)))  # so 5 is out of reach
    zscore = float(np.clip((rates[-1] - mean) / max(deviation, 1e-6), -5.0, 5.0))
    assert reading["zscore"] == pytest.approx(zscore, rel=1e-6, abs=1e-6)
    expected = (-0.05 * zscore, 4.0 / max(abs(zscore), 0.1))
    assert observed(reading) == pytest.approx(expected, rel=1e-5, abs=1e-7)


@given(rates=st.lists(rates_st, min_size=1, max_size=30))
def test_mirrored_rates_mirror_everything(rates: list[float]) -> None:
    one, other = read_rates(rates), read_rates([-rate for rate in rates])
    assert other["carry_bps"] == one["carry_bps"][::-1]
    assert other["rate_std"] == one["rate_std"]
    for name in ("rate_per_s", "ewma_rate", "mean_rate", "zscore", "z_bps_per_s"):
        given_value = one[name]
        assert other[name] == (None if given_value is None else -given_value)
    assert other["variance"] == one["variance"]


@given(spike=st.floats(1e-4, 0.5), count=st.integers(3, 24), base=st.floats(-0.01, 0.01))
def test_a_spikes_zscore_does_not_depend_on_its_size(spike: float, count: int, base: float) -> None:
    rates = [base] * (count - 1) + [base + spike]
    expected = 0.9 / math.sqrt((0.81 + 0.01 * (count - 1)) / count)
    assert read_rates(rates)["zscore"] == pytest.approx(min(5.0, expected), rel=1e-6)


def test_floor_of_the_deviation() -> None:
    # constant rates: no deviation, no z-score, and R at its floor of 4/0.1
    reading = read_rates([1e-5] * 5)
    assert reading["zscore"] == pytest.approx(0.0, abs=1e-9)
    assert observed(reading) == pytest.approx((0.0, 40.0), abs=1e-9)
    # a spike of 1e-7 has a deviation of 3e-8, floored at 1e-6: z-score 0.09 instead of 3
    tiny = read_rates([1e-5] * 9 + [1.01e-5])
    assert tiny["zscore"] == pytest.approx(0.09, rel=1e-6)


def test_zscore_is_clipped_to_five() -> None:
    # a deviation has its own share in the mean of 24 squares: 4.9 at most, 4.3 after constants
    rates = [0.0] * 40 + [1e-3]
    assert read_rates(rates)["zscore"] == pytest.approx(0.9 / math.sqrt(1.04 / 24.0))
    clipped = read_rates(rates, funding_history=100)
    assert 0.9 / math.sqrt((0.81 + 0.4) / 41.0) > 5.0
    assert clipped["zscore"] == 5.0
    assert observed(clipped) == pytest.approx((-0.25, 0.8))


def test_scale_zero_stops_the_drift_observation_only() -> None:
    reading = read_rates(SPIKE, funding_scale_factor=0.0)
    assert silent(reading)
    assert reading["carry_bps"] == carry_of(SPIKE[-1])


def test_before_the_first_reading() -> None:
    reading = Session("funding").step("read", t_ms=0)
    assert [reading[name] for name in ("rate_per_s", "mean_rate", "rate_std")] == [None] * 3
    assert list(reading["carry_bps"]) == [0.0, 0.0]
    assert reading["readings"] == 0
    assert silent(reading)


# --- carry ------------------------------------------------------------------------------------


@given(rate=rates_st, interval_s=st.floats(60.0, 86_400.0), holding_time_s=st.floats(1.0, 86_400.0))
def test_carry_is_the_rate_over_the_holding_time(
    rate: float, interval_s: float, holding_time_s: float
) -> None:
    cost = abs(rate) / interval_s * holding_time_s * 1e4
    paying, receiving = cost, -cost / 2.0
    expected = [paying, receiving] if rate > 0.0 else [receiving, paying]
    carry = carry_of(rate, interval_s, holding_time_s=holding_time_s)
    assert carry == pytest.approx(expected, abs=1e-12)
    # the sum of both sides is what a round trip would cost: never a gain
    assert sum(carry) >= 0.0


def test_carry_takes_the_last_rate_and_not_the_mean() -> None:
    assert read_rates([0.01] * 20 + [1e-4])["carry_bps"] == pytest.approx(carry_of(1e-4))
    # the same yearly rate in other intervals is the same carry
    assert carry_of(8e-4, 8.0 * HOUR_S) == pytest.approx(carry_of(1e-4, HOUR_S))


@pytest.mark.parametrize("u", [0.3, -0.3])
@pytest.mark.parametrize("rate", ["0.0006", "-0.0006"])
def test_quoted_skew_moves_both_sides(u: float, rate: str) -> None:
    """U rate H: a paying long's bids go deeper, a paying short's asks, the other side nearer."""
    on, off = (quoted_with_rate(rate, u=u, use_funding=gate) for gate in (True, False))
    moved = np.subtract(on["touch_depths_bps"], off["touch_depths_bps"])
    payment = u * float(rate)  # positive where the position pays
    deeper_bid = math.copysign(abs(payment) / HOUR_S * 600.0 * 1e4, payment * u)
    assert moved == pytest.approx([deeper_bid, -deeper_bid])
    assert on["funding_skew_bps"] == pytest.approx(deeper_bid)
    assert off["funding_skew_bps"] == 0.0
    assert abs(deeper_bid) == pytest.approx(0.3)


# --- known hazard -----------------------------------------------------------------------------


@pytest.mark.parametrize(("variance", "left"), [(25.0, -0.5475), (8.0, -1.2714)])
def test_hazard_an_extreme_reading_weakens_a_drift_of_its_own_direction(
    variance: float, left: float
) -> None:
    """Plan: z-score 3 is -0.15 with R = 4/3, at gains of 0.95 (P = 25) and 0.86 (P = 8)."""
    after = drift_after(-8.0, variance, observed(read_rates(SPIKE)))
    assert after == pytest.approx(posterior(-8.0, variance, (-0.15, 4.0 / 3.0))[0])
    assert after == pytest.approx(left, abs=1e-4)


def test_small_update_of_the_plan_is_none() -> None:
    """At z-score 0.3 the plan counts a gain of 0.65 as small: two thirds of the drift go."""
    z, variance = -0.3 * 0.05, 4.0 / 0.3
    assert drift_after(-8.0, 25.0, (z, variance)) == pytest.approx(-2.79, abs=0.01)


@pytest.mark.parametrize(("variance", "left"), [(25.0, -7.8246), (8.0, -7.9403)])
def test_calibrated_reading_leaves_the_drift_standing(variance: float, left: float) -> None:
    # a signal of -3/5 is -6 bp/s with R = 260
    observation = observed(read_rates(SPIKE, calibration="calibrated"))
    assert observation == pytest.approx((-6.0, 260.0))
    assert drift_after(-8.0, variance, observation) == pytest.approx(left, abs=1e-4)


# --- premium ----------------------------------------------------------------------------------


@given(mark=st.floats(1.0, 1e6), premium=st.floats(-500.0, 500.0))
def test_premium_is_kept_and_never_reaches_the_drift(mark: float, premium: float) -> None:
    index = mark / (1.0 + premium / 1e4)
    with_prices, without = Session("funding"), Session("funding")
    assert with_prices.step("read", t_ms=0)["premium_bps"] is None
    with_prices.step("reference_price", t_ms=0, source="mark", price=mark)
    assert with_prices.step("read", t_ms=0)["premium_bps"] is None
    for other in ("spot", "leader"):
        with_prices.step("reference_price", t_ms=0, source=other, price=mark)
    assert with_prices.step("read", t_ms=0)["premium_bps"] is None
    with_prices.step("reference_price", t_ms=0, source="index", price=index)
    for funding in (with_prices, without):
        for t_ms, rate in enumerate(SPIKE):
            funding.step("funding", t_ms=t_ms, rate=repr(rate), interval_s=HOUR_S)
    reading, plain = (session.step("read", t_ms=60) for session in (with_prices, without))
    assert reading["premium_bps"] == pytest.approx(premium, abs=1e-6)
    assert plain["premium_bps"] is None
    assert {**reading, "premium_bps": None} == plain


# --- the text of a rate -----------------------------------------------------------------------

digits_st = st.text("0123456789", min_size=1, max_size=4)
signs_st = st.sampled_from(["", "+", "-"])


@st.composite
def rate_texts(draw: st.DrawFn) -> str:
    """Decimal notation: a sign, digits with an optional fraction or a fraction, an exponent."""
    whole, fraction = draw(digits_st), draw(digits_st)
    number = draw(st.sampled_from([whole, f"{whole}.{fraction}", f".{fraction}"]))
    exponent = ""
    if draw(st.booleans()):
        sign = draw(st.sampled_from(["+", "-"]))
        exponent = f"{draw(st.sampled_from('eE'))}{sign}{draw(st.integers(0, 12))}"
    return f"{draw(signs_st)}{number}{exponent}"


@given(text=rate_texts())
def test_every_decimal_notation_is_read(text: str) -> None:
    funding = Session("funding")
    exact = Decimal(text)
    if abs(exact) > 1:
        code = funding.rejection("funding", t_ms=0, rate=text, interval_s=1.0)
        assert code == "out_of_range"
    else:
        funding.step("funding", t_ms=0, rate=text, interval_s=1.0)
        assert funding.step("read", t_ms=0)["rate_per_s"] == float(exact)


@given(text=st.text("0123456789+-.eE_, xinfa\u0660\u00b2\t\n", max_size=8))
def test_no_other_text_is_a_rate(text: str) -> None:
    assume(not re.fullmatch(r"[+-]?([0-9]+(\.[0-9]+)?|\.[0-9]+)([eE][+-]?[0-9]+)?", text))
    assume(text not in ("nan", "inf", "-inf"))
    funding = Session("funding")
    assert funding.rejection("funding", t_ms=0, rate=text, interval_s=1.0) == "unparsable"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("nan", "non_finite"),
        ("inf", "non_finite"),
        ("-inf", "non_finite"),
        ("1e+999", "non_finite"),
        ("-9.9e+400", "non_finite"),
        ("1.0000001", "out_of_range"),
        ("-2", "out_of_range"),
        ("", "unparsable"),
        ("1.", "unparsable"),
        (".", "unparsable"),
        ("1_000e-9", "unparsable"),
        ("0,0001", "unparsable"),
        ("0x1p-8", "unparsable"),
        (" 0.0001", "unparsable"),
        ("0.0001\n", "unparsable"),
        ("1e-", "unparsable"),
        ("NaN", "unparsable"),
        ("Infinity", "unparsable"),
        ("0.01%", "unparsable"),
        ("\u0660.1", "unparsable"),
    ],
)
def test_a_rate_that_does_not_parse_is_never_read_as_zero(text: str, code: str) -> None:
    spoiled, clean = Session("funding"), Session("funding")
    for funding in (spoiled, clean):
        for t_ms, rate in enumerate(("0.0001", "0.0002", "0.0004")):
            funding.step("funding", t_ms=t_ms, rate=rate, interval_s=HOUR_S)
    assert spoiled.rejection("funding", t_ms=3, rate=text, interval_s=HOUR_S) == code
    assert spoiled.step("read", t_ms=3) == clean.step("read", t_ms=3)


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"interval_s": 0.0}, "out_of_range"),
        ({"interval_s": -3600.0}, "out_of_range"),
        ({"interval_s": "nan"}, "non_finite"),
        ({"t_ms": -1}, "time_reversed"),
        ({"rate": 0.0001}, "unparsable"),
    ],
)
def test_bad_readings_leave_the_estimator(values: dict[str, object], code: str) -> None:
    spoiled, clean = Session("funding"), Session("funding")
    for funding in (spoiled, clean):
        funding.step("funding", t_ms=0, rate="0.0001", interval_s=HOUR_S)
    given_values = {"t_ms": 0, "rate": "0.0001", "interval_s": HOUR_S, **values}
    assert spoiled.rejection("funding", **given_values) == code
    assert spoiled.step("read", t_ms=0) == clean.step("read", t_ms=0)


# --- in the engine ----------------------------------------------------------------------------


def test_the_engine_observes_what_the_component_says() -> None:
    expected: Observation = observed(read_rates(SPIKE, calibration="calibrated"))
    quoting = engine()
    for hour, rate in enumerate(SPIKE):
        t_ms = hour * 3_600_000
        quoting.step("funding", t_ms=t_ms, rate=repr(rate), interval_s=HOUR_S)
    t_ms = 10 * 3_600_000
    cycles = [quoting.step("cycle", t_ms=t_ms + n * CYCLE_MS, mid=MID) for n in range(11)]
    for n, cycle in enumerate(cycles):
        found = by_source(cycle).get("funding")
        assert found == (pytest.approx(expected) if n % 5 == 0 else None)
        assert cycle["carry_bps"] == pytest.approx(carry_of(SPIKE[-1]))
        assert cycle["funding_zscore"] == pytest.approx(3.0)


def test_without_the_gate_funding_moves_nothing() -> None:
    fed, plain = engine(use_funding=False), engine()
    for hour, rate in enumerate(SPIKE):
        fed.step("funding", t_ms=hour, rate=repr(rate), interval_s=HOUR_S)
    for n in range(6):
        one, other = (each.step("cycle", t_ms=20 + n, mid=MID) for each in (fed, plain))
        for name in ("bids", "asks", "drift_bps_per_s", "carry_bps", "funding_skew_bps"):
            assert one[name] == other[name]
        assert one["drift_observations"] == []
