"""At the limit is within; a cent beyond is not."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import get_args

import pytest

from engine.channel.policies import Policies
from engine.channel.policy_matching import Limit, Tolerance, ToleranceRule, Tolerances
from engine.channel.policy_parts import Aspects
from engine.procure.matching.tolerance import judge

RULES = get_args(ToleranceRule)
CENT = Decimal("0.01")
# Limits for an expected figure of 200, and what they allow.
LIMITS = [
    (Limit(absolute=Decimal(5)), Decimal(5)),
    (Limit(percent=Decimal(2)), Decimal(4)),
    (Limit(absolute=Decimal(5), percent=Decimal(2)), Decimal(4)),
    (Limit(absolute=Decimal(5), percent=Decimal(2), take="higher"), Decimal(5)),
]
TABLE = list(itertools.product(RULES, range(len(LIMITS)), ("upper", "lower"), (-CENT, Decimal(0), CENT)))


def policies(*rules: Tolerance) -> Policies:
    return Policies(tolerances=Tolerances(rules=rules))


@pytest.mark.parametrize(("rule", "limit", "side", "step"), TABLE)
def test_at_the_limit_is_within_and_a_cent_beyond_is_not(rule: str, limit: int, side: str, step: Decimal) -> None:
    settings, allowed = LIMITS[limit]
    expected = Decimal(200)
    actual = expected + (allowed + step) * (1 if side == "upper" else -1)
    by = policies(Tolerance.model_validate({"rule": rule, side: settings}))

    assert judge(rule, expected, actual, by, Aspects()).within is (step <= 0)


def test_the_table_has_two_hundred_cases() -> None:
    assert len(TABLE) >= 200


@pytest.mark.parametrize("rule", RULES)
def test_the_rule_that_names_most_counts(rule: str) -> None:
    def allows(amount: int, **scope: str) -> Tolerance:
        return Tolerance.model_validate({"rule": rule, "upper": {"absolute": amount}, **scope})

    by = policies(allows(1), allows(2, legal_entity="HARBOR"), allows(3, category="implants"), allows(4, supplier="S1"))
    every = Aspects(supplier="S1", category="implants", legal_entity="HARBOR")

    for of, limit in (
        (Aspects(), 1),
        (Aspects(legal_entity="HARBOR"), 2),
        (every._replace(supplier=None), 3),
        (every, 4),
    ):
        assert judge(rule, Decimal(10), Decimal(10 + limit), by, of).within
        assert not judge(rule, Decimal(10), Decimal(10 + limit) + CENT, by, of).within


def test_it_says_the_smallest_change_that_would_have_been_within() -> None:
    by = policies(Tolerance(rule="price", upper=Limit(absolute=Decimal("0.50"))))

    verdict = judge("price", Decimal(10), Decimal(11), by, Aspects())

    assert verdict.flip == "10.5 instead of 11 would have been within"


@pytest.mark.parametrize(
    ("rule", "currency", "actual", "flip"),
    [
        ("invoice_total", "USD", "120", "112.54 instead of 120 would have been within"),
        ("invoice_total", "JPY", "120", "112 instead of 120 would have been within"),
        ("invoice_total", "JPY", "80", "88 instead of 80 would have been within"),
        ("invoice_total", "KWD", "120", "112.548 instead of 120 would have been within"),
        ("price", "JPY", "120", "112.54889 instead of 120 would have been within"),  # of a price, any number of places
    ],
)
def test_what_would_have_been_within_is_an_amount_that_the_currency_has(
    rule: str, currency: str, actual: str, flip: str
) -> None:
    limit = Limit(percent=Decimal("12.54889"))
    by = policies(Tolerance.model_validate({"rule": rule, "upper": limit, "lower": limit}))

    assert judge(rule, Decimal(100), Decimal(actual), by, Aspects()).flip_in(currency) == flip


def test_where_no_amount_of_the_currency_is_within_the_figure_itself_is_told() -> None:
    by = policies(Tolerance(rule="line_amount", upper=Limit(absolute=Decimal("0.1"))))

    verdict = judge("line_amount", Decimal("33.3"), Decimal(34), by, Aspects())

    assert verdict.flip_in("JPY") == "33.4 instead of 34 would have been within"
