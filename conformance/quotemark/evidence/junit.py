"""JUnit XML: a test suite a phase, a test case a check, for whatever shows test results in CI.

A check stands once, under the earliest phase that it proves something of. As all that was skipped
reads as a success there, and a stale waiver does not appear at all, the verdict is a test case of
its own. Times are left out: none are taken of a check, and readers do without.
"""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree import ElementTree as ET

from quotemark.evidence.xml_text import document, xml_text
from quotemark.phases import named_phases
from quotemark.results import Certification, CheckResult
from quotemark.text import verdict_line

DEPARTURE = "departure"
"""Type of a failure of which figures are the fault; otherwise it is the fault's label."""


def junit_xml(certification: Certification) -> str:
    """Return the file."""
    root = ET.Element("testsuites", name="quotemark")
    for phase in sorted({one.requirement.phase for one in certification.requirements}):
        checks = [one for one in certification.checks if _phase_of(one, certification) == phase]
        if checks:
            suite = _suite(root, f"phase {phase}" if phase else "all phases", certification)
            for check in checks:
                _add_check(suite, f"quotemark.phase_{phase or 'all'}", check, certification)
    _add_verdict(_suite(root, "verdict", certification), certification)
    for suite in root:
        _count(suite, suite.iter("testcase"))
    _count(root, root.iter("testcase"))
    return document(root)


def _phase_of(check: CheckResult, certification: Certification) -> int:
    """The earliest phase of the requirements it proves; 0 where they all hold for every phase."""
    phases = {
        one.requirement.phase
        for one in certification.requirements
        if one.requirement.id in check.proves
    }
    return min(phases - {0}, default=0)


def _suite(root: ET.Element, name: str, certification: Certification) -> ET.Element:
    identity = certification.identity
    suite = ET.SubElement(root, "testsuite", name=name)
    _add_properties(
        suite,
        ("engine", identity.name),
        ("engine version", identity.version),
        ("engine digest", identity.digest),
        ("suite", certification.suite),
        ("level", certification.level),
        ("phases", named_phases(certification.phases)),
        ("profile", certification.profile),
        ("seed", str(certification.seed)),
    )
    return suite


def _add_check(
    suite: ET.Element, classname: str, check: CheckResult, certification: Certification
) -> None:
    case = ET.SubElement(suite, "testcase", classname=classname, name=check.check)
    judged = {one.requirement.id for one in certification.requirements}
    proves = [("requirement", one) for one in check.proves if one in judged]
    _add_properties(case, ("component", check.component), *proves)
    if check.status == "failed":
        _add_failure(case, check.message, check.label or DEPARTURE)
    elif check.status != "passed":
        ET.SubElement(case, "skipped", message=xml_text(f"{check.status}: {check.message}"))


def _add_verdict(suite: ET.Element, certification: Certification) -> None:
    case = ET.SubElement(suite, "testcase", classname="quotemark", name="verdict")
    if not certification.conformant:
        stale = [
            f"the waiver of {one.waiver.check} is stale: {one.stale}"
            for one in certification.waivers
            if one.stale
        ]
        _add_failure(case, "\n".join([verdict_line(certification), *stale]), "verdict")


def _add_failure(case: ET.Element, message: str, kind: str) -> None:
    text = xml_text(message)
    first, *_ = text.splitlines() or [""]
    ET.SubElement(case, "failure", message=first, type=kind).text = text


def _add_properties(parent: ET.Element, *properties: tuple[str, str]) -> None:
    folder = ET.SubElement(parent, "properties")
    for name, value in properties:
        ET.SubElement(folder, "property", name=name, value=xml_text(value))


def _count(parent: ET.Element, cases: Iterable[ET.Element]) -> None:
    """Set the counts that the format asks for."""
    some = list(cases)
    parent.set("tests", str(len(some)))
    parent.set("failures", str(sum(case.find("failure") is not None for case in some)))
    parent.set("errors", "0")
    parent.set("skipped", str(sum(case.find("skipped") is not None for case in some)))
