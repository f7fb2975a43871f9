"""A bundle split into its entries, each resource verbatim as it stands in the bundle.

Source: https://hl7.org/fhir/R5/bundle.html, https://hl7.org/fhir/R5/http.html#transaction.
"""

from __future__ import annotations

from typing import Any

import msgspec

from engine.core.errors import SizeLimitError, StructureError
from engine.protocols.fhir.resource import Tree, decoded, read_head, unmarked
from engine.protocols.fhir.version import is_id, is_type

_NOTHING = msgspec.Raw(b"")


class _Request(msgspec.Struct, frozen=True):
    method: str
    url: str
    ifMatch: str | None = None
    ifNoneExist: str | None = None


class _Search(msgspec.Struct, frozen=True):
    mode: str = "match"


class _Link(msgspec.Struct, frozen=True):
    relation: str = ""
    url: str = ""


class _Entry(msgspec.Struct, frozen=True):
    fullUrl: str | None = None
    resource: msgspec.Raw = _NOTHING
    request: _Request | None = None
    search: _Search = _Search()


class _Identifier(msgspec.Struct, frozen=True):
    system: str = ""
    value: str | None = None


class _Bundle(msgspec.Struct, frozen=True):
    resourceType: str
    type: str
    id: str | None = None
    identifier: _Identifier | None = None
    entry: list[_Entry] = []
    link: list[_Link] = []


_BUNDLE = msgspec.json.Decoder(_Bundle)


class Entry(msgspec.Struct, frozen=True):
    """One entry: `body` is its resource, verbatim; `method`, `url` and conditions as its request asks."""

    position: int
    body: bytes
    full_url: str | None = None
    method: str = ""
    url: str = ""
    if_match: str | None = None
    if_none_exist: str | None = None
    mode: str = "match"  # in a search's answer: match, include or outcome

    @property
    def place(self) -> str:
        return f"Bundle.entry[{self.position}]"

    @property
    def target(self) -> tuple[str, str | None]:
        """Type and id of the request's URL.

        Raises:
            StructureError: the URL is neither `Type` nor `Type/id`.
        """
        kind, slash, id_ = self.url.partition("/")
        if not is_type(kind) or (slash and not is_id(id_)):
            raise StructureError("write Type or Type/id", where=f"{self.place}.request.url")
        return kind, id_ or None


class Bundle(msgspec.Struct, frozen=True):
    """`key` is what its sender calls it: its identifier, else its id."""

    type: str
    key: str | None
    entries: tuple[Entry, ...]
    next: str | None = None  # where a search's answer goes on


def split_bundle(body: bytes, most: int = 10_000) -> Bundle:
    """The entries of a bundle in JSON.

    Raises:
        StructureError: no bundle; names the place.
        SizeLimitError: more than `most` entries.
    """
    found: _Bundle = decoded(_BUNDLE, unmarked(body))
    if found.resourceType != "Bundle":
        raise StructureError("not a Bundle", where="resourceType")
    if len(found.entry) > most:
        raise SizeLimitError(f"more than {most} entries", where="Bundle.entry", remedy="send several bundles")
    on = next((one.url for one in found.link if one.relation == "next" and one.url), None)
    return Bundle(found.type, _key(found), tuple(_entry(at, one) for at, one in enumerate(found.entry)), on)


def _key(found: _Bundle) -> str | None:
    if found.identifier is not None and found.identifier.value:
        return f"{found.identifier.system}|{found.identifier.value}"
    return found.id


def _entry(position: int, one: _Entry) -> Entry:
    body = bytes(one.resource)
    if one.request is None:
        return Entry(position, body, one.fullUrl, mode=one.search.mode)
    asked = one.request
    return Entry(position, body, one.fullUrl, asked.method, asked.url, asked.ifMatch, asked.ifNoneExist)


def resource_of(entry: Entry) -> str:
    """The type of an entry's resource.

    Raises:
        StructureError: it has none, or not a resource.
    """
    if not entry.body or entry.body == b"null":
        raise StructureError("the entry has no resource", where=f"{entry.place}.resource")
    try:
        return read_head(entry.body).resourceType
    except StructureError as error:
        raise StructureError(error.what, where=f"{entry.place}.resource") from None


def referenced(bundle: Tree, reference: str) -> Tree | None:
    """The resource of the bundle that a reference names: by fullUrl (`urn:uuid:…` or absolute), or by `Type/id`.

    None: it is not in this bundle.
    """
    for entry in bundle.get("entry", ()):
        resource: Any = entry.get("resource")
        if not isinstance(resource, dict):
            continue
        full_url = str(entry.get("fullUrl", ""))
        if full_url == reference or f"{resource.get('resourceType')}/{resource.get('id')}" == reference:
            return resource
    return None
