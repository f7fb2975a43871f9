"""Values as Tryton's JSON writes them: exact decimals, dates, domains, contexts. Pure.

Source: Tryton 8.2 REST and JSON-RPC, `__class__` objects.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from engine.core.errors import DestinationError

Record = dict[str, Any]
Domain = Sequence[Any]
_MOMENT = ("year", "month", "day", "hour", "minute", "second", "microsecond")  # always UTC


def quantity(amount: Decimal) -> float:
    """A quantity for a field that Tryton keeps as FLOAT; the digits on the wire are the decimal's own.

    Raises:
        DestinationError: more digits than the ERP can hold without changing them.
    """
    value = float(amount)
    if Decimal(repr(value)) != amount:
        raise DestinationError("a quantity has more digits than the ERP can keep", where="ERP (Tryton)")
    return value


def encode(value: object) -> object:
    """The JSON form of one value, nested as deep as it goes."""
    if isinstance(value, Decimal):
        return {"__class__": "Decimal", "decimal": format(value, "f")}
    if isinstance(value, datetime):  # which is a date, too
        return {"__class__": "datetime", **{name: getattr(value, name) for name in _MOMENT}}
    if isinstance(value, date):
        return {"__class__": "date", "year": value.year, "month": value.month, "day": value.day}
    if isinstance(value, Mapping):
        return {key: encode(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [encode(part) for part in value]
    return value


def _decode(found: Record) -> Any:
    match found.get("__class__"):
        case "Decimal":
            return Decimal(str(found["decimal"]))
        case "date":
            return date(int(found["year"]), int(found["month"]), int(found["day"]))
        case "datetime":
            return datetime(*(int(found[name]) for name in _MOMENT), tzinfo=UTC)  # type: ignore[misc, arg-type]
        case _:
            return found


def dumps(value: object) -> bytes:
    return json.dumps(encode(value), default=str).encode()


def loads(body: bytes) -> Any:
    """Decimals, dates; a JSON number with a point becomes a Decimal too, so that no float is born.

    Raises:
        ValueError: not JSON.
    """
    return json.loads(body, object_hook=_decode, parse_float=Decimal)


def header(value: object) -> str:
    """Base64url of the JSON: how domains and contexts travel in a URL or header."""
    return urlsafe_b64encode(dumps(value)).decode("ascii")


def created(*records: Mapping[str, Any]) -> list[Any]:
    """The value of a one-to-many field whose records are made with their parent."""
    return [["create", [dict(record) for record in records]]]


def added(*ids: int) -> list[Any]:
    return [["add", list(ids)]]
