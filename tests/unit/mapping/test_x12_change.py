"""860 and 865 to OrderChange: who wants it, who answers, what each line becomes, and what is refused where."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.canonical import ChangeBy, OrderChange, OrderChangeAction, Quantity
from engine.core.errors import DataTypeError, DocumentError, RequiredFieldError
from engine.mapping.x12_860 import order_change_from_860, order_change_to_860
from engine.mapping.x12_865 import order_change_from_865, order_change_to_865
from engine.protocols.x12 import TransactionSet, check_set, read
from tests.support import x12_samples as samples

BCH = "BCH*04*SA*PO-7**2*20261115*CH-9****20261120"
BCA = "BCA*04*{told}*PO-7**2*20261115*CH-9****20261120"
OURS = "REF*IA*S1001"


def one_of(code: str, *body: str) -> TransactionSet:
    group = {"860": "PC", "865": "CA"}[code]
    return read(samples.interchange(body, code, group)).interchanges[0].groups[0].sets[0]


def ours(*body: str) -> OrderChange:
    return order_change_from_860(one_of("860", BCH, OURS, *body))


def theirs(told: str, *body: str) -> OrderChange:
    return order_change_from_865(one_of("865", BCA.format(told=told), OURS, *body))


def test_a_change_is_counted_named_and_dated_by_the_buyer() -> None:
    change = ours("N9*L1*REASON", "MSG*One theatre more", "MSG*on Tuesday")

    assert (change.order_number, change.sequence, change.change_number) == ("PO-7", 2, "CH-9")
    assert (str(change.changed_on), change.reason) == ("2026-11-20", "One theatre more on Tuesday")
    assert (change.changed_by, change.accepted) == (ChangeBy.BUYER, None)


def test_without_a_count_the_day_counts_the_changes_of_an_order() -> None:
    first, second = (
        order_change_from_860(one_of("860", f"BCH*04*SA*PO-7***20261115*****{day}", OURS))
        for day in ("20261120", "20261121")
    )

    assert first.sequence < second.sequence
    assert (first.change_number, second.change_number) == ("2026-11-20", "2026-11-21")


@pytest.mark.parametrize(
    ("code", "action"),
    [
        *(("AI", "add"), ("DI", "delete"), ("CA", "change"), ("PQ", "change"), ("RZ", "replace")),
        *(("QI", "quantity_increase"), ("QD", "quantity_decrease"), ("PC", "price_change"), ("RS", "reschedule")),
        ("NC", "no_change"),
    ],
)
def test_poc02_says_what_happens_to_a_line(code: str, action: str) -> None:
    (line,) = ours(f"POC*3*{code}*18**EA*21.4**IN*M10001*VN*ASB-2012").lines

    assert (line.order_line_number, line.action, line.code) == (3, action, code)
    assert line.quantity == Quantity(amount=Decimal(18), unit="EA")
    assert line.price is not None
    assert (line.price.amount, line.item_number) == (Decimal("21.4"), "M10001")


def test_a_price_per_hundred_becomes_the_price_of_one() -> None:
    (line,) = ours("POC*1*PC*500**EA*250*HP*IN*M10001").lines

    assert line.price is not None
    assert line.price.amount == Decimal("2.5")


def test_what_a_line_does_not_name_stays_as_it_was() -> None:
    (line,) = ours("POC*1*RS***ZZ***IN*M10001", "DTM*002*20261201").lines

    assert (line.quantity, line.price, line.price_unit) == (None, None, None)
    assert str(line.needed_by) == "2026-12-01"


@pytest.mark.parametrize(
    ("told", "changed_by", "accepted"),
    [
        *(("", "supplier", None), ("AC", "supplier", None)),
        *(("AD", "buyer", True), ("AK", "buyer", True), ("AT", "buyer", True)),
        *(("RD", "buyer", False), ("RJ", "buyer", False), ("RF", "buyer", False)),
    ],
)
def test_bca02_tells_a_suppliers_wish_from_its_answer(told: str, changed_by: str, accepted: bool | None) -> None:
    change = theirs(told, "POC*1*PC*12**EA*22.1**IN*M10001", "ACK*IQ")

    assert (change.changed_by, change.accepted) == (changed_by, accepted)
    assert change.natural_key == f"PO-7/{changed_by}/CH-9"
    assert change.lines[0].reason == "IQ"


@pytest.mark.parametrize(
    ("code", "body", "error", "where"),
    [
        ("860", (BCH, "POC*1*QI*2**EA"), RequiredFieldError, "REF IA"),
        ("860", (BCH.replace("PO-7", ""), OURS), RequiredFieldError, "BCH03"),
        ("860", (BCH.replace("*2*", "*A2*"), OURS), DataTypeError, "BCH05"),
        ("860", (BCH.replace("20261120", "20261131"), OURS), DataTypeError, "BCH11"),
        ("860", (BCH, OURS, "POC*1*TI*2**EA"), DataTypeError, "POC02[1]"),
        ("860", (BCH, OURS, "POC*1*QI*x**EA"), DataTypeError, "POC03[1]"),
        ("860", (BCH, OURS, "POC*1*QI*2"), RequiredFieldError, "POC05[1]"),
        ("865", (BCA.format(told="ZZ"), OURS), DataTypeError, "BCA02"),
        ("865", (BCA.format(told="").replace("20261115", ""), OURS), RequiredFieldError, "BCA06"),
    ],
)
def test_what_makes_no_change_is_refused_at_its_place(
    code: str, body: tuple[str, ...], error: type[Exception], where: str
) -> None:
    read_one = order_change_from_860 if code == "860" else order_change_from_865

    with pytest.raises(error) as caught:
        read_one(one_of(code, *body))

    assert getattr(caught.value, "where") == where  # noqa: B009


def test_a_suppliers_wish_does_not_go_out_as_the_buyers() -> None:
    with pytest.raises(DocumentError):
        order_change_to_860(theirs("", "POC*1*PC*12**EA*22.1**IN*M10001"))


def test_a_change_that_nobody_answered_is_no_865() -> None:
    with pytest.raises(DocumentError):
        order_change_to_865(ours("POC*1*QI*2**EA***IN*M10001"))


@pytest.mark.parametrize(
    ("update", "where"),
    [
        ({"code": "DI"}, "POC02[1]"),
        ({"price_unit": "BX"}, "POC05[1]"),
    ],
)
def test_a_line_that_860_cannot_say_is_refused(update: dict[str, str], where: str) -> None:
    change = ours("POC*1*QI*2**EA*3**IN*M10001")
    line = change.lines[0].model_copy(update=update)

    with pytest.raises(DataTypeError) as caught:
        order_change_to_860(change.model_copy(update={"lines": (line,)}))

    assert caught.value.where == where


def test_a_line_taken_out_is_written_without_a_quantity() -> None:
    change = ours("POC*2*DI***ZZ***IN*M10001")
    written = order_change_to_860(change.model_copy(update={"purpose": "04"}))

    check_set(written, "004010")
    assert [s[:6] for s in written.segments if s[0] == "POC"] == [("POC", "2", "DI", "", "", "ZZ")]
    assert change.lines[0].action is OrderChangeAction.DELETE
