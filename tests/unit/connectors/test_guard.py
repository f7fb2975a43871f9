"""Addresses that a destination must not reach: none is connected to, however it is written. Source: OWASP API7."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from pathlib import Path
from typing import Any

import pytest

from engine.connectors.http.destination import HttpDestination
from engine.connectors.http.guard import GuardedResolver, may_connect
from engine.connectors.http.settings import HttpDestinationSettings
from engine.core.errors import IsthmusError
from engine.ports.connector import Outbound
from tests.support.connector_doubles import context

NEVER = [
    "169.254.169.254", "169.254.0.1", "169.254.255.255", "100.100.100.200", "192.0.0.192", "0.0.0.0", "0.1.2.3",
    "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "fe80::1", "ff02::1", "::", "fd00:ec2::254",
    "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::", "2002:a9fe:a9fe::", "::127.0.0.1", "::a9fe:a9fe", "2001:0:4136:e378:8000:63bf:807f:fffe",
    "fec0::1", "64:ff9b:1::a00:1",
]  # fmt: skip
PRIVATE = [
    "10.0.0.1",
    "10.255.255.255",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "100.64.0.1",
    "fd12::1",
    "fc00::1",
]
LOOPBACK = ["127.0.0.1", "127.0.0.2", "127.255.255.255", "127.1.2.3", "::1"]
PUBLIC = ["93.184.215.14", "8.8.8.8", "2606:4700:4700::1111"]
SPELLINGS = [
    "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001", "127.1", "127.0.1", "0", "0x0",
    "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518", "LOCALHOST", "localhost", "localhost.",
    "127.0.0.1.", "0000:0:0:0:0:0:0:1", "[::1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]",
]  # fmt: skip


@pytest.mark.parametrize("text", NEVER)
@pytest.mark.parametrize("allow_private", [True, False])
def test_address_that_is_nobodys_server_is_never_reached(text: str, allow_private: bool) -> None:
    assert not may_connect(ipaddress.ip_address(text), allow_private=allow_private, loopback=True)


@pytest.mark.parametrize("text", PRIVATE)
def test_private_address_needs_leave(text: str) -> None:
    address = ipaddress.ip_address(text)

    assert may_connect(address, allow_private=True, loopback=False)
    assert not may_connect(address, allow_private=False, loopback=False)


@pytest.mark.parametrize("text", LOOPBACK)
def test_loopback_is_reached_only_when_the_setting_says_it(text: str) -> None:
    address = ipaddress.ip_address(text)

    assert may_connect(address, allow_private=True, loopback=True)
    assert not may_connect(address, allow_private=True, loopback=False)
    assert not may_connect(address, allow_private=False, loopback=True)


@pytest.mark.parametrize("text", PUBLIC)
def test_public_address_is_reached(text: str) -> None:
    assert may_connect(ipaddress.ip_address(text), allow_private=False, loopback=False)


def bracketed(text: str) -> str:
    return f"[{text}]" if ":" in text and not text.startswith("[") else text


@pytest.fixture
async def canary() -> Any:
    """A server on every loopback address that counts who comes."""
    seen: list[object] = []

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(writer.get_extra_info("peername"))
        writer.close()

    server = await asyncio.start_server(meet, "0.0.0.0", 0)
    port = server.sockets[0].getsockname()[1]
    yield port, seen
    server.close()


@pytest.mark.parametrize("host", [*NEVER, *PRIVATE, *LOOPBACK, *SPELLINGS])
async def test_no_connection_is_made_without_leave(canary: Any, host: str, tmp_path: Path) -> None:
    port, seen = canary
    settings = HttpDestinationSettings.model_validate(
        {"url": f"http://{bracketed(host)}:{port}/", "allow_private": False, "timeout": "1s"}
    )
    destination = HttpDestination(settings, context(tmp_path))
    try:
        with pytest.raises((IsthmusError, ValueError)):
            await destination.send(Outbound(1, 1, "c", "c-1", "k", b"body"))
        health = await destination.check()
    finally:
        await destination.close()

    assert seen == []
    assert not health.ok


async def test_name_that_changes_its_mind_is_connected_where_it_was_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, canary: Any
) -> None:
    port, seen = canary
    answers = iter(["93.184.215.14", "127.0.0.1", "127.0.0.1", "127.0.0.1"])
    connected: list[str] = []

    async def look_up(host: str, asked: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), asked))]

    async def connect(sock: socket.socket, address: Any) -> None:
        connected.append(address[0])
        raise OSError("not in a test")

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "getaddrinfo", look_up)
    monkeypatch.setattr(loop, "sock_connect", connect)
    settings = HttpDestinationSettings.model_validate({"url": f"http://rebinding.example:{port}/"})
    destination = HttpDestination(settings, context(tmp_path))
    for _ in range(3):
        with pytest.raises(IsthmusError):
            await destination.send(Outbound(1, 1, "c", "c-1", "k", b"body"))
    await destination.close()

    assert set(connected) == {"93.184.215.14"}
    assert seen == []


async def test_one_bad_address_among_good_ones_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    async def look_up(host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in ("169.254.169.254", "8.8.8.8")]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", look_up)

    found = await GuardedResolver(allow_private=True).resolve("mixed.example", 80)
    assert [one["host"] for one in found] == ["8.8.8.8"]
