"""An invoice against its order, line by line: what was ordered, received and accepted, and at which price."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from functools import cached_property

import msgspec

from engine.canonical import (
    Invoice,
    InvoiceKind,
    InvoiceLine,
    LineKind,
    Money,
    OrderLine,
    PurchaseOrder,
)
from engine.channel.policy_parts import Aspects
from engine.core.clock import from_micros
from engine.procure.decision import Finding
from engine.procure.exact import Exact, as_exact, decimal_of, exact, minor, product, rounded
from engine.procure.matching.asked import Asked, Last, netted
from engine.procure.matching.blanket import is_by_money, limit_exceeded
from engine.procure.matching.book import Book, Matched, Turn, turn_of
from engine.procure.matching.charges import NOT_GOODS, agreed_by_lines, agreed_charges, asked_by_lines
from engine.procure.matching.contracted import agreed_by_contract, no_price
from engine.procure.matching.item import is_theirs, may_stand, other_item, pairing
from engine.procure.matching.tolerance import Verdict, judge, shown
from engine.procure.matching.validate_invoice import aspects_of, found, sum_differs
from engine.procure.matching.ways import FOUR_WAYS, THREE_WAYS, ways_of
from engine.procure.waiting import Waiting, waiting_for

_ACCEPTED, _RECEIVED = "inspections", "receipts"


class Match:
    """An invoice, or the part of it that is of one order.

    The figures of its lines follow from the order alone. What of them may be paid is judged beside what other invoices
    use: `judged` reads the book as it is at that time, and may be asked again. The caller writes down what is used.

    Args:
        whole: whether this is all of the invoice, so that its total can be judged here.
        agreed_beside: charges that other orders of the invoice agreed to.
    """

    def __init__(
        self, invoice: Invoice, order: PurchaseOrder, book: Book, whole: bool = True, agreed_beside: Exact = 0
    ) -> None:
        self.invoice, self.order, self.book = invoice, order, book
        self.whole, self.agreed_beside = whole, agreed_beside
        self.sign = -1 if invoice.invoice_kind is InvoiceKind.CREDIT_MEMO else 1
        self.findings: list[Finding] = []
        self.waits: list[Waiting] = []
        self.asked: list[Asked] = []
        self.used: defaultdict[int, Exact] = defaultdict(int)
        self.ways: dict[str, int] = {}
        self.extended = Decimal(0)  # of all lines, each rounded as the supplier rounds it
        self.agreed = Decimal(0)  # of those that are as ordered; of the others `expected`
        self.expected, self.beside, self.taxed = exact(Decimal(0)), exact(Decimal(0)), exact(Decimal(0))
        self.aspects: dict[str | None, Aspects] = {}
        self.last: Last | None = None
        self._figures()

    def _figures(self) -> None:
        for line in self.invoice.lines:
            self._line(line)
        self.known = all(one.type != "unit_unknown" for one in self.findings)
        charges = sum((exact(one.amount.amount) for one in self.invoice.charges), self.beside)
        self.charged = self.sign * (charges - self.taxed)
        self.of_figures = tuple(self.findings)

    @property
    def uses(self) -> Matched:
        """As if nothing stood against it."""
        worth = self.sign * (exact(self.extended) - self.beside)
        return Matched(used=dict(self.used), charged=self.charged, worth=worth)

    def judged(self) -> Matched:
        """Beside what the book says that others use."""
        self.findings, self.waits, self.ways = list(self.of_figures), [], {}
        so_far: defaultdict[int, Exact] = defaultdict(int)
        for one, amount in netted(self.asked, self.sign):
            so_far[one.ordered.number] += amount
            total = self.book.taken(one.ordered.number, self.turn) + so_far[one.ordered.number]
            if self._is_given_back(one.amount):
                self._gives_back(one.line, total)
            else:
                self._quantities(one.line, one.ordered, total)
        self._charges()
        self.findings += limit_exceeded(self.invoice, self.order, self.book, self.uses.worth)
        if self.whole and self.known:
            self.findings += sum_differs(self.invoice, self.extended, self.book.world)
        if self.whole and self.known and not self.findings and self.sign > 0:
            self._total()
        return msgspec.structs.replace(
            self.uses, findings=tuple(self.findings), waiting=tuple(self.waits), ways=self.ways
        )

    def _is_given_back(self, amount: Exact | Decimal) -> bool:
        """Goods of a credit memo's line, or of an invoice's below zero."""
        return amount < 0 if self.sign > 0 else amount >= 0

    # -------------------------------------------------------------- lines
    def _line(self, line: InvoiceLine) -> None:
        ordered = self._pair(line)
        if ordered is None:
            return self._unpaired(line)
        day, supplier = self.invoice.invoiced_on, self.invoice.supplier_number
        if other := other_item(line, ordered, self.book):
            self._found("item_differs", other.title, line, line.extended, other.facts, other.flip)
        number, unit = self._item_of(line, ordered), ordered.quantity.unit
        priced = line.price_unit or line.quantity.unit
        cost = self.book.price_of(ordered, line.price.amount, self._is_given_back(line.quantity.amount))
        if line.price.amount == ordered.price.amount == cost and {unit, line.quantity.unit, priced} == {
            ordered.price_unit or unit
        }:
            return self._as_ordered(line, ordered)
        factor = self.book.factor(line.quantity.unit, unit, number, supplier, day)
        per = self.book.factor(priced, ordered.price_unit or unit, number, supplier, day)
        own = self.book.factor(line.quantity.unit, priced, number, supplier, day)
        wanted = self.book.factor(unit, ordered.price_unit or unit, number, supplier, day)
        if factor is None or per is None or own is None or wanted is None:
            return self._unit_unknown(line, ordered, line.quantity.unit if factor is None else priced)
        amount, price = exact(line.quantity.amount), exact(line.price.amount)
        worth = price * amount * own
        self._extend(line, worth)
        per_unit = price if per == 1 else price * Fraction(1, per)
        if fits := self._price(line, ordered, per_unit, amount * own * per, exact(cost)):
            self._amount(line, ordered, exact(cost) * amount * factor * wanted, worth)
            if cost == ordered.price.amount:
                self._contract(line, ordered, price * own)
        if fits or self.sign > 0 or per_unit > exact(cost):  # a part of a price gives no goods back
            self._asks(line, ordered, amount * factor)

    def _as_ordered(self, line: InvoiceLine, ordered: OrderLine) -> None:
        """In the order's unit at the order's price, as most lines are: nothing is converted or differs."""
        worth = product(line.price.amount, line.quantity.amount)
        self._extend(line, worth)
        self.agreed += worth
        self._contract(line, ordered, line.price.amount)
        self._asks(line, ordered, exact(line.quantity.amount))

    def _asks(self, line: InvoiceLine, ordered: OrderLine, amount: Exact) -> None:
        self.asked.append(Asked(line, ordered, amount))
        self.used[ordered.number] += self.sign * amount

    def _extend(self, line: InvoiceLine, worth: Exact | Decimal) -> None:
        """Parts that a person split a line into are rounded as one, as its supplier did."""
        before = self.last
        if before is not None and (before.number, before.price) == (line.number, line.price.amount):
            self.extended -= before.counted
            worth = as_exact(worth) + as_exact(before.worth)
        currency = self.invoice.currency
        counted = minor(worth, currency) if isinstance(worth, Decimal) else rounded(worth, currency)
        self.extended += counted
        self.last = Last(line.number, line.price.amount, worth, counted)

    def _pair(self, line: InvoiceLine) -> OrderLine | None:
        """By the order's line number, then our item number, then the supplier's or GTIN. Never by description."""
        lines = self.book.lines
        if line.order_line_number is not None:
            return lines.get(line.order_line_number)
        if line.line_kind in NOT_GOODS and line.item_number is None:
            return None
        fitting = pairing(line, self.book)
        fitting = [one for one in fitting if one.price == line.price] or fitting
        return min(fitting, key=lambda one: (self._is_full(one), one.number), default=None)

    def _item_of(self, line: InvoiceLine, ordered: OrderLine) -> str:
        """Whose units convert: a substitute may be packed in another way."""
        told = line.item_number
        if told is None or is_theirs(ordered, told, self.book) or not may_stand(ordered, told, self.book):
            return ordered.item_number
        return told

    def _is_full(self, ordered: OrderLine) -> bool:
        """Of a credit: whether nothing is left to be credited."""
        taken = self.book.taken(ordered.number, self.turn) + self.used[ordered.number]
        return taken >= exact(ordered.quantity.amount) if self.sign > 0 else taken <= 0

    def _unpaired(self, line: InvoiceLine) -> None:
        worth = line.extended
        self.extended += worth.amount
        if line.line_kind in NOT_GOODS:
            self.beside += exact(worth.amount)
            if line.line_kind is LineKind.TAX and self.book.policies.matching.taxes:
                self.taxed += exact(worth.amount)  # the expected tax is compared with it, the freight is not
            return
        alike = [one.number for one in self.book.lines.values() if one.price == line.price]
        facts = {"suggested_order_lines": alike}
        self._found("line_not_ordered", "A line is of nothing that was ordered", line, worth, facts, "its order line")

    def _unit_unknown(self, line: InvoiceLine, ordered: OrderLine, *units: str) -> None:
        """
        Args:
            units: of the quantity, the price or the receipts, that nobody converts to the order's.
        """
        wanted = ordered.quantity.unit if ordered.quantity.unit not in units else ordered.price_unit
        facts = {"item": ordered.item_number, "unit": ", ".join(units), "order_unit": wanted or ""}
        title = "Nobody told how the units convert"
        self._found("unit_unknown", title, line, line.extended, facts, f"a conversion for item {ordered.item_number}")

    # -------------------------------------------------------------- figures
    def _price(self, line: InvoiceLine, ordered: OrderLine, price: Exact, amount: Exact, agreed: Exact) -> bool:
        if price == agreed:
            return True
        if price < 0 <= agreed:
            facts = {"rule": "price", "expected": shown(agreed), "actual": shown(price)}
            title, flip = "The price is below zero", "a price of zero or more, or a credit memo"
            self._found("price_below_tolerance", title, line, line.extended, facts, flip)
            return False
        verdict = self._judge("price", agreed, price, ordered, line)
        if not verdict.within:
            side = "above" if verdict.above else "below"
            does = "is" if self.sign > 0 else "credited is"
            title = f"The price {does} {'higher' if verdict.above else 'lower'} than ordered"
            in_all = self._judge("line_amount", agreed * amount, price * amount, ordered, line)
            edge = in_all.edge if self._has_rule("line_amount") and amount > 0 else None
            flip = verdict.flip_with(None if edge is None else edge / Fraction(amount))
            self._differs(f"price_{side}_tolerance", title, line, verdict, verdict.difference * amount, flip=flip)
        return verdict.within

    def _amount(self, line: InvoiceLine, ordered: OrderLine, expected: Exact, actual: Exact) -> None:
        self.expected += expected
        if expected == actual:
            return
        verdict = self._judge("line_amount", expected, actual, ordered, line)
        if not verdict.within and self._has_rule("line_amount"):
            title = "The line's amount differs"
            self._differs("line_amount_differs", title, line, verdict, verdict.difference)

    def _has_rule(self, rule: str) -> bool:
        """Sums are compared only where the policies say so: their parts have been compared before."""
        return any(one.rule == rule for one in self.book.policies.tolerances.rules)

    def _contract(self, line: InvoiceLine, ordered: OrderLine, price: Exact | Decimal) -> None:
        facility = self.order.facility or self.invoice.facility
        posted = self.invoice.natural_key in self.book.posted
        by_contract = agreed_by_contract(ordered, line.quantity.unit, self.order, facility, self.book, posted)
        if by_contract is None:
            return
        number, agreed = by_contract
        if agreed.price is None:
            none = no_price(number, agreed)
            return self._found("contract_price_differs", none.title, line, None, none.facts, none.flip)
        verdict = self._judge("price", agreed.price, price, ordered, line)
        if not verdict.within:
            worth, facts = verdict.difference * exact(line.quantity.amount), {"contract": number, "failed": "price"}
            title = "The price is not the contract's"
            self._differs("contract_price_differs", title, line, verdict, worth, facts)

    def _gives_back(self, line: InvoiceLine, total: Exact) -> None:
        """A line of a credit memo, or one below zero of an invoice: no more than others asked for.

        Args:
            total: of the order line, that all invoices and credits use up to this one.
        """
        if total < 0:
            title = "More is credited than was invoiced"
            facts = {"rule": "credited", "allowed": "0", "left": shown(total)}
            self._found("credit_exceeds_invoiced", title, line, line.extended, facts, f"{shown(-total)} less, or an "
                        "invoice that it credits")  # fmt: skip

    def _quantities(self, line: InvoiceLine, ordered: OrderLine, total: Exact) -> None:
        ways = self._ways(ordered)
        limit = 0 if ordered.number in self.book.gone else exact(ordered.quantity.amount)
        verdict = self._judge("quantity_ordered", limit, total, ordered) if total != limit else None
        if verdict is not None and not verdict.within and not (is_by_money(self.order) and limit):
            worth = verdict.difference * exact(ordered.price.amount)
            return self._differs("quantity_above_ordered", "More is invoiced than ordered", line, verdict, worth,
                                 flip=verdict.flip_with(*self._edges(ordered, total, ways)))  # fmt: skip
        self.ways[str(line.number)] = ways
        if ways >= THREE_WAYS:
            self._arrived(line, ordered, total, ways)

    def _arrived(self, line: InvoiceLine, ordered: OrderLine, total: Exact, ways: int) -> None:
        """At least as much must have come, and with four ways been accepted; what lags is waited for."""
        steps = [("quantity_received", self.book.received, _RECEIVED, "quantity_not_received")]
        if ways >= FOUR_WAYS:
            steps.append(("quantity_accepted", self.book.accepted, _ACCEPTED, "quantity_not_accepted"))
        for rule, so_far, source, type_ in steps:
            if (come := so_far[ordered.number]) == total:
                continue
            verdict = self._judge(rule, come, total, ordered)
            if not verdict.within:
                edges = self._edges(ordered, total, ways)
                return self._missing(line, ordered, verdict, source, type_, edges)

    def _edges(self, ordered: OrderLine, total: Exact, ways: int) -> list[Exact | None]:
        """Up to where what came, and with four ways was accepted, would have been within."""
        steps = (("quantity_received", self.book.received), ("quantity_accepted", self.book.accepted))
        come = [(rule, so_far[ordered.number]) for rule, so_far in steps[: max(0, ways - 2)]]
        return [self._judge(rule, amount, total, ordered).edge for rule, amount in come if amount < total]

    def _missing(
        self, line: InvoiceLine, ordered: OrderLine, verdict: Verdict, source: str, type_: str,
        edges: Sequence[Exact | None],
    ) -> None:  # fmt: skip
        units = sorted(unit for number, unit in self.book.unknown_units if number == ordered.number)
        if units:
            return self._unit_unknown(line, ordered, *units)
        waiting = waiting_for(self.book.world, source, self._came)
        if waiting is not None:
            return self.waits.append(waiting)
        worth = verdict.difference * exact(ordered.price.amount)
        title = "It is invoiced but was not " + ("received" if source == _RECEIVED else "accepted")
        self._differs(type_, title, line, verdict, worth, flip=verdict.flip_with(*edges))

    @property
    def _came(self) -> datetime:
        """When the invoice was here first: what comes later than that is not expected before it."""
        return from_micros(self.turn[0])

    @cached_property
    def turn(self) -> Turn:
        return turn_of(self.invoice, self.book)

    def _ways(self, ordered: OrderLine) -> int:
        item, aspects = self.book.item(ordered.item_number), aspects_of(self.invoice, self._category(ordered))
        return ways_of(ordered, self.order, aspects, self.book.policies, item)

    def _category(self, ordered: OrderLine) -> str | None:
        """The order's word, else that of the item's master data."""
        told = ordered.category or self.order.category
        item = self.book.item(ordered.item_number) if told is None else None
        return item.category if item is not None else told

    def _charges(self) -> None:
        """Freight and the like on the invoice, with what earlier invoices asked, against those of the order."""
        lines, book = self.book.charge_lines, self.book
        left = book.charged_before(self.turn) + self.charged
        if self.sign < 0 and self.charged < 0 and left < 0:
            title, facts = "More freight or charges are credited than were invoiced", {"rule": "credited"}
            money = Money(amount=decimal_of(-left), currency=self.invoice.currency).rounded()
            self._found("credit_exceeds_invoiced", title, None, money, facts, f"{shown(-left)} less")
        if self.charged <= 0 and not any(self.used.get(one.number, 0) > 0 for one in lines):
            return
        agreed = agreed_charges(self.order, book.policies) + self.agreed_beside + agreed_by_lines(lines, book.gone)
        used = {one.number: book.taken(one.number, self.turn) + self.used.get(one.number, 0) for one in lines}
        asked = book.charged_before(self.turn) + self.charged + asked_by_lines(lines, used)
        verdict = judge("freight", agreed, asked, book.policies, self._aspects(None))
        if not verdict.within and verdict.above:
            title = "Freight or charges were not agreed"
            self._differs("freight_above_ordered", title, None, verdict, verdict.difference)

    def _total(self) -> None:
        if not self._has_rule("invoice_total"):
            return
        expected, actual = self.expected + exact(self.agreed), exact(self.extended) - self.beside
        verdict = judge("invoice_total", expected, actual, self.book.policies, self._aspects(None))
        if not verdict.within:
            self._differs("invoice_total_differs", "The invoice differs too much", None, verdict, verdict.difference)

    # -------------------------------------------------------------- words
    def _judge(
        self, rule: str, expected: Exact, actual: Exact | Decimal, ordered: OrderLine, line: InvoiceLine | None = None
    ) -> Verdict:
        """Of a line that gives goods back, less is not better."""
        of = self._aspects(self._category(ordered))
        credit = line is not None and (self.sign < 0 or line.quantity.amount < 0)
        return judge(rule, expected, actual, self.book.policies, of, credit=credit)

    def _aspects(self, category: str | None) -> Aspects:
        """The same for most lines of an invoice."""
        found = self.aspects.get(category)
        if found is None:
            found = self.aspects[category] = aspects_of(self.invoice, category)
        return found

    def _differs(
        self, type_: str, title: str, line: InvoiceLine | None, verdict: Verdict, worth: Exact,
        facts: Mapping[str, object] | None = None, flip: str = "",
    ) -> None:  # fmt: skip
        money = Money(amount=decimal_of(worth), currency=self.invoice.currency).rounded()
        more = {**verdict.facts, **(facts or {})}
        self._found(type_, title, line, money, more, flip or verdict.flip_in(money.currency))

    def _found(
        self, type_: str, title: str, line: InvoiceLine | None, money: Money | None, facts: Mapping[str, object],
        flip: str,
    ) -> None:  # fmt: skip
        place = str(line.number) if line is not None else ""
        more = {"money": money, "facts": dict(facts), "flip": flip, **self._matter(line)}
        self.findings.append(found(self.invoice, type_, title, place, **more))

    def _matter(self, line: InvoiceLine | None) -> dict[str, object]:
        """Whose it is and how urgent: as it was ordered, for few suppliers write that on an invoice."""
        order, ordered = self.order, self._pair(line) if line is not None else None
        return {
            "category": (self._category(ordered) if ordered else order.category) or self.invoice.category,
            "facility": self.invoice.facility or order.facility,
            "department": order.department,
            "urgency": order.urgency.value,
        }
