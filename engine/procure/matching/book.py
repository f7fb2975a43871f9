"""An order as it stands, what came of it, and what invoices have used of it so far."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cached_property

import msgspec

from engine.canonical import Invoice, InvoiceKind, Item, OrderLine, PostingResult, Receipt
from engine.core.clock import to_micros
from engine.procure.decision import Finding, World
from engine.procure.exact import Exact, exact
from engine.procure.matching.charges import charge_lines
from engine.procure.matching.order import order_of, substitutes_of
from engine.procure.papers import Papers
from engine.procure.policies import policies_of
from engine.procure.units import units_factor
from engine.procure.waiting import Waiting

Turn = tuple[int, str]
"""When an invoice was here first, and its key: the turn among invoices that several orders share."""


class Matched(msgspec.Struct, frozen=True):
    """What became of one invoice. `used`: quantities by order line, in the order's units; `charged`: freight and the
    like, `worth`: its goods, both in the order's currency; a credit memo's are negative."""

    findings: tuple[Finding, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    used: Mapping[int, Exact] = {}
    charged: Exact = 0
    worth: Exact = 0
    ways: Mapping[str, int] = {}


class Book:
    """`elsewhere`, `charged_elsewhere`: what invoices have used whose home is another order's dossier."""

    def __init__(self, papers: Papers, world: World) -> None:
        self.papers, self.world, self.policies = papers, world, policies_of(world)
        self.order, self.gone = order_of(papers)
        self.lines = {line.number: line for line in self.order.lines} if self.order is not None else {}
        self.substitutes = substitutes_of(papers)
        self.item_numbers = frozenset(line.item_number for line in self.lines.values())
        self.charge_lines = charge_lines(self.lines.values())
        answered = papers.newest(PostingResult)
        self.posted = {one.subject_key for one in answered if one.command == "post_invoice" and one.ok} | {
            key.partition(":")[2] for key in world.given if key.startswith("post_invoice:")
        }
        self.elsewhere: list[tuple[Turn, Mapping[int, Exact]]] = []
        self.charged_elsewhere: list[tuple[Turn, Exact]] = []
        self.received: defaultdict[int, Exact] = defaultdict(int)
        self.accepted: defaultdict[int, Exact] = defaultdict(int)
        self.unknown_units: set[tuple[int, str]] = set()
        self.clear()
        for receipt in papers.newest(Receipt):
            self._receive(receipt)

    def clear(self) -> None:
        """No invoice has used anything."""
        self.billed: defaultdict[int, Exact] = defaultdict(int)
        self.charged: Exact = 0
        self.worth: Exact = 0

    def taken(self, number: int, turn: Turn) -> Exact:
        """Of a line: by the invoices so far, and by those of other orders that were here before."""
        beside = [used.get(number, 0) for other, used in self.elsewhere if other < turn]
        return self.billed[number] + sum(beside) if beside else self.billed[number]

    def charged_before(self, turn: Turn) -> Exact:
        """Of freight and the like: by the invoices so far, and by those of other orders that were here before."""
        return self.charged + sum(amount for other, amount in self.charged_elsewhere if other < turn)

    def price_of(self, ordered: OrderLine, told: Decimal, given_back: bool) -> Decimal:
        """What a line is to cost. What is given back cost what was paid for it; as long as its invoice may be any of
        several, or is not posted, what was ordered."""
        agreed = ordered.price.amount
        known = self._invoiced_at.get(ordered.number, {}) if given_back else {}
        if not known or (told == agreed and told in known):
            return agreed
        if known.get(told):
            return told
        return next(iter(known)) if len(known) == 1 and (told == agreed or any(known.values())) else agreed

    @cached_property
    def _invoiced_at(self) -> dict[int, dict[Decimal, bool]]:
        """Prices of the invoices that name an order line and its units, and whether one of them is posted."""
        found: defaultdict[int, dict[Decimal, bool]] = defaultdict(dict)
        for invoice in self.papers.newest(Invoice):
            for one in invoice.lines if invoice.invoice_kind is InvoiceKind.INVOICE else ():
                line = self.lines.get(one.order_line_number or 0)
                if line is not None and (one.quantity.unit, one.price_unit) == (line.quantity.unit, line.price_unit):
                    prices, is_posted = found[line.number], invoice.natural_key in self.posted
                    prices[one.price.amount] = prices.get(one.price.amount, False) or is_posted
        return dict(found)

    def item(self, number: str) -> Item | None:
        return self.world.find(Item, number)

    def factor(self, unit: str, to: str, item_number: str, supplier: str, day: date) -> Exact | None:
        return 1 if unit == to else units_factor(unit, to, self.item(item_number), supplier, day)

    def use(self, matched: Matched, times: int = 1) -> None:
        """It is posted, or will be: what it asked for is not there for the next one. -1 takes that back."""
        self.charged += times * matched.charged
        self.worth += times * matched.worth
        for number, amount in matched.used.items():
            self.billed[number] += times * amount

    def _receive(self, receipt: Receipt) -> None:
        sign = exact(receipt.sign)
        for one in receipt.lines:
            line = self.lines.get(one.order_line_number)
            if line is None:
                continue
            if one.substitute_for == line.item_number:
                self.substitutes[line.number] = self.substitutes.get(line.number, frozenset()) | {one.item_number}
            unit, day = line.quantity.unit, receipt.received_on
            factor = self.factor(one.quantity.unit, unit, one.item_number, receipt.supplier_number, day)
            if factor is None:
                self.unknown_units.add((line.number, one.quantity.unit))
                continue
            self.received[line.number] += exact(one.quantity.amount) * factor * sign
            if one.accepted is not None:  # what nobody inspected yet is not accepted, whatever came
                self.accepted[line.number] += exact(one.accepted.amount) * factor * sign


def turn_of(invoice: Invoice, book: Book) -> Turn:
    """Of its first version; of one that nobody brought, now."""
    return first_seen(invoice.natural_key, book.papers) or (to_micros(book.world.now), invoice.natural_key)


def first_seen(key: str, papers: Papers) -> Turn | None:
    seen = [one.record.at_micros for one in papers.all if (one.record.kind, one.record.key) == ("Invoice", key)]
    return (min(seen), key) if seen else None
