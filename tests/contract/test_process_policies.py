"""Policies over a real store: revisions, cases that change hands, approvals that are routed again, none lost."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from engine.canonical import (
    Approval,
    ApprovalAction,
    ApprovalVerb,
    Invoice,
    InvoiceLine,
    Money,
    OrderLine,
    PurchaseOrder,
    Quantity,
    Receipt,
    ReceiptLine,
)
from engine.channel.policies import Policies
from engine.core.errors import OperationError, RecordOwnerError
from engine.ports.procure import Case, CaseQuery
from engine.procure.policy.desk import PolicyDesk
from engine.procure.process import Process
from engine.store.open import Store
from tests.support.connector_doubles import Clock

MONDAY = datetime(2026, 11, 23, 14, tzinfo=UTC)


def people(*gone: str) -> dict[str, Any]:
    here = [
        {"person": "cora", "roles": ["controller"]},
        {"person": "mike", "roles": ["ap-manager"], "manager": "cora"},
        {"person": "anna", "roles": ["accounts-payable"], "manager": "mike"},
        {"person": "bert", "roles": ["buyer"], "manager": "mike"},
    ]
    return {
        "roles": {
            "buyer": {"approves_up_to": 1000, "instead": "ap-manager"},
            "accounts-payable": {"instead": "ap-manager"},
            "ap-manager": {"approves_up_to": 10000},
            "controller": {"unlimited": True},
        },
        "people": [{**one, "last_day": "2026-11-22"} if one["person"] in gone else one for one in here],
    }


def policies(*gone: str, **exceptions: Any) -> Policies:
    steps = [{"roles": ["buyer"], "escalate_after": "1 business day"}]
    return Policies.model_validate(
        {
            "people": people(*gone),
            "approvals": {"routes": [{"route": "any", "subjects": ["requisition"], "steps": steps}]},
            "exceptions": {
                "rules": [{"types": ["*"], "owner": "buyer", "due": "4 business hours"}],
                "escalation": [{"to": "ap-manager", "within": "4 business hours"}, {"to": "controller"}],
                **exceptions,
            },
        }
    )


class Room:
    def __init__(self, store: Store) -> None:
        self.store, self.clock = store, Clock(MONDAY)
        self.desk = PolicyDesk(store.records, self.clock)
        self.process = Process(store.records, self.clock, lambda: self.desk.current)
        self.desk.reconsider = self.process.reconsider

    async def case(self) -> Case:
        (found,) = await self.store.records.cases(CaseQuery())
        return found

    async def state(self, dossier: str) -> Any:
        return msgspec.json.decode((await self.store.records.load(dossier)).state)


@pytest.fixture
async def room(store: Store) -> Room:
    made = Room(store)
    await made.desk.start(policies())
    return made


async def an_exception(room: Room) -> None:
    quantity, price = Quantity(amount=Decimal(6)), Money(amount=Decimal("9.00"))
    order = OrderLine(number=1, item_number="M1", quantity=quantity, price=price)
    got = ReceiptLine(order_line_number=1, item_number="M1", quantity=quantity)
    line = InvoiceLine(
        number=1, quantity=quantity, price=Money(amount=Decimal("99.00")), item_number="M1", order_line_number=1
    )
    day = date(2026, 11, 20)
    for document in (
        PurchaseOrder(order_number="PO-1", supplier_number="S1", ordered_on=day, lines=(order,)),
        Receipt(receipt_number="R-1", order_number="PO-1", supplier_number="S1", received_on=day, lines=(got,)),
        Invoice(
            invoice_number="INV-1", supplier_number="S1", invoiced_on=day, lines=(line,),
            stated_total=line.extended, order_number="PO-1",
        ),
    ):  # fmt: skip
        await room.process.take(document)


def approval(number: int = 1) -> Approval:
    return Approval(
        approval_number=f"A-{number}",
        dossier=f"approval:A-{number}",
        subject_kind="Requisition",
        subject_key=f"R-{number}",
        requested_by="anna",
        requested_at=MONDAY,
        amount=Money(amount=Decimal(500)),
    )


def action(who: str, number: int = 1) -> ApprovalAction:
    return ApprovalAction(
        action_number=f"{who}-1",
        approval_number=f"A-{number}",
        dossier=f"approval:A-{number}",
        action=ApprovalVerb.APPROVE,
        who=who,
        at=MONDAY + timedelta(hours=1),
    )


async def test_an_overdue_case_goes_up_and_says_why(room: Room) -> None:
    await an_exception(room)
    assert (await room.case()).owner == "buyer"

    owners = []
    for hours in (18, 19, 22, 23):  # business hours are 8:00 to 17:00
        room.clock.moment = MONDAY + timedelta(hours=hours)
        await room.process.look()
        owners.append((await room.case()).owner)

    assert owners == ["buyer", "ap-manager", "ap-manager", "controller"]
    assert [one["why"] for one in (await room.case()).facts["routing"]] == [
        "the rule for *", "it was not decided in time", "it was not decided in time"
    ]  # fmt: skip


async def test_when_the_owner_leaves_an_open_case_goes_to_who_stands_in(room: Room) -> None:
    await an_exception(room)

    await room.desk.deploy(policies("bert"), "cora", "bert left")

    case = await room.case()
    assert case.owner == "ap-manager"
    assert [one["owner"] for one in case.facts["routing"]] == ["buyer", "ap-manager"]
    assert "nobody here is buyer" in case.facts["routing"][-1]["why"]
    assert case.facts["routing"][-1]["policies"] == room.desk.current.digest


async def test_every_open_approval_is_routed_again_when_the_approver_is_removed(room: Room) -> None:
    for number in range(1, 21):
        await room.process.take(approval(number))
    assert {one.owner for one in await room.store.records.cases(CaseQuery())} == {"bert"}

    await room.desk.deploy(policies("bert"), "cora", "bert left")

    cases = await room.store.records.cases(CaseQuery())
    assert [one.owner for one in cases] == ["mike"] * 20
    assert [entry["owner"] for entry in cases[0].facts["routing"]] == ["bert", "mike"]
    await room.process.take(action("mike"), who="mike")
    assert (await room.state("approval:A-1"))["approvals"]["A-1"]["state"] == "approved"


async def test_an_approval_is_judged_by_the_policies_of_its_time_and_after_a_restart_too(room: Room) -> None:
    await room.process.take(approval())
    room.clock.moment = MONDAY + timedelta(hours=1)
    await room.process.take(action("bert"), who="bert")
    room.clock.moment = MONDAY + timedelta(hours=2)
    await room.desk.deploy(policies("bert"), "cora", "bert left last week")
    after = await room.state("approval:A-1")

    again = Room(room.store)
    again.clock.moment = MONDAY + timedelta(hours=3)
    await again.desk.start(policies("bert"))
    await again.process.take(approval().model_copy(update={"approval_number": "A-2"}))

    restarted = await again.state("approval:A-1")
    assert after["approvals"]["A-1"]["state"] == "approved"
    assert {number: one["state"] for number, one in restarted["approvals"].items()} == {
        "A-1": "approved",
        "A-2": "waiting",
    }


async def test_what_was_open_when_the_engine_stopped_is_routed_when_it_starts(room: Room) -> None:
    await room.process.take(approval())
    room.desk.reconsider = None  # stopped between the revision and what follows from it
    await room.desk.deploy(policies("bert"), "cora", None)

    again = Room(room.store)
    await again.desk.start(policies("bert"))
    assert await again.process.reconsider() == 1

    assert (await again.case()).owner == "mike"


async def test_an_action_written_in_another_name_does_not_count(room: Room) -> None:
    await room.process.take(approval())

    with pytest.raises(RecordOwnerError):
        await room.process.take(action("bert"), who="anna")
    assert (await room.state("approval:A-1"))["approvals"]["A-1"]["state"] == "waiting"


async def test_an_approval_does_not_count_for_what_was_changed_after_it(room: Room) -> None:
    await room.process.take(approval())
    room.clock.moment += timedelta(hours=2)
    await room.process.take(approval().model_copy(update={"amount": Money(amount=Decimal(999))}))
    await room.process.take(action("bert"), who="bert")  # of an hour ago, for half of it

    standing = (await room.state("approval:A-1"))["approvals"]["A-1"]
    assert (standing["state"], standing["not_counted"][0]["why"]) == (
        "waiting", "what was asked for was changed after that"
    )  # fmt: skip


async def test_policies_have_revisions_and_go_back(room: Room) -> None:
    assert await room.desk.deploy(policies(), "cora", None) is None
    row = await room.desk.deploy(policies("bert"), "cora", "bert left")
    assert row is not None
    assert (row.revision, row.deployed_by, row.note) == (2, "cora", "bert left")
    found = await room.desk.diff(policies())
    assert found is not None
    assert found.effects == ["people change; what is open is decided by them"]

    back = await room.desk.rollback(None, "cora", "too early")

    assert (back.revision, room.desk.current.digest) == (3, policies().digest)
    assert back.note == "back to revision 1: too early"
    assert [one.active for one in await room.desk.history()] == [False, False, True]
    with pytest.raises(OperationError):
        await room.desk.rollback(9, "cora", None)


async def test_the_deployed_policies_count_and_not_those_on_disk(room: Room) -> None:
    again = PolicyDesk(room.store.records, room.clock)

    notice = await again.start(policies("bert"))

    assert "isthmus diff" in (notice or "")
    assert again.current.digest == policies().digest


async def test_each_decision_says_by_which_policies(room: Room) -> None:
    await an_exception(room)

    assert (await room.state("order:PO-1"))["policies"] == room.desk.current.digest
