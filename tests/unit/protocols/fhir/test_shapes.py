"""The table of definitions says what the library's definitions say."""

from __future__ import annotations

import typing
from importlib import import_module
from typing import Any

import pytest

from engine.protocols.fhir.shapes import Shape, model_of, shapes
from engine.protocols.fhir.version import Version

_PRIMITIVES = {
    "Decimal": "decimal", "Integer": "integer", "UnsignedInt": "integer", "PositiveInt": "integer",
    "Boolean": "boolean", "Xhtml": "xhtml",
}  # fmt: skip
SUPPLY_AND_MONEY = (
    "Bundle", "ChargeItem", "Claim", "Device", "DeviceRequest", "Encounter", "Extension", "Identifier", "Invoice",
    "InvoiceLineItem", "Location", "Money", "Narrative", "OperationOutcome", "Organization", "Parameters",
    "PaymentNotice", "Procedure", "Quantity", "Reference", "SupplyDelivery", "SupplyRequest", "Timing",
)  # fmt: skip


@pytest.mark.parametrize("version", ["R4", "R5"])
def test_the_table_says_what_the_library_says(version: Version) -> None:
    more = ("InventoryReport", "DeviceUsage", "TransportInput") if version == "R5" else ("DeviceUseStatement",)
    for name in SUPPLY_AND_MONEY + more:
        assert shapes(version, name) == by_the_library(version, name), name


def test_types_that_a_version_does_not_have_are_none() -> None:
    assert shapes("R4", "InventoryReport") is None
    assert shapes("R5", "DeviceUseStatement") is None
    assert model_of("R5", "InvoiceLineItem") is None
    assert model_of("R5", "Invoice") is not None


def by_the_library(version: Version, name: str) -> dict[str, Shape]:
    model = import_module("fhir.resources" if version == "R5" else "fhir.resources.R4B").get_fhir_model_class(name)
    fields = {field.alias or key: field for key, field in model.model_fields.items() if not key.endswith("__ext")}
    fields.pop("fhir_comments", None)
    return {key: shape(field.annotation, field.metadata) for key, field in fields.items() if key != "resource_type"}


def shape(annotation: Any, metadata: list[Any]) -> Shape:
    repeats = False
    while (arguments := typing.get_args(annotation)) and not complex_name(annotation):
        repeats = repeats or typing.get_origin(annotation) is list
        metadata = list(getattr(annotation, "__metadata__", metadata))
        annotation = next(one for one in arguments if one is not type(None))
    name = complex_name(annotation)
    if name:
        return Shape("resource", repeats) if name == "Resource" else Shape("complex", repeats, name)
    if annotation is bool:
        return Shape("boolean", repeats)
    kinds: Any = [_PRIMITIVES[mark] for one in metadata if (mark := type(one).__name__) in _PRIMITIVES]
    return Shape(kinds[0] if kinds else "text", repeats)


def complex_name(annotation: Any) -> str:
    name = getattr(annotation, "__name__", "")
    return name.removesuffix("Type") if getattr(annotation, "__module__", "") == "abc" and name.endswith("Type") else ""
