"""A run as a document: one payment a payee and currency, credits within it, nothing paid that comes to nothing."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from engine.canonical import Invoice, InvoiceLine, Money, Quantity, Supplier, Terms
from engine.procure.payments.payables import payments_of, run_of, terms_of
from engine.procure.payments.run import Chosen, Left, Payable, Run

DISCOUNT = Terms(discount_percent=Decimal(2), discount_days=10)
TODAY, NEXT = date(2026, 11, 24), date(2026, 11, 26)


def chosen(supplier: str, invoice: str, amount: str, currency: str = "USD", remit_to: str = "") -> Chosen:
    money = Money(amount=Decimal(amount), currency=currency)
    of = Payable(supplier, invoice, money, TODAY, remit_to=remit_to)
    return Chosen(of, money, None, "credit" if money.amount < 0 else "due")


def run(*parts: Chosen, left: tuple[Left, ...] = ()) -> Run:
    return Run(TODAY, parts, left)


def test_a_payee_is_a_supplier_a_remit_to_and_a_currency() -> None:
    parts = (chosen("S1", "A", "10"), chosen("S1", "B", "5"), chosen("S1", "C", "7", "EUR"),
             chosen("S1", "D", "9", remit_to="BOX"), chosen("S2", "A", "1"))  # fmt: skip

    payments = payments_of(run_of("R", run(*parts), NEXT))

    assert [(one.supplier_number, one.remit_to, one.amount.currency, one.amount.amount) for one in payments] == [
        ("S1", None, "EUR", Decimal(7)),
        ("S1", None, "USD", Decimal(15)),
        ("S1", "BOX", "USD", Decimal(9)),
        ("S2", None, "USD", Decimal(1)),
    ]
    assert len({one.payment_number for one in payments}) == 4


def test_credits_are_part_of_the_payment_that_they_lower() -> None:
    (payment,) = payments_of(run_of("R", run(chosen("S1", "A", "10"), chosen("S1", "C", "-4")), NEXT))

    assert payment.amount.amount == Decimal(6)
    assert [(one.invoice_number, one.amount.amount) for one in payment.invoices] == [("A", 10), ("C", -4)]


def test_what_comes_to_nothing_is_left_with_its_credits() -> None:
    made = run_of("R", run(chosen("S1", "A", "10"), chosen("S1", "C", "-10")), NEXT)

    assert payments_of(made) == []
    assert [(one.invoice_number, one.why) for one in made.left] == [("A", "credit_is_more"), ("C", "credit_is_more")]


def test_a_long_list_of_what_is_left_is_cut_and_counted() -> None:
    rest = tuple(Left(chosen("S1", str(n), "1").payable, "not_due") for n in range(1003))

    made = run_of("R", run(left=rest), NEXT)

    assert (len(made.left), made.left_out) == (1000, 3)


@pytest.mark.parametrize(
    ("own", "due_on", "days", "expected"),
    [
        (None, None, None, 30),
        (None, None, 45, 45),
        (DISCOUNT, None, 45, 45),  # a discount alone says nothing of when all is due
        (DISCOUNT, None, None, 30),
        (DISCOUNT, TODAY, 45, None),
        (Terms(net_days=10), None, 45, 10),
    ],
)
def test_what_an_invoice_leaves_open_is_due_as_its_supplier_or_as_usual(
    own: Terms | None, due_on: date | None, days: int | None, expected: int | None
) -> None:
    line = InvoiceLine(number=1, quantity=Quantity(amount=Decimal(1)), price=Money(amount=Decimal(10)))
    invoice = Invoice(
        invoice_number="I1", supplier_number="S1", invoiced_on=TODAY, lines=(line,), stated_total=line.extended,
        terms=own, due_on=due_on,
    )  # fmt: skip
    found = terms_of(invoice, Supplier(supplier_number="S1", name="Acme", payment_terms_days=days))

    assert (found.net_days, found.discount_days) == (expected, own.discount_days if own else None)
