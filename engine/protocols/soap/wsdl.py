"""A WSDL 1.1 as a server needs it: operations by the element that calls them, schema, and documents to serve.

Of document/literal the body's one element is declared in the schema; of rpc/literal it is made from the operation and
its parts. What is encoded (SOAP's own types) is not served. Source: https://www.w3.org/TR/wsdl.
"""

from __future__ import annotations

from copy import deepcopy
from typing import NamedTuple

from lxml import etree

from engine.core.errors import ConfigurationError
from engine.protocols.soap.names import WSDL, WSDL_SOAP, XSD, Version
from engine.protocols.soap.rpc import Wrapper, wrapper, wrapper_schemas
from engine.protocols.xml.schema import Load, Resolve, Schema, compile_schema, documents_of
from engine.protocols.xml.tree import parse_tree

_MOST_DOCUMENTS = 200


class Operation(NamedTuple):
    """`input` and `output` as `{namespace}local`; without output it is one-way."""

    name: str
    action: str
    input: str
    output: str | None


class Wsdl(NamedTuple):
    """What one service says. `documents`: all of them by name, the WSDL itself first."""

    operations: tuple[Operation, ...]
    versions: frozenset[Version]
    schema: Schema
    documents: dict[str, etree._Element]
    resolve: Resolve

    def called(self, payload: str, action: str | None) -> Operation | None:
        """By the element; the action decides between operations that share one. An action of another: None."""
        of_element = [one for one in self.operations if one.input == payload]
        if not action:
            return of_element[0] if of_element else None
        return next((one for one in of_element if one.action in ("", action)), None)

    def served(self, number: int, address: str) -> bytes | None:
        """A document as clients get it: addresses lead to `address`, and what it imports to `address?doc=…`."""
        names = list(self.documents)
        if not 0 <= number < len(names):
            return None
        root = deepcopy(self.documents[names[number]])
        for namespace in WSDL_SOAP:
            for one in root.iter(f"{{{namespace}}}address"):
                one.set("location", address)
        for one, attribute in _imports(root):
            if location := one.get(attribute):
                target = names.index(self.resolve(names[number], location))
                one.set(attribute, f"{address}?doc={target}")
        return etree.tostring(root, encoding="utf-8", xml_declaration=True)


def read_wsdl(name: str, load: Load, resolve: Resolve, service: str | None = None) -> Wsdl:
    """Raises ConfigurationError: not a WSDL, no such service, or a binding that is not served; names the place."""
    documents: dict[str, etree._Element] = {}
    _collect(name, load, resolve, documents)
    definitions = [root for root in documents.values() if root.tag == f"{{{WSDL}}}definitions"]
    if not definitions or next(iter(documents.values())) is not definitions[0]:
        raise ConfigurationError("not a WSDL 1.1", where=name)
    bindings = _bindings(definitions, service, name)
    operations: dict[tuple[str, str], Operation] = {}
    wrappers: dict[str, Wrapper] = {}
    for binding, namespace in bindings:
        for one in _operations(definitions, binding, namespace, name, wrappers):
            operations.setdefault((one.name, one.action), one)
    schema = _schema(documents, load, resolve, wrapper_schemas(wrappers.values()))
    versions = frozenset(WSDL_SOAP[namespace] for _, namespace in bindings)
    return Wsdl(tuple(operations.values()), versions, schema, documents, resolve)


def read_schema(name: str, load: Load, resolve: Resolve) -> Schema:
    """Only the schema of a WSDL. Raises ConfigurationError: it cannot be compiled."""
    documents: dict[str, etree._Element] = {}
    _collect(name, load, resolve, documents)
    return _schema(documents, load, resolve)


def _schema(
    documents: dict[str, etree._Element], load: Load, resolve: Resolve, further: list[etree._Element] | None = None
) -> Schema:
    roots = [(at, one) for at, root in documents.items() for one in root.iterfind(f"{{{WSDL}}}types/{{{XSD}}}schema")]
    # What inline schemas import is loaded again there: a schema is compiled from its own text.
    declared = [(at, _standing_alone(one)) for at, one in roots]
    return compile_schema(declared + [(next(iter(documents)), one) for one in further or ()], load, resolve)


def _standing_alone(schema: etree._Element) -> etree._Element:
    """With the prefixes that were declared around it, which its type names need."""
    return parse_tree(etree.tostring(schema, with_tail=False))


def _imports(root: etree._Element) -> list[tuple[etree._Element, str]]:
    found = [(one, "location") for one in root.iterchildren(f"{{{WSDL}}}import")]
    schemas = [root] if root.tag == f"{{{XSD}}}schema" else list(root.iterfind(f"{{{WSDL}}}types/{{{XSD}}}schema"))
    return found + [(one, "schemaLocation") for schema in schemas for one in documents_of(schema)]


def _collect(name: str, load: Load, resolve: Resolve, documents: dict[str, etree._Element]) -> None:
    if name in documents:
        return
    if len(documents) >= _MOST_DOCUMENTS:
        raise ConfigurationError("too many documents import one another", where=name)
    root = documents[name] = parse_tree(load(name))
    for one, attribute in _imports(root):
        if location := one.get(attribute):
            _collect(resolve(name, location), load, resolve, documents)


def _bindings(definitions: list[etree._Element], service: str | None, where: str) -> list[tuple[etree._Element, str]]:
    """Bindings of the service's SOAP ports, each with the namespace of its SOAP."""
    services = [one for root in definitions for one in root.iterchildren(f"{{{WSDL}}}service")]
    chosen = [one for one in services if service in (None, one.get("name"))][:1]
    if not chosen:
        raise ConfigurationError("no such service in the WSDL", where=where, remedy="set service: to one it declares")
    known = {one.get("name"): one for root in definitions for one in root.iterchildren(f"{{{WSDL}}}binding")}
    found = []
    for port in chosen[0].iterchildren(f"{{{WSDL}}}port"):
        binding = known.get(_local(port.get("binding", "")))
        for namespace in WSDL_SOAP:
            if binding is not None and binding.find(f"{{{namespace}}}binding") is not None:
                found.append((binding, namespace))
    if not found:
        raise ConfigurationError("the service has no port for SOAP", where=where)
    return found


def _operations(
    definitions: list[etree._Element],
    binding: etree._Element,
    namespace: str,
    where: str,
    wrappers: dict[str, Wrapper],
) -> list[Operation]:
    """Those of one binding. What the rpc style makes of them is put into `wrappers`, by name."""
    port_type = _named(definitions, "portType", binding.get("type", ""), where)
    abstract = {one.get("name"): one for one in port_type.iterchildren(f"{{{WSDL}}}operation")}
    style = _style(binding.find(f"{{{namespace}}}binding"), "document")
    found = []
    for one in binding.iterchildren(f"{{{WSDL}}}operation"):
        name, soap = one.get("name", ""), one.find(f"{{{namespace}}}operation")
        bodies = {kind: one.find(f"{{{WSDL}}}{kind}/{{{namespace}}}body") for kind in ("input", "output")}
        if any(body is not None and body.get("use", "literal") != "literal" for body in bodies.values()):
            words, remedy = "an encoded binding is not served", "give the service one with use literal"
            raise ConfigurationError(words, where=f"{where}: {name}", remedy=remedy)
        if name not in abstract:
            raise ConfigurationError("the binding's operation is not of its portType", where=f"{where}: {name}")
        if _style(soap, style) == "rpc":
            came, goes = _wrapped(definitions, abstract[name], bodies, where, wrappers)
        else:
            came, goes = (_element(definitions, abstract[name], kind, where) for kind in ("input", "output"))
        if came is None:
            raise ConfigurationError("the operation has no input", where=f"{where}: {name}")
        action = soap.get("soapAction", "") if soap is not None else ""
        found.append(Operation(name, action, came, goes))
    return found


def _wrapped(
    definitions: list[etree._Element],
    operation: etree._Element,
    bodies: dict[str, etree._Element | None],
    where: str,
    wrappers: dict[str, Wrapper],
) -> tuple[str | None, str | None]:
    """The elements that the rpc style makes of an operation: its name, and its name with `Response`."""
    made: dict[str, str] = {}
    for kind, suffix in (("input", ""), ("output", "Response")):
        if (said := operation.find(f"{{{WSDL}}}{kind}")) is not None:
            message = _named(definitions, "message", said.get("message", ""), where)
            one = wrapper(operation.get("name", "") + suffix, message, bodies[kind], where)
            if wrappers.setdefault(one.name, one) != one:
                raise ConfigurationError("two operations of this name have other parts", where=f"{where}: {one.local}")
            made[kind] = one.name
    return made.get("input"), made.get("output")


def _style(element: etree._Element | None, usual: str) -> str:
    return element.get("style", usual) if element is not None else usual


def _element(definitions: list[etree._Element], operation: etree._Element, kind: str, where: str) -> str | None:
    said = operation.find(f"{{{WSDL}}}{kind}")
    if said is None:
        return None
    message = _named(definitions, "message", said.get("message", ""), where)
    parts = [one for one in message.iterchildren(f"{{{WSDL}}}part") if one.get("element")]
    if len(parts) != 1:
        raise ConfigurationError("a message is one part with an element", where=f"{where}: {message.get('name')}")
    prefix, _, local = parts[0].get("element", "").rpartition(":")
    return f"{{{parts[0].nsmap.get(prefix or None, '')}}}{local}".replace("{}", "")


def _named(definitions: list[etree._Element], kind: str, name: str, where: str) -> etree._Element:
    for root in definitions:
        for one in root.iterchildren(f"{{{WSDL}}}{kind}"):
            if one.get("name") == _local(name):
                return one
    raise ConfigurationError(f"a {kind} is named and not declared", where=f"{where}: {_local(name)}")


def _local(name: str) -> str:
    return name.rpartition(":")[2]
