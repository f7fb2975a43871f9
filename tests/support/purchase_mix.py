"""A season of purchases, seeded: orders of 1 to 40 lines, what is received of them in parts, and what is invoiced.

One invoice in ten has something that a person must look at; which, the generator says. Nobody real is named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from string import ascii_uppercase
from typing import NamedTuple

from engine.canonical import (
    Charge,
    Contract,
    ContractLine,
    Document,
    Invoice,
    InvoiceLine,
    Item,
    Money,
    OrderLine,
    Packaging,
    PurchaseOrder,
    Quantity,
    Receipt,
    ReceiptLine,
    Supplier,
)

SUPPLIERS, ITEMS = 200, 4000
FIRST_DAY = date(2026, 9, 1)
SPOILED = {
    "price_above_tolerance": 35,
    "quantity_not_received": 30,
    "line_not_ordered": 10,
    "freight_above_ordered": 10,
    "total_out_of_balance": 10,
    "duplicate_suspected": 5,
}
"""Of a thousand invoices, so many with each fault."""
_LINES = ((30, 1, 1), (40, 2, 5), (20, 6, 15), (10, 16, 40))  # of a hundred orders: from, to so many lines
_BOX = Decimal(10)


class Mix(NamedTuple):
    """`known` comes before all; `trade` in the order of its arrival; `faults` by the invoice's natural key."""

    known: Sequence[Document]
    trade: Sequence[Document]
    faults: dict[str, str]

    @property
    def lines(self) -> int:
        return sum(len(one.lines) for one in self.trade if isinstance(one, Invoice))


def mix(invoice_lines: int, seed: int = 1) -> Mix:
    """At least so many invoice lines."""
    maker, made, lines = _Maker(Random(seed)), [], 0
    while lines < invoice_lines:
        matter = list(maker.matter())
        lines += sum(len(one.lines) for _, one in matter if isinstance(one, Invoice))
        made += matter
    made.sort(key=lambda one: (one[0], one[1].kind, one[1].natural_key))
    return Mix(maker.known(), [one for _, one in made], maker.faults)


class _Maker:
    def __init__(self, random: Random) -> None:
        self.random, self.number, self.faults = random, 0, dict[str, str]()
        self.prices = [_cents(random.randint(50, 40_000)) for _ in range(ITEMS)]

    def known(self) -> list[Document]:
        """Suppliers, items that come in boxes of ten, and a contract of each supplier."""
        found: list[Document] = [Supplier(supplier_number=f"S{n}", name=self._name()) for n in range(SUPPLIERS)]
        box = (Packaging(unit="BX", contains=_BOX),)
        found += [Item(item_number=f"M{n}", description=f"Item {n}", packaging=box) for n in range(ITEMS)]
        for n in range(SUPPLIERS):
            lines = tuple(
                ContractLine(number=count, unit="EA", price=Money(amount=self.prices[item]), item_number=f"M{item}")
                for count, item in enumerate(range(n, ITEMS, SUPPLIERS), 1)
            )
            found.append(Contract(contract_number=f"C{n}", supplier_number=f"S{n}", lines=lines))
        return found

    def matter(self) -> Iterator[tuple[int, Document]]:
        """An order with its receipts and invoices, each with the moment of its arrival."""
        self.number += 1
        random, began = self.random, self.number * 10
        order = self._order()
        yield began, order
        parts = random.choices((1, 2, 3), (75, 20, 5))[0]
        for part in range(1, parts + 1):
            at = began + 40 * part + random.randint(0, 30)
            lines = self._part(order, part, parts)
            if not lines:
                continue
            fault = self._fault()
            receipt = self._receipt(order, part, lines, fault)
            if receipt is not None:
                yield at, receipt
            ahead = random.randint(-3, -1) if random.random() < 0.03 else random.randint(1, 60)
            invoice = self._invoice(order, part, lines, fault)
            yield at + ahead, invoice
            if fault == "duplicate_suspected":
                again = self._again(invoice)
                self.faults[again.natural_key] = fault
                yield at + ahead + 30, again
            elif fault:
                self.faults[invoice.natural_key] = fault

    def _order(self) -> PurchaseOrder:
        random, supplier = self.random, self.random.randrange(SUPPLIERS)
        _, least, most = random.choices(_LINES, [one[0] for one in _LINES])[0]
        contract = f"C{supplier}" if random.random() < 0.3 else None
        lines = []
        for number in range(1, random.randint(least, most) + 1):
            item, boxed = random.randrange(supplier, ITEMS, SUPPLIERS), random.random() < 0.2
            price = self.prices[item] * (_BOX if boxed else 1)
            amount = Quantity(amount=Decimal(random.randint(2, 60)), unit="BX" if boxed else "EA")
            lines.append(OrderLine(number=number, item_number=f"M{item}", quantity=amount, price=Money(amount=price)))
        return PurchaseOrder(
            order_number=f"PO-{self.number:06d}", supplier_number=f"S{supplier}", ordered_on=self._day(),
            lines=tuple(lines), facility=f"H{random.randrange(5)}", contract_number=contract,
            charges=(Charge(code="D240", amount=Money(amount=Decimal(12))),),
        )  # fmt: skip

    def _part(self, order: PurchaseOrder, part: int, parts: int) -> list[tuple[OrderLine, Decimal]]:
        """So much of each line comes with this part: a whole share, the rest with the last."""
        found = []
        for line in order.lines:
            share = line.quantity.amount // parts
            amount = line.quantity.amount - share * (parts - 1) if part == parts else share
            if amount:
                found.append((line, amount))
        return found

    def _receipt(
        self, order: PurchaseOrder, part: int, lines: list[tuple[OrderLine, Decimal]], fault: str
    ) -> Receipt | None:
        """Of an invoice for what was not received, its last line did not come."""
        come = lines[:-1] if fault == "quantity_not_received" else lines
        if not come:
            return None
        made = tuple(
            ReceiptLine(order_line_number=line.number, item_number=line.item_number,
                        quantity=Quantity(amount=amount, unit=line.quantity.unit))
            for line, amount in come
        )  # fmt: skip
        return Receipt(
            receipt_number=f"R-{self.number:06d}-{part}", order_number=order.order_number, lines=made,
            supplier_number=order.supplier_number, received_on=order.ordered_on + timedelta(days=4 * part),
        )  # fmt: skip

    def _invoice(self, order: PurchaseOrder, part: int, lines: list[tuple[OrderLine, Decimal]], fault: str) -> Invoice:
        made = [self._line(count, line, amount) for count, (line, amount) in enumerate(lines, 1)]
        if fault == "price_above_tolerance":
            dear = made[-1].price.amount * Decimal("1.2") + 10
            made[-1] = made[-1].model_copy(update={"price": Money(amount=dear)})
        if fault == "line_not_ordered":
            made[-1] = made[-1].model_copy(update={"order_line_number": 99})
        charge = Decimal(90) if fault == "freight_above_ordered" else Decimal(12)
        charged = part == 1 or fault == "freight_above_ordered"
        invoice = Invoice(
            invoice_number=f"{self.random.randrange(10**9):09d}", supplier_number=order.supplier_number,
            order_number=order.order_number, invoiced_on=order.ordered_on + timedelta(days=4 * part),
            lines=tuple(made), stated_total=Money(amount=Decimal(0)), facility=order.facility, origin="edi",
            charges=(Charge(code="D240", amount=Money(amount=charge)),) if charged else (),
        )  # fmt: skip
        off = Decimal(7) if fault == "total_out_of_balance" else Decimal(0)
        return invoice.model_copy(update={"stated_total": Money(amount=invoice.total.amount + off)})

    def _line(self, count: int, line: OrderLine, amount: Decimal) -> InvoiceLine:
        """Sometimes in single pieces where boxes were ordered; exact either way."""
        pieces = line.quantity.unit == "BX" and self.random.random() < 0.3
        return InvoiceLine(
            number=count, item_number=line.item_number, order_line_number=line.number,
            quantity=Quantity(amount=amount * _BOX, unit="EA") if pieces else
            Quantity(amount=amount, unit=line.quantity.unit),
            price=Money(amount=line.price.amount / _BOX) if pieces else line.price,
        )  # fmt: skip

    def _again(self, invoice: Invoice) -> Invoice:
        """From paper: the number as a clerk typed it."""
        number = f"INV {invoice.invoice_number[:4]}-{invoice.invoice_number[4:]}".removeprefix("INV ")
        return invoice.model_copy(update={"invoice_number": number, "origin": "paper"})

    def _fault(self) -> str:
        drawn = self.random.randrange(1000)
        for fault, of_thousand in SPOILED.items():
            if drawn < of_thousand:
                return fault
            drawn -= of_thousand
        return ""

    def _name(self) -> str:
        """Letters only: names that are alike would be compared with one another."""
        return "".join(self.random.choices(ascii_uppercase, k=12))

    def _day(self) -> date:
        return FIRST_DAY + timedelta(days=self.number % 60)


def _cents(number: int) -> Decimal:
    return Decimal(number).scaleb(-2)


def kinds(mixed: Mix) -> Counter[str]:
    return Counter(one.kind for one in (*mixed.known, *mixed.trade))
