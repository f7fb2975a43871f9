"""What can be told of a document by itself: its fields, and those of parts that have a number (`lines.quantity`).

A line of a receipt has that of the line it came for."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import get_args

from engine.canonical import KINDS, Document, Value

NUMBERS = frozenset({"number", "order_line_number"})


@cache
def tellable_fields() -> frozenset[str]:
    """Of documents of every kind."""
    return frozenset(name for kind in KINDS.values() for name in _names(kind))


def _names(kind: type[Document]) -> Iterator[str]:
    for name, field in kind.model_fields.items():
        yield name
        part = next(iter(get_args(field.annotation)), None)
        if isinstance(part, type) and issubclass(part, Value) and not NUMBERS.isdisjoint(part.model_fields):
            yield from (f"{name}.{inner}" for inner in part.model_fields)
