"""Which system is right about which field."""

from __future__ import annotations

from itertools import permutations

import pytest
from pydantic import ValidationError

from engine.canonical import Budget, Supplier
from engine.canonical.examples import EXAMPLES
from engine.channel.policy_records import RecordRules
from engine.procure.record_rules import Write, judge, refused, survive

RULES = RecordRules.model_validate(
    {
        "fields": [
            {"field": "Supplier.bank_accounts", "owner": ["desk"], "otherwise": "refuse"},
            {"field": "Supplier.name", "owner": ["desk", "erp"], "otherwise": "raise"},
            {"field": "Supplier.payment_terms_days", "owner": ["erp"]},
            {"field": "Budget.*", "owner": ["erp"], "otherwise": "refuse"},
        ]
    }
)
BEFORE = Supplier(supplier_number="S1", name="Aldine", payment_terms_days=30, email="a@aldine.example")


def _with(**more: object) -> Supplier:
    return Supplier.model_validate({**BEFORE.model_dump(), **more})


def test_an_owner_may_write_its_field() -> None:
    outcome = judge(RULES, BEFORE, Write("erp", _with(payment_terms_days=45)))

    assert outcome.document == _with(payment_terms_days=45)
    assert outcome.intrusions == ()


def test_a_field_that_nobody_owns_may_be_written_by_all() -> None:
    assert judge(RULES, BEFORE, Write("portal", _with(email="b@aldine.example"))).intrusions == ()


def test_what_is_to_be_kept_is_kept_and_the_rest_is_taken() -> None:
    outcome = judge(RULES, BEFORE, Write("portal", _with(payment_terms_days=10, email="b@aldine.example")))

    assert outcome.document == _with(email="b@aldine.example")
    assert [one.field for one in outcome.intrusions] == ["Supplier.payment_terms_days"]
    assert outcome.findings == ()


def test_what_is_to_be_raised_is_kept_and_becomes_a_finding_without_the_value() -> None:
    outcome = judge(RULES, BEFORE, Write("portal", _with(name="Confidential")))

    assert outcome.document == BEFORE
    assert [(one.type, one.place) for one in outcome.findings] == [("written_by_non_owner", "S1/Supplier.name/portal")]
    assert "Confidential" not in repr(outcome.findings)
    assert outcome.findings[0].flip


def test_what_is_to_be_refused_refuses_the_whole_document() -> None:
    account = [{"code": "X", "account_number": "000999888777"}]
    outcome = judge(RULES, BEFORE, Write("erp", _with(bank_accounts=account, payment_terms_days=45)))

    assert outcome.document is None
    assert [one.field for one in refused(outcome)] == ["Supplier.bank_accounts"]
    assert "000999888777" not in repr(outcome)


def test_saying_the_same_as_the_owner_is_no_intrusion() -> None:
    assert judge(RULES, BEFORE, Write("portal", BEFORE)).document is BEFORE


def test_a_new_document_keeps_what_it_must_have_and_loses_what_others_own() -> None:
    outcome = judge(RULES, None, Write("portal", _with(payment_terms_days=10)))

    assert outcome.document is not None
    assert (outcome.document.name, outcome.document.payment_terms_days) == ("Aldine", None)


def test_a_new_document_with_a_field_to_be_refused_is_refused() -> None:
    account = [{"code": "X", "account_number": "000999888777"}]

    assert judge(RULES, None, Write("portal", _with(bank_accounts=account))).document is None


def test_a_rule_for_a_whole_kind_holds_for_its_fields() -> None:
    budget = Budget.model_validate(EXAMPLES["Budget"])
    other = budget.model_copy(update={"is_hard": True})

    assert judge(RULES, budget, Write("portal", other)).document is None
    assert judge(RULES, budget, Write("erp", other)).document == other


def test_each_field_survives_from_its_owner_whatever_the_order_of_the_systems() -> None:
    writes = [
        Write("desk", _with(name="Aldine Surgical, Inc.", email=None)),
        Write("erp", _with(name="ALDINE", payment_terms_days=60)),
        Write("portal", _with(name="aldine", payment_terms_days=5)),
    ]

    outcomes = [survive(RULES, order) for order in permutations(writes)]

    for one in outcomes:
        assert one.document is not None
        assert (one.document.name, one.document.payment_terms_days) == ("Aldine Surgical, Inc.", 60)
    assert len({one.intrusions for one in outcomes}) == 1
    assert {(one.field, one.system) for one in outcomes[0].intrusions} == {
        ("Supplier.name", "portal"),
        ("Supplier.payment_terms_days", "desk"),
        ("Supplier.payment_terms_days", "portal"),
    }


def test_the_newest_of_an_owner_counts_and_a_second_owner_speaks_when_the_first_is_silent() -> None:
    old, new = Write("erp", _with(name="Old")), Write("erp", _with(name="New"))

    document = survive(RULES, [old, new, Write("portal", _with(name="Third"))]).document

    assert document is not None
    assert document.name == "New"


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("Suplier.name", "no document is called 'Suplier'"),
        ("Supplier.nme", "Supplier has no field 'nme'"),
        ("Supplier", "Supplier has no field ''"),
    ],
)
def test_a_rule_for_a_field_that_is_not_there_is_refused(field: str, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        RecordRules.model_validate({"fields": [{"field": field, "owner": ["erp"]}]})


def test_two_rules_for_one_field_are_refused() -> None:
    rule = {"field": "Supplier.name", "owner": ["erp"]}

    with pytest.raises(ValidationError, match="two rules"):
        RecordRules.model_validate({"fields": [rule, rule]})
