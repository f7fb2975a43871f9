"""Who has what was recalled: device and lot to cases, places, suppliers and invoices.

`RecallIndex` is built once from documents and answers at once; `recall_of` asks the dossiers that hold them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from engine.canonical import (
    Consumption,
    Document,
    InventoryMovement,
    Invoice,
    Item,
    PurchaseOrder,
    Receipt,
    ShipmentNotice,
)
from engine.procure.usage.labels import device_and_lot


class Trace(NamedTuple):
    """A document that names a device and lot. `device` is the device identifier, or our item number."""

    device: str
    lot: str
    kind: str
    key: str
    case: str = ""
    location: str = ""
    supplier: str = ""


class Recalled(msgspec.Struct, frozen=True):
    """Everything that holds a device of a lot, each sorted and once. `documents` are kind and key."""

    cases: tuple[str, ...] = ()
    locations: tuple[str, ...] = ()
    suppliers: tuple[str, ...] = ()
    invoices: tuple[str, ...] = ()
    orders: tuple[str, ...] = ()
    receipts: tuple[str, ...] = ()
    documents: tuple[tuple[str, str], ...] = ()


def traces_of(document: Document) -> Iterator[Trace]:
    """By device identifier and by item number, so that either finds it. What was documented in error leaves none."""
    kind, key = document.kind, document.natural_key
    supplier = getattr(document, "supplier_number", None) or ""
    case = getattr(document, "case_reference", None) or ""
    usual = getattr(document, "location", None) or ""
    lines: Iterable[object] = getattr(document, "lines", (document,))
    if not isinstance(document, Consumption | Receipt | Invoice | PurchaseOrder | ShipmentNotice | InventoryMovement):
        return
    for line in lines if not getattr(document, "cancelled", False) else ():
        named, lot = device_and_lot(line)
        location = getattr(line, "location", None) or usual
        own_case = getattr(line, "case_reference", None) or case
        own_supplier = getattr(line, "supplier_number", None) or supplier
        for device in {named, getattr(line, "item_number", None)}:
            if device:
                yield Trace(device, lot or "", kind, key, own_case, location, own_supplier)


class RecallIndex:
    """Traces by device; the same document again replaces what it said before."""

    def __init__(self, documents: Iterable[Document] = ()) -> None:
        self._of: dict[str, dict[tuple[str, str], list[Trace]]] = defaultdict(dict)
        self._devices: dict[tuple[str, str], set[str]] = {}
        self._items: dict[str, str] = {}
        for one in documents:
            self.add(one)

    def add(self, document: Document) -> None:
        if isinstance(document, Item):
            if document.device_identifier:
                self._items[document.device_identifier] = document.item_number
            return
        name = (document.kind, document.natural_key)
        for device in self._devices.pop(name, set()):
            del self._of[device][name]
        for trace in traces_of(document):
            self._of[trace.device].setdefault(name, []).append(trace)
            self._devices.setdefault(name, set()).add(trace.device)

    def find(self, device: str, lot: str | None = None) -> Recalled:
        """Without a lot: all lots of the device. What names no lot is found by the device alone."""
        devices = {device, self._items.get(device, device)}
        parts = [self._of.get(one, {}) for one in sorted(devices)]
        return recalled(one for part in parts for traces in part.values() for one in traces if lot in (None, one.lot))


def recalled(traces: Iterable[Trace]) -> Recalled:
    found = set(traces)

    def keys(kind: str) -> tuple[str, ...]:
        return tuple(sorted({one.key for one in found if one.kind == kind}))

    return Recalled(
        cases=tuple(sorted({one.case for one in found if one.case})),
        locations=tuple(sorted({one.location for one in found if one.location})),
        suppliers=tuple(sorted({one.supplier for one in found if one.supplier})),
        invoices=keys("Invoice"),
        orders=keys("PurchaseOrder"),
        receipts=keys("Receipt"),
        documents=tuple(sorted({(one.kind, one.key) for one in found})),
    )
