"""Destination `http`: one request for each delivery, with our idempotency key.

What an answer means: 2xx delivered · 425, 429, 503 not taken, try again (Retry-After kept) · 408 and other 5xx
may have acted: unknown · other 4xx refused · 3xx refused, since redirects are not followed.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import email.utils
from collections.abc import AsyncIterator
from datetime import UTC
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp
import msgspec

from engine.connectors.http.guard import GuardedResolver, guarded_socket, host_of, refuse_host
from engine.connectors.http.settings import HttpDestinationSettings
from engine.connectors.tls import ClientContext, check_pinned
from engine.core.errors import DestinationError, IsthmusError, TransportError
from engine.core.ids import id_text
from engine.ports.connector import ConnectorContext, Delivered, Health, Outbound, Semantics

_NOT_TAKEN = frozenset({425, 429, 503})
_MAY_HAVE_ACTED = frozenset({408})
_LONGEST_RETRY_AFTER = 24 * 3600.0  # seconds; more is taken for a mistake
_REFERENCES = ("env:", "file:", "store:")


class HttpDestination:
    """Speaks to one URL over kept-alive connections."""

    def __init__(self, settings: HttpDestinationSettings, context: ConnectorContext) -> None:
        self._settings, self._context = settings, context
        self._tls = ClientContext(settings.tls, context.root, context.secrets)
        self._headers = self._fixed_headers()
        self._session: aiohttp.ClientSession | None = None

    @property
    def semantics(self) -> Semantics:
        if self._settings.idempotent:
            return Semantics.IDEMPOTENT
        return Semantics.INQUIRABLE if self._settings.inquire_url else Semantics.NEITHER

    @property
    def parallel(self) -> int:
        return self._settings.parallel

    async def send(self, outbound: Outbound) -> Delivered:
        headers = {
            "Content-Type": self._settings.content_type,
            "Idempotency-Key": outbound.idempotency_key,
            "X-Correlation-Id": outbound.correlation_id,
        }
        url = _filled(self._settings.url, outbound)
        async with self._asked(self._settings.method, url, headers, outbound.body) as response:
            self._judge(response)
            return await self._delivered(response)

    async def inquire(self, outbound: Outbound) -> Delivered | None:
        if self._settings.inquire_url is None:
            raise TransportError("there is no inquire_url to ask", where=self._context.name)
        async with self._asked("GET", _filled(self._settings.inquire_url, outbound), {}, None) as response:
            if response.status in (404, 410):
                return None
            if not response.ok:
                raise TransportError(
                    f"the inquiry was answered with {response.status}",
                    where=self._context.name,
                    retry_after=self._retry_after(response),
                )
            return await self._delivered(response)

    async def check(self) -> Health:
        """Ask `check_url`, or only connect."""
        try:
            if self._settings.check_url is None:
                return await self._connects()
            async with self._asked("GET", self._settings.check_url, {}, None) as response:
                return Health(response.ok, f"answered with {response.status}")
        except IsthmusError as error:
            return Health(False, error.what)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    # -------------------------------------------------------------- asking
    @contextlib.asynccontextmanager
    async def _asked(
        self, method: str, url: str, headers: dict[str, str], body: bytes | None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer's head.

        Raises:
            TransportError: none came; `sent` tells whether the request may have left.
            DestinationError: the address is refused, or the peer's certificate.
        """
        refuse_host(host_of(url), self._settings.allow_private)
        try:
            response = await self._open_session().request(
                method,
                url,
                data=body,
                headers=self._headers | headers,
                ssl=self._tls.current(),
                server_hostname=self._settings.tls.server_name,
                allow_redirects=False,
            )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._not_answered(error) from None
        try:
            self._check_peer(response)
            yield response
        finally:
            response.release()

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            limits = aiohttp.ClientTimeout(
                total=self._settings.timeout.total_seconds(),
                connect=None,
                sock_connect=self._settings.connect_timeout.total_seconds(),
            )
            connector = aiohttp.TCPConnector(
                limit=self._settings.parallel,
                resolver=GuardedResolver(allow_private=self._settings.allow_private),
                use_dns_cache=False,
                socket_factory=guarded_socket(self._settings.allow_private),
            )
            self._session = aiohttp.ClientSession(
                connector=connector, timeout=limits, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
            )
        return self._session

    def _fixed_headers(self) -> dict[str, str]:
        secrets = self._context.secrets
        headers = {
            name: secrets.resolve(value) if value.startswith(_REFERENCES) else value
            for name, value in self._settings.headers.items()
        }
        if self._settings.bearer:
            headers["Authorization"] = f"Bearer {secrets.resolve(self._settings.bearer).strip()}"
        if self._settings.basic:
            pair = f"{self._settings.basic.user}:{secrets.resolve(self._settings.basic.password).strip()}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        return headers

    def _check_peer(self, response: aiohttp.ClientResponse) -> None:
        if not self._settings.tls.pinned or response.connection is None:
            return
        transport = response.connection.transport
        connection = transport.get_extra_info("ssl_object") if transport else None
        certificate = connection.getpeercert(binary_form=True) if connection else None
        if not check_pinned(self._settings.tls, certificate):
            response.close()
            raise DestinationError("the peer's certificate is not the pinned one", where=self._context.name)

    def _not_answered(self, error: Exception) -> IsthmusError:
        if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError):
            return TransportError("TLS failed: the peer's certificate is not valid", where=self._context.name)
        if isinstance(error, aiohttp.InvalidURL):
            return DestinationError("the URL cannot be used", where=self._context.name)
        if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
            return TransportError("no connection to the far side", where=self._context.name)
        # Anything later may have reached it: a time-out, a connection that ended, an answer that is none.
        words = "no answer in time" if isinstance(error, TimeoutError) else "the connection ended without an answer"
        return TransportError(words, where=self._context.name, sent=True)

    async def _connects(self) -> Health:
        url = urlsplit(self._settings.url)
        refuse_host(host_of(self._settings.url), self._settings.allow_private)
        resolver = GuardedResolver(allow_private=self._settings.allow_private)
        port = url.port or (443 if url.scheme == "https" else 80)
        try:
            async with asyncio.timeout(self._settings.connect_timeout.total_seconds()):
                found = await resolver.resolve(url.hostname or "", port)
                secure: dict[str, Any] = {}
                if url.scheme == "https":
                    name = self._settings.tls.server_name or url.hostname
                    secure = {"ssl": self._tls.current(), "server_hostname": name}
                _, writer = await asyncio.open_connection(found[0]["host"], port, **secure)
                writer.close()
                await writer.wait_closed()
        except (OSError, TimeoutError):
            return Health(False, "no connection to the far side")
        return Health(True, "the far side takes connections")

    # -------------------------------------------------------------- answers
    def _judge(self, response: aiohttp.ClientResponse) -> None:
        status, where = response.status, self._context.name
        if response.ok and status < 300:
            return
        if status in _NOT_TAKEN:
            after = self._retry_after(response)
            raise TransportError(f"the far side is busy ({status})", where=where, retry_after=after)
        if status in _MAY_HAVE_ACTED or status >= 500:
            after = self._retry_after(response)
            raise TransportError(f"the far side failed ({status})", where=where, sent=True, retry_after=after)
        if status < 400:
            remedy = "put the final address into the destination's url"
            raise DestinationError(f"the far side redirects ({status})", where=where, remedy=remedy)
        raise DestinationError(
            f"the far side refused it ({status})", where=where, remedy="see its answer in the log of it"
        )

    def _retry_after(self, response: aiohttp.ClientResponse) -> float | None:
        """Seconds, from seconds or a date; None when absent or senseless."""
        text = response.headers.get("Retry-After", "").strip()
        if text.isascii() and text.isdigit():
            return min(float(text), _LONGEST_RETRY_AFTER)
        try:
            moment = email.utils.parsedate_to_datetime(text)
        except ValueError:
            return None
        seconds = (moment.replace(tzinfo=moment.tzinfo or UTC) - self._context.clock.now()).total_seconds()
        return min(max(seconds, 0.0), _LONGEST_RETRY_AFTER)

    async def _delivered(self, response: aiohttp.ClientResponse) -> Delivered:
        """Taken is taken, also when the rest of the answer does not arrive."""
        body = b""
        try:
            async for chunk in response.content.iter_chunked(64 * 1024):
                body += chunk
                if len(body) > self._settings.max_response:
                    response.close()
                    break
        except (aiohttp.ClientError, TimeoutError, OSError):
            response.close()
        body = body[: self._settings.max_response]
        return Delivered(body or None, _reference(body, self._settings.reference_field))


def _filled(url: str, outbound: Outbound) -> str:
    """The template with each field quoted whole, so that none can add a path step or a parameter."""
    fields = {
        "natural_key": outbound.natural_key or outbound.idempotency_key,
        "key": outbound.idempotency_key,
        "message_id": id_text(outbound.message_id),
        "kind": outbound.kind or "message",
    }
    for name, value in fields.items():
        url = url.replace(f"{{{name}}}", _quoted(value))
    return url


def _quoted(value: str) -> str:
    """Dots alone would be a step up, also when percent-encoded."""
    if value.strip(".") == "":
        raise DestinationError("the URL's field has no usable value", where="url")
    return quote(value, safe="")


def _reference(body: bytes, field: str | None) -> str | None:
    if field is None or not body:
        return None
    try:
        found: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    for step in field.split("."):
        found = found.get(step) if isinstance(found, dict) else None
    return str(found)[:200] if isinstance(found, str | int) else None
