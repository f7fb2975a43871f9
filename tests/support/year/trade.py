"""Invoices of orders and without one: what was posted at once, what a person had to look at, what was sent twice."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from engine.canonical import CaseVerb, Charge, Invoice, InvoiceKind, InvoiceLine, Terms
from tests.support.year.network import CLERK, FACILITIES
from tests.support.year.oracle import Where
from tests.support.year.orders import FREIGHT, Bill, Matter, Orders, cents, of

FAULTS = (
    "price",
    "freight",
    "balance",
    "not_received",
    "twice",
    "refused",
    "late",
    "returned",
    "credited",
    "given_back",
    "changed",
    "cancelled",
    "typed",
)


class Trade(Orders):
    def matter(self, fault: str | None) -> None:
        """One order with its story."""
        self.count += 1
        matter = self._ordered(fault)
        if fault == "cancelled":
            return
        self._answered(matter)
        receipts = self._received(matter, fault)
        if fault == "not_received":
            return self._short(matter)
        if self.maker.chance(200) and fault is None:
            return self._in_two(matter, receipts)
        self._billed(matter, receipts[-1], fault)

    # -------------------------------------------------------------- invoices
    def _bill(
        self, one: Matter, at: datetime, amounts: list[Decimal], number: str, freight: Decimal = FREIGHT,
        prices: list[Decimal] | None = None, off: Decimal = Decimal(0), credit: bool = False,
        typed: bool = False,
    ) -> Bill:  # fmt: skip
        prices = prices or [part.price for part in one.parts]
        money, total = one.seller.money, off + freight
        lines = []
        for n, (part, amount, price) in enumerate(zip(one.parts, amounts, prices, strict=True), 1):
            total += cents(amount * price)
            lines.append(InvoiceLine(number=n, quantity=of(amount), price=money(price), order_line_number=n,
                                     item_number=part.item))  # fmt: skip
        terms, discount = None, None
        if self.maker.chance(300) and not credit:
            terms = Terms(net_days=30, discount_percent=Decimal(2), discount_days=10)
            discount = cents(total * 2 / 100)
        dated = at - timedelta(days=1)
        self.maker.say(
            at,
            Invoice(
                invoice_number=number, supplier_number=one.seller.number, invoiced_on=dated.date(),
                stated_total=money(total), lines=tuple(lines), order_number=one.number, currency=one.seller.currency,
                charges=(Charge(code="D240", amount=money(freight)),) if freight else (), terms=terms,
                facility=one.facility if self.maker.chance(500) else None,
                invoice_kind=InvoiceKind.CREDIT_MEMO if credit else InvoiceKind.INVOICE,
            ),
            who=CLERK if typed else None,
        )  # fmt: skip
        return Bill(
            one,
            one.seller,
            number,
            dated,
            total,
            {**one.where, "stage": "invoice"},
            discount=discount,
            is_credit=credit,
        )

    def _number(self) -> str:
        return f"{self.random.randrange(10**9):09d}"

    def _came(
        self, bill: Bill, at: datetime, troubled: bool, touched: bool, posted: datetime | None, after: bool = False
    ) -> None:
        """An invoice that came at `at`, and what became of it; `after`: the trouble was when it was posted already."""
        where, oracle = bill.where, self.oracle
        oracle.count("invoice_exception_rate", at, int(troubled), 1, where)
        oracle.count("reconciliation_effort", at, 0, 1, where)
        if bill.matter is not None and (troubled or posted):
            oracle.count("match_success_rate", at, int(after or not troubled), 1, where)
        if posted is not None:
            bill.posted = posted
            oracle.took("invoice_cycle_time", at, posted, where)
            oracle.count("manual_touch_rate", posted, int(touched), 1, where)
            self.bills.append(bill)

    def _effort(self, at: datetime, where: Where) -> None:
        self.oracle.count("reconciliation_effort", at, 1, 0, where)

    def _posted(self, bill: Bill, at: datetime, sign: int = 1) -> None:
        """Given to the ledger, which takes it half an hour later."""
        if bill.matter is not None:
            bill.matter.promise.billed.append((at, bill.total * sign))
        told = self.maker.soon(at)
        dossier = bill.matter.dossier if bill.matter else f"invoice:{bill.key}"
        self.maker.answer(told, at, dossier, "post_invoice", ("Invoice", bill.key), bill.where)

    def _in_two(self, one: Matter, receipts: list[datetime]) -> None:
        """Two invoices of half of it each, the freight on the first."""
        at = self.maker.later(receipts[-1], 1)
        for turn, then in enumerate((at, self.maker.later(at, 3))):
            bill = self._bill(one, then, [part.amount / 2 for part in one.parts], self._number(),
                              Decimal(0) if turn else FREIGHT)  # fmt: skip
            self._came(bill, then, False, False, then)
            self._posted(bill, then)

    def _short(self, one: Matter) -> None:
        """Nothing came when it was billed: after thirty days somebody must look; then it comes."""
        at = self.maker.later(one.came, 4)
        bill = self._bill(one, at, [part.amount for part in one.parts], self._number())
        began = self.maker.look_at(at + timedelta(days=30))
        came = self.maker.later(began, self.random.randint(1, 4), 11)
        self._receipt(one, came, [part.amount for part in one.parts], 1)
        self._count_receipts(one, [came], None)
        for part in one.parts:
            self.maker.trouble("quantity_not_received", began, came, bill.where, part.worth, one.seller.currency)
        asked = self.maker.chance(500)  # somebody writes that it was asked for: not a decision, but a hand
        if asked:
            then = began + timedelta(hours=2)
            self.maker.act(then, one.dossier, "quantity_not_received", f"{bill.key}/1", CaseVerb.COMMENT)
        self._came(bill, at, True, asked, came)
        self._posted(bill, came)

    def _billed(self, one: Matter, received: datetime, fault: str | None) -> None:
        maker, amounts = self.maker, [part.amount for part in one.parts]
        if fault == "returned":
            received, amounts = self._returned(one, received), [amount - 1 for amount in amounts]
        if fault is None and maker.chance(100):  # it waits for the receipt, which is no exception
            at = received - timedelta(hours=self.random.randint(12, 30))
            bill = self._bill(one, at, amounts, self._number())
            self._came(bill, at, False, False, received)
            return self._posted(bill, received)
        at = maker.later(received, self.random.randint(1, 4))
        if fault in ("price", "freight", "balance"):
            return self._accepted(one, at, amounts, fault)
        bill = self._bill(one, at, amounts, self._number(), typed=fault == "typed")
        troubled = fault in ("refused", "given_back")  # later, but an exception of the invoice
        self._came(bill, at, troubled, fault == "typed", at, after=troubled)
        if fault == "refused":
            return self._refused(bill, at)
        self._posted(bill, at)
        if fault == "twice":
            self._twice(one, bill, at)
        if fault == "credited":
            self._credited(one, at)
        if fault == "given_back":
            self._given_back(one, bill, at)

    def _accepted(self, one: Matter, at: datetime, amounts: list[Decimal], fault: str) -> None:
        """Somebody lets it pass some days later; before, somebody else writes what she thinks of it."""
        prices, dear = [part.price for part in one.parts], Decimal("1.50")
        freight, off, place, type_, worth = FREIGHT, Decimal(0), "", "freight_above_ordered", Decimal("30.00")
        if fault == "price":
            prices[0] += dear
            place, type_, worth = "/1", "price_above_tolerance", cents(dear * one.parts[0].amount)
        elif fault == "freight":
            freight += worth
        else:
            off, type_, worth = Decimal("7.00"), "total_out_of_balance", Decimal("7.00")
        bill = self._bill(one, at, amounts, self._number(), freight, prices, off)
        done = self.maker.later(at, self.random.randint(0, 6), 15)
        self.maker.act(at + timedelta(hours=2), one.dossier, type_, bill.key + place, CaseVerb.COMMENT)
        self.maker.act(done, one.dossier, type_, bill.key + place)
        self._effort(done, bill.where)
        self.maker.trouble(type_, at, done, bill.where, worth, one.seller.currency)
        self._came(bill, at, True, True, done)
        self._posted(bill, done)

    def _refused(self, bill: Bill, at: datetime) -> None:
        """The ledger refuses it at first and takes it the next day."""
        matter = bill.matter
        assert matter is not None
        matter.promise.billed.append((at, bill.total))
        refused, taken = self.maker.soon(at), self.maker.later(at, 1, 14)
        for then, ok in ((refused, False), (taken, True)):
            self.maker.answer(then, at, matter.dossier, "post_invoice", ("Invoice", bill.key), bill.where, ok)
        self.maker.trouble("posting_refused", refused, taken, bill.where)

    def _twice(self, one: Matter, bill: Bill, at: datetime) -> None:
        """The same invoice on paper, as a clerk typed its number: it is held, and refused by a person."""
        again = self.maker.later(at, self.random.randint(1, 5))
        number = f"{bill.number[:4]}-{bill.number[4:]}"
        copy = self._bill_again(one, bill, again, number)
        done = self.maker.later(again, 1, 15)
        self.maker.act(done, one.dossier, "duplicate_suspected", copy.key, CaseVerb.REJECT)
        self._effort(done, copy.where)
        self.maker.trouble("duplicate_suspected", again, done, copy.where, bill.total, one.seller.currency)
        for part in one.parts:
            self.maker.trouble("quantity_above_ordered", again, done, copy.where, part.worth, one.seller.currency)
        self.maker.trouble("freight_above_ordered", again, done, copy.where, FREIGHT, one.seller.currency)
        self._came(copy, again, True, True, None)

    def _bill_again(self, one: Matter, bill: Bill, at: datetime, number: str) -> Bill:
        first = next(s.document for s in reversed(self.maker.said) if s.document.natural_key == bill.key)
        self.maker.say(at, first.model_copy(update={"invoice_number": number}))
        return Bill(one, one.seller, number, bill.dated, bill.total, bill.where)

    def _returned(self, one: Matter, received: datetime) -> datetime:
        """One of each goes back before it is billed."""
        back = self.maker.later(received, 1, 11)
        self._receipt(one, back, [Decimal(1) for _ in one.parts], 9, back=True)
        return back

    def _given_back(self, one: Matter, bill: Bill, at: datetime) -> None:
        """One of each goes back when it was posted already: somebody must look until the supplier credits it."""
        back = self.maker.later(at, 3, 11)
        ones = [Decimal(1) for _ in one.parts]
        self._receipt(one, back, ones, 9, back=True)
        then = self.maker.later(back, 2)
        credit = self._bill(one, then, ones, self._number(), Decimal(0), credit=True)
        self._came(credit, then, False, False, then)
        self._posted(credit, then, -1)
        self.maker.trouble("decided_otherwise_since", back, then, bill.where, bill.total, one.seller.currency)

    def _credited(self, one: Matter, at: datetime) -> None:
        """The supplier gives the price of one of each back."""
        then = self.maker.later(at, self.random.randint(3, 9))
        ones = [Decimal(1) for _ in one.parts]
        credit = self._bill(one, then, ones, self._number(), Decimal(0), credit=True)
        self._came(credit, then, False, False, then)
        self._posted(credit, then, -1)

    def without_order(self) -> None:
        """It names no order: somebody must let it pass."""
        self.count += 1
        seller, facility = self.maker.chosen_seller(), self.random.choice(FACILITIES)
        at, number, amount = self.maker.moment(), self._number(), Decimal(self.random.randint(5000, 90000)) / 100
        line = InvoiceLine(number=1, quantity=of(Decimal(1)), price=seller.money(amount))
        dated = at - timedelta(days=2)
        self.maker.say(
            at,
            Invoice(
                invoice_number=number, supplier_number=seller.number, invoiced_on=dated.date(), lines=(line,),
                stated_total=seller.money(amount), currency=seller.currency,
                facility=facility, category=seller.category,
            ),
        )  # fmt: skip
        where = {
            "facility": facility, "supplier": seller.number, "category": seller.category, "stage": "invoice",
        }  # fmt: skip
        bill = Bill(None, seller, number, dated, amount, where)
        done = self.maker.later(at, 2, 15)
        self.maker.act(done, f"invoice:{bill.key}", "no_order", bill.key)
        self._effort(done, where)
        self.maker.trouble("no_order", at, done, where, amount, seller.currency)
        self._came(bill, at, True, True, done)
        self._posted(bill, done)
