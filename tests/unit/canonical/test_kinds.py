"""What holds for every kind of document."""

from __future__ import annotations

import ast
import inspect
import json
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from engine import sdk
from engine.canonical import KINDS, Document
from engine.canonical.examples import EXAMPLES

KIND = pytest.mark.parametrize("kind", sorted(EXAMPLES.keys() & KINDS.keys()))

_NEVER_MADE_BY_SCRIPTS = {
    "FieldClaim",
    "PaymentStatus",
    "PostingResult",
    "ReconciliationReport",
    "SanctionsScreening",
    "SupplierMerge",
}


def _example(kind: str) -> Document:
    return KINDS[kind].model_validate(EXAMPLES[kind])


def test_every_kind_has_an_example_and_no_example_is_of_no_kind() -> None:
    assert set(KINDS) - set(EXAMPLES) == set(), "add an example of these kinds to engine/canonical/examples.py"
    assert set(EXAMPLES) - set(KINDS) == set()


@KIND
def test_an_example_is_valid_and_reads_back_as_the_same(kind: str) -> None:
    document = _example(kind)

    again = KINDS[kind].model_validate_json(document.model_dump_json())

    assert again == document
    assert again.model_dump_json() == document.model_dump_json()


@KIND
def test_a_kind_has_a_key_that_its_fields_make(kind: str) -> None:
    key = _example(kind).natural_key

    assert 0 < len(key) <= 200
    assert key == _example(kind).natural_key


@KIND
def test_a_kind_is_in_the_kit_for_scripts(kind: str) -> None:
    if kind not in _NEVER_MADE_BY_SCRIPTS:
        assert getattr(sdk, kind) is KINDS[kind]
        assert kind in sdk.__all__


@KIND
def test_an_error_tells_no_value_and_unknown_fields_are_refused(kind: str) -> None:
    with pytest.raises(ValidationError) as refused:
        KINDS[kind].model_validate({**EXAMPLES[kind], "surname": "Confidential"})

    assert "Confidential" not in str(refused.value)


@KIND
def test_a_document_cannot_be_changed(kind: str) -> None:
    document = _example(kind)

    with pytest.raises(ValidationError):
        setattr(document, next(iter(KINDS[kind].model_fields)), None)


@KIND
def test_only_what_was_required_before_is_required_of_old_kinds(kind: str) -> None:
    """The example without what has a usual value is the smallest document: it has exactly the required fields."""
    required = {name for name, field in KINDS[kind].model_fields.items() if field.is_required()}
    smallest = {name: value for name, value in EXAMPLES[kind].items() if name in required}

    assert KINDS[kind].model_validate(smallest).model_dump(exclude_unset=True).keys() == required


@KIND
def test_no_field_is_a_float(kind: str) -> None:
    assert '"type": "number"' not in json.dumps(KINDS[kind].model_json_schema(mode="serialization"))


@KIND
def test_amounts_are_text_in_json(kind: str) -> None:
    def floats(value: Any) -> bool:
        if isinstance(value, dict):
            return any(floats(one) for one in value.values())
        return any(floats(one) for one in value) if isinstance(value, list) else isinstance(value, float)

    assert not floats(json.loads(_example(kind).model_dump_json()))


def test_no_document_has_a_field_for_who_a_patient_is() -> None:
    words = {"patient_name", "surname", "given_name", "birth", "diagnosis", "medical_record_number", "mrn", "sex"}
    names = {name for kind in KINDS.values() for name in kind.model_fields}

    assert not words & names


@KIND
def test_the_kind_says_what_it_is(kind: str) -> None:
    tree = ast.parse(inspect.getsource(KINDS[kind])).body[0]

    assert isinstance(tree, ast.ClassDef)
    assert issubclass(KINDS[kind], BaseModel)
    assert ast.get_docstring(tree)
