"""Databases for the ERP: an SQLite file in its directory, or one on a PostgreSQL server."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

SQLITE = "sqlite://"


def make_database(uri: str, name: str, directory: Path, copy_of: str | None = None) -> None:
    """An empty database, or on PostgreSQL a copy of another one; one of that name is replaced.

    Args:
        uri: `sqlite://`, or `postgresql://user:password@host:port/`; a query (`?host=/socket`) is kept.
    """
    if uri == SQLITE:
        (directory / f"{name}.sqlite").touch(mode=0o600)  # Tryton opens only files that exist
        return
    from psycopg import sql

    with _maintenance(uri) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if copy_of:
            statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(copy_of))
        connection.execute(statement)


def database_exists(uri: str, name: str, directory: Path) -> bool:
    if uri == SQLITE:
        return (directory / f"{name}.sqlite").exists()
    with _maintenance(uri) as connection:
        return connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone() is not None


def _maintenance(uri: str) -> Any:
    import psycopg

    return psycopg.connect(urlsplit(uri)._replace(path="/postgres").geturl(), autocommit=True)
