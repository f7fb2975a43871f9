"""The Tryton server as a process beside us: start, wait until it answers, kill, stop."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from pathlib import Path

import aiohttp

from engine.adapters.tryton.environment import Environment
from engine.core.errors import TransportError
from engine.core.loopback import free_port

_CONFIGURATION = """\
[database]
uri = {uri}
path = {directory}

[web]
listen = {listen}

[session]
timeout = 3600

[product]
price_decimal = 6
"""
_STOP_SECONDS = 10.0


def write_configuration(directory: Path, uri: str, listen: str) -> Path:
    """`trytond.conf`, readable by its owner only: a PostgreSQL URI may hold a password."""
    path = directory / "trytond.conf"
    path.touch(mode=0o600)
    path.write_text(_CONFIGURATION.format(uri=uri, directory=directory, listen=listen))
    return path


class TrytonProcess:
    """One server of one database on a loopback port.

    Args:
        port: 0: a free one, kept over restarts.
    """

    def __init__(self, environment: Environment, directory: Path, uri: str, database: str, port: int = 0) -> None:
        self._environment, self._directory, self._uri = environment, directory, uri
        self.database, self.port = database, port or free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Returns at once; `ready` waits. Output goes to `erp.log` in the directory."""
        configuration = write_configuration(self._directory, self._uri, f"127.0.0.1:{self.port}")
        program = self._environment.program("trytond")
        with (self._directory / "erp.log").open("ab") as log:
            self._process = subprocess.Popen(
                [program, "-c", configuration, "-d", self.database],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )

    async def ready(self, seconds: float = 180.0) -> None:
        """Raises TransportError: it ended, or does not answer within the time."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self._process is not None and self._process.poll() is not None:
                break
            if await answers(self.url, self.database):
                return
            await asyncio.sleep(0.05)
        raise TransportError("the ERP did not start", where=str(self._directory / "erp.log"), remedy="read its log")

    def kill(self) -> None:
        """As a crash would: SIGKILL, nothing is finished."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


async def answers(url: str, database: str) -> bool:
    """True once the database is served: a call without a key is answered with 401."""
    timeout = aiohttp.ClientTimeout(total=5)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(f"{url}/{database}/rest/model/party.party") as response,
        ):
            return response.status == 401
    except (aiohttp.ClientError, TimeoutError):
        return False
