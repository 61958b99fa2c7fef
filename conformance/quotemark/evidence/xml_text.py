"""Text in XML: an engine may say anything, XML may not hold all of it."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml_text(text: str) -> str:
    """Text in which what XML cannot hold is written as Python writes it in a string."""
    return _NOT_IN_XML.sub(lambda found: ascii(found[0])[1:-1], text)


def document(root: ET.Element) -> str:
    """Return an XML file of ``root``, indented."""
    ET.indent(root)
    return f"<?xml version='1.0' encoding='utf-8'?>\n{ET.tostring(root, encoding='unicode')}\n"
