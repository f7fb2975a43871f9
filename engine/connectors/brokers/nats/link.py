"""A connection to a NATS server: who we are, TLS that cannot be talked away, errors in our words."""

from __future__ import annotations

import asyncio
import base64
import random
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import nats.errors
import nats.js.errors
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from nats.aio.client import Client

from engine.connectors.brokers.handshake import ended_early, tls_trouble
from engine.connectors.brokers.nats.settings import NatsConnection, NatsServer
from engine.connectors.brokers.shared import reach_of
from engine.connectors.fields import split_address
from engine.connectors.tls import ClientContext, check_pinned
from engine.core.errors import ConfigurationError, TransportError
from engine.ports.connector import ConnectorContext

_PING = 10  # seconds; two without an answer, and the server is lost
_BROKEN_OFF = 0.2  # seconds: a connection whose handshake failed is never told to be closed
_USER_PREFIX = 20 << 3
_SEED_BYTES = 32
T = TypeVar("T")


class NatsLink:
    """Connections of one source or destination. `lost` is set when the one that is open ends."""

    def __init__(self, settings: Any, context: ConnectorContext) -> None:
        self._context = context
        self.reach: NatsServer = reach_of(settings, context, NatsConnection if settings.connection else NatsServer)
        self._tls = ClientContext(self.reach.tls, context.root, context.secrets) if self.reach.tls else None
        self.lost = asyncio.Event()
        self.client: Client | None = None

    async def open(self) -> Client:
        """A connection to the first server that takes us.

        Raises:
            TransportError: none does; nothing was sent.
            ConfigurationError: what we log in with is not what it should be.
        """
        trouble: TransportError | None = None
        for address in random.sample(self.reach.servers, len(self.reach.servers)):
            try:
                self.client = await self._to(address)
                return self.client
            except TransportError as error:
                trouble = error
        raise trouble or TransportError("no server is set", where=self._context.name)

    async def close(self) -> None:
        client, self.client = self.client, None
        if client is not None:
            await _close(client)

    async def asked(self, work: Awaitable[T], missing: str, remedy: str) -> T:
        """An answer of JetStream's own interface.

        Raises:
            ConfigurationError: what was asked for is missing, or we may not.
            TransportError: no answer.
        """
        where = self._context.name
        try:
            async with asyncio.timeout(self.reach.timeout.total_seconds()):
                return await work
        except nats.js.errors.NotFoundError:
            raise ConfigurationError(missing, where=where, remedy=remedy) from None
        except nats.errors.NoRespondersError:
            raise ConfigurationError("the server has no JetStream for us", where=where, remedy="enable it") from None
        except nats.js.errors.ServiceUnavailableError:
            raise TransportError("the server has no JetStream for us now", where=where) from None
        except nats.js.errors.APIError as error:
            words = f"the server refuses (JetStream error {error.err_code})"
            raise ConfigurationError(words, where=where, remedy="look it up in its log") from None
        except (TimeoutError, nats.errors.Error, OSError) as error:
            raise TransportError(f"no answer of the server: {type(error).__name__}", where=where) from None

    async def _to(self, address: str) -> Client:
        client, lost = Client(), asyncio.Event()
        self.lost = lost

        async def ended() -> None:
            lost.set()

        host, port = split_address(address)
        options = self._options(client, host)
        try:
            async with asyncio.timeout(self.reach.connect_timeout.total_seconds()):
                await client.connect(
                    servers=[f"nats://[{host}]:{port}" if ":" in host else f"nats://{host}:{port}"],
                    name=f"isthmus {self._context.name}",
                    error_cb=_quiet,
                    closed_cb=ended,
                    disconnected_cb=ended,
                    allow_reconnect=False,
                    max_reconnect_attempts=1,  # of the first connection: at once, and no more
                    reconnect_time_wait=0,
                    connect_timeout=max(1, int(self.reach.connect_timeout.total_seconds())),
                    ping_interval=_PING,
                    **options,
                )
                self._check_secured(client)
        except (nats.errors.Error, OSError, TimeoutError, TransportError) as error:
            await _close(client, _BROKEN_OFF)
            raise self._unreachable(error) from None
        except BaseException:
            await _close(client)
            raise
        return client

    def _options(self, client: Client, host: str) -> dict[str, Any]:
        """How to log in. Each secret is given only over a connection that is as safe as the settings say."""
        reach, secret = self.reach, self._context.secrets.resolve
        options: dict[str, Any] = {}
        if self._tls is not None and reach.tls is not None:
            options |= {"tls": self._tls.current(), "tls_hostname": reach.tls.server_name or host}
            options["tls_handshake_first"] = reach.tls_first
        if reach.user is not None and reach.password is not None:
            options |= {"user": reach.user, "password": self._guarded(client, secret(reach.password).strip())}
        elif reach.token is not None:
            options["token"] = self._guarded(client, secret(reach.token).strip())
        elif reach.nkey is not None:
            key = _key(secret(reach.nkey).strip(), self._context.name)
            client._public_nkey = _public(key)  # the library's own way needs a further package
            options["signature_cb"] = self._signer(client, key)
        elif reach.credentials is not None:
            jwt, seed = _credentials(secret(reach.credentials), self._context.name)
            options["user_jwt_cb"] = lambda: jwt
            options["signature_cb"] = self._signer(client, _key(seed, self._context.name))
        return options

    def _guarded(self, client: Client, value: str) -> Callable[[], str]:
        def give() -> str:
            self._check_secured(client)
            return value

        return give

    def _signer(self, client: Client, key: Ed25519PrivateKey) -> Callable[[str], bytes]:
        def sign(nonce: str) -> bytes:
            self._check_secured(client)
            return base64.b64encode(key.sign(nonce.encode()))

        return sign

    def _check_secured(self, client: Client) -> None:
        """A server that offers no TLS where TLS is set is not talked to."""
        if self.reach.tls is None:
            return
        writer = getattr(client._transport, "_io_writer", None)
        secured = writer.get_extra_info("ssl_object") if writer is not None else None
        if secured is None:
            raise TransportError(
                "the server offers no TLS", where=self._context.name, remedy="tls_first, or its set-up"
            )
        try:
            theirs = secured.getpeercert(binary_form=True)
        except ValueError:  # the handshake that was to come before was broken off
            raise ended_early(self._context.name) from None
        if not check_pinned(self.reach.tls, theirs):
            raise TransportError("the server's certificate is not the pinned one", where=self._context.name)

    def _unreachable(self, error: Exception) -> TransportError:
        if isinstance(error, TransportError):
            return error
        if isinstance(error, nats.errors.AuthorizationError) or "authorization" in str(error).lower():
            remedy = "compare user, password or key with the server's"
            return TransportError("the server does not let us in", where=self._context.name, remedy=remedy)
        trouble = tls_trouble(error, self._context.name, secured=self._tls is not None)
        words = f"no connection to a server: {type(error).__name__}"
        return trouble or TransportError(words, where=self._context.name)


async def _quiet(error: Exception) -> None:
    """The library would log it; what it means is told where it is noticed."""


async def _close(client: Client, seconds: float = 2.0) -> None:
    try:
        async with asyncio.timeout(seconds):
            await client.close()
    except (nats.errors.Error, OSError, TimeoutError):
        pass  # it is gone already


# ------------------------------------------------------------------ keys
def _key(seed: str, where: str) -> Ed25519PrivateKey:
    try:
        raw = base64.b32decode(seed + "=" * (-len(seed) % 8))
        return Ed25519PrivateKey.from_private_bytes(raw[2 : 2 + _SEED_BYTES])
    except ValueError:
        raise ConfigurationError("the nkey is no seed", where=where, remedy="it begins with SU") from None


def _public(key: Ed25519PrivateKey) -> str:
    raw = bytes([_USER_PREFIX]) + key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    checked = raw + _crc16(raw).to_bytes(2, "little")
    return base64.b32encode(checked).decode().rstrip("=")


def _crc16(data: bytes) -> int:
    """CCITT, as nkeys have it."""
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = ((crc << 1) ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


def _credentials(text: str, where: str) -> tuple[bytes, str]:
    """JWT and seed: what stands after each BEGIN line."""
    lines = [line.strip() for line in text.splitlines()]
    found = [lines[n + 1] for n, line in enumerate(lines[:-1]) if "BEGIN" in line]
    if len(found) != 2:
        raise ConfigurationError("these are no credentials", where=where, remedy="give a .creds file") from None
    return found[0].encode(), found[1]
