"""What a database's error means: try again later, or refused. Its own words quote values, so only its code is told."""

from __future__ import annotations

import sqlite3

import sqlalchemy as sa

from engine.core.errors import DestinationError, IsthmusError, TransportError

# Classes of SQLSTATE that pass by themselves: connection, rollback, resources, object in use, operator, system.
_PASSING_CLASSES = frozenset({"08", "40", "53", "55", "57", "58"})
# Result codes of SQLite that say that the statement or its values are at fault.
_SQLITE_REFUSALS = frozenset({sqlite3.SQLITE_ERROR, 18, sqlite3.SQLITE_CONSTRAINT, 20, 25})
# Codes of MariaDB and MySQL that its drivers call operational although they are about the statement or its values.
_MYSQL_REFUSALS = frozenset({1044, 1048, 1054, 1142, 1143, 1146, 1264, 1265, 1292, 1364, 1366, 1406, 3819, 4025})
_REFUSALS = (
    sa.exc.IntegrityError,
    sa.exc.DataError,
    sa.exc.ProgrammingError,
    sa.exc.NotSupportedError,
    sa.exc.InvalidRequestError,
    sa.exc.CompileError,
)


def not_connected(error: Exception, where: str) -> IsthmusError:
    """No connection could be had: certainly nothing was done."""
    return TransportError(
        f"no connection to the database ({_word(error)})",
        where=where,
        remedy="check that it runs, its address, and our user's rights",
    )


def not_done(error: Exception, where: str, committing: bool) -> IsthmusError:
    """A transaction failed. `committing`: perhaps only its answer is missing."""
    word, place = _word(error), ".".join((where, *_names(error)))
    if not committing and _refused(error):
        remedy = "compare the settings with the table, and our user's rights"
        return DestinationError(f"the database refused it ({word})", where=place, remedy=remedy)
    return TransportError(f"the database did not finish it ({word})", where=place, sent=committing)


def _refused(error: Exception) -> bool:
    original = getattr(error, "orig", None)
    if getattr(error, "connection_invalidated", False) or isinstance(error, sa.exc.TimeoutError):
        return False
    if isinstance(original, sqlite3.Error) and getattr(original, "sqlite_errorcode", None):
        return (original.sqlite_errorcode & 0xFF) in _SQLITE_REFUSALS
    if (number := _number(original)) is not None:  # MariaDB's states do not tell: HY000 is a lock and a missing value
        return number in _MYSQL_REFUSALS or isinstance(error, _REFUSALS)
    if isinstance(state := getattr(original, "sqlstate", None), str):
        return state[:2] not in _PASSING_CLASSES
    return isinstance(error, _REFUSALS)


def _word(error: Exception) -> str:
    """The database's code and the kind of error, never its text."""
    original = getattr(error, "orig", None) or error
    code = getattr(original, "sqlite_errorname", None) or getattr(original, "sqlstate", None) or _number(original)
    kind = type(original).__name__
    return f"{kind} {code}" if isinstance(code, str | int) else kind


def _number(original: object) -> int | None:
    first = (getattr(original, "args", ()) or (None,))[0]
    return first if isinstance(first, int) else None


def _names(error: Exception) -> list[str]:
    """Table and constraint or column, where the driver tells them apart from values."""
    diagnosis = getattr(getattr(error, "orig", None), "diag", None)
    names = [getattr(diagnosis, part, None) for part in ("table_name", "column_name", "constraint_name")]
    return [name for name in names if isinstance(name, str)]
