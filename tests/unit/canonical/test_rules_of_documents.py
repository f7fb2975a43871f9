"""Rules that single documents keep by themselves: dates, units, prices, signs, keys."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from pydantic import ValidationError

from engine.canonical import (
    BankStatusReport,
    Budget,
    ChangeBy,
    Contract,
    ContractLine,
    CostCenter,
    Item,
    Money,
    OrderChange,
    PurchaseOrder,
    Receipt,
    UnitConversion,
)
from engine.canonical.examples import EXAMPLES


@pytest.mark.parametrize(
    ("first", "last", "day", "holds"),
    [
        (None, None, date(2026, 1, 1), True),
        (date(2026, 1, 1), None, date(2025, 12, 31), False),
        (date(2026, 1, 1), None, date(2026, 1, 1), True),
        (None, date(2026, 1, 1), date(2026, 1, 1), True),
        (None, date(2026, 1, 1), date(2026, 1, 2), False),
        (date(2026, 1, 1), date(2026, 1, 1), date(2026, 1, 1), True),
    ],
)
def test_both_days_are_within(first: date | None, last: date | None, day: date, holds: bool) -> None:
    assert CostCenter(cost_center="6100", name="OR", valid_from=first, valid_to=last).is_valid_on(day) is holds


def test_days_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(ValidationError, match="valid_to is before valid_from"):
        CostCenter(cost_center="1", name="OR", valid_from=date(2026, 2, 1), valid_to=date(2026, 1, 1))


def test_a_conversion_is_an_exact_fraction_and_has_no_usual_value() -> None:
    third = UnitConversion(from_unit="EA", to_unit="PK", numerator=1, denominator=3)

    assert third.factor * 3 == Fraction(1)
    with pytest.raises(ValidationError, match="numerator"):
        UnitConversion.model_validate({"from_unit": "CA", "to_unit": "EA"})


@pytest.mark.parametrize(("amount", "price"), [("1", "10"), ("9.99", "10"), ("10", "9"), ("49", "9"), ("50", "8")])
def test_the_highest_break_reached_sets_the_price(amount: str, price: str) -> None:
    breaks = [{"minimum": "50", "price": {"amount": "8"}}, {"minimum": "10", "price": {"amount": "9"}}]
    line = ContractLine.model_validate({"number": 1, "unit": "EA", "price": {"amount": "10"}, "breaks": breaks})

    assert line.price_for(Decimal(amount)) == Money(amount=Decimal(price))


@pytest.mark.parametrize("part", ["lines", "members"])
def test_a_contract_with_a_tier_that_it_does_not_have_is_refused(part: str) -> None:
    contract: dict[str, Any] = dict(EXAMPLES["Contract"])
    contract[part] = [{**contract[part][0], "tier": "9"}]

    with pytest.raises(ValidationError, match="tier"):
        Contract.model_validate(contract)


@pytest.mark.parametrize(
    ("more", "sign"), [({}, 1), ({"receipt_kind": "return"}, -1), ({"receipt_kind": "return", "cancelled": True}, 0)]
)
def test_a_return_counts_below_zero_and_a_cancelled_receipt_for_nothing(more: dict[str, Any], sign: int) -> None:
    assert Receipt.model_validate({**EXAMPLES["Receipt"], **more}).sign == sign


def test_accepted_is_in_the_unit_that_came() -> None:
    line = {"order_line_number": 1, "item_number": "M1", "quantity": {"amount": "1", "unit": "BX"}}

    with pytest.raises(ValidationError, match="unit"):
        Receipt.model_validate({**EXAMPLES["Receipt"], "lines": [{**line, "accepted": {"amount": "6", "unit": "EA"}}]})


def test_changes_of_both_sides_have_keys_of_their_own() -> None:
    ours = OrderChange.model_validate(EXAMPLES["OrderChange"])
    theirs = ours.model_copy(update={"changed_by": ChangeBy.SUPPLIER})

    assert ours.natural_key != theirs.natural_key
    assert (ours.cancels, ours.model_copy(update={"purpose": "01"}).cancels) == (False, True)


def test_reports_of_two_banks_with_one_number_are_two() -> None:
    report = BankStatusReport.model_validate(EXAMPLES["BankStatusReport"])

    assert report.natural_key != report.model_copy(update={"bank": "First"}).natural_key


def test_a_budget_of_one_account_is_not_that_of_all() -> None:
    budget = Budget.model_validate(EXAMPLES["Budget"])

    assert budget.natural_key == "cost_center/6100/2026-11"
    assert budget.model_copy(update={"natural_account": "5100"}).natural_key == "cost_center/6100/5100/2026-11"


def test_documents_of_before_still_read() -> None:
    order = {"order_number": "1", "supplier_number": "S", "ordered_on": "2026-01-01"}
    line = {"number": 1, "item_number": "M", "quantity": {"amount": "1"}, "price": {"amount": "2"}}

    assert PurchaseOrder.model_validate({**order, "lines": [line]}).total == Money(amount=Decimal("2.00"))
    assert Item(item_number="M", description="Glove").conversions == ()
