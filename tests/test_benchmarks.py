"""The benchmarks: who takes turns with whom, what a page says, and that all of them run.

What needs the peers is skipped where the extra ``bench`` is not installed. No test judges a time.
"""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import msgspec
import pytest
from tests.benchmarks.machine import machine
from tests.benchmarks.measure import AbsentError, Contender, Prepare, Table, compare, timed
from tests.benchmarks.page import Results, as_markdown, as_text, duration

ROOT = Path(__file__).parents[1]


def scripted(name: str, seconds: list[float], log: list[str], remark: str = "") -> Prepare:
    """Make a contender that takes the given seconds, after one more run that warms it up."""
    left = iter([99.0, *seconds])

    def run() -> float:
        log.append(name)
        return next(left)

    return lambda: Contender(run, remark)


def missing() -> Contender:
    raise AbsentError("no compiler is installed")


@pytest.fixture
def table() -> Table:
    """Three rounds of two contenders; a third is not at hand."""
    contenders = {
        "ours": scripted("ours", [2e-6, 4e-6, 3e-6], [], "as it is"),
        "peer": scripted("peer", [1e-6, 1e-6, 6e-6], []),
        "in C": missing,
    }
    return compare("Steps", "a step", contenders, 3, ["Noted."])


def test_contenders_warm_up_and_then_take_turns() -> None:
    log: list[str] = []
    contenders = {name: scripted(name, [1.0, 1.0], log) for name in ("one", "other")}
    compare("Steps", "a step", contenders, 2)
    assert log == ["one", "other"] * 3


def test_figures_are_of_the_rounds_without_the_warm_up(table: Table) -> None:
    ours, peer = table.rows
    seconds = (ours.seconds.median, ours.seconds.least, ours.seconds.greatest)
    assert seconds == (3e-6, 2e-6, 4e-6)
    # round by round 1/2, 1/4 and 6/3 of the first, and not the ratio of the medians, 1/3
    ratios = (peer.ratio.median, peer.ratio.least, peer.ratio.greatest)
    assert ratios == pytest.approx((0.5, 0.25, 2.0))
    assert (ours.ratio.least, ours.ratio.greatest) == (1.0, 1.0)


def test_what_is_not_at_hand_is_left_out_by_name(table: Table) -> None:
    assert table.absent == {"in C": "no compiler is installed"}
    assert "in C" not in [row.name for row in table.rows]
    assert "left out: no compiler is installed" in as_text(table)


def test_a_time_is_per_unit_of_work() -> None:
    done = []
    seconds = timed(lambda: done.append(sum(range(200_000))), 1000)
    assert len(done) == 1
    assert 0.0 < seconds < 1.0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(2.5, "2.5 s"), (1.0, "1 s"), (0.0123, "12.3 ms"), (1.7e-6, "1.7 us"), (4e-10, "0.4 ns")],
)
def test_a_duration_is_in_the_largest_unit_of_which_it_is_one(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_the_page_holds_machine_figures_ratios_and_what_was_left_out(table: Table) -> None:
    results = Results("2026-02-19", "in full", {"processor": "a model"}, [table])
    lines = as_markdown(results).splitlines()
    assert "| processor | a model |" in lines
    assert any("2026-02-19 (in full)" in line for line in lines)
    assert "| ours | 3 us (2 us to 4 us) | 333,333 | 1 (1 to 1) | as it is |" in lines
    assert "| peer | 1 us (1 us to 6 us) | 1,000,000 | 0.5 (0.25 to 2) |  |" in lines
    assert "Left out: in C: no compiler is installed." in lines
    assert "Noted." in lines


def test_the_machine_says_which_peers_it_has() -> None:
    about = machine()
    assert about["Python"].endswith(sys.version.split()[0])
    assert about["processor"]
    assert int(about["cores"]) >= 1
    assert {"filterpy", "hftbacktest", "bowtie-json-schema", "cc"} <= about.keys()


# --- with the peers ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def filters() -> ModuleType:
    found: ModuleType = pytest.importorskip("tests.benchmarks.filters")
    return found


def test_the_closed_form_of_one_and_two_observations_is_the_textbooks(filters: ModuleType) -> None:
    """V = P_0 a^2 + Q, K = V / (V + R), by hand from theta 0.02, q 1, P_0 50, R 5 and 6.45 s."""
    decay = math.exp(-0.129)
    added = 25.0 * (1.0 - decay * decay)
    series = filters.observed(2)
    first_variance = 50.0 * decay * decay + added
    first_gain = first_variance / (first_variance + 5.0)
    first_mean, left = first_gain * series.values[0], (1.0 - first_gain) * first_variance
    second_variance = left * decay * decay + added
    second_gain = second_variance / (second_variance + 5.0)
    predicted = first_mean * decay
    expected = (
        predicted + second_gain * (series.values[1] - predicted),
        (1.0 - second_gain) * second_variance,
    )
    assert filters.closed_form(filters.observed(1)) == pytest.approx((first_mean, left))
    assert filters.closed_form(series) == pytest.approx(expected)


def test_a_filter_with_another_posterior_is_not_timed(filters: ModuleType) -> None:
    def slightly_off(series: object) -> Callable[[], tuple[float, float]]:
        mean, variance = filters.closed_form(series)
        return lambda: (mean, variance * (1.0 + 1e-8))

    with pytest.raises(AssertionError, match="departs from the closed form by 1e-08"):
        filters.departure(slightly_off)
    assert filters.departure(filters.reference) < 1e-12


@pytest.mark.whole_suite
def test_every_benchmark_runs(filters: ModuleType, tmp_path: Path) -> None:
    """As a program, with all its peers; some minutes."""
    del filters  # skips where the peers are not installed
    markdown, figures = tmp_path / "results.md", tmp_path / "results.json"
    command = [sys.executable, "-m", "tests.benchmarks.run", "--quick"]
    command += ["--markdown", str(markdown), "--json", str(figures)]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    results = msgspec.json.decode(figures.read_bytes(), type=Results)
    assert markdown.read_text("utf-8") == as_markdown(results)
    assert len(results.tables) == 10
    for table in results.tables:
        assert table.rows or table.absent
        assert all(row.seconds.least > 0.0 for row in table.rows)
