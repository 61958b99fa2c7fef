"""JUnit XML: its structure as readers of test results know it, and what stands where."""

from __future__ import annotations

from datetime import date
from xml.etree import ElementTree as ET

import pytest
from msgspec.structs import replace
from tests.evidence import made

from quotemark import __version__
from quotemark.evidence.junit import junit_xml
from quotemark.results import Certification, Waiver, WaiverResult

FAILED = "phase1.process_noise_is_exact"
UNPROVEN = "phase4.touch_is_positive_when_flat"

CHILDREN = {
    "testsuites": ["testsuite"],
    "testsuite": ["properties", "testcase"],
    "testcase": ["properties", "skipped", "failure"],
    "properties": ["property"],
    "property": [],
    "skipped": [],
    "failure": [],
}
"""What an element may hold, in this order; and below, what is said of it."""
COUNTS = {"tests", "failures", "errors", "skipped"}
ATTRIBUTES = {
    "testsuites": {"name"} | COUNTS,
    "testsuite": {"name"} | COUNTS,
    "testcase": {"classname", "name"},
    "properties": set(),
    "property": {"name", "value"},
    "skipped": {"message"},
    "failure": {"message", "type"},
}


def demand_junit(element: ET.Element) -> None:
    """Demand that the element is one of JUnit's, with children and counts as they must be."""
    assert element.attrib.keys() == ATTRIBUTES[element.tag]
    order = [CHILDREN[element.tag].index(child.tag) for child in element]
    assert order == sorted(order)
    if element.attrib.keys() >= COUNTS:
        cases = list(element.iter("testcase"))
        assert int(element.attrib["tests"]) == len(cases)
        for count, tag in (("failures", "failure"), ("skipped", "skipped"), ("errors", "error")):
            assert int(element.attrib[count]) == len(list(element.iter(tag)))
        names = [(case.get("classname"), case.get("name")) for case in cases]
        assert len(set(names)) == len(names)
    for child in element:
        demand_junit(child)


def parsed(certification: Certification) -> ET.Element:
    root = ET.fromstring(junit_xml(certification))  # noqa: S314 - made here
    demand_junit(root)
    return root


def case_of(root: ET.Element, name: str) -> ET.Element:
    (case,) = [case for case in root.iter("testcase") if case.get("name") == name]
    return case


def properties_of(element: ET.Element) -> list[tuple[str | None, str | None]]:
    return [(one.get("name"), one.get("value")) for one in element.findall("properties/property")]


@pytest.fixture(scope="module")
def certified() -> Certification:
    return made.certification()


def test_every_check_is_a_test_case_of_the_earliest_phase_it_proves(
    certified: Certification,
) -> None:
    root = parsed(certified)
    assert [suite.get("name") for suite in root] == [
        *("all phases", *(f"phase {phase}" for phase in range(1, 9)), "verdict")
    ]
    names = [case.get("name") for case in root.iter("testcase")]
    assert sorted(map(str, names)) == sorted([*(one.check for one in certified.checks), "verdict"])
    assert root.get("failures") == root.get("skipped") == "0"
    incident = case_of(root, "incidents.feb19_with_phases_1_to_4")
    assert incident in root[1]
    assert incident.get("classname") == "quotemark.phase_1"
    assert properties_of(incident) == [
        *(("component", "engine"), ("requirement", "S-feb19")),
        *(("requirement", "E2E-01"), ("requirement", "E2E-03")),
    ]


def test_properties_say_what_was_run(certified: Certification) -> None:
    for suite in parsed(made.certification(phases=[1, 2, 3, 5])):
        assert properties_of(suite) == [
            *(("engine", "reference"), ("engine version", __version__)),
            ("engine digest", certified.identity.digest),
            *(("suite", __version__), ("level", "L2"), ("phases", "1-3,5")),
            *(("profile", "default"), ("seed", "1")),
        ]


def test_a_failure_has_its_first_line_its_message_and_its_kind(certified: Certification) -> None:
    failing = made.with_check(certified, FAILED, "failed", "expected 1, got 2\n  reproduce x")
    root = parsed(failing)
    (failure,) = case_of(root, FAILED).findall("failure")
    assert failure.attrib == {"message": "expected 1, got 2", "type": "departure"}
    assert failure.text == "expected 1, got 2\n  reproduce x"
    (verdict,) = case_of(root, "verdict").findall("failure")
    assert str(verdict.get("message")).startswith("NOT CONFORMANT: ")
    crashed = [
        replace(one, label="crash") if one.check == FAILED else one for one in failing.checks
    ]
    (failure,) = case_of(parsed(replace(failing, checks=crashed)), FAILED).findall("failure")
    assert failure.get("type") == "crash"


@pytest.mark.parametrize("status", ["waived", "unproven", "unsupported"])
def test_what_is_neither_passed_nor_failed_is_skipped_with_the_reason(
    certified: Certification, status: str
) -> None:
    root = parsed(made.with_check(certified, UNPROVEN, status, "fields not declared"))  # type: ignore[arg-type]
    (skipped,) = case_of(root, UNPROVEN).findall("skipped")
    assert skipped.get("message") == f"{status}: fields not declared"
    assert root.get("skipped") == "1"


def test_a_stale_waiver_and_a_run_that_proves_nothing_are_failures(
    certified: Certification,
) -> None:
    waiver = Waiver(FAILED, "Ana", "known", date(2026, 3, 1))
    stale = replace(certified, waivers=[WaiverResult(waiver, "the check passes")])
    root = parsed(stale)
    assert root.get("failures") == "1"
    (failure,) = case_of(root, "verdict").findall("failure")
    assert f"the waiver of {FAILED} is stale: the check passes" in str(failure.text)
    idle = [replace(one, status="unsupported") for one in certified.checks]
    assert parsed(made.judged(replace(certified, checks=idle))).get("failures") == "1"


def test_whatever_an_engine_says_is_valid_xml(certified: Certification) -> None:
    said = 'a\x00b\x1b[31m]]> <!-- & "é\ud800\ufffe\U0001f600'
    identity = replace(certified.identity, name=said)
    hostile = made.with_check(replace(certified, identity=identity), FAILED, "failed", said)
    root = parsed(hostile)
    shown = 'a\\x00b\\x1b[31m]]> <!-- & "é\\ud800\\ufffe\U0001f600'
    assert properties_of(root[0])[0] == ("engine", shown)
    (failure,) = case_of(root, FAILED).findall("failure")
    assert failure.text == failure.get("message") == shown
