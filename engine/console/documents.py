"""A canonical document as nested tables: money and quantities in one cell, lines as rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from engine.core.figures import money

ROW_LIMIT = 200


class Cell(msgspec.Struct, frozen=True):
    """`exact`: a number, set to the right with tabular figures."""

    text: str
    exact: bool = False


class Table(msgspec.Struct, frozen=True):
    """Rows of a list of objects. `cut`: how many rows are not shown."""

    name: str
    columns: Sequence[Cell]
    rows: Sequence[Sequence[Cell]]
    cut: int = 0


class DocumentTable(msgspec.Struct, frozen=True):
    facts: Sequence[tuple[str, Cell]]
    tables: Sequence[Table]


def view_document(body: bytes) -> DocumentTable | None:
    """None when the body is not a JSON object."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if not isinstance(value, dict):
        return None
    flat = _flatten(value)
    lists = {k: v for k, v in flat.items() if isinstance(v, list) and v and isinstance(v[0], dict)}
    facts = [(label(k), _cell(v)) for k, v in flat.items() if k not in lists and v not in (None, [], {})]
    return DocumentTable(facts, [_table(k, v) for k, v in lists.items()])


def label(key: str) -> str:
    """`supplier_number` becomes `Supplier number`."""
    return key.replace("_", " ").capitalize()


def _flatten(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Objects become dotted keys, except money and quantities."""
    flat: dict[str, Any] = {}
    for key, item in value.items():
        if isinstance(item, dict) and not _is_amount(item):
            flat |= _flatten(item, f"{prefix}{key} ")
        else:
            flat[prefix + key] = item
    return flat


def _table(name: str, items: Sequence[Mapping[str, Any]]) -> Table:
    rows = [_flatten(item) for item in items[:ROW_LIMIT]]
    columns = list(dict.fromkeys(key for row in rows for key, item in row.items() if item not in (None, [])))
    cells = [[_cell(row.get(column)) for column in columns] for row in rows]
    return Table(label(name), _heads(columns, cells), cells, max(0, len(items) - ROW_LIMIT))


def _heads(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> list[Cell]:
    """A column of numbers has its head above the numbers."""
    return [Cell(label(c), any(row[place].exact for row in rows)) for place, c in enumerate(columns)]


def _is_amount(value: Mapping[str, Any]) -> bool:
    return "amount" in value and set(value) <= {"amount", "currency", "unit"}


def _cell(value: Any) -> Cell:
    if value is None:
        return Cell("")
    if isinstance(value, dict) and _is_amount(value):
        shown = money(str(value["amount"]), value.get("currency"))
        return Cell(f"{shown} {value.get('currency') or value.get('unit') or ''}".rstrip(), exact=True)
    if isinstance(value, bool):
        return Cell("yes" if value else "no")
    if isinstance(value, list):
        return Cell("; ".join(_cell(item).text for item in value))
    if isinstance(value, dict):
        return Cell(", ".join(f"{label(k).lower()} {_cell(v).text}" for k, v in value.items() if v is not None))
    return Cell(str(value), exact=isinstance(value, int | float))
