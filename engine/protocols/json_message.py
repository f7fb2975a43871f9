"""A JSON message with exact decimals, read by path: `supplier.tax_ids[0].value`. Places are such paths."""

from __future__ import annotations

import json
import re
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from engine.core.errors import DataTypeError, StructureError
from engine.protocols.by_path import ByPath

_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_MISSING = object()


class JsonMessage(ByPath):
    """Numbers with a point are Decimal, so `10.10` keeps its two places.

    Raises (on `parse`):
        StructureError: not UTF-8 JSON, or nested deeper than Python can follow; names line and column.
    """

    __slots__ = ("_body", "value")

    def __init__(self, body: bytes, value: Any) -> None:
        self._body, self.value = body, value

    @classmethod
    def parse(cls, body: bytes) -> JsonMessage:
        try:
            return cls(body, json.loads(body, parse_float=Decimal, parse_constant=_refuse_constant))
        except json.JSONDecodeError as error:
            raise StructureError("not JSON", where=f"line {error.lineno}, column {error.colno}") from None
        except (UnicodeDecodeError, RecursionError, ValueError, InvalidOperation) as error:
            raise StructureError(f"not JSON: {type(error).__name__}") from None

    def get(self, path: str) -> str | None:
        """The value as text; None when absent, null or not a single value."""
        value = self.read(path)
        if value is None or isinstance(value, (dict, list)):
            return None
        return str(value).lower() if isinstance(value, bool) else str(value)

    def read(self, path: str) -> Any:
        """The value as it is (text, Decimal, int, bool, list, dict), or None."""
        value = self.value
        for name, index in _STEP.findall(path):
            value = _step(value, name, index)
            if value is _MISSING:
                return None
        return value

    def date(self, path: str) -> date:
        try:
            return date.fromisoformat(self.require(path))
        except ValueError:
            raise DataTypeError("not a date (YYYY-MM-DD)", where=path) from None

    def all(self, path: str) -> tuple[JsonMessage, ...]:
        """Each member of a list, as a message of its own; empty when absent."""
        value = self.read(path)
        if value is None:
            return ()
        return tuple(JsonMessage(b"", item) for item in (value if isinstance(value, list) else [value]))

    def encode(self) -> bytes:
        return self._body


def _step(value: Any, name: str, index: str) -> Any:
    if name:
        return value.get(name, _MISSING) if isinstance(value, dict) else _MISSING
    position = int(index)
    return value[position] if isinstance(value, list) and position < len(value) else _MISSING


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
