"""Order, receipts and invoice beside each other, line by line, with the figures that do not agree. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from engine.canonical import Invoice, InvoiceLine, Money, OrderLine, PurchaseOrder, Quantity, Receipt, ReceiptLine
from engine.ports.p2p_operations import Evidence, EvidenceLine, Side
from engine.procure.decision import text_of
from engine.procure.papers import Papers

Came = tuple[Receipt, ReceiptLine]


def invoice_of(papers: Papers, place: str) -> Invoice | None:
    """The invoice that a case's place names; the only one of the dossier when it names none."""
    invoices = papers.newest(Invoice)
    named = [one for one in invoices if place.startswith(one.natural_key)]
    if named:
        return max(named, key=lambda one: len(one.natural_key))
    return invoices[0] if len(invoices) == 1 else None


def evidence_of(papers: Papers, invoice: Invoice | None) -> Evidence:
    """All lines of the order, then lines of the invoice that belong to none of them."""
    order = next(iter(papers.newest(PurchaseOrder)), None)
    receipts = papers.newest(Receipt)
    came = [(receipt, line) for receipt in receipts for line in receipt.lines]
    asked = _by_order_line(order, invoice)
    lines = [_line(one, came, asked.pop(one.number, [])) for one in (order.lines if order else ())]
    lines += [_strange(one) for rest in asked.values() for one in rest]
    return Evidence(
        order=order.order_number if order else None,
        invoice=invoice.natural_key if invoice else None,
        receipts=[receipt.receipt_number for receipt in receipts],
        currency=invoice.currency if invoice else order.currency if order else "",
        lines=lines,
        charges=_charges(order, invoice),
        ordered_total=_money(order.total) if order else "",
        invoiced_total=_money(invoice.total) if invoice else "",
        stated_total=_money(invoice.stated_total) if invoice else "",
    )


def _by_order_line(order: PurchaseOrder | None, invoice: Invoice | None) -> dict[int, list[InvoiceLine]]:
    """Lines of the invoice by the order line they name; else by the only line of the same item; else below zero."""
    found: dict[int, list[InvoiceLine]] = {}
    known = {line.number for line in order.lines} if order else set()
    for line in invoice.lines if invoice else ():
        number = line.order_line_number
        if number not in known:
            number = _of_item(order, line)
        found.setdefault(-line.number if number is None else number, []).append(line)
    return found


def _of_item(order: PurchaseOrder | None, line: InvoiceLine) -> int | None:
    same = [one.number for one in (order.lines if order else ()) if one.item_number == line.item_number]
    return same[0] if len(same) == 1 else None


def _line(ordered: OrderLine, came: Iterable[Came], asked: Sequence[InvoiceLine]) -> EvidenceLine:
    here = [(receipt, line) for receipt, line in came if line.order_line_number == ordered.number]
    sides = _ordered(ordered), _received(here), _invoiced(asked)
    return EvidenceLine(
        number=str(ordered.number),
        description=ordered.description or ordered.item_number,
        ordered=sides[0],
        received=sides[1],
        invoiced=sides[2],
        differs=differences(*sides),
    )


def _strange(line: InvoiceLine) -> EvidenceLine:
    """A line of the invoice that no line of the order explains."""
    invoiced = _invoiced([line])
    text = line.description or line.item_number or ""
    return EvidenceLine(f"invoice {line.number}", text, None, None, invoiced, ("item",))


def _ordered(line: OrderLine) -> Side:
    return Side(
        quantity=_number(line.quantity.amount),
        unit=line.quantity.unit,
        price=_price(line.price.amount),
        price_unit=line.price_unit or line.quantity.unit,
        total=_money(line.extended),
        item=line.item_number,
    )


def _received(lines: Sequence[Came]) -> Side | None:
    if not lines:
        return None
    quantity, unit = _summed([(receipt.sign, line.quantity) for receipt, line in lines])
    items = sorted({line.item_number for _, line in lines})
    return Side(quantity, unit, item=", ".join(items), documents=sorted({one.receipt_number for one, _ in lines}))


def _invoiced(lines: Sequence[InvoiceLine]) -> Side | None:
    if not lines:
        return None
    quantity, unit = _summed([(Decimal(1), line.quantity) for line in lines])
    return Side(
        quantity=quantity,
        unit=unit,
        price=_each([_price(line.price.amount) for line in lines]),
        price_unit=_each([line.price_unit or line.quantity.unit for line in lines]),
        total=" + ".join(_money(line.extended) for line in lines),
        item=_each([line.item_number or "" for line in lines]),
        documents=[f"line {line.number}" for line in lines],
    )


def _summed(parts: Sequence[tuple[Decimal, Quantity]]) -> tuple[str, str]:
    """Units are not assumed equal: amounts of several units stand beside each other."""
    sums: dict[str, Decimal] = {}
    for sign, quantity in parts:
        sums[quantity.unit] = sums.get(quantity.unit, Decimal(0)) + sign * quantity.amount
    if len(sums) == 1:
        ((unit, amount),) = sums.items()
        return _number(amount), unit
    return " + ".join(f"{_number(amount)} {unit}" for unit, amount in sorted(sums.items())), ""


def differences(ordered: Side | None, received: Side | None, invoiced: Side | None) -> tuple[str, ...]:
    """Names of the figures that do not agree. Without an invoice line there is nothing to disagree with."""
    if invoiced is None or ordered is None:
        return ()
    found = []
    if invoiced.unit != ordered.unit:
        found.append("unit")
    elif invoiced.quantity != ordered.quantity:
        found.append("quantity")
    if received is None or (received.unit, received.quantity) != (invoiced.unit, invoiced.quantity):
        found.append("received")
    other_unit = invoiced.unit == ordered.unit and invoiced.price_unit != ordered.price_unit
    if invoiced.price != ordered.price or other_unit:  # where the quantity's unit differs, that is said already
        found.append("price")
    if invoiced.item and invoiced.item != ordered.item:
        found.append("item")
    return tuple(found)


def _charges(order: PurchaseOrder | None, invoice: Invoice | None) -> list[tuple[str, str, str]]:
    """Name, as ordered, as invoiced."""
    ordered = {one.code: one for one in (order.charges if order else ())}
    invoiced = {one.code: one for one in ((*invoice.charges, *invoice.taxes) if invoice else ())}
    rows = []
    for code in sorted(ordered | invoiced):
        one, other = ordered.get(code), invoiced.get(code)
        name = (other and other.description) or (one and one.description) or code
        rows.append((str(name), _money(one.amount) if one else "", _money(other.amount) if other else ""))
    return rows


def _each(values: Sequence[str]) -> str:
    return " / ".join(dict.fromkeys(values))


def _money(money: Money) -> str:
    return text_of(money.amount)


def _number(amount: Decimal) -> str:
    """`10.00` and `10` are the same price, so they read the same."""
    text = text_of(amount)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _price(amount: Decimal) -> str:
    """As `_number`, with two decimals at least."""
    whole, _, decimals = _number(amount).partition(".")
    return f"{whole}.{decimals.ljust(2, '0')}"
