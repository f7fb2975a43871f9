"""An order after it was sent: answers, changes, deliveries; the same whatever came first."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from engine.canonical import (
    AcknowledgedLine,
    ChangeBy,
    Document,
    InventoryLevel,
    Invoice,
    InvoiceKind,
    InvoiceLine,
    Item,
    JournalEntry,
    LineAction,
    LineAnswer,
    Money,
    OrderAcknowledgement,
    OrderChange,
    OrderChangeAction,
    OrderChangeLine,
    OrderLine,
    Packaging,
    PurchaseOrder,
    Quantity,
    Receipt,
    ReceiptKind,
    ReceiptLine,
    ShipmentNotice,
    ShippedLine,
)
from engine.channel.policies import Policies
from engine.channel.policy_usage import Usage
from engine.core.clock import to_micros
from engine.ports.procure import Record
from engine.procure.decision import Decision
from engine.procure.matching.order import order_of
from engine.procure.orders.states import decide_order_life
from engine.procure.papers import Paper, Papers
from tests.support.papers import NOW, papers, world


def usd(amount: str) -> Money:
    return Money(amount=Decimal(amount))


def each(amount: str, unit: str = "EA") -> Quantity:
    return Quantity(amount=Decimal(amount), unit=unit)


def order(**more: Any) -> PurchaseOrder:
    line = OrderLine(
        number=1, item_number="M1", quantity=each("10"), price=usd("3"), deliver_to="OR", needed_by=date(2026, 11, 23)
    )
    given = {"order_number": "PO-1", "supplier_number": "S1", "ordered_on": date(2026, 11, 18), "lines": (line,)}
    return PurchaseOrder(**{**given, **more})


def answer(*answers: LineAnswer, price: str | None = None, type_: str = "AC", day: int = 19) -> OrderAcknowledgement:
    their = usd(price) if price else None
    lines = (AcknowledgedLine(order_line_number=1, answers=answers, price=their),) if answers else ()
    return OrderAcknowledgement(
        order_number="PO-1", supplier_number="S1", acknowledged_on=date(2026, 11, day), acknowledgement_type=type_,
        lines=lines,
    )  # fmt: skip


def says(
    action: LineAction = LineAction.ACCEPTED, amount: str = "10", unit: str = "EA", on: date | None = None
) -> LineAnswer:
    return LineAnswer(action=action, quantity=each(amount, unit), expected_on=on)


def notice(amount: str = "10", **more: Any) -> ShipmentNotice:
    line = ShippedLine(quantity=each(amount), order_number="PO-1", order_line_number=1)
    given = {"shipment_number": "SH1", "supplier_number": "S1", "noticed_on": date(2026, 11, 19), "lines": (line,)}
    return ShipmentNotice(**{**given, "expected_on": date(2026, 11, 24), **more})


def receipt(amount: str = "10", **more: Any) -> Receipt:
    line = ReceiptLine(order_line_number=1, item_number="M1", quantity=each(amount))
    given = {"receipt_number": "R1", "order_number": "PO-1", "supplier_number": "S1", "received_on": date(2026, 11, 20)}
    return Receipt(**{**given, "lines": (line,), **more})


def change(action: OrderChangeAction, sequence: int = 1, by: ChangeBy = ChangeBy.BUYER, **more: Any) -> OrderChange:
    given = {name: more.pop(name) for name in ("accepted", "purpose") if name in more}
    return OrderChange(
        order_number="PO-1", supplier_number="S1", change_number=f"C{sequence}", sequence=sequence,
        changed_on=date(2026, 11, 19), changed_by=by,
        lines=(OrderChangeLine(order_line_number=1, action=action, **more),), **given,
    )  # fmt: skip


def decided(*documents: Document, known: tuple[Document, ...] = (), now: datetime = NOW) -> Decision:
    return decide_order_life(papers(*documents), world(*known, now=now))


def found(*documents: Document, **more: Any) -> list[tuple[str, str]]:
    decision = decided(*documents, **more)
    return [(one.type, str(one.money.amount) if one.money else "") for one in decision.findings]


@pytest.mark.parametrize(
    ("documents", "expected"),
    [
        ((answer(says()),), []),
        ((answer(says(), price="3.10"),), [("acknowledgement_price", "1.00")]),  # IP
        ((answer(says(LineAction.CHANGED, "8")),), [("acknowledgement_quantity", "-6.00")]),  # IQ
        (
            (answer(says(amount="6"), says(LineAction.BACKORDERED, "4")),),
            [("acknowledgement_backordered", "12.00")],
        ),  # IB
        ((answer(says(LineAction.SUBSTITUTED)),), [("acknowledgement_substituted", "30.00")]),  # IS
        ((answer(says(LineAction.REJECTED)),), [("acknowledgement_rejected", "30.00")]),  # IR
        ((answer(says(amount="1", unit="BX")),), [("acknowledgement_unit", "")]),
        ((answer(says(on=date(2026, 11, 25))),), [("acknowledgement_date", "30.00")]),
        ((answer(type_="RJ"),), [("acknowledgement_rejected", "30.00")]),
        ((answer(says(LineAction.REJECTED)), answer(says(), day=20)), []),  # the newest answer counts
    ],
)
def test_an_answer_other_than_the_order_is_an_exception_with_its_money(
    documents: tuple[Document, ...], expected: list[tuple[str, str]]
) -> None:
    for turn in itertools.permutations((order(), *documents)):
        assert found(*turn) == expected


def test_what_the_supplier_answers_in_a_unit_that_converts_is_the_same_quantity() -> None:
    box = Item(
        item_number="M1", description="gloves", unit="EA", packaging=(Packaging(unit="BX", contains=Decimal(5)),)
    )
    boxes = answer(says(amount="2", unit="BX"))

    assert found(order(), boxes, known=(box,)) == []
    assert found(order(), answer(says(amount="3", unit="BX")), known=(box,)) == [("acknowledgement_quantity", "15.00")]
    assert [type_ for type_, _ in found(order(), boxes)] == ["acknowledgement_unit"]


def test_an_answer_for_a_line_that_nobody_ordered_is_told() -> None:
    (told,) = decided(order(), of_line(7)).findings

    assert (told.type, told.place) == ("acknowledgement_unclear", "line 7")


@pytest.mark.parametrize(("purpose", "wanted"), [("00", ["acknowledgement_backordered"]), ("05", [])])
def test_two_answers_of_one_day_count_both_unless_one_takes_the_others_place(purpose: str, wanted: list[str]) -> None:
    two = order(lines=(*order().lines, order().lines[0].model_copy(update={"number": 2})))
    later = of_line(2).model_copy(update={"purpose": purpose})
    decision = decided(two, answer(says(LineAction.BACKORDERED)), later)

    assert [one.type for one in decision.findings] == wanted


def of_line(number: int) -> OrderAcknowledgement:
    line = answer(says()).lines[0].model_copy(update={"order_line_number": number})
    return answer(says()).model_copy(update={"lines": (line,)})


@pytest.mark.parametrize(
    ("documents", "state"),
    [
        ((), "sent"),
        ((answer(says()),), "acknowledged"),
        ((answer(type_="RJ"),), "rejected"),
        ((notice("4"),), "part_shipped"),
        ((notice(),), "shipped"),
        ((notice(), notice(purpose="01")), "sent"),
        ((notice(), receipt("4")), "part_received"),
        ((notice(), receipt()), "received"),
        ((receipt(), receipt(receipt_number="R2", receipt_kind="return")), "sent"),
        ((receipt(cancelled=True),), "sent"),
        ((change(OrderChangeAction.DELETE),), "cancelled"),
        ((change(OrderChangeAction.NO_CHANGE, purpose="01"),), "cancelled"),
        ((receipt("4"), change(OrderChangeAction.QUANTITY_DECREASE, quantity=each("4"))), "received"),
    ],
)
def test_the_state_of_an_order_follows_from_its_documents(documents: tuple[Document, ...], state: str) -> None:
    assert decided(order(), *documents).state["order"]["state"] == state


def test_changes_count_by_their_sequence_whatever_came_first() -> None:
    more = change(OrderChangeAction.QUANTITY_INCREASE, 1, quantity=each("20"))
    less = change(OrderChangeAction.QUANTITY_DECREASE, 2, quantity=each("5"))
    for turn in itertools.permutations((order(), more, less)):
        assert decided(*turn).state["order"]["lines"]["1"]["ordered"] == "5"


def test_a_later_change_with_an_earlier_day_counts_for_the_order_as_for_its_invoices() -> None:
    less = change(OrderChangeAction.QUANTITY_DECREASE, 1, quantity=each("5"))
    more = change(OrderChangeAction.QUANTITY_INCREASE, 2, quantity=each("20"))
    more = more.model_copy(update={"changed_on": date(2026, 11, 18)})
    theirs = change(OrderChangeAction.PRICE_CHANGE, 1, ChangeBy.SUPPLIER, price=usd("2"), accepted=True)
    theirs = theirs.model_copy(update={"changed_on": date(2026, 11, 20)})
    for turn in itertools.permutations((order(), more, less, theirs)):
        billed_by, _ = order_of(papers(*turn))
        assert billed_by is not None
        assert (billed_by.lines[0].quantity, billed_by.lines[0].price) == (each("20"), usd("2"))
        assert decided(*turn).state["order"]["lines"]["1"]["ordered"] == "20"


def test_a_line_that_the_supplier_takes_out_is_worth_what_was_ordered() -> None:
    assert found(order(), change(OrderChangeAction.DELETE, by=ChangeBy.SUPPLIER)) == [("order_change_asked", "-30.00")]


def test_the_suppliers_change_counts_when_we_agreed() -> None:
    asked = change(OrderChangeAction.PRICE_CHANGE, by=ChangeBy.SUPPLIER, price=usd("4"))
    agreed = asked.model_copy(update={"accepted": True})
    refused = change(OrderChangeAction.QUANTITY_INCREASE, quantity=each("20"), accepted=False)

    assert found(order(), asked) == [("order_change_asked", "10.00")]
    assert found(order(), agreed, answer(says(), price="4")) == []
    assert found(order(), refused) == [("order_change_refused", "30.00")]


def billed(amount: str = "10", number: str = "I1", line: int | None = 1) -> Invoice:
    part = InvoiceLine(number=1, item_number="M1", order_line_number=line, quantity=each(amount), price=usd("3"))
    return Invoice(
        invoice_number=number, supplier_number="S1", invoiced_on=date(2026, 11, 21), order_number="PO-1",
        stated_total=part.extended, lines=(part,),
    )  # fmt: skip


_THEIRS, _MORE = ChangeBy.SUPPLIER, OrderChangeAction.QUANTITY_INCREASE


@pytest.mark.parametrize(
    ("differs", "expected"),
    [
        (answer(says(), price="3.10"), [("acknowledgement_price", "1.00")]),
        (answer(says(LineAction.CHANGED, "8")), []),  # all came: nobody waits for another answer
        (answer(says(on=date(2026, 11, 25))), []),
        (change(OrderChangeAction.PRICE_CHANGE, by=_THEIRS, price=usd("4")), [("order_change_asked", "10.00")]),
        (change(_MORE, by=_THEIRS, quantity=each("12")), [("order_change_asked", "6.00")]),
        (change(OrderChangeAction.QUANTITY_DECREASE, by=_THEIRS, quantity=each("8")), []),
        (change(OrderChangeAction.RESCHEDULE, by=_THEIRS, needed_by=date(2026, 12, 1)), []),
        (change(OrderChangeAction.DELETE, by=_THEIRS), []),
        (change(OrderChangeAction.PRICE_CHANGE, by=_THEIRS, price=usd("4"), accepted=False), []),  # answered
        (change(OrderChangeAction.PRICE_CHANGE, price=usd("2"), accepted=False), [("order_change_refused", "-10.00")]),
    ],
)  # fmt: skip
def test_what_the_sides_differ_about_in_money_stays_when_all_came_until_it_is_invoiced(
    differs: Document, expected: list[tuple[str, str]]
) -> None:
    for turn in itertools.permutations((order(), differs, receipt())):
        assert found(*turn) == expected

    assert found(order(), differs, receipt(), billed("6")) == expected
    assert found(order(), differs, receipt(), billed("6"), billed("4", "I2", None)) == []


def test_what_is_on_its_way_is_expected_where_and_when_it_comes() -> None:
    (one,) = decided(order(), notice(), receipt("4")).state["order"]["expected"]

    assert (one["expected_on"], one["location"], one["amount"], one["shipments"]) == ("2026-11-24", "OR", "6", ("SH1",))


@pytest.mark.parametrize(("day", "late"), [(23, False), (24, False), (25, True)])
def test_it_is_late_when_its_day_and_one_business_day_more_are_over(day: int, late: bool) -> None:
    now = datetime(2026, 11, day, 15, tzinfo=UTC)
    decision = decided(order(), now=now)

    assert [one.type for one in decision.findings] == (["supplier_late"] if late else [])
    assert (decision.look_again_at is None) is late


def test_a_late_delivery_says_what_stock_it_endangers() -> None:
    level = InventoryLevel(
        item_number="M1", location="OR", on_hand=each("4"), as_of=NOW, daily_use=Decimal(2), safety_days=2
    )
    (late,) = decided(order(), known=(level,), now=datetime(2026, 11, 27, 15, tzinfo=UTC)).findings

    assert (late.urgency, late.money) == ("stat", usd("30.00"))
    assert (late.facts["days_of_stock"], late.facts["stock_out"]) == (2, True)


def test_what_was_received_is_owed_until_it_is_invoiced() -> None:
    rules = Usage(accrued_account="2110", inventory_account="1310", accrue=("received_not_invoiced",))
    line = InvoiceLine(number=1, order_line_number=1, quantity=each("6"), price=usd("3"))
    invoice = Invoice(
        invoice_number="I1", supplier_number="S1", invoiced_on=date(2026, 11, 21), lines=(line,),
        stated_total=usd("18"), order_number="PO-1",
    )  # fmt: skip
    first, second = receipt("4"), receipt("6", receipt_number="R2", received_on=date(2026, 11, 21))
    for turn in itertools.permutations((order(), first, second, invoice)):
        decision = decide_order_life(papers(*turn), world(policies=Policies(usage=rules)))

        assert [one.key for one in decision.intents] == [
            "post_journal:RNI-R1",
            "post_journal:RNI-R1-R",
            "post_journal:RNI-R2",
        ]
    assert decided(order(), first, invoice).intents == ()


@pytest.mark.parametrize(
    ("billed", "reversed_"),
    [
        ((), set()),  # eight are owed: ten came, two went back
        (("8",), {"R1", "BACK"}),
        (("10",), {"R1"}),  # a credit of two is still to come
        (("10", "-2"), {"R1", "BACK"}),
    ],
)
def test_what_went_back_is_owed_no_more_and_what_was_billed_of_it_is_to_be_credited(
    billed: tuple[str, ...], reversed_: set[str]
) -> None:
    came, back = receipt("10"), receipt("2", receipt_number="BACK", receipt_kind=ReceiptKind.RETURN)
    invoices = [bill(amount, f"I{n}") for n, amount in enumerate(billed)]
    for turn in itertools.permutations((order(), came, back, *invoices)):
        assert taken_back(*turn) == reversed_


def test_goods_that_all_went_back_before_an_invoice_leave_nothing_owed() -> None:
    back = receipt("10", receipt_number="BACK", receipt_kind=ReceiptKind.RETURN)

    assert taken_back(order(), receipt("10"), back) == {"R1", "BACK"}


def test_what_was_accrued_for_a_receipt_that_is_cancelled_is_taken_back() -> None:
    documents = (order(), receipt("10"), receipt("10", cancelled=True))

    assert taken_back(*documents) == set()  # nobody accrued it yet
    assert taken_back(*documents, given=frozenset({"post_journal:RNI-R1"})) == {"R1"}


def test_an_accrual_is_taken_back_as_it_was_given_though_price_and_quantity_were_changed_since() -> None:
    dearer = change(OrderChangeAction.CHANGE, price=usd("5"))
    corrected = receipt("8")
    given: dict[str, JournalEntry] = {}
    documents: list[tuple[Document, int]] = []
    for minute, one in enumerate((order(), receipt("10"), dearer, corrected, bill("10", "I1"))):
        documents.append((one, minute))
        found = decide_order_life(_told(documents), world(policies=ACCRUING, given=frozenset(given)))
        entries = {one.key: one.document for one in found.intents if isinstance(one.document, JournalEntry)}
        given = entries | given

    (owed, back) = given.values()
    assert {x.account: x.debit and x.debit.amount for x in owed.lines} == {"1310": Decimal(30), "2110": None}
    assert [(x.account, x.debit) for x in owed.lines] == [(x.account, x.credit) for x in back.lines]


def _told(documents: list[tuple[Document, int]]) -> Papers:
    """Each a minute after the one before."""
    found: list[Paper] = []
    for one, minute in documents:
        version = 1 + sum(before.record.key == one.natural_key for before in found)
        at = NOW + timedelta(minutes=minute)
        record = Record(one.kind, one.natural_key, version, one.model_dump_json().encode(), to_micros(at))
        found.append(Paper(one, record))
    return Papers.of(sorted(found, key=lambda paper: paper.record))


def bill(amount: str, number: str) -> Invoice:
    """Below zero it is a credit memo."""
    line = InvoiceLine(number=1, order_line_number=1, quantity=each(amount.lstrip("-")), price=usd("3"))
    kind = InvoiceKind.CREDIT_MEMO if amount.startswith("-") else InvoiceKind.INVOICE
    return Invoice(
        invoice_number=number, supplier_number="S1", invoiced_on=date(2026, 11, 21), lines=(line,),
        stated_total=line.extended, order_number="PO-1", invoice_kind=kind,
    )  # fmt: skip


RULES = Usage(accrued_account="2110", inventory_account="1310", accrue=("received_not_invoiced",))
ACCRUING = Policies(usage=RULES)


def taken_back(*documents: Document, given: frozenset[str] = frozenset()) -> set[str]:
    """Numbers of the receipts whose accrual was reversed."""
    decision = decide_order_life(papers(*documents), world(policies=ACCRUING, given=given))
    entries = [one.document for one in decision.intents if isinstance(one.document, JournalEntry)]
    return {str(one.reverses).removeprefix("RNI-") for one in entries if one.reverses}
