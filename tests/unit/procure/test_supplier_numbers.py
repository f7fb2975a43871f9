"""Tax and bank numbers: the right ones pass, each wrong digit is found, and no word shows the number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.canonical import Supplier, TaxIdentifier, TaxIdentifierType
from engine.canonical.entity_names import normal_name
from engine.canonical.guarded import Guarded
from engine.procure.suppliers.names import Alike, alike, pairs
from engine.procure.suppliers.numbers import bic_fault, iban_fault, routing_fault, tax_fault
from tests.support.suppliers import ROUTING, named


@pytest.mark.parametrize("number", ROUTING)
def test_a_routing_number_with_its_check_digit_passes(number: str) -> None:
    assert routing_fault(number) is None


@given(place=st.integers(0, 8), digit=st.integers(0, 9), number=st.sampled_from(ROUTING))
def test_every_wrong_digit_of_a_routing_number_is_found(place: int, digit: int, number: str) -> None:
    wrong = number[:place] + str(digit) + number[place + 1 :]

    assert (routing_fault(wrong) is None) is (wrong == number)


@pytest.mark.parametrize(
    ("kind", "country", "value", "right"),
    [
        ("ein", "US", "12-3456789", True), ("ein", "US", "07-1234567", False), ("ein", "US", "12345678", False),
        ("ssn", "US", "219-09-9999", True), ("ssn", "US", "666-12-3456", False), ("ssn", "US", "900-12-3456", False),
        ("ssn", "US", "123-00-4567", False), ("ssn", "US", "123-45-0000", False),
        ("itin", "US", "912-70-1234", True), ("itin", "US", "912-93-1234", False), ("itin", "US", "812-70-1234", False),
        ("vat", "DE", "DE136695976", True), ("vat", "DE", "DE136695977", False),
        ("vat", "BE", "BE0411905847", True), ("vat", "BE", "BE0411905848", False),
        ("vat", "GB", "GB980780684", True), ("vat", "GB", "GB980780685", False),
        ("vat", "AT", "ATU13585627", True), ("other", "BR", "anything", True),
    ],
)  # fmt: skip
def test_a_tax_number_is_judged_by_the_rule_of_its_type(kind: str, country: str, value: str, right: bool) -> None:
    number = TaxIdentifier(type=TaxIdentifierType(kind), value=Guarded(value), country=country)

    found = tax_fault(number)

    assert (found is None) is right
    assert value not in (found or "")


def test_an_iban_and_a_bic_are_judged_by_form_and_check_digits() -> None:
    assert iban_fault("DE89 3704 0044 0532 0130 00") is None
    assert iban_fault("DE89 3704 0044 0532 0130 01") == "the check digits of the IBAN are wrong"
    assert iban_fault("DE89 3704") == "not the form of an IBAN"
    assert bic_fault("DEUTDEFF500") is None
    assert bic_fault("DEUT1") == "not the form of a BIC"


@pytest.mark.parametrize(
    ("name", "normal"),
    [
        ("The Acme-Medical Co., Inc.", "acme medical"), ("ACME MEDICAL LLC", "acme medical"),
        ("Müller & Söhne GmbH", "muller and sohne"), ("The Company", "the company"), ("St. Mary's Ltd", "st marys"),
    ],
)  # fmt: skip
def test_a_name_is_compared_without_legal_form_accents_and_punctuation(name: str, normal: str) -> None:
    assert normal_name(name) == normal


def test_suppliers_are_the_same_by_tax_number_or_name_never_by_remit_to() -> None:
    one, other = named("S1", "Acme Medical Inc", "12-3456789"), named("S2", "AMI Holding", "123456789")
    assert (found := alike(one, other)) is not None
    assert found.sure
    assert found.why == ("same_tax_number",)
    assert alike(named("S1", "Acme Medical"), named("S2", "ACME MEDICAL, LLC")) is not None
    assert alike(named("S1", "Acme Medical", "12-3456789"), named("S2", "Acme Medical", "12-3456780")) is None
    assert alike(named("S1", "Acme", lockbox="Box 7"), named("S2", "Zenith", lockbox="Box 7")) is None
    assert [(p.one, p.other) for p in pairs([one, other, named("S3", "Other")])] == [("S1", "S2")]


def test_a_sole_proprietors_two_tax_numbers_do_not_tell_two_entities_apart() -> None:
    def smith(number: str, kind: TaxIdentifierType, value: str) -> Supplier:
        tax = TaxIdentifier(type=kind, value=Guarded(value))
        return Supplier(supplier_number=number, name="John Smith MD", tax_identifiers=(tax,))

    person = smith("S1", TaxIdentifierType.SSN, "123-45-6789")
    employer, other = (smith(f"S{n}", TaxIdentifierType.EIN, f"12-345678{n}") for n in (2, 3))

    assert alike(person, employer) == Alike("S1", "S2", ("same_name",))
    assert alike(employer, other) is None
