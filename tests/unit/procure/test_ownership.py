"""Who decides an exception, by when, and in which order; by the shipped policies and by small ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.canonical import Money
from engine.channel.load import load_policies
from engine.channel.policies import Policies
from engine.core.clock import from_micros
from engine.procure.decision import Finding, World
from engine.procure.ownership import Owner, owner_of

SHIPPED = load_policies(Path(__file__).parents[3])
MONDAY = datetime(2026, 11, 23, 14, tzinfo=UTC)  # 9:00 in New York
HOUR = timedelta(hours=1)


def finding(kind: str = "price_above_tolerance", amount: str | None = "100", **more: Any) -> Finding:
    return Finding(kind, "S1/INV-1#1", "x", money=Money(amount=Decimal(amount)) if amount else None, **more)


def owner(found: Finding, rules: Policies | None = SHIPPED, hours: int = 0) -> Owner:
    return owner_of(found, World(MONDAY + hours * HOUR, {}, {}, rules), MONDAY)


@pytest.mark.parametrize(
    ("found", "name"),
    [
        (finding(), "buyer"),
        (finding("quantity_not_received"), "receiving"),
        (finding("duplicate_invoice"), "accounts-payable"),
        (finding("remit_to_unknown"), "supplier-master"),
        (finding("nothing_known_of_this"), "accounts-payable"),
        (finding(category="implants", department="M-OR"), "clinical-supply"),
        (finding(category="implants", department="M-ED"), "supply-chain"),  # the one for implants is not for this one
        (finding(urgency="stat", department="M-OR"), "clinical-supply"),
        (finding(amount="10000.00"), "buyer"),
        (finding(amount="-10000.01"), "ap-manager"),
        (finding(owner="k.sato"), "k.sato"),
    ],
)
def test_the_most_specific_rule_says_who(found: Finding, name: str) -> None:
    assert owner(found).name == name


def test_without_policies_accounts_payable_has_two_business_days() -> None:
    found = owner(finding(), None)

    assert (found.name, from_micros(found.due_micros)) == ("accounts-payable", MONDAY + timedelta(days=2))


def test_a_date_that_lapses_earlier_is_the_due_time() -> None:
    assert from_micros(owner(finding(due_by=MONDAY + HOUR)).due_micros) == MONDAY + HOUR


@pytest.mark.parametrize(
    ("hours", "name", "escalated"),
    [(0, "buyer", 0), (23, "buyer", 0), (24, "purchasing-manager", 1), (48, "controller", 2), (900, "controller", 2)],
)
def test_an_overdue_case_goes_up_to_the_last_and_stays_there(hours: int, name: str, escalated: int) -> None:
    found = owner(finding(), hours=hours)

    assert (found.name, found.escalated) == (name, escalated)


def test_it_is_looked_at_again_when_the_next_one_gets_it() -> None:
    assert owner(finding()).look_again_at == MONDAY + timedelta(days=1)
    assert owner(finding(), hours=900).look_again_at == datetime(2027, 1, 5, 5, tzinfo=UTC)  # a delegation ends
    assert owner(finding(), Policies(), hours=900).look_again_at is None


def test_a_person_who_left_is_followed_by_her_manager_and_then_by_the_usual_owner() -> None:
    def rules(*people: dict[str, Any]) -> Policies:
        named = {"rules": [{"types": ["*"], "person": "anna"}]}
        return Policies.model_validate({"people": {"people": [*people]}, "exceptions": named})

    anna = {"person": "anna", "manager": "mike"}
    gone = {**anna, "last_day": "2026-11-22"}

    assert owner(finding(), rules(anna)).name == "anna"
    assert owner(finding(), rules(gone, {"person": "mike"})).name == "mike"
    assert owner(finding(), rules(gone)).name == "accounts-payable"


def test_care_and_money_at_stake_come_first() -> None:
    ranked = [
        finding(urgency="stat", amount="10"),
        finding("supplier_late", facts={"stock_out": True}),
        finding(amount="90000"),
        finding("duplicate_invoice", amount="400"),
        finding(due_by=MONDAY + 20 * HOUR, amount="400"),
        finding(amount="400"),
        finding(amount=None),
    ]
    ranks = [owner(one).rank for one in ranked]

    assert ranks == sorted(ranks, reverse=True)
    assert len(set(ranks)) == len(ranks)


@given(st.decimals(0, 10**12, places=2), st.decimals(0, 10**12, places=2))
def test_more_money_never_ranks_lower(one: Decimal, more: Decimal) -> None:
    def plain(amount: Decimal) -> int:
        return owner(Finding("x", "p", "t", money=Money(amount=amount)), Policies()).rank

    assert plain(one) <= plain(one + more)
