"""What is paid on a day: what is due, what earns a discount, and nothing that is held."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.canonical import Invoice, InvoiceLine, Money, Quantity, Terms
from engine.procure.calendar import calendar_of
from engine.procure.payments.run import Payable, digest_of, payable_of, pays_off, rows_of, select
from engine.procure.policies import USUAL

TODAY, NEXT = date(2026, 11, 16), date(2026, 11, 23)


def usd(amount: str) -> Money:
    return Money(amount=Decimal(amount))


def due(days: int, amount: str = "100.00", number: str = "I1", **more: object) -> Payable:
    values = {"supplier_number": "S1", "invoice_number": number, "amount": usd(amount), **more}
    return Payable(due_on=TODAY + timedelta(days=days), **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(("days", "why"), [(-1, "overdue"), (0, "due"), (6, "due"), (7, "not_due"), (30, "not_due")])
def test_what_the_next_run_would_pay_too_late_is_paid_now(days: int, why: str) -> None:
    run = select([due(days)], TODAY, NEXT)

    assert [one.why for one in (*run.chosen, *run.left)] == [why]


def test_a_held_invoice_is_left_with_its_reasons() -> None:
    run = select([due(-5, holds=("bank_change_pending",))], TODAY, NEXT)

    assert (run.chosen, run.left[0].why, run.left[0].facts) == ((), "held", ("bank_change_pending",))


def test_two_percent_in_ten_days_is_taken_and_the_discount_is_not_paid() -> None:
    one = due(20, discount=usd("2.00"), discount_on=TODAY + timedelta(days=2))

    (chosen,) = select([one], TODAY, NEXT).chosen

    assert (chosen.why, chosen.pays, chosen.discount) == ("discount", usd("98.00"), usd("2.00"))


def test_a_discount_that_lasts_until_the_next_run_can_wait() -> None:
    one = due(20, discount=usd("2.00"), discount_on=NEXT)

    assert [left.why for left in select([one], TODAY, NEXT).left] == ["not_due"]


@pytest.mark.parametrize(("discount", "pays"), [("0.43", False), ("0.44", True), ("2.00", True)])
def test_a_discount_is_taken_when_it_earns_more_than_money_costs(discount: str, pays: bool) -> None:
    """8 % a year for 20 days of 100: 0.4365 of net 99.56."""
    one = due(20, discount=usd(discount), discount_on=TODAY)

    assert pays_off(one, TODAY) is pays


def test_at_the_limit_a_discount_pays_off() -> None:
    one = due(365, amount="101.00", discount=usd("1.00"), discount_on=TODAY)

    assert pays_off(one, TODAY, Fraction(1, 100))
    assert not pays_off(one, TODAY, Fraction(101, 10_000))


def test_a_lapsed_discount_is_not_taken() -> None:
    assert not pays_off(due(20, discount=usd("2.00"), discount_on=TODAY - timedelta(days=1)), TODAY)


def test_what_is_paid_now_in_any_case_takes_the_discount_that_it_still_has() -> None:
    (chosen,) = select([due(-3, discount=usd("2.00"), discount_on=NEXT)], TODAY, NEXT).chosen

    assert (chosen.why, chosen.pays) == ("discount", usd("98.00"))


def test_credits_lower_a_payment_but_never_below_nothing() -> None:
    run = select([due(0), due(0, "-40.00", "C1"), due(0, "-70.00", "C2")], TODAY, NEXT)

    assert run.totals == {"USD": usd("60.00")}
    assert [(one.payable.invoice_number, one.why) for one in run.left] == [("C2", "credit_is_more")]


def test_too_little_money_pays_the_most_overdue_first() -> None:
    run = select([due(3, number="A"), due(-9, number="B"), due(-3, number="C")], TODAY, NEXT, limit=usd("200.00"))

    assert [one.payable.invoice_number for one in run.chosen] == ["B", "C"]
    assert [one.why for one in run.left] == ["no_money_left"]


_MANY = st.lists(
    st.tuples(st.integers(-20, 40), st.integers(-5000, 90_000), st.booleans(), st.sampled_from(["S1", "S2"])),
    max_size=25,
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(_MANY, st.integers(0, 200_000))
def test_nothing_is_lost_nothing_held_is_paid_and_nobody_is_paid_less_than_nothing(
    many: list[tuple[int, int, bool, str]], limit: int
) -> None:
    payables = [
        due(days, str(Decimal(cents) / 100), f"I{n}", holds=("x",) if held else (), supplier_number=supplier)
        for n, (days, cents, held, supplier) in enumerate(many)
    ]

    run = select(payables, TODAY, NEXT, limit=usd(str(Decimal(limit) / 100)))

    assert sorted(one.payable.key for one in (*run.chosen, *run.left)) == sorted(one.key for one in payables)
    assert not any(one.payable.holds for one in run.chosen)
    for supplier in ("S1", "S2"):
        assert sum(one.pays.amount for one in run.chosen if one.payable.supplier_number == supplier) >= 0
    assert sum(one.pays.amount for one in run.chosen) <= Decimal(limit) / 100


def test_the_file_has_a_row_an_invoice_and_one_to_compare_with() -> None:
    run = select([due(0), due(0, "50.50", "I2")], TODAY, NEXT)

    rows = rows_of(run, "R7")

    assert [(row["invoice"], row["amount"], row["why"]) for row in rows] == [
        ("I1", "100.00", "due"), ("I2", "50.50", "due"), ("2", "150.50", "total"),
    ]  # fmt: skip
    assert digest_of(rows) != digest_of([{**rows[0], "amount": "100.01"}, *rows[1:]])


def test_terms_make_the_dates() -> None:
    line = InvoiceLine(number=1, quantity=Quantity(amount=Decimal(1)), price=usd("200.00"))
    invoice = Invoice(
        invoice_number="I1", supplier_number="S1", invoiced_on=TODAY, lines=(line,), stated_total=usd("200.00")
    )
    terms = Terms(net_days=30, discount_percent=Decimal(2), discount_days=10)

    found = payable_of(invoice, TODAY, terms, calendar_of(USUAL))

    assert (found.discount, found.discount_on, found.due_on) == (usd("4.00"), date(2026, 11, 26), date(2026, 12, 16))
