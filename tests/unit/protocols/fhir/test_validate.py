"""Validation names the place that does not fit, never the value."""

from __future__ import annotations

from typing import Any

import pytest

from engine.core.errors import StructureError
from engine.protocols.fhir.validate import validate

GOOD: dict[str, Any] = {
    "resourceType": "SupplyRequest",
    "itemCodeableConcept": {"text": "Gauze"},
    "quantity": {"value": 2, "unit": "BX"},
}


def test_resource_that_fits_its_version_is_let_through() -> None:
    validate(GOOD, "R4")


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"quantity": {"value": "CANARY"}}, "SupplyRequest.quantity.value"),
        ({"itemCodeableConcept": None}, "SupplyRequest"),
        ({"occurrenceDateTime": "CANARY"}, "SupplyRequest.occurrenceDateTime"),
        ({"nope": "CANARY"}, "SupplyRequest.nope"),
        ({"supplier": [{"reference": 7}]}, "SupplyRequest.supplier[0].reference"),
    ],
)
def test_what_does_not_fit_is_told_by_its_place(change: dict[str, Any], where: str) -> None:
    with pytest.raises(StructureError) as caught:
        validate(GOOD | change, "R4")

    assert caught.value.where == where
    assert "CANARY" not in str(caught.value)


def test_type_that_the_version_has_not_is_refused() -> None:
    for kind in ("InventoryReport", "Quantity", "Nope"):
        with pytest.raises(StructureError):
            validate({"resourceType": kind}, "R4")
