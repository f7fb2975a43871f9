"""TLS: old versions are refused, files are followed, a bad replacement changes nothing."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.connectors.tls import ClientContext, ClientTls, ServerContext, ServerTls, days_left
from engine.core.errors import ConfigurationError
from tests.support.certificates import Authority
from tests.support.connector_doubles import Secrets

NOBODY = Secrets()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    one = Authority()
    one.write(tmp_path / "ca.pem")
    one.issue(tmp_path / "server.pem", tmp_path / "server.key")
    one.issue(tmp_path / "client.pem", tmp_path / "client.key", "client")
    return one


def server(root: Path, **settings: Any) -> ServerContext:
    values = {"certificate": "server.pem", "key": "server.key"} | settings
    return ServerContext(ServerTls.model_validate(values), root, NOBODY)


async def handshake(serving: ServerContext, client: ssl.SSLContext, name: str | None = "localhost") -> str | None:
    """The TLS version that both speak, None when they do not come together."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        writer.close()

    listener = await asyncio.start_server(greet, "127.0.0.1", 0, ssl=serving.context)
    port = listener.sockets[0].getsockname()[1]
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client, server_hostname=name)
        version: str | None = writer.get_extra_info("ssl_object").version()
        greeting = await reader.read()  # TLS 1.3 tells of a missing client certificate only now
        writer.close()
        return version if greeting == b"hello" else None
    except (ssl.SSLError, OSError):
        return None
    finally:
        listener.close()


def trusting(root: Path, *pair: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(root / "ca.pem"))
    if pair:
        context.load_cert_chain(root / pair[0], root / pair[1])
    return context


@pytest.mark.usefixtures("authority")
@pytest.mark.parametrize(("version", "spoken"), [("TLSv1_1", None), ("TLSv1_2", "TLSv1.2"), ("TLSv1_3", "TLSv1.3")])
async def test_only_tls_1_2_and_later_is_spoken(tmp_path: Path, version: str, spoken: str | None) -> None:
    client = trusting(tmp_path)
    with pytest.warns(DeprecationWarning, match="TLSv1_1") if version == "TLSv1_1" else contextlib.nullcontext():
        client.minimum_version = client.maximum_version = ssl.TLSVersion[version]
        client.set_ciphers("ALL:@SECLEVEL=0")

    assert await handshake(server(tmp_path), client) == spoken


@pytest.mark.usefixtures("authority")
async def test_minimum_version_can_be_raised(tmp_path: Path) -> None:
    client = trusting(tmp_path)
    client.maximum_version = ssl.TLSVersion.TLSv1_2

    assert await handshake(server(tmp_path, minimum_version="1.3"), client) is None


@pytest.mark.usefixtures("authority")
@pytest.mark.parametrize(("pair", "let_in"), [((), False), (("client.pem", "client.key"), True)])
async def test_mutual_tls_asks_for_a_certificate(tmp_path: Path, pair: tuple[str, ...], let_in: bool) -> None:
    serving = server(tmp_path, client_ca="ca.pem")

    assert (await handshake(serving, trusting(tmp_path, *pair)) is not None) is let_in


@pytest.mark.parametrize("name", ["localhost", None])
async def test_replaced_files_are_used_by_the_next_connection(
    tmp_path: Path, authority: Authority, name: str | None
) -> None:
    serving = server(tmp_path, client_ca="ca.pem")
    known = trusting(tmp_path, "client.pem", "client.key")
    known.check_hostname = name is not None
    before = await handshake(serving, known, name or "")
    other = Authority("other")
    other.write(tmp_path / "ca.pem")
    other.issue(tmp_path / "server.pem", tmp_path / "server.key")
    serving.look()
    old_client = await handshake(serving, known, name or "")
    other.issue(tmp_path / "client.pem", tmp_path / "client.key", "client")
    new = trusting(tmp_path, "client.pem", "client.key")
    new.check_hostname = name is not None
    new_client = await handshake(serving, new, name or "")

    assert before is not None
    assert old_client is None  # neither side knows the other any more
    assert new_client is not None


async def test_bad_replacement_is_left_aside_and_told(tmp_path: Path, authority: Authority) -> None:
    serving = server(tmp_path)
    (tmp_path / "server.pem").write_text("half written")
    serving.look()
    during, problem = await handshake(serving, trusting(tmp_path)), serving.problem
    authority.issue(tmp_path / "server.pem", tmp_path / "server.key")
    serving.look()

    assert during is not None
    assert problem is not None
    assert "half written" not in problem
    assert serving.problem is None
    assert await handshake(serving, trusting(tmp_path)) is not None


@pytest.mark.usefixtures("authority")
def test_key_of_another_certificate_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be loaded"):
        server(tmp_path, key="client.key")


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        server(tmp_path)

    assert caught.value.where == "server.pem"


@pytest.mark.usefixtures("authority")
@pytest.mark.parametrize(("settings", "meets"), [({"ca": "ca.pem"}, True), ({}, False), ({"verify": False}, True)])
async def test_client_checks_the_peer(tmp_path: Path, settings: dict[str, Any], meets: bool) -> None:
    client = ClientContext(ClientTls.model_validate(settings), tmp_path, NOBODY)

    assert (await handshake(server(tmp_path), client.current()) is not None) is meets


@pytest.mark.usefixtures("authority")
async def test_client_follows_its_files(tmp_path: Path) -> None:
    client = ClientContext(ClientTls(ca="ca.pem"), tmp_path, NOBODY)
    first = client.current()
    Authority("other").write(tmp_path / "ca.pem")
    client.look()

    assert await handshake(server(tmp_path), first) is not None
    assert await handshake(server(tmp_path), client.current()) is None


@pytest.mark.usefixtures("authority")
def test_days_left_are_counted_down_and_below_zero(tmp_path: Path) -> None:
    made = datetime.now(UTC)

    assert days_left(tmp_path / "server.pem", made) == 0
    assert days_left(tmp_path / "server.pem", made - timedelta(days=10)) == 10
    assert days_left(tmp_path / "server.pem", made + timedelta(days=3)) == -3
    assert days_left(tmp_path / "missing.pem", made) is None
