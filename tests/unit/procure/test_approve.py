"""Approvals: routes, steps, limits, delegation, escalation; four eyes on every path."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.canonical import Money
from engine.channel.policies import Policies
from engine.procure.approvals.approve import approve
from engine.procure.approvals.states import APPROVAL_TRANSITIONS, FINAL, ApprovalEvent, ApprovalState, next_state
from engine.procure.approvals.values import Act, Request, Standing
from engine.procure.decision import World

MONDAY = datetime(2026, 11, 23, 14, tzinfo=UTC)
HOUR = timedelta(hours=1)
PEOPLE: dict[str, Any] = {
    "roles": {
        "buyer": {"approves_up_to": 1000},
        "controller": {"approves_up_to": 50000},
        "cfo": {"unlimited": True},
    },
    "departments": {"M-OR": {"head": "head"}},
    "people": [
        {"person": "boss", "roles": ["cfo"]},
        {"person": "control", "roles": ["controller"], "manager": "boss"},
        {"person": "head", "roles": ["controller"], "manager": "control"},
        {"person": "anna", "also": ["E1"], "roles": ["buyer"], "manager": "head"},
        {"person": "bert", "roles": ["buyer"], "manager": "head"},
        {"person": "carl", "manager": "anna"},
    ],
}
ONE_STEP = [{"route": "one", "subjects": ["requisition"], "steps": [{"roles": ["buyer"]}]}]


def policies(
    routes: list[dict[str, Any]] = ONE_STEP, people: Mapping[str, Any] = PEOPLE, delegations: tuple[Any, ...] = ()
) -> Policies:
    return Policies.model_validate({"people": people, "approvals": {"routes": routes, "delegations": [*delegations]}})


def steps_of(*steps: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"route": "one", "subjects": ["requisition"], "steps": [*steps]}]


def without(name: str) -> dict[str, Any]:
    return {**PEOPLE, "people": [one for one in PEOPLE["people"] if one["person"] != name]}


def request(amount: str = "100", creator: str = "carl", **more: Any) -> Request:
    return Request(
        "Requisition/R-1", "requisition", Money(amount=Decimal(amount)), MONDAY, frozenset({creator}), creator, **more
    )


def act(who: str, what: Any = "approve", hours: int = 1, behalf: str | None = None) -> Act:
    return Act(MONDAY + hours * HOUR, f"{who}-{what}-{hours}", who, what, behalf)


def standing(rules: Policies, asked: Request, *acts: Act, hours: int = 2) -> Standing:
    return approve(asked, acts, World(MONDAY + hours * HOUR, {}, {}, rules))


def away(giver: str, taker: str, first: str = "2026-11-01", last: str = "2026-11-30") -> dict[str, str]:
    return {"giver": giver, "taker": taker, "first_day": first, "last_day": last}


def test_who_is_asked_approves() -> None:
    found = standing(policies(), request(), act("anna"))

    assert found.state is ApprovalState.APPROVED
    assert [(one.step, one.who) for one in found.counted] == [(1, "anna")]


def test_without_an_answer_it_waits_for_those_who_are_asked() -> None:
    found = standing(policies(), request())

    assert (found.state, found.asked) == (ApprovalState.WAITING, ("anna", "bert"))
    assert [(one.type, one.owner) for one in found.findings] == [("approval_wanted", "buyer")]


@pytest.mark.parametrize("who", ["carl", "CARL", " carl "])
def test_who_asked_for_it_does_not_approve_it(who: str) -> None:
    routes = [
        {"route": "one", "subjects": ["requisition"], "steps": [{"persons": ["carl", "anna"], "checks_limit": False}]}
    ]

    found = standing(policies(routes), request(), act(who))

    assert (found.state, found.asked) == (ApprovalState.WAITING, ("anna",))
    assert found.not_counted[0].why == "who asked for it does not decide it"


def test_another_name_of_the_same_person_is_that_person() -> None:
    found = standing(policies(), request(creator="E1"), act("anna"))

    assert found.state is ApprovalState.WAITING
    assert found.asked == ("bert",)


def test_whoever_changed_it_does_not_approve_it_either() -> None:
    asked = Request("R", "requisition", Money(amount=Decimal(1)), MONDAY, frozenset({"carl", "anna", "bert"}), "carl")

    assert standing(policies(), asked, act("anna"), act("bert")).state is ApprovalState.WAITING
    assert standing(policies(), asked).asked == ("head",)


@pytest.mark.parametrize(
    ("amount", "asked"), [("1000", ("anna", "bert")), ("1000.01", ("head",)), ("50000.01", ("boss",))]
)
def test_only_people_who_may_approve_the_amount_are_asked(amount: str, asked: tuple[str, ...]) -> None:
    assert standing(policies(), request(amount)).asked == asked


@pytest.mark.parametrize(("amount", "route"), [("500", "low"), ("500.01", "high"), ("5000", "high"), ("5000.01", "")])
def test_a_band_begins_above_and_ends_with_its_limit(amount: str, route: str) -> None:
    steps = [{"roles": ["cfo"]}]
    routes = [
        {"route": "low", "subjects": ["requisition"], "up_to": 500, "steps": steps},
        {"route": "high", "subjects": ["requisition"], "above": 500, "up_to": 5000, "steps": steps},
    ]
    found = standing(policies(routes), request(amount))

    assert found.route == route
    assert (found.state is ApprovalState.STUCK) == (route == "")


def test_a_route_without_steps_approves_as_it_is() -> None:
    routes = [{"route": "free", "subjects": ["requisition"], "steps": []}]

    assert standing(policies(routes), request()).state is ApprovalState.APPROVED


def test_steps_follow_one_another_and_one_person_does_not_do_two() -> None:
    routes = [{"route": "two", "subjects": ["requisition"], "steps": [{"roles": ["buyer"]}, {"roles": ["buyer"]}]}]

    twice = standing(policies(routes), request(), act("anna"), act("anna", hours=2))
    both = standing(policies(routes), request(), act("anna"), act("bert", hours=2))

    assert (twice.state, twice.step, twice.asked) == (ApprovalState.WAITING, 2, ("bert",))
    assert twice.not_counted[0].why == "the same person does not count twice"
    assert both.state is ApprovalState.APPROVED


def test_a_step_that_needs_two_asks_them_side_by_side() -> None:
    routes = [{"route": "two", "subjects": ["requisition"], "steps": [{"roles": ["buyer"], "need": 2}]}]

    assert standing(policies(routes), request(), act("anna")).state is ApprovalState.WAITING
    assert standing(policies(routes), request(), act("bert"), act("anna")).state is ApprovalState.APPROVED


def test_a_rejection_ends_it_and_what_comes_later_does_not_count() -> None:
    found = standing(policies(), request(), act("anna", "reject"), act("bert", hours=2))

    assert found.state is ApprovalState.REJECTED
    assert found.not_counted[0].why == "it was rejected already"


def test_only_the_requester_withdraws() -> None:
    assert standing(policies(), request(), act("anna", "withdraw")).state is ApprovalState.WAITING
    assert standing(policies(), request(), act("carl", "withdraw")).state is ApprovalState.WITHDRAWN


def test_it_expires_and_an_answer_after_that_does_not_count() -> None:
    routes = [ONE_STEP[0] | {"expires_after": "24h"}]

    found = standing(policies(routes), request(), act("anna", hours=24), hours=30)

    assert (found.state, found.counted) == (ApprovalState.EXPIRED, ())
    assert standing(policies(routes), request()).look_again_at == MONDAY + 24 * HOUR


def test_an_answer_that_is_late_asks_the_managers_beside() -> None:
    routes = [{"route": "one", "subjects": ["requisition"], "steps": [{"roles": ["buyer"], "escalate_after": "24h"}]}]

    assert standing(policies(routes), request(), hours=24).asked == ("anna", "bert", "head")
    assert standing(policies(routes), request(), hours=48).asked == ("anna", "bert", "head", "control")
    assert standing(policies(routes), request()).look_again_at == MONDAY + 24 * HOUR


def test_a_delegate_counts_within_its_days_only() -> None:
    rules = policies(people=without("bert"), delegations=(away("anna", "control", last="2026-11-23"),))

    assert standing(rules, request(), act("control")).counted[0].on_behalf_of == "anna"
    assert standing(rules, request(), act("control", hours=24), hours=24).state is ApprovalState.WAITING


def test_a_delegation_to_the_requester_does_not_help() -> None:
    rules = policies(delegations=(away("anna", "carl"), away("bert", "carl")))

    assert standing(rules, request(), act("carl"), act("carl", behalf="anna")).state is ApprovalState.WAITING


def test_a_chain_through_the_requester_does_not_count() -> None:
    rules = policies(delegations=(away("anna", "carl"), away("carl", "control")))

    assert standing(rules, request(), act("control", behalf="anna")).state is ApprovalState.WAITING


def test_nobody_decides_in_the_name_of_the_requester() -> None:
    routes = [
        {"route": "one", "subjects": ["requisition"], "steps": [{"persons": ["carl", "anna"], "checks_limit": False}]}
    ]
    rules = policies(routes, delegations=(away("carl", "control"),))

    assert standing(rules, request(), act("control", behalf="carl")).state is ApprovalState.WAITING


def test_who_is_asked_hands_one_request_on_but_never_to_the_requester() -> None:
    rules, at = policies(people=without("bert")), MONDAY + HOUR / 2
    on, back = (Act(at, to, "anna", "delegate", hand_to=to) for to in ("control", "carl"))

    assert standing(rules, request(), on, act("control")).counted[0].on_behalf_of == "anna"
    assert standing(rules, request(), act("control")).state is ApprovalState.WAITING
    assert standing(rules, request(), back, act("carl")).not_counted[0].why == "it cannot be handed to this person"


def test_who_is_asked_and_acts_for_another_counts_as_herself_so_that_both_can() -> None:
    two = steps_of({"persons": ["anna", "bert"], "need": 2, "checks_limit": False})
    rules = policies(two, delegations=(away("anna", "bert"),))

    found = standing(rules, request(), act("bert"), act("anna", hours=2))

    assert found.state is ApprovalState.APPROVED
    assert [(one.who, one.on_behalf_of) for one in found.counted] == [("bert", None), ("anna", None)]


@pytest.mark.parametrize(
    "acts", [(act("bert"), act("bert", hours=2)), (act("bert", behalf="anna"), act("bert", hours=2))]
)
def test_one_person_with_two_names_to_act_in_is_not_four_eyes(acts: tuple[Act, ...]) -> None:
    two = steps_of({"persons": ["anna", "bert"], "need": 2, "checks_limit": False})

    found = standing(policies(two, delegations=(away("anna", "bert"),)), request(), *acts, hours=3)

    assert (found.state, len(found.counted)) == (ApprovalState.WAITING, 1)


def test_escalation_goes_to_the_role_of_the_place_that_asks() -> None:
    here = {**PEOPLE, "people": [*PEOPLE["people"], {"person": "west", "roles": ["cfo"], "facilities": ["WEST"]}]}
    step = {"persons": ["anna"], "escalate_after": "2h", "escalate_to": "cfo"}

    assert standing(policies(steps_of(step), here), request(facility="EAST")).asked == ("anna", "head", "boss")
    assert standing(policies(steps_of(step), here), request(facility="WEST")).asked == ("anna", "head", "boss", "west")


def test_a_business_day_that_is_a_holiday_escalates_nothing() -> None:
    office = {"holidays": {"2026-11-24": "a holiday"}}
    rules = policies(steps_of({"roles": ["buyer"], "escalate_after": "1 business day"})).model_dump(mode="json")
    held = Policies.model_validate({**rules, "calendars": {"usual": "office", "calendars": {"office": office}}})

    assert standing(held, request(), hours=47).asked == ("anna", "bert")
    assert standing(held, request(), hours=48).asked == ("anna", "bert", "head")


def test_delegations_in_a_circle_end() -> None:
    rules = policies(delegations=(away("anna", "bert"), away("bert", "anna"), away("anna", "control")))

    assert standing(rules, request(), act("control")).state is ApprovalState.APPROVED


def test_when_an_approver_leaves_the_next_one_is_asked_and_says_why() -> None:
    rules = policies(
        people={**without("anna"), "people": [p for p in without("anna")["people"] if p["person"] != "bert"]}
    )

    found = standing(rules, request(creator="carl", department="M-OR"))

    assert found.state is ApprovalState.STUCK  # carl's manager is gone, nobody is above the role
    people = {**PEOPLE, "people": [{**p, "last_day": "2026-11-22"} if p["person"] in ("anna", "bert") else p
                                   for p in PEOPLE["people"]]}  # fmt: skip
    found = standing(policies(people=people), request())
    assert found.asked == ("head",)
    assert "above" in found.because[1]


def test_an_approval_given_before_somebody_left_still_counts() -> None:
    people = {**PEOPLE, "people": [{**p, "last_day": "2026-11-23"} if p["person"] == "anna" else p
                                   for p in PEOPLE["people"]]}  # fmt: skip
    rules = policies(
        [{"route": "two", "subjects": ["requisition"], "steps": [{"roles": ["buyer"]}, {"roles": ["cfo"]}]}], people
    )

    found = standing(rules, request(), act("anna"), act("anna", hours=48), hours=72)

    assert (found.step, found.asked) == (2, ("boss",))


def test_without_policies_nobody_approves() -> None:
    found = approve(request(), [act("anna")], World(MONDAY, {}, {}, None))

    assert found.state is ApprovalState.STUCK
    assert found.findings[0].type == "approval_stuck"


def test_every_state_can_be_reached_and_final_ones_are_not_left() -> None:
    reached = {one.after for one in APPROVAL_TRANSITIONS} | {ApprovalState.REQUESTED}

    assert reached == set(ApprovalState)
    assert not any(one.before in FINAL for one in APPROVAL_TRANSITIONS)
    with pytest.raises(KeyError):
        next_state(ApprovalState.APPROVED, ApprovalEvent.REJECTED)


NAMES = ("boss", "control", "head", "anna", "E1", "Bert", "carl", "stranger")
_acts = st.builds(
    act,
    st.sampled_from(NAMES),
    st.sampled_from(("approve", "approve", "approve", "reject", "withdraw")),
    st.integers(1, 200),
    st.one_of(st.none(), st.sampled_from(NAMES)),
)
_delegations = st.lists(
    st.tuples(st.sampled_from(NAMES[:7]), st.sampled_from(NAMES[:7])).filter(lambda two: two[0] != two[1]), max_size=8
)
_steps = st.lists(
    st.fixed_dictionaries(
        {
            "roles": st.lists(st.sampled_from(("buyer", "controller", "cfo")), min_size=1, max_size=2),
            "persons": st.lists(st.sampled_from(("carl", "anna", "head")), max_size=2),
            "manager": st.booleans(),
            "department_head": st.booleans(),
            "need": st.integers(1, 2),
            "checks_limit": st.booleans(),
            "escalate_after": st.sampled_from(("24h", "1 business day")),
        }
    ),
    min_size=1,
    max_size=3,
)


@settings(max_examples=300, deadline=None)
@given(
    steps=_steps,
    given_away=_delegations,
    acts=st.lists(_acts, max_size=12),
    creators=st.sets(st.sampled_from(NAMES), min_size=1, max_size=3),
    amount=st.sampled_from(("10", "1000.01", "60000")),
    seed=st.randoms(use_true_random=False),
)
def test_four_eyes_hold_on_every_path_and_the_order_of_arrival_does_not_matter(
    steps: Any, given_away: Any, acts: list[Act], creators: set[str], amount: str, seed: Any
) -> None:
    delegations = tuple(away(giver, taker) for giver, taker in given_away)
    rules = policies([{"route": "any", "subjects": ["requisition"], "steps": steps}], delegations=delegations)
    asked = Request("R", "requisition", Money(amount=Decimal(amount)), MONDAY, frozenset(creators), sorted(creators)[0])

    found = standing(rules, asked, *acts, hours=300)
    shuffled = list(acts)
    seed.shuffle(shuffled)

    one_person = {"e1": "anna", "bert": "bert"}
    made = {one_person.get(name.casefold(), name.casefold()) for name in creators}
    used = [name for one in found.counted for name in (one.who, one.on_behalf_of) if name]
    assert not made & set(used)
    assert len(used) == len(set(used))
    assert not made & {name.casefold() for name in found.asked}
    if found.state is ApprovalState.APPROVED:
        assert all(sum(one.step == n for one in found.counted) >= step["need"] for n, step in enumerate(steps, 1))
    assert found.state in FINAL or found.findings  # none is lost
    assert standing(rules, asked, *shuffled, hours=300) == found


def test_look_again_comes_when_people_come_or_go() -> None:
    rules = policies(delegations=(away("anna", "control", "2026-11-25"),))

    assert standing(rules, request()).look_again_at == datetime(2026, 11, 25, tzinfo=UTC)
    assert date(2026, 11, 25) == datetime(2026, 11, 25, tzinfo=UTC).date()
