"""An invoice against its order, line by line: what was ordered, received and accepted, and at which price."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

import msgspec

from engine.canonical import (
    Contract,
    Invoice,
    InvoiceKind,
    InvoiceLine,
    Item,
    LineKind,
    MatchRule,
    Money,
    OrderLine,
    PurchaseOrder,
    Receipt,
)
from engine.channel.policy_parts import Aspects
from engine.core.clock import from_micros
from engine.procure.contract_price import contract_price
from engine.procure.decision import Finding, World
from engine.procure.exact import Exact, decimal_of, exact, minor, product, rounded
from engine.procure.match_order import order_of, substitutes_of
from engine.procure.papers import Papers
from engine.procure.policies import match_rule_for, policies_of
from engine.procure.tolerance import Verdict, judge
from engine.procure.units import units_factor
from engine.procure.validate_invoice import aspects_of, found, sum_differs
from engine.procure.waiting import Waiting, waiting_for

_WAYS = {MatchRule.TWO_WAY: 2, MatchRule.THREE_WAY: 3, MatchRule.FOUR_WAY: 4}
_NOT_GOODS = frozenset({LineKind.FREIGHT, LineKind.HANDLING, LineKind.TAX, LineKind.DISCOUNT, LineKind.OTHER})
_ACCEPTED, _RECEIVED = "inspections", "receipts"


class Matched(msgspec.Struct, frozen=True):
    """What became of one invoice. `used`: quantities by order line, in the order's units; `charged`: freight and the
    like, in its currency."""

    findings: tuple[Finding, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    used: Mapping[int, Exact] = {}
    charged: Exact = 0
    ways: Mapping[str, int] = {}


class Book:
    """An order as it stands, what came of it, and what invoices have used of it so far."""

    def __init__(self, papers: Papers, world: World) -> None:
        self.papers, self.world, self.policies = papers, world, policies_of(world)
        self.order, self.gone = order_of(papers)
        self.lines = {line.number: line for line in self.order.lines} if self.order is not None else {}
        self.substitutes = substitutes_of(papers)
        self.received: defaultdict[int, Exact] = defaultdict(int)
        self.accepted: defaultdict[int, Exact] = defaultdict(int)
        self.unknown_units: set[tuple[int, str]] = set()
        self.billed: defaultdict[int, Exact] = defaultdict(int)
        self.charged: Exact = 0
        for receipt in papers.newest(Receipt):
            self._receive(receipt)

    def item(self, number: str) -> Item | None:
        return self.world.find(Item, number)

    def factor(self, unit: str, to: str, item_number: str, supplier: str, day: date) -> Exact | None:
        return 1 if unit == to else units_factor(unit, to, self.item(item_number), supplier, day)

    def use(self, matched: Matched) -> None:
        """It is posted, or will be: what it asked for is not there for the next one."""
        self.charged += matched.charged
        for number, amount in matched.used.items():
            self.billed[number] += amount

    def _receive(self, receipt: Receipt) -> None:
        for one in receipt.lines:
            line = self.lines.get(one.order_line_number)
            if line is None:
                continue
            unit, day = line.quantity.unit, receipt.received_on
            factor = self.factor(one.quantity.unit, unit, one.item_number, receipt.supplier_number, day)
            if factor is None:
                self.unknown_units.add((line.number, one.quantity.unit))
                continue
            self.received[line.number] += exact(one.quantity.amount) * factor * exact(receipt.sign)
            item = None if one.accepted is not None else self.item(one.item_number)
            taken = one.accepted or (None if item is not None and item.inspection_required else one.quantity)
            if taken is not None and (one.accepted is not None or not self._inspects(line)):
                self.accepted[line.number] += exact(taken.amount) * factor * exact(receipt.sign)

    def _inspects(self, line: OrderLine) -> bool:
        return line.match_rule is MatchRule.FOUR_WAY or (
            self.order is not None and self.order.match_rule is MatchRule.FOUR_WAY
        )


def match(invoice: Invoice, order: PurchaseOrder, book: Book) -> Matched:
    """Pure: `book` says what other invoices used; the caller writes down what this one uses."""
    return _Match(invoice, order, book).run()


class _Match:
    def __init__(self, invoice: Invoice, order: PurchaseOrder, book: Book) -> None:
        self.invoice, self.order, self.book = invoice, order, book
        self.sign = -1 if invoice.invoice_kind is InvoiceKind.CREDIT_MEMO else 1
        self.findings: list[Finding] = []
        self.waits: list[Waiting] = []
        self.used: defaultdict[int, Exact] = defaultdict(int)
        self.ways: dict[str, int] = {}
        self.extended = Decimal(0)  # of all lines, each rounded as the supplier rounds it
        self.agreed = Decimal(0)  # of those that are as ordered; of the others `expected`
        self.expected, self.beside, self.charged = exact(Decimal(0)), exact(Decimal(0)), exact(Decimal(0))
        self.aspects: dict[str | None, Aspects] = {}

    def run(self) -> Matched:
        for line in self.invoice.lines:
            self._line(line)
        self._charges()
        known = all(one.type != "unit_unknown" for one in self.findings)
        if known:
            self.findings += sum_differs(self.invoice, self.extended, self.book.world)
        if known and not self.findings and self.sign > 0:
            self._total()
        return Matched(tuple(self.findings), tuple(self.waits), dict(self.used), self.charged, self.ways)

    # -------------------------------------------------------------- lines
    def _line(self, line: InvoiceLine) -> None:
        ordered = self._pair(line)
        if ordered is None:
            return self._unpaired(line)
        day, supplier = self.invoice.invoiced_on, self.invoice.supplier_number
        number, unit = ordered.item_number, ordered.quantity.unit
        priced = line.price_unit or line.quantity.unit
        if line.price.amount == ordered.price.amount and {unit, line.quantity.unit, priced} == {
            ordered.price_unit or unit
        }:
            return self._as_ordered(line, ordered)
        factor = self.book.factor(line.quantity.unit, unit, number, supplier, day)
        per = self.book.factor(priced, ordered.price_unit or unit, number, supplier, day)
        own = self.book.factor(line.quantity.unit, priced, number, supplier, day)
        wanted = self.book.factor(unit, ordered.price_unit or unit, number, supplier, day)
        if factor is None or per is None or own is None or wanted is None:
            return self._unit_unknown(line, ordered)
        amount, price = exact(line.quantity.amount), exact(line.price.amount)
        worth = price * amount * own
        self.extended += rounded(worth, self.invoice.currency)
        if self._price(line, ordered, price if per == 1 else price * Fraction(1, per), amount * own * per):
            self._amount(line, ordered, exact(ordered.price.amount) * amount * factor * wanted, worth)
            self._contract(line, ordered, price * own)
        self._quantities(line, ordered, amount * factor)

    def _as_ordered(self, line: InvoiceLine, ordered: OrderLine) -> None:
        """In the order's unit at the order's price, as most lines are: nothing is converted or differs."""
        worth = product(line.price.amount, line.quantity.amount)
        self.extended += minor(worth, self.invoice.currency)
        self.agreed += worth
        self._contract(line, ordered, line.price.amount)
        self._quantities(line, ordered, exact(line.quantity.amount))

    def _pair(self, line: InvoiceLine) -> OrderLine | None:
        """By the order's line number, then our item number, then the supplier's or GTIN. Never by description."""
        lines = self.book.lines
        if line.order_line_number is not None:
            return lines.get(line.order_line_number)
        if line.line_kind in _NOT_GOODS and line.item_number is None:
            return None
        by_item = [one for one in lines.values() if line.item_number and self._is(one, line.item_number)]
        theirs = {(one.scheme, one.value) for one in line.identifiers}
        by_theirs = [one for one in lines.values() if theirs & {(i.scheme, i.value) for i in one.identifiers}]
        fitting = by_item or by_theirs
        fitting = [one for one in fitting if one.price == line.price] or fitting
        return min(fitting, key=lambda one: (self._is_full(one), one.number), default=None)

    def _is(self, ordered: OrderLine, item: str) -> bool:
        return item == ordered.item_number or item in self.book.substitutes.get(ordered.number, ())

    def _is_full(self, ordered: OrderLine) -> bool:
        return self.book.billed[ordered.number] + self.used[ordered.number] >= exact(ordered.quantity.amount)

    def _unpaired(self, line: InvoiceLine) -> None:
        worth = line.extended
        self.extended += worth.amount
        if line.line_kind in _NOT_GOODS:
            self.beside += exact(worth.amount)
            return
        alike = [one.number for one in self.book.lines.values() if one.price == line.price]
        facts = {"suggested_order_lines": alike}
        self._found("line_not_ordered", "A line is of nothing that was ordered", line, worth, facts, "its order line")

    def _unit_unknown(self, line: InvoiceLine, ordered: OrderLine) -> None:
        facts = {"item": ordered.item_number, "unit": line.quantity.unit, "order_unit": ordered.quantity.unit}
        title = "Nobody told how the units convert"
        self._found("unit_unknown", title, line, None, facts, f"a conversion for item {ordered.item_number}")

    # -------------------------------------------------------------- figures
    def _price(self, line: InvoiceLine, ordered: OrderLine, price: Exact, amount: Exact) -> bool:
        agreed = exact(ordered.price.amount)
        if price == agreed:
            return True
        verdict = self._judge("price", agreed, price, ordered)
        if not verdict.within:
            side = "above" if verdict.above else "below"
            title = f"The price is {'higher' if verdict.above else 'lower'} than ordered"
            self._differs(f"price_{side}_tolerance", title, line, verdict, verdict.difference * amount)
        return verdict.within

    def _amount(self, line: InvoiceLine, ordered: OrderLine, expected: Exact, actual: Exact) -> None:
        self.expected += expected
        if expected == actual:
            return
        verdict = self._judge("line_amount", expected, actual, ordered)
        if not verdict.within and self._has_rule("line_amount"):
            title = "The line's amount differs"
            self._differs("line_amount_differs", title, line, verdict, verdict.difference)

    def _has_rule(self, rule: str) -> bool:
        """Sums are compared only where the policies say so: their parts have been compared before."""
        return any(one.rule == rule for one in self.book.policies.tolerances.rules)

    def _contract(self, line: InvoiceLine, ordered: OrderLine, price: Exact | Decimal) -> None:
        number = ordered.contract_number or self.order.contract_number
        contract = self.book.world.find(Contract, number) if number else None
        if contract is None:
            return
        item, facility = self.book.item(ordered.item_number), self.order.facility or self.invoice.facility
        agreed = contract_price(contract, ordered.item_number, line.quantity, item, facility, self.order.ordered_on)
        facts = {"contract": contract.contract_number, "failed": agreed.failed or "price"}
        if agreed.price is None:
            title = f"The contract gives no price: its {agreed.failed} does not fit"
            return self._found("contract_price_differs", title, line, None, facts, f"a fitting {agreed.failed}")
        verdict = self._judge("price", agreed.price, price, ordered)
        if not verdict.within:
            worth = verdict.difference * exact(line.quantity.amount)
            title = "The price is not the contract's"
            self._differs("contract_price_differs", title, line, verdict, worth, facts)

    def _quantities(self, line: InvoiceLine, ordered: OrderLine, amount: Exact) -> None:
        number = ordered.number
        self.used[number] += self.sign * amount
        total = self.book.billed[number] + self.used[number]
        if self.sign < 0:
            if total < 0:
                title = "More is credited than was invoiced"
                self._found("credit_exceeds_invoiced", title, line, line.extended, {}, "an invoice that it credits")
            return
        limit = 0 if number in self.book.gone else exact(ordered.quantity.amount)
        verdict = self._judge("quantity_ordered", limit, total, ordered) if total != limit else None
        if verdict is not None and not verdict.within:
            return self._differs("quantity_above_ordered", "More is invoiced than ordered", line, verdict,
                                 verdict.difference * exact(ordered.price.amount))  # fmt: skip
        ways = self._ways(ordered)
        self.ways[str(line.number)] = ways
        if ways > 2:
            self._arrived(line, ordered, total, ways)

    def _arrived(self, line: InvoiceLine, ordered: OrderLine, total: Exact, ways: int) -> None:
        """At least as much must have come, and with four ways been accepted; what lags is waited for."""
        steps = [("quantity_received", self.book.received, _RECEIVED, "quantity_not_received")]
        if ways > _WAYS[MatchRule.THREE_WAY]:
            steps.append(("quantity_accepted", self.book.accepted, _ACCEPTED, "quantity_not_accepted"))
        for rule, so_far, source, type_ in steps:
            if (come := so_far[ordered.number]) == total:
                continue
            verdict = self._judge(rule, come, total, ordered)
            if not verdict.within:
                return self._missing(line, ordered, verdict, source, type_)

    def _missing(self, line: InvoiceLine, ordered: OrderLine, verdict: Verdict, source: str, type_: str) -> None:
        units = sorted(unit for number, unit in self.book.unknown_units if number == ordered.number)
        if units:
            return self._unit_unknown(line, ordered)
        waiting = waiting_for(self.book.world, source, self._came)
        if waiting is not None:
            return self.waits.append(waiting)
        worth = verdict.difference * exact(ordered.price.amount)
        title = "It is invoiced but was not " + ("received" if source == _RECEIVED else "accepted")
        self._differs(type_, title, line, verdict, worth)

    @property
    def _came(self) -> datetime:
        """When the invoice was here first: what comes later than that is not expected before it."""
        first = [
            paper.record.at_micros
            for paper in self.book.papers.all
            if (paper.record.kind, paper.record.key) == ("Invoice", self.invoice.natural_key)
        ]
        return from_micros(min(first)) if first else self.book.world.now

    def _ways(self, ordered: OrderLine) -> int:
        rule = ordered.match_rule or self.order.match_rule
        if rule is not None:
            return _WAYS[rule]
        kind = ordered.line_kind.value
        if ordered.receipt_required is False:
            return 2
        return match_rule_for(self.book.policies, aspects_of(self.invoice, self._category(ordered)), kind).ways

    def _category(self, ordered: OrderLine) -> str | None:
        return ordered.category or self.order.category

    def _charges(self) -> None:
        """Freight and the like on the invoice, with what earlier invoices asked, against those of the order."""
        asked = sum((exact(one.amount.amount) for one in self.invoice.charges), self.beside)
        self.charged = self.sign * asked
        if asked <= 0 or self.sign < 0:
            return
        agreed = sum((exact(one.amount.amount) for one in self.order.charges), exact(Decimal(0)))
        verdict = judge("freight", agreed, self.book.charged + asked, self.book.policies, self._aspects(None))
        if not verdict.within and verdict.above:
            self._differs("freight_above_ordered", "Freight or charges were not agreed", None, verdict,
                          verdict.difference)  # fmt: skip

    def _total(self) -> None:
        if not self._has_rule("invoice_total"):
            return
        expected, actual = self.expected + exact(self.agreed), exact(self.extended) - self.beside
        verdict = judge("invoice_total", expected, actual, self.book.policies, self._aspects(None))
        if not verdict.within:
            title = "The invoice differs too much in all"
            self._differs("invoice_total_differs", title, None, verdict, verdict.difference)

    # -------------------------------------------------------------- words
    def _judge(self, rule: str, expected: Exact, actual: Exact | Decimal, ordered: OrderLine) -> Verdict:
        return judge(rule, expected, actual, self.book.policies, self._aspects(self._category(ordered)))

    def _aspects(self, category: str | None) -> Aspects:
        """The same for most lines of an invoice."""
        found = self.aspects.get(category)
        if found is None:
            found = self.aspects[category] = aspects_of(self.invoice, category)
        return found

    def _differs(
        self, type_: str, title: str, line: InvoiceLine | None, verdict: Verdict, worth: Exact,
        facts: Mapping[str, object] | None = None,
    ) -> None:  # fmt: skip
        money = Money(amount=decimal_of(worth), currency=self.invoice.currency).rounded()
        self._found(type_, title, line, money, {**verdict.facts, **(facts or {})}, verdict.flip)

    def _found(
        self, type_: str, title: str, line: InvoiceLine | None, money: Money | None, facts: Mapping[str, object],
        flip: str,
    ) -> None:  # fmt: skip
        place = str(line.number) if line is not None else ""
        self.findings.append(found(self.invoice, type_, title, place, money=money, facts=dict(facts), flip=flip))
