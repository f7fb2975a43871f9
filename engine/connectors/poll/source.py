"""Source `http_poll`: a URL is asked when it is due, page by page; what is new in the answers is accepted.

How far was read moves only when all of a look is durable: whatever breaks off, the next look begins where this one
did. Answers that the server says are unchanged (304) cost nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

import aiohttp

from engine.connectors.fhir.oauth import TokenGiver
from engine.connectors.http.destination import HttpDestination
from engine.connectors.http.settings import HttpDestinationSettings
from engine.connectors.intake import accept_all, wait_for_journal
from engine.connectors.poll import answer, state
from engine.connectors.poll.settings import Cursor, HttpPollSettings
from engine.core.errors import (
    ConfigurationError,
    IsthmusError,
    RequiredFieldError,
    SizeLimitError,
    StructureError,
    TransportError,
)
from engine.ports.connector import Accept, ConnectorContext, Health, Reason, Received

_LOOK_AT_LEAST_EVERY = 5.0  # seconds: so late is a clock that was set noticed
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 300.0  # seconds between tries while server or store refuse
_LONGEST_ID = 200  # characters
_NOT_CHANGED = 304
_REFERENCES = ("env:", "file:", "store:")


class Page(NamedTuple):
    """One answer. `validators`: what the next request may say of it."""

    body: bytes
    validators: dict[str, str]
    links: list[str]


class _Asker(HttpDestination):
    """The HTTP destination's way to a server: guard, TLS, limits; here only to read."""

    def __init__(self, settings: HttpPollSettings, context: ConnectorContext) -> None:
        endpoint = HttpDestinationSettings(
            url=settings.url,
            headers=settings.headers,
            bearer=settings.bearer,
            basic=settings.basic,
            connect_timeout=settings.connect_timeout,
            timeout=settings.timeout,
            allow_private=settings.allow_private,
            tls=settings.tls,
            parallel=1,
        )
        super().__init__(endpoint, context)
        self._most, self._media_type = settings.max_size, settings.media_type
        self._tokens = TokenGiver(settings.oauth2, settings, context) if settings.oauth2 else None

    async def page(self, url: str, validators: dict[str, str]) -> Page | None:
        """None: it has not changed.

        Raises:
            TransportError: no answer, or none that is one.
            SizeLimitError: larger than the limit.
        """
        headers = {"Accept": self._media_type} | validators
        token = await self._tokens.token() if self._tokens else None
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        async with self._answered(url, headers) as response:
            if response.status == _NOT_CHANGED and validators:
                return None
            if response.status == 401 and self._tokens and token:
                self._tokens.forget(token)
            if response.status != 200:
                raise self._no_answer(response)
            kept = {"If-None-Match": "ETag", "If-Modified-Since": "Last-Modified"}
            found = {name: response.headers[of] for name, of in kept.items() if of in response.headers}
            return Page(await self._whole(response), found, response.headers.getall("Link", []))

    async def close(self) -> None:
        """Both connections."""
        await super().close()
        if self._tokens is not None:
            await self._tokens.close()

    @contextlib.asynccontextmanager
    async def _answered(self, url: str, headers: dict[str, str]) -> AsyncIterator[aiohttp.ClientResponse]:
        try:
            async with self._asked("GET", url, headers, None) as response:
                yield response
        except (aiohttp.ClientError, TimeoutError, OSError):
            raise TransportError("the answer broke off", where=self._context.name) from None

    def _no_answer(self, response: aiohttp.ClientResponse) -> TransportError:
        remedies = {3: "put the final address into url", 4: "check url, parameters and credentials"}
        return TransportError(
            f"the server answered with {response.status}",
            where=self._context.name,
            remedy=remedies.get(response.status // 100, "ask the server's operator"),
            retry_after=self._retry_after(response),
        )

    async def _whole(self, response: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        async for chunk in response.content.iter_chunked(64 * 1024):
            body += chunk
            if len(body) > self._most:
                response.close()
                raise SizeLimitError(f"an answer larger than {self._most} bytes", remedy="raise max_size, or ask less")
        return bytes(body)


class _Look:
    """What one look has found: it counts when all of it is durable."""

    def __init__(self, cursor: str | None) -> None:
        self.cursor, self.pages, self.items = cursor, 0, 0
        self.taken: dict[str, str] = {}
        self.validators: dict[str, str] = {}
        self.changes: int | None = None


class HttpPollSource:
    """Asks one URL until cancelled."""

    def __init__(self, settings: HttpPollSettings, context: ConnectorContext) -> None:
        self._settings, self._context, self._plan = settings, context, settings.plan()
        self._asker = _Asker(settings, context)
        secrets = context.secrets
        self._parameters = {
            name: secrets.resolve(text).strip() if text.startswith(_REFERENCES) else text
            for name, text in settings.parameters.items()
        }
        self._path = context.root / "var" / "http_poll" / f"{context.name}.json"
        self._known: state.Known | None = None
        self._due: datetime | None = None  # None: at once
        self._looked_at: datetime | None = None
        self._failures, self._wait = 0, 0.0
        self.problem: str | None = None

    async def run(self, accept: Accept) -> None:
        """Ask at once, then whenever it is due."""
        try:
            while True:
                now = self._context.clock.now()
                if self._is_due(now):
                    good = await self.look(accept)
                    self._told(good)
                    self._due = self._plan.after(self._context.clock.now())
                    if not good:
                        await asyncio.sleep(self._pause())
                        self._due = None
                        continue
                await asyncio.sleep(self._left())
        finally:
            await self._asker.close()

    async def look(self, accept: Accept) -> bool:
        """Once. False: server or store refused; nothing is lost, try later."""
        self.problem, self._wait = None, 0.0
        try:
            if self._known is None:
                self._known = await asyncio.to_thread(state.load, self._path, self._settings.url)
            await self._ask(self._known, accept)
        except IsthmusError as error:
            self.problem = f"{error.code}: {error.what}"
            self._wait = (error.retry_after or 0.0) if isinstance(error, TransportError) else 0.0
        except OSError as error:
            self.problem = f"what was read cannot be remembered: {error.strerror}"
        return self.problem is None

    async def check(self) -> Health:
        """Does the server take connections; and how the last look went."""
        try:
            health = await self._asker.check()
        except ConfigurationError as error:
            return Health(False, error.what)
        return health if self.problem is None else Health(False, self.problem)

    # -------------------------------------------------------------- when
    def _is_due(self, now: datetime) -> bool:
        """A clock that is set back makes it due anew: the next instant could be far away."""
        back = self._looked_at is not None and now < self._looked_at - timedelta(seconds=1)
        self._looked_at = now
        if back:
            self._due = self._plan.after(now)
        return self._due is None or now >= self._due

    def _left(self) -> float:
        if self._due is None:
            return _LOOK_AT_LEAST_EVERY
        left = (self._due - self._context.clock.now()).total_seconds()
        return min(max(left, 0.0), _LOOK_AT_LEAST_EVERY)

    def _pause(self) -> float:
        grown = float(_FIRST_PAUSE * 2 ** min(self._failures - 1, 10))
        return max(min(grown, _LONGEST_PAUSE), self._wait)

    def _told(self, good: bool) -> None:
        """Once, not at every look."""
        if good and self._failures:
            self._context.emit("source_recovered", self._context.channel, {"failures": self._failures})
        self._failures = 0 if good else self._failures + 1
        if self._failures == 1:
            facts: dict[str, object] = {"error": "http_poll", "text": self.problem}
            self._context.emit("source_failed", self._context.channel, facts)

    # -------------------------------------------------------------- one look
    async def _ask(self, known: state.Known, accept: Accept) -> None:
        first = self._first_url(known)
        usable = known.validators if known.asked == _digest(first.encode()) else {}
        look, url, seen = _Look(known.cursor), first, set[str]()
        while True:
            page = await self._asker.page(url, usable if not look.pages else {})
            if page is None:
                return
            look.pages += 1
            await wait_for_journal(accept)
            await accept_all(self._new(page.body, known, look), accept)
            seen.add(url)
            following = self._next(url, page)
            if following is None:
                break
            if following in seen or look.pages >= self._settings.max_pages:
                raise StructureError("the pages come to no end", where="next", remedy="raise max_pages, or ask less")
            url = following
        look.validators = page.validators if look.pages == 1 else {}
        await self._keep(known, look, first)

    def _first_url(self, known: state.Known) -> str:
        given, cursor = dict(self._parameters), self._settings.cursor
        if cursor is not None and (begin := _begin(cursor, known.cursor)) is not None:
            given[cursor.parameter] = begin
        return answer.with_parameters(self._settings.url, given) if given else self._settings.url

    def _next(self, url: str, page: Page) -> str | None:
        how = self._settings.next
        if how is None:
            return None
        return answer.next_page(url, page.body, page.links, how, self._settings.next_parameter)

    async def _keep(self, known: state.Known, look: _Look, first: str) -> None:
        changes = known.changes if look.changes is None else look.changes
        after = state.Known(known.url, look.cursor, _digest(first.encode()), look.validators, look.taken, changes)
        if after != known:
            await asyncio.to_thread(state.save, self._path, after)
            self._known = after

    # -------------------------------------------------------------- messages
    def _new(self, body: bytes, known: state.Known, look: _Look) -> list[Received]:
        """What the last look did not have."""
        if self._settings.items is None:
            return self._whole(body, known, look)
        found = answer.elements(body, self._settings.items)
        look.items += len(found)
        if look.items > self._settings.max_items:
            raise StructureError("more elements than max_items", where="items", remedy="raise it, or ask less")
        new = []
        for one in found:
            received, digest = self._element(one), _digest(one)
            if self._settings.cursor is not None:
                look.cursor = state.higher(look.cursor, answer.value(one, self._settings.cursor.value))
            identity = received.natural_id or digest
            look.taken[identity] = digest
            if known.taken.get(identity) != digest:
                new.append(received)
        return new

    def _whole(self, body: bytes, known: state.Known, look: _Look) -> list[Received]:
        """A state that comes back after another one is new: so the id counts the changes."""
        digest = _digest(body)
        look.taken[""] = digest
        if known.taken.get("") == digest:
            return []
        look.changes = known.changes + 1
        return [Received(body, f"{look.changes}:{digest}", attributes=self._facts())]

    def _element(self, body: bytes) -> Received:
        if self._settings.id is None:
            return Received(body, _digest(body), attributes=self._facts())
        identity = answer.value(body, self._settings.id)
        if identity is None:
            error = RequiredFieldError("an element has no id", where=self._settings.id, remedy="compare id: with it")
            reason = Reason(error.code, error.what, error.where, error.remedy)
            return Received(body, _digest(body), attributes=self._facts(), refusal=reason)
        if self._settings.version is not None:
            identity = f"{identity}@{answer.value(body, self._settings.version) or ''}"
        if len(identity) > _LONGEST_ID:
            identity = _digest(identity.encode())
        return Received(body, identity, attributes=self._facts())

    def _facts(self) -> dict[str, str]:
        """Without the query: it may hold a secret."""
        return {"url": urlunsplit(urlsplit(self._settings.url)._replace(query=""))}


def _begin(cursor: Cursor, reached: str | None) -> str | None:
    """What the parameter says: a cursor in time less the overlap, in the form that it came in."""
    if reached is None or not cursor.overlap:
        return cursor.start if reached is None else reached
    try:
        moment = datetime.fromisoformat(reached) - cursor.overlap
    except (ValueError, OverflowError):
        return reached
    text = moment.isoformat()
    return text.replace("+00:00", "Z") if reached.endswith("Z") else text


def _digest(body: bytes) -> str:
    return hashlib.blake2b(body, digest_size=16).hexdigest()
