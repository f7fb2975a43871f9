"""Bringing a store's tables up to this release, once, under a lock; refusing what a newer release wrote."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from engine.core.errors import SchemaVersionError, StoreError
from engine.store.database import Database
from engine.store.procure_schema import metadata
from engine.store.schema import HEAD
from engine.store.session import Session

MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK_KEY = 7_306_416  # advisory lock on PostgreSQL; SQLite has its write lock


def bring_up_to_date(database: Database) -> None:
    """Raises SchemaVersionError: the store was written by a newer release."""
    session = database.writer()
    try:
        session.begin()
        if session.sql.dialect.name == "postgresql":
            session.sql.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK_KEY})")
        if _version(session.sql) != HEAD:  # Alembic takes its time to import: only when there is work for it
            _upgrade(session)
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        session.close()


def check_version(database: Database) -> None:
    """For opening read only: the tables must be exactly those of this release.

    Raises:
        SchemaVersionError: they are newer.
        StoreError: they are older, or not there.
    """
    with database.reading() as connection:
        version = _version(connection)
    if version == HEAD:
        return
    if version is not None and version not in _known():
        raise _newer()
    raise StoreError("the store is of an older release", remedy="start the engine once: it brings the store up to date")


def _version(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return found


def _upgrade(session: Session) -> None:
    version = _version(session.sql)
    if version is not None and version not in _known():
        raise _newer()
    if version is None and session.sql.dialect.name == "sqlite":
        _create(session)
    else:
        migrate(session)


def _create(session: Session) -> None:
    """A new file gets today's tables at once: a fifth of a first start was Alembic's import.

    The migrations make the same tables; `tests/contract/test_journal_schema.py` holds the two together.
    """
    metadata.create_all(session.sql)
    session.sql.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
    session.sql.exec_driver_sql("INSERT INTO alembic_version VALUES (?)", (HEAD,))


def migrate(session: Session) -> None:
    """Run every migration that the store lacks, inside the session's transaction."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = session.sql
    command.upgrade(config, "head")


def _known() -> frozenset[str]:
    """Revisions of this release: the files are named `v0001_what.py`."""
    return frozenset(path.name[1:5] for path in (MIGRATIONS / "versions").glob("v*.py"))


def _newer() -> SchemaVersionError:
    return SchemaVersionError(
        "this store was written by a newer release of Isthmus",
        remedy="run that release or a newer one; to go back, restore the backup made before the upgrade",
    )
