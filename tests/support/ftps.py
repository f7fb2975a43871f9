"""An FTPS server (pyftpdlib) in a process of its own on loopback, one a test process: explicit, implicit, without MLSD.

Run as a module it is that process: it writes its ports to standard output and serves until its input ends.
"""

from __future__ import annotations

import atexit
import functools
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from tests.support.certificates import Authority

USER, PASSWORD = "harbor", "open sesame"
REPOSITORY = Path(__file__).resolve().parents[2]


class Ftps:
    """`port`: AUTH TLS; `implicit`: TLS at once; `old`: AUTH TLS, and LIST instead of MLSD; `plain`: no TLS at all."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="isthmus-ftps-"))
        authority = Authority()
        self.authority = authority.write(self.folder / "authority.pem")
        authority.issue(self.folder / "server.pem", self.folder / "server.key")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.ftps", str(self.folder)],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        atexit.register(self.stop)
        assert self.process.stdout is not None
        self.port, self.implicit, self.old, self.plain = map(int, self.process.stdout.readline().split())

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(60)
        shutil.rmtree(self.folder, ignore_errors=True)


@functools.cache
def ftps() -> Ftps:
    """The one of this process."""
    return Ftps()


def serve(folder: Path) -> None:
    from pyftpdlib.authorizers import DummyAuthorizer
    from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler
    from pyftpdlib.ioloop import IOLoop
    from pyftpdlib.servers import FTPServer

    class Explicit(TLS_FTPHandler):  # type: ignore[misc]
        certfile, keyfile = str(folder / "server.pem"), str(folder / "server.key")
        tls_control_required = tls_data_required = True
        authorizer, auth_failed_timeout = DummyAuthorizer(), 0.05

    class Implicit(Explicit):
        def handle(self) -> None:
            self.secure_connection(self.ssl_context)
            super().handle()

        def handle_ssl_established(self) -> None:
            """The greeting is queued already."""

    class Old(Explicit):
        proto_cmds = {k: v for k, v in Explicit.proto_cmds.items() if k not in ("MLSD", "MLST")}  # noqa: RUF012

    class Plain(FTPHandler):  # type: ignore[misc]
        authorizer = Explicit.authorizer

    Explicit.authorizer.add_user(USER, PASSWORD, "/", perm="elradfmwMT")
    loop = IOLoop.instance()
    servers = [FTPServer(("127.0.0.1", 0), one, loop) for one in (Explicit, Implicit, Old, Plain)]
    print(*(one.address[1] for one in servers), flush=True)
    threading.Thread(target=lambda: (sys.stdin.read(), loop.close_all()), daemon=True).start()
    loop.loop()


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
