"""Whether a line that names an order line is of its item: by our number, else by the supplier's own."""

from __future__ import annotations

import re
from typing import NamedTuple

from engine.canonical import InvoiceLine, OrderLine
from engine.procure.matching.book import Book
from engine.procure.matching.order import THEIRS
from engine.procure.matching.trade_numbers import of_item, trade_numbers

_NOT_NUMBER = re.compile(r"[^A-Z0-9]")


class OtherItem(NamedTuple):
    title: str
    facts: dict[str, object]
    flip: str


def may_stand(ordered: OrderLine, item: str, book: Book) -> bool:
    """By our number or the supplier's; or one that the supplier told of, that came in its place, or that may by its
    master data."""
    if item == ordered.item_number or item in book.substitutes.get(ordered.number, ()):
        return True
    known = book.item(ordered.item_number)
    return (known is not None and item in known.substitutes) or is_theirs(ordered, item, book)


def is_theirs(ordered: OrderLine, item: str, book: Book) -> bool:
    """Whether it is the supplier's number of the ordered item: invoices that do not name ours are read with it. One
    that is our number of another line is not."""
    if item in book.item_numbers:
        return False
    known = book.item(ordered.item_number)
    own = known.supplier_item_number if known is not None else None
    return _plain(item) in _numbers(ordered) or (own is not None and _plain(own) == _plain(item))


def pairing(line: InvoiceLine, book: Book) -> list[OrderLine]:
    """Order lines of its item: by our number, else one that may stand for it, else by the supplier's, GTIN or NDC."""
    lines, item = book.lines.values(), line.item_number
    exactly = [one for one in lines if item and one.item_number == item]
    if exactly or (by_item := [one for one in lines if item and may_stand(one, item, book)]):
        return exactly or by_item
    theirs, numbers = {(one.scheme, one.value) for one in line.identifiers}, _numbers(line)
    named = [one for one in lines if theirs & {(i.scheme, i.value) for i in one.identifiers} or numbers & _numbers(one)]
    return named or [one for one in lines if trade_numbers(line.identifiers) & traded(one, book)]


def traded(ordered: OrderLine, book: Book) -> frozenset[str]:
    """What names the ordered item for everybody, by the order and its master data."""
    return trade_numbers(ordered.identifiers) | of_item(book.item(ordered.item_number))


def other_item(line: InvoiceLine, ordered: OrderLine, book: Book) -> OtherItem | None:
    """None: the ordered one, or one in its place; or nobody can tell."""
    if line.item_number is not None:
        if may_stand(ordered, line.item_number, book):
            return None
        told, known = trade_numbers(line.identifiers), traded(ordered, book)
        if told & known:
            return None
        by_trade = {_plain(one.value) for one in line.identifiers if trade_numbers((one,))}
        cannot_tell = _plain(line.item_number) in by_trade and not known
        if _plain(line.item_number) not in _numbers(line) and not cannot_tell:
            facts: dict[str, object] = {"expected": ordered.item_number, "actual": line.item_number}
            title = "Another item is invoiced than was ordered"
            return OtherItem(title, facts, "the ordered item, or a substitute told of")
    return _by_their_number(line, ordered, book)


def _by_their_number(line: InvoiceLine, ordered: OrderLine, book: Book) -> OtherItem | None:
    """Nothing where one of the two names no number of the supplier, or the supplier told of a substitute."""
    told, known = _numbers(line), _numbers(ordered)
    if not told or not known or told & known or book.substitutes.get(ordered.number):
        return None
    item = book.item(ordered.item_number)
    if item is not None and item.supplier_item_number and _plain(item.supplier_item_number) in told:
        return None
    beside = min((one.number for one in book.lines.values() if _numbers(one) & told), default="")
    facts: dict[str, object] = {
        "expected": ", ".join(sorted(known)),
        "actual": ", ".join(sorted(told)),
        "other_order_line": beside,
    }
    title = "Another item of the supplier is invoiced than was ordered"
    return OtherItem(title, facts, "the ordered item, or its order line")


def _numbers(line: InvoiceLine | OrderLine) -> set[str]:
    return {_plain(one.value) for one in line.identifiers if one.scheme in THEIRS}


def _plain(number: str) -> str:
    return _NOT_NUMBER.sub("", number.upper()).lstrip("0")
