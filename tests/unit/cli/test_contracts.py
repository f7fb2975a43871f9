"""The gate over the kept contracts: what breaks readers or the store is refused until the major version moves."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from engine.canonical import KINDS
from engine.canonical.examples import EXAMPLES
from engine.cli.contracts import breaks, contract_files

GONE = object()
_TEXT = {"type": "string"}
# Kind, path in the contract that was kept, what stood there, whether today's document breaks it.
# What is kept is the past: a field that is kept and is not there today was removed.
SEEDED: list[tuple[str, str, Any, bool]] = [
    # removed fields
    *((kind, "properties.legacy_code", _TEXT, True) for kind in ("Supplier", "Item", "Contract", "Invoice", "Receipt")),
    ("PurchaseOrder", "$defs.OrderLine.properties.legacy", _TEXT, True),
    ("Invoice", "$defs.Money.properties.minor_units", {"type": "integer"}, True),
    ("Consumption", "$defs.ConsumptionLine.properties.nurse", _TEXT, True),
    # new fields that may be left out
    ("Supplier", "properties.status", GONE, False),
    ("Supplier", "properties.bank_accounts", GONE, False),
    ("Invoice", "properties.remit_to", GONE, False),
    ("Invoice", "$defs.InvoiceLine.properties.tax_amount", GONE, False),
    ("PurchaseOrder", "properties.requisition_numbers", GONE, False),
    ("Receipt", "$defs.ReceiptLine.properties.accepted", GONE, False),
    ("Item", "properties.conversions", GONE, False),
    ("JournalEntry", "properties.entry_type", GONE, False),
    # new fields that must be given
    ("Supplier", "properties.name", GONE, True),
    ("Invoice", "properties.stated_total", GONE, True),
    ("Receipt", "$defs.ReceiptLine.properties.item_number", GONE, True),
    # fields that must be given now, or no longer
    ("Invoice", "required", ["invoice_number", "supplier_number", "invoiced_on", "stated_total"], True),
    ("Receipt", "required", ["receipt_number", "order_number", "supplier_number", "lines"], True),
    ("Budget", "required", ["dimension", "period", "amount", "committed"], True),
    ("Supplier", "required", ["supplier_number", "name", "status"], True),
    ("Item", "$defs.UnitConversion.required", ["from_unit", "to_unit"], True),
    # types
    ("Invoice", "properties.invoice_number.type", "integer", True),
    ("Invoice", "properties.invoice_number.type", ["integer", "string"], True),
    ("Payment", "properties.amount", _TEXT, True),
    ("OrderChange", "properties.sequence.type", "string", True),
    ("OrderChange", "properties.sequence.type", "number", True),
    ("Supplier", "properties.active.type", "string", True),
    ("Contract", "properties.lines.type", "object", True),
    ("Budget", "properties.natural_account", {"type": "string", "minLength": 1, "maxLength": 80}, True),
    ("Budget", "properties.period", {"anyOf": [{"type": "string"}, {"type": "null"}]}, True),
    # lists of values
    ("Supplier", "$defs.SupplierStatus.enum", ["onboarding", "approved", "held", "merged", "blocked"], True),
    ("Supplier", "$defs.SupplierStatus.enum", ["onboarding", "approved", "held"], True),
    ("Payment", "$defs.PaymentMethod.enum", ["ach", "check", "wire", "card", "other", "cash"], True),
    ("Requisition", "$defs.Urgency.enum", ["routine", "urgent", "stat", "elective"], True),
    ("Requisition", "$defs.Urgency.enum", ["routine", "urgent"], True),
    ("CaseAction", "$defs.CaseVerb", {"type": "string"}, True),
    # patterns, formats, lengths, bounds
    ("Invoice", "$defs.Money.properties.currency.pattern", "^[A-Za-z]{3}$", True),
    ("Invoice", "$defs.Money.properties.currency.pattern", GONE, True),
    ("Invoice", "properties.invoice_number.pattern", "^[0-9]+$", True),
    ("Invoice", "properties.invoiced_on.format", "date-time", True),
    ("Invoice", "properties.invoiced_on.format", GONE, True),
    ("Invoice", "properties.invoice_number.maxLength", 120, True),
    ("Invoice", "properties.invoice_number.maxLength", 40, True),
    ("Invoice", "properties.invoice_number.minLength", GONE, True),
    ("Invoice", "properties.lines.minItems", GONE, True),
    ("Invoice", "properties.lines.maxItems", 999, True),
    ("Receipt", "$defs.ReceiptLine.properties.order_line_number.minimum", 0, True),
    ("Receipt", "$defs.ReceiptLine.properties.order_line_number.maximum", 99, True),
    ("InventoryLevel", "$defs.Quantity.properties.unit.maxLength", 20, True),
    # words
    ("Invoice", "description", "An invoice.", False),
    ("Invoice", "title", "Bill", False),
    ("Invoice", "properties.currency.default", "EUR", False),
    ("Item", "properties.active.description", "Other words.", False),
    ("Contract", "examples", [], False),
]


@pytest.fixture(scope="module")
def kept_files() -> dict[str, str]:
    return contract_files()


def _keep(directory: Path, kept: dict[str, Any], kind: str) -> None:
    path = directory / f"contracts/{kind}.schema.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(kept))


def _seeded(files: dict[str, str], kind: str, path: str, value: Any) -> dict[str, Any]:
    kept: dict[str, Any] = copy.deepcopy(json.loads(files[f"contracts/{kind}.schema.json"]))
    *way, last = path.split(".")
    node = kept
    for step in way:
        node = node[step]
    if value is not GONE:
        node[last] = value
        return kept
    del node[last]
    owner = kept if len(way) < 2 else kept["$defs"].get(way[1], kept)
    if last in owner.get("required", ()):
        owner["required"].remove(last)
    return kept


def test_at_least_fifty_changes_are_seeded() -> None:
    assert len(SEEDED) >= 50


@pytest.mark.parametrize(("kind", "path", "value", "is_breaking"), SEEDED)
def test_a_change_of_a_real_document_is_classified_right(
    kept_files: dict[str, str], tmp_path: Path, kind: str, path: str, value: Any, is_breaking: bool
) -> None:
    _keep(tmp_path, _seeded(kept_files, kind, path, value), kind)

    found = breaks(tmp_path)

    assert bool(found) is is_breaking, found
    assert all(one.startswith(f"{kind} ") for one in found)


@pytest.mark.parametrize(("version", "is_refused"), [("1.0", True), ("1.9", True), ("0.9", False), ("2.0", False)])
def test_only_another_major_version_may_break(
    kept_files: dict[str, str], tmp_path: Path, version: str, is_refused: bool
) -> None:
    kept = _seeded(kept_files, "Supplier", "properties.legacy_code", _TEXT)
    _keep(tmp_path, {**kept, "version": version}, "Supplier")

    assert bool(breaks(tmp_path)) is is_refused


def test_what_the_store_could_not_read_is_told_as_such(kept_files: dict[str, str], tmp_path: Path) -> None:
    _keep(tmp_path, _seeded(kept_files, "Invoice", "properties.invoice_number.maxLength", 120), "Invoice")

    assert any("what is stored could not be read" in one for one in breaks(tmp_path))


def test_a_kind_that_is_gone_breaks_its_readers(kept_files: dict[str, str], tmp_path: Path) -> None:
    _keep(tmp_path, json.loads(kept_files["contracts/Invoice.schema.json"]), "Bill")

    assert breaks(tmp_path) == ["Bill: it is gone"]


def test_every_contract_has_a_version_and_an_example(kept_files: dict[str, str]) -> None:
    for kind in EXAMPLES.keys() & KINDS.keys():
        contract = json.loads(kept_files[f"contracts/{kind}.schema.json"])
        assert contract["version"].count(".") == 1
        assert contract["examples"] == [EXAMPLES[kind]]
