"""A real Redis server on loopback, where the system has one; one a test process."""

from __future__ import annotations

import atexit
import functools
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from redis.connection import Connection

from engine.core.loopback import free_port

SERVER = shutil.which("redis-server")
INSTALLED = SERVER is not None
ABSENT = "Redis absent: Debian's redis-server is not installed"


class RedisServer:
    """Started by `start`; it writes each command to its log, so that streams outlive `kill`."""

    def __init__(self, *options: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="isthmus-redis-"))
        self.port, self._options = free_port(), options
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.remove)

    def start(self) -> None:
        usual = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.folder), "--save", ""]
        log = ["--appendonly", "yes", "--appendfsync", "always"]
        self._process = subprocess.Popen(
            [str(SERVER), *usual, *log, *self._options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(3000):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise TimeoutError("redis-server does not listen")

    def kill(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(60)
            self._process = None

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def do(self, *command: Any) -> Any:
        """The answer to one command, as the server gives it."""
        connection: Any = Connection(port=self.port, protocol=2)
        try:
            connection.send_command(*command)
            return connection.read_response()
        finally:
            connection.disconnect()


@functools.cache
def redis_server() -> RedisServer:
    """The one of this process."""
    made = RedisServer()
    made.start()
    return made
