"""A resource read from JSON: its head at once, its raw tree with every digit of its decimals.

`10.10` stays `10.10`: precision is significant (https://hl7.org/fhir/R5/datatypes.html#decimal), so no float is
made anywhere.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from engine.core.errors import CharsetError, StructureError
from engine.protocols.by_path import ByPath
from engine.protocols.fhir.path import compile_path
from engine.protocols.fhir.version import is_id, is_type

Tree = dict[str, Any]
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_PLACE = re.compile(r"required field `(\w+)`|`\$\.?([A-Za-z0-9_.\[\]]*)`")


class Meta(msgspec.Struct, frozen=True):
    """The part of `meta` that identifies."""

    versionId: str | None = None
    lastUpdated: str | None = None


class Head(msgspec.Struct, frozen=True):
    """What a resource says of itself: its type, its id and its version, if it has them."""

    resourceType: str
    id: str | None = None
    meta: Meta | None = None

    @property
    def version_id(self) -> str | None:
        return self.meta.versionId if self.meta else None


_HEAD = msgspec.json.Decoder(Head)


def unmarked(body: bytes) -> bytes:
    """Without the byte order mark that some servers write before UTF-8."""
    return body.removeprefix(b"\xef\xbb\xbf")


def read_head(body: bytes) -> Head:
    """The head without building a tree.

    Raises:
        StructureError: not JSON, no resource, or an id that none may have.
    """
    head: Head = decoded(_HEAD, unmarked(body))
    if not is_type(head.resourceType):
        raise StructureError("not the name of a resource type", where="resourceType")
    if head.id is not None and not is_id(head.id):
        raise StructureError("an id has 1 to 64 letters, digits, - and .", where=f"{head.resourceType}.id")
    return head


def decoded(decoder: msgspec.json.Decoder[Any], body: bytes) -> Any:
    """Raises StructureError: names the place, never a value."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        found = _PLACE.search(str(error))
        raise StructureError("absent or not of its type", where=(found[1] or found[2]) if found else None) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise StructureError("not JSON", remedy="check the body with a JSON tool") from None


def read_tree(body: bytes) -> Tree:
    """The whole resource. Numbers with a point or exponent are Decimal.

    Raises:
        CharsetError: not UTF-8, which FHIR always is.
        StructureError: not a JSON object, or nested deeper than Python can follow; names line and column.
    """
    try:
        tree = json.loads(unmarked(body).decode("utf-8"), parse_float=Decimal, parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise CharsetError("not UTF-8", where=f"byte {error.start + 1}", remedy="send FHIR in UTF-8") from None
    except json.JSONDecodeError as error:
        raise StructureError("not JSON", where=f"line {error.lineno}, column {error.colno}") from None
    except (RecursionError, ValueError, InvalidOperation):
        raise StructureError("not JSON", remedy="check the body with a JSON tool") from None
    if not isinstance(tree, dict):
        raise StructureError("a resource is a JSON object")
    if _SURROGATE.search(body):
        _refuse_halves(tree)
    return tree


def _refuse_halves(tree: Tree) -> None:
    r"""JSON can write half a character (`\ud800` alone), which no text can hold."""
    try:
        write_tree(tree)
    except UnicodeEncodeError:
        raise CharsetError("half a character is escaped", remedy="write surrogates in pairs") from None


def write_tree(tree: Tree) -> bytes:
    """JSON with each decimal as it was read, in the tree's own order."""
    return _ENCODER.encode(tree)


class FhirResource(ByPath):
    """A resource for reading by path: `Invoice.totalNet.value`, `identifier.where(system='urn:x').value`."""

    __slots__ = ("_body", "tree")

    def __init__(self, tree: Tree, body: bytes | None = None) -> None:
        self.tree, self._body = tree, body

    @classmethod
    def parse(cls, body: bytes) -> FhirResource:
        return cls(read_tree(body), body)

    @property
    def type(self) -> str:
        return str(self.tree.get("resourceType", ""))

    def all(self, path: str) -> tuple[Any, ...]:
        """Every value at the path, in the document's order."""
        return tuple(compile_path(path)(self.tree))

    def get(self, path: str) -> str | None:
        """The first single value as text; None when absent."""
        for value in compile_path(path)(self.tree):
            if value is None or isinstance(value, dict):
                continue
            return str(value).lower() if isinstance(value, bool) else str(value)
        return None

    def encode(self) -> bytes:
        """As it came, or written from the tree."""
        return write_tree(self.tree) if self._body is None else self._body


def _refuse_constant(name: str) -> None:
    raise ValueError("not JSON")
