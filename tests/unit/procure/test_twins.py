"""An invoice that people entered in the ERP themselves: what they may decide, and what follows once."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from engine.canonical import (
    CaseAction,
    CaseVerb,
    HeldThere,
    Invoice,
    InvoiceLine,
    Money,
    PostingResult,
    Quantity,
)
from engine.channel.policies import Policies
from engine.channel.policy_matching import Limit, Tolerance, Tolerances
from engine.channel.policy_routing import Exceptions
from engine.ports.procure import Case
from engine.procure.decision import Decision, Finding, Intent
from engine.procure.desk.actions import choices_of
from engine.procure.postings.posting import Step, followed
from engine.procure.postings.twins import TWIN
from tests.support.papers import papers, world

AT = datetime(2026, 11, 16, 9, tzinfo=UTC)
KEY = "post_invoice:S1/I1"
LINE = InvoiceLine(number=1, quantity=Quantity(amount=Decimal(1)), price=Money(amount=Decimal("100.00")))
INVOICE = Invoice(
    invoice_number="I1", supplier_number="S1", invoiced_on=date(2026, 11, 16), lines=(LINE,),
    stated_total=Money(amount=Decimal("100.00")),
)  # fmt: skip
PLAN = {"post_invoice": (Step("post_invoice", "erp", "undo_post_invoice"), Step("archive_invoice", "archive"))}
CENT = Tolerance(rule="invoice_total", upper=Limit(absolute=Decimal("0.01")), lower=Limit(unlimited=True))
RULES = Policies(
    tolerances=Tolerances(rules=(CENT,)), exceptions=Exceptions(four_eyes_above=Decimal("1000.00"))
)  # fmt: skip
CAREFUL = Policies(tolerances=RULES.tolerances, exceptions=Exceptions(four_eyes_above=Decimal("50.00")))


def held(amount: str = "100.01", state: str = "posted", **more: Any) -> HeldThere:
    values: dict[str, Any] = {"reference": "7731", "number": "I1", "dated": date(2026, 11, 15)} | more
    return HeldThere(
        total=Money(amount=Decimal(amount)), state=state, is_posted=state == "posted", **values
    )  # fmt: skip


def answer(ok: bool = False, number: int = 1, command: str = "post_invoice", **more: Any) -> PostingResult:
    """Of the try, an hour after the one before."""
    key = f"{command}:S1/I1" + (f":try-{number}" if number > 1 else "")
    return PostingResult(
        dossier="invoice:S1/I1", command=command, system="archive" if "archive" in command else "erp",
        subject_kind="Invoice", subject_key="S1/I1", ok=ok, answered_at=AT + timedelta(hours=number),
        command_key=key, code=None if ok else "T022", reference="7731" if ok else None, **more,
    )  # fmt: skip


REFUSED = answer(holds=held())


def act(verb: CaseVerb, who: str = "ana", number: int = 1) -> CaseAction:
    """After the answer of so many tries."""
    return CaseAction(
        action_number=f"{number}-{who}", case_id="c", dossier="invoice:S1/I1", action=verb, who=who, reason="seen",
        at=AT + timedelta(hours=number, minutes=5), case_type=TWIN, place="Invoice/S1/I1",
    )  # fmt: skip


def decide(*documents: Any, policies: Policies = RULES) -> Decision:
    wish = Decision({"invoices": {"S1/I1": {"state": "matched"}}}, intents=(Intent("post_invoice", INVOICE),))
    return followed(wish, papers(INVOICE, *documents), world(policies=policies), PLAN)


def keys(decision: Decision) -> list[str]:
    return [one.key for one in decision.intents]


def twin(decision: Decision) -> Finding:
    (found,) = decision.findings
    assert found.type == TWIN
    return found


def test_the_case_shows_number_amount_and_date_of_both_side_by_side() -> None:
    found = twin(decide(REFUSED))

    assert (found.money, found.supplier, found.place) == (INVOICE.stated_total, "S1", "Invoice/S1/I1")
    sides = {side: tuple(found.facts[f"{side}_{name}"] for name in ("number", "amount", "date"))
             for side in ("ours", "theirs")}  # fmt: skip
    assert sides == {"ours": ("I1", "100.00 USD", "2026-11-16"), "theirs": ("I1", "100.01 USD", "2026-11-15")}
    assert (found.facts["their_erp_number"], found.facts["difference"]) == ("7731", "0.01")


def test_a_refusal_for_another_reason_is_the_usual_case() -> None:
    assert [one.type for one in decide(answer()).findings] == ["posting_refused"]


def test_theirs_is_taken_for_ours_where_the_amounts_agree_within_the_policies() -> None:
    decision = decide(REFUSED, act(CaseVerb.ACCEPT))

    assert keys(decision) == ["adopt_invoice:S1/I1:try-2"]
    (asked,) = decision.intents
    assert isinstance(asked.document, Invoice)
    assert [(one.scheme, one.value) for one in asked.document.references] == [("erp_number", "7731")]
    assert decision.findings == ()


def test_what_was_adopted_is_posted_and_goes_on_to_the_next_system_once() -> None:
    done = [REFUSED, act(CaseVerb.ACCEPT), answer(ok=True, number=2)]
    decision = decide(*done)

    assert keys(decision) == ["adopt_invoice:S1/I1:try-2", "archive_invoice:S1/I1:try-2"]
    assert decision.state["postings"][KEY]["steps"][0]["reference"] == "7731"


def test_what_people_entered_is_not_taken_back_when_a_later_system_refuses() -> None:
    decision = decide(
        REFUSED, act(CaseVerb.ACCEPT), answer(ok=True, number=2), answer(number=2, command="archive_invoice")
    )

    assert decision.state["postings"][KEY]["state"] == "stuck"
    assert "undo_post_invoice" not in {one.what for one in decision.intents}


@pytest.mark.parametrize(
    "theirs",
    [
        held("100.02"),
        held("99.98"),
        held(state="draft"),
        held(state="cancelled"),
        HeldThere(reference="7", is_posted=True),
    ],
    ids=["dearer", "cheaper", "draft", "cancelled", "no total"],
)
def test_what_does_not_agree_or_does_not_count_is_not_adopted(theirs: HeldThere) -> None:
    decision = decide(answer(holds=theirs), act(CaseVerb.ACCEPT))

    assert twin(decision).facts["not_adoptable"]
    assert keys(decision) == [KEY]


def test_above_the_limit_two_people_adopt() -> None:
    one = decide(REFUSED, act(CaseVerb.ACCEPT), policies=CAREFUL)
    both = decide(REFUSED, act(CaseVerb.ACCEPT), act(CaseVerb.ACCEPT, "ben"), policies=CAREFUL)

    assert (keys(one), len(one.findings)) == ([KEY], 1)
    assert keys(both) == ["adopt_invoice:S1/I1:try-2"]


def test_when_theirs_is_gone_ours_is_posted_again_and_the_erp_is_asked_first() -> None:
    again = [REFUSED, act(CaseVerb.REMATCH)]
    assert keys(decide(*again)) == ["repost_invoice:S1/I1:try-2"]

    still_there = decide(*again, answer(number=2, holds=held()))

    assert twin(still_there).facts["their_erp_number"] == "7731"
    assert decide(*again, answer(ok=True, number=2)).findings == ()


def test_a_later_adoption_is_another_try_and_the_first_decision_is_used_up() -> None:
    gone = [REFUSED, act(CaseVerb.ACCEPT), answer(number=2, holds=held())]
    assert twin(decide(*gone)).type == TWIN

    decision = decide(*gone, act(CaseVerb.ACCEPT, "ben", number=2))

    assert keys(decision) == ["adopt_invoice:S1/I1:try-3"]


def test_ours_is_rejected_as_a_duplicate_and_its_draft_goes() -> None:
    decision = decide(REFUSED, act(CaseVerb.REJECT))

    assert decision.state["invoices"]["S1/I1"] == {"state": "rejected", "by": "ana", "because": [TWIN]}
    assert keys(decision) == ["undo_post_invoice:S1/I1:rejected"]
    assert decision.findings == ()


def test_what_was_rejected_can_be_opened_again() -> None:
    decision = decide(REFUSED, act(CaseVerb.REJECT), act(CaseVerb.REOPEN, number=2))

    assert (twin(decision).type, keys(decision)) == (TWIN, [KEY])


@pytest.mark.parametrize(("theirs", "offered"), [(held(), True), (held("1.00"), False)], ids=["agrees", "differs"])
def test_who_has_the_case_is_told_why_theirs_cannot_be_taken(theirs: HeldThere, offered: bool) -> None:
    found = twin(decide(answer(holds=theirs)))
    case = Case("c", "invoice:S1/I1", TWIN, "open", 0, found.title, facts=found.facts)
    choices = {one.action: one.why_not for one in choices_of(case, papers(INVOICE), RULES, "ana")}

    assert (choices["accept"] is None) is offered
    assert (choices["rematch"], choices["reject"]) == (None, None)


def test_whatever_order_they_come_in_the_result_is_the_same() -> None:
    told = [REFUSED, act(CaseVerb.ACCEPT), act(CaseVerb.COMMENT, "cleo")]
    found = {str((keys(decide(*one)), decide(*one).findings)) for one in itertools.permutations(told)}

    assert len(found) == 1
