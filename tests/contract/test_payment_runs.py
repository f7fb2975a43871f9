"""Payment runs over a real store: what is posted is proposed once, what is held waits, what came back is paid again."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from engine.canonical import (
    BankState,
    BankStatusReport,
    CaseAction,
    CaseVerb,
    Invoice,
    InvoiceKind,
    InvoiceLine,
    Money,
    OrderLine,
    Payment,
    PaymentProgress,
    PaymentRun,
    PaymentState,
    PaymentStatus,
    PostingResult,
    PurchaseOrder,
    Quantity,
    Receipt,
    ReceiptKind,
    ReceiptLine,
    ReportSource,
    Supplier,
    Terms,
)
from engine.channel.policies import Policies
from engine.channel.policy_postings import Postings
from engine.core.errors import StoreError
from engine.ports.payment_runs import RunRules
from engine.ports.procure import CaseQuery
from engine.procure.payments.payables import PaymentRuns
from engine.procure.policies import USUAL
from engine.procure.process import Process
from engine.store.open import Store
from tests.support.connector_doubles import Clock

DAY = date(2026, 3, 2)
ONE = Quantity(amount=Decimal(1))
PAY_ON, NEXT = date(2026, 4, 7), date(2026, 4, 9)


def usd(amount: str) -> Money:
    return Money(amount=Decimal(amount))


class Office:
    """Orders that are received and invoiced as ordered, in a process that posts them."""

    def __init__(self, store: Store) -> None:
        self.store, self.clock = store, Clock()
        self.process = Process(store.records, self.clock, lambda: USUAL)
        self.runs = PaymentRuns(store.records, store.measures, self.process, lambda: USUAL)

    async def buy(self, number: str, price: str, terms: Terms | None = None, **more: Any) -> Invoice:
        order = PurchaseOrder(
            order_number=f"PO-{number}", supplier_number="S1", ordered_on=DAY,
            lines=(OrderLine(number=1, item_number="M1", quantity=ONE, price=usd(price)),),
        )  # fmt: skip
        receipt = Receipt(
            receipt_number=f"R-{number}", order_number=order.order_number, supplier_number="S1", received_on=DAY,
            lines=(ReceiptLine(order_line_number=1, item_number="M1", quantity=ONE),),
        )  # fmt: skip
        invoice = Invoice(
            invoice_number=f"I-{number}", supplier_number="S1", invoiced_on=DAY, order_number=order.order_number,
            stated_total=usd(price), terms=terms,
            lines=(InvoiceLine(number=1, item_number="M1", order_line_number=1, quantity=ONE, price=usd(price)),),
            **more,
        )  # fmt: skip
        for document in (order, receipt, invoice):
            await self.process.take(document)
        return invoice

    async def answered(self, invoice: Invoice, command: str, ok: bool, detail: str = "") -> None:
        self.clock.advance(timedelta(minutes=1))
        answer = PostingResult(
            dossier=f"order:{invoice.order_number}", command=command, subject_kind="Invoice", ok=ok,
            subject_key=invoice.natural_key, command_key=f"{command}:{invoice.natural_key}{detail}",
            system="archive" if "archive" in command else "erp", answered_at=self.clock.now(),
            reference="V-1" if ok else None, code=None if ok else "E1",
        )  # fmt: skip
        await self.process.answered(answer)

    async def posted(self, invoice: Invoice, command: str = "post_invoice") -> None:
        answer = PostingResult(
            dossier=f"order:{invoice.order_number}", command=command, subject_kind="Invoice",
            subject_key=invoice.natural_key, ok=True, answered_at=self.clock.now(), reference="V-1",
        )  # fmt: skip
        await self.process.take(answer)

    async def run(self, number: str = "RUN-1", pay_on: date = PAY_ON, next_run: date = NEXT) -> dict[str, str]:
        """Invoice to amount of what the run pays."""
        run = await self.runs.propose(number, pay_on, next_run, RunRules())
        return {line.invoice_number: str(line.pays.amount) for line in run.lines}

    async def master(self) -> None:
        """The supplier, as its system of record has it."""
        await self.process.take(Supplier(supplier_number="S1", name="Alder"))

    async def held_because(self, payment: Payment) -> list[str]:
        """Beside what is asked of the account."""
        state = (await self.store.records.load(f"payment:{payment.payment_number}")).state
        found: list[str] = msgspec.json.decode(state)["held_because"]
        return [one for one in found if one != "bank_account_unknown"]

    async def cases(self, payment: Payment) -> list[str]:
        """Of exceptions that money may be paid twice."""
        found = await self.store.records.cases(CaseQuery(states=("open",)))
        return [one.type for one in found if payment.payment_number in one.dossier and "twice" in one.type]

    async def payments(self, number: str) -> list[Payment]:
        rows = await self.store.measures.measured(
            "SELECT key FROM p2p_milestones WHERE what = 'payment_created' AND key LIKE :like", {"like": f"{number}%"}
        )
        found = await self.runs._known(Payment, [key for (key,) in rows])
        return list(found.values())


def returned(invoice: Invoice) -> Receipt:
    """All of it went back to the supplier."""
    return Receipt(
        receipt_number="RET-1", order_number=invoice.order_number or "", supplier_number="S1", received_on=DAY,
        receipt_kind=ReceiptKind.RETURN, lines=(ReceiptLine(order_line_number=1, item_number="M1", quantity=ONE),),
    )  # fmt: skip


@pytest.fixture
def office(store: Store) -> Office:
    return Office(store)


async def test_only_what_the_erp_took_is_paid_and_one_payment_pays_its_supplier(office: Office) -> None:
    for number in ("1", "2"):
        await office.posted(await office.buy(number, "100.00"))
    await office.buy("3", "55.00")  # matched, and not posted yet

    assert await office.run() == {"I-1": "100.00", "I-2": "100.00"}

    (payment,) = await office.payments("RUN-1")
    assert (payment.amount, payment.state, payment.run_number) == (usd("200.00"), PaymentProgress.PROPOSED, "RUN-1")


async def test_the_same_run_is_told_again_and_a_later_one_pays_nothing_twice(office: Office) -> None:
    await office.posted(await office.buy("1", "100.00"))
    first = await office.run()
    await office.posted(await office.buy("2", "70.00"))

    assert await office.run() == first
    assert await office.run("RUN-2") == {"I-2": "70.00"}
    assert await office.run("RUN-3") == {}


async def test_a_run_that_was_cut_off_before_its_payments_goes_on_with_the_same_ones(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await office.posted(await office.buy("1", "100.00"))
    take = office.process.take

    async def fails_at_payments(document: Any, *rest: Any, **more: Any) -> None:
        if isinstance(document, Payment):
            raise StoreError("the store refuses")
        await take(document, *rest, **more)

    monkeypatch.setattr(office.process, "take", fails_at_payments)
    with pytest.raises(StoreError):
        await office.run()
    monkeypatch.setattr(office.process, "take", take)
    await office.posted(await office.buy("2", "70.00"))

    assert await office.run() == {"I-1": "100.00"}
    assert [one.amount for one in await office.payments("RUN-1")] == [usd("100.00")]


async def test_a_payment_that_went_on_is_not_put_back_to_proposed(office: Office) -> None:
    await office.posted(await office.buy("1", "100.00"))
    await office.run()
    (payment,) = await office.payments("RUN-1")
    await office.process.take(payment.model_copy(update={"state": PaymentProgress.APPROVED, "approved_by": "anna"}))

    await office.run()

    assert [one.state for one in await office.payments("RUN-1")] == [PaymentProgress.APPROVED]


async def test_what_came_back_from_the_bank_is_paid_by_the_next_run(office: Office) -> None:
    await office.posted(await office.buy("1", "100.00"))
    await office.run()
    (payment,) = await office.payments("RUN-1")
    await office.process.take(payment.model_copy(update={"state": PaymentProgress.TRANSMITTED}))
    report = BankStatusReport(
        report_number="F1", source=ReportSource.ACH_RETURN, state=BankState.RETURNED, reason_code="R02",
        payment_number=payment.payment_number, reported_at=datetime(2026, 4, 8, tzinfo=UTC),
    )  # fmt: skip
    assert await office.run("RUN-2") == {}

    await office.process.take(report)

    assert await office.run("RUN-3") == {"I-1": "100.00"}


def part_of(payment: Payment, amount: str, state: PaymentProgress = PaymentProgress.TRANSMITTED) -> Payment:
    """As the ERP made it: it pays no more than this of its only invoice."""
    (part,) = payment.invoices
    parts = (part.model_copy(update={"amount": usd(amount)}),)
    return payment.model_copy(update={"state": state, "amount": usd(amount), "invoices": parts})


async def test_what_a_payment_left_of_an_invoice_is_paid_by_the_next_run_and_what_came_back_of_it_too(
    office: Office,
) -> None:
    await office.posted(await office.buy("1", "100.00"))
    await office.run()
    (payment,) = await office.payments("RUN-1")
    await office.process.take(part_of(payment, "60.00"))

    assert await office.run("RUN-2") == {"I-1": "40.00"}
    assert await office.run("RUN-3") == {}

    (rest,) = await office.payments("RUN-2")
    assert await office.cases(rest) == []
    await office.process.take(payment.model_copy(update={"state": PaymentProgress.VOIDED}))
    assert await office.run("RUN-4") == {"I-1": "60.00"}


async def test_what_is_paid_by_its_receipt_and_in_part_is_paid_on_by_the_next_run(office: Office) -> None:
    line = OrderLine(number=1, item_number="M1", quantity=ONE, price=usd("100.00"))
    part = ReceiptLine(order_line_number=1, item_number="M1", quantity=ONE)
    bought = {"order_number": "PO-1", "supplier_number": "S1"}
    await office.process.take(PurchaseOrder(**bought, ordered_on=DAY, lines=(line,), evaluated_receipt=True))
    await office.process.take(Receipt(**bought, receipt_number="R-1", received_on=DAY, lines=(part,)))
    for source in ("receipts", "inspections", "orders"):
        await office.process.told_until(source, office.clock.now() + timedelta(days=1))
    office.clock.advance(timedelta(days=1))
    await office.process.look()
    (given,) = [one.command for one in await office.store.records.given(0, ("post_invoice",), 9)]
    await office.posted(Invoice.model_validate_json(given.body))

    assert await office.run() == {"ERS-R-1": "100.00"}
    (payment,) = await office.payments("RUN-1")
    await office.process.take(part_of(payment, "60.00"))

    assert await office.run("RUN-2") == {"ERS-R-1": "40.00"}


async def test_what_speaks_against_an_invoice_after_its_payment_was_proposed_holds_it_until_people_looked(
    office: Office,
) -> None:
    await office.master()
    invoice = await office.buy("1", "100.00")
    await office.posted(invoice)
    await office.run()
    (payment,) = await office.payments("RUN-1")
    assert await office.held_because(payment) == []

    office.clock.advance(timedelta(minutes=1))
    await office.process.take(returned(invoice))
    assert await office.held_because(payment) == ["invoice_in_question"]

    (case,) = await office.store.records.cases(CaseQuery(type="decided_otherwise_since"))
    act = CaseAction(
        action_number="1", case_id=case.case_id, dossier=case.dossier, action=CaseVerb.ACCEPT, who="ana",
        at=office.clock.now(), reason="its credit follows", case_type=case.type, place=invoice.natural_key,
    )  # fmt: skip
    await office.process.take(act, who="ana")
    assert await office.held_because(payment) == []


async def test_what_the_erp_took_out_of_a_payment_is_paid_by_the_next_run_and_not_held_as_paid_twice(
    office: Office,
) -> None:
    for number in ("1", "2"):
        await office.posted(await office.buy(number, "100.00"))
    await office.run()
    (payment,) = await office.payments("RUN-1")
    kept = payment.invoices[:1]
    await office.process.take(
        payment.model_copy(update={"state": PaymentProgress.APPROVED, "invoices": kept, "amount": usd("100.00")})
    )

    assert await office.run("RUN-2") == {"I-2": "100.00"}

    (rest,) = await office.payments("RUN-2")
    assert await office.cases(rest) == []


async def test_a_discount_that_was_taken_is_not_paid_by_a_later_run(office: Office) -> None:
    terms = Terms(net_days=30, discount_percent=Decimal(2), discount_days=40)
    await office.posted(await office.buy("1", "100.00", terms))

    assert await office.run() == {"I-1": "98.00"}
    assert await office.run("RUN-2") == {}

    (payment,) = await office.payments("RUN-1")
    await office.process.take(payment.model_copy(update={"state": PaymentProgress.SETTLED}))
    assert await office.run("RUN-3") == {}


async def test_the_ledgers_word_holds_until_it_takes_it_back(office: Office) -> None:
    invoice = await office.buy("1", "100.00")
    await office.posted(invoice)
    status = PaymentStatus(
        supplier_number="S1", invoice_number=invoice.invoice_number, state=PaymentState.PAID, amount_due=usd("0"),
        as_of=DAY,
    )  # fmt: skip
    await office.process.take(status)
    assert await office.run() == {}

    due = {"state": PaymentState.PARTLY_PAID, "amount_due": usd("30.00")}
    await office.process.take(status.model_copy(update=due))

    assert await office.run("RUN-2") == {"I-1": "30.00"}


async def test_a_credit_lowers_what_its_supplier_is_paid(office: Office) -> None:
    first = await office.buy("1", "100.00")
    await office.posted(first)
    await office.process.take(returned(first))
    credit = first.model_copy(update={"invoice_number": "C-1", "invoice_kind": InvoiceKind.CREDIT_MEMO})
    await office.process.take(credit)
    await office.posted(credit)
    await office.posted(await office.buy("2", "130.00"))

    assert await office.run() == {"I-1": "100.00", "C-1": "-100.00", "I-2": "130.00"}
    assert [one.amount for one in await office.payments("RUN-1")] == [usd("130.00")]


async def test_an_invoice_taken_back_in_the_erp_is_not_paid(office: Office) -> None:
    invoice = await office.buy("1", "100.00")
    await office.posted(invoice)
    await office.posted(invoice, "undo_post_invoice")

    assert await office.run() == {}


async def test_an_invoice_that_was_taken_back_and_posted_anew_is_paid(office: Office) -> None:
    two = {"command": "post_invoice", "steps": [
        {"command": "post_invoice", "system": "erp", "undone_by": "undo_post_invoice"},
        {"command": "archive_invoice", "system": "archive"},
    ]}  # fmt: skip
    policies = Policies(postings=Postings.model_validate({"plans": [two]}))
    office.process = Process(office.store.records, office.clock, lambda: policies)
    invoice = await office.buy("1", "100.00")
    steps = [("post_invoice", True), ("archive_invoice", False), ("undo_post_invoice", True)]
    for command, ok in steps:
        await office.answered(invoice, command, ok)
    assert await office.run() == {}

    (case,) = await office.store.records.cases(CaseQuery())
    again = CaseAction(
        action_number="1", case_id=case.case_id, dossier=case.dossier, action=CaseVerb.REMATCH, who="ana",
        at=office.clock.now(), reason="it is back", case_type=case.type, place=f"Invoice/{invoice.natural_key}",
    )  # fmt: skip
    await office.process.take(again, who="ana")
    for command in ("post_invoice", "archive_invoice"):
        await office.answered(invoice, command, True, ":try-2")

    assert await office.run("RUN-2") == {"I-1": "100.00"}


@pytest.mark.parametrize(
    ("terms", "pay_on", "pays"),
    [
        (None, date(2026, 3, 5), {}),  # 30 days are usual
        (Terms(net_days=5), date(2026, 3, 5), {"I-1": "100.00"}),
        (Terms(net_days=30, discount_percent=Decimal(2), discount_days=4), date(2026, 3, 5), {"I-1": "98.00"}),
    ],
    ids=["not due", "due", "discount"],
)
async def test_terms_say_when_and_how_much(office: Office, terms: Terms | None, pay_on: date, pays: Any) -> None:
    await office.posted(await office.buy("1", "100.00", terms))

    assert await office.run("RUN-1", pay_on, date(2026, 3, 10)) == pays


async def test_what_is_left_is_told_with_its_reason(office: Office) -> None:
    await office.posted(await office.buy("1", "100.00"))
    await office.run("RUN-1", date(2026, 3, 5), date(2026, 3, 10))

    run = (await office.runs._known(PaymentRun, ["RUN-1"]))["RUN-1"]

    assert [(one.invoice_number, one.why) for one in run.left] == [("I-1", "not_due")]
