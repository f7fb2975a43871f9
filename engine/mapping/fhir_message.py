"""A FHIR resource as a script sees it: values by FHIRPath, exact decimals, FHIR's own types of supply and money.

    message.require("SupplyRequest.status")              message.money("totalNet")
    message.identifier("urn:oid:1.2.3")                  message.quantity("quantity")
    message.code("itemCodeableConcept", "urn:harbor:items")    message.reference_id("supplier")

    for line in message.each("lineItem"): line.money("priceComponent.where(type='base').amount")
    for request in message.entries("SupplyRequest"): ...
    return FhirMessage(message.tree | {"status": "completed"})          # a changed one, for a destination

Places in errors are FHIRPaths from the resource on: `Invoice.lineItem[0].amount`.
Source: https://hl7.org/fhir/R5/datatypes.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from engine.canonical.money import Money, Quantity
from engine.core.errors import DataTypeError, RequiredFieldError, StructureError
from engine.protocols.by_path import ByPath
from engine.protocols.fhir.bundle import referenced
from engine.protocols.fhir.fhirpath import finder
from engine.protocols.fhir.resource import Tree, read_tree, unmarked, write_tree
from engine.protocols.fhir.version import is_type

_UCUM = "http://unitsofmeasure.org"
_EACH = frozenset({"1", "{each}", "[each]", "{item}", "{unit}", "{count}"})  # as UCUM writes a count of things
_PLAIN = re.compile(r"[a-z]\w*(\.[a-z]\w*)*", re.ASCII).fullmatch
_REFERENCE = re.compile(r"(?:.*/)?([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?").fullmatch
UTC = ZoneInfo("UTC")


class FhirElement(ByPath):
    """A resource, or an element of one. `tree` is its JSON as it came, decimals as Decimal."""

    __slots__ = ("place", "root", "tree", "whole", "zone")

    def __init__(
        self, tree: Tree, place: str, whole: Tree, zone: ZoneInfo = UTC, root: Tree | None = None
    ) -> None:  # fmt: skip
        self.tree, self.place, self.whole, self.zone = tree, place, whole, zone
        self.root = tree if root is None else root  # the resource that it stands in

    # -------------------------------------------------------------- values
    def values(self, path: str) -> tuple[Any, ...]:
        """Every value at the path, as it is (text, int, Decimal, bool, dict)."""
        return tuple(finder(path)(self.tree))

    def get(self, path: str) -> str | None:
        """The first single value as text; None when absent."""
        for value in finder(path)(self.tree):
            if value is not None and not isinstance(value, dict):
                return str(value).lower() if isinstance(value, bool) else str(value)
        return None

    def each(self, path: str) -> tuple[FhirElement, ...]:
        """The elements at a path, each to be read like this one."""
        found = [one for one in finder(path)(self.tree) if isinstance(one, dict)]
        return tuple(self._part(one, f"{path}[{n}]" if _PLAIN(path) else path) for n, one in enumerate(found))

    def first(self, path: str) -> FhirElement | None:
        return next(iter(self.each(path)), None)

    def where(self, path: str) -> str:
        """A path of this element as a place in the resource."""
        kind = self.place.partition(".")[0]
        return f"{self.place}.{path.removeprefix(kind + '.')}" if path else self.place

    def require(self, path: str) -> str:
        value = self.get(path)
        if value is None or not value.strip():
            raise RequiredFieldError("a value is required", where=self.where(path))
        return value

    def number(self, path: str) -> Decimal:
        self.require(path)
        return _exact(next(one for one in self.values(path) if not isinstance(one, dict)), self.where(path))

    def date(self, path: str) -> date:
        """The day of a date or dateTime. A month or year alone is no day."""
        try:
            return date.fromisoformat(self.require(path)[:10])
        except ValueError:
            raise DataTypeError("not a day (YYYY-MM-DD)", where=self.where(path)) from None

    def moment(self, path: str) -> datetime:
        """A dateTime with time; without an offset it is of the channel's zone."""
        text = self.require(path)
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            found = None
        if found is None or len(text) <= len("2026-01-01"):
            raise DataTypeError("not a time (YYYY-MM-DDThh:mm:ss)", where=self.where(path))
        return found if found.tzinfo is not None else found.replace(tzinfo=self.zone)

    # -------------------------------------------------------------- types of FHIR
    def quantity(self, path: str, unit: str | None = None) -> Quantity:
        """Raises RequiredFieldError, DataTypeError. UCUM's counts of things are EA; `unit` stands in for none."""
        one = self._single(path)
        amount = _exact(one.tree.get("value"), one.where("value"))
        if one.tree.get("comparator"):
            raise DataTypeError("a quantity with a comparator is not exact", where=one.where("comparator"))
        code = one.tree.get("code")
        if code in _EACH and one.tree.get("system") in (_UCUM, None):
            return Quantity(amount=amount, unit="EA")
        return Quantity(amount=amount, unit=str(code or one.tree.get("unit") or unit or "EA"))

    def money(self, path: str, currency: str | None = None) -> Money:
        """Raises RequiredFieldError, DataTypeError. `currency` stands in where none is said."""
        one = self._single(path)
        stated = one.tree.get("currency") or currency
        if stated is None:
            raise RequiredFieldError("a value is required", where=one.where("currency"))
        if not re.fullmatch("[A-Z]{3}", str(stated)):
            raise DataTypeError("not a currency (ISO 4217)", where=one.where("currency"))
        return Money(amount=_exact(one.tree.get("value"), one.where("value")), currency=str(stated))

    def code(self, path: str, system: str | None = None) -> str | None:
        """The code of a code, Coding, CodeableConcept or CodeableReference; with `system`, only of that system."""
        return next((code for one in self.values(path) for kind, code in _codes(one) if system in (None, kind)), None)

    def require_code(self, path: str, system: str | None = None) -> str:
        code = self.code(path, system)
        if not code:
            raise RequiredFieldError("a code is required", where=self.where(path))
        return code

    def text(self, path: str) -> str | None:
        """Words for people: of a CodeableConcept its text or a display, of a Reference its display."""
        for one in self.values(path):
            concept = one.get("concept", one) if isinstance(one, dict) else one
            if isinstance(concept, str):
                return concept
            shown = [concept.get("text"), concept.get("display"), *(c.get("display") for c in _codings(concept))]
            if found := next((str(text) for text in shown if text), None):
                return found
        return None

    def identifier(self, *systems: str, path: str = "identifier") -> str | None:
        """The value of the first identifier of one of these systems; without systems, of the first one."""
        for one in self.values(path):
            if isinstance(one, dict) and one.get("value") and (not systems or one.get("system") in systems):
                return str(one["value"])
        return None

    def require_identifier(self, *systems: str, path: str = "identifier") -> str:
        value = self.identifier(*systems, path=path)
        if value is None:
            raise RequiredFieldError("an identifier is required", where=self.where(path))
        return value

    def reference_id(self, path: str, type_: str | None = None) -> str | None:
        """The id that a reference names, else the identifier that it carries. `type_`: only of that type."""
        for one in self.values(path):
            reference = _reference(one)
            named = _REFERENCE(str(reference.get("reference", "")))
            if named and type_ in (None, named[1]):
                return named[2]
            identifier = reference.get("identifier")
            if isinstance(identifier, dict) and identifier.get("value") and reference.get("type") in (None, type_):
                return str(identifier["value"])
        return None

    def resolve(self, path: str | None = None) -> FhirElement | None:
        """The resource that a reference names, when it is contained or stands in the same bundle.

        Without a path this element is the reference.
        """
        for one in self.values(path) if path is not None else (self.tree,):
            text = str(_reference(one).get("reference", ""))
            found = _contained(self.root, text) if text.startswith("#") else referenced(self.whole, text)
            if found is not None:
                return FhirElement(found, str(found.get("resourceType", "")), self.whole, self.zone)
        return None

    def _single(self, path: str) -> FhirElement:
        one = self.first(path)
        if one is None:
            raise RequiredFieldError("a value is required", where=self.where(path))
        return self._part(one.tree, path)

    def _part(self, tree: Tree, path: str) -> FhirElement:
        return FhirElement(tree, self.where(path), self.whole, self.zone, self.root)


class FhirMessage(FhirElement):
    """One resource in JSON or XML. XML becomes JSON with the same digits.

    `encode` gives the bytes that came, or JSON of the tree when that was changed or made here.
    """

    __slots__ = ("_body",)

    def __init__(self, tree: Tree, body: bytes | None = None, zone: ZoneInfo = UTC) -> None:
        super().__init__(tree, str(tree.get("resourceType")), tree, zone)
        self._body = body

    @classmethod
    def parse(cls, body: bytes, zone: ZoneInfo = UTC) -> FhirMessage:
        """Raises StructureError, CharsetError: names the place, never a value."""
        tree = _read(body)
        if not is_type(str(tree.get("resourceType", ""))):
            raise StructureError("not a FHIR resource", where="resourceType")
        return cls(tree, body, zone)

    @property
    def type(self) -> str:
        return str(self.tree["resourceType"])

    @property
    def id(self) -> str | None:
        return self.get("id")

    @property
    def resource(self) -> Tree:
        """The raw tree."""
        return self.tree

    def entries(self, *types: str) -> tuple[FhirElement, ...]:
        """The resources of a bundle in order, of these types or of all; of another resource, itself."""
        return tuple(one for one in self._all() if not types or one.tree.get("resourceType") in types)

    def _all(self) -> Iterator[FhirElement]:
        if self.type != "Bundle":
            yield self
            return
        for position, entry in enumerate(self.tree.get("entry") or ()):
            resource = entry.get("resource") if isinstance(entry, dict) else None
            if isinstance(resource, dict):
                yield FhirElement(resource, f"Bundle.entry[{position}].resource", self.tree, self.zone)

    def encode(self) -> bytes:
        written = write_tree(self.tree)
        return written if self._body is None or written != write_tree(_read(self._body)) else self._body


def _exact(value: Any, place: str) -> Decimal:
    if value is None:
        raise RequiredFieldError("a value is required", where=place)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise DataTypeError("not a number", where=place)
    return Decimal(value)


def _codings(concept: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    coding = concept.get("coding")
    return [one for one in coding if isinstance(one, dict)] if isinstance(coding, list) else []


def _codes(one: Any) -> Iterator[tuple[str | None, str]]:
    """System and code, in order. The system of a plain code is None."""
    if isinstance(one, str):
        yield None, one
    elif isinstance(one, dict):
        concept = one.get("concept", one)
        for coding in [concept, *_codings(concept)] if isinstance(concept, dict) else []:
            if isinstance(coding.get("code"), str):
                yield coding.get("system"), coding["code"]


def _reference(one: Any) -> Mapping[str, Any]:
    """Of a Reference, or of a CodeableReference, which has one inside."""
    if not isinstance(one, dict):
        return {}
    inner = one.get("reference")
    return inner if isinstance(inner, dict) else one


def _contained(root: Tree, text: str) -> Tree | None:
    return next(
        (one for one in root.get("contained") or () if isinstance(one, dict) and one.get("id") == text[1:]), None
    )


def _read(body: bytes) -> Tree:
    return _from_xml(body) if unmarked(body).lstrip()[:1] == b"<" else read_tree(body)


def _from_xml(body: bytes) -> Tree:
    """By the definitions of R4, and when it does not fit them, of R5."""
    from engine.protocols.fhir.xml_reader import read_xml  # brings lxml, and few bodies are XML

    try:
        return read_xml(body, "R4")
    except StructureError as error:
        try:
            return read_xml(body, "R5")
        except StructureError:
            raise error from None
