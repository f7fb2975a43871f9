"""Orders, receipts and invoices as buyers, the dock and suppliers send them."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from engine.canonical import Identifier, Money, OrderLine, PurchaseOrder, Quantity
from engine.cli.demo import edi
from engine.cli.demo.catalogue import ITEMS
from engine.cli.demo.scenarios.hospital import Hospital

_CONTROLS = itertools.count(70_001)  # of interchanges: above those of the demonstration's day
_BY_NUMBER = {row.number: row for row in ITEMS}


class Wanted(NamedTuple):
    """One line: our item number, how many, and the price of one."""

    item: str
    quantity: int
    price: Decimal


def today() -> date:
    return datetime.now(UTC).date()


async def buy(hospital: Hospital, number: str, supplier: str, lines: tuple[Wanted, ...]) -> None:
    """A buyer enters an order in the ERP and confirms it; nobody tells the engine."""
    ordered = (
        OrderLine(
            number=place,
            item_number=line.item,
            quantity=Quantity(amount=Decimal(line.quantity), unit="EA"),
            price=Money(amount=line.price),
            description=_BY_NUMBER[line.item].description,
            identifiers=(Identifier(scheme="VENDOR_ITEM", value=_BY_NUMBER[line.item].catalog_number),),
        )
        for place, line in enumerate(lines, 1)
    )
    order = PurchaseOrder(order_number=number, supplier_number=supplier, ordered_on=today(), lines=tuple(ordered))
    await hospital.erp.buy(order)


def procure(
    hospital: Hospital,
    number: str,
    supplier: str,
    lines: tuple[Wanted, ...],
    contract: str = "",
    department: str = "M-OR",
) -> None:
    """Procurement in the cloud exports an order of the operating rooms as an 850."""
    control = next(_CONTROLS)
    wanted = edi.Order(number, supplier, today(), tuple(_line(line) for line in lines))
    hospital.file("order_in", f"clinic_{control}.edi", edi.order(wanted, control, contract, department))


def price_list(hospital: Hospital, contract: str, supplier: str, lines: tuple[Wanted, ...]) -> None:
    """The supplier's 832 with all prices of a contract."""
    control = next(_CONTROLS)
    prices = [(_line(line), line.price) for line in lines]
    body = edi.catalogue(contract, supplier, prices, control, today())
    hospital.file("supplier_catalogue_in", f"{supplier}_{control}.edi", body)


async def receive(hospital: Hospital, number: str, order: str, supplier: str, lines: tuple[Wanted, ...]) -> None:
    """The dock scans all lines of an order, with their lots, and looks them over."""
    await hospital.post("warehouse_receipts_in", receipt(number, order, supplier, lines), number)


def receipt(
    number: str, order: str, supplier: str, ordered: tuple[Wanted, ...], lines: tuple[int, ...] = (), lot: str = "L7702"
) -> dict[str, Any]:
    """As the scanners write it. `lines` are places in the order; none: all of them."""
    booked = [
        {"order_line": place, "item": line.item, "quantity": str(line.quantity), "lot": lot, "expires_on": "2028-06-30",
         "accepted": str(line.quantity)}
        for place, line in enumerate(ordered, 1)
        if not lines or place in lines
    ]  # fmt: skip
    about = {"receipt": number, "order": order, "supplier": supplier, "received_on": today().isoformat()}
    return about | {"facility": "HARBOR-MAIN", "lines": booked}


def announce(
    hospital: Hospital,
    shipment: str,
    order: str,
    supplier: str,
    lines: tuple[Wanted, ...],
    lot: str,
    purpose: str = "00",
) -> None:
    """The supplier's 856 with one lot; `purpose` 05 replaces what it said before."""
    sent = [_line(line) for line in lines]
    control = next(_CONTROLS)
    hospital.file("ship_notice_in", f"{supplier}_{control}.edi",
                  edi.lots_notice(shipment, order, supplier, sent, lot, control, today(), purpose))  # fmt: skip


def bill(hospital: Hospital, number: str, supplier: str, order: str, lines: tuple[Wanted, ...]) -> Decimal:
    """The supplier's 810, put where its files come in; the total."""
    sent = edi.Bill(number, supplier, today(), tuple(_line(line) for line in lines), order)
    control = next(_CONTROLS)
    hospital.file("supplier_invoice_in", f"{supplier}_{control}.edi", edi.invoice(sent, control))
    return sent.total


def _line(line: Wanted) -> edi.Line:
    row = _BY_NUMBER[line.item]
    return edi.Line(line.item, row.catalog_number, row.description, line.quantity, line.price)


# ------------------------------------------------------------------ what is seen
async def ordered(hospital: Hospital, number: str) -> str | None:
    """The order's amount as accounts payable see it; None: they do not know it."""
    found = await hospital.order(number)
    return found.amount if found else None


async def in_erp(hospital: Hospital, kind: str, key: str) -> str | None:
    """The ERP's own total of a document, or `there` when the kind has none."""
    found = await hospital.erp.adapter.find(kind, key, key)
    if found is None:
        return None
    return "there" if found.total is None else f"{found.total:.2f}"


async def owners(hospital: Hospital, about: str) -> list[str]:
    """Open cases with the money at stake and who owns them."""
    return [f"{row.type} {row.amount or '-'} {row.owner}" for row in await hospital.cases(about)]
