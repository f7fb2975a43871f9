"""Source `soap`: a service that takes each call in as a message, and answers when it is durable.

    source:
      type: soap
      format: xml
      listen: 127.0.0.1:8092
      path: /orders
      wsdl: wsdl/orders.wsdl
      username_token:
        users: {clinic: env:CLINIC_SOAP_PASSWORD}

Served: POST of SOAP 1.1 and 1.2, as far as the WSDL has a binding · GET ?wsdl with our address in it, and the
documents it imports. The body's element is the message, the operation its type; WSDL of document/literal or
rpc/literal: there the body's element is named as the operation, and its parts have no namespace. A call is answered
with the operation's response element, or 202 and nothing when it has none.

Faults say what and where, without values: Client/Sender for what the caller must change, Server/Receiver for what
may be tried again (HTTP 500, or 503 with Retry-After). What is refused after the caller proved who it is, is kept.
What a repeat is told by: `natural_id`, else wsa:MessageID; a call without either is never taken for a repeat.
Nonces are remembered in memory for twice `skew`; after a restart only the natural id tells a replayed call.
With `most_attachments`, a call may come as MTOM or SwA (multipart/related): its files are kept with the message, and
where the payload means one it says `cid:` and the file's name. The name comes from the content, so a repeat is one;
files that nothing in the payload names are kept, and not compared.
Not here: signatures, encryption.
"""

from __future__ import annotations

import asyncio
import re
from typing import NamedTuple

from aiohttp import web

from engine.connectors.http.source import HttpSource, Refused, correlation_id_of, drained, wait_for_journal
from engine.connectors.soap.attachments import kept, linked, opened
from engine.connectors.soap.service import Door, read_service
from engine.connectors.soap.settings import SoapSourceSettings
from engine.core.errors import FieldError, MessageError, StoreError
from engine.core.ids import id_text
from engine.ports.connector import Accept, Attachment, ConnectorContext, Reason, Receipt, Received, Verdict
from engine.protocols.soap.envelope import (
    Envelope,
    HeaderNotUnderstoodError,
    SoapVersionError,
    addressing,
    check_understood,
    payload_bytes,
    read_envelope,
    write_envelope,
)
from engine.protocols.soap.fault import Blame, Fault, write_fault
from engine.protocols.soap.names import MEDIA_TYPES, Version
from engine.protocols.soap.package import PACKAGE, Limits, Package, media_type, parameter
from engine.protocols.soap.security import SecurityTokenError, UsernameToken
from engine.protocols.soap.wsdl import Operation
from engine.protocols.soap.xop import name_parts
from engine.protocols.xml.path import found

_QUICK = 64 * 1024  # bytes that are parsed and checked in about a millisecond; others beside the loop
_LONGEST_ID = 200
_OLDER = frozenset({"iso-8859-1", "iso-8859-2", "iso-8859-15", "windows-1250", "windows-1252"})
_HOST = re.compile(r"[A-Za-z0-9.:\[\]_-]{1,255}").fullmatch
_ACTION = re.compile(r'action="?([^";]*)')


class Call(NamedTuple):
    """One call, read and judged. `refused`: it is kept, and answered with this."""

    envelope: Envelope
    token: UsernameToken | None
    operation: Operation | None = None
    body: bytes = b""
    natural_id: str | None = None
    refused: MessageError | None = None
    attachments: tuple[Attachment, ...] = ()


class FaultRaised(Exception):
    """Ends a call that is not kept."""

    def __init__(self, status: int, fault: Fault, version: Version | None = None, **headers: str) -> None:
        super().__init__(fault.reason)
        self.status, self.fault, self.version = status, fault, version
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class SoapSource(HttpSource):
    """One listener, one service, one channel."""

    def __init__(self, settings: SoapSourceSettings, context: ConnectorContext) -> None:
        super().__init__(settings, context)
        self._soap = settings
        self._service = read_service(settings, context)
        self._door = Door(settings, context)

    # -------------------------------------------------------------- one request
    async def _answer(self, request: web.BaseRequest, accept: Accept) -> web.Response:
        version = _version_of(request)
        try:
            if request.path == self._soap.health_path and request.method in ("GET", "HEAD"):
                return await super()._answer(request, accept)
            if request.path == self._soap.path and request.method == "GET" and self._soap.serve_wsdl:
                return self._described(request)
            self._check_head(request)
            return await self._called(request, accept, version)
        except Refused as refused:
            return await _refuse(request, refused, version)
        except FaultRaised as raised:
            return _faulted(raised.status, raised.version or version, raised.fault, raised.headers)
        except StoreError:
            fault = Fault("server", "not stored, try again")
            return _faulted(503, version, fault, {"Retry-After": "5"})
        except Exception as error:  # one request is isolated from the others
            self._context.emit("source_failed", self._context.channel, {"error": type(error).__name__})
            return _faulted(500, version, Fault("server", "not stored because of a mistake of ours"))

    def _described(self, request: web.BaseRequest) -> web.Response:
        text = next((value for name, value in request.query.items() if name.lower() == "doc"), "0")
        asked = {name.lower() for name in request.query}
        if not asked & {"wsdl", "doc"} or not (text.isascii() and text.isdigit() and len(text) < 5):
            raise Refused(405, "POST calls here; the WSDL is at ?wsdl", Allow="POST")
        served = self._service.wsdl.served(int(text), self._address(request))
        if served is None:
            raise Refused(404, "no such document")
        return web.Response(body=served, content_type="text/xml", charset="utf-8")

    def _address(self, request: web.BaseRequest) -> str:
        if self._soap.public_url:
            return self._soap.public_url
        host = request.headers.get("Host", "")
        scheme = "https" if self._soap.tls else "http"
        return f"{scheme}://{host if _HOST(host) else self._soap.listen}{self._soap.path}"

    async def _called(self, request: web.BaseRequest, accept: Accept, version: Version) -> web.Response:
        await wait_for_journal(accept)
        body = await self._body(request)
        how = (body, _action_of(request), request.headers.get("Content-Type", ""))
        call = self._read(*how) if len(body) <= _QUICK else await asyncio.to_thread(self._read, *how)
        correlation_id = correlation_id_of(request)
        try:
            receipt = await accept(self._received(call, request, correlation_id))
        except BaseException:
            self._door.forget(call.token)
            raise
        return await self._told(call, receipt, correlation_id)

    def _is_wanted(self, content_type: str, stated: bool) -> bool:
        if content_type == PACKAGE:
            return self._soap.most_attachments > 0
        return super()._is_wanted(content_type, stated)

    # -------------------------------------------------------------- reading
    def _read(self, body: bytes, action: str | None, content_type: str = "") -> Call:
        """Raises FaultRaised: no envelope, or from nobody known; such is not kept."""
        try:
            package = opened(content_type, body, Limits(self._soap.most_attachments, self._soap.max_attachment))
            envelope = read_envelope(_as_stated(package.envelope, content_type))
        except SoapVersionError as error:
            raise FaultRaised(500, Fault("version", error.what, error.code, error.where), "1.1") from None
        except MessageError as error:
            raise FaultRaised(400, _fault("client", error)) from None
        self._check_caller(envelope)
        try:
            token = self._door.admit(envelope)
        except SecurityTokenError as error:
            fault = _fault("client", error)._replace(security=error.fault)
            raise FaultRaised(_status_of("client", envelope.version), fault, envelope.version) from None
        except MessageError as error:
            raise FaultRaised(
                _status_of("client", envelope.version), _fault("client", error), envelope.version
            ) from None
        return self._judged(envelope, token, action, package)

    def _check_caller(self, envelope: Envelope) -> None:
        if envelope.version not in self._service.wsdl.versions:
            spoken = " and ".join(sorted(self._service.wsdl.versions))
            raise FaultRaised(500, Fault("version", f"this service speaks SOAP {spoken}"), envelope.version)
        try:
            check_understood(envelope)
        except HeaderNotUnderstoodError as error:
            raise FaultRaised(500, _fault("must_understand", error), envelope.version) from None

    def _judged(self, envelope: Envelope, token: UsernameToken | None, action: str | None, package: Package) -> Call:
        call, meant = Call(envelope, token, attachments=kept(package.parts)), []
        try:
            meant = linked(envelope, package)
            operation = self._service.operation(envelope, action, self._soap.validate_schema)
            call = call._replace(operation=operation, natural_id=self._natural_id(envelope))
        except (MessageError, FieldError) as error:
            refused = error if isinstance(error, MessageError) else MessageError(error.what, where=error.where)
            call = call._replace(refused=refused)
        name_parts(meant)
        return call._replace(body=payload_bytes(envelope.payload) if envelope.payload is not None else package.envelope)

    def _natural_id(self, envelope: Envelope) -> str | None:
        given = envelope.message_id()
        if self._soap.natural_id is not None and envelope.payload is not None:
            node = next(found(envelope.payload, self._soap.natural_id, {}), None)
            given = node if isinstance(node, str) or node is None else "".join(map(str, node.itertext()))
            if not (given or "").strip():
                raise FieldError("the sender's own id is not there", where=self._soap.natural_id)
        given = (given or "").strip()
        if len(given) > _LONGEST_ID or not given.isprintable():
            raise FieldError(f"an id of 1 to {_LONGEST_ID} printable characters", where="natural id")
        return given or None

    def _received(self, call: Call, request: web.BaseRequest, correlation_id: str | None) -> Received:
        attributes = {"peer": request.remote or "", "soap_version": call.envelope.version}
        if call.operation is not None:
            attributes |= {"operation": call.operation.name, "soap_action": call.operation.action}
        if call.token is not None:
            attributes["user"] = call.token.user
        if call.attachments:
            attributes["attachments"] = str(len(call.attachments))
        refused = call.refused
        return Received(
            call.body,
            natural_id=call.natural_id,
            message_type=call.operation.name if call.operation else None,
            attributes=attributes,
            refusal=Reason(refused.code, refused.what, refused.where, refused.remedy) if refused else None,
            correlation_id=correlation_id,
            attachments=call.attachments,
        )

    # -------------------------------------------------------------- answers
    async def _told(self, call: Call, receipt: Receipt, correlation_id: str | None) -> web.Response:  # type: ignore[override]
        version, headers = call.envelope.version, _relates_to(call.envelope)
        reason = receipt.reason
        if call.operation is None or receipt.verdict in (Verdict.CONFLICT, Verdict.REFUSED) or reason is not None:
            text, code, where = (reason.text, reason.code, reason.where) if reason else ("refused", None, None)
            fault = Fault("client", text, code, where)
            return _faulted(_status_of("client", version), version, fault, blocks=headers)
        if (undelivered := await self._undelivered(receipt)) is not None:
            return _faulted(500, version, undelivered, blocks=headers)
        known = correlation_id or id_text(receipt.message_id)
        payload = self._service.answer(call.operation, receipt, known)
        if payload is None:
            return web.Response(status=202)
        return _written(200, version, write_envelope(version, payload, headers))

    async def _undelivered(self, receipt: Receipt) -> Fault | None:
        """After delivery: what is safe, and not where it should be. A repeat asks again."""
        if receipt.settled is None:
            return None
        try:
            async with asyncio.timeout(self._soap.answer_within.total_seconds()):
                settled = await asyncio.shield(asyncio.ensure_future(receipt.settled))
        except TimeoutError:
            return Fault("server", "taken in, and not delivered in time; send it again to ask")
        if settled.delivered:
            return None
        return Fault("server", "taken in, and not delivered", settled.reason.code if settled.reason else None)


def _fault(blame: Blame, error: MessageError) -> Fault:
    return Fault(blame, error.what, error.code, error.where)


def _status_of(blame: Blame, version: Version) -> int:
    """SOAP 1.2 has 400 for the sender's faults; SOAP 1.1 has 500 for all."""
    return 400 if blame == "client" and version == "1.2" else 500


def _version_of(request: web.BaseRequest) -> Version:
    """Of a package what its envelope is said to be."""
    whole = request.headers.get("Content-Type", "")
    said = (request.content_type, media_type(parameter(whole, "type")), media_type(parameter(whole, "start-info")))
    return "1.2" if MEDIA_TYPES["1.2"] in said else "1.1"


def _action_of(request: web.BaseRequest) -> str | None:
    if _version_of(request) == "1.2":
        whole = request.headers.get("Content-Type", "")
        if request.content_type == PACKAGE:
            return parameter(whole, "action") or parameter(parameter(whole, "start-info"), "action") or None
        stated = _ACTION.search(whole)
        return stated[1] if stated else None
    return request.headers.get("SOAPAction", "").strip().strip('"') or None


def _as_stated(body: bytes, content_type: str) -> bytes:
    """In UTF-8, when the header alone says that it is of an older character set (RFC 7303 § 3)."""
    stated = parameter(content_type, "charset").lower()
    if stated not in _OLDER or b"encoding" in body[:100] or media_type(content_type) == PACKAGE:
        return body
    try:
        return body.decode(stated).encode()
    except UnicodeDecodeError:
        return body  # what it is instead, the parser tells


def _relates_to(envelope: Envelope) -> tuple[str, ...]:
    message_id = envelope.message_id()
    return (addressing(RelatesTo=message_id),) if message_id else ()


def _faulted(
    status: int, version: Version, fault: Fault, headers: dict[str, str] | None = None, blocks: tuple[str, ...] = ()
) -> web.Response:
    return _written(status, version, write_fault(version, fault, blocks), headers)


def _written(status: int, version: Version, body: bytes, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(body=body, status=status, headers=headers, content_type=MEDIA_TYPES[version], charset="utf-8")


async def _refuse(request: web.BaseRequest, refused: Refused, version: Version) -> web.Response:
    """What HTTP itself refuses: its own status, and a fault as body."""
    blame: Blame = "server" if refused.status >= 500 else "client"
    headers = dict(refused.headers)
    close = refused.drop and not await drained(request)
    if close:
        headers["Connection"] = "close"
    response = _faulted(refused.status, version, Fault(blame, refused.text), headers)
    if close:
        response.force_close()
    return response
