"""Implant cases: clean ones reconcile piece by piece; each discrepancy has its own exception and no other."""

from __future__ import annotations

import itertools
from collections import Counter
from datetime import timedelta
from random import Random

import pytest

from engine.canonical import ChargeEvent, Consumption, Document, JournalEntry, PurchaseOrder, Requisition
from engine.channel.policies import Policies
from engine.channel.policy_usage import Usage
from engine.procure.decision import Decision, World
from engine.procure.papers import dossiers_of
from engine.procure.usage.implants import DISCREPANCIES, decide_case
from tests.support.implant_cases import MASTER, SEEDS, USED_AT, Case, clean, replaced_in_time
from tests.support.papers import papers, world

LATER = USED_AT + timedelta(days=10)


def later(**more: object) -> World:
    return world(*MASTER, now=LATER, **more)  # type: ignore[arg-type]


def decided(case: Case | list[Document], of: World | None = None) -> Decision:
    documents = list(case.values()) if isinstance(case, dict) else case
    name = next(one.case_reference for one in documents if isinstance(one, Consumption | ChargeEvent | PurchaseOrder))
    return decide_case(papers(*documents), of or later(), f"case:{name}")


def types(decision: Decision) -> set[str]:
    return {one.type for one in decision.findings}


def test_there_are_twelve_and_each_is_seeded() -> None:
    assert len(DISCREPANCIES) == 12
    assert set(SEEDS) == set(DISCREPANCIES)


@pytest.mark.parametrize("seeded", sorted(SEEDS))
def test_each_discrepancy_is_its_own_exception(seeded: str) -> None:
    for number in range(20):
        found = decided(SEEDS[seeded](clean(number, Random(number))))

        assert types(found) == {seeded}
        assert all(one.flip and one.category == "implants" and one.facts["rule"] == seeded for one in found.findings)


def test_a_clean_case_reconciles_whatever_came_first() -> None:
    case = clean(1, Random(4))
    for turn in itertools.permutations(case.values()):
        found = decided(list(turn))

        assert (found.findings, found.state["state"], found.look_again_at) == ((), "reconciled", None)


def _play(count: int) -> tuple[Counter[str], Counter[str]]:
    """Every second case has a discrepancy. Returns what was seeded and what was found, by case and type."""
    random, of, kinds = Random(40), later(), sorted(SEEDS)
    seeded: Counter[str] = Counter()
    found: Counter[str] = Counter()
    for number in range(count):
        case = clean(number, random)
        kind = kinds[number // 2 % len(kinds)] if number % 2 else "reconciled"
        seeded[f"{kind}"] += 1
        decision = decided(SEEDS[kind](case) if number % 2 else case, of)
        for one in types(decision) or {str(decision.state["state"])}:
            found[one] += 1
    return seeded, found


def test_hundreds_of_cases_reconcile_and_every_discrepancy_is_found_once() -> None:
    seeded, found = _play(480)

    assert found == seeded


@pytest.mark.slow
def test_ten_thousand_cases_reconcile_and_every_discrepancy_is_found_once() -> None:
    seeded, found = _play(10_000)

    assert found == seeded


def test_a_replacement_that_is_on_its_way_is_no_exception() -> None:
    assert types(decided(replaced_in_time(clean(1, Random(1))))) == set()


def test_what_a_source_can_still_tell_is_waited_for() -> None:
    case = SEEDS["implant_order_without_charge"](clean(1, Random(1)))
    soon = decided(case, world(*MASTER, now=USED_AT + timedelta(hours=1)))
    told = decided(case, world(*MASTER, now=USED_AT + timedelta(hours=1), watermarks={"charges": USED_AT}))

    assert (types(soon), soon.state["state"], soon.state["for"]) == (set(), "waiting", ["charged"])
    assert soon.look_again_at == USED_AT + timedelta(hours=72)
    assert types(told) == {"implant_order_without_charge"}


def test_what_was_used_and_not_ordered_becomes_a_bill_only_requisition_without_a_patient() -> None:
    case = clean(7, Random(7))
    found = decided([case["used"]], world(*MASTER, now=USED_AT))
    (wish,) = (one.document for one in found.intents if isinstance(one.document, Requisition))

    assert (wish.requisition_number, wish.bill_only, wish.case_reference) == ("BO-K7", True, "K7")
    assert "V-K7" not in wish.model_dump_json()
    assert "case:K7" in dossiers_of(wish)
    assert [one.what for one in decided([case["used"], wish], world(*MASTER, now=USED_AT)).intents] == []


def test_a_piece_in_doubt_is_not_ordered() -> None:
    case = SEEDS["implant_udi_missing"](clean(7, Random(7)))

    assert decided([case["used"]], world(*MASTER, now=USED_AT)).intents == ()


def test_used_and_not_invoiced_is_accrued_and_taken_back_when_invoiced() -> None:
    policies = Policies(usage=Usage(accrued_account="2110"))
    case = clean(3, Random(3))
    before = decided([case["used"], case["order"]], later(policies=policies))
    after = decided(case, later(policies=policies))
    entries = [one.document for one in after.intents if isinstance(one.document, JournalEntry)]

    assert [one.key for one in before.intents] == ["post_journal:UNI-K3"]
    assert [one.entry_number for one in entries] == ["UNI-K3", "UNI-K3-R"]
    assert entries[1].reverses == "UNI-K3"
    net: Counter[str] = Counter()
    for line in (line for one in entries for line in one.lines):
        net[line.account] += (line.debit.amount if line.debit else 0) - (line.credit.amount if line.credit else 0)  # type: ignore[assignment]
    assert set(net.values()) == {0}
