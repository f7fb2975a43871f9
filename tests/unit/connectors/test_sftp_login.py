"""Passwords, and a key with a password, at a server that asks for them."""

from __future__ import annotations

import asyncio
import io
import socket
import threading
from pathlib import Path
from typing import Any

import paramiko
import pytest

from engine.connectors.sftp.connection import LogInError
from engine.connectors.sftp.destination import SftpDestination
from engine.connectors.sftp.hostkeys import HostKeyError, fingerprint
from engine.connectors.sftp.settings import SftpDestinationSettings
from engine.ports.connector import Outbound
from tests.support.connector_doubles import Secrets, context

PASSWORD = "CANARY-password-4b1"


class Folders(paramiko.SFTPServerInterface):
    """Every folder is there."""

    def lstat(self, path: str) -> paramiko.SFTPAttributes:
        found = paramiko.SFTPAttributes()
        found.st_mode = 0o040755
        return found


class Door(paramiko.ServerInterface):
    """Asks for what `methods` says, in this order."""

    def __init__(self, methods: list[str]) -> None:
        self.methods, self.tried = methods, [""]
        self.tried.clear()

    def get_allowed_auths(self, username: str) -> str:
        return self.methods[0]

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        return self._passed("publickey", True)

    def check_auth_password(self, username: str, password: str) -> int:
        self.tried.append(password)
        return self._passed("password", password == PASSWORD)

    def check_auth_interactive(self, username: str, submethods: str) -> Any:
        if self.methods[0] != "keyboard-interactive":
            return paramiko.AUTH_FAILED
        return paramiko.InteractiveQuery("", "", ("Password:", False))

    def check_auth_interactive_response(self, responses: list[str]) -> int:
        self.tried += responses
        return self._passed("keyboard-interactive", responses == [PASSWORD])

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED

    def _passed(self, method: str, right: bool) -> int:
        if not right or self.methods[0] != method:
            return paramiko.AUTH_FAILED
        if len(self.methods) > 1:
            self.methods.pop(0)
            return paramiko.AUTH_PARTIALLY_SUCCESSFUL
        return paramiko.AUTH_SUCCESSFUL


class Server:
    """Takes connections on loopback until it is stopped."""

    def __init__(self, *methods: str) -> None:
        self.key = paramiko.ECDSAKey.generate()
        self.door = Door([*methods])
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._transports: list[paramiko.Transport] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            transport = paramiko.Transport(connection)
            transport.set_log_channel("isthmus_ssh")
            transport.add_server_key(self.key)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, Folders)
            self._transports.append(transport)
            transport.start_server(event=threading.Event(), server=self.door)

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for transport in self._transports:
            transport.close()
        self._thread.join(5)


def destination(folder: Path, server: Server, **settings: Any) -> SftpDestination:
    usual = {"address": f"127.0.0.1:{server.port}", "user": "harbor", "folder": "/in", "login_timeout": "10s"}
    pinned = {"host_keys": [fingerprint(server.key.asbytes())]}
    key = io.StringIO()
    paramiko.ECDSAKey.generate().write_private_key(key)
    secrets = Secrets({"env:right": PASSWORD, "env:wrong": "CANARY-wrong", "env:key": key.getvalue()})
    model = SftpDestinationSettings.model_validate(usual | pinned | settings)
    return SftpDestination(model, context(folder, secrets=secrets))


@pytest.fixture
def serve() -> Any:
    made: list[Server] = []

    def start(*methods: str) -> Server:
        made.append(Server(*methods))
        return made[-1]

    yield start
    for server in made:
        server.stop()


@pytest.mark.parametrize("method", ["password", "keyboard-interactive"])
async def test_password_lets_us_in_however_the_server_asks_for_it(tmp_path: Path, serve: Any, method: str) -> None:
    made = destination(tmp_path, serve(method), password="env:right")
    health = await made.check()
    await made.close()

    assert health.ok, health.text


async def test_server_that_asks_for_key_and_password_gets_both(tmp_path: Path, serve: Any) -> None:
    made = destination(tmp_path, serve("publickey", "password"), private_key="env:key", password="env:right")
    health = await made.check()
    await made.close()

    assert health.ok, health.text


async def test_key_alone_is_not_enough_where_a_password_is_asked_for_too(tmp_path: Path, serve: Any) -> None:
    made = destination(tmp_path, serve("publickey", "password"), private_key="env:key")
    health = await made.check()
    await made.close()

    assert not health.ok


async def test_wrong_password_is_a_log_in_error_that_does_not_show_it(tmp_path: Path, serve: Any) -> None:
    made = destination(tmp_path, serve("password"), password="env:wrong")
    with pytest.raises(LogInError) as caught:
        await made.send(Outbound(1, 1, "c", "c", "k", b"body", natural_key="k"))
    await made.close()

    assert "CANARY" not in f"{caught.value} {caught.value.__context__}"
    assert not caught.value.sent


async def test_password_is_never_told_to_a_server_with_another_host_key(tmp_path: Path, serve: Any) -> None:
    server = serve("password")
    made = destination(tmp_path, server, password="env:right", host_keys=["SHA256:" + "A" * 43])
    with pytest.raises(HostKeyError):
        await made.send(Outbound(1, 1, "c", "c", "k", b"body", natural_key="k"))
    await asyncio.sleep(0)
    await made.close()

    assert server.door.tried == []
