"""From a body to the messages that it brings, all of them checked before the first one is taken in."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Literal

import msgspec

from engine.connectors.fhir.answers import Taken
from engine.connectors.fhir.routing import Asked, version_of
from engine.connectors.fhir.settings import FhirSourceSettings
from engine.core.errors import MessageError, StructureError, UnacceptedTypeError
from engine.ports.connector import Reason
from engine.protocols.fhir.bundle import Bundle, Entry, resource_of, split_bundle
from engine.protocols.fhir.outcome import issue_of
from engine.protocols.fhir.resource import Tree, read_head, read_tree, write_tree
from engine.protocols.fhir.xml_reader import read_xml

_QUICK = 128 * 1024  # bytes: about three milliseconds
_LONGEST_ID = 200  # characters of a natural id; longer ones stand there as their digest


class Item(msgspec.Struct, frozen=True):
    """One message to be. `is_new`: an update of what is not there. `fault`: this entry of a batch is refused alone."""

    body: bytes
    type: str
    id: str = ""
    natural_id: str | None = None
    if_match: bool = False
    is_new: bool = False
    place: str | None = None
    attributes: Mapping[str, str] = {}
    fault: Taken | None = None
    refusal: Reason | None = None


class Plan(msgspec.Struct, frozen=True):
    """What one request brings.

    Args:
        header: the MessageHeader of a message.
        within: type and id of each entry, when the bundle is kept as one message.
    """

    kind: Literal["single", "batch", "transaction", "message"]
    items: tuple[Item, ...]
    header: Tree = {}
    within: tuple[tuple[str, str], ...] = ()


class Intake:
    """Reads bodies as one channel's settings ask."""

    def __init__(self, settings: FhirSourceSettings, *, keep_xml: bool) -> None:
        self._settings, self._keep_xml = settings, keep_xml
        self._types = frozenset(settings.resources)

    def takes(self, kind: str) -> bool:
        return not self._types or kind in self._types

    def is_quick(self, size: int) -> bool:
        """Whether a body of this many bytes is read in a moment; others are read beside the loop."""
        return size <= _QUICK and not self._settings.validate_resources

    def plan(
        self, body: bytes, what: Asked, key: str | None, none_exist: str | None, if_match: str | None, is_xml: bool
    ) -> Plan:
        """The messages of one request.

        Raises:
            MessageError: nothing of it can be taken in; names the place.
        """
        tree = read_xml(body, self._settings.version) if is_xml else read_tree(body)
        json = write_tree(tree) if is_xml else body
        if what.interaction in ("create", "update"):
            item = self._single(json, what, key, none_exist, if_match)
            self._validate(tree, "")
            return Plan("single", (msgspec.structs.replace(item, body=body) if self._keep_xml else item,))
        bundle = split_bundle(json, self._settings.max_entries)
        if what.interaction == "message":
            return self._message(bundle, tree, json, key)
        return self._bundle(bundle, tree, json, key)

    # -------------------------------------------------------------- one resource
    def _single(self, body: bytes, what: Asked, key: str | None, none_exist: str | None, if_match: str | None) -> Item:
        head = read_head(body)
        if head.resourceType != what.type:
            raise StructureError("the body is of another type than the URL", where="resourceType")
        if what.interaction == "update" and head.id != what.id:
            raise StructureError("the body has another id than the URL", where=f"{what.type}.id")
        version = _version(if_match)
        natural = key or _natural(what.type, what.id or head.id, version or head.version_id, none_exist)
        if natural is None and what.type == "Bundle":
            natural = _named("Bundle", split_bundle(body).key)
        return Item(body, what.type, what.id, _short(natural), version is not None)

    def _validate(self, tree: Tree, place: str) -> None:
        if self._settings.validate_resources:
            from engine.protocols.fhir.validate import validate  # brings a large library, and few channels ask for it

            validate(tree, self._settings.version, place)

    # -------------------------------------------------------------- bundles
    def _message(self, bundle: Bundle, tree: Tree, json: bytes, key: str | None) -> Plan:
        header = tree["entry"][0].get("resource") if bundle.entries else None
        if bundle.type != "message" or not isinstance(header, dict) or header.get("resourceType") != "MessageHeader":
            raise StructureError("a message bundle begins with its MessageHeader", where="Bundle.entry[0].resource")
        self._validate(tree, "")
        own = header.get("id")
        natural = key or (_named("MessageHeader", own) if isinstance(own, str) else _named("Bundle", bundle.key))
        return Plan("message", (Item(json, "Bundle", "", _short(natural)),), header)

    def _bundle(self, bundle: Bundle, tree: Tree, json: bytes, key: str | None) -> Plan:
        if bundle.type not in ("batch", "transaction"):
            raise StructureError("send a batch or transaction here", where="Bundle.type", remedy="or POST to /Bundle")
        if not bundle.entries:
            raise StructureError("the bundle has no entries", where="Bundle.entry")
        called = key or _named("Bundle", bundle.key)
        if bundle.type == "transaction":
            called = called or _named("Bundle", hashlib.blake2b(json, digest_size=16).hexdigest())
            items = [self._entry(entry, tree, called) for entry in bundle.entries]
            _check_apart(items)
            if self._settings.transactions == "whole":
                within = tuple((item.type, item.id) for item in items)
                return Plan("transaction", (Item(json, "Bundle", "", _short(called)),), within=within)
            return Plan("transaction", tuple(items))
        return Plan("batch", tuple(self._or_fault(entry, tree, called) for entry in bundle.entries))

    def _or_fault(self, entry: Entry, tree: Tree, called: str | None) -> Item:
        try:
            return self._entry(entry, tree, called)
        except MessageError as error:
            fault = Taken(_fault_status(error), issue_of(error))
            return Item(entry.body, "", fault=fault, refusal=refusal_of(error))

    def _entry(self, entry: Entry, tree: Tree, called: str | None) -> Item:
        if entry.method not in ("POST", "PUT") or entry.method not in self._settings.methods:
            raise StructureError("this interaction is not served", where=f"{entry.place}.request.method")
        (kind, id_), found = entry.target, resource_of(entry)
        head = read_head(entry.body)
        if found != kind:
            raise StructureError("another type than the request's URL", where=f"{entry.place}.resource.resourceType")
        if (id_ is not None) != (entry.method == "PUT") or (id_ is not None and id_ != head.id):
            raise StructureError("the id does not fit the request", where=f"{entry.place}.request.url")
        if not self.takes(kind):
            raise UnacceptedTypeError("this resource type is not taken", where=f"{entry.place}.resource")
        self._validate(tree["entry"][entry.position]["resource"], f"{entry.place}.resource")
        version = _version(entry.if_match, f"{entry.place}.request.ifMatch")
        natural = _natural(kind, id_ or head.id, version or head.version_id, entry.if_none_exist)
        natural = natural or (f"{called}#{entry.position}" if called else None)
        facts = {"bundle": _short(called), "entry": str(entry.position), "full_url": _short(entry.full_url)}
        return Item(
            entry.body, kind, id_ or "", _short(natural), version is not None, place=entry.place,
            attributes=_known(facts),
        )  # fmt: skip


def _check_apart(items: list[Item]) -> None:
    """Raises StructureError: two entries of a transaction update one resource. Source: http.html#trules."""
    seen: set[tuple[str, str]] = set()
    for item in items:
        if item.id and (item.type, item.id) in seen:
            raise StructureError("another entry is about the same resource", where=f"{item.place}.request.url")
        seen.add((item.type, item.id))


def refusal_of(error: MessageError) -> Reason:
    return Reason(error.code, error.what, error.where, error.remedy)


def _fault_status(error: MessageError) -> int:
    return 422 if isinstance(error, UnacceptedTypeError) else 400


def _version(if_match: str | None, where: str = "If-Match") -> str | None:
    if if_match is None:
        return None
    version = version_of(if_match)
    if version is None:
        raise StructureError('write a version as W/"3"', where=where)
    return version


def _natural(kind: str, id_: str | None, version: str | None, none_exist: str | None) -> str | None:
    if none_exist:
        return f"{kind}?{none_exist.lstrip('?')}"
    return f"{kind}/{id_}/{version}" if id_ and version else None


def _named(kind: str, name: str | None) -> str | None:
    return f"{kind}/{name}" if name else None


def _known(facts: dict[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in facts.items() if value}


def _short(natural: str | None) -> str | None:
    """As it can be stored and searched for: a long text, or one with control characters, as its digest."""
    if natural is None or (len(natural) <= _LONGEST_ID and natural.isprintable()):
        return natural
    return hashlib.blake2b(natural.encode("utf-8", "surrogatepass"), digest_size=20).hexdigest()
