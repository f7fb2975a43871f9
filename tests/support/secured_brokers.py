"""Brokers that speak TLS only, with clients that have a certificate and a password; and a broken way to each."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

from engine.connectors.catalog import CATALOG
from engine.core.loopback import free_port
from tests.support.broker_keys import broker_keys
from tests.support.brokers import Broker, Nats, RabbitMq, Redis
from tests.support.connector_doubles import Door, Secrets, context
from tests.support.nats_server import NatsServer
from tests.support.rabbitmq_server import rabbitmq_server
from tests.support.redis_server import RedisServer

PASSWORD = "PaSSw0rd-9c1e"
TLS = {"ca": "ca.pem", "certificate": "client.pem", "key": "client.key"}


@cache
def nats_secured(certificate: str = "server") -> NatsServer:
    """With mutual TLS, for the user `isthmus`."""
    keys = broker_keys()
    tls = f'tls {{ cert_file: "{keys}/{certificate}.pem", key_file: "{keys}/{certificate}.key"'
    tls += f', ca_file: "{keys}/ca.pem", verify: true }}\n'
    made = NatsServer(f'{tls}authorization {{ users: [ {{ user: isthmus, password: "{PASSWORD}" }} ] }}\n')
    made.start()
    return made


@cache
def redis_secured(certificate: str = "server") -> tuple[RedisServer, int]:
    """The server, and its port with mutual TLS, where the ACL knows the user `isthmus`."""
    keys, port = broker_keys(), free_port()
    files = ["--tls-cert-file", f"{keys}/{certificate}.pem", "--tls-key-file", f"{keys}/{certificate}.key"]
    acl = ["--user", "isthmus", "on", f">{PASSWORD}", "~*", "+@all"]
    made = RedisServer("--tls-port", str(port), *files, "--tls-ca-cert-file", f"{keys}/ca.pem", *acl)
    made.start()
    while socket.socket().connect_ex(("127.0.0.1", port)):
        pass
    return made, port


class Secured(Broker):
    """A broker as `tests.support.brokers` has it, reached through TLS. `root` holds copies of the certificates."""

    user, password = "isthmus", PASSWORD

    def port(self) -> int:
        raise NotImplementedError

    def expired(self) -> Any:
        """A port at which the server's certificate has expired: a context."""
        raise NotImplementedError

    def reach(self, root: Path, port: int | None = None, **tls: Any) -> dict[str, Any]:
        """Settings of a source or destination; `tls` replaces what is right, None takes it away."""
        for file in broker_keys().iterdir():
            if not (root / file.name).exists():
                shutil.copy(file, root)
        ours = {name: value for name, value in (TLS | tls).items() if value is not None}
        server = {"servers": [f"127.0.0.1:{port or self.port()}"], "user": self.user, "password": "env:P", "tls": ours}
        return server | {"connect_timeout": "5s", "timeout": "5s"}

    def made(self, kind: str, root: Path, reach: dict[str, Any], secrets: Secrets) -> Any:
        """A source or destination; `kind` is `sources` or `destinations`."""
        entry = getattr(CATALOG, kind)[self.type]
        settings = (self.settings() if kind == "sources" else self.sink()) | reach
        return entry.build(entry.load().model_validate(settings), context(root, secrets=secrets))

    def secrets(self) -> Secrets:
        return Secrets({"env:P": self.password})


@asynccontextmanager
async def taking(door: Door, source: Any) -> AsyncIterator[None]:
    """A source that runs meanwhile."""
    task = asyncio.ensure_future(source.run(door))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class SecuredNats(Secured, Nats):
    """NATS asks for a certificate and a password."""

    @property
    def server(self) -> Any:
        return nats_secured()

    def port(self) -> int:
        return nats_secured().port

    @asynccontextmanager
    async def expired(self) -> AsyncIterator[int]:
        yield nats_secured("expired").port


class SecuredRabbitMq(Secured, RabbitMq):
    """RabbitMQ with a listener for TLS."""

    user, password = "guest", "guest"

    def port(self) -> int:
        return rabbitmq_server().secured_port

    @asynccontextmanager
    async def expired(self) -> AsyncIterator[int]:
        """No RabbitMQ: a handshake needs none, and one more of it would take ten seconds."""
        offered = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        offered.load_cert_chain(broker_keys() / "expired.pem", broker_keys() / "expired.key")
        server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0, ssl=offered)
        yield server.sockets[0].getsockname()[1]
        server.close()


class SecuredRedis(Secured, Redis):
    """Redis with an ACL."""

    @property
    def server(self) -> Any:
        return redis_secured()[0]

    def port(self) -> int:
        return redis_secured()[1]

    @asynccontextmanager
    async def expired(self) -> AsyncIterator[int]:
        yield redis_secured("expired")[1]
