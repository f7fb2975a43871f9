"""What people did is judged by the policies that held when they did it, whatever was deployed since."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from engine.canonical import CaseAction, CaseVerb, Money
from engine.channel.policies import Past, Policies
from engine.core.clock import to_micros
from engine.ports.procure import Record
from engine.procure.approvals.approve import approve
from engine.procure.approvals.states import ApprovalState
from engine.procure.approvals.values import Act, Request, Standing
from engine.procure.decision import Finding, World
from engine.procure.matching.accepted import still_open
from engine.procure.papers import Papers

MONDAY = datetime(2026, 11, 23, 14, tzinfo=UTC)
HOUR = timedelta(hours=1)
CHANGED = MONDAY + 2 * HOUR  # when other policies were deployed
STEP: dict[str, Any] = {"roles": ["buyer"]}
SECOND: dict[str, Any] = {"roles": ["controller"]}


def policies(
    limit: int = 1000, gone: str = "", steps: list[Any] | None = None, up_to: int = 100, **more: Any
) -> Policies:
    people: list[dict[str, Any]] = [
        {"person": "boss", "roles": ["controller"]},
        {"person": "anna", "roles": ["buyer"], "manager": "boss"},
        {"person": "bert", "manager": "boss"},
    ]
    routes = [
        {"route": "as it is", "subjects": ["requisition"], "up_to": up_to},
        {"route": "asked", "subjects": ["requisition"], "above": up_to, "steps": steps or [STEP]},
    ]
    return Policies.model_validate(
        {
            "people": {
                "roles": {"buyer": {"approves_up_to": limit}, "controller": {"unlimited": True}},
                "people": [one for one in people if one["person"] != gone],
            },
            "approvals": {"routes": routes, **more.pop("approvals", {})},
            **more,
        }
    )


def standing(
    before: Policies, after: Policies, *acts: Act, amount: str = "900", hours: int = 5, **more: Any
) -> Standing:
    asked = Request(
        "Requisition/R-1", "requisition", Money(amount=Decimal(amount)), MONDAY, frozenset({"carl"}), "carl", **more
    )
    held = after.after([Past(CHANGED, before.content)])
    return approve(asked, acts, World(MONDAY + hours * HOUR, {}, {}, held))


def act(who: str, hours: int = 1) -> Act:
    return Act(MONDAY + hours * HOUR, f"{who}-{hours}", who, "approve")


@pytest.mark.parametrize("after", [policies(limit=10), policies(gone="anna"), policies(steps=[STEP, SECOND])])
def test_what_was_approved_stays_approved_whatever_was_deployed_since(after: Policies) -> None:
    assert standing(policies(), after, act("anna")).state is ApprovalState.APPROVED


@pytest.mark.parametrize("after", [policies(limit=10), policies(gone="anna")])
def test_an_approval_after_the_change_does_not_count(after: Policies) -> None:
    found = standing(policies(), after, act("anna", 3))

    assert found.counted == ()
    assert [one.who for one in found.not_counted] == ["anna"]


def test_who_may_approve_only_since_the_change_could_not_before_it() -> None:
    before, after = policies(limit=10), policies(limit=1000)

    assert standing(before, after, act("anna", 1)).state is ApprovalState.WAITING
    assert standing(before, after, act("anna", 3)).state is ApprovalState.APPROVED


def test_what_was_still_open_goes_on_by_the_new_route_and_keeps_what_counted() -> None:
    before, after = policies(steps=[STEP, SECOND]), policies(limit=10, gone="bert", steps=[STEP, SECOND, SECOND])

    found = standing(before, after, act("anna"))

    assert (found.state, found.step, found.steps) == (ApprovalState.WAITING, 2, 3)
    assert [(one.step, one.who) for one in found.counted] == [(1, "anna")]


def test_who_acted_for_somebody_did_so_even_when_the_delegation_is_gone() -> None:
    away = {"giver": "anna", "taker": "bert", "first_day": "2026-11-01", "last_day": "2026-11-30"}
    before = policies(approvals={"delegations": [away]})

    assert standing(before, policies(), act("bert")).state is ApprovalState.APPROVED
    assert standing(before, policies(), act("bert", 3)).state is ApprovalState.WAITING


def test_what_needed_nobody_when_it_was_asked_for_needs_nobody_later() -> None:
    assert standing(policies(), policies(up_to=20), amount="90").state is ApprovalState.APPROVED


def test_what_is_asked_for_otherwise_after_the_change_is_judged_by_the_new_rules() -> None:
    found = standing(policies(), policies(up_to=20), amount="90", changed_at=MONDAY + 3 * HOUR)

    assert (found.state, found.route) == (ApprovalState.WAITING, "asked")


def test_a_revision_that_does_not_fit_this_release_gives_way_to_the_next() -> None:
    held = policies().after([Past(CHANGED, '{"another": "release"}')])

    assert held.as_of(MONDAY) is held


def test_knowing_the_past_does_not_make_them_other_policies() -> None:
    held = policies().after([Past(CHANGED, policies(limit=10).content)])

    assert (held.digest, held) == (policies().digest, policies())
    assert held.as_of(MONDAY).people.roles["buyer"].approves_up_to == 10
    assert held.as_of(CHANGED).people.roles["buyer"].approves_up_to == 1000


def accepted(who: str, hours: int) -> Record:
    action = CaseAction(
        action_number=who, case_id="c", dossier="d", action=CaseVerb.ACCEPT, who=who, at=MONDAY + hours * HOUR,
        reason="agreed", case_type="price", place="line 1", amount=Money(amount=Decimal(500)),
    )  # fmt: skip
    body = action.model_dump_json().encode()
    return Record(action.kind, action.natural_key, 1, body, to_micros(action.at), None, who)


@pytest.mark.parametrize(
    ("acts", "is_open"),
    [
        ((accepted("anna", 1),), False),
        ((accepted("anna", 3),), True),
        ((accepted("anna", 3), accepted("boss", 4)), False),
    ],
)
def test_an_exception_that_one_person_could_accept_is_not_opened_by_a_lower_limit(
    acts: tuple[Record, ...], is_open: bool
) -> None:
    before, after = (policies(exceptions={"four_eyes_above": limit}) for limit in (1000, 100))
    found = Finding("price", "line 1", "", money=Money(amount=Decimal(500)))
    world = World(MONDAY + 5 * HOUR, {}, {}, after.after([Past(CHANGED, before.content)]))

    assert bool(still_open([found], Papers(acts), world)) is is_open
