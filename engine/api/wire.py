"""The port's values as JSON: ids as 13 characters, states by name, bytes in base64, money as text, and back."""

from __future__ import annotations

import base64
import typing
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import Enum, IntEnum
from functools import lru_cache
from types import UnionType
from typing import Any, TypeVar

import msgspec

from engine.core.ids import id_text, parse_id

T = TypeVar("T")
ID_FIELDS = frozenset({"message_id", "parent_id", "delivery_id", "before_id", "children"})


def to_wire(value: Any) -> Any:
    """Plain JSON values of a port value."""
    if isinstance(value, msgspec.Struct):
        return {name: _field_to_wire(name, getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, Mapping):
        return {str(key): to_wire(item) for key, item in value.items()}
    if isinstance(value, str | int | float | bool | None | bytes | datetime | Decimal):
        return _scalar_to_wire(value)
    return [to_wire(item) for item in value]


def _field_to_wire(name: str, value: Any) -> Any:
    if name in ID_FIELDS and value is not None:
        return [id_text(item) for item in value] if name == "children" else id_text(value)
    return to_wire(value)


def _scalar_to_wire(value: Any) -> Any:
    if isinstance(value, IntEnum):
        return value.name
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def encode(value: Any) -> bytes:
    return msgspec.json.encode(to_wire(value))


def from_wire(kind: type[T], value: Any) -> T:
    """The port value that `to_wire` described.

    Raises:
        ValueError: the JSON is not of this shape (also `msgspec.ValidationError`); ids or state names are wrong.
    """
    return typing.cast(T, _read(kind, value))


def _read(kind: Any, value: Any) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if value is None:
        return msgspec.convert(None, kind)
    if origin in {UnionType, typing.Union}:
        return _read(next(a for a in arguments if a is not type(None)), value)
    if origin in {list, Sequence} and not isinstance(value, str):
        return [_read(arguments[0], item) for item in value]
    if isinstance(kind, type) and issubclass(kind, IntEnum):
        return _by_name(kind, value)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return _read_struct(kind, value)
    return msgspec.convert(value, kind)


def _read_struct(kind: type[msgspec.Struct], value: Any) -> Any:
    if not isinstance(value, Mapping) or not set(value) <= set(kind.__struct_fields__):
        raise ValueError(f"{kind.__name__}: unknown keys")
    hints = _hints(kind)
    fields = {name: _read_field(name, hints[name], item) for name, item in value.items()}
    try:
        return kind(**fields)
    except TypeError:
        raise ValueError(f"{kind.__name__}: keys are missing") from None


def _read_field(name: str, kind: Any, value: Any) -> Any:
    if name in ID_FIELDS and value is not None:
        return [parse_id(item) for item in value] if name == "children" else parse_id(value)
    return _read(kind, value)


def _by_name(kind: type[IntEnum], value: Any) -> Enum:
    try:
        return kind[str(value).upper()]
    except KeyError:
        raise ValueError(f"one of {', '.join(m.name for m in kind)}") from None


@lru_cache
def _hints(kind: type[msgspec.Struct]) -> dict[str, Any]:
    return typing.get_type_hints(kind)
