"""846 to InventoryLevel and 867 to Consumption: places, moments, marks, and what is refused where."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from engine.canonical import Consumption, Disposition, InventoryLevel, Quantity
from engine.core.errors import DataTypeError, DocumentError, RequiredFieldError
from engine.mapping.x12_846 import inventory_levels_from_846, inventory_levels_to_846
from engine.mapping.x12_867 import consumption_from_867, consumption_to_867
from engine.protocols.x12 import TransactionSet, read
from tests.support import x12_samples as samples

EAST = timezone(timedelta(hours=-5))
STOCK = ("BIA*00*SI*R-1*20261120*1800", "REF*IA*S1003")
ITEM, HAND, HERE = "LIN*1*IN*M10011", "QTY*17*3*EA", "N1*WH**92*OR-CORE"
USE = ("BPT*00*U-1*20261120*02", "REF*IA*S1003", "PTD*SS")
USED, CUP = "QTY*32*1*EA", "LIN*1*IN*M10011*VN*CAL-C52*LT*H118*SN*0042*UK*00850068673094"


def one_of(code: str, *body: str) -> TransactionSet:
    return read(samples.interchange(body, code, "IB")).interchanges[0].groups[0].sets[0]


def levels_of(*body: str) -> tuple[InventoryLevel, ...]:
    return inventory_levels_from_846(one_of("846", *body), zone=EAST)


def use_of(*body: str) -> Consumption:
    return consumption_from_867(one_of("867", *body))


def test_each_line_is_a_level_at_its_own_place_or_the_reports() -> None:
    first, second = levels_of(*STOCK, HERE, ITEM, HAND, "LIN*2*IN*M10012", "QTY*17*5*EA", "N1*WH**92*CATH-LAB")

    assert (first.location, second.location) == ("OR-CORE", "CATH-LAB")
    assert (first.item_number, first.on_hand.amount, second.on_hand.amount) == ("M10011", 3, 5)


def test_a_suppliers_own_warehouse_is_told_from_a_place_of_ours() -> None:
    (level,) = levels_of(*STOCK, ITEM, HAND, "N1*WH**91*OR-CORE")

    assert level.location == "S1003/OR-CORE"


def test_what_is_available_stands_in_for_what_is_on_hand() -> None:
    (level,) = levels_of(*STOCK, ITEM, "QTY*33*140*EA", "QTY*63*60*EA", HERE)

    assert (level.on_hand.amount, level.on_order) == (140, 60)


@pytest.mark.parametrize(
    ("told", "at"),
    [
        ((), datetime(2026, 11, 20, 18, 0, tzinfo=EAST)),
        (("DTM*097*20261120*1700*UT",), datetime(2026, 11, 20, 17, 0, tzinfo=UTC)),
        (("DTM*097*20261120*170030*CS",), datetime(2026, 11, 20, 23, 0, 30, tzinfo=UTC)),
        (("DTM*097*20261120*17003025",), datetime(2026, 11, 20, 17, 0, 30, 250_000, tzinfo=EAST)),
        (("DTM*097*20261120",), datetime(2026, 11, 20, tzinfo=EAST)),
    ],
)
def test_a_moment_is_in_its_own_time_code_and_else_in_the_zone_of_the_door(told: tuple[str, ...], at: datetime) -> None:
    (level,) = levels_of(STOCK[0], *told, STOCK[1], ITEM, HAND, HERE)

    assert level.as_of == at


@pytest.mark.parametrize(
    ("body", "error", "where"),
    [
        ((STOCK[0], ITEM, HAND, HERE), RequiredFieldError, "REF IA"),
        ((*STOCK, ITEM, HAND), RequiredFieldError, "N1 WH[1]"),
        ((*STOCK, ITEM, HERE), RequiredFieldError, "QTY01[1]"),
        ((*STOCK, ITEM, "QTY*17*x*EA", HERE), DataTypeError, "QTY02[1]"),
        ((*STOCK, ITEM, HAND, "QTY*63*1*BX", HERE), DocumentError, "QTY03[1]"),
        ((*STOCK, HERE, ITEM, HAND, ITEM, HAND), DocumentError, "LIN"),
        ((STOCK[0], "DTM*097*20261120*2460*UT", STOCK[1], ITEM, HAND, HERE), DataTypeError, "DTM02"),
        ((STOCK[0], "DTM*097*20261120*1700*01", STOCK[1], ITEM, HAND, HERE), DataTypeError, "DTM02"),
    ],
)
def test_what_makes_no_level_is_refused_at_its_place(body: tuple[str, ...], error: type[Exception], where: str) -> None:
    with pytest.raises(error) as caught:
        levels_of(*body)

    assert getattr(caught.value, "where") == where  # noqa: B009


def test_levels_of_several_moments_are_no_report() -> None:
    (level,) = levels_of(*STOCK, ITEM, HAND, HERE)
    later = level.model_copy(update={"as_of": level.as_of + timedelta(hours=1)})

    with pytest.raises(DocumentError):
        inventory_levels_to_846([level, later])


def test_a_moment_finer_than_x12_holds_is_refused_and_not_rounded() -> None:
    (level,) = levels_of(*STOCK, ITEM, HAND, HERE)
    finer = level.model_copy(update={"as_of": level.as_of.replace(microsecond=1)})

    with pytest.raises(DataTypeError):
        inventory_levels_to_846([finer])


def test_several_levels_of_one_report_come_back() -> None:
    levels = levels_of(*STOCK, HERE, ITEM, HAND, "LIN*2*IN*M10012", "QTY*17*5*EA")

    written = inventory_levels_to_846(levels, "R-1")
    back = levels_of(*("*".join(map(str, segment)) for segment in written.segments))

    assert back == levels


# ------------------------------------------------------------------ use
def test_each_quantity_with_its_item_is_a_line_of_its_transfer() -> None:
    used = use_of(*USE, HERE, USED, CUP, "DTM*036*20290531", "PTD*SS", "QTY*32*-1*EA", "LIN*2*IN*M10012")

    first, second = used.lines
    assert (first.item_number, first.lot, first.serial) == ("M10011", "H118", "0042")
    assert (first.device_identifier, str(first.expires_on), first.location) == (
        "00850068673094",
        "2029-05-31",
        "OR-CORE",
    )
    assert (second.quantity, second.location) == (Quantity(amount=Decimal(-1), unit="EA"), None)
    assert {line.supplier_number for line in used.lines} == {"S1003"}


def test_marks_say_what_became_of_a_line_and_whose_it_was() -> None:
    (line,) = use_of(*USE, USED, CUP, "REF*ZZ*IMPLANTED*DISPOSITION", "REF*ZZ*Y*REPLENISH", "REF*ZZ*Y*OTHER").lines

    assert line.disposition is Disposition.IMPLANTED
    assert (line.replenish, line.bill_only, line.consignment) == (True, False, False)


def test_a_report_is_taken_back_by_its_purpose() -> None:
    assert use_of(USE[0].replace("*00*", "*01*"), *USE[1:], USED, CUP).cancelled


def test_the_moment_of_use_comes_before_the_reports_day() -> None:
    assert use_of(*USE, USED, CUP).used_at == datetime(2026, 11, 20)
    told = use_of(USE[0], "DTM*472*20261119*0941*UT", *USE[1:], USED, CUP)
    assert told.used_at == datetime(2026, 11, 19, 9, 41, tzinfo=UTC)


@pytest.mark.parametrize(
    ("body", "error", "where"),
    [
        ((USE[0], USE[2], USED, CUP), RequiredFieldError, "REF IA"),
        ((*USE, USED), RequiredFieldError, "LIN03[1]"),
        ((*USE, "QTY*32*x*EA", CUP), DataTypeError, "QTY02[1]"),
        ((*USE, USED, CUP, "REF*ZZ*LOST*DISPOSITION"), DataTypeError, "REF02[1]"),
        ((*USE, USED, CUP, "UIT*EA*x"), DataTypeError, "UIT02[1]"),
        (USE, DocumentError, "lines"),
    ],
)
def test_what_makes_no_report_of_use_is_refused_at_its_place(
    body: tuple[str, ...], error: type[Exception], where: str
) -> None:
    with pytest.raises(error) as caught:
        use_of(*body)

    assert getattr(caught.value, "where") == where  # noqa: B009


def test_nothing_of_a_visit_or_a_case_leaves_in_a_report() -> None:
    used = use_of(*USE, USED, CUP).model_copy(
        update={"visit_number": "V-SECRET", "account_number": "A-SECRET", "case_reference": "C-SECRET"}
    )

    assert "SECRET" not in repr(consumption_to_867(used))


def test_a_report_of_two_suppliers_is_refused() -> None:
    used = use_of(*USE, USED, CUP, USED, CUP)
    other = used.lines[1].model_copy(update={"supplier_number": "S1004"})

    with pytest.raises(DocumentError):
        consumption_to_867(used.model_copy(update={"lines": (used.lines[0], other)}))
