"""A real RabbitMQ on loopback, where the system has one: started as the user who runs the tests, one a test process."""

from __future__ import annotations

import atexit
import functools
import glob
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from engine.core.loopback import free_port
from tests.support.broker_keys import broker_keys

_FOUND = sorted(glob.glob("/usr/lib/rabbitmq/lib/*/sbin/rabbitmq-server"))
SERVER = _FOUND[-1] if _FOUND else None
INSTALLED = SERVER is not None and shutil.which("erl") is not None and shutil.which("epmd") is not None
ABSENT = "RabbitMQ absent: Debian's rabbitmq-server is not installed"
_PATIENCE = 60.0  # seconds: Erlang starts slowly


class RabbitMqServer:
    """Started by `start`; its durable queues outlive `kill`. Guests may log in from loopback.

    `secured_port` speaks TLS with clients that have a certificate of `broker_keys`.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="isthmus-rabbit-"))
        self.port, self.secured_port, self._epmd_port = free_port(), free_port(), free_port()
        self._distribution = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.remove)

    def start(self) -> None:
        (self.folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self.port}\nlog.console = false\nlog.file.level = error\n"
            "disk_free_limit.absolute = 50MB\nmanagement_agent.disable_metrics_collector = true\n" + self._secured()
        )
        (self.folder / "enabled_plugins").write_text("[].\n")
        with (self.folder / "output").open("ab") as log:
            self._process = subprocess.Popen(
                [str(SERVER)], env=self._environment(), stdout=log, stderr=log, cwd=self.folder, start_new_session=True
            )
        self._wait()

    def _secured(self) -> str:
        """A listener with TLS, for clients with a certificate."""
        folder = broker_keys()
        files = {"cacertfile": "ca.pem", "certfile": "server.pem", "keyfile": "server.key"}
        lines = [f"listeners.ssl.1 = 127.0.0.1:{self.secured_port}"]
        lines += [f"ssl_options.{name} = {folder / file}" for name, file in files.items()]
        return "\n".join([*lines, "ssl_options.verify = verify_peer", "ssl_options.fail_if_no_peer_cert = true", ""])

    def kill(self) -> None:
        """The server and all that it started, at once."""
        if self._process is not None:
            try:
                os.killpg(self._process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass  # it ended by itself
            self._process.wait(60)
            self._process = None
            self._until(lambda: not self._listens(self.port))

    def remove(self) -> None:
        self.kill()
        self._until(self._stopped_epmd)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _environment(self) -> dict[str, str]:
        folder = str(self.folder)
        loopback = "-kernel inet_dist_use_interface {127,0,0,1}"
        ours = {
            "HOME": folder,
            "RABBITMQ_NODENAME": f"isthmus{self.port}@localhost",
            "RABBITMQ_MNESIA_BASE": f"{folder}/data",
            "RABBITMQ_LOG_BASE": f"{folder}/log",
            "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq.conf",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/enabled_plugins",
            "RABBITMQ_CONF_ENV_FILE": f"{folder}/none",
            "RABBITMQ_DIST_PORT": str(self._distribution),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"{loopback} +S 1:1 +sbwt none",
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self._epmd_port),
        }
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("RABBITMQ_", "ERL_"))}
        return kept | ours

    def _stopped_epmd(self) -> bool:
        """It refuses while it knows a node; a killed one is forgotten in a moment."""
        stop = [str(shutil.which("epmd")), "-port", str(self._epmd_port), "-kill"]
        subprocess.run(stop, env=self._environment(), capture_output=True, check=False)
        return not self._listens(self._epmd_port)

    def _listens(self, port: int) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    def _until(self, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + _PATIENCE
        while not holds():
            if time.monotonic() > end:
                raise TimeoutError("RabbitMQ does not end")
            time.sleep(0.02)

    def _wait(self) -> None:
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end and self._process is not None and self._process.poll() is None:
            if self._listens(self.port):
                return
            time.sleep(0.05)
        raise TimeoutError(f"RabbitMQ did not start: {(self.folder / 'output').read_text()[-2000:]}")


@functools.cache
def rabbitmq_server() -> RabbitMqServer:
    """The one of this process."""
    made = RabbitMqServer()
    made.start()
    return made
