"""Nobody lets money go alone, whichever way the answer takes. Ways are found by their name: a new one is tried, and
must be added to the list of known ones."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from engine.canonical import (
    ApprovalAction,
    CaseAction,
    CaseVerb,
    Document,
    Money,
    Payment,
    PaymentMethod,
    PaymentProgress,
)
from engine.channel.policies import Policies
from engine.channel.policy_people import People, Person
from engine.channel.policy_records import FieldOwner, RecordRules
from engine.channel.policy_routing import Approvals, Delegation, Route, Step
from engine.connectors.procure import ProcureDestination, ProcureDestinationSettings
from engine.core.errors import AccessError, DestinationError, IsthmusError, RecordOwnerError
from engine.ports.approvals import ApprovalAsk
from engine.ports.connector import Outbound
from engine.procure.suppliers.approval import supplier_number_of_approval
from tests.support.approvals_double import Office
from tests.support.connector_doubles import context
from tests.support.suppliers import ANNA, BERT, CARA, answer, clear, supplier

FIRST, LAST = date(2026, 1, 1), date(2027, 1, 1)
ONE = supplier()  # ANNA asked for it


def _given(giver: str, taker: str) -> Delegation:
    return Delegation(giver=giver, taker=taker, first_day=FIRST, last_day=LAST, reason="holiday")


def policies(*delegations: Delegation, need: int = 1, roles: tuple[str, ...] = (ANNA, BERT)) -> Policies:
    """BERT is asked; ANNA would be, too, had she not asked for it herself; CARA is asked for nothing."""
    people = [
        Person(person=one, roles=("supplier-master",) if one in roles else (), also=(f"{one}@harbor",))
        for one in (ANNA, BERT, CARA)
    ]
    step = Step(roles=("supplier-master",), need=need, checks_limit=False)
    return Policies(
        people=People(people=tuple(people)),
        approvals=Approvals(
            routes=(Route(route="suppliers", subjects=("supplier",), steps=(step,)),), delegations=delegations
        ),
        records=RecordRules(fields=(FieldOwner(field="ApprovalAction.*", owner=("platform",), otherwise="refuse"),)),
    )  # fmt: skip


def office(rules: Policies) -> Office:
    made = Office(rules)
    made.put(ONE, ANNA)
    made.put(clear(ONE))
    return made


async def _ask(room: Office, who: str, action: str = "approve", **more: str) -> None:
    rows = await room.desk.waiting("all", who)
    await room.desk.answer(rows[0].ref, ApprovalAsk(action, "because", **more), who, "test")


def _mine(who: str) -> ApprovalAction:
    return answer(supplier_number_of_approval(ONE), who, Office().now())


async def _send(room: Office, document: Document, system: str | None, tmp: Path) -> None:
    destination = ProcureDestination(
        ProcureDestinationSettings(system=system), context(tmp, services={"procure": room})
    )
    body = document.model_dump_json().encode()
    await destination.send(Outbound(1, 1, "process", "c", "k", body, kind=document.kind))


# ------------------------------------------------------------------ the ways
async def way_of_the_maker(tmp: Path) -> Office:
    return await _tried(office(policies()), lambda room: _ask(room, ANNA))


async def way_of_another_name(tmp: Path) -> Office:
    return await _tried(office(policies()), lambda room: _ask(room, f"{ANNA.upper()}@harbor"))


async def way_of_the_makers_delegate(tmp: Path) -> Office:
    """Whom she gave her right to has no more than she."""
    return await _tried(office(policies(_given(ANNA, CARA))), lambda room: _ask(room, CARA))


async def way_on_her_behalf(tmp: Path) -> Office:
    return await _tried(office(policies()), lambda room: _ask(room, BERT, on_behalf_of=ANNA))


async def way_round_a_loop(tmp: Path) -> Office:
    """BERT's right comes to her by a circle of delegations."""
    rules = policies(_given(BERT, CARA), _given(CARA, ANNA), _given(ANNA, BERT))
    return await _tried(office(rules), lambda room: _ask(room, ANNA, on_behalf_of=BERT))


async def way_through_the_maker(tmp: Path) -> Office:
    """A chain that goes through her ends there."""
    return await _tried(office(policies(_given(BERT, ANNA), _given(ANNA, CARA))), lambda room: _ask(room, CARA))


async def way_of_handing_on(tmp: Path) -> Office:
    return await _tried(office(policies()), lambda room: _ask(room, BERT, "delegate", delegate_to=ANNA))


async def way_of_who_is_not_asked(tmp: Path) -> Office:
    return await _tried(office(policies()), lambda room: _ask(room, CARA))


async def way_of_a_stranger(tmp: Path) -> Office:
    return await _tried(office(policies()), lambda room: _ask(room, "os:root"))


async def way_of_twice(tmp: Path) -> Office:
    """Two are needed; the second answer is the first person's other name."""
    room = office(policies(need=2, roles=(ANNA, BERT, CARA)))
    await _ask(room, BERT)
    return await _tried(room, lambda room: _ask(room, f"{BERT}@harbor"))


async def way_of_a_login_for_another(tmp: Path) -> Office:
    return await _tried(office(policies()), lambda room: room.take(_mine(BERT), who=ANNA))


async def way_of_a_channel(tmp: Path) -> Office:
    return await _tried(office(policies()), lambda room: _send(room, _mine(BERT), None, tmp))


async def way_of_a_suppliers_channel(tmp: Path) -> Office:
    return await _tried(office(policies()), lambda room: _send(room, _mine(BERT), "supplier", tmp))


async def way_of_a_case_by_channel(tmp: Path) -> Office:
    """The platform answers approvals, it decides no exceptions."""
    room = office(policies())
    act = CaseAction(
        action_number="1", case_id="supplier:S1#approval_wanted#S1", dossier="supplier:S1", action=CaseVerb.ACCEPT,
        who=BERT, at=room.now(), case_type="approval_wanted", place=supplier_number_of_approval(ONE),
    )  # fmt: skip
    return await _tried(room, lambda room: _send(room, act, "platform", tmp))


async def _tried(room: Office, way: Callable[[Office], Awaitable[None]]) -> Office:
    with pytest.raises((AccessError, RecordOwnerError, DestinationError)):
        await way(room)
    return room


async def way_of_accepting_the_case(tmp: Path) -> Office:
    """An approval that waits is a case: to accept the case is not to approve."""
    room = office(policies())
    act = CaseAction(
        action_number="1", case_id="x", dossier="supplier:S1", action=CaseVerb.ACCEPT, who=BERT, at=room.now(),
        case_type="approval_wanted", place=supplier_number_of_approval(ONE),
    )  # fmt: skip
    await room.take(act, who=BERT)
    return room


async def way_of_the_platform_for_the_maker(tmp: Path) -> Office:
    """The site believes the platform; the process still counts."""
    room = office(policies())
    await _send(room, _mine(ANNA), "platform", tmp)
    return room


async def way_of_her_own_master(tmp: Path) -> Office:
    room = office(policies())
    room.put(ONE.model_copy(update={"approved_by": BERT}), ANNA)
    return room


WAYS = {name: way for name, way in sorted(globals().items()) if name.startswith("way_")}
KNOWN_WAYS = {
    "way_of_a_case_by_channel", "way_of_a_channel", "way_of_a_login_for_another", "way_of_a_stranger",
    "way_of_a_suppliers_channel", "way_of_accepting_the_case", "way_of_another_name", "way_of_handing_on",
    "way_of_her_own_master", "way_of_the_maker", "way_of_the_makers_delegate", "way_of_the_platform_for_the_maker",
    "way_of_twice", "way_of_who_is_not_asked", "way_on_her_behalf", "way_round_a_loop", "way_through_the_maker",
}  # fmt: skip


def test_the_ways_that_are_tried_are_the_known_ones() -> None:
    assert set(WAYS) == KNOWN_WAYS


@pytest.mark.parametrize("way", WAYS)
async def test_no_way_lets_a_person_approve_her_own(way: str, tmp_path: Path) -> None:
    room = await WAYS[way](tmp_path)

    state = room.matters.decide("supplier:S1").state["state"]
    assert state == "waiting"


async def test_who_is_asked_approves_and_so_does_whom_she_gave_her_right_to(tmp_path: Path) -> None:
    for rules, who in ((policies(), BERT), (policies(_given(BERT, CARA)), CARA)):
        room = office(rules)
        await _ask(room, who)
        assert room.matters.decide("supplier:S1").state["state"] == "approved"


async def test_the_system_that_the_site_names_tells_what_people_did(tmp_path: Path) -> None:
    room = office(policies())
    room.matters.now = room.now()

    await _send(room, _mine(BERT).model_copy(update={"at": room.now()}), "platform", tmp_path)

    assert room.matters.decide("supplier:S1").state["state"] == "approved"


async def test_a_refused_answer_is_audited_with_its_reason(tmp_path: Path) -> None:
    room = office(policies())
    with pytest.raises(IsthmusError):
        await _ask(room, ANNA)

    assert [(one.who, one.action, one.reason) for one in room.audit.kept] == [
        (ANNA, "approval.refused", "approve: who asked for it does not decide it")
    ]


# ------------------------------------------------------------------ payments of a run
RUN = Payment(
    payment_number="R1-0001", supplier_number="S1", amount=Money(amount=Decimal("900.00")), pay_on=date(2026, 11, 20),
    state=PaymentProgress.PROPOSED, method=PaymentMethod.CHECK, run_number="R1", proposed_by="payment run",
)  # fmt: skip


async def proposed() -> Office:
    """A run's payment by check to a supplier that is approved."""
    rules = policies()
    routes = (*rules.approvals.routes, Route(route="pay", subjects=("payment",), steps=rules.approvals.routes[0].steps))
    approvals = rules.approvals.model_copy(update={"routes": routes})
    room = office(rules.model_copy(update={"approvals": approvals}))
    await _ask(room, BERT)
    room.put(RUN, "payment run")
    return room


def wanted(room: Office) -> list[str]:
    return [one.what for one in room.matters.decide("payment:R1-0001").intents if one.what != "tell_status"]


async def test_what_a_run_proposed_is_held_until_a_person_approved_it() -> None:
    room = await proposed()
    assert wanted(room) == ["hold_payment"]

    await _ask(room, BERT)

    assert wanted(room) == ["release_payment"]


async def test_a_proposal_that_was_rejected_stays_held() -> None:
    room = await proposed()
    await _ask(room, BERT, "reject")

    found = room.matters.decide("payment:R1-0001")
    assert found.state["held_because"] == ["payment_rejected"]
    assert wanted(room) == ["hold_payment"]


async def test_an_approved_proposal_whose_amount_changed_is_approved_again() -> None:
    room = await proposed()
    await _ask(room, BERT)
    room.put(RUN.model_copy(update={"amount": Money(amount=Decimal("9000.00"))}), "payment run")

    assert wanted(room) == ["hold_payment"]


async def test_who_put_a_proposal_together_does_not_approve_it() -> None:
    room = await proposed()
    room.put(RUN.model_copy(update={"pay_on": date(2026, 11, 23)}), BERT)

    with pytest.raises(AccessError):
        await _ask(room, BERT)
