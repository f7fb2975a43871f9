"""`ftps` against a real vsftpd: no MLSD, and every data connection must resume the TLS session."""

from __future__ import annotations

import ftplib
import os
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.connectors.ftps.destination import FtpsDestination
from engine.connectors.ftps.settings import FtpsDestinationSettings, FtpsSourceSettings
from engine.connectors.ftps.source import FtpsSource
from engine.core.errors import DestinationError, TransportError
from engine.ports.connector import Outbound
from tests.support.connector_doubles import Door, Secrets, context
from tests.support.vsftpd import ABSENT, INSTALLED, Vsftpd

pytestmark = [pytest.mark.integration, pytest.mark.skipif(not INSTALLED, reason=ABSENT)]


@pytest.fixture(params=[False, True], ids=["explicit", "implicit"])
def server(request: Any, tmp_path: Path) -> Iterator[Vsftpd]:
    made = Vsftpd(tmp_path / "server", implicit=request.param)
    yield made
    made.stop()


@pytest.fixture
def explicit(tmp_path: Path) -> Iterator[Vsftpd]:
    made = Vsftpd(tmp_path / "server")
    yield made
    made.stop()


def known(server: Vsftpd, **settings: Any) -> dict[str, Any]:
    implicit = "implicit_ssl=YES" in (server.folder / "vsftpd.conf").read_text()
    return {
        "address": f"127.0.0.1:{server.port}",
        "mode": "implicit" if implicit else "explicit",
        "user": "anonymous",
        "password": "env:P",
        "tls": {"ca": str(server.authority)},
        "folder": "files",
        "timeout": "30s",
    } | settings


def source(server: Vsftpd, **settings: Any) -> FtpsSource:
    given = FtpsSourceSettings.model_validate(known(server, stable_for="0s", **settings))
    return FtpsSource(given, context(server.folder, secrets=Secrets({"env:P": "p"})))


def destination(server: Vsftpd, **settings: Any) -> FtpsDestination:
    given = FtpsDestinationSettings.model_validate(known(server, file_name="{natural_key}.txt", **settings))
    return FtpsDestination(given, context(server.folder, secrets=Secrets({"env:P": "p"})))


def outbound(key: str = "key-1", body: bytes = b"body") -> Outbound:
    return Outbound(1, 1, "under_test", "correlation-1", key, body, natural_key=key)


def filled(server: Vsftpd, **files: bytes) -> Path:
    folder = server.root / "files"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


async def test_files_are_taken_in_and_moved(server: Vsftpd) -> None:
    large = os.urandom(3 * 1024**2)
    folder, door = filled(server, a=b"one", b=large), Door()
    watching = source(server)
    assert await watching.look(door)
    await watching._connection.close()

    assert [one.body for one in door.accepted] == [b"one", large]
    assert sorted(path.name[17:] for path in (folder / "done").iterdir()) == ["a", "b"]


async def test_hundred_files_over_few_connections(explicit: Vsftpd) -> None:
    folder, door = filled(explicit, **{f"f{number:03}": b"%d" % number for number in range(100)}), Door()
    watching = source(explicit)
    assert await watching.look(door)
    await watching._connection.close()

    assert [one.body for one in door.accepted] == [b"%d" % number for number in range(100)]
    assert len([*(folder / "done").iterdir()]) == 100


async def test_delivery_is_written_once_also_when_its_reader_took_it(server: Vsftpd) -> None:
    folder, large = filled(server), os.urandom(2 * 1024**2)
    writing = destination(server)
    for _ in range(2):
        await writing.send(outbound())
    await writing.send(outbound("key-2", large))
    (folder / "key-1.txt").unlink()
    await writing.send(outbound())
    await writing.close()

    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == {"key-2.txt": large}


async def test_file_of_somebody_else_is_never_overwritten(explicit: Vsftpd) -> None:
    folder = filled(explicit, **{"key-1.txt": b"of somebody else"})
    for marks in (True, False):
        writing = destination(explicit, marks=marks)
        with pytest.raises(DestinationError):
            await writing.send(outbound())
        await writing.close()

    assert (folder / "key-1.txt").read_bytes() == b"of somebody else"


async def test_link_is_refused_and_not_followed(explicit: Vsftpd) -> None:
    folder, door = filled(explicit), Door()
    (explicit.root / "outside").write_text("not for the engine")
    os.symlink(explicit.root / "outside", folder / "link")
    watching = source(explicit)
    assert await watching.look(door)
    await watching._connection.close()

    assert door.accepted == []
    assert [one.refusal.code for one in door.stored if one.refusal] == ["M008"]


async def test_missing_folder_is_told(explicit: Vsftpd) -> None:
    health = await source(explicit).check()

    assert (health.ok, health.text) == (False, "folder cannot be used: no such file or folder")


async def test_server_without_tls_is_refused_before_the_log_in(tmp_path: Path) -> None:
    server = Vsftpd(tmp_path / "plain", tls=False)
    writing = destination(server)
    with pytest.raises(TransportError, match="no TLS") as caught:
        await writing.send(outbound())
    await writing.close()
    server.stop()

    assert not caught.value.sent


def test_this_server_refuses_data_connections_without_the_session(explicit: Vsftpd) -> None:
    """So the tests above show that ours resume it."""
    trusting = ssl.create_default_context(cafile=str(explicit.authority))
    with ftplib.FTP_TLS(context=trusting) as bare:
        bare.connect("127.0.0.1", explicit.port, 5)
        bare.login("anonymous", "p")
        bare.prot_p()
        with pytest.raises((ftplib.error_perm, ssl.SSLError, OSError)):
            bare.nlst()
