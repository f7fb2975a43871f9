"""An invoice over several orders: the dossier of one, its home, decides over it beside the papers of the others.

Where invoices of several dossiers ask for the same, the one that was here first comes first. Every dossier counts so,
and therefore none of them pays what another one has given away.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from engine.canonical import Invoice, PostingResult, PurchaseOrder
from engine.procure.decision import World
from engine.procure.exact import Exact, exact
from engine.procure.matching.book import Book, Turn, first_seen, turn_of
from engine.procure.matching.match import Match
from engine.procure.matching.order import order_of
from engine.procure.matching.people import SENT_BACK, Acts
from engine.procure.papers import Papers, orders_of


def is_home(invoice: Invoice, order_number: str | None) -> bool:
    orders = orders_of(invoice)
    return not orders or order_number is None or orders[0] == order_number


def part_of(invoice: Invoice, order_number: str) -> Invoice:
    """The lines of one order; charges and lines that name no order are with the home."""
    orders = orders_of(invoice)
    if orders == (order_number,):
        return invoice
    home = orders[0]
    lines = tuple(one for one in invoice.lines if (one.order_number or invoice.order_number or home) == order_number)
    told = {} if order_number == home else {"charges": ()}
    return invoice.model_copy(update={"lines": lines, **told})


def parts_of(invoice: Invoice, book: Book, world: World) -> tuple[list[Match], list[str]]:
    """The matches of its orders, the home's first, and the orders that nobody knows.

    Args:
        book: of the home's order.
    """
    books = {number: book if n == 0 else _beside(invoice, number, world) for n, number in enumerate(orders_of(invoice))}
    others = [one.order for one in books.values() if one is not book and one.order is not None]
    left: list[Exact] = [max(0, _agreed(order) - books[order.order_number].charged) for order in others]
    made = [
        Match(part_of(invoice, number), one.order, one, len(books) == 1, sum(left) if one is book else 0)
        for number, one in books.items()
        if one.order is not None
    ]
    return made, [number for number, one in books.items() if one.order is None]


def _beside(invoice: Invoice, number: str, world: World) -> Book:
    """Another order's book as it stands for this invoice: used is what came before it."""
    papers = world.papers(f"order:{number}")
    book = Book(papers, world)
    mine = turn_of(invoice, book)
    posted = {one.subject_key for one in papers.newest(PostingResult) if one.command == "post_invoice" and one.ok}
    for other, turn in _claiming(papers, number, world, invoice.natural_key):
        if book.order is not None and (turn < mine or other.natural_key in posted):
            book.use(Match(part_of(other, number), book.order, book, whole=False).uses)
    return book


def uses_elsewhere(papers: Papers, book: Book, world: World) -> list[tuple[Turn, Mapping[int, Exact]]]:
    """What invoices ask of this order whose home is another one's dossier."""
    if book.order is None:
        return []
    number = book.order.order_number
    return [
        (turn, dict(Match(part_of(one, number), book.order, book, whole=False).uses.used))
        for one, turn in _claiming(papers, number, world)
        if not is_home(one, number)
    ]


def charged_elsewhere(papers: Papers, book: Book, world: World) -> list[tuple[Turn, Exact]]:
    """What invoices whose home is another order ask of the charges that this one agreed to."""
    if book.order is None:
        return []
    number = book.order.order_number
    return [
        (turn, _drawn(one, number, book.order, world))
        for one, turn in _claiming(papers, number, world)
        if not is_home(one, number)
    ]


def _drawn(invoice: Invoice, number: str, order: PurchaseOrder, world: World) -> Exact:
    """What its home did not agree to is asked of its other orders, one after the other."""
    home, *others = orders_of(invoice)
    left = sum((exact(one.amount.amount) for one in invoice.charges), exact(Decimal(0))) - _agreed_by(home, world)
    for one in others:
        drawn = max(0, min(left, _agreed(order) if one == number else _agreed_by(one, world)))
        if one == number:
            return drawn
        left -= drawn
    return 0


def _agreed_by(number: str, world: World) -> Exact:
    order, _ = order_of(world.papers(f"order:{number}"))
    return _agreed(order) if order is not None else 0


def _agreed(order: PurchaseOrder) -> Exact:
    return sum((exact(one.amount.amount) for one in order.charges), exact(Decimal(0)))


def _claiming(papers: Papers, number: str, world: World, but: str = "") -> Iterator[tuple[Invoice, Turn]]:
    """As people corrected them; without those that they refused."""
    for invoice in papers.newest(Invoice):
        turn = first_seen(invoice.natural_key, papers)
        if invoice.natural_key == but or turn is None or number not in orders_of(invoice):
            continue
        home = orders_of(invoice)[0]
        acts = Acts(papers if home == number else world.papers(f"order:{home}"))
        last = acts.last(invoice.natural_key)
        if last is None or last.action not in SENT_BACK:
            yield acts.corrected(invoice), turn
