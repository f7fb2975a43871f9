"""References from an envelope to the parts beside it: `xop:Include`, `href="cid:…"` and swaRef.

A part that is included stands for the base64 of its bytes, once. Source: https://www.w3.org/TR/xop10/ § 3, RFC 2392.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import quote, unquote

from lxml import etree

from engine.core.errors import StructureError
from engine.protocols.soap.package import Part

NAMESPACE = "http://www.w3.org/2004/08/xop/include"
INCLUDE = f"{{{NAMESPACE}}}Include"
_CID = "cid:"


class Reference(NamedTuple):
    """A value of `element` that is `part`: its text, or its `attribute`."""

    element: etree._Element
    attribute: str | None
    part: Part


def include(content_id: str) -> bytes:
    """The element that stands for a part."""
    return f'<xop:Include xmlns:xop="{NAMESPACE}" href="cid:{quote(content_id, safe="@.-_")}"/>'.encode()


def put_in(root: etree._Element, parts: Sequence[Part]) -> list[Reference]:
    """Writes the base64 of included parts into the tree: what a schema is about.

    Raises:
        StructureError: no such part, one that is included twice, or an Include beside something else.
    """
    known = {part.content_id: part for part in parts if part.content_id}
    found: list[Reference] = []
    for one in list(root.iter(INCLUDE)):
        holder, part = one.getparent(), known.pop(_id(one.get("href", "")), None)
        if part is None:
            remedy = "send each part once, and include it once"
            raise StructureError("xop:Include of no part, or of one that was included", where="Body", remedy=remedy)
        if holder is None or len(holder) != 1 or len(one) or (holder.text or "").strip() or (one.tail or "").strip():
            raise StructureError("xop:Include is not the only content of its element", where="Body")
        found.append(Reference(holder, None, part))
    for holder, _, part in found:  # only after all were found to be right
        del holder[:]
        holder.text = base64.b64encode(part.body).decode("ascii")
    return found


def references(root: etree._Element, parts: Sequence[Part]) -> list[Reference]:
    """What names a part by `href`, or by `cid:` as the whole text.

    Raises:
        StructureError: an href to a part that is not there.
    """
    known = {part.content_id: part for part in parts if part.content_id}
    found: list[Reference] = []
    for one in root.iter(etree.Element):
        href, text = one.get("href", ""), (one.text or "").strip() if not len(one) else ""
        if href.lower().startswith(_CID):
            if _id(href) not in known:
                raise StructureError("a reference to a part that is not there", where="Body")
            found.append(Reference(one, "href", known[_id(href)]))
        if text[:4].lower() == _CID and _id(text) in known:
            found.append(Reference(one, None, known[_id(text)]))
    return found


def name_parts(found: Sequence[Reference]) -> None:
    """Writes `cid:` and the part's name where the part is meant: a repeat with the same files is the same message."""
    for element, attribute, part in found:
        if attribute is None:
            element.text = _CID + part.name
        else:
            element.set(attribute, _CID + part.name)


def _id(reference: str) -> str:
    return unquote(reference[len(_CID) :]) if reference[: len(_CID)].lower() == _CID else ""
