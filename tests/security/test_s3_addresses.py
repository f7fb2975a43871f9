"""Where an S3 client's requests may go: the address that was judged is connected to, under the name that TLS asks for.

Source: OWASP SSRF Prevention Cheat Sheet (DNS rebinding); RFC 9525.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from engine.connectors.s3.bucket import Bucket, RefusedError
from engine.connectors.s3.settings import S3Server
from engine.core.errors import TransportError
from engine.core.loopback import free_port
from tests.support.certificates import Authority
from tests.support.connector_doubles import Secrets, context
from tests.support.watched_connects import watched_connects

LISTING = (
    b"<ListBucketResult><Name>prices</Name><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated></ListBucketResult>"
)
SECRETS = Secrets({"env:ACCESS": "testing", "env:SECRET": "testing"})


class Answers(BaseHTTPRequestHandler):
    """An empty bucket, or whatever `elsewhere` redirects to."""

    hosts: list[str]
    elsewhere: str | None

    def do_GET(self) -> None:
        self.hosts.append(self.headers["Host"])
        self.send_response(200 if self.elsewhere is None else 307)
        if self.elsewhere is not None:
            self.send_header("Location", self.elsewhere)
        self.send_header("Content-Length", str(len(LISTING)))
        self.end_headers()
        self.wfile.write(LISTING)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is said."""


class Server:
    """An S3 of one bucket on loopback."""

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        self.port = free_port()
        self.answers = type("OwnAnswers", (Answers,), {"hosts": [], "elsewhere": None})
        self._server = HTTPServer(("127.0.0.1", self.port), self.answers)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[Server]:
    authority = Authority()
    authority.write(tmp_path / "ours.pem")
    Authority("Foreign").write(tmp_path / "foreign.pem")
    authority.issue(tmp_path / "server.pem", tmp_path / "server.key", "localhost")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    server = Server(tls)
    yield server
    server.stop()


@pytest.fixture
def plain() -> Iterator[Server]:
    server = Server(None)
    yield server
    server.stop()


async def asked(folder: Path, endpoint: str, **changed: Any) -> None:
    settings = {"endpoint": endpoint, "bucket": "prices", "access_key": "env:ACCESS", "secret_key": "env:SECRET"}
    bucket = Bucket(S3Server.model_validate(settings | changed), context(folder, secrets=SECRETS), 1)
    try:
        await bucket.reachable("")
    finally:
        await bucket.close()


async def test_tls_is_of_the_servers_name_although_its_address_is_connected_to(secured: Server, tmp_path: Path) -> None:
    await asked(tmp_path, f"https://localhost:{secured.port}", ca="ours.pem")

    assert secured.answers.hosts == [f"localhost:{secured.port}"]


@pytest.mark.parametrize("ca", ["foreign.pem", None])
async def test_a_server_of_a_foreign_authority_is_asked_nothing(
    secured: Server, tmp_path: Path, ca: str | None
) -> None:
    with pytest.raises(TransportError, match="certificate is not valid"):
        await asked(tmp_path, f"https://localhost:{secured.port}", ca=ca)

    assert secured.answers.hosts == []


async def test_a_certificate_of_another_name_is_refused(
    secured: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up(monkeypatch, {"127.0.0.1"})
    monkeypatch.setattr("engine.connectors.s3.guard.LOOPBACK", frozenset({"objects.harbor.example"}))
    with pytest.raises(TransportError, match="certificate is not valid"):
        await asked(tmp_path, f"https://objects.harbor.example:{secured.port}", ca="ours.pem", path_style=True)

    assert secured.answers.hosts == []


async def test_a_name_that_leads_inside_is_not_even_connected_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up(monkeypatch, {"127.0.0.1", "169.254.169.254", "10.0.0.7"})
    with watched_connects() as connects, pytest.raises(TransportError, match="may not be reached"):
        await asked(tmp_path, "https://objects.harbor.example", allow_private=False)

    assert connects == []


async def test_a_name_that_changes_its_mind_between_two_look_ups_gains_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At first it leads to the world, at every later look-up inside; what was judged is what is connected to."""
    connected: list[str] = []

    def connect(address: tuple[str, int], *_: object, **__: object) -> socket.socket:
        connected.append(address[0])
        raise OSError("not in a test")

    looked_up(monkeypatch, iter(["52.219.1.1"]))
    monkeypatch.setattr("urllib3.util.connection.create_connection", connect)
    with pytest.raises(TransportError, match="no connection"):
        await asked(tmp_path, "https://objects.harbor.example", allow_private=False)

    assert connected == ["52.219.1.1"]


async def test_a_redirect_inside_is_not_followed(plain: Server, tmp_path: Path) -> None:
    plain.answers.elsewhere = "http://169.254.169.254/latest/meta-data/"
    with watched_connects() as connects, pytest.raises(RefusedError):
        await asked(tmp_path, f"http://127.0.0.1:{plain.port}")

    assert {address[0] for address in connects} == {"127.0.0.1"}


def looked_up(monkeypatch: pytest.MonkeyPatch, addresses: Any) -> None:
    """Each look-up gives what is next of an iterator (then loopback), or all of a set."""

    def found(host: object, port: int, *_: object, **__: object) -> list[Any]:
        given = addresses if isinstance(addresses, set) else {next(addresses, "127.0.0.1")}
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in sorted(given)]

    monkeypatch.setattr(socket, "getaddrinfo", found)
