"""Stock between inventories: out of one, into another, one movement, counted once at each."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from engine.canonical import Document, InventoryLevel, InventoryMovement, Item, MovementKind, Quantity, Requisition
from engine.procure.decision import Decision
from engine.procure.papers import dossiers_of
from engine.procure.requisitions.replenish import decide_stock
from tests.support.papers import NOW, papers, world

ITEM = Item(item_number="M1", description="mesh", supplier_number="S1")
STORE, WARD = "stock:STORE/M1", "stock:WARD/M1"
LAGS = NOW + timedelta(minutes=30)  # of who tells what lies where, before the movement


def level(location: str, amount: str = "20", **more: Any) -> InventoryLevel:
    given = {"order_point": Decimal(8), "maximum": Decimal(20), "as_of": NOW, "item_number": "M1"}
    return InventoryLevel(**{**given, "location": location, "on_hand": Quantity(amount=Decimal(amount)), **more})


def moved(amount: str = "-12", number: str = "T-1", **more: Any) -> InventoryMovement:
    given: dict[str, Any] = {
        "movement_kind": MovementKind.TRANSFER, "item_number": "M1", "location": "STORE", "to_location": "WARD",
        "moved_at": NOW + timedelta(hours=1),
    }  # fmt: skip
    return InventoryMovement(
        **{"movement_number": number, "quantity": Quantity(amount=Decimal(amount)), **given, **more}
    )


def decided(dossier: str, *documents: Document, told: dict[str, datetime] | None = None) -> Decision:
    here = [one for one in documents if dossier in dossiers_of(one)]
    return decide_stock(papers(*here), world(ITEM, now=NOW + timedelta(days=1), watermarks=told), dossier)


def on_hand(*documents: Document) -> tuple[str, str]:
    """In the store and on the ward."""
    store, ward = (decided(one, *documents).state["on_hand"] for one in (STORE, WARD))
    return str(store), str(ward)


def types(decision: Decision) -> list[str]:
    return sorted(one.type for one in decision.findings)


def test_it_is_taken_out_of_one_place_and_put_into_the_other() -> None:
    assert on_hand(level("STORE"), level("WARD", "2"), moved()) == ("8", "14")


def test_whatever_came_first_and_however_often_it_is_counted_once() -> None:
    documents = [level("STORE"), level("WARD", "2"), moved(), moved()]

    assert {on_hand(*one) for one in itertools.permutations(documents)} == {("8", "14")}


def test_what_the_other_inventory_tells_of_the_same_movement_is_not_counted_again() -> None:
    came = moved("12", "W-9", movement_kind=MovementKind.RECEIPT, location="WARD", to_location=None,
                 source_kind="InventoryMovement", source_key="T-1")  # fmt: skip

    assert on_hand(level("STORE"), level("WARD", "2"), moved(), came) == ("8", "14")


def test_one_that_is_told_anew_for_another_place_is_gone_from_the_first() -> None:
    corrected = moved(to_location="OR")
    here = [level("WARD", "2"), moved(), corrected]

    assert decide_stock(papers(*here), world(ITEM), WARD).state["on_hand"] == "2"


@pytest.mark.parametrize(("dossier", "wished"), [(STORE, ["12"]), (WARD, [])])
def test_each_place_looks_at_its_own_threshold(dossier: str, wished: list[str]) -> None:
    found = decided(dossier, level("STORE"), level("WARD", "2"), moved())

    wishes = [one.document for one in found.intents if isinstance(one.document, Requisition)]
    assert [str(one.lines[0].quantity.amount) for one in wishes] == wished


def test_a_place_of_which_nobody_told_is_a_case_at_that_place_until_somebody_does() -> None:
    assert types(decided(STORE, level("STORE"), moved())) == []
    (case,) = decided(WARD, level("STORE"), moved()).findings
    assert (case.type, case.facts["from"], case.facts["to"]) == ("stock_place_unknown", "STORE", "WARD")

    assert types(decided(WARD, level("STORE"), moved(), level("WARD"))) == []


def test_while_the_source_of_levels_lags_behind_the_place_may_still_be_told_of() -> None:
    assert types(decided(WARD, moved(), told={"stock": LAGS})) == []
    assert types(decided(WARD, moved(), told={"stock": NOW + timedelta(hours=1)})) == ["stock_place_unknown"]


@pytest.mark.parametrize(
    ("changed", "lies_there"),
    [({"to_location": None}, "8"), ({"to_location": "STORE"}, "20"), ({"amount": "12"}, "20")],
    ids=["nowhere", "to where it was", "the other way round"],
)
def test_a_transfer_that_is_not_clear_is_a_case_and_makes_no_stock(changed: dict[str, Any], lies_there: str) -> None:
    found = decided(STORE, level("STORE"), moved(**changed))

    assert (types(found), found.state["on_hand"]) == (["stock_transfer_unclear"], lies_there)
    assert decided(WARD, level("WARD", "2"), moved(**changed)).state["on_hand"] == "2"
