"""A supplier's way from the first word to approval, and what is told to whom."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from engine.canonical import (
    ApprovalVerb,
    CaseAction,
    CaseVerb,
    Identifier,
    PostingResult,
    Supplier,
    SupplierStatus,
)
from engine.channel.policies import PARTS, Policies
from engine.channel.policy_postings import Postings
from engine.procure.suppliers.approval import supplier_number_of_approval
from engine.procure.suppliers.states import SUPPLIER_TRANSITIONS, SupplierState
from tests.support.dossiers import NOON, Dossiers
from tests.support.suppliers import ANNA, BERT, CARA, POLICIES, answer, clear, named, supplier

KEY = "supplier:S1"


def dossiers() -> Dossiers:
    return Dossiers(POLICIES)


def approve(here: Dossiers, one: Supplier, who: str = BERT, verb: ApprovalVerb = ApprovalVerb.APPROVE) -> None:
    here.take(answer(supplier_number_of_approval(one), who, here.now, verb=verb), who)


def state(here: Dossiers, key: str = KEY) -> str:
    return str(here.decide(key).state["state"])


def test_a_supplier_is_approved_when_it_is_right_clear_and_another_person_says_so() -> None:
    here, one = dossiers(), supplier()
    here.take(one, ANNA)
    assert state(here) == "screening"
    assert [i.what for i in here.decide(KEY).intents] == ["screen_supplier"]
    here.take(clear(one))
    assert state(here) == "waiting"

    approve(here, one)

    assert state(here) == "approved"
    assert [i.what for i in here.decide(KEY).intents] == ["propagate_supplier"]


@pytest.mark.parametrize("who", [ANNA, "A.Anders "])
def test_who_asked_for_a_supplier_does_not_approve_it(who: str) -> None:
    here, one = dossiers(), supplier()
    here.take(one, ANNA)
    here.take(clear(one))
    approve(here, one, who.strip())

    assert state(here) == "waiting"


def test_who_changed_it_is_one_of_its_makers() -> None:
    here, one = dossiers(), supplier()
    here.take(one, ANNA)
    here.take(one.model_copy(update={"email": "ap@acme.example"}), BERT)
    here.take(clear(one))
    approve(here, one)

    assert state(here) == "waiting"


def test_who_approved_it_may_change_another_field_afterwards() -> None:
    here, one = dossiers(), supplier()
    here.take(one, ANNA)
    here.take(clear(one))
    approve(here, one)
    here.take(one.model_copy(update={"email": "ap@acme.example"}), BERT)

    assert state(here) == "approved"


def test_nobody_approves_first_and_asks_afterwards() -> None:
    here, one = dossiers(), supplier(requested_by=None)
    approve(here, one, ANNA)
    here.take(one, ANNA)
    here.take(clear(one))

    assert state(here) == "waiting"


def test_an_approval_is_for_this_entity_only() -> None:
    here, one = dossiers(), supplier()
    here.take(one, ANNA)
    here.take(clear(one))
    approve(here, one)
    here.take(supplier(name="Acme Medical Inc", tax="98-7654321"), ANNA)

    assert state(here) == "waiting"


def test_a_person_who_writes_approved_into_a_master_has_not_approved_it() -> None:
    here = dossiers()
    one = supplier(status=SupplierStatus.APPROVED).model_copy(update={"approved_by": BERT})
    here.take(one, ANNA)
    here.take(clear(one))

    assert state(here) == "waiting"


def test_what_is_wrong_is_a_case_with_places_and_without_values() -> None:
    here = dossiers()
    here.take(supplier(tax="07-1234567").model_copy(update={"address": None}), ANNA)

    (case,) = here.decide(KEY).findings

    assert (case.type, case.facts["faults"]) == (
        "supplier_faulty",
        ["address: an address is wanted", "tax_identifiers[1]: no EIN begins so"],
    )
    assert "1234567" not in str(case)


def test_a_name_in_a_list_of_sanctions_stops_it_even_when_approved() -> None:
    here, one = dossiers(), supplier()
    here.take(one, ANNA)
    here.take(clear(one, is_clear=False))
    approve(here, one)

    found = here.decide(KEY)

    assert found.state["state"] == "sanctioned"
    assert "supplier_sanctioned" in [case.type for case in found.findings]
    assert "propagate_supplier" not in [i.what for i in found.intents]


def passes(type_: str, who: str = CARA, verb: CaseVerb = CaseVerb.ACCEPT, number: str = "S1") -> CaseAction:
    return CaseAction(
        action_number=f"{who}-{verb.value}-{type_}", case_id="c", dossier=f"supplier:{number}", action=verb, who=who,
        reason="born elsewhere", at=NOON, case_type=type_, place=number,
    )  # fmt: skip


def test_a_name_that_is_only_like_a_listed_one_goes_on_when_another_person_let_it_pass() -> None:
    here, one = dossiers(), supplier()
    here.take(one, ANNA)
    here.take(clear(one, is_clear=False))
    here.take(passes("supplier_sanctioned", ANNA), ANNA)  # who brought it in
    here.take(passes("supplier_sanctioned", BERT), None)  # nobody was logged in
    assert state(here) == "sanctioned"

    here.take(passes("supplier_sanctioned"), CARA)
    here.take(clear(one, is_clear=False).model_copy(update={"screened_at": NOON}))  # the same, looked up again
    assert state(here) == "waiting"

    here.take(clear(one, is_clear=False).model_copy(update={"entries": ("306", "911")}))  # another entry
    assert state(here) == "sanctioned"


def test_what_was_let_pass_can_be_taken_back() -> None:
    here, one = dossiers(), supplier()
    here.take(one, ANNA)
    here.take(clear(one, is_clear=False))
    here.take(passes("supplier_sanctioned"), CARA)
    here.take(passes("supplier_sanctioned", BERT, CaseVerb.REJECT), BERT)

    assert state(here) == "sanctioned"


def test_two_numbers_that_a_person_found_to_be_two_entities_are_no_case_until_one_is_called_otherwise() -> None:
    here = dossiers()
    here.take(named("S1", "Acme Medical"))
    here.take(named("S2", "Acme Medical"))
    here.take(passes("supplier_duplicate"), CARA)

    for dossier in ("supplier:S1", "supplier:S2"):
        assert here.decide(dossier).findings == ()
    here.take(named("S3", "Acme Medical"))
    (case,) = here.decide("supplier:S1").findings
    assert [one["other"] for one in case.facts["alike"]] == ["S3"]


def test_a_new_name_is_looked_up_again() -> None:
    here, one = dossiers(), supplier()
    here.take(one, ANNA)
    here.take(clear(one))
    here.take(one.model_copy(update={"doing_business_as": ("Zenith",)}), ANNA)

    assert [i.what for i in here.decide(KEY).intents] == ["screen_supplier"]


def test_a_rejected_one_stays_out() -> None:
    here, one = dossiers(), supplier()
    here.take(one, ANNA)
    here.take(clear(one))
    approve(here, one, verb=ApprovalVerb.REJECT)

    assert state(here) == "rejected"


def test_what_its_system_of_record_has_is_taken_over_without_cases() -> None:
    here = dossiers()
    here.take(Supplier(supplier_number="S1", name="Acme"))

    found = here.decide(KEY)

    assert (found.state["state"], found.findings) == ("approved", ())


def test_two_numbers_of_one_entity_are_a_case_that_says_why() -> None:
    here = dossiers()
    here.take(supplier("S1"))
    here.take(supplier("S2", name="A.M.I. Trading"))

    (case,) = [one for one in here.decide("supplier:S2").findings if one.type == "supplier_duplicate"]

    assert case.facts["alike"] == [{"one": "S1", "other": "S2", "why": ("same_tax_number",)}]


def test_each_system_is_told_with_its_own_number_there() -> None:
    here, one = dossiers(), supplier()
    numbers = (Identifier(scheme="erp", value="42"), Identifier(scheme="portal", value="P-7"))
    one = one.model_copy(update={"system_numbers": numbers})
    here.take(one, ANNA)
    here.take(clear(one))
    approve(here, one)
    here.take(
        PostingResult(
            dossier=KEY, command="propagate_supplier", system="portal", subject_kind="Supplier", subject_key="S1",
            ok=True, answered_at=datetime(2026, 11, 16, tzinfo=UTC), reference="P-8",
        )
    )  # fmt: skip

    found = here.decide(KEY)

    assert [i.detail.partition(":")[0] for i in found.intents] == ["erp", "portal"]
    assert found.state["systems"] == {"erp": "42", "portal": "P-8"}


def test_every_state_of_the_table_can_be_reached() -> None:
    reached = {SupplierState.NEW}
    while new := {one.after for one in SUPPLIER_TRANSITIONS if one.before in reached} - reached:
        reached |= new

    assert reached == set(SupplierState)
    assert len({(one.before, one.event) for one in SUPPLIER_TRANSITIONS}) == len(SUPPLIER_TRANSITIONS)


def test_with_a_plan_the_supplier_is_told_to_the_first_system_and_goes_on_from_there() -> None:
    steps = [{"command": "propagate_supplier", "undone_by": "undo_propagate_supplier"},
             {"command": "propagate_supplier_warehouse", "system": "warehouse"}]  # fmt: skip
    postings = Postings.model_validate({"plans": [{"command": "propagate_supplier", "steps": steps}]})
    here, one = dossiers(), supplier()
    here.policies = Policies(**{name: getattr(POLICIES, name) for name in PARTS} | {"postings": postings})
    for document in (one, clear(one)):
        here.take(document, ANNA)
    approve(here, one)

    (wish,) = here.decide(KEY).intents

    assert wish.key.startswith("propagate_supplier:S1:")
    here.take(PostingResult(dossier=KEY, command=wish.what, system="erp", subject_kind="Supplier", subject_key="S1",
                            ok=True, answered_at=here.now, reference="17", command_key=wish.key))  # fmt: skip
    decided = here.decide(KEY)
    assert [i.what for i in decided.intents] == ["propagate_supplier", "propagate_supplier_warehouse"]
    assert [(one["system"], one["number"]) for one in decided.state["crosswalk"]] == [("erp", "17")]
