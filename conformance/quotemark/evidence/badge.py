"""A badge: the verdict in one line, as a picture for a page about the engine."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from quotemark.evidence.xml_text import document, xml_text
from quotemark.phases import named_phases
from quotemark.results import Certification

LABEL = "quotemark"
HEIGHT, MARGIN, BASELINE, LETTER = 20, 7, 14, 6.2
"""In pixels; ``LETTER`` is what a letter takes on average, to which the text is fitted."""

DARK, GREEN, AMBER, RED = "#3b434b", "#1a7f37", "#8a5a00", "#b3261e"
"""Each bears white text with a contrast of at least 4.5."""


def badge_svg(certification: Certification) -> str:
    """Return the file."""
    words = xml_text(_words(certification))
    left, right = (2 * MARGIN + LETTER * len(text) for text in (LABEL, words))
    width = f"{left + right:g}"
    root = ET.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "width": width,
            "height": str(HEIGHT),
            "viewBox": f"0 0 {width} {HEIGHT}",
            "role": "img",
            "aria-labelledby": "badge-title",
        },
    )
    ET.SubElement(root, "title", id="badge-title").text = f"{LABEL}: {words}"
    group = ET.SubElement(
        root, "g", {"fill": "#fff", "font-family": "Verdana, sans-serif", "font-size": "11"}
    )
    _add_field(group, 0.0, left, DARK, LABEL)
    _add_field(group, left, right, _colour(certification), words)
    return document(root)


def _words(certification: Certification) -> str:
    """The verdict, and what it is of."""
    waived = certification.counts()["waived"]
    words = "not conformant"
    if certification.conformant:
        words = f"conformant {certification.level}"
        words += f" with {waived} waived" if waived else ""
    phases = named_phases(certification.phases)
    words += f", {'phase' if len(certification.phases) == 1 else 'phases'} {phases}"
    words += f", suite {certification.suite}"
    return words if certification.profile == "default" else f"{words} ({certification.profile})"


def _colour(certification: Certification) -> str:
    if not certification.conformant:
        return RED
    is_whole = certification.profile == "default" and not certification.counts()["waived"]
    return GREEN if is_whole else AMBER


def _add_field(group: ET.Element, x: float, width: float, colour: str, text: str) -> None:
    ET.SubElement(group, "rect", x=f"{x:g}", width=f"{width:g}", height=str(HEIGHT), fill=colour)
    ET.SubElement(
        group,
        "text",
        x=f"{x + MARGIN:g}",
        y=str(BASELINE),
        textLength=f"{width - 2 * MARGIN:g}",
        lengthAdjust="spacingAndGlyphs",
    ).text = text
