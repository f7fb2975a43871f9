"""Addresses that lead inside, through every door with a URL: nothing is connected to where private is not allowed.

Each connect that any library asks the system for is seen (audit hook), and a listener on loopback counts besides.
Source: OWASP SSRF Prevention Cheat Sheet, CWE-918; the spellings are of RFC 3986 § 7.4, RFC 6052, RFC 3056, RFC 4380.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from engine.connectors.as2.settings import As2SourceSettings
from engine.connectors.as2.spool import ReceiptSpool
from engine.connectors.catalog import CATALOG
from engine.connectors.fhir.oauth import TokenGiver
from engine.connectors.fhir.settings import OAuth2, Smart
from engine.connectors.fhir.smart import KeySet
from engine.connectors.http.destination import HttpDestination
from engine.connectors.http.guard import GuardedResolver
from engine.connectors.http.settings import HttpDestinationSettings
from engine.connectors.poll.settings import HttpPollSettings
from engine.core.errors import IsthmusError
from engine.ports.connector import Outbound
from tests.support.as2 import key_pem, partner, write
from tests.support.asked_server import Answered, AskedServer
from tests.support.connector_doubles import Door, Secrets, context
from tests.support.watched_connects import watched_connects

LOOPBACK = [
    "127.0.0.1", "127.0.0.2", "127.1.2.3", "127.255.255.254", "127.1", "127.0.1", "2130706433", "017700000001",
    "0177.0.0.1", "0177.0.0.01", "0x7f.0.0.1", "0x7f000001", "0x7f.1", "0X7F.0X0.0X0.0X1", "127.0.0.01", "127.0.0.1.",
    "localhost", "LOCALHOST", "localhost.", "127\uff0e0\uff0e0\uff0e1", "127\u30020\u30020\u30021",
    "127\uff610\uff610\uff611", "\uff11\uff12\uff17.0.0.1", "\u2460\u2461\u2466.\u24ea.\u24ea.\u2460",
    "\uff12\uff11\uff13\uff10\uff17\uff10\uff16\uff14\uff13\uff13", "l\u24ddcalhost", "127%2e0%2e0%2e1",
    "%31%32%37.0.0.1",
    "[::1]", "[0:0:0:0:0:0:0:1]", "[0000::0001]", "[::1%25lo]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
    "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::127.0.0.1]", "[2002:7f00:1::]", "[::ffff:0:127.0.0.1]",
    "[2001:0:7f00:1:0:0:80ff:fffe]",
]  # fmt: skip
INSIDE = [
    "0", "0.0.0.0", "00.00", "[::]", "10.0.0.1", "10.255.255.255", "167772161", "172.16.0.1", "172.31.255.255",
    "192.168.0.1", "192.168.1.254", "0xc0a80001", "100.64.0.1", "100.127.255.254", "169.254.0.1", "169.254.169.254",
    "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518", "[::ffff:169.254.169.254]",
    "[64:ff9b::a9fe:a9fe]", "100.100.100.200", "192.0.0.192", "198.18.0.1", "224.0.0.1", "240.0.0.1",
    "255.255.255.255", "[fd00:ec2::254]", "[fc00::1]", "[fe80::1]", "[fe80::1%25eth0]", "[fec0::1]", "[ff02::1]",
    "[2002:a00:1::]", "[2002:c0a8:1::1]", "[::10.0.0.1]",
]  # fmt: skip
HOSTS = LOOPBACK + INSIDE
CONFUSED = [  # what one reader of URLs takes for the host and another does not
    "http://good.example@127.0.0.1:{port}/", "http://good.example:x@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}\\@good.example/", "http://127.0.0.1:{port}#@good.example/",
    "http://127.0.0.1:{port}?@good.example/", "http://good.example\\@127.0.0.1:{port}/",
    "http://good.example%40127.0.0.1:{port}/", "http://[::1]:{port}@good.example/", "http:127.0.0.1:{port}/",
    "http:///127.0.0.1:{port}/", "http://127.0.0.1:{port}%20.good.example/", "HtTp://127.0.0.1:{port}/",
    "http://\t127.0.0.1:{port}/", "http://127.0.0.1\t:{port}/", "http://0x7f.1:{port}", "//127.0.0.1:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
]  # fmt: skip
TRICKIEST = [
    "127.0.0.1", "2130706433", "0177.0.0.1", "127.0.0.1.", "127\u30020\u30020\u30021",
    "\u2460\u2461\u2466.\u24ea.\u24ea.\u2460", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0", "0x7f.1", "[::1%25lo]",
]  # fmt: skip
OUTBOUND = Outbound(1, 1, "under_test", "c", "key", b'{"resourceType":"Patient"}', natural_key="key")
IN_XML = Outbound(1, 1, "under_test", "c", "key", b'<Order xmlns="urn:x"/>', natural_key="key")
CLOSED: dict[str, Any] = {"allow_private": False, "tls": {"verify": False}}
QUICK = CLOSED | {"connect_timeout": "500ms", "timeout": "1s"}


class Listener:
    """Counts connections on loopback, IPv4 and IPv6, at one port."""

    def __init__(self) -> None:
        self.came = 0
        self.port = 0

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[Listener]:
        first = await asyncio.start_server(self._count, "127.0.0.1", 0)
        self.port = first.sockets[0].getsockname()[1]
        servers = [first]
        with contextlib.suppress(OSError):
            servers.append(await asyncio.start_server(self._count, "::1", self.port))
        try:
            yield self
        finally:
            for one in servers:
                one.close()

    async def _count(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.came += 1
        writer.close()


async def fate(url: str, **settings: Any) -> str:
    """`setting` when the URL is no setting at all, else the code of the error; `sent` must not be."""
    try:
        given = HttpDestinationSettings.model_validate({"url": url, **QUICK, **settings})
    except ValidationError:
        return "setting"
    destination = HttpDestination(given, context(Path("/nowhere")))
    try:
        await destination.send(OUTBOUND)
    except IsthmusError as error:
        return error.code if error.code != "T004" or not (await destination.check()).ok else "checked"
    finally:
        await destination.close()
    return "sent"


@pytest.fixture
def names_are_answered_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names that are no number and not local are not looked up in the world."""
    real = socket.getaddrinfo

    def answered(host: Any, *more: Any, **named: Any) -> Any:
        text = host.decode() if isinstance(host, bytes) else str(host)
        plain = text.lower().rstrip(".")
        if plain == "localhost" or ":" in plain or not any(letter in "ghijklmnopqrstuvwyz%" for letter in plain):
            return real(host, *more, **named)
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    monkeypatch.setattr(socket, "getaddrinfo", answered)


@pytest.mark.usefixtures("names_are_answered_here")
async def test_no_spelling_of_an_inner_address_is_connected_to() -> None:
    assert len(set(HOSTS)) >= 60
    fates = {}
    async with Listener().listening() as listener:
        with watched_connects() as connects:
            for host in HOSTS:
                fates[host] = await fate(f"http://{host}:{listener.port}/in")

    assert connects == []
    assert listener.came == 0
    assert set(fates.values()) <= {"setting", "T004", "T001", "T002"}, fates
    assert "sent" not in fates.values()


@pytest.mark.usefixtures("names_are_answered_here")
@pytest.mark.parametrize("url", CONFUSED)
async def test_a_url_that_two_readers_read_differently_leads_nowhere(url: str) -> None:
    async with Listener().listening() as listener:
        with watched_connects() as connects:
            fated = await fate(url.format(port=listener.port))

    assert fated != "sent"
    assert connects == []
    assert listener.came == 0


async def test_odd_spellings_are_no_way_to_loopback_even_where_private_addresses_are_meant() -> None:
    """allow_private names networks; loopback must be written as such."""
    odd = ["2130706433", "0177.0.0.1", "127.0.0.1.", "0x7f.1", "[::ffff:127.0.0.1]", "0", "127.1"]
    async with Listener().listening() as listener:
        fates = {host: await fate(f"http://{host}:{listener.port}/", allow_private=True) for host in odd}

    assert set(fates.values()) == {"T004"}
    assert listener.came == 0


async def test_a_name_that_changes_its_mind_between_two_look_ups_gains_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    async with Listener().listening() as listener:

        def rebinding(host: Any, port: Any, *_: Any, **__: Any) -> Any:
            asked.append(str(host))
            address = "93.184.215.14" if len(asked) % 2 else "127.0.0.1"
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, listener.port))]

        monkeypatch.setattr(socket, "getaddrinfo", rebinding)
        resolver = GuardedResolver(allow_private=False)
        first = await resolver.resolve("rebind.example", listener.port)
        with pytest.raises(IsthmusError):
            await resolver.resolve("rebind.example", listener.port)
        with watched_connects() as connects:
            fated = await fate(f"http://rebind.example:{listener.port}/")

    assert [one["host"] for one in first] == ["93.184.215.14"]
    assert fated != "sent"
    assert {str(one[0]) for one in connects} <= {"93.184.215.14"}
    assert listener.came == 0


async def test_answers_of_several_addresses_are_used_only_as_far_as_they_are_public(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mixed = ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "fe80::1%lo"]

    def several(host: Any, port: Any, *_: Any, **__: Any) -> Any:
        return [
            (socket.AF_INET6 if ":" in one else socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in mixed
        ]

    monkeypatch.setattr(socket, "getaddrinfo", several)
    with watched_connects() as connects:
        fated = await fate("http://several.example/")

    assert fated == "T004"
    assert connects == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(status: int) -> None:
    async with Listener().listening() as listener:
        inside = f"http://127.0.0.1:{listener.port}/latest/meta-data/"
        headers = (f"Location: {inside}", f"Refresh: 0; url={inside}", f"Content-Location: {inside}")
        async with AskedServer(lambda asked: Answered(b"", f"{status} Elsewhere", headers)) as server:
            fated = await fate(f"{server.url}/in", allow_private=True)

    assert fated == "T002"
    assert listener.came == 0


# ---------------------------------------------------------------- every door with a URL
def _site(folder: Path) -> Any:
    write(folder, "us", partner("us"))
    return context(folder, secrets=Secrets({"env:US": key_pem(partner("us")), "env:HOOK": "whsec_" + "QUJD" * 11}))


async def _destination(kind: str, settings: dict[str, Any], folder: Path) -> None:
    entry = CATALOG.destinations[kind]
    built = entry.build(entry.load().model_validate(settings), _site(folder))
    try:
        await built.check()
        await built.send(IN_XML if kind == "soap" else OUTBOUND)
    finally:
        await built.close()


async def _http(url: str, folder: Path) -> None:
    await _destination("http", QUICK | {"url": url}, folder)


async def _inquiry(url: str, folder: Path) -> None:
    given = HttpDestinationSettings.model_validate(QUICK | {"url": "http://name.invalid/", "inquire_url": url})
    destination = HttpDestination(given, _site(folder))
    try:
        await destination.inquire(OUTBOUND)
    finally:
        await destination.close()


async def _check_url(url: str, folder: Path) -> None:
    given = HttpDestinationSettings.model_validate(QUICK | {"url": "http://name.invalid/", "check_url": url})
    destination = HttpDestination(given, _site(folder))
    try:
        assert not (await destination.check()).ok
    finally:
        await destination.close()


async def _webhook(url: str, folder: Path) -> None:
    url = url.replace("http://", "https://")
    await _destination("webhook", QUICK | {"url": url, "secrets": ["env:HOOK"]}, folder)


async def _soap(url: str, folder: Path) -> None:
    await _destination("soap", QUICK | {"url": url}, folder)


async def _fhir(url: str, folder: Path) -> None:
    await _destination("fhir", QUICK | {"url": url}, folder)


async def _as2(url: str, folder: Path) -> None:
    facts = {"as2_from": "US", "as2_to": "THEM", "sign": "none", "encrypt": "none", "receipt": "none"}
    await _destination("as2", QUICK | {"url": url} | facts, folder)


async def _token_url(url: str, folder: Path) -> None:
    oauth = OAuth2.model_validate({"token_url": url, "client_id": "us", "client_secret": "env:HOOK"})
    giver = TokenGiver(oauth, HttpPollSettings.model_validate(QUICK | {"url": "http://x.invalid/", "every": "1s"}),
                       _site(folder))  # fmt: skip
    try:
        await giver.token()
    finally:
        await giver.close()


async def _jwks(url: str, folder: Path) -> None:
    smart = CLOSED | {"jwks_url": url, "issuer": "i", "audience": "a", "token_url": "https://x.invalid/token"}
    keys = KeySet(Smart.model_validate(smart), _site(folder))
    try:
        await keys.keys()
    finally:
        await keys.close()


async def _polled(kind: str, settings: dict[str, Any], folder: Path) -> None:
    entry = CATALOG.sources[kind]
    source = entry.build(entry.load().model_validate(QUICK | settings), _site(folder))
    running = asyncio.ensure_future(source.run(Door()))
    try:
        await source.check()
        await asyncio.wait([running], timeout=0.05)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def _http_poll(url: str, folder: Path) -> None:
    await _polled("http_poll", {"url": url, "every": "1s"}, folder)


async def _fhir_poll(url: str, folder: Path) -> None:
    await _polled("fhir_poll", {"url": url, "resource": "Patient", "poll": "1s"}, folder)


async def _receipt(url: str, folder: Path) -> None:
    """The address is the sender's own, in a header of the message: it also stands in a file of an earlier run."""
    identity = {"certificate": "us.pem", "key": "env:US"}
    sender = {"as2_id": "THEM", "certificates": ["us.pem"]}
    given = As2SourceSettings.model_validate(
        identity | {"listen": "127.0.0.1:0", "as2_id": "US", "partners": [sender], "receipt_tls": {"verify": False}}
    )
    spool = ReceiptSpool(given, _site(folder))
    await spool.put(url, {}, b"receipt")
    posting = asyncio.ensure_future(spool.post_forever())
    try:
        for _ in range(100):
            if not len(spool):
                return
            await asyncio.sleep(0.002)
    finally:
        posting.cancel()
        await asyncio.gather(posting, return_exceptions=True)


DOORS: dict[str, Callable[[str, Path], Awaitable[None]]] = {
    "http": _http, "inquire_url": _inquiry, "check_url": _check_url, "webhook": _webhook, "soap": _soap,
    "fhir": _fhir, "as2": _as2, "token_url": _token_url, "jwks_url": _jwks, "http_poll": _http_poll,
    "fhir_poll": _fhir_poll, "as2 receipt": _receipt,
}  # fmt: skip


@pytest.mark.usefixtures("names_are_answered_here")
@pytest.mark.parametrize("door", DOORS)
async def test_no_door_leads_inside(door: str, tmp_path: Path) -> None:
    async with Listener().listening() as listener:
        with watched_connects() as connects:
            for host in TRICKIEST:
                with contextlib.suppress(IsthmusError, ValidationError):
                    await DOORS[door](f"http://{host}:{listener.port}/in", tmp_path)

    assert connects == []
    assert listener.came == 0


@pytest.mark.parametrize("door", sorted(set(DOORS) - {"as2 receipt"}))
async def test_every_door_connects_where_it_may(door: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the rule above would be empty: the same doors, private addresses allowed."""
    monkeypatch.setitem(CLOSED, "allow_private", True)
    monkeypatch.setitem(QUICK, "allow_private", True)
    async with Listener().listening() as listener:
        with contextlib.suppress(IsthmusError):
            await DOORS[door](f"http://127.0.0.1:{listener.port}/in", tmp_path)

    assert listener.came > 0
