"""What a visit used and was charged: paired, checked, posted; the same whatever came first."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from engine.canonical import (
    ChargeEvent,
    ChargeKind,
    Consumption,
    ConsumptionLine,
    CostCenter,
    Disposition,
    Document,
    Item,
    JournalEntry,
    Money,
    Quantity,
)
from engine.channel.policies import Policies
from engine.channel.policy_usage import Usage
from engine.procure.decision import Decision
from engine.procure.papers import dossiers_of
from engine.procure.usage.usage import decide_usage
from tests.support.papers import papers, world

AT = datetime(2026, 11, 10, 9, tzinfo=UTC)
POLICIES = Policies(usage=Usage(inventory_account="1310", expense_account="6100"))


def each(amount: str, unit: str = "EA") -> Quantity:
    return Quantity(amount=Decimal(amount), unit=unit)


def item(**more: Any) -> Item:
    given = {"item_number": "M1", "description": "mesh", "chargeable": True, "charge_code": "C1"}
    return Item(**{**given, "cost_price": Money(amount=Decimal("2.505")), **more})


MASTER: tuple[Document, ...] = (item(), CostCenter(cost_center="OR", name="theatre"))


def used(amount: str = "2", number: str = "U1", **more: Any) -> Consumption:
    of_document = {name: more.pop(name) for name in ("cancelled", "used_at") if name in more}
    given = {"number": 1, "item_number": "M1", "cost_center": "OR", "quantity": each(amount)}
    line = ConsumptionLine(**{**given, **more})
    return Consumption(
        **{
            "consumption_number": number,
            "used_at": AT,
            "lines": (line,),
            "facility": "MAIN",
            "visit_number": "V1",
            **of_document,
        }
    )


def charge(amount: str = "2", number: str = "CH1", **more: Any) -> ChargeEvent:
    given = {"charge_number": number, "charge_code": "C1", "charged_at": AT + timedelta(hours=3), "item_number": "M1"}
    return ChargeEvent(**{**given, "quantity": each(amount), "facility": "MAIN", "visit_number": "V1", **more})


def credit(amount: str = "2", **more: Any) -> ChargeEvent:
    return charge(amount, "CR1", charge_kind=ChargeKind.CREDIT, **more)


def put_back(amount: str, **more: Any) -> Consumption:
    return used(amount, "BACK", disposition=Disposition.RETURNED, **{"used_at": AT + timedelta(hours=1), **more})


def less(amount: str) -> Consumption:
    return used(amount, "LESS", used_at=AT + timedelta(hours=1))


def decided(*documents: Document, known: tuple[Document, ...] = MASTER, **more: Any) -> Decision:
    later = {"now": AT + timedelta(days=9), "policies": POLICIES, **more}
    return decide_usage(papers(*documents), world(*known, **later))


@pytest.mark.parametrize(
    ("documents", "expected"),
    [
        ((used(), charge()), []),
        ((used(),), ["usage_not_charged"]),
        ((charge(),), ["charge_without_usage"]),
        ((charge(item_number=None, charge_code="ROOM"),), []),  # rooms are charged, too
        ((used(), charge(item_number=None)), []),  # by its code
        ((used(), charge("1")), ["usage_not_charged"]),
        ((used(), charge("1"), charge("1", "CH2")), []),
        ((used("1"), used("1", "U2"), charge()), []),
        ((used(), charge("3")), ["charge_without_usage"]),
        ((used(), charge(charged_at=AT + timedelta(hours=24))), []),
        (
            (used(), charge(charged_at=AT + timedelta(hours=24, seconds=1))),
            ["charge_without_usage", "usage_not_charged"],
        ),
        ((used(), charge(quantity=each("2", "BX"))), ["charge_without_usage", "usage_not_charged"]),
        ((used(), charge(), credit(reverses="CH1")), ["usage_not_charged"]),
        ((used("1"), charge(), credit("1")), []),
        ((used("2"), put_back("1"), charge("1")), []),  # what was put back is not charged
        ((used("2"), put_back("1"), charge("2")), ["charge_without_usage"]),
        ((used("2"), put_back("1", used_at=AT - timedelta(hours=1)), charge("1")), ["usage_not_charged"]),
        # What a credit takes back may be told as a use of less than nothing.
        ((used("3"), less("-1"), charge("3"), credit("1", reverses="CH1")), []),
        ((used("2"), less("-2"), charge("2"), credit("2", reverses="CH1")), []),
        ((used("2"), charge("3"), charge("-1", "CH2", charged_at=AT + timedelta(hours=4))), []),
        # Nearest in time, the second use would take the only charge that the first one can have.
        (
            (
                used("1"),
                used("1", "U2", used_at=AT + timedelta(hours=20)),
                charge("1", charged_at=AT + timedelta(hours=19)),
                charge("1", "CH2", charged_at=AT + timedelta(hours=25)),
            ),
            [],
        ),
        ((used(cancelled=True), charge()), ["charge_without_usage"]),
        ((used(disposition=Disposition.WASTED),), []),  # paid for, and not charged
        ((used(item_number="M9"),), ["usage_item_unknown"]),
        ((used(cost_center="NONE"), charge()), ["dimension_unknown"]),
    ],
)
def test_use_and_charge_of_a_visit_are_paired(documents: tuple[Document, ...], expected: list[str]) -> None:
    for turn in itertools.permutations(documents):
        assert sorted({one.type for one in decided(*turn).findings}) == expected


@pytest.mark.parametrize(
    ("documents", "expected"),
    [
        ((credit(),), ["charge_credit_unmatched"]),
        ((used(), charge(), credit(reverses="CH9")), ["charge_credit_unmatched"]),
        ((used("1"), charge(), credit("3")), ["charge_credit_unmatched", "usage_not_charged"]),
        ((used("1"), charge(), credit("1", reverses="CH1")), []),
        ((credit(item_number=None, charge_code="ROOM"),), []),
        # One code for all supplies: the credit is of the item that it names, though another was charged later.
        ((used(), charge(), charge("2", "CH2", item_number="M2"), credit(item_number="M2")), []),
        (
            (
                used(),
                charge(charged_at=AT + timedelta(hours=4)),
                charge("2", "CH2", item_number="M2"),
                credit(item_number="M2", charged_at=AT + timedelta(hours=5)),
            ),
            [],
        ),
    ],
)
def test_a_credit_of_what_nobody_charged_is_told(documents: tuple[Document, ...], expected: list[str]) -> None:
    for turn in itertools.permutations(documents):
        found = decided(*turn).findings
        assert sorted({one.type for one in found}) == expected
        assert all(one.flip for one in found)


def test_a_credit_waits_for_its_charge_and_is_looked_at_again() -> None:
    lone = decided(credit(), now=AT + timedelta(hours=4))

    assert (lone.findings, lone.look_again_at) == ((), AT + timedelta(hours=75))


@pytest.mark.parametrize(
    ("again", "wanted"),
    [(used(cancelled=True), True), (used("3"), True), (used(disposition=Disposition.WASTED), True), (used(), False)],
)
def test_a_use_that_is_told_otherwise_after_its_cost_was_posted_is_a_case(again: Consumption, wanted: bool) -> None:
    given = frozenset({"post_journal:USE-U1"})
    found = [one for one in decided(used(), again, given=given).findings if one.type == "decided_otherwise_since"]

    assert [one.facts["posted"] for one in found] == [["line 1: 2 EA of M1, used"]] * wanted
    assert not any(one.type == "decided_otherwise_since" for one in decided(used(), again).findings)


def test_a_source_that_can_still_explain_it_is_waited_for() -> None:
    soon, hour = AT + timedelta(hours=4), timedelta(hours=1)
    waiting = decided(used(), now=soon)
    behind = decided(used(), now=soon, watermarks={"charges": AT + 23 * hour})
    told = decided(used(), now=AT + 25 * hour, watermarks={"charges": AT + 24 * hour})

    assert (waiting.findings, waiting.state["state"], waiting.look_again_at) == (
        (),
        "waiting",
        AT + timedelta(hours=72),
    )
    assert (behind.findings, behind.look_again_at) == ((), soon + timedelta(minutes=1))
    assert [one.type for one in told.findings] == ["usage_not_charged"]


def entries(decision: Decision) -> list[JournalEntry]:
    return [one.document for one in decision.intents if isinstance(one.document, JournalEntry)]


def test_what_was_used_is_posted_to_its_account_and_cost_center_once_and_balanced() -> None:
    (entry,) = entries(decided(used("3", lot="L1"), charge("3")))

    assert entry.entry_number == "USE-U1"
    assert [
        (x.account, x.cost_center, str(x.debit and x.debit.amount), str(x.credit and x.credit.amount))
        for x in entry.lines
    ] == [
        ("6100", "OR", "7.52", "None"),  # 7.515, half up
        ("1310", None, "None", "7.52"),
    ]


def test_what_came_back_is_taken_off_and_bill_only_is_not_ours() -> None:
    (back,) = entries(decided(used("2", disposition=Disposition.RETURNED)))

    assert [line.account for line in back.lines if line.debit] == ["1310"]
    assert entries(decided(used(bill_only=True))) == []


def test_what_was_taken_out_of_a_patient_costs_nothing_and_is_no_stock() -> None:
    found = decided(used("1", item_number="M9", disposition=Disposition.EXPLANTED))

    assert (found.findings, found.intents, found.state["state"]) == ((), (), "settled")


def test_each_currency_of_a_use_is_posted_by_itself() -> None:
    use = used("2")
    euros = use.lines[0].model_copy(update={"number": 2, "extended": Money(amount=Decimal(3), currency="EUR")})
    found = entries(decided(use.model_copy(update={"lines": (*use.lines, euros)})))

    assert [(one.entry_number, one.lines[0].debit) for one in found] == [
        ("USE-U1", Money(amount=Decimal("5.01"))),
        ("USE-U1-EUR", Money(amount=Decimal("3.00"), currency="EUR")),
    ]


def test_a_use_that_names_only_what_was_charged_for_says_that_nobody_knows_its_cost() -> None:
    by_code = {"item_number": None, "charge_code": "C1"}

    assert [one.type for one in decided(used(**by_code), charge()).findings] == ["usage_cost_unknown"]
    priced = used(**by_code, unit_cost=Money(amount=Decimal(2)))
    assert decided(priced, charge()).findings == ()
    assert decided(used(**by_code, bill_only=True), charge()).findings == ()


def test_what_is_not_valid_is_not_posted() -> None:
    closed = CostCenter(cost_center="OR", name="theatre", valid_to=date(2026, 11, 9))
    found = decided(used(), charge(), known=(item(), closed))

    assert [one.type for one in found.findings] == ["dimension_not_valid"]
    assert entries(found) == []


def test_a_visit_is_one_dossier() -> None:
    assert dossiers_of(charge()) == ("usage:MAIN/V1",)
    assert dossiers_of(used(location="OR1")) == ("usage:MAIN/V1", "stock:OR1/M1")
