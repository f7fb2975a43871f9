"""A seeded ERP database, made once and then copied: `ensure_template`.

Secrets (the administrator's password, the REST key) stand in files of mode 0600 and are never printed.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
import sqlite3
from collections.abc import Callable
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from engine.adapters.tryton import seed
from engine.adapters.tryton.databases import SQLITE, database_exists, make_database
from engine.adapters.tryton.environment import Environment, Progress, ensure_environment, exclusive, run, silent
from engine.adapters.tryton.process import TrytonProcess, write_configuration
from engine.adapters.tryton.rpc import RpcSession

MODULES = ("purchase", "purchase_requisition", "analytic_purchase", "account_payment_clearing")


class Template(NamedTuple):
    """A seeded database that is never served itself: copies are.

    Args:
        uri: `sqlite://` or the PostgreSQL server's URI, without a database.
        database: the SQLite file's stem, or the PostgreSQL database's name.
    """

    environment: Environment
    directory: Path
    uri: str
    database: str
    company: int
    key: str
    admin_password: str

    @property
    def file(self) -> Path:
        return self.directory / f"{self.database}.sqlite"

    def __repr__(self) -> str:
        """Without the secrets."""
        return f"Template({self.environment.version}, {self.directory})"


async def ensure_template(progress: Progress = silent, version: str = "8.2", uri: str = SQLITE) -> Template:
    """The template of this release and database server, made when it is not there yet (about half a minute)."""
    environment = await asyncio.to_thread(ensure_environment, version, progress)
    directory = environment.root / _template_name(uri)
    with exclusive(environment.root / "template.lock"):
        if not _is_there(directory, uri):
            await _make(environment, directory, uri, progress)
    return _load(environment, directory, uri)


def _is_there(directory: Path, uri: str) -> bool:
    made = (directory / "connection.json").exists()
    return made and database_exists(uri, _database_name(directory, uri), directory)


def _database_name(directory: Path, uri: str) -> str:
    return "template" if uri == SQLITE else f"isthmus_{directory.name.replace('-', '_')}"


def _template_name(uri: str) -> str:
    """Changes with the seed, so that a newer engine does not meet an older company; and with the year."""
    source = Path(seed.__file__).read_bytes() + repr(MODULES).encode()
    digest = sha256(source + uri.encode()).hexdigest()[:12]
    return f"template-{digest}-{date.today().year}"


async def _make(environment: Environment, directory: Path, uri: str, progress: Progress) -> None:
    partial = directory.with_name(directory.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.rmtree(directory, ignore_errors=True)
    partial.mkdir(parents=True, mode=0o700)
    database = _database_name(directory, uri)
    password = secrets.token_urlsafe(24)
    make_database(uri, database, partial)
    progress("modules of the ERP (the longest step)")
    await asyncio.to_thread(_activate, environment, partial, uri, database, password)
    process = TrytonProcess(environment, partial, uri, database)
    process.start()
    try:
        await process.ready()
        seeded = await _seed(process.url, database, password, progress)
    finally:
        process.stop()
    if uri == SQLITE:
        _fold_journal(partial / f"{database}.sqlite")
    connection = {"database": database, "company": seeded.company, "key": seeded.key, "admin_password": password}
    write_private(partial / "connection.json", json.dumps(connection))
    partial.rename(directory)


def _activate(environment: Environment, directory: Path, uri: str, database: str, password: str) -> None:
    configuration = write_configuration(directory, uri, "127.0.0.1:0")
    secret = directory / "admin_password"
    write_private(secret, password)
    command = [str(environment.program("trytond-admin")), "-c", str(configuration), "-d", database]
    command += ["-u", *MODULES, "--activate-dependencies", "--email", "erp@harbor.example", "--password"]
    run(command, "activate the ERP's modules", {"TRYTONPASSFILE": str(secret)})
    secret.unlink()


async def _seed(url: str, database: str, password: str, progress: Progress) -> seed.Seeded:
    rpc = RpcSession(f"{url}/{database}")
    try:
        await rpc.sign_in("admin", password)
        return await seed.seed_company(rpc, date.today(), _prefixed(progress))
    finally:
        await rpc.close()


def _prefixed(progress: Progress) -> Callable[[str], None]:
    return lambda text: progress(f"company {seed.COMPANY}: {text}")


def _fold_journal(file: Path) -> None:
    """Bring the write-ahead log into the file, so that the file alone is the database."""
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _load(environment: Environment, directory: Path, uri: str) -> Template:
    known = json.loads((directory / "connection.json").read_text())
    return Template(
        environment, directory, uri, known["database"], known["company"], known["key"], known["admin_password"]
    )


def write_private(path: Path, text: str) -> None:
    """Readable by its owner only, from the first byte on."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
        handle.write(text)
