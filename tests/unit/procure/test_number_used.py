"""A supplier's number that comes again for something else is paid for once, and the rest is not forgotten."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from engine.canonical import CaseAction, CaseVerb, Document, Invoice, InvoiceKind, PostingResult
from engine.procure.decision import Decision
from tests.support.dossiers import NOON, Dossiers
from tests.support.purchases import SUPPLIER, billed, invoice, order, receipt

FIRST = invoice(billed("4"))
USED = "invoice_number_used_again"


def decide(*documents: Document, dossier: str = "order:PO-1") -> Decision:
    told = Dossiers()
    for one in (SUPPLIER, order(), receipt(), *documents):
        told.take(one, who=one.who if isinstance(one, CaseAction) else None)
    return told.decide(dossier)


def types(decision: Decision) -> list[str]:
    return [one.type for one in decision.findings]


def posted(decision: Decision) -> list[str]:
    return [one.key for one in decision.intents if one.what == "post_invoice"]


def answer() -> PostingResult:
    return PostingResult(
        subject_kind="Invoice", subject_key="S1/I-1", command="post_invoice", system="erp", ok=True, reference="77",
        answered_at=NOON, dossier="order:PO-1",
    )  # fmt: skip


def act(verb: CaseVerb) -> CaseAction:
    return CaseAction(
        action_number="1", case_id="c", dossier="order:PO-1", action=verb, case_type=USED, place="S1/I-1/number",
        who="ana", at=NOON + timedelta(hours=1),
    )  # fmt: skip


def dated(day: date) -> Invoice:
    return invoice(billed("4"), invoiced_on=day)


AGAIN = [
    invoice(billed("6")),
    invoice(billed("4"), invoice_kind=InvoiceKind.CREDIT_MEMO),
    dated(date(2025, 11, 10)),
]


@pytest.mark.parametrize("again", AGAIN)
def test_what_comes_by_a_number_that_is_posted_is_a_case_and_what_was_posted_stands(again: Invoice) -> None:
    decision = decide(FIRST, answer(), again)

    assert types(decision) == [USED]
    (finding,) = decision.findings
    assert finding.facts["before"].startswith("invoice over 16.00 USD of 2026-11-10")
    assert finding.flip
    assert finding.money == again.stated_total
    assert posted(decision) == []  # once, before


@pytest.mark.parametrize("again", AGAIN)
def test_before_it_is_posted_nobody_chooses_between_two_of_one_number_but_a_person(again: Invoice) -> None:
    decision = decide(FIRST, again)

    assert (USED in types(decision), posted(decision)) == (True, [])


def test_the_same_figures_by_another_door_are_the_same_invoice() -> None:
    assert types(decide(FIRST, FIRST.model_copy(update={"origin": "mail"}))) == []
    assert types(decide(FIRST, answer(), FIRST.model_copy(update={"origin": "mail"}))) == []


def test_the_newest_is_posted_when_a_person_lets_it_pass() -> None:
    (made,) = (one.document for one in decide(FIRST, AGAIN[0], act(CaseVerb.ACCEPT)).intents)

    assert isinstance(made, Invoice)
    assert made.stated_total == AGAIN[0].stated_total


def test_what_goes_back_leaves_what_was_posted_and_tells_the_supplier() -> None:
    decision = decide(FIRST, answer(), AGAIN[0], act(CaseVerb.RETURN_TO_SUPPLIER))

    assert types(decision) == []
    assert [one.what for one in decision.intents] == ["send_advice"]
    assert decision.state["invoices"]["S1/I-1"]["state"] == "matched"


def other_order(**more: Any) -> list[Document]:
    return [
        order(order_number="PO-2"),
        receipt(number="R-2").model_copy(update={"order_number": "PO-2"}),
        invoice(billed("4"), order_number="PO-2", **more),
    ]


def test_a_number_that_is_posted_for_one_order_is_not_posted_for_another_whoever_accepts_it() -> None:
    accepted = act(CaseVerb.ACCEPT).model_copy(update={"dossier": "order:PO-2"})
    documents = [FIRST, answer(), *other_order(), accepted]

    for told in (documents[:-1], documents):
        decision = decide(*told, dossier="order:PO-2")
        assert (types(decision), posted(decision)) == ([USED], [])
