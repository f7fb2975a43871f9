"""What the server answers: outcomes, bundles of outcomes, and what it is able to do."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
from aiohttp import web
from multidict import CIMultiDict

from engine.connectors.fhir.settings import FhirSourceSettings
from engine.connectors.http.source import Refused
from engine.core.ids import id_text
from engine.ports.connector import Reason, Receipt, Verdict
from engine.protocols.fhir.outcome import Issue, operation_outcome
from engine.protocols.fhir.resource import Tree, write_tree
from engine.protocols.fhir.version import NUMBERS
from engine.protocols.fhir.xml_writer import write_xml

_ISSUE_TYPES = {
    400: "structure", 401: "login", 403: "forbidden", 404: "not-found", 405: "not-supported", 408: "timeout",
    409: "conflict", 412: "conflict", 413: "too-long", 415: "not-supported", 422: "processing",
    500: "exception", 503: "transient",
}  # fmt: skip
_PHRASES = {
    200: "200 OK", 201: "201 Created", 202: "202 Accepted", 400: "400 Bad Request", 405: "405 Method Not Allowed",
    409: "409 Conflict", 412: "412 Precondition Failed", 422: "422 Unprocessable Entity",
}  # fmt: skip
_SMART = {"system": "http://terminology.hl7.org/CodeSystem/restful-security-service", "code": "SMART-on-FHIR"}
Headers = CIMultiDict[str]


class RefusedResource(Refused):
    """Ends a request with an issue of its own."""

    def __init__(self, status: int, issue: Issue, *, drop: bool = False, **headers: str) -> None:
        super().__init__(status, issue.text, drop=drop, **headers)
        self.issue = issue


class Taken(msgspec.Struct, frozen=True):
    """What became of one resource: status, where it may be found, its version, and what there is to say."""

    status: int
    issue: Issue
    location: str = ""
    version: str = ""

    @property
    def ok(self) -> bool:
        return self.status < 300


def taken(
    receipt: Receipt, status: int, reason: Reason | None, base: str, kind: str, id_: str, place: str | None = None
) -> Taken:
    """Of a receipt. The version is our message id, which a sender may name in If-Match."""
    version = id_text(receipt.message_id)
    if status >= 300:
        what = reason or Reason("M001", "refused")
        issue = Issue(_ISSUE_TYPES.get(status, "processing"), what.text, "error", what.code, what.where, what.remedy)
        return Taken(status, msgspec.structs.replace(issue, where=_joined(place, issue.where)))
    known = "known already" if receipt.verdict is Verdict.DUPLICATE else "taken in"
    issue = Issue("informational", f"{known} as message {version}", "information", where=place)
    return Taken(status, issue, f"{base.rstrip('/')}/{kind}/{id_ or version}/_history/{version}", version)


def known_as(location: str, version: str) -> Taken:
    """Of a conditional create whose resource is here already: nothing was changed."""
    issue = Issue("informational", f"known already as message {version}", "information")
    return Taken(200, issue, f"{location}/_history/{version}", version)


def each_within(one: Taken, within: tuple[tuple[str, str], ...], base: str) -> list[Taken]:
    """For each entry of a bundle that is one message: taken in with it."""
    named = [(kind, id_ or f"{one.version}-{position}") for position, (kind, id_) in enumerate(within)]
    places = [f"{base.rstrip('/')}/{kind}/{id_}/_history/{one.version}" for kind, id_ in named]
    return [msgspec.structs.replace(one, location=place) for place in places]


def _joined(place: str | None, where: str | None) -> str | None:
    return f"{place}: {where}" if place and where else place or where


def refused_issue(refused: Refused) -> Issue:
    if isinstance(refused, RefusedResource):
        return refused.issue
    return Issue(_ISSUE_TYPES.get(refused.status, "processing"), refused.text)


def single(one: Taken, wants_xml: bool, minimal: bool) -> web.Response:
    headers = Headers()
    if one.location:
        headers["Location"], headers["ETag"] = one.location, f'W/"{one.version}"'
    if minimal and one.ok:
        return web.Response(status=one.status, headers=headers)
    return written(one.status, operation_outcome([one.issue]), wants_xml, headers)


def of_bundle(kind: str, taken: list[Taken]) -> Tree:
    """`batch-response` or `transaction-response`, in the order of the request's entries."""
    return {"resourceType": "Bundle", "type": f"{kind}-response", "entry": [_entry(one) for one in taken]}


def _entry(one: Taken) -> Tree:
    response: Tree = {"status": _PHRASES.get(one.status, str(one.status))}
    if one.location:
        response |= {"location": one.location, "etag": f'W/"{one.version}"'}
    return {"response": response | {"outcome": operation_outcome([one.issue])}}


def of_message(own: str, now: datetime, header: Tree, settings: FhirSourceSettings) -> Tree:
    """The response to `$process-message`: a message whose header names the request's. Source: messageheader.html."""
    asked: Any = header.get("id", "")
    event = {key: value for key, value in header.items() if key.startswith("event")}
    identifier: Any = {"value": asked} if settings.version == "R5" else asked
    endpoint = {"endpointUrl" if settings.version == "R5" else "endpoint": "urn:isthmus"}
    answer = {"resourceType": "MessageHeader", "id": own} | event | {"source": {"name": "Isthmus"} | endpoint}
    answer["response"] = {"identifier": identifier, "code": "ok"}
    bundle = {"resourceType": "Bundle", "id": own, "type": "message"}
    return bundle | {"timestamp": now.isoformat(), "entry": [{"resource": answer}]}


def capabilities(settings: FhirSourceSettings, now: datetime, index: Iterable[str] = ()) -> Tree:
    """What this server takes in. Source: https://hl7.org/fhir/R5/capabilitystatement.html."""
    codes = [code for code, method in (("create", "POST"), ("update", "PUT")) if method in settings.methods]
    codes += ["read", "vread", "search-type"] if settings.search else []
    versioning = "versioned-update" if settings.search else "versioned"
    resource: Tree = {"interaction": [{"code": code} for code in codes], "versioning": versioning}
    resource |= {"updateCreate": True} | ({"searchParam": _parameters(index)} if settings.search else {})
    served = "and answers reads and searches of them" if settings.search else "reads and searches are not served"
    rest: Tree = {"mode": "server", "documentation": f"Takes resources in; {served}."}
    if settings.smart is not None:
        rest["security"] = {"service": [{"coding": [_SMART]}]}
    if settings.resources:
        rest["resource"] = [{"type": kind} | resource | {"conditionalCreate": True} for kind in settings.resources]
    if "POST" in settings.methods:
        rest["interaction"] = [{"code": "transaction"}, {"code": "batch"}]
        definition = "http://hl7.org/fhir/OperationDefinition/MessageHeader-process-message"
        rest["operation"] = [{"name": "process-message", "definition": definition}]
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": now.isoformat(timespec="seconds"),
        "kind": "instance",
        "software": {"name": "Isthmus"},
        "implementation": {"description": "An interface engine"},
        "fhirVersion": NUMBERS[settings.version],
        "format": _formats(settings),
        "rest": [rest],
    }


def _parameters(index: Iterable[str]) -> list[Tree]:
    known = {"_id": "token", "_lastUpdated": "date"} | dict.fromkeys(index, "token")
    return [{"name": name, "type": kind} for name, kind in sorted(known.items())]


def _formats(settings: FhirSourceSettings) -> list[str]:
    return [kind for kind in ("json", "xml") if any(kind in taken for taken in settings.content_types)] or ["json"]


def written(status: int, tree: Tree, wants_xml: bool, headers: Headers | None = None) -> web.Response:
    kind, body = "json", write_tree(tree)
    if wants_xml:
        with contextlib.suppress(ValueError):  # a character of the sender's that XML cannot hold
            kind, body = "xml", write_xml(tree)
    return web.Response(
        body=body, status=status, headers=headers, content_type=f"application/fhir+{kind}", charset="utf-8"
    )
