"""Suppliers' invoices of the day: most are as ordered and received; some are what accounts payable sees every day.

Each says where it is to stand in the evening. What is posted, and the money that waits for people, follow from the
orders alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import ROUND_HALF_UP, Decimal

from engine.cli.demo import dock, edi
from engine.cli.demo.parcel import Effect, Ending, Matter, Parcel, Phase, Raised
from engine.cli.demo.traffic import Maker, invoice_number, ordered_lines

_LOOSE = 2  # invoices that no order announced
_DEARER = Decimal("1.15")  # beyond every tolerance of config/policies/tolerances.yaml

Group = list[Parcel]


def invoices(make: Maker, orders: Sequence[edi.Order], late: edi.Order) -> Iterator[Group]:
    """Groups of receipts and invoices to mix into the day; within a group the order of sending holds.

    Args:
        orders: those that are known in the morning; the last two are not billed today.
        late: what a buyer types in only in the evening, when its invoice is already here.
    """
    stories: list[Callable[[Maker, edi.Order], Group]] = [_dearer, _short, _again, _alike, _before_the_goods]
    for number, order in enumerate(orders[: len(orders) - 2]):
        yield stories[number](make, order) if number < len(stories) else _as_ordered(make, order)
    for _ in range(_LOOSE):
        yield [_loose(make)]
    yield [_announced_too_early(make, late)]
    yield [_of_an_order_that_never_comes(make)]


def evening(make: Maker, late: edi.Order) -> Parcel:
    """The goods of the order that was typed in late."""
    return dock.receipt(_receipt_number(make), late)._replace(phase=Phase.EVENING)


# ------------------------------------------------------------------ one order each
def _as_ordered(make: Maker, order: edi.Order) -> Group:
    return [_received(make, order), _matched(make, _bill_of(make, order))]


def _before_the_goods(make: Maker, order: edi.Order) -> Group:
    return [*reversed(_as_ordered(make, order))]


def _again(make: Maker, order: edi.Order) -> Group:
    """The supplier sends the same invoice in a second interchange."""
    bill = _bill_of(make, order)
    first = _matched(make, bill)
    again = _parcel(make, bill, "the same invoice in a second interchange", name=f"{bill.number}-again.edi")
    return [_received(make, order), first, again]


def _alike(make: Maker, order: edi.Order) -> Group:
    """The same again under a number that a person typed: held, whatever the number says."""
    one = order._replace(lines=order.lines[:1])
    bill = _bill_of(make, one)
    other = bill._replace(number=bill.number.replace("-", ""))
    twice = _parcel(make, other, "an invoice that looks like an earlier one")
    raised = (Raised("duplicate_suspected", other.total), Raised("quantity_above_ordered", other.total))
    return [
        _received(make, order),
        _matched(make, bill),
        twice._replace(raises=raised, matter=_matter(other, "exception")),
    ]


def _dearer(make: Maker, order: edi.Order) -> Group:
    """The first line costs more than ordered."""
    line = order.lines[0]
    price = (line.price * _DEARER).quantize(Decimal("0.0001"), ROUND_HALF_UP)
    bill = _bill_of(make, order._replace(lines=(line._replace(price=price), *order.lines[1:])))
    more = ((price - line.price) * line.quantity).quantize(edi.CENT, ROUND_HALF_UP)
    parcel = _parcel(make, bill, "a price above the order's")
    raised = (Raised("price_above_tolerance", more),)
    return [_received(make, order), parcel._replace(raises=raised, matter=_matter(bill, "exception"))]


def _short(make: Maker, order: edi.Order) -> Group:
    """One piece of the first line did not come; all of it is invoiced."""
    receipt = dock.receipt(_receipt_number(make), order, short={1: 1})
    bill = _bill_of(make, order)
    parcel = _parcel(make, bill, "more invoiced than received")
    worth = order.lines[0].price.quantize(edi.CENT, ROUND_HALF_UP)
    raised = (Raised("quantity_not_received", worth),)
    return [receipt, parcel._replace(raises=raised, matter=_matter(bill, "exception"))]


# ------------------------------------------------------------------ without an order
def _loose(make: Maker) -> Parcel:
    supplier = make.random.choice(make.suppliers)
    freight = Decimal(make.some(500, 4500)) / 100
    bill = edi.Bill(invoice_number(make), supplier, make.day, ordered_lines(make, supplier), "", freight)
    return no_order(make, bill, _parcel(make, bill, "an invoice that names no order"))


def no_order(make: Maker, bill: edi.Bill, parcel: Parcel) -> Parcel:
    """Nothing is posted: a person looks for the order, or accepts it."""
    raised = (Raised("no_order", bill.total),)
    return parcel._replace(raises=raised, matter=_matter(bill, "exception"), effects=())


def _announced_too_early(make: Maker, late: edi.Order) -> Parcel:
    bill = _bill_of(make, late)
    return _matched(make, bill)._replace(mischief="an invoice whose order is typed in later")


def _of_an_order_that_never_comes(make: Maker) -> Parcel:
    supplier = make.random.choice(make.suppliers)
    bill = edi.Bill(invoice_number(make), supplier, make.day, ordered_lines(make, supplier), "HH-4999")
    raised = (Raised("order_unknown", bill.total),)
    parcel = _parcel(make, bill, "an invoice whose order nobody has typed in")
    return parcel._replace(raises=raised, matter=_matter(bill, "exception"))


# ------------------------------------------------------------------ parts
def _received(make: Maker, order: edi.Order) -> Parcel:
    return dock.receipt(_receipt_number(make), order)


def _receipt_number(make: Maker) -> str:
    return f"GR-{make.number('receipt', 90001)}"


def _bill_of(make: Maker, order: edi.Order) -> edi.Bill:
    return edi.Bill(invoice_number(make), order.supplier, make.day, order.lines, order.number)


def _matched(make: Maker, bill: edi.Bill) -> Parcel:
    effect = Effect("Invoice", f"{bill.supplier}/{bill.number}", bill.total)
    return _parcel(make, bill)._replace(effects=(effect,), matter=_matter(bill, "matched"))


def _matter(bill: edi.Bill, state: str) -> Matter:
    key = f"{bill.supplier}/{bill.number}"
    return Matter(f"order:{bill.order}" if bill.order else f"invoice:{key}", key, state)


def _parcel(make: Maker, bill: edi.Bill, mischief: str = "", name: str = "", miscount: int = 0) -> Parcel:
    """Delivered to the process; what becomes of it there is the caller's to say."""
    body = edi.invoice(bill, make.number(f"isa-{bill.supplier}", 101), miscount=miscount)
    told = "E" if miscount else "A"
    return Parcel(
        Phase.DAY, "supplier_invoice_in", name or f"{bill.number}.edi", body, Ending.DELIVERED,
        mischief=mischief, told=told,
    )  # fmt: skip


def parcel_of(make: Maker, bill: edi.Bill, mischief: str = "", miscount: int = 0) -> Parcel:
    """An invoice without an order, as the doors take it."""
    return no_order(make, bill, _parcel(make, bill, mischief, miscount=miscount))
