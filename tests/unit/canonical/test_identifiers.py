"""Identifiers: what a check digit can find is found; what it cannot is checked by shape."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.canonical import Identifier
from engine.canonical.identifiers import (
    Dea,
    Duns,
    Gln,
    Gtin,
    Hin,
    Lic,
    Ndc,
    Sscc,
    TypedIdentifier,
    Uei,
    Unspsc,
    identifier_fault,
    typed_identifier,
)
from engine.canonical.identifiers.check_digits import (
    HIBC_CHARACTERS,
    dea_check_digit,
    gs1_check_digit,
    hibc_check_character,
)
from engine.core.errors import DataTypeError


def digits(count: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=count, max_size=count)


@pytest.mark.parametrize("value", ["96385074", "036000291452", "4006381333931", "10614141000415", "51022222233336"])
def test_gtins_of_every_length_are_accepted(value: str) -> None:
    assert Gtin.of(value).value == value


@pytest.mark.parametrize(
    ("cls", "text", "value"),
    [
        (Gln, "061414 1000012", "0614141000012"),
        (Sscc, "1 0614141 2345678900", None),
        (Sscc, "106141412345678908", "106141412345678908"),
        (Dea, "AB1234563", "AB1234563"),
        (Dea, "f91234563", "F91234563"),
        (Dea, "AB1234564", None),
        (Duns, "08-021-4466", "080214466"),
        (Duns, "8021446", None),
        (Unspsc, "42311500", "42311500"),
        (Unspsc, "02311500", None),
        (Hin, "1mk9nr7f1", "1MK9NR7F1"),
        (Hin, "1MK9NR7", "1MK9NR7"),
        (Hin, "1MK9NR7F", None),
        (Uei, "ZQGGHJH74DW7", "ZQGGHJH74DW7"),
        (Uei, "OQGGHJH74DW7", None),
        (Lic, "A123", "A123"),
        (Lic, "1A23", None),
        (Gln, "", None),
        (Gln, "٠٦١٤١٤١٠٠٠٠١٢", None),
    ],
)
def test_each_kind_is_taken_in_its_shape_only(cls: type[TypedIdentifier], text: str, value: str | None) -> None:
    if value is None:
        with pytest.raises(DataTypeError):
            cls.of(text)
    else:
        assert cls.of(text).value == value


# ------------------------------------------------------------------ what a check digit promises
def _gs1(count: int) -> st.SearchStrategy[str]:
    return digits(count - 1).map(lambda text: text + gs1_check_digit(text))


def _dea_numbers() -> st.SearchStrategy[str]:
    return digits(6).map(lambda text: "BC" + text + dea_check_digit(text))


def _right(cls: type[TypedIdentifier]) -> st.SearchStrategy[str]:
    if cls is Dea:
        return _dea_numbers()
    return st.sampled_from({Gtin: [8, 12, 13, 14], Gln: [13], Sscc: [18]}[cls]).flatmap(_gs1)


@pytest.mark.parametrize("cls", [Gtin, Gln, Sscc])
@given(data=st.data())
def test_one_wrong_digit_is_always_found(cls: type[TypedIdentifier], data: st.DataObject) -> None:
    right = data.draw(_right(cls))
    place = data.draw(st.integers(0, len(right) - 1))
    other = data.draw(st.sampled_from(sorted(set("0123456789") - {right[place]})))
    wrong = right[:place] + other + right[place + 1 :]

    assert cls.of(right).value == right
    with pytest.raises(DataTypeError) as told:
        cls.of(wrong, "PO107")
    assert "check digit" in told.value.what
    assert wrong not in str(told.value)


@given(_dea_numbers(), st.integers(1, 9), st.sampled_from([2, 4, 6, 8]))
def test_one_wrong_digit_of_a_dea_number_is_found_where_it_counts_once(right: str, by: int, place: int) -> None:
    wrong = right[:place] + str((int(right[place]) + by) % 10) + right[place + 1 :]

    with pytest.raises(DataTypeError):
        Dea.of(wrong)


@given(st.text(HIBC_CHARACTERS, min_size=1, max_size=40), st.data())
def test_one_wrong_character_of_an_hibc_changes_its_check_character(text: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from(sorted(set(HIBC_CHARACTERS) - {text[place]})))

    changed = hibc_check_character(text[:place] + other + text[place + 1 :])
    assert changed != hibc_check_character(text)


# ------------------------------------------------------------------ NDC
@pytest.mark.parametrize(
    ("given_text", "eleven"),
    [("1234-5678-90", "01234567890"), ("12345-678-90", "12345067890"), ("12345-6789-0", "12345678900")],
)
def test_ten_digits_with_hyphens_become_eleven(given_text: str, eleven: str) -> None:
    assert Ndc.of(given_text).value == eleven
    assert Ndc.of(f"NDC {given_text}").value == eleven


def test_ten_bare_digits_are_refused_with_the_forms_that_must_be_named() -> None:
    with pytest.raises(DataTypeError) as told:
        Ndc.of("1234567890", "PO107")

    assert "4-4-2, 5-3-2 and 5-4-1" in str(told.value)
    assert Ndc.of("1234567890", form="5-3-2").hyphenated == "12345-0678-90"


@given(digits(10), st.sampled_from(["4-4-2", "5-3-2", "5-4-1"]))
def test_ten_digits_come_back_in_their_form(ten: str, form: str) -> None:
    code = Ndc.of(ten, form=form)  # type: ignore[arg-type]

    assert code.ten(form).replace("-", "") == ten  # type: ignore[arg-type]
    assert Ndc.of(code.hyphenated) == code


def test_eleven_digits_that_fit_two_forms_need_the_form() -> None:
    code = Ndc.of("01234056700")

    with pytest.raises(DataTypeError) as told:
        code.ten()
    assert told.value.what == "these forms fit: 4-4-2, 5-3-2, 5-4-1"
    assert code.ten("5-3-2") == "01234-567-00"


def test_eleven_digits_that_fit_no_form_are_told() -> None:
    with pytest.raises(DataTypeError):
        Ndc.of("12345678912").ten()


@pytest.mark.parametrize("text", ["123-4567-890", "12345-678-901", "1234567890123", "ABCD-5678-90", "--", ""])
def test_what_is_no_ndc_is_refused(text: str) -> None:
    with pytest.raises(DataTypeError):
        Ndc.of(text)


# ------------------------------------------------------------------ as documents carry them
def test_an_identifier_of_a_document_becomes_the_value_of_its_list() -> None:
    assert typed_identifier(Identifier(scheme="GLN", value="0614141000012")) == Gln.of("0614141000012")
    assert typed_identifier(Identifier(scheme="UPC", value="036000291452")) == Gtin.of("036000291452")
    assert typed_identifier(Identifier(scheme="VENDOR_ITEM", value="anything")) is None


@pytest.mark.parametrize(
    ("scheme", "value", "fault"),
    [
        ("GLN", "0614141000013", "the check digit of the GLN is wrong"),
        ("GTIN", "12", "not the digits of a GTIN"),
        ("GTIN", "10614141000415", None),
        ("PI", "12", None),
    ],
)
def test_a_fault_is_told_in_words_without_the_value(scheme: str, value: str, fault: str | None) -> None:
    assert identifier_fault(Identifier(scheme=scheme, value=value)) == fault


@pytest.mark.parametrize("parse", [Gtin.of, Gln.of, Ndc.of, Dea.of, Unspsc.of, Hin.of])
@given(text=st.text(max_size=60))
def test_any_text_is_a_value_or_a_coded_refusal(parse: Callable[[str], TypedIdentifier], text: str) -> None:
    told = None
    try:
        assert parse(text).value
    except DataTypeError as error:
        told = error

    assert told is None or told.code == "F003"


def test_levels_of_a_class_of_goods() -> None:
    assert Unspsc.of("42311506").levels == ("42000000", "42310000", "42311500", "42311506")
    assert Unspsc.of("42310000").levels == ("42000000", "42310000")


def test_a_gtin_is_one_item_in_every_length() -> None:
    assert Gtin.of("036000291452").gtin_14 == "00036000291452"
    assert Gtin.of("10614141000415").packaging_level == 1
