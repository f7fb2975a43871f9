"""An order with its receipts and invoices: is what is asked for what was ordered and received, and not paid before?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from engine.canonical import (
    CaseVerb,
    Invoice,
    InvoiceKind,
    PurchaseOrder,
    Receipt,
    Supplier,
)
from engine.core.clock import from_micros
from engine.procure.decision import Decision, Finding, Intent, World
from engine.procure.matching.as_posted import by_our_numbers, in_one_unit, made_up
from engine.procure.matching.blanket import not_valid
from engine.procure.matching.book import Book, Matched
from engine.procure.matching.duplicate import duplicates_of
from engine.procure.matching.evaluated_receipts import ORIGIN, evaluated
from engine.procure.matching.joint import Claim, settle
from engine.procure.matching.lots import held_lines, open_lots
from engine.procure.matching.match import Match
from engine.procure.matching.number_used import NUMBER_USED, posted_version, used_before
from engine.procure.matching.order_alike import alike_orders
from engine.procure.matching.original import against_original, wholly_credited
from engine.procure.matching.people import SENT_BACK, Acts, advice_of
from engine.procure.matching.several import charged_elsewhere, is_home, parts_of, uses_elsewhere
from engine.procure.matching.tax import tax_not_expected
from engine.procure.matching.validate_invoice import found, validate
from engine.procure.papers import Papers, orders_of
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
        self.posted = self.book.posted
        self.credited = wholly_credited(papers, self.acts)

    def run(self) -> Decision:
        invoices = sorted(self.papers.newest(Invoice), key=self._turn)
        self.book.elsewhere = uses_elsewhere(self.papers, self.book, self.world)
        self.book.charged_elsewhere = charged_elsewhere(self.papers, self.book, self.world)
        own = [self._standing(one) for one in invoices if is_home(one, self.number)]
        claims = [self._claim(one) for one in own if not self._sent_back(one)]
        claims = sorted([*claims, *self._evaluated()], key=lambda one: self._turn(one.invoice))
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

    def _standing(self, invoice: Invoice) -> Invoice:
        """As people corrected it. What was posted stands, whatever came by its number since."""
        used = used_before(invoice, self.world) if invoice.natural_key in self.posted else None
        if used is None:
            return self.acts.corrected(invoice)
        last = self.acts.last(invoice.natural_key)
        if last is not None and last.case_type == NUMBER_USED and last.action in SENT_BACK:
            if last.action is CaseVerb.RETURN_TO_SUPPLIER:
                self.intents.append(Intent("send_advice", advice_of(invoice, last)))
        else:
            self.findings += self.acts.open((used.finding(invoice),), self.world)
        return self.acts.corrected(posted_version(invoice, used.first, self.papers))

    def _claim(self, invoice: Invoice) -> Claim:
        """With what stands against it whatever other invoices ask for."""
        parts, unknown = parts_of(invoice, self.book, self.world)
        waiting = self._waits_for_order(invoice) if unknown else self._waits_for_supplier(invoice)
        orders: list[PurchaseOrder | None] = [one.order for one in parts] or [None]
        every = [
            *(one for order in orders for one in validate(invoice, order, self.world)),
            *(one for order in orders for one in not_valid(invoice, order, self.world)),
            *tax_not_expected(invoice, self.world),
            *duplicates_of(invoice, self.world, self.credited),
            *self._not_awaited(invoice),
            *(one for part in parts for one in part.of_figures),
        ]
        if (unknown and waiting is None) or not orders_of(invoice):
            every.append(self._without_order(invoice, unknown))
        original = against_original(invoice, self.papers, self.acts, self.world)
        every += [original] if isinstance(original, Finding) else []
        if waiting is not None:
            every = []  # all of it is judged when its orders are known
        once = {(one.type, one.place): one for one in every}
        left = self.acts.open(once.values(), self.world)
        waits = tuple(one for one in (waiting, original) if isinstance(one, Waiting))
        left = (*left, *self._taken_number(invoice))
        claim = Claim(invoice, parts, invoice.natural_key in self.posted, left, waits)
        if not left:
            self.book.use(claim.uses)  # so that the next one's lines are paired with what is left
        return claim

    def _taken_number(self, invoice: Invoice) -> tuple[Finding, ...]:
        """A number that is posted in the matter of another order is not posted again, whoever lets it pass."""
        used = used_before(invoice, self.world) if invoice.natural_key not in self.posted else None
        if used is None:
            return ()
        found_ = (used.finding(invoice),)
        return found_ if used.elsewhere else self.acts.open(found_, self.world)

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
            self._is_posted(claim, left, matched)
        elif left:
            self.findings += left
            self.states[claim.key] = {"state": "exception", "because": sorted({one.type for one in left})}
        elif against:
            self._wait(claim.key, tuple(one for one in against if isinstance(one, Waiting)))
        elif why := sorted({one for number in matched.used for one in self.held.get(number, ())}):
            self.states[claim.key] = {"state": "exception", "because": why}  # the case is the order's
        else:
            self._post(claim, matched)

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
        alike = alike_orders(unknown, invoice.supplier_number, self.world)
        facts |= {"suggested_orders": alike} if alike else {}
        flip = f"order {alike[0]}, or an acceptance" if alike else "its order, or an acceptance"
        return found(invoice, type_, title, money=invoice.stated_total, facts=facts, flip=flip)

    def _not_awaited(self, invoice: Invoice) -> tuple[Finding, ...]:
        """What is received of such an order is paid by its receipts, and what went back is credited by them: an
        invoice, or a credit of what went back, would count beside them."""
        order = self.book.order
        if order is None or not order.evaluated_receipt:
            return ()
        went_back = any(one.sign < 0 for one in self.papers.newest(Receipt))
        if invoice.invoice_kind is InvoiceKind.CREDIT_MEMO and not went_back:
            return ()
        title = "Its order is paid by what is received, without invoices"
        flip = "an order that is paid by invoices, or a return to the supplier"
        return (found(invoice, "evaluated_receipt_invoiced", title, money=invoice.stated_total, flip=flip),)

    def _wait(self, key: str, waits: tuple[Waiting, ...]) -> None:
        last = max(waits, key=lambda one: (one.until, one.source))
        self.states[key] = last.state
        self.looks.append(min(one.look_at for one in waits))

    def _is_posted(self, claim: Claim, left: tuple[Finding, ...], matched: Matched) -> None:
        invoice, key = claim.invoice, claim.key
        self.states[key] = {"state": "matched"}
        wish = self._wish(claim)
        if wish.key in self.world.given:  # still wished for: what its system answered is looked at
            self.intents.append(wish)
        why = sorted({one.type for one in left} | {f"waiting_for_{one.source}" for one in matched.waiting})
        if why:
            facts = {"because": why, "now": [dict(one.facts) for one in left]}
            title = "It was posted; by what is known now it would not be"
            flip = "; ".join(dict.fromkeys(one.flip for one in left if one.flip)) or "what is still waited for"
            late = found(invoice, "decided_otherwise_since", title, money=invoice.stated_total, facts=facts, flip=flip)
            self.findings += self.acts.open((late,), self.world)

    def _post(self, claim: Claim, matched: Matched) -> None:
        told = {"by": ORIGIN} if claim.invoice.origin == ORIGIN else {}
        self.states[claim.key] = {"state": "matched", "ways": dict(matched.ways), **told}
        self.intents.append(self._wish(claim))

    def _wish(self, claim: Claim) -> Intent:
        """Corrected as it was matched: the ERP gets the lines that people paired."""
        books = [one.book for one in claim.parts]
        return Intent("post_invoice", made_up(in_one_unit(by_our_numbers(claim.invoice, books), books)))

    # -------------------------------------------------------------- evaluated receipts
    def _evaluated(self) -> Iterator[Claim]:
        """What is received pays as if its supplier had invoiced it, and what went back as if it were credited."""
        for one in evaluated(self.papers, self.book, self.world, frozenset(self.posted)):
            self.findings += self.acts.open(one.findings, self.world)
            if one.waiting is not None:
                self._wait(one.key, (one.waiting,))
            elif one.made is not None and self.book.order is not None:
                if not self._sent_back(one.made):
                    yield self._as_invoiced(one.made, self.book.order)
            elif one.findings:
                because = sorted({finding.type for finding in one.findings})
                self.states[one.key] = {"state": "exception", "because": because}

    def _as_invoiced(self, made: Invoice, order: PurchaseOrder) -> Claim:
        part = Match(made, order, self.book)
        every = [*validate(made, order, self.world), *not_valid(made, order, self.world), *part.of_figures]
        return Claim(made, (part,), made.natural_key in self.posted, self.acts.open(every, self.world))
