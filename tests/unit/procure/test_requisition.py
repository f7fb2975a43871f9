"""From the wish to the order: what keeps a requisition from being ordered, and what order it becomes."""

from __future__ import annotations

import itertools
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from engine.canonical import (
    ApprovalAction,
    ApprovalVerb,
    Budget,
    CaseAction,
    CaseVerb,
    Contract,
    ContractLine,
    ContractMember,
    CostCenter,
    DimensionValue,
    Document,
    InventoryLevel,
    Item,
    Money,
    OrderChange,
    OrderChangeAction,
    OrderChangeLine,
    Packaging,
    PostingResult,
    PurchaseOrder,
    Quantity,
    Requisition,
    RequisitionLine,
    RequisitionLineStatus,
    Supplier,
    UnitConversion,
    Urgency,
)
from engine.channel.policies import Policies
from engine.channel.policy_people import People, Person, Role
from engine.channel.policy_routing import Approvals, Route, Step
from engine.procure.decision import Decision
from engine.procure.papers import dossiers_of
from engine.procure.requisitions.budget import commitments_key
from engine.procure.requisitions.requisition import decide_requisition
from tests.support.papers import NOW, papers, world


def usd(amount: str) -> Money:
    return Money(amount=Decimal(amount))


def each(amount: str, unit: str = "EA") -> Quantity:
    return Quantity(amount=Decimal(amount), unit=unit)


GLOVE = Item(
    item_number="M1", description="glove", supplier_number="S1", cost_price=usd("2.50"), unit="EA",
    packaging=(Packaging(unit="BX", contains=Decimal(100)),), contract_numbers=("C1",), category="gloves",
)  # fmt: skip
STENT = Item(
    item_number="M2",
    description="stent",
    supplier_number="S2",
    cost_price=usd("900"),
    implantable=True,
    category="stents",
)
MASTER: tuple[Document, ...] = (
    GLOVE,
    STENT,
    Supplier(supplier_number="S1", name="One"),
    Supplier(supplier_number="S2", name="Two"),
    CostCenter(cost_center="CC1", name="theatre"),
)
NO_STEPS = Policies(approvals=Approvals(routes=(Route(route="all", subjects=("requisition",)),)))
ASKED = Policies(
    approvals=Approvals(
        routes=(Route(route="all", subjects=("requisition",), steps=(Step(roles=("buyer",), checks_limit=False),)),)
    ),
    people=People(
        roles={"buyer": Role(title="Buyer")},
        people=(Person(person="b.one", roles=("buyer",)), Person(person="r.asks", roles=("buyer",))),
    ),
)


def line(number: int = 1, item: str = "M1", amount: str = "4", **more: Any) -> RequisitionLine:
    return RequisitionLine(number=number, item_number=item, quantity=more.pop("quantity", each(amount)), **more)


def wish(*lines: RequisitionLine, **more: Any) -> Requisition:
    given = {
        "requisition_number": "R-1",
        "cost_center": "CC1",
        "requested_on": date(2026, 11, 20),
        "requester": "r.asks",
    }
    return Requisition(**{**given, "lines": lines or (line(),), **more})


def decided(
    *documents: Document, known: tuple[Document, ...] = MASTER, policies: Policies = NO_STEPS, **more: Any
) -> Decision:
    return decide_requisition(papers(*documents), world(*known, policies=policies, **more))


def types(decision: Decision) -> list[str]:
    return [one.type for one in decision.findings]


def orders(decision: Decision) -> list[PurchaseOrder]:
    return [one.document for one in decision.intents if isinstance(one.document, PurchaseOrder)]


def without(key: str, *more: Document) -> tuple[Document, ...]:
    return (*(one for one in MASTER if one.natural_key != key), *more)


def test_a_good_requisition_becomes_one_order_for_each_supplier_urgent_implants_first() -> None:
    found = decided(wish(line(1), line(2, "M2", "1"), line(3, "M1", "6"), urgency=Urgency.STAT))

    assert [(one.order_number, [x.item_number for x in one.lines]) for one in orders(found)] == [
        ("R-1-S2", ["M2"]),
        ("R-1-S1", ["M1", "M1"]),
    ]
    assert [(x.requisition_number, x.requisition_line_number) for x in orders(found)[1].lines] == [
        ("R-1", 1),
        ("R-1", 3),
    ]
    assert (found.state["state"], found.state["expected_spend"], found.state["expected_delivery"]) == (
        "approved", "925.00", "2026-11-23",
    )  # fmt: skip
    assert types(found) == []


@pytest.mark.parametrize(
    ("known", "changed", "expected"),
    [
        (without("M1"), {}, "item_unknown"),
        (without("M1", GLOVE.model_copy(update={"active": False})), {}, "item_inactive"),
        (without("S1"), {}, "supplier_unknown"),
        (without("S1", Supplier(supplier_number="S1", name="One", active=False)), {}, "supplier_inactive"),
        (without("M1", GLOVE.model_copy(update={"supplier_number": None})), {}, "supplier_missing"),
        (without("M1", GLOVE.model_copy(update={"cost_price": None})), {}, "price_unknown"),
        (MASTER, {"lines": (line(amount="0"),)}, "order_quantity_missing"),
        (MASTER, {"lines": (line(amount="-1"),)}, "order_quantity_missing"),
        (MASTER, {"cost_center": None}, "dimension_missing"),
        (without("CC1"), {}, "dimension_unknown"),
        (without("CC1", CostCenter(cost_center="CC1", name="x", active=False)), {}, "dimension_not_valid"),
        (
            without("CC1", CostCenter(cost_center="CC1", name="x", valid_to=date(2026, 11, 19))),
            {},
            "dimension_not_valid",
        ),
        (MASTER, {"lines": (line(quantity=each("1", "PL")),)}, "price_unknown"),
    ],
)
def test_what_the_master_data_does_not_allow_is_an_exception_and_no_order(
    known: tuple[Document, ...], changed: dict[str, Any], expected: str
) -> None:
    found = decided(wish(**changed), known=known)

    assert expected in types(found)
    assert orders(found) == []
    assert found.state["state"] == "exception"
    assert all(one.flip for one in found.findings)


def contract(price: str = "200", unit: str = "BX", **more: Any) -> Contract:
    given = {"contract_number": "C1", "supplier_number": "S1"}
    return Contract(
        **{**given, "lines": (ContractLine(number=1, unit=unit, price=usd(price), item_number="M1"),), **more}
    )


@pytest.mark.parametrize(
    ("terms", "quantity", "price", "source"),
    [
        (contract(), each("3", "BX"), "200", "contract"),
        (contract(), each("300"), "2", "contract"),  # a box of a hundred
        (contract(supplier_number="S9"), each("3"), "2.50", "item"),
        (contract(active=False), each("3"), "2.50", "item"),
        (contract(valid_to=date(2026, 11, 19)), each("3"), "2.50", "item"),
        (contract(members=(ContractMember(facility="ELSEWHERE"),)), each("3"), "2.50", "item"),
        (contract(members=(ContractMember(facility="MAIN"),)), each("3", "BX"), "200", "contract"),
        (None, each("3", "BX"), "250", "item"),
    ],
)
def test_the_price_is_the_contracts_where_one_holds(
    terms: Contract | None, quantity: Quantity, price: str, source: str
) -> None:
    known = (*MASTER, *([terms] if terms else []))
    found = decided(wish(line(quantity=quantity), facility="MAIN"), known=known)

    assert orders(found)[0].lines[0].price.amount == Decimal(price)
    assert found.state["lines"]["1"]["price_source"] == source


def budget(amount: str, is_hard: bool = True, **more: Any) -> Budget:
    return Budget(
        dimension=DimensionValue(type="cost_center", code="CC1"),
        period="2026-11",
        amount=usd(amount),
        is_hard=is_hard,
        **more,
    )


@pytest.mark.parametrize(
    ("amount", "committed", "spent", "missing"),
    [("10.00", None, None, None), ("9.99", None, None, "0.01"), ("20", "5", "5", None), ("20", "5.01", "5", "0.01")],
)
def test_a_budget_is_exact_to_the_cent(
    amount: str, committed: str | None, spent: str | None, missing: str | None
) -> None:
    given = {name: usd(text) for name, text in (("committed", committed), ("spent", spent)) if text}
    found = decided(wish(), known=(*MASTER, budget(amount, **given)))

    assert [str(one.money.amount) for one in found.findings if one.money] == ([missing] if missing else [])
    assert found.state["state"] == ("over_budget" if missing else "approved")


def test_open_orders_and_wishes_before_this_one_are_committed() -> None:
    earlier = wish(line(anticipated_price=usd("1")), requisition_number="R-0")
    later = wish(line(anticipated_price=usd("1")), requisition_number="R-2")
    ordered = orders(decided(wish(requisition_number="R-9")))[0]
    key = commitments_key("CC1", date(2026, 11, 20))
    found = decided(wish(), known=(*MASTER, budget("24")), beside={key: [earlier, wish(), later, ordered]})

    assert found.state["budgets"][0]["committed"] == "14.00"
    assert types(found) == []
    assert key in dossiers_of(ordered)
    assert key in dossiers_of(earlier)


@pytest.mark.parametrize(
    ("change", "state"),
    [
        (None, "over_budget"),
        ({"purpose": "01"}, "approved"),
        ({"purpose": "01", "accepted": False}, "over_budget"),  # the supplier delivers it all the same
        ({"lines": (OrderChangeLine(order_line_number=1, action=OrderChangeAction.DELETE),)}, "approved"),
    ],
)
def test_what_a_change_took_back_of_an_order_is_not_committed(change: dict[str, Any] | None, state: str) -> None:
    ordered = orders(decided(wish(requisition_number="R-9")))[0]
    told = {"supplier_number": "S1", "change_number": "C1", "sequence": 1, "changed_on": date(2026, 11, 20)}
    beside = beside_of(ordered)
    if change is not None:
        beside[f"changes:{ordered.order_number}"] = [OrderChange(order_number=ordered.order_number, **told, **change)]

    assert decided(wish(), known=(*MASTER, budget("15")), beside=beside).state["state"] == state


def small(number: str, amount: str = "1", **more: Any) -> Requisition:
    """Of so many gloves at a dollar."""
    wanted = line(amount=amount, anticipated_price=usd("1"))
    return wish(wanted, requisition_number=number, **more)


def beside_of(*before: Document) -> dict[str, list[Document]]:
    return {commitments_key("CC1", date(2026, 11, 20)): [*before]}


def test_a_wish_that_the_budget_has_not_enough_for_keeps_nothing_from_the_next() -> None:
    earlier = (small("R-0", "1000"), small("R-00", "4"))
    found = decided(wish(), known=(*MASTER, budget("14")), beside=beside_of(*earlier, wish()))

    assert found.state["budgets"][0]["committed"] == "4.00"
    assert (found.state["state"], types(found)) == ("approved", [])
    held = decided(earlier[0], known=(*MASTER, budget("14")), beside=beside_of(*earlier, wish()))
    assert held.state["state"] == "over_budget"


@pytest.mark.parametrize("verb", [ApprovalVerb.REJECT, ApprovalVerb.WITHDRAW, ApprovalVerb.APPROVE])
def test_a_wish_that_people_refused_keeps_nothing_from_the_next(verb: ApprovalVerb) -> None:
    earlier = small("R-0", "10")
    refused = approval(verb=verb, number="R-0").model_copy(update={"dossier": "requisition:R-0"})
    beside = {**beside_of(earlier, wish()), "requisition:R-0": [earlier, refused]}
    found = decided(wish(), known=(*MASTER, budget("10")), beside=beside)

    assert found.state["state"] == ("over_budget" if verb is ApprovalVerb.APPROVE else "approved")


def test_a_soft_budget_is_asked_about_and_does_not_hold_the_order() -> None:
    found = decided(wish(), known=(*MASTER, budget("1", is_hard=False)))

    assert (types(found), len(orders(found))) == (["budget_exceeded"], 1)


def test_an_accepted_exception_does_not_hold_the_order_any_more() -> None:
    over = budget("1")
    action = CaseAction(
        action_number="A1", case_id="x", dossier="requisition:R-1", action=CaseVerb.ACCEPT, who="cfo", at=NOW,
        case_type="budget_exceeded", place=f"budget {over.natural_key}",
    )  # fmt: skip
    for turn in itertools.permutations((wish(), action)):
        assert len(orders(decided(*turn, known=(*MASTER, over)))) == 1


def approval(who: str = "b.one", verb: ApprovalVerb = ApprovalVerb.APPROVE, number: str = "R-1") -> ApprovalAction:
    return ApprovalAction(
        action_number=f"{who}-{verb}", approval_number=number, dossier="requisition:R-1", action=verb, who=who,
        at=NOW + timedelta(minutes=1),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("actions", "state"),
    [
        ((), "waiting_for_approval"),
        ((approval(),), "approved"),
        ((approval("r.asks"),), "waiting_for_approval"),  # nobody approves her own wish
        ((approval(verb=ApprovalVerb.REJECT),), "rejected"),
    ],
)
def test_nothing_is_ordered_that_nobody_approved(actions: tuple[Document, ...], state: str) -> None:
    found = decided(wish(), *actions, policies=ASKED, now=NOW + timedelta(hours=1))

    assert found.state["state"] == state
    assert len(orders(found)) == (state == "approved")


def test_another_wish_needs_another_approval() -> None:
    more = wish(line(amount="400"))
    found = decided(wish(), approval(), more, policies=ASKED, now=NOW + timedelta(hours=1))
    again = decided(wish(), approval(number="R-1.2"), more, policies=ASKED, now=NOW + timedelta(hours=1))

    assert (found.state["state"], again.state["state"]) == ("waiting_for_approval", "approved")


@pytest.mark.parametrize("changed", [{"cost_center": "CC2"}, {"department": "D2"}])
def test_who_is_to_pay_for_it_is_part_of_what_was_approved(changed: dict[str, Any]) -> None:
    known = (*MASTER, CostCenter(cost_center="CC2", name="ward"))
    approved = (wish(), approval())

    assert decided(*approved, known=known, policies=ASKED).state["state"] == "approved"
    assert decided(*approved, wish(**changed), known=known, policies=ASKED).state["state"] == "waiting_for_approval"


def test_what_is_ordered_is_told_and_not_ordered_twice() -> None:
    (order,) = orders(decided(wish()))
    for turn in itertools.permutations((wish(), order)):
        found = decided(*turn)
        (told,) = (one for one in found.intents if one.what == "tell_status")

        assert (found.state["state"], orders(found), told.detail) == ("ordered", [], "ordered")
        assert isinstance(told.document, Requisition)
        assert [(x.status, x.order_number) for x in told.document.lines] == [(RequisitionLineStatus.ORDERED, "R-1-S1")]
    assert "requisition:R-1" in dossiers_of(order)


def test_what_lies_where_it_is_wanted_is_not_bought_before_a_person_wants_it() -> None:
    level = InventoryLevel(
        item_number="M1", location="OR", on_hand=each("100"), as_of=NOW, order_point=Decimal(96), reserved=Decimal(0)
    )
    enough = decided(wish(deliver_to="OR"), known=(*MASTER, level))
    not_enough = decided(wish(line(amount="5"), deliver_to="OR"), known=(*MASTER, level))

    assert (types(enough), enough.state["state"], orders(enough)) == (["stock_available"], "exception", [])
    assert (types(not_enough), len(orders(not_enough))) == ([], 1)


def test_what_was_cancelled_is_not_ordered() -> None:
    found = decided(wish(line(status=RequisitionLineStatus.CANCELLED)))

    assert (found.state["state"], found.intents) == ("cancelled", ())


# ------------------------------------------------------------------ what the ERP answered
def made(number: str, ok: bool = True) -> PostingResult:
    return PostingResult(
        dossier="requisition:R-1", command="create_order", system="erp", subject_kind="PurchaseOrder",
        subject_key=number, ok=ok, reference="PO-7" if ok else None, answered_at=NOW,
    )  # fmt: skip


def test_it_is_ordered_once_the_erp_has_made_its_orders() -> None:
    asked = wish(line(1, "M1"), line(2, "M2", "1"))

    half = decided(asked, made("R-1-S1"))
    whole = decided(asked, made("R-1-S1"), made("R-1-S2"))

    assert (half.state["state"], whole.state["state"]) == ("approved", "ordered")
    assert whole.state["ordered"] == {"1": "R-1-S1", "2": "R-1-S2"}


def test_an_order_that_the_erp_refused_is_not_ordered() -> None:
    assert decided(wish(), made("R-1-S1", ok=False)).state["state"] == "approved"


def test_who_asked_is_told_the_orders_number() -> None:
    decision = decided(wish(), made("R-1-S1"))

    (told,) = [one for one in decision.intents if one.what == "tell_status"]
    assert isinstance(told.document, Requisition)
    assert [one.order_number for one in told.document.lines] == ["R-1-S1"]


def euro(amount: str) -> Money:
    return Money(amount=Decimal(amount), currency="EUR")


UNPRICED = without("M1", GLOVE.model_copy(update={"cost_price": None, "contract_numbers": ()}))


def test_lines_in_another_currency_are_no_way_around_the_approval() -> None:
    routes = (
        Route(route="small", subjects=("requisition",), up_to=Decimal(500)),
        Route(route="large", subjects=("requisition",), above=Decimal(500), steps=(Step(roles=("buyer",)),)),
    )
    limited = ASKED.model_copy(update={"approvals": Approvals(routes=routes)})
    mixed = wish(line(1, "M2", "0.1"), line(2, amount="1000", anticipated_price=euro("90.00")))

    found = decided(mixed, known=UNPRICED, policies=limited)

    assert orders(found) == []
    assert (found.state["approval"]["route"], found.state["expected_spend"]) == ("large", "90000.00")
    assert next((one.type, one.place) for one in found.findings) == ("currency_differs", "line 1")


def test_a_line_below_zero_is_no_way_around_the_approval() -> None:
    lowered = wish(line(1, anticipated_price=usd("900")), line(2, anticipated_price=usd("-899")))

    assert decided(lowered, known=UNPRICED).state["expected_spend"] == "3600.00"


@pytest.mark.parametrize(("is_hard", "state"), [(True, "over_budget"), (False, "approved")])
def test_what_is_in_another_currency_than_its_budget_is_asked_about(is_hard: bool, state: str) -> None:
    found = decided(wish(line(anticipated_price=euro("1.00"))), known=(*UNPRICED, budget("1000", is_hard)))

    assert (found.state["state"], types(found)) == (state, ["currency_differs"])


@pytest.mark.parametrize(
    ("period", "ordered_on", "missing"),
    [
        ("2026", date(2026, 2, 3), True),
        ("2026-Q4", date(2026, 10, 5), True),
        ("2026-Q4", date(2026, 9, 30), False),
        ("2026-11", date(2026, 10, 5), False),
        ("2026", date(2026, 12, 1), False),  # a month that has not begun
    ],
)
def test_a_budget_is_drawn_on_in_every_month_of_its_period(period: str, ordered_on: date, missing: bool) -> None:
    before = orders(decided(wish(requisition_number="R-9")))[0].model_copy(update={"ordered_on": ordered_on})
    held = budget("15").model_copy(update={"period": period})
    found = decided(wish(), known=(*MASTER, held), beside={commitments_key("CC1", ordered_on): [before]})

    assert types(found) == (["budget_exceeded"] if missing else [])


def packed(*sizes: tuple[str, str, int]) -> tuple[Document, ...]:
    told = tuple(UnitConversion(from_unit=one, to_unit=to, numerator=size) for one, to, size in sizes)
    return without("M1", GLOVE.model_copy(update={"packaging": (), "conversions": told}))


def test_units_of_a_price_convert_step_by_step_and_not_by_one_of_two_sizes() -> None:
    case = wish(line(quantity=each("1", "CA")))

    assert decided(case, known=packed(("CA", "BX", 10), ("BX", "EA", 100))).state["expected_spend"] == "2500.00"
    assert types(decided(case, known=packed(("CA", "EA", 10), ("CA", "EA", 20)))) == ["price_unknown"]


def test_prices_of_contracts_in_two_currencies_are_not_compared() -> None:
    contracts = [
        Contract(
            contract_number=number, supplier_number="S1", currency=price.currency,
            lines=(ContractLine(number=1, item_number="M1", unit="EA", price=price),),
        )
        for number, price in (("C7", euro("1.00")), ("C8", usd("2.00")), ("C9", usd("2.20")))
    ]  # fmt: skip
    found = decided(wish(), beside={"contracts:S1": contracts})

    assert found.state["lines"]["1"]["contract"] == "C8"  # in the currency of the item's cost
