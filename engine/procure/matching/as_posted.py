"""An invoice as its system is given it: by our item numbers, each line in one unit, with all that its total is made of.

Systems multiply the quantity by the price, and add up. So a price per each of goods that come in cases is told per
case, exactly; where no decimal number is that price, the quantity is told in the price's unit. What the supplier's
total differs from its parts by, as policies or people let it pass, is a charge of its own: its total is what is owed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from fractions import Fraction

from engine.canonical import Charge, Invoice, InvoiceLine, OrderLine
from engine.procure.exact import Exact, exact
from engine.procure.matching.book import Book
from engine.procure.matching.item import is_theirs, pairing, traded
from engine.procure.matching.trade_numbers import trade_numbers

DIFFERENCE = "DIFFERENCE"
_PLACES = 20  # of a price; a fraction that needs more is periodic, or nobody's price


def in_one_unit(invoice: Invoice, books: Iterable[Book]) -> Invoice:
    """Unchanged where every price is per the unit of its quantity.

    Args:
        books: of its orders.
    """
    if all(one.price_unit in (None, one.quantity.unit) for one in invoice.lines):
        return invoice
    known = list(books)
    return invoice.model_copy(update={"lines": tuple(_line(one, invoice, known) for one in invoice.lines)})


def by_our_numbers(invoice: Invoice, books: Iterable[Book]) -> Invoice:
    """Suppliers name items by their own numbers or a GTIN, which our systems do not know: those of the order say whose
    they are. A substitute that only its supplier's number names is left as it is."""
    known = list(books)
    lines = [_ours(one, known) for one in invoice.lines]
    same = all(one is other for one, other in zip(lines, invoice.lines, strict=True))
    return invoice if same else invoice.model_copy(update={"lines": tuple(lines)})


def _ours(line: InvoiceLine, books: list[Book]) -> InvoiceLine:
    told = line.item_number
    if told is None or any(told in book.item_numbers or book.item(told) is not None for book in books):
        return line
    for book in books:
        named = book.lines.get(line.order_line_number or 0)
        ordered = [named] if named is not None else pairing(line, book)
        ours = {one.item_number for one in ordered if is_theirs(one, told, book) or _is_traded(line, one, book)}
        if len(ours) == 1:
            return line.model_copy(update={"item_number": ours.pop()})
    return line


def _is_traded(line: InvoiceLine, ordered: OrderLine, book: Book) -> bool:
    return bool(trade_numbers(line.identifiers) & traded(ordered, book))


def made_up(invoice: Invoice) -> Invoice:
    """With the difference between the stated total and its parts, where they can be added up at all."""
    in_their_unit = all(one.price_unit in (None, one.quantity.unit) for one in invoice.lines)
    if invoice.total == invoice.stated_total or not in_their_unit:
        return invoice
    gap = Charge(code=DIFFERENCE, amount=invoice.stated_total - invoice.total, description="of the stated total")
    return invoice.model_copy(update={"charges": (*invoice.charges, gap)})


def _line(line: InvoiceLine, invoice: Invoice, books: list[Book]) -> InvoiceLine:
    unit = line.price_unit
    if unit is None or unit == line.quantity.unit:
        return line
    factors = (book.factor(line.quantity.unit, unit, item, invoice.supplier_number, invoice.invoiced_on)
               for book in books for item in _items(line, book))  # fmt: skip
    factor = next((one for one in factors if one is not None), None)
    if factor is None:  # nobody could match it either
        return line
    if (price := _decimal(exact(line.price.amount) * factor)) is not None:
        return line.model_copy(update={"price": line.price.model_copy(update={"amount": price}), "price_unit": None})
    if (amount := _decimal(exact(line.quantity.amount) * factor)) is not None:
        quantity = line.quantity.model_copy(update={"amount": amount, "unit": unit})
        return line.model_copy(update={"quantity": quantity, "price_unit": None})
    return line


def _items(line: InvoiceLine, book: Book) -> Iterator[str]:
    if line.item_number:
        yield line.item_number
    named = book.lines.get(line.order_line_number or 0)
    yield from (one.item_number for one in ([named] if named is not None else pairing(line, book)))


def _decimal(value: Exact) -> Decimal | None:
    """None: it has no end."""
    whole = Fraction(value) * 10**_PLACES
    return Decimal(whole.numerator).scaleb(-_PLACES).normalize() + 0 if whole.denominator == 1 else None
