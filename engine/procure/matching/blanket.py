"""Standing orders: what all of their invoices and releases may come to, and on which days they hold."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from engine.canonical import Invoice, Money, PurchaseOrder
from engine.procure.decision import Finding, World
from engine.procure.exact import Exact, decimal_of, exact
from engine.procure.matching.book import Book
from engine.procure.matching.order import CANCELS, order_of
from engine.procure.matching.tolerance import shown
from engine.procure.matching.validate_invoice import found
from engine.procure.papers import releases_dossier


def is_by_money(order: PurchaseOrder) -> bool:
    """A standing order with a limit is not bound to the quantities that somebody guessed."""
    return order.blanket and order.limit is not None


def limit_exceeded(invoice: Invoice, order: PurchaseOrder, book: Book, worth: Exact) -> Iterator[Finding]:
    """
    Args:
        worth: of this invoice's goods; of those before it the book tells.
    """
    standing = standing_order(order, book.world)
    if standing is None or standing.limit is None or worth <= 0:
        return
    limit, so_far = exact(standing.limit.amount), _released(order, standing, book)
    total = so_far + (book.worth + worth if standing is order else 0)
    if total <= limit:
        return
    facts = {"order": standing.order_number, "expected": shown(limit), "actual": shown(total), "rule": "limit"}
    money = Money(amount=decimal_of(total - limit), currency=order.currency).rounded()
    title = "The standing order's limit is passed"
    flip = f"{shown(limit)} instead of {shown(total)} would have been within"
    yield found(invoice, "order_limit_exceeded", title, money=money, facts=facts, flip=flip)


def standing_order(order: PurchaseOrder, world: World) -> PurchaseOrder | None:
    """The order itself, or the one that it is a release of."""
    if order.blanket:
        return order
    return world.find(PurchaseOrder, order.blanket_number) if order.blanket_number else None


def _released(order: PurchaseOrder, standing: PurchaseOrder, book: Book) -> Exact:
    """Of a release: what it and those before it come to, so that the first ones stay within the limit."""
    releases = book.world.papers(releases_dossier(standing.order_number)).newest(PurchaseOrder)
    turn = (order.ordered_on, order.order_number)
    counted = [one for one in releases if order is standing or (one.ordered_on, one.order_number) <= turn]
    return sum((_worth(one, book) for one in counted), exact(Decimal(0)))


def _worth(release: PurchaseOrder, book: Book) -> Exact:
    """As its changes left it; nothing once it is cancelled."""
    if book.order is not None and release.order_number == book.order.order_number:
        order, gone = book.order, book.gone
    else:
        stands, gone = order_of(book.world.papers(f"order:{release.order_number}"))
        order = stands or release
    if order.purpose in CANCELS or len(gone) == len(order.lines):
        return 0
    money = [one.extended for one in order.lines if one.number not in gone] + [one.amount for one in order.charges]
    return sum((exact(one.amount) for one in money), exact(Decimal(0)))


def not_valid(invoice: Invoice, order: PurchaseOrder | None, world: World) -> Iterator[Finding]:
    """A release counts by the day that it was ordered, the standing order's own invoices by the day of delivery."""
    standing = standing_order(order, world) if order is not None else None
    if order is None or standing is None:
        return
    day = (invoice.shipped_on or invoice.invoiced_on) if order is standing else order.ordered_on
    first, last = standing.valid_from, standing.valid_to
    if (first is not None and day < first) or (last is not None and day > last):
        facts = {"order": standing.order_number, "from": str(first or ""), "to": str(last or ""), "actual": str(day)}
        title = "The standing order does not hold on this day"
        yield found(invoice, "order_not_valid", title, money=invoice.stated_total, facts=facts,
                    flip=f"a day from {first or 'any'} to {last or 'any'}")  # fmt: skip
