"""Which field paths a document has."""

from __future__ import annotations

import pytest

from engine.canonical import KINDS
from engine.channel.document_fields import has_field, required_fields


@pytest.mark.parametrize(
    ("kind", "path", "expected"),
    [
        ("PurchaseOrder", "order_number", True),
        ("PurchaseOrder", "natural_key", True),
        ("PurchaseOrder", "total.amount", True),
        ("PurchaseOrder", "lines.0.price.currency", True),
        ("PurchaseOrder", "terms.net_days", True),
        ("PurchaseOrder", "lines.first.price", False),
        ("PurchaseOrder", "lines.0.colour", False),
        ("PurchaseOrder", "order_number.length", False),
        ("Supplier", "address.city", True),
        ("Supplier", "__class__", False),
    ],
)
def test_a_path_is_there_or_not(kind: str, path: str, expected: bool) -> None:
    assert has_field(KINDS[kind], path) is expected


def test_required_fields_are_those_without_default() -> None:
    assert required_fields(KINDS["Supplier"]) == ["supplier_number", "name"]
