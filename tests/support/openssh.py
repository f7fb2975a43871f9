"""A real OpenSSH server on loopback, one a test process, and a relay before it that can be slow, hang or break."""

from __future__ import annotations

import asyncio
import atexit
import functools
import getpass
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from engine.core.loopback import free_port

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
KEYGEN = shutil.which("ssh-keygen")
INSTALLED = SSHD is not None and KEYGEN is not None
ABSENT = "OpenSSH's server is not installed (sshd, ssh-keygen)"

_CONFIGURATION = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_ed25519
HostKey {folder}/host_rsa
PidFile none
AuthorizedKeysFile {folder}/authorized
TrustedUserCAKeys {folder}/authority.pub
PermitRootLogin yes
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
MaxStartups 100
Subsystem sftp internal-sftp
LogLevel QUIET
"""


class OpenSsh:
    """Started as the user who runs the tests; lets that user in with `client` and with certificates of `authority`."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="isthmus-sshd-"))
        self.port, self.user = free_port(), getpass.getuser()
        for name in ("host_ed25519", "client", "authority", "stranger", "certified"):
            self.make_key(name)
        self.make_key("host_rsa", "rsa")
        self.make_key("locked", passphrase="open sesame")
        public = [(self.folder / f"{name}.pub").read_text() for name in ("client", "locked")]
        (self.folder / "authorized").write_text("".join(public))
        self._sign()
        (self.folder / "sshd_config").write_text(_CONFIGURATION.format(port=self.port, folder=self.folder))
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # root's server separates privileges there
        self.process = subprocess.Popen(
            [str(SSHD), "-D", "-e", "-f", str(self.folder / "sshd_config")],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        atexit.register(self.stop)
        self._wait()

    def make_key(self, name: str, kind: str = "ed25519", passphrase: str = "") -> None:
        target = str(self.folder / name)
        subprocess.run([str(KEYGEN), "-q", "-t", kind, "-N", passphrase, "-f", target], check=True)

    def private(self, name: str = "client") -> str:
        return (self.folder / name).read_text()

    def known_hosts(self, port: int, kind: str = "ed25519") -> str:
        """A line for this server at `port`."""
        words = (self.folder / f"host_{kind}.pub").read_text().split()
        return f"[127.0.0.1]:{port} {words[0]} {words[1]}\n"

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(60)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _sign(self) -> None:
        key = str(self.folder / "certified.pub")
        authority = str(self.folder / "authority")
        subprocess.run([str(KEYGEN), "-q", "-s", authority, "-I", "test", "-n", self.user, key], check=True)

    def _wait(self) -> None:
        for _ in range(3000):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise TimeoutError("sshd does not listen")


@functools.cache
def openssh() -> OpenSsh:
    """The one of this process."""
    return OpenSsh()


class Relay:
    """Passes bytes between a port of its own and the server. `delay`: seconds one way."""

    def __init__(self, port: int, server: int, delay: float = 0.0) -> None:
        self.port, self._server, self._delay = port, server, delay
        self.flowing = asyncio.Event()
        self.flowing.set()
        self.most: int | None = None  # bytes to the client after which the connection breaks
        self.connections = 0
        self._listener: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False

    async def start(self) -> None:
        self._stopping = False
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def stop(self) -> None:
        self._stopping = True
        if self._listener is not None:
            self._listener.close()
            for task in [*self._tasks]:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._listener.wait_closed()
            self._listener = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if self._stopping:  # it was accepted a moment before
            writer.close()
            return
        self._tasks.add(task)
        self.connections += 1
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._server)
            try:
                ways = [self._pass(reader, far_writer), self._pass(far_reader, writer, counted=True)]
                running = [asyncio.ensure_future(way) for way in ways]
                try:
                    await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for one in running:
                        one.cancel()
                    await asyncio.gather(*running, return_exceptions=True)
            finally:
                far_writer.close()
        except (asyncio.CancelledError, OSError):
            pass  # the test ends, or one side went: the other is told by the end of its connection
        finally:
            writer.close()
            self._tasks.discard(task)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, counted: bool = False) -> None:
        loop = asyncio.get_running_loop()
        while data := await reader.read(256 * 1024):
            await self.flowing.wait()
            if counted and self.most is not None:
                self.most -= len(data)
                if self.most < 0:
                    self.most = None
                    return
            if self._delay:
                loop.call_later(self._delay, writer.write, data)
            else:
                writer.write(data)
                await writer.drain()
