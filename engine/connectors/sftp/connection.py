"""The connection to one server: made when it is needed, given up when it does not answer, made again.

Hard limits: on the address, on everything up to the log-in (a server that takes the connection and says nothing,
or talks without end), and on every answer after it.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import paramiko

from engine.connectors.fields import split_address
from engine.connectors.remote_folder.client import LogInError as LogInError
from engine.connectors.remote_folder.client import LostError
from engine.connectors.sftp.client import SftpClient
from engine.connectors.sftp.hostkeys import PinnedKeys
from engine.connectors.sftp.settings import SftpServer
from engine.core.errors import ConfigurationError, TransportError
from engine.ports.connector import ConnectorContext

_KEEPALIVE = 30  # seconds
_SILENT = (
    "isthmus_ssh"  # where paramiko logs to: its remarks hold the server's words, and what counts we tell ourselves
)
logging.getLogger(_SILENT).setLevel(logging.CRITICAL + 1)

T = TypeVar("T")
_KEY_TYPES: tuple[type[paramiko.PKey], ...] = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)


class SftpConnection:
    """One connection, shared by all that is under way."""

    def __init__(self, settings: SftpServer, context: ConnectorContext) -> None:
        self._settings, self._where = settings, context.name
        self._host, self._port = split_address(settings.address)
        self._known = context.root / settings.known_hosts if settings.known_hosts else None
        self._pinned = self._pins()  # a file that is not there is told at the start
        self._password = context.secrets.resolve(settings.password) if settings.password else None
        self._key = _private_key(settings, context)
        self._lock = asyncio.Lock()
        self._transport: paramiko.Transport | None = None
        self._client: SftpClient | None = None

    async def client(self) -> SftpClient:
        """Raises TransportError, HostKeyError, LogInError: nothing was asked of the server yet."""
        async with self._lock:
            if self._client is None or self._client.lost is not None:
                await self._drop()
                self._client = await self._connect()
            return self._client

    def _pins(self) -> PinnedKeys:
        return PinnedKeys(self._host, self._port, self._known, self._settings.host_keys, self._where)

    async def close(self) -> None:
        """Leaves no socket and no thread."""
        if self._client is not None:
            self._client.close()
        await self._drop()

    async def _drop(self) -> None:
        transport, self._transport, self._client = self._transport, None, None
        if transport is not None:
            await _in_thread(_end, transport)

    # -------------------------------------------------------------- connecting
    async def _connect(self) -> SftpClient:
        """All of it or nothing: a failure leaves no socket."""
        self._read_pins_again()
        connected = await self._reach()
        self._transport = paramiko.Transport(connected)
        self._transport.set_log_channel(_SILENT)
        try:
            async with asyncio.timeout(self._settings.login_timeout.total_seconds()):
                channel = await _in_thread(self._log_in, self._transport)
                client = SftpClient(channel, self._settings.timeout.total_seconds())
                await client.begin()
                return client
        except (TimeoutError, LostError):
            await self._drop()
            raise self._error("the server takes the connection, but there is no log-in in time") from None
        except BaseException:
            await self._drop()
            raise

    def _read_pins_again(self) -> None:
        """A key that was pinned since counts without a restart."""
        try:
            self._pinned = self._pins()
        except ConfigurationError as error:
            raise TransportError(error.what, where=error.where, remedy=error.remedy) from None

    async def _reach(self) -> socket.socket:
        """A socket to the first of the host's addresses that takes us."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._settings.connect_timeout.total_seconds()):
                found = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
                for family, kind, protocol, _, address in found:
                    if (reached := await _socket_to(family, kind, protocol, address)) is not None:
                        return reached
        except (OSError, TimeoutError):
            pass  # told below, as for addresses that do not answer
        raise self._error("no connection to the server")

    # -------------------------------------------------------------- in a thread
    def _log_in(self, transport: paramiko.Transport) -> paramiko.Channel:
        longest = self._settings.login_timeout.total_seconds()
        transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = longest
        transport.set_keepalive(_KEEPALIVE)
        self._ask_for_pinned_kinds(transport)
        try:
            transport.start_client(timeout=longest)
            self._pinned.check(transport.get_remote_server_key().asbytes())
            self._authenticate(transport)
            channel = transport.open_session(timeout=longest)
            channel.settimeout(None)
            channel.invoke_subsystem("sftp")
        except paramiko.AuthenticationException:
            raise self._refused() from None
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise self._error(f"the log-in ended without success: {type(error).__name__}") from None
        return channel

    def _ask_for_pinned_kinds(self, transport: paramiko.Transport) -> None:
        """A server has keys of several kinds and shows the one it is asked for."""
        options, kinds = transport.get_security_options(), self._pinned.kinds
        wanted = [name for name in options.key_types if _kind(name) in kinds]
        if wanted:
            options.key_types = wanted

    def _authenticate(self, transport: paramiko.Transport) -> None:
        further = ["password"]
        if self._key is not None:
            further = transport.auth_publickey(self._settings.user, self._key)
        if self._password is not None and not transport.is_authenticated() and further:
            further = transport.auth_password(self._settings.user, self._password)
        if not transport.is_authenticated():
            raise paramiko.AuthenticationException

    def _refused(self) -> LogInError:
        return LogInError(
            "the server does not accept our log-in",
            where=self._where,
            remedy="compare user, key or password with what the server's operator has; see the server's log",
        )

    def _error(self, what: str) -> TransportError:
        return TransportError(what, where=self._where, remedy="check address, network and the server itself")


async def _socket_to(family: int, kind: int, protocol: int, address: object) -> socket.socket | None:
    made = socket.socket(family, kind, protocol)
    made.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(made, address)  # type: ignore[arg-type]
    except OSError:
        made.close()
        return None
    except BaseException:
        made.close()
        raise
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


async def _in_thread(work: Callable[[paramiko.Transport], T], transport: paramiko.Transport) -> T:
    """In a thread of its own: servers that hang must not take those that others wait for."""
    executor = ThreadPoolExecutor(1, "sftp connection")
    try:
        return await asyncio.get_running_loop().run_in_executor(executor, work, transport)
    finally:
        executor.shutdown(wait=False)


def _end(transport: paramiko.Transport) -> None:
    """The socket first: a thread that waits on it is free at once, and nothing more is written to a dead server."""
    with contextlib.suppress(OSError):
        transport.sock.shutdown(socket.SHUT_RDWR)
    transport.close()
    with contextlib.suppress(OSError):
        transport.sock.close()
    if transport.is_alive():
        transport.join(5)


def _kind(algorithm: str) -> str:
    """The kind of key behind a signature algorithm: rsa-sha2-512 signs with an ssh-rsa key."""
    return "ssh-rsa" if algorithm.startswith("rsa-sha2-") else algorithm


def _private_key(settings: SftpServer, context: ConnectorContext) -> paramiko.PKey | None:
    """Raises ConfigurationError: it cannot be read, or its certificate cannot."""
    if settings.private_key is None:
        return None
    text = context.secrets.resolve(settings.private_key).strip() + "\n"
    passphrase = context.secrets.resolve(settings.passphrase) if settings.passphrase else None
    for kind in _KEY_TYPES:
        try:
            key = kind.from_private_key(io.StringIO(text), passphrase)
            break
        except (paramiko.SSHException, ValueError, IndexError):
            continue  # another kind of key, or none at all: told below
    else:
        raise ConfigurationError(
            "the private key cannot be read",
            where=f"{context.name}.private_key",
            remedy="give an Ed25519, ECDSA or RSA key as ssh-keygen writes it, and its passphrase if it has one",
        )
    if settings.certificate is not None:
        _add_certificate(key, context.root / settings.certificate, context.name)
    return key


def _add_certificate(key: paramiko.PKey, file: Path, where: str) -> None:
    try:
        key.load_certificate(file.read_text("utf-8").strip())
    except (OSError, ValueError, IndexError, paramiko.SSHException):
        raise ConfigurationError(
            "the certificate cannot be read, or is of another key",
            where=f"{where}.certificate",
            remedy="give the file that ssh-keygen -s wrote for this key (…-cert.pub)",
        ) from None
