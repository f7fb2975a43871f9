"""Every kind of exception that the code can make has an owner in the shipped policies; a new one without fails here."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from engine.channel.load import load_site
from engine.channel.policies import Policies
from engine.channel.wildcard import wildcard_match
from engine.ports.exception_types import EXCEPTION_TYPES
from engine.procure.decision import Finding
from engine.procure.ownership import rule_for
from tests.support.finding_types import finding_types

ROOT = Path(__file__).parents[3]
# Who decides is known by the matter itself: whoever is asked for the approval.
BY_THE_MATTER = {"approval_wanted", "approval_stuck"}
# The type is that of the exception which a person acted on, or one that a policy's case asks about.
REPEATED = (
    "engine.procure.matching.purchase _sent_back: last.case_type",
    "engine.procure.policy.questions answer: self.type",
)


@pytest.fixture(scope="module")
def policies() -> Policies:
    return load_site(ROOT).policies


def test_the_types_of_all_exceptions_can_be_read_from_the_code() -> None:
    found = finding_types()

    assert found.unclear == REPEATED
    assert len(found.types) >= 80
    assert {"price_{}_tolerance", "quantity_not_received", "budget_exceeded", "implant_expired"} <= found.types


def test_the_types_that_policies_and_lint_know_are_those_of_the_code() -> None:
    made = finding_types().types
    plain, patterns = {one for one in made if "{}" not in one}, [one.replace("{}", "*") for one in made if "{}" in one]

    assert sorted(plain - EXCEPTION_TYPES) == []
    others = EXCEPTION_TYPES - plain
    assert sorted(one for one in others if not any(wildcard_match(pattern, one) for pattern in patterns)) == []
    assert all(any(wildcard_match(pattern, one) for one in others) for pattern in patterns)


def test_every_type_has_a_rule_of_its_own_that_names_the_owner(policies: Policies) -> None:
    without = [
        one
        for one in sorted(EXCEPTION_TYPES - BY_THE_MATTER)
        if rule_for(Finding(one, "", ""), policies, date(2026, 11, 23)) is None
    ]

    assert without == []


def test_no_rule_of_the_shipped_site_is_for_types_that_nothing_makes(policies: Policies) -> None:
    patterns = {pattern for rule in policies.exceptions.rules for pattern in rule.types}

    assert sorted(p for p in patterns if not any(wildcard_match(p, one) for one in EXCEPTION_TYPES)) == []
