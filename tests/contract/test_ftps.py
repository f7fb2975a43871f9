"""The connector contract of `ftps` against a TLS server (pyftpdlib), and what FTP asks for besides."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from engine.connectors.ftps.destination import FtpsDestination
from engine.connectors.ftps.protocol import Ftp
from engine.connectors.ftps.settings import FtpsDestinationSettings, FtpsSourceSettings
from engine.connectors.ftps.source import FtpsSource
from engine.connectors.remote_folder.client import LogInError
from engine.core.errors import TransportError
from engine.core.loopback import free_port
from engine.ports.connector import ConnectorContext, Outbound
from tests.support.certificates import Authority
from tests.support.connector_contract import (
    LIMIT,
    Answer,
    DestinationHarness,
    Door,
    SourceHarness,
    destination_contract,
    source_contract,
)
from tests.support.connector_doubles import Secrets, context
from tests.support.ftps import PASSWORD, USER, ftps
from tests.support.openssh import Relay


def server_settings(port: int) -> dict[str, Any]:
    return {
        "address": f"127.0.0.1:{port}",
        "user": USER,
        "password": "env:PASSWORD",
        "tls": {"ca": str(ftps().authority)},
    }


def surroundings(folder: Path) -> ConnectorContext:
    return context(folder, secrets=Secrets({"env:PASSWORD": PASSWORD}))


class Writer:
    """Puts a file into the server's folder and watches where it ends."""

    def __init__(self, harness: FtpsSourceHarness) -> None:
        self.harness, self.folder = harness, harness.folder / "in"

    async def send(self, body: bytes) -> Answer:
        name = body.split(b"|")[0].decode()
        ended = self._ended(name)
        self.folder.joinpath(f"{name}.tmp").write_bytes(body)
        self.folder.joinpath(f"{name}.tmp").rename(self.folder / name)
        asked = self.harness.door.asked
        while self._ended(name) == ended:
            await asyncio.sleep(0.005)
            if self.harness.door.failure is not None and self.harness.door.asked > asked:
                return Answer.SILENT
        done, _ = self._ended(name)
        return Answer.ACCEPTED if done > ended[0] else Answer.REFUSED

    def _ended(self, name: str) -> tuple[int, int]:
        done, error = ([*(self.folder / where).glob(f"*_{name}")] for where in ("done", "error"))
        return len(done), len(error)

    async def close(self) -> None:
        """A writer holds nothing."""


class FtpsSourceHarness(SourceHarness):
    type = "ftps"
    exempt = {"tls": "a client: the server's certificate is tested below"}  # noqa: RUF012 - a ClassVar in the base

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        (folder / "in").mkdir()

    def settings(self) -> dict[str, Any]:
        return server_settings(ftps().port) | {
            "folder": str(self.folder / "in"),
            "poll": "20ms",
            "stable_for": "0s",
            "max_size": f"{LIMIT}B",
            "deduplicate": "name",
        }

    def context(self) -> ConnectorContext:
        return surroundings(self.folder)

    async def connect(self) -> Writer:
        return Writer(self)

    def message(self, key: str, text: str = "text", size: int = 0) -> bytes:
        return f"{key}|{text}".encode().ljust(size, b".")

    async def break_protocol(self) -> None:
        """Names that no command can hold, or that look like two lines of a listing."""
        names = ("one\rtwo", "one\ntype=file;size=1;modify=20260101000000; ..\u2215evil", "one\u2028two")
        for name in names:
            (self.folder / "in" / name).write_text("content")
        while len([*(self.folder / "in" / "done").glob("*_one\u2028two")]) == 0:
            await asyncio.sleep(0.005)
        self.door.stored.clear()


class OldServerSourceHarness(FtpsSourceHarness):
    """A server that has LIST only."""

    def settings(self) -> dict[str, Any]:
        return super().settings() | {"address": f"127.0.0.1:{ftps().old}"}

    async def break_protocol(self) -> None:
        """A link to a file outside of the folder."""
        (self.folder / "outside").write_text("not for the engine")
        os.symlink(self.folder / "outside", self.folder / "in" / "link")
        while not [*(self.folder / "in" / "error").glob("*_link.reason.txt")]:
            await asyncio.sleep(0.005)


class FtpsDestinationHarness(DestinationHarness):
    type = "ftps"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.out.mkdir()
        self.relay: Relay | None = None
        ftps()

    @property
    def out(self) -> Path:
        return self.folder / "out"

    def settings(self) -> dict[str, Any]:
        return server_settings(self.port) | {"folder": str(self.out), "file_name": "{natural_key}.txt"}

    def context(self) -> ConnectorContext:
        return surroundings(self.folder)

    async def start(self) -> None:
        self.relay = Relay(self.port, self.server)
        await self.relay.start()

    @property
    def server(self) -> int:
        return ftps().port

    async def stop(self) -> None:
        if self.relay is not None:
            await self.relay.stop()

    def refuse(self) -> None:
        self.out.joinpath("key-1.txt").write_text("of somebody else")

    def hang(self) -> None:
        assert self.relay is not None
        self.relay.flowing.clear()

    def effects(self) -> list[bytes]:
        return [path.read_bytes() for path in self.out.iterdir() if path.is_file()]


class ImplicitDestinationHarness(FtpsDestinationHarness):
    @property
    def server(self) -> int:
        return ftps().implicit

    def settings(self) -> dict[str, Any]:
        return super().settings() | {"mode": "implicit"}


TestFtpsSourceContract = source_contract(FtpsSourceHarness)
TestFtpsOldServerSourceContract = source_contract(OldServerSourceHarness)
TestFtpsDestinationContract = destination_contract(FtpsDestinationHarness)
TestFtpsImplicitDestinationContract = destination_contract(ImplicitDestinationHarness)


# ------------------------------------------------------------------ what FTP asks for besides
def destination(folder: Path, port: int | None = None, password: str = PASSWORD, **settings: Any) -> FtpsDestination:
    (folder / "out").mkdir(exist_ok=True)
    given = server_settings(port or ftps().port) | {"folder": str(folder / "out"), "file_name": "{key}", **settings}
    surroundings = context(folder, secrets=Secrets({"env:PASSWORD": password}))
    return FtpsDestination(FtpsDestinationSettings.model_validate(given), surroundings)


async def refusal(given: FtpsDestination) -> TransportError:
    with pytest.raises(TransportError) as caught:
        await given.send(Outbound(1, 1, "under_test", "correlation-1", "key", b"body"))
    await given.close()
    assert not caught.value.sent
    return caught.value


def test_tls_cannot_be_switched_off() -> None:
    for mode in ("plain", "none", "auto"):
        with pytest.raises(ValidationError):
            FtpsDestinationSettings.model_validate(server_settings(1) | {"folder": "/", "mode": mode})


async def test_server_without_tls_hears_neither_name_nor_password(tmp_path: Path) -> None:
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ready\r\n")
        while line := await reader.readline():
            heard.append(line)
            writer.write(b"502 not known\r\n")
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    error = await refusal(destination(tmp_path, listener.sockets[0].getsockname()[1]))
    listener.close()

    assert "no TLS" in error.what
    assert heard == [b"AUTH TLS\r\n"]


async def test_answers_in_the_clear_behind_the_one_to_auth_are_thrown_away(tmp_path: Path) -> None:
    """Who stands between could put the server's answers there before TLS begins."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ready\r\n")
        await reader.readline()
        writer.write(b"234 go on\r\n331 who\r\n230 welcome\r\n")
        await reader.read(10_000)
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    error = await refusal(destination(tmp_path, listener.sockets[0].getsockname()[1], login_timeout="2s"))
    listener.close()

    assert "log-in" in error.what


async def test_wrong_password_is_a_log_in_error_with_a_remedy(tmp_path: Path) -> None:
    assert isinstance(await refusal(destination(tmp_path, password="wrong")), LogInError)


async def test_certificate_of_a_stranger_is_refused(tmp_path: Path) -> None:
    stranger = Authority("Stranger").write(tmp_path / "stranger.pem")

    assert "certificate" in (await refusal(destination(tmp_path, tls={"ca": str(stranger)}))).what
    pinned = {"ca": str(ftps().authority), "pinned": ["00" * 32]}
    assert "pinned" in (await refusal(destination(tmp_path, tls=pinned))).what


@pytest.mark.parametrize("words", [b"", b"220-a greeting\r\n220-without end\r\n"])
async def test_server_that_never_comes_to_an_end_is_given_up(tmp_path: Path, words: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not reader.at_eof() and not writer.is_closing():
            writer.write(words)
            await asyncio.sleep(0.01)
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    await refusal(destination(tmp_path, listener.sockets[0].getsockname()[1], login_timeout="300ms"))
    listener.close()
    async with asyncio.timeout(30):
        while [one for one in threading.enumerate() if one.name.startswith("ftps")]:
            await asyncio.sleep(0.01)


async def test_connection_that_the_server_ends_is_no_failure_after_a_pause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    relay = Relay(free_port(), ftps().port)
    await relay.start()
    given = destination(tmp_path, relay.port)
    assert (await given.check()).ok
    for task in [*relay._tasks]:
        task.cancel()
    monkeypatch.setattr("engine.connectors.ftps.client._ASK_AFTER", -1.0)
    await given.send(Outbound(1, 1, "under_test", "correlation-1", "key", b"body"))
    await given.close()
    await relay.stop()

    assert len([*(tmp_path / "out").glob("[!.]*")]) == 1


async def test_read_that_is_cut_off_goes_on_where_it_was(tmp_path: Path) -> None:
    content, door = os.urandom(3 * 1024**2), Door()
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a").write_bytes(content)
    settings = server_settings(ftps().port) | {"folder": str(tmp_path / "in"), "stable_for": "0s", "connections": 1}
    source = FtpsSource(FtpsSourceSettings.model_validate(settings), surroundings(tmp_path))
    asked, real = [], Ftp.take

    def cut(self: Ftp, command: str, into: bytearray, most: int, start: int = 0) -> None:
        asked.append((command.partition(" ")[0], start))
        real(self, command, into, most, start)
        if asked[-1] == ("RETR", 0):
            del into[1_000_000:]
            raise OSError("the network is gone")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Ftp, "take", cut)
        looks = [await source.look(door), await source.look(door)]
    await source._connection.close()

    assert looks == [False, True]
    assert [one for one in asked if one[0] == "RETR"] == [("RETR", 0), ("RETR", 1_000_000)]
    assert [one.body for one in door.accepted] == [content]
