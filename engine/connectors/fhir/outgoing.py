"""The request that one delivery becomes. Nothing is changed in a resource but the identifier that tells it apart."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from engine.connectors.fhir.settings import FhirDestinationSettings
from engine.core.errors import DestinationError, MessageError
from engine.protocols.fhir.resource import Tree, read_tree, write_tree
from engine.protocols.fhir.version import is_id, is_type

_SERVERS = {"meta": None, "text": None}  # version, time and narrative are the server's to write
# These name themselves once, or not at all, so a list of identifiers would not fit them.
_ONE_IDENTIFIER = frozenset({"Bundle", "Composition", "QuestionnaireResponse"})


class Outgoing(msgspec.Struct, frozen=True):
    """Method, URL, headers and body of one request; `search` asks whether it is there."""

    method: str
    url: str
    body: bytes
    headers: dict[str, str] = {}
    search: str | None = None


def outgoing(settings: FhirDestinationSettings, body: bytes, key: str) -> Outgoing:
    """Of a resource in JSON, and the delivery's own key.

    Raises:
        DestinationError: the body is no resource that this interaction can send; names the place.
    """
    try:
        tree = read_tree(body)
    except MessageError as error:
        raise DestinationError(f"the body is no FHIR resource: {error.what}", where=error.where) from None
    kind = tree.get("resourceType")
    if not isinstance(kind, str) or not is_type(kind):
        raise DestinationError("the body is no FHIR resource", where="resourceType")
    return _MAKERS[settings.interaction](settings, body, tree, key)


def says_the_same(there: bytes, ours: bytes) -> bool:
    """Whether a resource of the server is the one that we sent; what servers add of their own is not compared."""
    try:
        found, sent = read_tree(there), read_tree(ours)
    except MessageError:
        return False
    return {**found, **_SERVERS} == {**sent, **_SERVERS}


def _create(settings: FhirDestinationSettings, body: bytes, tree: Tree, key: str) -> Outgoing:
    """With our identifier, and If-None-Exist with it where the server must act once."""
    body, query = _identified(settings, body, tree, key)
    url = f"{settings.url}/{tree['resourceType']}"
    headers = {"If-None-Exist": query} if settings.interaction == "conditional_create" else {}
    return Outgoing("POST", url, body, headers, f"{url}?{query}")


def _identified(settings: FhirDestinationSettings, body: bytes, tree: Tree, key: str) -> tuple[bytes, str]:
    """The body with an identifier of our system, and the search for it."""
    system, found = settings.identifier_system, tree.get("identifier")
    several = found if isinstance(found, list) else [found]
    own = next((one for one in several if isinstance(one, dict) and one.get("system") == system), None)
    if own is not None and isinstance(own.get("value"), str):
        return body, _search(system, own["value"])
    identifier = {"system": system, "value": key}
    if tree["resourceType"] in _ONE_IDENTIFIER:
        if found is not None:
            remedy = "set identifier_system to the system of its identifier"
            raise DestinationError("it has an identifier of another system", where="identifier", remedy=remedy)
        return write_tree(tree | {"identifier": identifier}), _search(system, key)
    if found is not None and not isinstance(found, list):
        raise DestinationError("its identifiers are not a list", where=f"{tree['resourceType']}.identifier")
    return write_tree(tree | {"identifier": [*(found or []), identifier]}), _search(system, key)


def _search(system: str, value: str) -> str:
    return urlencode({"identifier": f"{system}|{_escaped(value)}"})


def _escaped(value: str) -> str:
    """As a search's token is written. Source: https://hl7.org/fhir/R5/search.html#escaping."""
    for sign in "\\,|$":
        value = value.replace(sign, f"\\{sign}")
    return value


def _update(settings: FhirDestinationSettings, body: bytes, tree: Tree, key: str) -> Outgoing:
    kind, id_ = tree["resourceType"], tree.get("id")
    if not isinstance(id_, str) or not is_id(id_):
        raise DestinationError("an update needs the resource's id", where=f"{kind}.id")
    headers = {}
    if settings.if_match:
        meta = tree.get("meta")
        version = meta.get("versionId") if isinstance(meta, dict) else None
        if not isinstance(version, str) or not is_id(version):
            raise DestinationError("the version to replace is not named", where=f"{kind}.meta.versionId")
        headers["If-Match"] = f'W/"{version}"'
    return Outgoing("PUT", f"{settings.url}/{kind}/{quote(id_, safe='')}", body, headers)


def _conditional_update(settings: FhirDestinationSettings, body: bytes, tree: Tree, key: str) -> Outgoing:
    """Of the one resource that has this identifier; without one it is made. The server finds its id."""
    body, query = _identified(settings, body, tree, key)
    url = f"{settings.url}/{tree['resourceType']}?{query}"
    return Outgoing("PUT", url, body, {}, url)


def _bundle(settings: FhirDestinationSettings, body: bytes, tree: Tree, key: str) -> Outgoing:
    """Each create is made conditional on our identifier, so that a bundle sent twice acts once."""
    entries = tree.get("entry")
    if tree["resourceType"] != "Bundle" or tree.get("type") not in ("batch", "transaction"):
        raise DestinationError("only a batch or transaction goes here", where="Bundle.type")
    if not isinstance(entries, list) or not entries:
        raise DestinationError("the bundle has no entries", where="Bundle.entry")
    made = [_entry(settings, entry, position, f"{key}.{position}") for position, entry in enumerate(entries)]
    return Outgoing("POST", settings.url, write_tree(tree | {"entry": made}))


def _entry(settings: FhirDestinationSettings, entry: Any, position: int, key: str) -> Any:
    place = f"Bundle.entry[{position}]"
    request = entry.get("request") if isinstance(entry, dict) else None
    if not isinstance(request, dict):
        raise DestinationError("the entry has no request", where=place)
    method = request.get("method")
    if method in ("PUT", "DELETE", "GET", "HEAD") or request.get("ifNoneExist"):
        return entry
    resource = entry.get("resource")
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    if method != "POST" or not isinstance(kind, str) or not is_type(kind):
        raise DestinationError("this entry cannot be sent", where=f"{place}.request.method")
    body, query = _identified(settings, b"", resource, key)
    resource = read_tree(body) if body else resource
    return entry | {"resource": resource, "request": request | {"ifNoneExist": query}}


def _message(settings: FhirDestinationSettings, body: bytes, tree: Tree, key: str) -> Outgoing:
    if tree["resourceType"] != "Bundle" or tree.get("type") != "message":
        raise DestinationError("only a message bundle goes here", where="Bundle.type")
    return Outgoing("POST", f"{settings.url}/$process-message", body)


_MAKERS = {
    "create": _create,
    "conditional_create": _create,
    "update": _update,
    "conditional_update": _conditional_update,
    "bundle": _bundle,
    "process_message": _message,
}
