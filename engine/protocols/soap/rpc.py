"""Calls of the rpc style with literal parts: the body's element is the operation, and in it stands each part by type.

Such an element is declared nowhere in a WSDL's schemas; here it gets a declaration, so that a call is checked like any
other. Source: WSDL 1.1 § 3.5; WS-I Basic Profile 1.1, R2201, R2301, R2726, R2729, R2735.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from lxml import etree

from engine.core.errors import ConfigurationError
from engine.protocols.soap.names import WSDL, XSD


class Wrapper(NamedTuple):
    """`parts`: name, and namespace and name of its type, in the order in which they are sent."""

    namespace: str
    local: str
    parts: tuple[tuple[str, str, str], ...]

    @property
    def name(self) -> str:
        """As `{namespace}local`."""
        return f"{{{self.namespace}}}{self.local}".replace("{}", "")


def wrapper(local: str, message: etree._Element, body: etree._Element | None, where: str) -> Wrapper:
    """Of one direction of an operation. `body`: what the binding says of it.

    Raises:
        ConfigurationError: a part without a type, as the rpc style has none.
    """
    wanted = (body.get("parts") or "").split() if body is not None and body.get("parts") is not None else None
    parts = []
    for one in message.iterchildren(f"{{{WSDL}}}part"):
        name, (prefix, _, kind) = one.get("name", ""), one.get("type", "").rpartition(":")
        if wanted is not None and name not in wanted:
            continue  # it goes in a header, or beside the envelope
        if not kind or not name:
            raise ConfigurationError(
                "a part of the rpc style has a name and a type", where=f"{where}: {message.get('name')}"
            )
        parts.append((name, one.nsmap.get(prefix or None, ""), kind))
    return Wrapper((body.get("namespace") or "") if body is not None else "", local, tuple(parts))


def wrapper_schemas(wrappers: Iterable[Wrapper]) -> list[etree._Element]:
    """One schema for each namespace, with what it needs from others imported by name."""
    by_namespace: dict[str, list[Wrapper]] = {}
    for one in wrappers:
        by_namespace.setdefault(one.namespace, []).append(one)
    return [_schema(namespace, of_it) for namespace, of_it in by_namespace.items()]


def _schema(namespace: str, wrappers: list[Wrapper]) -> etree._Element:
    types = sorted({space for one in wrappers for _, space, _ in one.parts})
    prefixes = {f"n{number}": space for number, space in enumerate(types) if space}
    root = etree.Element(f"{{{XSD}}}schema", nsmap={"xs": XSD, **prefixes})
    if namespace:
        root.set("targetNamespace", namespace)
    for space in types:
        if space not in (XSD, namespace):
            child = etree.SubElement(root, f"{{{XSD}}}import")
            if space:
                child.set("namespace", space)
    of = {space: f"{prefix}:" for prefix, space in prefixes.items()}
    for one in wrappers:
        element = etree.SubElement(root, f"{{{XSD}}}element", name=one.local)
        sequence = etree.SubElement(etree.SubElement(element, f"{{{XSD}}}complexType"), f"{{{XSD}}}sequence")
        for name, space, kind in one.parts:
            etree.SubElement(
                sequence, f"{{{XSD}}}element", name=name, type=of.get(space, "") + kind, form="unqualified"
            )
    return root
