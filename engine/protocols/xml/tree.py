"""The one way in which XML from outside becomes a tree: no DOCTYPE, no entities, no network, no huge trees.

Source: https://owasp.org/www-community/vulnerabilities/XML_External_Entity_(XXE)_Processing.
"""

from __future__ import annotations

import re

from lxml import etree

from engine.core.errors import SizeLimitError, StructureError

MOST_ELEMENTS = 500_000
_DOCTYPE = re.compile(rb"<\s*!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)


def parse_tree(body: bytes, most_elements: int = MOST_ELEMENTS) -> etree._Element:
    """The root element; comments and processing instructions are left out.

    Raises:
        StructureError: not XML, or with a DOCTYPE; names the line.
        SizeLimitError: more elements than a message can need.
    """
    refuse_doctype(body)
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        raise StructureError("not XML", where=f"line {line}" if line else None) from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise _doctype()
    if sum(1 for _ in root.iter()) > most_elements:
        raise SizeLimitError(f"more than {most_elements:,} elements", remedy="send it in parts")
    return root


def refuse_doctype(body: bytes) -> None:
    """Raises StructureError: there is one, or an entity."""
    # UTF-16 has a zero byte at every other place: so it cannot hide the word from this look.
    if _DOCTYPE.search(body.replace(b"\x00", b"")):
        raise _doctype()


def _doctype() -> StructureError:
    return StructureError("a DOCTYPE is not taken", remedy="send the message without one")
