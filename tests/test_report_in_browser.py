"""The report in a real browser: quiet, offline, readable in light, dark, narrow and on paper.

Debian's chromium, headless. Where there is none, these tests are skipped by that name.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import pytest
from msgspec import structs
from playwright.sync_api import Browser, Page, sync_playwright

from quotemark.adapters import running
from quotemark.audit.shipped import shipped_audit
from quotemark.builtin import BuiltinEngine
from quotemark.failures import FailureFolder
from quotemark.messages import Answer, Json, Ok
from quotemark.outcomes import Ends, Incident, Outcome, PhaseOutcomes
from quotemark.report.page import render_report
from quotemark.report.sections import ReplaySection, certified_sections
from quotemark.results import (
    Certification,
    Circumstances,
    Provenance,
    TierLatency,
    Waiver,
    WaiverResult,
)
from quotemark.suite.runner import certify

CHROMIUM = shutil.which("chromium")

pytestmark = [
    pytest.mark.whole_suite,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
]

Scheme = Literal["light", "dark"]
PHONE = 360
DESK = 1200

ATTACK = (
    "</code></title></style><script>window.struck = 1</script><img src=x onerror='struck = 1'>"
    '<svg onload="struck = 1"/>"\'><a href="javascript:struck = 1">{{ 7 * 7 }}</a>'
    "https://attack.example/ \x01\x7f \u202e"
)

TEXT_COLOURS = """
() => {
  const channels = colour => (colour.match(/[\\d.]+/g) || []).map(Number);
  const seen = {};
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some(
      node => node.nodeType === Node.TEXT_NODE && node.textContent.trim());
    if (!own || element.getClientRects().length === 0) continue;
    const style = getComputedStyle(element);
    let ground = element;
    const background = () => channels(getComputedStyle(ground).backgroundColor);
    while (background().length === 4 && background()[3] === 0 && ground.parentElement)
      ground = ground.parentElement;
    const ink = channels(element instanceof SVGElement ? style.fill : style.color);
    seen[JSON.stringify([ink, background()])] = element.outerHTML.slice(0, 80);
  }
  return Object.entries(seen).map(([colours, where]) => [...JSON.parse(colours), where]);
}
"""
"""Every pair of colours that text has, with its ground, and an element that has it."""

LINE_COLOURS = """
() => [...document.querySelectorAll(".chart .line")].map(line => [
  getComputedStyle(line).stroke.match(/[\\d.]+/g).map(Number),
  getComputedStyle(line.closest("figure")).backgroundColor.match(/[\\d.]+/g).map(Number),
  line.getAttribute("class"),
])
"""


class Leaning(BuiltinEngine):
    """Two components of the reference; its skew and its drift's variance are a thousandth up."""

    def __init__(self) -> None:
        super().__init__("leaning", components=("drift", "inventory"))

    def apply(self, session: str, steps: Sequence[Json]) -> list[Answer]:
        return [self._altered(answer) for answer in super().apply(session, steps)]

    def _altered(self, answer: Answer) -> Answer:
        if not isinstance(answer, Ok):
            return answer
        slipped: Json = {
            name: answer.observation[name] * 1.001
            for name in ("variance", "skew_bps")
            if name in answer.observation
        }
        return Ok({**answer.observation, **slipped})


@pytest.fixture(scope="session")
def certification(tmp_path_factory: pytest.TempPathFactory) -> Certification:
    """A refused engine, and something of all that a report can tell."""
    found = certify(
        Leaning,
        phases=[1, 2],
        profile="quick",
        fuzz_steps=200,
        failures=FailureFolder(tmp_path_factory.mktemp("failures"), "leaning"),
        chosen=lambda check: check.name.startswith(("phase1.", "phase2.", "fuzz.drift")),
    )
    fine, bad = Outcome(0.11, 0.46, 0), Outcome(-0.43, 1.5, 9000)
    incident = Incident("feb19_all_phases", "session", "bearish", 3.0)
    return structs.replace(
        found,
        waivers=[WaiverResult(Waiver("a.b", "Ana", "known", date(2026, 3, 1)), "it passes")],
        latencies=[TierLatency("hot", 1.0, 250.0, 300.0), TierLatency("warm", 10.0, 1.0, 2e4)],
        outcomes=[
            PhaseOutcomes(1, (1,), (), [Ends(incident, fine, fine)]),
            PhaseOutcomes(4, (1, 2, 3, 4), (1, 2, 3), [Ends(incident, bad, fine)]),
        ],
        provenance=Provenance(
            "stdio:./leaning --fast",
            {"./leaning": "e" * 64},
            {"theta_per_s": 0.02},
            *("c" * 64,) * 5,
        ),
        circumstances=Circumstances("2026-02-19T22:10", "2026-02-19T22:11", {"python": "3.x"}),
    )


@pytest.fixture(scope="session")
def feb19() -> ReplaySection:
    with running("reference") as engine:
        (section,) = certified_sections(engine, "leaning", range(1, 9), quick=True)
    return section


@pytest.fixture(scope="session")
def report(
    certification: Certification, feb19: ReplaySection, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render_report(certification, [feb19], shipped_audit()), "utf-8")
    return path


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running_browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"]
        )
        yield running_browser
        running_browser.close()


def opened(
    browser: Browser, report: Path, scheme: Scheme = "light", width: int = DESK
) -> tuple[Page, list[str]]:
    """Open a report; what the browser says or asks for beside it is noted."""
    noted: list[str] = []
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 800})
    page = context.new_page()
    page.on("console", lambda message: noted.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: noted.append(f"error: {error}"))
    page.on("dialog", lambda dialog: noted.append(f"dialog: {dialog.message}"))
    page.on("request", lambda request: noted.append(f"request: {request.url}"))
    page.goto(report.as_uri())
    assert noted.pop(0) == f"request: {report.as_uri()}"
    return page, noted


def contrast(one: list[float], other: list[float]) -> float:
    """Contrast of two colours, from 1 to 21, as WCAG 2 defines it."""
    darker, lighter = sorted(map(luminance, (one, other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: list[float]) -> float:
    parts = (value / 255.0 for value in colour[:3])
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def ground(page: Page) -> float:
    """How light the page's ground is, from 0 to 1."""
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return luminance([float(one) for one in re.findall(r"[\d.]+", colour)])


def test_contrast_is_as_wcag_defines_it() -> None:
    assert contrast([0, 0, 0], [255, 255, 255]) == pytest.approx(21.0)
    assert contrast([255, 0, 0], [255, 255, 255]) == pytest.approx(3.998, abs=1e-3)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, DESK])
def test_the_page_is_quiet_asks_for_nothing_and_fits(
    browser: Browser, report: Path, scheme: Scheme, width: int
) -> None:
    page, noted = opened(browser, report, scheme, width)
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert noted == []
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_and_all_lines_stand_out(browser: Browser, report: Path, scheme: Scheme) -> None:
    page, _ = opened(browser, report, scheme)
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert (ground(page) > 0.9) == (scheme == "light")
    assert (ground(page) < 0.02) == (scheme == "dark")
    texts: list[Any] = page.evaluate(TEXT_COLOURS)
    assert len(texts) > 5
    assert [text for text in texts if contrast(text[0], text[1]) < 4.5] == []
    lines: list[Any] = page.evaluate(LINE_COLOURS)
    assert len(lines) > 20
    assert [line for line in lines if contrast(line[0], line[1]) < 3.0] == []
    page.context.close()


def test_the_page_has_its_landmarks_its_headings_in_order_and_names_for_pictures(
    browser: Browser, report: Path
) -> None:
    page, _ = opened(browser, report)
    for role in ("banner", "navigation", "main", "contentinfo"):
        assert page.get_by_role(role).count() == 1
    levels = [
        int(tag[1])
        for tag in page.evaluate(
            "[...document.querySelectorAll('h1, h2, h3, h4')].map(one => one.tagName)"
        )
    ]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    pictures = page.get_by_role("img")
    names = pictures.evaluate_all("all => all.map(one => one.getAttribute('aria-label'))")
    assert len(names) > 10
    assert all(len(name) > 20 for name in names)
    page.context.close()


def test_what_is_folded_opens_by_keyboard(browser: Browser, report: Path) -> None:
    page, _ = opened(browser, report)
    folded = page.locator("#mutants details")
    assert folded.evaluate("one => one.open") is False
    page.locator("#mutants").evaluate("one => { one.tabIndex = -1; one.focus(); }")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert folded.evaluate("one => one.open") is True
    page.keyboard.press("Space")
    assert folded.evaluate("one => one.open") is False
    page.context.close()


def test_the_page_prints_light_and_without_its_contents(browser: Browser, report: Path) -> None:
    page, _ = opened(browser, report, "dark")
    printed = page.pdf()
    assert printed.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) > 3
    page.emulate_media(media="print", color_scheme="dark")
    assert ground(page) > 0.9
    assert page.locator("nav").is_hidden()
    page.context.close()


def test_hostile_text_is_text(
    browser: Browser, certification: Certification, feb19: ReplaySection, tmp_path: Path
) -> None:
    assert certification.provenance is not None
    check = structs.replace(
        certification.checks[0], component=ATTACK, message=f"{ATTACK}\n{ATTACK}", status="failed"
    )
    requirement = structs.replace(certification.requirements[0], checks=[check])
    incident = Incident(ATTACK, ATTACK, ATTACK, 3.0)
    hostile = structs.replace(
        certification,
        identity=structs.replace(
            certification.identity, name=ATTACK, version=ATTACK, digest=ATTACK
        ),
        level=ATTACK,
        checks=[check],
        requirements=[requirement, *certification.requirements[1:]],
        diagnoses=[ATTACK],
        divergences=[
            structs.replace(one, check=check.check, component=ATTACK, field=ATTACK, unit=ATTACK)
            for one in certification.divergences[:1]
        ],
        waivers=[WaiverResult(Waiver(ATTACK, ATTACK, ATTACK, date(2026, 3, 1)), ATTACK)],
        outcomes=[
            PhaseOutcomes(1, (1,), (), [Ends(incident, Outcome(-9, 9, 9), Outcome(0, 0, 0))]),
            PhaseOutcomes(2, (2,), (), [], ATTACK),
        ],
        latencies=[TierLatency(ATTACK, 1.0, 1.0, 1.0)],
        provenance=structs.replace(
            certification.provenance, engine=ATTACK, files={ATTACK: ATTACK}, config={ATTACK: ATTACK}
        ),
        circumstances=Circumstances(ATTACK, ATTACK, {ATTACK: ATTACK}),
    )
    section = replace(
        feb19, title=ATTACK, notice=ATTACK, trouble=ATTACK, runs=[(ATTACK, feb19.runs[1][1])]
    )
    report = tmp_path / "hostile.html"
    report.write_text(render_report(hostile, [section]), "utf-8")
    page, noted = opened(browser, report, width=PHONE)
    assert noted == []
    assert page.evaluate("window.struck") is None
    assert page.locator("script, img, [onload], [onerror], a:not([href^='#'])").count() == 0
    told = page.locator("body").text_content() or ""
    assert told.count("<script>window.struck = 1</script>") > 20
    assert "{{ 7 * 7 }}" in told
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE
    page.context.close()
