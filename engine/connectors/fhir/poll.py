"""Source `fhir_poll`: what changed at another FHIR server, each version once.

    source:
      type: fhir_poll
      format: fhir
      url: https://ehr.harbor.example/fhir
      resource: SupplyRequest
      query: {status: active}
      oauth2: {token_url: https://ehr.harbor.example/token, client_id: isthmus, private_key: file:secrets/smart.pem}

Asked is for changes since the newest one that is known, less the overlap, oldest first, page by page. A resource's
natural id is its type, id and version, so one that is shown again is known, and a changed one is a message of its own.
How far it has read stands in a file below the site; an old or missing file costs time and loses nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
from datetime import UTC, datetime

import msgspec

from engine.connectors.fhir.following import FhirClient
from engine.connectors.fhir.settings import Following
from engine.connectors.intake import wait_for_journal
from engine.connectors.sql.mark import Mark
from engine.core.errors import IsthmusError, MessageError, StructureError, TransportError
from engine.ports.connector import Accept, ConnectorContext, Health, Reason, Received
from engine.protocols.fhir.bundle import Bundle, Entry
from engine.protocols.fhir.resource import read_head

_LONGEST_PAUSE = 300.0  # seconds between tries while the server or the store refuse
_LONGEST_ID = 200  # characters of a natural id
_MOST_AT_ONCE = 1000  # resources on a page


class Change(msgspec.Struct, frozen=True):
    """One version of a resource, and when the server says that it came to be."""

    received: Received
    at: datetime | None


class FhirPoll:
    """Looks at one server until cancelled."""

    def __init__(self, settings: Following, context: ConnectorContext) -> None:
        self._settings, self._context = settings, context
        self._client = FhirClient(settings, context)
        followed = "&".join([f"{settings.url}/{settings.resource}", *(f"{k}={v}" for k, v in settings.query.items())])
        self._mark = Mark(context.root / "var" / "fhir" / f"{context.name}.json", followed)
        self._loaded, self._failures = False, 0
        self._looking, self._saving = asyncio.Lock(), asyncio.Lock()
        self.problem: str | None = None

    async def run(self, accept: Accept) -> None:
        try:
            while True:
                await asyncio.sleep(await self.look(accept))
        finally:
            await self._client.close()

    async def look(self, accept: Accept) -> float:
        """Take what is new. Returns seconds until the next look."""
        wished = 0.0
        try:
            await self.catch_up(accept)
        except (IsthmusError, OSError) as error:  # nothing is lost: the server keeps it
            self._failed(error)
            wished = (error.retry_after or 0.0) if isinstance(error, TransportError) else 0.0
        else:
            if self._failures:
                self._context.emit("source_recovered", self._context.channel, {"failures": self._failures})
            self._failures, self.problem = 0, None
        usual = self._settings.poll.total_seconds()
        return max(float(min(usual * 2 ** min(self._failures, 16), max(_LONGEST_PAUSE, usual))), wished)

    async def check(self) -> Health:
        """Can the server be searched."""
        client = FhirClient(self._settings, self._context)
        try:
            await client.search(self._settings.resource, self._settings.query | {"_count": "1"})
        except IsthmusError as error:
            return Health(False, error.what)
        finally:
            await client.close()
        return Health(self.problem is None, self.problem or "the server can be searched")

    def _failed(self, error: IsthmusError | OSError) -> None:
        code = error.code if isinstance(error, IsthmusError) else "file"
        self.problem = error.what if isinstance(error, IsthmusError) else f"the mark cannot be kept: {error.strerror}"
        self._failures += 1
        if self._failures == 1:  # told once, not at every look
            self._context.emit("source_failed", self._context.channel, {"error": code, "text": self.problem})

    # -------------------------------------------------------------- pages
    async def catch_up(self, accept: Accept) -> None:
        """Raises the first failure, with the mark at what came before it."""
        async with self._looking:
            self._load()
            count = self._settings.page
            low = self._floor(self._mark.value) if self._mark.value is not None else self._settings.since
            while True:
                last, full = await self._take_pages(accept, low, count)
                if not full:
                    return
                # A server without links to further pages: go on from the last one that it showed.
                if last is not None and last != low:
                    low = last
                elif count < _MOST_AT_ONCE:
                    count = min(count * 2, _MOST_AT_ONCE)
                else:
                    raise StructureError(
                        "more changes of one moment than a page holds, and no link to the next", where="Bundle.link"
                    )

    async def _take_pages(self, accept: Accept, low: datetime | None, count: int) -> tuple[datetime | None, bool]:
        """Newest time seen; and whether the last page was full and yet had no link."""
        parameters = self._settings.query | {"_sort": "_lastUpdated", "_count": str(count)}
        if low is not None:
            parameters["_lastUpdated"] = f"ge{_written(low)}"
        await wait_for_journal(accept)
        bundle = await self._client.search(self._settings.resource, parameters)
        seen, newest = {""}, low
        while True:
            changes = self._changes(bundle)
            await self.take(changes, accept)
            newest = max((at for at in (newest, *(one.at for one in changes)) if at is not None), default=None)
            if bundle.next is None:
                return newest, len(changes) >= count
            if bundle.next in seen:
                raise StructureError("the pages go round in a circle", where="Bundle.link")
            seen.add(bundle.next)
            await wait_for_journal(accept)
            bundle = await self._client.next_page(bundle.next)

    def _changes(self, bundle: Bundle) -> list[Change]:
        kept = (entry for entry in bundle.entries if entry.mode == "match" and entry.body)
        return [change_of(entry, self._settings.resource, self._settings.url) for entry in kept]

    async def take(self, changes: list[Change], accept: Accept) -> None:
        """Raises the first failure; the mark stands at the changes before it."""
        new = [one for one in changes if not self._mark.knows(one.received.natural_id or "", "")]
        outcomes = await asyncio.gather(*(accept(one.received) for one in new), return_exceptions=True)
        failed = next((at for at, one in enumerate(outcomes) if isinstance(one, BaseException)), None)
        taken = changes if failed is None else changes[: changes.index(new[failed])]
        for one in taken:
            # A time ahead of ours is no watermark: one resource dated next year would hide all changes until then.
            at = min(one.at, self._context.clock.now()) if one.at else self._mark.value
            if at is not None:
                self._mark.advance(one.received.natural_id or "", at, "", self._floor(at))
        if new and taken:
            await self._save()
        if failed is not None and isinstance(failure := outcomes[failed], BaseException):
            raise failure

    async def take_told(self, change: Change, accept: Accept) -> None:
        """One that the server told of. The watermark stays: those before it need not have been told."""
        self._load()
        natural_id = change.received.natural_id or ""
        if self._mark.knows(natural_id, ""):
            return
        await accept(change.received)
        self._mark.remember(natural_id, change.at or self._context.clock.now(), "")
        await self._save()

    async def fetch(self, resource: str, id_: str, accept: Accept) -> None:
        """Take one resource as the server has it now. Gone is gone: nothing is taken."""
        body = await self._client.read(resource, id_)
        if body is not None:
            await self.take_told(change_of(Entry(0, body), resource, self._settings.url), accept)

    def _load(self) -> None:
        if not self._loaded:
            self._mark.load()
            self._loaded = True

    async def _save(self) -> None:
        async with self._saving:
            await asyncio.to_thread(self._mark.save)

    def _floor(self, value: datetime) -> datetime:
        return value - self._settings.overlap


def change_of(entry: Entry, resource: str, server: str) -> Change:
    """What is no resource of the type is kept as refused."""
    attributes = {"server": server}
    try:
        head = read_head(entry.body)
        if head.resourceType != resource:
            raise StructureError("another type than the one that is followed", where=f"{entry.place}.resource")
    except MessageError as error:
        refusal = Reason(error.code, error.what, error.where, error.remedy)
        return Change(Received(entry.body, _digest(entry.body), None, attributes=attributes, refusal=refusal), None)
    updated = head.meta.lastUpdated if head.meta else None
    version = head.version_id or updated or _digest(entry.body)
    natural_id = f"{resource}/{head.id}/{version}" if head.id else f"{resource}/{_digest(entry.body)}"
    if len(natural_id) > _LONGEST_ID or not natural_id.isprintable():
        natural_id = f"{resource}/{_digest(natural_id.encode())}"
    return Change(Received(entry.body, natural_id, resource, attributes=attributes), _moment(updated))


def _moment(text: str | None) -> datetime | None:
    """Nanoseconds are cut off; the overlap is longer."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _digest(body: bytes) -> str:
    return hashlib.blake2b(body, digest_size=16).hexdigest()
