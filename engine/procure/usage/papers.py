"""To which dossiers wishes, usage, charges and stock belong beside those of their orders."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from engine.canonical import (
    ChargeEvent,
    Consumption,
    Contract,
    Document,
    InventoryLevel,
    InventoryMovement,
    Invoice,
    PurchaseOrder,
    Receipt,
    Requisition,
    ShipmentNotice,
)
from engine.procure.usage.labels import device_and_lot

_LOTS = (ChargeEvent, Consumption, InventoryMovement, Invoice, PurchaseOrder, Receipt, ShipmentNotice)


def beside(document: Document) -> tuple[str, ...]:
    """Dossiers that a document belongs to as well; none for most."""
    return (*_beside(document), *lots_of(document))


def contracts_dossier(supplier: str) -> str:
    """Where the contracts of a supplier are found, whatever their numbers."""
    return f"contracts:{supplier}"


def _beside(document: Document) -> tuple[str, ...]:
    if isinstance(document, Contract):
        return (contracts_dossier(document.supplier_number),)
    if isinstance(document, Requisition):
        return (*commitments_of(document), *_cases(document.case_reference), *_wished_stock(document))
    if isinstance(document, PurchaseOrder):
        wishes = (f"requisition:{number}" for number in document.requisition_numbers)
        return (*wishes, *commitments_of(document), *_cases(document.case_reference), *_ordered_stock(document))
    if isinstance(document, Invoice):
        lines = {line.case_reference for line in document.lines}
        return _cases(document.case_reference, *lines)
    if isinstance(document, Receipt):
        return (*_cases(document.case_reference), *_received_stock(document))
    return _cases(document.case_reference) if isinstance(document, ShipmentNotice) else ()


def usage_dossiers(document: Document) -> tuple[str, ...]:
    """Where what was used, charged, moved and counted is decided; none for other documents."""
    if isinstance(document, Consumption):
        lines = (
            (line.location or document.location, line.item_number) for line in document.lines if not line.bill_only
        )
        return (_visit(document), *_cases(document.case_reference), *_stock(lines))
    if isinstance(document, ChargeEvent):
        return (_visit(document), *_cases(document.case_reference))
    if isinstance(document, InventoryMovement):
        return _stock(((document.location, document.item_number), (document.to_location, document.item_number)))
    if isinstance(document, InventoryLevel):
        return _stock([(document.location, document.item_number)])
    return ()


def commitments_key(cost_center: str, day: date) -> str:
    """The dossier of what a cost center wished for and ordered in a month."""
    return f"commitments:{cost_center}/{day:%Y-%m}"


def commitments_of(document: PurchaseOrder | Requisition) -> Sequence[str]:
    """Dossiers of the cost centers that a document commits, by the month of its day."""
    day = document.ordered_on if isinstance(document, PurchaseOrder) else document.requested_on
    if day is None:
        return ()
    usual = document.cost_center if isinstance(document, Requisition) else None
    centers = {line.cost_center or usual for line in document.lines}
    return [commitments_key(center, day) for center in sorted(one for one in centers if one)]


def lot_key(device: str, lot: str) -> str:
    """The dossier of everything that names a lot of a device (by device identifier or item number)."""
    return f"lot:{device}/{lot}"


def lots_of(document: Document) -> tuple[str, ...]:
    """So that a recall is one look, however many documents there are."""
    if not isinstance(document, _LOTS):
        return ()
    lines: Iterable[Any] = getattr(document, "lines", (document,))
    keys = {
        lot_key(device, lot)
        for line in lines
        for named, lot in [device_and_lot(line)]
        for device in (named, line.item_number)
        if device and lot
    }
    return tuple(sorted(keys))


def _visit(document: Consumption | ChargeEvent) -> str:
    """By visit, else account, else case; what names none of them stands alone."""
    known = document.visit_number or document.account_number or document.case_reference or document.natural_key
    return f"usage:{document.facility or '-'}/{known}"


def _cases(*references: str | None) -> tuple[str, ...]:
    return tuple(f"case:{one}" for one in sorted({one for one in references if one}))


def _stock(places: Iterable[tuple[str | None, str | None]]) -> tuple[str, ...]:
    pairs = {(place, item) for place, item in places if place and item}
    return tuple(f"stock:{place}/{item}" for place, item in sorted(pairs))


def _wished_stock(document: Requisition) -> tuple[str, ...]:
    if document.bill_only:
        return ()
    return _stock((line.deliver_to or document.deliver_to, line.item_number) for line in document.lines)


def _ordered_stock(document: PurchaseOrder) -> tuple[str, ...]:
    return () if document.bill_only else _stock((line.deliver_to, line.item_number) for line in document.lines)


def _received_stock(document: Receipt) -> tuple[str, ...]:
    return _stock((line.location or document.location, line.item_number) for line in document.lines)
