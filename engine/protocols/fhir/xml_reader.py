"""FHIR XML as the tree that its JSON would give, decimals with their digits. No entity, no DTD, no network.

Source: https://hl7.org/fhir/R5/json.html#xml, https://hl7.org/fhir/R5/xml.html.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from lxml import etree

from engine.core.errors import CharsetError, StructureError
from engine.protocols.fhir.resource import Tree
from engine.protocols.fhir.shapes import Shape, shapes
from engine.protocols.fhir.version import Version, is_type
from engine.protocols.fhir.xml_writer import FHIR, XHTML
from engine.protocols.xml.tree import parse_tree

_decimal = re.compile(r"-?(0|[1-9][0-9]{0,999})(\.[0-9]{1,1000})?([eE][+-]?[0-9]{1,4})?").fullmatch
_integer = re.compile(r"-?(0|[1-9][0-9]{0,18})").fullmatch
_BOOLEANS = {"true": True, "false": False}


def read_xml(body: bytes, version: Version) -> Tree:
    """A resource in XML.

    Raises:
        CharsetError: not UTF-8.
        StructureError: not XML, with a DOCTYPE, or not a resource of this version; names the place.
    """
    root = _parsed(body)
    kind = _local(root, "")
    if not is_type(kind):
        raise StructureError("not the name of a resource type", where="the root element")
    try:
        return _resource(root, kind, version, kind)
    except RecursionError:
        raise StructureError("nested too deeply", where=kind) from None


def _parsed(body: bytes) -> etree._Element:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CharsetError("not UTF-8", where=f"byte {error.start + 1}", remedy="send FHIR in UTF-8") from None
    return parse_tree(body)


def _resource(element: etree._Element, kind: str, version: Version, place: str) -> Tree:
    found = shapes(version, kind)
    if found is None or "implicitRules" not in found:
        raise StructureError(f"not a resource of FHIR {version}", where=place)
    return {"resourceType": kind} | _filled(element, found, version, place)


def _filled(element: etree._Element, known: dict[str, Shape], version: Version, place: str) -> Tree:
    tree: Tree = {str(name): str(value) for name, value in element.attrib.items() if name in ("id", "url")}
    for child in element:
        name = _local(child, place)
        shape = known.get(name)
        if shape is None or name == "resource_type":
            raise StructureError("no such element in this type", where=place)
        _put(tree, name, shape, child, version, f"{place}.{name}")
    return {name: value for name, value in tree.items() if not _is_empty(value)}


def _put(tree: Tree, name: str, shape: Shape, child: etree._Element, version: Version, place: str) -> None:
    if name in tree and not shape.repeats:
        raise StructureError("may stand here once", where=place)
    value, beside = _value(child, shape, version, place)
    if not shape.repeats:
        tree[name] = value
        if beside:
            tree[f"_{name}"] = beside
        return
    tree.setdefault(name, []).append(value)
    if shape.kind not in ("complex", "resource"):
        tree.setdefault(f"_{name}", []).append(beside)


def _value(child: etree._Element, shape: Shape, version: Version, place: str) -> tuple[Any, Tree | None]:
    """The value, and what a primitive has beside it: id and extensions."""
    if shape.kind == "xhtml":
        return etree.tostring(child, encoding="unicode", with_tail=False), None
    if shape.kind == "resource":
        inner = list(child)
        if len(inner) != 1:
            raise StructureError("holds one resource", where=place)
        return _resource(inner[0], _local(inner[0], place), version, place), None
    if shape.kind == "complex":
        known = shapes(version, shape.type)
        return _filled(child, known or {}, version, place), None
    text = child.get("value")
    beside = _filled(child, shapes(version, "Element") or {}, version, place)
    return (None if text is None else _primitive(text, shape, place)), beside or None


def _primitive(text: str, shape: Shape, place: str) -> Any:
    if shape.kind == "boolean" and text in _BOOLEANS:
        return _BOOLEANS[text]
    if shape.kind == "integer" and _integer(text):
        return int(text)
    if shape.kind == "decimal" and _decimal(text):
        return Decimal(text)
    if shape.kind == "text":
        return text
    raise StructureError(f"not a {shape.kind}", where=place)


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, list) and all(one is None for one in value))


def _local(element: etree._Element, place: str) -> str:
    space, _, name = str(element.tag).rpartition("}")
    if space not in (f"{{{FHIR}", f"{{{XHTML}"):
        raise StructureError("not in FHIR's namespace", where=place or "the root element")
    return name
