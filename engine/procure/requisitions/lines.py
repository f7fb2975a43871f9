"""A requisition's lines checked against the master data: item, supplier, price, cost center, stock.

Pure. What is missing is a finding that names what would have decided otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import msgspec

from engine.canonical import (
    CostCenter,
    InventoryLevel,
    Item,
    Money,
    Requisition,
    RequisitionLine,
    RequisitionLineStatus,
    Supplier,
)
from engine.procure.decision import Finding, World, text_of
from engine.procure.requisitions.prices import Price, price_of, quantity_in

IMPLANTS = "implants"  # category by which the policies own exceptions
ENDED = frozenset({RequisitionLineStatus.REJECTED, RequisitionLineStatus.CANCELLED, RequisitionLineStatus.RECEIVED})


class CheckedLine(msgspec.Struct, frozen=True):
    """A line with what the master data says of it; `price` is None when nobody knows one."""

    line: RequisitionLine
    item: Item | None
    supplier: Supplier | None
    supplier_number: str | None
    cost_center: str | None
    price: Price | None
    blocking: tuple[Finding, ...] = ()

    @property
    def amount(self) -> Money | None:
        return self.price.unit_price.times(self.line.quantity.amount).rounded() if self.price else None

    @property
    def is_urgent_implant(self) -> bool:
        return self.item is not None and self.item.implantable

    @property
    def facts(self) -> dict[str, Any]:
        """For the decision's `state`."""
        return {
            "item": self.line.item_number,
            "quantity": text_of(self.line.quantity.amount),
            "unit": self.line.quantity.unit,
            "supplier": self.supplier_number,
            "cost_center": self.cost_center,
            "price": text_of(self.price.unit_price.amount) if self.price else None,
            "price_source": self.price.source if self.price else None,
            "contract": self.price.contract_number if self.price else None,
            "amount": text_of(self.amount.amount) if self.amount else None,
        }


def checked_lines(requisition: Requisition, day: date, world: World) -> list[CheckedLine]:
    """Every line that is not ended."""
    return [_checked(requisition, line, day, world) for line in requisition.lines if line.status not in ENDED]


def _checked(requisition: Requisition, line: RequisitionLine, day: date, world: World) -> CheckedLine:
    item = world.find(Item, line.item_number)
    number = line.supplier_number or (item.supplier_number if item else None)
    supplier = world.find(Supplier, number) if number else None
    cost_center = line.cost_center or requisition.cost_center
    price = price_of(line, item, number, requisition.facility, day, world)
    found = CheckedLine(line, item, supplier, number, cost_center, price)
    faults = [
        *_item_faults(item),
        *_quantity_faults(line),
        *_supplier_faults(found),
        *_dimension_faults(found, day, world),
        *_price_faults(found),
        *_stock_faults(requisition, found, world),
    ]
    return msgspec.structs.replace(found, blocking=tuple(_finding(requisition, found, *fault) for fault in faults))


Fault = tuple[str, str, str]  # type, title, flip


def _item_faults(item: Item | None) -> Iterator[Fault]:
    if item is None:
        yield "item_unknown", "The item is not in the item master", "the item master told of this item"
    elif not item.active:
        yield (
            "item_inactive",
            "The item may not be ordered any more",
            "the item were active, or a substitute were asked for",
        )


def _quantity_faults(line: RequisitionLine) -> Iterator[Fault]:
    """Nobody orders less than something; what goes back is a return."""
    if line.quantity.amount <= 0:
        yield "order_quantity_missing", "No quantity is asked for", "a quantity above zero"


def _supplier_faults(found: CheckedLine) -> Iterator[Fault]:
    if found.supplier_number is None:
        yield "supplier_missing", "Nobody says which supplier it comes from", "the line or its item named a supplier"
    elif found.supplier is None:
        yield "supplier_unknown", "The supplier is not in the supplier master", "the supplier master told of it"
    elif not found.supplier.may_be_paid:
        yield "supplier_inactive", "The supplier may not be ordered from", "the supplier were active and approved"


def _dimension_faults(found: CheckedLine, day: date, world: World) -> Iterator[Fault]:
    fault = cost_center_fault(found.cost_center, day, world)
    if fault is not None:
        yield fault


def cost_center_fault(code: str | None, day: date, world: World) -> Fault | None:
    """What keeps a cost center from being posted to on a day."""
    if code is None:
        return "dimension_missing", "No cost center is named", "the line or its document named a cost center"
    center = world.find(CostCenter, code)
    if center is None:
        return "dimension_unknown", "The cost center is not known", "the ERP told of this cost center"
    if not center.active or not center.is_valid_on(day):
        return "dimension_not_valid", "The cost center does not hold on that day", "the cost center held on that day"
    return None


def _price_faults(found: CheckedLine) -> Iterator[Fault]:
    if found.price is None and found.item is not None:
        yield (
            "price_unknown",
            "Neither contract nor item nor requester gives a price",
            "a contract or the item gave a price",
        )


def _stock_faults(requisition: Requisition, found: CheckedLine, world: World) -> Iterator[Fault]:
    """Enough lies there to give it without falling to the order point: it is not bought before a person wants it."""
    place = found.line.deliver_to or requisition.deliver_to
    if place is None or found.item is None or requisition.bill_only:
        return
    level = world.find(InventoryLevel, f"{place}/{found.line.item_number}")
    if level is None or level.consignment:
        return
    wanted = quantity_in(found.line.quantity, level.on_hand.unit, found.item, found.supplier_number, world.now.date())
    free = level.on_hand.amount - (level.reserved or 0) - (level.order_point or level.minimum or 0)
    if wanted is not None and free >= wanted:
        yield "stock_available", "Enough of it lies where it is wanted", "less were free there than is asked for"


def _finding(requisition: Requisition, found: CheckedLine, type_: str, title: str, flip: str) -> Finding:
    return Finding(
        type_,
        f"line {found.line.number}",
        title,
        money=found.amount,
        supplier=found.supplier_number,
        facility=requisition.facility,
        department=requisition.department,
        category=IMPLANTS if found.is_urgent_implant else (found.item.category if found.item else None),
        urgency=requisition.urgency.value,
        flip=flip,
        facts={**found.facts, "rule": f"requisition.{type_}"},
    )
