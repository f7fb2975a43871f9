"""Connections to the two databases: how they are opened, and what is set on them and why."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.pool import NullPool, QueuePool

from engine.core.errors import ConfigurationError, StoreError
from engine.store.checksum import checksum
from engine.store.postgres_session import PostgresSession
from engine.store.session import Session
from engine.store.sqlite_session import SqliteSession

_LOOK_EVERY = 8  # commits
_EXAMINED_BYTES = 256 * 1024 * 1024  # read whole in about a second
_PAGE = 4096
READERS = 4  # connections for searches and views; the console and the CLI rarely ask more at once


class Database(Protocol):
    """One of the two engines."""

    @property
    def name(self) -> str:
        """`sqlite` or `postgresql`."""
        ...

    def writer(self) -> Session:
        """A new connection for the one writer. Raises: errors of the driver."""
        ...

    def reading(self) -> Any:
        """A context manager: a connection in one consistent snapshot."""
        ...

    def suspect(self) -> None:
        """A write failed: look before the next connection writes."""
        ...

    def after_commit(self, session: Session, idle: bool) -> None:
        """Housekeeping between commits. `idle`: nobody waits for the next one yet."""
        ...

    def close(self) -> None: ...


def database(url: str, read_only: bool = False) -> Database:
    """`sqlite:///path/journal.db` or `postgresql://...`.

    Raises:
        ConfigurationError: another kind of url.
        StoreError: read only, and the file is not there.
    """
    if url.startswith("sqlite:///"):
        return SqliteDatabase(Path(url.removeprefix("sqlite:///")), read_only)
    if url.startswith(("postgresql://", "postgresql+psycopg://", "postgres://")):
        return PostgresDatabase(url)
    raise ConfigurationError(
        "the store must be sqlite:PATH or postgresql://HOST/NAME", remedy="set store in config/engine.yaml"
    )


class SqliteDatabase:
    """One file. WAL with one writer, which alone checkpoints: SQLite before 3.51.3 can lose a WAL reset otherwise."""

    name = "sqlite"
    # A checkpoint makes the next commit wait. While there is time for it, small ones, of a few milliseconds; under
    # full load rarer ones, so that pages written again and again are copied once.
    idle_pages, busy_pages = 500, 4000

    def __init__(self, path: Path, read_only: bool = False) -> None:
        if read_only and not path.exists():
            raise StoreError("there is no journal here yet", where=str(path), remedy="start the engine once")
        self.path = path
        self._wal = Path(f"{path}-wal")
        self._suspected, self._wal_known, self._commits = False, 0, 0
        path.parent.mkdir(parents=True, exist_ok=True)
        if not read_only:
            path.touch(mode=0o600)  # messages are for the engine alone; SQLite gives the WAL the same rights
        self._writers = _engine("sqlite://", lambda: self._connect(write=True), NullPool)
        self._readers = _engine("sqlite://", lambda: self._connect(write=False), QueuePool, pool_size=READERS)

    def writer(self) -> Session:
        session = SqliteSession(self._writers.connect())
        if self._suspected:
            self._examine(session)
            self._suspected = False
        return session

    def suspect(self) -> None:
        self._suspected = True

    def _examine(self, session: SqliteSession) -> None:
        """After a failed write or flush: opening replays the WAL, this looks at the result.

        Raises StoreError: the file is damaged. Larger files are checked at their newest end only, where writing was.
        """
        if self.path.stat().st_size > _EXAMINED_BYTES:
            query = "SELECT body, digest FROM bodies ORDER BY message_id DESC LIMIT 1000"
            good = all(checksum(body) == digest for body, digest in session.sql.exec_driver_sql(query))
        else:
            good = session.sql.exec_driver_sql("PRAGMA quick_check(1)").scalar() == "ok"
        session.rollback()
        if not good:
            session.close()
            raise StoreError("the journal's file is damaged", where=str(self.path), remedy="restore the last backup")

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        with self._readers.connect() as connection:
            connection.exec_driver_sql("BEGIN")
            try:
                yield connection
            except UnicodeDecodeError:  # a flipped bit in a text; its bytes are not repeated
                what = "a text in the journal differs from what was stored"
                raise StoreError(what, where=str(self.path), remedy="check the disk; restore the backup") from None

    def after_commit(self, session: Session, idle: bool) -> None:
        if not isinstance(session, SqliteSession):
            return
        most = self.idle_pages if idle else self.busy_pages
        if session.vacuum() or session.wal_pages > most or self._has_grown(most):
            session.checkpoint()
            self._wal_known = self._wal_size()

    def _has_grown(self, most: int) -> bool:
        """Looked at now and then: each look gives the interpreter lock away and waits for a busy loop to give it back.

        The session's own estimate is asked after every commit; this is the net below it.
        """
        self._commits += 1
        return self._commits % _LOOK_EVERY == 0 and self._wal_size() - self._wal_known > most * _PAGE

    def _wal_size(self) -> int:
        try:
            return self._wal.stat().st_size
        except FileNotFoundError:
            return 0

    def close(self) -> None:
        self._readers.dispose()
        self._writers.dispose()

    def _connect(self, write: bool) -> sqlite3.Connection:
        # Statements are bulk texts of a few lengths each; all of them stay prepared.
        connection = sqlite3.connect(
            self.path, isolation_level=None, check_same_thread=False, cached_statements=1024, timeout=10
        )
        try:
            for pragma in _WRITER_PRAGMAS if write else _READER_PRAGMAS:
                connection.execute(f"PRAGMA {pragma}").fetchall()
        except UnicodeDecodeError:  # SQLite quotes what a flipped bit made of the names of tables
            connection.close()
            what = "the journal's file is damaged"
            raise StoreError(what, where=str(self.path), remedy="restore the last backup") from None
        return connection


_WRITER_PRAGMAS = (
    f"page_size = {_PAGE}",  # larger pages make every random index write larger in the WAL
    "auto_vacuum = INCREMENTAL",  # retention gives the disk back in small steps; must precede the first table
    "journal_mode = WAL",
    "synchronous = FULL",  # a commit returns when the WAL is flushed
    "wal_autocheckpoint = 0",  # between commits, never inside one
    "secure_delete = FAST",  # freed content is wiped where that costs no extra write
    "cache_size = -65536",  # 64 MiB: inner pages of every index of tens of millions of rows
    "temp_store = MEMORY",
    "foreign_keys = OFF",
)
_READER_PRAGMAS = (
    "query_only = ON",
    "wal_autocheckpoint = 0",
    "cache_size = -8192",
    "mmap_size = 268435456",  # reads share the page cache of the system instead of copying it
    "temp_store = MEMORY",
)


def _address(url: str) -> sa.URL:
    """With our driver. What SQLAlchemy cannot read it quotes, and it may be part of a password: so it says nothing."""
    try:
        return sa.make_url(f"postgresql+psycopg://{url.partition('://')[2]}")
    except (ValueError, sa.exc.ArgumentError):
        raise ConfigurationError(
            "the store's address cannot be read",
            where="store.url",
            remedy="write postgresql://user:password@host:port/name; in the password, @ is %40, : is %3A, / is %2F",
        ) from None


class PostgresDatabase:
    """PostgreSQL through psycopg 3; one writing connection a node, a few reading ones."""

    name = "postgresql"

    def __init__(self, url: str) -> None:
        target = _address(url)
        # A dead peer is noticed by TCP, not by a commit that hangs for ever.
        arguments = {"connect_timeout": 5, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
        self._writers = sa.create_engine(target, poolclass=NullPool, connect_args=arguments)
        self._readers = sa.create_engine(
            target,
            pool_size=READERS,
            pool_pre_ping=True,
            connect_args=arguments,
            execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
        )

    def writer(self) -> Session:
        connection = self._writers.connect()
        # A node that stopped in the middle of a transaction must not keep its lease's row locked for ever.
        connection.exec_driver_sql("SET idle_in_transaction_session_timeout = '10s'")
        connection.commit()
        return PostgresSession(connection)

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        with self._readers.connect() as connection:
            yield connection

    def suspect(self) -> None:
        """The server recovers by itself."""

    def after_commit(self, session: Session, idle: bool) -> None:
        """The server looks after itself."""

    def close(self) -> None:
        self._readers.dispose()
        self._writers.dispose()


def _engine(url: str, creator: Callable[[], sqlite3.Connection], pool: type[sa.Pool], **options: Any) -> sa.Engine:
    return sa.create_engine(url, creator=creator, poolclass=pool, **options)
