"""At the limit an invoice is posted, a cent beyond it is a case: of every figure, from documents to decision."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import get_args

import pytest

from engine.canonical import Charge, Document, MatchRule
from engine.channel.policies import Policies
from engine.channel.policy_matching import Limit, Matching, TaxRate, Tolerance, ToleranceRule, Tolerances
from engine.procure.decision import Decision
from engine.procure.matching.purchase import decide_purchase
from tests.support.papers import NOW, papers, world
from tests.support.purchases import SUPPLIER, billed, invoice, order, ordered, receipt, usd

CENT = Decimal("0.01")
FREE = Limit(unlimited=True)
# Limits for an expected figure of 200, and what they allow.
LIMITS = [
    (Limit(absolute=Decimal(5)), Decimal(5)),
    (Limit(percent=Decimal(2)), Decimal(4)),
    (Limit(absolute=Decimal(5), percent=Decimal(2)), Decimal(4)),
    (Limit(absolute=Decimal(5), percent=Decimal(2), take="higher"), Decimal(5)),
    (Limit(absolute=Decimal(3), percent=Decimal(2)), Decimal(3)),
    (Limit(absolute=Decimal(3), percent=Decimal(2), take="higher"), Decimal(4)),
]
Made = tuple[Document, ...]


def price(actual: str) -> Made:
    return order(ordered(amount="1", price="200.00")), receipt("1"), invoice(billed("1", actual))


def quantity_ordered(actual: str) -> Made:
    return order(ordered(amount="200", price="1.00")), receipt("1000"), invoice(billed(actual, "1.00"))


def quantity_received(actual: str) -> Made:
    return order(ordered(amount="1000", price="1.00")), receipt("200"), invoice(billed(actual, "1.00"))


def quantity_accepted(actual: str) -> Made:
    asked = order(ordered(amount="1000", price="1.00"), match_rule=MatchRule.FOUR_WAY)
    return asked, receipt("1000", accepted="200"), invoice(billed(actual, "1.00"))


def tax(actual: str) -> Made:
    taxes = (Charge(code="ST", amount=usd(actual)),)
    return order(ordered(price="200.00")), receipt(), invoice(billed(price="200.00"), taxes=taxes)


def tax_line(actual: str) -> Made:
    taxes = (Charge(code="ST", amount=usd(actual)),)
    line = billed(price="200.00", tax_amount=usd(actual))
    return order(ordered(price="200.00")), receipt(), invoice(line, taxes=taxes)


def freight(actual: str) -> Made:
    agreed, asked = ((Charge(code="D240", amount=usd(one)),) for one in ("200.00", actual))
    return order(charges=agreed), receipt(), invoice(charges=asked)


def small_differences(actual: str) -> Made:
    return order(ordered(price="20.00")), receipt(), invoice(billed(price="20.00"), total=actual)


FIGURES: dict[str, tuple[Callable[[str], Made], str]] = {
    "price": (price, "price_{side}_tolerance"),
    "line_amount": (price, "line_amount_differs"),
    "invoice_total": (price, "invoice_total_differs"),
    "quantity_ordered": (quantity_ordered, "quantity_above_ordered"),
    "quantity_received": (quantity_received, "quantity_not_received"),
    "quantity_accepted": (quantity_accepted, "quantity_not_accepted"),
    "tax": (tax, "tax_rate_differs"),
    "tax_line": (tax_line, "tax_rate_differs"),
    "freight": (freight, "freight_above_ordered"),
    "small_differences": (small_differences, "total_out_of_balance"),
}
ONE_SIDED = {"freight"}  # whoever asks for less freight than was agreed is never asked why
BESIDE = {"line_amount": ("price",), "invoice_total": ("price",), "tax_line": ("tax",)}  # free, so that one rule speaks
TABLE = [
    one
    for one in itertools.product(FIGURES, range(len(LIMITS)), ("upper", "lower"), (-CENT, Decimal(0), CENT))
    if not (one[0] in ONE_SIDED and one[2] == "lower")
]


def decide(documents: Made, *rules: Tolerance) -> Decision:
    free = (Tolerance(rule=one, upper=FREE, lower=FREE) for rule in rules for one in BESIDE.get(rule.rule, ()))
    taxed = Matching(taxes=(TaxRate(percent=Decimal(10)),)) if rules[0].rule in ("tax", "tax_line") else Matching()
    policies = Policies(tolerances=Tolerances(rules=(*rules, *free)), matching=taxed)
    passed = {"receipts": NOW, "orders": NOW, "inspections": NOW}
    return decide_purchase(papers(*documents), world(SUPPLIER, watermarks=passed, policies=policies))


@pytest.mark.parametrize(("figure", "limit", "side", "step"), TABLE)
def test_an_invoice_at_the_limit_is_posted_and_a_cent_beyond_it_is_a_case(
    figure: ToleranceRule, limit: int, side: str, step: Decimal
) -> None:
    (made, type_), (settings, allowed) = FIGURES[figure], LIMITS[limit]
    actual = Decimal(200) + (allowed + step) * (1 if side == "upper" else -1)
    decision = decide(made(str(actual)), Tolerance.model_validate({"rule": figure, side: settings}))

    wanted = [type_.format(side="above" if side == "upper" else "below")] if step > 0 else []
    assert [one.type for one in decision.findings] == wanted
    assert [one.key for one in decision.intents] == ([] if wanted else ["post_invoice:S1/I-1"])


@pytest.mark.parametrize(("days", "wanted"), [(4, []), (5, []), (6, ["date_in_future"])])
def test_an_invoice_may_be_dated_ahead_up_to_the_limit(days: int, wanted: list[str]) -> None:
    told = invoice(invoiced_on=NOW.date() + timedelta(days=days))
    decision = decide((order(), receipt(), told), Tolerance(rule="date", upper=Limit(absolute=Decimal(5))))

    assert [one.type for one in decision.findings] == wanted


def test_every_figure_that_has_a_tolerance_is_in_the_table() -> None:
    assert set(get_args(ToleranceRule)) == {*FIGURES, "date"}
