"""An order of Harbor Health with all that follows it, in any number."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from engine.canonical import (
    Invoice,
    InvoiceLine,
    Money,
    OrderLine,
    PurchaseOrder,
    Quantity,
    Receipt,
    ReceiptLine,
    Supplier,
)

SUPPLIER = Supplier(supplier_number="S1", name="Alder")


def usd(amount: str) -> Money:
    return Money(amount=Decimal(amount))


def of(amount: str, unit: str = "EA") -> Quantity:
    return Quantity(amount=Decimal(amount), unit=unit)


def ordered(number: int = 1, amount: str = "10", price: str = "4.00", unit: str = "EA", **more: Any) -> OrderLine:
    return OrderLine(number=number, item_number=f"M{number}", quantity=of(amount, unit), price=usd(price), **more)


def order(*lines: OrderLine, **more: Any) -> PurchaseOrder:
    values: dict[str, Any] = {"order_number": "PO-1", "supplier_number": "S1", "ordered_on": date(2026, 11, 2)} | more
    return PurchaseOrder(lines=lines or (ordered(),), **values)


def receipt(amount: str = "10", number: str = "R-1", unit: str = "EA", line: int = 1, **more: Any) -> Receipt:
    accepted = more.pop("accepted", None)
    part = ReceiptLine(
        order_line_number=line, item_number=f"M{line}", quantity=of(amount, unit),
        accepted=of(accepted, unit) if accepted is not None else None,
    )  # fmt: skip
    return Receipt(
        receipt_number=number, order_number="PO-1", supplier_number="S1", received_on=date(2026, 11, 9), lines=(part,),
        **more,
    )  # fmt: skip


def billed(amount: str = "10", price: str = "4.00", unit: str = "EA", line: int = 1, **more: Any) -> InvoiceLine:
    values: dict[str, Any] = {"order_line_number": line, "number": line} | more
    return InvoiceLine(quantity=of(amount, unit), price=usd(price), **values)


def invoice(*lines: InvoiceLine, number: str = "I-1", total: str | None = None, **more: Any) -> Invoice:
    lines = lines or (billed(),)
    values: dict[str, Any] = {
        "supplier_number": "S1", "invoiced_on": date(2026, 11, 10), "order_number": "PO-1", "stated_total": usd("0"),
    } | more  # fmt: skip
    made = Invoice(invoice_number=number, lines=lines, **values)
    return made.model_copy(update={"stated_total": usd(total) if total else made.total})
