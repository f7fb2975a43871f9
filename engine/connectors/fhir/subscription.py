"""Source `fhir_subscription`: a server tells of changes by rest-hook; what it did not tell is asked for.

    source:
      type: fhir_subscription
      format: fhir
      listen: 127.0.0.1:8096
      token: env:EHR_HOOK_TOKEN          # the server shows it in each notification
      register: true                     # make the Subscription at the server, or renew it
      endpoint: https://engine.harbor.example/notifications
      server:
        url: https://ehr.harbor.example/fhir
        resource: SupplyRequest
        poll: 15m                        # and so often it is asked anyway: a lost notification costs this at most

Taken are notifications of R4 (empty: the server is asked; a whole resource, also PUT below the path) and of R5 and its
backport to R4 (with ids or resources; a gap in the events' numbers: the server is asked). A notification is answered
200 when what it told of is in the journal; with 503 the server tells again. A version that is both told and found is
known by its type, id and version. Source: https://hl7.org/fhir/R5/subscriptions.html.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path
from urllib.parse import urlencode

import msgspec
from aiohttp import web

from engine.connectors.fhir.following import FhirClient
from engine.connectors.fhir.notification import Notification, read_notification
from engine.connectors.fhir.poll import FhirPoll, change_of
from engine.connectors.fhir.settings import FhirSubscriptionSettings
from engine.connectors.http.source import HttpSource, Refused, wait_for_journal
from engine.core.errors import IsthmusError, MessageError, StoreError
from engine.ports.connector import Accept, ConnectorContext, Health
from engine.protocols.fhir.bundle import Entry, split_bundle
from engine.protocols.fhir.resource import Tree, read_head
from engine.protocols.fhir.version import is_id, is_type

_BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition"
_AGAIN = 60.0  # seconds until another try to register


class FhirSubscription(HttpSource):
    """One listener, one subscription, one channel."""

    def __init__(self, settings: FhirSubscriptionSettings, context: ConnectorContext) -> None:
        super().__init__(settings, context)
        self._hook, self._poll = settings, FhirPoll(settings.server, context)
        self._events = Events(context.root / "var" / "fhir" / f"{context.name}.events")
        self._registered: str | None = None if settings.register_ else "registered at the server"
        self._resource = settings.server.resource

    async def run(self, accept: Accept) -> None:
        await asyncio.to_thread(self._events.load)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(super().run(accept))
                tasks.create_task(self._poll.run(accept))
                if self._hook.register_:
                    tasks.create_task(self._register())
        except ExceptionGroup as group:  # told as what it is: an address in use, for example
            raise group.exceptions[0] from None

    async def check(self) -> Health:
        door, server = await super().check(), await self._poll.check()
        if not door.ok or not server.ok:
            return door if not door.ok else server
        return Health(self._registered is not None, self._registered or "not registered at the server yet")

    # -------------------------------------------------------------- a notification
    def _check_head(self, request: web.BaseRequest) -> None:
        """As of any request; an R4 server PUTs a resource below the path, at its type and id."""
        if not self._is_known(request):
            raise Refused(401, "not authorized", drop=True, WWW_Authenticate="Bearer")
        base = self._settings.path.rstrip("/")
        steps = request.path[len(base) :].split("/") if request.path.startswith(f"{base}/") else []
        below = len(steps) == 3 and steps[0] == "" and is_type(steps[1]) and is_id(steps[2])
        if request.path not in (base, self._settings.path, f"{base}/") and not below:
            raise Refused(404, "unknown path", drop=True)
        if request.method not in self._settings.methods:
            raise Refused(405, "method not allowed", drop=True, Allow=", ".join(self._settings.methods))
        if (request.content_length or 0) > self._settings.max_body:
            raise Refused(413, f"larger than {self._settings.max_body} bytes", drop=True)
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise Refused(415, "send the body without Content-Encoding", drop=True)
        if request.body_exists and "Content-Type" in request.headers and not self._takes(request.content_type):
            raise Refused(415, "this media type is not taken", drop=True)

    def _takes(self, content_type: str) -> bool:
        return content_type in self._settings.content_types

    async def _take(self, request: web.BaseRequest, accept: Accept) -> web.Response:
        await wait_for_journal(accept)
        body = await self._body(request) if request.body_exists else b""
        try:
            told = read_notification(body)
        except MessageError as error:
            raise Refused(400, f"not a notification: {error.what}") from None
        try:
            await self._follow(told, accept)
        except StoreError:
            raise
        except IsthmusError as error:  # the server could not be asked: it must tell again
            words = f"what the notification is about could not be had: {error.code}"
            raise Refused(503, words, Retry_After="30") from None
        return web.Response(status=200)

    async def _follow(self, told: Notification, accept: Accept) -> None:
        """Return when everything that it is about is in the journal."""
        gap = self._events.misses(told.first, told.last, told.kind)
        for entry in told.resources:
            await self._hold(entry, accept)
        for kind, id_ in told.focus:
            if kind == self._resource and not gap:
                await self._poll.fetch(kind, id_, accept)
        if gap or not told.is_all:
            await self._poll.catch_up(accept)
        if told.last is not None:
            await asyncio.to_thread(self._events.keep, told.last, told.kind)

    async def _hold(self, entry: Entry, accept: Accept) -> None:
        """A resource of another type is what its server included, and no change that is followed."""
        if read_head(entry.body).resourceType != self._resource:
            return
        await self._poll.take_told(change_of(entry, self._resource, self._hook.server.url), accept)

    # -------------------------------------------------------------- the subscription
    async def _register(self) -> None:
        """Until it is done: the server may be down when we start."""
        while True:
            client = FhirClient(self._hook.server, self._context)
            try:
                await self._save(client)
                self._registered = "registered at the server"
                return
            except IsthmusError as error:
                facts: dict[str, object] = {"error": error.code, "text": f"not registered: {error.what}"}
                self._context.emit("source_failed", self._context.channel, facts)
            finally:
                await client.close()
            await asyncio.sleep(_AGAIN)

    async def _save(self, client: FhirClient) -> None:
        base = self._hook.server.url
        found = await client.ask("GET", f"{base}/Subscription?{urlencode({'url': self._hook.endpoint})}&_count=1")
        entries = split_bundle(found.body).entries
        tree = subscription(self._hook, (self._token or b"").decode())
        if not entries:
            await client.save(f"{base}/Subscription", "POST", tree)
            return
        id_ = read_head(entries[0].body).id
        await client.save(f"{base}/Subscription/{id_}", "PUT", {"id": id_} | tree)


def subscription(settings: FhirSubscriptionSettings, token: str) -> Tree:
    """What is registered. Source: R5 Subscription; R4 Subscription, with the backport's extensions for a topic."""
    server, header = settings.server, settings.token_header
    secret = f"Bearer {token}" if header.lower() == "authorization" else token
    criteria = server.resource + (f"?{urlencode(server.query)}" if server.query else "")
    tree: Tree = {"resourceType": "Subscription", "status": "requested", "reason": "Isthmus"}
    if server.version == "R5":
        rest_hook = {"system": "http://terminology.hl7.org/CodeSystem/subscription-channel-type", "code": "rest-hook"}
        filters = [{"filterParameter": name, "value": value} for name, value in server.query.items()]
        tree |= {"topic": settings.topic, "channelType": rest_hook, "endpoint": settings.endpoint}
        tree |= {"content": settings.payload, "contentType": "application/fhir+json"}
        tree |= {"parameter": [{"name": header, "value": secret}]} | ({"filterBy": filters} if filters else {})
        return tree
    channel: Tree = {"type": "rest-hook", "endpoint": settings.endpoint, "header": [f"{header}: {secret}"]}
    if settings.topic is None:
        whole = {"payload": "application/fhir+json"} if settings.payload == "full-resource" else {}
        return tree | {"criteria": criteria, "channel": channel | whole}
    content = {"url": f"{_BACKPORT}/backport-payload-content", "valueCode": settings.payload}
    filtered = {"url": f"{_BACKPORT}/backport-filter-criteria", "valueString": criteria}
    channel |= {"payload": "application/fhir+json", "_payload": {"extension": [content]}}
    return tree | {"criteria": settings.topic, "_criteria": {"extension": [filtered]}, "channel": channel}


class Events:
    """The number of the last event that was told, kept in a file between runs."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.last: int | None = None

    def load(self) -> None:
        """A file that is absent or broken is as none: the first look finds everything anyway."""
        with contextlib.suppress(OSError, ValueError):
            self.last = int(self._path.read_bytes())

    def misses(self, first: int | None, last: int | None, kind: str) -> bool:
        """Were there events before these that were not told here."""
        if self.last is None or last is None or kind == "handshake":
            return False
        return (first if first is not None else last + (kind != "event-notification")) > self.last + 1

    def keep(self, last: int, kind: str) -> None:
        """A handshake begins anew. Raises OSError."""
        if kind != "handshake" and self.last is not None and last <= self.last:
            return
        self.last = last
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = self._path.with_suffix(".part")
        part.write_bytes(msgspec.json.encode(last))
        os.replace(part, self._path)
