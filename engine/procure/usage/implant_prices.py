"""What the pieces of an implant case cost, and what a contract allows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from engine.canonical import (
    Contract,
    Invoice,
    InvoiceKind,
    InvoiceLine,
    Item,
    Money,
    OrderLine,
    PurchaseOrder,
    Quantity,
)
from engine.procure.decision import World
from engine.procure.requisitions.prices import contract_prices
from engine.procure.usage.implant_pieces import UsedPiece
from engine.procure.usage.papers import contracts_dossier


class Priced(NamedTuple):
    """`place` is the document's line; `price` is of one unit of the quantity."""

    place: str
    device: str
    quantity: Quantity
    price: Money


def prices_of(
    case: str, orders: Iterable[PurchaseOrder], invoices: Sequence[Invoice], world: World
) -> Iterator[Priced]:  # fmt: skip
    """Of this case's invoices; as long as there is none, of its orders."""
    billed = [one for one in invoices if one.invoice_kind is InvoiceKind.INVOICE]
    credited = _credited(case, invoices)
    for line, place in _lines(case, billed) if billed else _ordered(orders):
        back = min(credited[_sold(line)], line.quantity.amount)
        credited[_sold(line)] -= back
        if left := line.quantity.amount - back:
            yield Priced(place, _device(line, world), Quantity(amount=left, unit=line.quantity.unit), line.price)


def _lines(case: str, invoices: Iterable[Invoice]) -> Iterator[tuple[InvoiceLine, str]]:
    """One invoice may be for several cases."""
    for invoice in invoices:
        for line in invoice.lines:
            if (line.case_reference or invoice.case_reference) == case:
                yield line, f"{invoice.natural_key} line {line.number}"


def _ordered(orders: Iterable[PurchaseOrder]) -> Iterator[tuple[OrderLine, str]]:
    return ((line, f"{order.natural_key} line {line.number}") for order in orders for line in order.lines)


_Sold = tuple[str, str, Money]
"""Device, unit and price."""


def _credited(case: str, invoices: Iterable[Invoice]) -> defaultdict[_Sold, Decimal]:
    """What credit memos took back at its whole price."""
    found = defaultdict[_Sold, Decimal](Decimal)
    for line, _ in _lines(case, (one for one in invoices if one.invoice_kind is InvoiceKind.CREDIT_MEMO)):
        found[_sold(line)] += line.quantity.amount
    return found


def _sold(line: InvoiceLine | OrderLine) -> _Sold:
    return line.device_identifier or line.item_number or "", line.quantity.unit, line.price


def _device(line: InvoiceLine | OrderLine, world: World) -> str:
    item = world.find(Item, line.item_number) if line.item_number else None
    return line.device_identifier or (item.device_identifier if item else None) or line.item_number or ""


# ------------------------------------------------------------------ what is allowed
def item_number_of(one: UsedPiece, documents: Iterable[PurchaseOrder | Invoice]) -> str | None:
    """As documented; of what was only scanned, as an order or invoice names the device."""
    lines = (line for document in documents for line in document.lines)
    named = (line.item_number for line in lines if line.device_identifier == one.piece.device and line.item_number)
    return one.line.item_number or next(named, None)


def cap_of(
    one: UsedPiece, item_number: str | None, orders: Iterable[PurchaseOrder], facility: str | None, world: World
) -> Money | None:
    """The lowest price that a contract allows; None: no contract does. Those that item and order name come first; few
    items' masters keep up with the numbers of contracts."""
    item = world.find(Item, item_number) if item_number else None
    if item is None:
        return None
    ordered = [line.contract_number for order in orders for line in order.lines if line.item_number == item_number]
    numbers = dict.fromkeys((*item.contract_numbers, *(number for number in ordered if number)))
    named = [contract for number in numbers if (contract := world.find(Contract, number)) is not None]
    found = _contracted(named, item, one, facility)
    if not found and item.supplier_number:
        of_supplier = world.papers(contracts_dossier(item.supplier_number)).newest(Contract)
        found = _contracted(of_supplier, item, one, facility)
    return min(found, key=lambda price: price.amount, default=None)


def _contracted(contracts: Iterable[Contract], item: Item, one: UsedPiece, facility: str | None) -> list[Money]:
    suppliers = (item.supplier_number, one.line.supplier_number)
    return [
        price
        for contract in contracts
        if contract.supplier_number in suppliers
        for price in contract_prices(contract, item, one.line.quantity, facility, one.day)
    ]
