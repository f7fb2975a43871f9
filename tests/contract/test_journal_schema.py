"""Tables: migrations build exactly what the code declares; a newer store is refused, an older one brought up."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from engine.core.errors import ConfigurationError, SchemaVersionError, StoreError
from engine.store.database import database
from engine.store.migrate import MIGRATIONS, migrate
from engine.store.open import open_store
from engine.store.schema import HEAD, metadata
from tests.support.stores import CLOCK, sql


def migrated(store_url: str) -> None:
    """Build the tables by the migrations alone, as an upgrade does."""
    at = database(store_url)
    session = at.writer()
    session.begin()
    migrate(session)
    session.commit()
    session.close()
    at.close()


async def test_migrations_from_empty_equal_the_metadata(store_url: str) -> None:
    migrated(store_url)
    engine = sa.create_engine(store_url.replace("postgresql://", "postgresql+psycopg://"))

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_name": _ours, "compare_type": True})
        differences = compare_metadata(context, metadata)
        assert differences == []
    engine.dispose()


def _ours(name: str | None, kind: str, parents: object) -> bool:
    """Partitions of PostgreSQL are made by the store itself."""
    return not (kind == "table" and name is not None and name.endswith(("_default", "version")))


async def test_sqlite_tables_are_declared_as_the_migrations_make_them(tmp_path: Path) -> None:
    """Also what the comparison above does not look at: WITHOUT ROWID and partial indexes; a new store is `b`."""
    migrated(f"sqlite:///{tmp_path}/a.db")
    await (await open_store(f"sqlite:///{tmp_path}/b.db", CLOCK)).close()
    query = "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE '%alembic%' AND sql IS NOT NULL"
    assert sql(f"sqlite:///{tmp_path}/b.db", "SELECT version_num FROM alembic_version") == [(HEAD,)]

    made, declared = ({(a, b, _plain(c)) for a, b, c in sql(f"sqlite:///{tmp_path}/{f}.db", query)} for f in "ab")

    assert made == declared


def _plain(statement: str) -> str:
    return " ".join(statement.replace('"', "").split())


def test_the_head_is_the_newest_migration() -> None:
    assert max(path.name[1:5] for path in (MIGRATIONS / "versions").glob("v*.py")) == HEAD


@pytest.mark.parametrize("read_only", [False, True])
async def test_a_store_of_a_newer_release_is_refused(store_url: str, read_only: bool) -> None:
    await (await open_store(store_url, CLOCK)).close()
    sql(store_url, "UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(SchemaVersionError, match="newer release"):
        await open_store(store_url, CLOCK, read_only=read_only)


async def test_opening_twice_changes_nothing(store_url: str) -> None:
    for _ in range(2):
        await (await open_store(store_url, CLOCK)).close()

    assert sql(store_url, "SELECT version_num FROM alembic_version") == [(HEAD,)]


async def test_reading_needs_a_journal(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no journal here yet"):
        await open_store(f"sqlite:///{tmp_path}/none.db", CLOCK, read_only=True)


@pytest.mark.parametrize("url", ["mysql://x/y", "sqlite://", "journal.db"])
async def test_another_kind_of_store_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="must be sqlite:PATH or postgresql://HOST/NAME"):
        await open_store(url, CLOCK)


async def test_a_server_that_is_not_there_is_a_store_error_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        await open_store(f"postgresql://ana:canary@/none?host={tmp_path}", CLOCK)

    assert "canary" not in str(caught.value)
