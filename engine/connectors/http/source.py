"""Source `http`: a request brings one message and is answered when the message is durable.

Answers: 202 taken in · 200 known already · 409 same Idempotency-Key, other body · 422 refused by the channel ·
400 not readable · 401 who are you · 404, 405 not here · 408 too slow · 411, 413, 415 body not wanted ·
503 try again, with Retry-After. Who asks is checked before a byte of the body is read; of a signed webhook its
timestamp is, and the signature when the body is there.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import re
import socket
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.typedefs import LooseHeaders

from engine.connectors.fields import split_address
from engine.connectors.http.settings import HttpSourceSettings, WebhookDoorSettings
from engine.connectors.http.signed import Signatures
from engine.connectors.tls import ServerContext, check_pinned, days_left
from engine.core.errors import ConfigurationError, StoreError, StructureError
from engine.core.ids import id_text
from engine.ports.connector import Accept, ConnectorContext, Health, Reason, Receipt, Received, Verdict

_HEAD_BUFFER = 16 * 1024  # bytes the system may hold of a body before the sender is known (it doubles this)
_BODY_BUFFER = 256 * 1024
_DRAIN = 16 * 1024  # bytes of a refused body that are read away, so that small clients see the answer
_BACKLOG_PATIENCE = 2.0  # seconds a request waits for the journal before it is sent away
_STOP_PATIENCE = 1.0  # seconds for requests under way when the source stops
_EXPIRY_DAYS = 30  # from then on check() tells
_KEY = re.compile(r"[\x21-\x7e]{1,255}").fullmatch
_STATUS = {Verdict.ACCEPTED: 202, Verdict.DUPLICATE: 200, Verdict.CONFLICT: 409, Verdict.REFUSED: 422}


class Refused(Exception):
    """Ends a request. `drop`: the connection is closed, because a body is still on its way."""

    def __init__(self, status: int, text: str, *, drop: bool = False, **headers: str) -> None:
        super().__init__(text)
        self.status, self.text, self.drop = status, text, drop
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class HttpSource:
    """One listener, one channel."""

    def __init__(self, settings: HttpSourceSettings, context: ConnectorContext) -> None:
        self._settings, self._context = settings, context
        self._token = context.secrets.resolve(settings.token).strip().encode() if settings.token else None
        if self._token == b"":
            raise ConfigurationError("the token is empty", where=f"{context.name}.token", remedy="set a long one")
        signature = settings.signature if isinstance(settings, WebhookDoorSettings) else None
        self._signatures = Signatures(signature, context) if signature else None
        self._tls = ServerContext(settings.tls, context.root, context.secrets) if settings.tls else None
        self._is_json = context.format in (None, "json")
        self._listening = False

    async def run(self, accept: Accept) -> None:
        """Serve until cancelled; requests under way get a moment to be answered."""

        under_way: set[asyncio.Task[Any]] = set()

        async def answer(request: web.BaseRequest) -> web.Response:
            if (task := asyncio.current_task()) is not None:
                under_way.add(task)
                task.add_done_callback(under_way.discard)
            return await self._answer(request, accept)

        try:
            async with self._listener(_Server(answer, self._settings)):
                await asyncio.Event().wait()
        finally:
            await _end(under_way)  # the server forgets requests whose client has gone

    async def check(self) -> Health:
        words = f"{'listens' if self._listening else 'does not listen'} on {self._settings.listen}"
        if self._tls is None or self._settings.tls is None:
            return Health(self._listening, words)
        if self._tls.problem:
            return Health(False, f"TLS files were not taken: {self._tls.problem}")
        left = days_left(self._context.root / self._settings.tls.certificate, self._context.clock.now())
        if left is not None and left <= _EXPIRY_DAYS:
            words += f"; its certificate expires in {left} days" if left >= 0 else "; its certificate has expired"
        return Health(self._listening and (left is None or left >= 0), words)

    @contextlib.asynccontextmanager
    async def _listener(self, server: _Server) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        with _listening_socket(self._settings.listen) as sock:
            context = self._tls.context if self._tls else None
            listener = await loop.create_server(server, sock=sock, ssl=context, backlog=1024)
            self._listening = True
            try:
                yield
            finally:
                self._listening = False
                listener.close()
                server.pre_shutdown()
                await server.shutdown(_STOP_PATIENCE)

    # -------------------------------------------------------------- one request
    async def _answer(self, request: web.BaseRequest, accept: Accept) -> web.Response:
        try:
            if request.path == self._settings.health_path and request.method in ("GET", "HEAD"):
                return _said(503 if accept.backlogged else 200, "busy" if accept.backlogged else "ok")
            self._check_head(request)
            return await self._take(request, accept)
        except Refused as refused:
            return await _refuse(request, refused)
        except StoreError:
            return _said(503, "not stored, try again", {"Retry-After": "5"})
        except Exception as error:  # one request is isolated from the others
            self._context.emit("source_failed", self._context.channel, {"error": type(error).__name__})
            return _said(500, "not stored because of a mistake of ours")

    def _check_head(self, request: web.BaseRequest) -> None:
        """Everything that can be told before the body; who asks comes first."""
        if not self._is_known(request):
            raise Refused(401, "not authorized", drop=True, WWW_Authenticate="Bearer")
        if request.path != self._settings.path:
            raise Refused(404, "unknown path", drop=True)
        if request.method not in self._settings.methods:
            raise Refused(405, "method not allowed", drop=True, Allow=", ".join(self._settings.methods))
        if (request.content_length or 0) > self._settings.max_body:
            raise Refused(413, f"larger than {self._settings.max_body} bytes", drop=True)
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise Refused(415, "send the body without Content-Encoding", drop=True)
        if not self._is_wanted(request.content_type, "Content-Type" in request.headers):
            raise Refused(415, "this media type is not taken", drop=True)

    def _is_known(self, request: web.BaseRequest) -> bool:
        tls = self._settings.tls
        if tls is not None and tls.pinned:
            connection = request.get_extra_info("ssl_object")
            if not check_pinned(tls, connection.getpeercert(binary_form=True)):
                return False
        if self._signatures is not None and not self._signatures.may_be_now(request.headers):
            return False
        if self._token is None:
            return True  # mutual TLS let the connection in, or the signature will tell
        given = request.headers.get(self._settings.token_header, "")
        if self._settings.token_header.lower() == "authorization":
            scheme, _, given = given.partition(" ")
            if scheme.lower() != "bearer":
                return False
        return hmac.compare_digest(given.strip().encode("utf-8", "surrogateescape"), self._token)

    def _is_wanted(self, content_type: str, stated: bool) -> bool:
        if self._settings.content_types:
            return content_type in self._settings.content_types
        return not (stated and self._is_json) or content_type.endswith(("/json", "+json"))

    async def _take(self, request: web.BaseRequest, accept: Accept) -> web.Response:
        key, correlation_id = self._key(request), correlation_id_of(request)
        await wait_for_journal(accept)
        body = await self._body(request)
        if self._signatures is not None and not self._signatures.are_good(request.headers, body):
            raise Refused(401, "not authorized")
        refusal = _why_not_json(body) if self._is_json else None
        attributes = {"content_type": request.content_type, "peer": request.remote or ""}
        received = Received(body, natural_id=key, attributes=attributes, refusal=refusal, correlation_id=correlation_id)
        receipt = await accept(received)
        status = 400 if refusal is not None and receipt.verdict is Verdict.REFUSED else _STATUS[receipt.verdict]
        return await self._told(status, receipt, correlation_id)

    def _key(self, request: web.BaseRequest) -> str | None:
        key = request.headers.get("Idempotency-Key" if self._signatures is None else "webhook-id")
        if key is None and self._settings.key_required:
            raise Refused(400, "Idempotency-Key is required", drop=True)
        if key is not None and not _KEY(key):
            raise Refused(400, "Idempotency-Key takes 1 to 255 visible ASCII characters", drop=True)
        return key

    async def _body(self, request: web.BaseRequest) -> bytes:
        """The whole body, within size and time."""
        _widen(request)
        if request.headers.get("Expect", "").lower() == "100-continue" and request.transport is not None:
            request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        chunks, size = [], 0
        try:
            async with asyncio.timeout(self._settings.body_timeout.total_seconds()):
                while chunk := await request.content.readany():
                    size += len(chunk)
                    if size > self._settings.max_body:
                        raise Refused(413, f"larger than {self._settings.max_body} bytes", drop=True)
                    chunks.append(chunk)
        except TimeoutError:
            raise Refused(408, "the body did not come in time", drop=True) from None
        except (web.RequestPayloadError, ValueError):  # chunks that are none, a connection that ended
            raise Refused(400, "the body is broken", drop=True) from None
        if not size:
            raise Refused(400, "the body is empty")
        return b"".join(chunks)

    async def _told(self, status: int, receipt: Receipt, correlation_id: str | None) -> web.Response:
        facts: dict[str, Any] = {
            "message_id": id_text(receipt.message_id),
            "correlation_id": correlation_id or id_text(receipt.message_id),
            "verdict": receipt.verdict.value,
        }
        reason = receipt.reason
        if receipt.settled is not None and receipt.verdict in (Verdict.ACCEPTED, Verdict.DUPLICATE):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._settings.answer_within.total_seconds()):
                    settled = await asyncio.shield(asyncio.ensure_future(receipt.settled))
                status, reason = (200 if settled.delivered else 202), settled.reason
                facts["delivered"] = settled.delivered
        if reason is not None:
            facts["reason"] = _facts(reason)
        return _json(status, facts)


async def _end(tasks: set[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class _Server(web.Server):
    """With a bound on connections. Idle ones, also before their first request, end after `idle_timeout`."""

    def __init__(self, answer: Any, settings: HttpSourceSettings) -> None:
        super().__init__(
            answer,
            keepalive_timeout=settings.idle_timeout.total_seconds(),
            lingering_time=0,
            read_bufsize=_HEAD_BUFFER,
            auto_decompress=False,
            access_log=None,
        )
        self._most = settings.max_connections

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        full = len(self.connections) >= self._most
        super().connection_made(handler, transport)
        if full:
            transport.abort()


def _listening_socket(listen: str) -> socket.socket:
    """Raises ConfigurationError when the address is taken or not ours."""
    host, port = split_address(listen)
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[
            0
        ]
        sock = socket.socket(family, kind)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _HEAD_BUFFER)
        sock.bind(address)
    except OSError as error:
        raise ConfigurationError(
            f"cannot listen: {error.strerror}", where=listen, remedy="choose a free address of this machine"
        ) from None
    return sock


def _widen(request: web.BaseRequest) -> None:
    """The sender is known now: let more of the body come at once."""
    sock = request.get_extra_info("socket")
    if sock is not None and (request.content_length or _BODY_BUFFER) > _HEAD_BUFFER:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BODY_BUFFER)


async def wait_for_journal(accept: Accept) -> None:
    """Slow the sender before sending it away."""
    waited = 0.0
    while accept.backlogged:
        if waited >= _BACKLOG_PATIENCE:
            raise Refused(503, "too much at once, try again", drop=True, Retry_After="2")
        await asyncio.sleep(0.05)
        waited += 0.05


def correlation_id_of(request: web.BaseRequest) -> str | None:
    given = request.headers.get("X-Correlation-Id")
    return given if given is not None and re.fullmatch(r"[A-Za-z0-9._:-]{1,64}", given) else None


def _why_not_json(body: bytes) -> Reason | None:
    try:
        body.decode("utf-8")
        msgspec.json.decode(body, type=msgspec.Raw)
    except UnicodeDecodeError as error:
        return Reason("M004", "the body is not UTF-8", f"byte {error.start + 1}", "send JSON in UTF-8")
    except (msgspec.DecodeError, RecursionError):
        return Reason(StructureError.code, "the body is not JSON", None, "check the body with a JSON tool")
    return None


async def _refuse(request: web.BaseRequest, refused: Refused) -> web.Response:
    if refused.drop and not await drained(request):
        refused.headers["Connection"] = "close"
        response = _said(refused.status, refused.text, refused.headers)
        response.force_close()
        return response
    return _said(refused.status, refused.text, refused.headers)


async def drained(request: web.BaseRequest) -> bool:
    """Read a small body away; a large or slow one is left, and its connection closed."""
    if not request.body_exists:
        return True
    if not 0 <= (request.content_length if request.content_length is not None else -1) <= _DRAIN:
        return False
    if request.headers.get("Expect"):
        return False
    try:
        async with asyncio.timeout(0.5):
            while await request.content.readany():
                pass
    except (TimeoutError, web.RequestPayloadError):
        return False
    return True


def _facts(reason: Reason) -> dict[str, str]:
    facts = {"code": reason.code, "text": reason.text, "where": reason.where, "remedy": reason.remedy}
    return {name: value for name, value in facts.items() if value is not None}


def _said(status: int, text: str, headers: LooseHeaders | None = None) -> web.Response:
    return _json(status, {"text": text}, headers)


def _json(status: int, facts: dict[str, Any], headers: LooseHeaders | None = None) -> web.Response:
    body = msgspec.json.encode(facts)
    return web.Response(body=body, status=status, headers=headers, content_type="application/json")
