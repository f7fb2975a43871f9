"""Values of a database as JSON and back: decimals exact, dates in ISO 8601, bytes in base64. No float is made."""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa

from engine.core.errors import DataTypeError

_TRUE, _FALSE = frozenset({"true", "t", "yes", "y", "1"}), frozenset({"false", "f", "no", "n", "0"})


# ------------------------------------------------------------------ out of a row
def message_of(row: Mapping[str, Any]) -> bytes:
    """A row as a JSON object, columns in the order they came."""
    return msgspec.json.encode({name: plain(value) for name, value in row.items()})


def plain(value: Any) -> Any:
    """As JSON has it; the same value always the same text."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**64 else str(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, datetime):
        return _moment(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(bytes(value)).decode()
    return _of_other_kind(value)


def _moment(value: datetime) -> str:
    """With a zone: in UTC, whatever zone the session has."""
    return value.isoformat() if value.tzinfo is None else value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _of_other_kind(value: Any) -> Any:
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(inner) for inner in (sorted(value, key=str) if isinstance(value, set | frozenset) else value)]
    try:
        return msgspec.to_builtins(value)  # durations, UUIDs, enumerations
    except TypeError:
        return str(value)  # ranges, addresses, shapes: as the driver writes them


# ------------------------------------------------------------------ into a column
def document_of(body: bytes) -> Any:
    """JSON with exact decimals. Raises ValueError, RecursionError."""
    return json.loads(body, parse_float=Decimal, parse_constant=_no_number)


def _no_number(text: str) -> Any:
    raise ValueError("not a number of JSON")


def value_for(column: sa.types.TypeEngine[Any] | None, value: Any, where: str, sqlite: bool = False) -> Any:
    """A field's value as the column takes it.

    Args:
        column: its type in the database; None: not known.
        sqlite: SQLite has no decimals and times: they are written as text, which its column types understand.

    Raises:
        DataTypeError: it does not fit; names the column, never the value.
    """
    if value is None:
        return None
    try:
        made = _made(column, value)
    except (ValueError, InvalidOperation, binascii.Error, OverflowError):
        name = "value of its type" if column is None else type(column).__name__.lower()
        raise DataTypeError(f"the column takes a {name}, and the field is none", where=where) from None
    return _for_sqlite(made) if sqlite else made


def _made(column: sa.types.TypeEngine[Any] | None, value: Any) -> Any:
    if isinstance(column, sa.ARRAY) and isinstance(value, list):
        return [_made(column.item_type, one) for one in value]
    if isinstance(value, dict | list):
        if isinstance(column, sa.Numeric | sa.Integer | sa.Boolean | sa.Date | sa.DateTime | sa.Time):
            raise ValueError
        return json.dumps(value, default=_number_text, ensure_ascii=False)
    if isinstance(column, sa.JSON):
        return json.dumps(value, default=_number_text, ensure_ascii=False)
    for kind, make in _MAKERS:
        if isinstance(column, kind):
            return make(column, value)
    if isinstance(column, sa.String) and not isinstance(value, str):
        return plain(value) if isinstance(value, Decimal) else json.dumps(value)
    return value


def _number_text(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value:f}"
    raise ValueError


def _decimal(column: sa.Numeric[Any], value: Any) -> Decimal:
    """Digits that the column would round away are refused, not lost."""
    if isinstance(value, bool):
        raise ValueError
    number = Decimal(value)
    if not number.is_finite():
        raise ValueError
    scale = column.scale
    if scale is not None and not isinstance(column, sa.Float) and number != round(number, scale):
        raise ValueError
    return number


def _whole(column: Any, value: Any) -> int:
    number = _decimal(sa.Numeric(), value)
    if number != number.to_integral_value():
        raise ValueError
    return int(number)


def _boolean(column: Any, value: Any) -> bool:
    word = str(value).lower()
    if word not in _TRUE | _FALSE:
        raise ValueError
    return word in _TRUE


def _datetime(column: sa.DateTime, value: Any) -> datetime:
    moment = datetime.fromisoformat(_text(value))
    if moment.tzinfo is not None and not column.timezone:
        return moment.astimezone(UTC).replace(tzinfo=None)
    return moment


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError
    return value


_MAKERS: tuple[tuple[type[Any], Any], ...] = (
    (sa.Boolean, _boolean),
    (sa.Integer, _whole),
    (sa.Numeric, _decimal),
    (sa.DateTime, _datetime),
    (sa.Date, lambda column, value: date.fromisoformat(_text(value))),
    (sa.Time, lambda column, value: time.fromisoformat(_text(value))),
    (sa.LargeBinary, lambda column, value: base64.b64decode(_text(value), validate=True)),
    (sa.Uuid, lambda column, value: UUID(_text(value))),
)


def _for_sqlite(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return value if isinstance(value, bool | int | bytes | str) else plain(value)
