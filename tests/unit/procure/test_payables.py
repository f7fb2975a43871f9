"""A run as a document: one payment a payee and currency, credits within it, nothing paid that comes to nothing."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from engine.canonical import Money
from engine.procure.payments.payables import payments_of, run_of
from engine.procure.payments.run import Chosen, Left, Payable, Run

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
