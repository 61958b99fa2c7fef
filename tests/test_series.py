"""How a field went around a divergence: what is kept of it, and that the event log holds it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from quotemark.builtin import BuiltinEngine
from quotemark.case import Case, Trace, trace
from quotemark.divergence import first_divergence
from quotemark.errors import InputError
from quotemark.evidence.events import event_log, read_log
from quotemark.failures import FailureFolder
from quotemark.messages import Answer, Json, Ok, OpenAnswer, Opened, Rejected
from quotemark.results import Certification, DivergenceSeries
from quotemark.series import MOST_BEFORE, STEPS_AFTER, divergence_series, figure_at
from quotemark.suite.market import observe, predict
from quotemark.suite.runner import certify

FIELDS = BuiltinEngine().initialize().fields["drift"]


class Slipping(BuiltinEngine):
    """The drift filter of the reference; from some step of a session on, P is a thousandth up."""

    def __init__(self, first: int) -> None:
        super().__init__("slipping", components=("drift",))
        self._first = first
        self._steps = 0

    def open(self, session: str, component: str, config: Json, seed: int) -> OpenAnswer:
        self._steps = 0
        return super().open(session, component, config, seed)

    def apply(self, session: str, steps: Sequence[Json]) -> list[Answer]:
        return [self._altered(answer) for answer in super().apply(session, steps)]

    def _altered(self, answer: Answer) -> Answer:
        self._steps += 1
        if self._steps < self._first or not isinstance(answer, Ok):
            return answer
        variance = answer.observation["variance"] * 1.001
        return Ok({**answer.observation, "variance": variance})


def series_of(case: Case, first: int) -> DivergenceSeries | None:
    expected = trace(BuiltinEngine(), case, "expected", 0)
    got = trace(Slipping(first), case, "got", 0)
    divergence = first_divergence(case, expected, got, FIELDS)
    assert divergence is not None
    return divergence_series("some.check", divergence, expected, got)


def test_figures_stand_on_both_sides_of_the_divergence() -> None:
    case = Case("drift", {}, [observe(1.0, 50.0), observe(1.0, 25.0), predict(0)])
    series = series_of(case, first=2)
    assert series is not None
    assert (series.check, series.component, series.field) == ("some.check", "drift", "variance")
    assert (series.unit, series.steps, series.diverges_at) == ("(bp/s)^2", [1, 2, 3], 2)
    # P starts at 50: 50 and R 50 leave 25; 25 and R 25 leave 12.5
    assert series.expected == pytest.approx([25.0, 12.5, 12.5])
    assert series.got == pytest.approx([25.0, 12.5125, 12.5125])


def test_of_a_long_case_the_neighbourhood_is_kept() -> None:
    case = Case("drift", {}, [predict(100 * number) for number in range(400)])
    series = series_of(case, first=301)
    assert series is not None
    assert series.diverges_at == 301
    assert series.steps == list(range(301 - MOST_BEFORE, 401))
    assert len(series.steps) == len(series.expected) == len(series.got)


def test_a_difference_that_is_no_figure_has_no_series() -> None:
    case = Case("drift", {}, [predict(0)])
    expected = trace(BuiltinEngine(), case, "expected", 0)
    refused = Trace(Opened({}), [Rejected("out_of_range", "no")])
    divergence = first_divergence(case, expected, refused, FIELDS)
    assert divergence is not None
    assert divergence_series("some.check", divergence, expected, refused) is None


@pytest.mark.parametrize(
    ("path", "figure"),
    [
        ("mid", 100.0),
        ("bids[1].price", 99.0),
        ("number of bids", 2.0),
        ("expected_pnl_bps[1][0]", -3.5),
        ("expected_pnl_bps[1][7]", None),
        ("nothing", None),
        ("zone", None),
        ("endless", None),
        ("number of zone", None),
        ("bids.price", None),
        ("mid[0]", None),
        ("bids[" + "9" * 5000 + "]", None),
    ],
)
def test_a_figure_is_found_by_its_path(path: str, figure: float | None) -> None:
    observation = {
        "mid": 100,
        "bids": [{"price": 100.0}, {"price": 99.0}],
        "expected_pnl_bps": [[1.0], [-3.5]],
        "zone": "green",
        "endless": float("inf"),
    }
    assert figure_at(Ok(observation), path) == figure


# --- in a run ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certification(tmp_path_factory: pytest.TempPathFactory) -> Certification:
    return certify(
        lambda: Slipping(first=1),
        phases=[1],
        profile="quick",
        fuzz_steps=200,
        failures=FailureFolder(tmp_path_factory.mktemp("failures"), "slipping"),
        chosen=lambda check: check.name.startswith(("fuzz.drift", "phase1.")),
    )


def test_a_run_keeps_one_series_a_failure(certification: Certification) -> None:
    explained = {
        one.check
        for one in certification.checks
        if one.status == "failed" and not one.same_as and "departs from" in one.message
    }
    assert explained
    assert {series.check for series in certification.divergences} == explained
    for series in certification.divergences:
        assert len(series.steps) <= MOST_BEFORE + 1 + STEPS_AFTER
        at = series.steps.index(series.diverges_at)
        assert series.expected[at] != series.got[at]
        assert series.expected[:at] == pytest.approx(series.got[:at])


def test_the_event_log_gives_the_series_back(certification: Certification, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text(event_log(certification), "utf-8")
    assert read_log(log).divergences == certification.divergences
    log.write_text(log.read_text("utf-8").replace('"diverges_at":', '"diverges":'), "utf-8")
    with pytest.raises(InputError, match="is no event log"):
        read_log(log)
