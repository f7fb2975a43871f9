"""A MariaDB server of this test run, started as the user who runs the tests, where the system has one."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

_PATIENCE = 60.0  # seconds


@pytest.fixture(scope="session")
def mariadb_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`mariadb+pymysql://…/test`, over a socket."""
    server, install = shutil.which("mariadbd"), shutil.which("mariadb-install-db")
    if server is None or install is None:
        pytest.skip("MariaDB absent: Debian's mariadb-server is not installed")
    if importlib.util.find_spec("pymysql") is None:
        pytest.skip("MariaDB's driver absent: PyMySQL is not installed")
    folder = tmp_path_factory.mktemp("mariadb")
    process = _started(server, install, folder)
    try:
        uri = f"mariadb+pymysql://root@localhost/test?unix_socket={folder}/socket"
        _wait(uri, process)
        yield uri
    finally:
        process.kill()
        process.wait(_PATIENCE)


def _started(server: str, install: str, folder: Path) -> subprocess.Popen[bytes]:
    data, log = folder / "data", (folder / "log").open("wb")
    user = ["--user=root"] if os.geteuid() == 0 else []
    base = os.environ.get("MARIADB_BASE")
    where = [f"--datadir={data}", *([f"--basedir={base}"] if base else [])]
    subprocess.run(
        [install, "--no-defaults", *where, *user, "--auth-root-authentication-method=normal"],
        check=True,
        stdout=log,
        stderr=log,
        timeout=120,
    )
    quiet = [
        "--skip-networking",
        f"--socket={folder}/socket",
        f"--pid-file={folder}/pid",
        "--innodb-flush-log-at-trx-commit=0",
    ]
    return subprocess.Popen([server, "--no-defaults", *where, *user, *quiet], stdout=log, stderr=log)


def _wait(uri: str, process: subprocess.Popen[bytes]) -> None:
    engine = sa.create_engine(uri.replace("/test?", "/?"))
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            with engine.begin() as connection:
                connection.exec_driver_sql("CREATE DATABASE IF NOT EXISTS test")
            engine.dispose()
            return
        except sa.exc.OperationalError:
            time.sleep(0.1)
    raise TimeoutError("MariaDB did not start; its log is in the test's folder")
