"""From a document to rows: which field goes into which column. Pure: no database is asked here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.connectors.sql.settings import NUMBER, LineRows, Rows
from engine.connectors.sql.values import document_of
from engine.core.errors import DestinationError, RequiredFieldError
from engine.core.ids import id_text
from engine.ports.connector import Outbound

Fields = Mapping[str, Any]  # column to the field's value, as the document has it


def read_document(outbound: Outbound) -> Any:
    """Raises DestinationError: it is no JSON object."""
    try:
        document = document_of(outbound.body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        remedy = "let the transform return a document or a JSON object"
        raise DestinationError("a database takes JSON objects only", remedy=remedy)
    return document


def row_of(rows: Rows, document: Any, outbound: Outbound) -> Fields:
    """Raises RequiredFieldError: a key column would be empty."""
    return _row(rows, document, document, outbound, 0)


def rows_of(rows: LineRows, document: Any, outbound: Outbound) -> list[Fields]:
    """One for each element of the list; none when the field is absent.

    Raises:
        RequiredFieldError: as `row_of`.
        DestinationError: the field is no list.
    """
    found = _field(document, rows.each)
    if found is not None and not isinstance(found, list):
        raise DestinationError("the field is no list", where=rows.each)
    return [_row(rows, element, document, outbound, number) for number, element in enumerate(found or (), 1)]


def shared_of(rows: LineRows, document: Any, outbound: Outbound) -> Fields:
    """The columns that all rows of this document share, also when it has none.

    Raises:
        RequiredFieldError: one would be empty.
    """
    shared = {name: _value(rows.columns[name], None, document, outbound, 0) for name in rows.belongs_by}
    for name, value in shared.items():
        if value is None or value == "":
            raise RequiredFieldError(f"the key column '{name}' has no value", where=rows.columns[name])
    return shared


def _row(rows: Rows, element: Any, document: Any, outbound: Outbound, number: int) -> Fields:
    row = {column: _value(path, element, document, outbound, number) for column, path in rows.columns.items()}
    for column in rows.key:
        if row[column] is None or row[column] == "":
            place = f"{rows.columns[column]} (element {number})" if number else rows.columns[column]
            raise RequiredFieldError(f"the key column '{column}' has no value", where=place)
    return row


def _value(path: str, element: Any, document: Any, outbound: Outbound, number: int) -> Any:
    if path == NUMBER:
        return number
    if path.startswith("@"):
        return _facts(outbound)[path]
    return _field(document, path[1:]) if path.startswith("/") else _field(element, path)


def _facts(outbound: Outbound) -> Mapping[str, str | None]:
    return {
        "@message_id": id_text(outbound.message_id),
        "@natural_key": outbound.natural_key,
        "@idempotency_key": outbound.idempotency_key,
        "@correlation_id": outbound.correlation_id,
        "@channel": outbound.channel,
        "@kind": outbound.kind,
    }


def _field(found: Any, path: str) -> Any:
    """None when it is absent."""
    for step in path.split("."):
        if isinstance(found, dict):
            found = found.get(step)
        elif isinstance(found, list) and step.isdigit() and int(step) < len(found):
            found = found[int(step)]
        else:
            return None
    return found
