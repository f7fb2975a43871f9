"""Four ways: what came is paid when its inspection accepted it, whoever asks for that."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from engine.canonical import Document, Item
from engine.channel.policies import Policies
from engine.channel.policy_matching import Matching, MatchRule
from engine.procure.decision import Decision
from engine.procure.matching.purchase import decide_purchase
from tests.support.papers import NOW, papers, world
from tests.support.purchases import SUPPLIER, invoice, order, ordered, receipt

IMPLANTS = Policies(matching=Matching(rules=(MatchRule(ways=3), MatchRule(ways=4, category="implants"))))
MUST_BE_INSPECTED = Item(item_number="M1", description="Cup", unit="EA", inspection_required=True)
TOLD = {"receipts": NOW, "orders": NOW, "inspections": NOW}
LAGS = TOLD | {"inspections": NOW - timedelta(minutes=10)}


def decide(*documents: Document, told: Any = TOLD, item: tuple[Item, ...] = ()) -> Decision:
    return decide_purchase(papers(*documents), world(SUPPLIER, *item, watermarks=told, policies=IMPLANTS))


def implant(**more: Any) -> Document:
    return order(ordered(category="implants"), **more)


def posted(decision: Decision) -> list[str]:
    return [one.key for one in decision.intents if one.what == "post_invoice"]


def test_where_the_policies_ask_for_four_ways_what_nobody_inspected_waits_for_the_inspection() -> None:
    decision = decide(implant(), receipt(), invoice(), told=LAGS)

    assert (posted(decision), decision.findings) == ([], ())
    assert decision.state["invoices"]["S1/I-1"]["because"] == "inspections"


def test_when_no_inspection_can_explain_it_any_more_it_is_a_case() -> None:
    decision = decide(implant(), receipt(), invoice())

    assert ([one.type for one in decision.findings], posted(decision)) == (["quantity_not_accepted"], [])


def test_what_the_inspection_accepted_is_posted() -> None:
    assert posted(decide(implant(), receipt(accepted="10"), invoice())) == ["post_invoice:S1/I-1"]


def test_three_ways_need_no_inspection() -> None:
    assert posted(decide(order(), receipt(), invoice())) == ["post_invoice:S1/I-1"]


def test_an_item_that_must_be_inspected_is_compared_four_ways() -> None:
    assert posted(decide(order(), receipt(), invoice(), item=(MUST_BE_INSPECTED,))) == []
    assert posted(decide(order(), receipt(accepted="10"), invoice(), item=(MUST_BE_INSPECTED,))) != []


@pytest.mark.parametrize(
    ("accepted", "told", "state", "paid"),
    [(None, LAGS, "waiting", []), (None, TOLD, "exception", []), ("8", TOLD, "matched", ["32.00"])],
    ids=["may come", "did not come", "inspected"],
)
def test_a_receipt_that_pays_itself_waits_for_its_inspection_and_pays_what_was_accepted(
    accepted: str | None, told: Any, state: str, paid: list[str]
) -> None:
    decision = decide(implant(evaluated_receipt=True), receipt(accepted=accepted), told=told)

    assert decision.state["invoices"]["S1/ERS-R-1"]["state"] == state
    made: list[Any] = [one.document for one in decision.intents if one.what == "post_invoice"]
    assert [str(one.stated_total.amount) for one in made] == paid
