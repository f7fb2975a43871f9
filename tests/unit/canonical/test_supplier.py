"""Suppliers: whose numbers are masked, and which accounts may be paid to."""

from __future__ import annotations

from datetime import date

import pytest
from pydantic import ValidationError

from engine.canonical import BankAccount, Guarded, Supplier, SupplierStatus, TaxIdentifier, TaxIdentifierType

ACCOUNT = "000111222333"


def _account(**more: object) -> BankAccount:
    return BankAccount.model_validate({"code": "ACH1", "account_number": ACCOUNT, **more})


def test_an_account_number_is_masked_wherever_it_is_printed() -> None:
    supplier = Supplier(supplier_number="S1", name="Aldine", bank_accounts=(_account(),))

    printed = f"{supplier} {supplier!r} {supplier.bank_accounts[0].account_number} %s" % (_account().account_number,)

    assert ACCOUNT not in printed
    assert "****2333" in printed


def test_an_account_number_is_whole_in_json_and_equal_to_its_text() -> None:
    account = _account()

    assert ACCOUNT in account.model_dump_json()
    assert account.account_number == ACCOUNT
    assert account.account_number is not None
    assert account.account_number.reveal() == ACCOUNT
    assert BankAccount.model_validate_json(account.model_dump_json()) == account


@pytest.mark.parametrize(("number", "shown"), [("1234567", "****"), ("12345678", "****5678"), ("1", "****")])
def test_of_a_short_number_nothing_is_shown(number: str, shown: str) -> None:
    assert str(Guarded(number)) == shown


def test_a_tax_number_is_masked_and_its_error_tells_no_value() -> None:
    tax = TaxIdentifier(type=TaxIdentifierType.SSN, value=Guarded("900-00-1234"))

    with pytest.raises(ValidationError) as refused:
        TaxIdentifier.model_validate({"type": "ssn", "value": "9" * 81})

    assert "900-00" not in repr(tax)
    assert "999" not in str(refused.value)


@pytest.mark.parametrize(
    ("changed_by", "verified_by", "verified_on", "is_verified"),
    [
        (None, None, None, False),
        ("ann", None, None, False),
        ("ann", "ann", date(2026, 11, 1), False),
        ("ann", "bob", None, False),
        ("ann", "bob", date(2026, 11, 1), True),
        (None, "bob", date(2026, 11, 1), True),
    ],
)
def test_an_account_is_verified_by_a_second_person(
    changed_by: str | None, verified_by: str | None, verified_on: date | None, is_verified: bool
) -> None:
    account = _account(changed_by=changed_by, verified_by=verified_by, verified_on=verified_on)

    assert account.is_verified is is_verified


@pytest.mark.parametrize("status", list(SupplierStatus))
def test_only_an_approved_supplier_that_is_active_may_be_paid(status: SupplierStatus) -> None:
    supplier = Supplier(supplier_number="S1", name="Aldine", status=status)

    assert supplier.may_be_paid is (status is SupplierStatus.APPROVED)
    assert not supplier.model_copy(update={"active": False}).may_be_paid


def test_a_supplier_of_before_is_approved_and_its_registered_name_is_its_name() -> None:
    supplier = Supplier.model_validate({"supplier_number": "S1", "name": "Aldine", "payment_terms_days": 30})

    assert (supplier.status, supplier.registered_name) == (SupplierStatus.APPROVED, "Aldine")
