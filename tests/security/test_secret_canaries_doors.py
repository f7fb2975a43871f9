"""Doors that do not speak HTTP: no error, check, log line or emitted fact tells the secret they log in with.

Each is provoked in three ways: nobody listens; a server that says back whatever it was told, as errors; and, where
the secret is a key, a key that cannot be read. For those that speak HTTP see `test_secrets`.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from engine.connectors.catalog import CATALOG
from engine.core.errors import IsthmusError
from engine.core.loopback import free_port
from engine.ports.connector import Outbound
from tests.support.as2 import partner, write
from tests.support.broker_keys import broker_keys
from tests.support.connector_doubles import Door, Secrets, context

CANARY = "KANARI-91c4-GEHEIM"
USUAL = {"connect_timeout": "100ms", "timeout": "100ms"}
BROKER = {"servers": ["127.0.0.1:{port}"], **USUAL}
LOGIN = {"user": "isthmus", "password": "env:S"}
TLS = {"ca": "ca.pem"}
OURS = {"certificate": "client.pem", "key": "client.key", "key_password": "env:S"}
FTPS = {"address": "localhost:{port}", **LOGIN, "tls": TLS, "folder": "/in", **USUAL}
SFTP = {"address": "127.0.0.1:{port}", "user": "us", "folder": "/in", "host_keys": ["SHA256:" + "A" * 43], **USUAL}
MAIL = {"address": "localhost:{port}", **LOGIN, "tls": TLS, **USUAL}
SMTP = MAIL | {"sender": "ap@harbor.example", "to": ["orders@alderbrook.example"]}
KEYED = {"private_key": "env:S", "passphrase": "env:S"}
TABLE = {"table": "t", "key": ["id"]}
SQL = {"url": "postgresql+psycopg://u@127.0.0.1:{port}/d", "password": "env:S"}
NATS, REDIS = b'INFO {"server_id":"x","version":"2.10.0","proto":1,"max_payload":1000,"auth_required":true}\r\n', b""
# name: kind, settings of both ends, of the source, of the destination, greeting, TLS from the first byte
DOORS: dict[str, tuple[str, dict[str, Any], dict[str, Any] | None, dict[str, Any] | None, bytes, bool]] = {
    "nats password": ("nats", BROKER | LOGIN, {"stream": "S", "durable": "d"}, {"subject": "s"}, NATS, False),
    "nats token": ("nats", BROKER | {"token": "env:S"}, {"stream": "S", "durable": "d"}, {"subject": "s"}, NATS, False),
    "nats nkey": ("nats", BROKER | {"nkey": "env:S"}, {"stream": "S", "durable": "d"}, {"subject": "s"}, NATS, False),
    "nats credentials": (
        "nats", BROKER | {"credentials": "env:S"}, {"stream": "S", "durable": "d"}, {"subject": "s"}, NATS, False,
    ),
    "nats key": (
        "nats", BROKER | {"tls": TLS | OURS}, {"stream": "S", "durable": "d"}, {"subject": "s"}, NATS, False,
    ),
    "rabbitmq password": ("rabbitmq", BROKER | LOGIN, {"queue": "q"}, {"routing_key": "q"}, b"", False),
    "redis password": ("redis", BROKER | LOGIN, {"stream": "s", "group": "g"}, {"stream": "s"}, REDIS, False),
    "kafka password": (
        "kafka", BROKER | LOGIN | {"plaintext": True, "sasl": "PLAIN"}, {"topics": ["t"], "group": "g"},
        {"topic": "t"}, b"", False,
    ),
    "kafka key": (
        "kafka", BROKER | {"tls": TLS | OURS}, {"topics": ["t"], "group": "g"}, {"topic": "t"}, b"", False,
    ),
    "ftps password": ("ftps", FTPS, {}, {}, b"220 here\r\n", False),
    "ftps password, implicit": ("ftps", FTPS | {"mode": "implicit"}, {}, {}, b"220 here\r\n", True),
    "sftp password": ("sftp", SFTP | {"password": "env:S"}, {}, {}, b"SSH-2.0-x\r\n", False),
    "sftp key and passphrase": ("sftp", SFTP | KEYED, {}, {}, b"SSH-2.0-x\r\n", False),
    "smtp password": ("smtp", SMTP, None, {}, b"220 here\r\n", True),
    "imap password": ("imap", MAIL, {"attachments": ["*.edi"]}, None, b"* OK here\r\n", True),
    "sql password": ("sql", SQL, TABLE | {"watermark": "id"}, TABLE | {"columns": {"id": "id"}}, b"", False),
    "pgp key, read": (
        "file", {"folder": "in"}, {"unwrap": ["pgp"], "pgp": {"key": "env:S", "passphrase": "env:S"}}, None, b"", False,
    ),
    "pgp key, written": (
        "file", {"folder": "out"}, None,
        {"wrap": ["pgp"], "pgp": {"recipients": ["ca.pem"], "sign_with": "env:S", "passphrase": "env:S"}}, b"", False,
    ),
}  # fmt: skip
OUT = Outbound(1, 1, "under_test", "c", "key", b'{"id": 1}', natural_key="key", order_key="k")


@asynccontextmanager
async def parrot(greeting: bytes, secured: bool) -> AsyncIterator[int]:
    """A server that says back all that it is told, in each protocol's way to say no."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(greeting)
            while said := await reader.read(4096):
                text = said.replace(b"\r\n", b" ")
                for no in (b"-ERR '%s'\r\n", b"535 %s\r\n", b"* BYE %s\r\n", b"a1 NO %s\r\n"):
                    writer.write(no % (text + CANARY.encode()))
                await writer.drain()
        except (OSError, asyncio.CancelledError):
            pass  # the other side went, or the test ends
        finally:
            writer.close()

    offered = None
    if secured:
        offered = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        offered.load_cert_chain(broker_keys() / "server.pem", broker_keys() / "server.key")
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=offered)
    yield server.sockets[0].getsockname()[1]
    server.close()


def _at(port: int, settings: Any) -> Any:
    if isinstance(settings, dict):
        return {name: _at(port, value) for name, value in settings.items()}
    if isinstance(settings, list):
        return [_at(port, value) for value in settings]
    return settings.replace("{port}", str(port)) if isinstance(settings, str) else settings


def _words(error: BaseException) -> list[str]:
    """What a log or a traceback could show of it."""
    behind = [one for one in (error.__cause__, error.__context__ if not error.__suppress_context__ else None) if one]
    return [str(error), repr(error), repr(vars(error)), *(word for one in behind for word in _words(one))]


async def _tried(work: Any, told: list[str]) -> None:
    try:
        async with asyncio.timeout(3):
            told.append(repr(await work))
    except (IsthmusError, TimeoutError) as error:
        told += _words(error)


async def _provoked(name: str, port: int, root: Path, told: list[str]) -> None:
    kind, both, inward, outward, _, _ = DOORS[name]
    around = context(root, secrets=Secrets({"env:S": CANARY}), emit=lambda *facts: told.append(repr(facts)))
    for side, own in (("sources", inward), ("destinations", outward)):
        if own is None:
            continue
        entry = getattr(CATALOG, side)[kind]
        settings = entry.load().model_validate(_at(port, both | own))
        try:
            door: Any = entry.build(settings, around)
        except IsthmusError as error:
            told += _words(error)
            continue
        await _tried(door.check(), told)
        if side == "sources":
            running = asyncio.ensure_future(door.run(Door()))
            await asyncio.wait([running], timeout=0.1)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        else:
            await _tried(door.send(OUT), told)
            await door.close()
        told += [repr(settings), str(settings), repr(door)]


@pytest.mark.parametrize("name", DOORS)
@pytest.mark.parametrize("far_side", ["nobody", "parrot"])
async def test_no_failure_of_a_door_tells_its_secret(
    name: str, far_side: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for file in broker_keys().iterdir():
        shutil.copy(file, tmp_path)
    for folder in ("in", "out"):
        (tmp_path / folder).mkdir()
    (tmp_path / "in" / "sealed.pgp").write_bytes(b"\x85\x01no message")
    told: list[str] = []
    if far_side == "nobody":
        await _provoked(name, free_port(), tmp_path, told)
    else:
        async with parrot(*DOORS[name][4:]) as port:
            await _provoked(name, port, tmp_path, told)

    assert any("False" in one or "ConfigurationError" in one or "TransportError" in one for one in told), told
    assert [one[:300] for one in [*told, *caplog.text.splitlines()] if CANARY in one] == []


def test_a_private_key_of_as2_that_cannot_be_read_is_not_shown(tmp_path: Path) -> None:
    write(tmp_path, "us", partner("us"))
    given = {"listen": "127.0.0.1:1", "as2_id": "US", "certificate": "us.pem", "key": "env:S", "key_password": "env:S"}
    entry = CATALOG.sources["as2"]
    settings = entry.load().model_validate(given | {"partners": [{"as2_id": "THEM", "certificates": ["us.pem"]}]})
    with pytest.raises(IsthmusError) as caught:
        entry.build(settings, context(tmp_path, secrets=Secrets({"env:S": CANARY}), format="bytes"))

    assert CANARY not in " ".join(_words(caught.value))
