"""Whether a line that names an order line is of its item: by our number, else by the supplier's own."""

from __future__ import annotations

import re
from typing import NamedTuple

from engine.canonical import InvoiceLine, OrderLine
from engine.procure.matching.book import Book

_THEIRS = frozenset({"VENDOR_ITEM", "VENDOR_PART", "VENDOR_CATALOG"})
_NOT_NUMBER = re.compile(r"[^A-Z0-9]")


class OtherItem(NamedTuple):
    title: str
    facts: dict[str, object]
    flip: str


def may_stand(ordered: OrderLine, item: str, book: Book) -> bool:
    """By our number; or one that the supplier told of, that came in its place, or that may by its master data."""
    if item == ordered.item_number or item in book.substitutes.get(ordered.number, ()):
        return True
    known = book.item(ordered.item_number)
    return known is not None and item in (*known.substitutes, known.supplier_item_number)


def other_item(line: InvoiceLine, ordered: OrderLine, book: Book) -> OtherItem | None:
    """None: the ordered one, or one in its place; or nobody can tell."""
    if line.item_number is not None:
        if may_stand(ordered, line.item_number, book):
            return None
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
    return {_plain(one.value) for one in line.identifiers if one.scheme in _THEIRS}


def _plain(number: str) -> str:
    return _NOT_NUMBER.sub("", number.upper()).lstrip("0")
