"""A month of two hospitals, small enough to be worked out by hand: what each measure says of it stands beside it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from engine.canonical import (
    BankState,
    BankStatusReport,
    CaseAction,
    CaseVerb,
    ChargeEvent,
    Consumption,
    ConsumptionLine,
    Disposition,
    Document,
    InventoryLevel,
    InventoryMovement,
    MovementKind,
    OrderAcknowledgement,
    PaidInvoice,
    Payment,
    PaymentProgress,
    PostingResult,
    ReconciliationReport,
    ReportSource,
    Requisition,
    RequisitionLine,
    Terms,
)
from engine.canonical.posting import Drift, DriftCause
from engine.ports.measures import Period
from engine.procure.process import Process
from engine.store.open import Store
from tests.support.connector_doubles import Clock
from tests.support.purchases import billed, invoice, of, order, ordered, receipt, usd

MARCH = Period(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))
AFTER = datetime(2026, 4, 2, tzinfo=UTC)
EXPECTED: dict[str, str | None] = {
    # I-1 waited 10 h for its receipt, I-2 a day for a person.
    "invoice_cycle_time": "17.00",
    "invoice_exception_rate": "50.00",
    "match_success_rate": "50.00",
    "manual_touch_rate": "50.00",
    # PO-2 24 h; four of R-1 6 h each; unverified payments 48, 72 and 96 h; the bank said nothing of P-2 for 24 h.
    "exception_resolution_time": "32.00",
    "exception_aging": "14.40",  # hours: 4 x 688 of R-2, 328 of P-2, 232 of P-3, 223 of the drift, 8 x 206 of U-1
    "exception_value": "131.00",  # 4 x 12 of R-2, 40 of P-2 that pays again, 40 of P-3, 3 of the drift
    "duplicates_held": "0.00",
    "reconciliation_effort": "50.00",
    "requisition_to_order": "6.00",
    "supplier_response_time": "24.00",
    "supplier_on_time": "50.00",  # PO-2 was needed on 12 March and came on 14 March
    "order_to_receipt": "8.50",  # 7 and 10 days
    "order_to_payment": "18.00",
    "procurement_cycle_time": "7.00",
    "contract_compliance": "44.44",  # 40 of 90
    "expected_spend": "12.00",
    "commitment": "0.00",
    "duplicate_payments": "1",
    "payment_accuracy": "66.67",  # P-3 came back
    "payment_status_accuracy": "66.67",  # when P-1 was settled, the bank should have told of P-2, too
    "days_to_pay": "11.50",  # 40.00 after 11 days, 40.00 after 12
    "discounts_taken": "50.00",
    "supplier_onboarding_time": None,
    "duplicate_suppliers": None,
    "supplier_sync_quality": None,
    "inventory_accuracy": "50.00",
    "stock_outs": "1",
    "charge_capture_time": "3.00",
    "usage_posting_time": None,
    "supply_utilisation": "75.00",
    "supply_margin": "100.00",
    "cost_allocation": "0.00",
    "failed_transactions": None,
    "delivery_latency": None,
    "posting_latency": "30.00",
    "sync_lag": None,
    "ledger_agreement": "90.00",
    "audit_traceability": "4.00",  # one of 25 versions
    "support_effort": None,
}


def at(day: int, hour: int = 8, minute: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


def happenings() -> list[tuple[datetime, Document, str | None]]:
    """When each came, and who made it."""
    found = [*_first_order(), *_second_order(), *_payments(), *_usage(), *_stock(), *_books()]
    return sorted(found, key=lambda one: one[0])


def _first_order() -> list[tuple[datetime, Document, str | None]]:
    line = RequisitionLine(number=1, item_number="M1", quantity=of("10"), anticipated_price=usd("4.00"))
    wish = Requisition(requisition_number="R-1", lines=(line,), facility="HARBOR", requested_on=date(2026, 3, 2))
    other = line.model_copy(update={"quantity": of("3")})
    unordered = Requisition(requisition_number="R-2", lines=(other,), facility="HARBOR", requested_on=date(2026, 3, 3))
    bought = order(
        ordered(contract_number="C1", contract_price=usd("4.00"), requisition_number="R-1", requisition_line_number=1),
        ordered_on=date(2026, 3, 2), needed_by=date(2026, 3, 10), facility="HARBOR", category="gloves",
        requisition_numbers=("R-1",),
    )  # fmt: skip
    answer = OrderAcknowledgement(
        order_number="PO-1", supplier_number="S1", acknowledged_on=date(2026, 3, 3), acknowledgement_type="AD"
    )
    terms = Terms(net_days=30, discount_amount=usd("0.80"), discount_days=10)
    bill = invoice(invoiced_on=date(2026, 3, 9), terms=terms)
    return [
        (at(2), wish, None), (at(3), unordered, None), (at(2, 14), bought, None), (at(3, 14), answer, None),
        (at(10), bill, None), (at(10, 18), _received("R-1", "PO-1", "S1", 9), None), (at(10, 18, 30), _posted(), None),
    ]  # fmt: skip


def _received(number: str, of_order: str, supplier: str, day: int) -> Document:
    came = {"order_number": of_order, "supplier_number": supplier, "received_on": date(2026, 3, day)}
    return receipt(number=number).model_copy(update=came)


def _posted() -> PostingResult:
    return PostingResult(
        dossier="order:PO-1", command="post_invoice", subject_kind="Invoice", subject_key="S1/I-1", ok=True,
        answered_at=at(10, 18, 30), reference="4711",
    )  # fmt: skip


def _second_order() -> list[tuple[datetime, Document, str | None]]:
    """Billed at 6 and ordered at 5: a person takes it a day later."""
    bought = order(
        ordered(price="5.00"), order_number="PO-2", supplier_number="S2", ordered_on=date(2026, 3, 4),
        needed_by=date(2026, 3, 12), facility="NORTH",
    )  # fmt: skip
    bill = invoice(
        billed(price="6.00"), number="I-2", supplier_number="S2", order_number="PO-2", invoiced_on=date(2026, 3, 14)
    )
    place, case = "S2/I-2/1", "order:PO-2#price_above_tolerance#S2/I-2/1"
    act = CaseAction(
        action_number="A-1", case_id=case, dossier="order:PO-2", action=CaseVerb.ACCEPT, who="b.berg", at=at(16),
        case_type="price_above_tolerance", place=place, reason="agreed",
    )  # fmt: skip
    return [
        (at(4), bought, None), (at(14), _received("R-2", "PO-2", "S2", 14), None), (at(15), bill, None),
        (at(16), act, "b.berg"),
    ]  # fmt: skip


def _payments() -> list[tuple[datetime, Document, str | None]]:
    """I-1 is paid twice; P-3 is returned by the bank."""
    first, second = _payment("P-1", "I-1", "0.40"), _payment("P-2", "I-1")
    third = _payment("P-3", "I-9")
    return [
        (at(18), first, None), (at(18), second, None), (at(18), third, None),
        (at(20), _bank("P-1", BankState.SETTLED, 20), None), (at(21), _bank("P-2", BankState.SETTLED, 21), None),
        (at(22), _bank("P-3", BankState.RETURNED, 22), None),
    ]  # fmt: skip


def _payment(number: str, pays: str, discount: str | None = None) -> Payment:
    part = PaidInvoice(invoice_number=pays, amount=usd("40.00"), discount=usd(discount) if discount else None)
    return Payment(
        payment_number=number, supplier_number="S1", amount=usd("40.00"), pay_on=date(2026, 3, 18),
        state=PaymentProgress.TRANSMITTED, invoices=(part,),
    )  # fmt: skip


def _bank(number: str, state: BankState, day: int) -> BankStatusReport:
    return BankStatusReport(
        report_number=f"B-{number}", source=ReportSource.CAMT_054, state=state, reported_at=at(day),
        payment_number=number, happened_on=date(2026, 3, day),
    )  # fmt: skip


def _usage() -> list[tuple[datetime, Document, str | None]]:
    line = ConsumptionLine(number=1, quantity=of("1"), item_number="M1")
    lines = [line.model_copy(update={"number": n}) for n in (1, 2, 3)]
    lines.append(line.model_copy(update={"number": 4, "disposition": Disposition.WASTED}))
    use = Consumption(
        consumption_number="U-1", used_at=at(23), lines=tuple(lines), facility="HARBOR", department="OR",
        visit_number="V-1",
    )  # fmt: skip
    charge = ChargeEvent(
        charge_number="C-1", charge_code="270", charged_at=at(23), quantity=of("1"), amount=usd("25.00"),
        item_number="M1", facility="HARBOR", department="OR", visit_number="V-1",
    )  # fmt: skip
    return [(at(23, 10), use, None), (at(23, 11), charge, None)]


def _stock() -> list[tuple[datetime, Document, str | None]]:
    """Five lie there; five go; the count finds none, as the books say; eight come, the next count finds seven."""
    level = InventoryLevel(item_number="M9", location="OR-1", on_hand=of("5"), as_of=at(5), facility="HARBOR")
    moves = (("M-1", MovementKind.ISSUE, "-5", 6), ("M-2", MovementKind.COUNT, "0", 7),
             ("M-3", MovementKind.RECEIPT, "8", 8), ("M-4", MovementKind.COUNT, "7", 9))  # fmt: skip
    moved = [
        (at(day, 9), InventoryMovement(movement_number=number, movement_kind=kind, item_number="M9", location="OR-1",
         quantity=of(amount), moved_at=at(day), facility="HARBOR"), None)
        for number, kind, amount, day in moves
    ]  # fmt: skip
    return [(at(5, 9), level, None), *moved]


def _books() -> list[tuple[datetime, Document, str | None]]:
    drift = Drift(cause=DriftCause.AMOUNT, subject_kind="Invoice", subject_key="S1/I-7", here=usd("5"), there=usd("2"))
    report = ReconciliationReport(
        system="erp", subject_kind="Invoice", period="2026-03", compared_at=at(22, 17), count_here=10, count_there=10,
        drifts=(drift,),
    )  # fmt: skip
    return [(at(22, 17), report, None)]


async def play(store: Store) -> Clock:
    """Through the real process. The clock stands at the beginning of April."""
    clock = Clock()
    process = Process(store.records, clock, lambda: None)
    for when, document, who in happenings():
        clock.moment = when
        await process.take(document, who=who)
    clock.moment = AFTER
    return clock


def shifted(period: Period, by: timedelta) -> Period:
    return Period(period.since + by, period.until + by)
