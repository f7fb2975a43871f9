"""XML Schema from given bytes: what a schema imports comes from a function of the caller, and from nowhere else.

Findings name place and rule, never a value: the library's own words hold the value, so they are not used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import deepcopy
from typing import Any, NamedTuple

from lxml import etree

from engine.core.errors import ConfigurationError
from engine.protocols.xml.tree import parse_tree

Load = Callable[[str], bytes]
"""Bytes of a document by its name, as resolved against the one that names it."""

Resolve = Callable[[str, str], str]
"""`(name of a document, schemaLocation in it)` to the name that `Load` takes."""

XSD = "http://www.w3.org/2001/XMLSchema"
_MOST_DOCUMENTS = 500
_KEY = "isthmus-schema:"
_WORDS = {
    "SCHEMAV_ELEMENT_CONTENT": "an element that may not stand here, or one is missing",
    "SCHEMAV_CVC_COMPLEX_TYPE_2_4": "an element that may not stand here, or one is missing",
    "SCHEMAV_CVC_COMPLEX_TYPE_3_2_1": "an attribute that is not known",
    "SCHEMAV_CVC_COMPLEX_TYPE_4": "a required attribute is missing",
    "SCHEMAV_CVC_ELT_1": "an element that the schema does not know",
    "SCHEMAV_CVC_ELT_3_1": "may not be nil",
    "SCHEMAV_CVC_COMPLEX_TYPE_2_2": "holds elements, though it is a value",
    "SCHEMAV_CVC_COMPLEX_TYPE_2_3": "holds text, though it takes only elements",
    "SCHEMAV_CVC_ENUMERATION_VALID": "not one of the values of its type",
    "SCHEMAV_CVC_PATTERN_VALID": "not of the pattern of its type",
}


class Finding(NamedTuple):
    """`place` as `Order/Line[2]/Quantity`."""

    place: str
    what: str


class Schema:
    """A compiled schema; checks elements, also such as stand inside another document."""

    def __init__(self, compiled: etree.XMLSchema) -> None:
        self._compiled = compiled

    def check(self, element: etree._Element, most: int = 5) -> list[Finding]:
        """What is wrong, the first `most` findings; empty: it is valid."""
        if self._compiled.validate(element):
            return []
        found: dict[str, Finding] = {}
        for error in list(self._compiled.error_log):  # type: ignore[call-overload]
            finding = Finding(_place(element, error.path), _WORDS.get(error.type_name, _facet(error.type_name)))
            found.setdefault(finding.place, finding)  # one fault of a value is often told twice
        return list(found.values())[:most]


def _facet(type_name: str) -> str:
    return "outside the limits of its type" if "LENGTH" in type_name or "CLUSIVE" in type_name else "not of its type"


def _place(element: etree._Element, path: str | None) -> str:
    """The library's path has no names in namespaces (`/*/*[2]`); here they are, without namespaces."""
    names, node = [_local(element)], element
    steps = (path or "").strip("/").split("/")[1:]
    for step in steps:
        index = int(step.partition("[")[2].rstrip("]") or 1) if step.partition("[")[2].rstrip("]").isdigit() else 1
        name = step.partition("[")[0].rpartition(":")[2]
        children = [one for one in node if name in ("*", _local(one))]
        if not 1 <= index <= len(children):
            break
        node = children[index - 1]
        same = list(node.itersiblings(node.tag, preceding=True))
        names.append(f"{_local(node)}[{len(same) + 1}]" if same else _local(node))
    return "/".join(names)


def _local(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[2][:80]


def compile_schema(roots: Iterable[tuple[str, etree._Element]], load: Load, resolve: Resolve) -> Schema:
    """One schema out of several, each with the name of the document it stands in.

    Raises:
        ConfigurationError: it cannot be compiled; names the document.
    """
    collected = _Collected(load, resolve)
    for name, root in roots:
        collected.add(name, deepcopy(root))
    try:
        return Schema(etree.XMLSchema(etree.fromstring(collected.joined(), collected.parser())))
    except etree.XMLSchemaParseError as error:
        line = error.error_log[-1].message if len(error.error_log) else "not a schema"  # of a site's file: no values
        raise ConfigurationError("the schema cannot be used: " + line[:300], remedy="correct the WSDL or XSD") from None


def documents_of(root: etree._Element) -> list[etree._Element]:
    """The elements of a schema that name another document."""
    kinds = ("import", "include", "redefine")
    return [one for kind in kinds for one in root.iterchildren(f"{{{XSD}}}{kind}")]


class _Collected(etree.Resolver):
    """Schemas by invented names; each place that names a document names one of these."""

    def __init__(self, load: Load, resolve: Resolve) -> None:
        super().__init__()
        self._load, self._resolve = load, resolve
        self._texts: dict[str, bytes] = {}
        self._roots: dict[str, etree._Element] = {}
        self._of_namespace: dict[str, list[str]] = {}
        self._names: dict[str, str] = {}

    def add(self, name: str, root: etree._Element, namespace: str | None = None) -> str:
        """`namespace`: of whoever includes it, which a schema without one of its own takes on."""
        if len(self._roots) >= _MOST_DOCUMENTS:
            raise ConfigurationError("too many schemas in schemas", where=name)
        key = f"{_KEY}{len(self._roots)}"
        self._roots[key] = root
        if namespace is None:
            self._of_namespace.setdefault(root.get("targetNamespace", ""), []).append(key)
        for child in documents_of(root):
            location = child.get("schemaLocation")
            if child.tag != f"{{{XSD}}}import":
                child.set("schemaLocation", self._document(name, location or "", root.get("targetNamespace", "")))
            elif location is not None:
                self._document(name, location, None)
        return key

    def _document(self, base: str, location: str, namespace: str | None) -> str:
        name = self._resolve(base, location)
        known = f"{namespace}|{name}"
        if known not in self._names:
            root = parse_tree(self._load(name))
            if root.tag != f"{{{XSD}}}schema":
                raise ConfigurationError("not an XML schema", where=name)
            self._names[known] = f"{_KEY}{len(self._roots)}"  # before its own: schemas name one another in a circle
            self.add(name, root, namespace)
        return self._names[known]

    def joined(self) -> bytes:
        """A schema that brings all of them in: one more for each namespace, since a namespace is imported once."""
        at = {space: f"{_KEY}of-{number}" for number, space in enumerate(self._of_namespace)}
        for root in self._roots.values():
            for child in root.iterchildren(f"{{{XSD}}}import"):
                space = child.get("namespace", "")
                if space in at:
                    child.set("schemaLocation", at[space])
                elif "schemaLocation" in child.attrib:
                    del child.attrib["schemaLocation"]
        for space, keys in self._of_namespace.items():
            self._texts[at[space]] = _bringing("include", [(None, key) for key in keys], space)
        self._texts |= {key: etree.tostring(root) for key, root in self._roots.items()}
        return _bringing("import", list(at.items()), None)  # without a namespace there is only inclusion

    def parser(self) -> etree.XMLParser:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
        parser.resolvers.add(self)
        return parser

    def resolve(self, url: str, pubid: str, context: Any) -> Any:  # type: ignore[override]  # stubs lack the context
        """Called by the library for each document; what is not collected is not there."""
        return self.resolve_string(self._texts.get(url, b"<none/>"), context, base_url=url)


def _bringing(how: str, what: list[tuple[str | None, str]], target: str | None) -> bytes:
    schema = etree.Element(f"{{{XSD}}}schema", nsmap={"xs": XSD})
    if target:
        schema.set("targetNamespace", target)
    for space, key in what:
        child = etree.SubElement(schema, f"{{{XSD}}}{how if space != '' else 'include'}", schemaLocation=key)
        if space:
            child.set("namespace", space)
    return etree.tostring(schema)
