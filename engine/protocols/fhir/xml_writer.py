"""A tree as FHIR XML, for trees whose keys stand in the order of the definition. Source: hl7.org/fhir/R5/xml.html."""

from __future__ import annotations

from typing import Any

from lxml import etree

from engine.core.errors import MessageError
from engine.protocols.fhir.resource import Tree
from engine.protocols.fhir.version import is_type
from engine.protocols.xml.tree import parse_tree

FHIR = "http://hl7.org/fhir"
XHTML = "http://www.w3.org/1999/xhtml"
_PLAIN: Any = {None: FHIR}  # no prefix; the stubs know only named ones


def write_xml(tree: Tree) -> bytes:
    """Raises ValueError for a character that XML cannot hold, or a narrative that is no XHTML."""
    root = etree.Element(f"{{{FHIR}}}{tree['resourceType']}", nsmap=_PLAIN)
    _fill(root, tree, is_resource=True)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def _fill(parent: etree._Element, tree: Tree, *, is_resource: bool) -> None:
    for name, value in tree.items():
        if (name == "resourceType" and is_resource) or (name.startswith("_") and name[1:] in tree):
            continue
        if (name == "id" and not is_resource) or (name == "url" and parent.tag.endswith("xtension")):
            parent.set(name, str(value))
            continue
        beside = tree.get(f"_{name}")
        name, value, beside = (name[1:], None, value) if name.startswith("_") else (name, value, beside)
        values = value if isinstance(value, list) else [value]
        extras = beside if isinstance(beside, list) else [beside]
        for position in range(max(len(values), len(extras))):
            _add(parent, name, _at(values, position), _at(extras, position))


def _at(values: list[Any], position: int) -> Any:
    return values[position] if position < len(values) else None


def _add(parent: etree._Element, name: str, value: Any, extra: Tree | None) -> None:
    if name == "div":
        parent.append(_narrative(str(value)))
        return
    child = etree.SubElement(parent, f"{{{FHIR}}}{name}")
    if isinstance(value, dict):
        is_resource = is_type(str(value.get("resourceType", ""))) is not None
        if is_resource:
            child = etree.SubElement(child, f"{{{FHIR}}}{value['resourceType']}")
        _fill(child, value, is_resource=is_resource)
        return
    if value is not None:
        child.set("value", str(value).lower() if isinstance(value, bool) else str(value))
    if extra:
        _fill(child, extra, is_resource=False)


def _narrative(text: str) -> etree._Element:
    """It is the sender's own text: read as everything from outside is."""
    try:
        return parse_tree(text.encode())
    except MessageError:
        raise ValueError("the narrative is no XHTML") from None
