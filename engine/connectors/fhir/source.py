"""Source `fhir`: a REST server that takes resources in and answers when they are durable.

    source:
      type: fhir
      listen: 127.0.0.1:8090
      version: R5
      token: env:FHIR_TOKEN
      resources: [SupplyRequest, SupplyDelivery]

Served: POST Type (create, conditional with If-None-Exist) · PUT Type/id (update, with If-Match) · POST / (batch,
transaction) · POST $process-message · GET metadata · with `search: true` GET Type/id, Type/id/_history/version and
Type?…, POST Type/_search · with `smart:` .well-known/smart-configuration. Answers: 201 taken in · 200 known already
or updated · 202 taken in, not delivered in time · 409 same key, another body · 412 the version was updated by another
body · 422 refused by the channel · 400 not readable · 403 not in the token's scopes · 401, 404, 405, 408, 413, 415,
503 as HTTP. Each says why in an OperationOutcome.

What a repeat is told by: Idempotency-Key; else If-None-Exist; else type, id and version (If-Match or
meta.versionId); else what a bundle calls itself. A resource with none of these is never taken for a repeat.
With `search: true` the server knows what it has, and conditions are held against that: If-Match must name the newest
version (else 412), an update of what is not there answers 201, and a create whose If-None-Exist is searchable here
answers 200 with the one resource that matches, or 412 when several do.
XML becomes JSON with the same digits, unless the channel's format is bytes.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from engine.connectors.fhir import answers
from engine.connectors.fhir.answers import RefusedResource, Taken
from engine.connectors.fhir.conditions import check_version, match_of_create
from engine.connectors.fhir.intake import Intake, Item, Plan, refusal_of
from engine.connectors.fhir.jwt import TokenError
from engine.connectors.fhir.query import QueryError, wanted
from engine.connectors.fhir.reading import SERVICE, Reader
from engine.connectors.fhir.routing import Asked, NotServedError, asked, version_of
from engine.connectors.fhir.settings import XML_TYPES, FhirSourceSettings
from engine.connectors.fhir.smart import Caller, SmartGate, configuration
from engine.connectors.http.source import HttpSource, Refused, correlation_id_of, drained, wait_for_journal
from engine.core.errors import ConfigurationError, IsthmusError, MessageError, StoreError
from engine.ports.connector import Accept, ConnectorContext, Receipt, Received, Verdict
from engine.protocols.fhir.outcome import issue_of, operation_outcome
from engine.protocols.fhir.version import NUMBERS

_CONFLICT, _REFUSED = 409, 422
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(:\d{1,5})?|\[[0-9a-fA-F:]{2,45}\](:\d{1,5})?", re.ASCII).fullmatch
_READS = frozenset({"read", "vread", "search"})
_FHIR_VERSION = re.compile(r"fhirVersion=\"?(\d\.\d)", re.ASCII)


class FhirSource(HttpSource):
    """One listener, one channel."""

    def __init__(self, settings: FhirSourceSettings, context: ConnectorContext) -> None:
        super().__init__(settings, context)
        self._fhir = settings
        self._intake = Intake(settings, keep_xml=context.format == "bytes")
        self._capabilities = answers.capabilities(settings, context.clock.now(), context.index)
        self._gate = SmartGate(settings.smart, context) if settings.smart else None
        self._reader = self._made_reader() if settings.search else None

    async def run(self, accept: Accept) -> None:
        try:
            await super().run(accept)
        finally:
            if self._gate is not None:
                await self._gate.close()

    def _made_reader(self) -> Reader:
        version, context = self._fhir.version, self._context
        if SERVICE not in context.services:
            raise ConfigurationError("reads are answered by a running engine alone", where=context.name)
        journal, audit = context.services[SERVICE]
        return Reader(journal, audit, context.channel, context.index, self._fhir.path, version)

    # -------------------------------------------------------------- one request
    async def _answer(self, request: web.BaseRequest, accept: Accept) -> web.Response:
        wants_xml = _wants_xml(request)
        try:
            if request.path == self._fhir.health_path and request.method in ("GET", "HEAD"):
                return await super()._answer(request, accept)
            what = await self._asked(request)
            if what.interaction == "metadata":
                return answers.written(200, self._capabilities, wants_xml)
            if what.interaction == "smart" and self._fhir.smart is not None:
                return web.json_response(configuration(self._fhir.smart))
            caller = await self._caller(request)
            if what.interaction in _READS and self._reader is not None:
                return await self._read(request, self._reader, caller, what, wants_xml)
            self._check_request(request, what)
            return await self._take_in(request, accept, what, caller, wants_xml)
        except Refused as refused:
            return await _refuse(request, refused, wants_xml)
        except StoreError:
            return await _refuse(request, Refused(503, "not stored, try again", Retry_After="5"), wants_xml)
        except Exception as error:  # one request is isolated from the others
            self._context.emit("source_failed", self._context.channel, {"error": type(error).__name__})
            return await _refuse(request, Refused(500, "not stored because of a mistake of ours"), wants_xml)

    async def _asked(self, request: web.BaseRequest) -> Asked:
        """Who asks comes first, but for what the server is able to do, which anybody may read."""
        try:
            what = asked(request.method, request.path, self._fhir.path, reads=self._reader is not None)
            if what.interaction == "smart" and self._fhir.smart is None:
                raise NotServedError("this interaction is not served")
        except NotServedError as error:
            await self._caller(request)
            if error.allow:
                raise Refused(405, str(error), drop=True, Allow=error.allow) from None
            raise Refused(404, str(error), drop=True) from None
        return what

    async def _caller(self, request: web.BaseRequest) -> Caller:
        if not self._is_known(request):
            raise Refused(401, "not authorized", drop=True, WWW_Authenticate="Bearer")
        if self._gate is None:
            return Caller("token of the channel" if self._fhir.token else "certificate of the channel")
        try:
            return await self._gate.caller(request.headers.get("Authorization", ""))
        except TokenError as error:
            how = 'Bearer error="invalid_token"'
            raise Refused(401, f"not authorized: {error}", drop=True, WWW_Authenticate=how) from None
        except IsthmusError as error:
            self._context.emit("source_failed", self._context.channel, {"error": error.code, "text": error.what})
            raise Refused(503, "tokens cannot be checked now", drop=True, Retry_After="30") from None

    # -------------------------------------------------------------- reads
    async def _read(
        self, request: web.BaseRequest, reader: Reader, caller: Caller, what: Asked, wants_xml: bool
    ) -> web.Response:
        self._check_right(caller, "s" if what.interaction == "search" else "r", what.type)
        if not self._intake.takes(what.type):
            raise Refused(404, "this resource type is not taken", drop=True)
        if what.interaction == "search":
            return await self._search(request, reader, caller.who, what, wants_xml)
        if what.interaction == "vread":
            found = await reader.version(caller.who, what.type, what.id, what.version)
        else:
            found = await reader.read(caller.who, what.type, what.id)
        if found is None:
            raise Refused(404, "there is no such resource")
        headers = answers.Headers(ETag=f'W/"{found["meta"]["versionId"]}"')
        return answers.written(200, found, wants_xml, headers)

    async def _search(
        self, request: web.BaseRequest, reader: Reader, who: str, what: Asked, wants_xml: bool
    ) -> web.Response:
        parameters = list(request.query.items())
        if request.method == "POST" and request.body_exists:
            if request.content_type != "application/x-www-form-urlencoded":
                raise Refused(415, "a search is posted as a form", drop=True)
            form = (await self._body(request)).decode("utf-8", "replace")
            parameters += parse_qsl(form, keep_blank_values=True, max_num_fields=100)
        try:
            sought = wanted(parameters, reader.index)
        except QueryError as error:
            raise Refused(400, str(error)) from None
        host = request.host if _HOST(request.host) else self._fhir.listen
        found = await reader.search(who, what.type, sought, f"{request.scheme}://{host}")
        return answers.written(200, found, wants_xml)

    # -------------------------------------------------------------- what is brought
    def _check_right(self, caller: Caller, right: str, kind: str) -> None:
        if not caller.may(right, kind):
            raise Refused(403, f"the token's scopes do not cover this ({kind})", drop=True)

    def _check_request(self, request: web.BaseRequest, what: Asked) -> None:
        if request.method not in self._fhir.methods:
            raise Refused(405, "method not allowed", drop=True, Allow=", ".join(self._fhir.methods))
        if (request.content_length or 0) > self._fhir.max_body:
            raise Refused(413, f"larger than {self._fhir.max_body} bytes", drop=True)
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise Refused(415, "send the body without Content-Encoding", drop=True)
        if request.content_type not in self._fhir.content_types:
            raise Refused(415, "this media type is not taken", drop=True)
        stated = _FHIR_VERSION.search(request.headers.get("Content-Type", ""))
        if stated is not None and not NUMBERS[self._fhir.version].startswith(f"{stated[1]}."):
            raise Refused(415, f"this server speaks FHIR {self._fhir.version}", drop=True)
        if what.interaction in ("create", "update") and not self._intake.takes(what.type):
            raise Refused(404, "this resource type is not taken", drop=True)

    async def _take_in(
        self, request: web.BaseRequest, accept: Accept, what: Asked, caller: Caller, wants_xml: bool
    ) -> web.Response:
        if what.interaction != "bundle":  # of a bundle each entry counts
            self._check_right(caller, "u" if what.interaction == "update" else "c", what.type)
        key = self._key(request)
        await wait_for_journal(accept)
        body = await self._body(request)
        attributes = {"content_type": request.content_type, "peer": request.remote or ""}
        head = (key, request.headers.get("If-None-Exist"), request.headers.get("If-Match"))
        correlation_id = correlation_id_of(request)
        try:
            plan = await self._planned(body, what, *head, request.content_type in XML_TYPES)
        except MessageError as error:
            # Kept as REFUSED, for whoever must look.
            await accept(Received(body, None, what.type, None, attributes, refusal_of(error), correlation_id))
            raise RefusedResource(400, issue_of(error)) from None
        for kind, id_ in plan.within or [(item.type, item.id) for item in plan.items if item.type]:
            self._check_right(caller, "u" if id_ else "c", kind)
        if self._reader is not None and plan.kind == "single" and key is None:
            known = await self._conditions(self._reader, caller, plan.items[0], *head[1:])
            if isinstance(known, Taken):
                return answers.single(known, wants_xml, _wants_minimal(request))
            plan = msgspec.structs.replace(plan, items=(known,))
        return await self._accepted(request, accept, plan, attributes, correlation_id, wants_xml)

    async def _conditions(
        self, reader: Reader, caller: Caller, item: Item, none_exist: str | None, if_match: str | None
    ) -> Taken | Item:
        """The item with whether it is new here, or the answer when it is there already. Raises Refused (412)."""
        if not item.id:
            known = await match_of_create(reader, caller.who, item.type, none_exist, self._fhir.path)
            return known or item
        if if_match is not None and (version := version_of(if_match)):
            await check_version(reader, item.type, item.id, version)
            return item
        newest = await reader.newest_version(item.type, item.id)
        return msgspec.structs.replace(item, is_new=newest is None)

    async def _planned(self, body: bytes, *asked: Any) -> Plan:
        if self._intake.is_quick(len(body)):
            return self._intake.plan(body, *asked)
        return await asyncio.to_thread(self._intake.plan, body, *asked)

    async def _accepted(
        self, request: web.BaseRequest, accept: Accept, plan: Plan, attributes: dict[str, str],
        correlation_id: str | None, wants_xml: bool,
    ) -> web.Response:  # fmt: skip
        # Handed over in one turn of the loop, so that the journal can write them together.
        handed = (self._handed(accept, item, attributes, correlation_id) for item in plan.items)
        taken = await asyncio.gather(*handed)
        if plan.kind == "single":
            return answers.single(taken[0], wants_xml, _wants_minimal(request))
        if plan.kind == "message":
            return self._answered_message(plan, taken[0], wants_xml)
        if plan.kind == "transaction" and (bad := [one for one in taken if not one.ok]):
            return answers.written(bad[0].status, operation_outcome(one.issue for one in bad), wants_xml)
        if plan.within:
            taken = answers.each_within(taken[0], plan.within, self._fhir.path)
        return answers.written(200, answers.of_bundle(plan.kind, taken), wants_xml)

    def _answered_message(self, plan: Plan, one: Taken, wants_xml: bool) -> web.Response:
        if not one.ok:
            return answers.single(one, wants_xml, minimal=False)
        now = self._context.clock.now()
        return answers.written(200, answers.of_message(one.version, now, plan.header, self._fhir), wants_xml)

    async def _handed(
        self, accept: Accept, item: Item, attributes: dict[str, str], correlation_id: str | None
    ) -> Taken:
        """One message, durable. What is refused of a batch is kept too, when there is something to keep."""
        if item.fault is not None and not item.body:
            return item.fault
        receipt = await accept(_received(item, attributes, correlation_id))
        return item.fault or await self._taken(item, receipt)

    async def _taken(self, item: Item, receipt: Receipt) -> Taken:
        status, reason = _status(item, receipt), receipt.reason
        if receipt.settled is not None and status < 300:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._fhir.answer_within.total_seconds()):
                    settled = await asyncio.shield(asyncio.ensure_future(receipt.settled))
                status, reason = (status if settled.delivered else 202), settled.reason
        return answers.taken(receipt, status, reason, self._fhir.path, item.type, item.id, item.place)


def _status(item: Item, receipt: Receipt) -> int:
    if receipt.verdict is Verdict.CONFLICT:
        return 412 if item.if_match else _CONFLICT
    if receipt.verdict is Verdict.REFUSED or (receipt.verdict is Verdict.DUPLICATE and receipt.reason is not None):
        return _REFUSED
    known = receipt.verdict is Verdict.DUPLICATE or (item.id and not item.is_new)
    return 200 if known else 201


def _received(item: Item, attributes: dict[str, str], correlation_id: str | None) -> Received:
    return Received(
        item.body,
        natural_id=item.natural_id,
        message_type=item.type,
        attributes=attributes | dict(item.attributes),
        refusal=item.refusal,
        correlation_id=correlation_id,
    )


def _wants_minimal(request: web.BaseRequest) -> bool:
    return "return=minimal" in request.headers.get("Prefer", "")


def _wants_xml(request: web.BaseRequest) -> bool:
    wanted = request.query.get("_format") or request.headers.get("Accept") or ""
    if "json" in wanted or "*/*" in wanted or not wanted:
        return "xml" in request.content_type and "json" not in wanted
    return "xml" in wanted


async def _refuse(request: web.BaseRequest, refused: Refused, wants_xml: bool) -> web.Response:
    headers: Any = answers.Headers(refused.headers)
    close = refused.drop and not await drained(request)
    if close:
        headers["Connection"] = "close"
    outcome = operation_outcome([answers.refused_issue(refused)])
    response = answers.written(refused.status, outcome, wants_xml, headers)
    if close:
        response.force_close()
    return response
