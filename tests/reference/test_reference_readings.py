"""D-15, D-16, D-46: the matrix of readings against the statements a reading must satisfy."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.reference.markets import configured, quoted
from tests.reference.textbook import CHOSEN, Level, Reading, ladder_side, resting

Statements = tuple[bool, bool, bool, bool, bool, bool, bool]

STATEMENTS = (
    "both sides quoted flat",
    "both sides quoted at 30 %",
    "no bid at 70 % and 80 %",
    "asks at 80 %",
    "no bid at drift -3.44",
    "both sides at drift -0.3",
    "every resting level negative at 5 sigma",
)

# lambda, gamma: which statements hold, in the order above
MATRIX: dict[tuple[str, str], Statements] = {
    ("relative", "per_bps"): (True, True, True, True, True, True, True),
    ("relative", "per_fraction"): (True, True, False, True, True, True, False),
    ("per_fraction", "per_bps"): (True, True, False, True, False, True, True),
    ("per_fraction", "per_fraction"): (True, True, False, True, False, True, False),
    ("per_bps", "per_bps"): (True, False, True, True, True, False, True),
    ("per_bps", "per_fraction"): (True, True, False, True, True, False, False),
}


def statements(reading: Reading) -> Statements:
    """Recompute, from the formulas alone, which statements hold under ``reading``."""

    def count(
        side: Literal["bid", "ask"],
        u: float = 0.0,
        drift: float = 0.0,
        judged_sigma: float | None = None,
    ) -> int:
        return resting(
            ladder_side(side, u=u, drift=drift, judged_sigma=judged_sigma, reading=reading)
        )

    return (
        count("bid") > 0 and count("ask") > 0,
        count("bid", u=0.3) > 0 and count("ask", u=0.3) > 0,
        count("bid", u=0.7) == count("bid", u=0.8) == 0,
        count("ask", u=0.8) > 0,
        count("bid", drift=-3.44) == 0,
        count("bid", drift=-0.3) > 0 and count("ask", drift=-0.3) > 0,
        count("bid", judged_sigma=10.0) == count("ask", judged_sigma=10.0) == 0,
    )


@pytest.mark.parametrize(("intensity", "gamma_unit"), MATRIX)
def test_matrix_of_readings(
    intensity: Literal["relative", "per_fraction", "per_bps"],
    gamma_unit: Literal["per_bps", "per_fraction"],
) -> None:
    found = statements(Reading(intensity=intensity, gamma_unit=gamma_unit))
    named = dict(zip(STATEMENTS, found, strict=True))
    assert named == dict(zip(STATEMENTS, MATRIX[intensity, gamma_unit], strict=True))


def test_only_the_chosen_pair_satisfies_all() -> None:
    assert [pair for pair, found in MATRIX.items() if all(found)] == [("relative", "per_bps")]
    assert (CHOSEN.intensity, CHOSEN.gamma_unit) == ("relative", "per_bps")


def test_intensity_per_fraction_makes_the_filter_inert() -> None:
    levels = ladder_side("bid", drift=-3.0, reading=Reading(intensity="per_fraction"))
    assert all(1500.0 < level.pnl < 2300.0 for level in levels)  # "bp", against a drift of 3


def test_intensity_per_bps_leaves_one_side_at_30_percent() -> None:
    reading = Reading(intensity="per_bps")
    bids, asks = (ladder_side(side, u=0.3, reading=reading) for side in ("bid", "ask"))
    # kappa takes the spread term from 1.2 to 1.8 bp down to 0.2, less than the penalty of 0.59
    assert (resting(bids), resting(asks)) == (0, 6)
    assert max(level.pnl for level in bids) == pytest.approx(-0.36, abs=0.01)


def figures(levels: list[Level]) -> list[float]:
    return [level.depth for level in levels] + [level.pnl for level in levels]


percents = st.integers(-150, 150).map(lambda n: n / 100.0)


@given(u=percents, drift=st.floats(-10.0, 10.0), imbalance=percents.map(lambda x: x / 1.5))
def test_chosen_reading_is_the_reference(u: float, drift: float, imbalance: float) -> None:
    cycle = quoted(configured(), u=u, drift=drift, imbalance=imbalance)
    assert cycle.expected_pnl_bps is not None
    sides: tuple[tuple[Literal["bid", "ask"], int], ...] = (("bid", 0), ("ask", 1))
    for side, index in sides:
        expected = ladder_side(side, u=u, drift=drift, imbalance=imbalance)
        depths = [cycle.touch_depths_bps[index] + level for level in range(6)]
        found = depths + cycle.expected_pnl_bps[index]
        assert found == pytest.approx(figures(expected), rel=1e-8, abs=1e-8)
        kept = [quote.level for quote in (cycle.bids, cycle.asks)[index]]
        clearly = [level for level, figure in enumerate(expected) if figure.pnl > 1e-6]
        assert set(kept) <= {i for i, figure in enumerate(expected) if figure.pnl > -1e-6}
        if abs(u) <= 0.5:  # room for the whole side: nothing else removes a level
            assert set(clearly) <= set(kept)


@given(u=st.floats(0.7, 1.5), drift=st.floats(-20.0, 0.0))
def test_no_bids_from_70_percent_unless_drift_points_the_positions_way(
    u: float, drift: float
) -> None:
    assert quoted(configured(), u=u, drift=drift).bids == []
    assert quoted(configured(), u=-u, drift=-drift).asks == []


# --- D-46: do the flow multipliers act on lambda? ---------------------------------------------

FLOW_CASES = [
    # at 75 % of the limit: the deepest bid stays alive by a hair
    (0.75, 0.0, [-0.5714, -0.3883, -0.2431, -0.1317, -0.0505, 0.0038]),
    # at drift -3.44: all six
    (0.0, -3.44, [0.6543, 0.7909, 0.8946, 0.9689, 1.0171, 1.0422]),
]


@pytest.mark.parametrize(("u", "drift", "rejected"), FLOW_CASES)
def test_one_sided_sells_do_not_keep_bids_alive(
    u: float, drift: float, rejected: list[float]
) -> None:
    alive = ladder_side(
        "bid", u=u, drift=drift, imbalance=1.0, reading=Reading(flow_moves_intensity=True)
    )
    assert [level.pnl for level in alive] == pytest.approx(rejected, abs=1e-4)
    assert resting(alive) > 0

    chosen = ladder_side("bid", u=u, drift=drift, imbalance=1.0)
    assert max(level.pnl for level in chosen) < -1.7
    cycle = quoted(configured(), u=u, drift=drift, imbalance=1.0)
    assert cycle.expected_pnl_bps is not None
    assert cycle.expected_pnl_bps[0] == pytest.approx([level.pnl for level in chosen])
    assert cycle.touch_depths_bps[0] == pytest.approx(alive[0].depth)  # the half-spread's kappa
    assert cycle.bids == []
