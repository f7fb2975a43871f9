"""An order with its receipts and invoices: is what is asked for what was ordered and received, and not paid before?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from engine.canonical import (
    CaseVerb,
    Invoice,
    InvoiceKind,
    InvoiceLine,
    Money,
    PostingResult,
    PurchaseOrder,
    Quantity,
    Receipt,
    ReceiptLine,
    Supplier,
)
from engine.channel.policy_parts import Aspects
from engine.core.clock import from_micros
from engine.procure.decision import Decision, Finding, Intent, World
from engine.procure.duplicate import duplicates_of
from engine.procure.exact import decimal_of, exact
from engine.procure.lots import held_lines, open_lots
from engine.procure.match_blanket import not_valid
from engine.procure.match_book import Book, Matched
from engine.procure.match_joint import Claim, settle
from engine.procure.match_people import Acts, advice_of
from engine.procure.match_several import is_home, parts_of, uses_elsewhere
from engine.procure.match_tax import tax_not_expected
from engine.procure.match_ways import FOUR_WAYS, ways_of
from engine.procure.papers import Papers, orders_of
from engine.procure.validate_invoice import found, validate
from engine.procure.waiting import Waiting, waiting_for

_WAIT_SOURCE = "orders"


def decide_purchase(papers: Papers, world: World, dossier: str = "") -> Decision:
    """
    Args:
        dossier: of which order; needed where an invoice is of several, and the order itself may not have come yet.
    """
    return _Purchase(papers, world, dossier.partition(":")[2] if dossier.startswith("order:") else None).run()


class _Purchase:
    """Invoices in the order of their dates; those that are posted come first, for they are paid."""

    def __init__(self, papers: Papers, world: World, number: str | None) -> None:
        self.papers, self.world = papers, world
        self.book, self.acts = Book(papers, world), Acts(papers)
        self.number = self.book.order.order_number if self.book.order is not None else number
        self.held = held_lines(open_lots(papers, world))
        self.states: dict[str, Any] = {}
        self.findings: list[Finding] = []
        self.intents: list[Intent] = []
        self.looks: list[datetime] = []
        self.posted = {
            one.subject_key for one in papers.newest(PostingResult) if one.command == "post_invoice" and one.ok
        } | {key.partition(":")[2] for key in world.given if key.startswith("post_invoice:")}

    def run(self) -> Decision:
        self._evaluated()
        invoices = sorted(self.papers.newest(Invoice), key=self._turn)
        self.book.elsewhere = uses_elsewhere(self.papers, self.book, self.world)
        own = [self.acts.corrected(one) for one in invoices if is_home(one, self.number)]
        claims = [self._claim(one) for one in own if not self._sent_back(one)]
        found = settle(claims, self.book, self.world, lambda claim, matched: not self._against(claim, matched))
        for claim in claims:
            self._became(claim, found[claim.key])
        state: dict[str, Any] = {"invoices": self.states}
        elsewhere = {one.natural_key: orders_of(one)[0] for one in invoices if not is_home(one, self.number)}
        if elsewhere:
            state["invoices_elsewhere"] = elsewhere
        return Decision(state, tuple(self.findings), tuple(self.intents), min(self.looks, default=None))

    def _turn(self, invoice: Invoice) -> tuple[Any, ...]:
        credit = invoice.invoice_kind is InvoiceKind.CREDIT_MEMO
        return (invoice.natural_key not in self.posted, invoice.invoiced_on, credit, invoice.natural_key)

    def _claim(self, invoice: Invoice) -> Claim:
        """With what stands against it whatever other invoices ask for."""
        parts, unknown = parts_of(invoice, self.book, self.world)
        waiting = self._waits_for_order(invoice) if unknown else self._waits_for_supplier(invoice)
        orders: list[PurchaseOrder | None] = [one.order for one in parts] or [None]
        every = [
            *(one for order in orders for one in validate(invoice, order, self.world)),
            *(one for order in orders for one in not_valid(invoice, order, self.world)),
            *tax_not_expected(invoice, self.world),
            *duplicates_of(invoice, self.world),
            *self._not_awaited(invoice),
            *(one for part in parts for one in part.of_figures),
        ]
        if (unknown and waiting is None) or not orders_of(invoice):
            every.append(self._without_order(invoice, unknown))
        if waiting is not None:
            every = []  # all of it is judged when its orders are known
        once = {(one.type, one.place): one for one in every}
        left, waits = self.acts.open(once.values(), self.world), (waiting,) if waiting is not None else ()
        claim = Claim(invoice, parts, invoice.natural_key in self.posted, left, waits)
        if not left:
            self.book.use(claim.uses)  # so that the next one's lines are paired with what is left
        return claim

    def _against(self, claim: Claim, matched: Matched) -> tuple[Finding, ...] | tuple[Waiting, ...]:
        """Open exceptions; when there are none, what is waited for."""
        if claim.parts and not claim.waits:
            found = [one for one in matched.findings if not any(one is part for part in claim.of_figures)]
            return (*claim.faults, *self.acts.open(found, self.world)) or matched.waiting
        return claim.faults or claim.waits

    def _became(self, claim: Claim, matched: Matched) -> None:
        against = self._against(claim, matched)
        left = tuple(one for one in against if isinstance(one, Finding))
        if claim.posted:
            self._is_posted(claim.invoice, left, matched)
        elif left:
            self.findings += left
            self.states[claim.key] = {"state": "exception", "because": sorted({one.type for one in left})}
        elif against:
            self._wait(claim.key, tuple(one for one in against if isinstance(one, Waiting)))
        elif why := sorted({one for number in matched.used for one in self.held.get(number, ())}):
            self.states[claim.key] = {"state": "exception", "because": why}  # the case is the order's
        else:
            self._post(claim.invoice, matched)

    def _sent_back(self, invoice: Invoice) -> bool:
        """Whether people hold it, refused it or returned it to its supplier."""
        last, key = self.acts.last(invoice.natural_key), invoice.natural_key
        if last is None or key in self.posted:
            return False
        if last.action is CaseVerb.RETURN_TO_SUPPLIER:
            self.intents.append(Intent("send_advice", advice_of(invoice, last)))
            self.states[key] = {"state": "returned", "by": last.who}
        elif last.action is CaseVerb.REJECT:
            self.states[key] = {"state": "rejected", "by": last.who}
        elif last.action is CaseVerb.HOLD and (last.hold_until is None or self.world.now.date() < last.hold_until):
            self.findings.append(found(invoice, last.case_type or "invoice_held", "Somebody holds the invoice"))
            self.states[key] = {"state": "held", "by": last.who}
            if last.hold_until is not None:
                self.looks.append(datetime.combine(last.hold_until, datetime.min.time(), UTC))
        return key in self.states

    def _waits_for_order(self, invoice: Invoice) -> Waiting | None:
        return waiting_for(self.world, _WAIT_SOURCE, from_micros(self.papers.paper(invoice).record.at_micros))

    def _waits_for_supplier(self, invoice: Invoice) -> Waiting | None:
        """Where a source tells of suppliers, one that nobody told of yet may still come."""
        known = self.world.find(Supplier, invoice.supplier_number)
        if known is not None or "suppliers" not in self.world.watermarks:
            return None
        return waiting_for(self.world, "suppliers", from_micros(self.papers.first(invoice).record.at_micros))

    def _without_order(self, invoice: Invoice, unknown: Sequence[str]) -> Finding:
        title = "Its order is not known" if unknown else "It names no order"
        type_ = "order_unknown" if unknown else "no_order"
        facts = {"orders": list(unknown)} if len(orders_of(invoice)) > 1 else {}
        flip = "its order, or an acceptance"
        return found(invoice, type_, title, money=invoice.stated_total, facts=facts, flip=flip)

    def _not_awaited(self, invoice: Invoice) -> tuple[Finding, ...]:
        """What is received of such an order is paid by its receipts: an invoice for it would be paid beside them."""
        order = self.book.order
        if order is None or not order.evaluated_receipt or invoice.invoice_kind is InvoiceKind.CREDIT_MEMO:
            return ()
        title = "Its order is paid by what is received, without invoices"
        flip = "an order that is paid by invoices, or a return to the supplier"
        return (found(invoice, "evaluated_receipt_invoiced", title, money=invoice.stated_total, flip=flip),)

    def _wait(self, key: str, waits: tuple[Waiting, ...]) -> None:
        last = max(waits, key=lambda one: (one.until, one.source))
        self.states[key] = last.state
        self.looks.append(min(one.look_at for one in waits))

    def _is_posted(self, invoice: Invoice, left: tuple[Finding, ...], matched: Matched) -> None:
        key = invoice.natural_key
        self.states[key] = {"state": "matched"}
        wish = Intent("post_invoice", self._as_written(invoice))
        if wish.key in self.world.given:  # still wished for: what its system answered is looked at
            self.intents.append(wish)
        why = sorted({one.type for one in left} | {f"waiting_for_{one.source}" for one in matched.waiting})
        if why:
            facts = {"because": why, "now": [dict(one.facts) for one in left]}
            title = "It was posted; by what is known now it would not be"
            late = found(invoice, "decided_otherwise_since", title, money=invoice.stated_total, facts=facts)
            self.findings += self.acts.open((late,), self.world)

    def _post(self, invoice: Invoice, matched: Matched) -> None:
        self.states[invoice.natural_key] = {"state": "matched", "ways": dict(matched.ways)}
        self.intents.append(Intent("post_invoice", self._as_written(invoice)))

    def _as_written(self, invoice: Invoice) -> Invoice:
        """Corrected as it was matched: the ERP gets the lines that people paired."""
        return invoice

    # -------------------------------------------------------------- evaluated receipts
    def _evaluated(self) -> None:
        """What was received is posted as if its supplier had invoiced it, what went back as if it were credited."""
        order = self.book.order
        if order is None or not order.evaluated_receipt:
            return
        for receipt in self.papers.newest(Receipt):
            lines = tuple(self._lines_of(receipt, order))
            if receipt.cancelled:
                self._taken_back(receipt, order)
            if receipt.cancelled or not lines or self._not_inspected(receipt, order):
                continue
            total = Money(amount=sum(line.extended.amount for line in lines), currency=order.currency)
            made = Invoice(
                invoice_number=f"ERS-{receipt.receipt_number}", supplier_number=order.supplier_number,
                invoiced_on=receipt.received_on, stated_total=total, lines=lines, currency=order.currency,
                invoice_kind=InvoiceKind.INVOICE if receipt.sign > 0 else InvoiceKind.CREDIT_MEMO,
                order_number=order.order_number, facility=order.facility, legal_entity=order.legal_entity,
                origin="evaluated_receipt",
            )  # fmt: skip
            self.intents.append(Intent("post_invoice", made))
            self.states[made.natural_key] = {"state": "matched", "by": "evaluated_receipt"}

    def _taken_back(self, receipt: Receipt, order: PurchaseOrder) -> None:
        key = f"{order.supplier_number}/ERS-{receipt.receipt_number}"
        if key in self.posted:
            title = "It was paid by a receipt that is cancelled now"
            self.findings.append(Finding("decided_otherwise_since", key, title, supplier=order.supplier_number,
                                         flip="a receipt that stands, or a credit from the supplier"))  # fmt: skip

    def _lines_of(self, receipt: Receipt, order: PurchaseOrder) -> Iterator[InvoiceLine]:
        """In the order's units, at its prices. A unit that nobody can convert is a person's."""
        for count, one in enumerate(receipt.lines, 1):
            line = self.book.lines.get(one.order_line_number)
            if line is None:
                continue
            unit, day = line.quantity.unit, receipt.received_on
            factor = self.book.factor(one.quantity.unit, unit, line.item_number, order.supplier_number, day)
            if factor is None:
                self.findings.append(self._unit_unknown(receipt, one))
                continue
            amount = decimal_of(exact((one.accepted or one.quantity).amount) * factor)
            yield InvoiceLine(
                number=count, quantity=Quantity(amount=amount, unit=unit), price=line.price,
                item_number=line.item_number, order_line_number=line.number, cost_center=line.cost_center,
                receipt_number=receipt.receipt_number,
            )  # fmt: skip

    def _not_inspected(self, receipt: Receipt, order: PurchaseOrder) -> bool:
        """All of a receipt is paid at once: when each line that must be inspected was."""
        open_lines = [one.order_line_number for one in receipt.lines
                      if one.accepted is None and receipt.sign > 0 and self._is_inspected(one, order)]  # fmt: skip
        if not open_lines:
            return False
        key = f"{order.supplier_number}/ERS-{receipt.receipt_number}"
        waiting = waiting_for(self.world, "inspections", from_micros(self.papers.first(receipt).record.at_micros))
        if waiting is not None:
            self._wait(key, (waiting,))
            return True
        title, flip = "It was received but not accepted", "what its inspection accepted"
        self.findings.append(Finding("quantity_not_accepted", key, title, supplier=order.supplier_number,
                                     facility=order.facility, flip=flip, facts={"lines": open_lines}))  # fmt: skip
        self.states[key] = {"state": "exception", "because": ["quantity_not_accepted"]}
        return True

    def _is_inspected(self, received: ReceiptLine, order: PurchaseOrder) -> bool:
        line = self.book.lines.get(received.order_line_number)
        if line is None:
            return False
        item = self.book.item(line.item_number)
        category = line.category or order.category or (item.category if item else None)
        aspects = Aspects(order.supplier_number, category, None, order.facility, order.legal_entity)
        return ways_of(line, order, aspects, self.book.policies, item) >= FOUR_WAYS

    def _unit_unknown(self, receipt: Receipt, line: ReceiptLine) -> Finding:
        title = "Nobody told how the units convert, so the receipt cannot be paid"
        facts = {"item": line.item_number, "unit": line.quantity.unit}
        place = f"{receipt.natural_key}/{line.order_line_number}"
        flip = f"a conversion for item {line.item_number}"
        return Finding("unit_unknown", place, title, supplier=receipt.supplier_number, facts=facts, flip=flip)
