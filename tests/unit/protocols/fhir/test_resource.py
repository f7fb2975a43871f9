"""A resource keeps every digit, and what cannot be read is refused by its place."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import CharsetError, DataTypeError, IsthmusError, RequiredFieldError, StructureError
from engine.protocols.fhir.resource import FhirResource, read_head, read_tree, write_tree

INVOICE = b"""{"resourceType": "Invoice", "id": "i-1", "meta": {"versionId": "3"},
 "totalNet": {"value": 10.10, "currency": "USD"}, "totalGross": {"value": 1200.000, "currency": "USD"},
 "identifier": [{"system": "urn:a", "value": "A-1"}, {"system": "urn:b", "value": "B-1"}]}"""


def test_digits_of_a_decimal_survive_reading_and_writing() -> None:
    tree = read_tree(INVOICE)

    assert str(tree["totalNet"]["value"]) == "10.10"
    assert b'"value":10.10,' in write_tree(tree)
    assert b'"value":1200.000,' in write_tree(tree)


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_any_decimal_comes_back_with_its_digits(number: Decimal) -> None:
    body = write_tree({"resourceType": "Basic", "value": number})
    again = read_tree(body)["value"]

    assert Decimal(again) == number
    assert isinstance(again, int) or str(again) == str(number)


def test_head_says_type_id_and_version() -> None:
    head = read_head(INVOICE)

    assert (head.resourceType, head.id, head.version_id) == ("Invoice", "i-1", "3")


def test_mark_before_utf_8_is_not_part_of_the_resource() -> None:
    marked = b"\xef\xbb\xbf" + INVOICE

    assert read_head(marked).id == "i-1"
    assert read_tree(marked) == read_tree(INVOICE)


@pytest.mark.parametrize(
    ("body", "error", "where"),
    [
        (b"{", StructureError, "line 1, column 2"),
        (b"[]", StructureError, None),
        (b'{"a": NaN}', StructureError, None),
        (b'{"a": "\xff"}', CharsetError, "byte 8"),
        (b'{"a": "\\ud800"}', CharsetError, None),
        (b'{"\\uDFFF": 1}', CharsetError, None),
        (b"[" * 100_000, StructureError, None),
        (b'{"a":' * 100_000, StructureError, None),
    ],
)
def test_what_is_no_resource_is_refused_by_its_place(body: bytes, error: type[IsthmusError], where: str | None) -> None:
    with pytest.raises(error) as caught:
        read_tree(body)

    assert caught.value.where == where


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b'{"id": "1"}', "resourceType"),
        (b'{"resourceType": 7}', "resourceType"),
        (b'{"resourceType": "../etc"}', "resourceType"),
        (b'{"resourceType": "Basic", "id": "a/b"}', "Basic.id"),
        (b'{"resourceType": "Basic", "meta": {"versionId": 3}}', "meta.versionId"),
    ],
)
def test_head_that_cannot_be_trusted_is_refused_by_its_place(body: bytes, where: str) -> None:
    with pytest.raises(StructureError) as caught:
        read_head(body)

    assert caught.value.where == where


@given(st.binary(max_size=200))
def test_no_bytes_do_more_than_be_refused(body: bytes) -> None:
    for read in (read_tree, read_head):
        try:
            read(body)
        except (StructureError, CharsetError):
            continue


def test_resource_is_read_by_path() -> None:
    invoice = FhirResource.parse(INVOICE)

    assert invoice.type == "Invoice"
    assert invoice.get("identifier.where(system='urn:b').value") == "B-1"
    assert invoice.number("Invoice.totalNet.value") == Decimal("10.10")
    assert invoice.all("identifier.value") == ("A-1", "B-1")
    assert invoice.get("Patient.id") is None
    assert invoice.encode() is INVOICE


def test_missing_or_wrong_values_are_told_by_their_path() -> None:
    invoice = FhirResource.parse(INVOICE)
    with pytest.raises(RequiredFieldError) as missing:
        invoice.require("recipient.reference")
    with pytest.raises(DataTypeError) as wrong:
        invoice.number("identifier[0].value")

    assert missing.value.where == "recipient.reference"
    assert wrong.value.where == "identifier[0].value"
    assert "A-1" not in str(wrong.value)


def test_escaped_pair_of_surrogates_is_one_character() -> None:
    assert read_tree(b'{"a": "\\ud83d\\ude00"}') == {"a": "\U0001f600"}
