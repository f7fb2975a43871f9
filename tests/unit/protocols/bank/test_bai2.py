"""BAI2 files: bookings that are payments of ours, totals that must add up, and every cut-off refused with its line."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from engine.core.errors import IsthmusError, StructureError
from engine.protocols.bank import read_bai2

DAY = (
    "01,021000021,HARBOR,261119,0530,7,80,,2/",
    "02,HARBOR,021000021,1,261118,2359,USD,2/",
    "03,000123456789,,010,500000,,,400,145050,3,/",
    "16,475,45050,V,261119,,BK991,0000001042,/",
    "16,495,100000,S,0,100000,0,BK992,PAY-7/",
    "88,WIRE OUT, WITH A COMMA/ AND A SLASH",
    "16,257,2500,,,PAY-3,R02 RETURN",
    "16,165,9900,0,BK993,LOCKBOX/",
    "16,661,1500,,BK994,,MONTHLY FEE",
    "49,+804000,8/",
    "98,804000,1,10/",
    "99,804000,1,12/",
)


def body(lines: tuple[str, ...] = DAY) -> bytes:
    return "\r\n".join(lines).encode()


def test_checks_and_wires_are_settled_payments() -> None:
    check, wire, _ = read_bai2(body())

    assert (check.payment, check.reference, check.state, check.amount) == (
        "0000001042", "BK991", "settled", Decimal("450.50"),
    )  # fmt: skip
    assert (wire.payment, wire.reference, wire.amount) == ("PAY-7", "BK992", Decimal(1000))
    assert (wire.told_on, wire.happened_on, wire.currency) == (date(2026, 11, 19), date(2026, 11, 18), "USD")


def test_an_item_that_came_back_is_a_return() -> None:
    returned = read_bai2(body())[-1]

    assert (returned.payment, returned.state, returned.amount) == ("PAY-3", "returned", Decimal(25))


def test_fees_and_what_others_pay_us_are_no_payments_of_ours() -> None:
    assert [one.payment for one in read_bai2(body())] == ["0000001042", "PAY-7", "PAY-3"]


def test_told_again_each_fact_has_the_same_number() -> None:
    assert [one.number for one in read_bai2(body())] == [one.number for one in read_bai2(body())]
    assert len({one.number for one in read_bai2(body())}) == 3


@pytest.mark.parametrize("status", ["2", "4"])
def test_deleted_and_test_groups_say_nothing(status: str) -> None:
    lines = (DAY[0], DAY[1].replace(",1,261118", f",{status},261118"), *DAY[2:])

    assert read_bai2(body(lines)) == []


def test_the_decimals_are_those_of_the_accounts_currency() -> None:
    lines = (
        DAY[0], DAY[1], "03,998,JPY,010,0,,/", "16,495,1000,,B1,PAY-9/", "49,1000,3/", "98,1000,1,5/", "99,1000,1,7/",
    )  # fmt: skip

    (word,) = read_bai2(body(lines))

    assert (word.amount, word.currency) == (Decimal(1000), "JPY")


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (9, "49,804001,8/"),
        (9, "49,804000,9/"),
        (10, "98,804000,2,10/"),
        (10, "98,804000,1,11/"),
        (11, "99,804100,1,12/"),
        (11, "99,804000,1,/"),
        (3, "16,475,45O50,0,BK991,1042,/"),
        (3, "16,75,45050,0,BK991,1042,/"),
        (4, "16,495,100000,D,x,BK992,PAY-7/"),
        (1, "02,HARBOR,021000021,1,261318,2359,USD,2/"),
        (2, "77,000123456789/"),
    ],
)
def test_what_does_not_add_up_or_cannot_be_read_is_refused_with_its_line(place: int, line: str) -> None:
    lines = (*DAY[:place], line, *DAY[place + 1 :])

    with pytest.raises(StructureError) as refused:
        read_bai2(body(lines))

    assert refused.value.where == f"line {place + 1}"
    assert "1042" not in str(refused.value)


def test_a_file_cut_off_anywhere_is_refused() -> None:
    whole = body()
    end = whole.index(b"99,804000,1,12")

    for length in range(end):
        with pytest.raises(IsthmusError):
            read_bai2(whole[:length])
