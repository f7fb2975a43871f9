"""What the settings of `sql` take, and how an address becomes a driver's arguments."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import BaseModel, ValidationError

from engine.connectors.connections import CONNECTION_TYPES
from engine.connectors.sql.database import Database
from engine.connectors.sql.reach import _arguments, reach_of
from engine.connectors.sql.settings import Reach, SqlConnection, SqlDestinationSettings, SqlSourceSettings
from engine.core.errors import ConfigurationError, SecretMissingError
from tests.support.connector_contract import undescribed
from tests.support.connector_doubles import Secrets, context

SOURCE: dict[str, Any] = {"connection": "db", "table": "receipts", "key": ["id"], "watermark": "id"}
TABLE: dict[str, Any] = {"connection": "db", "table": "invoices", "key": ["number"], "columns": {"number": "number"}}
LINES: dict[str, Any] = {"table": "t", "each": "lines", "key": ["n", "line"], "columns": {"n": "/number", "line": "#"}}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"outbox": {"column": "sent"}}, "either watermark or outbox"),
        ({"watermark": None}, "either watermark or outbox"),
        ({"url": "sqlite:x.db"}, "either a connection or a url"),
        ({"connection": None}, "either a connection or a url"),
        ({"password": "env:P"}, "password belongs to the connection"),
        ({"table": "a.b.c"}, "schema.name"),
        ({"table": "receipts; DROP TABLE x"}, "letters, digits"),
        ({"key": ['id"']}, "letters, digits"),
        ({"key": []}, "at least 1"),
        ({"columns": ["a"], "body_column": "b"}, "either body_column or columns"),
        ({"poll": "0s"}, "longer than 0s"),
    ],
)
def test_source_that_contradicts_itself_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        SqlSourceSettings.model_validate(SOURCE | change)


@pytest.mark.parametrize(
    ("outbox", "words"),
    [
        ({"waiting": "NEW", "done": "NEW"}, "must differ"),
        ({"delete": True, "done": "DONE"}, "no value for done"),
    ],
)
def test_outbox_whose_done_rows_would_wait_is_refused(outbox: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        SqlSourceSettings.model_validate(SOURCE | {"watermark": None, "outbox": {"column": "state"} | outbox})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"key": ["other"]}, "has no field"),
        ({"columns": {"number": "a..b"}}, "path"),
        ({"columns": {"number": "@password"}}, "path"),
        ({"columns": {"number": "#"}}, "belongs to lines"),
        ({"keep_newer": "version"}, "one of columns"),
        ({"lines": [LINES | {"belongs_by": ["line"]}]}, "begin with /"),
        ({"lines": [LINES | {"belongs_by": ["n"], "key": ["n"]}]}, "besides belongs_by"),
    ],
)
def test_destination_that_contradicts_itself_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        SqlDestinationSettings.model_validate(TABLE | change)


@pytest.mark.parametrize("url", ["postgresql://u:CANARY@h/db", "mysql://h/db?password=CANARY", "no address CANARY"])
def test_password_in_an_address_is_refused_unshown(url: str) -> None:
    with pytest.raises(ValidationError) as caught:
        SqlConnection.model_validate({"type": "sql", "url": url})

    assert "CANARY" not in str(caught.value)


def test_connection_is_described_and_known_to_lint() -> None:
    loaded: dict[str, type[BaseModel]] = {one.name: one.load() for one in CONNECTION_TYPES}

    assert loaded["sql"] is SqlConnection
    assert undescribed(SqlConnection) == []


def test_named_connection_is_used(tmp_path: Path) -> None:
    written = {"type": "sql", "url": "sqlite:x.db", "timeout": "7s"}
    surroundings = context(tmp_path, connections={"db": written})

    assert reach_of(SqlSourceSettings.model_validate(SOURCE), surroundings).timeout.total_seconds() == 7


@pytest.mark.parametrize(
    ("written", "words"), [(None, "no such connection"), ({"type": "tryton"}, "type"), ({"type": "sql"}, "needs url")]
)
def test_connection_that_is_no_database_is_told(tmp_path: Path, written: dict[str, Any] | None, words: str) -> None:
    surroundings = context(tmp_path, connections={"db": written} if written else {})
    with pytest.raises(ConfigurationError, match=words) as caught:
        reach_of(SqlSourceSettings.model_validate(SOURCE), surroundings)

    assert caught.value.where == "config/connections.yaml: db"


def _reach(**settings: Any) -> Any:
    return SqlSourceSettings.model_validate(SOURCE | {"connection": None} | settings)


@pytest.mark.parametrize(
    ("secret", "words"),
    [
        ("nonsense CANARY", "cannot be read"),
        ("nodialect://u:CANARY@h/db", "cannot be read"),
        ("oracle://u:CANARY@h/db", "is not installed"),
        ("sqlite://", "must be a file"),
    ],
)
def test_address_that_cannot_be_used_is_told_at_once_and_unshown(tmp_path: Path, secret: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        Database(_reach(url="env:URL"), context(tmp_path, secrets=Secrets({"env:URL": secret})))

    assert "CANARY" not in str(caught.value)


def test_missing_password_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(SecretMissingError):
        Database(_reach(url="postgresql://u@h/db", password="env:NONE"), context(tmp_path))


async def test_missing_sqlite_file_is_not_made(tmp_path: Path) -> None:
    database = Database(_reach(url="sqlite:wrong.db"), context(tmp_path))
    with pytest.raises(Exception, match="no connection to the database"):
        await database.run(lambda connection: None)
    await database.close()

    assert not (tmp_path / "wrong.db").exists()


async def test_sqlite_file_with_odd_characters_is_opened(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "a b#%41?.db").execute("CREATE TABLE here (x)").connection.close()
    database = Database(_reach(url="sqlite:a b#%41?.db"), context(tmp_path))
    found = await database.run(lambda connection: sa.inspect(connection).get_table_names())
    await database.close()

    assert found == ["here"]


# ------------------------------------------------------------------ TLS and time-outs by driver
def arguments(url: str, folder: Path, **settings: Any) -> dict[str, Any]:
    reach = Reach.model_validate({"url": url, "connect_timeout": "3s", "timeout": "9s"} | settings)
    return _arguments(sa.make_url(url), reach, context(folder))


def test_postgresql_takes_tls_as_files_and_the_system_s_authorities_by_default(tmp_path: Path) -> None:
    own = arguments("postgresql+psycopg://h/db", tmp_path, tls={"ca": "tls/ca.pem", "certificate": "c.pem"})
    usual = arguments("postgresql+psycopg://h/db", tmp_path, tls={})
    blind = arguments("postgresql+psycopg://h/db", tmp_path, tls={"verify": False, "ca": "tls/ca.pem"})

    assert own["sslmode"] == usual["sslmode"] == "verify-full"
    assert own["sslrootcert"] == f"{tmp_path}/tls/ca.pem"
    assert own["sslcert"] == own["sslkey"] == f"{tmp_path}/c.pem"
    assert usual["sslrootcert"] == "system"
    assert (blind["sslmode"], "sslrootcert" in blind) == ("require", False)
    assert (own["connect_timeout"], own["tcp_user_timeout"]) == (3, 9000)


@pytest.mark.parametrize("tls", [{"pinned": ["ab" * 32]}, {"server_name": "other.example"}])
def test_tls_that_a_driver_cannot_do_is_refused(tmp_path: Path, tls: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="cannot be set"):
        arguments("postgresql+psycopg://h/db", tmp_path, tls=tls)


def test_tls_of_an_unknown_driver_is_refused_not_passed_over(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="tls cannot be set for oracle"):
        arguments("oracle+oracledb://h/db", tmp_path, tls={})


def test_mariadb_has_time_outs_for_reading_and_writing(tmp_path: Path) -> None:
    found = arguments("mariadb+pymysql://h/db", tmp_path)

    assert found == {"connect_timeout": 3, "read_timeout": 9, "write_timeout": 9}
