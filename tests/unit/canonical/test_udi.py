"""Carriers of GS1, HIBCC and ICCBBA. The examples are those of the FDA and of ANSI/HIBC 2.6."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.canonical.identifiers import IssuingAgency, Udi, parse_udi
from engine.canonical.identifiers.check_digits import gs1_check_digit, hibc_check_character
from engine.core.errors import DataTypeError


def told(udi: Udi) -> dict[str, object]:
    return udi.model_dump(exclude_none=True, exclude={"raw", "agency"})


def checked(text: str) -> str:
    return text + hibc_check_character(text)


# ------------------------------------------------------------------ GS1
WHOLE = {
    "device_identifier": "51022222233336",
    "manufactured_on": date(2014, 12, 31),
    "expires_on": date(2015, 7, 7),
    "lot": "A213B1",
    "serial": "1234",
}


@pytest.mark.parametrize(
    "carrier",
    [
        "(01)51022222233336(11)141231(17)150707(10)A213B1(21)1234",
        "0151022222233336111412311715070710A213B1\x1d211234",
        "]d20151022222233336111412311715070710A213B1\x1d211234",
        "\x1d015102222223333610A213B1\x1d211234\x1d1114123117150707",
        "0151022222233336111412311715070710A213B1<GS>211234\r\n",
    ],
    ids=["brackets", "FNC1", "with a scanner's prefix", "another order", "typed by a scanner"],
)
def test_gs1_carriers_say_the_same_with_brackets_and_with_fnc1(carrier: str) -> None:
    udi = parse_udi(carrier)

    assert (udi.agency, udi.raw) == (IssuingAgency.GS1, carrier)
    assert told(udi) == WHOLE


@pytest.mark.parametrize(
    ("digits", "day"),
    [("260200", date(2026, 2, 28)), ("280200", date(2028, 2, 29)), ("261200", date(2026, 12, 31))],
)
def test_day_00_is_the_last_of_the_month(digits: str, day: date) -> None:
    assert parse_udi(f"(01)51022222233336(17){digits}").expires_on == day


def test_a_lot_may_hold_brackets_of_its_own() -> None:
    assert told(parse_udi("(01)51022222233336(10)A(B)1(21)9")) == {
        "device_identifier": "51022222233336", "lot": "A(B)1", "serial": "9",
    }  # fmt: skip


@pytest.mark.parametrize("mark", ["^", "~", "|", "]d2", " ", "é"])
def test_another_mark_for_fnc1_is_refused_and_not_taken_into_the_lot(mark: str) -> None:
    with pytest.raises(DataTypeError) as raised:
        parse_udi(f"015102222223333610A213B1{mark}211234")

    assert (raised.value.where, mark in str(raised.value)) == ("UDI(10)", mark == " ")


def test_the_century_is_that_of_the_window_when_the_year_is_given() -> None:
    carrier = "(01)51022222233336(11)991231"

    assert parse_udi(carrier).manufactured_on == date(2099, 12, 31)
    assert parse_udi(carrier, 2026).manufactured_on == date(1999, 12, 31)


def test_identifiers_that_say_nothing_of_the_device_are_passed_over() -> None:
    assert told(parse_udi("(01)51022222233336(240)PART-7(30)12(91)own")) == {
        "device_identifier": "51022222233336",
        "quantity": 12,
    }


@pytest.mark.parametrize(
    ("carrier", "where"),
    [
        ("(01)51022222233337", "UDI(01)"),
        ("(01)51022222233336(17)261301", "UDI(17)"),
        ("(01)51022222233336(17)26", "UDI(17)"),
        ("(01)51022222233336(05)1", "UDI(05)"),
        ("(01)51022222233336(10)" + "A" * 21, "UDI(10)"),
        ("(10)A(10)B", "UDI(10)"),
        ("(01)51022222233336)", "UDI(01)"),
        ("x(01)51022222233336", "UDI"),
        ("0151022222", "UDI(01)"),
        ("", "UDI"),
        ("(91)own", "UDI"),
    ],
)
def test_broken_gs1_carriers_are_refused_with_the_place(carrier: str, where: str) -> None:
    with pytest.raises(DataTypeError) as error:
        parse_udi(carrier)

    assert error.value.where == where


@given(
    st.text("0123456789", min_size=13, max_size=13),
    st.text("ABCDEFGHIJ0123456789-./", min_size=1, max_size=20),
    st.text("ABCDEFGHIJ0123456789", min_size=1, max_size=20),
    st.dates(date(2000, 1, 1), date(2099, 12, 31)),
)
def test_gs1_carriers_are_read_as_they_were_made(item: str, lot: str, serial: str, day: date) -> None:
    gtin = item + gs1_check_digit(item)

    udi = parse_udi(f"01{gtin}17{day:%y%m%d}10{lot}\x1d21{serial}")
    assert told(udi) == {"device_identifier": gtin, "expires_on": day, "lot": lot, "serial": serial}


# ------------------------------------------------------------------ HIBCC
@pytest.mark.parametrize(
    ("carrier", "facts"),
    [
        ("+A123BJC5D6E71G", {"device_identifier": "A123BJC5D6E71"}),
        (
            "*+A99912345/$$52001510X33*",
            {"device_identifier": "A99912345", "expires_on": date(2020, 1, 15), "lot": "10X3"},
        ),
        ("+$$52001510X3GD", {"expires_on": date(2020, 1, 15), "lot": "10X3", "link": "G"}),
        (
            "+H123PARTNO1234567890120/$$420020216LOT123456789012345/SXYZ456789012345678/16D20130202H",
            {
                "device_identifier": "H123PARTNO1234567890120",
                "expires_on": date(2020, 2, 2),
                "lot": "LOT123456789012345",
                "serial": "XYZ456789012345678",
                "manufactured_on": date(2013, 2, 2),
            },
        ),
        (
            "+A99912345/$$90999910X3/$$+320011577DEFG45/16D20111212D",
            {
                "device_identifier": "A99912345",
                "quantity": 9999,
                "lot": "10X3",
                "expires_on": date(2020, 1, 15),
                "serial": "77DEFG45",
                "manufactured_on": date(2011, 12, 12),
            },
        ),
    ],
)
def test_hibc_examples_of_the_standard(carrier: str, facts: dict[str, object]) -> None:
    udi = parse_udi(carrier)

    assert (udi.agency, udi.raw, told(udi)) == (IssuingAgency.HIBCC, carrier, facts)


@pytest.mark.parametrize(
    ("secondary", "facts"),
    [
        ("$LOT7", {"lot": "LOT7"}),
        ("$+SER7", {"serial": "SER7"}),
        ("$$0928LOT7", {"expires_on": date(2028, 9, 30), "lot": "LOT7"}),
        ("$$+1228SER7", {"expires_on": date(2028, 12, 31), "serial": "SER7"}),
        ("$$2093028LOT7", {"expires_on": date(2028, 9, 30), "lot": "LOT7"}),
        ("$$3280930LOT7", {"expires_on": date(2028, 9, 30), "lot": "LOT7"}),
        ("$$62800115LOT7", {"expires_on": date(2028, 1, 1), "lot": "LOT7"}),
        ("$$7LOT7", {"lot": "LOT7"}),
        ("$$8243280930LOT7", {"quantity": 24, "expires_on": date(2028, 9, 30), "lot": "LOT7"}),
        ("28366LOT7", {"expires_on": date(2028, 12, 31), "lot": "LOT7"}),
        ("$$7LOT7/14D20280930/Q500", {"lot": "LOT7", "expires_on": date(2028, 9, 30), "quantity": 500}),
    ],
)
def test_every_form_of_the_secondary_structure(secondary: str, facts: dict[str, object]) -> None:
    udi = parse_udi(checked(f"+A99912345/{secondary}"))

    assert told(udi) == {"device_identifier": "A99912345", **facts}


def test_two_carriers_of_one_label_are_joined_by_the_link_character() -> None:
    first, second = parse_udi("+A123BJC5D6E71G"), parse_udi("+$$52001510X3GD")

    assert told(first.joined(second)) == {
        "device_identifier": "A123BJC5D6E71",
        "expires_on": date(2020, 1, 15),
        "lot": "10X3",
    }
    with pytest.raises(DataTypeError):
        parse_udi(checked("+A123OTHER71")).joined(second)
    with pytest.raises(DataTypeError):
        parse_udi("(01)51022222233336").joined(second)


@pytest.mark.parametrize(
    "carrier",
    [
        "+A123BJC5D6E71H",
        "+a123BJC5D6E71G",
        checked("+1123BJC5D6E71"),
        checked("+A99912345/$$3281330LOT7"),
        checked("+A99912345/$$5280"),
        checked("+A99912345/$$5A0015LOT"),
        checked("+A99912345/SA/SB"),
        "+",
        "++",
    ],
)
def test_broken_hibc_carriers_are_refused(carrier: str) -> None:
    with pytest.raises(DataTypeError):
        parse_udi(carrier)


# ------------------------------------------------------------------ ICCBBA
def test_iccbba_example_of_the_fda() -> None:
    udi = parse_udi("=/A9999XYZ100T0944=,000025=A99971312345600=>014032=}013032&,1000000000000XYZ123")

    assert udi.agency is IssuingAgency.ICCBBA
    assert told(udi) == {
        "device_identifier": "A9999XYZ100T0944",
        "serial": "000025",
        "donation_number": "A99971312345600",
        "expires_on": date(2014, 2, 1),
        "manufactured_on": date(2013, 2, 1),
        "lot": "000000000000XYZ123",
    }


def test_a_container_has_its_catalog_number_and_lot() -> None:
    assert told(parse_udi("=)1TE123456A&)RZ12345678")) == {"device_identifier": "1TE123456A", "lot": "RZ12345678"}


@pytest.mark.parametrize("carrier", ["=/A9999", "=>014400", "=>01403X", "=%1234", "=", "&"])
def test_broken_iccbba_carriers_are_refused(carrier: str) -> None:
    with pytest.raises(DataTypeError):
        parse_udi(carrier)


@given(st.text(max_size=80) | st.text("+=&(0123456789AB$/)\x1d", max_size=80))
def test_any_text_is_a_udi_or_a_coded_refusal(text: str) -> None:
    where: str | None = None
    try:
        assert parse_udi(text).raw == text
    except DataTypeError as error:
        where = error.where

    assert where is None or where.startswith("UDI")
