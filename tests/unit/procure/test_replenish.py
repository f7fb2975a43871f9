"""Stock of one item at one place: exact, whatever came first; a requisition once for each time that it is low."""

from __future__ import annotations

import itertools
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.canonical import (
    ChangeBy,
    Consumption,
    ConsumptionLine,
    Disposition,
    Document,
    InventoryLevel,
    InventoryMovement,
    Item,
    Money,
    MovementKind,
    OrderChange,
    OrderChangeAction,
    OrderChangeLine,
    OrderLine,
    Packaging,
    PurchaseOrder,
    Quantity,
    Receipt,
    ReceiptLine,
    Requisition,
)
from engine.procure.decision import DOSSIER, Decision
from engine.procure.papers import dossiers_of
from engine.procure.requisitions.orders import orders_from
from engine.procure.requisitions.replenish import decide_stock
from tests.support.papers import NOW, papers, world

ITEM = Item(
    item_number="M1", description="mesh", supplier_number="S1", packaging=(Packaging(unit="BX", contains=Decimal(10)),)
)


def each(amount: str, unit: str = "EA") -> Quantity:
    return Quantity(amount=Decimal(amount), unit=unit)


def level(amount: str = "20", **more: Any) -> InventoryLevel:
    given = {"order_point": Decimal(8), "maximum": Decimal(20), "as_of": NOW}
    return InventoryLevel(**{"item_number": "M1", "location": "OR", "on_hand": each(amount), **given, **more})


def moved(
    amount: str, number: str = "M-1", hours: int = 1, kind: MovementKind = MovementKind.ISSUE, **more: Any
) -> InventoryMovement:
    given = {"item_number": "M1", "location": "OR", "moved_at": NOW + timedelta(hours=hours), "quantity": each(amount)}
    return InventoryMovement(**{"movement_number": number, "movement_kind": kind, **given, **more})


def decided(*documents: Document, dossier: str = "stock:OR/M1", days: int = 1) -> Decision:
    """Changes of orders are kept beside the stock."""
    changes = [one for one in documents if isinstance(one, OrderChange)]
    beside = {f"changes:{one.order_number}": [each for each in changes if each.order_number == one.order_number]
              for one in changes}  # fmt: skip
    around = world(ITEM, now=NOW + timedelta(days=days), beside=beside)
    return decide_stock(papers(*(one for one in documents if one not in changes)), around, dossier)


def wishes(decision: Decision) -> list[tuple[str, str]]:
    found = [one.document for one in decision.intents if isinstance(one.document, Requisition)]
    return [(one.requisition_number, str(one.lines[0].quantity.amount)) for one in found]


@given(st.lists(st.integers(-9, 9).filter(bool), min_size=1, max_size=6), st.randoms())
def test_the_level_is_the_sum_of_what_moved_whatever_came_first(amounts: list[int], random: Any) -> None:
    documents: list[Document] = [moved(str(amount), f"M-{n}", n + 1) for n, amount in enumerate(amounts)]
    documents.append(level("100"))
    random.shuffle(documents)

    assert decided(*documents).state["on_hand"] == str(100 + sum(amounts))


def test_a_count_sets_it_anew_and_what_moved_before_is_in_it() -> None:
    documents = (level(), moved("-5", "A", 1), moved("9", "B", 2, MovementKind.COUNT), moved("-1", "C", 3))
    for turn in itertools.permutations(documents):
        assert decided(*turn).state["on_hand"] == "8"


def test_a_transfer_goes_from_one_place_to_the_other() -> None:
    transfer = moved("-5", kind=MovementKind.TRANSFER, to_location="WARD")

    assert dossiers_of(transfer) == ("stock:OR/M1", "stock:WARD/M1")
    assert decided(transfer).state["on_hand"] == "-5"
    assert decided(transfer, dossier="stock:WARD/M1").state["on_hand"] == "5"


def test_use_counts_once_though_a_movement_tells_of_it_too() -> None:
    line = ConsumptionLine(number=1, quantity=each("1", "BX"), item_number="M1", location="OR")
    use = Consumption(consumption_number="U1", used_at=NOW + timedelta(hours=1), lines=(line,))

    assert decided(level(), use).state["on_hand"] == "10"  # a box of ten
    assert decided(level(), use, moved("-10", source_kind="Consumption", source_key="U1")).state["on_hand"] == "10"


def bought(wish: Requisition, *places: str, **more: Any) -> PurchaseOrder:
    """Twelve for each place; the first as wished."""
    lines = [
        OrderLine(
            number=n, item_number="M1", quantity=each("12"), price=Money(amount=Decimal(1)), deliver_to=place,
            **({"requisition_number": wish.requisition_number, "requisition_line_number": 1} if n == 1 else {}),
        )
        for n, place in enumerate(places, 1)
    ]  # fmt: skip
    given = {"order_number": "PO1", "supplier_number": "S1", "ordered_on": NOW.date(), "lines": tuple(lines)}
    return PurchaseOrder(**{**given, "requisition_numbers": (wish.requisition_number,), **more})


def test_what_a_cancelled_order_was_to_bring_is_wished_for_anew() -> None:
    wish = decided(level(), moved("-12")).intents[0].document
    assert isinstance(wish, Requisition)

    assert wishes(decided(level(), moved("-12"), wish, bought(wish, "OR"))) == []
    assert wishes(decided(level(), moved("-12"), wish, bought(wish, "OR", purpose="01"))) == [("ST-OR-M1-2", "12")]


def changed(
    action: OrderChangeAction = OrderChangeAction.CHANGE, line: int = 1, amount: str | None = None, **more: Any
) -> OrderChange:
    quantity = each(amount) if amount else None
    lines = (OrderChangeLine(order_line_number=line, action=action, quantity=quantity),)
    given = {"order_number": "PO1", "supplier_number": "S1", "change_number": "C1", "sequence": 1, "lines": lines}
    return OrderChange(**{**given, "changed_on": NOW.date(), **more})


_ALL_GONE: dict[str, Any] = {"purpose": "01", "lines": ()}
_WISH: dict[str, Any] = {"changed_by": ChangeBy.SUPPLIER}


@pytest.mark.parametrize(
    ("change", "coming"),
    [
        (changed(**_ALL_GONE), "0"),
        (changed(OrderChangeAction.DELETE), "0"),
        (changed(OrderChangeAction.DELETE, line=2), "12"),  # of another place
        (changed(OrderChangeAction.QUANTITY_DECREASE, amount="5"), "5"),
        (changed(OrderChangeAction.QUANTITY_INCREASE, amount="15"), "15"),
        (changed(**_ALL_GONE, accepted=True), "0"),
        (changed(**_ALL_GONE, accepted=False), "12"),  # the supplier delivers it all the same
        (changed(OrderChangeAction.QUANTITY_DECREASE, amount="5", **_WISH), "12"),  # a wish
        (changed(OrderChangeAction.QUANTITY_DECREASE, amount="5", **_WISH, accepted=True), "5"),
    ],
)
def test_an_order_brings_what_its_changes_left_of_it_and_the_rest_is_wished_for_anew(
    change: OrderChange, coming: str
) -> None:
    wish = decided(level(), moved("-12")).intents[0].document
    assert isinstance(wish, Requisition)

    found = decided(level(), moved("-12"), wish, bought(wish, "OR", "WARD"), change)

    assert found.state["outstanding"] == coming
    assert wishes(found) == ([("ST-OR-M1-2", "12")] if coming == "0" else [])


def test_what_came_of_an_order_that_was_made_smaller_is_not_waited_for() -> None:
    wish = decided(level(), moved("-12")).intents[0].document
    assert isinstance(wish, Requisition)
    line = ReceiptLine(order_line_number=1, item_number="M1", quantity=each("5"), location="OR")
    came = Receipt(
        receipt_number="R1", order_number="PO1", supplier_number="S1", received_on=NOW.date(), lines=(line,)
    )  # fmt: skip
    smaller = changed(OrderChangeAction.QUANTITY_DECREASE, amount="5")
    larger = changed(OrderChangeAction.QUANTITY_INCREASE, amount="17")

    assert decided(level(), moved("-12"), wish, bought(wish, "OR"), smaller, came).state["outstanding"] == "0"
    assert decided(level(), moved("-12"), wish, bought(wish, "OR"), larger, came).state["outstanding"] == "12"


def test_a_standing_order_brings_nothing_itself() -> None:
    wish = decided(level(), moved("-12")).intents[0].document
    assert isinstance(wish, Requisition)
    frame = bought(wish, "OR", order_number="BL1", blanket=True, requisition_numbers=(), lines=(
        OrderLine(number=1, item_number="M1", quantity=each("1000"), price=Money(amount=Decimal(1)), deliver_to="OR"),
    ))  # fmt: skip

    assert wishes(decided(level(), moved("-12"), frame)) == [("ST-OR-M1-1", "12")]


def test_changes_of_orders_that_brought_everything_long_ago_are_not_looked_up() -> None:
    wish = decided(level(), moved("-12")).intents[0].document
    assert isinstance(wish, Requisition)
    line = ReceiptLine(order_line_number=1, item_number="M1", quantity=each("12"), location="OR")
    came = Receipt(
        receipt_number="R1", order_number="PO1", supplier_number="S1", received_on=NOW.date(), lines=(line,)
    )  # fmt: skip
    asked = []
    for days in (31, 32):
        around = world(ITEM, now=NOW + timedelta(days=days), beside={})
        decide_stock(papers(level(), wish, bought(wish, "OR"), came), around, "stock:OR/M1")
        asked.append([one.key for one in around.asked if one.kind == DOSSIER])

    assert asked == [["changes:PO1"], []]


def test_what_came_for_another_place_is_still_on_its_way_to_this_one() -> None:
    wish = decided(level(), moved("-12")).intents[0].document
    assert isinstance(wish, Requisition)
    line = ReceiptLine(order_line_number=2, item_number="M1", quantity=each("12"), location="WARD")
    ward = Receipt(
        receipt_number="R1", order_number="PO1", supplier_number="S1", received_on=NOW.date(), lines=(line,)
    )  # fmt: skip
    found = decided(level(), moved("-12"), wish, bought(wish, "OR", "WARD"), ward)

    assert (found.state["outstanding"], wishes(found)) == ("12", [])


def test_what_was_taken_out_of_a_patient_moves_no_stock() -> None:
    line = ConsumptionLine(
        number=1, quantity=each("1"), item_number="M1", location="OR", disposition=Disposition.EXPLANTED
    )  # fmt: skip
    out = Consumption(consumption_number="U1", used_at=NOW + timedelta(hours=1), lines=(line,))

    assert decided(level("20"), out).state["on_hand"] == "20"


@pytest.mark.parametrize(
    ("changed", "taken", "expected"),
    [
        ({}, "-11", []),
        ({}, "-12", [("ST-OR-M1-1", "12")]),  # at the order point
        ({"reserved": Decimal(1)}, "-11", [("ST-OR-M1-1", "12")]),
        ({"order_quantity": Decimal(5)}, "-12", [("ST-OR-M1-1", "15")]),  # whole packages, up to par
        ({"order_point": None, "minimum": Decimal(3)}, "-16", []),
        ({"order_point": None, "minimum": Decimal(3)}, "-17", [("ST-OR-M1-1", "17")]),
        ({"order_point": None, "daily_use": Decimal(3), "safety_days": 3}, "-11", [("ST-OR-M1-1", "11")]),
        ({"consignment": True}, "-12", []),
    ],
)
def test_at_its_threshold_stock_is_filled_up(
    changed: dict[str, Any], taken: str, expected: list[tuple[str, str]]
) -> None:
    assert wishes(decided(level(**changed), moved(taken))) == expected


def test_an_open_requisition_is_extended_and_no_second_one_raised() -> None:
    first = decided(level(), moved("-12"))
    wish = first.intents[0].document
    more = decided(level(), moved("-12"), moved("-15", "M-2", 2), wish)

    assert wishes(decided(level(), moved("-12"), wish)) == []
    assert wishes(more) == [("ST-OR-M1-1", "27")]
    assert more.intents[0].key != first.intents[0].key
    assert "stock:OR/M1" in dossiers_of(wish)


def test_what_is_ordered_counts_as_coming() -> None:
    wish = decided(level(), moved("-12")).intents[0].document
    assert isinstance(wish, Requisition)
    order = PurchaseOrder.model_validate_json(
        '{"order_number":"PO-1","supplier_number":"S1","ordered_on":"2026-11-20","requisition_numbers":["ST-OR-M1-1"],'
        '"lines":[{"number":1,"item_number":"M1","quantity":{"amount":"12"},"price":{"amount":"1"},"deliver_to":"OR",'
        '"requisition_number":"ST-OR-M1-1","requisition_line_number":1}]}'
    )
    found = decided(level(), moved("-12"), wish, order)

    assert (found.state["outstanding"], wishes(found)) == ("12", [])
    assert wishes(decided(level(), moved("-20"), moved("-13", "M-2", 2), wish, order)) == [("ST-OR-M1-2", "21")]
    assert orders_from(wish, [], date(2026, 11, 20)) == []


def test_an_unknown_unit_is_an_exception_and_never_one_to_one() -> None:
    found = decided(level(), moved("-1", quantity=each("-1", "PL")))

    assert ([one.type for one in found.findings], found.state["on_hand"]) == (["unit_conversion_unknown"], "20")


def test_less_than_nothing_is_an_exception() -> None:
    assert [one.type for one in decided(level(), moved("-21")).findings] == ["stock_below_zero"]
