"""The badge: what it says of a run, and that it is a picture that can be read aloud."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from msgspec.structs import replace
from tests.evidence import made

from quotemark import __version__
from quotemark.evidence.badge import badge_svg
from quotemark.results import Certification, CheckStatus

SVG = "{http://www.w3.org/2000/svg}"
CHECK = "phase4.touch_is_positive_when_flat"


def shown(certification: Certification) -> tuple[str, str]:
    """Words and colour of the right field."""
    root = ET.fromstring(badge_svg(certification))  # noqa: S314 - made here
    label, words = (str(one.text) for one in root.iter(f"{SVG}text"))
    title = root.find(f"{SVG}title")
    assert title is not None
    assert root.tag == f"{SVG}svg"
    assert (root.get("role"), root.get("aria-labelledby")) == ("img", title.get("id"))
    assert title.text == f"{label}: {words}"
    assert label == "quotemark"
    left, right = root.iter(f"{SVG}rect")
    assert float(str(right.get("x"))) == float(str(left.get("width")))
    assert float(str(root.get("width"))) == pytest.approx(
        float(str(left.get("width"))) + float(str(right.get("width")))
    )
    return words, str(right.get("fill"))


@pytest.fixture(scope="module")
def certified() -> Certification:
    return made.certification()


def contrast_with_white(colour: str) -> float:
    """As WCAG defines it."""
    shares = [int(colour[place : place + 2], 16) / 255.0 for place in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in shares]
    return 1.05 / (0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05)


def test_the_badge_says_the_verdict_and_what_it_is_of(certified: Certification) -> None:
    status: CheckStatus = "failed"
    failing = made.with_check(certified, CHECK, status, "no")
    waived = made.with_check(certified, CHECK, "waived", "no")
    said = {
        f"conformant L2, phases 1-8, suite {__version__}": certified,
        f"conformant L2, phase 4, suite {__version__}": made.certification(phases=[4]),
        f"not conformant, phases 1-8, suite {__version__}": failing,
        f"conformant L2, phases 1-8, suite {__version__} (quick)": replace(
            certified, profile="quick"
        ),
        f"conformant L2 with {waived.counts()['waived']} waived, phases 1-8,"
        f" suite {__version__}": waived,
    }
    assert {words: shown(one)[0] for words, one in said.items()} == {words: words for words in said}
    colours = [shown(one)[1] for one in said.values()]
    whole, whole_phase, violated, quick, with_waived = colours
    assert whole == whole_phase
    assert quick == with_waived
    assert len({whole, violated, quick}) == 3
    assert min(map(contrast_with_white, colours)) >= 4.5


def test_the_badge_is_valid_whatever_is_in_it(certified: Certification) -> None:
    words, _ = shown(replace(certified, suite="<1>&\x00"))
    assert words == "conformant L2, phases 1-8, suite <1>&\\x00"
