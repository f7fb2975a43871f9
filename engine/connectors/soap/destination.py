"""Destination `soap`: one call of an operation for each delivery.

    destinations:
      - name: supplier
        type: soap
        send: PurchaseOrder
        url: https://soap.alderbrook.example/orders
        wsdl: wsdl/alderbrook.wsdl
        operation: SubmitOrder
        parameters: {Number: order_number, Currency: currency}
        username_token: {user: harbor, password: env:ALDERBROOK_SOAP}

The call is written by zeep from a vetted copy of the WSDL, or from a `template` (many times quicker, for calls that
are known), or the message is the body's element as it is. It goes over the `http` destination's own connections, with
its TLS, limits and guard; the WSDL's own address is not used.

What an answer means: a response is delivered · a Client/Sender fault is refused · a Server/Receiver fault may have
acted: unknown, but for the codes under `not_taken` · without a fault, the HTTP status as for `http`. A repeat is told
by wsa:MessageID where the far side says so (`idempotent`); else an unknown outcome waits for a person.
Binary parameters (`attachments`) go as base64 in their element, or beside the envelope (`attachments_as: mtom | swa`).
An answer with parts is kept as its envelope, with what it includes (XOP) in it as base64; its other parts are kept
with the message, under this destination's name.
"""

from __future__ import annotations

import asyncio
import os
import uuid
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import partial
from json import JSONDecodeError, loads
from typing import TYPE_CHECKING, Any, cast

import aiohttp

from engine.channel.site_files import site_file
from engine.connectors.http.destination import HttpDestination
from engine.connectors.soap.attachments import Parcel, plain_answer
from engine.connectors.soap.parameters import Written, parameters_of
from engine.connectors.soap.settings import SoapDestinationSettings
from engine.core.errors import ConfigurationError, DestinationError, IsthmusError, MessageError, TransportError
from engine.ports.connector import Attachment, ConnectorContext, Delivered, Health, Outbound, Semantics
from engine.ports.journal import ATTACHMENTS, ReadAttachments
from engine.protocols.soap.envelope import Envelope, addressing, payload_bytes, read_envelope, write_envelope
from engine.protocols.soap.fault import read_fault
from engine.protocols.soap.names import MEDIA_TYPES
from engine.protocols.soap.package import PACKAGE, write_package
from engine.protocols.soap.security import write_token
from engine.protocols.soap.template import Template, compile_template
from engine.protocols.xml.path import found
from engine.protocols.xml.tree import parse_tree

if TYPE_CHECKING:
    from engine.connectors.soap.zeep_client import Calls

_NAMES_A_FILE = b'"cid:'
_WRITERS = 2  # threads: writing a call is the processor's work
_OURS = uuid.UUID("6f1d6f0e-2c54-5d6c-9f3b-0d9a2f4b7c11")


class SoapDestination(HttpDestination):
    """Calls one operation over kept-alive connections."""

    def __init__(self, settings: SoapDestinationSettings, context: ConnectorContext) -> None:
        super().__init__(settings, context)
        self._soap = settings
        self._password = self._resolved_password()
        self._template = self._compiled()
        self._calls: Calls | None = None
        self._threads: ThreadPoolExecutor | None = None

    @property
    def semantics(self) -> Semantics:
        return Semantics.IDEMPOTENT if self._soap.idempotent else Semantics.NEITHER

    async def send(self, outbound: Outbound) -> Delivered:
        parcel = Parcel(self._soap.attachments_as, await self._files(outbound))
        written = await self._written(outbound, parcel)
        blocks = (*written.headers, *self._blocks(written, outbound.idempotency_key))
        envelope = write_envelope(written.version, written.payload, blocks)
        media, body = self._packed(written, envelope, parcel)
        headers = media | {
            "Idempotency-Key": outbound.idempotency_key,
            "X-Correlation-Id": outbound.correlation_id,
        }
        async with self._asked("POST", self._soap.url, headers, body) as response:
            delivered = _plain(response, await self._delivered(response))
            return self._judged(response, delivered)

    async def check(self) -> Health:
        """The WSDL can be read, the template too, and the far side takes connections."""
        try:
            if self._soap.wsdl and self._template is None:
                await self._in_thread(self._opened().prepare)
        except IsthmusError as error:
            return Health(False, f"{error.where or 'wsdl'}: {error.what}")
        return await super().check()

    async def close(self) -> None:
        await super().close()
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads, self._calls = None, None

    # -------------------------------------------------------------- writing
    async def _files(self, outbound: Outbound) -> dict[str, Attachment]:
        """Those kept beside the message, as far as they may be sent."""
        read = cast("ReadAttachments | None", self._context.services.get(ATTACHMENTS))
        named = bool(self._soap.attachments) and _NAMES_A_FILE in outbound.body
        if read is None or not (named or self._soap.with_attachments):
            return {}
        return {one.name: one for one in await read(outbound.message_id) if not one.is_of_an_answer}

    def _packed(self, written: Written, envelope: bytes, parcel: Parcel) -> tuple[dict[str, str], bytes]:
        """Headers and body of the request."""
        if self._soap.with_attachments:
            parcel.add_files()
        headers, way = _http_headers(written), self._soap.attachments_as
        if way == "inline" or not parcel.parts:
            return headers, envelope
        content_type, body = write_package(way, written.version, written.action, envelope, parcel.parts)
        return headers | {"Content-Type": content_type}, body

    async def _written(self, outbound: Outbound, parcel: Parcel) -> Written:
        version, action = self._soap.soap_version, self._soap.action or ""
        if self._template is not None:
            payload = self._template.fill(_document(outbound.body))
            return Written(payload, (), version, action)
        if self._soap.operation is None:
            return Written(_element(outbound.body), (), version, action)
        binary = frozenset(self._soap.attachments)
        parameters = parameters_of(_document(outbound.body), self._soap.parameters, binary, parcel.take)
        written: Written = await self._in_thread(partial(self._opened().write, parameters))
        return written._replace(payload=parcel.with_includes(written.payload))

    async def _in_thread(self, work: Any) -> Any:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(_WRITERS, thread_name_prefix="soap")
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _opened(self) -> Calls:
        if self._calls is None:
            from engine.connectors.soap.zeep_client import Calls

            wsdl, operation = self._soap.wsdl or "", self._soap.operation or ""
            named = (self._soap.service, self._soap.port)
            self._calls = Calls(self._context.root, wsdl, operation, *named, validate=self._soap.validate_schema)
        return self._calls

    def _blocks(self, written: Written, key: str) -> list[str]:
        blocks = []
        if self._soap.addressing:
            facts = {"MessageID": f"urn:uuid:{uuid.uuid5(_OURS, key)}", "To": self._soap.url}
            blocks.append(addressing(**facts | ({"Action": written.action} if written.action else {})))
        if self._soap.username_token is not None:
            sent, now = self._soap.username_token, self._context.clock.now()
            nonce = os.urandom(16)
            blocks.append(write_token(written.version, sent.user, self._password, nonce, now, digest=sent.digest))
        return blocks

    def _resolved_password(self) -> str:
        sent = self._soap.username_token
        if sent is None:
            return ""
        password = self._context.secrets.resolve(sent.password).strip()
        if not password:
            where = f"{self._context.name}.username_token.password"
            raise ConfigurationError("the password is empty", where=where)
        return password

    def _compiled(self) -> Template | None:
        if self._soap.template is None:
            return None
        text = site_file(self._context.root, self._soap.template, "the template")
        try:
            return compile_template(text, self._soap.template)
        except MessageError as error:
            raise ConfigurationError(f"the template is {error.what}", where=self._soap.template) from None

    # -------------------------------------------------------------- answers
    def _judged(self, response: aiohttp.ClientResponse, delivered: Delivered) -> Delivered:
        """Raises DestinationError or TransportError: as the fault says, or else the status."""
        envelope = _envelope(delivered.response)
        fault = read_fault(envelope) if envelope is not None else None
        if fault is None:
            self._judge(response)
            return Delivered(delivered.response, self._reference(envelope), delivered.attachments)
        where, words = self._context.name, f"the far side answered with a fault ({fault})"
        if set(fault.codes) & set(self._soap.not_taken) or response.status in (429, 503):
            raise TransportError(words, where=where, retry_after=self._retry_after(response))
        if fault.server:
            raise TransportError(words, where=where, sent=True, retry_after=self._retry_after(response))
        raise DestinationError(words, where=where, remedy="its reason is in the far side's log")

    def _reference(self, envelope: Envelope | None) -> str | None:
        path = self._soap.reference_field
        if path is None or envelope is None or envelope.payload is None:
            return None
        node = next(found(envelope.payload, path, {}), None)
        text = node if isinstance(node, str) or node is None else "".join(map(str, node.itertext()))
        return (text or "").strip()[:200] or None


def _plain(response: aiohttp.ClientResponse, delivered: Delivered) -> Delivered:
    """An answer with parts as one without."""
    if not delivered.response or response.content_type != PACKAGE:
        return delivered
    envelope, files = plain_answer(response.headers.get("Content-Type", ""), delivered.response)
    return Delivered(envelope, delivered.reference, files)


def _http_headers(written: Written) -> dict[str, str]:
    media = f"{MEDIA_TYPES[written.version]}; charset=utf-8"
    if written.version == "1.2":
        return {"Content-Type": f'{media}; action="{written.action}"' if written.action else media}
    return {"Content-Type": media, "SOAPAction": f'"{written.action}"'}


def _document(body: bytes) -> Any:
    """Numbers keep their digits."""
    try:
        return loads(body, parse_float=Decimal, parse_constant=_no_number)
    except (JSONDecodeError, UnicodeDecodeError, RecursionError, ValueError):
        remedy = "send a document, or leave template and operation out to send XML as it is"
        raise DestinationError("the body is not JSON", where="the document", remedy=remedy) from None


def _no_number(text: str) -> Any:
    raise ValueError("not a number")


def _element(body: bytes) -> bytes:
    try:
        return payload_bytes(parse_tree(body))
    except MessageError as error:
        raise DestinationError(error.what, where=error.where, remedy=error.remedy) from None


def _envelope(body: bytes | None) -> Envelope | None:
    """None: an answer that is none. The status alone decides then."""
    try:
        return read_envelope(body) if body else None
    except MessageError:
        return None
