"""Serving over TCP (loopback unless told otherwise) and over the control socket, inside the engine's own loop."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from engine.api.gate import PEER_UID
from engine.core.errors import ConfigurationError
from engine.ports.web import TlsFiles

# The kernel takes in no more than this of a request that nobody has agreed to read yet.
_RECEIVE_BUFFER_BYTES = 16 * 1024
_UNASKED_BYTES = 1024
_STOP_SECONDS = 3
LOOK_SECONDS = 15.0


@asynccontextmanager
async def serve(app: ASGIApp, listen: str, tls: TlsFiles | None = None) -> AsyncIterator[str]:
    """Serve on `host:port` (port 0: any free one) until the block ends; yields the base URL.

    Raises:
        ConfigurationError: the address is wrong or taken, or the TLS files cannot be read.
    """
    listener = _bind(listen)
    host, port = listener.getsockname()[:2]
    scheme = "https" if tls else "http"
    async with _running(_config(app, tls), listener):
        yield f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


@asynccontextmanager
async def serve_control(app: ASGIApp, path: Path) -> AsyncIterator[Path]:
    """Serve on a Unix socket that only its owner may open; the caller is known by the kernel's word."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    except OSError as error:
        listener.close()
        raise ConfigurationError(f"cannot make the control socket: {error.strerror}") from None
    finally:
        os.umask(before)
    listener.listen(64)
    listener.setblocking(False)
    try:
        async with _running(_config(app, None, ControlProtocol), listener):
            yield path
    finally:
        path.unlink(missing_ok=True)


class PatientProtocol(H11Protocol):
    """HTTP that does not read a body before the application asks for it, and does not wait for ever for a head.

    A stranger's body is refused nearly unread; a connection that sends no whole head in two looks is closed.
    """

    _look: asyncio.TimerHandle | None = None
    _quiet: object = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._look = self.loop.call_later(LOOK_SECONDS, self._close_if_idle)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._look is not None:
            self._look.cancel()
        super().connection_lost(exc)

    def _close_if_idle(self) -> None:
        idle = self.cycle is None or self.cycle.response_complete
        mark = (self.cycle,) if idle else None
        if idle and mark == self._quiet:
            self.transport.close()
            return
        self._quiet = mark
        self._look = self.loop.call_later(LOOK_SECONDS, self._close_if_idle)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete and len(cycle.body) >= _UNASKED_BYTES:
            self.flow.pause_reading()


class ControlProtocol(PatientProtocol):
    """HTTP on the control socket: adds the peer's user id to the request's state."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        peer = transport.get_extra_info("socket")
        credentials = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        self.app_state = {**self.app_state, PEER_UID: struct.unpack("3i", credentials)[1]}


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the engine's, which drains first."""
        yield


@asynccontextmanager
async def _running(config: uvicorn.Config, listener: socket.socket) -> AsyncIterator[None]:
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started and not task.done():
            await asyncio.sleep(0.005)
        if task.done():
            await task
        yield
    finally:
        server.should_exit = True
        await asyncio.wait({task}, timeout=_STOP_SECONDS + 1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        listener.close()


def _config(app: ASGIApp, tls: TlsFiles | None, protocol: Any = PatientProtocol) -> uvicorn.Config:
    config = uvicorn.Config(
        app,
        http=protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,  # a path can be a message id; who read what is in the audit trail
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=20,
        timeout_graceful_shutdown=_STOP_SECONDS,
        limit_concurrency=200,
        h11_max_incomplete_event_size=32 * 1024,
    )
    config.load()
    if tls is not None:
        config.ssl = tls_context(tls)
    return config


def tls_context(tls: TlsFiles) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(tls.certificate, tls.key)
    except (OSError, ssl.SSLError):
        raise ConfigurationError(
            "the console's certificate or key cannot be read", remedy="give PEM files that belong together"
        ) from None
    return context


def _bind(listen: str) -> socket.socket:
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal():
        raise ConfigurationError("an address to listen on is host:port", remedy="for example 127.0.0.1:8600")
    host = host.strip("[]")
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
    try:
        listener.bind((host, int(port)))
    except OSError as error:
        listener.close()
        raise ConfigurationError(f"cannot listen on {listen}: {error.strerror}", remedy="choose another port") from None
    listener.listen(128)
    listener.setblocking(False)
    return listener
