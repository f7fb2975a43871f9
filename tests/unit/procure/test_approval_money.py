"""Limits are money: an amount in another currency is compared by a rate, and one without a rate is above them all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from engine.canonical import Money
from engine.channel.policies import Policies
from engine.procure.approvals.approve import approve
from engine.procure.approvals.states import ApprovalState
from engine.procure.approvals.values import Request, Standing
from engine.procure.decision import Finding, World
from engine.procure.ownership import owner_of, rule_for
from engine.procure.policies import is_above_four_eyes

MONDAY = datetime(2026, 11, 23, 14, tzinfo=UTC)
PEOPLE: dict[str, Any] = {
    "roles": {"buyer": {"approves_up_to": 5000}, "cfo": {"unlimited": True}},
    "people": [
        {"person": "boss", "roles": ["cfo"]},
        {"person": "anna", "roles": ["buyer"], "manager": "boss"},
        {"person": "carl", "manager": "anna"},
    ],
}
BANDS: list[dict[str, Any]] = [
    {"route": "small", "subjects": ["requisition"], "up_to": 500},
    {"route": "usual", "subjects": ["requisition"], "above": 500, "steps": [{"roles": ["buyer"]}]},
]
RATES: list[dict[str, Any]] = [
    {"currency": "EUR", "worth": "1.25", "first_day": "2026-11-01"},
    {"currency": "EUR", "worth": "1.5", "first_day": "2026-11-24"},
    {"currency": "CAD", "worth": "0.75", "first_day": "2026-11-01", "last_day": "2026-11-20"},
]


def policies(people: dict[str, Any] = PEOPLE, bands: list[dict[str, Any]] = BANDS, **more: Any) -> Policies:
    money = {"rates": RATES}
    return Policies.model_validate({"people": people, "approvals": {"routes": bands}, "currencies": money, **more})


def standing(amount: str, currency: str, rules: Policies | None = None, later: int = 1) -> Standing:
    money = Money(amount=Decimal(amount), currency=currency)
    asked = Request("Requisition/R-1", "requisition", money, MONDAY, frozenset({"carl"}), "carl")
    return approve(asked, (), World(MONDAY + timedelta(hours=later), {}, {}, rules or policies()))


@pytest.mark.parametrize(
    ("amount", "currency", "asked"),
    [
        ("5000", "USD", ("anna",)),
        ("5000.01", "USD", ("boss",)),
        ("4000", "EUR", ("anna",)),  # 5000.00 exactly: at the limit is within
        ("4000.01", "EUR", ("boss",)),
        ("5000", "EUR", ("boss",)),  # the number alone would be within
    ],
)
def test_a_limit_is_compared_with_what_an_amount_is_worth(amount: str, currency: str, asked: tuple[str, ...]) -> None:
    assert standing(amount, currency).asked == asked


@pytest.mark.parametrize(("amount", "state"), [("400", ApprovalState.APPROVED), ("400.01", ApprovalState.WAITING)])
def test_a_band_of_a_route_is_compared_with_what_an_amount_is_worth(amount: str, state: ApprovalState) -> None:
    assert standing(amount, "EUR").state is state


def test_how_it_was_compared_is_told_in_words() -> None:
    assert "4000 EUR count as 5000 USD, by the rate of 2026-11-01" in standing("4000", "EUR").because
    assert not [one for one in standing("4000", "USD").because if "count" in one]


@pytest.mark.parametrize("currency", ["JPY", "CAD"])  # of CAD there was a rate, until three days ago
def test_what_has_no_rate_is_above_every_limit_and_says_why(currency: str) -> None:
    found = standing("1", currency)

    assert (found.route, found.asked) == ("usual", ("boss",))
    why = f"no rate of {currency} on 2026-11-23: it counts as above every limit in another currency"
    assert why in found.because
    assert why in found.findings[0].facts["because"]


def test_nothing_is_nothing_in_every_currency() -> None:
    assert standing("0", "JPY").state is ApprovalState.APPROVED


def test_what_no_route_takes_for_want_of_a_rate_says_so() -> None:
    found = standing("1", "JPY", policies(bands=BANDS[:1]))

    assert found.state is ApprovalState.STUCK
    assert "no rate of JPY" in found.findings[0].facts["because"][1]


def test_a_limit_in_a_currency_of_its_own_needs_no_rate_for_it() -> None:
    roles = {**PEOPLE["roles"], "buyer": {"approves_up_to": 500000, "currency": "JPY"}}
    rules = policies({**PEOPLE, "roles": roles})

    assert standing("500000", "JPY", rules).asked == ("anna",)
    assert standing("500001", "JPY", rules).asked == ("boss",)
    assert standing("501", "USD", rules).asked == ("boss",)  # nobody knows how many yen that is


def test_an_amount_between_two_other_currencies_is_compared_through_the_base() -> None:
    roles = {**PEOPLE["roles"], "buyer": {"approves_up_to": 3000, "currency": "EUR"}}
    rules = policies({**PEOPLE, "roles": roles}, currencies={"rates": [*RATES[:1], {**RATES[2], "last_day": None}]})

    assert standing("5000", "CAD", rules).asked == ("anna",)  # 3750 USD, 3000 EUR
    assert standing("5000.01", "CAD", rules).asked == ("boss",)


def test_the_rate_of_the_day_it_was_asked_for_counts_while_it_waits() -> None:
    assert standing("4000", "EUR", later=48).asked == ("anna",)


def test_another_base_makes_all_limits_without_a_currency_its_own() -> None:
    rules = policies(currencies={"base": "EUR"})

    assert standing("5000", "EUR", rules).asked == ("anna",)
    assert standing("5000", "USD", rules).asked == ("boss",)


@pytest.mark.parametrize(
    ("amount", "currency", "two"), [("800", "EUR", False), ("800.01", "EUR", True), ("1", "JPY", True)]
)
def test_four_eyes_and_owners_of_exceptions_go_by_worth_too(amount: str, currency: str, two: bool) -> None:
    rule = {"types": ["*"], "owner": "cfo", "above": 1000}
    rules = policies(exceptions={"four_eyes_above": 1000, "rules": [rule]})
    money = Money(amount=-Decimal(amount), currency=currency)

    assert is_above_four_eyes(money, rules, MONDAY.date()) is two
    assert (rule_for(Finding("price", "", "", money=money), rules, MONDAY.date()) is not None) is two


@pytest.mark.parametrize(("amount", "currency", "rank"), [("800", "EUR", 10), ("1000", "USD", 10), ("1000", "JPY", 10)])
def test_an_exception_ranks_by_what_it_is_worth(amount: str, currency: str, rank: int) -> None:
    found = Finding("price", "", "", money=Money(amount=Decimal(amount), currency=currency))

    assert owner_of(found, World(MONDAY, {}, {}, policies())).rank == rank
