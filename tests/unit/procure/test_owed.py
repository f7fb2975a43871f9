"""What a later run may still pay of an invoice that was paid in part: all that is owed, and never more."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from engine.canonical import Money, PaidInvoice, Payment, PaymentProgress, PaymentState, PaymentStatus
from engine.procure.payments.owed import still_owed
from engine.procure.payments.run import Payable

P = PaymentProgress
EARLY, LATE = date(2026, 4, 7), date(2026, 4, 20)


def money(amount: str, currency: str = "USD") -> Money:
    return Money(amount=Decimal(amount), currency=currency)


def asked(amount: str = "100.00", discount: str | None = "2.00", currency: str = "USD") -> Payable:
    return Payable(
        "S1", "I1", money(amount, currency), due_on=date(2026, 4, 30),
        discount=money(discount, currency) if discount else None, discount_on=date(2026, 4, 10) if discount else None,
    )  # fmt: skip


def paid(
    amount: str, discount: str | None = None, day: date = LATE, state: P = P.SETTLED, currency: str = "USD"
) -> Payment:
    off = money(discount, currency) if discount else None
    part = PaidInvoice(invoice_number="I1", amount=money(amount, currency), discount=off)
    other = PaidInvoice(invoice_number="I2", amount=money("7.00", currency))
    return Payment(
        payment_number=f"P-{amount}", supplier_number="S1", amount=part.amount + other.amount, pay_on=day, state=state,
        invoices=(part, other),
    )  # fmt: skip


def told(state: PaymentState, due: str | None = None, day: date = LATE) -> PaymentStatus:
    left = money(due) if due is not None else None
    return PaymentStatus(supplier_number="S1", invoice_number="I1", state=state, amount_due=left, as_of=day)


def owed(one: Payable, *live: Payment, ledger: PaymentStatus | None = None) -> str | None:
    found = still_owed(one, live, ledger)
    return None if found is None else str(found.amount.amount)


@pytest.mark.parametrize(
    ("live", "left"),
    [
        ((), "100.00"),
        ((paid("60.00"),), "40.00"),
        ((paid("60.00"), paid("39.99")), "0.01"),
        ((paid("60.00"), paid("40.00")), None),
        ((paid("120.00"),), None),  # too much was paid: nothing is owed, and nothing comes back by a run
        ((paid("49.00", "1.00", EARLY),), "50.00"),  # a discount that was taken is paid
        ((paid("98.00", "2.00", EARLY),), None),
        ((paid("98.00", None, EARLY),), None),  # in time and short by the discount: it was taken, though nobody says so
        ((paid("98.00", None, LATE),), "2.00"),  # too late for it
        ((paid("97.00", None, EARLY),), "3.00"),
    ],
)
def test_what_payments_leave_of_an_invoice_is_owed(live: tuple[Payment, ...], left: str | None) -> None:
    assert owed(asked(), *live) == left


def test_what_another_currency_paid_of_it_is_for_people_to_count() -> None:
    assert owed(asked(), paid("60.00", currency="EUR")) is None


def test_what_was_used_of_a_credit_is_not_used_again() -> None:
    assert owed(asked("-50.00", None), paid("-20.00")) == "-30.00"
    assert owed(asked("-50.00", None), paid("-50.00")) is None


@pytest.mark.parametrize(
    ("ledger", "live", "left"),
    [
        (told(PaymentState.OPEN, "100.00"), (), "100.00"),
        (told(PaymentState.PARTLY_PAID, "40.00"), (), "40.00"),  # paid by what nobody told of
        (told(PaymentState.PARTLY_PAID, "40.00"), (paid("60.00"),), "40.00"),
        (told(PaymentState.PARTLY_PAID, "40.00"), (paid("40.00", state=P.PROPOSED),), None),  # not in its books yet
        (told(PaymentState.PARTLY_PAID, "40.00", EARLY), (paid("25.00"),), "15.00"),  # paid after its word
        (told(PaymentState.PAID, "0.00"), (paid("60.00"),), None),
        (told(PaymentState.CANCELLED), (), None),
        (told(PaymentState.UNKNOWN), (paid("60.00"),), "40.00"),
    ],
)
def test_no_more_is_owed_than_the_ledger_says_is_due(
    ledger: PaymentStatus, live: tuple[Payment, ...], left: str | None
) -> None:
    assert owed(asked(), *live, ledger=ledger) == left


def test_a_part_of_which_the_ledger_does_not_say_how_much_is_held() -> None:
    found = still_owed(asked(), (), told(PaymentState.PARTLY_PAID))

    assert found is not None
    assert found.holds == ("ledger_partly_paid",)


def test_the_rest_earns_its_part_of_the_discount_in_the_currencys_own_money() -> None:
    rest = still_owed(asked(), (paid("49.00", "1.00", EARLY),), None)
    yen = still_owed(asked("999", "20", "JPY"), (paid("500", currency="JPY"),), None)

    assert (rest and rest.discount, yen and yen.discount) == (money("1.00"), money("10", "JPY"))


def test_no_more_discount_is_taken_than_there_was() -> None:
    rest = still_owed(asked(), (paid("48.00", "2.00", EARLY),), None)

    assert rest is not None
    assert rest.discount == money("0.00")
