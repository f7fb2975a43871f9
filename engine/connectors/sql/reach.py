"""From settings to an engine of SQLAlchemy: address, password, TLS and time-outs as each driver takes them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from pydantic import ValidationError
from sqlalchemy.pool import QueuePool

from engine.connectors.sql.settings import Reach, SqlConnection
from engine.connectors.tls import ClientContext, ClientTls
from engine.core.errors import ConfigurationError
from engine.ports.connector import ConnectorContext

_REFERENCE = ("env:", "file:", "store:")
_MYSQL = ("mysql", "mariadb")
_LIBPQ_VERSIONS = {"1.2": "TLSv1.2", "1.3": "TLSv1.3"}


def reach_of(settings: Any, context: ConnectorContext) -> Reach:
    """The connection that is named, or the settings themselves.

    Raises:
        ConfigurationError: no such connection, or not a database.
    """
    if settings.connection is None:
        found: Reach = settings
        return found
    where = f"config/connections.yaml: {settings.connection}"
    written = context.connections.get(settings.connection)
    if written is None:
        raise ConfigurationError("no such connection", where=where, remedy="add it, with type: sql and its url")
    try:
        return SqlConnection.model_validate(dict(written))
    except ValidationError as error:
        places = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False))
        raise ConfigurationError(places, where=where, remedy="correct the connection's settings") from None


def open_engine(reach: Reach, context: ConnectorContext, connections: int) -> sa.Engine:
    """An engine that has not connected yet.

    Raises:
        ConfigurationError: the address cannot be read, its driver is not installed, or TLS cannot be set for it.
    """
    url = _url(reach, context)
    options: dict[str, Any] = {"hide_parameters": True, "pool_size": connections, "max_overflow": 0}
    if url.get_backend_name() == "sqlite":
        return _sqlite(url, reach, context.root, options)
    options |= {"pool_pre_ping": True, "pool_timeout": reach.connect_timeout.total_seconds()}
    if url.get_backend_name() == "postgresql":
        options["json_deserializer"] = _exact_json
    try:
        engine = sa.create_engine(url, connect_args=_arguments(url, reach, context), **options)
    except ModuleNotFoundError as error:
        words = f"the driver of {url.get_backend_name()} is not installed: {error.name}"
        raise ConfigurationError(words, where=context.name, remedy="install it beside the engine") from None
    except (sa.exc.ArgumentError, TypeError):
        raise _unreadable(context) from None
    if reach.tls is not None and url.get_backend_name() in _MYSQL:
        _follow_certificates(engine, ClientContext(reach.tls, context.root, context.secrets))
    sa.event.listen(engine, "connect", lambda connection, record: _limit(url, reach, connection))
    return engine


def _follow_certificates(engine: sa.Engine, client: ClientContext) -> None:
    """Each connection takes the files as they are then; libpq reads them itself."""

    @sa.event.listens_for(engine, "do_connect")
    def newest(dialect: Any, record: Any, arguments: Any, options: dict[str, Any]) -> None:
        options["ssl"] = client.current()


def _url(reach: Reach, context: ConnectorContext) -> sa.URL:
    text = reach.url or ""
    if text.startswith(_REFERENCE):
        text = context.secrets.resolve(text).strip()
    if text.startswith("sqlite:") and not text.startswith("sqlite:/"):
        return sa.URL.create("sqlite", database=text.removeprefix("sqlite:"))
    try:
        url = sa.make_url(text)
        if url.drivername in _MYSQL:
            url = url.set(drivername=f"{url.drivername}+pymysql")  # the driver in plain Python
        url.get_dialect()
    except (sa.exc.ArgumentError, ValueError):  # NoSuchModuleError is an ArgumentError; its words quote the address
        raise _unreadable(context) from None
    except ModuleNotFoundError as error:
        words = f"the database's driver is not installed: {error.name}"
        raise ConfigurationError(words, where=context.name, remedy="install it beside the engine") from None
    return url.set(password=context.secrets.resolve(reach.password).strip()) if reach.password else url


def _unreadable(context: ConnectorContext) -> ConfigurationError:
    return ConfigurationError(
        "the database's address cannot be read",
        where=f"{context.name}: url",
        remedy="write dialect://user@host:port/name; in user and password, @ is %40, : is %3A, / is %2F",
    )


# ------------------------------------------------------------------ SQLite
def _sqlite(url: sa.URL, reach: Reach, root: Path, options: Mapping[str, Any]) -> sa.Engine:
    """Never makes a new file: a wrong path must not look like an empty database."""
    if not url.database or url.database == ":memory:":
        raise ConfigurationError("an SQLite database must be a file", where="url", remedy="write sqlite:data/name.db")
    if reach.tls is not None:
        raise ConfigurationError("a file has no TLS", where="tls", remedy="remove tls")
    address = f"file:{quote(str((root / url.database).resolve()))}?mode=rw"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(address, uri=True, check_same_thread=False, timeout=reach.timeout.total_seconds())

    return sa.create_engine("sqlite://", creator=connect, poolclass=QueuePool, **options)


# ------------------------------------------------------------------ servers
def _arguments(url: sa.URL, reach: Reach, context: ConnectorContext) -> dict[str, Any]:
    """What the driver takes beside the address."""
    connect = max(1, round(reach.connect_timeout.total_seconds()))
    longest = max(1, round(reach.timeout.total_seconds()))
    driver = f"{url.get_backend_name()}+{url.get_driver_name()}"
    if driver == "postgresql+psycopg":
        # A dead peer is noticed by TCP, not by a transaction that hangs for ever.
        dead = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
        return {"connect_timeout": connect, "tcp_user_timeout": longest * 1000, **dead} | _libpq(reach, context)
    if driver in ("mysql+pymysql", "mariadb+pymysql"):
        limits = {"connect_timeout": connect, "read_timeout": longest, "write_timeout": longest}
        return _plainly(reach.tls, limits, context)
    if reach.tls is not None:
        remedy = "put the driver's own TLS options into the url"
        raise ConfigurationError(f"tls cannot be set for {driver}", where=f"{context.name}: tls", remedy=remedy)
    return {}


def _libpq(reach: Reach, context: ConnectorContext) -> dict[str, Any]:
    """TLS as libpq takes it: files, not a context."""
    if (tls := reach.tls) is None:
        return {}
    files = {"sslrootcert": tls.ca, "sslcert": tls.certificate, "sslkey": tls.key or tls.certificate}
    found = {name: str(context.root / path) for name, path in files.items() if path}
    found["sslmode"] = "verify-full" if tls.verify else "require"
    if tls.verify:
        found.setdefault("sslrootcert", "system")
    else:
        found.pop("sslrootcert", None)  # libpq would check it all the same
    if tls.key_password:
        found["sslpassword"] = context.secrets.resolve(tls.key_password)
    found["ssl_min_protocol_version"] = _LIBPQ_VERSIONS[tls.minimum_version]
    return _plainly(tls, found, context)


def _plainly(tls: ClientTls | None, found: dict[str, Any], context: ConnectorContext) -> dict[str, Any]:
    """What this driver cannot do is refused, never passed over."""
    if tls is not None and (tls.pinned or tls.server_name):
        words = "pinned certificates and server_name cannot be set for this database"
        raise ConfigurationError(words, where=f"{context.name}: tls", remedy="use ca, and the name in the certificate")
    return found


def _limit(url: sa.URL, reach: Reach, connection: Any) -> None:
    """Tell the server our time-out, so that it gives up, too."""
    milliseconds = max(1, round(reach.timeout.total_seconds() * 1000))
    cursor = connection.cursor()
    try:
        for statement in _limits(url, milliseconds, cursor):
            cursor.execute(statement)
    finally:
        cursor.close()
    connection.commit()


def _limits(url: sa.URL, milliseconds: int, cursor: Any) -> list[str]:
    if url.get_backend_name() == "postgresql":
        names = ("statement_timeout", "idle_in_transaction_session_timeout")
        return [f"SET {name} = {milliseconds}" for name in names]
    if url.get_backend_name() not in _MYSQL:
        return []
    seconds = max(1, milliseconds // 1000)
    cursor.execute("SELECT VERSION()")
    mariadb = "mariadb" in str(cursor.fetchone()).lower()
    longest = f"max_statement_time = {seconds}" if mariadb else f"max_execution_time = {milliseconds}"
    return [f"SET SESSION {longest}", f"SET SESSION innodb_lock_wait_timeout = {seconds}"]


def _exact_json(text: str | bytes) -> Any:
    return json.loads(text, parse_float=Decimal)
