"""The report: what stands on the page, in which order, and that the page needs nothing else."""

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from quotemark.ablation import AblationRow
from quotemark.adapters import running
from quotemark.audit.page import table_rows
from quotemark.audit.shipped import shipped_audit
from quotemark.builtin import BuiltinEngine, legacy_deployed, reference
from quotemark.errors import EngineError, InputError
from quotemark.files import write_whole
from quotemark.messages import Json, OpenAnswer
from quotemark.mutants import MUTANTS
from quotemark.outcomes import Ends, Incident, Outcome, PhaseOutcomes
from quotemark.replay import Replay
from quotemark.replay import replay as run_replay
from quotemark.report.charts import MOST_CYCLES, draw_divergence, draw_panels
from quotemark.report.page import MOST_FILLS, render_report
from quotemark.report.sections import ReplaySection, certified_sections
from quotemark.report.svg import BOTTOM, HEIGHT, TOP, Chart, Line, drawable, shared_limits
from quotemark.results import (
    Certification,
    CheckResult,
    Circumstances,
    DivergenceSeries,
    Provenance,
    TierLatency,
    Waiver,
    WaiverResult,
)
from quotemark.scenario import load_scenario, scenario_names
from quotemark.sensitivity import SensitivityRow
from quotemark.suite.register import requirements
from quotemark.suite.runner import certify
from quotemark.supervised import SupervisedEngine

VOID_ELEMENTS = {"meta", "link", "br", "img", "hr", "input"}
ABLATION = [
    AblationRow("unprotected", 0.0, 12, 6.94, -0.8401),
    AblationRow("unprotected", 3.0, 13, 7.25, -0.9017),
    AblationRow("phases 1-4", 0.0, 1, -0.46, 0.1102),
    AblationRow("phases 1-4", 3.0, 2, -0.12, -0.00001),
]


@dataclass
class Element:
    tag: str
    attributes: dict[str, str | None]
    text: str = ""


@dataclass
class Page(HTMLParser):
    """Elements in the order in which they begin, each with all the text inside it."""

    elements: list[Element] = field(default_factory=list)
    _open: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, dict(attrs)))
        if tag not in VOID_ELEMENTS:
            self._open.append(self.elements[-1])

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop().tag == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data

    def all(self, tag: str) -> list[Element]:
        return [element for element in self.elements if element.tag == tag]

    def one(self, tag: str) -> Element:
        [element] = self.all(tag)
        return element


def parse(html: str) -> Page:
    page = Page()
    page.feed(html)
    page.close()
    assert not page._open
    return page


def words(element: Element) -> str:
    return " ".join(element.text.split())


def feb19_run(engine: str) -> tuple[str, Replay]:
    scenario = load_scenario("feb19")
    with running(engine) as running_engine:
        return engine, run_replay(
            running_engine,
            scenario.session,
            scenario.config,
            fill_price=scenario.fill_price,
        )


@pytest.fixture(scope="module")
def conformant() -> Certification:
    return certify(
        reference,
        phases=[1],
        fuzz_steps=1000,
        chosen=lambda check: check.name.startswith("phase1."),
    )


@pytest.fixture(scope="module")
def failing() -> Certification:
    return certify(legacy_deployed, phases=[1, 2, 3, 4], fuzz_steps=1000)


@pytest.fixture(scope="module")
def feb19() -> ReplaySection:
    scenario = load_scenario("feb19")
    runs = [feb19_run("legacy:deployed"), feb19_run("reference")]
    return ReplaySection(scenario.title, scenario.notice, scenario.name, runs, ABLATION)


@pytest.fixture(scope="module")
def html(conformant: Certification, feb19: ReplaySection) -> str:
    return render_report(conformant, [feb19])


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return parse(html)


# --- the page ---------------------------------------------------------------------------------


def test_page_loads_nothing(html: str, page: Page) -> None:
    for element in page.elements:
        assert element.tag not in ("script", "iframe", "object", "embed")
        for name in ("src", "href", "xlink:href", "srcset", "data"):
            address = element.attributes.get(name)
            assert address is None or address.startswith(("#", "data:,"))
    assert "@import" not in html
    assert not re.search(r"url\((?!#)", html)


def test_every_link_leads_somewhere_and_no_id_is_repeated(
    failing: Certification, feb19: ReplaySection
) -> None:
    page = parse(render_report(failing, [feb19, feb19]))
    ids = Counter(element.attributes.get("id") for element in page.elements)
    del ids[None]
    assert set(ids.values()) == {1}
    links = [*page.all("a"), *page.all("use")]
    addresses = {link.attributes.get("href") or link.attributes.get("xlink:href") for link in links}
    assert {str(address).removeprefix("#") for address in addresses} <= ids.keys()


def test_page_is_accessible(page: Page) -> None:
    assert page.one("html").attributes["lang"] == "en"
    assert len(page.all("h1")) == 1
    assert len(page.all("caption")) == len(page.all("table")) > 0
    pictures = [one for one in page.elements if one.attributes.get("role") == "img"]
    charts = [svg for svg in page.all("svg") if svg.attributes["class"] == "chart"]
    assert len(pictures) == len(charts) == 9
    assert all(picture.attributes.get("aria-label") for picture in pictures)
    assert all(svg.attributes["aria-hidden"] == "true" for svg in page.all("svg"))


def test_page_is_small(html: str) -> None:
    assert len(html.encode()) < 250_000


def test_same_results_give_the_same_bytes(
    html: str, conformant: Certification, feb19: ReplaySection
) -> None:
    assert render_report(conformant, [feb19]) == html


def test_text_from_outside_is_escaped(conformant: Certification, feb19: ReplaySection) -> None:
    attack = '<script>alert(1)</script><img src="http://attack.example">'
    [first, *others] = conformant.requirements
    check = CheckResult(attack, (), attack, "failed", attack)
    certification = msgspec.structs.replace(
        conformant,
        identity=msgspec.structs.replace(
            conformant.identity, name=attack, version=attack, digest=attack
        ),
        requirements=[msgspec.structs.replace(first, checks=[check]), *others],
        waivers=[WaiverResult(Waiver(attack, attack, attack, date(2026, 2, 19)), attack)],
    )
    [(_, run), _] = feb19.runs
    hostile_run = replace(
        run,
        answers=Counter({"rejected non_finite": 1}),
        first_rejection=attack,
        fills=[replace(fill, cause=attack) for fill in run.fills],
    )
    section = ReplaySection(
        attack,
        attack,
        attack,
        [(attack, hostile_run)],
        [AblationRow(attack, 0.0, 1, 0.0, 0.0)],
        [check],
    )
    page = parse(render_report(certification, [section]))
    assert not page.all("script")
    assert not page.all("img")
    assert attack in page.one("h1").text


# --- the certification ------------------------------------------------------------------------


def test_verdict_comes_first(page: Page, conformant: Certification) -> None:
    assert words(page.one("h1")) == "✓ CONFORMANT: reference"
    assert words(page.one("title")) == "CONFORMANT: reference"
    header = words(page.one("header"))
    assert f"{conformant.counts()['proven']} ✓ proven" in header
    identity = conformant.identity
    for fact in (identity.digest, identity.version, conformant.level, str(conformant.seed)):
        assert fact in header


def test_every_requirement_stands_with_statement_and_source(
    page: Page, conformant: Certification
) -> None:
    rows = {row.attributes.get("id"): words(row) for row in page.all("tr")}
    for result in conformant.requirements:
        row = rows[result.requirement.id]
        assert f"{result.requirement.level}; " in row
        assert " ".join(result.requirement.statement.split()) in row
        assert result.requirement.source in row
        assert result.status in row
        assert all(check.check in row for check in result.checks)


def test_failing_certification_names_and_opens_the_violated_first(failing: Certification) -> None:
    page = parse(render_report(failing, []))
    assert words(page.one("h1")) == "✗ NOT CONFORMANT: legacy:deployed"
    violated = [one for one in failing.requirements if one.status == "violated"]
    linked = {link.attributes["href"] for link in page.all("a")}
    assert linked >= {f"#{result.requirement.id}" for result in violated}
    rows = [row for row in page.all("tr") if "✗ violated" in row.text]
    assert [row.attributes["id"] for row in rows] == [
        result.requirement.id
        for phase in (0, 1, 2, 3, 4)
        for result in violated
        if result.requirement.phase == phase
    ]
    messages = {check.message for result in violated for check in result.checks}
    text = words(page.one("main"))
    assert all(" ".join(message.split()) in text for message in messages)
    statuses = [
        re.findall(r"^[✓✗?–] (proven|violated|unproven|unsupported)$", body.text, re.MULTILINE)
        for body in page.all("tbody")
    ]
    assert sum(map(len, statuses)) == len(failing.requirements)
    for of_phase in statuses:
        order = [status != "violated" for status in of_phase]
        assert order == sorted(order)


def test_waivers_stand_with_owner_day_and_reason(conformant: Certification) -> None:
    [first, *others] = conformant.requirements
    certification = msgspec.structs.replace(
        conformant,
        requirements=[msgspec.structs.replace(first, status="waived"), *others],
        waivers=[WaiverResult(Waiver("a.b", "Ana", "until the release", date(2026, 3, 1)))],
    )
    page = parse(render_report(certification, []))
    assert words(page.one("h1")) == "✓ CONFORMANT WITH 1 WAIVED: reference"
    assert "1 ~ waived" in words(page.one("header"))
    items = [words(item) for item in page.all("li")]
    assert "a.b until 2026-03-01, by Ana: until the release" in items
    stale = WaiverResult(certification.waivers[0].waiver, "the check passes")
    page = parse(render_report(msgspec.structs.replace(certification, waivers=[stale]), []))
    assert words(page.one("h1")) == "✗ NOT CONFORMANT: reference"
    items = [words(item) for item in page.all("li")]
    stale_line = "a.b until 2026-03-01, by Ana: until the release ✗ stale: the check passes"
    assert stale_line in items


OUTCOMES = [
    PhaseOutcomes(
        4,
        (1, 2, 3, 4),
        (1, 2, 3),
        [
            Ends(Incident("feb19", "session"), Outcome(0.11, 0.46, 0), Outcome(0.11, 0.46, 0)),
            Ends(
                Incident("feb19", "session", "bearish", 3.0),
                Outcome(-0.433, 1.5, 9000),
                Outcome(-0.2, 1.2, 1500),
            ),
        ],
    ),
    PhaseOutcomes(7, (1, 7), (1,), [], "phases 1, 7: it refused"),
]


def test_outcomes_say_what_is_worse_with_a_phase(conformant: Certification) -> None:
    page = parse(render_report(msgspec.structs.replace(conformant, outcomes=OUTCOMES), []))
    text = words(page.one("main"))
    assert "✗ 1 of 2 incidents end worse with phases 1, 2, 3, 4 than with 1, 2, 3." in text
    (item,) = [words(one) for one in page.all("li") if "without it" in one.text]
    assert item == (
        "feb19 session, bearish layer, reach 3 bp: loses 0.433, without it 0.200;"
        " position up to 1.500, without it 1.200;"
        " 9 s without a needed quote, without it 1.5 s"
    )
    rows = [words(row) for row in page.all("tr")]
    assert "feb19 session +0.110 +0.110 0.460 0.460 0 0" in rows
    assert "? unknown: phases 1, 7: it refused" in text
    fine = [msgspec.structs.replace(OUTCOMES[0], incidents=OUTCOMES[0].incidents[:1])]
    page = parse(render_report(msgspec.structs.replace(conformant, outcomes=fine), []))
    assert "✓ none of 1 incidents ends worse" in words(page.one("main"))


def test_latencies_stand_beside_their_budgets(conformant: Certification) -> None:
    latencies = [TierLatency("hot", 1.0, 250.0, 1000.0), TierLatency("warm", 10.0, 1.0, 10_001.0)]
    page = parse(render_report(msgspec.structs.replace(conformant, latencies=latencies), []))
    rows = [words(row) for row in page.all("tr")]
    assert "hot 1 0.250 1.000 ✓ within budget" in rows
    assert "warm 10 0.001 10.001 ✗ over budget" in rows


def test_mutants_stand_by_phase_and_requirement(page: Page, conformant: Certification) -> None:
    breaking = [one for one in MUTANTS.values() if requirements()[one.breaks].phase == 1]
    required = [one for one in conformant.requirements if one.requirement.phase == 1]
    rows = [words(row) for row in page.all("tr")]
    assert f"Phase 1 {len(required)} {len(breaking)}" in rows
    text = words(page.one("main"))
    broken = ", ".join(one.name for one in MUTANTS.values() if one.breaks == "D-01")
    assert "linear-q" in broken
    assert f"D-01 {broken}" in text


def test_what_was_run_is_told(conformant: Certification) -> None:
    provenance = Provenance(
        engine="stdio:./my-engine",
        files={"./my-engine": "e" * 64},
        config={"theta_per_s": 0.02, "use_funding": True},
        config_digest="c" * 64,
        suite_digest="5" * 64,
        vectors_digest="v" * 64,
        tolerances_digest="t" * 64,
        waivers_digest="w" * 64,
    )
    day = Circumstances("2026-02-19T22:10:00+00:00", "2026-02-19T22:11:00+00:00", {"python": "3.x"})
    certification = msgspec.structs.replace(conformant, provenance=provenance, circumstances=day)
    page = parse(render_report(certification, []))
    terms = [words(term) for term in page.all("dt")]
    facts = dict(zip(terms, [words(one) for one in page.all("dd")], strict=True))
    assert facts["Engine"] == "stdio:./my-engine"
    assert facts["File"] == f"./my-engine {'e' * 64}"
    assert (facts["Started"], facts["Finished"]) == (day.started, day.finished)
    assert facts["python"] == "3.x"
    for name, letter in (("Suite", "5"), ("Vectors", "v"), ("Tolerances", "t"), ("Waivers", "w")):
        assert letter * 64 in [facts[name], *(words(one) for one in page.all("dd"))]
    assert (facts["theta_per_s"], facts["use_funding"]) == ("0.02", "True")


def test_a_divergence_has_its_pictures_its_words_and_links_to_it(
    conformant: Certification,
) -> None:
    [first, *others] = conformant.requirements
    message = "drift departs from the reference at step 2 of 2\n  field  variance"
    check = CheckResult("a.check", (first.requirement.id,), "drift", "failed", message)
    like = CheckResult("b.check", (), "drift", "failed", "departs too\n  as in", same_as="a.check")
    series = DivergenceSeries(
        "a.check", "drift", "variance", "(bp/s)^2", [4, 5], [25.0, 12.5], [25.0, 13.0], 5
    )
    certification = msgspec.structs.replace(
        conformant,
        checks=[check, like],
        requirements=[
            msgspec.structs.replace(first, status="violated", checks=[check, like]),
            *others,
        ],
        divergences=[series],
    )
    page = parse(render_report(certification, []))
    (shown,) = page.all("article")
    assert "drift: variance" in words(shown)
    assert " ".join(message.split()) in words(shown)
    assert [words(one) for one in page.all("figcaption")] == [
        "expected and got: at step 5 expected 12.5, got 13",
        "got - expected: at most 0.5 apart",
    ]
    links = [
        words(a) for a in page.all("a") if a.attributes["href"] == f"#{shown.attributes['id']}"
    ]
    assert links == ["drift departs from the reference at step 2 of 2", "departs too"]


def test_the_audit_stands_with_its_table_and_the_commands_of_its_cases() -> None:
    audit = shipped_audit()
    page = parse(render_report(None, [], audit))
    assert words(page.one("h1")) == words(page.one("title")) == "Audit of the plan"
    rows = [words(row) for row in page.all("tr")]
    for row in table_rows(audit):
        assert " ".join(row) in rows
    text = words(page.one("main"))
    for finding in audit.worse():
        assert f"quotemark audit --case {finding.id}" in text
        assert finding.worst is not None
        assert str(finding.worst.comparison) in text


# --- the replays ------------------------------------------------------------------------------


def test_replay_alone_has_no_verdict(feb19: ReplaySection) -> None:
    page = parse(render_report(None, [feb19]))
    assert words(page.one("h1")) == "Replay"
    assert "CONFORMANT" not in words(page.one("body"))


def test_notice_and_summary(page: Page, feb19: ReplaySection) -> None:
    notices = [words(one) for one in page.all("p") if one.attributes.get("role") == "note"]
    assert notices == [feb19.notice]
    rows = [words(row) for row in page.all("tr")]
    assert "legacy:deployed 181 12 +6.940 6.940 -0.840 +0.028 -0.834 0.034" in rows
    assert "reference 181 1 -0.460 0.460 +0.110 +0.000 +0.112 0.002" in rows


def test_ablation_is_a_line_an_engine(page: Page) -> None:
    rows = [words(row) for row in page.all("tr")]
    assert "Engine Reach 0 bp Reach 3 bp" in rows
    assert "unprotected 12 +6.940 -0.840 13 +7.250 -0.902" in rows
    assert "phases 1-4 1 -0.460 +0.110 2 -0.120 +0.000" in rows


def test_sensitivity_is_a_line_a_replay(feb19: ReplaySection) -> None:
    rows = [
        SensitivityRow("plan", "bearish", "1-8", 2e4, -2.66, 27_000, 9, 7, 4, 1.41, 1.5, -0.17),
        SensitivityRow("plan", "neutral", "1-4", None, -8.3, None, 9, 9, 1, -0.46, 0.46, 0.11),
    ]
    page = parse(render_report(None, [replace(feb19, sensitivity=rows)]))
    shown = [words(row) for row in page.all("tr")]
    assert "plan, bearish 1-8 20,000 -2.660 27.000 s 7 of 9 4 +1.410 1.500 -0.170" in shown
    assert "plan, neutral 1-4 – -8.300 never 9 of 9 1 -0.460 0.460 +0.110" in shown


def test_fills_stand_with_their_causes(page: Page, feb19: ReplaySection) -> None:
    rows = [words(row) for row in page.all("tr")]
    assert "22:10:43.799 sell 0.46 29.142 29.1415 buy aggressor feb19-01: 0.46 at 29.142" in rows
    causes = [fill.cause for _, run in feb19.runs for fill in run.fills]
    assert all(any(cause in row for row in rows) for cause in causes)


def test_pictures_say_what_they_show(page: Page) -> None:
    captions = [words(caption) for caption in page.all("figcaption")]
    assert captions == [
        "legacy:deployed: bids rest in 139 of 181 cycles, asks in 181; buys: 11, sells: 1",
        "reference: bids rest in 181 of 181 cycles, asks in 181; buys: 0, sells: 1",
        "legacy:deployed: ends at +6.940",
        "reference: ends at -0.460",
        "legacy:deployed: ends at -0.840 net",
        "reference: ends at +0.110 net",
        "legacy:deployed: between -16.047 and -1.667 bp/s",
        "reference: between -39.817 and -4.136 bp/s",
        "legacy:deployed: the engine shows nothing that moved its drift",
        "reference: at the end trend -39.817, fill +0.000",
        "legacy:deployed: the engine gives no expected PnL of its levels: phase 4 is off, or not"
        " shown",
        "reference: the engine gives no expected PnL of its levels: phase 4 is off, or not shown",
    ]


def test_pictures_of_a_panel_share_their_axes(feb19: ReplaySection) -> None:
    *shared, _, _ = draw_panels(feb19.runs)  # the baseline shows nothing in the last two
    for panel in shared:
        baseline, engine = (re.findall("<text.*?</text>", one.svg or "") for one in panel.pictures)
        assert baseline == engine
        assert baseline
    position = str(shared[1].pictures[1].svg)
    assert ">6<" in position  # the baseline's 6.94, though the engine's own is -0.46


def test_engine_that_shows_only_quotes_has_no_drift_picture(feb19: ReplaySection) -> None:
    _, (label, run) = feb19.runs
    quotes_only = [
        replace(frame, observation={side: frame.observation[side] for side in ("bids", "asks")})
        for frame in run.frames
    ]
    runs = [feb19.runs[0], (label, replace(run, frames=quotes_only))]
    *_, drift, pushes, expected_pnl = draw_panels(runs)
    assert drift.pictures[0].svg is not None
    assert drift.pictures[1].svg is None
    assert drift.pictures[1].summary == "the engine does not give its drift"
    assert pushes.pictures[1].svg is None
    assert pushes.pictures[1].summary == "the engine shows nothing that moved its drift"
    assert expected_pnl.pictures[1].svg is None
    assert expected_pnl.pictures[1].summary.startswith("the engine gives no expected PnL")


def test_drift_without_variance_is_drawn_without_a_band(feb19: ReplaySection) -> None:
    label, run = feb19.runs[1]
    frames = [
        replace(frame, observation={**frame.observation, "drift_variance": None})
        for frame in run.frames
    ]
    *_, drift, _, _ = draw_panels([(label, replace(run, frames=frames))])
    assert drift.pictures[0].svg is not None
    assert drift.pictures[0].summary.endswith("the engine does not give its variance")


def with_expected_pnl(run: Replay, value: object) -> Replay:
    frames = [
        replace(frame, observation={**frame.observation, "expected_pnl_bps": value})
        for frame in run.frames
    ]
    return replace(run, frames=frames)


def test_expected_pnl_is_a_map_of_levels_by_class(feb19: ReplaySection) -> None:
    label, run = feb19.runs[1]
    shown = with_expected_pnl(run, [[-12.0, 0.0, 0.5], [3.0, 3.5]])
    (picture,) = draw_panels([(label, shown)])[-1].pictures
    assert picture.summary == "it is positive on 33% of bids, 100% of asks"
    assert [key.label for key in picture.legend] == [
        *("below -10 bp", "-1 to 0", "0 to 1", "1 to 3", "3 to 10")
    ]
    svg = str(picture.svg)
    assert re.findall(r">((?:bid|ask) \d)<", svg) == ["bid 1", "bid 2", "bid 3", "ask 1", "ask 2"]
    cells = re.findall(r'class="cell ([^"]*)" d="([^"]*)"', svg)
    assert [style for style, _ in cells] == ["loss-4", "loss-1", "gain-1", "gain-2", "gain-3"]
    assert all(path.count("M") == 1 for _, path in cells)  # a level that never changes is one box
    tops = {style: float(path.split()[1].split("H")[0]) for style, path in cells}
    assert tops["gain-3"] < tops["gain-2"] < tops["loss-4"] < tops["loss-1"] < tops["gain-1"]


@pytest.mark.parametrize(
    "value", [None, "none", [], [[1.0]], [1.0, 2.0], [[], []], [["x"], [None]]]
)
def test_expected_pnl_that_is_none_is_said_to_be_missing(
    feb19: ReplaySection, value: object
) -> None:
    label, run = feb19.runs[1]
    (picture,) = draw_panels([(label, with_expected_pnl(run, value))])[-1].pictures
    assert picture.svg is None
    assert picture.summary.startswith("the engine gives no expected PnL of its levels")


def test_what_cannot_be_read_leaves_a_picture_out(feb19: ReplaySection) -> None:
    label, run = feb19.runs[1]
    frames = [
        replace(frame, observation={**frame.observation, "drift_observations": [7]})
        for frame in run.frames
    ]
    *_, pushes, _ = draw_panels([(label, replace(run, frames=frames))])
    assert pushes.pictures[0].svg is None
    assert pushes.pictures[0].summary.startswith("what the engine gives cannot be read: TypeError")


@pytest.mark.parametrize(
    "figures",
    [
        (1e308, -1e308),
        (float("inf"), 1.0),
        (float("nan"), 0.0),
        (5e-324, 0.0),
        (1e-310, 2e-310),
        (5e15, 5e15 + 2.0),
        (3.0, 3.0),
    ],
)
def test_figures_of_any_size_have_a_place_within_the_chart(figures: tuple[float, float]) -> None:
    chart = Chart([Line([0.0, 1.0], figures, "seen")], "unit")
    svg = str(chart.draw(shared_limits([chart]), "s"))
    (path,) = re.findall(r'class="line seen" d="([^"]*)"', svg)
    heights = [float(place.split()[1]) for place in re.split("[ML]", path)[1:]]
    assert len(heights) == sum(map(drawable, figures))
    assert all(TOP <= height <= HEIGHT - BOTTOM for height in heights)
    assert len(re.findall("<text", svg)) >= 4  # unit, axis, and a tick of each


def test_figures_that_differ_late_are_told_as_distances() -> None:
    series = DivergenceSeries(
        "a.check", "drift", "variance", "x", [1, 2], [49.3] * 2, [49.3, 49.3 + 4e-9], 2
    )
    svg = str(draw_divergence(series).pictures[0].svg)
    (title,) = re.findall(r">x, from ([\d.]+)<", svg)
    assert float(title) == pytest.approx(49.3, abs=1e-8)
    assert ">+1e-09<" in svg


def test_a_scenario_that_an_engine_refuses_says_so(feb19: ReplaySection) -> None:
    section = replace(feb19, runs=feb19.runs[:1], trouble="it does not open")
    page = parse(render_report(None, [section]))
    notes = [words(one) for one in page.all("p") if one.attributes.get("role") == "note"]
    assert notes == [feb19.notice, "The engine is not shown here: it does not open"]


class Brittle(BuiltinEngine):
    """Breaks where the history of funding rates is longer than a day."""

    def open(self, session: str, component: str, config: Json, seed: int) -> OpenAnswer:
        if config.get("funding_history") == 96:
            raise EngineError("crash", "out of memory")
        return super().open(session, component, config, seed)


@pytest.mark.whole_suite
def test_every_scenario_is_shown_beside_a_certification_and_what_breaks_leaves_the_others() -> None:
    engine = SupervisedEngine(lambda: Brittle("brittle"))
    sections = certified_sections(engine, "mine", range(1, 9), quick=False)
    engine.shutdown()
    assert {section.name for section in sections} == set(scenario_names())
    assert sections[0].name == "feb19"
    for section in sections:
        scenario = load_scenario(section.name)
        own = [f"mine, calibrated, {layer}" for layer in scenario.layers] or ["mine"]
        if section.name == "funding_extremes":
            assert section.trouble.startswith("crash: out of memory")
            own = []
        else:
            assert section.trouble == ""
        baseline = [scenario.baseline] if scenario.baseline else []
        assert [label for label, _ in section.runs] == [*baseline, *own]
        maps = draw_panels(section.runs)[-1].pictures
        assert all((one.svg is None) == (one.label in baseline) for one in maps)


def test_a_quick_run_shows_feb19_alone() -> None:
    with running("reference") as engine:
        (section,) = certified_sections(engine, "mine", range(1, 9), quick=True)
    assert (section.name, section.ablation) == ("feb19", None)
    assert [label for label, _ in section.runs] == ["legacy:deployed", "mine"]


def test_times_before_2001_are_seconds_of_the_tape(feb19: ReplaySection) -> None:
    label, run = feb19.runs[0]
    start_ms = run.frames[0].t_ms
    early = replace(
        run,
        frames=[replace(frame, t_ms=frame.t_ms - start_ms) for frame in run.frames],
        fills=[replace(fill, t_ms=fill.t_ms - start_ms) for fill in run.fills],
    )
    page = parse(render_report(None, [replace(feb19, runs=[(label, early)])]))
    assert "UTC" not in words(page.one("main"))
    assert any(words(row).startswith("242.799 s sell 0.46") for row in page.all("tr"))


def test_cycles_of_one_instant_are_counted(feb19: ReplaySection) -> None:
    label, run = feb19.runs[0]
    at_once = replace(run, frames=[replace(frame, t_ms=5) for frame in run.frames])
    for panel in draw_panels([(label, at_once)]):
        for svg in (str(one.svg) for one in panel.pictures if one.svg):
            assert ">cycle<" in svg
            assert ">150<" in svg
    again = draw_panels([(label, replace(at_once, frames=at_once.frames[:1]))])
    assert ">cycle<" in str(again[0].pictures[0].svg)


def test_long_replay_is_thinned_and_says_so(feb19: ReplaySection) -> None:
    label, run = feb19.runs[0]
    long = replace(run, frames=run.frames * 10, fills=run.fills * 100)
    assert len(long.frames) > 3 * MOST_CYCLES
    page = parse(render_report(None, [replace(feb19, runs=[(label, long)])]))
    text = words(page.one("main"))
    assert "The pictures show one cycle in 4" in text
    assert f"1200 fills, the first {MOST_FILLS} listed" in text


def test_steps_that_were_not_taken_are_told(feb19: ReplaySection) -> None:
    label, run = feb19.runs[0]
    answers = Counter({"ok": 1, "rejected non_finite": 2, "unsupported": 1})
    troubled = replace(run, answers=answers, first_rejection="trade at 7: no", own_fills_left_out=5)
    text = words(parse(render_report(None, [replace(feb19, runs=[(label, troubled)])])).one("main"))
    assert (
        "legacy:deployed: 3 steps were not taken (2 rejected non_finite, 1 unsupported);"
        " first rejected: trade at 7: no." in text
    )
    assert "legacy:deployed: 5 own fills on the tape are left out" in text


def test_replay_without_a_cycle_says_so(feb19: ReplaySection) -> None:
    runs = [("silent", Replay("silent", {}))]
    page = parse(render_report(None, [replace(feb19, runs=runs)]))
    assert not page.all("svg")
    assert "nothing to draw" in words(page.one("main"))


# --- writing it -------------------------------------------------------------------------------


def test_report_is_written_into_a_new_folder(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "report.html"
    write_whole(path, "<p>±√P</p>")
    assert path.read_text("utf-8") == "<p>±√P</p>"
    assert list(path.parent.iterdir()) == [path]


def test_report_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "report.html"
    folder.mkdir()
    with pytest.raises(InputError, match=r"report\.html: cannot be written"):
        write_whole(folder, "page")
    assert list(tmp_path.iterdir()) == [folder]
