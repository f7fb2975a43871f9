"""Asks another FHIR server: searches page by page, reads, and makes Subscriptions. Bodies stay as they came."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import msgspec

from engine.connectors.fhir.oauth import TokenGiver
from engine.connectors.fhir.settings import FarServer
from engine.connectors.http.destination import HttpDestination
from engine.connectors.http.settings import HttpDestinationSettings
from engine.core.errors import DestinationError, SizeLimitError, TransportError
from engine.ports.connector import ConnectorContext
from engine.protocols.fhir.bundle import Bundle, split_bundle
from engine.protocols.fhir.outcome import told_by

_JSON = "application/fhir+json"
_MOST_ENTRIES = 10_000
_UNAUTHORIZED = 401


class Answer(msgspec.Struct, frozen=True):
    status: int
    body: bytes
    location: str = ""


class FhirClient(HttpDestination):
    """Speaks to one server, with tokens where it wants them."""

    def __init__(self, server: FarServer, context: ConnectorContext) -> None:
        super().__init__(_http(server), context)
        self._server = server
        self._tokens = TokenGiver(server.oauth2, server, context) if server.oauth2 else None

    async def search(self, resource: str, parameters: Mapping[str, str]) -> Bundle:
        """The first page.

        Raises:
            TransportError, DestinationError: it was not answered; StructureError: not with a Bundle.
        """
        return await self._page(f"{self._server.url}/{resource}?{urlencode(parameters)}")

    async def next_page(self, link: str) -> Bundle:
        """Raises as `search`. A link to another server is not followed: it would be shown our token."""
        url = urljoin(f"{self._server.url}/", link)
        ours, theirs = urlsplit(self._server.url), urlsplit(url)
        if (ours.scheme, ours.netloc.lower()) != (theirs.scheme, theirs.netloc.lower()):
            words = "the next page is at another server"
            raise DestinationError(words, where=self._context.name, remedy="set url as the server calls itself")
        return await self._page(url)

    async def read(self, resource: str, id_: str) -> bytes | None:
        """None: it is not there (any more)."""
        answer = await self.ask("GET", f"{self._server.url}/{resource}/{id_}", absent=(404, 410))
        return answer.body if answer.status < 300 else None

    async def save(self, url: str, method: str, tree: Mapping[str, Any]) -> Answer:
        return await self.ask(method, url, msgspec.json.encode(tree))

    async def ask(self, method: str, url: str, body: bytes | None = None, absent: tuple[int, ...] = ()) -> Answer:
        """Raises TransportError, DestinationError. With another token when the first one was not taken."""
        answer = await self._ask_once(method, url, body)
        if answer.status == _UNAUTHORIZED and self._tokens is not None:
            answer = await self._ask_once(method, url, body)
        if answer.status < 300 or answer.status in absent:
            return answer
        words = ", ".join(f"{one.text} at {one.where or 'no place'}" for one in told_by(answer.body))
        raise DestinationError(
            f"the server answered with {answer.status}{': ' if words else ''}{words}", where=self._context.name
        )

    async def close(self) -> None:
        await super().close()
        if self._tokens is not None:
            await self._tokens.close()

    async def _page(self, url: str) -> Bundle:
        bundle = split_bundle((await self.ask("GET", url)).body, _MOST_ENTRIES)
        if bundle.type not in ("searchset", "history"):
            raise DestinationError("a search was not answered with a searchset", where=self._context.name)
        return bundle

    async def _ask_once(self, method: str, url: str, body: bytes | None) -> Answer:
        headers = {"Accept": _JSON} | ({"Content-Type": _JSON} if body is not None else {})
        if self._tokens is not None:
            headers["Authorization"] = f"Bearer {await self._tokens.token()}"
        async with self._asked(method, url, headers, body) as response:
            if response.status == _UNAUTHORIZED and self._tokens is not None:
                self._tokens.forget(headers["Authorization"].removeprefix("Bearer "))
            if response.status in (408, 425, 429) or response.status >= 500:
                after = self._retry_after(response)
                words = f"the server answered with {response.status}"
                raise TransportError(words, where=self._context.name, retry_after=after)
            read = (await self._delivered(response)).response or b""
            if len(read) >= self._server.max_response:
                where, remedy = self._context.name, "lower page, or raise max_response"
                raise SizeLimitError("the answer is larger than max_response", where=where, remedy=remedy)
            return Answer(response.status, read, response.headers.get("Location", ""))


def _http(server: FarServer) -> HttpDestinationSettings:
    return HttpDestinationSettings(
        url=server.url,
        headers=server.headers,
        bearer=server.bearer,
        basic=server.basic,
        connect_timeout=server.connect_timeout,
        timeout=server.timeout,
        max_response=server.max_response,
        allow_private=server.allow_private,
        tls=server.tls,
    )
