"""Paths find what FHIRPath finds, in the part that is understood."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import ExpressionError
from engine.protocols.fhir.path import compile_path

TREE: dict[str, Any] = {
    "resourceType": "Bundle",
    "entry": [
        {"resource": {"resourceType": "SupplyRequest", "id": "s1", "itemCodeableConcept": {"text": "Gauze"}}},
        {"resource": {"resourceType": "Device", "id": "d1", "identifier": [{"system": "x", "value": "1"}]}},
    ],
    "flag": False,
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("Bundle.entry[0].resource.id", ["s1"]),
        ("entry.resource.id", ["s1", "d1"]),
        ("entry[9].resource.id", []),
        ("Patient.entry", []),
        ("entry.resource.item.text", ["Gauze"]),
        ("entry.resource.identifier.where(system='x').value", ["1"]),
        ("entry.resource.identifier.where(system='y').value", []),
        ("entry.where(resource.id='d1').resource.resourceType", ["Device"]),
        ("entry.resource.id.first()", ["s1"]),
        ("entry.resource.id.last()", ["d1"]),
        ("entry.count()", [2]),
        ("entry.resource.note.exists()", [False]),
        ("flag", [False]),
        ("entry.resource.id.deeper", []),
    ],
)
def test_path_finds(path: str, found: list[Any]) -> None:
    assert compile_path(path)(TREE) == found


@pytest.mark.parametrize("path", ["", ".a", "a..b", "a b", "a[x]", "where()", "a.where(b=c)", "a.delete()", "a" * 501])
def test_path_that_is_not_understood_is_refused(path: str) -> None:
    with pytest.raises(ExpressionError):
        compile_path(path)


@given(st.text(max_size=30))
def test_any_text_is_a_path_or_refused(text: str) -> None:
    try:
        found = compile_path(text)(TREE)
    except ExpressionError:
        return

    assert isinstance(found, list)
