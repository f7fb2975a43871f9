"""The gate for contracts tells breaking changes from compatible ones, for what we send and for what we take."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from engine.canonical import KINDS
from engine.channel.compatibility import Direction, breaking_changes, changes

OLD: dict[str, Any] = {
    "type": "object",
    "required": ["number", "lines", "state"],
    "properties": {
        "number": {"type": "string", "minLength": 1, "maxLength": 80, "pattern": "^[A-Z0-9-]+$"},
        "state": {"enum": ["open", "paid"], "type": "string"},
        "note": {"anyOf": [{"type": "string", "maxLength": 200}, {"type": "null"}]},
        "count": {"type": "integer", "minimum": 1, "maximum": 99},
        "due": {"type": "string", "format": "date"},
        "lines": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/Line"}},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
    },
    "$defs": {
        "Line": {
            "type": "object",
            "required": ["amount"],
            "properties": {"amount": {"type": "string"}, "unit": {"type": "string"}},
        }
    },
}
GONE = object()
# Path in the schema, its new value, does it break readers of what we send, does it break senders of what we take.
SEEDED: list[tuple[str, Any, bool, bool]] = [
    ("properties.note", GONE, True, True),
    ("properties.count", GONE, True, True),
    ("properties.number", GONE, True, True),
    ("$defs.Line.properties.unit", GONE, True, True),
    ("$defs.Line.properties.amount", GONE, True, True),
    ("required", ["number", "lines"], True, False),
    ("required", [], True, False),
    ("required", ["number", "lines", "state", "count"], False, True),
    ("required", ["number", "lines", "state", "note", "due"], False, True),
    ("$defs.Line.required", [], True, False),
    ("$defs.Line.required", ["amount", "unit"], False, True),
    ("properties.extra", {"type": "string"}, False, False),
    ("$defs.Line.properties.extra", {"type": "integer"}, False, False),
    ("properties.number.type", "integer", True, True),
    ("properties.count.type", "number", True, True),
    ("properties.count.type", ["integer", "string"], True, False),
    ("properties.due.type", ["string", "null"], True, False),
    ("properties.lines.type", "object", True, True),
    ("$defs.Line.properties.amount.type", "number", True, True),
    ("$defs.Line.properties.unit.type", ["string", "null"], True, False),
    ("properties.note", {"type": "string", "maxLength": 200}, False, True),
    ("properties.note", {"anyOf": [{"type": "string"}, {"type": "null"}]}, True, False),
    ("properties.state.enum", ["open", "paid", "void"], True, False),
    ("properties.state.enum", ["open"], False, True),
    ("properties.state.enum", ["open", "void"], True, True),
    ("properties.state", {"type": "string"}, True, False),
    ("properties.number.enum", ["A", "B"], False, True),
    ("properties.number.minLength", 0, True, False),
    ("properties.number.minLength", 3, False, True),
    ("properties.number.minLength", GONE, True, False),
    ("properties.number.maxLength", 100, True, False),
    ("properties.number.maxLength", 40, False, True),
    ("properties.number.maxLength", GONE, True, False),
    ("properties.count.minimum", 0, True, False),
    ("properties.count.minimum", 2, False, True),
    ("properties.count.maximum", 100, True, False),
    ("properties.count.maximum", 50, False, True),
    ("properties.count.maximum", GONE, True, False),
    ("properties.count.exclusiveMaximum", 90, False, True),
    ("properties.lines.minItems", 0, True, False),
    ("properties.lines.minItems", 2, False, True),
    ("properties.lines.maxItems", 10, False, True),
    ("properties.number.pattern", GONE, True, False),
    ("properties.number.pattern", "^[A-Z]+$", True, True),
    ("properties.due.pattern", "^2", False, True),
    ("properties.due.format", GONE, True, False),
    ("properties.due.format", "date-time", True, True),
    ("properties.count.format", "int32", False, True),
    ("properties.labels.additionalProperties.type", "integer", True, True),
    ("properties.labels.additionalProperties.maxLength", 5, False, True),
    ("properties.note.description", "for people", False, False),
    ("properties.number.title", "Number", False, False),
    ("properties.count.default", 7, False, False),
    ("properties.count.examples", [1, 2], False, False),
    ("$defs.Line.description", "A line.", False, False),
]


def _seeded(path: str, value: Any) -> dict[str, Any]:
    new = copy.deepcopy(OLD)
    node = new
    *way, last = path.split(".")
    for step in way:
        node = node[step]
    if value is GONE:
        del node[last]
        if last in new["required"]:
            new["required"].remove(last)
    else:
        node[last] = value
    return new


def test_at_least_fifty_changes_are_seeded() -> None:
    assert len(SEEDED) >= 50


@pytest.mark.parametrize(("path", "value", "breaks_sent", "breaks_taken"), SEEDED)
def test_a_change_is_classified_right(path: str, value: Any, breaks_sent: bool, breaks_taken: bool) -> None:
    new = _seeded(path, value)

    assert bool(breaking_changes(OLD, new, Direction.SENT)) is breaks_sent
    assert bool(breaking_changes(OLD, new, Direction.TAKEN)) is breaks_taken


def test_a_change_names_its_place() -> None:
    found = changes(OLD, _seeded("$defs.Line.properties.amount.type", "number"), Direction.SENT)

    assert [(c.where, c.breaking) for c in found] == [("lines[].amount", True)]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_contract_is_compatible_with_itself(kind: str) -> None:
    schema = KINDS[kind].model_json_schema()

    assert changes(schema, schema, Direction.SENT) == []


def test_a_schema_that_refers_to_itself_ends() -> None:
    tree = {"$ref": "#/$defs/Node", "$defs": {"Node": {"properties": {"next": {"$ref": "#/$defs/Node"}}}}}

    assert changes(tree, tree, Direction.TAKEN) == []
