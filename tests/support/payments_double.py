"""Payments in memory: the real desk over two runs of Harbor Health, and a check that the ERP sent by itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from engine.canonical import (
    BankAccount,
    BankState,
    BankStatusReport,
    Invoice,
    InvoiceLine,
    Money,
    PaidInvoice,
    Payment,
    PaymentMethod,
    PaymentRun,
    PaymentRunLeft,
    PaymentRunLine,
    Quantity,
    ReportSource,
    Supplier,
)
from engine.canonical import PaymentProgress as P
from engine.canonical.guarded import Guarded
from engine.core.clock import SystemClock, to_micros
from engine.ports.procure import Case
from engine.procure.papers import papers_of
from engine.procure.payments.desk import PaymentDesk
from tests.support.p2p_double import MemoryRecords

RUN, BEFORE = "RUN-20261119T150000", "RUN-20261117T150000"
DISPUTED, HELD, BACK = f"{BEFORE}-0002", f"{RUN}-0002", f"{BEFORE}-0003"
ACCOUNT = "00012345678"
_SUPPLIERS = {
    "CASCADE": "Cascade Surgical Supply",
    "OLYMPIC": "Olympic Sterile Products",
    "RAINIER": "Rainier Implant Company",
}
_FACILITIES = ("HARBOR-MAIN", "HARBOR-NORTH")
_REPORTED = {P.SETTLED: BankState.SETTLED, P.RETURNED: BankState.RETURNED, P.ACCEPTED: BankState.ACCEPTED}


class _ImpatientClock(SystemClock):
    """Ten seconds pass between two looks: nothing that is remembered for seconds is waited for."""

    _looks = 0

    def now(self) -> datetime:
        self._looks += 1
        return super().now() + timedelta(seconds=10 * self._looks)


class Paid(MemoryRecords):
    """What payments are made of, without deciders."""

    def bring(self, dossier: str) -> None:
        """The newest version of its payment comes once more, now."""
        payment = papers_of(self.dossiers[dossier]).newest(Payment)[0]
        self.keep(dossier, payment, timedelta(0))


def payments_double(now: datetime) -> tuple[PaymentDesk, Paid]:
    matters = Paid(now)
    for number, name in _SUPPLIERS.items():
        account = BankAccount(code="MAIN", routing_number="021000021", account_number=Guarded(ACCOUNT))
        one = Supplier(supplier_number=number, name=name, bank_accounts=(account,))
        matters.keep(f"supplier:{number}", one, timedelta(days=90))
    _Run(matters, BEFORE, date(2026, 11, 17), date(2026, 11, 19), timedelta(days=3)).fill(_paid_before())
    _Run(matters, RUN, date(2026, 11, 19), date(2026, 11, 24), timedelta(hours=24)).fill(_paid_now())
    _check(matters)
    return PaymentDesk(matters, matters, _ImpatientClock()), matters  # type: ignore[arg-type]


Fact = tuple[str, P, dict[str, Any], Sequence[tuple[str, str, str | None]]]


def _paid_before() -> list[Fact]:
    """Of the earlier run: settled, in disagreement, come back."""
    return [
        ("CASCADE", P.RECONCILED, {"state": "reconciled", "bank": P.SETTLED},
         [("INV-87002", "1240.00", None), ("INV-87019", "318.40", "6.37")]),
        ("OLYMPIC", P.PROPOSED,
         {"state": "disputed", "bank": P.SETTLED, "against": ["bank says settled, and the erp never released it"]},
         [("9-0990", "12180.00", None)]),
        ("RAINIER", P.TRANSMITTED, {"state": "returned", "bank": P.RETURNED, "reason": "R02"},
         [("RI-5501", "8450.00", None)]),
    ]  # fmt: skip


def _paid_now() -> list[Fact]:
    """Of the latest run: approved, held, on its way."""
    held = ["bank_account_unverified", "bank_change_pending", "payment_unapproved"]
    return [
        ("CASCADE", P.APPROVED, {"state": "approved"}, [("INV-88007", "906.15", "18.49"), ("CM-14", "-55.00", None)]),
        ("OLYMPIC", P.PROPOSED, {"state": "proposed", "held_because": held}, [("9-1002", "189.00", None)]),
        ("RAINIER", P.RELEASED, {"state": "accepted", "bank": P.ACCEPTED, "portal": P.ACCEPTED},
         [("RI-5514", "21750.00", "435.00"), ("RI-5515", "640.00", None)]),
    ]  # fmt: skip


class _Run:
    """Its document, its payments, and what was decided of them."""

    def __init__(self, matters: MemoryRecords, number: str, pay_on: date, next_run: date, age: timedelta) -> None:
        self._matters, self._number, self._age = matters, number, age
        self._pay_on, self._next = pay_on, next_run

    def fill(self, facts: Sequence[Fact]) -> None:
        lines = [
            line for place, fact in enumerate(facts, 1) for line in self._payment(f"{self._number}-{place:04d}", fact)
        ]
        left = [_left("CASCADE", "INV-88021", "231.50", "held", "price_above_tolerance"),
                _left("OLYMPIC", "9-1001", "189.00", "held", "duplicate_suspected"),
                _left("RAINIER", "RI-5520", "4300.00", "not_due", "due 2026-12-18"),
                _left("RAINIER", "RI-5521", "61200.00", "no_money_left")]  # fmt: skip
        run = PaymentRun(
            run_number=self._number, pay_on=self._pay_on, next_run=self._next, lines=tuple(lines), left=tuple(left)
        )
        self._matters.keep(f"paymentrun:{self._number}", run, self._age, who="payment run")

    def _payment(self, number: str, fact: Fact) -> list[PaymentRunLine]:
        supplier, erp, decided, parts = fact
        for place, (invoice, amount, _) in enumerate(parts):
            self._invoice(supplier, invoice, amount, _FACILITIES[place % 2])
        payment = Payment(
            payment_number=number, supplier_number=supplier, pay_on=self._pay_on, state=erp, run_number=self._number,
            amount=_usd(str(sum(Decimal(amount) for _, amount, _ in parts))), proposed_by="payment run",
            invoices=tuple(PaidInvoice(invoice_number=i, amount=_usd(a), discount=_usd(d) if d else None)
                           for i, a, d in parts),
        )  # fmt: skip
        _decided(self._matters, payment, decided, self._age)
        return [
            PaymentRunLine(payment_number=number, supplier_number=supplier, invoice_number=i, pays=_usd(a),
                           discount=_usd(d) if d else None, why=_why(a, d))
            for i, a, d in parts
        ]  # fmt: skip

    def _invoice(self, supplier: str, number: str, amount: str, facility: str) -> None:
        price = _usd(amount.removeprefix("-"))
        line = InvoiceLine(number=1, item_number="M-1001", quantity=Quantity(amount=Decimal(1)), price=price)
        invoice = Invoice(
            invoice_number=number, supplier_number=supplier, invoiced_on=date(2026, 10, 20), lines=(line,),
            stated_total=price, order_number="PO-4713", facility=facility,
        )  # fmt: skip
        self._matters.keep("order:PO-4713", invoice, timedelta(days=30))


def _decided(matters: MemoryRecords, payment: Payment, decided: dict[str, Any], age: timedelta) -> None:
    """`decided` is the state, without what follows from the payment."""
    key, bank = f"payment:{payment.payment_number}", decided.get("bank")
    matters.keep(key, payment, age, who="payment run")
    if bank is not None:
        report = BankStatusReport(
            report_number=f"N-{payment.payment_number}", source=ReportSource.CAMT_054, state=_REPORTED[bank],
            payment_number=payment.payment_number, reported_at=matters.now - age / 2, reason_code=decided.get("reason"),
        )  # fmt: skip
        matters.keep(key, report, age / 2, message=1)
    words = {"erp": payment.state.value, "bank": bank, "portal": decided.get("portal")}
    state = {"held_because": [], "against": [], "account": "MAIN", **decided, "words": words}
    matters.decide(key, state, *_cases(matters, payment, str(decided["state"]), state["held_because"]))


def _cases(matters: MemoryRecords, payment: Payment, state: str, held: Sequence[str]) -> list[Case]:
    titles = {"disputed": ("payment_disputed", "ERP, bank and portal contradict each other"),
              "returned": ("payment_returned", "The money came back"),
              "proposed": ("payment_held", "The payment must not go out yet")}  # fmt: skip
    if state not in titles:
        return []
    type_, title = titles[state]
    key = f"payment:{payment.payment_number}"
    made = Case(
        case_id=f"{key}#{type_}#{payment.payment_number}", dossier=key, type=type_, state="open", title=title,
        opened_micros=to_micros(matters.now - timedelta(hours=8)), owner="accounts-payable",
        amount=str(payment.amount.amount), currency="USD", supplier=payment.supplier_number, rank=500,
    )  # fmt: skip
    return [made]


def _check(matters: MemoryRecords) -> None:
    invoices = (PaidInvoice(invoice_number="9-0800", amount=_usd("77.25")),)
    payment = Payment(
        payment_number="CK-10442", supplier_number="OLYMPIC", amount=_usd("77.25"), pay_on=date(2026, 11, 12),
        state=P.TRANSMITTED, invoices=invoices, method=PaymentMethod.CHECK,
    )  # fmt: skip
    _decided(matters, payment, {"state": "transmitted"}, timedelta(days=8))


def _left(supplier: str, invoice: str, amount: str, why: str, *facts: str) -> PaymentRunLeft:
    return PaymentRunLeft(supplier_number=supplier, invoice_number=invoice, amount=_usd(amount), why=why, facts=facts)


def _why(amount: str, discount: str | None) -> str:
    return "credit" if amount.startswith("-") else "discount" if discount else "due"


def _usd(amount: str) -> Money:
    return Money(amount=Decimal(amount))
